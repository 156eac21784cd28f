#ifndef OURO_GRAPH_BITMAP_H
#define OURO_GRAPH_BITMAP_H

/* A set of integers in a range, one bit each, that numbers its members in ascending order: the number of a member is
 * the number of bits below its own. */

#include "ouro/base/status.h"

/* A word side by side with the number of members below it, which are needed together. */
typedef struct ouro_bitmap_rank {
  uint64_t word;
  int64_t below;
} ouro_bitmap_rank;

typedef struct ouro_bitmap {
  int64_t low;            /* integer of the first bit */
  int64_t n_words;        /* of 64 bits */
  uint64_t *word;         /* [n_words] */
  ouro_bitmap_rank *rank; /* [n_words] once counted */
  int64_t n_member;       /* once counted */
} ouro_bitmap;

/** Start with an empty set of integers low .. low+bits-1.
 *  Not collective.
 *  [out] map to be released with ouro_bitmap_clear(), also on error
 *  Returns OURO_OK or OURO_ENOMEM. */
ouro_status ouro_bitmap_start(ouro_bitmap *map, int64_t low, int64_t bits);

/** Add an integer of the range.
 *  Not collective. */
static inline void ouro_bitmap_add(const ouro_bitmap *map, int64_t value) {
  const int64_t bit = value - map->low;
  const uint64_t one = UINT64_C(1) << (bit & 63);
  /* most values come many times: to look first is faster than a chain of stores to one word */
  if (!(map->word[bit >> 6] & one)) map->word[bit >> 6] |= one;
}

/** Number the members; to be called after the last one was added.
 *  Not collective. */
void ouro_bitmap_count(ouro_bitmap *map);

/** Whether an integer of the range is a member, once counted.
 *  Not collective. */
static inline bool ouro_bitmap_has(const ouro_bitmap *map, int64_t value) {
  const int64_t bit = value - map->low;
  return map->rank[bit >> 6].word >> (bit & 63) & 1;
}

/** Members below an integer of the range: its number if it is one.
 *  Not collective. */
static inline int64_t ouro_bitmap_number(const ouro_bitmap *map, int64_t value) {
  const int64_t bit = value - map->low;
  const ouro_bitmap_rank at = map->rank[bit >> 6];
  return at.below + __builtin_popcountll(at.word & ((UINT64_C(1) << (bit & 63)) - 1));
}

/** The members numbered first .. first+n-1.
 *  Not collective.
 *  [out] member [n] */
void ouro_bitmap_list(const ouro_bitmap *map, int64_t first, int64_t n, int64_t *member);

/** Release the arrays.
 *  Not collective. */
void ouro_bitmap_clear(ouro_bitmap *map);

#endif
