/* Random graphs whose models train on `degree` distinct others each: k-in-regular, small world, layered. Streams are
 * keyed by the node that trains, never by who draws. Does not know ranks or blocks. */

#include <stdlib.h>

#include "graph/distinct.h"
#include "graph/generate_random.h"
#include "ouro/base/memory.h"
#include "ouro/base/random.h"

/* Where the sources of one node are drawn. */
typedef struct draft {
  const ouro_config_generate *generate;
  ouro_count samples;
  ouro_feeds *feeds;
  uint64_t *word;         /* [2 * degree, rounded up so that both halves begin a block] */
  int64_t *chosen, *kept; /* [degree] */
  double *uniform;        /* [degree] */
  ouro_distinct taken;
} draft;

typedef ouro_status sources_of(draft *at, ouro_gid node);

static void draft_close(draft *at) {
  free(at->word);
  free(at->chosen);
  free(at->kept);
  free(at->uniform);
  ouro_distinct_close(&at->taken);
}

/* Words of a node, the first `n` of substream `number`. */
static void draw_words(draft *at, ouro_purpose purpose, ouro_gid node, int64_t n) {
  const ouro_stream stream = ouro_random_stream(at->generate->seed, 0, 0, purpose, OURO_NATURE, node);
  ouro_random_words(&stream, 0, (size_t)n, at->word);
}

/* The sources of each of the nodes first .. last-1. */
static ouro_status each_node(const ouro_config_generate *generate, ouro_count samples, ouro_gid first, ouro_gid last,
                             ouro_feeds *feeds, sources_of *sources) {
  ouro_status status = OURO_OK;
  const int64_t k = generate->degree;
  draft at = {.generate = generate, .samples = samples, .feeds = feeds};
  if (first == last) return OURO_OK;
  OURO_TRY(ouro_feeds_reserve(feeds, feeds->n + (last - first) * k));
  OURO_NEW(at.word, k);
  OURO_NEW(at.chosen, k);
  OURO_NEW(at.kept, k);
  OURO_NEW(at.uniform, k);
  OURO_TRY(ouro_distinct_open(k, &at.taken));
  for (ouro_gid node = first; node < last; node++) OURO_TRY(sources(&at, node));
cleanup:
  draft_close(&at);
  return status;
}

/* ---- k-in-regular: every subset of k of the n-1 others; those from the node on are one further ---- */

static ouro_status any_others(draft *at, ouro_gid node) {
  ouro_status status = OURO_OK;
  const int64_t k = at->generate->degree;
  draw_words(at, OURO_PURPOSE_GRAPH_K_IN, node, k);
  ouro_distinct_choose(&at->taken, at->generate->nodes - 1, k, at->word, at->chosen);
  for (int64_t d = 0; d < k; d++) {
    const ouro_gid source = at->chosen[d] < node ? at->chosen[d] : at->chosen[d] + 1;
    OURO_TRY(ouro_feeds_add(at->feeds, source, node, at->samples));
  }
cleanup:
  return status;
}

ouro_status ouro_generate_k_in(const ouro_config_generate *generate, ouro_count samples, int64_t first, int64_t last,
                               ouro_feeds *feeds) {
  return each_node(generate, samples, first, last, feeds, any_others);
}

/* ---- layered: every subset of k of the layer before ---- */

static ouro_status layer_before(draft *at, ouro_gid node) {
  ouro_status status = OURO_OK;
  const ouro_gid n = at->generate->nodes;
  const int n_layers = (int)at->generate->layers, layer = ouro_graph_block_rank(n, n_layers, node);
  const int64_t k = layer > 0 ? at->generate->degree : 0;
  if (k == 0) return OURO_OK;
  const ouro_gid from = ouro_graph_block_first(n, n_layers, layer - 1);
  const ouro_gid to = ouro_graph_block_first(n, n_layers, layer);
  draw_words(at, OURO_PURPOSE_GRAPH_LAYERED, node, k);
  ouro_distinct_choose(&at->taken, to - from, k, at->word, at->chosen);
  for (int64_t d = 0; d < k; d++) OURO_TRY(ouro_feeds_add(at->feeds, from + at->chosen[d], node, at->samples));
cleanup:
  return status;
}

ouro_status ouro_generate_layered(const ouro_config_generate *generate, ouro_count samples, int64_t first, int64_t last,
                                  ouro_feeds *feeds) {
  return each_node(generate, samples, first, last, feeds, layer_before);
}

/* ---- small world (Watts and Strogatz 1998), every feed by itself ---- */

/* Source number t of a node before any is rewired: one behind, one ahead, two behind, ... */
static ouro_gid lattice_source(ouro_gid n, ouro_gid node, int64_t t) {
  const int64_t step = t / 2 + 1;
  if (t % 2 == 0) return node >= step ? node - step : node - step + n;
  return node < n - step ? node + step : node + step - n;
}

static int ascending(const void *left, const void *right) {
  const int64_t a = *(const int64_t *)left, b = *(const int64_t *)right;
  return (a > b) - (a < b);
}

/* Number `rank` of the numbers 0, 1, 2, ... that are not among n ascending excluded ones: rank + the number of those
 * excluded[j] with excluded[j] - j <= rank, which ascends with j. */
static int64_t beyond(const int64_t *excluded, int64_t n, int64_t rank) {
  int64_t low = 0, high = n;
  while (low < high) {
    const int64_t middle = low + (high - low) / 2;
    if (excluded[middle] - middle <= rank)
      low = middle + 1;
    else
      high = middle;
  }
  return rank + low;
}

/* Lattice sources that stay, with probability 1-p each, into at->kept; returns their number. */
static int64_t keep_some(draft *at, const ouro_stream *stream, ouro_gid node) {
  const int64_t k = at->generate->degree;
  int64_t n_kept = 0;
  ouro_random_uniforms(stream, 0, (size_t)k, at->uniform);
  for (int64_t t = 0; t < k; t++) {
    if (at->uniform[t] >= at->generate->p) at->kept[n_kept++] = lattice_source(at->generate->nodes, node, t);
  }
  return n_kept;
}

/* Those that do not stay become a uniform subset of all others that are not kept: p = 1 is k-in-regular. Ids are
 * counted from the node on, so that the node itself is 0 and no candidate. */
static ouro_status rewire(draft *at, ouro_gid node) {
  ouro_status status = OURO_OK;
  const ouro_gid n = at->generate->nodes;
  const int64_t k = at->generate->degree;
  const ouro_stream stream =
      ouro_random_stream(at->generate->seed, 0, 0, OURO_PURPOSE_GRAPH_SMALL_WORLD, OURO_NATURE, node);
  const ouro_stream targets = ouro_random_substream(&stream, 1);
  const int64_t n_kept = keep_some(at, &stream, node), n_new = k - n_kept;
  for (int64_t t = 0; t < n_kept; t++) {
    OURO_TRY(ouro_feeds_add(at->feeds, at->kept[t], node, at->samples));
    at->kept[t] = (at->kept[t] - node - 1 + n) % n; /* 0 .. n-2 are the others */
  }
  if (n_new == 0) return OURO_OK;
  qsort(at->kept, (size_t)n_kept, sizeof *at->kept, ascending);
  ouro_random_words(&targets, 0, (size_t)n_new, at->word);
  ouro_distinct_choose(&at->taken, n - 1 - n_kept, n_new, at->word, at->chosen);
  for (int64_t d = 0; d < n_new; d++) {
    const int64_t other = beyond(at->kept, n_kept, at->chosen[d]);
    OURO_TRY(ouro_feeds_add(at->feeds, (node + 1 + other) % n, node, at->samples));
  }
cleanup:
  return status;
}

ouro_status ouro_generate_small_world(const ouro_config_generate *generate, ouro_count samples, int64_t first,
                                      int64_t last, ouro_feeds *feeds) {
  return each_node(generate, samples, first, last, feeds, rewire);
}
