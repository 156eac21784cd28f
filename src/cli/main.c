/* The program `ouro`: starts MPI and hands its command line to ouro_command(). */

#include "ouro/cli/command.h"

int main(int argc, char **argv) {
  int level; /* threads of the program leave MPI to this one; where they may not be, it does their work, too */
  MPI_Init_thread(&argc, &argv, MPI_THREAD_FUNNELED, &level);
  const int status = ouro_command(MPI_COMM_WORLD, argc, argv);
  MPI_Finalize();
  return status;
}
