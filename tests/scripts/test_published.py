#!/usr/bin/python3
"""scripts/published.py reproduces some of the published results, computes what it expects from the files, and says so
where a result does not come out. All of them: `make published`.

Quantities are tested at 4 standard errors, with the fixed seeds of the files: what passes here passes always."""
import pathlib
import shutil
import subprocess
import sys

import h5py
import matplotlib.image
import numpy as np

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from support import program  # noqa: E402

JOBS = program.ROOT / "jobs/published"
FEW = 2000  # replicates


class Published(program.Case):
    def published(self, only, *arguments, jobs=JOBS, status=0):
        """Lines of the table, by result."""
        words = [sys.executable, program.ROOT / "scripts/published.py", "--ouro", program.OURO, "--only", only,
                 "--jobs", jobs, "--out", self.dir / "out", *arguments]
        done = program.command(words, self.dir)
        self.assertEqual(done.status, status, f"{done.out}\n{done.err}")
        lines = [line for line in done.out.splitlines() if line.startswith("R") and line[1].isdigit()]
        return {line.split()[0]: line for line in lines}

    def changed(self, name, *replacements):
        """A copy of the jobs in which a file says something else."""
        jobs = self.dir / "jobs"
        shutil.copytree(JOBS, jobs, dirs_exist_ok=True)
        text = (jobs / name).read_text()
        for old, new in replacements:
            self.assertEqual(text.count(old), 1, f"{old} in {name}")
            text = text.replace(old, new)
        (jobs / name).write_text(text)
        return jobs

    def cells(self, name):
        rows = [line.split("\t") for line in (self.dir / "out" / name).read_text().splitlines()]
        return [dict(zip(rows[0], row)) for row in rows[1:]]

    def test_some_come_out(self):
        wanted = ["R1", "R5", "R7", "R8", "R16"]
        lines = self.published(",".join(wanted), "--replicates", FEW)
        self.assertEqual(list(lines), wanted)
        for line in lines.values():
            self.assertRegex(line, r"^R\d+ .*[^T] reproduced$")
        rows = self.cells("published.tsv")
        self.assertEqual([(r["result"], r["replicates"], r["verdict"]) for r in rows],
                         [(name, str(FEW), "reproduced") for name in wanted])
        self.assertEqual([r["kind"] for r in rows], ["equality", "equality", "bound", "equality", "equality"])
        self.assertTrue(all(r["source"] for r in rows))
        for row in self.cells("quantities.tsv"):
            z = (float(row["simulated"]) - float(row["expected"])) / float(row["standard error"])
            self.assertAlmostEqual(z, float(row["z"]), delta=0.05 * abs(z) + 0.02)
        for name in wanted:
            pixels = matplotlib.image.imread(self.dir / f"out/r{int(name[1:]):02d}.png")
            self.assertGreater(min(pixels.shape[:2]), 200)

    def test_expectations_follow_the_files(self):
        """n, p, sigma and g changed, sizes scaled, another seed: the risk of 11 fits is 11 s^2 p/(n-p-1)."""
        jobs = self.changed("r01.yaml", ("samples: 50", "samples: 40"), ("dimension: 10", "dimension: 4"),
                            ("noise: 1 ", "noise: 3 "), ("generations: 19", "generations: 10"),
                            ("initial: 50", "initial: 40"))
        first = self.published("R1", "--replicates", FEW, "--scale", "2", jobs=jobs)
        row = self.cells("quantities.tsv")[-1]
        self.assertAlmostEqual(float(row["expected"]), 11 * 9 * 4 / (80 - 4 - 1), places=4)
        with h5py.File(self.dir / "out/r01/run-1.h5") as file:
            self.assertEqual(file["graph/training_size"][()].tolist(), [80])
        second = self.published("R1", "--replicates", FEW, "--scale", "2", "--seed", "77", jobs=jobs)
        self.assertNotEqual(first, second)

    def test_tables_of_counts_are_scaled(self):
        self.published("R3", "--scale", "3")
        self.assertEqual(self.cells("published.tsv")[0]["replicates"], "20000")
        with h5py.File(self.dir / "out/r03/run-1.h5") as file:
            self.assertEqual(file["graph/samples"][()].tolist(), [150, 150, 150, 150, 300])
        expected = 4 * 10 / (150 - 11) + 10 / (150 - 11) + 0.25 * 10 / (300 - 11)
        self.assertAlmostEqual(float(self.cells("quantities.tsv")[0]["expected"]), expected, places=4)

    def test_what_does_not_come_out_is_said(self):
        """An expectation that is a third too large, a bound that is a tenth of what it was, a regime that is another."""
        jobs = self.changed("expected.py", ("lambda g: variance * p * (1 / (n0", "lambda g: 1.33 * variance * p * (1 / (n0"),
                            ("bound = math.pi**2 / 6", "bound = math.pi**2 / 60"))
        lines = self.published("R1,R2,R8", "--replicates", FEW, jobs=jobs, status=1)
        self.assertTrue(lines["R1"].endswith("NOT reproduced"))
        self.assertRegex(lines["R2"], "^R2 +bound .*NOT reproduced$")
        self.assertFalse(lines["R8"].endswith("NOT reproduced"))
        self.assertGreater(abs(float(self.cells("published.tsv")[0]["z"])), 4)
        jobs = self.changed("r06.yaml", ("regime: accumulate", "regime: replace"))
        self.assertIn("NOT reproduced", self.published("R6", "--replicates", FEW, jobs=jobs, status=1)["R6"])

    def test_what_cannot_run_is_said(self):
        jobs = self.changed("r08.yaml", ("family: poisson", "family: poison"))
        (jobs / "r04.yaml").unlink()
        lines = self.published("R4,R8", "--replicates", FEW, jobs=jobs, status=1)
        self.assertRegex(lines["R4"], "not run: there is no .*NOT reproduced$")
        self.assertRegex(lines["R8"], "model.family: .*poison.*NOT reproduced$")

    def test_there_is_a_job_for_each(self):
        for number in range(1, 19):
            name = f"r{number:02d}"
            text = (JOBS / f"{name}.yaml").read_text()
            self.assertRegex(text, rf"^# R{number}\. ")
            job = (JOBS / f"{name}.sbatch").read_text()
            self.assertIn(f"--only R{number} ", job)


class Figures(program.Case):
    def test_shapes(self):
        words = [sys.executable, program.ROOT / "scripts/figures.py", "--ouro", program.OURO, "--only", "topologies", "--out",
                 self.dir]
        done = program.command(words, self.dir)
        self.assertEqual((done.status, done.out), (0, "topologies.png\n"), done.err)
        pixels = matplotlib.image.imread(self.dir / "topologies.png")
        self.assertGreater(min(pixels.shape[:2]), 400)
        with h5py.File(self.dir / "topology-bridge-in.h5") as file:
            self.assertEqual(file["node/verdict"][()].tolist(), [2] * 6)
        with h5py.File(self.dir / "topology-bridge-out.h5") as file:
            self.assertEqual(file["node/verdict"][()].tolist(), [0] * 6)


class Reading(program.unittest.TestCase):
    def test_settings(self):
        sys.path.insert(0, str(program.ROOT / "scripts"))
        sys.dont_write_bytecode = True
        import published  # pylint: disable=import-outside-toplevel
        text = "graph:\n  generate:\n    kind: ring\n    nodes: 3\n  samples: 50\nmodel:\n  noise: 0.5\n  file: \"7\"\n"
        self.assertEqual(published.settings(text), {"graph.generate.kind": "ring", "graph.generate.nodes": 3,
                                                    "graph.samples": 50, "model.noise": 0.5, "model.file": 7})
        alarm = published.FALSE_ALARM
        self.assertTrue(np.isclose(alarm, 6.334e-5, rtol=1e-3))


if __name__ == "__main__":
    program.unittest.main(verbosity=0)
