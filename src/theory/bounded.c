/* Growth of the linear part of the exact recursion, node by node (THEORY.md section 2, scope). Noise and roots are
 * taken out of the system; what is left either dies, stays or grows. Must not know how an engine stores C. */

#include "ouro/theory/bounded.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ouro/base/memory.h"
#include "theory/closed.h"
#include "theory/cost.h"
#include "theory/plateau.h"
#include "theory/recursion.h"
#include "theory/select.h"

enum { FIRST = 64, MOST = 1 << 20 }; /* generations of the first answer, and at most */

static const double STAYS = 1e-10;   /* spread of a factor that has converged */
static const double TINY = 0x1p-900; /* an error beside the largest that is lost before long */
enum { RANGE = 64 };                 /* doublings before errors are rescaled */

/* The iteration. Errors are rescaled by powers of 2, so that the largest stays near 1. Growth over the second half of
 * the generations has errors of order 1/t where powers of t grow along; twice it less that of the first half then is
 * closer. A node takes the one of the two that has moved less. */
typedef struct growth {
  const ouro_closed *all;
  ouro_recursion *recursion;
  int64_t doublings;   /* by which errors have been scaled down */
  double *half;        /* [n] log2 of the error when half of the generations were over, -HUGE_VAL for 0 */
  double *factor;      /* [n] the answer, NaN at nodes that keep their model */
  double *plain;       /* [n] growth over the last half */
  double *extrapolate; /* [n] */
  double *moved;       /* [n] of the factor, since half as many generations */
  bool *lost;          /* [n] too small beside the others to be followed any further */
} growth;

static void growth_clear(growth *g) {
  ouro_recursion_destroy(&g->recursion);
  free(g->half);
  free(g->factor);
  free(g->plain);
  free(g->extrapolate);
  free(g->moved);
  free(g->lost);
}

static ouro_status growth_new(growth *g) {
  ouro_status status = OURO_OK;
  ouro_system *s = g->all->system;
  OURO_NEW(g->half, s->n);
  OURO_NEW(g->factor, s->n);
  OURO_NEW(g->plain, s->n);
  OURO_NEW(g->extrapolate, s->n);
  OURO_NEW(g->moved, s->n);
  OURO_NEW(g->lost, s->n);
  s->spread.base = s->spread.drift = 0;
  for (int32_t i = 0; i < s->n; i++) {
    s->start[i] = s->variance[i] = 1 - g->all->fixed[i];
    s->noise[i] = s->base[i] = s->mean[i] = 0;
    g->factor[i] = g->all->fixed[i] != 0 ? NAN : HUGE_VAL;
    g->plain[i] = g->extrapolate[i] = HUGE_VAL;
  }
cleanup:
  return status;
}

/* What grows with the radius of the linear part: of a fitted variance the variance, for errors follow it and grow even
 * while it stays. */
static const double *growing(const growth *g) {
  return g->all->system->spread.fitted ? g->recursion->variance : g->recursion->diagonal;
}

/* The new factor of a node whose error grew by `plain` a generation. */
static void settle(growth *g, int32_t i, double plain) {
  const double extrapolate = isfinite(g->plain[i]) ? fmax(0, 2 * plain - g->plain[i]) : plain;
  const double moved = fabs(plain - g->plain[i]), bent = fabs(extrapolate - g->extrapolate[i]);
  g->plain[i] = plain;
  g->extrapolate[i] = extrapolate;
  g->factor[i] = bent < moved ? extrapolate : plain;
  g->moved[i] = fmin(moved, bent);
}

/* Is an error gone because it became too small beside the others, not because its walks have ended? */
static bool is_lost(const growth *g, int32_t i, double value, int64_t generations) {
  if (g->lost[i]) return true;
  if (value > TINY || !isfinite(g->half[i]) || !(g->plain[i] > 0) || isinf(g->plain[i])) return false;
  return g->half[i] + (double)generations * log2(g->plain[i]) < (double)g->doublings + log2(TINY) + RANGE;
}

/* Factors over the last `generations`; returns how far the largest of them has moved. A node whose walks have all
 * ended has factor 0; one that is lost keeps the factor it had. */
static double read_factors(growth *g, int64_t generations) {
  const double *value = growing(g);
  double spread = 0;
  for (int32_t i = 0; i < g->all->system->n; i++) {
    if (isnan(g->factor[i]) || (g->lost[i] = is_lost(g, i, value[i], generations))) continue;
    const double now = value[i] > 0 ? log2(value[i]) + (double)g->doublings : -HUGE_VAL;
    settle(g, i, isfinite(now) ? exp2((now - g->half[i]) / (double)generations) : 0);
    spread = fmax(spread, g->moved[i]);
    g->half[i] = now;
  }
  return spread;
}

/* Keep the largest error near 1. What has become tiny beside it is rounding before long. */
static void rescale(growth *g) {
  int exponent;
  const double *value = growing(g), most = ouro_plateau_largest(g->all->system->n, value);
  frexp(most, &exponent);
  if (most == 0 || abs(exponent) < RANGE) return;
  for (int32_t i = 0; i < g->all->system->n; i++) g->lost[i] |= value[i] > 0 && value[i] < most * TINY;
  ouro_recursion_scale(g->recursion, ldexp(1, -exponent));
  g->doublings += exponent;
}

/* The number of generations doubles until no factor moves, or the limit. */
static ouro_status iterate(growth *g, int64_t limit, ouro_bounded *out) {
  int64_t since = 0, target = FIRST;
  out->spread = HUGE_VAL;
  while (out->spread > STAYS && out->generations < limit) {
    const ouro_status status = ouro_recursion_step(g->recursion);
    if (status != OURO_OK) return status;
    rescale(g);
    out->generations++;
    if (out->generations < target) continue;
    out->spread = read_factors(g, out->generations - since);
    since = out->generations;
    target *= 2;
  }
  for (int32_t i = 0; i < g->all->system->n; i++) {
    if (isfinite(g->moved[i])) out->spread = fmax(out->spread, g->moved[i]); /* of what is lost, too */
  }
  return OURO_OK;
}

/* How many generations the iteration may take, none if it does not fit. */
static ouro_status find_limit(const ouro_config *config, const ouro_graph *graph, const ouro_survey *survey,
                              const ouro_cost *cost, int64_t *limit) {
  const bool always = config->theory.exact == OURO_EXACT_ALWAYS;
  const double patient = OURO_PATIENCE / (cost->generation + 2e-5);
  *limit = always ? MOST : (int64_t)fmin(MOST, patient);
  int fits = cost->bytes + 128 * (double)survey->n <= (double)ouro_memory_available(graph->comm);
  fits = fits && cost->indexable && *limit >= FIRST;
  const int code = MPI_Allreduce(MPI_IN_PLACE, &fits, 1, MPI_INT, MPI_MIN, graph->comm);
  if (!fits) *limit = 0;
  return ouro_agree(graph->comm, ouro_mpi_status(code));
}

static ouro_status factors_new(const ouro_graph *graph, ouro_bounded *out) {
  ouro_status status = OURO_OK;
  OURO_NEW(out->factor, graph->n_owned);
cleanup:
  return status;
}

/* Largest factors over the ranks, and how many nodes grow. */
static ouro_status summarise(const ouro_graph *graph, const ouro_verdict *verdict, const growth *g, ouro_bounded *out) {
  ouro_status status = OURO_OK;
  double most[2] = {-1, -1};
  OURO_AGREE(graph->comm, factors_new(graph, out));
  for (ouro_lid i = 0; i < graph->n_owned; i++) {
    const double factor = out->factor[i] = g->factor[graph->gid[i]];
    const int collapses = verdict->class_of[i] == OURO_CLASS_COLLAPSING;
    if (isnan(factor)) continue;
    most[collapses] = fmax(most[collapses], factor);
    out->n_grows += factor > 1 + 2 * out->spread + STAYS;
  }
  OURO_AGREE(graph->comm, ouro_mpi_status(MPI_Allreduce(MPI_IN_PLACE, most, 2, MPI_DOUBLE, MPI_MAX, graph->comm)));
  OURO_AGREE(graph->comm,
             ouro_mpi_status(MPI_Allreduce(MPI_IN_PLACE, &out->n_grows, 1, OURO_GID_MPI, MPI_SUM, graph->comm)));
  out->radius = most[0] < 0 ? NAN : most[0];
  out->sources = most[1] < 0 ? NAN : most[1];
cleanup:
  return status;
}

static void report(ouro_bounded *out) {
  const bool without = isnan(out->radius);
  out->decided = out->spread < HUGE_VAL && (without || fabs(out->radius - 1) > 2 * out->spread);
  snprintf(out->reason, sizeof out->reason,
           "the linear part %s by %.10g a generation where the topology is healthy%s, by %.10g where it is not "
           "(0: nowhere); %" PRId64 " generations, spread %.2g%s",
           out->radius > 1 ? "grows" : "changes", without ? 0 : out->radius, without ? " (nowhere)" : "",
           isnan(out->sources) ? 0 : out->sources, out->generations, out->spread, out->decided ? "" : ": not decided");
}

static ouro_status run(const ouro_config *config, const ouro_family *family, const ouro_graph *graph,
                       const ouro_verdict *verdict, const ouro_survey *survey, const ouro_cost *cost, int64_t limit,
                       ouro_bounded *out) {
  ouro_status status = OURO_OK;
  ouro_system *system = NULL;
  ouro_closed *all = NULL;
  growth g = {0};
  OURO_TRY(ouro_system_create(config, family, graph, survey, &system));
  OURO_TRY(ouro_closed_create(graph, NULL, system, &all));
  g.all = all;
  OURO_AGREE(graph->comm, growth_new(&g));
  OURO_TRY(ouro_recursion_create(graph->comm, all->system, cost->engine, 0, &g.recursion));
  OURO_TRY(iterate(&g, limit, out));
  OURO_TRY(summarise(graph, verdict, &g, out));
  report(out);
cleanup:
  growth_clear(&g);
  ouro_closed_destroy(&all);
  ouro_system_destroy(&system);
  return status;
}

/* May errors grow where the topology is healthy? */
static ouro_status look_for_need(const ouro_config *config, const ouro_family *family, const ouro_graph *graph,
                                 const ouro_survey *survey, bool *needed) {
  int found = ouro_family_amplifies(family);
  for (ouro_lid i = 0; i < graph->n_owned; i++) {
    found |= ouro_system_terms(config, family, graph, survey, i).eta > 1;
  }
  const int code = MPI_Allreduce(MPI_IN_PLACE, &found, 1, MPI_INT, MPI_MAX, graph->comm);
  *needed = found != 0;
  return ouro_agree(graph->comm, ouro_mpi_status(code));
}

static ouro_status decide(const ouro_config *config, const ouro_family *family, const ouro_graph *graph,
                          const ouro_verdict *verdict, ouro_bounded *out) {
  ouro_status status = OURO_OK;
  ouro_survey survey = {0};
  ouro_cost cost = {0};
  const char *why = NULL;
  int64_t limit = 0;
  int ranks;
  MPI_Comm_size(graph->comm, &ranks);
  OURO_TRY(ouro_survey_make(config, family, graph, &survey));
  const bool shrinks = config->learning.growth > 0; /* what lets errors grow vanishes as training sets grow */
  if (survey.untraced == NULL && !shrinks) OURO_TRY(look_for_need(config, family, graph, &survey, &out->needed));
  if (survey.obstacle || !out->needed) {
    why = survey.obstacle ? survey.obstacle : "eta is nowhere above 1: topology alone decides";
  } else if (config->theory.exact == OURO_EXACT_NONE) {
    why = "theory.exact is none";
  } else if (ouro_config_forget(config) == 1) {
    why = "where all samples are kept nothing grows";
    out->needed = false;
  } else {
    cost = ouro_cost_of(&survey, ranks);
    OURO_TRY(find_limit(config, graph, &survey, &cost, &limit));
    if (limit == 0) why = "too large for the power iteration";
  }
  if (why) {
    snprintf(out->reason, sizeof out->reason, "%s", why);
  } else {
    OURO_TRY(run(config, family, graph, verdict, &survey, &cost, limit, out));
  }
cleanup:
  ouro_survey_clear(&survey);
  return status;
}

static ouro_status bounded_new(ouro_bounded **bounded) {
  ouro_status status = OURO_OK;
  OURO_NEW(*bounded, 1);
  (*bounded)->radius = (*bounded)->sources = (*bounded)->spread = NAN;
cleanup:
  return status;
}

ouro_status ouro_bounded_create(const ouro_config *config, const ouro_family *family, const ouro_graph *graph,
                                const ouro_verdict *verdict, ouro_timers *timers, ouro_bounded **bounded) {
  ouro_status status = OURO_OK;
  ouro_bounded *made = NULL;
  *bounded = NULL;
  ouro_timers_enter(timers, OURO_PHASE_THEORY);
  OURO_AGREE(graph->comm, bounded_new(&made));
  OURO_TRY(decide(config, family, graph, verdict, made));
  *bounded = made;
  made = NULL;
cleanup:
  ouro_bounded_destroy(&made);
  ouro_timers_leave(timers);
  return status;
}

void ouro_bounded_destroy(ouro_bounded **bounded) {
  if (*bounded == NULL) return;
  free((*bounded)->factor);
  free(*bounded);
  *bounded = NULL;
}
