/* Registry and dispatch of the families. ranks: 1 */

#include "../support/harness.h"

#include <string.h>

#include "experiment.h"
#include "ouro/base/memory.h"

static void a_family_is_made_by_name(void **state) {
  (void)state;
  const ouro_config config = experiment_of(4, 1, OURO_COVARIATES_ISOTROPIC, 0);
  ouro_family *family = family_of(&config);
  assert_string_equal(family->methods->name, "linear");
  assert_int_equal(family->n_parameters, 4);
  assert_int_equal(family->row_width, 5);
  assert_int_equal(family->statistic_width, 14);
  assert_true(family->additive);
  ouro_family_destroy(&family);
  assert_null(family);
  ouro_family_destroy(&family);
}

static void an_unknown_name_is_answered_with_the_nearest(void **state) {
  (void)state;
  ouro_config config = experiment_of(4, 1, OURO_COVARIATES_ISOTROPIC, 0);
  char mistyped[] = "liner", strange[] = "neural-network";
  ouro_family *family = (ouro_family *)&config;
  config.model.family = mistyped;
  assert_int_equal(ouro_family_create(&config, &family), OURO_ECONFIG);
  assert_null(family);
  assert_non_null(strstr(ouro_error_message(), "model.family"));
  assert_non_null(strstr(ouro_error_message(), "`liner`"));
  assert_non_null(strstr(ouro_error_message(), "`linear`"));
  config.model.family = strange;
  assert_int_equal(ouro_family_create(&config, &family), OURO_ECONFIG);
  assert_non_null(strstr(ouro_error_message(), "`neural-network`"));
  assert_non_null(strstr(ouro_error_message(), "linear, normal-mean, poisson"));
}

static void out_of_range_values_are_refused(void **state) {
  (void)state;
  ouro_config bad[7];
  for (int i = 0; i < 7; i++) bad[i] = experiment_of(3, 1, i < 4 ? OURO_COVARIATES_AR1 : OURO_COVARIATES_POWER, 0);
  bad[0].model.dimension = 0;
  bad[1].model.correlation = 1;
  bad[2].model.noise = -1;
  bad[3].model.noise = NAN;
  bad[4].model.exponent = -0.5;
  bad[5].model.ridge = -1e-9;
  bad[6].model.dimension = 1 << 20;
  static const char *const keys[7] = {"dimension", "correlation", "noise", "noise", "exponent", "ridge", "dimension"};
  for (int i = 0; i < 7; i++) {
    ouro_family *family;
    assert_int_equal(ouro_family_create(&bad[i], &family), OURO_ECONFIG);
    assert_null(family);
    assert_non_null(strstr(ouro_error_message(), keys[i]));
  }
}

/* Let each allocation of a creation fail once: it fails cleanly, and succeeds when none does. */
static void allocation_failures_are_reported(void **state) {
  (void)state;
  const ouro_config config = experiment_of(4, 1, OURO_COVARIATES_POWER, 0);
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
  assert_true(n > 4);
  ouro_family_destroy(&family);
}

/* theta* ~ N(0, I/p): over 4000 seeds the mean of p |theta*|^2 / p is 1 within 5 standard errors (6e-7). */
static void truth_depends_on_the_seed(void **state) {
  (void)state;
  ouro_config config = experiment_of(5, 1, OURO_COVARIATES_ISOTROPIC, 0);
  ouro_family *family = family_of(&config), *again = family_of(&config);
  assert_memory_equal(family->truth, again->truth, 5 * sizeof(double));
  ouro_family_destroy(&again);
  double sum = 0;
  const int n = 4000;
  for (int i = 0; i < n; i++) {
    config.learning.seed = 1000 + (uint64_t)i;
    again = family_of(&config);
    assert_memory_not_equal(family->truth, again->truth, 5 * sizeof(double));
    for (int k = 0; k < 5; k++) sum += again->truth[k] * again->truth[k];
    ouro_family_destroy(&again);
  }
  assert_true(fabs(sum / n - 1) < 5 * sqrt(2.0 / (5 * n)));
  ouro_family_destroy(&family);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(a_family_is_made_by_name),        cmocka_unit_test(an_unknown_name_is_answered_with_the_nearest),
    cmocka_unit_test(out_of_range_values_are_refused), cmocka_unit_test(allocation_failures_are_reported),
    cmocka_unit_test(truth_depends_on_the_seed),
};

TEST_MAIN(tests)
