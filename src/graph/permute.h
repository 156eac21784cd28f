#ifndef OURO_GRAPH_PERMUTE_H
#define OURO_GRAPH_PERMUTE_H

/* A keyed bijection of 0 .. n-1, computed value by value. */

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

/** Where each of n_x values goes: faster than one at a time.
 *  Not collective.
 *  [inout] x [n_x] each 0 .. n-1 */
void ouro_permute_all(const ouro_permutation *permutation, size_t n_x, uint64_t *x);

#endif
