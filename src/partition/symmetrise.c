/* The symmetrised, weighted graph in blocks of ids, and joined on rank 0. Each pair of neighbours is sent to the ranks
 * that hold the blocks of the two; these sort and merge, so rank 0 only joins finished blocks. Invariant: the result is
 * a function of the graph, whoever owns what. Must not know who partitions it. */

#include "partition/private.h"

#include <stdlib.h>
#include <string.h>

#include "ouro/base/alltoall.h"
#include "ouro/base/memory.h"

typedef ouro_partition_end end;
typedef ouro_partition_block block;

void ouro_partition_block_clear(ouro_partition_block *at) {
  free(at->row);
  free(at->ends);
  free(at->cost);
  free(at->corpus);
  free(at->degree);
  free(at->narrow);
  *at = (block){0};
}

static ouro_status block_begin(const ouro_graph *graph, block *at) {
  ouro_status status = OURO_OK;
  int rank, n_ranks;
  MPI_Comm_rank(graph->comm, &rank);
  MPI_Comm_size(graph->comm, &n_ranks);
  at->first = ouro_graph_block_first(graph->n_nodes, n_ranks, rank);
  at->n = ouro_graph_block_first(graph->n_nodes, n_ranks, rank + 1) - at->first;
  OURO_NEW(at->row, at->n + 1);
  OURO_NEW(at->cost, at->n);
  OURO_NEW(at->corpus, at->n);
cleanup:
  return status;
}

/* Costs of the block's nodes, from their owners. */
static ouro_status collect_costs(const ouro_graph *graph, block *at) {
  ouro_status status = OURO_OK;
  int n_ranks;
  int32_t *rank = NULL;
  ouro_count *cost = NULL, *received = NULL;
  ouro_gid *gid = NULL;
  ouro_route route = {0};
  MPI_Comm_size(graph->comm, &n_ranks);
  rank = ouro_memory_new((size_t)graph->n_owned, sizeof *rank);
  cost = ouro_memory_new((size_t)graph->n_owned, sizeof *cost);
  OURO_AGREE(graph->comm, rank && cost ? OURO_OK : OURO_ENOMEM);
  for (ouro_lid i = 0; i < graph->n_owned; i++) {
    rank[i] = ouro_graph_block_rank(graph->n_nodes, n_ranks, graph->gid[i]);
    cost[i] = ouro_graph_training_size(graph, i);
  }
  OURO_TRY(ouro_route_open(graph->comm, graph->n_owned, rank, &route));
  gid = ouro_memory_new((size_t)route.n_received, sizeof *gid);
  received = ouro_memory_new((size_t)route.n_received, sizeof *received);
  OURO_AGREE(graph->comm, gid && received ? OURO_OK : OURO_ENOMEM);
  OURO_TRY(ouro_route_send_field(&route, sizeof *gid, graph->gid, gid));
  OURO_TRY(ouro_route_send_field(&route, sizeof *cost, cost, received));
  for (int64_t k = 0; k < route.n_received; k++) at->cost[gid[k] - at->first] = received[k];
cleanup:
  ouro_route_close(&route);
  free(rank);
  free(cost);
  free(gid);
  free(received);
  return status;
}

/* Both ends of every feed between two different nodes, with the rank that gets them. */
static ouro_status make_ends(const ouro_graph *graph, end **ends, int32_t **rank, int64_t *n) {
  ouro_status status = OURO_OK;
  int n_ranks;
  MPI_Comm_size(graph->comm, &n_ranks);
  *n = 0;
  OURO_NEW(*ends, 2 * graph->row[graph->n_owned]);
  OURO_NEW(*rank, 2 * graph->row[graph->n_owned]);
  for (ouro_lid i = 0; i < graph->n_owned; i++) {
    const ouro_gid target = graph->gid[i];
    const int target_rank = ouro_graph_block_rank(graph->n_nodes, n_ranks, target);
    for (ouro_eid k = graph->row[i]; k < graph->row[i + 1]; k++) {
      const ouro_gid source = graph->gid[graph->source[k]];
      if (source == target) continue;
      (*rank)[*n] = target_rank;
      (*ends)[(*n)++] = (end){target, source, -ouro_graph_samples(graph, k)};
      (*rank)[*n] = ouro_graph_block_rank(graph->n_nodes, n_ranks, source);
      (*ends)[(*n)++] = (end){source, target, ouro_graph_samples(graph, k)};
    }
  }
cleanup:
  return status;
}

static ouro_status exchange_ends(const ouro_graph *graph, end **received, int64_t *n_received) {
  ouro_status status = OURO_OK;
  end *ends = NULL;
  int32_t *rank = NULL;
  int64_t n;
  ouro_route route = {0};
  OURO_AGREE(graph->comm, make_ends(graph, &ends, &rank, &n));
  OURO_TRY(ouro_route_open(graph->comm, n, rank, &route));
  *n_received = route.n_received;
  *received = ouro_memory_new((size_t)route.n_received, sizeof **received);
  OURO_AGREE(graph->comm, *received ? OURO_OK : OURO_ENOMEM);
  OURO_TRY(ouro_route_send_field(&route, sizeof *ends, ends, *received));
cleanup:
  ouro_route_close(&route);
  free(ends);
  free(rank);
  return status;
}

static int by_other(const void *a, const void *b) {
  const ouro_gid x = ((const end *)a)->other, y = ((const end *)b)->other;
  return (x > y) - (x < y);
}

static void sort_row(end *ends, int64_t n) {
  if (n > 24) {
    qsort(ends, (size_t)n, sizeof *ends, by_other);
    return;
  }
  for (int64_t k = 1; k < n; k++) {
    const end moved = ends[k];
    int64_t place = k;
    for (; place > 0 && ends[place - 1].other > moved.other; place--) ends[place] = ends[place - 1];
    ends[place] = moved;
  }
}

/* Merge the ends of one node that have the same other end; returns where the next node's may go. */
static int64_t merge_row(const end *from, int64_t n, end *ends, int64_t at, ouro_count *corpus) {
  const int64_t start = at;
  for (int64_t k = 0; k < n; k++) {
    const ouro_count samples = llabs(from[k].samples);
    if (from[k].samples > *corpus) *corpus = from[k].samples;
    if (at == start || ends[at - 1].other != from[k].other) {
      ends[at] = from[k];
      ends[at++].samples = samples;
    } else if (__builtin_add_overflow(ends[at - 1].samples, samples, &ends[at - 1].samples)) {
      ends[at - 1].samples = INT64_MAX;
    }
  }
  return at;
}

/* Bring the received ends of the block into order and merge them. */
static ouro_status sort_block(block *at, const end *received, int64_t n) {
  ouro_status status = OURO_OK;
  OURO_NEW(at->ends, n);
  for (int64_t k = 0; k < n; k++) at->row[received[k].node - at->first]++;
  int64_t sum = 0;
  for (int64_t i = 0; i <= at->n; i++) {
    const int64_t here = at->row[i];
    at->row[i] = sum;
    sum += here;
  }
  for (int64_t k = 0; k < n; k++) at->ends[at->row[received[k].node - at->first]++] = received[k];
  int64_t from = 0; /* row[i] is now the end of node i */
  for (int64_t i = 0; i < at->n; i++) {
    const int64_t to = at->row[i];
    sort_row(at->ends + from, to - from);
    at->row[i] = at->n_entries;
    at->n_entries = merge_row(at->ends + from, to - from, at->ends, at->n_entries, &at->corpus[i]);
    from = to;
  }
  at->row[at->n] = at->n_entries;
cleanup:
  return status;
}

/* How counts become 32-bit weights: unchanged while their sum stays below `room`, else scaled. */
typedef struct scale {
  bool exact;
  double factor;
  int32_t least;
} scale;

/* n items of weight `least` or more whose total is `total`; the sum of the results must not exceed `room`. */
static scale scale_to(double total, double n, double room, int32_t least) {
  const double spare = (room - n) / 2; /* half, so that no rounding can reach the limit */
  return (scale){total <= spare, total > 0 ? spare / total : 0, least};
}

static int32_t scaled(const scale *by, ouro_count count) {
  if (by->exact) return count < by->least ? by->least : (int32_t)count;
  return by->least + (int32_t)((double)count * by->factor);
}

typedef struct sums {
  int64_t n_entries;
  double cost, weight, corpus; /* corpus: over entries, both ends of each */
} sums;

static sums sum_up(const block *at, MPI_Comm comm) {
  ouro_partition_total totals[3] = {{0, 0}, {0, 0}, {0, 0}};
  for (int64_t i = 0; i < at->n; i++) {
    ouro_partition_total_add(&totals[0], at->cost[i]);
    for (int64_t k = at->row[i]; k < at->row[i + 1]; k++) {
      ouro_partition_total_add(&totals[1], at->ends[k].samples);
      ouro_partition_total_add(&totals[2], at->corpus[i]);
    }
  }
  ouro_partition_total_reduce(totals, 3, comm);
  sums all = {at->n_entries, ouro_partition_total_value(&totals[0]), ouro_partition_total_value(&totals[1]),
              2 * ouro_partition_total_value(&totals[2])};
  MPI_Allreduce(MPI_IN_PLACE, &all.n_entries, 1, MPI_INT64_T, MPI_SUM, comm);
  return all;
}

static ouro_status too_large(const ouro_graph *graph, int64_t n_entries, int64_t limit) {
  return ouro_error(OURO_ELIMIT,
                    "%" PRId64 " nodes with %" PRId64 " neighbour entries are more than METIS' 32-bit indices hold "
                    "(%" PRId64 "); use partition.method=ptscotch, which has 64 bits and needs no rank that holds the "
                    "whole graph, partition.method=block or partition.method=hash",
                    graph->n_nodes, n_entries, limit);
}

/* How many items of a kind each rank gives rank 0. */
typedef struct layout {
  int64_t *give, *take; /* [n_ranks] */
} layout;

static ouro_status make_layout(MPI_Comm comm, int64_t n, layout *of) {
  ouro_status status = OURO_OK;
  int n_ranks;
  MPI_Comm_size(comm, &n_ranks);
  of->give = ouro_memory_new((size_t)n_ranks, sizeof *of->give);
  of->take = ouro_memory_new((size_t)n_ranks, sizeof *of->take);
  OURO_AGREE(comm, of->give && of->take ? OURO_OK : OURO_ENOMEM);
  of->give[0] = n;
  ouro_alltoall_counts(comm, of->give, of->take);
cleanup:
  return status;
}

static void layout_clear(layout *of) {
  free(of->give);
  free(of->take);
}

static void gather(MPI_Comm comm, const int32_t *narrow, const layout *of, int32_t *joined) {
  ouro_alltoall(comm, sizeof *narrow, of->give, narrow, of->take, joined);
}

static ouro_status make_arrays(MPI_Comm comm, ouro_objective objective, ouro_partition_symmetric *to) {
  ouro_status status = OURO_OK;
  int rank;
  MPI_Comm_rank(comm, &rank);
  if (rank != 0) return OURO_OK;
  OURO_NEW(to->row, to->n_nodes + 1);
  OURO_NEW(to->neighbour, to->n_entries);
  OURO_NEW(to->cost, to->n_nodes);
  if (objective == OURO_OBJECTIVE_VOLUME)
    OURO_NEW(to->corpus, to->n_nodes);
  else
    OURO_NEW(to->weight, to->n_entries);
cleanup:
  return status;
}

static void gather_nodes(MPI_Comm comm, block *at, const sums *all, const layout *nodes, double limit,
                         ouro_partition_symmetric *to) {
  for (int64_t i = 0; i < at->n; i++) at->degree[i] = (int32_t)(at->row[i + 1] - at->row[i]);
  gather(comm, at->degree, nodes, to->row ? to->row + 1 : NULL);
  for (int64_t i = 0; to->row && i < to->n_nodes; i++) to->row[i + 1] += to->row[i];
  const scale cost = scale_to(all->cost, (double)to->n_nodes, limit, 1);
  for (int64_t i = 0; i < at->n; i++) at->narrow[i] = scaled(&cost, at->cost[i]);
  gather(comm, at->narrow, nodes, to->cost);
}

/* METIS gives an edge the weight 1 + the corpora of its ends for the volume objective. */
static void gather_corpora(MPI_Comm comm, block *at, const sums *all, const layout *nodes, double limit,
                           ouro_partition_symmetric *to) {
  const scale corpus = scale_to(all->corpus, 3 * (double)all->n_entries, limit, 1);
  for (int64_t i = 0; i < at->n; i++) at->narrow[i] = at->corpus[i] ? scaled(&corpus, at->corpus[i]) : 0;
  gather(comm, at->narrow, nodes, to->corpus);
}

static void gather_entries(MPI_Comm comm, block *at, const sums *all, const layout *entries, double limit,
                           ouro_objective objective, ouro_partition_symmetric *to) {
  for (int64_t k = 0; k < at->n_entries; k++) at->narrow[k] = (int32_t)at->ends[k].other;
  gather(comm, at->narrow, entries, to->neighbour);
  if (objective == OURO_OBJECTIVE_VOLUME) return;
  const scale weight = scale_to(all->weight, (double)all->n_entries, limit, 1);
  for (int64_t k = 0; k < at->n_entries; k++) at->narrow[k] = scaled(&weight, at->ends[k].samples);
  gather(comm, at->narrow, entries, to->weight);
}

/* Check the limits, then narrow and join the blocks. */
static ouro_status join_blocks(const ouro_graph *graph, block *at, ouro_objective objective, int64_t limit,
                               ouro_partition_symmetric *to) {
  ouro_status status = OURO_OK;
  layout nodes = {0}, entries = {0};
  const sums all = sum_up(at, graph->comm);
  /* the volume objective sums edge weights of 3 or more */
  const int64_t each = objective == OURO_OBJECTIVE_VOLUME ? 3 : 1;
  if (all.n_entries > limit / each || to->n_nodes > limit / 2) return too_large(graph, all.n_entries, limit);
  to->n_entries = all.n_entries;
  OURO_TRY(make_layout(graph->comm, at->n, &nodes));
  OURO_TRY(make_layout(graph->comm, at->n_entries, &entries));
  at->degree = ouro_memory_new((size_t)at->n, sizeof *at->degree);
  at->narrow = ouro_memory_new((size_t)(at->n > at->n_entries ? at->n : at->n_entries), sizeof *at->narrow);
  OURO_AGREE(graph->comm, at->degree && at->narrow ? make_arrays(graph->comm, objective, to) : OURO_ENOMEM);
  gather_nodes(graph->comm, at, &all, &nodes, (double)limit, to);
  if (objective == OURO_OBJECTIVE_VOLUME) gather_corpora(graph->comm, at, &all, &nodes, (double)limit, to);
  gather_entries(graph->comm, at, &all, &entries, (double)limit, objective, to);
cleanup:
  layout_clear(&nodes);
  layout_clear(&entries);
  return status;
}

ouro_status ouro_partition_block_form(const ouro_graph *graph, ouro_partition_block *at) {
  ouro_status status = OURO_OK;
  end *received = NULL;
  int64_t n_received = 0;
  *at = (block){0};
  OURO_AGREE(graph->comm, block_begin(graph, at));
  OURO_TRY(collect_costs(graph, at));
  OURO_TRY(exchange_ends(graph, &received, &n_received));
  OURO_AGREE(graph->comm, sort_block(at, received, n_received));
cleanup:
  free(received);
  return status;
}

ouro_status ouro_partition_symmetrise(const ouro_graph *graph, ouro_objective objective, int64_t limit,
                                      ouro_partition_symmetric *symmetric) {
  ouro_status status = OURO_OK;
  block at = {0};
  *symmetric = (ouro_partition_symmetric){.n_nodes = graph->n_nodes};
  if (graph->n_nodes > limit / 2) return too_large(graph, 2 * graph->n_feeds, limit);
  OURO_TRY(ouro_partition_block_form(graph, &at));
  OURO_TRY(join_blocks(graph, &at, objective, limit, symmetric));
  symmetric->n_linked = symmetric->n_nodes;
cleanup:
  ouro_partition_block_clear(&at);
  if (status != OURO_OK) ouro_partition_symmetric_clear(symmetric);
  return status;
}

void ouro_partition_symmetric_clear(ouro_partition_symmetric *symmetric) {
  free(symmetric->row);
  free(symmetric->neighbour);
  free(symmetric->weight);
  free(symmetric->cost);
  free(symmetric->corpus);
  *symmetric = (ouro_partition_symmetric){0};
}
