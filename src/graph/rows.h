#ifndef OURO_GRAPH_ROWS_H
#define OURO_GRAPH_ROWS_H

/* From the feeds into a rank's nodes, in any order, to its rows and ghosts. */

#include "ouro/graph/build.h"

/** Fill in gid, row, source, samples, real, n_owned, n_ghost, and n_merged of this rank.
 *  Not collective.
 *  [in]  owned [n_owned] ascending ids
 *  [in]  feeds emptied on the way, to save memory
 *  Returns OURO_OK, OURO_ENOMEM, OURO_ELIMIT, OURO_EINTERNAL (an id or a count out of range, a feed on the wrong
 *  rank). */
ouro_status ouro_rows_fill(ouro_graph *graph, ouro_lid n_owned, const ouro_gid *owned, ouro_feeds *feeds);

/** Whether ids and count of a feed are in range.
 *  Not collective. */
static inline bool ouro_rows_is_good(const ouro_feeds *feeds, ouro_eid k, ouro_gid n_nodes) {
  return (uint64_t)feeds->source[k] < (uint64_t)n_nodes && (uint64_t)feeds->target[k] < (uint64_t)n_nodes &&
         ouro_feeds_samples(feeds, k) > 0;
}

/** Check that ids and count of a feed are in range.
 *  Not collective.
 *  Returns OURO_OK or OURO_EINTERNAL. */
ouro_status ouro_rows_check_feed(const ouro_feeds *feeds, ouro_eid k, ouro_gid n_nodes);

#endif
