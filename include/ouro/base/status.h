#ifndef OURO_BASE_STATUS_H
#define OURO_BASE_STATUS_H

/* Status codes, the message that goes with a failure, and the agreement of all ranks on both.
 *
 * A function that can fail returns an ouro_status. The first failure records its message with
 * ouro_error(); callers pass the code up unchanged. Rank-local risk (parsing, allocation, I/O) is
 * followed by one ouro_agree() before the next collective call, so that an error on one rank ends
 * the run on all of them with one message. */

#include "ouro/base/types.h"

typedef enum ouro_status {
  OURO_OK = 0,
  OURO_EUSAGE,   /* wrong command line */
  OURO_ECONFIG,  /* wrong experiment file or override */
  OURO_EINPUT,   /* wrong content of an input file */
  OURO_EIO,      /* a file cannot be opened, read or written */
  OURO_ENOMEM,   /* an allocation failed */
  OURO_ELIMIT,   /* asked for more than memory or an index type can hold */
  OURO_EMPI,     /* an MPI call failed */
  OURO_ENUMERIC, /* arithmetic broke down: a singular fit, an overflow */
  OURO_EINTERNAL /* a broken invariant: a defect of the program */
} ouro_status;

/** Record the message of a failure and return its code.
 *  Not collective.
 *  [in] code   any status but OURO_OK
 *  [in] format printf format of the message: one line, without a final newline; it names the file and
 *              line, the key or the node. A later message replaces an earlier one.
 *  Returns code. */
ouro_status ouro_error(ouro_status code, const char *format, ...) __attribute__((format(printf, 2, 3)));

/** The message of the last failure on this rank, after ouro_agree() the agreed one.
 *  Not collective.
 *  Returns a string owned by the library, valid until the next ouro_error() or ouro_agree(). */
const char *ouro_error_message(void);

/** Agree on the outcome of rank-local work.
 *  Collective on comm.
 *  [in] comm  communicator
 *  [in] local status of this rank
 *  Returns on every rank the status of the lowest rank that failed, whose message becomes that of all;
 *  OURO_OK if none failed. */
ouro_status ouro_agree(MPI_Comm comm, ouro_status local);

/** Exit status of the command for a status.
 *  Not collective.
 *  Returns a value of enum ouro_exit. */
int ouro_exit_of(ouro_status status);

/* The three macros of error handling. Each needs a variable `ouro_status status` and a label `cleanup`. */

/* Go to cleanup if the call fails. */
#define OURO_TRY(call)                                                                                                 \
  do {                                                                                                                 \
    status = (call);                                                                                                   \
    if (status != OURO_OK) goto cleanup;                                                                               \
  } while (0)

/* Fail with a message unless the condition holds. */
#define OURO_CHECK(condition, code, ...)                                                                               \
  do {                                                                                                                 \
    if (!(condition)) {                                                                                                \
      status = ouro_error((code), __VA_ARGS__);                                                                        \
      goto cleanup;                                                                                                    \
    }                                                                                                                  \
  } while (0)

/* Collective: do rank-local work, agree on its outcome, go to cleanup on all ranks if it failed on one. */
#define OURO_AGREE(comm, call)                                                                                         \
  do {                                                                                                                 \
    status = ouro_agree((comm), (call));                                                                               \
    if (status != OURO_OK) goto cleanup;                                                                               \
  } while (0)

#endif
