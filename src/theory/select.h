#ifndef OURO_THEORY_SELECT_H
#define OURO_THEORY_SELECT_H

/* The least pairs of all ranks, and the sum of values by key, without an array over all nodes. */

#include "ouro/base/status.h"

#define OURO_SELECT_MOST 1024

typedef struct ouro_pair {
  int64_t key, value;
} ouro_pair;

/** Order of pairs, by key and then by value, for qsort().
 *  Not collective. */
int ouro_pair_compare(const void *left, const void *right);

/** Combine pairs of equal key into one that holds the sum of their values.
 *  Not collective.
 *  [inout] pairs [n] in any order; on return ascending by key
 *  Returns how many are left. */
int64_t ouro_pair_combine(ouro_pair *pairs, int64_t n);

/** Find the least pairs of all ranks.
 *  Collective on comm.
 *  [inout] pairs [most] the first n are those of this rank, ascending; on return the least of all, ascending
 *  [in]    most  at most OURO_SELECT_MOST, the same on all ranks
 *  [out]   found how many there are, at most `most`
 *  Returns the same status on all ranks: OURO_OK, OURO_EMPI. */
ouro_status ouro_select_least(MPI_Comm comm, int n, int most, ouro_pair *pairs, int *found);

/** Send each pair to the rank whose block of ids holds its key, and combine them there.
 *  Collective on comm.
 *  [in]  pairs    [n] ascending keys in 0 .. n_keys-1, each once on this rank
 *  [out] combined [*n_combined] ascending, to be released with free(); NULL on error
 *  Returns the same status on all ranks: OURO_OK, OURO_ENOMEM, OURO_ELIMIT, OURO_EMPI. */
ouro_status ouro_select_directory(MPI_Comm comm, ouro_gid n_keys, int n, const ouro_pair *pairs, ouro_pair **combined,
                                  int64_t *n_combined);

/** Status of an MPI call.
 *  Not collective. */
static inline ouro_status ouro_mpi_status(int code) {
  return code == MPI_SUCCESS ? OURO_OK : ouro_error(OURO_EMPI, "an MPI call failed with code %d", code);
}

#endif
