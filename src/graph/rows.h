#ifndef OURO_GRAPH_ROWS_H
#define OURO_GRAPH_ROWS_H

/* From the feeds into a rank's nodes, in buckets, to its rows and ghosts. */

#include "graph/buckets.h"

/** Fill in gid, row, source, samples, real, n_owned, n_ghost, and n_merged of this rank.
 *  Not collective.
 *  [in]  owned   [n_owned] ascending ids
 *  [in]  buckets whose target i is owned[i]; their arrays become those of the graph
 *  Returns OURO_OK, OURO_ENOMEM, OURO_ELIMIT. */
ouro_status ouro_rows_fill(ouro_graph *graph, ouro_lid n_owned, const ouro_gid *owned, ouro_buckets *buckets);

#endif
