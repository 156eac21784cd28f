#ifndef OURO_TESTS_PARTITION_GRAPHS_H
#define OURO_TESTS_PARTITION_GRAPHS_H

/* Small graphs for the tests of this module, known as plain lists on every rank. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../support/harness.h"
#include "ouro/base/random.h"
#include "ouro/graph/build.h"

#define MOST_FEEDS 4096

typedef struct known {
  int64_t n_nodes, n_feeds;
  int64_t source[MOST_FEEDS], target[MOST_FEEDS], samples[MOST_FEEDS];
} known;

static inline int test_rank(void) {
  int rank;
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  return rank;
}

static inline int test_ranks(void) {
  int n;
  MPI_Comm_size(MPI_COMM_WORLD, &n);
  return n;
}

/* A number in 0 .. bound-1, a function of seed and place alone. */
static inline int64_t draw(uint64_t seed, int64_t place, int64_t bound) {
  uint64_t word;
  const ouro_stream stream = ouro_random_stream(seed, 0, 0, OURO_PURPOSE_TEST, place, 0);
  ouro_random_words(&stream, 0, 1, &word);
  return (int64_t)ouro_random_below(word, (uint64_t)bound);
}

static inline void known_add(known *list, int64_t source, int64_t target, int64_t samples) {
  for (int64_t k = 0; k < list->n_feeds; k++) {
    if (list->source[k] == source && list->target[k] == target) return;
  }
  const int64_t k = list->n_feeds++;
  list->source[k] = source;
  list->target[k] = target;
  list->samples[k] = samples;
}

/* About n_feeds different random feeds, self-loops among them. */
static inline void known_random(known *list, int64_t n_nodes, int64_t n_feeds, uint64_t seed) {
  *list = (known){.n_nodes = n_nodes};
  for (int64_t k = 0; k < n_feeds; k++) {
    known_add(list, draw(seed, 3 * k, n_nodes), draw(seed, 3 * k + 1, n_nodes), 1 + draw(seed, 3 * k + 2, 50));
  }
}

/* n_groups complete communities of `size` models in a ring; one feed of one sample joins each to the next. */
static inline void known_communities(known *list, int64_t n_groups, int64_t size, int64_t samples) {
  *list = (known){.n_nodes = n_groups * size};
  for (int64_t g = 0; g < n_groups; g++) {
    for (int64_t a = 0; a < size; a++) {
      for (int64_t b = 0; b < size; b++) {
        /* members of a community are g, g + n_groups, ...: blocks of ids cut them all */
        if (a != b) known_add(list, g + a * n_groups, g + b * n_groups, samples);
      }
    }
    if (n_groups > 1) known_add(list, g, (g + 1) % n_groups, 1);
  }
}

/* The distributed graph; the feeds start spread over the ranks. */
static inline ouro_graph *known_graph(const known *list) {
  ouro_feeds feeds = {0};
  ouro_graph *graph = NULL;
  ouro_status status = OURO_OK;
  for (int64_t k = test_rank(); k < list->n_feeds && status == OURO_OK; k += test_ranks()) {
    status = ouro_feeds_add(&feeds, list->source[k], list->target[k], list->samples[k]);
  }
  assert_ok(status);
  assert_ok(ouro_graph_build(MPI_COMM_WORLD, list->n_nodes, &feeds, &graph));
  return graph;
}

#endif
