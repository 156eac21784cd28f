/* Stationary distributions element by element: against sums over spanning trees, and closed forms.
 * ranks: 1 */

#include <math.h>
#include <stdlib.h>

#include "small.h"
#include "theory/stationary.h"

enum { FEW = 6, LARGE = 700 };

/* From 1 to 10^10 on a logarithmic scale. */
static double any_weight(uint64_t *state) {
  return pow(10, below(state, 10001) / 1000.0);
}

/* Does every node but the root lead to it, if node i goes to next[i]? */
static int is_tree(int n, int root, const int *next) {
  for (int i = 0; i < n; i++) {
    int at = i, steps = 0;
    while (at != root && steps++ < n) at = next[at];
    if (at != root) return 0;
  }
  return 1;
}

/* Markov chain tree theorem: pi of a node is proportional to the sum over all spanning trees towards it of the products
 * of their weights. */
static long double tree_sum(int n, double p[FEW][FEW], int root) {
  long double sum = 0;
  int n_choices = 1;
  for (int i = 0; i < n; i++) n_choices *= n;
  for (int choice = 0; choice < n_choices; choice++) {
    int next[FEW], left = choice;
    long double product = 1;
    for (int i = 0; i < n; i++, left /= n) {
      next[i] = left % n;
      if (i != root) product *= next[i] == i ? 0 : p[i][next[i]];
      if (i == root && next[i] != 0) product = 0; /* the root goes nowhere: count it once */
    }
    if (product > 0 && is_tree(n, root, next)) sum += product;
  }
  return sum;
}

static void test_trees(void **unused) {
  (void)unused;
  for (uint64_t seed = 1; seed <= 300; seed++) {
    uint64_t state = seed;
    const int n = 1 + below(&state, seed % 10 == 0 ? FEW : FEW - 1);
    double p[FEW][FEW] = {{0}}, dense[FEW * FEW], pi[FEW];
    long double tree[FEW], total = 0;
    for (int i = 0; i < n; i++) {
      double sum = 0;
      for (int j = 0; j < n; j++) p[i][j] = below(&state, 3) > 0 || j == (i + 1) % n ? any_weight(&state) : 0;
      for (int j = 0; j < n; j++) sum += p[i][j];
      for (int j = 0; j < n; j++) dense[i * n + j] = p[i][j] /= sum;
    }
    for (int i = 0; i < n; i++) total += tree[i] = tree_sum(n, p, i);
    assert_true(ouro_stationary_solve((size_t)n, dense, pi));
    for (int i = 0; i < n; i++) assert_true(fabsl(pi[i] - tree[i] / total) <= 1e-14L * (tree[i] / total));
  }
}

/* Models in a row that hear their neighbours: pi_i p_i,i+1 = pi_i+1 p_i+1,i. Larger than panels and strips of the
 * elimination; weights over ten orders of magnitude, but drifting back and forth, so that pi spans some 30. */
static void test_row(void **unused) {
  (void)unused;
  double *p = calloc((size_t)LARGE * LARGE, sizeof *p), *pi = calloc(LARGE, sizeof *pi);
  for (int n = 1; n <= LARGE; n = n < 40 ? n + 1 : n * 3 / 2) {
    uint64_t state = (uint64_t)n;
    long double expected[LARGE], total = 0;
    for (int i = 0; i < n * n; i++) p[i] = 0;
    for (int i = 0; i < n; i++) {
      const double faint = 1e-10 * any_weight(&state), level = sin(i / 20.0);
      if (i > 0) p[i * n + i - 1] = faint * exp(level);
      if (i + 1 < n) p[i * n + i + 1] = faint * exp(-level);
      expected[i] = i == 0 ? 1 : expected[i - 1] * p[(i - 1) * n + i] / p[i * n + i - 1];
    }
    for (int i = 0; i < n; i++) total += expected[i];
    assert_true(ouro_stationary_solve((size_t)n, p, pi));
    for (int i = 0; i < n; i++) {
      assert_true(fabsl(pi[i] - expected[i] / total) <= 3e-16L * (n + 10) * (expected[i] / total));
    }
  }
  free(p);
  free(pi);
}

/* Dense and large: pi P = pi, and the sum. */
static void test_dense(void **unused) {
  (void)unused;
  const size_t n = 531;
  uint64_t state = 5;
  double *p = calloc(n * n, sizeof *p), *copy = calloc(n * n, sizeof *p), *pi = calloc(n, sizeof *pi);
  long double total = 0;
  for (size_t i = 0; i < n; i++) {
    double sum = 0;
    for (size_t j = 0; j < n; j++) sum += p[i * n + j] = any_weight(&state);
    for (size_t j = 0; j < n; j++) copy[i * n + j] = p[i * n + j] /= sum;
  }
  assert_true(ouro_stationary_solve(n, p, pi));
  for (size_t j = 0; j < n; j++) {
    long double sum = 0;
    for (size_t i = 0; i < n; i++) sum += (long double)pi[i] * copy[i * n + j];
    assert_true(fabsl(sum - pi[j]) <= 1e-12L * pi[j]);
    total += pi[j];
  }
  assert_true(fabsl(total - 1) < 1e-13L);
  free(p);
  free(copy);
  free(pi);
}

/* What a double cannot hold is refused or 0, never wrong: a state that is never left, or
 * with a probability that has lost its digits, and a pi that rises by 10^300 a
 * state. */
static void test_limits(void **unused) {
  (void)unused;
  double stuck[] = {0.5, 0.5, 0, 1}, nearly[] = {1, 1e-300, 1e-320, 1}, steep[] = {0, 1, 0, 1e-300, 0, 1, 0, 1e-300, 0},
         pi[3];
  assert_false(ouro_stationary_solve(2, stuck, pi));
  assert_false(ouro_stationary_solve(2, nearly, pi));
  assert_true(ouro_stationary_solve(3, steep, pi));
  assert_true(pi[0] == 0 && fabs(pi[1] * 1e300 - 1) < 1e-12 && pi[2] == 1);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_trees), cmocka_unit_test(test_row),
                                     cmocka_unit_test(test_dense), cmocka_unit_test(test_limits)};
  return test_main(__FILE__, tests, sizeof tests / sizeof tests[0]);
}
