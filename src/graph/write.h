#ifndef OURO_GRAPH_WRITE_H
#define OURO_GRAPH_WRITE_H

/* What the writers of all formats share: feeds in file order, and a text file written by all ranks. */

#include "ouro/graph/graph.h"

/* The feeds of a graph by blocks of sources, ascending by source and then target: the same order for every number
 * of ranks and whoever owns what. */
typedef struct ouro_sorted {
  ouro_gid first, n_block; /* nodes of this rank's block */
  ouro_eid n;
  int64_t width;   /* words a record: source, target, samples, and with labels those of source and target */
  int64_t *record; /* [n][width] */
} ouro_sorted;

enum { OURO_SORTED_SOURCE, OURO_SORTED_TARGET, OURO_SORTED_SAMPLES, OURO_SORTED_LABELS };

/** Bring the feeds into file order.
 *  Collective on graph's communicator.
 *  [in]  labels  whether records carry the labels: each one word, the integer, or the words of the padded name
 *  [out] sorted  to be released with ouro_sorted_clear(), also on error
 *  Returns the same status on all ranks: OURO_OK, OURO_ENOMEM, OURO_EMPI, OURO_ELIMIT. */
ouro_status ouro_sorted_create(const ouro_graph *graph, bool labels, ouro_sorted *sorted);

/** Release the records.
 *  Not collective. */
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
