/* Huber's regression: fits, and the constants of its theory. ranks: 1 */

#include "../support/harness.h"

#include <string.h>

#include "mestimation.h"

#define PI 3.14159265358979323846

static double clipped(double residual, double c) {
  return fmin(fmax(residual, -c), c);
}

static double score(double y, double u) {
  return clipped(y - u, 1.345);
}

static void the_score_of_a_fit_is_zero(void **state) {
  (void)state;
  expect_minima("huber", score);
}

static ouro_family *huber_of(int p, double noise, double threshold) {
  ouro_config config = experiment_of(p, noise, OURO_COVARIATES_ISOTROPIC, 0);
  config.model.family = "huber";
  config.model.threshold = threshold;
  return family_of(&config);
}

/* Two zeros and a nine: 2 (0 - theta) + c = 0. Any multiple of everything gives the multiple. */
static void three_numbers(void **state) {
  (void)state;
  for (double scale = 1e-60; scale < 1e60; scale *= 1e10) {
    ouro_family *family = huber_of(1, scale, scale);
    sample s = {.n = 3, .p = 1, .x = {{1}, {1}, {1}}, .y = {0, 0, 9 * scale}};
    double theta;
    assert_true(fitted(family, &s, &theta));
    assert_true(fabs(theta / scale - 0.5) < 1e-8);
    ouro_family_destroy(&family);
  }
}

/* With a threshold beyond every residual it is least squares. */
static void least_squares(void **state) {
  (void)state;
  ouro_family *family = huber_of(4, 1, 1e6), *linear = regression_of("linear", 4, OURO_COVARIATES_ISOTROPIC);
  for (int n = 6; n < 300; n += 13) {
    double theta[4], twin[4];
    const sample s = drawn(family, n, n);
    assert_true(fitted(family, &s, theta) && fitted(linear, &s, twin));
    for (int k = 0; k < 4; k++) assert_true(fabs(theta[k] - twin[k]) < 1e-10);
  }
  ouro_family_destroy(&family);
  ouro_family_destroy(&linear);
}

/* A response goes to infinity: the fit stays where it is from the threshold on. A row goes to infinity: it is hit,
 * until the others drown in its rounding. */
static void outliers(void **state) {
  (void)state;
  ouro_family *family = huber_of(2, 1, 1.345);
  double first[2], theta[2];
  for (double far = 1e2; far < 1e12; far *= 10) {
    sample s = drawn(family, 100, 3);
    s.y[50] = far;
    assert_true(fitted(family, &s, theta));
    if (far == 1e2) memcpy(first, theta, sizeof first);
    for (int k = 0; k < 2; k++) assert_true(fabs(theta[k] - first[k]) < 1e-9);
    s = drawn(family, 100, 3);
    s.x[50][0] = s.x[50][1] = far;
    assert_true(fitted(family, &s, theta) || far > 5e8);
    assert_true(far > 2e5 || steepest(&s, theta, score) < 1e-6);
  }
  ouro_family_destroy(&family);
}

/* The variance of a fit relative to that of least squares: E clip(z, k)^2 / Pr(|z| < k)^2 by a sum over a grid. */
static double ratio_of(double k) {
  const double step = 1e-4;
  double square = 0, within = 0;
  for (double z = -12; z <= 12; z += step) {
    const double mass = step * exp(-z * z / 2) / sqrt(2 * PI), value = clipped(z, k);
    square += value * value * mass;
    within += fabs(z) < k ? mass : 0;
  }
  return square / (within * within);
}

static double variance_of(double k, double sigma) {
  ouro_family *family = huber_of(1, sigma, k * sigma);
  const double theta = family->truth[0] + 1;
  double error;
  ouro_family_error(family, 1, &theta, &error);
  ouro_family_destroy(&family);
  return 1 / (error * sigma * sigma);
}

/* 95 percent efficiency at 1.345 (Huber 1981); least squares and the median at the ends. */
static void efficiency(void **state) {
  (void)state;
  assert_true(fabs(1 / variance_of(1.345, 1) - 0.95) < 1e-5);
  assert_true(fabs(variance_of(9, 3) - 1) < 1e-12);
  assert_true(fabs(variance_of(0.01, 2) - PI / 2) < 0.01);
  for (double k = 0.1; k < 6; k += 0.37) assert_true(fabs(variance_of(k, 0.5) / ratio_of(k) - 1) < 1e-3);
}

static void thresholds_that_are_too_small(void **state) {
  (void)state;
  ouro_family *family;
  ouro_config config = experiment_of(2, 1, OURO_COVARIATES_ISOTROPIC, 0);
  config.model.family = "huber";
  config.model.threshold = 0.009;
  config.places = "model.threshold\tx.yaml:7\n";
  assert_int_equal(ouro_family_create(&config, &family), OURO_ECONFIG);
  assert_non_null(strstr(ouro_error_message(), "x.yaml:7: model.threshold: must be at least 0.01"));
}

static void a_weight_is_a_number_of_rows(void **state) {
  (void)state;
  expect_weights("huber");
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(a_weight_is_a_number_of_rows),
    cmocka_unit_test(the_score_of_a_fit_is_zero),
    cmocka_unit_test(three_numbers),
    cmocka_unit_test(least_squares),
    cmocka_unit_test(outliers),
    cmocka_unit_test(efficiency),
    cmocka_unit_test(thresholds_that_are_too_small),
};

TEST_MAIN(tests)
