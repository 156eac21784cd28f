/* Categorical distributions and the files of their probabilities. ranks: 1
 * Statistical tests use fixed seeds; each says the chance that correct code would have failed it. */

#include "../support/harness.h"

#include <stdio.h>
#include <string.h>

#include "chi_square.h"
#include "experiment.h"
#include "family/nucleus.h"

static ouro_config experiment_with(const char *probabilities, int categories) {
  ouro_config config = experiment_named("categorical");
  config.model.probabilities = (char *)probabilities;
  config.model.categories = categories;
  config.model.exponent = 1.1;
  return config;
}

static ouro_family *categorical(const char *probabilities, int categories) {
  const ouro_config config = experiment_with(probabilities, categories);
  return family_of(&config);
}

/* p_i ~ i^-exponent, or all the same; q = 1 - |p|^2. */
static void the_truth_is_that_of_the_configuration(void **state) {
  (void)state;
  static const int sizes[] = {2, 3, 10, 100000};
  for (int zipf = 0; zipf < 2; zipf++) {
    for (int i = 0; i < 4; i++) {
      ouro_family *family = categorical(zipf ? "zipf" : "uniform", sizes[i]);
      long double sum = 0, squares = 0;
      for (int j = 0; j < sizes[i]; j++) sum += zipf ? powl(j + 1, -1.1L) : 1;
      for (int j = 0; j < sizes[i]; j++) {
        const long double p = (zipf ? powl(j + 1, -1.1L) : 1) / sum;
        assert_true(fabsl(family->truth[j] / p - 1) < 1e-11);
        squares += p * p;
      }
      assert_true(fabsl(family->spread.base - (1 - squares)) < 1e-12);
      assert_true(family->spread.slope == -2 && family->spread.curvature == -1 && family->law == OURO_LAW_MEANS);
      assert_int_equal(family->n_parameters, sizes[i]);
      ouro_family_destroy(&family);
    }
  }
}

/* The first i with u < p_0 + .. + p_i, by looking at one after the other, for models with and without outcomes that
 * have died out. */
static void outcomes_are_found_by_plain_search(void **state) {
  (void)state;
  static const int sizes[] = {2, 3, 7, 64, 1000};
  for (int i = 0; i < 5; i++) {
    const int k = sizes[i];
    ouro_family *family = categorical("zipf", k);
    for (int kind = 0; kind < 4; kind++) {
      double *p = numbers(k), sum = 0;
      for (int j = 0; j < k; j++) sum += p[j] = kind == 0 || (j * 7 + kind) % (kind + 2) == 0 ? 1.0 / (1 + j % 13) : 0;
      for (int j = 0; j < k; j++) p[j] /= sum;
      const ouro_count n = sum > 0 ? 3000 : 0;
      const ouro_slice slice = slice_of(i, p, n);
      double *rows = rows_of(family, &slice), *u = numbers(n);
      ouro_random_uniforms(&slice.stream, 0, (size_t)n, u);
      for (ouro_count r = 0; r < n; r++) {
        int at = 0;
        double F = p[0];
        while (u[r] >= F && at < k - 1) F += p[++at];
        assert_true(rows[r] == at && p[at] > 0);
      }
      free(rows);
      free(u);
      free(p);
    }
    ouro_family_destroy(&family);
  }
}

/* Probabilities whose sum is rounded below 1, here by far: what lies beyond goes to the last outcome that can be. */
static void a_sum_below_one_runs_over_nothing(void **state) {
  (void)state;
  ouro_family *family = categorical("uniform", 5);
  const double p[5] = {0, 0.25, 0, 0.25, 0};
  const ouro_slice slice = slice_of(3, p, 200);
  double *rows = rows_of(family, &slice), *count = numbers(5);
  for (ouro_count r = 0; r < 200; r++) assert_true(rows[r] == 1 || rows[r] == 3);
  ouro_family_absorb(family, 1, &slice, &count);
  assert_true(count[3] > 100 && count[1] + count[3] == 200);
  free(rows);
  free(count);
  ouro_family_destroy(&family);
}

/* 2^20 samples of Zipf's law over 1000 outcomes: a deviate beyond 5 has probability below 1e-6. */
static void rows_have_the_specified_law(void **state) {
  (void)state;
  const int k = 1000;
  const ouro_count n = 1 << 20;
  ouro_family *family = categorical("zipf", k);
  const ouro_slice slice = slice_of(4, family->truth, n);
  double *count = numbers(k);
  ouro_family_absorb(family, 1, &slice, &count);
  assert_true(fabs(chi_square_deviate(k, family->truth, count, (double)n)) < 5);
  free(count);
  ouro_family_destroy(&family);
}

/* An outcome that has died out never comes back; a model with one outcome left keeps it. */
static void outcomes_that_died_out_stay_dead(void **state) {
  (void)state;
  const int k = 50;
  const ouro_count n = 20;
  ouro_family *family = categorical("zipf", k);
  double theta[50], before[50], error;
  int alive = 0;
  memcpy(theta, family->truth, sizeof theta);
  for (int t = 0; t < 400; t++) {
    const ouro_slice slice = slice_of(600 + t, theta, n);
    double *statistic = statistic_of(family, &slice), sum = 0;
    memcpy(before, theta, sizeof theta);
    assert_int_equal(ouro_family_fit(family, 1, &n, statistic, theta), 1);
    free(statistic);
    alive = 0;
    for (int j = 0; j < k; j++) {
      assert_true(theta[j] >= 0 && (before[j] > 0 || theta[j] == 0));
      sum += theta[j];
      alive += theta[j] > 0;
    }
    assert_true(fabs(sum - 1) < 1e-14);
  }
  assert_int_equal(alive, 1);
  ouro_family_error(family, 1, theta, &error);
  assert_true(error > 0 && error <= 2);
  ouro_family_destroy(&family);
}

static void smoothing_adds_to_each_count(void **state) {
  (void)state;
  ouro_config config = experiment_with("uniform", 4);
  config.model.smoothing = 0.5;
  ouro_family *family = family_of(&config);
  const ouro_count sizes[2] = {8, 2};
  double statistics[8] = {8, 0, 0, 0, 1, 0, 0, 1}, theta[8];
  const double expected[8] = {0.85, 0.05, 0.05, 0.05, 0.375, 0.125, 0.125, 0.375};
  assert_int_equal(family->law, OURO_LAW_NONE);
  assert_int_equal(ouro_family_fit(family, 2, sizes, statistics, theta), 2);
  for (int j = 0; j < 8; j++) assert_true(fabs(theta[j] - expected[j]) < 1e-15);
  ouro_family_destroy(&family);
}

static void a_file_of_probabilities(void **state) {
  (void)state;
  char path[600];
  static const char text[] = "# tokens\n3\n\n 1.5e0 # the second\n\t0\r\n.5";
  test_file("p.txt", text, strlen(text), path, sizeof path);
  ouro_family *family = categorical(path, 10);
  const double expected[4] = {0.6, 0.3, 0, 0.1};
  assert_int_equal(family->n_parameters, 4);
  for (int j = 0; j < 4; j++) assert_true(fabs(family->truth[j] - expected[j]) < 1e-15);
  ouro_family_destroy(&family);
}

static void bad_files_are_named_with_their_line(void **state) {
  (void)state;
  static const struct {
    const char *text, *says;
    ouro_status code;
  } rows[] = {
      {"1\n-2\n", ":2: ", OURO_EINPUT},  {"1\n2 3\n", ":2: ", OURO_EINPUT},    {"1\nnan\n", ":2: ", OURO_EINPUT},
      {"inf\n1\n", ":1: ", OURO_EINPUT}, {"1\n\n0x10\n", ":3: ", OURO_EINPUT}, {"1e999\n1\n", ":1: ", OURO_EINPUT},
      {"1\nx\n", "`x`", OURO_EINPUT},    {"", "at least 2", OURO_EINPUT},      {"1\n", "at least 2", OURO_EINPUT},
      {"0\n0\n", "all", OURO_EINPUT},    {"1\n0.5e\n", ":2: ", OURO_EINPUT}};
  char path[600];
  ouro_family *family;
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    test_file("p.txt", rows[i].text, strlen(rows[i].text), path, sizeof path);
    const ouro_config config = experiment_with(path, 10);
    assert_int_equal(ouro_family_create(&config, &family), rows[i].code);
    assert_true(family == NULL && strstr(ouro_error_message(), rows[i].says) && strstr(ouro_error_message(), "p.txt"));
  }
  const ouro_config absent = experiment_with("zpif", 10), few = experiment_with("uniform", 1);
  assert_int_equal(ouro_family_create(&absent, &family), OURO_ECONFIG);
  assert_true(strstr(ouro_error_message(), "model.probabilities") && strstr(ouro_error_message(), "`zpif`"));
  assert_int_equal(ouro_family_create(&few, &family), OURO_ECONFIG);
  assert_true(strstr(ouro_error_message(), "model.categories") != NULL);
}

static void a_file_that_is_too_long(void **state) {
  (void)state;
  enum { LINES = 100001 };
  char path[600], *text = calloc(2 * LINES + 400, 1);
  ouro_family *family;
  for (int i = 0; i < LINES; i++) memcpy(text + (size_t)2 * (size_t)i, "1\n", 2);
  test_file("long.txt", text, 2 * LINES, path, sizeof path);
  const ouro_config config = experiment_with(path, 10);
  assert_int_equal(ouro_family_create(&config, &family), OURO_EINPUT);
  assert_true(strstr(ouro_error_message(), "long.txt:100001: ") != NULL);
  test_file("long.txt", text, 2 * LINES - 2, path, sizeof path);
  assert_int_equal(ouro_family_create(&config, &family), OURO_OK);
  assert_int_equal(family->n_parameters, LINES - 1);
  ouro_family_destroy(&family);
  memset(text, '7', 300);
  test_file("long.txt", text, 300, path, sizeof path);
  assert_int_equal(ouro_family_create(&config, &family), OURO_EINPUT);
  assert_true(strstr(ouro_error_message(), "long.txt:1: ") != NULL);
  free(text);
}

static ouro_family *shaped(int k, double temperature, int top_k, double top_p) {
  ouro_config config = experiment_with("zipf", k);
  config.model.temperature = temperature;
  config.model.top_k = top_k;
  config.model.top_p = top_p;
  return family_of(&config);
}

/* 2^18 samples of a model against the distribution drawn from, where at least 10 are expected, and of nature against
 * the truth: a deviate beyond 5 has probability below 1e-6. */
static void models_are_drawn_from_as_told(void **state) {
  (void)state;
  enum { K = 300, N = 1 << 18 };
  static const ouro_nucleus rows[] = {{0.6, 0, 1}, {1.7, 0, 1}, {1, 40, 1}, {1, 0, 0.8}, {0.9, 200, 0.95}};
  for (int i = 0; i < 5; i++) {
    ouro_family *family = shaped(K, rows[i].temperature, rows[i].top_k, rows[i].top_p);
    double theta[K], q[K], p[K], count[K];
    int32_t order[K];
    assert_int_equal(family->law, OURO_LAW_NONE);
    memcpy(theta, family->truth, sizeof theta);
    ouro_nucleus_shape(&rows[i], K, theta, q, order);
    for (int real = 0; real < 2; real++) {
      const ouro_slice slice = slice_of(20 + i, real ? family->truth : theta, N);
      double *statistic = numbers(K), *reduced = statistic_of(family, &slice), rest = 0, left = 0;
      int bins = 0;
      ouro_family_absorb(family, 1, &slice, &statistic);
      assert_memory_equal(statistic, reduced, K * sizeof *statistic);
      for (int j = 0; j < K; j++) {
        const double expected = real ? theta[j] : q[j];
        assert_true(expected > 0 || statistic[j] == 0);
        const bool rare = expected * N < 10;
        rest += rare ? expected : 0;
        left += rare ? statistic[j] : 0;
        if (!rare) p[bins] = expected, count[bins++] = statistic[j];
      }
      if (rest * N >= 10) p[bins] = rest, count[bins++] = left;
      assert_true(bins > 10 && fabs(chi_square_deviate(bins, p, count, N)) < 5);
      free(statistic);
      free(reduced);
    }
    ouro_family_destroy(&family);
  }
}

/* Temperature 1, all outcomes, all of the mass: the same bits as without, and the same theory. */
static void no_shape_changes_no_bit(void **state) {
  (void)state;
  ouro_family *plain = categorical("zipf", 9), *all = shaped(9, 1, 9, 1);
  double theta[9];
  memcpy(theta, plain->truth, sizeof theta);
  const ouro_slice slice = slice_of(1, theta, 500);
  double *rows = rows_of(plain, &slice), *same = rows_of(all, &slice);
  assert_memory_equal(rows, same, 500 * sizeof *rows);
  assert_int_equal(all->law, OURO_LAW_MEANS);
  free(rows);
  free(same);
  ouro_family_destroy(&plain);
  ouro_family_destroy(&all);
}

/* One sample after another of the mode; of several modes, the first. */
static void at_temperature_zero_the_mode_is_drawn(void **state) {
  (void)state;
  const double theta[5] = {0.1, 0.3, 0, 0.3, 0.3};
  static const ouro_nucleus rows[] = {{0, 0, 1}, {1, 1, 1}, {1, 0, 0}, {0, 3, 0.5}, {2, 1, 0.5}};
  for (int i = 0; i < 5; i++) {
    ouro_family *family = shaped(5, rows[i].temperature, rows[i].top_k, rows[i].top_p);
    const ouro_slice slice = slice_of(1, theta, 500);
    double *rows_drawn = rows_of(family, &slice);
    for (int r = 0; r < 500; r++) assert_true(rows_drawn[r] == 1);
    free(rows_drawn);
    ouro_family_destroy(&family);
  }
}

/* A model alone that draws its two most probable outcomes: the others die at once, and one of the two in the end. */
static void what_is_cut_dies_out(void **state) {
  (void)state;
  const ouro_count n = 60;
  ouro_family *family = shaped(10, 1, 2, 1);
  double theta[10];
  memcpy(theta, family->truth, sizeof theta);
  for (int t = 0; t < 1000; t++) {
    const ouro_slice slice = slice_of(900 + t, theta, n);
    double *statistic = statistic_of(family, &slice);
    assert_int_equal(ouro_family_fit(family, 1, &n, statistic, theta), 1);
    free(statistic);
    for (int j = 2; j < 10; j++) assert_true(theta[j] == 0);
  }
  assert_true(theta[0] == 1 || theta[1] == 1);
  ouro_family_destroy(&family);
}

static void shapes_out_of_range_are_refused(void **state) {
  (void)state;
  static const ouro_nucleus rows[] = {{-1, 0, 1}, {NAN, 0, 1}, {INFINITY, 0, 1}, {1, -1, 1}, {1, 0, 2}, {1, 0, NAN}};
  for (int i = 0; i < 6; i++) {
    ouro_config config = experiment_with("uniform", 4);
    ouro_family *family;
    config.model.temperature = rows[i].temperature;
    config.model.top_k = rows[i].top_k;
    config.model.top_p = rows[i].top_p;
    assert_int_equal(ouro_family_create(&config, &family), OURO_ECONFIG);
    assert_true(strstr(ouro_error_message(), i < 3 ? "model.temperature" : i < 4 ? "model.top_k" : "model.top_p"));
  }
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(the_truth_is_that_of_the_configuration), cmocka_unit_test(outcomes_are_found_by_plain_search),
    cmocka_unit_test(a_sum_below_one_runs_over_nothing),      cmocka_unit_test(rows_have_the_specified_law),
    cmocka_unit_test(outcomes_that_died_out_stay_dead),       cmocka_unit_test(smoothing_adds_to_each_count),
    cmocka_unit_test(models_are_drawn_from_as_told),          cmocka_unit_test(no_shape_changes_no_bit),
    cmocka_unit_test(at_temperature_zero_the_mode_is_drawn),  cmocka_unit_test(what_is_cut_dies_out),
    cmocka_unit_test(shapes_out_of_range_are_refused),        cmocka_unit_test(a_file_of_probabilities),
    cmocka_unit_test(bad_files_are_named_with_their_line),    cmocka_unit_test(a_file_that_is_too_long),
};

TEST_MAIN(tests)
