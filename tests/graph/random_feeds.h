#ifndef OURO_TESTS_GRAPH_RANDOM_FEEDS_H
#define OURO_TESTS_GRAPH_RANDOM_FEEDS_H

/* Small random digraphs that every rank knows whole, for brute-force twins. */

#include "../support/harness.h"
#include "ouro/graph/build.h"

/* splitmix64: all a test needs, and nothing of what is tested. */
static inline uint64_t test_random(uint64_t *state) {
  uint64_t x = *state += UINT64_C(0x9E3779B97F4A7C15);
  x = (x ^ x >> 30) * UINT64_C(0xBF58476D1CE4E5B9);
  x = (x ^ x >> 27) * UINT64_C(0x94D049BB133111EB);
  return x ^ x >> 31;
}

static inline int64_t test_below(uint64_t *state, int64_t bound) {
  return (int64_t)(test_random(state) % (uint64_t)bound);
}

static inline int test_rank(void) {
  int rank;
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  return rank;
}

static inline int test_ranks(void) {
  int n_ranks;
  MPI_Comm_size(MPI_COMM_WORLD, &n_ranks);
  return n_ranks;
}

/* Random feeds, each added on one random rank; dense[target * n + source] gets the sums, on all ranks.
 * Returns how many lines will be merged. */
static inline ouro_eid test_scatter(uint64_t seed, ouro_gid n, ouro_eid n_lines, ouro_feeds *feeds, int64_t *dense) {
  uint64_t state = seed;
  ouro_eid merged = 0;
  for (ouro_gid k = 0; k < n * n; k++) dense[k] = 0;
  for (ouro_eid line = 0; line < n_lines; line++) {
    const ouro_gid source = test_below(&state, n), target = test_below(&state, n);
    const ouro_count samples = 1 + test_below(&state, 1000);
    merged += dense[target * n + source] > 0;
    dense[target * n + source] += samples;
    if (test_below(&state, test_ranks()) == test_rank()) ouro_feeds_add(feeds, source, target, samples);
  }
  return merged;
}

/* Random owners: the ids that belong to this rank, ascending, into owned [n]. Returns how many. */
static inline ouro_lid test_own(uint64_t seed, ouro_gid n, ouro_gid *owned) {
  uint64_t state = seed;
  ouro_lid n_owned = 0;
  for (ouro_gid i = 0; i < n; i++) {
    if (test_below(&state, test_ranks()) == test_rank()) owned[n_owned++] = i;
  }
  return n_owned;
}

/* A graph with random owners, from a dense matrix that all ranks know. */
static inline ouro_status test_graph_of(const int64_t *dense, ouro_gid n, uint64_t owners, ouro_graph **graph) {
  ouro_gid owned[1024];
  ouro_feeds feeds = {0};
  const ouro_lid n_owned = test_own(owners, n, owned);
  for (ouro_lid i = 0; i < n_owned; i++) {
    for (ouro_gid j = n - 1; j >= 0; j--) {
      if (dense[owned[i] * n + j] > 0) ouro_feeds_add(&feeds, j, owned[i], dense[owned[i] * n + j]);
    }
  }
  return ouro_graph_assemble(MPI_COMM_WORLD, n, n_owned, owned, &feeds, graph);
}

#endif
