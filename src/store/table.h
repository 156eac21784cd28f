#ifndef OURO_STORE_TABLE_H
#define OURO_STORE_TABLE_H

/* A table in the making, shared by its making (table.c) and its writing (redistribute.c). */

#include "store/private.h"

typedef enum ouro_stage { OURO_STAGE_FILLING, OURO_STAGE_FILTERING, OURO_STAGE_WRITING } ouro_stage;

/* Chunks of the block of this rank: consecutive planes, a slice of rows. */
typedef struct ouro_batch {
  ouro_job job; /* first: what the writer is doing with the batch */
  ouro_table *table;
  ouro_stage stage;
  int64_t plane, planes; /* the first, and how many */
  int64_t slice;
  int64_t n;           /* chunks */
  char *images;        /* [chunks of a slice][image_stride] as they will stand in the file, checksum and all */
  ouro_extent *chunks; /* [chunks of a slice] */
  int error;           /* errno of the job */
} ouro_batch;

struct ouro_table {
  ouro_store *store;
  const ouro_layout *layout;
  ouro_layout *own_layout; /* of a table that rank 0 holds */
  char *path;
  hid_t dataset; /* on rank 0 alone */
  ouro_filter filter;
  int n_axes, node_axis;
  hsize_t length[3];
  bool empty; /* an axis of length 0: nothing is ever written */
  int64_t n_slabs, n_written;

  ouro_tiling tiling;
  ouro_blocks blocks;
  ouro_arrivals arrivals; /* rows of the block of this rank, by the rank that sends them */
  int block;              /* of this rank, or -1 */
  int64_t slice_rows;     /* of a block that are moved and written at a time; whole chunks */
  int64_t n_slices;       /* of the largest block */
  MPI_Datatype row;
  int *counts;        /* [4][n_ranks] of MPI_Alltoallv: counts and displacements out, then in */
  char *outgoing;     /* rows of this rank in the order of their blocks, where they are not ascending anyway */
  char *incoming;     /* rows of a slice that come from other ranks */
  int64_t n_gathered; /* planes in the batch that is filled */

  ouro_batch batch[2]; /* one is filled while the other is filtered and written */
  int filling;         /* which */
  size_t image_stride; /* bytes of a chunk with its checksum */
  char *scratch;       /* of the writer: a chunk, with deflate */
  int *chunk_counts;   /* [2][n_ranks] */
  ouro_extent *chunks; /* rank 0: of all ranks in a batch */
  bool promise;        /* its chunks are as long as promised when it was made */
};

/** Prepare the way of rows to their writers.
 *  Collective on the store's communicator.
 *  Returns the same status on all ranks: OURO_OK, OURO_ENOMEM, OURO_ELIMIT. */
ouro_status ouro_table_plan(ouro_table *table);

/** Rows low .. high-1 of a slice of a block; none if the block has fewer slices.
 *  Not collective. */
void ouro_table_slice(const ouro_table *table, int block, int64_t slice, int64_t *low, int64_t *high);

/** Move a plane to its writers, and hand it on if that completes chunks.
 *  Collective on the store's communicator.
 *  [in] values [n_local][row_bytes]
 *  Returns the same status on all ranks: OURO_OK, OURO_EIO. */
ouro_status ouro_table_write_plane(ouro_table *table, int64_t plane, const char *values);

/** Release a table. NULL is fine.
 *  Not collective. */
void ouro_table_free(ouro_table *table);

/** Room for two batches of chunks.
 *  Not collective.
 *  Returns OURO_OK or OURO_ENOMEM. */
ouro_status ouro_chunks_plan(ouro_table *table);

/** The images to be filled; waits until those that stood there are written.
 *  Not collective.
 *  Returns [chunks of a slice][image_stride]. */
char *ouro_chunks_images(ouro_table *table);

/** The images are filled: let them be filtered and, if that does not change their lengths, written.
 *  Collective on the store's communicator.
 *  [in] plane first of n_planes planes
 *  Returns the same status on all ranks: OURO_OK, OURO_EIO. */
ouro_status ouro_chunks_complete(ouro_table *table, int64_t plane, int64_t n_planes, int64_t slice);

/** Give places to the chunks of the batch that is filtered, if there is one, and let them be written.
 *  Collective on the store's communicator.
 *  Returns the same status on all ranks: OURO_OK, OURO_EIO. */
ouro_status ouro_chunks_advance(ouro_table *table);

/** Wait until all is written.
 *  Collective on the store's communicator.
 *  Returns the same status on all ranks: OURO_OK, OURO_EIO. */
ouro_status ouro_chunks_finish(ouro_table *table);

/** Release the batches.
 *  Not collective. */
void ouro_chunks_clear(ouro_table *table);

#endif
