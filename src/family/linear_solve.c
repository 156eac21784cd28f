/* Least squares from sums of products, by Cholesky: see linear_kernel.h.
 * Small systems go 8 at a time, side by side; large ones one by one, column by column. Which of the two depends on p
 * alone, and no system's bits depend on its company. */

#include <math.h>

#include "base/isa.h"
#include "family/linear_kernel.h"

#define SMALL 24 /* 8 systems of this size fill half of a 48 KiB cache */

const ouro_linear_kernels *ouro_linear_kernels_now(void) {
#if defined(__x86_64__)
  switch (ouro_isa_now()) {
  case OURO_ISA_AVX512:
    return &ouro_linear_avx512;
  case OURO_ISA_AVX2:
    return &ouro_linear_avx2;
  default:
    break;
  }
#endif
  return &ouro_linear_scalar;
}

static ptrdiff_t triangle(int p) {
  return (ptrdiff_t)p * (p + 1) / 2;
}

size_t ouro_linear_work(int p) {
  return (size_t)(triangle(p) + p) * (p <= SMALL ? OURO_LINEAR_BATCH : 1);
}

/* Interleave n <= 8 statistics; the systems that are missing become copies of the first. */
static void interleave(ptrdiff_t width, ouro_lid n, const double *statistics, double *a) {
  const double *from[OURO_LINEAR_BATCH];
  for (int i = 0; i < OURO_LINEAR_BATCH; i++) from[i] = statistics + (i < n ? i : 0) * width;
  for (ptrdiff_t at = 0; at < width; at++) {
    for (int i = 0; i < OURO_LINEAR_BATCH; i++) a[at * OURO_LINEAR_BATCH + i] = from[i][at];
  }
}

static ouro_lid solve_small(int p, ouro_lid n, const double *statistics, double *theta, double *work) {
  const ptrdiff_t width = triangle(p) + p;
  const double *x = work + triangle(p) * OURO_LINEAR_BATCH;
  for (ouro_lid first = 0; first < n; first += OURO_LINEAR_BATCH) {
    const ouro_lid count = n - first < OURO_LINEAR_BATCH ? n - first : OURO_LINEAR_BATCH;
    bool good[OURO_LINEAR_BATCH];
    for (int i = 0; i < OURO_LINEAR_BATCH; i++) good[i] = true;
    interleave(width, count, statistics + first * width, work);
    ouro_linear_kernels_now()->solve(p, work, good);
    for (ouro_lid i = 0; i < count; i++) {
      if (!good[i]) return first + i;
      for (int k = 0; k < p; k++) theta[(ptrdiff_t)(first + i) * p + k] = x[k * OURO_LINEAR_BATCH + i];
    }
  }
  return n;
}

/* Column k of the packed lower triangle, columns one after the other: element i of it is column_of(..)[i], i >= k. */
static double *column_of(int p, int k, double *a) {
  return a + (ptrdiff_t)k * p - triangle(k);
}

/* column -= sum over l < k of L_kl (column l), four columns at a time, in ascending order. */
static void subtract_columns(int p, int k, double *a) {
  double *restrict column = column_of(p, k, a);
  int l = 0;
  for (; l + 4 <= k; l += 4) {
    const double *c0 = column_of(p, l, a), *c1 = column_of(p, l + 1, a), *c2 = column_of(p, l + 2, a),
                 *c3 = column_of(p, l + 3, a);
    const double m0 = -c0[k], m1 = -c1[k], m2 = -c2[k], m3 = -c3[k];
    for (int i = k; i < p; i++) {
      column[i] = fma(m3, c3[i], fma(m2, c2[i], fma(m1, c1[i], fma(m0, c0[i], column[i]))));
    }
  }
  for (; l < k; l++) {
    const double *c = column_of(p, l, a), m = -c[k];
    for (int i = k; i < p; i++) column[i] = fma(m, c[i], column[i]);
  }
}

static bool factor_large(int p, double *a) {
  for (int k = 0; k < p; k++) {
    double *column = column_of(p, k, a);
    const double diagonal = column[k];
    subtract_columns(p, k, a);
    if (!ouro_linear_pivot_good(p, column[k], diagonal)) return false;
    column[k] = sqrt(column[k]);
    for (int i = k + 1; i < p; i++) column[i] /= column[k];
  }
  return true;
}

static void substitute_large(int p, double *a, double *x) {
  for (int k = 0; k < p; k++) { /* L z = X'y */
    const double *column = column_of(p, k, a), z = x[k] /= column[k];
    for (int i = k + 1; i < p; i++) x[i] = fma(-column[i], z, x[i]);
  }
  for (int k = p - 1; k >= 0; k--) { /* L' theta = z */
    const double *column = column_of(p, k, a);
    for (int i = k + 1; i < p; i++) x[k] = fma(-column[i], x[i], x[k]);
    x[k] /= column[k];
  }
}

static ouro_lid solve_large(int p, ouro_lid n, const double *statistics, double *theta, double *work) {
  const double *statistic = statistics;
  for (ouro_lid model = 0; model < n; model++) {
    for (int j = 0; j < p; j++) {
      for (int k = 0; k <= j; k++) column_of(p, k, work)[j] = *statistic++;
    }
    if (!factor_large(p, work)) return model;
    double *x = theta + (ptrdiff_t)model * p;
    for (int k = 0; k < p; k++) x[k] = *statistic++;
    substitute_large(p, work, x);
  }
  return n;
}

ouro_lid ouro_linear_solve(int p, ouro_lid n, const double *statistics, double *theta, double *work) {
  return p <= SMALL ? solve_small(p, n, statistics, theta, work) : solve_large(p, n, statistics, theta, work);
}
