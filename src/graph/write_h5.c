/* ouro's own graph file: HDF5, everything a graph is but who owns what. Feeds stand in the order of all formats. */

#include <stdlib.h>

#include "graph/write.h"
#include "ouro/base/memory.h"
#include "ouro/store/store.h"

/* One field of the feeds here as an array. */
static void take_field(const ouro_sorted *sorted, int field, int64_t *out) {
  for (ouro_eid k = 0; k < sorted->n; k++) out[k] = sorted->record[k * sorted->width + field];
}

static ouro_status put_feeds(ouro_store *store, const ouro_graph *graph, const ouro_sorted *sorted) {
  static const struct {
    int field;
    const char *path, *description;
  } table[] = {{OURO_SORTED_SOURCE, "/feeds/source", "row of the model that feeds"},
               {OURO_SORTED_TARGET, "/feeds/target", "row of the model that is fed"},
               {OURO_SORTED_SAMPLES, "/feeds/samples", "samples a generation"}};
  ouro_status status;
  ouro_layout *layout = NULL;
  ouro_eid before = 0;
  int rank;
  MPI_Comm_rank(graph->comm, &rank);
  MPI_Exscan(&sorted->n, &before, 1, OURO_EID_MPI, MPI_SUM, graph->comm);
  if (rank == 0) before = 0;
  int64_t *row = ouro_memory_new((size_t)sorted->n, sizeof *row);
  int64_t *value = ouro_memory_new((size_t)sorted->n, sizeof *value);
  OURO_AGREE(graph->comm, row && value ? OURO_OK : OURO_ENOMEM);
  for (ouro_eid k = 0; k < sorted->n; k++) row[k] = before + k;
  OURO_TRY(ouro_layout_create(graph->comm, graph->n_feeds, sorted->n, row, &layout));
  for (int k = 0; k < 3; k++) {
    const ouro_table_spec spec = {.path = table[k].path,
                                  .kind = OURO_KIND_INT64,
                                  .n_axes = 1,
                                  .axis = {{"feed", graph->n_feeds}},
                                  .units = "1",
                                  .description = table[k].description};
    take_field(sorted, table[k].field, value);
    OURO_TRY(ouro_store_put(store, &spec, layout, value));
  }
cleanup:
  ouro_layout_destroy(&layout);
  free(row);
  free(value);
  return status;
}

static ouro_status put_traits(ouro_store *store, const ouro_graph *graph, const ouro_layout *layout) {
  const struct {
    const void *values;
    ouro_kind kind;
    const char *path, *units, *description;
  } trait[] = {{graph->initial, OURO_KIND_INT64, "/node/initial", "1", "real samples of generation 0; 0: not given"},
               {graph->noise, OURO_KIND_DOUBLE, "/node/noise", "sample",
                "standard deviation of samples drawn from a model; NaN: not given"},
               {graph->every, OURO_KIND_INT64, "/node/every", "generation",
                "a model is retrained in generations that are multiples of it"}};
  ouro_status status = OURO_OK;
  for (int k = 0; k < 3; k++) {
    const ouro_table_spec spec = {.path = trait[k].path,
                                  .kind = trait[k].kind,
                                  .n_axes = 1,
                                  .axis = {{"node", graph->n_nodes}},
                                  .units = trait[k].units,
                                  .description = trait[k].description};
    if (trait[k].values) OURO_TRY(ouro_store_put(store, &spec, layout, trait[k].values));
  }
cleanup:
  return status;
}

static ouro_status put_nodes(ouro_store *store, const ouro_graph *graph) {
  ouro_status status;
  ouro_layout *layout = NULL;
  ouro_table_spec spec = {.n_axes = 1, .axis = {{"node", graph->n_nodes}}, .units = "1"};
  OURO_TRY(ouro_layout_create(graph->comm, graph->n_nodes, graph->n_owned, graph->gid, &layout));
  spec.path = "/node/real";
  spec.kind = OURO_KIND_INT64;
  spec.description = "real samples a generation";
  OURO_TRY(ouro_store_put(store, &spec, layout, graph->real));
  OURO_TRY(put_traits(store, graph, layout));
  if (graph->named) {
    spec.path = "/node/name";
    spec.kind = OURO_KIND_TEXT;
    spec.text_width = graph->label_width;
    spec.description = "name of the model";
    OURO_TRY(ouro_store_put(store, &spec, layout, graph->label_text));
  } else {
    spec.path = "/node/label";
    spec.description = "id of the model in its source";
    OURO_TRY(ouro_store_put(store, &spec, layout, graph->label ? graph->label : graph->gid));
  }
cleanup:
  ouro_layout_destroy(&layout);
  return status;
}

ouro_status ouro_write_h5(const ouro_graph *graph, const char *path) {
  ouro_status status;
  ouro_store *store = NULL;
  ouro_sorted sorted = {0};
  OURO_TRY(ouro_sorted_create(graph, false, &sorted));
  OURO_TRY(ouro_store_create(graph->comm, path, true, &store));
  OURO_TRY(ouro_store_set_text(store, "/", "format", "ouro-graph"));
  OURO_TRY(ouro_store_set_int(store, "/", "version", 1));
  OURO_TRY(ouro_store_set_int(store, "/", "nodes", graph->n_nodes));
  OURO_TRY(ouro_store_set_int(store, "/", "feeds", graph->n_feeds));
  OURO_TRY(put_nodes(store, graph));
  if (graph->n_feeds > 0) OURO_TRY(put_feeds(store, graph, &sorted));
  OURO_TRY(ouro_store_commit(&store));
cleanup:
  ouro_store_discard(&store);
  ouro_sorted_clear(&sorted);
  return status;
}
