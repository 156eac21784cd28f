#ifndef OURO_GRAPH_CHECK_H
#define OURO_GRAPH_CHECK_H

#include "ouro/graph/graph.h"

/** Check every invariant of a graph, and say which one is broken.
 *  Collective on graph's communicator.
 *  Returns the same status on all ranks: OURO_OK, OURO_EINTERNAL with a message, OURO_ENOMEM. */
ouro_status ouro_graph_check(const ouro_graph *graph);

#endif
