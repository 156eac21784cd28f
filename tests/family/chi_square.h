#ifndef OURO_TESTS_FAMILY_CHI_SQUARE_H
#define OURO_TESTS_FAMILY_CHI_SQUARE_H

/* Pearson's test of counts against probabilities. */

#include <math.h>

/* The statistic as a normal deviate (Wilson and Hilferty 1931), right to a few percent out to 5 where each bin expects
 * 10 or more. */
static inline double chi_square_deviate(int n_bins, const double *probability, const double *count, double total) {
  double sum = 0;
  for (int i = 0; i < n_bins; i++) {
    const double expected = total * probability[i];
    sum += (count[i] - expected) * (count[i] - expected) / expected;
  }
  const double df = n_bins - 1;
  return (cbrt(sum / df) - (1 - 2 / (9 * df))) / sqrt(2 / (9 * df));
}

#endif
