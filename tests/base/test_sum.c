/* Exact, order-free sums. ranks: 1 2 3 4 7 */

#include "../support/harness.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "ouro/base/random.h"
#include "ouro/base/sum.h"

#define TINIEST 0x1p-1074

static double sum_of(const double *x, int n) {
  ouro_sum sum;
  ouro_sum_zero(&sum);
  for (int i = 0; i < n; i++) ouro_sum_add(&sum, x[i]);
  return ouro_sum_value(&sum);
}

#define SUM(...) sum_of((const double[]){__VA_ARGS__}, (int)(sizeof((const double[]){__VA_ARGS__}) / sizeof(double)))

static bool same(double a, double b) {
  return memcmp(&a, &b, sizeof a) == 0;
}

static void nothing_is_zero(void **state) {
  (void)state;
  ouro_sum sum;
  ouro_sum_zero(&sum);
  assert_true(same(ouro_sum_value(&sum), 0.0));
  assert_true(same(SUM(0.0, -0.0), 0.0));
  assert_true(same(SUM(1.5, -1.5), 0.0));
}

static void single_numbers_come_back(void **state) {
  (void)state;
  static const double x[] = {1.0,
                             -1.0,
                             0.1,
                             M_PI,
                             DBL_MAX,
                             -DBL_MAX,
                             DBL_MIN,
                             TINIEST,
                             -TINIEST,
                             0x1p-1022,
                             0x0.8p-1022,
                             0x1p1023,
                             0x1.fffffffffffffp-1023};
  for (size_t i = 0; i < sizeof x / sizeof x[0]; i++) assert_true(same(sum_of(&x[i], 1), x[i]));
  for (int e = -1074; e < 1024; e++) assert_true(same(SUM(ldexp(1, e)), ldexp(1, e)));
}

static void cancelling_sequences(void **state) {
  (void)state;
  assert_true(SUM(1e308, 1, -1e308) == 1);
  assert_true(SUM(1e16, 1, -1e16, 1e-300, -1) == 1e-300);
  assert_true(SUM(DBL_MAX, TINIEST, -DBL_MAX) == TINIEST);
  assert_true(SUM(DBL_MAX, DBL_MAX, -DBL_MAX) == DBL_MAX);
  assert_true(SUM(-DBL_MAX, -DBL_MAX, DBL_MAX, DBL_MAX, -3) == -3);
  double all[2 * 2098];
  for (int e = -1074; e < 1024; e++) { /* every power of two, and all but one taken away again */
    all[e + 1074] = ldexp(1, e);
    all[2098 + e + 1074] = e == -500 ? 0 : -ldexp(1, e);
  }
  assert_true(sum_of(all, 2 * 2098) == 0x1p-500);
}

static void rounding_is_to_nearest_even(void **state) {
  (void)state;
  assert_true(SUM(1, 0x1p-53) == 1);
  assert_true(SUM(1, 0x1p-53, TINIEST) == 1 + DBL_EPSILON);
  assert_true(SUM(1 + DBL_EPSILON, 0x1p-53) == 1 + 2 * DBL_EPSILON);
  assert_true(SUM(1 + DBL_EPSILON, 0x1p-53, -TINIEST) == 1 + DBL_EPSILON);
  assert_true(SUM(-1, -0x1p-53, -TINIEST) == -1 - DBL_EPSILON);
  assert_true(SUM(2 - DBL_EPSILON, 0x1p-53) == 2);
  assert_true(SUM(DBL_MAX, 0x1p969) == DBL_MAX);
  assert_true(SUM(DBL_MAX, 0x1p970) == INFINITY);
  assert_true(SUM(DBL_MAX, 0x1p970, -TINIEST) == DBL_MAX);
  assert_true(SUM(-DBL_MAX, -DBL_MAX) == -INFINITY);
}

static void subnormals_are_exact(void **state) {
  (void)state;
  ouro_sum sum;
  ouro_sum_zero(&sum);
  for (int i = 0; i < 1001; i++) ouro_sum_add(&sum, TINIEST);
  assert_true(ouro_sum_value(&sum) == 1001 * TINIEST);
  assert_true(SUM(DBL_MIN, -TINIEST) == DBL_MIN - TINIEST);
  assert_true(SUM(0x0.fffffffffffffp-1022, TINIEST) == DBL_MIN);
}

static void special_values(void **state) {
  (void)state;
  assert_true(isnan(SUM(1, NAN, 2)));
  assert_true(isnan(SUM(INFINITY, -INFINITY)));
  assert_true(SUM(INFINITY, -DBL_MAX, INFINITY) == INFINITY);
  assert_true(SUM(-INFINITY, DBL_MAX) == -INFINITY);
  assert_true(isnan(SUM(-INFINITY, NAN)));
}

/* Random multiples of a power of two against integers of 128 bits. */
static void sums_agree_with_long_integers(void **state) {
  (void)state;
  __extension__ typedef __int128 wide;
  const ouro_stream stream = ouro_random_stream(1, 0, 0, OURO_PURPOSE_TEST, 0, 1);
  for (uint64_t trial = 0; trial < 500; trial++) {
    uint64_t words[96];
    ouro_random_words(&stream, trial * 96, 96, words);
    const int exponent = (int)(words[0] % 1900) - 1060;
    ouro_sum sum;
    wide exact = 0;
    ouro_sum_zero(&sum);
    for (int i = 1; i < 96; i++) {
      const int64_t integer = (int64_t)words[i] >> (words[i] % 7 ? 11 : 40);
      const int shift = (int)(words[i] % 60);
      exact += (wide)integer * ((wide)1 << shift);
      ouro_sum_add(&sum, ldexp((double)integer, exponent + shift));
    }
    if (exponent < -1000) continue; /* the twin rounds twice among the subnormals */
    assert_true(same(ouro_sum_value(&sum), ldexp((double)exact, exponent)));
  }
}

#define N 999

/* Numbers over the whole range of exponents, half of them cancelling a former one up to its last bits. */
static void fill(double x[N]) {
  const ouro_stream stream = ouro_random_stream(1, 0, 0, OURO_PURPOSE_TEST, 0, 2);
  uint64_t words[N];
  ouro_random_words(&stream, 0, N, words);
  for (int i = 0; i < N; i++) {
    x[i] = ldexp((double)((int64_t)words[i] >> 10), (int)(words[i] % 1900) - 1000);
    if (i % 2) x[i] = -x[i - 1] * (1 + (double)(words[i] % 5) * DBL_EPSILON);
  }
}

static void order_and_grouping_do_not_matter(void **state) {
  (void)state;
  double x[N];
  fill(x);
  const double expected = sum_of(x, N);
  for (int step = 2; step < 50; step++) {
    ouro_sum total, part;
    ouro_sum_zero(&total);
    for (int start = step - 1; start >= 0; start--) {
      ouro_sum_zero(&part);
      for (int i = start; i < N; i += step) ouro_sum_add(&part, x[i]);
      ouro_sum_merge(&total, &part);
    }
    assert_true(same(ouro_sum_value(&total), expected));
  }
}

/* Carries are settled when 2^30 additions are pending: pretend they are. */
static void carries_are_settled_in_time(void **state) {
  (void)state;
  double x[N];
  fill(x);
  ouro_sum sum, other;
  ouro_sum_zero(&sum);
  ouro_sum_zero(&other);
  for (int i = 0; i < N; i++) {
    if (i % 7 == 0) sum.pending = ((int64_t)1 << 30) - 3;
    ouro_sum_add(i % 2 ? &sum : &other, x[i]);
    assert_true(sum.pending <= (int64_t)1 << 30);
    for (int k = 0; k < OURO_SUM_LIMBS; k++) assert_true(llabs(sum.limb[k]) < (int64_t)1 << 42);
  }
  sum.pending = other.pending = (int64_t)1 << 30;
  ouro_sum_merge(&sum, &other);
  assert_true(sum.pending < 10);
  assert_true(same(ouro_sum_value(&sum), sum_of(x, N)));
}

static void totals_are_the_same_for_any_number_of_ranks(void **state) {
  (void)state;
  int rank, n_ranks;
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  MPI_Comm_size(MPI_COMM_WORLD, &n_ranks);
  double x[N];
  fill(x);
  ouro_sum sums[5];
  for (int k = 0; k < 5; k++) {
    ouro_sum_zero(&sums[k]);
    for (int i = rank; i < N; i += n_ranks) {
      if (k < 3 || (i * 7 + k) % 3) ouro_sum_add(&sums[k], k == 1 ? -x[i] : x[i]);
    }
  }
  if (rank == n_ranks - 1) ouro_sum_add(&sums[2], -INFINITY);
  assert_ok(ouro_sum_reduce(sums, 0, MPI_COMM_WORLD));
  assert_ok(ouro_sum_reduce(sums, 5, MPI_COMM_WORLD));
  const double expected = sum_of(x, N);
  assert_everywhere(same(ouro_sum_value(&sums[0]), expected));
  assert_everywhere(same(ouro_sum_value(&sums[1]), -expected));
  assert_everywhere(ouro_sum_value(&sums[2]) == -INFINITY);
  for (int k = 3; k < 5; k++) {
    ouro_sum serial;
    ouro_sum_zero(&serial);
    for (int i = 0; i < N; i++) {
      if ((i * 7 + k) % 3) ouro_sum_add(&serial, x[i]);
    }
    assert_everywhere(same(ouro_sum_value(&sums[k]), ouro_sum_value(&serial)));
  }
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(nothing_is_zero),
    cmocka_unit_test(single_numbers_come_back),
    cmocka_unit_test(cancelling_sequences),
    cmocka_unit_test(rounding_is_to_nearest_even),
    cmocka_unit_test(subnormals_are_exact),
    cmocka_unit_test(special_values),
    cmocka_unit_test(sums_agree_with_long_integers),
    cmocka_unit_test(order_and_grouping_do_not_matter),
    cmocka_unit_test(carries_are_settled_in_time),
    cmocka_unit_test(totals_are_the_same_for_any_number_of_ranks),
};

TEST_MAIN(tests)
