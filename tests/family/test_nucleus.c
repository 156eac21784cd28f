/* Temperature, top-k and top-p of a categorical distribution, against sorting. ranks: 1 */

#include "../support/harness.h"

#include <math.h>
#include <stdlib.h>

#include "experiment.h"
#include "family/nucleus.h"

enum { MOST = 1000 };

static const double *sorted_by; /* for the comparison of qsort */

static int compare(const void *a, const void *b) {
  const int32_t i = *(const int32_t *)a, j = *(const int32_t *)b;
  if (sorted_by[i] != sorted_by[j]) return sorted_by[i] > sorted_by[j] ? -1 : 1;
  return (i > j) - (i < j);
}

/* The twin: sort, take from the front, divide by what there is. */
static void twin(const ouro_nucleus *how, int k, const double *p, long double *q) {
  int32_t order[MOST];
  long double sum = 0, reached = 0, all = 0;
  int n = 0;
  for (int32_t i = 0; i < k; i++) order[i] = i;
  sorted_by = p;
  qsort(order, (size_t)k, sizeof *order, compare);
  while (n < k && p[order[n]] > 0 && (how->top_k == 0 || n < how->top_k)) n++;
  for (int i = 0; i < k; i++) q[i] = p[i] > 0 ? expl(logl(p[i] / (long double)p[order[0]]) / how->temperature) : 0;
  for (int i = 0; i < n; i++) sum += q[order[i]];
  for (int i = 0; i < k; i++) {
    const bool kept = i < n && (i == 0 || how->top_p == 1 || reached < how->top_p * sum - 1e-12L);
    reached += kept ? q[order[i]] : 0;
    if (!kept) q[order[i]] = 0;
  }
  for (int i = 0; i < k; i++) all += q[i];
  for (int i = 0; i < k; i++) q[i] /= all;
}

/* Distributions with many ties, some outcomes dead, in no order, or Zipf's law. */
static void fill(int kind, int k, double *p) {
  double sum = 0;
  for (int i = 0; i < k; i++) {
    const int mixed = (int)((unsigned)i * 2654435761u >> 16);
    sum += p[i] = kind == 0 ? 1 : kind == 1 ? mixed % 4 : kind == 2 ? 1.0 / (1 + i) : 1 + mixed % 10007;
  }
  for (int i = 0; i < k; i++) p[i] = sum > 0 ? p[i] / sum : i == 0;
}

static void expect_twin(const ouro_nucleus *how, int k, const double *p) {
  double q[MOST];
  long double expected[MOST];
  int32_t order[MOST];
  ouro_nucleus_shape(how, k, p, q, order);
  twin(how, k, p, expected);
  for (int i = 0; i < k; i++) {
    assert_true((q[i] > 0) == (expected[i] > 0x1p-1009L));
    assert_true(fabsl(q[i] - expected[i]) <= 1e-12L * expected[i] + 0x1p-1009L);
  }
}

static void distributions_are_those_of_sorting(void **state) {
  (void)state;
  static const int sizes[] = {2, 3, 7, 64, MOST};
  static const double temperatures[] = {1, 0.5, 0.01, 3, 1e9}, parts[] = {1, 0.999, 0.9, 0.5, 0.1, 1e-9, 0};
  for (int kind = 0; kind < 4; kind++) {
    for (int size = 0; size < 5; size++) {
      double p[MOST];
      fill(kind, sizes[size], p);
      for (int t = 0; t < 5; t++) {
        for (int part = 0; part < 7; part++) {
          for (int top_k = 0; top_k <= sizes[size]; top_k = 3 * top_k + 1) {
            expect_twin(&(ouro_nucleus){temperatures[t], top_k, parts[part]}, sizes[size], p);
          }
        }
      }
    }
  }
}

/* The outcomes kept of p, as bits. */
static unsigned kept(ouro_nucleus how, int k, const double *p) {
  double q[32];
  int32_t order[32];
  unsigned bits = 0;
  ouro_nucleus_shape(&how, k, p, q, order);
  for (int i = 0; i < k; i++) bits |= (unsigned)(q[i] > 0) << i;
  return bits;
}

/* Ten of 1/10 each, whose sums are rounded: three reach 0.3. Of equals those of the smallest index. */
static void cuts_fall_by_index_among_equals(void **state) {
  (void)state;
  const double even[10] = {.1, .1, .1, .1, .1, .1, .1, .1, .1, .1}, p[5] = {.1, .3, .2, .3, .1};
  for (int n = 1; n <= 10; n++) {
    assert_true(kept((ouro_nucleus){1, 0, n / 10.0}, 10, even) == (1u << n) - 1);
    assert_true(kept((ouro_nucleus){1, n, 1}, 10, even) == (1u << n) - 1);
  }
  for (int rule = 0; rule < 3; rule++) { /* each leaves the mode alone */
    const ouro_nucleus how = {rule == 0 ? 0 : 1, rule == 1, rule == 2 ? 0 : 1};
    assert_true(kept(how, 5, p) == 2 && kept(how, 10, even) == 1);
  }
  assert_true(kept((ouro_nucleus){1, 2, 1}, 5, p) == 10 && kept((ouro_nucleus){1, 3, 1}, 5, p) == 14);
  assert_true(kept((ouro_nucleus){1, 4, 1}, 5, p) == 15 && kept((ouro_nucleus){1, 0, 0.61}, 5, p) == 14);
  assert_true(kept((ouro_nucleus){1, 0, 1 - 1e-12}, 5, p) == 31 && kept((ouro_nucleus){1, 2, 0.5}, 5, p) == 2);
}

/* Temperatures from next to nothing to next to infinity, probabilities down to the smallest number there is. */
static void extremes_are_distributions(void **state) {
  (void)state;
  const double p[6] = {0, 5e-324, 1e-310, 0.5, 0.5, 1e-17};
  static const double temperatures[] = {1e-320, 1e-100, 1e-9, 1e9, 1e100};
  for (int t = 0; t < 5; t++) {
    double q[6], sum = 0;
    int32_t order[6];
    ouro_nucleus_shape(&(ouro_nucleus){temperatures[t], 0, 1}, 6, p, q, order);
    for (int i = 0; i < 6; i++) sum += q[i];
    assert_true(fabs(sum - 1) < 1e-15 && q[0] == 0 && q[3] == q[4]);
    for (int i = 1; i < 6; i++) assert_true(fabs(q[i] - (t < 3 ? (i == 3 || i == 4) * 0.5 : 0.2)) < 1e-6);
  }
}

static void no_change_is_known_as_such(void **state) {
  (void)state;
  assert_true(!ouro_nucleus_shapes(&(ouro_nucleus){1, 0, 1}, 5) && !ouro_nucleus_shapes(&(ouro_nucleus){1, 5, 1}, 5));
  assert_true(ouro_nucleus_shapes(&(ouro_nucleus){1, 4, 1}, 5) && ouro_nucleus_shapes(&(ouro_nucleus){2, 0, 1}, 5));
  assert_true(ouro_nucleus_shapes(&(ouro_nucleus){1, 0, 0.99}, 5) && ouro_nucleus_shapes(&(ouro_nucleus){0, 0, 1}, 5));
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(distributions_are_those_of_sorting),
    cmocka_unit_test(cuts_fall_by_index_among_equals),
    cmocka_unit_test(extremes_are_distributions),
    cmocka_unit_test(no_change_is_known_as_such),
};

TEST_MAIN(tests)
