/* Backward walks against plain sums, within their own standard error, and where chance has no say.
 * ranks: 1 2 3 4 7 */

#include <stdlib.h>

#include "model.h"
#include "ouro/base/memory.h"
#include "ouro/theory/dual.h"

enum { T = 8 };
static const int64_t every[T + 1] = {0, 1, 2, 3, 4, 5, 6, 7, 8};

/* All nodes of a small graph at generations 0 .. T; NULL with the status where that is refused. */
static ouro_dual *walk_family(MPI_Comm comm, const small *s, setting how, const ouro_family *family, int scattered,
                              int64_t walks, int64_t in_flight, ouro_status *status) {
  const ouro_config config = model_config(how);
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
  *status = graph ? ouro_dual_estimate(&config, family, graph, &request, &dual) : OURO_ENOMEM;
  ouro_graph_destroy(&graph);
  return dual;
}

static ouro_dual *walk_on(MPI_Comm comm, const small *s, setting how, int scattered, int64_t walks, int64_t in_flight,
                          ouro_status *status) {
  const ouro_family family = model_family(how);
  return walk_family(comm, s, how, &family, scattered, walks, in_flight, status);
}

static ouro_dual *walk_curved(const small *s, setting how, double curvature, int64_t walks, ouro_status *status) {
  ouro_family family = model_family(how);
  family.law = OURO_LAW_MEANS;
  family.spread.curvature = curvature;
  return walk_family(MPI_COMM_WORLD, s, how, &family, 1, walks, 0, status);
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

/* Hundreds of graphs on one rank and on two; on more, whose bits are the same, some of them. */
static uint64_t n_graphs(uint64_t most) {
  return ranks_in(MPI_COMM_WORLD) <= 2 ? most : most / 10;
}

typedef struct scores {
  int n;          /* of the last generation */
  int n_sure;     /* where chance has no say */
  int n_all;      /* of all generations */
  double squares; /* of the last generation */
  double largest; /* of all */
} scores;

/* One estimate against what is expected. Returns whether it is right where chance has no say. */
static int score_one(double value, double error, double expected, int is_last, scores *z) {
  const double off = value - expected;
  if (error < 1e-7 * expected) {
    z->n_sure++;
    return fabs(off) <= 1e-6 * expected + 1e-12; /* rounding */
  }
  z->largest = fmax(z->largest, fabs(off / error));
  z->squares += is_last ? off / error * off / error : 0;
  z->n += is_last;
  z->n_all++;
  return 1;
}

static int score(const ouro_dual *dual, const small *s, setting how, scores *z) {
  twin t;
  int right = 1;
  twin_start(&t, s, how);
  for (int g = 0; g <= T; g++, twin_step(&t)) {
    for (int i = 0; i < s->n; i++) {
      right &= score_one(at(dual->value, s, i, g), at(dual->standard_error, s, i, g), t.c[i][i], g == T, z);
    }
  }
  return right;
}

/* Scores of the last generation are independent: models have walks of their own. Were they standard normal, their sum
 * of squares would be that of chi-square with z.n degrees, more than 4.5 standard deviations off with probability 2e-5,
 * and some score of all n_all beyond 6.2 with probability n_all erfc(6.2 / sqrt 2), 1e-5 for 18,000 (Bonferroni). */
static int is_plausible(scores z) {
  const double beyond = (z.squares - z.n) / sqrt(2.0 * z.n);
  const int good = fabs(beyond) < 4.5 && z.largest < 6.2 && z.n_all < 18000;
  if (rank_in(MPI_COMM_WORLD) == 0 && !good) {
    print_message("%d scores, chi-square off by %g sd; %d in all, largest %g\n", z.n, beyond, z.n_all, z.largest);
  }
  return good;
}

static void test_twin(void **unused) {
  (void)unused;
  enum { WALKS = 4096 };
  int n_refused = 0, n_fixed = 0, n_published = 0;
  scores z = {0};
  for (uint64_t seed = 1; seed <= n_graphs(300); seed++) {
    ouro_status status;
    const setting how = random_setting(seed);
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
    n_fixed += !dual->exact && how.draw == OURO_DRAW_PRIVATE;
    n_published += how.draw == OURO_DRAW_PUBLISHED;
    assert_everywhere(score(dual, &s, how, &z));
    ouro_dual_destroy(&dual);
    assert_null(dual);
  }
  if (n_graphs(300) == 300) assert_true(n_refused > 10 && n_fixed > 20 && n_published > 100 && z.n > 600);
  assert_true(z.n > 50 && z.n_sure > 100);
  assert_everywhere(is_plausible(z));
}

/* ---- spreads that follow the error of the model (THEORY.md section 5) ---- */

typedef struct curved {
  const small *s;
  int published;
  double curvature, n[MOST], m[MOST], c[MOST][MOST];
} curved;

static double curved_weight(const curved *t, int i, int k) {
  return t->n[i] > 0 ? t->s->feeds[k][i] / t->n[i] : i == k;
}

static double curved_spread(const curved *t, int k) {
  return 1 + t->curvature * t->c[k][k];
}

static void curved_start(curved *t, const small *s, int initial) {
  t->s = s;
  for (int i = 0; i < s->n; i++) {
    t->n[i] = s->real[i];
    t->c[i][i] = 1.0 / initial;
    for (int k = 0; k < s->n; k++) {
      t->n[i] += s->feeds[k][i];
      t->m[k] = fmax(t->m[k], s->feeds[k][i]);
    }
  }
}

/* (P C P')_ij and the noise of samples that i and j share: all those of i if i = j, or corpora. */
static double curved_entry(const curved *t, int i, int j) {
  const double real = t->n[i] > 0 ? t->s->real[i] / t->n[i] : 0;
  double sum = i == j && t->n[i] > 0 ? real / t->n[i] : 0;
  for (int k = 0; k < t->s->n; k++) {
    for (int l = 0; l < t->s->n; l++) sum += curved_weight(t, i, k) * t->c[k][l] * curved_weight(t, j, l);
    if (t->n[i] == 0 || t->n[j] == 0 || t->m[k] == 0) continue;
    if (t->published) sum += curved_weight(t, i, k) * curved_weight(t, j, k) * curved_spread(t, k) / t->m[k];
    if (!t->published && i == j) sum += curved_weight(t, i, k) * curved_spread(t, k) / t->n[i];
  }
  return sum;
}

static void curved_step(curved *t) {
  curved next = *t;
  for (int i = 0; i < t->s->n; i++) {
    for (int j = 0; j < t->s->n; j++) next.c[i][j] = curved_entry(t, i, j);
  }
  *t = next;
}

/* Bernoulli and categorical (-1), exponential (1) and one between, private and published. */
static void test_curvature(void **unused) {
  (void)unused;
  static const double curvatures[] = {-1, 1, -0.5};
  int n_published = 0;
  scores z = {0};
  for (uint64_t seed = 1; seed <= n_graphs(120); seed++) {
    setting how = random_setting(seed);
    how.p = 0;
    how.sigma = 1;
    how.kind = OURO_REAL_FRESH;
    how.initial = 2 + (int)(seed % 7);
    const small s = random_learning(seed, how);
    curved t = {.published = how.draw == OURO_DRAW_PUBLISHED, .curvature = curvatures[seed % 3]};
    ouro_status status;
    ouro_dual *dual = walk_curved(&s, how, t.curvature, 4096, &status);
    assert_everywhere(status == OURO_OK);
    curved_start(&t, &s, how.initial);
    for (int g = 0; g <= T; g++, curved_step(&t)) {
      for (int i = 0; i < s.n; i++) {
        const double value = at(dual->value, &s, i, g), error = at(dual->standard_error, &s, i, g);
        assert_everywhere(score_one(value, error, t.c[i][i], g == T, &z));
      }
    }
    n_published += t.published;
    ouro_dual_destroy(&dual);
  }
  if (n_graphs(120) == 120) assert_true(n_published > 30 && n_published < 90 && z.n > 300);
  assert_everywhere(is_plausible(z));
}

/* The bits of one rank, whoever owns what and however many pairs walk at a time. */
static void test_same_bits(void **unused) {
  (void)unused;
  static const int64_t in_flight[] = {1000, 37, 5000, 0};
  for (uint64_t seed = 100; seed < 108; seed++) {
    ouro_status status;
    setting how = random_setting(seed);
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
  refuse(&s, how, 0, OURO_ELIMIT, "differ in their counts");
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
      cmocka_unit_test(test_memory_failure), cmocka_unit_test(test_curvature),
  };
  return test_main(__FILE__, tests, sizeof tests / sizeof tests[0]);
}
