#ifndef OURO_GRAPH_ALLTOALL_H
#define OURO_GRAPH_ALLTOALL_H

/* Personalised all-to-all of 64-bit words with 64-bit counts, which MPI 3 has not. For set-up, not for loops:
 * its arrays are as long as there are ranks. */

#include "ouro/base/status.h"

/** Tell every rank how many words it will get, and learn how many come.
 *  Collective on comm.
 *  [in]  n_send    [ranks]
 *  [out] n_receive [ranks]
 *  Returns the sum of n_receive. */
int64_t ouro_alltoall_counts(MPI_Comm comm, const int64_t *n_send, int64_t *n_receive);

/** Send n_send[r] words to every rank r.
 *  Collective on comm.
 *  [in]  n_send    [ranks]
 *  [in]  send      [sum n_send] words for rank 0 first, then those for rank 1 and so on
 *  [in]  n_receive [ranks] from ouro_alltoall_counts()
 *  [out] receive   [sum n_receive] words of rank 0 first */
void ouro_alltoall_words(MPI_Comm comm, const int64_t *n_send, const int64_t *send, const int64_t *n_receive,
                         int64_t *receive);

/** The same in messages of at most `largest` words, so that a test can have several of them.
 *  Collective on comm. */
void ouro_alltoall_pieces(MPI_Comm comm, const int64_t *n_send, const int64_t *send, const int64_t *n_receive,
                          int64_t *receive, int64_t largest);

#endif
