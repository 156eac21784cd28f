/* Figures of measures and of first passages, against sums in long double over all nodes and replicates, and bit by bit
 * against one rank that has all nodes, in groups of ranks that share the replicates. ranks: 1 2 3 4 6 7 */

#include "../support/harness.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "ouro/base/random.h"
#include "ouro/graph/build.h"
#include "ouro/learn/figures.h"
#include "ouro/partition/partition.h"

enum { N = 11, CLASSES = 3, MOST = 77 }; /* class 1 has no nodes */

/* A number of a node and a replicate; of very different sizes, so that the order of additions shows. */
static double number_of(ouro_gid node, int64_t replicate, int generation) {
  const ouro_stream stream =
      ouro_random_stream(5, (uint64_t)replicate, (uint64_t)generation, OURO_PURPOSE_TEST, 0, node);
  double u[2];
  ouro_random_uniforms(&stream, 0, 2, u);
  return exp(8 * u[0]) * (u[1] - 0.3);
}

static bool at_infinity; /* does one value not exist? */

static double value_of(ouro_gid node, int64_t replicate) {
  return at_infinity && node == 4 && replicate == 2 ? -INFINITY : number_of(node, replicate, 0);
}

/* The measure and the error of a model of one parameter are that parameter. */
static void parameter(const ouro_family *family, ouro_lid n, const double *theta, double *values) {
  (void)family;
  for (ouro_lid i = 0; i < n; i++) values[i] = theta[i];
}

static const ouro_family_methods methods = {.name = "one", .error = parameter};
static const ouro_family family = {.methods = &methods, .n_parameters = 1};
static const ouro_measure measure = {"parameter", "1", "the parameter", parameter};

static int class_of(ouro_gid node) {
  return node % 3 == 1 ? 2 : 0;
}

typedef struct outcome {
  ouro_graph *graph;
  ouro_learn_group *group;
  int8_t *class_of, *told;
  double *mean, *sd, *theta;
  double class_mean[CLASSES], class_error[CLASSES];
} outcome;

static const ouro_gid count[CLASSES] = {7, 0, 4};

/* N nodes without feeds; nodes in turn to ranks where `dealt`. */
static outcome outcome_on(MPI_Comm comm, bool dealt) {
  outcome out = {0};
  ouro_feeds feeds = {0};
  int32_t owner[N];
  int n_ranks;
  MPI_Comm_size(comm, &n_ranks);
  assert_ok(ouro_graph_build(comm, N, &feeds, &out.graph));
  for (ouro_lid i = 0; i < out.graph->n_owned; i++) owner[i] = (int32_t)((out.graph->gid[i] * 5 + 3) % n_ranks);
  if (dealt) assert_ok(ouro_partition_migrate(&out.graph, owner));
  out.class_of = calloc(N, sizeof *out.class_of);
  out.told = calloc(N, sizeof *out.told);
  out.mean = calloc(N, sizeof *out.mean);
  out.sd = calloc(N, sizeof *out.sd);
  out.theta = calloc((size_t)N * MOST, sizeof *out.theta);
  assert_true(out.class_of && out.told && out.mean && out.sd && out.theta);
  for (ouro_lid i = 0; i < out.graph->n_owned; i++) out.class_of[i] = (int8_t)class_of(out.graph->gid[i]);
  return out;
}

static void outcome_clear(outcome *out) {
  ouro_graph_destroy(&out->graph);
  free(out->class_of);
  free(out->told);
  free(out->mean);
  free(out->sd);
  free(out->theta);
}

static ouro_learn_figures figures_into(outcome *out) {
  return (ouro_learn_figures){out->mean, out->sd, out->class_mean, out->class_error};
}

static void fill(outcome *out, double (*value)(ouro_gid node, int64_t replicate)) {
  const ouro_learn_group *group = out->group;
  const int64_t n = group->replicates;
  for (ouro_lid i = 0; i < group->graph->n_owned; i++) {
    for (int64_t r = 0; r < n; r++) out->theta[i * n + r] = value(group->graph->gid[i], group->first + r);
  }
}

static void form(outcome *out, int64_t replicates, int n_groups) {
  assert_ok(ouro_learn_group_create(out->graph, n_groups, replicates, &out->group));
  assert_ok(ouro_learn_group_tell(out->group, sizeof *out->told, out->class_of, out->told));
}

static void measure_all(outcome *out, int64_t replicates, int n_groups) {
  const ouro_learn_classes classes = {CLASSES, out->told, count};
  const ouro_learn_figures figures = figures_into(out);
  form(out, replicates, n_groups);
  fill(out, value_of);
  assert_ok(ouro_learn_figures_measure(&family, out->group, &classes, &measure, out->theta, &figures));
  ouro_learn_group_destroy(&out->group);
}

/* Can the ranks be so many groups, each with a block of replicates? */
static bool can_be(int n_groups, int64_t replicates) {
  int n_ranks;
  MPI_Comm_size(MPI_COMM_WORLD, &n_ranks);
  return n_groups <= n_ranks && n_ranks % n_groups == 0 && n_groups <= (replicates + 7) / 8;
}

/* Mean and standard deviation of n values in long double. */
static void moments_of(int64_t n, const double *values, double *mean, double *sd) {
  long double sum = 0, squares = 0;
  for (int64_t r = 0; r < n; r++) sum += values[r];
  for (int64_t r = 0; r < n; r++) squares += (values[r] - sum / n) * (values[r] - sum / n);
  *mean = (double)(sum / n);
  *sd = n > 1 ? (double)sqrtl(squares / (n - 1)) : 0;
}

static bool near(double a, double b) {
  return fabs(a - b) <= 1e-12 * fabs(b);
}

/* How many figures are not those of `value`, over nodes and replicates. */
static int wrong(const outcome *out, int64_t replicates, double (*value)(ouro_gid node, int64_t replicate)) {
  double values[MOST], mean, sd;
  int found = 0;
  for (ouro_lid i = 0; i < out->graph->n_owned; i++) {
    for (int64_t r = 0; r < replicates; r++) values[r] = value(out->graph->gid[i], r);
    moments_of(replicates, values, &mean, &sd);
    found += !near(out->mean[i], mean) || !near(out->sd[i], sd);
  }
  for (int c = 0; c < CLASSES; c += 2) {
    for (int64_t r = 0; r < replicates; r++) {
      long double sum = 0;
      for (ouro_gid node = 0; node < N; node++) sum += class_of(node) == c ? value(node, r) : 0;
      values[r] = (double)(sum / count[c]);
    }
    moments_of(replicates, values, &mean, &sd);
    found += !near(out->class_mean[c], mean);
    found += replicates > 1 ? !near(out->class_error[c], sd / sqrt((double)replicates)) : !isnan(out->class_error[c]);
  }
  return found + !isnan(out->class_mean[1]) + !isnan(out->class_error[1]);
}

/* The same bits as on one rank? */
static bool same(const outcome *one, const outcome *many) {
  bool equal = memcmp(one->class_mean, many->class_mean, sizeof one->class_mean) == 0 &&
               memcmp(one->class_error, many->class_error, sizeof one->class_error) == 0;
  for (ouro_lid i = 0; i < many->graph->n_owned; i++) {
    const ouro_gid node = many->graph->gid[i];
    equal &= memcmp(&one->mean[node], &many->mean[i], sizeof(double)) == 0;
    equal &= memcmp(&one->sd[node], &many->sd[i], sizeof(double)) == 0;
  }
  return equal;
}

static const int64_t replicates_tried[] = {1, 2, 7, 8, 9, 31, 32, 33, 64, MOST};
enum { N_TRIED = sizeof replicates_tried / sizeof replicates_tried[0] };

static void test_measures(void **state) {
  (void)state;
  for (int dealt = 0; dealt < 2; dealt++) {
    outcome one = outcome_on(MPI_COMM_SELF, false), many = outcome_on(MPI_COMM_WORLD, dealt);
    for (int k = 0; k < N_TRIED; k++) {
      measure_all(&one, replicates_tried[k], 1);
      assert_everywhere(wrong(&one, replicates_tried[k], value_of) == 0);
      for (int n_groups = 1; n_groups <= MOST; n_groups++) {
        if (!can_be(n_groups, replicates_tried[k])) continue;
        measure_all(&many, replicates_tried[k], n_groups);
        assert_everywhere(wrong(&many, replicates_tried[k], value_of) == 0);
        assert_everywhere(same(&one, &many));
      }
    }
    outcome_clear(&one);
    outcome_clear(&many);
  }
}

/* A value that does not exist makes infinite what it is part of, and nothing else; it leaves no deviation. */
static void test_infinite(void **state) {
  (void)state;
  outcome out = outcome_on(MPI_COMM_WORLD, true);
  int n_ranks;
  MPI_Comm_size(MPI_COMM_WORLD, &n_ranks);
  for (int k = 2; k < N_TRIED; k++) {
    int bad = 0;
    at_infinity = true;
    measure_all(&out, replicates_tried[k], can_be(n_ranks, replicates_tried[k]) ? n_ranks : 1);
    at_infinity = false;
    for (ouro_lid i = 0; i < out.graph->n_owned; i++) {
      const bool lost = out.graph->gid[i] == 4;
      bad += lost ? out.mean[i] != -INFINITY || !isnan(out.sd[i]) : !isfinite(out.mean[i]) || !isfinite(out.sd[i]);
    }
    assert_everywhere(bad == 0);
    assert_everywhere(out.class_mean[2] == -INFINITY && isnan(out.class_error[2]));
    assert_everywhere(isfinite(out.class_mean[0]) && isfinite(out.class_error[0]));
  }
  outcome_clear(&out);
}

enum { GENERATIONS = 6 };
static const double threshold = 900;
static int generation_now;

static double error_of(ouro_gid node, int64_t replicate) {
  return number_of(node, replicate, generation_now);
}

/* Brute force: the first generation in which an error is not below the threshold. */
static double passage_of(ouro_gid node, int64_t replicate) {
  for (int t = 0; t < GENERATIONS; t++) {
    if (!(number_of(node, replicate, t) < threshold)) return t;
  }
  return GENERATIONS;
}

static double passed(ouro_gid node, int64_t replicate) {
  return passage_of(node, replicate) < GENERATIONS;
}

static void watch(outcome *out, ouro_learn_passages *passages) {
  assert_ok(ouro_agree(out->graph->comm, ouro_learn_passages_begin(out->group, threshold, passages)));
  for (generation_now = 0; generation_now < GENERATIONS; generation_now++) {
    fill(out, error_of);
    ouro_learn_passages_note(passages, &family, out->theta);
  }
}

static void pass(outcome *one, outcome *many, int64_t replicates, int n_groups) {
  ouro_learn_passages alone, shared;
  form(one, replicates, 1);
  form(many, replicates, n_groups);
  watch(one, &alone);
  watch(many, &shared);
  for (int share = 0; share < 2; share++) {
    const ouro_learn_classes of_one = {CLASSES, one->told, count}, of_many = {CLASSES, many->told, count};
    const ouro_learn_figures to_one = figures_into(one), to_many = figures_into(many);
    assert_ok(ouro_learn_figures_passages(&alone, &of_one, share, &to_one));
    assert_ok(ouro_learn_figures_passages(&shared, &of_many, share, &to_many));
    assert_everywhere(wrong(many, replicates, share ? passed : passage_of) == 0);
    assert_everywhere(same(one, many));
  }
  ouro_learn_passages_clear(&alone);
  ouro_learn_passages_clear(&shared);
  ouro_learn_group_destroy(&one->group);
  ouro_learn_group_destroy(&many->group);
}

static void test_passages(void **state) {
  (void)state;
  outcome one = outcome_on(MPI_COMM_SELF, false), many = outcome_on(MPI_COMM_WORLD, true);
  for (int k = 0; k < N_TRIED; k++) {
    for (int n_groups = 1; n_groups <= MOST; n_groups++) {
      if (can_be(n_groups, replicates_tried[k])) pass(&one, &many, replicates_tried[k], n_groups);
    }
  }
  outcome_clear(&one);
  outcome_clear(&many);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_measures),
    cmocka_unit_test(test_infinite),
    cmocka_unit_test(test_passages),
};

TEST_MAIN(tests)
