/* The owner of every node: METIS on the symmetrised graph, or blocks of consecutive ids. Invariant: for a given number
 * of parts the partition is a function of the graph, whoever owns what; every node has a part in range. */

#include "ouro/partition/partition.h"

#include <stdlib.h>
#include <string.h>

#include "ouro/base/log.h"
#include "ouro/base/memory.h"
#include "ouro/base/random.h"
#include "partition/private.h"

static int64_t limit_now = INT32_MAX;

void ouro_partition_limit_at(int64_t limit) {
  limit_now = limit > 0 ? limit : INT32_MAX;
}

int32_t ouro_partition_block_part(ouro_gid n_nodes, int n_parts, ouro_gid node) {
  return ouro_graph_block_rank(n_nodes, n_parts, node);
}

/* The finaliser of SplitMix64 (Steele, Lea, Flood, OOPSLA 2014) mixes the id. */
int32_t ouro_partition_random_part(int n_parts, ouro_gid node) {
  uint64_t word = (uint64_t)node + UINT64_C(0x9e3779b97f4a7c15);
  word = (word ^ (word >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
  word = (word ^ (word >> 27)) * UINT64_C(0x94d049bb133111eb);
  return (int32_t)ouro_random_below(word ^ (word >> 31), (uint64_t)n_parts);
}

/* Give every owned node the part that rank 0 found for it: by blocks of ids, from there to the owners. */
static ouro_status spread(const ouro_graph *graph, const int32_t *part, int32_t *owner) {
  ouro_status status = OURO_OK;
  int rank, n_ranks;
  int *count = NULL, *place = NULL;
  int32_t *destination = NULL, *mine = NULL, *answer = NULL;
  ouro_gid *gid = NULL;
  ouro_route route = {0};
  MPI_Comm_rank(graph->comm, &rank);
  MPI_Comm_size(graph->comm, &n_ranks);
  const ouro_gid first = ouro_graph_block_first(graph->n_nodes, n_ranks, rank);
  const int n = (int)(ouro_graph_block_first(graph->n_nodes, n_ranks, rank + 1) - first);
  count = ouro_memory_new((size_t)n_ranks, sizeof *count);
  place = ouro_memory_new((size_t)n_ranks, sizeof *place);
  destination = ouro_memory_new((size_t)graph->n_owned, sizeof *destination);
  mine = ouro_memory_new((size_t)n, sizeof *mine);
  OURO_AGREE(graph->comm, count && place && destination && mine ? OURO_OK : OURO_ENOMEM);
  for (int r = 0; r < n_ranks; r++) {
    place[r] = (int)ouro_graph_block_first(graph->n_nodes, n_ranks, r);
    count[r] = (int)ouro_graph_block_first(graph->n_nodes, n_ranks, r + 1) - place[r];
  }
  MPI_Scatterv(part, count, place, MPI_INT32_T, mine, n, MPI_INT32_T, 0, graph->comm);
  for (ouro_lid i = 0; i < graph->n_owned; i++) {
    destination[i] = ouro_graph_block_rank(graph->n_nodes, n_ranks, graph->gid[i]);
  }
  OURO_TRY(ouro_route_open(graph->comm, graph->n_owned, destination, &route));
  gid = ouro_memory_new((size_t)route.n_received, sizeof *gid);
  answer = ouro_memory_new((size_t)route.n_received, sizeof *answer);
  OURO_AGREE(graph->comm, gid && answer ? OURO_OK : OURO_ENOMEM);
  OURO_TRY(ouro_route_send_field(&route, sizeof *gid, graph->gid, gid));
  for (int64_t k = 0; k < route.n_received; k++) answer[k] = mine[gid[k] - first];
  OURO_TRY(ouro_route_answer_field(&route, sizeof *answer, answer, owner));
cleanup:
  ouro_route_close(&route);
  free(count);
  free(place);
  free(destination);
  free(mine);
  free(answer);
  free(gid);
  return status;
}

/* On rank 0: METIS for the nodes with neighbours, then the others.
 * [out] part [n_nodes] to be released with free()
 * [out] good whether it can be used */
static ouro_status partition_here(ouro_partition_symmetric *symmetric, const ouro_config_partition *options,
                                  ouro_objective objective, int n_parts, int32_t **part, bool *good) {
  ouro_status status = OURO_OK;
  int32_t *number = NULL, *found = NULL;
  *good = false;
  OURO_NEW(*part, symmetric->n_nodes);
  OURO_NEW(found, symmetric->n_nodes);
  OURO_TRY(ouro_partition_isolated_behind(symmetric, &number));
  if (symmetric->n_linked <= n_parts) goto cleanup;
  const char *complaint = ouro_partition_metis(symmetric, options, objective, n_parts, found);
  if (complaint) {
    ouro_log_root(OURO_LOG_WARNING, "METIS came back with %s: the nodes are split into blocks of ids instead",
                  complaint);
    goto cleanup;
  }
  OURO_TRY(ouro_partition_isolated_place(symmetric, n_parts, found));
  for (int64_t i = 0; i < symmetric->n_nodes; i++) (*part)[i] = found[number[i]];
  *good = true;
cleanup:
  free(number);
  free(found);
  return status;
}

/* Gather the graph on rank 0 and partition it there.
 * [out] part [n_nodes] on rank 0, to be released with free()
 * [out] good whether it can be used, the same on all ranks */
static ouro_status run_metis(const ouro_graph *graph, const ouro_config_partition *options, ouro_objective objective,
                             int n_parts, int32_t **part, bool *good) {
  ouro_status status = OURO_OK;
  int rank;
  ouro_partition_symmetric symmetric = {0};
  MPI_Comm_rank(graph->comm, &rank);
  OURO_TRY(ouro_partition_symmetrise(graph, objective, limit_now, &symmetric));
  if (rank == 0) status = partition_here(&symmetric, options, objective, n_parts, part, good);
  OURO_AGREE(graph->comm, status);
  MPI_Bcast(good, 1, MPI_C_BOOL, 0, graph->comm);
cleanup:
  ouro_partition_symmetric_clear(&symmetric);
  return status;
}

/* METIS dies on one part, and leaves parts empty if there are no more nodes than parts; without feeds there is nothing
 * to minimise. */
static bool metis_has_work(const ouro_graph *graph, int n_parts) {
  return n_parts > 1 && graph->n_nodes > n_parts && graph->n_feeds > 0;
}

static ouro_objective resolve(ouro_objective objective, ouro_draw draw) {
  if (objective != OURO_OBJECTIVE_AUTO) return objective;
  return draw == OURO_DRAW_PUBLISHED ? OURO_OBJECTIVE_VOLUME : OURO_OBJECTIVE_CUT;
}

ouro_status ouro_partition_choose(const ouro_graph *graph, const ouro_config_partition *options, ouro_draw draw,
                                  int n_parts, double row_bytes, int32_t *owner, ouro_partition_figures *figures) {
  ouro_status status = OURO_OK;
  int32_t *part = NULL;
  bool metis = false;
  const ouro_objective objective = resolve(options->objective, draw);
  OURO_CHECK(n_parts >= 1, OURO_EINTERNAL, "a partition into %d parts", n_parts);
  if (options->method == OURO_METHOD_METIS && metis_has_work(graph, n_parts)) {
    OURO_TRY(run_metis(graph, options, objective, n_parts, &part, &metis));
  }
  if (metis) {
    OURO_TRY(spread(graph, part, owner));
  } else {
    for (ouro_lid i = 0; i < graph->n_owned; i++) {
      owner[i] = ouro_partition_block_part(graph->n_nodes, n_parts, graph->gid[i]);
    }
  }
  free(part);
  part = NULL;
  OURO_TRY(ouro_partition_measure(graph, objective, n_parts, row_bytes, owner, figures));
  figures->method = metis ? "metis" : "block";
  figures->objective = objective == OURO_OBJECTIVE_VOLUME ? "volume" : "cut";
cleanup:
  free(part);
  return status;
}
