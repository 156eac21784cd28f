#ifndef OURO_THEORY_KRYLOV_H
#define OURO_THEORY_KRYLOV_H

/* Linear systems (I - A) x = b whose unknowns are spread over ranks. */

#include "ouro/base/status.h"

typedef struct ouro_linear {
  MPI_Comm comm; /* borrowed */
  int64_t n;     /* unknowns of this rank */
  /* Collective on comm. out = A in, both [n]; the same status on all ranks. */
  ouro_status (*apply)(void *context, const double *in, double *out);
  void *context;
} ouro_linear;

/** Solve by BiCGSTAB (van der Vorst 1992): a few eigenvalues of A close to 1 cost a few steps, where the plain
 *  iteration needs as many as their distance from 1 has inverse. Scalar products are exact sums: if apply() gives the
 *  same bits on any ownership, so does this.
 *  Collective on linear's communicator.
 *  [in]    most      steps, each of two applications
 *  [inout] x         [n] start; on return the best there is, also where the method breaks down
 *  [out]   residual  largest |b - (I - A) x| over all ranks
 *  Returns the same status on all ranks: OURO_OK, OURO_ENOMEM, OURO_EMPI, those of apply(). */
ouro_status ouro_krylov_solve(const ouro_linear *linear, const double *b, double tolerance, int64_t most, double *x,
                              double *residual);

#endif
