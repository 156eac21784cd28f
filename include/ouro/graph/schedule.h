#ifndef OURO_GRAPH_SCHEDULE_H
#define OURO_GRAPH_SCHEDULE_H

/* How many samples each generation has: what learning and theory must count alike. */

#include "ouro/graph/graph.h"

/** Real samples of generation 0 of an owned node, n0_i: its own where the node file says so, its real data where these
 *  are initial ones, else learning.initial.
 *  Not collective. */
ouro_count ouro_schedule_initial(const ouro_config *config, const ouro_graph *graph, ouro_lid owned);

#endif
