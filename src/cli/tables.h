#ifndef OURO_CLI_TABLES_H
#define OURO_CLI_TABLES_H

/* Tables of the run file that say something of models and feeds, by global node id. */

#include "ouro/graph/graph.h"
#include "ouro/store/store.h"
#include "ouro/theory/verdict.h"

/* Where the tables of a graph go. */
typedef struct cli_sink {
  ouro_store *store;
  const ouro_layout *layout; /* of the nodes */
  const ouro_graph *graph;
  const char *error_units; /* those of the family */
} cli_sink;

/** Number of stored generations: 0, every, 2 every, ... and the last.
 *  Not collective. */
int64_t cli_stored_count(const ouro_config *config);

/** The k-th stored generation.
 *  Not collective. */
int64_t cli_stored_generation(const ouro_config *config, int64_t k);

/** Write one value a node.
 *  Collective on the graph's communicator.
 *  [in] values [n_owned] of the given kind
 *  Returns the same status on all ranks: OURO_OK, OURO_EIO, OURO_ENOMEM. */
ouro_status cli_node_put(const cli_sink *sink, const char *path, ouro_kind kind, const char *description,
                         const char *units, const void *values);

/** Write /graph: names, in-degrees, samples, and the feeds of a small graph.
 *  Collective on the graph's communicator.
 *  Returns the same status on all ranks: OURO_OK, OURO_EIO, OURO_ENOMEM. */
ouro_status cli_graph_put(const cli_sink *sink);

/** Write the verdict, the unstable source and the owner of every node.
 *  Collective on the graph's communicator.
 *  Returns the same status on all ranks: OURO_OK, OURO_EIO, OURO_ENOMEM. */
ouro_status cli_verdict_put(const cli_sink *sink, const ouro_verdict *verdict);

#endif
