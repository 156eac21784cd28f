#ifndef OURO_THEORY_STATIONARY_H
#define OURO_THEORY_STATIONARY_H

/* Stationary distributions of small Markov chains. */

#include <stdbool.h>
#include <stddef.h>

/** Solve pi P = pi of an irreducible chain by elimination without subtractions (Grassmann, Taksar, Heyman 1985): every
 *  element of pi has a small relative error, whatever the spectral gap and the period. About 2 n^3 / 3 operations.
 *  Not collective.
 *  [inout] p  [n][n] probabilities, or any positive multiple of each row; the diagonal is not read; destroyed
 *  [out]   pi [n] sums to 1; an element below the range of a double is 0
 *  Returns false if the chain is reducible, or so nearly that the range of a double does not tell. */
bool ouro_stationary_solve(size_t n, double *p, double *pi);

#endif
