#!/usr/bin/python3
"""Measures beside the error: the run file against NumPy on its own final parameters, known answers, first passages, bits on
any number of ranks, refusals. limit: 200

Statistical tests use fixed seeds; each says the chance that correct code would have failed it."""
import math
import pathlib
import sys

import h5py
import numpy
from scipy import special

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
import program  # noqa: E402

EXPERIMENT = """graph: {file: feeds.tsv}
real: {nodes: real.tsv, samples: 12}
learning: {generations: 6, initial: 20, replicates: 40, seed: 3}
output: {file: run.h5, measures: all, parameters: true}
"""
R = 40


def factors(theta, d):
    """Lower Cholesky factors of packed parameters [...][d + d (d + 1) / 2]."""
    made = numpy.zeros((*theta.shape[:-1], d, d))
    made[..., numpy.tril_indices(d)[0], numpy.tril_indices(d)[1]] = theta[..., d:]
    return made


def root(S):
    values, vectors = numpy.linalg.eigh(S)
    return vectors * numpy.sqrt(numpy.maximum(values, 0)) @ vectors.T


def w2(m, S, T):
    """Between N(0, T) and N(m, S), by symmetric roots."""
    return math.sqrt(max(m @ m + numpy.trace(S + T - 2 * root(root(T) @ S @ root(T))), 0))


class Measures(program.Case):
    def setUp(self):
        super().setUp()
        self.write("feeds.tsv", "source\ttarget\tsamples\n0\t0\t15\n0\t1\t9\n1\t2\t10\n2\t1\t12\n3\t2\t10\n4\t4\t30\n4\t1\t4\n")
        self.write("real.tsv", "1\t1\n2\t1\n")
        self.write("run.yaml", EXPERIMENT)

    def run_file(self, *options, ranks=1):
        self.result = self.works("run", "run.yaml", *[w for option in options for w in ("--set", option)], ranks=ranks)
        with h5py.File(self.dir / "run.h5") as file:
            found = {}
            file.visititems(lambda name, item: found.update({name: item[()]}) if isinstance(item, h5py.Dataset) else None)
        return found

    def moments(self, made, name, values):
        """What is stored of a measure at the last generation is that of its values [replicate][node]."""
        def close(path, expected):
            numpy.testing.assert_allclose(made[path][-1], expected, rtol=1e-9, atol=1e-12, err_msg=path)
        n = len(values)
        if name != "error":
            close(f"trajectory/{name}", values.mean(axis=0))
            close(f"trajectory/{name}_sd", values.std(axis=0, ddof=1))
        verdict = made["node/verdict"]
        nothing = [math.nan] * n
        classes = numpy.array([values[:, verdict == c].mean(axis=1) if (verdict == c).any() else nothing for c in range(3)])
        close(f"summary/{name}_mean", classes.mean(axis=1))
        close(f"summary/{name}_se", classes.std(axis=1, ddof=1) / math.sqrt(n))

    def test_gaussian(self):
        d = 3
        made = self.run_file("model.family=gaussian", f"model.dimension={d}", "model.covariates=ar1", "model.noise=1.5")
        theta = made["final/parameters"]
        T = 2.25 * 0.5 ** abs(numpy.subtract.outer(range(d), range(d)))
        shift, L = theta[..., :d] - self.truth(made, d), factors(theta, d)
        S = L @ numpy.swapaxes(L, -1, -2)
        logdet = numpy.linalg.slogdet(S)[1]
        mahalanobis = numpy.einsum("...i,...ij,...j", shift, numpy.linalg.inv(S), shift)
        trace = numpy.trace(numpy.linalg.inv(S) @ T, axis1=-2, axis2=-1)
        kl = 0.5 * (trace + mahalanobis - d + logdet - numpy.linalg.slogdet(T)[1])
        self.moments(made, "error", (shift ** 2).sum(axis=-1))
        self.moments(made, "kl", kl)
        self.moments(made, "nll", kl + 0.5 * numpy.linalg.slogdet(2 * math.pi * math.e * T)[1])
        self.moments(made, "logdet", logdet)
        self.moments(made, "variance", numpy.trace(S, axis1=-2, axis2=-1))
        self.moments(made, "w2", numpy.array([[w2(m, s, T) for m, s in zip(*row)] for row in zip(shift, S)]))

    def truth(self, made, d):
        """The true mean: errors of nodes less that of the first are linear in it, given what replicates have become."""
        theta = made["final/parameters"][..., :d]
        mean, square = theta.mean(axis=0), (theta ** 2).sum(axis=-1).mean(axis=0)
        right = (made["trajectory/error"][-1] - square)
        found, _, rank, _ = numpy.linalg.lstsq(-2 * (mean[1:] - mean[0]), right[1:] - right[0], rcond=None)
        self.assertEqual(rank, d)
        return found

    def test_linear(self):
        """Isotropic covariates, so that the excess risk is p times the parameter error, and both come from parameters."""
        made = self.run_file("model.dimension=3", "model.noise=0.5", "model.ridge=0.1")
        theta = made["final/parameters"]
        p3 = {**made, "trajectory/error": 3 * made["trajectory/error"]}
        risk = ((theta - self.truth(p3, 3)) ** 2).sum(axis=-1)
        self.moments(made, "error", risk / 3)
        self.moments(made, "parameter_error", risk / 3)
        self.moments(made, "excess_risk", risk)
        self.moments(made, "nll", 0.5 * numpy.log(2 * math.pi * 0.25) + 0.5 + risk / 0.5)

    def test_categorical(self):
        """Outcomes die out: divergences are infinite and have no deviation, in the file and in the means of classes."""
        made = self.run_file("model.family=categorical", "model.categories=6", "learning.generations=3")
        p = made["final/parameters"]
        with numpy.errstate(divide="ignore", invalid="ignore"):
            kl = numpy.mean(numpy.log(1 / (6 * p)), axis=-1)
            self.assertTrue(numpy.isinf(kl).any() and numpy.isfinite(kl).any())
            self.moments(made, "kl", kl)
            self.moments(made, "nll", kl + math.log(6))
        self.moments(made, "reverse_kl", math.log(6) - special.entr(p).sum(axis=-1))
        self.moments(made, "tv", abs(p - 1 / 6).sum(axis=-1) / 2)
        self.moments(made, "diversity", 1 - (p ** 2).sum(axis=-1))
        self.moments(made, "support", (p > 0).sum(axis=-1).astype(float))
        self.moments(made, "entropy", special.entr(p).sum(axis=-1))
        self.assertTrue(numpy.isinf(made["trajectory/kl"]).any())

    def alone(self, *options):
        """One model on 10 samples of its own, 1500 replicates."""
        self.write("feeds.tsv", "source\ttarget\tsamples\n0\t0\t10\n")
        return self.run_file("real.nodes=none", "learning.initial=10", "learning.replicates=1500", "learning.generations=8", "theory.plateau=false",
                             "output.parameters=false", *options)

    def expect(self, made, name, expected):
        """Every generation within 5 standard errors: 6e-7 each."""
        mean, sd = made[f"trajectory/{name}"][:, 0], made[f"trajectory/{name}_sd"][:, 0]
        self.assertLess(abs((mean - expected) / (sd / math.sqrt(1500))).max(), 5, name)
        numpy.testing.assert_array_equal(mean, made[f"summary/{name}_mean"][:, 2])
        numpy.testing.assert_allclose(sd / math.sqrt(1500), made[f"summary/{name}_se"][:, 2], rtol=1e-14)

    def test_known_answers(self):
        """R4, R5, R8, R9, and the drift psi(n) - ln n of an exponential mean's logarithm, n = 10: g is the number of fits."""
        g = numpy.arange(1, 10)
        made = self.alone("model.family=gaussian", "model.dimension=1")
        self.expect(made, "variance", 0.9 ** g)
        made = self.alone("model.family=gaussian", "model.dimension=1", "model.variance=unbiased")
        self.expect(made, "logdet", g * (special.psi(4.5) + math.log(2 / 9)))
        made = self.alone("model.family=poisson", "model.mean=0.2")
        alive = [1.0]
        for _ in g[1:]:
            alive.append(-math.expm1(-alive[-1]))
        self.expect(made, "alive", -numpy.expm1(-10 * 0.2 * numpy.array(alive)))
        made = self.alone("model.family=categorical", "model.categories=4")
        self.expect(made, "diversity", 0.9 ** g * 0.75)
        made = self.alone("model.family=exponential", "model.mean=2")
        self.expect(made, "log_mean", math.log(2) + g * (special.psi(10) - math.log(10)))

    def test_what_follows_from_theory(self):
        """Section 14: expected measures that C_ii decides; 5 nodes, 7 generations, 3 families within 5 errors: 6e-5."""
        for family, name, expected in ((["gaussian", "model.dimension=2"], "variance", lambda c: 2 - c),
                                       (["categorical", "model.categories=5"], "diversity", lambda c: 0.8 - c),
                                       (["normal-mean", "model.dimension=2"], "kl", lambda c: c)):
            made = self.run_file("model.family=" + family[0], family[1], "learning.replicates=600")
            away = made[f"trajectory/{name}"] - expected(made["trajectory/theory"])
            self.assertLess(abs(away / (made[f"trajectory/{name}_sd"] / math.sqrt(600))).max(), 5, family[0])

    def test_first_passages(self):
        """Against the errors of every generation, from runs that end there."""
        options = ["model.family=bernoulli", "model.mean=0.3", "output.threshold=0.03"]
        every = []
        for t in range(5):
            made = self.run_file(*options, f"learning.generations={t}")
            every.append((made["final/parameters"][..., 0] - 0.3) ** 2 >= 0.03)
        every = numpy.array(every)  # [generation][replicate][node]
        reached = every.any(axis=0)
        first = numpy.where(reached, every.argmax(axis=0), 5)
        self.assertTrue(0 < reached.mean() < 1 and len(set(first.flat)) == 6)
        numpy.testing.assert_allclose(made["node/threshold_generation"], first.mean(axis=0), rtol=1e-14)
        numpy.testing.assert_allclose(made["node/threshold_generation_sd"], first.std(axis=0, ddof=1), rtol=1e-13)
        numpy.testing.assert_allclose(made["node/threshold_reached"], reached.mean(axis=0), rtol=1e-14)
        for c in range(3):
            nodes = made["node/verdict"] == c
            for name, values in (("generation", first), ("reached", reached.astype(float))):
                of_class = values[:, nodes].mean(axis=1) if nodes.any() else numpy.full(R, math.nan)
                numpy.testing.assert_allclose(made[f"summary/threshold_{name}_mean"][c], of_class.mean(), rtol=1e-14)
                numpy.testing.assert_allclose(made[f"summary/threshold_{name}_se"][c], of_class.std(ddof=1) / math.sqrt(R),
                                              rtol=1e-12)
        for name in ("error", "theory"):
            over = made[f"trajectory/{name}"] >= 0.03
            passed = numpy.where(over.any(axis=0), over.argmax(axis=0), -1)
            numpy.testing.assert_array_equal(made[f"node/threshold_{name}"], passed)
        seldom = self.run_file(*options, "learning.generations=4", "output.every=3")
        for name in made:
            if "threshold" in name:
                self.assertEqual(made[name].tobytes(), seldom[name].tobytes(), name)
        self.assertEqual(seldom["trajectory/kl"].shape, (3, 5))
        self.assertEqual(seldom["trajectory/kl"].tobytes(), made["trajectory/kl"][[0, 3, 4]].tobytes())

    def test_prediction(self):
        """Theory has no models, and knows when errors reach the threshold."""
        self.works("predict", "run.yaml", "--set", "model.family=bernoulli", "--set", "output.threshold=0.03")
        with h5py.File(self.dir / "run.h5") as file:
            over = file["trajectory/theory"][...] >= 0.03
            expected = numpy.where(over.any(axis=0), over.argmax(axis=0), -1)
            numpy.testing.assert_array_equal(file["node/threshold_theory"], expected)
            self.assertNotIn("trajectory/kl", file)
            self.assertNotIn("node/threshold_error", file)

    def test_one_replicate(self):
        """No deviation, and no standard error either."""
        made = self.run_file("model.family=gaussian", "learning.replicates=1")
        self.assertTrue((made["trajectory/kl_sd"] == 0).all())
        self.assertTrue(numpy.isnan(made["summary/kl_se"]).all())
        self.assertNotIn("+-", self.result.out)

    def test_same_bits(self):
        for options in (["model.family=gaussian", "model.dimension=2", "output.threshold=0.4"],
                        ["model.family=categorical", "output.threshold=0.1"]):
            first = self.run_file(*options)
            for ranks, carry in ((3, "parameters"), (4, "data")):
                again = self.run_file(*options, f"exchange.carry={carry}", ranks=ranks)
                for name in first:
                    if not name.startswith(("timing", "node/owner")):
                        self.assertEqual(first[name].tobytes(), again[name].tobytes(), f"{options[0]} {ranks}: {name}")

    def test_choice(self):
        """Only what is asked for, nothing by default; units and descriptions stand with each; classes are printed."""
        plain = self.run_file("output.measures=none", "model.family=gaussian")
        some = self.run_file("output.measures=w2 logdet", "model.family=gaussian")
        ours = {"trajectory/w2", "trajectory/w2_sd", "trajectory/logdet", "trajectory/logdet_sd", "summary/w2_mean",
                "summary/w2_se", "summary/logdet_mean", "summary/logdet_se", "summary/error_se"}
        self.assertEqual(set(some) - set(plain), ours)
        rows = {line.split()[0]: line.split()[1:] for line in self.result.out.splitlines() if "+-" in line}
        self.assertEqual(set(rows), {"error", "w2", "logdet"})
        present = [c for c in range(3) if (some["node/verdict"] == c).any()]
        printed = [float(word) for word in rows["w2"] if word != "+-"]
        stored = [value for c in present for value in (some["summary/w2_mean"][-1, c], some["summary/w2_se"][-1, c])]
        numpy.testing.assert_allclose(printed, stored, rtol=0.05)
        numpy.testing.assert_allclose(printed[::2], stored[::2], rtol=1e-4)
        with h5py.File(self.dir / "run.h5") as file:
            for name in ours:
                self.assertTrue(file[name].attrs["units"] and file[name].attrs["description"], name)
            self.assertEqual(file["trajectory/w2"].attrs["units"], b"sample")
            self.assertEqual(file["summary/w2_se"].dims[1].label, "class")
        listed = self.works("info", "run.h5").out
        self.assertIn("2-Wasserstein distance to the truth", listed)

    def test_refusals(self):
        def refused(*says, command="run", **keys):
            words = [w for key, value in keys.items() for w in ("--set", f"{key.replace('__', '.')}={value}")]
            self.fails(command, "run.yaml", *words, status=2, says=says)
        refused("output.measures", "`kx`", "did you mean `kl`?", "`gaussian` has error, kl, w2", model__family="gaussian",
                output__measures="w2,kx")
        refused("--set", "`kl`", "family `linear` has error, parameter_error, excess_risk, nll", output__measures="nll kl")
        refused("`kl`", command="predict", output__measures="kl")
        refused("output.threshold", output__threshold="-1")
        refused("output.threshhold", "did you mean `output.threshold`", output__threshhold="1")
        self.write("run.yaml", EXPERIMENT.replace("measures: all", "measures: [kl, w2]"))
        refused("run.yaml:4", "not a list")


if __name__ == "__main__":
    import unittest
    unittest.main()
