#!/usr/bin/python3
"""theory.dual through the program: walks against the recursion of the same file, for every family. limit: 200"""
import pathlib
import random
import sys

import h5py
import numpy

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from support import program  # noqa: E402

MODELS = {
    "regression": "{ family: linear, dimension: 3 }",
    "normal-mean": "{ family: normal-mean, dimension: 2 }",
    "poisson": "{ family: poisson }",
    "bernoulli": "{ family: bernoulli }",
    "exponential": "{ family: exponential }",
    "categorical": "{ family: categorical, categories: 5 }",
    "gaussian": "{ family: gaussian }",
}
NODES = [0, 12, 25, 37]  # four of fifty, evenly spaced


class Dual(program.Case):
    def setUp(self):
        """Fifty models, most of which hear one that is much listened to; a tenth has real data."""
        super().setUp()
        chance = random.Random(5)
        feeds = {(int(50 * chance.random() ** 2), i) for i in range(50) for _ in range(3)}
        self.write("feeds.tsv", "".join(f"{j} {i}\n" for j, i in sorted(feeds)))

    def predict(self, model, *words, ranks=1):
        """Estimates, standard errors and the recursion, [node][generation]."""
        self.write("x.yaml", "graph: { file: feeds.tsv, samples: 30, nodes: 50 }\n"
                             f"real: {{ fraction: 0.1, samples: 40 }}\nmodel: {model}\n"
                             "learning: { generations: 30, initial: 30 }\n"
                             'theory: { dual: "4", dual_error: 0.01 }\noutput: { file: x.h5 }\n')
        self.works("predict", "x.yaml", *words, ranks=ranks)
        with h5py.File(self.dir / "x.h5") as file:
            return (file["dual/error"][:], file["dual/standard_error"][:],
                    file["trajectory/theory"][:].T[NODES])

    def check(self, value, error, exact):
        """124 scores of four independent models: some beyond 6 with probability 3e-7."""
        sure = error < 1e-7 * exact
        numpy.testing.assert_allclose(value[sure], exact[sure], rtol=1e-6)
        self.assertGreater((~sure).sum(), 20)
        self.assertLess(numpy.abs((value - exact)[~sure] / error[~sure]).max(), 6)
        self.assertLess((error / value).max(), 0.0101)

    def test_families(self):
        for name, model in MODELS.items():
            with self.subTest(name):
                self.check(*self.predict(model, ranks=1 + len(name) % 2))

    def test_published_and_fixed(self):
        for words in (["learning.draw=published"], ["real.kind=fixed"], ["learning.draw=published", "real.kind=fixed"]):
            with self.subTest(words):
                self.check(*self.predict(MODELS["bernoulli"], *[part for word in words for part in ("--set", word)]))

    def test_refusals(self):
        self.write("chain.tsv", "0 0\n" + "".join(f"{i} {i + 1}\n" for i in range(49)))
        few = ["graph.file=chain.tsv", "graph.samples=12", "model.dimension=10"]
        for model, words, says in (("regression", ["learning.regime=accumulate"], "learning.regime=replace"),
                                   ("regression", [*few, "real.fraction=0"], "at least 21 samples"),
                                   ("gaussian", ["model.variance=unbiased"], "a recursion of its own")):
            with self.subTest(words), self.assertRaisesRegex(AssertionError, says):
                self.predict(MODELS[model], *[part for word in words for part in ("--set", word)])


if __name__ == "__main__":
    program.unittest.main(verbosity=0)
