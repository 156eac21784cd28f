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

/* Run a check for every family, and for both ways in which a Poisson variable is drawn. */
static void each(void (*check)(ouro_family *family)) {
  for (int i = 0; i <= N_NAMES; i++) {
    ouro_config config = experiment_named(i < N_NAMES ? names[i] : "poisson");
    if (i == N_NAMES) config.model.mean = 250;
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

/* The expected error of a fit to n real samples is noise(n), unless n is too small: 4000 fits, within 5 standard errors
 * (11 families, 7e-6 in all were they normal), and within 10 p/n of it where theory is of first order. */
static void expect_noise(ouro_family *family) {
  enum { FITS = 4000, SIZE = 60 };
  if (family->law == OURO_LAW_NONE) return;
  double sum = 0, squares = 0;
  double *theta = numbers(family->n_parameters);
  const ouro_count size = SIZE;
  for (int i = 0; i < FITS; i++) {
    double error;
    const ouro_slice slice = slice_of(1000 + i, family->truth, SIZE);
    double *statistic = statistic_for(family, SIZE);
    ouro_family_absorb(family, 1, &slice, &statistic);
    assert_int_equal(ouro_family_fit(family, 1, &size, statistic, theta), 1);
    ouro_family_error(family, 1, theta, &error);
    sum += error / FITS;
    squares += error * error / FITS;
    free(statistic);
  }
  const double noise = ouro_family_noise(family, SIZE), first_order = family->law == OURO_LAW_FIRST_ORDER;
  const double off = first_order * noise * 10 * family->n_parameters / SIZE;
  assert_true(fabs(sum - noise) < off + 5 * sqrt((squares - sum * sum) / FITS));
  assert_true(isinf(ouro_family_noise(family, 0)));
  assert_true(ouro_family_eta(family, 1000) >= 0 && ouro_family_eta(family, 1000) < 0.1);
  free(theta);
}

static void noise_is_the_error_of_a_fit(void **state) {
  (void)state;
  each(expect_noise);
}

/* Let each allocation of a creation fail once: it fails cleanly, and succeeds when none does. */
static void allocation_failures_are_reported(void **state) {
  (void)state;
  for (int i = 0; i < N_NAMES; i++) {
    const ouro_config config = experiment_named(names[i]);
    ouro_family *family;
    int64_t n = 1;
    for (;; n++) {
      ouro_memory_fail_at(n);
      const ouro_status status = ouro_family_create(&config, &family);
      ouro_memory_fail_at(0);
      if (status == OURO_OK) break;
      assert_int_equal(status, OURO_ENOMEM);
      assert_null(family);
    }
    assert_true(n > 3);
    ouro_family_destroy(&family);
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
    cmocka_unit_test(allocation_failures_are_reported),
    cmocka_unit_test(keys_that_a_family_does_not_take),
};

TEST_MAIN(tests)
