#ifndef OURO_BASE_NORMAL_H
#define OURO_BASE_NORMAL_H

/* Bulk fills of words, uniforms, exponentials and normals, one set for each instruction set. normal_body.h holds the
 * code.
 *
 * A group is 8 blocks of Threefry4x64, 32 words; word 8 k + l of group g is word k of the block with counter
 * 8 g + l. Normal numbers 0..7 and 8..15 of a group are the cosine and sine branch of Box and Muller from words
 * 0..7 (radius) and 8..15 (angle), numbers 16..31 those from words 16..31.
 *
 * A trial of a rejection is one block: a normal number (the cosine branch) from words 0 and 1, uniform ones from words
 * 2 and 3. */

#include "ouro/base/random.h"

#define OURO_NORMAL_LANES 8 /* blocks of Threefry in a group */

typedef struct ouro_normal_fills {
  const char *name;
  /* Numbers 0..n-1 from the given group on. */
  void (*words)(const ouro_stream *stream, uint64_t group, size_t n, uint64_t *out);
  void (*uniforms)(const ouro_stream *stream, uint64_t group, size_t n, double *out);
  void (*exponentials)(const ouro_stream *stream, uint64_t group, size_t n, double *out);
  void (*normals)(const ouro_stream *stream, uint64_t group, size_t n, double *out);
  /* Trials 0..n-1 from the given block on; up to 15 numbers beyond n are written. */
  void (*trials)(const ouro_stream *stream, uint64_t block, size_t n, double *z, double *u, double *v);
  /* The trial of the first block of each of n streams; up to 7 numbers beyond n are written. */
  void (*trials_of_each)(size_t n, const ouro_stream *streams, double *z, double *u, double *v);
  /* The transcendental functions by themselves, n a multiple of the vector width (8 serves all, 1 the scalar ones). */
  void (*minus_two_log)(size_t n, const double *u, double *out);                 /* u > 0, neither subnormal nor inf */
  void (*quarter_turn)(size_t n, const double *v, double *cosine, double *sine); /* |v| <= 1/2, of pi v / 2 */
} ouro_normal_fills;

extern const ouro_normal_fills ouro_normal_scalar, ouro_normal_avx2, ouro_normal_avx512;

#endif
