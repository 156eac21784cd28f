/* Statistics of linear and gaussian that are drawn without samples. ranks: 1
 * Statistical tests use fixed seeds; each says the chance that correct code would have failed it. */

#include "../support/harness.h"

#include <string.h>

#include "base/isa.h"
#include "experiment.h"
#include "family/linear_kernel.h"
#include "family/wishart.h"

enum { LINEAR, GAUSSIAN, N_FAMILIES };

static ouro_config experiment(int which, int p, double noise, int law) {
  static char gaussian[] = "gaussian";
  ouro_config config = experiment_of(p, noise, (ouro_covariates)law, 0);
  if (which == GAUSSIAN) config.model.family = gaussian;
  if (which == GAUSSIAN) config.model.temperature = 0.6;
  return config;
}

/* A model that is not the truth: the truth, with numbers of their own added to all parameters. */
static double *model_beside(const ouro_family *family) {
  double *theta = numbers(family->n_parameters);
  for (int k = 0; k < family->n_parameters; k++) theta[k] = family->truth[k] + 0.3 * cos(1 + 5 * k);
  return theta;
}

static double *drawn(const ouro_family *family, ouro_lid n, const ouro_slice *slices) {
  double *statistics = numbers((ouro_count)n * family->statistic_width);
  for (ouro_count k = 0; k < (ouro_count)n * family->statistic_width; k++) statistics[k] = NAN; /* written, not added */
  ouro_family_draw_statistics(family, n, slices, statistics);
  return statistics;
}

static double *drawn_from(const ouro_family *family, int n, int64_t id, const double *theta, ouro_count m) {
  ouro_slice *slices = calloc((size_t)n, sizeof *slices);
  for (int i = 0; i < n; i++) slices[i] = slice_of(id + i, theta, m);
  double *statistics = drawn(family, n, slices);
  free(slices);
  return statistics;
}

/* The law of what a family sums: products of pairs of w columns of normal numbers with means delta and covariance v. A
 * column that is all ones (gaussian: the last) is one of mean 1 and no variance. */
typedef struct law {
  int w;
  double delta[8], v[8][8];
} law;

static law law_of(int which, const ouro_config *config, const ouro_family *family, const double *theta) {
  const int p = config->model.dimension;
  law l = {.w = p + 1};
  for (int j = 0; j < p; j++) {
    if (which == GAUSSIAN) l.delta[j] = theta[j] - family->truth[j];
    for (int k = 0; k < p && which == LINEAR; k++) {
      const double sigma = sigma_of(config, j, k);
      l.v[j][k] = sigma;
      l.v[j][p] += sigma * theta[k];
      l.v[p][k] += sigma * theta[j];
      l.v[p][p] += theta[j] * sigma * theta[k];
    }
    for (int k = 0; k < p && which == GAUSSIAN; k++) {
      const double *a = theta + p + j * (j + 1) / 2, *b = theta + p + k * (k + 1) / 2;
      for (int i = 0; i <= j && i <= k; i++) l.v[j][k] += config->model.temperature * a[i] * b[i];
    }
  }
  if (which == LINEAR) l.v[p][p] += config->model.noise * config->model.noise;
  if (which == GAUSSIAN) l.delta[p] = 1;
  return l;
}

/* Expectation of one row's product of columns a and b, and its covariance with that of c and d (Isserlis). */
static double mean_of(const law *l, int a, int b) {
  return l->v[a][b] + l->delta[a] * l->delta[b];
}

static double covariance_of(const law *l, int a, int b, int c, int d) {
  return l->v[a][c] * l->v[b][d] + l->v[a][d] * l->v[b][c] + l->v[a][c] * l->delta[b] * l->delta[d] +
         l->v[a][d] * l->delta[b] * l->delta[c] + l->v[b][c] * l->delta[a] * l->delta[d] +
         l->v[b][d] * l->delta[a] * l->delta[c];
}

/* Means and all covariances of n statistics within 5.5 standard errors, those of the covariances as they are found. */
static void expect_moments(const law *l, int width, int n, ouro_count m, const double *statistics) {
  int a[40], b[40], at = 0;
  for (int j = 0; j < l->w; j++) {
    for (int k = 0; k <= j && k < l->w - 1; k++, at++) a[at] = j, b[at] = k;
  }
  assert_int_equal(at, width);
  for (int s = 0; s < width; s++) {
    const double own = (double)m * covariance_of(l, a[s], b[s], a[s], b[s]);
    double mean = 0;
    for (int i = 0; i < n; i++) mean += statistics[i * width + s] / n;
    assert_true(fabs(mean - (double)m * mean_of(l, a[s], b[s])) < 5.5 * sqrt(own / n) + 1e-9);
    for (int t = 0; t <= s; t++) {
      const double expected = (double)m * covariance_of(l, a[s], b[s], a[t], b[t]);
      double sum = 0, squares = 0;
      for (int i = 0; i < n; i++) {
        const double *x = statistics + i * width;
        const double product =
            (x[s] - (double)m * mean_of(l, a[s], b[s])) * (x[t] - (double)m * mean_of(l, a[t], b[t]));
        sum += product / n;
        squares += product * product / n;
      }
      assert_true(fabs(sum - expected) <= 5.5 * sqrt((squares - sum * sum) / n));
    }
  }
}

/* 2 families of 3 laws, 4 dimensions and 5 sizes have 8500 moments: 3e-4 in all were they normal. */
static void all_second_moments_are_those_of_the_rows(void **state) {
  (void)state;
  enum { N = 20000 };
  static const int dimensions[] = {1, 2, 3, 6};
  for (int i = 0; i < N_FAMILIES * N_LAWS * 4; i++) {
    const int which = i % 2, p = dimensions[i / 2 % 4];
    const ouro_config config = experiment(which, p, 1.5, i / 8);
    ouro_family *family = family_of(&config);
    double *theta = model_beside(family);
    const law l = law_of(which, &config, family, theta);
    const ouro_count sizes[] = {p + which, p + which + 1, 20, 1000, 1000000};
    for (int k = 0; k < 5; k++) {
      double *statistics = drawn_from(family, N, N * (i * 5 + k), theta, sizes[k]);
      expect_moments(&l, family->statistic_width, N, sizes[k], statistics);
      free(statistics);
    }
    free(theta);
    ouro_family_destroy(&family);
  }
}

static int ascending(const void *a, const void *b) {
  const double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

/* Largest distance of the empirical distributions of two samples of n, times (n/2)^1/2: above 2.75 with probability
 * 2 exp(-2 2.75^2) = 5e-7 (Kolmogorov, Smirnov). */
static double distance_of(int n, double *x, double *y) {
  int i = 0, j = 0, most = 0;
  qsort(x, (size_t)n, sizeof *x, ascending);
  qsort(y, (size_t)n, sizeof *y, ascending);
  while (i < n && j < n) {
    if (x[i] <= y[j])
      i++;
    else
      j++;
    if (abs(i - j) > most) most = abs(i - j);
  }
  return most / sqrt(2.0 * n);
}

/* What to compare of a statistic: error of the fit, log-determinant of the products, first and last number. */
static void describe(const ouro_family *family, int p, ouro_count m, double *statistic, double out[4]) {
  double factor[48 * 49 / 2], *theta = numbers(family->n_parameters);
  out[2] = statistic[0];
  out[3] = statistic[family->statistic_width - 1];
  out[1] = 0;
  for (int j = 0; j < p; j++) {
    double *row = factor + j * (j + 1) / 2;
    for (int k = 0; k <= j; k++) {
      const double *above = factor + k * (k + 1) / 2;
      row[k] = statistic[j * (j + 1) / 2 + k];
      for (int l = 0; l < k; l++) row[k] -= row[l] * above[l];
      row[k] = k < j ? row[k] / above[k] : sqrt(row[k]);
    }
    out[1] += log(row[j]);
  }
  assert_int_equal(ouro_family_fit(family, 1, &m, statistic, theta), 1);
  ouro_family_error(family, 1, theta, out);
  free(theta);
}

static void compare(const ouro_family *family, int p, const double *theta, ouro_count m) {
  enum { N = 3000 };
  double *described[2][4];
  for (int k = 0; k < 8; k++) described[k % 2][k / 2] = numbers(N);
  for (int i = 0; i < N; i++) {
    const ouro_slice slice = slice_of(900000 + i, theta, m), other = slice_of(100000 + i, theta, m);
    double out[2][4], *by_rows = statistic_of(family, &slice), *by_law = drawn(family, 1, &other);
    describe(family, p, m, by_rows, out[0]);
    describe(family, p, m, by_law, out[1]);
    for (int k = 0; k < 8; k++) described[k % 2][k / 2][i] = out[k % 2][k / 2];
    free(by_rows);
    free(by_law);
  }
  for (int k = 0; k < 4; k++) assert_true(distance_of(N, described[0][k], described[1][k]) < 2.75);
  for (int k = 0; k < 8; k++) free(described[k % 2][k / 2]);
}

/* The distributions of four functions of the statistic against those of rows: 2 families, 4 dimensions, 3 sizes,
 * 5e-5 in all. */
static void distributions_are_those_of_the_rows(void **state) {
  (void)state;
  static const int dimensions[] = {1, 4, 10, 42};
  for (int i = 0; i < N_FAMILIES * 4; i++) {
    const int which = i % 2, p = dimensions[i / 2];
    const ouro_config config = experiment(which, p, 1.5, 1 + i / 2 % 2);
    ouro_family *family = family_of(&config);
    double *theta = model_beside(family);
    const ouro_count sizes[] = {p + which, p + 2, 2 * p + 5};
    for (int k = 0; k < 3; k++) compare(family, p, theta, sizes[k]);
    free(theta);
    ouro_family_destroy(&family);
  }
}

/* Probability of a chi-square variable with f degrees of freedom to be below x: sum of x^(f/2+k) e^-x/2 / ... */
static double chi_square_below(double f, double x) {
  const double a = f / 2, half = x / 2;
  double term = exp(a * log(half) - half - lgamma(a + 1)), sum = 0;
  for (int k = 1; term > 1e-17 * sum; k++) {
    sum += term;
    term *= half / (a + k);
  }
  return sum;
}

/* Pivots of the elimination of a packed symmetric matrix, from the first coordinate on or from the last. The last pivot
 * is 1 over an element of the inverse. */
static void pivots_of(int p, const double *statistic, bool reversed, double *pivot) {
  double a[48][48];
  for (int j = 0; j < p; j++) {
    for (int k = 0; k <= j; k++) {
      const int row = reversed ? p - 1 - k : j, column = reversed ? p - 1 - j : k;
      a[j][k] = statistic[row * (row + 1) / 2 + column];
    }
  }
  for (int j = 0; j < p; j++) {
    pivot[j] = a[j][j];
    for (int i = j + 1; i < p; i++) {
      for (int k = j + 1; k <= i; k++) a[i][k] -= a[i][j] * a[k][j] / a[j][j];
    }
  }
}

/* Pivots of S over those of Sigma are chi-square with m, m - 1, .. degrees of freedom, whichever coordinate comes
 * first; their product is the determinant. 5000 of each: distances times 5000^1/2 above 2.75 have probability
 * 5e-7, and there are 342. */
static void pivots_are_chi_square(void **state) {
  (void)state;
  enum { N = 5000 };
  static const int dimensions[] = {1, 3, 10, 43};
  for (int i = 0; i < N_LAWS * 4; i++) {
    const int p = dimensions[i % 4], m = i % 2 ? p : 2 * p + 3;
    const ouro_config config = experiment(LINEAR, p, 1, i / 4);
    ouro_family *family = family_of(&config);
    const int width = family->statistic_width;
    double *statistics = drawn_from(family, N, 50000, family->truth, m), *below = numbers(N * p), pivot[48], own[48];
    for (int reversed = 0; reversed < 2; reversed++) {
      double sigma[48 * 49 / 2];
      for (int j = 0, at = 0; j < p; j++) {
        for (int k = 0; k <= j; k++) sigma[at++] = sigma_of(&config, j, k);
      }
      pivots_of(p, sigma, reversed, own);
      for (int r = 0; r < N; r++) {
        pivots_of(p, statistics + r * width, reversed, pivot);
        for (int j = 0; j < p; j++) below[j * N + r] = chi_square_below(m - j, pivot[j] / own[j]);
      }
      for (int j = 0; j < p; j++) {
        double most = 0, *u = below + j * N;
        qsort(u, N, sizeof *u, ascending);
        for (int r = 0; r < N; r++) most = fmax(most, fmax((r + 1.0) / N - u[r], u[r] - (double)r / N));
        assert_true(most * sqrt(N) < 2.75);
      }
    }
    free(statistics);
    free(below);
    ouro_family_destroy(&family);
  }
}

/* Without noise X'y is X'X theta; what noise adds is in proportion to it, whether it is the experiment's or the
 * slice's own, and X'X is the same. */
static void noise_is_that_of_the_slice(void **state) {
  (void)state;
  for (int p = 1; p < 50; p += 3) {
    const ouro_config quiet = experiment(LINEAR, p, 0, 1), loud = experiment(LINEAR, p, 3, 1);
    ouro_family *none = family_of(&quiet), *some = family_of(&loud);
    const double own = 0.5;
    ouro_slice slice = slice_of(4, none->truth, 3 * p);
    double *first = drawn(none, 1, &slice), *second = drawn(some, 1, &slice);
    slice.noise = &own;
    double *third = drawn(some, 1, &slice), *fourth = drawn(none, 1, &slice);
    const int size = p * (p + 1) / 2;
    assert_memory_equal(third, fourth, (size_t)none->statistic_width * sizeof *third);
    assert_memory_equal(first, second, (size_t)size * sizeof *first);
    assert_memory_equal(first, third, (size_t)size * sizeof *first);
    for (int j = 0; j < p; j++) {
      double sum = 0;
      for (int k = 0; k < p; k++) {
        sum += first[k <= j ? j * (j + 1) / 2 + k : k * (k + 1) / 2 + j] * none->truth[k];
      }
      assert_true(fabs(first[size + j] - sum) < 1e-11 * p);
      assert_true(fabs(second[size + j] - first[size + j]) > 1e-3);
      assert_true(fabs(second[size + j] - first[size + j] - 6 * (third[size + j] - first[size + j])) < 1e-10 * p);
    }
    free(first);
    free(second);
    free(third);
    free(fourth);
    ouro_family_destroy(&none);
    ouro_family_destroy(&some);
  }
}

/* Fewer rows than a Wishart needs are drawn, and have the bits of the rows. */
static void few_rows_are_rows(void **state) {
  (void)state;
  for (int i = 0; i < 50; i++) {
    const int which = i % 2, p = 1 + i / 2 * 2;
    const ouro_config config = experiment(which, p, 1, 2);
    ouro_family *family = family_of(&config);
    double *theta = model_beside(family);
    for (ouro_count m = 0; m <= p + which; m++) {
      const ouro_slice slice = slice_of(5, theta, m);
      double *by_rows = statistic_of(family, &slice), *by_law = drawn(family, 1, &slice);
      const size_t bytes = (size_t)family->statistic_width * sizeof *by_law;
      assert_true((memcmp(by_rows, by_law, bytes) == 0) == (m < p + which));
      free(by_rows);
      free(by_law);
    }
    free(theta);
    ouro_family_destroy(&family);
  }
}

/* Within a ball samples are not normal: the rows are drawn. */
static void samples_of_a_ball_are_rows(void **state) {
  (void)state;
  ouro_config config = experiment(GAUSSIAN, 3, 1, 0);
  config.model.top_p = 0.8;
  ouro_family *family = family_of(&config);
  double *theta = model_beside(family);
  const ouro_slice slices[] = {slice_of(5, theta, 100), slice_of(6, theta, 70)};
  double *by_law = drawn(family, 2, slices);
  for (int i = 0; i < 2; i++) {
    double *by_rows = statistic_of(family, &slices[i]);
    assert_memory_equal(by_rows, by_law + i * family->statistic_width,
                        (size_t)family->statistic_width * sizeof *by_rows);
    free(by_rows);
  }
  free(theta);
  free(by_law);
  ouro_family_destroy(&family);
}

/* One statistic after the other, in any company and on any instruction set: the same bits. Of every third slice the
 * rows are too few, of every fifth the model is nature. */
static void company_does_not_change_a_bit(void **state) {
  (void)state;
  enum { MOST = 21 };
  for (int i = 0; i < 2 * 43; i++) {
    const int which = i % 2, p = 1 + i / 2;
    const ouro_config config = experiment(which, p, 1, i / 2 % N_LAWS);
    ouro_family *family = family_of(&config);
    const size_t width = (size_t)family->statistic_width;
    double *theta = model_beside(family), *alone = numbers((ouro_count)(MOST * width)), noise = 0.7;
    ouro_slice slices[MOST];
    for (int k = 0; k < MOST; k++) {
      slices[k] = slice_of(k, k % 5 ? theta : family->truth, k % 3 < 2 ? p + 1 + k * k * k : p - 1);
      if (k % 2) slices[k].noise = &noise;
      ouro_family_draw_statistics(family, 1, &slices[k], alone + (size_t)k * width);
    }
    for (int isa = 0; isa < OURO_ISA_COUNT; isa++) {
      if (!ouro_isa_force((ouro_isa)isa)) break;
      for (int n = 0; n <= MOST; n += isa < 2 && p > 12 ? 7 : 1) {
        double *together = drawn(family, n, slices + MOST - n);
        assert_memory_equal(together, alone + (size_t)(MOST - n) * width, (size_t)n * width * sizeof *together);
        free(together);
      }
    }
    free(theta);
    free(alone);
    ouro_family_destroy(&family);
  }
}

/* A model without variance draws its own mean, as often as there are samples. */
static void a_point_draws_itself(void **state) {
  (void)state;
  for (int d = 1; d < 60; d += 7) {
    const ouro_config config = experiment(GAUSSIAN, d, 1, 0);
    ouro_family *family = family_of(&config);
    double *theta = numbers(family->n_parameters);
    for (int k = 0; k < d; k++) theta[k] = sin(k);
    const ouro_slice slice = slice_of(7, theta, 100);
    double *statistic = drawn(family, 1, &slice);
    for (int j = 0; j < d; j++) {
      const double own = theta[j] - family->truth[j];
      assert_true(fabs(statistic[d * (d + 1) / 2 + j] - 100 * own) < 1e-12);
      for (int k = 0; k <= j; k++) {
        assert_true(fabs(statistic[j * (j + 1) / 2 + k] - 100 * own * (theta[k] - family->truth[k])) < 1e-12);
      }
    }
    assert_int_equal(ouro_family_fit(family, 1, &slice.n, statistic, theta), 1);
    for (int k = d; k < family->n_parameters; k++) assert_true(theta[k] == 0);
    free(theta);
    free(statistic);
    ouro_family_destroy(&family);
  }
}

static double element(int p, const double *a, int system, int j, int k) {
  return j < k || j >= p ? 0 : a[(j * (j + 1) / 2 + k) * OURO_LINEAR_BATCH + system];
}

/* L A, and of what it is the square and the product with a vector, by plain sums. */
static void expect_products(int p, const double *factor, const double *a, const double *made, const double *squared) {
  for (int s = 0; s < OURO_LINEAR_BATCH; s++) {
    const double *w = a + p * (p + 1) / 2 * OURO_LINEAR_BATCH + s;
    for (int j = 0; j < p; j++) {
      double product = 0;
      for (int k = 0; k <= j; k++) {
        double sum = 0, square = 0;
        for (int l = 0; l < p; l++) {
          sum += element(p, factor, s, j, l) * element(p, a, s, l, k);
          square += element(p, a, s, j, l) * element(p, a, s, k, l);
        }
        product += element(p, a, s, j, k) * w[k * OURO_LINEAR_BATCH];
        assert_true(fabs(element(p, made, s, j, k) - sum) < 1e-13);
        assert_true(fabs(element(p, squared, s, j, k) - square) < 1e-13);
      }
      assert_true(fabs(squared[(p * (p + 1) / 2 + j) * OURO_LINEAR_BATCH + s] - product) < 1e-13);
    }
  }
}

static void kernels_multiply_triangles(void **state) {
  (void)state;
  for (int isa = 0; isa < OURO_ISA_COUNT; isa++) {
    if (!ouro_isa_force((ouro_isa)isa)) break;
    for (int p = 1; p <= 40; p++) {
      const ouro_count size = (p * (p + 1) / 2 + p) * OURO_LINEAR_BATCH;
      double *factor = numbers(size), *a = numbers(size), *made = numbers(size), *squared = numbers(size);
      for (ouro_count k = 0; k < size; k++) {
        factor[k] = sin((double)(3 * k));
        a[k] = made[k] = squared[k] = cos((double)(7 * k));
      }
      ouro_linear_kernels_now()->multiply(p, factor, made);
      ouro_linear_kernels_now()->square(p, squared);
      expect_products(p, factor, a, made, squared);
      free(factor);
      free(a);
      free(made);
      free(squared);
    }
  }
}

/* The mean of a large Gaussian takes no number that a row of its Wishart has. */
static void no_normal_number_is_used_twice(void **state) {
  (void)state;
  enum { D = 70, BLOCKS = 2 * OURO_ROW_BLOCK * D };
  const ouro_slice slice = slice_of(8, NULL, 100);
  double beside[D], *rows = numbers(BLOCKS);
  ouro_random_normals(&slice.stream, 0, BLOCKS, rows);
  ouro_wishart_normals(&slice, D, beside);
  for (int k = 0; k < D * BLOCKS; k++) assert_true(beside[k / BLOCKS] != rows[k % BLOCKS]);
  free(rows);
}

static int widest_again(void **state) {
  (void)state;
  for (int isa = 0; isa < OURO_ISA_COUNT; isa++) ouro_isa_force((ouro_isa)isa);
  return 0;
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test_teardown(kernels_multiply_triangles, widest_again),
    cmocka_unit_test_teardown(company_does_not_change_a_bit, widest_again),
    cmocka_unit_test(few_rows_are_rows),
    cmocka_unit_test(samples_of_a_ball_are_rows),
    cmocka_unit_test(noise_is_that_of_the_slice),
    cmocka_unit_test(a_point_draws_itself),
    cmocka_unit_test(no_normal_number_is_used_twice),
    cmocka_unit_test(all_second_moments_are_those_of_the_rows),
    cmocka_unit_test(pivots_are_chi_square),
    cmocka_unit_test(distributions_are_those_of_the_rows),
};

TEST_MAIN(tests)
