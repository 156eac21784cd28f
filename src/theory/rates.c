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

static ouro_status rates_new(const ouro_graph *graph, const ouro_verdict *verdict, ouro_rates **rates,
                             ouro_mark **mark) {
  ouro_status status = OURO_OK;
  OURO_NEW(*rates, 1);
  OURO_NEW((*rates)->rate, graph->n_owned);
  OURO_NEW((*rates)->weight, graph->n_owned);
  OURO_NEW((*rates)->listed, verdict->n_listed);
  OURO_NEW(*mark, graph->n_owned + graph->n_ghost);
cleanup:
  return status;
}

void ouro_rates_destroy(ouro_rates **rates) {
  if (*rates == NULL) return;
  free((*rates)->rate);
  free((*rates)->weight);
  free((*rates)->listed);
  free(*rates);
  *rates = NULL;
}

static int by_gid(const void *left, const void *right) {
  const ouro_gid a = *(const ouro_gid *)left, b = *(const ouro_gid *)right;
  return (a > b) - (a < b);
}

/* The owner of a source's first node knows its figures; the others add nothing to their bits. */
static ouro_status list_sources(const ouro_graph *graph, const ouro_verdict *verdict, const ouro_mark *mark,
                                ouro_rates *rates) {
  ouro_status status = OURO_OK;
  int64_t word[2 * OURO_VERDICT_LISTED] = {0};
  for (int k = 0; k < verdict->n_listed; k++) {
    const ouro_gid *first =
        bsearch(&verdict->listed[k].first, graph->gid, (size_t)graph->n_owned, sizeof *graph->gid, by_gid);
    if (first == NULL) continue;
    const ouro_mark *known = &mark[first - graph->gid];
    word[2 * k] = known->period;
    memcpy(&word[2 * k + 1], &known->rate, sizeof known->rate);
  }
  OURO_AGREE(graph->comm, ouro_mpi_status(MPI_Allreduce(MPI_IN_PLACE, word, 2 * verdict->n_listed, MPI_INT64_T, MPI_SUM,
                                                        graph->comm)));
  for (int k = 0; k < verdict->n_listed; k++) {
    rates->listed[k].period = word[2 * k];
    memcpy(&rates->listed[k].rate, &word[2 * k + 1], sizeof rates->listed[k].rate);
  }
cleanup:
  return status;
}

ouro_status ouro_rates_create(const ouro_graph *graph, const ouro_verdict *verdict, const ouro_rates_options *options,
                              const double *noise, ouro_rates **rates) {
  ouro_status status = OURO_OK;
  ouro_rates *made = NULL;
  ouro_mark *mark = NULL;
  *rates = NULL;
  OURO_AGREE(graph->comm, rates_new(graph, verdict, &made, &mark));
  if (verdict->n_unstable > 0) {
    OURO_TRY(ouro_rates_sources(graph, verdict, options, noise, mark, made));
    OURO_TRY(ouro_rates_downstream(graph, verdict, options, mark, made));
    OURO_TRY(list_sources(graph, verdict, mark, made));
  }
  *rates = made;
  made = NULL;
cleanup:
  free(mark);
  ouro_rates_destroy(&made);
  return status;
}
