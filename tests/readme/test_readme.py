#!/usr/bin/python3
"""Every command of the README works and prints what the README says. limit: 300

Left out are `make demo` and `make check`: both install packages, this test is itself part of the second, and what the
first does with the program, its experiments and pictures is run here and by tests/scripts and tests/cli.
"""
import os
import pathlib
import re
import subprocess
import sys

import h5py

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from support import program  # noqa: E402

README = (program.ROOT / "README.md").read_text()
LEFT_OUT = ("make demo", "make check")
# More ranks than cores, and as root in a container: what scripts/mpi.sh sets.
OPEN_MPI = {"OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1",
            "OMPI_MCA_rmaps_base_oversubscribe": "1", "OMPI_MCA_btl_vader_single_copy_mechanism": "none",
            "OMPI_MCA_hwloc_base_binding_policy": "none", "OMPI_MCA_mpi_yield_when_idle": "1"}


def blocks(language):
    return re.findall(rf"^```{language}\n(.*?)^```$", README, re.M | re.S)


def alike(stated, printed):
    """The same words; numbers to 1 %, since another processor may round otherwise."""
    stated, printed = stated.split(), printed.split()
    if len(stated) != len(printed):
        return False
    for a, b in zip(stated, printed):
        try:
            if abs(float(a.rstrip(",")) - float(b.rstrip(","))) > 0.01 * abs(float(b.rstrip(","))):
                return False
        except ValueError:
            if a != b:
                return False
    return True


class Readme(program.Case):
    def setUp(self):
        """A scratch copy of what the commands name, the program first on PATH, and a home of its own."""
        super().setUp()
        for name in ("jobs", "scripts"):
            (self.dir / name).symlink_to(program.ROOT / name)
        path = [str(self.dir / "home/.local/bin"), str(pathlib.Path(program.OURO).parent), os.environ["PATH"]]
        self.env = {**os.environ, **OPEN_MPI, "HOME": str(self.dir / "home"), "PATH": ":".join(path)}

    def shell(self, text, cwd):
        result = subprocess.run(["bash", "-euc", text], cwd=cwd, env=self.env, text=True, timeout=200,
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)
        self.assertEqual(result.returncode, 0, f"{text}\n{result.stdout}\n{result.stderr}")
        return result.stdout

    def run_block(self, block):
        """Lines of make in the repository, the others in the scratch directory. Returns what the latter print."""
        lines = [line for line in block.splitlines() if line not in LEFT_OUT]
        for line in lines:
            if line.startswith("make"):
                self.shell(line, program.ROOT)
        return self.shell("\n".join(line for line in lines if not line.startswith("make")), self.dir)

    def test_commands(self):
        printed = [self.run_block(block) for block in blocks("sh")]
        self.assertGreater(len(printed), 5)
        for stated in blocks("text"):
            self.assertTrue(any(alike(stated, text) for text in printed), f"nothing prints\n{stated}\nbut {printed}")
        for block in blocks("python"):
            subprocess.run([sys.executable, "-c", block], cwd=self.dir, env=self.env, check=True, timeout=60,
                           stdout=subprocess.DEVNULL)
        for name in ("deepseek-withdrawn-graph.png", "deepseek-withdrawn-trajectories.png", "parts.tsv", "theory.h5"):
            self.assertTrue((self.dir / name).exists(), name)

    def test_experiment_is_the_file(self):
        experiment, = blocks("yaml")
        self.assertEqual(experiment, (program.ROOT / "jobs/llm/deepseek-withdrawn.yaml").read_text())

    def test_links_lead_somewhere(self):
        for target in re.findall(r"\]\(([^)#]+)\)", README):
            if "://" not in target:
                self.assertTrue((program.ROOT / target).exists(), target)

    def test_quick_start_are_targets(self):
        makefile = (program.ROOT / "Makefile").read_text()
        for command in LEFT_OUT:
            self.assertIn(f"\n{command}\n", README)
            self.assertRegex(makefile, rf"(?m)^{command.split()[1]}:")

    def test_every_key_is_listed(self):
        """The stored configuration of an experiment that says nothing: its keys, with their defaults, are in the table."""
        self.write("x.yaml", "graph: {generate: {kind: gnm, nodes: 4, feeds: 3}}\nlearning: {regime: forget}\n")
        self.works("predict", "x.yaml")
        with h5py.File(self.dir / "x.h5") as file:
            stored = file["config"].attrs["experiment"].decode()
        for section, body in re.findall(r"^(\w+):\n((?:  .*\n?)+)", stored, re.M):
            row, = re.findall(rf"^\| `{section}` \| (.*) \|$", README, re.M)
            for key, value in re.findall(r"^  (\w+):(?: (.*))?$", body, re.M):
                self.assertIn(f"`{key}`", row if section != "model" else README, f"{section}.{key}")
                said = re.search(rf"`{key}` \(([^),:]*)", row)
                if said and value and not re.search("`|^as of", said.group(1)):
                    self.assertEqual(said.group(1).split()[0], value.split()[0], f"{section}.{key}")

    def test_exit_statuses(self):
        """As the table says: 0, 1 with the file and line, 2 with the key and the nearest known one."""
        self.works("--help")
        self.write("bad.tsv", "0 1\n1\n")
        self.fails("verdict", "bad.tsv", status=1, says=["bad.tsv:2"])
        self.fails("run", "jobs/llm/as-published.yaml", "--set", "learning.sede=3", status=2, says=["seed"])


if __name__ == "__main__":
    program.unittest.main(verbosity=0)
