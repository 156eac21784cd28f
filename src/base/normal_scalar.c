/* The bulk fills for any processor, one number at a time: see normal_body.h. */

#include "base/simd_scalar.h"

#include "base/normal_body.h"
