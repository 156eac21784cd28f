#!/usr/bin/python3
"""Generated graphs are the same on any number of ranks; partitions of every kind give the same results; saved ones are
used again, and refused for what they are not of."""
import pathlib
import sys

import h5py
import numpy as np

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from support import program  # noqa: E402

KINDS = {
    "tree": ("--nodes", "50", "--arity", "3"),
    "gnp": ("--nodes", "60", "--p", "0.05"),
    "barabasi-albert": ("--nodes", "60", "--degree", "3"),
    "small-world": ("--nodes", "60", "--degree", "4", "--p", "0.2"),
    "blocks": ("--nodes", "60", "--blocks", "4", "--p-in", "0.4", "--p-out", "0.02"),
    "layered": ("--nodes", "60", "--layers", "5", "--degree", "3"),
}
EXPERIMENT = """graph: {generate: {kind: blocks, nodes: 120, blocks: 3, p_in: 0.2, p_out: 0.01, seed: 5}, samples: 20}
real: {fraction: 0.3}
model: {dimension: 3}
learning: {generations: 5, replicates: 9, seed: 4}
"""


class Generated(program.Case):
    def test_same_graph_on_any_number_of_ranks(self):
        for kind, words in KINDS.items():
            files = []
            for ranks in (1, 3):
                self.works("generate", "--kind", kind, *words, "-o", "g.tsv", ranks=ranks)
                files.append((self.dir / "g.tsv").read_bytes())
            self.assertEqual(files[0], files[1], kind)
            self.assertGreater(files[0].count(b"\n"), 40)

    def test_wrong_arguments_name_their_key(self):
        for words, key in ((("gnp", "--nodes", "9", "--p", "1.5"), "graph.generate.p:"),
                           (("gnp", "--nodes", "9"), "`p`"),
                           (("small-world", "--nodes", "9", "--degree", "9", "--p", "0"), "graph.generate.degree:"),
                           (("blocks", "--nodes", "9", "--blocks", "10", "--p-in", "1", "--p-out", "0"),
                            "graph.generate.blocks:"),
                           (("layered", "--nodes", "9", "--layers", "4", "--degree", "3"), "graph.generate.degree:"),
                           (("tree", "--nodes", "9", "--arity", "0"), "graph.generate.arity:"),
                           (("ring", "--nodes", "9", "--arity", "2"), "graph.generate.arity:")):
            result = self.ouro("generate", "--kind", *words, "-o", "g.tsv", ranks=2)
            self.assertEqual(result.status, 2, words)
            self.assertIn(key, result.err)
            self.assertFalse((self.dir / "g.tsv").exists())


class Partitions(program.Case):
    def setUp(self):
        super().setUp()
        self.write("x.yaml", EXPERIMENT)
        self.works("generate", "--kind", "blocks", "--nodes", "120", "--blocks", "3", "--p-in", "0.2", "--p-out", "0.01",
                   "--seed", "5", "--samples", "20", "-o", "g.tsv")

    def errors(self, *settings, ranks=1):
        words = [word for setting in settings for word in ("--set", setting)]
        result = self.works("run", "x.yaml", *words, ranks=ranks)
        with h5py.File(self.dir / "x.h5") as file:
            return file["trajectory/error"][()], result.err

    def has_ptscotch(self):
        result = self.ouro("partition", "g.tsv", "--parts", "2", "--method", "ptscotch")
        if result.status != 0:
            self.assertIn("libptscotch-dev", result.err)
        return result.status == 0

    def test_same_bits_by_every_method(self):
        reference, _ = self.errors()
        methods = ("hash", "ptscotch") if self.has_ptscotch() else ("hash",)
        for method in methods:
            for ranks in (2, 3):
                found, messages = self.errors(f"partition.method={method}", ranks=ranks)
                self.assertTrue(np.array_equal(found, reference), f"{method} on {ranks}")
                self.assertIn(f"partition: {method} over {ranks} ranks", messages)

    def test_a_saved_partition_is_used_again(self):
        reference, _ = self.errors()
        made = self.works("partition", "g.tsv", "--parts", "3", "-o", "parts.tsv", ranks=2).out
        self.assertRegex(made, r"gain +blocks of models move \d")
        self.assertEqual((self.dir / "parts.tsv").read_text().splitlines()[1], "node\tpart")
        again = self.works("partition", "g.tsv", "--parts", "3", "--file", "parts.tsv", ranks=3).out
        self.assertEqual(made.splitlines()[1:], again.splitlines()[1:])
        found, messages = self.errors("partition.file=parts.tsv", ranks=3)
        self.assertTrue(np.array_equal(found, reference))
        self.assertIn("partition: file over 3 ranks", messages)

    def test_a_partition_of_something_else_is_refused(self):
        self.works("partition", "g.tsv", "--parts", "3", "-o", "parts.tsv")
        for setting, ranks, what in (("graph.samples=20", 2, "into 3 parts"),
                                     ("graph.generate.seed=6", 3, "another graph"),
                                     ("graph.generate.nodes=121", 3, "120 models; this graph has 121")):
            result = self.ouro("run", "x.yaml", "--set", "partition.file=parts.tsv", "--set", setting, ranks=ranks)
            self.assertEqual(result.status, 1)
            self.assertIn("parts.tsv:1:", result.err)
            self.assertIn(what, result.err)

    def test_a_graph_without_structure_is_named_as_such(self):
        self.works("generate", "--kind", "rmat", "--scale", "11", "--degree", "8", "-o", "r.tsv")
        self.assertIn("little structure", self.works("partition", "r.tsv", "--parts", "4").out)
        self.assertNotIn("structure", self.works("partition", "g.tsv", "--parts", "3").out)


if __name__ == "__main__":
    program.unittest.main(verbosity=0)
