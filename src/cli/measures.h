#ifndef OURO_CLI_MEASURES_H
#define OURO_CLI_MEASURES_H

/* What the run file says of models beside the moments of their errors: the measures that output.measures names, and
 * when errors first reach output.threshold; of every node and of every verdict class. */

#include "cli/tables.h"
#include "ouro/family/family.h"
#include "ouro/learn/figures.h"

typedef struct cli_measures cli_measures;

/** Open the tables of what a configuration asks for.
 *  Collective on the graph's communicator.
 *  [in]  sink      and what it points to, config, family and verdict must outlive the measures
 *  [in]  group     NULL: there will be no models, and no measures
 *  [in]  predicted false: there will be no theory
 *  [out] measures  to be ended with cli_measures_finish() and released with cli_measures_destroy(); NULL on error
 *  Returns the same status on all ranks. */
ouro_status cli_measures_begin(const ouro_config *config, const ouro_family *family, const ouro_verdict *verdict,
                               const cli_sink *sink, const ouro_learn_group *group, bool predicted,
                               cli_measures **measures);

/** Look at a generation.
 *  Collective on the graph's communicator.
 *  [in] view   with its generation alone where nothing is simulated
 *  [in] theory [n_owned] predicted errors, not used where there are none
 *  [in] stored which of the stored generations it is; -1: none of them
 *  Returns the same status on all ranks. */
ouro_status cli_measures_generation(cli_measures *measures, const ouro_learn_view *view, const double *theory,
                                    int64_t stored);

/** Write the summaries by class and the first passages, after the last generation.
 *  Collective on the graph's communicator.
 *  Returns the same status on all ranks. */
ouro_status cli_measures_finish(cli_measures *measures);

/** Print the figures of the classes at the last stored generation. To be called on the rank that prints.
 *  Not collective. After cli_measures_finish(). */
void cli_measures_print(const cli_measures *measures);

/** Close the tables and release everything. NULL is fine.
 *  Collective on the graph's communicator. */
void cli_measures_destroy(cli_measures **measures);

#endif
