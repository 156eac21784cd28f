#ifndef OURO_THEORY_CLOSED_H
#define OURO_THEORY_CLOSED_H

/* The nodes that do not collapse: a system of their own, since nobody else feeds them. */

#include "ouro/theory/verdict.h"
#include "theory/system.h"

typedef struct ouro_closed {
  ouro_system *system; /* renumbered, in the order of the whole system */
  int32_t *place;      /* [n of the whole system] number here, or -1 */
  double *fixed;       /* [n] 1: never retrained (a root, a fixed data set), 0: trained; the same on all ranks */
  int64_t n_weights;   /* over all ranks */
  bool corrected;      /* the diagonal depends on more than P C P' */
} ouro_closed;

/** Cut the nodes that do not collapse out of a system, with the virtual nodes behind them.
 *  Collective on graph's communicator.
 *  [in]  verdict NULL: keep all nodes
 *  [in]  whole   the system of graph
 *  [out] closed  to be released with ouro_closed_destroy(); NULL on error
 *  Returns the same status on all ranks: OURO_OK, OURO_ENOMEM, OURO_EMPI. */
ouro_status ouro_closed_create(const ouro_graph *graph, const ouro_verdict *verdict, const ouro_system *whole,
                               ouro_closed **closed);

/** Release a subsystem and set it to NULL. NULL is fine.
 *  Not collective. */
void ouro_closed_destroy(ouro_closed **closed);

/** Generations until a walk backward along P has left the trained nodes from wherever it began, but for a
 *  probability of `least`: what is left of the start of the recursion then.
 *  Collective on comm.
 *  [out] horizon the same for any number of ranks; beyond `most` an extrapolation, HUGE_VAL where it never leaves
 *  Returns the same status on all ranks: OURO_OK, OURO_ENOMEM, OURO_EMPI. */
ouro_status ouro_closed_horizon(MPI_Comm comm, const ouro_closed *closed, double least, int64_t most, double *horizon);

/** averaged_i = sum_k P_ik values_k.
 *  Collective on comm; the same bits on any number of ranks.
 *  [in]  values [n], [out] averaged [n]; both the same on all ranks
 *  Returns the same status on all ranks: OURO_OK, OURO_EMPI. */
ouro_status ouro_system_average(MPI_Comm comm, const ouro_system *system, const double *values, double *averaged);

#endif
