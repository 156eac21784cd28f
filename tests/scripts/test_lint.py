"""Each rule of scripts/lint.py fires on a tiny bad tree, and none on a good one."""
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]

HEADER = """#ifndef OURO_GRAPH_A_H
#define OURO_GRAPH_A_H

#include "ouro/base/status.h"

/** Add one.
 *  Not collective.
 *  Returns OURO_OK. */
ouro_status ouro_a_add(int x);

/** Two numbers, plainly.
 *  Collective on comm. */
double ouro_a_first(void);
double ouro_a_second(int (*f)(void));

#endif
"""
SOURCE = """/* What it does. */

#include "ouro/graph/a.h"

#include <stdio.h>

static const struct {
  int a;
  const char *name;
} rows[] = {{1, "one {"}, {2, "two"}};

ouro_status ouro_a_add(int x) {
  return x + rows[0].a > 0 ? OURO_OK : OURO_EIO;
}
"""
GOOD = {
    "include/ouro/graph/a.h": HEADER,
    "src/graph/a.c": SOURCE,
    "scripts/a.sh": "#!/bin/sh\nset -eu\necho \"$1\"\n",
    "tests/graph/test_a.c": "/* ranks: 1 */\n\n#include <hdf5.h>\n",
    "Makefile": "all:\n",
    "README.md": "# a\n",
    ".ci/run": "#!/bin/bash\ntrue\n",
    "build/junk.c": "int   x;\n",
}


def function(lines):
    body = "".join(f"  x += {i};\n" for i in range(lines - 3))
    return f"static int f(int x) {{\n{body}  return x;\n}}\n"


class Lint(unittest.TestCase):
    def run_on(self, files):
        """(exit status, output) of lint on a good tree with some files replaced or added."""
        with tempfile.TemporaryDirectory() as place:
            root = pathlib.Path(place)
            for name, text in {**GOOD, **files}.items():
                (root / name).parent.mkdir(parents=True, exist_ok=True)
                (root / name).write_text(text)
            shutil.copy(ROOT / ".clang-format", root)
            ran = subprocess.run([sys.executable, str(ROOT / "scripts/lint.py"), place], capture_output=True, text=True)
            self.assertEqual(ran.stderr, "")
            return ran.returncode, ran.stdout

    def fires(self, files, *expected):
        status, output = self.run_on(files)
        self.assertEqual(status, 1, output)
        for part in expected:
            self.assertIn(part, output)

    def test_good_tree_is_clean(self):
        status, output = self.run_on({})
        self.assertEqual(output, "lint: clean; 8 files, 1 functions in src, median 3 lines, longest 3\n")
        self.assertEqual(status, 0)

    def test_layout(self):
        self.fires({"notes.txt": "a\n"}, "notes.txt:1: the top level holds only")
        self.fires({"doc/a.md": "a\n"}, "doc:1: the top level")

    def test_format(self):
        self.fires({"src/graph/a.c": SOURCE + "\nstatic int   y;\n"}, "src/graph/a.c:16: not as clang-format-14")

    def test_shell(self):
        self.fires({"jobs/a.sbatch": "#!/bin/bash\nrm -rf $1/x\n"}, "jobs/a.sbatch:2: ", "SC2086")
        self.fires({".ci/run": "#!/bin/bash\ncd $1\n"}, ".ci/run:2: ")

    def test_directions(self):
        for header, said in [('"ouro/learn/learn.h"', "graph must not include learn"),
                             ('"ouro/theory/verdict.h"', "graph must not include theory"),
                             ('"partition/private.h"', "private header of partition"),
                             ("<hdf5.h>", "<hdf5.h> belongs in store/ alone"),
                             ("<metis.h>", "<metis.h> belongs in partition/metis.c alone"),
                             ("<cyaml/cyaml.h>", "<cyaml/cyaml.h> belongs in config/ alone"),
                             ("<Random123/threefry.h>", "<Random123/threefry.h> belongs in base/ alone"),
                             ("<zlib.h>", "<zlib.h> belongs in store/ alone"), ("<lzma.h>", "<lzma.h> is in no row")]:
            self.fires({"src/graph/a.c": SOURCE.replace("<stdio.h>", header)}, "src/graph/a.c:5: " + said)
        self.fires({"src/learn/b.c": '/* b */\n\n#include "ouro/theory/verdict.h"\n'}, "learn must not include theory")
        self.fires({"src/theory/b.c": '/* b */\n\n#include "ouro/learn/learn.h"\n'}, "theory must not include learn")
        self.fires({"src/other/b.c": "/* b */\n"}, "src/other/b.c:1: belongs to no module")

    def test_directions_that_are_right(self):
        status, output = self.run_on({"src/cli/main.c": '/* b */\n\n#include "ouro/learn/learn.h"\n\n#include <argp.h>\n',
                                      "src/partition/metis.c": "/* b */\n\n#include <metis.h>\n",
                                      "src/store/b.c": '/* b */\n\n#include "store/private.h"\n\n#include <hdf5.h>\n'})
        self.assertEqual(status, 0, output)

    def test_names(self):
        self.fires({"src/graph/a.c": SOURCE.replace("OURO_EIO", "MPI_COMM_WORLD")}, "a.c:13: MPI_COMM_WORLD is named")
        self.fires({"src/graph/a.c": SOURCE.replace("OURO_EIO", "exit(1)")}, "a.c:13: only the command ends")
        self.fires({"src/graph/a.c": SOURCE.replace("OURO_EIO", "numroc_(x)")}, "a.c:13: ScaLAPACK")
        self.fires({"src/family/b.c": "/* b */\n\nstatic MPI_Comm a;\n"}, "src/family/b.c:3: families know no MPI")
        status, output = self.run_on({"src/graph/a.c": SOURCE.replace("does.", "does, not MPI_COMM_WORLD, exit(1).")})
        self.assertEqual(status, 0, output)

    def test_docstrings(self):
        name = "include/ouro/graph/a.h"
        self.fires({name: HEADER.replace("/** Add", "/* Add")}, name + ":9: ouro_a_add has no docstring")
        self.fires({name: HEADER.replace(" *  Not collective.\n", "")}, name + ":8: docstring of ouro_a_add says none")
        self.fires({name: HEADER.replace("Returns", "Gives")}, name + ":9: docstring of ouro_a_add has no Returns")
        self.fires({name: HEADER.replace("double ouro_a_second", "\ndouble ouro_a_second")},
                   name + ":15: ouro_a_second has no docstring")

    def test_lengths(self):
        self.fires({"src/graph/b.c": "/* b */\n\n" + function(101)}, "src/graph/b.c:3: f has 101 lines, more than 100",
                   "src:1: the median function has 52 lines")
        self.fires({"scripts/b.py": "x = 1\n" * 601}, "scripts/b.py:601: 601 lines, more than 600")
        self.fires({"tests/graph/test_b.c": "/* b */\n\n" + function(101)}, "tests/graph/test_b.c:3: f has 101 lines")

    def test_openings(self):
        self.fires({"src/graph/b.c": "static int x;\n"}, "src/graph/b.c:1: does not open with a comment")
        self.fires({"src/graph/b.c": "/* b\n *\n *\n *\n *\n * c */\n"}, "src/graph/b.c:1: the opening comment is longer")

    def test_words(self):
        for word in ["TO" "DO", "FIX" "ME", "HA" "CK", "XX" "X", "st" "ub", "St" "ubs"]:
            self.fires({"README.md": f"# a\n\n{word}: later\n"}, f"README.md:3: `{word}`")


if __name__ == "__main__":
    unittest.main()
