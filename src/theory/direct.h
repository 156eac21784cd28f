#ifndef OURO_THEORY_DIRECT_H
#define OURO_THEORY_DIRECT_H

/* Linear systems with P on a few nodes, by LU factors on one rank: where every eigenvalue is as large as the others, as
 * in a ring, no Krylov method gets anywhere before it has taken as many steps as there are nodes. */

#include "ouro/graph/graph.h"

typedef struct ouro_direct ouro_direct;

/** Gather P on some nodes.
 *  Collective on graph's communicator. Memory: on rank 0 two matrices of all members, elsewhere their feeds.
 *  [in]  member [n] owned nodes, ascending
 *  [in]  size   [n] n_i
 *  [out] direct to be released with ouro_direct_destroy(); NULL on error
 *  Returns the same status on all ranks: OURO_OK, OURO_ENOMEM, OURO_EMPI. */
ouro_status ouro_direct_create(const ouro_graph *graph, ouro_lid n, const ouro_lid *member, const double *size,
                               ouro_direct **direct);

/** Release the matrices and set direct to NULL. NULL is fine.
 *  Not collective. */
void ouro_direct_destroy(ouro_direct **direct);

/** Solve z - D^-1 P D z / shift = b, D = diag(x). LAPACK on one rank: no ownership changes a bit.
 *  Collective on graph's communicator.
 *  [in]  x, b [n] x positive
 *  [out] z    [n]; NaN where the matrix is singular
 *  Returns the same status on all ranks: OURO_OK, OURO_EMPI. */
ouro_status ouro_direct_solve(ouro_direct *direct, const double *x, double shift, const double *b, double *z);

#endif
