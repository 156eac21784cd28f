/* What a generation adds to the errors of an unstable source: THEORY.md section 6. */

#include <stdlib.h>

#include "ouro/base/memory.h"
#include "ouro/theory/rates.h"
#include "theory/survey.h"

static ouro_status corpora(const ouro_graph *graph, int64_t **corpus) {
  ouro_status status = OURO_OK;
  OURO_NEW(*corpus, graph->n_owned + graph->n_ghost);
cleanup:
  return status;
}

ouro_status ouro_rates_noise(const ouro_config *config, const ouro_family *family, const ouro_graph *graph,
                             double *noise) {
  ouro_status status = OURO_OK;
  int64_t *corpus = NULL;
  OURO_AGREE(graph->comm, corpora(graph, &corpus));
  if (ouro_survey_is_published(config)) OURO_TRY(ouro_survey_corpora(graph, corpus));
  for (ouro_lid i = 0; i < graph->n_owned; i++) {
    if (!ouro_survey_is_published(config))
      noise[i] = ouro_family_noise(family, ouro_survey_size(config, graph, i)) *
                 (ouro_survey_size(config, graph, i) > 0 ? ouro_survey_scatter(config, family, graph, i) : 1);
    else
      noise[i] = corpus[i] > 0 ? ouro_survey_base(family, graph, i) / (double)corpus[i]
                               : 1; /* whom nobody hears is in no source */
  }
cleanup:
  free(corpus);
  return status;
}
