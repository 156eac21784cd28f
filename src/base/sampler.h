#ifndef OURO_BASE_SAMPLER_TRIAL_H
#define OURO_BASE_SAMPLER_TRIAL_H

/* What the samplers by rejection share. */

#include "ouro/base/sampler.h"

/* A rejection ends after so many trials in any case, also for parameters that are not finite. */
#define OURO_SAMPLER_TRIALS 1000

#define OURO_SAMPLER_BEYOND 16

/* Trial `number` of a variable: a normal and two uniform numbers, of Threefry block `variable` of a substream. */
typedef struct ouro_sampler_trial {
  double z, u, v;
} ouro_sampler_trial;

/** The substream of trial `number` of all variables of a stream.
 *  Not collective. */
static inline ouro_stream ouro_sampler_substream(const ouro_stream *stream, uint64_t number) {
  return ouro_random_substream(stream, stream->counter[3] + (number << 32));
}

/** One trial of one variable.
 *  Not collective. */
ouro_sampler_trial ouro_sampler_try(const ouro_stream *stream, uint64_t variable, uint64_t number);

/** The first trials of variables first .. first+width-1 of each of n streams.
 *  Not collective.
 *  [out] z, u, v [n * width + OURO_SAMPLER_BEYOND] as [n][width], and then some numbers of no use */
void ouro_sampler_first(size_t n, const ouro_stream *streams, uint64_t first, size_t width, double *z, double *u,
                        double *v);

/* Poisson variables of means from here on are had by rejection, smaller ones by inversion. */
#define OURO_SAMPLER_POISSON_SMALL 30

/* Constants of the rejection for a mean. */
typedef struct ouro_sampler_poisson_hat {
  double mean, a, b, surely;
} ouro_sampler_poisson_hat;

/** The constants for a mean of OURO_SAMPLER_POISSON_SMALL or more.
 *  Not collective. */
ouro_sampler_poisson_hat ouro_sampler_poisson_hat_of(double mean);

/** One trial by two uniform numbers.
 *  Not collective.
 *  [out] k the variable, if it is accepted
 *  Returns whether it is. */
bool ouro_sampler_poisson_accepts(const ouro_sampler_poisson_hat *h, double u, double v, double *k);

/** #{k: Pr(X <= k) <= u} for a mean below OURO_SAMPLER_POISSON_SMALL.
 *  Not collective. */
double ouro_sampler_poisson_invert(double mean, double u);

#endif
