#ifndef OURO_GRAPH_BUILD_H
#define OURO_GRAPH_BUILD_H

/* From feeds in any order on any rank to the distributed graph. */

#include "ouro/graph/graph.h"

/* Feeds by global id, a structure of arrays that grows. */
typedef struct ouro_feeds {
  ouro_eid n, capacity;
  ouro_gid *source, *target; /* [n] */
  ouro_count *samples;       /* [n], or NULL */
  ouro_count each;           /* positive: the samples of every feed, which have no array then */
} ouro_feeds;

/** Samples of a feed.
 *  Not collective. */
static inline ouro_count ouro_feeds_samples(const ouro_feeds *feeds, ouro_eid k) {
  return feeds->each ? feeds->each : feeds->samples[k];
}

/** Append a feed.
 *  Not collective.
 *  Returns OURO_OK or OURO_ENOMEM. */
ouro_status ouro_feeds_add(ouro_feeds *feeds, ouro_gid source, ouro_gid target, ouro_count samples);

/** Make room for `capacity` feeds in all.
 *  Not collective.
 *  Returns OURO_OK or OURO_ENOMEM. */
ouro_status ouro_feeds_reserve(ouro_feeds *feeds, ouro_eid capacity);

/** Release the arrays and empty the list.
 *  Not collective. */
void ouro_feeds_clear(ouro_feeds *feeds);

/** First node of the block of consecutive ids that a rank gets when n nodes are split over n_ranks.
 *  Not collective. Blocks differ by at most one node; rank n_ranks gives n. */
ouro_gid ouro_graph_block_first(ouro_gid n_nodes, int n_ranks, int rank);

/** Rank whose block holds a node.
 *  Not collective. */
int ouro_graph_block_rank(ouro_gid n_nodes, int n_ranks, ouro_gid node);

/** Build a graph whose owned nodes are blocks of consecutive ids. Duplicate feeds are summed (training sets are
 *  checked for overflow), self-loops are kept, real data is 0 everywhere, labels are the ids.
 *  Collective on comm.
 *  [in]  feeds emptied on the way, to save memory
 *  [out] graph to be released with ouro_graph_destroy(); NULL on error
 *  Returns the same status on all ranks: OURO_OK, OURO_ENOMEM, OURO_ELIMIT, OURO_EINTERNAL (an id or a count out
 *  of range). */
ouro_status ouro_graph_build(MPI_Comm comm, ouro_gid n_nodes, ouro_feeds *feeds, ouro_graph **graph);

/** Build a graph whose owned nodes are those given, from feeds that already are on the owner of their target.
 *  Collective on comm. Used by migration and by ouro_graph_build().
 *  [in]  owned [n_owned] ascending global ids
 *  [in]  feeds emptied on the way
 *  [out] graph real = 0, no labels; NULL on error
 *  Returns the same status on all ranks: OURO_OK, OURO_ENOMEM, OURO_ELIMIT, OURO_EINTERNAL (an id or a count out
 *  of range, a feed on the wrong rank, a node with two owners or none). */
ouro_status ouro_graph_assemble(MPI_Comm comm, ouro_gid n_nodes, ouro_lid n_owned, const ouro_gid *owned,
                                ouro_feeds *feeds, ouro_graph **graph);

#endif
