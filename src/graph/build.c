/* From feeds in any order on any rank to the distributed graph: see build.h.
 * Feeds go to the owner of their target, field by field; there they are put in rows by counting, and each row is
 * sorted by source and merged: n log n whatever the degrees. Does not know where feeds come from. */

#include "ouro/graph/build.h"

#include <stdlib.h>
#include <string.h>

#include "graph/alltoall.h"
#include "graph/check.h"
#include "graph/lookup.h"
#include "ouro/base/memory.h"

#define FIRST_CAPACITY 256
#define SHORT_ROW 24 /* rows up to this length are sorted by insertion */

/* ---- feeds ---- */

ouro_status ouro_feeds_reserve(ouro_feeds *feeds, ouro_eid capacity) {
  ouro_status status = OURO_OK;
  if (capacity <= feeds->capacity) return OURO_OK;
  OURO_RESIZE(feeds->source, capacity);
  OURO_RESIZE(feeds->target, capacity);
  OURO_RESIZE(feeds->samples, capacity);
  feeds->capacity = capacity;
cleanup:
  return status;
}

ouro_status ouro_feeds_add(ouro_feeds *feeds, ouro_gid source, ouro_gid target, ouro_count samples) {
  if (feeds->n == feeds->capacity) {
    const ouro_status status = ouro_feeds_reserve(feeds, feeds->capacity + feeds->capacity / 2 + FIRST_CAPACITY);
    if (status != OURO_OK) return status;
  }
  feeds->source[feeds->n] = source;
  feeds->target[feeds->n] = target;
  feeds->samples[feeds->n] = samples;
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
  int32_t *home; /* [n_out] rank of each feed's target */
} route;

static void route_clear(route *way) {
  free(way->n_send);
  free(way->n_receive);
  free(way->home);
}

static ouro_status check_feed(const ouro_feeds *feeds, ouro_eid k, ouro_gid n_nodes) {
  const ouro_gid source = feeds->source[k], target = feeds->target[k];
  if (source < 0 || source >= n_nodes || target < 0 || target >= n_nodes) {
    return ouro_error(OURO_EINTERNAL,
                      "feed %" OURO_GID_FMT " -> %" OURO_GID_FMT " in a graph of %" OURO_GID_FMT " nodes", source,
                      target, n_nodes);
  }
  if (feeds->samples[k] <= 0) {
    return ouro_error(OURO_EINTERNAL, "feed %" OURO_GID_FMT " -> %" OURO_GID_FMT " of %" OURO_COUNT_FMT " samples",
                      source, target, feeds->samples[k]);
  }
  return OURO_OK;
}

static ouro_status find_homes(route *way, ouro_gid n_nodes, const ouro_feeds *feeds) {
  ouro_status status = OURO_OK;
  way->n_out = feeds->n;
  OURO_NEW(way->n_send, way->n_ranks);
  OURO_NEW(way->n_receive, way->n_ranks);
  OURO_NEW(way->home, feeds->n);
  for (ouro_eid k = 0; k < feeds->n; k++) {
    OURO_TRY(check_feed(feeds, k, n_nodes));
    way->home[k] = ouro_graph_block_rank(n_nodes, way->n_ranks, feeds->target[k]);
    way->n_send[way->home[k]]++;
  }
cleanup:
  return status;
}

static ouro_status new_words(int64_t **packed, int64_t n_out, int64_t **received, int64_t n_in) {
  ouro_status status = OURO_OK;
  OURO_NEW(*packed, n_out);
  OURO_NEW(*received, n_in);
cleanup:
  return status;
}

/* Replace one field of the feeds here by that of the feeds whose home is here. */
static ouro_status move_field(const route *way, int64_t *cursor, int64_t **field) {
  ouro_status status = OURO_OK;
  int64_t *packed = NULL, *received = NULL;
  OURO_AGREE(way->comm, new_words(&packed, way->n_out, &received, way->n_in));
  cursor[0] = 0;
  for (int rank = 1; rank < way->n_ranks; rank++) cursor[rank] = cursor[rank - 1] + way->n_send[rank - 1];
  for (ouro_eid k = 0; k < way->n_out; k++) packed[cursor[way->home[k]]++] = (*field)[k];
  free(*field);
  *field = NULL;
  ouro_alltoall_words(way->comm, way->n_send, packed, way->n_receive, received);
  *field = received;
  received = NULL;
cleanup:
  free(packed);
  free(received);
  return status;
}

static ouro_status new_cursor(int n, int64_t **cursor) {
  ouro_status status = OURO_OK;
  OURO_NEW(*cursor, n);
cleanup:
  return status;
}

static ouro_status send_home(MPI_Comm comm, ouro_gid n_nodes, ouro_feeds *feeds) {
  ouro_status status = OURO_OK;
  route way = {.comm = comm};
  int64_t *cursor = NULL;
  MPI_Comm_size(comm, &way.n_ranks);
  OURO_AGREE(comm, find_homes(&way, n_nodes, feeds));
  if (way.n_ranks == 1) goto cleanup;
  OURO_AGREE(comm, new_cursor(way.n_ranks, &cursor));
  way.n_in = ouro_alltoall_counts(comm, way.n_send, way.n_receive);
  OURO_TRY(move_field(&way, cursor, &feeds->source));
  OURO_TRY(move_field(&way, cursor, &feeds->target));
  OURO_TRY(move_field(&way, cursor, &feeds->samples));
  feeds->n = feeds->capacity = way.n_in;
cleanup:
  free(cursor);
  route_clear(&way);
  return status;
}

/* ---- rows ---- */

typedef struct feed {
  ouro_gid source;
  ouro_count samples;
} feed;

static int by_source(const void *left, const void *right) {
  const ouro_gid a = ((const feed *)left)->source, b = ((const feed *)right)->source;
  return (a > b) - (a < b);
}

static void sort_row(feed *row, ouro_eid n) {
  if (n > SHORT_ROW) {
    qsort(row, (size_t)n, sizeof *row, by_source);
    return;
  }
  for (ouro_eid i = 1; i < n; i++) {
    const feed moving = row[i];
    ouro_eid at = i;
    for (; at > 0 && row[at - 1].source > moving.source; at--) row[at] = row[at - 1];
    row[at] = moving;
  }
}

/* Replace targets by owned indices and count the feeds of each: afterwards row[i] is the first feed of node i. */
static ouro_status count_rows(ouro_graph *graph, const ouro_lookup *lookup, ouro_feeds *feeds) {
  ouro_status status = OURO_OK;
  for (ouro_eid k = 0; k < feeds->n; k++) {
    OURO_TRY(check_feed(feeds, k, graph->n_nodes));
    const ouro_lid target = ouro_lookup_find(lookup, feeds->target[k]);
    OURO_CHECK(target >= 0, OURO_EINTERNAL, "a feed into node %" OURO_GID_FMT " is on a rank that does not own it",
               feeds->target[k]);
    feeds->target[k] = target;
    graph->row[target + 1]++;
  }
  for (ouro_lid i = 0; i < graph->n_owned; i++) graph->row[i + 1] += graph->row[i];
cleanup:
  return status;
}

/* Put the feeds in their rows, in any order within one, and let go of the list. */
static ouro_status fill_rows(const ouro_graph *graph, ouro_feeds *feeds, feed **rows) {
  ouro_status status = OURO_OK;
  ouro_eid *next = NULL;
  OURO_NEW(*rows, feeds->n);
  OURO_NEW(next, graph->n_owned + 1);
  memcpy(next, graph->row, ((size_t)graph->n_owned + 1) * sizeof *next);
  for (ouro_eid k = 0; k < feeds->n; k++) {
    (*rows)[next[feeds->target[k]]++] = (feed){feeds->source[k], feeds->samples[k]};
  }
  ouro_feeds_clear(feeds);
cleanup:
  free(next);
  return status;
}

/* Move the n feeds of a node to `kept`, one for each source, samples added up. Returns how many there are now,
 * or -1 when the node's training set has more samples than can be counted (so does then any sum within it). */
static ouro_eid merge_row(const feed *row, ouro_eid n, feed *kept) {
  ouro_eid n_kept = 0;
  ouro_count all = 0;
  for (ouro_eid k = 0; k < n; k++) {
    const feed next = row[k];
    if (__builtin_add_overflow(all, next.samples, &all)) return -1;
    if (n_kept > 0 && kept[n_kept - 1].source == next.source) {
      kept[n_kept - 1].samples += next.samples;
    } else {
      kept[n_kept++] = next;
    }
  }
  return n_kept;
}

/* Sort and merge every row in place; rows close up. */
static ouro_status merge_rows(ouro_graph *graph, feed *rows) {
  ouro_status status = OURO_OK;
  ouro_eid first = 0, kept = 0;
  for (ouro_lid i = 0; i < graph->n_owned; i++) {
    const ouro_eid n = graph->row[i + 1] - first;
    sort_row(rows + first, n);
    const ouro_eid n_kept = merge_row(rows + first, n, rows + kept);
    OURO_CHECK(n_kept >= 0, OURO_ELIMIT, "the feeds into node %" OURO_GID_FMT " have more than %" PRId64 " samples",
               graph->gid[i], INT64_MAX);
    graph->n_merged += n - n_kept;
    first += n;
    kept += n_kept;
    graph->row[i + 1] = kept;
  }
cleanup:
  return status;
}

/* ---- sources ---- */

/* Sources become local indices; those not known yet become ghosts, numbered as they come. */
static ouro_status number_sources(ouro_graph *graph, const feed *rows, ouro_lookup *lookup) {
  ouro_status status = OURO_OK;
  const ouro_eid n_feeds = graph->row[graph->n_owned];
  OURO_NEW(graph->source, n_feeds);
  OURO_NEW(graph->samples, n_feeds);
  for (ouro_eid k = 0; k < n_feeds; k++) {
    ouro_lid source = ouro_lookup_find(lookup, rows[k].source);
    if (source < 0) {
      OURO_TRY(ouro_lookup_add(lookup, rows[k].source));
      source = lookup->n - 1;
    }
    graph->source[k] = source;
    graph->samples[k] = rows[k].samples;
  }
  graph->n_ghost = lookup->n - graph->n_owned;
cleanup:
  return status;
}

typedef struct numbered {
  ouro_gid gid;
  ouro_lid index;
} numbered;

static int by_gid(const void *left, const void *right) {
  const ouro_gid a = ((const numbered *)left)->gid, b = ((const numbered *)right)->gid;
  return (a > b) - (a < b);
}

/* Number the ghosts by ascending id. */
static ouro_status sort_ghosts(ouro_graph *graph) {
  ouro_status status = OURO_OK;
  numbered *ghost = NULL;
  ouro_lid *rank_of = NULL;
  OURO_NEW(ghost, graph->n_ghost);
  OURO_NEW(rank_of, graph->n_ghost);
  for (ouro_lid g = 0; g < graph->n_ghost; g++) ghost[g] = (numbered){graph->gid[graph->n_owned + g], g};
  qsort(ghost, (size_t)graph->n_ghost, sizeof *ghost, by_gid);
  for (ouro_lid g = 0; g < graph->n_ghost; g++) {
    graph->gid[graph->n_owned + g] = ghost[g].gid;
    rank_of[ghost[g].index] = g;
  }
  for (ouro_eid k = 0; k < graph->row[graph->n_owned]; k++) {
    const ouro_lid g = graph->source[k] - graph->n_owned;
    if (g >= 0) graph->source[k] = graph->n_owned + rank_of[g];
  }
cleanup:
  free(ghost);
  free(rank_of);
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

/* All of the graph that needs no other rank. */
static ouro_status assemble_here(ouro_graph *graph, ouro_lid n_owned, const ouro_gid *owned, ouro_feeds *feeds) {
  ouro_status status = OURO_OK;
  ouro_lookup lookup = {0};
  feed *rows = NULL;
  graph->n_owned = n_owned;
  OURO_NEW(graph->real, n_owned);
  OURO_NEW(graph->row, (size_t)n_owned + 1);
  OURO_TRY(ouro_lookup_start(&lookup, n_owned, owned));
  graph->gid = lookup.gid;
  OURO_TRY(count_rows(graph, &lookup, feeds));
  OURO_TRY(fill_rows(graph, feeds, &rows));
  OURO_TRY(merge_rows(graph, rows));
  OURO_TRY(number_sources(graph, rows, &lookup));
  graph->gid = lookup.gid;
  lookup.gid = NULL;
  OURO_TRY(sort_ghosts(graph));
cleanup:
  if (lookup.gid) graph->gid = NULL; /* the table's, not yet the graph's */
  ouro_lookup_clear(&lookup);
  free(rows);
  ouro_feeds_clear(feeds);
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
  OURO_AGREE(comm, assemble_here(made, n_owned, owned, feeds));
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
