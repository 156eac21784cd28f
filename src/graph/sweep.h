#ifndef OURO_GRAPH_SWEEP_H
#define OURO_GRAPH_SWEEP_H

/* Spreading the smallest value over a distributed graph, along feeds or against them: afterwards the value of a
 * node is the smallest of those of all nodes it can be reached from through nodes that admit it. */

#include "ouro/graph/graph.h"

#define OURO_SWEEP_NONE UINT64_MAX

/* Two more ways forward: COUNTING gives a value on plus one, and a node keeps the first it gets; in COMMON a node keeps
 * the bits that it and all values given to it have in common. */
typedef enum ouro_sweep_way {
  OURO_SWEEP_FORWARD,
  OURO_SWEEP_BACKWARD,
  OURO_SWEEP_COUNTING,
  OURO_SWEEP_COMMON
} ouro_sweep_way;

/** Spread values until nothing changes.
 *  Collective on graph's communicator.
 *  [in]    floor [n_owned + n_ghost] a node takes no value below this: 0 admits all, OURO_SWEEP_NONE none; forward
 *                sweeps read those of owned nodes only
 *  [inout] value [n_owned + n_ghost] start values of owned nodes, OURO_SWEEP_NONE where there is none; those of
 *                ghosts are overwritten: after a forward sweep they are their owners'
 *  [out]   rounds exchanges between ranks, the same on all; may be NULL
 *  Returns the same status on all ranks: OURO_OK, OURO_ENOMEM. */
ouro_status ouro_sweep(const ouro_graph *graph, ouro_sweep_way way, const uint64_t *floor, uint64_t *value,
                       int64_t *rounds);

#endif
