#ifndef OURO_GRAPH_READ_H
#define OURO_GRAPH_READ_H

/* What a file reader finds, on its way to a graph. A format's reader fills in feeds by the ids it has, either
 * dense ones (n_nodes > 0, labels are consecutive) or raw ones, which ouro_read_finish() numbers. */

#include "graph/names.h"
#include "ouro/graph/build.h"

/* What single models have of their own. */
typedef struct ouro_traits {
  ouro_count *initial; /* 0: not given */
  double *noise;       /* NaN: not given */
  int64_t *every;      /* 1: not given */
} ouro_traits;

/* The lines of a node file on this rank. */
typedef struct ouro_listed {
  int64_t n, capacity;
  int64_t *node;     /* [n] id, or number of the name; in the end the dense id */
  ouro_count *real;  /* [n] */
  int64_t *line;     /* [n] in the file */
  ouro_traits trait; /* [n] each; NULL without the column */
} ouro_listed;

typedef struct ouro_reading {
  MPI_Comm comm; /* borrowed */
  const ouro_config *config;
  const char *file;      /* NULL for a generated graph */
  const char *node_file; /* NULL if there is none */
  ouro_feeds feeds;
  int64_t *feed_line; /* [feeds.n] line of each feed in the file, kept only for published draws; else NULL */
  ouro_listed listed;
  bool named;          /* ids are numbers of names */
  ouro_names names;    /* of this rank */
  ouro_gid n_nodes;    /* when declared: ids are those below */
  int64_t first_label; /* declared ids are first_label .. first_label + n_nodes - 1 */
  uint64_t *key;       /* [nodes of this rank's block][width]; NULL when declared */
  int64_t width;
  ouro_count *real;  /* [nodes of this rank's block] stored in the file, or NULL */
  ouro_traits trait; /* likewise */
} ouro_reading;

/** Read an edge list, and the node file if there is one.
 *  Collective on reading's communicator.
 *  Returns the same status on all ranks: OURO_OK, OURO_ECONFIG, OURO_EINPUT, OURO_EIO, OURO_ENOMEM. */
ouro_status ouro_read_edges(ouro_reading *reading);

/** Read the node file of a graph whose ids are known already.
 *  Collective on reading's communicator.
 *  Returns the same status on all ranks: OURO_OK, OURO_EINPUT, OURO_EIO, OURO_ENOMEM. */
ouro_status ouro_read_nodes(ouro_reading *reading);

/** Read a Matrix Market file: entry (i, j) is the feed i -> j.
 *  Collective on reading's communicator.
 *  Returns the same status on all ranks: OURO_OK, OURO_ECONFIG, OURO_EINPUT, OURO_EIO, OURO_ENOMEM. */
ouro_status ouro_read_mtx(ouro_reading *reading);

/** Read a METIS graph: each line lists the neighbours of a node, which feed it.
 *  Collective on reading's communicator.
 *  Returns the same status on all ranks: OURO_OK, OURO_ECONFIG, OURO_EINPUT, OURO_EIO, OURO_ENOMEM. */
ouro_status ouro_read_metis(ouro_reading *reading);

/** Read a graph that ouro_graph_write() wrote to HDF5. Ids are dense afterwards, those of the node file too.
 *  Collective on reading's communicator.
 *  Returns the same status on all ranks: OURO_OK, OURO_ECONFIG, OURO_EINPUT, OURO_EIO, OURO_ENOMEM. */
ouro_status ouro_read_h5(ouro_reading *reading);

/** Refuse keys that are for edge lists alone.
 *  Not collective.
 *  Returns OURO_OK or OURO_ECONFIG. */
ouro_status ouro_read_refuse_keys(const ouro_reading *reading, const char *format);

/** Check that feeds suit published draws: all feeds of a model carry one count, none stands twice.
 *  Collective on reading's communicator. Ids are dense.
 *  Returns the same status on all ranks: OURO_OK, OURO_EINPUT with a message that names both lines, OURO_ENOMEM. */
ouro_status ouro_read_check_published(const ouro_reading *reading);

/** Turn the ids that the file wrote into dense ones.
 *  Collective on reading's communicator.
 *  Returns the same status on all ranks: OURO_OK, OURO_EINPUT, OURO_ENOMEM, OURO_ELIMIT. */
ouro_status ouro_read_number(ouro_reading *reading);

/** Number integer ids in numeric order and replace them by their numbers.
 *  Collective on comm.
 *  [inout] list  [3] arrays of ids, [n[k]] each
 *  [out]   key   keys of this rank's block as in ouro_keys_to_blocks(), to be released with free()
 *  Returns the same status on all ranks: OURO_OK, OURO_ENOMEM, OURO_ELIMIT. */
ouro_status ouro_integers_number(MPI_Comm comm, int64_t *const list[3], const int64_t n[3], ouro_gid *n_nodes,
                                 uint64_t **key);

/** Release traits.
 *  Not collective. */
void ouro_traits_clear(ouro_traits *trait);

/** Release what a reading holds.
 *  Not collective. */
void ouro_reading_clear(ouro_reading *reading);

#endif
