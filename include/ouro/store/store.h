#ifndef OURO_STORE_STORE_H
#define OURO_STORE_STORE_H

/* HDF5 files written and read in parallel. Knows tables, axes and attributes, not models.
 *
 * A new file is written under a temporary name, flushed, marked complete and renamed by
 * ouro_store_commit(); a run that dies before leaves an older result untouched. Tables are laid out by
 * global row, never by rank: each rank hands in the rows it owns, in any order, and the store moves them to
 * chunk-aligned blocks on the writing ranks. Every table has units, a description and dimension scales.
 *
 * Chunks of zeros are left out: HDF5 reads zeros where there is no chunk.
 *
 * What is written is filtered and goes to the file while the program goes on, by a thread of each rank that knows no
 * MPI (where MPI_THREAD_FUNNELED is not given, by the caller). Until then it takes memory: for a table, over all ranks,
 * twice the planes that share a chunk (8 of them, or 64 MiB if that is less, or one), in large planes twice 32 MiB a
 * rank. A write that fails shows, on all ranks, in a later call, at the latest when its table is closed. */

#include "ouro/base/status.h"

typedef struct ouro_store ouro_store;   /* an open file */
typedef struct ouro_layout ouro_layout; /* who owns which global rows, and the way to the writers */
typedef struct ouro_table ouro_table;   /* an open data set */

typedef enum ouro_kind { OURO_KIND_INT64, OURO_KIND_INT32, OURO_KIND_INT8, OURO_KIND_DOUBLE, OURO_KIND_TEXT } ouro_kind;

/* An axis of a table: its dimension scale is a data set of its own, e.g. "/axis/generation". */
typedef struct ouro_axis {
  const char *name; /* e.g. "node"; tables that name the same axis share one scale */
  int64_t length;
} ouro_axis;

/* What a table is. The last field of a table is never empty: an empty description is refused. */
typedef struct ouro_table_spec {
  const char *path;  /* e.g. "/trajectory/error"; groups on the way are created */
  ouro_kind kind;    /* */
  int text_width;    /* OURO_KIND_TEXT: bytes a value, fixed, zero-padded */
  int n_axes;        /* 1 to 3 */
  ouro_axis axis[3]; /* slowest first */
  int node_axis;     /* which axis is distributed by global row (by a layout), or -1: whole table on rank 0 */
  const char *units; /* "1" for a pure number */
  const char *description;
} ouro_table_spec;

/** Create a file under a temporary name beside path.
 *  Collective on comm.
 *  [in]  replace false: an existing file at path is an error
 *  [out] store   to be ended with ouro_store_commit() or ouro_store_discard(); NULL on error
 *  Returns the same status on all ranks: OURO_OK, OURO_EIO, OURO_ENOMEM. */
ouro_status ouro_store_create(MPI_Comm comm, const char *path, bool replace, ouro_store **store);

/** Flush, mark complete, close, fsync and rename to the final name.
 *  Collective on the store's communicator. All tables must be closed.
 *  [inout] store NULL afterwards, also on error (the temporary file is then removed)
 *  Returns the same status on all ranks: OURO_OK, OURO_EIO. */
ouro_status ouro_store_commit(ouro_store **store);

/** Close and remove the temporary file; for a file opened for reading, close it. NULL is fine.
 *  Collective on the store's communicator. */
void ouro_store_discard(ouro_store **store);

/** Deflate the tables that are made from now on.
 *  Not collective; every rank passes the same.
 *  [in] level 0 (none, as it is at first) .. 9 */
void ouro_store_deflate(ouro_store *store, int level);

/** Fault injection: let the n-th change of a file from now fail on the calling rank (1 is the next), 0 to switch off.
 *  Not collective. */
void ouro_store_fail_at(int64_t n);

/** Open an existing file for reading.
 *  Collective on comm.
 *  [in]  format expected root attribute "format", or NULL for any; a file without its complete flag is refused
 *  [out] store  to be ended with ouro_store_discard(); NULL on error
 *  Returns the same status on all ranks: OURO_OK, OURO_EIO, OURO_EINPUT, OURO_ENOMEM. */
ouro_status ouro_store_open(MPI_Comm comm, const char *path, const char *format, ouro_store **store);

/** Write an attribute of a group or table ("/" for the file).
 *  Collective on the store's communicator; every rank passes the same value.
 *  Returns the same status on all ranks: OURO_OK, OURO_EIO. */
ouro_status ouro_store_set_text(ouro_store *store, const char *path, const char *name, const char *value);
ouro_status ouro_store_set_int(ouro_store *store, const char *path, const char *name, int64_t value);
ouro_status ouro_store_set_real(ouro_store *store, const char *path, const char *name, double value);

/** Read an attribute.
 *  Collective on the store's communicator.
 *  [out] value  text: to be released with free()
 *  Returns the same status on all ranks: OURO_OK, OURO_EINPUT if absent or of another kind, OURO_ENOMEM. */
ouro_status ouro_store_get_text(ouro_store *store, const char *path, const char *name, char **value);
ouro_status ouro_store_get_int(ouro_store *store, const char *path, const char *name, int64_t *value);
ouro_status ouro_store_get_real(ouro_store *store, const char *path, const char *name, double *value);

/** Learn which rank owns which of n_global rows and prepare their way to the writers.
 *  Collective on comm.
 *  [in]  gid    [n_local] global rows of this rank, each row owned by exactly one rank
 *  [out] layout to be released with ouro_layout_destroy(); NULL on error
 *  Returns the same status on all ranks: OURO_OK, OURO_ENOMEM, OURO_EINTERNAL. */
ouro_status ouro_layout_create(MPI_Comm comm, int64_t n_global, int64_t n_local, const ouro_gid *gid,
                               ouro_layout **layout);

/** Release a layout and set it to NULL. NULL is fine.
 *  Not collective. */
void ouro_layout_destroy(ouro_layout **layout);

/** Create a table: chunked, checksummed, with dimension scales, units and description.
 *  Collective on the store's communicator.
 *  [in]  layout of the node axis, NULL when spec->node_axis is -1; must outlive the table
 *  [out] table  to be released with ouro_table_close(); NULL on error
 *  Returns the same status on all ranks: OURO_OK, OURO_EIO, OURO_ENOMEM, OURO_ELIMIT, OURO_EINTERNAL (a spec without
 *  description or units, a layout or axis of another length, a path that is taken). */
ouro_status ouro_table_create(ouro_store *store, const ouro_table_spec *spec, const ouro_layout *layout,
                              ouro_table **table);

/** Write one slab: everything at index `index` of axis 0; the whole table if the node axis is axis 0 or
 *  n_axes is 1 (index must be 0 then). Slabs are written once each, in ascending order; they may go to the file
 *  later.
 *  Collective on the store's communicator.
 *  [in] values the part of this rank: shape of the slab with the node axis replaced by n_local of the layout;
 *              with node_axis -1 the whole slab on rank 0, ignored elsewhere. Not kept.
 *  Returns the same status on all ranks: OURO_OK, OURO_EIO, OURO_ENOMEM. */
ouro_status ouro_table_write(ouro_table *table, int64_t index, const void *values);

/** Wait until all slabs are written, and close. A table that lacks some is dropped, and the file cannot be completed.
 *  NULL is fine.
 *  Collective on the store's communicator.
 *  Returns the same status on all ranks: OURO_OK, OURO_EIO. */
ouro_status ouro_table_close(ouro_table **table);

/** Create, write and close a table in one go, all its slabs one behind the other in values.
 *  Collective on the store's communicator. Arguments and errors as above.
 *  [in] values the part of this rank: shape of the table with the node axis replaced by n_local of the layout;
 *              with node_axis -1 the whole table on rank 0, ignored elsewhere */
ouro_status ouro_store_put(ouro_store *store, const ouro_table_spec *spec, const ouro_layout *layout,
                           const void *values);

/** Set the values of an axis, e.g. the generations that were kept; an axis that is not set counts 0, 1, 2, ...
 *  Collective on the store's communicator. Before the first table that names the axis.
 *  [in] spec   its only axis is the one to set; path and node_axis are not used
 *  [in] values the whole axis on rank 0, ignored elsewhere
 *  Returns the same status on all ranks: OURO_OK, OURO_EIO, OURO_ENOMEM, OURO_EINTERNAL. */
ouro_status ouro_store_axis(ouro_store *store, const ouro_table_spec *spec, const void *values);

/* What an existing table looks like. */
typedef struct ouro_table_shape {
  ouro_kind kind;
  int text_width;
  int n_axes;
  int64_t length[3];
} ouro_table_shape;

/** Shape of an existing table.
 *  Collective on the store's communicator.
 *  Returns the same status on all ranks: OURO_OK, OURO_EINPUT if there is no such table or it has another form. */
ouro_status ouro_store_shape(ouro_store *store, const char *path, ouro_table_shape *shape);

/** Read rows first .. first+n-1 of axis 0, each rank its own range (n = 0 is fine).
 *  Collective on the store's communicator.
 *  [out] values [n][...] of the given kind; HDF5 converts between number kinds
 *  Returns the same status on all ranks: OURO_OK, OURO_EIO (also a failed checksum), OURO_ENOMEM. */
ouro_status ouro_store_read(ouro_store *store, const char *path, ouro_kind kind, int64_t first, int64_t n,
                            void *values);

/** Paths of all tables of a file but axes, in bytewise order.
 *  Collective on the store's communicator.
 *  [out] paths [*n] one block, to be released with free()
 *  Returns the same status on all ranks: OURO_OK, OURO_EIO, OURO_ENOMEM. */
ouro_status ouro_store_list(ouro_store *store, char ***paths, int *n);

#endif
