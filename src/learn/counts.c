/* What follows from the counts of a generation: which models are trained, where published samples go, what the ranks
 * exchange. Made anew where counts change. Invariant: what any generation needs is allowed for before the first. */

#include <stdlib.h>
#include <string.h>

#include "learn/private.h"
#include "ouro/base/memory.h"

/* A trained node with a ghost among its sources has to wait for samples. */
static bool waits(const learn_run *run, ouro_lid i) {
  const ouro_graph *graph = run->graph;
  if (run->carries_parameters) return false;
  for (ouro_eid e = graph->row[i]; e < graph->row[i + 1]; e++) {
    if (graph->source[e] >= graph->n_owned) return true;
  }
  return false;
}

static void list_trained(learn_run *run) {
  const ouro_graph *graph = run->graph;
  run->n_trained = 0;
  for (ouro_lid i = 0; i < run->n_owned; i++) {
    run->size[i] = ouro_learn_real_size(run->config, graph, i);
    for (ouro_eid e = graph->row[i]; e < graph->row[i + 1]; e++) run->size[i] += ouro_graph_samples(graph, e);
    if (run->size[i] > 0 && !waits(run, i)) run->trained[run->n_trained++] = i;
  }
  run->n_interior = run->n_trained;
  for (ouro_lid i = 0; i < run->n_owned; i++) {
    if (run->size[i] > 0 && waits(run, i)) run->trained[run->n_trained++] = i;
  }
}

/* The corpora that the models of a rank train on are kept as samples where the fit needs those. */
static ouro_status check_slots(const learn_run *run, size_t numbers) {
  const int64_t buffer = run->config->exchange.buffer;
  if (run->keep.gather.additive || numbers <= (size_t)buffer / sizeof(double)) return OURO_OK;
  return ouro_error(OURO_ELIMIT,
                    "exchange.buffer: %" PRId64 " bytes cannot hold the published samples that the models of a rank "
                    "train on, of which family %s %s: at least %zu KiB, or more ranks",
                    buffer, run->family->methods->name,
                    run->keep.rows ? "keeps each one in this learning.regime" : "needs all at once", numbers / 128 + 1);
}

static void note_corpora(learn_run *run) {
  const ouro_graph *graph = run->graph;
  const size_t n_local = (size_t)graph->n_owned + (size_t)graph->n_ghost;
  if (n_local > 0) memset(run->corpus, 0, n_local * sizeof *run->corpus);
  for (ouro_eid e = 0; e < graph->row[graph->n_owned]; e++)
    run->corpus[graph->source[e]] = ouro_graph_samples(graph, e);
}

static ouro_status new_slots(learn_run *run) {
  ouro_status status = OURO_OK;
  const size_t n_local = (size_t)run->n_owned + (size_t)run->graph->n_ghost;
  free(run->slot);
  run->slot = NULL;
  for (size_t j = 0; j < n_local; j++) {
    const size_t size = run->corpus[j] > 0 ? ouro_family_statistic_size(&run->keep.gather, run->corpus[j]) : 0;
    OURO_CHECK(!__builtin_add_overflow(run->slot_at[j], size, &run->slot_at[j + 1]), OURO_ELIMIT,
               "the published samples of one replicate are more than can be counted");
  }
  OURO_TRY(check_slots(run, run->slot_at[n_local]));
  OURO_NEW(run->slot, run->slot_at[n_local]);
cleanup:
  return status;
}

static ouro_status new_arrays(learn_run *run) {
  ouro_status status = OURO_OK;
  const size_t n_local = (size_t)run->n_owned + (size_t)run->graph->n_ghost;
  OURO_NEW(run->size, run->n_owned);
  OURO_NEW(run->trained, run->n_owned);
  if (run->config->learning.draw != OURO_DRAW_PUBLISHED) return OURO_OK;
  OURO_NEW(run->corpus, n_local);
  if (run->limit.on) return OURO_OK;
  OURO_NEW(run->reduced, n_local);
  OURO_NEW(run->slot_at, n_local + 1);
cleanup:
  return status;
}

/* Everything for the counts as they are. Collective. */
static ouro_status follow(learn_run *run) {
  ouro_status status = OURO_OK;
  const ouro_config *config = run->config;
  const bool whole = run->statistics.on;
  const int width = whole ? run->family->statistic_width : run->family->row_width;
  const ouro_exchange_options options = {config->learning.draw,          run->replicates,
                                         (size_t)width * sizeof(double), whole ? 1 : OURO_ROW_BLOCK,
                                         config->exchange.buffer,        whole};
  list_trained(run);
  if (run->corpus) note_corpora(run);
  if (run->slot_at) OURO_AGREE(run->graph->comm, new_slots(run));
  if (run->carries_parameters) return OURO_OK;
  ouro_exchange_plan_destroy(&run->plan);
  OURO_TRY(ouro_exchange_plan_create(run->graph, &options, &run->plan));
cleanup:
  return status;
}

ouro_status ouro_learn_counts_create(learn_run *run) {
  ouro_status status = OURO_OK;
  bool changed;
  OURO_AGREE(run->graph->comm, new_arrays(run));
  if (run->schedule->varies) { /* a buffer that is too small later is too small now */
    ouro_schedule_move_to_largest(run->schedule);
    OURO_TRY(follow(run));
    ouro_schedule_move(run->schedule, 1, &changed);
  }
  OURO_TRY(follow(run));
cleanup:
  return status;
}

ouro_status ouro_learn_counts_move(learn_run *run) {
  bool changed;
  ouro_schedule_move(run->schedule, run->generation, &changed);
  return changed ? follow(run) : OURO_OK;
}

void ouro_learn_counts_clear(learn_run *run) {
  ouro_exchange_plan_destroy(&run->plan);
  ouro_schedule_destroy(&run->schedule);
  free(run->size);
  free(run->trained);
  free(run->corpus);
  free(run->reduced);
  free(run->slot_at);
  free(run->slot);
}
