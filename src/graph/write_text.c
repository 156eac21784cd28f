/* The text formats: edge lists, Matrix Market, METIS. Each rank formats the feeds out of its block of nodes. */

#include <stdlib.h>
#include <string.h>

#include "graph/names.h"
#include "graph/write.h"
#include "ouro/base/log.h"
#include "ouro/base/memory.h"

#define PUT(text) OURO_TRY(ouro_out_bytes(out, (text), strlen(text)))

/* ---- edge lists ---- */

static ouro_status put_label(const ouro_graph *graph, const int64_t *label, ouro_out *out) {
  ouro_status status;
  if (!graph->named) return ouro_out_integer(out, *label, '\t');
  const char *name = (const char *)label;
  OURO_TRY(ouro_out_bytes(out, name, strnlen(name, (size_t)graph->label_width)));
  PUT("\t");
cleanup:
  return status;
}

static ouro_status format_edges(const ouro_graph *graph, const ouro_sorted *sorted, bool header, ouro_out *out) {
  ouro_status status = OURO_OK;
  const int64_t words = ouro_label_words(graph);
  const ouro_graph *turned = sorted->turned;
  if (header) PUT("source\ttarget\tsamples\n");
  for (ouro_lid i = 0; i < turned->n_owned; i++) {
    for (ouro_eid k = turned->row[i]; k < turned->row[i + 1]; k++) {
      OURO_TRY(put_label(graph, sorted->label + i * words, out));
      OURO_TRY(put_label(graph, sorted->label + turned->source[k] * words, out));
      OURO_TRY(ouro_out_integer(out, ouro_sorted_samples(sorted, k), '\n'));
    }
  }
cleanup:
  return status;
}

/* A name must come back as it is: readers take # and % for comments, and blanks at the ends off. */
static ouro_status check_names(const ouro_graph *graph, const char *path) {
  char name[OURO_NAME_MAX + 1];
  for (ouro_lid i = 0; graph->named && i < graph->n_owned; i++) {
    ouro_graph_name(graph, i, name, sizeof name);
    const size_t n = strlen(name);
    if (n && !strchr("#% ", name[0]) && name[n - 1] != ' ' && !strpbrk(name, "\t\r\n")) continue;
    return ouro_error(OURO_EINPUT, "%s: an edge list cannot hold the name '%s'; write a .h5 file", path, name);
  }
  return OURO_OK;
}

/* Nodes without any feed, which edge lists leave out. */
static ouro_status count_isolated(const ouro_graph *graph, int64_t *n) {
  ouro_status status;
  int64_t *used = ouro_memory_new((size_t)(graph->n_owned + graph->n_ghost), sizeof *used);
  OURO_AGREE(graph->comm, used ? OURO_OK : OURO_ENOMEM);
  for (ouro_lid i = 0; i < graph->n_owned; i++) {
    for (ouro_eid k = graph->row[i]; k < graph->row[i + 1]; k++) used[i] = used[graph->source[k]] = 1;
  }
  OURO_TRY(ouro_halo_reduce_max(graph->halo, used));
  *n = 0;
  for (ouro_lid i = 0; i < graph->n_owned; i++) *n += used[i] == 0;
  MPI_Allreduce(MPI_IN_PLACE, n, 1, MPI_INT64_T, MPI_SUM, graph->comm);
cleanup:
  free(used);
  return status;
}

/* Say what the format leaves out. */
static void warn_of_losses(const ouro_graph *graph, const char *path, int64_t isolated, bool names) {
  int lost = 0;
  for (ouro_lid i = 0; i < graph->n_owned; i++) lost |= graph->real[i] != 0;
  lost |= graph->initial || graph->noise || graph->every;
  MPI_Allreduce(MPI_IN_PLACE, &lost, 1, MPI_INT, MPI_MAX, graph->comm);
  if (lost) ouro_log_root(OURO_LOG_WARNING, "%s: what a node file says is not stored; a .h5 file would hold it", path);
  if (isolated) {
    ouro_log_root(OURO_LOG_WARNING,
                  "%s: %" PRId64 " node%s without feeds %s left out; name them by graph.nodes or a node file, or write "
                  "a .h5 file",
                  path, isolated, isolated == 1 ? "" : "s", isolated == 1 ? "is" : "are");
  }
  if (names) ouro_log_root(OURO_LOG_WARNING, "%s: nodes become numbers, names are not stored", path);
}

ouro_status ouro_write_edges(const ouro_graph *graph, const char *path) {
  ouro_status status;
  ouro_sorted sorted = {0};
  ouro_out out = {0};
  int64_t isolated = 0;
  int rank;
  MPI_Comm_rank(graph->comm, &rank);
  OURO_AGREE(graph->comm, check_names(graph, path));
  OURO_TRY(count_isolated(graph, &isolated));
  OURO_TRY(ouro_sorted_create(graph, true, &sorted));
  OURO_AGREE(graph->comm, format_edges(graph, &sorted, rank == 0, &out));
  OURO_TRY(ouro_out_commit(graph->comm, path, &out));
  warn_of_losses(graph, path, isolated, false);
cleanup:
  ouro_sorted_clear(&sorted);
  free(out.text);
  return status;
}

/* ---- Matrix Market ---- */

static ouro_status format_mtx(const ouro_graph *graph, const ouro_sorted *sorted, bool header, ouro_out *out) {
  ouro_status status = OURO_OK;
  const ouro_graph *turned = sorted->turned;
  if (header) {
    PUT("%%MatrixMarket matrix coordinate integer general\n% entry (i, j): node i feeds node j, with so many "
        "samples\n");
    OURO_TRY(ouro_out_integer(out, graph->n_nodes, ' '));
    OURO_TRY(ouro_out_integer(out, graph->n_nodes, ' '));
    OURO_TRY(ouro_out_integer(out, graph->n_feeds, '\n'));
  }
  for (ouro_lid i = 0; i < turned->n_owned; i++) {
    for (ouro_eid k = turned->row[i]; k < turned->row[i + 1]; k++) {
      OURO_TRY(ouro_out_integer(out, turned->gid[i] + 1, ' '));
      OURO_TRY(ouro_out_integer(out, turned->gid[turned->source[k]] + 1, ' '));
      OURO_TRY(ouro_out_integer(out, ouro_sorted_samples(sorted, k), '\n'));
    }
  }
cleanup:
  return status;
}

ouro_status ouro_write_mtx(const ouro_graph *graph, const char *path) {
  ouro_status status;
  ouro_sorted sorted = {0};
  ouro_out out = {0};
  int rank;
  MPI_Comm_rank(graph->comm, &rank);
  OURO_TRY(ouro_sorted_create(graph, false, &sorted));
  OURO_AGREE(graph->comm, format_mtx(graph, &sorted, rank == 0, &out));
  OURO_TRY(ouro_out_commit(graph->comm, path, &out));
  warn_of_losses(graph, path, 0, graph->named);
cleanup:
  ouro_sorted_clear(&sorted);
  free(out.text);
  return status;
}

/* ---- METIS ---- */

static uint64_t mix(uint64_t x) {
  x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
  x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
  return x ^ (x >> 31);
}

/* Undirected: no self-loops, and every feed has its reverse with the same count. The sum over feeds of a hash of
 * ends and count, its sign by direction, is 0 if so and hardly ever otherwise. */
static ouro_status check_symmetric(const ouro_graph *graph, const char *path) {
  uint64_t sum[2] = {0, 0};
  for (ouro_lid i = 0; i < graph->n_owned; i++) {
    for (ouro_eid k = graph->row[i]; k < graph->row[i + 1]; k++) {
      const ouro_gid a = graph->gid[i], b = graph->gid[graph->source[k]], low = a < b ? a : b, high = a + b - low;
      const uint64_t hash = mix((uint64_t)low + mix((uint64_t)high + mix((uint64_t)ouro_graph_samples(graph, k))));
      sum[0] += a == low ? hash : -hash;
      sum[1] += a == b;
    }
  }
  MPI_Allreduce(MPI_IN_PLACE, sum, 2, MPI_UINT64_T, MPI_SUM, graph->comm);
  if (sum[0] == 0 && sum[1] == 0) return OURO_OK;
  return ouro_error(OURO_EINPUT, "%s: a METIS graph is undirected, without self-loops: this one has %s", path,
                    sum[1] ? "self-loops" : "feeds without their reverse of the same count");
}

static ouro_status format_metis(const ouro_graph *graph, const ouro_sorted *sorted, bool header, ouro_out *out) {
  ouro_status status = OURO_OK;
  const ouro_graph *turned = sorted->turned;
  if (header) {
    OURO_TRY(ouro_out_integer(out, graph->n_nodes, ' '));
    OURO_TRY(ouro_out_integer(out, graph->n_feeds / 2, ' '));
    PUT("1\n");
  }
  for (ouro_lid i = 0; i < turned->n_owned; i++) {
    for (ouro_eid k = turned->row[i]; k < turned->row[i + 1]; k++) {
      if (k > turned->row[i]) PUT(" ");
      OURO_TRY(ouro_out_integer(out, turned->gid[turned->source[k]] + 1, ' '));
      OURO_TRY(ouro_out_integer(out, ouro_sorted_samples(sorted, k), ' '));
      out->n--; /* a blank between numbers only */
    }
    PUT("\n");
  }
cleanup:
  return status;
}

ouro_status ouro_write_metis(const ouro_graph *graph, const char *path) {
  ouro_status status;
  ouro_sorted sorted = {0};
  ouro_out out = {0};
  int rank;
  MPI_Comm_rank(graph->comm, &rank);
  OURO_TRY(check_symmetric(graph, path));
  OURO_TRY(ouro_sorted_create(graph, false, &sorted));
  OURO_AGREE(graph->comm, format_metis(graph, &sorted, rank == 0, &out));
  OURO_TRY(ouro_out_commit(graph->comm, path, &out));
  warn_of_losses(graph, path, 0, graph->named);
cleanup:
  ouro_sorted_clear(&sorted);
  free(out.text);
  return status;
}
