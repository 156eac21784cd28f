/* `ouro advise`: which models should get real data. */

#include <ctype.h>
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
    {"tsv", KEY_TSV, 0, 0, "A line a feed: list, number, node, component, total_error", 0},
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
    "with "
    "--budget the few real feeds that help most."
    "\vA feed gives a model real.samples real samples a generation. Feeds are judged by the total error: the expected "
    "error summed over all models at the last generation, by the exact recursion with the feed in place. The cure is "
    "the best of its size. The feeds of --budget are greedy: each is the best after those before it, so that two or "
    "more of them need not be the best together.\n\n"
    "Example: ouro advise jobs/llm/deepseek-withdrawn.yaml --budget 2",
    NULL,
    NULL,
    NULL};

/* ---- the file of candidates ---- */

/* A name in the order of names, and the owned node it belongs to. */
typedef struct named {
  char text[CLI_NAME_SIZE];
  ouro_lid node;
} named;

static int by_text(const void *left, const void *right) {
  return strcmp(((const named *)left)->text, ((const named *)right)->text);
}

static ouro_status name_owned(const ouro_graph *graph, named **names) {
  ouro_status status = OURO_OK;
  OURO_NEW(*names, graph->n_owned);
  for (ouro_lid i = 0; i < graph->n_owned; i++) {
    ouro_graph_name(graph, i, (*names)[i].text, CLI_NAME_SIZE);
    (*names)[i].node = i;
  }
  qsort(*names, (size_t)graph->n_owned, sizeof **names, by_text);
cleanup:
  return status;
}

/* The name that a line begins with, up to a tab, in place; NULL for a comment, an empty line, or the line that names
 * the columns. */
static const char *name_in(char *line, int64_t number) {
  line[strcspn(line, "\t\r\n")] = '\0';
  for (size_t n = strlen(line); n > 0 && isspace((unsigned char)line[n - 1]);) line[--n] = '\0';
  if (line[0] == '\0' || line[0] == '#' || line[0] == '%') return NULL;
  return number == 1 && strcmp(line, "node") == 0 ? NULL : line;
}

/* Read the next line on rank 0 and tell all; length -1 at the end. */
static ouro_status next_line(MPI_Comm comm, const char *path, FILE *file, char **line, size_t *size, int *length) {
  ouro_status status = OURO_OK;
  ssize_t n = file ? getline(line, size, file) : -1;
  OURO_AGREE(comm, n > INT32_MAX || (file && ferror(file)) ? ouro_error(OURO_EIO, "cannot read %s", path) : OURO_OK);
  *length = (int)n;
  MPI_Bcast(length, 1, MPI_INT, 0, comm);
  if (*length < 0) return OURO_OK;
  if (!file) free(*line);
  if (!file) *line = ouro_memory_new((size_t)*length + 1, 1);
  OURO_AGREE(comm, *line ? OURO_OK : OURO_ENOMEM);
  MPI_Bcast(*line, *length + 1, MPI_CHAR, 0, comm);
cleanup:
  return status;
}

/* Mark the owned node of a name; some rank must own it. */
static ouro_status mark(const ouro_graph *graph, const named *names, const char *path, int64_t number, const char *name,
                        int8_t *candidate) {
  named wanted = {.node = -1};
  snprintf(wanted.text, sizeof wanted.text, "%s", name);
  const named *found = bsearch(&wanted, names, (size_t)graph->n_owned, sizeof *names, by_text);
  int known = found != NULL;
  if (found) candidate[found->node] = 1;
  MPI_Allreduce(MPI_IN_PLACE, &known, 1, MPI_INT, MPI_MAX, graph->comm);
  if (known) return OURO_OK;
  return ouro_error(OURO_EINPUT, "%s:%" PRId64 ": the graph has no model `%s`", path, number, name);
}

static ouro_status read_lines(const ouro_graph *graph, const named *names, const char *path, FILE *file,
                              int8_t *candidate) {
  ouro_status status = OURO_OK;
  char *line = NULL;
  size_t size = 0;
  int length;
  int64_t n_named = 0;
  for (int64_t number = 1;; number++) {
    OURO_TRY(next_line(graph->comm, path, file, &line, &size, &length));
    if (length < 0) break;
    const char *name = name_in(line, number);
    if (name == NULL) continue;
    OURO_TRY(mark(graph, names, path, number, name, candidate));
    n_named++;
  }
  OURO_CHECK(n_named > 0, OURO_EINPUT, "%s: names no model", path);
cleanup:
  free(line);
  return status;
}

static ouro_status read_candidates(const ouro_graph *graph, const char *path, int8_t **candidate) {
  ouro_status status = OURO_OK;
  named *names = NULL;
  int8_t *made = NULL;
  FILE *file = NULL;
  const bool root = cli_is_root(graph->comm);
  if (root) file = fopen(path, "r");
  OURO_AGREE(graph->comm, root && !file ? ouro_error(OURO_EIO, "cannot open %s: %s", path, strerror(errno)) : OURO_OK);
  made = ouro_memory_new((size_t)graph->n_owned, sizeof *made);
  OURO_AGREE(graph->comm, made ? name_owned(graph, &names) : OURO_ENOMEM);
  OURO_TRY(read_lines(graph, names, path, file, made));
  *candidate = made;
  made = NULL;
cleanup:
  if (file) fclose(file);
  free(names);
  free(made);
  return status;
}

/* ---- output ---- */

static void print_cure(const cli_job *job, const ouro_advice *advice, const cli_names *names) {
  const long long n = (long long)advice->n_cure;
  if (n + advice->n_incurable == 0) printf("\nno unstable source: nothing to cure\n");
  if (n > 0) {
    printf("\nminimum cure: %" OURO_COUNT_FMT
           " real samples a generation for %lld model%s, one of each unstable source\n"
           "  %14s  model\n",
           job->config->real.samples, n, n == 1 ? "" : "s", "total error");
  }
  for (int64_t k = 0; k < n; k++) {
    printf("  %14.6g  %s\n", advice->cure[k].total, cli_names_get(names, job->graph, advice->cure[k].node));
  }
  if (advice->n_incurable > 0) {
    printf("\n%" PRId64 " unstable source%s without a candidate: what %s feed%s collapses all the same\n",
           advice->n_incurable, advice->n_incurable == 1 ? "" : "s", advice->n_incurable == 1 ? "it" : "they",
           advice->n_incurable == 1 ? "s" : "");
  }
}

static void print_best(const cli_job *job, const ouro_advice *advice, const cli_names *names) {
  if (advice->n_best == 0) return;
  printf("\nbest real feeds, each after those before it (greedy), of %" PRId64 " candidates\n  %14s  model\n",
         advice->n_candidates, "total error");
  for (int64_t k = 0; k < advice->n_best; k++) {
    printf("  %14.6g  %s\n", advice->best[k].total, cli_names_get(names, job->graph, advice->best[k].node));
  }
}

static void print_list(const char *list, int64_t n, const ouro_advice_feed *feeds, const cli_job *job,
                       const cli_names *names) {
  for (int64_t k = 0; k < n; k++) {
    printf("%s\t%" PRId64 "\t%s\t", list, k + 1, cli_names_get(names, job->graph, feeds[k].node));
    printf("%s\t%.17g\n", cli_names_get(names, job->graph, feeds[k].component), feeds[k].total);
  }
}

static void print_tsv(const cli_job *job, const ouro_advice *advice, const cli_names *names) {
  printf("list\tnumber\tnode\tcomponent\ttotal_error\nnow\t0\t-\t-\t%.17g\n", advice->total);
  print_list("cure", advice->n_cure, advice->cure, job, names);
  print_list("best", advice->n_best, advice->best, job, names);
}

static void print_text(const cli_job *job, const ouro_advice *advice, const cli_names *names) {
  printf("\ntotal error of %" OURO_GID_FMT " models at generation %" PRId64 ", %s: %.6g\n", job->graph->n_nodes,
         job->config->learning.generations, advice->exact ? "exact" : "first order in 1/n", advice->total);
  print_cure(job, advice, names);
  print_best(job, advice, names);
}

/* Every node that is printed: those of the feeds, and the names of their sources. */
static ouro_status fetch_names(const cli_job *job, const ouro_advice *advice, cli_names **names) {
  ouro_status status = OURO_OK;
  ouro_lid n = 0;
  ouro_gid *wanted = ouro_memory_new(2 * (size_t)(advice->n_cure + advice->n_best), sizeof *wanted);
  OURO_AGREE(job->graph->comm, wanted ? OURO_OK : OURO_ENOMEM);
  for (int64_t k = 0; k < advice->n_cure + advice->n_best; k++) {
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
  OURO_TRY(ouro_learn_check(job->config, job->family, job->graph));
  if (options->candidates) OURO_TRY(read_candidates(job->graph, options->candidates, &candidate));
  OURO_TRY(cli_job_decide(job, &verdict));
  const ouro_advise_request request = {options->budget, candidate};
  OURO_TRY(ouro_advise(job->config, job->family, job->graph, verdict, &request, &advice));
  ouro_log_root(OURO_LOG_NOTICE, "advice: %" PRId64 " candidates, %" PRId64 " recursions", advice->n_candidates,
                advice->n_evaluated);
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
