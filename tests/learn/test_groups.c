/* Groups of ranks that share the replicates: who has which, and that whatever goes wrong in one of them ends the run on
 * all with the message that one group has. ranks: 1 2 3 4 6 */

#include "../support/harness.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../exchange/random_graph.h"
#include "ouro/base/memory.h"
#include "ouro/base/message.h"
#include "ouro/base/random.h"
#include "ouro/learn/learn.h"

/* Replicates go to groups in order, whole blocks of 8 to each, at least one, and no group has two more than another. */
static void test_shares(void **state) {
  (void)state;
  for (int64_t replicates = 1; replicates < 200; replicates++) {
    const int64_t blocks = (replicates + 7) / 8;
    for (int groups = 1; groups <= blocks; groups++) {
      int64_t least = blocks, most = 0;
      assert_true(ouro_learn_group_first(replicates, groups, 0) == 0);
      assert_true(ouro_learn_group_first(replicates, groups, groups) == replicates);
      for (int g = 0; g < groups; g++) {
        const int64_t first = ouro_learn_group_first(replicates, groups, g);
        const int64_t end = ouro_learn_group_first(replicates, groups, g + 1), n = (end - first + 7) / 8;
        assert_true(first % 8 == 0 && n >= 1 && (end % 8 == 0 || g == groups - 1));
        least = n < least ? n : least;
        most = n > most ? n : most;
      }
      assert_true(most - least <= 1);
    }
  }
}

/* Models are means that walk, and break down once they are far from 0. */
static double bound;

static void draw_walks(const ouro_family *family, const ouro_slice *slice, double *rows) {
  (void)family;
  ouro_random_normals(&slice->stream, (uint64_t)slice->first, (size_t)slice->n, rows);
  for (ouro_count r = 0; r < slice->n; r++) rows[r] += slice->theta[0];
}

static void add_rows(const ouro_family *family, const double *rows, ouro_count n, double *statistic) {
  (void)family;
  for (ouro_count r = 0; r < n; r++) statistic[0] += rows[r];
}

static ouro_lid fit_walks(const ouro_family *family, ouro_lid n, const ouro_count *sizes, double *statistics,
                          double *theta) {
  (void)family;
  for (ouro_lid i = 0; i < n; i++) theta[i] = statistics[i] / (double)sizes[i];
  return n;
}

static void far_is_infinite(const ouro_family *family, ouro_lid n, const double *theta, double *error) {
  (void)family;
  for (ouro_lid i = 0; i < n; i++) error[i] = fabs(theta[i]) > bound ? INFINITY : theta[i] * theta[i];
}

static const ouro_family_methods walks = {
    .name = "walks", .draw = draw_walks, .reduce = add_rows, .fit = fit_walks, .error = far_is_infinite};

static int n_ranks(void) {
  int n;
  MPI_Comm_size(MPI_COMM_WORLD, &n);
  return n;
}

static ouro_config config_of(uint64_t seed, int groups) {
  static char none[] = "none";
  ouro_config config = {0};
  config.model.noise = 1.0;
  config.learning.generations = 8;
  config.learning.initial = 32;
  config.learning.replicates = 8 * n_ranks() + 5;
  config.learning.seed = seed;
  config.learning.memory = 1 << 20;
  config.exchange.buffer = 1 << 20;
  config.parallel.n_groups = groups;
  config.output.measures = none;
  return config;
}

static ouro_graph *graph_of(MPI_Comm comm) {
  const random_graph spec = {9, 3, 0, 0, 32, 0, true, comm == MPI_COMM_WORLD, 7};
  ouro_graph *graph = NULL;
  assert_true(random_graph_make(comm, &spec, &graph) == OURO_OK);
  return graph;
}

/* The last generation that was seen, and whether the observer ends the run there. */
typedef struct watcher {
  int64_t last, stops_at;
} watcher;

static ouro_status watch(void *context, const ouro_learn_view *view) {
  watcher *w = context;
  w->last = view->generation;
  return view->generation == w->stops_at ? ouro_error(OURO_EIO, "disk full") : OURO_OK;
}

static ouro_status learn(const ouro_config *config, const ouro_graph *graph, watcher *w, double **parameters) {
  double truth = 0, block[OURO_ROW_BLOCK];
  const ouro_family family = {.methods = &walks,
                              .n_parameters = 1,
                              .row_width = 1,
                              .statistic_width = 1,
                              .additive = true,
                              .least_samples = 1,
                              .eta_samples = 1,
                              .spread = {.base = 1.0},
                              .truth = &truth,
                              .block = block};
  return ouro_learn_run(config, &family, graph, watch, w, NULL, parameters, NULL, NULL);
}

/* The numbers of groups that can be, one after another; 0 after the last. */
static int next_groups(int groups) {
  do groups++;
  while (groups <= n_ranks() && n_ranks() % groups != 0);
  return groups <= n_ranks() ? groups : 0;
}

/* Who breaks down first is found whichever group has it: with 20 seeds, in replicates of different groups. */
static void test_breakdown(void **state) {
  (void)state;
  ouro_graph *graph = graph_of(MPI_COMM_WORLD), *alone = graph_of(MPI_COMM_SELF);
  int64_t others = 0;
  bound = 0.5;
  for (uint64_t seed = 1; seed <= 20; seed++) {
    char message[512];
    watcher one = {-1, -1};
    ouro_config config = config_of(seed, 1);
    assert_true(learn(&config, alone, &one, NULL) == OURO_ENUMERIC);
    snprintf(message, sizeof message, "%s", ouro_error_message());
    others += strstr(message, "replicate 0,") == NULL;
    for (int groups = 1; groups > 0; groups = next_groups(groups)) {
      watcher w = {-1, -1};
      double *parameters = NULL;
      config = config_of(seed, groups);
      assert_everywhere(learn(&config, graph, &w, &parameters) == OURO_ENUMERIC);
      assert_everywhere(strcmp(ouro_error_message(), message) == 0 && w.last == one.last && parameters == NULL);
    }
  }
  assert_true(others > 10);
  ouro_graph_destroy(&graph);
  ouro_graph_destroy(&alone);
}

static void test_observer_ends_run(void **state) {
  (void)state;
  ouro_graph *graph = graph_of(MPI_COMM_WORLD);
  const ouro_config config = config_of(1, n_ranks());
  watcher w = {-1, 2};
  bound = 1e9;
  assert_everywhere(learn(&config, graph, &w, NULL) == OURO_EIO && w.last == 2);
  ouro_graph_destroy(&graph);
}

static bool same(const ouro_graph *graph, const double *parameters, const ouro_graph *alone, const double *whole,
                 int64_t replicates) {
  bool equal = true;
  for (int64_t k = 0; k < replicates; k++) {
    for (ouro_lid i = 0; i < graph->n_owned; i++) {
      equal = equal && parameters[k * graph->n_owned + i] == whole[k * alone->n_owned + graph->gid[i]];
    }
  }
  return equal;
}

/* Messages between groups may be longer than MPI holds. */
static void test_messages_in_pieces(void **state) {
  (void)state;
  ouro_graph *graph = graph_of(MPI_COMM_WORLD), *alone = graph_of(MPI_COMM_SELF);
  const ouro_config one = config_of(1, 1), config = config_of(1, n_ranks());
  double *whole = NULL, *parameters = NULL;
  watcher w = {-1, -1};
  bound = 1e9;
  assert_true(learn(&one, alone, &w, &whole) == OURO_OK);
  for (size_t bytes = 3; bytes < 100; bytes += 19) {
    ouro_message_set_largest(bytes);
    const ouro_status status = learn(&config, graph, &w, &parameters);
    ouro_message_set_largest(0);
    assert_ok(status);
    assert_everywhere(same(graph, parameters, alone, whole, config.learning.replicates));
    free(parameters);
  }
  free(whole);
  ouro_graph_destroy(&graph);
  ouro_graph_destroy(&alone);
}

/* An allocation that fails on one rank is reported by all groups, wherever it is. */
static void fail_everywhere(const ouro_config *config, const ouro_graph *graph) {
  ouro_status status = OURO_ENOMEM;
  int rank, n = 0;
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  while (status != OURO_OK && n++ < 1000) {
    watcher w = {-1, -1};
    double *parameters = NULL;
    if (rank == n_ranks() - 1) ouro_memory_fail_at(n);
    status = learn(config, graph, &w, &parameters);
    ouro_memory_fail_at(0);
    assert_everywhere(status == OURO_OK || (parameters == NULL && strstr(ouro_error_message(), "out of memory")));
    free(parameters);
    int all = status == OURO_OK;
    MPI_Allreduce(MPI_IN_PLACE, &all, 1, MPI_INT, MPI_SUM, MPI_COMM_WORLD);
    assert_everywhere(all == 0 || all == n_ranks());
  }
  assert_everywhere(n > 30 && n < 1000);
}

static void test_memory(void **state) {
  (void)state;
  ouro_graph *graph = graph_of(MPI_COMM_WORLD);
  bound = 1e9;
  for (int groups = 1; groups > 0; groups = next_groups(groups)) {
    ouro_config config = config_of(1, groups);
    config.learning.generations = 2;
    fail_everywhere(&config, graph);
    config.learning.growth = 0.5; /* slots and plans are made anew where counts grow */
    config.learning.draw = OURO_DRAW_PUBLISHED;
    fail_everywhere(&config, graph);
  }
  ouro_graph_destroy(&graph);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_shares),
    cmocka_unit_test(test_breakdown),
    cmocka_unit_test(test_observer_ends_run),
    cmocka_unit_test(test_messages_in_pieces),
    cmocka_unit_test(test_memory),
};

TEST_MAIN(tests)
