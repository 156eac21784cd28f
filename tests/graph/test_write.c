/* Writing graphs and reading them back, in every format. ranks: 1 2 3 4 7 */

#include <sys/stat.h>
#include <unistd.h>

#include "opening.h"
#include "ouro/graph/build.h"

static const char *const every_format[] = {"out.tsv", "out.el", "out.mtx", "out.graph", "out.h5"};

static bool same_file(const char *a, const char *b) {
  FILE *x = fopen(a, "rb"), *y = fopen(b, "rb");
  int c = 0, d = 0;
  while (x && y && c == d && c != EOF) {
    c = getc(x);
    d = getc(y);
  }
  const bool same = x && y && c == d;
  if (x) fclose(x);
  if (y) fclose(y);
  return same;
}

/* A graph by ids alone, whatever its labels. */
static char *text_by_id(ouro_graph *graph) {
  free(graph->label);
  graph->label = NULL;
  return opening_text(graph);
}

/* The same graph with node i on rank i mod ranks. */
static ouro_graph *dealt_out(const ouro_config *config) {
  ouro_graph *whole = NULL, *dealt = NULL;
  int rank, n_ranks;
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  MPI_Comm_size(MPI_COMM_WORLD, &n_ranks);
  assert_ok(ouro_graph_open(MPI_COMM_SELF, config, &whole));
  ouro_feeds feeds = {0};
  ouro_gid *owned = calloc((size_t)whole->n_nodes + 1, sizeof *owned);
  ouro_lid n = 0;
  int added = 1;
  for (ouro_lid i = rank; i < whole->n_owned; i += n_ranks) {
    owned[n++] = i;
    for (ouro_eid k = whole->row[i]; k < whole->row[i + 1]; k++) {
      added &= ouro_feeds_add(&feeds, whole->source[k], i, ouro_graph_samples(whole, k)) == OURO_OK;
    }
  }
  assert_everywhere(added);
  assert_ok(ouro_graph_assemble(MPI_COMM_WORLD, whole->n_nodes, n, owned, &feeds, &dealt));
  free(owned);
  ouro_graph_destroy(&whole);
  return dealt;
}

/* Write, read back, compare; the file is the same written by one rank, by all, and by owners in another order. */
static void round_trip(const ouro_config *config, const char *name, bool keeps_isolated) {
  char path[300], alone_path[300], dealt_path[300], label[40];
  int rank;
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  ouro_graph *graph = NULL, *alone = NULL, *dealt = dealt_out(config), *back = NULL;
  snprintf(label, sizeof label, "alone%d-%s", rank, name);
  test_path(name, path, sizeof path);
  test_path(label, alone_path, sizeof alone_path);
  snprintf(label, sizeof label, "dealt-%s", name);
  test_path(label, dealt_path, sizeof dealt_path);
  assert_ok(ouro_graph_open(MPI_COMM_WORLD, config, &graph));
  assert_ok(ouro_graph_open(MPI_COMM_SELF, config, &alone));
  assert_ok(ouro_graph_write(graph, path));
  assert_ok(ouro_graph_write(alone, alone_path));
  assert_ok(ouro_graph_write(dealt, dealt_path));
  const bool text_file = strstr(name, ".h5") == NULL; /* HDF5 stamps its files */
  assert_everywhere(!text_file || (same_file(path, alone_path) && same_file(path, dealt_path)));
  ouro_config again = opening_config(path);
  again.graph.nodes = keeps_isolated ? 0 : graph->n_nodes;
  for (int k = 0; k < 2; k++) { /* a file of all ranks, and one of dealt-out owners */
    assert_ok(ouro_graph_open(MPI_COMM_WORLD, &again, &back));
    assert_everywhere(ouro_graph_is_valid(back) && back->n_merged == 0);
    char *before = text_by_id(graph), *after = text_by_id(back);
    assert_everywhere(strcmp(before, after) == 0);
    free(before);
    free(after);
    ouro_graph_destroy(&back);
    again.graph.file = dealt_path;
  }
  unlink(alone_path);
  ouro_graph_destroy(&graph);
  ouro_graph_destroy(&alone);
  ouro_graph_destroy(&dealt);
}

static void every_format_comes_back(void **state) {
  (void)state;
  ouro_config_generate generate[] = {{.kind = OURO_GRAPH_GNM, .nodes = 40, .feeds = 60, .seed = 3},
                                     {.kind = OURO_GRAPH_RMAT, .scale = 6, .degree = 3, .seed = 2},
                                     {.kind = OURO_GRAPH_COMPLETE, .nodes = 9},
                                     {.kind = OURO_GRAPH_RING, .nodes = 1}};
  for (size_t g = 0; g < sizeof generate / sizeof *generate; g++) {
    ouro_config config = opening_config(NULL);
    config.graph.generate = &generate[g];
    for (size_t k = 0; k < sizeof every_format / sizeof *every_format; k++) {
      if (strstr(every_format[k], ".graph") && generate[g].kind != OURO_GRAPH_COMPLETE) continue;
      round_trip(&config, every_format[k], k > 1);
    }
  }
}

/* Counts that take 64 bits in a file, or in memory only, and some of which one model has more than can be counted. */
static void large_counts_come_back(void **state) {
  (void)state;
  static const char *const feeds[] = {"source target samples\n0 1 5\n1 2 70000\n2 0 5\n",
                                      "source target samples\n0 1 5000000000\n1 2 3\n0 2 5000000001\n"};
  char path[300];
  for (size_t k = 0; k < sizeof every_format / sizeof *every_format; k++) {
    if (strstr(every_format[k], ".graph")) continue;
    for (int f = 0; f < 2; f++) {
      test_file("large.tsv", feeds[f], strlen(feeds[f]), path, sizeof path);
      const ouro_config config = opening_config(path);
      round_trip(&config, every_format[k], true);
    }
    ouro_config_generate star = {.kind = OURO_GRAPH_STAR, .nodes = 20};
    ouro_config config = opening_config(NULL);
    config.graph.generate = &star;
    config.graph.samples = INT64_C(1) << 60;
    round_trip(&config, every_format[k], true);
  }
}

/* Names, their order, and for HDF5 real data and isolated nodes. */
static void names_come_back(void **state) {
  (void)state;
  static const char feeds[] = "source,target,samples\nGPT 4,\"B, or not\",7\n\"B, or not\",\xc3\xa9,8\n";
  static const char nodes[] = "node,real\nz,5\n\xc3\xa9,1\n";
  char path[300], node_path[300], out[300];
  test_file("feeds.csv", feeds, strlen(feeds), path, sizeof path);
  test_file("nodes.csv", nodes, strlen(nodes), node_path, sizeof node_path);
  ouro_config config = opening_config(path);
  ouro_graph *graph = NULL;
  assert_ok(ouro_graph_open(MPI_COMM_WORLD, &config, &graph));
  assert_ok(ouro_graph_write(graph, test_path("names.tsv", out, sizeof out)));
  ouro_graph_destroy(&graph);
  ouro_config again = opening_config(out);
  assert_everywhere(opens_as(&again, "B, or not(0)=GPT 4*7 GPT 4(0)= \xc3\xa9(0)=B, or not*8"));

  config.real.nodes = node_path;
  assert_ok(ouro_graph_open(MPI_COMM_WORLD, &config, &graph));
  assert_ok(ouro_graph_write(graph, test_path("names.h5", out, sizeof out)));
  ouro_graph_destroy(&graph);
  assert_everywhere(opens_as(&again, "z(5)= \xc3\xa9(50)=B, or not*8 B, or not(0)=GPT 4*7 GPT 4(0)="));
  again.real.nodes = test_file("again.tsv", "GPT 4\t3\n", 8, node_path, sizeof node_path);
  assert_everywhere(opens_as(&again, "z(0)= \xc3\xa9(0)=B, or not*8 B, or not(0)=GPT 4*7 GPT 4(3)="));
  again.real.nodes = NULL;
  assert_everywhere(opens_as(&again, "z(5)= \xc3\xa9(50)=B, or not*8 B, or not(0)=GPT 4*7 GPT 4(0)="));
  again.real.nodes = node_path;
  test_file("again.tsv", "GPT 4\t3\nGPT 5\t1\n", 16, node_path, sizeof node_path);
  assert_everywhere(fails_as(&again, OURO_EINPUT, "again.tsv:2: the graph has no such node"));
}

/* What single models have of their own, in HDF5; a node file replaces it. */
static void traits_come_back(void **state) {
  (void)state;
  static const char nodes[] = "node real initial noise every\n1 7 30 0.5 3\n0 0 - 2\n";
  char path[300], node_path[300], out[300];
  test_file("traits.tsv", "0 1\n1 2\n", 8, path, sizeof path);
  ouro_config config = opening_config(path), again;
  ouro_graph *graph = NULL;
  config.real.nodes = test_file("trait-nodes.tsv", nodes, strlen(nodes), node_path, sizeof node_path);
  assert_ok(ouro_graph_open(MPI_COMM_WORLD, &config, &graph));
  assert_ok(ouro_graph_write(graph, test_path("traits.h5", out, sizeof out)));
  ouro_graph_destroy(&graph);
  again = opening_config(out);
  assert_everywhere(opens_as(&again, "0(0 noise 2)= 1(7 initial 30 noise 0.5 every 3)=0*100 2(0)=1*100"));
  again.real.nodes = test_file("trait-nodes.tsv", "node every\n2 5\n", 15, node_path, sizeof node_path);
  assert_everywhere(opens_as(&again, "0(0)= 1(0)=0*100 2(0 every 5)=1*100"));
}

/* Sparse integer labels survive in edge lists and HDF5. */
static void labels_come_back(void **state) {
  (void)state;
  char path[300], out[300], nodes[300];
  test_file("sparse.txt", "5000000000000 7\n7 -2\n", 21, path, sizeof path);
  ouro_config config = opening_config(path), again;
  static const char *const name[] = {"sparse.el", "sparse.h5"};
  for (int k = 0; k < 2; k++) {
    ouro_graph *graph = NULL;
    assert_ok(ouro_graph_open(MPI_COMM_WORLD, &config, &graph));
    assert_ok(ouro_graph_write(graph, test_path(name[k], out, sizeof out)));
    ouro_graph_destroy(&graph);
    again = opening_config(out);
    assert_everywhere(opens_as(&again, "-2(0)=7*100 7(0)=5000000000000*100 5000000000000(0)="));
    again.real.nodes = test_file("l.tsv", "7 3\n", 4, nodes, sizeof nodes);
    assert_everywhere(opens_as(&again, "-2(0)=7*100 7(3)=5000000000000*100 5000000000000(0)="));
  }
  test_file("l.tsv", "7 3\n9 1\n", 8, nodes, sizeof nodes);
  assert_everywhere(fails_as(&again, OURO_EINPUT, "l.tsv:2: the graph has no such node"));
  test_file("l.tsv", "x 3\n", 4, nodes, sizeof nodes);
  assert_everywhere(fails_as(&again, OURO_EINPUT, "l.tsv: names, but the nodes of the graph are integers"));
}

static int write_fails(const ouro_graph *graph, const char *path, ouro_status expected, const char *part) {
  char temporary[400];
  const ouro_status status = ouro_graph_write(graph, path);
  snprintf(temporary, sizeof temporary, "%s.part", path);
  MPI_Barrier(MPI_COMM_WORLD);
  const int right = status == expected && strstr(ouro_error_message(), part) && access(temporary, F_OK) != 0;
  if (!right) fprintf(stderr, "status %d, %s\nexpected: %s\n", (int)status, ouro_error_message(), part);
  return right;
}

static void what_cannot_be_written(void **state) {
  (void)state;
  char path[300], out[300];
  test_file("odd.csv", "source,target\n\"#a\",b\n", 21, path, sizeof path);
  const ouro_config config = opening_config(path);
  ouro_graph *graph = NULL;
  assert_ok(ouro_graph_open(MPI_COMM_WORLD, &config, &graph));
  assert_everywhere(write_fails(graph, test_path("odd.tsv", out, sizeof out), OURO_EINPUT, "'#a'"));
  assert_everywhere(access(out, F_OK) != 0);
  assert_everywhere(write_fails(graph, test_path("odd.graph", out, sizeof out), OURO_EINPUT, "undirected"));
  assert_everywhere(write_fails(graph, test_path("odd.png", out, sizeof out), OURO_EINPUT, ".tsv, .txt, .el"));
  assert_everywhere(write_fails(graph, "/no/such/folder/odd.mtx", OURO_EIO, "No such file or directory"));
  assert_everywhere(write_fails(graph, "/no/such/folder/odd.h5", OURO_EIO, "/no/such/folder/odd.h5"));
  int rank;
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  test_path("folder.mtx", out, sizeof out);
  if (rank == 0) mkdir(out, 0777);
  MPI_Barrier(MPI_COMM_WORLD);
  assert_everywhere(write_fails(graph, out, OURO_EIO, "Is a directory"));
  MPI_Barrier(MPI_COMM_WORLD);
  if (rank == 0) rmdir(out);
  ouro_graph_destroy(&graph);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(every_format_comes_back), cmocka_unit_test(names_come_back),
    cmocka_unit_test(large_counts_come_back),  cmocka_unit_test(traits_come_back),
    cmocka_unit_test(labels_come_back),        cmocka_unit_test(what_cannot_be_written)};

TEST_MAIN(tests)
