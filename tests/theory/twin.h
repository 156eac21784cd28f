#ifndef OURO_TESTS_THEORY_TWIN_H
#define OURO_TESTS_THEORY_TWIN_H

/* The recursions of THEORY.md sections 3, 8 and 9 written out as plain sums, with formulas of their own. */

#include <math.h>
#include <string.h>

#include "ouro/config/config.h"
#include "small.h"

/* How a small graph learns. */
typedef struct setting {
  ouro_draw draw;
  ouro_real_kind kind;
  int initial, p;       /* p = 0: mean of a normal distribution instead of a regression */
  double sigma, weight; /* weight: of real data, 0 as their share */
} setting;

typedef struct twin {
  const small *s;
  setting how;
  double c[MOST][MOST], k[MOST][MOST]; /* K = Cov(delta, zeta) of fixed real data */
} twin;

static inline int twin_real(const twin *t, int i) {
  return t->how.kind == OURO_REAL_INITIAL ? 0 : t->s->real[i];
}

static inline double twin_size(const twin *t, int i) {
  double n = twin_real(t, i);
  for (int j = 0; j < t->s->n; j++) n += t->s->feeds[j][i];
  return n;
}

static inline double twin_noise(const setting *how, double n) {
  return how->sigma * how->sigma / (how->p > 0 ? n - how->p - 1 : n);
}

static inline double twin_eta(const setting *how, double n) {
  const double p = how->p;
  return p > 0 ? ((p + 1) * n * n - (p + 5) * n + 2 * (p + 1)) / ((n - p - 1) * (n - 1) * (n + 2)) : 0;
}

static inline double twin_weight(const twin *t, int i, int j) {
  const double n = twin_size(t, i);
  return n > 0 ? t->s->feeds[j][i] / n : i == j; /* a root keeps its model */
}

static inline double twin_corpus(const twin *t, int j) {
  int m = 0;
  for (int i = 0; i < t->s->n; i++) m = t->s->feeds[j][i] > m ? t->s->feeds[j][i] : m;
  return m;
}

static inline void twin_start(twin *t, const small *s, setting how) {
  *t = (twin){.s = s, .how = how};
  for (int i = 0; i < s->n; i++) {
    const int own = how.kind == OURO_REAL_INITIAL && s->real[i] > 0;
    t->c[i][i] = twin_noise(&how, own ? s->real[i] : how.initial);
  }
}

static inline double twin_mixed(const twin *t, int i, int j) {
  double sum = 0;
  for (int k = 0; k < t->s->n; k++) {
    for (int l = 0; l < t->s->n; l++) sum += twin_weight(t, i, k) * t->c[k][l] * twin_weight(t, j, l);
  }
  return sum;
}

/* P0 diag(1/M) P0' of published draws */
static inline double twin_published(const twin *t, int i, int j) {
  double sum = 0;
  if (twin_size(t, i) == 0 || twin_size(t, j) == 0) return 0;
  for (int k = 0; k < t->s->n; k++) {
    const double m = twin_corpus(t, k);
    if (m > 0) sum += twin_weight(t, i, k) * twin_weight(t, j, k) / m;
  }
  return sum * t->how.sigma * t->how.sigma;
}

/* G = diag(P_i0) and Z = diag(1/r_i) of fixed real data */
static inline double twin_g(const twin *t, int i) {
  return t->s->real[i] > 0 ? t->s->real[i] / twin_size(t, i) : 0;
}

static inline double twin_z(const twin *t, int i) {
  return t->s->real[i] > 0 ? t->how.sigma * t->how.sigma / t->s->real[i] : 0;
}

static inline double twin_fixed(const twin *t, int i, int j) {
  double sum = i == j ? twin_g(t, i) * twin_z(t, i) * twin_g(t, i) : 0;
  for (int k = 0; k < t->s->n; k++) {
    sum += twin_weight(t, i, k) * t->k[k][j] * twin_g(t, j) + twin_g(t, i) * t->k[k][i] * twin_weight(t, j, k);
  }
  return sum;
}

/* First-order noise of what one fit alone sees. */
static inline double twin_own(const twin *t, int i) {
  const double n = twin_size(t, i), r = twin_real(t, i);
  const double private_samples = t->how.draw == OURO_DRAW_PRIVATE ? n - r : 0;
  const double fresh = t->how.kind == OURO_REAL_FIXED ? 0 : r;
  return t->how.sigma * t->how.sigma * (private_samples + fresh) / (n * n);
}

/* Does the formula of section 3 hold? */
static inline int twin_exact(const twin *t) {
  int fixed = 0;
  for (int i = 0; i < t->s->n; i++) fixed |= t->how.kind == OURO_REAL_FIXED && t->s->real[i] > 0;
  return t->how.draw == OURO_DRAW_PRIVATE && !fixed;
}

/* Is the prediction exact? Means are by sections 8 and 9, too. */
static inline int twin_is_exact(const twin *t) {
  return t->how.p == 0 || twin_exact(t);
}

/* Diagonal of an exact step. */
static inline double twin_diagonal(const twin *t, int i, double q) {
  const double eta = twin_eta(&t->how, twin_size(t, i));
  double own = 0;
  for (int k = 0; k < t->s->n; k++) own += twin_weight(t, i, k) * t->c[k][k];
  return (1 - eta) * q + eta * own + twin_noise(&t->how, twin_size(t, i));
}

static inline void twin_step(twin *t) {
  double c[MOST][MOST] = {{0}}, k[MOST][MOST] = {{0}};
  const int n = t->s->n, exact = twin_exact(t), fixed = t->how.kind == OURO_REAL_FIXED;
  for (int i = 0; i < n; i++) {
    for (int j = 0; j < n; j++) {
      c[i][j] = twin_mixed(t, i, j);
      if (!exact && t->how.draw == OURO_DRAW_PUBLISHED) c[i][j] += twin_published(t, i, j);
      if (!exact && fixed) c[i][j] += twin_fixed(t, i, j);
      for (int l = 0; l < n; l++) k[i][j] += twin_weight(t, i, l) * t->k[l][j];
    }
    if (fixed) k[i][i] += twin_g(t, i) * twin_z(t, i);
    if (twin_size(t, i) > 0) c[i][i] = exact ? twin_diagonal(t, i, c[i][i]) : c[i][i] + twin_own(t, i);
  }
  memcpy(t->c, c, sizeof c);
  memcpy(t->k, k, sizeof k);
}

#endif
