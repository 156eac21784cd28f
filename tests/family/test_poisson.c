/* Poisson variables against their exact law and against the textbook's algorithm. ranks: 1
 * Statistical tests use fixed seeds; each says the chance that correct code would have failed it. */

#include "../support/harness.h"

#include "chi_square.h"
#include "experiment.h"
#include "family/poisson.h"

static double *draws_of(double mean, int64_t id, ouro_count n) {
  const ouro_slice slice = slice_of(id, &mean, n);
  double *rows = numbers(n);
  ouro_poisson_draw(mean, &slice, rows);
  return rows;
}

static long double density(long double k, long double mean) {
  return expl(k * logl(mean) - mean - lgammal(k + 1));
}

/* X = #{k: F(k) <= u} in long double, u the uniforms of the stream: the same numbers, every one. */
static void small_means_are_inverted(void **state) {
  (void)state;
  static const double means[] = {0, 1e-300, 1e-9, 0.01, 0.5, 1, 3.7, 12, 29.999};
  const ouro_count n = 1000;
  for (size_t i = 0; i < sizeof means / sizeof means[0]; i++) {
    double *rows = draws_of(means[i], (int64_t)i, n), u[1024];
    const ouro_stream stream = slice_of((int64_t)i, NULL, n).stream;
    ouro_random_uniforms(&stream, 0, (size_t)n, u);
    for (ouro_count r = 0; r < n; r++) {
      long double F = expl(-means[i]), term = F;
      int k = 0;
      for (; F <= u[r]; F += term) term *= means[i] / ++k;
      assert_true(rows[r] == k);
    }
    free(rows);
  }
}

/* PTRS as printed, with the lgamma of the C library, on the same uniforms: the same numbers, every one. */
static double textbook(double mean, const ouro_stream *stream, ouro_count row) {
  const double b = 0.931 + 2.53 * sqrt(mean), a = -0.059 + 0.02483 * b, v_r = 0.9277 - 3.6224 / (b - 2);
  const double inverse_alpha = 1.1239 + 1.1328 / (b - 3.4);
  const ouro_count block = row / OURO_ROW_BLOCK * OURO_ROW_BLOCK;
  for (uint64_t trial = 0;; trial++) {
    double numbers_of_block[2 * OURO_ROW_BLOCK];
    const ouro_stream s = ouro_random_substream(stream, trial);
    ouro_random_uniforms(&s, 2 * (uint64_t)block, 2 * OURO_ROW_BLOCK, numbers_of_block);
    const double u = numbers_of_block[row - block] - 0.5, v = numbers_of_block[OURO_ROW_BLOCK + row - block];
    const double us = 0.5 - fabs(u), k = floor((2 * a / us + b) * u + mean + 0.43);
    if (us >= 0.07 && v <= v_r) return k;
    if (k < 0 || (us < 0.013 && v > us)) continue;
    const long double bound = k * logl(mean) - mean - lgammal(k + 1);
    if (logl(v) + logl(inverse_alpha) - logl(a / (us * us) + b) <= bound) return k;
  }
}

static void large_means_are_rejected_by_the_book(void **state) {
  (void)state;
  static const double means[] = {30, 31.5, 47, 100, 12345.6, 1e6, 1e9};
  const ouro_count n = 3000;
  for (size_t i = 0; i < sizeof means / sizeof means[0]; i++) {
    double *rows = draws_of(means[i], (int64_t)i, n);
    const ouro_stream stream = slice_of((int64_t)i, NULL, n).stream;
    for (ouro_count r = 0; r < n; r++) assert_true(rows[r] == textbook(means[i], &stream, r));
    free(rows);
  }
}

/* Bins of consecutive values, each of probability 1/64 or a little more, and the two tails; the law in long double. */
typedef struct binning {
  int n;
  double first[80], probability[80]; /* bin i: first[i] .. first[i+1]-1 */
} binning;

static binning bins_of(double mean, double least) {
  const double sd = sqrt(mean), end = ceil(mean + 12 * sd + 30);
  binning bins = {.n = 1};
  long double inside = 0, all = 0;
  for (double k = fmax(0, floor(mean - 12 * sd)); k < end; k++) {
    inside += density(k, mean);
    if (inside < least || 1 - all - inside < least) continue;
    bins.probability[bins.n - 1] = (double)inside;
    bins.first[bins.n++] = k + 1;
    all += inside;
    inside = 0;
  }
  bins.probability[bins.n - 1] = (double)(1 - all);
  return bins;
}

static double deviate_of(double mean, const binning *bins, int64_t id, ouro_count n) {
  double *rows = draws_of(mean, id, n), count[80] = {0};
  for (ouro_count r = 0; r < n; r++) {
    int low = 0;
    for (int step = 64; step > 0; step /= 2) {
      if (low + step < bins->n && rows[r] >= bins->first[low + step]) low += step;
    }
    assert_true(rows[r] >= 0 && rows[r] == floor(rows[r]));
    count[low] += 1;
  }
  free(rows);
  return chi_square_deviate(bins->n, bins->probability, count, (double)n);
}

/* 2^19 samples of each mean: a deviate beyond 5 has probability below 1e-6. */
static void counts_have_their_law(void **state) {
  (void)state;
  static const double means[] = {0.2, 1, 8.5, 29.9, 30, 33, 60, 1000, 1e6, 1e9};
  for (size_t i = 0; i < sizeof means / sizeof means[0]; i++) {
    const binning bins = bins_of(means[i], 1.0 / 64);
    assert_true(bins.n >= 2);
    assert_true(fabs(deviate_of(means[i], &bins, 50 + (int64_t)i, 1 << 19)) < 5);
  }
}

/* Both tails at probabilities from 1e-2 to 1e-6, 2^22 samples: counts within 6 standard deviations + 6 of what the law
 * says (Poisson tails; 5 means, 10 tails each: below 1e-6 in all). */
static void tails_have_their_law(void **state) {
  (void)state;
  static const double means[] = {5, 29, 30.5, 400, 1e5};
  const ouro_count n = 1 << 22;
  for (size_t i = 0; i < sizeof means / sizeof means[0]; i++) {
    double *rows = draws_of(means[i], 90 + (int64_t)i, n);
    for (double tail = 1e-2; tail > 5e-7; tail /= 10) {
      double low = means[i], high = means[i], below = 0, above = 0;
      long double lower = 0, upper = 0;
      low = high = floor(means[i]);
      for (double k = 0; k < low; k++) lower += density(k, means[i]);
      for (; lower > tail && low > 0; low--) lower -= density(low - 1, means[i]);
      for (double k = high + ceil(20 * sqrt(means[i])) + 60; k > high; k--) upper += density(k, means[i]);
      for (; upper > tail; high++) upper -= density(high + 1, means[i]);
      for (ouro_count r = 0; r < n; r++) {
        below += rows[r] < low;
        above += rows[r] > high;
      }
      const double expected_below = (double)n * (double)lower, expected_above = (double)n * (double)upper;
      assert_true(fabs(below - expected_below) <= 6 * sqrt(fabs(expected_below)) + 6);
      assert_true(fabs(above - expected_above) <= 6 * sqrt(fabs(expected_above)) + 6);
    }
    free(rows);
  }
}

/* Neither a mean beyond all bounds nor one that is no number holds the program up. */
static void any_mean_ends(void **state) {
  (void)state;
  static const double means[] = {1e12, 1e18, 1e300, INFINITY, NAN};
  for (size_t i = 0; i < sizeof means / sizeof means[0]; i++) free(draws_of(means[i], 1, 200));
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(small_means_are_inverted),
    cmocka_unit_test(large_means_are_rejected_by_the_book),
    cmocka_unit_test(counts_have_their_law),
    cmocka_unit_test(tails_have_their_law),
    cmocka_unit_test(any_mean_ends),
};

TEST_MAIN(tests)
