#ifndef OURO_PARTITION_PARTITION_H
#define OURO_PARTITION_PARTITION_H

/* Which rank owns which node, how good that is, and moving the graph there. */

#include "ouro/graph/graph.h"

/* What a partition costs. Bytes are those of one generation and one replicate. */
typedef struct ouro_partition_figures {
  int n_parts;
  const char *method;    /* what made it: "metis", "ptscotch", "hash", "file", or "block" if asked for or the others had
                            no work or failed */
  const char *objective; /* "cut" or "volume": what METIS makes small and block_bytes and random_bytes count */
  ouro_eid cut_feeds;    /* feeds between different parts */
  double cut_bytes;      /* bytes over the cut, private draws */
  double volume_bytes;   /* bytes over the cut, published draws: the corpus of a source, as large as the largest feed it
                            gives, counts once a part it feeds */
  double imbalance;      /* largest training cost of a part over the mean */
  int max_neighbours;    /* parts that one part exchanges with, at most */
  int empty_parts;
  double block_bytes;  /* the objective's bytes of the block partition */
  double random_bytes; /* and of a random one (by a hash of the id) */
} ouro_partition_figures;

/** What crosses a cut as far as a partition is concerned: samples for each feed, or what all consumers beyond the cut
 *  share, which published samples are, and parameters, too.
 *  Not collective. */
static inline ouro_draw ouro_partition_crossing(const ouro_config *config) {
  return config->exchange.carry == OURO_CARRY_PARAMETERS ? OURO_DRAW_PUBLISHED : config->learning.draw;
}

/** Choose an owner for every node.
 *  Collective on graph's communicator. METIS runs on rank 0 on the symmetrised graph, PT-Scotch on all ranks; vertex
 *  weight = training cost, edge weight = bytes moved a generation; the result is validated whatever was returned, and
 *  blocks of consecutive ids take its place, with a warning, if it is of no use. For a given number of parts the result
 *  is a function of the graph: neither the ranks (but for PT-Scotch's) nor who owns what change it. Parts may be empty.
 *  PT-Scotch always makes the cut small, whatever the objective. While METIS runs, rank 0 writes nothing to stdout and
 *  stderr, and a SIGTERM there ends METIS instead of the program.
 *  [in]  n_parts   number of parts, 1 or more (usually the ranks of the communicator)
 *  [in]  row_bytes bytes of one sample on the wire; scales the figures, the partition does not depend on it
 *  [in]  draw      resolves objective auto: cut for private, volume for published draws
 *  [out] owner     [n_owned] part of each owned node, 0 .. n_parts-1
 *  [out] figures   the same on all ranks
 *  Returns the same status on all ranks: OURO_OK, OURO_ELIMIT (more than METIS' 32-bit indices hold; the message
 *  names the other methods), OURO_ECONFIG (PT-Scotch where this build has none), OURO_EIO, OURO_EINPUT (a partition
 *  file that is not of this graph or not of so many parts), OURO_ENOMEM, OURO_EMPI, OURO_EINTERNAL. */
ouro_status ouro_partition_choose(const ouro_graph *graph, const ouro_config_partition *options, ouro_draw draw,
                                  int n_parts, double row_bytes, int32_t *owner, ouro_partition_figures *figures);

/** What a partition gains, in words: how many times as much blocks of ids and a random partition move, and whether the
 *  graph has structure to gain from.
 *  Not collective.
 *  [out] text [size]
 *  Returns text. */
const char *ouro_partition_gain(const ouro_partition_figures *figures, char *text, size_t size);

/** First line of the file of a partition, by which it is known again: nodes, parts and a digest of who feeds whom. The
 *  second is "node<TAB>part", and then come the nodes in order of their ids.
 *  Collective on graph's communicator.
 *  [out] text [size] without a newline, the same on all ranks
 *  Returns text. */
const char *ouro_partition_headline(const ouro_graph *graph, const ouro_partition_figures *figures, char *text,
                                    size_t size);

/** Move every node, its feeds, real data and label to its owner.
 *  Collective on graph's communicator.
 *  [inout] graph  replaced by the migrated graph; on error unchanged
 *  [in]    owner  [n_owned] rank of the graph's communicator; ranks may end without nodes
 *  Returns the same status on all ranks: OURO_OK, OURO_ENOMEM, OURO_ELIMIT, OURO_EINTERNAL (no such rank). */
ouro_status ouro_partition_migrate(ouro_graph **graph, const int32_t *owner);

/** The whole graph once more for each of several groups of ranks: rank r of a group owns what the ranks r of all groups
 *  own together of the given graph.
 *  Collective on graph's communicator.
 *  [in]  within the ranks of this group; must outlive the copy
 *  [in]  across the ranks of this number of all groups
 *  [out] copy   a graph on `within`, to be released with ouro_graph_destroy(); NULL on error
 *  Returns the same status on all ranks: OURO_OK, OURO_ENOMEM, OURO_ELIMIT. */
ouro_status ouro_partition_gather(const ouro_graph *graph, MPI_Comm within, MPI_Comm across, ouro_graph **copy);

/** Name and version of the libraries that partition, e.g. "METIS 5.1.0, PT-Scotch 7.0.3".
 *  Not collective.
 *  Returns a constant. */
const char *ouro_partition_library(void);

#endif
