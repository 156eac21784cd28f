/* Dense ids: numbering over ranks against sorting on one. ranks: 1 2 3 4 7 */

#include "../support/harness.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "graph/read.h"
#include "ouro/graph/build.h"

enum { N = 400 }; /* ids of all ranks */

static int by_value(const void *left, const void *right) {
  const int64_t a = *(const int64_t *)left, b = *(const int64_t *)right;
  return (a > b) - (a < b);
}

/* Distinct values, ascending. Returns how many. */
static int distinct(int64_t *value, int n) {
  int kept = 0;
  qsort(value, (size_t)n, sizeof *value, by_value);
  for (int i = 0; i < n; i++) {
    if (kept == 0 || value[kept - 1] != value[i]) value[kept++] = value[i];
  }
  return kept;
}

static int64_t index_of(const int64_t *value, int n, int64_t wanted) {
  const int64_t *found = bsearch(&wanted, value, (size_t)n, sizeof wanted, by_value);
  return found ? found - value : -1;
}

/* Ids spread over `span` from `low`: narrow ones go by bitmap, wide ones by sorting. */
static void integers_of(int64_t low, uint64_t span) {
  int64_t all[N], mine[3][N], given[3][N], n[3] = {0, 0, 0}, *const list[3] = {mine[0], mine[1], mine[2]};
  int rank, n_ranks;
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  MPI_Comm_size(MPI_COMM_WORLD, &n_ranks);
  uint64_t x = span;
  for (int i = 0; i < N; i++) {
    x = x * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    all[i] = (int64_t)((uint64_t)low + (x >> 1) % span);
    if (i % 5 == 1) all[i] = all[i - 1];
    if (i * 7 % n_ranks != rank) continue;
    const int k = i % 3;
    mine[k][n[k]] = given[k][n[k]] = all[i];
    n[k]++;
  }
  const int n_distinct = distinct(all, N);
  ouro_gid n_nodes = 0;
  uint64_t *key = NULL;
  assert_ok(ouro_integers_number(MPI_COMM_WORLD, list, n, &n_nodes, &key));
  int wrong = 0;
  for (int k = 0; k < 3; k++) {
    for (int i = 0; i < n[k]; i++) wrong += mine[k][i] != index_of(all, n_distinct, given[k][i]);
  }
  const ouro_gid first = ouro_graph_block_first(n_distinct, n_ranks, rank);
  const ouro_gid last = ouro_graph_block_first(n_distinct, n_ranks, rank + 1);
  assert_everywhere(n_nodes == n_distinct && key);
  for (ouro_gid i = first; i < last; i++) wrong += ouro_key_integer(key[i - first]) != all[i];
  assert_everywhere(wrong == 0);
  free(key);
}

static void integers(void **state) {
  (void)state;
  const uint64_t spans[] = {1, 2, 64, 65, 1000, 1 << 20, (1 << 23) + 1, UINT64_C(1) << 40, UINT64_C(1) << 62};
  for (size_t k = 0; k < sizeof spans / sizeof *spans; k++) {
    integers_of(0, spans[k]);
    integers_of(-(int64_t)(spans[k] / 2), spans[k]);
    integers_of(INT64_MIN, spans[k]);
    integers_of(INT64_MAX - (int64_t)(spans[k] - 1), spans[k]);
  }
}

static void no_integers(void **state) {
  (void)state;
  int64_t none[1], *const list[3] = {none, none, none};
  const int64_t n[3] = {0, 0, 0};
  ouro_gid n_nodes = -1;
  uint64_t *key = NULL;
  assert_ok(ouro_integers_number(MPI_COMM_WORLD, list, n, &n_nodes, &key));
  assert_everywhere(n_nodes == 0);
  free(key);
}

static void a_dictionary(void **state) {
  (void)state;
  ouro_names names = {0};
  char name[32];
  int wrong = 0;
  int64_t number = 0;
  for (int pass = 0; pass < 2; pass++) {
    for (int i = 0; i < 5000; i++) {
      const int length = snprintf(name, sizeof name, "n%d", i * 3);
      wrong += ouro_names_add(&names, name, (size_t)length, &number) != OURO_OK || number != i;
    }
  }
  assert_everywhere(wrong == 0 && names.n == 5000);
  ouro_names_clear(&names);
}

/* Names with places come first, in their order; the rest by bytes; a prefix before what it begins. */
static void places_and_bytes(void **state) {
  (void)state;
  static const char *const text[] = {"b", "a", "abcdefgh", "abcdefghi", "\xc3\xa9", "Z", "", "abcdefg"};
  static const int64_t place[] = {-1, 1, -1, -1, -1, 0, -1, -1}, expected[] = {6, 1, 4, 5, 7, 0, 2, 3};
  enum { n = 8 };
  ouro_names names = {0};
  ouro_keys keys = {0};
  ouro_gid id[n], n_nodes = 0;
  int64_t number[n];
  int wrong = 0, n_ranks, rank;
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  MPI_Comm_size(MPI_COMM_WORLD, &n_ranks);
  for (int i = 0; i < n; i++) { /* every name on one rank or two */
    number[i] = -1;
    if (i % n_ranks == rank || (i + 1) % n_ranks == rank) {
      wrong += ouro_names_add(&names, text[i], strlen(text[i]), &number[i]) != OURO_OK;
    }
  }
  assert_ok(ouro_keys_of_names(MPI_COMM_WORLD, &names, &keys));
  for (int i = 0; i < n; i++) {
    if (i % n_ranks == rank) keys.position[number[i]] = place[i];
  }
  assert_ok(ouro_keys_number(MPI_COMM_WORLD, &keys, id, &n_nodes));
  for (int i = 0; i < n; i++) wrong += number[i] >= 0 && id[number[i]] != expected[i];
  assert_everywhere(n_nodes == n);
  assert_everywhere(wrong == 0);
  ouro_names_clear(&names);
  ouro_keys_clear(&keys);
}

static const struct CMUnitTest tests[] = {cmocka_unit_test(integers), cmocka_unit_test(no_integers),
                                          cmocka_unit_test(a_dictionary), cmocka_unit_test(places_and_bytes)};

TEST_MAIN(tests)
