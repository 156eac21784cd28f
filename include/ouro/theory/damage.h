#ifndef OURO_THEORY_DAMAGE_H
#define OURO_THEORY_DAMAGE_H

/* How many nodes each unstable source ruins: those that it reaches, its own included. */

#include "ouro/theory/verdict.h"

typedef struct ouro_damage {
  ouro_gid *size;          /* [n_owned] nodes of the unstable source the node belongs to; 0 at other nodes */
  ouro_gid *ruined;        /* [n_owned] what that source ruins; 0 at other nodes */
  int8_t *estimated;       /* [n_owned] nonzero: `ruined` is an estimate */
  double error;            /* relative standard error of an estimate, at most; 0: no count is estimated */
  int n_listed;            /* min(n_unstable, OURO_VERDICT_LISTED) */
  ouro_unstable *listed;   /* [n_listed] those that ruin most, by that, size and id; the same on all ranks */
  ouro_gid *listed_ruined; /* [n_listed] exact */
} ouro_damage;

/** Count what every unstable source ruins.
 *  Collective on graph's communicator. Up to OURO_VERDICT_LISTED sources: exactly, by sweeps of 64 sources. More:
 *  sources that reach few nodes are counted exactly and the others estimated by sketches (relative standard error 5 %,
 *  no bias); then those listed, which have the largest counts or estimates, are counted exactly. The same on any
 *  number of ranks.
 *  [in]  verdict of the same graph
 *  [out] damage  to be released with ouro_damage_destroy(); NULL on error
 *  Returns the same status on all ranks: OURO_OK, OURO_ENOMEM, OURO_EMPI. */
ouro_status ouro_damage_create(const ouro_graph *graph, const ouro_verdict *verdict, ouro_damage **damage);

/** Release damage and set it to NULL. NULL is fine.
 *  Not collective. */
void ouro_damage_destroy(ouro_damage **damage);

#endif
