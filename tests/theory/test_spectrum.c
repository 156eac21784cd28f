/* Eigenvalues of P: closed forms, traces of powers, and the verdict on hundreds of random graphs. The bounds of the
 * spectral radius: LAPACK, closed forms, and where they must not claim to have converged.
 * ranks: 1 2 3 4 7 */

#include <complex.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "ouro/base/memory.h"
#include "ouro/theory/spectrum.h"
#include "ouro/theory/verdict.h"
#include "small.h"
#include "theory/radius.h"

static const ouro_mixing shares = {.real_counts = true};

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
    ouro_radius radius; /* by BiCGSTAB */
    double trace[3];
    assert_everywhere(graph != NULL);
    assert_ok(ouro_verdict_create(graph, real_counts, &verdict));
    assert_ok(ouro_spectrum_create(graph, (ouro_mixing){real_counts != 0, 0}, NULL, &x));
    assert_ok(ouro_radius_enclose(graph, (ouro_mixing){real_counts != 0, 0}, 0, &radius));
    traces(&s, real_counts, trace);
    assert_everywhere(x->found && same_traces(x, trace));
    /* a defective eigenvalue is known to LAPACK to a root of the rounding only; that of the bounds is not */
    assert_everywhere(x->converged && x->lower <= x->radius + 1e-7 && x->radius <= x->upper + 1e-7);
    assert_everywhere(radius.converged && radius.lower <= x->upper && x->lower <= radius.upper);
    assert_everywhere((x->upper < 1 - 1e-9) == (verdict->n_unstable == 0));
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
    assert_ok(ouro_spectrum_create(graph, shares, NULL, &x));
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
  assert_ok(ouro_spectrum_create(graph, shares, NULL, &x));
  assert_everywhere(x->found && x->n == 0 && x->radius == 0);
  ouro_spectrum_destroy(&x);
  ouro_graph_destroy(&graph);
  graph = small_build(MPI_COMM_WORLD, &line, 0);
  assert_ok(ouro_spectrum_create(graph, shares, NULL, &x));
  assert_everywhere(x->found && x->n == 4 && x->radius == 0); /* nilpotent: dgeev balances it into a triangle */
  ouro_spectrum_destroy(&x);
  ouro_graph_destroy(&graph);
}

/* Two models on one another, 30 synthetic samples each and 10 real ones: real data of weight 0.9 leave a tenth. */
static void test_weight(void **unused) {
  (void)unused;
  const small pair = {.n = 2, .feeds = {[0][1] = 30, [1][0] = 30}, .real = {10, 10}};
  ouro_graph *graph = small_build(MPI_COMM_WORLD, &pair, 0);
  for (int weighted = 0; weighted <= 1; weighted++) {
    const double expected = weighted ? 0.1 : 0.75;
    ouro_spectrum *x = NULL;
    ouro_radius radius;
    const ouro_mixing mixing = {true, weighted ? 0.9 : 0};
    assert_ok(ouro_spectrum_create(graph, mixing, NULL, &x));
    assert_everywhere(fabs(x->radius - expected) < 1e-14);
    assert_ok(ouro_radius_enclose(graph, mixing, 0, &radius));
    assert_everywhere(fabs(radius.upper - expected) < 1e-12 && fabs(radius.lower - expected) < 1e-12);
    ouro_spectrum_destroy(&x);
  }
  ouro_graph_destroy(&graph);
}

/* ---- bounds of the radius ---- */

/* A graph of any size: feeds j -> i of m samples, given by the rank that owns block i. */
typedef struct sized {
  int n;
  ouro_feeds feeds;
  ouro_gid anchor; /* the one node with real data, or -1 */
  ouro_count real;
} sized;

static void feed(sized *s, int j, int i, ouro_count samples) {
  if (i % ranks_in(MPI_COMM_WORLD) == rank_in(MPI_COMM_WORLD))
    assert_int_equal(ouro_feeds_add(&s->feeds, j, i, samples), OURO_OK);
}

static ouro_radius enclose(sized *s, int64_t direct) {
  ouro_graph *graph = NULL;
  ouro_radius radius;
  assert_ok(ouro_graph_build(MPI_COMM_WORLD, s->n, &s->feeds, &graph));
  for (ouro_lid i = 0; i < graph->n_owned; i++) graph->real[i] = graph->gid[i] == s->anchor ? s->real : 0;
  assert_ok(ouro_radius_enclose(graph, shares, direct, &radius));
  assert_everywhere(0 <= radius.lower && radius.lower <= radius.upper && radius.upper <= 1);
  ouro_graph_destroy(&graph);
  ouro_feeds_clear(&s->feeds);
  return radius;
}

static int encloses(ouro_radius radius, double exact) {
  return radius.converged && radius.lower <= exact * (1 + 1e-15) && exact <= radius.upper * (1 + 1e-15) &&
         radius.upper - radius.lower <= 1e-9 * exact;
}

/* The period is N: no power of P settles. Real data of a share of 1/4 at one node: all eigenvalues are the N-th roots
 * of 3/4. */
static void test_long_ring(void **unused) {
  (void)unused;
  static const int length[] = {1, 2, 3, 24, 120, 500}; /* the last by factors */
  for (size_t k = 0; k < 2 * sizeof length / sizeof *length; k++) {
    const int n = length[k / 2], real = k % 2;
    sized s = {.n = n, .anchor = n / 3, .real = real};
    for (int i = 0; i < n; i++) feed(&s, i, (i + 1) % n, 3);
    assert_everywhere(encloses(enclose(&s, n > 24 ? 1000 : 0), real ? pow(0.75, 1.0 / n) : 1));
  }
}

/* Two halves that hardly hear each other: the gap is 1e-6. Without real data the radius is 1 nevertheless; with a
 * share of 1e-6 at every node of both it is 1 - 1e-6, and only two eigenvalues are near. */
static void test_small_gap(void **unused) {
  (void)unused;
  for (int way = 0; way < 4; way++) {
    enum { SHARE = 1000000 };
    const int real = way % 2, direct = way / 2 * 1000;
    small s = {.n = 8};
    for (int i = 0; i < s.n; i++) {
      for (int j = 0; j < s.n; j++) s.feeds[j][i] = i / 4 == j / 4 ? SHARE / 4 : i % 4 == j % 4;
      s.feeds[i][i] -= 1 + real;
      s.real[i] = real;
    }
    ouro_graph *graph = small_build(MPI_COMM_WORLD, &s, 1);
    ouro_radius radius;
    assert_ok(ouro_radius_enclose(graph, shares, direct, &radius));
    assert_everywhere(encloses(radius, real ? 1 - 1e-6 : 1));
    assert_everywhere((radius.upper < 1) == real);
    ouro_graph_destroy(&graph);
  }
}

/* The same eigenvalue twice, one node feeding the other: P has one eigenvector for both. Below them a chain, above
 * them another one that weights of ten orders of magnitude hang on. */
static void test_defective(void **unused) {
  (void)unused;
  for (int direct = 0; direct <= 1000; direct += 1000) {
    sized s = {.n = 12, .anchor = 4, .real = 2};
    feed(&s, 0, 1, 1);
    feed(&s, 1, 2, 10000000000);
    feed(&s, 2, 3, 1);
    feed(&s, 3, 4, 1);
    feed(&s, 4, 4, 3);
    feed(&s, 4, 5, 5);
    feed(&s, 5, 5, 5);
    feed(&s, 0, 6, 10000000000);
    for (int i = 5; i < 11; i++) feed(&s, i, i + 1, 1);
    assert_everywhere(encloses(enclose(&s, direct), 0.5));
  }
}

/* Chains are gone after a round a node. */
static void test_chains(void **unused) {
  (void)unused;
  static const int length[] = {1, 2, 200, 2000}; /* the last is slow where ranks share cores */
  for (int k = 0; k < (ranks_in(MPI_COMM_WORLD) > 2 ? 3 : 4); k++) {
    sized s = {.n = length[k], .anchor = -1};
    for (int i = 1; i < length[k]; i++) feed(&s, i - 1, i, 2);
    const ouro_radius radius = enclose(&s, 0);
    assert_everywhere(radius.lower == 0 && radius.upper == 0 && radius.converged);
  }
}

/* A chain behind real data, as long as that: a set on which ratios are 1 is found only after a pass a node. The
 * unstable source beside it makes the radius 1. */
static void test_deep_downstream(void **unused) {
  (void)unused;
  enum { N = 800 };
  if (ranks_in(MPI_COMM_WORLD) > 2) return;
  sized s = {.n = N, .anchor = 0, .real = 1};
  feed(&s, 0, 0, 1);
  for (int i = 1; i < N - 1; i++) feed(&s, i - 1, i, 2);
  feed(&s, N - 1, N - 1, 1);
  assert_everywhere(encloses(enclose(&s, 0), 1));
}

/* A ring too long for the solver, cured at one node: 0.5^(1/N) = 1 - 5.8e-4 is not found, and not claimed. */
static void test_not_converged(void **unused) {
  (void)unused;
  enum { N = 1200 };
  if (ranks_in(MPI_COMM_WORLD) > 2) return;
  const double exact = pow(0.5, 1.0 / N);
  sized s = {.n = N, .anchor = 17, .real = 1};
  for (int i = 0; i < N; i++) feed(&s, i, (i + 1) % N, 1);
  const ouro_radius radius = enclose(&s, 0);
  assert_everywhere(radius.lower <= exact && exact <= radius.upper && !radius.converged);
}

/* Bounds of one rank alone, bit by bit. */
static void test_same_bits(void **unused) {
  (void)unused;
  for (uint64_t seed = 1; seed <= 60; seed += 4) {
    const small s = random_small(seed);
    ouro_graph *alone = small_build(MPI_COMM_SELF, &s, 0), *together = small_build(MPI_COMM_WORLD, &s, seed % 8 == 1);
    ouro_radius a, b;
    assert_everywhere(ouro_radius_enclose(alone, shares, seed % 3 == 0 ? 0 : 1000, &a) == OURO_OK);
    assert_ok(ouro_radius_enclose(together, shares, seed % 3 == 0 ? 0 : 1000, &b));
    assert_everywhere(a.lower == b.lower && a.upper == b.upper && a.products == b.products);
    ouro_graph_destroy(&alone);
    ouro_graph_destroy(&together);
  }
}

/* Any one allocation of the last rank fails: all ranks say so, and none hangs. */
static void test_short_of_memory(void **unused) {
  (void)unused;
  const small s = random_small(7);
  ouro_graph *graph = small_build(MPI_COMM_WORLD, &s, 0);
  ouro_spectrum *x = NULL;
  for (int n = 1;; n++) {
    if (rank_in(MPI_COMM_WORLD) == ranks_in(MPI_COMM_WORLD) - 1) ouro_memory_fail_at(n);
    const ouro_status status = ouro_spectrum_create(graph, shares, NULL, &x);
    ouro_memory_fail_at(0);
    assert_everywhere(status == OURO_OK || (status == OURO_ENOMEM && x == NULL));
    if (status == OURO_OK) break;
  }
  ouro_spectrum_destroy(&x);
  ouro_graph_destroy(&graph);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_verdict),       cmocka_unit_test(test_ring),      cmocka_unit_test(test_empty),
      cmocka_unit_test(test_weight),        cmocka_unit_test(test_long_ring), cmocka_unit_test(test_small_gap),
      cmocka_unit_test(test_defective),     cmocka_unit_test(test_chains),    cmocka_unit_test(test_deep_downstream),
      cmocka_unit_test(test_not_converged), cmocka_unit_test(test_same_bits), cmocka_unit_test(test_short_of_memory),
  };
  return test_main(__FILE__, tests, sizeof tests / sizeof tests[0]);
}
