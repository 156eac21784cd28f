#ifndef OURO_TESTS_THEORY_SCORED_H
#define OURO_TESTS_THEORY_SCORED_H

/* A run on a small graph, scored against its prediction: two programs that share nothing but the graph and the
 * configuration.
 *
 * z = (mean over replicates - theory) / (sd / sqrt(replicates)). The squared errors have a skewness g of about 3,
 * which raises the probability of a tail beyond z by a factor of up to exp(g z^3 / (3 sqrt(replicates))): 14 at
 * z = 5.5 with 4000 replicates. */

#include <stdlib.h>

#include "model.h"
#include "ouro/learn/learn.h"
#include "ouro/theory/agree.h"
#include "ouro/theory/predict.h"

enum { NODES = 9, GENERATIONS = 6 };

/* Node 0 is a root; 1 and 2 train on each other, 1 on itself too, on nothing else: an unstable source; 3 hears
 * the root, 4 the unstable source; 5 has real data; the rest is chance. */
static inline small ecosystem(uint64_t seed, bool published, int least) {
  uint64_t state = seed * 31 + 7;
  small s = {.n = NODES};
  int corpus[NODES];
  for (int j = 0; j < NODES; j++) corpus[j] = least + below(&state, least);
  s.feeds[1][1] = s.feeds[1][2] = s.feeds[2][1] = s.feeds[0][3] = s.feeds[2][4] = 1;
  for (int i = 3; i < NODES; i++) {
    for (int k = 0; k < 2; k++) s.feeds[below(&state, NODES)][i] = 1;
    if (below(&state, 3) == 0) s.feeds[i][i] = 1;
    if (i == 5 || below(&state, 3) == 0) s.real[i] = least + below(&state, least);
  }
  for (int j = 0; j < NODES; j++) {
    for (int i = 0; i < NODES; i++) s.feeds[j][i] *= published ? corpus[j] : least + below(&state, least);
  }
  return s;
}

/* A run that is scored as it goes. */
typedef struct scoring {
  const ouro_graph *graph;
  const ouro_prediction *prediction;
  int64_t replicates;
  bool exact;     /* does the prediction say so? */
  double *theory; /* [n_owned] NaN for roots after generation 0, which only repeat themselves */
  ouro_agreement agreement;
  double farthest; /* |simulated / predicted - 1|, less 5 standard errors */
  double mean[2];  /* simulated / predicted summed over models and generations, and their number; then the mean */
} scoring;

static inline ouro_status observe(void *context, const ouro_learn_view *view) {
  scoring *s = context;
  const ouro_lid n = s->graph->n_owned;
  const int64_t generation = view->generation;
  const double *error = view->error, *error_sd = view->error_sd;
  for (ouro_lid i = 0; i < n; i++) {
    const double predicted = s->prediction->error[generation * n + i];
    const double away = fabs(error[i] - predicted) - 5 * error_sd[i] / sqrt((double)s->replicates);
    const bool repeats = generation > 0 && ouro_graph_is_root(s->graph, i);
    s->theory[i] = repeats ? (double)NAN : predicted;
    if (!repeats && away / predicted > s->farthest) s->farthest = away / predicted;
    s->mean[0] += repeats ? 0 : error[i] / predicted;
    s->mean[1] += repeats ? 0 : 1;
  }
  ouro_agreement_add(&s->agreement, n, s->graph->gid, generation, s->replicates, error, error_sd, s->theory, NULL);
  return OURO_OK;
}

/* Simulate an experiment, and score it against what is predicted of another one (usually the same), by a family that
 * may have been changed. */
static inline void score(const small *graph_of, const ouro_config *config, const ouro_config *predicted,
                         void (*change)(ouro_family *family), scoring *s) {
  ouro_family *family = NULL, *other = NULL;
  ouro_prediction *prediction = NULL;
  ouro_graph *graph = small_build(MPI_COMM_WORLD, graph_of, config->learning.seed % 2 == 0);
  assert_everywhere(graph != NULL);
  assert_ok(ouro_family_create(config, &family));
  assert_ok(ouro_family_create(predicted, &other));
  if (change) change(other);
  assert_ok(ouro_predict(predicted, other, graph, NULL, &prediction));
  assert_everywhere(prediction->error != NULL);
  *s = (scoring){.graph = graph,
                 .prediction = prediction,
                 .replicates = config->learning.replicates,
                 .exact = prediction->kind == OURO_PREDICT_EXACT,
                 .theory = calloc((size_t)graph->n_owned + 1, sizeof(double))};
  ouro_agreement_zero(&s->agreement);
  assert_ok(ouro_learn_run(config, family, graph, observe, s, NULL, NULL, NULL, NULL));
  assert_ok(ouro_agreement_reduce(&s->agreement, MPI_COMM_WORLD));
  MPI_Allreduce(MPI_IN_PLACE, &s->farthest, 1, MPI_DOUBLE, MPI_MAX, MPI_COMM_WORLD);
  MPI_Allreduce(MPI_IN_PLACE, s->mean, 2, MPI_DOUBLE, MPI_SUM, MPI_COMM_WORLD);
  s->mean[0] /= s->mean[1];
  free(s->theory);
  ouro_prediction_destroy(&prediction);
  ouro_family_destroy(&family);
  ouro_family_destroy(&other);
  ouro_graph_destroy(&graph);
}

#endif
