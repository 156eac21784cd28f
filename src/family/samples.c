/* Rows in row blocks: see samples.h.
 * Invariant: number and order of additions depend on the rows alone; no vector width changes a bit. */

#include "family/samples.h"

#include <math.h>
#include <string.h>

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

size_t ouro_samples_kept_size(int width, ouro_count n) {
  const size_t blocks = ((size_t)n + OURO_ROW_BLOCK - 1) / OURO_ROW_BLOCK;
  size_t size;
  if (__builtin_mul_overflow(blocks, (size_t)OURO_ROW_BLOCK * (size_t)width, &size)) return SIZE_MAX;
  return size < SIZE_MAX ? size + 1 : SIZE_MAX;
}

/* Append b rows, at most a block, whose columns are `stride` apart. They may end in the block after the last one. */
static void keep_block(int width, int b, int stride, const double *rows, double *kept) {
  const ouro_count at = (ouro_count)kept[0], within = at % OURO_ROW_BLOCK;
  const size_t fits = (size_t)(b < OURO_ROW_BLOCK - within ? b : OURO_ROW_BLOCK - within), rest = (size_t)b - fits;
  double *block = kept + 1 + (at - within) * width, *next = block + (ptrdiff_t)OURO_ROW_BLOCK * width;
  for (int c = 0; c < width; c++, rows += stride) {
    memcpy(block + (ptrdiff_t)c * OURO_ROW_BLOCK + within, rows, fits * sizeof *rows);
    if (rest > 0) memcpy(next + (ptrdiff_t)c * OURO_ROW_BLOCK, rows + fits, rest * sizeof *rows);
  }
  kept[0] += b;
}

void ouro_samples_keep(int width, const double *rows, ouro_count n, double *kept) {
  for (; n > 0; n -= OURO_ROW_BLOCK) {
    const int b = ouro_samples_block(n);
    keep_block(width, b, b, rows, kept);
    rows += (ptrdiff_t)b * width;
  }
}

void ouro_samples_keep_kept(int width, const double *other, double *kept) {
  const double *rows = other + 1;
  for (ouro_count left = (ouro_count)other[0]; left > 0; left -= OURO_ROW_BLOCK) {
    keep_block(width, ouro_samples_block(left), OURO_ROW_BLOCK, rows, kept);
    rows += (ptrdiff_t)OURO_ROW_BLOCK * width;
  }
}

/* Column by column, each row moves towards the front, over one that has moved already. */
static void drop_column(int width, ouro_count n, ouro_count left, double *column) {
  const ptrdiff_t stride = (ptrdiff_t)OURO_ROW_BLOCK * width;
  const size_t within = (size_t)(n % OURO_ROW_BLOCK), fits = OURO_ROW_BLOCK - within;
  const double *from = column + n / OURO_ROW_BLOCK * stride;
  for (; left > 0; left -= OURO_ROW_BLOCK, column += stride, from += stride) {
    const size_t b = (size_t)ouro_samples_block(left);
    memmove(column, from + within, (b < fits ? b : fits) * sizeof *column);
    if (b > fits) memcpy(column + fits, from + stride, (b - fits) * sizeof *column);
    memset(column + b, 0, (OURO_ROW_BLOCK - b) * sizeof *column);
  }
}

void ouro_samples_drop(int width, ouro_count n, double *kept) {
  const ouro_count all = (ouro_count)kept[0], left = all - n;
  const size_t before = ouro_samples_kept_size(width, all), after = ouro_samples_kept_size(width, left);
  if (n == 0) return;
  for (int c = 0; c < width; c++) drop_column(width, n, left, kept + 1 + (ptrdiff_t)c * OURO_ROW_BLOCK);
  memset(kept + after, 0, (before - after) * sizeof *kept);
  kept[0] = (double)left;
}

int ouro_samples_gather(int width, const double *kept, const uint64_t *chosen, ouro_count *at, double *rows) {
  const ouro_count n = (ouro_count)kept[0];
  ouro_count found[OURO_ROW_BLOCK];
  int b = 0;
  while (*at < n && b < OURO_ROW_BLOCK) {
    const uint64_t left = chosen[*at / 64] >> (*at % 64);
    if (left == 0) {
      *at = (*at / 64 + 1) * 64;
      continue;
    }
    found[b] = *at + __builtin_ctzll(left);
    *at = found[b++] + 1;
  }
  for (int r = 0; r < b; r++) {
    const double *row = kept + 1 + found[r] / OURO_ROW_BLOCK * OURO_ROW_BLOCK * width + found[r] % OURO_ROW_BLOCK;
    for (int c = 0; c < width; c++) rows[(ptrdiff_t)c * b + r] = row[(ptrdiff_t)c * OURO_ROW_BLOCK];
  }
  return b;
}

void ouro_samples_truth(uint64_t seed, int n, double *truth) {
  const ouro_stream stream = ouro_random_stream(seed, 0, 0, OURO_PURPOSE_TRUTH, 0, 0);
  ouro_random_normals(&stream, 0, (size_t)n, truth);
  for (int k = 0; k < n; k++) truth[k] /= sqrt(n);
}
