/* The program `ouro`: starts MPI and hands its command line to ouro_command(). */

#include "ouro/cli/command.h"

int main(int argc, char **argv) {
  MPI_Init(&argc, &argv);
  const int status = ouro_command(MPI_COMM_WORLD, argc, argv);
  MPI_Finalize();
  return status;
}
