/* `ouro run`: simulate an experiment, predict it, store both side by side, and say how well they agree. */

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/results.h"
#include "ouro/base/log.h"
#include "ouro/base/progress.h"

static const struct argp_option option_table[] = {CLI_SET_OPTION, CLI_COMMON_OPTIONS, {0}};

enum { INDENT = 20, WIDTH = 78 }; /* of the lists below, narrow enough that argp leaves them as they are */

/* A word behind those of a line, `column` wide so far; on a line of its own where it does not fit. Returns the width.
 */
static int write_word(FILE *out, int column, const char *word, int length) {
  if (column + 1 + length > WIDTH) column = fprintf(out, "\n%*s", INDENT, "") - 1;
  return column + fprintf(out, " %.*s", length, word);
}

static void write_keys(FILE *out, const ouro_family_methods *family) {
  int column = fprintf(out, "  %-*s", INDENT - 2, family->name), length;
  for (const char *key = family->keys; key && *(key += strspn(key, " ")); key += length) {
    length = (int)strcspn(key, " ");
    column = write_word(out, column, key, length);
  }
  fprintf(out, "\n");
}

static void write_measures(FILE *out, const ouro_family_methods *family) {
  int column = fprintf(out, "  %-*s", INDENT - 2, family->name);
  for (const ouro_measure *m = family->measures; m && m->name; m++) {
    column = write_word(out, column, m->name, (int)strlen(m->name));
  }
  fprintf(out, "\n");
}

static bool has_statistics(const ouro_family_methods *family) {
  return family->draw_statistics != NULL;
}

static bool has_limit(const ouro_family_methods *family) {
  return family->scatter != NULL;
}

/* The families that have a tier of sampling. */
static void write_tier(FILE *out, const char *tier, bool (*has)(const ouro_family_methods *family)) {
  const ouro_family_methods *family;
  int column = fprintf(out, "  %-*s", INDENT - 2, tier);
  for (int i = 0; (family = ouro_family_at(i)) != NULL; i++) {
    if (has(family)) column = write_word(out, column, family->name, (int)strlen(family->name));
  }
  fprintf(out, "\n");
}

static void write_families(FILE *out) {
  const ouro_family_methods *family;
  fprintf(out, "Families (model.family), and the keys of `model` that they take:\n");
  for (int i = 0; (family = ouro_family_at(i)) != NULL; i++) write_keys(out, family);
  fprintf(out, "\nThose that can be sampled otherwise than by rows (learning.sampling):\n");
  write_tier(out, "statistics", has_statistics);
  write_tier(out, "limit", has_limit);
  fprintf(out, "\nMeasures (output.measures) that they have beside the error:\n");
  for (int i = 0; (family = ouro_family_at(i)) != NULL; i++) write_measures(out, family);
}

/* Before the final words: the families, what they take and what they measure. */
static char *help_filter(int key, const char *text, void *input) {
  (void)input;
  if (key != ARGP_KEY_HELP_POST_DOC) return (char *)text;
  char *written = NULL;
  size_t length = 0;
  FILE *out = open_memstream(&written, &length);
  if (out == NULL) return (char *)text;
  write_families(out);
  fprintf(out, "\n%s", text);
  return fclose(out) == 0 ? written : (char *)text; /* argp releases what is not its own text */
}

static const struct argp argp = {
    option_table,
    cli_parse_experiment,
    "EXPERIMENT.yaml",
    "Simulate an experiment generation by generation, compute what theory predicts, and store both."
    "\vResults go to output.file (default: the experiment's name with .h5). Run it by mpirun or srun on any number of "
    "ranks: "
    "the results are the same.\n\n"
    "The file of real.nodes has a line a model, node and real; a first line may name more columns: initial (real "
    "samples "
    "of generation 0), noise (of samples drawn from the model), every (retrained in generations that are "
    "multiples).\n\n"
    "Example: ouro run jobs/llm/as-published.yaml --set learning.generations=10",
    NULL,
    help_filter,
    NULL};

typedef struct run_state {
  cli_results *results;
  cli_job *job;
  ouro_progress progress;
} run_state;

/* Observer of the generation loop: store what is wanted, show how far it is. */
static ouro_status observe(void *context, const ouro_learn_view *view) {
  run_state *run = context;
  ouro_timers_enter(&run->job->timers, OURO_PHASE_WRITE);
  const ouro_status status = cli_results_generation(run->results, view);
  ouro_timers_leave(&run->job->timers);
  ouro_progress_update(&run->progress, view->generation);
  return status;
}

static void print_means(const cli_results *results, const ouro_verdict *verdict) {
  double simulated[OURO_CLASS_COUNT], theory[OURO_CLASS_COUNT];
  cli_results_summary(results, simulated, theory);
  printf("  %-11s %10s  %14s  %14s\n", "verdict", "models", "mean error", "theory");
  for (int c = 0; c < OURO_CLASS_COUNT; c++) {
    if (verdict->count[c] == 0) continue;
    printf("  %-11s %10" OURO_GID_FMT "  %14.6g", ouro_class_name((ouro_class)c), verdict->count[c], simulated[c]);
    if (isnan(theory[c]))
      printf("  %14s\n", "-");
    else
      printf("  %14.6g\n", theory[c]);
  }
}

/* With few replicates the mean of the skewed errors and their standard deviation go together, and z has tails far
 * heavier than the normal law has. */
#define REPLICATES_FOR_Z 100

static void print_agreement(const ouro_agreement *agreement, const ouro_prediction *prediction, const char *where,
                            const ouro_config *config) {
  if (prediction->kind == OURO_PREDICT_NONE) {
    printf("theory: none: %s\n", prediction->reason);
    return;
  }
  printf("theory: %s", cli_theory_kind(config, prediction));
  if (agreement->n == 0) {
    printf("; one replicate gives no standard error, so no z-scores\n");
    return;
  }
  printf("; z-scores: rms %.3f over %" PRId64 ", %" PRId64 " beyond 3 (%.1f expected), largest %.2f at model %s, "
         "generation %" PRId64 "\n",
         ouro_agreement_rms(agreement), agreement->n, agreement->beyond_3, ouro_agreement_expected(agreement),
         agreement->largest, where, agreement->when);
  if (config->learning.replicates < REPLICATES_FOR_Z) {
    printf("        (%" PRId64 " replicates are too few for z to be near normal: these scores are no test)\n",
           config->learning.replicates);
  }
}

static void print_report(const run_state *run, const ouro_verdict *verdict, const cli_theory *theory,
                         const char *where) {
  const ouro_config *config = run->job->config;
  static const char *const tiers[] = {[OURO_SAMPLING_ROWS] = "",
                                      [OURO_SAMPLING_STATISTICS] = ", sampling statistics",
                                      [OURO_SAMPLING_LIMIT] = ", sampling limit"};
  printf("generation %" PRId64 ", %" PRId64 " replicate%s%s, error = %s\n", config->learning.generations,
         config->learning.replicates, config->learning.replicates == 1 ? "" : "s", tiers[config->learning.sampling],
         run->job->family->methods->measure);
  print_means(run->results, verdict);
  cli_theory_print_basis(theory);
  print_agreement(cli_results_agreement(run->results), theory->prediction, where, config);
  cli_results_print_measures(run->results);
}

/* Reduce the z-scores, print the report, complete the file. */
static ouro_status finish(run_state *run, const ouro_verdict *verdict, const cli_theory *theory,
                          const double *parameters, const ouro_learn_traffic *traffic) {
  cli_job *job = run->job;
  ouro_agreement *agreement = cli_results_agreement(run->results);
  ouro_status status = OURO_OK;
  char where[CLI_NAME_SIZE] = "-";
  ouro_timers_enter(&job->timers, OURO_PHASE_FINISH);
  OURO_TRY(ouro_agreement_reduce(agreement, job->graph->comm));
  if (agreement->n > 0) ouro_graph_name_of(job->graph, agreement->where, where, sizeof where);
  OURO_TRY(cli_results_measures(run->results));
  if (cli_is_root(job->graph->comm)) print_report(run, verdict, theory, where);
  OURO_TRY(cli_results_finish(&run->results, parameters, traffic, &job->timers));
  if (cli_is_root(job->graph->comm)) printf("results: %s\n", job->config->output.file);
cleanup:
  ouro_timers_leave(&job->timers);
  return status;
}

/* Collective: models that had no fit, how often, and the first of them. */
static void print_stalls(const cli_job *job, const ouro_learn_stalls *stalls) {
  const ouro_graph *graph = job->graph;
  const char *unfitted = job->family->methods->unfitted;
  int64_t count[2] = {0}, first[2] = {INT64_MAX, INT64_MAX}; /* models and fits; generation, and node in it */
  char name[CLI_NAME_SIZE];
  for (ouro_lid i = 0; i < graph->n_owned; i++) {
    count[0] += stalls->fits[i] > 0;
    count[1] += stalls->fits[i];
    if (stalls->first[i] >= 0 && stalls->first[i] < first[0]) first[0] = stalls->first[i];
  }
  MPI_Allreduce(MPI_IN_PLACE, count, 2, MPI_INT64_T, MPI_SUM, graph->comm);
  MPI_Allreduce(MPI_IN_PLACE, first, 1, MPI_INT64_T, MPI_MIN, graph->comm);
  if (count[0] == 0) return;
  for (ouro_lid i = graph->n_owned - 1; i >= 0; i--) {
    if (stalls->first[i] == first[0] && graph->gid[i] < first[1]) first[1] = graph->gid[i];
  }
  MPI_Allreduce(MPI_IN_PLACE, first + 1, 1, MPI_INT64_T, MPI_MIN, graph->comm);
  ouro_graph_name_of(graph, first[1], name, sizeof name);
  if (!cli_is_root(graph->comm)) return;
  printf("%" PRId64 " model%s stalled: %s; %" PRId64 " fit%s did not exist, the first in generation %" PRId64
         " at model %s\n        (a model without a fit keeps its parameters, and its consumers train on those)\n",
         count[0], count[0] == 1 ? "" : "s", unfitted ? unfitted : "samples did not determine it", count[1],
         count[1] == 1 ? "" : "s", first[0], name);
}

static ouro_status simulate(cli_job *job, const ouro_verdict *verdict, const cli_theory *theory, int argc,
                            char **argv) {
  run_state run = {.job = job};
  ouro_status status = OURO_OK;
  double *parameters = NULL;
  ouro_learn_traffic traffic;
  ouro_learn_stalls stalls = {0};
  OURO_TRY(cli_results_begin(job, verdict, theory, true, argc, argv, &run.results));
  ouro_progress_begin(&run.progress, "generation", job->config->learning.generations, cli_is_root(job->graph->comm));
  status = ouro_learn_run_group(job->config, job->family, job->group, observe, &run, &job->timers,
                                job->config->output.parameters ? &parameters : NULL, &traffic, &stalls);
  ouro_progress_end(&run.progress);
  OURO_TRY(status);
  print_stalls(job, &stalls);
  OURO_TRY(cli_results_stalls(run.results, &stalls));
  OURO_TRY(finish(&run, verdict, theory, parameters, &traffic));
cleanup:
  cli_results_discard(&run.results);
  ouro_learn_stalls_clear(&stalls);
  free(parameters);
  return status;
}

ouro_status cli_run(MPI_Comm comm, int argc, char **argv) {
  ouro_status status = OURO_OK;
  cli_options options = {.max_positional = 1};
  cli_job job = {0};
  ouro_verdict *verdict = NULL;
  cli_theory theory = {0};
  OURO_TRY(cli_parse(comm, &argp, argc, argv, &options));
  if (options.help) goto cleanup;
  OURO_TRY(cli_job_open(comm, options.positional[0], &options, &job));
  OURO_TRY(cli_job_distribute(comm, &job));
  OURO_TRY(ouro_learn_check_memory(job.config, job.family, job.group)); /* before theory, which may take its time */
  OURO_TRY(cli_job_decide(&job, &verdict));
  OURO_TRY(cli_theory_compute(&job, verdict, &theory));
  OURO_TRY(simulate(&job, verdict, &theory, argc, argv));
  OURO_TRY(cli_timing_print(comm, &job.timers));
cleanup:
  cli_theory_clear(&theory);
  ouro_verdict_destroy(&verdict);
  cli_job_close(&job);
  cli_options_clear(&options);
  return status;
}
