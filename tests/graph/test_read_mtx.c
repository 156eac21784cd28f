/* Matrix Market files: what is read and what is refused. ranks: 1 2 3 4 7 */

#include "opening.h"

#define HEAD "%%MatrixMarket matrix coordinate "

typedef struct mtx_case {
  const char *text, *expected;
} mtx_case;

static const mtx_case good[] = {
    {HEAD "pattern general\n2 2 1\n1 2\n", "1(0)= 2(0)=1*100"},
    {HEAD "integer general\n% c\n%\n\n3 3 2\n3 1 5\n1 1 6\n", "1(0)=1*6+3*5 2(0)= 3(0)="},
    {HEAD "real general\n2 2 2\n1 2 5.0\n2 1 1e2\n", "1(0)=2*100 2(0)=1*5"},
    {HEAD "integer symmetric\n3 3 3\n2 1 5\n3 3 6\n3 2 7", "1(0)=2*5 2(0)=1*5+3*7 3(0)=2*7+3*6"},
    {"%%matrixmarket MATRIX Coordinate Integer General\r\n1 1 1\r\n1 1 4\r\n", "1(0)=1*4"},
    {HEAD "pattern general\n2 2 0\n", "1(0)= 2(0)="},
    {HEAD "pattern general\n2 2 2\n1 2\n1 2\n", "1(0)= 2(0)=1*200"},
};

static const mtx_case bad[] = {
    {"", "bad.mtx:1: the file ends before the line with the sizes"},
    {"0 1\n", "bad.mtx:1: a Matrix Market file of a graph begins with '%%MatrixMarket matrix coordinate"},
    {"%%MatrixMarket matrix array real general\n2 2\n", "bad.mtx:1: a Matrix Market file of a graph"},
    {HEAD "complex general\n", "bad.mtx:1: a Matrix Market file of a graph"},
    {HEAD "integer skew-symmetric\n", "bad.mtx:1: a Matrix Market file of a graph"},
    {HEAD "integer\n2 2 1\n", "bad.mtx:1: a Matrix Market file of a graph"},
    {HEAD "integer general x\n2 2 1\n", "bad.mtx"},
    {HEAD "integer general\n", "bad.mtx:1: the file ends before the line with the sizes"},
    {HEAD "integer general\n2 2\n", "bad.mtx:2: 2 fields where 3 are expected"},
    {HEAD "integer general\n2 x 1\n", "bad.mtx:2: number of columns: 'x'"},
    {HEAD "integer general\n0 0 0\n", "bad.mtx:2: number of rows: '0' is not a positive whole number"},
    {HEAD "integer general\n2 2 -1\n", "bad.mtx:2: number of entries: '-1'"},
    {HEAD "integer general\n2 3 1\n1 1 1\n", "bad.mtx:2: a graph needs a square matrix"},
    {HEAD "integer general\n2 2 99999999999999999999\n", "bad.mtx:2: number of entries"},
    {HEAD "integer general\n2 2 1\n", "bad.mtx:2: 1 entries announced, 0 found"},
    {HEAD "integer general\n2 2 1\n1 2 1\n2 1 1\n", "bad.mtx:2: 1 entries announced, 2 found"},
    {HEAD "integer general\n2 2 1\n0 1 1\n", "bad.mtx:3: '0' is no node: ids are 1 to 2"},
    {HEAD "integer general\n2 2 2\n1 1 1\n1 3 1\n", "bad.mtx:4: '3' is no node: ids are 1 to 2"},
    {HEAD "integer general\n2 2 1\n1 x 1\n", "bad.mtx:3: 'x' is no node"},
    {HEAD "integer general\n2 2 1\n1 2\n", "bad.mtx:3: 2 fields where 3 are expected"},
    {HEAD "pattern general\n2 2 1\n1 2 3\n", "bad.mtx:3: 3 fields where 2 are expected"},
    {HEAD "integer general\n2 2 1\n1 2 0\n", "bad.mtx:3: samples: '0'"},
    {HEAD "integer general\n2 2 1\n1 2 1.0\n", "bad.mtx:3: samples: '1.0'"},
    {HEAD "real general\n2 2 1\n1 2 1.5\n", "bad.mtx:3: samples: '1.5'"},
    {HEAD "real general\n2 2 1\n1 2 nan\n", "bad.mtx:3: samples: 'nan'"},
    {HEAD "real general\n2 2 1\n1 2 inf\n", "bad.mtx:3: samples: 'inf'"},
    {HEAD "real general\n2 2 1\n1 2 1e300\n", "bad.mtx:3: samples: '1e300'"},
    {HEAD "real general\n2 2 1\n1 2 -1\n", "bad.mtx:3: samples: '-1'"},
    {HEAD "integer general\n2 2 1\n1 2 99999999999999999999\n",
     "bad.mtx:3: samples: 99999999999999999999 does not fit"},
};

static void matrix_market(void **state) {
  (void)state;
  char path[300];
  for (size_t k = 0; k < sizeof good / sizeof *good; k++) {
    test_file("good.mtx", good[k].text, strlen(good[k].text), path, sizeof path);
    const ouro_config config = opening_config(path);
    assert_everywhere(opens_as(&config, good[k].expected));
  }
}

static void bad_matrix_market(void **state) {
  (void)state;
  char path[300];
  for (size_t k = 0; k < sizeof bad / sizeof *bad; k++) {
    test_file("bad.mtx", bad[k].text, strlen(bad[k].text), path, sizeof path);
    const ouro_config config = opening_config(path);
    assert_everywhere(fails_as(&config, OURO_EINPUT, bad[k].expected));
  }
}

static void more_nodes_than_memory(void **state) {
  (void)state;
  char path[300];
  const char text[] = HEAD "pattern general\n4000000000000000000 4000000000000000000 1\n1 2\n";
  test_file("huge.mtx", text, strlen(text), path, sizeof path);
  const ouro_config config = opening_config(path);
  assert_everywhere(fails_as(&config, OURO_ELIMIT, "huge.mtx: 4000000000000000000 nodes need more than the"));
}

static void keys_and_node_files(void **state) {
  (void)state;
  char path[300], nodes[300];
  const char text[] = HEAD "pattern general\n2 2 1\n1 2\n";
  test_file("keys.mtx", text, strlen(text), path, sizeof path);
  ouro_config config = opening_config(path);
  config.graph.nodes = 2;
  assert_everywhere(fails_as(&config, OURO_ECONFIG, "graph.nodes: .mtx files"));
  config.graph.nodes = 0;
  config.graph.columns = (char[]){"source target"};
  assert_everywhere(fails_as(&config, OURO_ECONFIG, "graph.columns: .mtx files"));
  config.graph.columns = NULL;
  config.real.nodes = test_file("mtx.tsv", "2 7\n", 4, nodes, sizeof nodes);
  assert_everywhere(opens_as(&config, "1(0)= 2(7)=1*100"));
  test_file("mtx.tsv", "0 7\n", 4, nodes, sizeof nodes);
  assert_everywhere(fails_as(&config, OURO_EINPUT, "mtx.tsv:1: '0' is no node: ids are 1 to 2"));
}

static const struct CMUnitTest tests[] = {cmocka_unit_test(matrix_market), cmocka_unit_test(bad_matrix_market),
                                          cmocka_unit_test(keys_and_node_files),
                                          cmocka_unit_test(more_nodes_than_memory)};

TEST_MAIN(tests)
