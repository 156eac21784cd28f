#ifndef OURO_THEORY_RATES_PRIVATE_H
#define OURO_THEORY_RATES_PRIVATE_H

/* The two halves of the rates: unstable sources, iterated or solved, and what they feed. */

#include "ouro/theory/rates.h"

/* What a node knows of the unstable source it belongs to. */
typedef struct ouro_mark {
  int64_t component; /* -1: none */
  int64_t phase;     /* steps along feeds from the first node, modulo the period */
  int64_t period;
  double rate; /* of the source */
} ouro_mark;

/** Period, stationary distribution and rate of every unstable source.
 *  Collective on graph's communicator.
 *  [out] mark  [n_owned + n_ghost]
 *  [out] rates rate and weight of source nodes, 0 at the others; source figures
 *  Returns the same status on all ranks: OURO_OK, OURO_ENOMEM, OURO_ELIMIT, OURO_EMPI. */
ouro_status ouro_rates_sources(const ouro_graph *graph, const ouro_verdict *verdict, const ouro_rates_options *options,
                               const double *noise, ouro_mark *mark, ouro_rates *rates);

/** Rates of the nodes that unstable sources feed, directly or not.
 *  Collective on graph's communicator.
 *  [in]    mark  [n_owned + n_ghost]
 *  [inout] rates rate of downstream nodes; downstream figures
 *  Returns the same status on all ranks: OURO_OK, OURO_ENOMEM, OURO_ELIMIT, OURO_EMPI. */
ouro_status ouro_rates_downstream(const ouro_graph *graph, const ouro_verdict *verdict,
                                  const ouro_rates_options *options, const ouro_mark *mark, ouro_rates *rates);

/** Solve pi P = pi directly for some sources, each on one rank: THEORY.md section 6. An element is exact to rounding,
 *  whatever the spectral gap. The same bits on any ownership.
 *  Collective on graph's communicator.
 *  [in]  component [n_owned] as in ouro_verdict
 *  [in]  wanted    [n_owned] nonzero at all nodes of these sources, and nowhere else
 *  [out] pi        [n_owned] at those nodes; 0 at all nodes of a source that the range of a double does not do for
 *  Returns the same status on all ranks: OURO_OK, OURO_ENOMEM, OURO_ELIMIT. */
ouro_status ouro_rates_direct(const ouro_graph *graph, const ouro_gid *component, const int8_t *wanted, double *pi);

/** Rates of the unstable sources alone; 0 at all other nodes.
 *  Collective on graph's communicator. Arguments and result as of ouro_rates_create(). */
ouro_status ouro_rates_create_sources(const ouro_graph *graph, const ouro_verdict *verdict,
                                      const ouro_rates_options *options, const double *noise, ouro_rates **rates);

/** Steps after which an iteration over so many weights gives up: those of a fixed amount of work.
 *  Not collective. */
int64_t ouro_rates_most_steps(int64_t n_weights);

#endif
