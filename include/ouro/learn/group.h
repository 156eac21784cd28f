#ifndef OURO_LEARN_GROUP_H
#define OURO_LEARN_GROUP_H

/* Groups of ranks that each hold the whole graph and some of the replicates (parallel.groups): what is done for one
 * replicate never leaves its group, and groups meet only where something is said of all replicates.
 *
 * Groups are consecutive ranks, as many in each. A rank has two sets of nodes: those that it owns in the graph as
 * given, of which it reports what is known over all replicates, and those that it owns in the graph of its group, whose
 * models it trains: what the ranks of its number in all groups own together of the graph as given. Replicates go to
 * groups in ascending order and in whole blocks of 8, those that moments take together, so that no bit depends on the
 * groups. */

#include "ouro/graph/graph.h"

typedef struct ouro_learn_group {
  const ouro_graph *whole; /* as given */
  ouro_graph *graph;       /* of this group; the one as given where there is one group */
  int n_groups, number;    /* which of them this is */
  int64_t first;           /* the replicates first .. */
  int64_t replicates;      /* .. first + replicates - 1 are this group's, .. */
  int64_t largest;         /* .. no group has more than so many, .. */
  int64_t all;             /* .. and all groups so many */
  MPI_Comm within, across; /* ranks of this group; those of this number in all groups */
  ouro_lid *place;         /* [graph->n_owned] of each node, if those reported by group 0 stand first, and so on .. */
  int *reported, *begin;   /* .. [n_groups] how many those of a group are, and where they begin */
} ouro_learn_group;

/** Refuse groups that cannot be: too many for the replicates, or not a divisor of the ranks.
 *  Not collective; the same on all ranks.
 *  Returns OURO_OK or OURO_ECONFIG, with what could be. */
ouro_status ouro_learn_check_groups(const ouro_config *config, int n_ranks);

/** Form the groups that a configuration asks for.
 *  Collective on whole's communicator.
 *  [out] group as of ouro_learn_group_create()
 *  Returns the same status on all ranks: OURO_OK, OURO_ECONFIG, OURO_ENOMEM, OURO_ELIMIT. */
ouro_status ouro_learn_group_form(const ouro_config *config, const ouro_graph *whole, ouro_learn_group **group);

/** Form groups, and give each a graph.
 *  Collective on whole's communicator.
 *  [in]  whole    must outlive the group
 *  [in]  n_groups divides the ranks, and is at most the number of blocks of replicates
 *  [out] group    to be released with ouro_learn_group_destroy(); NULL on error
 *  Returns the same status on all ranks: OURO_OK, OURO_ENOMEM, OURO_ELIMIT. */
ouro_status ouro_learn_group_create(const ouro_graph *whole, int n_groups, int64_t replicates,
                                    ouro_learn_group **group);

/** Release a group and set it to NULL. NULL is fine.
 *  Collective on the communicator of the graph as given. */
void ouro_learn_group_destroy(ouro_learn_group **group);

/** First replicate of a group; group n_groups gives the number of all.
 *  Not collective. */
int64_t ouro_learn_group_first(int64_t replicates, int n_groups, int number);

/** Tell the ranks that train models what is known of them where they are reported.
 *  Collective on the communicator of the graph as given.
 *  [in]  bytes of a value
 *  [in]  known [whole->n_owned]
 *  [out] told  [graph->n_owned]
 *  Returns the same status on all ranks: OURO_OK, OURO_ENOMEM. */
ouro_status ouro_learn_group_tell(const ouro_learn_group *group, size_t bytes, const void *known, void *told);

#endif
