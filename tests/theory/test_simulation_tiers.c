/* Simulation against the recursion in the tiers of sampling (THEORY.md section 11): statistics drawn from their law,
 * and models in the limit of many samples, whose recursion is exact for every family; under private and published
 * draws, with fresh, fixed and weighted real data, where old samples count, where counts change, and where models have
 * a noise of their own.
 * ranks: 1 3
 * limit: 120
 * What a score is and how far it may stray: scored.h. Seeds are fixed. */

#include "scored.h"

#include <string.h>

enum { REPLICATES = 2000, LEAST = 10 };

/* What an experiment is beside its family and its tier. */
typedef struct scene {
  ouro_draw draw;
  ouro_real_kind kind;
  ouro_regime regime;
  double weight, growth;
  bool staggered; /* models are retrained every 1, 2 or 3 generations */
  bool noisy;     /* they have a noise of their own, where the family takes it */
} scene;

static const scene scenes[] = {{OURO_DRAW_PRIVATE, OURO_REAL_FRESH, OURO_REGIME_REPLACE, 0, 0, false, false},
                               {OURO_DRAW_PRIVATE, OURO_REAL_FIXED, OURO_REGIME_REPLACE, 0, 0, false, false},
                               {OURO_DRAW_PRIVATE, OURO_REAL_FRESH, OURO_REGIME_REPLACE, 0.6, 0, false, false},
                               {OURO_DRAW_PRIVATE, OURO_REAL_FIXED, OURO_REGIME_REPLACE, 0.3, 0, false, true},
                               {OURO_DRAW_PRIVATE, OURO_REAL_INITIAL, OURO_REGIME_REPLACE, 0, 0, false, true},
                               {OURO_DRAW_PRIVATE, OURO_REAL_FRESH, OURO_REGIME_ACCUMULATE, 0, 0, false, false},
                               {OURO_DRAW_PRIVATE, OURO_REAL_FIXED, OURO_REGIME_FORGET, 0, 0, false, false},
                               {OURO_DRAW_PRIVATE, OURO_REAL_FRESH, OURO_REGIME_FORGET, 0.4, 0.5, true, false},
                               {OURO_DRAW_PRIVATE, OURO_REAL_FRESH, OURO_REGIME_REPLACE, 0, 0.8, true, false},
                               {OURO_DRAW_PUBLISHED, OURO_REAL_FRESH, OURO_REGIME_REPLACE, 0, 0, false, true},
                               {OURO_DRAW_PUBLISHED, OURO_REAL_FIXED, OURO_REGIME_REPLACE, 0, 0, false, false},
                               {OURO_DRAW_PUBLISHED, OURO_REAL_FIXED, OURO_REGIME_REPLACE, 0.5, 0.6, true, false}};
enum { N_SCENES = sizeof scenes / sizeof scenes[0] };

static ouro_config config_of(const char *family, ouro_sampling sampling, const scene *how, uint64_t seed) {
  static char zipf[] = "zipf", bandwidth[] = "0.9";
  ouro_config config =
      model_config((setting){.draw = how->draw, .kind = how->kind, .initial = 12, .p = 2, .sigma = 1.3});
  config.model.family = (char *)family;
  config.model.mean = 0.4;
  config.model.threshold = 1.5;
  config.model.covariates = OURO_COVARIATES_AR1;
  config.model.correlation = 0.6;
  config.model.categories = 6;
  config.model.exponent = 1;
  config.model.probabilities = zipf;
  config.model.bandwidth = bandwidth;
  config.model.components = 2;
  config.model.separation = 4;
  config.real.weight = how->weight;
  config.learning.regime = how->regime;
  config.learning.forget = 0.5;
  config.learning.growth = how->growth;
  config.learning.sampling = sampling;
  config.learning.generations = GENERATIONS;
  config.learning.replicates = REPLICATES;
  config.learning.seed = seed;
  config.exchange.buffer = (int64_t)64 << 20;
  return config;
}

static small graph_of(const scene *how, bool takes_noise, uint64_t seed) {
  small s = ecosystem(seed, how->draw == OURO_DRAW_PUBLISHED, LEAST);
  for (int i = 0; i < s.n; i++) {
    if (how->staggered) s.every[i] = i % 4 == 1 ? 2 : i % 4 == 2 ? 3 : 0;
    if (how->noisy) s.initial[i] = i % 2 == 0 ? 0 : 9 + i;
    if (how->noisy && takes_noise) s.noise[i] = i % 3 == 0 ? 0 : 0.4 * (i + 1);
  }
  return s;
}

/* Scores of all families and scenes of a tier. */
typedef struct pool {
  double squares, n;
  int families;
} pool;

/* Over some 57 scores of one run; a score of 6 has probability 2e-9, with the skewness of squared errors of skewed
 * samples below 1e-6. */
static void add(const ouro_family_methods *family, ouro_sampling sampling, int which, pool *all) {
  const scene *how = &scenes[which];
  const bool takes_noise = family->takes_noise && strcmp(family->name, "huber") != 0;
  const ouro_config config = config_of(family->name, sampling, how, 1 + (uint64_t)which);
  const small s = graph_of(how, takes_noise, 11 + (uint64_t)which);
  scoring scored;
  score(&s, &config, &config, NULL, &scored);
  const double rms = ouro_agreement_rms(&scored.agreement);
  assert_true(scored.exact && scored.agreement.n > 30);
  assert_true(scored.agreement.largest < 6);
  assert_true(rms < 2.5);
  all->squares += rms * rms * (double)scored.agreement.n;
  all->n += (double)scored.agreement.n;
}

/* Scores of one model in different generations go together, most where old samples count: over 12 scenes of a family at
 * least 100 are independent, so that 0.7 < rms < 1.3 is missed by a right program with probability below 1e-4; over all
 * families 0.9 < rms < 1.1 below 1e-3 (some 600 independent ones, of standard deviation 0.03). */
static void expect_rms(const pool *p, double low, double high) {
  const double rms = sqrt(p->squares / p->n);
  if (rms <= low || rms >= high) print_error("rms %g over %g scores\n", rms, p->n);
  assert_true(rms > low && rms < high);
}

static void family_in_limit(const ouro_family_methods *family, pool *all) {
  pool own = {0};
  for (int k = 0; k < N_SCENES; k++) add(family, OURO_SAMPLING_LIMIT, k, &own);
  expect_rms(&own, 0.7, 1.3);
  all->squares += own.squares;
  all->n += own.n;
  all->families++;
}

static bool has_law(const ouro_family_methods *methods, ouro_sampling sampling) {
  const ouro_config config = config_of(methods->name, sampling, &scenes[0], 1);
  ouro_family *family = NULL;
  if (ouro_family_create(&config, &family) != OURO_OK) return false;
  const bool has = family->law != OURO_LAW_NONE;
  ouro_family_destroy(&family);
  return has;
}

/* Every family but those that have no such tier, or of whose errors nothing is known. */
static void test_limit(void **unused) {
  (void)unused;
  const ouro_family_methods *family;
  pool all = {0};
  for (int f = 0; (family = ouro_family_at(f)) != NULL; f++) {
    if (has_law(family, OURO_SAMPLING_LIMIT)) family_in_limit(family, &all);
  }
  assert_true(all.families >= 2);
  expect_rms(&all, 0.9, 1.1);
}

/* Is the recursion of whole samples exact: for means always but with fitted variances where samples are kept or
 * weighted, for least squares where draws are private, real data fresh and all new samples count alike? */
static bool is_exact(const ouro_family_methods *family, const scene *how) {
  if (strcmp(family->name, "linear") != 0) return true;
  return how->draw == OURO_DRAW_PRIVATE && how->kind != OURO_REAL_FIXED && how->regime == OURO_REGIME_REPLACE &&
         how->weight == 0;
}

/* All of these have exact recursions. */
static void test_statistics(void **unused) {
  (void)unused;
  const ouro_family_methods *family;
  pool all = {0};
  for (int f = 0; (family = ouro_family_at(f)) != NULL; f++) {
    if (!has_law(family, OURO_SAMPLING_STATISTICS)) continue;
    all.families++;
    for (int k = 0; k < N_SCENES; k++) {
      if (is_exact(family, &scenes[k])) add(family, OURO_SAMPLING_STATISTICS, k, &all);
    }
  }
  assert_true(all.families >= 2);
  expect_rms(&all, 0.85, 1.15);
}

/* The scores see the law of samples in that of the limit, and the other way round: noise of 1/(n-p-1) for 1/n, p = 2
 * and n about 25, an excess of some 12 % or 8 standard errors over 4 times the replicates. */
static void test_power(void **unused) {
  (void)unused;
  const small s = graph_of(&scenes[0], false, 3);
  ouro_config limit = config_of("linear", OURO_SAMPLING_LIMIT, &scenes[0], 1), rows = limit;
  scoring scored;
  limit.learning.replicates = rows.learning.replicates = 4 * REPLICATES;
  rows.learning.sampling = OURO_SAMPLING_ROWS;
  score(&s, &limit, &rows, NULL, &scored);
  assert_true(ouro_agreement_rms(&scored.agreement) > 3);
  score(&s, &rows, &limit, NULL, &scored);
  assert_true(ouro_agreement_rms(&scored.agreement) > 3);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_limit), cmocka_unit_test(test_statistics),
                                     cmocka_unit_test(test_power)};
  return test_main(__FILE__, tests, sizeof tests / sizeof tests[0]);
}
