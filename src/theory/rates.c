/* Growth rates of collapsing nodes (THEORY.md section 6): the sources first, then what they feed.
 * Everything follows global ids, never ownership. Must not know model families. */

#include "theory/rates.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "ouro/base/memory.h"
#include "theory/select.h"

int64_t ouro_rates_most_steps(int64_t n_weights) {
  const int64_t work = (int64_t)1 << 33, least = 256, most = 1 << 16;
  const int64_t steps = work / (n_weights + 1);
  return steps < least ? least : steps > most ? most : steps;
}

static ouro_status rates_new(const ouro_graph *graph, ouro_rates **rates, ouro_mark **mark) {
  ouro_status status = OURO_OK;
  OURO_NEW(*rates, 1);
  OURO_NEW((*rates)->rate, graph->n_owned);
  OURO_NEW((*rates)->weight, graph->n_owned);
  OURO_NEW((*rates)->period, graph->n_owned);
  OURO_NEW(*mark, graph->n_owned + graph->n_ghost);
cleanup:
  return status;
}

void ouro_rates_destroy(ouro_rates **rates) {
  if (*rates == NULL) return;
  free((*rates)->rate);
  free((*rates)->weight);
  free((*rates)->period);
  free(*rates);
  *rates = NULL;
}

static ouro_status new_words(int n, int64_t **word) {
  ouro_status status = OURO_OK;
  OURO_NEW(*word, 2 * n);
cleanup:
  return status;
}

/* The owner of a source's first node knows its figures; the others add nothing to their bits. */
ouro_status ouro_rates_of(const ouro_graph *graph, const ouro_rates *rates, int n, const ouro_unstable *sources,
                          ouro_source_rate *found) {
  ouro_status status = OURO_OK;
  int64_t *word = NULL;
  OURO_AGREE(graph->comm, new_words(n, &word));
  for (int k = 0; k < n; k++) {
    const ouro_lid first = ouro_graph_owned(graph, sources[k].first);
    if (first < 0) continue;
    word[2 * k] = rates->period[first];
    memcpy(&word[2 * k + 1], &rates->rate[first], sizeof *rates->rate);
  }
  OURO_AGREE(graph->comm, ouro_mpi_status(MPI_Allreduce(MPI_IN_PLACE, word, 2 * n, MPI_INT64_T, MPI_SUM, graph->comm)));
  for (int k = 0; k < n; k++) {
    found[k].period = word[2 * k];
    memcpy(&found[k].rate, &word[2 * k + 1], sizeof found[k].rate);
  }
cleanup:
  free(word);
  return status;
}

static ouro_status create(const ouro_graph *graph, const ouro_verdict *verdict, const ouro_rates_options *options,
                          const double *noise, bool downstream, ouro_rates **rates) {
  ouro_status status = OURO_OK;
  ouro_rates *made = NULL;
  ouro_mark *mark = NULL;
  *rates = NULL;
  OURO_AGREE(graph->comm, rates_new(graph, &made, &mark));
  if (verdict->n_unstable > 0) {
    OURO_TRY(ouro_rates_sources(graph, verdict, options, noise, mark, made));
    if (downstream) OURO_TRY(ouro_rates_downstream(graph, verdict, options, mark, made));
  }
  *rates = made;
  made = NULL;
cleanup:
  free(mark);
  ouro_rates_destroy(&made);
  return status;
}

ouro_status ouro_rates_create(const ouro_graph *graph, const ouro_verdict *verdict, const ouro_rates_options *options,
                              const double *noise, ouro_rates **rates) {
  return create(graph, verdict, options, noise, true, rates);
}

ouro_status ouro_rates_create_sources(const ouro_graph *graph, const ouro_verdict *verdict,
                                      const ouro_rates_options *options, const double *noise, ouro_rates **rates) {
  return create(graph, verdict, options, noise, false, rates);
}
