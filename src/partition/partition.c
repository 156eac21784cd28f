/* The owner of every node: METIS or PT-Scotch on the symmetrised graph, a file, a hash, or blocks of consecutive ids.
 * Invariant: for a given number of parts (and ranks, by PT-Scotch) the partition is a function of the graph, whoever
 * owns what; every node has a part in range. */

#include "ouro/partition/partition.h"

#include <math.h>
#include <stdio.h>
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

ouro_status ouro_partition_ask(const ouro_graph *graph, size_t bytes, const void *mine, void *owned) {
  ouro_status status = OURO_OK;
  int rank, n_ranks;
  ouro_gid *gid = NULL;
  char *answer = NULL;
  ouro_route route = {0};
  MPI_Comm_rank(graph->comm, &rank);
  MPI_Comm_size(graph->comm, &n_ranks);
  const ouro_gid first = ouro_graph_block_first(graph->n_nodes, n_ranks, rank);
  int32_t *destination = ouro_memory_new((size_t)graph->n_owned, sizeof *destination);
  OURO_AGREE(graph->comm, destination ? OURO_OK : OURO_ENOMEM);
  for (ouro_lid i = 0; i < graph->n_owned; i++) {
    destination[i] = ouro_graph_block_rank(graph->n_nodes, n_ranks, graph->gid[i]);
  }
  OURO_TRY(ouro_route_open(graph->comm, graph->n_owned, destination, &route));
  gid = ouro_memory_new((size_t)route.n_received, sizeof *gid);
  answer = ouro_memory_new((size_t)route.n_received, bytes);
  OURO_AGREE(graph->comm, gid && answer ? OURO_OK : OURO_ENOMEM);
  OURO_TRY(ouro_route_send_field(&route, sizeof *gid, graph->gid, gid));
  for (int64_t k = 0; k < route.n_received; k++) {
    memcpy(answer + (size_t)k * bytes, (const char *)mine + (size_t)(gid[k] - first) * bytes, bytes);
  }
  OURO_TRY(ouro_route_answer_field(&route, bytes, answer, owned));
cleanup:
  ouro_route_close(&route);
  free(destination);
  free(answer);
  free(gid);
  return status;
}

/* Nodes of this rank's block of ids. */
static int64_t block_length(const ouro_graph *graph) {
  int rank, n_ranks;
  MPI_Comm_rank(graph->comm, &rank);
  MPI_Comm_size(graph->comm, &n_ranks);
  return ouro_graph_block_first(graph->n_nodes, n_ranks, rank + 1) -
         ouro_graph_block_first(graph->n_nodes, n_ranks, rank);
}

/* Give every owned node the part that rank 0 found for it: by blocks of ids, from there to the owners. */
static ouro_status spread(const ouro_graph *graph, const int32_t *part, int32_t *owner) {
  ouro_status status = OURO_OK;
  int n_ranks;
  MPI_Comm_size(graph->comm, &n_ranks);
  const int n = (int)block_length(graph);
  int *count = ouro_memory_new((size_t)n_ranks, sizeof *count);
  int *place = ouro_memory_new((size_t)n_ranks, sizeof *place);
  int32_t *mine = ouro_memory_new((size_t)n, sizeof *mine);
  OURO_AGREE(graph->comm, count && place && mine ? OURO_OK : OURO_ENOMEM);
  for (int r = 0; r < n_ranks; r++) {
    place[r] = (int)ouro_graph_block_first(graph->n_nodes, n_ranks, r);
    count[r] = (int)ouro_graph_block_first(graph->n_nodes, n_ranks, r + 1) - place[r];
  }
  MPI_Scatterv(part, count, place, MPI_INT32_T, mine, n, MPI_INT32_T, 0, graph->comm);
  OURO_TRY(ouro_partition_ask(graph, sizeof *mine, mine, owner));
cleanup:
  free(count);
  free(place);
  free(mine);
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
 * [out] owner [n_owned], where it is good
 * [out] good  whether it can be used, the same on all ranks */
static ouro_status run_metis(const ouro_graph *graph, const ouro_config_partition *options, ouro_objective objective,
                             int n_parts, int32_t *owner, bool *good) {
  ouro_status status = OURO_OK;
  int rank;
  int32_t *part = NULL;
  ouro_partition_symmetric symmetric = {0};
  MPI_Comm_rank(graph->comm, &rank);
  OURO_TRY(ouro_partition_symmetrise(graph, objective, limit_now, &symmetric));
  if (rank == 0) status = partition_here(&symmetric, options, objective, n_parts, &part, good);
  OURO_AGREE(graph->comm, status);
  ouro_partition_symmetric_clear(&symmetric);
  MPI_Bcast(good, 1, MPI_C_BOOL, 0, graph->comm);
  if (*good) OURO_TRY(spread(graph, part, owner));
cleanup:
  ouro_partition_symmetric_clear(&symmetric);
  free(part);
  return status;
}

/* Partition the blocks of all ranks where they are; as run_metis(). */
static ouro_status run_ptscotch(const ouro_graph *graph, const ouro_config_partition *options, int n_parts,
                                int32_t *owner, bool *good) {
  ouro_status status = OURO_OK;
  ouro_partition_block block = {0};
  const char *complaint = NULL;
  int32_t *part = ouro_memory_new((size_t)block_length(graph), sizeof *part);
  OURO_AGREE(graph->comm, part ? OURO_OK : OURO_ENOMEM);
  OURO_TRY(ouro_partition_block_form(graph, &block));
  OURO_TRY(ouro_partition_ptscotch(graph->comm, &block, options, n_parts, part, &complaint));
  *good = complaint == NULL;
  if (complaint) {
    ouro_log_root(OURO_LOG_WARNING, "PT-Scotch came back with %s: the nodes are split into blocks of ids instead",
                  complaint);
  } else {
    OURO_TRY(ouro_partition_ask(graph, sizeof *part, part, owner));
  }
cleanup:
  ouro_partition_block_clear(&block);
  free(part);
  return status;
}

/* METIS dies on one part, and leaves parts empty if there are no more nodes than parts; without feeds there is nothing
 * to minimise. */
static bool is_work(const ouro_graph *graph, int n_parts) {
  return n_parts > 1 && graph->n_nodes > n_parts && graph->n_feeds > 0;
}

static ouro_objective resolve(ouro_objective objective, ouro_draw draw) {
  if (objective != OURO_OBJECTIVE_AUTO) return objective;
  return draw == OURO_DRAW_PUBLISHED ? OURO_OBJECTIVE_VOLUME : OURO_OBJECTIVE_CUT;
}

static void by_hash(const ouro_graph *graph, int n_parts, int32_t *owner) {
  for (ouro_lid i = 0; i < graph->n_owned; i++) owner[i] = ouro_partition_random_part(n_parts, graph->gid[i]);
}

static void by_block(const ouro_graph *graph, int n_parts, int32_t *owner) {
  for (ouro_lid i = 0; i < graph->n_owned; i++) {
    owner[i] = ouro_partition_block_part(graph->n_nodes, n_parts, graph->gid[i]);
  }
}

static ouro_status check_options(const ouro_config_partition *options, int n_parts) {
  if (n_parts < 1) return ouro_error(OURO_EINTERNAL, "a partition into %d parts", n_parts);
  if (options->file || options->method != OURO_METHOD_PTSCOTCH || ouro_partition_has_ptscotch()) return OURO_OK;
  return ouro_error(OURO_ECONFIG,
                    "partition.method: this build has no PT-Scotch; install it (Debian: libptscotch-dev, in its 64-bit "
                    "build) and make again, or use metis, block or hash");
}

/* What makes the partition, as ouro_partition_figures has it. */
static ouro_status make(const ouro_graph *graph, const ouro_config_partition *options, ouro_objective objective,
                        int n_parts, int32_t *owner, const char **method) {
  ouro_status status = OURO_OK;
  bool good = false;
  *method = "block";
  if (options->file) {
    OURO_TRY(ouro_partition_read(graph, options->file, n_parts, owner));
    *method = "file";
  } else if (options->method == OURO_METHOD_HASH) {
    by_hash(graph, n_parts, owner);
    *method = "hash";
  } else if (options->method == OURO_METHOD_METIS && is_work(graph, n_parts)) {
    OURO_TRY(run_metis(graph, options, objective, n_parts, owner, &good));
    if (good) *method = "metis";
  } else if (options->method == OURO_METHOD_PTSCOTCH && is_work(graph, n_parts)) {
    OURO_TRY(run_ptscotch(graph, options, n_parts, owner, &good));
    if (good) *method = "ptscotch";
  }
  if (strcmp(*method, "block") == 0) by_block(graph, n_parts, owner);
cleanup:
  return status;
}

ouro_status ouro_partition_choose(const ouro_graph *graph, const ouro_config_partition *options, ouro_draw draw,
                                  int n_parts, double row_bytes, int32_t *owner, ouro_partition_figures *figures) {
  ouro_status status = OURO_OK;
  const char *method;
  const ouro_objective objective = resolve(options->objective, draw);
  OURO_TRY(check_options(options, n_parts));
  OURO_TRY(make(graph, options, objective, n_parts, owner, &method));
  OURO_TRY(ouro_partition_measure(graph, objective, n_parts, row_bytes, owner, figures));
  figures->method = method;
  figures->objective = objective == OURO_OBJECTIVE_VOLUME ? "volume" : "cut";
cleanup:
  return status;
}

/* ---- what it gains ---- */

#define WORTH_IT 1.5 /* a partition that moves less by a smaller factor than this gains little */

static double ratio(double bytes, double own) {
  return own > 0 ? bytes / own : bytes > 0 ? INFINITY : 1;
}

const char *ouro_partition_gain(const ouro_partition_figures *figures, char *text, size_t size) {
  const double own = strcmp(figures->objective, "volume") == 0 ? figures->volume_bytes : figures->cut_bytes;
  const double block = ratio(figures->block_bytes, own), random = ratio(figures->random_bytes, own);
  const bool sought = strcmp(figures->method, "metis") == 0 || strcmp(figures->method, "ptscotch") == 0;
  const char *judged = "";
  if (sought && block < WORTH_IT) {
    judged = random < WORTH_IT
                 ? ": the graph has little structure to gain from, and partition.method=block or hash do nearly as well"
                 : ": the order of the models has the structure already, and partition.method=block does as "
                   "well";
  }
  snprintf(text, size, "blocks of models move %.3g times as many bytes, a random partition %.3g times%s", block, random,
           judged);
  return text;
}
