#ifndef OURO_THEORY_SPECTRUM_H
#define OURO_THEORY_SPECTRUM_H

/* Eigenvalues of P restricted to trained nodes: the independent check of the verdict. The spectral radius is 1 iff
 * an unstable source exists (THEORY.md section 2).
 *
 * All eigenvalues come from LAPACK's dgeev on one rank, up to about 5,000 nodes. ScaLAPACK's pdgehrd and pdhseqr were
 * tried (Debian's 2.2.1, random P of 8 feeds a node, 1, 2 and 4 ranks): up to 200 nodes right; from 300 on eigenvalues
 * wrong by 0.05 to 0.25 with INFO = 0, from 600 on all zero with INFO = 0; and 6 times slower than dgeev at 500 nodes
 * on two ranks. Their bits depend on the grid, those of one rank do not. Beyond, the radius alone is enclosed. */

#include "ouro/base/timer.h"
#include "ouro/graph/mixing.h"

typedef struct ouro_spectrum {
  double lower, upper; /* the spectral radius lies between them: proven, rounding included. upper < 1 proves that there
                        * is no unstable source. */
  bool converged;      /* they are at most 1e-9 apart, relative */
  bool found;          /* all eigenvalues */
  char reason[256];    /* the method and its figures */
  int32_t n;           /* eigenvalues: trained nodes; 0 where not found */
  double radius;       /* largest absolute value; where not found the middle between lower and upper */
  double *real;        /* [n] eigenvalues by falling absolute value, the same on all ranks; NULL where not found */
  double *imaginary;
} ouro_spectrum;

/** Enclose the spectral radius of P on the trained nodes, and find all eigenvalues if they are few.
 *  Collective on graph's communicator. The answer is the same on all ranks, and no number of ranks or ownership changes
 *  a bit. The radius: sparse products on the distributed graph of any size, at most about 10^9 feeds of work a rank;
 *  a radius that is not converged then is still enclosed. The eigenvalues: P is gathered on one rank; found is false,
 *  and reason says why, where that takes more memory than the rank has or more work than theory.exact=auto may take.
 *  [in]  mixing what P is: see mixing.h
 *  [out] spectrum to be released with ouro_spectrum_destroy(); NULL on error
 *  Returns the same status on all ranks: OURO_OK, OURO_ENOMEM, OURO_ENUMERIC (no convergence of dgeev), OURO_EMPI. */
ouro_status ouro_spectrum_create(const ouro_graph *graph, ouro_mixing mixing, ouro_timers *timers,
                                 ouro_spectrum **spectrum);

/** Release a spectrum and set it to NULL. NULL is fine.
 *  Not collective. */
void ouro_spectrum_destroy(ouro_spectrum **spectrum);

#endif
