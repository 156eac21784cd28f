/* Sets of numbers and subsets without replacement: see distinct.h. Knows no graph. */

#include "graph/distinct.h"

#include <stdlib.h>
#include <string.h>

#include "ouro/base/memory.h"
#include "ouro/base/random.h"

ouro_status ouro_distinct_open(int64_t most, ouro_distinct *set) {
  ouro_status status = OURO_OK;
  *set = (ouro_distinct){NULL, 2};
  while (set->n_slots < 2 * (size_t)most) set->n_slots *= 2;
  OURO_NEW(set->slot, set->n_slots);
  ouro_distinct_empty(set);
cleanup:
  return status;
}

void ouro_distinct_close(ouro_distinct *set) {
  free(set->slot);
  set->slot = NULL;
}

void ouro_distinct_empty(ouro_distinct *set) {
  memset(set->slot, 0xff, set->n_slots * sizeof *set->slot);
}

bool ouro_distinct_add(ouro_distinct *set, int64_t value) {
  size_t at = (size_t)(((uint64_t)value * UINT64_C(0x9E3779B97F4A7C15)) >> 20) & (set->n_slots - 1);
  for (; set->slot[at] >= 0; at = (at + 1) & (set->n_slots - 1)) {
    if (set->slot[at] == value) return false;
  }
  set->slot[at] = value;
  return true;
}

/* Floyd: for u = n-k .. n-1 draw t in 0 .. u and take it, or u itself if t is taken already. */
void ouro_distinct_choose(ouro_distinct *set, int64_t n, int64_t k, const uint64_t *word, int64_t *chosen) {
  ouro_distinct_empty(set);
  for (int64_t d = 0; d < k; d++) {
    const int64_t last = n - k + d;
    chosen[d] = (int64_t)ouro_random_below(word[d], (uint64_t)last + 1);
    if (ouro_distinct_add(set, chosen[d])) continue;
    chosen[d] = last;
    ouro_distinct_add(set, last);
  }
}
