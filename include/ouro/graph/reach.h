#ifndef OURO_GRAPH_REACH_H
#define OURO_GRAPH_REACH_H

/* Sweeps over a distributed graph, frontier by frontier: each rank runs its frontier dry before the ranks
 * exchange what crossed a cut. */

#include "ouro/graph/graph.h"

/** Mark every node that can be reached along feeds from the marked ones, within an allowed set.
 *  Collective on graph's communicator.
 *  [inout] marked  [n_owned] nonzero = start; on return also what is reached
 *  [in]    allowed [n_owned] nonzero = may be entered, or NULL for all; starts outside it are dropped
 *  Returns the same status on all ranks: OURO_OK, OURO_ENOMEM. */
ouro_status ouro_graph_reach_forward(const ouro_graph *graph, const int8_t *allowed, int8_t *marked);

/** 64 sweeps at once: give every bit of a node to all that can be reached from it.
 *  Collective on graph's communicator.
 *  [in]    allowed [n_owned] nonzero = may be entered, or NULL for all
 *  [inout] bits    [n_owned] bit b set = reached in sweep b
 *  Returns the same status on all ranks: OURO_OK, OURO_ENOMEM. */
ouro_status ouro_graph_reach_bits(const ouro_graph *graph, const int8_t *allowed, uint64_t *bits);

/** Source components that lie inside a set: strongly connected components of the whole graph that contain a cycle
 *  and that no feed enters from outside (THEORY.md section 2). Such a component consists of the ancestors of any
 *  of its nodes, hence of the node that comes first in some order of all nodes. So one forward propagation of the
 *  first ancestor and one backward sweep find all of them; nothing else is decomposed. The order is a fixed shuffle
 *  of the ids, in which a node meets a new first ancestor about log(n_nodes) times, whatever the graph.
 *  Collective on graph's communicator.
 *  [in]  inside    [n_owned] nonzero = in the set
 *  [out] component [n_owned] smallest global id of the source component the node belongs to, or -1
 *  Returns the same status on all ranks: OURO_OK, OURO_ENOMEM. */
ouro_status ouro_graph_reach_sources(const ouro_graph *graph, const int8_t *inside, ouro_gid *component);

/** Steps along feeds from the first node of each component to its others: some path of that many feeds leads there.
 *  Which path is left open, but all have the same length modulo the component's period (the gcd of its cycles).
 *  Collective on graph's communicator.
 *  [in]  component [n_owned] as ouro_graph_reach_sources() gives it
 *  [out] level     [n_owned + n_ghost] 0 at the first node; -1 outside components
 *  Returns the same status on all ranks: OURO_OK, OURO_ENOMEM. */
ouro_status ouro_graph_reach_levels(const ouro_graph *graph, const ouro_gid *component, int64_t *level);

#endif
