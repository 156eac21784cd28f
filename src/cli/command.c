/* The command line: finds the subcommand, and turns its status into one message and an exit status that is the same
 * on every rank. Must not know who started MPI. */

#include "ouro/cli/command.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "ouro/base/log.h"
#include "ouro/store/provenance.h"

static const cli_command commands[] = {
    {"run", "simulate an experiment, predict it, store both", cli_run},
    {"verdict", "which models of a graph collapse, and what cures it", cli_verdict},
    {"predict", "theory of an experiment alone", cli_predict},
    {"advise", "which real feeds cure the models, and which help most", cli_advise},
    {"plan", "memory, traffic and time of an experiment on any number of ranks", cli_plan_command},
    {"partition", "assign the models of a graph to ranks and say what that costs", cli_partition},
    {"generate", "make a graph", cli_generate},
    {"info", "what a run or graph file holds", cli_info},
    {"compare", "two run files with each other, or simulation with theory", cli_compare},
};
#define N_COMMANDS ((int)(sizeof commands / sizeof commands[0]))

/* OpenBLAS reads the environment when it is loaded; one thread a rank is what MPI programs want. */
void openblas_set_num_threads(int n) __attribute__((weak));

static void print_usage(FILE *stream) {
  fputs("ouro simulates and predicts model collapse in graphs of models that train on one another's data.\n\n"
        "usage: ouro COMMAND [ARGUMENTS]     or     mpirun -np RANKS ouro COMMAND [ARGUMENTS]\n\n",
        stream);
  for (int k = 0; k < N_COMMANDS; k++) fprintf(stream, "  %-10s %s\n", commands[k].name, commands[k].summary);
  fputs("\n`ouro COMMAND --help` explains one of them, with an example.\n"
        "Exit status: 0 done, 1 error, 2 wrong usage or configuration.\n",
        stream);
}

static ouro_status unknown_command(const char *word) {
  const char *names[N_COMMANDS];
  for (int k = 0; k < N_COMMANDS; k++) names[k] = commands[k].name;
  const char *near = ouro_config_nearest(word, names, N_COMMANDS);
  if (near) return ouro_error(OURO_EUSAGE, "unknown command `%s`; did you mean `%s`?", word, near);
  return ouro_error(OURO_EUSAGE, "unknown command `%s`; `ouro --help` lists them", word);
}

static ouro_status dispatch(MPI_Comm comm, int argc, char **argv) {
  if (argc < 2) {
    if (cli_is_root(comm)) print_usage(stderr);
    return ouro_error(OURO_EUSAGE, "%s", "");
  }
  if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 || strcmp(argv[1], "help") == 0) {
    if (cli_is_root(comm)) print_usage(stdout);
    return OURO_OK;
  }
  if (strcmp(argv[1], "--version") == 0) {
    if (cli_is_root(comm)) puts(ouro_provenance_program());
    return OURO_OK;
  }
  for (int k = 0; k < N_COMMANDS; k++) {
    if (strcmp(argv[1], commands[k].name) == 0) return commands[k].run(comm, argc - 1, argv + 1);
  }
  return unknown_command(argv[1]);
}

/* Results that could not be written to stdout (a full disk, a closed pipe) are an error, too. */
static ouro_status flush_results(MPI_Comm comm) {
  const bool failed = fflush(stdout) != 0 || ferror(stdout);
  return ouro_agree(comm, failed ? ouro_error(OURO_EIO, "cannot write to standard output") : OURO_OK);
}

int ouro_command(MPI_Comm comm, int argc, char **argv) {
  MPI_Comm own;
  int rank;
  signal(SIGXFSZ, SIG_IGN); /* a limit on file sizes is a write error with a message, not a death */
  MPI_Comm_dup(comm, &own);
  MPI_Comm_rank(own, &rank);
  ouro_log_open(rank, OURO_LOG_NOTICE);
  if (openblas_set_num_threads) openblas_set_num_threads(1);
  ouro_status status = dispatch(own, argc, argv);
  if (status == OURO_OK)
    status = flush_results(own);
  else
    fflush(stdout); /* once a rank has ended with an error, mpirun may kill the others */
  if (status != OURO_OK && ouro_error_message()[0] != '\0') {
    ouro_log_root(OURO_LOG_ERROR, "%s", ouro_error_message());
  }
  MPI_Comm_free(&own);
  return ouro_exit_of(status);
}
