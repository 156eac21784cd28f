/* How many nodes each listed unstable source ruins, by sweeps of 64 sources at once. Counts are sums of integers, the
 * same for any ownership. Must not know rates. */

#include <stdlib.h>
#include <string.h>

#include "ouro/base/memory.h"
#include "ouro/graph/reach.h"
#include "ouro/theory/verdict.h"
#include "theory/select.h"

enum { BITS = 64 };

/* Listed sources by their first node. */
typedef struct named {
  ouro_gid first;
  int place;
} named;

typedef struct damage {
  int n;
  named *source;   /* [n] ascending */
  int *place;      /* [n_owned] place in the list of the source that the node belongs to, or -1 */
  int8_t *allowed; /* [n_owned] collapses, outside sources: what a sweep may enter */
  uint64_t *bits;  /* [n_owned] */
} damage;

static void damage_clear(damage *d) {
  free(d->source);
  free(d->place);
  free(d->allowed);
  free(d->bits);
}

static int by_first(const void *left, const void *right) {
  const ouro_gid a = ((const named *)left)->first, b = ((const named *)right)->first;
  return (a > b) - (a < b);
}

static ouro_status damage_open(const ouro_graph *graph, const ouro_verdict *verdict, damage *d) {
  ouro_status status = OURO_OK;
  d->n = verdict->n_listed;
  OURO_NEW(d->source, d->n);
  OURO_NEW(d->place, graph->n_owned);
  OURO_NEW(d->allowed, graph->n_owned);
  OURO_NEW(d->bits, graph->n_owned);
  for (int k = 0; k < d->n; k++) d->source[k] = (named){verdict->listed[k].first, k};
  if (d->n > 1) qsort(d->source, (size_t)d->n, sizeof *d->source, by_first);
  for (ouro_lid i = 0; i < graph->n_owned; i++) {
    const named wanted = {.first = verdict->component[i]};
    const named *found =
        wanted.first < 0 || d->n == 0 ? NULL : bsearch(&wanted, d->source, (size_t)d->n, sizeof wanted, by_first);
    d->place[i] = found ? found->place : -1;
    d->allowed[i] = verdict->class_of[i] == OURO_CLASS_COLLAPSING && wanted.first < 0;
  }
cleanup:
  return status;
}

/* Sources at places first .. first+63 of the list. */
static ouro_status count_some(const ouro_graph *graph, damage *d, int first, ouro_gid *ruined) {
  ouro_status status = OURO_OK;
  for (ouro_lid i = 0; i < graph->n_owned; i++) {
    const bool starts = d->place[i] >= first && d->place[i] < first + BITS;
    d->bits[i] = starts ? (uint64_t)1 << (d->place[i] - first) : 0;
  }
  OURO_TRY(ouro_graph_reach_bits(graph, d->allowed, d->bits));
  for (ouro_lid i = 0; i < graph->n_owned; i++) {
    for (uint64_t left = d->bits[i]; left != 0; left &= left - 1) ruined[first + __builtin_ctzll(left)]++;
  }
cleanup:
  return status;
}

ouro_status ouro_verdict_damage(const ouro_graph *graph, const ouro_verdict *verdict, ouro_gid *ruined) {
  ouro_status status = OURO_OK;
  damage d = {0};
  OURO_AGREE(graph->comm, damage_open(graph, verdict, &d));
  if (d.n > 0) memset(ruined, 0, (size_t)d.n * sizeof *ruined);
  for (int first = 0; first < d.n; first += BITS) OURO_TRY(count_some(graph, &d, first, ruined));
  OURO_AGREE(graph->comm,
             ouro_mpi_status(MPI_Allreduce(MPI_IN_PLACE, ruined, d.n, OURO_GID_MPI, MPI_SUM, graph->comm)));
cleanup:
  damage_clear(&d);
  return status;
}
