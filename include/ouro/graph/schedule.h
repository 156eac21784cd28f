#ifndef OURO_GRAPH_SCHEDULE_H
#define OURO_GRAPH_SCHEDULE_H

/* How many samples each generation has: what learning and theory must count alike.
 *
 * Generation g > 0 takes round(m (g + 1)^growth) samples of a feed that says m, and as many times its fresh real data;
 * a fixed set of real data stays what it is. Model i is retrained in generations that are multiples of every_i; in the
 * others it is what a root is in all. */

#include "ouro/graph/graph.h"

/** Real samples of generation 0 of an owned node, n0_i: its own where the node file says so, its real data where these
 *  are initial ones, else learning.initial.
 *  Not collective. */
ouro_count ouro_schedule_initial(const ouro_config *config, const ouro_graph *graph, ouro_lid owned);

/** Do counts change with the generation?
 *  Not collective; the same on all ranks. */
bool ouro_schedule_varies(const ouro_config *config, const ouro_graph *graph);

/** Is an owned node retrained only now and then: every_i, 1 for always?
 *  Not collective. */
int64_t ouro_schedule_every(const ouro_graph *graph, ouro_lid owned);

/** Real samples and training-set size of an owned node in a generation after the first; 0 where it is not retrained.
 *  Not collective. A count that 64 bits do not hold is INT64_MAX. */
ouro_count ouro_schedule_real(const ouro_config *config, const ouro_graph *graph, ouro_lid owned, int64_t generation);
ouro_count ouro_schedule_size(const ouro_config *config, const ouro_graph *graph, ouro_lid owned, int64_t generation);

/** Samples that an owned node gets when it is retrained for the step-th time, in generation step * every_i; 0: real
 * ones of generation 0. Not collective. */
ouro_count ouro_schedule_step(const ouro_config *config, const ouro_graph *graph, ouro_lid owned, int64_t step);

/** Steps whose samples count in a fit (to a weight of 1e-16), the present one included; at most all there are.
 *  Not collective; the same for all nodes. */
int64_t ouro_schedule_span(const ouro_config *config);

/** The most samples that a model of an owned node keeps at any time, as far as samples are kept as such.
 *  Not collective. A double: whether they can be counted is what it is for. */
double ouro_schedule_kept(const ouro_config *config, const ouro_graph *graph, ouro_lid owned);

/* The graph of a generation. */
typedef struct ouro_schedule {
  const ouro_config *config; /* borrowed, as is .. */
  const ouro_graph *whole;   /* .. this */
  bool varies;
  ouro_graph now; /* owned nodes that are not retrained have no feeds, ghosts may feed nothing; counts are those of the
                   * generation. Initial real data stand as they are. The same as *whole where nothing varies. */
} ouro_schedule;

/** Set up the graph of a generation after the first.
 *  Collective on graph's communicator.
 *  [in]  config, graph must outlive the schedule
 *  [out] schedule      to be released with ouro_schedule_destroy(); NULL on error
 *  Returns the same status on all ranks: OURO_OK, OURO_ENOMEM. */
ouro_status ouro_schedule_create(const ouro_config *config, const ouro_graph *graph, ouro_schedule **schedule);

/** Release a schedule and set it to NULL. NULL is fine.
 *  Not collective. */
void ouro_schedule_destroy(ouro_schedule **schedule);

/** Go to a generation.
 *  Collective on the graph's communicator where the schedule varies.
 *  [out] changed whether a count is not what it was; the same on all ranks */
void ouro_schedule_move(ouro_schedule *schedule, int64_t generation, bool *changed);

/** Go to the last generation, as if all models were retrained in it: no generation has larger counts.
 *  Not collective. */
void ouro_schedule_move_to_largest(ouro_schedule *schedule);

#endif
