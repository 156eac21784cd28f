#ifndef OURO_FAMILY_SAMPLES_H
#define OURO_FAMILY_SAMPLES_H

/* Rows in row blocks: what the families share. In the stream of a feed, number OURO_ROW_BLOCK c + r from
 * width * (first row of the block) on belongs to column c of row r of a block, also where the block is short. */

#include "ouro/family/family.h"

typedef void (*ouro_samples_source)(const ouro_stream *stream, uint64_t first, size_t n, double *out);

/** Fill the rows of a slice with numbers of its stream, one an element.
 *  Not collective.
 *  [in]  source ouro_random_normals and the like
 *  [out] rows   [slice->n * width], in row blocks */
void ouro_samples_fill(ouro_samples_source source, const ouro_slice *slice, int width, double *rows);

/** Add each column to its sum.
 *  Not collective.
 *  [in]    rows n rows in row blocks
 *  [inout] sums [width] */
void ouro_samples_add(int width, const double *rows, ouro_count n, double *sums);

/** Numbers that a kept sample of n rows takes: how many they are, then rows in blocks of OURO_ROW_BLOCK, the last
 *  filled up with zeros (the statistic of a family that is not additive). SIZE_MAX if they cannot be counted.
 *  Not collective. */
size_t ouro_samples_kept_size(int width, ouro_count n);

/** Append n rows in row blocks, or those of another kept sample, to a kept sample, at first all zeros.
 *  Not collective. */
void ouro_samples_keep(int width, const double *rows, ouro_count n, double *kept);
void ouro_samples_keep_kept(int width, const double *other, double *kept);

/** Drop the first n rows of a kept sample.
 *  Not collective. */
void ouro_samples_drop(int width, ouro_count n, double *kept);

/** The next rows of a kept sample that are chosen, at most a block.
 *  Not collective.
 *  [in]    chosen bit r % 64 of word r / 64 is 1 where row r is
 *  [inout] at     the row to go on from, at first 0
 *  [out]   rows   [OURO_ROW_BLOCK * width] a row block
 *  Returns how many they are; 0 at the end. */
int ouro_samples_gather(int width, const double *kept, const uint64_t *chosen, ouro_count *at, double *rows);

/** Rows of the block that `left` rows begin with.
 *  Not collective. */
static inline int ouro_samples_block(ouro_count left) {
  return left < OURO_ROW_BLOCK ? (int)left : OURO_ROW_BLOCK;
}

/** A parameter vector drawn from N(0, I/n) by the seed of the experiment: the truth of linear, normal-mean, gaussian.
 *  Not collective.
 *  [out] truth [n] */
void ouro_samples_truth(uint64_t seed, int n, double *truth);

#endif
