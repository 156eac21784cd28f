/* Scores by hand.
 * ranks: 1 2 3 4 7 */

#include <math.h>

#include "ouro/theory/agree.h"
#include "small.h"

static int near(double value, double expected) {
  return fabs(value - expected) <= 1e-15 * fabs(expected);
}

static void test_none(void **unused) {
  (void)unused;
  ouro_agreement a;
  ouro_agreement_zero(&a);
  ouro_agreement_add(&a, 0, NULL, 0, 5, NULL, NULL, NULL, NULL);
  assert_ok(ouro_agreement_reduce(&a, MPI_COMM_WORLD));
  assert_int_equal(a.n, 0);
  assert_int_equal(a.beyond_3, 0);
  assert_true(isnan(ouro_agreement_rms(&a)));
  assert_true(ouro_agreement_expected(&a) == 0);
}

/* 16 replicates and sd 2: the standard error is 1/2. */
static void test_hand(void **unused) {
  (void)unused;
  const ouro_gid gid[] = {3, 5, 8, 9};
  const double error[] = {1.5, 2.0, 7.0, 4.0}, sd[] = {2, 2, 0, 2}, theory[] = {1.0, 4.0, 1.0, (double)NAN};
  double z[4];
  ouro_agreement a;
  ouro_agreement_zero(&a);
  ouro_agreement_add(&a, 4, gid, 2, 16, error, sd, theory, z);
  assert_true(z[0] == 1 && z[1] == -4 && isnan(z[2]) && isnan(z[3]));
  assert_int_equal(a.n, 2);
  assert_int_equal(a.beyond_3, 1);
  assert_true(a.largest == 4 && a.where == 5 && a.when == 2);
  assert_true(near(ouro_agreement_rms(&a), sqrt(8.5)));
  assert_true(fabs(ouro_agreement_expected(&a) / 2 - 0.00269979606326) < 1e-14);
  /* exactly 3 is not beyond */
  ouro_agreement_add(&a, 1, gid, 3, 16, (double[]){2.5}, sd, (double[]){1.0}, NULL);
  assert_int_equal(a.n, 3);
  assert_int_equal(a.beyond_3, 1);
  assert_true(near(ouro_agreement_rms(&a), sqrt(26.0 / 3)));
  /* replicates that are equal but for rounding */
  ouro_agreement_add(&a, 1, gid, 3, 16, (double[]){2}, (double[]){1e-13}, (double[]){1.0}, z);
  assert_true(isnan(z[0]) && a.n == 3);
}

/* Ten nodes over the ranks, score = id - 4.5 in generation 0 and 1: the ends tie, the earliest and smallest wins. */
static void test_ranks(void **unused) {
  (void)unused;
  const int me = rank_in(MPI_COMM_WORLD), ranks = ranks_in(MPI_COMM_WORLD);
  ouro_agreement a;
  ouro_agreement_zero(&a);
  for (int64_t when = 1; when >= 0; when--) { /* no order of calls matters */
    for (ouro_gid g = ranks - 1 - me; g < 10; g += ranks) {
      const double error = 10 + ((double)g - 4.5), sd = 3, theory = 10;
      ouro_agreement_add(&a, 1, &g, when, 9, &error, &sd, &theory, NULL);
    }
  }
  assert_ok(ouro_agreement_reduce(&a, MPI_COMM_WORLD));
  assert_everywhere(a.n == 20 && a.beyond_3 == 8);
  assert_everywhere(a.largest == 4.5 && a.where == 0 && a.when == 0);
  assert_everywhere(near(ouro_agreement_rms(&a), sqrt(8.25)));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_none),
      cmocka_unit_test(test_hand),
      cmocka_unit_test(test_ranks),
  };
  return test_main(__FILE__, tests, sizeof tests / sizeof tests[0]);
}
