/* Tables written with scattered owners read back as the formula that made them. ranks: 1 2 3 4 7 */

#include "../support/harness.h"

#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "sample.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* Every kind, every place of the node axis, empty and single rows, chunks cut by both ends, several slices. */
static const ouro_table_spec tables[] = {
    {"/empty/nodes", OURO_KIND_DOUBLE, 0, 1, {{"none", 0}}, 0, "1", "no rows at all"},
    {"/empty/slabs", OURO_KIND_INT32, 0, 2, {{"four", 4}, {"none", 0}}, 1, "1", "slabs without rows"},
    {"/empty/root", OURO_KIND_INT64, 0, 2, {{"none", 0}, {"four", 4}}, -1, "1", "no slabs"},
    {"/one", OURO_KIND_DOUBLE, 0, 1, {{"one", 1}}, 0, "1", "a single row"},
    {"/node/name", OURO_KIND_TEXT, 7, 1, {{"node", 1000}}, 0, "1", "names"},
    {"/node/flag", OURO_KIND_INT8, 0, 1, {{"node", 1000}}, 0, "1", "flags"},
    {"/node/count", OURO_KIND_INT64, 0, 1, {{"node", 1000}}, 0, "samples", "counts"},
    {"/node/vector", OURO_KIND_DOUBLE, 0, 2, {{"node", 1000}, {"p", 5}}, 0, "1", "vectors"},
    {"/node/matrix", OURO_KIND_INT32, 0, 3, {{"node", 1000}, {"p", 5}, {"four", 4}}, 0, "1", "matrices"},
    {"/trajectory/error", OURO_KIND_DOUBLE, 0, 2, {{"generation", 21}, {"node", 1000}}, 1, "1", "errors"},
    {"/trajectory/sd", OURO_KIND_DOUBLE, 0, 2, {{"generation", 21}, {"many", 70001}}, 1, "1", "several chunks"},
    {"/final", OURO_KIND_DOUBLE, 0, 3, {{"replicate", 9}, {"node", 1000}, {"p", 5}}, 1, "1", "parameters"},
    {"/late", OURO_KIND_INT32, 0, 3, {{"four", 4}, {"generation", 21}, {"node", 1000}}, 2, "1", "nodes last"},
    {"/later/long", OURO_KIND_INT64, 0, 3, {{"two", 2}, {"three", 3}, {"many", 70001}}, 2, "1", "nodes last, chunks"},
    {"/summary/mean", OURO_KIND_DOUBLE, 0, 2, {{"generation", 21}, {"class", 3}}, -1, "1", "summary"},
    {"/summary/total", OURO_KIND_INT64, 0, 1, {{"generation", 21}}, -1, "1", "one axis on rank 0"},
    {"/summary/cube", OURO_KIND_INT8, 0, 3, {{"class", 3}, {"p", 5}, {"four", 4}}, -1, "1", "three axes on rank 0"},
    {"/wide", OURO_KIND_DOUBLE, 0, 2, {{"three", 3}, {"broad", 300000}}, 0, "1", "rows above a chunk"},
    {"/long", OURO_KIND_DOUBLE, 0, 1, {{"long", 2200000}}, 0, "1", "more than a slice for each writer"},
};

/* OURO_TEST_DIE names the table before which all ranks are killed, the number of tables meaning before the commit. */
static void die_if_asked(size_t table) {
  const char *when = getenv("OURO_TEST_DIE");
  if (when && strtoul(when, NULL, 10) == table) raise(SIGKILL);
}

static ouro_status write_all(const char *path, int deflate) {
  ouro_status status = OURO_OK;
  ouro_store *store = NULL;
  static const int64_t kept[21] = {0, 1, 2, 3, 5, 8, 13, 21, 34, 55, 60, 70, 80, 90, 91, 92, 93, 94, 95, 96, 200};
  const ouro_table_spec axis = {
      NULL, OURO_KIND_INT64, 0, 1, {{"generation", 21}}, -1, "generation", "generations that were kept"};
  OURO_TRY(ouro_store_create(MPI_COMM_WORLD, path, true, &store));
  ouro_store_deflate(store, deflate);
  OURO_TRY(ouro_store_set_text(store, "/", "format", "ouro-test"));
  OURO_TRY(ouro_store_set_text(store, "/config", "yaml", "seed: 1\n"));
  OURO_TRY(ouro_store_axis(store, &axis, kept));
  for (size_t i = 0; i < COUNT(tables); i++) {
    die_if_asked(i);
    OURO_TRY(sample_write(store, &tables[i], (int)i % 2));
  }
  die_if_asked(COUNT(tables));
  OURO_TRY(ouro_store_commit(&store));
cleanup:
  ouro_store_discard(&store);
  return status;
}

/* OURO_TEST_KEEP names a file to be kept, for readers of other makes. */
static const char *result(char *path, size_t size) {
  const char *kept = getenv("OURO_TEST_KEEP");
  if (kept == NULL) return test_path("tables.h5", path, size);
  snprintf(path, size, "%s", kept);
  return path;
}

static void round_trip(int deflate) {
  char path[600], part[610];
  ouro_store *store = NULL;
  assert_ok(write_all(result(path, sizeof path), deflate));
  snprintf(part, sizeof part, "%s.part", path);
  assert_everywhere(access(path, R_OK) == 0 && access(part, F_OK) != 0);
  assert_ok(ouro_store_open(MPI_COMM_WORLD, path, "ouro-test", &store));
  for (size_t i = 0; i < COUNT(tables); i++) {
    int good = 0;
    assert_ok(sample_check(store, &tables[i], &good));
    if (!good) fprintf(stderr, "%s differs\n", tables[i].path);
    assert_everywhere(good);
  }
  ouro_store_discard(&store);
  assert_everywhere(store == NULL);
}

static void test_deflate(void **state) {
  (void)state;
  round_trip(4);
}

/* OURO_TEST_DEFLATE is the level of a file that is kept. */
static void test_round_trip(void **state) {
  (void)state;
  const char *level = getenv("OURO_TEST_DEFLATE");
  round_trip(level ? (int)strtol(level, NULL, 10) : 0);
}

static void test_shapes_and_texts(void **state) {
  (void)state;
  char path[600];
  ouro_store *store = NULL;
  assert_ok(ouro_store_open(MPI_COMM_WORLD, result(path, sizeof path), NULL, &store));
  for (size_t i = 0; i < COUNT(tables); i++) {
    ouro_table_shape shape;
    char *units = NULL, *description = NULL;
    assert_ok(ouro_store_shape(store, tables[i].path, &shape));
    assert_everywhere(shape.kind == tables[i].kind && shape.n_axes == tables[i].n_axes);
    assert_everywhere(shape.text_width == tables[i].text_width);
    for (int a = 0; a < shape.n_axes; a++) assert_everywhere(shape.length[a] == tables[i].axis[a].length);
    assert_ok(ouro_store_get_text(store, tables[i].path, "units", &units));
    assert_ok(ouro_store_get_text(store, tables[i].path, "description", &description));
    assert_everywhere(strcmp(units, tables[i].units) == 0 && strcmp(description, tables[i].description) == 0);
    free(units);
    free(description);
  }
  ouro_store_discard(&store);
}

static void test_list(void **state) {
  (void)state;
  char path[600], **paths = NULL;
  int n = 0;
  ouro_store *store = NULL;
  assert_ok(ouro_store_open(MPI_COMM_WORLD, result(path, sizeof path), NULL, &store));
  assert_ok(ouro_store_list(store, &paths, &n));
  assert_everywhere(n == (int)COUNT(tables));
  for (int i = 0; i < n; i++) {
    int found = 0;
    for (size_t t = 0; t < COUNT(tables); t++) found += strcmp(paths[i], tables[t].path) == 0;
    assert_everywhere(found == 1 && (i == 0 || strcmp(paths[i - 1], paths[i]) < 0));
  }
  free(paths);
  ouro_store_discard(&store);
}

static void test_axes(void **state) {
  (void)state;
  char path[600];
  ouro_store *store = NULL;
  int64_t node[1000], generation[21];
  assert_ok(ouro_store_open(MPI_COMM_WORLD, result(path, sizeof path), NULL, &store));
  assert_ok(ouro_store_read(store, "/axis/node", OURO_KIND_INT64, 0, 1000, node));
  int wrong = 0;
  for (int i = 0; i < 1000; i++) wrong += node[i] != i;
  assert_everywhere(wrong == 0);
  assert_ok(ouro_store_read(store, "/axis/generation", OURO_KIND_INT64, 0, 21, generation));
  assert_everywhere(generation[5] == 8 && generation[20] == 200);
  ouro_store_discard(&store);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_deflate), cmocka_unit_test(test_round_trip), cmocka_unit_test(test_shapes_and_texts),
    cmocka_unit_test(test_list),    cmocka_unit_test(test_axes),
};

TEST_MAIN(tests)
