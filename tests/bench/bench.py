#!/usr/bin/python3
"""Speed of the generation loop, `make bench`: linear regression, p = 10, 8 feeds a node, in each tier of sampling.

Runs are interleaved (ours on 1 rank, the NumPy program, ours on 2 ranks, and again), and ratios are formed pair by
pair; medians are printed, since the speed of a shared machine drifts. The bound is what the program's own two
kernels allow: drawing the normals of a sample and adding it to X'X, each measured alone, least of many; with it the
least time of a sample is compared. Kernels for few parameters are set against the BLAS. Then every family: samples a
second of `ouro run` on one core, what the steps from a random number to the fit take, and in which of them the time
goes.
"""
import argparse
import pathlib
import re
import statistics
import subprocess
import sys
import tempfile

import h5py
import numpy as np

ROOT = pathlib.Path(__file__).resolve().parents[2]
P, M, DEGREE = 10, 100, 8
LIMIT_P = 4
COMMUNITY = 64
EXPERIMENT = """\
graph: {{ {graph}, samples: {m} }}
model: {{ {model} }}
learning: {{ generations: {generations}, sampling: {sampling} }}
theory: {{ exact: none }}
output: {{ file: {output}, every: {generations} }}
"""


def communities(nodes, rng):
    """A ring of communities: 7 feeds from one's own community, 1 from the one before it."""
    feeds = []
    for i in range(nodes):
        base = i - i % COMMUNITY
        own = rng.choice([base + k for k in range(COMMUNITY) if base + k != i], DEGREE - 1, replace=False)
        feeds += [(j, i) for j in own] + [((base - COMMUNITY) % nodes + int(rng.integers(COMMUNITY)), i)]
    return feeds


def regular(nodes, rng):
    """Every node trains on 8 others, chosen at random."""
    return [(j if j < i else j + 1, i) for i in range(nodes) for j in rng.choice(nodes - 1, DEGREE, replace=False)]


def write_feeds(folder, name, feeds):
    """The `graph:` part of an experiment on a graph in a file."""
    path = folder / f"{name}.tsv"
    path.write_text("".join(f"{j} {i}\n" for j, i in feeds))
    return f"file: {path}"


def write_experiment(folder, name, graph, generations, model=f"dimension: {P}", m=M, sampling="rows"):
    path = folder / f"{name}.yaml"
    path.write_text(EXPERIMENT.format(graph=graph, m=m, model=model, generations=generations, sampling=sampling,
                                      output=folder / f"{name}.h5"))
    return path


def loop_seconds(ouro, experiment, ranks):
    """Seconds of the generation loop: training, waiting for samples, measuring; the slowest rank counts."""
    subprocess.run([ROOT / "scripts/mpi.sh", str(ranks), ouro, "run", experiment], check=True, stdout=subprocess.DEVNULL,
                   stderr=subprocess.DEVNULL, timeout=600)
    with h5py.File(experiment.with_suffix(".h5")) as file:
        phases = [name.decode() for name in file["axis/phase"][()]]
        mean = dict(zip(phases, file["timing/seconds"][:, 1]))
    return sum(mean[phase] for phase in ("train", "exchange", "measure"))


def numpy_seconds(nodes, generations, m=M):
    """Seconds of the loop of the NumPy program."""
    peer = ROOT / "tests/peers/peer_numpy.py"
    out = subprocess.run([sys.executable, peer, *map(str, (nodes, DEGREE, m, P, generations))], check=True, text=True,
                         capture_output=True, timeout=600).stdout
    return float(re.search(r"([\d.]+)s$", out.strip()).group(1))


def kernel_figures(build):
    """name -> nanoseconds, of the lines "name value unit" that a kernel program prints."""
    out = subprocess.run([build / "tests/bench/kernels"], check=True, text=True, capture_output=True, timeout=600).stdout
    rows = [line.split() for line in out.splitlines() if not line.startswith("isa ")]
    print("kernels, one core, " + next(line for line in out.splitlines() if line.startswith("isa ")).rstrip(" -"))
    return {name: float(value) for name, value, _ in rows}


def family_figures(build):
    """family -> [(kernel, ns a sample)], all of a sample first; and the lines about something else."""
    out = subprocess.run([ROOT / "scripts/mpi.sh", "1", build / "tests/bench/families"], check=True, text=True,
                         capture_output=True, timeout=600).stdout
    figures, others = {}, []
    for what, value, unit in (line.split("\t") for line in out.splitlines()):
        family, _, kernel = what.partition(": ")
        if kernel:
            figures.setdefault(family, []).append((kernel, float(value)))
        else:
            others.append((what, float(value), unit))
    return figures, others


def report_families(build, folder, nodes, generations):
    """A line a family: what `ouro run` does on one core, what a sample takes in its kernels, and the largest three."""
    rng = np.random.default_rng(1)
    graph = write_feeds(folder, "families", regular(nodes, rng))
    figures, others = family_figures(build)
    print(f"\nfamilies, {DEGREE} feeds of {M} samples, {nodes} nodes, defaults of the configuration, one core")
    print(f"  {'':19} {'samples/s':>11} {'ns a sample':>12} {'in kernels':>11}   of which")
    for family, ((_, whole), *kernels) in figures.items():
        experiment = write_experiment(folder, family, graph, generations, f"family: {family}")
        seconds = min(loop_seconds(build / "ouro", experiment, 1) for _ in range(3))
        sample = seconds / (nodes * DEGREE * M * generations)
        largest = sorted(kernels, key=lambda kernel: -kernel[1])[:3]
        shares = ", ".join(f"{kernel} {ns / whole:.0%}" for kernel, ns in largest if ns > 0.02 * whole)
        print(f"  {family:19} {1 / sample:11.3e} {sample * 1e9:12.1f} {whole:11.1f}   {shares}", flush=True)
    print("\nwhat is linear has one cost a unit, whatever its size")
    for what, value, unit in others:
        print(f"  {what:52} {value:8.2f} {unit}")


def parse_speed(build):
    return subprocess.run([ROOT / "scripts/mpi.sh", "1", build / "tests/bench/parse"], check=True, text=True,
                          capture_output=True, timeout=600).stdout.strip()


def report(title, seconds, nodes, generations, m):
    updates = nodes * generations / statistics.median(seconds)
    print(f"  {title:22} {updates:14,.0f} models/s {updates * DEGREE:14,.0f} feeds/s {updates * DEGREE * m:14.3e} samples/s",
          flush=True)


def report_kernels(kernels):
    """What a fit, a sample and a statistic take in the kernels, and in the BLAS where it has one for that."""
    for name in ("normal.plain", "normal.n704", "normal.n100"):
        print(f"  {name:34} {kernels[name]:10.3f} ns")
    print(f"  {'':10} {'sample':>10} {'gram':>8} {'dsyrk':>8} {'ratio':>6} {'fit':>10} {'dposv':>10} {'ratio':>6} "
          f"{'statistic':>10}   ns")
    for label in (name.removeprefix("fit") for name in kernels if name.startswith("fit.")):
        absorb, gram, dsyrk, fit, dposv, draw = (kernels[name + label] for name in
                                                 ("absorb", "reduce", "dsyrk", "fit", "dposv", "draw"))
        print(f"  {label[1:]:10} {absorb:10.2f} {gram:8.2f} {dsyrk:8.2f} {dsyrk / gram:6.2f} {fit:10.1f} {dposv:10.1f} "
              f"{dposv / fit:6.2f} {draw:10.1f}")


def report_rows(options, ouro, folder, kernels, m, nodes):
    """Samples drawn one by one: ours on one and two ranks, NumPy, and the bound of the kernels."""
    rng = np.random.default_rng(1)
    generations = options.generations
    plain = write_experiment(folder, f"regular-{m}", write_feeds(folder, f"regular-{m}", regular(nodes, rng)), generations,
                             m=m)
    ring = write_experiment(folder, f"communities-{m}", write_feeds(folder, f"communities-{m}", communities(nodes, rng)),
                            generations, m=m)
    ours, peer, ring1, ring2 = [], [], [], []
    for _ in range(options.pairs):
        ours.append(loop_seconds(ouro, plain, 1))
        peer.append(numpy_seconds(nodes, generations, m))
        ring1.append(loop_seconds(ouro, ring, 1))
        ring2.append(loop_seconds(ouro, ring, 2))
    print(f"\nrows, linear, p = {P}, m = {m}, {DEGREE} feeds a node, {nodes} nodes, {generations} generations, "
          f"median of {options.pairs} interleaved pairs")
    for title, seconds in (("random, 1 rank", ours), ("random, NumPy", peer), ("communities, 1 rank", ring1),
                           ("communities, 2 ranks", ring2)):
        report(title, seconds, nodes, generations, m)
    sample = min(ours) / (nodes * DEGREE * m * generations) * 1e9
    normals = (P + 1) * kernels["normal.n704"]
    for title, kernel in (("dsyrk of the BLAS", "dsyrk"), ("the program's own reduction", "reduce")):
        bound = normals + kernels[f"{kernel}.p{P}.m{M}"]
        print(f"  a sample takes {sample:.1f} ns; its normals and {title} alone {bound:.1f} ns: "
              f"{bound / sample:.0%} of that bound")
    print(f"  NumPy / ours, 1 rank          {statistics.median(b / a for a, b in zip(ours, peer)):.2f}")
    print(f"  1 rank / 2 ranks, communities {statistics.median(a / b for a, b in zip(ring1, ring2)):.2f}", flush=True)


def generated(nodes):
    return f"generate: {{ kind: k-in-regular, nodes: {nodes}, degree: {DEGREE}, seed: 1 }}"


def report_statistics(options, ouro, folder):
    """Statistics drawn whole, of feeds of several sizes, against the samples of NumPy at m = 1000."""
    sizes, generations, nodes = (100, 1000, 100000), 4 * options.generations, options.nodes
    few = nodes // 16
    rng = np.random.default_rng(1)
    runs = {m: write_experiment(folder, f"statistics-{m}", generated(nodes), generations, m=m, sampling="statistics")
            for m in sizes}
    ring = write_experiment(folder, "communities-statistics", write_feeds(folder, "rings", communities(4 * nodes, rng)),
                            generations, m=1000, sampling="statistics")
    ours, peer, ring1, ring2 = {m: [] for m in sizes}, [], [], []
    for _ in range(options.pairs):
        for m, experiment in runs.items():
            ours[m].append(loop_seconds(ouro, experiment, 1))
        peer.append(numpy_seconds(few, 1, 1000) * nodes / few * generations)
        ring1.append(loop_seconds(ouro, ring, 1))
        ring2.append(loop_seconds(ouro, ring, 2))
    print(f"\nstatistics, linear, p = {P}, {DEGREE} feeds a node, {nodes} nodes, {generations} generations, median of "
          f"{options.pairs} interleaved pairs; NumPy: {few} nodes, one generation; communities: {4 * nodes} nodes")
    for m in sizes:
        report(f"random, m = {m}", ours[m], nodes, generations, m)
    report("NumPy, m = 1000", peer, nodes, generations, 1000)
    report("communities, 1 rank", ring1, 4 * nodes, generations, 1000)
    report("communities, 2 ranks", ring2, 4 * nodes, generations, 1000)
    print(f"  NumPy / ours at m = 1000      {statistics.median(b / a for a, b in zip(ours[1000], peer)):.0f}")
    print(f"  m = 100000 / m = 100          {statistics.median(b / a for a, b in zip(ours[100], ours[100000])):.2f}")
    print(f"  1 rank / 2 ranks, communities {statistics.median(a / b for a, b in zip(ring1, ring2)):.2f}", flush=True)


def report_limit(options, ouro, folder):
    nodes, generations = 64 * options.nodes, 2 * options.generations
    experiment = write_experiment(folder, "limit", generated(nodes), generations, f"dimension: {LIMIT_P}",
                                  sampling="limit")
    seconds = [loop_seconds(ouro, experiment, 1) for _ in range(options.pairs)]
    print(f"\nlimit, linear, p = {LIMIT_P}, {DEGREE} feeds a node, {nodes} nodes, {generations} generations, "
          f"median of {options.pairs}")
    report("random, 1 rank", seconds, nodes, generations, M)


def report_linear(options, build):
    kernels = kernel_figures(build)
    report_kernels(kernels)
    with tempfile.TemporaryDirectory(prefix="ouro-bench-") as name:
        for m, nodes in ((100, options.nodes), (1000, options.nodes // 8)):
            report_rows(options, build / "ouro", pathlib.Path(name), kernels, m, nodes)
        report_statistics(options, build / "ouro", pathlib.Path(name))
        report_limit(options, build / "ouro", pathlib.Path(name))


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", required=True, type=pathlib.Path)
    parser.add_argument("--nodes", type=int, default=4096)
    parser.add_argument("--generations", type=int, default=8)
    parser.add_argument("--pairs", type=int, default=5)
    parser.add_argument("--families", action="store_true", help="the families alone")
    options = parser.parse_args()
    build = (ROOT / options.build).resolve()
    if not options.families:
        report_linear(options, build)
    with tempfile.TemporaryDirectory(prefix="ouro-bench-") as name:
        report_families(build, pathlib.Path(name), options.nodes // 16, options.generations // 2)
    if not options.families:
        print(f"\nreading\n  {parse_speed(build)}")


if __name__ == "__main__":
    main()
