/* Advice by trial: the recursion is run with each feed that comes into question (THEORY.md sections 2, 3, 8, 9).
 * All ranks hold the same lists of candidates and the same totals. Must not know how the recursion works. */

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "ouro/base/memory.h"
#include "theory/advise.h"
#include "theory/recursion.h"
#include "theory/select.h"

typedef struct trial {
  const ouro_advisor *a;
  ouro_gid *component; /* [n_nodes] of every node, or -1; the same on all ranks */
  int8_t *open;        /* [n_nodes] candidates not chosen yet; the same on all ranks */
} trial;

/* ---- what a feed does ---- */

static ouro_status run_recursion(const ouro_advisor *a, const ouro_survey *survey, double *total) {
  ouro_status status = OURO_OK;
  ouro_system *system = NULL;
  ouro_recursion *recursion = NULL;
  double sum = 0;
  OURO_TRY(ouro_system_create(a->config, a->family, a->graph, survey, &system));
  OURO_TRY(ouro_recursion_create(a->graph->comm, system, &ouro_engine_sparse, 0, &recursion));
  for (int64_t t = 0; t < a->config->learning.generations; t++) OURO_TRY(ouro_recursion_step(recursion));
  for (ouro_gid i = 0; i < a->graph->n_nodes; i++) sum += recursion->diagonal[i];
  *total = sum;
cleanup:
  ouro_recursion_destroy(&recursion);
  ouro_system_destroy(&system);
  return status;
}

/* Total error as the graph is now: infinite where the recursion overflows, or a training set is too small. */
static ouro_status evaluate(const ouro_advisor *a, double *total) {
  ouro_status status = OURO_OK;
  ouro_survey survey = {0};
  *total = INFINITY;
  a->advice->n_evaluated++;
  OURO_TRY(ouro_survey_make(a->config, a->family, a->graph, &survey));
  if (survey.obstacle == NULL) status = run_recursion(a, &survey, total);
  if (status == OURO_ENUMERIC) status = OURO_OK;
cleanup:
  ouro_survey_clear(&survey);
  return status;
}

static ouro_status try_feed(const ouro_advisor *a, ouro_gid node, double *total) {
  ouro_advisor_feed(a, node, a->config->real.samples);
  const ouro_status status = evaluate(a, total);
  ouro_advisor_feed(a, node, -a->config->real.samples);
  return status;
}

/* ---- choices ---- */

/* Less total error; of infinite ones, a model of an unstable source first. */
static bool is_better(ouro_advice_feed feed, ouro_advice_feed than) {
  if (feed.total != than.total) return feed.total < than.total;
  return isinf(feed.total) && feed.component >= 0 && than.component < 0;
}

/* The best candidate of a source or (component -1) of all, the smallest id of equals; node -1 if there is none. The
 * feed is then in place. */
static ouro_status choose(const trial *t, ouro_gid component, ouro_advice_feed *best) {
  ouro_status status = OURO_OK;
  *best = (ouro_advice_feed){-1, -1, INFINITY, 0};
  for (ouro_gid i = 0; i < t->a->graph->n_nodes; i++) {
    ouro_advice_feed feed = {i, t->component[i], INFINITY, 0};
    if (!t->open[i] || (component >= 0 && t->component[i] != component)) continue;
    OURO_TRY(try_feed(t->a, i, &feed.total));
    if (best->node < 0 || is_better(feed, *best)) *best = feed;
  }
  if (best->node >= 0) ouro_advisor_feed(t->a, best->node, t->a->config->real.samples);
cleanup:
  return status;
}

static ouro_status find_cure(const trial *t) {
  ouro_status status = OURO_OK;
  ouro_advice *advice = t->a->advice;
  for (int k = 0; k < t->a->verdict->n_listed; k++) {
    ouro_advice_feed *feed = &advice->cure[advice->n_cure];
    OURO_TRY(choose(t, t->a->verdict->listed[k].first, feed));
    advice->n_cure += feed->node >= 0;
    advice->n_incurable += feed->node < 0;
  }
cleanup:
  ouro_advisor_starve(t->a);
  return status;
}

static ouro_status find_best(const trial *t) {
  ouro_status status = OURO_OK;
  ouro_advice *advice = t->a->advice;
  while (advice->n_best < t->a->budget) {
    ouro_advice_feed *feed = &advice->best[advice->n_best];
    OURO_TRY(choose(t, -1, feed));
    t->open[feed->node] = 0;
    advice->n_best++;
  }
cleanup:
  ouro_advisor_starve(t->a);
  return status;
}

/* ---- set-up ---- */

static void trial_clear(trial *t) {
  free(t->component);
  free(t->open);
}

static ouro_status trial_new(trial *t) {
  ouro_status status = OURO_OK;
  const ouro_graph *graph = t->a->graph;
  OURO_NEW(t->component, graph->n_nodes);
  OURO_NEW(t->open, graph->n_nodes);
  for (ouro_gid i = 0; i < graph->n_nodes; i++) t->component[i] = -1;
  for (ouro_lid i = 0; i < graph->n_owned; i++) {
    t->component[graph->gid[i]] = t->a->verdict->component[i];
    t->open[graph->gid[i]] = t->a->candidate[i];
  }
  OURO_TRY(ouro_advisor_room_for_cure(t->a, t->a->verdict->n_listed + 1));
  OURO_TRY(ouro_advisor_room_for_best(t->a));
cleanup:
  return status;
}

/* Every rank learns the source and the candidacy of every node. */
static ouro_status trial_share(trial *t) {
  ouro_status status = OURO_OK;
  const ouro_graph *graph = t->a->graph;
  const int n = (int)graph->n_nodes; /* a matrix of that size fits */
  OURO_AGREE(graph->comm, trial_new(t));
  int code = MPI_Allreduce(MPI_IN_PLACE, t->component, n, OURO_GID_MPI, MPI_MAX, graph->comm);
  if (code == MPI_SUCCESS) code = MPI_Allreduce(MPI_IN_PLACE, t->open, n, MPI_INT8_T, MPI_MAX, graph->comm);
  OURO_AGREE(graph->comm, ouro_mpi_status(code));
cleanup:
  return status;
}

ouro_status ouro_advise_by_recursion(const ouro_advisor *advisor) {
  ouro_status status = OURO_OK;
  ouro_advice *advice = advisor->advice;
  trial t = {.a = advisor};
  advice->method = OURO_ADVICE_RECURSION;
  OURO_TRY(trial_share(&t));
  OURO_TRY(evaluate(advisor, &advice->total));
  OURO_TRY(find_cure(&t));
  OURO_TRY(find_best(&t));
  snprintf(advice->reason, sizeof advice->reason, "exact recursion, run %" PRId64 " times", advice->n_evaluated);
cleanup:
  trial_clear(&t);
  return status;
}
