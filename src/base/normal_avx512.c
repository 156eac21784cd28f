/* The bulk fills for AVX-512: see normal_body.h. */

#if defined(__x86_64__)
#include "base/simd_avx512.h"

#include "base/normal_body.h"
#endif
