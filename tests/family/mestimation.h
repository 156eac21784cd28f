#ifndef OURO_TESTS_FAMILY_MESTIMATION_H
#define OURO_TESTS_FAMILY_MESTIMATION_H

/* Samples of a regression as plain rows, and their fit. */

#include "experiment.h"

enum { MOST_P = 8, MOST_N = 600 };

typedef struct sample {
  int n, p;
  double x[MOST_N][MOST_P], y[MOST_N];
} sample;

static inline ouro_family *regression_of(const char *name, int p, ouro_covariates covariates) {
  ouro_config config = experiment_of(p, 1, covariates, 0);
  config.model.family = (char *)name;
  return family_of(&config);
}

static inline double predictor_of(const sample *s, int r, const double *theta) {
  double u = 0;
  for (int k = 0; k < s->p; k++) u += s->x[r][k] * theta[k];
  return u;
}

/* n samples of the truth. */
static inline sample drawn(const ouro_family *family, int n, int64_t id) {
  sample s = {.n = n, .p = family->n_parameters};
  const ouro_slice slice = slice_of(id, family->truth, n);
  double *rows = rows_of(family, &slice);
  for (int r = 0; r < n; r++) {
    for (int k = 0; k < s.p; k++) s.x[r][k] = element_of(rows, n, s.p + 1, r, k);
    s.y[r] = element_of(rows, n, s.p + 1, r, s.p);
  }
  free(rows);
  return s;
}

/* Rows go in one by one. */
static inline bool fitted(const ouro_family *family, const sample *s, double *theta) {
  const ouro_count n = s->n;
  double *statistic = numbers((ouro_count)ouro_family_statistic_size(family, n));
  for (int r = 0; r < s->n; r++) {
    double row[MOST_P + 1];
    for (int k = 0; k < s->p; k++) row[k] = s->x[r][k];
    row[s->p] = s->y[r];
    ouro_family_reduce(family, row, 1, statistic);
  }
  const bool good = ouro_family_fit(family, 1, &n, statistic, theta) == 1;
  free(statistic);
  return good;
}

/* The derivative of the sum of losses at theta by a plain loop, relative to the sum of its sizes: 0 at a minimum.
 * score(y, u): the negative derivative of a loss. */
static inline double steepest(const sample *s, const double *theta, double (*score)(double y, double u)) {
  double worst = 0;
  for (int k = 0; k < s->p; k++) {
    double sum = 0, scale = 0;
    for (int r = 0; r < s->n; r++) {
      const double term = score(s->y[r], predictor_of(s, r, theta)) * s->x[r][k];
      sum += term;
      scale += fabs(term);
    }
    worst = fmax(worst, fabs(sum) / scale);
  }
  return worst;
}

/* A sample as a statistic; row r is in it times[r] times, once where times is NULL. */
static inline double *statistic_with(const ouro_family *family, const sample *s, const int *times) {
  double *statistic = numbers((ouro_count)ouro_family_statistic_size(family, 3 * s->n));
  for (int r = 0; r < s->n; r++) {
    double row[MOST_P + 1];
    for (int k = 0; k < s->p; k++) row[k] = s->x[r][k];
    row[s->p] = s->y[r];
    for (int k = times ? times[r] : 1; k > 0; k--) ouro_family_reduce(family, row, 1, statistic);
  }
  return statistic;
}

/* A row that weighs 2 or 3 is one that is there 2 or 3 times, whatever the unit of weights. */
static inline void expect_weights(const char *name) {
  ouro_family *family = regression_of(name, 3, OURO_COVARIATES_AR1);
  const sample s = drawn(family, 150, 5);
  int times[MOST_N];
  double weights[MOST_N], plain[3], repeated[3], weighted[3];
  for (int r = 0; r < s.n; r++) times[r] = 1 + r % 3;
  double *once = statistic_with(family, &s, NULL), *often = statistic_with(family, &s, times);
  assert_true(ouro_family_fit_sample(family, once, NULL, plain));
  assert_true(ouro_family_fit_sample(family, often, NULL, repeated));
  for (double unit = 1e-6; unit < 1e7; unit *= 1e3) {
    for (int r = 0; r < s.n; r++) weights[r] = unit * times[r];
    assert_true(ouro_family_fit_sample(family, once, weights, weighted));
    for (int k = 0; k < 3; k++) {
      assert_true(fabs(weighted[k] - repeated[k]) < 1e-8);
      assert_true(fabs(weighted[k] - plain[k]) > 1e-4);
    }
  }
  free(once);
  free(often);
  ouro_family_destroy(&family);
}

/* Samples of 1 to 8 parameters under every law of covariates: the score of their fit is zero. */
static inline void expect_minima(const char *name, double (*score)(double y, double u)) {
  for (int law = 0; law < N_LAWS; law++) {
    for (int p = 1; p <= MOST_P; p++) {
      ouro_family *family = regression_of(name, p, (ouro_covariates)law);
      for (int n = 20 * p; n <= 60 * p; n += 13) {
        double theta[MOST_P];
        const sample s = drawn(family, n, n);
        assert_true(fitted(family, &s, theta));
        assert_true(steepest(&s, theta, score) < 1e-9);
      }
      ouro_family_destroy(&family);
    }
  }
}

/* E x x' w(x' theta) of two covariates over a grid of the plane, while the families integrate along theta. */
static inline void information(const ouro_config *config, const double *theta, double (*weight)(double u),
                               double J[2][2]) {
  const double step = 0.02, end = 10, c = sigma_of(config, 0, 1), d = sqrt(sigma_of(config, 1, 1) - c * c);
  for (int i = 0; i < 4; i++) J[i / 2][i % 2] = 0;
  for (double a = -end; a <= end; a += step) {
    for (double b = -end; b <= end; b += step) {
      const double x[2] = {a, c * a + d * b}, u = x[0] * theta[0] + x[1] * theta[1];
      const double mass = step * step * exp(-(a * a + b * b) / 2) / (2 * 3.14159265358979323846) * weight(u);
      for (int i = 0; i < 4; i++) J[i / 2][i % 2] += mass * x[i / 2] * x[i % 2];
    }
  }
}

/* Errors are delta' J^-1 delta / p with J^-1 this information. */
static inline void expect_information(const char *name, double (*weight)(double u)) {
  for (int law = 0; law < N_LAWS; law++) {
    for (uint64_t seed = 1; seed < 5; seed++) {
      double J[2][2], error;
      ouro_config config = experiment_of(2, 1, (ouro_covariates)law, 0);
      config.model.family = (char *)name;
      config.learning.seed = seed;
      ouro_family *family = family_of(&config);
      information(&config, family->truth, weight, J);
      for (int k = 0; k < 12; k++) {
        const double delta[2] = {cos(k), 2 * sin(k)};
        const double theta[2] = {family->truth[0] + delta[0], family->truth[1] + delta[1]};
        double expected = 0;
        for (int i = 0; i < 4; i++) expected += delta[i / 2] * J[i / 2][i % 2] * delta[i % 2] / 2;
        ouro_family_error(family, 1, theta, &error);
        assert_true(fabs(error / expected - 1) < 1e-9);
      }
      ouro_family_destroy(&family);
    }
  }
}

#endif
