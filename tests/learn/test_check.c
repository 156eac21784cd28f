/* What cannot be learned is refused on all ranks with one message; a fit that breaks down ends the run on all.
 * ranks: 1 2 3 4 7 */

#include "../support/harness.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ouro/base/memory.h"
#include "ouro/graph/build.h"
#include "ouro/learn/learn.h"

#define N 12

typedef struct feed {
  ouro_gid source, target;
  ouro_count samples;
} feed;

static ouro_config config_of(int dimension) {
  static char linear[] = "linear";
  ouro_config config = {0};
  config.model.family = linear;
  config.model.dimension = dimension;
  config.model.noise = 1.0;
  config.learning.generations = 4;
  config.learning.initial = 100;
  config.learning.replicates = 3;
  config.learning.seed = 1;
  config.exchange.buffer = 1 << 20;
  return config;
}

/* Rank 0 hands in the feeds. */
static ouro_graph *graph_of(const feed *list, int n) {
  ouro_graph *graph = NULL;
  ouro_feeds feeds = {0};
  int rank;
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  for (int k = 0; k < n && rank == 0; k++) {
    if (ouro_feeds_add(&feeds, list[k].source, list[k].target, list[k].samples) != OURO_OK) break;
  }
  assert_ok(ouro_graph_build(MPI_COMM_WORLD, N, &feeds, &graph));
  ouro_feeds_clear(&feeds);
  return graph;
}

/* A ring in which node i trains on 10 + i samples. */
static ouro_graph *ring(void) {
  feed list[N];
  for (int i = 0; i < N; i++) list[i] = (feed){(i + N - 1) % N, i, 10 + i};
  return graph_of(list, N);
}

static void expect(const ouro_config *config, const ouro_graph *graph, ouro_status code, const char *message) {
  ouro_family *family = NULL;
  assert_ok(ouro_family_create(config, &family));
  ouro_status found = ouro_learn_check(config, family, graph);
  if (found == OURO_OK) {
    ouro_learn_group *group = NULL;
    assert_ok(ouro_learn_group_form(config, graph, &group));
    found = ouro_learn_check_memory(config, family, group);
    ouro_learn_group_destroy(&group);
  }
  assert_everywhere(found == code);
  if (message) assert_everywhere(strcmp(ouro_error_message(), message) == 0);
  if (code != OURO_OK)
    assert_everywhere(ouro_learn_run(config, family, graph, NULL, NULL, NULL, NULL, NULL, NULL) == code);
  ouro_family_destroy(&family);
}

static void test_training_size(void **state) {
  (void)state;
  ouro_graph *graph = ring();
  ouro_config config = config_of(8);
  expect(&config, graph, OURO_OK, NULL);
  config = config_of(9);
  expect(&config, graph, OURO_EINPUT,
         "node 0: 10 training samples, but family linear with 9 parameters needs at least 11");
  config = config_of(10);
  expect(&config, graph, OURO_EINPUT,
         "node 0: 10 training samples, but family linear with 10 parameters needs at least 12 (and 1 more node)");
  config = config_of(11);
  expect(&config, graph, OURO_EINPUT,
         "node 0: 10 training samples, but family linear with 11 parameters needs at least 13 (and 2 more nodes)");
  ouro_graph_destroy(&graph);
}

/* Real samples count where they are used in every generation, and only there. */
static void test_real_samples(void **state) {
  (void)state;
  ouro_graph *graph = ring();
  ouro_config config = config_of(10);
  for (ouro_lid i = 0; i < graph->n_owned; i++) graph->real[i] = graph->gid[i] < 2 ? 3 : 0;
  expect(&config, graph, OURO_OK, NULL);
  config.real.kind = OURO_REAL_INITIAL;
  expect(&config, graph, OURO_EINPUT,
         "node 0: 3 initial real samples, but family linear with 10 parameters needs at least 12 (and 1 more node)");
  for (ouro_lid i = 0; i < graph->n_owned; i++) graph->real[i] = graph->gid[i] < 2 ? 30 : 0;
  expect(&config, graph, OURO_EINPUT,
         "node 0: 10 training samples, but family linear with 10 parameters needs at least 12 (and 1 more node)");
  ouro_graph_destroy(&graph);
}

static void test_initial(void **state) {
  (void)state;
  ouro_graph *graph = ring();
  ouro_config config = config_of(8);
  config.learning.initial = 9;
  expect(&config, graph, OURO_ECONFIG,
         "learning.initial: 9 samples, but family linear with 8 parameters needs at least 10");
  config.real.kind = OURO_REAL_INITIAL; /* no node takes the common size */
  for (ouro_lid i = 0; i < graph->n_owned; i++) graph->real[i] = 10;
  expect(&config, graph, OURO_OK, NULL);
  ouro_graph_destroy(&graph);
}

/* Initial samples of a model's own, and noise where the family has none. */
static void test_traits(void **state) {
  (void)state;
  ouro_graph *graph = ring();
  ouro_config config = config_of(8);
  graph->initial = calloc((size_t)graph->n_owned + 1, sizeof *graph->initial);
  for (ouro_lid i = 0; i < graph->n_owned; i++) graph->initial[i] = graph->gid[i] == 2 ? 9 : 0;
  expect(&config, graph, OURO_EINPUT,
         "node 2: 9 initial real samples, but family linear with 8 parameters needs at least 10");
  for (ouro_lid i = 0; i < graph->n_owned; i++) graph->initial[i] = 10;
  config.learning.initial = 9; /* no node takes the common size */
  expect(&config, graph, OURO_OK, NULL);
  graph->noise = calloc((size_t)graph->n_owned + (size_t)graph->n_ghost + 1, sizeof *graph->noise);
  expect(&config, graph, OURO_OK, NULL);
  config.model.family = (char[]){"logistic"};
  expect(&config, graph, OURO_ECONFIG,
         "the node file's column noise: models of family logistic have none of their own");
  ouro_graph_destroy(&graph);
}

static void test_published(void **state) {
  (void)state;
  const feed equal[] = {{3, 0, 50}, {3, 7, 50}, {3, 11, 50}, {4, 0, 20}};
  const feed unequal[] = {{9, 1, 20}, {9, 2, 21}, {3, 11, 40}, {3, 7, 50}, {3, 0, 50}, {4, 0, 20}};
  const feed twice[] = {{3, 0, 25}, {3, 0, 25}, {3, 7, 50}};
  ouro_config config = config_of(2);
  config.learning.draw = OURO_DRAW_PUBLISHED;
  ouro_graph *graph = graph_of(equal, 4);
  expect(&config, graph, OURO_OK, NULL);
  ouro_graph_destroy(&graph);
  graph = graph_of(unequal, 6);
  expect(&config, graph, OURO_EINPUT,
         "published draws: node 3 feeds 0 with 50 samples but 11 with 40; all feeds of a source need one count");
  config.learning.draw = OURO_DRAW_PRIVATE;
  expect(&config, graph, OURO_OK, NULL);
  ouro_graph_destroy(&graph);
  config.learning.draw = OURO_DRAW_PUBLISHED;
  graph = graph_of(twice, 3);
  expect(&config, graph, OURO_EINPUT, "published draws: 1 feeds stand more than once; a source publishes one corpus");
  ouro_graph_destroy(&graph);
}

/* Counts whose sum overflows. */
static void test_overflow(void **state) {
  (void)state;
  const feed many[] = {{0, 1, INT64_MAX / 3}, {2, 1, INT64_MAX / 3}};
  const ouro_config config = config_of(2);
  ouro_graph *graph = graph_of(many, 2);
  expect(&config, graph, OURO_EINPUT, "node 1: more training samples than can be counted");
  ouro_graph_destroy(&graph);
}

/* A family that is fitted to the samples themselves: the buffer must hold the largest training set, or all corpora of a
 * rank. 3 numbers a sample, in blocks of 64, and their count. */
static void test_buffer(void **state) {
  (void)state;
  const feed large[] = {{0, 7, 300}, {1, 2, 200}, {1, 5, 100}, {3, 4, 300}};
  ouro_config config = config_of(2);
  ouro_graph *graph = graph_of(large, 4);
  config.model.family = "logistic";
  config.exchange.carry = OURO_CARRY_PARAMETERS;
  config.exchange.buffer = (5 * 64 * 3 + 1) * 8;
  expect(&config, graph, OURO_OK, NULL);
  config.exchange.buffer--;
  expect(&config, graph, OURO_ELIMIT,
         "node 4: exchange.buffer: 7687 bytes cannot hold its 300 training samples, all of which family logistic needs "
         "at once: at least 8 KiB");
  config.learning.initial = 321;
  config.exchange.buffer = 8000;
  expect(&config, graph, OURO_ELIMIT,
         "node 0: exchange.buffer: 8000 bytes cannot hold its 321 training samples, all of which family logistic needs "
         "at once: at least 10 KiB");
  config.model.family = "linear";
  expect(&config, graph, OURO_OK, NULL);
  ouro_graph_destroy(&graph);
}

/* A model that is its samples holds only so many of them, also at the start. */
static void test_points(void **state) {
  (void)state;
  const feed large[] = {{0, 7, 300}, {1, 2, 200}, {1, 5, 100}, {3, 4, 300}};
  ouro_config config = config_of(2);
  ouro_graph *graph = graph_of(large, 4);
  config.model.family = "kde";
  config.model.bandwidth = "1";
  config.model.points = 300;
  expect(&config, graph, OURO_OK, NULL);
  config.model.points--;
  expect(&config, graph, OURO_ELIMIT,
         "node 4: a training set of 300 samples, but a model of family kde keeps at most 299: model.points");
  config.learning.initial = 301;
  expect(&config, graph, OURO_ELIMIT,
         "node 0: a training set of 301 samples, but a model of family kde keeps at most 299: model.points");
  ouro_graph_destroy(&graph);
}

static void test_published_buffer(void **state) {
  (void)state;
  feed hub[N];
  ouro_config config = config_of(2);
  for (int i = 0; i < N; i++) hub[i] = (feed){i, 0, 64};
  ouro_graph *graph = graph_of(hub, N);
  ouro_family *family = NULL;
  config.model.family = "logistic";
  config.learning.draw = OURO_DRAW_PUBLISHED;
  config.exchange.carry = OURO_CARRY_PARAMETERS;
  config.exchange.buffer = N * (64 * 3 + 1) * 8;
  assert_ok(ouro_family_create(&config, &family));
  assert_ok(ouro_learn_run(&config, family, graph, NULL, NULL, NULL, NULL, NULL, NULL));
  config.exchange.buffer--;
  assert_everywhere(ouro_learn_run(&config, family, graph, NULL, NULL, NULL, NULL, NULL, NULL) == OURO_ELIMIT);
  assert_everywhere(strstr(ouro_error_message(), "exchange.buffer: 18527 bytes") != NULL);
  assert_everywhere(strstr(ouro_error_message(), "at least 19 KiB") != NULL);
  ouro_family_destroy(&family);
  ouro_graph_destroy(&graph);
}

/* What is kept to the last generation fits from the first on: of every node 100 samples, and 4 times 300 more, in 21
 * blocks of 64 samples of 3 numbers each, and their count. With forget 1e-9 they count for one generation more. */
static void test_kept_samples(void **state) {
  (void)state;
  feed list[N];
  char message[256];
  ouro_config config = config_of(2);
  for (int i = 0; i < N; i++) list[i] = (feed){i, i, 300};
  ouro_graph *graph = graph_of(list, N);
  int most = graph->n_owned;
  MPI_Allreduce(MPI_IN_PLACE, &most, 1, MPI_INT, MPI_MAX, MPI_COMM_WORLD);
  const int64_t bytes = (int64_t)most * 3 * (21 * 64 * 3 + 1) * 8, fewer = (int64_t)most * 3 * (10 * 64 * 3 + 1) * 8;
  config.learning.memory = bytes;
  config.learning.regime = OURO_REGIME_ACCUMULATE;
  expect(&config, graph, OURO_OK, NULL);
  config.model.family = "logistic";
  expect(&config, graph, OURO_OK, NULL);
  config.learning.memory--;
  snprintf(message, sizeof message,
           "learning.memory: %" PRId64
           " bytes cannot hold the samples that the models of a rank keep: at least %" PRId64
           " KiB, or more ranks, or fewer of the 4 generations or 3 replicates",
           bytes - 1, (bytes + 1023) / 1024);
  expect(&config, graph, OURO_ELIMIT, message);
  config.model.family = "linear";
  expect(&config, graph, OURO_OK, NULL);
  config.learning.regime = OURO_REGIME_SUBSAMPLE;
  expect(&config, graph, OURO_ELIMIT, message);
  config.learning.memory++;
  expect(&config, graph, OURO_OK, NULL);
  config.real.weight = 0.5;
  expect(&config, graph, OURO_ECONFIG,
         "real.weight: learning.regime subsample draws all samples alike, whatever they weigh");
  config.model.family = "huber";
  config.model.threshold = 1.345;
  config.learning.regime = OURO_REGIME_FORGET;
  config.learning.forget = 1e-9;
  config.learning.memory = fewer;
  expect(&config, graph, OURO_OK, NULL);
  config.learning.memory--;
  expect(&config, graph, OURO_ELIMIT, NULL);
  ouro_graph_destroy(&graph);
}

/* NaN never spreads. */
static ouro_status all_finite(void *context, const ouro_learn_view *view) {
  const ouro_graph *graph = context;
  for (ouro_lid i = 0; i < graph->n_owned; i++) {
    if (!isfinite(view->error[i])) return ouro_error(OURO_EINTERNAL, "generation %" PRId64, view->generation);
  }
  return OURO_OK;
}

/* Models of 2 parameters on their own 3 samples, Cover 1965: labels of points that are symmetric about 0 are separated
 * with probability 2 (1 + 2) / 8 = 3/4 if all labellings are as likely, and more often else: of 12 nodes, 300
 * replicates and 5 generations of fits some 13,500 or more stall, and not all; a node with many real samples never
 * does after generation 0. */
static void test_stalls(void **state) {
  (void)state;
  feed list[N];
  ouro_config config = config_of(2);
  ouro_learn_stalls stalls;
  ouro_family *family = NULL;
  for (int i = 0; i < N; i++) list[i] = (feed){i, i, 3};
  ouro_graph *graph = graph_of(list, N);
  for (ouro_lid i = 0; i < graph->n_owned; i++) graph->real[i] = graph->gid[i] == 5 ? 500 : 0;
  config.model.family = "logistic";
  config.learning.initial = 3;
  config.learning.replicates = 300;
  assert_ok(ouro_family_create(&config, &family));
  assert_ok(ouro_learn_run(&config, family, graph, all_finite, graph, NULL, NULL, NULL, &stalls));
  int64_t fits = 0, wrong = 0;
  for (ouro_lid i = 0; i < graph->n_owned; i++) {
    fits += stalls.fits[i];
    wrong += stalls.first[i] != 0;
    wrong += graph->gid[i] == 5 ? stalls.fits[i] >= 300 : stalls.fits[i] <= 300 || stalls.fits[i] >= 1500;
  }
  MPI_Allreduce(MPI_IN_PLACE, &fits, 1, MPI_INT64_T, MPI_SUM, MPI_COMM_WORLD);
  assert_everywhere(fits > 12000);
  ouro_learn_stalls_clear(&stalls);
  config.learning.initial = 500;
  assert_ok(ouro_learn_run(&config, family, graph, all_finite, graph, NULL, NULL, NULL, &stalls));
  for (ouro_lid i = 0; i < graph->n_owned; i++) wrong += stalls.first[i] != (graph->gid[i] == 5 ? -1 : 1);
  assert_everywhere(wrong == 0);
  ouro_learn_stalls_clear(&stalls);
  ouro_family_destroy(&family);
  ouro_graph_destroy(&graph);
}

/* A family of sums: its fits fail for training sets of one size, its models overflow for another. */
static ouro_count size_that_fails, size_that_overflows;

static void copy_theta(const ouro_family *family, const ouro_slice *slice, double *rows) {
  (void)family;
  for (ouro_count r = 0; r < slice->n; r++) rows[r] = slice->theta[0];
}

static void add_rows(const ouro_family *family, const double *rows, ouro_count n, double *statistic) {
  (void)family;
  for (ouro_count r = 0; r < n; r++) statistic[0] += rows[r];
}

static ouro_lid fit_sums(const ouro_family *family, ouro_lid n, const ouro_count *sizes, double *statistics,
                         double *theta) {
  (void)family;
  for (ouro_lid i = 0; i < n; i++) {
    if (sizes[i] == size_that_fails) return i;
    theta[i] = sizes[i] == size_that_overflows ? INFINITY : statistics[i] / (double)sizes[i];
  }
  return n;
}

static void copy_error(const ouro_family *family, ouro_lid n, const double *theta, double *error) {
  (void)family;
  memcpy(error, theta, (size_t)n * sizeof *error);
}

static ouro_status last_generation(void *context, const ouro_learn_view *view) {
  *(int64_t *)context = view->generation;
  return OURO_OK;
}

/* Models of the family of sums in a ring, in which node i trains on 10 + i samples. */
static ouro_status learn_sums(ouro_carry carry, int64_t *last, double **parameters, ouro_learn_stalls *stalls,
                              ouro_graph **graph) {
  static const ouro_family_methods sums = {
      .name = "sums", .draw = copy_theta, .reduce = add_rows, .fit = fit_sums, .error = copy_error};
  double truth = 1.0, block[OURO_ROW_BLOCK];
  ouro_family family = {.methods = &sums,
                        .n_parameters = 1,
                        .row_width = 1,
                        .statistic_width = 1,
                        .additive = true,
                        .least_samples = 1,
                        .eta_samples = 1,
                        .spread = {.base = 1.0},
                        .truth = &truth,
                        .block = block};
  ouro_config config = config_of(1);
  config.exchange.carry = carry;
  *graph = ring();
  return ouro_learn_run(&config, &family, *graph, last_generation, last, NULL, parameters, NULL, stalls);
}

/* An error that is not finite ends the run. */
static void test_breakdown(void **state) {
  (void)state;
  for (int carry = 0; carry < 2; carry++) {
    double *parameters = NULL;
    ouro_graph *graph;
    int64_t last = -1;
    size_that_fails = 15;
    size_that_overflows = 13;
    assert_everywhere(learn_sums((ouro_carry)carry, &last, &parameters, NULL, &graph) == OURO_ENUMERIC);
    assert_everywhere(strcmp(ouro_error_message(), "node 3: the fit of generation 1, replicate 0, broke down: its "
                                                   "samples are too large") == 0);
    assert_everywhere(parameters == NULL && last == 0);
    ouro_graph_destroy(&graph);
  }
}

/* A model of sums without a fit keeps its parameters, whoever is fitted together with it: those of generation 0, or 0
 * where it had no fit then. */
static void test_stalled_sums(void **state) {
  (void)state;
  for (int initial = 0; initial < 2; initial++) {
    double *parameters = NULL;
    ouro_graph *graph;
    ouro_learn_stalls stalls;
    int64_t last = -1, wrong = 0;
    size_that_fails = initial ? 100 : 15;
    size_that_overflows = 0;
    assert_ok(learn_sums(OURO_CARRY_DATA, &last, &parameters, &stalls, &graph));
    for (ouro_lid i = 0; i < graph->n_owned; i++) {
      const bool stalled = initial || graph->gid[i] == 5;
      wrong += stalls.first[i] != (stalled ? !initial : -1) || stalls.fits[i] != 3 * (initial ? 1 : 4) * stalled;
      for (int k = 0; k < 3; k++) wrong += parameters[k * graph->n_owned + i] != !initial;
    }
    assert_everywhere(wrong == 0 && last == 4);
    free(parameters);
    ouro_learn_stalls_clear(&stalls);
    ouro_graph_destroy(&graph);
  }
}

/* What the observer returns ends the run. */
static ouro_status stop(void *context, const ouro_learn_view *view) {
  last_generation(context, view);
  return view->generation == 2 ? ouro_error(OURO_EIO, "disk full") : OURO_OK;
}

static void test_observer_ends_run(void **state) {
  (void)state;
  const ouro_config config = config_of(2);
  ouro_family *family = NULL;
  ouro_graph *graph = ring();
  int64_t last = -1;
  assert_ok(ouro_family_create(&config, &family));
  assert_everywhere(ouro_learn_run(&config, family, graph, stop, &last, NULL, NULL, NULL, NULL) == OURO_EIO);
  assert_everywhere(last == 2);
  ouro_family_destroy(&family);
  ouro_graph_destroy(&graph);
}

/* An allocation that fails on one rank is reported on all, wherever it is. */
static void test_memory(void **state) {
  (void)state;
  ouro_config config = config_of(2);
  ouro_family *family = NULL;
  ouro_graph *graph = ring();
  int rank, n_ranks, failures = 0;
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  MPI_Comm_size(MPI_COMM_WORLD, &n_ranks);
  config.learning.generations = 1;
  config.learning.regime = OURO_REGIME_SUBSAMPLE;
  config.learning.memory = 1 << 20;
  assert_ok(ouro_family_create(&config, &family));
  for (int64_t n = 1; n < 80; n++) {
    double *parameters = NULL;
    if (rank == n % n_ranks) ouro_memory_fail_at(n);
    const ouro_status status = ouro_learn_run(&config, family, graph, NULL, NULL, NULL, &parameters, NULL, NULL);
    ouro_memory_fail_at(0);
    assert_everywhere(status == OURO_OK || status == OURO_ENOMEM);
    failures += status == OURO_ENOMEM;
    free(parameters);
  }
  assert_everywhere(failures > 20 && failures < 79);
  config.learning.generations = 3; /* slots and plans are made anew where counts grow */
  config.learning.growth = 0.5;
  config.learning.draw = OURO_DRAW_PUBLISHED;
  for (int64_t n = 20; n < 200; n++) {
    if (rank == n % n_ranks) ouro_memory_fail_at(n);
    const ouro_status status = ouro_learn_run(&config, family, graph, NULL, NULL, NULL, NULL, NULL, NULL);
    ouro_memory_fail_at(0);
    assert_everywhere(status == OURO_OK || status == OURO_ENOMEM);
    failures += status == OURO_ENOMEM;
  }
  assert_everywhere(failures > 60 && failures < 79 + 180);
  ouro_family_destroy(&family);
  ouro_graph_destroy(&graph);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_training_size),    cmocka_unit_test(test_real_samples),
      cmocka_unit_test(test_initial),          cmocka_unit_test(test_traits),
      cmocka_unit_test(test_published),        cmocka_unit_test(test_overflow),
      cmocka_unit_test(test_buffer),           cmocka_unit_test(test_points),
      cmocka_unit_test(test_kept_samples),     cmocka_unit_test(test_stalled_sums),
      cmocka_unit_test(test_published_buffer), cmocka_unit_test(test_stalls),
      cmocka_unit_test(test_breakdown),        cmocka_unit_test(test_observer_ends_run),
      cmocka_unit_test(test_memory),
  };
  return test_main(__FILE__, tests, sizeof tests / sizeof tests[0]);
}
