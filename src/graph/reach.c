/* What can be reached, and which strongly connected components are sources: see reach.h.
 * Sweeps of a mark and of a smallest value. What is common to a component is agreed on by one rank for each. */

#include "ouro/graph/reach.h"

#include <stdlib.h>
#include <string.h>

#include "graph/sweep.h"
#include "ouro/base/memory.h"
#include "ouro/graph/route.h"

/* ---- reach ---- */

static ouro_status new_values(const ouro_graph *graph, uint64_t **floor, uint64_t **value) {
  ouro_status status = OURO_OK;
  const size_t n = (size_t)graph->n_owned + (size_t)graph->n_ghost;
  OURO_NEW(*floor, n);
  OURO_NEW(*value, n);
cleanup:
  return status;
}

/* Marks of owned nodes and ghosts, and those of the whole graph that are still to be made. */
typedef struct marking {
  const ouro_graph *graph;
  const int8_t *allowed; /* [n_owned] or NULL */
  int8_t *mark;          /* [n_owned + n_ghost] */
  int64_t n_new;         /* nodes marked last, on all ranks */
  int64_t n_left;        /* feeds into nodes that may be marked and are not, on all ranks */
} marking;

static bool is_open(const marking *run, ouro_lid i) {
  return run->allowed == NULL || run->allowed[i];
}

static void add_up(marking *run, int64_t n_new, int64_t n_left) {
  int64_t sum[2] = {n_new, n_left};
  MPI_Allreduce(MPI_IN_PLACE, sum, 2, MPI_INT64_T, MPI_SUM, run->graph->comm);
  run->n_new = sum[0];
  run->n_left = sum[1];
}

static ouro_status start_marking(marking *run, const int8_t *marked) {
  ouro_status status = OURO_OK;
  const ouro_graph *graph = run->graph;
  OURO_NEW(run->mark, (size_t)graph->n_owned + (size_t)graph->n_ghost);
  for (ouro_lid i = 0; i < graph->n_owned; i++) run->mark[i] = marked[i] && is_open(run, i);
cleanup:
  return status;
}

static void count_start(marking *run) {
  const ouro_graph *graph = run->graph;
  int64_t n_new = 0, n_left = 0;
  for (ouro_lid i = 0; i < graph->n_owned; i++) {
    if (run->mark[i])
      n_new++;
    else if (is_open(run, i))
      n_left += graph->row[i + 1] - graph->row[i];
  }
  add_up(run, n_new, n_left);
}

static bool has_marked_source(const marking *run, ouro_lid i) {
  const ouro_graph *graph = run->graph;
  for (ouro_eid k = graph->row[i]; k < graph->row[i + 1]; k++) {
    if (run->mark[graph->source[k]]) return true;
  }
  return false;
}

/* One pass over the nodes still to be marked; a mark counts at once. */
static void pull(marking *run) {
  const ouro_graph *graph = run->graph;
  int64_t n_new = 0, n_left = 0;
  for (ouro_lid i = 0; i < graph->n_owned; i++) {
    if (run->mark[i] || !is_open(run, i)) continue;
    if (has_marked_source(run, i)) {
      run->mark[i] = 1;
      n_new++;
    } else {
      n_left += graph->row[i + 1] - graph->row[i];
    }
  }
  add_up(run, n_new, n_left);
}

/* Let nodes look for a marked source as long as that settles half of the feeds left (Beamer et al. 2012: where most is
 * reached in few steps, looking back stops at the first hit). All passes together cost two at most. */
static ouro_status pull_all(marking *run) {
  ouro_status status = OURO_OK;
  int64_t before;
  count_start(run);
  do {
    before = run->n_left;
    if (run->n_new == 0 || before == 0) break;
    OURO_TRY(ouro_halo_update(run->graph->halo, run->mark, sizeof *run->mark));
    pull(run);
  } while (run->n_left <= before / 2);
cleanup:
  return status;
}

/* Push what is left, from the marked nodes on. */
static ouro_status push_all(marking *run) {
  ouro_status status = OURO_OK;
  const ouro_graph *graph = run->graph;
  uint64_t *floor = NULL, *value = NULL;
  OURO_AGREE(graph->comm, new_values(graph, &floor, &value));
  for (ouro_lid i = 0; i < graph->n_owned; i++) {
    floor[i] = is_open(run, i) ? 0 : OURO_SWEEP_NONE;
    value[i] = run->mark[i] ? 0 : OURO_SWEEP_NONE;
  }
  OURO_TRY(ouro_sweep(graph, OURO_SWEEP_FORWARD, floor, value, NULL));
  for (ouro_lid i = 0; i < graph->n_owned; i++) run->mark[i] = value[i] == 0;
cleanup:
  free(floor);
  free(value);
  return status;
}

ouro_status ouro_graph_reach_forward(const ouro_graph *graph, const int8_t *allowed, int8_t *marked) {
  ouro_status status = OURO_OK;
  marking run = {.graph = graph, .allowed = allowed};
  OURO_AGREE(graph->comm, start_marking(&run, marked));
  OURO_TRY(pull_all(&run));
  if (run.n_new > 0 && run.n_left > 0) OURO_TRY(push_all(&run));
  for (ouro_lid i = 0; i < graph->n_owned; i++) marked[i] = run.mark[i];
cleanup:
  free(run.mark);
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
} part;

enum { PART_WORDS = sizeof(part) / sizeof(int64_t) };

static int by_first(const void *left, const void *right) {
  const uint64_t a = ((const part *)left)->first, b = ((const part *)right)->first;
  return (a > b) - (a < b);
}

/* Parts sorted and joined: one for each component, with the smallest id of any of them, or -1 if one has that.
 * Returns how many. */
static int64_t join(part *parts, int64_t n) {
  int64_t n_joined = 0;
  qsort(parts, (size_t)n, sizeof *parts, by_first);
  for (int64_t k = 0; k < n; k++) {
    if (n_joined == 0 || parts[n_joined - 1].first != parts[k].first) {
      parts[n_joined++] = parts[k];
    } else if (parts[k].smallest < parts[n_joined - 1].smallest) {
      parts[n_joined - 1].smallest = parts[k].smallest;
    }
  }
  return n_joined;
}

static int64_t smallest_of(const part *parts, int64_t n, uint64_t first) {
  const part wanted = {.first = first};
  const part *found = bsearch(&wanted, parts, (size_t)n, sizeof wanted, by_first);
  return found ? found->smallest : -1;
}

/* Whether a feed enters node i from outside its component, or none enters it at all: no cycle then. A component of two
 * nodes or more has a feed into each of them from within; a single node without outside feeds has its self-loop. */
static bool entered(const ouro_graph *graph, const uint64_t *ancestor, ouro_lid i) {
  for (ouro_eid k = graph->row[i]; k < graph->row[i + 1]; k++) {
    if (ancestor[graph->source[k]] != ancestor[i]) return true;
  }
  return graph->row[i] == graph->row[i + 1];
}

/* The parts on this rank, and the rank that joins each with those of other ranks: places are spread evenly, so it is
 * chosen by their high bits. */
static ouro_status list_parts(const ouro_graph *graph, const uint64_t *ancestor, const uint64_t *member, part **parts,
                              int **judge, int64_t *n) {
  ouro_status status = OURO_OK;
  int n_ranks;
  MPI_Comm_size(graph->comm, &n_ranks);
  OURO_NEW(*parts, graph->n_owned);
  for (ouro_lid i = 0; i < graph->n_owned; i++) {
    if (member[i] == OURO_SWEEP_NONE) continue;
    (*parts)[(*n)++] = (part){member[i], entered(graph, ancestor, i) ? -1 : graph->gid[i]};
  }
  *n = join(*parts, *n);
  OURO_NEW(*judge, *n);
  for (int64_t k = 0; k < *n; k++) (*judge)[k] = (int)(((*parts)[k].first >> 32) * (uint64_t)n_ranks >> 32);
cleanup:
  return status;
}

/* What this rank answers to n parts that others asked about. */
static ouro_status judge_parts(const part *asked, int64_t n, int64_t **answer) {
  ouro_status status = OURO_OK;
  part *joined = NULL;
  OURO_NEW(*answer, n);
  OURO_NEW(joined, n);
  if (n > 0) memcpy(joined, asked, (size_t)n * sizeof *joined);
  const int64_t n_joined = join(joined, n);
  for (int64_t k = 0; k < n; k++) (*answer)[k] = smallest_of(joined, n_joined, asked[k].first);
cleanup:
  free(joined);
  return status;
}

static ouro_status new_answered(int64_t n, int64_t **answered) {
  ouro_status status = OURO_OK;
  OURO_NEW(*answered, n);
cleanup:
  return status;
}

/* Let the parts of a component on all ranks have the smallest id of any. */
static ouro_status settle(MPI_Comm comm, part *parts, const int *judge, int64_t n) {
  ouro_status status = OURO_OK;
  ouro_route route = {0};
  int64_t *asked = NULL, *answer = NULL, *answered = NULL;
  OURO_TRY(ouro_route_open(comm, n, judge, &route));
  OURO_TRY(ouro_route_send(&route, PART_WORDS, (const int64_t *)parts, &asked));
  OURO_AGREE(comm, judge_parts((const part *)asked, route.n_received, &answer));
  OURO_AGREE(comm, new_answered(n, &answered));
  OURO_TRY(ouro_route_answer(&route, answer, answered));
  for (int64_t k = 0; k < n; k++) parts[k].smallest = answered[k];
cleanup:
  free(asked);
  free(answer);
  free(answered);
  ouro_route_close(&route);
  return status;
}

/* The smallest id of each member's component. */
static ouro_status name_components(const ouro_graph *graph, const uint64_t *ancestor, const uint64_t *member,
                                   ouro_gid *component) {
  ouro_status status = OURO_OK;
  part *parts = NULL;
  int *judge = NULL;
  int64_t n = 0;
  OURO_AGREE(graph->comm, list_parts(graph, ancestor, member, &parts, &judge, &n));
  OURO_TRY(settle(graph->comm, parts, judge, n));
  for (ouro_lid i = 0; i < graph->n_owned; i++) component[i] = smallest_of(parts, n, member[i]);
cleanup:
  free(parts);
  free(judge);
  return status;
}

/* Whether no rank has a node in the set. */
static bool is_empty(const ouro_graph *graph, const int8_t *inside) {
  int any = 0;
  for (ouro_lid i = 0; i < graph->n_owned; i++) any |= inside[i] != 0;
  MPI_Allreduce(MPI_IN_PLACE, &any, 1, MPI_INT, MPI_LOR, graph->comm);
  return !any;
}

/* ancestor[i]: place of the first ancestor of node i, itself included. A predecessor's first ancestor is no earlier,
 * and the one that is its own first ancestor is the only candidate of its component; so the nodes that lead to it
 * and share it are its strongly connected component: member. */
ouro_status ouro_graph_reach_sources(const ouro_graph *graph, const int8_t *inside, ouro_gid *component) {
  ouro_status status = OURO_OK;
  uint64_t *ancestor = NULL, *member = NULL; /* member serves as the floor of the first sweep */
  if (is_empty(graph, inside)) {
    for (ouro_lid i = 0; i < graph->n_owned; i++) component[i] = -1;
    return OURO_OK;
  }
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

/* ---- levels ---- */

ouro_status ouro_graph_reach_levels(const ouro_graph *graph, const ouro_gid *component, int64_t *level) {
  ouro_status status = OURO_OK;
  uint64_t *floor = NULL, *value = NULL;
  OURO_AGREE(graph->comm, new_values(graph, &floor, &value));
  for (ouro_lid i = 0; i < graph->n_owned; i++) {
    floor[i] = component[i] >= 0 ? 0 : OURO_SWEEP_NONE;
    value[i] = component[i] == graph->gid[i] ? 0 : OURO_SWEEP_NONE;
  }
  OURO_TRY(ouro_sweep(graph, OURO_SWEEP_COUNTING, floor, value, NULL));
  for (ouro_lid u = 0; u < graph->n_owned + graph->n_ghost; u++) {
    level[u] = value[u] == OURO_SWEEP_NONE ? -1 : (int64_t)value[u];
  }
cleanup:
  free(floor);
  free(value);
  return status;
}

/* ---- bits ---- */

/* Values are complements, so that a reached node has smaller ones. */
ouro_status ouro_graph_reach_bits(const ouro_graph *graph, const int8_t *allowed, uint64_t *bits) {
  ouro_status status = OURO_OK;
  uint64_t *floor = NULL, *value = NULL;
  OURO_AGREE(graph->comm, new_values(graph, &floor, &value));
  for (ouro_lid i = 0; i < graph->n_owned; i++) {
    floor[i] = allowed == NULL || allowed[i] ? 0 : OURO_SWEEP_NONE;
    value[i] = ~bits[i];
  }
  OURO_TRY(ouro_sweep(graph, OURO_SWEEP_COMMON, floor, value, NULL));
  for (ouro_lid i = 0; i < graph->n_owned; i++) bits[i] = ~value[i];
cleanup:
  free(floor);
  free(value);
  return status;
}
