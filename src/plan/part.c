/* Parts of a graph as graphs of their own, as the ranks that will own them would hold them. Invariant: nodes, feeds and
 * ghosts stand in the order that migration would give them. Knows nothing of models. */

#include <stdlib.h>
#include <string.h>

#include "ouro/base/memory.h"
#include "plan/private.h"

typedef struct pair {
  int64_t key, at;
} pair;

/* What cutting one part after the other needs. */
typedef struct cutter {
  const ouro_graph *graph;
  const int32_t *part; /* [n_owned + n_ghost] */
  ouro_lid *place;     /* [n_owned + n_ghost] index in the graph of the part being cut; -1: not in it */
  pair *ghosts;        /* [n_owned + n_ghost] of that part, by id, then by part */
} cutter;

static int by_key(const void *a, const void *b) {
  const pair *x = a, *y = b;
  if (x->key != y->key) return x->key < y->key ? -1 : 1;
  return (x->at > y->at) - (x->at < y->at);
}

/* Sources of other parts, by id; their places follow those of the n nodes. */
static ouro_lid find_ghosts(cutter *with, ouro_lid n, const ouro_lid *nodes) {
  const ouro_graph *graph = with->graph;
  ouro_lid n_ghost = 0;
  for (ouro_lid i = 0; i < n; i++) with->place[nodes[i]] = i;
  for (ouro_lid i = 0; i < n; i++) {
    for (ouro_eid e = graph->row[nodes[i]]; e < graph->row[nodes[i] + 1]; e++) {
      const ouro_lid j = graph->source[e];
      if (with->place[j] >= 0) continue;
      with->place[j] = n;
      with->ghosts[n_ghost++] = (pair){graph->gid[j], j};
    }
  }
  qsort(with->ghosts, (size_t)n_ghost, sizeof *with->ghosts, by_key);
  for (ouro_lid k = 0; k < n_ghost; k++) with->place[with->ghosts[k].at] = n + k;
  return n_ghost;
}

static ouro_status allocate(const ouro_graph *whole, ouro_eid n_feeds, ouro_graph *graph) {
  ouro_status status = OURO_OK;
  const size_t n = (size_t)graph->n_owned;
  OURO_NEW(graph->gid, n + (size_t)graph->n_ghost);
  OURO_NEW(graph->row, n + 1);
  OURO_NEW(graph->source, n_feeds);
  if (whole->samples) OURO_NEW(graph->samples, n_feeds);
  if (whole->times) OURO_NEW(graph->times, n_feeds);
  OURO_NEW(graph->real, n);
  if (whole->initial) OURO_NEW(graph->initial, n);
  if (whole->every) OURO_NEW(graph->every, n);
  if (whole->noise) OURO_NEW(graph->noise, n + (size_t)graph->n_ghost);
cleanup:
  return status;
}

static void copy_node(const cutter *with, ouro_lid from, ouro_lid to, ouro_graph *graph) {
  const ouro_graph *whole = with->graph;
  ouro_eid end = graph->row[to];
  graph->gid[to] = whole->gid[from];
  graph->real[to] = whole->real[from];
  if (whole->initial) graph->initial[to] = whole->initial[from];
  if (whole->every) graph->every[to] = whole->every[from];
  for (ouro_eid e = whole->row[from]; e < whole->row[from + 1]; e++, end++) {
    graph->source[end] = with->place[whole->source[e]];
    if (whole->samples) graph->samples[end] = whole->samples[e];
    if (whole->times) graph->times[end] = whole->times[e];
  }
  graph->row[to + 1] = end;
}

static ouro_status allocate_halo(ouro_lid n_ghost, ouro_halo **halo) {
  ouro_status status = OURO_OK;
  OURO_NEW(*halo, 1);
  OURO_NEW((*halo)->receive_rank, n_ghost);
  OURO_NEW((*halo)->receive_row, (size_t)n_ghost + 1);
  OURO_NEW((*halo)->receive, n_ghost);
  OURO_NEW((*halo)->send_row, 1);
cleanup:
  return status;
}

/* Ghosts by the part that owns them, by id within one. */
static ouro_status make_halo(const cutter *with, ouro_graph *graph) {
  ouro_status status = OURO_OK;
  const ouro_lid n = graph->n_ghost;
  OURO_TRY(allocate_halo(n, &graph->halo));
  ouro_halo *halo = graph->halo;
  halo->comm = graph->comm;
  halo->n_owned = graph->n_owned;
  halo->n_ghost = n;
  for (ouro_lid k = 0; k < n; k++) with->ghosts[k] = (pair){with->part[with->ghosts[k].at], graph->n_owned + k};
  qsort(with->ghosts, (size_t)n, sizeof *with->ghosts, by_key);
  for (ouro_lid k = 0; k < n; k++) {
    if (k == 0 || with->ghosts[k].key != with->ghosts[k - 1].key) {
      halo->receive_rank[halo->n_receive++] = (int)with->ghosts[k].key;
    }
    halo->receive[k] = (ouro_lid)with->ghosts[k].at;
    halo->receive_row[halo->n_receive] = k + 1;
  }
cleanup:
  return status;
}

static ouro_status cut_part(cutter *with, ouro_lid n, const ouro_lid *nodes, ouro_graph **out) {
  ouro_status status = OURO_OK;
  const ouro_graph *whole = with->graph;
  ouro_graph *graph;
  OURO_NEW(graph, 1);
  *out = graph;
  graph->comm = MPI_COMM_SELF;
  graph->n_nodes = whole->n_nodes;
  graph->n_owned = n;
  graph->each = whole->each;
  graph->named = whole->named;
  graph->label_width = whole->label_width;
  graph->n_ghost = find_ghosts(with, n, nodes);
  for (ouro_lid i = 0; i < n; i++) graph->n_feeds += whole->row[nodes[i] + 1] - whole->row[nodes[i]];
  OURO_TRY(allocate(whole, graph->n_feeds, graph));
  for (ouro_lid i = 0; i < n; i++) copy_node(with, nodes[i], i, graph);
  for (ouro_lid k = 0; k < graph->n_ghost; k++) {
    graph->gid[n + k] = with->ghosts[k].key;
    with->place[with->ghosts[k].at] = -1;
  }
  for (ouro_lid i = 0; i < n; i++) with->place[nodes[i]] = -1;
  OURO_TRY(make_halo(with, graph));
cleanup:
  return status;
}

static ouro_status cutter_open(const ouro_graph *graph, const int32_t *part, cutter *with) {
  ouro_status status = OURO_OK;
  const size_t n = (size_t)graph->n_owned + (size_t)graph->n_ghost;
  *with = (cutter){.graph = graph, .part = part};
  OURO_NEW(with->place, n);
  OURO_NEW(with->ghosts, n);
  for (size_t j = 0; j < n; j++) with->place[j] = -1;
cleanup:
  return status;
}

/* Owned nodes by part, those of part first + k at start[k] .. start[k+1]-1. start [n_held + 2] zeros. */
static void sort_nodes(const ouro_graph *graph, const int32_t *part, int first, int n_held, ouro_lid *start,
                       ouro_lid *nodes) {
  for (ouro_lid i = 0; i < graph->n_owned; i++) start[part[i] - first + 2]++;
  for (int k = 2; k < n_held + 2; k++) start[k] += start[k - 1];
  for (ouro_lid i = 0; i < graph->n_owned; i++) nodes[start[part[i] - first + 1]++] = i;
}

ouro_status ouro_plan_cut(const ouro_graph *graph, const int32_t *part, int first, int n_held,
                          ouro_exchange_part *parts) {
  ouro_status status = OURO_OK;
  cutter with = {0};
  ouro_lid *start = NULL, *nodes = NULL;
  OURO_TRY(cutter_open(graph, part, &with));
  OURO_NEW(start, (size_t)n_held + 2);
  OURO_NEW(nodes, graph->n_owned);
  sort_nodes(graph, part, first, n_held, start, nodes);
  for (int h = 0; h < n_held; h++) {
    ouro_graph *made = NULL;
    status = cut_part(&with, start[h + 1] - start[h], nodes + start[h], &made);
    parts[h] = (ouro_exchange_part){first + h, made};
    if (status != OURO_OK) goto cleanup;
  }
cleanup:
  free(with.place);
  free(with.ghosts);
  free(start);
  free(nodes);
  return status;
}
