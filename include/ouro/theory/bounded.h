#ifndef OURO_THEORY_BOUNDED_H
#define OURO_THEORY_BOUNDED_H

/* Boundedness beyond topology: THEORY.md section 2, scope. With fewer than 2p+1 samples eta exceeds 1, and the linear
 * part of the exact recursion may grow where the topology is healthy. */

#include "ouro/base/timer.h"
#include "ouro/family/family.h"
#include "ouro/theory/verdict.h"

typedef struct ouro_bounded {
  bool needed;      /* some eta exceeds 1, or erring models scatter more: topology alone does not decide */
  bool decided;     /* false: not needed, no formula, too large, or too close to 1 to say; reason tells which */
  char reason[256]; /* the figures, or why there is no answer */
  double radius;    /* factor a generation of the fastest node that does not collapse; NaN unless iterated */
  double sources;   /* that of the fastest node that collapses by topology: 1 is the linear growth of THEORY.md
                     * section 6, more is geometric; NaN without one */
  double spread;    /* how far either has moved since half as many generations */
  int64_t generations;
  ouro_gid n_grows; /* nodes whose error grows geometrically, over all ranks */
  double *factor;   /* [n_owned] of each node, NaN at roots; NULL unless iterated */
} ouro_bounded;

/** Decide whether errors stay bounded, by power iteration: the linear part C -> P C P' with its correction of the
 *  diagonal, begun with one unit of error at every trained node, preserves positive matrices, so that C_ii grows by
 *  the spectral radius of what node i trains on, directly or not. The factor is the mean over the second half of
 *  the generations, extrapolated where that moves less, and their number doubles until the factor stays within 1e-10.
 *  Errors are rescaled on the way; a node whose error becomes too small beside the largest keeps the factor it had.
 *  Collective on graph's communicator; same bits on any number of ranks with the sparse engine (see predict.h). For
 *  theory.exact=none, no formula, or eta nowhere above 1 nothing is iterated and topology decides.
 *  [in]  verdict of graph, with real_counts false for initial real data
 *  [out] bounded to be released with ouro_bounded_destroy(); NULL on error
 *  Returns the same status on all ranks: OURO_OK, OURO_ENOMEM, OURO_ELIMIT, OURO_EMPI. */
ouro_status ouro_bounded_create(const ouro_config *config, const ouro_family *family, const ouro_graph *graph,
                                const ouro_verdict *verdict, ouro_timers *timers, ouro_bounded **bounded);

/** Release an answer and set it to NULL. NULL is fine.
 *  Not collective. */
void ouro_bounded_destroy(ouro_bounded **bounded);

#endif
