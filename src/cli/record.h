#ifndef OURO_CLI_RECORD_H
#define OURO_CLI_RECORD_H

/* Parts of the run file that describe the graph and the run rather than its results. */

#include "cli/cli.h"
#include "ouro/learn/learn.h"
#include "ouro/store/store.h"

/* The feeds into owned nodes as columns; position is their place in the order by target, then source. */
typedef struct cli_feed_columns {
  ouro_eid n;
  int64_t *position, *source, *target, *samples; /* [n] */
} cli_feed_columns;

/** Columns of the feeds of a small graph (arrays of n_nodes are made on every rank).
 *  Collective on graph's communicator.
 *  [out] columns to be released with cli_feed_columns_clear(), also on error
 *  Returns the same status on all ranks: OURO_OK, OURO_ENOMEM. */
ouro_status cli_feed_columns_make(const ouro_graph *graph, cli_feed_columns *columns);

/** Release the columns.
 *  Not collective. */
void cli_feed_columns_clear(cli_feed_columns *columns);

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
