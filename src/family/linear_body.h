/* Body of the linear family's inner loops, compiled once for each instruction set over a simd_*.h header.
 * A dot product keeps 8 partial sums, row r in sum r mod 8, added up in one fixed order at the end of a row
 * block: the bits depend on no vector width and no tile size. */

#include "family/linear_kernel.h"

#define INLINE static inline __attribute__((always_inline))
#define UNROLL _Pragma("GCC unroll 24")
#define PARTIAL_SUMS 8
#define PARTS (PARTIAL_SUMS / SIMD_LANES)
#define TILE (SIMD_LANES == 8 ? 4 : 2) /* as many columns as the registers hold sums for */

/* u and v: 8 rows of the columns of a tile. A tail of n < 8 rows is filled up with zeros, which add nothing. */
#define EIGHT_ROWS(load)                                                                                               \
  UNROLL for (int part = 0; part < PARTS; part++) {                                                                    \
    simd_d u[TILE], v[TILE];                                                                                           \
    UNROLL for (int j = 0; j < nj; j++) u[j] = load(xj + (ptrdiff_t)j * b + r, part);                                  \
    UNROLL for (int k = 0; k < nk; k++) v[k] = load(xk + (ptrdiff_t)k * b + r, part);                                  \
    UNROLL for (int j = 0; j < nj; j++) {                                                                              \
      UNROLL for (int k = 0; k < nk; k++) sums[j * TILE + k][part] = simd_fma(u[j], v[k], sums[j * TILE + k][part]);   \
    }                                                                                                                  \
  }
#define WHOLE(x, part) simd_load((x) + (part)*SIMD_LANES)
#define TAIL(x, part) simd_load_part((x) + (part)*SIMD_LANES, tail_rows(b - r, part))

INLINE int tail_rows(int left, int part) {
  const int n = left - part * SIMD_LANES;
  return n < 0 ? 0 : n < SIMD_LANES ? n : SIMD_LANES;
}

/* A dot product is (t0 + t1) + (t2 + t3), t_i = s_i + s_(i+4), of its 8 partial sums s. */
#if SIMD_LANES == 8
/* Eight dot products at once. */
INLINE __m512d add_up(const __m512d *s) {
  __m512d t[4]; /* t_0..t_3 of two dot products each */
  UNROLL for (int i = 0; i < 4; i++) {
    const __m512d a = s[i / 2 * 4 + i % 2], b = s[i / 2 * 4 + i % 2 + 2];
    t[i] = _mm512_add_pd(_mm512_shuffle_f64x2(a, b, 0x44), _mm512_shuffle_f64x2(a, b, 0xEE));
  }
  const __m512d u = _mm512_add_pd(_mm512_unpacklo_pd(t[0], t[1]), _mm512_unpackhi_pd(t[0], t[1]));
  const __m512d v = _mm512_add_pd(_mm512_unpacklo_pd(t[2], t[3]), _mm512_unpackhi_pd(t[2], t[3]));
  return _mm512_add_pd(_mm512_shuffle_f64x2(u, v, 0x88), _mm512_shuffle_f64x2(u, v, 0xDD));
}

/* Add the first n of four totals to consecutive elements. (No masked store: it would delay the next load.) */
INLINE void add_some(int n, __m256d total, double *element) {
  if (n >= 4) {
    _mm256_storeu_pd(element, _mm256_add_pd(_mm256_loadu_pd(element), total));
    return;
  }
  double some[4];
  _mm256_storeu_pd(some, total);
  UNROLL for (int i = 0; i < 3; i++) {
    if (i < n) element[i] += some[i];
  }
}

/* Add the dot products of a tile, as far as they lie in the triangle, to the statistic. */
INLINE void add_tile(int nj, int nk, int j0, int k0, simd_d sums[TILE * TILE][PARTS], double *statistic) {
  double *row = statistic + (ptrdiff_t)j0 * (j0 + 1) / 2 + k0;
  for (int j = 0; j < nj; j += 2) {
    const __m512d totals = add_up(&sums[j * TILE][0]);
    const int most = j0 + j - k0 + 1; /* elements of row j0 + j within the triangle, from column k0 on */
    add_some(nk < most ? nk : most, _mm512_castpd512_pd256(totals), row);
    row += j0 + j + 1;
    if (j + 1 < nj) add_some(nk < most + 1 ? nk : most + 1, _mm512_extractf64x4_pd(totals, 1), row);
    row += j0 + j + 2;
  }
}
#else
#if SIMD_LANES == 4
/* The four dot products of a tile. */
INLINE void add_up(simd_d s[TILE * TILE][PARTS], double *total) {
  const __m256d a = _mm256_hadd_pd(_mm256_add_pd(s[0][0], s[0][1]), _mm256_add_pd(s[1][0], s[1][1]));
  const __m256d b = _mm256_hadd_pd(_mm256_add_pd(s[2][0], s[2][1]), _mm256_add_pd(s[3][0], s[3][1]));
  _mm256_storeu_pd(total, _mm256_add_pd(_mm256_permute2f128_pd(a, b, 0x20), _mm256_permute2f128_pd(a, b, 0x31)));
}
#else
INLINE void add_up(simd_d sums[TILE * TILE][PARTS], double *total) {
  UNROLL for (int i = 0; i < TILE * TILE; i++) {
    const double *s = sums[i];
    total[i] = ((s[0] + s[4]) + (s[1] + s[5])) + ((s[2] + s[6]) + (s[3] + s[7]));
  }
}
#endif

INLINE void add_tile(int nj, int nk, int j0, int k0, simd_d sums[TILE * TILE][PARTS], double *statistic) {
  double total[TILE * TILE];
  add_up(sums, total);
  double *row = statistic + (ptrdiff_t)j0 * (j0 + 1) / 2 + k0;
  for (int j = 0; j < nj; row += j0 + ++j) {
    for (int k = 0; k < nk && k0 + k <= j0 + j; k++) row[k] += total[j * TILE + k];
  }
}
#endif

/* Dot products of columns j0, j0+1, .. (nj of them) with columns k0, k0+1, .. (nk), added to the statistic. */
INLINE void tile(int nj, int nk, int b, const double *x, int j0, int k0, double *statistic) {
  const double *xj = x + (ptrdiff_t)j0 * b, *xk = x + (ptrdiff_t)k0 * b;
  simd_d sums[TILE * TILE][PARTS];
  UNROLL for (int i = 0; i < TILE * TILE; i++) {
    UNROLL for (int part = 0; part < PARTS; part++) sums[i][part] = simd_set(0.0);
  }
  int r = 0;
  for (; r + PARTIAL_SUMS <= b; r += PARTIAL_SUMS) EIGHT_ROWS(WHOLE)
  if (r < b) EIGHT_ROWS(TAIL)
  add_tile(nj, nk, j0, k0, sums, statistic);
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

/* sum - a . b over n elements, 8 systems side by side. */
INLINE void minus_dot(int n, const double *a, const double *b, simd_d sum[PARTS]) {
  for (int l = 0; l < n; l++) {
    UNROLL for (int part = 0; part < PARTS; part++) {
      const ptrdiff_t at = (ptrdiff_t)l * PARTIAL_SUMS + part * SIMD_LANES;
      sum[part] = simd_fnma(simd_load(a + at), simd_load(b + at), sum[part]);
    }
  }
}

INLINE void load_eight(const double *a, simd_d x[PARTS]) {
  UNROLL for (int part = 0; part < PARTS; part++) x[part] = simd_load(a + part * SIMD_LANES);
}

INLINE void store_eight(const simd_d x[PARTS], double *out) {
  UNROLL for (int part = 0; part < PARTS; part++) simd_store(out + part * SIMD_LANES, x[part]);
}

INLINE void plus_product(const double *a, const double *b, simd_d sum[PARTS]) {
  UNROLL for (int part = 0; part < PARTS; part++) {
    sum[part] = simd_fma(simd_load(a + part * SIMD_LANES), simd_load(b + part * SIMD_LANES), sum[part]);
  }
}

/* a . b over n elements, 8 systems side by side. */
INLINE void dot(int n, const double *a, const double *b, double *out) {
  simd_d sum[PARTS];
  UNROLL for (int part = 0; part < PARTS; part++) sum[part] = simd_set(0.0);
  for (int l = 0; l < n; l++) plus_product(a + l * PARTIAL_SUMS, b + l * PARTIAL_SUMS, sum);
  store_eight(sum, out);
}

INLINE void store_quotients(const simd_d x[PARTS], const double *divisor, double *out) {
  UNROLL for (int part = 0; part < PARTS; part++) {
    simd_store(out + part * SIMD_LANES, simd_div(x[part], simd_load(divisor + part * SIMD_LANES)));
  }
}

INLINE void store_roots(int p, const simd_d pivot[PARTS], double *diagonal, bool good[OURO_LINEAR_BATCH]) {
  double pivots[PARTIAL_SUMS];
  UNROLL for (int part = 0; part < PARTS; part++) simd_store(pivots + part * SIMD_LANES, pivot[part]);
  for (int i = 0; i < PARTIAL_SUMS; i++) good[i] &= ouro_linear_pivot_good(p, pivots[i], diagonal[i]);
  UNROLL for (int part = 0; part < PARTS; part++) simd_store(diagonal + part * SIMD_LANES, simd_sqrt(pivot[part]));
}

/* L L' = A in place, row by row. */
static void factor(int p, double *a, bool good[OURO_LINEAR_BATCH]) {
  double *row = a;
  for (int j = 0; j < p; row += ++j * PARTIAL_SUMS) {
    const double *above = a;
    for (int k = 0; k <= j; above += ++k * PARTIAL_SUMS) {
      simd_d sum[PARTS];
      load_eight(row + k * PARTIAL_SUMS, sum);
      minus_dot(k, row, above, sum);
      if (k < j)
        store_quotients(sum, above + k * PARTIAL_SUMS, row + k * PARTIAL_SUMS);
      else
        store_roots(p, sum, row + k * PARTIAL_SUMS, good);
    }
  }
}

static void solve(int p, double *a, bool good[OURO_LINEAR_BATCH]) {
  factor(p, a, good);
  double *row = a, *const x = a + (ptrdiff_t)p * (p + 1) / 2 * PARTIAL_SUMS;
  for (int j = 0; j < p; row += ++j * PARTIAL_SUMS) { /* L z = X'y */
    simd_d sum[PARTS];
    load_eight(x + j * PARTIAL_SUMS, sum);
    minus_dot(j, row, x, sum);
    store_quotients(sum, row + j * PARTIAL_SUMS, x + j * PARTIAL_SUMS);
  }
  for (int j = p - 1; j >= 0; j--) { /* L' theta = z */
    simd_d top[PARTS], sum[PARTS];
    row -= (j + 1) * PARTIAL_SUMS;
    load_eight(x + j * PARTIAL_SUMS, top);
    store_quotients(top, row + j * PARTIAL_SUMS, x + j * PARTIAL_SUMS);
    for (int l = 0; l < j; l++) {
      load_eight(x + l * PARTIAL_SUMS, sum);
      minus_dot(1, row + l * PARTIAL_SUMS, x + j * PARTIAL_SUMS, sum);
      store_eight(sum, x + l * PARTIAL_SUMS);
    }
  }
}

/* From the last row up: a row of L A needs those above it as they were. */
static void multiply(int p, const double *factor, double *a) {
  for (int j = p - 1; j >= 0; j--) {
    const double *f = factor + (ptrdiff_t)j * (j + 1) / 2 * PARTIAL_SUMS;
    double *row = a + (ptrdiff_t)j * (j + 1) / 2 * PARTIAL_SUMS;
    for (int k = 0; k <= j; k++) {
      const double *element = a + ((ptrdiff_t)k * (k + 1) / 2 + k) * PARTIAL_SUMS;
      simd_d sum[PARTS];
      UNROLL for (int part = 0; part < PARTS; part++) sum[part] = simd_set(0.0);
      for (int l = k; l <= j; element += ++l * PARTIAL_SUMS) plus_product(f + l * PARTIAL_SUMS, element, sum);
      store_eight(sum, row + k * PARTIAL_SUMS);
    }
  }
}

/* From the last element up: one of A A' or A w needs those before it as they were. */
static void square(int p, double *a) {
  double *const w = a + (ptrdiff_t)p * (p + 1) / 2 * PARTIAL_SUMS, *row = w;
  for (int j = p - 1; j >= 0; j--) {
    const double *other = row;
    row -= (j + 1) * PARTIAL_SUMS;
    dot(j + 1, row, w, w + j * PARTIAL_SUMS);
    for (int k = j; k >= 0; k--) {
      other -= (k + 1) * PARTIAL_SUMS;
      dot(k + 1, row, other, row + k * PARTIAL_SUMS);
    }
  }
}

const ouro_linear_kernels SIMD_NAME(ouro_linear) = {respond, gram, solve, multiply, square};
