/* A set of integers that numbers its members: see bitmap.h. Does not know what they stand for. */

#include "graph/bitmap.h"

#include <stdlib.h>

#include "ouro/base/memory.h"

ouro_status ouro_bitmap_start(ouro_bitmap *map, int64_t low, int64_t bits) {
  ouro_status status = OURO_OK;
  *map = (ouro_bitmap){.low = low, .n_words = (bits + 63) / 64};
  OURO_NEW(map->word, map->n_words);
  OURO_NEW(map->rank, map->n_words);
cleanup:
  return status;
}

void ouro_bitmap_count(ouro_bitmap *map) {
  map->n_member = 0;
  for (int64_t w = 0; w < map->n_words; w++) {
    map->rank[w] = (ouro_bitmap_rank){map->word[w], map->n_member};
    map->n_member += __builtin_popcountll(map->word[w]);
  }
}

/* The last word with at most `number` members below it. */
static int64_t word_of(const ouro_bitmap *map, int64_t number) {
  int64_t at = 0, beyond = map->n_words;
  while (beyond - at > 1) {
    const int64_t middle = at + (beyond - at) / 2;
    if (map->rank[middle].below <= number)
      at = middle;
    else
      beyond = middle;
  }
  return at;
}

void ouro_bitmap_list(const ouro_bitmap *map, int64_t first, int64_t n, int64_t *member) {
  if (n == 0) return;
  int64_t w = word_of(map, first), number = map->rank[w].below;
  for (; number < first + n; w++) {
    for (uint64_t left = map->word[w]; left && number < first + n; left &= left - 1, number++) {
      if (number >= first) member[number - first] = map->low + 64 * w + __builtin_ctzll(left);
    }
  }
}

void ouro_bitmap_clear(ouro_bitmap *map) {
  free(map->word);
  free(map->rank);
  *map = (ouro_bitmap){0};
}
