#ifndef OURO_FAMILY_LINEAR_KERNEL_H
#define OURO_FAMILY_LINEAR_KERNEL_H

/* The two inner loops of the linear family, one set for each instruction set; linear_body.h holds the code. */

#include <stddef.h>

typedef struct ouro_linear_kernels {
  /* y = scale y + X theta; x is [p][b], y follows it as column p. */
  void (*respond)(int p, int b, const double *theta, double scale, double *x);
  /* Add the packed lower triangle of [X y]'[X y], without its last element y'y, to a statistic; x is [p + 1][b]. */
  void (*gram)(int p, int b, const double *x, double *statistic);
} ouro_linear_kernels;

extern const ouro_linear_kernels ouro_linear_scalar, ouro_linear_avx2, ouro_linear_avx512;

#endif
