#ifndef OURO_THEORY_DUAL_WALK_H
#define OURO_THEORY_DUAL_WALK_H

/* Pairs of walks backward along P, moved between the ranks that own the nodes they stand on. */

#include "ouro/base/sum.h"
#include "theory/gain.h"
#include "theory/system.h"

typedef struct ouro_walks ouro_walks;

/* Pairs to walk; the same on all ranks but for changes. */
typedef struct ouro_walks_task {
  int n_nodes;
  const ouro_gid *node; /* [n_nodes] where pairs start; NULL: each at a node drawn from all, slot 0 */
  const int32_t *slot;  /* [n_nodes] whose changes they are */
  int64_t first, n;     /* pairs number first .. first+n-1 of every node */
  int64_t horizon;      /* steps */
  const int32_t *bin;   /* [horizon + 1] where a change at step t is entered, not descending */
  int32_t n_bins;
  uint64_t round;    /* pairs of unlike rounds have random numbers of their own */
  ouro_gains *gains; /* of candidates, if not NULL */
  ouro_sum *changes; /* [slots][n_bins][2] of V and V^2 of all pairs, V(t) the variable whose mean is C_ii(t) */
} ouro_walks_task;

/* Pairs on the way at a time where nobody asks for another number. */
#define OURO_WALKS_IN_FLIGHT ((int64_t)1 << 18)

/** Whether pairs of walks stand for the recursion that was surveyed.
 *  Collective on graph's communicator.
 *  Returns the same status on all ranks: OURO_OK, OURO_ELIMIT (eta > 1, no formula, a spread of its own: the message
 *  says which, and names the node), OURO_EMPI. */
ouro_status ouro_walks_check(const ouro_config *config, const ouro_family *family, const ouro_graph *graph,
                             const ouro_survey *survey);

/** Bytes that walks take on this rank.
 *  Not collective. */
double ouro_walks_bytes(const ouro_graph *graph, int64_t in_flight);

/** Prepare the nodes of a graph.
 *  Collective on graph's communicator.
 *  [in]  graph must outlive the walks
 *  [in]  in_flight pairs that walk at a time on all ranks, >= 1
 *  [out] walks to be released with ouro_walks_destroy(); NULL on error
 *  Returns the same status on all ranks: OURO_OK, OURO_ENOMEM, OURO_EMPI. */
ouro_status ouro_walks_create(const ouro_config *config, const ouro_family *family, const ouro_graph *graph,
                              const ouro_survey *survey, int64_t in_flight, ouro_walks **walks);

/** Release walks and set them to NULL. NULL is fine.
 *  Not collective. */
void ouro_walks_destroy(ouro_walks **walks);

/** Walk the pairs of a task, and add what each changes to the sums of whichever rank it is on then.
 *  Collective on graph's communicator.
 *  Returns the same status on all ranks: OURO_OK, OURO_EMPI. */
ouro_status ouro_walks_run(ouro_walks *walks, const ouro_walks_task *task);

#endif
