/* Choosing owners by PT-Scotch, by a hash, from a file; what a partition gains. Without PT-Scotch in the build, that it
 * says so. ranks: 1 2 3 4 7 */

#include "choosing.h"

#include <stdio.h>
#include <unistd.h>

#include "ouro/base/log.h"
#include "ouro/base/memory.h"
#include "partition/private.h"

static const ouro_config_partition scotch = {OURO_METHOD_PTSCOTCH, OURO_OBJECTIVE_AUTO, 1.03, 1, NULL};
static const ouro_config_partition by_hash = {OURO_METHOD_HASH, OURO_OBJECTIVE_AUTO, 1.03, 1, NULL};

static ouro_status choose(const ouro_graph *graph, const ouro_config_partition *options, int n_parts, int32_t *part,
                          ouro_partition_figures *figures) {
  return choose_for(graph, options, OURO_DRAW_PRIVATE, n_parts, part, figures);
}

/* ---- PT-Scotch ---- */

/* A build without it refuses, with what to do; the tests below then have nothing to look at. */
static int without_ptscotch(void) {
  static known list;
  int32_t part[64];
  ouro_partition_figures figures;
  if (ouro_partition_has_ptscotch()) return 0;
  known_random(&list, 40, 100, 1);
  ouro_graph *graph = known_graph(&list);
  assert_everywhere(choose(graph, &scotch, 3, part, &figures) == OURO_ECONFIG);
  assert_everywhere(strstr(ouro_error_message(), "libptscotch-dev") != NULL);
  ouro_graph_destroy(&graph);
  return 1;
}

/* It finds planted communities, on more ranks than parts and fewer: the cut is at most the planted one. */
static void test_communities(void **state) {
  (void)state;
  static known list;
  int32_t part[128];
  ouro_partition_figures figures;
  if (without_ptscotch()) return;
  for (int n_groups = 2; n_groups <= 5; n_groups++) {
    known_communities(&list, n_groups, 12, 10);
    ouro_graph *graph = known_graph(&list);
    assert_ok(choose(graph, &scotch, n_groups, part, &figures));
    assert_everywhere(in_range(part, list.n_nodes, n_groups));
    assert_everywhere(figures.cut_feeds <= n_groups && figures.empty_parts == 0 && figures.imbalance < 1.05);
    assert_everywhere(strcmp(figures.method, "ptscotch") == 0 && strcmp(figures.objective, "cut") == 0);
    ouro_graph_destroy(&graph);
  }
}

/* One part, no feeds, as many parts as nodes and more; nodes without neighbours; fewer nodes than ranks. */
static void test_odd_graphs(void **state) {
  (void)state;
  static known list;
  int32_t part[256];
  ouro_partition_figures figures;
  if (without_ptscotch()) return;
  for (int kind = 0; kind < 5; kind++) {
    if (kind == 0) known_random(&list, 30, 60, 1);
    if (kind == 1) list = (known){.n_nodes = 6};
    if (kind == 2) known_add(&list, 3, 3, 10);
    if (kind == 3) known_random(&list, 5, 20, 2);
    if (kind == 4) {
      list = (known){.n_nodes = 200};
      for (int64_t i = 0; i < 10; i++) known_add(&list, 7 * i, 7 * i + 7, 10);
    }
    ouro_graph *graph = known_graph(&list);
    for (int n_parts = 1; n_parts <= 9; n_parts++) {
      const bool idle = n_parts == 1 || n_parts >= list.n_nodes || kind == 1 || kind == 2;
      assert_ok(choose(graph, &scotch, n_parts, part, &figures));
      assert_everywhere(in_range(part, list.n_nodes, n_parts));
      assert_everywhere((kind == 2 || !idle || is_block(part, list.n_nodes, n_parts)) && figures.n_parts == n_parts);
    }
    ouro_graph_destroy(&graph);
  }
}

/* On as many ranks the same again, whoever owns what; another seed may differ and is a partition too. */
static void test_repeatable(void **state) {
  (void)state;
  static known list;
  static int32_t part[512], again[512];
  ouro_partition_figures figures, same;
  if (without_ptscotch()) return;
  known_random(&list, 300, 1500, 9);
  ouro_graph *graph = known_graph(&list);
  for (int seed = 1; seed < 4; seed++) {
    ouro_config_partition options = scotch;
    options.seed = seed;
    assert_ok(choose(graph, &options, 5, part, &figures));
    int32_t *owner = calloc((size_t)graph->n_owned + 1, sizeof *owner);
    for (ouro_lid i = 0; i < graph->n_owned; i++) owner[i] = (int32_t)draw((uint64_t)seed, graph->gid[i], test_ranks());
    assert_ok(ouro_partition_migrate(&graph, owner));
    free(owner);
    assert_ok(choose(graph, &options, 5, again, &same));
    assert_everywhere(in_range(part, 300, 5) && memcmp(part, again, 300 * sizeof *part) == 0);
    assert_everywhere(figures.cut_bytes == same.cut_bytes && figures.cut_bytes < figures.random_bytes);
  }
  ouro_graph_destroy(&graph);
}

/* Training costs of every size, then such that their sum is beyond 64 bits; tolerances of any size. */
static void test_extremes(void **state) {
  (void)state;
  static known list;
  int32_t part[64];
  ouro_partition_figures figures;
  if (without_ptscotch()) return;
  for (int kind = 0; kind < 2; kind++) {
    list = (known){.n_nodes = 40};
    for (int64_t i = 0; i < 40; i++) known_add(&list, i, (i + 1) % 40, INT64_C(1) << (kind ? 60 : i % 8 * 8));
    ouro_graph *graph = known_graph(&list);
    for (int n_parts = 2; n_parts < 8; n_parts++) {
      ouro_config_partition options = scotch;
      options.imbalance = n_parts % 2 ? 1e300 : 1.001;
      options.seed = n_parts % 3 ? INT32_MAX : 0;
      assert_ok(choose(graph, &options, n_parts, part, &figures));
      assert_everywhere(in_range(part, 40, n_parts) && strcmp(figures.method, "ptscotch") == 0);
      if (kind && n_parts == 4) assert_everywhere(figures.imbalance == 1);
    }
    ouro_graph_destroy(&graph);
  }
}

/* A partition that PT-Scotch leaves incomplete is replaced by blocks. */
static void test_incomplete(void **state) {
  (void)state;
  static known list;
  int32_t part[64];
  ouro_partition_figures figures;
  if (without_ptscotch()) return;
  known_random(&list, 40, 200, 12);
  ouro_graph *graph = known_graph(&list);
  const ouro_log_level level = ouro_log_level_now();
  ouro_log_open(test_rank(), OURO_LOG_ERROR);
  ouro_partition_ptscotch_damage(true);
  const ouro_status status = choose(graph, &scotch, 3, part, &figures);
  ouro_partition_ptscotch_damage(false);
  ouro_log_open(test_rank(), level);
  assert_ok(status);
  assert_everywhere(is_block(part, 40, 3) && strcmp(figures.method, "block") == 0);
  ouro_graph_destroy(&graph);
}

/* ---- a hash ---- */

static void test_hash(void **state) {
  (void)state;
  static known list;
  static int32_t part[512];
  ouro_partition_figures figures;
  known_random(&list, 400, 900, 14);
  ouro_graph *graph = known_graph(&list);
  for (int n_parts = 1; n_parts < 9; n_parts++) {
    int size[9] = {0};
    assert_ok(choose(graph, &by_hash, n_parts, part, &figures));
    assert_everywhere(in_range(part, 400, n_parts) && strcmp(figures.method, "hash") == 0);
    assert_everywhere(figures.cut_bytes == figures.random_bytes);
    for (int i = 0; i < 400; i++) size[part[i]]++;
    for (int p = 0; p < n_parts; p++)
      assert_everywhere(size[p] > 400 / n_parts / 2); /* 4 standard deviations or more */
  }
  ouro_graph_destroy(&graph);
}

/* ---- a file ---- */

/* The file of a partition, as the command writes it, with changes; its path. */
static const char *part_file(const ouro_graph *graph, const int32_t *part, int n_parts, const char *headline,
                             int64_t n_lines, const char *wrong_line, int64_t at) {
  static char text[1 << 16], path[512];
  char made[256];
  size_t length = 0;
  const ouro_partition_figures figures = {.n_parts = n_parts, .method = "metis"};
  ouro_partition_headline(graph, &figures, made, sizeof made);
  length += (size_t)sprintf(text + length, "%s\nnode\tpart\n", headline ? headline : made);
  for (int64_t i = 0; i < n_lines; i++) {
    if (wrong_line && i == at)
      length += (size_t)sprintf(text + length, "%s\n", wrong_line);
    else
      length += (size_t)sprintf(text + length, "%" PRId64 "\t%d\n", i, part[i]);
  }
  return test_file("parts.tsv", text, length, path, sizeof path);
}

static ouro_status choose_file(const ouro_graph *graph, const char *path, int n_parts, int32_t *part) {
  ouro_partition_figures figures;
  ouro_config_partition options = by_hash;
  char copy[512];
  snprintf(copy, sizeof copy, "%s", path);
  options.file = copy;
  const ouro_status status = choose(graph, &options, n_parts, part, &figures);
  if (status == OURO_OK) assert_everywhere(strcmp(figures.method, "file") == 0);
  return status;
}

/* What was written is read, whoever owns what. */
static void test_file_round_trip(void **state) {
  (void)state;
  static known list;
  static int32_t part[512], again[512];
  for (int64_t n = 1; n <= 400; n = n < 9 ? n + 1 : n * 3) {
    known_random(&list, n, 3 * n, (uint64_t)n);
    ouro_graph *graph = known_graph(&list);
    for (int64_t i = 0; i < n; i++) part[i] = (int32_t)draw(5, i, 6);
    assert_ok(choose_file(graph, part_file(graph, part, 6, NULL, n, NULL, 0), 6, again));
    assert_everywhere(memcmp(part, again, (size_t)n * sizeof *part) == 0);
    int32_t *owner = calloc((size_t)graph->n_owned + 1, sizeof *owner);
    for (ouro_lid i = 0; i < graph->n_owned; i++) owner[i] = (int32_t)draw(6, graph->gid[i], test_ranks());
    assert_ok(ouro_partition_migrate(&graph, owner));
    free(owner);
    assert_ok(choose_file(graph, part_file(graph, part, 6, NULL, n, NULL, 0), 6, again));
    assert_everywhere(memcmp(part, again, (size_t)n * sizeof *part) == 0);
    ouro_graph_destroy(&graph);
  }
}

static void assert_refused(const ouro_graph *graph, const char *path, int n_parts, const char *what) {
  int32_t part[64];
  assert_everywhere(choose_file(graph, path, n_parts, part) == OURO_EINPUT);
  assert_everywhere(strstr(ouro_error_message(), "parts.tsv") && strstr(ouro_error_message(), what));
}

/* Each mistake is named with its line. */
static void test_file_refused(void **state) {
  (void)state;
  static known list, other;
  int32_t part[64] = {0};
  known_random(&list, 40, 150, 3);
  known_random(&other, 40, 150, 4);
  ouro_graph *graph = known_graph(&list), *stranger = known_graph(&other);
  assert_refused(graph, part_file(stranger, part, 3, NULL, 40, NULL, 0), 3, ":1: a partition of another graph");
  assert_refused(graph, part_file(graph, part, 4, NULL, 40, NULL, 0), 3, ":1: a partition into 4 parts");
  assert_refused(graph, part_file(graph, part, 3, "node\tpart", 40, NULL, 0), 3, ":1: not a partition");
  assert_refused(graph, part_file(graph, part, 3, "# ouro partition: nodes 39, parts 3, feeds 0", 40, NULL, 0), 3,
                 ":1: a partition of 39 models; this graph has 40");
  assert_refused(graph, part_file(graph, part, 3, NULL, 39, NULL, 0), 3, "39 models of 40");
  assert_refused(graph, part_file(graph, part, 3, NULL, 41, NULL, 0), 3, "41 models of 40");
  assert_refused(graph, part_file(graph, part, 3, NULL, 40, "17\t3", 17), 3, ":20: needs a model and its part, 0 to 2");
  assert_refused(graph, part_file(graph, part, 3, NULL, 40, "17\t-1", 17), 3, ":20:");
  assert_refused(graph, part_file(graph, part, 3, NULL, 40, "17 1", 17), 3, ":20:");
  assert_refused(graph, part_file(graph, part, 3, NULL, 40, "17\t1x", 17), 3, ":20:");
  assert_refused(graph, part_file(graph, part, 3, NULL, 40, "", 0), 3, ":3:");
  assert_refused(graph, part_file(graph, part, 3, NULL, 40, "18\t1", 17), 3, ":20: another model than `17`");
  /* a graph with the same feeds given and taken by everyone, in other pairs */
  list = other = (known){.n_nodes = 40};
  for (int64_t i = 0; i < 40; i++) known_add(&list, i, (i + 1) % 40, 5), known_add(&other, (i + 1) % 40, i, 5);
  ouro_graph_destroy(&graph);
  ouro_graph_destroy(&stranger);
  graph = known_graph(&list);
  stranger = known_graph(&other);
  assert_refused(graph, part_file(stranger, part, 3, NULL, 40, NULL, 0), 3, ":1: a partition of another graph");
  char path[512];
  test_path("nowhere.tsv", path, sizeof path);
  assert_everywhere(choose_file(graph, path, 3, part) == OURO_EIO);
  ouro_graph_destroy(&graph);
  ouro_graph_destroy(&stranger);
}

/* ---- what is gained ---- */

static void test_gain(void **state) {
  (void)state;
  char text[256];
  ouro_partition_figures figures = {.n_parts = 2,
                                    .method = "metis",
                                    .objective = "cut",
                                    .cut_bytes = 10,
                                    .volume_bytes = 1,
                                    .block_bytes = 80,
                                    .random_bytes = 100};
  ouro_partition_gain(&figures, text, sizeof text);
  assert_string_equal(text, "blocks of models move 8 times as many bytes, a random partition 10 times");
  figures.block_bytes = 11;
  assert_non_null(strstr(ouro_partition_gain(&figures, text, sizeof text), "order of the models"));
  figures.random_bytes = 12;
  assert_non_null(strstr(ouro_partition_gain(&figures, text, sizeof text), "little structure"));
  figures.method = "hash";
  assert_null(strstr(ouro_partition_gain(&figures, text, sizeof text), "structure"));
  figures.cut_bytes = figures.block_bytes = figures.random_bytes = 0;
  assert_non_null(strstr(ouro_partition_gain(&figures, text, sizeof text), "move 1 times"));
}

/* Fail every allocation of one rank in turn; returns how many there were. */
static int fail_each(const ouro_graph *graph, const ouro_config_partition *options, int rank) {
  int32_t part[64];
  ouro_partition_figures figures;
  for (int n = 1; n < 400; n++) {
    if (test_rank() == rank) ouro_memory_fail_at(n);
    const ouro_status status = choose(graph, options, 3, part, &figures);
    ouro_memory_fail_at(0);
    assert_everywhere(status == OURO_OK || status == OURO_ENOMEM);
    int all = status == OURO_OK;
    MPI_Allreduce(MPI_IN_PLACE, &all, 1, MPI_INT, MPI_SUM, MPI_COMM_WORLD);
    assert_everywhere(all == 0 || all == test_ranks());
    if (all) return n - 1;
  }
  return 400;
}

/* Whichever allocation fails on one rank, all ranks return the same error. */
static void test_out_of_memory(void **state) {
  (void)state;
  static known list;
  int32_t part[64] = {0};
  char path[512];
  known_random(&list, 30, 100, 15);
  ouro_graph *graph = known_graph(&list);
  snprintf(path, sizeof path, "%s", part_file(graph, part, 3, NULL, 30, NULL, 0));
  ouro_config_partition from_file = by_hash;
  from_file.file = path;
  for (int rank = 0; rank<test_ranks(); rank += test_ranks()> 1 ? test_ranks() - 1 : 1) {
    assert_everywhere(fail_each(graph, &from_file, rank) < 399);
    if (!ouro_partition_has_ptscotch()) continue;
    const int failures = fail_each(graph, &scotch, rank);
    assert_everywhere(failures > 20 && failures < 399);
  }
  ouro_graph_destroy(&graph);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_communities),     cmocka_unit_test(test_odd_graphs),   cmocka_unit_test(test_repeatable),
    cmocka_unit_test(test_extremes),        cmocka_unit_test(test_incomplete),   cmocka_unit_test(test_hash),
    cmocka_unit_test(test_file_round_trip), cmocka_unit_test(test_file_refused), cmocka_unit_test(test_gain),
    cmocka_unit_test(test_out_of_memory),
};

TEST_MAIN(tests)
