#ifndef OURO_STORE_TABLE_H
#define OURO_STORE_TABLE_H

/* A table in the making, shared by its making (table.c) and its writing (redistribute.c). */

#include "store/private.h"

struct ouro_table {
  ouro_store *store;
  const ouro_layout *layout;
  ouro_layout *own_layout; /* of a table that rank 0 holds */
  char *path;
  hid_t dataset, type;
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
  char *outgoing;     /* rows of this rank in the order of their blocks */
  char *incoming;     /* [slice rows] */
  char *gathered;     /* [chunk_planes][slice rows] */
  int64_t n_gathered; /* planes in it */
};

/** Prepare the way of rows to their writers.
 *  Collective on the store's communicator.
 *  Returns the same status on all ranks: OURO_OK, OURO_ENOMEM, OURO_ELIMIT. */
ouro_status ouro_table_plan(ouro_table *table);

/** Move a plane to its writers, and write it if that completes chunks.
 *  Collective on the store's communicator.
 *  [in] values [n_local][row_bytes]
 *  Returns the same status on all ranks: OURO_OK, OURO_EIO. */
ouro_status ouro_table_write_plane(ouro_table *table, int64_t plane, const char *values);

/** Release a table. NULL is fine.
 *  Not collective. */
void ouro_table_free(ouro_table *table);

#endif
