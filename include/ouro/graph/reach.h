#ifndef OURO_GRAPH_REACH_H
#define OURO_GRAPH_REACH_H

/* Sweeps over a distributed graph, frontier by frontier: each rank runs its frontier dry before the ranks
 * exchange what crossed a cut. */

#include "ouro/graph/graph.h"

/** Mark every node that can be reached along feeds from the marked ones, within an allowed set.
 *  Collective on graph's communicator.
 *  [inout] marked  [n_owned] nonzero = start; on return also what is reached
 *  [in]    allowed [n_owned] nonzero = may be entered, or NULL for all; starts outside it are dropped
 *  Returns the same status on all ranks: OURO_OK, OURO_ENOMEM, OURO_EMPI. */
ouro_status ouro_graph_reach_forward(const ouro_graph *graph, const int8_t *allowed, int8_t *marked);

/** Source components of a set of nodes that is closed under predecessors: strongly connected components that
 *  contain a cycle and that no feed enters from outside. Such a component consists of the ancestors of its
 *  node of largest id, so one forward propagation of the largest ancestor id and one backward sweep find all
 *  of them; nothing else is decomposed.
 *  Collective on graph's communicator.
 *  [in]  inside    [n_owned] nonzero = in the set
 *  [out] component [n_owned] smallest global id of the source component the node belongs to, or -1
 *  Returns the same status on all ranks: OURO_OK, OURO_ENOMEM, OURO_EMPI. */
ouro_status ouro_graph_reach_sources(const ouro_graph *graph, const int8_t *inside, ouro_gid *component);

#endif
