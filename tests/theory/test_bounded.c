/* Growth of the linear part against its eigenvalues from LAPACK, and against closed forms.
 * ranks: 1 2 3 4 7 */

#include <stdlib.h>

#include "model.h"
#include "ouro/base/memory.h"
#include "ouro/theory/bounded.h"

extern void dgeev_(const char *jobvl, const char *jobvr, const int *n, double *a, const int *lda, double *wr,
                   double *wi, double *vl, const int *ldvl, double *vr, const int *ldvr, double *work, const int *lwork,
                   int *info);

static int near(double value, double expected, double relative) {
  return fabs(value - expected) <= relative * fabs(expected);
}

typedef struct answer {
  ouro_config config;
  ouro_family family;
  ouro_graph *graph;
  ouro_verdict *verdict;
  ouro_bounded *bounded;
} answer;

static void ask(const small *s, setting how, answer *a) {
  *a = (answer){.config = model_config(how), .family = model_family(how)};
  a->graph = small_build(MPI_COMM_WORLD, s, 1);
  assert_everywhere(a->graph != NULL);
  assert_ok(ouro_verdict_create(a->graph, how.kind != OURO_REAL_INITIAL, &a->verdict));
  assert_ok(ouro_bounded_create(&a->config, &a->family, a->graph, a->verdict, NULL, &a->bounded));
}

static void release(answer *a) {
  ouro_bounded_destroy(&a->bounded);
  assert_null(a->bounded);
  ouro_verdict_destroy(&a->verdict);
  ouro_graph_destroy(&a->graph);
}

/* One model: C -> (a^2 (1 - eta) + eta a) C. THEORY.md section 2: p = 20, n = 27, r = 1 grows by 1.0429970200. */
static void test_one_model(void **unused) {
  (void)unused;
  const setting how = {.initial = 50, .p = 20, .sigma = 1};
  for (int n = 23; n <= 40; n++) {
    for (int r = 1; r <= 11; r += 5) {
      const small s = {.n = 1, .feeds = {{n - r}}, .real = {r}};
      const double share = 1 - r / (double)n, eta = twin_eta(&how, n);
      const double factor = share * share * (1 - eta) + eta * share;
      answer a;
      if (n == 27 && r == 1) assert_true(near(factor, 1.0429970200, 1e-10));
      ask(&s, how, &a);
      assert_everywhere(a.bounded->needed && a.bounded->decided && near(a.bounded->radius, factor, 1e-12));
      assert_everywhere(a.bounded->n_grows == (factor > 1) && isnan(a.bounded->sources));
      release(&a);
    }
  }
}

/* Item 7 of section 13: K models on one another, symmetric: x = C_ii, y = C_ij, m = (x + (K-1) y) / K;
 * x' = (1 - eta) m + eta x, y' = m. A collapse by topology, and geometric. */
static void test_complete(void **unused) {
  (void)unused;
  const setting how = {.initial = 50, .p = 10, .sigma = 1};
  const double eta = twin_eta(&how, 15), k = 5;
  small s = {.n = 5};
  answer a;
  for (int j = 0; j < 5; j++) {
    for (int i = 0; i < 5; i++) s.feeds[j][i] = 3;
  }
  const double xx = (1 - eta) / k + eta, xy = (1 - eta) * (k - 1) / k, yx = 1 / k, yy = (k - 1) / k;
  const double half = (xx + yy) / 2, factor = half + sqrt(half * half - (xx * yy - xy * yx));
  ask(&s, how, &a);
  assert_everywhere(a.bounded->needed && near(a.bounded->sources, factor, 1e-10) && isnan(a.bounded->radius));
  assert_everywhere(factor > 1 && a.bounded->n_grows == 5);
  release(&a);
}

/* Spectral radius of C -> P C P' with its correction, as a matrix on all elements of C. Rows of roots are left out. */
static double brute_radius(const small *s, setting how) {
  enum { SIDE = 5, ALL = SIDE * SIDE };
  static double a[ALL * ALL], re[ALL], im[ALL], work[16 * ALL], none;
  twin t;
  const int n = s->n, all = n * n, one = 1, room = 16 * ALL;
  int info;
  twin_start(&t, s, how);
  memset(a, 0, sizeof a);
  for (int i = 0; i < n; i++) {
    for (int j = 0; j < n; j++) {
      if (twin_size(&t, i) == 0 || twin_size(&t, j) == 0) continue;
      const double eta = i == j ? twin_eta(&how, twin_size(&t, i)) : 0;
      for (int k = 0; k < n; k++) {
        for (int l = 0; l < n; l++) {
          if (twin_size(&t, k) == 0 || twin_size(&t, l) == 0) continue;
          a[(k * n + l) * all + i * n + j] = (1 - eta) * twin_weight(&t, i, k) * twin_weight(&t, j, l);
          if (i == j && k == l) a[(k * n + l) * all + i * n + j] += eta * twin_weight(&t, i, k);
        }
      }
    }
  }
  dgeev_("N", "N", &all, a, &all, re, im, &none, &one, &none, &one, work, &room, &info);
  double most = 0;
  for (int i = 0; i < all; i++) most = fmax(most, hypot(re[i], im[i]));
  return info == 0 ? most : NAN;
}

static small random_small(uint64_t seed, int p) {
  uint64_t state = seed;
  small s = {.n = 1 + below(&state, 5)};
  for (int i = 0; i < s.n; i++) {
    int left = below(&state, 6) == 0 ? 0 : p + 2 + below(&state, p);
    if (left > 0 && below(&state, 3) > 0) left -= s.real[i] = 1 + below(&state, 6);
    while (left > 0) {
      const int m = 1 + below(&state, left);
      s.feeds[below(&state, s.n)][i] += m;
      left -= m;
    }
  }
  return s;
}

static void test_random_graphs(void **unused) {
  (void)unused;
  const uint64_t step = ranks_in(MPI_COMM_WORLD) > 2 ? 8 : 1;
  int needed = 0, grow = 0;
  for (uint64_t seed = 3000; seed < 3200; seed += step) {
    const setting how = {.initial = 50, .p = 8 + (int)(seed % 13), .sigma = 1};
    const small s = random_small(seed, how.p);
    answer a;
    ask(&s, how, &a);
    if (a.bounded->needed) {
      const double radius =
          fmax(isnan(a.bounded->radius) ? 0 : a.bounded->radius, isnan(a.bounded->sources) ? 0 : a.bounded->sources);
      assert_everywhere(fabs(radius - brute_radius(&s, how)) <= fmax(1e-8, 2 * a.bounded->spread));
      assert_everywhere(a.bounded->generations >= 64);
      needed++;
      grow += a.bounded->radius > 1;
    }
    release(&a);
  }
  assert_true(needed * (int)step > 100 && grow > 0);
}

/* Enough samples everywhere: nothing to iterate. */
static void test_not_needed(void **unused) {
  (void)unused;
  const small s = {.n = 2, .feeds = {[0][0] = 41, [0][1] = 50}, .real = {1, 0}}, roots = {.n = 3};
  const small few = {.n = 1, .feeds = {[0][0] = 26}, .real = {1}};
  const setting how = {.initial = 50, .p = 20, .sigma = 1};
  answer a;
  ask(&s, how, &a);
  assert_everywhere(!a.bounded->needed && !a.bounded->decided && strstr(a.bounded->reason, "topology alone"));
  assert_everywhere(isnan(a.bounded->radius) && a.bounded->factor == NULL);
  release(&a);
  ask(&roots, how, &a);
  assert_everywhere(!a.bounded->needed);
  release(&a);
  ask(&few, how, &a);
  assert_everywhere(a.bounded->needed && a.bounded->decided);
  a.config.theory.exact = OURO_EXACT_NONE;
  ouro_bounded_destroy(&a.bounded);
  assert_ok(ouro_bounded_create(&a.config, &a.family, a.graph, a.verdict, NULL, &a.bounded));
  assert_everywhere(a.bounded->needed && !a.bounded->decided && strstr(a.bounded->reason, "theory.exact") != NULL);
  release(&a);
}

/* Any one allocation of the last rank fails: all ranks say so, and none hangs. */
static void test_short_of_memory(void **unused) {
  (void)unused;
  const small s = {.n = 2, .feeds = {[0][0] = 26, [0][1] = 24}, .real = {1, 0}};
  answer a;
  int n = 1;
  ask(&s, (setting){.initial = 50, .p = 20, .sigma = 1}, &a);
  for (;; n++) {
    ouro_bounded_destroy(&a.bounded);
    if (rank_in(MPI_COMM_WORLD) == ranks_in(MPI_COMM_WORLD) - 1) ouro_memory_fail_at(n);
    const ouro_status status = ouro_bounded_create(&a.config, &a.family, a.graph, a.verdict, NULL, &a.bounded);
    ouro_memory_fail_at(0);
    assert_everywhere(status == OURO_OK || (status == OURO_ENOMEM && a.bounded == NULL));
    if (status == OURO_OK) break;
  }
  assert_true(n > 20);
  release(&a);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_one_model),  cmocka_unit_test(test_complete),        cmocka_unit_test(test_random_graphs),
      cmocka_unit_test(test_not_needed), cmocka_unit_test(test_short_of_memory),
  };
  return test_main(__FILE__, tests, sizeof tests / sizeof tests[0]);
}
