/* Dense engine: P and C on a two-dimensional block-cyclic grid, P C P' = P (P C)' by two pdgemm.
 * Rounding depends on the grid and the BLAS, nothing else does. The only file that calls ScaLAPACK and BLACS. */

#include <stdlib.h>
#include <string.h>

#include "ouro/base/memory.h"
#include "theory/engine.h"
#include "theory/select.h"

enum { BLOCK = 64 }; /* edge of the blocks by default */

/* ScaLAPACK ships no headers. */
extern int Csys2blacs_handle(MPI_Comm comm);
extern void Cfree_blacs_system_handle(int handle);
extern void Cblacs_gridinit(int *context, const char *order, int rows, int columns);
extern void Cblacs_gridinfo(int context, int *rows, int *columns, int *row, int *column);
extern void Cblacs_gridexit(int context);
extern void pdgemm_(const char *transa, const char *transb, const int *m, const int *n, const int *k,
                    const double *alpha, const double *a, const int *ia, const int *ja, const int *desca,
                    const double *b, const int *ib, const int *jb, const int *descb, const double *beta, double *c,
                    const int *ic, const int *jc, const int *descc);

/* One dimension of the grid: global index i lies in block i / edge, blocks are dealt to the processes in turn. */
typedef struct axis {
  int processes, me, edge;
} axis;

/* This engine's own view of the opaque type. */
struct ouro_engine {
  MPI_Comm comm;
  int handle, context; /* of BLACS; context < 0: none */
  int32_t n;
  axis rows, columns;
  int64_t n_rows, n_columns; /* of the local parts */
  int descriptor[9];
  double *p, *c, *y; /* local parts, column-major [n_columns][n_rows] */
};

typedef struct ouro_engine dense;

static bool mine(const axis *a, int32_t i) {
  return (i / a->edge) % a->processes == a->me;
}

static int64_t local(const axis *a, int32_t i) {
  return (int64_t)(i / a->edge / a->processes) * a->edge + i % a->edge;
}

/* Indices 0 .. n-1 that fall to process `me` (numroc of ScaLAPACK). */
static int64_t extent(int64_t n, int processes, int me, int edge) {
  const int64_t blocks = n / edge, extra = blocks % processes;
  const int64_t whole = blocks / processes + (me < extra);
  return whole * edge + (me == extra ? n % edge : 0);
}

/* The most nearly square grid of this many ranks: rows <= columns. */
static int grid_rows(int ranks) {
  int rows = 1;
  for (int r = 1; r * r <= ranks; r++) {
    if (ranks % r == 0) rows = r;
  }
  return rows;
}

double ouro_engine_dense_elements(int64_t n, int ranks, int block) {
  const int rows = grid_rows(ranks), edge = block > 0 ? block : BLOCK;
  return (double)extent(n, rows, 0, edge) * (double)extent(n, ranks / rows, 0, edge);
}

static void dense_destroy(ouro_engine **engine) {
  dense *d = *engine;
  if (d == NULL) return;
  if (d->context >= 0) {
    Cblacs_gridexit(d->context);
    Cfree_blacs_system_handle(d->handle);
  }
  free(d->p);
  free(d->c);
  free(d->y);
  free(d);
  *engine = NULL;
}

static ouro_status dense_new(MPI_Comm comm, const ouro_system *system, int block, dense **made) {
  ouro_status status = OURO_OK;
  int ranks, rank;
  dense *d;
  OURO_NEW(d, 1);
  *made = d;
  MPI_Comm_size(comm, &ranks);
  MPI_Comm_rank(comm, &rank);
  const int rows = grid_rows(ranks), columns = ranks / rows, edge = block > 0 ? block : BLOCK;
  d->comm = comm;
  d->context = -1;
  d->n = system->n;
  d->rows = (axis){rows, rank / columns, edge};
  d->columns = (axis){columns, rank % columns, edge};
  d->n_rows = extent(d->n, rows, d->rows.me, edge);
  d->n_columns = extent(d->n, columns, d->columns.me, edge);
  OURO_CHECK(ouro_engine_dense_elements(d->n, ranks, block) <= INT32_MAX, OURO_ELIMIT,
             "%d models on %d ranks: the local part of the matrix exceeds the 32-bit indices of ScaLAPACK; use more "
             "ranks",
             d->n, ranks);
  OURO_NEW(d->p, d->n_rows * d->n_columns);
  OURO_NEW(d->c, d->n_rows * d->n_columns);
  OURO_NEW(d->y, d->n_rows * d->n_columns);
cleanup:
  return status;
}

/* Row-major order of ranks, as BLACS' "Row" has it. */
static ouro_status open_grid(dense *d) {
  int rows, columns, row, column;
  d->handle = Csys2blacs_handle(d->comm);
  d->context = d->handle;
  Cblacs_gridinit(&d->context, "Row", d->rows.processes, d->columns.processes);
  Cblacs_gridinfo(d->context, &rows, &columns, &row, &column);
  if (row != d->rows.me || column != d->columns.me) {
    return ouro_error(OURO_EINTERNAL, "BLACS numbers its grid in an unexpected order");
  }
  const int leading = d->n_rows > 1 ? (int)d->n_rows : 1;
  const int descriptor[9] = {1, d->context, d->n, d->n, d->rows.edge, d->columns.edge, 0, 0, leading};
  memcpy(d->descriptor, descriptor, sizeof descriptor);
  return OURO_OK;
}

static double *element(const dense *d, double *matrix, int32_t i, int32_t j) {
  return matrix + local(&d->columns, j) * d->n_rows + local(&d->rows, i);
}

static void keep(void *context, int n, const int32_t *row, const int32_t *column, const double *weight) {
  dense *d = context;
  for (int k = 0; k < n; k++) {
    if (mine(&d->rows, row[k]) && mine(&d->columns, column[k])) *element(d, d->p, row[k], column[k]) = weight[k];
  }
}

static ouro_status dense_create(MPI_Comm comm, const ouro_system *system, int block, ouro_engine **engine) {
  ouro_status status = OURO_OK;
  dense *d = NULL;
  *engine = NULL;
  OURO_AGREE(comm, dense_new(comm, system, block, &d));
  OURO_AGREE(comm, open_grid(d));
  OURO_TRY(ouro_system_stream(comm, system, keep, d));
  *engine = d;
  d = NULL;
cleanup:
  dense_destroy(&d);
  return status;
}

/* out = P in, or out = P in' */
static void multiply(const dense *d, const char *transposed, const double *in, double *out) {
  const double one = 1, zero = 0;
  const int first = 1;
  pdgemm_("N", transposed, &d->n, &d->n, &d->n, &one, d->p, &first, &first, d->descriptor, in, &first, &first,
          d->descriptor, &zero, out, &first, &first, d->descriptor);
}

static ouro_status dense_congruence(ouro_engine *engine, const double *before, double *after) {
  dense *d = engine;
  for (int32_t i = 0; i < d->n; i++) {
    if (mine(&d->rows, i) && mine(&d->columns, i)) *element(d, d->c, i, i) = before[i];
  }
  multiply(d, "N", d->c, d->y);
  multiply(d, "T", d->y, d->c);
  for (int32_t i = 0; i < d->n; i++) {
    after[i] = mine(&d->rows, i) && mine(&d->columns, i) ? *element(d, d->c, i, i) : 0;
  }
  return ouro_agree(d->comm, ouro_mpi_status(MPI_Allreduce(MPI_IN_PLACE, after, d->n, MPI_DOUBLE, MPI_SUM, d->comm)));
}

static ouro_status dense_entry(const ouro_engine *engine, int32_t i, int32_t j, double *value) {
  const dense *d = engine;
  const double here = mine(&d->rows, i) && mine(&d->columns, j) ? *element(d, d->c, i, j) : 0;
  return ouro_agree(d->comm, ouro_mpi_status(MPI_Allreduce(&here, value, 1, MPI_DOUBLE, MPI_SUM, d->comm)));
}

const ouro_engine_methods ouro_engine_dense = {"dense", dense_create, dense_destroy, dense_congruence, dense_entry};
