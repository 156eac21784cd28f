/* Block-cyclic matrices: layout, products, diagonals, eigenvectors. Rounding of products and eigenvectors depends on
 * the grid and the BLAS, nothing else does. The only file that calls ScaLAPACK and BLACS. Must not know what a matrix
 * means. */

#include "theory/matrix.h"

#include <stdlib.h>
#include <string.h>

#include "ouro/base/memory.h"
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
extern void pdsyevd_(const char *jobz, const char *uplo, const int *n, double *a, const int *ia, const int *ja,
                     const int *desca, double *w, double *z, const int *iz, const int *jz, const int *descz,
                     double *work, const int *lwork, int *iwork, const int *liwork, int *info);

static bool mine(const ouro_axis *a, int32_t i) {
  return (i / a->edge) % a->processes == a->me;
}

static int64_t local(const ouro_axis *a, int32_t i) {
  return (int64_t)(i / a->edge / a->processes) * a->edge + i % a->edge;
}

static int32_t global(const ouro_axis *a, int64_t i) {
  return (int32_t)((i / a->edge * a->processes + a->me) * a->edge + i % a->edge);
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

double ouro_grid_elements(int64_t n, int ranks, int block) {
  const int rows = grid_rows(ranks), edge = block > 0 ? block : BLOCK;
  return (double)extent(n, rows, 0, edge) * (double)extent(n, ranks / rows, 0, edge);
}

void ouro_grid_destroy(ouro_grid **grid) {
  ouro_grid *g = *grid;
  if (g == NULL) return;
  if (g->context >= 0) {
    Cblacs_gridexit(g->context);
    Cfree_blacs_system_handle(g->handle);
  }
  free(g);
  *grid = NULL;
}

static ouro_status grid_new(MPI_Comm comm, int32_t n, int block, ouro_grid **made) {
  ouro_status status = OURO_OK;
  int ranks, rank;
  ouro_grid *g;
  OURO_NEW(g, 1);
  *made = g;
  MPI_Comm_size(comm, &ranks);
  MPI_Comm_rank(comm, &rank);
  const int rows = grid_rows(ranks), columns = ranks / rows, edge = block > 0 ? block : BLOCK;
  g->comm = comm;
  g->context = -1;
  g->n = n;
  g->rows = (ouro_axis){rows, rank / columns, edge};
  g->columns = (ouro_axis){columns, rank % columns, edge};
  g->n_rows = extent(n, rows, g->rows.me, edge);
  g->n_columns = extent(n, columns, g->columns.me, edge);
  OURO_CHECK(ouro_grid_elements(n, ranks, block) <= INT32_MAX, OURO_ELIMIT,
             "%d models on %d ranks: the local part of the matrix exceeds the 32-bit indices of ScaLAPACK; use more "
             "ranks",
             n, ranks);
cleanup:
  return status;
}

/* Row-major order of ranks, as BLACS' "Row" has it. */
static ouro_status open_grid(ouro_grid *g) {
  int rows, columns, row, column;
  g->handle = Csys2blacs_handle(g->comm);
  g->context = g->handle;
  Cblacs_gridinit(&g->context, "Row", g->rows.processes, g->columns.processes);
  Cblacs_gridinfo(g->context, &rows, &columns, &row, &column);
  if (row != g->rows.me || column != g->columns.me) {
    return ouro_error(OURO_EINTERNAL, "BLACS numbers its grid in an unexpected order");
  }
  const int leading = g->n_rows > 1 ? (int)g->n_rows : 1;
  const int descriptor[9] = {1, g->context, g->n, g->n, g->rows.edge, g->columns.edge, 0, 0, leading};
  memcpy(g->descriptor, descriptor, sizeof descriptor);
  return OURO_OK;
}

ouro_status ouro_grid_create(MPI_Comm comm, int32_t n, int block, ouro_grid **grid) {
  ouro_status status = OURO_OK;
  ouro_grid *made = NULL;
  *grid = NULL;
  OURO_AGREE(comm, grid_new(comm, n, block, &made));
  OURO_AGREE(comm, open_grid(made));
  *grid = made;
  made = NULL;
cleanup:
  ouro_grid_destroy(&made);
  return status;
}

ouro_status ouro_matrix_new(const ouro_grid *grid, double **matrix) {
  ouro_status status = OURO_OK;
  OURO_NEW(*matrix, grid->n_rows * grid->n_columns);
cleanup:
  return status;
}

static bool holds(const ouro_grid *g, int32_t i, int32_t j) {
  return mine(&g->rows, i) && mine(&g->columns, j);
}

static int64_t place(const ouro_grid *g, int32_t i, int32_t j) {
  return local(&g->columns, j) * g->n_rows + local(&g->rows, i);
}

typedef struct filling {
  const ouro_grid *grid;
  double *matrix;
} filling;

static void keep(void *context, int n, const int32_t *row, const int32_t *column, const double *weight) {
  const filling *f = context;
  for (int k = 0; k < n; k++) {
    if (holds(f->grid, row[k], column[k])) f->matrix[place(f->grid, row[k], column[k])] = weight[k];
  }
}

ouro_status ouro_matrix_load(MPI_Comm comm, const ouro_grid *grid, const ouro_system *system, double *matrix) {
  filling f = {grid, matrix};
  memset(matrix, 0, (size_t)(grid->n_rows * grid->n_columns) * sizeof *matrix);
  return ouro_system_stream(comm, system, keep, &f);
}

void ouro_matrix_multiply(const ouro_grid *grid, bool transposed, const double *a, const double *b, double beta,
                          double *out) {
  const ouro_grid *g = grid;
  const double one = 1;
  const int first = 1;
  pdgemm_("N", transposed ? "T" : "N", &g->n, &g->n, &g->n, &one, a, &first, &first, g->descriptor, b, &first, &first,
          g->descriptor, &beta, out, &first, &first, g->descriptor);
}

void ouro_matrix_set_diagonal(const ouro_grid *grid, const double *diagonal, double *matrix) {
  for (int32_t i = 0; i < grid->n; i++) {
    if (holds(grid, i, i)) matrix[place(grid, i, i)] = diagonal[i];
  }
}

static ouro_status add_ranks(const ouro_grid *grid, double *values, int n) {
  return ouro_agree(grid->comm,
                    ouro_mpi_status(MPI_Allreduce(MPI_IN_PLACE, values, n, MPI_DOUBLE, MPI_SUM, grid->comm)));
}

ouro_status ouro_matrix_diagonal(const ouro_grid *grid, const double *matrix, double *diagonal) {
  for (int32_t i = 0; i < grid->n; i++) diagonal[i] = holds(grid, i, i) ? matrix[place(grid, i, i)] : 0;
  return add_ranks(grid, diagonal, grid->n);
}

void ouro_matrix_scale_columns(const ouro_grid *grid, const double *factor, double *matrix) {
  for (int64_t j = 0; j < grid->n_columns; j++) {
    const double f = factor[global(&grid->columns, j)];
    for (int64_t i = 0; i < grid->n_rows; i++) matrix[j * grid->n_rows + i] *= f;
  }
}

void ouro_matrix_blend(const ouro_grid *grid, const double *gamma, const double *matrix, double *out) {
  for (int64_t j = 0; j < grid->n_columns; j++) {
    for (int64_t i = 0; i < grid->n_rows; i++) {
      const int32_t row = global(&grid->rows, i);
      const double stays = row == global(&grid->columns, j) ? 1 - gamma[row] : 0;
      out[j * grid->n_rows + i] = stays + gamma[row] * matrix[j * grid->n_rows + i];
    }
  }
}

ouro_status ouro_matrix_row_sums(const ouro_grid *grid, const double *a, const double *b, const double *w,
                                 double *sums) {
  memset(sums, 0, (size_t)grid->n * sizeof *sums);
  for (int64_t j = 0; j < grid->n_columns; j++) {
    const double factor = w ? w[global(&grid->columns, j)] : 1;
    const double *x = a + j * grid->n_rows, *y = b ? b + j * grid->n_rows : NULL;
    if (factor == 0) continue;
    for (int64_t i = 0; i < grid->n_rows; i++) sums[global(&grid->rows, i)] += x[i] * (y ? y[i] : 1) * factor;
  }
  return add_ranks(grid, sums, grid->n);
}

ouro_status ouro_matrix_entry(const ouro_grid *grid, const double *matrix, int32_t i, int32_t j, double *value) {
  *value = holds(grid, i, j) ? matrix[place(grid, i, j)] : 0;
  return add_ranks(grid, value, 1);
}

ouro_status ouro_matrix_column(const ouro_grid *grid, const double *matrix, int32_t j, double *column) {
  memset(column, 0, (size_t)grid->n * sizeof *column);
  if (mine(&grid->columns, j)) {
    const double *part = matrix + local(&grid->columns, j) * grid->n_rows;
    for (int64_t i = 0; i < grid->n_rows; i++) column[global(&grid->rows, i)] = part[i];
  }
  return add_ranks(grid, column, grid->n);
}

void ouro_matrix_set_column(const ouro_grid *grid, int32_t j, const double *column, double *matrix) {
  if (!mine(&grid->columns, j)) return;
  double *part = matrix + local(&grid->columns, j) * grid->n_rows;
  for (int64_t i = 0; i < grid->n_rows; i++) part[i] = column[global(&grid->rows, i)];
}

typedef struct eigen_room {
  double *work;
  int *iwork;
  int n_work, n_iwork;
} eigen_room;

static ouro_status eigen_room_new(eigen_room *room, double n_work, int n_iwork) {
  ouro_status status = OURO_OK;
  OURO_CHECK(n_work < INT32_MAX, OURO_ELIMIT,
             "the eigenvectors need more work space a rank than ScaLAPACK's 32-bit "
             "indices can count; use more ranks");
  room->n_work = (int)n_work;
  room->n_iwork = n_iwork;
  OURO_NEW(room->work, room->n_work);
  OURO_NEW(room->iwork, room->n_iwork);
cleanup:
  return status;
}

/* What pdsyevd asks for does not cover what it calls, pdormtr and pdlasrt, which then return with a message and the
 * wrong vectors come with INFO = 0 (ScaLAPACK 2.2.1, many a size of 5 to 65 on 1 to 7 ranks). */
static double more_room(const ouro_grid *grid) {
  const double edge = grid->rows.edge;
  return 2 * edge * ((double)grid->n_rows + (double)grid->n_columns + 4 * edge) + 16 * (double)grid->n;
}

/* Divide and conquer: clusters of equal eigenvalues, as complete graphs have them, neither cost more nor lose
 * orthogonality, as they may in bisection with inverse iteration (pdsyevx). */
ouro_status ouro_matrix_eigen(const ouro_grid *grid, int32_t m, double *matrix, double *values, double *vectors) {
  ouro_status status = OURO_OK;
  eigen_room room = {0};
  double n_work;
  const int first = 1, ask = -1;
  int n_iwork, info;
  pdsyevd_("V", "L", &m, matrix, &first, &first, grid->descriptor, values, vectors, &first, &first, grid->descriptor,
           &n_work, &ask, &n_iwork, &ask, &info);
  OURO_AGREE(grid->comm, eigen_room_new(&room, n_work + more_room(grid), n_iwork));
  pdsyevd_("V", "L", &m, matrix, &first, &first, grid->descriptor, values, vectors, &first, &first, grid->descriptor,
           room.work, &room.n_work, room.iwork, &room.n_iwork, &info);
  OURO_AGREE(grid->comm, info == 0 ? OURO_OK : ouro_error(OURO_ENUMERIC, "no eigenvectors (pdsyevd: %d)", info));
  OURO_AGREE(grid->comm, ouro_mpi_status(MPI_Bcast(values, m, MPI_DOUBLE, 0, grid->comm)));
cleanup:
  free(room.work);
  free(room.iwork);
  return status;
}
