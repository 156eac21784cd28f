/* Advice for graphs of any size, by backward walks: what each feed would take off the total error, and the totals with
 * the chosen ones in place. Every decision rests on exact sums over all ranks, or on integers. Must not know how a pair
 * walks. */

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ouro/base/memory.h"
#include "ouro/graph/meet.h"
#include "theory/advise.h"
#include "theory/advise_cure.h"
#include "theory/dual_walk.h"
#include "theory/rates.h"
#include "theory/select.h"

enum { SHORTLIST = 32, LEAST_PAIRS = 1 << 12, FIRST_PAIRS = 1 << 18 };

static const double pair_seconds = 5e-7; /* of one core, for one step of a pair */

/* What the walks since the last change of the graph say of the total error. */
typedef struct tally {
  ouro_sum sums[2]; /* of V and V^2 */
  int64_t n;        /* pairs */
} tally;

typedef struct planner {
  const ouro_advisor *a;
  ouro_gains *gains;
  int8_t *open;   /* [n_owned] candidates not chosen yet */
  int8_t *stands; /* [n_owned] those in question */
  int32_t *bin;   /* [generations + 1] zeros */
  ouro_cure cure; /* members of unstable sources */
  uint64_t round; /* of walks: each has random numbers of its own */
  int64_t first_pairs, most_pairs;
  int64_t n_pairs; /* since gains were cleared */
  tally tally;
} planner;

static void planner_clear(planner *p) {
  ouro_gains_destroy(&p->gains);
  ouro_cure_clear(&p->cure);
  free(p->open);
  free(p->stands);
  free(p->bin);
}

/* ---- total error ---- */

static double total_of(const planner *p, const tally *t) {
  tally copy = *t;
  return (double)p->a->graph->n_nodes * ouro_sum_value(&copy.sums[0]) / (double)t->n;
}

static double error_of(const planner *p, const tally *t) {
  tally copy = *t;
  const double n = (double)t->n, sum = ouro_sum_value(&copy.sums[0]), squares = ouro_sum_value(&copy.sums[1]);
  const double spread = squares - sum / n * sum;
  return spread > 0 ? (double)p->a->graph->n_nodes * sqrt(spread / (n - 1) / n) : 0;
}

/* No part of the total, summed up from the same pairs, has a larger error than this. */
static double largest_error_of(const planner *p, const tally *t) {
  tally copy = *t;
  return (double)p->a->graph->n_nodes * sqrt(ouro_sum_value(&copy.sums[1])) / (double)t->n;
}

static ouro_status walk_pairs(planner *p, ouro_walks *walks, int64_t n) {
  ouro_status status = OURO_OK;
  ouro_sum news[2];
  ouro_sum_zero(&news[0]);
  ouro_sum_zero(&news[1]);
  const ouro_walks_task task = {.n = n,
                                .horizon = p->a->config->learning.generations,
                                .bin = p->bin,
                                .n_bins = 1,
                                .round = ++p->round,
                                .gains = p->gains,
                                .changes = news};
  OURO_TRY(ouro_walks_run(walks, &task));
  OURO_TRY(ouro_sum_reduce(news, 2, p->a->graph->comm));
  for (int k = 0; k < 2; k++) ouro_sum_merge(&p->tally.sums[k], &news[k]);
  p->tally.n += n;
  p->n_pairs += n;
  p->a->advice->n_evaluated += n;
cleanup:
  return status;
}

/* ---- candidates ---- */

/* Noise of the fit of a node, were it fed. A root would be fitted to the real samples alone. */
static double fed_noise(const ouro_advisor *a, const ouro_survey *survey, ouro_lid i) {
  const ouro_count samples = a->config->real.samples;
  if (survey->root[i]) return ouro_family_noise(a->family, samples);
  a->graph->real[i] += samples;
  const double noise = ouro_system_terms(a->config, a->family, a->graph, survey, i).noise;
  a->graph->real[i] -= samples;
  return noise;
}

/* Tell the walks who is in question. */
static ouro_status set_candidates(planner *p, const ouro_survey *survey) {
  ouro_status status = OURO_OK;
  const ouro_advisor *a = p->a;
  const double samples = (double)a->config->real.samples;
  double largest = a->config->learning.draw == OURO_DRAW_PUBLISHED ? a->family->spread.base : 0;
  for (ouro_lid i = 0; i < a->graph->n_owned; i++) {
    const ouro_terms terms = ouro_system_terms(a->config, a->family, a->graph, survey, i);
    p->gains->share[i] = p->stands[i] ? samples / ((double)terms.size + samples) : 0;
    p->gains->fed[i] = p->stands[i] ? fed_noise(a, survey, i) : 0;
    largest = fmax(largest, fmax(terms.noise, terms.start));
  }
  OURO_AGREE(a->graph->comm,
             ouro_mpi_status(MPI_Allreduce(MPI_IN_PLACE, &largest, 1, MPI_DOUBLE, MPI_MAX, a->graph->comm)));
  ouro_gains_clear(p->gains, largest);
cleanup:
  return status;
}

/* As many pairs more as were walked, until the error is small enough. */
static ouro_status walk_enough(planner *p, ouro_walks *walks) {
  ouro_status status = OURO_OK;
  p->n_pairs = 0;
  OURO_TRY(walk_pairs(p, walks, p->first_pairs));
  while (p->n_pairs < p->most_pairs &&
         error_of(p, &p->tally) > p->a->config->theory.dual_error * total_of(p, &p->tally)) {
    const int64_t left = p->most_pairs - p->n_pairs;
    OURO_TRY(walk_pairs(p, walks, p->n_pairs < left ? p->n_pairs : left));
  }
cleanup:
  return status;
}

/* Walk on the graph as it is now. changed: since the last time. */
static ouro_status evaluate(planner *p, bool changed) {
  ouro_status status = OURO_OK;
  const ouro_advisor *a = p->a;
  ouro_survey survey = {0};
  ouro_walks *walks = NULL;
  if (changed) {
    ouro_sum_zero(&p->tally.sums[0]);
    ouro_sum_zero(&p->tally.sums[1]);
    p->tally.n = 0;
  }
  OURO_TRY(ouro_survey_make(a->config, a->family, a->graph, &survey));
  OURO_TRY(ouro_walks_check(a->config, a->family, a->graph, &survey));
  OURO_TRY(set_candidates(p, &survey));
  OURO_TRY(ouro_walks_create(a->config, a->family, a->graph, &survey, OURO_WALKS_IN_FLIGHT, &walks));
  OURO_TRY(walk_enough(p, walks));
cleanup:
  ouro_walks_destroy(&walks);
  ouro_survey_clear(&survey);
  return status;
}

/* In question: of each source one model, elsewhere all that the real samples alone suffice for. */
static ouro_status mark_candidates(planner *p) {
  const ouro_advisor *a = p->a;
  const ouro_count samples = a->config->real.samples;
  const bool enough = samples >= a->family->least_samples && ouro_family_eta(a->family, samples) <= 1;
  for (ouro_lid i = 0; i < a->graph->n_owned; i++) {
    p->stands[i] = p->open[i] && a->verdict->component[i] < 0 && (enough || !ouro_graph_is_root(a->graph, i));
  }
  return ouro_cure_mark(&p->cure, a->graph, p->open, p->stands);
}

/* ---- the best few ---- */

/* Ascending order is that of choice: the largest gain first; where walks have met nobody, sources first. */
static int64_t rank_of(const planner *p, ouro_lid i) {
  const double gain = (double)p->gains->gain[i];
  const double size = fabs(gain);
  int64_t bits;
  memcpy(&bits, &size, sizeof bits); /* non-negative doubles have the order of their bits */
  if (gain > 0) return -bits;
  return gain < 0 ? 3 + bits : p->a->verdict->component[i] >= 0 ? 1 : 2;
}

static ouro_status list_standing(const planner *p, ouro_pair **list, int64_t *n) {
  ouro_status status = OURO_OK;
  OURO_NEW(*list, p->a->graph->n_owned + SHORTLIST);
  for (ouro_lid i = 0; i < p->a->graph->n_owned; i++) {
    if (p->stands[i]) (*list)[(*n)++] = (ouro_pair){rank_of(p, i), p->a->graph->gid[i]};
  }
  if (*n > 1) qsort(*list, (size_t)*n, sizeof **list, ouro_pair_compare);
cleanup:
  return status;
}

/* The first `most` of those in question, on all ranks. */
static ouro_status choose_first(const planner *p, int most, ouro_pair *chosen, int *found) {
  ouro_status status = OURO_OK;
  ouro_pair *list = NULL;
  int64_t n = 0;
  OURO_AGREE(p->a->graph->comm, list_standing(p, &list, &n));
  if (n > most) n = most;
  if (n > 0) memcpy(chosen, list, (size_t)n * sizeof *chosen);
  OURO_TRY(ouro_select_least(p->a->graph->comm, (int)n, most, chosen, found));
cleanup:
  free(list);
  return status;
}

/* Those for whom the first walks speak, once more with walks of their own and nobody else's in between. */
static ouro_status walk_for_shortlist(planner *p, bool *any) {
  ouro_status status = OURO_OK;
  const ouro_graph *graph = p->a->graph;
  ouro_pair chosen[SHORTLIST];
  int n;
  OURO_TRY(choose_first(p, SHORTLIST, chosen, &n));
  *any = n > 0;
  if (n <= 1) return OURO_OK;
  for (ouro_lid i = 0; i < graph->n_owned; i++) {
    bool listed = false;
    for (int k = 0; k < n && p->stands[i]; k++) listed = listed || chosen[k].value == graph->gid[i];
    p->stands[i] = listed;
  }
  OURO_TRY(evaluate(p, false));
cleanup:
  return status;
}

/* The total with the feeds chosen so far. */
static void record(const planner *p, ouro_advice *advice) {
  const double total = total_of(p, &p->tally), error = error_of(p, &p->tally);
  if (advice->n_best == 0) {
    advice->total = total;
    advice->standard_error = error;
  } else {
    advice->best[advice->n_best - 1].total = total;
    advice->best[advice->n_best - 1].standard_error = error;
  }
}

/* Every rank learns the source of the node, closes it and feeds it. */
static ouro_status take(planner *p, ouro_gid node) {
  ouro_status status = OURO_OK;
  const ouro_graph *graph = p->a->graph;
  ouro_advice_feed *feed = &p->a->advice->best[p->a->advice->n_best];
  *feed = (ouro_advice_feed){node, -1, 0, 0};
  for (ouro_lid i = 0; i < graph->n_owned; i++) {
    if (graph->gid[i] != node) continue;
    feed->component = p->a->verdict->component[i];
    p->open[i] = 0;
  }
  OURO_AGREE(graph->comm,
             ouro_mpi_status(MPI_Allreduce(MPI_IN_PLACE, &feed->component, 1, OURO_GID_MPI, MPI_MAX, graph->comm)));
  ouro_advisor_feed(p->a, node, p->a->config->real.samples);
  p->a->advice->n_best++;
cleanup:
  return status;
}

static ouro_status find_best(planner *p) {
  ouro_status status = OURO_OK;
  ouro_advice *advice = p->a->advice;
  ouro_pair first;
  int found;
  for (bool any = true; advice->n_best < p->a->budget;) {
    OURO_TRY(mark_candidates(p));
    OURO_TRY(evaluate(p, advice->n_best > 0));
    OURO_TRY(walk_for_shortlist(p, &any));
    record(p, advice);
    if (!any) goto cleanup;
    OURO_TRY(choose_first(p, 1, &first, &found));
    OURO_TRY(take(p, first.value));
  }
  if (advice->n_best == 0) goto cleanup;
  if (p->a->graph->n_owned > 0) memset(p->stands, 0, (size_t)p->a->graph->n_owned * sizeof *p->stands);
  OURO_TRY(evaluate(p, true));
  record(p, advice);
cleanup:
  ouro_advisor_starve(p->a);
  return status;
}

/* ---- the cure ---- */

/* What the walks have met in each source, as part of the total. */
static ouro_status weigh_sources(planner *p, int when) {
  const double scale = (double)p->a->graph->n_nodes / (double)p->n_pairs;
  return ouro_cure_weigh(&p->cure, p->a->graph, p->gains, scale, when);
}

/* One model of each source, and the totals before and after: contributions of sources add up. */
static ouro_status find_cure(planner *p) {
  ouro_status status = OURO_OK;
  const ouro_advisor *a = p->a;
  int64_t n;
  OURO_TRY(mark_candidates(p));
  OURO_TRY(evaluate(p, true));
  record(p, a->advice);
  const tally before = p->tally;
  OURO_TRY(ouro_cure_choose(&p->cure, a, p->stands, &n));
  a->advice->n_incurable = a->verdict->n_unstable - n;
  OURO_AGREE(a->graph->comm, ouro_advisor_room_for_cure(a, n));
  if (n == 0) goto cleanup;
  OURO_TRY(weigh_sources(p, OURO_CURE_BEFORE));
  if (a->graph->n_owned > 0) memset(p->stands, 0, (size_t)a->graph->n_owned * sizeof *p->stands);
  OURO_TRY(evaluate(p, true));
  OURO_TRY(weigh_sources(p, OURO_CURE_AFTER));
  const double of_parts = hypot(largest_error_of(p, &before), largest_error_of(p, &p->tally));
  OURO_TRY(ouro_cure_list(&p->cure, a, n, total_of(p, &p->tally), error_of(p, &p->tally), of_parts));
  p->tally = before;
cleanup:
  ouro_advisor_starve(a);
  return status;
}

/* ---- set-up ---- */

static ouro_status planner_new(planner *p) {
  ouro_status status = OURO_OK;
  const ouro_advisor *a = p->a;
  OURO_NEW(p->open, a->graph->n_owned);
  OURO_NEW(p->stands, a->graph->n_owned);
  OURO_NEW(p->bin, a->config->learning.generations + 1);
  if (a->graph->n_owned > 0) memcpy(p->open, a->candidate, (size_t)a->graph->n_owned * sizeof *p->open);
  OURO_TRY(ouro_advisor_room_for_best(a));
cleanup:
  return status;
}

/* How many pairs a round may have, so that all of them take no longer than the limit. */
static ouro_status ration(planner *p) {
  ouro_status status = OURO_OK;
  const ouro_config *config = p->a->config;
  const double rounds = 3 + 2 * (double)p->a->budget, steps = (double)config->learning.generations + 1;
  const double most = OURO_ADVISE_PATIENCE / pair_seconds / rounds / steps;
  OURO_CHECK(most >= LEAST_PAIRS, OURO_ELIMIT,
             "walks of %" PRId64 " generations for %" PRId64 " feeds take longer than %.0f s of one core: a smaller "
             "budget or fewer generations make it less",
             config->learning.generations, p->a->budget, OURO_ADVISE_PATIENCE);
  p->most_pairs = config->theory.dual_walks < most ? config->theory.dual_walks : (int64_t)most;
  p->first_pairs = p->most_pairs < FIRST_PAIRS ? p->most_pairs : FIRST_PAIRS;
cleanup:
  return status;
}

static ouro_status check_memory(const ouro_advisor *a) {
  const double need = ouro_walks_bytes(a->graph, OURO_WALKS_IN_FLIGHT) +
                      ouro_gains_bytes(a->graph, OURO_WALKS_IN_FLIGHT) + ouro_cure_bytes(a->verdict, a->graph->n_owned);
  const double available = (double)ouro_memory_available(a->graph->comm);
  return ouro_agree(a->graph->comm, need <= available
                                        ? OURO_OK
                                        : ouro_error(OURO_ELIMIT, "walks need %.3g MB a rank of %.3g MB available",
                                                     need / 1e6, available / 1e6));
}

ouro_status ouro_advise_by_walks(const ouro_advisor *advisor) {
  ouro_status status = OURO_OK;
  planner p = {.a = advisor};
  ouro_advice *advice = advisor->advice;
  advice->method = OURO_ADVICE_WALKS;
  OURO_TRY(ration(&p)); /* the same on all ranks */
  OURO_TRY(check_memory(advisor));
  OURO_AGREE(advisor->graph->comm, planner_new(&p));
  OURO_TRY(ouro_gains_create(advisor->graph, OURO_WALKS_IN_FLIGHT, &p.gains));
  OURO_TRY(ouro_cure_open(advisor, &p.cure));
  OURO_TRY(find_cure(&p));
  OURO_TRY(find_best(&p));
  snprintf(
      advice->reason, sizeof advice->reason,
      "backward walks, %" PRId64 " pairs in %" PRIu64 " rounds; in unstable sources the model with the most visits "
      "for its samples%s",
      advice->n_evaluated, p.round, p.cure.n_unsettled > 0 ? " (some mix so slowly that these are not settled)" : "");
cleanup:
  planner_clear(&p);
  return status;
}
