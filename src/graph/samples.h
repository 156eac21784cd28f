#ifndef OURO_GRAPH_SAMPLES_H
#define OURO_GRAPH_SAMPLES_H

/* How the sample counts of feeds are held: in as few bytes as they can be. */

#include "ouro/graph/graph.h"

/** Bring the counts of a graph into the shortest form that holds them on all ranks: nothing but `each` where all are
 *  the same, 16-bit multiples of `each` where these suffice, else 64 bits.
 *  Collective on graph's communicator.
 *  [inout] graph on entry samples is [row[n_owned]]
 *  Returns the same status on all ranks: OURO_OK, OURO_ENOMEM. */
ouro_status ouro_samples_pack(ouro_graph *graph);

#endif
