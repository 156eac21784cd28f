/* What a generation looks like: errors of its models, whose moments over replicates are merged once all groups of
 * ranks know that none has failed. */

#include "learn/private.h"

#include <math.h>

static void measure_node(learn_run *run, ouro_lid i, const double *errors) {
  for (int64_t k = 0; k < run->replicates; k++) {
    if (!isfinite(errors[k])) ouro_learn_failed(run, i, k);
  }
  ouro_learn_moments_take(&run->moments, (size_t)i, 0, run->replicates, errors, run->error, run->error_sd);
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
