/* Rates of what unstable sources feed (THEORY.md section 6): a_ic = sum_k P_ik a_k(c-1), a of source nodes known, by
 * iteration from 0, one unknown for each pair of a node and a source phase that it hears; where walks end slowly,
 * solved. A step recomputes only what hears a change. Feeds are added up in ascending global source id, pairs of a
 * node exactly: no ownership changes a bit. */

#include <math.h>
#include <stdlib.h>

#include "ouro/base/memory.h"
#include "ouro/base/sum.h"
#include "ouro/graph/mixing.h"
#include "theory/krylov.h"
#include "theory/rates.h"
#include "theory/rates_pairs.h"
#include "theory/select.h"

static const int64_t most_room = (int64_t)1 << 25; /* feeds times pairs */
static const double most_alive = 1e-12, tolerance = 1e-10;

typedef struct walks {
  const ouro_graph *graph;
  const ouro_verdict *verdict;
  const ouro_mark *mark;
  ouro_mixing mixing;
  ouro_pairs pairs;
  int64_t *first_row; /* [n_owned + 1] rows of each node; none if it is not computed */
  int32_t *pair;      /* [rows] whose probability a row gives */
  int64_t *first;     /* [rows + 1] */
  int32_t *column;    /* pairs */
  double *weight;     /* P_ik */
  double *a;          /* [pairs.n] */
  double *next;       /* [rows], then [n_owned] */
  double *alive;      /* [n_owned + n_ghost] probability that a walk from the node has not ended */
  int8_t *slow;       /* [n_owned] not converged, nor solved */
  int8_t *solved;     /* [n_owned] `solution` is to be taken, not `a` */
  double *solution;   /* [rows] */
  int8_t *due;        /* [n_owned] hears of a change: to be recomputed in the next step */
  ouro_lid n_active, n_due, *active, *due_list; /* [n_owned] of this step, of the next */
  double *heard, *heard_alive;                  /* [pairs.n], [n_owned + n_ghost] what ghosts said last */
  int64_t work;                                 /* terms computed on this rank */
} walks;

static void walks_clear(walks *w) {
  ouro_pairs_clear(&w->pairs);
  free(w->first_row);
  free(w->pair);
  free(w->first);
  free(w->column);
  free(w->weight);
  free(w->a);
  free(w->next);
  free(w->alive);
  free(w->slow);
  free(w->solved);
  free(w->solution);
  free(w->due);
  free(w->active);
  free(w->due_list);
  free(w->heard);
  free(w->heard_alive);
}

static bool is_downstream(const walks *w, ouro_lid i) {
  return w->verdict->class_of[i] == OURO_CLASS_COLLAPSING && w->mark[i].component < 0;
}

static bool is_computed(const walks *w, ouro_lid i) {
  return is_downstream(w, i) && !w->pairs.lost[i];
}

static double size_of(const walks *w, ouro_lid i) {
  return ouro_mixing_size(w->graph, w->mixing, i);
}

/* ---- set-up ---- */

static ouro_status count_feeds(const walks *w, int64_t *n) {
  *n = 0;
  for (ouro_lid i = 0; i < w->graph->n_owned; i++) {
    if (is_downstream(w, i)) *n += w->graph->row[i + 1] - w->graph->row[i];
  }
  return ouro_agree(w->graph->comm,
                    ouro_mpi_status(MPI_Allreduce(MPI_IN_PLACE, n, 1, MPI_INT64_T, MPI_SUM, w->graph->comm)));
}

/* The rows of each node, in the order in which its pairs were found. */
static ouro_status list_rows(walks *w) {
  ouro_status status = OURO_OK;
  const ouro_pairs *p = &w->pairs;
  const ouro_lid n_owned = w->graph->n_owned;
  int64_t *next = NULL;
  OURO_NEW(w->first_row, (size_t)n_owned + 1);
  OURO_NEW(next, n_owned);
  for (ouro_lid i = 0; i < n_owned; i++) {
    next[i] = w->first_row[i];
    w->first_row[i + 1] = w->first_row[i] + (is_computed(w, i) ? p->count[i] : 0);
  }
  OURO_NEW(w->pair, w->first_row[n_owned]);
  for (int32_t k = 0; k < p->n; k++) {
    const ouro_lid i = p->pair[k].node;
    if (i < n_owned && is_computed(w, i)) w->pair[next[i]++] = k;
  }
cleanup:
  free(next);
  return status;
}

/* The pair of a feed's source from which pair k comes, or -1. */
static int32_t heard_through(const walks *w, int32_t k, ouro_lid source) {
  const ouro_heard *one = &w->pairs.pair[k];
  const int64_t before = one->phase > 0 ? one->phase - 1 : one->period - 1;
  return ouro_pairs_lookup(&w->pairs, source, one->component, before);
}

/* Two passes: count the terms of every row, then write them. */
static ouro_status list_terms(walks *w) {
  ouro_status status = OURO_OK;
  const ouro_graph *graph = w->graph;
  int64_t n = 0;
  OURO_NEW(w->first, (size_t)w->first_row[graph->n_owned] + 1);
  for (int pass = 0; pass < 2; pass++) {
    n = 0;
    for (ouro_lid i = 0; i < graph->n_owned; i++) {
      const double size = size_of(w, i);
      for (int64_t r = w->first_row[i]; r < w->first_row[i + 1]; r++) {
        for (ouro_eid e = graph->row[i]; e < graph->row[i + 1]; e++) {
          const int32_t column = heard_through(w, w->pair[r], graph->source[e]);
          if (column < 0) continue;
          if (pass == 1) w->column[n] = column;
          if (pass == 1) w->weight[n] = (double)ouro_graph_samples(graph, e) / size;
          n++;
        }
        w->first[r + 1] = n;
      }
    }
    if (pass == 1) break;
    OURO_NEW(w->column, n);
    OURO_NEW(w->weight, n);
  }
cleanup:
  return status;
}

static void fall_due(walks *w, ouro_lid i) {
  if (w->due[i] || !is_computed(w, i)) return;
  w->due[i] = 1;
  w->due_list[w->n_due++] = i;
}

static ouro_status walks_start(walks *w) {
  ouro_status status = OURO_OK;
  const ouro_graph *graph = w->graph;
  OURO_TRY(list_rows(w));
  OURO_TRY(list_terms(w));
  OURO_NEW(w->a, w->pairs.n);
  OURO_NEW(w->next, w->first_row[graph->n_owned] + graph->n_owned);
  OURO_NEW(w->alive, graph->n_owned + graph->n_ghost);
  OURO_NEW(w->slow, graph->n_owned);
  OURO_NEW(w->solved, graph->n_owned);
  OURO_NEW(w->due, graph->n_owned);
  OURO_NEW(w->active, graph->n_owned);
  OURO_NEW(w->due_list, graph->n_owned);
  OURO_NEW(w->heard, w->pairs.n);
  OURO_NEW(w->heard_alive, graph->n_owned + graph->n_ghost);
  for (int32_t k = 0; k < w->pairs.n; k++) w->a[k] = w->mark[w->pairs.pair[k].node].component >= 0;
  for (ouro_lid i = 0; i < graph->n_owned; i++) w->alive[i] = w->slow[i] = is_computed(w, i);
  for (ouro_lid i = 0; i < graph->n_owned; i++) fall_due(w, i);
cleanup:
  return status;
}

/* ---- iteration ---- */

static void advance_pairs(walks *w, ouro_lid i) {
  for (int64_t r = w->first_row[i]; r < w->first_row[i + 1]; r++) {
    double sum = 0;
    for (int64_t k = w->first[r]; k < w->first[r + 1]; k++) sum += w->weight[k] * w->a[w->column[k]];
    w->next[r] = sum;
  }
  w->work += w->first[w->first_row[i + 1]] - w->first[w->first_row[i]];
}

/* One more step backward; a walk ends in sources, at roots, in nature and among nodes that do not collapse. */
static void advance_alive(walks *w, ouro_lid i, double *next) {
  const ouro_graph *graph = w->graph;
  double sum = 0;
  for (ouro_eid k = graph->row[i]; k < graph->row[i + 1]; k++) {
    sum += (double)ouro_graph_samples(graph, k) * w->alive[graph->source[k]];
  }
  next[i] = sum / size_of(w, i);
  w->work += graph->row[i + 1] - graph->row[i];
}

/* Still slow: a walk may be alive, or a probability has changed so much that what is left of the geometric series
 * may matter: less than the last change times the number of steps, once walks have ended. */
static bool is_slow(const walks *w, ouro_lid i, int64_t t, double alive) {
  if (alive == 0) return false;
  if (alive > most_alive) return true;
  for (int64_t r = w->first_row[i]; r < w->first_row[i + 1]; r++) {
    const double change = fabs(w->next[r] - w->a[w->pair[r]]);
    if (w->next[r] == 0 || change * (double)t > tolerance * w->next[r]) return true;
  }
  return false;
}

/* All that a node feeds here is due. */
static void tell(walks *w, ouro_lid u) {
  for (ouro_eid k = w->pairs.row[u]; k < w->pairs.row[u + 1]; k++) fall_due(w, w->pairs.target[k]);
}

/* A node takes its new values, and tells if they are new. */
static void commit(walks *w, ouro_lid i) {
  const double alive = w->next[w->first_row[w->graph->n_owned] + i];
  bool changed = alive != w->alive[i];
  w->alive[i] = alive;
  for (int64_t r = w->first_row[i]; r < w->first_row[i + 1]; r++) {
    changed = changed || w->next[r] != w->a[w->pair[r]];
    w->a[w->pair[r]] = w->next[r];
  }
  if (changed) tell(w, i);
}

/* The same of ghosts. */
static ouro_status hear(walks *w) {
  ouro_status status = OURO_OK;
  const ouro_halo *halo = w->pairs.halo;
  OURO_TRY(ouro_halo_update(halo, w->a, sizeof *w->a));
  OURO_TRY(ouro_halo_update(w->graph->halo, w->alive, sizeof *w->alive));
  for (ouro_lid k = 0; k < halo->n_ghost; k++) {
    const ouro_lid p = halo->receive[k];
    if (w->a[p] == w->heard[p]) continue;
    w->heard[p] = w->a[p];
    tell(w, w->pairs.pair[p].node);
  }
  for (ouro_lid u = w->graph->n_owned; u < w->graph->n_owned + w->graph->n_ghost; u++) {
    if (w->alive[u] == w->heard_alive[u]) continue;
    w->heard_alive[u] = w->alive[u];
    tell(w, u);
  }
cleanup:
  return status;
}

static ouro_status step(walks *w, int64_t t, bool look) {
  const ouro_graph *graph = w->graph;
  double *alive = w->next + w->first_row[graph->n_owned];
  ouro_lid *list = w->active;
  w->active = w->due_list;
  w->n_active = w->n_due;
  w->due_list = list;
  w->n_due = 0;
  for (ouro_lid k = 0; k < w->n_active; k++) {
    w->due[w->active[k]] = 0;
    advance_pairs(w, w->active[k]);
    advance_alive(w, w->active[k], alive);
  }
  for (ouro_lid i = 0; look && i < graph->n_owned; i++) {
    w->slow[i] = is_computed(w, i) && !w->solved[i] && is_slow(w, i, t, alive[i]);
  }
  for (ouro_lid k = 0; k < w->n_active; k++) commit(w, w->active[k]);
  return hear(w);
}

/* Where the iteration stands, on all ranks. */
typedef struct standing {
  bool slow;        /* some node is */
  bool moves;       /* some node is due */
  int64_t work;     /* terms computed */
  double undecided; /* largest probability that a walk has not ended */
} standing;

static ouro_status look_round(const walks *w, standing *all) {
  ouro_status status = OURO_OK;
  double most[3] = {0, 0, w->n_due > 0};
  for (ouro_lid i = 0; i < w->graph->n_owned; i++) {
    most[0] = fmax(most[0], w->slow[i]);
    if (is_computed(w, i) && !w->solved[i]) most[1] = fmax(most[1], w->alive[i]);
  }
  OURO_AGREE(w->graph->comm,
             ouro_mpi_status(MPI_Allreduce(MPI_IN_PLACE, most, 3, MPI_DOUBLE, MPI_MAX, w->graph->comm)));
  *all = (standing){.slow = most[0] > 0, .moves = most[2] > 0, .undecided = most[1]};
  OURO_AGREE(w->graph->comm,
             ouro_mpi_status(MPI_Allreduce(&w->work, &all->work, 1, MPI_INT64_T, MPI_SUM, w->graph->comm)));
cleanup:
  return status;
}

/* Steps until no node is slow, nothing changes, or that much work is done, or so many steps. */
static ouro_status iterate(walks *w, int64_t most_work, int64_t most_steps, ouro_rates *rates, bool *slow) {
  ouro_status status = OURO_OK;
  int64_t t = rates->downstream_steps;
  standing all;
  OURO_TRY(look_round(w, &all));
  while (all.slow && all.moves && all.work < most_work && t < most_steps) {
    const int64_t left = all.work > 0 ? t * (most_work - all.work) / all.work : most_steps; /* at this pace */
    int64_t next = t + t / 4 + 4;
    if (next > most_steps) next = most_steps;
    if (next > t + left) next = t + (left > 0 ? left : 1);
    while (t < next) {
      t++;
      OURO_TRY(step(w, t, t == next));
    }
    OURO_TRY(look_round(w, &all));
  }
  *slow = all.slow;
  rates->downstream_residual = all.undecided;
  rates->downstream_steps = t;
cleanup:
  return status;
}

/* ---- solution where walks end slowly ---- */

typedef struct slow_system {
  walks *w;
  double *time;      /* [n_owned] expected steps of a walk, or so */
  double *one;       /* [n_owned] 1 at computed nodes */
  double *known;     /* [rows] what a row hears from sources directly */
  double *a, *alive; /* scratch: [pairs.n], [n_owned + n_ghost] */
} slow_system;

static ouro_status slow_system_new(walks *w, slow_system *s) {
  ouro_status status = OURO_OK;
  const ouro_graph *graph = w->graph;
  const int64_t n = w->first_row[graph->n_owned];
  s->w = w;
  OURO_NEW(s->time, graph->n_owned);
  OURO_NEW(s->one, graph->n_owned);
  OURO_NEW(s->known, n);
  OURO_NEW(w->solution, n);
  OURO_NEW(s->a, w->pairs.n);
  OURO_NEW(s->alive, graph->n_owned + graph->n_ghost);
  for (ouro_lid i = 0; i < graph->n_owned; i++) s->one[i] = is_computed(w, i);
  for (int64_t r = 0; r < n; r++) {
    w->solution[r] = w->a[w->pair[r]];
    for (int64_t k = w->first[r]; k < w->first[r + 1]; k++) {
      const bool source = w->mark[w->pairs.pair[w->column[k]].node].component >= 0;
      if (source) s->known[r] += w->weight[k];
    }
  }
cleanup:
  return status;
}

static void slow_system_clear(slow_system *s) {
  free(s->time);
  free(s->one);
  free(s->known);
  free(s->a);
  free(s->alive);
}

/* P among pairs; those of source nodes stay 0. */
static ouro_status apply_pairs(void *context, const double *in, double *out) {
  ouro_status status = OURO_OK;
  slow_system *s = context;
  const walks *w = s->w;
  const int64_t n = w->first_row[w->graph->n_owned];
  for (int64_t r = 0; r < n; r++) s->a[w->pair[r]] = in[r];
  OURO_TRY(ouro_halo_update(w->pairs.halo, s->a, sizeof *s->a));
  for (int64_t r = 0; r < n; r++) {
    double sum = 0;
    for (int64_t k = w->first[r]; k < w->first[r + 1]; k++) sum += w->weight[k] * s->a[w->column[k]];
    out[r] = sum;
  }
cleanup:
  return status;
}

/* P among nodes. */
static ouro_status apply_nodes(void *context, const double *in, double *out) {
  ouro_status status = OURO_OK;
  slow_system *s = context;
  const ouro_graph *graph = s->w->graph;
  for (ouro_lid i = 0; i < graph->n_owned; i++) s->alive[i] = in[i];
  OURO_TRY(ouro_halo_update(graph->halo, s->alive, sizeof *s->alive));
  for (ouro_lid i = 0; i < graph->n_owned; i++) {
    double sum = 0;
    for (ouro_eid k = graph->row[i]; s->one[i] > 0 && k < graph->row[i + 1]; k++) {
      sum += (double)ouro_graph_samples(graph, k) * s->alive[graph->source[k]];
    }
    out[i] = s->one[i] > 0 ? sum / size_of(s->w, i) : 0;
  }
cleanup:
  return status;
}

/* Let the nodes that are slow and solved well enough have their solution. I - P has a non-negative inverse, and
 * (I - P) time >= 1/2; so no error exceeds twice the largest residual times `time`. */
static void accept(const slow_system *s, double residual) {
  walks *w = s->w;
  const double rounding = 1e-15, enough = 1e-6;
  for (ouro_lid i = 0; i < w->graph->n_owned; i++) {
    bool good = w->slow[i];
    for (int64_t r = w->first_row[i]; r < w->first_row[i + 1]; r++) {
      good = good && 2 * (residual + rounding) * s->time[i] <= enough * w->solution[r];
    }
    w->solved[i] = good;
    if (good) w->slow[i] = 0;
  }
}

static ouro_status solve(walks *w, int64_t most, ouro_rates *rates) {
  ouro_status status = OURO_OK;
  const ouro_graph *graph = w->graph;
  const double small = 1e-16;
  slow_system s = {0};
  double residual;
  OURO_AGREE(graph->comm, slow_system_new(w, &s));
  const ouro_linear nodes = {graph->comm, graph->n_owned, apply_nodes, &s};
  const ouro_linear pairs = {graph->comm, w->first_row[graph->n_owned], apply_pairs, &s};
  OURO_TRY(ouro_krylov_solve(&nodes, s.one, 0.1, most, s.time, &residual));
  if (residual > 0.4) goto cleanup;
  OURO_TRY(ouro_krylov_solve(&pairs, s.known, small, most, w->solution, &residual));
  accept(&s, residual);
  rates->solution_residual = residual;
cleanup:
  slow_system_clear(&s);
  return status;
}

/* Terms of a step that recomputes everything. */
static ouro_status count_terms(const walks *w, int64_t *n) {
  *n = w->first[w->first_row[w->graph->n_owned]];
  for (ouro_lid i = 0; i < w->graph->n_owned; i++) {
    if (is_computed(w, i)) *n += w->graph->row[i + 1] - w->graph->row[i];
  }
  return ouro_agree(w->graph->comm,
                    ouro_mpi_status(MPI_Allreduce(MPI_IN_PLACE, n, 1, MPI_INT64_T, MPI_SUM, w->graph->comm)));
}

/* Nearly always the work of a few full steps does. Else the slow modes are few: solved. What is so faint that the
 * bound does not do for it is iterated further. Long paths take many steps, but little work. */
static ouro_status find_shares(walks *w, ouro_rates *rates) {
  enum { FEW = 400, MANY_STEPS = 1 << 17, MOST_STEPS = 1 << 20 };
  const int64_t most_work = (int64_t)1 << 33;
  ouro_status status = OURO_OK;
  int64_t n_terms;
  bool slow;
  OURO_TRY(count_terms(w, &n_terms));
  const int64_t few = n_terms < most_work / FEW ? FEW * n_terms : most_work;
  OURO_TRY(hear(w));
  OURO_TRY(iterate(w, few, MANY_STEPS, rates, &slow));
  if (slow) OURO_TRY(solve(w, n_terms < most_work / FEW ? FEW : 1 + most_work / n_terms, rates));
  if (slow) OURO_TRY(iterate(w, most_work, MOST_STEPS, rates, &slow));
cleanup:
  return status;
}

/* ---- rates ---- */

/* rate_i = sum_S rate(S) sum_c a_iSc^2 */
static double rate_of(const walks *w, ouro_lid i) {
  ouro_sum sum;
  ouro_sum_zero(&sum);
  for (int64_t r = w->first_row[i]; r < w->first_row[i + 1]; r++) {
    const double a = w->solved[i] ? w->solution[r] : w->a[w->pair[r]];
    ouro_sum_add(&sum, w->pairs.pair[w->pair[r]].rate * a * a);
  }
  return ouro_sum_value(&sum);
}

static ouro_status rate_nodes(const walks *w, ouro_rates *rates) {
  ouro_status status = OURO_OK;
  int64_t missing[2] = {0, 0}; /* too many pairs; too slow */
  for (ouro_lid i = 0; i < w->graph->n_owned; i++) {
    if (!is_downstream(w, i)) continue;
    const bool lost = w->pairs.lost[i];
    rates->rate[i] = lost || w->slow[i] ? NAN : rate_of(w, i);
    missing[0] += lost;
    missing[1] += !lost && isnan(rates->rate[i]);
  }
  OURO_AGREE(w->graph->comm,
             ouro_mpi_status(MPI_Allreduce(MPI_IN_PLACE, missing, 2, MPI_INT64_T, MPI_SUM, w->graph->comm)));
  rates->n_many = missing[0];
  rates->n_mixed = missing[1];
cleanup:
  return status;
}

ouro_status ouro_rates_downstream(const ouro_graph *graph, const ouro_verdict *verdict,
                                  const ouro_rates_options *options, const ouro_mark *mark, ouro_rates *rates) {
  ouro_status status = OURO_OK;
  walks w = {.graph = graph, .verdict = verdict, .mark = mark, .mixing = options->mixing};
  int64_t n_feeds;
  OURO_TRY(count_feeds(&w, &n_feeds));
  if (n_feeds == 0) return OURO_OK;
  const int64_t most = most_room / n_feeds;
  rates->most_pairs = most < 1 ? 1 : most;
  OURO_TRY(ouro_pairs_find(graph, mark, rates->most_pairs, &w.pairs));
  OURO_AGREE(graph->comm, walks_start(&w));
  OURO_TRY(find_shares(&w, rates));
  OURO_TRY(rate_nodes(&w, rates));
cleanup:
  walks_clear(&w);
  return status;
}
