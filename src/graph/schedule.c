/* How many samples each generation has: see schedule.h. Does not know what becomes of them. */

#include "ouro/graph/schedule.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "ouro/base/memory.h"

#define LEAST_WEIGHT 1e-16 /* samples that count less are dropped */

ouro_count ouro_schedule_initial(const ouro_config *config, const ouro_graph *graph, ouro_lid owned) {
  if (graph->initial && graph->initial[owned] > 0) return graph->initial[owned];
  const bool real = config->real.kind == OURO_REAL_INITIAL && graph->real[owned] > 0;
  return real ? graph->real[owned] : config->learning.initial;
}

bool ouro_schedule_varies(const ouro_config *config, const ouro_graph *graph) {
  return config->learning.growth > 0 || graph->every;
}

int64_t ouro_schedule_every(const ouro_graph *graph, ouro_lid owned) {
  return graph->every ? graph->every[owned] : 1;
}

static bool trains(const ouro_graph *graph, ouro_lid owned, int64_t generation) {
  return generation % ouro_schedule_every(graph, owned) == 0;
}

/* (g + 1)^s; 1 where nothing grows */
static double growth_of(const ouro_config *config, int64_t generation) {
  return pow((double)generation + 1, config->learning.growth);
}

static ouro_count grown(ouro_count count, double growth) {
  if (growth == 1) return count;
  const double samples = round((double)count * growth);
  return samples < 0x1p63 ? (ouro_count)samples : INT64_MAX;
}

ouro_count ouro_schedule_real(const ouro_config *config, const ouro_graph *graph, ouro_lid owned, int64_t generation) {
  if (config->real.kind == OURO_REAL_INITIAL || !trains(graph, owned, generation)) return 0;
  const ouro_count real = graph->real[owned];
  return config->real.kind == OURO_REAL_FIXED ? real : grown(real, growth_of(config, generation));
}

ouro_count ouro_schedule_size(const ouro_config *config, const ouro_graph *graph, ouro_lid owned, int64_t generation) {
  ouro_count size = ouro_schedule_real(config, graph, owned, generation);
  const double growth = growth_of(config, generation);
  if (!trains(graph, owned, generation)) return 0;
  for (ouro_eid k = graph->row[owned]; k < graph->row[owned + 1]; k++) {
    if (__builtin_add_overflow(size, grown(ouro_graph_samples(graph, k), growth), &size)) return INT64_MAX;
  }
  return size;
}

/* forget^age >= LEAST_WEIGHT */
int64_t ouro_schedule_span(const ouro_config *config) {
  const double forget = ouro_config_forget(config);
  const int64_t all = config->learning.generations + 1;
  if (forget == 1) return all;
  const double ages = forget > 0 ? floor(log(LEAST_WEIGHT) / log(forget)) : 0;
  return ages < (double)(all - 1) ? (int64_t)ages + 1 : all;
}

ouro_count ouro_schedule_step(const ouro_config *config, const ouro_graph *graph, ouro_lid owned, int64_t step) {
  if (step == 0) return ouro_schedule_initial(config, graph, owned);
  return ouro_schedule_size(config, graph, owned, step * ouro_schedule_every(graph, owned));
}

/* Samples of the steps first .. last-1, all of which come after generation 0. */
static double size_of_all(const ouro_config *config, const ouro_graph *graph, ouro_lid i, int64_t first, int64_t last) {
  double sum = 0;
  if (config->learning.growth == 0) return (double)(last - first) * (double)ouro_schedule_step(config, graph, i, 1);
  for (int64_t step = first; step < last && sum < 0x1p62; step++) {
    sum += (double)ouro_schedule_step(config, graph, i, step);
  }
  return sum;
}

/* Those of the first `span` steps, or of the last ones, as sizes do not fall. */
double ouro_schedule_kept(const ouro_config *config, const ouro_graph *graph, ouro_lid owned) {
  const int64_t steps = config->learning.generations / ouro_schedule_every(graph, owned) + 1;
  const int64_t most = ouro_schedule_span(config), span = most < steps ? most : steps;
  const double first = (double)ouro_schedule_step(config, graph, owned, 0) + size_of_all(config, graph, owned, 1, span);
  return span < steps ? fmax(first, size_of_all(config, graph, owned, steps - span, steps)) : first;
}

static ouro_status schedule_new(const ouro_config *config, const ouro_graph *graph, ouro_schedule **schedule) {
  ouro_status status = OURO_OK;
  ouro_schedule *s;
  OURO_NEW(s, 1);
  *schedule = s;
  s->config = config;
  s->whole = graph;
  s->now = *graph;
  if (!ouro_schedule_varies(config, graph)) return OURO_OK;
  s->varies = true;
  s->now.row = NULL; /* until they are its own */
  s->now.source = NULL;
  s->now.samples = s->now.real = NULL;
  s->now.times = NULL;
  OURO_NEW(s->now.row, (size_t)graph->n_owned + 1);
  OURO_NEW(s->now.source, graph->row[graph->n_owned]);
  OURO_NEW(s->now.samples, graph->row[graph->n_owned]);
  OURO_NEW(s->now.real, graph->n_owned);
cleanup:
  return status;
}

ouro_status ouro_schedule_create(const ouro_config *config, const ouro_graph *graph, ouro_schedule **schedule) {
  ouro_status status = OURO_OK;
  ouro_schedule *made = NULL;
  bool changed;
  *schedule = NULL;
  OURO_AGREE(graph->comm, schedule_new(config, graph, &made));
  ouro_schedule_move(made, 1, &changed);
  *schedule = made;
  made = NULL;
cleanup:
  ouro_schedule_destroy(&made);
  return status;
}

void ouro_schedule_destroy(ouro_schedule **schedule) {
  ouro_schedule *s = *schedule;
  if (s == NULL) return;
  if (s->varies) {
    free(s->now.row);
    free(s->now.source);
    free(s->now.samples);
    free(s->now.real);
  }
  free(s);
  *schedule = NULL;
}

/* Feeds and real data of an owned node that is retrained; returns whether a count is not what it was. */
static bool set_node(ouro_schedule *s, ouro_lid i, double growth, bool trained, ouro_eid *end) {
  const ouro_graph *whole = s->whole;
  const bool fresh = s->config->real.kind == OURO_REAL_FRESH, initial = s->config->real.kind == OURO_REAL_INITIAL;
  const ouro_count real = !trained && !initial ? 0 : fresh ? grown(whole->real[i], growth) : whole->real[i];
  bool changed = s->now.real[i] != real || s->now.row[i] != *end;
  s->now.real[i] = real;
  s->now.row[i] = *end;
  for (ouro_eid k = whole->row[i]; trained && k < whole->row[i + 1]; k++, ++*end) {
    const ouro_count samples = grown(ouro_graph_samples(whole, k), growth);
    changed |= s->now.samples[*end] != samples;
    s->now.samples[*end] = samples;
    s->now.source[*end] = whole->source[k];
  }
  return changed;
}

static bool set_all(ouro_schedule *s, int64_t generation, bool everyone) {
  const double growth = growth_of(s->config, generation);
  ouro_eid end = 0;
  bool changed = false;
  for (ouro_lid i = 0; i < s->whole->n_owned; i++) {
    changed |= set_node(s, i, growth, everyone || trains(s->whole, i, generation), &end);
  }
  changed |= s->now.row[s->whole->n_owned] != end;
  s->now.row[s->whole->n_owned] = end;
  return changed;
}

void ouro_schedule_move(ouro_schedule *schedule, int64_t generation, bool *changed) {
  *changed = schedule->varies && set_all(schedule, generation, false);
  if (schedule->varies) MPI_Allreduce(MPI_IN_PLACE, changed, 1, MPI_C_BOOL, MPI_LOR, schedule->whole->comm);
}

void ouro_schedule_move_to_largest(ouro_schedule *schedule) {
  const int64_t last = schedule->config->learning.generations;
  if (schedule->varies) set_all(schedule, last > 1 ? last : 1, true);
}
