#ifndef OURO_BASE_SIMD_H
#define OURO_BASE_SIMD_H

/* Vectors of 8 doubles for the kernel bodies, AVX-512 F, DQ, VL. Include first, before every other header. */

#pragma GCC target("avx512f,avx512dq,avx512vl,avx2,fma")
#include <immintrin.h>

#define SIMD_LANES 8
#define SIMD_ISA "avx512"
#define SIMD_NAME(name) name##_avx512

typedef __m512d simd_d;
typedef __m512i simd_i;

#define simd_load(p) _mm512_loadu_pd(p)
#define simd_load_part(p, n) _mm512_maskz_loadu_pd((__mmask8)((1u << (n)) - 1u), p)
#define simd_store(p, x) _mm512_storeu_pd(p, x)
#define simd_store_i(p, x) _mm512_storeu_si512(p, x)
#define simd_set(x) _mm512_set1_pd(x)
#define simd_set_i(x) _mm512_set1_epi64((long long)(x))
#define simd_count(first) _mm512_add_epi64(simd_set_i(first), _mm512_setr_epi64(0, 1, 2, 3, 4, 5, 6, 7))
#define simd_as_d(x) _mm512_castsi512_pd(x)
#define simd_as_i(x) _mm512_castpd_si512(x)
#define simd_add_i(a, b) _mm512_add_epi64(a, b)
#define simd_sub_i(a, b) _mm512_sub_epi64(a, b)
#define simd_xor(a, b) _mm512_xor_si512(a, b)
#define simd_and(a, b) _mm512_and_si512(a, b)
#define simd_or(a, b) _mm512_or_si512(a, b)
#define simd_rotate(x, n) _mm512_rol_epi64(x, n)
#define simd_shift_right(x, n) _mm512_srli_epi64(x, n)
#define simd_add(a, b) _mm512_add_pd(a, b)
#define simd_sub(a, b) _mm512_sub_pd(a, b)
#define simd_mul(a, b) _mm512_mul_pd(a, b)
#define simd_div(a, b) _mm512_div_pd(a, b)
#define simd_sqrt(a) _mm512_sqrt_pd(a)
#define simd_fma(a, b, c) _mm512_fmadd_pd(a, b, c)
#define simd_fnma(a, b, c) _mm512_fnmadd_pd(a, b, c) /* c - a b */
/* Bit 62 of w set: b, else a. */
#define simd_choose(w, a, b) _mm512_mask_blend_pd(_mm512_test_epi64_mask(w, simd_set_i(1ull << 62)), a, b)

#endif
