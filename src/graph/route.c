/* Records to the ranks named for them: see route.h. Knows bytes, not what they mean. */

#include "ouro/graph/route.h"

#include <stdlib.h>
#include <string.h>

#include "ouro/base/alltoall.h"
#include "ouro/base/memory.h"

static ouro_status count_records(const int *rank, ouro_route *route) {
  ouro_status status = OURO_OK;
  OURO_NEW(route->n_send, route->n_ranks);
  OURO_NEW(route->n_receive, route->n_ranks);
  OURO_NEW(route->next, route->n_ranks);
  OURO_NEW(route->rank, route->n);
  for (int64_t i = 0; i < route->n; i++) {
    OURO_CHECK(rank[i] >= 0 && rank[i] < route->n_ranks, OURO_EINTERNAL, "record for rank %d of %d", rank[i],
               route->n_ranks);
    route->rank[i] = rank[i];
    route->n_send[rank[i]]++;
  }
cleanup:
  return status;
}

ouro_status ouro_route_open(MPI_Comm comm, int64_t n, const int *rank, ouro_route *route) {
  ouro_status status;
  *route = (ouro_route){.comm = comm, .n = n};
  MPI_Comm_size(comm, &route->n_ranks);
  OURO_AGREE(comm, count_records(rank, route));
  route->n_received = ouro_alltoall_counts(comm, route->n_send, route->n_receive);
cleanup:
  return status;
}

static ouro_status new_fields(int64_t n, size_t bytes, char **fields) {
  ouro_status status = OURO_OK;
  size_t size;
  OURO_TRY(ouro_memory_product((size_t)n, bytes, &size));
  OURO_NEW(*fields, size);
cleanup:
  return status;
}

/* Before the first record is packed or unpacked. */
static void start_packing(const ouro_route *route) {
  route->next[0] = 0;
  for (int r = 1; r < route->n_ranks; r++) route->next[r] = route->next[r - 1] + route->n_send[r - 1];
}

ouro_status ouro_route_send_field(const ouro_route *route, size_t bytes, const void *field, void *received) {
  ouro_status status = OURO_OK;
  char *packed = NULL;
  OURO_AGREE(route->comm, new_fields(route->n, bytes, &packed));
  start_packing(route);
  for (int64_t i = 0; i < route->n; i++) {
    const int64_t at = route->next[route->rank[i]]++;
    memcpy(packed + (size_t)at * bytes, (const char *)field + (size_t)i * bytes, bytes);
  }
  ouro_alltoall(route->comm, bytes, route->n_send, packed, route->n_receive, received);
cleanup:
  free(packed);
  return status;
}

ouro_status ouro_route_send(const ouro_route *route, int64_t width, const int64_t *record, int64_t **received) {
  ouro_status status;
  const size_t bytes = (size_t)width * sizeof *record;
  char *fresh = NULL;
  *received = NULL;
  OURO_AGREE(route->comm, new_fields(route->n_received, bytes, &fresh));
  OURO_TRY(ouro_route_send_field(route, bytes, record, fresh));
  *received = (void *)fresh;
  fresh = NULL;
cleanup:
  free(fresh);
  return status;
}

ouro_status ouro_route_answer_field(const ouro_route *route, size_t bytes, const void *answer, void *answered) {
  ouro_status status = OURO_OK;
  char *packed = NULL;
  OURO_AGREE(route->comm, new_fields(route->n, bytes, &packed));
  ouro_alltoall(route->comm, bytes, route->n_receive, answer, route->n_send, packed);
  start_packing(route);
  for (int64_t i = 0; i < route->n; i++) {
    const int64_t at = route->next[route->rank[i]]++;
    memcpy((char *)answered + (size_t)i * bytes, packed + (size_t)at * bytes, bytes);
  }
cleanup:
  free(packed);
  return status;
}

ouro_status ouro_route_answer(const ouro_route *route, const int64_t *answer, int64_t *answered) {
  return ouro_route_answer_field(route, sizeof *answer, answer, answered);
}

void ouro_route_close(ouro_route *route) {
  free(route->rank);
  free(route->n_send);
  free(route->n_receive);
  free(route->next);
  *route = (ouro_route){0};
}
