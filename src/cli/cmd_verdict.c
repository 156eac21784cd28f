/* `ouro verdict`: which models of a graph collapse, and what cures it. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "ouro/base/log.h"
#include "ouro/base/memory.h"
#include "ouro/theory/verdict.h"

enum { KEY_REAL = 256, KEY_SAMPLES, KEY_REAL_SAMPLES, KEY_COLUMNS, KEY_FLIP, KEY_NODES, KEY_ROOTS, KEY_TSV, KEY_JSON };

typedef struct verdict_options {
  cli_options common;
  bool tsv, json;
} verdict_options;

static const struct argp_option option_table[] = {
    {"real", KEY_REAL, "all|none|FILE", 0, "Which nodes get real data (default none)", 0},
    {"samples", KEY_SAMPLES, "M", 0, "Samples of a feed without a count (default 100)", 0},
    {"real-samples", KEY_REAL_SAMPLES, "R", 0, "Real samples of a node (default: those of a feed)", 0},
    {"columns", KEY_COLUMNS, "NAMES", 0, "Columns of the file, e.g. 'source target samples'; - skips one", 0},
    {"nodes", KEY_NODES, "N", 0, "Declare integer ids 0..N-1", 0},
    {"flip", KEY_FLIP, 0, 0, "Reverse every feed", 0},
    {"roots", KEY_ROOTS, "POLICY", 0, "Nodes without feeds: frozen (default), real, self or error", 0},
    {"tsv", KEY_TSV, 0, 0, "A line a node: node, verdict, component", 0},
    {"json", KEY_JSON, 0, 0, "The summary as JSON", 0},
    CLI_COMMON_OPTIONS,
    {0}};

static error_t parse(int key, char *argument, struct argp_state *state) {
  verdict_options *options = state->input;
  cli_options *common = &options->common;
  switch (key) {
  case KEY_REAL:
    return cli_override(common, "real.nodes", argument) == OURO_OK ? 0 : ENOMEM;
  case KEY_SAMPLES:
    return cli_override(common, "graph.samples", argument) == OURO_OK ? 0 : ENOMEM;
  case KEY_REAL_SAMPLES:
    return cli_override(common, "real.samples", argument) == OURO_OK ? 0 : ENOMEM;
  case KEY_COLUMNS:
    return cli_override(common, "graph.columns", argument) == OURO_OK ? 0 : ENOMEM;
  case KEY_NODES:
    return cli_override(common, "graph.nodes", argument) == OURO_OK ? 0 : ENOMEM;
  case KEY_ROOTS:
    return cli_override(common, "graph.roots", argument) == OURO_OK ? 0 : ENOMEM;
  case KEY_FLIP:
    return cli_override(common, "graph.flip", "true") == OURO_OK ? 0 : ENOMEM;
  case KEY_TSV:
    options->tsv = true;
    return 0;
  case KEY_JSON:
    options->json = true;
    return 0;
  case ARGP_KEY_END:
    if (common->n_positional == 0 && !common->help) argp_error(state, "name a graph file");
    return common->n_positional == 0 && !common->help ? EINVAL : 0;
  default:
    return cli_parse_common(key, argument, state);
  }
}

static const struct argp argp = {
    option_table,
    parse,
    "GRAPH",
    "Decide for every model of a graph whether it collapses, is anchored by real data, or frozen."
    "\vA model collapses iff an unstable source feeds it, directly or not: a strongly connected group of models that "
    "train on one another, without real data and fed by nobody else.\n\n"
    "Example: ouro verdict feeds.tsv --real models.tsv",
    NULL,
    NULL,
    NULL};

/* One line a node: node, verdict, component (the name of its first node), separated by tabs. */
static ouro_status print_tsv(const ouro_graph *graph, const ouro_verdict *verdict) {
  ouro_status status = OURO_OK;
  cli_names *names = NULL;
  char *text = NULL;
  size_t length = 0;
  FILE *stream = NULL;
  OURO_TRY(cli_names_fetch(graph, graph->n_owned, verdict->component, &names));
  stream = open_memstream(&text, &length);
  OURO_AGREE(graph->comm, stream ? OURO_OK : ouro_error(OURO_ENOMEM, "out of memory for the table"));
  if (cli_is_root(graph->comm)) fputs("node\tverdict\tcomponent\n", stream);
  for (ouro_lid i = 0; i < graph->n_owned; i++) {
    char name[256];
    fprintf(stream, "%s\t%s\t%s\n", ouro_graph_name(graph, i, name, sizeof name),
            ouro_class_name((ouro_class)verdict->class_of[i]), cli_names_get(names, graph, verdict->component[i]));
  }
  const bool failed = fclose(stream) != 0;
  stream = NULL;
  OURO_AGREE(graph->comm, failed ? ouro_error(OURO_ENOMEM, "out of memory for the table") : OURO_OK);
  OURO_TRY(cli_print_in_order(graph->comm, text, length, stdout));
cleanup:
  if (stream) fclose(stream);
  free(text);
  cli_names_destroy(&names);
  return status;
}

/* The names of the listed unstable sources, and what cures them. Every rank calls, rank 0 prints. */
static ouro_status print_sources(const ouro_graph *graph, const ouro_verdict *verdict) {
  enum { SHOWN = 20 };
  ouro_status status = OURO_OK;
  ouro_gid first[SHOWN];
  cli_names *names = NULL;
  const int n = verdict->n_listed < SHOWN ? verdict->n_listed : SHOWN;
  for (int k = 0; k < n; k++) first[k] = verdict->listed[k].first;
  OURO_TRY(cli_names_fetch(graph, n, first, &names));
  if (!cli_is_root(graph->comm)) goto cleanup;
  printf("\n%" OURO_GID_FMT " unstable source%s: models that live on their own output\n", verdict->n_unstable,
         verdict->n_unstable == 1 ? "" : "s");
  printf("  %10s  %s\n", "models", "first of them");
  for (int k = 0; k < n; k++) {
    printf("  %10" OURO_GID_FMT "  %s\n", verdict->listed[k].size, cli_names_get(names, graph, first[k]));
  }
  if (verdict->n_unstable > n) printf("  ... and %" OURO_GID_FMT " more (--tsv names all)\n", verdict->n_unstable - n);
  printf("\ncure: fresh real data for %" OURO_GID_FMT " model%s, one of each unstable source", verdict->n_unstable,
         verdict->n_unstable == 1 ? "" : "s");
  for (int k = 0; k < n; k++) printf("%s%s", k ? ", " : ": ", cli_names_get(names, graph, first[k]));
  printf("%s\n", verdict->n_unstable > n ? ", ..." : "");
cleanup:
  cli_names_destroy(&names);
  return status;
}

static void print_class(const ouro_graph *graph, const ouro_verdict *verdict, ouro_class class_, const char *meaning) {
  const ouro_gid n = verdict->count[class_];
  const double share = graph->n_nodes > 0 ? 100.0 * (double)n / (double)graph->n_nodes : 0.0;
  printf("  %-11s %10" OURO_GID_FMT "  %5.1f %%  %s\n", ouro_class_name(class_), n, share, meaning);
}

ouro_status cli_verdict_print(const ouro_graph *graph, const ouro_verdict *verdict) {
  if (cli_is_root(graph->comm)) {
    printf("  %-11s %10s  %7s\n", "verdict", "models", "share");
    print_class(graph, verdict, OURO_CLASS_COLLAPSING, "error grows without bound: an unstable source feeds them");
    print_class(graph, verdict, OURO_CLASS_ANCHORED, "error stays bounded: real data reach them");
    print_class(graph, verdict, OURO_CLASS_FROZEN, "error stays bounded, never corrected: they live off frozen roots");
  }
  if (verdict->n_unstable > 0) return print_sources(graph, verdict);
  if (cli_is_root(graph->comm)) printf("\nno unstable source: nothing collapses\n");
  return OURO_OK;
}

/* A JSON string; names may hold any byte but NUL. */
static void print_json_text(const char *text) {
  putchar('"');
  for (const char *c = text; *c; c++) {
    if (*c == '"' || *c == '\\')
      printf("\\%c", *c);
    else if ((unsigned char)*c < 0x20)
      printf("\\u%04x", (unsigned)*c);
    else
      putchar(*c);
  }
  putchar('"');
}

static ouro_status print_json(const ouro_graph *graph, const ouro_verdict *verdict) {
  ouro_status status = OURO_OK;
  cli_names *names = NULL;
  ouro_gid first[OURO_VERDICT_LISTED];
  for (int k = 0; k < verdict->n_listed; k++) first[k] = verdict->listed[k].first;
  OURO_TRY(cli_names_fetch(graph, verdict->n_listed, first, &names));
  if (!cli_is_root(graph->comm)) goto cleanup;
  printf("{\"nodes\": %" OURO_GID_FMT ", \"feeds\": %" OURO_EID_FMT, graph->n_nodes, graph->n_feeds);
  for (int c = 0; c < OURO_CLASS_COUNT; c++) {
    printf(", \"%s\": %" OURO_GID_FMT, ouro_class_name((ouro_class)c), verdict->count[c]);
  }
  printf(", \"unstable_sources\": %" OURO_GID_FMT ", \"largest\": [", verdict->n_unstable);
  for (int k = 0; k < verdict->n_listed; k++) {
    printf("%s{\"component\": ", k ? ", " : "");
    print_json_text(cli_names_get(names, graph, first[k]));
    printf(", \"models\": %" OURO_GID_FMT "}", verdict->listed[k].size);
  }
  printf("]}\n");
cleanup:
  cli_names_destroy(&names);
  return status;
}

static ouro_status print_summary(const char *path, const cli_job *job, const ouro_verdict *verdict) {
  if (cli_is_root(job->graph->comm)) {
    printf("%s: %" OURO_GID_FMT " models, %" OURO_EID_FMT " feeds; real data: %s\n\n", path, job->graph->n_nodes,
           job->graph->n_feeds, job->config->real.nodes ? job->config->real.nodes : "none");
  }
  return cli_verdict_print(job->graph, verdict);
}

/* What it took: the slowest and the largest rank. */
static ouro_status log_cost(MPI_Comm comm, ouro_timers *timers) {
  ouro_status status;
  ouro_phase_figures figures[OURO_PHASE_COUNT];
  int64_t memory = ouro_memory_high_water();
  OURO_TRY(ouro_timers_reduce(timers, comm, figures));
  MPI_Allreduce(MPI_IN_PLACE, &memory, 1, MPI_INT64_T, MPI_MAX, comm);
  ouro_log_root(OURO_LOG_NOTICE, "verdict: read in %.3f s, decided in %.3f s, at most %.1f MiB a rank",
                figures[OURO_PHASE_READ].max, figures[OURO_PHASE_VERDICT].max, (double)memory / 1048576.0);
cleanup:
  return status;
}

ouro_status cli_verdict(MPI_Comm comm, int argc, char **argv) {
  ouro_status status = OURO_OK;
  verdict_options options = {.common.max_positional = 1};
  cli_job job = {0};
  ouro_verdict *verdict = NULL;
  OURO_TRY(cli_parse(comm, &argp, argc, argv, &options.common));
  if (options.common.help) goto cleanup;
  OURO_TRY(cli_job_open_graph(comm, options.common.positional[0], &options.common, &job));
  ouro_timers_enter(&job.timers, OURO_PHASE_VERDICT);
  OURO_TRY(ouro_verdict_create(job.graph, true, &verdict));
  ouro_timers_leave(&job.timers);
  OURO_TRY(log_cost(comm, &job.timers));
  if (options.tsv)
    OURO_TRY(print_tsv(job.graph, verdict));
  else if (options.json)
    OURO_TRY(print_json(job.graph, verdict));
  else
    OURO_TRY(print_summary(options.common.positional[0], &job, verdict));
cleanup:
  ouro_verdict_destroy(&verdict);
  cli_job_close(&job);
  cli_options_clear(&options.common);
  return status;
}
