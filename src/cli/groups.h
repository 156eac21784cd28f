#ifndef OURO_CLI_GROUPS_H
#define OURO_CLI_GROUPS_H

/* Which ranks share the replicates: the choice where parallel.groups is auto, and who owns what then. */

#include "cli/cli.h"
#include "ouro/partition/partition.h"

/** Choose how many groups there are, unless parallel.groups says so; log it with the reason.
 *  Collective on comm.
 *  [in]    figures of the partition into as many parts as there are ranks
 *  [inout] job     its configuration is told
 *  Returns the same status on all ranks. */
ouro_status cli_groups_choose(MPI_Comm comm, int n_ranks, const ouro_partition_figures *figures, cli_job *job);

/** Give parts to ranks so that what is one rank's of a group are parts in a row: a partition puts what belongs together
 *  into parts of near numbers.
 *  Not collective.
 *  [inout] owner [n_owned] part of each owned node, then its rank */
void cli_groups_place(const cli_job *job, int n_ranks, int32_t *owner);

#endif
