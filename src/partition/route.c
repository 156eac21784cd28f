/* Records to ranks and answers back, in messages of bounded size, to those ranks only that get any.
 * Order is kept: received records stand by sender, then as the sender had them. Knows bytes, not their meaning. */

#include "partition/private.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "ouro/base/memory.h"

#define LARGEST_MESSAGE ((size_t)1 << 28)

static ouro_status count_sends(ouro_partition_route *route) {
  ouro_status status = OURO_OK;
  OURO_NEW(route->send, route->n_ranks + 1);
  OURO_NEW(route->receive, route->n_ranks + 1);
  for (int64_t k = 0; k < route->n; k++) {
    const int32_t rank = route->destination[k];
    OURO_CHECK(rank >= 0 && rank < route->n_ranks, OURO_EINTERNAL, "record for rank %d of %d", rank, route->n_ranks);
    route->send[rank + 1]++;
  }
cleanup:
  return status;
}

ouro_status ouro_partition_route_create(MPI_Comm comm, int64_t n, const int32_t *destination,
                                        ouro_partition_route **route) {
  ouro_status status = OURO_OK;
  *route = NULL;
  ouro_partition_route *made = ouro_memory_new(1, sizeof *made);
  OURO_AGREE(comm, made ? OURO_OK : OURO_ENOMEM);
  *made = (ouro_partition_route){.comm = comm, .n = n, .destination = destination, .piece = LARGEST_MESSAGE};
  MPI_Comm_rank(comm, &made->rank);
  MPI_Comm_size(comm, &made->n_ranks);
  OURO_AGREE(comm, count_sends(made));
  MPI_Alltoall(made->send + 1, 1, MPI_INT64_T, made->receive + 1, 1, MPI_INT64_T, comm);
  for (int r = 0; r < made->n_ranks; r++) {
    made->send[r + 1] += made->send[r];
    made->receive[r + 1] += made->receive[r];
  }
  made->n_received = made->receive[made->n_ranks];
  *route = made;
  made = NULL;
cleanup:
  ouro_partition_route_destroy(&made);
  return status;
}

void ouro_partition_route_destroy(ouro_partition_route **route) {
  if (*route == NULL) return;
  free((*route)->send);
  free((*route)->receive);
  free(*route);
  *route = NULL;
}

/* Messages one way: first[r] .. first[r+1] are the records exchanged with rank r. */
typedef struct side {
  const int64_t *first;
  char *values;
} side;

static int64_t messages(const ouro_partition_route *route, const int64_t *first, int64_t step) {
  int64_t n = 0;
  for (int r = 0; r < route->n_ranks; r++) {
    if (r != route->rank) n += (first[r + 1] - first[r] + step - 1) / step;
  }
  return n;
}

/* Start all messages of one side; returns the number of requests. */
static int start(const ouro_partition_route *route, const side *at, bool sending, int64_t step, size_t bytes,
                 MPI_Request *requests) {
  int n = 0;
  for (int r = 0; r < route->n_ranks; r++) {
    if (r == route->rank) continue;
    for (int64_t k = at->first[r]; k < at->first[r + 1]; k += step) {
      const int64_t here = at->first[r + 1] - k < step ? at->first[r + 1] - k : step;
      char *values = at->values + (size_t)k * bytes;
      const int length = (int)((size_t)here * bytes); /* at most one record or `piece`, both below INT_MAX */
      if (sending)
        MPI_Isend(values, length, MPI_BYTE, r, OURO_TAG_MIGRATE, route->comm, &requests[n++]);
      else
        MPI_Irecv(values, length, MPI_BYTE, r, OURO_TAG_MIGRATE, route->comm, &requests[n++]);
    }
  }
  return n;
}

static int64_t step_of(const ouro_partition_route *route, size_t bytes) {
  return bytes < route->piece ? (int64_t)(route->piece / bytes) : 1;
}

static void transfer(const ouro_partition_route *route, size_t bytes, const side *out, const side *in,
                     MPI_Request *requests) {
  const int64_t step = step_of(route, bytes);
  int n = start(route, in, false, step, bytes, requests);
  n += start(route, out, true, step, bytes, requests + n);
  const int me = route->rank;
  const size_t mine = (size_t)(out->first[me + 1] - out->first[me]) * bytes;
  if (mine) memcpy(in->values + (size_t)in->first[me] * bytes, out->values + (size_t)out->first[me] * bytes, mine);
  MPI_Waitall(n, requests, MPI_STATUSES_IGNORE);
}

/* Between the order of the records and the packed order by rank. */
static void pack(const ouro_partition_route *route, size_t bytes, char *values, char *packed, int64_t *next,
                 bool unpacking) {
  memcpy(next, route->send, (size_t)route->n_ranks * sizeof *next);
  for (int64_t k = 0; k < route->n; k++) {
    char *record = values + (size_t)k * bytes, *place = packed + (size_t)next[route->destination[k]]++ * bytes;
    if (unpacking)
      memcpy(record, place, bytes);
    else
      memcpy(place, record, bytes);
  }
}

typedef struct workspace {
  char *packed;
  int64_t *next;
  MPI_Request *requests;
} workspace;

static ouro_status make_workspace(const ouro_partition_route *route, size_t bytes, workspace *work) {
  ouro_status status = OURO_OK;
  const int64_t step = step_of(route, bytes);
  const int64_t n = messages(route, route->send, step) + messages(route, route->receive, step);
  size_t size;
  OURO_CHECK(bytes <= INT_MAX && n <= INT_MAX, OURO_ELIMIT, "%" PRId64 " messages at once", n);
  OURO_TRY(ouro_memory_product((size_t)route->n, bytes, &size));
  OURO_NEW(work->packed, size);
  OURO_NEW(work->next, route->n_ranks);
  OURO_NEW(work->requests, n);
cleanup:
  return status;
}

static void free_workspace(workspace *work) {
  free(work->packed);
  free(work->next);
  free(work->requests);
}

ouro_status ouro_partition_route_forward(const ouro_partition_route *route, size_t bytes, const void *values,
                                         void *out) {
  ouro_status status = OURO_OK;
  workspace work = {0};
  OURO_AGREE(route->comm, make_workspace(route, bytes, &work));
  pack(route, bytes, (char *)(uintptr_t)values, work.packed, work.next, false);
  transfer(route, bytes, &(side){route->send, work.packed}, &(side){route->receive, out}, work.requests);
cleanup:
  free_workspace(&work);
  return status;
}

ouro_status ouro_partition_route_back(const ouro_partition_route *route, size_t bytes, const void *values, void *out) {
  ouro_status status = OURO_OK;
  workspace work = {0};
  OURO_AGREE(route->comm, make_workspace(route, bytes, &work));
  transfer(route, bytes, &(side){route->receive, (char *)(uintptr_t)values}, &(side){route->send, work.packed},
           work.requests);
  pack(route, bytes, out, work.packed, work.next, true);
cleanup:
  free_workspace(&work);
  return status;
}
