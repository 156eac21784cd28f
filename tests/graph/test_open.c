/* What becomes of a graph once its feeds are read: node files, real data, roots, generators. ranks: 1 2 3 4 7 */

#include "opening.h"
#include "ouro/base/memory.h"

/* A configuration of an edge list and a node file with these texts; its paths live until the next call. */
static ouro_config with_nodes(const char *feeds, const char *nodes) {
  static char feed_path[300], node_path[300];
  test_file("feeds.tsv", feeds, strlen(feeds), feed_path, sizeof feed_path);
  test_file("models.tsv", nodes, strlen(nodes), node_path, sizeof node_path);
  ouro_config config = opening_config(feed_path);
  config.real.nodes = node_path;
  return config;
}

typedef struct node_case {
  const char *feeds, *nodes, *graph;
} node_case;

static const node_case good[] = {
    {"0 1\n", "0\t1\n1\t0\n", "0(50)= 1(0)=0*100"},
    {"0 1\n", "1 7\n", "0(0)= 1(7)=0*100"},
    {"0 1\n", "1\n", "0(0)= 1(50)=0*100"},
    {"0 1\n", "# c\nnode\treal\n1\t3\r\n", "0(0)= 1(3)=0*100"},
    {"0 1\n", "real,node\n3,1\n", "0(0)= 1(3)=0*100"},
    {"0 1\n", "node\n0\n", "0(50)= 1(0)=0*100"},
    {"0 1\n", "", "0(0)= 1(0)=0*100"},
    {"3 1\n", "9 2\n2 0\n", "1(0)=3*100 2(0)= 3(0)= 9(2)="},
    {"", "4 2\n-1 0\n", "-1(0)= 4(2)="},
    {"a b\n", "b 1\na 0\n", "b(50)=a*100 a(0)="},
    {"d b\nc d\n", "z 5\nb 0\n", "z(5)= b(0)=d*100 c(0)= d(0)=c*100"},
    {"source\ttarget\nGPT 4\tA B\n", "node\treal\nA B\t1\nGPT 4\t0\n", "A B(50)=GPT 4*100 GPT 4(0)="},
    {"source\ttarget\nGPT 4\tA B\n", "A B\t1\n", "A B(50)=GPT 4*100 GPT 4(0)="},
    {"0 1\n", "x 1\n1 0\n", "x(50)= 1(0)=0*100 0(0)="}, /* one name: all are names */
    {"a 1\n", "1 0\n", "1(0)=a*100 a(0)="},
    {"node b\n", "node 7\n", "node(7)= b(0)=node*100"},
    {"10 9\n", "9 1\n10 1\n", "9(50)=10*100 10(50)="}, /* integers keep their order */
    {"0 1\n", "node real initial noise every\n1 7 30 0.5 3\n", "0(0)= 1(7 initial 30 noise 0.5 every 3)=0*100"},
    {"0 1\n", "node\treal\tinitial\tnoise\tevery\n1\t7\t-\t-\t4\n0\t0\t9\n", "0(0 initial 9)= 1(7 every 4)=0*100"},
    {"0 1\n", "every,node\n2,1\n-,0\n", "0(0)= 1(0 every 2)=0*100"},
    {"a b\n", "noise node\n0 b\n1e-3 c\n", "b(0 noise 0)=a*100 c(0 noise 0.001)= a(0)="},
    {"0 1\n", "node initial\n", "0(0)= 1(0)=0*100"},
    {"0 1\n", "node real initial\n0 - 5\n1 7 -\n", "0(0 initial 5)= 1(7)=0*100"},
    {"0 1\n", "node real comment\n1 7 -\n", "0(0)= 1(7)=0*100"}, /* a column of no meaning */
};

static void node_files(void **state) {
  (void)state;
  for (size_t k = 0; k < sizeof good / sizeof *good; k++) {
    const ouro_config config = with_nodes(good[k].feeds, good[k].nodes);
    assert_everywhere(opens_as(&config, good[k].graph));
  }
}

static const node_case bad[] = {
    {"0 1\n", "0 1\n1 0\n0 0\n", "models.tsv:3: node 0 is listed in line 1 already"},
    {"a b\n", "# c\nb 1\na 0\nc\nd\na 0\nb 1\n", "models.tsv:6: node a is listed in line 3 already"},
    {"0 1\n", "0 -1\n", "models.tsv:1: real: '-1' is not a whole number"},
    {"0 1\n", "0 1\n1 0.5\n", "models.tsv:2: real: '0.5' is not a whole number"},
    {"0 1\n", "0 nan\n", "models.tsv:1: real: 'nan'"},
    {"0 1\n", "0 99999999999999999999\n", "models.tsv:1: real: 99999999999999999999 does not fit"},
    {"0 1\n", "99999999999999999999\n", "models.tsv:1: id 99999999999999999999 does not fit"},
    {"0 1\n", "0 1 1\n", "models.tsv:1: 3 fields"},
    {"0 1\n", "node every\n0 0\n", "models.tsv:2: every: '0' is not a whole number from 1"},
    {"0 1\n", "node every\n0 1.5\n", "models.tsv:2: every: '1.5' is not a whole number from 1"},
    {"0 1\n", "node initial\n0 1\n1 -3\n", "models.tsv:3: initial: '-3' is not a whole number from 1"},
    {"0 1\n", "node initial\n0 9999999999999999\n", "models.tsv:2: initial: '9999999999999999' is not"},
    {"0 1\n", "node noise\n0 -0.5\n", "models.tsv:2: noise: '-0.5' is not a number from 0"},
    {"0 1\n", "node noise\n0 nan\n", "models.tsv:2: noise: 'nan' is not a number from 0"},
    {"0 1\n", "node noise\n0 0x1\n", "models.tsv:2: noise: '0x1' is not a number from 0"},
    {"0 1\n", "node real noize\n0 1 1\n", "models.tsv:1: unknown column `noize`; did you mean `noise`?"},
    {"0 1\n", "node evry\n0 1\n", "models.tsv:1: unknown column `evry`; did you mean `every`?"},
    {"0 1\n", "node real every every\n0 1 1 1\n", "models.tsv:1: two columns of one name"},
    {"0 1\n", "node,every\n0,\n", "models.tsv:2: the every is empty"},
    {"0 1\n", "0\t1\n5 1\n", "models.tsv:2: a blank where the first line of the file has a tab"},
    {"0 1\n", "0\t\n", "models.tsv:1: the real is empty"},
    {"0 1\n", "\t1\n", "models.tsv:1: the node is empty"},
    {"0 1\n",
     "\x7f"
     "ELF\x02\x01\n",
     "models.tsv:1: byte 0x02"},
    {"0 1\n2\n", "0 x\n", "feeds.tsv:2: 1 field"},
    {"", "", "feeds.tsv: no feeds and no nodes"},
};

static void bad_node_files(void **state) {
  (void)state;
  for (size_t k = 0; k < sizeof bad / sizeof *bad; k++) {
    const ouro_config config = with_nodes(bad[k].feeds, bad[k].nodes);
    assert_everywhere(fails_as(&config, OURO_EINPUT, bad[k].graph));
  }
  ouro_config config = with_nodes("0 1\n", "0 1\n");
  config.real.nodes = (char[]){"/no/such/models.tsv"};
  assert_everywhere(fails_as(&config, OURO_EIO, "/no/such/models.tsv: No such file"));
  config = with_nodes("0 1\n", "0 1\n7 1\n");
  config.graph.nodes = 3;
  assert_everywhere(fails_as(&config, OURO_EINPUT, "models.tsv:2: '7' is no node: ids are 0 to 2"));
}

/* A file large enough that every rank holds lines of it: order and duplicates across ranks. */
static void node_order_across_ranks(void **state) {
  (void)state;
  enum { N = 500 };
  char *text = calloc(N, 40), row[40], name[40], expected[80];
  for (int i = 0; i < N; i++) {
    snprintf(row, sizeof row, "model-%d\t%d\n", i * 77 % N, i + 2);
    strcat(text, row);
  }
  ouro_config config = with_nodes("model-3 extra\n", text);
  ouro_graph *graph = NULL;
  assert_ok(ouro_graph_open(MPI_COMM_WORLD, &config, &graph));
  int wrong = 0;
  for (ouro_lid k = 0; k < graph->n_owned; k++) {
    const int i = (int)graph->gid[k];
    snprintf(row, sizeof row, "model-%d", i * 77 % N);
    wrong += strcmp(ouro_graph_name(graph, k, name, sizeof name), i < N ? row : "extra") != 0;
    wrong += graph->real[k] != (i < N ? i + 2 : 0);
  }
  assert_everywhere(graph->n_nodes == N + 1);
  assert_everywhere(wrong == 0);
  ouro_graph_destroy(&graph);
  strcat(text, "model-5\nmodel-6\n");
  config = with_nodes("model-3 extra\n", text);
  int first = 0;
  while (first * 77 % N != 5) first++;
  snprintf(expected, sizeof expected, "models.tsv:%d: node model-5 is listed in line %d already", N + 1, first + 1);
  assert_everywhere(fails_as(&config, OURO_EINPUT, expected));
  free(text);
}

static void real_for_all_or_none(void **state) {
  (void)state;
  ouro_config config = with_nodes("0 1\n1 2\n", "");
  config.real.nodes = (char[]){"all"};
  assert_everywhere(opens_as(&config, "0(50)= 1(50)=0*100 2(50)=1*100"));
  config.real.nodes = (char[]){"none"};
  assert_everywhere(opens_as(&config, "0(0)= 1(0)=0*100 2(0)=1*100"));
  config.real.nodes = NULL;
  assert_everywhere(opens_as(&config, "0(0)= 1(0)=0*100 2(0)=1*100"));
}

static void roots(void **state) {
  (void)state;
  ouro_config config = with_nodes("0 1\n3 2\n2 2\n4 0\n", "4 8\n");
  assert_everywhere(opens_as(&config, "0(0)=4*100 1(0)=0*100 2(0)=2*100+3*100 3(0)= 4(8)="));
  config.graph.roots = OURO_ROOTS_REAL;
  assert_everywhere(opens_as(&config, "0(0)=4*100 1(0)=0*100 2(0)=2*100+3*100 3(50)= 4(8)="));
  config.graph.roots = OURO_ROOTS_SELF;
  assert_everywhere(opens_as(&config, "0(0)=4*100 1(0)=0*100 2(0)=2*100+3*100 3(0)=3*100 4(8)="));
  config.graph.roots = OURO_ROOTS_ERROR;
  assert_everywhere(fails_as(&config, OURO_EINPUT, "1 node has neither a feed nor real data, the first is 3"));
  config.real.nodes = NULL;
  config.graph.flip = true;
  assert_everywhere(fails_as(&config, OURO_EINPUT, "1 node has neither a feed nor real data, the first is 1"));
  config.graph.roots = OURO_ROOTS_SELF;
  assert_everywhere(opens_as(&config, "0(0)=1*100 1(0)=1*100 2(0)=2*100 3(0)=2*100 4(0)=0*100"));
}

/* fraction: the share of 4000 nodes lies within 4.5 standard deviations of it (false alarm 7e-6, seed fixed), one
 * node is picked whatever the number of ranks, another seed picks others. */
static void fraction(void **state) {
  (void)state;
  enum { N = 4000 };
  ouro_config_generate generate = {.kind = OURO_GRAPH_RING, .nodes = N, .seed = 1};
  ouro_config config = opening_config(NULL);
  config.graph.generate = &generate;
  config.real.fraction = 0.25;
  int picked[2][N] = {{0}};
  for (int seed = 0; seed < 2; seed++) {
    ouro_graph *graph = NULL, *alone = NULL;
    config.learning.seed = (uint64_t)seed + 5;
    assert_ok(ouro_graph_open(MPI_COMM_WORLD, &config, &graph));
    assert_ok(ouro_graph_open(MPI_COMM_SELF, &config, &alone));
    int same = 1, n = 0;
    for (ouro_lid i = 0; i < graph->n_owned; i++) same = same && graph->real[i] == alone->real[graph->gid[i]];
    for (int i = 0; i < N; i++) n += picked[seed][i] = alone->real[i] == 50;
    assert_everywhere(same);
    assert_everywhere(abs(n - N / 4) < 4.5 * 27.4); /* sqrt(4000 * 0.25 * 0.75) = 27.39 */
    ouro_graph_destroy(&graph);
    ouro_graph_destroy(&alone);
  }
  assert_everywhere(memcmp(picked[0], picked[1], sizeof picked[0]) != 0);
}

static void generated(void **state) {
  (void)state;
  char path[300];
  ouro_config_generate generate = {.kind = OURO_GRAPH_PATH, .nodes = 3, .seed = 1};
  ouro_config config = opening_config(NULL);
  config.graph.generate = &generate;
  assert_everywhere(opens_as(&config, "0(0)= 1(0)=0*100 2(0)=1*100"));
  config.real.nodes = test_file("n.tsv", "2 1\n", 4, path, sizeof path);
  assert_everywhere(opens_as(&config, "0(0)= 1(0)=0*100 2(50)=1*100"));
  test_file("n.tsv", "3 1\n", 4, path, sizeof path);
  assert_everywhere(fails_as(&config, OURO_EINPUT, "n.tsv:1: '3' is no node: ids are 0 to 2"));
  config.graph.generate = NULL;
  assert_everywhere(fails_as(&config, OURO_ECONFIG, "neither a file nor a generator"));
}

static void counts_that_overflow(void **state) {
  (void)state;
  ouro_config config = with_nodes("source target samples\n0 1 9000000000000000000\n2 1 300000000000000000\n", "");
  assert_everywhere(fails_as(&config, OURO_ELIMIT, "node 1"));
  config = with_nodes("source target samples\n0 1 9223372036854775806\n", "1 2\n");
  assert_everywhere(fails_as(&config, OURO_ELIMIT, "node 1: its training set"));
}

/* Published draws: one corpus a model, so one count and no duplicates; both lines are named. */
static void published_draws(void **state) {
  (void)state;
  static const char head[] = "source target samples\n";
  static const struct {
    const char *feeds, *message;
    bool flip;
  } cases[] = {{"a b 5\nb c 7\na c 5\n", NULL, false},
               {"a b 5\nb c 7\na c 6\n", "feeds.tsv:4: feeds of one model with different counts (see line 2)", false},
               {"a b 5\nb c 7\na b 5\n", "feeds.tsv:4: a feed that stands twice (see line 2)", false},
               {"a b 5\nb c 7\na b 6\n", "feeds.tsv:4: ", false},
               {"a b 5\nc b 7\n", NULL, false},
               {"a b 5\nc b 7\n", "feeds.tsv:3: feeds of one model with different counts (see line 2)", true},
               {"a b 5\na c 6\na b 5\n", "feeds.tsv:3: feeds of one model with different counts (see line 2)", false}};
  for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
    char text[200];
    snprintf(text, sizeof text, "%s%s", head, cases[k].feeds);
    ouro_config config = with_nodes(text, "");
    ouro_graph *graph = NULL;
    config.learning.draw = OURO_DRAW_PUBLISHED;
    config.graph.flip = cases[k].flip;
    if (cases[k].message) {
      assert_everywhere(fails_as(&config, OURO_EINPUT, cases[k].message));
      continue;
    }
    assert_ok(ouro_graph_open(MPI_COMM_WORLD, &config, &graph));
    ouro_graph_destroy(&graph);
  }
}

/* Every allocation of the last rank fails once: all ranks say so, nothing leaks, nothing hangs. */
static void short_of_memory(void **state) {
  (void)state;
  int rank, n_ranks;
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  MPI_Comm_size(MPI_COMM_WORLD, &n_ranks);
  ouro_config config = with_nodes("a b\nb c\nc a\n", "c 1\nb 0\n");
  int n_good = 0;
  for (int64_t n = 1; n_good < 1; n++) {
    ouro_graph *graph = NULL;
    if (rank == n_ranks - 1) ouro_memory_fail_at(n);
    const ouro_status status = ouro_graph_open(MPI_COMM_WORLD, &config, &graph);
    ouro_memory_fail_at(0);
    n_good += status == OURO_OK;
    int most = n_good;
    MPI_Allreduce(MPI_IN_PLACE, &most, 1, MPI_INT, MPI_MAX, MPI_COMM_WORLD);
    /* under the sanitizers the builder checks its graph, and finds it wrong for want of memory */
    assert_everywhere(most == n_good && (n_good || strstr(ouro_error_message(), "out of memory")));
    assert_everywhere(n_good == 0 || n > 20);
    ouro_graph_destroy(&graph);
  }
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(node_files),
    cmocka_unit_test(bad_node_files),
    cmocka_unit_test(node_order_across_ranks),
    cmocka_unit_test(real_for_all_or_none),
    cmocka_unit_test(roots),
    cmocka_unit_test(fraction),
    cmocka_unit_test(generated),
    cmocka_unit_test(counts_that_overflow),
    cmocka_unit_test(published_draws),
    cmocka_unit_test(short_of_memory),
};

TEST_MAIN(tests)
