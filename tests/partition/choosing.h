#ifndef OURO_TESTS_PARTITION_CHOOSING_H
#define OURO_TESTS_PARTITION_CHOOSING_H

/* Owners chosen, as every rank sees them. */

#include "graphs.h"
#include "partition/private.h"

#define ROW_BYTES 8.0

/* Choose, and bring the parts of all nodes together on every rank. */
static inline ouro_status choose_for(const ouro_graph *graph, const ouro_config_partition *options, ouro_draw draw_kind,
                                     int n_parts, int32_t *part, ouro_partition_figures *figures) {
  int32_t *owner = calloc((size_t)graph->n_owned + 1, sizeof *owner);
  const ouro_status status = ouro_partition_choose(graph, options, draw_kind, n_parts, ROW_BYTES, owner, figures);
  for (int64_t i = 0; i < graph->n_nodes; i++) part[i] = -1;
  for (ouro_lid i = 0; i < graph->n_owned; i++) part[graph->gid[i]] = owner[i];
  MPI_Allreduce(MPI_IN_PLACE, part, (int)graph->n_nodes, MPI_INT32_T, MPI_MAX, MPI_COMM_WORLD);
  free(owner);
  return status;
}

static inline int in_range(const int32_t *part, int64_t n, int n_parts) {
  for (int64_t i = 0; i < n; i++) {
    if (part[i] < 0 || part[i] >= n_parts) return 0;
  }
  return 1;
}

static inline int is_block(const int32_t *part, int64_t n, int n_parts) {
  for (int64_t i = 0; i < n; i++) {
    if (part[i] != ouro_partition_block_part(n, n_parts, i)) return 0;
  }
  return 1;
}

#endif
