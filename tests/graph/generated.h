#ifndef OURO_TESTS_GRAPH_GENERATED_H
#define OURO_TESTS_GRAPH_GENERATED_H

/* Generated graphs as sorted lists, and the chi-square statistic. */

#include <stdlib.h>

#include "../support/harness.h"
#include "ouro/graph/generate.h"

typedef struct feed_record {
  ouro_gid target, source;
  ouro_count samples;
} feed_record;

static inline int by_target(const void *left, const void *right) {
  const feed_record *a = left, *b = right;
  if (a->target != b->target) return a->target < b->target ? -1 : 1;
  return (a->source > b->source) - (a->source < b->source);
}

/* All feeds of a graph, made in n_parts parts, sorted. To be released with free(). */
static inline feed_record *whole(const ouro_config_generate *generate, int n_parts, ouro_eid *n) {
  ouro_feeds feeds = {0};
  for (int part = 0; part < n_parts; part++) {
    assert_int_equal(ouro_graph_generate(generate, 3, part, n_parts, &feeds), OURO_OK);
  }
  feed_record *lines = calloc((size_t)feeds.n + 1, sizeof *lines);
  for (ouro_eid k = 0; k < feeds.n; k++)
    lines[k] = (feed_record){feeds.target[k], feeds.source[k], ouro_feeds_samples(&feeds, k)};
  qsort(lines, (size_t)feeds.n, sizeof *lines, by_target);
  *n = feeds.n;
  ouro_feeds_clear(&feeds);
  return lines;
}

static inline double chi_square(const int64_t *count, const double *expected, int n) {
  double sum = 0;
  for (int k = 0; k < n; k++) sum += ((double)count[k] - expected[k]) * ((double)count[k] - expected[k]) / expected[k];
  return sum;
}

#endif
