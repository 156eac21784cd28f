#ifndef OURO_CLI_RESULTS_H
#define OURO_CLI_RESULTS_H

/* The run file: which tables it has, and writing them. Shared by run and predict, so that both write the same
 * data sets (design of the file: README, "The run file"). */

#include "cli/theory.h"
#include "ouro/learn/learn.h"
#include "ouro/store/store.h"
#include "ouro/theory/agree.h"

typedef struct cli_results cli_results;

/** Begin the run file of a job: everything that is known before the first generation.
 *  Collective on the graph's communicator.
 *  [in]  simulated false: only theory will be written
 *  [in]  job, verdict, theory must outlive the results
 *  [out] results to be ended with cli_results_finish() or cli_results_discard(); NULL on error
 *  Returns the same status on all ranks. */
ouro_status cli_results_begin(const cli_job *job, const ouro_verdict *verdict, const cli_theory *theory, bool simulated,
                              int argc, char **argv, cli_results **results);

/** Store a generation, if it is one of those that output.every selects.
 *  Collective on the graph's communicator.
 *  [in] view with its generation alone when only theory is written
 *  Returns the same status on all ranks. */
ouro_status cli_results_generation(cli_results *results, const ouro_learn_view *view);

/** Scores of simulation against theory so far, of this rank.
 *  Not collective. */
ouro_agreement *cli_results_agreement(cli_results *results);

/** Means over the models of each verdict class at the last stored generation.
 *  Not collective.
 *  [out] simulated, theory [OURO_CLASS_COUNT] NaN where there is nothing */
void cli_results_summary(const cli_results *results, double *simulated, double *theory);

/** Print the measures of the verdict classes. To be called on the rank that prints.
 *  Not collective. After cli_results_measures(). */
void cli_results_print_measures(const cli_results *results);

/** Store which models stalled, if the family is one whose models can.
 *  Collective on the graph's communicator.
 *  Returns the same status on all ranks. */
ouro_status cli_results_stalls(cli_results *results, const ouro_learn_stalls *stalls);

/** Store what is known of the measures once all generations have been seen.
 *  Collective on the graph's communicator.
 *  Returns the same status on all ranks. */
ouro_status cli_results_measures(cli_results *results);

/** Store final parameters, agreement and timing, and complete the file. The agreement must be reduced.
 *  Collective on the graph's communicator.
 *  [in]    parameters [replicate][n_owned][p] or NULL
 *  [in]    traffic    or NULL
 *  [inout] results    NULL afterwards
 *  Returns the same status on all ranks. */
ouro_status cli_results_finish(cli_results **results, const double *parameters, const ouro_learn_traffic *traffic,
                               ouro_timers *timers);

/** Remove the unfinished file. NULL is fine.
 *  Collective on the graph's communicator. */
void cli_results_discard(cli_results **results);

#endif
