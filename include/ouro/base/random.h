#ifndef OURO_BASE_RANDOM_H
#define OURO_BASE_RANDOM_H

/* Counter-based random numbers: every number is a pure function of (seed, replicate, generation, purpose,
 * source, target, position). Nothing depends on the rank, the partition or what was drawn before.
 * Threefry4x64 of Random123 (Salmon et al., SC 2011) has room for the whole identity in key and counter,
 * without hashing. Bits are the same whatever vector width the processor has. */

#include "ouro/base/types.h"

/* What a stream is for. Every use of random numbers in the program has a row of its own. */
typedef enum ouro_purpose {
  OURO_PURPOSE_TRUTH = 1,  /* theta* of the experiment */
  OURO_PURPOSE_INITIAL,    /* real samples of generation 0; target = node */
  OURO_PURPOSE_REAL,       /* fresh real samples of a generation; target = node */
  OURO_PURPOSE_FIXED,      /* real samples drawn once; target = node */
  OURO_PURPOSE_FEED,       /* private synthetic samples; source -> target */
  OURO_PURPOSE_CORPUS,     /* published synthetic samples; source */
  OURO_PURPOSE_PICK,       /* which nodes get real data (real.fraction); target = node */
  OURO_PURPOSE_GRAPH_K_IN, /* generators; target = node or position */
  OURO_PURPOSE_GRAPH_GNM,
  OURO_PURPOSE_GRAPH_RMAT,
  OURO_PURPOSE_GRAPH_RMAT_IDS,
  OURO_PURPOSE_WALK, /* backward walks of the dual; source = node they start at, replicate = pair of walks */
  OURO_PURPOSE_TEST,
  OURO_PURPOSE_SKETCH,    /* order of nodes in estimates of what sources reach; source = node */
  OURO_PURPOSE_HELD_OUT,  /* samples of the truth on which likelihoods are measured; no node has a part in them */
  OURO_PURPOSE_START,     /* where an iterative fit begins; replicate = digest of its sample */
  OURO_PURPOSE_SUBSAMPLE, /* which of the samples kept a fit sees; target = node */
  OURO_PURPOSE_GRAPH_GNP, /* generators; target = node */
  OURO_PURPOSE_GRAPH_ATTACH,
  OURO_PURPOSE_GRAPH_SMALL_WORLD,
  OURO_PURPOSE_GRAPH_BLOCKS,
  OURO_PURPOSE_GRAPH_LAYERED,
  OURO_PURPOSE_COUNT
} ouro_purpose;

typedef struct ouro_stream {
  uint64_t key[4];
  uint64_t counter[4]; /* word 0 counts blocks, word 3 is the number of a substream */
} ouro_stream;

/* Positions at which a fill may start are multiples of this. */
#define OURO_RANDOM_BLOCK 32

/** The stream of an identity.
 *  Not collective.
 *  [in] source, target global ids, OURO_NATURE or 0 where there is none */
ouro_stream ouro_random_stream(uint64_t seed, uint64_t replicate, uint64_t generation, ouro_purpose purpose,
                               int64_t source, int64_t target);

/** One of 2^64 further streams of the same identity, told apart by a number; number 0 is the stream itself.
 *  Not collective. */
ouro_stream ouro_random_substream(const ouro_stream *stream, uint64_t number);

/** Words number first .. first+n-1 of a stream, 64 random bits each.
 *  Not collective.
 *  [in]  first a multiple of OURO_RANDOM_BLOCK
 *  [out] out   [n] */
void ouro_random_words(const ouro_stream *stream, uint64_t first, size_t n, uint64_t *out);

/** Uniform numbers first .. first+n-1 of a stream, in the open interval (0, 1).
 *  Not collective.
 *  [in]  first a multiple of OURO_RANDOM_BLOCK
 *  [out] out   [n] */
void ouro_random_uniforms(const ouro_stream *stream, uint64_t first, size_t n, double *out);

/** Standard exponential numbers first .. first+n-1 of a stream: -ln of its uniform numbers.
 *  Not collective.
 *  [in]  first a multiple of OURO_RANDOM_BLOCK
 *  [out] out   [n] */
void ouro_random_exponentials(const ouro_stream *stream, uint64_t first, size_t n, double *out);

/** Standard normal numbers first .. first+n-1 of a stream. A prefix of a longer fill is the shorter fill.
 *  Not collective.
 *  [in]  first a multiple of OURO_RANDOM_BLOCK
 *  [out] out   [n] */
void ouro_random_normals(const ouro_stream *stream, uint64_t first, size_t n, double *out);

/** A random word mapped to 0 .. bound-1 without bias worth speaking of (multiply and shift of 64 bits;
 *  bias below bound / 2^64).
 *  Not collective. */
uint64_t ouro_random_below(uint64_t word, uint64_t bound);

/** Name of the instruction set the fills run on: "avx512", "avx2" or "scalar".
 *  Not collective. */
const char *ouro_random_isa(void);

#endif
