/* Statistics drawn whole are those of the rows, added in the same order: a family whose samples are whole numbers, and
 * whose drawn statistic is the sum of the very rows, gives the same bits in both tiers, whatever the draws, regimes,
 * real data, schedules and carries.
 * ranks: 1 2 3 4 7 */

#include "../support/harness.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "../exchange/random_graph.h"
#include "ouro/base/memory.h"
#include "ouro/learn/learn.h"

enum { GENERATIONS = 4, REPLICATES = 3, WIDE = 6000 };

static int calls, drawn, wrong; /* of draw_statistics */

/* A mean of whole numbers; numbers of the statistic beyond the first are copies of it. */
static ouro_status create(const ouro_config *config, ouro_family *family) {
  if ((family->truth = ouro_memory_new(1, sizeof(double))) == NULL) return OURO_ENOMEM;
  family->truth[0] = 3.25;
  family->n_parameters = family->row_width = 1;
  family->statistic_width = config->model.dimension;
  family->additive = true;
  family->least_samples = 1;
  family->law = OURO_LAW_NONE;
  return OURO_OK;
}

static void destroy(ouro_family *family) {
  (void)family;
}

static void draw(const ouro_family *family, const ouro_slice *slice, double *rows) {
  const double sigma = slice->noise ? *slice->noise : 2;
  (void)family;
  ouro_random_normals(&slice->stream, (uint64_t)slice->first, (size_t)slice->n, rows);
  for (ouro_count r = 0; r < slice->n; r++) rows[r] = floor(slice->theta[0] + sigma * rows[r]);
}

static void reduce(const ouro_family *family, const double *rows, ouro_count n, double *statistic) {
  for (ouro_count r = 0; r < n; r++) {
    for (int w = 0; w < family->statistic_width; w++) statistic[w] += rows[r];
  }
}

static void draw_statistics(const ouro_family *family, ouro_lid n, const ouro_slice *slices, double *statistics) {
  double rows[256];
  calls++;
  drawn += n;
  for (ouro_lid k = 0; k < n; k++, statistics += family->statistic_width) {
    wrong += slices[k].first != 0 || slices[k].n != slices[k].total || slices[k].total > 256 || slices[k].total < 1;
    memset(statistics, 0, (size_t)family->statistic_width * sizeof *statistics);
    draw(family, &slices[k], rows);
    reduce(family, rows, slices[k].n, statistics);
  }
}

static ouro_lid fit(const ouro_family *family, ouro_lid n, const ouro_count *sizes, double *sums, double *theta) {
  for (ouro_lid i = 0; i < n; i++) {
    const double *sum = sums + (ptrdiff_t)i * family->statistic_width;
    wrong += sum[0] != sum[family->statistic_width - 1];
    theta[i] = sum[0] / (double)sizes[i];
  }
  return n;
}

static void error(const ouro_family *family, ouro_lid n, const double *theta, double *error) {
  for (ouro_lid i = 0; i < n; i++) error[i] = (theta[i] - family->truth[0]) * (theta[i] - family->truth[0]);
}

static const ouro_family_methods whole_numbers = {.name = "whole-numbers",
                                                  .create = create,
                                                  .destroy = destroy,
                                                  .draw = draw,
                                                  .reduce = reduce,
                                                  .fit = fit,
                                                  .error = error,
                                                  .draw_statistics = draw_statistics,
                                                  .keys = " dimension ",
                                                  .measure = "squared distance",
                                                  .error_units = "1",
                                                  .parameter_units = "1",
                                                  .takes_noise = true};

/* What an experiment is beside its draws and its tier. */
typedef struct scene {
  ouro_real_kind kind;
  ouro_regime regime;
  double growth;
  bool columns; /* models are retrained now and then, and have a noise of their own */
  int width;
} scene;

static const scene scenes[] = {{OURO_REAL_FRESH, OURO_REGIME_REPLACE, 0, false, 1},
                               {OURO_REAL_FIXED, OURO_REGIME_REPLACE, 0.3, true, WIDE},
                               {OURO_REAL_INITIAL, OURO_REGIME_ACCUMULATE, 0, true, 3},
                               {OURO_REAL_FRESH, OURO_REGIME_FORGET, 0, false, WIDE},
                               {OURO_REAL_FIXED, OURO_REGIME_ACCUMULATE, 0.3, false, 40}};

static ouro_config config_of(const scene *how, ouro_draw draws, ouro_sampling sampling) {
  static char name[] = "whole-numbers";
  ouro_config config = {.real.kind = how->kind, .learning.regime = how->regime, .learning.growth = how->growth};
  config.model.family = name;
  config.model.dimension = how->width;
  config.learning.forget = 0.5;
  config.learning.draw = draws;
  config.learning.sampling = sampling;
  config.learning.generations = GENERATIONS;
  config.learning.replicates = REPLICATES;
  config.learning.initial = 30;
  config.learning.seed = 5;
  config.exchange.buffer = (int64_t)64 << 20;
  return config;
}

static ouro_graph *graph_of(MPI_Comm comm, const scene *how, ouro_draw draws, bool scattered) {
  const random_graph spec = {17, 5, 20, 40, 5, 90, draws == OURO_DRAW_PUBLISHED, scattered, 3};
  ouro_graph *graph = NULL;
  assert_ok(random_graph_make(comm, &spec, &graph));
  if (!how->columns) return graph;
  const size_t all = (size_t)graph->n_owned + (size_t)graph->n_ghost;
  graph->every = calloc((size_t)graph->n_owned + 1, sizeof *graph->every);
  graph->noise = calloc(all + 1, sizeof *graph->noise);
  for (ouro_lid i = 0; i < graph->n_owned; i++) graph->every[i] = 1 + graph->gid[i] % 2;
  for (size_t i = 0; i < all; i++) graph->noise[i] = graph->gid[i] % 3 ? 1 + (double)graph->gid[i] : (double)NAN;
  return graph;
}

static double *learn(const ouro_config *config, const ouro_graph *graph) {
  ouro_family *family = NULL;
  double *parameters = NULL;
  assert_ok(ouro_family_create(config, &family));
  assert_ok(ouro_learn_run(config, family, graph, NULL, NULL, NULL, &parameters, NULL, NULL));
  ouro_family_destroy(&family);
  return parameters;
}

/* Numbers of the ranks that are not those of rows on one of them. */
static int64_t differences(const ouro_graph *graph, const double *part, const double *whole) {
  int64_t found = 0;
  for (int64_t k = 0; k < REPLICATES; k++) {
    for (ouro_lid i = 0; i < graph->n_owned; i++) {
      const double *a = part + k * graph->n_owned + i, *b = whole + k * graph->n_nodes + graph->gid[i];
      found += memcmp(a, b, sizeof *a) != 0;
    }
  }
  return found;
}

static void compare(const scene *how, ouro_draw draws) {
  const ouro_config rows = config_of(how, draws, OURO_SAMPLING_ROWS);
  ouro_config statistics = config_of(how, draws, OURO_SAMPLING_STATISTICS);
  ouro_graph *alone = graph_of(MPI_COMM_SELF, how, draws, false), *graph = graph_of(MPI_COMM_WORLD, how, draws, true);
  double *expected = learn(&rows, alone);
  for (int carry = 0; carry < 2; carry++) {
    statistics.exchange.carry = (ouro_carry)carry;
    calls = drawn = wrong = 0;
    double *got = learn(&statistics, graph);
    assert_everywhere(differences(graph, got, expected) == 0);
    assert_everywhere(wrong == 0 && (drawn > 0 || graph->n_owned == 0));
    free(got);
  }
  free(expected);
  ouro_graph_destroy(&graph);
  ouro_graph_destroy(&alone);
}

static void test_same_bits_as_rows(void **state) {
  (void)state;
  for (size_t k = 0; k < sizeof scenes / sizeof scenes[0]; k++) {
    compare(&scenes[k], OURO_DRAW_PRIVATE);
    compare(&scenes[k], OURO_DRAW_PUBLISHED);
  }
}

/* Calls draw many statistics each, those that are sent, too. */
static void test_batches(void **state) {
  (void)state;
  for (int draws = 0; draws < 2; draws++) {
    for (int carry = 0; carry < 2; carry++) {
      ouro_config config = config_of(&scenes[0], (ouro_draw)draws, OURO_SAMPLING_STATISTICS);
      const random_graph spec = {300, 12, 0, 100, 5, 90, draws == 1, true, 3};
      ouro_graph *graph = NULL;
      int64_t sums[2];
      assert_ok(random_graph_make(MPI_COMM_WORLD, &spec, &graph));
      config.exchange.carry = (ouro_carry)carry;
      calls = drawn = 0;
      free(learn(&config, graph));
      sums[0] = calls, sums[1] = drawn;
      MPI_Allreduce(MPI_IN_PLACE, sums, 2, MPI_INT64_T, MPI_SUM, MPI_COMM_WORLD);
      assert_everywhere(sums[1] > 15 * sums[0]);
      ouro_graph_destroy(&graph);
    }
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_same_bits_as_rows), cmocka_unit_test(test_batches)};
  if (ouro_family_register(&whole_numbers) != OURO_OK) return 1;
  return test_main(__FILE__, tests, sizeof tests / sizeof tests[0]);
}
