#ifndef OURO_CLI_CLI_H
#define OURO_CLI_CLI_H

/* What the subcommands share: how they are called, their options, and what they open. */

#include <argp.h>

#include "ouro/base/timer.h"
#include "ouro/family/family.h"
#include "ouro/graph/graph.h"
#include "ouro/learn/group.h"
#include "ouro/theory/damage.h"
#include "ouro/theory/rates.h"
#include "ouro/theory/verdict.h"

/* A subcommand: parses its own arguments, does its work on all ranks, prints results on rank 0. */
typedef struct cli_command {
  const char *name, *summary;
  ouro_status (*run)(MPI_Comm comm, int argc, char **argv);
} cli_command;

ouro_status cli_run(MPI_Comm comm, int argc, char **argv);
ouro_status cli_verdict(MPI_Comm comm, int argc, char **argv);
ouro_status cli_predict(MPI_Comm comm, int argc, char **argv);
ouro_status cli_advise(MPI_Comm comm, int argc, char **argv);
ouro_status cli_plan_command(MPI_Comm comm, int argc, char **argv);
ouro_status cli_partition(MPI_Comm comm, int argc, char **argv);
ouro_status cli_generate(MPI_Comm comm, int argc, char **argv);
ouro_status cli_info(MPI_Comm comm, int argc, char **argv);
ouro_status cli_compare(MPI_Comm comm, int argc, char **argv);

/* options.c: argp on every rank, messages from rank 0 alone. */

/* What every subcommand's argp state starts with: common options and collected overrides. */
typedef struct cli_options {
  bool help;           /* --help was given and printed: the command ends with success */
  int n_positional;    /* arguments that are not options */
  char *positional[3]; /* */
  int max_positional;  /* set by the caller */
  int n_overrides;     /* configuration overrides "key=value", owned */
  char **overrides;    /* */
} cli_options;

/** Parse the arguments of a subcommand.
 *  Collective on comm (every rank gets the same arguments and answers alike; rank 0 prints help and errors).
 *  [in]    argp    its parser gets cli_options (or a struct that begins with it) as state->input
 *  [inout] options to be released with cli_options_clear()
 *  Returns the same status on all ranks: OURO_OK, OURO_EUSAGE (with an empty message: argp has spoken), OURO_ENOMEM. */
ouro_status cli_parse(MPI_Comm comm, const struct argp *argp, int argc, char **argv, cli_options *options);

/** Handle the options and positional arguments that every subcommand has.
 *  Not collective. To be called by a subcommand's parser for keys it does not know itself.
 *  Returns 0, EINVAL or ARGP_ERR_UNKNOWN. */
error_t cli_parse_common(int key, char *argument, struct argp_state *state);

/** Parse the arguments of a subcommand that takes an experiment and overrides, nothing else.
 *  Not collective. */
error_t cli_parse_experiment(int key, char *argument, struct argp_state *state);

/** Set a configuration key from an option, inside an argp parser.
 *  Not collective.
 *  Returns 0 or ENOMEM. */
error_t cli_parse_override(cli_options *options, const char *key, const char *value);

/** Add the override "key=value".
 *  Not collective.
 *  Returns OURO_OK or OURO_ENOMEM. */
ouro_status cli_override(cli_options *options, const char *key, const char *value);

/** Release what the options own.
 *  Not collective. */
void cli_options_clear(cli_options *options);

/** Whether this is the rank that prints.
 *  Not collective. */
bool cli_is_root(MPI_Comm comm);

/* Options that cli_parse_common() handles; to stand at the end of a subcommand's table. */
#define CLI_COMMON_OPTIONS                                                                                             \
  { "help", 'h', 0, 0, "Print this help", -1 }
#define CLI_SET_OPTION                                                                                                 \
  { "set", 's', "KEY=VALUE", 0, "Override a key of the experiment, e.g. learning.seed=7; repeatable", 0 }

/* open.c: what a command works on. */

/* A configuration with the family and graph it describes. */
typedef struct cli_job {
  ouro_config *config;
  ouro_family *family;
  ouro_graph *graph;
  ouro_learn_group *group; /* NULL where nothing is simulated */
  ouro_timers timers;
} cli_job;

/** Load an experiment, make its family, open its graph, and refuse what cannot be learned on it.
 *  Collective on comm.
 *  [in]  path experiment file
 *  [out] job  to be released with cli_job_close(), also on error
 *  Returns the same status on all ranks. */
ouro_status cli_job_open(MPI_Comm comm, const char *path, const cli_options *options, cli_job *job);

/** Open a graph file alone, with defaults and the overrides of the options; no family.
 *  Collective on comm.
 *  [in]  path graph file, or NULL where the overrides name a generator
 *  [out] job  to be released with cli_job_close(), also on error
 *  Returns the same status on all ranks. */
ouro_status cli_job_open_graph(MPI_Comm comm, const char *path, cli_options *options, cli_job *job);

/** Choose owners and move the graph there, if there is more than one rank; form the groups of ranks that share the
 *  replicates, as many as parallel.groups says, or where it is auto as the cost model chooses; log the figures.
 *  Collective on comm.
 *  Returns the same status on all ranks. */
ouro_status cli_job_distribute(MPI_Comm comm, cli_job *job);

/** The verdict on a job's graph; warns of models with so few samples that topology alone does not decide.
 *  Collective on the graph's communicator.
 *  [out] verdict to be released with ouro_verdict_destroy(); NULL on error
 *  Returns the same status on all ranks. */
ouro_status cli_job_decide(cli_job *job, ouro_verdict **verdict);

/** Print time by phase and memory to stderr.
 *  Collective on comm.
 *  Returns the same status on all ranks. */
ouro_status cli_timing_print(MPI_Comm comm, ouro_timers *timers);

/** Release everything a job holds.
 *  Collective on comm. */
void cli_job_close(cli_job *job);

/** Print a verdict as a person reads it: classes, unstable sources, cure.
 *  Collective on graph's communicator.
 *  [in] rates  or NULL
 *  [in] damage or NULL; both or neither
 *  Returns the same status on all ranks: OURO_OK, OURO_ENOMEM, OURO_EMPI. */
ouro_status cli_verdict_print(const ouro_graph *graph, const ouro_verdict *verdict, const ouro_rates *rates,
                              const ouro_damage *damage);

/* names.c: names of nodes wherever they are owned. */

#define CLI_NAME_SIZE 256

typedef struct cli_names cli_names;

/** Fetch the names of some nodes; those of owned nodes are there anyway.
 *  Collective on graph's communicator.
 *  [in]  wanted [n] global ids, negative ones are skipped; each rank its own
 *  [out] names  to be released with cli_names_destroy(); NULL on error
 *  Returns the same status on all ranks: OURO_OK, OURO_ENOMEM, OURO_EMPI. */
ouro_status cli_names_fetch(const ouro_graph *graph, ouro_lid n, const ouro_gid *wanted, cli_names **names);

/** Name of a fetched or owned node; "-" for a negative id.
 *  Not collective.
 *  Returns a string owned by names. */
const char *cli_names_get(const cli_names *names, const ouro_graph *graph, ouro_gid node);

/** Release names and set them to NULL. NULL is fine.
 *  Not collective. */
void cli_names_destroy(cli_names **names);

/* nodes.c: files that list nodes. */

/** Read a file that names a node a line: the first tab-separated field; # and % begin comments, and the first line
 *  may be the word "node".
 *  Collective on graph's communicator.
 *  [out] nodes [*n] global ids in the order of the file, the same on all ranks, to be released with free();
 *              NULL on error
 *  Returns the same status on all ranks: OURO_OK, OURO_EIO, OURO_EINPUT ("file:line: ..." for a node that the graph
 *  does not have or that stands there twice), OURO_ELIMIT, OURO_ENOMEM. */
ouro_status cli_nodes_read(const ouro_graph *graph, const char *path, ouro_gid **nodes, int *n);

/** Print text that the ranks hold in pieces, in rank order, to a stream of rank 0.
 *  Collective on comm.
 *  [in] text   zero-terminated piece of this rank
 *  [in] stream used on rank 0 only
 *  Returns the same status on all ranks: OURO_OK, OURO_EIO, OURO_ENOMEM. */
ouro_status cli_print_in_order(MPI_Comm comm, const char *text, size_t length, FILE *stream);

#endif
