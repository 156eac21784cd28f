/* Results of the literature and corner cases in closed form, THEORY.md sections 6 and 12, by the program's own families
 * through the public interface.
 * ranks: 1 2 3 4 7 */

#include <math.h>
#include <string.h>

#include "ouro/family/family.h"
#include "ouro/theory/plateau.h"
#include "ouro/theory/predict.h"
#include "ouro/theory/rates.h"
#include "small.h"

enum { FITS = 40 };

static int near(double value, double expected, double relative) {
  return fabs(value - expected) <= relative * fabs(expected);
}

static ouro_config named(const char *family, int dimension, int initial) {
  static char uniform[] = "uniform";
  ouro_config config = {0};
  config.model.family = (char *)family;
  config.model.dimension = dimension;
  config.model.noise = 1;
  config.model.mean = 0.5;
  config.model.categories = 5;
  config.model.probabilities = uniform;
  config.model.temperature = config.model.top_p = 1;
  config.learning.initial = initial;
  config.learning.replicates = 1;
  config.learning.seed = 1;
  config.theory.exact = OURO_EXACT_ALWAYS;
  return config;
}

/* C_ii(t) of all nodes: generation t is fit number t + 1. */
static void follow(const ouro_config *config, const small *s, double error[FITS][MOST]) {
  ouro_config how = *config;
  ouro_family *family = NULL;
  ouro_prediction *p = NULL;
  how.learning.generations = FITS - 1;
  ouro_graph *graph = small_build(MPI_COMM_WORLD, s, 1);
  assert_everywhere(graph != NULL);
  assert_ok(ouro_family_create(&how, &family));
  assert_ok(ouro_predict(&how, family, graph, NULL, &p));
  assert_everywhere(p->kind == OURO_PREDICT_EXACT || p->kind == OURO_PREDICT_FIRST_ORDER);
  memset(error, 0, FITS * sizeof *error);
  for (int t = 0; t < FITS; t++) {
    for (ouro_lid i = 0; i < graph->n_owned; i++) error[t][graph->gid[i]] = p->error[t * graph->n_owned + i];
  }
  MPI_Allreduce(MPI_IN_PLACE, error, FITS * MOST, MPI_DOUBLE, MPI_SUM, MPI_COMM_WORLD);
  ouro_prediction_destroy(&p);
  ouro_family_destroy(&family);
  ouro_graph_destroy(&graph);
}

/* Plateaus of all nodes, NaN where they collapse. */
static void settle(const ouro_config *config, const small *s, double error[MOST]) {
  ouro_family *family = NULL;
  ouro_verdict *verdict = NULL;
  ouro_plateau *plateau = NULL;
  ouro_graph *graph = small_build(MPI_COMM_WORLD, s, 0);
  assert_everywhere(graph != NULL);
  assert_ok(ouro_family_create(config, &family));
  assert_ok(ouro_verdict_create(graph, true, &verdict));
  assert_ok(ouro_plateau_create(config, family, graph, verdict, NULL, &plateau));
  assert_everywhere(plateau->found);
  memset(error, 0, MOST * sizeof *error);
  for (ouro_lid i = 0; i < graph->n_owned; i++) error[graph->gid[i]] = plateau->error[i];
  MPI_Allreduce(MPI_IN_PLACE, error, MOST, MPI_DOUBLE, MPI_SUM, MPI_COMM_WORLD);
  ouro_plateau_destroy(&plateau);
  ouro_verdict_destroy(&verdict);
  ouro_family_destroy(&family);
  ouro_graph_destroy(&graph);
}

/* Rates of all nodes, where a fit to n samples adds 1/n. */
static void grow(const small *s, double rate[MOST]) {
  const ouro_rates_options options = {.mixing = {.real_counts = true}};
  double noise[MOST];
  ouro_verdict *verdict = NULL;
  ouro_rates *rates = NULL;
  ouro_graph *graph = small_build(MPI_COMM_WORLD, s, 0);
  assert_everywhere(graph != NULL);
  for (ouro_lid i = 0; i < graph->n_owned; i++) noise[i] = 1 / fmax(1, (double)ouro_graph_training_size(graph, i));
  assert_ok(ouro_verdict_create(graph, true, &verdict));
  assert_ok(ouro_rates_create(graph, verdict, &options, noise, &rates));
  memset(rate, 0, MOST * sizeof *rate);
  for (ouro_lid i = 0; i < graph->n_owned; i++) rate[graph->gid[i]] = rates->rate[i];
  MPI_Allreduce(MPI_IN_PLACE, rate, MOST, MPI_DOUBLE, MPI_SUM, MPI_COMM_WORLD);
  ouro_rates_destroy(&rates);
  ouro_verdict_destroy(&verdict);
  ouro_graph_destroy(&graph);
}

static small alone(int n) {
  return (small){.n = 1, .feeds = {{n}}};
}

/* R1: risk g sigma^2 p / (n - p - 1), from the smallest training sets to large ones. */
static void test_regression(void **unused) {
  (void)unused;
  static const int sizes[][2] = {{1, 3}, {1, 50}, {5, 7}, {5, 11}, {10, 50}, {30, 200}};
  for (int k = 0; k < 6; k++) {
    const int p = sizes[k][0], n = sizes[k][1];
    ouro_config config = named("linear", p, n);
    const small s = alone(n);
    double error[FITS][MOST];
    config.model.noise = 2;
    follow(&config, &s, error);
    for (int g = 1; g <= FITS; g++) {
      if (!near(p * error[g - 1][0], g * 4.0 * p / (n - p - 1), 1e-12)) fail_msg("p %d, n %d, fit %d", p, n, g);
    }
  }
}

/* R3: a chain of k fits of n0 samples, then one of n. */
static void test_chain(void **unused) {
  (void)unused;
  enum { LINKS = 9, N0 = 25, N = 80, DIMENSION = 6 };
  const ouro_config config = named("linear", DIMENSION, N0);
  small s = {.n = LINKS + 1};
  double error[FITS][MOST];
  for (int k = 1; k < LINKS; k++) s.feeds[k - 1][k] = N0;
  s.feeds[LINKS - 1][LINKS] = N;
  follow(&config, &s, error);
  const double expected = (double)LINKS / (N0 - DIMENSION - 1) + 1.0 / (N - DIMENSION - 1);
  assert_true(near(error[FITS - 1][LINKS], expected, 1e-12));
}

/* What the variance of the data left behind by g fits is, for families that lose it: R4, R9 and fixation. */
static void test_lost_diversity(void **unused) {
  (void)unused;
  static const struct {
    const char *family;
    double spread;
  } families[] = {{"gaussian", 1}, {"categorical", 0.8}, {"bernoulli", 0.25}};
  for (int k = 0; k < 3; k++) {
    for (int n = 2; n <= 50; n += 16) {
      const ouro_config config = named(families[k].family, 1, n);
      const small s = alone(n);
      double error[FITS][MOST];
      follow(&config, &s, error);
      for (int g = 1; g <= FITS; g++) {
        const double expected = families[k].spread * (1 - pow(1 - 1.0 / n, g));
        if (!near(error[g - 1][0], expected, 1e-11)) fail_msg("%s, n %d, fit %d", families[k].family, n, g);
      }
    }
  }
}

/* The other means of section 5 alone: linear, linear, and geometric by 1 + 1/n. */
static void test_means(void **unused) {
  (void)unused;
  const int n = 20;
  const small s = alone(n);
  const ouro_config normal = named("normal-mean", 1, n), poisson = named("poisson", 1, n),
                    exponential = named("exponential", 1, n);
  double error[FITS][MOST];
  follow(&normal, &s, error);
  for (int g = 1; g <= FITS; g++) assert_true(near(error[g - 1][0], g / 20.0, 1e-12));
  follow(&poisson, &s, error);
  for (int g = 1; g <= FITS; g++) assert_true(near(error[g - 1][0], 0.5 * g / 20.0, 1e-12));
  follow(&exponential, &s, error);
  for (int g = 1; g <= FITS; g++) assert_true(near(error[g - 1][0], 0.25 * (pow(1.05, g) - 1), 1e-12));
}

/* R13 and R6: where everything is kept, S2(g) = sum 1/i^2, and prod (1 - 1/(n i^2)). */
static void test_accumulate(void **unused) {
  (void)unused;
  const int n = 12;
  const small s = alone(n);
  ouro_config normal = named("normal-mean", 1, n), gaussian = named("gaussian", 1, n);
  double error[FITS][MOST], sum = 0, product = 1;
  normal.learning.regime = gaussian.learning.regime = OURO_REGIME_ACCUMULATE;
  follow(&normal, &s, error);
  for (int g = 1; g <= FITS; g++) {
    sum += 1.0 / g / g;
    assert_true(near(error[g - 1][0], sum / n, 1e-12));
  }
  follow(&gaussian, &s, error);
  for (int g = 1; g <= FITS; g++) {
    product *= 1 - 1.0 / n / g / g;
    assert_true(near(error[g - 1][0], 1 - product, 1e-11));
  }
}

/* R12: of a random subsample of all samples the ratio to the first fit is S2(g) + (1 - 1/g) + sum_(i<g) (1 - 1/i) /
 * (i+1)^2 but for the samples kept, which scatter less about their own mean than s^2: by their errors, some 3/n. */
static void test_subsample(void **unused) {
  (void)unused;
  static const char *const families[] = {"normal-mean", "linear", "logistic", "gaussian"};
  const int n = 100000;
  const small s = alone(n);
  for (int family = 0; family < 4; family++) {
    ouro_config config = named(families[family], 1, n);
    double error[FITS][MOST], ratio = 1;
    config.learning.regime = OURO_REGIME_SUBSAMPLE;
    follow(&config, &s, error);
    for (int g = 1; g <= FITS; g++) {
      assert_true(near(error[g - 1][0], (ratio + 1 - 1.0 / g) * error[0][0], 2e-4));
      ratio += 1.0 / (g + 1) / (g + 1) + (1 - 1.0 / g) / (g + 1) / (g + 1);
    }
  }
}

/* What the first draw of a subsample does, by hand. The four samples kept are x, y, m + a, m + b with m = (x + y) / 2,
 * all of variance 1. Their mean m + (a + b) / 4 has variance 1/2 + 1/8; their squares about it sum up to (x-y)^2/2 +
 * (a-b)^2/2 + ((a+b)/2)^2, of expectation 5/2, of which the two that are drawn see (1/2 - 1/4) / 3. */
static void test_small_subsample(void **unused) {
  (void)unused;
  const small s = alone(2);
  ouro_config config = named("normal-mean", 1, 2);
  double error[FITS][MOST];
  config.learning.regime = OURO_REGIME_SUBSAMPLE;
  follow(&config, &s, error);
  assert_true(near(error[0][0], 0.5, 1e-15));
  assert_true(near(error[1][0], 0.5 + 0.125 + 0.25 * 2.5 / 3, 1e-15));
}

/* R10: n fresh real samples with weight w, m synthetic, k = n / m; w = 0 is the share n / (n + m). The least is at
 * w* = (sqrt(k^2 + 4k) - k) / 2, and w* s^2 / n: for k = 1 the golden ratio. */
static void test_weight_of_real_data(void **unused) {
  (void)unused;
  static const int sizes[][2] = {{50, 50}, {10, 90}, {90, 10}, {1, 400}, {400, 1}};
  for (int c = 0; c < 5; c++) {
    const double n = sizes[c][0], k = n / sizes[c][1], best = (sqrt(k * k + 4 * k) - k) / 2;
    const double weights[] = {0, 0.1, 0.5, 0.9, best * 0.99, fmin(best * 1.01, 0.999), best};
    const small s = {.n = 1, .feeds = {{sizes[c][1]}}, .real = {sizes[c][0]}};
    ouro_config config = named("normal-mean", 1, 100);
    for (int which = 0; which < 7; which++) {
      const double w = which == 0 ? k / (1 + k) : weights[which];
      double error[MOST];
      config.real.weight = weights[which];
      settle(&config, &s, error);
      assert_true(near(error[0], (w * w + k * (1 - w) * (1 - w)) / (w * (2 - w)) / n, 1e-11));
      assert_true(which == 6 ? near(error[0], best / n, 1e-11) : error[0] > best / n * (1 - 1e-11));
    }
    if (c == 0) assert_true(near(best, 0.6180339887, 1e-10));
  }
}

/* R11: n real samples in a training set of n / q. */
static void test_pooled(void **unused) {
  (void)unused;
  for (int parts = 1; parts <= 9; parts += 2) {
    const double q = 1.0 / parts;
    ouro_config config = named("normal-mean", 1, 50);
    const small s = {.n = 1, .feeds = {{60 * (parts - 1)}}, .real = {60}};
    double error[MOST];
    config.model.noise = 2;
    settle(&config, &s, error);
    assert_true(near(error[0], 4.0 / 60 / (2 - q), 1e-11));
    config.real.kind = OURO_REAL_FIXED;
    settle(&config, &s, error);
    assert_true(near(error[0], 4.0 / 60 * (1 + (1 - q) / (2 - q)), 1e-11));
  }
}

/* R14: K models on all of one another, and in a ring, K times worse; by their trajectories and by their rates. */
static void test_complete_and_ring(void **unused) {
  (void)unused;
  for (int k = 2; k <= 12; k += 5) {
    const int n = 5 * k;
    const ouro_config config = named("normal-mean", 1, n);
    small complete = {.n = k}, ring = {.n = k};
    double error[FITS][MOST], rate[MOST];
    for (int i = 0; i < k; i++) {
      ring.feeds[i][(i + 1) % k] = n;
      for (int j = 0; j < k; j++) complete.feeds[j][i] = 5;
    }
    follow(&config, &complete, error);
    for (int g = 1; g <= FITS; g++) assert_true(near(error[g - 1][k - 1], 1.0 / n + (g - 1.0) / k / n, 1e-12));
    follow(&config, &ring, error);
    for (int g = 1; g <= FITS; g++) assert_true(near(error[g - 1][k - 1], (double)g / n, 1e-12));
    grow(&complete, rate);
    assert_true(near(rate[0], 1.0 / k / n, 1e-10));
    grow(&ring, rate);
    assert_true(near(rate[0], 1.0 / n, 1e-10));
  }
}

/* R15: one feed in 300 from an unstable source into healthy models on all of one another: everyone grows, at one rate
 * in the end; without it everyone settles. */
static void test_one_feed(void **unused) {
  (void)unused;
  enum { HEALTHY = 5 };
  const ouro_config config = named("linear", 2, 50);
  small s = {.n = HEALTHY + 1};
  double rate[MOST], error[MOST];
  s.feeds[HEALTHY][HEALTHY] = 10;
  for (int i = 0; i < HEALTHY; i++) {
    for (int j = 0; j < HEALTHY; j++) s.feeds[j][i] = 50;
    s.real[i] = 50;
  }
  settle(&config, &s, error);
  for (int i = 0; i < HEALTHY; i++) assert_true(error[i] > 0 && error[i] < 1);
  assert_true(isnan(error[HEALTHY]));
  s.feeds[HEALTHY][0] = 1;
  grow(&s, rate);
  /* a walk ends in the source with the same odds from everywhere but node 0: all odds are positive */
  assert_true(near(rate[HEALTHY], 0.1, 1e-10));
  for (int i = 0; i < HEALTHY; i++) assert_true(rate[i] > 1e-8 && rate[i] < 0.1);
  for (int i = 2; i < HEALTHY; i++) assert_true(near(rate[i], rate[1], 1e-9));
}

/* R16: K models take a share alpha of their n samples evenly from all, the rest fresh real. */
static void test_shared(void **unused) {
  (void)unused;
  for (int k = 1; k <= 9; k += 4) {
    for (int part = 1; part <= 9; part += 4) {
      const double n = 10 * k, alpha = part / 10.0;
      const ouro_config config = named("normal-mean", 1, 50);
      small s = {.n = k};
      double error[MOST];
      for (int i = 0; i < k; i++) {
        for (int j = 0; j < k; j++) s.feeds[j][i] = part;
        s.real[i] = (10 - part) * k;
      }
      settle(&config, &s, error);
      for (int i = 0; i < k; i++)
        assert_true(near(error[i], (1 + alpha * alpha / (k * (1 - alpha * alpha))) / n, 1e-11));
    }
  }
}

/* A ring of three feeds a model that also hears itself: it averages over the phases as far back as it remembers. With
 * weights b on the ring, 1 - b on itself, walks enter the ring in phase c with odds b (1 - b)^c / (1 - (1 - b)^3). */
static void test_period_three(void **unused) {
  (void)unused;
  for (int own = 1; own <= 9; own += 4) {
    const double b = 1 - own / 10.0, cycle = 1 - pow(1 - b, 3), n = 10;
    small s = {.n = 5, .feeds = {[0][1] = 10, [1][2] = 10, [2][0] = 10}, .real = {0, 0, 0, 0, 6}};
    double rate[MOST], squares = 0;
    s.feeds[0][3] = 10 - own;
    s.feeds[3][3] = own;
    s.feeds[3][4] = 4; /* and one that takes two fifths from it, the rest from nature */
    grow(&s, rate);
    for (int c = 0; c < 3; c++) squares += pow(b * pow(1 - b, c) / cycle, 2);
    for (int i = 0; i < 3; i++) assert_true(near(rate[i], 1 / n, 1e-10));
    assert_true(near(rate[3], squares / n, 1e-10));
    assert_true(near(rate[4], 0.16 * squares / n, 1e-10));
  }
}

/* A loop of 10 samples and a ring of two of 20 feed one model by 3 to 6 of 10, nature the rest: squares add up, and the
 * growth of the trajectory says the same. */
static void test_two_sources(void **unused) {
  (void)unused;
  const small s = {
      .n = 4, .feeds = {[0][0] = 10, [1][2] = 20, [2][1] = 20, [0][3] = 3, [1][3] = 6}, .real = {0, 0, 0, 1}};
  const ouro_config config = named("normal-mean", 1, 10);
  double rate[MOST], error[FITS][MOST];
  grow(&s, rate);
  assert_true(near(rate[0], 1.0 / 10, 1e-10) && near(rate[1], 1.0 / 20, 1e-10));
  assert_true(near(rate[3], 0.09 / 10 + 0.36 / 20, 1e-10));
  follow(&config, &s, error);
  assert_true(near((error[FITS - 1][3] - error[FITS - 11][3]) / 10, rate[3], 1e-10));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_regression),      cmocka_unit_test(test_chain),
      cmocka_unit_test(test_lost_diversity),  cmocka_unit_test(test_means),
      cmocka_unit_test(test_accumulate),      cmocka_unit_test(test_subsample),
      cmocka_unit_test(test_small_subsample), cmocka_unit_test(test_weight_of_real_data),
      cmocka_unit_test(test_pooled),          cmocka_unit_test(test_complete_and_ring),
      cmocka_unit_test(test_one_feed),        cmocka_unit_test(test_shared),
      cmocka_unit_test(test_period_three),    cmocka_unit_test(test_two_sources),
  };
  return test_main(__FILE__, tests, sizeof tests / sizeof tests[0]);
}
