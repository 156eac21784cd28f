/* Random streams keyed by identity: see random.h.
 * Invariant: two different identities never share a pair of key and counter, so no number is used twice. */

#include "ouro/base/random.h"

#include "base/isa.h"
#include "base/normal.h"
#include "base/sampler.h"

static const ouro_normal_fills *fills(void) {
#if defined(__x86_64__)
  switch (ouro_isa_now()) {
  case OURO_ISA_AVX512:
    return &ouro_normal_avx512;
  case OURO_ISA_AVX2:
    return &ouro_normal_avx2;
  default:
    break;
  }
#endif
  return &ouro_normal_scalar;
}

/* Each part of the identity has a word of its own, so the map is injective. Word 0 of the counter counts blocks, word 3
 * numbers substreams. */
ouro_stream ouro_random_stream(uint64_t seed, uint64_t replicate, uint64_t generation, ouro_purpose purpose,
                               int64_t source, int64_t target) {
  return (ouro_stream){.key = {seed, replicate, generation, (uint64_t)purpose},
                       .counter = {0, (uint64_t)source, (uint64_t)target, 0}};
}

ouro_stream ouro_random_substream(const ouro_stream *stream, uint64_t number) {
  ouro_stream made = *stream;
  made.counter[3] = number;
  return made;
}

void ouro_random_words(const ouro_stream *stream, uint64_t first, size_t n, uint64_t *out) {
  fills()->words(stream, first / OURO_RANDOM_BLOCK, n, out);
}

void ouro_random_uniforms(const ouro_stream *stream, uint64_t first, size_t n, double *out) {
  fills()->uniforms(stream, first / OURO_RANDOM_BLOCK, n, out);
}

void ouro_random_exponentials(const ouro_stream *stream, uint64_t first, size_t n, double *out) {
  fills()->exponentials(stream, first / OURO_RANDOM_BLOCK, n, out);
}

void ouro_random_normals(const ouro_stream *stream, uint64_t first, size_t n, double *out) {
  fills()->normals(stream, first / OURO_RANDOM_BLOCK, n, out);
}

void ouro_sampler_first(size_t n, const ouro_stream *streams, uint64_t first, size_t width, double *z, double *u,
                        double *v) {
  if (width == 1 && first == 0) {
    fills()->trials_of_each(n, streams, z, u, v);
    return;
  }
  for (size_t i = 0; i < n; i++, z += width, u += width, v += width) {
    fills()->trials(&streams[i], first, width, z, u, v);
  }
}

ouro_sampler_trial ouro_sampler_try(const ouro_stream *stream, uint64_t variable, uint64_t number) {
  const ouro_stream of_number = ouro_sampler_substream(stream, number);
  ouro_sampler_trial trial;
  ouro_normal_scalar.trials(&of_number, variable, 1, &trial.z, &trial.u, &trial.v);
  return trial;
}

uint64_t ouro_random_below(uint64_t word, uint64_t bound) {
  __extension__ typedef unsigned __int128 wide;
  return (uint64_t)((wide)word * bound >> 64);
}

const char *ouro_random_isa(void) {
  return fills()->name;
}
