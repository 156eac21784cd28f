/* Both engines against plain sums, against the known answers of THEORY.md section 13, and against each other.
 * ranks: 1 2 3 4 7 */

#include <stdlib.h>

#include "moving.h"

/* Elements of both against each other, relative to the size of the two diagonal elements. */
static int same_matrix(const moving *m, const twin *t) {
  int same = 1;
  for (int i = 0; i < t->s->n; i++) {
    for (int j = 0; j <= i; j++) {
      same = same && fabs(entry(m, i, j) - t->c[i][j]) <= 1e-12 * sqrt(t->c[i][i] * t->c[j][j]);
    }
  }
  return same;
}

static void follow(const small *s, setting how, int scattered, const ouro_engine_methods *engine, int block) {
  moving m;
  twin t;
  prepare(s, how, scattered, &m);
  set_moving(engine, block, &m);
  twin_start(&t, s, how);
  for (int g = 0; g <= 6; g++) {
    for (int i = 0; i < s->n; i++) assert_everywhere(near(m.recursion->diagonal[i], t.c[i][i], 1e-12));
    advance(&m, 1);
    twin_step(&t);
  }
  assert_everywhere(same_matrix(&m, &t));
  stop(&m);
}

static void test_twin(void **unused) {
  (void)unused;
  static const int blocks[] = {1, 2, 3, 64};
  for (uint64_t seed = 1; seed <= 30; seed++) {
    const setting how = random_setting(seed);
    const small s = random_learning(seed, how);
    follow(&s, how, seed % 2 == 1, &ouro_engine_sparse, blocks[seed % 4]);
    follow(&s, how, seed % 2 == 0, &ouro_engine_dense, blocks[seed % 4]);
  }
}

/* A graph of several strips and blocks: the engines share nothing but the system. */
static void test_engines_agree(void **unused) {
  (void)unused;
  const setting how = {.initial = 50, .p = 3, .sigma = 1.5};
  const ouro_config config = model_config(how);
  const ouro_family family = model_family(how);
  enum { N = 217, DEGREE = 6, GENERATIONS = 8 };
  ouro_feeds feeds = {0};
  ouro_status local = OURO_OK;
  uint64_t state = 5;
  moving m = {0};
  double sparse[N];
  for (int i = 7; i < N; i++) { /* nodes 0 .. 6 are roots */
    for (int k = 0; k < DEGREE; k++) {
      const int j = below(&state, N), samples = 5 + below(&state, 20);
      if (i % ranks_in(MPI_COMM_WORLD) == rank_in(MPI_COMM_WORLD) && local == OURO_OK) {
        local = ouro_feeds_add(&feeds, j, i, samples);
      }
    }
  }
  assert_ok(ouro_agree(MPI_COMM_WORLD, local));
  assert_ok(ouro_graph_build(MPI_COMM_WORLD, N, &feeds, &m.graph));
  for (ouro_lid i = 0; i < m.graph->n_owned; i++) m.graph->real[i] = m.graph->gid[i] % 5 == 4 ? 6 : 0;
  assert_ok(ouro_survey_make(&config, &family, m.graph, &m.survey));
  assert_ok(ouro_system_create(&config, &family, m.graph, &m.survey, &m.system));
  set_moving(&ouro_engine_sparse, 0, &m);
  advance(&m, GENERATIONS);
  memcpy(sparse, m.recursion->diagonal, sizeof sparse);
  const double far = entry(&m, 200, 100);
  static const int messages[] = {1, 7, 100, 3000};
  for (int b = 0; b < 4; b++) {
    ouro_recursion_destroy(&m.recursion);
    set_moving(&ouro_engine_sparse, messages[b], &m);
    advance(&m, GENERATIONS);
    assert_everywhere(memcmp(m.recursion->diagonal, sparse, sizeof sparse) == 0);
    assert_everywhere(entry(&m, 200, 100) == far);
  }
  static const int blocks[] = {5, 16, 64, 300};
  for (int b = 0; b < 4; b++) {
    ouro_recursion_destroy(&m.recursion);
    set_moving(&ouro_engine_dense, blocks[b], &m);
    advance(&m, GENERATIONS);
    for (int i = 0; i < N; i++) assert_everywhere(near(m.recursion->diagonal[i], sparse[i], 1e-12));
    assert_everywhere(near(entry(&m, 200, 100), far, 1e-11));
    assert_everywhere(near(entry(&m, 100, 200), far, 1e-11));
  }
  stop(&m);
}

/* The sparse engine gives the bits of one rank, whoever owns what. */
static void test_same_bits(void **unused) {
  (void)unused;
  for (uint64_t seed = 100; seed < 110; seed++) {
    const setting how = random_setting(seed);
    const small s = random_learning(seed, how);
    const ouro_config config = model_config(how);
    const ouro_family family = model_family(how);
    moving world, alone = {0};
    prepare(&s, how, seed % 2 == 1, &world);
    set_moving(&ouro_engine_sparse, 0, &world);
    alone.graph = small_build(MPI_COMM_SELF, &s, 0);
    assert_everywhere(alone.graph != NULL);
    assert_ok(ouro_survey_make(&config, &family, alone.graph, &alone.survey));
    assert_ok(ouro_system_create(&config, &family, alone.graph, &alone.survey, &alone.system));
    assert_ok(ouro_recursion_create(MPI_COMM_SELF, alone.system, &ouro_engine_sparse, 0, &alone.recursion));
    for (int t = 0; t < 10; t++) {
      const size_t bytes = (size_t)world.system->n * sizeof(double);
      assert_everywhere(memcmp(world.recursion->diagonal, alone.recursion->diagonal, bytes) == 0);
      advance(&world, 1);
      assert_ok(ouro_recursion_step(alone.recursion));
    }
    stop(&alone);
    stop(&world);
  }
}

static const ouro_engine_methods *const engines[] = {&ouro_engine_sparse, &ouro_engine_dense};

/* Section 13, item 1: a root, a loop, real data; from C(0) = diag(1, 0, 0). */
static void test_known_regression(void **unused) {
  (void)unused;
  const setting how = {.initial = 50, .p = 2, .sigma = 1};
  const small s = {.n = 3, .feeds = {[0][1] = 4, [2][1] = 6, [1][2] = 5, [2][2] = 5}, .real = {0, 0, 5}};
  for (int e = 0; e < 2; e++) {
    moving m;
    prepare(&s, how, 0, &m);
    memcpy(m.system->start, (double[]){1, 0, 0}, 3 * sizeof(double));
    set_moving(engines[e], 2, &m);
    advance(&m, 3);
    assert_everywhere(fabs(entry(&m, 1, 1) - 0.4893133879) < 6e-11);
    assert_everywhere(fabs(entry(&m, 2, 2) - 0.1845150357) < 6e-11);
    assert_everywhere(fabs(entry(&m, 1, 2) - 0.1161579002) < 6e-11);
    advance(&m, 500);
    assert_everywhere(entry(&m, 0, 0) == 1);
    assert_everywhere(fabs(entry(&m, 1, 1) - 0.5804328438) < 6e-11);
    assert_everywhere(fabs(entry(&m, 2, 2) - 0.2490661320) < 6e-11);
    assert_everywhere(fabs(entry(&m, 1, 2) - 0.2051236759) < 6e-11);
    stop(&m);
  }
}

/* Item 5: plateaus of a normal mean under every combination of draws and real data. */
static void test_known_plateaus(void **unused) {
  (void)unused;
  static const double plateau[2][2][3] = {{{.20, .10, .30}, {.38, .34, .52}}, {{.22, .21, .38}, {.40, .45, .60}}};
  const small s = {.n = 2, .feeds = {[1][0] = 4, [0][1] = 4, [1][1] = 4}, .real = {4, 0}};
  for (int published = 0; published <= 1; published++) {
    for (int fixed = 0; fixed <= 1; fixed++) {
      const setting how = {.draw = published ? OURO_DRAW_PUBLISHED : OURO_DRAW_PRIVATE,
                           .kind = fixed ? OURO_REAL_FIXED : OURO_REAL_FRESH,
                           .initial = 10,
                           .sigma = 1};
      const double *expected = plateau[published][fixed];
      moving m;
      prepare(&s, how, 0, &m);
      set_moving(engines[fixed], 1, &m);
      advance(&m, 300);
      assert_everywhere(near(entry(&m, 0, 0), expected[0], 1e-12));
      assert_everywhere(near(entry(&m, 0, 1), expected[1], 1e-12));
      assert_everywhere(near(entry(&m, 1, 1), expected[2], 1e-12));
      stop(&m);
    }
  }
}

static small complete(int n, int samples) {
  small s = {.n = n};
  for (int j = 0; j < n; j++) {
    for (int i = 0; i < n; i++) s.feeds[j][i] = samples;
  }
  return s;
}

/* Items 6 and R14: K models on one another. */
static void test_known_complete(void **unused) {
  (void)unused;
  const small s = complete(4, 10);
  for (int published = 0; published <= 1; published++) {
    const setting how = {.draw = published ? OURO_DRAW_PUBLISHED : OURO_DRAW_PRIVATE, .initial = 40, .sigma = 1};
    moving m;
    prepare(&s, how, 1, &m);
    set_moving(engines[published], 3, &m);
    advance(&m, 9);
    for (int i = 0; i < 4; i++) assert_everywhere(near(entry(&m, i, i), published ? 0.23125 : 0.08125, 1e-12));
    stop(&m);
  }
}

/* R14: a ring drifts K times as fast as the complete graph. */
static void test_ring(void **unused) {
  (void)unused;
  enum { K = 7, N = 35, G = 30 };
  const setting how = {.initial = N, .sigma = 2};
  small ring = {.n = K};
  const small all = complete(K, N / K);
  moving m;
  for (int i = 0; i < K; i++) ring.feeds[i][(i + 1) % K] = N;
  prepare(&ring, how, 0, &m);
  set_moving(&ouro_engine_sparse, 0, &m);
  advance(&m, G - 1);
  for (int i = 0; i < K; i++) assert_everywhere(near(entry(&m, i, i), 4.0 * G / N, 1e-12));
  stop(&m);
  prepare(&all, how, 0, &m);
  set_moving(&ouro_engine_dense, 4, &m);
  advance(&m, G - 1);
  for (int i = 0; i < K; i++) assert_everywhere(near(entry(&m, i, i), 4.0 / N + 4.0 * (G - 1) / (K * N), 1e-12));
  stop(&m);
}

/* Item 7: fewer than 2p + 1 samples, eta > 1. */
static void test_known_small_sets(void **unused) {
  (void)unused;
  const setting how = {.initial = 50, .p = 10, .sigma = 1};
  const small s = complete(5, 3);
  for (int e = 0; e < 2; e++) {
    moving m;
    prepare(&s, how, 0, &m);
    memset(m.system->start, 0, 5 * sizeof(double));
    set_moving(engines[e], 2, &m);
    advance(&m, 6);
    for (int i = 0; i < 5; i++) {
      assert_everywhere(fabs(entry(&m, i, i) - 15.5816741121) < 6e-10);
      assert_everywhere(fabs(entry(&m, i, (i + 1) % 5) - 2.5389685142) < 6e-10);
    }
    stop(&m);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_twin),           cmocka_unit_test(test_engines_agree),
      cmocka_unit_test(test_same_bits),      cmocka_unit_test(test_known_regression),
      cmocka_unit_test(test_known_plateaus), cmocka_unit_test(test_known_complete),
      cmocka_unit_test(test_ring),           cmocka_unit_test(test_known_small_sets),
  };
  return test_main(__FILE__, tests, sizeof tests / sizeof tests[0]);
}
