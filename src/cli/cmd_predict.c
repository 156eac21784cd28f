/* `ouro predict`: theory of an experiment alone, into the same data sets that a run writes. */

#include <errno.h>
#include <math.h>
#include <stdio.h>

#include "cli/results.h"
#include "ouro/base/log.h"

static const struct argp_option option_table[] = {CLI_SET_OPTION, CLI_COMMON_OPTIONS, {0}};

static error_t parse(int key, char *argument, struct argp_state *state) {
  const cli_options *options = state->input;
  if (key != ARGP_KEY_END) return cli_parse_common(key, argument, state);
  if (options->help || options->n_positional == 1) return 0;
  argp_error(state, "name an experiment file");
  return EINVAL;
}

static const struct argp argp = {
    option_table,
    parse,
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
  cli_results_summary(results, simulated, theory);
  printf("\ngeneration %" PRId64 ", theory %s, error = excess risk / p\n  %-11s %10s  %14s\n",
         job->config->learning.generations, prediction->kind == OURO_PREDICT_EXACT ? "exact" : "first order in 1/n",
         "verdict", "models", "mean error");
  for (int c = 0; c < OURO_CLASS_COUNT; c++) {
    if (verdict->count[c] == 0) continue;
    printf("  %-11s %10" OURO_GID_FMT "  %14.6g\n", ouro_class_name((ouro_class)c), verdict->count[c], theory[c]);
  }
  printf("results: %s\n", job->config->output.file);
}

static ouro_status store(cli_job *job, const ouro_verdict *verdict, const ouro_prediction *prediction, int argc,
                         char **argv) {
  ouro_status status = OURO_OK;
  cli_results *results = NULL;
  ouro_timers_enter(&job->timers, OURO_PHASE_WRITE);
  OURO_TRY(cli_results_begin(job, verdict, prediction, false, argc, argv, &results));
  for (int64_t t = 0; t < prediction->n_rows; t++) OURO_TRY(cli_results_generation(results, t, NULL, NULL));
  if (cli_is_root(job->graph->comm)) print_means(results, verdict, job, prediction);
  OURO_TRY(cli_results_finish(&results, NULL, NULL, &job->timers));
cleanup:
  cli_results_discard(&results);
  ouro_timers_leave(&job->timers);
  return status;
}

ouro_status cli_predict(MPI_Comm comm, int argc, char **argv) {
  ouro_status status = OURO_OK;
  cli_options options = {.max_positional = 1};
  cli_job job = {0};
  ouro_verdict *verdict = NULL;
  ouro_prediction *prediction = NULL;
  OURO_TRY(cli_parse(comm, &argp, argc, argv, &options));
  if (options.help) goto cleanup;
  OURO_TRY(cli_job_open(comm, options.positional[0], &options, &job));
  OURO_TRY(ouro_learn_check(job.config, job.family, job.graph));
  OURO_TRY(cli_job_decide(&job, &verdict));
  OURO_TRY(cli_verdict_print(job.graph, verdict));
  OURO_TRY(ouro_predict(job.config, job.family, job.graph, &job.timers, &prediction));
  OURO_CHECK(prediction->kind != OURO_PREDICT_NONE, OURO_ELIMIT, "no prediction: %s", prediction->reason);
  ouro_log_root(OURO_LOG_NOTICE, "theory: %s", prediction->reason);
  OURO_TRY(store(&job, verdict, prediction, argc, argv));
cleanup:
  ouro_prediction_destroy(&prediction);
  ouro_verdict_destroy(&verdict);
  cli_job_close(&job);
  cli_options_clear(&options);
  return status;
}
