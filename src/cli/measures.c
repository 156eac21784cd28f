/* Measures of models in the run file: see measures.h.
 * Invariant: what is stored of a generation is computed by learn and family alone; here it gets a name and a place. */

#include "cli/measures.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "ouro/base/memory.h"

enum { CLASSES = OURO_CLASS_COUNT, PATH_SIZE = 64, TEXT_SIZE = 400 };

/* Figures by class: of a measure in every stored generation, or of first passages. */
typedef struct by_class {
  double *mean, *error; /* [rows][CLASSES] */
} by_class;

struct cli_measures {
  const ouro_config *config;
  const ouro_family *family;
  const ouro_verdict *verdict;
  cli_sink sink;
  const ouro_learn_group *group; /* NULL where nothing is simulated */
  int8_t *class_of;              /* [group->graph->n_owned] verdict classes */
  bool predicted;
  int n;
  ouro_measure list[OURO_MEASURES_MOST];
  ouro_table *table[OURO_MEASURES_MOST][2]; /* mean, sd; NULL for the error, which has its own */
  by_class classes[OURO_MEASURES_MOST];     /* over the stored generations */
  double *mean, *sd;                        /* [n_owned] of one measure */
  int64_t n_stored;
  ouro_learn_passages passages;
  int64_t *error_first, *theory_first; /* [n_owned] first generation in which C_ii reached the threshold; -1: none */
  by_class passed[2];                  /* of the passages, one row: their generation, the share that passed */
};

static ouro_status new_by_class(int64_t rows, by_class *made) {
  ouro_status status = OURO_OK;
  OURO_NEW(made->mean, rows * CLASSES);
  OURO_NEW(made->error, rows * CLASSES);
cleanup:
  return status;
}

static ouro_status new_first(const ouro_graph *graph, int64_t **first) {
  ouro_status status = OURO_OK;
  OURO_NEW(*first, graph->n_owned);
  for (ouro_lid i = 0; i < graph->n_owned; i++) (*first)[i] = -1;
cleanup:
  return status;
}

static ouro_status new_passages(cli_measures *made) {
  ouro_status status = OURO_OK;
  const ouro_graph *graph = made->sink.graph;
  if (made->config->output.threshold == 0) return OURO_OK;
  if (made->predicted) OURO_TRY(new_first(graph, &made->theory_first));
  if (made->group == NULL) return OURO_OK;
  OURO_TRY(new_first(graph, &made->error_first));
  for (int k = 0; k < 2; k++) OURO_TRY(new_by_class(1, &made->passed[k]));
  OURO_TRY(ouro_learn_passages_begin(made->group, made->config->output.threshold, &made->passages));
cleanup:
  return status;
}

static ouro_status allocate(cli_measures *made) {
  ouro_status status = OURO_OK;
  OURO_TRY(ouro_family_measures(made->config, made->family, made->list, &made->n));
  if (made->group == NULL) made->n = 0;
  if (made->group) OURO_NEW(made->class_of, made->group->graph->n_owned);
  made->n_stored = cli_stored_count(made->config);
  OURO_NEW(made->mean, made->sink.graph->n_owned);
  OURO_NEW(made->sd, made->sink.graph->n_owned);
  for (int k = 0; k < made->n; k++) OURO_TRY(new_by_class(made->n_stored, &made->classes[k]));
  OURO_TRY(new_passages(made));
cleanup:
  return status;
}

/* The tables of measure k: its mean over replicates, and their standard deviation. */
static ouro_status open_tables(cli_measures *made, int k) {
  static const char *const endings[2] = {"", "_sd"}, *const figures[2] = {"mean", "standard deviation"};
  ouro_status status = OURO_OK;
  for (int side = 0; side < 2; side++) {
    char path[PATH_SIZE], text[TEXT_SIZE];
    snprintf(path, sizeof path, "/trajectory/%s%s", made->list[k].name, endings[side]);
    snprintf(text, sizeof text, "%s (%s over replicates%s)", made->list[k].description, figures[side],
             side == 0 ? "" : "; 0 for one replicate, NaN where a value is infinite");
    const ouro_table_spec spec = {.path = path,
                                  .kind = OURO_KIND_DOUBLE,
                                  .n_axes = 2,
                                  .axis = {{"generation", made->n_stored}, {"node", made->sink.graph->n_nodes}},
                                  .node_axis = 1,
                                  .units = made->list[k].units,
                                  .description = text};
    OURO_TRY(ouro_table_create(made->sink.store, &spec, made->sink.layout, &made->table[k][side]));
  }
cleanup:
  return status;
}

ouro_status cli_measures_begin(const ouro_config *config, const ouro_family *family, const ouro_verdict *verdict,
                               const cli_sink *sink, const ouro_learn_group *group, bool predicted,
                               cli_measures **measures) {
  ouro_status status = OURO_OK;
  cli_measures *made = *measures = ouro_memory_new(1, sizeof *made);
  OURO_AGREE(sink->graph->comm, made ? OURO_OK : OURO_ENOMEM);
  made->config = config;
  made->family = family;
  made->verdict = verdict;
  made->sink = *sink;
  made->group = group;
  made->predicted = predicted;
  OURO_AGREE(sink->graph->comm, allocate(made));
  if (group) OURO_TRY(ouro_learn_group_tell(group, sizeof *made->class_of, verdict->class_of, made->class_of));
  for (int k = 1; k < made->n; k++) OURO_TRY(open_tables(made, k));
cleanup:
  if (status != OURO_OK) cli_measures_destroy(measures);
  return status;
}

static ouro_learn_classes classes_of(const cli_measures *measures) {
  return (ouro_learn_classes){CLASSES, measures->class_of, measures->verdict->count};
}

static ouro_learn_figures figures_of(const cli_measures *measures, const by_class *of, int64_t row) {
  return (ouro_learn_figures){measures->mean, measures->sd, of->mean + row * CLASSES, of->error + row * CLASSES};
}

static ouro_status store(cli_measures *measures, const double *theta, int64_t row) {
  ouro_status status = OURO_OK;
  const ouro_learn_classes classes = classes_of(measures);
  for (int k = 0; k < measures->n; k++) {
    const ouro_learn_figures figures = figures_of(measures, &measures->classes[k], row);
    OURO_TRY(
        ouro_learn_figures_measure(measures->family, measures->group, &classes, &measures->list[k], theta, &figures));
    for (int side = 0; side < 2; side++) {
      if (measures->table[k][side]) {
        OURO_TRY(ouro_table_write(measures->table[k][side], row, side == 0 ? figures.mean : figures.sd));
      }
    }
  }
cleanup:
  return status;
}

static void note(const cli_measures *measures, int64_t generation, const double *errors, int64_t *first) {
  for (ouro_lid i = 0; i < measures->sink.graph->n_owned; i++) {
    if (first[i] < 0 && errors[i] >= measures->config->output.threshold) first[i] = generation;
  }
}

ouro_status cli_measures_generation(cli_measures *measures, const ouro_learn_view *view, const double *theory,
                                    int64_t stored) {
  if (measures->theory_first) note(measures, view->generation, theory, measures->theory_first);
  if (measures->error_first) {
    note(measures, view->generation, view->error, measures->error_first);
    ouro_learn_passages_note(&measures->passages, measures->family, view->theta);
  }
  return stored < 0 || measures->n == 0 ? OURO_OK : store(measures, view->theta, stored);
}

/* Figures of the classes; rows: stored generations, 0 where there is one figure for all of them. */
static ouro_status put_classes(const cli_measures *measures, const char *path, int64_t rows, const char *units,
                               const char *description, const double *values) {
  const ouro_axis generation = {"generation", rows}, class_ = {"class", CLASSES};
  const ouro_table_spec spec = {.path = path,
                                .kind = OURO_KIND_DOUBLE,
                                .n_axes = rows ? 2 : 1,
                                .axis = {rows ? generation : class_, class_},
                                .node_axis = -1,
                                .units = units,
                                .description = description};
  return ouro_store_put(measures->sink.store, &spec, NULL, values);
}

/* Mean (but that of the error, which is there anyway) and standard error of measure k. */
static ouro_status put_summary(const cli_measures *measures, int k) {
  const ouro_measure *measure = &measures->list[k];
  ouro_status status = OURO_OK;
  char path[PATH_SIZE], text[TEXT_SIZE];
  snprintf(path, sizeof path, "/summary/%s_mean", measure->name);
  snprintf(text, sizeof text, "%s: mean over the models of a verdict class and over replicates", measure->description);
  if (k > 0) {
    OURO_TRY(put_classes(measures, path, measures->n_stored, measure->units, text, measures->classes[k].mean));
  }
  snprintf(path, sizeof path, "/summary/%s_se", measure->name);
  snprintf(text, sizeof text,
           "standard error of /summary/%s_mean over replicates; NaN for one replicate, or where a value is infinite",
           measure->name);
  OURO_TRY(put_classes(measures, path, measures->n_stored, measure->units, text, measures->classes[k].error));
cleanup:
  return status;
}

static ouro_status put_first(const cli_measures *measures, const char *path, const char *what, const int64_t *first) {
  char text[TEXT_SIZE];
  if (first == NULL) return OURO_OK;
  snprintf(text, sizeof text, "first generation in which %s reached output.threshold; -1: none", what);
  return cli_node_put(&measures->sink, path, OURO_KIND_INT64, text, "generation", first);
}

/* When the errors of replicates first reached the threshold, or whether they did. */
static ouro_status put_passages(const cli_measures *measures, bool share) {
  static const struct {
    const char *name, *units, *text;
  } specs[2] = {{"generation", "generation",
                 "first generation in which the error of a replicate reached output.threshold; replicates that did not "
                 "count with the generation after the last"},
                {"reached", "1", "share of replicates whose error reached output.threshold in some generation"}};
  ouro_status status = OURO_OK;
  const ouro_learn_classes classes = classes_of(measures);
  const ouro_learn_figures figures = figures_of(measures, &measures->passed[share], 0);
  char path[PATH_SIZE], text[TEXT_SIZE];
  OURO_TRY(ouro_learn_figures_passages(&measures->passages, &classes, share, &figures));
  snprintf(path, sizeof path, "/node/threshold_%s", specs[share].name);
  OURO_TRY(cli_node_put(&measures->sink, path, OURO_KIND_DOUBLE, specs[share].text, specs[share].units, figures.mean));
  if (!share) {
    OURO_TRY(cli_node_put(&measures->sink, "/node/threshold_generation_sd", OURO_KIND_DOUBLE,
                          "standard deviation of /node/threshold_generation over replicates; 0 for one replicate",
                          "generation", figures.sd));
  }
  snprintf(path, sizeof path, "/summary/threshold_%s_mean", specs[share].name);
  snprintf(text, sizeof text, "%s: mean over the models of a verdict class", specs[share].text);
  OURO_TRY(put_classes(measures, path, 0, specs[share].units, text, figures.class_mean));
  snprintf(path, sizeof path, "/summary/threshold_%s_se", specs[share].name);
  snprintf(text, sizeof text, "standard error of /summary/threshold_%s_mean over replicates; NaN for one replicate",
           specs[share].name);
  OURO_TRY(put_classes(measures, path, 0, specs[share].units, text, figures.class_error));
cleanup:
  return status;
}

static ouro_status close_tables(cli_measures *measures) {
  ouro_status status = OURO_OK;
  for (int k = 0; k < OURO_MEASURES_MOST; k++) {
    for (int side = 0; side < 2; side++) {
      const ouro_status closed = ouro_table_close(&measures->table[k][side]);
      if (status == OURO_OK) status = closed;
    }
  }
  return status;
}

ouro_status cli_measures_finish(cli_measures *measures) {
  ouro_status status = OURO_OK;
  OURO_TRY(close_tables(measures));
  for (int k = 0; k < measures->n; k++) OURO_TRY(put_summary(measures, k));
  OURO_TRY(put_first(measures, "/node/threshold_theory", "the predicted error", measures->theory_first));
  OURO_TRY(
      put_first(measures, "/node/threshold_error", "the error, as its mean over replicates,", measures->error_first));
  for (int share = 0; measures->error_first && share < 2; share++) OURO_TRY(put_passages(measures, share));
cleanup:
  return status;
}

/* Does a row show standard errors, which one replicate does not have? */
static bool shows_errors(const cli_measures *measures) {
  return measures->config->learning.replicates > 1;
}

static void print_row(const cli_measures *measures, const char *name, const double *mean, const double *error) {
  printf("  %-15s", name);
  for (int c = 0; c < CLASSES; c++) {
    if (measures->verdict->count[c] == 0) continue;
    printf("  %11.5g", mean[c]);
    if (shows_errors(measures)) printf(" +- %7.2g", error[c]);
  }
  printf("\n");
}

static void print_heading(const cli_measures *measures) {
  const bool errors = shows_errors(measures);
  printf("means over the models of a class%s\n  %-15s", errors ? ", with standard errors over replicates" : "", "");
  for (int c = 0; c < CLASSES; c++) {
    if (measures->verdict->count[c] > 0) printf("  %*s", errors ? 22 : 11, ouro_class_name((ouro_class)c));
  }
  printf("\n");
}

void cli_measures_print(const cli_measures *measures) {
  char name[32];
  if (measures->n == 0 && measures->error_first == NULL) return;
  print_heading(measures);
  for (int k = 0; k < measures->n; k++) {
    const int64_t last = (measures->n_stored - 1) * CLASSES;
    print_row(measures, measures->list[k].name, measures->classes[k].mean + last, measures->classes[k].error + last);
  }
  if (measures->error_first == NULL) return;
  snprintf(name, sizeof name, "error >= %g", measures->config->output.threshold);
  print_row(measures, name, measures->passed[1].mean, measures->passed[1].error);
  print_row(measures, "in generation", measures->passed[0].mean, measures->passed[0].error);
}

static void clear_by_class(by_class *of) {
  free(of->mean);
  free(of->error);
}

void cli_measures_destroy(cli_measures **measures) {
  cli_measures *made = *measures;
  if (made == NULL) return;
  (void)close_tables(made);
  for (int k = 0; k < OURO_MEASURES_MOST; k++) clear_by_class(&made->classes[k]);
  for (int k = 0; k < 2; k++) clear_by_class(&made->passed[k]);
  ouro_learn_passages_clear(&made->passages);
  free(made->class_of);
  free(made->error_first);
  free(made->theory_first);
  free(made->mean);
  free(made->sd);
  free(made);
  *measures = NULL;
}
