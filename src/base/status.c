/* Status codes with their message, and agreement of all ranks on both: see status.h.
 * One message a rank is kept, that of its latest failure; agreement spreads the lowest failing rank's. */

#include "ouro/base/status.h"

#include <stdarg.h>
#include <stdio.h>

#define MESSAGE_SIZE 1024

static char message[MESSAGE_SIZE];

ouro_status ouro_error(ouro_status code, const char *format, ...) {
  char fresh[MESSAGE_SIZE]; /* the arguments may point into the old message */
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(fresh, sizeof fresh, format, arguments);
  va_end(arguments);
  snprintf(message, sizeof message, "%s", fresh);
  return code;
}

const char *ouro_error_message(void) {
  return message;
}

ouro_status ouro_agree(MPI_Comm comm, ouro_status local) {
  int rank, n_ranks;
  MPI_Comm_rank(comm, &rank);
  MPI_Comm_size(comm, &n_ranks);
  int first = local == OURO_OK ? n_ranks : rank;
  MPI_Allreduce(MPI_IN_PLACE, &first, 1, MPI_INT, MPI_MIN, comm);
  if (first == n_ranks) return OURO_OK;
  int code = (int)local;
  MPI_Bcast(&code, 1, MPI_INT, first, comm);
  MPI_Bcast(message, MESSAGE_SIZE, MPI_CHAR, first, comm);
  return (ouro_status)code;
}

int ouro_exit_of(ouro_status status) {
  switch (status) {
  case OURO_OK:
    return OURO_EXIT_DONE;
  case OURO_EUSAGE:
  case OURO_ECONFIG:
    return OURO_EXIT_USAGE;
  default:
    return OURO_EXIT_ERROR;
  }
}
