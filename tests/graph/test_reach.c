/* Sweeps, against the transitive closure of small digraphs, and against what is known of large ones.
 * ranks: 1 2 3 4 7 */

#include <stdlib.h>
#include <string.h>

#include "graph/sweep.h"
#include "ouro/base/memory.h"
#include "ouro/base/message.h"
#include "ouro/graph/reach.h"
#include "random_feeds.h"

enum { MOST = 40, CASES = 150 };

/* closed[a][b]: a path of one feed or more leads from a to b (Warshall). */
static void close_paths(const int64_t *dense, ouro_gid n, char closed[MOST][MOST]) {
  for (ouro_gid a = 0; a < n; a++) {
    for (ouro_gid b = 0; b < n; b++) closed[a][b] = dense[b * n + a] > 0;
  }
  for (ouro_gid via = 0; via < n; via++) {
    for (ouro_gid a = 0; a < n; a++) {
      for (ouro_gid b = 0; b < n; b++) closed[a][b] |= closed[a][via] & closed[via][b];
    }
  }
}

/* The definition: v lies on a cycle, and whatever leads to v can be reached from v. Returns the smallest id of those
 * v leads to and back, if all of that is inside; else -1. */
static ouro_gid source_by_definition(char closed[MOST][MOST], const int8_t *inside, ouro_gid n, ouro_gid v) {
  ouro_gid smallest = -1;
  if (!closed[v][v]) return -1;
  for (ouro_gid u = n - 1; u >= 0; u--) {
    if (!closed[u][v]) continue;
    if (!closed[v][u] || !inside[u]) return -1;
    smallest = u;
  }
  return smallest;
}

/* A random digraph; how dense it is varies from no feeds to several a node. */
static ouro_gid random_digraph(uint64_t seed, int64_t *dense) {
  uint64_t chance = seed;
  ouro_feeds none = {0};
  const ouro_gid n = 1 + test_below(&chance, MOST);
  const ouro_eid n_lines = test_below(&chance, 3) == 0 ? test_below(&chance, 4 * n) : n + test_below(&chance, n);
  test_scatter(seed + 1, n, n_lines, &none, dense);
  ouro_feeds_clear(&none);
  return n;
}

static void spread_here(const ouro_graph *graph, const int8_t *whole, int8_t *here) {
  for (ouro_lid i = 0; i < graph->n_owned; i++) here[i] = whole[graph->gid[i]];
}

static void reach_is_the_closure_of_the_marks(void **state) {
  (void)state;
  static char closed[MOST][MOST];
  int64_t dense[MOST * MOST], inner[MOST * MOST];
  for (uint64_t seed = 1; seed <= CASES; seed++) {
    const ouro_gid n = random_digraph(seed, dense);
    uint64_t chance = seed * 31;
    int8_t start[MOST], allowed[MOST], marked[MOST], open[MOST];
    const bool all = seed % 3 == 0;
    ouro_message_set_largest(seed % 5 == 0 ? 7 : 0); /* letters in pieces */
    for (ouro_gid v = 0; v < n; v++) start[v] = test_below(&chance, 5) == 0;
    for (ouro_gid v = 0; v < n; v++) allowed[v] = all || test_below(&chance, 4) > 0;
    for (ouro_gid k = 0; k < n * n; k++) inner[k] = allowed[k / n] && allowed[k % n] ? dense[k] : 0;
    close_paths(inner, n, closed);
    ouro_graph *graph = NULL;
    assert_ok(test_graph_of(dense, n, seed, &graph));
    spread_here(graph, start, marked);
    spread_here(graph, allowed, open);
    assert_ok(ouro_graph_reach_forward(graph, all ? NULL : open, marked));
    int right = 1;
    for (ouro_lid i = 0; i < graph->n_owned; i++) {
      const ouro_gid v = graph->gid[i];
      int expected = start[v] && allowed[v];
      for (ouro_gid u = 0; u < n; u++) expected |= start[u] && allowed[u] && closed[u][v];
      right = right && marked[i] == expected;
    }
    assert_everywhere(right);
    ouro_graph_destroy(&graph);
  }
  ouro_message_set_largest(0);
}

static void sources_are_those_of_the_definition(void **state) {
  (void)state;
  static char closed[MOST][MOST];
  int64_t dense[MOST * MOST], n_found = 0;
  for (uint64_t seed = 1; seed <= CASES; seed++) {
    const ouro_gid n = random_digraph(seed * 1009, dense);
    uint64_t chance = seed * 37;
    int8_t whole[MOST], inside[MOST];
    for (ouro_gid v = 0; v < n; v++) whole[v] = seed % 2 == 0 || test_below(&chance, 8) > 0;
    close_paths(dense, n, closed);
    ouro_graph *graph = NULL;
    ouro_gid component[MOST];
    assert_ok(test_graph_of(dense, n, seed, &graph));
    spread_here(graph, whole, inside);
    assert_ok(ouro_graph_reach_sources(graph, inside, component));
    int right = 1;
    for (ouro_lid i = 0; i < graph->n_owned; i++) {
      const ouro_gid expected = source_by_definition(closed, whole, n, graph->gid[i]);
      right = right && component[i] == expected;
      n_found += expected >= 0;
    }
    assert_everywhere(right);
    ouro_graph_destroy(&graph);
  }
  MPI_Allreduce(MPI_IN_PLACE, &n_found, 1, MPI_INT64_T, MPI_SUM, MPI_COMM_WORLD);
  assert_true(n_found > CASES); /* the cases have something to find */
}

static void nothing_at_all(void **state) {
  (void)state;
  for (ouro_gid n = 0; n <= 8; n++) {
    ouro_feeds feeds = {0};
    ouro_graph *graph = NULL;
    int8_t marked[8] = {0}, inside[8];
    ouro_gid component[8];
    memset(inside, 1, sizeof inside);
    assert_ok(ouro_graph_build(MPI_COMM_WORLD, n, &feeds, &graph));
    if (graph->n_owned > 0) marked[0] = 1;
    assert_ok(ouro_graph_reach_forward(graph, NULL, marked));
    assert_ok(ouro_graph_reach_sources(graph, inside, component));
    int right = 1;
    for (ouro_lid i = 0; i < graph->n_owned; i++) right = right && marked[i] == (i == 0) && component[i] == -1;
    assert_everywhere(right);
    ouro_graph_destroy(&graph);
  }
}

/* ---- large graphs ---- */

typedef struct large {
  ouro_graph *graph;
  uint64_t *floor, *value;
  int8_t *mark;
  ouro_gid *component;
} large;

static large large_start(ouro_graph *graph) {
  const size_t n = (size_t)graph->n_owned + (size_t)graph->n_ghost;
  large on = {graph, calloc(n + 1, 8), calloc(n + 1, 8), calloc(n + 1, 1), calloc(n + 1, 8)};
  return on;
}

static void large_end(large *on) {
  free(on->floor);
  free(on->value);
  free(on->mark);
  free(on->component);
  ouro_graph_destroy(&on->graph);
}

/* Feeds i -> i+step for i = first .. last-1, every rank adding its block of them. */
static void add_steps(ouro_feeds *feeds, ouro_gid first, ouro_gid last, ouro_gid step) {
  const ouro_gid n = last - first;
  const ouro_gid begin = ouro_graph_block_first(n, test_ranks(), test_rank());
  const ouro_gid end = ouro_graph_block_first(n, test_ranks(), test_rank() + 1);
  for (ouro_gid i = first + begin; i < first + end; i++) ouro_feeds_add(feeds, i, i + step, 1);
}

/* A path in blocks crosses from rank to rank once for each of them: so many exchanges and no more. */
static void a_long_path_takes_few_rounds(void **state) {
  (void)state;
  const ouro_gid n = 1000000;
  ouro_feeds feeds = {0};
  ouro_graph *graph = NULL;
  add_steps(&feeds, 0, n - 1, 1);
  assert_ok(ouro_graph_build(MPI_COMM_WORLD, n, &feeds, &graph));
  large on = large_start(graph);
  int64_t rounds;
  for (ouro_lid i = 0; i < graph->n_owned; i++) on.value[i] = graph->gid[i] == 0 ? 0 : OURO_SWEEP_NONE;
  assert_ok(ouro_sweep(graph, OURO_SWEEP_FORWARD, on.floor, on.value, &rounds));
  int right = rounds == test_ranks() - 1;
  for (ouro_lid i = 0; i < graph->n_owned; i++) right = right && on.value[i] == 0;
  assert_everywhere(right);
  memset(on.mark, 1, (size_t)graph->n_owned);
  assert_ok(ouro_graph_reach_sources(graph, on.mark, on.component));
  for (ouro_lid i = 0; i < graph->n_owned; i++) right = right && on.component[i] == -1;
  assert_everywhere(right);
  large_end(&on);
}

/* A cycle of a million nodes is one source; with one feed from a self-loop before it, that loop alone is. */
static void a_large_cycle_is_one_source(void **state) {
  (void)state;
  const ouro_gid n = 1000000;
  for (int entered = 0; entered <= 1; entered++) {
    ouro_feeds feeds = {0};
    ouro_graph *graph = NULL;
    add_steps(&feeds, 1, n - 1, 1);
    if (test_rank() == 0) ouro_feeds_add(&feeds, n - 1, 1, 1);
    if (test_rank() == 0) ouro_feeds_add(&feeds, 0, 0, 1);
    if (test_rank() == 0 && entered) ouro_feeds_add(&feeds, 0, n / 2, 1);
    assert_ok(ouro_graph_build(MPI_COMM_WORLD, n, &feeds, &graph));
    large on = large_start(graph);
    memset(on.mark, 1, (size_t)graph->n_owned);
    assert_ok(ouro_graph_reach_sources(graph, on.mark, on.component));
    int right = 1;
    for (ouro_lid i = 0; i < graph->n_owned; i++) {
      const ouro_gid expected = graph->gid[i] == 0 ? 0 : entered ? -1 : 1;
      right = right && on.component[i] == expected;
    }
    assert_everywhere(right);
    large_end(&on);
  }
}

static void a_million_self_loops_are_as_many_sources(void **state) {
  (void)state;
  const ouro_gid n = 1000000;
  ouro_feeds feeds = {0};
  ouro_graph *graph = NULL;
  add_steps(&feeds, 0, n, 0);
  assert_ok(ouro_graph_build(MPI_COMM_WORLD, n, &feeds, &graph));
  large on = large_start(graph);
  memset(on.mark, 1, (size_t)graph->n_owned);
  assert_ok(ouro_graph_reach_sources(graph, on.mark, on.component));
  int right = 1;
  for (ouro_lid i = 0; i < graph->n_owned; i++) right = right && on.component[i] == graph->gid[i];
  assert_everywhere(right);
  large_end(&on);
}

/* A path that changes ranks at every second step: as many rounds as crossings, and each of them cheap. It must not
 * take time that grows with the square of its length, wherever along it the first node is. */
static void a_path_that_crosses_everywhere(void **state) {
  (void)state;
  enum { LENGTH = 4000 };
  ouro_gid *owned = malloc(LENGTH * sizeof *owned);
  ouro_feeds feeds = {0};
  ouro_graph *graph = NULL;
  const ouro_lid n_owned = test_own(99, LENGTH, owned);
  for (ouro_lid i = 0; i < n_owned; i++) ouro_feeds_add(&feeds, (owned[i] + LENGTH - 1) % LENGTH, owned[i], 1);
  assert_ok(ouro_graph_assemble(MPI_COMM_WORLD, LENGTH, n_owned, owned, &feeds, &graph));
  large on = large_start(graph);
  memset(on.mark, 1, (size_t)graph->n_owned);
  assert_ok(ouro_graph_reach_sources(graph, on.mark, on.component));
  int right = 1;
  for (ouro_lid i = 0; i < graph->n_owned; i++) right = right && on.component[i] == 0;
  assert_everywhere(right);
  large_end(&on);
  free(owned);
}

/* Whichever allocation fails on whichever rank, all ranks say so. */
static void every_allocation_may_fail(void **state) {
  (void)state;
  int64_t dense[MOST * MOST];
  const ouro_gid n = random_digraph(77, dense);
  ouro_graph *graph = NULL;
  int8_t mark[MOST];
  ouro_gid component[MOST];
  int n_fine = 0; /* attempts in a row in which no rank got as far as its failing allocation */
  assert_ok(test_graph_of(dense, n, 8, &graph));
  for (int64_t at = 0; n_fine < test_ranks() && at < 1000; at++) {
    memset(mark, 1, sizeof mark);
    if (test_rank() == (int)(at % test_ranks())) ouro_memory_fail_at(at / test_ranks() + 1);
    ouro_status status = ouro_graph_reach_forward(graph, mark, mark);
    if (status == OURO_OK) status = ouro_graph_reach_sources(graph, mark, component);
    ouro_memory_fail_at(0);
    assert_everywhere(status == OURO_OK || status == OURO_ENOMEM);
    int fine = status == OURO_OK;
    MPI_Allreduce(MPI_IN_PLACE, &fine, 1, MPI_INT, MPI_MIN, MPI_COMM_WORLD);
    n_fine = fine ? n_fine + 1 : 0;
  }
  assert_int_equal(n_fine, test_ranks());
  ouro_graph_destroy(&graph);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(reach_is_the_closure_of_the_marks),
    cmocka_unit_test(sources_are_those_of_the_definition),
    cmocka_unit_test(nothing_at_all),
    cmocka_unit_test(a_long_path_takes_few_rounds),
    cmocka_unit_test(a_large_cycle_is_one_source),
    cmocka_unit_test(a_million_self_loops_are_as_many_sources),
    cmocka_unit_test(a_path_that_crosses_everywhere),
    cmocka_unit_test(every_allocation_may_fail),
};

TEST_MAIN(tests)
