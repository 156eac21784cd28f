/* Tables of the run file that say something of models and feeds, by global node id. */

#include "cli/tables.h"

#include <stdlib.h>
#include <string.h>

#include "ouro/base/memory.h"

/* Graphs of at most this many models and feeds are stored feed by feed, so that they can be drawn. */
#define MOST_FEEDS 100000

/* The feeds into owned nodes as columns; position is their place in the order by target, then source. */
typedef struct feed_columns {
  ouro_eid n;
  int64_t *position, *source, *target, *samples; /* [n] */
} feed_columns;

int64_t cli_stored_count(const ouro_config *config) {
  const int64_t last = config->learning.generations, every = config->output.every;
  return last / every + 1 + (last % every != 0);
}

int64_t cli_stored_generation(const ouro_config *config, int64_t k) {
  const int64_t last = config->learning.generations;
  return k * config->output.every < last ? k * config->output.every : last;
}

ouro_status cli_node_put(const cli_sink *sink, const char *path, ouro_kind kind, const char *description,
                         const char *units, const void *values) {
  const ouro_table_spec spec = {.path = path,
                                .kind = kind,
                                .n_axes = 1,
                                .axis = {{"node", sink->graph->n_nodes}},
                                .node_axis = 0,
                                .units = units,
                                .description = description};
  return ouro_store_put(sink->store, &spec, sink->layout, values);
}

/* What the node file says of single models. */
static ouro_status put_traits(const cli_sink *sink) {
  const ouro_graph *graph = sink->graph;
  ouro_status status = OURO_OK;
  if (graph->initial) {
    OURO_TRY(cli_node_put(sink, "/graph/initial", OURO_KIND_INT64, "real samples of generation 0; 0: learning.initial",
                          "samples", graph->initial));
  }
  if (graph->noise) {
    OURO_TRY(cli_node_put(sink, "/graph/noise", OURO_KIND_DOUBLE,
                          "standard deviation of samples drawn from a model; NaN: model.noise", "sample",
                          graph->noise));
  }
  if (graph->every) {
    OURO_TRY(cli_node_put(sink, "/graph/every", OURO_KIND_INT64,
                          "a model is retrained in generations that are multiples of it", "generations", graph->every));
  }
cleanup:
  return status;
}

/* Node names, in-degrees, real samples, training-set sizes. */
static ouro_status put_models(const cli_sink *sink) {
  const ouro_graph *graph = sink->graph;
  ouro_status status = OURO_OK;
  int64_t *degree = NULL, *size = NULL;
  const ouro_table_spec name = {.path = "/graph/name",
                                .kind = graph->named ? OURO_KIND_TEXT : OURO_KIND_INT64,
                                .text_width = graph->label_width,
                                .n_axes = 1,
                                .axis = {{"node", graph->n_nodes}},
                                .node_axis = 0,
                                .units = "1",
                                .description = "name or id of a model, as the input wrote it"};
  degree = ouro_memory_new((size_t)graph->n_owned, sizeof *degree);
  size = ouro_memory_new((size_t)graph->n_owned, sizeof *size);
  OURO_AGREE(graph->comm, degree && size ? OURO_OK : OURO_ENOMEM);
  for (ouro_lid i = 0; i < graph->n_owned; i++) {
    degree[i] = graph->row[i + 1] - graph->row[i];
    size[i] = ouro_graph_training_size(graph, i);
  }
  OURO_TRY(ouro_store_put(sink->store, &name, sink->layout,
                          graph->named ? (const void *)graph->label_text : (const void *)graph->label));
  OURO_TRY(cli_node_put(sink, "/graph/in_degree", OURO_KIND_INT64, "number of feeds into a model", "1", degree));
  OURO_TRY(cli_node_put(sink, "/graph/real", OURO_KIND_INT64, "real samples of a model", "samples", graph->real));
  OURO_TRY(
      cli_node_put(sink, "/graph/training_size", OURO_KIND_INT64, "samples a model is trained on", "samples", size));
  OURO_TRY(put_traits(sink));
cleanup:
  free(degree);
  free(size);
  return status;
}

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

static ouro_status allocate(feed_columns *columns, ouro_eid n) {
  ouro_status status = OURO_OK;
  columns->n = n;
  OURO_NEW(columns->position, n);
  OURO_NEW(columns->source, n);
  OURO_NEW(columns->target, n);
  OURO_NEW(columns->samples, n);
cleanup:
  return status;
}

static ouro_status make_columns(const ouro_graph *graph, feed_columns *columns) {
  ouro_status status = OURO_OK;
  int64_t *first = NULL;
  OURO_TRY(first_feeds(graph, &first));
  OURO_AGREE(graph->comm, allocate(columns, graph->row[graph->n_owned]));
  for (ouro_lid i = 0; i < graph->n_owned; i++) {
    for (ouro_eid e = graph->row[i]; e < graph->row[i + 1]; e++) {
      columns->position[e] = first[graph->gid[i]] + (e - graph->row[i]);
      columns->source[e] = graph->gid[graph->source[e]];
      columns->target[e] = graph->gid[i];
      columns->samples[e] = ouro_graph_samples(graph, e);
    }
  }
cleanup:
  free(first);
  return status;
}

static void clear_columns(feed_columns *columns) {
  free(columns->position);
  free(columns->source);
  free(columns->target);
  free(columns->samples);
  memset(columns, 0, sizeof *columns);
}

/* The feeds of a small graph, by target then source: three columns, each a table of its own. */
static ouro_status put_feeds(const cli_sink *sink) {
  const ouro_graph *graph = sink->graph;
  ouro_status status = OURO_OK;
  if (graph->n_feeds > MOST_FEEDS || graph->n_nodes > MOST_FEEDS) return OURO_OK;
  feed_columns columns = {0};
  ouro_layout *layout = NULL;
  OURO_TRY(make_columns(graph, &columns));
  OURO_TRY(ouro_layout_create(graph->comm, graph->n_feeds, columns.n, columns.position, &layout));
  const struct {
    const char *path, *description;
    const int64_t *values;
  } parts[] = {{"/graph/source", "the model that a feed draws from, as a node index", columns.source},
               {"/graph/target", "the model that trains on a feed, as a node index", columns.target},
               {"/graph/samples", "samples a generation that a feed carries", columns.samples}};
  for (int k = 0; k < 3; k++) {
    const ouro_table_spec spec = {.path = parts[k].path,
                                  .kind = OURO_KIND_INT64,
                                  .n_axes = 1,
                                  .axis = {{"feed", graph->n_feeds}},
                                  .node_axis = 0,
                                  .units = k < 2 ? "1" : "samples",
                                  .description = parts[k].description};
    OURO_TRY(ouro_store_put(sink->store, &spec, layout, parts[k].values));
  }
cleanup:
  ouro_layout_destroy(&layout);
  clear_columns(&columns);
  return status;
}

ouro_status cli_graph_put(const cli_sink *sink) {
  const ouro_status status = put_models(sink);
  return status == OURO_OK ? put_feeds(sink) : status;
}

ouro_status cli_verdict_put(const cli_sink *sink, const ouro_verdict *verdict) {
  const ouro_graph *graph = sink->graph;
  ouro_status status = OURO_OK;
  int32_t *owner = ouro_memory_new((size_t)graph->n_owned, sizeof *owner);
  int rank;
  MPI_Comm_rank(graph->comm, &rank);
  OURO_AGREE(graph->comm, owner ? OURO_OK : OURO_ENOMEM);
  for (ouro_lid i = 0; i < graph->n_owned; i++) owner[i] = rank;
  OURO_TRY(cli_node_put(sink, "/node/verdict", OURO_KIND_INT8, "verdict of a model: 0 anchored, 1 frozen, 2 collapsing",
                        "1", verdict->class_of));
  OURO_TRY(cli_node_put(sink, "/node/component", OURO_KIND_INT64,
                        "node index of the first model of the unstable source a model belongs to; -1 if none", "1",
                        verdict->component));
  OURO_TRY(cli_node_put(sink, "/node/owner", OURO_KIND_INT32, "rank that trained a model", "1", owner));
cleanup:
  free(owner);
  return status;
}
