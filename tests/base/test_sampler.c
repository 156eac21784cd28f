/* Gamma, Poisson, binomial and multinomial variables. ranks: 1
 * Statistical tests use fixed seeds; each says the chance that a correct sampler would have failed it. */

#include "../support/harness.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/isa.h"
#include "base/sampler.h"

/* Streams of sources 0 .. n-1, to be released with free(). */
static ouro_stream *streams_of(size_t n, int64_t target) {
  ouro_stream *streams = malloc((n + 1) * sizeof *streams);
  for (size_t i = 0; i < n; i++) streams[i] = ouro_random_stream(7, 1, 2, OURO_PURPOSE_TEST, (int64_t)i, target);
  return streams;
}

static int compare(const void *a, const void *b) {
  const double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

/* sqrt(n) times the largest distance of n numbers, which are sorted, from a distribution (Kolmogorov). */
static double distance(size_t n, double *x, double (*F)(double x, double parameter), double parameter) {
  double largest = 0;
  qsort(x, n, sizeof *x, compare);
  for (size_t i = 0; i < n; i++) {
    const double f = F(x[i], parameter);
    largest = fmax(largest, fmax(f - (double)i / (double)n, (double)(i + 1) / (double)n - f));
  }
  return largest * sqrt((double)n);
}

/* Regularised lower incomplete gamma function, in long double: its series, or 1 less the continued fraction of the
 * upper one (Lentz). */
static double gamma_below(double x, double shape) {
  const long double a = shape, front = expl(a * logl(x) - (long double)x - lgammal(a));
  if (x < shape + 1) {
    long double term = 1 / a, sum = term;
    for (long double k = 1; term > sum * 1e-18L; k++) sum += term *= x / (a + k);
    return (double)(front * sum);
  }
  long double b = (long double)x + 1 - a, c = 1e300L, d = 1 / b, h = d;
  for (int k = 1; k < 100000; k++) {
    const long double an = -k * (k - a);
    b += 2;
    d = 1 / (an * d + b);
    c = b + an / c;
    h *= d * c;
    if (fabsl(d * c - 1) < 1e-18L) break;
  }
  return (double)(1 - front * h);
}

static void the_reference_is_right(void **state) {
  (void)state;
  for (double x = 0.01; x < 30; x *= 1.3) {
    assert_true(fabs(gamma_below(x, 1) - (1 - exp(-x))) < 1e-14);
    assert_true(fabs(gamma_below(x, 0.5) - erf(sqrt(x))) < 1e-14);
    assert_true(fabs(gamma_below(x, 3) - (1 - exp(-x) * (1 + x + x * x / 2))) < 1e-13);
  }
}

/* 2^17 variables of each shape: sqrt(n) D < 2.6, P = 2 exp(-2 * 2.6^2) = 3e-6 each. */
static void gamma_has_its_law(void **state) {
  (void)state;
  static const double shapes[] = {0.02, 0.5, 0.99, 1, 1.01, 1.5, 4.5, 37, 500, 1e4};
  enum { K = sizeof shapes / sizeof shapes[0], N = 1 << 17 };
  ouro_stream *streams = streams_of(N, 1);
  double *x = malloc(sizeof(double) * K * N), *one = malloc(sizeof(double) * N);
  for (size_t i = 0; i < N; i++) memcpy(x + i * K, shapes, sizeof shapes);
  ouro_sampler_gamma(N, streams, K, x);
  for (size_t j = 0; j < K; j++) {
    for (size_t i = 0; i < N; i++) one[i] = x[i * K + j];
    assert_true(distance(N, one, gamma_below, shapes[j]) < 2.6);
  }
  free(streams);
  free(x);
  free(one);
}

/* Marsaglia and Tsang as they wrote it, in long double, on the same trials. */
static double gamma_twin(const ouro_stream *stream, uint64_t variable, double shape) {
  const ouro_sampler_trial first = ouro_sampler_try(stream, variable, 0);
  const long double d = (shape < 1 ? shape + 1.0L : shape) - 1.0L / 3;
  for (uint64_t number = 0;; number++) {
    const ouro_sampler_trial trial = ouro_sampler_try(stream, variable, number);
    const long double z = trial.z, root = 1 + z / sqrtl(9 * d), cube = root * root * root;
    if (root <= 0 || logl(trial.u) >= z * z / 2 + d - d * cube + d * logl(cube)) continue;
    return (double)(d * cube * (shape < 1 ? expl(logl(first.v) / shape) : 1));
  }
}

static void gamma_accepts_what_its_authors_do(void **state) {
  (void)state;
  static const double shapes[] = {0.05, 0.7, 1, 1.3, 3, 12, 37, 150};
  enum { K = sizeof shapes / sizeof shapes[0], N = 1 << 14 };
  ouro_stream *streams = streams_of(N, 6);
  double *x = malloc(sizeof(double) * K * N);
  for (size_t i = 0; i < N; i++) memcpy(x + i * K, shapes, sizeof shapes);
  ouro_sampler_gamma(N, streams, K, x);
  for (size_t i = 0; i < (size_t)K * N; i++) {
    const double twin = gamma_twin(&streams[i / K], i % K, shapes[i % K]);
    assert_true(fabs(x[i] - twin) < 1e-13 * twin / fmin(shapes[i % K], 1));
  }
  free(streams);
  free(x);
}

/* Largest shapes, by moments of the standardised variable: mean and square of 2^18, each within 5 standard errors, 1e-6
 * a shape; those of a normal variable to O(1/shape). */
static void gamma_of_large_shapes(void **state) {
  (void)state;
  enum { N = 1 << 18 };
  double *x = malloc(sizeof(double) * N);
  ouro_stream *streams = streams_of(1, 2);
  for (double shape = 1e6; shape < 1e13; shape *= 100) {
    double mean = 0, square = 0;
    for (int i = 0; i < N; i++) x[i] = shape;
    ouro_sampler_gamma(1, streams, N, x);
    for (int i = 0; i < N; i++) {
      const double z = (x[i] - shape) / sqrt(shape);
      mean += z / N;
      square += z * z / N;
    }
    assert_true(fabs(mean) < 5 / sqrt(N) && fabs(square - 1) < 5 * sqrt(2.0 / N));
  }
  free(x);
  free(streams);
}

/* Neighbouring numbers of a stream, and of neighbouring streams, go together no more than they must: correlation of
 * 2^17 pairs of chi-square variables of 3 degrees within 5 standard errors; 3 of them, 2e-6 in all. */
static void variables_are_independent(void **state) {
  (void)state;
  enum { N = 1 << 17, K = 9 };
  ouro_stream *streams = streams_of(N, 3);
  double *x = malloc(sizeof(double) * N * K), near = 0, block = 0, next = 0;
  for (size_t i = 0; i < (size_t)N * K; i++) x[i] = 3;
  ouro_sampler_chi_square(N, streams, K, x);
  for (size_t i = 0; i + 1 < N; i++) {
    const double *row = x + i * K;
    near += (row[0] - 3) * (row[1] - 3) / 6;
    block += (row[0] - 3) * (row[8] - 3) / 6;
    next += (row[0] - 3) * (row[K] - 3) / 6;
  }
  assert_true(fabs(near) < 5 * sqrt(N) && fabs(block) < 5 * sqrt(N) && fabs(next) < 5 * sqrt(N));
  free(streams);
  free(x);
}

/* A mixed batch of shapes, every one in a place of its own. */
static void fill_shapes(size_t n, size_t k, double *x) {
  for (size_t i = 0; i < n; i++) {
    for (size_t j = 0; j < k; j++) x[i * k + j] = 0.25 * (double)((i * 31 + j * 17) % 41);
  }
}

/* Each variable alone, as scalar code draws it, has the bits that it has in any batch on any instruction set. */
static void gamma_depends_on_no_batch(void **state) {
  (void)state;
  static const size_t widths[] = {1, 3, 8, 10, 17, 500, 512, 513, 1200};
  for (size_t w = 0; w < sizeof widths / sizeof widths[0]; w++) {
    const size_t n = 1 + 1300 / widths[w], k = widths[w];
    ouro_stream *streams = streams_of(n, 4);
    double *first = malloc(n * k * sizeof *first), *other = malloc(n * k * sizeof *other);
    ouro_isa_force(OURO_ISA_SCALAR);
    fill_shapes(n, k, first);
    for (size_t i = 0; i < n; i++) ouro_sampler_gamma(1, &streams[i], k, first + i * k);
    for (int isa = 0; isa < OURO_ISA_COUNT; isa++) {
      if (!ouro_isa_force((ouro_isa)isa)) continue;
      fill_shapes(n, k, other);
      ouro_sampler_gamma(n, streams, k, other);
      assert_memory_equal(other, first, n * k * sizeof *other);
      fill_shapes(n, k, other);
      ouro_sampler_gamma(1, streams, k > 1 ? k - 1 : 1, other); /* a shorter fill is the beginning of a longer one */
      assert_memory_equal(other, first, (k > 1 ? k - 1 : 1) * sizeof *other);
    }
    free(streams);
    free(first);
    free(other);
  }
}

static void gamma_at_the_ends(void **state) {
  (void)state;
  ouro_stream *streams = streams_of(1, 5);
  double x[6] = {0, 1e-300, 1e-5, 1e300, NAN, INFINITY};
  ouro_sampler_gamma(0, streams, 6, NULL);
  ouro_sampler_gamma(1, streams, 0, NULL);
  ouro_sampler_gamma(1, streams, 6, x);
  assert_true(x[0] == 0 && x[1] > 0 && x[1] < 1e-300 && x[2] > 0 && x[2] < 1);
  assert_true(fabs(x[3] / 1e300 - 1) < 1e-12);
  free(streams);
}

static int widest_again(void **state) {
  (void)state;
  for (int isa = 0; isa < OURO_ISA_COUNT; isa++) ouro_isa_force((ouro_isa)isa);
  return 0;
}

#define CASE(test) cmocka_unit_test_teardown(test, widest_again)

static const struct CMUnitTest tests[] = {
    CASE(the_reference_is_right), CASE(gamma_has_its_law),         CASE(gamma_accepts_what_its_authors_do),
    CASE(gamma_of_large_shapes),  CASE(variables_are_independent), CASE(gamma_depends_on_no_batch),
    CASE(gamma_at_the_ends),
};

TEST_MAIN(tests)
