#!/usr/bin/python3
"""Samples that are kept, learning.regime accumulate and forget (THEORY.md section 8), and real.weight. Seeds are fixed; where runs are
scored against theory a z beyond 5 among fewer than 100 has a false-alarm rate of 6e-5."""
import math
import pathlib
import sys
import unittest

import h5py
import numpy

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from support import program  # noqa: E402

FEEDS = "source\ttarget\tsamples\n0\t0\t10\n1\t0\t10\n0\t1\t15\n2\t1\t5\n1\t3\t20\n3\t3\t20\n"
REAL = "0\t10\n1\t0\n2\t0\n3\t0\n"


class Regimes(program.Case):
    def setUp(self):
        super().setUp()
        self.write("feeds.tsv", FEEDS)
        self.write("real.tsv", REAL)
        self.write("mean.yaml", "graph: {file: feeds.tsv}\nreal: {nodes: real.tsv, samples: 10}\n"
                                "model: {family: normal-mean, dimension: 1}\n"
                                "learning: {generations: 12, initial: 20, replicates: 4000, seed: 7}\n"
                                "output: {file: mean.h5}\n")

    def run_file(self, *options, ranks=1):
        self.works("run", "mean.yaml", *[word for option in options for word in ("--set", option)], ranks=ranks)
        with h5py.File(self.dir / "mean.h5") as file:
            return {name: file[name][...] for name in ("trajectory/error", "trajectory/error_sd", "trajectory/theory",
                                                       "node/verdict", "final/parameters") if name in file}

    def agree(self, *options):
        made = self.run_file(*options)
        z = (made["trajectory/error"] - made["trajectory/theory"]) / (made["trajectory/error_sd"] / math.sqrt(4000))
        trained = z[:, [0, 1, 3]]  # the root repeats its first error
        self.assertLess(numpy.abs(trained).max(), 5)
        return made

    def test_accumulate(self):
        """Nothing collapses: the loop of node 3 alone is anchored through node 1."""
        made = self.agree("learning.regime=accumulate")
        self.assertEqual(made["node/verdict"].tolist(), [0, 0, 1, 0])

    def test_forget(self):
        for forget in ("0", "0.5", "0.9", "1"):
            self.agree("learning.regime=forget", f"learning.forget={forget}")

    def test_forget_fixed(self):
        self.agree("learning.regime=forget", "learning.forget=0.7", "real.kind=fixed")

    def test_weight(self):
        """Real data of a weight of their own, fresh and fixed, private and published, kept or not."""
        self.agree("real.weight=0.2")
        self.agree("real.weight=0.8", "real.kind=fixed")
        self.agree("real.weight=0.3", "learning.regime=forget")
        self.write("feeds.tsv", "source\ttarget\tsamples\n0\t0\t10\n1\t0\t20\n0\t1\t10\n2\t1\t5\n1\t3\t20\n3\t3\t20\n")
        self.agree("real.weight=0.4", "learning.draw=published")

    def test_golden_ratio(self):
        """R10: as many synthetic as real samples; weight 0.618.. leaves that share of one fit's error."""
        self.write("feeds.tsv", "source\ttarget\tsamples\n0\t0\t10\n")
        self.write("real.tsv", "0\t10\n")
        golden = (math.sqrt(5) - 1) / 2
        self.works("predict", "mean.yaml", "--set", f"real.weight={golden!r}")
        with h5py.File(self.dir / "mean.h5") as file:
            self.assertAlmostEqual(file["node/plateau"][0], golden / 10, delta=1e-12)

    def test_same_share(self):
        """A weight that is the share of real data changes rounding at most."""
        self.write("feeds.tsv", "source\ttarget\tsamples\n0\t0\t10\n0\t1\t10\n")
        self.write("real.tsv", "0\t10\n1\t10\n")
        plain = self.run_file("learning.replicates=5")
        weighted = self.run_file("learning.replicates=5", "real.weight=0.5")
        for name in ("trajectory/error", "trajectory/theory"):
            numpy.testing.assert_allclose(plain[name], weighted[name], rtol=1e-9)

    def test_ends(self):
        """forget 0 is replace and forget 1 is accumulate, bit by bit."""
        for word, value in (("replace", "0"), ("accumulate", "1")):
            one = self.run_file(f"learning.regime={word}", "learning.replicates=3")
            other = self.run_file("learning.regime=forget", f"learning.forget={value}", "learning.replicates=3")
            for name in one:
                self.assertEqual(one[name].tobytes(), other[name].tobytes(), f"{word}: {name}")

    def test_one_model(self):
        """R13 and section 8: one mean that accumulates its own samples has variance (1/n) sum 1/g^2."""
        self.write("feeds.tsv", "source\ttarget\tsamples\n0\t0\t20\n")
        self.write("real.tsv", "")
        made = self.run_file("learning.regime=accumulate", "real.nodes=none")
        expected = numpy.cumsum([1 / (20 * g * g) for g in range(1, 14)])
        numpy.testing.assert_allclose(made["trajectory/theory"][:, 0], expected, rtol=1e-12)

    def test_same_bits(self):
        """Any number of ranks, private and published draws, data and parameters carried."""
        for draw in ("private", "published"):
            if draw == "published":
                self.write("feeds.tsv", "source\ttarget\tsamples\n0\t0\t10\n1\t0\t20\n0\t1\t10\n2\t1\t5\n1\t3\t20\n")
            common = (f"learning.draw={draw}", "learning.regime=forget", "learning.forget=0.6", "learning.replicates=5",
                      "real.weight=0.4", "output.parameters=true")
            first = self.run_file(*common)
            for ranks, carry in ((2, "data"), (3, "parameters"), (4, "data")):
                again = self.run_file(*common, f"exchange.carry={carry}", ranks=ranks)
                for name in first:
                    self.assertEqual(first[name].tobytes(), again[name].tobytes(), f"{draw} {ranks} {carry}: {name}")

    def test_regression_is_first_order(self):
        self.write("mean.yaml", "graph: {generate: {kind: ring, nodes: 4}, samples: 400}\n"
                                "model: {family: linear, dimension: 2}\n"
                                "learning: {generations: 6, initial: 400, replicates: 2000, regime: accumulate}\n"
                                "output: {file: mean.h5}\n")
        made = self.run_file()
        ratio = made["trajectory/error"].mean(axis=1) / made["trajectory/theory"].mean(axis=1)
        # 8000 errors of 2 parameters each: 1.1 % a generation; 5 of them, and p / n a generation besides
        self.assertLess(numpy.abs(ratio - 1).max(), 5 * 0.011 + 7 * 2 / 400)


if __name__ == "__main__":
    unittest.main()
