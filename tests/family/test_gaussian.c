/* Mean and covariance of a normal distribution. ranks: 1
 * Statistical tests use fixed seeds; each says the chance that correct code would have failed it. */

#include "../support/harness.h"

#include <string.h>

#include "experiment.h"
#include "family/ball.h"

static ouro_family *gaussian(int d, ouro_variance variance, ouro_covariates law) {
  ouro_config config = experiment_named("gaussian");
  config.model.dimension = d;
  config.model.variance = variance;
  config.model.covariates = law;
  return family_of(&config);
}

/* Element j, k of the covariance that a parameter vector stands for. */
static double covariance_of(int d, const double *theta, int j, int k) {
  const double *a = theta + d + j * (j + 1) / 2, *b = theta + d + k * (k + 1) / 2;
  double sum = 0;
  for (int l = 0; l <= j && l <= k; l++) sum += a[l] * b[l];
  return sum;
}

static double trace_of(int d, const double *theta) {
  double sum = 0;
  for (int j = 0; j < d; j++) sum += covariance_of(d, theta, j, j);
  return sum;
}

static void the_true_covariance_is_that_of_the_configuration(void **state) {
  (void)state;
  for (int law = 0; law < N_LAWS; law++) {
    for (int d = 1; d < 9; d++) {
      const ouro_config like = experiment_of(d, 1.5, (ouro_covariates)law, 0);
      ouro_family *family = gaussian(d, OURO_VARIANCE_ML, (ouro_covariates)law);
      double trace = 0;
      for (int j = 0; j < d; j++) {
        trace += 2.25 * sigma_of(&like, j, j);
        for (int k = 0; k < d; k++) {
          assert_true(fabs(covariance_of(d, family->truth, j, k) - 2.25 * sigma_of(&like, j, k)) < 1e-14);
        }
      }
      assert_true(fabs(family->spread.base - trace) < 1e-13 * trace);
      assert_true(family->n_parameters == d + d * (d + 1) / 2 && family->spread.curvature == -1);
      ouro_family_destroy(&family);
    }
  }
}

/* The covariance of 2^17 rows, each of 15 elements within 5 standard errors: 1e-5; the means within 5 too. */
static void rows_have_the_specified_law(void **state) {
  (void)state;
  const int d = 5;
  const ouro_count n = 1 << 17;
  ouro_family *family = gaussian(d, OURO_VARIANCE_ML, OURO_COVARIATES_AR1);
  double *theta = family->truth, moment[5][5] = {{0}}, mean[5] = {0};
  for (int j = 0; j < d; j++) theta[j] = 10 * j - 7;
  const ouro_slice slice = slice_of(2, theta, n);
  double *rows = rows_of(family, &slice);
  for (ouro_count r = 0; r < n; r++) {
    for (int j = 0; j < d; j++) {
      const double x = element_of(rows, n, d, r, j) - theta[j];
      mean[j] += x / (double)n;
      for (int k = 0; k <= j; k++) moment[j][k] += x * (element_of(rows, n, d, r, k) - theta[k]) / (double)n;
    }
  }
  for (int j = 0; j < d; j++) {
    const double variance = covariance_of(d, theta, j, j);
    assert_true(fabs(mean[j]) < 5 * sqrt(variance / (double)n));
    for (int k = 0; k <= j; k++) {
      const double expected = covariance_of(d, theta, j, k), other = covariance_of(d, theta, k, k);
      assert_true(fabs(moment[j][k] - expected) < 5 * sqrt((variance * other + expected * expected) / (double)n));
    }
  }
  free(rows);
  ouro_family_destroy(&family);
}

/* Mean and covariance of rows by two passes in long double. Training sets up to d samples have singular ones. */
static void fits_are_moments_of_rows(void **state) {
  (void)state;
  static const ouro_count sizes[] = {2, 3, 4, 5, 9, 63, 64, 65, 130, 1000};
  for (int d = 1; d < 7; d++) {
    for (int unbiased = 0; unbiased < 2; unbiased++) {
      ouro_family *family = gaussian(d, unbiased ? OURO_VARIANCE_UNBIASED : OURO_VARIANCE_ML, OURO_COVARIATES_POWER);
      assert_int_equal(family->least_samples, 1 + unbiased);
      assert_int_equal(family->spread.fitted, unbiased);
      for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        const ouro_count n = sizes[i];
        const ouro_slice slice = slice_of(3, family->truth, n);
        double *rows = rows_of(family, &slice), *statistic = statistic_of(family, &slice), theta[27];
        long double mean[6] = {0};
        assert_int_equal(ouro_family_fit(family, 1, &n, statistic, theta), 1);
        for (int j = 0; j < d; j++) {
          for (ouro_count r = 0; r < n; r++) mean[j] += (long double)element_of(rows, n, d, r, j) / n;
          assert_true(fabsl(theta[j] - mean[j]) < 1e-14);
          for (int k = 0; k <= j; k++) {
            long double sum = 0;
            for (ouro_count r = 0; r < n; r++) {
              sum += (element_of(rows, n, d, r, j) - mean[j]) * (element_of(rows, n, d, r, k) - mean[k]);
            }
            assert_true(fabsl(covariance_of(d, theta, j, k) - sum / (n - unbiased)) < (n <= d ? 1e-7 : 1e-13));
          }
        }
        free(rows);
        free(statistic);
      }
      ouro_family_destroy(&family);
    }
  }
}

/* How a covariance moves, element j, k, where its factor moves as `step` says. */
static double move_of(int d, const double *theta, const double *step, int j, int k) {
  double sum = 0;
  for (int l = 0; l <= j && l <= k; l++) {
    const int a = d + j * (j + 1) / 2 + l, b = d + k * (k + 1) / 2 + l;
    sum += step[a] * theta[b] + theta[a] * step[b];
  }
  return sum;
}

/* What becomes of the unit vectors are the columns of a root of J, in which mean and covariance are independent; that
 * of the mean is Sigma, and S_jk has covariance Sigma_ja Sigma_kb + Sigma_jb Sigma_ka with S_ab (Wishart). */
static void large_samples_scatter_by_wisharts_law(void **state) {
  (void)state;
  for (int i = 0; i < N_LAWS * 4; i++) {
    const int d = i % 4 + 1, p = d + d * (d + 1) / 2;
    ouro_family *family = gaussian(d, OURO_VARIANCE_ML, (ouro_covariates)(i / 4));
    const double *theta = family->truth;
    double *root = numbers(p * p);
    for (int k = 0; k < p; k++) root[k * p + k] = 1;
    family->methods->scatter(family, p, root);
    for (int at = 0; at < d * d * d * d; at++) {
      const int j = at % d, k = at / d % d, a = at / d / d % d, b = at / d / d / d;
      double moved = 0, mean = 0, both = 0;
      for (const double *step = root; step < root + p * p; step += p) {
        mean += step[j] * step[k];
        both += step[j] * move_of(d, theta, step, a, b);
        moved += move_of(d, theta, step, j, k) * move_of(d, theta, step, a, b);
      }
      const double expected = covariance_of(d, theta, j, a) * covariance_of(d, theta, k, b) +
                              covariance_of(d, theta, j, b) * covariance_of(d, theta, k, a);
      assert_true(fabs(mean - covariance_of(d, theta, j, k)) < 1e-13 && both == 0);
      assert_true(fabs(moved - expected) < 1e-13);
    }
    free(root);
    ouro_family_destroy(&family);
  }
}

/* A model that is a point draws that point, and what is fitted to it is that point again: exactly no variance. */
static void a_point_stays_a_point(void **state) {
  (void)state;
  for (int unbiased = 0; unbiased < 2; unbiased++) {
    const int d = 3;
    ouro_family *family = gaussian(d, unbiased ? OURO_VARIANCE_UNBIASED : OURO_VARIANCE_ML, OURO_COVARIATES_ISOTROPIC);
    double theta[9] = {0.1, -1e3, 1 / 3.0}, next[9];
    for (ouro_count n = 2; n < 100000; n = 3 * n + 1) {
      const ouro_slice slice = slice_of(n, theta, n);
      double *rows = rows_of(family, &slice), *statistic = statistic_of(family, &slice);
      for (ouro_count r = 0; r < n; r++) {
        for (int j = 0; j < d; j++) assert_true(element_of(rows, n, d, r, j) == theta[j]);
      }
      assert_int_equal(ouro_family_fit(family, 1, &n, statistic, next), 1);
      for (int j = 0; j < d; j++) assert_true(fabs(next[j] - theta[j]) < 1e-12 * fabs(theta[j]));
      for (int k = d; k < 9; k++) assert_true(next[k] == 0);
      free(rows);
      free(statistic);
    }
    ouro_family_destroy(&family);
  }
}

/* The more samples, the more rounding their sums carry; it may fall on either side of 0. */
static void a_point_of_many_samples_stays_a_point(void **state) {
  (void)state;
  ouro_family *family = gaussian(1, OURO_VARIANCE_ML, OURO_COVARIATES_ISOTROPIC);
  const ouro_count n = (1 << 24) + 1;
  for (int i = 0; i < 8; i++) {
    const double theta[2] = {i / 7.0 - 3, 0};
    double next[2], *statistic = numbers(2);
    const ouro_slice slice = slice_of(1, theta, n);
    ouro_family_absorb(family, 1, &slice, &statistic);
    assert_int_equal(ouro_family_fit(family, 1, &n, statistic, next), 1);
    assert_true(fabs(next[0] - theta[0]) < 1e-9 && next[1] == 0);
    free(statistic);
  }
  ouro_family_destroy(&family);
}

/* One sample, by maximum likelihood: a point. Two in three dimensions: a line, on which all that is drawn lies. */
static void singular_covariances_are_models(void **state) {
  (void)state;
  const int d = 3;
  ouro_family *family = gaussian(d, OURO_VARIANCE_ML, OURO_COVARIATES_AR1);
  double theta[9];
  ouro_slice slice = slice_of(11, family->truth, 1);
  double *row = rows_of(family, &slice), *statistic = statistic_of(family, &slice);
  assert_int_equal(ouro_family_fit(family, 1, &slice.n, statistic, theta), 1);
  for (int k = 0; k < 9; k++) assert_true(k < d ? fabs(theta[k] - row[k]) < 1e-15 : theta[k] == 0);
  free(row);
  free(statistic);
  slice.n = slice.total = 2;
  statistic = statistic_of(family, &slice);
  assert_int_equal(ouro_family_fit(family, 1, &slice.n, statistic, theta), 1);
  free(statistic);
  assert_true(theta[d] > 0 && theta[d + 2] == 0 && theta[d + 5] == 0);
  const double line[3] = {theta[d], theta[d + 1], theta[d + 3]};
  slice = slice_of(12, theta, 40);
  double *rows = rows_of(family, &slice);
  for (ouro_count r = 0; r < 40; r++) {
    const double along = (element_of(rows, 40, d, r, 0) - theta[0]) / line[0];
    for (int j = 0; j < d; j++) {
      assert_true(fabs(element_of(rows, 40, d, r, j) - theta[j] - along * line[j]) < 1e-12);
    }
  }
  free(rows);
  ouro_family_destroy(&family);
}

/* A model on itself. With 5 samples its variance falls beneath what its distance from the truth lets the sums resolve;
 * from there on it is a point. Nothing on the way is negative or NaN. */
static void a_lonely_model_ends_as_a_point(void **state) {
  (void)state;
  const int d = 2;
  ouro_family *family = gaussian(d, OURO_VARIANCE_ML, OURO_COVARIATES_AR1);
  double theta[5];
  const ouro_count n = 5;
  memcpy(theta, family->truth, sizeof theta);
  for (int t = 0; t < 1000; t++) {
    const ouro_slice slice = slice_of(5000 + t, theta, n);
    double *statistic = statistic_of(family, &slice);
    assert_int_equal(ouro_family_fit(family, 1, &n, statistic, theta), 1);
    free(statistic);
    for (int k = 0; k < 5; k++) assert_true(isfinite(theta[k]) && fabs(theta[k]) < 100);
    assert_true(theta[2] >= 0 && theta[4] >= 0);
  }
  assert_true(theta[2] == 0 && theta[3] == 0 && theta[4] == 0);
  ouro_family_destroy(&family);
}

/* A variance of 1e-8 at a distance of 30 from the truth: relative error below 1e-4. */
static void small_variances_are_resolved(void **state) {
  (void)state;
  ouro_family *family = gaussian(1, OURO_VARIANCE_UNBIASED, OURO_COVARIATES_ISOTROPIC);
  const double theta[2] = {family->truth[0] + 30, 1e-4};
  const ouro_count n = 500;
  const ouro_slice slice = slice_of(1, theta, n);
  double *rows = rows_of(family, &slice), *statistic = statistic_of(family, &slice), fitted[2];
  long double mean = 0, squares = 0;
  for (ouro_count r = 0; r < n; r++) mean += (long double)rows[r] / n;
  for (ouro_count r = 0; r < n; r++) squares += (rows[r] - mean) * (rows[r] - mean);
  assert_int_equal(ouro_family_fit(family, 1, &n, statistic, fitted), 1);
  assert_true(fabsl(fitted[1] * fitted[1] * (double)(n - 1) / squares - 1) < 1e-4L);
  free(rows);
  free(statistic);
  ouro_family_destroy(&family);
}

/* Variances of 4000 models on themselves after `generations` fits of n samples: mean of v, mean of ln v and their
 * standard errors. */
static void chain(ouro_variance variance, ouro_count n, int generations, double moments[4]) {
  enum { MODELS = 4000 };
  const int d = 1;
  ouro_family *family = gaussian(d, variance, OURO_COVARIATES_ISOTROPIC);
  memset(moments, 0, 4 * sizeof *moments);
  for (int i = 0; i < MODELS; i++) {
    double theta[2];
    memcpy(theta, family->truth, sizeof theta);
    for (int t = 0; t < generations; t++) {
      const ouro_slice slice = slice_of(100 * i + t, theta, n);
      double *statistic = statistic_of(family, &slice);
      assert_int_equal(ouro_family_fit(family, 1, &n, statistic, theta), 1);
      free(statistic);
    }
    const double v = trace_of(d, theta) / family->spread.base;
    moments[0] += v / MODELS;
    moments[1] += v * v / MODELS;
    moments[2] += log(v) / MODELS;
    moments[3] += log(v) * log(v) / MODELS;
  }
  moments[1] = sqrt((moments[1] - moments[0] * moments[0]) / MODELS);
  moments[3] = sqrt((moments[3] - moments[2] * moments[2]) / MODELS);
  ouro_family_destroy(&family);
}

/* THEORY.md section 12, R4 and R5: E v = s^2 (1 - 1/n)^g by maximum likelihood; E ln v = ln s^2 + g [psi((n-1)/2) +
 * ln(2/(n-1))] unbiased, psi(5) = 25/12 - 0.5772156649. Within 5 standard errors: 1e-6 each. */
static void chains_follow_published_results(void **state) {
  (void)state;
  double moments[4];
  chain(OURO_VARIANCE_ML, 11, 8, moments);
  assert_true(fabs(moments[0] - pow(10.0 / 11, 8)) < 5 * moments[1]);
  chain(OURO_VARIANCE_UNBIASED, 11, 8, moments);
  assert_true(fabs(moments[0] - 1) < 5 * moments[1]);
  assert_true(fabs(moments[2] - 8 * (25.0 / 12 - 0.5772156649 + log(0.2))) < 5 * moments[3]);
}

/* As models are drawn from: x = mean + sqrt(T) L z, z within the ball of mass top_p. */
static ouro_family *shaped(int d, double temperature, double top_p) {
  ouro_config config = experiment_named("gaussian");
  config.model.dimension = d;
  config.model.temperature = temperature;
  config.model.top_p = top_p;
  return family_of(&config);
}

static void nature_is_drawn_as_it_is(void **state) {
  (void)state;
  const int d = 3;
  const ouro_count n = 300;
  ouro_family *plain = shaped(d, 1, 1), *cool = shaped(d, 0.25, 1), *cut = shaped(d, 1, 0.5), *still = shaped(d, 0, 1);
  double model[9];
  memcpy(model, plain->truth, sizeof model);
  ouro_slice slice = slice_of(1, model, n);
  double *rows = rows_of(plain, &slice), *cooled = rows_of(cool, &slice), *within = rows_of(cut, &slice);
  double *points = rows_of(still, &slice);
  int moved = 0;
  for (ouro_count r = 0; r < n; r++) {
    for (int c = 0; c < d; c++) {
      const double x = element_of(rows, n, d, r, c) - model[c];
      assert_true(fabs(element_of(cooled, n, d, r, c) - model[c] - 0.5 * x) < 1e-14);
      assert_true(element_of(points, n, d, r, c) == model[c]);
      moved += fabs(element_of(within, n, d, r, c) - model[c]) < fabs(x);
    }
  }
  assert_int_equal(moved, d * n);
  assert_true(!plain->spread.fitted && cool->spread.fitted == OURO_FITTED_ML && cool->spread.drawn == 0.25);
  assert_true(cut->spread.fitted == OURO_FITTED_ML && fabs(cut->spread.drawn - 0.40693947) < 1e-8); /* SciPy */
  ouro_family *const all[] = {plain, cool, cut, still};
  for (int i = 0; i < 4; i++) {
    slice.theta = all[i]->truth;
    double *real = rows_of(all[i], &slice);
    assert_memory_equal(real, rows, (size_t)(n * d) * sizeof *rows);
    free(real);
    ouro_family_destroy((ouro_family *[]){all[i]});
  }
  free(rows);
  free(cooled);
  free(within);
  free(points);
}

/* T times the variance of a normal vector within the ball times the covariance: elements of 2^16 rows within 5 standard
 * errors (of normal rows, whose products scatter most): 1e-5 in all. */
static void shaped_rows_have_the_specified_covariance(void **state) {
  (void)state;
  const int d = 3;
  const ouro_count n = 1 << 16;
  const double temperatures[] = {0.5, 4, 1}, top_p[] = {1, 0.8, 0.2};
  for (int i = 0; i < 3; i++) {
    ouro_family *family = shaped(d, temperatures[i], top_p[i]);
    ouro_ball ball;
    double theta[9], moment[3][3] = {{0}};
    memcpy(theta, family->truth, sizeof theta);
    const ouro_slice slice = slice_of(2, theta, n);
    double *rows = rows_of(family, &slice);
    assert_int_equal(ouro_ball_create(d, top_p[i], &ball), OURO_OK);
    const double factor = temperatures[i] * ouro_ball_variance(&ball);
    for (ouro_count r = 0; r < n; r++) {
      for (int j = 0; j < d; j++) {
        const double x = element_of(rows, n, d, r, j) - theta[j];
        for (int k = 0; k <= j; k++) moment[j][k] += x * (element_of(rows, n, d, r, k) - theta[k]) / (double)n;
      }
    }
    for (int j = 0; j < d; j++) {
      for (int k = 0; k <= j; k++) {
        const double expected = covariance_of(d, theta, j, k);
        const double scatter = covariance_of(d, theta, j, j) * covariance_of(d, theta, k, k) + expected * expected;
        assert_true(fabs(moment[j][k] / factor - expected) < 5 * sqrt(scatter / (double)n));
      }
    }
    ouro_ball_clear(&ball);
    free(rows);
    ouro_family_destroy(&family);
  }
}

/* A model alone, T = 0: generation 1 is a point, and stays it. T = 4: its variance grows until a fit is not finite. */
static void a_model_alone_freezes_or_boils(void **state) {
  (void)state;
  const ouro_count n = 5;
  for (int hot = 0; hot < 2; hot++) {
    ouro_family *family = shaped(2, 4 * hot, 1);
    double theta[5], error = 0;
    memcpy(theta, family->truth, sizeof theta);
    int t = 0;
    for (; t < 3000 && isfinite(error); t++) {
      const ouro_slice slice = slice_of(t, theta, n);
      double *statistic = statistic_of(family, &slice);
      assert_int_equal(ouro_family_fit(family, 1, &n, statistic, theta), 1);
      ouro_family_error(family, 1, theta, &error);
      free(statistic);
      for (int k = 2; k < 5 && !hot; k++) assert_true(theta[k] == 0);
      for (int k = 0; k < 2 && !hot; k++) assert_true(fabs(theta[k] - family->truth[k]) < 1e-12);
    }
    assert_true(hot ? t > 300 && t < 3000 : t == 3000);
    ouro_family_destroy(&family);
  }
}

/* E v = s^2 (1 - 1/n) (tau (1 - 1/n))^(g-1): tau is what a draw makes of a variance. 4000 chains of 6 generations,
 * within 5 standard errors: 1e-6 each. */
static void variances_follow_the_temperature(void **state) {
  (void)state;
  const double temperatures[] = {0.7, 1.2, 1}, top_p[] = {1, 0.9, 0.6};
  enum { CHAINS = 4000, FITS = 6 };
  const ouro_count n = 11;
  for (int i = 0; i < 3; i++) {
    ouro_family *family = shaped(1, temperatures[i], top_p[i]);
    ouro_ball ball;
    double mean = 0, square = 0;
    assert_int_equal(ouro_ball_create(1, top_p[i], &ball), OURO_OK);
    for (int k = 0; k < CHAINS; k++) {
      double theta[2];
      for (int t = 0; t < FITS; t++) {
        const ouro_slice slice = slice_of(FITS * k + t, t == 0 ? family->truth : theta, n);
        double *statistic = statistic_of(family, &slice);
        assert_int_equal(ouro_family_fit(family, 1, &n, statistic, theta), 1);
        free(statistic);
      }
      const double v = theta[1] * theta[1] / family->spread.base;
      mean += v / CHAINS;
      square += v * v / CHAINS;
    }
    const double shrinking = 10.0 / 11, factor = temperatures[i] * ouro_ball_variance(&ball);
    const double expected = shrinking * pow(factor * shrinking, FITS - 1);
    assert_true(fabs(mean - expected) < 5 * sqrt((square - mean * mean) / CHAINS));
    ouro_ball_clear(&ball);
    ouro_family_destroy(&family);
  }
}

static void shapes_out_of_range_are_refused(void **state) {
  (void)state;
  const double rows[][2] = {{-1, 1}, {NAN, 1}, {INFINITY, 1}, {1, -0.1}, {1, 1.1}, {1, NAN}};
  for (int i = 0; i < 6; i++) {
    ouro_config config = experiment_named("gaussian");
    ouro_family *family;
    config.model.temperature = rows[i][0];
    config.model.top_p = rows[i][1];
    assert_int_equal(ouro_family_create(&config, &family), OURO_ECONFIG);
    assert_true(strstr(ouro_error_message(), i < 3 ? "model.temperature" : "model.top_p") != NULL);
  }
}

static void too_few_samples_are_refused(void **state) {
  (void)state;
  ouro_family *family = gaussian(1, OURO_VARIANCE_UNBIASED, OURO_COVARIATES_ISOTROPIC);
  const ouro_count sizes[3] = {5, 1, 5};
  double statistics[6] = {1, 0, 1, 0, 1, 0}, theta[6];
  assert_int_equal(ouro_family_fit(family, 3, sizes, statistics, theta), 1);
  ouro_family_destroy(&family);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(the_true_covariance_is_that_of_the_configuration),
    cmocka_unit_test(rows_have_the_specified_law),
    cmocka_unit_test(fits_are_moments_of_rows),
    cmocka_unit_test(large_samples_scatter_by_wisharts_law),
    cmocka_unit_test(a_point_stays_a_point),
    cmocka_unit_test(a_point_of_many_samples_stays_a_point),
    cmocka_unit_test(singular_covariances_are_models),
    cmocka_unit_test(a_lonely_model_ends_as_a_point),
    cmocka_unit_test(small_variances_are_resolved),
    cmocka_unit_test(chains_follow_published_results),
    cmocka_unit_test(nature_is_drawn_as_it_is),
    cmocka_unit_test(shaped_rows_have_the_specified_covariance),
    cmocka_unit_test(a_model_alone_freezes_or_boils),
    cmocka_unit_test(variances_follow_the_temperature),
    cmocka_unit_test(shapes_out_of_range_are_refused),
    cmocka_unit_test(too_few_samples_are_refused),
};

TEST_MAIN(tests)
