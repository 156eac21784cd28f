/* The bulk fills for AVX2: see normal_body.h. */

#if defined(__x86_64__)
#include "base/simd_avx2.h"

#include "base/normal_body.h"
#endif
