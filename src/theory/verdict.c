/* Verdict (THEORY.md section 2): two forward sweeps decide for every node, and components are named only among
 * the nodes that no anchor reaches. No array over all nodes on any rank. Must not know model families. */

#include "ouro/theory/verdict.h"

#include <stdlib.h>
#include <string.h>

#include "ouro/base/memory.h"
#include "ouro/graph/reach.h"
#include "theory/select.h"

static bool has_real(const ouro_graph *graph, ouro_lid i, bool real_counts) {
  return real_counts && graph->real[i] > 0;
}

static bool has_feeds(const ouro_graph *graph, ouro_lid i) {
  return graph->row[i + 1] > graph->row[i];
}

/* Marks of the owned nodes, each grown by a sweep. */
typedef struct sweeps {
  int8_t *grounded;   /* reached from real data or a root */
  int8_t *corrected;  /* reached from real data */
  int8_t *collapsing; /* reached from a node that is not grounded */
  int8_t *floating;   /* not grounded: closed under predecessors */
} sweeps;

static void sweeps_destroy(sweeps *s) {
  free(s->grounded);
  free(s->corrected);
  free(s->collapsing);
  free(s->floating);
}

static ouro_status sweeps_create(const ouro_graph *graph, bool real_counts, bool accumulating, sweeps *s) {
  ouro_status status = OURO_OK;
  OURO_NEW(s->grounded, graph->n_owned);
  OURO_NEW(s->corrected, graph->n_owned);
  OURO_NEW(s->collapsing, graph->n_owned);
  OURO_NEW(s->floating, graph->n_owned);
  for (ouro_lid i = 0; i < graph->n_owned; i++) {
    s->corrected[i] = has_real(graph, i, real_counts);
    s->grounded[i] = accumulating || s->corrected[i] || !has_feeds(graph, i);
  }
cleanup:
  return status;
}

static ouro_status sweeps_run(const ouro_graph *graph, sweeps *s) {
  ouro_status status = OURO_OK;
  OURO_TRY(ouro_graph_reach_forward(graph, NULL, s->grounded));
  for (ouro_lid i = 0; i < graph->n_owned; i++) s->collapsing[i] = s->floating[i] = !s->grounded[i];
  OURO_TRY(ouro_graph_reach_forward(graph, NULL, s->collapsing));
  OURO_TRY(ouro_graph_reach_forward(graph, NULL, s->corrected));
cleanup:
  return status;
}

static ouro_status verdict_new(const ouro_graph *graph, ouro_verdict **verdict) {
  ouro_status status = OURO_OK;
  ouro_verdict *made;
  OURO_NEW(made, 1);
  *verdict = made;
  OURO_NEW(made->class_of, graph->n_owned);
  OURO_NEW(made->component, graph->n_owned);
cleanup:
  return status;
}

static ouro_status classify(const ouro_graph *graph, const sweeps *s, ouro_verdict *verdict) {
  for (ouro_lid i = 0; i < graph->n_owned; i++) {
    const ouro_class found = s->collapsing[i]  ? OURO_CLASS_COLLAPSING
                             : s->corrected[i] ? OURO_CLASS_ANCHORED
                                               : OURO_CLASS_FROZEN;
    verdict->class_of[i] = (int8_t)found;
    verdict->count[found]++;
  }
  return ouro_agree(graph->comm, ouro_mpi_status(MPI_Allreduce(MPI_IN_PLACE, verdict->count, OURO_CLASS_COUNT,
                                                               OURO_GID_MPI, MPI_SUM, graph->comm)));
}

/* The components that owned nodes belong to, with the number of owned nodes in each. */
static ouro_status owned_parts(ouro_lid n_owned, const ouro_gid *component, ouro_pair **parts, int *n_parts) {
  ouro_status status = OURO_OK;
  ouro_pair *made = NULL;
  ouro_lid n = 0;
  for (ouro_lid i = 0; i < n_owned; i++) n += component[i] >= 0;
  OURO_NEW(made, n);
  n = 0;
  for (ouro_lid i = 0; i < n_owned; i++) {
    if (component[i] >= 0) made[n++] = (ouro_pair){component[i], 1};
  }
  *n_parts = (int)ouro_pair_combine(made, n);
  *parts = made;
cleanup:
  return status;
}

/* This rank's largest components as pairs (-size, first), so that ascending order is the order of the list. */
static ouro_status rank_by_size(ouro_pair *sizes, int64_t n, ouro_pair **largest, int *n_largest) {
  ouro_status status = OURO_OK;
  ouro_pair *made = NULL;
  OURO_NEW(made, OURO_VERDICT_LISTED);
  for (int64_t k = 0; k < n; k++) sizes[k] = (ouro_pair){-sizes[k].value, sizes[k].key};
  if (n > 1) qsort(sizes, (size_t)n, sizeof *sizes, ouro_pair_compare);
  *n_largest = n < OURO_VERDICT_LISTED ? (int)n : OURO_VERDICT_LISTED;
  if (n > 0) memcpy(made, sizes, (size_t)*n_largest * sizeof *made);
  *largest = made;
cleanup:
  return status;
}

static ouro_status list_components(const ouro_pair *largest, int n, ouro_verdict *verdict) {
  ouro_status status = OURO_OK;
  OURO_NEW(verdict->listed, n);
  verdict->n_listed = n;
  for (int k = 0; k < n; k++) verdict->listed[k] = (ouro_unstable){largest[k].value, -largest[k].key};
cleanup:
  return status;
}

/* Sizes are counted in a directory by blocks of ids: component `first` meets on the rank of that block. */
static ouro_status count_components(const ouro_graph *graph, ouro_verdict *verdict) {
  ouro_status status = OURO_OK;
  ouro_pair *parts = NULL, *sizes = NULL, *largest = NULL;
  int n_parts = 0, n_largest = 0;
  int64_t n_sizes = 0;
  OURO_AGREE(graph->comm, owned_parts(graph->n_owned, verdict->component, &parts, &n_parts));
  OURO_TRY(ouro_select_directory(graph->comm, graph->n_nodes, n_parts, parts, &sizes, &n_sizes));
  verdict->n_unstable = n_sizes;
  OURO_AGREE(graph->comm,
             ouro_mpi_status(MPI_Allreduce(MPI_IN_PLACE, &verdict->n_unstable, 1, OURO_GID_MPI, MPI_SUM, graph->comm)));
  OURO_AGREE(graph->comm, rank_by_size(sizes, n_sizes, &largest, &n_largest));
  OURO_TRY(ouro_select_least(graph->comm, n_largest, OURO_VERDICT_LISTED, largest, &n_largest));
  OURO_AGREE(graph->comm, list_components(largest, n_largest, verdict));
cleanup:
  free(parts);
  free(sizes);
  free(largest);
  return status;
}

static ouro_status decide(const ouro_graph *graph, bool real_counts, bool accumulating, ouro_verdict **verdict) {
  ouro_status status = OURO_OK;
  ouro_verdict *made = NULL;
  sweeps s = {0};
  *verdict = NULL;
  OURO_AGREE(graph->comm, verdict_new(graph, &made));
  OURO_AGREE(graph->comm, sweeps_create(graph, real_counts, accumulating, &s));
  OURO_TRY(sweeps_run(graph, &s));
  OURO_TRY(classify(graph, &s, made));
  OURO_TRY(ouro_graph_reach_sources(graph, s.floating, made->component));
  OURO_TRY(count_components(graph, made));
  *verdict = made;
  made = NULL;
cleanup:
  sweeps_destroy(&s);
  ouro_verdict_destroy(&made);
  return status;
}

ouro_status ouro_verdict_create(const ouro_graph *graph, bool real_counts, ouro_verdict **verdict) {
  return decide(graph, real_counts, false, verdict);
}

ouro_status ouro_verdict_create_accumulating(const ouro_graph *graph, bool real_counts, ouro_verdict **verdict) {
  return decide(graph, real_counts, true, verdict);
}

void ouro_verdict_destroy(ouro_verdict **verdict) {
  if (*verdict == NULL) return;
  free((*verdict)->class_of);
  free((*verdict)->component);
  free((*verdict)->listed);
  free(*verdict);
  *verdict = NULL;
}

const char *ouro_class_name(ouro_class class_) {
  static const char *const names[OURO_CLASS_COUNT] = {"anchored", "frozen", "collapsing"};
  return names[class_];
}

ouro_status ouro_verdict_scope(const ouro_graph *graph, bool real_counts, ouro_count least, ouro_scope *scope) {
  enum { MOST = sizeof scope->listed / sizeof scope->listed[0] };
  ouro_status status = OURO_OK;
  ouro_pair small[MOST];
  int n_small = 0, found;
  *scope = (ouro_scope){0};
  for (ouro_lid i = 0; i < graph->n_owned; i++) {
    const bool trained = has_feeds(graph, i) || has_real(graph, i, real_counts);
    const ouro_count size = ouro_graph_training_size(graph, i) - (real_counts ? 0 : graph->real[i]);
    if (!trained || size >= least) continue;
    scope->n_small++;
    if (n_small < MOST) small[n_small++] = (ouro_pair){graph->gid[i], size};
  }
  OURO_AGREE(graph->comm,
             ouro_mpi_status(MPI_Allreduce(MPI_IN_PLACE, &scope->n_small, 1, OURO_GID_MPI, MPI_SUM, graph->comm)));
  OURO_TRY(ouro_select_least(graph->comm, n_small, MOST, small, &found));
  scope->n_listed = found;
  for (int k = 0; k < found; k++) {
    scope->listed[k] = small[k].key;
    scope->size[k] = small[k].value;
  }
cleanup:
  return status;
}
