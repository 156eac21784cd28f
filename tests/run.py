#!/usr/bin/python3
"""Run the tests and end with the line "N passed, N failed".

Unit tests are build/<kind>/tests/<module>/test_*; each says in its source the rank counts it wants
("ranks: 1 2 3 4 7"; 1 if it says nothing) and runs once for each of them, with a time limit ("limit: 120"
seconds, 120 if it says nothing). System tests are tests/*/test_*.py, run once; they start the program themselves.
Under sanitizers and valgrind fewer rank counts do, and a test of results alone asks to be left out ("instrumented: 0").
What is counted is single test cases, once a rank count. Tests run a few at a time, since much of what they do is to
start ranks and to wait for them; the lines come in the order of the names.
"""
import argparse
import concurrent.futures
import os
import pathlib
import re
import signal
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent
VALGRIND = ["valgrind", "-q", "--error-exitcode=9", "--leak-check=full", "--errors-for-leak-kinds=definite",
            "--num-callers=60", f"--suppressions={HERE}/suppressions/valgrind.supp"]


def marks(source, word, default):
    """Numbers behind "word:" in a test's source."""
    found = re.search(rf"\b{word}:\s*([\d ]+)", source.read_text())
    return [int(x) for x in found.group(1).split()] if found else default


def environment():
    env = dict(os.environ)
    env["LSAN_OPTIONS"] = f"suppressions={HERE}/suppressions/lsan.supp:print_suppressions=0"
    env["ASAN_OPTIONS"] = "detect_leaks=1:abort_on_error=0"
    env["UBSAN_OPTIONS"] = "print_stacktrace=1"
    env["OMPI_MCA_mpi_yield_when_idle"] = "1"  # ranks that wait leave their core to the other test
    env["OMPI_MCA_odls_base_sigkill_timeout"] = "0"  # mpirun waits a second for every failing run: ranks end together
    return env


def run(command, limit, env):
    """Run a command in a process group of its own; past its limit the group is killed. Returns (status, output)."""
    process = subprocess.Popen(command, cwd=ROOT, env=env, start_new_session=True, text=True, errors="replace",
                               stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    try:
        output, _ = process.communicate(timeout=limit)
        return process.returncode, output
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        output, _ = process.communicate()
        return -1, output + f"\nkilled after {limit} s\n"


def rank_counts(source, options):
    """All that a test wants; instrumented, the least and a middle one, of two the larger: memory is looked at then, and
    results have been."""
    wanted = marks(source, "ranks", [1])
    if options.unit and marks(source, "instrumented", [1]) == [0]:
        return []
    if options.valgrind:
        return [1]
    middle = wanted[len(wanted) // 2]
    return wanted if not options.unit else [wanted[0], middle] if len(wanted) > 2 else [middle]


def jobs(options):
    """(name, command, limit) of every run."""
    build = pathlib.Path(options.build)
    for source in sorted(HERE.glob("*/test_*.c")):
        program = build / source.relative_to(ROOT).with_suffix("")
        limit = marks(source, "limit", [120])[0] * (20 if options.valgrind else 5 if options.unit else 1)
        for ranks in rank_counts(source, options):
            wrapped = (VALGRIND if options.valgrind else []) + [str(program)]
            yield f"{source.parent.name}/{source.stem} on {ranks}", ["scripts/mpi.sh", str(ranks), *wrapped], limit
    if not options.unit:
        for source in sorted(HERE.glob("*/test_*.py")):
            limit = marks(source, "limit", [300])[0]
            yield f"{source.parent.name}/{source.stem}", [sys.executable, "-B", str(source)], limit


def count(output, status):
    """(passed, failed, skipped) test cases in the output of cmocka or unittest; a run that died counts as one failure."""
    passed = len(re.findall(r"^\[\s+OK \]", output, re.M))
    failed = len(re.findall(r"^\[\s+FAILED\s+\] \S+$", output, re.M)) // 2 or len(
        re.findall(r"^\[\s+FAILED\s+\] \S+", output, re.M))
    skipped = len(set(re.findall(r"^\[\s+SKIPPED \] (\S+)$", output, re.M)))  # every rank lists them
    ran = re.search(r"^Ran (\d+) tests?", output, re.M)
    if ran:
        bad = sum(int(n) for n in re.findall(r"(?:failures|errors)=(\d+)", output))
        out = re.search(r"skipped=(\d+)", output)
        skipped = int(out.group(1)) if out else 0
        passed, failed = int(ran.group(1)) - bad - skipped, bad
    if status != 0 and failed == 0:
        failed = 1
    if status == 0 and passed + skipped == 0:
        failed = 1
    return passed, failed, skipped


def timed(command, limit, env):
    start = time.monotonic()
    status, output = run(command, limit, env)
    return status, output, time.monotonic() - start


def report(name, status, output, seconds):
    """Print the line of a run, and what it said where it failed or left something out; returns its counts."""
    passed, failed, skipped = count(output, status)
    left_out = f", {skipped} skipped" if skipped else ""
    print(f"{'FAILED' if failed else 'ok':6} {name}: {passed} passed{left_out} ({seconds:.1f} s)", flush=True)
    if failed:
        print(output, flush=True)
    else:
        for line in re.findall(r"^skipped: .*", output, re.M):
            print("       " + line, flush=True)
    return passed, failed, skipped


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", required=True)
    parser.add_argument("--unit", action="store_true", help="C tests only")
    parser.add_argument("--valgrind", action="store_true", help="on one rank, under valgrind")
    parser.add_argument("--only", default="")
    parser.add_argument("--jobs", type=int, default=max(2, (os.cpu_count() or 1) // 4), help="tests at a time")
    options = parser.parse_args()
    env = environment()
    env["OURO"] = str((ROOT / options.build / "ouro").resolve())
    total = [0, 0, 0]
    with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        started = [(name, pool.submit(timed, command, limit, env))
                   for name, command, limit in jobs(options) if options.only in name]
        try:
            for name, run_of in started:
                total = [a + b for a, b in zip(total, report(name, *run_of.result()))]
        except KeyboardInterrupt:
            pool.shutdown(cancel_futures=True)
            raise
    print(f"{total[0]} passed, {total[1]} failed" + (f", {total[2]} skipped" if total[2] else ""))
    if total[2]:
        print(f"{total[0]} passed, {total[1]} failed")
    return 1 if total[1] or not total[0] else 0


if __name__ == "__main__":
    sys.exit(main())
