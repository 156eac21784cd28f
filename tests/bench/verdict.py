#!/usr/bin/python3
"""Speed of `ouro verdict`, `make bench-verdict`: an R-MAT graph of scale 20 with 16 feeds a node, read from a text file
of integers, against the program that a user would write with pandas and SciPy.

Runs are interleaved (the peer, ours on 1 rank, ours on 2 ranks, and again) and ratios are formed pair by pair; medians
are printed, with the load of the machine. Seconds are those the programs state, which leave out the start of Python
and of mpirun; on a machine that others use, too, the ratio of processor times says more. Both must print the same
numbers.
"""
import argparse
import os
import pathlib
import re
import resource
import statistics
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
PEER = ROOT / "tests/peers/peer_scipy_verdict.py"
VERDICTS = ("collapsing", "anchored", "frozen")


class Run:
    """One run: what it printed, its processor time, and the figures that either program states."""

    def __init__(self, command, environment):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        result = subprocess.run(command, check=True, text=True, capture_output=True, timeout=900, env=environment)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        self.text = result.stdout + result.stderr
        self.cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        self.counts = [int(re.search(rf"^.*\b{word}\s+(\d+)", result.stdout, re.M).group(1)) for word in VERDICTS]

    def figure(self, pattern):
        return float(re.search(pattern, self.text).group(1))


def ours(ouro, graph, real, ranks, environment):
    run = Run([ROOT / "scripts/mpi.sh", str(ranks), ouro, "verdict", graph, *(["--real", real] if real else [])], environment)
    run.decide = run.figure(r"decided in ([\d.]+) s")
    run.seconds = run.figure(r"read in ([\d.]+) s") + run.decide
    run.bytes = run.figure(r"at most ([\d.]+) MiB") * 2**20
    run.edges = run.figure(r"(\d+) feeds")
    return run


def peer(graph, real, environment):
    run = Run([sys.executable, PEER, graph, *([real] if real else [])], environment)
    run.decide = run.figure(r"decide ([\d.]+)")
    run.seconds = run.figure(r"read ([\d.]+)") + run.figure(r"build ([\d.]+)") + run.decide
    return run


def make_graph(ouro, folder, options):
    """A plain file of two integers a line, in random order if asked for, and files of the nodes with real data."""
    made, plain = folder / "rmat.tsv", folder / "rmat.txt"
    subprocess.run([ROOT / "scripts/mpi.sh", "2", ouro, "generate", "--kind", "rmat", "--scale", str(options.scale),
                    "--degree", str(options.degree), "-o", made], check=True, stdout=subprocess.DEVNULL,
                   stderr=subprocess.DEVNULL, timeout=900)
    order = f"shuf --random-source={made}" if options.shuffle else "cat"
    subprocess.run(f"tail -n +2 {made} | cut -f 1,2 --output-delimiter=' ' | {order} > {plain}", shell=True, check=True)
    made.unlink()
    if not options.real:
        return plain, None, None
    ids, real = folder / "ids.txt", folder / "real.tsv"
    nodes = sorted({int(word) for line in plain.open() for word in line.split()})[::options.real]
    ids.write_text("".join(f"{node}\n" for node in nodes))
    real.write_text("".join(f"{node}\t1\n" for node in nodes))
    return plain, ids, real


def median(values):
    return statistics.median(values)


def report(one, two, theirs):
    edges = one[0].edges
    print(f"  {'':14} {'in all, s':>10} {'deciding, s':>12} {'processor, s':>13}")
    for name, runs in (("pandas, SciPy", theirs), ("ours, 1 rank", one), ("ours, 2 ranks", two)):
        print(f"  {name:14} {median([r.seconds for r in runs]):10.3f} {median([r.decide for r in runs]):12.3f} "
              f"{median([r.cpu for r in runs]):13.3f}")
    print(f"  in all, peer / ours           {median([b.seconds / a.seconds for a, b in zip(one, theirs)]):8.2f}")
    print(f"  deciding, peer / ours         {median([b.decide / a.decide for a, b in zip(one, theirs)]):8.2f}")
    print(f"  processor time, peer / ours   {median([b.cpu / a.cpu for a, b in zip(one, theirs)]):8.2f}  (all of it)")
    print(f"  1 rank / 2 ranks              {median([a.seconds / b.seconds for a, b in zip(one, two)]):8.2f}")
    print(f"  bytes a feed at the peak      {max(r.bytes for r in one) / edges:8.1f}")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", required=True, type=pathlib.Path)
    parser.add_argument("--scale", type=int, default=20)
    parser.add_argument("--degree", type=int, default=16)
    parser.add_argument("--pairs", type=int, default=5)
    parser.add_argument("--real", type=int, default=0, metavar="K", help="real data for every K-th node")
    parser.add_argument("--shuffle", action="store_true", help="lines in random order")
    options = parser.parse_args()
    ouro = (ROOT / options.build).resolve() / "ouro"
    environment = dict(os.environ, OPENBLAS_NUM_THREADS="1", OMP_NUM_THREADS="1")
    one, two, theirs, load = [], [], [], []
    with tempfile.TemporaryDirectory(prefix="ouro-bench-") as name:
        graph, ids, real = make_graph(ouro, pathlib.Path(name), options)
        size = graph.stat().st_size
        for _ in range(options.pairs):
            load.append(os.getloadavg()[0])
            theirs.append(peer(graph, ids, environment))
            one.append(ours(ouro, graph, real, 1, environment))
            two.append(ours(ouro, graph, real, 2, environment))
    for run in one + two:
        assert run.counts == theirs[0].counts, f"{run.counts} here, {theirs[0].counts} there"
    print(f"verdict, R-MAT of scale {options.scale}, {one[0].edges:.0f} feeds, {size / 1e6:.0f} MB of text, median of "
          f"{options.pairs} interleaved runs; load {median(load):.1f} on {os.cpu_count()} cores")
    report(one, two, theirs)


if __name__ == "__main__":
    main()
