/* Records to the ranks named for them: see route.h. Knows words, not what they mean. */

#include "ouro/graph/route.h"

#include <stdlib.h>
#include <string.h>

#include "graph/alltoall.h"
#include "ouro/base/memory.h"

static ouro_status count_records(const int *rank, ouro_route *route) {
  ouro_status status = OURO_OK;
  int64_t *next = NULL;
  OURO_NEW(route->n_send, route->n_ranks);
  OURO_NEW(route->n_receive, route->n_ranks);
  OURO_NEW(route->place, route->n);
  OURO_NEW(next, route->n_ranks + 1);
  for (int64_t i = 0; i < route->n; i++) route->n_send[rank[i]]++;
  for (int r = 0; r < route->n_ranks; r++) next[r + 1] = next[r] + route->n_send[r];
  for (int64_t i = 0; i < route->n; i++) route->place[i] = next[rank[i]]++;
cleanup:
  free(next);
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

/* Counts in words; buffers for what goes and what comes. */
static ouro_status prepare(const ouro_route *route, int64_t width, int64_t **n_send, int64_t **n_receive,
                           int64_t **sorted, int64_t **received) {
  ouro_status status = OURO_OK;
  size_t out, in;
  OURO_TRY(ouro_memory_product((size_t)route->n, (size_t)width, &out));
  OURO_TRY(ouro_memory_product((size_t)route->n_received, (size_t)width, &in));
  OURO_NEW(*n_send, route->n_ranks);
  OURO_NEW(*n_receive, route->n_ranks);
  OURO_NEW(*sorted, out);
  OURO_NEW(*received, in);
  for (int r = 0; r < route->n_ranks; r++) {
    (*n_send)[r] = width * route->n_send[r];
    (*n_receive)[r] = width * route->n_receive[r];
  }
cleanup:
  return status;
}

ouro_status ouro_route_send(const ouro_route *route, int64_t width, const int64_t *record, int64_t **received) {
  ouro_status status;
  int64_t *n_send = NULL, *n_receive = NULL, *sorted = NULL, *fresh = NULL;
  *received = NULL;
  OURO_AGREE(route->comm, prepare(route, width, &n_send, &n_receive, &sorted, &fresh));
  for (int64_t i = 0; i < route->n; i++) {
    memcpy(sorted + width * route->place[i], record + width * i, sizeof *record * (size_t)width);
  }
  ouro_alltoall_words(route->comm, n_send, sorted, n_receive, fresh);
  *received = fresh;
  fresh = NULL;
cleanup:
  free(n_send);
  free(n_receive);
  free(sorted);
  free(fresh);
  return status;
}

static ouro_status new_words(int64_t n, int64_t **words) {
  ouro_status status = OURO_OK;
  OURO_NEW(*words, n);
cleanup:
  return status;
}

ouro_status ouro_route_answer(const ouro_route *route, const int64_t *answer, int64_t *answered) {
  ouro_status status;
  int64_t *sorted = NULL;
  OURO_AGREE(route->comm, new_words(route->n, &sorted));
  ouro_alltoall_words(route->comm, route->n_receive, answer, route->n_send, sorted);
  for (int64_t i = 0; i < route->n; i++) answered[i] = sorted[route->place[i]];
cleanup:
  free(sorted);
  return status;
}

void ouro_route_close(ouro_route *route) {
  free(route->place);
  free(route->n_send);
  free(route->n_receive);
  *route = (ouro_route){0};
}
