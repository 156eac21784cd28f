/* Random graphs whose pairs of models are each a feed with a probability of their own: G(n, p) and planted blocks. What
 * lies between two feeds into a node is a geometric number of candidates (Batagelj and Brandes 2005), so cost is that
 * of the feeds, not of the pairs. Streams are keyed by the node that trains. Does not know ranks. */

#include <math.h>

#include "graph/generate_random.h"
#include "ouro/base/random.h"

/* Which of the candidates 0 .. n-1 are there, in ascending order, each with probability p. */
typedef struct candidates {
  int64_t n, at; /* the next one to be considered */
  double rate;   /* -ln(1-p): floor(E / rate) is geometric where E is a standard exponential number */
  double drawn[OURO_RANDOM_BLOCK];
  uint64_t n_drawn;
  ouro_stream stream;
} candidates;

static candidates candidates_of(ouro_stream stream, int64_t n, double p) {
  return (candidates){.n = n, .rate = -log1p(-p), .stream = stream};
}

/* The next one that is there, or -1. Both p = 0 (an infinite step) and p = 1 (steps of 0) come out right. */
static int64_t next(candidates *of) {
  const uint64_t place = of->n_drawn % OURO_RANDOM_BLOCK;
  if (of->at >= of->n) return -1;
  if (place == 0) ouro_random_exponentials(&of->stream, of->n_drawn, OURO_RANDOM_BLOCK, of->drawn);
  of->n_drawn++;
  const double step = floor(of->drawn[place] / of->rate);
  if (step >= (double)(of->n - of->at)) {
    of->at = of->n;
    return -1;
  }
  of->at += (int64_t)step;
  return of->at++;
}

/* Room for a Poisson number of feeds, seldom too little. */
static ouro_status reserve(ouro_feeds *feeds, double mean) {
  return ouro_feeds_reserve(feeds, feeds->n + (ouro_eid)(mean + 6 * sqrt(mean)) + 1);
}

ouro_status ouro_generate_gnp(const ouro_config_generate *generate, ouro_count samples, int64_t first, int64_t last,
                              ouro_feeds *feeds) {
  ouro_status status = OURO_OK;
  const ouro_gid n = generate->nodes;
  OURO_TRY(reserve(feeds, (double)(last - first) * (double)(n - 1) * generate->p));
  for (ouro_gid node = first; node < last; node++) {
    const ouro_stream stream = ouro_random_stream(generate->seed, 0, 0, OURO_PURPOSE_GRAPH_GNP, OURO_NATURE, node);
    candidates others = candidates_of(stream, n - 1, generate->p);
    for (int64_t other; (other = next(&others)) >= 0;) {
      OURO_TRY(ouro_feeds_add(feeds, other < node ? other : other + 1, node, samples));
    }
  }
cleanup:
  return status;
}

/* ---- planted blocks: node i is in block i mod B ---- */

/* Members of a block among n nodes. */
static int64_t block_size(const ouro_config_generate *generate, ouro_gid block) {
  return (generate->nodes - 1 - block) / generate->blocks + 1;
}

/* Feeds from the node's own block: members are block + c B, without the node itself. */
static ouro_status from_inside(const ouro_config_generate *generate, ouro_count samples, ouro_gid node,
                               candidates *members, ouro_feeds *feeds) {
  ouro_status status = OURO_OK;
  const ouro_gid n_blocks = generate->blocks, block = node % n_blocks, place = node / n_blocks;
  for (int64_t c; (c = next(members)) >= 0;) {
    OURO_TRY(ouro_feeds_add(feeds, block + (c < place ? c : c + 1) * n_blocks, node, samples));
  }
cleanup:
  return status;
}

/* Feeds from other blocks: of every B consecutive ids, B-1 are not of the node's block. */
static ouro_status from_outside(const ouro_config_generate *generate, ouro_count samples, ouro_gid node,
                                candidates *strangers, ouro_feeds *feeds) {
  ouro_status status = OURO_OK;
  const ouro_gid n_blocks = generate->blocks, block = node % n_blocks;
  for (int64_t c; (c = next(strangers)) >= 0;) {
    const int64_t row = c / (n_blocks - 1), column = c % (n_blocks - 1);
    OURO_TRY(ouro_feeds_add(feeds, row * n_blocks + (column < block ? column : column + 1), node, samples));
  }
cleanup:
  return status;
}

ouro_status ouro_generate_blocks(const ouro_config_generate *generate, ouro_count samples, int64_t first, int64_t last,
                                 ouro_feeds *feeds) {
  ouro_status status = OURO_OK;
  const double share = (double)(last - first) / (double)generate->nodes;
  OURO_TRY(reserve(feeds, share * ouro_generate_blocks_feeds(generate)));
  for (ouro_gid node = first; node < last; node++) {
    const ouro_stream stream = ouro_random_stream(generate->seed, 0, 0, OURO_PURPOSE_GRAPH_BLOCKS, OURO_NATURE, node);
    const int64_t size = block_size(generate, node % generate->blocks);
    candidates members = candidates_of(stream, size - 1, generate->p_in);
    candidates strangers = candidates_of(ouro_random_substream(&stream, 1), generate->nodes - size, generate->p_out);
    OURO_TRY(from_inside(generate, samples, node, &members, feeds));
    OURO_TRY(from_outside(generate, samples, node, &strangers, feeds));
  }
cleanup:
  return status;
}

/* Mean number of feeds: the first `longer` blocks have one member more. */
double ouro_generate_blocks_feeds(const ouro_config_generate *generate) {
  const double n = (double)generate->nodes, n_blocks = (double)generate->blocks;
  const double size = (double)(generate->nodes / generate->blocks);
  const double longer = (double)(generate->nodes % generate->blocks);
  const double inside = longer * (size + 1) * size + (n_blocks - longer) * size * (size - 1);
  return inside * generate->p_in + (n * (n - 1) - inside) * generate->p_out;
}
