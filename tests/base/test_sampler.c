/* Gamma, Poisson, binomial and multinomial variables. ranks: 1
 * Statistical tests use fixed seeds; each says the chance that a correct sampler would have failed it. */

#include "../support/harness.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "../family/chi_square.h"
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

/* The trial of Threefry block 8 g + l is of numbers 32 g + l, + 16 and + 24 of the stream, on every instruction set. */
static void trials_are_numbers_of_the_stream(void **state) {
  (void)state;
  enum { N = 100, NUMBERS = (N + 8) * 4 };
  ouro_stream *streams = streams_of(N, 20);
  double normals[NUMBERS], uniforms[NUMBERS], z[N + OURO_SAMPLER_BEYOND], u[sizeof z / sizeof *z];
  double v[sizeof z / sizeof *z];
  for (int isa = 0; isa < OURO_ISA_COUNT; isa++) {
    if (!ouro_isa_force((ouro_isa)isa)) continue;
    for (uint64_t number = 0; number < 3; number++) {
      const ouro_stream stream = ouro_random_substream(&streams[0], number << 32);
      ouro_random_normals(&stream, 0, NUMBERS, normals);
      ouro_random_uniforms(&stream, 0, NUMBERS, uniforms);
      ouro_sampler_first(1, &stream, 0, N, z, u, v);
      for (uint64_t j = 0; j < N; j++) {
        const ouro_sampler_trial trial = ouro_sampler_try(&streams[0], j, number);
        const uint64_t at = j / 8 * 32 + j % 8;
        assert_true(trial.z == normals[at] && trial.u == uniforms[at + 16] && trial.v == uniforms[at + 24]);
        assert_true(trial.z == z[j] && trial.u == u[j] && trial.v == v[j]);
      }
    }
    for (size_t n = 1; n <= N; n++) { /* variable 0 of many streams at once */
      ouro_sampler_first(n, streams, 0, 1, z, u, v);
      const ouro_sampler_trial last = ouro_sampler_try(&streams[n - 1], 0, 0);
      assert_true(z[n - 1] == last.z && u[n - 1] == last.u && v[n - 1] == last.v);
    }
  }
  free(streams);
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

/* Probability of k successes of n trials, and of k events of mean `mean`. */
static long double binomial_density(double k, double n, double p) {
  if (k > n) return 0;
  return expl(lgammal(n + 1.0L) - lgammal(k + 1.0L) - lgammal(n - k + 1.0L) + k * logl(p) + (n - k) * log1pl(-p));
}

static long double poisson_density(double k, double mean, double unused) {
  (void)unused;
  return expl(k * logl(mean) - mean - lgammal(k + 1.0L));
}

/* Whole numbers against their law, as a normal deviate: the numbers from the least to the largest within 12 standard
 * deviations are pooled until a bin expects 25 or more. */
static double deviate(size_t n, const double *x, long double (*density)(double, double, double), double one,
                      double other, double mean, double sd) {
  enum { MOST = 4096 };
  double probability[MOST] = {0}, count[MOST] = {0}, seen[MOST] = {0};
  const double from = fmax(0, floor(mean - 12 * sd)), width = ceil(24 * sd / (MOST - 300));
  const int cells = (int)((24 * sd + 130) / width);
  int bin = 0;
  for (size_t i = 0; i < n; i++) {
    assert_true(x[i] >= from && x[i] < from + width * cells);
    seen[(int)((x[i] - from) / width)]++;
  }
  for (int c = 0; c < cells; c++) {
    const double first = from + c * width;
    for (double k = first; k < first + width; k++) probability[bin] += (double)density(k, one, other);
    count[bin] += seen[c];
    if (probability[bin] * (double)n >= 25) bin++;
  }
  if (bin == 1) return 0;       /* one value has all but 25 of the variables */
  count[bin - 1] += count[bin]; /* the last bin takes what is left */
  probability[bin - 1] += probability[bin];
  return chi_square_deviate(bin, probability, count, (double)n);
}

#define DRAWS 100000

/* Each below 4.9, 5e-7; all of this file 1e-5. */
static void poisson_has_its_law(void **state) {
  (void)state;
  static const double means[] = {0.01, 1, 12, 29.999, 30, 33.3, 100, 1234.5};
  ouro_stream *streams = streams_of(DRAWS, 7);
  double *x = malloc(sizeof(double) * DRAWS);
  for (size_t m = 0; m < sizeof means / sizeof means[0]; m++) {
    for (size_t i = 0; i < DRAWS; i++) x[i] = means[m];
    ouro_sampler_poisson(DRAWS, streams, x);
    assert_true(fabs(deviate(DRAWS, x, poisson_density, means[m], 0, means[m], sqrt(means[m]))) < 4.9);
  }
  free(streams);
  free(x);
}

static void binomial_has_its_law(void **state) {
  (void)state;
  static const double cases[][2] = {{1, 0.3},      {5, 0.5},      {7, 0.93},   {1000, 0.004}, {20, 0.5},
                                    {21, 0.5},     {25, 0.401},   {40, 0.75},  {60, 0.2},     {1000, 0.3},
                                    {5000, 0.998}, {4000, 0.997}, {1e7, 1e-4}, {1e9, 1e-8},   {1e15, 3e-15}};
  ouro_stream *streams = streams_of(DRAWS, 8);
  double *x = malloc(sizeof(double) * DRAWS), *p = malloc(sizeof(double) * DRAWS);
  for (size_t c = 0; c < sizeof cases / sizeof cases[0]; c++) {
    const double n = cases[c][0], chance = cases[c][1], mean = n * chance;
    for (size_t i = 0; i < DRAWS; i++) {
      x[i] = n;
      p[i] = chance;
    }
    ouro_sampler_binomial(DRAWS, streams, p, x);
    const double z = deviate(DRAWS, x, binomial_density, n, chance, mean, sqrt(mean * (1 - chance)));
    assert_true(fabs(z) < 4.9);
  }
  free(streams);
  free(x);
  free(p);
}

/* Large means by moments: mean and square of the standardised variable, within 5 standard errors, 1e-6 each. */
static void counts_of_large_means(void **state) {
  (void)state;
  static const double p[] = {0, 1e-3, 0.3, 0.9, 1 - 1e-6}; /* 0: Poisson */
  ouro_stream *streams = streams_of(DRAWS, 9);
  double *x = malloc(sizeof(double) * DRAWS), *chance = malloc(sizeof(double) * DRAWS);
  for (int c = 0; c < 15; c++) {
    const double n = c < 5 ? 1e8 : c < 10 ? 1e11 : 1e14, one = p[c % 5];
    const double expected = one > 0 ? n * one : n, variance = expected * (1 - one);
    double mean = 0, square = 0;
    for (int i = 0; i < DRAWS; i++) {
      x[i] = n;
      chance[i] = one;
    }
    if (one > 0)
      ouro_sampler_binomial(DRAWS, streams, chance, x);
    else
      ouro_sampler_poisson(DRAWS, streams, x);
    for (int i = 0; i < DRAWS; i++) {
      assert_true(x[i] == floor(x[i]));
      const double z = (x[i] - expected) / sqrt(variance);
      mean += z / DRAWS;
      square += z * z / DRAWS;
    }
    assert_true(fabs(mean) < 5 / sqrt(DRAWS) && fabs(square - 1) < 5 * sqrt(2.0 / DRAWS) * (1 + 1 / variance));
  }
  free(streams);
  free(x);
  free(chance);
}

/* Hoermann's two algorithms as printed, with the lgamma of the C library in long double, on the same trials. */
static double poisson_twin(const ouro_stream *stream, double mean) {
  const double b = 0.931 + 2.53 * sqrt(mean), a = -0.059 + 0.02483 * b, v_r = 0.9277 - 3.6224 / (b - 2);
  for (uint64_t number = 0;; number++) {
    const ouro_sampler_trial trial = ouro_sampler_try(stream, 0, number);
    const double u = trial.u - 0.5, v = trial.v, us = 0.5 - fabs(u), k = floor((2 * a / us + b) * u + mean + 0.43);
    if (us >= 0.07 && v <= v_r) return k;
    if (k < 0 || (us < 0.013 && v > us)) continue;
    const long double scaled = v * (1.1239L + 1.1328L / (b - 3.4L)) / (a / (us * us) + b);
    if (logl(scaled) <= k * logl(mean) - mean - lgammal(k + 1.0L)) return k;
  }
}

static double binomial_twin(const ouro_stream *stream, double n, double p) {
  const double spq = sqrt(n * p * (1 - p)), b = 1.15 + 2.53 * spq, a = -0.0873 + 0.0248 * b + 0.01 * p;
  const double v_r = 0.92 - 4.2 / b, m = floor((n + 1) * p);
  for (uint64_t number = 0;; number++) {
    const ouro_sampler_trial trial = ouro_sampler_try(stream, 0, number);
    const double u = trial.u - 0.5, v = trial.v, us = 0.5 - fabs(u), k = floor((2 * a / us + b) * u + n * p + 0.5);
    if (us >= 0.07 && v <= v_r) return k;
    if (k < 0 || k > n) continue;
    const long double scaled = v * (2.83L + 5.1L / b) * spq / (a / (us * us) + b);
    const long double h = lgammal(m + 1.0L) + lgammal(n - m + 1.0L) - lgammal(k + 1.0L) - lgammal(n - k + 1.0L);
    if (logl(scaled) <= h + (k - m) * (logl(p) - log1pl(-p))) return k;
  }
}

static void counts_are_accepted_by_the_book(void **state) {
  (void)state;
  enum { N = 20000 };
  static const double means[] = {30, 31.5, 47, 100, 12345.6, 1e6};
  static const double cases[][2] = {{20, 0.5}, {30, 0.34}, {100, 0.1}, {1000, 0.02}, {12345, 0.45}, {1e6, 1e-3}};
  ouro_stream *streams = streams_of(N, 10);
  double x[6 * N], y[6 * N], p[N];
  for (int c = 0; c < 6; c++) {
    for (int i = 0; i < N; i++) {
      x[c * N + i] = means[c];
      y[c * N + i] = cases[c][0];
      p[i] = cases[c][1];
    }
    ouro_sampler_poisson(N, streams, x + (ptrdiff_t)c * N);
    ouro_sampler_binomial(N, streams, p, y + (ptrdiff_t)c * N);
  }
  for (int i = 0; i < 6 * N; i++) {
    assert_true(x[i] == poisson_twin(&streams[i % N], means[i / N]));
    assert_true(y[i] == binomial_twin(&streams[i % N], cases[i / N][0], cases[i / N][1]));
  }
  free(streams);
}

static void counts_at_the_ends(void **state) {
  (void)state;
  ouro_stream *streams = streams_of(8, 11);
  double x[8] = {0, 1e-300, NAN, INFINITY, 1e300, -1, 5, 2}, y[8] = {0, 5, 5, 1, 1, 7, NAN, 1e300};
  const double p[8] = {0.5, 0, 1, 0, 1, NAN, 0.5, 0.5};
  ouro_sampler_poisson(0, streams, NULL);
  ouro_sampler_binomial(0, streams, NULL, NULL);
  ouro_sampler_poisson(8, streams, x);
  ouro_sampler_binomial(8, streams, p, y);
  assert_true(x[0] == 0 && x[1] == 0 && fabs(x[4] / 1e300 - 1) < 1e-12 && x[5] == 0);
  assert_true(y[0] == 0 && y[1] == 0 && y[2] == 5 && y[3] == 0 && y[4] == 1);
  free(streams);
}

/* All batches and instruction sets. */
static void counts_depend_on_no_batch(void **state) {
  (void)state;
  enum { N = 1500 };
  ouro_stream *streams = streams_of(N, 12);
  double first[2][N], other[2][N], p[N];
  for (int isa = 0; isa < OURO_ISA_COUNT; isa++) {
    if (!ouro_isa_force((ouro_isa)isa)) continue;
    for (size_t i = 0; i < N; i++) {
      p[i] = (double)((i * 17) % 41) / 40;
      other[0][i] = 0.7 * (double)((i * 31) % 101);
      other[1][i] = (double)((i * 31) % 101);
      if (isa > 0) continue;
      memcpy(&first[0][i], &other[0][i], sizeof(double));
      memcpy(&first[1][i], &other[1][i], sizeof(double));
      ouro_sampler_poisson(1, &streams[i], &first[0][i]);
      ouro_sampler_binomial(1, &streams[i], &p[i], &first[1][i]);
    }
    ouro_sampler_poisson(N, streams, other[0]);
    ouro_sampler_binomial(N, streams, p, other[1]);
    assert_memory_equal(other, first, sizeof first);
  }
  free(streams);
}

/* Every outcome of 4 trials over 3 possible outcomes of 5, 15 in all: chi-square below 4.9, 5e-7. */
static void multinomial_has_its_law(void **state) {
  (void)state;
  static const double p[5] = {0, 0.6, 1.0, 0, 0.4};
  double probability[15] = {0}, count[15] = {0};
  int cell[5][5], n_cells = 0;
  for (int a = 0; a <= 4; a++) {
    for (int b = 0; a + b <= 4; b++) {
      cell[a][b] = n_cells;
      probability[n_cells++] = tgamma(5) / (tgamma(a + 1) * tgamma(b + 1) * tgamma(5 - a - b)) * pow(0.3, a) *
                               pow(0.5, b) * pow(0.2, 4 - a - b);
    }
  }
  ouro_stream *streams = streams_of(DRAWS, 13);
  for (int i = 0; i < DRAWS; i++) {
    double x[5];
    ouro_sampler_multinomial(&streams[i], 4, 5, p, x);
    assert_true(x[0] == 0 && x[3] == 0 && x[1] + x[2] + x[4] == 4);
    count[cell[(int)x[1]][(int)x[2]]]++;
  }
  assert_true(fabs(chi_square_deviate(15, probability, count, DRAWS)) < 4.9);
  free(streams);
}

/* Each margin is binomial, each 1e-6; counts sum up exactly, whatever the rounding of the sums of chances. */
static void multinomial_of_many(void **state) {
  (void)state;
  enum { K = 700, N = 4000 };
  const double n = 1e6;
  double p[K], x[K], sum[3] = {0}, square[3] = {0}, all = 0;
  static const int looked_at[3] = {0, 300, K - 1};
  ouro_stream *streams = streams_of(N, 14);
  for (int j = 0; j < K; j++) all += p[j] = 1.0 / (1 + (j * 7) % K);
  for (int i = 0; i < N; i++) {
    double total = 0;
    ouro_sampler_multinomial(&streams[i], n, K, p, x);
    for (int j = 0; j < K; j++) total += x[j];
    assert_true(total == n);
    for (int l = 0; l < 3; l++) {
      const double chance = p[looked_at[l]] / all;
      const double z = (x[looked_at[l]] - n * chance) / sqrt(n * chance * (1 - chance));
      sum[l] += z;
      square[l] += z * z;
    }
  }
  for (int l = 0; l < 3; l++) {
    assert_true(fabs(sum[l]) < 5 * sqrt(N));
    assert_true(fabs(square[l] - N) < 5 * sqrt(2 * N));
  }
  free(streams);
}

static int widest_again(void **state) {
  (void)state;
  for (int isa = 0; isa < OURO_ISA_COUNT; isa++) ouro_isa_force((ouro_isa)isa);
  return 0;
}

#define CASE(test) cmocka_unit_test_teardown(test, widest_again)

static const struct CMUnitTest tests[] = {
    CASE(trials_are_numbers_of_the_stream),
    CASE(the_reference_is_right),
    CASE(gamma_has_its_law),
    CASE(gamma_accepts_what_its_authors_do),
    CASE(gamma_of_large_shapes),
    CASE(variables_are_independent),
    CASE(gamma_depends_on_no_batch),
    CASE(gamma_at_the_ends),
    CASE(poisson_has_its_law),
    CASE(binomial_has_its_law),
    CASE(counts_of_large_means),
    CASE(counts_are_accepted_by_the_book),
    CASE(counts_at_the_ends),
    CASE(counts_depend_on_no_batch),
    CASE(multinomial_has_its_law),
    CASE(multinomial_of_many),
};

TEST_MAIN(tests)
