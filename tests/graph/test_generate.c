/* Generators. Statistical checks have fixed seeds and thresholds that a right generator passes with probability
 * 1 - 10^-6 each. ranks: 1 2 3 4 7 */

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "generated.h"
#include "graph/permute.h"
#include "ouro/graph/generate.h"
#include "random_feeds.h"

static const ouro_config_generate SAMPLES_OF_ALL[] = {
    {.kind = OURO_GRAPH_COMPLETE, .nodes = 1},
    {.kind = OURO_GRAPH_COMPLETE, .nodes = 1, .self_loops = true},
    {.kind = OURO_GRAPH_COMPLETE, .nodes = 9},
    {.kind = OURO_GRAPH_COMPLETE, .nodes = 9, .self_loops = true},
    {.kind = OURO_GRAPH_RING, .nodes = 1},
    {.kind = OURO_GRAPH_RING, .nodes = 11},
    {.kind = OURO_GRAPH_PATH, .nodes = 1},
    {.kind = OURO_GRAPH_PATH, .nodes = 11},
    {.kind = OURO_GRAPH_STAR, .nodes = 1},
    {.kind = OURO_GRAPH_STAR, .nodes = 11},
    {.kind = OURO_GRAPH_K_IN, .nodes = 1, .degree = 0, .seed = 5},
    {.kind = OURO_GRAPH_K_IN, .nodes = 40, .degree = 7, .seed = 5},
    {.kind = OURO_GRAPH_K_IN, .nodes = 90, .degree = 89, .seed = 5},
    {.kind = OURO_GRAPH_GNM, .nodes = 1, .feeds = 0, .seed = 5},
    {.kind = OURO_GRAPH_GNM, .nodes = 50, .feeds = 301, .seed = 5},
    {.kind = OURO_GRAPH_RMAT, .scale = 0, .degree = 2, .seed = 5},
    {.kind = OURO_GRAPH_RMAT, .scale = 9, .degree = 5, .seed = 5},
    {.kind = OURO_GRAPH_TREE, .nodes = 1, .arity = 3},
    {.kind = OURO_GRAPH_TREE, .nodes = 42, .arity = 3},
    {.kind = OURO_GRAPH_GNP, .nodes = 1, .p = 1, .seed = 5},
    {.kind = OURO_GRAPH_GNP, .nodes = 60, .p = 0.1, .seed = 5},
    {.kind = OURO_GRAPH_ATTACH, .nodes = 1, .degree = 0, .seed = 5},
    {.kind = OURO_GRAPH_ATTACH, .nodes = 90, .degree = 3, .seed = 5},
    {.kind = OURO_GRAPH_SMALL_WORLD, .nodes = 1, .degree = 0, .p = 0.5, .seed = 5},
    {.kind = OURO_GRAPH_SMALL_WORLD, .nodes = 50, .degree = 5, .p = 0.3, .seed = 5},
    {.kind = OURO_GRAPH_BLOCKS, .nodes = 1, .blocks = 1, .p_in = 1, .p_out = 1, .seed = 5},
    {.kind = OURO_GRAPH_BLOCKS, .nodes = 50, .blocks = 4, .p_in = 0.5, .p_out = 0.02, .seed = 5},
    {.kind = OURO_GRAPH_LAYERED, .nodes = 1, .layers = 1, .degree = 1, .seed = 5},
    {.kind = OURO_GRAPH_LAYERED, .nodes = 50, .layers = 7, .degree = 3, .seed = 5},
};
enum { N_SAMPLES = sizeof SAMPLES_OF_ALL / sizeof *SAMPLES_OF_ALL };

static void parts_together_are_always_the_same(void **state) {
  (void)state;
  for (int s = 0; s < N_SAMPLES; s++) {
    ouro_eid n_one, n;
    feed_record *one = whole(&SAMPLES_OF_ALL[s], 1, &n_one);
    for (int n_parts = 2; n_parts <= 60; n_parts += 7) {
      feed_record *lines = whole(&SAMPLES_OF_ALL[s], n_parts, &n);
      assert_int_equal(n, n_one);
      if (n > 0) assert_memory_equal(lines, one, (size_t)n * sizeof *one);
      free(lines);
    }
    free(one);
  }
}

/* The graph built on all ranks has the feeds that one rank makes alone. */
static void ranks_build_what_one_generates(void **state) {
  (void)state;
  for (int s = 0; s < N_SAMPLES; s++) {
    ouro_eid n;
    ouro_gid n_nodes;
    ouro_feeds feeds = {0};
    ouro_graph *graph = NULL;
    feed_record *lines = whole(&SAMPLES_OF_ALL[s], 1, &n);
    assert_ok(ouro_graph_generate_nodes(&SAMPLES_OF_ALL[s], &n_nodes));
    assert_ok(ouro_graph_generate(&SAMPLES_OF_ALL[s], 3, test_rank(), test_ranks(), &feeds));
    assert_ok(ouro_graph_build(MPI_COMM_WORLD, n_nodes, &feeds, &graph));
    int right = graph->n_nodes == n_nodes && graph->n_feeds + graph->n_merged == n;
    ouro_eid at = 0;
    for (ouro_lid i = 0; i < graph->n_owned; i++) {
      while (at < n && lines[at].target < graph->gid[i]) at++;
      for (ouro_eid k = graph->row[i]; k < graph->row[i + 1]; k++) {
        ouro_count sum = 0;
        const ouro_gid source = graph->gid[graph->source[k]];
        for (; at < n && lines[at].target == graph->gid[i] && lines[at].source == source; at++) sum += 3;
        right = right && sum == ouro_graph_samples(graph, k);
      }
    }
    assert_everywhere(right);
    ouro_graph_destroy(&graph);
    free(lines);
  }
}

static void graphs_without_chance(void **state) {
  (void)state;
  const ouro_gid n = 11;
  ouro_eid n_feeds;
  ouro_config_generate generate = {.kind = OURO_GRAPH_RING, .nodes = n};
  feed_record *lines = whole(&generate, 2, &n_feeds);
  assert_int_equal(n_feeds, n);
  for (ouro_gid i = 0; i < n; i++) assert_true(lines[i].target == i && lines[i].source == (i + n - 1) % n);
  free(lines);
  generate.kind = OURO_GRAPH_PATH;
  lines = whole(&generate, 2, &n_feeds);
  assert_int_equal(n_feeds, n - 1);
  for (ouro_gid i = 0; i < n - 1; i++) assert_true(lines[i].target == i + 1 && lines[i].source == i);
  free(lines);
  generate.kind = OURO_GRAPH_STAR;
  lines = whole(&generate, 2, &n_feeds);
  assert_int_equal(n_feeds, n - 1);
  for (ouro_gid i = 0; i < n - 1; i++) assert_true(lines[i].target == i + 1 && lines[i].source == 0);
  free(lines);
  generate.kind = OURO_GRAPH_COMPLETE;
  lines = whole(&generate, 2, &n_feeds);
  assert_int_equal(n_feeds, n * (n - 1));
  for (ouro_eid k = 0; k < n_feeds; k++) {
    const ouro_gid j = k % (n - 1), i = k / (n - 1);
    assert_true(lines[k].target == i && lines[k].source == (j < i ? j : j + 1) && lines[k].samples == 3);
  }
  free(lines);
}

/* Feeds are distinct, join different nodes, and are as many as they should be. */
static void assert_simple(const ouro_config_generate *generate, ouro_eid expected) {
  ouro_eid n;
  feed_record *lines = whole(generate, 3, &n);
  assert_int_equal(n, expected);
  for (ouro_eid k = 0; k < n; k++) {
    assert_true(lines[k].source != lines[k].target);
    assert_in_range(lines[k].source, 0, (uintmax_t)generate->nodes - 1);
    assert_in_range(lines[k].target, 0, (uintmax_t)generate->nodes - 1);
    if (k > 0) assert_true(by_target(&lines[k - 1], &lines[k]) < 0);
    if (generate->kind == OURO_GRAPH_K_IN) assert_int_equal(lines[k].target, k / generate->degree);
  }
  free(lines);
}

static void random_graphs_are_simple_and_exact(void **state) {
  (void)state;
  for (ouro_gid n = 1; n <= 23; n++) {
    for (ouro_gid k = 0; k < n; k++) {
      const ouro_config_generate regular = {.kind = OURO_GRAPH_K_IN, .nodes = n, .degree = k, .seed = 9};
      assert_simple(&regular, n * k);
      const ouro_config_generate gnm = {.kind = OURO_GRAPH_GNM, .nodes = n, .feeds = n * k, .seed = 9};
      assert_simple(&gnm, n * k);
    }
  }
  const ouro_config_generate large = {.kind = OURO_GRAPH_GNM, .nodes = 1000003, .feeds = 100000, .seed = 9};
  assert_simple(&large, 100000);
}

/* The 15 sets of 2 of the 6 feeds between 3 nodes: chi-square with 14 degrees of freedom. */
static void gnm_is_uniform(void **state) {
  (void)state;
  int64_t count[15] = {0};
  double expected[15];
  enum { N_SEEDS = 15000 };
  for (uint64_t seed = 0; seed < N_SEEDS; seed++) {
    const ouro_config_generate generate = {.kind = OURO_GRAPH_GNM, .nodes = 3, .feeds = 2, .seed = seed};
    ouro_eid n;
    feed_record *lines = whole(&generate, 1, &n);
    int cell[2];
    for (int k = 0; k < 2; k++) {
      cell[k] = (int)(2 * lines[k].target + lines[k].source - (lines[k].source > lines[k].target));
    }
    free(lines);
    count[cell[1] * (cell[1] - 1) / 2 + cell[0]]++; /* cells ascend: the triangle of pairs */
  }
  for (int k = 0; k < 15; k++) expected[k] = N_SEEDS / 15.0;
  assert_true(chi_square(count, expected, 15) < 54.7);
}

/* The 10 pairs of others of each of 6 nodes: chi-square with 9 degrees of freedom, a node. */
static void k_in_regular_is_uniform(void **state) {
  (void)state;
  static int64_t count[6][10];
  double expected[10];
  enum { N_SEEDS = 10000 };
  for (uint64_t seed = 0; seed < N_SEEDS; seed++) {
    const ouro_config_generate generate = {.kind = OURO_GRAPH_K_IN, .nodes = 6, .degree = 2, .seed = seed};
    ouro_eid n;
    feed_record *lines = whole(&generate, 1, &n);
    for (int i = 0; i < 6; i++) {
      const ouro_gid low = lines[2 * i].source - (lines[2 * i].source > i);
      const ouro_gid high = lines[2 * i + 1].source - (lines[2 * i + 1].source > i);
      count[i][high * (high - 1) / 2 + low]++;
    }
    free(lines);
  }
  for (int k = 0; k < 10; k++) expected[k] = N_SEEDS / 10.0;
  for (int i = 0; i < 6; i++) assert_true(chi_square(count[i], expected, 10) < 44.9);
}

/* Before ids are permuted, a feed falls in each of the 8 x 8 cells with the product of three quadrant weights:
 * chi-square with 63 degrees of freedom. */
static void rmat_has_its_weights(void **state) {
  (void)state;
  const double weight[4] = {0.57, 0.19, 0.19, 0.05};
  const ouro_config_generate generate = {.kind = OURO_GRAPH_RMAT, .scale = 3, .degree = 125000, .seed = 77};
  const ouro_permutation ids = ouro_permutation_of(8, generate.seed, OURO_PURPOSE_GRAPH_RMAT_IDS);
  uint64_t unpermuted[8];
  int64_t count[64] = {0};
  double expected[64];
  ouro_feeds feeds = {0};
  for (uint64_t x = 0; x < 8; x++) unpermuted[ouro_permute(&ids, x)] = x;
  assert_int_equal(ouro_graph_generate(&generate, 1, 0, 1, &feeds), OURO_OK);
  assert_int_equal(feeds.n, 1000000);
  for (ouro_eid k = 0; k < feeds.n; k++) count[unpermuted[feeds.source[k]] * 8 + unpermuted[feeds.target[k]]]++;
  ouro_feeds_clear(&feeds);
  for (int cell = 0; cell < 64; cell++) {
    const int source = cell / 8, target = cell % 8;
    expected[cell] = 1e6;
    for (int bit = 0; bit < 3; bit++) expected[cell] *= weight[2 * (source >> bit & 1) + (target >> bit & 1)];
  }
  assert_true(chi_square(count, expected, 64) < 131.4);
}

/* Seeds make different graphs; the same seed the same. */
static void seeds_matter(void **state) {
  (void)state;
  for (int s = N_SAMPLES - 1; s >= 0; s--) {
    ouro_config_generate generate = SAMPLES_OF_ALL[s];
    ouro_eid n, n_other;
    feed_record *lines = whole(&generate, 1, &n);
    generate.seed++;
    feed_record *other = whole(&generate, 1, &n_other);
    const bool chance = generate.kind == OURO_GRAPH_GNM || generate.kind == OURO_GRAPH_RMAT ||
                        generate.kind >= OURO_GRAPH_GNP ||
                        (generate.kind == OURO_GRAPH_K_IN && generate.degree < generate.nodes - 1);
    const bool same = n == n_other && memcmp(lines, other, (size_t)n * sizeof *lines) == 0;
    assert_true(same == (!chance || n <= 2));
    free(lines);
    free(other);
  }
}

static void permutations_are_bijections(void **state) {
  (void)state;
  for (uint64_t n = 1; n <= 300; n++) {
    for (uint64_t seed = 0; seed < 3; seed++) {
      const ouro_permutation permutation = ouro_permutation_of(n, seed, OURO_PURPOSE_TEST);
      char hit[300] = {0};
      uint64_t all[300];
      for (uint64_t x = 0; x < n; x++) all[x] = x;
      ouro_permute_all(&permutation, n, all);
      for (uint64_t x = 0; x < n; x++) {
        const uint64_t y = ouro_permute(&permutation, x);
        assert_true(y < n && !hit[y] && y == all[x]);
        hit[y] = 1;
      }
    }
  }
  const ouro_permutation wide = ouro_permutation_of((UINT64_C(1) << 62) - 5, 1, OURO_PURPOSE_TEST);
  for (uint64_t x = 0; x < 1000; x++) assert_true(ouro_permute(&wide, x) < wide.n);
}

static void wrong_arguments_are_refused(void **state) {
  (void)state;
  const struct {
    ouro_config_generate generate;
    ouro_status status;
    const char *key;
  } wrong[] = {
      {{.kind = OURO_GRAPH_RING, .nodes = 0}, OURO_ECONFIG, "graph.generate.nodes"},
      {{.kind = OURO_GRAPH_COMPLETE, .nodes = INT64_C(1) << 40}, OURO_ELIMIT, "graph.generate.nodes"},
      {{.kind = OURO_GRAPH_K_IN, .nodes = 5, .degree = 5}, OURO_ECONFIG, "graph.generate.degree"},
      {{.kind = OURO_GRAPH_K_IN, .nodes = INT64_C(1) << 40, .degree = INT64_C(1) << 30},
       OURO_ELIMIT,
       "graph.generate.degree"},
      {{.kind = OURO_GRAPH_GNM, .nodes = 5, .feeds = 21}, OURO_ECONFIG, "graph.generate.feeds"},
      {{.kind = OURO_GRAPH_GNM, .nodes = INT64_C(1) << 40, .feeds = 21}, OURO_ELIMIT, "graph.generate.nodes"},
      {{.kind = OURO_GRAPH_RMAT, .scale = 99, .degree = 1}, OURO_ECONFIG, "graph.generate.scale"},
      {{.kind = OURO_GRAPH_RMAT, .scale = 30, .degree = INT64_C(1) << 40}, OURO_ELIMIT, "graph.generate.degree"},
      {{.kind = OURO_GRAPH_TREE, .nodes = 5}, OURO_ECONFIG, "graph.generate.arity"},
      {{.kind = OURO_GRAPH_GNP, .nodes = 5, .p = 1.01}, OURO_ECONFIG, "graph.generate.p:"},
      {{.kind = OURO_GRAPH_GNP, .nodes = 5, .p = -0.01}, OURO_ECONFIG, "graph.generate.p:"},
      {{.kind = OURO_GRAPH_GNP, .nodes = 5, .p = NAN}, OURO_ECONFIG, "graph.generate.p:"},
      {{.kind = OURO_GRAPH_GNP, .nodes = INT64_C(1) << 40, .p = 0.5}, OURO_ELIMIT, "graph.generate.p:"},
      {{.kind = OURO_GRAPH_ATTACH, .nodes = 5, .degree = 5}, OURO_ECONFIG, "graph.generate.degree"},
      {{.kind = OURO_GRAPH_ATTACH, .nodes = INT64_C(1) << 40, .degree = INT64_C(1) << 22},
       OURO_ELIMIT,
       "graph.generate.degree"},
      {{.kind = OURO_GRAPH_SMALL_WORLD, .nodes = 5, .degree = 5}, OURO_ECONFIG, "graph.generate.degree"},
      {{.kind = OURO_GRAPH_SMALL_WORLD, .nodes = 5, .degree = 4, .p = 2}, OURO_ECONFIG, "graph.generate.p:"},
      {{.kind = OURO_GRAPH_BLOCKS, .nodes = 5, .blocks = 6}, OURO_ECONFIG, "graph.generate.blocks"},
      {{.kind = OURO_GRAPH_BLOCKS, .nodes = 5, .blocks = 0}, OURO_ECONFIG, "graph.generate.blocks"},
      {{.kind = OURO_GRAPH_BLOCKS, .nodes = 5, .blocks = 2, .p_in = 2}, OURO_ECONFIG, "graph.generate.p_in"},
      {{.kind = OURO_GRAPH_BLOCKS, .nodes = 5, .blocks = 2, .p_out = -1}, OURO_ECONFIG, "graph.generate.p_out"},
      {{.kind = OURO_GRAPH_BLOCKS, .nodes = INT64_C(1) << 40, .blocks = 2, .p_in = 1},
       OURO_ELIMIT,
       "graph.generate.p_in"},
      {{.kind = OURO_GRAPH_LAYERED, .nodes = 5, .layers = 6}, OURO_ECONFIG, "graph.generate.layers"},
      {{.kind = OURO_GRAPH_LAYERED, .nodes = 5}, OURO_ECONFIG, "graph.generate.layers"},
      {{.kind = OURO_GRAPH_LAYERED, .nodes = INT64_C(1) << 40, .layers = INT64_C(1) << 32},
       OURO_ECONFIG,
       "graph.generate.layers"},
      {{.kind = OURO_GRAPH_LAYERED, .nodes = 7, .layers = 2, .degree = 4}, OURO_ECONFIG, "graph.generate.degree"},
      {{.kind = OURO_GRAPH_LAYERED, .nodes = INT64_C(1) << 40, .layers = 2, .degree = INT64_C(1) << 30},
       OURO_ELIMIT,
       "graph.generate.degree"},
      {{.kind = (ouro_graph_kind)-1, .nodes = 1}, OURO_ECONFIG, "graph.generate.kind"},
      {{.kind = (ouro_graph_kind)99, .nodes = 1}, OURO_ECONFIG, "graph.generate.kind"},
  };
  for (size_t k = 0; k < sizeof wrong / sizeof *wrong; k++) {
    ouro_feeds feeds = {0};
    ouro_gid n_nodes = -7;
    assert_int_equal(ouro_graph_generate_nodes(&wrong[k].generate, &n_nodes), wrong[k].status);
    assert_int_equal(n_nodes, -7);
    assert_non_null(strstr(ouro_error_message(), wrong[k].key));
    assert_int_equal(ouro_graph_generate(&wrong[k].generate, 1, 0, 1, &feeds), wrong[k].status);
    assert_true(feeds.n == 0 && feeds.source == NULL);
  }
}

/* What one machine cannot hold is refused before anything is allocated; what it can is not. */
static void too_large_graphs_are_refused(void **state) {
  (void)state;
  const ouro_config_generate large[] = {
      {.kind = OURO_GRAPH_COMPLETE, .nodes = INT64_C(1) << 24},
      {.kind = OURO_GRAPH_COMPLETE, .nodes = INT64_C(1) << 24, .self_loops = true},
      {.kind = OURO_GRAPH_RING, .nodes = INT64_C(1) << 48},
      {.kind = OURO_GRAPH_K_IN, .nodes = INT64_C(1) << 30, .degree = INT64_C(1) << 20},
      {.kind = OURO_GRAPH_GNM, .nodes = INT64_C(1) << 30, .feeds = INT64_C(1) << 48},
      {.kind = OURO_GRAPH_RMAT, .scale = 40, .degree = 256},
      {.kind = OURO_GRAPH_TREE, .nodes = INT64_C(1) << 48, .arity = 2},
      {.kind = OURO_GRAPH_GNP, .nodes = INT64_C(1) << 30, .p = 0.01},
      {.kind = OURO_GRAPH_ATTACH, .nodes = INT64_C(1) << 40, .degree = 16},
      {.kind = OURO_GRAPH_SMALL_WORLD, .nodes = INT64_C(1) << 40, .degree = 16},
      {.kind = OURO_GRAPH_BLOCKS, .nodes = INT64_C(1) << 30, .blocks = 2, .p_in = 0, .p_out = 0.01},
      {.kind = OURO_GRAPH_LAYERED, .nodes = INT64_C(1) << 40, .layers = 4, .degree = 16},
  };
  for (size_t k = 0; k < sizeof large / sizeof *large; k++) {
    assert_everywhere(ouro_graph_generate_fits(MPI_COMM_WORLD, &large[k]) == OURO_ELIMIT);
    assert_everywhere(strstr(ouro_error_message(), "GiB") != NULL);
  }
  for (int s = 0; s < N_SAMPLES; s++) assert_ok(ouro_graph_generate_fits(MPI_COMM_WORLD, &SAMPLES_OF_ALL[s]));
  const ouro_config_generate wrong = {.kind = OURO_GRAPH_GNM, .nodes = 5, .feeds = 21};
  assert_everywhere(ouro_graph_generate_fits(MPI_COMM_WORLD, &wrong) == OURO_ECONFIG);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(parts_together_are_always_the_same),
    cmocka_unit_test(ranks_build_what_one_generates),
    cmocka_unit_test(graphs_without_chance),
    cmocka_unit_test(random_graphs_are_simple_and_exact),
    cmocka_unit_test(gnm_is_uniform),
    cmocka_unit_test(k_in_regular_is_uniform),
    cmocka_unit_test(rmat_has_its_weights),
    cmocka_unit_test(seeds_matter),
    cmocka_unit_test(permutations_are_bijections),
    cmocka_unit_test(wrong_arguments_are_refused),
    cmocka_unit_test(too_large_graphs_are_refused),
};

TEST_MAIN(tests)
