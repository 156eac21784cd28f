/* Means of normal, Bernoulli and exponential variables (Poisson: test_poisson.c). ranks: 1
 * Statistical tests use fixed seeds; each says the chance that correct code would have failed it. */

#include "../support/harness.h"

#include <string.h>

#include "chi_square.h"
#include "experiment.h"

static ouro_family *scalar(const char *name, double mean) {
  ouro_config config = experiment_named(name);
  config.model.mean = mean;
  return family_of(&config);
}

/* The spread of a sample drawn from mean mu is the variance function of its law, whatever mu. */
static void spread_is_the_variance_of_a_sample(void **state) {
  (void)state;
  static const char *const names[] = {"poisson", "bernoulli", "exponential"};
  for (int i = 0; i < 3; i++) {
    for (double truth = 0.125; truth < 1; truth += 0.25) {
      ouro_family *family = scalar(names[i], truth);
      assert_int_equal(family->law, OURO_LAW_MEANS);
      for (double mu = 0; mu <= 1; mu += 0.125) {
        const double variance = i == 0 ? mu : i == 1 ? mu * (1 - mu) : mu * mu, b = mu - truth;
        const ouro_spread s = family->spread;
        assert_true(fabs(s.base + s.slope * b + s.curvature * b * b - variance) < 1e-15 && !s.fitted);
      }
      ouro_family_destroy(&family);
    }
  }
  ouro_config config = experiment_named("normal-mean");
  ouro_family *family = family_of(&config);
  assert_true(family->spread.base == 2.25 && family->spread.slope == 0 && family->spread.curvature == 0);
  assert_true(family->law == OURO_LAW_MEANS && family->n_parameters == 3 && family->least_samples == 1);
  ouro_family_destroy(&family);
}

/* x = theta + s z, z the normals of the stream as rows.h of the sources and family.h lay them out. */
static void normal_rows_are_shifted_normals(void **state) {
  (void)state;
  const ouro_config config = experiment_named("normal-mean");
  ouro_family *family = family_of(&config);
  const double theta[3] = {-4, 0, 1e6};
  const ouro_count n = 200;
  const ouro_slice slice = slice_of(8, theta, n);
  double *rows = rows_of(family, &slice), *z = numbers(3 * 256);
  ouro_random_normals(&slice.stream, 0, 3 * 256, z);
  for (ouro_count r = 0; r < n; r++) {
    for (int c = 0; c < 3; c++) {
      const double normal = z[r / 64 * 64 * 3 + c * 64 + r % 64];
      assert_true(element_of(rows, n, 3, r, c) == fma(1.5, normal, theta[c]));
    }
  }
  free(rows);
  free(z);
  ouro_family_destroy(&family);
}

/* Sums in long double, by the layout of family.h. */
static void fits_are_means_of_rows(void **state) {
  (void)state;
  static const ouro_count sizes[] = {1, 2, 7, 8, 9, 63, 64, 65, 127, 500};
  static const char *const names[] = {"normal-mean", "bernoulli", "exponential"};
  for (int i = 0; i < 3; i++) {
    ouro_family *family = scalar(names[i], 0.25);
    for (size_t k = 0; k < sizeof sizes / sizeof sizes[0]; k++) {
      const ouro_slice slice = slice_of((int64_t)k, family->truth, sizes[k]);
      double *rows = rows_of(family, &slice), *statistic = statistic_of(family, &slice), theta[3], error;
      long double squares = 0;
      assert_int_equal(ouro_family_fit(family, 1, &sizes[k], statistic, theta), 1);
      for (int c = 0; c < family->row_width; c++) {
        long double sum = 0;
        for (ouro_count r = 0; r < sizes[k]; r++) sum += element_of(rows, sizes[k], family->row_width, r, c);
        assert_true(fabsl(theta[c] - sum / sizes[k]) < 1e-14);
        squares += (sum / sizes[k] - family->truth[c]) * (sum / sizes[k] - family->truth[c]);
      }
      ouro_family_error(family, 1, theta, &error);
      assert_true(fabsl(error - squares / family->row_width) < 1e-14);
      free(rows);
      free(statistic);
    }
    ouro_family_destroy(&family);
  }
}

/* -mu ln u in long double, u the uniforms of the stream: within 2^-52 of each. */
static void exponential_rows_are_logarithms(void **state) {
  (void)state;
  const ouro_count n = 4096;
  ouro_family *family = scalar("exponential", 0.3);
  const double mean = 7.25;
  const ouro_slice slice = slice_of(9, &mean, n);
  double *rows = rows_of(family, &slice), *u = numbers(n);
  ouro_random_uniforms(&slice.stream, 0, (size_t)n, u);
  for (ouro_count r = 0; r < n; r++) {
    const long double exact = -mean * logl((long double)u[r]);
    assert_true(rows[r] > 0 && fabsl(rows[r] - exact) <= 0x1p-51L * exact);
  }
  free(rows);
  free(u);
  ouro_family_destroy(&family);
}

/* 2^20 exponential variables in 256 bins of equal probability: a deviate beyond 5 has probability below 1e-6. */
static void exponential_rows_have_their_law(void **state) {
  (void)state;
  enum { BINS = 256 };
  const ouro_count n = 1 << 20;
  ouro_family *family = scalar("exponential", 0.3);
  const double mean = 1e-3;
  const ouro_slice slice = slice_of(10, &mean, n);
  double *rows = rows_of(family, &slice), probability[BINS], count[BINS] = {0};
  for (int i = 0; i < BINS; i++) probability[i] = 1.0 / BINS;
  for (ouro_count r = 0; r < n; r++) count[(int)(-BINS * expm1(-rows[r] / mean))] += 1;
  assert_true(fabs(chi_square_deviate(BINS, probability, count, (double)n)) < 5);
  free(rows);
  ouro_family_destroy(&family);
}

/* Means on a grid, 2^18 samples each: within 5 standard deviations of n p, 17 times: 1e-5. 0 and 1 are certain. */
static void bernoulli_rows_have_their_law(void **state) {
  (void)state;
  const ouro_count n = 1 << 18;
  ouro_family *family = scalar("bernoulli", 0.3);
  for (int i = 0; i <= 16; i++) {
    const double p = i / 16.0;
    const ouro_slice slice = slice_of(20 + i, &p, n);
    double *rows = rows_of(family, &slice), sum = 0;
    for (ouro_count r = 0; r < n; r++) {
      assert_true(rows[r] == 0 || rows[r] == 1);
      sum += rows[r];
    }
    assert_true(fabs(sum - p * (double)n) <= 5 * sqrt(p * (1 - p) * (double)n));
    free(rows);
  }
  ouro_family_destroy(&family);
}

/* A model at 0 stays there, and one at 1; its error is that of the truth. */
static void absorbed_models_stay(void **state) {
  (void)state;
  static const struct {
    const char *name;
    double theta;
  } rows[] = {{"poisson", 0}, {"bernoulli", 0}, {"bernoulli", 1}, {"exponential", 0}};
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    ouro_family *family = scalar(rows[i].name, 0.25);
    double theta = rows[i].theta, error;
    for (int generation = 0; generation < 3; generation++) {
      const ouro_count n = 100;
      const ouro_slice slice = slice_of(generation, &theta, n);
      double *statistic = statistic_of(family, &slice);
      assert_int_equal(ouro_family_fit(family, 1, &n, statistic, &theta), 1);
      free(statistic);
      assert_true(theta == rows[i].theta);
    }
    ouro_family_error(family, 1, &theta, &error);
    assert_true(error == (rows[i].theta - 0.25) * (rows[i].theta - 0.25));
    ouro_family_destroy(&family);
  }
}

static void means_out_of_range_are_refused(void **state) {
  (void)state;
  static const struct {
    const char *name;
    double mean;
    bool fine;
  } rows[] = {{"poisson", 0, false},      {"poisson", -1, false},      {"poisson", 1e9, false},
              {"poisson", 9.9e8, true},   {"bernoulli", 1, false},     {"bernoulli", 0, false},
              {"bernoulli", 0.999, true}, {"exponential", 0, false},   {"bernoulli", 2, false},
              {"poisson", NAN, false},    {"exponential", 1e99, true}, {"exponential", NAN, false}};
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    ouro_config config = experiment_named(rows[i].name);
    ouro_family *family;
    config.model.mean = rows[i].mean;
    assert_int_equal(ouro_family_create(&config, &family), rows[i].fine ? OURO_OK : OURO_ECONFIG);
    if (!rows[i].fine) assert_true(strstr(ouro_error_message(), "model.mean: ") && !family);
    ouro_family_destroy(&family);
  }
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(spread_is_the_variance_of_a_sample),
    cmocka_unit_test(normal_rows_are_shifted_normals),
    cmocka_unit_test(fits_are_means_of_rows),
    cmocka_unit_test(exponential_rows_are_logarithms),
    cmocka_unit_test(exponential_rows_have_their_law),
    cmocka_unit_test(bernoulli_rows_have_their_law),
    cmocka_unit_test(absorbed_models_stay),
    cmocka_unit_test(means_out_of_range_are_refused),
};

TEST_MAIN(tests)
