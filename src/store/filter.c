/* Shuffle, deflate and Fletcher32 as HDF5 defines them, in that order; any HDF5 reads what they make.
 * Must not know files or tables: it runs beside the program. */

#include "store/filter.h"

#include <string.h>
#include <zlib.h>

enum { LANES = 16, ROWS = 360 }; /* sums of 360 rows fit 32 bits: 65535 * 360 * 361 / 2 < 2^32 */

/* Residues modulo 65535, where 0 stands for a sum that is zero and 65535 for the other multiples. */
static uint32_t residue(uint64_t sum) {
  return sum == 0 ? 0 : (uint32_t)((sum - 1) % 65535 + 1);
}

/* For words w_0 .. w_(n-1): first = sum of w_i, second = sum of (n - i) w_i, as residues. */
typedef struct sums {
  uint64_t first, second;
} sums;

/* Words i = row * LANES + lane: sum over a lane of w, and of (rows - row) w. */
static void add_rows(sums *s, const char *data, uint64_t rows) {
  uint32_t lane1[LANES] = {0}, lane2[LANES] = {0};
  uint64_t first = 0, second = 0, ahead = 0;
  for (uint64_t r = 0; r < rows; r++) {
    uint16_t word[LANES];
    memcpy(word, data + r * sizeof word, sizeof word);
    for (int k = 0; k < LANES; k++) {
      lane1[k] += word[k];
      lane2[k] += lane1[k];
    }
  }
  for (int k = 0; k < LANES; k++) {
    first += lane1[k];
    second += lane2[k];
    ahead += (uint64_t)k * lane1[k];
  }
  s->second = residue(s->second + s->first * (rows * LANES) + second * LANES - ahead);
  s->first = residue(s->first + first);
}

static void add_word(sums *s, uint16_t word) {
  s->first = residue(s->first + word);
  s->second = residue(s->second + s->first);
}

/* Words are read in this machine's order: modulo 65535 swapping the bytes of all of them multiplies by 256, which is
 * swapping the bytes of the sums. */
uint32_t ouro_filter_fletcher32(const void *data, size_t bytes) {
  const char *at = data, *end = at + bytes / 2 * 2;
  const size_t row = LANES * sizeof(uint16_t);
  sums s = {0, 0};
  while ((size_t)(end - at) >= row) {
    const size_t left = (size_t)(end - at) / row, rows = left < ROWS ? left : ROWS;
    add_rows(&s, at, rows);
    at += rows * row;
  }
  for (; at < end; at += 2) {
    uint16_t word;
    memcpy(&word, at, sizeof word);
    add_word(&s, word);
  }
  if (bytes % 2) add_word(&s, (uint8_t)*at); /* the high byte of a big-endian word is the low one of ours */
  return (uint32_t)__builtin_bswap16((uint16_t)s.second) << 16 | __builtin_bswap16((uint16_t)s.first);
}

/* All first bytes, then all second ones, ... */
static void shuffle(const char *from, size_t bytes, size_t element, char *to) {
  const size_t n = bytes / element;
  for (size_t b = 0; b < element; b++) {
    for (size_t i = 0; i < n; i++) to[b * n + i] = from[i * element + b];
  }
}

/* Into the chunk again; what does not get smaller stays as it is. */
static size_t deflate_chunk(const ouro_filter *filter, char *chunk, size_t bytes, char *scratch, uint32_t *mask) {
  uLongf packed = (uLongf)bytes - 1;
  shuffle(chunk, bytes, filter->element, scratch);
  const int done = compress2((Bytef *)chunk, &packed, (const Bytef *)scratch, (uLong)bytes, filter->deflate);
  if (done == Z_OK) return (size_t)packed;
  if (done == Z_MEM_ERROR) return 0;
  *mask = OURO_FILTER_NO_DEFLATE;
  memcpy(chunk, scratch, bytes);
  return bytes;
}

size_t ouro_filter_apply(const ouro_filter *filter, char *chunk, size_t bytes, char *scratch, uint32_t *mask) {
  *mask = 0;
  if (filter->deflate > 0) bytes = deflate_chunk(filter, chunk, bytes, scratch, mask);
  if (bytes == 0) return 0;
  const uint32_t sum = ouro_filter_fletcher32(chunk, bytes);
  for (int k = 0; k < 4; k++) chunk[bytes + (size_t)k] = (char)(sum >> (8 * k) & 0xff);
  return bytes + OURO_FILTER_GROWTH;
}
