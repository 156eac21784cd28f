/* e^x = 2^k e^r, |r| <= ln 2 / 2: see exp.h. Invariant: one operation after the other, each IEEE. */

#include "base/exp.h"

#include <math.h>
#include <stdint.h>
#include <string.h>

#include "base/normal.h"

#define TO_INTEGER 0x1.8p52 /* added, it leaves the nearest integer in the low bits */

static double exponential(double x) {
  static const double inverse_factorial[] = {0x1.6124613a86d09p-33,
                                             0x1.1eed8eff8d898p-29,
                                             0x1.ae64567f544e4p-26,
                                             0x1.27e4fb7789f5cp-22,
                                             0x1.71de3a556c734p-19,
                                             0x1.a01a01a01a01ap-16,
                                             0x1.a01a01a01a01ap-13,
                                             0x1.6c16c16c16c17p-10,
                                             0x1.1111111111111p-7,
                                             0x1.5555555555555p-5,
                                             0x1.5555555555555p-3,
                                             0.5,
                                             1,
                                             1}; /* of 13 down to 0 */
  x = x > OURO_EXP_MOST ? OURO_EXP_MOST : x < -OURO_EXP_MOST ? -OURO_EXP_MOST : x;
  const double moved = fma(x, 0x1.71547652b82fep+0, TO_INTEGER), k = moved - TO_INTEGER;
  const double r = fma(-k, 0x1.abc9e3b39803fp-56, fma(-k, 0x1.62e42fefa39efp-1, x)); /* ln 2 in two parts */
  double sum = inverse_factorial[0], scale;
#pragma GCC unroll 13 /* the loop of ouro_exp() becomes one over vectors: five times as fast, the same bits */
  for (int i = 1; i < 14; i++) sum = fma(sum, r, inverse_factorial[i]);
  uint64_t bits;
  memcpy(&bits, &moved, sizeof bits);
  bits = (bits + 1023) << 52;
  memcpy(&scale, &bits, sizeof scale);
  return sum * scale;
}

void ouro_exp(size_t n, double *x) {
  for (size_t i = 0; i < n; i++) x[i] = exponential(x[i]);
}

double ouro_log(double x) {
  double y;
  ouro_normal_scalar.minus_two_log(1, &x, &y);
  return -0.5 * y;
}
