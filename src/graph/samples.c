/* Sample counts of feeds in few bytes: see samples.h. The smallest count of all is tried as the unit, then 1: feeds
 * that all say the same are that many of them even where duplicates were added up. Does not know where counts are
 * from. */

#include "graph/samples.h"

#include <stdlib.h>

#include "ouro/base/memory.h"

/* Ways to hold the counts, best first. */
enum { ALIKE, MULTIPLES, SMALL, WAYS };

static ouro_count least_of(const ouro_graph *graph) {
  ouro_count least = INT64_MAX;
  for (ouro_eid k = 0; k < graph->row[graph->n_owned]; k++) {
    if (graph->samples[k] < least) least = graph->samples[k];
  }
  MPI_Allreduce(MPI_IN_PLACE, &least, 1, OURO_COUNT_MPI, MPI_MIN, graph->comm);
  return least;
}

static bool is_short(ouro_count count, ouro_count each) {
  return count % each == 0 && count / each <= UINT16_MAX;
}

/* The best way that no feed of any rank forbids; WAYS if there is none. */
static int way_of(const ouro_graph *graph, ouro_count each) {
  int bad[WAYS] = {0}, way = 0;
  for (ouro_eid k = 0; k < graph->row[graph->n_owned]; k++) {
    const ouro_count count = graph->samples[k];
    if (count == each) continue;
    bad[ALIKE] = 1;
    bad[MULTIPLES] |= !is_short(count, each);
    bad[SMALL] |= count > UINT16_MAX;
  }
  if (each > UINT16_MAX) bad[SMALL] = 1;
  MPI_Allreduce(MPI_IN_PLACE, bad, WAYS, MPI_INT, MPI_MAX, graph->comm);
  while (way < WAYS && bad[way]) way++;
  return way;
}

static ouro_status make_times(ouro_graph *graph, ouro_count each) {
  ouro_status status = OURO_OK;
  const ouro_eid n = graph->row[graph->n_owned];
  OURO_NEW(graph->times, n);
  for (ouro_eid k = 0; k < n; k++) {
    graph->times[k] = (uint16_t)(graph->samples[k] == each ? 1 : graph->samples[k] / each);
  }
cleanup:
  return status;
}

ouro_status ouro_samples_pack(ouro_graph *graph) {
  ouro_status status = OURO_OK;
  const ouro_count least = least_of(graph);
  const int way = way_of(graph, least);
  graph->each = way == SMALL ? 1 : least;
  if (way == MULTIPLES || way == SMALL) OURO_AGREE(graph->comm, make_times(graph, graph->each));
  if (way == WAYS) return OURO_OK;
  free(graph->samples);
  graph->samples = NULL;
cleanup:
  return status;
}
