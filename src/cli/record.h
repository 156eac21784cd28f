#ifndef OURO_CLI_RECORD_H
#define OURO_CLI_RECORD_H

/* Parts of the run file that describe the run rather than its results: provenance and timing. */

#include "cli/cli.h"
#include "ouro/learn/learn.h"
#include "ouro/store/store.h"

/** Write the root attributes that say what made the file.
 *  Collective on the graph's communicator.
 *  Returns the same status on all ranks. */
ouro_status cli_provenance(const cli_job *job, int argc, char **argv, ouro_store *store);

/** Write /timing: seconds by phase, bytes moved, memory.
 *  Collective on comm.
 *  [in] traffic NULL where nothing was exchanged
 *  Returns the same status on all ranks. */
ouro_status cli_timing_put(ouro_store *store, MPI_Comm comm, ouro_timers *timers, const ouro_learn_traffic *traffic);

#endif
