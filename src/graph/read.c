/* From what a reader found to dense ids: see read.h. Does not know file formats. */

#include "graph/read.h"

#include <stdlib.h>

#include "ouro/base/memory.h"

void ouro_traits_clear(ouro_traits *trait) {
  free(trait->initial);
  free(trait->noise);
  free(trait->every);
  *trait = (ouro_traits){0};
}

void ouro_reading_clear(ouro_reading *reading) {
  ouro_feeds_clear(&reading->feeds);
  ouro_names_clear(&reading->names);
  free(reading->feed_line);
  free(reading->listed.node);
  free(reading->listed.real);
  free(reading->listed.line);
  ouro_traits_clear(&reading->listed.trait);
  ouro_traits_clear(&reading->trait);
  free(reading->key);
  free(reading->real);
  reading->feed_line = NULL;
  reading->listed = (ouro_listed){0};
  reading->key = NULL;
  reading->real = NULL;
}

ouro_status ouro_read_refuse_keys(const ouro_reading *reading, const char *format) {
  const ouro_config_graph *config = &reading->config->graph;
  if (config->columns) return ouro_error(OURO_ECONFIG, "graph.columns: %s files have their own", format);
  if (config->nodes) return ouro_error(OURO_ECONFIG, "graph.nodes: %s files say how many nodes there are", format);
  return OURO_OK;
}

/* The nodes of a node file come first, in its order: positions count its lines over all ranks. */
static void place_listed(const ouro_reading *reading, ouro_keys *keys) {
  const ouro_listed *listed = &reading->listed;
  int64_t before = 0;
  int rank;
  MPI_Comm_rank(reading->comm, &rank);
  MPI_Exscan(&listed->n, &before, 1, MPI_INT64_T, MPI_SUM, reading->comm);
  if (rank == 0) before = 0;
  for (int64_t i = listed->n - 1; i >= 0; i--) keys->position[listed->node[i]] = before + i; /* the first line stays */
}

static void replace(int64_t *list, int64_t n, const ouro_gid *id) {
  for (int64_t i = 0; i < n; i++) list[i] = id[list[i]];
}

static ouro_status number_names(ouro_reading *reading) {
  ouro_status status;
  ouro_keys keys = {0};
  ouro_gid *id = NULL;
  OURO_TRY(ouro_keys_of_names(reading->comm, &reading->names, &keys));
  place_listed(reading, &keys);
  id = ouro_memory_new((size_t)keys.n, sizeof *id);
  OURO_AGREE(reading->comm, id ? OURO_OK : OURO_ENOMEM);
  OURO_TRY(ouro_keys_number(reading->comm, &keys, id, &reading->n_nodes));
  OURO_TRY(ouro_keys_to_blocks(reading->comm, &keys, id, reading->n_nodes, &reading->key));
  reading->width = keys.width;
  replace(reading->feeds.source, reading->feeds.n, id);
  replace(reading->feeds.target, reading->feeds.n, id);
  replace(reading->listed.node, reading->listed.n, id);
cleanup:
  ouro_keys_clear(&keys);
  free(id);
  return status;
}

ouro_status ouro_read_number(ouro_reading *reading) {
  ouro_feeds *feeds = &reading->feeds;
  ouro_listed *listed = &reading->listed;
  if (reading->named) return number_names(reading);
  if (reading->n_nodes > 0) {
    for (int64_t i = 0; i < listed->n; i++) listed->node[i] -= reading->first_label;
    return OURO_OK;
  }
  int64_t *const list[3] = {feeds->source, feeds->target, listed->node};
  reading->width = 1;
  return ouro_integers_number(reading->comm, list, (const int64_t[3]){feeds->n, feeds->n, listed->n}, &reading->n_nodes,
                              &reading->key);
}
