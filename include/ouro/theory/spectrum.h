#ifndef OURO_THEORY_SPECTRUM_H
#define OURO_THEORY_SPECTRUM_H

/* Eigenvalues of P restricted to trained nodes: the independent check of the verdict. The spectral radius is 1 iff
 * an unstable source exists (THEORY.md section 2). */

#include "ouro/base/timer.h"
#include "ouro/graph/graph.h"

typedef struct ouro_spectrum {
  bool found;
  char reason[256]; /* the method and its figures; without a spectrum: why there is none */
  int32_t n;        /* trained nodes */
  double radius;    /* largest absolute value; 0 without trained nodes */
  double *real;     /* [n] eigenvalues by falling absolute value, the same on all ranks; NULL where there is none */
  double *imaginary;
} ouro_spectrum;

/** Find the eigenvalues of P on the trained nodes.
 *  Collective on graph's communicator. P is gathered on one rank, which runs LAPACK's dgeev, and the answer is the
 *  same on all ranks; no number of ranks or ownership changes a bit. found is false, and reason says why, where that
 *  takes more memory than the rank has or more work than theory.exact=auto may take.
 *  [in]  real_counts false: real data is used at generation 0 only (kind initial) and counts as none
 *  [out] spectrum to be released with ouro_spectrum_destroy(); NULL on error
 *  Returns the same status on all ranks: OURO_OK, OURO_ENOMEM, OURO_ENUMERIC (no convergence), OURO_EMPI. */
ouro_status ouro_spectrum_create(const ouro_graph *graph, bool real_counts, ouro_timers *timers,
                                 ouro_spectrum **spectrum);

/** Release a spectrum and set it to NULL. NULL is fine.
 *  Not collective. */
void ouro_spectrum_destroy(ouro_spectrum **spectrum);

#endif
