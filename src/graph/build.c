/* From feeds in any order on any rank to the distributed graph: see build.h.
 * Feeds go to the owner of their target in buckets and become rows there. Does not know where feeds come from. */

#include "ouro/graph/build.h"

#include <stdlib.h>
#include <string.h>

#include "graph/check.h"
#include "graph/locals.h"
#include "graph/rows.h"
#include "graph/samples.h"
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

/* The feeds into this rank's block, in buckets. */
static ouro_status send_home(MPI_Comm comm, ouro_gid n_nodes, ouro_feeds *feeds, ouro_buckets *buckets) {
  ouro_status status = OURO_OK;
  int rank, n_ranks;
  MPI_Comm_rank(comm, &rank);
  MPI_Comm_size(comm, &n_ranks);
  OURO_TRY(agree_on_counts(comm, feeds));
  OURO_AGREE(comm, ouro_buckets_open(n_nodes, n_nodes, n_ranks, rank, buckets));
  OURO_AGREE(comm, ouro_buckets_sort(buckets, feeds));
  OURO_TRY(ouro_buckets_send(comm, buckets));
cleanup:
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

static ouro_status assemble(MPI_Comm comm, ouro_gid n_nodes, ouro_lid n_owned, const ouro_gid *owned,
                            ouro_buckets *buckets, ouro_graph **graph) {
  ouro_status status = OURO_OK;
  ouro_graph *made = NULL;
  *graph = NULL;
  OURO_AGREE(comm, new_graph(comm, n_nodes, &made));
  OURO_AGREE(comm, ouro_rows_fill(made, n_owned, owned, buckets));
  OURO_TRY(ouro_samples_pack(made));
  OURO_TRY(ouro_halo_create(comm, n_nodes, made->n_owned, made->n_ghost, made->gid, &made->halo));
  add_up(made);
#ifdef __SANITIZE_ADDRESS__ /* debug builds pay for the check of what was built */
  OURO_TRY(ouro_graph_check(made));
#endif
  *graph = made;
  made = NULL;
cleanup:
  ouro_graph_destroy(&made);
  return status;
}

/* Targets become indices of owned nodes. */
static ouro_status index_targets(ouro_gid n_nodes, ouro_lid n_owned, const ouro_gid *owned, ouro_feeds *feeds) {
  ouro_status status;
  ouro_locals own = {0};
  OURO_TRY(ouro_locals_start(&own, n_nodes, n_owned, owned, feeds->n));
  OURO_TRY(ouro_locals_number(&own));
  for (ouro_eid k = 0; k < feeds->n; k++) {
    OURO_TRY(ouro_buckets_check_feed(feeds, k, n_nodes));
    const int64_t index = ouro_locals_place(&own, feeds->target[k]);
    OURO_CHECK(index >= 0, OURO_EINTERNAL, "a feed into node %" OURO_GID_FMT " is on a rank that does not own it",
               feeds->target[k]);
    feeds->target[k] = index;
  }
cleanup:
  ouro_locals_clear(&own);
  return status;
}

static ouro_status sort_own(ouro_gid n_nodes, ouro_lid n_owned, const ouro_gid *owned, ouro_feeds *feeds,
                            ouro_buckets *buckets) {
  ouro_status status;
  OURO_TRY(index_targets(n_nodes, n_owned, owned, feeds));
  OURO_TRY(ouro_buckets_open(n_nodes, n_owned, 1, 0, buckets));
  OURO_TRY(ouro_buckets_sort(buckets, feeds));
cleanup:
  return status;
}

ouro_status ouro_graph_assemble(MPI_Comm comm, ouro_gid n_nodes, ouro_lid n_owned, const ouro_gid *owned,
                                ouro_feeds *feeds, ouro_graph **graph) {
  ouro_status status = OURO_OK;
  ouro_buckets buckets = {0};
  *graph = NULL;
  OURO_AGREE(comm, sort_own(n_nodes, n_owned, owned, feeds, &buckets));
  OURO_TRY(assemble(comm, n_nodes, n_owned, owned, &buckets, graph));
cleanup:
  ouro_buckets_close(&buckets);
  ouro_feeds_clear(feeds);
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
  ouro_buckets buckets = {0};
  ouro_graph *made = NULL;
  *graph = NULL;
  OURO_TRY(send_home(comm, n_nodes, feeds, &buckets));
  OURO_AGREE(comm, own_block(comm, n_nodes, &n_owned, &owned));
  OURO_TRY(assemble(comm, n_nodes, n_owned, owned, &buckets, &made));
  OURO_AGREE(comm, label_by_id(made));
  *graph = made;
  made = NULL;
cleanup:
  free(owned);
  ouro_buckets_close(&buckets);
  ouro_feeds_clear(feeds);
  ouro_graph_destroy(&made);
  return status;
}
