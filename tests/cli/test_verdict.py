#!/usr/bin/python3
"""`ouro verdict` on graphs whose verdict is known. limit: 300"""
import collections
import json
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from support import program  # noqa: E402

RANKS = (1, 2, 3, 4)


def counts(result):
    """Number of nodes of each verdict in a table."""
    return collections.Counter(row[1] for row in result.table()[1:])


class Verdict(program.Case):
    def test_small_graph_by_hand(self):
        """b and c feed each other (unstable), feed d; a is a root that feeds e; f has real data and feeds e, too."""
        self.write("g.tsv", "b c\nc b\nc d\na e\nf e\n")
        self.write("real.tsv", "node\treal\nf\t1\n")
        expected = {"a": "frozen", "b": "collapsing", "c": "collapsing", "d": "collapsing", "e": "anchored",
                    "f": "anchored"}
        for ranks in (*RANKS, 9):
            rows = self.works("verdict", "g.tsv", "--real", "real.tsv", "--tsv", ranks=ranks).table()
            self.assertEqual(rows[0][:3], ["node", "verdict", "component"])
            self.assertEqual({row[0]: row[1] for row in rows[1:]}, expected)
            self.assertEqual({row[0]: row[2] for row in rows[1:]},
                             {"a": "-", "b": "b", "c": "b", "d": "-", "e": "-", "f": "-"})

    def test_output_is_the_same_on_any_number_of_ranks(self):
        self.works("generate", "--kind", "gnm", "--nodes", "300", "--feeds", "420", "-o", "g.tsv")
        first = self.works("verdict", "g.tsv", "--tsv").out
        for ranks in (2, 3, 7):
            self.assertEqual(first, self.works("verdict", "g.tsv", "--tsv", ranks=ranks).out)

    def test_one_model_alone(self):
        self.write("g.tsv", "0 0\n")
        for ranks in (1, 3):
            self.assertEqual(self.works("verdict", "g.tsv", "--tsv", ranks=ranks).table()[1][1], "collapsing")
            self.assertEqual(self.works("verdict", "g.tsv", "--tsv", "--real", "all", ranks=ranks).table()[1][1],
                             "anchored")

    def test_json(self):
        self.write("g.tsv", "0 1\n1 0\n1 2\n")
        facts = json.loads(self.works("verdict", "g.tsv", "--json", ranks=2).out)
        self.assertEqual((facts["nodes"], facts["feeds"], facts["collapsing"]), (3, 3, 3))
        self.assertEqual(facts["unstable_sources"], 1)
        self.assertEqual(facts["largest"], [{"component": "0", "models": 2}])

    def test_rates(self):
        """Known answer 2 of THEORY.md section 13; and E, which real data hold."""
        self.write("g.tsv", "source\ttarget\tsamples\n0\t1\t20\n1\t0\t10\n0\t2\t3\n1\t2\t1\n2\t3\t1\n3\t3\t1\n")
        self.write("real.tsv", "3\t2\n")
        for ranks in RANKS:
            rows = self.works("verdict", "g.tsv", "--real", "real.tsv", "--tsv", ranks=ranks).table()
            self.assertEqual(rows[0], ["node", "verdict", "component", "rate"])
            for row, expected in zip(rows[1:], (0.075, 0.075, 0.046875, 0.0045416666666667), strict=True):
                self.assertAlmostEqual(float(row[3]) / expected, 1, places=9)
        table = self.works("verdict", "g.tsv", "--real", "real.tsv", "--tsv", "--rates", "none").table()
        self.assertEqual([row[3] for row in table[1:]], ["-"] * 4)
        self.assertEqual([row[3] for row in self.works("verdict", "g.tsv", "--real", "all", "--tsv").table()[1:]],
                         ["0"] * 4)

    def test_sources_by_damage(self):
        """The pair c, d ruins only itself, the loop a three models besides."""
        self.write("g.tsv", "a a\na b\nb e\nb f\nc d\nd c\n")
        facts = json.loads(self.works("verdict", "g.tsv", "--json", ranks=3).out)
        self.assertEqual([s["component"] for s in facts["largest"]], ["c", "a"])
        self.assertEqual(facts["by_damage"],
                         [{"component": "a", "models": 1, "ruins": 4, "period": 1, "rate": 0.01},
                          {"component": "c", "models": 2, "ruins": 2, "period": 2, "rate": 0.01}])
        lines = [line.split() for line in self.works("verdict", "g.tsv", ranks=2).out.splitlines()]
        self.assertLess(lines.index(["1", "4", "1", "0.01", "a"]), lines.index(["2", "2", "2", "0.01", "c"]))
        self.assertNotIn("ruins", self.works("verdict", "g.tsv", "--rates", "none").out.split())
        self.assertEqual(self.ouro("verdict", "g.tsv", "--rates", "maybe").status, 2)

    def test_table_of_sources(self):
        """1100 pairs and, last, a loop that ruins 900 models in a row: the smallest source, and the worst."""
        feeds = [(f"{k:04}", f"{k ^ 1:04}") for k in range(2200)] + [("loop", "loop"), ("loop", "x000")]
        feeds += [(f"x{k:03}", f"x{k + 1:03}") for k in range(899)]
        self.write("g.tsv", "".join(f"{j} {i}\n" for j, i in feeds))
        tables = [self.works("verdict", "g.tsv", "--sources", ranks=ranks).out for ranks in (1, 3)]
        self.assertEqual(tables[0], tables[1])
        rows = [line.split("\t") for line in tables[0].splitlines()]
        self.assertEqual(rows[0], ["component", "models", "ruins", "error", "period", "rate"])
        self.assertEqual(rows[1:], [[f"{k:04}", "2", "2", "0", "2", "0.01"] for k in range(0, 2200, 2)]
                         + [["loop", "1", "901", "0", "1", "0.01"]])
        lines = self.works("verdict", "g.tsv", ranks=2).out.splitlines()
        first = [line.split() for line in lines].index(["1", "901", "1", "0.01", "loop"])
        self.assertIn("ruins", lines[first - 1])
        self.assertTrue(any("standard error of 5 %" in line for line in lines))
        facts = json.loads(self.works("verdict", "g.tsv", "--json").out)
        self.assertEqual(facts["by_damage"][0]["component"], "loop")
        self.assertNotIn("loop", [source["component"] for source in facts["largest"]])
        self.assertEqual(self.ouro("verdict", "g.tsv", "--sources", "--rates", "none").status, 2)

    def test_slow_source_is_solved(self):
        """Two models that hardly hear each other, one sample in 10^10, alike: half of the drift of one alone."""
        self.write("g.tsv", "source\ttarget\tsamples\na\ta\t9999999999\nb\ta\t1\nb\tb\t9999999999\na\tb\t1\nb\tc\t1\n")
        result = self.works("verdict", "g.tsv", "--tsv", ranks=2)
        self.assertEqual([row[3] for row in result.table()[1:]], ["5e-11"] * 3)
        self.assertRegex(result.err, "not converged for 2 models .* solved by elimination")

    def test_slow_source_too_large_to_be_solved_has_no_rate(self):
        """A row of 4200 models that train on themselves and on their neighbours mixes in millions of steps."""
        row = "".join(f"{i} {i}\n{i} {i + 1}\n{i + 1} {i}\n" for i in range(4199))
        self.write("g.tsv", row + "4199 4199\n")
        result = self.works("verdict", "g.tsv", "--tsv")
        self.assertEqual({row[3] for row in result.table()[1:]}, {"-"})
        self.assertIn("has not converged", result.err)

    def test_email_network(self):
        path = self.data("email-Eu-core.txt")
        for ranks in RANKS:
            self.assertEqual(counts(self.works("verdict", path, "--tsv", ranks=ranks)),
                             {"collapsing": 991, "frozen": 14})

    def test_email_network_with_real_data_everywhere(self):
        path = self.data("email-Eu-core.txt")
        self.assertEqual(counts(self.works("verdict", path, "--tsv", "--real", "all", ranks=2)), {"anchored": 1005})

    def test_peer_to_peer_network_is_frozen(self):
        path = self.data("p2p-Gnutella08.txt")
        for ranks in RANKS:
            self.assertEqual(counts(self.works("verdict", path, "--tsv", ranks=ranks)), {"frozen": 6301})

    def test_peer_to_peer_network_with_one_unstable_source(self):
        """Real data at every root but 1200, which trains on itself: 6046 nodes collapse."""
        path = self.data("p2p-Gnutella08.txt")
        feeds = [line.split() for line in path.read_text().splitlines() if not line.startswith("#")]
        roots = {source for source, _ in feeds} - {target for _, target in feeds}
        self.assertEqual(len(roots), 80)
        self.assertIn("1200", roots)
        self.write("g.txt", path.read_text() + "1200 1200\n")
        self.write("real.tsv", "".join(f"{root}\t1\n" for root in sorted(roots - {"1200"})))
        for ranks in RANKS:
            result = self.works("verdict", "g.txt", "--real", "real.tsv", "--tsv", ranks=ranks)
            self.assertEqual(counts(result)["collapsing"], 6046)
            self.assertEqual([row[2] for row in result.table() if row[0] == "1200"], ["1200"])

    def test_lineage_of_language_models(self):
        llm = program.ROOT / "jobs/llm"
        for experiment, expected in (("llm-models.tsv", {"collapsing": 0}), (None, {"collapsing": 6, "frozen": 54})):
            result = self.works("verdict", llm / "llm-feeds.tsv", "--real", llm / experiment if experiment else "none",
                                "--tsv", ranks=2)
            for verdict, n in expected.items():
                self.assertEqual(counts(result)[verdict], n)
            self.assertEqual(sum(counts(result).values()), 60)


if __name__ == "__main__":
    program.unittest.main(verbosity=0)
