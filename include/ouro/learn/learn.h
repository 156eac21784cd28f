#ifndef OURO_LEARN_LEARN_H
#define OURO_LEARN_LEARN_H

/* The generation loop: every generation all trained nodes are refitted, at the same time, to samples drawn
 * from the models of the generation before, and to real samples where they have them. Roots keep their model.
 *
 * A model stalls in a generation in which it has no fit (logistic regression: its classes are separated; least squares:
 * its design is singular): it keeps the parameters it had, its consumers train on those, and it is fitted again in the
 * next generation. One that stalls in generation 0 has all parameters 0 until then. An error that is not finite ends
 * the run.
 *
 * Samples of earlier generations that count are kept as their sums where the family is additive, else, and where a fit
 * sees a random subsample of them (learning.regime), as what they are: learning.memory bounds those of a rank, which
 * holds all that its models will ever keep. Samples that count less than 1e-16 are dropped. */

#include "ouro/base/timer.h"
#include "ouro/exchange/exchange.h"
#include "ouro/family/family.h"
#include "ouro/learn/group.h"

/* What a generation looks like, while the observer looks. */
typedef struct ouro_learn_view {
  int64_t generation;     /* 0: the fit to real data */
  const double *error;    /* [n_owned] C_ii, mean over replicates */
  const double *error_sd; /* [n_owned] standard deviation over replicates (n-1; 0 for one replicate) */
  const double *theta; /* [n_owned][replicate][n_parameters] the models: those of the group, where there are several */
} ouro_learn_view;

/* Called for generation 0 and every one after it.
 *  Collective on the graph's communicator.
 *  Returns the same status on all ranks; an error ends the run. */
typedef ouro_status (*ouro_learn_observer)(void *context, const ouro_learn_view *view);

/* What a run moved. */
typedef struct ouro_learn_traffic {
  int64_t bytes_sent; /* by this rank, all generations */
  int64_t rounds;     /* exchange rounds a generation */
  int neighbours;     /* ranks this one sends to or receives from */
} ouro_learn_traffic;

/* Which models have stalled. */
typedef struct ouro_learn_stalls {
  int64_t *first; /* [n_owned] the first generation in which a replicate of it did; -1: none */
  int64_t *fits;  /* [n_owned] how often, over all generations and replicates */
} ouro_learn_stalls;

/** Refuse what cannot be learned: a trained node with too few samples for the family, or with more than its models
 * hold, published draws whose feeds of one source differ in their counts; each message names the node and the count it
 * needs. Collective on graph's communicator. Returns the same status on all ranks: OURO_OK, OURO_EINPUT, OURO_ECONFIG,
 * OURO_ELIMIT. */
ouro_status ouro_learn_check(const ouro_config *config, const ouro_family *family, const ouro_graph *graph);

/** Refuse what cannot be simulated on these ranks, though it can be predicted: a training set that exchange.buffer
 * cannot hold where the fit needs all of it at once, samples kept that learning.memory cannot hold. Collective on
 * the communicator of the graph as given. Returns the same status on all ranks: OURO_OK, OURO_ELIMIT. */
ouro_status ouro_learn_check_memory(const ouro_config *config, const ouro_family *family,
                                    const ouro_learn_group *group);

/** Run generations 0 .. learning.generations, in as many groups of ranks as ouro_config_groups() says.
 *  Collective on graph's communicator. Bit-identical on any number of ranks and groups and any ownership of nodes.
 *  [in]  observer   called with context after each generation
 *  [in]  timers     may be NULL
 *  [out] parameters [replicate][n_owned][p] of the last generation, to be released with free(); may be NULL
 *  [out] traffic    may be NULL
 *  [out] stalls     to be released with ouro_learn_stalls_clear(), also on error; may be NULL
 *  Returns the same status on all ranks: OURO_OK, OURO_ENOMEM, OURO_ELIMIT, OURO_ENUMERIC (names node and
 *  generation), OURO_EMPI, or what the observer returned. */
ouro_status ouro_learn_run(const ouro_config *config, const ouro_family *family, const ouro_graph *graph,
                           ouro_learn_observer observer, void *context, ouro_timers *timers, double **parameters,
                           ouro_learn_traffic *traffic, ouro_learn_stalls *stalls);

/** The same in groups that there are already.
 *  Collective on the communicator of the graph as given.
 *  Returns the same status on all ranks, as ouro_learn_run() does. */
ouro_status ouro_learn_run_group(const ouro_config *config, const ouro_family *family, const ouro_learn_group *group,
                                 ouro_learn_observer observer, void *context, ouro_timers *timers, double **parameters,
                                 ouro_learn_traffic *traffic, ouro_learn_stalls *stalls);

/** Release what stalls hold. Zeroed ones are fine.
 *  Not collective. */
void ouro_learn_stalls_clear(ouro_learn_stalls *stalls);

#endif
