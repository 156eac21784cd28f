/* `ouro verdict`: which models of a graph collapse, how fast, and what cures it. */

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/theory.h"
#include "ouro/base/log.h"
#include "ouro/base/memory.h"
#include "ouro/theory/damage.h"
#include "ouro/theory/rates.h"
#include "ouro/theory/verdict.h"

enum {
  KEY_REAL = 256,
  KEY_SAMPLES,
  KEY_REAL_SAMPLES,
  KEY_COLUMNS,
  KEY_FLIP,
  KEY_NODES,
  KEY_ROOTS,
  KEY_TSV,
  KEY_JSON,
  KEY_SOURCES,
  KEY_RATES
};

typedef enum rates_wanted { RATES_AUTO, RATES_NONE, RATES_ALWAYS } rates_wanted;

typedef struct verdict_options {
  cli_options common;
  bool tsv, json, sources;
  rates_wanted rates;
} verdict_options;

/* What --rates adds to a verdict; NULL where it is not computed. */
typedef struct extras {
  ouro_rates *rates;
  ouro_damage *damage;
} extras;

static const struct argp_option option_table[] = {
    {"real", KEY_REAL, "all|none|FILE", 0, "Which nodes get real data (default none)", 0},
    {"samples", KEY_SAMPLES, "M", 0, "Samples of a feed without a count (default 100)", 0},
    {"real-samples", KEY_REAL_SAMPLES, "R", 0, "Real samples of a node (default: those of a feed)", 0},
    {"columns", KEY_COLUMNS, "NAMES", 0, "Columns of the file, e.g. 'source target samples'; - skips one", 0},
    {"nodes", KEY_NODES, "N", 0, "Declare integer ids 0..N-1", 0},
    {"flip", KEY_FLIP, 0, 0, "Reverse every feed", 0},
    {"roots", KEY_ROOTS, "POLICY", 0, "Nodes without feeds: frozen (default), real, self or error", 0},
    {"tsv", KEY_TSV, 0, 0, "A line a node: node, verdict, component, rate", 0},
    {"json", KEY_JSON, 0, 0, "The summary as JSON", 0},
    {"sources", KEY_SOURCES, 0, 0,
     "A line an unstable source: its first node, models, how many it ruins, relative standard error of that (0: "
     "exact), "
     "period, rate",
     0},
    {"rates", KEY_RATES, "WHEN", 0,
     "How fast models collapse, and how many each unstable source ruins: always, none, or auto (default): with --tsv "
     "or --sources, and for up to a million feeds",
     0},
    CLI_COMMON_OPTIONS,
    {0}};

static error_t parse_rates(const char *argument, struct argp_state *state, rates_wanted *rates) {
  static const char *const names[] = {"auto", "none", "always"};
  for (int k = 0; k < (int)(sizeof names / sizeof names[0]); k++) {
    if (strcmp(argument, names[k]) != 0) continue;
    *rates = (rates_wanted)k;
    return 0;
  }
  argp_error(state, "--rates takes auto, none or always, not '%s'", argument);
  return EINVAL;
}

static error_t at_end(const verdict_options *options, struct argp_state *state) {
  if (options->common.help) return 0;
  if (options->common.n_positional == 0)
    argp_error(state, "name a graph file");
  else if (options->sources && options->rates == RATES_NONE)
    argp_error(state, "--sources says how fast sources grow and what they ruin: not with --rates none");
  else
    return 0;
  return EINVAL;
}

static error_t parse(int key, char *argument, struct argp_state *state) {
  verdict_options *options = state->input;
  cli_options *common = &options->common;
  switch (key) {
  case KEY_REAL:
    return cli_parse_override(common, "real.nodes", argument);
  case KEY_SAMPLES:
    return cli_parse_override(common, "graph.samples", argument);
  case KEY_REAL_SAMPLES:
    return cli_parse_override(common, "real.samples", argument);
  case KEY_COLUMNS:
    return cli_parse_override(common, "graph.columns", argument);
  case KEY_NODES:
    return cli_parse_override(common, "graph.nodes", argument);
  case KEY_ROOTS:
    return cli_parse_override(common, "graph.roots", argument);
  case KEY_FLIP:
    return cli_parse_override(common, "graph.flip", "true");
  case KEY_TSV:
    options->tsv = true;
    return 0;
  case KEY_JSON:
    options->json = true;
    return 0;
  case KEY_SOURCES:
    options->sources = true;
    return 0;
  case KEY_RATES:
    return parse_rates(argument, state, &options->rates);
  case ARGP_KEY_END:
    return at_end(options, state);
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
    "train on one another, without real data and fed by nobody else. Its rate is the growth of its squared error a "
    "generation, averaged over the periods of its sources, where a fit to n samples adds 1/n; 0 if the error stays "
    "bounded, - where it is not computed. Of more than 1024 unstable sources those that ruin many are found by "
    "sketches with a relative standard error of 5 %; what the 1024 worst ruin is counted exactly.\n\n"
    "Example: ouro verdict feeds.tsv --real models.tsv",
    NULL,
    NULL,
    NULL};

/* ---- rates ---- */

static bool rates_are_wanted(const verdict_options *options, const ouro_graph *graph) {
  const ouro_eid many = 1 << 20;
  const bool asked = options->tsv || options->sources;
  if (graph->every) {
    ouro_log_root(OURO_LOG_NOTICE, "rates: none, the node file's column every lets sample counts change");
    return false;
  }
  return options->rates == RATES_ALWAYS || (options->rates == RATES_AUTO && (asked || graph->n_feeds <= many));
}

/* Noise of a fit: 1/n_i. Only nodes of unstable sources are asked for theirs. */
static ouro_status new_noise(const ouro_graph *graph, double **noise) {
  ouro_status status = OURO_OK;
  OURO_NEW(*noise, graph->n_owned);
  for (ouro_lid i = 0; i < graph->n_owned; i++) (*noise)[i] = 1 / (double)ouro_graph_training_size(graph, i);
cleanup:
  return status;
}

static void extras_clear(extras *more) {
  ouro_rates_destroy(&more->rates);
  ouro_damage_destroy(&more->damage);
}

static ouro_status extras_create(const ouro_graph *graph, const ouro_verdict *verdict, extras *more) {
  const ouro_rates_options options = {.mixing = {.real_counts = true}};
  ouro_status status = OURO_OK;
  double *noise = NULL;
  OURO_AGREE(graph->comm, new_noise(graph, &noise));
  OURO_TRY(ouro_rates_create(graph, verdict, &options, noise, &more->rates));
  OURO_TRY(ouro_damage_create(graph, verdict, &more->damage));
  if (verdict->n_unstable > 0) cli_rates_log(more->rates);
cleanup:
  free(noise);
  return status;
}

/* ---- table ---- */

static const char *rate_text(const ouro_verdict *verdict, const ouro_rates *rates, ouro_lid i, char *text,
                             size_t size) {
  if (verdict->class_of[i] != OURO_CLASS_COLLAPSING) return "0";
  if (rates == NULL || isnan(rates->rate[i])) return "-";
  snprintf(text, size, "%.10g", rates->rate[i]);
  return text;
}

/* A table that every rank writes its rows of. */
typedef struct rows {
  char *text;
  size_t length;
  FILE *stream;
} rows;

static ouro_status rows_open(const ouro_graph *graph, const char *heading, rows *table) {
  ouro_status status = OURO_OK;
  table->stream = open_memstream(&table->text, &table->length);
  OURO_AGREE(graph->comm, table->stream ? OURO_OK : ouro_error(OURO_ENOMEM, "out of memory for the table"));
  if (cli_is_root(graph->comm)) fputs(heading, table->stream);
cleanup:
  return status;
}

static ouro_status rows_print(const ouro_graph *graph, rows *table) {
  ouro_status status = OURO_OK;
  const bool failed = fclose(table->stream) != 0;
  table->stream = NULL;
  OURO_AGREE(graph->comm, failed ? ouro_error(OURO_ENOMEM, "out of memory for the table") : OURO_OK);
  OURO_TRY(cli_print_in_order(graph->comm, table->text, table->length, stdout));
cleanup:
  return status;
}

static void rows_clear(rows *table) {
  if (table->stream) fclose(table->stream);
  free(table->text);
}

/* One line a node: node, verdict, component (the name of its first node) and rate, separated by tabs. */
static ouro_status print_tsv(const ouro_graph *graph, const ouro_verdict *verdict, const ouro_rates *rates) {
  ouro_status status = OURO_OK;
  cli_names *names = NULL;
  rows table = {0};
  OURO_TRY(cli_names_fetch(graph, graph->n_owned, verdict->component, &names));
  OURO_TRY(rows_open(graph, "node\tverdict\tcomponent\trate\n", &table));
  for (ouro_lid i = 0; i < graph->n_owned; i++) {
    char name[256], rate[32];
    fprintf(table.stream, "%s\t%s\t%s\t%s\n", ouro_graph_name(graph, i, name, sizeof name),
            ouro_class_name((ouro_class)verdict->class_of[i]), cli_names_get(names, graph, verdict->component[i]),
            rate_text(verdict, rates, i, rate, sizeof rate));
  }
  OURO_TRY(rows_print(graph, &table));
cleanup:
  rows_clear(&table);
  cli_names_destroy(&names);
  return status;
}

/* One line an unstable source, by the id of its first node, whose owner writes it. */
static ouro_status print_sources_tsv(const ouro_graph *graph, const ouro_verdict *verdict, const extras *more) {
  const ouro_damage *damage = more->damage;
  ouro_status status = OURO_OK;
  rows table = {0};
  OURO_TRY(rows_open(graph, "component\tmodels\truins\terror\tperiod\trate\n", &table));
  for (ouro_lid i = 0; i < graph->n_owned; i++) {
    char name[256], rate[32];
    if (verdict->component[i] != graph->gid[i]) continue;
    fprintf(table.stream, "%s\t%" OURO_GID_FMT "\t%" OURO_GID_FMT "\t%g\t%" PRId64 "\t%s\n",
            ouro_graph_name(graph, i, name, sizeof name), damage->size[i], damage->ruined[i],
            damage->estimated[i] ? damage->error : 0, more->rates->period[i],
            rate_text(verdict, more->rates, i, rate, sizeof rate));
  }
  OURO_TRY(rows_print(graph, &table));
cleanup:
  rows_clear(&table);
  return status;
}

/* ---- summary ---- */

/* What is said of one unstable source. */
typedef struct culprit {
  ouro_unstable source;
  ouro_gid ruined;
  ouro_source_rate rate;
} culprit;

/* Some of the sources, with their names. */
typedef struct listing {
  int n;
  culprit source[OURO_VERDICT_LISTED];
  cli_names *names;
} listing;

static const char *name_of(const ouro_graph *graph, const listing *list, int k) {
  return cli_names_get(list->names, graph, list->source[k].source.first);
}

/* At most `most`: the worst, with their figures, or the largest, where damage is not known. */
static ouro_status list_sources(const ouro_graph *graph, const ouro_verdict *verdict, const ouro_rates *rates,
                                const ouro_damage *damage, int most, listing *list) {
  ouro_status status = OURO_OK;
  ouro_source_rate rate[OURO_VERDICT_LISTED];
  ouro_gid first[OURO_VERDICT_LISTED];
  const ouro_unstable *sources = damage ? damage->listed : verdict->listed;
  *list = (listing){.n = verdict->n_listed < most ? verdict->n_listed : most};
  if (rates) OURO_TRY(ouro_rates_of(graph, rates, list->n, sources, rate));
  for (int k = 0; k < list->n; k++) {
    first[k] = sources[k].first;
    list->source[k].source = sources[k];
    if (damage) list->source[k].ruined = damage->listed_ruined[k];
    if (rates) list->source[k].rate = rate[k];
  }
  OURO_TRY(cli_names_fetch(graph, list->n, first, &list->names));
cleanup:
  return status;
}

static void print_source(const culprit *one, bool rated, const char *name) {
  printf("  %10" OURO_GID_FMT, one->source.size);
  if (rated) {
    char rate[32] = "-";
    if (!isnan(one->rate.rate)) snprintf(rate, sizeof rate, "%.6g", one->rate.rate);
    printf("  %10" OURO_GID_FMT "  %10" PRId64 "  %12s", one->ruined, one->rate.period, rate);
  }
  printf("  %s\n", name);
}

static void print_cure(const ouro_graph *graph, const ouro_verdict *verdict, const listing *list) {
  printf("\ncure: fresh real data for %" OURO_GID_FMT " model%s, one of each unstable source", verdict->n_unstable,
         verdict->n_unstable == 1 ? "" : "s");
  for (int k = 0; k < list->n; k++) printf("%s%s", k ? ", " : ": ", name_of(graph, list, k));
  printf("%s\n", verdict->n_unstable > list->n ? ", ..." : "");
}

static void print_heading(const ouro_verdict *verdict, bool rated) {
  printf("\n%" OURO_GID_FMT " unstable source%s: models that live on their own output\n", verdict->n_unstable,
         verdict->n_unstable == 1 ? "" : "s");
  printf("  %10s", "models");
  if (rated) printf("  %10s  %10s  %12s", "ruins", "period", "rate");
  printf("  %s\n", "first of them");
}

/* What the list leaves out, and how it was made. */
static void print_rest(const ouro_verdict *verdict, const ouro_damage *damage, int n) {
  if (verdict->n_unstable > n)
    printf("  ... and %" OURO_GID_FMT " more (--sources lists all)\n", verdict->n_unstable - n);
  if (damage && damage->error > 0)
    printf("  the worst of all by estimates with a relative standard error of %.2g %%; these are counted exactly\n",
           100 * damage->error);
  if (damage == NULL) printf("  (ouro verdict --rates always says what each ruins, and how fast)\n");
}

/* The names of the listed unstable sources, and what cures them. Every rank calls, rank 0 prints. */
static ouro_status print_sources(const ouro_graph *graph, const ouro_verdict *verdict, const ouro_rates *rates,
                                 const ouro_damage *damage) {
  enum { SHOWN = 20 };
  ouro_status status = OURO_OK;
  listing list;
  OURO_TRY(list_sources(graph, verdict, rates, damage, SHOWN, &list));
  if (!cli_is_root(graph->comm)) goto cleanup;
  print_heading(verdict, rates != NULL);
  for (int k = 0; k < list.n; k++) print_source(&list.source[k], rates != NULL, name_of(graph, &list, k));
  print_rest(verdict, damage, list.n);
  print_cure(graph, verdict, &list);
cleanup:
  cli_names_destroy(&list.names);
  return status;
}

static void print_class(const ouro_graph *graph, const ouro_verdict *verdict, ouro_class class_, const char *meaning) {
  const ouro_gid n = verdict->count[class_];
  const double share = graph->n_nodes > 0 ? 100.0 * (double)n / (double)graph->n_nodes : 0.0;
  printf("  %-11s %10" OURO_GID_FMT "  %5.1f %%  %s\n", ouro_class_name(class_), n, share, meaning);
}

ouro_status cli_verdict_print(const ouro_graph *graph, const ouro_verdict *verdict, const ouro_rates *rates,
                              const ouro_damage *damage) {
  if (cli_is_root(graph->comm)) {
    printf("  %-11s %10s  %7s\n", "verdict", "models", "share");
    print_class(graph, verdict, OURO_CLASS_COLLAPSING, "error grows without bound: an unstable source feeds them");
    print_class(graph, verdict, OURO_CLASS_ANCHORED, "error stays bounded: real data reach them");
    print_class(graph, verdict, OURO_CLASS_FROZEN, "error stays bounded, never corrected: they live off frozen roots");
  }
  if (verdict->n_unstable > 0) return print_sources(graph, verdict, rates, damage);
  if (cli_is_root(graph->comm)) printf("\nno unstable source: nothing collapses\n");
  return OURO_OK;
}

/* ---- JSON ---- */

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

static void print_json_figures(const culprit *one) {
  printf(", \"ruins\": %" OURO_GID_FMT ", \"period\": %" PRId64 ", \"rate\": ", one->ruined, one->rate.period);
  if (isnan(one->rate.rate))
    printf("null");
  else
    printf("%.17g", one->rate.rate);
}

static void print_json_sources(const ouro_graph *graph, const listing *list, bool rated) {
  putchar('[');
  for (int k = 0; k < list->n; k++) {
    printf("%s{\"component\": ", k ? ", " : "");
    print_json_text(name_of(graph, list, k));
    printf(", \"models\": %" OURO_GID_FMT, list->source[k].source.size);
    if (rated) print_json_figures(&list->source[k]);
    putchar('}');
  }
  putchar(']');
}

static void print_json_counts(const ouro_graph *graph, const ouro_verdict *verdict) {
  printf("{\"nodes\": %" OURO_GID_FMT ", \"feeds\": %" OURO_EID_FMT, graph->n_nodes, graph->n_feeds);
  for (int c = 0; c < OURO_CLASS_COUNT; c++) {
    printf(", \"%s\": %" OURO_GID_FMT, ouro_class_name((ouro_class)c), verdict->count[c]);
  }
  printf(", \"unstable_sources\": %" OURO_GID_FMT, verdict->n_unstable);
}

static ouro_status print_json(const ouro_graph *graph, const ouro_verdict *verdict, const extras *more) {
  ouro_status status = OURO_OK;
  const bool rated = more->rates != NULL;
  listing largest = {0}, worst = {0};
  OURO_TRY(list_sources(graph, verdict, NULL, NULL, OURO_VERDICT_LISTED, &largest));
  if (rated) OURO_TRY(list_sources(graph, verdict, more->rates, more->damage, OURO_VERDICT_LISTED, &worst));
  if (!cli_is_root(graph->comm)) goto cleanup;
  print_json_counts(graph, verdict);
  printf(", \"largest\": ");
  print_json_sources(graph, &largest, false);
  if (rated) printf(", \"by_damage\": ");
  if (rated) print_json_sources(graph, &worst, true);
  printf("}\n");
cleanup:
  cli_names_destroy(&largest.names);
  cli_names_destroy(&worst.names);
  return status;
}

/* THEORY.md section 2, scope: topology decides for large samples. How large depends on the family, which a graph does
 * not tell. */
static ouro_status print_basis(const ouro_graph *graph) {
  ouro_count least = INT64_MAX;
  for (ouro_lid i = 0; i < graph->n_owned; i++) {
    const ouro_count size = ouro_graph_training_size(graph, i);
    if (size > 0 && size < least) least = size;
  }
  const int code = MPI_Allreduce(MPI_IN_PLACE, &least, 1, OURO_COUNT_MPI, MPI_MIN, graph->comm);
  if (code == MPI_SUCCESS && least < INT64_MAX && cli_is_root(graph->comm)) {
    printf("\nthe verdict rests on topology, which decides for large samples: here for regressions of up to "
           "%" OURO_COUNT_FMT " parameters; ouro predict decides beyond\n",
           (least - 1) / 2);
  }
  return ouro_agree(graph->comm, code == MPI_SUCCESS ? OURO_OK : ouro_error(OURO_EMPI, "MPI_Allreduce failed"));
}

static ouro_status print_summary(const char *path, const cli_job *job, const ouro_verdict *verdict,
                                 const extras *more) {
  ouro_status status = OURO_OK;
  if (cli_is_root(job->graph->comm)) {
    printf("%s: %" OURO_GID_FMT " models, %" OURO_EID_FMT " feeds; real data: %s\n\n", path, job->graph->n_nodes,
           job->graph->n_feeds, job->config->real.nodes ? job->config->real.nodes : "none");
  }
  OURO_TRY(cli_verdict_print(job->graph, verdict, more->rates, more->damage));
  OURO_TRY(print_basis(job->graph));
cleanup:
  return status;
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
  extras more = {0};
  OURO_TRY(cli_parse(comm, &argp, argc, argv, &options.common));
  if (options.common.help) goto cleanup;
  OURO_TRY(cli_job_open_graph(comm, options.common.positional[0], &options.common, &job));
  ouro_timers_enter(&job.timers, OURO_PHASE_VERDICT);
  OURO_TRY(ouro_verdict_create(job.graph, true, &verdict));
  ouro_timers_leave(&job.timers);
  OURO_TRY(log_cost(comm, &job.timers));
  if (rates_are_wanted(&options, job.graph)) OURO_TRY(extras_create(job.graph, verdict, &more));
  if (options.tsv)
    OURO_TRY(print_tsv(job.graph, verdict, more.rates));
  else if (options.sources)
    OURO_TRY(print_sources_tsv(job.graph, verdict, &more));
  else if (options.json)
    OURO_TRY(print_json(job.graph, verdict, &more));
  else
    OURO_TRY(print_summary(options.common.positional[0], &job, verdict, &more));
cleanup:
  extras_clear(&more);
  ouro_verdict_destroy(&verdict);
  cli_job_close(&job);
  cli_options_clear(&options.common);
  return status;
}
