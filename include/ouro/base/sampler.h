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

/** Poisson variables: number 0 of each of n streams.
 *  Not collective.
 *  [inout] x [n] means, at least 0; become the variables */
void ouro_sampler_poisson(size_t n, const ouro_stream *streams, double *x);

/** Binomial variables: number 0 of each of n streams.
 *  Not collective.
 *  [in]    p [n] chances
 *  [inout] x [n] trials, whole numbers from 0 on; become the successes */
void ouro_sampler_binomial(size_t n, const ouro_stream *streams, const double *p, double *x);

/** A multinomial variable, of numbers 0 .. k-1 of a stream: how often each of k outcomes came out in n trials.
 *  Not collective.
 *  [in]  p [k] chances, or multiples of them, at least 0 and not all 0
 *  [out] x [k] sums to n; 0 where p is */
void ouro_sampler_multinomial(const ouro_stream *stream, double n, size_t k, const double *p, double *x);

#endif
