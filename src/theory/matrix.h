#ifndef OURO_THEORY_MATRIX_H
#define OURO_THEORY_MATRIX_H

/* Square matrices on a two-dimensional block-cyclic grid of processes. All matrices of a grid have its order n
 * and its layout; a matrix is the local part, column-major, allocated by ouro_matrix_new(). */

#include "theory/system.h"

/* One dimension of the grid: global index i lies in block i / edge, blocks are dealt to the processes in turn. */
typedef struct ouro_axis {
  int processes, me, edge;
} ouro_axis;

typedef struct ouro_grid {
  MPI_Comm comm;       /* borrowed */
  int handle, context; /* of BLACS; context < 0: none */
  int32_t n;
  ouro_axis rows, columns;
  int64_t n_rows, n_columns; /* of the local parts */
  int descriptor[9];
} ouro_grid;

/** Elements of the local part of an n x n matrix, at most over the ranks. ScaLAPACK counts them with 32 bits.
 *  Not collective. */
double ouro_grid_elements(int64_t n, int ranks, int block);

/** Lay a grid over all ranks, as nearly square as their number allows.
 *  Collective on comm.
 *  [in]  block edge of the blocks; 0: the default
 *  [out] grid  to be released with ouro_grid_destroy(); NULL on error
 *  Returns the same status on all ranks: OURO_OK, OURO_ENOMEM, OURO_ELIMIT (more elements a rank than ScaLAPACK's
 *  32-bit indices can count), OURO_EINTERNAL. */
ouro_status ouro_grid_create(MPI_Comm comm, int32_t n, int block, ouro_grid **grid);

/** Release a grid and set it to NULL. NULL is fine.
 *  Collective on its communicator. */
void ouro_grid_destroy(ouro_grid **grid);

/** A matrix of zeros, to be released with free().
 *  Not collective.
 *  Returns OURO_OK, OURO_ENOMEM. */
ouro_status ouro_matrix_new(const ouro_grid *grid, double **matrix);

/** matrix = P of a system.
 *  Collective on comm, whose ranks hold the system; it may be larger than grid's, each rank with a grid of its own.
 *  Returns the same status on all ranks: OURO_OK, OURO_ENOMEM, OURO_EMPI. */
ouro_status ouro_matrix_load(MPI_Comm comm, const ouro_grid *grid, const ouro_system *system, double *matrix);

/** out = a b + beta out, or a b' + beta out where transposed; out is neither a nor b.
 *  Collective on grid's communicator. */
void ouro_matrix_multiply(const ouro_grid *grid, bool transposed, const double *a, const double *b, double beta,
                          double *out);

/** Write the diagonal, the rest stays.
 *  Not collective.
 *  [in] diagonal [n] the same on all ranks */
void ouro_matrix_set_diagonal(const ouro_grid *grid, const double *diagonal, double *matrix);

/** Read the diagonal.
 *  Collective on grid's communicator.
 *  [out] diagonal [n] the same on all ranks
 *  Returns the same status on all ranks: OURO_OK, OURO_EMPI. */
ouro_status ouro_matrix_diagonal(const ouro_grid *grid, const double *matrix, double *diagonal);

/** Multiply column j by factor_j.
 *  Not collective.
 *  [in] factor [n] the same on all ranks */
void ouro_matrix_scale_columns(const ouro_grid *grid, const double *factor, double *matrix);

/** out = I - Gamma + Gamma matrix, Gamma diagonal.
 *  Not collective.
 *  [in] gamma [n] the same on all ranks */
void ouro_matrix_blend(const ouro_grid *grid, const double *gamma, const double *matrix, double *out);

/** sums_i = sum_j a_ij b_ij w_j; b NULL counts as a matrix of ones, w NULL as a vector of ones.
 *  Collective on grid's communicator. Ranks are added in an order that depends on the grid.
 *  [out] sums [n] the same on all ranks
 *  Returns the same status on all ranks: OURO_OK, OURO_EMPI. */
ouro_status ouro_matrix_row_sums(const ouro_grid *grid, const double *a, const double *b, const double *w,
                                 double *sums);

/** Element i, j.
 *  Collective on grid's communicator.
 *  [out] value the same on all ranks
 *  Returns the same status on all ranks: OURO_OK, OURO_EMPI. */
ouro_status ouro_matrix_entry(const ouro_grid *grid, const double *matrix, int32_t i, int32_t j, double *value);

/** Read column j.
 *  Collective on grid's communicator.
 *  [out] column [n] the same on all ranks
 *  Returns the same status on all ranks: OURO_OK, OURO_EMPI. */
ouro_status ouro_matrix_column(const ouro_grid *grid, const double *matrix, int32_t j, double *column);

/** Write column j, the rest stays.
 *  Not collective.
 *  [in] column [n] the same on all ranks */
void ouro_matrix_set_column(const ouro_grid *grid, int32_t j, const double *column, double *matrix);

/** Eigenvalues and eigenvectors of a symmetric matrix, of which the first m rows and columns are taken.
 *  Collective on grid's communicator. Rounding depends on the grid.
 *  [inout] matrix  the lower triangle is read; all of it is destroyed
 *  [out]   values  [m] ascending, the same on all ranks
 *  [out]   vectors local part of a matrix whose column k is the eigenvector of values[k], of length 1
 *  Returns the same status on all ranks: OURO_OK, OURO_ENOMEM, OURO_ENUMERIC (no convergence), OURO_EMPI. */
ouro_status ouro_matrix_eigen(const ouro_grid *grid, int32_t m, double *matrix, double *values, double *vectors);

#endif
