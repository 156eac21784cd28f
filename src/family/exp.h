#ifndef OURO_FAMILY_EXP_H
#define OURO_FAMILY_EXP_H

/* The exponential function with the same bits everywhere: libm's may differ between processors (contract C1). */

#include <stddef.h>

/* Arguments beyond are taken as this: results are neither 0 nor infinite. */
#define OURO_EXP_MOST 700.0

/** Replace n numbers x by e^x, to a relative error below 3e-16.
 *  Not collective. */
void ouro_exp(size_t n, double *x);

#endif
