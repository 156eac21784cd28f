/* Eigenvalues of P: closed forms, traces of powers, and the verdict on hundreds of random graphs.
 * ranks: 1 2 3 4 7 */

#include <complex.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "ouro/base/memory.h"
#include "ouro/theory/spectrum.h"
#include "ouro/theory/verdict.h"
#include "small.h"

static small random_small(uint64_t seed) {
  uint64_t state = seed;
  small s = {.n = 1 + below(&state, 12)};
  for (int k = below(&state, 3 * s.n + 1); k > 0; k--) {
    const int j = below(&state, s.n), i = below(&state, s.n);
    s.feeds[j][i] = 1 + below(&state, 9);
  }
  for (int i = 0; i < s.n; i++) s.real[i] = below(&state, 3) == 0 ? 1 + below(&state, 9) : 0;
  return s;
}

/* trace of P^k over trained nodes by plain products, k = 1 .. 3; real data counts or not */
static void traces(const small *s, int real_counts, double trace[3]) {
  double p[MOST][MOST] = {{0}}, power[MOST][MOST], next[MOST][MOST];
  for (int i = 0; i < s->n; i++) {
    double size = real_counts ? s->real[i] : 0;
    for (int j = 0; j < s->n; j++) size += s->feeds[j][i];
    for (int j = 0; j < s->n; j++) p[i][j] = size > 0 ? s->feeds[j][i] / size : 0;
  }
  memcpy(power, p, sizeof p);
  for (int k = 0; k < 3; k++) {
    trace[k] = 0;
    for (int i = 0; i < s->n; i++) trace[k] += power[i][i];
    memset(next, 0, sizeof next);
    for (int i = 0; i < s->n; i++) {
      for (int j = 0; j < s->n; j++) {
        for (int l = 0; l < s->n; l++) next[i][j] += power[i][l] * p[l][j];
      }
    }
    memcpy(power, next, sizeof next);
  }
}

static int same_traces(const ouro_spectrum *x, const double trace[3]) {
  double complex sums[3] = {0};
  for (int32_t i = 0; i < x->n; i++) {
    const double complex v = x->real[i] + I * x->imaginary[i];
    sums[0] += v;
    sums[1] += v * v;
    sums[2] += v * v * v;
  }
  for (int k = 0; k < 3; k++) {
    if (cabs(sums[k] - trace[k]) > 1e-11) return 0;
  }
  return 1;
}

/* The radius is 1 iff an unstable source exists. A radius below 1 keeps its distance on graphs so small: a walk of
 * 12 steps meets real data or a root with probability at least 36^-12, mostly far more; seeds are fixed. */
static void test_verdict(void **unused) {
  (void)unused;
  const uint64_t step = ranks_in(MPI_COMM_WORLD) > 2 ? 9 : 1; /* many ranks on few cores pay for every collective */
  int unstable = 0, stable = 0;
  for (uint64_t seed = 1; seed <= 400; seed += step) {
    const small s = random_small(seed);
    const int real_counts = seed % 4 != 0;
    ouro_graph *graph = small_build(MPI_COMM_WORLD, &s, seed % 2 == 0);
    ouro_verdict *verdict = NULL;
    ouro_spectrum *x = NULL;
    double trace[3];
    assert_everywhere(graph != NULL);
    assert_ok(ouro_verdict_create(graph, real_counts, &verdict));
    assert_ok(ouro_spectrum_create(graph, real_counts, NULL, &x));
    traces(&s, real_counts, trace);
    assert_everywhere(x->found && same_traces(x, trace));
    assert_everywhere(x->radius <= 1 + 1e-12 && (fabs(x->radius - 1) < 1e-9) == (verdict->n_unstable > 0));
    unstable += verdict->n_unstable > 0;
    stable += verdict->n_unstable == 0;
    ouro_spectrum_destroy(&x);
    assert_null(x);
    ouro_verdict_destroy(&verdict);
    ouro_graph_destroy(&graph);
  }
  assert_true(unstable * (int)step > 50 && stable * (int)step > 50);
}

/* A ring of K without real data: the K-th roots of unity. With a share of real data r all are 1 - r long. */
static void test_ring(void **unused) {
  (void)unused;
  for (int real = 0; real <= 1; real++) {
    enum { K = 6 };
    small s = {.n = K};
    ouro_spectrum *x = NULL;
    for (int i = 0; i < K; i++) {
      s.feeds[i][(i + 1) % K] = 3;
      s.real[i] = real;
    }
    ouro_graph *graph = small_build(MPI_COMM_WORLD, &s, 1);
    assert_everywhere(graph != NULL);
    assert_ok(ouro_spectrum_create(graph, true, NULL, &x));
    const double length = real ? 0.75 : 1;
    int right = x->n == K;
    for (int i = 0; i < x->n; i++) {
      const double complex v = (x->real[i] + I * x->imaginary[i]) / length;
      right = right && cabs(cpow(v, K) - 1) < 1e-11;
    }
    assert_everywhere(right && fabs(x->radius - length) < 1e-12);
    ouro_spectrum_destroy(&x);
    ouro_graph_destroy(&graph);
  }
}

static void test_empty(void **unused) {
  (void)unused;
  const small roots = {.n = 4}, line = {.n = 5, .feeds = {[0][1] = 1, [1][2] = 1, [2][3] = 1, [3][4] = 1}};
  ouro_graph *graph = small_build(MPI_COMM_WORLD, &roots, 0);
  ouro_spectrum *x = NULL;
  assert_ok(ouro_spectrum_create(graph, true, NULL, &x));
  assert_everywhere(x->found && x->n == 0 && x->radius == 0);
  ouro_spectrum_destroy(&x);
  ouro_graph_destroy(&graph);
  graph = small_build(MPI_COMM_WORLD, &line, 0);
  assert_ok(ouro_spectrum_create(graph, true, NULL, &x));
  assert_everywhere(x->found && x->n == 4 && x->radius == 0); /* nilpotent: dgeev balances it into a triangle */
  ouro_spectrum_destroy(&x);
  ouro_graph_destroy(&graph);
}

/* Any one allocation of the last rank fails: all ranks say so, and none hangs. */
static void test_short_of_memory(void **unused) {
  (void)unused;
  const small s = random_small(7);
  ouro_graph *graph = small_build(MPI_COMM_WORLD, &s, 0);
  ouro_spectrum *x = NULL;
  for (int n = 1;; n++) {
    if (rank_in(MPI_COMM_WORLD) == ranks_in(MPI_COMM_WORLD) - 1) ouro_memory_fail_at(n);
    const ouro_status status = ouro_spectrum_create(graph, true, NULL, &x);
    ouro_memory_fail_at(0);
    assert_everywhere(status == OURO_OK || (status == OURO_ENOMEM && x == NULL));
    if (status == OURO_OK) break;
  }
  ouro_spectrum_destroy(&x);
  ouro_graph_destroy(&graph);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_verdict),
      cmocka_unit_test(test_ring),
      cmocka_unit_test(test_empty),
      cmocka_unit_test(test_short_of_memory),
  };
  return test_main(__FILE__, tests, sizeof tests / sizeof tests[0]);
}
