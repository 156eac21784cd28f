/* Building a graph, against a dense matrix of counts. ranks: 1 2 3 4 7 */

#include <stdlib.h>
#include <string.h>

#include "graph/locals.h"
#include "ouro/base/memory.h"
#include "random_feeds.h"

/* Whether the graph is the dense matrix: each owned row lists its nonzeros, ascending. */
static int equals_dense(const ouro_graph *graph, const int64_t *dense, ouro_gid n) {
  for (ouro_lid i = 0; i < graph->n_owned; i++) {
    const int64_t *row = dense + graph->gid[i] * n;
    ouro_eid k = graph->row[i];
    for (ouro_gid j = 0; j < n; j++) {
      if (row[j] == 0) continue;
      if (k >= graph->row[i + 1] || graph->gid[graph->source[k]] != j || ouro_graph_samples(graph, k) != row[j])
        return 0;
      k++;
    }
    if (k != graph->row[i + 1]) return 0;
  }
  return 1;
}

static void blocks_cover_ids(void **state) {
  (void)state;
  const ouro_gid sizes[] = {1, 2, 5, 6, 7, 64, 1000003, INT64_C(1) << 62};
  for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++) {
    for (int n_ranks = 1; n_ranks <= 9; n_ranks++) {
      assert_int_equal(ouro_graph_block_first(sizes[s], n_ranks, 0), 0);
      assert_int_equal(ouro_graph_block_first(sizes[s], n_ranks, n_ranks), sizes[s]);
      for (int rank = 0; rank < n_ranks; rank++) {
        const ouro_gid first = ouro_graph_block_first(sizes[s], n_ranks, rank);
        const ouro_gid last = ouro_graph_block_first(sizes[s], n_ranks, rank + 1);
        const ouro_gid length = last - first, mean = sizes[s] / n_ranks;
        assert_true(length == mean || length == mean + 1);
        if (length == 0) continue;
        assert_int_equal(ouro_graph_block_rank(sizes[s], n_ranks, first), rank);
        assert_int_equal(ouro_graph_block_rank(sizes[s], n_ranks, last - 1), rank);
      }
    }
  }
}

static void no_nodes_and_no_feeds(void **state) {
  (void)state;
  for (ouro_gid n = 0; n <= 9; n++) {
    ouro_feeds feeds = {0};
    ouro_graph *graph = NULL;
    assert_ok(ouro_graph_build(MPI_COMM_WORLD, n, &feeds, &graph));
    assert_everywhere(graph->n_nodes == n && graph->n_feeds == 0 && graph->n_ghost == 0 && graph->n_merged == 0);
    assert_everywhere(ouro_graph_is_valid(graph));
    ouro_graph_destroy(&graph);
    assert_null(graph);
  }
}

static void one_node_and_its_loop(void **state) {
  (void)state;
  ouro_feeds feeds = {0};
  ouro_graph *graph = NULL;
  if (test_rank() == test_ranks() - 1) ouro_feeds_add(&feeds, 0, 0, 7);
  assert_ok(ouro_graph_build(MPI_COMM_WORLD, 1, &feeds, &graph));
  assert_everywhere(graph->n_feeds == 1 && graph->n_ghost == 0);
  assert_everywhere(graph->n_owned == (test_rank() == 0));
  assert_everywhere(test_rank() > 0 || (graph->source[0] == 0 && ouro_graph_samples(graph, 0) == 7));
  assert_everywhere(ouro_graph_is_valid(graph));
  ouro_graph_destroy(&graph);
}

static void scattered_feeds_are_the_dense_matrix(void **state) {
  (void)state;
  int64_t *dense = malloc(64 * 64 * sizeof *dense);
  for (uint64_t seed = 1; seed <= 60; seed++) {
    uint64_t chance = seed * 7919;
    const ouro_gid n = 1 + test_below(&chance, 64);
    ouro_feeds feeds = {0};
    ouro_graph *graph = NULL;
    const ouro_eid n_lines = test_below(&chance, 3 * n * n / 2 + 1);
    const ouro_eid merged = test_scatter(seed, n, n_lines, &feeds, dense);
    assert_ok(ouro_graph_build(MPI_COMM_WORLD, n, &feeds, &graph));
    assert_everywhere(equals_dense(graph, dense, n));
    assert_everywhere(graph->n_merged == merged && graph->n_feeds == n_lines - merged);
    assert_everywhere(feeds.n == 0 && feeds.source == NULL);
    assert_everywhere(ouro_graph_is_valid(graph));
    ouro_graph_destroy(&graph);
    assert_ok(test_graph_of(dense, n, seed + 1000, &graph));
    assert_everywhere(equals_dense(graph, dense, n) && graph->label == NULL);
    assert_everywhere(ouro_graph_is_valid(graph));
    ouro_graph_destroy(&graph);
  }
  free(dense);
}

/* 4 * 10^5 feeds into one node, sources descending and every third one doubled: n log n or it takes minutes. */
static void one_node_with_many_feeds(void **state) {
  (void)state;
  const ouro_gid n = 300000;
  ouro_feeds feeds = {0};
  ouro_graph *graph = NULL;
  for (ouro_gid j = n - 1; j >= 0; j--) {
    if (j % test_ranks() != test_rank()) continue;
    ouro_feeds_add(&feeds, j, 5, 1);
    if (j % 3 == 0) ouro_feeds_add(&feeds, j, 5, 2);
  }
  assert_ok(ouro_graph_build(MPI_COMM_WORLD, n, &feeds, &graph));
  assert_everywhere(graph->n_feeds == n && graph->n_merged == n / 3);
  int right = 1;
  for (ouro_lid i = 0; i < graph->n_owned; i++) {
    right = right && ouro_graph_training_size(graph, i) == (graph->gid[i] == 5 ? n + 2 * (n / 3) : 0);
  }
  assert_everywhere(right);
  assert_everywhere(ouro_graph_is_valid(graph));
  ouro_graph_destroy(&graph);
}

static void sums_that_overflow_are_refused(void **state) {
  (void)state;
  const ouro_count half = INT64_MAX / 2 + 1;
  for (ouro_gid other = 1; other <= 2; other++) { /* a duplicate feed, then two feeds of one node */
    ouro_feeds feeds = {0};
    ouro_graph *graph = NULL;
    if (test_rank() == 0) ouro_feeds_add(&feeds, 1, 3, half);
    if (test_rank() == test_ranks() - 1) ouro_feeds_add(&feeds, other, 3, half);
    assert_everywhere(ouro_graph_build(MPI_COMM_WORLD, 4, &feeds, &graph) == OURO_ELIMIT);
    assert_everywhere(graph == NULL && strstr(ouro_error_message(), "node 3") != NULL);
  }
}

static void wrong_feeds_are_refused(void **state) {
  (void)state;
  const ouro_gid bad[][3] = {{-1, 0, 1}, {0, -1, 1}, {4, 0, 1}, {0, 4, 1}, {0, 0, 0}, {0, 0, -5}};
  for (size_t k = 0; k < sizeof bad / sizeof *bad; k++) {
    ouro_feeds feeds = {0};
    ouro_graph *graph = NULL;
    ouro_feeds_add(&feeds, 1, 2, 3);
    if (test_rank() == test_ranks() - 1) ouro_feeds_add(&feeds, bad[k][0], bad[k][1], bad[k][2]);
    assert_everywhere(ouro_graph_build(MPI_COMM_WORLD, 4, &feeds, &graph) == OURO_EINTERNAL);
    assert_everywhere(graph == NULL && feeds.n == 0);
  }
}

static void wrong_owners_are_refused(void **state) {
  (void)state;
  const ouro_gid twice[] = {0, 1}, short_list[] = {0};
  ouro_feeds feeds = {0};
  ouro_graph *graph = NULL;
  const bool first = test_rank() == 0;
  assert_everywhere(ouro_graph_assemble(MPI_COMM_WORLD, 2, first ? 1 : 0, short_list, &feeds, &graph) ==
                    OURO_EINTERNAL);
  assert_everywhere(graph == NULL && strstr(ouro_error_message(), "owned by no rank") != NULL);
  if (test_ranks() == 1) return;
  assert_everywhere(ouro_graph_assemble(MPI_COMM_WORLD, 2, 2, twice, &feeds, &graph) == OURO_EINTERNAL);
  assert_everywhere(graph == NULL && strstr(ouro_error_message(), "owned by two ranks") != NULL);
}

/* Whichever allocation fails on whichever rank, all ranks say so and nothing hangs or leaks. */
static void every_allocation_may_fail(void **state) {
  (void)state;
  int64_t dense[8 * 8];
  int n_fine = 0; /* attempts in a row in which no rank got as far as its failing allocation */
  for (int64_t at = 0; n_fine < test_ranks(); at++) {
    ouro_feeds feeds = {0};
    ouro_graph *graph = NULL;
    test_scatter(5, 8, 30, &feeds, dense);
    if (test_rank() == (int)(at % test_ranks())) ouro_memory_fail_at(at / test_ranks() + 1);
    const ouro_status status = ouro_graph_build(MPI_COMM_WORLD, 8, &feeds, &graph);
    ouro_memory_fail_at(0);
    assert_everywhere(status == OURO_OK || (status == OURO_ENOMEM && graph == NULL));
    ouro_graph_destroy(&graph);
    int fine = status == OURO_OK;
    MPI_Allreduce(MPI_IN_PLACE, &fine, 1, MPI_INT, MPI_MIN, MPI_COMM_WORLD);
    n_fine = fine ? n_fine + 1 : 0;
    assert_true(at < 1000);
  }
  assert_true(n_fine == test_ranks());
}

static void lookup_finds_what_was_added(void **state) {
  (void)state;
  const ouro_gid owned[] = {10, 11, 12, 40, 41, 99};
  ouro_lookup lookup;
  assert_int_equal(ouro_lookup_start(&lookup, 6, owned), OURO_OK);
  for (ouro_lid i = 0; i < 6; i++) assert_int_equal(ouro_lookup_find(&lookup, owned[i]), i);
  for (ouro_gid gid = 1000; gid < 400000; gid += 7) assert_int_equal(ouro_lookup_add(&lookup, gid * gid), OURO_OK);
  ouro_lid expected = 6;
  for (ouro_gid gid = 1000; gid < 400000; gid += 7) {
    if (ouro_lookup_find(&lookup, gid * gid) != expected++) fail();
  }
  assert_int_equal(ouro_lookup_find(&lookup, 13), -1);
  assert_int_equal(ouro_lookup_find(&lookup, 9), -1);
  assert_int_equal(ouro_lookup_find(&lookup, 1000001), -1);
  ouro_lookup_clear(&lookup);
  assert_int_equal(ouro_lookup_start(&lookup, 0, owned), OURO_OK);
  assert_int_equal(ouro_lookup_find(&lookup, 0), -1);
  ouro_lookup_clear(&lookup);
}

/* Ids about a rank, by arithmetic, bitmap and hash table: each has the place that counting finds for it. */
static void local_ids_stand_in_order(void **state) {
  (void)state;
  enum { N_ADDED = 3000 };
  const ouro_gid own_block[] = {500, 501, 502, 503}, own_some[] = {3, 500, 501, 900};
  for (int k = 0; k < 4; k++) {
    const ouro_gid n_nodes = k % 2 ? INT64_C(1) << 40 : 1000, *owned = k / 2 ? own_some : own_block;
    uint64_t random = 7 + (uint64_t)k;
    ouro_gid added[N_ADDED + 4], list[N_ADDED + 4];
    ouro_locals locals;
    assert_int_equal(ouro_locals_start(&locals, n_nodes, 4, owned, 10), OURO_OK);
    for (int i = 0; i < N_ADDED; i++) {
      added[i] = i % 5 == 0 ? owned[i % 4] : test_below(&random, n_nodes);
      assert_int_equal(ouro_locals_add(&locals, added[i]), OURO_OK);
    }
    assert_int_equal(ouro_locals_number(&locals), OURO_OK);
    assert_true(locals.hashed == (k % 2 == 1) && locals.n <= N_ADDED + 4);
    ouro_locals_list(&locals, 0, locals.n, list);
    for (int i = 0; i < 200; i++) {
      ouro_gid part[N_ADDED + 4];
      const int64_t first = test_below(&random, locals.n + 1), n = test_below(&random, locals.n - first + 1);
      ouro_locals_list(&locals, first, n, part);
      assert_memory_equal(part, list + first, (size_t)n * sizeof *part);
    }
    for (int64_t i = 0; i < locals.n; i++) {
      if (i > 0) assert_true(list[i - 1] < list[i]);
      assert_int_equal(ouro_locals_place(&locals, list[i]), i);
    }
    for (int i = 0; i < N_ADDED; i++) {
      const int64_t place = ouro_locals_place(&locals, added[i]);
      assert_true(place >= 0 && place < locals.n && list[place] == added[i]);
    }
    for (int i = 0; i < 4; i++) assert_int_equal(list[ouro_locals_place(&locals, owned[i])], owned[i]);
    for (ouro_gid id = 0; id < 1000; id++) {
      bool known = false;
      for (int64_t i = 0; i < locals.n; i++) known = known || list[i] == id;
      assert_true(known == (ouro_locals_place(&locals, id) >= 0));
    }
    ouro_locals_clear(&locals);
  }
}

/* Feeds of one count without an array are the same graph, also where only some ranks have them so, and where one of
 * another count comes last. Ranks without feeds, which know of no count, do not matter. */
static void equal_counts_need_no_array(void **state) {
  (void)state;
  enum { N = 200, N_LINES = 8000 };
  static int64_t dense[N * N];
  for (int way = 0; way < 4; way++) {
    ouro_feeds feeds = {0};
    ouro_graph *graph = NULL;
    uint64_t random = 99;
    if (way == 0 || way == 3 || (way == 1 && test_rank() % 2 == 0)) feeds.each = 7;
    memset(dense, 0, sizeof dense);
    for (int line = 0; line < N_LINES; line++) {
      const ouro_gid source = test_below(&random, N), target = test_below(&random, 1 + test_below(&random, N));
      const ouro_count samples = way == 2 && line == N_LINES - 1 ? 5 : 7;
      if (way == 2 && line == 0) feeds.each = 7;
      dense[target * N + source] += samples;
      const int holder = way == 3 ? test_ranks() - 1 : (int)test_below(&random, test_ranks());
      if (holder == test_rank()) assert_int_equal(ouro_feeds_add(&feeds, source, target, samples), OURO_OK);
    }
    if (way == 3 && test_rank() != test_ranks() - 1) feeds.each = 0;
    assert_everywhere(way == 2 || feeds.n == 0 || (feeds.samples == NULL) == (feeds.each == 7));
    assert_ok(ouro_graph_build(MPI_COMM_WORLD, N, &feeds, &graph));
    assert_everywhere(ouro_graph_is_valid(graph));
    assert_everywhere(equals_dense(graph, dense, N));
    ouro_graph_destroy(&graph);
  }
}

/* Counts are what they were in whatever form they are held, and the form is the shortest that holds them all: of the
 * feeds 0 -> 1, 1 -> 2 and so on one is unlike the others, and the first stands twice or not. */
static void counts_take_few_bytes(void **state) {
  (void)state;
  enum { N = 20, NOTHING, TIMES, WORDS };
  const struct {
    ouro_count usual, unlike;
    bool twice;
    int form;
  } all[] = {{7, 7, false, NOTHING},
             {7, 7, true, TIMES},
             {INT64_C(1) << 40, INT64_C(1) << 40, true, TIMES},
             {INT64_C(1) << 40, INT64_C(65535) << 40, false, TIMES},
             {INT64_C(1) << 40, INT64_C(65536) << 40, false, WORDS},
             {INT64_C(1) << 40, (INT64_C(2) << 40) + 1, false, WORDS},
             {7, 5, true, TIMES},
             {7, 65535, false, TIMES},
             {7, 65536, false, WORDS},
             {65537, 65536, false, WORDS}};
  for (size_t k = 0; k < sizeof all / sizeof *all; k++) {
    ouro_feeds feeds = {0};
    ouro_graph *graph = NULL;
    for (ouro_gid i = test_rank(); i < N; i += test_ranks()) {
      const ouro_count samples = i == N - 1 ? all[k].unlike : all[k].usual;
      assert_int_equal(ouro_feeds_add(&feeds, i, (i + 1) % N, samples), OURO_OK);
      if (i == 0 && all[k].twice) assert_int_equal(ouro_feeds_add(&feeds, i, i + 1, samples), OURO_OK);
    }
    assert_ok(ouro_graph_build(MPI_COMM_WORLD, N, &feeds, &graph));
    int right = 1;
    for (ouro_lid i = 0; i < graph->n_owned; i++) {
      const ouro_gid node = graph->gid[i];
      const ouro_count samples = node == 0 ? all[k].unlike : (1 + (node == 1 && all[k].twice)) * all[k].usual;
      right = right && ouro_graph_samples(graph, graph->row[i]) == samples;
    }
    assert_everywhere(right);
    assert_everywhere((graph->samples != NULL) == (all[k].form == WORDS));
    assert_everywhere((graph->times != NULL) == (all[k].form == TIMES));
    assert_everywhere(ouro_graph_is_valid(graph));
    ouro_graph_destroy(&graph);
  }
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(counts_take_few_bytes),
    cmocka_unit_test(local_ids_stand_in_order),
    cmocka_unit_test(equal_counts_need_no_array),
    cmocka_unit_test(blocks_cover_ids),
    cmocka_unit_test(no_nodes_and_no_feeds),
    cmocka_unit_test(one_node_and_its_loop),
    cmocka_unit_test(scattered_feeds_are_the_dense_matrix),
    cmocka_unit_test(one_node_with_many_feeds),
    cmocka_unit_test(sums_that_overflow_are_refused),
    cmocka_unit_test(wrong_feeds_are_refused),
    cmocka_unit_test(wrong_owners_are_refused),
    cmocka_unit_test(every_allocation_may_fail),
    cmocka_unit_test(lookup_finds_what_was_added),
};

TEST_MAIN(tests)
