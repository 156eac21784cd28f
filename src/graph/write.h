#ifndef OURO_GRAPH_WRITE_H
#define OURO_GRAPH_WRITE_H

/* What the writers of all formats share: feeds in file order, and a text file written by all ranks. */

#include "ouro/graph/graph.h"

/* The feeds of a graph by blocks of sources, ascending by source and then target: the same order for every number
 * of ranks and whoever owns what. It is the order of the rows of the graph turned round. */
typedef struct ouro_sorted {
  ouro_graph
      *turned;     /* node i is fed, in words of this graph, by those that it feeds in the other; its counts are .. */
  ouro_count unit; /* .. in units of this, so that what a node feeds to many can be counted */
  int64_t *label;  /* [n_owned + n_ghost][ouro_label_words()] of its nodes, each one word, the integer, or the words
                    * of the padded name; NULL without labels */
} ouro_sorted;

/** Bring the feeds into file order.
 *  Collective on graph's communicator.
 *  [in]  labels whether labels are wanted, too
 *  [out] sorted to be released with ouro_sorted_clear(), also on error
 *  Returns the same status on all ranks: OURO_OK, OURO_ENOMEM, OURO_EMPI, OURO_ELIMIT. */
ouro_status ouro_sorted_create(const ouro_graph *graph, bool labels, ouro_sorted *sorted);

/** Samples of a feed: number `feed` of the rows.
 *  Not collective. */
static inline ouro_count ouro_sorted_samples(const ouro_sorted *sorted, ouro_eid feed) {
  return sorted->unit * ouro_graph_samples(sorted->turned, feed);
}

/** Release them.
 *  Collective on graph's communicator. */
void ouro_sorted_clear(ouro_sorted *sorted);

/** Words of one label.
 *  Not collective. */
int64_t ouro_label_words(const ouro_graph *graph);

/* The part of a text file that one rank writes. */
typedef struct ouro_out {
  char *text;
  size_t n, room;
} ouro_out;

/** Append to the text.
 *  Not collective.
 *  Returns OURO_OK or OURO_ENOMEM. */
ouro_status ouro_out_bytes(ouro_out *out, const char *bytes, size_t n);
ouro_status ouro_out_integer(ouro_out *out, int64_t value, char behind);

/** Write the parts of all ranks, in rank order, under a temporary name, and rename. The text is released.
 *  Collective on comm.
 *  Returns the same status on all ranks: OURO_OK, OURO_EIO with the temporary file removed. */
ouro_status ouro_out_commit(MPI_Comm comm, const char *path, ouro_out *out);

/** Write one format.
 *  Collective on graph's communicator.
 *  Returns the same status on all ranks: OURO_OK, OURO_EIO, OURO_EINPUT (it cannot hold this graph), OURO_ENOMEM. */
ouro_status ouro_write_edges(const ouro_graph *graph, const char *path);
ouro_status ouro_write_mtx(const ouro_graph *graph, const char *path);
ouro_status ouro_write_metis(const ouro_graph *graph, const char *path);
ouro_status ouro_write_h5(const ouro_graph *graph, const char *path);

#endif
