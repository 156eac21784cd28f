#ifndef OURO_CLI_CALIBRATE_H
#define OURO_CLI_CALIBRATE_H

/* Measuring a machine, for `ouro plan`. */

#include "ouro/plan/machine.h"

/** Rates of the model of a configuration in a tier of sampling; nothing where its family does not have the tier.
 *  Not collective; every rank may call at the same time.
 *  [inout] config  of which the model is left alone, the rest is changed
 *  [inout] machine
 *  Returns OURO_OK, OURO_ENOMEM, or what a run returns. */
ouro_status cli_calibrate_model(ouro_config *config, ouro_sampling sampling, ouro_plan_machine *machine);

/** The same for all families, at several sizes, in all tiers.
 *  Not collective. */
ouro_status cli_calibrate_families(bool root, ouro_plan_machine *machine);

/** Memory, messages and files.
 *  Collective on comm. Messages are measured between the first and the last rank, if there are two.
 *  [in]    path a file beside which results are written on trial
 *  [inout] machine that of rank 0 counts
 *  Returns the same status on all ranks: OURO_OK, OURO_ENOMEM, OURO_EIO, OURO_EMPI. */
ouro_status cli_calibrate_hardware(MPI_Comm comm, const char *path, ouro_plan_machine *machine);

#endif
