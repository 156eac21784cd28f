/* Nodes without neighbours: METIS' coarsening gets stuck on them (a million of them took it 40 s), so they stand behind
 * the others, METIS sees only those, and the isolated ones fill up the parts of least cost afterwards. */

#include "partition/private.h"

#include <stdlib.h>
#include <string.h>

#include "ouro/base/memory.h"

static ouro_status reorder(int32_t **values, const int32_t *number, int64_t n) {
  ouro_status status = OURO_OK;
  int32_t *ordered = NULL;
  if (*values == NULL) return OURO_OK;
  OURO_NEW(ordered, n);
  for (int64_t i = 0; i < n; i++) ordered[number[i]] = (*values)[i];
  free(*values);
  *values = ordered;
cleanup:
  return status;
}

ouro_status ouro_partition_isolated_behind(ouro_partition_symmetric *symmetric, int32_t **number) {
  ouro_status status = OURO_OK;
  const int64_t n = symmetric->n_nodes;
  int32_t *row = symmetric->row, n_linked = 0;
  OURO_NEW(*number, n);
  for (int64_t i = 0; i < n; i++) {
    if (row[i + 1] > row[i]) (*number)[i] = n_linked++;
  }
  int32_t next = n_linked;
  for (int64_t i = 0; i < n; i++) {
    if (row[i + 1] == row[i]) (*number)[i] = next++;
  }
  OURO_TRY(reorder(&symmetric->cost, *number, n));
  OURO_TRY(reorder(&symmetric->corpus, *number, n));
  for (int64_t k = 0; k < symmetric->n_entries; k++) symmetric->neighbour[k] = (*number)[symmetric->neighbour[k]];
  for (int64_t i = 0; i < n; i++) { /* rows close up: number[i] <= i where a row is not empty */
    if (row[i + 1] > row[i]) row[(*number)[i]] = row[i];
  }
  for (int64_t i = n_linked; i <= n; i++) row[i] = (int32_t)symmetric->n_entries;
  symmetric->n_linked = n_linked;
cleanup:
  return status;
}

typedef struct load {
  int64_t cost;
  int32_t part;
} load;

static bool lighter(const load *a, const load *b) {
  return a->cost != b->cost ? a->cost < b->cost : a->part < b->part;
}

/* Let the load at `at` sink to its place in a heap whose lightest load is on top. */
static void sink(load *heap, int64_t n, int64_t at) {
  for (int64_t child = 2 * at + 1; child < n; child = 2 * at + 1) {
    if (child + 1 < n && lighter(&heap[child + 1], &heap[child])) child++;
    if (!lighter(&heap[child], &heap[at])) return;
    const load swapped = heap[at];
    heap[at] = heap[child];
    heap[child] = swapped;
    at = child;
  }
}

ouro_status ouro_partition_isolated_place(const ouro_partition_symmetric *symmetric, int n_parts, int32_t *part) {
  ouro_status status = OURO_OK;
  load *heap = NULL;
  OURO_NEW(heap, n_parts);
  for (int32_t p = 0; p < n_parts; p++) heap[p].part = p;
  for (int64_t i = 0; i < symmetric->n_linked; i++) heap[part[i]].cost += symmetric->cost[i];
  for (int64_t k = n_parts / 2 - 1; k >= 0; k--) sink(heap, n_parts, k);
  for (int64_t i = symmetric->n_linked; i < symmetric->n_nodes; i++) {
    part[i] = heap[0].part;
    heap[0].cost += symmetric->cost[i];
    sink(heap, n_parts, 0);
  }
cleanup:
  free(heap);
  return status;
}
