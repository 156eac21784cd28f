/* Parts of the run file that describe the graph and the run rather than its results: feeds, timing,
 * provenance. */

#include "cli/record.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ouro/base/memory.h"
#include "ouro/partition/partition.h"
#include "ouro/store/provenance.h"

/* In-degrees of all nodes by global id, turned into the position of each node's first feed. Small graphs only. */
static ouro_status first_feeds(const ouro_graph *graph, int64_t **first) {
  ouro_status status = OURO_OK;
  *first = ouro_memory_new((size_t)graph->n_nodes + 1, sizeof **first);
  OURO_AGREE(graph->comm, *first ? OURO_OK : OURO_ENOMEM);
  for (ouro_lid i = 0; i < graph->n_owned; i++) (*first)[graph->gid[i] + 1] = graph->row[i + 1] - graph->row[i];
  MPI_Allreduce(MPI_IN_PLACE, *first, (int)graph->n_nodes + 1, MPI_INT64_T, MPI_SUM, graph->comm);
  for (ouro_gid node = 0; node < graph->n_nodes; node++) (*first)[node + 1] += (*first)[node];
cleanup:
  return status;
}

static ouro_status allocate(cli_feed_columns *columns, ouro_eid n) {
  ouro_status status = OURO_OK;
  columns->n = n;
  OURO_NEW(columns->position, n);
  OURO_NEW(columns->source, n);
  OURO_NEW(columns->target, n);
  OURO_NEW(columns->samples, n);
cleanup:
  return status;
}

ouro_status cli_feed_columns_make(const ouro_graph *graph, cli_feed_columns *columns) {
  ouro_status status = OURO_OK;
  int64_t *first = NULL;
  OURO_TRY(first_feeds(graph, &first));
  OURO_AGREE(graph->comm, allocate(columns, graph->row[graph->n_owned]));
  for (ouro_lid i = 0; i < graph->n_owned; i++) {
    for (ouro_eid e = graph->row[i]; e < graph->row[i + 1]; e++) {
      columns->position[e] = first[graph->gid[i]] + (e - graph->row[i]);
      columns->source[e] = graph->gid[graph->source[e]];
      columns->target[e] = graph->gid[i];
      columns->samples[e] = graph->samples[e];
    }
  }
cleanup:
  free(first);
  return status;
}

void cli_feed_columns_clear(cli_feed_columns *columns) {
  free(columns->position);
  free(columns->source);
  free(columns->target);
  free(columns->samples);
  memset(columns, 0, sizeof *columns);
}

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
cleanup:
  free(line);
  return status;
}
