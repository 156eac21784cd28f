/* Body of the linear family's inner loops, compiled once for each instruction set over a simd_*.h header.
 * A dot product keeps 8 partial sums, row r in sum r mod 8, added up in one fixed order at the end of a row
 * block: the bits depend on no vector width and no tile size. */

#include "family/linear_kernel.h"

#define INLINE static inline __attribute__((always_inline))
#define UNROLL _Pragma("GCC unroll 24")
#define PARTIAL_SUMS 8
#define PARTS (PARTIAL_SUMS / SIMD_LANES)
#define TILE (SIMD_LANES == 8 ? 4 : 2) /* as many columns as the registers hold sums for */

/* The 8 partial sums s of each of four dot products, added as (t0 + t1) + (t2 + t3), t_i = s_i + s_(i+4). */
#if SIMD_LANES == 1
INLINE void add_up(const simd_d *sums, double *total) {
  for (int i = 0; i < 4; i++) {
    const simd_d *s = sums + i * PARTS;
    total[i] = ((s[0] + s[4]) + (s[1] + s[5])) + ((s[2] + s[6]) + (s[3] + s[7]));
  }
}
#else
INLINE __m256d fold(const simd_d *s) {
#if SIMD_LANES == 8
  return _mm256_add_pd(_mm512_castpd512_pd256(s[0]), _mm512_extractf64x4_pd(s[0], 1));
#else
  return _mm256_add_pd(s[0], s[1]);
#endif
}

INLINE void add_up(const simd_d *sums, double *total) {
  const __m256d a = _mm256_hadd_pd(fold(sums), fold(sums + PARTS));
  const __m256d b = _mm256_hadd_pd(fold(sums + 2 * PARTS), fold(sums + 3 * PARTS));
  _mm256_storeu_pd(total, _mm256_add_pd(_mm256_permute2f128_pd(a, b, 0x20), _mm256_permute2f128_pd(a, b, 0x31)));
}
#endif

/* u and v: 8 rows of the columns of a tile. A tail of n < 8 rows is filled up with zeros, which add nothing. */
#define EIGHT_ROWS(load)                                                                                               \
  UNROLL for (int part = 0; part < PARTS; part++) {                                                                    \
    simd_d u[TILE], v[TILE];                                                                                           \
    UNROLL for (int j = 0; j < nj; j++) u[j] = load(xj + (ptrdiff_t)j * b + r, part);                                  \
    UNROLL for (int k = 0; k < nk; k++) v[k] = load(xk + (ptrdiff_t)k * b + r, part);                                  \
    UNROLL for (int j = 0; j < nj; j++) {                                                                              \
      UNROLL for (int k = 0; k < nk; k++) sums[j * nk + k][part] = simd_fma(u[j], v[k], sums[j * nk + k][part]);       \
    }                                                                                                                  \
  }
#define WHOLE(x, part) simd_load((x) + (part)*SIMD_LANES)
#define TAIL(x, part) simd_load_part((x) + (part)*SIMD_LANES, tail_rows(b - r, part))

INLINE int tail_rows(int left, int part) {
  const int n = left - part * SIMD_LANES;
  return n < 0 ? 0 : n < SIMD_LANES ? n : SIMD_LANES;
}

/* Dot products of columns j, j+1, .. (nj of them) with columns k, k+1, .. (nk): total[nj][nk]. */
INLINE void dots(int nj, int nk, int b, const double *xj, const double *xk, double *total) {
  simd_d sums[TILE * TILE + 3][PARTS];
  UNROLL for (int i = 0; i < nj * nk + 3; i++) {
    UNROLL for (int part = 0; part < PARTS; part++) sums[i][part] = simd_set(0.0);
  }
  int r = 0;
  for (; r + PARTIAL_SUMS <= b; r += PARTIAL_SUMS) EIGHT_ROWS(WHOLE)
  if (r < b) EIGHT_ROWS(TAIL)
  UNROLL for (int i = 0; i < nj * nk; i += 4) add_up(sums[i], total + i);
}

/* One tile of the triangle, added to the statistic. */
INLINE void tile(int nj, int nk, int b, const double *x, int j0, int k0, double *statistic) {
  double total[TILE * TILE + 3];
  dots(nj, nk, b, x + (ptrdiff_t)j0 * b, x + (ptrdiff_t)k0 * b, total);
  for (int j = 0; j < nj; j++) {
    double *row = statistic + (ptrdiff_t)(j0 + j) * (j0 + j + 1) / 2;
    for (int k = 0; k < nk && k0 + k <= j0 + j; k++) row[k0 + k] += total[j * nk + k];
  }
}

/* The compiler unrolls each tile shape only if it is a constant. */
static void tile_of(int nj, int nk, int b, const double *x, int j0, int k0, double *statistic) {
#define SHAPE(a, c)                                                                                                    \
  case (a)*TILE + (c):                                                                                                 \
    tile(a, c, b, x, j0, k0, statistic);                                                                               \
    break
  switch (nj * TILE + nk) {
    SHAPE(TILE, TILE);
    SHAPE(1, 1);
    SHAPE(1, 2);
    SHAPE(2, 1);
#if SIMD_LANES == 8
    SHAPE(1, 3);
    SHAPE(1, 4);
    SHAPE(2, 2);
    SHAPE(2, 3);
    SHAPE(2, 4);
    SHAPE(3, 1);
    SHAPE(3, 2);
    SHAPE(3, 3);
    SHAPE(3, 4);
    SHAPE(4, 1);
    SHAPE(4, 2);
    SHAPE(4, 3);
#endif
  default:
    break;
  }
#undef SHAPE
}

static int least(int a, int b) {
  return a < b ? a : b;
}

static void gram(int p, int b, const double *x, double *statistic) {
  for (int j = 0; j <= p; j += TILE) {
    const int nj = least(TILE, p + 1 - j);
    const int end = least(j + nj, p);
    for (int k = 0; k < end; k += TILE) tile_of(nj, least(TILE, end - k), b, x, j, k, statistic);
  }
}

static void respond(int p, int b, const double *theta, double scale, double *x) {
  double *y = x + (ptrdiff_t)p * b;
  int r = 0;
  for (; r + SIMD_LANES <= b; r += SIMD_LANES) {
    simd_d sum = simd_mul(simd_set(scale), simd_load(y + r));
    for (int k = 0; k < p; k++) sum = simd_fma(simd_load(x + (ptrdiff_t)k * b + r), simd_set(theta[k]), sum);
    simd_store(y + r, sum);
  }
  for (; r < b; r++) {
    double sum = scale * y[r];
    for (int k = 0; k < p; k++) sum = __builtin_fma(x[(ptrdiff_t)k * b + r], theta[k], sum);
    y[r] = sum;
  }
}

const ouro_linear_kernels SIMD_NAME(ouro_linear) = {respond, gram};
