#ifndef OURO_BASE_ALLTOALL_H
#define OURO_BASE_ALLTOALL_H

/* Personalised all-to-all of items of some bytes with 64-bit counts, which MPI 3 has not, in messages as long as
 * ouro/base/message.h has them. For set-up, not for loops: its arrays are as long as there are ranks. */

#include "ouro/base/status.h"

/** Tell every rank how many items it will get, and learn how many come.
 *  Collective on comm.
 *  [in]  n_send    [ranks]
 *  [out] n_receive [ranks]
 *  Returns the sum of n_receive. */
int64_t ouro_alltoall_counts(MPI_Comm comm, const int64_t *n_send, int64_t *n_receive);

/** Send n_send[r] items to every rank r.
 *  Collective on comm.
 *  [in]  bytes     of an item
 *  [in]  n_send    [ranks]
 *  [in]  send      [sum n_send] items for rank 0 first, then those for rank 1 and so on
 *  [in]  n_receive [ranks] from ouro_alltoall_counts()
 *  [out] receive   [sum n_receive] items of rank 0 first */
void ouro_alltoall(MPI_Comm comm, size_t bytes, const int64_t *n_send, const void *send, const int64_t *n_receive,
                   void *receive);

/** The same for 64-bit words.
 *  Collective on comm. */
static inline void ouro_alltoall_words(MPI_Comm comm, const int64_t *n_send, const int64_t *send,
                                       const int64_t *n_receive, int64_t *receive) {
  ouro_alltoall(comm, sizeof *send, n_send, send, n_receive, receive);
}

#endif
