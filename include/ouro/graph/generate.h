#ifndef OURO_GRAPH_GENERATE_H
#define OURO_GRAPH_GENERATE_H

/* Generators, communication-free and identical for every number of ranks. */

#include "ouro/graph/build.h"

/** Number of nodes a generator makes.
 *  Not collective.
 *  Returns OURO_OK, or OURO_ECONFIG / OURO_ELIMIT with a message that names the key. */
ouro_status ouro_graph_generate_nodes(const ouro_config_generate *generate, ouro_gid *n_nodes);

/** The feeds of a generated graph into the nodes first .. first+n-1.
 *  Not collective, no communication.
 *  [in]  samples  of every feed
 *  [out] feeds    appended to; may hold duplicates (R-MAT), which the builder sums
 *  Returns OURO_OK, OURO_ENOMEM, OURO_ECONFIG, OURO_ELIMIT. */
ouro_status ouro_graph_generate(const ouro_config_generate *generate, ouro_count samples, ouro_gid first, ouro_gid n,
                                ouro_feeds *feeds);

#endif
