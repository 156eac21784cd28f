#!/usr/bin/python3
"""Models that differ: the columns initial, noise and every of the node file, and learning.growth. Seeds are fixed; a z beyond 5 among
fewer than 100 has a false-alarm rate of 6e-5."""
import math
import pathlib
import sys
import unittest

import h5py
import numpy

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from support import program  # noqa: E402

FEEDS = "source\ttarget\tsamples\n0\t1\t20\n1\t1\t20\n1\t2\t25\n2\t3\t25\n3\t2\t25\n2\t0\t25\n"
NODES = "node\treal\tinitial\tnoise\tevery\n0\t10\t40\t0.5\n1\t0\t-\t2\t3\n3\t5\t-\t-\t2\n"
TABLES = ("trajectory/error", "trajectory/error_sd", "trajectory/theory", "node/verdict")


class Schedule(program.Case):
    def setUp(self):
        super().setUp()
        self.write("feeds.tsv", FEEDS)
        self.write("nodes.tsv", NODES)
        self.write("x.yaml", "graph: {file: feeds.tsv}\nreal: {nodes: nodes.tsv, samples: 10}\n"
                             "model: {family: linear, dimension: 2}\n"
                             "learning: {generations: 8, initial: 30, growth: 0.5, replicates: 2000, seed: 3}\n"
                             "output: {file: x.h5}\n")

    def run_file(self, *options, ranks=1, command="run"):
        done = self.works(command, "x.yaml", *[word for option in options for word in ("--set", option)], ranks=ranks)
        with h5py.File(self.dir / "x.h5") as file:
            made = {name: file[name][...] for name in TABLES if name in file}
            return done, made, {name: file["graph"][name][...] for name in ("initial", "noise", "every") if name in file["graph"]}

    def test_agreement(self):
        """Simulation and theory; a model keeps its error where it is not retrained."""
        _, made, graph = self.run_file()
        z = (made["trajectory/error"] - made["trajectory/theory"]) / (made["trajectory/error_sd"] / math.sqrt(2000))
        self.assertLess(numpy.abs(z).max(), 5)
        kept = made["trajectory/error"]
        self.assertEqual(kept[0, 1], kept[2, 1])
        self.assertNotEqual(kept[2, 1], kept[3, 1])
        self.assertEqual(kept[2, 3], kept[3, 3])
        self.assertNotEqual(kept[1, 3], kept[2, 3])
        self.assertEqual(graph["every"].tolist(), [1, 3, 1, 2])
        self.assertEqual(graph["initial"].tolist(), [40, 0, 0, 0])
        self.assertEqual(graph["noise"][:2].tolist(), [0.5, 2])
        self.assertTrue(numpy.isnan(graph["noise"][2:]).all())

    def test_same_on_any_ranks(self):
        options = ("learning.replicates=5", "learning.generations=5")
        _, one, _ = self.run_file(*options)
        for more, ranks in (((), 3), (("exchange.carry=parameters",), 2), (("partition.method=block",), 5)):
            _, made, _ = self.run_file(*options, *more, ranks=ranks)
            for name in TABLES:
                self.assertTrue(numpy.array_equal(one[name], made[name]), name)

    def test_what_growth_means(self):
        self.write("nodes.tsv", "0\t0\n")  # no real data: all collapse, unless sizes grow fast
        for growth, collapsing, says in (("0", 4, ""), ("0.5", 4, "sum of 1/n_t is infinite"),
                                         ("1", 4, "sum of 1/n_t is infinite"), ("1.5", 0, "sum of 1/n_t is finite")):
            done, made, _ = self.run_file(f"learning.growth={growth}", command="predict")
            self.assertEqual((made["node/verdict"] == 2).sum(), collapsing)
            self.assertIn(says, done.err)

    def test_nothing_that_rests_on_steady_counts(self):
        done, made, _ = self.run_file("theory.modes=2", command="predict")
        for part in ("rates: none", "plateau: sample counts change", "modes: sample counts change"):
            self.assertIn(part, done.err)
        with h5py.File(self.dir / "x.h5") as file:
            self.assertFalse({"rate", "plateau"} & set(file["node"]))
        words = ["sample counts change with the generation"]
        self.fails("predict", "x.yaml", "--set", "theory.dual=2", ranks=2, says=words)
        self.fails("advise", "x.yaml", ranks=2, says=words)
        self.assertIn("rates: none", self.works("verdict", "feeds.tsv", "--real", "nodes.tsv").err)

    def test_refused(self):
        self.fails("run", "x.yaml", "--set", "model.family=gaussian", ranks=2, status=2, says=["column noise", "gaussian"])
        self.fails("run", "x.yaml", "--set", "learning.growth=-1", status=2, says=["learning.growth"])
        self.fails("run", "x.yaml", "--set", "learning.growth=10", "--set", "learning.generations=1000000",
                   "--set", "learning.replicates=1", ranks=2, says=["more training samples than can be counted"])
        self.write("nodes.tsv", "node initial\n1 3\n")
        self.fails("run", "x.yaml", ranks=2, says=["node 1", "3 initial real samples", "at least 4"])


if __name__ == "__main__":
    unittest.main()
