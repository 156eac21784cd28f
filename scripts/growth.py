#!/usr/bin/python3
"""How time and memory grow with the number of models, `make growth`.

Every tier of sampling learns on graphs of 8 feeds a model, 10^3 models and more, on one rank: seconds of a generation (the
loop alone: train and measure; the least of a few runs), and the memory of the whole run beyond that of a program with 10
models, by model and feed. Growth is linear where the slope of the line through the points, both axes logarithmic, is 1.
Nine of ten feeds come from models near by, as in the parts of a partition; in graphs without any order (--kind k-in-regular)
a feed of the limit tier is a read of memory at random once models leave the cache, which takes twice as long as one from it.
Writes growth.tsv and growth.png to the folder given.
"""
import argparse
import math
import pathlib
import subprocess
import sys

import h5py
import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt  # noqa: E402
import numpy as np  # noqa: E402

ROOT = pathlib.Path(__file__).resolve().parent.parent
DEGREE = 8
LARGE = 10**5  # models that take more memory than what varies from run to run
P = {"rows": 10, "statistics": 10, "limit": 4}
MOST = {"rows": 10**6, "statistics": 10**7, "limit": 10**7}  # models; rows of 10^7 would take minutes a generation
SAMPLES = {"rows": 100, "statistics": 1000, "limit": 1000}
COST = {"rows": 1e-5, "statistics": 3e-6, "limit": 1e-7}  # rough seconds a model and generation, to choose how many
COLOURS = {"rows": "#1b6ca8", "statistics": "#c8553d", "limit": "#3b7d4f"}
EXPERIMENT = """\
graph: {{ generate: {{ kind: {kind}, nodes: {nodes}, degree: {degree}{more} }}, samples: {samples} }}
model: {{ family: linear, dimension: {p} }}
learning: {{ generations: {generations}, initial: {samples}, sampling: {tier} }}
theory: {{ exact: none, plateau: false, rates: false }}
output: {{ file: {output}, every: {generations} }}
"""


def run(ouro, folder, kind, tier, nodes):
    """Seconds of a generation, and bytes of memory, of one run."""
    generations = int(min(max(0.2 / (COST[tier] * nodes), 2), 200))
    output = folder / f"{tier}-{nodes}.h5"
    path = folder / f"{tier}-{nodes}.yaml"
    more = ", p: 0.1" if kind == "small-world" else ""
    path.write_text(EXPERIMENT.format(kind=kind, nodes=nodes, degree=DEGREE, more=more, samples=SAMPLES[tier], p=P[tier],
                                      generations=generations, tier=tier, output=output))
    done = subprocess.run([ouro, "run", path], capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"growth: {path}: {done.stderr.strip().splitlines()[-1]}")
    with h5py.File(output) as file:
        phases = [name.decode() for name in file["axis/phase"][()]]
        seconds = dict(zip(phases, file["timing/seconds"][:, 1]))
        memory = int(file["timing"].attrs["memory_high_water_bytes"])
    output.unlink()
    path.unlink()
    return (seconds["train"] + seconds["measure"]) / (generations + 1), memory


def sizes_up_to(most):
    """10^3, 3*10^3, 10^4, ... up to a bound."""
    return [n for k in range(3, 10) for n in (10**k, 3 * 10**k) if n <= most]


def measure(options, folder, tier):
    """Rows (models, seconds, bytes beyond those of a small program)."""
    _, base = run(options.ouro, folder, options.kind, tier, 10)
    rows = []
    for nodes in sizes_up_to(min(options.most, MOST[tier])):
        runs = [run(options.ouro, folder, options.kind, tier, nodes) for _ in range(options.runs if nodes < 10**6 else 1)]
        rows.append((nodes, min(seconds for seconds, _ in runs), min(memory for _, memory in runs) - base))
        print(f"  {tier:10} {nodes:10,} models {rows[-1][1]:12.6f} s a generation {rows[-1][2] / 2**20:10.1f} MiB", flush=True)
    return np.array(rows)


def slope(x, y):
    """Of the least-squares line, both axes logarithmic; NaN for one point."""
    return float(np.polyfit(np.log(x), np.log(y), 1)[0]) if len(x) > 1 else math.nan


def draw(tables, kind, path):
    figure, (left, right) = plt.subplots(1, 2, figsize=(10, 4.2))
    for tier, rows in tables.items():
        rate = f"{tier}, p = {P[tier]}: slope {slope(rows[:, 0], rows[:, 1]):.3f}"
        left.loglog(rows[:, 0], rows[:, 1], "o-", color=COLOURS[tier], label=rate)
        large = rows[rows[:, 0] >= LARGE]
        right.semilogx(large[:, 0], large[:, 2] / large[:, 0], "o-", color=COLOURS[tier], label=tier)
    left.set_xlabel("models")
    left.set_ylabel("seconds a generation, one rank")
    right.set_xlabel("models")
    right.set_ylabel("bytes of memory a model with its feeds")
    right.set_ylim(bottom=0)
    for axes in (left, right):
        axes.legend(frameon=False)
        axes.grid(True, which="major", color="#dddddd", linewidth=0.6)
        axes.spines[["top", "right"]].set_visible(False)
    figure.suptitle(f"{kind} graphs, {DEGREE} feeds a model")
    figure.tight_layout()
    figure.savefig(path, dpi=150)


def write_table(tables, path):
    lines = ["tier\tp\tmodels\tfeeds\tseconds\tns_a_feed\tmemory_bytes\tbytes_a_model"]
    for tier, rows in tables.items():
        for nodes, seconds, memory in rows:
            lines.append(f"{tier}\t{P[tier]}\t{nodes:.0f}\t{nodes * DEGREE:.0f}\t{seconds:.6g}\t"
                         f"{seconds / nodes / DEGREE * 1e9:.4g}\t{memory:.0f}\t{memory / nodes:.4g}")
    path.write_text("\n".join(lines) + "\n")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--ouro", default=ROOT / "build/release/ouro", type=pathlib.Path)
    parser.add_argument("--out", default=ROOT / "build/growth", type=pathlib.Path)
    parser.add_argument("--most", default=10**7, type=int, help="models at most")
    parser.add_argument("--tiers", default="rows,statistics,limit")
    parser.add_argument("--kind", default="small-world", choices=["k-in-regular", "small-world"])
    parser.add_argument("--runs", default=3, type=int, help="of each size below 10^6, of which the fastest counts")
    options = parser.parse_args()
    tiers = options.tiers.split(",")
    unknown = [tier for tier in tiers if tier not in P]
    if unknown:
        parser.error(f"there is no tier {unknown[0]}: {', '.join(P)}")
    options.ouro = options.ouro.resolve()
    options.out.mkdir(parents=True, exist_ok=True)
    tables = {tier: measure(options, options.out, tier) for tier in tiers}
    write_table(tables, options.out / "growth.tsv")
    draw(tables, options.kind, options.out / "growth.png")
    for tier, rows in tables.items():
        large = rows[rows[:, 0] >= LARGE]
        memory = f", memory {slope(large[:, 0], large[:, 2]):.3f} from {LARGE:,} models on" if len(large) > 1 else ""
        print(f"{tier}: slope of time {slope(rows[:, 0], rows[:, 1]):.3f}{memory}")
    print(f"results: {options.out}/growth.tsv, growth.png")


if __name__ == "__main__":
    main()
