#ifndef OURO_THEORY_PLATEAU_H
#define OURO_THEORY_PLATEAU_H

/* Where the errors of the nodes that do not collapse end: THEORY.md section 7. */

#include "ouro/base/timer.h"
#include "ouro/family/family.h"
#include "ouro/theory/verdict.h"

typedef struct ouro_plateau {
  bool found;
  char reason[320];   /* the method and its figures, for the log; without a plateau: why there is none */
  double *error;      /* [n_owned] C_ii(infinity), NaN where the node collapses; NULL without a plateau */
  int64_t iterations; /* generations of the recursion, or doublings */
  double residual;    /* largest relative change of a C_ii by one more generation */
  double seconds;     /* on this rank */
} ouro_plateau;

/** Find the fixed point of the recursion of a configuration on its nodes that do not collapse, roots included.
 *  Collective on graph's communicator. Two methods, whichever is predicted cheaper: the recursion itself with P
 *  times dense columns, run until it has settled, bit-identical on any number of ranks and any ownership; or the
 *  doubling of section 7 with pdgemm, the correction of the diagonal iterated around it. Up to 1024 nodes, and where
 *  walks back to real data or roots last more than 10^4 generations, every rank doubles alone, bit-identically; else
 * the order of summation depends on the grid, and results agree to 1e-12. The system alone decides; reason names it.
 *  theory.exact none, no known formula, nothing that does not collapse, (with auto) too large, or no convergence:
 *  found is false and reason says why. Where fewer than 2p+1 samples make the error grow there is no convergence.
 *  always: too large (memory, the 32-bit indices of ScaLAPACK; no limit of time) is an error with the figures.
 *  [in]  verdict of graph, with real_counts false for initial real data
 *  [out] plateau to be released with ouro_plateau_destroy(); NULL on error
 *  Returns the same status on all ranks: OURO_OK, OURO_ENOMEM, OURO_ELIMIT, OURO_EMPI. */
ouro_status ouro_plateau_create(const ouro_config *config, const ouro_family *family, const ouro_graph *graph,
                                const ouro_verdict *verdict, ouro_timers *timers, ouro_plateau **plateau);

/** Release a plateau and set it to NULL. NULL is fine.
 *  Not collective. */
void ouro_plateau_destroy(ouro_plateau **plateau);

#endif
