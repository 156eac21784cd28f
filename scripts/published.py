#!/usr/bin/python3
"""Run the published results of jobs/published and say which of them come out.

published.py [--scale K] [--seed N] [--only R1,R5] [-o DIR]

Each result is an experiment file, jobs/published/rNN.yaml, and a function of jobs/published/expected.py that says from
what the file says (after all overrides, as `ouro` stores it) what must come out and from where that is known. A quantity
is an equality, reproduced where |z| < 4, or a bound, which holds unless the simulation is beyond it by 4 standard errors.
A result is reproduced if all its quantities are; its line shows the worst of them. Standard errors are over replicates.
Writes DIR/published.tsv, the table; DIR/quantities.tsv, all quantities; and a picture a result, DIR/rNN.png.
Exit status 0 if all results are reproduced, 1 if not.
"""
import argparse
import concurrent.futures
import dataclasses
import math
import os
import pathlib
import re
import subprocess
import sys
import textwrap

import h5py
import matplotlib
import numpy as np

matplotlib.use("Agg")
import matplotlib.pyplot as plt  # noqa: E402

ROOT = pathlib.Path(__file__).resolve().parent.parent
LIMIT = 4  # standard errors
FALSE_ALARM = math.erfc(LIMIT / math.sqrt(2))  # of one equality
APART = 1_000_000  # seeds of the runs of a result, so that they share no random numbers
SIZES = ("graph.samples", "real.samples", "learning.initial")
COLUMNS = ["result", "kind", "replicates", "expected", "simulated", "standard error", "z", "quantity", "of", "source",
           "verdict"]

plt.rcParams.update({"font.family": "DejaVu Sans", "font.size": 9, "axes.spines.top": False, "axes.spines.right": False,
                     "savefig.facecolor": "white"})
MARKS = 20  # about so many circles a curve
COLOURS = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#707070"]


class Unfit(Exception):
    """A result cannot be run; the message says why."""


# ------------------------------------------------------------------------------------------------------ experiments


def settings(text):
    """"section.key" -> value of a stored configuration: numbers as numbers, other values as text."""
    found, path = {}, []
    for line in text.splitlines():
        match = re.match(r"( *)(\w+):(?: (.*))?$", line)
        if match is None:
            continue
        path[len(match[1]) // 2:] = [match[2]]
        if match[3] is not None:
            found[".".join(path)] = number(match[3].strip("\"'"))
    return found


def number(text):
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            pass
    return text


class Run:
    """What a finished run stored. run["model.noise"] is what its configuration says."""

    def __init__(self, path):
        with h5py.File(path, "r") as file:
            self.settings = settings(file["config"].attrs["experiment"].decode())
            self.error = file["trajectory/error"][()]  # [generation][node], mean over replicates
            self.replicates = self["learning.replicates"]
            self.error_se = file["trajectory/error_sd"][()] / math.sqrt(self.replicates)
            self.parameters = file["final/parameters"][()]  # [replicate][node][p]
            self.sizes = file["graph/training_size"][()]
            self.real = file["graph/real"][()]
            self.verdict = file["node/verdict"][()]
            self.feeds = [file[f"graph/{name}"][()] for name in ("source", "target", "samples")]
        self.size = int(self.sizes[0])  # samples of a fit of model 0
        self.fits = self["learning.generations"] + 1

    def __getitem__(self, key):
        return self.settings[key]

    def column(self, name, default):
        """A column of the node file, a value a model; the default where it says nothing."""
        values = np.full(len(self.sizes), float(default))
        path = self.settings.get("real.nodes", "none")
        rows = [] if path in ("none", "all") else table_rows(ROOT / path)
        for row in rows[1:]:
            cells_ = dict(zip(rows[0], row))
            if cells_.get(name, "-") not in ("", "-"):
                values[int(cells_["node"])] = float(cells_[name])
        return values

    def counts(self):
        """(real, synthetic) samples of a fit of model 0."""
        fed = int(self.feeds[2][self.feeds[1] == 0].sum())
        return self.size - fed, fed

    def weights(self):
        """P of theory: [target][source], real data as the rest of a row."""
        p = np.zeros((len(self.sizes), len(self.sizes)))
        np.add.at(p, (self.feeds[1], self.feeds[0]), self.feeds[2])
        return p / np.maximum(self.sizes, 1)[:, None]


def table_rows(path):
    """Fields of a tab-separated file, its header first; comments left out."""
    lines = pathlib.Path(path).read_text().splitlines()
    return [text.split("\t") for text in lines if text.strip() and not text.startswith(("#", "%"))]


def scaled_table(path, columns, scale, place):
    """A copy of a table whose columns of counts are multiplied; 1 in a column `real` means real.samples."""
    header, *rows = table_rows(path)

    def scaled(name, word):
        counts = name in columns and word.isdigit() and not (name == "real" and word == "1")
        return str(round(int(word) * scale)) if counts else word

    copy = place / pathlib.Path(path).name
    copy.write_text("".join("\t".join(row) + "\n" for row in [header] + [[scaled(*c) for c in zip(header, row)]
                                                                          for row in rows]))
    return copy


class Lab:
    """Where one result is run, and what comes of it: quantities and panels of its picture."""

    def __init__(self, name, options):
        self.name, self.options = name, options
        self.experiment = options.jobs / f"{name}.yaml"
        self.place = options.out / name
        self.place.mkdir(parents=True, exist_ok=True)
        self.quantities, self.panels, self.n_runs = [], [], 0
        self.given = self.read()

    def read(self):
        """What the file says, with all defaults: `ouro` knows how to read it."""
        nothing = {"theory.exact": "none", "theory.plateau": "false", "theory.rates": "false"}
        with h5py.File(self.start("given", nothing, "predict"), "r") as file:
            return settings(file["config"].attrs["experiment"].decode())

    def start(self, name, overrides, command="run"):
        out = self.place / f"{name}.h5"
        words = [*self.options.launch.split(), self.options.ouro, command, self.experiment]
        overrides = {**overrides, "output.file": out, "output.parameters": "true"}
        for key, value in overrides.items():
            words += ["--set", f"{key}={value}"]
        done = subprocess.run([str(w) for w in words], cwd=ROOT, text=True, capture_output=True, check=False)
        if done.returncode != 0:
            errors = [line for line in done.stderr.splitlines() if "error:" in line]
            raise Unfit((errors or [f"ouro ends with status {done.returncode}"])[-1].removeprefix("ouro: error: "))
        return out

    def replicates(self):
        return self.options.replicates or self.given["learning.replicates"]

    def run(self, overrides=None, control=None):
        """Run the experiment, sizes scaled, with overrides (their sizes not scaled any more); control: another file of
        feeds beside the experiment. Each run of a result has a seed of its own."""
        scale, given = self.options.scale, self.given
        first = given["learning.seed"] if self.options.seed is None else self.options.seed
        chosen = {key: max(1, round(given[key] * scale)) for key in SIZES if key in given}
        chosen["learning.seed"] = first + APART * self.n_runs
        for key, columns in (("graph.file", ["samples"]), ("real.nodes", ["real", "initial"])):
            path = given.get(key, "none")
            if key == "graph.file" and control and path != "none":
                path = self.options.jobs / control
            if path not in ("none", "all"):
                chosen[key] = scaled_table(ROOT / path, columns, scale, self.place)
        chosen["learning.replicates"] = self.replicates()
        self.n_runs += 1
        return Run(self.start(f"run-{self.n_runs}", {**chosen, **(overrides or {})}))

    # Quantities

    def keep_first(self, n):
        """Of quantities of several runs, keep those of the first."""
        del self.quantities[n:]

    def equality(self, name, expected, simulated, se, replicates):
        z = (simulated - expected) / se if se > 0 else 0.0 if simulated == expected else math.inf
        self.quantities.append(Quantity(name, "equality", replicates, expected, simulated, se, z))

    def bound(self, name, bound, simulated, se, replicates):
        """The simulated value is at most the bound."""
        z = (simulated - bound) / se if se > 0 else -math.inf if simulated <= bound else math.inf
        self.quantities.append(Quantity(name, "bound", replicates, bound, simulated, se, z))

    def mean(self, name, expected, values):
        """Equality of an expectation; a value a replicate."""
        self.equality(name, expected, np.mean(values), np.std(values, ddof=1) / math.sqrt(len(values)), len(values))

    def variance(self, name, expected, values):
        """Equality of a variance; its standard error from the fourth moment."""
        n, centred = len(values), values - np.mean(values)
        variance = np.var(values, ddof=1)
        se = math.sqrt(max(np.mean(centred**4) - variance**2, 0) / n)
        self.equality(name, expected, variance, se, n)

    def follow(self, run, name, expected, scale=1.0, node=0, panel=None, label=None):
        """Errors of a model against expected(g) after g fits: a quantity for the last, all of them in the picture."""
        error, se = scale * run.error[:, node], scale * run.error_se[:, node]
        self.equality(f"{name}, fit {run.fits}", expected(run.fits), error[-1], se[-1], run.replicates)
        g = np.arange(1, run.fits + 1)
        self.draw(panel or name, "fits", label or "", g, [expected(k) for k in g], error, se)

    # Pictures

    def draw(self, panel, xlabel, label, x, expected, simulated, se, **how):
        """Add a curve to a panel: points with standard errors, and the expectation as a line, which how["curve"] may
        give in more places, x and y."""
        self.panels.append(Series(panel, xlabel, label, *(np.asarray(a, float) for a in (x, expected, simulated, se)),
                                  how))


@dataclasses.dataclass
class Quantity:
    name: str
    kind: str
    replicates: int
    expected: float
    simulated: float
    se: float
    z: float

    @property
    def badness(self):
        value = abs(self.z) if self.kind == "equality" else self.z
        return math.inf if math.isnan(value) else value

    @property
    def holds(self):
        return self.badness < LIMIT


@dataclasses.dataclass
class Series:
    panel: str
    xlabel: str
    label: str
    x: np.ndarray
    expected: np.ndarray
    simulated: np.ndarray
    se: np.ndarray
    how: dict


# ---------------------------------------------------------------------------------------------------------- pictures


def draw_panel(axes, panel, series):
    for s, colour in zip(series, COLOURS * len(series)):
        line_ = s.how.get("curve", (s.x, s.expected))
        few = slice(None, None, max(1, len(s.x) // MARKS))
        axes.plot(*line_, color=colour, lw=1.2, ls="--" if s.how.get("bound") else "-", zorder=2)
        if np.isnan(s.simulated).all():
            continue
        axes.errorbar(s.x[few], s.simulated[few], 2 * s.se[few], color=colour, ls="none", marker="o", ms=3.5,
                      mfc="white", lw=1, zorder=3, label=s.label or None)
    scales = {key: series[0].how[key] for key in ("xscale", "yscale") if key in series[0].how}
    axes.set(xlabel=series[0].xlabel, title=panel, **scales)
    axes.title.set_fontsize(9)
    handles, labels = axes.get_legend_handles_labels()
    for bound, style, word in ((False, "-", "expected"), (True, "--", "bound")):
        if any(s.how.get("bound", False) == bound for s in series):
            handles.append(plt.Line2D([], [], color="#404040", ls=style, lw=1.2))
            labels.append(word)
    axes.legend(handles, labels, frameon=False, fontsize=8)
    if series[0].xlabel in ("fits", "symbol"):
        axes.xaxis.set_major_locator(matplotlib.ticker.MaxNLocator(integer=True))


def draw(lab, result, path):
    """One picture: a panel for each of the quantities' kinds, circles simulated with two standard errors."""
    names = list(dict.fromkeys(s.panel for s in lab.panels))
    if not names:
        return
    figure, axes = plt.subplots(1, len(names), figsize=(4.2 * len(names), 3.4), squeeze=False, layout="constrained")
    for one, name in zip(axes[0], names):
        draw_panel(one, name, [s for s in lab.panels if s.panel == name])
    title = textwrap.fill(f"R{result.number}  {result.title}", 54 * len(names))
    figure.suptitle(title, fontsize=9, fontweight="bold", x=0.01, ha="left")
    figure.savefig(path, dpi=130)
    plt.close(figure)


# ------------------------------------------------------------------------------------------------------------- table


@dataclasses.dataclass
class Outcome:
    number: int
    source: str
    quantities: list
    reason: str = ""

    @property
    def reproduced(self):
        return not self.reason and bool(self.quantities) and all(q.holds for q in self.quantities)

    def row(self):
        """Cells of the table: the worst of the quantities."""
        verdict = "reproduced" if self.reproduced else "NOT reproduced"
        if not self.quantities:
            return [f"R{self.number}", *["-"] * 6, self.reason or "no quantity", "0", self.source, verdict]
        worst = max(self.quantities, key=lambda q: q.badness)
        return [f"R{self.number}", *cells(worst), str(len(self.quantities)), self.source, verdict]


def cells(q):
    return [q.kind, str(q.replicates), f"{q.expected:.6g}", f"{q.simulated:.6g}", f"{q.se:.2g}", f"{q.z:.2f}", q.name]


def known(options):
    sys.path.insert(0, str(options.jobs))
    import expected  # pylint: disable=import-outside-toplevel
    return expected.RESULTS


def work(result, options):
    """Run one result: in a process of its own."""
    name = f"r{result.number:02d}"
    outcome = Outcome(result.number, result.source, [])
    if not (options.jobs / f"{name}.yaml").exists():
        outcome.reason = f"not run: there is no {options.jobs.name}/{name}.yaml"
        return outcome
    try:
        lab = Lab(name, options)
        result.run(lab)
        outcome.quantities = lab.quantities
        draw(lab, result, options.out / f"{name}.png")
    except (Unfit, KeyError, OSError, ArithmeticError, ValueError) as error:
        outcome.quantities = []
        outcome.reason = str(error) if isinstance(error, Unfit) else f"{type(error).__name__}: {error}"
    return outcome


def line(row):
    number_, kind, replicates, expected, simulated, se, z, name, of, _, verdict = row
    name = name if of in ("0", "1") else f"{name} (worst of {of})"
    return f"{number_:<4} {kind:<8} {replicates:>10} {expected:>10} {simulated:>10} {se:>8} {z:>7}  {name:<42} {verdict}"


def write_tables(options, outcomes):
    with open(options.out / "published.tsv", "w", encoding="utf-8") as file:
        file.writelines("\t".join(row) + "\n" for row in [COLUMNS, *(o.row() for o in outcomes)])
    with open(options.out / "quantities.tsv", "w", encoding="utf-8") as file:
        file.write("\t".join(COLUMNS[:8] + ["verdict"]) + "\n")
        for outcome in outcomes:
            for q in outcome.quantities:
                verdict = "reproduced" if q.holds else "NOT reproduced"
                file.write("\t".join([f"R{outcome.number}", *cells(q), verdict]) + "\n")


def summary(options, outcomes):
    quantities = sum(len(o.quantities) for o in outcomes)
    alarm = 1 - (1 - FALSE_ALARM)**quantities
    good = sum(o.reproduced for o in outcomes)
    print(f"{good} of {len(outcomes)} reproduced: an equality where |z| < {LIMIT}, a bound where z < {LIMIT}; of "
          f"{quantities} quantities that hold one fails by chance in {100 * alarm:.2g} % of all seeds")
    where = os.path.relpath(options.out)
    print(f"results: {where}/published.tsv, {where}/quantities.tsv, and a picture each, {where}/r*.png")


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--ouro", default=ROOT / "build/release/ouro", type=pathlib.Path, help="the program")
    parser.add_argument("--launch", default="", help="what starts it, e.g. 'mpirun -np 4' (default: one rank)")
    parser.add_argument("--scale", default=1.0, type=float, help="multiplies all sample sizes")
    parser.add_argument("--seed", type=int, help="in place of learning.seed of the files")
    parser.add_argument("--replicates", type=int, help="in place of learning.replicates of the files")
    parser.add_argument("--only", default="", help="some of the results, e.g. R1,R5")
    parser.add_argument("--jobs", default=ROOT / "jobs/published", type=pathlib.Path, help="experiments, expected.py")
    parser.add_argument("--workers", default=os.cpu_count(), type=int, help="results at a time")
    parser.add_argument("-o", "--out", default=ROOT / "build/published", type=pathlib.Path)
    options = parser.parse_args(arguments)
    for name in ("jobs", "out", "ouro"):
        setattr(options, name, getattr(options, name).resolve())
    results = known(options)
    wanted = [w.strip().upper() for w in options.only.split(",") if w.strip()]
    unknown = set(wanted) - {f"R{r.number}" for r in results}
    if unknown or not options.scale > 0:
        parser.error(f"no result {', '.join(sorted(unknown))}" if unknown else "--scale must be above 0")
    results = [r for r in results if not wanted or f"R{r.number}" in wanted]
    print(line(["", *COLUMNS[1:5], "s.e.", *COLUMNS[6:8], "0", "", ""]).rstrip())
    with concurrent.futures.ProcessPoolExecutor(options.workers) as pool:
        outcomes = []
        for outcome in pool.map(work, results, [options] * len(results)):
            print(line(outcome.row()), flush=True)
            outcomes.append(outcome)
    write_tables(options, outcomes)
    summary(options, outcomes)
    return 0 if all(o.reproduced for o in outcomes) else 1


if __name__ == "__main__":
    sys.dont_write_bytecode = True
    sys.exit(main())
