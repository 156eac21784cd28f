#ifndef OURO_BASE_SAMPLER_H
#define OURO_BASE_SAMPLER_H

/* Variables of laws that need rejection, and sums of many samples by their law. A variable is a pure function of its
 * stream, its number within it and its parameters: it depends on nothing that is drawn beside it, and has the same bits
 * on every vector width. Of a stream with substream number s only the substreams s + t 2^32, t >= 0, are used: whoever
 * draws more from the same identity takes another s below 2^32.
 *
 * A parameter that is not a number, or infinite, gives some number or none, in finite time. */

#include "ouro/base/random.h"

/** Gamma variables of unit scale: numbers 0 .. k-1 of each of n streams.
 *  Not collective.
 *  [inout] x [n][k] shapes, at least 0; become the variables. Of shape 0: 0; of shapes that are nearly 0: 1e-304 stands
 *            for what is less. */
void ouro_sampler_gamma(size_t n, const ouro_stream *streams, size_t k, double *x);

/** Chi-square variables: numbers 0 .. k-1 of each of n streams, twice the gamma variables of half the shape.
 *  Not collective.
 *  [inout] x [n][k] degrees of freedom, at least 0; become the variables */
void ouro_sampler_chi_square(size_t n, const ouro_stream *streams, size_t k, double *x);

#endif
