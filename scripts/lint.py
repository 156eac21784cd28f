#!/usr/bin/python3
"""Check what the compiler does not: formatting, module directions, docstrings, lengths, shell scripts, the layout.

lint.py [ROOT]   one line a finding, "file:line: what", then a summary; exit status 1 if there is any finding.
"""
import argparse
import pathlib
import re
import shutil
import statistics
import subprocess
import sys

TOP_LEVEL = {"src", "include", "jobs", "tests", "scripts", "Makefile", "README.md", "LICENSE"}
LONGEST_FILE = 600
LONGEST_FUNCTION = 100
LARGEST_MEDIAN = 15
LONGEST_OPENING = 5

# Which modules a module may include; arrows run downwards only.
MODULES = {
    "base": "",
    "config": "base",
    "store": "base config",
    "graph": "base config store",
    "partition": "base config graph",
    "exchange": "base graph partition",
    "family": "base config",
    "learn": "base config store graph partition exchange family",
    "plan": "base config store graph partition exchange family",
    "theory": "base config store graph family",
    "cli": "base config store graph partition exchange family learn plan theory",
}

# Where a header of another project may be included: a prefix of the path below src/ or include/ouro/.
THIRD_PARTY = {
    "hdf5.h": ["store/"],
    "hdf5_hl.h": ["store/"],
    "zlib.h": ["store/"],
    "metis.h": ["partition/metis.c"],
    "ptscotch.h": ["partition/ptscotch.c"],
    "cyaml/cyaml.h": ["config/"],
    "yaml.h": ["config/"],
    "Random123/": ["base/"],
    "cblas.h": ["family/", "theory/"],
    "lapacke.h": ["family/", "theory/"],
    "mpi.h": ["base/"],
    "immintrin.h": ["base/", "family/"],
    "cpuid.h": ["base/", "family/"],
}

# Modules whose private headers another may include: vector types and dispatch are written once.
SHARED = {"family": ["base"]}

# Names that belong to one place: (pattern, where it may be, what to say).
NAMES = [
    (r"\bMPI_COMM_WORLD\b", ["cli/main.c"], "MPI_COMM_WORLD is named in src/cli/main.c alone"),
    (r"\bC?blacs_\w+|\bpd[a-z]+_\b|\bdescinit_\b|\bnumroc_\b", ["theory/"], "ScaLAPACK and BLACS are theory's"),
    (r"\bexit\s*\(|\babort\s*\(|\b_Exit\s*\(", ["cli/"], "only the command ends the program"),
    (r"\bprintf\s*\(|\bputs\s*\(|\bstdout\b", ["cli/", "partition/metis.c"], "only the command prints results")
]

STANDARD = set("""assert ctype errno fenv float inttypes limits locale math signal stdarg stdatomic stdbool stddef stdint stdio
  stdlib string strings time tgmath complex unistd fcntl dirent getopt argp glob libgen poll pthread sched regex
  sys/types sys/stat sys/time sys/resource sys/wait sys/mman sys/utsname sys/ioctl sys/file sys/random
  endian linux/falloc sys/auxv sys/sysinfo sys/vfs sys/statvfs malloc""".split())

# Written apart, so that this file passes its own check.
UNFINISHED = re.compile(r"\b(?:TO" r"DO|FIX" r"ME|XX" r"X|HA" r"CK|(?i:st" r"ub)s?)\b")
COLLECTIVENESS = ("Collective on", "Logically collective", "Not collective")


class Lint:
    """Findings of one tree, in the order of discovery."""

    def __init__(self, root):
        self.root = root
        self.findings = []
        self.tracked = git_files(root, "--cached")
        others = git_files(root, "--others", "--exclude-standard")
        self.files = sorted(set(self.tracked + others)) if self.tracked else walk(root)
        self.texts = {}

    def find(self, path, line, what):
        self.findings.append(f"{path}:{line}: {what}")

    def text(self, path):
        if path not in self.texts:
            self.texts[path] = (self.root / path).read_text(errors="replace")
        return self.texts[path]

    def under(self, *tops, ends=()):
        return [p for p in self.files if p.split("/")[0] in tops and p.endswith(tuple(ends) or "")]

    def c_files(self):
        return self.under("src", "include", "tests", ends=(".c", ".h"))


def git_files(root, *options):
    """Files git knows in root, if root is the top of a work tree; those deleted since are left out."""
    if not (root / ".git").exists():
        return []
    listed = subprocess.run(["git", "-C", str(root), "ls-files", "-z", *options], capture_output=True, text=True)
    return [p for p in listed.stdout.split("\0") if p and (root / p).is_file()]


def walk(root):
    """All files but those of builds and hidden directories other than .ci."""
    found = []
    for path in sorted(root.rglob("*")):
        parts = path.relative_to(root).parts
        hidden = any(part.startswith(".") and part != ".ci" for part in parts[:-1])
        if path.is_file() and not hidden and parts[0] != "build" and "__pycache__" not in parts:
            found.append("/".join(parts))
    return found


def blank(match):
    """As many lines of nothing."""
    return re.sub(r"[^\n]", " ", match.group(0))


def without_comments(text):
    """C text with comments and the insides of strings blanked, lines kept."""
    pattern = r"/\*.*?\*/|//[^\n]*|\"(?:\\.|[^\"\\\n])*\"|'(?:\\.|[^'\\\n])*'"
    return re.sub(pattern, blank, text, flags=re.S)


def without_macros(code):
    """Code without preprocessor lines and their continuations."""
    return re.sub(r"^[ \t]*#(?:[^\n]*\\\n)*[^\n]*", blank, code, flags=re.M)


def line_at(text, offset):
    return text.count("\n", 0, offset) + 1


def outermost(code):
    """(start, end, head, is_body) of each declaration or definition outside all braces.

    head is the text before the first brace or the semicolon."""
    start, depth, head_end, i = 0, 0, None, 0
    for i, c in enumerate(code):
        if c == "{":
            if depth == 0:
                head_end = i
            depth += 1
        elif c == "}":
            depth -= 1
            if depth == 0 and is_function(code[start:head_end]):
                yield start, i + 1, code[start:head_end], True
                start, head_end = i + 1, None
        elif c == ";" and depth == 0:
            yield start, i + 1, code[start:head_end if head_end is not None else i], False
            start, head_end = i + 1, None


def is_function(head):
    """Is this what stands before a function's body?"""
    plain = re.sub(r"__attribute__\s*\(\(.*?\)\)|_Alignas\s*\([^)]*\)", " ", head, flags=re.S).strip()
    return plain.endswith(")") and "=" not in plain and not re.match(r"(typedef|enum)\b", plain)


def functions(text):
    """(name, first line, last line) of each function defined in C text."""
    code = without_macros(without_comments(text))
    for start, end, head, is_body in outermost(code):
        if not is_body:
            continue
        begin = start + len(head) - len(head.lstrip())
        name = re.search(r"([A-Za-z_]\w*)\s*\(", head)
        yield name.group(1) if name else "?", line_at(code, begin), line_at(code, end - 1)


def check_layout(lint):
    listed = lint.tracked or [p for p in lint.files]
    for top in sorted({p.split("/")[0] for p in listed}):
        if top not in TOP_LEVEL and not top.startswith("."):
            lint.find(top, 1, "the top level holds only " + " ".join(sorted(TOP_LEVEL)))


def check_format(lint):
    files = lint.c_files()
    if not files:
        return
    if shutil.which("clang-format-14") is None:
        lint.find("scripts/bootstrap.sh", 1, "clang-format-14 is not installed; this script does so")
        return
    ran = subprocess.run(["clang-format-14", "--dry-run", "-Werror", *files], cwd=lint.root, capture_output=True, text=True)
    seen = set()
    for path, line in re.findall(r"^([^\s:][^:\n]*):(\d+):\d+: error:", ran.stderr, re.M):
        if path not in seen:
            lint.find(path, line, "not as clang-format-14 writes it")
        seen.add(path)
    if ran.returncode and not seen:
        lint.find(files[0], 1, "clang-format-14 fails: " + ran.stderr.strip().splitlines()[0])


def check_shell(lint):
    files = [p for p in lint.files if p.endswith((".sh", ".sbatch")) or p == ".ci/run"]
    if not files:
        return
    if shutil.which("shellcheck") is None:
        lint.find("scripts/bootstrap.sh", 1, "shellcheck is not installed; this script does so")
        return
    ran = subprocess.run(["shellcheck", "-x", "-f", "gcc", *files], cwd=lint.root, capture_output=True, text=True)
    for path, line, what in re.findall(r"^([^\s:][^:\n]*):(\d+):\d+: (.*)$", ran.stdout, re.M):
        lint.find(path, line, what)


def place_of(path):
    """Path below src/ or include/ouro/, "graph/halo.c"; None elsewhere."""
    match = re.match(r"(?:src|include/ouro)/(\w+/.+)$", path)
    return match.group(1) if match else None


def judge_include(place, quote, header):
    """What is wrong with this include, or None."""
    module = place.split("/")[0]
    allowed = MODULES.get(module, "").split() + [module]
    if quote == '"':
        parts = header.split("/")
        if parts[0] == "ouro" and len(parts) > 2:
            return None if parts[1] in allowed else f"{module} must not include {parts[1]}"
        if len(parts) == 1 or parts[0] == module or parts[0] in SHARED.get(module, []):
            return None
        return f"private header of {parts[0]}, or no path the compiler should search"
    for known, places in THIRD_PARTY.items():
        if header == known or (known.endswith("/") and header.startswith(known)):
            return None if place.startswith(tuple(places)) else f"<{header}> belongs in {' and '.join(places)} alone"
    return None if header.removesuffix(".h") in STANDARD else f"<{header}> is in no row of lint's table"


def check_includes(lint):
    for path in lint.under("src", "include", ends=(".c", ".h")):
        place = place_of(path)
        if place is None or place.split("/")[0] not in MODULES:
            lint.find(path, 1, "belongs to no module of lint's table")
            continue
        for match in re.finditer(r'^[ \t]*#[ \t]*include[ \t]*([<"])([^>"]+)[>"]', lint.text(path), re.M):
            wrong = judge_include(place, match.group(1), match.group(2))
            if wrong:
                lint.find(path, line_at(lint.text(path), match.start()), wrong)


def check_names(lint):
    for path in lint.under("src", "include", ends=(".c", ".h")):
        place = place_of(path) or path
        code = without_comments(lint.text(path))
        for pattern, places, what in NAMES + [(r"\bMPI_\w+", [], "families know no MPI")]:
            if place.startswith(tuple(places)) or (not places and not place.startswith("family/")):
                continue
            for match in re.finditer(pattern, code):
                lint.find(path, line_at(code, match.start()), what)


def prototypes(text):
    """(offset, head) of every function a header declares or defines."""
    code = without_macros(without_comments(text))
    code = re.sub(r'extern\s+"C"\s*\{', blank, code)
    for start, _, head, is_body in outermost(code):
        plain = re.sub(r"__attribute__\s*\(\(.*?\)\)", " ", head, flags=re.S)
        if re.match(r"\s*(typedef|struct\s+\w+\s*$|enum|union)\b", plain) or not re.match(r"[^(]*\((?!\s*\*)", plain):
            continue
        if is_body or plain.strip().endswith(")"):
            yield start + len(head) - len(head.lstrip()), plain


def docstring_before(text, offset):
    """The docstring of what stands at offset; one may cover declarations that follow each other without a gap."""
    end = text.rfind("*/", 0, offset)
    begin = text.rfind("/*", 0, end) if end >= 0 else -1
    between = text[end + 2:offset] if end >= 0 else ""
    if begin < 0 or not text.startswith("/**", begin) or re.search(r"\n[ \t]*\n", between) or "}" in between:
        return None
    return text[begin:end]


def check_docstrings(lint):
    for path in lint.under("include", ends=(".h",)):
        text = lint.text(path)
        for offset, head in prototypes(text):
            line, name = line_at(text, offset), re.search(r"(\w+)\s*\(", head).group(1)
            doc = docstring_before(text, offset)
            if doc is None:
                lint.find(path, line, f"{name} has no docstring")
                continue
            if not any(word in doc for word in COLLECTIVENESS):
                lint.find(path, line, f"docstring of {name} says none of: " + ", ".join(COLLECTIVENESS))
            if re.match(r"\s*ouro_status\b", head) and "Returns" not in doc and "errors as above" not in doc:
                lint.find(path, line, f"docstring of {name} has no Returns")


def check_lengths(lint):
    """Lengths of files and functions; returns the median over src."""
    lengths = []
    for path in lint.under("src", "include", "tests", "scripts", ends=(".c", ".h", ".py", ".sh")):
        lines = lint.text(path).count("\n")
        if lines > LONGEST_FILE:
            lint.find(path, lines, f"{lines} lines, more than {LONGEST_FILE}")
    for path in lint.c_files():
        for name, first, last in functions(lint.text(path)):
            if path.startswith("src/"):
                lengths.append(last - first + 1)
            if last - first + 1 > LONGEST_FUNCTION:
                lint.find(path, first, f"{name} has {last - first + 1} lines, more than {LONGEST_FUNCTION}")
    median = statistics.median(lengths) if lengths else 0
    if median > LARGEST_MEDIAN:
        lint.find("src", 1, f"the median function has {median:g} lines, more than {LARGEST_MEDIAN}")
    return len(lengths), median, max(lengths, default=0)


def check_openings(lint):
    for path in lint.under("src", ends=(".c",)):
        match = re.match(r"/\*.*?\*/", lint.text(path), re.S)
        if match is None:
            lint.find(path, 1, "does not open with a comment that says what it does")
        elif match.group(0).count("\n") >= LONGEST_OPENING:
            lint.find(path, 1, f"the opening comment is longer than {LONGEST_OPENING} lines")


def check_words(lint):
    for path in lint.files:
        if path.endswith((".png", ".h5", ".pdf", ".ico")):
            continue
        for number, line in enumerate(lint.text(path).splitlines(), 1):
            word = UNFINISHED.search(line)
            if word:
                lint.find(path, number, f"`{word.group(0)}`: finish it or leave it out")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("root", nargs="?", default=pathlib.Path(__file__).resolve().parent.parent, type=pathlib.Path)
    lint = Lint(parser.parse_args().root.resolve())
    checks = [check_layout, check_format, check_shell, check_includes, check_names, check_docstrings, check_openings,
              check_words]
    for check in checks:
        check(lint)
    n, median, longest = check_lengths(lint)
    for finding in lint.findings:
        print(finding)
    verdict = f"{len(lint.findings)} finding{'s' * (len(lint.findings) != 1)}" if lint.findings else "clean"
    print(f"lint: {verdict}; {len(lint.files)} files, {n} functions in src, median {median:g} lines, longest {longest}")
    return 1 if lint.findings else 0


if __name__ == "__main__":
    sys.exit(main())
