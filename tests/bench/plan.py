#!/usr/bin/python3
"""What `ouro plan` predicts against what `ouro run` takes, on 1 and 2 ranks: seconds of the generation loop.

plan.py --build build/release   the machine is calibrated for each model, on 2 ranks at once, just before its runs

The loop is train, exchange and measure, the mean over the ranks; of several runs the fastest counts, since on a shared
machine others only ever take time away. The goal is a ratio of 0.75 to 1.25. Bytes must be equal.
"""
import argparse
import json
import pathlib
import statistics
import subprocess
import sys
import tempfile

import h5py

ROOT = pathlib.Path(__file__).resolve().parents[2]
GENERATIONS = 4
EXPERIMENT = """\
graph: {{ generate: {{ kind: small-world, nodes: {nodes}, degree: 8, p: 0.1 }}, samples: {samples} }}
model: {{ {model} }}
learning: {{ generations: {generations}, initial: {samples}, {learning} }}
theory: {{ exact: none, plateau: false, rates: false }}
output: {{ file: run.h5, every: {generations} }}
"""
# name, model, learning, nodes, samples
ROWS = [("linear, rows", "dimension: 10", "sampling: rows", 8192, 100),
        ("linear, rows, p = 20", "dimension: 20", "sampling: rows", 4096, 100),
        ("linear, rows, published", "dimension: 10", "draw: published", 16384, 100),
        ("linear, statistics", "dimension: 10", "sampling: statistics", 32768, 1000),
        ("linear, limit", "dimension: 4", "sampling: limit", 1 << 20, 1000),
        ("gaussian, rows", "family: gaussian, dimension: 4", "sampling: rows", 16384, 100),
        ("gaussian, statistics", "family: gaussian, dimension: 4", "sampling: statistics", 32768, 1000),
        ("poisson, rows", "family: poisson", "sampling: rows", 32768, 100),
        ("poisson, statistics", "family: poisson", "sampling: statistics", 65536, 1000),
        ("categorical, rows", "family: categorical", "sampling: rows", 8192, 100),
        ("logistic, rows", "family: logistic, dimension: 4", "sampling: rows", 1024, 100),
        ("huber, rows", "family: huber, dimension: 4", "sampling: rows", 1024, 100)]


class Bench:
    """Runs the program on some ranks in a scratch folder."""

    def __init__(self, ouro, folder):
        self.ouro, self.folder = ouro, folder

    def __call__(self, ranks, *words):
        done = subprocess.run([ROOT / "scripts/mpi.sh", str(ranks), self.ouro, *map(str, words)], cwd=self.folder, text=True,
                              capture_output=True, timeout=900, check=False)
        if done.returncode:
            sys.exit(f"plan.py: {' '.join(map(str, words))}: {done.stderr[-500:]}")
        return done.stdout

    def predicted(self, ranks):
        """Seconds of the loop, and bytes sent."""
        plan = json.loads(self(1, "plan", "x.yaml", "--ranks", ranks, "--machine", "machine", "--json"))
        figure = plan["rank"]
        write = figure["write"]["max"]
        loop = figure["first"]["max"] - write + GENERATIONS * (figure["generation"]["max"] - write)
        return loop, figure["bytes_run"]["total"]

    def measured(self, ranks, runs):
        """Seconds of the loop of the fastest run, and bytes sent."""
        seconds = []
        for _ in range(runs):
            self(ranks, "run", "x.yaml")
            with h5py.File(self.folder / "run.h5") as file:
                phases = [name.decode() for name in file["axis/phase"][()]]
                mean = dict(zip(phases, file["timing/seconds"][:, 1]))
                sent = int(file["timing"].attrs["bytes_sent"])
            seconds.append(sum(mean[phase] for phase in ("train", "exchange", "measure")))
        return min(seconds), sent


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", default=ROOT / "build/release", type=pathlib.Path)
    parser.add_argument("--runs", default=3, type=int)
    parser.add_argument("--only", default="")
    options = parser.parse_args()
    ratios, wrong = [], 0
    print(f"  {'seconds of the loop':26} {'ranks':>5} {'predicted':>10} {'measured':>10} {'ratio':>6}  bytes")
    with tempfile.TemporaryDirectory(prefix="ouro-bench-") as name:
        bench = Bench((ROOT / options.build / "ouro").resolve(), pathlib.Path(name))
        for title, model, learning, nodes, samples in [row for row in ROWS if options.only in row[0]]:
            (bench.folder / "x.yaml").write_text(EXPERIMENT.format(nodes=nodes, samples=samples, model=model,
                                                                   learning=learning, generations=GENERATIONS))
            bench(2, "plan", "--calibrate", "x.yaml", "-o", "machine")
            for ranks in (1, 2):
                (predicted, planned), (measured, sent) = bench.predicted(ranks), bench.measured(ranks, options.runs)
                ratios.append(predicted / measured)
                wrong += planned != sent
                print(f"  {title:26} {ranks:5} {predicted:10.4f} {measured:10.4f} {predicted / measured:6.2f}  "
                      f"{'equal' if planned == sent else f'{planned} planned, {sent} sent'}", flush=True)
    within = sum(0.75 <= ratio <= 1.25 for ratio in ratios)
    print(f"  predicted / measured: median {statistics.median(ratios):.2f}, {within} of {len(ratios)} within 25 %; "
          f"bytes {'equal in all' if wrong == 0 else f'differ in {wrong}'}")
    return wrong > 0


if __name__ == "__main__":
    sys.exit(main())
