#!/usr/bin/python3
"""`ouro plan` says beforehand what /timing of a run says afterwards; its output, its calibration, and what it refuses."""
import json
import pathlib
import sys

import h5py

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from support import program  # noqa: E402

EXPERIMENT = """\
graph: { generate: { kind: k-in-regular, nodes: 600, degree: 5 }, samples: 70 }
real: { fraction: 0.2 }
model: { family: normal-mean, dimension: 3 }
learning: { generations: 3, replicates: 3 }
theory: { exact: none, plateau: false, rates: false }
output: { file: run.h5 }
"""
MODES = [(), ("exchange.carry=parameters",), ("learning.draw=published",), ("learning.sampling=statistics",),
         ("learning.sampling=limit",), ("learning.growth=0.5", "learning.draw=published"),
         ("partition.method=block", "exchange.buffer=64 KiB")]


def settings(mode):
    return [word for setting in mode for word in ("--set", setting)]


class Plan(program.Case):
    def setUp(self):
        super().setUp()
        self.write("x.yaml", EXPERIMENT)

    def plan(self, *words, ranks=1):
        return json.loads(self.works("plan", "x.yaml", "--json", *words, ranks=ranks).out)

    def test_bytes_are_those_of_the_run(self):
        for mode in MODES:
            self.works("run", "x.yaml", *settings(mode), ranks=3)
            with h5py.File(self.dir / "run.h5") as file:
                timing = dict(file["timing"].attrs)
            sent = self.plan("--ranks", 3, *settings(mode))["rank"]["bytes_run"]
            self.assertEqual((sent["total"], sent["max"]), (timing["bytes_sent"], timing["bytes_sent_largest"]), mode)
            self.assertGreater(sent["total"], 0)

    def test_groups(self):
        """As many as the run forms, of which each sends what its replicates do."""
        for more in ("parallel.groups=2", "parallel.groups=auto"):
            words = settings((more, "learning.replicates=20"))
            self.works("run", "x.yaml", *words, ranks=4)
            with h5py.File(self.dir / "run.h5") as file:
                timing, groups = dict(file["timing"].attrs), file.attrs["groups"]
            plan = self.plan("--ranks", 4, *words)
            sent = plan["rank"]["bytes_run"]
            self.assertEqual((plan["groups"], sent["total"], sent["max"]),
                             (groups, timing["bytes_sent"], timing["bytes_sent_largest"]))
        self.fails("plan", "x.yaml", "--ranks", 3, "--set", "parallel.groups=2", status=2, says=["parallel.groups"])

    def test_the_same_on_any_number_of_ranks(self):
        alone = self.works("plan", "x.yaml", "--ranks", 7, "--tsv").out
        self.assertEqual(self.works("plan", "x.yaml", "--ranks", 7, "--tsv", ranks=3).out, alone)
        rows = [line.split("\t") for line in alone.splitlines()]
        self.assertEqual(len(rows), 8)
        self.assertEqual({len(row) for row in rows}, {len(rows[0])})
        nodes = rows[0].index("nodes")
        self.assertEqual(sum(float(row[nodes]) for row in rows[1:]), 600)

    def test_text_says_what_it_assumes(self):
        out = self.works("plan", "x.yaml", "--ranks", 2).out
        for words in ("600 models, 3000 feeds on 2 ranks", "bytes sent", "memory of a rank", "assumed", "built in"):
            self.assertIn(words, out)
        self.assertNotIn("warning", out)

    def test_warns_of_memory_and_buffer(self):
        self.write("small", "memory = 1e6\nranks = 2\n")
        plan = self.plan("--ranks", 2, "--machine", "small")
        self.assertFalse(plan["fits"])
        out = self.works("plan", "x.yaml", "--ranks", 2, "--machine", "small", "--set", "exchange.buffer=100 B").out
        self.assertIn("it will not fit", out)
        self.assertIn("exchange.buffer must be at least", out)

    def test_time_follows_from_the_rates(self):
        """One rank, nothing but drawing: seconds are counts times nanoseconds."""
        self.write("m", "write = 1e30\ncache = 1e30\nnormal-mean.rows.3 = 100 0 0 0 0 0\n")
        train = self.plan("--ranks", 1, "--machine", "m", "--set", "real.fraction=0")["rank"]["train"]["max"]
        self.assertAlmostEqual(train, 3 * 600 * 5 * 70 * 100e-9, places=12)

    def test_without_the_graph(self):
        """What is assumed of a graph is near what is counted of it, where the assumption holds."""
        block = ("--ranks", 4, "--set", "partition.method=block")
        counted, assumed = self.plan(*block)["rank"], self.plan(*block, "--cut", 0.75, "--neighbours", 3)
        self.assertTrue(assumed["assumed"])
        for figure in ("nodes", "feeds", "ghosts", "samples", "bytes_sent", "memory_models", "train", "generation"):
            ratio = assumed["rank"][figure]["mean"] / counted[figure]["mean"]
            self.assertTrue(0.93 < ratio < 1.07, (figure, ratio))
        huge = self.plan("--ranks", 10000, "--cut", 0.1, "--neighbours", 30, "--set", "graph.generate.nodes=125000000")
        self.assertEqual(huge["feeds"], 625e6)

    def test_calibration(self):
        for ranks in (1, 2):
            self.works("plan", "--calibrate", "x.yaml", "-o", "machine", ranks=ranks)
            text = (self.dir / "machine").read_text()
            for line in ("bandwidth = ", "normal-mean.rows.3 = ", "normal-mean.statistics.3 = ", "normal-mean.limit.3 = "):
                self.assertIn(line, text)
            self.assertIn("measured for models of this size",
                          self.works("plan", "x.yaml", "--machine", "machine", "--ranks", 2).out)
            self.assertEqual(sorted(p.name for p in self.dir.iterdir()), ["machine", "x.yaml"])

    def test_time_is_sane(self):
        """Within a factor of ten, since tests share their cores with others; `make bench` has the real comparison."""
        self.works("plan", "--calibrate", "x.yaml", "-o", "machine")
        more = settings(("graph.generate.nodes=4000", "learning.generations=10"))
        self.works("run", "x.yaml", *more)
        with h5py.File(self.dir / "run.h5") as file:
            phases = [name.decode() for name in file["axis/phase"][()]]
            measured = file["timing/seconds"][phases.index("train"), 1]
        rank = self.plan("--machine", "machine", "--ranks", 1, *more)["rank"]
        predicted = rank["first"]["max"] + 10 * rank["train"]["max"]
        self.assertTrue(0.1 < measured / predicted < 10, (measured, predicted))

    def test_refused(self):
        self.fails("plan", "x.yaml", "--machine", "nowhere", says=["nowhere: No such file"])
        self.write("bad", "latency = 1\nspeed = 3\n")
        for ranks in (1, 2):
            self.fails("plan", "x.yaml", "--machine", "bad", ranks=ranks, says=["bad:2: `speed` is no key"])
        self.write("feeds.tsv", "a b\nb a\n")
        self.write("file.yaml", "graph: { file: feeds.tsv }\n")
        self.fails("plan", "file.yaml", "--cut", "0.5", status=2, says=["graph.generate"])
        self.fails("plan", "--calibrate", "x.yaml", "-o", "no/where", says=["no/where"])
        for words in (["--ranks", "0"], ["--cut", "2"], ["--neighbours", "3"], ["-o", "x"], ["--calibrate", "--json"]):
            self.assertEqual(self.ouro("plan", "x.yaml", *words).status, 2, words)
        self.assertEqual(self.ouro("plan").status, 2)


if __name__ == "__main__":
    program.unittest.main(verbosity=0)
