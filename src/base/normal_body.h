/* Body of the bulk fills, compiled once for each instruction set over the operations of a simd_*.h header.
 * Every operation is IEEE and every fused multiply-add explicit: all instruction sets give the same bits. */

#include "base/normal.h"

#include <string.h>

#define INLINE static inline __attribute__((always_inline))
#define GROUP OURO_RANDOM_BLOCK
#define ONE_BITS 0x3FF0000000000000ull
#define MANTISSA 0x000FFFFFFFFFFFFFull

/* Vectors of blocks that are mixed in lock step, to hide the latency of one chain behind the other. */
#define BUNDLE (SIMD_LANES == 1 ? 1 : 2)
#define UNROLL _Pragma("GCC unroll 8")

/* Key schedule and constant counter words of one stream, spread over the lanes. */
typedef struct schedule {
  simd_i key[5];
  simd_i start[4]; /* key + counter; the block number is still to be added to word 0 */
} schedule;

/* Word i of key or counter (from 4 on) of n streams, a lane each; the last stands for those that are missing. */
INLINE simd_i word_of_each(size_t n, const ouro_stream *streams, int i) {
  uint64_t lanes[SIMD_LANES];
  simd_i made;
  for (size_t l = 0; l < SIMD_LANES; l++) {
    const ouro_stream *stream = &streams[l < n ? l : n - 1];
    lanes[l] = i < 4 ? stream->key[i] : stream->counter[i - 4];
  }
  memcpy(&made, lanes, sizeof made);
  return made;
}

/* Of n streams, a lane each. */
INLINE schedule make_schedule_of_each(size_t n, const ouro_stream *streams) {
  schedule s;
  s.key[4] = simd_set_i(0x1BD11BDAA9FC1A22ull);
  UNROLL for (int i = 0; i < 4; i++) {
    s.key[i] = word_of_each(n, streams, i);
    s.start[i] = simd_add_i(s.key[i], word_of_each(n, streams, 4 + i));
    s.key[4] = simd_xor(s.key[4], s.key[i]);
  }
  return s;
}

INLINE schedule make_schedule(const ouro_stream *stream) {
  schedule s;
  uint64_t parity = 0x1BD11BDAA9FC1A22ull;
  for (int i = 0; i < 4; i++) {
    s.key[i] = simd_set_i(stream->key[i]);
    s.start[i] = simd_set_i(stream->key[i] + stream->counter[i]);
    parity ^= stream->key[i];
  }
  s.key[4] = simd_set_i(parity);
  return s;
}

/* One mixing round: words a, b of Threefish-256, for every vector of a bundle. */
#define MIX(x, a, b, rotation)                                                                                         \
  do {                                                                                                                 \
    UNROLL for (int v = 0; v < wide; v++) {                                                                            \
      (x)[a][v] = simd_add_i((x)[a][v], (x)[b][v]);                                                                    \
      (x)[b][v] = simd_xor(simd_rotate((x)[b][v], rotation), (x)[a][v]);                                               \
    }                                                                                                                  \
  } while (0)

/* Four rounds and the key injection that follows them. */
#define FOUR_ROUNDS(x, s, injection, r00, r01, r10, r11, r20, r21, r30, r31)                                           \
  do {                                                                                                                 \
    MIX(x, 0, 1, r00);                                                                                                 \
    MIX(x, 2, 3, r01);                                                                                                 \
    MIX(x, 0, 3, r10);                                                                                                 \
    MIX(x, 2, 1, r11);                                                                                                 \
    MIX(x, 0, 1, r20);                                                                                                 \
    MIX(x, 2, 3, r21);                                                                                                 \
    MIX(x, 0, 3, r30);                                                                                                 \
    MIX(x, 2, 1, r31);                                                                                                 \
    inject(x, s, wide, injection);                                                                                     \
  } while (0)
#define EVEN_ROUNDS(x, s, injection) FOUR_ROUNDS(x, s, injection, 14, 16, 52, 57, 23, 40, 5, 37)
#define ODD_ROUNDS(x, s, injection) FOUR_ROUNDS(x, s, injection, 25, 33, 46, 12, 58, 22, 32, 32)

INLINE void inject(simd_i x[4][BUNDLE], const schedule *s, int wide, int injection) {
  UNROLL for (int word = 0; word < 4; word++) {
    simd_i key = s->key[(injection + word) % 5];
    if (word == 3) key = simd_add_i(key, simd_set_i(injection));
    UNROLL for (int v = 0; v < wide; v++) x[word][v] = simd_add_i(x[word][v], key);
  }
}

/* 20 rounds, the default of Random123, keep a margin over the 12 that pass BigCrush (Salmon et al. 2011), for keys and
 * counters as regular as ours. */
INLINE void all_rounds(const schedule *s, int wide, simd_i x[4][BUNDLE]) {
  EVEN_ROUNDS(x, s, 1);
  ODD_ROUNDS(x, s, 2);
  EVEN_ROUNDS(x, s, 3);
  ODD_ROUNDS(x, s, 4);
  EVEN_ROUNDS(x, s, 5);
}

/* Threefry4x64 on wide * SIMD_LANES consecutive blocks, wide <= BUNDLE. */
INLINE void threefry(const schedule *s, uint64_t block, int wide, simd_i x[4][BUNDLE]) {
  UNROLL for (int v = 0; v < wide; v++) {
    x[0][v] = simd_add_i(s->start[0], simd_count(block + (uint64_t)v * SIMD_LANES));
    UNROLL for (int i = 1; i < 4; i++) x[i][v] = s->start[i];
  }
  all_rounds(s, wide, x);
}

/* The 52 upper bits k of a word as (k + 1/2) 2^-52: exact, never 0 or 1. */
INLINE simd_d uniform(simd_i word) {
  const simd_d one_to_two = simd_as_d(simd_or(simd_shift_right(word, 12), simd_set_i(ONE_BITS)));
  return simd_sub(one_to_two, simd_set(0x1.fffffffffffffp-1));
}

/* -2 ln u = -2 e ln 2 - 2 ln m, u = 2^e m, sqrt(1/2) <= m < sqrt(2), ln m = 2 artanh t, t = (m-1)/(m+1);
 * (-4 artanh(t)/t + 4)/t^2 is a minimax polynomial in t^2 of relative error 2.3e-18. */
INLINE simd_d minus_two_log(simd_d u) {
  const simd_i half_root = simd_set_i(0x3FE6A09E667F3BCDull); /* bits of sqrt(1/2) */
  const simd_i moved = simd_add_i(simd_as_i(u), simd_set_i(ONE_BITS - 0x3FE6A09E667F3BCDull));
  const simd_i m = simd_add_i(simd_and(moved, simd_set_i(MANTISSA)), half_root);
  /* e + 1023 in the low bits of 2^52 is a double: no conversion is needed */
  const simd_i biased = simd_or(simd_shift_right(moved, 52), simd_set_i(0x4330000000000000ull));
  const simd_d e = simd_sub(simd_as_d(biased), simd_set(0x1p52 + 1023.0));
  const simd_d f = simd_sub(simd_as_d(m), simd_set(1.0));
  const simd_d t = simd_div(f, simd_add(f, simd_set(2.0)));
  const simd_d z = simd_mul(t, t);
  simd_d p = simd_set(-0x1.2f51c76fbe1c8p-2);
  p = simd_fma(p, z, simd_set(-0x1.399d154f2484bp-2));
  p = simd_fma(p, z, simd_set(-0x1.7466489780f55p-2));
  p = simd_fma(p, z, simd_set(-0x1.c71c52bb3f3f2p-2));
  p = simd_fma(p, z, simd_set(-0x1.2492493fb0e02p-1));
  p = simd_fma(p, z, simd_set(-0x1.99999999847b5p-1));
  p = simd_fma(p, z, simd_set(-0x1.555555555557cp+0));
  p = simd_fma(p, z, simd_set(-4.0));
  return simd_fma(e, simd_set(-0x1.62e42fefa39efp+0), simd_mul(p, t));
}

/* Cosine and sine of pi v / 2, |v| <= 1/2: minimax polynomials in v^2 of relative error 1.2e-16 and 3.4e-18. */
INLINE void quarter_turn(simd_d v, simd_d *cosine, simd_d *sine) {
  const simd_d z = simd_mul(v, v);
  simd_d c = simd_set(0x1.f3dbe088c2299p-22), s = simd_set(0x1.e3eed64f39e4ap-25);
  s = simd_fma(s, z, simd_set(-0x1.e30063a1fae0ap-19));
  c = simd_fma(c, z, simd_set(-0x1.a6c9dd1a9372bp-16));
  s = simd_fma(s, z, simd_set(0x1.50782fca3b22ap-13));
  c = simd_fma(c, z, simd_set(0x1.e1f4fbe862958p-11));
  s = simd_fma(s, z, simd_set(-0x1.32d2cce2d538ep-8));
  c = simd_fma(c, z, simd_set(-0x1.55d3c7dceb28dp-6));
  s = simd_fma(s, z, simd_set(0x1.466bc67758700p-4));
  c = simd_fma(c, z, simd_set(0x1.03c1f081b1cbep-2));
  s = simd_fma(s, z, simd_set(-0x1.4abbce625be41p-1));
  c = simd_fma(c, z, simd_set(-0x1.3bd3cc9be45b6p+0));
  s = simd_fma(s, z, simd_set(0x1.921fb54442d18p+0));
  *cosine = simd_fma(c, z, simd_set(1.0));
  *sine = simd_mul(s, v);
}

/* Two normals from two words (Box and Muller 1958): radius from the first; of the second, 51 bits and a final 1
 * place the angle symmetrically within (-pi/4, pi/4), bit 63 mirrors it and bit 62 swaps the axes. */
INLINE void box_muller(simd_i first, simd_i second, simd_d *a, simd_d *b) {
  const simd_d radius = simd_sqrt(minus_two_log(uniform(first)));
  const simd_i within = simd_or(simd_and(second, simd_set_i(MANTISSA)), simd_set_i(ONE_BITS | 1));
  simd_d cosine, sine;
  quarter_turn(simd_sub(simd_as_d(within), simd_set(1.5)), &cosine, &sine);
  const simd_i mirror = simd_and(second, simd_set_i(1ull << 63));
  const simd_d x = simd_mul(radius, simd_as_d(simd_xor(simd_as_i(cosine), mirror)));
  const simd_d y = simd_mul(radius, sine);
  *a = simd_choose(second, x, y);
  *b = simd_choose(second, y, x);
}

/* Where word k of block number `at` of a run of groups goes. */
INLINE size_t place_of(int k, int at) {
  return (size_t)(at / OURO_NORMAL_LANES * GROUP + k * OURO_NORMAL_LANES + at % OURO_NORMAL_LANES);
}

/* Make the blocks of one or two groups, a bundle after the other, and store the numbers of each. */
#define MAKE(groups, store_numbers)                                                                                    \
  do {                                                                                                                 \
    const int wide = (groups)*OURO_NORMAL_LANES / SIMD_LANES < BUNDLE ? 1 : BUNDLE;                                    \
    for (int at = 0; at < (groups)*OURO_NORMAL_LANES; at += wide * SIMD_LANES) {                                       \
      simd_i x[4][BUNDLE];                                                                                             \
      threefry(s, group *OURO_NORMAL_LANES + (uint64_t)at, wide, x);                                                   \
      UNROLL for (int v = 0; v < wide; v++) {                                                                          \
        const int block = at + v * SIMD_LANES;                                                                         \
        store_numbers;                                                                                                 \
      }                                                                                                                \
    }                                                                                                                  \
  } while (0)

INLINE void make_words(const schedule *s, uint64_t group, int halves, uint64_t *out) {
  MAKE((halves + 1) / 2, UNROLL for (int k = 0; k < 4; k++) simd_store_i(out + place_of(k, block), x[k][v]));
}

INLINE void make_uniforms(const schedule *s, uint64_t group, int halves, double *out) {
  MAKE((halves + 1) / 2, UNROLL for (int k = 0; k < 4; k++) simd_store(out + place_of(k, block), uniform(x[k][v])));
}

INLINE simd_d exponential(simd_i word) {
  return simd_mul(simd_set(0.5), minus_two_log(uniform(word)));
}

INLINE void make_exponentials(const schedule *s, uint64_t group, int halves, double *out) {
  MAKE((halves + 1) / 2, UNROLL for (int k = 0; k < 4; k++) simd_store(out + place_of(k, block), exponential(x[k][v])));
}

/* Normals of the block in lane v, if their half of a group is wanted. */
INLINE void store_pairs(simd_i x[4][BUNDLE], int v, int block, int halves, double *out) {
  UNROLL for (int k = 0; k < 4; k += 2) {
    if (block / OURO_NORMAL_LANES * 2 + k / 2 >= halves) continue;
    simd_d a, b;
    box_muller(x[k][v], x[k + 1][v], &a, &b);
    simd_store(out + place_of(k, block), a);
    simd_store(out + place_of(k + 1, block), b);
  }
}

INLINE void make_normals(const schedule *s, uint64_t group, int halves, double *out) {
  MAKE((halves + 1) / 2, store_pairs(x, v, block, halves, out));
}

/* Two groups at a time; the rest by way of a buffer, in as many halves of a group as it takes (made for each number
 * of halves apart, so that the loops have constant ends). */
#define FILL(make, type)                                                                                               \
  const schedule s = make_schedule(stream);                                                                            \
  for (; n >= 2 * GROUP; n -= 2 * GROUP, out += 2 * GROUP, group += 2) make(&s, group, 4, out);                        \
  if (n == 0) return;                                                                                                  \
  type rest[2 * GROUP];                                                                                                \
  if (n > 3 * GROUP / 2)                                                                                               \
    make(&s, group, 4, rest);                                                                                          \
  else if (n > GROUP)                                                                                                  \
    make(&s, group, 3, rest);                                                                                          \
  else if (n > GROUP / 2)                                                                                              \
    make(&s, group, 2, rest);                                                                                          \
  else                                                                                                                 \
    make(&s, group, 1, rest);                                                                                          \
  memcpy(out, rest, n * sizeof *out)

static void words(const ouro_stream *stream, uint64_t group, size_t n, uint64_t *out) {
  FILL(make_words, uint64_t);
}

static void uniforms(const ouro_stream *stream, uint64_t group, size_t n, double *out) {
  FILL(make_uniforms, double);
}

static void exponentials(const ouro_stream *stream, uint64_t group, size_t n, double *out) {
  FILL(make_exponentials, double);
}

static void normals(const ouro_stream *stream, uint64_t group, size_t n, double *out) {
  FILL(make_normals, double);
}

/* Trials of the blocks in lane w. */
INLINE void store_trials(simd_i x[4][BUNDLE], int w, double *z, double *u, double *v) {
  simd_d normal, other;
  box_muller(x[0][w], x[1][w], &normal, &other);
  simd_store(z, normal);
  simd_store(u, uniform(x[2][w]));
  simd_store(v, uniform(x[3][w]));
}

static void trials(const ouro_stream *stream, uint64_t first, size_t n, double *z, double *u, double *v) {
  const schedule s = make_schedule(stream);
  for (size_t at = 0; at < n; at += BUNDLE * SIMD_LANES) {
    simd_i x[4][BUNDLE];
    if (n - at <= SIMD_LANES) {
      threefry(&s, first + at, 1, x);
      store_trials(x, 0, z + at, u + at, v + at);
      return;
    }
    threefry(&s, first + at, BUNDLE, x);
    for (int w = 0; w < BUNDLE; w++) {
      const size_t to = at + (size_t)w * SIMD_LANES;
      store_trials(x, w, z + to, u + to, v + to);
    }
  }
}

static void trials_of_each(size_t n, const ouro_stream *streams, double *z, double *u, double *v) {
  for (size_t at = 0; at < n; at += SIMD_LANES) {
    const schedule s = make_schedule_of_each(n - at, streams + at);
    simd_i x[4][BUNDLE];
    UNROLL for (int i = 0; i < 4; i++) x[i][0] = s.start[i];
    all_rounds(&s, 1, x);
    store_trials(x, 0, z + at, u + at, v + at);
  }
}

static void all_minus_two_log(size_t n, const double *u, double *out) {
  for (size_t i = 0; i < n; i += SIMD_LANES) simd_store(out + i, minus_two_log(simd_load(u + i)));
}

static void all_quarter_turn(size_t n, const double *v, double *cosine, double *sine) {
  for (size_t i = 0; i < n; i += SIMD_LANES) {
    simd_d c, s;
    quarter_turn(simd_load(v + i), &c, &s);
    simd_store(cosine + i, c);
    simd_store(sine + i, s);
  }
}

const ouro_normal_fills SIMD_NAME(ouro_normal) = {SIMD_ISA, words,          uniforms,          exponentials,    normals,
                                                  trials,   trials_of_each, all_minus_two_log, all_quarter_turn};
