/* What a generation looks like: errors of its models and their moments over replicates.
 * Invariant: moments are formed in blocks of 8 replicates merged in ascending order (contract C1). */

#include "learn/private.h"

#include <math.h>

#define REPLICATE_BLOCK 8

/* Mean and sum of squared deviations of one block. */
static void block_moments(int64_t n, const double *values, double *mean, double *squares) {
  double sum = 0.0;
  for (int64_t k = 0; k < n; k++) sum += values[k];
  *mean = sum / (double)n;
  *squares = 0.0;
  for (int64_t k = 0; k < n; k++) *squares += (values[k] - *mean) * (values[k] - *mean);
}

/* Merging of moments: Chan, Golub, LeVeque 1979. Infinities stay, and have no squares. */
static void merge_block(int64_t before, int64_t n, const double *values, double *mean, double *squares) {
  double block_mean, block_squares;
  block_moments(n, values, &block_mean, &block_squares);
  const double delta = block_mean - *mean, share = (double)n / (double)(before + n);
  if (isfinite(delta)) {
    *mean += delta * share;
    *squares += block_squares + delta * delta * share * (double)before;
  } else {
    *mean += block_mean;
    *squares = NAN;
  }
}

void ouro_learn_moments_add(int64_t before, int64_t n, const double *values, double *mean, double *squares) {
  if (before == 0) *mean = *squares = 0;
  for (int64_t first = 0; first < n; first += REPLICATE_BLOCK) {
    const int64_t more = n - first < REPLICATE_BLOCK ? n - first : REPLICATE_BLOCK;
    merge_block(before + first, more, values + first, mean, squares);
  }
}

double ouro_learn_moments_sd(int64_t n, double squares) {
  return n > 1 ? sqrt(squares / (double)(n - 1)) : 0 * squares;
}

void ouro_learn_moments(int64_t n, const double *values, double *mean, double *sd) {
  double squares;
  ouro_learn_moments_add(0, n, values, mean, &squares);
  *sd = ouro_learn_moments_sd(n, squares);
}

static void measure_node(learn_run *run, ouro_lid i, const double *errors) {
  for (int64_t k = 0; k < run->replicates; k++) {
    if (!isfinite(errors[k])) ouro_learn_failed(run, i, k);
  }
  ouro_learn_moments(run->replicates, errors, &run->error[i], &run->error_sd[i]);
}

void ouro_learn_measure(learn_run *run) {
  const int64_t most = LEARN_SAMPLE / run->replicates;
  const ouro_lid step = most > 1 ? (ouro_lid)most : 1;
  const size_t stride = (size_t)run->replicates * (size_t)run->family->n_parameters;
  for (ouro_lid first = 0; first < run->n_owned; first += step) {
    const ouro_lid n = run->n_owned - first < step ? run->n_owned - first : step;
    ouro_family_error(run->family, n * (ouro_lid)run->replicates, run->theta + (size_t)first * stride, run->sample);
    for (ouro_lid i = 0; i < n; i++) measure_node(run, first + i, run->sample + (int64_t)i * run->replicates);
  }
}
