/* METIS graphs: what is read and what is refused. ranks: 1 2 3 4 7 */

#include "opening.h"

typedef struct metis_case {
  const char *text, *expected;
} metis_case;

static const metis_case good[] = {
    {"2 1\n2\n1\n", "1(0)=2*100 2(0)=1*100"},
    {"% c\n\n3 2\n2\n1 3\n% between\n2", "1(0)=2*100 2(0)=1*100+3*100 3(0)=2*100"},
    {"3 1 1\n\n3 7\n2 7\n", "1(0)= 2(0)=3*7 3(0)=2*7"},
    {"2 1 011 2\r\n5 6 2 7\r\n5 6 1 7\r\n", "1(0)=2*7 2(0)=1*7"},
    {"2 1 100\n9 2\n9 1\n\n\n", "1(0)=2*100 2(0)=1*100"},
    {"1 0\n\n", "1(0)="},
    {"2 1 10\n9 2\n9 1\n", "1(0)=2*100 2(0)=1*100"},
};

static const metis_case bad[] = {
    {"", "bad.graph:1: a METIS graph begins with a line 'nodes edges"},
    {"% c\n", "bad.graph:1: a METIS graph begins with a line 'nodes edges"},
    {"x y\n", "bad.graph:1: 'x' is no whole number"},
    {"2\n", "bad.graph:1: a METIS graph begins"},
    {"2 1 1 1 1\n", "bad.graph:1: a METIS graph begins"},
    {"0 0\n", "bad.graph:1: a graph of no nodes"},
    {"2 1 2\n", "bad.graph:1: fmt is three digits"},
    {"2 1\n2\n", "bad.graph:1: 2 nodes announced, 1 lines found"},
    {"2 1\n2\n1\n1\n", "bad.graph:4: more lines than the 2 nodes"},
    {"2 1\n2\n\n", "bad.graph:1: 1 edges announced, so 2 neighbours, but 1 found"},
    {"2 5\n2\n1\n", "bad.graph:1: 5 edges announced, so 10 neighbours, but 2 found"},
    {"3 1\n2\n3\n\n", "bad.graph: not symmetric"},
    {"2 1 1\n2 5\n1 6\n", "bad.graph: not symmetric"},
    {"2 1\n3\n1\n", "bad.graph:2: '3' is no node: ids are 1 to 2"},
    {"2 1\n0\n1\n", "bad.graph:2: '0' is no node: ids are 1 to 2"},
    {"2 1\n1\n1\n", "bad.graph:2: node 1 is its own neighbour"},
    {"2 1\n2\nx\n", "bad.graph:3: 'x' is no whole number"},
    {"2 1\n2\n-1\n", "bad.graph:3: '-1' is no whole number"},
    {"2 1\n2\n1.5\n", "bad.graph:3: '1.5' is no whole number"},
    {"2 1\n2\n9999999999999999999999\n", "bad.graph:3: '9999999999999999999999' is no whole number"},
    {"2 1 1\n2\n1 5\n", "bad.graph:2: a neighbour without a weight"},
    {"2 1 1\n2 0\n1 0\n", "bad.graph:2: weight: '0' is not a positive whole number"},
    {"2 1 10\n\n1 1\n", "bad.graph:2: no vertex weights"},
    {"2 1\n2\n\x01\n", "bad.graph:3: '?' is no whole number"},
};

static void metis(void **state) {
  (void)state;
  char path[300];
  for (size_t k = 0; k < sizeof good / sizeof *good; k++) {
    test_file("good.graph", good[k].text, strlen(good[k].text), path, sizeof path);
    const ouro_config config = opening_config(path);
    assert_everywhere(opens_as(&config, good[k].expected));
  }
}

static void bad_metis(void **state) {
  (void)state;
  char path[300];
  for (size_t k = 0; k < sizeof bad / sizeof *bad; k++) {
    test_file("bad.graph", bad[k].text, strlen(bad[k].text), path, sizeof path);
    const ouro_config config = opening_config(path);
    assert_everywhere(fails_as(&config, OURO_EINPUT, bad[k].expected));
  }
  test_file("nul.graph", "2 1\n2\n\0 1\n", 10, path, sizeof path);
  const ouro_config config = opening_config(path);
  assert_everywhere(fails_as(&config, OURO_EINPUT, "nul.graph:3: '?' is no whole number"));
}

static const struct CMUnitTest tests[] = {cmocka_unit_test(metis), cmocka_unit_test(bad_metis)};

TEST_MAIN(tests)
