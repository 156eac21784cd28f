#!/usr/bin/python3
"""Cost of the run file, part of `make bench`.

Rate: trajectories of 10^6 nodes and 100 generations against a bare collective MPI-IO write of the same bytes, both until
fsync has returned (tests/bench/io.c). Loop: seconds of the generation loop of a run that stores every generation over those of
one that stores the last. Deflate: the same run at some levels, and the size of its file. Reading: one node over time and
all nodes at one generation, by h5py, from a file in memory. Pairs are interleaved; minima are compared, since a shared
machine only ever adds time.
"""
import argparse
import os
import pathlib
import re
import subprocess
import tempfile
import time

import h5py
import numpy as np

ROOT = pathlib.Path(__file__).resolve().parents[2]
EXPERIMENT = """\
graph: {{ generate: {{ kind: k-in-regular, nodes: {nodes}, degree: 8 }}, samples: 100 }}
model: {{ family: linear, dimension: {dimension} }}
learning: {{ generations: {generations}, sampling: {sampling} }}
theory: {{ exact: none, plateau: false, rates: false }}
partition: {{ method: block }}
output: {{ every: {every}, deflate: {deflate}, file: {file} }}
"""
LOOP = ("train", "exchange", "measure", "write")


def ranks_of(ranks, *command):
    return subprocess.run([ROOT / "scripts/mpi.sh", str(ranks), *map(str, command)], check=True, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, timeout=1200).stdout


def report_rate(build, folder, options):
    os.environ["OURO_BENCH_DIR"] = str(folder)
    for ranks in (1, 2):
        out = ranks_of(ranks, build / "tests/bench/io", options.nodes, options.generations, options.pairs)
        rows = re.findall(r"(\w+) ([\d.]+) MB/s, MPI-IO ([\d.]+) MB/s, ratio ([\d.]+)", out)
        for owners in sorted({row[0] for row in rows}):
            ours, bare, ratio = zip(*(map(float, row[1:]) for row in rows if row[0] == owners))
            print(f"  {ranks} rank{'s' * (ranks > 1)}, nodes in {owners:10} {max(ours):7.0f} MB/s   MPI-IO {max(bare):7.0f} MB/s   "
                  f"ratio {np.median(ratio):.2f} (pairs {min(ratio):.2f} .. {max(ratio):.2f})", flush=True)


def loop_seconds(build, folder, ranks, **keys):
    """Seconds of the loop, seconds of `write` in it, size of the file."""
    file = folder / "run.h5"
    (folder / "run.yaml").write_text(EXPERIMENT.format(**{"deflate": 0, "every": 1, **keys}, file=file))
    ranks_of(ranks, build / "ouro", "run", folder / "run.yaml")
    with h5py.File(file) as run:
        phases = [name.decode() for name in run["axis/phase"][()]]
        most = dict(zip(phases, run["timing/seconds"][:, 1]))
    return sum(most[phase] for phase in LOOP), most["write"], file.stat().st_size


def report_loop(build, folder, options):
    for sampling, dimension, nodes, generations in (("rows", 10, 20000, 8), ("statistics", 10, 100000, 10),
                                                    ("limit", 10, 200000, 50), ("limit", 4, 200000, 50)):
        for ranks in (1, 2):
            keys = {"sampling": sampling, "dimension": dimension, "nodes": nodes, "generations": generations}
            every, last = [], []
            for _ in range(options.pairs):
                every.append(loop_seconds(build, folder, ranks, **keys))
                last.append(loop_seconds(build, folder, ranks, every=generations, **keys))
            slower = min(every)[0] / min(last)[0] - 1
            print(f"  {sampling:10} p = {dimension:2}, {nodes} nodes, {ranks} rank{'s' * (ranks > 1):1}: {min(last)[0] / generations * 1e3:8.2f} ms a "
                  f"generation, {slower:+6.1%} where every one is stored", flush=True)


def report_deflate(build, folder):
    for deflate in (0, 1, 4, 6, 9):
        seconds, write, size = min(loop_seconds(build, folder, 1, sampling="statistics", dimension=10, nodes=100000,
                                                generations=10, deflate=deflate) for _ in range(2))
        print(f"  deflate {deflate}: loop {seconds:6.2f} s, of it waiting for the writer and handing over {write:5.2f} s, file {size / 1e6:6.1f} MB", flush=True)


def read_seconds(file, node, repeats, rng):
    best = []
    for _ in range(repeats):
        with h5py.File(file) as run:
            table = run["trajectory/error"]
            k = int(rng.integers(table.shape[1 if node else 0]))
            start = time.perf_counter()
            _ = table[:, k] if node else table[k]
            best.append(time.perf_counter() - start)
    return np.median(best)


def report_reading(build, folder):
    loop_seconds(build, folder, 1, sampling="limit", dimension=1, nodes=1000000, generations=99)
    rng = np.random.default_rng(1)
    file = folder / "run.h5"
    with h5py.File(file) as run:
        print(f"  1000000 nodes, 100 generations, chunks {run['trajectory/error'].chunks}: one node over time "
              f"{read_seconds(file, True, 20, rng) * 1e3:.1f} ms, all nodes at one generation "
              f"{read_seconds(file, False, 20, rng) * 1e3:.1f} ms")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", required=True, type=pathlib.Path)
    parser.add_argument("--nodes", type=int, default=1000000)
    parser.add_argument("--generations", type=int, default=100)
    parser.add_argument("--pairs", type=int, default=3)
    options = parser.parse_args()
    build = (ROOT / options.build).resolve()
    with tempfile.TemporaryDirectory(prefix="ouro-bench-io-") as name:
        folder = pathlib.Path(name)
        print(f"writing, {options.nodes} nodes x {options.generations} generations x 3 tables, until fsync has returned")
        report_rate(build, folder, options)
        print("\nthe generation loop, storing every generation against storing the last")
        report_loop(build, folder, options)
        print("\ndeflate, statistics, 100000 nodes, 10 generations")
        report_deflate(build, folder)
        print("\nreading by h5py, file in memory")
        report_reading(build, folder)


if __name__ == "__main__":
    main()
