/* Models fitted together. Samples are drawn in chunks that stay in cache, statistics wait until enough of them are
 * complete for one call of fit. Invariant: what is added to one statistic is added in the order of the calls.
 * Knows no graph. */

#include "learn/private.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "ouro/base/memory.h"

#define BATCH_BYTES 65536   /* of statistics: they stay in cache */
#define BATCH_MODELS 256    /* */
#define CHUNK_NUMBERS 32768 /* drawn between two looks at the messages: some 50 microseconds */

ouro_status ouro_learn_batch_create(learn_run *run) {
  ouro_status status = OURO_OK;
  learn_batch *batch = &run->batch;
  const size_t p = (size_t)run->family->n_parameters;
  ouro_count largest = 0;
  for (ouro_lid i = 0; i < run->n_owned; i++) {
    const ouro_count size = ouro_learn_largest_size(run->config, run->whole, i);
    if (size > largest) largest = size;
  }
  batch->stride =
      ouro_learn_keeps_whole(run->config, run->family) ? 1 : ouro_family_statistic_size(run->family, largest);
  const size_t fitting = BATCH_BYTES / sizeof(double) / batch->stride;
  batch->capacity = fitting < 1 ? 1 : fitting < BATCH_MODELS ? (ouro_lid)fitting : BATCH_MODELS;
  const ouro_count blocks = CHUNK_NUMBERS / OURO_ROW_BLOCK / run->family->row_width;
  run->chunk = (blocks < 1 ? 1 : blocks) * OURO_ROW_BLOCK;
  OURO_NEW(batch->node, batch->capacity);
  OURO_NEW(batch->replicate, batch->capacity);
  OURO_NEW(batch->size, batch->capacity);
  OURO_NEW(batch->sample, batch->capacity);
  OURO_NEW(batch->scale, batch->capacity);
  OURO_NEW(batch->statistic, (size_t)batch->capacity * batch->stride);
  OURO_NEW(batch->theta, (size_t)batch->capacity * p);
  OURO_NEW(batch->slices, LEARN_SLICES);
  OURO_NEW(batch->into, LEARN_SLICES);
cleanup:
  return status;
}

void ouro_learn_batch_clear(learn_batch *batch) {
  free(batch->node);
  free(batch->replicate);
  free(batch->size);
  free(batch->sample);
  free(batch->scale);
  free(batch->statistic);
  free(batch->theta);
  free(batch->slices);
  free(batch->into);
}

static double *statistic_of(const learn_run *run, ouro_lid k) {
  return run->batch.statistic + (size_t)k * run->batch.stride;
}

static double *empty_statistic(const learn_run *run, ouro_lid k, ouro_count size) {
  return memset(statistic_of(run, k), 0, ouro_family_statistic_size(run->family, size) * sizeof(double));
}

double *ouro_learn_batch_model(learn_run *run, ouro_lid node, int32_t replicate, ouro_count size) {
  learn_batch *batch = &run->batch;
  if (batch->n == batch->capacity) ouro_learn_batch_flush(run);
  const ouro_lid k = batch->n++;
  batch->node[k] = node;
  batch->replicate[k] = replicate;
  batch->size[k] = size;
  batch->scale[k] = 1;
  batch->sample[k] = run->keep.rows ? ouro_learn_keep_open(run, node, replicate) : empty_statistic(run, k, size);
  return batch->sample[k];
}

void ouro_learn_batch_draw(learn_run *run, const ouro_stream *stream, const double *theta, const double *noise,
                           ouro_count first, ouro_count total, double *statistic) {
  learn_batch *batch = &run->batch;
  __builtin_prefetch(theta); /* by the time it is drawn from, a model from anywhere in memory is in cache */
  __builtin_prefetch(theta + run->family->n_parameters - 1);
  if (run->statistics.on) {
    const ouro_slice slice = {*stream, theta, 0, total, total, noise};
    if (first < total) ouro_learn_whole_draw(run, &slice, statistic);
    return;
  }
  while (first < total) {
    const ouro_count n = total - first < run->chunk ? total - first : run->chunk;
    if (batch->n_slices == LEARN_SLICES || batch->rows + n > run->chunk) ouro_learn_batch_absorb(run);
    const ouro_lid k = batch->n_slices++;
    batch->slices[k] = (ouro_slice){*stream, theta, first, n, total, noise};
    batch->into[k] = statistic;
    batch->rows += n;
    first += n;
  }
}

void ouro_learn_batch_absorb(learn_run *run) {
  learn_batch *batch = &run->batch;
  if (run->statistics.on) ouro_learn_whole_absorb(run);
  if (batch->n_slices == 0) return;
  if (run->keep.rows)
    ouro_learn_keep_absorb(run, batch->n_slices, batch->slices, batch->into);
  else
    ouro_family_absorb(run->family, batch->n_slices, batch->slices, batch->into);
  batch->n_slices = 0;
  ouro_learn_batch_worked(run, batch->rows);
  batch->rows = 0;
}

void ouro_learn_batch_worked(learn_run *run, ouro_count rows) {
  run->worked += rows;
  if (run->worked < run->chunk || run->flight == NULL) return;
  run->worked = 0;
  ouro_exchange_progress(run->flight);
}

void ouro_learn_failed(learn_run *run, ouro_lid node, int64_t replicate) {
  const ouro_gid gid = run->graph->gid[node];
  const int64_t number = run->first + replicate;
  if (gid > run->failed_node || (gid == run->failed_node && number >= run->failed_replicate)) return;
  run->failed_node = gid;
  run->failed_replicate = number;
}

static void scale_by(const learn_run *run, ouro_lid k, double factor) {
  const size_t width = (size_t)run->family->statistic_width;
  double *statistic = statistic_of(run, k);
  for (size_t w = 0; w < width && factor != 1; w++) statistic[w] *= factor;
}

void ouro_learn_batch_scale(learn_run *run, double now, double then) {
  const ouro_lid last = run->batch.n - 1;
  ouro_learn_batch_absorb(run);
  scale_by(run, last, now);
  run->batch.scale[last] = then;
}

/* Add what a model keeps to the statistic of its new samples, and keep the sum. Statistics are sums over samples: the
 * fit gets the whole number next to Neff, and a statistic that is scaled as much. */
static void remember(learn_run *run, ouro_lid k) {
  learn_batch *batch = &run->batch;
  const size_t width = (size_t)run->family->statistic_width;
  const size_t model = (size_t)batch->node[k] * (size_t)run->replicates + (size_t)batch->replicate[k];
  const double effective = run->effective[batch->node[k]], whole = round(effective);
  double *kept = run->kept + model * width, *statistic = statistic_of(run, k);
  for (size_t w = 0; w < width; w++) {
    kept[w] = run->forget * kept[w] + statistic[w];
    statistic[w] = whole == effective ? kept[w] : kept[w] * (whole / effective);
  }
  batch->size[k] = (ouro_count)whole;
}

/* What the fit of model k sees of the samples kept, in place of its statistic. */
static void look_back(learn_run *run, ouro_lid k) {
  learn_batch *batch = &run->batch;
  const double *kept = batch->sample[k];
  if (!run->keep.subsample) return;
  batch->sample[k] = empty_statistic(run, k, batch->size[k]);
  ouro_learn_keep_draw(run, batch->node[k], batch->replicate[k], kept, batch->size[k], batch->sample[k]);
}

/* Fit the models from number `first` on, those of an additive family together.
 * Returns the first that has no fit, batch->n if there is none. */
static ouro_lid fit_from(learn_run *run, ouro_lid first) {
  learn_batch *batch = &run->batch;
  const size_t p = (size_t)run->family->n_parameters;
  if (run->family->additive && first < batch->n) {
    return first + ouro_family_fit(run->family, batch->n - first, batch->size + first, statistic_of(run, first),
                                   batch->theta + (size_t)first * p);
  }
  for (; first < batch->n; first++) {
    const double *weights = ouro_learn_keep_weights(run, batch->node[first]);
    if (!ouro_family_fit_sample(run->family, batch->sample[first], weights, batch->theta + (size_t)first * p)) break;
  }
  return first;
}

static size_t place_of(const learn_run *run, ouro_lid k) {
  const size_t model = (size_t)run->batch.node[k] * (size_t)run->replicates + (size_t)run->batch.replicate[k];
  return model * (size_t)run->family->n_parameters;
}

/* A model without a fit keeps its parameters. */
static void keep_model(learn_run *run, ouro_lid k) {
  learn_batch *batch = &run->batch;
  const size_t p = (size_t)run->family->n_parameters;
  const ouro_lid node = batch->node[k];
  memcpy(batch->theta + (size_t)k * p, run->theta + place_of(run, k), p * sizeof(double));
  if (run->stalls.first[node] < 0) run->stalls.first[node] = run->generation;
  run->stalls.fits[node]++;
}

void ouro_learn_batch_flush(learn_run *run) {
  learn_batch *batch = &run->batch;
  const size_t p = (size_t)run->family->n_parameters;
  ouro_learn_batch_absorb(run);
  for (ouro_lid k = 0; k < batch->n; k++) scale_by(run, k, batch->scale[k]);
  for (ouro_lid k = 0; run->kept && k < batch->n; k++) remember(run, k);
  for (ouro_lid k = 0; run->keep.rows && k < batch->n; k++) look_back(run, k);
  for (ouro_lid k = fit_from(run, 0); k < batch->n; k = fit_from(run, k + 1)) keep_model(run, k);
  for (ouro_lid k = 0; k < batch->n; k++) {
    memcpy(run->next + place_of(run, k), batch->theta + (size_t)k * p, p * sizeof(double));
  }
  batch->n = 0;
}
