#ifndef OURO_GRAPH_GRAPH_H
#define OURO_GRAPH_GRAPH_H

/* The distributed directed graph of models. A feed j -> i gives model i samples drawn from model j.
 *
 * Each rank owns some nodes and holds the feeds into them (in-edge CSR). The sources of those feeds that
 * other ranks own are its ghosts. Invariants, asserted by ouro_graph_is_valid():
 *  - every global id 0 .. n_nodes-1 is owned by exactly one rank; gid[0 .. n_owned) is ascending;
 *  - gid[n_owned .. n_owned+n_ghost) are exactly the sources owned elsewhere, ascending;
 *  - the feeds of a node stand in ascending global source id, each source once, samples > 0;
 *  - samples and times are NULL on all ranks or on none, and each is the same on all;
 *  - initial, noise, every are NULL on all ranks or on none. */

#include "ouro/base/status.h"
#include "ouro/config/config.h"
#include "ouro/graph/halo.h"

typedef struct ouro_graph {
  MPI_Comm comm;       /* borrowed */
  ouro_gid n_nodes;    /* global */
  ouro_eid n_feeds;    /* global */
  ouro_lid n_owned;    /* on this rank */
  ouro_lid n_ghost;    /* on this rank */
  ouro_gid *gid;       /* [n_owned + n_ghost] */
  ouro_eid *row;       /* [n_owned + 1] feeds of owned node i are row[i] .. row[i+1]-1 */
  ouro_lid *source;    /* [row[n_owned]] index into gid: owned or ghost */
  ouro_count *samples; /* [row[n_owned]] m_ij. NULL: times each; to be read by ouro_graph_samples() */
  uint16_t *times;     /* [row[n_owned]] m_ij in units of each. NULL: 1 */
  ouro_count each;
  ouro_count *real;    /* [n_owned] r_i */
  ouro_count *initial; /* [n_owned] real samples of generation 0; 0: learning.initial. NULL: so for all models */
  double *noise;       /* [n_owned + n_ghost] sigma of samples drawn from a model; NaN: model.noise. NULL: so for all */
  int64_t *every;      /* [n_owned] retrained in generations that are multiples of it, >= 1. NULL: always, all */
  bool named;          /* nodes have names (label_text), else integer labels */
  int label_width;     /* bytes a name, the same on all ranks */
  char *label_text;    /* [n_owned][label_width] zero-padded, or NULL */
  int64_t *label;      /* [n_owned] ids as the input wrote them, or NULL when named */
  ouro_eid n_merged;   /* global: duplicate feeds that were summed */
  ouro_halo *halo;     /* ghosts <-> owners */
} ouro_graph;

/** Samples m_ij of a feed: number `feed` of the rows.
 *  Not collective. */
static inline ouro_count ouro_graph_samples(const ouro_graph *graph, ouro_eid feed) {
  if (graph->samples) return graph->samples[feed];
  return graph->times ? graph->each * graph->times[feed] : graph->each;
}

/** Read or generate the graph of a configuration, then set real data (real.nodes, real.fraction) and
 *  treat roots (graph.roots).
 *  Collective on comm. The result is identical for every number of ranks but for who owns what: owned nodes
 *  are blocks of consecutive ids.
 *  [out] graph to be released with ouro_graph_destroy(); NULL on error
 *  Returns the same status on all ranks: OURO_OK, OURO_EINPUT (message "file:line: ..."), OURO_EIO, OURO_ENOMEM,
 *  OURO_ELIMIT, OURO_ECONFIG. */
ouro_status ouro_graph_open(MPI_Comm comm, const ouro_config *config, ouro_graph **graph);

/** Write a graph; the ending of path chooses the format (.tsv .txt .el .mtx .graph .h5).
 *  Collective on graph's communicator. Written under a temporary name and renamed.
 *  Returns the same status on all ranks: OURO_OK, OURO_EIO, OURO_EINPUT (a format that cannot hold this graph),
 *  OURO_ENOMEM. */
ouro_status ouro_graph_write(const ouro_graph *graph, const char *path);

/** Tell the ghosts the noise of their models.
 *  Collective on graph's communicator. Nothing is done where noise is NULL.
 *  [inout] graph its noise is [n_owned] on entry, [n_owned + n_ghost] afterwards
 *  Returns the same status on all ranks: OURO_OK, OURO_ENOMEM, OURO_EMPI. */
ouro_status ouro_graph_share_noise(ouro_graph *graph);

/** Release a graph and set it to NULL. NULL is fine.
 *  Collective on graph's communicator. */
void ouro_graph_destroy(ouro_graph **graph);

/** Check every invariant named above, and that the halo matches.
 *  Collective on graph's communicator.
 *  Returns the same answer on all ranks. */
bool ouro_graph_is_valid(const ouro_graph *graph);

/** Name of an owned node as its input wrote it.
 *  Not collective.
 *  [out] text [size]
 *  Returns text. */
const char *ouro_graph_name(const ouro_graph *graph, ouro_lid owned, char *text, size_t size);

/** Name of any node, wherever it is owned.
 *  Collective on graph's communicator; every rank asks for the same node.
 *  [out] text [size], the same on all ranks
 *  Returns text. */
const char *ouro_graph_name_of(const ouro_graph *graph, ouro_gid node, char *text, size_t size);

/** The owned node of a global id, or -1 if it is not owned here.
 *  Not collective. */
ouro_lid ouro_graph_owned(const ouro_graph *graph, ouro_gid node);

/** Training-set size n_i = r_i + sum_j m_ij of an owned node.
 *  Not collective. */
ouro_count ouro_graph_training_size(const ouro_graph *graph, ouro_lid owned);

/** Whether an owned node is a root: no feed into it and no real data.
 *  Not collective. */
bool ouro_graph_is_root(const ouro_graph *graph, ouro_lid owned);

#endif
