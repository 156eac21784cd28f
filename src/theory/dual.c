/* Estimates of C_ii(t) from pairs of backward walks: whom to walk for, how long, and what the sums mean.
 * Every decision rests on exact sums over all ranks. Must not know how a pair walks. */

#include "ouro/theory/dual.h"

#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "ouro/base/memory.h"
#include "theory/dual_walk.h"
#include "theory/select.h"

enum {
  FIRST_WALKS = 1024,  /* pairs a node before its error is looked at */
  GROUP_SUMS = 1 << 16 /* exact sums held at a time: 39 MB, twice */
};

/* A group of nodes on its way to an estimate. */
typedef struct group {
  int n;                 /* nodes; node number k of the group is number first + k of the request */
  int first, n_active;   /* */
  int32_t *slot;         /* [n_active] which of them still walk */
  ouro_gid *node;        /* [n_active] */
  int32_t *bin;          /* [horizon + 1] of ouro_walks_task */
  ouro_sum *news, *sums; /* [n][n_generations][2] changes of this round, and of all */
} group;

static void group_clear(group *g) {
  free(g->slot);
  free(g->node);
  free(g->bin);
  free(g->news);
  free(g->sums);
}

static int64_t horizon_of(const ouro_dual_request *request) {
  return request->n_generations > 0 ? request->generations[request->n_generations - 1] : 0;
}

static int most_in_group(const ouro_dual_request *request) {
  const int most = GROUP_SUMS / (2 * (request->n_generations > 0 ? request->n_generations : 1));
  return most > 0 ? most : 1;
}

static ouro_status group_new(const ouro_dual_request *request, group *g) {
  ouro_status status = OURO_OK;
  const int most = most_in_group(request);
  const size_t n = (size_t)(request->n_nodes < most ? request->n_nodes : most);
  OURO_NEW(g->slot, n);
  OURO_NEW(g->node, n);
  OURO_NEW(g->news, 2 * n * (size_t)request->n_generations);
  OURO_NEW(g->sums, 2 * n * (size_t)request->n_generations);
  OURO_NEW(g->bin, horizon_of(request) + 1);
  for (int64_t t = 0, bin = 0; t <= horizon_of(request) && request->n_generations > 0; t++) {
    bin += request->generations[bin] < t;
    g->bin[t] = (int32_t)bin;
  }
cleanup:
  return status;
}

static void group_start(const ouro_dual_request *request, int first, group *g) {
  const int most = most_in_group(request), left = request->n_nodes - first;
  g->first = first;
  g->n = g->n_active = left < most ? left : most;
  for (int k = 0; k < g->n; k++) {
    g->slot[k] = k;
    g->node[k] = request->nodes[first + k];
  }
  memset(g->sums, 0, 2 * (size_t)g->n * (size_t)request->n_generations * sizeof *g->sums);
}

/* ---- estimates ---- */

/* Mean of n values and its standard error, from their sum and that of their squares. */
static void estimate(double n, double sum, double squares, double *value, double *standard_error) {
  const double spread = squares - sum / n * sum;
  *value = sum / n;
  *standard_error = spread > 0 ? sqrt(spread / (n - 1) / n) : 0;
}

/* Sum up the changes of one node of the group. Returns the factor by which the number of walks must grow for the
 * error asked for: at most 1 if it is reached. */
static double conclude(const ouro_dual_request *request, const group *g, int32_t slot, int64_t walks, ouro_dual *dual) {
  const int n = request->n_generations;
  const ouro_sum *changes = &g->sums[2 * (int64_t)slot * n];
  const int64_t row = (int64_t)(g->first + slot) * n;
  ouro_sum sum, squares;
  double factor = 0;
  ouro_sum_zero(&sum);
  ouro_sum_zero(&squares);
  dual->walks[g->first + slot] = walks;
  for (int t = 0; t < n; t++) {
    double *value = &dual->value[row + t], *error = &dual->standard_error[row + t];
    ouro_sum_merge(&sum, &changes[2 * t]);
    ouro_sum_merge(&squares, &changes[2 * t + 1]);
    estimate((double)walks, ouro_sum_value(&sum), ouro_sum_value(&squares), value, error);
    if (*error > 0) factor = fmax(factor, pow(*error / (request->error * *value), 2));
  }
  return request->error > 0 ? factor : INFINITY;
}

/* Leave out the nodes that are done. Returns the largest factor of the others. */
static double conclude_all(const ouro_dual_request *request, int64_t walks, group *g, ouro_dual *dual) {
  double largest = 0;
  int kept = 0;
  for (int k = 0; k < g->n_active; k++) {
    const double factor = conclude(request, g, g->slot[k], walks, dual);
    if (factor <= 1) continue;
    largest = fmax(largest, factor);
    g->slot[kept] = g->slot[k];
    g->node[kept++] = g->node[k];
  }
  g->n_active = kept;
  return largest;
}

/* How many walks to add to those done: as many as the error asks for, at most as many again, and no fewer than an
 * eighth, lest the rounds be many. The same on all ranks. */
static int64_t walks_to_add(const ouro_dual_request *request, int64_t done, double factor) {
  const double wanted = (double)done * (1.05 * factor - 1);
  const int64_t least = done / 8, left = request->walks - done;
  const int64_t n = !(wanted < (double)done) ? done : (int64_t)wanted > least ? (int64_t)wanted : least;
  return n < left ? n : left;
}

/* Walk pairs number first .. first+n-1 of the active nodes. */
static ouro_status walk_round(const ouro_dual_request *request, ouro_walks *walks, int64_t first, int64_t n,
                              MPI_Comm comm, group *g) {
  ouro_status status = OURO_OK;
  const int n_sums = 2 * g->n * request->n_generations;
  const ouro_walks_task task = {.n_nodes = g->n_active,
                                .node = g->node,
                                .slot = g->slot,
                                .first = first,
                                .n = n,
                                .horizon = horizon_of(request),
                                .bin = g->bin,
                                .n_bins = request->n_generations,
                                .changes = g->news};
  memset(g->news, 0, (size_t)n_sums * sizeof *g->news);
  OURO_TRY(ouro_walks_run(walks, &task));
  OURO_TRY(ouro_sum_reduce(g->news, n_sums, comm));
  for (int k = 0; k < n_sums; k++) ouro_sum_merge(&g->sums[k], &g->news[k]);
cleanup:
  return status;
}

static ouro_status walk_group(const ouro_dual_request *request, ouro_walks *walks, MPI_Comm comm, group *g,
                              ouro_dual *dual) {
  ouro_status status = OURO_OK;
  int64_t done = 0, n = request->walks < FIRST_WALKS ? request->walks : FIRST_WALKS;
  while (g->n_active > 0 && n > 0) {
    OURO_TRY(walk_round(request, walks, done, n, comm, g));
    done += n;
    const double factor = conclude_all(request, done, g, dual);
    n = walks_to_add(request, done, factor);
  }
cleanup:
  return status;
}

/* ---- what cannot be estimated ---- */

static ouro_status check_request(const ouro_graph *graph, const ouro_dual_request *request) {
  ouro_status status = OURO_OK;
  for (int k = 0; k < request->n_nodes; k++) {
    OURO_CHECK(request->nodes[k] >= 0 && request->nodes[k] < graph->n_nodes, OURO_EINPUT,
               "there is no node %" OURO_GID_FMT ": the graph has %" OURO_GID_FMT, request->nodes[k], graph->n_nodes);
  }
  for (int t = 0; t < request->n_generations; t++) {
    OURO_CHECK(request->generations[t] >= (t > 0 ? request->generations[t - 1] + 1 : 0), OURO_EINTERNAL,
               "generations out of order at %" PRId64, request->generations[t]);
  }
  OURO_CHECK(request->walks >= 2, OURO_EINTERNAL, "a standard error needs two walks");
  OURO_CHECK(request->n_generations <= GROUP_SUMS, OURO_ELIMIT, "walks can be summed up at %d generations, not %d",
             GROUP_SUMS, request->n_generations);
cleanup:
  return status;
}

/* Refuse what does not fit, with the figures. */
static ouro_status check_memory(const ouro_graph *graph, int64_t in_flight) {
  ouro_status status = OURO_OK;
  const double need = ouro_walks_bytes(graph, in_flight) + 4.0 * GROUP_SUMS * sizeof(ouro_sum) / 2;
  const double available = (double)ouro_memory_available(graph->comm);
  OURO_AGREE(graph->comm, need <= available
                              ? OURO_OK
                              : ouro_error(OURO_ELIMIT, "backward walks need %.3g MB a rank of %.3g MB available",
                                           need / 1e6, available / 1e6));
cleanup:
  return status;
}

static ouro_status check(const ouro_config *config, const ouro_family *family, const ouro_graph *graph,
                         const ouro_dual_request *request, const ouro_survey *survey) {
  ouro_status status = OURO_OK;
  OURO_TRY(check_request(graph, request)); /* the same on all ranks */
  OURO_TRY(ouro_walks_check(config, family, graph, survey));
cleanup:
  return status;
}

/* ---- */

static ouro_status dual_new(const ouro_dual_request *request, ouro_dual **dual) {
  ouro_status status = OURO_OK;
  ouro_dual *made;
  OURO_NEW(made, 1);
  *dual = made;
  made->n_nodes = request->n_nodes;
  made->n_generations = request->n_generations;
  size_t n;
  OURO_TRY(ouro_memory_product((size_t)request->n_nodes, (size_t)request->n_generations, &n));
  OURO_NEW(made->walks, request->n_nodes);
  OURO_NEW(made->value, n);
  OURO_NEW(made->standard_error, n);
cleanup:
  return status;
}

void ouro_dual_destroy(ouro_dual **dual) {
  if (*dual == NULL) return;
  free((*dual)->walks);
  free((*dual)->value);
  free((*dual)->standard_error);
  free(*dual);
  *dual = NULL;
}

static ouro_status run(const ouro_config *config, const ouro_family *family, const ouro_graph *graph,
                       const ouro_dual_request *request, const ouro_survey *survey, ouro_dual *dual) {
  ouro_status status = OURO_OK;
  ouro_walks *walks = NULL;
  group g = {0};
  const int64_t in_flight = request->in_flight > 0 ? request->in_flight : OURO_WALKS_IN_FLIGHT;
  OURO_TRY(check_memory(graph, in_flight));
  OURO_AGREE(graph->comm, group_new(request, &g));
  OURO_TRY(ouro_walks_create(config, family, graph, survey, in_flight, &walks));
  for (int first = 0; first < request->n_nodes && request->n_generations > 0; first += g.n) {
    group_start(request, first, &g);
    OURO_TRY(walk_group(request, walks, graph->comm, &g, dual));
  }
cleanup:
  ouro_walks_destroy(&walks);
  group_clear(&g);
  return status;
}

ouro_status ouro_dual_estimate(const ouro_config *config, const ouro_family *family, const ouro_graph *graph,
                               const ouro_dual_request *request, ouro_dual **dual) {
  ouro_status status = OURO_OK;
  ouro_survey survey = {0};
  ouro_dual *made = NULL;
  *dual = NULL;
  OURO_TRY(ouro_survey_make(config, family, graph, &survey));
  OURO_TRY(check(config, family, graph, request, &survey));
  OURO_AGREE(graph->comm, dual_new(request, &made));
  made->exact = survey.exact;
  OURO_TRY(run(config, family, graph, request, &survey, made));
  *dual = made;
  made = NULL;
cleanup:
  ouro_survey_clear(&survey);
  ouro_dual_destroy(&made);
  return status;
}
