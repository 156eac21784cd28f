/* What may go wrong with a file: same status on all ranks, no hang, the result of before intact, nothing left lying
 * about. ranks: 1 2 3 7 */

#include "../support/harness.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sample.h"

static const ouro_table_spec small = {
    "/trajectory/error", OURO_KIND_DOUBLE, 0, 2, {{"generation", 3}, {"node", 50}}, 1, "1", "errors"};

static int rank_of_world(void) {
  int rank;
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  return rank;
}

/* Whether all ranks have the same status and the same message, which names the given text. */
static int refused(ouro_status status, ouro_status wanted, const char *text) {
  char message[1024] = "";
  snprintf(message, sizeof message, "%s", ouro_error_message());
  MPI_Bcast(message, sizeof message, MPI_CHAR, 0, MPI_COMM_WORLD);
  const int good = status == wanted && strcmp(message, ouro_error_message()) == 0 && strstr(message, text) != NULL;
  if (!good)
    fprintf(stderr, "status %d, message '%s', expected %d and '%s'\n", (int)status, message, (int)wanted, text);
  return good;
}

static int deflate; /* of what write_small() writes */

static ouro_status write_small(const char *path, bool replace, const char *mark) {
  ouro_status status = OURO_OK;
  ouro_store *store = NULL;
  OURO_TRY(ouro_store_create(MPI_COMM_WORLD, path, replace, &store));
  ouro_store_deflate(store, deflate);
  OURO_TRY(ouro_store_set_text(store, "/", "format", mark));
  OURO_TRY(sample_write(store, &small, 1));
  OURO_TRY(ouro_store_commit(&store));
cleanup:
  ouro_store_discard(&store);
  return status;
}

static int has_mark(const char *path, const char *mark) {
  ouro_store *store = NULL;
  int good = 0;
  if (ouro_store_open(MPI_COMM_WORLD, path, mark, &store) != OURO_OK) return 0;
  const ouro_status status = sample_check(store, &small, &good);
  ouro_store_discard(&store);
  return status == OURO_OK && good;
}

static int exists(const char *path, const char *ending) {
  char full[700];
  snprintf(full, sizeof full, "%s%s", path, ending);
  return access(full, F_OK) == 0;
}

static void test_create_refuses(void **state) {
  (void)state;
  char path[600], below[700], directory[600];
  ouro_store *store = NULL;
  test_file("plain", "x", 1, path, sizeof path);
  assert_everywhere(refused(ouro_store_create(MPI_COMM_WORLD, path, false, &store), OURO_EIO, path) && store == NULL);
  assert_everywhere(!exists(path, ".part"));
  snprintf(below, sizeof below, "%s/run.h5", path);
  assert_everywhere(refused(ouro_store_create(MPI_COMM_WORLD, below, true, &store), OURO_EIO, below));
  assert_everywhere(
      refused(ouro_store_create(MPI_COMM_WORLD, "/proc/none/run.h5", true, &store), OURO_EIO, "/proc/none"));
  snprintf(directory, sizeof directory, "%s", path);
  *strrchr(directory, '/') = '\0';
  assert_everywhere(refused(ouro_store_create(MPI_COMM_WORLD, directory, true, &store), OURO_EIO, directory));
  assert_everywhere(!exists(directory, ".part"));
}

/* A leftover of a dead run is overwritten, the file of a living one is not. */
static void test_temporary_file(void **state) {
  (void)state;
  char path[600], part[600];
  ouro_store *first = NULL, *second = NULL;
  test_file("lease.h5.part", "left over", 9, part, sizeof part);
  test_path("lease.h5", path, sizeof path);
  assert_ok(ouro_store_create(MPI_COMM_WORLD, path, true, &first));
  assert_everywhere(refused(ouro_store_create(MPI_COMM_WORLD, path, true, &second), OURO_EIO, "another run"));
  assert_everywhere(second == NULL && exists(path, ".part"));
  assert_ok(ouro_store_commit(&first));
  assert_everywhere(first == NULL && exists(path, "") && !exists(path, ".part"));
}

static void test_replace(void **state) {
  (void)state;
  char path[600];
  ouro_store *store = NULL;
  test_path("replace.h5", path, sizeof path);
  assert_ok(write_small(path, false, "one"));
  assert_everywhere(refused(write_small(path, false, "two"), OURO_EIO, "exists already"));
  assert_everywhere(has_mark(path, "one"));
  assert_ok(write_small(path, true, "two"));
  assert_everywhere(has_mark(path, "two") && !exists(path, ".part"));
  test_path("late.h5", path, sizeof path); /* it comes into being while ours is written */
  assert_ok(ouro_store_create(MPI_COMM_WORLD, path, false, &store));
  test_file("late.h5", "x", 1, path, sizeof path);
  assert_everywhere(refused(ouro_store_commit(&store), OURO_EIO, "exists"));
  assert_everywhere(store == NULL && exists(path, "") && !exists(path, ".part"));
}

/* Each change of the file fails once on the first rank, and once on the last, also those of the writer's thread. */
static void every_write_fails(void) {
  char path[600];
  int n_ranks;
  MPI_Comm_size(MPI_COMM_WORLD, &n_ranks);
  test_path("inject.h5", path, sizeof path);
  assert_ok(write_small(path, true, "before"));
  for (int who = 0; who < (n_ranks == 1 ? 1 : 2); who++) {
    ouro_status status = OURO_EIO;
    int n = 0;
    while (status != OURO_OK && n < 100) {
      n++;
      const int here = rank_of_world() == (who == 0 ? 0 : n_ranks - 1);
      ouro_store_fail_at(here ? n : 0);
      status = write_small(path, true, "after");
      ouro_store_fail_at(0);
      assert_everywhere(status == OURO_OK || refused(status, OURO_EIO, "inject.h5"));
      assert_everywhere(!exists(path, ".part"));
      assert_everywhere(has_mark(path, status == OURO_OK ? "after" : "before"));
    }
    assert_everywhere(n > 10 && status == OURO_OK);
    assert_ok(write_small(path, true, "before"));
  }
}

static void test_every_write_fails(void **state) {
  (void)state;
  every_write_fails();
  deflate = 1;
  every_write_fails();
  deflate = 0;
}

/* Enough space for the beginning of a file but not for all of it. */
static void test_disk_full(void **state) {
  (void)state;
  char path[600];
  struct rlimit before;
  static const rlim_t limits[] = {1000, 300000, 1000000, 3000000};
  const ouro_table_spec large = {"/t", OURO_KIND_DOUBLE, 0, 2, {{"g", 10}, {"node", 50000}}, 1, "1", "4 MB"};
  test_path("full.h5", path, sizeof path);
  assert_ok(write_small(path, true, "before"));
  getrlimit(RLIMIT_FSIZE, &before);
  for (size_t i = 0; i < sizeof limits / sizeof limits[0]; i++) {
    ouro_store *store = NULL;
    struct rlimit less = {limits[i], before.rlim_max};
    setrlimit(RLIMIT_FSIZE, &less);
    ouro_status status = ouro_store_create(MPI_COMM_WORLD, path, true, &store);
    if (status == OURO_OK) status = sample_write(store, &large, 0);
    if (status == OURO_OK) status = ouro_store_commit(&store);
    ouro_store_discard(&store);
    setrlimit(RLIMIT_FSIZE, &before);
    assert_everywhere(refused(status, OURO_EIO, "full.h5: File too large"));
    assert_everywhere(!exists(path, ".part") && has_mark(path, "before"));
  }
}

/* What a table must not be is refused before the file is touched: it can go on being written. */
static void test_wrong_tables(void **state) {
  (void)state;
  char path[600];
  ouro_store *store = NULL;
  ouro_table *table = NULL;
  ouro_layout *layout = NULL;
  sample_rows rows = sample_scatter(50, 0);
  test_path("wrong.h5", path, sizeof path);
  assert_ok(ouro_layout_create(MPI_COMM_WORLD, 50, rows.n, rows.gid, &layout));
  assert_ok(ouro_store_create(MPI_COMM_WORLD, path, true, &store));
  ouro_table_spec spec = small;
  spec.description = "";
  assert_everywhere(refused(ouro_table_create(store, &spec, layout, &table), OURO_EINTERNAL, "no description"));
  spec = small;
  spec.units = "";
  assert_everywhere(refused(ouro_table_create(store, &spec, layout, &table), OURO_EINTERNAL, "no units"));
  spec = small;
  spec.axis[1].length = 51;
  assert_everywhere(refused(ouro_table_create(store, &spec, layout, &table), OURO_EINTERNAL, "layout"));
  assert_ok(ouro_table_create(store, &small, layout, &table));
  assert_everywhere(refused(ouro_table_write(table, 1, NULL), OURO_EINTERNAL, "out of turn"));
  assert_ok(ouro_table_close(&table));
  assert_everywhere(refused(ouro_table_create(store, &small, layout, &table), OURO_EINTERNAL, "already"));
  spec = small;
  spec.path = "/other";
  spec.axis[0].length = 4;
  assert_everywhere(refused(ouro_table_create(store, &spec, layout, &table), OURO_EINTERNAL, "/axis/generation"));
  assert_everywhere(table == NULL);
  assert_everywhere(refused(ouro_store_commit(&store), OURO_EINTERNAL, "lack")); /* no slab was ever written */
  assert_everywhere(!exists(path, "") && !exists(path, ".part"));
  ouro_layout_destroy(&layout);
  free(rows.gid);
}

static void test_open_refuses(void **state) {
  (void)state;
  char path[600], junk[5000];
  ouro_store *store = NULL;
  test_path("missing.h5", path, sizeof path);
  assert_everywhere(refused(ouro_store_open(MPI_COMM_WORLD, path, NULL, &store), OURO_EIO, "missing.h5: No such file"));
  assert_everywhere(refused(ouro_store_open(MPI_COMM_WORLD, "/tmp", NULL, &store), OURO_EIO, "/tmp: Is a directory"));
  assert_everywhere(refused(ouro_store_open(MPI_COMM_WORLD, "/dev/zero", NULL, &store), OURO_EIO, "/dev/zero"));
  test_file("empty.h5", "", 0, path, sizeof path);
  assert_everywhere(refused(ouro_store_open(MPI_COMM_WORLD, path, NULL, &store), OURO_EINPUT, "empty.h5: is empty"));
  for (size_t i = 0; i < sizeof junk; i++) junk[i] = (char)(sample_hash(i) & 0xff);
  test_file("junk.h5", junk, sizeof junk, path, sizeof path);
  assert_everywhere(refused(ouro_store_open(MPI_COMM_WORLD, path, NULL, &store), OURO_EINPUT, "junk.h5: is not"));
  memcpy(junk, "\211HDF\r\n\032\n", 8);
  test_file("signed.h5", junk, sizeof junk, path, sizeof path);
  assert_everywhere(refused(ouro_store_open(MPI_COMM_WORLD, path, NULL, &store), OURO_EINPUT, "signed.h5: "));
  test_path("format.h5", path, sizeof path);
  assert_ok(write_small(path, true, "one"));
  assert_everywhere(
      refused(ouro_store_open(MPI_COMM_WORLD, path, "two", &store), OURO_EINPUT, "format.h5: is of format"));
  assert_everywhere(store == NULL);
}

/* The bytes of a file on every rank. */
static char *slurp(const char *path, long *length) {
  FILE *file = fopen(path, "rb");
  char *bytes = NULL;
  *length = 0;
  if (file && fseek(file, 0, SEEK_END) == 0 && (*length = ftell(file)) > 0) {
    bytes = malloc((size_t)*length);
    rewind(file);
    if (fread(bytes, 1, (size_t)*length, file) != (size_t)*length) *length = 0;
  }
  if (file) fclose(file);
  return bytes;
}

static void test_truncated(void **state) {
  (void)state;
  char path[600], cut[600];
  long length;
  ouro_store *store = NULL;
  test_path("whole.h5", path, sizeof path);
  assert_ok(write_small(path, true, "one"));
  char *bytes = slurp(path, &length);
  assert_everywhere(bytes != NULL && length > 1000);
  for (int i = 1; i <= 12; i++) {
    const long n = i == 12 ? length - 1 : length * i / 12;
    test_file("cut.h5", bytes, (size_t)n, cut, sizeof cut);
    assert_everywhere(refused(ouro_store_open(MPI_COMM_WORLD, cut, NULL, &store), OURO_EINPUT, "cut.h5: "));
  }
  free(bytes);
}

/* A file that was closed in order but never marked complete, as a run leaves it that is killed at the very end. */
static void test_incomplete(void **state) {
  (void)state;
  char path[600], spoilt[600];
  long length;
  ouro_store *store = NULL;
  test_path("flag.h5", path, sizeof path);
  assert_ok(write_small(path, true, "one"));
  char *bytes = slurp(path, &length);
  int renamed = 0;
  for (long i = 0; i + 8 < length; i++) { /* in the attribute's name; its checksum does not fit either */
    if (memcmp(bytes + i, "complete", 8) == 0) bytes[i] = 'C', renamed++;
  }
  assert_everywhere(renamed > 0);
  test_file("spoilt.h5", bytes, (size_t)length, spoilt, sizeof spoilt);
  assert_everywhere(refused(ouro_store_open(MPI_COMM_WORLD, spoilt, NULL, &store), OURO_EINPUT, "spoilt.h5: "));
  free(bytes);
}

/* One flipped bit in any value is found by the checksum of its chunk. */
static void test_checksum(void **state) {
  (void)state;
  char path[600], spoilt[600];
  long length;
  double values[150];
  ouro_store *store = NULL;
  test_path("sound.h5", path, sizeof path);
  assert_ok(write_small(path, true, "one"));
  assert_ok(ouro_store_open(MPI_COMM_WORLD, path, "one", &store));
  assert_ok(ouro_store_read(store, small.path, OURO_KIND_DOUBLE, 0, 3, values));
  ouro_store_discard(&store);
  char *bytes = slurp(path, &length);
  long at = 0;
  while (at + (long)sizeof values <= length && memcmp(bytes + at, values, sizeof values) != 0) at++;
  assert_everywhere(at + (long)sizeof values <= length);
  for (int i = 0; i < 8; i++) {
    const long where = at + (long)(sample_hash((uint64_t)i) % sizeof values);
    bytes[where] = (char)(bytes[where] ^ (1 << i));
    test_file("flipped.h5", bytes, (size_t)length, spoilt, sizeof spoilt);
    bytes[where] = (char)(bytes[where] ^ (1 << i));
    assert_ok(ouro_store_open(MPI_COMM_WORLD, spoilt, "one", &store));
    const ouro_status status = ouro_store_read(store, small.path, OURO_KIND_DOUBLE, 0, 3, values);
    assert_everywhere(refused(status, OURO_EIO, "flipped.h5: cannot read /trajectory/error"));
    ouro_store_discard(&store);
  }
  free(bytes);
}

/* A rank that reads nothing learns of the failure of another. */
static void test_reads_agree(void **state) {
  (void)state;
  char path[600], *text = NULL;
  double values[150];
  int64_t whole;
  ouro_table_shape shape;
  ouro_store *store = NULL;
  test_path("read.h5", path, sizeof path);
  assert_ok(write_small(path, true, "one"));
  assert_ok(ouro_store_open(MPI_COMM_WORLD, path, NULL, &store));
  const int64_t first = rank_of_world() == 0 ? 2 : 0, n = rank_of_world() == 0 ? 2 : 0;
  assert_everywhere(
      refused(ouro_store_read(store, small.path, OURO_KIND_DOUBLE, first, n, values), OURO_EINPUT, "rows"));
  assert_everywhere(refused(ouro_store_read(store, small.path, OURO_KIND_TEXT, 0, 1, values), OURO_EINPUT, "numbers"));
  assert_everywhere(
      refused(ouro_store_read(store, "/no", OURO_KIND_DOUBLE, 0, 1, values), OURO_EINPUT, "no table /no"));
  assert_everywhere(refused(ouro_store_shape(store, "/trajectory", &shape), OURO_EINPUT, "no table /trajectory"));
  assert_everywhere(refused(ouro_store_get_text(store, "/", "none", &text), OURO_EINPUT, "none") && text == NULL);
  assert_everywhere(refused(ouro_store_get_text(store, "/no/such", "none", &text), OURO_EINPUT, "none"));
  assert_everywhere(refused(ouro_store_get_int(store, "/", "format", &whole), OURO_EINPUT, "another kind"));
  assert_everywhere(ouro_store_set_int(store, "/", "x", 1) == OURO_EINTERNAL);
  ouro_store_discard(&store);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_create_refuses), cmocka_unit_test(test_temporary_file),
    cmocka_unit_test(test_replace),        cmocka_unit_test(test_every_write_fails),
    cmocka_unit_test(test_disk_full),      cmocka_unit_test(test_wrong_tables),
    cmocka_unit_test(test_open_refuses),   cmocka_unit_test(test_truncated),
    cmocka_unit_test(test_incomplete),     cmocka_unit_test(test_checksum),
    cmocka_unit_test(test_reads_agree),
};

TEST_MAIN(tests)
