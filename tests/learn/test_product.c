/* The same bits on any number of ranks, with any owners, either carry and in any number of groups that share the
 * replicates (contract C1), over the whole product of families, tiers of sampling, regimes, draws and real data, and
 * what else a configuration can say. Families are those of the registry, regimes and the like the words of the schema:
 * new ones join by themselves; a key of its own is a row of `sizes` or of `extras`. ranks: 2 3 4 limit: 120 */

#include "../support/harness.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../exchange/random_graph.h"
#include "config/private.h"
#include "ouro/graph/halo.h"
#include "ouro/learn/learn.h"

enum { GENERATIONS = 3, SETTINGS = 20, LENGTH = 64, SETTING = 160 };

/* Extras that a family itself refuses in the tier of the limit. */
static const char *const biased[] = {"model.temperature", "model.top_k", "model.top_p", "model.smoothing",
                                     "model.ridge"};

/* Small models; a family gets those keys that it takes. */
static const char *const sizes[] = {"dimension=2", "categories=5", "probabilities=zipf",
                                    "mean=0.7",    "points=4000",  "components=2"};

/* What changes how samples are drawn, counted or weighted; passed over where a key is not known or not taken. */
static const char *const extras[] = {"model.temperature=0.7",   "model.top_k=3",       "model.top_p=0.9",
                                     "model.variance=unbiased", "model.smoothing=0.5", "model.ridge=0.1",
                                     "model.covariates=ar1",    "model.bandwidth=0.5", "real.weight=0.3",
                                     "learning.growth=0.5",     "node columns"};
enum { N_SIZES = sizeof sizes / sizeof sizes[0], N_EXTRAS = sizeof extras / sizeof extras[0] };

/* One experiment: overrides of a default configuration, and its graph. */
typedef struct experiment {
  char settings[SETTINGS][SETTING];
  int n;
  bool columns; /* nodes with an initial size, an interval and, where the family takes it, .. */
  bool noise;   /* .. a noise of their own */
  random_graph spec;
} experiment;

static void set(experiment *x, const char *key, const char *value) {
  assert_true(x->n < SETTINGS);
  snprintf(x->settings[x->n++], SETTING, "%s=%s", key, value);
}

static const char *word(const char *key, int i) {
  const cyaml_schema_value_t *value = &ouro_config_field(key)->value;
  return i < (int)value->enumeration.count ? value->enumeration.strings[i].str : NULL;
}

static bool takes(const ouro_family_methods *family, const char *setting) {
  char between[LENGTH];
  snprintf(between, sizeof between, " %.*s ", (int)strcspn(setting, "="), setting);
  return strstr(family->keys, between) != NULL;
}

static bool known(const ouro_family_methods *family, const char *setting) {
  char key[LENGTH];
  snprintf(key, sizeof key, "%.*s", (int)strcspn(setting, "="), setting);
  if (strchr(setting, '=') == NULL) return true;
  return ouro_config_field(key) && (strncmp(setting, "model.", 6) != 0 || takes(family, setting + 6));
}

/* Does a family have a tier? */
static bool has(const ouro_family_methods *family, const char *sampling) {
  if (strcmp(sampling, "statistics") == 0) return family->draw_statistics != NULL;
  return strcmp(sampling, "limit") != 0 || family->scatter != NULL;
}

/* Seven models, of which some train on themselves and some on nothing. */
static experiment experiment_of(const ouro_family_methods *family, const char *sampling, const char *regime,
                                const char *draw) {
  experiment x = {.noise = family->takes_noise,
                  .spec = {7, 3, 20, 50, 20, 60, strcmp(draw, "published") == 0, true, 3}};
  set(&x, "model.family", family->name);
  set(&x, "learning.sampling", sampling);
  set(&x, "learning.regime", regime);
  set(&x, "learning.draw", draw);
  set(&x, "learning.generations", "3");
  set(&x, "learning.replicates", "2");
  set(&x, "learning.initial", "60");
  for (int i = 0; i < N_SIZES; i++) {
    char key[LENGTH];
    snprintf(key, sizeof key, "model.%.*s", (int)strcspn(sizes[i], "="), sizes[i]);
    if (ouro_config_field(key) && takes(family, sizes[i])) set(&x, key, strchr(sizes[i], '=') + 1);
  }
  return x;
}

static ouro_config *configuration(const experiment *x) {
  const char *overrides[SETTINGS];
  ouro_config *config = NULL;
  for (int i = 0; i < x->n; i++) overrides[i] = x->settings[i];
  assert_ok(ouro_config_default(MPI_COMM_WORLD, overrides, x->n, &config));
  return config;
}

/* By global id, so that all ranks say the same of a ghost. */
static void add_columns(ouro_graph *graph, bool noise) {
  const size_t n = (size_t)graph->n_owned, all = n + (size_t)graph->n_ghost;
  graph->initial = calloc(n + 1, sizeof *graph->initial);
  graph->every = calloc(n + 1, sizeof *graph->every);
  if (noise) graph->noise = calloc(all + 1, sizeof *graph->noise);
  assert_true(graph->initial && graph->every && (!noise || graph->noise));
  for (size_t i = 0; i < all; i++) {
    const ouro_gid gid = graph->gid[i];
    if (noise) graph->noise[i] = gid % 3 == 0 ? (double)NAN : 0.5 + (double)gid;
    if (i < n) graph->initial[i] = gid % 2 ? 0 : 70 + gid;
    if (i < n) graph->every[i] = 1 + gid % 3;
  }
}

static ouro_graph *graph_of(MPI_Comm comm, const experiment *x, bool scattered) {
  random_graph spec = x->spec;
  ouro_graph *graph = NULL;
  spec.scattered = scattered;
  assert_ok(random_graph_make(comm, &spec, &graph));
  if (x->columns) add_columns(graph, x->noise);
  return graph;
}

/* What a run gave, for the nodes of one rank. */
typedef struct outcome {
  const ouro_graph *graph;
  int p;
  int64_t replicates;
  ouro_status status;
  double *moments;    /* [generation][2][n_owned] mean and standard deviation of errors */
  double *parameters; /* [replicate][n_owned][p] */
  ouro_learn_stalls stalls;
} outcome;

static ouro_status observe(void *context, const ouro_learn_view *view) {
  outcome *out = context;
  const size_t n = (size_t)out->graph->n_owned;
  double *at = out->moments + 2 * n * (size_t)view->generation;
  memcpy(at, view->error, n * sizeof *at);
  memcpy(at + n, view->error_sd, n * sizeof *at);
  return OURO_OK;
}

/* Collective on the graph's communicator. */
static void learn(const ouro_config *config, const ouro_graph *graph, outcome *out) {
  ouro_family *family = NULL;
  *out = (outcome){.graph = graph, .replicates = config->learning.replicates};
  out->moments = calloc(2 * (size_t)graph->n_owned * (GENERATIONS + 1) + 1, sizeof *out->moments);
  assert_true(out->moments && ouro_family_create(config, &family) == OURO_OK);
  out->p = family->n_parameters;
  out->status = ouro_learn_run(config, family, graph, observe, out, NULL, &out->parameters, NULL, &out->stalls);
  ouro_family_destroy(&family);
}

static void outcome_clear(outcome *out) {
  free(out->moments);
  free(out->parameters);
  ouro_learn_stalls_clear(&out->stalls);
}

/* Numbers that are not the same bits. */
static int64_t unlike(size_t n, const double *a, const double *b) {
  return memcmp(a, b, n * sizeof *a) != 0;
}

static int64_t differences(const outcome *part, const outcome *whole) {
  const size_t n = (size_t)part->graph->n_owned, all = (size_t)whole->graph->n_owned, p = (size_t)part->p;
  int64_t wrong = part->status != whole->status;
  for (size_t i = 0; i < n && part->status == OURO_OK; i++) {
    const size_t gid = (size_t)part->graph->gid[i];
    for (size_t t = 0; t < (size_t)2 * (GENERATIONS + 1); t++) {
      wrong += unlike(1, &part->moments[t * n + i], &whole->moments[t * all + gid]);
    }
    for (size_t k = 0; k < (size_t)part->replicates; k++) {
      wrong += unlike(p, part->parameters + (k * n + i) * p, whole->parameters + (k * all + gid) * p);
    }
    wrong += part->stalls.first[i] != whole->stalls.first[gid] || part->stalls.fits[i] != whole->stalls.fits[gid];
  }
  return wrong;
}

/* Nothing is compared where nothing moves. */
static bool moves(const outcome *whole) {
  const size_t n = (size_t)whole->graph->n_owned;
  return unlike(2 * n, whole->moments, whole->moments + 2 * n * GENERATIONS) != 0;
}

/* On all ranks, in every number of groups that can be. */
static void compare_groups(ouro_config *config, const ouro_graph *graph, const outcome *whole) {
  int n_ranks;
  MPI_Comm_size(graph->comm, &n_ranks);
  for (int groups = 1; groups <= n_ranks && groups <= (config->learning.replicates + 7) / 8; groups++) {
    outcome part;
    if (n_ranks % groups != 0) continue;
    config->parallel.n_groups = groups;
    learn(config, graph, &part);
    assert_everywhere(differences(&part, whole) == 0);
    outcome_clear(&part);
  }
}

/* Alone, and on all ranks with either carry. Returns whether it ran; if not, it is refused alike. */
static bool compare(const experiment *x) {
  ouro_config *config = configuration(x);
  ouro_graph *alone = graph_of(MPI_COMM_SELF, x, false), *graph = graph_of(MPI_COMM_WORLD, x, true);
  outcome whole;
  if (strcmp(x->settings[x->n - 1], "real.nodes=none") == 0) {
    memset(alone->real, 0, (size_t)alone->n_owned * sizeof *alone->real);
    memset(graph->real, 0, (size_t)graph->n_owned * sizeof *graph->real);
  }
  learn(config, alone, &whole);
  assert_everywhere(whole.status != OURO_OK || moves(&whole));
  for (int carry = 0; word("exchange.carry", carry); carry++) {
    config->exchange.carry = (ouro_carry)carry;
    compare_groups(config, graph, &whole);
  }
  const bool ran = whole.status == OURO_OK;
  outcome_clear(&whole);
  ouro_graph_destroy(&graph);
  ouro_graph_destroy(&alone);
  ouro_config_destroy(&config);
  return ran;
}

/* Combinations that are refused, by what the message says; all others run. */
static bool refused(const char *sampling, const char *regime) {
  return strcmp(sampling, "rows") != 0 && strcmp(regime, "subsample") == 0;
}

static void expect(const experiment *x, bool refusal) {
  assert_true(compare(x) != refusal);
  if (refusal) assert_non_null(strstr(ouro_error_message(), "draws from samples that are kept"));
}

static void every_draw_and_real_data(const ouro_family_methods *family, const char *sampling, const char *regime) {
  const bool refusal = refused(sampling, regime);
  const char *draw, *kind;
  for (int d = 0; (draw = word("learning.draw", d)) != NULL; d++) {
    experiment x = experiment_of(family, sampling, regime, draw);
    set(&x, "real.nodes", "none");
    expect(&x, refusal);
    for (int k = 0; (kind = word("real.kind", k)) != NULL; k++) {
      x.n--;
      set(&x, "real.kind", kind);
      expect(&x, refusal);
    }
  }
}

static void every_family_tier_regime_draw_and_real_data(void **state) {
  (void)state;
  const ouro_family_methods *family;
  const char *sampling, *regime;
  for (int f = 0; (family = ouro_family_at(f)) != NULL; f++) {
    for (int s = 0; (sampling = word("learning.sampling", s)) != NULL; s++) {
      for (int r = 0; has(family, sampling) && (regime = word("learning.regime", r)) != NULL; r++) {
        every_draw_and_real_data(family, sampling, regime);
      }
    }
  }
}

static bool refused_extra(const ouro_family_methods *family, const char *sampling, const char *setting) {
  const bool gaussian = strcmp(family->name, "gaussian") == 0;
  if (strcmp(sampling, "statistics") == 0) return gaussian && strncmp(setting, "model.top_p", 11) == 0;
  for (size_t k = 0; strcmp(sampling, "limit") == 0 && k < sizeof biased / sizeof biased[0]; k++) {
    if (strncmp(setting, biased[k], strlen(biased[k])) == 0) return true;
  }
  return false;
}

/* An extra may be refused with others, but never without a reason. */
static void extra(const ouro_family_methods *family, const char *sampling, const char *regime, int e, int turn) {
  experiment x = experiment_of(family, sampling, regime, word("learning.draw", turn % 2));
  x.columns = strchr(extras[e], '=') == NULL;
  if (!x.columns) snprintf(x.settings[x.n++], SETTING, "%s", extras[e]);
  set(&x, "real.kind", word("real.kind", turn / 2 % 3));
  assert_true(compare(&x) || strstr(ouro_error_message(), "subsample draws all samples alike") ||
              refused(sampling, regime) || strstr(ouro_error_message(), "have none of their own"));
}

/* With each extra once for every family, tier and regime; draws and real data take turns. */
static void every_extra(void **state) {
  (void)state;
  const ouro_family_methods *family;
  const char *sampling, *regime;
  int turn = 0;
  for (int f = 0; (family = ouro_family_at(f)) != NULL; f++) {
    for (int s = 0; (sampling = word("learning.sampling", s)) != NULL; s++) {
      for (int r = 0; has(family, sampling) && (regime = word("learning.regime", r)) != NULL; r++) {
        for (int e = 0; e < N_EXTRAS; e++, turn++) {
          if (known(family, extras[e]) && !refused_extra(family, sampling, extras[e]))
            extra(family, sampling, regime, e, turn);
        }
      }
    }
  }
}

/* Groups of ranks for every family, tier and regime, of which the last one gets fewer replicates; draws and real data
 * take turns. */
static void every_number_of_groups(void **state) {
  (void)state;
  const ouro_family_methods *family;
  const char *sampling, *regime;
  int turn = 0;
  for (int f = 0; (family = ouro_family_at(f)) != NULL; f++) {
    for (int s = 0; (sampling = word("learning.sampling", s)) != NULL; s++) {
      for (int r = 0; has(family, sampling) && (regime = word("learning.regime", r)) != NULL; r++, turn++) {
        experiment x = experiment_of(family, sampling, regime, word("learning.draw", turn % 2));
        set(&x, "learning.replicates", turn % 3 ? "33" : "27");
        set(&x, "real.kind", word("real.kind", turn % 3));
        x.columns = turn % 4 == 0 && strcmp(sampling, "limit") != 0;
        expect(&x, refused(sampling, regime));
      }
    }
  }
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(every_family_tier_regime_draw_and_real_data),
    cmocka_unit_test(every_extra),
    cmocka_unit_test(every_number_of_groups),
};

TEST_MAIN(tests)
