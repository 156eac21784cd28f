#ifndef OURO_THEORY_DUAL_H
#define OURO_THEORY_DUAL_H

/* The error of chosen models of a graph for which no N x N matrix fits: coalescing backward walks, THEORY.md
 * section 10. Needs eta <= 1 at every trained model. Fixed real data (section 8) are roots of their own that a walk
 * ends in. Published draws (section 9): a pair that comes to model k in one step meets the noise of its corpus. Where
 * the spread of a sample follows the error of its model (section 5, curvature v2) a pair counts 1 + v2 for two draws of
 * one and the same sample, 1 + v2/M_k for one corpus: with v2 = -1 it ends, as lineages do that coalesce. */

#include "ouro/family/family.h"
#include "ouro/graph/graph.h"

/* What is asked for; the same on all ranks. */
typedef struct ouro_dual_request {
  int n_nodes;
  const ouro_gid *nodes; /* [n_nodes] global ids */
  int n_generations;
  const int64_t *generations; /* [n_generations] ascending, >= 0 */
  int64_t walks;              /* most pairs of walks a node, at least 2 */
  double error;               /* a node is done once its relative standard error is at most this at every generation
                               * asked for; 0: only after all walks. Looked at after 1024 walks, then after as many
                               * as it takes by what is known: a contribution too rare to be met in the first 1024
                               * is missed by value and error alike. */
  int64_t in_flight;          /* pairs that walk at a time on all ranks; 0: 2^18, 100 MB a rank at most */
} ouro_dual_request;

typedef struct ouro_dual {
  bool exact; /* section 3; else first order in 1/n */
  int n_nodes, n_generations;
  int64_t *walks;         /* [n_nodes] pairs walked */
  double *value;          /* [n_nodes][n_generations] C_ii(t) */
  double *standard_error; /* [n_nodes][n_generations] */
} ouro_dual;

/** Estimate C_ii(t). Every walk is a pure function of (learning.seed, node, number of the walk) and sums are exact:
 *  bit-identical on any number of ranks, for any ownership and any in_flight.
 *  Collective on graph's communicator. Memory a rank: 72 bytes a node, 16 a feed, and what in_flight says.
 *  [out] dual the same on all ranks, to be released with ouro_dual_destroy(); NULL on error
 *  Returns the same status on all ranks: OURO_OK, OURO_ELIMIT (eta > 1, a spread with a recursion of its own, no
 *  formula, or not enough memory: the message names the node or the figures), OURO_EINPUT (no such node), OURO_ENOMEM,
 * OURO_EMPI. */
ouro_status ouro_dual_estimate(const ouro_config *config, const ouro_family *family, const ouro_graph *graph,
                               const ouro_dual_request *request, ouro_dual **dual);

/** Release a dual and set it to NULL. NULL is fine.
 *  Not collective. */
void ouro_dual_destroy(ouro_dual **dual);

#endif
