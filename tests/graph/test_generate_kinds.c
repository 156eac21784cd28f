/* Trees, G(n, p), Barabasi-Albert, small worlds, planted blocks, layers: twins made in another way, and their laws.
 * Statistical checks have fixed seeds and thresholds that a right generator passes with probability 1 - 10^-6 each.
 * ranks: 1 */

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "generated.h"
#include "ouro/base/random.h"

/* Every model feeds the next `arity` that nobody feeds yet. */
static void trees_are_filled_in_order(void **state) {
  (void)state;
  for (ouro_gid n = 1; n <= 40; n++) {
    for (int64_t arity = 1; arity <= 6; arity++) {
      const ouro_config_generate generate = {.kind = OURO_GRAPH_TREE, .nodes = n, .arity = arity};
      ouro_eid n_feeds, at = 0;
      feed_record *lines = whole(&generate, 3, &n_feeds);
      assert_int_equal(n_feeds, n - 1);
      ouro_gid fed = 1;
      for (ouro_gid parent = 0; fed < n; parent++) {
        for (int64_t child = 0; child < arity && fed < n; child++, at++, fed++) {
          assert_true(lines[at].source == parent && lines[at].target == fed && lines[at].samples == 3);
        }
      }
      free(lines);
    }
  }
}

/* Exactly the pairs of different nodes that are wanted: those of one block, of two blocks. */
static void assert_pairs(const ouro_config_generate *generate, bool inside, bool outside) {
  ouro_eid n, at = 0;
  feed_record *lines = whole(generate, 2, &n);
  const int64_t blocks = generate->kind == OURO_GRAPH_BLOCKS ? generate->blocks : 1;
  for (ouro_gid i = 0; i < generate->nodes; i++) {
    for (ouro_gid j = 0; j < generate->nodes; j++) {
      if (i == j || !(i % blocks == j % blocks ? inside : outside)) continue;
      assert_true(at < n && lines[at].target == i && lines[at].source == j);
      at++;
    }
  }
  assert_int_equal(at, n);
  free(lines);
}

static void certain_pairs_are_there_impossible_ones_not(void **state) {
  (void)state;
  for (ouro_gid n = 1; n <= 70; n += n < 13 ? 1 : 19) {
    for (int p = 0; p <= 1; p++) {
      const ouro_config_generate gnp = {.kind = OURO_GRAPH_GNP, .nodes = n, .p = p, .seed = 3};
      assert_pairs(&gnp, p, p);
    }
    for (int64_t blocks = 1; blocks <= n; blocks++) {
      for (int p = 0; p < 4; p++) {
        const ouro_config_generate planted = {
            .kind = OURO_GRAPH_BLOCKS, .nodes = n, .blocks = blocks, .p_in = p % 2, .p_out = p / 2, .seed = 3};
        assert_pairs(&planted, p % 2, p / 2);
      }
    }
  }
}

/* The 64 graphs of 3 nodes, each as probable as its feeds are many: chi-square with 63 degrees of freedom. */
static void gnp_has_independent_feeds(void **state) {
  (void)state;
  enum { N_SEEDS = 20000 };
  const double p = 0.3;
  int64_t count[64] = {0};
  double expected[64];
  for (uint64_t seed = 0; seed < N_SEEDS; seed++) {
    const ouro_config_generate generate = {.kind = OURO_GRAPH_GNP, .nodes = 3, .p = p, .seed = seed};
    ouro_eid n;
    feed_record *lines = whole(&generate, 1, &n);
    int graph = 0;
    for (ouro_eid k = 0; k < n; k++) {
      graph |= 1 << (2 * lines[k].target + lines[k].source - (lines[k].source > lines[k].target));
    }
    count[graph]++;
    free(lines);
  }
  for (int graph = 0; graph < 64; graph++) {
    const int n = __builtin_popcount((unsigned)graph);
    expected[graph] = N_SEEDS * pow(p, n) * pow(1 - p, 6 - n);
  }
  assert_true(chi_square(count, expected, 64) < 131.4);
}

/* In-degrees of G(n, p) are independent and binomial, and so are out-degrees: chi-square over 0 .. 19 and more. */
static void gnp_has_binomial_degrees(void **state) {
  (void)state;
  enum { N = 3000, BINS = 20 };
  const ouro_config_generate generate = {.kind = OURO_GRAPH_GNP, .nodes = N, .p = 8.0 / N, .seed = 11};
  static int degree[2][N];
  int64_t count[2][BINS] = {{0}};
  double expected[BINS] = {0};
  ouro_eid n;
  feed_record *lines = whole(&generate, 1, &n);
  for (ouro_eid k = 0; k < n; k++) {
    degree[0][lines[k].target]++;
    degree[1][lines[k].source]++;
  }
  free(lines);
  for (int k = 0; k < N; k++) {
    const double log_choose = lgamma(N) - lgamma(k + 1) - lgamma(N - k);
    expected[k < BINS ? k : BINS - 1] += N * exp(log_choose + k * log(generate.p) + (N - 1 - k) * log1p(-generate.p));
  }
  expected[1] += expected[0]; /* one bin: there is one such node */
  for (int way = 0; way < 2; way++) {
    for (int i = 0; i < N; i++) count[way][degree[way][i] < BINS ? degree[way][i] : BINS - 1]++;
    count[way][1] += count[way][0];
    assert_true(chi_square(count[way] + 1, expected + 1, BINS - 1) < 62.0); /* 18 degrees of freedom */
  }
}

/* Each of the 42 pairs of 7 nodes in 3 blocks is as frequent as it should be, 42 degrees of freedom; and the feeds into
 * node 0 from its own block and from another one are independent. */
static void blocks_have_their_probabilities(void **state) {
  (void)state;
  enum { N = 7, BLOCKS = 3, N_SEEDS = 20000 };
  const double p[2] = {0.2, 0.6};
  int64_t count[N][N] = {{0}}, both = 0;
  double sum = 0;
  for (uint64_t seed = 0; seed < N_SEEDS; seed++) {
    const ouro_config_generate generate = {
        .kind = OURO_GRAPH_BLOCKS, .nodes = N, .blocks = BLOCKS, .p_in = p[1], .p_out = p[0], .seed = seed};
    ouro_eid n;
    feed_record *lines = whole(&generate, 1, &n);
    int of_node_0 = 0;
    for (ouro_eid k = 0; k < n; k++) {
      count[lines[k].target][lines[k].source]++;
      of_node_0 |= lines[k].target == 0 ? 1 << lines[k].source : 0;
    }
    both += of_node_0 >> 1 & of_node_0 >> 3 & 1;
    free(lines);
  }
  for (int i = 0; i < N; i++) {
    assert_int_equal(count[i][i], 0);
    for (int j = 0; j < N; j++) {
      const double q = p[i % BLOCKS == j % BLOCKS], expected = N_SEEDS * q;
      if (i != j) sum += pow((double)count[i][j] - expected, 2) / (expected * (1 - q));
    }
  }
  assert_true(sum < 100.7);
  const double expected = N_SEEDS * p[0] * p[1];
  assert_true(fabs((double)both - expected) < 4.9 * sqrt(expected * (1 - p[0] * p[1])));
}

/* ---- Barabasi-Albert ---- */

enum { MOST_NODES = 80, MOST_WORDS = 2048 };

/* The same process by the list of all ends of edges, which grows edge by edge. */
static ouro_eid attach_twin(const ouro_config_generate *generate, feed_record *lines) {
  static ouro_gid end[2 * MOST_NODES * MOST_NODES];
  static uint64_t word[MOST_WORDS];
  const int64_t d = generate->degree;
  int64_t n_ends = 0;
  ouro_eid n = 0;
  for (ouro_gid v = 1; v < generate->nodes; v++) {
    const ouro_stream stream = ouro_random_stream(generate->seed, 0, 0, OURO_PURPOSE_GRAPH_ATTACH, OURO_NATURE, v);
    const int64_t before = n_ends;
    bool has[MOST_NODES] = {false};
    int64_t found = 0;
    ouro_random_words(&stream, 0, MOST_WORDS, word);
    for (int64_t t = 0; t < d || found < (v < d ? v : d); t++) {
      assert_true(t < MOST_WORDS);
      const ouro_gid old = before == 0 ? 0 : end[ouro_random_below(word[t], (uint64_t)before)];
      if (t < d) end[n_ends++] = v, end[n_ends++] = old;
      if (has[old] || found == d) continue;
      has[old] = true;
      found++;
    }
    for (ouro_gid old = 0; old < v; old++) {
      if (has[old]) lines[n++] = (feed_record){v, old, 3};
    }
  }
  return n;
}

static void attachment_is_that_of_the_list_of_ends(void **state) {
  (void)state;
  static feed_record twin[MOST_NODES * MOST_NODES];
  for (ouro_gid n = 1; n <= MOST_NODES; n = n < 12 ? n + 1 : n + 17) {
    for (int64_t d = 0; d < n && d < 40; d = d < 5 ? d + 1 : d + 14) {
      const ouro_config_generate generate = {.kind = OURO_GRAPH_ATTACH, .nodes = n, .degree = d, .seed = (uint64_t)n};
      ouro_eid n_feeds;
      feed_record *lines = whole(&generate, 5, &n_feeds);
      const ouro_eid n_twin = d > 0 ? attach_twin(&generate, twin) : 0;
      assert_int_equal(n_feeds, n_twin);
      assert_int_equal(n_feeds, d * n - d * (d + 1) / 2);
      if (n_feeds > 0) assert_memory_equal(lines, twin, (size_t)n_feeds * sizeof *lines);
      free(lines);
    }
  }
}

/* 5 nodes, one feed each: the 24 graphs and their probabilities, by the degrees of the older ones; 23 degrees of
 * freedom. */
static void attachment_follows_degree(void **state) {
  (void)state;
  enum { N_SEEDS = 20000 };
  int64_t count[24] = {0};
  double expected[24];
  for (int graph = 0; graph < 24; graph++) {
    const int parent[5] = {0, 0, graph % 2, graph / 2 % 3, graph / 6};
    double degree[5] = {1, 1, 0, 0, 0};
    expected[graph] = N_SEEDS;
    for (int v = 2; v < 5; v++) {
      expected[graph] *= degree[parent[v]] / (2 * (v - 1));
      degree[parent[v]]++;
      degree[v]++;
    }
  }
  for (uint64_t seed = 0; seed < N_SEEDS; seed++) {
    const ouro_config_generate generate = {.kind = OURO_GRAPH_ATTACH, .nodes = 5, .degree = 1, .seed = seed};
    ouro_eid n;
    feed_record *lines = whole(&generate, 1, &n);
    count[lines[1].source + 2 * lines[2].source + 6 * lines[3].source]++;
    free(lines);
  }
  assert_true(chi_square(count, expected, 24) < 70.6);
}

/* 4 nodes, two feeds each: node 2 brings two edges of the process to nodes 0 and 1, node 3 then draws two different
 * ones; 2 degrees of freedom. */
static void attachment_draws_again_what_it_has(void **state) {
  (void)state;
  enum { N_SEEDS = 20000 };
  int64_t count[3] = {0};
  double expected[3] = {0};
  for (int ends = 0; ends < 4; ends++) {
    const int to_1 = ends % 2 + ends / 2;
    const double share[3] = {(4 - to_1) / 8.0, (2 + to_1) / 8.0, 2 / 8.0};
    for (int without = 0; without < 3; without++) {
      const double a = share[(without + 1) % 3], b = share[(without + 2) % 3];
      expected[without] += N_SEEDS / 4.0 * (a * b / (1 - a) + b * a / (1 - b));
    }
  }
  for (uint64_t seed = 0; seed < N_SEEDS; seed++) {
    const ouro_config_generate generate = {.kind = OURO_GRAPH_ATTACH, .nodes = 4, .degree = 2, .seed = seed};
    ouro_eid n;
    feed_record *lines = whole(&generate, 1, &n);
    assert_int_equal(n, 5);
    count[3 - lines[3].source - lines[4].source]++;
    free(lines);
  }
  assert_true(chi_square(count, expected, 3) < 27.6);
}

/* The degree of the first of 40 nodes with one feed each grows by 1 with probability degree / ends at every step: its
 * law by that chain, in 20 bins; 19 degrees of freedom. */
static void the_oldest_has_its_law_of_degree(void **state) {
  (void)state;
  enum { N = 40, BINS = 20, N_SEEDS = 10000 };
  double law[N + 1] = {0}, expected[BINS] = {0};
  int64_t count[BINS] = {0};
  law[1] = 1;
  for (int v = 2; v < N; v++) {
    for (int k = v; k >= 1; k--) {
      law[k] = law[k] * (1 - k / (2.0 * (v - 1))) + law[k - 1] * (k - 1) / (2.0 * (v - 1));
    }
  }
  for (int k = 1; k <= N; k++) expected[k < BINS ? k - 1 : BINS - 1] += N_SEEDS * law[k];
  for (uint64_t seed = 0; seed < N_SEEDS; seed++) {
    const ouro_config_generate generate = {.kind = OURO_GRAPH_ATTACH, .nodes = N, .degree = 1, .seed = seed};
    ouro_eid n;
    int k = 0;
    feed_record *lines = whole(&generate, 1, &n);
    for (ouro_eid e = 0; e < n; e++) k += lines[e].source == 0;
    free(lines);
    count[k < BINS ? k - 1 : BINS - 1]++;
  }
  assert_true(chi_square(count, expected, BINS) < 63.7);
}

/* ---- small world ---- */

/* p = 0: the nearest ones; any p: `degree` different others. */
static void small_worlds_begin_as_rings(void **state) {
  (void)state;
  for (ouro_gid n = 1; n <= 24; n++) {
    for (int64_t d = 0; d < n; d++) {
      ouro_config_generate generate = {.kind = OURO_GRAPH_SMALL_WORLD, .nodes = n, .degree = d, .seed = 4};
      for (int p = 0; p <= 4; p++) {
        generate.p = p / 4.0;
        ouro_eid n_feeds;
        feed_record *lines = whole(&generate, 3, &n_feeds);
        assert_int_equal(n_feeds, n * d);
        for (ouro_eid k = 0; k < n_feeds; k++) {
          const ouro_gid ahead = (lines[k].source - lines[k].target + n) % n, behind = n - ahead;
          assert_true(lines[k].target == k / d && ahead != 0 && lines[k].source < n);
          if (k > 0) assert_true(by_target(&lines[k - 1], &lines[k]) < 0);
          if (p == 0) assert_true(behind <= (d + 1) / 2 || ahead <= d / 2);
        }
        free(lines);
      }
    }
  }
}

/* The 10 sets of sources that a node of 6 can have when its two feeds, from 1 behind and 1 ahead, are rewired with
 * probability p: 9 degrees of freedom a node. */
static void assert_rewiring(double p) {
  enum { N_SEEDS = 20000 };
  static int64_t count[6][10];
  double expected[10] = {0};
  memset(count, 0, sizeof count);
  for (int a = 0; a < 5; a++) { /* others are 0 ahead .. 4 behind */
    for (int b = a + 1; b < 5; b++) {
      const int first = a == 0, last = b == 4;
      const double both = p * p / 10, one = (first + last) * p * (1 - p) / 4, none = first * last * (1 - p) * (1 - p);
      expected[b * (b - 1) / 2 + a] = N_SEEDS * (both + one + none);
    }
  }
  for (uint64_t seed = 0; seed < N_SEEDS; seed++) {
    const ouro_config_generate generate = {
        .kind = OURO_GRAPH_SMALL_WORLD, .nodes = 6, .degree = 2, .p = p, .seed = seed};
    ouro_eid n;
    feed_record *lines = whole(&generate, 1, &n);
    for (int i = 0; i < 6; i++) {
      const int x = (int)(lines[2 * i].source - i + 5) % 6, y = (int)(lines[2 * i + 1].source - i + 5) % 6;
      const int low = x < y ? x : y, high = x < y ? y : x;
      count[i][high * (high - 1) / 2 + low]++;
    }
    free(lines);
  }
  for (int i = 0; i < 6; i++) assert_true(chi_square(count[i], expected, 10) < 44.9);
}

static void small_worlds_are_rewired_uniformly(void **state) {
  (void)state;
  assert_rewiring(0.4);
  assert_rewiring(1);
}

/* ---- layers ---- */

static void layers_train_on_the_one_before(void **state) {
  (void)state;
  for (ouro_gid n = 1; n <= 30; n++) {
    for (int64_t layers = 1; layers <= n; layers++) {
      const int64_t d = n / layers < 3 ? n / layers : 3;
      const ouro_config_generate generate = {
          .kind = OURO_GRAPH_LAYERED, .nodes = n, .layers = layers, .degree = d, .seed = 4};
      ouro_eid n_feeds, at = 0;
      feed_record *lines = whole(&generate, 3, &n_feeds);
      ouro_gid from = 0, to = 0; /* the layer before */
      for (int64_t layer = 0; layer < layers; layer++) {
        const ouro_gid end = to + n / layers + (layer < n % layers);
        for (ouro_gid i = to; layer > 0 && i < end; i++) {
          for (int64_t k = 0; k < d; k++, at++) {
            assert_true(lines[at].target == i && lines[at].source >= from && lines[at].source < to);
            if (k > 0) assert_true(lines[at].source > lines[at - 1].source);
          }
        }
        from = to;
        to = end;
      }
      assert_int_equal(at, n_feeds);
      free(lines);
    }
  }
}

/* The 3 pairs of a layer of 3, for each of the 6 nodes behind: 2 degrees of freedom each. */
static void layers_choose_uniformly(void **state) {
  (void)state;
  enum { N_SEEDS = 10000 };
  static int64_t count[6][3];
  const double expected[3] = {N_SEEDS / 3.0, N_SEEDS / 3.0, N_SEEDS / 3.0};
  for (uint64_t seed = 0; seed < N_SEEDS; seed++) {
    const ouro_config_generate generate = {
        .kind = OURO_GRAPH_LAYERED, .nodes = 9, .layers = 3, .degree = 2, .seed = seed};
    ouro_eid n;
    feed_record *lines = whole(&generate, 1, &n);
    for (int i = 0; i < 6; i++) count[i][lines[2 * i].source % 3 + lines[2 * i + 1].source % 3 - 1]++;
    free(lines);
  }
  for (int i = 0; i < 6; i++) assert_true(chi_square(count[i], expected, 3) < 27.6);
}

/* ---- ids beyond 32 bits ---- */

/* One of very many parts of a graph of 2^40 nodes: its own targets, sources everywhere. */
static void ids_are_wide(void **state) {
  (void)state;
  const ouro_gid n = INT64_C(1) << 40;
  const ouro_config_generate wide[] = {
      {.kind = OURO_GRAPH_TREE, .nodes = n, .arity = 2},
      {.kind = OURO_GRAPH_K_IN, .nodes = n, .degree = 8, .seed = 2},
      {.kind = OURO_GRAPH_GNP, .nodes = n, .p = 8.0 / (double)n, .seed = 2},
      {.kind = OURO_GRAPH_ATTACH, .nodes = n, .degree = 8, .seed = 2},
      {.kind = OURO_GRAPH_SMALL_WORLD, .nodes = n, .degree = 8, .p = 1, .seed = 2},
      {.kind = OURO_GRAPH_BLOCKS,
       .nodes = n,
       .blocks = 1000,
       .p_in = 4e3 / (double)n,
       .p_out = 4.0 / (double)n,
       .seed = 2},
      {.kind = OURO_GRAPH_LAYERED, .nodes = n, .layers = 5, .degree = 8, .seed = 2},
  };
  for (size_t s = 0; s < sizeof wide / sizeof *wide; s++) {
    const int n_parts = INT32_MAX, part = INT32_MAX - 1000;
    const ouro_gid first = ouro_graph_block_first(n, n_parts, part),
                   last = ouro_graph_block_first(n, n_parts, part + 1);
    ouro_feeds feeds = {0};
    ouro_gid largest = 0;
    int64_t inside = 0;
    assert_int_equal(ouro_graph_generate(&wide[s], 3, part, n_parts, &feeds), OURO_OK);
    const double mean = (double)(last - first) * (s == 0 ? 1 : 8); /* 512 or so nodes: 6 standard deviations are 0.1 */
    assert_true(feeds.n > 0.9 * mean && feeds.n < 1.1 * mean);
    for (ouro_eid k = 0; k < feeds.n; k++) {
      assert_true(feeds.target[k] >= first && feeds.target[k] < last);
      assert_true(feeds.source[k] >= 0 && feeds.source[k] < n && feeds.source[k] != feeds.target[k]);
      if (feeds.source[k] > largest) largest = feeds.source[k];
      inside += (feeds.source[k] - feeds.target[k]) % 1000 == 0;
    }
    assert_true(largest > n / 2 - (1 << 20)); /* of the tree: half of the ids here, which are near n */
    if (wide[s].kind == OURO_GRAPH_BLOCKS) assert_true(inside > 0.4 * mean && inside < 0.6 * mean);
    ouro_feeds_clear(&feeds);
  }
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(trees_are_filled_in_order),
    cmocka_unit_test(certain_pairs_are_there_impossible_ones_not),
    cmocka_unit_test(gnp_has_independent_feeds),
    cmocka_unit_test(gnp_has_binomial_degrees),
    cmocka_unit_test(blocks_have_their_probabilities),
    cmocka_unit_test(attachment_is_that_of_the_list_of_ends),
    cmocka_unit_test(attachment_follows_degree),
    cmocka_unit_test(attachment_draws_again_what_it_has),
    cmocka_unit_test(the_oldest_has_its_law_of_degree),
    cmocka_unit_test(small_worlds_begin_as_rings),
    cmocka_unit_test(small_worlds_are_rewired_uniformly),
    cmocka_unit_test(layers_train_on_the_one_before),
    cmocka_unit_test(layers_choose_uniformly),
    cmocka_unit_test(ids_are_wide),
};

TEST_MAIN(tests)
