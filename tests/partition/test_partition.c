/* Choosing owners: METIS, its traps, blocks. ranks: 1 2 3 4 7 */

#include "choosing.h"

#include <stdio.h>
#include <unistd.h>

#include "ouro/base/log.h"
#include "ouro/base/memory.h"
#include "partition/private.h"

static const ouro_config_partition metis = {OURO_METHOD_METIS, OURO_OBJECTIVE_AUTO, 1.03, 1, NULL};
static const ouro_config_partition by_blocks = {OURO_METHOD_BLOCK, OURO_OBJECTIVE_AUTO, 1.03, 1, NULL};

static int alike(const ouro_partition_figures *a, const ouro_partition_figures *b) {
  return a->n_parts == b->n_parts && strcmp(a->method, b->method) == 0 && strcmp(a->objective, b->objective) == 0 &&
         a->cut_feeds == b->cut_feeds && a->cut_bytes == b->cut_bytes && a->volume_bytes == b->volume_bytes &&
         a->imbalance == b->imbalance && a->max_neighbours == b->max_neighbours && a->empty_parts == b->empty_parts &&
         a->block_bytes == b->block_bytes && a->random_bytes == b->random_bytes;
}

/* One part, where METIS dies; no feeds; a self-loop alone; as many parts as nodes, and more. */
static void test_metis_has_no_work(void **state) {
  (void)state;
  static known list;
  int32_t part[64];
  ouro_partition_figures figures;
  for (int kind = 0; kind < 4; kind++) {
    if (kind == 0) known_random(&list, 30, 60, 1);
    if (kind == 1) list = (known){.n_nodes = 6};
    if (kind == 2) known_add(&list, 3, 3, 10);
    if (kind == 3) known_random(&list, 5, 20, 2);
    ouro_graph *graph = known_graph(&list);
    for (int n_parts = kind == 0 ? 1 : kind == 3 ? 5 : 1; n_parts <= (kind == 0 ? 1 : 9); n_parts++) {
      assert_ok(choose_for(graph, &metis, OURO_DRAW_PRIVATE, n_parts, part, &figures));
      assert_everywhere(is_block(part, list.n_nodes, n_parts));
      assert_everywhere(strcmp(figures.method, "block") == 0 && figures.n_parts == n_parts);
      const int64_t n_empty = n_parts > list.n_nodes ? n_parts - list.n_nodes : 0;
      assert_everywhere(figures.empty_parts == n_empty);
    }
    ouro_graph_destroy(&graph);
  }
  list = (known){.n_nodes = 1};
  ouro_graph *graph = known_graph(&list);
  assert_ok(choose_for(graph, &metis, OURO_DRAW_PUBLISHED, 4, part, &figures));
  assert_everywhere(part[0] == 0 && figures.cut_feeds == 0);
  ouro_graph_destroy(&graph);
  assert_everywhere(ouro_partition_choose(NULL, &metis, OURO_DRAW_PRIVATE, 0, 8, part, &figures) == OURO_EINTERNAL);
}

/* METIS finds planted communities: the cut is at most the planted one. */
static void test_communities(void **state) {
  (void)state;
  static known list;
  int32_t part[128];
  ouro_partition_figures figures;
  for (int n_groups = 2; n_groups <= 5; n_groups++) {
    known_communities(&list, n_groups, 12, 10);
    ouro_graph *graph = known_graph(&list);
    assert_ok(choose_for(graph, &metis, OURO_DRAW_PRIVATE, n_groups, part, &figures));
    assert_everywhere(in_range(part, list.n_nodes, n_groups));
    assert_everywhere(figures.cut_feeds <= n_groups && figures.cut_bytes <= ROW_BYTES * n_groups);
    assert_everywhere(figures.max_neighbours <= 2 && figures.empty_parts == 0 && figures.imbalance < 1.05);
    assert_everywhere(figures.block_bytes > 100 * figures.cut_bytes);
    assert_everywhere(figures.random_bytes > 100 * figures.cut_bytes);
    assert_everywhere(strcmp(figures.method, "metis") == 0 && strcmp(figures.objective, "cut") == 0);
    ouro_graph_destroy(&graph);
  }
}

/* Communities with as many models again, of the same training cost, that nothing feeds and that feed nothing but
 * themselves, between them by their ids: those keep the balance and cut nothing. */
static void test_isolated(void **state) {
  (void)state;
  static known linked, list;
  int32_t part[256];
  ouro_partition_figures figures;
  for (int n_groups = 2; n_groups <= 5; n_groups++) {
    known_communities(&linked, n_groups, 12, 10);
    list = (known){.n_nodes = 2 * linked.n_nodes + 1};
    for (int64_t k = 0; k < linked.n_feeds; k++) {
      known_add(&list, 2 * linked.source[k], 2 * linked.target[k], linked.samples[k]);
    }
    for (int64_t i = 0; i < linked.n_nodes; i++) known_add(&list, 2 * i + 1, 2 * i + 1, 110);
    ouro_graph *graph = known_graph(&list);
    for (int kind = 0; kind < 2; kind++) {
      const ouro_draw draw_kind = kind ? OURO_DRAW_PUBLISHED : OURO_DRAW_PRIVATE;
      assert_ok(choose_for(graph, &metis, draw_kind, n_groups, part, &figures));
      assert_everywhere(in_range(part, list.n_nodes, n_groups) && strcmp(figures.method, "metis") == 0);
      assert_everywhere(figures.cut_feeds <= n_groups && figures.imbalance < 1.05);
    }
    ouro_graph_destroy(&graph);
  }
}

/* Four nodes with neighbours among twenty are no work for METIS in four parts, but in three. */
static void test_few_linked(void **state) {
  (void)state;
  static known list;
  int32_t part[64];
  ouro_partition_figures figures;
  list = (known){.n_nodes = 20};
  for (int64_t i = 0; i < 4; i++) known_add(&list, 5 * i, (5 * i + 5) % 20, 10);
  ouro_graph *graph = known_graph(&list);
  assert_ok(choose_for(graph, &metis, OURO_DRAW_PRIVATE, 4, part, &figures));
  assert_everywhere(is_block(part, 20, 4) && strcmp(figures.method, "block") == 0);
  assert_ok(choose_for(graph, &metis, OURO_DRAW_PRIVATE, 3, part, &figures));
  assert_everywhere(in_range(part, 20, 3) && strcmp(figures.method, "metis") == 0 && figures.empty_parts == 0);
  ouro_graph_destroy(&graph);
}

/* The objective follows the draws unless it is given. */
static void test_objective(void **state) {
  (void)state;
  static known list;
  int32_t part[128];
  ouro_partition_figures figures;
  known_communities(&list, 4, 12, 10);
  ouro_graph *graph = known_graph(&list);
  ouro_config_partition options = metis;
  assert_ok(choose_for(graph, &options, OURO_DRAW_PUBLISHED, 4, part, &figures));
  assert_everywhere(strcmp(figures.objective, "volume") == 0 && strcmp(figures.method, "metis") == 0);
  assert_everywhere(in_range(part, list.n_nodes, 4));
  /* planted: the four models that feed the next community publish corpora of 10 samples, once each */
  assert_everywhere(figures.volume_bytes <= ROW_BYTES * 40);
  options.objective = OURO_OBJECTIVE_CUT;
  assert_ok(choose_for(graph, &options, OURO_DRAW_PUBLISHED, 4, part, &figures));
  assert_everywhere(strcmp(figures.objective, "cut") == 0);
  options.objective = OURO_OBJECTIVE_VOLUME;
  assert_ok(choose_for(graph, &options, OURO_DRAW_PRIVATE, 4, part, &figures));
  assert_everywhere(strcmp(figures.objective, "volume") == 0);
  ouro_graph_destroy(&graph);
}

/* Hubs that feed many, on top of a random graph: summed over 8 of them, METIS with the volume objective moves less than
 * METIS with the cut objective, counted in published corpora. */
static void test_volume_beats_cut(void **state) {
  (void)state;
  static known list;
  static int32_t part[512];
  double volume[2] = {0, 0};
  for (uint64_t seed = 0; seed < 8; seed++) {
    list = (known){.n_nodes = 300};
    for (int64_t k = 0; k < 1500; k++) {
      const int64_t hub = draw(seed, 3 * k, 300) * draw(seed, 3 * k + 2, 300) / 300;
      known_add(&list, hub, draw(seed, 3 * k + 1, 300), 10);
    }
    ouro_graph *graph = known_graph(&list);
    for (int kind = 0; kind < 2; kind++) {
      ouro_config_partition options = metis;
      ouro_partition_figures figures;
      options.objective = kind ? OURO_OBJECTIVE_VOLUME : OURO_OBJECTIVE_CUT;
      assert_ok(choose_for(graph, &options, OURO_DRAW_PUBLISHED, 6, part, &figures));
      volume[kind] += figures.volume_bytes;
      assert_everywhere(figures.volume_bytes <= figures.cut_bytes);
      assert_everywhere(figures.volume_bytes < figures.random_bytes || !kind);
    }
    ouro_graph_destroy(&graph);
  }
  assert_everywhere(volume[1] < volume[0]);
}

/* The same partition whoever owns what: compared with that of a graph held by rank 0 alone. */
static void test_same_for_any_ownership(void **state) {
  (void)state;
  static known list;
  static int32_t part[512], again[512];
  ouro_partition_figures figures, same;
  known_random(&list, 200, 900, 9);
  ouro_graph *graph = known_graph(&list);
  for (int kind = 0; kind < 2; kind++) {
    const ouro_draw draw_kind = kind ? OURO_DRAW_PUBLISHED : OURO_DRAW_PRIVATE;
    assert_ok(choose_for(graph, &metis, draw_kind, 5, part, &figures));
    int32_t *owner = calloc((size_t)graph->n_owned + 1, sizeof *owner);
    for (ouro_lid i = 0; i < graph->n_owned; i++) {
      owner[i] = kind ? 0 : (int32_t)draw(3, graph->gid[i], test_ranks());
    }
    assert_ok(ouro_partition_migrate(&graph, owner));
    free(owner);
    assert_ok(choose_for(graph, &metis, draw_kind, 5, again, &same));
    assert_everywhere(memcmp(part, again, 200 * sizeof *part) == 0);
    assert_everywhere(alike(&figures, &same));
  }
  ouro_graph_destroy(&graph);
}

/* A fingerprint of the partition: the same number on every number of ranks, because a partition of METIS into 5 parts
 * of one graph is the same; checked between the ranks of this run and those of a communicator of one rank each. */
static void test_same_for_any_ranks(void **state) {
  (void)state;
  static known list;
  static int32_t part[512], alone[512];
  ouro_partition_figures figures;
  known_random(&list, 150, 700, 10);
  ouro_graph *graph = known_graph(&list);
  assert_ok(choose_for(graph, &metis, OURO_DRAW_PRIVATE, 6, part, &figures));
  ouro_graph_destroy(&graph);
  ouro_feeds feeds = {0};
  for (int64_t k = 0; k < list.n_feeds; k++) {
    assert_ok(ouro_feeds_add(&feeds, list.source[k], list.target[k], list.samples[k]));
  }
  assert_ok(ouro_graph_build(MPI_COMM_SELF, list.n_nodes, &feeds, &graph));
  ouro_partition_figures same;
  assert_ok(ouro_partition_choose(graph, &metis, OURO_DRAW_PRIVATE, 6, ROW_BYTES, alone, &same));
  assert_everywhere(memcmp(part, alone, 150 * sizeof *part) == 0);
  assert_everywhere(alike(&figures, &same));
  ouro_graph_destroy(&graph);
}

/* Into 2 .. 19 parts, with METIS alone to say something: more parts than it can fill, it prints complaints. */
static ouro_status many_parts(const ouro_graph *graph) {
  int32_t part[64];
  ouro_partition_figures figures;
  ouro_status status = OURO_OK;
  for (int n_parts = 2; n_parts < 20 && status == OURO_OK; n_parts++) {
    status = choose_for(graph, &metis, n_parts % 2 ? OURO_DRAW_PRIVATE : OURO_DRAW_PUBLISHED, n_parts, part, &figures);
    if (status == OURO_OK && !in_range(part, 20, n_parts)) status = OURO_EINTERNAL;
  }
  return status;
}

/* Nothing that METIS prints reaches the streams. */
static void test_silent(void **state) {
  (void)state;
  static known list;
  char path[512];
  test_path("streams", path, sizeof path);
  for (uint64_t seed = 0; seed < 6; seed++) {
    known_random(&list, 20, 25 + 60 * (int64_t)seed, 300 + seed);
    for (int64_t k = 0; k < list.n_feeds; k++) list.samples[k] *= list.target[k] % 5 ? 1 : 1000; /* heavy nodes */
    ouro_graph *graph = known_graph(&list);
    fflush(stdout);
    fflush(stderr);
    const int out = dup(1), err = dup(2);
    FILE *file = test_rank() == 0 ? fopen(path, "w+") : NULL;
    if (file) {
      dup2(fileno(file), 1);
      dup2(fileno(file), 2);
    }
    const ouro_status status = many_parts(graph);
    fflush(stdout);
    fflush(stderr);
    dup2(out, 1);
    dup2(err, 2);
    close(out);
    close(err);
    assert_ok(status);
    assert_everywhere(file == NULL || lseek(fileno(file), 0, SEEK_END) == 0);
    if (file) fclose(file);
    ouro_graph_destroy(&graph);
  }
}

/* What METIS returns is judged. */
static void test_complaints(void **state) {
  (void)state;
  const int32_t good[4] = {0, 1, 2, 1}, hole[4] = {0, 1, -1, 1}, high[4] = {0, 3, 1, 1};
  assert_everywhere(ouro_partition_metis_complaint(4, good, 3, 7) == NULL);
  assert_everywhere(ouro_partition_metis_complaint(4, good, 3, -1) != NULL);
  assert_everywhere(ouro_partition_metis_complaint(4, hole, 3, 7) != NULL);
  assert_everywhere(ouro_partition_metis_complaint(4, high, 3, 7) != NULL);
}

/* A partition that METIS leaves incomplete is replaced by blocks. */
static void test_incomplete(void **state) {
  (void)state;
  static known list;
  int32_t part[64];
  ouro_partition_figures figures;
  known_random(&list, 40, 200, 12);
  ouro_graph *graph = known_graph(&list);
  const ouro_log_level level = ouro_log_level_now();
  ouro_log_open(test_rank(), OURO_LOG_ERROR);
  ouro_partition_metis_damage(true);
  const ouro_status status = choose_for(graph, &metis, OURO_DRAW_PRIVATE, 3, part, &figures);
  ouro_partition_metis_damage(false);
  ouro_log_open(test_rank(), level);
  assert_ok(status);
  assert_everywhere(is_block(part, 40, 3) && strcmp(figures.method, "block") == 0);
  assert_everywhere(figures.cut_bytes == figures.block_bytes);
  ouro_graph_destroy(&graph);
}

/* Beyond 32 bits METIS is refused, block works. */
static void test_limit(void **state) {
  (void)state;
  static known list;
  int32_t part[64];
  ouro_partition_figures figures;
  known_random(&list, 40, 200, 13);
  ouro_graph *graph = known_graph(&list);
  ouro_partition_limit_at(100);
  const ouro_status refused = choose_for(graph, &metis, OURO_DRAW_PRIVATE, 3, part, &figures);
  char message[512];
  snprintf(message, sizeof message, "%s", ouro_error_message());
  const ouro_status blocks = choose_for(graph, &by_blocks, OURO_DRAW_PRIVATE, 3, part, &figures);
  ouro_partition_limit_at(79);
  const ouro_status nodes = choose_for(graph, &metis, OURO_DRAW_PRIVATE, 3, part, &figures);
  ouro_partition_limit_at(0);
  assert_everywhere(refused == OURO_ELIMIT && nodes == OURO_ELIMIT);
  assert_everywhere(strstr(message, "40 nodes") && strstr(message, "(100)"));
  assert_everywhere(strstr(message, "partition.method=block") && strstr(message, "partition.method=ptscotch"));
  assert_ok(blocks);
  assert_ok(choose_for(graph, &metis, OURO_DRAW_PRIVATE, 3, part, &figures));
  ouro_graph_destroy(&graph);
}

static void test_block(void **state) {
  (void)state;
  static known list;
  int32_t part[64];
  ouro_partition_figures figures;
  known_random(&list, 40, 200, 14);
  ouro_graph *graph = known_graph(&list);
  for (int n_parts = 1; n_parts < 50; n_parts += 6) {
    assert_ok(choose_for(graph, &by_blocks, OURO_DRAW_PUBLISHED, n_parts, part, &figures));
    assert_everywhere(is_block(part, 40, n_parts) && strcmp(figures.method, "block") == 0);
    assert_everywhere(figures.volume_bytes == figures.block_bytes && strcmp(figures.objective, "volume") == 0);
  }
  ouro_graph_destroy(&graph);
}

/* Training costs and tolerances of any size. */
static void test_extremes(void **state) {
  (void)state;
  static known list;
  int32_t part[64];
  ouro_partition_figures figures;
  list = (known){.n_nodes = 40};
  for (int64_t i = 0; i < 40; i++) known_add(&list, i, (i + 1) % 40, INT64_C(1) << (i % 8 * 8));
  ouro_graph *graph = known_graph(&list);
  for (int kind = 0; kind < 2; kind++) {
    for (int n_parts = 2; n_parts < 8; n_parts++) {
      ouro_config_partition options = metis;
      options.imbalance = n_parts % 2 ? 1e300 : 1.001;
      options.seed = n_parts % 3 ? INT32_MAX : 0;
      assert_ok(choose_for(graph, &options, kind ? OURO_DRAW_PUBLISHED : OURO_DRAW_PRIVATE, n_parts, part, &figures));
      assert_everywhere(in_range(part, 40, n_parts));
      assert_everywhere(strcmp(figures.method, "metis") == 0);
    }
  }
  ouro_graph_destroy(&graph);
}

/* Fail every allocation of one rank in turn; returns how many there were. */
static int fail_each(const ouro_graph *graph, int rank) {
  int32_t part[64];
  ouro_partition_figures figures;
  for (int n = 1; n < 400; n++) {
    if (test_rank() == rank) ouro_memory_fail_at(n);
    const ouro_status status = choose_for(graph, &metis, OURO_DRAW_PUBLISHED, 3, part, &figures);
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
  known_random(&list, 30, 100, 15);
  ouro_graph *graph = known_graph(&list);
  for (int rank = 0; rank<test_ranks(); rank += test_ranks()> 1 ? test_ranks() - 1 : 1) {
    const int failures = fail_each(graph, rank);
    assert_everywhere(failures > 20 && failures < 399);
  }
  ouro_graph_destroy(&graph);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_metis_has_no_work),
      cmocka_unit_test(test_communities),
      cmocka_unit_test(test_isolated),
      cmocka_unit_test(test_few_linked),
      cmocka_unit_test(test_objective),
      cmocka_unit_test(test_volume_beats_cut),
      cmocka_unit_test(test_same_for_any_ownership),
      cmocka_unit_test(test_same_for_any_ranks),
      cmocka_unit_test(test_silent),
      cmocka_unit_test(test_complaints),
      cmocka_unit_test(test_incomplete),
      cmocka_unit_test(test_limit),
      cmocka_unit_test(test_block),
      cmocka_unit_test(test_extremes),
      cmocka_unit_test(test_out_of_memory),
  };
  return test_main(__FILE__, tests, sizeof tests / sizeof tests[0]);
}
