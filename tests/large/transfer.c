/* Three gibibytes in one go, on 2 ranks: as one message, as one rank's share of an all-to-all, as one table written by
 * both and read by one, and from a file of one piece. Every word is a function of its place. For large.py. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ouro/base/alltoall.h"
#include "ouro/base/memory.h"
#include "ouro/base/message.h"
#include "ouro/store/store.h"

#define BYTES ((size_t)3 << 30)
#define WORDS ((int64_t)(BYTES / sizeof(uint64_t)))
#define ROW_WORDS ((int64_t)1 << 17) /* of a table: 1 MiB */

static uint64_t word_at(int64_t place) {
  uint64_t x = (uint64_t)place * UINT64_C(0x9E3779B97F4A7C15);
  return x ^ x >> 29;
}

static void fill(uint64_t *word, int64_t first, int64_t n) {
  for (int64_t k = 0; k < n; k++) word[k] = word_at(first + k);
}

static ouro_status check(const uint64_t *word, int64_t first, int64_t n) {
  for (int64_t k = 0; k < n; k++) {
    if (word[k] != word_at(first + k)) return ouro_error(OURO_EINTERNAL, "word %" PRId64 " is lost", first + k);
  }
  return OURO_OK;
}

static ouro_status new_words(int64_t n, uint64_t **word) {
  ouro_status status = OURO_OK;
  OURO_NEW(*word, n);
cleanup:
  return status;
}

/* From rank 0 to rank 1. */
static ouro_status send_message(MPI_Comm comm, int rank, uint64_t *word) {
  MPI_Request request[8];
  if (ouro_message_pieces(BYTES) > 8) return ouro_error(OURO_EINTERNAL, "%d pieces", ouro_message_pieces(BYTES));
  if (rank == 0) ouro_message_send(comm, word, BYTES, BYTES, 1, OURO_TAG_STORE, request);
  if (rank == 1) ouro_message_receive(comm, word, BYTES, 0, OURO_TAG_STORE, request);
  if (rank < 2) ouro_message_wait(BYTES, request);
  return OURO_OK;
}

static ouro_status messages(MPI_Comm comm) {
  ouro_status status = OURO_OK;
  uint64_t *word = NULL;
  int rank;
  MPI_Comm_rank(comm, &rank);
  OURO_AGREE(comm, new_words(WORDS, &word));
  for (int way = 0; way < 2; way++) {
    const int64_t give[2] = {0, rank == 0 ? WORDS : 0}, take[2] = {rank == 1 ? WORDS : 0, 0};
    if (rank == 0)
      fill(word, way, WORDS);
    else
      memset(word, 0, BYTES);
    if (way == 0)
      OURO_AGREE(comm, send_message(comm, rank, word));
    else
      ouro_alltoall(comm, sizeof *word, give, word, take, word);
    OURO_AGREE(comm, check(word, way, WORDS));
  }
cleanup:
  free(word);
  return status;
}

/* Rows rank, rank + 2, ... of this rank. */
static ouro_status new_rows(int rank, int64_t n, ouro_gid **id, uint64_t **word) {
  ouro_status status = OURO_OK;
  OURO_NEW(*id, n);
  OURO_TRY(new_words(n * ROW_WORDS, word));
  for (int64_t k = 0; k < n; k++) {
    (*id)[k] = rank + 2 * k;
    fill(*word + k * ROW_WORDS, (*id)[k] * ROW_WORDS, ROW_WORDS);
  }
cleanup:
  return status;
}

static ouro_status write_table(MPI_Comm comm, const char *path) {
  const int64_t n_rows = WORDS / ROW_WORDS;
  const ouro_table_spec spec = {.path = "/word",
                                .kind = OURO_KIND_INT64,
                                .n_axes = 2,
                                .axis = {{"row", n_rows}, {"column", ROW_WORDS}},
                                .units = "1",
                                .description = "a function of its place"};
  ouro_status status = OURO_OK;
  ouro_store *store = NULL;
  ouro_layout *layout = NULL;
  ouro_gid *id = NULL;
  uint64_t *word = NULL;
  int rank;
  MPI_Comm_rank(comm, &rank);
  OURO_AGREE(comm, new_rows(rank, n_rows / 2, &id, &word));
  OURO_TRY(ouro_store_create(comm, path, true, &store));
  OURO_TRY(ouro_layout_create(comm, n_rows, n_rows / 2, id, &layout));
  OURO_TRY(ouro_store_put(store, &spec, layout, word));
  OURO_TRY(ouro_store_commit(&store));
cleanup:
  ouro_store_discard(&store);
  ouro_layout_destroy(&layout);
  free(id);
  free(word);
  return status;
}

/* All of /word on rank 0. */
static ouro_status read_table(MPI_Comm comm, const char *path) {
  ouro_status status = OURO_OK;
  ouro_store *store = NULL;
  uint64_t *word = NULL;
  ouro_table_shape shape;
  int rank;
  MPI_Comm_rank(comm, &rank);
  OURO_TRY(ouro_store_open(comm, path, NULL, &store));
  OURO_TRY(ouro_store_shape(store, "/word", &shape));
  OURO_AGREE(comm, new_words(rank == 0 ? WORDS : 0, &word));
  OURO_TRY(ouro_store_read(store, "/word", OURO_KIND_INT64, 0, rank == 0 ? shape.length[0] : 0, word));
  OURO_AGREE(comm, check(word, 0, rank == 0 ? WORDS : 0));
cleanup:
  ouro_store_discard(&store);
  free(word);
  return status;
}

int main(int argc, char **argv) {
  ouro_status status = OURO_EINTERNAL;
  MPI_Init(&argc, &argv);
  if (argc == 2 && strcmp(argv[1], "messages") == 0) status = messages(MPI_COMM_WORLD);
  if (argc == 3 && strcmp(argv[1], "write") == 0) status = write_table(MPI_COMM_WORLD, argv[2]);
  if (argc == 3 && strcmp(argv[1], "read") == 0) status = read_table(MPI_COMM_WORLD, argv[2]);
  if (status != OURO_OK) fprintf(stderr, "%s\n", ouro_error_message());
  MPI_Finalize();
  return status != OURO_OK;
}
