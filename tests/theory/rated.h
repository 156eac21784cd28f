#ifndef OURO_TESTS_THEORY_RATED_H
#define OURO_TESTS_THEORY_RATED_H

/* Graphs with their rates: small ones that every rank knows, and any that a function lists the feeds of. */

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "ouro/theory/rates.h"
#include "small.h"

static const ouro_rates_options plain = {.mixing = {.real_counts = true}};

/* Verdict and rates of a graph with d_i = 1/n_i. */
static inline ouro_status rate_graph(const ouro_graph *graph, const ouro_rates_options *options, ouro_verdict **verdict,
                                     ouro_rates **rates) {
  ouro_status status = OURO_OK;
  double *noise = NULL;
  *verdict = NULL;
  *rates = NULL;
  noise = calloc((size_t)graph->n_owned + 1, sizeof *noise);
  for (ouro_lid i = 0; i < graph->n_owned; i++) noise[i] = 1 / (double)ouro_graph_training_size(graph, i);
  status = ouro_verdict_create(graph, options->mixing.real_counts, verdict);
  if (status == OURO_OK) status = ouro_rates_create(graph, *verdict, options, noise, rates);
  free(noise);
  return status;
}

/* Rates of all nodes, known to all ranks. */
static inline void rate_small(MPI_Comm comm, const small *s, int scattered, const ouro_rates_options *options,
                              double *rate) {
  ouro_verdict *verdict = NULL;
  ouro_rates *rates = NULL;
  double mine[MOST] = {0};
  ouro_graph *graph = small_build(comm, s, scattered);
  assert_everywhere(graph != NULL);
  assert_ok(rate_graph(graph, options, &verdict, &rates));
  for (ouro_lid i = 0; i < graph->n_owned; i++) mine[graph->gid[i]] = rates->rate[i];
  MPI_Allreduce(mine, rate, MOST, MPI_DOUBLE, MPI_SUM, comm);
  ouro_rates_destroy(&rates);
  ouro_verdict_destroy(&verdict);
  ouro_graph_destroy(&graph);
}

static inline int close_to(double x, double y, double relative) {
  return fabs(x - y) <= relative * fabs(y);
}
/* A graph of feeds that f(k) gives for k = 0 .. n_feeds-1, with its rates. */
typedef struct feed {
  ouro_gid source, target;
  ouro_count samples;
} feed;

typedef struct rated {
  ouro_graph *graph;
  ouro_verdict *verdict;
  ouro_rates *rates;
} rated;

static inline rated rate_feeds(ouro_gid n, ouro_gid n_feeds, feed (*f)(ouro_gid k)) {
  rated made = {0};
  ouro_feeds feeds = {0};
  ouro_status local = OURO_OK;
  for (ouro_gid k = rank_in(MPI_COMM_WORLD); k < n_feeds && local == OURO_OK; k += ranks_in(MPI_COMM_WORLD)) {
    const feed one = f(k);
    local = ouro_feeds_add(&feeds, one.source, one.target, one.samples);
  }
  assert_ok(ouro_agree(MPI_COMM_WORLD, local));
  assert_ok(ouro_graph_build(MPI_COMM_WORLD, n, &feeds, &made.graph));
  assert_ok(rate_graph(made.graph, &plain, &made.verdict, &made.rates));
  return made;
}

static inline void rated_clear(rated *r) {
  ouro_rates_destroy(&r->rates);
  ouro_verdict_destroy(&r->verdict);
  ouro_graph_destroy(&r->graph);
}

/* What is known of a listed source. */
static inline ouro_source_rate rate_of(const rated *r, int listed) {
  ouro_source_rate found = {0};
  assert_ok(ouro_rates_of(r->graph, r->rates, 1, &r->verdict->listed[listed], &found));
  return found;
}

/* Are all rates here as expected? */
static inline int all_rates(const rated *r, double (*expected)(ouro_gid i), double relative) {
  int same = 1;
  for (ouro_lid i = 0; i < r->graph->n_owned; i++) {
    same = same && close_to(r->rates->rate[i], expected(r->graph->gid[i]), relative);
  }
  return same;
}

#endif
