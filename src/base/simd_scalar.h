#ifndef OURO_BASE_SIMD_H
#define OURO_BASE_SIMD_H

/* One double at a time for the kernel bodies: any processor. fma() is exact, if slow where there is no hardware. */

#include <math.h>
#include <stdint.h>
#include <string.h>

#define SIMD_LANES 1
#define SIMD_ISA "scalar"
#define SIMD_NAME(name) name##_scalar

typedef double simd_d;
typedef uint64_t simd_i;

static inline double simd_as_d(uint64_t x) {
  double d;
  memcpy(&d, &x, sizeof d);
  return d;
}

static inline uint64_t simd_as_i(double d) {
  uint64_t x;
  memcpy(&x, &d, sizeof x);
  return x;
}

#define simd_load(p) (*(p))
#define simd_load_part(p, n) ((n) > 0 ? *(p) : 0.0)
#define simd_store(p, x) (*(p) = (x))
#define simd_store_i(p, x) (*(p) = (x))
#define simd_set(x) (x)
#define simd_set_i(x) ((uint64_t)(x))
#define simd_count(first) ((uint64_t)(first))
#define simd_add_i(a, b) ((a) + (b))
#define simd_sub_i(a, b) ((a) - (b))
#define simd_xor(a, b) ((a) ^ (b))
#define simd_and(a, b) ((a) & (b))
#define simd_or(a, b) ((a) | (b))
#define simd_rotate(x, n) (((x) << (n)) | ((x) >> (64 - (n))))
#define simd_shift_right(x, n) ((x) >> (n))
#define simd_add(a, b) ((a) + (b))
#define simd_sub(a, b) ((a) - (b))
#define simd_mul(a, b) ((a) * (b))
#define simd_div(a, b) ((a) / (b))
#define simd_sqrt(a) sqrt(a)
#define simd_fma(a, b, c) fma(a, b, c)
#define simd_fnma(a, b, c) fma(-(a), b, c) /* c - a b */
/* Bit 62 of w set: b, else a. */
#define simd_choose(w, a, b) ((w) >> 62 & 1 ? (b) : (a))

#endif
