#!/usr/bin/python3
"""Hard input: ends soon with the right answer or a clear message, no number that is none without a word, the same on
1 and 3 ranks. limit: 600"""
import json
import pathlib
import sys

import h5py
import numpy as np

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from support import program  # noqa: E402

RANKS = (1, 3)
P = 2


def noise(n, p=P):
    """sigma^2 / (n - p - 1), sigma = 1"""
    return 1 / (n - p - 1)


def eta(n, p=P):
    """THEORY.md section 3, written out for the test."""
    return ((p + 1) * n * n - (p + 5) * n + 2 * (p + 1)) / ((n - p - 1) * (n - 1) * (n + 2))


def tables(path):
    """Every table of a run file that does not depend on the number of ranks."""
    found = {}
    with h5py.File(path) as file:
        def keep(name, item):
            if isinstance(item, h5py.Dataset) and not name.startswith(("timing", "axis")) and name != "node/owner":
                found[name] = item[()]
        file.visititems(keep)
    return found


def by_name(table, what):
    return {name.decode(): value for name, value in zip(table["graph/name"], table[what])}


def of(table, name):
    """The trajectory of one model."""
    return table["trajectory/theory"][:, list(table["graph/name"]).index(name)]


class HardInput(program.Case):
    def same_on_all(self, *arguments, limit=60):
        """Standard output, the same on 1 and 3 ranks."""
        first, third = (self.works(*arguments, ranks=ranks, limit=limit) for ranks in RANKS)
        self.assertEqual(first.out, third.out)
        return first

    def experiment(self, graph, real="", p=P, more=""):
        self.write("g.tsv", graph if graph.startswith("source") else "source\ttarget\tsamples\n" + graph)
        self.write("real.tsv", "node\treal\n" + real)
        self.write("x.yaml", f"graph: {{ file: g.tsv{more} }}\nreal: {{ nodes: real.tsv, samples: 1 }}\n"
                             f"model: {{ dimension: {p} }}\nlearning: {{ generations: 30, initial: 60 }}\n"
                             "output: { file: out.h5 }\n")

    def predict(self, *settings, limit=60):
        """Tables and messages of a prediction, the same on 1 and 3 ranks; no number missing without a reason."""
        words = [word for setting in settings for word in ("--set", setting)]
        one = self.works("predict", "x.yaml", *words, limit=limit)
        first = tables(self.dir / "out.h5")
        self.works("predict", "x.yaml", *words, ranks=3, limit=limit)
        third = tables(self.dir / "out.h5")
        self.assertEqual(sorted(first), sorted(third))
        for name, table in first.items():
            self.assertEqual(table.tobytes(), third[name].tobytes(), f"{name} differs on 3 ranks")
        self.explained(first, one.err)
        return first, one

    def explained(self, table, messages):
        collapsing = table["node/verdict"] == 2
        self.assertFalse(np.isnan(table.get("trajectory/theory", np.zeros(1))).any())
        if "node/plateau" in table:
            np.testing.assert_array_equal(np.isnan(table["node/plateau"]), collapsing)
        elif not collapsing.all():
            self.assertRegex(messages, "plateau: .*(no convergence|too large|infinite|theory.exact)")
        if np.isnan(table.get("node/rate", np.zeros(1))).any():
            self.assertIn("no rate for", messages)
        if np.isnan(table.get("node/factor", np.zeros(1))).any():
            self.assertTrue((table["graph/training_size"][np.isnan(table["node/factor"])] == 0).all())

    def advise(self, *arguments):
        return self.same_on_all("advise", "x.yaml", "--tsv", *arguments).table()

    def test_no_unstable_source(self):
        self.experiment("a\tb\t20\nb\ta\t20\nb\tc\t20\nr\tc\t5\n", real="a\t10\n")
        self.assertIn("no unstable source", self.same_on_all("verdict", "g.tsv", "--real", "real.tsv").out)
        table, result = self.predict()
        self.assertIn("no unstable source", result.out)
        self.assertEqual(sorted(set(table["node/verdict"])), [0, 1])
        self.assertTrue((table.get("node/rate", np.zeros(4)) == 0).all())
        self.assertEqual([row[0] for row in self.advise()[1:]], ["now"])

    def test_roots_only(self):
        """Nobody trains: all are frozen where they began, at 1/(60-p-1)."""
        self.write("g.mtx", "%%MatrixMarket matrix coordinate pattern general\n7 7 0\n")
        self.write("x.yaml", f"graph: {{ file: g.mtx }}\nmodel: {{ dimension: {P} }}\n"
                             "learning: { generations: 30, initial: 60 }\noutput: { file: out.h5 }\n")
        facts = json.loads(self.same_on_all("verdict", "g.mtx", "--json").out)
        self.assertEqual((facts["frozen"], facts["unstable_sources"]), (7, 0))
        table, _ = self.predict("theory.spectrum=true", "theory.dual=3")
        np.testing.assert_array_equal(table["trajectory/theory"], np.full((31, 7), noise(60)))
        np.testing.assert_array_equal(table["node/plateau"], np.full(7, noise(60)))
        np.testing.assert_allclose(table["dual/error"], noise(60), rtol=1e-14)
        self.assertEqual([row[0] for row in self.advise("--budget", "2")[1:]], ["now", "best", "best"])

    def test_one_model(self):
        """A root; on its own output; with real data beside it."""
        self.write("one.mtx", "%%MatrixMarket matrix coordinate pattern general\n1 1 0\n")
        self.assertEqual(self.same_on_all("verdict", "one.mtx", "--tsv").table()[1][1], "frozen")
        self.experiment("a\ta\t30\n")
        table, _ = self.predict("theory.spectrum=true", "theory.dual=1")
        np.testing.assert_allclose(table["trajectory/theory"][:, 0], noise(60) + np.arange(31) * noise(30), rtol=1e-12)
        np.testing.assert_allclose(table["node/rate"], noise(30), rtol=1e-9)
        self.assertEqual(table["spectrum/real"][0], 1)
        self.experiment("a\ta\t30\n", real="a\t10\n")
        table, _ = self.predict()
        share, n = 30 / 40, 40
        np.testing.assert_allclose(table["node/plateau"],
                                   noise(n) / (1 - (1 - eta(n)) * share ** 2 - eta(n) * share), rtol=1e-9)

    def test_disconnected(self):
        """A loop, a ring with real data, a root with its consumer, and a model apart: nothing crosses."""
        self.experiment("a\ta\t30\nb\tc\t30\nc\tb\t30\nr\tf\t40\n", real="b\t10\n")
        table, _ = self.predict("theory.spectrum=true", "theory.dual=5")
        self.assertEqual(by_name(table, "node/verdict"), {"a": 2, "b": 0, "c": 0, "r": 1, "f": 1})
        alone = {}
        for name, graph, real in (("a", "a\ta\t30\n", ""), ("bc", "b\tc\t30\nc\tb\t30\n", "b\t10\n"),
                                  ("fr", "r\tf\t40\n", "")):
            self.experiment(graph, real=real)
            alone[name], _ = self.predict()
        for part in alone.values():
            for name in part["graph/name"]:
                np.testing.assert_allclose(of(table, name), of(part, name), rtol=1e-13)

    def test_a_million_unstable_sources(self):
        nodes = 1000000
        ids = np.arange(nodes)
        self.write("g.tsv", b"".join(b"%d %d\n" % (i, i) for i in ids))
        facts = json.loads(self.same_on_all("verdict", "g.tsv", "--json", "--rates", "always", limit=120).out)
        self.assertEqual((facts["collapsing"], facts["unstable_sources"]), (nodes, nodes))
        self.assertTrue(all(s["ruins"] == 1 and s["period"] == 1 and abs(s["rate"] - 0.01) < 1e-12
                            for s in facts["by_damage"]))
        self.write("x.yaml", f"graph: {{ file: g.tsv }}\nmodel: {{ dimension: {P} }}\n"
                             "learning: { generations: 5, initial: 60 }\noutput: { file: out.h5 }\n")
        for ranks in RANKS:
            result = self.works("predict", "x.yaml", ranks=ranks)
            table = tables(self.dir / "out.h5")
            np.testing.assert_allclose(table["node/rate"], noise(100), rtol=1e-9)
            self.assertIn("too large", result.err)
            advice = self.ouro("advise", "x.yaml", "--budget", "1", ranks=ranks)
            self.assertTrue(advice.status == 0 or "too large for advice" in advice.err, advice.err)

    def test_period_as_large_as_the_graph(self):
        """A ring drifts as fast as one model alone, whatever its length."""
        for nodes in (5, 1000, 200000):
            self.works("generate", "--kind", "ring", "--nodes", str(nodes), "-o", "g.h5")
            for ranks in RANKS:
                facts = json.loads(self.works("verdict", "g.h5", "--json", "--rates", "always", ranks=ranks).out)
                source, = facts["by_damage"]
                self.assertEqual((source["period"], source["ruins"]), (nodes, nodes))
                self.assertAlmostEqual(source["rate"], 0.01, places=9)
        self.experiment("".join(f"{i}\t{(i + 1) % 50}\t30\n" for i in range(50)))
        table, _ = self.predict("theory.dual=2")
        np.testing.assert_allclose(table["trajectory/theory"][-1], noise(60) + 30 * noise(30), rtol=1e-12)

    def test_weights_over_ten_orders_of_magnitude(self):
        """a trains on 10^10 samples of itself and one of nature; b on one of a, 10^10 of a root; c and d feed each
        other, d also itself, 10^10 to 1."""
        big = 10 ** 10
        self.experiment(f"a\ta\t{big}\na\tb\t1\nr\tb\t{big}\nc\td\t10\nd\tc\t{big}\nd\td\t{big}\n", real="a\t1\n")
        table, result = self.predict()
        self.assertEqual(by_name(table, "node/verdict"), {"a": 0, "b": 0, "c": 2, "d": 2, "r": 1})
        rate = by_name(table, "node/rate")
        # stationary distribution of c and d: pi_c = pi_d q, pi_d = pi_c + pi_d (1 - q), q = 10 / (10 + big)
        q = 10 / (10 + big)
        pi_d = 1 / (1 + q)
        expected = (pi_d * q) ** 2 * noise(big) + pi_d ** 2 * noise(10 + big)
        for name in "cd":
            self.assertAlmostEqual(rate[name] / expected, 1, places=9)
        if "node/plateau" in table:
            plateau = by_name(table, "node/plateau")
            share, n = big / (big + 1), big + 1
            self.assertAlmostEqual(plateau["a"] * (1 + share - eta(n) * share) / n / noise(n), 1, places=5)
        else:
            self.assertIn("no convergence", result.err)

    def test_training_sets_barely_large_enough(self):
        """p + 2 samples, one of them real: eta is far above 1, and the expected error explodes by the factor
        (1 - eta) a^2 + eta a a generation, a = (n - 1)/n."""
        p = 20
        for n in (p + 2, p + 3, 2 * p, 2 * p + 1):
            self.experiment(f"a\ta\t{n - 1}\n", real="a\t1\n", p=p)
            a = (n - 1) / n
            factor = (1 - eta(n, p)) * a * a + eta(n, p) * a
            table, result = self.predict()
            expected = [noise(60, p)]
            for _ in range(30):
                expected.append(factor * expected[-1] + noise(n, p))
            np.testing.assert_allclose(table["trajectory/theory"][:, 0], expected, rtol=1e-10)
            if n < 2 * p + 1:
                self.assertAlmostEqual(table["node/factor"][0] / factor, 1, places=9)
            if factor > 1:
                self.assertIn("grows geometrically", result.err)
                self.assertNotIn("node/plateau", table)
            else:
                np.testing.assert_allclose(table["node/plateau"], noise(n, p) / (1 - factor), rtol=1e-8)
        self.experiment(f"a\ta\t{p}\n", real="a\t1\n", p=p)
        for ranks in RANKS:
            self.fails("predict", "x.yaml", ranks=ranks, says=["node a", str(p + 2)])

    def test_too_large_for_the_recursion(self):
        """No matrix of 200000 models fits: refused with the memory, and with the command that works instead; which does."""
        self.write("x.yaml", "graph: { generate: { kind: k-in-regular, nodes: 200000, degree: 3 }, samples: 20 }\n"
                             f"real: {{ nodes: all, samples: 20 }}\nmodel: {{ dimension: {P} }}\n"
                             "learning: { generations: 20, initial: 60 }\noutput: { file: out.h5 }\n")
        for ranks in RANKS:
            self.fails("predict", "x.yaml", "--set", "theory.exact=always", ranks=ranks,
                       says=["MB", "available", "theory.dual"])
            result = self.works("predict", "x.yaml", ranks=ranks)
            self.assertIn("too large", result.err)
            self.assertIn("theory.dual", result.err)
            self.works("predict", "x.yaml", "--set", "theory.dual=5", ranks=ranks)
            with h5py.File(self.dir / "out.h5") as file:
                self.assertTrue(np.isfinite(file["dual/error"][:]).all())

    def test_slowly_mixing_source(self):
        """Two models, 10^6 samples of themselves for each of the other's: the gap is 2e-6. Its rate, or none and why."""
        big = 10 ** 6
        self.experiment(f"a\ta\t{big}\nb\ta\t1\na\tb\t1\nb\tb\t{big}\na\tc\t20\n", real="c\t20\n")
        table, result = self.predict()
        self.assertEqual(sorted(table["node/verdict"]), [2, 2, 2])
        expected = {"a": 0.5 * noise(big + 1), "b": 0.5 * noise(big + 1), "c": 0.125 * noise(big + 1)}
        rate = by_name(table, "node/rate")
        for name, value in rate.items():
            self.assertTrue(np.isnan(value) or abs(value / expected[name] - 1) < 1e-6, rate)
        if np.isnan(table["node/rate"]).any():
            self.assertIn("not converged", result.err)
        rows = self.same_on_all("verdict", "g.tsv", "--real", "real.tsv", "--tsv").table()[1:]
        for row in rows:
            share = 0.25 if row[0] == "c" else 1
            self.assertTrue(row[3] == "-" or abs(float(row[3]) * 2 * (big + 1) / share - 1) < 1e-6, row)

    def test_slow_walks_to_nature(self):
        """One real sample in 10^6: the plateau lies 5 10^5 times above the noise of a fit."""
        big = 10 ** 6
        self.experiment(f"a\ta\t{big - 1}\n", real="a\t1\n")
        table, _ = self.predict()
        a = 1 - 1 / big
        np.testing.assert_allclose(table["node/plateau"],
                                   noise(big) / (1 - (1 - eta(big)) * a * a - eta(big) * a), rtol=1e-9)


if __name__ == "__main__":
    program.unittest.main(verbosity=0)
