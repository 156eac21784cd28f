#!/usr/bin/python3
"""`parallel.groups`: any number of groups of ranks writes the same file and prints the same report as one rank; what cannot
be is refused, and what is chosen is said. limit: 600"""
import pathlib
import re
import sys

import h5py

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from support import program  # noqa: E402

EXPERIMENT = """\
graph: { file: feeds.tsv, samples: 14 }
real: { nodes: real.tsv, samples: 9 }
model: { family: linear, dimension: 3 }
learning: { generations: 3, initial: 20, replicates: 37, seed: 5 }
output: { file: run.h5, parameters: true, measures: all, threshold: 0.3 }
"""
FEEDS = "a b\nb a\nb c\nc d\ne d\nd f\nf f\na g\ng c\n"

# ranks, groups, and what else the experiment is
CASES = ((2, 2, []), (3, 3, ["learning.draw=published"]), (4, 2, ["learning.regime=forget", "learning.draw=published"]),
         (4, 4, ["learning.regime=subsample", "exchange.carry=parameters"]), (5, 5, ["learning.sampling=limit"]),
         (6, 2, ["learning.sampling=statistics", "exchange.carry=parameters"]),
         (6, 3, ["learning.sampling=statistics", "real.kind=fixed", "exchange.buffer=64 KiB"]),
         (4, 2, ["model.family=kde", "model.dimension=1", "learning.regime=accumulate", "partition.method=block"]),
         (2, 2, ["model.family=logistic", "graph.samples=6", "learning.initial=6", "learning.replicates=21"]),
         (4, 4, ["model.family=poisson-regression", "graph.samples=5", "learning.initial=7", "learning.draw=published"]),
         (3, 3, ["model.family=gaussian", "model.dimension=2", "learning.growth=0.5", "learning.replicates=17"]))


def tables(path):
    """Every table of a run file that does not say how it was made, and the scores."""
    found = {}
    with h5py.File(path) as file:
        def keep(name, item):
            if isinstance(item, h5py.Dataset) and not name.startswith("timing") and name != "node/owner":
                found[name] = item[()].tobytes()
        file.visititems(keep)
        found.update({key: value for key, value in file["trajectory"].attrs.items() if key.startswith("z_")})
        groups = file.attrs["groups"]
    return found, groups


class Groups(program.Case):
    def setUp(self):
        super().setUp()
        self.write("feeds.tsv", FEEDS)
        self.write("real.tsv", "node\treal\ne\t1\nc\t15\n")
        self.write("run.yaml", EXPERIMENT)

    def run_file(self, *settings, ranks=1):
        words = [word for setting in settings for word in ("--set", setting)]
        result = self.works("run", "run.yaml", *words, ranks=ranks)
        return (*tables(self.dir / "run.h5"), result)

    def complete(self, nodes):
        """All models train on all others, so that half of the feeds are cut however they are parted."""
        self.write("run.yaml", EXPERIMENT.replace("file: feeds.tsv", f"generate: {{kind: complete, nodes: {nodes}}}")
                   .replace("nodes: real.tsv", "fraction: 0.2"))

    def test_same_file_and_report(self):
        stalled = 0
        for ranks, groups, settings in CASES:
            with self.subTest(ranks=ranks, groups=groups, settings=settings):
                one, number, alone = self.run_file(*settings)
                self.assertEqual(number, 1)
                many, number, result = self.run_file(*settings, f"parallel.groups={groups}", ranks=ranks)
                self.assertEqual(number, groups)
                self.assertEqual(sorted(one), sorted(many))
                for name in one:
                    self.assertEqual(str(one[name]), str(many[name]), name)
                self.assertEqual(alone.out, result.out)
                stalled += "stalled" in alone.out
        self.assertGreater(stalled, 0, "no case has models that stall")

    def test_nothing_is_exchanged_by_groups_of_one_rank(self):
        sent = []
        for groups in (1, 2):
            self.run_file(f"parallel.groups={groups}", ranks=2)
            with h5py.File(self.dir / "run.h5") as file:
                sent.append(file["timing"].attrs["bytes_sent"])
        self.assertGreater(sent[0], 0)
        self.assertEqual(sent[1], 0)

    def test_more_ranks_than_models(self):
        self.write("feeds.tsv", "a b\nb a\n")
        self.write("real.tsv", "a\t1\n")
        one, _, alone = self.run_file()
        many, _, result = self.run_file("parallel.groups=2", ranks=6)
        self.assertEqual({k: str(v) for k, v in one.items()}, {k: str(v) for k, v in many.items()})
        self.assertEqual(alone.out, result.out)

    def test_refused(self):
        for groups, ranks, says in (("3", 4, ["4 ranks", "2 or 4 groups"]), ("2", 1, ["1 rank:"]), ("5", 2, ["1 or 2"]),
                                    ("6", 6, ["learning.replicates 37 are 5", "at most 5"]), ("0", 2, ["auto"])):
            with self.subTest(groups=groups, ranks=ranks):
                self.fails("run", "run.yaml", "--set", f"parallel.groups={groups}", ranks=ranks, status=2,
                           says=["parallel.groups", *says])

    def test_memory_of_a_group(self):
        """Two groups keep what one does, a rank: half the replicates of twice the models; but whole blocks of them."""
        settings = ["learning.regime=subsample", "learning.replicates=16", "graph.samples=100"]
        words = [word for setting in settings for word in ("--set", setting)]
        for groups in ("1", "2"):
            result = self.fails("run", "run.yaml", *words, "--set", "learning.memory=1 KiB", "--set",
                                f"parallel.groups={groups}", ranks=2, says=["learning.memory", "at least"])
            least = re.search(r"at least (\d+) KiB", result.err).group(1)
            self.works("run", "run.yaml", *words, "--set", f"learning.memory={least} KiB", "--set",
                       f"parallel.groups={groups}", ranks=2)
            self.fails("run", "run.yaml", *words, "--set", f"learning.memory={int(least) - 1} KiB", "--set",
                       f"parallel.groups={groups}", ranks=2, says=["learning.memory"])
            (self.dir / "run.h5").unlink()

    def test_choice_is_said(self):
        """auto: one block is not shared; two blocks on two ranks are, where all models feed all others."""
        self.complete(nodes=40)
        for replicates, ranks, groups, says in ((8, 2, 1, "cannot be shared"), (16, 2, 2, "2 groups of 1 rank: by estimate"),
                                                (9, 3, 1, "cannot be shared"), (64, 4, 4, "4 groups of 1 rank: by")):
            with self.subTest(replicates=replicates, ranks=ranks):
                _, number, result = self.run_file(f"learning.replicates={replicates}", ranks=ranks)
                self.assertEqual(number, groups)
                self.assertEqual(result.err.count("ouro: groups: "), 1)
                self.assertIn(says, result.err)
        self.assertNotIn("groups:", self.run_file()[2].err)

    def test_a_choice_that_might_be_refused_is_not_made(self):
        """Where learning.memory just holds what one group keeps, there is one group, and two where there is more."""
        self.complete(nodes=12)
        settings = ["learning.regime=subsample", "learning.replicates=16"]
        words = [word for setting in settings for word in ("--set", setting)]
        result = self.fails("run", "run.yaml", *words, "--set", "learning.memory=1 KiB", ranks=2, says=["at least"])
        least = int(re.search(r"at least (\d+) KiB", result.err).group(1))
        for memory, groups in ((least, 1), (2 * least, 2)):
            self.assertEqual(self.run_file(*settings, f"learning.memory={memory} KiB", ranks=2)[1], groups)


if __name__ == "__main__":
    program.unittest.main(verbosity=0)
