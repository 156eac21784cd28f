#ifndef OURO_THEORY_SKETCH_H
#define OURO_THEORY_SKETCH_H

/* How many nodes others reach, for all of them at once. */

#include "ouro/graph/graph.h"

/* What a node is to the sketches. */
typedef enum ouro_sketch_role {
  OURO_SKETCH_OUTSIDE, /* neither passed nor counted */
  OURO_SKETCH_ASKING,  /* passed, not counted; how many it reaches is wanted */
  OURO_SKETCH_COUNTED  /* passed and counted */
} ouro_sketch_role;

/** Estimate how many counted nodes each asking node reaches along feeds, passing no node outside. Bottom-k sketches
 *  (Cohen 1997): all counted nodes stand in one random order; if the k-th that a node reaches has place t among M, it
 *  reaches about M (k-1)/(t-1). That has no bias, and a standard error of at most 1/sqrt(k-2) of the truth. Fewer than
 *  k are counted exactly. The order follows from global ids alone: the same result on any number of ranks. At most
 *  (k + 256) times as many steps as there are feeds, and the memory of 256 bits a node.
 *  Collective on graph's communicator.
 *  [in]  role    [n_owned] enum ouro_sketch_role
 *  [in]  k       at least 3
 *  [out] reached [n_owned] of asking nodes; 0 at others
 *  [out] exact   [n_owned] nonzero: counted, not estimated
 *  Returns the same status on all ranks: OURO_OK, OURO_ENOMEM, OURO_EMPI. */
ouro_status ouro_sketch_reach(const ouro_graph *graph, const int8_t *role, int k, uint64_t seed, ouro_gid *reached,
                              int8_t *exact);

#endif
