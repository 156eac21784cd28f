#!/usr/bin/python3
"""Bad input: one clear message, non-zero exit, no crash, no hang, no half-written output. limit: 600"""
import os
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from support import program  # noqa: E402

GOOD = "graph: { file: g.tsv }\nmodel: { dimension: 2 }\nlearning: { generations: 2 }\noutput: { file: out.h5 }\n"

# content of g.tsv, arguments after `verdict g.tsv`, words of the message
GRAPHS = {
    "one field": ("0 1\n1\n", ["g.tsv:2"]),
    "three columns without names": ("0 1 5\n", ["g.tsv:1", "columns"]),
    "late third column": ("0 1\n1 2\n2 0 9\n", ["g.tsv:3"]),
    "id overflows": ("0 99999999999999999999\n", ["g.tsv:1"]),
    "binary": (b"0 1\n\x00\x01\x02\xff\xfe 3\n", ["g.tsv:2"]),
    "empty": ("", ["g.tsv"]),
    "only comments": ("# nothing\n", ["g.tsv"]),
}
COUNTS = {
    "zero": "0", "negative": "-3", "fractional": "1.5", "not a number": "nan", "words": "many",
    "overflow": "99999999999999999999", "infinite": "inf", "missing": "",
}
CONFIGS = {
    "unknown key": (GOOD + "learning2: { seed: 1 }\n", 2, ["x.yaml:5", "learning"]),
    "mistyped key": (GOOD.replace("dimension", "dimensoin"), 2, ["x.yaml:2", "dimension"]),
    "unknown family": (GOOD.replace("dimension: 2", "dimension: 2, family: liner"), 2, ["liner", "linear"]),
    "unknown word": (GOOD.replace("generations: 2", "generations: 2, draw: privat"), 2, ["x.yaml:3", "private"]),
    "wrong type": (GOOD.replace("generations: 2", "generations: soon"), 2, ["x.yaml:3"]),
    "out of range": (GOOD.replace("dimension: 2", "dimension: 0"), 2, ["x.yaml:2", "dimension"]),
    "negative noise": (GOOD.replace("dimension: 2", "noise: -1"), 2, ["x.yaml:2", "noise"]),
    "noise is nan": (GOOD.replace("dimension: 2", "noise: .nan"), 2, ["x.yaml:2", "noise"]),
    "no yaml": ("graph: { file: g.tsv\n", 2, ["x.yaml:"]),
    "empty": ("", 2, ["x.yaml"]),
    "binary": (b"\x00\x01\x02\xff", 2, ["x.yaml"]),
    "no such graph": (GOOD.replace("g.tsv", "missing.tsv"), 1, ["missing.tsv"]),
    "too few samples": (GOOD.replace("dimension: 2", "dimension: 60").replace("generations: 2", "initial: 500")
                        .replace("g.tsv", "g.tsv, samples: 61"), 1, ["node 2", "62"]),
    "too few to begin": (GOOD.replace("generations: 2", "initial: 3"), 2, ["initial", "4"]),
    "no directory": (GOOD.replace("out.h5", "nowhere/out.h5"), 1, ["nowhere/out.h5"]),
}


class BadInput(program.Case):
    def test_graphs(self):
        for name, (text, words) in GRAPHS.items():
            for ranks in (1, 3):
                with self.subTest(name, ranks=ranks):
                    self.write("g.tsv", text)
                    self.fails("verdict", "g.tsv", ranks=ranks, says=words)

    def test_counts(self):
        for name, count in COUNTS.items():
            for ranks in (1, 2):
                with self.subTest(name, ranks=ranks):
                    self.write("g.tsv", f"source\ttarget\tsamples\na\tb\t10\nb\tc\t{count}\n")
                    self.fails("verdict", "g.tsv", ranks=ranks, says=["g.tsv:3"])

    def test_training_sets_too_large_to_count(self):
        most = 2**63 - 1
        self.write("g.tsv", f"source\ttarget\tsamples\na\tb\t{most - 5}\n")
        for real, fine in ((5, True), (6, False)):
            self.write("r.tsv", f"b\t{real}\n")
            for ranks in (1, 2):
                if fine:
                    self.works("verdict", "g.tsv", "--real", "r.tsv", ranks=ranks)
                else:
                    self.fails("verdict", "g.tsv", "--real", "r.tsv", ranks=ranks, says=["node b", "counted"])

    def test_missing_files(self):
        self.write("g.tsv", "0 1\n")
        for ranks in (1, 3):
            self.fails("verdict", "missing.tsv", ranks=ranks, says=["missing.tsv", "No such file"])
            self.fails("verdict", "g.tsv", "--real", "missing.tsv", ranks=ranks, says=["missing.tsv", "No such file"])
            self.fails("info", "missing.h5", ranks=ranks, says=["missing.h5"])
            self.fails("compare", "missing.h5", "g.tsv", ranks=ranks, says=["missing.h5"])
        self.assertNotEqual(self.ouro("run", "missing.yaml").status, 0)

    def test_node_files(self):
        self.write("g.tsv", "a b\nb c\n")
        for text, words in (("node\treal\na\t-1\n", ["r.tsv:2"]), ("a\t1\nb\tx\n", ["r.tsv:2"]),
                            ("a\t1\na\t1\n", ["r.tsv:2"]), ("a\t1.5\n", ["r.tsv:1"]),
                            ("node\tevery\na\t0\n", ["r.tsv:2", "every", "'0'"]),
                            ("node\tnoise\na\t-1\n", ["r.tsv:2", "noise", "'-1'"]),
                            ("node\tinitial\na\tmany\n", ["r.tsv:2", "initial", "'many'"]),
                            ("node\treal\tnoies\na\t1\t1\n", ["r.tsv:1", "`noies`", "`noise`"])):
            for ranks in (1, 2):
                with self.subTest(text, ranks=ranks):
                    self.write("r.tsv", text)
                    self.fails("verdict", "g.tsv", "--real", "r.tsv", ranks=ranks, says=words)

    def test_matrix_market(self):
        for text in ("%%MatrixMarket matrix array real general\n2 2\n1\n0\n0\n1\n", "%%Matrix\n1 1 1\n1 1\n",
                     "%%MatrixMarket matrix coordinate pattern general\n2 2 2\n1 2\n",
                     "%%MatrixMarket matrix coordinate pattern general\n2 2 1\n1 3\n"):
            for ranks in (1, 2):
                with self.subTest(text, ranks=ranks):
                    self.write("g.mtx", text)
                    self.fails("verdict", "g.mtx", ranks=ranks, says=["g.mtx"])

    def test_experiments(self):
        self.write("g.tsv", "0 1\n1 2\n2 1\n")
        for name, (text, status, words) in CONFIGS.items():
            for ranks in (1, 3):
                with self.subTest(name, ranks=ranks):
                    self.write("x.yaml", text)
                    self.fails("run", "x.yaml", ranks=ranks, status=status, says=words)

    def test_overrides(self):
        self.write("g.tsv", "0 1\n1 2\n2 1\n")
        self.write("x.yaml", GOOD)
        self.fails("run", "x.yaml", "--set", "graph.sample=3", status=2, says=["graph.sample", "samples"])
        self.fails("run", "x.yaml", "--set", "learning.replicates=-1", ranks=2, status=2, says=["replicates"])

    def test_published_corpora_of_two_sizes(self):
        self.write("g.tsv", "source\ttarget\tsamples\na\tb\t10\na\tc\t11\n")
        self.write("x.yaml", GOOD + "")
        for ranks in (1, 2):
            self.fails("run", "x.yaml", "--set", "learning.draw=published", ranks=ranks, says=["g.tsv:3", "line 2"])

    def test_unwritable_output(self):
        self.write("g.tsv", "0 1\n1 0\n")
        self.write("x.yaml", GOOD.replace("out.h5", "/proc/nowhere/out.h5"))
        for ranks in (1, 2):
            self.fails("run", "x.yaml", ranks=ranks, says=["/proc/nowhere/out.h5"])
            self.fails("generate", "--kind", "ring", "--nodes", "5", "-o", "/proc/nowhere/g.tsv", ranks=ranks,
                       says=["/proc/nowhere/g.tsv"])

    def test_usage(self):
        for arguments in (["vedict", "g.tsv"], ["verdict"], ["verdict", "g.tsv", "--colour"], ["run", "a", "b"], [],
                          ["run", "x.yaml", "--set", "nonsense"], ["partition", "g.tsv", "--parts", "0"]):
            for ranks in (1, 2):
                with self.subTest(arguments, ranks=ranks):
                    result = self.ouro(*arguments, ranks=ranks)
                    self.assertEqual(result.status, 2, result.err)
                    self.assertTrue(result.err.strip())
        self.assertIn("verdict", self.ouro("vedict").err)

    def test_results_that_cannot_be_printed(self):
        self.write("g.tsv", "0 1\n")
        with open("/dev/full", "w", encoding="utf-8") as full:
            status = program.subprocess.run([program.OURO, "verdict", str(self.dir / "g.tsv")], stdout=full,
                                            stderr=program.subprocess.PIPE, timeout=60, check=False)
        self.assertEqual(status.returncode, 1)
        self.assertIn(b"standard output", status.stderr)

    def test_incomplete_file(self):
        self.write("junk.h5", os.urandom(4096))
        self.fails("info", "junk.h5", ranks=2, says=["junk.h5"])


if __name__ == "__main__":
    program.unittest.main(verbosity=0)
