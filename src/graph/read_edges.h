#ifndef OURO_GRAPH_READ_EDGES_H
#define OURO_GRAPH_READ_EDGES_H

/* Lines of feeds, in edge lists and in Matrix Market files. */

#include "graph/read_nodes.h"

typedef struct ouro_edge_format {
  ouro_columns columns;
  int64_t after; /* lines that begin at or before this offset are no feeds; -1: all are */
  bool reals;    /* counts may be written as real numbers */
} ouro_edge_format;

/** Parse the lines of feeds into reading->feeds, by the ids that the file writes.
 *  Collective on reading's communicator.
 *  [out] named_ids the file holds an id that is no integer where integers were expected; what was parsed is void
 *  Returns the same status on all ranks: OURO_OK, OURO_EINPUT, OURO_EIO, OURO_ENOMEM. */
ouro_status ouro_read_edges_parse(ouro_reading *reading, ouro_text *text, const ouro_edge_format *format,
                                  bool *named_ids);

#endif
