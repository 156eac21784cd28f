/* From feeds in any order on any rank to the distributed graph: see build.h.
 * Feeds go to the owner of their target, field by field, and become rows there. Does not know where feeds come
 * from. */

#include "ouro/graph/build.h"

#include <stdlib.h>
#include <string.h>

#include "graph/alltoall.h"
#include "graph/check.h"
#include "graph/rows.h"
#include "ouro/base/memory.h"

#define FIRST_CAPACITY 256

/* ---- feeds ---- */

ouro_status ouro_feeds_reserve(ouro_feeds *feeds, ouro_eid capacity) {
  ouro_status status = OURO_OK;
  if (capacity <= feeds->capacity) return OURO_OK;
  OURO_RESIZE(feeds->source, capacity);
  OURO_RESIZE(feeds->target, capacity);
  if (feeds->each == 0) OURO_RESIZE(feeds->samples, capacity);
  feeds->capacity = capacity;
cleanup:
  return status;
}

/* Give every feed a count of its own. */
static ouro_status spell_out(ouro_feeds *feeds) {
  ouro_status status = OURO_OK;
  if (feeds->each == 0) return OURO_OK;
  OURO_NEW(feeds->samples, feeds->capacity);
  for (ouro_eid k = 0; k < feeds->n; k++) feeds->samples[k] = feeds->each;
  feeds->each = 0;
cleanup:
  return status;
}

ouro_status ouro_feeds_add(ouro_feeds *feeds, ouro_gid source, ouro_gid target, ouro_count samples) {
  if (feeds->n == feeds->capacity) {
    const ouro_status status = ouro_feeds_reserve(feeds, feeds->capacity + feeds->capacity / 2 + FIRST_CAPACITY);
    if (status != OURO_OK) return status;
  }
  if (feeds->each && samples != feeds->each) {
    const ouro_status status = spell_out(feeds);
    if (status != OURO_OK) return status;
  }
  feeds->source[feeds->n] = source;
  feeds->target[feeds->n] = target;
  if (feeds->each == 0) feeds->samples[feeds->n] = samples;
  feeds->n++;
  return OURO_OK;
}

void ouro_feeds_clear(ouro_feeds *feeds) {
  free(feeds->source);
  free(feeds->target);
  free(feeds->samples);
  *feeds = (ouro_feeds){0};
}

/* ---- blocks ---- */

ouro_gid ouro_graph_block_first(ouro_gid n_nodes, int n_ranks, int rank) {
  const ouro_gid size = n_nodes / n_ranks, longer = n_nodes % n_ranks; /* the first `longer` blocks have one more */
  return rank * size + (rank < longer ? rank : longer);
}

int ouro_graph_block_rank(ouro_gid n_nodes, int n_ranks, ouro_gid node) {
  const ouro_gid size = n_nodes / n_ranks, longer = n_nodes % n_ranks;
  const ouro_gid in_longer = longer * (size + 1);
  if (node < in_longer) return (int)(node / (size + 1));
  return (int)(longer + (node - in_longer) / size);
}

/* ---- feeds to the block of their target ---- */

typedef struct route {
  MPI_Comm comm;
  int n_ranks;
  int64_t *n_send, *n_receive; /* [n_ranks] */
  int64_t n_out, n_in;
  ouro_gid *first; /* [n_ranks + 1] of each block */
  int32_t *home;   /* [n_out] rank of each feed's target */
  int64_t *cursor; /* [n_ranks] */
  int64_t *packed; /* [n_out] a field, sorted by home */
} route;

static void route_clear(route *way) {
  free(way->n_send);
  free(way->n_receive);
  free(way->first);
  free(way->home);
  free(way->cursor);
  free(way->packed);
}

static ouro_status route_start(route *way, ouro_gid n_nodes, ouro_eid n_feeds) {
  ouro_status status = OURO_OK;
  way->n_out = n_feeds;
  OURO_NEW(way->n_send, way->n_ranks);
  OURO_NEW(way->n_receive, way->n_ranks);
  OURO_NEW(way->first, way->n_ranks + 1);
  OURO_NEW(way->cursor, way->n_ranks);
  OURO_NEW(way->home, n_feeds);
  OURO_NEW(way->packed, n_feeds);
  for (int rank = 0; rank <= way->n_ranks; rank++) {
    way->first[rank] = ouro_graph_block_first(n_nodes, way->n_ranks, rank);
  }
cleanup:
  return status;
}

/* ouro_graph_block_rank() for many nodes: a guess without division, put right by the first nodes of the blocks. */
static int home_of(const route *way, double blocks_a_node, ouro_gid node) {
  int rank = (int)((double)node * blocks_a_node);
  if (rank >= way->n_ranks) rank = way->n_ranks - 1;
  while (node < way->first[rank]) rank--;
  while (node >= way->first[rank + 1]) rank++;
  return rank;
}

static ouro_status find_homes(route *way, ouro_gid n_nodes, const ouro_feeds *feeds) {
  ouro_status status;
  const double blocks_a_node = (double)way->n_ranks / (double)n_nodes;
  OURO_TRY(route_start(way, n_nodes, feeds->n));
  for (ouro_eid k = 0; k < feeds->n; k++) {
    if (!ouro_rows_is_good(feeds, k, n_nodes)) OURO_TRY(ouro_rows_check_feed(feeds, k, n_nodes));
    way->home[k] = home_of(way, blocks_a_node, feeds->target[k]);
    way->n_send[way->home[k]]++;
  }
cleanup:
  return status;
}

static ouro_status make_room(int64_t **field, ouro_eid capacity, ouro_eid n) {
  ouro_status status = OURO_OK;
  if (n > capacity) OURO_RESIZE(*field, n);
cleanup:
  return status;
}

/* Replace one field of the feeds here, which has room for `capacity`, by that of the feeds whose home is here. */
static ouro_status move_field(const route *way, ouro_eid capacity, int64_t **field) {
  ouro_status status = OURO_OK;
  int64_t *cursor = way->cursor;
  cursor[0] = 0;
  for (int rank = 1; rank < way->n_ranks; rank++) cursor[rank] = cursor[rank - 1] + way->n_send[rank - 1];
  for (ouro_eid k = 0; k < way->n_out; k++) way->packed[cursor[way->home[k]]++] = (*field)[k];
  OURO_AGREE(way->comm, make_room(field, capacity, way->n_in));
  ouro_alltoall_words(way->comm, way->n_send, way->packed, way->n_receive, *field);
cleanup:
  return status;
}

/* Counts are not sent where all feeds of all ranks have the same. */
static ouro_status agree_on_counts(MPI_Comm comm, ouro_feeds *feeds) {
  int64_t extreme[2] = {feeds->n ? feeds->each : -INT64_MAX, feeds->n ? -feeds->each : -INT64_MAX};
  MPI_Allreduce(MPI_IN_PLACE, extreme, 2, MPI_INT64_T, MPI_MAX, comm);
  if (extreme[0] != -extreme[1] || extreme[0] <= 0) return ouro_agree(comm, spell_out(feeds));
  feeds->each = extreme[0];
  free(feeds->samples); /* of an empty list */
  feeds->samples = NULL;
  return OURO_OK;
}

static ouro_status send_home(MPI_Comm comm, ouro_gid n_nodes, ouro_feeds *feeds) {
  ouro_status status = OURO_OK;
  route way = {.comm = comm};
  MPI_Comm_size(comm, &way.n_ranks);
  if (way.n_ranks == 1) return OURO_OK;
  OURO_TRY(agree_on_counts(comm, feeds));
  OURO_AGREE(comm, find_homes(&way, n_nodes, feeds));
  way.n_in = ouro_alltoall_counts(comm, way.n_send, way.n_receive);
  OURO_TRY(move_field(&way, feeds->capacity, &feeds->source));
  OURO_TRY(move_field(&way, feeds->capacity, &feeds->target));
  if (feeds->each == 0) OURO_TRY(move_field(&way, feeds->capacity, &feeds->samples));
  if (way.n_in > feeds->capacity) feeds->capacity = way.n_in;
  feeds->n = way.n_in;
cleanup:
  route_clear(&way);
  return status;
}

/* ---- the graph ---- */

static ouro_status new_graph(MPI_Comm comm, ouro_gid n_nodes, ouro_graph **graph) {
  ouro_status status = OURO_OK;
  OURO_NEW(*graph, 1);
  (*graph)->comm = comm;
  (*graph)->n_nodes = n_nodes;
cleanup:
  return status;
}

/* Totals over the ranks. */
static void add_up(ouro_graph *graph) {
  int64_t totals[2] = {graph->row[graph->n_owned], graph->n_merged};
  MPI_Allreduce(MPI_IN_PLACE, totals, 2, MPI_INT64_T, MPI_SUM, graph->comm);
  graph->n_feeds = totals[0];
  graph->n_merged = totals[1];
}

ouro_status ouro_graph_assemble(MPI_Comm comm, ouro_gid n_nodes, ouro_lid n_owned, const ouro_gid *owned,
                                ouro_feeds *feeds, ouro_graph **graph) {
  ouro_status status = OURO_OK;
  ouro_graph *made = NULL;
  *graph = NULL;
  OURO_AGREE(comm, new_graph(comm, n_nodes, &made));
  OURO_AGREE(comm, ouro_rows_fill(made, n_owned, owned, feeds));
  OURO_TRY(ouro_halo_create(comm, n_nodes, made->n_owned, made->n_ghost, made->gid, &made->halo));
  add_up(made);
#ifdef __SANITIZE_ADDRESS__ /* debug builds pay for the check of what was built */
  OURO_TRY(ouro_graph_check(made));
#endif
  *graph = made;
  made = NULL;
cleanup:
  ouro_feeds_clear(feeds);
  ouro_graph_destroy(&made);
  return status;
}

/* The ids of a rank's block. */
static ouro_status own_block(MPI_Comm comm, ouro_gid n_nodes, ouro_lid *n_owned, ouro_gid **owned) {
  ouro_status status = OURO_OK;
  int rank, n_ranks;
  MPI_Comm_rank(comm, &rank);
  MPI_Comm_size(comm, &n_ranks);
  const ouro_gid first = ouro_graph_block_first(n_nodes, n_ranks, rank);
  const ouro_gid n = ouro_graph_block_first(n_nodes, n_ranks, rank + 1) - first;
  OURO_CHECK(n < INT32_MAX, OURO_ELIMIT,
             "%" OURO_GID_FMT " nodes on one rank are more than %" PRId32 ": run on more ranks", n, INT32_MAX - 1);
  OURO_NEW(*owned, n);
  for (ouro_gid i = 0; i < n; i++) (*owned)[i] = first + i;
  *n_owned = (ouro_lid)n;
cleanup:
  return status;
}

/* Integer labels: the ids themselves. */
static ouro_status label_by_id(ouro_graph *graph) {
  ouro_status status = OURO_OK;
  OURO_NEW(graph->label, graph->n_owned);
  for (ouro_lid i = 0; i < graph->n_owned; i++) graph->label[i] = graph->gid[i];
cleanup:
  return status;
}

ouro_status ouro_graph_build(MPI_Comm comm, ouro_gid n_nodes, ouro_feeds *feeds, ouro_graph **graph) {
  ouro_status status = OURO_OK;
  ouro_lid n_owned = 0;
  ouro_gid *owned = NULL;
  ouro_graph *made = NULL;
  *graph = NULL;
  OURO_TRY(send_home(comm, n_nodes, feeds));
  OURO_AGREE(comm, own_block(comm, n_nodes, &n_owned, &owned));
  OURO_TRY(ouro_graph_assemble(comm, n_nodes, n_owned, owned, feeds, &made));
  OURO_AGREE(comm, label_by_id(made));
  *graph = made;
  made = NULL;
cleanup:
  free(owned);
  ouro_feeds_clear(feeds);
  ouro_graph_destroy(&made);
  return status;
}
