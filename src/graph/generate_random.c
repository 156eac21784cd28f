/* Random graphs: see generate_random.h. Streams are keyed by what is drawn (node, feed, batch), never by who draws.
 * Does not know ranks or blocks. */

#include "graph/generate_random.h"

#include <stdlib.h>
#include <string.h>

#include "graph/permute.h"
#include "ouro/base/memory.h"
#include "ouro/base/random.h"

/* ---- k-in-regular ---- */

/* A set of numbers >= 0 of known largest size: open addressing, at most half full. */
typedef struct set {
  int64_t *slot; /* [n_slots] value, or -1 */
  size_t n_slots;
} set;

static void set_empty(set *chosen) {
  memset(chosen->slot, 0xff, chosen->n_slots * sizeof *chosen->slot);
}

/* Returns whether the value is new. */
static bool set_add(set *chosen, int64_t value) {
  size_t at = (size_t)(((uint64_t)value * UINT64_C(0x9E3779B97F4A7C15)) >> 20) & (chosen->n_slots - 1);
  for (; chosen->slot[at] >= 0; at = (at + 1) & (chosen->n_slots - 1)) {
    if (chosen->slot[at] == value) return false;
  }
  chosen->slot[at] = value;
  return true;
}

/* Floyd's sampling without replacement (Bentley and Floyd 1987): for u = N-k .. N-1 draw t in 0 .. u and take it, or
 * u itself if t is taken already. Every subset of k of the N = n-1 others is equally likely; others from i on are
 * one further. */
static ouro_status feeds_into(const ouro_config_generate *generate, ouro_count samples, ouro_gid node, uint64_t *word,
                              set *chosen, ouro_feeds *feeds) {
  ouro_status status = OURO_OK;
  const int64_t k = generate->degree, others = generate->nodes - 1;
  const ouro_stream stream = ouro_random_stream(generate->seed, 0, 0, OURO_PURPOSE_GRAPH_K_IN, OURO_NATURE, node);
  ouro_random_words(&stream, 0, (size_t)k, word);
  set_empty(chosen);
  for (int64_t d = 0; d < k; d++) {
    const int64_t last = others - k + d;
    int64_t source = (int64_t)ouro_random_below(word[d], (uint64_t)last + 1);
    if (!set_add(chosen, source)) {
      source = last;
      set_add(chosen, source);
    }
    OURO_TRY(ouro_feeds_add(feeds, source < node ? source : source + 1, node, samples));
  }
cleanup:
  return status;
}

ouro_status ouro_generate_k_in(const ouro_config_generate *generate, ouro_count samples, int64_t first, int64_t last,
                               ouro_feeds *feeds) {
  ouro_status status = OURO_OK;
  uint64_t *word = NULL;
  set chosen = {NULL, 2};
  OURO_TRY(ouro_feeds_reserve(feeds, feeds->n + (last - first) * generate->degree));
  while (chosen.n_slots < 2 * (size_t)generate->degree) chosen.n_slots *= 2;
  OURO_NEW(chosen.slot, chosen.n_slots);
  OURO_NEW(word, generate->degree);
  for (ouro_gid node = first; node < last; node++) {
    OURO_TRY(feeds_into(generate, samples, node, word, &chosen, feeds));
  }
cleanup:
  free(chosen.slot);
  free(word);
  return status;
}

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
  ouro_random_words(&stream, 0, n * law->words, word);
  for (size_t f = 0; f < n; f++) {
    uint64_t source, target;
    choose_quadrants(law, word + f * law->words, &source, &target);
    OURO_TRY(ouro_feeds_add(feeds, (ouro_gid)ouro_permute(&law->ids, source), (ouro_gid)ouro_permute(&law->ids, target),
                            samples));
  }
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
