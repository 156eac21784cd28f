/* Kernel density estimates: what is kept, how wide the kernel is, what is drawn. ranks: 1 */

#include "../support/harness.h"

#include <stdio.h>
#include <string.h>

#include "chi_square.h"
#include "experiment.h"

enum { MOST_POINTS = 200 };

static ouro_config configured(int d, const char *bandwidth) {
  ouro_config config = experiment_of(d, 2, OURO_COVARIATES_ISOTROPIC, 0);
  config.model.family = "kde";
  config.model.bandwidth = (char *)bandwidth;
  config.model.points = MOST_POINTS;
  return config;
}

static ouro_family *kde_of(int d, const char *bandwidth) {
  const ouro_config config = configured(d, bandwidth);
  return family_of(&config);
}

/* The parts of a model of d dimensions: mean, bandwidths, number and points. */
static const double *points_of(int d, const double *theta) {
  return theta + 2 * d + 1;
}

/* The model of n points x[n][d]. */
static double *fitted(const ouro_family *family, int n, const double *x) {
  const int d = family->row_width;
  const ouro_count size = n;
  double *statistic = statistic_for(family, n), *theta = numbers(family->n_parameters);
  for (int k = 0; k < family->n_parameters; k++) theta[k] = -1; /* every parameter is set */
  for (int r = 0; r < n; r++) ouro_family_reduce(family, x + r * d, 1, statistic);
  assert_int_equal(ouro_family_fit(family, 1, &size, statistic, theta), 1);
  free(statistic);
  return theta;
}

static void samples_are_kept(void **state) {
  (void)state;
  ouro_family *family = kde_of(3, "0.5");
  for (int n = 1; n <= MOST_POINTS; n += n < 70 ? 1 : 43) {
    double x[3 * MOST_POINTS], mean[3] = {0};
    for (int k = 0; k < 3 * n; k++) mean[k % 3] += x[k] = cos(k) + k % 3;
    double *theta = fitted(family, n, x);
    assert_memory_equal(points_of(3, theta), x, 3 * (size_t)n * sizeof *x);
    assert_true(theta[6] == n);
    for (int k = 0; k < 3; k++) assert_true(fabs(theta[k] - mean[k] / n) < 1e-13 && theta[3 + k] == 0.5);
    for (int k = 7 + 3 * n; k < family->n_parameters; k++) assert_true(theta[k] == 0);
    free(theta);
  }
  ouro_family_destroy(&family);
}

static void the_error_is_that_of_the_mean(void **state) {
  (void)state;
  ouro_family *family = kde_of(2, "1");
  const double *mu = family->truth, x[4] = {mu[0] + 1, mu[1] - 3, mu[0] + 2, mu[1] - 5};
  double *theta = fitted(family, 2, x), error;
  ouro_family_error(family, 1, theta, &error);
  assert_true(fabs(error - (1.5 * 1.5 + 4 * 4) / 2) < 1e-13);
  free(theta);
  ouro_family_destroy(&family);
}

/* Points 0 and 2 have the standard deviation sqrt(2); Scott's factor is n^(-1/5), Silverman's (3n/4)^(-1/5). In two
 * dimensions n^(-1/6) both; 0, 0, 3 and 6, 0, 0 in the columns. */
static void rules_of_thumb(void **state) {
  (void)state;
  const double line[2] = {0, 2}, plane[6] = {0, 6, 0, 0, 3, 0};
  const char *const names[2] = {"scott", "silverman"};
  const double factor[2] = {pow(2, -0.2), pow(1.5, -0.2)};
  for (int rule = 0; rule < 2; rule++) {
    ouro_family *one = kde_of(1, names[rule]), *two = kde_of(2, names[rule]);
    double *theta = fitted(one, 2, line), *other = fitted(two, 3, plane);
    assert_true(fabs(theta[1] - factor[rule] * sqrt(2)) < 1e-14);
    assert_true(fabs(other[2] - pow(3, -1.0 / 6) * sqrt(3)) < 1e-14);
    assert_true(fabs(other[3] - pow(3, -1.0 / 6) * sqrt(12)) < 1e-14);
    assert_true(one->least_samples == 2);
    assert_true(fabs(ouro_family_drawn(one, 2) - 1 - 2 * factor[rule] * factor[rule]) < 1e-14);
    free(theta);
    free(other);
    ouro_family_destroy(&one);
    ouro_family_destroy(&two);
  }
}

/* Errors grow at a constant rate only where what is drawn scatters as what was fitted. */
static void rates(void **state) {
  (void)state;
  const char *const names[] = {"kde", "gaussian", "normal-mean"};
  for (int i = 0; i < 3; i++) {
    for (int other = 0; other < 2; other++) {
      ouro_config config = configured(1, other ? "scott" : "0.5");
      config.model.family = (char *)names[i];
      config.model.variance = OURO_VARIANCE_UNBIASED;
      config.model.temperature = i == 1 && other ? 0.9 : 1;
      config.model.top_p = 1;
      ouro_family *family = family_of(&config);
      assert_true(ouro_family_has_rates(family) == (i == 2 || (i == 1 && !other)));
      ouro_family_destroy(&family);
    }
  }
}

/* Five points far apart, seen through a kernel that reaches none of the others: each is drawn as often, and what is
 * left is the kernel. Chi-square and mean square of 20000 draws within 5 standard errors: 1e-6 together. */
static void draws_are_points_and_kernel(void **state) {
  (void)state;
  enum { POINTS = 5, DRAWS = 20000 };
  ouro_family *family = kde_of(2, "0.25");
  double x[2 * POINTS], count[POINTS] = {0}, probability[POINTS], squares = 0, sum = 0;
  for (int k = 0; k < POINTS; k++) {
    x[2 * k] = 100 * k;
    x[2 * k + 1] = -7 * k;
    probability[k] = 1.0 / POINTS;
  }
  double *theta = fitted(family, POINTS, x);
  const ouro_slice slice = slice_of(1, theta, DRAWS);
  double *rows = rows_of(family, &slice);
  for (int r = 0; r < DRAWS; r++) {
    const double a = element_of(rows, DRAWS, 2, r, 0), b = element_of(rows, DRAWS, 2, r, 1);
    const int k = (int)lround(a / 100);
    assert_true(k >= 0 && k < POINTS && fabs(a - x[2 * k]) < 2 && fabs(b - x[2 * k + 1]) < 2);
    count[k] += 1;
    sum += (a - x[2 * k] + b - x[2 * k + 1]) / 0.25;
    squares += pow((a - x[2 * k]) / 0.25, 2) + pow((b - x[2 * k + 1]) / 0.25, 2);
  }
  assert_true(fabs(chi_square_deviate(POINTS, probability, count, DRAWS)) < 5);
  assert_true(fabs(sum) < 5 * sqrt(2.0 * DRAWS));
  assert_true(fabs(squares - 2.0 * DRAWS) < 5 * sqrt(2 * 2.0 * DRAWS));
  free(rows);
  free(theta);
  ouro_family_destroy(&family);
}

/* The model of points 0, 2, 4, .. with weights. */
static double *weighed(const ouro_family *family, int n, const double *weights) {
  double *statistic = statistic_for(family, n), *theta = numbers(family->n_parameters);
  for (int r = 0; r < n; r++) {
    const double x = 2 * r;
    ouro_family_reduce(family, &x, 1, statistic);
  }
  assert_true(ouro_family_fit_sample(family, statistic, weights, theta));
  free(statistic);
  return theta;
}

static ouro_family *forgetful(const char *bandwidth) {
  ouro_config config = configured(1, bandwidth);
  config.learning.regime = OURO_REGIME_FORGET;
  return family_of(&config);
}

/* Weights 1 and 3 of two points. By Scott's rule samples count as 16 / 10, and the unbiased variance is
 * 3 / (4 - 10 / 4). */
static void weights_count(void **state) {
  (void)state;
  const char *const names[2] = {"0", "scott"};
  const double weights[2] = {1, 3};
  for (int rule = 0; rule < 2; rule++) {
    ouro_family *family = forgetful(names[rule]);
    double *theta = weighed(family, 2, weights), variance;
    assert_true(theta[0] == 1.5 && theta[2] == 2 && theta[3] == 0 && theta[4] == 2);
    assert_true(fabs(theta[1] - rule * pow(1.6, -0.2) * sqrt(3 / 1.5)) < 1e-14);
    family->methods->measures[0].compute(family, 1, theta, &variance);
    assert_true(fabs(variance - 0.75) < 1e-15);
    free(theta);
    ouro_family_destroy(&family);
  }
}

/* Points are drawn as often as they weigh, for 1 to 9 of them: chi-square within 5 (8 of them, 5e-6). */
static void weights_are_chances(void **state) {
  (void)state;
  enum { DRAWS = 20000, POINTS = 9 };
  ouro_family *family = forgetful("0");
  for (int n = 1; n <= POINTS; n++) {
    double weights[POINTS], probability[POINTS], count[POINTS] = {0};
    for (int r = 0; r < n; r++) weights[r] = 1 + r * 5 % 7;
    double *theta = weighed(family, n, weights), sum = 0;
    const ouro_slice slice = slice_of(n, theta, DRAWS);
    double *rows = rows_of(family, &slice);
    for (int r = 0; r < DRAWS; r++) count[(int)rows[r] / 2] += 1;
    for (int r = 0; r < n; r++) sum += weights[r];
    for (int r = 0; r < n; r++) probability[r] = weights[r] / sum;
    assert_true(n > 1 ? fabs(chi_square_deviate(n, probability, count, DRAWS)) < 5 : count[0] == DRAWS);
    free(rows);
    free(theta);
  }
  ouro_family_destroy(&family);
}

/* Real samples are N(mu*, sigma^2), sigma = 2: mean and mean square of 30000 numbers within 5 standard errors. */
static void nature_is_normal(void **state) {
  (void)state;
  enum { DRAWS = 10000 };
  ouro_family *family = kde_of(3, "7");
  const ouro_slice slice = slice_of(2, family->truth, DRAWS);
  double *rows = rows_of(family, &slice), sum = 0, squares = 0;
  for (int r = 0; r < DRAWS; r++) {
    for (int k = 0; k < 3; k++) {
      const double z = (element_of(rows, DRAWS, 3, r, k) - family->truth[k]) / 2;
      sum += z;
      squares += z * z;
    }
  }
  assert_true(fabs(sum) < 5 * sqrt(3.0 * DRAWS));
  assert_true(fabs(squares - 3.0 * DRAWS) < 5 * sqrt(6.0 * DRAWS));
  free(rows);
  ouro_family_destroy(&family);
}

/* A kernel without width resamples; points that are all one are a point for good, by every rule. */
static void without_spread(void **state) {
  (void)state;
  const char *const names[3] = {"0", "scott", "silverman"};
  const double x[8] = {3, 3, 3, 3, 3, 3, 3, 3};
  for (int i = 0; i < 3; i++) {
    ouro_family *family = kde_of(1, names[i]);
    double *theta = fitted(family, 8, x);
    const ouro_slice slice = slice_of(3, theta, 300);
    double *rows = rows_of(family, &slice);
    for (int r = 0; r < 300; r++) assert_true(rows[r] == 3);
    free(rows);
    free(theta);
    ouro_family_destroy(&family);
  }
}

/* Numbers that overflow and sets that are too large have no fit. */
static void what_cannot_be_kept(void **state) {
  (void)state;
  ouro_family *family = kde_of(1, "scott");
  const double huge[2] = {-1e300, 1e300};
  double *statistic = statistic_for(family, MOST_POINTS + 1), *theta = numbers(family->n_parameters);
  ouro_count size = 2;
  for (int r = 0; r < 2; r++) ouro_family_reduce(family, huge + r, 1, statistic);
  assert_int_equal(ouro_family_fit(family, 1, &size, statistic, theta), 0);
  size = MOST_POINTS + 1;
  assert_true(family->most_samples == MOST_POINTS);
  assert_int_equal(ouro_family_fit(family, 1, &size, statistic, theta), 0);
  free(statistic);
  free(theta);
  ouro_family_destroy(&family);
}

static void bandwidths_that_are_none(void **state) {
  (void)state;
  const char *const bad[] = {"-1", "nan", "1e101", "", "0.5m", "scot", "inf"};
  for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
    ouro_config config = configured(1, bad[i]);
    char between[20];
    ouro_family *family;
    config.places = "model.bandwidth\tx.yaml:7\n";
    assert_int_equal(ouro_family_create(&config, &family), OURO_ECONFIG);
    snprintf(between, sizeof between, "`%s`", bad[i]);
    assert_true(strstr(ouro_error_message(), "x.yaml:7: model.bandwidth") && strstr(ouro_error_message(), between));
    assert_true((strcmp(bad[i], "scot") == 0) == (strstr(ouro_error_message(), "`scott`?") != NULL));
  }
}

static void too_many_points(void **state) {
  (void)state;
  ouro_config config = configured(10000, "1");
  ouro_family *family;
  config.model.points = 1000000;
  assert_int_equal(ouro_family_create(&config, &family), OURO_ECONFIG);
  assert_non_null(strstr(ouro_error_message(), "model.points"));
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(samples_are_kept),
    cmocka_unit_test(the_error_is_that_of_the_mean),
    cmocka_unit_test(rules_of_thumb),
    cmocka_unit_test(rates),
    cmocka_unit_test(draws_are_points_and_kernel),
    cmocka_unit_test(weights_count),
    cmocka_unit_test(weights_are_chances),
    cmocka_unit_test(nature_is_normal),
    cmocka_unit_test(without_spread),
    cmocka_unit_test(what_cannot_be_kept),
    cmocka_unit_test(bandwidths_that_are_none),
    cmocka_unit_test(too_many_points),
};

TEST_MAIN(tests)
