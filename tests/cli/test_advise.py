#!/usr/bin/python3
"""`ouro advise`: cures that cure, totals that `ouro predict` confirms, and bad input. limit: 300"""
import itertools
import math
import pathlib
import sys

import h5py

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from support import program  # noqa: E402

EXPERIMENT = """\
graph: {{ file: feeds.tsv, samples: 20 }}
real: {{ nodes: {real}, samples: 15, kind: fresh }}
model: {{ family: linear, dimension: 3 }}
learning: {{ generations: {generations}, initial: 30 }}
output: {{ file: {output} }}
"""


class Advise(program.Case):
    def setUp(self):
        """a and b feed each other (unstable) and, through c, the healthy d, which has real data; e lives on itself."""
        super().setUp()
        self.write("feeds.tsv", "a b\nb a\nb c\nc d\nd c\ne e\n")
        self.write("real.tsv", "node\treal\nd\t1\n")
        self.experiment("x.yaml")

    def experiment(self, name, real="real.tsv", generations=40, output="out.h5"):
        self.write(name, EXPERIMENT.format(real=real, generations=generations, output=output))
        return name

    def advice(self, *arguments, ranks=1):
        """{list: [(node, component, total error)]}"""
        rows = self.works("advise", *arguments, "--tsv", ranks=ranks).table()
        self.assertEqual(rows[0], ["list", "number", "node", "component", "total_error", "standard_error"])
        lists = {"now": [], "cure": [], "best": []}
        for kind, number, node, component, total, _ in rows[1:]:
            lists[kind].append((node, component, float(total)))
            self.assertEqual(int(number), len(lists[kind]) - (kind == "now"))
        return lists

    def total(self, *fed):
        """The total error that `ouro predict` gives with more real data."""
        self.write("fed.tsv", "node\treal\nd\t1\n" + "".join(f"{node}\t1\n" for node in fed))
        self.works("predict", self.experiment("fed.yaml", real="fed.tsv", output="fed.h5"))
        with h5py.File(self.dir / "fed.h5") as file:
            return float(file["trajectory/theory"][-1].sum())

    def test_cure_and_best_are_confirmed_by_predictions(self):
        lists = self.advice("x.yaml", "--budget", "2")
        self.assertAlmostEqual(lists["now"][0][2], self.total(), places=12)
        by_node = {node: self.total(node) for node in "abce"}
        first, second = lists["cure"]
        self.assertEqual((first[0], first[1]), (min("ab", key=by_node.get), "a"))
        self.assertEqual((second[0], second[1]), ("e", "e"))
        self.assertAlmostEqual(first[2], by_node[first[0]], places=12)
        self.assertAlmostEqual(second[2], self.total(first[0], "e"), places=12)
        self.assertEqual(lists["best"][0][0], min(by_node, key=by_node.get))
        self.assertAlmostEqual(lists["best"][0][2], min(by_node.values()), places=12)
        self.write("cured.tsv", f"node\treal\nd\t1\n{first[0]}\t1\ne\t1\n")
        verdict = self.works("verdict", "feeds.tsv", "--real", "cured.tsv", "--tsv").table()
        self.assertNotIn("collapsing", [row[1] for row in verdict])

    def test_same_output_on_any_number_of_ranks(self):
        for arguments in (("--tsv", "--budget", "3"), ("--budget", "3"), ()):
            one = self.works("advise", "x.yaml", *arguments).out
            for ranks in (2, 3, 7):
                self.assertEqual(one, self.works("advise", "x.yaml", *arguments, ranks=ranks).out)

    def test_text(self):
        out = self.works("advise", "x.yaml", "--budget", "1", ranks=2).out
        for words in ("minimum cure: 15 real samples a generation for 2 models", "greedy", "at generation 40, by recursion, exact: "):
            self.assertIn(words, out)
        self.assertIn("greedy", self.works("advise", "--help").out)

    def test_nothing_to_cure(self):
        out = self.works("advise", self.experiment("y.yaml", real="all")).out
        self.assertIn("nothing to cure", out)
        self.assertEqual(self.advice("y.yaml", "--budget", "3"), {"now": [self.advice("y.yaml")["now"][0]],
                                                                  "cure": [], "best": []})

    def test_candidates(self):
        self.write("some.tsv", "# may get data\nnode\treal\n")
        self.write("some.tsv", "node\n# a comment\n\nb\t1\nd\n")
        for ranks in (1, 3):
            lists = self.advice("x.yaml", "--budget", "5", "--candidates", "some.tsv", ranks=ranks)
            self.assertEqual([node for node, _, _ in lists["cure"]], ["b"])
            self.assertEqual(sorted(node for node, _, _ in lists["best"]), ["b", "d"])
        out = self.works("advise", "x.yaml", "--candidates", "some.tsv").out
        self.assertIn("1 unstable source without a candidate", out)

    def test_one_model_alone(self):
        self.write("feeds.tsv", "0 0\n")
        for ranks in (1, 3):
            lists = self.advice(self.experiment("z.yaml", real="none"), "--budget", "2", ranks=ranks)
            self.assertEqual([node for node, _, _ in lists["cure"]], ["0"])
            self.assertEqual(lists["cure"], lists["best"])

    def test_deepseek(self):
        """Real data for DeepSeek-V3 or for DeepSeek-R1: the one with the lower total error of two predictions."""
        llm = program.ROOT / "jobs/llm"
        for name in ("deepseek-withdrawn.yaml", "llm-feeds.tsv", "llm-models-deepseek-withdrawn.tsv"):
            self.write(name, (llm / name).read_bytes())
        text = (llm / "llm-models-deepseek-withdrawn.tsv").read_text()
        totals = {}
        for node in ("DeepSeek-V3", "DeepSeek-R1"):
            self.assertIn(f"{node}\t0\n", text)
            self.write("fed.tsv", text.replace(f"{node}\t0\n", f"{node}\t1\n"))
            self.works("predict", "deepseek-withdrawn.yaml", "--set", "real.nodes=fed.tsv", "--set",
                       "output.file=fed.h5")
            with h5py.File(self.dir / "fed.h5") as file:
                totals[node] = float(file["trajectory/theory"][-1].sum())
        lists = self.advice("deepseek-withdrawn.yaml", "--budget", "1", ranks=2)
        best = min(totals, key=totals.get)
        self.assertEqual([(node, round(total, 10)) for node, _, total in lists["cure"]], [(best, round(totals[best], 10))])
        self.assertGreater(lists["now"][0][2], 2 * totals[best])

    def test_greedy_need_not_be_best(self):
        """The example of --help: of all single models h is the best, of all pairs a and b (c to g are alike)."""
        self.write("feeds.tsv", "a a\nb b\na h\nb h\nh c\nh d\nh e\nh f\nh g\n")
        self.write("g.yaml", "graph: { file: feeds.tsv, samples: 100 }\nreal: { samples: 1000 }\n"
                             "output: { file: g.h5 }\n")
        totals = {}
        for fed in [*itertools.combinations("abhcd", 1), *itertools.combinations("abhcd", 2)]:
            self.write("fed.tsv", "".join(f"{node}\t1\n" for node in fed))
            self.works("predict", "g.yaml", "--set", "real.nodes=fed.tsv")
            with h5py.File(self.dir / "g.h5") as file:
                totals[fed] = float(file["trajectory/theory"][-1].sum())
        of_size = [min((fed for fed in totals if len(fed) == size), key=totals.get) for size in (1, 2)]
        self.assertEqual(of_size, [("h",), ("a", "b")])
        for how in ("auto", "none"):
            best = self.advice("g.yaml", "--budget", "2", "--set", f"theory.exact={how}", "--set",
                               "theory.dual_walks=20000")["best"]
            self.assertEqual(best[0][0], "h", how)
            self.assertIn(best[1][0], "ab")
        text = " ".join(self.works("advise", "--help").out.split())
        self.assertIn("a and b live on themselves, h trains on both and c, d, e, f, g on h, 100 samples a feed and "
                      "real.samples 1000, the best model to feed is h, but the best two are a and b", text)

    def test_bad_arguments(self):
        for words in (["--budget", "-1"], ["--budget", "two"], ["--budget", "99999999999999999999"], ["--budget", "1.5"],
                      ["--nonsense"], ["more.yaml"]):
            for ranks in (1, 3):
                result = self.ouro("advise", "x.yaml", *words, ranks=ranks)
                self.assertEqual(result.status, 2, result.err)
        self.assertEqual(self.ouro("advise").status, 2)

    def test_bad_candidates(self):
        files = {"unknown.tsv": ("a\nnobody\n", ["unknown.tsv:2", "nobody"]), "empty.tsv": ("", ["names no model"]),
                 "missing.tsv": (None, ["missing.tsv"]), "binary.tsv": (b"\0\1\2\n", ["binary.tsv"])}
        for name, (text, words) in files.items():
            if text is not None:
                self.write(name, text)
            for ranks in (1, 3):
                with self.subTest(name, ranks=ranks):
                    self.fails("advise", "x.yaml", "--candidates", name, ranks=ranks, says=words)

    def test_candidates_of_another_system(self):
        """Carriage returns, a column more, blanks; a name twice is an error."""
        self.write("some.tsv", "node\treal\r\nb\t1\r\n# c\r\n\r\nd \t5\r\n")
        self.assertEqual(self.advice("x.yaml", "--budget", "0", "--candidates", "some.tsv")["cure"][0][0], "b")
        self.write("twice.tsv", "b\nd\nb\n")
        for ranks in (1, 3):
            self.fails("advise", "x.yaml", "--candidates", "twice.tsv", ranks=ranks, says=["twice.tsv:3", "line 1"])
        self.write("header.tsv", "node\n")
        self.fails("advise", "x.yaml", "--candidates", "header.tsv", says=["names no model"])

    def both_ways(self, name, *arguments, ranks=1):
        """Advice by recursion and by walks, whose totals must be numbers and alike."""
        ways = [self.advice(name, *arguments, "--set", f"theory.exact={how}", "--set", "theory.dual_walks=60000",
                            ranks=ranks) for how in ("auto", "none")]
        for lists in ways:
            self.assertFalse(any(math.isnan(total) for rows in lists.values() for _, _, total in rows))
        self.assertAlmostEqual(ways[0]["now"][0][2] / ways[1]["now"][0][2], 1, delta=0.05)
        return ways

    def test_odd_graphs(self):
        """Roots alone, one node, disconnected pieces, weights over ten orders of magnitude: on both ways."""
        cases = {"roots": ("", 5, 0), "one": ("0 0\n", 1, 1), "root and heirs": ("0 1\n1 2\n", 3, 0),
                 "pieces": ("0 1\n1 0\n2 2\n3 4\n4 3\n5 6\n", 8, 3)}
        for name, (feeds, n, cures) in cases.items():
            self.write("feeds.tsv", feeds or "# none\n")
            self.experiment("odd.yaml", real="none")
            with self.subTest(name):
                exact, walked = self.both_ways("odd.yaml", "--budget", "20", "--set", f"graph.nodes={n}", ranks=2)
                self.assertEqual(len(exact["cure"]), cures)
                self.assertEqual([row[1] for row in exact["cure"]], [row[1] for row in walked["cure"]])
                self.assertEqual((len(exact["best"]), len(walked["best"])), (n, n))

    def test_weights_over_ten_orders(self):
        self.write("feeds.tsv", "source target samples\n0 1 10\n1 0 100000000000\n2 1 1000000000\n2 2 50\n"
                                "0 2 10000000000\n3 3 10\n")
        self.experiment("wide.yaml", real="none")
        exact, walked = self.both_ways("wide.yaml", "--budget", "2", ranks=2)
        self.assertEqual(len(exact["cure"]), 2)
        self.assertEqual(len(walked["cure"]), 2)

    def test_barely_enough_samples(self):
        """eta above 1: infinite totals are said to be so by the recursion; walks refuse, naming the model."""
        self.write("feeds.tsv", "".join(f"{j} {i}\n" for j in range(5) for i in range(5)))
        self.experiment("few.yaml", real="none", generations=2000)
        words = ["--set", "graph.samples=3", "--set", "model.dimension=10", "--set", "real.samples=1000"]
        lists = self.advice("few.yaml", *words)
        self.assertEqual((lists["now"][0][2], len(lists["cure"])), (math.inf, 1))
        out = self.works("advise", "few.yaml", *words).out
        self.assertIn("inf: the error overflows", out)
        self.assertIn("so small that errors grow all the same", out)
        self.fails("advise", "few.yaml", *words, "--set", "theory.exact=none",
                   says=["backward walks need at least 21 samples", "0 has fewer", "recursion"])

    def test_a_million_sources(self):
        self.write("feeds.tsv", "".join(f"{i} {i}\n" for i in range(1000000)))
        self.experiment("loops.yaml", real="none", generations=20)
        out = self.works("advise", "loops.yaml", "--set", "theory.dual_walks=100000", ranks=2, limit=100).out
        self.assertIn("for 1000000 models, one of each unstable source", out)
        self.assertIn("and 999950 more", out)

    def test_refusals(self):
        for ranks in (1, 2):
            self.fails("advise", "x.yaml", "--set", "real.kind=initial", ranks=ranks, status=2, says=["real.kind"])
            self.fails("advise", "x.yaml", "--set", "learning.generations=1000000000", "--budget", "3", ranks=ranks,
                       says=["too large for advice", "recursions", "fewer generations"])


if __name__ == "__main__":
    program.unittest.main(verbosity=0)
