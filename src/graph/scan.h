#ifndef OURO_GRAPH_SCAN_H
#define OURO_GRAPH_SCAN_H

/* Decimal digits eight at a time. Reads up to OURO_TEXT_PADDING bytes beyond the last digit. */

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

/* Digits that surely fit into an int64_t. */
#define OURO_SCAN_DIGITS 18

/* The leading digits (at most 8) of eight bytes in memory order: their number and value. A byte b is a digit iff
 * (b ^ '0') < 10; the first byte that is none is found exactly, carries only reach the bytes behind it. */
static inline int ouro_scan_eight(const char *at, uint64_t *value) {
  uint64_t bytes;
  memcpy(&bytes, at, 8);
  bytes ^= UINT64_C(0x3030303030303030);
  const uint64_t other = ((bytes + UINT64_C(0x7676767676767676)) | bytes) & UINT64_C(0x8080808080808080);
  const int n = other ? __builtin_ctzll(other) >> 3 : 8;
  if (n == 0) return 0;
  bytes <<= 8 * (8 - n); /* the first digit is the most significant: pad with zeros in front */
  bytes = (bytes * 10 + (bytes >> 8)) & UINT64_C(0x00ff00ff00ff00ff);
  bytes = (bytes * 100 + (bytes >> 16)) & UINT64_C(0x0000ffff0000ffff);
  *value = (bytes * 10000 + (bytes >> 32)) & UINT64_C(0xffffffff);
  return n;
}

/** Scan 1 to OURO_SCAN_DIGITS digits.
 *  Not collective.
 *  Returns the byte behind them, or NULL if there is no digit or there are more. */
static inline const char *ouro_scan_digits(const char *at, int64_t *value) {
  static const uint64_t power[9] = {1, 10, 100, 1000, 10000, 100000, 1000000, 10000000, 100000000};
  uint64_t sum = 0, part = 0;
  int n = ouro_scan_eight(at, &sum), total = n;
  if (n == 0) return NULL;
  while (n == 8) {
    n = ouro_scan_eight(at + total, &part);
    total += n;
    if (total > OURO_SCAN_DIGITS) return NULL;
    if (n) sum = sum * power[n] + part;
  }
  *value = (int64_t)sum;
  return at + total;
}

#endif
