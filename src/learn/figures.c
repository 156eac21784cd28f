/* Figures of models: see figures.h. Replicates pass in blocks, so that their class sums take little room.
 * Invariant: the mean of a class in a replicate is an exact sum over nodes, divided once; moments over replicates are
 * those of learn/moments.h. */

#include "ouro/learn/figures.h"

#include <math.h>
#include <stdlib.h>

#include "learn/moments.h"
#include "ouro/base/memory.h"
#include "ouro/base/sum.h"

#define BLOCK 32 /* replicates that pass together, a multiple of those that moments take together */

/* Values of the models `first` .. first + n - 1, counted over nodes and replicates. */
typedef void (*source)(const void *context, size_t first, int n, double *values);

/* What the figures are of. */
typedef struct subject {
  const ouro_learn_group *group;
  const ouro_learn_classes *classes;
  source values;
  const void *context;
} subject;

/* Moments of the nodes and of the classes. */
typedef struct pair {
  learn_moments nodes, classes;
} pair;

/* Replicates first .. first + n - 1 of this group, of the nodes that it trains; sums of the classes. */
static void pass_nodes(const subject *of, int64_t first, int n, const ouro_learn_figures *figures, pair *moments,
                       ouro_sum sums[][BLOCK]) {
  double values[BLOCK];
  for (ouro_lid i = 0; i < of->group->graph->n_owned; i++) {
    of->values(of->context, (size_t)i * (size_t)of->group->replicates + (size_t)first, n, values);
    ouro_learn_moments_take(&moments->nodes, (size_t)i, first, n, values, figures->mean, figures->sd);
    for (int r = 0; r < n; r++) ouro_sum_add(&sums[of->classes->class_of[i]][r], values[r]);
  }
}

static ouro_status pass(const subject *of, int64_t first, int n, const ouro_learn_figures *figures, pair *moments) {
  ouro_status status = OURO_OK;
  const int n_classes = of->classes->n;
  double values[BLOCK];
  ouro_sum sums[OURO_LEARN_CLASSES][BLOCK];
  for (int c = 0; c < n_classes; c++) {
    for (int r = 0; r < BLOCK; r++) ouro_sum_zero(&sums[c][r]);
  }
  pass_nodes(of, first, n, figures, moments, sums);
  OURO_TRY(ouro_sum_reduce(sums[0], n_classes * BLOCK, of->group->graph->comm));
  for (int c = 0; c < n_classes; c++) {
    for (int r = 0; r < n; r++) values[r] = ouro_sum_value(&sums[c][r]) / (double)of->classes->count[c];
    ouro_learn_moments_take(&moments->classes, (size_t)c, first, n, values, figures->class_mean, figures->class_error);
  }
cleanup:
  return status;
}

/* All replicates of this group. */
static ouro_status pass_all(const subject *of, const ouro_learn_figures *figures, pair *moments) {
  ouro_status status = OURO_OK;
  const int64_t n = of->group->replicates;
  for (int64_t first = 0; first < n; first += BLOCK) {
    OURO_TRY(pass(of, first, n - first < BLOCK ? (int)(n - first) : BLOCK, figures, moments));
  }
cleanup:
  return status;
}

static ouro_status open_pair(const subject *of, pair *moments) {
  ouro_status status = OURO_OK;
  OURO_TRY(ouro_learn_moments_open(of->group, LEARN_NODES, 0, &moments->nodes));
  OURO_TRY(ouro_learn_moments_open(of->group, LEARN_COMMON, (size_t)of->classes->n, &moments->classes));
cleanup:
  return status;
}

/* With one group nothing is allocated, and nothing to agree on. */
static ouro_status agree(const subject *of, ouro_status local) {
  return of->group->n_groups == 1 ? local : ouro_agree(of->group->whole->comm, local);
}

static ouro_status make_figures(const subject *of, const ouro_learn_figures *figures) {
  ouro_status status = OURO_OK;
  const int64_t n = of->group->all;
  pair moments = {0};
  OURO_TRY(agree(of, open_pair(of, &moments)));
  OURO_TRY(agree(of, pass_all(of, figures, &moments)));
  ouro_learn_moments_merge(&moments.nodes, figures->mean, figures->sd);
  ouro_learn_moments_merge(&moments.classes, figures->class_mean, figures->class_error);
  for (int c = 0; c < of->classes->n; c++) {
    figures->class_error[c] = n > 1 ? figures->class_error[c] / sqrt((double)n) : NAN;
  }
cleanup:
  ouro_learn_moments_close(&moments.nodes);
  ouro_learn_moments_close(&moments.classes);
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

ouro_status ouro_learn_figures_measure(const ouro_family *family, const ouro_learn_group *group,
                                       const ouro_learn_classes *classes, const ouro_measure *measure,
                                       const double *theta, const ouro_learn_figures *figures) {
  const measured context = {family, measure, theta};
  const subject of = {group, classes, values_of_models, &context};
  return make_figures(&of, figures);
}

ouro_status ouro_learn_passages_begin(const ouro_learn_group *group, double threshold, ouro_learn_passages *passages) {
  ouro_status status = OURO_OK;
  size_t n;
  *passages = (ouro_learn_passages){.threshold = threshold, .group = group, .last = -1};
  OURO_TRY(ouro_memory_product((size_t)group->graph->n_owned, (size_t)group->replicates, &n));
  OURO_NEW(passages->first, n);
  for (size_t k = 0; k < n; k++) passages->first[k] = -1;
cleanup:
  return status;
}

void ouro_learn_passages_note(ouro_learn_passages *passages, const ouro_family *family, const double *theta) {
  const size_t n = (size_t)passages->group->graph->n_owned * (size_t)passages->group->replicates;
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

ouro_status ouro_learn_figures_passages(const ouro_learn_passages *passages, const ouro_learn_classes *classes,
                                        bool share, const ouro_learn_figures *figures) {
  const subject of = {passages->group, classes, share ? values_of_reached : values_of_generations, passages};
  return make_figures(&of, figures);
}

void ouro_learn_passages_clear(ouro_learn_passages *passages) {
  free(passages->first);
  *passages = (ouro_learn_passages){0};
}
