#ifndef OURO_THEORY_RATES_PAIRS_H
#define OURO_THEORY_RATES_PAIRS_H

/* Who hears whom: a pair (node, source phase) for every node outside sources and every phase of an unstable source
 * of which a walk that starts at the node can arrive. Found breadth first along feeds: a pair (j, c) and a feed
 * j -> i give the pair (i, c + 1). */

#include "theory/rates.h"

typedef struct ouro_heard {
  int64_t component, phase, period;
  double rate;   /* of the source */
  ouro_lid node; /* owned or ghost */
} ouro_heard;

typedef struct ouro_pairs {
  const ouro_graph *graph;
  const ouro_mark *mark; /* [n_owned + n_ghost] */
  int64_t most;          /* pairs of a node at which it is given up */
  ouro_eid *row;         /* [n_owned + n_ghost + 1] targets of a node among the owned nodes outside sources */
  ouro_lid *target;
  int32_t n, capacity;
  ouro_heard *pair;       /* [n] as found */
  int32_t *slot, n_slots; /* hash table of pairs, -1: free; n_slots a power of 2 */
  int32_t *count;         /* [n_owned] pairs of each node */
  int8_t *lost;           /* [n_owned] nonzero: has more than `most` pairs, or is fed by such a node */
  ouro_halo *halo;        /* pairs of ghosts <-> those of their owners */
} ouro_pairs;

/** Find all pairs.
 *  Collective on graph's communicator.
 *  [in]  graph, mark must outlive the pairs
 *  [out] pairs to be released with ouro_pairs_clear(), also on error
 *  Returns the same status on all ranks: OURO_OK, OURO_ENOMEM, OURO_ELIMIT, OURO_EMPI. */
ouro_status ouro_pairs_find(const ouro_graph *graph, const ouro_mark *mark, int64_t most, ouro_pairs *pairs);

/** Number of the pair of a node and a phase, or -1.
 *  Not collective. */
int32_t ouro_pairs_lookup(const ouro_pairs *pairs, ouro_lid node, int64_t component, int64_t phase);

/** Release the arrays.
 *  Not collective. */
void ouro_pairs_clear(ouro_pairs *pairs);

#endif
