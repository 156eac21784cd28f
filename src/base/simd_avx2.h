#ifndef OURO_BASE_SIMD_H
#define OURO_BASE_SIMD_H

/* Vectors of 4 doubles for the kernel bodies, AVX2 and FMA. Include first, before every other header. */

#pragma GCC target("avx2,fma")
#include <immintrin.h>

#define SIMD_LANES 4
#define SIMD_ISA "avx2"
#define SIMD_NAME(name) name##_avx2

typedef __m256d simd_d;
typedef __m256i simd_i;

#define simd_load(p) _mm256_loadu_pd(p)
#define simd_load_part(p, n)                                                                                           \
  _mm256_maskload_pd(p, _mm256_cmpgt_epi64(_mm256_set1_epi64x(n), _mm256_setr_epi64x(0, 1, 2, 3)))
#define simd_store(p, x) _mm256_storeu_pd(p, x)
#define simd_store_i(p, x) _mm256_storeu_si256((__m256i *)(void *)(p), x)
#define simd_set(x) _mm256_set1_pd(x)
#define simd_set_i(x) _mm256_set1_epi64x((long long)(x))
#define simd_count(first) _mm256_add_epi64(simd_set_i(first), _mm256_setr_epi64x(0, 1, 2, 3))
#define simd_as_d(x) _mm256_castsi256_pd(x)
#define simd_as_i(x) _mm256_castpd_si256(x)
#define simd_add_i(a, b) _mm256_add_epi64(a, b)
#define simd_sub_i(a, b) _mm256_sub_epi64(a, b)
#define simd_xor(a, b) _mm256_xor_si256(a, b)
#define simd_and(a, b) _mm256_and_si256(a, b)
#define simd_or(a, b) _mm256_or_si256(a, b)
#define simd_rotate(x, n) _mm256_or_si256(_mm256_slli_epi64(x, n), _mm256_srli_epi64(x, 64 - (n)))
#define simd_shift_right(x, n) _mm256_srli_epi64(x, n)
#define simd_add(a, b) _mm256_add_pd(a, b)
#define simd_sub(a, b) _mm256_sub_pd(a, b)
#define simd_mul(a, b) _mm256_mul_pd(a, b)
#define simd_div(a, b) _mm256_div_pd(a, b)
#define simd_sqrt(a) _mm256_sqrt_pd(a)
#define simd_fma(a, b, c) _mm256_fmadd_pd(a, b, c)
#define simd_fnma(a, b, c) _mm256_fnmadd_pd(a, b, c) /* c - a b */
/* Bit 62 of w set: b, else a. */
#define simd_choose(w, a, b) _mm256_blendv_pd(a, b, simd_as_d(_mm256_slli_epi64(w, 1)))

#endif
