/* Speed of reading an edge list of integers: bytes of the file over seconds and ranks, best of several passes. The
 * file is made in $TMPDIR and removed. Parsing alone, and ouro_graph_open() with ids, exchange and rows. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "graph/read_edges.h"
#include "ouro/base/memory.h"
#include "ouro/base/timer.h"

#define BYTES ((size_t)200 << 20)
#define PASSES 5

/* About 200 MB of lines "source<TAB>target", ids up to a million as R-MAT graphs of that size have them. */
static ouro_status make_file(const char *path) {
  ouro_status status = OURO_OK;
  static char line[64];
  uint64_t x = 1;
  size_t n = 0;
  FILE *out = fopen(path, "wb");
  OURO_CHECK(out, OURO_EIO, "%s: cannot be written", path);
  while (n < BYTES) {
    x = x * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    const int length = snprintf(line, sizeof line, "%u\t%u\n", (unsigned)(x >> 44), (unsigned)(x >> 24 & 0xfffff));
    n += fwrite(line, 1, (size_t)length, out);
  }
cleanup:
  if (out) fclose(out);
  return status;
}

static ouro_status parse(const ouro_config *config, int64_t *bytes) {
  ouro_status status;
  ouro_reading reading = {.comm = MPI_COMM_WORLD, .config = config, .file = config->graph.file};
  ouro_edge_format format = {.columns = {.role = {"source", "target", "samples"}, .n_roles = 3, .n_required = 2},
                             .after = -1};
  ouro_text text = {.file = -1};
  bool named_ids;
  OURO_TRY(ouro_text_open(MPI_COMM_WORLD, config->graph.file, &text));
  *bytes = text.size;
  OURO_TRY(ouro_columns_find(MPI_COMM_WORLD, config->graph.file, NULL, "", &format.columns));
  OURO_TRY(ouro_read_edges_parse(&reading, &text, &format, &named_ids));
cleanup:
  ouro_text_close(&text);
  ouro_reading_clear(&reading);
  return status;
}

static ouro_status measure(const char *path, int rank, int n_ranks) {
  ouro_status status;
  ouro_config config = {.graph = {.samples = 100}};
  config.graph.file = (char *)(uintptr_t)path;
  ouro_graph *graph = NULL;
  double best = 1e9;
  int64_t bytes = 0;
  OURO_AGREE(MPI_COMM_WORLD, rank == 0 ? make_file(path) : OURO_OK);
  for (int k = 0; k < PASSES; k++) {
    MPI_Barrier(MPI_COMM_WORLD);
    const double start = ouro_timer_now();
    OURO_TRY(parse(&config, &bytes));
    MPI_Barrier(MPI_COMM_WORLD);
    const double seconds = ouro_timer_now() - start;
    if (seconds < best) best = seconds;
  }
  const double megabytes = (double)bytes / 1e6 / n_ranks;
  if (rank == 0) printf("parse_edge_list %.0f MB/s\n", megabytes / best);
  const double start = ouro_timer_now();
  OURO_TRY(ouro_graph_open(MPI_COMM_WORLD, &config, &graph));
  if (rank == 0) printf("open_edge_list %.0f MB/s\n", megabytes / (ouro_timer_now() - start));
cleanup:
  ouro_graph_destroy(&graph);
  if (rank == 0) unlink(path);
  return status;
}

int main(void) {
  char path[300];
  const char *folder = getenv("TMPDIR");
  int rank, n_ranks;
  MPI_Init(NULL, NULL);
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  MPI_Comm_size(MPI_COMM_WORLD, &n_ranks);
  snprintf(path, sizeof path, "%s/ouro-parse-%ld.txt", folder ? folder : "/tmp", rank == 0 ? (long)getpid() : 0L);
  MPI_Bcast(path, sizeof path, MPI_CHAR, 0, MPI_COMM_WORLD);
  const ouro_status status = measure(path, rank, n_ranks);
  if (status != OURO_OK && rank == 0) fprintf(stderr, "%s\n", ouro_error_message());
  MPI_Finalize();
  return status != OURO_OK;
}
