/* LU factors of P on a few nodes, gathered on rank 0: see direct.h. Members are numbered by ascending global id,
 * whoever owns them. Must not know what is solved for. */

#include "theory/direct.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "ouro/base/memory.h"
#include "theory/select.h"
#include "theory/system.h"

extern void dgesv_(const int *n, const int *nrhs, double *a, const int *lda, int *pivot, double *b, const int *ldb,
                   int *info);

struct ouro_direct {
  MPI_Comm comm;
  int rank, ranks;
  ouro_gid *gid;      /* [system.n] ascending, the same on all ranks */
  ouro_system system; /* rows of owned members */
  double *vector[2];  /* [system.n] */
  double *p, *lu;     /* rank 0: [n][n] column-major */
  int *pivot;         /* rank 0: [n] */
};

void ouro_direct_destroy(ouro_direct **direct) {
  ouro_direct *d = *direct;
  if (d == NULL) return;
  free(d->gid);
  free(d->system.held);
  free(d->system.first);
  free(d->system.column);
  free(d->system.weight);
  free(d->vector[0]);
  free(d->vector[1]);
  free(d->p);
  free(d->lu);
  free(d->pivot);
  free(d);
  *direct = NULL;
}

static int by_gid(const void *left, const void *right) {
  const ouro_gid a = *(const ouro_gid *)left, b = *(const ouro_gid *)right;
  return (a > b) - (a < b);
}

static int32_t number_of(const ouro_direct *d, ouro_gid gid) {
  const ouro_gid *found = bsearch(&gid, d->gid, (size_t)d->system.n, sizeof gid, by_gid);
  return found ? (int32_t)(found - d->gid) : -1;
}

/* Room for what all ranks know. */
static ouro_status direct_new(const ouro_graph *graph, ouro_lid n, int *counts, ouro_direct **direct) {
  ouro_status status = OURO_OK;
  ouro_direct *d;
  OURO_NEW(d, 1);
  *direct = d;
  d->comm = graph->comm;
  MPI_Comm_rank(graph->comm, &d->rank);
  MPI_Comm_size(graph->comm, &d->ranks);
  counts[d->rank] = (int)n;
cleanup:
  return status;
}

static ouro_status vectors_new(ouro_direct *d) {
  ouro_status status = OURO_OK;
  const size_t n = (size_t)d->system.n, here = d->rank == 0 ? n : 0;
  OURO_NEW(d->gid, n);
  OURO_NEW(d->vector[0], n);
  OURO_NEW(d->vector[1], n);
  OURO_NEW(d->p, here * here);
  OURO_NEW(d->lu, here * here);
  OURO_NEW(d->pivot, here);
cleanup:
  return status;
}

/* Ids of the members of all ranks, sorted. */
static ouro_status gather_ids(const ouro_graph *graph, ouro_lid n, const ouro_lid *member, const int *counts,
                              ouro_direct *d) {
  int64_t at = 0;
  for (int r = 0; r < d->rank; r++) at += counts[r];
  for (ouro_lid m = 0; m < n; m++) d->gid[at + m] = graph->gid[member[m]];
  const int code = MPI_Allreduce(MPI_IN_PLACE, d->gid, d->system.n, OURO_GID_MPI, MPI_SUM, d->comm);
  if (d->system.n > 1) qsort(d->gid, (size_t)d->system.n, sizeof *d->gid, by_gid);
  return ouro_mpi_status(code);
}

static ouro_status take_rows(const ouro_graph *graph, ouro_lid n, const ouro_lid *member, const double *size,
                             ouro_direct *d) {
  ouro_status status = OURO_OK;
  ouro_system *s = &d->system;
  ouro_eid weights = 0;
  for (ouro_lid m = 0; m < n; m++) weights += graph->row[member[m] + 1] - graph->row[member[m]];
  OURO_NEW(s->held, n);
  OURO_NEW(s->first, n + 1);
  OURO_NEW(s->column, weights);
  OURO_NEW(s->weight, weights);
  for (ouro_lid m = 0; m < n; m++) {
    const ouro_lid i = member[m];
    int64_t end = s->first[m];
    for (ouro_eid k = graph->row[i]; k < graph->row[i + 1]; k++) {
      const int32_t column = number_of(d, graph->gid[graph->source[k]]);
      if (column < 0) continue;
      s->column[end] = column;
      s->weight[end++] = (double)ouro_graph_samples(graph, k) / size[m];
    }
    s->held[s->n_held++] = number_of(d, graph->gid[i]);
    s->first[s->n_held] = end;
  }
cleanup:
  return status;
}

static void keep(void *context, int n, const int32_t *row, const int32_t *column, const double *weight) {
  ouro_direct *d = context;
  for (int k = 0; d->rank == 0 && k < n; k++) d->p[(int64_t)column[k] * d->system.n + row[k]] = weight[k];
}

static ouro_status counts_new(MPI_Comm comm, int **counts) {
  ouro_status status = OURO_OK;
  int ranks;
  MPI_Comm_size(comm, &ranks);
  OURO_NEW(*counts, ranks);
cleanup:
  return status;
}

ouro_status ouro_direct_create(const ouro_graph *graph, ouro_lid n, const ouro_lid *member, const double *size,
                               ouro_direct **direct) {
  ouro_status status = OURO_OK;
  const MPI_Comm comm = graph->comm;
  ouro_direct *d = NULL;
  int *counts = NULL;
  *direct = NULL;
  OURO_AGREE(comm, counts_new(comm, &counts));
  OURO_AGREE(comm, direct_new(graph, n, counts, &d));
  OURO_AGREE(comm, ouro_mpi_status(MPI_Allreduce(MPI_IN_PLACE, counts, d->ranks, MPI_INT, MPI_SUM, comm)));
  for (int r = 0; r < d->ranks; r++) d->system.n += counts[r];
  OURO_AGREE(comm, vectors_new(d));
  OURO_AGREE(comm, gather_ids(graph, n, member, counts, d));
  OURO_AGREE(comm, take_rows(graph, n, member, size, d));
  OURO_TRY(ouro_system_stream(comm, &d->system, keep, d));
  *direct = d;
  d = NULL;
cleanup:
  free(counts);
  ouro_direct_destroy(&d);
  return status;
}

/* all[number] = own[m] of all ranks; each member is owned by one of them. */
static ouro_status gather(ouro_direct *d, const double *own, double *all) {
  if (d->system.n > 0) memset(all, 0, (size_t)d->system.n * sizeof *all);
  for (int32_t m = 0; m < d->system.n_held; m++) all[d->system.held[m]] = own[m];
  return ouro_agree(d->comm,
                    ouro_mpi_status(MPI_Allreduce(MPI_IN_PLACE, all, d->system.n, MPI_DOUBLE, MPI_SUM, d->comm)));
}

static void factor_and_solve(ouro_direct *d, const double *x, double shift, double *b) {
  const int n = d->system.n, one = 1;
  int info;
  for (int j = 0; j < n; j++) {
    for (int i = 0; i < n; i++) {
      const int64_t at = (int64_t)j * n + i;
      d->lu[at] = (i == j) - d->p[at] * x[j] / (x[i] * shift);
    }
  }
  dgesv_(&n, &one, d->lu, &n, d->pivot, b, &n, &info);
  for (int i = 0; info != 0 && i < n; i++) b[i] = NAN;
}

ouro_status ouro_direct_solve(ouro_direct *direct, const double *x, double shift, const double *b, double *z) {
  ouro_status status = OURO_OK;
  ouro_direct *d = direct;
  OURO_TRY(gather(d, x, d->vector[0]));
  OURO_TRY(gather(d, b, d->vector[1]));
  if (d->rank == 0 && d->system.n > 0) factor_and_solve(d, d->vector[0], shift, d->vector[1]);
  OURO_AGREE(d->comm, ouro_mpi_status(MPI_Bcast(d->vector[1], d->system.n, MPI_DOUBLE, 0, d->comm)));
  for (int32_t m = 0; m < d->system.n_held; m++) z[m] = d->vector[1][d->system.held[m]];
cleanup:
  return status;
}
