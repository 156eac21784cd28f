/* One generation: every trained node is refitted to samples of the models of the last one and to real samples.
 * Invariant: the samples of a node are added up in one order, feeds by ascending source, nature last, whether a
 * source is owned here, its samples arrive, or they are drawn again from carried parameters. */

#include "learn/private.h"

#include <math.h>
#include <string.h>

static const double *model_of(const learn_run *run, ouro_lid node, int64_t replicate) {
  const size_t model = (size_t)node * (size_t)run->replicates + (size_t)replicate;
  return run->theta + model * (size_t)run->family->n_parameters;
}

const double *ouro_learn_noise(const learn_run *run, ouro_lid node) {
  const double *noise = run->graph->noise;
  return noise && !isnan(noise[node]) ? &noise[node] : NULL;
}

ouro_stream ouro_learn_stream(const learn_run *run, int64_t replicate, int64_t generation, ouro_purpose purpose,
                              ouro_gid source, ouro_gid target) {
  return ouro_random_stream(run->config->learning.seed, (uint64_t)(run->first + replicate), (uint64_t)generation,
                            purpose, source, target);
}

static bool published(const learn_run *run) {
  return run->config->learning.draw == OURO_DRAW_PUBLISHED;
}

ouro_count ouro_learn_real_size(const ouro_config *config, const ouro_graph *graph, ouro_lid owned) {
  return config->real.kind == OURO_REAL_INITIAL ? 0 : graph->real[owned];
}

ouro_count ouro_learn_largest_size(const ouro_config *config, const ouro_graph *graph, ouro_lid owned) {
  const int64_t every = ouro_schedule_every(graph, owned), last = config->learning.generations / every * every;
  const ouro_count initial = ouro_schedule_initial(config, graph, owned);
  const ouro_count size = ouro_schedule_size(config, graph, owned, last > 0 ? last : every);
  return size > initial ? size : initial;
}

void ouro_learn_initial(learn_run *run) {
  if (run->limit.on) {
    ouro_learn_limit_initial(run);
    return;
  }
  for (ouro_lid i = 0; i < run->n_owned; i++) {
    const ouro_count size = ouro_schedule_initial(run->config, run->graph, i);
    for (int32_t k = 0; k < (int32_t)run->replicates; k++) {
      const ouro_stream stream = ouro_learn_stream(run, k, 0, OURO_PURPOSE_INITIAL, OURO_NATURE, run->graph->gid[i]);
      double *statistic = ouro_learn_batch_model(run, i, k, size);
      ouro_learn_batch_draw(run, &stream, run->family->truth, NULL, 0, size, statistic);
    }
  }
  ouro_learn_batch_flush(run);
}

/* Real data of weight w beside M synthetic samples: the n samples of the fit count as (1-w) n/M each, or w n/r. Where
 * the fit sees samples and not their sum, the weights are those of ouro_learn_keep_weights(). */
static void weigh_real(learn_run *run, ouro_lid i, ouro_count real) {
  const double w = run->config->real.weight, r = (double)real, n = (double)run->size[i];
  if (w == 0 || n == r || !run->family->additive) return;
  ouro_learn_batch_scale(run, (1 - w) * r / (w * (n - r)), w * n / r);
}

/* Fixed real samples are drawn again in every generation: the same ones, for what fresh ones cost. */
static void add_nature(learn_run *run, ouro_lid i, int32_t replicate, double *statistic) {
  const ouro_count n = ouro_learn_real_size(run->config, run->graph, i);
  const bool fixed = run->config->real.kind == OURO_REAL_FIXED;
  if (n == 0) return;
  weigh_real(run, i, n);
  const ouro_stream stream =
      ouro_learn_stream(run, replicate, fixed ? 0 : run->generation, fixed ? OURO_PURPOSE_FIXED : OURO_PURPOSE_REAL,
                        OURO_NATURE, run->graph->gid[i]);
  ouro_learn_batch_draw(run, &stream, run->family->truth, NULL, 0, n, statistic);
}

/* Add the samples of a ghost as they arrive, behind those that are pending. */
static void take_samples(learn_run *run, ouro_lid ghost, ouro_count total, double *statistic) {
  ouro_exchange_item item;
  if (!run->statistics.on) ouro_learn_batch_absorb(run);
  for (ouro_count taken = 0; taken < total; taken += item.n) {
    const double *data = ouro_exchange_take(run->flight, ghost, &item);
    if (data == NULL) {
      run->starved = true;
      return;
    }
    if (run->statistics.on)
      ouro_learn_whole_arrive(run, data, statistic);
    else
      ouro_family_reduce(&run->keep.gather, data, item.n, statistic);
  }
}

/* Private draws: every feed has its own samples. */
static void train_private(learn_run *run, ouro_lid i, int32_t replicate) {
  const ouro_graph *graph = run->graph;
  double *statistic = ouro_learn_batch_model(run, i, replicate, run->size[i]);
  for (ouro_eid e = graph->row[i]; e < graph->row[i + 1]; e++) {
    const ouro_lid j = graph->source[e];
    if (j >= run->n_owned && run->plan) {
      take_samples(run, j, ouro_graph_samples(graph, e), statistic);
    } else {
      const ouro_stream stream =
          ouro_learn_stream(run, replicate, run->generation, OURO_PURPOSE_FEED, graph->gid[j], graph->gid[i]);
      ouro_learn_batch_draw(run, &stream, model_of(run, j, replicate), ouro_learn_noise(run, j), 0,
                            ouro_graph_samples(graph, e), statistic);
    }
  }
  add_nature(run, i, replicate, statistic);
}

/* A batch holds models in ascending order, so that the first one that fails is the smallest. */
static void all_private(learn_run *run) {
  for (ouro_lid k = 0; k < run->n_trained; k++) {
    if (k == run->n_interior) ouro_learn_batch_flush(run);
    for (int32_t r = 0; r < (int32_t)run->replicates; r++) train_private(run, run->trained[k], r);
  }
  ouro_learn_batch_flush(run);
}

static double *slot_of(const learn_run *run, ouro_lid j) {
  return run->slot + run->slot_at[j];
}

/* Empty the slots for the corpora of a replicate. */
static void open_slots(learn_run *run, int64_t replicate) {
  const size_t n_local = (size_t)run->n_owned + (size_t)run->graph->n_ghost;
  memset(run->reduced, 0, n_local * sizeof *run->reduced);
  memset(run->slot, 0, run->slot_at[n_local] * sizeof *run->slot);
  run->replicate = replicate;
}

/* Published draws: reduce the corpora of the sources whose parameters are here; what was already drawn to be sent
 * has been reduced on the way. */
static void reduce_own(learn_run *run) {
  for (ouro_lid j = 0; j < run->n_local; j++) {
    const ouro_count first = run->reduced[j];
    if (first == run->corpus[j]) continue;
    run->reduced[j] = run->corpus[j]; /* from here on fill() leaves this slot alone */
    const ouro_stream stream =
        ouro_learn_stream(run, run->replicate, run->generation, OURO_PURPOSE_CORPUS, run->graph->gid[j], 0);
    ouro_learn_batch_draw(run, &stream, model_of(run, j, run->replicate), ouro_learn_noise(run, j), first,
                          run->corpus[j], slot_of(run, j));
  }
  ouro_learn_batch_absorb(run);
}

static void reduce_ghosts(learn_run *run) {
  for (ouro_lid j = run->n_local; j < run->n_owned + run->graph->n_ghost; j++) {
    take_samples(run, j, run->corpus[j], slot_of(run, j));
  }
  ouro_learn_batch_absorb(run);
}

static void train_published(learn_run *run, ouro_lid i) {
  const ouro_graph *graph = run->graph;
  const int32_t replicate = (int32_t)run->replicate;
  double *statistic = ouro_learn_batch_model(run, i, replicate, run->size[i]);
  for (ouro_eid e = graph->row[i]; e < graph->row[i + 1]; e++) {
    ouro_family_merge(&run->keep.gather, slot_of(run, graph->source[e]), statistic);
  }
  add_nature(run, i, replicate, statistic);
}

static void all_published(learn_run *run) {
  for (int64_t r = 0; r < run->replicates; r++) {
    if (run->replicate != r) open_slots(run, r);
    reduce_own(run);
    for (ouro_lid k = 0; k < run->n_interior; k++) train_published(run, run->trained[k]);
    ouro_learn_batch_flush(run);
    reduce_ghosts(run);
    for (ouro_lid k = run->n_interior; k < run->n_trained; k++) train_published(run, run->trained[k]);
    ouro_learn_batch_flush(run);
  }
  run->replicate = -1;
}

/* What is drawn for an item. */
static ouro_slice slice_of(const learn_run *run, const ouro_exchange_item *item) {
  const bool corpus = published(run);
  return (ouro_slice){.stream = ouro_learn_stream(run, item->replicate, run->generation,
                                                  corpus ? OURO_PURPOSE_CORPUS : OURO_PURPOSE_FEED, item->source,
                                                  corpus ? 0 : item->target),
                      .theta = model_of(run, item->local, item->replicate),
                      .first = item->first,
                      .n = item->n,
                      .total = item->total,
                      .noise = ouro_learn_noise(run, item->local)};
}

/* A corpus that is sent and consumed here, too, goes to its slot at once. Is it the turn of this part of it? */
static bool fills_slot(const learn_run *run, const ouro_exchange_item *item) {
  const ouro_lid j = item->local;
  return published(run) && run->corpus[j] > 0 && item->replicate == run->replicate && item->first == run->reduced[j];
}

/* Draw samples that another rank needs. */
static void fill_rows(learn_run *run, int n, const ouro_exchange_item *items, double *out) {
  for (int k = 0; k < n; k++) {
    const ouro_slice slice = slice_of(run, &items[k]);
    ouro_family_draw(run->family, &slice, out);
    if (fills_slot(run, &items[k])) {
      ouro_family_reduce(&run->keep.gather, out, items[k].n, slot_of(run, items[k].local));
      run->reduced[items[k].local] += items[k].n;
    }
    out += items[k].n * run->family->row_width;
  }
}

/* Draw statistics that another rank needs. */
static void fill_statistics(learn_run *run, int n, const ouro_exchange_item *items, double *out) {
  for (int k = 0; k < n; k++) run->statistics.sent[k] = slice_of(run, &items[k]);
  ouro_family_draw_statistics(run->family, n, run->statistics.sent, out);
  for (int k = 0; k < n; k++, out += run->family->statistic_width) {
    if (!fills_slot(run, &items[k])) continue;
    ouro_family_merge(run->family, out, slot_of(run, items[k].local));
    run->reduced[items[k].local] = items[k].n;
  }
}

static void fill(void *context, int n, const ouro_exchange_item *items, void *out) {
  learn_run *run = context;
  if (run->statistics.on)
    fill_statistics(run, n, items, out);
  else
    fill_rows(run, n, items, out);
}

static void all_models(learn_run *run) {
  if (run->limit.on)
    ouro_learn_limit_generation(run);
  else if (published(run))
    all_published(run);
  else
    all_private(run);
}

ouro_status ouro_learn_generation(learn_run *run, ouro_timers *timers) {
  ouro_status status = OURO_OK;
  if (published(run) && !run->limit.on) open_slots(run, 0);
  if (run->plan == NULL) {
    ouro_timers_enter(timers, OURO_PHASE_EXCHANGE);
    ouro_halo_courier_update(run->courier, run->theta);
    ouro_timers_leave(timers);
    all_models(run);
    return OURO_OK;
  }
  const double waited = ouro_exchange_plan_waited(run->plan);
  OURO_TRY(ouro_exchange_begin(run->plan, fill, run, &run->flight));
  all_models(run);
  OURO_TRY(ouro_exchange_end(&run->flight));
  if (timers) {
    const double seconds = ouro_exchange_plan_waited(run->plan) - waited;
    timers->seconds[OURO_PHASE_EXCHANGE] += seconds;
    timers->seconds[OURO_PHASE_TRAIN] -= seconds;
  }
cleanup:
  return status;
}
