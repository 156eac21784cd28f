#!/usr/bin/python3
"""Files of the store as another reader sees them: axes, units, descriptions on every table, the same content for every
number of ranks; and runs that are killed. limit: 200"""
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

try:
    import h5py
    import numpy
except ImportError:
    sys.exit("this test needs h5py (Debian: python3-h5py)")

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("OURO", ROOT / "build/release/ouro")).parent
WRITER = BUILD / "tests/store/test_table"
RANKS = [1, 2, 3, 4, 7]


def write(path, ranks, **extra):
    """Run the unit test that writes all kinds of tables and let it keep its file."""
    env = dict(os.environ, OURO_TEST_KEEP=str(path), **extra)
    return subprocess.run(["scripts/mpi.sh", str(ranks), str(WRITER)], cwd=ROOT, env=env, timeout=60,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def tables(file):
    found = {}
    file.visititems(lambda name, item: found.update({name: item}) if isinstance(item, h5py.Dataset) else None)
    return found


class Files(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.place = tempfile.TemporaryDirectory()
        cls.path = {n: pathlib.Path(cls.place.name) / f"on{n}.h5" for n in RANKS}
        for n, path in cls.path.items():
            result = write(path, n)
            if result.returncode:
                raise RuntimeError(result.stdout)

    @classmethod
    def tearDownClass(cls):
        cls.place.cleanup()

    def test_every_table_is_described(self):
        with h5py.File(self.path[3], "r") as file:
            found = tables(file)
            self.assertGreater(len(found), 20)
            for name, table in found.items():
                self.assertTrue(table.attrs["units"].decode(), name)
                self.assertTrue(table.attrs["description"].decode(), name)

    def test_every_axis_has_its_scale(self):
        with h5py.File(self.path[3], "r") as file:
            for name, table in tables(file).items():
                if name.startswith("axis/"):
                    self.assertTrue(h5py.h5ds.is_scale(table.id), name)
                    continue
                for i, dim in enumerate(table.dims):
                    scale = dim[0]
                    self.assertEqual(len(dim), 1, name)
                    self.assertEqual(scale.name, "/axis/" + dim.label)
                    self.assertEqual(scale.shape, (table.shape[i],), name)
                    self.assertEqual(scale.attrs["CLASS"], b"DIMENSION_SCALE")
                    self.assertEqual(scale.attrs["NAME"].decode(), dim.label)

    def test_values_of_axes(self):
        with h5py.File(self.path[4], "r") as file:
            for name, scale in file["axis"].items():
                if name != "generation":
                    numpy.testing.assert_array_equal(scale[:], numpy.arange(len(scale)), name)
            self.assertEqual(file["axis/generation"][5], 8)
            self.assertEqual(file["axis/generation"].attrs["units"], b"generation")
            self.assertIs(type(file["trajectory/error"].dims[0][0][0].item()), int)

    def test_chunks_have_checksums(self):
        with h5py.File(self.path[2], "r") as file:
            for name, table in tables(file).items():
                self.assertEqual(table.fletcher32, table.size > 0, name)
                if table.size > 0:
                    self.assertLessEqual(numpy.prod(table.chunks) * table.dtype.itemsize, 3 << 20, name)

    def test_attributes_of_groups(self):
        with h5py.File(self.path[1], "r") as file:
            self.assertEqual(file.attrs["format"], b"ouro-test")
            self.assertEqual(file.attrs["complete"], 1)
            self.assertEqual(file["config"].attrs["yaml"], b"seed: 1\n")

    def test_same_content_for_every_number_of_ranks(self):
        with h5py.File(self.path[1], "r") as one:
            expected = tables(one)
            for n in RANKS[1:]:
                with h5py.File(self.path[n], "r") as other:
                    found = tables(other)
                    self.assertEqual(sorted(found), sorted(expected))
                    for name, table in found.items():
                        self.assertEqual(table.chunks, expected[name].chunks, name)
                        self.assertEqual(table.dtype, expected[name].dtype, name)
                        self.assertEqual(table[()].tobytes(), expected[name][()].tobytes(), f"{name} on {n}")

    def test_same_content_without_a_thread_and_deflated(self):
        with h5py.File(self.path[1], "r") as one, tempfile.TemporaryDirectory() as place:
            expected = tables(one)
            for ranks, extra in [(1, {"OURO_TEST_SINGLE": "1"}), (3, {"OURO_TEST_SINGLE": "1"}),
                                 (2, {"OURO_TEST_DEFLATE": "1"}), (3, {"OURO_TEST_DEFLATE": "9"})]:
                path = pathlib.Path(place) / "other.h5"
                self.assertEqual(write(path, ranks, **extra).returncode, 0)
                with h5py.File(path, "r") as other:
                    for name, table in tables(other).items():
                        deflated = table.size > 0 and "OURO_TEST_DEFLATE" in extra
                        self.assertEqual(table.compression, "gzip" if deflated else None, name)
                        self.assertEqual(table[()].tobytes(), expected[name][()].tobytes(), f"{name}, {extra}")
                    if "OURO_TEST_DEFLATE" in extra:
                        self.assertLess(sum(t.id.get_storage_size() for t in tables(other).values()),
                                        0.8 * sum(t.id.get_storage_size() for t in expected.values()))

    def test_file_size_is_that_of_the_data(self):
        with h5py.File(self.path[1], "r") as file:
            stored = sum(t.id.get_storage_size() for t in tables(file).values())
        for n in RANKS:
            self.assertLess(self.path[n].stat().st_size, stored + 300_000)

    def test_chunks_of_zeros_take_no_room(self):
        """Standard deviations of one replicate, and real samples that only the last of 100,000 models has."""
        place = pathlib.Path(self.place.name)
        (place / "real.tsv").write_text("99999\t7\n")
        (place / "zeros.yaml").write_text("graph: { generate: { kind: path, nodes: 100000 } }\nreal: { nodes: real.tsv }\n"
                                          "model: { family: bernoulli }\nlearning: { generations: 3 }\n"
                                          "theory: { exact: none, plateau: false, rates: false }\n")
        for ranks, deflate in ((1, 0), (3, 0), (3, 1)):
            path = place / f"zeros{ranks}{deflate}.h5"
            subprocess.run(["scripts/mpi.sh", str(ranks), BUILD / "ouro", "run", place / "zeros.yaml", "--set",
                            f"output.file={path}", "--set", f"output.deflate={deflate}"], cwd=ROOT, timeout=60, check=True,
                           stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            with h5py.File(path, "r") as file:
                error, spread, real = file["trajectory/error"], file["trajectory/error_sd"], file["graph/real"]
                self.assertEqual(spread.id.get_storage_size(), 0)
                self.assertEqual(spread.shape, error.shape)
                self.assertFalse(spread[()].any())
                self.assertTrue(error[()].any(axis=1).all())
                self.assertGreater(real.id.get_storage_size(), 0)
                self.assertLess(real.id.get_storage_size(), real.size * real.dtype.itemsize)
                self.assertEqual(real[()].nonzero()[0].tolist(), [99999])
                self.assertEqual(real[99999], 7)


class Killed(unittest.TestCase):
    """A run killed by SIGKILL leaves the result of before, and the next run overwrites what it left."""

    def test_previous_result_is_intact(self):
        with tempfile.TemporaryDirectory() as place:
            path = pathlib.Path(place) / "run.h5"
            self.assertEqual(write(path, 1).returncode, 0)
            before = path.read_bytes()
            for ranks, when in [(1, 2), (2, 9), (3, 19)]:
                result = write(path, ranks, OURO_TEST_DIE=str(when))
                self.assertNotEqual(result.returncode, 0)
                self.assertEqual(path.read_bytes(), before)
                left = pathlib.Path(place) / "run.h5.part"
                self.assertTrue(left.exists())
                with self.assertRaises(OSError):
                    h5py.File(left, "r")
            self.assertEqual(write(path, 2).returncode, 0)
            self.assertEqual([p.name for p in pathlib.Path(place).iterdir()], ["run.h5"])


if __name__ == "__main__":
    unittest.main()
