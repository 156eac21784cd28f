/* The ids that a rank deals with, in ascending order: see locals.h. Does not know which of them are ghosts. */

#include "graph/locals.h"

#include <stdlib.h>
#include <string.h>

#include "ouro/base/memory.h"

/* A bitmap is used where it has at most this many bits an id, which take 8 bytes with their counts, or 1 MiB. */
#define BITS_AN_ID 32
#define BITS_ALWAYS ((int64_t)1 << 23)

static ouro_status check_owned(ouro_gid n_nodes, ouro_lid n_owned, const ouro_gid *owned) {
  for (ouro_lid i = 0; i < n_owned; i++) {
    if (owned[i] >= 0 && owned[i] < n_nodes && (i == 0 || owned[i - 1] < owned[i])) continue;
    return ouro_error(OURO_EINTERNAL, "node ids out of order or range at %" OURO_GID_FMT, owned[i]);
  }
  return OURO_OK;
}

ouro_status ouro_locals_start(ouro_locals *locals, ouro_gid n_nodes, ouro_lid n_owned, const ouro_gid *owned,
                              ouro_eid n_feeds) {
  ouro_status status;
  *locals = (ouro_locals){0};
  OURO_TRY(check_owned(n_nodes, n_owned, owned));
  const bool consecutive = n_owned > 0 && owned[n_owned - 1] - owned[0] == n_owned - 1;
  locals->hashed = n_nodes > BITS_ALWAYS && n_nodes / BITS_AN_ID > n_owned + n_feeds;
  /* a bitmap finds own nodes and ghosts by the same few steps, faster than a guess which of them an id is */
  if (consecutive && (locals->hashed || n_owned == n_nodes)) {
    locals->first = owned[0];
    locals->n_block = n_owned;
  }
  if (locals->hashed)
    OURO_TRY(ouro_lookup_start(&locals->table, 0, NULL));
  else
    OURO_TRY(ouro_bitmap_start(&locals->map, 0, locals->n_block == n_nodes ? 0 : n_nodes));
  for (ouro_lid i = 0; i < n_owned && locals->n_block == 0; i++) OURO_TRY(ouro_locals_add(locals, owned[i]));
cleanup:
  return status;
}

ouro_status ouro_locals_add_hashed(ouro_locals *locals, ouro_gid id) {
  return ouro_lookup_find(&locals->table, id) >= 0 ? OURO_OK : ouro_lookup_add(&locals->table, id);
}

ouro_status ouro_locals_add_sources(ouro_locals *locals, int64_t n, const int64_t *word, int kept) {
  ouro_status status = OURO_OK;
  if (locals->hashed) {
    for (int64_t k = 0; k < n; k++) OURO_TRY(ouro_locals_add(locals, word[k] >> kept));
  } else if (locals->n_block == 0) {
    const ouro_bitmap map = locals->map; /* a copy, which no store below can change */
    for (int64_t k = 0; k < n; k++) ouro_bitmap_add(&map, word[k] >> kept);
  }
cleanup:
  return status;
}

static int by_id(const void *left, const void *right) {
  const ouro_gid a = *(const ouro_gid *)left, b = *(const ouro_gid *)right;
  return (a > b) - (a < b);
}

static ouro_status number_table(ouro_locals *locals) {
  ouro_status status = OURO_OK;
  const ouro_lid n = locals->table.n;
  OURO_NEW(locals->ordered, n);
  OURO_NEW(locals->number, n);
  if (n > 0) memcpy(locals->ordered, locals->table.gid, (size_t)n * sizeof *locals->ordered);
  qsort(locals->ordered, (size_t)n, sizeof *locals->ordered, by_id);
  for (ouro_lid k = 0; k < n; k++) locals->number[ouro_lookup_find(&locals->table, locals->ordered[k])] = k;
cleanup:
  return status;
}

/* Members of the table below the block. */
static ouro_gid below_block(const ouro_locals *locals) {
  ouro_lid low = 0, high = locals->table.n;
  while (low < high) {
    const ouro_lid middle = low + (high - low) / 2;
    if (locals->ordered[middle] < locals->first)
      low = middle + 1;
    else
      high = middle;
  }
  return low;
}

ouro_status ouro_locals_number(ouro_locals *locals) {
  ouro_status status = OURO_OK;
  if (locals->hashed) {
    OURO_TRY(number_table(locals));
    locals->n_below = below_block(locals);
    locals->n = locals->table.n + locals->n_block;
  } else {
    ouro_bitmap_count(&locals->map);
    locals->n_below = locals->map.n_words ? ouro_bitmap_number(&locals->map, locals->first) : 0;
    locals->n = locals->map.n_member + locals->n_block;
  }
  OURO_CHECK(locals->n <= INT32_MAX, OURO_ELIMIT,
             "more than %" PRId32 " nodes and ghosts on one rank: run on more ranks", INT32_MAX);
cleanup:
  return status;
}

static void list_set(const ouro_locals *locals, int64_t first, int64_t n, ouro_gid *id) {
  if (!locals->hashed)
    ouro_bitmap_list(&locals->map, first, n, id);
  else if (n > 0)
    memcpy(id, locals->ordered + first, (size_t)n * sizeof *id);
}

static int64_t clip(int64_t n, int64_t low, int64_t high) {
  return n < low ? low : n > high ? high : n;
}

void ouro_locals_list(const ouro_locals *locals, int64_t place, int64_t n, ouro_gid *id) {
  const int64_t n_below = locals->n_below, n_upto = n_below + locals->n_block, end = place + n;
  const int64_t block = clip(n_below, place, end), above = clip(n_upto, place, end); /* where these places begin */
  list_set(locals, place, block - place, id);
  for (int64_t k = block; k < above; k++) id[k - place] = locals->first + (k - n_below);
  list_set(locals, above - locals->n_block, end - above, id + (above - place));
}

void ouro_locals_clear(ouro_locals *locals) {
  ouro_bitmap_clear(&locals->map);
  ouro_lookup_clear(&locals->table);
  free(locals->number);
  free(locals->ordered);
  *locals = (ouro_locals){0};
}
