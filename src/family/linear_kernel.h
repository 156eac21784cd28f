#ifndef OURO_FAMILY_LINEAR_KERNEL_H
#define OURO_FAMILY_LINEAR_KERNEL_H

/* The inner loops of the linear family, one set for each instruction set; linear_body.h holds the code. */

#include <stdbool.h>
#include <stddef.h>

#include "ouro/base/types.h"

/* Systems that are solved together. */
#define OURO_LINEAR_BATCH 8

typedef struct ouro_linear_kernels {
  /* y = scale y + X theta; x is [p][b], y follows it as column p. */
  void (*respond)(int p, int b, const double *theta, double scale, double *x);
  /* Add the packed lower triangle of [X y]'[X y], without its last element y'y, to a statistic; x is [p + 1][b]. */
  void (*gram)(int p, int b, const double *x, double *statistic);
  /* Solve 8 positive definite systems by Cholesky; a holds packed lower triangles and then right-hand sides,
   * [p (p + 1) / 2 + p][8]; the solutions replace the right-hand sides. good[i]: system i is not singular. */
  void (*solve)(int p, double *a, bool good[OURO_LINEAR_BATCH]);
  /* L A in place of A, lower triangles of 8 systems, [p (p + 1) / 2][8]. */
  void (*multiply)(int p, const double *factor, double *a);
  /* A A' in place of a lower triangle A and A w in place of the vector w after it, 8 systems, [p (p + 1) / 2 + p][8]:
   * of what solve() takes. */
  void (*square)(int p, double *a);
} ouro_linear_kernels;

/** The kernels of the instruction set in force.
 *  Not collective. */
const ouro_linear_kernels *ouro_linear_kernels_now(void);

/** A pivot of p columns that is not clearly above its own rounding error means a singular matrix.
 *  Not collective.
 *  [in] diagonal the element of the matrix from which the pivot was made */
static inline bool ouro_linear_pivot_good(int p, double pivot, double diagonal) {
  return pivot > diagonal * p * 0x1p-52 && pivot <= 0x1.fffffffffffffp1023;
}

/** Solve n systems (X'X) theta = X'y by Cholesky.
 *  Not collective.
 *  [in]  statistics [n][p (p + 1) / 2 + p] packed lower triangle of X'X, then X'y
 *  [out] theta      [n][p]
 *  [in]  work       [ouro_linear_work(p)]
 *  Returns n, or the index of the first singular system, beyond which theta is undefined. */
ouro_lid ouro_linear_solve(int p, ouro_lid n, const double *statistics, double *theta, double *work);

/** The same for one system that never has company; its bits may be others.
 *  Not collective.
 *  Returns whether it is regular. */
bool ouro_linear_solve_alone(int p, const double *statistic, double *theta, double *work);

/** Numbers that ouro_linear_solve() needs for its work.
 *  Not collective. */
size_t ouro_linear_work(int p);

extern const ouro_linear_kernels ouro_linear_scalar, ouro_linear_avx2, ouro_linear_avx512;

#endif
