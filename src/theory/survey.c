/* Sizes up the recursion of an experiment before anything of its size is allocated, and says what stands against it. */

#include "theory/survey.h"

#include <stdlib.h>

#include "ouro/base/memory.h"
#include "theory/select.h"

static ouro_status survey_allocate(const ouro_config *config, const ouro_graph *graph, ouro_survey *survey) {
  ouro_status status = OURO_OK;
  OURO_NEW(survey->root, graph->n_owned + graph->n_ghost);
  OURO_NEW(survey->corpus, graph->n_owned + graph->n_ghost);
  OURO_NEW(survey->aside, graph->n_owned + graph->n_ghost);
  for (ouro_lid i = 0; i < graph->n_owned; i++) {
    survey->root[i] = ouro_survey_size(config, graph, i) == 0;
    survey->aside[i] = (ouro_survey_is_published(config) && (survey->root[i] || ouro_schedule_every(graph, i) > 1)) ||
                       (ouro_survey_is_subsample(config) && !survey->root[i]);
  }
cleanup:
  return status;
}

ouro_status ouro_survey_corpora(const ouro_graph *graph, int64_t *corpus) {
  ouro_status status = OURO_OK;
  for (ouro_eid k = 0; k < graph->row[graph->n_owned]; k++) {
    int64_t *size = &corpus[graph->source[k]];
    if (ouro_graph_samples(graph, k) > *size) *size = ouro_graph_samples(graph, k);
  }
  OURO_TRY(ouro_halo_reduce_max(graph->halo, corpus));
  OURO_TRY(ouro_halo_update(graph->halo, corpus, sizeof *corpus));
cleanup:
  return status;
}

double ouro_survey_scatter(const ouro_config *config, const ouro_family *family, const ouro_graph *graph, ouro_lid i) {
  if (graph->noise == NULL) return 1;
  double sum = ouro_survey_real_share(config, graph, i);
  const double size = ouro_mixing_size(graph, ouro_mixing_of(config), i);
  for (ouro_eid k = graph->row[i]; k < graph->row[i + 1]; k++) {
    sum += (double)ouro_graph_samples(graph, k) / size * ouro_survey_base(family, graph, graph->source[k]) /
           family->spread.base;
  }
  return sum;
}

enum { N_NODES, N_WEIGHTS, N_FIXED, N_FEW, N_UNEQUAL, N_TALLY };

static void tally_node(const ouro_config *config, const ouro_family *family, const ouro_graph *graph,
                       const ouro_survey *survey, ouro_lid i, int64_t *tally) {
  const ouro_count least = family->least_samples;
  const bool fixed = ouro_survey_is_fixed(config, graph, i), published = ouro_survey_is_published(config);
  const bool skips = ouro_schedule_every(graph, i) > 1; /* then its row may be that of the identity */
  tally[N_NODES] += 1 + fixed + survey->aside[i];
  tally[N_WEIGHTS] += graph->row[i + 1] - graph->row[i] + (survey->root[i] || skips) + 2 * fixed +
                      (skips && ouro_survey_is_subsample(config));
  tally[N_FIXED] += fixed;
  tally[N_FEW] += ouro_schedule_initial(config, graph, i) < least ||
                  (!survey->root[i] && ouro_schedule_size(config, graph, i, ouro_schedule_every(graph, i)) < least);
  for (ouro_eid k = graph->row[i]; k < graph->row[i + 1]; k++) {
    tally[N_WEIGHTS] += survey->aside[graph->source[k]];
    tally[N_UNEQUAL] += published && ouro_graph_samples(graph, k) != survey->corpus[graph->source[k]];
  }
}

static const char *find_obstacle(const ouro_config *config, const ouro_family *family, const ouro_graph *graph,
                                 const int64_t *tally) {
  const bool remembers = ouro_config_forget(config) > 0;
  if (family->law == OURO_LAW_NONE) return "no formula is known for this family with these parameters";
  if (graph->noise && family->law == OURO_LAW_FIRST_ORDER)
    return "no formula is known for this family where models have a noise of their own";
  if (remembers && ouro_survey_is_published(config)) return "no formula is known for published samples that are kept";
  if (remembers && !ouro_survey_is_subsample(config) && family->spread.fitted)
    return "no formula is known for fitted variances of samples that are kept";
  if (config->real.weight > 0 && family->spread.fitted)
    return "no formula is known for fitted variances of weighted data";
  if (tally[N_FEW] > 0) return "a training set is so small that the expected error is infinite";
  if (tally[N_UNEQUAL] > 0) return "the feeds of a published corpus differ in their counts";
  return NULL;
}

ouro_status ouro_survey_make(const ouro_config *config, const ouro_family *family, const ouro_graph *graph,
                             ouro_survey *survey) {
  ouro_status status = OURO_OK;
  int64_t tally[N_TALLY] = {0};
  *survey = (ouro_survey){0};
  OURO_AGREE(graph->comm, survey_allocate(config, graph, survey));
  OURO_TRY(ouro_halo_update(graph->halo, survey->root, sizeof *survey->root));
  OURO_TRY(ouro_halo_update(graph->halo, survey->aside, sizeof *survey->aside));
  if (ouro_survey_is_published(config)) OURO_TRY(ouro_survey_corpora(graph, survey->corpus));
  for (ouro_lid i = 0; i < graph->n_owned; i++) tally_node(config, family, graph, survey, i, tally);
  survey->held = tally[N_NODES];
  survey->held_weights = tally[N_WEIGHTS];
  OURO_AGREE(graph->comm,
             ouro_mpi_status(MPI_Allreduce(MPI_IN_PLACE, tally, N_TALLY, MPI_INT64_T, MPI_SUM, graph->comm)));
  survey->n = tally[N_NODES];
  survey->n_weights = tally[N_WEIGHTS];
  survey->exact = family->law == OURO_LAW_MEANS ||
                  (family->law == OURO_LAW_REGRESSION && !ouro_survey_is_published(config) && tally[N_FIXED] == 0 &&
                   ouro_config_forget(config) == 0 && config->real.weight == 0);
  survey->obstacle = survey->untraced = find_obstacle(config, family, graph, tally);
  if (survey->obstacle == NULL && ouro_schedule_varies(config, graph)) {
    survey->obstacle = "sample counts change with the generation: learning.growth, or the node file's column every";
  }
cleanup:
  return status;
}

void ouro_survey_clear(ouro_survey *survey) {
  free(survey->root);
  free(survey->aside);
  free(survey->corpus);
  *survey = (ouro_survey){0};
}
