/* Machines: their text and their rates.
 * ranks: 1 3 */

#include "../support/harness.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "ouro/base/memory.h"
#include "ouro/plan/machine.h"

static ouro_plan_machine *machine_of(const char *text) {
  ouro_plan_machine *machine = NULL;
  assert_int_equal(ouro_plan_machine_parse(text, "text", &machine), OURO_OK);
  return machine;
}

/* What a text does not say is as built in; text and machine go over into each other. */
static void test_round_trip(void **state) {
  (void)state;
  ouro_plan_machine *empty = machine_of(""), *built_in = NULL;
  ouro_plan_machine *mine = machine_of("# mine\nlatency = 3e-6 # slow\n\n\tranks=4\nmine.rows.7 = 1 2 3 4 5 6\n");
  char *text = NULL, *again = NULL;
  assert_int_equal(ouro_plan_machine_built_in(&built_in), OURO_OK);
  assert_int_equal(empty->n_kernels, built_in->n_kernels);
  assert_true(mine->latency == 3e-6 && mine->ranks == 4 && mine->bandwidth == built_in->bandwidth);
  assert_int_equal(mine->n_kernels, built_in->n_kernels + 1);
  assert_int_equal(ouro_plan_machine_text(mine, &text), OURO_OK);
  ouro_plan_machine *second = machine_of(text);
  assert_int_equal(ouro_plan_machine_text(second, &again), OURO_OK);
  assert_string_equal(text, again);
  free(text);
  free(again);
  ouro_plan_machine_destroy(&empty);
  ouro_plan_machine_destroy(&built_in);
  ouro_plan_machine_destroy(&mine);
  ouro_plan_machine_destroy(&second);
  ouro_plan_machine_destroy(&second);
}

static void test_refused(void **state) {
  (void)state;
  static const char *const rows[][2] = {{"latency 3", "text:1: a line is `key = value`"},
                                        {"\nlatencies = 3", "text:2: `latencies` is no key"},
                                        {"latencies = 3", "did you mean `latency`?"},
                                        {"latency = x", "text:1: latency: needs a number"},
                                        {"latency = 1 2", "latency: needs a number"},
                                        {"latency = -1", "latency: needs a number that is not negative"},
                                        {"bandwidth = 0", "nor 0"},
                                        {"stream = inf", "stream: needs a number"},
                                        {"linear.rows.0 = 1 2 3 4 5 6", "no key of a machine"},
                                        {"linear.rows = 1 2 3 4 5 6", "no key of a machine"},
                                        {"linear.rows.3 = 1 2 3 4 5", "linear.rows.3: needs 6 numbers"},
                                        {"linear.rows.3 = 1 2 3 4 5 nan", "linear.rows.3: needs 6 numbers"},
                                        {"= 3", "a line is"}};
  for (size_t k = 0; k < sizeof rows / sizeof rows[0]; k++) {
    ouro_plan_machine *machine = NULL;
    assert_int_equal(ouro_plan_machine_parse(rows[k][0], "text", &machine), OURO_EINPUT);
    assert_null(machine);
    assert_non_null(strstr(ouro_error_message(), rows[k][1]));
  }
}

/* Sizes between others and beyond them lie on a power law; families and tiers that are not known borrow. */
static void test_rates(void **state) {
  (void)state;
  ouro_plan_machine *machine = machine_of("f.rows.4 = 1 2 0 1 1 1\nf.rows.16 = 4 2 5 1 1 1\nf.rows.64 = 64 2 5 1 1 1\n"
                                          "g.rows.10 = 7 7 7 7 7 7\nlinear.rows.10 = 1 1 1 1 1 1\n");
  double ns[OURO_PLAN_RATE_COUNT];
  assert_int_equal(ouro_plan_machine_rates(machine, "f", "rows", 16, ns), OURO_PLAN_MEASURED);
  assert_true(ns[OURO_PLAN_SAMPLE] == 4);
  assert_int_equal(ouro_plan_machine_rates(machine, "f", "rows", 8, ns), OURO_PLAN_INTERPOLATED);
  assert_true(fabs(ns[OURO_PLAN_SAMPLE] - 2) < 1e-12 && ns[OURO_PLAN_FEED] == 2 && ns[OURO_PLAN_FIT] == 0);
  ouro_plan_machine_rates(machine, "f", "rows", 32, ns);
  assert_true(fabs(ns[OURO_PLAN_SAMPLE] - 16) < 1e-12);
  ouro_plan_machine_rates(machine, "f", "rows", 256, ns);
  assert_true(fabs(ns[OURO_PLAN_SAMPLE] - 1024) < 1e-9);
  ouro_plan_machine_rates(machine, "f", "rows", 1, ns);
  assert_true(fabs(ns[OURO_PLAN_SAMPLE] - 0.25) < 1e-12);
  assert_int_equal(ouro_plan_machine_rates(machine, "g", "rows", 3, ns), OURO_PLAN_INTERPOLATED);
  assert_true(ns[OURO_PLAN_SAMPLE] == 7);
  assert_int_equal(ouro_plan_machine_rates(machine, "h", "rows", 10, ns), OURO_PLAN_BORROWED);
  assert_true(ns[OURO_PLAN_SAMPLE] == 1);
  ouro_plan_machine_destroy(&machine);
}

/* Read by rank 0 for all, or refused everywhere; out of memory at any point. */
static void test_files(void **state) {
  (void)state;
  char path[256];
  const char text[] = "ranks = 3\n";
  ouro_plan_machine *machine = NULL;
  test_file("machine", text, strlen(text), path, sizeof path);
  assert_ok(ouro_plan_machine_read(MPI_COMM_WORLD, path, &machine));
  assert_everywhere(machine->ranks == 3);
  ouro_plan_machine_destroy(&machine);
  assert_everywhere(ouro_plan_machine_read(MPI_COMM_WORLD, "/nowhere/machine", &machine) == OURO_EIO);
  assert_everywhere(machine == NULL);
  for (int at = 1, failed = 1; failed; at++) {
    ouro_memory_fail_at(at);
    failed = ouro_plan_machine_read(MPI_COMM_WORLD, path, &machine) == OURO_ENOMEM;
    ouro_memory_fail_at(0);
    assert_everywhere(failed == (machine == NULL));
  }
  ouro_plan_machine_destroy(&machine);
}

static const struct CMUnitTest tests[] = {cmocka_unit_test(test_round_trip), cmocka_unit_test(test_refused),
                                          cmocka_unit_test(test_rates), cmocka_unit_test(test_files)};

TEST_MAIN(tests)
