/* What can be reached, and which strongly connected components are sources: see reach.h.
 * Both are sweeps of a smallest value. What is common to a component is agreed on by one rank for each. */

#include "ouro/graph/reach.h"

#include <stdlib.h>

#include "graph/alltoall.h"
#include "graph/sweep.h"
#include "ouro/base/memory.h"

/* ---- reach ---- */

static ouro_status new_values(const ouro_graph *graph, uint64_t **floor, uint64_t **value) {
  ouro_status status = OURO_OK;
  const size_t n = (size_t)graph->n_owned + (size_t)graph->n_ghost;
  OURO_NEW(*floor, n);
  OURO_NEW(*value, n);
cleanup:
  return status;
}

ouro_status ouro_graph_reach_forward(const ouro_graph *graph, const int8_t *allowed, int8_t *marked) {
  ouro_status status = OURO_OK;
  uint64_t *floor = NULL, *value = NULL;
  OURO_AGREE(graph->comm, new_values(graph, &floor, &value));
  for (ouro_lid i = 0; i < graph->n_owned; i++) {
    const bool open = allowed == NULL || allowed[i];
    floor[i] = open ? 0 : OURO_SWEEP_NONE;
    value[i] = open && marked[i] ? 0 : OURO_SWEEP_NONE;
  }
  OURO_TRY(ouro_sweep(graph, OURO_SWEEP_FORWARD, floor, value, NULL));
  for (ouro_lid i = 0; i < graph->n_owned; i++) marked[i] = value[i] == 0;
cleanup:
  free(floor);
  free(value);
  return status;
}

/* ---- source components ---- */

/* The place of an id in the order of all nodes: the finaliser of splitmix64, a bijection of 64 bits. Only the id 2^63
 * or beyond could give OURO_SWEEP_NONE. */
static uint64_t place_of(ouro_gid gid) {
  uint64_t x = (uint64_t)gid + UINT64_C(0x9E3779B97F4A7C15);
  x = (x ^ x >> 30) * UINT64_C(0xBF58476D1CE4E5B9);
  x = (x ^ x >> 27) * UINT64_C(0x94D049BB133111EB);
  return x ^ x >> 31;
}

/* What is known of one strongly connected component, or of the part of it on one rank. `first` is the place of its
 * first node and names it while the search goes on. */
typedef struct part {
  uint64_t first;
  int64_t smallest; /* global id, or -1 when a feed enters from outside */
  int64_t order;    /* where the part stood before sorting */
} part;

enum { PART_WORDS = sizeof(part) / sizeof(int64_t) };

typedef struct census {
  int n_ranks;
  int64_t n, n_asked;     /* parts here, and parts that ranks ask this one about */
  part *mine, *asked;     /* [n], [n_asked] */
  int64_t *n_to, *n_from; /* [n_ranks] words */
} census;

static void census_clear(census *count) {
  free(count->mine);
  free(count->asked);
  free(count->n_to);
  free(count->n_from);
}

static int by_first(const void *left, const void *right) {
  const uint64_t a = ((const part *)left)->first, b = ((const part *)right)->first;
  return (a > b) - (a < b);
}

static int by_order(const void *left, const void *right) {
  const int64_t a = ((const part *)left)->order, b = ((const part *)right)->order;
  return (a > b) - (a < b);
}

/* Let all parts of a component know the smallest id of any, or -1 if one of them has it. parts sorted by_first. */
static void settle(part *parts, int64_t n) {
  for (int64_t begin = 0, end; begin < n; begin = end) {
    int64_t smallest = parts[begin].smallest;
    for (end = begin + 1; end < n && parts[end].first == parts[begin].first; end++) {
      if (parts[end].smallest < smallest) smallest = parts[end].smallest;
    }
    for (int64_t k = begin; k < end; k++) parts[k].smallest = smallest;
  }
}

/* Whether a feed enters node i from outside its component, or none enters it at all: no cycle then. A component of two
 * nodes or more has a feed into each of them from within; a single node without outside feeds has its self-loop. */
static bool entered(const ouro_graph *graph, const uint64_t *ancestor, ouro_lid i) {
  for (ouro_eid k = graph->row[i]; k < graph->row[i + 1]; k++) {
    if (ancestor[graph->source[k]] != ancestor[i]) return true;
  }
  return graph->row[i] == graph->row[i + 1];
}

/* One part for each component that has nodes here: sorted by its name, closed up. */
static ouro_status list_parts(const ouro_graph *graph, const uint64_t *ancestor, const uint64_t *member,
                              census *count) {
  ouro_status status = OURO_OK;
  int64_t n = 0, n_parts = 0;
  OURO_NEW(count->mine, graph->n_owned);
  for (ouro_lid i = 0; i < graph->n_owned; i++) {
    if (member[i] == OURO_SWEEP_NONE) continue;
    count->mine[n++] = (part){member[i], entered(graph, ancestor, i) ? -1 : graph->gid[i], 0};
  }
  qsort(count->mine, (size_t)n, sizeof(part), by_first);
  settle(count->mine, n);
  for (int64_t k = 0; k < n; k++) {
    if (n_parts == 0 || count->mine[n_parts - 1].first != count->mine[k].first) count->mine[n_parts++] = count->mine[k];
  }
  count->n = n_parts;
cleanup:
  return status;
}

/* Rank that settles a component: names are spread evenly, so ranges of names of equal length do. Ascending in name. */
static int judge_of(const census *count, uint64_t first) {
  return (int)((first >> 32) * (uint64_t)count->n_ranks >> 32);
}

static ouro_status list_judges(census *count) {
  ouro_status status = OURO_OK;
  OURO_NEW(count->n_to, count->n_ranks);
  OURO_NEW(count->n_from, count->n_ranks);
  for (int64_t k = 0; k < count->n; k++) count->n_to[judge_of(count, count->mine[k].first)] += PART_WORDS;
cleanup:
  return status;
}

static ouro_status new_asked(census *count) {
  ouro_status status = OURO_OK;
  OURO_NEW(count->asked, count->n_asked);
cleanup:
  return status;
}

/* Bring the parts of each component together on one rank, settle them there, and send them back. */
static ouro_status settle_all(MPI_Comm comm, census *count) {
  ouro_status status = OURO_OK;
  OURO_AGREE(comm, list_judges(count));
  count->n_asked = ouro_alltoall_counts(comm, count->n_to, count->n_from) / PART_WORDS;
  OURO_AGREE(comm, new_asked(count));
  ouro_alltoall_words(comm, count->n_to, (const int64_t *)count->mine, count->n_from, (int64_t *)count->asked);
  for (int64_t k = 0; k < count->n_asked; k++) count->asked[k].order = k;
  qsort(count->asked, (size_t)count->n_asked, sizeof(part), by_first);
  settle(count->asked, count->n_asked);
  qsort(count->asked, (size_t)count->n_asked, sizeof(part), by_order);
  ouro_alltoall_words(comm, count->n_from, (const int64_t *)count->asked, count->n_to, (int64_t *)count->mine);
cleanup:
  return status;
}

/* The smallest id of each member's component. */
static ouro_status name_components(const ouro_graph *graph, const uint64_t *ancestor, const uint64_t *member,
                                   ouro_gid *component) {
  ouro_status status = OURO_OK;
  census count = {0};
  MPI_Comm_size(graph->comm, &count.n_ranks);
  OURO_AGREE(graph->comm, list_parts(graph, ancestor, member, &count));
  OURO_TRY(settle_all(graph->comm, &count));
  for (ouro_lid i = 0; i < graph->n_owned; i++) {
    const part wanted = {.first = member[i]};
    const part *found = bsearch(&wanted, count.mine, (size_t)count.n, sizeof wanted, by_first);
    component[i] = found ? found->smallest : -1;
  }
cleanup:
  census_clear(&count);
  return status;
}

/* ancestor[i]: place of the first ancestor of node i, itself included. A predecessor's first ancestor is no earlier,
 * and the one that is its own first ancestor is the only candidate of its component; so the nodes that lead to it
 * and share it are its strongly connected component: member. */
ouro_status ouro_graph_reach_sources(const ouro_graph *graph, const int8_t *inside, ouro_gid *component) {
  ouro_status status = OURO_OK;
  uint64_t *ancestor = NULL, *member = NULL; /* member serves as the floor of the first sweep */
  OURO_AGREE(graph->comm, new_values(graph, &member, &ancestor));
  for (ouro_lid i = 0; i < graph->n_owned; i++) {
    member[i] = inside[i] ? 0 : OURO_SWEEP_NONE;
    ancestor[i] = inside[i] ? place_of(graph->gid[i]) : OURO_SWEEP_NONE;
  }
  OURO_TRY(ouro_sweep(graph, OURO_SWEEP_FORWARD, member, ancestor, NULL));
  for (ouro_lid i = 0; i < graph->n_owned; i++) {
    const bool candidate = inside[i] && ancestor[i] == place_of(graph->gid[i]);
    member[i] = candidate ? ancestor[i] : OURO_SWEEP_NONE;
  }
  OURO_TRY(ouro_sweep(graph, OURO_SWEEP_BACKWARD, ancestor, member, NULL));
  OURO_TRY(name_components(graph, ancestor, member, component));
cleanup:
  free(ancestor);
  free(member);
  return status;
}
