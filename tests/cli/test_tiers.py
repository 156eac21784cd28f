#!/usr/bin/python3
"""Tiers of sampling (learning.sampling): what they say, refuse, move and agree with. Seeds are fixed; a z beyond 5 among fewer
than 100 has a false-alarm rate of 6e-5."""
import math
import pathlib
import sys
import unittest

import h5py
import numpy

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from support import program  # noqa: E402

# On two ranks blocks of ids split {0, 1} from {2, 3}: five feeds are cut, and each model is a ghost on the other rank.
FEEDS = "source\ttarget\tsamples\n0\t1\t40\n0\t2\t30\n1\t2\t60\n2\t1\t50\n3\t1\t45\n0\t3\t70\n3\t3\t35\n"
CUT, GHOSTS = 5, 4
EXPERIMENT = """\
graph: {file: feeds.tsv}
real: {nodes: real.tsv, samples: 25}
model: {family: linear, dimension: 3}
learning: {generations: 6, initial: 20, replicates: 400, seed: 3}
partition: {method: block}
parallel: {groups: 1}
output: {file: run.h5, parameters: true}
"""
GENERATIONS, REPLICATES, P = 6, 400, 3


class Tiers(program.Case):
    def setUp(self):
        super().setUp()
        self.write("feeds.tsv", FEEDS)
        self.write("real.tsv", "0\t1\n2\t1\n")
        self.write("run.yaml", EXPERIMENT)

    def made(self, *options, ranks=1, command="run"):
        """Data sets, and what was printed."""
        result = self.works(command, "run.yaml", *[word for option in options for word in ("--set", option)], ranks=ranks)
        with h5py.File(self.dir / "run.h5") as file:
            names = ("trajectory/error", "trajectory/error_sd", "trajectory/theory", "final/parameters", "node/verdict")
            data = {name: file[name][...] for name in names if name in file}
            data["bytes"] = int(numpy.sum(file["timing"].attrs.get("bytes_sent", 0)))
        return data, result.out

    def test_the_report_says_the_tier(self):
        for tier, theory in (("statistics", "theory: exact;"), ("limit", "theory: exact in the limit of many samples;")):
            _, out = self.made(f"learning.sampling={tier}")
            self.assertIn(f"sampling {tier}", out)
            self.assertIn(theory, out)
        self.assertNotIn("sampling", self.made()[1])

    def test_the_same_on_any_ranks_and_with_either_carry(self):
        published = ["learning.draw=published", "graph.columns=source target -"]
        for options in (["statistics"], ["statistics", *published], ["limit", *published]):
            options[0] = "learning.sampling=" + options[0]
            first, _ = self.made(*options)
            for ranks, more in ((2, ["exchange.carry=parameters"]), (5, []), (3, ["parallel.groups=3"])):
                other, _ = self.made(*options, *more, ranks=ranks)
                for name in ("trajectory/error", "trajectory/error_sd", "final/parameters", "trajectory/theory"):
                    numpy.testing.assert_array_equal(first[name], other[name], err_msg=f"{options} {ranks} {name}")

    def test_agrees_with_theory_and_with_prediction(self):
        for options in (["learning.sampling=statistics"], ["learning.sampling=limit"],
                        ["learning.sampling=limit", "real.kind=fixed", "real.weight=0.4"],
                        ["learning.sampling=limit", "learning.regime=forget", "learning.growth=0.5"]):
            data, _ = self.made(*options, "learning.replicates=4000")
            z = (data["trajectory/error"] - data["trajectory/theory"]) / (data["trajectory/error_sd"] / math.sqrt(4000))
            self.assertLess(numpy.abs(z).max(), 5, options)
            predicted, _ = self.made(*options, command="predict")
            numpy.testing.assert_array_equal(predicted["trajectory/theory"], data["trajectory/theory"])

    def test_limit_of_few_samples(self):
        """One model of 2 samples for 3 parameters, which by rows has no fit: 1/n0 + t/n exactly."""
        self.write("feeds.tsv", "source\ttarget\tsamples\n0\t0\t2\n")
        self.write("real.tsv", "0\t-\n")
        options = ("real.nodes=none", "learning.initial=1")
        self.fails("run", "run.yaml", *[w for o in options for w in ("--set", o)], status=2, says=["needs at least"])
        data, _ = self.made(*options, "learning.sampling=limit", "learning.replicates=4000")
        expected = 1 + numpy.arange(GENERATIONS + 1) / 2
        numpy.testing.assert_allclose(data["trajectory/theory"][:, 0], expected, rtol=1e-12)
        z = (data["trajectory/error"][:, 0] - expected) / (data["trajectory/error_sd"][:, 0] / math.sqrt(4000))
        self.assertLess(numpy.abs(z).max(), 5)

    def test_refusals(self):
        cases = [(["statistics", "model.family=kde"], "linear, normal-mean"), (["statistics", "model.family=huber"], "have this"),
                 (["limit", "model.family=kde"], "have this"), (["statistics", "learning.regime=subsample"], "only `rows` has"),
                 (["limit", "learning.regime=subsample"], "only `rows` has"),
                 (["limit", "exchange.carry=data"], "no data to carry"), (["limit", "model.ridge=0.5"], "model.ridge"),
                 (["statistics", "model.family=gaussian", "model.top_p=0.5"], "model.top_p"),
                 (["limit", "model.family=gaussian", "model.temperature=0.5"], "model.temperature"),
                 (["limit", "model.family=categorical", "model.top_k=3"], "model.top_k"),
                 (["limit", "model.family=categorical", "model.smoothing=1"], "model.smoothing"),
                 (["statistic"], "did you mean `statistics`")]
        for options, words in cases:
            arguments = ["--set", f"learning.sampling={options[0]}"] + [w for o in options[1:] for w in ("--set", o)]
            if any("model.family" in o for o in options) and not any("gaussian" in o or "kde" in o or "huber" in o for o in options):
                self.write("run.yaml", EXPERIMENT.replace(", dimension: 3", ""))
            for command in ("run", "predict"):
                self.fails(command, "run.yaml", *arguments, status=2, says=[words])
            self.write("run.yaml", EXPERIMENT)

    def test_noise_of_a_robust_model(self):
        """Residuals of other noise weigh otherwise beyond the threshold: fits are then no weighted means."""
        self.write("real.tsv", "node\treal\tnoise\n0\t1\t2\n")
        self.works("run", "run.yaml", "--set", "learning.sampling=limit")
        self.fails("run", "run.yaml", "--set", "learning.sampling=limit", "--set", "model.family=huber", status=2, says=["noise"])

    def test_bytes(self):
        """A statistic of X'X, X'y is P (P + 1) / 2 + P numbers, whatever the samples; a model P."""
        unit = 8 * REPLICATES * GENERATIONS
        statistics, _ = self.made("learning.sampling=statistics", ranks=2)
        self.assertEqual(statistics["bytes"], unit * CUT * self.width())
        for options in (["learning.sampling=limit"], ["learning.sampling=statistics", "exchange.carry=parameters"]):
            self.assertEqual(self.made(*options, ranks=2)[0]["bytes"], unit * GHOSTS * P)

    def width(self):
        return P * (P + 1) // 2 + P

    def test_small_buffers(self):
        """The refusal says what is enough, and enough gives the same bits."""
        whole, _ = self.made("learning.sampling=statistics")
        result = self.fails("run", "run.yaml", "--set", "learning.sampling=statistics", "--set", "exchange.buffer=1B", ranks=2,
                            says=["exchange.buffer"])
        needed = result.err.split("at least ")[1].split(" KiB")[0]
        least, _ = self.made("learning.sampling=statistics", f"exchange.buffer={needed}KiB", ranks=2)
        numpy.testing.assert_array_equal(whole["final/parameters"], least["final/parameters"])


if __name__ == "__main__":
    unittest.main()
