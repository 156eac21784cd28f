/* The verdict against its definition, known answers of real graphs, and sizes that break narrow counters.
 * ranks: 1 2 3 4 7 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ouro/base/memory.h"
#include "ouro/theory/verdict.h"
#include "small.h"

/* Sparse and dense graphs, with self-loops, few or many nodes with real data. */
static small random_small(uint64_t seed) {
  uint64_t state = seed;
  small s = {.n = 1 + below(&state, MOST)};
  const int per_node = 1 + below(&state, 3), realness = 1 + below(&state, 12);
  for (int k = below(&state, s.n * per_node + 1); k > 0; k--) {
    s.feeds[below(&state, s.n)][below(&state, s.n)] = 1 + below(&state, 9);
  }
  for (int i = 0; i < s.n; i++) s.real[i] = below(&state, realness) == 0 ? 1 + below(&state, 9) : 0;
  return s;
}

/* What THEORY.md section 2 says, by transitive closure. */
typedef struct twin {
  ouro_class class_of[MOST];
  int component[MOST], size[MOST]; /* by node; size of the component */
  int count[OURO_CLASS_COUNT], n_unstable;
} twin;

static void close_paths(const small *s, int path[MOST][MOST]) {
  for (int j = 0; j < s->n; j++) {
    for (int i = 0; i < s->n; i++) path[j][i] = s->feeds[j][i] > 0;
  }
  for (int k = 0; k < s->n; k++) {
    for (int j = 0; j < s->n; j++) {
      for (int i = 0; i < s->n; i++) path[j][i] |= path[j][k] && path[k][i];
    }
  }
}

/* Is the strong component of i an unstable source: cyclic, entered by no feed, without real data? */
static int unstable(const small *s, int path[MOST][MOST], int i, bool real_counts) {
  if (!path[i][i]) return 0;
  for (int k = 0; k < s->n; k++) {
    const int inside = path[i][k] && path[k][i];
    if (inside && real_counts && s->real[k] > 0) return 0;
    for (int j = 0; inside && j < s->n; j++) {
      if (s->feeds[j][k] > 0 && !(path[i][j] && path[j][i])) return 0;
    }
  }
  return 1;
}

static twin decide(const small *s, bool real_counts) {
  twin t = {0};
  int path[MOST][MOST], bad[MOST];
  close_paths(s, path);
  for (int i = 0; i < s->n; i++) bad[i] = unstable(s, path, i, real_counts);
  for (int i = 0; i < s->n; i++) {
    int collapsing = bad[i], corrected = real_counts && s->real[i] > 0;
    t.component[i] = -1;
    for (int j = s->n - 1; j >= 0; j--) {
      collapsing |= bad[j] && path[j][i];
      corrected |= real_counts && s->real[j] > 0 && path[j][i];

      if (bad[i] && path[i][j] && path[j][i]) {
        t.component[i] = j;
        t.size[i]++;
      }
    }
    t.class_of[i] = collapsing ? OURO_CLASS_COLLAPSING : corrected ? OURO_CLASS_ANCHORED : OURO_CLASS_FROZEN;
    t.count[t.class_of[i]]++;
    t.n_unstable += t.component[i] == i;
  }
  return t;
}

static int agrees(const ouro_graph *graph, const ouro_verdict *v, const twin *t) {
  int same = v->n_unstable == t->n_unstable && v->n_listed == t->n_unstable;
  for (int c = 0; c < OURO_CLASS_COUNT; c++) same = same && v->count[c] == t->count[c];
  for (ouro_lid i = 0; i < graph->n_owned; i++) {
    const ouro_gid g = graph->gid[i];
    same = same && v->class_of[i] == (int)t->class_of[g] && v->component[i] == t->component[g];
  }
  for (int k = 0; same && k < v->n_listed; k++) {
    const ouro_gid first = v->listed[k].first;
    same = t->component[first] == first && v->listed[k].size == t->size[first];
    if (k > 0) {
      const ouro_unstable before = v->listed[k - 1];
      same = same && (before.size > v->listed[k].size || (before.size == v->listed[k].size && before.first < first));
    }
  }
  return same;
}

static void test_definition(void **unused) {
  (void)unused;
  int seen[OURO_CLASS_COUNT] = {0}, several = 0;
  for (uint64_t seed = 1; seed <= 500; seed++) {
    const small s = random_small(seed);
    ouro_graph *graph = small_build(MPI_COMM_WORLD, &s, seed % 2 == 1);
    assert_everywhere(graph != NULL);
    for (int real_counts = 0; real_counts <= 1; real_counts++) {
      const twin t = decide(&s, real_counts);
      ouro_verdict *v = NULL;
      assert_ok(ouro_verdict_create(graph, real_counts, &v));
      assert_everywhere(agrees(graph, v, &t));
      ouro_verdict_destroy(&v);
      assert_null(v);
      for (int c = 0; c < OURO_CLASS_COUNT; c++) seen[c] += t.count[c];
      several += t.n_unstable > 1;
    }
    ouro_graph_destroy(&graph);
  }
  /* the random graphs do exercise every class and several components at once */
  for (int c = 0; c < OURO_CLASS_COUNT; c++) assert_true(seen[c] > 300);
  assert_true(several > 30);
}

/* Samples that are kept: nothing collapses, real data anchor what they reach. */
static void test_accumulating(void **unused) {
  (void)unused;
  for (uint64_t seed = 1; seed <= 200; seed++) {
    const small s = random_small(seed);
    int path[MOST][MOST], same = 1;
    ouro_graph *graph = small_build(MPI_COMM_WORLD, &s, seed % 2 == 1);
    ouro_verdict *v = NULL;
    assert_everywhere(graph != NULL);
    assert_ok(ouro_verdict_create_accumulating(graph, true, &v));
    close_paths(&s, path);
    for (ouro_lid i = 0; i < graph->n_owned; i++) {
      int anchored = s.real[graph->gid[i]] > 0;
      for (int j = 0; j < s.n; j++) anchored |= s.real[j] > 0 && path[j][graph->gid[i]];
      same = same && v->component[i] == -1;
      same = same && v->class_of[i] == (int)(anchored ? OURO_CLASS_ANCHORED : OURO_CLASS_FROZEN);
    }
    assert_everywhere(same && v->n_unstable == 0 && v->n_listed == 0 && v->count[OURO_CLASS_COLLAPSING] == 0);
    ouro_verdict_destroy(&v);
    ouro_graph_destroy(&graph);
  }
}

static void test_one_node(void **unused) {
  (void)unused;
  for (int loop = 0; loop <= 1; loop++) {
    small s = {.n = 1};
    ouro_verdict *v = NULL;
    s.feeds[0][0] = loop;
    ouro_graph *graph = small_build(MPI_COMM_WORLD, &s, 0);
    assert_everywhere(graph != NULL);
    assert_ok(ouro_verdict_create(graph, true, &v));
    assert_int_equal(v->count[loop ? OURO_CLASS_COLLAPSING : OURO_CLASS_FROZEN], 1);
    assert_int_equal(v->n_unstable, loop);
    ouro_verdict_destroy(&v);
    ouro_graph_destroy(&graph);
  }
}

static void test_names(void **unused) {
  (void)unused;
  ouro_verdict *none = NULL;
  ouro_verdict_destroy(&none);
  assert_string_equal(ouro_class_name(OURO_CLASS_ANCHORED), "anchored");
  assert_string_equal(ouro_class_name(OURO_CLASS_FROZEN), "frozen");
  assert_string_equal(ouro_class_name(OURO_CLASS_COLLAPSING), "collapsing");
}

/* A million models on their own output: every one is a source, and every one needs its own cure. */
static void test_million_loops(void **unused) {
  (void)unused;
  const ouro_gid n = 1000000;
  ouro_feeds feeds = {0};
  ouro_graph *graph = NULL;
  ouro_verdict *v = NULL;
  ouro_status local = OURO_OK;
  for (ouro_gid i = rank_in(MPI_COMM_WORLD); i < n && local == OURO_OK; i += ranks_in(MPI_COMM_WORLD))
    local = ouro_feeds_add(&feeds, i, i, 5);
  assert_ok(ouro_agree(MPI_COMM_WORLD, local));
  assert_ok(ouro_graph_build(MPI_COMM_WORLD, n, &feeds, &graph));
  assert_ok(ouro_verdict_create(graph, true, &v));
  assert_int_equal(v->n_unstable, n);
  assert_int_equal(v->count[OURO_CLASS_COLLAPSING], n);
  assert_int_equal(v->n_listed, OURO_VERDICT_LISTED);
  for (int k = 0; k < v->n_listed; k++) {
    assert_int_equal(v->listed[k].first, k);
    assert_int_equal(v->listed[k].size, 1);
  }
  ouro_verdict_destroy(&v);
  ouro_graph_destroy(&graph);
}

/* Rings of 1, 2, .. 60 models, the longest with the highest ids: listed from the longest. */
static void test_sizes(void **unused) {
  (void)unused;
  enum { RINGS = 60 };
  ouro_feeds feeds = {0};
  ouro_graph *graph = NULL;
  ouro_verdict *v = NULL;
  ouro_gid first = 0;
  ouro_status local = OURO_OK;
  for (int size = 1; size <= RINGS; first += size++) {
    for (int k = 0; k < size && local == OURO_OK && size % ranks_in(MPI_COMM_WORLD) == rank_in(MPI_COMM_WORLD); k++) {
      local = ouro_feeds_add(&feeds, first + k, first + (k + 1) % size, 3);
    }
  }
  assert_ok(ouro_agree(MPI_COMM_WORLD, local));
  assert_ok(ouro_graph_build(MPI_COMM_WORLD, first, &feeds, &graph));
  assert_ok(ouro_verdict_create(graph, true, &v));
  assert_int_equal(v->n_unstable, RINGS);
  for (int k = 0; k < v->n_listed; k++) {
    const ouro_gid size = RINGS - k;
    assert_int_equal(v->listed[k].size, size);
    assert_int_equal(v->listed[k].first, size * (size - 1) / 2);
  }
  ouro_verdict_destroy(&v);
  ouro_graph_destroy(&graph);
}

/* Node i of 30 trains on i samples of the node before and, if even, on one real sample. */
static void test_scope(void **unused) {
  (void)unused;
  ouro_feeds feeds = {0};
  ouro_graph *graph = NULL;
  ouro_scope scope;
  ouro_status local = OURO_OK;
  for (ouro_gid i = 1; i < 30 && rank_in(MPI_COMM_WORLD) == 0 && local == OURO_OK; i++)
    local = ouro_feeds_add(&feeds, i - 1, i, i);
  assert_ok(ouro_agree(MPI_COMM_WORLD, local));
  assert_ok(ouro_graph_build(MPI_COMM_WORLD, 30, &feeds, &graph));
  for (ouro_lid i = 0; i < graph->n_owned; i++) graph->real[i] = graph->gid[i] % 2 == 0;
  /* n_i = i + (i even): below 21 are 0 .. 19 (20 has 21); node 0 is trained, on one real sample */
  assert_ok(ouro_verdict_scope(graph, true, 21, &scope));
  assert_int_equal(scope.n_small, 20);
  assert_int_equal(scope.n_listed, 10);
  for (int k = 0; k < 10; k++) {
    assert_int_equal(scope.listed[k], k);
    assert_int_equal(scope.size[k], k + (k % 2 == 0));
  }
  /* initial data does not count: node 0 is a root, nodes 1 .. 4 have fewer than 5 */
  assert_ok(ouro_verdict_scope(graph, false, 5, &scope));
  assert_int_equal(scope.n_small, 4);
  assert_int_equal(scope.n_listed, 4);
  for (int k = 0; k < 4; k++) assert_int_equal(scope.size[k], k + 1);
  assert_ok(ouro_verdict_scope(graph, true, 1, &scope));
  assert_int_equal(scope.n_small, 0);
  assert_int_equal(scope.n_listed, 0);
  ouro_graph_destroy(&graph);
}

/* A real graph of the data directory, or NULL with a line that says so. */
static ouro_graph *open_data(const char *name) {
  const char *place = test_data();
  char path[600], none[] = "none";
  ouro_config config = {.graph = {.file = path, .samples = 100}, .real = {.nodes = none, .samples = 100}};
  ouro_graph *graph = NULL;
  if (place == NULL) {
    if (rank_in(MPI_COMM_WORLD) == 0) printf("skipped: %s is not on this machine\n", name);
    return NULL;
  }
  snprintf(path, sizeof path, "%s/%s", place, name);
  assert_ok(ouro_graph_open(MPI_COMM_WORLD, &config, &graph));
  return graph;
}

/* Classes and number of unstable sources. */
static void expect_counts(const ouro_graph *graph, int anchored, int frozen, int collapsing, int unstable_sources) {
  ouro_verdict *v = NULL;
  assert_ok(ouro_verdict_create(graph, true, &v));
  assert_int_equal(v->count[OURO_CLASS_ANCHORED], anchored);
  assert_int_equal(v->count[OURO_CLASS_FROZEN], frozen);
  assert_int_equal(v->count[OURO_CLASS_COLLAPSING], collapsing);
  assert_int_equal(v->n_unstable, unstable_sources);
  ouro_verdict_destroy(&v);
}

/* THEORY.md section 12: 40 source components, 26 of them cyclic. */
static void test_email(void **unused) {
  (void)unused;
  ouro_graph *graph = open_data("email-Eu-core.txt");
  if (graph == NULL) skip();
  assert_int_equal(graph->n_nodes, 1005);
  expect_counts(graph, 0, 14, 991, 26);
  ouro_graph_destroy(&graph);
}

/* The same graph with a self-loop at one node and real data at every root but this one. */
static ouro_graph *with_loop(const ouro_graph *graph, ouro_gid node) {
  ouro_feeds feeds = {0};
  ouro_graph *made = NULL;
  ouro_status local = OURO_OK;
  for (ouro_lid i = 0; i < graph->n_owned && local == OURO_OK; i++) {
    for (ouro_eid k = graph->row[i]; k < graph->row[i + 1] && local == OURO_OK; k++) {
      local = ouro_feeds_add(&feeds, graph->gid[graph->source[k]], graph->gid[i], ouro_graph_samples(graph, k));
    }
    if (graph->gid[i] == node && local == OURO_OK) local = ouro_feeds_add(&feeds, node, node, 100);
  }
  assert_ok(ouro_agree(MPI_COMM_WORLD, local));
  assert_ok(ouro_graph_build(MPI_COMM_WORLD, graph->n_nodes, &feeds, &made));
  for (ouro_lid i = 0; i < made->n_owned; i++) made->real[i] = made->row[i + 1] == made->row[i] ? 100 : 0;
  return made;
}

/* All 80 source components are roots; one of them on its own output brings down 6046. */
static void test_gnutella(void **unused) {
  (void)unused;
  ouro_graph *graph = open_data("p2p-Gnutella08.txt");
  if (graph == NULL) skip();
  assert_int_equal(graph->n_nodes, 6301);
  expect_counts(graph, 0, 6301, 0, 0);
  ouro_graph *loop = with_loop(graph, 1200);
  expect_counts(loop, 6301 - 6046, 0, 6046, 1);
  ouro_graph_destroy(&loop);
  ouro_graph_destroy(&graph);
}

/* Any one allocation of the last rank fails: all ranks say so, and none hangs. */
static void test_short_of_memory(void **unused) {
  (void)unused;
  const small s = random_small(17);
  ouro_graph *graph = small_build(MPI_COMM_WORLD, &s, 0);
  ouro_verdict *v = NULL;
  int n = 1;
  assert_everywhere(graph != NULL);
  for (;; n++) {
    if (rank_in(MPI_COMM_WORLD) == ranks_in(MPI_COMM_WORLD) - 1) ouro_memory_fail_at(n);
    const ouro_status status = ouro_verdict_create(graph, true, &v);
    assert_everywhere(status == OURO_OK || (status == OURO_ENOMEM && v == NULL));
    ouro_memory_fail_at(0);
    if (status == OURO_OK) break;
  }
  assert_true(n > 10);
  ouro_verdict_destroy(&v);
  ouro_graph_destroy(&graph);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_names),           cmocka_unit_test(test_one_node),      cmocka_unit_test(test_definition),
      cmocka_unit_test(test_accumulating),    cmocka_unit_test(test_million_loops), cmocka_unit_test(test_sizes),
      cmocka_unit_test(test_scope),           cmocka_unit_test(test_email),         cmocka_unit_test(test_gnutella),
      cmocka_unit_test(test_short_of_memory),
  };
  return test_main(__FILE__, tests, sizeof tests / sizeof tests[0]);
}
