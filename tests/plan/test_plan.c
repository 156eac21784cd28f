/* What a plan counts is what a run moves: bytes, rounds, neighbours and ghosts of every rank, in every tier, draw and
 * carry, with counts that change, and with a buffer that is short. On one rank as on many.
 * ranks: 1 2 3 4 7 */

#include "../support/harness.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "../exchange/random_graph.h"
#include "ouro/learn/learn.h"
#include "ouro/plan/plan.h"

enum { MOST = 12 };

/* Overrides of a default configuration, up to NULL. */
typedef struct experiment {
  const char *settings[MOST];
  bool published, every;
} experiment;

#define COMMON "model.dimension=2", "learning.generations=3", "learning.initial=60", "learning.replicates=2"

static const experiment experiments[] = {
    {{COMMON}, false, false},
    {{COMMON, "exchange.carry=parameters"}, false, false},
    {{COMMON, "learning.draw=published"}, true, false},
    {{COMMON, "learning.draw=published", "exchange.carry=parameters"}, true, false},
    {{COMMON, "learning.growth=0.7"}, false, true},
    {{COMMON, "learning.growth=0.7", "learning.draw=published"}, true, true},
    {{COMMON, "exchange.buffer=40 KiB"}, false, false},
    {{COMMON, "exchange.buffer=120 KiB"}, false, false},
    {{COMMON, "exchange.buffer=300 KiB"}, false, false},
    {{COMMON, "model.family=normal-mean", "learning.sampling=statistics"}, false, false},
    {{COMMON, "model.family=normal-mean", "learning.sampling=statistics", "learning.draw=published"}, true, true},
    {{COMMON, "learning.sampling=limit"}, false, false},
    {{COMMON, "model.family=kde", "learning.regime=accumulate", "model.points=100000"}, false, false},
    {{COMMON, "partition.method=block", "learning.regime=accumulate"}, false, false},
    {{COMMON, "learning.generations=0"}, false, false},
};

static ouro_config *configuration(MPI_Comm comm, const experiment *x) {
  ouro_config *config = NULL;
  int n = 0;
  while (n < MOST && x->settings[n]) n++;
  assert_true(ouro_config_default(comm, x->settings, n, &config) == OURO_OK);
  return config;
}

static ouro_graph *graph_of(MPI_Comm comm, const experiment *x, ouro_gid n_nodes) {
  const random_graph spec = {n_nodes, 4, 20, 50, 20, 200, x->published, false, 5};
  ouro_graph *graph = NULL;
  assert_true(random_graph_make(comm, &spec, &graph) == OURO_OK);
  if (!x->every) return graph;
  graph->every = calloc((size_t)graph->n_owned + 1, sizeof *graph->every);
  assert_non_null(graph->every);
  for (ouro_lid i = 0; i < graph->n_owned; i++) graph->every[i] = 1 + graph->gid[i] % 3;
  return graph;
}

static ouro_plan *plan_of(MPI_Comm comm, const experiment *x, ouro_gid n_nodes, int n_parts) {
  ouro_config *config = configuration(comm, x);
  ouro_family *family = NULL;
  ouro_plan_machine *machine = NULL;
  ouro_graph *graph = graph_of(comm, x, n_nodes);
  ouro_plan *plan = NULL;
  assert_true(ouro_family_create(config, &family) == OURO_OK);
  assert_true(ouro_plan_machine_built_in(&machine) == OURO_OK);
  const ouro_plan_ranks ranks = {n_parts, 0};
  assert_true(ouro_plan_create(config, family, machine, &ranks, &graph, &plan) == OURO_OK);
  ouro_graph_destroy(&graph);
  ouro_plan_machine_destroy(&machine);
  ouro_family_destroy(&family);
  ouro_config_destroy(&config);
  return plan;
}

/* The run itself, as the command distributes it. */
static ouro_learn_traffic traffic_of(const experiment *x, ouro_gid n_nodes, ouro_lid *n_owned, ouro_lid *n_ghost) {
  ouro_config *config = configuration(MPI_COMM_WORLD, x);
  ouro_family *family = NULL;
  ouro_graph *graph = graph_of(MPI_COMM_WORLD, x, n_nodes);
  ouro_partition_figures figures;
  ouro_learn_traffic traffic = {0};
  int n_ranks;
  MPI_Comm_size(MPI_COMM_WORLD, &n_ranks);
  assert_ok(ouro_family_create(config, &family));
  int32_t *owner = calloc((size_t)graph->n_owned + 1, sizeof *owner);
  assert_non_null(owner);
  assert_ok(ouro_partition_choose(graph, &config->partition, ouro_partition_crossing(config), n_ranks,
                                  (double)family->row_width * sizeof(double), owner, &figures));
  const int groups = (int)ouro_config_groups(config); /* parts in a row belong to one rank of a group */
  for (ouro_lid i = 0; i < graph->n_owned; i++) {
    owner[i] = owner[i] % groups * (n_ranks / groups) + owner[i] / groups;
  }
  assert_ok(ouro_partition_migrate(&graph, owner));
  assert_ok(ouro_learn_run(config, family, graph, NULL, NULL, NULL, NULL, &traffic, NULL));
  *n_owned = graph->n_owned;
  *n_ghost = graph->n_ghost;
  free(owner);
  ouro_graph_destroy(&graph);
  ouro_family_destroy(&family);
  ouro_config_destroy(&config);
  return traffic;
}

static void check_run(const experiment *x, ouro_gid n_nodes) {
  ouro_lid n_owned, n_ghost;
  int rank, n_ranks;
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  MPI_Comm_size(MPI_COMM_WORLD, &n_ranks);
  ouro_plan *plan = plan_of(MPI_COMM_WORLD, x, n_nodes, n_ranks);
  const ouro_learn_traffic traffic = traffic_of(x, n_nodes, &n_owned, &n_ghost);
  const ouro_plan_part *part = &plan->part[rank];
  assert_everywhere(part->counts.nodes == n_owned && part->counts.ghosts == n_ghost);
  assert_everywhere(part->bytes_run == traffic.bytes_sent);
  assert_everywhere(part->counts.neighbours == traffic.neighbours);
  assert_everywhere(x->every || x->settings[4] == NULL || strstr(x->settings[4], "growth") || traffic.neighbours == 0 ||
                    part->counts.rounds == (double)traffic.rounds);
  ouro_plan_destroy(&plan);
}

static void test_run(void **state) {
  (void)state;
  for (size_t k = 0; k < sizeof experiments / sizeof experiments[0]; k++) check_run(&experiments[k], 40);
}

/* Two groups share 17 replicates: 16 and 1. */
static void test_groups(void **state) {
  (void)state;
  const experiment x = {{COMMON, "learning.replicates=17", "parallel.groups=2", "learning.growth=0.3"}, false, false};
  ouro_lid n_owned, n_ghost;
  int rank, n_ranks;
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  MPI_Comm_size(MPI_COMM_WORLD, &n_ranks);
  if (n_ranks % 2 != 0) return;
  ouro_plan *plan = plan_of(MPI_COMM_WORLD, &x, 40, n_ranks);
  const ouro_learn_traffic traffic = traffic_of(&x, 40, &n_owned, &n_ghost);
  const ouro_plan_part *part = &plan->part[rank % plan->n_parts];
  const int64_t replicates = rank < plan->n_parts ? 16 : 1;
  assert_everywhere(plan->n_groups == 2 && plan->n_parts == n_ranks / 2 && plan->replicates == 16);
  assert_everywhere(traffic.bytes_sent == part->bytes_run / 16 * replicates);
  assert_everywhere(part->bytes_all == part->bytes_run / 16 * 17 && part->bytes_run % 16 == 0);
  ouro_plan_destroy(&plan);
}

/* More ranks than models, one model. */
static void test_small(void **state) {
  (void)state;
  check_run(&experiments[0], 1);
  check_run(&experiments[0], 3);
  check_run(&experiments[3], 3);
}

static bool same(double a, double b) {
  return a == b || fabs(a - b) < 1e-12 * fabs(a);
}

static bool same_part(const ouro_plan_part *a, const ouro_plan_part *b) {
  const double *x = (const double *)&a->counts, *y = (const double *)&b->counts;
  for (size_t k = 0; k < sizeof a->counts / sizeof *x; k++) {
    if (!same(x[k], y[k])) return false;
  }
  return a->bytes_run == b->bytes_run && same(a->cost.whole_bytes, b->cost.whole_bytes) &&
         same(a->cost.whole_seconds, b->cost.whole_seconds);
}

/* Parts counted by all ranks together are those that one rank counts alone. */
static void test_ranks(void **state) {
  (void)state;
  for (size_t k = 0; k < sizeof experiments / sizeof experiments[0]; k++) {
    ouro_plan *together = plan_of(MPI_COMM_WORLD, &experiments[k], 40, 5);
    ouro_plan *alone = plan_of(MPI_COMM_SELF, &experiments[k], 40, 5);
    bool equal = together->least_buffer == alone->least_buffer;
    for (int p = 0; p < 5; p++) equal = equal && same_part(&together->part[p], &alone->part[p]);
    assert_everywhere(equal);
    ouro_plan_destroy(&together);
    ouro_plan_destroy(&alone);
  }
}

/* What the parts send is what the partition says crosses it; what is sent arrives. */
static void test_partition(void **state) {
  (void)state;
  for (int k = 0; k < 3; k += 2) {
    ouro_plan *plan = plan_of(MPI_COMM_WORLD, &experiments[k], 40, 6);
    double sent = 0, received = 0, cut = 0, messages = 0;
    for (int p = 0; p < 6; p++) {
      const ouro_plan_counts *counts = &plan->part[p].counts;
      sent += counts->bytes_sent;
      received += counts->bytes_received;
      cut += counts->cut_feeds;
      messages += counts->messages_sent - counts->messages_received;
    }
    const double bytes = k == 0 ? plan->figures.cut_bytes : plan->figures.volume_bytes;
    assert_everywhere(sent == 2 * bytes && received == sent && messages == 0); /* two replicates */
    assert_everywhere(cut == (double)plan->figures.cut_feeds && cut > 0);
    ouro_plan_destroy(&plan);
  }
}

/* A part of one alone is the graph, and a graph of which nothing is cut has no traffic. */
static void test_whole(void **state) {
  (void)state;
  const experiment *x = &experiments[0];
  ouro_plan *plan = plan_of(MPI_COMM_WORLD, x, 40, 1);
  ouro_config *config = configuration(MPI_COMM_WORLD, x);
  ouro_family *family = NULL;
  ouro_graph *graph = graph_of(MPI_COMM_WORLD, x, 40);
  ouro_plan_counts whole, part;
  assert_ok(ouro_family_create(config, &family));
  assert_ok(ouro_plan_count_whole(config, family, graph, &whole));
  const ouro_plan_counts *one = &plan->part[0].counts;
  assert_everywhere(one->bytes_sent == 0 && one->neighbours == 0 && one->ghosts == 0);
  assert_everywhere(whole.nodes == one->nodes && whole.feeds == one->feeds && whole.samples == one->samples);
  assert_everywhere(whole.drawn.samples == one->drawn.samples && whole.drawn.sets == one->drawn.sets);
  assert_everywhere(whole.largest == one->largest && whole.fed == one->fed && whole.trained == one->trained);
  ouro_plan_assume(config, family, &whole, 4, 0.25, 2, &part);
  assert_everywhere(part.cut_feeds == whole.feeds / 16 && part.neighbours == 2);
  assert_everywhere(same(part.bytes_sent, whole.fed / 16 * family->row_width * 8 * 2));
  ouro_graph_destroy(&graph);
  ouro_family_destroy(&family);
  ouro_config_destroy(&config);
  ouro_plan_destroy(&plan);
}

static const struct CMUnitTest tests[] = {cmocka_unit_test(test_small),     cmocka_unit_test(test_run),
                                          cmocka_unit_test(test_groups),    cmocka_unit_test(test_ranks),
                                          cmocka_unit_test(test_partition), cmocka_unit_test(test_whole)};

TEST_MAIN(tests)
