/* Least squares from sums of products, by Cholesky: see linear_kernel.h.
 * Small systems go 8 at a time, side by side; large ones one by one, by LAPACK. Which of the two depends on p alone,
 * and no system's bits depend on its company. */

#include <stdint.h>
#include <string.h>

#include "base/isa.h"
#include "family/linear_kernel.h"

/* Up to here 8 systems side by side take half the time of dposv one by one, or less; at 24 a third, at 10 a sixth. */
#define SMALL 48
#define SMALL_ALONE 8 /* the same of one system, the other 7 being copies */
#define ALIGNMENT 64

extern void dposv_(const char *uplo, const int *n, const int *nrhs, double *a, const int *lda, double *b,
                   const int *ldb, int *info);

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
  const size_t together = (size_t)(triangle(p) + p) * OURO_LINEAR_BATCH;
  const size_t alone = (size_t)p * (size_t)p + ALIGNMENT / sizeof(double);
  return p <= SMALL ? together : alone; /* together > alone, where p is small and both may be asked for */
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

static void unpack(int p, const double *statistic, double *a) {
  for (int j = 0; j < p; j++) {
    for (int k = 0; k <= j; k++) a[(ptrdiff_t)k * p + j] = *statistic++;
  }
}

/* Were the pivots, squares of the diagonal of the factor, good? */
static bool pivots_good(int p, const double *statistic, const double *factor) {
  for (int j = 0; j < p; statistic += ++j) {
    const double root = factor[(ptrdiff_t)j * p + j];
    if (!ouro_linear_pivot_good(p, root * root, statistic[j])) return false;
  }
  return true;
}

static ouro_lid solve_large(int p, ouro_lid n, const double *statistics, double *theta, double *work) {
  const int one = 1;
  double *a = work + (ALIGNMENT - (uintptr_t)work % ALIGNMENT) / sizeof *work; /* one alignment on every rank */
  for (ouro_lid model = 0; model < n; model++, statistics += triangle(p) + p, theta += p) {
    int info;
    unpack(p, statistics, a);
    memcpy(theta, statistics + triangle(p), (size_t)p * sizeof *theta);
    dposv_("L", &p, &one, a, &p, theta, &p, &info);
    if (info != 0 || !pivots_good(p, statistics, a)) return model;
  }
  return n;
}

bool ouro_linear_solve_alone(int p, const double *statistic, double *theta, double *work) {
  return (p <= SMALL_ALONE ? solve_small : solve_large)(p, 1, statistic, theta, work) == 1;
}

ouro_lid ouro_linear_solve(int p, ouro_lid n, const double *statistics, double *theta, double *work) {
  return p <= SMALL ? solve_small(p, n, statistics, theta, work) : solve_large(p, n, statistics, theta, work);
}
