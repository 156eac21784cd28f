/* Streams, words, uniforms, exponentials and normals. ranks: 1
 * Statistical tests use fixed seeds; each says the chance that a correct generator would have failed it. */

#include "../support/harness.h"

#include <Random123/threefry.h>
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/isa.h"
#include "base/normal.h"
#include "ouro/base/memory.h"
#include "ouro/base/random.h"

#define MANY ((size_t)1 << 20)

static ouro_stream test_stream(int64_t target) {
  return ouro_random_stream(2026, 1, 2, OURO_PURPOSE_TEST, 3, target);
}

static const ouro_normal_fills *fills_of(ouro_isa isa) {
#if defined(__x86_64__)
  if (isa == OURO_ISA_AVX512) return &ouro_normal_avx512;
  if (isa == OURO_ISA_AVX2) return &ouro_normal_avx2;
#endif
  return isa == OURO_ISA_SCALAR ? &ouro_normal_scalar : NULL;
}

/* Vectors for threefry4x64 with 20 rounds of the kat_vectors file that comes with Random123. */
static void known_answers_of_random123(void **state) {
  (void)state;
  static const uint64_t zero = 0, ones = UINT64_MAX;
  const ouro_stream streams[3] = {{{zero, zero, zero, zero}, {zero, zero, zero, zero}},
                                  {{ones, ones, ones, ones}, {ones, ones, ones, ones}},
                                  {{0x452821e638d01377, 0xbe5466cf34e90c6c, 0xbe5466cf34e90c6c, 0xc0ac29b7c97c50dd},
                                   {0x243f6a8885a308d3, 0x13198a2e03707344, 0xa4093822299f31d0, 0x082efa98ec4e6c89}}};
  const uint64_t answers[3][4] = {{0x09218ebde6c85537, 0x55941f5266d86105, 0x4bd25e16282434dc, 0xee29ec846bd2e40b},
                                  {0x29c24097942bba1b, 0x0371bbfb0f6f4e11, 0x3c231ffa33f83a1c, 0xcd29113fde32d168},
                                  {0xa7e8fde591651bd9, 0xbaafd0c30138319b, 0x84a5c1a729e685b9, 0x901d406ccebc1ba4}};
  for (int isa = 0; isa < OURO_ISA_COUNT; isa++) {
    if (!ouro_isa_force((ouro_isa)isa)) continue;
    for (int i = 0; i < 3; i++) {
      uint64_t words[OURO_RANDOM_BLOCK];
      ouro_random_words(&streams[i], 0, OURO_RANDOM_BLOCK, words);
      for (int k = 0; k < 4; k++) assert_int_equal(words[k * OURO_NORMAL_LANES], answers[i][k]);
    }
  }
}

/* Word 8 k + l of group g is word k of the block with counter 8 g + l of the library's own Threefry. */
static void words_are_those_of_the_library(void **state) {
  (void)state;
  uint64_t words[5 * OURO_RANDOM_BLOCK];
  for (int isa = 0; isa < OURO_ISA_COUNT; isa++) {
    if (!ouro_isa_force((ouro_isa)isa)) continue;
    const ouro_stream stream = ouro_random_stream(11, 22, 33, OURO_PURPOSE_FEED, -1, (int64_t)1 << 40);
    ouro_random_words(&stream, 7 * OURO_RANDOM_BLOCK, 5 * OURO_RANDOM_BLOCK, words);
    const threefry4x64_key_t key = {{11, 22, 33, OURO_PURPOSE_FEED}};
    for (uint64_t block = 0; block < 40; block++) {
      const threefry4x64_ctr_t counter = {{56 + block, UINT64_MAX, (uint64_t)1 << 40, 0}};
      const threefry4x64_ctr_t answer = threefry4x64(counter, key);
      for (uint64_t k = 0; k < 4; k++) assert_int_equal(words[block / 8 * 32 + 8 * k + block % 8], answer.v[k]);
    }
  }
}

static int compare_streams(const void *a, const void *b) {
  return memcmp(a, b, sizeof(ouro_stream));
}

static void different_identities_never_share_key_and_counter(void **state) {
  (void)state;
  static const uint64_t values[5] = {0, 1, 2, (uint64_t)INT64_MAX, UINT64_MAX};
  static ouro_stream streams[5 * 5 * 5 * 5 * 5 * (OURO_PURPOSE_COUNT - 1)];
  size_t n = 0;
  for (int i = 0; i < 5 * 5 * 5 * 5 * 5; i++) {
    for (int purpose = 1; purpose < OURO_PURPOSE_COUNT; purpose++) {
      streams[n++] = ouro_random_stream(values[i % 5], values[i / 5 % 5], values[i / 25 % 5], (ouro_purpose)purpose,
                                        (int64_t)values[i / 125 % 5], (int64_t)values[i / 625]);
    }
  }
  qsort(streams, n, sizeof *streams, compare_streams);
  for (size_t i = 0; i < n; i++) {
    assert_int_equal(streams[i].counter[0], 0); /* the word that counts blocks is free */
    if (i > 0) assert_int_not_equal(compare_streams(&streams[i - 1], &streams[i]), 0);
  }
}

static void purposes_give_different_words(void **state) {
  (void)state;
  uint64_t first[OURO_PURPOSE_COUNT];
  for (int i = 1; i < OURO_PURPOSE_COUNT; i++) {
    const ouro_stream stream = ouro_random_stream(1, 0, 0, (ouro_purpose)i, 0, 0);
    ouro_random_words(&stream, 0, 1, &first[i]);
    for (int j = 1; j < i; j++) assert_int_not_equal(first[i], first[j]);
  }
}

#define LONGEST 1024

/* Every kind of fill, from every start and of every length, is a piece of the longest one. */
static void a_shorter_fill_is_a_piece_of_a_longer_one(void **state) {
  (void)state;
  static uint64_t words[LONGEST], some_words[LONGEST];
  static double numbers[3][LONGEST], some[LONGEST];
  const ouro_stream stream = test_stream(0);
  for (int isa = 0; isa < OURO_ISA_COUNT; isa++) {
    if (!ouro_isa_force((ouro_isa)isa)) continue;
    ouro_random_words(&stream, 0, LONGEST, words);
    ouro_random_uniforms(&stream, 0, LONGEST, numbers[0]);
    ouro_random_normals(&stream, 0, LONGEST, numbers[1]);
    ouro_random_exponentials(&stream, 0, LONGEST, numbers[2]);
    for (size_t n = 0; n < 200; n++) {
      for (size_t first = 0; first + n < LONGEST; first += 3 * OURO_RANDOM_BLOCK) {
        for (size_t k = 0; k < LONGEST; k++) some[k] = -77;
        some_words[n] = 77;
        ouro_random_words(&stream, first, n, some_words);
        assert_memory_equal(some_words, words + first, n * sizeof *words);
        assert_int_equal(some_words[n], 77);
        ouro_random_uniforms(&stream, first, n, some);
        assert_memory_equal(some, numbers[0] + first, n * sizeof *some);
        ouro_random_normals(&stream, first, n, some);
        assert_memory_equal(some, numbers[1] + first, n * sizeof *some);
        ouro_random_exponentials(&stream, first, n, some);
        assert_memory_equal(some, numbers[2] + first, n * sizeof *some);
        assert_true(some[n] == -77); /* nothing is written beyond n */
      }
    }
  }
}

/* -ln u in long double, on every instruction set: within 2 units of the last place. */
static void exponentials_are_logarithms_of_the_uniforms(void **state) {
  (void)state;
  const size_t n = (size_t)1 << 14;
  double *u = malloc(n * sizeof *u), *e = malloc(n * sizeof *e);
  const ouro_stream stream = test_stream(77);
  for (int isa = 0; isa < OURO_ISA_COUNT; isa++) {
    if (!ouro_isa_force((ouro_isa)isa)) continue;
    ouro_random_uniforms(&stream, 0, n, u);
    ouro_random_exponentials(&stream, 0, n, e);
    for (size_t i = 0; i < n; i++) {
      const long double exact = -logl((long double)u[i]);
      assert_true(e[i] > 0 && fabsl(e[i] - exact) <= 0x1p-51L * exact);
    }
  }
  free(u);
  free(e);
}

/* Substream 0 is the stream; no two substreams of two streams share key and counter. */
static void substreams_are_streams_of_their_own(void **state) {
  (void)state;
  const uint64_t numbers[4] = {0, 1, 2, UINT64_MAX};
  ouro_stream streams[8];
  for (int i = 0; i < 8; i++) {
    const ouro_stream of = test_stream(i / 4);
    streams[i] = ouro_random_substream(&of, numbers[i % 4]);
    if (i % 4 == 0) assert_memory_equal(&streams[i], &of, sizeof of);
    assert_int_equal(streams[i].counter[0], 0);
    for (int j = 0; j < i; j++) assert_memory_not_equal(&streams[i], &streams[j], sizeof of);
  }
}

static void every_instruction_set_gives_the_same_bits(void **state) {
  (void)state;
  double *reference = malloc(MANY * sizeof *reference), *other = malloc(MANY * sizeof *other);
  const ouro_stream stream = test_stream(1);
  ouro_isa_force(OURO_ISA_SCALAR);
  assert_string_equal(ouro_random_isa(), "scalar");
  ouro_random_normals(&stream, 0, MANY, reference);
  for (int isa = 1; isa < OURO_ISA_COUNT; isa++) {
    if (!ouro_isa_force((ouro_isa)isa)) continue;
    assert_string_equal(ouro_random_isa(), isa == OURO_ISA_AVX2 ? "avx2" : "avx512");
    ouro_random_normals(&stream, 0, MANY, other);
    assert_memory_equal(other, reference, MANY * sizeof *other);
  }
  free(reference);
  free(other);
}

/* |got - exact| in units of the last place of exact. */
static double ulps(double got, long double exact) {
  const double rounded = fabs((double)exact);
  return (double)(fabsl((long double)got - exact) / (long double)(nextafter(rounded, INFINITY) - rounded));
}

/* Valgrind computes long double in double precision: the reference is then an ulp or two off itself. */
static double reference_error(void) {
  const volatile long double one = 1;
  return one + 0x1p-60L > one ? 0 : 3;
}

static double worst_log(const ouro_normal_fills *fills, const double u[8]) {
  double got[8], worst = 0;
  fills->minus_two_log(8, u, got);
  for (int i = 0; i < 8; i++) worst = fmax(worst, ulps(got[i], -2 * logl((long double)u[i])));
  return worst;
}

/* Every binade down to 2^-53, densely around sqrt(1/2) 2^e where the reduction switches, and the last numbers
 * below 1 and above 0, where the tails come from. */
static void logarithm_is_accurate(void **state) {
  (void)state;
  for (int isa = 0; isa < OURO_ISA_COUNT; isa++) {
    const ouro_normal_fills *fills = fills_of((ouro_isa)isa);
    if (!ouro_isa_force((ouro_isa)isa)) continue;
    double worst = 0, u[8];
    for (int e = 0; e < 53; e++) {
      for (int i = 0; i < 2048; i++) {
        for (int k = 0; k < 4; k++) u[k] = ldexp(1 - (i * 4 + k + 0.5) / 16384, -e);
        for (int k = 0; k < 4; k++) u[4 + k] = ldexp(M_SQRT1_2 * (1 + (i * 4 + k - 4096) * 0x1p-50), -e);
        worst = fmax(worst, worst_log(fills, u));
      }
    }
    for (int i = 0; i < 4096; i++) {
      for (int k = 0; k < 4; k++) u[k] = 1 - (i * 4 + k + 1) * 0x1p-53;
      for (int k = 0; k < 4; k++) u[4 + k] = (2 * (i * 4 + k) + 1) * 0x1p-53;
      worst = fmax(worst, worst_log(fills, u));
    }
    assert_true(worst < 2.5 + reference_error());
    assert_true(worst > 0.4); /* the measure itself works */
  }
}

static void sine_and_cosine_are_accurate(void **state) {
  (void)state;
  volatile long double least = LDBL_EPSILON;
  if (1.0L + least == 1.0L) skip(); /* valgrind computes long double as double: no reference to compare with */
  const long double quarter = acosl(0.0L);
  const int n = 1 << 18;
  for (int isa = 0; isa < OURO_ISA_COUNT; isa++) {
    const ouro_normal_fills *fills = fills_of((ouro_isa)isa);
    if (!ouro_isa_force((ouro_isa)isa)) continue;
    double worst_sine = 0, worst_cosine = 0;
    for (int i = 0; i < n; i += 8) {
      double v[8], c[8], s[8];
      for (int k = 0; k < 8; k++) v[k] = i % 16 ? (i + k + 0.5) / n - 0.5 : ldexp(k - 3.5, -(i / 16 % 52) - 3);
      fills->quarter_turn(8, v, c, s);
      for (int k = 0; k < 8; k++) {
        worst_sine = fmax(worst_sine, ulps(s[k], sinl(quarter * (long double)v[k])));
        worst_cosine = fmax(worst_cosine, ulps(c[k], cosl(quarter * (long double)v[k])));
      }
    }
    assert_true(worst_sine < 2 + reference_error() && worst_cosine < 2 + reference_error());
    assert_true(worst_sine > 0.4 && worst_cosine > 0.4);
  }
}

/* A normal as the definition of Box and Muller gives it from the words, with libm. */
static void normals_are_box_and_muller_of_the_words(void **state) {
  (void)state;
  static uint64_t words[LONGEST];
  static double normals[LONGEST], uniforms[LONGEST];
  const ouro_stream stream = test_stream(2);
  ouro_random_words(&stream, 0, LONGEST, words);
  ouro_random_uniforms(&stream, 0, LONGEST, uniforms);
  ouro_random_normals(&stream, 0, LONGEST, normals);
  for (int i = 0; i < LONGEST; i++) {
    if (i % 16 >= 8) continue;
    assert_true(uniforms[i] == ((double)(words[i] >> 12) + 0.5) * 0x1p-52);
    const long double radius = sqrtl(-2 * logl((long double)uniforms[i]));
    const uint64_t second = words[i + 8];
    const long double place = (long double)((second & 0xFFFFFFFFFFFFF) | 1) * 0x1p-52L - 0.5L;
    const long double x = (second >> 63 ? -1 : 1) * radius * cosl(acosl(0.0L) * place);
    const long double y = radius * sinl(acosl(0.0L) * place);
    const bool swap = second >> 62 & 1;
    assert_true(ulps(normals[i], swap ? y : x) < 4 + 2 * reference_error());
    assert_true(ulps(normals[i + 8], swap ? x : y) < 4 + 2 * reference_error());
  }
}

/* The smallest uniform gives the largest normal, sqrt(-2 ln 2^-53) = 8.57. */
static void tails_reach_beyond_eight_sigma(void **state) {
  (void)state;
  const double u[8] = {0x1p-53, 0x1p-53, 0x1p-53, 0x1p-53, 0x1p-53, 0x1p-53, 0x1p-53, 0x1p-53};
  double got[8];
  for (int isa = 0; isa < OURO_ISA_COUNT; isa++) {
    if (!ouro_isa_force((ouro_isa)isa)) continue;
    fills_of((ouro_isa)isa)->minus_two_log(8, u, got);
    assert_true(fabs(sqrt(got[0]) - 8.571674348652905) < 1e-14);
  }
}

/* Mean, variance and the third to sixth moment of 2^24 normals, each within 5 standard errors: 4e-6 in all. */
static void moments(void **state) {
  (void)state;
  double *z = malloc(MANY * sizeof *z), sum[7] = {0};
  for (int64_t stream_id = 0; stream_id < 16; stream_id++) {
    const ouro_stream stream = test_stream(100 + stream_id);
    ouro_random_normals(&stream, 0, MANY, z);
    for (size_t i = 0; i < MANY; i++) {
      double power = 1;
      for (int k = 1; k < 7; k++) sum[k] += power *= z[i];
    }
  }
  static const double mean[7] = {1, 0, 1, 0, 3, 0, 15}, variance[7] = {0, 1, 2, 15, 96, 945, 10170};
  for (int k = 1; k < 7; k++) {
    const double n = 16.0 * (double)MANY;
    assert_true(fabs(sum[k] / n - mean[k]) < 5 * sqrt(variance[k] / n));
  }
  free(z);
}

static int compare_doubles(const void *a, const void *b) {
  const double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

/* Kolmogorov and Smirnov on 2^20 normals: sqrt(n) D < 2.5, P = 2 exp(-12.5) = 7e-6. */
static void distribution(void **state) {
  (void)state;
  double *z = malloc(MANY * sizeof *z), largest = 0;
  const ouro_stream stream = test_stream(200);
  ouro_random_normals(&stream, 0, MANY, z);
  qsort(z, MANY, sizeof *z, compare_doubles);
  for (size_t i = 0; i < MANY; i++) {
    const double f = 0.5 * erfc(-z[i] * M_SQRT1_2);
    largest = fmax(largest, fmax(f - (double)i / (double)MANY, (double)(i + 1) / (double)MANY - f));
  }
  assert_true(largest * sqrt((double)MANY) < 2.5);
  free(z);
}

/* Numbers beyond 3, 4 and 5 sigma, either side, among 2^25: each count within 5 standard deviations. The last
 * has expectation 9.6, for which that is 2e-5 by the Poisson law; 3e-5 in all. */
static void tail_counts(void **state) {
  (void)state;
  double *z = malloc(MANY * sizeof *z);
  int64_t count[2][6] = {{0}};
  for (int64_t id = 0; id < 32; id++) {
    const ouro_stream stream = test_stream(300 + id);
    ouro_random_normals(&stream, 0, MANY, z);
    for (size_t i = 0; i < MANY; i++) {
      for (int k = 3; k < 6; k++) count[z[i] > 0][k] += fabs(z[i]) > k;
    }
  }
  for (int k = 3; k < 6; k++) {
    const double expected = 32 * (double)MANY * 0.5 * erfc(k * M_SQRT1_2);
    for (int side = 0; side < 2; side++) assert_true(fabs((double)count[side][k] - expected) < 5 * sqrt(expected));
  }
  free(z);
}

static int cell_of(double z) {
  const int cell = (int)(16 * 0.5 * erfc(-z * M_SQRT1_2));
  return cell < 16 ? cell : 15;
}

/* Pairs from numbers `apart` in one stream fall evenly into 16 x 16 cells of equal probability. */
static double chi_square_of_pairs(const double *z, size_t apart) {
  int64_t count[256] = {0};
  int64_t n = 0;
  for (size_t i = 0; i + apart < MANY; i++, n++) count[16 * cell_of(z[i]) + cell_of(z[i + apart])]++;
  double chi = 0;
  for (int i = 0; i < 256; i++) chi += pow((double)count[i] - (double)n / 256, 2) / ((double)n / 256);
  return chi;
}

/* Neighbours, the two branches of one pair (8 apart), words of one block (16) and of the next (32): chi-square of
 * 255 degrees of freedom (margins known) below 390, P = 1e-7 each. */
static void numbers_of_a_stream_are_independent(void **state) {
  (void)state;
  double *z = malloc(MANY * sizeof *z);
  const ouro_stream stream = test_stream(400);
  ouro_random_normals(&stream, 0, MANY, z);
  static const size_t apart[] = {1, 7, 8, 16, 24, 32};
  for (size_t i = 0; i < sizeof apart / sizeof apart[0]; i++) {
    const double chi = chi_square_of_pairs(z, apart[i]);
    assert_true(chi < 390 && chi > 150);
  }
  free(z);
}

/* Streams whose identities differ by one in one part: correlation of numbers and of squares within 5 standard
 * errors; 12 of them, 7e-6 in all. */
static void neighbouring_streams_are_independent(void **state) {
  (void)state;
  const size_t n = (size_t)1 << 18;
  double *z = malloc(n * sizeof *z), *w = malloc(n * sizeof *w);
  const ouro_stream stream = ouro_random_stream(5, 6, 7, OURO_PURPOSE_FEED, 8, 9);
  const ouro_stream near[6] = {
      ouro_random_stream(6, 6, 7, OURO_PURPOSE_FEED, 8, 9), ouro_random_stream(5, 7, 7, OURO_PURPOSE_FEED, 8, 9),
      ouro_random_stream(5, 6, 8, OURO_PURPOSE_FEED, 8, 9), ouro_random_stream(5, 6, 7, OURO_PURPOSE_CORPUS, 8, 9),
      ouro_random_stream(5, 6, 7, OURO_PURPOSE_FEED, 9, 9), ouro_random_stream(5, 6, 7, OURO_PURPOSE_FEED, 8, 10)};
  ouro_random_normals(&stream, 0, n, z);
  for (int i = 0; i < 6; i++) {
    ouro_random_normals(&near[i], 0, n, w);
    double first = 0, second = 0;
    for (size_t k = 0; k < n; k++) {
      first += z[k] * w[k];
      second += (z[k] * z[k] - 1) * (w[k] * w[k] - 1) / 2;
    }
    assert_true(fabs(first) < 5 * sqrt((double)n) && fabs(second) < 5 * sqrt((double)n));
  }
  free(z);
  free(w);
}

/* Sources and targets 0..4095 with one number each: the numbers of a row of streams are as good as those of one
 * stream. Kolmogorov and Smirnov, sqrt(n) D < 2.5: 7e-6. */
static void first_numbers_of_many_streams(void **state) {
  (void)state;
  const int n = 4096 * 16;
  double *u = malloc((size_t)n * sizeof *u), largest = 0;
  for (int i = 0; i < n; i++) {
    const ouro_stream stream = ouro_random_stream(1, 0, 1, OURO_PURPOSE_FEED, i % 4096, i / 4096);
    ouro_random_uniforms(&stream, 0, 1, &u[i]);
  }
  qsort(u, (size_t)n, sizeof *u, compare_doubles);
  for (int i = 0; i < n; i++) largest = fmax(largest, fmax(u[i] - (double)i / n, (i + 1.0) / n - u[i]));
  assert_true(u[0] > 0 && u[n - 1] < 1);
  assert_true(largest * sqrt(n) < 2.5);
  free(u);
}

/* Each of the 64 bits is set in half of 2^20 words, within 5 standard deviations: 4e-5. */
static void bits_are_balanced(void **state) {
  (void)state;
  uint64_t *words = malloc(MANY * sizeof *words);
  const ouro_stream stream = test_stream(500);
  int64_t count[64] = {0};
  ouro_random_words(&stream, 0, MANY, words);
  for (size_t i = 0; i < MANY; i++) {
    for (int bit = 0; bit < 64; bit++) count[bit] += (int64_t)(words[i] >> bit & 1);
  }
  for (int bit = 0; bit < 64; bit++) {
    assert_true(fabs((double)count[bit] - (double)MANY / 2) < 5 * sqrt((double)MANY) / 2);
  }
  free(words);
}

static void below_a_bound(void **state) {
  (void)state;
  assert_int_equal(ouro_random_below(0, 10), 0);
  assert_int_equal(ouro_random_below(UINT64_MAX, 10), 9);
  assert_int_equal(ouro_random_below(UINT64_MAX, 1), 0);
  assert_int_equal(ouro_random_below(UINT64_MAX, UINT64_MAX), UINT64_MAX - 1);
  assert_int_equal(ouro_random_below((uint64_t)1 << 63, 6), 3);
  for (uint64_t i = 0; i < 7; i++) { /* each of 7 results has a seventh of all words, to within one word */
    const uint64_t start = UINT64_MAX / 7 * i + (i > 0 ? UINT64_MAX % 7 : 0);
    assert_int_equal(ouro_random_below(start + 8, 7), i);
  }
}

static int widest_again(void **state) {
  (void)state;
  for (int isa = 0; isa < OURO_ISA_COUNT; isa++) ouro_isa_force((ouro_isa)isa);
  return 0;
}

#define CASE(test) cmocka_unit_test_teardown(test, widest_again)

static const struct CMUnitTest tests[] = {
    CASE(known_answers_of_random123),
    CASE(words_are_those_of_the_library),
    CASE(different_identities_never_share_key_and_counter),
    CASE(purposes_give_different_words),
    CASE(a_shorter_fill_is_a_piece_of_a_longer_one),
    CASE(exponentials_are_logarithms_of_the_uniforms),
    CASE(substreams_are_streams_of_their_own),
    CASE(every_instruction_set_gives_the_same_bits),
    CASE(logarithm_is_accurate),
    CASE(sine_and_cosine_are_accurate),
    CASE(normals_are_box_and_muller_of_the_words),
    CASE(tails_reach_beyond_eight_sigma),
    CASE(moments),
    CASE(distribution),
    CASE(tail_counts),
    CASE(numbers_of_a_stream_are_independent),
    CASE(neighbouring_streams_are_independent),
    CASE(first_numbers_of_many_streams),
    CASE(bits_are_balanced),
    CASE(below_a_bound),
};

TEST_MAIN(tests)
