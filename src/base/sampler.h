#ifndef OURO_BASE_SAMPLER_TRIAL_H
#define OURO_BASE_SAMPLER_TRIAL_H

/* What the samplers by rejection share. */

#include "ouro/base/sampler.h"

/* A rejection ends after so many trials in any case, also for parameters that are not finite. */
#define OURO_SAMPLER_TRIALS 1000

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

/** The first trials of variables first .. first+n-1 of a stream.
 *  Not collective.
 *  [out] z, u, v [n + 15] the last 15 of no use */
void ouro_sampler_first(const ouro_stream *stream, uint64_t first, size_t n, double *z, double *u, double *v);

#endif
