/* Advice by trial: the recursion is run with each feed that comes into question (THEORY.md sections 2, 3, 8, 9).
 * All ranks hold the same lists of candidates and the same totals. Must not know how the recursion works. */

#include "ouro/theory/advise.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "ouro/base/memory.h"
#include "theory/cost.h"
#include "theory/recursion.h"
#include "theory/select.h"

typedef struct advisor {
  const ouro_config *config;
  const ouro_family *family;
  ouro_graph *graph;
  ouro_count *real;    /* [n_owned] r_i as they were */
  ouro_gid *component; /* [n_nodes] of every node, or -1; the same on all ranks */
  int8_t *open;        /* [n_nodes] candidates not chosen yet; the same on all ranks */
  int64_t n_evaluated;
} advisor;

/* ---- what a feed does ---- */

/* The owned node of a global id, or -1. */
static ouro_lid find_owned(const ouro_graph *graph, ouro_gid node) {
  for (ouro_lid i = 0; i < graph->n_owned; i++) {
    if (graph->gid[i] == node) return i;
  }
  return -1;
}

static void feed_node(advisor *a, ouro_gid node, ouro_count samples) {
  const ouro_lid i = find_owned(a->graph, node);
  if (i >= 0) a->graph->real[i] += samples;
}

static void starve_all(advisor *a) {
  memcpy(a->graph->real, a->real, (size_t)a->graph->n_owned * sizeof *a->real);
}

static ouro_status run_recursion(const advisor *a, const ouro_survey *survey, double *total) {
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
static ouro_status evaluate(advisor *a, double *total) {
  ouro_status status = OURO_OK;
  ouro_survey survey = {0};
  *total = INFINITY;
  a->n_evaluated++;
  OURO_TRY(ouro_survey_make(a->config, a->family, a->graph, &survey));
  if (survey.obstacle == NULL) status = run_recursion(a, &survey, total);
  if (status == OURO_ENUMERIC) status = OURO_OK;
cleanup:
  ouro_survey_clear(&survey);
  return status;
}

static ouro_status try_feed(advisor *a, ouro_gid node, double *total) {
  feed_node(a, node, a->config->real.samples);
  const ouro_status status = evaluate(a, total);
  feed_node(a, node, -a->config->real.samples);
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
static ouro_status choose(advisor *a, ouro_gid component, ouro_advice_feed *best) {
  ouro_status status = OURO_OK;
  *best = (ouro_advice_feed){-1, -1, INFINITY};
  for (ouro_gid i = 0; i < a->graph->n_nodes; i++) {
    ouro_advice_feed feed = {i, a->component[i], INFINITY};
    if (!a->open[i] || (component >= 0 && a->component[i] != component)) continue;
    OURO_TRY(try_feed(a, i, &feed.total));
    if (best->node < 0 || is_better(feed, *best)) *best = feed;
  }
  if (best->node >= 0) feed_node(a, best->node, a->config->real.samples);
cleanup:
  return status;
}

static ouro_status find_cure(advisor *a, const ouro_verdict *verdict, ouro_advice *advice) {
  ouro_status status = OURO_OK;
  for (int k = 0; k < verdict->n_listed; k++) {
    ouro_advice_feed *feed = &advice->cure[advice->n_cure];
    OURO_TRY(choose(a, verdict->listed[k].first, feed));
    advice->n_cure += feed->node >= 0;
    advice->n_incurable += feed->node < 0;
  }
cleanup:
  starve_all(a);
  return status;
}

static ouro_status find_best(advisor *a, int64_t budget, ouro_advice *advice) {
  ouro_status status = OURO_OK;
  while (advice->n_best < budget) {
    ouro_advice_feed *feed = &advice->best[advice->n_best];
    OURO_TRY(choose(a, -1, feed));
    a->open[feed->node] = 0;
    advice->n_best++;
  }
cleanup:
  starve_all(a);
  return status;
}

/* ---- set-up ---- */

static ouro_status advice_new(int64_t n_cure, int64_t n_best, ouro_advice **advice) {
  ouro_status status = OURO_OK;
  ouro_advice *made;
  OURO_NEW(made, 1);
  *advice = made;
  OURO_NEW(made->cure, n_cure);
  OURO_NEW(made->best, n_best);
cleanup:
  return status;
}

void ouro_advice_destroy(ouro_advice **advice) {
  if (*advice == NULL) return;
  free((*advice)->cure);
  free((*advice)->best);
  free(*advice);
  *advice = NULL;
}

static void advisor_clear(advisor *a) {
  free(a->real);
  free(a->component);
  free(a->open);
}

static bool is_candidate(const ouro_graph *graph, const ouro_advise_request *request, ouro_lid i) {
  return request->candidate ? request->candidate[i] != 0 : graph->real[i] == 0;
}

static ouro_status advisor_new(const ouro_verdict *verdict, const ouro_advise_request *request, advisor *a) {
  ouro_status status = OURO_OK;
  const ouro_graph *graph = a->graph;
  OURO_NEW(a->real, graph->n_owned);
  OURO_NEW(a->component, graph->n_nodes);
  OURO_NEW(a->open, graph->n_nodes);
  for (ouro_gid i = 0; i < graph->n_nodes; i++) a->component[i] = -1;
  for (ouro_lid i = 0; i < graph->n_owned; i++) {
    a->real[i] = graph->real[i];
    a->component[graph->gid[i]] = verdict->component[i];
    a->open[graph->gid[i]] = is_candidate(graph, request, i);
  }
cleanup:
  return status;
}

/* Every rank learns the source and the candidacy of every node. */
static ouro_status advisor_share(const ouro_verdict *verdict, const ouro_advise_request *request, advisor *a) {
  ouro_status status = OURO_OK;
  const ouro_graph *graph = a->graph;
  const int n = (int)graph->n_nodes; /* the work was bounded before */
  OURO_AGREE(graph->comm, advisor_new(verdict, request, a));
  int code = MPI_Allreduce(MPI_IN_PLACE, a->component, n, OURO_GID_MPI, MPI_MAX, graph->comm);
  if (code == MPI_SUCCESS) code = MPI_Allreduce(MPI_IN_PLACE, a->open, n, MPI_INT8_T, MPI_MAX, graph->comm);
  OURO_AGREE(graph->comm, ouro_mpi_status(code));
cleanup:
  return status;
}

enum { N_CANDIDATES, N_IN_SOURCES, N_COUNTS };

static ouro_status count_candidates(const ouro_graph *graph, const ouro_verdict *verdict,
                                    const ouro_advise_request *request, int64_t *counts) {
  counts[N_CANDIDATES] = counts[N_IN_SOURCES] = 0;
  for (ouro_lid i = 0; i < graph->n_owned; i++) {
    if (!is_candidate(graph, request, i)) continue;
    counts[N_CANDIDATES]++;
    counts[N_IN_SOURCES] += verdict->component[i] >= 0;
  }
  return ouro_agree(graph->comm,
                    ouro_mpi_status(MPI_Allreduce(MPI_IN_PLACE, counts, N_COUNTS, MPI_INT64_T, MPI_SUM, graph->comm)));
}

/* Refuse what takes too long or does not fit, with the figures and what works instead. */
static ouro_status weigh(const ouro_config *config, const ouro_graph *graph, const ouro_survey *survey,
                         const ouro_verdict *verdict, const int64_t *counts, int64_t budget) {
  ouro_status status = OURO_OK;
  int ranks;
  MPI_Comm_size(graph->comm, &ranks);
  const double n_runs = 1 + (double)counts[N_IN_SOURCES] + (double)budget * (double)counts[N_CANDIDATES];
  const double seconds =
      (double)config->learning.generations * ouro_sparse_seconds((double)survey->n, (double)survey->n_weights);
  const double need = ouro_sparse_bytes(survey->n, survey->n_weights, ranks);
  const double available = (double)ouro_memory_available(graph->comm);
  OURO_CHECK(n_runs * seconds <= OURO_ADVISE_PATIENCE && verdict->n_unstable == verdict->n_listed, OURO_ELIMIT,
             "too large for advice: %.0f recursions of %" PRId64
             " nodes, about %.2g s each on one core, for a limit of "
             "%.0f s; fewer candidates, a smaller budget or fewer generations make it less (and `ouro verdict` names a "
             "model of each unstable source: real data there cure it)",
             n_runs, survey->n, seconds, OURO_ADVISE_PATIENCE);
  OURO_AGREE(graph->comm, need <= available
                              ? OURO_OK
                              : ouro_error(OURO_ELIMIT, "too large for advice: %.3g MB a rank of %.3g MB available",
                                           need / 1e6, available / 1e6));
cleanup:
  return status;
}

static ouro_status check(const ouro_config *config, const ouro_family *family, const ouro_graph *graph,
                         const ouro_verdict *verdict, const int64_t *counts, int64_t budget, bool *exact) {
  ouro_status status = OURO_OK;
  ouro_survey survey = {0};
  OURO_CHECK(config->real.kind != OURO_REAL_INITIAL, OURO_ECONFIG,
             "real.kind=initial: real data of generation 0 alone cure nothing, so there is no advice");
  OURO_TRY(ouro_survey_make(config, family, graph, &survey));
  OURO_CHECK(survey.obstacle == NULL, OURO_ELIMIT, "no advice: %s", survey.obstacle);
  OURO_TRY(weigh(config, graph, &survey, verdict, counts, budget));
  *exact = survey.exact && (family->law == OURO_LAW_MEANS || config->real.kind == OURO_REAL_FRESH);
cleanup:
  ouro_survey_clear(&survey);
  return status;
}

ouro_status ouro_advise(const ouro_config *config, const ouro_family *family, ouro_graph *graph,
                        const ouro_verdict *verdict, const ouro_advise_request *request, ouro_advice **advice) {
  ouro_status status = OURO_OK;
  advisor a = {.config = config, .family = family, .graph = graph};
  ouro_advice *made = NULL;
  int64_t counts[N_COUNTS];
  bool exact = false;
  *advice = NULL;
  OURO_TRY(count_candidates(graph, verdict, request, counts));
  const int64_t budget = request->budget < counts[N_CANDIDATES] ? request->budget : counts[N_CANDIDATES];
  OURO_TRY(check(config, family, graph, verdict, counts, budget, &exact));
  OURO_AGREE(graph->comm, advice_new(verdict->n_listed + 1, budget, &made));
  OURO_TRY(advisor_share(verdict, request, &a));
  made->exact = exact;
  made->n_candidates = counts[N_CANDIDATES];
  OURO_TRY(evaluate(&a, &made->total));
  OURO_TRY(find_cure(&a, verdict, made));
  OURO_TRY(find_best(&a, budget, made));
  made->n_evaluated = a.n_evaluated;
  *advice = made;
  made = NULL;
cleanup:
  advisor_clear(&a);
  ouro_advice_destroy(&made);
  return status;
}
