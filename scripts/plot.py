#!/usr/bin/python3
"""Draw a run file: errors by verdict with theory laid over, the measures beside them, and the graph coloured by verdict.

plot.py RUN.h5 [-o PREFIX]   writes PREFIX-trajectories.png and PREFIX-graph.png (PREFIX: RUN without .h5), and
                             PREFIX-measures.png of a run with output.measures.
"""
import argparse
import os
import sys

import h5py
import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt  # noqa: E402
import networkx as nx  # noqa: E402
import numpy as np  # noqa: E402
from matplotlib.font_manager import FontProperties  # noqa: E402
from matplotlib.lines import Line2D  # noqa: E402
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch, Patch  # noqa: E402
from matplotlib.path import Path  # noqa: E402
from matplotlib.textpath import text_to_path  # noqa: E402

# Colours of Okabe and Ito, told apart with any colour vision; fill, line.
VERDICTS = ["anchored", "frozen", "collapsing"]
FILL = {"anchored": "#cfe5f3", "frozen": "#e4e4e4", "collapsing": "#f8d3bd"}
LINE = {"anchored": "#0072b2", "frozen": "#707070", "collapsing": "#d55e00"}
LARGEST_DRAWING = 300  # nodes
FEW_LINES = 8  # so few nodes in a class are named, each beside its own theory
MANY_LINES = 100  # more are drawn as a band

plt.rcParams.update({"font.family": "DejaVu Sans", "font.size": 9, "axes.spines.top": False, "axes.spines.right": False,
                     "savefig.facecolor": "white"})


class Unfit(Exception):
    """The file cannot be drawn; the message says why, in one line."""


class Run:
    """What is drawn of a run file. Tables that are not there are None."""

    def __init__(self, path):
        try:
            file = h5py.File(path, "r")
        except OSError as error:
            reason = "no such file" if not os.path.exists(path) else "not an HDF5 file that opens"
            raise Unfit(f"{path}: {reason}") from error
        with file:
            self.error = table(file, "/trajectory/error")
            if self.error is None or self.error.ndim != 2:
                raise Unfit(f"{path}: no table /trajectory/error [generation][node]; not a run file of ouro")
            self.n = self.error.shape[1]
            self.measure = file["/trajectory"].attrs.get("error_measure", b"excess risk / p").decode()
            self.theory = same_shape(table(file, "/trajectory/theory"), self.error)
            self.sd = same_shape(table(file, "/trajectory/error_sd"), self.error)
            generation = table(file, "/axis/generation")
            self.generation = generation if generation is not None else np.arange(len(self.error))
            self.names = names(table(file, "/graph/name"), self.n)
            self.verdict = verdicts(table(file, "/node/verdict"), self.n)
            self.component = table(file, "/node/component")
            self.real = table(file, "/graph/real")
            self.source, self.target = table(file, "/graph/source"), table(file, "/graph/target")
            self.measures = measures(file, self.error.shape[0])
        self.title = os.path.basename(path).removesuffix(".h5")
        if not np.isfinite(self.error).any():
            raise Unfit(f"{path}: /trajectory/error holds no finite number")


def table(file, path):
    found = file.get(path)
    return found[()] if isinstance(found, h5py.Dataset) and found.shape else None


def measures(file, generations):
    """(name, units, [generation][class] mean, its standard error) of each measure."""
    found = []
    for path in sorted(file.get("/summary", {})):
        name = path.removesuffix("_mean")
        mean, error = table(file, f"/summary/{path}"), table(file, f"/summary/{name}_se")
        if name in (path, "error") or error is None or mean.shape != error.shape or mean.shape != (generations, len(VERDICTS)):
            continue
        found.append((name, file[f"/summary/{path}"].attrs.get("units", b"1").decode(), mean, error))
    return found


def same_shape(values, like):
    return values if values is not None and values.shape == like.shape else None


def names(values, n):
    if values is None or len(values) != n:
        return [str(i) for i in range(n)]
    return [v.decode(errors="replace").rstrip("\0") if isinstance(v, bytes) else str(v) for v in values]


def verdicts(values, n):
    """A word a node; codes count the words from 0."""
    if values is None or len(values) != n:
        return np.array(["anchored"] * n)
    if values.dtype.kind in "iu":
        return np.array([VERDICTS[v] if 0 <= v < len(VERDICTS) else "anchored" for v in values])
    words = names(values, n)
    return np.array([w if w in VERDICTS else "anchored" for w in words])


def plural(n, word):
    return f"{n:,} {word}{'s' * (n != 1)}"


# ---------------------------------------------------------------------------------------------------- trajectories


def nodes_of(run, verdict):
    return np.flatnonzero(run.verdict == verdict)


def draw_theory(axes, run, values):
    axes.plot(run.generation, values, color="black", lw=1.0, ls=(0, (4, 3)), zorder=4)


def draw_few(axes, run, verdict, nodes):
    """Every node with its own theory."""
    lines = axes.plot(run.generation, run.error[:, nodes], color=LINE[verdict], lw=1.5, alpha=0.8, zorder=3,
                      marker="o" if len(run.generation) < 3 else None)
    lines[0].set_label(f"{verdict}, {plural(len(nodes), 'model')}")
    if run.theory is not None:
        draw_theory(axes, run, run.theory[:, nodes])


def draw_class(axes, run, verdict):
    """Thin lines of the nodes, or the band they fill; their mean, and the mean of theory."""
    nodes, t = nodes_of(run, verdict), run.generation
    error, colour = run.error[:, nodes], LINE[verdict]
    if len(nodes) <= FEW_LINES:
        draw_few(axes, run, verdict, nodes)
        return
    if len(nodes) <= MANY_LINES:
        axes.plot(t, error, color=colour, lw=0.5, alpha=0.4, zorder=1)
    else:
        low, high = np.nanquantile(error, [0.1, 0.9], axis=1)
        axes.fill_between(t, low, high, color=colour, alpha=0.18, lw=0, zorder=1)
    axes.plot(t, np.nanmean(error, axis=1), color=colour, lw=2.4, zorder=3, marker="o" if len(t) < 3 else None,
              label=f"{verdict}, mean of {plural(len(nodes), 'model')}")
    if run.theory is not None:
        draw_theory(axes, run, np.nanmean(run.theory[:, nodes], axis=1))


def spread(wishes, gap):
    """Places at least a gap apart, in the order of the wishes and nearest to them in the sum of squares: what is
    too close is pooled into blocks, each around the mean of its wishes (isotonic regression)."""
    order = np.argsort(wishes, kind="stable")
    blocks = []  # (sum of wish - rank * gap, number)
    for rank, i in enumerate(order):
        blocks.append((wishes[i] - rank * gap, 1))
        while len(blocks) > 1 and blocks[-2][0] * blocks[-1][1] > blocks[-1][0] * blocks[-2][1]:
            total, n = blocks.pop()
            blocks[-1] = (blocks[-1][0] + total, blocks[-1][1] + n)
    level = np.concatenate([np.full(n, total / n) for total, n in blocks])
    places = np.empty(len(order))
    places[order] = level + gap * np.arange(len(order))
    return places


def name_lines(figure, axes, run):
    """Names at the right end of the lines of a few collapsing nodes."""
    nodes = nodes_of(run, "collapsing")
    if not 0 < len(nodes) <= FEW_LINES or len(run.generation) < 3:
        return
    figure.canvas.draw()
    last = run.error[-1, nodes]
    nodes, last = nodes[np.isfinite(last)], last[np.isfinite(last)]
    end = axes.transData.transform(np.column_stack([np.full(len(nodes), run.generation[-1]), last]))
    heights = spread(end[:, 1], 13.5 * figure.dpi / 100)
    for node, (x, y), height in zip(nodes, end, heights):
        at = axes.transData.inverted().transform((x + 16 * figure.dpi / 100, height))
        axes.annotate(run.names[node], xy=axes.transData.inverted().transform((x, y)), xytext=at, fontsize=7.5, va="center",
                      color=LINE["collapsing"], annotation_clip=False,
                      arrowprops={"arrowstyle": "-", "lw": 0.5, "color": LINE["collapsing"], "relpos": (0, 0.5),
                                  "shrinkA": 1, "shrinkB": 0})


def wants_log(run):
    values = run.error[np.isfinite(run.error)]
    return values.min() > 0 and values.max() > 10 * values.min()


def draw_trajectories(run, path):
    figure, axes = plt.subplots(figsize=(7.2, 4.4), dpi=200)
    present = [v for v in VERDICTS if len(nodes_of(run, v))]
    for verdict in present:
        draw_class(axes, run, verdict)
    if wants_log(run):
        axes.set_yscale("log")
    else:
        axes.set_ylim(bottom=0)
    axes.set_xlabel("generation")
    axes.set_ylabel(f"error $C_{{ii}}$ ({run.measure})")
    axes.margins(x=0.01)
    axes.grid(axis="y", color="#e6e6e6", lw=0.6)
    axes.set_axisbelow(True)
    handles, labels = axes.get_legend_handles_labels()
    sizes = [len(nodes_of(run, v)) for v in present]
    if any(FEW_LINES < n <= MANY_LINES for n in sizes):
        handles.append(Line2D([], [], color="#888888", lw=0.6))
        labels.append("single models")
    if max(sizes) > MANY_LINES:
        handles.append(Patch(color="#cccccc"))
        labels.append("10 % to 90 % of them")
    if run.theory is not None:
        handles.append(Line2D([], [], color="black", lw=1.0, ls=(0, (4, 3))))
        labels.append("theory")
    one_row = len(labels) <= 4 and sum(map(len, labels)) < 76
    figure.suptitle(f"{run.title}: error of {plural(run.n, 'model')} trained on one another", x=0.015, y=0.985, ha="left",
                    fontsize=10.5, fontweight="bold")
    figure.legend(handles, labels, loc="upper left", bbox_to_anchor=(0.012, 0.93), ncol=4 if one_row else 3,
                  frameon=False, fontsize=8, columnspacing=1.6, handlelength=2.2, borderaxespad=0)
    right = 0.82 if 0 < len(nodes_of(run, "collapsing")) <= FEW_LINES else 0.975
    figure.subplots_adjust(left=0.095, right=right, bottom=0.115, top=0.86 if one_row else 0.83)
    name_lines(figure, axes, run)
    figure.savefig(path)
    plt.close(figure)


# -------------------------------------------------------------------------------------------------------- measures


def draw_measure(axes, run, name, units, mean, error):
    """Means of the classes, with two standard errors on either side; what is infinite leaves a gap, and is said."""
    for code, verdict in enumerate(VERDICTS):
        if not len(nodes_of(run, verdict)):
            continue
        middle = np.where(np.isfinite(mean[:, code]), mean[:, code], np.nan)
        axes.plot(run.generation, middle, color=LINE[verdict], lw=1.6, marker="o" if len(run.generation) < 3 else None)
        axes.fill_between(run.generation, middle - 2 * error[:, code], middle + 2 * error[:, code], color=LINE[verdict],
                          alpha=0.2, lw=0)
    present = mean[:, [len(nodes_of(run, v)) > 0 for v in VERDICTS]]
    finite = present[np.isfinite(present)]
    if finite.min() > 0 and finite.max() > 10 * finite.min():
        axes.set_yscale("log")
    if np.isinf(present).any():
        axes.text(0.98, 0.95, "infinite where there is no line", transform=axes.transAxes, ha="right", va="top", fontsize=7.5, color="#555555")
    axes.set_title(name if units == "1" else f"{name} ({units})", fontsize=9, loc="left")
    axes.set_xlabel("generation")
    axes.margins(x=0.01)
    axes.grid(axis="y", color="#e6e6e6", lw=0.6)
    axes.set_axisbelow(True)


def draw_measures(run, path):
    columns = min(3, len(run.measures))
    rows = -(-len(run.measures) // columns)
    figure, axes = plt.subplots(rows, columns, figsize=(2.9 * columns + 0.6, 2.2 * rows + 0.7), dpi=200, squeeze=False,
                                layout="constrained")
    for at, measure in zip(axes.flat, run.measures):
        draw_measure(at, run, *measure)
    for at in axes.flat[len(run.measures):]:
        at.set_axis_off()
    present = [v for v in VERDICTS if len(nodes_of(run, v))]
    lines = [Line2D([], [], color=LINE[v], lw=1.6, label=f"{v}, {plural(len(nodes_of(run, v)), 'model')}") for v in present]
    figure.suptitle(f"{run.title}: means with two standard errors", x=0.01, ha="left", fontsize=10.5, fontweight="bold")
    foot = 0.3 / figure.get_figheight()
    figure.legend(handles=lines, loc="lower left", ncol=3, frameon=False, fontsize=8)
    figure.get_layout_engine().set(rect=(0, foot, 1, 1 - foot))
    figure.savefig(path)
    plt.close(figure)


# ----------------------------------------------------------------------------------------------------------- graph

# All lengths are points, 1/72 inch, so that a name takes the room its letters need.
FONT = 7.0
HIGH = 14.0  # of a box
PITCH = 25.0  # between the middles of boxes above each other: leaves room for a self-loop
GAP = 34.0  # between columns, for the arrows
MARGIN = 16.0  # between components
LARGEST_CYCLE = 4  # nodes that train each other and share a column
TALLEST_COLUMN = 40


def width_of(name):
    wide, _, _ = text_to_path.get_text_width_height_descent(name or " ", FontProperties(size=FONT), False)
    return wide + 13


class Picture:
    """A graph with a place for every node: box middle (x, y) and width."""

    def __init__(self, run):
        self.run = run
        self.graph = nx.DiGraph()
        self.graph.add_nodes_from(range(run.n))
        self.graph.add_edges_from((int(s), int(t)) for s, t in zip(run.source, run.target) if 0 <= s < run.n and 0 <= t < run.n)
        self.width = {v: width_of(run.names[v]) for v in self.graph}
        self.place, self.bends = {}, {}  # bends: feed -> (from x, to x, y) of the columns it passes through
        self.free = set()  # nodes not in columns, whose feeds go straight
        self.unstable = self.unstable_sources()
        components = [self.arrange(sorted(c)) for c in nx.weakly_connected_components(self.graph)]
        self.size = self.pack(components)

    def unstable_sources(self):
        """Nodes of cyclic source components without real data."""
        component = self.run.component
        if component is not None and len(component) == self.run.n and component.dtype.kind in "iu":
            return set(np.flatnonzero(component >= 0).tolist())
        return set()

    def arrange(self, nodes):
        """Place the nodes of one component; returns (width, height, nodes)."""
        part = self.graph.subgraph(nodes)
        largest = max(nx.strongly_connected_components(part), key=len)
        flat = len(largest) <= LARGEST_CYCLE and max(map(len, self.layers(part))) <= TALLEST_COLUMN
        place = self.in_layers(part) if flat else self.around(part, largest)
        return (*self.shift(place, nodes), nodes)

    def shift(self, place, nodes):
        """Move a component so that its boxes begin at (0, 0); returns its size."""
        self.place.update(place)
        heights = [place[v][1] for v in nodes] + [y for v in nodes for t in self.graph.successors(v)
                                                  for _, _, y in self.bends.get((v, t), [])]
        left, low = min(place[v][0] - self.width[v] / 2 for v in nodes), min(heights) - HIGH / 2
        for v in nodes:
            self.move(v, (-left, -low))
        return max(self.place[v][0] + self.width[v] / 2 for v in nodes), max(heights) - low + PITCH - HIGH / 2

    def around(self, part, cycle):
        """Components with long cycles or wide fans: on a circle if the cycle is most of them, else by springs."""
        nodes = sorted(part)
        n, widest = len(nodes), max(self.width[v] for v in nodes)
        circle = len(cycle) >= 0.8 * n and n <= 60
        unit = nx.circular_layout(nodes) if circle else nx.kamada_kawai_layout(part.to_undirected())
        across = (widest + 16) * (n / 6 if circle else 1.1 * np.sqrt(n))
        place = {v: (across * unit[v][0], 0.75 * max(across, n * PITCH / 6 if circle else 0) * unit[v][1]) for v in nodes}
        self.free.update(nodes)
        return self.without_overlaps(place)

    def without_overlaps(self, place):
        """Push boxes apart, up and down, until none touch."""
        nodes = list(place)
        at = np.array([place[v] for v in nodes], dtype=float)
        wide, rank = np.array([self.width[v] for v in nodes]), np.arange(len(nodes))
        for _ in range(400):
            apart = at[:, None] - at[None]
            lack = PITCH - np.abs(apart[..., 1])
            close = ((wide[:, None] + wide[None]) / 2 + 10 > np.abs(apart[..., 0])) & (lack > 1e-6)
            np.fill_diagonal(close, False)
            if not close.any():
                break
            way = np.where(apart[..., 1] == 0, np.sign(rank[:, None] - rank[None]), np.sign(apart[..., 1]))
            at[:, 1] += (np.where(close, lack, 0) * way).sum(1) / 4
        return {v: tuple(p) for v, p in zip(nodes, at)}

    def layers(self, part):
        """Column of each node: the longest way from a source; the nodes of a cycle share one."""
        whole = nx.condensation(part)
        depth = {}
        for c in nx.topological_sort(whole):
            depth[c] = max((depth[b] + 1 for b in whole.predecessors(c)), default=0)
        for c in reversed(list(nx.topological_sort(whole))):  # sources move right, next to what they feed
            if whole.out_degree(c) and not whole.in_degree(c):
                depth[c] = min(depth[b] for b in whole.successors(c)) - 1
        columns = [[] for _ in range(max(depth.values()) + 1)]
        for c in whole:
            columns[depth[c]] += sorted(whole.nodes[c]["members"])
        return [c for c in columns if c]

    def in_layers(self, part):
        """Columns from left to right; a feed that skips a column gets an empty place there to pass through."""
        columns = self.layers(part)
        near = {v: [] for v in part}
        at = {v: c for c, column in enumerate(columns) for v in column}
        for s, t in part.edges:
            way = [s] + [(s, t, c) for c in range(at[s] + 1, at[t])] + [t]
            for c, empty in enumerate(way[1:-1], at[s] + 1):
                columns[c].append(empty)
                near[empty] = []
            for u, v in zip(way, way[1:]):
                if at[s] != at[t]:
                    near[u].append(v)
                    near[v].append(u)
        y = {v: -PITCH * i for column in columns for i, v in enumerate(column)}
        for sweep in range(24):
            for column in columns if sweep % 2 == 0 else columns[::-1]:
                self.settle(near, column, y)
        return self.put_columns(columns, y)

    def put_columns(self, columns, y):
        place, x = {}, 0.0
        for column in columns:
            widest = max(self.width.get(v, 0) for v in column)
            for v in column:
                if v in self.width:
                    place[v] = (x + self.width[v] / 2, y[v])
                else:
                    self.bends.setdefault(v[:2], []).append((x, x + widest, y[v]))
            x += widest + GAP
        return place

    def settle(self, near, column, y):
        """Move what is in a column to the middle of its neighbours, a pitch apart at least."""
        wish = {v: float(np.mean([y[u] for u in near[v]])) if near[v] else y[v] for v in column}
        column.sort(key=lambda v: (-wish[v], str(v)))
        moved = spread([wish[v] + 1e-6 * (len(column) - i) for i, v in enumerate(column)], PITCH)
        y.update(zip(column, moved))

    def pack(self, parts):
        """Fill a page about 1.4 times as wide as high with the components, the tall ones first."""
        parts.sort(key=lambda p: (-round(p[1]), -round(p[0]), p[2]))
        widest, area = max(p[0] for p in parts), sum((p[0] + MARGIN) * (p[1] + MARGIN) for p in parts)
        best = None
        for width in np.linspace(widest, max(widest, 2.2 * np.sqrt(area)), 40):
            moves, size = fill(parts, width + MARGIN)
            badness = size[0] * size[1] / area + 1.5 * abs(np.log(size[0] / size[1] / 1.4))
            if best is None or badness < best[0]:
                best = (badness, moves, size)
        for (_, _, nodes), move in zip(parts, best[1]):
            for v in nodes:
                self.move(v, move)
        return best[2]

    def move(self, v, by):
        """Move a node and the bends of the feeds that leave it."""
        self.place[v] = (self.place[v][0] + by[0], self.place[v][1] + by[1])
        for t in self.graph.successors(v):
            if (v, t) in self.bends:
                self.bends[v, t] = [(x0 + by[0], x1 + by[0], y + by[1]) for x0, x1, y in self.bends[v, t]]


def fill(parts, width):
    """Each component as high up as it fits on a page of that width, then as far left; returns places and page size."""
    spans, moves = [(0.0, 0.0, width)], []  # used depth of the page: (depth, from, to)
    for wide, high, _ in parts:
        options = []
        for x in sorted({span[1] for span in spans}):
            under = [depth for depth, a, b in spans if a < x + wide and b > x]
            if x + wide <= width + 1e-6:
                options.append((max(under), x))
        depth, x = min(options)
        end, kept = x + wide + 1.5 * MARGIN, []
        for d, a, b in spans:
            kept += [(d, p, q) for p, q in [(a, min(b, x)), (max(a, end), b)] if p < q]
        spans = sorted(kept + [(depth + high + MARGIN, x, min(end, width))], key=lambda s: s[1])
        moves.append((x, depth))
    page = max(m[0] + p[0] for m, p in zip(moves, parts)), max(d for d, _, _ in spans)
    return [(x, page[1] - depth - p[1]) for (x, depth), p in zip(moves, parts)], page


def rim(picture, node, toward):
    """Where the straight line from a box's middle to a point leaves the box."""
    (x, y), w, h = picture.place[node], picture.width[node] / 2 + 1, HIGH / 2 + 1
    dx, dy = toward[0] - x, toward[1] - y
    share = 1 / max(abs(dx) / w, abs(dy) / h, 1e-9)
    return x + share * dx, y + share * dy


def straight(picture, source, target):
    """A line, bent a little where the opposite feed runs beside it."""
    (x0, y0), (x1, y1) = picture.place[source], picture.place[target]
    bend = 0.09 if picture.graph.has_edge(target, source) else 0.0
    middle = ((x0 + x1) / 2 - bend * (y1 - y0), (y0 + y1) / 2 + bend * (x1 - x0))
    return Path([rim(picture, source, middle), middle, rim(picture, target, middle)], [1, 3, 3])


def curve(picture, source, target):
    """Path of an arrow between two boxes, leaving and reaching them level where they are side by side."""
    (x0, y0), (x1, y1) = picture.place[source], picture.place[target]
    w0, w1 = picture.width[source] / 2, picture.width[target] / 2
    if source in picture.free:
        return straight(picture, source, target)
    if abs(x1 - x0) < w0 + w1:  # above each other
        up = 1 if y1 > y0 else -1
        side = 7 * up if picture.graph.has_edge(target, source) else 0
        start, end = (x0 + side, y0 + up * HIGH / 2), (x1 + side, y1 - up * HIGH / 2)
        bend = (end[1] - start[1]) / 3
        return Path([start, (start[0], start[1] + bend), (end[0], end[1] - bend), end], [1, 4, 4, 4])
    right = 1 if x1 > x0 else -1
    start, end = (x0 + right * w0, y0), (x1 - right * w1, y1)
    points, codes = [start], [1]
    for left, far, y in [*picture.bends.get((source, target), []), (*end, None)]:
        here, there = points[-1], (left, y) if y is not None else end
        bend = max(abs(there[0] - here[0]) * 0.5, 12) * right
        points += [(here[0] + bend, here[1]), (there[0] - bend, there[1]), there]
        codes += [4, 4, 4]
        if y is not None:
            points.append((far, y))
            codes.append(2)
    return Path(points, codes)


def loop(picture, node):
    """Path of a self-loop, over the right end of the box."""
    x, y = picture.place[node]
    right, top = x + picture.width[node] / 2, y + HIGH / 2
    return Path([(right - 15, top), (right - 18, top + 11), (right - 1, top + 11), (right - 5, top)], [1, 4, 4, 4])


def draw_feeds(axes, picture):
    for source, target in picture.graph.edges:
        own = source == target
        verdict = picture.run.verdict[source]
        colour = LINE["collapsing"] if verdict == "collapsing" else "#555555"
        axes.add_patch(FancyArrowPatch(path=loop(picture, source) if own else curve(picture, source, target),
                                       arrowstyle="-|>,head_length=3.2,head_width=1.5", mutation_scale=1, lw=0.8, color=colour,
                                       zorder=4 if own else 1, shrinkA=0, shrinkB=0, capstyle="butt", joinstyle="miter"))


def draw_models(axes, picture):
    run = picture.run
    for v, (x, y) in picture.place.items():
        w, verdict, unstable = picture.width[v], run.verdict[v], v in picture.unstable
        axes.add_patch(FancyBboxPatch((x - w / 2, y - HIGH / 2), w, HIGH, boxstyle="round,pad=0,rounding_size=4", zorder=3,
                                      facecolor=FILL[verdict], edgecolor="black" if unstable else LINE[verdict],
                                      lw=2.0 if unstable else 0.8))
        axes.text(x, y - 0.4, run.names[v].replace("$", r"\$"), fontsize=FONT, ha="center", va="center", zorder=5)
        if run.real is not None and len(run.real) == run.n and run.real[v] > 0:
            axes.plot(x - w / 2 + 5, y + HIGH / 2, "o", ms=4.2, mfc="white", mec=LINE[verdict], mew=1.0, zorder=6)


def legend_of(picture):
    run = picture.run
    rows = [(Patch(facecolor=FILL[v], edgecolor=LINE[v]), f"{v} ({len(nodes_of(run, v))})") for v in VERDICTS if len(nodes_of(run, v))]
    if picture.unstable:
        rows.append((Patch(facecolor="white", edgecolor="black", lw=2), "unstable source"))
    if run.real is not None and np.any(run.real > 0):
        rows.append((Line2D([], [], ls="", marker="o", ms=5, mfc="white", mec="#444444"), "trains on real data too"))
    rows.append((Line2D([], [], color="#555555", lw=0.9, marker=">", ms=4), "trains the model it points to"))
    return zip(*rows)


def draw_graph(run, path):
    picture = Picture(run)
    width, height = max(picture.size[0], 430) + 12, picture.size[1] + 12
    head = 46
    figure = plt.figure(figsize=(width / 72, (height + head) / 72), dpi=min(200, 72 * 5000 / max(width, height)))
    axes = figure.add_axes((0, 0, 1, height / (height + head)))
    axes.set_xlim(-8, width - 8)
    axes.set_ylim(-8, height - 8)
    axes.axis("off")
    draw_feeds(axes, picture)
    draw_models(axes, picture)
    left = 8 / width
    figure.text(left, 1 - 8 / (height + head), f"{run.title}: {plural(run.n, 'model')}, {plural(len(run.source), 'feed')}",
                fontsize=10.5, fontweight="bold", va="top")
    handles, labels = legend_of(picture)
    figure.legend(handles, labels, loc="upper left", bbox_to_anchor=(left, 1 - 24 / (height + head)), ncol=6, frameon=False,
                  fontsize=7.5, columnspacing=1.3, handlelength=1.6, handletextpad=0.5, borderaxespad=0)
    figure.savefig(path)
    plt.close(figure)


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", metavar="RUN.h5")
    parser.add_argument("-o", metavar="PREFIX", dest="prefix")
    options = parser.parse_args(arguments)
    prefix = options.prefix or options.run.removesuffix(".h5")
    try:
        run = Run(options.run)
        draw_trajectories(run, prefix + "-trajectories.png")
        print("drawn", prefix + "-trajectories.png")
        infinite = [name for name, _, mean, _ in run.measures if not np.isfinite(mean).any()]
        run.measures = [measure for measure in run.measures if measure[0] not in infinite]
        if infinite:
            print("not drawn:", ", ".join(infinite) + "; infinite in all generations")
        if run.measures:
            draw_measures(run, prefix + "-measures.png")
            print("drawn", prefix + "-measures.png")
        if run.n > LARGEST_DRAWING:
            print(f"not drawn: the graph of {run.n:,} models; names are legible up to {LARGEST_DRAWING}")
        elif run.source is None or run.target is None:
            print("not drawn: the graph; the run file does not hold its feeds")
        else:
            draw_graph(run, prefix + "-graph.png")
            print("drawn", prefix + "-graph.png")
    except (Unfit, OSError) as error:
        print(f"plot.py: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
