#!/usr/bin/python3
"""`ouro run`: the same bits on any number of ranks, the right tables, agreement with theory. limit: 600"""
import itertools
import pathlib
import sys

import h5py
import numpy as np

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from support import program  # noqa: E402

EXPERIMENT = """\
graph: {{ file: feeds.tsv, samples: 12 }}
real: {{ nodes: real.tsv, samples: 9, kind: {kind} }}
model: {{ family: linear, dimension: 3, noise: 1.0 }}
learning: {{ generations: 6, initial: 20, draw: {draw}, replicates: 11, seed: 5 }}
partition: {{ method: {method} }}
parallel: {{ groups: 1 }}
exchange: {{ carry: {carry}, buffer: {buffer} }}
output: {{ file: {file}, parameters: true }}
"""
FIXED = dict(kind="fresh", draw="private", method="metis", carry="data", buffer="64 MiB")


def results(path):
    """Every table of a run file that does not depend on the number of ranks."""
    tables = {}
    with h5py.File(path) as file:
        def keep(name, item):
            if isinstance(item, h5py.Dataset) and not name.startswith(("timing", "axis")) and name != "node/owner":
                tables[name] = item[()]
        file.visititems(keep)
    return tables


def same(a, b):
    return a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes()


class Run(program.Case):
    def setUp(self):
        super().setUp()
        rng = np.random.default_rng(3)
        feeds = {(int(rng.integers(23)), int(rng.integers(2, 23))) for _ in range(70)} | {(5, 5), (9, 9)}
        self.write("feeds.tsv", "".join(f"{a} {b}\n" for a, b in sorted(feeds)))
        self.write("real.tsv", "node\treal\n3\t1\n7\t15\n11\t1\n")

    def experiment(self, file, **settings):
        name = pathlib.Path(file).stem + ".yaml"
        self.write(name, EXPERIMENT.format(file=file, **{**FIXED, **settings}))
        return name

    def assert_same(self, name, ranks, reference, what):
        self.works("run", self.experiment("b.h5", **name), ranks=ranks)
        tables = results(self.dir / "b.h5")
        self.assertEqual(sorted(tables), sorted(reference))
        for table in reference:
            self.assertTrue(same(tables[table], reference[table]), f"{table} differs: {what}, {ranks} ranks")

    def test_same_bits_on_any_number_of_ranks(self):
        """For both draws: reference on one rank, then ranks, carry, partition and buffer are varied."""
        for draw in ("private", "published"):
            self.works("run", self.experiment("a.h5", draw=draw))
            reference = results(self.dir / "a.h5")
            self.assertEqual(reference["trajectory/error"].shape[0], 7)
            cases = itertools.product((2, 3, 4, 7), ("data", "parameters"), ("metis", "block"))
            for ranks, carry, method in cases:
                if (ranks, method) in ((2, "block"), (4, "metis")):
                    continue
                self.assert_same(dict(draw=draw, carry=carry, method=method), ranks, reference, (carry, method))
            self.assert_same(dict(draw=draw, buffer="64 KiB"), 3, reference, "small buffer")

    def test_same_bits_for_fixed_and_initial_real_data(self):
        for kind in ("fixed", "initial"):
            self.works("run", self.experiment("a.h5", kind=kind))
            reference = results(self.dir / "a.h5")
            self.assert_same(dict(kind=kind), 3, reference, kind)

    def test_more_ranks_than_models(self):
        self.write("feeds.tsv", "3 7\n7 3\n7 11\n")
        self.works("run", self.experiment("a.h5"))
        self.assert_same({}, 7, results(self.dir / "a.h5"), "3 models")

    def test_compare_finds_a_difference(self):
        self.works("run", self.experiment("a.h5"))
        self.works("run", self.experiment("b.h5"), ranks=2)
        self.works("compare", "a.h5", "b.h5", ranks=2)
        self.works("run", self.experiment("b.h5"), "--set", "learning.seed=6")
        result = self.ouro("compare", "a.h5", "b.h5", ranks=2)
        self.assertEqual(result.status, 1)
        self.assertIn("/trajectory/error ", result.out)
        self.assertIn("differ", result.err)

    def test_simulation_agrees_with_theory(self):
        """2000 replicates; rms of z near 1: its standard error is below 0.02 for these hundreds of scores even if
        generations were fully dependent within a node, so 0.85 to 1.15 has a false-alarm rate below 1e-6."""
        result = self.works("run", self.experiment("a.h5"), "--set", "learning.replicates=2000", ranks=2)
        self.assertIn("theory: exact", result.out)
        with h5py.File(self.dir / "a.h5") as file:
            z = file["trajectory/z"][()]
            rms = file["trajectory"].attrs["z_rms"]
        z = z[np.isfinite(z)]
        self.assertAlmostEqual(float(np.sqrt(np.mean(z ** 2))), float(rms), places=9)
        self.assertTrue(0.85 < rms < 1.15, rms)
        self.assertIn(f"rms {rms:.4f}", self.works("compare", "a.h5", ranks=3).out)

    def test_a_root_is_scored_once(self):
        """It repeats the error of generation 0; so does a model without feeds whose real data are initial."""
        for kind in ("fresh", "initial"):
            self.works("run", self.experiment("a.h5", kind=kind), ranks=2)
            with h5py.File(self.dir / "a.h5") as file:
                scored = np.isfinite(file["trajectory/z"][()])
                fed, real = file["graph/in_degree"][()] > 0, file["graph/real"][()] > 0
                count = file["trajectory"].attrs["z_count"]
            trained = fed | (real if kind == "fresh" else False)
            self.assertTrue(0 < trained.sum() < len(trained))
            self.assertTrue(np.all(scored[0]))
            self.assertTrue(np.all(scored[1:] == trained))
            self.assertEqual(count, scored.sum())

    def test_stored_generations(self):
        self.works("run", self.experiment("a.h5"))
        whole = results(self.dir / "a.h5")["trajectory/error"]
        self.works("run", self.experiment("b.h5"), "--set", "output.every=4", ranks=2)
        with h5py.File(self.dir / "b.h5") as file:
            self.assertEqual(list(file["axis/generation"][()]), [0, 4, 6])
            self.assertTrue(same(file["trajectory/error"][()], whole[[0, 4, 6]]))

    def test_file_describes_itself(self):
        self.works("run", self.experiment("a.h5"), ranks=2)
        with h5py.File(self.dir / "a.h5") as file:
            self.assertEqual(file.attrs["format"], b"ouro-run")
            for name in ("created", "revision", "compiler", "flags", "libraries", "host", "command"):
                self.assertTrue(len(file.attrs[name]) > 0, name)
            self.assertEqual(file.attrs["ranks"], 2)

            def check(name, item):
                if isinstance(item, h5py.Dataset) and not name.startswith("axis"):
                    self.assertTrue(item.attrs["description"] and item.attrs["units"], name)
                    self.assertTrue(all(len(dimension) for dimension in item.dims), f"{name} has no scales")
            file.visititems(check)

    def test_used_configuration_runs_again(self):
        self.works("run", self.experiment("a.h5"))
        with h5py.File(self.dir / "a.h5") as file:
            text = file["config"].attrs["experiment"]
        self.write("again.yaml", text)
        self.works("run", "again.yaml", "--set", "output.file=b.h5")
        self.works("compare", "a.h5", "b.h5")

    def test_predict_gives_the_theory_of_run(self):
        self.works("run", self.experiment("a.h5"))
        self.works("predict", self.experiment("b.h5"), ranks=3)
        a, b = results(self.dir / "a.h5"), results(self.dir / "b.h5")
        self.assertTrue(same(a["trajectory/theory"], b["trajectory/theory"]))
        self.assertNotIn("trajectory/error", b)

    def test_existing_result_is_kept_if_asked(self):
        self.works("run", self.experiment("a.h5"))
        self.fails("run", "a.yaml", "--set", "output.exists=error", ranks=2, says=["a.h5"])

    def test_info(self):
        self.works("run", self.experiment("a.h5"))
        out = self.works("info", "a.h5", ranks=2).out
        for word in ("ouro-run", "/trajectory/error", "[7][", "seed"):
            self.assertIn(word, out)


if __name__ == "__main__":
    program.unittest.main(verbosity=0)
