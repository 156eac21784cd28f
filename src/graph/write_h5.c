/* ouro's own graph file: HDF5, everything a graph is but who owns what. Feeds stand in the order of all formats. */

#include <stdlib.h>

#include "graph/write.h"
#include "ouro/base/memory.h"
#include "ouro/store/store.h"

/* ---- feeds ---- */

typedef int64_t field(const ouro_sorted *sorted, ouro_lid i, ouro_eid k);

static int64_t source_of(const ouro_sorted *sorted, ouro_lid i, ouro_eid k) {
  (void)k;
  return sorted->turned->gid[i];
}

static int64_t target_of(const ouro_sorted *sorted, ouro_lid i, ouro_eid k) {
  (void)i;
  return sorted->turned->gid[sorted->turned->source[k]];
}

static int64_t samples_of(const ouro_sorted *sorted, ouro_lid i, ouro_eid k) {
  (void)i;
  return ouro_sorted_samples(sorted, k);
}

/* The layout of feeds in the order they are in. */
static ouro_status lay_out(const ouro_graph *graph, ouro_eid n, ouro_layout **layout) {
  ouro_status status;
  ouro_eid before = 0;
  int rank;
  MPI_Comm_rank(graph->comm, &rank);
  MPI_Exscan(&n, &before, 1, OURO_EID_MPI, MPI_SUM, graph->comm);
  if (rank == 0) before = 0;
  int64_t *row = ouro_memory_new((size_t)n, sizeof *row);
  OURO_AGREE(graph->comm, row ? OURO_OK : OURO_ENOMEM);
  for (ouro_eid k = 0; k < n; k++) row[k] = before + k;
  OURO_TRY(ouro_layout_create(graph->comm, graph->n_feeds, n, row, layout));
cleanup:
  free(row);
  return status;
}

/* One field of the feeds here, in 32 bits if that does. */
static void take_field(const ouro_sorted *sorted, field *take, ouro_kind kind, void *values) {
  const ouro_graph *turned = sorted->turned;
  int32_t *narrow = values;
  int64_t *wide = values;
  for (ouro_lid i = 0; i < turned->n_owned; i++) {
    for (ouro_eid k = turned->row[i]; k < turned->row[i + 1]; k++) {
      const int64_t value = take(sorted, i, k);
      if (kind == OURO_KIND_INT32)
        narrow[k] = (int32_t)value;
      else
        wide[k] = value;
    }
  }
}

static ouro_count most_samples(const ouro_sorted *sorted) {
  const ouro_graph *turned = sorted->turned;
  ouro_count most = 0;
  for (ouro_eid k = 0; k < turned->row[turned->n_owned]; k++) {
    if (ouro_sorted_samples(sorted, k) > most) most = ouro_sorted_samples(sorted, k);
  }
  MPI_Allreduce(MPI_IN_PLACE, &most, 1, OURO_COUNT_MPI, MPI_MAX, turned->comm);
  return most;
}

/* Counts that are all the same are an attribute, not a table. */
static ouro_status put_feeds(ouro_store *store, const ouro_graph *graph, const ouro_sorted *sorted) {
  const bool alike = graph->samples == NULL && graph->times == NULL;
  const struct {
    field *take;
    int64_t most;
    const char *path, *description;
  } table[] = {{source_of, graph->n_nodes, "/feeds/source", "row of the model that feeds"},
               {target_of, graph->n_nodes, "/feeds/target", "row of the model that is fed"},
               {samples_of, alike ? 0 : most_samples(sorted), "/feeds/samples", "samples a generation"}};
  ouro_status status;
  ouro_layout *layout = NULL;
  const ouro_eid n = sorted->turned->row[sorted->turned->n_owned];
  int64_t *values = ouro_memory_new((size_t)n, sizeof *values);
  OURO_AGREE(graph->comm, values ? OURO_OK : OURO_ENOMEM);
  OURO_TRY(lay_out(graph, n, &layout));
  if (alike) OURO_TRY(ouro_store_set_int(store, "/", "samples", graph->each));
  for (int k = 0; k < (alike ? 2 : 3); k++) {
    const ouro_table_spec spec = {.path = table[k].path,
                                  .kind = table[k].most <= INT32_MAX ? OURO_KIND_INT32 : OURO_KIND_INT64,
                                  .n_axes = 1,
                                  .axis = {{"feed", graph->n_feeds}},
                                  .units = "1",
                                  .description = table[k].description};
    take_field(sorted, table[k].take, spec.kind, values);
    OURO_TRY(ouro_store_put(store, &spec, layout, values));
  }
cleanup:
  ouro_layout_destroy(&layout);
  free(values);
  return status;
}

/* ---- nodes ---- */

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
