#ifndef OURO_GRAPH_READ_NODES_H
#define OURO_GRAPH_READ_NODES_H

/* Node files: lines "node<TAB>real", or only the node (real = 1). A first line may name more columns, in any order:
 * node, real, initial, noise, every. Where it does and leaves out `real`, the nodes have no real data. */

#include "graph/columns.h"
#include "graph/read.h"

typedef struct ouro_node_file {
  ouro_text text;
  ouro_columns columns;
} ouro_node_file;

/** Open a node file and find its columns.
 *  Collective on comm.
 *  [out] file to be released with ouro_node_file_close(), also on error
 *  Returns the same status on all ranks: OURO_OK, OURO_EINPUT, OURO_EIO, OURO_ENOMEM. */
ouro_status ouro_node_file_open(MPI_Comm comm, const char *path, ouro_node_file *file);

/** Parse its lines into reading->listed.
 *  Collective on reading's communicator.
 *  [out] named_ids the file holds an id that is no integer where integers were expected; what was parsed is void
 *  Returns the same status on all ranks: OURO_OK, OURO_EINPUT, OURO_EIO, OURO_ENOMEM. */
ouro_status ouro_node_file_parse(ouro_node_file *file, ouro_reading *reading, bool *named_ids);

/** Close the file. One that was never opened is fine.
 *  Not collective. */
void ouro_node_file_close(ouro_node_file *file);

/** The id in a field: the integer, or the number of the name when the ids of the reading are names.
 *  Not collective.
 *  [out] named_ids set where the id is no integer but should be: all begin again with names
 *  Returns OURO_OK, OURO_EINPUT, OURO_ENOMEM. */
ouro_status ouro_read_id(ouro_reading *reading, ouro_text *text, const ouro_field *field, int64_t *id, bool *named_ids);

#endif
