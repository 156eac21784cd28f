#ifndef OURO_CLI_COMMAND_H
#define OURO_CLI_COMMAND_H

/* The command line as a function. A program that brings a model family of its own is `ouro` itself with one more line:
 *
 *   int main(int argc, char **argv) {
 *     MPI_Init(&argc, &argv);
 *     ouro_family_register(&mine);
 *     const int status = ouro_command(MPI_COMM_WORLD, argc, argv);
 *     MPI_Finalize();
 *     return status;
 *   } */

#include "ouro/base/types.h"

/** Do what a command line says: results to standard output of rank 0, messages to its standard error.
 *  Collective on comm, which is duplicated; every rank passes the same words.
 *  [in] argv [argc] the program's name, the subcommand, its arguments; argp may change their order
 *  Returns the exit status of the command, the same on all ranks (README, "Exit status"). */
int ouro_command(MPI_Comm comm, int argc, char **argv);

#endif
