/* What a partition costs. Counts are exact integers summed over ranks, so the figures do not depend on who owns what.
 * Must not know how a partition was found. */

#include "partition/private.h"

#include <stdlib.h>

#include "ouro/base/memory.h"

#define AHEAD 32 /* feeds whose source is asked for before it is needed */

/* A distinct thing to count: part `part` needs `key`, a source or another part. */
typedef struct need {
  int64_t key;
  ouro_count samples;
  int32_t part;
} need;

typedef struct needs {
  int64_t n, capacity;
  need *list;
} needs;

static ouro_status add_need(needs *to, int64_t key, int32_t part, ouro_count samples) {
  ouro_status status = OURO_OK;
  if (to->n == to->capacity) {
    const int64_t capacity = to->capacity ? 2 * to->capacity : 1024;
    OURO_RESIZE(to->list, capacity);
    to->capacity = capacity;
  }
  to->list[to->n++] = (need){key, samples, part};
cleanup:
  return status;
}

static int by_key_then_part(const void *a, const void *b) {
  const need *x = a, *y = b;
  if (x->key != y->key) return x->key < y->key ? -1 : 1;
  return (x->part > y->part) - (x->part < y->part);
}

/* Bring the needs of a key together on one rank, each of them once, by key and part. */
static ouro_status gather_needs(MPI_Comm comm, int64_t n_keys, needs *list) {
  ouro_status status = OURO_OK;
  int n_ranks;
  need *received = NULL;
  ouro_route route = {0};
  MPI_Comm_size(comm, &n_ranks);
  int32_t *rank = ouro_memory_new((size_t)list->n, sizeof *rank);
  OURO_AGREE(comm, rank ? OURO_OK : OURO_ENOMEM);
  for (int64_t k = 0; k < list->n; k++) rank[k] = ouro_graph_block_rank(n_keys, n_ranks, list->list[k].key);
  OURO_TRY(ouro_route_open(comm, list->n, rank, &route));
  received = ouro_memory_new((size_t)route.n_received, sizeof *received);
  OURO_AGREE(comm, received ? OURO_OK : OURO_ENOMEM);
  OURO_TRY(ouro_route_send_field(&route, sizeof *received, list->list, received));
  free(list->list);
  *list = (needs){route.n_received, route.n_received, received};
  received = NULL;
  qsort(list->list, (size_t)list->n, sizeof *list->list, by_key_then_part);
  int64_t n = 0;
  for (int64_t k = 0; k < list->n; k++) {
    if (n == 0 || by_key_then_part(&list->list[n - 1], &list->list[k]) != 0) list->list[n++] = list->list[k];
  }
  list->n = n;
cleanup:
  ouro_route_close(&route);
  free(received);
  free(rank);
  return status;
}

/* What a node here has to do with the parts. */
typedef struct standing {
  int32_t part;
  int32_t stamp; /* the last part that was seen to need it */
} standing;

/* All that the counts need: the graph and figures that stay the same for every partition. */
typedef struct setting {
  const ouro_graph *graph;
  int n_parts;
  standing *node;     /* [n_owned + n_ghost] */
  ouro_count *corpus; /* [n_owned + n_ghost] largest feed a node gives: what it would publish */
  int32_t *seen;      /* [n_parts] stamps of parts */
} setting;

static ouro_status allocate(const ouro_graph *graph, int n_parts, setting *at) {
  ouro_status status = OURO_OK;
  const int64_t n_local = (int64_t)graph->n_owned + graph->n_ghost;
  *at = (setting){.graph = graph, .n_parts = n_parts};
  OURO_NEW(at->node, n_local);
  OURO_NEW(at->corpus, n_local);
  OURO_NEW(at->seen, n_parts);
cleanup:
  return status;
}

static void release(setting *at) {
  free(at->node);
  free(at->corpus);
  free(at->seen);
}

static ouro_status prepare(const ouro_graph *graph, int n_parts, setting *at) {
  ouro_status status = OURO_OK;
  OURO_AGREE(graph->comm, allocate(graph, n_parts, at));
  for (ouro_eid k = 0; k < graph->row[graph->n_owned]; k++) {
    ouro_count *corpus = &at->corpus[graph->source[k]];
    if (ouro_graph_samples(graph, k) > *corpus) *corpus = ouro_graph_samples(graph, k);
  }
  OURO_TRY(ouro_halo_reduce_max(graph->halo, at->corpus));
  OURO_TRY(ouro_halo_update(graph->halo, at->corpus, sizeof *at->corpus));
cleanup:
  return status;
}

/* Owned nodes by part: those of part p are member[first[p] .. first[p+1]). */
typedef struct groups {
  int64_t *first;
  ouro_lid *member;
} groups;

static ouro_status group(const setting *at, groups *by) {
  ouro_status status = OURO_OK;
  const ouro_lid n = at->graph->n_owned;
  OURO_NEW(by->first, at->n_parts + 2);
  OURO_NEW(by->member, n);
  for (ouro_lid i = 0; i < n; i++) by->first[at->node[i].part + 2]++;
  for (int p = 2; p < at->n_parts + 2; p++) by->first[p] += by->first[p - 1];
  for (ouro_lid i = 0; i < n; i++) by->member[by->first[at->node[i].part + 1]++] = i;
cleanup:
  return status;
}

static void groups_clear(groups *by) {
  free(by->first);
  free(by->member);
}

/* What a partition costs as far as this rank's feeds tell. */
typedef struct tally {
  bool sources, pairs; /* whether to list .. */
  ouro_eid n_cut;
  ouro_partition_total cut; /* samples over the cut when every feed has its own */
  needs source;             /* .. which parts need which source, .. */
  needs pair;               /* .. which parts exchange */
} tally;

static void tally_clear(tally *of) {
  free(of->source.list);
  free(of->pair.list);
}

/* The feeds into one node of part p, whose training set can be counted. Which of them are cut cannot be foretold: no
 * branch depends on that alone. */
static ouro_status look_at(setting *at, int32_t p, ouro_lid i, tally *of) {
  ouro_status status = OURO_OK;
  const ouro_graph *graph = at->graph;
  const ouro_eid end = graph->row[graph->n_owned];
  ouro_count samples = 0;
  at->seen[p] = p;
  for (ouro_eid k = graph->row[i]; k < graph->row[i + 1]; k++) {
    if (k + AHEAD < end) __builtin_prefetch(&at->node[graph->source[k + AHEAD]]);
    standing *const source = &at->node[graph->source[k]];
    const ouro_count count = ouro_graph_samples(graph, k);
    const bool cut = source->part != p;
    of->n_cut += cut;
    samples += cut ? count : 0;
    if (of->sources & cut & (source->stamp != p)) {
      source->stamp = p;
      OURO_TRY(add_need(&of->source, graph->gid[graph->source[k]], p, at->corpus[graph->source[k]]));
    }
    if (of->pairs & (at->seen[source->part] != p)) {
      at->seen[source->part] = p;
      OURO_TRY(add_need(&of->pair, p, source->part, 0));
      OURO_TRY(add_need(&of->pair, source->part, p, 0));
    }
  }
  ouro_partition_total_add(&of->cut, samples);
cleanup:
  return status;
}

/* Part by part, so that a stamp tells what a part has met before. */
static ouro_status look_at_all(setting *at, tally *of) {
  ouro_status status = OURO_OK;
  const ouro_graph *graph = at->graph;
  groups by_part = {0};
  for (int p = 0; p < at->n_parts; p++) at->seen[p] = -1;
  for (int64_t k = 0; k < (int64_t)graph->n_owned + graph->n_ghost; k++) at->node[k].stamp = -1;
  OURO_TRY(group(at, &by_part));
  for (int32_t p = 0; p < at->n_parts; p++) {
    for (int64_t m = by_part.first[p]; m < by_part.first[p + 1]; m++) OURO_TRY(look_at(at, p, by_part.member[m], of));
  }
cleanup:
  groups_clear(&by_part);
  return status;
}

static double cut_samples(MPI_Comm comm, tally *of) {
  ouro_partition_total_reduce(&of->cut, 1, comm);
  MPI_Allreduce(MPI_IN_PLACE, &of->n_cut, 1, OURO_EID_MPI, MPI_SUM, comm);
  return ouro_partition_total_value(&of->cut);
}

/* Samples over the cut when a source publishes one corpus, which crosses once a part it feeds. */
static ouro_status volume_samples(const setting *at, tally *of, double *samples) {
  ouro_status status;
  ouro_partition_total total = {0, 0};
  OURO_TRY(gather_needs(at->graph->comm, at->graph->n_nodes, &of->source));
  for (int64_t k = 0; k < of->source.n; k++) ouro_partition_total_add(&total, of->source.list[k].samples);
  ouro_partition_total_reduce(&total, 1, at->graph->comm);
  *samples = ouro_partition_total_value(&total);
cleanup:
  return status;
}

static ouro_status most_neighbours(const setting *at, tally *of, int *most) {
  ouro_status status;
  OURO_TRY(gather_needs(at->graph->comm, at->n_parts, &of->pair));
  int run = 0;
  *most = 0;
  for (int64_t k = 0; k < of->pair.n; k++) {
    run = k > 0 && of->pair.list[k].key == of->pair.list[k - 1].key ? run + 1 : 1;
    if (run > *most) *most = run;
  }
  MPI_Allreduce(MPI_IN_PLACE, most, 1, MPI_INT, MPI_MAX, at->graph->comm);
cleanup:
  return status;
}

static ouro_status weigh_parts(const setting *at, ouro_partition_figures *figures) {
  ouro_status status = OURO_OK;
  const ouro_graph *graph = at->graph;
  ouro_partition_total *cost = ouro_memory_new((size_t)at->n_parts + 1, sizeof *cost); /* the last is the sum */
  int64_t *nodes = ouro_memory_new((size_t)at->n_parts, sizeof *nodes);
  OURO_AGREE(graph->comm, cost && nodes ? OURO_OK : OURO_ENOMEM);
  for (ouro_lid i = 0; i < graph->n_owned; i++) {
    const ouro_count size = ouro_graph_training_size(graph, i);
    nodes[at->node[i].part]++;
    ouro_partition_total_add(&cost[at->node[i].part], size);
    ouro_partition_total_add(&cost[at->n_parts], size);
  }
  ouro_partition_total_reduce(cost, at->n_parts + 1, graph->comm);
  MPI_Allreduce(MPI_IN_PLACE, nodes, at->n_parts, MPI_INT64_T, MPI_SUM, graph->comm);
  double largest = 0;
  for (int p = 0; p < at->n_parts; p++) {
    const double value = ouro_partition_total_value(&cost[p]);
    if (value > largest) largest = value;
    if (nodes[p] == 0) figures->empty_parts++;
  }
  const double total = ouro_partition_total_value(&cost[at->n_parts]);
  figures->imbalance = total > 0 ? largest * at->n_parts / total : 1;
cleanup:
  free(cost);
  free(nodes);
  return status;
}

/* The objective's bytes of the partition that stands. */
static ouro_status measure_rival(setting *at, ouro_objective objective, double row_bytes, double *bytes) {
  ouro_status status;
  tally of = {.sources = objective == OURO_OBJECTIVE_VOLUME};
  double samples;
  OURO_AGREE(at->graph->comm, look_at_all(at, &of));
  if (of.sources)
    OURO_TRY(volume_samples(at, &of, &samples));
  else
    samples = cut_samples(at->graph->comm, &of);
  *bytes = row_bytes * samples;
cleanup:
  tally_clear(&of);
  return status;
}

static ouro_status measure_rivals(setting *at, ouro_objective objective, double row_bytes,
                                  ouro_partition_figures *figures) {
  ouro_status status = OURO_OK;
  const ouro_graph *graph = at->graph;
  const int64_t n_local = (int64_t)graph->n_owned + graph->n_ghost;
  for (int64_t k = 0; k < n_local; k++) {
    at->node[k].part = ouro_partition_block_part(graph->n_nodes, at->n_parts, graph->gid[k]);
  }
  OURO_TRY(measure_rival(at, objective, row_bytes, &figures->block_bytes));
  for (int64_t k = 0; k < n_local; k++) at->node[k].part = ouro_partition_random_part(at->n_parts, graph->gid[k]);
  OURO_TRY(measure_rival(at, objective, row_bytes, &figures->random_bytes));
cleanup:
  return status;
}

static ouro_status measure_own(setting *at, double row_bytes, ouro_partition_figures *figures) {
  ouro_status status;
  tally of = {.sources = true, .pairs = true};
  double samples;
  OURO_AGREE(at->graph->comm, look_at_all(at, &of));
  figures->cut_bytes = row_bytes * cut_samples(at->graph->comm, &of);
  figures->cut_feeds = of.n_cut;
  OURO_TRY(volume_samples(at, &of, &samples));
  figures->volume_bytes = row_bytes * samples;
  OURO_TRY(most_neighbours(at, &of, &figures->max_neighbours));
cleanup:
  tally_clear(&of);
  return status;
}

ouro_status ouro_partition_measure(const ouro_graph *graph, ouro_objective objective, int n_parts, double row_bytes,
                                   const int32_t *owner, ouro_partition_figures *figures) {
  ouro_status status = OURO_OK;
  setting at = {0};
  *figures = (ouro_partition_figures){.n_parts = n_parts};
  OURO_TRY(prepare(graph, n_parts, &at));
  for (ouro_lid i = 0; i < graph->n_owned; i++) at.node[i].part = owner[i];
  OURO_TRY(ouro_halo_update(graph->halo, at.node, sizeof *at.node));
  OURO_TRY(weigh_parts(&at, figures));
  OURO_TRY(measure_own(&at, row_bytes, figures));
  OURO_TRY(measure_rivals(&at, objective, row_bytes, figures));
cleanup:
  release(&at);
  return status;
}
