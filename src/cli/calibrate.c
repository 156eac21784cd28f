/* Rates of kernels by running them: small runs of the generation loop on one rank, whose times give what a sample, a
 * feed and a fit take. Invariant: the least of several generations counts, since others only ever take time away.
 * Must not know what the rates are for. */

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/calibrate.h"
#include "ouro/base/log.h"
#include "ouro/base/memory.h"
#include "ouro/base/progress.h"
#include "ouro/graph/build.h"
#include "ouro/learn/learn.h"

#define GENERATION_SECONDS 1e-3 /* that a run is made to take, so that some of them pass undisturbed .. */
#define RUN_SECONDS 2e-2        /* .. in so many in all */
#define DEGREE 8                /* feeds of a model, against one */
#define LEAST_NODES 16
#define MOST_NODES 4096

/* The least times of a generation so far, and the clocks at the end of the last. */
typedef struct watch {
  ouro_timers *timers;
  double train, measure, last_train, last_measure;
} watch;

static ouro_status observe(void *context, const ouro_learn_view *view) {
  watch *w = context;
  const double train = w->timers->seconds[OURO_PHASE_TRAIN], measure = w->timers->seconds[OURO_PHASE_MEASURE];
  if (view->generation > 0) {
    w->train = fmin(w->train, train - w->last_train);
    w->measure = fmin(w->measure, measure - w->last_measure);
  }
  w->last_train = train;
  w->last_measure = measure;
  return OURO_OK;
}

/* Model i trains on those that stand far from it, in no order that a cache would know. */
static ouro_status make_graph(ouro_lid nodes, int degree, ouro_count samples, ouro_graph **graph) {
  ouro_status status = OURO_OK;
  ouro_feeds feeds = {.each = samples};
  OURO_TRY(ouro_feeds_reserve(&feeds, (ouro_eid)nodes * degree));
  for (ouro_lid i = 0; i < nodes; i++) {
    for (int k = 0; k < degree; k++) {
      OURO_TRY(ouro_feeds_add(&feeds, (i + 1 + k * (nodes / degree)) % nodes, i, samples));
    }
  }
  OURO_TRY(ouro_graph_build(MPI_COMM_SELF, nodes, &feeds, graph));
cleanup:
  ouro_feeds_clear(&feeds);
  return status;
}

/* Seconds of a generation of so many models, each with `degree` feeds of so many samples. */
static ouro_status time_run(ouro_config *config, const ouro_family *family, ouro_lid nodes, int degree,
                            ouro_count samples, int64_t generations, double *train, double *measure) {
  ouro_status status = OURO_OK;
  ouro_graph *graph = NULL;
  ouro_timers timers;
  watch w = {.timers = &timers, .train = INFINITY, .measure = INFINITY};
  ouro_timers_start(&timers);
  config->learning.generations = generations;
  OURO_TRY(make_graph(nodes, degree, samples, &graph));
  OURO_TRY(ouro_learn_run(config, family, graph, observe, &w, &timers, NULL, NULL, NULL));
  *train = w.train / nodes;
  *measure = w.measure / nodes;
cleanup:
  ouro_graph_destroy(&graph);
  return status;
}

/* How many models make a generation long enough to be measured. */
static ouro_status choose_nodes(ouro_config *config, const ouro_family *family, ouro_count samples, ouro_lid *nodes,
                                int64_t *generations) {
  double train, measure;
  const ouro_status status = time_run(config, family, LEAST_NODES, DEGREE, samples, 2, &train, &measure);
  if (status != OURO_OK) return status;
  const double wanted = fmin(fmax(GENERATION_SECONDS / train, LEAST_NODES), MOST_NODES);
  *nodes = (ouro_lid)wanted / DEGREE * DEGREE;
  *generations = (int64_t)fmin(fmax(RUN_SECONDS / (train * *nodes), 2), 20);
  return OURO_OK;
}

/* Nanoseconds of a sample that is drawn alone, and of one that is reduced alone. */
static ouro_status time_rows(const ouro_family *family, ouro_plan_kernel *kernel) {
  enum { ROUNDS = 7, FEEDS = 16, ROWS = 2 * OURO_ROW_BLOCK };
  ouro_status status = OURO_OK;
  double *rows = NULL, *statistic = NULL, *model = NULL, least[2] = {INFINITY, INFINITY};
  const size_t width = ouro_family_statistic_size(family, FEEDS * ROWS);
  OURO_NEW(rows, ROWS * (size_t)family->row_width);
  OURO_NEW(statistic, width);
  OURO_NEW(model, family->n_parameters);
  memcpy(model, family->truth, (size_t)family->n_parameters * sizeof *model);
  for (int round = 0; round < ROUNDS; round++) {
    double seconds[2] = {0, 0};
    memset(statistic, 0, width * sizeof *statistic);
    for (int k = 0; k < FEEDS; k++) {
      const ouro_slice slice = {.stream = ouro_random_stream(1, 0, (uint64_t)round, OURO_PURPOSE_FEED, 0, k),
                                .theta = model,
                                .n = ROWS,
                                .total = ROWS};
      const double start = ouro_timer_now();
      ouro_family_draw(family, &slice, rows);
      const double drawn = ouro_timer_now();
      ouro_family_reduce(family, rows, ROWS, statistic);
      seconds[0] += drawn - start;
      seconds[1] += ouro_timer_now() - drawn;
    }
    for (int what = 0; what < 2; what++) least[what] = fmin(least[what], seconds[what]);
  }
  kernel->ns[OURO_PLAN_DRAW] = 1e9 * least[0] / (FEEDS * ROWS);
  kernel->ns[OURO_PLAN_REDUCE] = 1e9 * least[1] / (FEEDS * ROWS);
cleanup:
  free(rows);
  free(statistic);
  free(model);
  return status;
}

/* Seconds of a model with one feed of few samples, with DEGREE of them, and with DEGREE of four times as many. */
typedef struct three {
  double few, one, base, more;
} three;

/* t(feeds, samples) = fit + feeds (feed + samples sample); what would be negative is left out, and the rest made to go
 * through the two longer runs as well as it can. */
static void solve(const three *t, double *ns) {
  const double all = DEGREE * t->few;
  double sample = fmax(0, (t->more - t->base) / (3 * all));
  double feed = (t->base - t->one) / (DEGREE - 1) - t->few * sample;
  if (feed < 0) feed = 0;
  double fit = t->base - DEGREE * feed - all * sample;
  if (fit < 0) {
    fit = 0;
    feed = fmax(0, t->base / DEGREE - t->few * sample);
    if (feed == 0) sample = sqrt(t->base / all * t->more / (4 * all));
  }
  ns[OURO_PLAN_SAMPLE] = 1e9 * sample;
  ns[OURO_PLAN_FEED] = 1e9 * feed;
  ns[OURO_PLAN_FIT] = 1e9 * fit;
}

static ouro_status time_kernel(ouro_config *config, const ouro_family *family, ouro_plan_kernel *kernel) {
  ouro_status status = OURO_OK;
  const ouro_count few = family->least_samples > 50 ? 2 * family->least_samples : 100;
  three t = {.few = (double)few};
  double measure;
  ouro_lid nodes;
  int64_t generations;
  config->learning.initial = few;
  OURO_TRY(choose_nodes(config, family, few, &nodes, &generations));
  OURO_TRY(time_run(config, family, nodes, DEGREE, 4 * few, generations, &t.more, &measure));
  OURO_TRY(time_run(config, family, nodes, 1, few, generations, &t.one, &measure));
  OURO_TRY(time_run(config, family, nodes, DEGREE, few, generations, &t.base, &measure));
  solve(&t, kernel->ns);
  kernel->ns[OURO_PLAN_ERROR] = 1e9 * measure;
  if (config->learning.sampling == OURO_SAMPLING_ROWS) OURO_TRY(time_rows(family, kernel));
cleanup:
  return status;
}

/* Leave of an experiment the model alone. */
static void strip(ouro_config *config, ouro_sampling sampling) {
  config->learning.sampling = sampling;
  config->learning.replicates = 1;
  config->learning.growth = 0;
  config->learning.draw = OURO_DRAW_PRIVATE;
  config->learning.regime = OURO_REGIME_REPLACE;
  config->real.kind = OURO_REAL_FRESH;
  config->real.weight = 0;
  config->exchange.buffer = INT64_MAX / 4;
}

/* A tier that the family does not have is passed over. */
ouro_status cli_calibrate_model(ouro_config *config, ouro_sampling sampling, ouro_plan_machine *machine) {
  ouro_status status = OURO_OK;
  ouro_family *family = NULL;
  ouro_plan_kernel kernel = {0};
  strip(config, sampling);
  status = ouro_family_create(config, &family);
  if (status == OURO_ECONFIG) return OURO_OK;
  if (status != OURO_OK) goto cleanup;
  snprintf(kernel.family, sizeof kernel.family, "%s", family->methods->name);
  snprintf(kernel.sampling, sizeof kernel.sampling, "%s", ouro_plan_sampling(config));
  kernel.size = ouro_plan_size(config, family);
  OURO_TRY(time_kernel(config, family, &kernel));
  OURO_TRY(ouro_plan_machine_set(machine, &kernel));
cleanup:
  ouro_family_destroy(&family);
  return status;
}

/* A family at one of its sizes, in all tiers. */
static ouro_status calibrate_size(const char *family, const char *key, int size, ouro_plan_machine *machine) {
  ouro_status status = OURO_OK;
  char words[3][96];
  const char *overrides[3] = {words[0], words[1], words[2]};
  ouro_config *config = NULL;
  snprintf(words[0], sizeof words[0], "model.family=%s", family);
  snprintf(words[1], sizeof words[1], "model.%s=%d", key ? key : "", size);
  snprintf(words[2], sizeof words[2], "model.points=4000");
  for (int sampling = OURO_SAMPLING_ROWS; sampling <= (int)OURO_SAMPLING_LIMIT; sampling++) {
    const int n = strcmp(family, "kde") == 0 ? 3 : key ? 2 : 1;
    OURO_TRY(ouro_config_default(MPI_COMM_SELF, overrides, n, &config));
    OURO_TRY(cli_calibrate_model(config, (ouro_sampling)sampling, machine));
    ouro_config_destroy(&config);
  }
cleanup:
  ouro_config_destroy(&config);
  return status;
}

static ouro_status calibrate_family(const ouro_family_methods *family, ouro_plan_machine *machine) {
  static const int dimensions[] = {1, 4, 10, 32}, categories[] = {2, 10, 100, 1000};
  ouro_status status = OURO_OK;
  const bool dimension = strstr(family->keys, " dimension ") != NULL,
             outcomes = strstr(family->keys, " categories ") != NULL;
  for (int k = 0; k < 4; k++) {
    const char *key = outcomes ? "categories" : dimension ? "dimension" : NULL;
    OURO_TRY(calibrate_size(family->name, key, outcomes ? categories[k] : dimensions[k], machine));
    if (key == NULL) break;
  }
cleanup:
  return status;
}

ouro_status cli_calibrate_families(bool root, ouro_plan_machine *machine) {
  ouro_status status = OURO_OK;
  ouro_progress progress;
  int n = 0;
  while (ouro_family_at(n)) n++;
  ouro_progress_begin(&progress, "family", n, root);
  for (int i = 0; i < n && status == OURO_OK; i++) {
    status = calibrate_family(ouro_family_at(i), machine);
    ouro_progress_update(&progress, i + 1);
  }
  ouro_progress_end(&progress);
  return status;
}
