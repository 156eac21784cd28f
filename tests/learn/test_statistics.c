/* Simulated errors agree with the exact recursion of THEORY.md section 3, and moments with plain sums.
 * A z-score is mean error minus theory over its standard error, from 4000 replicates; about 70 of them are tested
 * against 5, so a right program fails for one seed in 25,000. The seed is fixed.
 * ranks: 1 2 4 */

#include "../support/harness.h"

#include <math.h>
#include <string.h>

#include "learn/private.h"
#include "ouro/graph/build.h"

#define MOST 3 /* nodes */
#define REPLICATES 4000

/* A small experiment as plain numbers. */
typedef struct experiment {
  int n, p;
  ouro_count feed[MOST][MOST]; /* [target][source] */
  ouro_count real[MOST];
  ouro_count initial;
  int generations;
} experiment;

static double training_size(const experiment *x, int i) {
  double n = (double)x->real[i];
  for (int k = 0; k < x->n; k++) n += (double)x->feed[i][k];
  return n;
}

/* P of a trained node; a root keeps itself. */
static double weight(const experiment *x, int i, int k) {
  const double n = training_size(x, i);
  return n > 0 ? (double)x->feed[i][k] / n : i == k;
}

/* One step of the recursion by its definition. */
static void recur(const experiment *x, double (*c)[MOST]) {
  double q[MOST][MOST], own[MOST];
  for (int i = 0; i < x->n; i++) {
    own[i] = 0.0;
    for (int k = 0; k < x->n; k++) own[i] += weight(x, i, k) * c[k][k];
    for (int j = 0; j < x->n; j++) {
      q[i][j] = 0.0;
      for (int k = 0; k < x->n; k++) {
        for (int l = 0; l < x->n; l++) q[i][j] += weight(x, i, k) * c[k][l] * weight(x, j, l);
      }
    }
  }
  for (int i = 0; i < x->n; i++) {
    const double n = training_size(x, i), p = x->p;
    if (n > 0) {
      const double eta = ((p + 1) * n * n - (p + 5) * n + 2 * (p + 1)) / ((n - p - 1) * (n - 1) * (n + 2));
      q[i][i] = (1 - eta) * q[i][i] + eta * own[i] + 1 / (n - p - 1);
    }
    for (int j = 0; j < x->n; j++) c[i][j] = q[i][j];
  }
}

/* Known answer 1 of THEORY.md section 13. */
static const experiment known = {3, 2, {{0}, {4, 0, 6}, {0, 5, 5}}, {0, 0, 5}, 20, 6};

static void test_recursion(void **state) {
  (void)state;
  double c[MOST][MOST] = {{1.0}};
  for (int t = 0; t < 3; t++) recur(&known, c);
  assert_everywhere(fabs(c[1][1] - 0.4893133879) < 1e-10);
  assert_everywhere(fabs(c[2][2] - 0.1845150357) < 1e-10);
  assert_everywhere(fabs(c[1][2] - 0.1161579002) < 1e-10);
}

typedef struct scores {
  const experiment *x;
  const ouro_graph *graph;
  double c[MOST][MOST];
  int64_t n, beyond;
  double squares;
} scores;

static ouro_status score(void *context, const ouro_learn_view *view) {
  scores *s = context;
  if (view->generation > 0) recur(s->x, s->c);
  for (ouro_lid i = 0; i < s->graph->n_owned; i++) {
    const ouro_gid node = s->graph->gid[i];
    const double z = (view->error[i] - s->c[node][node]) / (view->error_sd[i] / sqrt(REPLICATES));
    s->beyond += !(fabs(z) < 5);
    s->squares += z * z;
    s->n++;
  }
  return OURO_OK;
}

static ouro_graph *graph_of(const experiment *x) {
  ouro_graph *graph = NULL;
  ouro_feeds feeds = {0};
  int rank;
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  for (int i = 0; i < x->n && rank == 0; i++) {
    for (int k = 0; k < x->n; k++) {
      if (x->feed[i][k] > 0 && ouro_feeds_add(&feeds, k, i, x->feed[i][k]) != OURO_OK) return NULL;
    }
  }
  assert_ok(ouro_graph_build(MPI_COMM_WORLD, x->n, &feeds, &graph));
  ouro_feeds_clear(&feeds);
  for (ouro_lid i = 0; i < graph->n_owned; i++) graph->real[i] = x->real[graph->gid[i]];
  return graph;
}

static void agree(const experiment *x, ouro_covariates covariates) {
  static char linear[] = "linear";
  ouro_config config = {0};
  ouro_family *family = NULL;
  config.model.family = linear;
  config.model.dimension = x->p;
  config.model.noise = 1.0;
  config.model.covariates = covariates;
  config.model.correlation = 0.5;
  config.learning.generations = x->generations;
  config.learning.initial = x->initial;
  config.learning.replicates = REPLICATES;
  config.learning.seed = 20;
  config.exchange.buffer = 1 << 16;
  ouro_graph *graph = graph_of(x);
  scores s = {.x = x, .graph = graph};
  for (int i = 0; i < x->n; i++) s.c[i][i] = 1.0 / (double)(x->initial - x->p - 1);
  assert_ok(ouro_family_create(&config, &family));
  assert_ok(ouro_learn_run(&config, family, graph, score, &s, NULL, NULL, NULL, NULL));
  assert_everywhere(s.beyond == 0);
  double sums[2] = {s.squares, (double)s.n};
  MPI_Allreduce(MPI_IN_PLACE, sums, 2, MPI_DOUBLE, MPI_SUM, MPI_COMM_WORLD);
  assert_everywhere(sums[1] == (double)(x->n * (x->generations + 1)));
  ouro_family_destroy(&family);
  ouro_graph_destroy(&graph);
}

/* One model on itself: sigma^2 (1/(n0-p-1) + t/(n-p-1)). */
static void test_one_model(void **state) {
  (void)state;
  const experiment x = {1, 3, {{20}}, {0}, 40, 8};
  double c[MOST][MOST] = {{1.0 / 36}};
  for (int t = 0; t < 8; t++) recur(&x, c);
  assert_everywhere(fabs(c[0][0] - (1.0 / 36 + 8.0 / 16)) < 1e-14);
  agree(&x, OURO_COVARIATES_ISOTROPIC);
}

static void test_one_model_with_real_data(void **state) {
  (void)state;
  const experiment x = {1, 3, {{12}}, {8}, 40, 8};
  agree(&x, OURO_COVARIATES_AR1);
}

static void test_known_graph(void **state) {
  (void)state;
  agree(&known, OURO_COVARIATES_ISOTROPIC);
}

/* A ring of two and a model that both feed, all without real data. */
static void test_unstable_pair(void **state) {
  (void)state;
  const experiment x = {3, 2, {{0, 9, 0}, {12, 0, 0}, {7, 6, 0}}, {0}, 15, 8};
  agree(&x, OURO_COVARIATES_ISOTROPIC);
}

/* Moments of known numbers, of one number, and independence of how whole blocks are grouped in memory. */
static void test_moments(void **state) {
  (void)state;
  double values[100], mean, sd;
  for (int k = 0; k < 100; k++) values[k] = k;
  ouro_learn_moments(100, values, &mean, &sd);
  assert_everywhere(fabs(mean - 49.5) < 1e-13 && fabs(sd * sd - 100.0 * 101.0 / 12.0) < 1e-10);
  ouro_learn_moments(1, values + 7, &mean, &sd);
  assert_everywhere(mean == 7.0 && sd == 0.0);
  for (int k = 0; k < 100; k++) values[k] = 0.1;
  ouro_learn_moments(97, values, &mean, &sd);
  assert_everywhere(fabs(mean - 0.1) < 1e-16 && sd < 1e-16);
  for (int k = 0; k < 100; k++) values[k] = 1e9 + (k % 2);
  ouro_learn_moments(100, values, &mean, &sd);
  assert_everywhere(fabs(sd * sd - 0.25 * 100 / 99) < 1e-6);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_recursion),
      cmocka_unit_test(test_one_model),
      cmocka_unit_test(test_one_model_with_real_data),
      cmocka_unit_test(test_known_graph),
      cmocka_unit_test(test_unstable_pair),
      cmocka_unit_test(test_moments),
  };
  return test_main(__FILE__, tests, sizeof tests / sizeof tests[0]);
}
