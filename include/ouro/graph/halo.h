#ifndef OURO_GRAPH_HALO_H
#define OURO_GRAPH_HALO_H

/* One value per ghost node, carried from owners to ghosts and back. Messages go to neighbour ranks only. */

#include "ouro/base/status.h"

typedef struct ouro_halo {
  MPI_Comm comm; /* borrowed */
  ouro_lid n_owned, n_ghost;
  int n_receive;         /* ranks that own ghosts of this rank */
  int *receive_rank;     /* [n_receive] ascending */
  ouro_lid *receive_row; /* [n_receive + 1] */
  ouro_lid *receive;  /* [n_ghost] ghosts by owner, as indices n_owned .. n_owned+n_ghost-1, ascending gid within one */
  int n_send;         /* ranks that have ghosts owned here */
  int *send_rank;     /* [n_send] ascending */
  ouro_lid *send_row; /* [n_send + 1] */
  ouro_lid *send;     /* [send_row[n_send]] owned nodes each of them needs, in the order it expects */
} ouro_halo;

/** Find the owners of the ghosts and tell them.
 *  Collective on comm. Owners are found through a directory of id blocks, no O(n_nodes) array on any rank.
 *  [in]  gid  [n_owned + n_ghost] as in ouro_graph
 *  [out] halo to be released with ouro_halo_destroy(); NULL on error
 *  Returns the same status on all ranks: OURO_OK, OURO_ENOMEM, OURO_EINTERNAL. */
ouro_status ouro_halo_create(MPI_Comm comm, ouro_gid n_nodes, ouro_lid n_owned, ouro_lid n_ghost, const ouro_gid *gid,
                             ouro_halo **halo);

/** Release a halo and set it to NULL. NULL is fine.
 *  Not collective. */
void ouro_halo_destroy(ouro_halo **halo);

/* The way of values of one size to the ghosts, time and again without an allocation. */
typedef struct ouro_halo_courier ouro_halo_courier;

/** Set up the way of values of `bytes` bytes each.
 *  Collective on halo's communicator.
 *  [in]  halo    must outlive the courier
 *  [out] courier to be released with ouro_halo_courier_destroy(); NULL on error
 *  Returns the same status on all ranks: OURO_OK, OURO_ENOMEM, OURO_ELIMIT. */
ouro_status ouro_halo_courier_create(const ouro_halo *halo, size_t bytes, ouro_halo_courier **courier);

/** Copy the values of owned nodes to their ghosts.
 *  Collective on the halo's communicator.
 *  [inout] values [n_owned + n_ghost] */
void ouro_halo_courier_update(ouro_halo_courier *courier, void *values);

/** Release a courier and set it to NULL. NULL is fine.
 *  Not collective. */
void ouro_halo_courier_destroy(ouro_halo_courier **courier);

/** Copy the values of owned nodes to their ghosts, once.
 *  Collective on halo's communicator.
 *  [inout] values [n_owned + n_ghost] of `bytes` bytes each
 *  Returns the same status on all ranks: OURO_OK, OURO_ENOMEM, OURO_EMPI. */
ouro_status ouro_halo_update(const ouro_halo *halo, void *values, size_t bytes);

/** Combine the values of ghosts into those of their owners by maximum.
 *  Collective on halo's communicator.
 *  [inout] values [n_owned + n_ghost]; ghosts keep theirs
 *  Returns the same status on all ranks: OURO_OK, OURO_ENOMEM, OURO_EMPI. */
ouro_status ouro_halo_reduce_max(const ouro_halo *halo, int64_t *values);

#endif
