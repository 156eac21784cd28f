/* Figures of models: see figures.h. Replicates pass in blocks, so that their class sums take little room.
 * Invariant: the mean of a class in a replicate is an exact sum over nodes, divided once; moments over replicates are
 * those of ouro_learn_moments(). */

#include "ouro/learn/figures.h"

#include <math.h>
#include <stdlib.h>

#include "learn/private.h"
#include "ouro/base/memory.h"
#include "ouro/base/sum.h"

#define BLOCK 32 /* replicates that pass together, a multiple of those that moments take together */

/* Values of the models `first` .. first + n - 1, counted over nodes and replicates. */
typedef void (*source)(const void *context, size_t first, int n, double *values);

/* What the figures are of. */
typedef struct subject {
  const ouro_graph *graph;
  const ouro_learn_classes *classes;
  int64_t replicates;
  source values;
  const void *context;
} subject;

/* Moments of the owned nodes over replicates first .. first + n - 1, added to those before; sums of the classes. */
static void pass_nodes(const subject *of, int64_t first, int n, const ouro_learn_figures *figures,
                       ouro_sum sums[][BLOCK]) {
  double values[BLOCK];
  for (ouro_lid i = 0; i < of->graph->n_owned; i++) {
    of->values(of->context, (size_t)i * (size_t)of->replicates + (size_t)first, n, values);
    ouro_learn_moments_add(first, n, values, &figures->mean[i], &figures->sd[i]);
    for (int r = 0; r < n; r++) ouro_sum_add(&sums[of->classes->class_of[i]][r], values[r]);
  }
}

static ouro_status pass(const subject *of, int64_t first, int n, const ouro_learn_figures *figures) {
  ouro_status status = OURO_OK;
  const int n_classes = of->classes->n;
  double values[BLOCK];
  ouro_sum sums[OURO_LEARN_CLASSES][BLOCK];
  for (int c = 0; c < n_classes; c++) {
    for (int r = 0; r < BLOCK; r++) ouro_sum_zero(&sums[c][r]);
  }
  pass_nodes(of, first, n, figures, sums);
  OURO_TRY(ouro_sum_reduce(sums[0], n_classes * BLOCK, of->graph->comm));
  for (int c = 0; c < n_classes; c++) {
    for (int r = 0; r < n; r++) values[r] = ouro_sum_value(&sums[c][r]) / (double)of->classes->count[c];
    ouro_learn_moments_add(first, n, values, &figures->class_mean[c], &figures->class_error[c]);
  }
cleanup:
  return status;
}

static ouro_status make_figures(const subject *of, const ouro_learn_figures *figures) {
  ouro_status status = OURO_OK;
  const int64_t n = of->replicates;
  for (int64_t first = 0; first < n; first += BLOCK) {
    OURO_TRY(pass(of, first, n - first < BLOCK ? (int)(n - first) : BLOCK, figures));
  }
  for (ouro_lid i = 0; i < of->graph->n_owned; i++) figures->sd[i] = ouro_learn_moments_sd(n, figures->sd[i]);
  for (int c = 0; c < of->classes->n; c++) {
    const double sd = ouro_learn_moments_sd(n, figures->class_error[c]);
    figures->class_error[c] = n > 1 ? sd / sqrt((double)n) : NAN;
  }
cleanup:
  return status;
}

typedef struct measured {
  const ouro_family *family;
  const ouro_measure *measure;
  const double *theta;
} measured;

static void values_of_models(const void *context, size_t first, int n, double *values) {
  const measured *of = context;
  of->measure->compute(of->family, n, of->theta + first * (size_t)of->family->n_parameters, values);
}

ouro_status ouro_learn_figures_measure(const ouro_family *family, const ouro_graph *graph, int64_t replicates,
                                       const ouro_learn_classes *classes, const ouro_measure *measure,
                                       const double *theta, const ouro_learn_figures *figures) {
  const measured context = {family, measure, theta};
  const subject of = {graph, classes, replicates, values_of_models, &context};
  return make_figures(&of, figures);
}

ouro_status ouro_learn_passages_begin(const ouro_graph *graph, int64_t replicates, double threshold,
                                      ouro_learn_passages *passages) {
  ouro_status status = OURO_OK;
  size_t n;
  *passages = (ouro_learn_passages){.threshold = threshold, .replicates = replicates, .last = -1};
  OURO_TRY(ouro_memory_product((size_t)graph->n_owned, (size_t)replicates, &n));
  OURO_NEW(passages->first, n);
  for (size_t k = 0; k < n; k++) passages->first[k] = -1;
cleanup:
  return status;
}

void ouro_learn_passages_note(ouro_learn_passages *passages, const ouro_family *family, const ouro_graph *graph,
                              const double *theta) {
  const size_t n = (size_t)graph->n_owned * (size_t)passages->replicates;
  double errors[BLOCK];
  passages->last++;
  for (size_t first = 0; first < n; first += BLOCK) {
    const int count = n - first < BLOCK ? (int)(n - first) : BLOCK;
    ouro_family_error(family, count, theta + first * (size_t)family->n_parameters, errors);
    for (int k = 0; k < count; k++) {
      if (passages->first[first + (size_t)k] < 0 && errors[k] >= passages->threshold)
        passages->first[first + (size_t)k] = passages->last;
    }
  }
}

static void values_of_generations(const void *context, size_t first, int n, double *values) {
  const ouro_learn_passages *passages = context;
  for (int k = 0; k < n; k++) {
    const int32_t when = passages->first[first + (size_t)k];
    values[k] = when < 0 ? (double)passages->last + 1 : when;
  }
}

static void values_of_reached(const void *context, size_t first, int n, double *values) {
  const ouro_learn_passages *passages = context;
  for (int k = 0; k < n; k++) values[k] = passages->first[first + (size_t)k] >= 0;
}

ouro_status ouro_learn_figures_passages(const ouro_learn_passages *passages, const ouro_graph *graph,
                                        const ouro_learn_classes *classes, bool share,
                                        const ouro_learn_figures *figures) {
  const subject of = {graph, classes, passages->replicates, share ? values_of_reached : values_of_generations,
                      passages};
  return make_figures(&of, figures);
}

void ouro_learn_passages_clear(ouro_learn_passages *passages) {
  free(passages->first);
  *passages = (ouro_learn_passages){0};
}
