#ifndef OURO_THEORY_MODES_H
#define OURO_THEORY_MODES_H

/* The modes in which an ecosystem drifts together: eigenvectors of the stationary covariance C_inf of the models'
 * errors (THEORY.md section 7), by falling eigenvalue. A mode is a direction of the errors of all models at once;
 * modes are uncorrelated, and an eigenvalue is the variance along its mode.
 *
 * Models that collapse have no C_inf: their variance grows without bound, by their rate (section 6), and what they feed
 * with it. Modes are those of the other models, which nothing that collapses feeds. */

#include "ouro/base/timer.h"
#include "ouro/family/family.h"
#include "ouro/theory/verdict.h"

typedef struct ouro_modes {
  bool found;
  char reason[256];      /* the method and its figures, for the log; without modes: why there are none */
  int n;                 /* modes */
  double *value;         /* [n] eigenvalues of C_inf, falling; the same on all ranks */
  double *share;         /* [n] of the total variance, the trace of C_inf */
  int32_t *multiplicity; /* [n] how many of all eigenvalues are equal to this one, to 1e-9 of the largest: the vectors
                          * of such modes span their space, which basis of it they are is arbitrary */
  double *vector;        /* [n][n_owned] of length 1 over all models; the largest component is positive, of several
                          * equally large (to 1e-9) that of the smallest id; NaN at models that collapse */
  double total;          /* trace of C_inf */
  double residual;       /* largest |C_inf v - value v| of a component, relative to the largest eigenvalue */
} ouro_modes;

/** Find the leading modes of a configuration.
 *  Collective on graph's communicator. C_inf by doubling with pdgemm or by the recursion run until it has settled,
 *  whichever is predicted cheaper; its eigenvectors by pdsyevd. Up to 1024 nodes, and where walks back to real data
 *  or roots last more than 10^4 generations, on every rank alone, bit-identically; else on a block-cyclic grid, whose
 *  order of summation lets values agree to 1e-12 of the largest on different numbers of ranks, and vectors to that
 *  over the distance of their eigenvalue from the others.
 *  theory.exact none, no known formula, nothing that does not collapse, (with auto) too large, or no plateau: found is
 *  false and reason says why. always: too large (memory, the 32-bit indices of ScaLAPACK; no limit of time) is an error
 *  with the figures.
 *  [in]  verdict of graph, with real_counts false for initial real data
 *  [in]  wanted  modes, >= 0; all there are if fewer
 *  [out] modes   to be released with ouro_modes_destroy(); NULL on error
 *  Returns the same status on all ranks: OURO_OK, OURO_ENOMEM, OURO_ELIMIT, OURO_ENUMERIC, OURO_EMPI. */
ouro_status ouro_modes_create(const ouro_config *config, const ouro_family *family, const ouro_graph *graph,
                              const ouro_verdict *verdict, int64_t wanted, ouro_timers *timers, ouro_modes **modes);

/** Release modes and set them to NULL. NULL is fine.
 *  Not collective. */
void ouro_modes_destroy(ouro_modes **modes);

#endif
