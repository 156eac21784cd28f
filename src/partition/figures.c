/* What a partition costs. Counts are exact integers summed over ranks, so the figures do not depend on who owns what.
 * Must not know how a partition was found. */

#include "partition/private.h"

#include <stdlib.h>

#include "ouro/base/memory.h"

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

/* Items grouped by their key: those of key k are member[first[k] .. first[k+1]). */
typedef struct groups {
  int64_t *first, *member;
} groups;

static ouro_status group(int64_t n, const int32_t *key, int64_t n_keys, groups *by) {
  ouro_status status = OURO_OK;
  OURO_NEW(by->first, n_keys + 2);
  OURO_NEW(by->member, n);
  for (int64_t k = 0; k < n; k++) by->first[key[k] + 2]++;
  for (int64_t k = 2; k < n_keys + 2; k++) by->first[k] += by->first[k - 1];
  for (int64_t k = 0; k < n; k++) by->member[by->first[key[k] + 1]++] = k;
cleanup:
  return status;
}

static void groups_clear(groups *by) {
  free(by->first);
  free(by->member);
}

/* All that the counts need: the graph and figures that stay the same for every partition. */
typedef struct setting {
  const ouro_graph *graph;
  int n_parts;
  int32_t *part;      /* [n_owned + n_ghost] */
  ouro_count *corpus; /* [n_owned + n_ghost] largest feed a node gives: what it would publish */
  int32_t *target;    /* [n_feeds here] owned node of a feed */
  groups by_source;   /* feeds of each local source */
  int64_t *seen;      /* [n_parts] stamps */
} setting;

static ouro_status allocate(const ouro_graph *graph, int n_parts, setting *at) {
  ouro_status status = OURO_OK;
  const int64_t n_local = (int64_t)graph->n_owned + graph->n_ghost, n_feeds = graph->row[graph->n_owned];
  *at = (setting){.graph = graph, .n_parts = n_parts};
  OURO_NEW(at->part, n_local);
  OURO_NEW(at->corpus, n_local);
  OURO_NEW(at->target, n_feeds);
  OURO_NEW(at->seen, n_parts);
  OURO_TRY(group(n_feeds, graph->source, n_local, &at->by_source));
cleanup:
  return status;
}

static void release(setting *at) {
  free(at->part);
  free(at->corpus);
  free(at->target);
  free(at->seen);
  groups_clear(&at->by_source);
}

static ouro_status prepare(const ouro_graph *graph, int n_parts, setting *at) {
  ouro_status status = OURO_OK;
  OURO_AGREE(graph->comm, allocate(graph, n_parts, at));
  for (ouro_lid i = 0; i < graph->n_owned; i++) {
    for (ouro_eid k = graph->row[i]; k < graph->row[i + 1]; k++) {
      ouro_count *corpus = &at->corpus[graph->source[k]];
      at->target[k] = i;
      if (ouro_graph_samples(graph, k) > *corpus) *corpus = ouro_graph_samples(graph, k);
    }
  }
  OURO_TRY(ouro_halo_reduce_max(graph->halo, at->corpus));
  OURO_TRY(ouro_halo_update(graph->halo, at->corpus, sizeof *at->corpus));
cleanup:
  return status;
}

/* Samples over the cut when every feed has its own. */
static double cut_samples(const setting *at, ouro_eid *n_cut) {
  const ouro_graph *graph = at->graph;
  ouro_partition_total samples = {0, 0};
  *n_cut = 0;
  for (ouro_eid k = 0; k < graph->row[graph->n_owned]; k++) {
    if (at->part[graph->source[k]] == at->part[at->target[k]]) continue;
    (*n_cut)++;
    ouro_partition_total_add(&samples, ouro_graph_samples(graph, k));
  }
  ouro_partition_total_reduce(&samples, 1, graph->comm);
  MPI_Allreduce(MPI_IN_PLACE, n_cut, 1, OURO_EID_MPI, MPI_SUM, graph->comm);
  return ouro_partition_total_value(&samples);
}

/* Which parts need which source, as far as this rank's feeds tell. */
static ouro_status list_sources(setting *at, needs *list) {
  ouro_status status = OURO_OK;
  const ouro_graph *graph = at->graph;
  for (int p = 0; p < at->n_parts; p++) at->seen[p] = -1;
  for (int64_t s = 0; s < (int64_t)graph->n_owned + graph->n_ghost; s++) {
    for (int64_t k = at->by_source.first[s]; k < at->by_source.first[s + 1]; k++) {
      const int32_t part = at->part[at->target[at->by_source.member[k]]];
      if (part == at->part[s] || at->seen[part] == s) continue;
      at->seen[part] = s;
      OURO_TRY(add_need(list, graph->gid[s], part, at->corpus[s]));
    }
  }
cleanup:
  return status;
}

/* Samples over the cut when a source publishes one corpus, which crosses once a part it feeds. */
static ouro_status volume_samples(setting *at, double *samples) {
  ouro_status status = OURO_OK;
  needs list = {0};
  ouro_partition_total total = {0, 0};
  OURO_AGREE(at->graph->comm, list_sources(at, &list));
  OURO_TRY(gather_needs(at->graph->comm, at->graph->n_nodes, &list));
  for (int64_t k = 0; k < list.n; k++) ouro_partition_total_add(&total, list.list[k].samples);
  ouro_partition_total_reduce(&total, 1, at->graph->comm);
  *samples = ouro_partition_total_value(&total);
cleanup:
  free(list.list);
  return status;
}

/* Pairs of parts between which this rank has a cut feed, both ways. */
static ouro_status list_neighbours(setting *at, const groups *by_part, needs *list) {
  ouro_status status = OURO_OK;
  const ouro_graph *graph = at->graph;
  for (int p = 0; p < at->n_parts; p++) at->seen[p] = -1;
  for (int32_t p = 0; p < at->n_parts; p++) {
    for (int64_t m = by_part->first[p]; m < by_part->first[p + 1]; m++) {
      const int64_t i = by_part->member[m];
      for (ouro_eid k = graph->row[i]; k < graph->row[i + 1]; k++) {
        const int32_t other = at->part[graph->source[k]];
        if (other == p || at->seen[other] == p) continue;
        at->seen[other] = p;
        OURO_TRY(add_need(list, p, other, 0));
        OURO_TRY(add_need(list, other, p, 0));
      }
    }
  }
cleanup:
  return status;
}

static ouro_status list_local_neighbours(setting *at, needs *list) {
  ouro_status status = OURO_OK;
  groups by_part = {0};
  OURO_TRY(group(at->graph->n_owned, at->part, at->n_parts, &by_part));
  OURO_TRY(list_neighbours(at, &by_part, list));
cleanup:
  groups_clear(&by_part);
  return status;
}

static ouro_status most_neighbours(setting *at, int *most) {
  ouro_status status = OURO_OK;
  needs list = {0};
  OURO_AGREE(at->graph->comm, list_local_neighbours(at, &list));
  OURO_TRY(gather_needs(at->graph->comm, at->n_parts, &list));
  int run = 0;
  *most = 0;
  for (int64_t k = 0; k < list.n; k++) {
    run = k > 0 && list.list[k].key == list.list[k - 1].key ? run + 1 : 1;
    if (run > *most) *most = run;
  }
  MPI_Allreduce(MPI_IN_PLACE, most, 1, MPI_INT, MPI_MAX, at->graph->comm);
cleanup:
  free(list.list);
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
    nodes[at->part[i]]++;
    ouro_partition_total_add(&cost[at->part[i]], size);
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

/* Samples over the cut of the partition in at->part, as the objective counts them. */
static ouro_status objective_samples(setting *at, ouro_objective objective, double *samples) {
  ouro_eid n_cut;
  if (objective == OURO_OBJECTIVE_VOLUME) return volume_samples(at, samples);
  *samples = cut_samples(at, &n_cut);
  return OURO_OK;
}

static ouro_status measure_rivals(setting *at, ouro_objective objective, double row_bytes,
                                  ouro_partition_figures *figures) {
  ouro_status status = OURO_OK;
  const ouro_graph *graph = at->graph;
  const int64_t n_local = (int64_t)graph->n_owned + graph->n_ghost;
  double samples;
  for (int64_t k = 0; k < n_local; k++) {
    at->part[k] = ouro_partition_block_part(graph->n_nodes, at->n_parts, graph->gid[k]);
  }
  OURO_TRY(objective_samples(at, objective, &samples));
  figures->block_bytes = row_bytes * samples;
  for (int64_t k = 0; k < n_local; k++) at->part[k] = ouro_partition_random_part(at->n_parts, graph->gid[k]);
  OURO_TRY(objective_samples(at, objective, &samples));
  figures->random_bytes = row_bytes * samples;
cleanup:
  return status;
}

ouro_status ouro_partition_measure(const ouro_graph *graph, ouro_objective objective, int n_parts, double row_bytes,
                                   const int32_t *owner, ouro_partition_figures *figures) {
  ouro_status status = OURO_OK;
  setting at = {0};
  double samples;
  *figures = (ouro_partition_figures){.n_parts = n_parts};
  OURO_TRY(prepare(graph, n_parts, &at));
  for (ouro_lid i = 0; i < graph->n_owned; i++) at.part[i] = owner[i];
  OURO_TRY(ouro_halo_update(graph->halo, at.part, sizeof *at.part));
  OURO_TRY(weigh_parts(&at, figures));
  figures->cut_bytes = row_bytes * cut_samples(&at, &figures->cut_feeds);
  OURO_TRY(volume_samples(&at, &samples));
  figures->volume_bytes = row_bytes * samples;
  OURO_TRY(most_neighbours(&at, &figures->max_neighbours));
  OURO_TRY(measure_rivals(&at, objective, row_bytes, figures));
cleanup:
  release(&at);
  return status;
}
