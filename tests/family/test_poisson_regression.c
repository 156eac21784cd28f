/* Poisson regression: rows, fits, and the constants of its theory. ranks: 1
 * Statistical tests use fixed seeds; each says the chance that correct code would have failed it. */

#include "../support/harness.h"

#include "mestimation.h"

static double score(double y, double u) {
  return y - exp(u);
}

static void the_score_of_a_fit_is_zero(void **state) {
  (void)state;
  expect_minima("poisson-regression", score);
}

static void error_is_measured_by_the_information(void **state) {
  (void)state;
  expect_information("poisson-regression", exp);
}

/* One covariate that is 1: the logarithm of the mean, from very small to very large ones. */
static void logarithm_of_the_mean(void **state) {
  (void)state;
  ouro_family *family = regression_of("poisson-regression", 1, OURO_COVARIATES_ISOTROPIC);
  for (double most = 1; most < 1e9; most *= 7) {
    for (int n = 2; n < 300; n += 31) {
      sample s = {.n = n, .p = 1};
      double theta, sum = 0;
      for (int r = 0; r < n; r++) {
        s.x[r][0] = 1;
        s.y[r] = r % 5 == 0 ? floor(most) : 0;
        sum += s.y[r];
      }
      assert_true(fitted(family, &s, &theta));
      assert_true(fabs(theta - log(sum / n)) < 1e-9);
    }
  }
  ouro_family_destroy(&family);
}

/* No events at all, or none where a covariate is not 0. */
static void without_events_there_is_no_fit(void **state) {
  (void)state;
  ouro_family *family = regression_of("poisson-regression", 2, OURO_COVARIATES_ISOTROPIC);
  for (int events = 0; events < 2; events++) {
    sample s = {.n = 90, .p = 2};
    double theta[2];
    for (int r = 0; r < s.n; r++) {
      s.x[r][r % 2] = 1 + 0.1 * cos(r);
      s.y[r] = events && r % 2 ? r % 4 : 0;
    }
    assert_false(fitted(family, &s, theta));
    assert_true(isfinite(theta[0]) && isfinite(theta[1]));
  }
  ouro_family_destroy(&family);
}

/* A row far out, whose mean the fit has to hit nearly alone, until the others drown in its rounding. */
static void huge_leverage(void **state) {
  (void)state;
  ouro_family *family = regression_of("poisson-regression", 2, OURO_COVARIATES_ISOTROPIC);
  for (double far = 1; far < 1e9; far *= 10) {
    for (double y = 0; y < 1e7; y = 30 * y + 1) {
      double theta[2];
      sample s = drawn(family, 100, 7);
      s.x[50][0] = far;
      s.x[50][1] = far / 3;
      s.y[50] = y;
      const double weight = far * far * (1 + y);
      const bool good = fitted(family, &s, theta);
      assert_true(good || weight > 1e18);
      assert_true(isfinite(theta[0]) && isfinite(theta[1]));
      assert_true(weight > 1e12 || steepest(&s, theta, score) < 1e-6);
    }
  }
  ouro_family_destroy(&family);
}

/* In bins of u from -6 to 10, sums of y and of (y - mu)^2 / mu, the latter of variance 2 + 1/mu, and zeros: 3 laws of
 * up to 40 bins with more than 50 rows, 3 scores each beyond 5.5: 1.4e-5 were they normal; the most skewed, the squares
 * at small means, are left out where 50 are expected to be other than 0 or fewer. */
static void counts_have_their_law(void **state) {
  (void)state;
  enum { BINS = 40 };
  const ouro_count n = 1 << 16;
  const double theta[3] = {2, -1, 0.5};
  for (int law = 0; law < N_LAWS; law++) {
    double rows_in[BINS] = {0}, mean[BINS] = {0}, sum[BINS] = {0}, square[BINS] = {0}, spread[BINS] = {0};
    double none[BINS] = {0}, zeros[BINS] = {0}, uncertain[BINS] = {0};
    ouro_family *family = regression_of("poisson-regression", 3, (ouro_covariates)law);
    const ouro_slice slice = slice_of(70 + law, theta, n);
    double *rows = rows_of(family, &slice);
    for (ouro_count r = 0; r < n; r++) {
      double u = 0;
      for (int k = 0; k < 3; k++) u += theta[k] * element_of(rows, n, 4, r, k);
      const int bin = (int)((u + 6) * BINS / 16);
      if (u < -6 || bin >= BINS) continue;
      const double mu = exp(u), y = element_of(rows, n, 4, r, 3);
      rows_in[bin]++;
      mean[bin] += mu;
      sum[bin] += y;
      square[bin] += (y - mu) * (y - mu) / mu - 1;
      spread[bin] += 2 + 1 / mu;
      none[bin] += exp(-mu);
      uncertain[bin] += exp(-mu) * -expm1(-mu);
      zeros[bin] += y == 0;
    }
    for (int k = 0; k < BINS; k++) {
      if (rows_in[k] < 50 || mean[k] < 50) continue;
      assert_true(fabs(sum[k] - mean[k]) < 5.5 * sqrt(mean[k]));
      assert_true(fabs(square[k]) < 5.5 * sqrt(spread[k]));
      assert_true(fabs(zeros[k] - none[k]) < 5.5 * sqrt(uncertain[k]) + 3);
    }
    free(rows);
    ouro_family_destroy(&family);
  }
}

/* A model that has wandered far off draws finite rows. */
static void any_model_draws(void **state) {
  (void)state;
  ouro_family *family = regression_of("poisson-regression", 3, OURO_COVARIATES_ISOTROPIC);
  for (double far = 1; far < 1e300; far *= 1e20) {
    const double theta[3] = {far, -far, far};
    const ouro_slice slice = slice_of(8, theta, 1000);
    double *rows = rows_of(family, &slice);
    for (int r = 0; r < 1000; r++) {
      const double y = element_of(rows, 1000, 4, r, 3);
      assert_true(y >= 0 && y < 1.001e9 && y == floor(y));
    }
    free(rows);
  }
  ouro_family_destroy(&family);
}

static void a_weight_is_a_number_of_rows(void **state) {
  (void)state;
  expect_weights("poisson-regression");
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(a_weight_is_a_number_of_rows),
    cmocka_unit_test(the_score_of_a_fit_is_zero),
    cmocka_unit_test(error_is_measured_by_the_information),
    cmocka_unit_test(logarithm_of_the_mean),
    cmocka_unit_test(without_events_there_is_no_fit),
    cmocka_unit_test(huge_leverage),
    cmocka_unit_test(counts_have_their_law),
    cmocka_unit_test(any_model_draws),
};

TEST_MAIN(tests)
