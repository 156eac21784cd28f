/* The inner loops of the linear family for AVX2: see linear_body.h. */

#if defined(__x86_64__)
#include "base/simd_avx2.h"

#include "family/linear_body.h"
#endif
