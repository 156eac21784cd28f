#ifndef OURO_GRAPH_ROUTE_H
#define OURO_GRAPH_ROUTE_H

/* Records to the ranks named for them, and answers back. For set-up, not for loops. */

#include "ouro/base/status.h"

typedef struct ouro_route {
  MPI_Comm comm; /* borrowed */
  int n_ranks;
  int64_t n, n_received; /* records of this rank; records that arrive here */
  int *rank;             /* [n] each record goes to */
  int64_t *n_send;       /* [n_ranks] */
  int64_t *n_receive;    /* [n_ranks] */
  int64_t *next;         /* [n_ranks] scratch: where the next record for each rank stands among those sent */
} ouro_route;

/** Tell every rank how many records it gets.
 *  Collective on comm.
 *  [in]  rank  [n] of each record
 *  [out] route to be released with ouro_route_close(), also on error
 *  Returns the same status on all ranks: OURO_OK, OURO_ENOMEM, OURO_EINTERNAL (no such rank). */
ouro_status ouro_route_open(MPI_Comm comm, int64_t n, const int *rank, ouro_route *route);

/** Send the records. They arrive by sending rank, in their order within one.
 *  Collective on route's communicator.
 *  [in]  record   [n][width]
 *  [out] received [n_received][width] to be released with free(); NULL on error
 *  Returns the same status on all ranks: OURO_OK, OURO_ENOMEM, OURO_ELIMIT. */
ouro_status ouro_route_send(const ouro_route *route, int64_t width, const int64_t *record, int64_t **received);

/** Send one field of every record, in the order of ouro_route_send().
 *  Collective on route's communicator.
 *  [in]  bytes    of the field, the same on all ranks
 *  [in]  field    [n]
 *  [out] received [n_received]
 *  Returns the same status on all ranks: OURO_OK, OURO_ENOMEM, OURO_ELIMIT. */
ouro_status ouro_route_send_field(const ouro_route *route, size_t bytes, const void *field, void *received);

/** Send one field back for each record received.
 *  Collective on route's communicator.
 *  [in]  bytes    of the field, the same on all ranks
 *  [in]  answer   [n_received]
 *  [out] answered [n] in the order of the records
 *  Returns the same status on all ranks: OURO_OK, OURO_ENOMEM, OURO_ELIMIT. */
ouro_status ouro_route_answer_field(const ouro_route *route, size_t bytes, const void *answer, void *answered);

/** Send one word back for each record.
 *  Collective on route's communicator.
 *  [in]  answer   [n_received]
 *  [out] answered [n]
 *  Returns the same status on all ranks: OURO_OK, OURO_ENOMEM. */
ouro_status ouro_route_answer(const ouro_route *route, const int64_t *answer, int64_t *answered);

/** Release the arrays.
 *  Not collective. */
void ouro_route_close(ouro_route *route);

#endif
