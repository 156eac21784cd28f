/* Linear regression: rows, statistics, fits, and the constants of its theory. ranks: 1
 * Statistical tests use fixed seeds; each says the chance that correct code would have failed it. */

#include "../support/harness.h"

#include <string.h>

#include "base/isa.h"
#include "experiment.h"

static const ouro_covariates laws[N_LAWS] = {OURO_COVARIATES_ISOTROPIC, OURO_COVARIATES_AR1, OURO_COVARIATES_POWER};

/* Rows without noise determine theta. */
static void noiseless_rows_give_theta_back(void **state) {
  (void)state;
  static const int dimensions[] = {1, 2, 3, 4, 5, 8, 10, 17, 33, 48, 49, 150};
  for (int law = 0; law < N_LAWS; law++) {
    for (size_t i = 0; i < sizeof dimensions / sizeof dimensions[0]; i++) {
      const int p = dimensions[i];
      const ouro_config config = experiment_of(p, 0, laws[law], 0);
      ouro_family *family = family_of(&config);
      double *theta = numbers(2 * p), *fitted = theta + p;
      for (int k = 0; k < p; k++) theta[k] = cos(k);
      const ouro_slice slice = slice_of(1, theta, 3 * p + 7);
      double *statistic = statistic_of(family, &slice);
      assert_int_equal(ouro_family_fit(family, 1, &slice.n, statistic, fitted), 1);
      for (int k = 0; k < p; k++) assert_true(fabs(fitted[k] - theta[k]) < 1e-10);
      free(statistic);
      free(theta);
      ouro_family_destroy(&family);
    }
  }
}

/* The second moments of 2^17 rows: x x' is Sigma, x y is Sigma theta, y y is theta' Sigma theta + sigma^2, each
 * within 5 standard errors. 3 laws of 21 moments: 4e-5 in all. */
static void rows_have_the_specified_law(void **state) {
  (void)state;
  const int p = 5;
  const ouro_count n = 1 << 17;
  const double theta[5] = {1, -0.5, 0.25, 2, -1}, noise = 1.5;
  for (int law = 0; law < N_LAWS; law++) {
    const ouro_config config = experiment_of(p, noise, laws[law], 0);
    ouro_family *family = family_of(&config);
    const ouro_slice slice = slice_of(2, theta, n);
    double *rows = rows_of(family, &slice), expected[6][6] = {{0}}, mean[6][6] = {{0}};
    expected[5][5] = noise * noise;
    for (int j = 0; j < p; j++) {
      for (int k = 0; k < p; k++) {
        const double sigma = sigma_of(&config, j, k);
        expected[j][k] = sigma;
        expected[5][j] += sigma * theta[k];
        expected[5][5] += sigma * theta[j] * theta[k];
      }
    }
    for (ouro_count r = 0; r < n; r++) {
      for (int j = 0; j <= p; j++) {
        for (int k = 0; k <= j; k++) mean[j][k] += element_of(rows, n, 6, r, j) * element_of(rows, n, 6, r, k);
      }
    }
    for (int j = 0; j <= p; j++) {
      for (int k = 0; k <= j; k++) {
        const double variance = expected[j][j] * expected[k][k] + expected[j][k] * expected[j][k];
        assert_true(fabs(mean[j][k] / (double)n - expected[j][k]) < 5 * sqrt(variance / (double)n));
      }
    }
    free(rows);
    ouro_family_destroy(&family);
  }
}

/* Sums over rows by the layout that family.h describes, in long double. */
static void statistics_are_sums_of_products(void **state) {
  (void)state;
  static const ouro_count sizes[] = {0, 1, 7, 8, 9, 20, 63, 64, 65, 100, 128, 200};
  for (int p = 1; p < 14; p++) {
    const ouro_config config = experiment_of(p, 1, OURO_COVARIATES_AR1, 0);
    ouro_family *family = family_of(&config);
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
      const ouro_slice slice = slice_of(3, family->truth, sizes[i]);
      double *rows = rows_of(family, &slice), *statistic = statistic_of(family, &slice);
      for (int j = 0, at = 0; j <= p; j++) {
        for (int k = 0; k <= j && k < p; k++, at++) {
          long double sum = 0;
          for (ouro_count r = 0; r < sizes[i]; r++) {
            sum += (long double)element_of(rows, sizes[i], p + 1, r, j) * element_of(rows, sizes[i], p + 1, r, k);
          }
          assert_true(fabs(statistic[at] - (double)sum) < 1e-12);
        }
      }
      free(rows);
      free(statistic);
    }
    ouro_family_destroy(&family);
  }
}

/* Any slicing at row blocks gives the same rows and the same statistic, bit for bit; so does absorb. */
static void slicing_does_not_change_a_bit(void **state) {
  (void)state;
  const int p = 10;
  const ouro_config config = experiment_of(p, 1, OURO_COVARIATES_AR1, 0);
  ouro_family *family = family_of(&config);
  const size_t bytes = (size_t)family->statistic_width * sizeof(double);
  for (ouro_count n = 1; n < 400; n += 37) {
    const ouro_slice whole = slice_of(4, family->truth, n);
    double *rows = rows_of(family, &whole), *statistic = statistic_of(family, &whole);
    for (ouro_count step = OURO_ROW_BLOCK; step <= 5 * OURO_ROW_BLOCK; step += OURO_ROW_BLOCK) {
      double *piecewise = numbers(family->statistic_width), *absorbed = numbers(family->statistic_width);
      for (ouro_count first = 0; first < n; first += step) {
        ouro_slice part = whole;
        part.first = first;
        part.n = n - first < step ? n - first : step;
        double *some = rows_of(family, &part);
        assert_memory_equal(some, rows + first * (p + 1), (size_t)(part.n * (p + 1)) * sizeof *rows);
        ouro_family_reduce(family, some, part.n, piecewise);
        ouro_family_absorb(family, 1, &part, &absorbed);
        free(some);
      }
      assert_memory_equal(piecewise, statistic, bytes);
      assert_memory_equal(absorbed, statistic, bytes);
      free(piecewise);
      free(absorbed);
    }
    free(rows);
    free(statistic);
  }
  ouro_family_destroy(&family);
}

/* A slice may end anywhere: its rows are still those of the whole feed. */
static void a_slice_that_ends_inside_a_block(void **state) {
  (void)state;
  const ouro_config config = experiment_of(3, 1, OURO_COVARIATES_POWER, 0);
  ouro_family *family = family_of(&config);
  const ouro_count total = 150;
  const ouro_slice whole = slice_of(5, family->truth, total);
  double *rows = rows_of(family, &whole);
  for (ouro_count first = 0; first < total; first += OURO_ROW_BLOCK) {
    for (ouro_count n = 0; first + n <= total; n++) {
      ouro_slice part = whole;
      part.first = first;
      part.n = n;
      double *some = rows_of(family, &part);
      for (ouro_count r = 0; r < n; r++) {
        for (int c = 0; c < 4; c++) {
          assert_true(element_of(some, n, 4, r, c) == element_of(rows, total, 4, first + r, c));
        }
      }
      free(some);
    }
  }
  free(rows);
  ouro_family_destroy(&family);
}

/* Several slices at once, some into the same statistic, as draw and reduce one after the other. */
static void absorbing_is_drawing_and_reducing(void **state) {
  (void)state;
  for (int p = 1; p < 20; p += 3) {
    const ouro_config config = experiment_of(p, 1, OURO_COVARIATES_AR1, 0);
    ouro_family *family = family_of(&config);
    ouro_slice slices[9];
    double *absorbed[9], *expected[9];
    for (int i = 0; i < 9; i++) {
      slices[i] = slice_of(100 + i, family->truth, i * i * 5);
      absorbed[i] = i % 3 ? absorbed[i - 1] : numbers(family->statistic_width);
      expected[i] = i % 3 ? expected[i - 1] : numbers(family->statistic_width);
      double *rows = rows_of(family, &slices[i]);
      ouro_family_reduce(family, rows, slices[i].n, expected[i]);
      free(rows);
    }
    ouro_family_absorb(family, 9, slices, absorbed);
    ouro_family_absorb(family, 0, NULL, NULL);
    for (int i = 0; i < 9; i += 3) {
      assert_memory_equal(absorbed[i], expected[i], (size_t)family->statistic_width * sizeof(double));
      free(absorbed[i]);
      free(expected[i]);
    }
    ouro_family_destroy(&family);
  }
}

static void every_instruction_set_gives_the_same_bits(void **state) {
  (void)state;
  for (int p = 1; p < 24; p++) {
    const ouro_config config = experiment_of(p, 1, OURO_COVARIATES_AR1, 0);
    ouro_family *family = family_of(&config);
    double *statistic[OURO_ISA_COUNT], *theta[OURO_ISA_COUNT];
    const ouro_slice slice = slice_of(6, family->truth, 2 * p + 71);
    for (int isa = 0; isa < OURO_ISA_COUNT; isa++) {
      if (!ouro_isa_force((ouro_isa)isa)) break;
      statistic[isa] = statistic_of(family, &slice);
      theta[isa] = numbers(p);
      assert_memory_equal(statistic[isa], statistic[0], (size_t)family->statistic_width * sizeof(double));
    }
    for (int isa = 0; isa < OURO_ISA_COUNT; isa++) {
      if (!ouro_isa_force((ouro_isa)isa)) break;
      assert_int_equal(ouro_family_fit(family, 1, &slice.n, statistic[isa], theta[isa]), 1);
      assert_memory_equal(theta[isa], theta[0], (size_t)p * sizeof(double));
    }
    for (int isa = 0; isa < OURO_ISA_COUNT; isa++) {
      if (!ouro_isa_force((ouro_isa)isa)) break;
      free(statistic[isa]);
      free(theta[isa]);
    }
    ouro_family_destroy(&family);
  }
}

/* Solve A x = b, A [p][p] and b in long double, by Gauss elimination with pivots. */
static void eliminate(int p, long double *a, long double *b) {
  for (int j = 0; j < p; j++) {
    int pivot = j;
    for (int i = j; i < p; i++) pivot = fabsl(a[i * p + j]) > fabsl(a[pivot * p + j]) ? i : pivot;
    for (int k = 0; k <= p; k++) {
      long double *x = k < p ? &a[j * p + k] : &b[j], *y = k < p ? &a[pivot * p + k] : &b[pivot];
      const long double kept = *x;
      *x = *y;
      *y = kept;
    }
    for (int i = 0; i < p; i++) {
      const long double factor = i == j ? 0 : a[i * p + j] / a[j * p + j];
      for (int k = j; k < p; k++) a[i * p + k] -= factor * a[j * p + k];
      b[i] -= factor * b[j];
    }
  }
  for (int j = 0; j < p; j++) b[j] /= a[j * p + j];
}

/* (X'X + ridge n I) theta = X'y from the rows themselves. */
static void fit_from_rows(const double *rows, ouro_count n, int p, double ridge, double *theta) {
  long double *a = calloc((size_t)(p * p + p), sizeof *a), *b = a + p * p;
  for (ouro_count r = 0; r < n; r++) {
    for (int j = 0; j < p; j++) {
      const long double x = element_of(rows, n, p + 1, r, j);
      for (int k = 0; k < p; k++) a[j * p + k] += x * (long double)element_of(rows, n, p + 1, r, k);
      b[j] += x * (long double)element_of(rows, n, p + 1, r, p);
    }
  }
  for (int j = 0; j < p; j++) a[j * p + j] += (long double)ridge * (long double)n;
  eliminate(p, a, b);
  for (int j = 0; j < p; j++) theta[j] = (double)b[j];
  free(a);
}

static void fits_agree_with_plain_elimination(void **state) {
  (void)state;
  static const double ridges[] = {0, 0.01, 3};
  for (int i = 0; i < 3 * 3 * 12; i++) {
    const int p = i % 12 + 1;
    const ouro_config config = experiment_of(p, 1, laws[i / 12 % 3], ridges[i / 36]);
    ouro_family *family = family_of(&config);
    double theta[2 * 12], twin[12], *both = numbers(2 * family->statistic_width);
    const ouro_count sizes[2] = {2 * p + 3, 5 * p + 70};
    for (int model = 0; model < 2; model++) {
      const ouro_slice slice = slice_of(200 + model, family->truth, sizes[model]);
      double *const target = both + model * family->statistic_width;
      ouro_family_absorb(family, 1, &slice, &target);
    }
    assert_int_equal(ouro_family_fit(family, 2, sizes, both, theta), 2);
    for (int model = 0; model < 2; model++) {
      const ouro_slice slice = slice_of(200 + model, family->truth, sizes[model]);
      double *rows = rows_of(family, &slice);
      fit_from_rows(rows, slice.n, p, ridges[i / 36], twin);
      const double *got = theta + model * p;
      for (int k = 0; k < p; k++) assert_true(fabs(got[k] - twin[k]) < 1e-10);
      free(rows);
    }
    free(both);
    ouro_family_destroy(&family);
  }
}

/* Any number of models at once gives each the bits it has alone. */
static void fits_do_not_depend_on_their_company(void **state) {
  (void)state;
  enum { MOST = 21 };
  for (int p = 1; p < 100; p += p < 15 ? 1 : 33) {
    const ouro_config config = experiment_of(p, 1, OURO_COVARIATES_ISOTROPIC, 0);
    ouro_family *family = family_of(&config);
    const int width = family->statistic_width;
    double *statistics = numbers(MOST * width), *copy = numbers(MOST * width), *alone = numbers(MOST * p),
           *together = numbers(MOST * p);
    ouro_count sizes[MOST];
    for (int i = 0; i < MOST; i++) {
      const ouro_slice slice = slice_of(300 + i, family->truth, sizes[i] = p + 2 + i);
      double *const target = statistics + i * width;
      ouro_family_absorb(family, 1, &slice, &target);
    }
    memcpy(copy, statistics, (size_t)(MOST * width) * sizeof *copy);
    for (int i = 0; i < MOST; i++) {
      assert_int_equal(ouro_family_fit(family, 1, &sizes[i], copy + i * width, alone + i * p), 1);
    }
    for (int n = 0; n <= MOST; n++) {
      memcpy(copy, statistics, (size_t)(MOST * width) * sizeof *copy);
      assert_int_equal(ouro_family_fit(family, n, sizes, copy, together), n);
      assert_memory_equal(together, alone, (size_t)(n * p) * sizeof *alone);
    }
    free(statistics);
    free(copy);
    free(alone);
    free(together);
    ouro_family_destroy(&family);
  }
}

/* Rows of which only the first half of p are distinct, five times each: n > p, and the matrix is singular. */
static void add_repeated_rows(const ouro_family *family, int64_t id, double *statistic) {
  const int p = family->n_parameters;
  const ouro_slice slice = slice_of(id, family->truth, p / 2);
  double *rows = rows_of(family, &slice);
  for (int i = 0; i < 5; i++) ouro_family_reduce(family, rows, p / 2, statistic);
  free(rows);
}

/* Of 20 models one and all after it have too few rows, or one has repeated rows or not a number: the first of
 * them is named. */
static void the_first_singular_statistic_is_named(void **state) {
  (void)state;
  enum { N = 20, SHORT = 0, REPEATED = 1, NOT_A_NUMBER = 2 };
  for (int p = 4; p <= 60; p += 28) {
    const ouro_config config = experiment_of(p, 1, OURO_COVARIATES_ISOTROPIC, 0);
    ouro_family *family = family_of(&config);
    for (int trial = 0; trial < 3 * N; trial++) {
      double *statistics = numbers(N * family->statistic_width), *theta = numbers(N * p);
      const int bad = trial % N, kind = trial / N;
      ouro_count sizes[N];
      for (int i = 0; i < N; i++) {
        double *const statistic = statistics + i * family->statistic_width;
        const ouro_slice slice = slice_of(400 + i, family->truth, kind == SHORT && i >= bad ? p - 1 : 3 * p);
        sizes[i] = slice.n;
        if (kind == REPEATED && i == bad)
          add_repeated_rows(family, 500 + trial, statistic);
        else
          ouro_family_absorb(family, 1, &slice, &statistic);
        if (kind == NOT_A_NUMBER && i == bad) statistic[2] = NAN;
      }
      assert_int_equal(ouro_family_fit(family, N, sizes, statistics, theta), bad);
      free(statistics);
      free(theta);
    }
    ouro_family_destroy(&family);
  }
}

/* Row blocks take normal numbers from the stream one after the other, none twice, however wide a row is. */
static void rows_use_every_normal_once(void **state) {
  (void)state;
  for (int p = 1; p < 80; p += 13) {
    const ouro_config config = experiment_of(p, 1, OURO_COVARIATES_ISOTROPIC, 0);
    ouro_family *family = family_of(&config);
    const ouro_slice slice = slice_of(8, family->truth, 150);
    double *rows = rows_of(family, &slice), *normals = numbers(150 * (p + 1));
    ouro_random_normals(&slice.stream, 0, (size_t)(150 * (p + 1)), normals);
    for (ouro_count r = 0; r < 150; r++) {
      double y = element_of(normals, 150, p + 1, r, p);
      for (int k = 0; k < p; k++) {
        assert_true(element_of(rows, 150, p + 1, r, k) == element_of(normals, 150, p + 1, r, k));
        y += element_of(rows, 150, p + 1, r, k) * family->truth[k];
      }
      assert_true(fabs(element_of(rows, 150, p + 1, r, p) - y) < 1e-12);
    }
    free(rows);
    free(normals);
    ouro_family_destroy(&family);
  }
}

static void ridge_fits_fewer_rows_than_parameters(void **state) {
  (void)state;
  const int p = 6;
  const ouro_config config = experiment_of(p, 1, OURO_COVARIATES_ISOTROPIC, 0.1);
  ouro_family *family = family_of(&config);
  assert_int_equal(family->least_samples, 1);
  assert_true(family->law == OURO_LAW_NONE);
  const ouro_slice slice = slice_of(7, family->truth, 1);
  double *rows = rows_of(family, &slice), *statistic = statistic_of(family, &slice), theta[6], twin[6];
  assert_int_equal(ouro_family_fit(family, 1, &slice.n, statistic, theta), 1);
  fit_from_rows(rows, 1, p, 0.1, twin);
  for (int k = 0; k < p; k++) assert_true(fabs(theta[k] - twin[k]) < 1e-12);
  free(rows);
  free(statistic);
  ouro_family_destroy(&family);
}

/* delta' Sigma delta / p by the double sum. */
static void errors_are_quadratic_forms(void **state) {
  (void)state;
  for (int law = 0; law < N_LAWS; law++) {
    for (int p = 1; p < 12; p++) {
      const ouro_config config = experiment_of(p, 1, laws[law], 0);
      ouro_family *family = family_of(&config);
      double theta[5][12], flat[5 * 12], errors[5];
      for (int i = 0; i < 5; i++) {
        for (int k = 0; k < p; k++) flat[i * p + k] = theta[i][k] = i == 0 ? family->truth[k] : sin(1 + i * 7 + k);
      }
      ouro_family_error(family, 5, flat, errors);
      for (int i = 0; i < 5; i++) {
        double sum = 0;
        for (int j = 0; j < p; j++) {
          for (int k = 0; k < p; k++) {
            sum += (theta[i][j] - family->truth[j]) * sigma_of(&config, j, k) * (theta[i][k] - family->truth[k]);
          }
        }
        assert_true(fabs(errors[i] - sum / p) < 1e-13);
      }
      assert_true(errors[0] == 0);
      ouro_family_destroy(&family);
    }
  }
}

/* What becomes of the unit vectors are the columns of a root of J = sigma^2 Sigma^-1. */
static void large_samples_scatter_by_the_inverse(void **state) {
  (void)state;
  for (int i = 0; i < N_LAWS * 12; i++) {
    const int p = i % 12 + 1;
    const ouro_config config = experiment_of(p, 1.5, laws[i / 12], 0);
    ouro_family *family = family_of(&config);
    double *root = numbers(p * p), *covariance = numbers(p * p);
    for (int k = 0; k < p; k++) root[k * p + k] = 1;
    family->methods->scatter(family, p, root);
    for (int at = 0; at < p * p * p; at++) {
      covariance[at / p] += root[at % p * p + at / p / p] * root[at % p * p + at / p % p];
    }
    for (int at = 0; at < p * p; at++) {
      double product = 0;
      for (int l = 0; l < p; l++) product += sigma_of(&config, at / p, l) * covariance[l * p + at % p];
      assert_true(fabs(product - 2.25 * (at / p == at % p)) < 1e-12);
    }
    free(root);
    free(covariance);
    ouro_family_destroy(&family);
  }
}

/* THEORY.md section 3: eta of p = 1 is that of a Dirichlet vector, 2/(n+2); eta <= 1 iff n >= 2p+1. */
static void constants_of_the_theory(void **state) {
  (void)state;
  for (int p = 1; p < 60; p++) {
    const ouro_config config = experiment_of(p, 1.5, OURO_COVARIATES_ISOTROPIC, 0);
    ouro_family *family = family_of(&config);
    assert_int_equal(family->least_samples, p + 2);
    assert_int_equal(family->eta_samples, 2 * p + 1);
    assert_true(family->law == OURO_LAW_REGRESSION && family->spread.base == 2.25);
    for (int n = 0; n <= p + 1; n++) {
      assert_true(isinf(ouro_family_noise(family, n)) && isinf(ouro_family_eta(family, n)));
    }
    for (int n = p + 2; n < 300; n++) {
      const double eta = ouro_family_eta(family, n);
      /* the same, multiplied out: 1 - eta = n [n^2 - (2p+1) n + 2] / [(n-p-1)(n-1)(n+2)] */
      const double rest = (double)n * (n * n - (2 * p + 1) * n + 2) / ((double)(n - p - 1) * (n - 1) * (n + 2));
      assert_true(fabs(1 - eta - rest) < 1e-14 * (1 + eta));
      assert_true(fabs(ouro_family_noise(family, n) - 2.25 / (n - p - 1)) < 1e-15 * 2.25);
      assert_int_equal(eta <= 1, n >= 2 * p + 1);
      if (p == 1) assert_true(fabs(eta - 2.0 / (n + 2)) < 1e-15);
    }
    ouro_family_destroy(&family);
  }
}

/* E error after a fit to n real samples is sigma^2/(n-p-1): the mean of 20000 fits within 5 standard errors
 * (estimated from the sample), for three laws: 2e-6 in all. */
static void expected_error_of_a_fit(void **state) {
  (void)state;
  const int p = 3, n_fits = 20000;
  for (int law = 0; law < N_LAWS; law++) {
    const ouro_config config = experiment_of(p, 1.5, laws[law], 0);
    ouro_family *family = family_of(&config);
    const ouro_count n = 20;
    double sum = 0, squares = 0;
    for (int i = 0; i < n_fits; i++) {
      double statistic[9] = {0}, theta[3], error, *const target = statistic;
      const ouro_slice slice = slice_of(1000 + i, family->truth, n);
      ouro_family_absorb(family, 1, &slice, &target);
      assert_int_equal(ouro_family_fit(family, 1, &n, statistic, theta), 1);
      ouro_family_error(family, 1, theta, &error);
      sum += error;
      squares += error * error;
    }
    const double mean = sum / n_fits, deviation = sqrt(squares / n_fits - mean * mean);
    assert_true(fabs(mean - ouro_family_noise(family, n)) < 5 * deviation / sqrt(n_fits));
    ouro_family_destroy(&family);
  }
}

/* One step of the recursion of THEORY.md section 3: a node fed 9 samples by a model whose error is delta and 7 by
 * the truth has expected error (1 - eta) P^2 C + eta P C + noise, C = delta' Sigma delta / p. Mean of 20000 fits
 * within 5 standard errors, three laws: 2e-6 in all. */
static void one_step_of_the_recursion(void **state) {
  (void)state;
  const int p = 3, n_fits = 20000;
  const ouro_count m = 9, r = 7, n = m + r;
  for (int law = 0; law < N_LAWS; law++) {
    const ouro_config config = experiment_of(p, 0.5, laws[law], 0);
    ouro_family *family = family_of(&config);
    double wrong[3], c, sum = 0, squares = 0;
    for (int k = 0; k < p; k++) wrong[k] = family->truth[k] + 1.0 / (k + 1);
    ouro_family_error(family, 1, wrong, &c);
    for (int i = 0; i < n_fits; i++) {
      double statistic[9] = {0}, theta[3], error, *const target[2] = {statistic, statistic};
      const ouro_slice slices[2] = {slice_of(2 * i, wrong, m), slice_of(2 * i + 1, family->truth, r)};
      ouro_family_absorb(family, 2, slices, target);
      assert_int_equal(ouro_family_fit(family, 1, &n, statistic, theta), 1);
      ouro_family_error(family, 1, theta, &error);
      sum += error;
      squares += error * error;
    }
    const double share = (double)m / (double)n, eta = ouro_family_eta(family, n);
    const double expected = (1 - eta) * share * share * c + eta * share * c + ouro_family_noise(family, n);
    const double mean = sum / n_fits, deviation = sqrt(squares / n_fits - mean * mean);
    assert_true(fabs(mean - expected) < 5 * deviation / sqrt(n_fits));
    ouro_family_destroy(&family);
  }
}

static int widest_again(void **state) {
  (void)state;
  for (int isa = 0; isa < OURO_ISA_COUNT; isa++) ouro_isa_force((ouro_isa)isa);
  return 0;
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(noiseless_rows_give_theta_back),
    cmocka_unit_test(rows_have_the_specified_law),
    cmocka_unit_test(rows_use_every_normal_once),
    cmocka_unit_test(statistics_are_sums_of_products),
    cmocka_unit_test(slicing_does_not_change_a_bit),
    cmocka_unit_test(a_slice_that_ends_inside_a_block),
    cmocka_unit_test(absorbing_is_drawing_and_reducing),
    cmocka_unit_test_teardown(every_instruction_set_gives_the_same_bits, widest_again),
    cmocka_unit_test(fits_agree_with_plain_elimination),
    cmocka_unit_test(fits_do_not_depend_on_their_company),
    cmocka_unit_test(the_first_singular_statistic_is_named),
    cmocka_unit_test(ridge_fits_fewer_rows_than_parameters),
    cmocka_unit_test(errors_are_quadratic_forms),
    cmocka_unit_test(large_samples_scatter_by_the_inverse),
    cmocka_unit_test(constants_of_the_theory),
    cmocka_unit_test(expected_error_of_a_fit),
    cmocka_unit_test(one_step_of_the_recursion),
};

TEST_MAIN(tests)
