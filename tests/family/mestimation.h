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

#endif
