#ifndef OURO_TESTS_THEORY_BRUTE_H
#define OURO_TESTS_THEORY_BRUTE_H

/* The recursions of THEORY.md sections 3, 5, 8 and 9 in full, one generation a call, as matrices over all nodes; and
 * the families that they are of, made of public parts alone. Shares nothing with the twin of twin.h. */

#include <math.h>
#include <string.h>

#include "ouro/family/family.h"
#include "small.h"

typedef double square[MOST][MOST];

/* How a small graph learns: p > 0 a regression in p dimensions; p = 0 a mean, whose samples have the variance
 * base + curvature C_kk, or one fitted without bias as well (private draws, no fixed real data). */
typedef struct rule {
  ouro_draw draw;
  ouro_real_kind kind;
  int initial, p, fitted;
  double base, curvature;
  double weight, forget; /* of real data beside synthetic, 0: by number; lambda of section 8 */
  double growth;         /* of sample counts */
} rule;

typedef struct brute {
  int n, first_order, t; /* t: the generation that C is of */
  small graph;
  rule how;
  int trained[MOST];
  double size[MOST], real[MOST], corpus[MOST];
  double nature[MOST], effective[MOST]; /* P_i0; Neff_i */
  square p, c, k;                       /* P, a root keeping its model; C; K of section 8 */
  double v[MOST];                       /* fitted variances */
  double base[MOST];                    /* variance of a sample of a model without error */
} brute;

/* Noise of a fit to n samples of the truth. */
static inline double brute_noise(const rule *how, double n) {
  return how->base / (how->p > 0 ? n - how->p - 1 : n);
}

/* eta_i of section 3. */
static inline double brute_eta(const rule *how, double n) {
  const double p = how->p;
  if (how->p == 0) return 0;
  return ((p + 1) * n * n - (p + 5) * n + 2 * p + 2) / (n - p - 1) / (n * n + n - 2);
}

/* Counts of generation t: of fresh data they grow, and models that are not retrained get none. */
static inline void brute_count(brute *b, int t) {
  const small *s = &b->graph;
  const rule how = b->how;
  const double factor = exp(how.growth * log(t + 1.0));
  memset(b->corpus, 0, sizeof b->corpus);
  memset(b->p, 0, sizeof b->p);
  for (int i = 0; i < s->n; i++) {
    const int now = s->every[i] == 0 || t % s->every[i] == 0;
    b->real[i] = !now || how.kind == OURO_REAL_INITIAL ? 0 : s->real[i];
    if (how.kind == OURO_REAL_FRESH) b->real[i] = floor(b->real[i] * factor + 0.5);
    double synthetic = 0;
    for (int j = 0; now && j < s->n; j++) {
      b->p[i][j] = floor(s->feeds[j][i] * factor + 0.5);
      b->corpus[j] = fmax(b->corpus[j], b->p[i][j]);
      synthetic += b->p[i][j];
    }
    b->size[i] = b->real[i] + synthetic;
    b->trained[i] = b->size[i] > 0;
    b->nature[i] = b->trained[i] ? b->real[i] / b->size[i] : 0;
    if (how.weight > 0 && b->real[i] > 0 && synthetic > 0) b->nature[i] = how.weight;
    for (int j = 0; synthetic > 0 && j < s->n; j++) b->p[i][j] *= (1 - b->nature[i]) / synthetic;
    if (!b->trained[i]) b->p[i][i] = 1;
  }
}

static inline void brute_begin(const small *s, rule how, brute *b) {
  memset(b, 0, sizeof *b);
  b->n = s->n;
  b->how = how;
  b->graph = *s;
  brute_count(b, 1);
  for (int i = 0; i < s->n; i++) {
    const int initial = how.kind == OURO_REAL_INITIAL;
    b->v[i] = how.base;
    b->base[i] = s->noise[i] > 0 ? s->noise[i] * s->noise[i] : how.base;
    b->effective[i] = initial && s->real[i] > 0 ? s->real[i] : how.initial;
    if (s->initial[i] > 0) b->effective[i] = s->initial[i];
    b->c[i][i] = brute_noise(&how, b->effective[i]);
    const int shared = how.draw == OURO_DRAW_PUBLISHED || (how.kind == OURO_REAL_FIXED && s->real[i] > 0);
    b->first_order |= how.p > 0 && (shared || how.weight > 0 || how.forget > 0);
  }
}

/* Forget a node: nothing flows out of it. To be called for all nodes that collapse. */
static inline void brute_drop(brute *b, int i) {
  b->trained[i] = 0;
  b->c[i][i] = b->v[i] = 0;
  for (int j = 0; j < b->n; j++) b->p[i][j] = 0;
}

/* a b, or a b' */
static inline void brute_product(int n, square a, square b, int transposed, square out) {
  for (int i = 0; i < n; i++) {
    for (int j = 0; j < n; j++) {
      double sum = 0;
      for (int l = 0; l < n; l++) sum += a[i][l] * (transposed ? b[j][l] : b[l][j]);
      out[i][j] = sum;
    }
  }
}

/* Variance of a sample of model k. */
static inline double brute_spread(const brute *b, int k) {
  return b->how.fitted ? b->v[k] : b->base[k] + b->how.curvature * b->c[k][k];
}

/* What the fit of i adds to Q_ii by itself: sections 3, 5, and 8 and 9 where part of its data is shared or fixed;
 * sum_k P_ik^2 V_k / m_ik, nature included. */
static inline double brute_own(const brute *b, int i, double q) {
  const double n = b->size[i], r = b->real[i], p0 = b->nature[i];
  double within = 0, noise = 0, scatter = p0 * b->how.base; /* of all samples */
  for (int k = 0; k < b->n; k++) {
    const double m = b->p[i][k] * (n - r) / (1 - p0);
    within += b->p[i][k] * b->c[k][k];
    scatter += b->p[i][k] * b->base[k];
    if (b->how.draw == OURO_DRAW_PRIVATE && m > 0) noise += b->p[i][k] * b->p[i][k] * brute_spread(b, k) / m;
  }
  if (b->how.p > 0 && !b->first_order) {
    return brute_eta(&b->how, n) * (within - q) + scatter / (n - b->how.p - 1);
  }
  return b->how.kind == OURO_REAL_FIXED || r == 0 ? noise : noise + p0 * p0 * b->how.base / r;
}

/* P0 diag(V_k / M_k) P0' */
static inline double brute_published(const brute *b, int i, int j) {
  double sum = 0;
  if (b->how.draw != OURO_DRAW_PUBLISHED || !b->trained[i] || !b->trained[j]) return 0;
  for (int k = 0; k < b->n; k++) {
    if (b->corpus[k] > 0) sum += b->p[i][k] * b->p[j][k] * brute_spread(b, k) / b->corpus[k];
  }
  return sum;
}

/* v'_i of the unbiased Gaussian, section 5. */
static inline double brute_variance(const brute *b, int i, double q) {
  const double n = b->size[i];
  double u = b->real[i] / n * b->how.base, within = 0;
  for (int k = 0; k < b->n; k++) {
    u += b->p[i][k] * b->v[k];
    within += b->p[i][k] * b->c[k][k];
  }
  return u + n / (n - 1) * (within - q);
}

/* L = I - Gamma + Gamma P, and Gamma. */
static inline void brute_remember(brute *b, square l, double gamma[MOST]) {
  for (int i = 0; i < b->n; i++) {
    if (b->trained[i]) b->effective[i] = b->how.forget * b->effective[i] + b->size[i];
    gamma[i] = b->trained[i] ? b->size[i] / b->effective[i] : 1;
    for (int j = 0; j < b->n; j++) l[i][j] = (i == j ? 1 - gamma[i] : 0) + gamma[i] * b->p[i][j];
  }
}

static inline void brute_step(brute *b) {
  square l, y, q, lk, g = {{0}}, gz = {{0}}, c;
  double v[MOST], gamma[MOST];
  int moves = b->how.growth > 0;
  for (int i = 0; i < b->n; i++) moves |= b->graph.every[i] > 1;
  if (moves) brute_count(b, b->t + 1); /* else nodes may have been dropped */
  b->t++;
  brute_remember(b, l, gamma);
  brute_product(b->n, l, b->c, 0, y);
  brute_product(b->n, y, l, 1, q);
  brute_product(b->n, l, b->k, 0, lk);
  for (int i = 0; i < b->n; i++) {
    if (b->how.kind != OURO_REAL_FIXED || !b->trained[i] || b->real[i] == 0) continue;
    g[i][i] = gamma[i] * b->nature[i];
    gz[i][i] = g[i][i] * b->how.base / b->real[i];
  }
  for (int i = 0; i < b->n; i++) {
    for (int j = 0; j < b->n; j++) {
      c[i][j] = q[i][j] + brute_published(b, i, j) + lk[i][j] * g[j][j] + g[i][i] * lk[j][i] + gz[i][j] * g[i][j];
    }
    if (b->trained[i]) c[i][i] += gamma[i] * gamma[i] * brute_own(b, i, q[i][i]);
    v[i] = b->trained[i] && b->how.fitted ? brute_variance(b, i, q[i][i]) : b->v[i];
  }
  for (int i = 0; i < b->n; i++) {
    b->v[i] = v[i];
    for (int j = 0; j < b->n; j++) {
      b->c[i][j] = c[i][j];
      b->k[i][j] = lk[i][j] + gz[i][j];
    }
  }
}

/* So many generations, or fewer if no bit of C and K moves any more, or only to and fro. */
static inline void brute_run(brute *b, int generations) {
  brute before = *b;
  for (int t = 0; t < generations; t += 2) {
    brute_step(b);
    brute_step(b);
    if (memcmp(before.c, b->c, sizeof b->c) == 0 && memcmp(before.k, b->k, sizeof b->k) == 0 &&
        memcmp(before.v, b->v, sizeof b->v) == 0)
      return;
    before = *b;
  }
}

static inline ouro_config brute_config(rule how) {
  static char linear[] = "linear", mean[] = "mean";
  ouro_config config = {0};
  config.real.kind = how.kind;
  config.real.weight = how.weight;
  config.learning.regime = how.forget == 1  ? OURO_REGIME_ACCUMULATE
                           : how.forget > 0 ? OURO_REGIME_FORGET
                                            : OURO_REGIME_REPLACE;
  config.learning.forget = how.forget;
  config.learning.growth = how.growth;
  config.model.family = how.p > 0 ? linear : mean;
  config.model.dimension = how.p > 0 ? how.p : 1;
  config.model.noise = sqrt(how.base);
  config.model.temperature = config.model.top_p = 1;
  config.learning.initial = how.initial;
  config.learning.draw = how.draw;
  config.learning.replicates = 1;
  config.learning.seed = 1;
  config.theory.exact = OURO_EXACT_AUTO;
  return config;
}

/* The program's own regression, or a mean that says no more of itself than the variance of its samples. */
static inline ouro_status brute_family(const ouro_config *config, rule how, ouro_family **family) {
  static const ouro_family_methods methods = {.name = "mean"};
  static ouro_family mean;
  if (how.p > 0) return ouro_family_create(config, family);
  mean = (ouro_family){.methods = &methods, .n_parameters = 1, .least_samples = 1, .law = OURO_LAW_MEANS};
  mean.spread = (ouro_spread){.base = how.base, .curvature = how.curvature, .fitted = how.fitted, .drawn = 1};
  if (how.fitted) mean.least_samples = 2;
  *family = &mean;
  return OURO_OK;
}

static inline void brute_family_done(rule how, ouro_family **family) {
  if (how.p > 0) ouro_family_destroy(family);
  *family = NULL;
}

#endif
