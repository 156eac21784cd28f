"""scripts/plot.py draws what it is given, and says in one line why it cannot draw the rest."""
import contextlib
import io
import pathlib
import subprocess
import sys
import tempfile
import unittest

import h5py
import matplotlib.image
import numpy as np

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "scripts"))
sys.dont_write_bytecode = True
import plot  # noqa: E402


def run_file(path, feeds, n, leave_out=(), words=False, measures={}):
    """A run of n nodes whose last one collapses."""
    generation = np.arange(21)
    error = np.tile(0.02, (21, n)) * (1 + 0.1 * np.sin(generation[:, None] + np.arange(n)))
    error[:, -1] += 0.05 * generation
    codes = np.array([0, 1] * n)[:n]
    codes[-1] = 2
    component = np.full(n, -1)
    component[-1] = n - 1
    tables = {"/trajectory/error": error, "/trajectory/theory": error * 1.01, "/trajectory/error_sd": error / 2,
              "/axis/generation": generation, "/node/component": component, "/graph/real": 10 * (codes == 0),
              "/graph/name": np.array([f"model-{i}".encode() for i in range(n)]),
              "/node/verdict": np.array([plot.VERDICTS[c].encode() for c in codes]) if words else codes.astype("i1"),
              "/graph/source": np.array([f[0] for f in feeds], dtype="i8"),
              "/graph/target": np.array([f[1] for f in feeds], dtype="i8"),
              "/graph/samples": np.full(len(feeds), 100)}
    with h5py.File(path, "w") as file:
        for name, values in tables.items():
            if name not in leave_out:
                file[name] = values
        for name, (mean, error) in measures.items():
            file[f"/summary/{name}_mean"] = mean
            file[f"/summary/{name}_mean"].attrs["units"] = np.bytes_("sample^2")
            file[f"/summary/{name}_se"] = error


class Plot(unittest.TestCase):
    def setUp(self):
        self.place = tempfile.TemporaryDirectory()
        self.dir = pathlib.Path(self.place.name)

    def tearDown(self):
        self.place.cleanup()

    def plot(self, *arguments):
        """(exit status, stdout, stderr)"""
        out, err = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            status = plot.main([str(a) for a in arguments])
        return status, out.getvalue(), err.getvalue()

    def draws(self, name, expected=("trajectories", "graph"), **how):
        path = self.dir / f"{name}.h5"
        run_file(path, **how)
        status, out, err = self.plot(path, "-o", self.dir / name)
        self.assertEqual((status, err), (0, ""))
        for what in ("trajectories", "measures", "graph"):
            picture = self.dir / f"{name}-{what}.png"
            self.assertEqual(picture.exists(), what in expected)
            if what in expected:
                pixels = matplotlib.image.imread(picture)
                self.assertGreater(min(pixels.shape[:2]), 200)
                self.assertGreater(len(np.unique(pixels @ np.array([1, 256, 65536, 0])[:pixels.shape[2]])), 50)
        return out

    def test_small_graph(self):
        feeds = [(0, 1), (1, 2), (2, 3), (3, 2), (0, 3), (5, 5), (0, 4)]
        out = self.draws("small", n=6, feeds=feeds)
        self.assertIn("small-graph.png", out)
        self.draws("words", n=6, feeds=feeds, words=True)

    def test_measures(self):
        """Of any number; what is infinite is left out, and said where all of it is; other tables are no measures."""
        t = np.arange(21.0)[:, None]
        falls, nothing = np.exp(-t) * np.array([1, np.nan, 2]), np.full((21, 3), np.nan)
        lost = np.where(t < 5, t * np.ones(3), np.inf)
        some = {"kl": (falls, falls / 9), "support": (5 - t / 9 * np.ones(3), nothing), "nll": (lost, nothing),
                "w2": (t + np.ones(3), nothing), "infinite": (np.full((21, 3), -np.inf), nothing),
                "error": (falls, falls), "theory": (falls[:, :2], falls), "threshold": (falls[0], falls[0])}
        out = self.draws("measures", ("trajectories", "measures"), n=3, feeds=[], measures=some,
                         leave_out=("/graph/source", "/graph/target"))
        self.assertIn("not drawn: infinite; infinite in all generations", out)
        for name in ("kl", "nll"):
            self.draws(f"only-{name}", ("trajectories", "measures", "graph"), n=2, feeds=[], measures={name: some[name]})

    def test_one_model(self):
        self.draws("one", n=1, feeds=[(0, 0)])

    def test_long_cycle(self):
        self.draws("ring", n=12, feeds=[(i, (i + 1) % 12) for i in range(12)])

    def test_wide_fan(self):
        self.draws("fan", n=60, feeds=[(0, i) for i in range(1, 60)])

    def test_no_feeds(self):
        self.draws("bare", n=5, feeds=[])

    def test_errors_alone(self):
        out = self.draws("alone", ("trajectories",), n=3, feeds=[],
                         leave_out=("/trajectory/theory", "/graph/source", "/graph/name", "/node/verdict", "/axis/generation"))
        self.assertIn("not drawn", out)

    def test_large_graph_is_not_drawn(self):
        out = self.draws("large", ("trajectories",), n=301, feeds=[(0, 1)])
        self.assertIn("not drawn: the graph of 301 models", out)

    def test_bad_input_is_one_line(self):
        (self.dir / "text.h5").write_text("no HDF5\n")
        with h5py.File(self.dir / "other.h5", "w") as file:
            file["/x"] = [1, 2]
        with h5py.File(self.dir / "nan.h5", "w") as file:
            file["/trajectory/error"] = np.full((3, 2), np.nan)
        for name, said in [("absent", "no such file"), ("text", "not an HDF5 file"), ("other", "no table /trajectory/error"),
                           ("nan", "no finite number")]:
            status, out, err = self.plot(self.dir / f"{name}.h5")
            self.assertEqual((status, out), (1, ""))
            self.assertRegex(err, rf"\Aplot\.py: \S+{name}\.h5: [^\n]*\n\Z")
            self.assertIn(said, err)

    def test_unwritable_output_is_one_line(self):
        run_file(self.dir / "a.h5", n=2, feeds=[(0, 1)])
        status, _, err = self.plot(self.dir / "a.h5", "-o", self.dir / "absent" / "a")
        self.assertEqual((status, err.count("\n")), (1, 1))

    def test_command_line(self):
        ran = subprocess.run([ROOT / "scripts/plot.py", self.dir / "absent.h5"], capture_output=True, text=True)
        self.assertEqual((ran.returncode, ran.stderr), (1, f"plot.py: {self.dir}/absent.h5: no such file\n"))

    def test_boxes_do_not_overlap(self):
        rng = np.random.default_rng(4)
        for trial in range(20):
            n = int(rng.integers(2, 40))
            feeds = [tuple(rng.integers(0, n, 2)) for _ in range(int(rng.integers(0, 2 * n)))]
            run_file(self.dir / "b.h5", n=n, feeds=feeds)
            picture = plot.Picture(plot.Run(str(self.dir / "b.h5")))
            boxes = [(*picture.place[v], picture.width[v]) for v in picture.graph]
            for i, (x, y, w) in enumerate(boxes):
                for a, b, c in boxes[:i]:
                    self.assertTrue(abs(x - a) >= (w + c) / 2 or abs(y - b) >= plot.HIGH, (trial, n))

    def test_spread_is_nearest_and_apart(self):
        moved = plot.spread([0.0, 0.0, 0.0, 10.0], 1.0)
        np.testing.assert_allclose(moved, [-1, 0, 1, 10])
        np.testing.assert_allclose(plot.spread([5.0, 1.0, 3.0], 1.0), [5, 1, 3])


if __name__ == "__main__":
    unittest.main()
