/* Parts of the run file that describe the run rather than its results: provenance and timing. */

#include "cli/record.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ouro/base/memory.h"
#include "ouro/partition/partition.h"
#include "ouro/store/provenance.h"

enum { PHASE_WIDTH = 16, PHASE_FIGURES = 4 };

/* The names of phases and of their figures, as axes. */
static ouro_status put_phase_axes(ouro_store *store) {
  static const char figures[PHASE_FIGURES][PHASE_WIDTH] = {"min", "mean", "max", "rank of max"};
  ouro_status status = OURO_OK;
  char phases[OURO_PHASE_COUNT][PHASE_WIDTH] = {{0}};
  const ouro_table_spec phase = {.kind = OURO_KIND_TEXT,
                                 .text_width = PHASE_WIDTH,
                                 .n_axes = 1,
                                 .axis = {{"phase", OURO_PHASE_COUNT}},
                                 .units = "1",
                                 .description = "phases of a run"};
  ouro_table_spec figure = phase;
  figure.axis[0] = (ouro_axis){"figure", PHASE_FIGURES};
  figure.description = "figures over ranks";
  for (int k = 0; k < OURO_PHASE_COUNT; k++) strncpy(phases[k], ouro_phase_name((ouro_phase)k), PHASE_WIDTH - 1);
  OURO_TRY(ouro_store_axis(store, &phase, phases));
  OURO_TRY(ouro_store_axis(store, &figure, figures));
cleanup:
  return status;
}

static ouro_status put_phases(ouro_store *store, const ouro_phase_figures *figures) {
  ouro_status status = OURO_OK;
  double rows[OURO_PHASE_COUNT][PHASE_FIGURES];
  const ouro_table_spec seconds = {.path = "/timing/seconds",
                                   .kind = OURO_KIND_DOUBLE,
                                   .n_axes = 2,
                                   .axis = {{"phase", OURO_PHASE_COUNT}, {"figure", PHASE_FIGURES}},
                                   .node_axis = -1,
                                   .units = "s",
                                   .description =
                                       "time by phase: min, mean and max over ranks, and where the maximum is"};
  for (int k = 0; k < OURO_PHASE_COUNT; k++) {
    rows[k][0] = figures[k].min;
    rows[k][1] = figures[k].mean;
    rows[k][2] = figures[k].max;
    rows[k][3] = figures[k].where;
  }
  OURO_TRY(put_phase_axes(store));
  OURO_TRY(ouro_store_put(store, &seconds, NULL, rows));
cleanup:
  return status;
}

ouro_status cli_timing_put(ouro_store *store, MPI_Comm comm, ouro_timers *timers, const ouro_learn_traffic *traffic) {
  ouro_status status = OURO_OK;
  ouro_phase_figures figures[OURO_PHASE_COUNT];
  int64_t most[2] = {ouro_memory_high_water(), traffic ? traffic->bytes_sent : 0}, total = most[1];
  OURO_TRY(ouro_timers_reduce(timers, comm, figures));
  OURO_TRY(put_phases(store, figures));
  MPI_Allreduce(MPI_IN_PLACE, most, 2, MPI_INT64_T, MPI_MAX, comm);
  MPI_Allreduce(MPI_IN_PLACE, &total, 1, MPI_INT64_T, MPI_SUM, comm);
  OURO_TRY(ouro_store_set_int(store, "/timing", "memory_high_water_bytes", most[0]));
  if (traffic == NULL) goto cleanup;
  OURO_TRY(ouro_store_set_int(store, "/timing", "bytes_sent", total));
  OURO_TRY(ouro_store_set_int(store, "/timing", "bytes_sent_largest", most[1]));
cleanup:
  return status;
}

/* The command line as one line of text. */
static char *join(int argc, char **argv) {
  size_t size = 1;
  for (int k = 0; k < argc; k++) size += strlen(argv[k]) + 1;
  char *line = ouro_memory_new(size, 1);
  for (int k = 0; line && k < argc; k++) {
    if (k) strcat(line, " ");
    strcat(line, argv[k]);
  }
  return line;
}

/* OpenBLAS says which version and kernels it runs; another BLAS does not. */
char *openblas_get_config(void) __attribute__((weak));

ouro_status cli_provenance(const cli_job *job, int argc, char **argv, ouro_store *store) {
  ouro_status status = OURO_OK;
  char libraries[512];
  char *line = join(argc, argv);
  OURO_AGREE(job->graph->comm, line ? OURO_OK : OURO_ENOMEM);
  snprintf(libraries, sizeof libraries, "%s%s%s", ouro_partition_library(), openblas_get_config ? ", " : "",
           openblas_get_config ? openblas_get_config() : "");
  const ouro_provenance provenance = {"ouro-run", libraries, job->config->learning.seed, line};
  OURO_TRY(ouro_provenance_write(store, &provenance));
  OURO_TRY(ouro_store_set_int(store, "/", "replicates", job->config->learning.replicates));
  if (job->group) OURO_TRY(ouro_store_set_int(store, "/", "groups", job->group->n_groups));
cleanup:
  free(line);
  return status;
}
