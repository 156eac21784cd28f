/* The prediction of a configuration: its formula, its trajectories, and every reason to do without.
 * ranks: 1 2 3 4 7 */

#include <stdlib.h>

#include "model.h"
#include "ouro/base/memory.h"
#include "ouro/theory/predict.h"

static int near(double value, double expected) {
  return fabs(value - expected) <= 1e-12 * fabs(expected);
}

static ouro_prediction *predict(const small *s, setting how, int64_t generations, int scattered, ouro_graph **graph) {
  ouro_config config = model_config(how);
  const ouro_family family = model_family(how);
  ouro_prediction *p = NULL;
  config.learning.generations = generations;
  *graph = small_build(MPI_COMM_WORLD, s, scattered);
  assert_everywhere(*graph != NULL);
  assert_ok(ouro_predict(&config, &family, *graph, NULL, &p));
  return p;
}

static void release(ouro_prediction **p, ouro_graph **graph) {
  ouro_prediction_destroy(p);
  assert_null(*p);
  ouro_graph_destroy(graph);
}

static void test_trajectories(void **unused) {
  (void)unused;
  int kinds[3] = {0};
  for (uint64_t seed = 1000; seed < 1060; seed++) {
    const setting how = random_setting(seed);
    const small s = random_learning(seed, how);
    const int64_t generations = (int64_t)(seed % 6);
    ouro_graph *graph;
    ouro_prediction *p = predict(&s, how, generations, seed % 2 == 0, &graph);
    twin t;
    twin_start(&t, &s, how);
    assert_everywhere(p->kind == (twin_is_exact(&t) ? OURO_PREDICT_EXACT : OURO_PREDICT_FIRST_ORDER));
    assert_everywhere(p->n_rows == generations + 1);
    assert_everywhere(strstr(p->reason, "sparse") != NULL); /* small: the bits must not depend on the ranks */
    kinds[p->kind]++;
    for (int64_t g = 0; g <= generations; g++) {
      int same = 1;
      for (ouro_lid i = 0; i < graph->n_owned; i++) {
        const ouro_gid at = graph->gid[i];
        same = same && near(p->error[g * graph->n_owned + i], t.c[at][at]);
      }
      assert_everywhere(same);
      twin_step(&t);
    }
    release(&p, &graph);
  }
  assert_true(kinds[OURO_PREDICT_EXACT] > 5 && kinds[OURO_PREDICT_FIRST_ORDER] > 5);
}

/* R1: one model on its own output. */
static void test_one_model(void **unused) {
  (void)unused;
  const setting how = {.initial = 40, .p = 5, .sigma = 2};
  const small s = {.n = 1, .feeds = {[0][0] = 30}};
  ouro_graph *graph;
  ouro_prediction *p = predict(&s, how, 50, 0, &graph);
  assert_everywhere(p->kind == OURO_PREDICT_EXACT);
  for (int g = 0; g <= 50 && graph->n_owned == 1; g++) {
    if (!near(p->error[g], 4 * (1.0 / 34 + g / 24.0))) fail_msg("generation %d", g);
  }
  release(&p, &graph);
}

/* Nobody trains: everything stays as it began. */
static void test_roots_only(void **unused) {
  (void)unused;
  for (int published = 0; published <= 1; published++) {
    const setting how = {.draw = published ? OURO_DRAW_PUBLISHED : OURO_DRAW_PRIVATE, .initial = 20, .sigma = 1};
    const small s = {.n = 5};
    ouro_graph *graph;
    ouro_prediction *p = predict(&s, how, 7, 1, &graph);
    int same = p->error != NULL;
    for (int64_t k = 0; same && k < 8 * graph->n_owned; k++) same = p->error[k] == 1.0 / 20;
    assert_everywhere(same);
    release(&p, &graph);
  }
}

/* Initial real data: node 0 starts from its own 90 samples and is a root from then on. */
static void test_initial(void **unused) {
  (void)unused;
  const setting how = {.kind = OURO_REAL_INITIAL, .initial = 20, .sigma = 1};
  const small s = {.n = 2, .feeds = {[0][1] = 30}, .real = {90, 0}};
  ouro_graph *graph;
  ouro_prediction *p = predict(&s, how, 3, 0, &graph);
  assert_everywhere(p->kind == OURO_PREDICT_EXACT);
  for (ouro_lid i = 0; i < graph->n_owned; i++) {
    for (int g = 0; g <= 3; g++) {
      const double expected = graph->gid[i] == 0 ? 1.0 / 90 : g == 0 ? 1.0 / 20 : 1.0 / 90 + 1.0 / 30;
      if (!near(p->error[g * graph->n_owned + i], expected)) fail_msg("node %d, generation %d", (int)graph->gid[i], g);
    }
  }
  release(&p, &graph);
}

/* 600 models, each on all of them: dense, and known in closed form (R14). */
static void test_dense(void **unused) {
  (void)unused;
  enum { K = 600 };
  const setting how = {.initial = K, .sigma = 1};
  ouro_config config = model_config(how);
  const ouro_family family = model_family(how);
  ouro_feeds feeds = {0};
  ouro_graph *graph = NULL;
  ouro_prediction *p = NULL;
  ouro_status local = OURO_OK;
  config.learning.generations = 2;
  for (int i = rank_in(MPI_COMM_WORLD); i < K; i += ranks_in(MPI_COMM_WORLD)) {
    for (int j = 0; j < K && local == OURO_OK; j++) local = ouro_feeds_add(&feeds, j, i, 1);
  }
  assert_ok(ouro_agree(MPI_COMM_WORLD, local));
  assert_ok(ouro_graph_build(MPI_COMM_WORLD, K, &feeds, &graph));
  assert_ok(ouro_predict(&config, &family, graph, NULL, &p));
  assert_everywhere(strstr(p->reason, "dense") != NULL);
  int same = 1;
  for (int g = 0; g <= 2; g++) {
    for (ouro_lid i = 0; i < graph->n_owned; i++) {
      same = same && near(p->error[g * graph->n_owned + i], 1.0 / K + (double)g / K / K);
    }
  }
  assert_everywhere(same);
  release(&p, &graph);
}

/* Reasons to predict nothing, each said in words. */
static void expect_none(const small *s, setting how, const char *word) {
  ouro_graph *graph;
  ouro_prediction *p = predict(s, how, 5, 0, &graph);
  assert_everywhere(p->kind == OURO_PREDICT_NONE && p->error == NULL);
  assert_everywhere(strstr(p->reason, word) != NULL);
  release(&p, &graph);
}

static void test_no_formula(void **unused) {
  (void)unused;
  const small pair = {.n = 2, .feeds = {[0][1] = 7, [1][0] = 7, [1][1] = 8}};
  setting how = {.initial = 20, .p = 5, .sigma = 1};
  ouro_graph *graph = small_build(MPI_COMM_WORLD, &pair, 0);
  ouro_config config = model_config(how);
  ouro_family family = model_family(how);
  ouro_prediction *p = NULL;
  assert_everywhere(graph != NULL);
  config.theory.exact = OURO_EXACT_NONE;
  assert_ok(ouro_predict(&config, &family, graph, NULL, &p));
  assert_everywhere(p->kind == OURO_PREDICT_NONE && strstr(p->reason, "theory.exact") != NULL);
  ouro_prediction_destroy(&p);
  config.theory.exact = OURO_EXACT_ALWAYS;
  family.law = OURO_LAW_NONE; /* ridge */
  assert_ok(ouro_predict(&config, &family, graph, NULL, &p));
  assert_everywhere(p->kind == OURO_PREDICT_NONE && strstr(p->reason, "formula") != NULL);
  release(&p, &graph);
  how.draw = OURO_DRAW_PUBLISHED;
  expect_none(&pair, how, "differ");
  how.draw = OURO_DRAW_PRIVATE;
  how.p = 6; /* node 0 has 7 samples, 8 are needed */
  expect_none(&pair, how, "infinite");
  how.p = 5;
  how.initial = 6;
  expect_none(&pair, how, "infinite");
}

/* A million models on their own output fit nowhere: their matrix has 10^12 elements. */
static void test_too_large(void **unused) {
  (void)unused;
  const ouro_gid n = 1000000;
  const setting how = {.initial = 20, .sigma = 1};
  ouro_config config = model_config(how);
  const ouro_family family = model_family(how);
  ouro_feeds feeds = {0};
  ouro_graph *graph = NULL;
  ouro_prediction *p = NULL;
  ouro_status local = OURO_OK;
  const int ranks = ranks_in(MPI_COMM_WORLD);
  for (ouro_gid i = rank_in(MPI_COMM_WORLD); i < n && local == OURO_OK; i += ranks) {
    local = ouro_feeds_add(&feeds, i, i, 5);
  }
  assert_ok(ouro_agree(MPI_COMM_WORLD, local));
  assert_ok(ouro_graph_build(MPI_COMM_WORLD, n, &feeds, &graph));
  assert_ok(ouro_predict(&config, &family, graph, NULL, &p));
  assert_everywhere(p->kind == OURO_PREDICT_NONE);
  assert_everywhere(strstr(p->reason, "too large") && strstr(p->reason, "1000000") && strstr(p->reason, "available"));
  ouro_prediction_destroy(&p);
  config.theory.exact = OURO_EXACT_ALWAYS;
  assert_everywhere(ouro_predict(&config, &family, graph, NULL, &p) == OURO_ELIMIT);
  assert_null(p);
  assert_everywhere(strstr(ouro_error_message(), "theory.exact") && strstr(ouro_error_message(), "available"));
  ouro_graph_destroy(&graph);
}

/* eta far above 1: the error outgrows the numbers. */
static void test_overflow(void **unused) {
  (void)unused;
  const setting how = {.initial = 50, .p = 20, .sigma = 1};
  const small s = {.n = 1, .feeds = {[0][0] = 22}, .real = {1}};
  ouro_graph *graph;
  ouro_prediction *p = predict(&s, how, 5000, 0, &graph);
  assert_everywhere(p->kind == OURO_PREDICT_NONE && p->error == NULL && strstr(p->reason, "overflow") != NULL);
  ouro_prediction_destroy(&p);
  ouro_config config = model_config(how);
  const ouro_family family = model_family(how);
  config.learning.generations = 5000;
  config.theory.exact = OURO_EXACT_ALWAYS;
  assert_everywhere(ouro_predict(&config, &family, graph, NULL, &p) == OURO_ENUMERIC);
  assert_null(p);
  ouro_graph_destroy(&graph);
}

/* Any one allocation of the last rank fails: all ranks say so, and none hangs. */
static void test_short_of_memory(void **unused) {
  (void)unused;
  const setting how = {.draw = OURO_DRAW_PUBLISHED, .kind = OURO_REAL_FIXED, .initial = 20, .sigma = 1};
  const small s = random_learning(12, how);
  ouro_config config = model_config(how);
  const ouro_family family = model_family(how);
  ouro_graph *graph = small_build(MPI_COMM_WORLD, &s, 0);
  ouro_prediction *p = NULL;
  int n = 1;
  assert_everywhere(graph != NULL);
  config.learning.generations = 2;
  for (;; n++) {
    if (rank_in(MPI_COMM_WORLD) == ranks_in(MPI_COMM_WORLD) - 1) ouro_memory_fail_at(n);
    const ouro_status status = ouro_predict(&config, &family, graph, NULL, &p);
    ouro_memory_fail_at(0);
    assert_everywhere(status == OURO_OK || (status == OURO_ENOMEM && p == NULL));
    if (status == OURO_OK) break;
  }
  assert_true(n > 20);
  release(&p, &graph);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_trajectories), cmocka_unit_test(test_one_model), cmocka_unit_test(test_roots_only),
      cmocka_unit_test(test_initial),      cmocka_unit_test(test_dense),     cmocka_unit_test(test_no_formula),
      cmocka_unit_test(test_too_large),    cmocka_unit_test(test_overflow),  cmocka_unit_test(test_short_of_memory),
  };
  return test_main(__FILE__, tests, sizeof tests / sizeof tests[0]);
}
