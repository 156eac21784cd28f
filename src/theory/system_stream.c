/* Every rank sees all of P, in slices of bounded size. */

#include <stdlib.h>

#include "ouro/base/memory.h"
#include "theory/select.h"
#include "theory/system.h"

enum { SLICE = 1 << 16 }; /* weights a broadcast */

typedef struct slice {
  int32_t *row, *column;
  double *weight;
  int n;
} slice;

static ouro_status slice_create(slice *s) {
  ouro_status status = OURO_OK;
  OURO_NEW(s->row, SLICE);
  OURO_NEW(s->column, SLICE);
  OURO_NEW(s->weight, SLICE);
cleanup:
  return status;
}

static void slice_destroy(slice *s) {
  free(s->row);
  free(s->column);
  free(s->weight);
}

/* Copy weights number at, at+1, .. of this rank; *held is the row that weight number `at` lies in or after. */
static void slice_fill(const ouro_system *system, int64_t at, int32_t *held, slice *s) {
  const int64_t left = system->first[system->n_held] - at;
  s->n = left < SLICE ? (int)left : SLICE;
  for (int k = 0; k < s->n; k++) {
    while (system->first[*held + 1] <= at + k) (*held)++;
    s->row[k] = system->held[*held];
    s->column[k] = system->column[at + k];
    s->weight[k] = system->weight[at + k];
  }
}

static ouro_status slice_send(MPI_Comm comm, int root, slice *s) {
  int code = MPI_Bcast(s->row, s->n, MPI_INT32_T, root, comm);
  if (code == MPI_SUCCESS) code = MPI_Bcast(s->column, s->n, MPI_INT32_T, root, comm);
  if (code == MPI_SUCCESS) code = MPI_Bcast(s->weight, s->n, MPI_DOUBLE, root, comm);
  return ouro_mpi_status(code);
}

/* The weights that `root` holds, shown to all. */
static ouro_status stream_from(MPI_Comm comm, int root, const ouro_system *system, slice *s, ouro_system_visit visit,
                               void *context) {
  ouro_status status = OURO_OK;
  int64_t total = system->first[system->n_held];
  int32_t held = 0;
  int rank;
  MPI_Comm_rank(comm, &rank);
  OURO_TRY(ouro_mpi_status(MPI_Bcast(&total, 1, MPI_INT64_T, root, comm)));
  for (int64_t at = 0; at < total; at += s->n) {
    s->n = total - at < SLICE ? (int)(total - at) : SLICE;
    if (rank == root) slice_fill(system, at, &held, s);
    OURO_TRY(slice_send(comm, root, s));
    visit(context, s->n, s->row, s->column, s->weight);
  }
cleanup:
  return status;
}

ouro_status ouro_system_stream(MPI_Comm comm, const ouro_system *system, ouro_system_visit visit, void *context) {
  ouro_status status = OURO_OK;
  slice s = {0};
  int ranks;
  MPI_Comm_size(comm, &ranks);
  OURO_AGREE(comm, slice_create(&s));
  for (int root = 0; root < ranks; root++) OURO_AGREE(comm, stream_from(comm, root, system, &s, visit, context));
cleanup:
  slice_destroy(&s);
  return status;
}
