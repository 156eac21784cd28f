/* Moving nodes, with their feeds, real data and labels, to the ranks that own them. Content is kept: only who owns
 * what changes. Must not know how the owners were chosen. */

#include "ouro/partition/partition.h"

#include <stdlib.h>

#include "ouro/base/memory.h"
#include "partition/arrivals.h"

static ouro_status move_nodes(const ouro_graph *graph, const int32_t *owner, ouro_arrivals *to) {
  ouro_status status = OURO_OK;
  ouro_route route = {0};
  const size_t width = (size_t)graph->label_width;
  to->labelled = ouro_arrivals_labelled(graph);
  OURO_TRY(ouro_route_open(graph->comm, graph->n_owned, owner, &route));
  OURO_AGREE(graph->comm, ouro_arrivals_allocate(graph, route.n_received, to));
  OURO_TRY(ouro_route_send_field(&route, sizeof *to->gid, graph->gid, to->gid));
  OURO_TRY(ouro_route_send_field(&route, sizeof *to->real, graph->real, to->real));
  if (graph->initial) OURO_TRY(ouro_route_send_field(&route, sizeof *to->initial, graph->initial, to->initial));
  if (graph->noise) OURO_TRY(ouro_route_send_field(&route, sizeof *to->noise, graph->noise, to->noise));
  if (graph->every) OURO_TRY(ouro_route_send_field(&route, sizeof *to->every, graph->every, to->every));
  if (to->labelled) OURO_TRY(ouro_route_send_field(&route, sizeof *to->label, graph->label, to->label));
  if (graph->named && width) OURO_TRY(ouro_route_send_field(&route, width, graph->label_text, to->text));
  OURO_AGREE(graph->comm, ouro_arrivals_sort(to, width));
cleanup:
  ouro_route_close(&route);
  return status;
}

/* The rank and the two ends of every feed, by global id. */
typedef struct departures {
  int32_t *rank;
  ouro_gid *id;
} departures;

static ouro_status allocate_departures(int64_t n, departures *from) {
  ouro_status status = OURO_OK;
  OURO_NEW(from->rank, n);
  OURO_NEW(from->id, n);
cleanup:
  return status;
}

static ouro_status move_samples(const ouro_graph *graph, const ouro_route *route, uint16_t *times, ouro_feeds *feeds) {
  ouro_status status = OURO_OK;
  if (graph->samples) return ouro_route_send_field(route, sizeof *feeds->samples, graph->samples, feeds->samples);
  if (graph->times == NULL) return OURO_OK;
  OURO_TRY(ouro_route_send_field(route, sizeof *times, graph->times, times));
  for (ouro_eid k = 0; k < feeds->n; k++) feeds->samples[k] = graph->each * times[k];
cleanup:
  return status;
}

static ouro_status move_feeds(const ouro_graph *graph, const int32_t *owner, ouro_feeds *feeds) {
  ouro_status status = OURO_OK;
  departures from = {0};
  ouro_route route = {0};
  uint16_t *times = NULL;
  const ouro_eid n = graph->row[graph->n_owned];
  OURO_AGREE(graph->comm, allocate_departures(n, &from));
  for (ouro_lid i = 0; i < graph->n_owned; i++) {
    for (ouro_eid k = graph->row[i]; k < graph->row[i + 1]; k++) {
      from.rank[k] = owner[i];
      from.id[k] = graph->gid[i];
    }
  }
  OURO_TRY(ouro_route_open(graph->comm, n, from.rank, &route));
  free(from.rank);
  from.rank = NULL;
  OURO_AGREE(graph->comm, ouro_arrivals_feeds(graph, route.n_received, feeds, &times));
  OURO_TRY(ouro_route_send_field(&route, sizeof *from.id, from.id, feeds->target));
  for (ouro_eid k = 0; k < n; k++) from.id[k] = graph->gid[graph->source[k]];
  OURO_TRY(ouro_route_send_field(&route, sizeof *from.id, from.id, feeds->source));
  OURO_TRY(move_samples(graph, &route, times, feeds));
cleanup:
  ouro_route_close(&route);
  free(times);
  free(from.rank);
  free(from.id);
  return status;
}

static bool everyone_stays(const ouro_graph *graph, const int32_t *owner) {
  int rank, stays = 1;
  MPI_Comm_rank(graph->comm, &rank);
  for (ouro_lid i = 0; i < graph->n_owned && stays; i++) stays = owner[i] == rank;
  MPI_Allreduce(MPI_IN_PLACE, &stays, 1, MPI_INT, MPI_MIN, graph->comm);
  return stays != 0;
}

ouro_status ouro_partition_migrate(ouro_graph **graph, const int32_t *owner) {
  ouro_status status = OURO_OK;
  ouro_arrivals to = {0};
  ouro_graph *moved = NULL;
  if (everyone_stays(*graph, owner)) return OURO_OK;
  OURO_TRY(move_nodes(*graph, owner, &to));
  OURO_TRY(move_feeds(*graph, owner, &to.feeds));
  OURO_TRY(ouro_graph_assemble((*graph)->comm, (*graph)->n_nodes, to.n, to.gid, &to.feeds, &moved));
  ouro_arrivals_furnish(*graph, &to, moved);
  OURO_TRY(ouro_graph_share_noise(moved));
  ouro_graph_destroy(graph);
  *graph = moved;
  moved = NULL;
cleanup:
  ouro_graph_destroy(&moved);
  ouro_arrivals_clear(&to);
  return status;
}
