/* Backward walks against plain sums, within their own standard error, and where chance has no say.
 * ranks: 1 2 3 4 7 */

#include <stdlib.h>

#include "model.h"
#include "ouro/base/memory.h"
#include "ouro/theory/dual.h"

enum { T = 8 };
static const int64_t every[T + 1] = {0, 1, 2, 3, 4, 5, 6, 7, 8};

/* All nodes of a small graph at generations 0 .. T; NULL with the status where that is refused. */
static ouro_dual *walk_on(MPI_Comm comm, const small *s, setting how, int scattered, int64_t walks, int64_t in_flight,
                          ouro_status *status) {
  const ouro_config config = model_config(how);
  const ouro_family family = model_family(how);
  ouro_gid nodes[MOST];
  ouro_dual *dual = NULL;
  for (int i = 0; i < s->n; i++) nodes[i] = s->n - 1 - i;
  const ouro_dual_request request = {.n_nodes = s->n,
                                     .nodes = nodes,
                                     .n_generations = T + 1,
                                     .generations = every,
                                     .walks = walks,
                                     .in_flight = in_flight};
  ouro_graph *graph = small_build(comm, s, scattered);
  *status = graph ? ouro_dual_estimate(&config, &family, graph, &request, &dual) : OURO_ENOMEM;
  ouro_graph_destroy(&graph);
  return dual;
}

/* Value or error of node i at generation t; nodes were asked for backwards. */
static double at(const double *table, const small *s, int i, int t) {
  return table[(s->n - 1 - i) * (T + 1) + t];
}

static int learnable(const small *s, setting how) {
  twin t = {.s = s, .how = how};
  for (int i = 0; i < s->n; i++) {
    const double n = twin_size(&t, i);
    if (twin_exact(&t) && n > 0 && twin_eta(&how, n) > 1) return 0;
  }
  return 1;
}

typedef struct scores {
  int n, n_sure;
  double squares, largest;
} scores;

static int score(const ouro_dual *dual, const small *s, setting how, scores *z) {
  twin t;
  int right = 1;
  twin_start(&t, s, how);
  for (int g = 0; g <= T; g++, twin_step(&t)) {
    for (int i = 0; i < s->n; i++) {
      const double off = at(dual->value, s, i, g) - t.c[i][i], error = at(dual->standard_error, s, i, g);
      if (error < 1e-7 * t.c[i][i]) { /* chance has no say, but rounding */
        right = right && fabs(off) <= 1e-6 * t.c[i][i];
        z->n_sure++;
        continue;
      }
      if (fabs(off / error) > z->largest) z->largest = fabs(off / error);
      if (g == T) z->squares += off / error * off / error;
      z->n += g == T;
    }
  }
  return right;
}

/* Scores of the last generation are independent: about 200 of them, whose root mean square has a standard deviation
 * of 0.05. All scores, some 1,700, stay below 6 but for a chance of 2e-6 (2e-9 each, with room for skewness). */
static void test_twin(void **unused) {
  (void)unused;
  enum { WALKS = 4096 };
  int n_refused = 0, n_fixed = 0;
  scores z = {0};
  for (uint64_t seed = 1; seed <= 50; seed++) {
    ouro_status status;
    setting how = random_setting(seed);
    how.draw = OURO_DRAW_PRIVATE;
    const small s = random_learning(seed, how);
    ouro_dual *dual = walk_on(MPI_COMM_WORLD, &s, how, seed % 2 == 0, WALKS, 0, &status);
    assert_everywhere(status == (learnable(&s, how) ? OURO_OK : OURO_ELIMIT));
    if (dual == NULL) {
      n_refused++;
      continue;
    }
    twin t = {.s = &s, .how = how};
    assert_everywhere(dual->exact == twin_is_exact(&t));
    for (int i = 0; i < s.n; i++) assert_everywhere(dual->walks[i] == WALKS);
    n_fixed += !dual->exact;
    assert_everywhere(score(dual, &s, how, &z));
    ouro_dual_destroy(&dual);
    assert_null(dual);
  }
  assert_true(n_refused > 2 && n_fixed > 5 && z.n > 100 && z.n_sure > 100);
  const double rms = sqrt(z.squares / z.n);
  if (rank_in(MPI_COMM_WORLD) == 0 && !(rms > 0.75 && rms < 1.25 && z.largest < 6)) {
    print_message("rms %g of %d, largest %g\n", rms, z.n, z.largest);
  }
  assert_everywhere(rms > 0.75 && rms < 1.25 && z.largest < 6);
}

/* The bits of one rank, whoever owns what and however many pairs walk at a time. */
static void test_same_bits(void **unused) {
  (void)unused;
  static const int64_t in_flight[] = {1000, 37, 5000, 0};
  for (uint64_t seed = 100; seed < 108; seed++) {
    ouro_status status;
    setting how = random_setting(seed);
    how.draw = OURO_DRAW_PRIVATE;
    how.p = 0;
    const small s = random_learning(seed, how);
    ouro_dual *alone = walk_on(MPI_COMM_SELF, &s, how, 0, 1500, 0, &status);
    assert_everywhere(status == OURO_OK);
    ouro_dual *world = walk_on(MPI_COMM_WORLD, &s, how, seed % 2 == 0, 1500, in_flight[seed % 4], &status);
    assert_everywhere(status == OURO_OK);
    const size_t bytes = (size_t)s.n * (T + 1) * sizeof(double);
    assert_everywhere(memcmp(alone->value, world->value, bytes) == 0);
    assert_everywhere(memcmp(alone->standard_error, world->standard_error, bytes) == 0);
    ouro_dual_destroy(&alone);
    ouro_dual_destroy(&world);
  }
}

/* Where every model has one predecessor the walks have no choice: R1 and the ring of R14, a root and its heirs, one
 * model on real data alone. */
static void test_no_choice(void **unused) {
  (void)unused;
  const setting how = {.initial = 40, .p = 5, .sigma = 1.5};
  const double start = 2.25 / 34, noise = 2.25 / 44;
  small ring = {.n = 5}, path = {.n = 5}, alone = {.n = 1, .feeds = {{50}}}, real = {.n = 1, .real = {50}},
        root = {.n = 1};
  for (int i = 0; i < 5; i++) ring.feeds[i][(i + 1) % 5] = 50;
  for (int i = 0; i < 4; i++) path.feeds[i][i + 1] = 50;
  const small *const graphs[] = {&ring, &path, &alone, &real, &root};
  for (int k = 0; k < 5; k++) {
    ouro_status status;
    const small *s = graphs[k];
    ouro_dual *dual = walk_on(MPI_COMM_WORLD, s, how, k % 2, 100, 7, &status);
    assert_everywhere(status == OURO_OK);
    for (int i = 0; i < s->n; i++) {
      for (int t = 0; t <= T; t++) {
        const int fits = s == &path ? (t < i ? t : i) : s == &root ? 0 : t;
        const double expected = s == &real && t > 0 ? noise : start + fits * noise;
        assert_everywhere(fabs(at(dual->value, s, i, t) - expected) < 1e-12 * expected);
        assert_everywhere(at(dual->standard_error, s, i, t) < 1e-7 * expected);
      }
    }
    ouro_dual_destroy(&dual);
  }
}

/* Section 13, item 1: root, loop and real data, as t goes to infinity; from C(0) = 1, of which only that of the root
 * stays. 2^17 walks; three scores below 5 but for a chance of 2e-6. */
static void test_known_regression(void **unused) {
  (void)unused;
  const setting how = {.initial = 4, .p = 2, .sigma = 1};
  const small s = {.n = 3, .feeds = {[0][1] = 4, [2][1] = 6, [1][2] = 5, [2][2] = 5}, .real = {0, 0, 5}};
  static const double expected[] = {1, 0.5804328438, 0.2490661320};
  static const ouro_gid nodes[] = {0, 1, 2};
  static const int64_t generations[] = {3, 300};
  const ouro_dual_request request = {
      .n_nodes = 3, .nodes = nodes, .n_generations = 2, .generations = generations, .walks = 1 << 17};
  const ouro_config config = model_config(how);
  const ouro_family family = model_family(how);
  ouro_graph *graph = small_build(MPI_COMM_WORLD, &s, 1);
  ouro_dual *dual = NULL;
  twin t;
  twin_start(&t, &s, how);
  for (int g = 0; g < 3; g++) twin_step(&t);
  assert_ok(ouro_dual_estimate(&config, &family, graph, &request, &dual));
  for (int i = 0; i < 3; i++) {
    const double *value = dual->value + 2 * i, *error = dual->standard_error + 2 * i;
    assert_everywhere(fabs(value[0] - t.c[i][i]) < 5 * error[0] + 1e-12);
    assert_everywhere(fabs(value[1] - expected[i]) < 5 * error[1] + 1e-12);
    assert_everywhere(error[1] < 0.01 * value[1]);
  }
  ouro_dual_destroy(&dual);
  ouro_graph_destroy(&graph);
}

/* Nodes are walked for until their error is small enough; those of a root at once. */
static void test_wanted_error(void **unused) {
  (void)unused;
  const setting how = {.initial = 30, .sigma = 1};
  const small s = {.n = 3, .feeds = {[0][1] = 20, [2][1] = 2, [2][2] = 9, [1][2] = 9}};
  static const ouro_gid nodes[] = {1, 0, 2, 1};
  static const int64_t generations[] = {2, 9, 40};
  const ouro_dual_request request = {
      .n_nodes = 4, .nodes = nodes, .n_generations = 3, .generations = generations, .walks = 100000, .error = 0.01};
  const ouro_config config = model_config(how);
  const ouro_family family = model_family(how);
  ouro_graph *graph = small_build(MPI_COMM_WORLD, &s, 0);
  ouro_dual *dual = NULL;
  assert_ok(ouro_dual_estimate(&config, &family, graph, &request, &dual));
  assert_everywhere(dual->walks[1] == 1024 && dual->walks[2] > 1024 && dual->walks[2] < 100000);
  for (int k = 0; k < 12; k++) assert_everywhere(dual->standard_error[k] <= 0.01 * dual->value[k]);
  for (int k = 0; k < 3; k++) assert_everywhere(dual->value[k] == dual->value[9 + k]);
  ouro_dual_destroy(&dual);
  ouro_graph_destroy(&graph);
}

/* Two models in the same situation have walks of their own. */
static void test_independent_nodes(void **unused) {
  (void)unused;
  const setting how = {.initial = 30, .sigma = 1};
  const small s = {.n = 4, .feeds = {[0][1] = 10, [3][1] = 12, [0][2] = 10, [3][2] = 12}};
  ouro_status status;
  ouro_dual *dual = walk_on(MPI_COMM_WORLD, &s, how, 1, 1000, 0, &status);
  assert_everywhere(status == OURO_OK && at(dual->standard_error, &s, 1, 1) > 0);
  assert_everywhere(at(dual->value, &s, 1, 1) != at(dual->value, &s, 2, 1));
  ouro_dual_destroy(&dual);
}

static void test_empty_requests(void **unused) {
  (void)unused;
  const setting how = {.initial = 30, .sigma = 1};
  const small s = {.n = 2, .feeds = {[0][1] = 20, [1][0] = 2}};
  static const ouro_gid node = 1;
  const ouro_dual_request requests[] = {{.walks = 2}, {.n_nodes = 1, .nodes = &node, .walks = 2}};
  const ouro_config config = model_config(how);
  const ouro_family family = model_family(how);
  ouro_graph *graph = small_build(MPI_COMM_WORLD, &s, 0);
  for (int k = 0; k < 2; k++) {
    ouro_dual *dual = NULL;
    assert_ok(ouro_dual_estimate(&config, &family, graph, &requests[k], &dual));
    assert_everywhere(dual->n_nodes == k && dual->n_generations == 0);
    ouro_dual_destroy(&dual);
  }
  ouro_graph_destroy(&graph);
}

static void refuse(const small *s, setting how, ouro_gid node, ouro_status expected, const char *says) {
  static const int64_t generation = 3;
  const ouro_dual_request request = {
      .n_nodes = 1, .nodes = &node, .n_generations = 1, .generations = &generation, .walks = 10};
  const ouro_config config = model_config(how);
  const ouro_family family = model_family(how);
  ouro_graph *graph = small_build(MPI_COMM_WORLD, s, 1);
  ouro_dual *dual = NULL;
  const ouro_status status = ouro_dual_estimate(&config, &family, graph, &request, &dual);
  assert_everywhere(status == expected && dual == NULL && strstr(ouro_error_message(), says) != NULL);
  ouro_graph_destroy(&graph);
}

static void test_refusals(void **unused) {
  (void)unused;
  const small s = {.n = 4, .feeds = {[0][1] = 21, [1][0] = 21, [1][2] = 20, [2][3] = 20}};
  setting how = {.initial = 30, .p = 10, .sigma = 1};
  refuse(&s, how, 0, OURO_ELIMIT, "21 samples at every trained model (eta <= 1): 2 has fewer");
  how.p = 9;
  refuse(&s, how, 4, OURO_EINPUT, "no node 4");
  refuse(&s, how, -1, OURO_EINPUT, "no node -1");
  how.draw = OURO_DRAW_PUBLISHED;
  refuse(&s, how, 0, OURO_ELIMIT, "learning.draw=private");
  how.draw = OURO_DRAW_PRIVATE;
  how.p = 19;
  refuse(&s, how, 0, OURO_ELIMIT, "infinite");
}

/* Each allocation of each rank fails once. */
static void test_memory_failure(void **unused) {
  (void)unused;
  const setting how = {.initial = 30, .sigma = 1};
  const small s = {.n = 3, .feeds = {[0][1] = 20, [2][1] = 2, [2][2] = 9, [1][2] = 9}};
  static const ouro_gid node = 1;
  const ouro_dual_request request = {
      .n_nodes = 1, .nodes = &node, .n_generations = T + 1, .generations = every, .walks = 10, .in_flight = 10};
  const ouro_config config = model_config(how);
  const ouro_family family = model_family(how);
  ouro_graph *graph = small_build(MPI_COMM_WORLD, &s, 1);
  ouro_status status = OURO_ENOMEM;
  int n = 0;
  while (status == OURO_ENOMEM && n < 1000) {
    ouro_dual *dual = NULL;
    if (rank_in(MPI_COMM_WORLD) == n % ranks_in(MPI_COMM_WORLD)) ouro_memory_fail_at(n / ranks_in(MPI_COMM_WORLD) + 1);
    status = ouro_dual_estimate(&config, &family, graph, &request, &dual);
    ouro_memory_fail_at(0);
    assert_everywhere((status == OURO_OK) == (dual != NULL));
    ouro_dual_destroy(&dual);
    n++;
  }
  assert_everywhere(status == OURO_OK && n > 10);
  ouro_graph_destroy(&graph);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_no_choice),      cmocka_unit_test(test_twin),
      cmocka_unit_test(test_same_bits),      cmocka_unit_test(test_known_regression),
      cmocka_unit_test(test_wanted_error),   cmocka_unit_test(test_independent_nodes),
      cmocka_unit_test(test_empty_requests), cmocka_unit_test(test_refusals),
      cmocka_unit_test(test_memory_failure),
  };
  return test_main(__FILE__, tests, sizeof tests / sizeof tests[0]);
}
