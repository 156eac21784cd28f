/* Unstable sources (THEORY.md section 6): period by levels, stationary distribution pi P = pi by iteration, rate.
 * A node adds up its consumers in ascending global id; what is common to a source is combined in integers, so no
 * ownership changes a bit. All sources iterate side by side; those that have converged, or are solved, rest. */

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "ouro/base/memory.h"
#include "ouro/graph/meet.h"
#include "ouro/graph/reach.h"
#include "ouro/graph/reverse.h"
#include "theory/rates.h"
#include "theory/select.h"

enum { STARTS = 2 };

static const double tolerance = 1e-11;

typedef struct sources {
  const ouro_graph *graph;
  ouro_graph *consumers;      /* the feeds within sources, turned round; same owned nodes */
  ouro_meet *whole, *phased;  /* members by source; by source and phase */
  ouro_lid n;                 /* nodes of sources owned here */
  ouro_lid *member;           /* [n] ascending */
  ouro_lid n_active, *active; /* [n] which of them iterate still */
  int64_t *period, *phase;    /* [n] the true ones, which the iteration needs */
  int64_t *word, *other;      /* [n] to be combined */
  double *size;               /* [n] n_i */
  double (*pi)[STARTS];       /* [n] */
  double (*share)[STARTS];    /* [consumers: n_owned + n_ghost] pi_i / n_i */
} sources;

static void sources_clear(sources *s) {
  ouro_graph_destroy(&s->consumers);
  ouro_meet_destroy(&s->whole);
  ouro_meet_destroy(&s->phased);
  free(s->member);
  free(s->active);
  free(s->period);
  free(s->phase);
  free(s->word);
  free(s->other);
  free(s->size);
  free(s->pi);
  free(s->share);
}

/* ---- set-up ---- */

static ouro_status sources_new(const ouro_verdict *verdict, sources *s) {
  ouro_status status = OURO_OK;
  const ouro_graph *graph = s->graph;
  for (ouro_lid i = 0; i < graph->n_owned; i++) s->n += verdict->component[i] >= 0;
  OURO_NEW(s->member, s->n);
  OURO_NEW(s->active, s->n);
  OURO_NEW(s->period, s->n);
  OURO_NEW(s->phase, s->n);
  OURO_NEW(s->word, s->n);
  OURO_NEW(s->other, s->n);
  OURO_NEW(s->size, s->n);
  OURO_NEW(s->pi, s->n);
  ouro_lid m = 0;
  for (ouro_lid i = 0; i < graph->n_owned; i++) {
    if (verdict->component[i] < 0) continue;
    for (ouro_eid k = graph->row[i]; k < graph->row[i + 1]; k++) s->size[m] += (double)ouro_graph_samples(graph, k);
    s->member[m++] = i;
  }
cleanup:
  return status;
}

static ouro_status new_keys(ouro_lid n, int64_t **key) {
  ouro_status status = OURO_OK;
  OURO_NEW(*key, 2 * (size_t)n);
cleanup:
  return status;
}

static ouro_status meet_members(const sources *s, const ouro_verdict *verdict, const int64_t *phase, ouro_meet **meet) {
  ouro_status status = OURO_OK;
  int64_t *key = NULL;
  OURO_AGREE(s->graph->comm, new_keys(s->n, &key));
  for (ouro_lid m = 0; m < s->n; m++) {
    key[2 * m] = verdict->component[s->member[m]];
    key[2 * m + 1] = phase ? phase[m] : 0;
  }
  OURO_TRY(ouro_meet_create(s->graph->comm, s->n, key, meet));
cleanup:
  free(key);
  return status;
}

static int64_t common_divisor(int64_t a, int64_t b) {
  while (b != 0) {
    const int64_t rest = a % b;
    a = b;
    b = rest;
  }
  return a;
}

/* Every cycle's length is a sum of level[j] + 1 - level[i] over its feeds j -> i, and each of those is a multiple of
 * the period: two paths to i from the first node, and one back. */
static ouro_status find_periods(sources *s, const int64_t *level) {
  ouro_status status = OURO_OK;
  const ouro_graph *graph = s->graph;
  for (ouro_lid m = 0; m < s->n; m++) {
    const ouro_lid i = s->member[m];
    s->period[m] = 0;
    for (ouro_eid k = graph->row[i]; k < graph->row[i + 1]; k++) {
      s->period[m] = common_divisor(s->period[m], llabs(level[graph->source[k]] + 1 - level[i]));
    }
  }
  OURO_TRY(ouro_meet_combine(s->whole, OURO_MEET_GCD, s->period));
  for (ouro_lid m = 0; m < s->n; m++) s->phase[m] = level[s->member[m]] % s->period[m];
cleanup:
  return status;
}

static ouro_status new_levels(const ouro_graph *graph, int64_t **level, ouro_gid **component) {
  ouro_status status = OURO_OK;
  OURO_NEW(*level, graph->n_owned + graph->n_ghost);
  OURO_NEW(*component, graph->n_owned + graph->n_ghost);
cleanup:
  return status;
}

static ouro_status new_shares(sources *s) {
  ouro_status status = OURO_OK;
  OURO_NEW(s->share, s->consumers->n_owned + s->consumers->n_ghost);
cleanup:
  return status;
}

static ouro_status sources_open(const ouro_verdict *verdict, sources *s) {
  ouro_status status = OURO_OK;
  const ouro_graph *graph = s->graph;
  int64_t *level = NULL;
  ouro_gid *component = NULL;
  OURO_AGREE(graph->comm, sources_new(verdict, s));
  OURO_AGREE(graph->comm, new_levels(graph, &level, &component));
  if (graph->n_owned > 0) memcpy(component, verdict->component, (size_t)graph->n_owned * sizeof *component);
  OURO_TRY(ouro_halo_update(graph->halo, component, sizeof *component));
  OURO_TRY(meet_members(s, verdict, NULL, &s->whole));
  OURO_TRY(ouro_graph_reach_levels(graph, component, level));
  OURO_TRY(find_periods(s, level));
  OURO_TRY(meet_members(s, verdict, s->phase, &s->phased));
  OURO_TRY(ouro_graph_reverse(graph, component, &s->consumers));
  OURO_AGREE(graph->comm, new_shares(s));
cleanup:
  free(level);
  free(component);
  return status;
}

/* ---- iteration ---- */

/* Non-negative doubles have the order of their bits. */
static int64_t bits_of(double x) {
  int64_t bits;
  memcpy(&bits, &x, sizeof bits);
  return bits;
}

static double from_bits(int64_t bits) {
  double x;
  memcpy(&x, &bits, sizeof x);
  return x;
}

/* P carries the weight of a phase over to the one before. Eigenvectors of the other eigenvalues of modulus 1 hence
 * are absent from a start that gives every phase the weight 1/h: the iteration converges whatever the period. One
 * start spreads that weight evenly over the phase, the other puts it on one node. */
static ouro_status choose_starts(sources *s) {
  ouro_status status = OURO_OK;
  for (ouro_lid m = 0; m < s->n; m++) {
    s->word[m] = 1;
    s->other[m] = s->graph->gid[s->member[m]];
    s->active[m] = m;
  }
  s->n_active = s->n;
  OURO_TRY(ouro_meet_combine(s->phased, OURO_MEET_SUM, s->word));
  OURO_TRY(ouro_meet_combine(s->phased, OURO_MEET_MIN, s->other));
  for (ouro_lid m = 0; m < s->n; m++) {
    const double weight = 1 / (double)s->period[m];
    s->pi[m][0] = weight / (double)s->word[m];
    s->pi[m][1] = s->other[m] == s->graph->gid[s->member[m]] ? weight : 0;
  }
cleanup:
  return status;
}

/* pi <- pi P: a model gets its share of each consumer's weight. */
static ouro_status step(sources *s) {
  ouro_status status = OURO_OK;
  const ouro_graph *graph = s->consumers;
  for (ouro_lid a = 0; a < s->n_active; a++) {
    const ouro_lid m = s->active[a];
    for (int v = 0; v < STARTS; v++) s->share[s->member[m]][v] = s->pi[m][v] / s->size[m];
  }
  OURO_TRY(ouro_halo_update(graph->halo, s->share, sizeof *s->share));
  for (ouro_lid a = 0; a < s->n_active; a++) {
    const ouro_lid m = s->active[a], j = s->member[m];
    double sum[STARTS] = {0};
    for (ouro_eid k = graph->row[j]; k < graph->row[j + 1]; k++) {
      const double samples = (double)ouro_graph_samples(graph, k);
      for (int v = 0; v < STARTS; v++) sum[v] += samples * s->share[graph->source[k]][v];
    }
    for (int v = 0; v < STARTS; v++) s->pi[m][v] = sum[v];
  }
cleanup:
  return status;
}

/* Let the sources rest whose two runs agree. word: largest difference, other: largest weight, both of the source. */
static ouro_status check(sources *s, ouro_gid *n_left, double *residual) {
  ouro_status status = OURO_OK;
  double worst = 0;
  for (ouro_lid m = 0; m < s->n; m++) {
    s->word[m] = bits_of(fabs(s->pi[m][0] - s->pi[m][1]));
    s->other[m] = bits_of(s->pi[m][0]);
  }
  OURO_TRY(ouro_meet_combine(s->whole, OURO_MEET_MAX, s->word));
  OURO_TRY(ouro_meet_combine(s->whole, OURO_MEET_MAX, s->other));
  ouro_lid n_active = 0;
  for (ouro_lid a = 0; a < s->n_active; a++) {
    const ouro_lid m = s->active[a];
    const double apart = from_bits(s->word[m]) / from_bits(s->other[m]);
    if (!(apart <= tolerance)) s->active[n_active++] = m;
  }
  for (ouro_lid m = 0; m < s->n; m++) worst = fmax(worst, from_bits(s->word[m]) / from_bits(s->other[m]));
  s->n_active = n_active;
  *n_left = n_active;
  OURO_AGREE(s->graph->comm,
             ouro_mpi_status(MPI_Allreduce(MPI_IN_PLACE, n_left, 1, OURO_GID_MPI, MPI_SUM, s->graph->comm)));
  OURO_AGREE(s->graph->comm, ouro_mpi_status(MPI_Allreduce(&worst, residual, 1, MPI_DOUBLE, MPI_MAX, s->graph->comm)));
cleanup:
  return status;
}

/* Steps up to number `most`, or until all sources rest. Checks come at ever longer distances, so that they cost little
 * beside the steps. */
static ouro_status iterate(sources *s, int64_t most, ouro_rates *rates) {
  ouro_status status = OURO_OK;
  int64_t t = rates->source_steps;
  while (rates->n_source > 0 && t < most) {
    int64_t next = t + t / 4 + 8;
    if (next > most) next = most;
    for (; t < next; t++) OURO_TRY(step(s));
    OURO_TRY(check(s, &rates->n_source, &rates->source_residual));
  }
  rates->source_steps = t;
cleanup:
  return status;
}

/* ---- direct solution ---- */

/* The least power of 2 that a size does not exceed. */
static int class_of_size(int64_t size) {
  int c = 0;
  while ((int64_t)1 << c < size) c++;
  return c;
}

/* The sources that iterate still and are so small that to eliminate their nodes is affordable: all up to a power of 2,
 * the largest for which the sum of cubes of their sizes stays within bounds. */
static ouro_status choose_direct(sources *s, int8_t *wanted, int *any) {
  enum { CLASSES = 13 }; /* up to 4096 nodes */
  const int64_t most_work = (int64_t)1 << 38;
  ouro_status status = OURO_OK;
  int64_t work[CLASSES] = {0}, total = 0;
  int n_classes = 0;
  for (ouro_lid m = 0; m < s->n; m++) {
    s->word[m] = 1;
    s->other[m] = s->graph->gid[s->member[m]];
  }
  OURO_TRY(ouro_meet_combine(s->whole, OURO_MEET_SUM, s->word));
  OURO_TRY(ouro_meet_combine(s->whole, OURO_MEET_MIN, s->other));
  for (ouro_lid a = 0; a < s->n_active; a++) {
    const ouro_lid m = s->active[a];
    const int class_ = class_of_size(s->word[m]);
    if (class_ >= CLASSES || s->other[m] != s->graph->gid[s->member[m]]) continue;
    work[class_] += s->word[m] * s->word[m] * s->word[m];
  }
  OURO_AGREE(s->graph->comm,
             ouro_mpi_status(MPI_Allreduce(MPI_IN_PLACE, work, CLASSES, MPI_INT64_T, MPI_SUM, s->graph->comm)));
  for (; n_classes < CLASSES && total + work[n_classes] <= most_work; n_classes++) total += work[n_classes];
  for (ouro_lid a = 0; a < s->n_active; a++) {
    const ouro_lid m = s->active[a];
    wanted[s->member[m]] = class_of_size(s->word[m]) < n_classes;
  }
  *any = total > 0;
cleanup:
  return status;
}

/* Both runs take over the solution, and rest; a source that could not be solved has weights 0 and goes on. */
static ouro_status take_over(sources *s, const int8_t *wanted, const double *pi, ouro_gid *n_solved) {
  ouro_status status = OURO_OK;
  for (ouro_lid m = 0; m < s->n; m++) s->word[m] = wanted[s->member[m]] ? bits_of(pi[s->member[m]]) : 0;
  OURO_TRY(ouro_meet_combine(s->whole, OURO_MEET_MAX, s->word));
  for (ouro_lid m = 0; m < s->n; m++) {
    if (s->word[m] == 0) continue;
    s->pi[m][0] = s->pi[m][1] = pi[s->member[m]];
    (*n_solved)++;
  }
  OURO_AGREE(s->graph->comm,
             ouro_mpi_status(MPI_Allreduce(MPI_IN_PLACE, n_solved, 1, OURO_GID_MPI, MPI_SUM, s->graph->comm)));
cleanup:
  return status;
}

static ouro_status new_solution(const ouro_graph *graph, int8_t **wanted, double **pi) {
  ouro_status status = OURO_OK;
  OURO_NEW(*wanted, graph->n_owned);
  OURO_NEW(*pi, graph->n_owned);
cleanup:
  return status;
}

static ouro_status solve(sources *s, const ouro_verdict *verdict, ouro_rates *rates) {
  ouro_status status = OURO_OK;
  int8_t *wanted = NULL;
  double *pi = NULL;
  int any = 0;
  OURO_AGREE(s->graph->comm, new_solution(s->graph, &wanted, &pi));
  OURO_TRY(choose_direct(s, wanted, &any));
  if (!any) goto cleanup;
  OURO_TRY(ouro_rates_direct(s->graph, verdict->component, wanted, pi));
  OURO_TRY(take_over(s, wanted, pi, &rates->n_solved));
  OURO_TRY(check(s, &rates->n_source, &rates->source_residual));
cleanup:
  free(wanted);
  free(pi);
  return status;
}

/* Most sources mix in a few steps. Of those that do not, the small ones are solved and the large ones iterated on. */
static ouro_status find_distributions(sources *s, const ouro_verdict *verdict, ouro_rates *rates) {
  enum { FEW = 400 };
  ouro_status status = OURO_OK;
  const int64_t most = ouro_rates_most_steps(s->consumers->n_feeds);
  OURO_TRY(choose_starts(s));
  OURO_TRY(check(s, &rates->n_source, &rates->source_residual));
  OURO_TRY(iterate(s, most < FEW ? most : FEW, rates));
  if (rates->n_source > 0) OURO_TRY(solve(s, verdict, rates));
  OURO_TRY(iterate(s, most, rates));
cleanup:
  return status;
}

/* ---- rates ---- */

/* sum pi_k^2 d_k over each source, in fixed point of 60 bits below the largest term, in word and other. */
static ouro_status sum_terms(sources *s, const double *noise, double *total) {
  ouro_status status = OURO_OK;
  const double half = 1 << 30;
  for (ouro_lid m = 0; m < s->n; m++) {
    total[m] = s->pi[m][0] * s->pi[m][0] * noise[s->member[m]];
    s->word[m] = bits_of(total[m]);
  }
  OURO_TRY(ouro_meet_combine(s->whole, OURO_MEET_MAX, s->word));
  for (ouro_lid m = 0; m < s->n; m++) {
    int exponent = 0;
    const double largest = from_bits(s->word[m]);
    if (isfinite(largest)) frexp(largest, &exponent);
    const double scaled = isfinite(largest) ? ldexp(total[m], -exponent) * half : 0;
    total[m] = isfinite(largest) ? ldexp(1, exponent) / half : largest; /* unit of word, or what the sum will be */
    s->word[m] = (int64_t)scaled;
    s->other[m] = (int64_t)((scaled - (double)s->word[m]) * half);
  }
  OURO_TRY(ouro_meet_combine(s->whole, OURO_MEET_SUM, s->word));
  OURO_TRY(ouro_meet_combine(s->whole, OURO_MEET_SUM, s->other));
  for (ouro_lid m = 0; m < s->n; m++) {
    if (isfinite(total[m])) total[m] *= (double)s->word[m] + (double)s->other[m] / half;
  }
cleanup:
  return status;
}

static ouro_status new_totals(ouro_lid n, double **total) {
  ouro_status status = OURO_OK;
  OURO_NEW(*total, n);
cleanup:
  return status;
}

/* rate(S) = h sum pi_k^2 d_k; forgetting makes every source aperiodic and damps the noise by (1 - lambda)^2. */
static ouro_status rate_sources(sources *s, const ouro_verdict *verdict, const ouro_rates_options *options,
                                const double *noise, ouro_mark *mark, ouro_rates *rates) {
  ouro_status status = OURO_OK;
  const bool forgets = options->forget > 0;
  const double kept = 1 - options->forget;
  double *total = NULL;
  OURO_AGREE(s->graph->comm, new_totals(s->n, &total));
  OURO_TRY(sum_terms(s, noise, total));
  for (ouro_lid a = 0; a < s->n_active; a++) total[s->active[a]] = NAN;
  for (ouro_lid i = 0; i < s->graph->n_owned; i++) mark[i] = (ouro_mark){.component = -1};
  for (ouro_lid m = 0; m < s->n; m++) {
    const ouro_lid i = s->member[m];
    const int64_t period = forgets ? 1 : s->period[m];
    const double rate = (double)period * total[m] * kept * kept;
    mark[i] = (ouro_mark){verdict->component[i], forgets ? 0 : s->phase[m], period, rate};
    rates->rate[i] = rate;
    rates->weight[i] = s->pi[m][0];
    rates->period[i] = period;
  }
  OURO_TRY(ouro_halo_update(s->graph->halo, mark, sizeof *mark));
cleanup:
  free(total);
  return status;
}

ouro_status ouro_rates_sources(const ouro_graph *graph, const ouro_verdict *verdict, const ouro_rates_options *options,
                               const double *noise, ouro_mark *mark, ouro_rates *rates) {
  ouro_status status = OURO_OK;
  sources s = {.graph = graph};
  OURO_TRY(sources_open(verdict, &s));
  OURO_TRY(find_distributions(&s, verdict, rates));
  OURO_TRY(rate_sources(&s, verdict, options, noise, mark, rates));
cleanup:
  sources_clear(&s);
  return status;
}
