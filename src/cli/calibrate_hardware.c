/* What a machine does beside computing: memory read in order and at random, messages, files. Invariant: the least of
 * several rounds counts. */

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/calibrate.h"
#include "ouro/base/memory.h"
#include "ouro/base/timer.h"
#include "ouro/exchange/exchange.h"
#include "ouro/store/store.h"

enum { ROUNDS = 5, WORDS = 1 << 24, FETCHES = 1 << 20, LINE = 8, PINGS = 200 };

static volatile double sink; /* keeps sums alive */

/* Seconds to read all of an array in order, and FETCHES lines of it at places that are known beforehand. */
static void time_memory(const double *values, double *stream, double *gather) {
  double sum = 0;
  for (int round = 0; round < ROUNDS; round++) {
    double start = ouro_timer_now();
    for (int i = 0; i < WORDS; i += LINE) sum += values[i];
    *stream = fmin(*stream, ouro_timer_now() - start);
    start = ouro_timer_now();
    for (uint64_t i = 0, at = (uint64_t)round; i < FETCHES; i++) {
      at = at * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
      sum += values[at >> 40];
    }
    *gather = fmin(*gather, ouro_timer_now() - start);
  }
  sink = sum;
}

/* Size of a cache of the first core, in bytes; 0 where the system does not say. sysconf() has been seen to say ten
 * times as much in virtual machines. */
static double cache_bytes(int level) {
  char path[96];
  double kib = 0;
  snprintf(path, sizeof path, "/sys/devices/system/cpu/cpu0/cache/index%d/size", level);
  FILE *file = fopen(path, "r");
  if (file == NULL) return 0;
  if (fscanf(file, "%lfK", &kib) != 1) kib = 0;
  fclose(file);
  return 1024 * kib;
}

static ouro_status calibrate_memory(ouro_plan_machine *machine) {
  ouro_status status = OURO_OK;
  double *values = NULL, stream = INFINITY, gather = INFINITY;
  const double second = cache_bytes(2), third = cache_bytes(3), cores = (double)sysconf(_SC_NPROCESSORS_ONLN);
  OURO_NEW(values, WORDS);
  for (int i = 0; i < WORDS; i++) values[i] = i;
  time_memory(values, &stream, &gather);
  machine->stream = sizeof(double) * WORDS / stream;
  machine->gather = 1e9 * gather / FETCHES;
  machine->ranks = fmax(1, cores);
  if (second > 0) machine->cache = second + (third > 0 ? third / machine->ranks : 0);
cleanup:
  free(values);
  return status;
}

/* Seconds of a message one way, the least of all; the other ranks wait. */
static double time_messages(MPI_Comm comm, int bytes, char *buffer) {
  int rank, n_ranks;
  double least = INFINITY;
  MPI_Comm_rank(comm, &rank);
  MPI_Comm_size(comm, &n_ranks);
  const int other = rank == 0 ? n_ranks - 1 : 0;
  MPI_Barrier(comm);
  for (int k = 0; k < PINGS && (rank == 0 || rank == n_ranks - 1); k++) {
    const double start = ouro_timer_now();
    if (rank == 0) MPI_Send(buffer, bytes, MPI_CHAR, other, OURO_TAG_EXCHANGE_ROWS, comm);
    MPI_Recv(buffer, bytes, MPI_CHAR, other, OURO_TAG_EXCHANGE_ROWS, comm, MPI_STATUS_IGNORE);
    if (rank != 0) MPI_Send(buffer, bytes, MPI_CHAR, other, OURO_TAG_EXCHANGE_ROWS, comm);
    least = fmin(least, (ouro_timer_now() - start) / 2);
  }
  return least;
}

static ouro_status calibrate_messages(MPI_Comm comm, ouro_plan_machine *machine) {
  ouro_status status = OURO_OK;
  int n_ranks;
  MPI_Comm_size(comm, &n_ranks);
  if (n_ranks == 1) return OURO_OK;
  char *buffer = ouro_memory_new(OURO_EXCHANGE_MESSAGE, 1);
  OURO_AGREE(comm, buffer ? OURO_OK : OURO_ENOMEM);
  machine->latency = time_messages(comm, 8, buffer);
  const double large = time_messages(comm, (int)OURO_EXCHANGE_MESSAGE, buffer);
  machine->bandwidth = (double)OURO_EXCHANGE_MESSAGE / fmax(large - machine->latency, 1e-3 * large);
cleanup:
  free(buffer);
  return status;
}

/* Collective: seconds to write one table as a run does. */
static ouro_status write_table(MPI_Comm comm, const char *path, int64_t n, const double *values, double *seconds) {
  enum { GENERATIONS = 8 };
  ouro_status status = OURO_OK;
  ouro_store *store = NULL;
  ouro_layout *layout = NULL;
  ouro_table *table = NULL;
  const ouro_table_spec spec = {.path = "/trial",
                                .kind = OURO_KIND_DOUBLE,
                                .n_axes = 2,
                                .axis = {{"generation", GENERATIONS}, {"node", n}},
                                .node_axis = 1,
                                .units = "1",
                                .description = "numbers to be timed"};
  int rank, n_ranks;
  MPI_Comm_rank(comm, &rank);
  MPI_Comm_size(comm, &n_ranks);
  const int64_t first = n * rank / n_ranks, mine = n * (rank + 1) / n_ranks - first;
  ouro_gid *gid = ouro_memory_new((size_t)mine, sizeof *gid);
  OURO_AGREE(comm, gid ? OURO_OK : OURO_ENOMEM);
  for (int64_t i = 0; i < mine; i++) gid[i] = first + i;
  OURO_TRY(ouro_layout_create(comm, n, mine, gid, &layout));
  OURO_TRY(ouro_store_create(comm, path, true, &store));
  OURO_TRY(ouro_table_create(store, &spec, layout, &table));
  const double start = ouro_timer_now();
  for (int g = 0; g < GENERATIONS; g++) OURO_TRY(ouro_table_write(table, g, values));
  OURO_TRY(ouro_table_close(&table));
  *seconds = (ouro_timer_now() - start) / GENERATIONS;
cleanup:
  ouro_table_close(&table);
  ouro_store_discard(&store);
  ouro_layout_destroy(&layout);
  free(gid);
  return status;
}

static ouro_status calibrate_files(MPI_Comm comm, const char *path, ouro_plan_machine *machine) {
  enum { NODES = 1 << 19 };
  ouro_status status = OURO_OK;
  char trial[4096];
  double seconds = 1;
  double *values = ouro_memory_new(NODES, sizeof *values);
  snprintf(trial, sizeof trial, "%s.trial.h5", path);
  OURO_AGREE(comm, values ? OURO_OK : OURO_ENOMEM);
  for (int i = 0; i < NODES; i++) values[i] = i;
  OURO_TRY(write_table(comm, trial, NODES, values, &seconds));
  machine->write = sizeof(double) * NODES / seconds;
cleanup:
  free(values);
  return status;
}

/* Memory of the program with its libraries and their buffers, everything else being released. */
static double resident_bytes(void) {
  long pages = 0;
  FILE *file = fopen("/proc/self/statm", "r");
  if (file == NULL || fscanf(file, "%*d %ld", &pages) != 1) pages = 0;
  if (file) fclose(file);
  return pages > 0 ? (double)pages * (double)sysconf(_SC_PAGESIZE) : (double)ouro_memory_high_water();
}

ouro_status cli_calibrate_hardware(MPI_Comm comm, const char *path, ouro_plan_machine *machine) {
  ouro_status status = OURO_OK;
  int n_ranks;
  MPI_Comm_size(comm, &n_ranks);
  machine->memory = (double)ouro_memory_available(comm) * n_ranks;
  OURO_AGREE(comm, calibrate_memory(machine));
  OURO_TRY(calibrate_messages(comm, machine));
  OURO_TRY(calibrate_files(comm, path, machine));
  machine->process = resident_bytes();
cleanup:
  return status;
}
