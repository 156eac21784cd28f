/* Global id to local index: see lookup.h. Open addressing, linear probing, never more than half full. */

#include "graph/lookup.h"

#include <stdlib.h>
#include <string.h>

#include "ouro/base/memory.h"

#define FIRST_SLOTS 64

/* Slot where the search for an id begins: the high bits of a product with 2^64 / golden ratio (Knuth 6.4). */
static size_t home_slot(const ouro_lookup *lookup, ouro_gid gid) {
  return (size_t)(((uint64_t)gid * UINT64_C(0x9E3779B97F4A7C15)) >> 20) & (lookup->n_slots - 1);
}

static void place(ouro_lookup *lookup, ouro_lid index) {
  size_t at = home_slot(lookup, lookup->gid[index]);
  while (lookup->slot[at] >= 0) at = (at + 1) & (lookup->n_slots - 1);
  lookup->slot[at] = index;
  lookup->n_used++;
}

static ouro_status grow_table(ouro_lookup *lookup, size_t n_slots) {
  ouro_status status = OURO_OK;
  ouro_lid *slot;
  OURO_NEW(slot, n_slots);
  free(lookup->slot);
  lookup->slot = slot;
  lookup->n_slots = n_slots;
  lookup->n_used = 0;
  memset(slot, 0xff, n_slots * sizeof *slot);
  for (ouro_lid i = lookup->n_consecutive; i < lookup->n; i++) place(lookup, i);
cleanup:
  return status;
}

/* Length of the leading run of consecutive ids; a short run is not worth a rule of its own. */
static ouro_lid leading_run(ouro_lid n, const ouro_gid *gid) {
  ouro_lid run = n > 0;
  while (run < n && gid[run] == gid[run - 1] + 1) run++;
  return run;
}

ouro_status ouro_lookup_start(ouro_lookup *lookup, ouro_lid n, const ouro_gid *gid) {
  ouro_status status = OURO_OK;
  size_t n_slots = FIRST_SLOTS;
  *lookup = (ouro_lookup){0};
  OURO_NEW(lookup->gid, n);
  if (n > 0) memcpy(lookup->gid, gid, (size_t)n * sizeof *gid);
  lookup->n = n;
  lookup->room = (size_t)n;
  lookup->n_consecutive = leading_run(n, gid);
  while (n_slots < 2 * (size_t)(n - lookup->n_consecutive)) n_slots *= 2;
  OURO_TRY(grow_table(lookup, n_slots));
cleanup:
  return status;
}

ouro_lid ouro_lookup_find(const ouro_lookup *lookup, ouro_gid gid) {
  if (lookup->n_consecutive > 0 && gid >= lookup->gid[0] && gid - lookup->gid[0] < lookup->n_consecutive) {
    return (ouro_lid)(gid - lookup->gid[0]);
  }
  size_t at = home_slot(lookup, gid);
  while (lookup->slot[at] >= 0 && lookup->gid[lookup->slot[at]] != gid) at = (at + 1) & (lookup->n_slots - 1);
  return lookup->slot[at];
}

ouro_status ouro_lookup_add(ouro_lookup *lookup, ouro_gid gid) {
  ouro_status status = OURO_OK;
  OURO_CHECK(lookup->n < INT32_MAX, OURO_ELIMIT,
             "more than %" PRId32 " nodes and ghosts on one rank: run on more ranks", INT32_MAX);
  if ((size_t)lookup->n == lookup->room) {
    const size_t room = lookup->room + lookup->room / 2 + FIRST_SLOTS;
    OURO_RESIZE(lookup->gid, room);
    lookup->room = room;
  }
  if (2 * (lookup->n_used + 1) > lookup->n_slots) OURO_TRY(grow_table(lookup, 2 * lookup->n_slots));
  lookup->gid[lookup->n] = gid;
  place(lookup, lookup->n);
  lookup->n++;
cleanup:
  return status;
}

void ouro_lookup_clear(ouro_lookup *lookup) {
  free(lookup->gid);
  free(lookup->slot);
  *lookup = (ouro_lookup){0};
}
