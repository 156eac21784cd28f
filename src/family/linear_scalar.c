/* The inner loops of the linear family for any processor, one number at a time: see linear_body.h. */

#include "base/simd_scalar.h"

#include "family/linear_body.h"
