#ifndef OURO_TESTS_FAMILY_EXPERIMENT_H
#define OURO_TESTS_FAMILY_EXPERIMENT_H

/* Configurations and covariance matrices for the tests of the families. */

#include <math.h>
#include <stdlib.h>

#include "ouro/family/family.h"

#define N_LAWS 3

static inline ouro_config experiment_of(int p, double noise, ouro_covariates covariates, double ridge) {
  static char name[] = "linear";
  ouro_config config = {.model = {.family = name,
                                  .dimension = p,
                                  .noise = noise,
                                  .covariates = covariates,
                                  .correlation = -0.7,
                                  .exponent = 1.5,
                                  .ridge = ridge,
                                  .threshold = 1.345 * noise,
                                  .temperature = 1,
                                  .top_p = 1},
                        .learning = {.seed = 17}};
  return config;
}

/* A family by name, with a truth in the middle of its range. */
static inline ouro_config experiment_named(const char *name) {
  static char uniform[] = "uniform", half[] = "0.5";
  ouro_config config = experiment_of(3, 1.5, OURO_COVARIATES_AR1, 0);
  config.model.family = (char *)name;
  config.model.mean = 0.3;
  config.model.categories = 7;
  config.model.bandwidth = half;
  config.model.points = 600;
  config.model.components = 3;
  config.model.separation = 5;
  config.model.probabilities = uniform;
  return config;
}

/* Sigma_jk of a configuration, j and k from 0. */
static inline double sigma_of(const ouro_config *config, int j, int k) {
  switch (config->model.covariates) {
  case OURO_COVARIATES_AR1:
    return pow(config->model.correlation, abs(j - k));
  case OURO_COVARIATES_POWER:
    return j == k ? pow(j + 1, -config->model.exponent) : 0;
  default:
    return j == k;
  }
}

static inline ouro_family *family_of(const ouro_config *config) {
  ouro_family *family;
  if (ouro_family_create(config, &family) != OURO_OK) abort();
  return family;
}

/* n rows drawn from theta by stream number `id`. */
static inline ouro_slice slice_of(int64_t id, const double *theta, ouro_count n) {
  const ouro_slice slice = {
      .stream = ouro_random_stream(3, 0, 0, OURO_PURPOSE_TEST, 0, id), .theta = theta, .first = 0, .n = n, .total = n};
  return slice;
}

/* Element c of row r of n rows in row blocks, column `width`-1 being the response. */
static inline double element_of(const double *rows, ouro_count n, int width, ouro_count r, int c) {
  const ouro_count block = r / OURO_ROW_BLOCK * OURO_ROW_BLOCK;
  const ouro_count b = n - block < OURO_ROW_BLOCK ? n - block : OURO_ROW_BLOCK;
  return rows[block * width + c * b + (r - block)];
}

/* n zeroed numbers, to be released with free(). */
static inline double *numbers(ouro_count n) {
  double *block = calloc((size_t)n + 1, sizeof *block);
  if (block == NULL) abort();
  return block;
}

static inline double *rows_of(const ouro_family *family, const ouro_slice *slice) {
  double *rows = numbers(slice->n * family->row_width);
  ouro_family_draw(family, slice, rows);
  return rows;
}

/* An empty statistic of n samples. */
static inline double *statistic_for(const ouro_family *family, ouro_count n) {
  return numbers((ouro_count)ouro_family_statistic_size(family, n));
}

static inline double *statistic_of(const ouro_family *family, const ouro_slice *slice) {
  double *rows = rows_of(family, slice), *statistic = statistic_for(family, slice->n);
  ouro_family_reduce(family, rows, slice->n, statistic);
  free(rows);
  return statistic;
}

#endif
