/* Samples that are kept from generation to generation, as such: those of a random subsample, and those of families that
 * are not additive. Invariant: samples of a model stand in the order of their generations, and within one in the order
 * in which they are added up. Knows no exchange. */

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "learn/private.h"
#include "ouro/base/memory.h"

static bool keeps_rows(const ouro_config *config, const ouro_family *family) {
  if (config->learning.regime == OURO_REGIME_SUBSAMPLE) return true;
  return ouro_config_forget(config) > 0 && !family->additive;
}

bool ouro_learn_keeps_whole(const ouro_config *config, const ouro_family *family) {
  return keeps_rows(config, family) && config->learning.regime != OURO_REGIME_SUBSAMPLE;
}

/* Step u > 0 of a node is the generation u every_i, in which it is retrained for the u-th time. */
static ouro_count real_size(const ouro_config *config, const ouro_graph *graph, ouro_lid i, int64_t step) {
  if (step == 0) return ouro_schedule_initial(config, graph, i);
  return ouro_schedule_real(config, graph, i, step * ouro_schedule_every(graph, i));
}

ouro_count ouro_learn_most_fitted(const ouro_config *config, const ouro_family *family, const ouro_graph *graph,
                                  ouro_lid owned) {
  if (!ouro_learn_keeps_whole(config, family)) return ouro_learn_largest_size(config, graph, owned);
  return (ouro_count)fmin(ouro_schedule_kept(config, graph, owned), 0x1p62);
}

/* Numbers of a kept sample: its blocks, the last one filled up, and their count. */
static double numbers_of(const ouro_family *family, double rows) {
  return ceil(rows / OURO_ROW_BLOCK) * OURO_ROW_BLOCK * family->row_width + 1;
}

double ouro_learn_keep_bytes(const ouro_config *config, const ouro_family *family, const ouro_graph *graph) {
  double numbers = 0;
  for (ouro_lid i = 0; keeps_rows(config, family) && i < graph->n_owned; i++) {
    numbers += numbers_of(family, ouro_schedule_kept(config, graph, i));
  }
  return sizeof(double) * numbers;
}

static ouro_status new_samples(learn_run *run, ouro_count most) {
  ouro_status status = OURO_OK;
  learn_keep *keep = &run->keep;
  const size_t width = (size_t)run->family->row_width;
  OURO_NEW(keep->at, (size_t)run->n_owned + 1);
  for (ouro_lid i = 0; i < run->n_owned; i++) {
    const double numbers = numbers_of(run->family, ouro_schedule_kept(run->config, run->whole, i));
    keep->at[i + 1] = keep->at[i] + (size_t)run->replicates * (size_t)numbers;
  }
  OURO_NEW(keep->sample, keep->at[run->n_owned]);
  OURO_NEW(keep->drawn, (size_t)run->chunk * width);
  if (keep->subsample) {
    OURO_NEW(keep->word, (size_t)most + OURO_RANDOM_BLOCK);
    OURO_NEW(keep->chosen, (size_t)most / 64 + 1);
  }
cleanup:
  return status;
}

ouro_status ouro_learn_keep_create(learn_run *run) {
  ouro_status status = OURO_OK;
  learn_keep *keep = &run->keep;
  const double forget = ouro_config_forget(run->config);
  double most = 0;
  keep->rows = keeps_rows(run->config, run->family);
  keep->subsample = run->config->learning.regime == OURO_REGIME_SUBSAMPLE;
  keep->span = ouro_schedule_span(run->config);
  keep->gather = keep->rows ? ouro_family_of_samples(run->family) : *run->family;
  for (ouro_lid i = 0; i < run->n_owned; i++) most = fmax(most, ouro_schedule_kept(run->config, run->whole, i));
  if (keep->rows) OURO_TRY(new_samples(run, (ouro_count)most));
  if (!run->family->additive && ((forget > 0 && forget < 1) || run->config->real.weight > 0)) {
    OURO_NEW(keep->weight, (size_t)most);
  }
cleanup:
  return status;
}

void ouro_learn_keep_clear(learn_keep *keep) {
  free(keep->sample);
  free(keep->at);
  free(keep->drawn);
  free(keep->word);
  free(keep->chosen);
  free(keep->weight);
}

double *ouro_learn_keep_open(learn_run *run, ouro_lid node, int32_t replicate) {
  const learn_keep *keep = &run->keep;
  const size_t numbers = (keep->at[node + 1] - keep->at[node]) / (size_t)run->replicates;
  double *sample = keep->sample + keep->at[node] + (size_t)replicate * numbers;
  const int64_t old = run->generation / ouro_schedule_every(run->whole, node) - keep->span;
  if (old >= 0) ouro_family_drop(run->family, ouro_schedule_step(run->config, run->whole, node, old), sample);
  return sample;
}

void ouro_learn_keep_absorb(learn_run *run, ouro_lid n, const ouro_slice *slices, double *const *samples) {
  for (ouro_lid k = 0; k < n; k++) {
    ouro_family_draw(run->family, &slices[k], run->keep.drawn);
    ouro_family_reduce(&run->keep.gather, run->keep.drawn, slices[k].n, samples[k]);
  }
}

/* A set of `size` of the numbers below `all`, each as likely as any other: Floyd's algorithm (Bentley and Floyd 1987).
 */
static void choose(ouro_count size, ouro_count all, const uint64_t *word, uint64_t *chosen) {
  memset(chosen, 0, ((size_t)all / 64 + 1) * sizeof *chosen);
  for (ouro_count k = 0; k < size; k++) {
    const uint64_t last = (uint64_t)(all - size + k), drawn = ouro_random_below(word[k], last + 1);
    const bool taken = chosen[drawn / 64] >> (drawn % 64) & 1;
    const uint64_t next = taken ? last : drawn;
    chosen[next / 64] |= (uint64_t)1 << (next % 64);
  }
}

void ouro_learn_keep_draw(learn_run *run, ouro_lid node, int32_t replicate, const double *sample, ouro_count size,
                          double *statistic) {
  const learn_keep *keep = &run->keep;
  const ouro_stream stream =
      ouro_learn_stream(run, replicate, run->generation, OURO_PURPOSE_SUBSAMPLE, OURO_NATURE, run->graph->gid[node]);
  ouro_random_words(&stream, 0, (size_t)size, keep->word);
  choose(size, (ouro_count)sample[0], keep->word, keep->chosen);
  ouro_family_add_chosen(run->family, sample, keep->chosen, statistic);
}

/* The n samples of a step, end - n .. end - 1, of which the last are real. Of weight w beside M synthetic ones,
 * the r real ones count as w n/r each, the others as (1-w) n/M. */
static void weigh(const learn_run *run, ouro_lid node, int64_t step, double factor, double *end) {
  const ouro_count real = real_size(run->config, run->whole, node, step);
  const ouro_count n = ouro_schedule_step(run->config, run->whole, node, step), synthetic = n - real;
  const double w = run->config->real.weight;
  const bool weighted = w > 0 && real > 0 && synthetic > 0;
  const double of_real = weighted ? w * (double)n / (double)real : 1;
  const double of_others = weighted ? (1 - w) * (double)n / (double)synthetic : 1;
  for (ouro_count r = 1; r <= n; r++) *(end - r) = factor * (r <= real ? of_real : of_others);
}

const double *ouro_learn_keep_weights(learn_run *run, ouro_lid node) {
  const learn_keep *keep = &run->keep;
  const double forget = ouro_config_forget(run->config);
  const int64_t step = run->generation / ouro_schedule_every(run->whole, node);
  const int64_t oldest = step < keep->span ? 0 : step - keep->span + 1;
  ouro_count before = 0;
  if (keep->weight == NULL || run->generation == 0) return NULL;
  for (int64_t u = oldest; u <= step; u++) before += ouro_schedule_step(run->config, run->whole, node, u);
  double factor = 1, *end = keep->weight + before;
  for (int64_t u = step; u >= oldest; u--, factor *= forget) {
    weigh(run, node, u, factor, end);
    end -= ouro_schedule_step(run->config, run->whole, node, u);
  }
  return keep->weight;
}
