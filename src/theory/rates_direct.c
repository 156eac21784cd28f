/* Stationary distributions of small sources, solved directly: each source goes as a whole to one rank, chosen by its
 * id, which eliminates its nodes by descending id. So no ownership changes a bit. Must not know why. */

#include <stdlib.h>
#include <string.h>

#include "ouro/base/memory.h"
#include "ouro/graph/route.h"
#include "theory/rates.h"
#include "theory/stationary.h"

enum { NODE_WORDS = 2, FEED_WORDS = 4 };

/* A node of a source that is solved on this rank. */
typedef struct unknown {
  int64_t component, node, at; /* at: place among the nodes received */
} unknown;

typedef struct term {
  int64_t component, target, source, samples;
} term;

typedef struct direct {
  const ouro_graph *graph;
  int64_t n, n_feeds; /* owned nodes that are wanted, feeds into them */
  int *rank, *feed_rank;
  int64_t *record, *feed_record;
  ouro_route nodes, feeds;
  int64_t *arrived, *feed_arrived;
  unknown *unknown; /* [nodes.n_received] by component and node */
  int64_t *answer;  /* [nodes.n_received] bits of pi, 0 where it could not be solved */
  int64_t *answered;
} direct;

static void direct_clear(direct *d) {
  ouro_route_close(&d->nodes);
  ouro_route_close(&d->feeds);
  free(d->rank);
  free(d->feed_rank);
  free(d->record);
  free(d->feed_record);
  free(d->arrived);
  free(d->feed_arrived);
  free(d->unknown);
  free(d->answer);
  free(d->answered);
}

/* ---- to the ranks that solve ---- */

static int solver_of(int64_t component, int n_ranks) {
  const uint64_t x = (uint64_t)component * UINT64_C(0x9E3779B97F4A7C15);
  return (int)((x >> 32) * (uint64_t)n_ranks >> 32);
}

static void write_node(direct *d, ouro_lid i, int64_t component, int solver) {
  const ouro_graph *graph = d->graph;
  memcpy(d->record + NODE_WORDS * d->n, (int64_t[]){component, graph->gid[i]}, NODE_WORDS * sizeof *d->record);
  d->rank[d->n++] = solver;
  for (ouro_eid e = graph->row[i]; e < graph->row[i + 1]; e++) {
    const term one = {component, graph->gid[i], graph->gid[graph->source[e]], ouro_graph_samples(graph, e)};
    memcpy(d->feed_record + FEED_WORDS * d->n_feeds, &one, sizeof one);
    d->feed_rank[d->n_feeds++] = solver;
  }
}

static ouro_status write_records(direct *d, const ouro_gid *component, const int8_t *wanted) {
  ouro_status status = OURO_OK;
  const ouro_graph *graph = d->graph;
  int64_t n = 0, n_feeds = 0;
  int n_ranks;
  MPI_Comm_size(graph->comm, &n_ranks);
  for (ouro_lid i = 0; i < graph->n_owned; i++) {
    n += wanted[i] != 0;
    n_feeds += wanted[i] ? graph->row[i + 1] - graph->row[i] : 0;
  }
  OURO_NEW(d->rank, n);
  OURO_NEW(d->feed_rank, n_feeds);
  OURO_NEW(d->record, NODE_WORDS * n);
  OURO_NEW(d->feed_record, FEED_WORDS * n_feeds);
  OURO_NEW(d->answered, n);
  for (ouro_lid i = 0; i < graph->n_owned; i++) {
    if (wanted[i]) write_node(d, i, component[i], solver_of(component[i], n_ranks));
  }
cleanup:
  return status;
}

/* ---- one source ---- */

static int by_component(const void *left, const void *right) {
  const unknown *a = left, *b = right;
  if (a->component != b->component) return a->component < b->component ? -1 : 1;
  return (a->node > b->node) - (a->node < b->node);
}

static int by_target(const void *left, const void *right) {
  const term *a = left, *b = right;
  if (a->component != b->component) return a->component < b->component ? -1 : 1;
  return (a->target > b->target) - (a->target < b->target);
}

static size_t number_of(const unknown *member, size_t s, int64_t component, int64_t node) {
  const unknown wanted = {component, node, 0};
  return (size_t)((const unknown *)bsearch(&wanted, member, s, sizeof wanted, by_component) - member);
}

/* P of a source from the feeds of its nodes, by target. */
static void fill(size_t s, const unknown *member, int64_t n, const term *feed, double *p) {
  for (int64_t first = 0, next = 0; first < n; first = next) {
    double size = 0;
    for (next = first; next < n && feed[next].target == feed[first].target; next++) size += (double)feed[next].samples;
    double *row = p + s * number_of(member, s, feed[first].component, feed[first].target);
    for (int64_t k = first; k < next; k++) {
      row[number_of(member, s, feed[k].component, feed[k].source)] = (double)feed[k].samples / size;
    }
  }
}

static ouro_status solve_one(size_t s, const unknown *member, int64_t n, const term *feed, int64_t *answer) {
  ouro_status status = OURO_OK;
  double *p = NULL, *pi = NULL;
  OURO_NEW(p, s * s);
  OURO_NEW(pi, s);
  fill(s, member, n, feed, p);
  if (!ouro_stationary_solve(s, p, pi)) goto cleanup;
  for (size_t k = 0; k < s; k++) memcpy(&answer[member[k].at], &pi[k], sizeof pi[k]);
cleanup:
  free(p);
  free(pi);
  return status;
}

/* ---- all that have come here ---- */

static ouro_status list_unknowns(direct *d) {
  ouro_status status = OURO_OK;
  const int64_t n = d->nodes.n_received;
  OURO_NEW(d->unknown, n);
  OURO_NEW(d->answer, n);
  for (int64_t k = 0; k < n; k++) {
    d->unknown[k] = (unknown){d->arrived[NODE_WORDS * k], d->arrived[NODE_WORDS * k + 1], k};
  }
  if (n > 1) qsort(d->unknown, (size_t)n, sizeof *d->unknown, by_component);
  if (d->feeds.n_received > 1) qsort(d->feed_arrived, (size_t)d->feeds.n_received, sizeof(term), by_target);
cleanup:
  return status;
}

static ouro_status solve_all(direct *d) {
  ouro_status status = OURO_OK;
  int64_t feed = 0;
  OURO_TRY(list_unknowns(d));
  const term *terms = (const term *)d->feed_arrived;
  for (int64_t first = 0, next = 0; first < d->nodes.n_received; first = next) {
    const int64_t component = d->unknown[first].component, first_feed = feed;
    while (next < d->nodes.n_received && d->unknown[next].component == component) next++;
    while (feed < d->feeds.n_received && terms[feed].component == component) feed++;
    OURO_TRY(solve_one((size_t)(next - first), d->unknown + first, feed - first_feed, terms + first_feed, d->answer));
  }
cleanup:
  return status;
}

static void take_answers(const direct *d, const int8_t *wanted, double *pi) {
  int64_t n = 0;
  for (ouro_lid i = 0; i < d->graph->n_owned; i++) {
    if (!wanted[i]) continue;
    const int64_t bits = d->answered[n++];
    memcpy(&pi[i], &bits, sizeof bits);
  }
}

ouro_status ouro_rates_direct(const ouro_graph *graph, const ouro_gid *component, const int8_t *wanted, double *pi) {
  ouro_status status = OURO_OK;
  direct d = {.graph = graph};
  OURO_AGREE(graph->comm, write_records(&d, component, wanted));
  OURO_TRY(ouro_route_open(graph->comm, d.n, d.rank, &d.nodes));
  OURO_TRY(ouro_route_open(graph->comm, d.n_feeds, d.feed_rank, &d.feeds));
  OURO_TRY(ouro_route_send(&d.nodes, NODE_WORDS, d.record, &d.arrived));
  OURO_TRY(ouro_route_send(&d.feeds, FEED_WORDS, d.feed_record, &d.feed_arrived));
  OURO_AGREE(graph->comm, solve_all(&d));
  OURO_TRY(ouro_route_answer(&d.nodes, d.answer, d.answered));
  take_answers(&d, wanted, pi);
cleanup:
  direct_clear(&d);
  return status;
}
