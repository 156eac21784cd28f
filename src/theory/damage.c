/* How many nodes unstable sources ruin: exactly by sweeps of 64 sources at once, of very many by sketches first.
 * Counts are sums of integers, the same for any ownership. Must not know rates. */

#include "ouro/theory/damage.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "ouro/base/memory.h"
#include "ouro/graph/meet.h"
#include "ouro/graph/reach.h"
#include "theory/select.h"
#include "theory/sketch.h"

enum { BITS = 64, SKETCH = 402, SEED = 1 }; /* 1/sqrt(402 - 2): 5 % */

/* A listed source. */
typedef struct culprit {
  ouro_unstable source;
  ouro_gid ruined;
  bool exact; /* ruined is */
} culprit;

/* Sources that are being counted, by their first node. */
typedef struct named {
  ouro_gid first;
  int number;
} named;

typedef struct counting {
  int n;
  named *source;    /* [n] ascending */
  ouro_gid *ruined; /* [n] by number */
  int *number;      /* [n_owned] of the source that the node belongs to, or -1 */
  int8_t *allowed;  /* [n_owned] collapses, outside sources: what a sweep may enter */
  uint64_t *bits;   /* [n_owned] */
} counting;

/* ---- exact counts ---- */

static void counting_clear(counting *c) {
  free(c->source);
  free(c->ruined);
  free(c->number);
  free(c->allowed);
  free(c->bits);
}

static int by_first(const void *left, const void *right) {
  const ouro_gid a = ((const named *)left)->first, b = ((const named *)right)->first;
  return (a > b) - (a < b);
}

static int number_of(const counting *c, ouro_gid first) {
  const named wanted = {.first = first};
  const named *found =
      first < 0 || c->n == 0 ? NULL : bsearch(&wanted, c->source, (size_t)c->n, sizeof wanted, by_first);
  return found ? found->number : -1;
}

static bool is_downstream(const ouro_verdict *verdict, ouro_lid i) {
  return verdict->class_of[i] == OURO_CLASS_COLLAPSING && verdict->component[i] < 0;
}

/* The listed sources that are not known exactly yet. */
static ouro_status counting_open(const ouro_graph *graph, const ouro_verdict *verdict, int n_listed,
                                 const culprit *listed, counting *c) {
  ouro_status status = OURO_OK;
  OURO_NEW(c->source, n_listed);
  OURO_NEW(c->ruined, n_listed);
  OURO_NEW(c->number, graph->n_owned);
  OURO_NEW(c->allowed, graph->n_owned);
  OURO_NEW(c->bits, graph->n_owned);
  for (int k = 0; k < n_listed; k++) {
    if (!listed[k].exact) c->source[c->n] = (named){listed[k].source.first, c->n};
    c->n += !listed[k].exact;
  }
  if (c->n > 1) qsort(c->source, (size_t)c->n, sizeof *c->source, by_first);
  for (ouro_lid i = 0; i < graph->n_owned; i++) {
    c->number[i] = number_of(c, verdict->component[i]);
    c->allowed[i] = is_downstream(verdict, i);
  }
cleanup:
  return status;
}

/* Sources number first .. first+63. */
static ouro_status count_some(const ouro_graph *graph, counting *c, int first) {
  ouro_status status = OURO_OK;
  for (ouro_lid i = 0; i < graph->n_owned; i++) {
    const bool starts = c->number[i] >= first && c->number[i] < first + BITS;
    c->bits[i] = starts ? (uint64_t)1 << (c->number[i] - first) : 0;
  }
  OURO_TRY(ouro_graph_reach_bits(graph, c->allowed, c->bits));
  for (ouro_lid i = 0; i < graph->n_owned; i++) {
    for (uint64_t left = c->bits[i]; left != 0; left &= left - 1) c->ruined[first + __builtin_ctzll(left)]++;
  }
cleanup:
  return status;
}

/* Let the listed sources, and their nodes, have exact counts. */
static ouro_status count_exactly(const ouro_graph *graph, const ouro_verdict *verdict, int n_listed, culprit *listed,
                                 ouro_damage *damage) {
  ouro_status status = OURO_OK;
  counting c = {0};
  OURO_AGREE(graph->comm, counting_open(graph, verdict, n_listed, listed, &c));
  for (int first = 0; first < c.n; first += BITS) OURO_TRY(count_some(graph, &c, first));
  OURO_AGREE(graph->comm,
             ouro_mpi_status(MPI_Allreduce(MPI_IN_PLACE, c.ruined, c.n, OURO_GID_MPI, MPI_SUM, graph->comm)));
  for (int k = 0; k < n_listed; k++) {
    if (listed[k].exact) continue;
    listed[k].ruined = c.ruined[number_of(&c, listed[k].source.first)];
    listed[k].exact = true;
  }
  for (ouro_lid i = 0; i < graph->n_owned; i++) {
    if (c.number[i] < 0) continue;
    damage->ruined[i] = c.ruined[c.number[i]];
    damage->estimated[i] = 0;
  }
cleanup:
  counting_clear(&c);
  return status;
}

/* ---- sizes ---- */

typedef struct members {
  ouro_lid n;
  ouro_lid *node; /* [n] of sources, owned here */
  int64_t *key;   /* [n][2] */
  int64_t *size;  /* [n] */
} members;

static ouro_status members_open(const ouro_graph *graph, const ouro_verdict *verdict, members *m) {
  ouro_status status = OURO_OK;
  for (ouro_lid i = 0; i < graph->n_owned; i++) m->n += verdict->component[i] >= 0;
  OURO_NEW(m->node, m->n);
  OURO_NEW(m->key, 2 * (size_t)m->n);
  OURO_NEW(m->size, m->n);
  ouro_lid n = 0;
  for (ouro_lid i = 0; i < graph->n_owned; i++) {
    if (verdict->component[i] < 0) continue;
    m->key[2 * n] = verdict->component[i];
    m->size[n] = 1;
    m->node[n++] = i;
  }
cleanup:
  return status;
}

static ouro_status find_sizes(const ouro_graph *graph, const ouro_verdict *verdict, ouro_gid *size) {
  ouro_status status = OURO_OK;
  ouro_meet *meet = NULL;
  members m = {0};
  OURO_AGREE(graph->comm, members_open(graph, verdict, &m));
  OURO_TRY(ouro_meet_create(graph->comm, m.n, m.key, &meet));
  OURO_TRY(ouro_meet_combine(meet, OURO_MEET_SUM, m.size));
  for (ouro_lid k = 0; k < m.n; k++) size[m.node[k]] = m.size[k];
cleanup:
  ouro_meet_destroy(&meet);
  free(m.node);
  free(m.key);
  free(m.size);
  return status;
}

/* ---- estimates ---- */

static ouro_status new_roles(const ouro_graph *graph, const ouro_verdict *verdict, int8_t **role, int8_t **exact) {
  ouro_status status = OURO_OK;
  OURO_NEW(*role, graph->n_owned);
  OURO_NEW(*exact, graph->n_owned);
  for (ouro_lid i = 0; i < graph->n_owned; i++) {
    (*role)[i] = verdict->component[i] >= 0  ? OURO_SKETCH_ASKING
                 : is_downstream(verdict, i) ? OURO_SKETCH_COUNTED
                                             : OURO_SKETCH_OUTSIDE;
  }
cleanup:
  return status;
}

/* What each source reaches downstream by sketches, and its own nodes. */
static ouro_status estimate(const ouro_graph *graph, const ouro_verdict *verdict, ouro_damage *damage) {
  ouro_status status = OURO_OK;
  int8_t *role = NULL, *exact = NULL;
  OURO_AGREE(graph->comm, new_roles(graph, verdict, &role, &exact));
  OURO_TRY(ouro_sketch_reach(graph, role, SKETCH, SEED, damage->ruined, exact));
  for (ouro_lid i = 0; i < graph->n_owned; i++) {
    damage->ruined[i] += damage->size[i];
    damage->estimated[i] = !exact[i];
  }
cleanup:
  free(role);
  free(exact);
  return status;
}

static ouro_status list_worst(const ouro_graph *graph, const ouro_verdict *verdict, const ouro_damage *damage,
                              ouro_pair **worst, int *n) {
  ouro_status status = OURO_OK;
  ouro_pair *mine = NULL;
  ouro_lid n_mine = 0;
  OURO_NEW(*worst, OURO_VERDICT_LISTED);
  OURO_NEW(mine, graph->n_owned);
  for (ouro_lid i = 0; i < graph->n_owned; i++) {
    if (verdict->component[i] == graph->gid[i]) mine[n_mine++] = (ouro_pair){-damage->ruined[i], graph->gid[i]};
  }
  if (n_mine > 1) qsort(mine, (size_t)n_mine, sizeof *mine, ouro_pair_compare);
  *n = n_mine < OURO_VERDICT_LISTED ? (int)n_mine : OURO_VERDICT_LISTED;
  if (*n > 0) memcpy(*worst, mine, (size_t)*n * sizeof *mine);
cleanup:
  free(mine);
  return status;
}

/* What the owners of their first nodes know of the sources chosen. */
static ouro_status look_up(const ouro_graph *graph, const ouro_damage *damage, int n, const ouro_pair *worst,
                           culprit *listed) {
  ouro_status status = OURO_OK;
  ouro_gid word[2 * OURO_VERDICT_LISTED] = {0};
  for (int k = 0; k < n; k++) {
    const ouro_lid found = ouro_graph_owned(graph, worst[k].value);
    if (found < 0) continue;
    word[2 * k] = damage->size[found];
    word[2 * k + 1] = damage->estimated[found];
  }
  OURO_AGREE(graph->comm,
             ouro_mpi_status(MPI_Allreduce(MPI_IN_PLACE, word, 2 * n, OURO_GID_MPI, MPI_SUM, graph->comm)));
  for (int k = 0; k < n; k++) {
    listed[k] = (culprit){{worst[k].value, word[2 * k]}, -worst[k].key, word[2 * k + 1] == 0};
  }
cleanup:
  return status;
}

static ouro_status list_by_estimate(const ouro_graph *graph, const ouro_verdict *verdict, ouro_damage *damage,
                                    culprit *listed) {
  ouro_status status = OURO_OK;
  ouro_pair *worst = NULL;
  int n = 0, any = 0;
  OURO_TRY(estimate(graph, verdict, damage));
  for (ouro_lid i = 0; i < graph->n_owned; i++) any |= damage->estimated[i];
  OURO_AGREE(graph->comm, ouro_mpi_status(MPI_Allreduce(MPI_IN_PLACE, &any, 1, MPI_INT, MPI_LOR, graph->comm)));
  damage->error = any ? 1 / sqrt(SKETCH - 2) : 0;
  OURO_AGREE(graph->comm, list_worst(graph, verdict, damage, &worst, &n));
  OURO_TRY(ouro_select_least(graph->comm, n, OURO_VERDICT_LISTED, worst, &n));
  OURO_TRY(look_up(graph, damage, n, worst, listed));
cleanup:
  free(worst);
  return status;
}

/* ---- all of it ---- */

static ouro_status damage_new(const ouro_graph *graph, const ouro_verdict *verdict, ouro_damage **damage,
                              culprit **listed) {
  ouro_status status = OURO_OK;
  ouro_damage *made;
  OURO_NEW(made, 1);
  *damage = made;
  made->n_listed = verdict->n_listed;
  OURO_NEW(made->size, graph->n_owned);
  OURO_NEW(made->ruined, graph->n_owned);
  OURO_NEW(made->estimated, graph->n_owned);
  OURO_NEW(made->listed, verdict->n_listed);
  OURO_NEW(made->listed_ruined, verdict->n_listed);
  OURO_NEW(*listed, verdict->n_listed);
  for (int k = 0; k < verdict->n_listed; k++) (*listed)[k].source = verdict->listed[k];
cleanup:
  return status;
}

static int by_damage(const void *left, const void *right) {
  const culprit *a = left, *b = right;
  if (a->ruined != b->ruined) return a->ruined > b->ruined ? -1 : 1;
  if (a->source.size != b->source.size) return a->source.size > b->source.size ? -1 : 1;
  return (a->source.first > b->source.first) - (a->source.first < b->source.first);
}

ouro_status ouro_damage_create(const ouro_graph *graph, const ouro_verdict *verdict, ouro_damage **damage) {
  ouro_status status = OURO_OK;
  ouro_damage *made = NULL;
  culprit *listed = NULL;
  *damage = NULL;
  OURO_AGREE(graph->comm, damage_new(graph, verdict, &made, &listed));
  OURO_TRY(find_sizes(graph, verdict, made->size));
  if (verdict->n_unstable > verdict->n_listed) OURO_TRY(list_by_estimate(graph, verdict, made, listed));
  OURO_TRY(count_exactly(graph, verdict, made->n_listed, listed, made));
  if (made->n_listed > 1) qsort(listed, (size_t)made->n_listed, sizeof *listed, by_damage);
  for (int k = 0; k < made->n_listed; k++) {
    made->listed[k] = listed[k].source;
    made->listed_ruined[k] = listed[k].ruined;
  }
  *damage = made;
  made = NULL;
cleanup:
  free(listed);
  ouro_damage_destroy(&made);
  return status;
}

void ouro_damage_destroy(ouro_damage **damage) {
  if (*damage == NULL) return;
  free((*damage)->size);
  free((*damage)->ruined);
  free((*damage)->estimated);
  free((*damage)->listed);
  free((*damage)->listed_ruined);
  free(*damage);
  *damage = NULL;
}
