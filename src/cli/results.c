/* The run file of a job: tables by global node id, written while generations pass. Every table is described
 * here once; the store does the rest. Must not compute anything but summaries by verdict class. */

#include "cli/results.h"
#include "cli/measures.h"
#include "cli/record.h"
#include "cli/tables.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ouro/base/memory.h"

enum { TRAJECTORY_ERROR, TRAJECTORY_SD, TRAJECTORY_THEORY, TRAJECTORY_Z, N_TRAJECTORIES };
enum { SUMMARY_MEAN, SUMMARY_MIN, SUMMARY_MAX, SUMMARY_THEORY, N_SUMMARIES };

struct cli_results {
  const cli_job *job;
  const ouro_verdict *verdict;
  const cli_theory *theory;
  ouro_store *store;
  ouro_layout *layout;
  ouro_table *trajectory[N_TRAJECTORIES]; /* NULL where there is nothing to write */
  double *summary[N_SUMMARIES];           /* [n_stored][OURO_CLASS_COUNT] */
  double *z;                              /* [n_owned] */
  double *scored;                         /* [n_owned] theory, NaN for roots: they keep the score of generation 0 */
  cli_measures *measures;
  bool simulated;
  int64_t n_stored, next; /* stored generations, and how many of them are written */
  ouro_agreement agreement;
};

static const struct {
  const char *path, *description;
} trajectory_specs[N_TRAJECTORIES] = {
    {"/trajectory/error", "C_ii: the error named in the attributes of /trajectory, mean over replicates"},
    {"/trajectory/error_sd", "standard deviation of the error over replicates; 0 for one replicate"},
    {"/trajectory/theory", "C_ii as predicted by the recursion named in the attributes of /trajectory"},
    {"/trajectory/z",
     "(error - theory) / (error_sd / sqrt(replicates)); NaN where error_sd is 0 but for rounding, and for roots after "
     "generation 0"},
};

static const struct {
  const char *path, *description;
} summary_specs[N_SUMMARIES] = {
    {"/summary/error_mean", "mean error over the models of a verdict class (0 anchored, 1 frozen, 2 collapsing)"},
    {"/summary/error_min", "smallest error of a model of the class"},
    {"/summary/error_max", "largest error of a model of the class"},
    {"/summary/theory_mean", "mean predicted error over the models of the class"},
};

static bool has_theory(const cli_results *results) {
  return results->theory->prediction->kind != OURO_PREDICT_NONE;
}

static ouro_status put_config(cli_results *results) {
  ouro_status status = OURO_OK;
  char *text = NULL;
  OURO_AGREE(results->job->graph->comm,
             ouro_config_save(results->job->config, results->job->family->methods->keys, &text));
  OURO_TRY(ouro_store_set_text(results->store, "/config", "experiment", text));
cleanup:
  free(text);
  return status;
}

/* The generations that are stored, and the names of the verdict classes, as axes. */
static ouro_status put_axes(cli_results *results) {
  enum { CLASS_WIDTH = 16 };
  const ouro_config *config = results->job->config;
  ouro_status status = OURO_OK;
  char class_names[OURO_CLASS_COUNT][CLASS_WIDTH] = {{0}};
  int64_t *value = ouro_memory_new((size_t)results->n_stored, sizeof *value);
  const ouro_table_spec generation = {.kind = OURO_KIND_INT64,
                                      .n_axes = 1,
                                      .axis = {{"generation", results->n_stored}},
                                      .units = "generation",
                                      .description = "generations that are stored; 0 is the fit to real data"};
  const ouro_table_spec class_ = {.kind = OURO_KIND_TEXT,
                                  .text_width = CLASS_WIDTH,
                                  .n_axes = 1,
                                  .axis = {{"class", OURO_CLASS_COUNT}},
                                  .units = "1",
                                  .description = "verdict classes"};
  OURO_AGREE(results->job->graph->comm, value ? OURO_OK : OURO_ENOMEM);
  for (int64_t k = 0; k < results->n_stored; k++) {
    value[k] = cli_stored_generation(config, k);
  }
  for (int c = 0; c < OURO_CLASS_COUNT; c++) {
    snprintf(class_names[c], CLASS_WIDTH, "%s", ouro_class_name((ouro_class)c));
  }
  OURO_TRY(ouro_store_axis(results->store, &generation, value));
  OURO_TRY(ouro_store_axis(results->store, &class_, class_names));
cleanup:
  free(value);
  return status;
}

static ouro_status open_trajectories(cli_results *results) {
  const bool simulated = results->simulated;
  const bool wanted[N_TRAJECTORIES] = {simulated, simulated, has_theory(results), simulated && has_theory(results)};
  ouro_status status = OURO_OK;
  OURO_TRY(put_axes(results));
  for (int k = 0; k < N_TRAJECTORIES; k++) {
    const ouro_table_spec spec = {.path = trajectory_specs[k].path,
                                  .kind = OURO_KIND_DOUBLE,
                                  .n_axes = 2,
                                  .axis = {{"generation", results->n_stored}, {"node", results->job->graph->n_nodes}},
                                  .node_axis = 1,
                                  .units = k == TRAJECTORY_Z ? "1" : results->job->family->methods->error_units,
                                  .description = trajectory_specs[k].description};
    if (wanted[k]) OURO_TRY(ouro_table_create(results->store, &spec, results->layout, &results->trajectory[k]));
  }
  if (!simulated && !has_theory(results)) goto cleanup;
  OURO_TRY(ouro_store_set_text(results->store, "/trajectory", "error_measure", results->job->family->methods->measure));
  if (!has_theory(results)) goto cleanup;
  OURO_TRY(ouro_store_set_text(results->store, "/trajectory", "theory_kind",
                               results->theory->prediction->kind == OURO_PREDICT_EXACT ? "exact" : "first order"));
  OURO_TRY(ouro_store_set_text(results->store, "/trajectory", "theory_engine", results->theory->prediction->reason));
cleanup:
  return status;
}

static ouro_status allocate(const cli_job *job, const ouro_verdict *verdict, const cli_theory *theory,
                            cli_results **results) {
  ouro_status status = OURO_OK;
  OURO_NEW(*results, 1);
  cli_results *made = *results;
  made->job = job;
  made->verdict = verdict;
  made->theory = theory;
  made->n_stored = cli_stored_count(job->config);
  ouro_agreement_zero(&made->agreement);
  OURO_NEW(made->z, job->graph->n_owned);
  OURO_NEW(made->scored, job->graph->n_owned);
  for (int k = 0; k < N_SUMMARIES; k++) OURO_NEW(made->summary[k], made->n_stored * OURO_CLASS_COUNT);
cleanup:
  return status;
}

ouro_status cli_results_begin(const cli_job *job, const ouro_verdict *verdict, const cli_theory *theory, bool simulated,
                              int argc, char **argv, cli_results **results) {
  const ouro_graph *graph = job->graph;
  const ouro_config *config = job->config;
  ouro_status status = OURO_OK;
  *results = NULL;
  OURO_AGREE(graph->comm, allocate(job, verdict, theory, results));
  (*results)->simulated = simulated;
  OURO_TRY(ouro_layout_create(graph->comm, graph->n_nodes, graph->n_owned, graph->gid, &(*results)->layout));
  OURO_TRY(ouro_store_create(graph->comm, config->output.file, config->output.exists == OURO_EXISTS_REPLACE,
                             &(*results)->store));
  ouro_store_deflate((*results)->store, (int)config->output.deflate);
  OURO_TRY(cli_provenance(job, argc, argv, (*results)->store));
  OURO_TRY(put_config(*results));
  const cli_sink sink = {(*results)->store, (*results)->layout, graph, job->family->methods->error_units};
  OURO_TRY(cli_graph_put(&sink));
  OURO_TRY(cli_verdict_put(&sink, verdict));
  OURO_TRY(open_trajectories(*results));
  OURO_TRY(cli_theory_put(&sink, theory));
  OURO_TRY(cli_measures_begin(config, job->family, verdict, &sink, simulated ? job->group : NULL, has_theory(*results),
                              &(*results)->measures));
cleanup:
  if (status != OURO_OK) cli_results_discard(results);
  return status;
}

ouro_agreement *cli_results_agreement(cli_results *results) {
  return &results->agreement;
}

/* Exact, order-free mean over the models of each class, and extremes. */
static ouro_status summarise(const cli_results *results, const double *values, double *mean, double *least,
                             double *largest) {
  const ouro_graph *graph = results->job->graph;
  ouro_status status = OURO_OK;
  ouro_sum sums[OURO_CLASS_COUNT];
  double extremes[2 * OURO_CLASS_COUNT]; /* minima, then negated maxima */
  for (int c = 0; c < OURO_CLASS_COUNT; c++) ouro_sum_zero(&sums[c]);
  for (int k = 0; k < 2 * OURO_CLASS_COUNT; k++) extremes[k] = INFINITY;
  for (ouro_lid i = 0; i < graph->n_owned; i++) {
    const int c = results->verdict->class_of[i];
    ouro_sum_add(&sums[c], values[i]);
    if (values[i] < extremes[c]) extremes[c] = values[i];
    if (-values[i] < extremes[OURO_CLASS_COUNT + c]) extremes[OURO_CLASS_COUNT + c] = -values[i];
  }
  OURO_TRY(ouro_sum_reduce(sums, OURO_CLASS_COUNT, graph->comm));
  MPI_Allreduce(MPI_IN_PLACE, extremes, 2 * OURO_CLASS_COUNT, MPI_DOUBLE, MPI_MIN, graph->comm);
  for (int c = 0; c < OURO_CLASS_COUNT; c++) {
    const ouro_gid n = results->verdict->count[c];
    mean[c] = n > 0 ? ouro_sum_value(&sums[c]) / (double)n : NAN;
    if (least) least[c] = n > 0 ? extremes[c] : NAN;
    if (largest) largest[c] = n > 0 ? -extremes[OURO_CLASS_COUNT + c] : NAN;
  }
cleanup:
  return status;
}

static ouro_status store_generation(cli_results *results, const double *error, const double *error_sd,
                                    const double *theory) {
  const double *values[N_TRAJECTORIES] = {error, error_sd, theory, results->z};
  const int64_t row = results->next * OURO_CLASS_COUNT;
  ouro_status status = OURO_OK;
  for (int k = 0; k < N_TRAJECTORIES; k++) {
    if (results->trajectory[k]) OURO_TRY(ouro_table_write(results->trajectory[k], results->next, values[k]));
  }
  if (error) {
    OURO_TRY(summarise(results, error, results->summary[SUMMARY_MEAN] + row, results->summary[SUMMARY_MIN] + row,
                       results->summary[SUMMARY_MAX] + row));
  }
  if (theory) OURO_TRY(summarise(results, theory, results->summary[SUMMARY_THEORY] + row, NULL, NULL));
  results->next++;
cleanup:
  return status;
}

/* A model that is never retrained. */
static bool is_frozen(const cli_job *job, ouro_lid i) {
  const ouro_graph *graph = job->graph;
  const bool fed = graph->row[i + 1] > graph->row[i];
  return !fed && (graph->real[i] == 0 || job->config->real.kind == OURO_REAL_INITIAL);
}

/* A frozen model repeats the error of generation 0, and scoring it again would count one draw many times. */
static void score(cli_results *results, int64_t generation, const double *error, const double *error_sd,
                  const double *theory) {
  const ouro_graph *graph = results->job->graph;
  for (ouro_lid i = 0; i < graph->n_owned; i++) {
    results->scored[i] = generation > 0 && is_frozen(results->job, i) ? NAN : theory[i];
  }
  ouro_agreement_add(&results->agreement, graph->n_owned, graph->gid, generation,
                     results->job->config->learning.replicates, error, error_sd, results->scored, results->z);
}

ouro_status cli_results_generation(cli_results *results, const ouro_learn_view *view) {
  const int64_t at = view->generation * results->job->graph->n_owned;
  const double *theory = has_theory(results) ? results->theory->prediction->error + at : NULL;
  const bool stored = view->generation == cli_stored_generation(results->job->config, results->next);
  ouro_status status = OURO_OK;
  if (view->error && theory) score(results, view->generation, view->error, view->error_sd, theory);
  OURO_TRY(cli_measures_generation(results->measures, view, theory, stored ? results->next : -1));
  if (stored) OURO_TRY(store_generation(results, view->error, view->error_sd, theory));
cleanup:
  return status;
}

ouro_status cli_results_measures(cli_results *results) {
  return cli_measures_finish(results->measures);
}

void cli_results_print_measures(const cli_results *results) {
  cli_measures_print(results->measures);
}

void cli_results_summary(const cli_results *results, double *simulated, double *theory) {
  for (int c = 0; c < OURO_CLASS_COUNT; c++) {
    const int64_t last = (results->next - 1) * OURO_CLASS_COUNT + c;
    simulated[c] = results->simulated ? results->summary[SUMMARY_MEAN][last] : NAN;
    theory[c] = has_theory(results) ? results->summary[SUMMARY_THEORY][last] : NAN;
  }
}

static ouro_status put_summaries(cli_results *results) {
  ouro_status status = OURO_OK;
  for (int k = 0; k < N_SUMMARIES; k++) {
    if (k == SUMMARY_THEORY ? !has_theory(results) : !results->simulated) continue;
    const ouro_table_spec spec = {.path = summary_specs[k].path,
                                  .kind = OURO_KIND_DOUBLE,
                                  .n_axes = 2,
                                  .axis = {{"generation", results->n_stored}, {"class", OURO_CLASS_COUNT}},
                                  .node_axis = -1,
                                  .units = results->job->family->methods->error_units,
                                  .description = summary_specs[k].description};
    OURO_TRY(ouro_store_put(results->store, &spec, NULL, results->summary[k]));
  }
cleanup:
  return status;
}

static ouro_status put_parameters(cli_results *results, const double *parameters) {
  const cli_job *job = results->job;
  const int64_t slab = (int64_t)job->graph->n_owned * job->family->n_parameters;
  ouro_status status = OURO_OK;
  ouro_table *table = NULL;
  const ouro_table_spec spec = {.path = "/final/parameters",
                                .kind = OURO_KIND_DOUBLE,
                                .n_axes = 3,
                                .axis = {{"replicate", job->config->learning.replicates},
                                         {"node", job->graph->n_nodes},
                                         {"parameter", job->family->n_parameters}},
                                .node_axis = 1,
                                .units = job->family->methods->parameter_units,
                                .description = "parameters of every model after the last generation"};
  OURO_TRY(ouro_table_create(results->store, &spec, results->layout, &table));
  for (int64_t r = 0; status == OURO_OK && r < job->config->learning.replicates; r++) {
    status = ouro_table_write(table, r, parameters + r * slab);
  }
  const ouro_status closed = ouro_table_close(&table);
  OURO_TRY(status != OURO_OK ? status : closed);
cleanup:
  return status;
}

ouro_status cli_results_stalls(cli_results *results, const ouro_learn_stalls *stalls) {
  const cli_job *job = results->job;
  const cli_sink sink = {results->store, results->layout, job->graph, job->family->methods->error_units};
  ouro_status status = OURO_OK;
  OURO_TRY(cli_node_put(&sink, "/node/stalled_generation", OURO_KIND_INT64,
                        "first generation in which a replicate of the model had no fit and kept its parameters; "
                        "-1: none",
                        "generation", stalls->first));
  OURO_TRY(cli_node_put(&sink, "/node/stalled_fits", OURO_KIND_INT64,
                        "fits that did not exist, over all generations and replicates", "fits", stalls->fits));
cleanup:
  return status;
}

static ouro_status put_agreement(cli_results *results) {
  const ouro_agreement *agreement = &results->agreement;
  ouro_status status = OURO_OK;
  OURO_TRY(ouro_store_set_int(results->store, "/trajectory", "z_count", agreement->n));
  if (agreement->n == 0) goto cleanup;
  OURO_TRY(ouro_store_set_real(results->store, "/trajectory", "z_rms", ouro_agreement_rms(agreement)));
  OURO_TRY(ouro_store_set_real(results->store, "/trajectory", "z_largest", agreement->largest));
  OURO_TRY(ouro_store_set_int(results->store, "/trajectory", "z_beyond_3", agreement->beyond_3));
  OURO_TRY(
      ouro_store_set_real(results->store, "/trajectory", "z_beyond_3_expected", ouro_agreement_expected(agreement)));
cleanup:
  return status;
}

static ouro_status close_trajectories(cli_results *results) {
  ouro_status status = OURO_OK;
  for (int k = 0; k < N_TRAJECTORIES; k++) {
    const ouro_status closed = ouro_table_close(&results->trajectory[k]);
    if (status == OURO_OK) status = closed;
  }
  return status;
}

ouro_status cli_results_finish(cli_results **results, const double *parameters, const ouro_learn_traffic *traffic,
                               ouro_timers *timers) {
  cli_results *made = *results;
  ouro_status status = OURO_OK;
  OURO_TRY(close_trajectories(made));
  OURO_TRY(put_summaries(made));
  if (parameters) OURO_TRY(put_parameters(made, parameters));
  if (made->simulated) OURO_TRY(put_agreement(made));
  OURO_TRY(cli_timing_put(made->store, made->job->graph->comm, timers, traffic));
  OURO_TRY(ouro_store_commit(&made->store));
cleanup:
  cli_results_discard(results);
  return status;
}

void cli_results_discard(cli_results **results) {
  if (*results == NULL) return;
  cli_results *made = *results;
  for (int k = 0; k < N_TRAJECTORIES; k++) (void)ouro_table_close(&made->trajectory[k]);
  cli_measures_destroy(&made->measures);
  ouro_store_discard(&made->store);
  ouro_layout_destroy(&made->layout);
  for (int k = 0; k < N_SUMMARIES; k++) free(made->summary[k]);
  free(made->z);
  free(made->scored);
  free(made);
  *results = NULL;
}
