#ifndef OURO_GRAPH_DISTINCT_H
#define OURO_GRAPH_DISTINCT_H

/* Distinct numbers: a set that is filled and emptied many times, and uniformly chosen subsets. */

#include "ouro/base/status.h"

/* Numbers >= 0, of known largest number of members: open addressing, at most half full. */
typedef struct ouro_distinct {
  int64_t *slot; /* [n_slots] value, or -1 */
  size_t n_slots;
} ouro_distinct;

/** Make an empty set.
 *  Not collective.
 *  [in]  most members it will have at a time
 *  [out] set  to be released with ouro_distinct_close(), also on error
 *  Returns OURO_OK or OURO_ENOMEM. */
ouro_status ouro_distinct_open(int64_t most, ouro_distinct *set);

/** Release the memory.
 *  Not collective. */
void ouro_distinct_close(ouro_distinct *set);

/** Take all members out.
 *  Not collective. */
void ouro_distinct_empty(ouro_distinct *set);

/** Put a number in.
 *  Not collective.
 *  Returns whether it is new. */
bool ouro_distinct_add(ouro_distinct *set, int64_t value);

/** Choose k of the numbers 0 .. n-1, every subset equally likely (Bentley and Floyd 1987).
 *  Not collective.
 *  [in]  word   [k] random words
 *  [out] chosen [k] in no order; the set holds the same */
void ouro_distinct_choose(ouro_distinct *set, int64_t n, int64_t k, const uint64_t *word, int64_t *chosen);

#endif
