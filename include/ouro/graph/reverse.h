#ifndef OURO_GRAPH_REVERSE_H
#define OURO_GRAPH_REVERSE_H

/* A graph seen from its sources: who trains on a model. */

#include "ouro/graph/graph.h"

/** Turn round the feeds between nodes of one component; the other feeds are left out.
 *  Collective on graph's communicator.
 *  [in]  component [n_owned + n_ghost] equal and non-negative: one component; ghosts as their owners
 *  [out] reversed  same nodes and owners, real = 0, no labels; to be released with ouro_graph_destroy(); NULL on error
 *  Returns the same status on all ranks: OURO_OK, OURO_ENOMEM, OURO_ELIMIT. */
ouro_status ouro_graph_reverse(const ouro_graph *graph, const ouro_gid *component, ouro_graph **reversed);

#endif
