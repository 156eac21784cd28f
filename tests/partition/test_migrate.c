/* Migration keeps the graph and changes only who owns what; so does a copy for each group of ranks. ranks: 1 2 3 4 6 7
 */

#include "graphs.h"
#include "ouro/base/memory.h"
#include "partition/private.h"

#define WIDTH 13

/* Real data, and labels or names that tell the node. */
static void furnish(ouro_graph *graph, int named) {
  for (ouro_lid i = 0; i < graph->n_owned; i++) {
    graph->real[i] = 5 * graph->gid[i] % 17;
    graph->label[i] = 1000 - 3 * graph->gid[i];
  }
  if (!named) return;
  graph->initial = calloc((size_t)graph->n_owned + 1, sizeof *graph->initial);
  graph->noise = calloc((size_t)graph->n_owned + 1, sizeof *graph->noise);
  graph->every = calloc((size_t)graph->n_owned + 1, sizeof *graph->every);
  for (ouro_lid i = 0; i < graph->n_owned; i++) {
    graph->initial[i] = 7 * graph->gid[i];
    graph->noise[i] = 0.5 * (double)graph->gid[i];
    graph->every[i] = 1 + graph->gid[i];
  }
  assert_ok(ouro_graph_share_noise(graph));
  free(graph->label);
  graph->label = NULL;
  graph->named = true;
  graph->label_width = WIDTH;
  graph->label_text = calloc((size_t)graph->n_owned + 1, WIDTH);
  for (ouro_lid i = 0; i < graph->n_owned; i++) {
    snprintf(graph->label_text + (size_t)i * WIDTH, WIDTH, "model-%06d", (int)graph->gid[i]);
  }
}

static int node_is_right(const ouro_graph *graph, const known *list, ouro_lid i, int named) {
  char text[64], expected[64];
  const ouro_gid gid = graph->gid[i];
  if (named)
    snprintf(expected, sizeof expected, "model-%06d", (int)gid);
  else
    snprintf(expected, sizeof expected, "%d", (int)(1000 - 3 * gid));
  if (strcmp(ouro_graph_name(graph, i, text, sizeof text), expected) != 0) return 0;
  if (graph->real[i] != 5 * gid % 17) return 0;
  if (named && (graph->initial[i] != 7 * gid || graph->every[i] != 1 + gid)) return 0;
  int64_t n = 0;
  for (int64_t k = 0; k < list->n_feeds; k++) {
    if (list->target[k] != gid) continue;
    n++;
    int found = 0;
    for (ouro_eid e = graph->row[i]; e < graph->row[i + 1]; e++) {
      found = found ||
              (graph->gid[graph->source[e]] == list->source[k] && ouro_graph_samples(graph, e) == list->samples[k]);
    }
    if (!found) return 0;
  }
  return n == graph->row[i + 1] - graph->row[i];
}

/* The whole graph is there: n_nodes owners in all (validity makes them unique), each with its content. */
static void check(const ouro_graph *graph, const known *list, int named, ouro_eid n_merged) {
  assert_everywhere(ouro_graph_is_valid(graph));
  assert_everywhere(graph->n_nodes == list->n_nodes && graph->n_feeds == list->n_feeds);
  assert_everywhere(graph->n_merged == n_merged && graph->named == (named != 0));
  assert_everywhere(!named || graph->label_width == WIDTH);
  int right = 1;
  for (ouro_lid i = 0; i < graph->n_owned; i++) right = right && node_is_right(graph, list, i, named);
  for (ouro_lid i = 0; named && i < graph->n_owned + graph->n_ghost; i++) {
    right = right && graph->noise[i] == 0.5 * (double)graph->gid[i];
  }
  assert_everywhere(right);
}

/* Where round `round` puts a node: anywhere, all on the last rank, on even ranks only, on its block. */
static int32_t placed(const known *list, int round, int64_t node) {
  const int n_ranks = test_ranks();
  switch (round % 4) {
  case 0:
    return (int32_t)draw(77 + (uint64_t)round, node, n_ranks);
  case 1:
    return n_ranks - 1;
  case 2:
    return (int32_t)(node % ((n_ranks + 1) / 2)) * 2;
  default:
    return ouro_partition_block_part(list->n_nodes, n_ranks, node);
  }
}

static void move(ouro_graph **graph, const known *list, int round) {
  int32_t *owner = calloc((size_t)(*graph)->n_owned + 1, sizeof *owner);
  for (ouro_lid i = 0; i < (*graph)->n_owned; i++) owner[i] = placed(list, round, (*graph)->gid[i]);
  assert_ok(ouro_partition_migrate(graph, owner));
  free(owner);
  int right = 1;
  for (ouro_lid i = 0; i < (*graph)->n_owned; i++) {
    right = right && placed(list, round, (*graph)->gid[i]) == test_rank();
  }
  assert_everywhere(right);
}

static void round_trip(const known *list, int named) {
  ouro_graph *graph = known_graph(list);
  furnish(graph, named);
  graph->n_merged = 42;
  for (int round = 0; round < 8; round++) {
    move(&graph, list, round);
    check(graph, list, named, 42);
  }
  ouro_graph_destroy(&graph);
}

static void test_one_node(void **state) {
  (void)state;
  static known list;
  list = (known){.n_nodes = 1};
  round_trip(&list, 0);
  known_add(&list, 0, 0, 3);
  round_trip(&list, 1);
}

/* Fewer nodes than ranks, and no feeds. */
static void test_few_nodes(void **state) {
  (void)state;
  static known list;
  list = (known){.n_nodes = 3};
  round_trip(&list, 1);
  known_add(&list, 2, 0, 3);
  known_add(&list, 1, 0, 4);
  round_trip(&list, 0);
}

static void test_random_graphs(void **state) {
  (void)state;
  static known list;
  for (uint64_t seed = 0; seed < 4; seed++) {
    known_random(&list, 40, 200, 200 + seed);
    round_trip(&list, seed % 2);
  }
}

/* Counts that are all alike, and some that take 64 bits. */
static void test_counts_in_every_form(void **state) {
  (void)state;
  static known list;
  for (int wide = 0; wide < 2; wide++) {
    known_random(&list, 40, 200, 11);
    for (int64_t k = 0; k < list.n_feeds; k++) list.samples[k] = wide ? (list.samples[k] << 40) + 1 : 9;
    round_trip(&list, 0);
  }
}

static void test_no_such_rank(void **state) {
  (void)state;
  static known list;
  known_random(&list, 40, 100, 5);
  ouro_graph *graph = known_graph(&list), *before = graph;
  furnish(graph, 0);
  int32_t *owner = calloc((size_t)graph->n_owned + 1, sizeof *owner);
  if (test_rank() == 0) owner[0] = test_ranks();
  assert_everywhere(ouro_partition_migrate(&graph, owner) == OURO_EINTERNAL);
  assert_everywhere(graph == before);
  check(graph, &list, 0, 0);
  free(owner);
  ouro_graph_destroy(&graph);
}

/* Whichever allocation fails on one rank, all ranks return the same error and keep the graph. */
static void test_out_of_memory(void **state) {
  (void)state;
  static known list;
  known_random(&list, 30, 100, 6);
  ouro_graph *graph = known_graph(&list);
  furnish(graph, 1);
  int failures = 0;
  for (int n = 1, done = test_ranks() == 1; !done && n < 200; n++) { /* on one rank nothing moves */
    int32_t *owner = calloc((size_t)graph->n_owned + 1, sizeof *owner);
    for (ouro_lid i = 0; i < graph->n_owned; i++) owner[i] = (test_rank() + 1) % test_ranks();
    if (test_rank() == test_ranks() - 1) ouro_memory_fail_at(n);
    const ouro_status status = ouro_partition_migrate(&graph, owner);
    ouro_memory_fail_at(0);
    free(owner);
    /* the validity check of debug builds reports a failed allocation of its own as an invalid graph */
    assert_everywhere(status == OURO_OK || strstr(ouro_error_message(), "out of memory") != NULL);
    int all = status == OURO_OK;
    MPI_Allreduce(MPI_IN_PLACE, &all, 1, MPI_INT, MPI_SUM, MPI_COMM_WORLD);
    assert_everywhere(all == 0 || all == test_ranks());
    check(graph, &list, 1, 0);
    done = status == OURO_OK;
    failures += !done;
  }
  assert_everywhere(test_ranks() == 1 || (failures > 10 && failures < 199));
  ouro_graph_destroy(&graph);
}

/* Groups of consecutive ranks, as many as divide them all. */
typedef struct grouping {
  MPI_Comm within, across;
} grouping;

static grouping group(int n_groups) {
  grouping made;
  const int size = test_ranks() / n_groups;
  MPI_Comm_split(MPI_COMM_WORLD, test_rank() / size, test_rank(), &made.within);
  MPI_Comm_split(MPI_COMM_WORLD, test_rank() % size, test_rank(), &made.across);
  return made;
}

static void ungroup(grouping *made) {
  MPI_Comm_free(&made->within);
  MPI_Comm_free(&made->across);
}

/* Does a rank own in the copy what the ranks of its number own in the graph? */
static void check_owners(const ouro_graph *graph, const ouro_graph *copy, const grouping *of) {
  int right = 1;
  int64_t n = graph->n_owned;
  for (ouro_lid i = 0; i < graph->n_owned; i++) right = right && ouro_graph_owned(copy, graph->gid[i]) >= 0;
  MPI_Allreduce(MPI_IN_PLACE, &n, 1, MPI_INT64_T, MPI_SUM, of->across);
  assert_everywhere(right && n == copy->n_owned && copy->comm == of->within);
}

static void gather_all(const known *list, int named) {
  ouro_graph *graph = known_graph(list), *copy;
  furnish(graph, named);
  graph->n_merged = 42;
  for (int n_groups = 1; n_groups <= test_ranks(); n_groups++) {
    if (test_ranks() % n_groups != 0) continue;
    grouping of = group(n_groups);
    move(&graph, list, n_groups);
    assert_ok(ouro_partition_gather(graph, of.within, of.across, &copy));
    check(copy, list, named, 42);
    check_owners(graph, copy, &of);
    check(graph, list, named, 42);
    ouro_graph_destroy(&copy);
    ungroup(&of);
  }
  ouro_graph_destroy(&graph);
}

static void test_groups_have_it_all(void **state) {
  (void)state;
  static known list;
  list = (known){.n_nodes = 1};
  gather_all(&list, 0);
  known_add(&list, 0, 0, 3);
  gather_all(&list, 1);
  for (uint64_t seed = 0; seed < 4; seed++) {
    known_random(&list, 40, 200, 300 + seed);
    for (int64_t k = 0; seed > 1 && k < list.n_feeds; k++) list.samples[k] = seed > 2 ? 9 : (list.samples[k] << 40) + 1;
    gather_all(&list, seed % 2);
  }
}

/* Whichever allocation fails on one rank, all groups hear of it. */
static void test_groups_out_of_memory(void **state) {
  (void)state;
  static known list;
  known_random(&list, 30, 100, 6);
  ouro_graph *graph = known_graph(&list), *copy = NULL;
  grouping of = group(test_ranks());
  ouro_status status = OURO_ENOMEM;
  int failures;
  furnish(graph, 1);
  for (failures = 0; status != OURO_OK && failures < 200; failures++) {
    if (test_rank() == test_ranks() - 1) ouro_memory_fail_at(failures + 1);
    status = ouro_partition_gather(graph, of.within, of.across, &copy);
    ouro_memory_fail_at(0);
    int all = status == OURO_OK;
    MPI_Allreduce(MPI_IN_PLACE, &all, 1, MPI_INT, MPI_SUM, MPI_COMM_WORLD);
    assert_everywhere(all == 0 || all == test_ranks());
    assert_everywhere((copy != NULL) == (status == OURO_OK));
  }
  assert_everywhere(failures > 10 && failures < 200);
  check(copy, &list, 1, 0);
  ouro_graph_destroy(&copy);
  ouro_graph_destroy(&graph);
  ungroup(&of);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_one_node),           cmocka_unit_test(test_few_nodes),
      cmocka_unit_test(test_random_graphs),      cmocka_unit_test(test_counts_in_every_form),
      cmocka_unit_test(test_no_such_rank),       cmocka_unit_test(test_out_of_memory),
      cmocka_unit_test(test_groups_have_it_all), cmocka_unit_test(test_groups_out_of_memory),
  };
  return test_main(__FILE__, tests, sizeof tests / sizeof tests[0]);
}
