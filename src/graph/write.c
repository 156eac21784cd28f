/* Writing a graph: the choice of format and the order of feeds in a file. The order is that of ids, never of ranks. */

#include "graph/write.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "ouro/base/log.h"
#include "ouro/base/memory.h"
#include "ouro/graph/build.h"
#include "ouro/graph/route.h"

int64_t ouro_label_words(const ouro_graph *graph) {
  return graph->named ? (graph->label_width + 7) / 8 : 1;
}

/* The feeds the other way, their counts in units. */
static ouro_status turn(const ouro_graph *graph, ouro_count unit, ouro_feeds *feeds) {
  ouro_status status = OURO_OK;
  feeds->each = graph->samples || graph->times ? 0 : 1;
  OURO_TRY(ouro_feeds_reserve(feeds, graph->row[graph->n_owned]));
  for (ouro_lid i = 0; i < graph->n_owned; i++) {
    for (ouro_eid k = graph->row[i]; k < graph->row[i + 1]; k++) {
      const ouro_count samples = ouro_graph_samples(graph, k) / unit;
      OURO_TRY(ouro_feeds_add(feeds, graph->gid[i], graph->gid[graph->source[k]], samples));
    }
  }
cleanup:
  return status;
}

/* Label of an owned node as words. */
static void write_label(const ouro_graph *graph, ouro_lid i, int64_t *label) {
  if (graph->named)
    memcpy(label, graph->label_text + (size_t)i * (size_t)graph->label_width, (size_t)graph->label_width);
  else
    *label = graph->label ? graph->label[i] : graph->gid[i];
}

/* The rank whose block each owned node is in, and its label. */
static ouro_status list_labels(const ouro_graph *graph, int **rank, int64_t **label) {
  ouro_status status = OURO_OK;
  const int64_t words = ouro_label_words(graph);
  int n_ranks;
  MPI_Comm_size(graph->comm, &n_ranks);
  OURO_NEW(*rank, graph->n_owned);
  OURO_NEW(*label, graph->n_owned * words);
  for (ouro_lid i = 0; i < graph->n_owned; i++) {
    (*rank)[i] = ouro_graph_block_rank(graph->n_nodes, n_ranks, graph->gid[i]);
    write_label(graph, i, *label + i * words);
  }
cleanup:
  return status;
}

static ouro_status new_labels(ouro_sorted *sorted, int64_t words, ouro_gid n, ouro_gid **id) {
  ouro_status status = OURO_OK;
  OURO_NEW(sorted->label, (sorted->turned->n_owned + sorted->turned->n_ghost) * words);
  OURO_NEW(*id, n);
cleanup:
  return status;
}

/* Labels of the nodes of this rank's block, from whoever owns them. */
static ouro_status gather_labels(const ouro_graph *graph, ouro_sorted *sorted) {
  ouro_status status;
  ouro_route route = {0};
  const int64_t words = ouro_label_words(graph);
  int64_t *label = NULL, *arrived = NULL;
  ouro_gid *id = NULL;
  int *rank = NULL;
  OURO_AGREE(graph->comm, list_labels(graph, &rank, &label));
  OURO_TRY(ouro_route_open(graph->comm, graph->n_owned, rank, &route));
  OURO_AGREE(graph->comm, new_labels(sorted, words, route.n_received, &id));
  OURO_TRY(ouro_route_send_field(&route, sizeof *id, graph->gid, id));
  OURO_TRY(ouro_route_send(&route, words, label, &arrived));
  for (int64_t k = 0; k < route.n_received; k++) {
    memcpy(sorted->label + (id[k] - sorted->turned->gid[0]) * words, arrived + k * words,
           (size_t)words * sizeof *label);
  }
  OURO_TRY(ouro_halo_update(sorted->turned->halo, sorted->label, (size_t)words * sizeof *label));
cleanup:
  ouro_route_close(&route);
  free(label);
  free(arrived);
  free(id);
  free(rank);
  return status;
}

ouro_status ouro_sorted_create(const ouro_graph *graph, bool labels, ouro_sorted *sorted) {
  ouro_status status;
  ouro_feeds feeds = {0};
  *sorted = (ouro_sorted){.unit = graph->samples ? 1 : graph->each};
  OURO_AGREE(graph->comm, turn(graph, sorted->unit, &feeds));
  OURO_TRY(ouro_graph_build(graph->comm, graph->n_nodes, &feeds, &sorted->turned));
  if (labels) OURO_TRY(gather_labels(graph, sorted));
cleanup:
  ouro_feeds_clear(&feeds);
  return status;
}

void ouro_sorted_clear(ouro_sorted *sorted) {
  ouro_graph_destroy(&sorted->turned);
  free(sorted->label);
  sorted->label = NULL;
}

ouro_status ouro_graph_write(const ouro_graph *graph, const char *path) {
  static const struct {
    const char *ending;
    ouro_status (*write)(const ouro_graph *graph, const char *path);
  } formats[] = {{".tsv", ouro_write_edges}, {".txt", ouro_write_edges},   {".el", ouro_write_edges},
                 {".mtx", ouro_write_mtx},   {".graph", ouro_write_metis}, {".h5", ouro_write_h5}};
  const size_t length = strlen(path);
  for (size_t k = 0; k < sizeof formats / sizeof *formats; k++) {
    const size_t n = strlen(formats[k].ending);
    if (length > n && strcasecmp(path + length - n, formats[k].ending) == 0) return formats[k].write(graph, path);
  }
  return ouro_error(OURO_EINPUT, "%s: graphs are written to .tsv, .txt, .el, .mtx, .graph or .h5 files", path);
}
