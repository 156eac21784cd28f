/* `ouro predict`: theory of an experiment alone, into the same data sets that a run writes. */

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "cli/results.h"
#include "ouro/base/memory.h"

static const struct argp_option option_table[] = {CLI_SET_OPTION, CLI_COMMON_OPTIONS, {0}};

static const struct argp argp = {
    option_table,
    cli_parse_experiment,
    "EXPERIMENT.yaml",
    "Compute the verdict and the expected error of every model at every generation, without simulating."
    "\vResults go to output.file, into the same data sets that `ouro run` writes.\n\n"
    "Example: ouro predict jobs/llm/as-published.yaml --set output.file=theory.h5",
    NULL,
    NULL,
    NULL};

static void print_means(const cli_results *results, const ouro_verdict *verdict, const cli_job *job,
                        const ouro_prediction *prediction) {
  double simulated[OURO_CLASS_COUNT], theory[OURO_CLASS_COUNT];
  if (prediction->kind == OURO_PREDICT_NONE) {
    printf("\nno trajectories: %s\n", prediction->reason);
    return;
  }
  cli_results_summary(results, simulated, theory);
  printf("\ngeneration %" PRId64 ", theory %s, error = %s\n  %-11s %10s  %14s\n", job->config->learning.generations,
         cli_theory_kind(job->config, prediction), job->family->methods->measure, "verdict", "models", "mean error");
  for (int c = 0; c < OURO_CLASS_COUNT; c++) {
    if (verdict->count[c] == 0) continue;
    printf("  %-11s %10" OURO_GID_FMT "  %14.6g\n", ouro_class_name((ouro_class)c), verdict->count[c], theory[c]);
  }
}

static void print_modes(const ouro_modes *modes) {
  enum { SHOWN = 10 };
  if (!modes->found) return;
  printf("\nmodes by share of the stationary variance:");
  for (int k = 0; k < modes->n && k < SHOWN; k++) printf(" %.3g %%", 100 * modes->share[k]);
  printf("%s\n", modes->n > SHOWN ? " ..." : "");
}

/* The models predicted by walks, at the last generation. Every rank calls, rank 0 prints. */
static ouro_status print_dual(const ouro_graph *graph, const cli_theory *theory) {
  enum { SHOWN = 20 };
  const ouro_dual *dual = theory->dual;
  ouro_status status = OURO_OK;
  cli_names *names = NULL;
  const int n = dual->n_nodes < SHOWN ? dual->n_nodes : SHOWN, last = dual->n_generations - 1;
  OURO_TRY(cli_names_fetch(graph, n, theory->dual_nodes, &names));
  if (!cli_is_root(graph->comm)) goto cleanup;
  printf("\ngeneration %" PRId64 ", by backward walks%s\n  %14s  %14s  %10s  %s\n", theory->generations[last],
         dual->exact ? "" : ", first order in 1/n", "error", "standard error", "walks", "model");
  for (int k = 0; k < n; k++) {
    const int at = k * dual->n_generations + last;
    printf("  %14.6g  %14.2g  %10" PRId64 "  %s\n", dual->value[at], dual->standard_error[at], dual->walks[k],
           cli_names_get(names, graph, theory->dual_nodes[k]));
  }
  if (dual->n_nodes > n) printf("  ... and %d more in the file\n", dual->n_nodes - n);
cleanup:
  cli_names_destroy(&names);
  return status;
}

static ouro_status store(cli_job *job, const ouro_verdict *verdict, const cli_theory *theory, int argc, char **argv) {
  ouro_status status = OURO_OK;
  cli_results *results = NULL;
  const int64_t n_rows = theory->prediction->kind == OURO_PREDICT_NONE ? 0 : theory->prediction->n_rows;
  ouro_timers_enter(&job->timers, OURO_PHASE_WRITE);
  OURO_TRY(cli_results_begin(job, verdict, theory, false, argc, argv, &results));
  for (int64_t t = 0; t < n_rows; t++) OURO_TRY(cli_results_generation(results, &(ouro_learn_view){.generation = t}));
  OURO_TRY(cli_results_measures(results));
  if (cli_is_root(job->graph->comm)) print_means(results, verdict, job, theory->prediction);
  if (theory->modes && cli_is_root(job->graph->comm)) print_modes(theory->modes);
  if (theory->dual) OURO_TRY(print_dual(job->graph, theory));
  OURO_TRY(cli_results_finish(&results, NULL, NULL, &job->timers));
  if (cli_is_root(job->graph->comm)) printf("results: %s\n", job->config->output.file);
cleanup:
  cli_results_discard(&results);
  ouro_timers_leave(&job->timers);
  return status;
}

/* The verdict, with what each unstable source ruins where its rate is known. */
static ouro_status print_verdict(const cli_job *job, const ouro_verdict *verdict, const cli_theory *theory) {
  ouro_status status = OURO_OK;
  ouro_damage *damage = NULL;
  if (theory->rates) OURO_TRY(ouro_damage_create(job->graph, verdict, &damage));
  OURO_TRY(cli_verdict_print(job->graph, verdict, theory->rates, damage));
  if (cli_is_root(job->graph->comm)) cli_theory_print_basis(theory);
cleanup:
  ouro_damage_destroy(&damage);
  return status;
}

ouro_status cli_predict(MPI_Comm comm, int argc, char **argv) {
  ouro_status status = OURO_OK;
  cli_options options = {.max_positional = 1};
  cli_job job = {0};
  ouro_verdict *verdict = NULL;
  cli_theory theory = {0};
  OURO_TRY(cli_parse(comm, &argp, argc, argv, &options));
  if (options.help) goto cleanup;
  OURO_TRY(cli_job_open(comm, options.positional[0], &options, &job));
  OURO_TRY(cli_job_decide(&job, &verdict));
  OURO_TRY(cli_theory_compute(&job, verdict, &theory));
  OURO_TRY(print_verdict(&job, verdict, &theory));
  OURO_TRY(store(&job, verdict, &theory, argc, argv));
  OURO_TRY(cli_timing_print(comm, &job.timers));
cleanup:
  cli_theory_clear(&theory);
  ouro_verdict_destroy(&verdict);
  cli_job_close(&job);
  cli_options_clear(&options);
  return status;
}
