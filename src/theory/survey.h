#ifndef OURO_THEORY_SURVEY_H
#define OURO_THEORY_SURVEY_H

/* An experiment as the recursion sees it: which formula it has, and how large the system is. */

#include <math.h>

#include "ouro/family/family.h"
#include "ouro/graph/mixing.h"
#include "ouro/graph/schedule.h"

/* What a graph asks of the recursion, before anything of that size is allocated. */
typedef struct ouro_survey {
  bool exact;                 /* sections 3, 5; else first order */
  const char *obstacle;       /* why there is no formula, or NULL; the same on all ranks */
  const char *untraced;       /* why there is none for trajectories either, whose counts may change, or NULL */
  int64_t n, n_weights;       /* of the system, virtual nodes included, over all ranks */
  int64_t held, held_weights; /* rows of P that come from this rank, and their weights */
  int8_t *root;               /* [n_owned + n_ghost] */
  int8_t *
      aside; /* [n_owned + n_ghost] is its corpus apart, as it is not always redrawn, or the chance of its subsample? */
  int64_t *corpus; /* [n_owned + n_ghost] M_j of published draws, 0 if nobody trains on j */
} ouro_survey;

/** Size up the recursion of a configuration.
 *  Collective on graph's communicator.
 *  [out] survey to be released with ouro_survey_clear(), also on error
 *  Returns the same status on all ranks: OURO_OK, OURO_ENOMEM, OURO_EMPI. */
ouro_status ouro_survey_make(const ouro_config *config, const ouro_family *family, const ouro_graph *graph,
                             ouro_survey *survey);

/** Release the arrays of a survey.
 *  Not collective. */
void ouro_survey_clear(ouro_survey *survey);

/** M_j of published draws, from the feeds into all consumers of j.
 *  Collective on graph's communicator.
 *  [inout] corpus [n_owned + n_ghost] zeros; 0 where nobody trains on j
 *  Returns the same status on all ranks: OURO_OK, OURO_ENOMEM, OURO_EMPI. */
ouro_status ouro_survey_corpora(const ouro_graph *graph, int64_t *corpus);

/* Real samples of a generation after the first. */
static inline ouro_count ouro_survey_real(const ouro_config *config, const ouro_graph *graph, ouro_lid i) {
  return config->real.kind == OURO_REAL_INITIAL ? 0 : graph->real[i];
}

/* n_i of a generation after the first; 0 at roots. */
static inline ouro_count ouro_survey_size(const ouro_config *config, const ouro_graph *graph, ouro_lid i) {
  return ouro_graph_training_size(graph, i) - graph->real[i] + ouro_survey_real(config, graph, i);
}

/* P_i0 of a trained node. */
static inline double ouro_survey_real_share(const ouro_config *config, const ouro_graph *graph, ouro_lid i) {
  const ouro_count n = ouro_survey_size(config, graph, i), real = ouro_survey_real(config, graph, i);
  const bool weighted = config->real.weight > 0 && real > 0 && n > real;
  return weighted ? config->real.weight : (double)real / (double)n;
}

/* Expected variance of a sample of a model without error, owned or ghost: of its own noise where the node file has it.
 */
static inline double ouro_survey_base(const ouro_family *family, const ouro_graph *graph, ouro_lid j) {
  const bool own = graph->noise && !isnan(graph->noise[j]);
  return own ? graph->noise[j] * graph->noise[j] : family->spread.base;
}

/** How the samples of a trained node's fit scatter, over how real ones do: P_i0 + sum_k P_ik base_k / base.
 *  Not collective. */
double ouro_survey_scatter(const ouro_config *config, const ouro_family *family, const ouro_graph *graph, ouro_lid i);

static inline bool ouro_survey_is_fixed(const ouro_config *config, const ouro_graph *graph, ouro_lid i) {
  return config->real.kind == OURO_REAL_FIXED && graph->real[i] > 0;
}

static inline bool ouro_survey_is_published(const ouro_config *config) {
  return config->learning.draw == OURO_DRAW_PUBLISHED;
}

static inline bool ouro_survey_is_subsample(const ouro_config *config) {
  return config->learning.regime == OURO_REGIME_SUBSAMPLE;
}

#endif
