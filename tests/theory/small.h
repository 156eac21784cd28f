#ifndef OURO_TESTS_THEORY_SMALL_H
#define OURO_TESTS_THEORY_SMALL_H

/* Small graphs that every rank knows in full, for twins, and the distributed graph of the same feeds. */

#include <math.h>
#include <stdlib.h>

#include "../support/harness.h"
#include "ouro/graph/build.h"

enum { MOST = 16 };

typedef struct small {
  int n;
  int feeds[MOST][MOST]; /* [source][target] samples */
  int real[MOST];
  int initial[MOST], every[MOST]; /* 0: not given */
  double noise[MOST];             /* likewise */
} small;

static inline uint64_t random_word(uint64_t *state) {
  uint64_t z = *state += 0x9E3779B97F4A7C15u;
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
  return z ^ (z >> 31);
}

static inline int below(uint64_t *state, int bound) {
  return (int)(random_word(state) % (uint64_t)bound);
}

static inline int rank_in(MPI_Comm comm) {
  int rank;
  MPI_Comm_rank(comm, &rank);
  return rank;
}

static inline int ranks_in(MPI_Comm comm) {
  int ranks;
  MPI_Comm_size(comm, &ranks);
  return ranks;
}

/* Feeds given by ranks that have nothing to do with their owners; owners are blocks of ids. */
static inline ouro_status small_blocks(MPI_Comm comm, const small *s, ouro_feeds *feeds, ouro_graph **graph) {
  ouro_status status = OURO_OK;
  for (int j = 0; j < s->n; j++) {
    for (int i = 0; i < s->n && status == OURO_OK; i++) {
      if (s->feeds[j][i] > 0 && (i * 7 + j) % ranks_in(comm) == rank_in(comm)) {
        status = ouro_feeds_add(feeds, j, i, s->feeds[j][i]);
      }
    }
  }
  status = ouro_agree(comm, status);
  return status == OURO_OK ? ouro_graph_build(comm, s->n, feeds, graph) : status;
}

/* Owners by id modulo the number of ranks. */
static inline ouro_status small_scattered(MPI_Comm comm, const small *s, ouro_feeds *feeds, ouro_graph **graph) {
  ouro_status status = OURO_OK;
  ouro_gid owned[MOST];
  ouro_lid n = 0;
  for (int i = rank_in(comm); i < s->n; i += ranks_in(comm)) {
    owned[n++] = i;
    for (int j = 0; j < s->n && status == OURO_OK; j++) {
      if (s->feeds[j][i] > 0) status = ouro_feeds_add(feeds, j, i, s->feeds[j][i]);
    }
  }
  status = ouro_agree(comm, status);
  return status == OURO_OK ? ouro_graph_assemble(comm, s->n, n, owned, feeds, graph) : status;
}

/* What single models have of their own, where any has. */
static inline void small_traits(const small *s, ouro_graph *graph) {
  int own[3] = {0};
  for (int i = 0; i < s->n; i++) {
    own[0] |= s->initial[i] > 0;
    own[1] |= s->noise[i] > 0;
    own[2] |= s->every[i] > 0;
  }
  const size_t n = (size_t)graph->n_owned + 1;
  if (own[0]) graph->initial = calloc(n, sizeof *graph->initial);
  if (own[1]) graph->noise = calloc(n, sizeof *graph->noise);
  if (own[2]) graph->every = calloc(n, sizeof *graph->every);
  for (ouro_lid i = 0; i < graph->n_owned; i++) {
    const ouro_gid g = graph->gid[i];
    if (own[0]) graph->initial[i] = s->initial[g];
    if (own[1]) graph->noise[i] = s->noise[g] > 0 ? s->noise[g] : (double)NAN;
    if (own[2]) graph->every[i] = s->every[g] > 0 ? s->every[g] : 1;
  }
  assert_true(ouro_graph_share_noise(graph) == OURO_OK);
}

/* The distributed graph, with its real data; NULL on error. Collective on comm. */
static inline ouro_graph *small_build(MPI_Comm comm, const small *s, int scattered) {
  ouro_feeds feeds = {0};
  ouro_graph *graph = NULL;
  (scattered ? small_scattered : small_blocks)(comm, s, &feeds, &graph);
  ouro_feeds_clear(&feeds);
  for (ouro_lid i = 0; graph && i < graph->n_owned; i++) graph->real[i] = s->real[graph->gid[i]];
  if (graph) small_traits(s, graph);
  return graph;
}

#endif
