/* What family.h promises of every family: rows, slices, statistics, fits, bits, memory, keys. ranks: 1 */

#include "../support/harness.h"

#include <stdio.h>
#include <string.h>

#include "base/isa.h"
#include "experiment.h"
#include "ouro/base/memory.h"

static const char *const names[] = {"linear",   "normal-mean", "poisson",  "bernoulli",          "exponential",
                                    "gaussian", "categorical", "logistic", "poisson-regression", "huber",
                                    "kde",      "mixture"};
enum { N_NAMES = sizeof names / sizeof names[0] };

/* Run a check for every family, for both ways in which a Poisson variable is drawn, and for models that are not drawn
 * from as they are. */
static void each(void (*check)(ouro_family *family)) {
  for (int i = 0; i < N_NAMES + 2; i++) {
    ouro_config config = experiment_named(i < N_NAMES ? names[i] : i == N_NAMES ? "poisson" : "categorical");
    if (i == N_NAMES) config.model.mean = 250;
    if (i > N_NAMES) {
      config.model.temperature = 0.7;
      config.model.top_k = 6;
      config.model.top_p = 0.8;
    }
    ouro_family *family = family_of(&config);
    check(family);
    ouro_family_destroy(&family);
  }
}

static void expect_whole(const ouro_family *family) {
  assert_true(family->n_parameters >= 1 && family->row_width >= 1);
  assert_true(family->additive == (family->statistic_width > 0) && (family->additive || family->methods->unfitted));
  assert_true(family->law == OURO_LAW_NONE || family->spread.base > 0);
  assert_true(family->methods->keys[0] == ' ' && family->methods->keys[strlen(family->methods->keys) - 1] == ' ');
  assert_true(family->methods->measure && family->methods->error_units && family->methods->parameter_units);
}

static void expect_error(ouro_family *family) {
  expect_whole(family);
  double error = -1, shifted = -1;
  ouro_family_error(family, 1, family->truth, &error);
  family->truth[0] += 0.25;
  double *theta = numbers(family->n_parameters);
  memcpy(theta, family->truth, (size_t)family->n_parameters * sizeof *theta);
  theta[0] -= 0.25;
  ouro_family_error(family, 1, theta, &shifted);
  assert_true(error == 0 && shifted > 0 && shifted < 0.07);
  free(theta);
}

static void the_truth_errs_by_nothing(void **state) {
  (void)state;
  each(expect_error);
}

/* Any slicing at row blocks gives the same rows and the same statistic, bit for bit; so does absorb. */
static void expect_slices(ouro_family *family) {
  for (ouro_count n = 1; n < 2500; n = 2 * n + 37) {
    const size_t bytes = ouro_family_statistic_size(family, n) * sizeof(double);
    const ouro_slice whole = slice_of(4, family->truth, n);
    double *rows = rows_of(family, &whole), *statistic = statistic_of(family, &whole);
    for (ouro_count step = OURO_ROW_BLOCK; step <= 41 * OURO_ROW_BLOCK; step += 4 * OURO_ROW_BLOCK) {
      double *piecewise = statistic_for(family, n), *absorbed = statistic_for(family, n);
      for (ouro_count first = 0; first < n; first += step) {
        ouro_slice part = whole;
        part.first = first;
        part.n = n - first < step ? n - first : step;
        double *some = rows_of(family, &part);
        assert_memory_equal(some, rows + first * family->row_width,
                            (size_t)(part.n * family->row_width) * sizeof *rows);
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
}

static void slicing_does_not_change_a_bit(void **state) {
  (void)state;
  each(expect_slices);
}

/* A slice may end anywhere: its rows are still those of the whole feed. */
static void expect_ends(ouro_family *family) {
  const ouro_count total = 150;
  const int width = family->row_width;
  const ouro_slice whole = slice_of(5, family->truth, total);
  double *rows = rows_of(family, &whole);
  for (ouro_count first = 0; first < total; first += OURO_ROW_BLOCK) {
    for (ouro_count n = 0; first + n <= total; n++) {
      ouro_slice part = whole;
      part.first = first;
      part.n = n;
      double *some = rows_of(family, &part);
      for (ouro_count r = 0; r < n; r++) {
        for (int c = 0; c < width; c++) {
          assert_true(element_of(some, n, width, r, c) == element_of(rows, total, width, first + r, c));
        }
      }
      free(some);
    }
  }
  free(rows);
}

static void a_slice_that_ends_inside_a_block(void **state) {
  (void)state;
  each(expect_ends);
}

/* Statistics of several slices at once, the same on every instruction set; and so are fits and errors. */
static void expect_bits(ouro_family *family) {
  enum { MODELS = 11 };
  const size_t p = (size_t)family->n_parameters, room = MODELS * ouro_family_statistic_size(family, 12 + 30 * MODELS);
  double *statistics = numbers((ouro_count)room), *theta = numbers((ouro_count)(p * MODELS));
  double *first = numbers((ouro_count)(p * MODELS)), errors[OURO_ISA_COUNT][MODELS], *into[MODELS];
  ouro_slice slices[MODELS];
  ouro_count sizes[MODELS];
  for (int isa = 0; isa < OURO_ISA_COUNT; isa++) {
    if (!ouro_isa_force((ouro_isa)isa)) break;
    double *end = memset(statistics, 0, room * sizeof *statistics);
    for (int i = 0; i < MODELS; i++) {
      sizes[i] = 12 + 30 * i;
      slices[i] = slice_of(i, family->truth, sizes[i]);
      into[i] = end;
      end += ouro_family_statistic_size(family, sizes[i]);
    }
    ouro_family_absorb(family, MODELS, slices, into);
    assert_int_equal(ouro_family_fit(family, MODELS, sizes, statistics, isa ? theta : first), MODELS);
    ouro_family_error(family, MODELS, isa ? theta : first, errors[isa]);
    if (isa) assert_memory_equal(theta, first, p * MODELS * sizeof *theta);
    assert_memory_equal(errors[isa], errors[0], sizeof errors[0]);
  }
  free(statistics);
  free(theta);
  free(first);
}

static void every_instruction_set_gives_the_same_bits(void **state) {
  (void)state;
  each(expect_bits);
}

/* Merging two statistics is adding the rows of the other, to rounding; none are added to an empty one exactly. */
static void expect_merge(ouro_family *family) {
  for (ouro_count n = 1; n < 300; n += 41) {
    const ouro_slice one = slice_of(6, family->truth, n), other = slice_of(7, family->truth, 301 - n);
    const size_t size = ouro_family_statistic_size(family, 301);
    double *twin = statistic_for(family, 301), *merged = statistic_for(family, 301);
    double *first = statistic_of(family, &one), *second = statistic_of(family, &other);
    double *rows = rows_of(family, &one), *more = rows_of(family, &other);
    ouro_family_reduce(family, rows, one.n, twin);
    ouro_family_merge(family, first, merged);
    assert_memory_equal(merged, twin, size * sizeof *twin);
    ouro_family_reduce(family, more, other.n, twin);
    ouro_family_merge(family, second, merged);
    for (size_t k = 0; k < size; k++) assert_true(fabs(merged[k] - twin[k]) <= 1e-11 * (1 + fabs(twin[k])));
    free(twin);
    free(merged);
    free(first);
    free(second);
    free(rows);
    free(more);
  }
}

static void merged_statistics_hold_both(void **state) {
  (void)state;
  each(expect_merge);
}

/* The statistic of n real samples, of the samples themselves or drawn whole. */
static void real_statistic(const ouro_family *family, int64_t id, ouro_count n, bool whole, double *statistic) {
  const ouro_slice slice = slice_of(id, family->truth, n);
  if (whole)
    ouro_family_draw_statistics(family, 1, &slice, statistic);
  else
    ouro_family_absorb(family, 1, &slice, &statistic);
}

/* The mean error of 4000 fits to n real samples less what is expected, within 5 standard errors, and within 10 p/n of
 * it where theory is of first order. */
static void expect_mean_error(const ouro_family *family, ouro_count n, bool whole) {
  enum { FITS = 4000 };
  double sum = 0, squares = 0;
  double *theta = numbers(family->n_parameters);
  for (int i = 0; i < FITS; i++) {
    double error;
    double *statistic = statistic_for(family, n);
    real_statistic(family, 1000 + i, n, whole, statistic);
    assert_int_equal(ouro_family_fit(family, 1, &n, statistic, theta), 1);
    ouro_family_error(family, 1, theta, &error);
    sum += error / FITS;
    squares += error * error / FITS;
    free(statistic);
  }
  const double noise = ouro_family_noise(family, n), first_order = family->law == OURO_LAW_FIRST_ORDER;
  const double off = first_order * noise * 10 * family->n_parameters / (double)n;
  assert_true(fabs(sum - noise) < off + 5 * sqrt((squares - sum * sum) / FITS));
  free(theta);
}

/* The expected error of a fit to n real samples is noise(n), unless n is too small: 11 families, some drawn from in two
 * ways, 2e-5 in all were errors normal. */
static void expect_noise(ouro_family *family) {
  if (family->law == OURO_LAW_NONE) return;
  expect_mean_error(family, 60, false);
  if (family->methods->draw_statistics) {
    expect_mean_error(family, 60, true);
    expect_mean_error(family, 100000, true);
  }
  assert_true(isinf(ouro_family_noise(family, 0)));
  assert_true(ouro_family_eta(family, 1000) >= 0 && ouro_family_eta(family, 1000) < 0.1);
}

static void noise_is_the_error_of_a_fit(void **state) {
  (void)state;
  each(expect_noise);
}

/* ---- statistics without samples ---- */

/* What is drawn from: the truth, and a model that is not it. */
static void shift(const ouro_family *family, double *theta) {
  const int p = family->n_parameters;
  memcpy(theta, family->truth, (size_t)p * sizeof *theta);
  for (int k = 0; k + 1 < p; k += 2) { /* keeps the sum of probabilities */
    theta[k] += 0.05;
    theta[k + 1] -= 0.05;
  }
  if (p == 1) theta[0] += 0.05;
}

/* A statistic is a function of its slice: drawn in any company, on any instruction set, into anything. */
static void expect_statistics(ouro_family *family) {
  enum { SLICES = 70 };
  if (family->methods->draw_statistics == NULL) return;
  const size_t width = (size_t)family->statistic_width;
  double *theta = numbers(family->n_parameters);
  double *alone = numbers((ouro_count)(SLICES * width)), *together = numbers((ouro_count)(SLICES * width));
  ouro_slice slices[SLICES];
  shift(family, theta);
  for (int i = 0; i < SLICES; i++) {
    slices[i] = slice_of(i, i % 3 ? theta : family->truth, i % 7 == 6 ? 1000 * i : 1 + i % 40);
  }
  ouro_isa_force(OURO_ISA_SCALAR);
  for (size_t i = 0; i < SLICES; i++) ouro_family_draw_statistics(family, 1, &slices[i], alone + i * width);
  for (int isa = 0; isa < OURO_ISA_COUNT; isa++) {
    if (!ouro_isa_force((ouro_isa)isa)) break;
    for (size_t k = 0; k < SLICES * width; k++) together[k] = 77;
    ouro_family_draw_statistics(family, SLICES, slices, together);
    assert_memory_equal(together, alone, SLICES * width * sizeof *alone);
    ouro_family_draw_statistics(family, 5, slices + 3, together);
    assert_memory_equal(together, alone + 3 * width, 5 * width * sizeof *alone);
  }
  free(theta);
  free(alone);
  free(together);
}

static void statistics_depend_on_their_slice_alone(void **state) {
  (void)state;
  each(expect_statistics);
}

static int compare_numbers(const void *a, const void *b) {
  const double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

/* sqrt(n / 2) times the largest distance of the distributions of two times n numbers (Smirnov). */
static double distance(int n, double *x, double *y) {
  double largest = 0;
  qsort(x, (size_t)n, sizeof *x, compare_numbers);
  qsort(y, (size_t)n, sizeof *y, compare_numbers);
  for (int i = 0, j = 0; i < n && j < n;) {
    const double least = fmin(x[i], y[j]);
    while (i < n && x[i] <= least) i++;
    while (j < n && y[j] <= least) j++;
    largest = fmax(largest, fabs((double)(i - j)) / n);
  }
  return largest * sqrt(0.5 * n);
}

/* Along a direction, rounded so that sums in another order are equal. */
static double along(int width, const double *direction, const double *statistic) {
  double sum = 0;
  for (int k = 0; k < width; k++) sum += direction[k] * statistic[k];
  return sum == 0 ? 0 : round(sum * 1e9) / 1e9;
}

/* Statistics of m samples and those of their rows along one direction in the space of statistics. */
static double apart(const ouro_family *family, const double *theta, ouro_count m, int64_t id) {
  enum { DRAWS = 3000 };
  const int width = family->statistic_width;
  double *statistic = numbers(width), *rows = numbers(width), *direction = numbers(width);
  double drawn[DRAWS], reduced[DRAWS];
  const ouro_stream stream = slice_of(-id, NULL, 1).stream;
  ouro_random_normals(&stream, 0, (size_t)width, direction);
  for (int i = 0; i < DRAWS; i++) {
    const ouro_slice one = slice_of(id * DRAWS + i, theta, m), other = slice_of((id + 100) * DRAWS + i, theta, m);
    ouro_family_draw_statistics(family, 1, &one, statistic);
    memset(rows, 0, (size_t)width * sizeof *rows);
    ouro_family_absorb(family, 1, &other, &rows);
    drawn[i] = along(width, direction, statistic);
    reduced[i] = along(width, direction, rows);
  }
  free(statistic);
  free(rows);
  free(direction);
  return distance(DRAWS, drawn, reduced);
}

/* Smirnov's distance below 2.9, 1e-7 each; some 200 of them. Few samples, as many as parameters, many; truth and not.
 */
static void expect_law(ouro_family *family) {
  static const ouro_count sizes[] = {1, 2, 3, 4, 9, 40, 300};
  if (family->methods->draw_statistics == NULL) return;
  double *theta = numbers(family->n_parameters);
  shift(family, theta);
  for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
    assert_true(apart(family, family->truth, sizes[i], 1 + (int64_t)i) < 2.9);
    assert_true(apart(family, theta, sizes[i], 11 + (int64_t)i) < 2.9);
  }
  free(theta);
}

static void statistics_have_the_law_of_samples(void **state) {
  (void)state;
  each(expect_law);
}

/* ---- the limit of many samples ---- */

/* Scattering is linear, and errors are quadratic forms: the expected error of what is scattered is the sum of those of
 * the scattered unit vectors, and equals the spread. Any number of vectors at once. */
static void expect_scatter(ouro_family *family) {
  const ouro_family_methods *methods = family->methods;
  if (methods->scatter == NULL || family->law == OURO_LAW_NONE) return;
  const int p = family->n_parameters;
  const double length = 1e-3;
  double *z = numbers((ouro_count)p * p), *one = numbers(p), *errors = numbers(p), sum = 0;
  for (int k = 0; k < p; k++) z[(ptrdiff_t)k * p + k] = 1;
  one[p - 1] = 1;
  methods->scatter(family, p, z);
  methods->scatter(family, 1, one);
  assert_memory_equal(one, z + (ptrdiff_t)(p - 1) * p, (size_t)p * sizeof *one);
  for (ptrdiff_t k = 0; k < (ptrdiff_t)p * p; k++) z[k] = family->truth[k % p] + length * z[k];
  ouro_family_error(family, p, z, errors);
  for (int k = 0; k < p; k++) sum += errors[k] / (length * length);
  assert_true(fabs(sum - family->spread.base) < 1e-7 * family->spread.base);
  free(z);
  free(one);
  free(errors);
}

static void scattered_models_err_by_the_spread(void **state) {
  (void)state;
  each(expect_scatter);
}

/* Covariance of what is scattered along the axes and all sums of two of them, against that of 1500 fits to m real
 * samples: both variances within 5 standard errors, 1e-6 each, and O(1/m) apart. */
static void sums_of_two(int p, const double *theta, const double *centre, double *variance) {
  for (int j = 0; j < p; j++) {
    for (int k = 0; k <= j; k++) {
      const double one = theta[j] - centre[j], other = k < j ? theta[k] - centre[k] : 0;
      *variance++ += (one + other) * (one + other);
    }
  }
}

static void expect_covariance(ouro_family *family) {
  enum { DRAWS = 1500, SIZE = 2000 };
  if (family->methods->scatter == NULL || family->law == OURO_LAW_NONE) return;
  const int p = family->n_parameters, pairs = p * (p + 1) / 2;
  double *z = numbers(p), *none = numbers(p), *theta = numbers(p);
  double *scattered = numbers(pairs), *fitted = numbers(pairs);
  const ouro_count size = SIZE;
  for (int i = 0; i < DRAWS; i++) {
    const ouro_slice slice = slice_of(20000 + i, family->truth, SIZE);
    const ouro_stream stream = slice_of(-20000 - i, NULL, 1).stream;
    double *statistic = statistic_for(family, SIZE);
    ouro_family_absorb(family, 1, &slice, &statistic);
    assert_int_equal(ouro_family_fit(family, 1, &size, statistic, theta), 1);
    ouro_random_normals(&stream, 0, (size_t)p, z);
    family->methods->scatter(family, 1, z);
    sums_of_two(p, z, none, scattered);
    sums_of_two(p, theta, family->truth, fitted);
    free(statistic);
  }
  for (int k = 0; k < pairs; k++) {
    assert_true(fabs(fitted[k] * SIZE / scattered[k] - 1) < 5 * sqrt(4.0 / DRAWS) + 20.0 * p / SIZE);
  }
  free(z);
  free(none);
  free(theta);
  free(scattered);
  free(fitted);
}

static void scattered_models_vary_as_fits_do(void **state) {
  (void)state;
  each(expect_covariance);
}

/* Let each allocation of a creation fail once: it fails cleanly, and succeeds when none does. */
static void expect_failures(const ouro_config *config) {
  ouro_family *family;
  int64_t n = 1;
  for (;; n++) {
    ouro_memory_fail_at(n);
    const ouro_status status = ouro_family_create(config, &family);
    ouro_memory_fail_at(0);
    if (status == OURO_OK) break;
    assert_int_equal(status, OURO_ENOMEM);
    assert_null(family);
  }
  assert_true(n > 3);
  ouro_family_destroy(&family);
}

static void allocation_failures_are_reported(void **state) {
  (void)state;
  for (int i = 0; i < N_NAMES; i++) {
    ouro_config config = experiment_named(names[i]);
    expect_failures(&config);
    config.learning.sampling = OURO_SAMPLING_LIMIT;
    if (strcmp(names[i], "kde") != 0) expect_failures(&config);
  }
}

/* Each key of `model` is taken by some families and refused, with its place, by the others. */
static void keys_that_a_family_does_not_take(void **state) {
  (void)state;
  const char *key;
  for (int k = 0; (key = ouro_config_key("model", k)) != NULL; k++) {
    int taken = 0;
    for (int i = 0; i < N_NAMES && strcmp(key, "family") != 0; i++) {
      char places[100], path[60], between[60];
      snprintf(path, sizeof path, "x.yaml:7: model.%s:", key);
      snprintf(places, sizeof places, "graph.file\tx.yaml:2\nmodel.%s\tx.yaml:7\n", key);
      snprintf(between, sizeof between, " %s ", key);
      ouro_config config = experiment_named(names[i]);
      ouro_family *family = family_of(&config);
      const bool takes = strstr(family->methods->keys, between) != NULL;
      ouro_family_destroy(&family);
      config.places = places;
      const ouro_status status = ouro_family_create(&config, &family);
      assert_int_equal(status, takes ? OURO_OK : OURO_ECONFIG);
      taken += takes;
      if (status != OURO_OK) assert_true(strstr(ouro_error_message(), path) && strstr(ouro_error_message(), names[i]));
      ouro_family_destroy(&family);
    }
    assert_true(strcmp(key, "family") == 0 || (taken > 0 && taken < N_NAMES));
  }
}

static int widest_again(void **state) {
  (void)state;
  for (int isa = 0; isa < OURO_ISA_COUNT; isa++) ouro_isa_force((ouro_isa)isa);
  return 0;
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(the_truth_errs_by_nothing),
    cmocka_unit_test(slicing_does_not_change_a_bit),
    cmocka_unit_test(a_slice_that_ends_inside_a_block),
    cmocka_unit_test_teardown(every_instruction_set_gives_the_same_bits, widest_again),
    cmocka_unit_test(merged_statistics_hold_both),
    cmocka_unit_test(noise_is_the_error_of_a_fit),
    cmocka_unit_test_teardown(statistics_depend_on_their_slice_alone, widest_again),
    cmocka_unit_test(statistics_have_the_law_of_samples),
    cmocka_unit_test(scattered_models_err_by_the_spread),
    cmocka_unit_test(scattered_models_vary_as_fits_do),
    cmocka_unit_test(allocation_failures_are_reported),
    cmocka_unit_test(keys_that_a_family_does_not_take),
};

TEST_MAIN(tests)
