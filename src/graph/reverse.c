/* Feeds turned round, each sent to the rank that owns its source: see reverse.h. Must not know what for. */

#include "ouro/graph/reverse.h"

#include <stdlib.h>

#include "ouro/base/memory.h"
#include "ouro/graph/build.h"
#include "ouro/graph/route.h"

typedef struct turned {
  ouro_feeds feeds;
  int *rank; /* [feeds.n] who owns the source of each, its new target */
} turned;

static bool is_kept(const ouro_graph *graph, const ouro_gid *component, ouro_lid i, ouro_eid k) {
  return component[i] >= 0 && component[graph->source[k]] == component[i];
}

/* The ranks of all nodes here. */
static ouro_status list_owners(const ouro_graph *graph, int **owner) {
  ouro_status status = OURO_OK;
  const ouro_halo *halo = graph->halo;
  int rank;
  MPI_Comm_rank(graph->comm, &rank);
  OURO_NEW(*owner, graph->n_owned + graph->n_ghost);
  for (ouro_lid i = 0; i < graph->n_owned; i++) (*owner)[i] = rank;
  for (int p = 0; p < halo->n_receive; p++) {
    for (ouro_lid s = halo->receive_row[p]; s < halo->receive_row[p + 1]; s++) {
      (*owner)[halo->receive[s]] = halo->receive_rank[p];
    }
  }
cleanup:
  return status;
}

static ouro_eid count_kept(const ouro_graph *graph, const ouro_gid *component) {
  ouro_eid n = 0;
  for (ouro_lid i = 0; i < graph->n_owned; i++) {
    for (ouro_eid k = graph->row[i]; k < graph->row[i + 1]; k++) n += is_kept(graph, component, i, k);
  }
  return n;
}

static ouro_status list_turned(const ouro_graph *graph, const ouro_gid *component, turned *list) {
  ouro_status status = OURO_OK;
  const ouro_eid n = count_kept(graph, component);
  int *owner = NULL;
  OURO_TRY(list_owners(graph, &owner));
  OURO_NEW(list->rank, n);
  list->feeds.each = graph->samples || graph->times ? 0 : graph->each;
  OURO_TRY(ouro_feeds_reserve(&list->feeds, n));
  for (ouro_lid i = 0; i < graph->n_owned; i++) {
    for (ouro_eid k = graph->row[i]; k < graph->row[i + 1]; k++) {
      if (!is_kept(graph, component, i, k)) continue;
      const ouro_lid j = graph->source[k];
      list->rank[list->feeds.n] = owner[j];
      OURO_TRY(ouro_feeds_add(&list->feeds, graph->gid[i], graph->gid[j], ouro_graph_samples(graph, k)));
    }
  }
cleanup:
  free(owner);
  return status;
}

static ouro_status send_field(const ouro_route *route, int64_t **field) {
  ouro_status status;
  int64_t *received = NULL;
  OURO_TRY(ouro_route_send(route, 1, *field, &received));
  free(*field);
  *field = received;
cleanup:
  return status;
}

/* Field by field, so that little is held twice. */
static ouro_status send_feeds(MPI_Comm comm, turned *list) {
  ouro_status status;
  ouro_route route = {0};
  ouro_feeds *feeds = &list->feeds;
  OURO_TRY(ouro_route_open(comm, feeds->n, list->rank, &route));
  free(list->rank);
  list->rank = NULL;
  OURO_TRY(send_field(&route, &feeds->source));
  OURO_TRY(send_field(&route, &feeds->target));
  if (feeds->each == 0) OURO_TRY(send_field(&route, &feeds->samples));
  feeds->n = feeds->capacity = route.n_received;
cleanup:
  ouro_route_close(&route);
  return status;
}

ouro_status ouro_graph_reverse(const ouro_graph *graph, const ouro_gid *component, ouro_graph **reversed) {
  ouro_status status = OURO_OK;
  turned list = {0};
  *reversed = NULL;
  OURO_AGREE(graph->comm, list_turned(graph, component, &list));
  OURO_TRY(send_feeds(graph->comm, &list));
  OURO_TRY(ouro_graph_assemble(graph->comm, graph->n_nodes, graph->n_owned, graph->gid, &list.feeds, reversed));
cleanup:
  free(list.rank);
  ouro_feeds_clear(&list.feeds);
  return status;
}
