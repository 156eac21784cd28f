#!/usr/bin/python3
"""Draw what a paper on the subject would show; experiments are in jobs/figures.

figures.py [-o DIR]   topologies.png, one-feed.png, families.png, phase.png

topologies: who collapses in graphs of several shapes, and how errors grow; one-feed: one feed that ruins a healthy graph;
families: error against generation for every family on that graph; phase: the plateau against the share of real data.
Lines are simulated, dashed ones expected.
"""
import argparse
import concurrent.futures
import os
import pathlib
import re
import subprocess
import sys

import h5py
import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt  # noqa: E402
import networkx as nx  # noqa: E402
import numpy as np  # noqa: E402

ROOT = pathlib.Path(__file__).resolve().parent.parent
JOBS = ROOT / "jobs/figures"
sys.dont_write_bytecode = True
sys.path.insert(0, str(ROOT / "scripts"))
from plot import FILL, LINE, VERDICTS, Run  # noqa: E402

# title, graph, node file
SHAPES = [("complete", "complete.tsv", "none"), ("ring", "ring.tsv", "none"), ("star, its hub frozen", "star.tsv", "none"),
          ("acyclic, real data at the top", "dag.tsv", "first.tsv"),
          ("two communities, a bridge\nfrom the one with real data", "bridge-out.tsv", "first.tsv"),
          ("two communities, a bridge\nto the one with real data", "bridge-in.tsv", "first.tsv")]
SHARES = np.geomspace(0.01, 0.99, 9)  # of real data, in a training set
TRAINING = 10_000  # samples of one
NODES = 24
COUNTS = [1, 2, 4, 8, 12, 24]  # of models with real data
# whom a model trains on, by their distance on a circle
OFFSETS = {"ring": (1,), "3 feeds each": (1, 2, 5), "complete": tuple(range(1, NODES))}


class Program:
    """Runs experiments of jobs/figures; results go to a directory."""

    def __init__(self, ouro, out):
        self.ouro, self.out = ouro, out

    def __call__(self, command, experiment, name, settings):
        path = self.out / f"{name}.h5"
        words = [self.ouro, command, experiment]
        for key, value in {**settings, "output.file": path}.items():
            words += ["--set", f"{key}={value}"]
        done = subprocess.run([str(w) for w in words], cwd=ROOT, text=True, capture_output=True, check=False)
        if done.returncode != 0:
            raise SystemExit(f"{name}: {done.stderr}")
        return path

    def run(self, experiment, name, settings):
        return Run(self("run", experiment, name, settings))

    def families(self):
        """Names, and whether they have a dimension, from the help of the program."""
        text = subprocess.run([self.ouro, "run", "--help"], text=True, capture_output=True, check=True).stdout
        listed = text.split("Families", 1)[1].split("\n\n", 1)[0]
        return [(name, "dimension" in keys) for name, keys in re.findall(r"^  ([\w-]+) +(.*)$", listed, re.M)]


# ------------------------------------------------------------------------------------------------------------- parts


def draw_graph(axes, run):
    """The models on a circle, coloured by verdict; a thick rim has real data."""
    graph = nx.MultiDiGraph()
    graph.add_nodes_from(range(run.n))
    graph.add_edges_from(zip(run.source.tolist(), run.target.tolist()))
    place = nx.circular_layout(graph)
    nx.draw_networkx_nodes(graph, place, ax=axes, node_size=230, node_color=[FILL[v] for v in run.verdict],
                           edgecolors=[LINE[v] for v in run.verdict],
                           linewidths=[2.2 if r > 0 else 0.8 for r in run.real])
    nx.draw_networkx_edges(graph, place, ax=axes, node_size=230, width=0.8, edge_color="#505050", arrowsize=8,
                           connectionstyle="arc3,rad=0.12")
    nx.draw_networkx_labels(graph, place, {i: run.names[i] for i in range(run.n)}, ax=axes, font_size=7)
    axes.set_axis_off()
    axes.margins(0.2)


def draw_errors(axes, run, scale="linear"):
    for i in range(run.n):
        axes.plot(run.generation, run.error[:, i], color=LINE[run.verdict[i]], lw=1.1, alpha=0.8)
        if run.theory is not None:
            axes.plot(run.generation, run.theory[:, i], color="black", lw=0.8, ls=(0, (4, 3)))
    axes.set(xlabel="generation", yscale=scale)
    if scale == "linear":
        axes.set_ylim(bottom=0)


def legend(figure):
    handles = [plt.Line2D([], [], color=LINE[v], lw=2, label=v) for v in VERDICTS]
    handles += [plt.Line2D([], [], color="black", lw=0.8, ls=(0, (4, 3)), label="expected"),
                plt.Line2D([], [], color="#505050", marker="o", ls="none", mfc="white", mew=2.2, label="has real data")]
    figure.legend(handles=handles, loc="upper center", bbox_to_anchor=(0.5, 0), ncol=5, frameon=False, fontsize=8)


def save(figure, path):
    figure.savefig(path, dpi=140, bbox_inches="tight")
    plt.close(figure)
    print(os.path.relpath(path))


def graphs_above_errors(cases, path, scale="linear"):
    """A column a case: (title, run)."""
    figure, axes = plt.subplots(2, len(cases), figsize=(2.6 * len(cases), 5), layout="constrained", squeeze=False)
    for (title, run), above, below in zip(cases, *axes):
        above.set_title(title, fontsize=9)
        draw_graph(above, run)
        draw_errors(below, run, scale)
    axes[1][0].set_ylabel(f"error ({cases[0][1].measure})")
    legend(figure)
    save(figure, path)


# ----------------------------------------------------------------------------------------------------------- figures


def topologies(program):
    cases = []
    for title, graph, real in SHAPES:
        settings = {"graph.file": JOBS / graph, "real.nodes": real if real == "none" else JOBS / real}
        cases.append((title, program.run(JOBS / "topologies.yaml", f"topology-{graph[:-4]}", settings)))
    graphs_above_errors(cases, program.out / "topologies.png")


def one_feed(program):
    published = ROOT / "jobs/published"
    cases = []
    for title, file in (("healthy, beside a loop", "r15-feeds-without.tsv"), ("one feed from 5 to 3", "r15-feeds.tsv")):
        settings = {"graph.file": published / file, "learning.replicates": 1000}
        cases.append((title, program.run(published / "r15.yaml", f"one-{file[:-4]}", settings)))
    graphs_above_errors(cases, program.out / "one-feed.png", "log")


def families(program):
    listed = program.families()
    columns = 4
    rows = -(-len(listed) // columns)
    figure, axes = plt.subplots(rows, columns, figsize=(2.7 * columns, 2.3 * rows), layout="constrained", squeeze=False)
    for panel, (name, has_dimension) in zip(axes.flat, listed):
        settings = {"model.family": name, **({"model.dimension": 2} if has_dimension else {})}
        draw_errors(panel, program.run(JOBS / "families.yaml", f"family-{name}", settings), "log")
        panel.set_title(name, fontsize=9)
    for panel in axes.flat[len(listed):]:
        panel.set_axis_off()
    for panel in axes[:, 0]:
        panel.set_ylabel("error")
    legend(figure)
    save(figure, program.out / "families.png")


def plateau(program, shape, share, n_real):
    """Mean plateau of the models of a shape of which n_real, evenly spaced, have a share of real data, in units of a
    fit to real data alone. All training sets have the same size."""
    offsets = OFFSETS[shape]
    tag = f"phase-{len(offsets)}-{share:.4f}-{n_real}"
    with_real = {i * NODES // n_real for i in range(n_real)}
    size = {i: max(1, round(TRAINING * (1 - share * (i in with_real)) / len(offsets))) for i in range(NODES)}
    feeds, nodes = program.out / f"{tag}-feeds.tsv", program.out / f"{tag}-nodes.tsv"
    feeds.write_text("source\ttarget\tsamples\n" + "".join(f"{(i - o) % NODES}\t{i}\t{size[i]}\n" for i in size
                                                           for o in offsets))
    nodes.write_text("node\treal\n" + "".join(f"{i}\t{TRAINING - len(offsets) * size[i]}\n" for i in with_real))
    path = program("predict", JOBS / "phase.yaml", tag, {"graph.file": feeds, "real.nodes": nodes})
    with h5py.File(path) as file:
        return float(np.mean(file["node/plateau"][()])) * TRAINING


def phase(program):
    """Left: all models have real data; then, some of them."""
    jobs = [(shape, share, n) for shape in OFFSETS for share in SHARES for n in COUNTS]
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        values = dict(zip(jobs, pool.map(lambda job: plateau(program, *job), jobs)))
    figure, axes = plt.subplots(1, 1 + len(OFFSETS), figsize=(13, 3.4), layout="constrained")
    for shape, colour in zip(OFFSETS, ("#0072b2", "#d55e00", "#009e73")):
        axes[0].plot(SHARES, [values[shape, s, NODES] for s in SHARES], color=colour, marker="o", ms=3, label=shape)
    axes[0].plot(SHARES, 1 / (SHARES * (2 - SHARES)), color="black", lw=0.8, ls=(0, (4, 3)), label="one model alone")
    axes[0].set(xscale="log", yscale="log", xlabel="share of real data, every model", title="plateau, 1: real data only")
    axes[0].legend(frameon=False, fontsize=8)
    norm = matplotlib.colors.LogNorm(1, max(values.values()))
    for panel, shape in zip(axes[1:], OFFSETS):
        grid = np.array([[values[shape, s, n] for s in SHARES] for n in COUNTS])
        mesh = panel.pcolormesh(SHARES, range(len(COUNTS)), grid, norm=norm, cmap="viridis", shading="nearest")
        panel.set(xscale="log", xlabel="share of real data where there are any", title=f"{shape}, {NODES} models")
        panel.set_yticks(range(len(COUNTS)), COUNTS)
    axes[1].set_ylabel("models with real data")
    figure.colorbar(mesh, ax=axes[1:], label="mean plateau")
    save(figure, program.out / "phase.png")
    for left in program.out.glob("phase-*"):
        left.unlink()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--ouro", default=ROOT / "build/release/ouro", type=pathlib.Path, help="the program")
    parser.add_argument("--only", default="", help="some of the pictures, e.g. families,phase")
    parser.add_argument("-o", "--out", default=ROOT / "build/figures", type=pathlib.Path)
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    program = Program(options.ouro.resolve(), options.out.resolve())
    drawn = {"topologies": topologies, "one-feed": one_feed, "families": families, "phase": phase}
    wanted = options.only.split(",") if options.only else list(drawn)
    if not set(wanted) <= set(drawn):
        parser.error(f"pictures are {', '.join(drawn)}")
    for name in wanted:
        drawn[name](program)


if __name__ == "__main__":
    main()
