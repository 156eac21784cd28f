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

/* Labels of owned nodes and ghosts as words. */
static ouro_status all_labels(const ouro_graph *graph, int64_t **label) {
  ouro_status status = OURO_OK;
  const int64_t words = ouro_label_words(graph);
  int64_t *fresh = ouro_memory_new((size_t)((graph->n_owned + graph->n_ghost) * words), sizeof *fresh);
  OURO_AGREE(graph->comm, fresh ? OURO_OK : OURO_ENOMEM);
  for (ouro_lid i = 0; i < graph->n_owned; i++) {
    if (graph->named) {
      memcpy(fresh + i * words, graph->label_text + (size_t)i * (size_t)graph->label_width, (size_t)graph->label_width);
    } else {
      fresh[i] = graph->label ? graph->label[i] : graph->gid[i];
    }
  }
  OURO_TRY(ouro_halo_update(graph->halo, fresh, sizeof *fresh * (size_t)words));
  *label = fresh;
  fresh = NULL;
cleanup:
  free(fresh);
  return status;
}

/* One record a feed, and the rank whose block its source is in. */
static ouro_status make_records(const ouro_graph *graph, const int64_t *label, int64_t width, int64_t **record,
                                int **rank) {
  ouro_status status = OURO_OK;
  const ouro_eid n = graph->row[graph->n_owned];
  const size_t bytes = sizeof **record * (size_t)ouro_label_words(graph);
  const int64_t words = ouro_label_words(graph);
  int n_ranks;
  size_t n_words;
  MPI_Comm_size(graph->comm, &n_ranks);
  OURO_TRY(ouro_memory_product((size_t)n, (size_t)width, &n_words));
  OURO_NEW(*record, n_words);
  OURO_NEW(*rank, n);
  for (ouro_lid i = 0; i < graph->n_owned; i++) {
    for (ouro_eid k = graph->row[i]; k < graph->row[i + 1]; k++) {
      int64_t *at = *record + k * width;
      at[OURO_SORTED_SOURCE] = graph->gid[graph->source[k]];
      at[OURO_SORTED_TARGET] = graph->gid[i];
      at[OURO_SORTED_SAMPLES] = ouro_graph_samples(graph, k);
      (*rank)[k] = ouro_graph_block_rank(graph->n_nodes, n_ranks, at[OURO_SORTED_SOURCE]);
      if (label == NULL) continue;
      memcpy(at + OURO_SORTED_LABELS, label + graph->source[k] * words, bytes);
      memcpy(at + OURO_SORTED_LABELS + words, label + i * words, bytes);
    }
  }
cleanup:
  return status;
}

static int by_source_and_target(const void *left, const void *right) {
  const int64_t *a = left, *b = right;
  for (int k = OURO_SORTED_SOURCE; k <= OURO_SORTED_TARGET; k++) {
    if (a[k] != b[k]) return a[k] < b[k] ? -1 : 1;
  }
  return 0;
}

ouro_status ouro_sorted_create(const ouro_graph *graph, bool labels, ouro_sorted *sorted) {
  ouro_status status = OURO_OK;
  ouro_route route = {0};
  int64_t *label = NULL, *record = NULL;
  int *to = NULL, rank, n_ranks;
  MPI_Comm_rank(graph->comm, &rank);
  MPI_Comm_size(graph->comm, &n_ranks);
  *sorted = (ouro_sorted){.first = ouro_graph_block_first(graph->n_nodes, n_ranks, rank),
                          .width = OURO_SORTED_LABELS + (labels ? 2 * ouro_label_words(graph) : 0)};
  sorted->n_block = ouro_graph_block_first(graph->n_nodes, n_ranks, rank + 1) - sorted->first;
  if (labels) OURO_TRY(all_labels(graph, &label));
  OURO_AGREE(graph->comm, make_records(graph, label, sorted->width, &record, &to));
  OURO_TRY(ouro_route_open(graph->comm, graph->row[graph->n_owned], to, &route));
  OURO_TRY(ouro_route_send(&route, sorted->width, record, &sorted->record));
  sorted->n = route.n_received;
  qsort(sorted->record, (size_t)sorted->n, sizeof *sorted->record * (size_t)sorted->width, by_source_and_target);
cleanup:
  ouro_route_close(&route);
  free(label);
  free(record);
  free(to);
  return status;
}

void ouro_sorted_clear(ouro_sorted *sorted) {
  free(sorted->record);
  *sorted = (ouro_sorted){0};
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
