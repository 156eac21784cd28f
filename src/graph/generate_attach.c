/* Barabasi-Albert: every new model trains on old ones, chosen in proportion to their degree. A model's choice is found
 * by retracing the choices it rests on, each a pure function of its place in the process (Sanders and Schulz 2016), so
 * no part of the graph needs another one. Does not know ranks. */

#include <stdlib.h>

#include "graph/distinct.h"
#include "graph/generate_random.h"
#include "ouro/base/memory.h"
#include "ouro/base/random.h"

/* The process (Batagelj and Brandes 2005): nodes 1, 2, ... come in turn, each with d edges to older nodes. Write down
 * both ends of every edge: end 2e is the new node of edge e, end 2e+1 the old one. An end drawn uniformly from those of
 * earlier nodes is a node in proportion to its degree. Word t of node v's stream draws its choice number t. */
typedef struct process {
  uint64_t seed;
  int64_t d;
} process;

static void draw_choices(const process *of, ouro_gid node, int64_t first, size_t n, uint64_t *word) {
  const ouro_stream stream = ouro_random_stream(of->seed, 0, 0, OURO_PURPOSE_GRAPH_ATTACH, OURO_NATURE, node);
  ouro_random_words(&stream, (uint64_t)first, n, word);
}

static uint64_t one_choice(const process *of, ouro_gid node, int64_t t) {
  uint64_t word[OURO_RANDOM_BLOCK];
  const int64_t place = t % OURO_RANDOM_BLOCK;
  draw_choices(of, node, t - place, (size_t)place + 1, word);
  return word[place];
}

/* What a word chooses for a node, from the ends of edges that earlier nodes brought. The old end of an earlier edge is
 * itself a choice, and so on: half of all draws end it. */
static ouro_gid retrace(const process *of, ouro_gid node, uint64_t word) {
  while (node > 1) {
    const uint64_t end = ouro_random_below(word, 2 * (uint64_t)of->d * (uint64_t)(node - 1));
    const int64_t edge = (int64_t)(end / 2);
    node = 1 + edge / of->d;
    if (end % 2 == 0) return node;
    if (node > 1) word = one_choice(of, node, edge % of->d);
  }
  return 0;
}

/* d distinct sources: choices 0, 1, 2, ... of the node but for those it has already. The first d alone are edges of the
 * process, where a node may be chosen twice. Node d and those before it train on all older ones. */
static ouro_status attach(const process *of, ouro_gid node, ouro_count samples, ouro_distinct *taken,
                          ouro_feeds *feeds) {
  ouro_status status = OURO_OK;
  if (node <= of->d) {
    for (ouro_gid source = 0; source < node; source++) OURO_TRY(ouro_feeds_add(feeds, source, node, samples));
    return OURO_OK;
  }
  ouro_distinct_empty(taken);
  uint64_t word[OURO_RANDOM_BLOCK];
  int64_t found = 0;
  for (int64_t t = 0; found < of->d; t++) {
    const int64_t place = t % OURO_RANDOM_BLOCK;
    if (place == 0) draw_choices(of, node, t, OURO_RANDOM_BLOCK, word);
    const ouro_gid source = retrace(of, node, word[place]);
    if (!ouro_distinct_add(taken, source)) continue;
    OURO_TRY(ouro_feeds_add(feeds, source, node, samples));
    found++;
  }
cleanup:
  return status;
}

ouro_status ouro_generate_attach(const ouro_config_generate *generate, ouro_count samples, int64_t first, int64_t last,
                                 ouro_feeds *feeds) {
  ouro_status status = OURO_OK;
  const process of = {generate->seed, generate->degree};
  ouro_distinct taken = {0};
  if (first == last) return OURO_OK;
  OURO_TRY(ouro_feeds_reserve(feeds, feeds->n + (last - first) * generate->degree));
  OURO_TRY(ouro_distinct_open(generate->degree, &taken));
  for (ouro_gid node = first; node < last; node++) OURO_TRY(attach(&of, node, samples, &taken, feeds));
cleanup:
  ouro_distinct_close(&taken);
  return status;
}
