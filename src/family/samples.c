/* Rows in row blocks: see samples.h.
 * Invariant: number and order of additions depend on the rows alone; no vector width changes a bit. */

#include "family/samples.h"

#include <math.h>

#define PARTIAL_SUMS 8

void ouro_samples_fill(ouro_samples_source source, const ouro_slice *slice, int width, double *rows) {
  const ouro_count whole = slice->n / OURO_ROW_BLOCK * OURO_ROW_BLOCK, rest = slice->n - whole;
  const size_t numbers = (size_t)whole * (size_t)width;
  uint64_t at = (uint64_t)slice->first * (uint64_t)width;
  source(&slice->stream, at, numbers, rows);
  rows += numbers;
  at += numbers;
  for (int c = 0; c < width; c++, at += OURO_ROW_BLOCK, rows += rest) source(&slice->stream, at, (size_t)rest, rows);
}

/* Number r goes to partial sum r mod 8; these are added up in one order. */
static double sum_of(int b, const double *x) {
  double part[PARTIAL_SUMS] = {0};
  int r = 0;
  for (; r + PARTIAL_SUMS <= b; r += PARTIAL_SUMS) {
    for (int k = 0; k < PARTIAL_SUMS; k++) part[k] += x[r + k];
  }
  for (int k = 0; r + k < b; k++) part[k] += x[r + k];
  return ((part[0] + part[4]) + (part[1] + part[5])) + ((part[2] + part[6]) + (part[3] + part[7]));
}

void ouro_samples_add(int width, const double *rows, ouro_count n, double *sums) {
  for (; n > 0; n -= OURO_ROW_BLOCK) {
    const int b = ouro_samples_block(n);
    for (int c = 0; c < width; c++, rows += b) sums[c] += sum_of(b, rows);
  }
}

void ouro_samples_truth(uint64_t seed, int n, double *truth) {
  const ouro_stream stream = ouro_random_stream(seed, 0, 0, OURO_PURPOSE_TRUTH, 0, 0);
  ouro_random_normals(&stream, 0, (size_t)n, truth);
  for (int k = 0; k < n; k++) truth[k] /= sqrt(n);
}
