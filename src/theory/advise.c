/* Advice (THEORY.md section 2, cure): what is asked for, and which of two ways answers it. Real data are as they were
 * whatever happens. Must not know how a feed is judged. */

#include "theory/advise.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ouro/base/memory.h"
#include "theory/cost.h"
#include "theory/select.h"

void ouro_advisor_feed(const ouro_advisor *advisor, ouro_gid node, ouro_count samples) {
  const ouro_lid found = ouro_graph_owned(advisor->graph, node);
  if (found >= 0) advisor->graph->real[found] += samples;
}

void ouro_advisor_starve(const ouro_advisor *advisor) {
  const size_t bytes = (size_t)advisor->graph->n_owned * sizeof *advisor->real;
  if (advisor->real && bytes > 0) memcpy(advisor->graph->real, advisor->real, bytes);
}

ouro_status ouro_advisor_room_for_cure(const ouro_advisor *advisor, int64_t n) {
  ouro_status status = OURO_OK;
  OURO_NEW(advisor->advice->cure, n);
cleanup:
  return status;
}

ouro_status ouro_advisor_room_for_best(const ouro_advisor *advisor) {
  ouro_status status = OURO_OK;
  OURO_NEW(advisor->advice->best, advisor->budget);
cleanup:
  return status;
}

void ouro_advice_destroy(ouro_advice **advice) {
  if (*advice == NULL) return;
  free((*advice)->cure);
  free((*advice)->best);
  free(*advice);
  *advice = NULL;
}

/* ---- set-up ---- */

static ouro_status advisor_new(const ouro_advise_request *request, ouro_advisor *a) {
  ouro_status status = OURO_OK;
  const ouro_graph *graph = a->graph;
  OURO_NEW(a->advice, 1);
  OURO_NEW(a->candidate, graph->n_owned);
  OURO_NEW(a->real, graph->n_owned);
  for (ouro_lid i = 0; i < graph->n_owned; i++) {
    a->real[i] = graph->real[i];
    a->candidate[i] = request->candidate ? request->candidate[i] != 0 : graph->real[i] == 0;
  }
cleanup:
  return status;
}

static void advisor_clear(ouro_advisor *a) {
  free(a->real);
  free(a->candidate);
  ouro_advice_destroy(&a->advice);
}

static ouro_status count_candidates(const ouro_advise_request *request, ouro_advisor *a) {
  ouro_status status = OURO_OK;
  int64_t count[2] = {0, 0};
  for (ouro_lid i = 0; i < a->graph->n_owned; i++) {
    count[0] += a->candidate[i];
    count[1] += a->candidate[i] && a->verdict->component[i] >= 0;
  }
  OURO_AGREE(a->graph->comm,
             ouro_mpi_status(MPI_Allreduce(MPI_IN_PLACE, count, 2, MPI_INT64_T, MPI_SUM, a->graph->comm)));
  a->n_candidates = a->advice->n_candidates = count[0];
  a->n_in_sources = count[1];
  a->budget = request->budget < count[0] ? request->budget : count[0];
cleanup:
  return status;
}

/* ---- which way ---- */

/* Whether trial by recursion is in reach, and its figures. */
static ouro_status weigh(const ouro_advisor *a, const ouro_survey *survey, bool *small, char *figures, size_t size) {
  const ouro_graph *graph = a->graph;
  int ranks;
  MPI_Comm_size(graph->comm, &ranks);
  const double n_runs = 1 + (double)a->n_in_sources + (double)a->budget * (double)a->n_candidates;
  const double seconds =
      (double)a->config->learning.generations * ouro_sparse_seconds((double)survey->n, (double)survey->n_weights);
  const double need = ouro_sparse_bytes(survey->n, survey->n_weights, ranks);
  const bool listed = a->verdict->n_unstable == a->verdict->n_listed;
  const bool always = a->config->theory.exact == OURO_EXACT_ALWAYS;
  *small = need <= (double)ouro_memory_available(graph->comm) && listed && a->config->theory.exact != OURO_EXACT_NONE &&
           (always || n_runs * seconds <= OURO_ADVISE_PATIENCE);
  snprintf(figures, size, "%.0f recursions of %" PRId64 " models, about %.2g s and %.2g MB a rank each", n_runs,
           survey->n, seconds, need / 1e6);
  int all = *small; /* memory may differ */
  const int code = MPI_Allreduce(MPI_IN_PLACE, &all, 1, MPI_INT, MPI_LAND, graph->comm);
  *small = all != 0;
  return ouro_agree(graph->comm, ouro_mpi_status(code));
}

static ouro_status choose_way(const ouro_advisor *a, bool *small, char *figures, size_t size) {
  ouro_status status = OURO_OK;
  ouro_survey survey = {0};
  OURO_CHECK(a->config->real.kind != OURO_REAL_INITIAL, OURO_ECONFIG,
             "real.kind=initial: real data of generation 0 alone cure nothing, so there is no advice");
  OURO_TRY(ouro_survey_make(a->config, a->family, a->graph, &survey));
  OURO_CHECK(survey.obstacle == NULL, OURO_ELIMIT, "no advice: %s", survey.obstacle);
  OURO_TRY(weigh(a, &survey, small, figures, size));
  a->advice->exact = survey.exact && (a->family->law == OURO_LAW_MEANS || a->config->real.kind == OURO_REAL_FRESH);
cleanup:
  ouro_survey_clear(&survey);
  return status;
}

/* A refusal says what both ways lack. */
static ouro_status advise(const ouro_advisor *a) {
  char figures[256], why[512];
  bool small = false;
  ouro_status status = choose_way(a, &small, figures, sizeof figures);
  if (status != OURO_OK) return status;
  if (small) return ouro_advise_by_recursion(a);
  status = ouro_advise_by_walks(a);
  if (status != OURO_ELIMIT) return status;
  snprintf(why, sizeof why, "%s", ouro_error_message());
  return ouro_error(OURO_ELIMIT,
                    "too large for advice by recursion (%s); %s (`ouro verdict` names a model of each "
                    "unstable source: real data there cure it)",
                    figures, why);
}

ouro_status ouro_advise(const ouro_config *config, const ouro_family *family, ouro_graph *graph,
                        const ouro_verdict *verdict, const ouro_advise_request *request, ouro_advice **advice) {
  ouro_status status = OURO_OK;
  ouro_advisor a = {.config = config, .family = family, .graph = graph, .verdict = verdict};
  *advice = NULL;
  OURO_AGREE(graph->comm, advisor_new(request, &a));
  OURO_TRY(count_candidates(request, &a));
  OURO_TRY(advise(&a));
  *advice = a.advice;
  a.advice = NULL;
cleanup:
  ouro_advisor_starve(&a);
  advisor_clear(&a);
  return status;
}
