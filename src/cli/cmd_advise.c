/* `ouro advise`: which models should get real data. */

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/results.h"
#include "ouro/base/log.h"
#include "ouro/base/memory.h"
#include "ouro/theory/advise.h"

enum { KEY_BUDGET = 256, KEY_CANDIDATES, KEY_TSV };

typedef struct advise_options {
  cli_options common;
  int64_t budget;
  const char *candidates; /* file, or NULL */
  bool tsv;
} advise_options;

static const struct argp_option option_table[] = {
    {"budget", KEY_BUDGET, "K", 0, "Also choose the K real feeds that help most (default 0)", 0},
    {"candidates", KEY_CANDIDATES, "FILE", 0,
     "Models that may get real data, one a line; real.samples come to what they have (default: all without real data)",
     0},
    {"tsv", KEY_TSV, 0, 0, "A line a feed: list, number, node, component, total_error, standard_error", 0},
    CLI_SET_OPTION,
    CLI_COMMON_OPTIONS,
    {0}};

static error_t parse_budget(advise_options *options, const char *argument, struct argp_state *state) {
  char *end;
  errno = 0;
  const long long value = strtoll(argument, &end, 10);
  if (errno != 0 || end == argument || *end != '\0' || value < 0) {
    argp_error(state, "--budget is a number of real feeds, not `%s`", argument);
    return EINVAL;
  }
  options->budget = value;
  return 0;
}

static error_t parse(int key, char *argument, struct argp_state *state) {
  advise_options *options = state->input;
  switch (key) {
  case KEY_BUDGET:
    return parse_budget(options, argument, state);
  case KEY_CANDIDATES:
    options->candidates = argument;
    return 0;
  case KEY_TSV:
    options->tsv = true;
    return 0;
  case ARGP_KEY_END:
    if (options->common.help || options->common.n_positional == 1) return 0;
    argp_error(state, "name an experiment file");
    return EINVAL;
  default:
    return cli_parse_common(key, argument, state);
  }
}

static const struct argp argp = {
    option_table,
    parse,
    "EXPERIMENT.yaml",
    "Find the real data that keep models from collapsing: the minimum cure, one model of each unstable source, and "
    "with --budget the few real feeds that help most."
    "\vA feed gives a model real.samples real samples a generation. Feeds are judged by the total error: the expected "
    "error summed over all models at the last generation.\n\n"
    "Small graphs: by the exact recursion with each feed in question in place. The cure is the best of its size. "
    "Larger ones (or theory.exact=none): by backward walks, totals with a standard error of at most theory.dual_error "
    "or as much as theory.dual_walks pairs leave; of an unstable source the model comes into question that walks visit "
    "most for its samples.\n\n"
    "The feeds of --budget are greedy: each is the best after those before it. That need not be the best set: where a "
    "and b live on themselves, h trains on both and c, d, e, f, g on h, 100 samples a feed and real.samples 1000, the "
    "best model to feed is h, but the best two are a and b.\n\n"
    "Example: ouro advise jobs/llm/deepseek-withdrawn.yaml --budget 2",
    NULL,
    NULL,
    NULL};

/* Mark the owned nodes that a file names. */
static ouro_status read_candidates(const ouro_graph *graph, const char *path, int8_t **candidate) {
  ouro_status status = OURO_OK;
  ouro_gid *nodes = NULL;
  int n = 0;
  *candidate = ouro_memory_new((size_t)graph->n_owned, sizeof **candidate);
  OURO_AGREE(graph->comm, *candidate ? OURO_OK : OURO_ENOMEM);
  OURO_TRY(cli_nodes_read(graph, path, &nodes, &n));
  for (int k = 0; k < n; k++) {
    const ouro_lid i = ouro_graph_owned(graph, nodes[k]);
    if (i >= 0) (*candidate)[i] = 1;
  }
cleanup:
  free(nodes);
  return status;
}

/* A total, with its standard error where it has one. */
static void print_total(double total, double standard_error) {
  printf("  %14.6g", total);
  if (standard_error > 0) printf(" +- %-8.2g", standard_error);
}

static void print_feeds(const char *list, int64_t n, const ouro_advice_feed *feeds, const cli_job *job,
                        const cli_names *names) {
  enum { SHOWN = 50 };
  printf("  %14s%s  model\n", "total error", n > 0 && feeds[0].standard_error > 0 ? " +- error  " : "");
  for (int64_t k = 0; k < n && k < SHOWN; k++) {
    print_total(feeds[k].total, feeds[k].standard_error);
    printf("  %s\n", cli_names_get(names, job->graph, feeds[k].node));
  }
  if (n <= SHOWN) return;
  printf("  ... and %" PRId64 " more, with which\n", n - SHOWN);
  print_total(feeds[n - 1].total, feeds[n - 1].standard_error);
  printf("  (--tsv prints the %s in full)\n", list);
}

static void print_cure(const cli_job *job, const ouro_advice *advice, const cli_names *names) {
  const int64_t n = advice->n_cure;
  if (n + advice->n_incurable == 0) printf("\nno unstable source: nothing to cure\n");
  if (n > 0) {
    printf("\nminimum cure: %" OURO_COUNT_FMT " real samples a generation for %" PRId64
           " model%s, one of each unstable source\n",
           job->config->real.samples, n, n == 1 ? "" : "s");
    print_feeds("cure", n, advice->cure, job, names);
    if (isinf(advice->cure[n - 1].total)) printf("  training sets are so small that errors grow all the same\n");
  }
  if (advice->n_incurable > 0) {
    printf("\n%" PRId64 " unstable source%s without a candidate: what %s feed%s collapses all the same\n",
           advice->n_incurable, advice->n_incurable == 1 ? "" : "s", advice->n_incurable == 1 ? "it" : "they",
           advice->n_incurable == 1 ? "s" : "");
  }
}

static void print_best(const cli_job *job, const ouro_advice *advice, const cli_names *names) {
  if (advice->n_best == 0) return;
  printf("\nbest real feeds, each after those before it (greedy), of %" PRId64 " candidates\n", advice->n_candidates);
  print_feeds("list", advice->n_best, advice->best, job, names);
}

static void print_list(const char *list, int64_t n, const ouro_advice_feed *feeds, const cli_job *job,
                       const cli_names *names) {
  for (int64_t k = 0; k < n; k++) {
    printf("%s\t%" PRId64 "\t%s\t", list, k + 1, cli_names_get(names, job->graph, feeds[k].node));
    printf("%s\t%.17g\t%.3g\n", cli_names_get(names, job->graph, feeds[k].component), feeds[k].total,
           feeds[k].standard_error);
  }
}

static void print_tsv(const cli_job *job, const ouro_advice *advice, const cli_names *names) {
  printf("list\tnumber\tnode\tcomponent\ttotal_error\tstandard_error\nnow\t0\t-\t-\t%.17g\t%.3g\n", advice->total,
         advice->standard_error);
  print_list("cure", advice->n_cure, advice->cure, job, names);
  print_list("best", advice->n_best, advice->best, job, names);
}

static void print_text(const cli_job *job, const ouro_advice *advice, const cli_names *names) {
  const bool walked = advice->method == OURO_ADVICE_WALKS;
  const char *exact = walked ? "exact but for their standard error" : "exact";
  printf("\ntotal error of %" OURO_GID_FMT " models at generation %" PRId64 ", by %s, %s: %.6g", job->graph->n_nodes,
         job->config->learning.generations, walked ? "backward walks" : "recursion",
         advice->exact ? exact : "to first order in 1/n", advice->total);
  if (walked) printf(" +- %.2g", advice->standard_error);
  printf("\n");
  if (isinf(advice->total)) printf("inf: the error overflows before that\n");
  print_cure(job, advice, names);
  print_best(job, advice, names);
}

/* Every node that the first rank prints: those of the feeds, and the names of their sources. */
static ouro_status fetch_names(const cli_job *job, const ouro_advice *advice, cli_names **names) {
  ouro_status status = OURO_OK;
  ouro_lid n = 0;
  const int64_t n_feeds = cli_is_root(job->graph->comm) ? advice->n_cure + advice->n_best : 0;
  ouro_gid *wanted = ouro_memory_new(2 * (size_t)n_feeds, sizeof *wanted);
  OURO_AGREE(job->graph->comm, wanted ? OURO_OK : OURO_ENOMEM);
  for (int64_t k = 0; k < n_feeds; k++) {
    const ouro_advice_feed *feed = k < advice->n_cure ? &advice->cure[k] : &advice->best[k - advice->n_cure];
    wanted[n++] = feed->node;
    wanted[n++] = feed->component;
  }
  OURO_TRY(cli_names_fetch(job->graph, n, wanted, names));
cleanup:
  free(wanted);
  return status;
}

static ouro_status print(const advise_options *options, const cli_job *job, const ouro_advice *advice) {
  ouro_status status = OURO_OK;
  cli_names *names = NULL;
  OURO_TRY(fetch_names(job, advice, &names));
  if (cli_is_root(job->graph->comm)) (options->tsv ? print_tsv : print_text)(job, advice, names);
cleanup:
  cli_names_destroy(&names);
  return status;
}

static ouro_status advise(const advise_options *options, cli_job *job) {
  ouro_status status = OURO_OK;
  ouro_verdict *verdict = NULL;
  ouro_advice *advice = NULL;
  int8_t *candidate = NULL;
  if (options->candidates) OURO_TRY(read_candidates(job->graph, options->candidates, &candidate));
  OURO_TRY(cli_job_decide(job, &verdict));
  const ouro_advise_request request = {options->budget, candidate};
  OURO_TRY(ouro_advise(job->config, job->family, job->graph, verdict, &request, &advice));
  ouro_log_root(OURO_LOG_NOTICE, "advice: %" PRId64 " candidates; %s", advice->n_candidates, advice->reason);
  OURO_TRY(print(options, job, advice));
cleanup:
  free(candidate);
  ouro_advice_destroy(&advice);
  ouro_verdict_destroy(&verdict);
  return status;
}

ouro_status cli_advise(MPI_Comm comm, int argc, char **argv) {
  ouro_status status = OURO_OK;
  advise_options options = {.common.max_positional = 1};
  cli_job job = {0};
  OURO_TRY(cli_parse(comm, &argp, argc, argv, &options.common));
  if (options.common.help) goto cleanup;
  OURO_TRY(cli_job_open(comm, options.common.positional[0], &options.common, &job));
  OURO_TRY(advise(&options, &job));
cleanup:
  cli_job_close(&job);
  cli_options_clear(&options.common);
  return status;
}
