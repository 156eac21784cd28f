#ifndef OURO_SRC_PLAN_PRIVATE_H
#define OURO_SRC_PLAN_PRIVATE_H

/* What the files of this module share. */

#include "ouro/plan/plan.h"

/** Line number i of the text of the machine that is built in, or NULL beyond the last.
 *  Not collective. */
const char *ouro_plan_built_in_line(int i);

/** Does the receiver draw what crosses, from parameters?
 *  Not collective. */
bool ouro_plan_carries_parameters(const ouro_config *config);

/** Bytes that the arrays of a graph take on this rank.
 *  Not collective. */
double ouro_plan_graph_bytes(const ouro_graph *graph);

/** Cut the owned nodes of a graph into the parts first .. first+n_held-1, all of which are owned here.
 *  Not collective.
 *  [in]  part  [n_owned + n_ghost]
 *  [out] parts [n_held] their graphs to be released with ouro_graph_destroy(), also on error
 *  Returns OURO_OK, OURO_ENOMEM. */
ouro_status ouro_plan_cut(const ouro_graph *graph, const int32_t *part, int first, int n_held,
                          ouro_exchange_part *parts);

/** Replicates of the group with most: groups own whole blocks of 8.
 *  Not collective. */
int64_t ouro_plan_replicates(int64_t replicates, int groups);

#endif
