/* Logistic regression: rows, fits, separation, and the constants of its theory. ranks: 1
 * Statistical tests use fixed seeds; each says the chance that correct code would have failed it. */

#include "../support/harness.h"

#include "experiment.h"
#include "mestimation.h"

static double sigmoid(double u) {
  return 1 / (1 + exp(-u));
}

static double score(double y, double u) {
  return y - sigmoid(u);
}

static double weight(double u) {
  return sigmoid(u) * sigmoid(-u);
}

static void the_score_of_a_fit_is_zero(void **state) {
  (void)state;
  expect_minima("logistic", score);
}

/* One covariate that is 1 in every row: the log-odds of the classes. Two groups of rows: the log-odds of each. */
static void log_odds(void **state) {
  (void)state;
  ouro_family *one = regression_of("logistic", 1, OURO_COVARIATES_ISOTROPIC);
  ouro_family *two = regression_of("logistic", 2, OURO_COVARIATES_ISOTROPIC);
  for (int n = 2; n < 150; n += 7) {
    for (int ones = 1; ones < n; ones += 5) {
      sample s = {.n = n, .p = 1}, t = {.n = 2 * n, .p = 2};
      double theta[2];
      for (int r = 0; r < n; r++) {
        s.x[r][0] = t.x[r][0] = t.x[n + r][1] = 1;
        s.y[r] = t.y[r] = r < ones ? 1 : 0;
        t.y[n + r] = r % 2;
      }
      assert_true(fitted(one, &s, theta));
      assert_true(fabs(theta[0] - log((double)ones / (n - ones))) < 1e-12);
      assert_true(fitted(two, &t, theta));
      assert_true(fabs(theta[0] - log((double)ones / (n - ones))) < 1e-12);
      assert_true(fabs(theta[1] - log((double)(n / 2) / (n - n / 2))) < 1e-12);
    }
  }
  ouro_family_destroy(&one);
  ouro_family_destroy(&two);
}

/* Every labelling of a few points on a line: there is a fit iff some row pulls theta up and some row down. */
static void every_labelling_of_points_on_a_line(void **state) {
  (void)state;
  enum { N = 9 };
  ouro_family *family = regression_of("logistic", 1, OURO_COVARIATES_ISOTROPIC);
  for (int labels = 0; labels < 1 << N; labels++) {
    sample s = {.n = N, .p = 1};
    bool up = false, down = false;
    double theta;
    for (int r = 0; r < N; r++) {
      s.x[r][0] = (r - 3.5) * (r % 2 ? 0.01 : 3);
      s.y[r] = labels >> r & 1;
      if ((s.y[r] > 0) == (s.x[r][0] > 0))
        up = true;
      else
        down = true;
    }
    const bool has_fit = up && down;
    assert_true(fitted(family, &s, &theta) == has_fit);
    assert_true(!has_fit || steepest(&s, &theta, score) < 1e-9);
  }
  ouro_family_destroy(&family);
}

/* A direction separates the classes: strictly, but for rows on the boundary, by a hair, or since all are of one class
 * and on one side. */
static void separated_classes_have_no_fit(void **state) {
  (void)state;
  ouro_family *family = regression_of("logistic", 2, OURO_COVARIATES_ISOTROPIC);
  for (int kind = 0; kind < 4; kind++) {
    for (int n = 10; n < 150; n += 29) {
      sample s = {.n = n, .p = 2};
      double theta[2];
      for (int r = 0; r < n; r++) {
        const double along = (kind == 2 ? 1e-9 : 0.5) + r % 5, side = r % 2 ? 1 : -1;
        s.x[r][0] = kind == 3 ? along : kind == 1 && r % 3 == 0 ? 0 : side * along;
        s.x[r][1] = cos(r);
        s.y[r] = kind == 3 ? 1 : r % 2;
      }
      assert_false(fitted(family, &s, theta));
      for (int k = 0; k < 2; k++) assert_true(isfinite(theta[k]));
    }
  }
  ouro_family_destroy(&family);
}

/* Collinear covariates: infinitely many fits. */
static void collinear_covariates_have_no_fit(void **state) {
  (void)state;
  ouro_family *family = regression_of("logistic", 2, OURO_COVARIATES_ISOTROPIC);
  sample s = {.n = 40, .p = 2};
  double theta[2];
  for (int r = 0; r < s.n; r++) {
    s.x[r][0] = cos(r);
    s.x[r][1] = 3 * cos(r);
    s.y[r] = r % 2;
  }
  assert_false(fitted(family, &s, theta));
  ouro_family_destroy(&family);
}

/* A row far out with either label. From some 1e10 on the others drown in its rounding, which is a stall. */
static void huge_leverage(void **state) {
  (void)state;
  ouro_family *family = regression_of("logistic", 2, OURO_COVARIATES_ISOTROPIC);
  for (double far = 1; far < 1e13; far *= 10) {
    for (int wrong = 0; wrong < 2; wrong++) {
      double theta[2];
      sample s = drawn(family, 100, 7);
      s.x[50][0] = far;
      s.x[50][1] = far / 3;
      s.y[50] = wrong ? 0 : predictor_of(&s, 50, family->truth) > 0;
      const bool good = fitted(family, &s, theta);
      assert_true(good || far > 5e9);
      assert_true(isfinite(theta[0]) && isfinite(theta[1]));
      assert_true(!good || steepest(&s, theta, score) < 1e-6);
    }
  }
  ouro_family_destroy(&family);
}

/* Of rows with predictors near u, a share 1 / (1 + e^-u) has label 1: chi-square of 40 bins of 2^16 rows, 3 laws;
 * a deviate of 5 has probability 1e-6. */
static void labels_have_their_law(void **state) {
  (void)state;
  enum { BINS = 40 };
  const ouro_count n = 1 << 16;
  const double theta[3] = {2, -1, 0.5};
  for (int law = 0; law < N_LAWS; law++) {
    double expected[BINS] = {0}, variance[BINS] = {0}, seen[BINS] = {0}, sum = 0;
    ouro_family *family = regression_of("logistic", 3, (ouro_covariates)law);
    const ouro_slice slice = slice_of(70 + law, theta, n);
    double *rows = rows_of(family, &slice);
    for (ouro_count r = 0; r < n; r++) {
      double u = 0;
      for (int k = 0; k < 3; k++) u += theta[k] * element_of(rows, n, 4, r, k);
      const int bin = (int)fmin(fmax(4 * u + BINS / 2.0, 0), BINS - 1);
      expected[bin] += sigmoid(u);
      variance[bin] += weight(u);
      seen[bin] += element_of(rows, n, 4, r, 3);
    }
    for (int k = 0; k < BINS; k++) {
      if (variance[k] > 0) sum += (seen[k] - expected[k]) * (seen[k] - expected[k]) / variance[k];
    }
    assert_true(fabs(cbrt(sum / BINS) - (1 - 2.0 / (9 * BINS))) < 5 * sqrt(2.0 / (9 * BINS)));
    free(rows);
    ouro_family_destroy(&family);
  }
}

static void error_is_measured_by_the_information(void **state) {
  (void)state;
  expect_information("logistic", weight);
}

static void a_weight_is_a_number_of_rows(void **state) {
  (void)state;
  expect_weights("logistic");
}

/* Classes that some direction separates have no fit, whatever their rows weigh. */
static void weights_do_not_hide_separation(void **state) {
  (void)state;
  ouro_family *family = regression_of("logistic", 2, OURO_COVARIATES_ISOTROPIC);
  sample s = drawn(family, 100, 8);
  double weights[MOST_N], theta[2];
  for (int k = 0; k < 16; k++) {
    for (int r = 0; r < s.n; r++) {
      s.y[r] = s.x[r][0] + 0.3 * s.x[r][1] > 0;
      weights[r] = pow(10, -(double)(r * k % 17));
    }
    double *statistic = statistic_with(family, &s, NULL);
    assert_false(ouro_family_fit_sample(family, statistic, weights, theta));
    free(statistic);
  }
  ouro_family_destroy(&family);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(a_weight_is_a_number_of_rows),
    cmocka_unit_test(weights_do_not_hide_separation),
    cmocka_unit_test(the_score_of_a_fit_is_zero),
    cmocka_unit_test(log_odds),
    cmocka_unit_test(every_labelling_of_points_on_a_line),
    cmocka_unit_test(separated_classes_have_no_fit),
    cmocka_unit_test(collinear_covariates_have_no_fit),
    cmocka_unit_test(huge_leverage),
    cmocka_unit_test(labels_have_their_law),
    cmocka_unit_test(error_is_measured_by_the_information),
};

TEST_MAIN(tests)
