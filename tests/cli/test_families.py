#!/usr/bin/python3
"""Every family runs: same bits on any ranks, theory beside it, what was stored runs again, bad keys are named. limit: 600"""
import pathlib
import sys

import h5py
import numpy as np

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from support import program  # noqa: E402

# Two communities: an unstable loop a, b with a follower, and a chain with real data; a root.
GRAPH = "source\ttarget\tsamples\n" + "".join(f"{s}\t{t}\t12\n" for s, t in (
    "ab", "ba", "bb", "bc", "dd", "de", "ef", "fd", "cf", "re"))
FAMILIES = {
    "normal-mean": "dimension: 3",
    "poisson": "mean: 40",
    "bernoulli": "mean: 0.2",
    "exponential": "mean: 2",
    "gaussian": "dimension: 3, covariates: ar1, correlation: 0.4",
    "gaussian unbiased": "dimension: 2, variance: unbiased",
    "categorical": "categories: 9, probabilities: zipf, exponent: 0.8",
    "categorical file": "probabilities: p.txt",
    "categorical smoothed": "smoothing: 0.5",
    "categorical shaped": "temperature: 0.8, top_k: 7, top_p: 0.9",
    "logistic": "dimension: 2",
    "poisson-regression": "dimension: 2, covariates: ar1",
    "kde": "dimension: 2, bandwidth: 0.5, points: 60",
    "kde scott": "points: 60",
    "mixture": "dimension: 2, components: 2, separation: 9",
    "huber": "dimension: 3, noise: 2, threshold: 2, covariates: power",
}
UNKNOWN = ("categorical smoothed", "categorical shaped", "mixture")
FIRST_ORDER = ("logistic", "poisson-regression", "huber")
SHARES = (*FIRST_ORDER, "mixture", "bernoulli")


class Families(program.Case):
    def experiment(self, name, more="", learning=""):
        keys = FAMILIES.get(name, "")
        self.write("g.tsv", GRAPH)
        self.write("p.txt", "5\n1\n1\n3\n")
        self.write("real.tsv", "d\t6\n")
        self.write("x.yaml", "graph: { file: g.tsv }\nreal: { nodes: real.tsv }\n"
                   f"model: {{ family: {name.split()[0]}{', ' if keys else ''}{keys}{more} }}\n"
                   f"learning: {{ generations: 8, initial: 12, replicates: 200{learning} }}\noutput: {{ parameters: true }}\n")

    def run_file(self, *settings, ranks=1, experiment="x.yaml"):
        words = [word for setting in settings for word in ("--set", setting)]
        result = self.works("run", experiment, *words, "--set", f"output.file=out{ranks}.h5", ranks=ranks)
        with h5py.File(self.dir / f"out{ranks}.h5") as file:
            tables = {name: file[name][()] for name in ("trajectory/error", "trajectory/error_sd", "final/parameters")}
            tables["theory"] = file["trajectory/theory"][()] if "trajectory/theory" in file else None
            tables["z"] = file["trajectory/z"][()] if "trajectory/z" in file else None
            tables["config"] = file["config"].attrs["experiment"].decode()
            tables["units"] = file["trajectory/error"].attrs["units"].decode()
        return tables, result

    def test_same_bits_and_theory(self):
        """Ranks, carries and partitions change nothing; scores below 6 (200 replicates of skewed errors: below 1e-3)."""
        for name in FAMILIES:
            for draw, ranks, how in (("private", 2, ["parallel.groups=1"]),
                                     ("published", 3, ["exchange.carry=parameters", "partition.method=block",
                                                       "parallel.groups=1"])):
                with self.subTest(name, draw=draw):
                    self.experiment(name, learning=f", draw: {draw}")
                    first, result = self.run_file()
                    other, _ = self.run_file(*how, ranks=ranks)
                    for table in ("trajectory/error", "trajectory/error_sd", "final/parameters"):
                        self.assertEqual(first[table].tobytes(), other[table].tobytes(), table)
                    self.assertTrue(np.all(np.isfinite(first["trajectory/error"])))
                    if name in UNKNOWN:
                        self.assertIsNone(first["theory"])
                        self.assertIn("theory: none", result.out)
                    elif name in FIRST_ORDER:
                        self.assertIn("theory: first order", result.out)
                    else:
                        self.assertLess(np.nanmax(np.abs(first["z"])), 6)
                        self.assertIn("theory: exact", result.out)
                    self.assertEqual(first["units"], "1" if "categorical" in name or name in SHARES else "sample^2")

    def test_what_was_stored_runs_again(self):
        for name in FAMILIES:
            with self.subTest(name):
                self.experiment(name)
                first, _ = self.run_file()
                self.write("again.yaml", first["config"])
                again, _ = self.run_file(experiment="again.yaml")
                self.assertEqual(first["final/parameters"].tobytes(), again["final/parameters"].tobytes())

    def test_models_that_lost_something_for_good(self):
        """Two models on each other, 4 samples each, 400 generations: fixation, a point, extinction of most (a critical branching
        process, THEORY.md section 12, R8: 1 in 100 chains survives, so that half of 100 dies for sure)."""
        for name, keys, gone in (("bernoulli", "mean: 0.3", lambda p: np.all((p == 0) | (p == 1))),
                                 ("poisson", "mean: 0.5", lambda p: np.mean(p == 0) > 0.5),
                                 ("categorical", "categories: 5", lambda p: np.all((p == 0) | (p == 1))),
                                 ("gaussian", "dimension: 1", lambda p: np.all(p[:, :, 1] == 0))):
            with self.subTest(name):
                self.write("g.tsv", "source\ttarget\tsamples\na\tb\t4\nb\ta\t4\n")
                self.write("x.yaml", f"graph: {{ file: g.tsv }}\nmodel: {{ family: {name}, {keys} }}\n"
                                     "learning: { generations: 400, initial: 4, replicates: 50 }\noutput: { parameters: true }\n")
                tables, _ = self.run_file(ranks=2)
                self.assertTrue(np.all(np.isfinite(tables["final/parameters"])))
                self.assertTrue(gone(tables["final/parameters"]), tables["final/parameters"])

    def test_models_that_stall(self):
        """Labels collapse: in the end no model has both classes on both sides, which is said and stored, and nothing is NaN."""
        self.write("g.tsv", "source\ttarget\tsamples\na\tb\t8\nb\ta\t8\nb\tc\t100\nr\td\t1000\n")
        self.write("x.yaml", "graph: { file: g.tsv }\nmodel: { family: logistic, dimension: 2 }\n"
                             "learning: { generations: 30, initial: 200, replicates: 20 }\noutput: { parameters: true }\n")
        stored = []
        for ranks in (1, 3):
            tables, result = self.run_file(ranks=ranks)
            self.assertTrue(np.all(np.isfinite(tables["final/parameters"])) and np.all(np.isfinite(tables["trajectory/error"])))
            self.assertIn("3 models stalled: classes were separated; ", result.out)
            self.assertIn("a model without a fit keeps its parameters", result.out)
            with h5py.File(self.dir / f"out{ranks}.h5") as file:
                stored.append((file["node/stalled_generation"][()].tolist(), file["node/stalled_fits"][()].tolist()))
        first, fits = stored[0]
        self.assertEqual(stored[0], stored[1])
        self.assertEqual((first[3], first[4], fits[3], fits[4]), (-1, -1, 0, 0))  # d hears a model that never changes
        self.assertTrue(all(1 <= first[k] <= 30 and 0 < fits[k] < 600 for k in range(3)), stored)
        self.assertIn(f"{sum(fits)} fits did not exist, the first in generation {min(first[:3])} at model", result.out)

    def test_designs_that_are_singular(self):
        """Covariates of one another to rounding: least squares has a fit now and then, ridge always, and neither ends the run. The
        bits of those that are fitted do not depend on who stalls beside them."""
        self.write("g.tsv", GRAPH)
        for penalty, stalls in (("", True), (", ridge: 0.001", False)):
            self.write("x.yaml", "graph: { file: g.tsv }\nmodel: { family: linear, dimension: 4, covariates: ar1, correlation: "
                                 f"0.999999999999999{penalty} }}\nlearning: {{ generations: 5, initial: 12, replicates: 30 }}\n"
                                 "output: { parameters: true }\n")
            (one, said), (other, _) = (self.run_file(ranks=ranks) for ranks in (1, 3))
            self.assertTrue(np.all(np.isfinite(one["final/parameters"])))
            self.assertEqual("designs were singular" in said.out, stalls)
            for name in ("final/parameters", "trajectory/error"):
                self.assertEqual(one[name].tobytes(), other[name].tobytes())
            with h5py.File(self.dir / "out1.h5") as file, h5py.File(self.dir / "out3.h5") as again:
                fits = file["node/stalled_fits"][()]
                self.assertEqual(fits.tolist(), again["node/stalled_fits"][()].tolist())
                self.assertEqual(bool(np.all(fits > 0)), stalls)
                self.assertTrue(stalls or np.all(file["node/stalled_generation"][()] == -1))

    def test_bounded_errors_are_promised_only_where_they_are(self):
        for name in ("bernoulli", "gaussian", "categorical", "kde", "kde scott", "categorical shaped", "exponential"):
            with self.subTest(name):
                self.experiment(name)
                promised = "stay below" in self.works("run", "x.yaml", "--set", "learning.replicates=1").err
                self.assertEqual(promised, name in ("bernoulli", "gaussian", "categorical"))

    def test_temperature_zero_and_far_too_hot(self):
        """Two models on each other: their modes alone; then variances that grow until no number holds them, which is said."""
        self.write("g.tsv", "source\ttarget\tsamples\na\tb\t4\nb\ta\t4\n")
        for name, keys, law, frozen in (("gaussian", "dimension: 2", "exact", lambda p: np.all(p[:, :, 2:] == 0)),
                                        ("categorical", "probabilities: zipf", "none", lambda p: np.all((p == 0) | (p == 1)))):
            self.write("x.yaml", f"graph: {{ file: g.tsv }}\nmodel: {{ family: {name}, {keys}, temperature: 0 }}\n"
                                 "learning: { generations: 5, replicates: 20 }\noutput: { parameters: true }\n")
            tables, result = self.run_file(ranks=2)
            self.assertTrue(np.all(np.isfinite(tables["final/parameters"])) and frozen(tables["final/parameters"]))
            self.assertIn(f"theory: {law}", result.out)
        self.write("x.yaml", "graph: { file: g.tsv }\nmodel: { family: gaussian, temperature: 1e90 }\n")
        for ranks in (1, 2):
            self.fails("run", "x.yaml", ranks=ranks, status=1, says=["node a", "generation", "too large"])

    def test_mixtures_that_lose_components(self):
        """Twelve samples a generation for three components: most are lost, all numbers stay finite, weights sum to 1."""
        self.write("g.tsv", "source\ttarget\tsamples\na\tb\t12\nb\ta\t12\nb\tc\t100\n")
        self.write("x.yaml", "graph: { file: g.tsv }\nmodel: { family: mixture, dimension: 2 }\n"
                             "learning: { generations: 150, replicates: 20 }\noutput: { parameters: true, measures: all }\n")
        stored = []
        for ranks in (1, 3):
            tables, _ = self.run_file(ranks=ranks)
            with h5py.File(self.dir / f"out{ranks}.h5") as file:
                stored.append(file["trajectory/components"][()])
            self.assertTrue(np.all(np.isfinite(tables["final/parameters"])) and np.all(np.isfinite(tables["trajectory/error"])))
            weights = tables["final/parameters"].reshape(20, 3, 3, 6)[..., 5]
            self.assertTrue(np.allclose(weights.sum(axis=2), 1))
        self.assertEqual(stored[0].tobytes(), stored[1].tobytes())
        self.assertTrue(np.all(stored[0][0] == 3) and np.all(stored[0] >= 1) and stored[0][-1, 0] < 2.5, stored[0])

    def test_a_training_set_larger_than_the_buffer(self):
        self.write("g.tsv", "source\ttarget\tsamples\na\tb\t5000\nb\ta\t50\n")
        self.write("x.yaml", "graph: { file: g.tsv }\nmodel: { family: logistic }\nexchange: { buffer: 400 KiB }\n")
        for ranks in (1, 2):
            self.fails("run", "x.yaml", ranks=ranks, status=1, says=["node b", "exchange.buffer", "5000 training", "KiB"])
        self.works("run", "x.yaml", "--set", "exchange.buffer=1 MiB", "--set", "learning.generations=2")
        self.works("predict", "x.yaml")  # needs no samples

    def test_a_training_set_larger_than_a_model(self):
        self.write("g.tsv", "source\ttarget\tsamples\na\tb\t500\nb\ta\t50\n")
        self.write("x.yaml", "graph: { file: g.tsv }\nmodel: { family: kde, points: 499 }\nlearning: { generations: 2 }\n")
        for ranks in (1, 2):
            self.fails("run", "x.yaml", ranks=ranks, status=1, says=["node b", "500 samples", "at most 499", "model.points"])
        self.works("run", "x.yaml", "--set", "model.points=500")

    def test_bad_models(self):
        self.experiment("poisson")
        for keys, words in (("family: poisson, noise: 2", ["x.yaml:3: ", "model.noise", "`poisson`", "mean"]),
                            ("family: linear, mean: 2", ["x.yaml:3: ", "model.mean", "`linear`"]),
                            ("family: bernoulli, mean: 1", ["x.yaml:3: ", "model.mean", "between 0 and 1", "`1`"]),
                            ("family: exponential, mean: 0", ["x.yaml:3: ", "model.mean"]),
                            ("family: gausian", ["x.yaml:3: ", "`gausian`", "`gaussian`"]),
                            ("family: transformer", ["x.yaml:3: ", "`transformer`", "linear, normal-mean, poisson"]),
                            ("family: gaussian, variance: both", ["x.yaml:3: ", "model.variance", "ml, unbiased"]),
                            ("family: categorical, categories: 1", ["x.yaml:3: ", "model.categories"]),
                            ("family: categorical, exponent: 2", ["x.yaml:3: ", "model.exponent"]),
                            ("family: categorical, probabilities: p.txt, categories: 4", ["x.yaml:3: ", "categories"]),
                            ("family: categorical, probabilities: zpif", ["x.yaml:3: ", "model.probabilities", "zpif"]),
                            ("family: huber, threshold: 0", ["x.yaml:3: ", "model.threshold"]),
                            ("family: huber, threshold: 1e-3", ["x.yaml:3: ", "model.threshold", "0.01 times"]),
                            ("family: kde, bandwidth: wide", ["x.yaml:3: ", "model.bandwidth", "`wide`"]),
                            ("family: mixture, components: 0", ["x.yaml:3: ", "model.components"]),
                            ("family: mixture, dimension: 33", ["x.yaml:3: ", "model.dimension", "1 .. 32"]),
                            ("family: mixture, separation: -1", ["x.yaml:3: ", "model.separation"]),
                            ("family: kde, points: 0", ["x.yaml:3: ", "model.points"]),
                            ("family: categorical, top_p: 1.5", ["x.yaml:3: ", "model.top_p", "between 0 and 1"]),
                            ("family: gaussian, temperature: -1", ["x.yaml:3: ", "model.temperature", "`-1`"]),
                            ("family: gaussian, top_k: 2", ["x.yaml:3: ", "model.top_k", "`gaussian`"]),
                            ("family: linear, temperature: 2", ["x.yaml:3: ", "model.temperature", "`linear`"]),
                            ("family: categorical, smoothing: -1", ["x.yaml:3: ", "model.smoothing"])):
            self.write("x.yaml", f"graph: {{ file: g.tsv }}\nreal: {{ nodes: real.tsv }}\nmodel: {{ {keys} }}\n")
            for ranks in (1, 2):
                with self.subTest(keys, ranks=ranks):
                    self.fails("run", "x.yaml", ranks=ranks, status=2, says=words)
        self.fails("run", "x.yaml", "--set", "model.smoothing=0", "--set", "model.noise=2", status=2,
                   says=["--set model.noise=2: ", "`categorical`"])

    def test_bad_probabilities(self):
        self.experiment("categorical file")
        for text, word in (("1\n-1\n", "p.txt:2: "), ("1\ntwo\n", "p.txt:2: "), ("1\n", "at least 2"), ("", "at least 2"),
                           ("0\n0\n", "all"), ("1\nnan\n", "p.txt:2: "), (bytes(range(256)), "p.txt:1: ")):
            self.write("p.txt", text)
            for ranks in (1, 3):
                with self.subTest(text, ranks=ranks):
                    self.fails("run", "x.yaml", ranks=ranks, status=1, says=[word])

    def test_too_few_samples(self):
        self.write("g.tsv", "source\ttarget\tsamples\na\tb\t1\nb\ta\t1\n")
        self.write("x.yaml", "graph: { file: g.tsv }\nmodel: { family: gaussian, variance: unbiased, dimension: 1 }\n")
        for ranks in (1, 2):
            self.fails("run", "x.yaml", ranks=ranks, status=1, says=["node a", "1 training", "gaussian", "at least 2"])
        self.works("run", "x.yaml", "--set", "model.variance=ml")


if __name__ == "__main__":
    program.unittest.main(verbosity=0)
