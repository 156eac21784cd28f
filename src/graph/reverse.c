/* Feeds turned round, each sent to the rank that owns its source: see reverse.h. Must not know what for. */

#include "ouro/graph/reverse.h"

#include <stdlib.h>

#include "ouro/base/memory.h"
#include "ouro/graph/build.h"
#include "ouro/graph/route.h"

enum { WORDS = 3 }; /* source, target, samples */

typedef struct turned {
  int *owner;      /* [n_ghost] rank of each ghost, then [n] of each feed's source */
  int64_t *record; /* [n][WORDS] */
  int64_t n;
} turned;

static bool is_kept(const ouro_graph *graph, const ouro_gid *component, ouro_lid i, ouro_eid k) {
  return component[i] >= 0 && component[graph->source[k]] == component[i];
}

static void write_record(const ouro_graph *graph, ouro_lid i, ouro_eid k, int64_t *record) {
  record[0] = graph->gid[i];
  record[1] = graph->gid[graph->source[k]];
  record[2] = ouro_graph_samples(graph, k);
}

static ouro_status list_turned(const ouro_graph *graph, const ouro_gid *component, turned *feeds) {
  ouro_status status = OURO_OK;
  int rank;
  const ouro_halo *halo = graph->halo;
  int *owner = NULL;
  MPI_Comm_rank(graph->comm, &rank);
  for (ouro_lid i = 0; i < graph->n_owned; i++) {
    for (ouro_eid k = graph->row[i]; k < graph->row[i + 1]; k++) feeds->n += is_kept(graph, component, i, k);
  }
  OURO_NEW(owner, graph->n_ghost);
  OURO_NEW(feeds->owner, feeds->n);
  OURO_NEW(feeds->record, WORDS * feeds->n);
  for (int p = 0; p < halo->n_receive; p++) {
    for (ouro_lid s = halo->receive_row[p]; s < halo->receive_row[p + 1]; s++) {
      owner[halo->receive[s] - graph->n_owned] = halo->receive_rank[p];
    }
  }
  int64_t n = 0;
  for (ouro_lid i = 0; i < graph->n_owned; i++) {
    for (ouro_eid k = graph->row[i]; k < graph->row[i + 1]; k++) {
      if (!is_kept(graph, component, i, k)) continue;
      const ouro_lid j = graph->source[k];
      feeds->owner[n] = j < graph->n_owned ? rank : owner[j - graph->n_owned];
      write_record(graph, i, k, feeds->record + WORDS * n++);
    }
  }
cleanup:
  free(owner);
  return status;
}

static ouro_status add_feeds(int64_t n, const int64_t *record, ouro_feeds *feeds) {
  ouro_status status = OURO_OK;
  OURO_TRY(ouro_feeds_reserve(feeds, n));
  for (int64_t k = 0; k < n; k++) {
    const int64_t *one = record + WORDS * k;
    OURO_TRY(ouro_feeds_add(feeds, one[0], one[1], one[2]));
  }
cleanup:
  return status;
}

ouro_status ouro_graph_reverse(const ouro_graph *graph, const ouro_gid *component, ouro_graph **reversed) {
  ouro_status status = OURO_OK;
  turned list = {0};
  ouro_route route = {0};
  ouro_feeds feeds = {0};
  int64_t *received = NULL;
  *reversed = NULL;
  OURO_AGREE(graph->comm, list_turned(graph, component, &list));
  OURO_TRY(ouro_route_open(graph->comm, list.n, list.owner, &route));
  OURO_TRY(ouro_route_send(&route, WORDS, list.record, &received));
  OURO_AGREE(graph->comm, add_feeds(route.n_received, received, &feeds));
  OURO_TRY(ouro_graph_assemble(graph->comm, graph->n_nodes, graph->n_owned, graph->gid, &feeds, reversed));
cleanup:
  free(list.owner);
  free(list.record);
  free(received);
  ouro_route_close(&route);
  ouro_feeds_clear(&feeds);
  return status;
}
