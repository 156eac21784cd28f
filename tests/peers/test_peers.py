#!/usr/bin/python3
"""The programs a user would write instead: they agree with ouro, so that comparing speeds is fair. limit: 300"""
import pathlib
import random
import re
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from support import program  # noqa: E402

HERE = pathlib.Path(__file__).resolve().parent
VERDICTS = ("collapsing", "anchored", "frozen")


class Peers(program.Case):
    def peer(self, name, *arguments):
        result = program.command([sys.executable, HERE / name, *arguments], self.dir)
        self.assertEqual(result.status, 0, result.err)
        return result.out

    def verdict(self, feeds, real, ranks):
        """Numbers of collapsing, anchored and frozen models, by the peer and by ouro."""
        self.write("feeds.txt", "".join(f"{source} {target}\n" for source, target in feeds))
        self.write("ids.txt", "".join(f"{node}\n" for node in real))
        self.write("real.tsv", "".join(f"{node}\t1\n" for node in real))
        theirs = self.peer("peer_scipy_verdict.py", "feeds.txt", *(["ids.txt"] if real else []))
        rows = self.works("verdict", "feeds.txt", "--real", "real.tsv" if real else "none", "--tsv", ranks=ranks).table()
        ours = [row[1] for row in rows[1:]]
        return ([int(re.search(rf"^.*\b{word} (\d+)", theirs, re.M).group(1)) for word in VERDICTS],
                [ours.count(word) for word in VERDICTS])

    def test_verdict_on_random_graphs(self):
        seen = [0, 0, 0]
        for seed in range(12):
            draw = random.Random(seed)
            n = draw.randint(1, 60)
            feeds = {(draw.randrange(n), draw.randrange(n)) for _ in range(max(1, int(n * draw.uniform(0.5, 2))))}
            nodes = sorted({node for feed in feeds for node in feed})
            real = draw.sample(nodes, draw.randint(0, len(nodes) // 4)) if seed % 4 else []
            theirs, ours = self.verdict(sorted(feeds), real, ranks=1 + seed % 3)
            self.assertEqual(theirs, ours, f"seed {seed}")
            seen = [a + b for a, b in zip(seen, ours)]
        self.assertGreater(min(seen), 20)  # each verdict has been put to the test

    def test_numpy_program_after_one_generation(self):
        """From the truth, one fit to n = 40 samples has the error 1 / (n - p - 1) (THEORY.md section 3). Over 2000 models
        of p = 4 the relative standard error is about sqrt(2 / 8000) = 1.6 %; the seed is fixed, 8 % is 5 of them."""
        out = self.peer("peer_numpy.py", 2000, 2, 20, 4, 1)
        error = float(re.search(r"^err (\S+)", out, re.M).group(1))
        self.assertLess(abs(error * (40 - 4 - 1) - 1), 0.08)


if __name__ == "__main__":
    program.unittest.main(verbosity=0)
