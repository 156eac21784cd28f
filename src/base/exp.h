#ifndef OURO_BASE_EXP_H
#define OURO_BASE_EXP_H

/* Exponential and logarithm with the same bits everywhere: those of libm may differ between processors (contract C1).
 */

#include <stddef.h>

/* Arguments beyond are taken as this: results are neither 0 nor infinite. */
#define OURO_EXP_MOST 700.0

/** Replace n numbers x by e^x, to a relative error below 3e-16.
 *  Not collective. */
void ouro_exp(size_t n, double *x);

/** ln x, x > 0 and neither subnormal nor infinite, to 2 units of the last place.
 *  Not collective. */
double ouro_log(double x);

#endif
