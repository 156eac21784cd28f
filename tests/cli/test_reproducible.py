#!/usr/bin/python3
"""Theory gives the same bits on 1, 2, 3 and 4 ranks, whoever owns what; the parts that ScaLAPACK adds up agree to
1e-12, as the README says. limit: 600"""
import pathlib
import sys

import h5py
import numpy as np

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from support import program  # noqa: E402

CASES = ((1, "block"), (2, "metis"), (2, "block"), (3, "metis"), (4, "block"), (4, "metis"))
FEWER = ((2, "metis"), (3, "block"), (4, "metis"))
CLOSE = 1e-12


def tables(path):
    """Every table of a run file but who owned what and how long it took."""
    found = {}
    with h5py.File(path) as file:
        def keep(name, item):
            if isinstance(item, h5py.Dataset) and not name.startswith("timing") and name != "node/owner":
                found[name] = item[()]
        file.visititems(keep)
    return found


def by_scalapack(messages):
    """Tables that ScaLAPACK made, from the messages of a run: the rest must agree bit by bit."""
    modes = [line for line in messages.splitlines() if "modes:" in line and "on every rank" not in line]
    names = {"modes/value", "modes/share", "modes/vector"} if modes else set()
    if "plateau: doubling:" in messages:
        names.add("node/plateau")
    if "dense engine" in messages:
        names |= {"trajectory/theory", "summary/theory_mean", "summary/theory_max"}
    return names


class Reproducible(program.Case):
    def experiment(self, graph, *more):
        """An experiment of 2 parameters a model on a graph, with further lines."""
        lines = [f"graph: {graph}", "output: { file: out.h5 }", *more]
        if not any(line.startswith("model:") for line in more):
            lines.append("model: { dimension: 2 }")
        self.write("x.yaml", "\n".join(lines) + "\n")

    def assert_close(self, name, one, other, what):
        """Equal to 1e-12; modes to that of the largest, and the vectors of those that stand alone, whose eigenvalues
        are 1e-4 of the largest apart or more here, to 1e-8."""
        reference, table = one[name], other[name]
        self.assertEqual((table.dtype, table.shape), (reference.dtype, reference.shape), what)
        np.testing.assert_array_equal(np.isnan(table), np.isnan(reference), what)
        if name == "modes/vector":
            gaps = np.abs(np.diff(one["modes/value"])) / one["modes/value"][0]
            apart = np.append(gaps, 0) > 1e-4
            apart[1:] &= gaps > 1e-4
            self.assertTrue(apart.any(), what)
            np.testing.assert_allclose(table[apart], reference[apart], atol=1e-8, err_msg=what)
        elif name.startswith("modes/"):
            np.testing.assert_allclose(table, reference, atol=CLOSE * reference[0], rtol=0, err_msg=what)
        else:
            np.testing.assert_allclose(table, reference, rtol=CLOSE, err_msg=what)

    def same_predictions(self, *settings, cases=FEWER, limit=200):
        """Predict in all cases; returns the tables of one rank, the messages, and what was compared to 1e-12."""
        words = [word for setting in settings for word in ("--set", setting)]
        reference = messages = printed = None
        loose = set()
        for ranks, method in ((1, "metis"), *cases):
            result = self.works("predict", "x.yaml", *words, "--set", f"partition.method={method}", ranks=ranks,
                                limit=limit)
            found = tables(self.dir / "out.h5")
            if reference is None:
                reference, messages, printed = found, result.err, result.out
                loose = by_scalapack(messages)
                continue
            self.assertEqual(sorted(found), sorted(reference))
            for name, table in reference.items():
                what = f"{name} on {ranks} ranks, {method}"
                if name in loose:
                    self.assert_close(name, reference, found, what)
                else:
                    self.assertEqual((found[name].dtype, found[name].shape), (table.dtype, table.shape), what)
                    self.assertEqual(found[name].tobytes(), table.tobytes(), what)
            self.assertEqual(result.out, printed)
        return reference, messages, {name for name in loose & set(reference) if not name.startswith("modes/")}

    def same_output(self, *arguments, limit=120):
        one = self.works(*arguments, limit=limit).out
        for ranks in (2, 3, 4):
            self.assertEqual(one, self.works(*arguments, ranks=ranks, limit=limit).out, f"{arguments} on {ranks}")
        return one

    def test_language_models(self):
        """Everything at once: trajectories, rates, plateau, eigenvalues, walks; then what advice follows."""
        for name in ("llm-feeds.tsv", "llm-models-deepseek-withdrawn.tsv"):
            self.write(name, (program.ROOT / "jobs/llm" / name).read_bytes())
        for draw, kind in (("private", "fresh"), ("private", "fixed"), ("published", "initial")):
            self.experiment("{ file: llm-feeds.tsv, samples: 30 }",
                            f"real: {{ nodes: llm-models-deepseek-withdrawn.tsv, samples: 25, kind: {kind} }}",
                            f"learning: {{ generations: 20, initial: 40, draw: {draw} }}")
            table, _, loose = self.same_predictions("theory.spectrum=true", "theory.dual=4", "theory.modes=5",
                                                      cases=CASES if kind == "fresh" else FEWER)
            self.assertTrue({"trajectory/theory", "node/rate", "node/plateau", "spectrum/real",
                             "modes/vector"} <= set(table))
            self.assertFalse(loose)
        self.experiment("{ file: llm-feeds.tsv, samples: 30 }",
                        "real: { nodes: llm-models-deepseek-withdrawn.tsv, samples: 25 }",
                        "learning: { generations: 20, initial: 40 }")
        self.same_output("advise", "x.yaml", "--budget", "3", "--tsv")
        self.same_output("advise", "x.yaml", "--budget", "1", "--set", "partition.method=block")
        for form in ("--tsv", "--json"):
            self.same_output("verdict", "llm-feeds.tsv", "--real", "llm-models-deepseek-withdrawn.tsv", form)

    def test_email_network(self):
        """1005 models, 26 unstable sources: rates of those that collapse; with real data everywhere, plateaus."""
        path = self.data("email-Eu-core.txt")
        self.same_output("verdict", path, "--tsv")
        self.same_output("verdict", path, "--json")
        self.experiment(f"{{ file: '{path}', samples: 20 }}", "learning: { generations: 4, initial: 40 }")
        table, _, _ = self.same_predictions("theory.dual=10")
        self.assertEqual((table["node/verdict"] == 2).sum(), 991)
        self.experiment(f"{{ file: '{path}', samples: 20 }}", "real: { nodes: all, samples: 600 }",
                        "learning: { generations: 4, initial: 40 }")
        table, _, _ = self.same_predictions("graph.samples=2")
        self.assertTrue(np.isfinite(table["node/plateau"]).all())

    def test_peer_to_peer_network(self):
        """6301 models, all of them frozen below 80 roots, or collapsing below one that is none."""
        path = self.data("p2p-Gnutella08.txt")
        self.write("g.txt", path.read_text() + "1200 1200\n")
        self.same_output("verdict", "g.txt", "--tsv")
        self.experiment("{ file: g.txt, samples: 20 }", "learning: { generations: 1, initial: 40 }",
                        "theory: { plateau: false }")
        table, _, _ = self.same_predictions()
        self.assertEqual((table["node/verdict"] == 2).sum(), 6046)
        self.assertTrue((table["node/rate"][table["node/verdict"] == 2] > 0).all())

    def test_dense_engine(self):
        """600 models on all of them, R14: pdgemm adds up in the order of its grid."""
        self.experiment("{ generate: { kind: complete, nodes: 600, self_loops: true }, samples: 1 }",
                        "learning: { generations: 6, initial: 40 }")
        table, messages, loose = self.same_predictions()
        self.assertIn("dense engine", messages)
        self.assertIn("trajectory/theory", loose)
        self.works("predict", "x.yaml", "--set", "output.file=other.h5")
        self.works("compare", "out.h5", "other.h5", "--tolerance", str(CLOSE), ranks=2)
        n, p = 600, 2
        self.assertAlmostEqual(table["node/rate"][0] * 600 * (n - p - 1), 1, places=9)

    def test_doubling(self):
        """300 models on all of them beside few real samples: the recursion would take 10^4 generations."""
        self.experiment("{ generate: { kind: complete, nodes: 300, self_loops: true }, samples: 100 }",
                        "real: { nodes: all, samples: 10 }", "learning: { generations: 1, initial: 40 }")
        table, messages, loose = self.same_predictions("theory.modes=2")
        self.assertIn("plateau: doubling on every rank:", messages)
        self.assertIn("modes/vector", table)
        self.assertFalse(loose)
        self.assertTrue(np.isfinite(table["node/plateau"]).all())

    def test_doubling_on_a_grid(self):
        """1100 means on all of them, half of their data real: n = 2200, P = (1/2200) J, and C = d I + e J with
        d = 1/n, e = d / (4 N (1 - 1/4))."""
        self.experiment("{ generate: { kind: complete, nodes: 1100, self_loops: true }, samples: 1 }",
                        "model: { family: normal-mean, dimension: 1 }",
                        "real: { nodes: all, samples: 1100 }", "learning: { generations: 1, initial: 40 }")
        table, messages, loose = self.same_predictions("theory.exact=always")
        self.assertIn("plateau: doubling:", messages)
        self.assertIn("node/plateau", loose)
        np.testing.assert_allclose(table["node/plateau"], (1 + 1 / (3 * 1100)) / 2200, rtol=1e-12)


if __name__ == "__main__":
    program.unittest.main(verbosity=0)
