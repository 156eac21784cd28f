"""Run the program from system tests: on any number of ranks, with a time limit, in a scratch directory."""
import os
import pathlib
import shutil
import signal
import subprocess
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
OURO = os.environ.get("OURO", str(ROOT / "build/release/ouro"))
DATA = pathlib.Path(os.environ.get("OURO_TEST_DATA", ROOT / "../shared/data"))


class Result:
    """Exit status and output of a finished command."""

    def __init__(self, status, out, err):
        self.status, self.out, self.err = status, out, err

    def table(self):
        """Standard output as a list of rows, split at tabs."""
        return [line.split("\t") for line in self.out.splitlines()]


def command(command_line, cwd, limit=120):
    """Run a command in a process group of its own, killed as a whole past the limit."""
    process = subprocess.Popen([str(word) for word in command_line], cwd=cwd, start_new_session=True, text=True,
                               errors="replace", stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    try:
        out, err = process.communicate(timeout=limit)
        return Result(process.returncode, out, err)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        raise AssertionError(f"hangs: {command_line}") from None


def ouro(*arguments, ranks=1, cwd=".", limit=120):
    """Run ouro on some ranks; 1 rank runs without mpirun."""
    launcher = [ROOT / "scripts/mpi.sh", ranks] if ranks > 1 else []
    return command([*launcher, OURO, *arguments], cwd, limit)


class Case(unittest.TestCase):
    """A test case with a scratch directory of its own, removed at the end."""

    def setUp(self):
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="ouro-test-"))
        self.addCleanup(shutil.rmtree, self.dir, ignore_errors=True)

    def write(self, name, text):
        path = self.dir / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    def ouro(self, *arguments, ranks=1, limit=120):
        return ouro(*arguments, ranks=ranks, cwd=self.dir, limit=limit)

    def works(self, *arguments, ranks=1, limit=120):
        """Run and insist on success."""
        result = self.ouro(*arguments, ranks=ranks, limit=limit)
        self.assertEqual(result.status, 0, f"ouro {arguments} on {ranks}:\n{result.out}\n{result.err}")
        return result

    def fails(self, *arguments, ranks=1, status=1, says=(), limit=60):
        """Run and insist on failure with one message that holds certain words, and on no leftovers."""
        before = sorted(p for p in self.dir.rglob("*"))
        result = self.ouro(*arguments, ranks=ranks, limit=limit)
        what = f"ouro {arguments} on {ranks}: status {result.status}\n{result.out}\n{result.err}"
        self.assertEqual(result.status, status, what)
        for word in says:
            self.assertIn(word, result.err, what)
        self.assertEqual(result.err.count("ouro: error:"), 1, what)
        self.assertEqual(before, sorted(p for p in self.dir.rglob("*")), "leaves files behind: " + what)
        return result

    def data(self, name):
        """A larger real graph; the test is skipped, and says so, where this machine has none."""
        path = DATA / name
        if not path.exists():
            print(f"skipped: {name} is not at {DATA} (OURO_TEST_DATA names another place)")
            self.skipTest(f"{name} not here")
        return path.resolve()
