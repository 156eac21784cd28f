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
                                  .ridge = ridge},
                        .learning = {.seed = 17}};
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

#endif
