/* The recursion of every family (THEORY.md sections 5, 8, 9): against plain sums, against the exact law of small
 * chains, and against closed forms and known answers. ranks: 1 2 3 4 */

#include <stdlib.h>

#include "moving.h"
#include "ouro/theory/bounded.h"
#include "ouro/theory/modes.h"
#include "theory/plateau.h"

static const ouro_engine_methods *const engines[] = {&ouro_engine_sparse, &ouro_engine_dense};

static ouro_spread poisson(double mu) {
  return (ouro_spread){.base = mu, .slope = 1};
}

static ouro_spread bernoulli(double mu) {
  return (ouro_spread){.base = mu * (1 - mu), .slope = 1 - 2 * mu, .curvature = -1};
}

static ouro_spread exponential(double mu) {
  return (ouro_spread){.base = mu * mu, .slope = 2 * mu, .curvature = 1};
}

static ouro_spread gaussian(double variance, bool unbiased) {
  return unbiased ? (ouro_spread){.base = variance, .fitted = OURO_FITTED_UNBIASED, .drawn = 1}
                  : (ouro_spread){.base = variance, .curvature = -1};
}

/* Drawn from at a temperature, or within an ellipsoid. */
static ouro_spread shaped(double variance, double drawn, bool unbiased) {
  return (ouro_spread){.base = variance, .fitted = unbiased ? OURO_FITTED_UNBIASED : OURO_FITTED_ML, .drawn = drawn};
}

/* Kept samples of variance 1 and a kernel of variance 0.3. */
static ouro_spread kernel(void) {
  return (ouro_spread){.base = 1, .slope = 1, .curvature = -1, .drift = 0.3};
}

/* The mean of a family whose samples scatter like this. */
static ouro_family family_of(ouro_spread spread) {
  ouro_family family = model_family((setting){.p = 0});
  family.spread = spread;
  return family;
}

static void prepare_law(const small *s, setting how, ouro_spread spread, int scattered, moving *m) {
  const ouro_family family = family_of(spread);
  prepare_family(s, how, &family, scattered, m);
}

/* ---- plain sums ---- */

typedef struct sums {
  const small *s;
  setting how;
  ouro_spread law;
  double forget, weight;
  twin shape; /* weights and sizes only */
  double c[MOST][MOST], k[MOST][MOST], b[MOST], v[MOST], neff[MOST];
} sums;

static double spread_of(const sums *t, int k) {
  return t->law.fitted ? t->v[k] : t->law.base + t->law.drift + t->law.slope * t->b[k] + t->law.curvature * t->c[k][k];
}

static void sums_start(sums *t, const small *s, setting how, ouro_spread law, double forget) {
  *t = (sums){.s = s, .how = how, .law = law, .forget = forget, .weight = how.weight, .shape = {.s = s, .how = how}};
  for (int i = 0; i < s->n; i++) {
    const int own = how.kind == OURO_REAL_INITIAL && s->real[i] > 0;
    t->neff[i] = own ? s->real[i] : how.initial;
    t->c[i][i] = law.base / t->neff[i];
    t->v[i] = law.drawn * law.base * (law.fitted == OURO_FITTED_ML ? 1 - 1 / t->neff[i] : 1);
  }
}

/* P_i0 and P_ik: sample shares, or a weight of its own for real data beside synthetic data. */
static double p0_of(const sums *t, int i) {
  const double n = twin_size(&t->shape, i), real = twin_real(&t->shape, i);
  return real == 0 ? 0 : t->weight > 0 && n > real ? t->weight : real / n;
}

static double p_of(const sums *t, int i, int k) {
  const double n = twin_size(&t->shape, i), real = twin_real(&t->shape, i);
  return real == 0 || n == real ? twin_weight(&t->shape, i, k) : (1 - p0_of(t, i)) * t->s->feeds[k][i] / (n - real);
}

/* gamma_i of the next generation */
static double newer(const sums *t, int i) {
  const double n = twin_size(&t->shape, i);
  return n > 0 ? n / (t->forget * t->neff[i] + n) : 1;
}

static double l_of(const sums *t, int i, int k) {
  const double g = newer(t, i);
  return (1 - g) * (i == k) + g * p_of(t, i, k);
}

static double g_of(const sums *t, int i) {
  return t->how.kind == OURO_REAL_FIXED && t->s->real[i] > 0 ? p0_of(t, i) : 0;
}

static double z_of(const sums *t, int i) {
  return t->s->real[i] > 0 ? t->law.base / t->s->real[i] : 0;
}

/* P0 diag(V_k / M_k) P0' */
static double from_corpora(const sums *t, int i, int j) {
  double sum = 0;
  if (t->how.draw != OURO_DRAW_PUBLISHED || twin_size(&t->shape, i) == 0 || twin_size(&t->shape, j) == 0) return 0;
  for (int k = 0; k < t->s->n; k++) {
    const double m = twin_corpus(&t->shape, k);
    if (m > 0) sum += p_of(t, i, k) * p_of(t, j, k) * spread_of(t, k) / m;
  }
  return sum;
}

/* Noise of the samples that only node i sees: sum_k P_ik^2 V_k / m_ik, nature included. */
static double own_noise(const sums *t, int i) {
  const double real = twin_real(&t->shape, i);
  double sum = 0;
  if (t->how.kind != OURO_REAL_FIXED && real > 0) sum = p0_of(t, i) * p0_of(t, i) * t->law.base / real;
  for (int k = 0; k < t->s->n && t->how.draw == OURO_DRAW_PRIVATE; k++) {
    const double m = t->s->feeds[k][i];
    if (m > 0) sum += p_of(t, i, k) * p_of(t, i, k) * spread_of(t, k) / m;
  }
  return sum * newer(t, i) * newer(t, i);
}

static double mixed_entry(const sums *t, int i, int j) {
  double sum = 0;
  for (int k = 0; k < t->s->n; k++) {
    for (int l = 0; l < t->s->n; l++) sum += l_of(t, i, k) * t->c[k][l] * l_of(t, j, l);
    sum +=
        l_of(t, i, k) * t->k[k][j] * g_of(t, j) * newer(t, j) + l_of(t, j, k) * t->k[k][i] * g_of(t, i) * newer(t, i);
  }
  return sum + (i == j ? pow(newer(t, i) * g_of(t, i), 2) * z_of(t, i) : 0) + from_corpora(t, i, j);
}

/* The expected variance of the pooled samples of node i, whose mean errs by c, as its consumers will see it. */
static double fitted_entry(const sums *t, int i, double c) {
  const double n = twin_size(&t->shape, i);
  double square = t->law.base * twin_real(&t->shape, i) / n;
  if (n == 0) return t->v[i];
  for (int k = 0; k < t->s->n; k++) square += twin_weight(&t->shape, i, k) * (t->v[k] + t->c[k][k]);
  return t->law.drawn * (t->law.fitted == OURO_FITTED_ML ? 1 : n / (n - 1)) * (square - c);
}

static void sums_step(sums *t) {
  sums next = *t;
  for (int i = 0; i < t->s->n; i++) {
    next.b[i] = 0;
    for (int j = 0; j < t->s->n; j++) {
      next.c[i][j] = mixed_entry(t, i, j) + (i == j ? own_noise(t, i) : 0);
      next.k[i][j] = i == j ? newer(t, i) * g_of(t, i) * z_of(t, i) : 0;
      for (int l = 0; l < t->s->n; l++) next.k[i][j] += l_of(t, i, l) * t->k[l][j];
      next.b[i] += l_of(t, i, j) * t->b[j];
    }
    if (twin_size(&t->shape, i) > 0) next.b[i] += newer(t, i) * (1 - p0_of(t, i)) * t->law.drift;
    next.v[i] = fitted_entry(t, i, next.c[i][i]);
    next.neff[i] = t->forget * t->neff[i] + twin_size(&t->shape, i);
  }
  *t = next;
}

static int agrees(const moving *m, const sums *t) {
  int same = 1;
  for (int i = 0; i < t->s->n; i++) {
    same = same && near(m->recursion->diagonal[i], t->c[i][i], 1e-12);
    same = same && (!t->law.fitted || near(m->recursion->variance[i], t->v[i], 1e-12));
    for (int j = 0; j <= i; j++) {
      same = same && fabs(entry(m, i, j) - t->c[i][j]) <= 1e-12 * sqrt(t->c[i][i] * t->c[j][j]);
    }
  }
  return same;
}

static ouro_spread random_law(uint64_t seed) {
  const ouro_spread laws[] = {poisson(2.5),      bernoulli(0.3), exponential(1.5),      gaussian(2, false),
                              gaussian(2, true), kernel(),       shaped(2, 0.7, false), shaped(2, 1.1, true)};
  return laws[seed % 8];
}

/* Models that start beside the truth: every third one, in the twin and in the system. */
static void set_biased(const small *s, double by, sums *t, ouro_system *system) {
  for (int i = 0; i < s->n; i += 3) {
    t->b[i] = system->mean[i] = by;
    t->c[i][i] = system->start[i] += by * by;
  }
}

static void test_sums(void **unused) {
  (void)unused;
  for (uint64_t seed = 1; seed <= 240; seed++) {
    setting how = random_setting(seed);
    const ouro_spread law = random_law(seed / 3);
    const bool fitted = law.fitted;
    how.p = fitted ? 1 : 0; /* at least two samples */
    const small s = random_learning(seed, how);
    how.p = 0;
    how.weight = fitted ? 0 : (double)(seed / 5 % 4) / 4;
    const double forget = how.draw == OURO_DRAW_PUBLISHED || fitted ? 0 : (double)(seed % 3) / 2;
    moving m;
    sums t;
    prepare_law(&s, how, law, seed % 2 == 0, &m);
    sums_start(&t, &s, how, law, forget);
    m.system->forget = forget;
    if (how.draw == OURO_DRAW_PRIVATE && !fitted) set_biased(&s, 0.25, &t, m.system);
    set_moving(engines[seed / 7 % 2], (int)(seed % 4), &m);
    for (int g = 0; g < 6; g++) {
      assert_everywhere(agrees(&m, &t));
      advance(&m, 1);
      sums_step(&t);
    }
    assert_everywhere(agrees(&m, &t));
    stop(&m);
  }
}

/* ---- the exact law of two Bernoulli means ---- */

enum { TRIALS = 4 }; /* samples of every feed and of the real data */

static double binomial(int n, int k, double p) {
  return exp(lgamma(n + 1) - lgamma(k + 1) - lgamma(n - k + 1)) * (k ? pow(p, k) : 1) * (n - k ? pow(1 - p, n - k) : 1);
}

/* Node 0 trains on itself and on node 1 (TRIALS each), node 1 on node 0 and on real data: the joint law of how many
 * ones each has among its 2 TRIALS. Published: both hear the same corpus of node 0. */
typedef struct chain {
  double law[2 * TRIALS + 1][2 * TRIALS + 1];
  double mu;
} chain;

static void transmit(const chain *from, int i, int j, bool published, chain *to) {
  const double p = i / (2.0 * TRIALS), q = j / (2.0 * TRIALS);
  for (int a = 0; a <= TRIALS; a++) {       /* ones that node 0 hears from itself */
    for (int b = 0; b <= TRIALS; b++) {     /* that node 1 hears from node 0 */
      for (int c = 0; c <= TRIALS; c++) {   /* that node 0 hears from node 1 */
        for (int d = 0; d <= TRIALS; d++) { /* real ones of node 1 */
          if (published && a != b) continue;
          const double heard = binomial(TRIALS, a, p) * (published ? 1 : binomial(TRIALS, b, p));
          to->law[a + c][b + d] += from->law[i][j] * heard * binomial(TRIALS, c, q) * binomial(TRIALS, d, from->mu);
        }
      }
    }
  }
}

static void chain_step(chain *now, bool published) {
  chain next = {.mu = now->mu};
  for (int i = 0; i <= 2 * TRIALS; i++) {
    for (int j = 0; j <= 2 * TRIALS; j++) transmit(now, i, j, published, &next);
  }
  *now = next;
}

/* E (p_x - mu)(p_y - mu) of nodes x, y */
static double chain_moment(const chain *now, int x, int y) {
  double sum = 0;
  for (int i = 0; i <= 2 * TRIALS; i++) {
    for (int j = 0; j <= 2 * TRIALS; j++) {
      const double error[2] = {i / (2.0 * TRIALS) - now->mu, j / (2.0 * TRIALS) - now->mu};
      sum += now->law[i][j] * error[x] * error[y];
    }
  }
  return sum;
}

static void test_exact_chain(void **unused) {
  (void)unused;
  const double mu = 0.3;
  const small s = {.n = 2, .feeds = {[0] = {TRIALS, TRIALS}, [1] = {TRIALS, 0}}, .real = {0, TRIALS}};
  for (int published = 0; published <= 1; published++) {
    const setting how = {
        .draw = published ? OURO_DRAW_PUBLISHED : OURO_DRAW_PRIVATE, .initial = 2 * TRIALS, .sigma = 1};
    chain exact = {.mu = mu};
    moving m;
    for (int i = 0; i <= 2 * TRIALS; i++) {
      for (int j = 0; j <= 2 * TRIALS; j++) exact.law[i][j] = binomial(2 * TRIALS, i, mu) * binomial(2 * TRIALS, j, mu);
    }
    prepare_law(&s, how, bernoulli(mu), 0, &m);
    set_moving(&ouro_engine_sparse, 0, &m);
    for (int g = 0; g <= 8; g++) {
      for (int x = 0; x < 2; x++) {
        for (int y = 0; y <= x; y++) assert_everywhere(fabs(entry(&m, x, y) - chain_moment(&exact, x, y)) < 1e-12);
      }
      advance(&m, 1);
      chain_step(&exact, published != 0);
    }
    stop(&m);
  }
}

/* ---- known answers of THEORY.md section 13 ---- */

/* Item 3: a root with mu = 2 feeds one node 5 samples; mu* = 1. C(1) = 1 + 2/5. */
static void test_known_poisson(void **unused) {
  (void)unused;
  const small s = {.n = 2, .feeds = {[0][1] = 5}};
  for (int e = 0; e < 2; e++) {
    moving m;
    prepare_law(&s, (setting){.initial = 9, .sigma = 1}, poisson(1), 0, &m);
    m.system->start[0] = m.system->mean[0] = 1;
    set_moving(engines[e], 1, &m);
    advance(&m, 1);
    assert_everywhere(near(entry(&m, 1, 1), 1.4, 1e-14));
    stop(&m);
  }
}

/* Item 4, with n0 = (5, 6). */
static void test_known_gaussian(void **unused) {
  (void)unused;
  const small s = {.n = 2, .feeds = {[0] = {4, 3}, [1] = {0, 3}}, .real = {4, 0}};
  for (int e = 0; e < 2; e++) {
    moving m;
    prepare_law(&s, (setting){.initial = 5, .sigma = 1}, gaussian(1, false), 0, &m);
    m.system->start[1] = 1.0 / 6;
    set_moving(engines[e], 1, &m);
    advance(&m, 3);
    assert_everywhere(fabs(entry(&m, 0, 0) - 0.1541503906) < 6e-11);
    assert_everywhere(fabs(entry(&m, 0, 1) - 0.0521484375) < 6e-11);
    assert_everywhere(fabs(entry(&m, 1, 1) - 0.2619261188) < 6e-11);
    stop(&m);
  }
}

/* Item 8. */
static void test_known_bernoulli(void **unused) {
  (void)unused;
  const small s = {.n = 2, .feeds = {[0] = {2, 4}, [1] = {3, 0}}, .real = {0, 1}};
  for (int e = 0; e < 2; e++) {
    moving m;
    prepare_law(&s, (setting){.initial = 5, .sigma = 1}, bernoulli(0.3), 0, &m);
    set_moving(engines[e], 1, &m);
    advance(&m, 6);
    assert_everywhere(fabs(entry(&m, 0, 0) - 0.0902788651) < 6e-11);
    assert_everywhere(fabs(entry(&m, 0, 1) - 0.0495465000) < 6e-11);
    assert_everywhere(fabs(entry(&m, 1, 1) - 0.0835696439) < 6e-11);
    stop(&m);
  }
}

/* ---- closed forms of THEORY.md section 12: one model on itself, n samples a generation ---- */

enum { N = 12, GENERATIONS = 15 };

static const small loop = {.n = 1, .feeds = {[0][0] = N}};

static void test_closed_forms(void **unused) {
  (void)unused;
  const setting how = {.initial = N, .sigma = 1};
  moving gaussian_replace, gaussian_accumulate, tokens, unbiased, growing, mean, kernels, kept, carried, warm;
  prepare_law(&loop, how, gaussian(2, false), 0, &gaussian_replace);
  prepare_law(&loop, how, gaussian(2, false), 0, &gaussian_accumulate);
  prepare_law(&loop, how, (ouro_spread){.base = 0.8, .slope = -2, .curvature = -1}, 0, &tokens);
  prepare_law(&loop, how, gaussian(2, true), 0, &unbiased);
  prepare_law(&loop, how, exponential(1), 0, &growing);
  prepare_law(&loop, how, (ouro_spread){.base = 1}, 0, &mean);
  prepare_law(&loop, how, kernel(), 0, &kernels);
  prepare_law(&loop, how, kernel(), 0, &kept);
  prepare_law(&loop, how, shaped(2, 1, false), 0, &carried);
  prepare_law(&loop, how, shaped(2, 1.3, false), 0, &warm);
  gaussian_accumulate.system->forget = kept.system->forget = mean.system->forget = 1;
  moving *const all[] = {
      &gaussian_replace, &gaussian_accumulate, &tokens, &unbiased, &growing, &mean, &kernels, &kept, &carried, &warm};
  for (int k = 0; k < 10; k++) set_moving(&ouro_engine_sparse, 0, all[k]);
  double product = 1, squares = 0, moved = 0, v = 0, drawn = 2, wandered = 0;
  for (int g = 1; g <= GENERATIONS; g++) {
    const double left = pow(1 - 1.0 / N, g);
    product *= 1 - 1.0 / (N * (double)g * g);
    squares += 1 / ((double)g * g);
    moved += 0.3 / g;
    v = (1 - 1.0 / N) * (g == 1 ? 1 : v + 0.3);
    assert_everywhere(near(entry(&gaussian_replace, 0, 0), 2 * (1 - left), 1e-12)); /* R4 */
    assert_everywhere(near(entry(&carried, 0, 0), 2 * (1 - left), 1e-12)); /* V carried along is V from C + V = s^2 */
    wandered += drawn / N;
    drawn *= 1.3 * (1 - 1.0 / N);
    assert_everywhere(near(entry(&warm, 0, 0), wandered, 1e-12));
    assert_everywhere(near(warm.recursion->variance[0], drawn, 1e-12));
    assert_everywhere(near(entry(&gaussian_accumulate, 0, 0), 2 * (1 - product), 1e-12)); /* R6: v = s^2 - C */
    assert_everywhere(near(0.8 - entry(&tokens, 0, 0), 0.8 * left, 1e-12));               /* R9: E[1-|p|^2] = q - C */
    assert_everywhere(near(unbiased.recursion->variance[0], 2, 1e-12));                   /* section 5 */
    assert_everywhere(near(entry(&unbiased, 0, 0), 2.0 * g / N, 1e-12));
    assert_everywhere(near(entry(&growing, 0, 0), pow(1 + 1.0 / N, g) - 1, 1e-12)); /* V = 1 + C */
    assert_everywhere(near(entry(&mean, 0, 0), squares / N, 1e-12));                /* R13 */
    assert_everywhere(near(entry(&kernels, 0, 0), 1 + (g - 1) * 0.3 - v, 1e-12));   /* R18 */
    assert_everywhere(near(kernels.recursion->mean[0], (g - 1) * 0.3, 1e-12));
    assert_everywhere(fabs(kept.recursion->mean[0] - (moved - 0.3)) < 1e-14); /* s^2 + w^2 (sum 1/i - 1) - s^2 */
    for (int k = 0; k < 10; k++) advance(all[k], 1);
  }
  for (int k = 0; k < 10; k++) stop(all[k]);
}

/* R10: n fresh real samples of weight w, m synthetic, k = n / m. The best weight is (sqrt(k^2 + 4k) - k) / 2, the
 * golden ratio for k = 1, and its plateau w s^2 / n. */
static void test_weights(void **unused) {
  (void)unused;
  for (int m = 2; m <= 32; m *= 4) {
    const double n = 8, k = n / m, best = (sqrt(k * k + 4 * k) - k) / 2;
    for (double w = best - 0.1; w < best + 0.15; w += 0.1) {
      const small s = {.n = 1, .feeds = {[0][0] = m}, .real = {8}};
      const double expected = (w * w + k * (1 - w) * (1 - w)) / (w * (2 - w)) / n;
      moving moved;
      prepare_law(&s, (setting){.initial = 50, .sigma = 1, .weight = w}, (ouro_spread){.base = 1}, 0, &moved);
      set_moving(&ouro_engine_sparse, 0, &moved);
      advance(&moved, 400);
      assert_everywhere(near(entry(&moved, 0, 0), expected, 1e-12));
      assert_everywhere(w == best ? near(expected, best / n, 1e-12) : expected > best / n);
      stop(&moved);
    }
  }
}

/* ---- boundedness ---- */

static void check_growth(const small *s, ouro_spread spread, double radius, double sources) {
  const setting how = {.initial = 20, .sigma = 1};
  const ouro_config config = model_config(how);
  const ouro_family family = family_of(spread);
  ouro_graph *graph = small_build(MPI_COMM_WORLD, s, 0);
  ouro_verdict *verdict;
  ouro_bounded *bounded;
  assert_everywhere(graph != NULL);
  assert_ok(ouro_verdict_create(graph, true, &verdict));
  assert_ok(ouro_bounded_create(&config, &family, graph, verdict, NULL, &bounded));
  assert_everywhere(bounded->needed);
  assert_everywhere(isnan(radius) ? isnan(bounded->radius) : near(bounded->radius, radius, 1e-8));
  assert_everywhere(isnan(sources) ? isnan(bounded->sources) : near(bounded->sources, sources, 1e-8));
  assert_everywhere(isnan(radius) || (bounded->decided && (bounded->n_grows > 0) == (radius > 1)));
  ouro_bounded_destroy(&bounded);
  ouro_verdict_destroy(&verdict);
  ouro_graph_destroy(&graph);
}

static void test_growth(void **unused) {
  (void)unused;
  /* section 2: r_0 = 1, m_01 = 9, m_10 = 1 of exponential means grows by sqrt(1.8), though anchored */
  const small cycle = {.n = 2, .feeds = {[1][0] = 9, [0][1] = 1}, .real = {1, 0}};
  check_growth(&cycle, exponential(2), sqrt(1.8), NAN);
  check_growth(&loop, exponential(2), NAN, 1 + 1.0 / N);
  /* half real data: (1 + 1/n) / 4 + ... = P^2 C + P C / n */
  const small half = {.n = 1, .feeds = {[0][0] = 10}, .real = {10}};
  check_growth(&half, exponential(2), 0.25 + 0.5 / 20, NAN);
  check_growth(&loop, gaussian(1, true), NAN, 1); /* a single predecessor keeps E v */
  /* Two unbiased Gaussians on one another, symmetric, no real data: v' = v + n/(n-1) (C - (C + D)/2), D = C_01, and
   * C' - D' = v/n, so that v'' = v' + v / (2 (n-1)): the root above 1 of x^2 = x + 1 / (2 (n-1)). */
  const small pair = {.n = 2, .feeds = {[0] = {6, 6}, [1] = {6, 6}}};
  check_growth(&pair, gaussian(1, true), NAN, (1 + sqrt(1 + 2.0 / (N - 1))) / 2);
}

/* ---- plateaus ---- */

/* Both ways to the fixed point against 3000 steps of plain sums. */
static void check_plateau(const small *s, setting how, ouro_spread spread, uint64_t seed) {
  moving m;
  sums t;
  ouro_closed *closed;
  ouro_settling settling;
  double found[2][2 * MOST], horizon;
  prepare_law(s, how, spread, seed % 2 == 0, &m);
  sums_start(&t, s, how, spread, 0);
  if (how.draw == OURO_DRAW_PRIVATE && !spread.fitted) set_biased(s, 0.25, &t, m.system);
  for (int g = 0; g < 3000; g++) sums_step(&t);
  assert_ok(ouro_closed_create(m.graph, NULL, m.system, &closed));
  assert_ok(ouro_closed_horizon(MPI_COMM_WORLD, closed, 1e-15, 10000, &horizon));
  assert_ok(ouro_plateau_run(MPI_COMM_WORLD, closed, horizon, 20000, found[0], &settling));
  assert_everywhere(settling.settled);
  for (int i = 0; i < s->n; i++) assert_everywhere(near(found[0][i], t.c[i][i], 1e-10));
  if (!spread.fitted && spread.drift == 0) {
    assert_ok(ouro_plateau_double(MPI_COMM_WORLD, MPI_COMM_WORLD, closed, 2, 500, found[1], &settling));
    assert_everywhere(settling.settled && settling.residual < 1e-11);
    for (int i = 0; i < s->n; i++) assert_everywhere(near(found[1][i], t.c[i][i], 1e-10));
  }
  ouro_closed_destroy(&closed);
  stop(&m);
}

/* A root, a ring with a fifth of real data at one node, a node behind both; nothing collapses. */
static small healthy(uint64_t seed) {
  uint64_t state = seed;
  small s = {.n = 5, .feeds = {[0][4] = 8, [3][4] = 8}};
  for (int i = 1; i <= 3; i++) s.feeds[i][i % 3 + 1] = 8;
  for (int i = 1; i <= 3; i++) s.real[i] = 1 + below(&state, 5);
  return s;
}

static void test_plateaus(void **unused) {
  (void)unused;
  for (uint64_t seed = 0; seed < 30; seed++) {
    const small s = healthy(seed);
    const setting how = {.draw = seed / 5 % 2 ? OURO_DRAW_PUBLISHED : OURO_DRAW_PRIVATE,
                         .kind = seed / 10 % 2 ? OURO_REAL_FIXED : OURO_REAL_FRESH,
                         .initial = 20,
                         .sigma = 1};
    check_plateau(&s, how, random_law(seed), seed);
    if (seed < 2)
      check_plateau(&s, how, (ouro_spread){.base = 1, .slope = 1, .drift = 0.3}, seed); /* b alone moves V */
  }
}

/* ---- modes ---- */

extern void dsyev_(const char *jobz, const char *uplo, const int *n, double *a, const int *lda, double *w, double *work,
                   const int *lwork, int *info);

/* Eigenvalues of C, ascending. */
static int eigenvalues(const sums *t, double *value) {
  double a[MOST * MOST], work[4 * MOST];
  const int n = t->s->n, room = 4 * MOST;
  int info;
  for (int i = 0; i < n; i++) {
    for (int j = 0; j < n; j++) a[i * n + j] = t->c[i][j];
  }
  dsyev_("N", "L", &n, a, &n, value, work, &room, &info);
  return info;
}

/* All modes against the eigenvalues of C after 6000 steps of plain sums. */
static void check_modes(const small *s, setting how, ouro_spread spread, double forget, uint64_t seed) {
  const ouro_family family = family_of(spread);
  ouro_config config = model_config(how);
  ouro_graph *graph = small_build(MPI_COMM_WORLD, s, seed % 2 == 0);
  ouro_verdict *verdict;
  ouro_modes *modes;
  sums t;
  double value[MOST];
  config.learning.regime = forget > 0 ? OURO_REGIME_FORGET : OURO_REGIME_REPLACE;
  config.learning.forget = forget;
  sums_start(&t, s, how, spread, forget);
  for (int g = 0; g < 6000; g++) sums_step(&t);
  assert_int_equal(eigenvalues(&t, value), 0);
  assert_ok(ouro_verdict_create(graph, true, &verdict));
  assert_ok(ouro_modes_create(&config, &family, graph, verdict, s->n, NULL, &modes));
  assert_everywhere(modes->found && modes->n == s->n);
  for (int k = 0; k < s->n; k++) {
    assert_everywhere(fabs(modes->value[k] - value[s->n - 1 - k]) <= 1e-10 * value[s->n - 1]);
  }
  ouro_modes_destroy(&modes);
  ouro_verdict_destroy(&verdict);
  ouro_graph_destroy(&graph);
}

static void test_modes(void **unused) {
  (void)unused;
  const setting replaced = {.draw = OURO_DRAW_PRIVATE, .initial = 20, .sigma = 1};
  for (uint64_t seed = 0; seed < 20; seed++) {
    const small s = healthy(seed);
    const ouro_spread law = random_law(seed);
    setting how = replaced;
    if (seed / 5 % 2) how.kind = OURO_REAL_FIXED;
    check_modes(&s, how, law, law.fitted ? 0 : (double)(seed / 10) / 2, seed);
  }
}

/* Samples that are all kept settle too slowly for a plateau, and so for its modes. */
static void test_no_modes(void **unused) {
  (void)unused;
  const small s = healthy(1);
  const ouro_family family = family_of(poisson(1));
  ouro_config config = model_config((setting){.initial = 20, .sigma = 1});
  ouro_graph *graph = small_build(MPI_COMM_WORLD, &s, 0);
  ouro_verdict *verdict;
  ouro_modes *modes;
  config.learning.regime = OURO_REGIME_ACCUMULATE;
  assert_ok(ouro_verdict_create(graph, true, &verdict));
  assert_ok(ouro_modes_create(&config, &family, graph, verdict, 2, NULL, &modes));
  assert_everywhere(!modes->found && strstr(modes->reason, "keep all samples"));
  ouro_modes_destroy(&modes);
  ouro_verdict_destroy(&verdict);
  ouro_graph_destroy(&graph);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_sums),
      cmocka_unit_test(test_exact_chain),
      cmocka_unit_test(test_known_poisson),
      cmocka_unit_test(test_known_gaussian),
      cmocka_unit_test(test_known_bernoulli),
      cmocka_unit_test(test_closed_forms),
      cmocka_unit_test(test_weights),
      cmocka_unit_test(test_growth),
      cmocka_unit_test(test_plateaus),
      cmocka_unit_test(test_modes),
      cmocka_unit_test(test_no_modes),
  };
  return test_main(__FILE__, tests, sizeof tests / sizeof tests[0]);
}
