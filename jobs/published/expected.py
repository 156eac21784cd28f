"""What R1 to R18 of THEORY.md section 12 must come out as, from what each experiment file says.

A function a result. It runs its experiment, rNN.yaml beside this file, with overrides where a result compares several,
and hands scripts/published.py the quantities: an expectation in closed form, computed here alone from the configuration
of the run, and the simulated mean with its standard error. g counts fits: g = 1 is the fit to real data, generation 0.
All formulas allow that fit another number of samples, n0 (learning.initial), than the n of later ones.
"""
import dataclasses
import math
import typing

import numpy as np
from scipy.special import polygamma, psi, zeta


@dataclasses.dataclass
class Result:
    number: int
    title: str
    source: str
    run: typing.Callable


RESULTS = []


def result(number, title, source):
    def add(function):
        RESULTS.append(Result(number, title, source, function))
        return function
    return add


def initial(run):
    return run["learning.initial"]


def inverse_squares(run, g):
    """The variance of g fits where all samples are kept, in units of one sample's: sum n_t / N_t^2, N_t those kept at
    fit t. S2(g) / n where n0 = n."""
    n0, n = initial(run), run.size
    return sum((n0 if t == 1 else n) / (n0 + (t - 1) * n)**2 for t in range(1, g + 1))


def fits_alone(run, g):
    """The variance of g fits, each to what the one before wrote, in units of one sample's."""
    return 1 / initial(run) + (g - 1) / run.size


def variances(run, node=0):
    """Fitted variance of a Gaussian, a value a replicate: the trace of L L'."""
    d = run["model.dimension"]
    return np.sum(run.parameters[:, node, d:]**2, axis=1)


def generations_up_to(last):
    """Numbers of generations: that of the file, whose run is tested, then fewer, for the picture."""
    return sorted({max(1, last // 4), max(1, last // 2), last}, reverse=True)


# ------------------------------------------------------------------------------------------------------- regressions


@result(1, "regression on its own output: risk g σ² p/(n-p-1)",
        "Gerstgrasser et al. 2404.01413; Dohmatob et al. 2402.07712")
def r1(lab):
    run = lab.run()
    p, n0, n, variance = run["model.dimension"], initial(run), run.size, run["model.noise"]**2
    lab.follow(run, "risk", lambda g: variance * p * (1 / (n0 - p - 1) + (g - 1) / (n - p - 1)), scale=p)


@result(2, "regression on all data ever: risk at most (π²/6) σ² p/(n-p-1)", "Gerstgrasser et al. 2404.01413")
def r2(lab):
    """The pooled fit moves by A_t^-1 X_t' e_t, A_t the Gram matrix of all N_t rows so far, and by exchangeability
    E tr(A_t^-1 S_t A_t^-1) = (n_t / N_t) p / (N_t - p - 1), S_t that of the n_t new ones: exact. Where every generation
    has the same design, as where each coordinate is measured n times (normal-mean), the factor is S2(g)."""
    run = lab.run()
    p, n0, n, variance = run["model.dimension"], initial(run), run.size, run["model.noise"]**2
    kept = [n0 + t * n for t in range(run.fits)]

    def risk(g):
        return variance * p * sum((n if t else n0) / kept[t] / (kept[t] - p - 1) for t in range(g))

    bound = math.pi**2 / 6 * variance * p / (min(n0, n) - p - 1)
    lab.follow(run, "risk, fresh designs", risk, scale=p, panel="risk, all data kept", label="fresh designs")
    lab.bound("bound of the risk, fresh designs", bound, p * run.error[-1, 0], p * run.error_se[-1, 0], run.replicates)
    lab.draw("risk, all data kept", "fits", "", [1, run.fits], [bound, bound], [math.nan] * 2, [0, 0], bound=True)
    same = lab.run({"model.family": "normal-mean"})
    lab.follow(same, "risk, same design", lambda g: variance * p * inverse_squares(same, g), scale=p,
               panel="risk, all data kept", label="same design")


@result(3, "k fake generations of n0 samples with noise s0, then a fit with noise s: k s0² p/(n0-p-1) + s² p/(n-p-1)",
        "Dohmatob et al. 2402.07712")
def r3(lab):
    """A chain of k + 1 models: the first k fitted to n0 samples with noise s0 = model.noise, the last to n samples with
    the noise s of its source, in the node file. A fit sees as many links back as there were generations."""
    run = lab.run()
    p, own = run["model.dimension"], run.column("noise", run["model.noise"])
    source, samples = ({int(i): int(v) for i, v in zip(run.feeds[1], run.feeds[k])} for k in (0, 2))
    chain = [next(i for i in source if i not in source.values())]
    while chain[-1] in source:
        chain.append(source[chain[-1]])
    start = run["model.noise"]**2 * p / (initial(run) - p - 1)
    step = {i: own[source[i]]**2 * p / (samples[i] - p - 1) for i in source}
    expected = [start + sum(step[i] for i in chain[place:-1][:run.fits - 1]) for place in range(len(chain))]
    found, se = p * run.error[-1, chain], p * run.error_se[-1, chain]
    lab.equality(f"risk after {len(chain) - 1} feeds", expected[0], found[0], se[0], run.replicates)
    lab.draw("risk along the chain", "feeds from the first model", "", np.arange(len(chain))[::-1], expected, found, se)


# --------------------------------------------------------------------------------------------------------- Gaussians


@result(4, "Gaussian by maximum likelihood: E v = s² (1-1/n)^g", "THEORY.md section 5")
def r4(lab):
    run = lab.run()
    n0, n, total = initial(run), run.size, run["model.dimension"] * run["model.noise"]**2

    def left(g):
        return (1 - 1 / n0) * (1 - 1 / n)**(g - 1)

    lab.follow(run, "E (μ-μ*)²", lambda g: total * (1 - left(g)))
    lab.mean(f"E v, fit {run.fits}", total * left(run.fits), variances(run))


@result(5, "unbiased Gaussian: ln v falls by ψ((n-1)/2) + ln(2/(n-1)) a fit", "chi-square law of fitted variances")
def r5(lab):
    """ln det of the covariance in d dimensions: a sum over k < d of the logarithms of chi-squares of n - 1 - k
    degrees of freedom over n - 1."""
    d = lab.given["model.dimension"]
    points = []
    for generations in generations_up_to(lab.given["learning.generations"]):
        run = lab.run({"learning.generations": generations})
        sizes = [initial(run)] + generations * [run.size]
        mean = d * math.log(run["model.noise"]**2) + sum(
            psi((n - 1 - k) / 2) + math.log(2 / (n - 1)) for n in sizes for k in range(d))
        variance = sum(polygamma(1, (n - 1 - k) / 2) for n in sizes for k in range(d))
        rows = [d + i * (i + 3) // 2 for i in range(d)]  # the diagonal of the packed factor
        values = 2 * np.sum(np.log(run.parameters[:, 0, rows]), axis=1)
        lab.mean(f"E ln v, fit {run.fits}", mean, values)
        lab.variance(f"Var ln v, fit {run.fits}", float(variance), values)
        points.append((run.fits, mean, float(variance), lab.quantities[-2], lab.quantities[-1]))
    lab.keep_first(2)
    g, mean, variance, of_mean, of_variance = zip(*points)
    for panel, expected, found in (("E ln v", mean, of_mean), ("Var ln v", variance, of_variance)):
        lab.draw(panel, "fits", "", g, expected, [q.simulated for q in found], [q.se for q in found])


@result(6, "Gaussian by maximum likelihood on all data ever: E v = s² ∏ (1-1/(n i²))",
        "derived; regime of Kazdan et al. 2410.16713")
def r6(lab):
    run = lab.run()
    n0, n, total = initial(run), run.size, run["model.dimension"] * run["model.noise"]**2

    def left(g):
        return (1 - 1 / n0) * math.prod(1 - n / (n0 + t * n)**2 for t in range(1, g))

    lab.follow(run, "E (μ-μ*)²", lambda g: total * (1 - left(g)))
    lab.mean(f"E v, fit {run.fits}", total * left(run.fits), variances(run))


@result(7, "unbiased Gaussian: Pr(sd > ε) <= (s/ε) exp(-k/(4n-1))", "Suresh et al. 2412.17646")
def r7(lab):
    """Of the first coordinate. Where the bound is 9/10, 1/2, 1/4, 1/8."""
    levels, panels = np.array([0.9, 0.5, 0.25, 0.125]), {}
    for generations in generations_up_to(lab.given["learning.generations"]):
        run = lab.run({"learning.generations": generations})
        s, d, r = run["model.noise"], run["model.dimension"], run.replicates
        shrunk = math.exp(-1 / (4 * initial(run) - 1) - generations / (4 * run.size - 1))
        found = [np.mean(run.parameters[:, 0, d] > s * shrunk / level) for level in levels]
        se = [math.sqrt(max(f * (1 - f), 1 / r) / r) for f in found]
        for level, f, e in zip(levels, found, se):
            lab.bound(f"Pr(sd > {s * shrunk / level:.3g}), fit {run.fits}", level, f, e, r)
        panels[run.fits] = (s * shrunk / levels, found, se)
    lab.keep_first(len(levels))
    for fits, (epsilon, found, se) in panels.items():
        at = np.linspace(0.05, 0.95, 91)
        lab.draw("Pr(sd > ε)", "ε", f"{fits} fits", epsilon, levels, found, se, bound=True, xscale="log", yscale="log",
                 curve=(epsilon[0] * levels[0] / at, at))


# -------------------------------------------------------------------------------------------- counts and categories


@result(8, "Poisson mean: Pr(λ ≠ 0) = 1 - exp(-n λ0 g_k)", "Suresh et al. 2412.17646")
def r8(lab):
    """g_1 = 1, g_{k+1} = 1 - exp(-g_k); a first fit to n0 samples adds its own step."""
    points = []
    for generations in generations_up_to(lab.given["learning.generations"]):
        run = lab.run({"learning.generations": generations})
        n0, n, mean = initial(run), run.size, run["model.mean"]
        g = math.inf
        for t in range(generations):
            g = 1 - math.exp(-g) if t else 1.0
        alive = 1 - math.exp(-n0 * mean * (1 - math.exp(-n / n0 * g)))
        points.append((run.fits, alive, np.mean(run.parameters[:, 0, 0] > 0),
                       math.sqrt(alive * (1 - alive) / run.replicates)))
        lab.equality(f"Pr(λ ≠ 0), fit {run.fits}", *points[-1][1:], run.replicates)
    lab.keep_first(1)
    lab.draw("Pr(λ ≠ 0)", "fits", "", *zip(*points))


@result(9, "token distribution: E[1-|p|²] = (1-1/n)^k (1-|p0|²); symbol i takes over with p0_i",
        "Seddik et al. 2404.05090; Wright-Fisher")
def r9(lab):
    """Takeovers in a run so long that by the first formula a replicate with two symbols left is rarer than e^-20."""
    run = lab.run()
    n0, n, truth = initial(run), run.size, probabilities(run)
    spread = 1 - np.sum(truth**2)

    def left(g):
        return (1 - 1 / n0) * (1 - 1 / n)**(g - 1)

    fits = np.arange(1, run.fits + 1)  # E p = p0, so that E[1-|p|²] = 1 - |p0|² - E |p-p0|²
    lab.mean(f"E[1-|p|²], fit {run.fits}", spread * left(run.fits), 1 - np.sum(run.parameters[:, 0]**2, axis=1))
    lab.draw("E[1-|p|²]", "fits", "", fits, [spread * left(g) for g in fits], spread - run.error[:, 0],
             run.error_se[:, 0])
    small = max(2, round(n / 10))
    last = lab.run({"graph.samples": small, "learning.initial": small, "learning.generations": 20 * small})
    found = np.mean(last.parameters[:, 0] == 1, axis=0)
    se = np.sqrt(truth * (1 - truth) / last.replicates)
    for i, share in enumerate(found):
        lab.equality(f"Pr(symbol {i + 1} takes over)", truth[i], share, se[i], last.replicates)
    lab.draw("Pr(symbol takes over)", "symbol", "", np.arange(1, len(truth) + 1), truth, found, se)


def probabilities(run):
    kind, k = run["model.probabilities"], run.parameters.shape[2]
    if kind == "uniform":
        return np.full(k, 1 / k)
    if kind == "zipf":
        p = np.arange(1, k + 1)**-float(run["model.exponent"])
    else:
        p = np.loadtxt(kind)
    return p / p.sum()


# --------------------------------------------------------------------------------------------------------- real data


@result(10, "real samples of weight w: V = (s²/n)[w²+k(1-w)²]/[w(2-w)], least at w* = (sqrt(k²+4k)-k)/2",
        "He, Xu, Cheng 2502.18049")
def r10(lab):
    n, m = lab.run({"learning.generations": 0, "learning.replicates": 1}).counts()
    k = n / m
    best = (math.sqrt(k * k + 4 * k) - k) / 2
    points = []
    for w in sorted({best / 3, best, (1 + best) / 2, lab.given["real.weight"]}):
        if not 0 < w < 1:
            continue
        run = lab.run({"real.weight": f"{w:.12g}"})
        points.append((w, weighted(run, n, k, w), run.error[-1, 0], run.error_se[-1, 0]))
        lab.equality(f"V at w = {w:.4f}{' = w*' if w == best else ''}, fit {run.fits}", *points[-1][1:], run.replicates)
    at = np.linspace(min(0.1, best / 4), 0.97, 100)
    lab.draw("V", "weight of real data", "", *zip(*points), curve=(at, [weighted(run, n, k, w) for w in at]))


def weighted(run, n, k, w):
    """V after the fits of a run: the limit, and what is left of the start by (1-w)² a generation."""
    variance = run["model.noise"]**2
    limit = variance / n * (w * w + k * (1 - w)**2) / (w * (2 - w))
    if math.isclose(k, w * w / (1 - w), rel_tol=1e-9) and not math.isclose(limit, w * variance / n, rel_tol=1e-9):
        raise ArithmeticError("V* is not w* s²/n")
    return limit + (1 - w)**(2 * run.fits - 2) * (variance / initial(run) - limit)


@result(11, "n real samples among n/q: V = (s²/n)/(2-q) if fresh, (s²/n)[1+(1-q)/(2-q)] if fixed", "derived")
def r11(lab):
    for kind in ("fresh", "fixed"):
        points = []
        for factor in (1, 3, 9):
            run = lab.run({"real.kind": kind, "graph.samples": factor * round(lab.given["graph.samples"]
                                                                             * lab.options.scale)})
            n, _ = run.counts()
            q, variance = n / run.size, run["model.noise"]**2
            limit = variance / n * (1 / (2 - q) if kind == "fresh" else 1 + (1 - q) / (2 - q))
            expected = settled(run, q, n, kind == "fixed", limit)
            points.append((q, expected, run.error[-1, 0], run.error_se[-1, 0]))
            lab.equality(f"V, q = {q:.3g}, {kind}", *points[-1][1:], run.replicates)
        at = np.linspace(0.05, 1, 100)
        limits = run["model.noise"]**2 / n * (1 / (2 - at) if kind == "fresh" else 1 + (1 - at) / (2 - at))
        lab.draw("V", "q, share of real data", kind, *zip(*points), curve=(at, limits))


def settled(run, q, n, fixed, limit):
    """V after the fits of a run: the limit and what is left of the way there. With K = Cov(error, that of the real
    set), V' = (1-q)² V + (s²/n) q (1-q) + q² s²/n + 2 q (1-q) K, K' = (1-q) K + q s²/n."""
    variance = run["model.noise"]**2
    v, k = variance / initial(run), 0.0
    for _ in range(run.fits - 1):
        v = (1 - q)**2 * v + variance / n * q + (2 * q * (1 - q) * k if fixed else 0)
        k = (1 - q) * k + q * variance / n
    far = abs(v - limit) / limit
    if run.fits > 1000 and far > 1e-9:
        raise ArithmeticError(f"the recursion ends at {v}, not at {limit}")
    return v


# -------------------------------------------------------------------------------------------------------- estimators


@result(12, "training on n random ones of all data kept: variance ratio S2(g) + (1-1/g) + ... -> π²/2 - 2",
        "Dey, Donoho 2410.22812 (limit derived)")
def r12(lab):
    """Exact for a mean: n of N kept samples have a mean that scatters around that of all by (1 - n/N) S²/n, S² the
    variance of those kept. For large n the ratio is the published sum, which it must be near."""
    run = lab.run()
    n0, n, variance = initial(run), run.size, run["model.noise"]**2
    kept, pool, second, of_fit = n0, variance / n0, variance, [variance / n0]  # pool: of the mean of all kept
    about = 0.0  # (1 - n/N) S²/n
    for _ in range(run.fits - 1):
        now = kept + n
        second = (kept * second + n * (variance + of_fit[-1])) / now
        pool += (n / now)**2 * (about + variance / n)
        about = (1 - n / now) / n * now / (now - 1) * (second - pool)
        kept = now
        of_fit.append(pool + about)
    ratio = np.array(of_fit) * n0 / variance
    published = [sum(i**-2.0 for i in range(1, g + 1)) + 1 - 1 / g + sum((1 - 1 / i) / (i + 1)**2 for i in range(1, g))
                 for g in range(1, run.fits + 1)]
    if n == n0 and max(abs(ratio / published - 1)) > 10 / n:
        raise ArithmeticError("the ratio is not near the published one")
    lab.follow(run, "variance ratio", lambda g: ratio[g - 1], scale=n0 / variance)
    if n == n0:
        lab.bound("limit of the ratio, π²/2 - 2", math.pi**2 / 2 - 2, run.error[-1, 0] * n0 / variance,
                  run.error_se[-1, 0] * n0 / variance, run.replicates)


@result(13, "any asymptotically linear estimator: variance g times that of the first fit, S2(g) -> π²/6 if all is kept",
        "Dey, Donoho 2410.22812")
def r13(lab):
    """First order in 1/n. The first fit is a run of its own, with other random numbers, so that the two standard
    errors add up as squares; their difference is tested in units of the first variance."""
    last = lab.given["learning.generations"] + 1
    for regime, name in (("replace", "discard"), ("accumulate", "augment")):
        for family in dict.fromkeys([lab.given["model.family"], "huber", "linear"]):
            overrides = {"model.family": family, "learning.regime": regime}
            if regime == "accumulate":  # all samples are kept in memory
                overrides["learning.replicates"] = max(2, lab.replicates() // 8)
            first, run = lab.run({**overrides, "learning.generations": 0}), lab.run(overrides)
            one, one_se = first.error[0, 0], first.error_se[0, 0]
            expected = [initial(run) * (fits_alone(run, g) if regime == "replace" else inverse_squares(run, g))
                        for g in range(1, last + 1)]
            ratio = run.error[:, 0] / one
            se = np.array([math.hypot(e, r * one_se) for e, r in zip(run.error_se[:, 0], expected)]) / one
            lab.equality(f"{name} ratio, {family}, fit {last}", expected[-1], ratio[-1], se[-1], run.replicates)
            lab.draw(f"{name} ratio", "fits", family, np.arange(1, last + 1), expected, ratio, se)


# ------------------------------------------------------------------------------------------------------------ graphs


@result(14, "K models: a ring drifts by s²/n a generation, all on all K times slower", "THEORY.md section 6")
def r14(lab):
    ring = lab.run()
    k, n, variance = len(ring.sizes), ring.size, ring["model.noise"]**2
    lab.follow(ring, "ring, C", lambda g: variance * fits_alone(ring, g), panel="C", label=f"ring of {k}")
    full = lab.run({"graph.generate.kind": "complete", "graph.generate.self_loops": "true",
                    "graph.samples": max(1, round(n / k))})
    lab.follow(full, "complete, C", lambda g: variance * (1 / initial(full) if g == 1 else 1 / full.size + (
        1 / initial(full) + (g - 2) / full.size) / k), panel="C", label=f"complete graph of {k}")


def errors_of_means(run):
    """C_ii of every model and fit by the recursion C' = P C P' + diag(s²/n), without the program."""
    p, n, variance = run.weights(), run.sizes, run["model.noise"]**2
    roots = n == 0
    p[roots, roots] = 1
    noise = np.diag(np.where(roots, 0, variance / np.maximum(n, 1)))
    c = np.eye(len(n)) * variance / initial(run)
    found = [np.diag(c)]
    for _ in range(run.fits - 1):
        c = p @ c @ p.T + noise
        found.append(np.diag(c))
    return np.array(found)


@result(15, "one feed from an unstable source into a healthy graph: every model collapses", "Wu, Zhou, Su 2605.20151")
def r15(lab):
    with_feed, without = lab.run(), lab.run(control="r15-feeds-without.tsv")
    n, collapsing = len(with_feed.sizes), collapsing_of(with_feed)
    unstable = collapsing_of(without)
    lab.equality("models that collapse", n, int(collapsing.sum()), 0, with_feed.replicates)
    lab.equality("models that collapse without the feed", 1, int(unstable.sum()), 0, without.replicates)
    expected, healthy = errors_of_means(with_feed), errors_of_means(without)
    half = with_feed.fits // 2
    for i in range(n):
        found, se = with_feed.error[:, i], with_feed.error_se[:, i]
        lab.equality(f"C of model {i}, with the feed", expected[-1, i], found[-1], se[-1], with_feed.replicates)
        lab.bound(f"less the growth of C of model {i} since fit {half}", 0, found[half - 1] - found[-1],
                  math.hypot(se[half - 1], se[-1]), with_feed.replicates)
        lab.equality(f"C of model {i}, without", healthy[-1, i], without.error[-1, i], without.error_se[-1, i],
                     without.replicates)
    fits = np.arange(1, with_feed.fits + 1)
    worst = np.flatnonzero(~unstable)[[0, -1]]
    for i in worst:
        lab.draw("C", "fits", f"model {i}, with the feed", fits, expected[:, i], with_feed.error[:, i],
                 with_feed.error_se[:, i])
    lab.draw("C", "fits", f"model {worst[0]}, without", np.arange(1, without.fits + 1), healthy[:, worst[0]],
             without.error[:, worst[0]], without.error_se[:, worst[0]])


def collapsing_of(run):
    return np.array([v in (2, b"collapsing") for v in run.verdict])


@result(16, "K models on a share α of one another's data: plateau (1/n)[1 + α²/(K(1-α²))], bounded iff α < 1",
        "Vu, Reeves, Wenger 2505.21677; plateau derived")
def r16(lab):
    points = []
    first = lab.run()
    k, n, own = len(first.sizes), first.size, first.counts()[1] // len(first.sizes)
    for m in sorted({own, max(1, own // 3), max(1, min(round(n * 0.9 / k), (n - 1) // k))}):
        run = first if m == own else lab.run({"graph.samples": m, "real.samples": n - k * m})
        alpha = 1 - run.counts()[0] / run.size
        expected = shared(run, alpha)
        points.append((alpha, expected(run.fits), run.error[-1, 0], run.error_se[-1, 0]))
        lab.equality(f"C, α = {alpha:.3g}", *points[-1][1:], run.replicates)
    at = np.linspace(0, 0.95, 100)
    lab.draw("C after the last fit", "α", "", *zip(*points), curve=(at, [shared(first, a)(first.fits) for a in at]))
    alone = lab.run({"graph.samples": max(1, round(n / k)), "real.nodes": "none"})
    lab.follow(alone, "C, α = 1", shared(alone, 1.0), panel="C", label="α = 1")
    lab.draw("C", "fits", f"α = {1 - first.counts()[0] / n:.3g}", np.arange(1, first.fits + 1),
             [shared(first, 1 - first.counts()[0] / n)(g) for g in range(1, first.fits + 1)], first.error[:, 0],
             first.error_se[:, 0])


def shared(run, alpha):
    """C_ii after g fits. The mean of all models has the variance u, u' = α² u + s²/(K n), and C_ii' = α² u + s²/n:
    for α < 1 the limit is (s²/n)[1 + α²/(K(1-α²))]."""
    k, n, variance = len(run.sizes), run.size, run["model.noise"]**2

    def expected(g):
        if g == 1:
            return variance / initial(run)
        limit = variance / (k * n * (1 - alpha**2)) if alpha < 1 else 0
        u = limit + alpha**(2 * g - 4) * (variance / (k * initial(run)) - limit)
        if alpha == 1:
            u += (g - 2) * variance / (k * n)
        return alpha**2 * u + variance / n

    return expected


# ----------------------------------------------------------------------------------------------------------- growth


@result(17, "training sets that grow, n_t = n t^a: s² Σ 1/n_t, bounded iff the sum is finite", "Xu et al. 2505.13947")
def r17(lab):
    given = lab.given["learning.growth"]
    for growth in sorted({0.5, given, 2.0}):
        run = lab.run({"learning.growth": growth})
        n0, n, variance = initial(run), run.size, run["model.noise"]**2
        sums = variance * np.cumsum([1 / n0, *(1 / round(n * t**growth) for t in range(2, run.fits + 1))])
        lab.follow(run, f"C, a = {growth:g}", lambda g, sums=sums: sums[g - 1], panel="C", label=f"a = {growth:g}")
        if growth > 1:
            lab.bound(f"bound of C, a = {growth:g}", variance * (1 / n0 + (zeta(growth) - 1) / n), run.error[-1, 0],
                      run.error_se[-1, 0], run.replicates)


# ----------------------------------------------------------------------------------------------------------- kernels


@result(18, "kernel density estimate: v + C = s² + (g-1) w², and s² + w² (Σ 1/i - 1) where all samples are kept",
        "derived")
def r18(lab):
    """v is the variance of the kept points by maximum likelihood, C the squared error of their mean: each is tested, by
    the second moment that they share and v' = (1-1/n)(v + w²)."""
    most = max(round(lab.given[key] * lab.options.scale) for key in ("graph.samples", "learning.initial"))
    points = most * (lab.given["learning.generations"] + 1)
    for regime in ("replace", "accumulate"):
        run = lab.run({"learning.regime": regime, "model.points": points})
        n0, n, variance, width = initial(run), run.size, run["model.noise"]**2, run["model.bandwidth"]**2
        kept = [n if regime == "replace" else n0 + t * n for t in range(run.fits)]
        second = variance + width * np.cumsum([0, *(n / k for k in kept[1:])])
        v = [variance * (1 - 1 / n0)]
        for t in range(1, run.fits):  # replace: (1-1/n)(v + w^2)
            fresh = n / kept[t]
            v.append(second[t] - (second[t - 1] - v[t - 1]) - fresh**2 * (v[t - 1] + width) / n)
        lab.follow(run, f"C, {regime}", lambda g, v=v, second=second: second[g - 1] - v[g - 1], panel="C", label=regime)
        found = np.mean(kept_variances(run), axis=1)
        lab.mean(f"v, fit {run.fits}, {regime}", v[-1], found)


def kept_variances(run):
    """[replicate][dimension] of the points of model 0: parameters are their mean, bandwidths, their number, they."""
    d = run["model.dimension"]
    number = int(run.parameters[0, 0, 2 * d])
    points = run.parameters[:, 0, 2 * d + 1:2 * d + 1 + number * d].reshape(len(run.parameters), number, d)
    return np.var(points, axis=1)


RESULTS.sort(key=lambda r: r.number)
