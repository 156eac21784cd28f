#ifndef OURO_GRAPH_PERMUTE_H
#define OURO_GRAPH_PERMUTE_H

/* A keyed bijection of 0 .. n-1, computed one value at a time. */

#include "ouro/base/random.h"

#define OURO_PERMUTE_ROUNDS 12

typedef struct ouro_permutation {
  uint64_t n;
  int low_bits, high_bits; /* halves of the smallest 2^bits >= n, bits >= 2 */
  uint64_t key[OURO_PERMUTE_ROUNDS];
} ouro_permutation;

/** The bijection of 0 .. n-1 that belongs to a seed and a purpose.
 *  Not collective.
 *  [in] n 1 .. 2^62 */
ouro_permutation ouro_permutation_of(uint64_t n, uint64_t seed, ouro_purpose purpose);

/** Where x goes.
 *  Not collective.
 *  [in] x 0 .. n-1 */
uint64_t ouro_permute(const ouro_permutation *permutation, uint64_t x);

#endif
