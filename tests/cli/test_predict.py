#!/usr/bin/python3
"""`ouro predict`: rates, plateau and walks against closed forms. limit: 300"""
import pathlib
import sys

import h5py
import numpy as np

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from support import program  # noqa: E402

P = 2


def noise(n):
    """sigma^2 / (n - p - 1), sigma = 1"""
    return 1 / (n - P - 1)


def eta(n):
    """THEORY.md section 3, written out for the test."""
    return ((P + 1) * n * n - (P + 5) * n + 2 * (P + 1)) / ((n - P - 1) * (n - 1) * (n + 2))


class Predict(program.Case):
    def predict(self, graph, *settings, real="node\treal\n", ranks=1):
        self.write("g.tsv", "source\ttarget\tsamples\n" + graph)
        self.write("real.tsv", real)
        self.write("x.yaml", "graph: { file: g.tsv }\nreal: { nodes: real.tsv, samples: 10 }\n"
                             f"model: {{ dimension: {P} }}\nlearning: {{ generations: 40, initial: 20 }}\n"
                             "output: { file: out.h5 }\n")
        words = [word for setting in settings for word in ("--set", setting)]
        self.works("predict", "x.yaml", *words, ranks=ranks)
        return h5py.File(self.dir / "out.h5")

    def test_rate_of_a_model_alone_and_of_a_ring(self):
        """A ring drifts as fast as one model alone; its follower at the same rate; a bounded model at rate 0."""
        graph = "a\ta\t30\nr1\tr2\t30\nr2\tr3\t30\nr3\tr1\t30\nr1\tf\t50\nroot\tg\t40\n"
        for ranks in (1, 3):
            with self.predict(graph, ranks=ranks) as file:
                rate = dict(zip(file["graph/name"].asstr()[:], file["node/rate"][:]))
            for name in ("a", "r1", "r2", "r3", "f"):
                self.assertAlmostEqual(rate[name], noise(30), places=9)
            self.assertEqual((rate["root"], rate["g"]), (0, 0))

    def test_rate_of_a_complete_graph(self):
        """K models that all train on all: K times slower than one alone."""
        names = "abcd"
        graph = "".join(f"{i}\t{j}\t10\n" for i in names for j in names)
        with self.predict(graph, ranks=2) as file:
            np.testing.assert_allclose(file["node/rate"][:], noise(40) / 4, rtol=1e-9)

    def test_rate_of_published_corpora(self):
        """A ring whose corpora of 25 are published drifts by 1/25 a generation, first order."""
        with self.predict("a\tb\t25\nb\ta\t25\n", "learning.draw=published", ranks=2) as file:
            np.testing.assert_allclose(file["node/rate"][:], 1 / 25, rtol=1e-9)

    def test_rate_leaves_out_initial_data(self):
        """Real data of generation 0 are in no later training set: 30 samples, not 40."""
        with self.predict("a\ta\t30\n", "real.kind=initial", real="a\t10\n") as file:
            np.testing.assert_allclose(file["node/rate"][:], noise(30), rtol=1e-12)

    def test_what_the_verdict_rests_on(self):
        """THEORY.md section 2, scope: p = 20, n = 27, r = 1 grows by the factor 1.04299702 a generation, though anchored;
        n = 41 is enough for topology to decide; with n = 40, eta exceeds 1 and the recursion agrees."""
        self.write("real.tsv", "node\treal\n")
        self.write("x.yaml", "graph: { file: g.tsv }\nreal: { nodes: all, samples: 1 }\nmodel: { dimension: 20 }\n"
                             "learning: { generations: 3, initial: 50 }\noutput: { file: out.h5 }\n")
        for samples, settings, says in ((26, (), "grow, of healthy ones by up to the factor 1.04299702 "),
                                        (26, ("theory.exact=none",), "the exact recursion has not: theory.exact is none"),
                                        (39, (), "the verdict rests on the exact recursion"),
                                        (40, (), "the verdict rests on topology\n")):
            self.write("g.tsv", f"source\ttarget\tsamples\na\ta\t{samples}\n")
            words = [word for setting in settings for word in ("--set", setting)]
            for command in ("predict", "run"):
                for ranks in (1, 2):
                    self.assertIn(says, self.works(command, "x.yaml", *words, ranks=ranks).out)
        self.assertIn("regressions of up to 19 parameters", self.works("verdict", "g.tsv").out)

    def test_plateau_of_one_model(self):
        """C = (1 - eta) P^2 C + eta P C + noise, solved for C; a collapsing model beside it has none."""
        n, share = 40, 30 / 40
        expected = noise(n) / (1 - (1 - eta(n)) * share ** 2 - eta(n) * share)
        for ranks in (1, 3):
            with self.predict("a\ta\t30\nb\tb\t30\n", real="a\t10\n", ranks=ranks) as file:
                plateau = dict(zip(file["graph/name"].asstr()[:], file["node/plateau"][:]))
            self.assertAlmostEqual(plateau["a"], expected, places=10)
            self.assertTrue(np.isnan(plateau["b"]))

    def test_walks_agree_with_the_recursion(self):
        """All 4 models at 41 generations within 6 standard errors (false alarms: below 1e-6 were the scores normal)."""
        graph = "a\tb\t20\nb\ta\t20\nb\tc\t30\nc\tc\t10\nr\tc\t10\n"
        first = None
        for ranks in (1, 3):
            with self.predict(graph, "theory.dual=4", "theory.dual_error=0", "theory.dual_walks=20000",
                              real="b\t10\n", ranks=ranks) as file:
                value, error = file["dual/error"][:], file["dual/standard_error"][:]
                exact = file["trajectory/theory"][:].T
            self.assertEqual(value.shape, (4, 41))
            self.assertTrue(np.all(np.abs(value - exact) <= 6 * error + 1e-12))
            self.assertTrue(first is None or first == value.tobytes(), "other bits on 3 ranks")
            first = value.tobytes()

    def test_walks_of_named_models(self):
        self.write("list.tsv", "# two of them\nc\nb\n")
        with self.predict("a\tb\t20\nb\tc\t20\n", "theory.dual=list.tsv", ranks=2) as file:
            names = file["graph/name"].asstr()[:]
            self.assertEqual([names[k] for k in file["axis/walked_node"][:]], ["c", "b"])

    def test_bad_lists_of_models(self):
        self.predict("a\tb\t20\nb\tc\t20\n").close()
        for text, words in (("a\nx\n", ["list.tsv:2", "x"]), ("a\nb\na\n", ["list.tsv:3", "line 1"]), ("", ["list.tsv"])):
            self.write("list.tsv", text)
            for ranks in (1, 2):
                self.fails("predict", "x.yaml", "--set", "theory.dual=list.tsv", ranks=ranks, says=words)
        self.fails("predict", "x.yaml", "--set", "theory.dual=missing.tsv", ranks=2, says=["missing.tsv", "No such file"])

    def test_few_samples_that_topology_does_not_see(self):
        """THEORY.md section 2, scope: p = 20, n = 27, one real sample: factor 1.0429970200 a generation."""
        self.write("g.tsv", "source\ttarget\tsamples\na\ta\t26\n")
        self.write("real.tsv", "a\t1\n")
        self.write("x.yaml", "graph: { file: g.tsv }\nreal: { nodes: real.tsv, samples: 1 }\nmodel: { dimension: 20 }\n"
                             "learning: { generations: 5, initial: 60 }\noutput: { file: out.h5 }\n")
        for ranks in (1, 2):
            result = self.works("predict", "x.yaml", ranks=ranks)
            self.assertIn("grows geometrically", result.err)
            with h5py.File(self.dir / "out.h5") as file:
                self.assertAlmostEqual(file["node/factor"][0], 1.0429970200, places=9)
                self.assertNotIn("node/plateau", file)

    def test_spectrum(self):
        """A ring of three: the cube roots of one. A chain below a root: all zero."""
        with self.predict("a\tb\t20\nb\tc\t20\nc\ta\t20\n", "theory.spectrum=true", ranks=2) as file:
            found = sorted(file["spectrum/real"][:] + 1j * file["spectrum/imaginary"][:], key=np.angle)
            np.testing.assert_allclose(file["spectrum/radius"][:], 1, rtol=1e-9)
        np.testing.assert_allclose(found, np.exp(2j * np.pi * np.array([-1, 0, 1]) / 3), atol=1e-12)
        with self.predict("a\tb\t20\nb\tc\t20\n", "theory.spectrum=true") as file:
            np.testing.assert_array_equal(file["spectrum/real"][:], [0, 0])
            np.testing.assert_array_equal(file["spectrum/radius"][:], 0)

    def test_spectral_radius_of_a_large_graph(self):
        """Every model takes half of its data from nature: the radius is a half. Too
        large for all eigenvalues, the same bits on 2 ranks."""
        self.write("x.yaml", "graph: { generate: { kind: k-in-regular, nodes: 20000, degree: 3, seed: 1 }, samples: 10 }\n"
                             "real: { nodes: all, samples: 30 }\nlearning: { generations: 1 }\n"
                             "theory: { exact: none, plateau: false, spectrum: true }\noutput: { file: out.h5 }\n")
        first = None
        for ranks in (1, 2):
            result = self.works("predict", "x.yaml", ranks=ranks)
            self.assertIn("the radius alone", result.err)
            self.assertIn("proves the verdict: no unstable source", result.err)
            with h5py.File(self.dir / "out.h5") as file:
                radius = file["spectrum/radius"][:]
                self.assertNotIn("spectrum/real", file)
            np.testing.assert_allclose(radius, 0.5, rtol=1e-9)
            self.assertTrue(radius[0] <= 0.5 <= radius[2])
            self.assertTrue(first is None or first == radius.tobytes(), "other bits on 2 ranks")
            first = radius.tobytes()

    def test_modes_of_a_complete_graph(self):
        """Section 12, R16 with the noise and the correction of the regression: C = a I + b J, so the first mode is all
        models alike and the others are equal. A model that collapses and one that it feeds have none."""
        names, n = "abcd", 50
        graph = "".join(f"{i}\t{j}\t10\n" for i in names for j in names) + "x\tx\t30\nx\ty\t30\n"
        real = "".join(f"{i}\t10\n" for i in names)
        alpha, k, e = 40 / n, len(names), eta(n)
        # c = C_ii, b = C_ij: b = alpha^2 (c / k + (1 - 1/k) b), c = (1 - e) b + e alpha c + noise
        b_of_c = alpha ** 2 / k / (1 - alpha ** 2 * (1 - 1 / k))
        c = noise(n) / (1 - (1 - e) * b_of_c - e * alpha)
        b = b_of_c * c
        for ranks in (1, 3):
            with self.predict(graph, "theory.modes=3", real=real, ranks=ranks) as file:
                group = file["modes"]
                np.testing.assert_allclose(group["value"][:], [c + (k - 1) * b, c - b, c - b], rtol=1e-10)
                np.testing.assert_allclose(group["share"][:], np.array([c + (k - 1) * b, c - b, c - b]) / (k * c), rtol=1e-10)
                self.assertEqual(list(group["multiplicity"][:]), [1, 3, 3])
                vector = dict(zip(file["graph/name"].asstr()[:], group["vector"][:].T))
            for name in names:
                self.assertAlmostEqual(vector[name][0], 0.5, places=9)
            self.assertTrue(np.isnan([vector["x"], vector["y"]]).all())
            result = self.works("predict", "x.yaml", "--set", "theory.modes=3", ranks=ranks)
            self.assertIn("modes by share of the stationary variance: ", result.out)
            self.assertIn("2 models collapse and have no stationary covariance", result.err)

    def test_no_modes_where_every_model_collapses(self):
        with self.predict("a\ta\t30\n", "theory.modes=3") as file:
            self.assertNotIn("modes", file)
        result = self.works("predict", "x.yaml", "--set", "theory.modes=3")
        self.assertIn("modes: every model collapses", result.err)

    def test_parts_can_be_left_out(self):
        with self.predict("a\ta\t30\n", "theory.rates=false", "theory.plateau=false", "theory.exact=none") as file:
            self.assertNotIn("node/rate", file)
            self.assertNotIn("node/plateau", file)
            self.assertNotIn("trajectory/theory", file)


if __name__ == "__main__":
    program.unittest.main(verbosity=0)
