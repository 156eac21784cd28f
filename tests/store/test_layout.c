/* Layouts: rows with two owners, none, or out of range are found; runs and chunk shapes. ranks: 1 2 3 4 7 */

#include "../support/harness.h"

#include "sample.h"
#include "store/private.h"

#define NONE INT64_MIN

static int rank_of_world(void) {
  int rank;
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  return rank;
}

/* Everything in order on all ranks, but rank 0 hands in one row more, or one less. */
static ouro_status spoilt(int64_t n_global, int64_t more, int64_t less, const char *text) {
  sample_rows rows = sample_scatter(n_global, 1);
  ouro_layout *layout = NULL;
  if (rank_of_world() == 0 && more != NONE) {
    rows.gid = realloc(rows.gid, (size_t)(rows.n + 1) * sizeof *rows.gid);
    rows.gid[rows.n++] = more;
  }
  for (int64_t i = 0; i < rows.n; i++) {
    if (rows.gid[i] == less) rows.gid[i] = rows.gid[--rows.n];
  }
  const ouro_status status = ouro_layout_create(MPI_COMM_WORLD, n_global, rows.n, rows.gid, &layout);
  const int good = status == OURO_OK ? layout != NULL : layout == NULL && strstr(ouro_error_message(), text) != NULL;
  ouro_layout_destroy(&layout);
  free(rows.gid);
  return good ? status : OURO_EUSAGE;
}

static void test_owners(void **state) {
  (void)state;
  for (int64_t n = 1; n <= 200; n = n * 3 + 1) {
    assert_everywhere(spoilt(n, NONE, NONE, "") == OURO_OK);
    assert_everywhere(spoilt(n, n - 1, NONE, "has two owners") == OURO_EINTERNAL);
    assert_everywhere(spoilt(n, 0, NONE, "row 0 has two owners") == OURO_EINTERNAL);
    assert_everywhere(spoilt(n, NONE, n / 2, "has no owner") == OURO_EINTERNAL);
    assert_everywhere(spoilt(n, n, NONE, "is not one of") == OURO_EINTERNAL);
    assert_everywhere(spoilt(n, -1, NONE, "row -1 is not one of") == OURO_EINTERNAL);
  }
}

static void test_empty(void **state) {
  (void)state;
  ouro_layout *layout = NULL;
  assert_ok(ouro_layout_create(MPI_COMM_WORLD, 0, 0, NULL, &layout));
  assert_everywhere(layout != NULL);
  ouro_layout_destroy(&layout);
  assert_everywhere(layout == NULL);
  ouro_layout_destroy(&layout);
}

/* The position of a row against counting. */
static void test_positions(void **state) {
  (void)state;
  static const ouro_run runs[] = {{3, 2, 0}, {5, 1, 2}, {9, 4, 3}};
  int wrong = 0;
  for (int64_t row = 0; row < 20; row++) {
    int64_t before = 0;
    for (int r = 0; r < 3; r++) {
      for (int64_t i = 0; i < runs[r].length; i++) before += runs[r].first + i < row;
    }
    wrong += ouro_run_position(runs, 3, row) != before;
  }
  assert_everywhere(wrong == 0 && ouro_run_position(runs, 0, 5) == 0);
}

/* Chunks are near 256 KiB where the table allows it, cover what they must, and blocks are cut between chunks. */
static void test_tilings(void **state) {
  (void)state;
  static const int64_t rows[] = {1, 7, 60, 1000, 70001, 1000000, 50000000};
  static const int64_t planes[] = {1, 3, 101, 100000};
  static const size_t bytes[] = {1, 8, 40, 3000000};
  int wrong = 0;
  for (int i = 0; i < 7 * 4 * 4; i++) {
    ouro_tiling t = {planes[i / 4 % 4], planes[i / 4 % 4], rows[i / 16], bytes[i % 4], 0, 0};
    wrong += ouro_tiling_choose(&t, "/t") != OURO_OK;
    const int64_t chunk = t.chunk_planes * t.chunk_rows * (int64_t)t.row_bytes;
    wrong += t.chunk_planes < 1 || t.chunk_rows < 1 || t.chunk_planes > t.planes || t.chunk_rows > t.rows;
    wrong += chunk > (1 << 18) && (t.chunk_rows > 1 || t.chunk_planes > 1) && (int64_t)t.row_bytes < (1 << 18);
    wrong += chunk < (1 << 16) && (t.chunk_rows < t.rows || t.chunk_planes < t.planes);
    for (int n_ranks = 1; n_ranks < 20; n_ranks += 6) {
      ouro_blocks blocks = {0, NULL};
      wrong += ouro_tiling_blocks(&t, n_ranks, &blocks) != OURO_OK || blocks.n_blocks > n_ranks;
      wrong += blocks.bound[0] != 0 || blocks.bound[blocks.n_blocks] != t.rows;
      for (int b = 0; b < blocks.n_blocks; b++) {
        wrong += blocks.bound[b] >= blocks.bound[b + 1] || blocks.bound[b] % t.chunk_rows != 0;
      }
      free(blocks.bound);
    }
  }
  assert_everywhere(wrong == 0);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_owners),
    cmocka_unit_test(test_empty),
    cmocka_unit_test(test_positions),
    cmocka_unit_test(test_tilings),
};

TEST_MAIN(tests)
