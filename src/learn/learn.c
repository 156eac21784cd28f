/* The run: set-up, the loop over generations, and what is handed out at its end.
 * Invariant: nothing is allocated in the loop where counts stay the same; each generation ends with one agreement on
 * its failures.
 * Must not know theory: verdicts and predictions are the caller's. */

#include <stdlib.h>
#include <string.h>

#include "learn/private.h"
#include "ouro/base/memory.h"

static ouro_status new_state(learn_run *run) {
  ouro_status status = OURO_OK;
  size_t n;
  OURO_TRY(ouro_memory_product((size_t)run->n_local, (size_t)run->replicates, &n));
  OURO_TRY(ouro_memory_product(n, (size_t)run->family->n_parameters, &n));
  OURO_NEW(run->theta, n);
  OURO_NEW(run->next, n);
  OURO_NEW(run->error, run->group->whole->n_owned);
  OURO_NEW(run->error_sd, run->group->whole->n_owned);
  OURO_NEW(run->sample, run->replicates > LEARN_SAMPLE ? run->replicates : LEARN_SAMPLE);
cleanup:
  return status;
}

/* Samples that are kept are kept as their statistic where the fit needs no more. */
static ouro_status new_kept(learn_run *run) {
  ouro_status status = OURO_OK;
  size_t n;
  run->forget = ouro_config_forget(run->config);
  if (run->forget == 0 || run->keep.rows) return OURO_OK;
  OURO_TRY(ouro_memory_product((size_t)run->n_owned, (size_t)run->replicates, &n));
  OURO_TRY(ouro_memory_product(n, (size_t)run->family->statistic_width, &n));
  if (!run->limit.on) OURO_NEW(run->kept, n);
  OURO_NEW(run->effective, run->n_owned);
cleanup:
  return status;
}

static ouro_status new_stalls(learn_run *run) {
  ouro_status status = OURO_OK;
  OURO_NEW(run->stalls.first, run->n_owned);
  OURO_NEW(run->stalls.fits, run->n_owned);
  for (ouro_lid i = 0; i < run->n_owned; i++) run->stalls.first[i] = -1;
cleanup:
  return status;
}

/* Everything that needs no other rank. */
static ouro_status run_local(learn_run *run) {
  ouro_status status = OURO_OK;
  OURO_CHECK(run->replicates >= 1 && run->replicates <= INT32_MAX, OURO_ELIMIT,
             "learning.replicates: %" PRId64 " is outside 1 .. %d", run->replicates, INT32_MAX);
  OURO_TRY(new_state(run));
  if (run->limit.on) {
    OURO_TRY(ouro_learn_limit_create(run));
  } else {
    OURO_TRY(ouro_learn_batch_create(run));
    OURO_TRY(ouro_learn_keep_create(run));
  }
  if (run->statistics.on) OURO_TRY(ouro_learn_whole_create(run));
  OURO_TRY(new_kept(run));
  OURO_TRY(new_stalls(run));
  OURO_TRY(ouro_learn_moments_open(run->group, LEARN_NODES, 0, &run->moments));
cleanup:
  return status;
}

/* Everything for the replicates of a group. Collective on its graph's communicator. */
static ouro_status run_create(learn_run *run, const ouro_config *config, const ouro_family *family,
                              const ouro_learn_group *group) {
  ouro_status status = OURO_OK;
  const ouro_graph *graph = group->graph;
  const bool limit = config->learning.sampling == OURO_SAMPLING_LIMIT;
  const bool carried = limit || config->exchange.carry == OURO_CARRY_PARAMETERS;
  *run = (learn_run){.config = config,
                     .family = family,
                     .group = group,
                     .whole = graph,
                     .first = group->first,
                     .replicates = group->replicates,
                     .n_owned = graph->n_owned,
                     .n_local = graph->n_owned + (carried ? graph->n_ghost : 0),
                     .carries_parameters = carried,
                     .statistics.on = config->learning.sampling == OURO_SAMPLING_STATISTICS,
                     .limit.on = limit,
                     .replicate = -1,
                     .failed_node = INT64_MAX};
  OURO_TRY(ouro_schedule_create(config, graph, &run->schedule));
  run->graph = &run->schedule->now;
  OURO_AGREE(graph->comm, run_local(run));
  if (carried) {
    const size_t model = (size_t)run->replicates * (size_t)family->n_parameters * sizeof(double);
    OURO_TRY(ouro_halo_courier_create(graph->halo, model, &run->courier));
  }
  OURO_TRY(ouro_learn_counts_create(run));
cleanup:
  return status;
}

void ouro_learn_stalls_clear(ouro_learn_stalls *stalls) {
  free(stalls->first);
  free(stalls->fits);
  *stalls = (ouro_learn_stalls){0};
}

static void run_clear(learn_run *run) {
  ouro_learn_counts_clear(run);
  ouro_learn_batch_clear(&run->batch);
  ouro_learn_keep_clear(&run->keep);
  ouro_learn_whole_clear(&run->statistics);
  ouro_learn_limit_clear(&run->limit);
  ouro_halo_courier_destroy(&run->courier);
  free(run->theta);
  free(run->next);
  free(run->error);
  free(run->error_sd);
  free(run->sample);
  ouro_learn_stalls_clear(&run->stalls);
  free(run->kept);
  free(run->effective);
  ouro_learn_moments_close(&run->moments);
}

/* Collective: one agreement a generation, of all groups. The message names the smallest failed node and replicate. */
static ouro_status agree_on_failure(const learn_run *run, ouro_status made) {
  enum { BROKEN = -2, STARVED = -1 };
  const ouro_graph *graph = run->group->whole;
  int64_t first[2] = {made != OURO_OK ? BROKEN : run->starved ? STARVED : run->failed_node, INT64_MAX};
  char name[256];
  MPI_Allreduce(MPI_IN_PLACE, &first[0], 1, MPI_INT64_T, MPI_MIN, graph->comm);
  if (first[0] == INT64_MAX) return OURO_OK;
  if (first[0] == BROKEN) return ouro_agree(graph->comm, made);
  if (first[0] == STARVED) return ouro_error(OURO_EINTERNAL, "exchange: fewer samples than the graph has feeds");
  if (run->failed_node == first[0]) first[1] = run->failed_replicate;
  MPI_Allreduce(MPI_IN_PLACE, &first[1], 1, MPI_INT64_T, MPI_MIN, graph->comm);
  ouro_graph_name_of(graph, first[0], name, sizeof name);
  return ouro_error(OURO_ENUMERIC,
                    "node %s: the fit of generation %" PRId64 ", replicate %" PRId64
                    ", broke down: its samples are too large",
                    name, run->generation, first[1]);
}

/* What is not trained keeps its model. That of a root stands in both states once and for all. */
static void keep_untrained(learn_run *run) {
  const size_t stride = (size_t)run->replicates * (size_t)run->family->n_parameters;
  for (ouro_lid i = 0; i < run->n_owned; i++) {
    if (run->size[i] > 0) continue;
    memcpy(run->next + (size_t)i * stride, run->theta + (size_t)i * stride, stride * sizeof(double));
  }
}

/* Neff_i' = forget Neff_i + n_i where it is retrained; n0_i in generation 0. */
static void count_samples(learn_run *run) {
  for (ouro_lid i = 0; run->effective && i < run->n_owned; i++) {
    if (run->generation == 0)
      run->effective[i] = (double)ouro_schedule_initial(run->config, run->graph, i);
    else if (run->size[i] > 0)
      run->effective[i] = run->forget * run->effective[i] + (double)run->size[i];
  }
}

/* Collective: the counts of a generation after the first. */
static ouro_status begin_generation(learn_run *run, ouro_timers *timers) {
  ouro_timers_enter(timers, OURO_PHASE_PLAN);
  const ouro_status status = ouro_learn_counts_move(run);
  ouro_timers_leave(timers);
  if (status != OURO_OK) return status;
  if (run->schedule->varies) keep_untrained(run);
  if (run->plan) run->bytes_sent += ouro_exchange_plan_bytes(run->plan);
  return OURO_OK;
}

static ouro_status make_generation(learn_run *run, ouro_timers *timers) {
  ouro_status status = OURO_OK;
  ouro_timers_enter(timers, OURO_PHASE_TRAIN);
  if (run->generation > 0) OURO_TRY(begin_generation(run, timers));
  count_samples(run);
  if (run->generation == 0)
    ouro_learn_initial(run);
  else
    OURO_TRY(ouro_learn_generation(run, timers));
  double *made = run->next;
  run->next = run->theta;
  run->theta = made;
  if (run->generation == 0) keep_untrained(run);
cleanup:
  ouro_timers_leave(timers);
  return status;
}

/* Make a generation and measure it, unless any group failed. */
static ouro_status pass_generation(learn_run *run, ouro_timers *timers) {
  ouro_status status = make_generation(run, timers);
  ouro_timers_enter(timers, OURO_PHASE_MEASURE);
  if (status == OURO_OK) ouro_learn_measure(run);
  status = agree_on_failure(run, status);
  if (status == OURO_OK) ouro_learn_moments_merge(&run->moments, run->error, run->error_sd);
  ouro_timers_leave(timers);
  return status;
}

static ouro_status loop(learn_run *run, ouro_learn_observer observer, void *context, ouro_timers *timers) {
  ouro_status status = OURO_OK;
  for (run->generation = 0; run->generation <= run->config->learning.generations; run->generation++) {
    status = pass_generation(run, timers);
    const ouro_learn_view view = {run->generation, run->error, run->error_sd, run->theta};
    if (status == OURO_OK && observer) status = observer(context, &view);
    if (status != OURO_OK) goto cleanup;
  }
cleanup:
  return status;
}

static void report_traffic(const learn_run *run, ouro_learn_traffic *traffic) {
  const ouro_halo *halo = run->graph->halo;
  const int64_t generations = run->config->learning.generations;
  if (run->plan) {
    *traffic = (ouro_learn_traffic){run->bytes_sent, ouro_exchange_plan_rounds(run->plan),
                                    ouro_exchange_plan_neighbours(run->plan)};
    return;
  }
  const int64_t model = run->replicates * run->family->n_parameters * (int64_t)sizeof(double);
  *traffic =
      (ouro_learn_traffic){halo->send_row[halo->n_send] * model * generations, 1, ouro_exchange_neighbours(halo)};
}

ouro_status ouro_learn_run_group(const ouro_config *config, const ouro_family *family, const ouro_learn_group *group,
                                 ouro_learn_observer observer, void *context, ouro_timers *timers, double **parameters,
                                 ouro_learn_traffic *traffic, ouro_learn_stalls *stalls) {
  ouro_status status = OURO_OK;
  learn_run run = {0};
  if (parameters) *parameters = NULL;
  if (stalls) *stalls = (ouro_learn_stalls){0};
  OURO_TRY(ouro_learn_check(config, family, group->whole));
  OURO_TRY(ouro_learn_check_memory(config, family, group));
  ouro_timers_enter(timers, OURO_PHASE_PLAN);
  status = ouro_agree(group->whole->comm, run_create(&run, config, family, group));
  ouro_timers_leave(timers);
  if (status != OURO_OK) goto cleanup;
  OURO_TRY(loop(&run, observer, context, timers));
  OURO_TRY(ouro_learn_report_stalls(&run));
  if (parameters) OURO_TRY(ouro_learn_report_parameters(&run, parameters));
  if (traffic) report_traffic(&run, traffic);
  if (stalls) {
    *stalls = run.stalls;
    run.stalls = (ouro_learn_stalls){0};
  }
cleanup:
  run_clear(&run);
  return status;
}

ouro_status ouro_learn_run(const ouro_config *config, const ouro_family *family, const ouro_graph *graph,
                           ouro_learn_observer observer, void *context, ouro_timers *timers, double **parameters,
                           ouro_learn_traffic *traffic, ouro_learn_stalls *stalls) {
  ouro_status status;
  ouro_learn_group *group = NULL;
  if (parameters) *parameters = NULL;
  if (stalls) *stalls = (ouro_learn_stalls){0};
  OURO_TRY(ouro_learn_group_form(config, graph, &group));
  OURO_TRY(ouro_learn_run_group(config, family, group, observer, context, timers, parameters, traffic, stalls));
cleanup:
  ouro_learn_group_destroy(&group);
  return status;
}
