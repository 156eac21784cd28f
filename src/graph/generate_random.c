/* Random graphs of so many feeds, G(n, m) and R-MAT: see generate_random.h. Streams are keyed by what is drawn (feed,
 * batch), never by who draws. Does not know ranks or blocks. */

#include "graph/generate_random.h"

#include <stdlib.h>

#include "graph/permute.h"
#include "ouro/base/memory.h"
#include "ouro/base/random.h"

/* ---- G(n, m) ---- */

/* Feed number f is pair number pi(f), pi a bijection of the n(n-1) pairs keyed by the seed: so there are exactly m
 * feeds, all distinct, and every set of m pairs is as likely as the bijection is random. */
ouro_status ouro_generate_gnm(const ouro_config_generate *generate, ouro_count samples, int64_t first, int64_t last,
                              ouro_feeds *feeds) {
  ouro_status status = OURO_OK;
  const ouro_gid n = generate->nodes;
  if (first == last) return OURO_OK;
  const ouro_permutation permutation =
      ouro_permutation_of((uint64_t)n * (uint64_t)(n - 1), generate->seed, OURO_PURPOSE_GRAPH_GNM);
  OURO_TRY(ouro_feeds_reserve(feeds, feeds->n + last - first));
  for (int64_t f = first; f < last; f++) {
    const int64_t pair = (int64_t)ouro_permute(&permutation, (uint64_t)f);
    const ouro_gid target = pair / (n - 1), source = pair % (n - 1);
    OURO_TRY(ouro_feeds_add(feeds, source < target ? source : source + 1, target, samples));
  }
cleanup:
  return status;
}

/* ---- R-MAT ---- */

/* Recursive matrix (Chakrabarti, Zhan, Faloutsos 2004) with the weights of Graph500. Every feed chooses, bit by bit,
 * one quadrant of the matrix: source bit and target bit are 00, 01, 10, 11 with probability a, b, c, d. One half of
 * a random word a bit: the probabilities are exact to 2^-32. */
#define BATCH 1024 /* feeds drawn from one stream */

static const double WEIGHT_A = 0.57, WEIGHT_B = 0.19, WEIGHT_C = 0.19;

typedef struct rmat {
  int scale;
  size_t words;      /* random words a feed */
  uint32_t bound[3]; /* a, a+b, a+b+c in units of 2^-32 */
  ouro_permutation ids;
} rmat;

static rmat rmat_of(const ouro_config_generate *generate) {
  const double unit = 4294967296.0;
  rmat law = {.scale = generate->scale, .words = ((size_t)generate->scale + 1) / 2};
  law.bound[0] = (uint32_t)(WEIGHT_A * unit);
  law.bound[1] = (uint32_t)((WEIGHT_A + WEIGHT_B) * unit);
  law.bound[2] = (uint32_t)((WEIGHT_A + WEIGHT_B + WEIGHT_C) * unit);
  law.ids = ouro_permutation_of(UINT64_C(1) << generate->scale, generate->seed, OURO_PURPOSE_GRAPH_RMAT_IDS);
  return law;
}

/* One feed before ids are permuted, from [words] random words. */
static void choose_quadrants(const rmat *law, const uint64_t *word, uint64_t *source, uint64_t *target) {
  uint64_t s = 0, t = 0;
  for (int bit = 0; bit < law->scale; bit++) {
    const uint32_t u = (uint32_t)(word[bit / 2] >> (32 * (bit % 2)));
    const uint64_t past_a = u >= law->bound[0], past_b = u >= law->bound[1], past_c = u >= law->bound[2];
    s = s << 1 | past_b;
    t = t << 1 | (past_a ^ past_b ^ past_c);
  }
  *source = s;
  *target = t;
}

int64_t ouro_generate_rmat_batches(const ouro_config_generate *generate) {
  const ouro_eid n_feeds = generate->degree << generate->scale;
  return n_feeds / BATCH + (n_feeds % BATCH > 0);
}

static ouro_status draw_batch(const ouro_config_generate *generate, const rmat *law, ouro_count samples, int64_t batch,
                              uint64_t *word, ouro_feeds *feeds) {
  ouro_status status = OURO_OK;
  const ouro_eid left = (generate->degree << generate->scale) - batch * BATCH;
  const size_t n = left < BATCH ? (size_t)left : BATCH;
  const ouro_stream stream = ouro_random_stream(generate->seed, 0, 0, OURO_PURPOSE_GRAPH_RMAT, OURO_NATURE, batch);
  uint64_t source[BATCH], target[BATCH];
  ouro_random_words(&stream, 0, n * law->words, word);
  for (size_t f = 0; f < n; f++) choose_quadrants(law, word + f * law->words, &source[f], &target[f]);
  ouro_permute_all(&law->ids, n, source);
  ouro_permute_all(&law->ids, n, target);
  for (size_t f = 0; f < n; f++) OURO_TRY(ouro_feeds_add(feeds, (ouro_gid)source[f], (ouro_gid)target[f], samples));
cleanup:
  return status;
}

ouro_status ouro_generate_rmat(const ouro_config_generate *generate, ouro_count samples, int64_t first, int64_t last,
                               ouro_feeds *feeds) {
  ouro_status status = OURO_OK;
  const rmat law = rmat_of(generate);
  uint64_t *word = NULL;
  OURO_NEW(word, BATCH * law.words);
  OURO_TRY(ouro_feeds_reserve(feeds, feeds->n + (last - first) * BATCH));
  for (int64_t batch = first; batch < last; batch++) OURO_TRY(draw_batch(generate, &law, samples, batch, word, feeds));
cleanup:
  free(word);
  return status;
}
