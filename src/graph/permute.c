/* A Feistel network on the bits of a number, with cycle walking: see permute.h.
 * Each half in turn is xored with a keyed mix of the other, which is a bijection of 2^bits whatever the mix; what
 * falls beyond n is sent on until it falls within (Black and Rogaway 2002). Luby and Rackoff: a few rounds of random
 * mixes are a random permutation to any observer of far fewer than 2^(bits/2) values; for few bits there are more. */

#include "graph/permute.h"

static int bits_of(uint64_t n) {
  int bits = 2;
  while (bits < 63 && (UINT64_C(1) << bits) < n) bits++;
  return bits;
}

ouro_permutation ouro_permutation_of(uint64_t n, uint64_t seed, ouro_purpose purpose) {
  ouro_permutation permutation = {.n = n};
  const int bits = bits_of(n);
  permutation.low_bits = bits / 2;
  permutation.high_bits = bits - bits / 2;
  const ouro_stream stream = ouro_random_stream(seed, 0, 0, purpose, OURO_NATURE, OURO_NATURE);
  ouro_random_words(&stream, 0, OURO_PERMUTE_ROUNDS, permutation.key);
  return permutation;
}

/* The finaliser of splitmix64 (Steele, Lea, Flood 2014); the caller takes its high bits. */
static uint64_t mix(uint64_t x, uint64_t key) {
  x = (x + 1) * key;
  x ^= x >> 30;
  x *= UINT64_C(0xBF58476D1CE4E5B9);
  x ^= x >> 27;
  x *= UINT64_C(0x94D049BB133111EB);
  return x;
}

static uint64_t network(const ouro_permutation *permutation, uint64_t x) {
  const int low_bits = permutation->low_bits, high_bits = permutation->high_bits;
  uint64_t low = x & ((UINT64_C(1) << low_bits) - 1), high = x >> low_bits;
  for (int round = 0; round < OURO_PERMUTE_ROUNDS; round += 2) {
    low ^= mix(high, permutation->key[round] | 1) >> (64 - low_bits);
    high ^= mix(low, permutation->key[round + 1] | 1) >> (64 - high_bits);
  }
  return high << low_bits | low;
}

uint64_t ouro_permute(const ouro_permutation *permutation, uint64_t x) {
  do {
    x = network(permutation, x);
  } while (x >= permutation->n);
  return x;
}

#define LANES 8 /* values on their way side by side: each waits for its own multiplications only */

static void network_of_lanes(const ouro_permutation *permutation, uint64_t *x) {
  const int low_bits = permutation->low_bits, high_bits = permutation->high_bits;
  uint64_t low[LANES], high[LANES];
  for (int l = 0; l < LANES; l++) {
    low[l] = x[l] & ((UINT64_C(1) << low_bits) - 1);
    high[l] = x[l] >> low_bits;
  }
  for (int round = 0; round < OURO_PERMUTE_ROUNDS; round += 2) {
    const uint64_t even = permutation->key[round] | 1, odd = permutation->key[round + 1] | 1;
    for (int l = 0; l < LANES; l++) low[l] ^= mix(high[l], even) >> (64 - low_bits);
    for (int l = 0; l < LANES; l++) high[l] ^= mix(low[l], odd) >> (64 - high_bits);
  }
  for (int l = 0; l < LANES; l++) x[l] = high[l] << low_bits | low[l];
}

void ouro_permute_all(const ouro_permutation *permutation, size_t n_x, uint64_t *x) {
  size_t k = 0;
  for (; k + LANES <= n_x; k += LANES) {
    network_of_lanes(permutation, x + k);
    for (int l = 0; l < LANES; l++) {
      if (x[k + (size_t)l] >= permutation->n) x[k + (size_t)l] = ouro_permute(permutation, x[k + (size_t)l]);
    }
  }
  for (; k < n_x; k++) x[k] = ouro_permute(permutation, x[k]);
}
