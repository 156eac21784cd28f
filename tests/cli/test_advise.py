#!/usr/bin/python3
"""`ouro advise`: cures that cure, totals that `ouro predict` confirms, and bad input. limit: 300"""
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

    def test_refusals(self):
        for ranks in (1, 2):
            self.fails("advise", "x.yaml", "--set", "real.kind=initial", ranks=ranks, status=2, says=["real.kind"])
            self.fails("advise", "x.yaml", "--set", "learning.generations=1000000000", "--budget", "3", ranks=ranks,
                       says=["too large for advice", "recursions", "fewer generations"])


if __name__ == "__main__":
    program.unittest.main(verbosity=0)
