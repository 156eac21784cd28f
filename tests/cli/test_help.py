#!/usr/bin/python3
"""Every command explains itself with an example that runs."""
import pathlib
import re
import shlex
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from support import program  # noqa: E402

COMMANDS = ("run", "verdict", "predict", "advise", "plan", "partition", "generate", "info", "compare")


class Help(program.Case):
    def test_every_command_is_listed(self):
        out = self.works("--help").out
        for command in COMMANDS:
            self.assertIn(f"  {command} ", out)

    def test_help_is_printed_once(self):
        self.assertEqual(self.works("verdict", "--help", ranks=3).out.count("Usage:"), 1)

    def test_every_family_is_listed_with_its_keys(self):
        words = " ".join(self.works("run", "--help").out.split())  # long lines are folded
        for line in ("linear dimension noise covariates correlation exponent ridge", "normal-mean dimension noise",
                     "poisson mean", "bernoulli mean", "exponential mean",
                     "gaussian dimension noise covariates correlation exponent variance temperature top_p",
                     "mixture dimension noise components separation",
                     "kde dimension noise bandwidth points",
                     "categorical categories probabilities exponent smoothing temperature top_k top_p"):
            self.assertIn(f" {line} ", words)

    def test_version(self):
        self.assertRegex(self.works("--version").out, r"^ouro \d+\.\d+\.\d+ \(")

    def test_examples_run(self):
        """In a directory with the files that the examples name."""
        llm = program.ROOT / "jobs/llm"
        self.write("jobs/llm/.keep", "")
        for file in llm.iterdir():
            if file.is_file():
                self.write(f"jobs/llm/{file.name}", file.read_bytes())
        self.write("feeds.tsv", (llm / "llm-feeds.tsv").read_bytes())
        self.write("models.tsv", (llm / "llm-models.tsv").read_bytes())
        self.works("run", "jobs/llm/as-published.yaml", "--set", "learning.generations=3", "--set",
                   "learning.replicates=8", "--set", "output.file=run.h5")
        for command in COMMANDS:
            text = " ".join(self.works(command, "--help").out.split())
            found = re.search(r"Example: (?:mpirun -np \d+ )?ouro (.*)$", text)
            self.assertTrue(found, text)
            self.works(*shlex.split(found.group(1)), limit=200)


if __name__ == "__main__":
    program.unittest.main(verbosity=0)
