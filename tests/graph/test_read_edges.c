/* Edge lists: what they may look like, and what is refused with which message. ranks: 1 2 3 4 7 */

#include "opening.h"

typedef struct good_case {
  const char *text, *graph, *columns;
} good_case;

static const good_case good[] = {
    {"0 1\n", "0(0)= 1(0)=0*100", NULL},
    {"0 1", "0(0)= 1(0)=0*100", NULL},
    {"0\t1\r\n1\t0\r\n", "0(0)=1*100 1(0)=0*100", NULL},
    {"0,1\n1 , 2\n", "0(0)= 1(0)=0*100 2(0)=1*100", NULL},
    {"\xef\xbb\xbf"
     "0 1\n",
     "0(0)= 1(0)=0*100", NULL},
    {"# comment\n\n% another\n   \n 3   5 \n\r\n#\n", "3(0)= 5(0)=3*100", NULL},
    {"7 7\n", "7(0)=7*100", NULL},
    {"10 9\n9 2\n2 10\n", "2(0)=9*100 9(0)=10*100 10(0)=2*100", NULL},
    {"-3 4\n", "-3(0)= 4(0)=-3*100", NULL},
    {"9223372036854775807 -9223372036854775808\n",
     "-9223372036854775808(0)=9223372036854775807*100 "
     "9223372036854775807(0)=",
     NULL},
    {"1000000000000 5\n5 1000000000001\n", "5(0)=1000000000000*100 1000000000000(0)= 1000000000001(0)=5*100", NULL},
    {"b a\na c\n", "a(0)=b*100 b(0)= c(0)=a*100", NULL},
    {"1 b\n10 1\n9 10\n", "1(0)=10*100 10(0)=9*100 9(0)= b(0)=1*100", NULL},
    {"source target samples\n0 1 7\n", "0(0)= 1(0)=0*7", NULL},
    {"source\ttarget\n0\t1\n", "0(0)= 1(0)=0*100", NULL},
    {"Source,Target,Type,Samples\n0,1,x,7\n0,2,,8\n", "0(0)= 1(0)=0*7 2(0)=0*8", NULL},
    {"# c\nyear\ttarget\tthrough\tsource\n2020\tGPT 4\tsome words, more\tClaude 2\n",
     "Claude 2(0)= GPT 4(0)=Claude 2*100", NULL},
    {"source,target\n\"a, b\",\"say \"\"x\"\"\"\n", "a, b(0)= say \"x\"(0)=a, b*100", NULL},
    {"0 1 7\n1 0 9\n", "0(0)=1*9 1(0)=0*7", "source target samples"},
    {"7 0 1\n", "0(0)=1*7 1(0)=", "samples,target,source"},
    {"0 xx 1 5\n", "0(0)= 1(0)=0*5", "source - target samples"},
    {"a 7 b\n", "a(0)= b(0)=a*100", "source - target"},
    {"source target other\n0 1 8\n", "0(0)= 1(0)=0*8", "source target samples"},
    {"0 1\n0 1\n0 1\n", "0(0)= 1(0)=0*300", NULL},
    {"\xc3\xa9 \xe6\xbc\xa2\n", "\xc3\xa9(0)= \xe6\xbc\xa2(0)=\xc3\xa9*100", NULL},
    {"007 8\n", "7(0)= 8(0)=7*100", NULL},
};

static void reads_what_is_right(void **state) {
  (void)state;
  char path[300];
  for (size_t k = 0; k < sizeof good / sizeof *good; k++) {
    test_file("good.txt", good[k].text, strlen(good[k].text), path, sizeof path);
    ouro_config config = opening_config(path);
    config.graph.columns = (char *)(uintptr_t)good[k].columns;
    assert_everywhere(opens_as(&config, good[k].graph));
  }
}

typedef struct bad_case {
  const char *text, *message, *columns;
} bad_case;

static const bad_case bad[] = {
    {"", "bad.txt: no feeds and no nodes", NULL},
    {"\n", "no feeds and no nodes", NULL},
    {"# nothing\n", "no feeds and no nodes", NULL},
    {"source target\n", "no feeds and no nodes", NULL},
    {"0", "bad.txt:1: 1 field where 2 are expected", NULL},
    {"0 1\n2\n", "bad.txt:2: 1 field where 2 are expected", NULL},
    {"0 1\n\n# x\n2 3 4\n", "bad.txt:4: 3 columns and no header line", NULL},
    {"0 1 1\n", "--columns 'source target samples'", NULL},
    {"0 1 1\n", "graph.columns", NULL},
    {"0 1\n1 99999999999999999999\n", "bad.txt:2: id 99999999999999999999 does not fit", NULL},
    {"a b\n1 9223372036854775808\n", "bad.txt:2: id 9223372036854775808 does not fit", NULL},
    {"0 1 0\n", "bad.txt:1: samples: '0' is not a positive whole number", "source target samples"},
    {"0 1 5\n0 1 -5\n", "bad.txt:2: samples: '-5'", "source target samples"},
    {"0 1 1.5\n", "samples: '1.5' is not a positive whole number", "source target samples"},
    {"0 1 nan\n", "samples: 'nan'", "source target samples"},
    {"0 1 1e3\n", "samples: '1e3'", "source target samples"},
    {"0 1 99999999999999999999\n", "samples: 99999999999999999999 does not fit", "source target samples"},
    {"0 1 -99999999999999999999\n", "samples: '-99999999999999999999' is not", "source target samples"},
    {"0 1\n", "bad.txt:1: 2 fields where 3 are expected", "source target samples"},
    {"0 1 2 3\n", "bad.txt:1: 4 fields where 3 are expected", "source target samples"},
    {"0 1\n", "graph.columns: 'weight' is no column", "source target weight"},
    {"0 1\n", "graph.columns: no column for the target", "source samples"},
    {"0 1\n", "graph.columns: source stands there twice", "source target source"},
    {"source target\n0 1\n2 3 4\n", "bad.txt:3: 3 fields where 2 are expected", NULL},
    {"source,target,samples\n0,1,\n", "bad.txt:2: the samples is empty", NULL},
    {"source\ttarget\n\t1\n", "bad.txt:2: the source is empty", NULL},
    {"source target source\n0 1 2\n", "bad.txt:1: two columns of one name", NULL},
    {"source,target\n\"a,b\n", "bad.txt:2: quotes", NULL},
    {"source,target\n\"a\"b,c\n", "bad.txt:2: quotes", NULL},
    {"0 1\n\xff\xfe x\n", "bad.txt:2: a name that is not UTF-8 text", NULL},
    {"0 1\n\x01\x02 3\n", "bad.txt:2: byte 0x01: not a text file", NULL},
};

static void refuses_what_is_wrong(void **state) {
  (void)state;
  char path[300];
  for (size_t k = 0; k < sizeof bad / sizeof *bad; k++) {
    test_file("bad.txt", bad[k].text, strlen(bad[k].text), path, sizeof path);
    ouro_config config = opening_config(path);
    config.graph.columns = (char *)(uintptr_t)bad[k].columns;
    const bool by_key = strncmp(bad[k].message, "graph.columns:", 14) == 0;
    assert_everywhere(fails_as(&config, by_key ? OURO_ECONFIG : OURO_EINPUT, bad[k].message));
  }
  test_file("nul.txt", "0 1\n0 \0 1\n", 10, path, sizeof path);
  ouro_config config = opening_config(path);
  assert_everywhere(fails_as(&config, OURO_EINPUT, "nul.txt:2: byte 0x00: not a text file"));
}

/* The earliest bad line is named whatever the byte ranges, and with it the line number of the whole file. */
static void names_the_earliest_line(void **state) {
  (void)state;
  char path[300], expected[64];
  for (int bad_line = 1; bad_line <= 40; bad_line += 3) {
    char text[2000] = "";
    for (int line = 1; line <= 40; line++) {
      char row[40];
      snprintf(row, sizeof row, line == bad_line || line == 40 ? "%d\n" : "%d %d\n", line, line * line);
      strcat(text, row);
    }
    test_file("line.txt", text, strlen(text), path, sizeof path);
    ouro_config config = opening_config(path);
    snprintf(expected, sizeof expected, "line.txt:%d: 1 field", bad_line);
    assert_everywhere(fails_as(&config, OURO_EINPUT, expected));
    text[0] = 'x'; /* a name in the first line: the same line is at fault */
    test_file("line.txt", text, strlen(text), path, sizeof path);
    assert_everywhere(fails_as(&config, OURO_EINPUT, expected));
  }
}

static void declared_ids(void **state) {
  (void)state;
  char path[300];
  test_file("declared.txt", "3 1\n", 4, path, sizeof path);
  ouro_config config = opening_config(path);
  config.graph.nodes = 5;
  assert_everywhere(opens_as(&config, "0(0)= 1(0)=3*100 2(0)= 3(0)= 4(0)="));
  config.graph.nodes = 3;
  assert_everywhere(fails_as(&config, OURO_EINPUT, "declared.txt:1: '3' is no node: ids are 0 to 2"));
  test_file("declared.txt", "1 2\n1 x\n", 8, path, sizeof path);
  assert_everywhere(fails_as(&config, OURO_EINPUT, "declared.txt:2: 'x' is no node: ids are 0 to 2"));
  test_file("declared.txt", "", 0, path, sizeof path);
  assert_everywhere(opens_as(&config, "0(0)= 1(0)= 2(0)="));
}

static void flips(void **state) {
  (void)state;
  char path[300];
  test_file("flip.txt", "0 1\n1 2\n", 8, path, sizeof path);
  ouro_config config = opening_config(path);
  config.graph.flip = true;
  assert_everywhere(opens_as(&config, "0(0)=1*100 1(0)=2*100 2(0)="));
}

/* A line longer than any buffer, by blanks and by a name. */
static void long_lines(void **state) {
  (void)state;
  char path[300];
  const size_t n = (size_t)3 << 20;
  char *text = malloc(n + 100);
  memset(text, ' ', n);
  memcpy(text, "0 1\n2", 5);
  strcpy(text + n, "3\n4 5\n");
  test_file("long.txt", text, strlen(text), path, sizeof path);
  ouro_config config = opening_config(path);
  assert_everywhere(opens_as(&config, "0(0)= 1(0)=0*100 2(0)= 3(0)=2*100 4(0)= 5(0)=4*100"));
  memset(text + 10, 'x', n - 10);
  test_file("long.txt", text, strlen(text), path, sizeof path);
  assert_everywhere(fails_as(&config, OURO_EINPUT, "long.txt:2: a name of"));
  free(text);
}

static void files_that_are_none(void **state) {
  (void)state;
  ouro_config config = opening_config("/no/such/file.txt");
  assert_everywhere(fails_as(&config, OURO_EIO, "/no/such/file.txt: No such file or directory"));
  config.graph.file = (char[]){"/tmp"};
  assert_everywhere(fails_as(&config, OURO_EIO, "/tmp: Is a directory"));
  config.graph.file = (char[]){"/dev/null"};
  assert_everywhere(fails_as(&config, OURO_EIO, "/dev/null: not a regular file"));
}

/* Many names, against the order of strcmp(). */
static void many_names(void **state) {
  (void)state;
  enum { N = 3000 };
  char path[300], *text = NULL;
  size_t size;
  FILE *out = open_memstream(&text, &size);
  for (int i = 0; i < N; i++) fprintf(out, "m%dx m%dx\n", i * 7919 % N, (i * 7919 + 1) % N);
  fclose(out);
  test_file("many.txt", text, size, path, sizeof path);
  free(text);
  ouro_config config = opening_config(path);
  ouro_graph *graph = NULL;
  assert_ok(ouro_graph_open(MPI_COMM_WORLD, &config, &graph));
  assert_everywhere(graph->n_nodes == N && graph->n_feeds == N && graph->named && ouro_graph_is_valid(graph));
  char before[64] = "", now[64], next[64];
  int wrong = 0;
  for (ouro_gid i = 0; i < N; i += 7) {
    ouro_graph_name_of(graph, i, now, sizeof now);
    wrong += strcmp(before, now) >= 0;
    strcpy(before, now);
  }
  for (ouro_lid i = 0; i < graph->n_owned; i++) { /* each model m is fed by the one before it */
    int me, source;
    ouro_graph_name(graph, i, now, sizeof now);
    sscanf(now, "m%dx", &me);
    if (graph->row[i + 1] - graph->row[i] != 1 || graph->source[graph->row[i]] >= graph->n_owned) continue;
    ouro_graph_name(graph, graph->source[graph->row[i]], next, sizeof next);
    sscanf(next, "m%dx", &source);
    wrong += me != (source + 1) % N;
  }
  assert_everywhere(wrong == 0);
  ouro_graph_destroy(&graph);
}

static void published_graphs(void **state) {
  (void)state;
  static const struct {
    const char *name;
    int64_t nodes, feeds, loops;
  } known[] = {{"email-Eu-core.txt", 1005, 25571, 642},
               {"p2p-Gnutella08.txt", 6301, 20777, 0},
               {"llm-feeds.tsv", 60, 58, 9},
               {"ecosystem-graphs.csv", 730, 815, 1},
               {"ecosystem-graphs-models.csv", 190, 221, 1}};
  if (test_data() == NULL) {
    printf("skipped: no larger real graphs on this machine\n");
    skip();
  }
  for (size_t k = 0; k < sizeof known / sizeof *known; k++) {
    char path[600];
    snprintf(path, sizeof path, "%s/%s", test_data(), known[k].name);
    ouro_config config = opening_config(path);
    ouro_graph *graph = NULL;
    assert_ok(ouro_graph_open(MPI_COMM_WORLD, &config, &graph));
    int64_t loops = 0;
    for (ouro_lid i = 0; i < graph->n_owned; i++) {
      for (ouro_eid e = graph->row[i]; e < graph->row[i + 1]; e++) loops += graph->source[e] == i;
    }
    MPI_Allreduce(MPI_IN_PLACE, &loops, 1, MPI_INT64_T, MPI_SUM, MPI_COMM_WORLD);
    assert_everywhere(graph->n_nodes == known[k].nodes);
    assert_everywhere(graph->n_feeds == known[k].feeds);
    assert_everywhere(loops == known[k].loops);
    ouro_graph_destroy(&graph);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(reads_what_is_right),
      cmocka_unit_test(refuses_what_is_wrong),
      cmocka_unit_test(names_the_earliest_line),
      cmocka_unit_test(declared_ids),
      cmocka_unit_test(flips),
      cmocka_unit_test(long_lines),
      cmocka_unit_test(files_that_are_none),
      cmocka_unit_test(many_names),
      cmocka_unit_test(published_graphs),
  };
  return test_main(__FILE__, tests, sizeof tests / sizeof *tests);
}
