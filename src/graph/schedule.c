/* How many samples each generation has: see schedule.h. Does not know what becomes of them. */

#include "ouro/graph/schedule.h"

ouro_count ouro_schedule_initial(const ouro_config *config, const ouro_graph *graph, ouro_lid owned) {
  if (graph->initial && graph->initial[owned] > 0) return graph->initial[owned];
  const bool real = config->real.kind == OURO_REAL_INITIAL && graph->real[owned] > 0;
  return real ? graph->real[owned] : config->learning.initial;
}
