#ifndef OURO_THEORY_VERDICT_H
#define OURO_THEORY_VERDICT_H

/* Who collapses: THEORY.md section 2. */

#include "ouro/graph/graph.h"

typedef enum ouro_class { OURO_CLASS_ANCHORED, OURO_CLASS_FROZEN, OURO_CLASS_COLLAPSING, OURO_CLASS_COUNT } ouro_class;

/* An unstable source component. */
typedef struct ouro_unstable {
  ouro_gid first; /* its smallest global id, which names it; giving this node real data cures it */
  ouro_gid size;  /* nodes */
} ouro_unstable;

#define OURO_VERDICT_LISTED 1024

typedef struct ouro_verdict {
  int8_t *class_of;                 /* [n_owned] enum ouro_class */
  ouro_gid *component;              /* [n_owned] `first` of the unstable source the node belongs to, or -1 */
  ouro_gid count[OURO_CLASS_COUNT]; /* nodes of each class */
  ouro_gid n_unstable;              /* unstable source components: the size of the minimum cure */
  int n_listed;                     /* min(n_unstable, OURO_VERDICT_LISTED) */
  ouro_unstable *listed;            /* [n_listed] the largest ones, by size then id; the same on all ranks */
} ouro_verdict;

/** Decide for every node.
 *  Collective on graph's communicator. Two sweeps, and components only of what no anchor reaches. The same on any
 *  number of ranks and any ownership.
 *  [in]  real_counts false: real data is used at generation 0 only (kind initial) and counts as none
 *  [out] verdict to be released with ouro_verdict_destroy(); NULL on error
 *  Returns the same status on all ranks: OURO_OK, OURO_ENOMEM, OURO_EMPI. */
ouro_status ouro_verdict_create(const ouro_graph *graph, bool real_counts, ouro_verdict **verdict);

/** Decide where models keep all samples they ever saw (THEORY.md section 8, forget = 1): nothing collapses, what real
 *  data reach is anchored, the rest is frozen.
 *  Collective on graph's communicator. Arguments as of ouro_verdict_create().
 *  Returns the same status on all ranks: OURO_OK, OURO_ENOMEM, OURO_EMPI. */
ouro_status ouro_verdict_create_accumulating(const ouro_graph *graph, bool real_counts, ouro_verdict **verdict);

/** Release a verdict and set it to NULL. NULL is fine.
 *  Not collective. */
void ouro_verdict_destroy(ouro_verdict **verdict);

/** "anchored", "frozen" or "collapsing".
 *  Not collective. */
const char *ouro_class_name(ouro_class class_);

/* Nodes with so few samples that topology alone does not decide (THEORY.md section 2, scope). */
typedef struct ouro_scope {
  ouro_gid n_small;    /* trained nodes with n_i below the family's eta_samples */
  int n_listed;        /* at most 10 */
  ouro_gid listed[10]; /* the smallest global ids */
  ouro_count size[10]; /* their training-set sizes */
} ouro_scope;

/** Find the trained nodes with fewer than `least` samples.
 *  Collective on graph's communicator.
 *  [out] scope the same on all ranks
 *  Returns the same status on all ranks: OURO_OK, OURO_ENOMEM, OURO_EMPI. */
ouro_status ouro_verdict_scope(const ouro_graph *graph, bool real_counts, ouro_count least, ouro_scope *scope);

#endif
