/* Deviance and the error of Stirling's formula: see deviance.h. */

#include "base/deviance.h"

#include <math.h>

#include "base/exp.h"

double ouro_deviance(double k, double mean) {
  const double v = (k - mean) / (k + mean), square = v * v;
  if (k == 0) return mean;
  if (fabs(v) > 0.1) return k * ouro_log(k / mean) + mean - k;
  double sum = 0;
  for (int j = 8; j >= 1; j--) sum = fma(sum, square, 1.0 / (2 * j + 1));
  return fma(2 * k * v * square, sum, (k - mean) * v);
}

double ouro_deviance_stirling(double k) {
  static const double of_small[] = {
      0.08106146679532726,  0.0413406959554093,  0.02767792568499834,  0.020790672103765093,  0.016644691189821193,
      0.013876128823070748, 0.01189670994589177, 0.010411265261972096, 0.009255462182712733,  0.00833056343336287,
      0.007573675487951841, 0.00694284010720953, 0.006408994188004207, 0.0059513701127588475, 0.005554733551962801};
  if (k < 16) return of_small[(int)k - 1];
  const double square = 1 / (k * k);
  return (1.0 / 12 + square * (-1.0 / 360 + square * (1.0 / 1260 - square / 1680))) / k;
}
