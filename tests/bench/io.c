/* Rate of writing the trajectories of a run (error, error_sd, theory) against a bare collective MPI-IO write of the
 * same bytes, both until fsync has returned, in interleaved pairs. io [NODES [GENERATIONS [PAIRS [DEFLATE]]]]; files go
 * to $OURO_BENCH_DIR, else to $TMPDIR, and are removed. */

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ouro/base/memory.h"
#include "ouro/base/timer.h"
#include "ouro/store/store.h"

enum { TABLES = 3 };

typedef struct bench {
  int rank, n_ranks;
  int64_t n_nodes, generations, pairs;
  int64_t n_local;
  ouro_gid *gid;  /* [n_local] */
  double *values; /* [n_local] */
  char path[600];
} bench;

static uint64_t mix(uint64_t x) {
  x = (x ^ (x >> 31)) * UINT64_C(0x9e3779b97f4a7c15);
  x = (x ^ (x >> 29)) * UINT64_C(0xbf58476d1ce4e5b9);
  return x ^ (x >> 32);
}

/* Rows of this rank: a range, or scattered as a partition of the graph leaves them. */
static ouro_status own_rows(bench *b, bool scattered) {
  ouro_status status = OURO_OK;
  const int64_t first = b->n_nodes * b->rank / b->n_ranks, end = b->n_nodes * (b->rank + 1) / b->n_ranks;
  free(b->gid);
  b->n_local = 0;
  OURO_NEW(b->gid, b->n_nodes);
  for (int64_t i = 0; i < b->n_nodes; i++) {
    const bool mine = scattered ? mix((uint64_t)i) % (uint64_t)b->n_ranks == (uint64_t)b->rank : i >= first && i < end;
    if (mine) b->gid[b->n_local++] = i;
  }
cleanup:
  return status;
}

static void fill(bench *b, int64_t generation, int table) {
  for (int64_t i = 0; i < b->n_local; i++) b->values[i] = (double)(generation + table) / (double)(b->gid[i] + 1);
}

static ouro_status write_generations(bench *b, ouro_table **table) {
  ouro_status status = OURO_OK;
  for (int64_t g = 0; g < b->generations; g++) {
    for (int t = 0; t < TABLES; t++) {
      fill(b, g, t);
      OURO_TRY(ouro_table_write(table[t], g, b->values));
    }
  }
cleanup:
  return status;
}

static ouro_status write_ours(bench *b) {
  static const char *const path[TABLES] = {"/trajectory/error", "/trajectory/error_sd", "/trajectory/theory"};
  ouro_status status = OURO_OK;
  ouro_store *store = NULL;
  ouro_layout *layout = NULL;
  ouro_table *table[TABLES] = {NULL};
  OURO_TRY(ouro_layout_create(MPI_COMM_WORLD, b->n_nodes, b->n_local, b->gid, &layout));
  OURO_TRY(ouro_store_create(MPI_COMM_WORLD, b->path, true, &store));
  for (int t = 0; t < TABLES; t++) {
    const ouro_table_spec spec = {.path = path[t],
                                  .kind = OURO_KIND_DOUBLE,
                                  .n_axes = 2,
                                  .axis = {{"generation", b->generations}, {"node", b->n_nodes}},
                                  .node_axis = 1,
                                  .units = "1",
                                  .description = "a trajectory"};
    OURO_TRY(ouro_table_create(store, &spec, layout, &table[t]));
  }
  OURO_TRY(write_generations(b, table));
  for (int t = 0; t < TABLES; t++) OURO_TRY(ouro_table_close(&table[t]));
  OURO_TRY(ouro_store_commit(&store));
cleanup:
  for (int t = 0; t < TABLES; t++) ouro_table_close(&table[t]);
  ouro_store_discard(&store);
  ouro_layout_destroy(&layout);
  return status;
}

/* The same bytes, one collective call a generation and table, each rank its range. */
static ouro_status write_bare(bench *b) {
  ouro_status status = OURO_OK;
  MPI_File file = MPI_FILE_NULL;
  const int64_t first = b->n_nodes * b->rank / b->n_ranks;
  int bad = MPI_File_open(MPI_COMM_WORLD, b->path, MPI_MODE_CREATE | MPI_MODE_WRONLY, MPI_INFO_NULL, &file);
  for (int64_t g = 0; g < b->generations && !bad; g++) {
    for (int t = 0; t < TABLES; t++) {
      fill(b, g, t);
      const MPI_Offset at = ((t * b->generations + g) * b->n_nodes + first) * (MPI_Offset)sizeof(double);
      bad |= MPI_File_write_at_all(file, at, b->values, (int)b->n_local, MPI_DOUBLE, MPI_STATUS_IGNORE);
    }
  }
  if (!bad) bad = MPI_File_sync(file);
  if (file != MPI_FILE_NULL) bad |= MPI_File_close(&file);
  OURO_AGREE(MPI_COMM_WORLD, bad ? ouro_error(OURO_EIO, "%s: MPI-IO failed", b->path) : OURO_OK);
cleanup:
  return status;
}

/* What lies in caches must not be written at the next one's expense. */
static void clean_up(const bench *b) {
  MPI_Barrier(MPI_COMM_WORLD);
  if (b->rank == 0) unlink(b->path);
  if (b->rank == 0) sync();
  MPI_Barrier(MPI_COMM_WORLD);
}

static ouro_status timed(bench *b, ouro_status (*work)(bench *b), double *seconds) {
  MPI_Barrier(MPI_COMM_WORLD);
  const double start = ouro_timer_now();
  const ouro_status status = work(b);
  MPI_Barrier(MPI_COMM_WORLD);
  *seconds = ouro_timer_now() - start;
  clean_up(b);
  return status;
}

static ouro_status compare(bench *b, bool scattered) {
  ouro_status status = OURO_OK;
  const double megabytes = (double)(b->n_nodes * b->generations * TABLES) * 8e-6;
  double ours, bare;
  for (int64_t k = 0; k < b->pairs; k++) {
    OURO_TRY(own_rows(b, false));
    OURO_TRY(timed(b, write_bare, &bare));
    OURO_TRY(own_rows(b, scattered));
    OURO_TRY(timed(b, write_ours, &ours));
    if (b->rank == 0) {
      printf("%s %.0f MB/s, MPI-IO %.0f MB/s, ratio %.2f\n", scattered ? "scattered" : "ranges", megabytes / ours,
             megabytes / bare, bare / ours);
      fflush(stdout);
    }
  }
cleanup:
  return status;
}

static ouro_status measure(bench *b) {
  ouro_status status = OURO_OK;
  OURO_NEW(b->values, b->n_nodes);
  OURO_TRY(compare(b, false));
  if (b->n_ranks > 1) OURO_TRY(compare(b, true));
cleanup:
  free(b->gid);
  free(b->values);
  return status;
}

int main(int argc, char **argv) {
  int level;
  bench b = {.n_nodes = argc > 1 ? atoll(argv[1]) : 1000000,
             .generations = argc > 2 ? atoll(argv[2]) : 100,
             .pairs = argc > 3 ? atoll(argv[3]) : 3};
  const char *folder = getenv("OURO_BENCH_DIR") ? getenv("OURO_BENCH_DIR") : getenv("TMPDIR");
  MPI_Init_thread(&argc, &argv, MPI_THREAD_FUNNELED, &level);
  MPI_Comm_rank(MPI_COMM_WORLD, &b.rank);
  MPI_Comm_size(MPI_COMM_WORLD, &b.n_ranks);
  snprintf(b.path, sizeof b.path, "%s/ouro-bench-io.h5", folder ? folder : "/tmp");
  const ouro_status status = measure(&b);
  if (status != OURO_OK && b.rank == 0) fprintf(stderr, "%s\n", ouro_error_message());
  MPI_Finalize();
  return status != OURO_OK;
}
