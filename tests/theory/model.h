#ifndef OURO_TESTS_THEORY_MODEL_H
#define OURO_TESTS_THEORY_MODEL_H

/* Configuration and family of a setting: the regression of the program where p > 0, else the mean of a normal
 * distribution, of which the first-order formulas are exact. */

#include "ouro/family/family.h"
#include "twin.h"

static const ouro_family_methods mean_methods = {.name = "mean"};
extern const ouro_family_methods ouro_family_linear;

static inline ouro_config model_config(setting how) {
  static char linear[] = "linear";
  ouro_config config = {0};
  config.real.kind = how.kind;
  config.real.weight = how.weight;
  config.model.family = linear;
  config.model.dimension = how.p;
  config.model.noise = how.sigma;
  config.model.temperature = config.model.top_p = 1;
  config.learning.initial = how.initial;
  config.learning.draw = how.draw;
  config.learning.replicates = 1;
  config.learning.seed = 1;
  config.theory.exact = OURO_EXACT_AUTO;
  return config;
}

/* Enough of a family for theory: what it says of sizes. Owns nothing. */
static inline ouro_family model_family(setting how) {
  ouro_family family = {.methods = &mean_methods, .n_parameters = 1, .least_samples = 1, .law = OURO_LAW_MEANS};
  family.spread.base = how.sigma * how.sigma;
  if (how.p > 0) {
    family.methods = &ouro_family_linear;
    family.law = OURO_LAW_REGRESSION;
    family.n_parameters = how.p;
    family.least_samples = how.p + 2;
    family.eta_samples = 2 * how.p + 1;
  }
  return family;
}

static inline setting random_setting(uint64_t seed) {
  uint64_t state = seed * 77 + 1;
  setting how = {.p = below(&state, 4), .sigma = 0.5 + below(&state, 4)};
  how.draw = below(&state, 2) ? OURO_DRAW_PUBLISHED : OURO_DRAW_PRIVATE;
  how.kind = (ouro_real_kind)below(&state, 3);
  how.initial = how.p + 2 + below(&state, 30);
  return how;
}

/* A graph with roots, self-loops and partly real nodes that the setting can learn: enough samples everywhere,
 * and one count for all feeds of a published corpus. */
static inline small random_learning(uint64_t seed, setting how) {
  uint64_t state = seed;
  small s = {.n = 1 + below(&state, 12)};
  int corpus[MOST];
  for (int j = 0; j < s.n; j++) corpus[j] = how.p + 2 + below(&state, 9);
  for (int k = below(&state, 3 * s.n + 1); k > 0; k--) {
    const int j = below(&state, s.n), i = below(&state, s.n);
    s.feeds[j][i] = how.draw == OURO_DRAW_PUBLISHED ? corpus[j] : how.p + 2 + below(&state, 9);
  }
  for (int i = 0; i < s.n; i++) s.real[i] = below(&state, 3) == 0 ? how.p + 2 + below(&state, 9) : 0;
  return s;
}

#endif
