/* Samples that are kept: what a fit sees of them is what a plain list of all samples ever says, bit for bit, on any
 * number of ranks, for every kind of family, regime and draw.
 * ranks: 1 2 3 4 7 */

#include "../support/harness.h"

#include <math.h>
#include <string.h>

#include "../exchange/random_graph.h"
#include "ouro/learn/learn.h"

enum { GENERATIONS = 4, INITIAL = 25, SEED = 42, MOST_WIDTH = 8 };

/* All samples that a model ever got, one a row. */
typedef struct history {
  ouro_count n, room;
  double (*row)[MOST_WIDTH];
  int64_t *generation;
  double *weight; /* within its generation */
} history;

/* A run of the whole graph by plain loops. */
typedef struct twin {
  const ouro_config *config;
  ouro_family *family;
  const ouro_graph *graph;
  double *old, *made; /* [replicate][node][p] */
  history *past;      /* [replicate][node] */
} twin;

static ouro_config config_of(char *family, ouro_regime regime, ouro_draw draw) {
  static char uniform[] = "uniform";
  ouro_config config = {.model = {.family = family, .dimension = 2, .noise = 1, .threshold = 1.345, .mean = 2}};
  config.model.categories = 5;
  config.model.probabilities = uniform;
  config.learning.generations = GENERATIONS;
  config.learning.initial = INITIAL;
  config.learning.regime = regime;
  config.learning.forget = 1e-6; /* of what counts 1e-18 in the third generation after, nothing is left */
  config.learning.draw = draw;
  config.learning.replicates = 3;
  config.learning.seed = SEED;
  config.learning.memory = 1 << 20;
  config.exchange.buffer = 1 << 20;
  return config;
}

static void history_add(history *h, int width, const double *rows, ouro_count n, int64_t generation) {
  for (ouro_count r = 0; r < n; r++) {
    if (h->n == h->room) {
      h->room = 2 * h->room + 64;
      h->row = realloc(h->row, (size_t)h->room * sizeof *h->row);
      h->generation = realloc(h->generation, (size_t)h->room * sizeof *h->generation);
      h->weight = realloc(h->weight, (size_t)h->room * sizeof *h->weight);
    }
    const ouro_count block = r / OURO_ROW_BLOCK * OURO_ROW_BLOCK;
    const ouro_count b = n - block < OURO_ROW_BLOCK ? n - block : OURO_ROW_BLOCK;
    for (int c = 0; c < width; c++) h->row[h->n][c] = rows[block * width + c * b + (r - block)];
    h->weight[h->n] = 1;
    h->generation[h->n++] = generation;
  }
}

static void twin_draw(twin *w, history *h, int64_t t, ouro_stream stream, const double *theta, ouro_count n) {
  const ouro_slice slice = {.stream = stream, .theta = theta, .n = n, .total = n};
  double *rows = calloc((size_t)n * (size_t)w->family->row_width + 1, sizeof *rows);
  if (n > 0) ouro_family_draw(w->family, &slice, rows);
  history_add(h, w->family->row_width, rows, n, t);
  free(rows);
}

static void twin_samples(twin *w, history *h, int64_t t, int64_t k, ouro_lid i) {
  const ouro_graph *g = w->graph;
  const int p = w->family->n_parameters;
  const bool published = w->config->learning.draw == OURO_DRAW_PUBLISHED;
  const ouro_count before = h->n;
  for (ouro_eid e = g->row[i]; e < g->row[i + 1]; e++) {
    const ouro_lid j = g->source[e];
    twin_draw(w, h, t,
              ouro_random_stream(SEED, (uint64_t)k, (uint64_t)t, published ? OURO_PURPOSE_CORPUS : OURO_PURPOSE_FEED, j,
                                 published ? 0 : i),
              w->old + (k * g->n_nodes + j) * p, ouro_graph_samples(g, e));
  }
  const ouro_count m = h->n - before, r = g->real[i];
  twin_draw(w, h, t, ouro_random_stream(SEED, (uint64_t)k, (uint64_t)t, OURO_PURPOSE_REAL, OURO_NATURE, i),
            w->family->truth, r);
  const double share = w->config->real.weight, n = (double)(m + r);
  for (ouro_count s = before; share > 0 && m > 0 && r > 0 && s < h->n; s++) {
    h->weight[s] = s < before + m ? (1 - share) * n / (double)m : share * n / (double)r;
  }
}

/* Which samples a fit sees, and what they weigh: 0 for the others. */
static void twin_weigh(const twin *w, const history *h, int64_t t, int64_t k, ouro_lid i, double *weight) {
  const double forget = ouro_config_forget(w->config);
  ouro_count n = 0;
  for (ouro_count s = 0; s < h->n; s++) {
    weight[s] = h->weight[s];
    double factor = 1;
    for (int64_t age = h->generation[s]; age < t; age++) factor *= forget;
    weight[s] = factor < 1e-16 ? 0 : factor * h->weight[s];
    n += h->generation[s] == t;
  }
  if (w->config->learning.regime != OURO_REGIME_SUBSAMPLE) return;
  uint64_t *word = calloc((size_t)n + 64, sizeof *word);
  const ouro_stream stream = ouro_random_stream(SEED, (uint64_t)k, (uint64_t)t, OURO_PURPOSE_SUBSAMPLE, OURO_NATURE, i);
  ouro_random_words(&stream, 0, (size_t)n, word);
  memset(weight, 0, (size_t)h->n * sizeof *weight);
  for (ouro_count last = h->n - n; last < h->n; last++) { /* sample `last`, unless the set lacks the one drawn */
    const uint64_t drawn = ouro_random_below(word[last - (h->n - n)], (uint64_t)last + 1);
    weight[weight[drawn] == 0 ? (ouro_count)drawn : last] = 1;
  }
  free(word);
}

/* The samples that weigh something as a statistic. */
static double *twin_reduce(const twin *w, const history *h, double *weight, ouro_count *n) {
  const int width = w->family->row_width;
  double *statistic = calloc(ouro_family_statistic_size(w->family, h->n), sizeof *statistic);
  *n = 0;
  for (ouro_count s = 0; s < h->n;) {
    double rows[OURO_ROW_BLOCK * MOST_WIDTH];
    ouro_count chosen[OURO_ROW_BLOCK];
    int b = 0;
    for (; s < h->n && b < OURO_ROW_BLOCK; s++) {
      if (weight[s] > 0) chosen[b++] = s;
    }
    for (int r = 0; r < b; r++) {
      for (int c = 0; c < width; c++) rows[c * b + r] = h->row[chosen[r]][c];
      weight[(*n)++] = weight[chosen[r]];
    }
    ouro_family_reduce(w->family, rows, b, statistic);
  }
  return statistic;
}

static void twin_model(twin *w, int64_t t, int64_t k, ouro_lid i) {
  const ouro_graph *g = w->graph;
  const int p = w->family->n_parameters;
  history *h = &w->past[k * g->n_nodes + i];
  double *made = w->made + (k * g->n_nodes + i) * p;
  const ouro_count before = h->n;
  if (t == 0) {
    twin_draw(w, h, t, ouro_random_stream(SEED, (uint64_t)k, 0, OURO_PURPOSE_INITIAL, OURO_NATURE, i), w->family->truth,
              INITIAL);
  } else {
    twin_samples(w, h, t, k, i);
  }
  ouro_count n;
  double *weight = calloc((size_t)h->n + 1, sizeof *weight);
  twin_weigh(w, h, t, k, i, weight);
  double *statistic = twin_reduce(w, h, weight, &n);
  const bool good = h->n > before && (w->family->additive ? ouro_family_fit(w->family, 1, &n, statistic, made) == 1
                                                          : ouro_family_fit_sample(w->family, statistic, weight, made));
  if (!good) memcpy(made, w->old + (k * g->n_nodes + i) * p, (size_t)p * sizeof *made);
  free(statistic);
  free(weight);
}

/* [replicate][node][p] of the last generation. */
static double *twin_run(const ouro_config *config, const ouro_graph *graph) {
  twin w = {.config = config, .graph = graph};
  assert_ok(ouro_family_create(config, &w.family));
  const size_t models = (size_t)config->learning.replicates * (size_t)graph->n_nodes;
  const size_t n = models * (size_t)w.family->n_parameters;
  w.old = calloc(n, sizeof *w.old);
  w.made = calloc(n, sizeof *w.made);
  w.past = calloc(models, sizeof *w.past);
  for (int64_t t = 0; t <= GENERATIONS; t++) {
    for (int64_t k = 0; k < config->learning.replicates; k++) {
      for (ouro_lid i = 0; i < graph->n_nodes; i++) twin_model(&w, t, k, i);
    }
    memcpy(w.old, w.made, n * sizeof *w.old);
  }
  for (size_t k = 0; k < models; k++) {
    free(w.past[k].row);
    free(w.past[k].generation);
    free(w.past[k].weight);
  }
  free(w.past);
  free(w.old);
  ouro_family_destroy(&w.family);
  return w.made;
}

static void expect_twin(const ouro_config *config, const ouro_graph *graph, const double *whole) {
  ouro_family *family;
  double *parameters = NULL;
  int64_t wrong = 0;
  assert_ok(ouro_family_create(config, &family));
  assert_ok(ouro_learn_run(config, family, graph, NULL, NULL, NULL, &parameters, NULL, NULL));
  const int p = family->n_parameters;
  for (int64_t k = 0; k < config->learning.replicates; k++) {
    for (ouro_lid i = 0; i < graph->n_owned; i++) {
      wrong += memcmp(parameters + (k * graph->n_owned + i) * p, whole + (k * graph->n_nodes + graph->gid[i]) * p,
                      (size_t)p * sizeof *parameters) != 0;
    }
  }
  assert_everywhere(wrong == 0);
  free(parameters);
  ouro_family_destroy(&family);
}

/* Blocks and scattered owners, samples and parameters carried. */
static void compare(ouro_config config, uint64_t seed) {
  random_graph spec = {9, 3, 20, 40, 10, 90, config.learning.draw == OURO_DRAW_PUBLISHED, false, seed};
  ouro_graph *graph = NULL;
  assert_ok(random_graph_make(MPI_COMM_SELF, &spec, &graph));
  double *whole = twin_run(&config, graph);
  ouro_graph_destroy(&graph);
  for (int k = 0; k < 4; k++) {
    spec.scattered = k % 2 != 0;
    config.exchange.carry = k / 2 ? OURO_CARRY_PARAMETERS : OURO_CARRY_DATA;
    assert_ok(random_graph_make(MPI_COMM_WORLD, &spec, &graph));
    expect_twin(&config, graph, whole);
    ouro_graph_destroy(&graph);
  }
  free(whole);
}

/* A random subsample of all samples ever, for fits to sums and to samples. */
static void test_subsample(void **state) {
  (void)state;
  static char *const families[] = {"linear", "gaussian", "categorical", "poisson", "logistic", "huber"};
  for (size_t f = 0; f < sizeof families / sizeof families[0]; f++) {
    for (int draw = 0; draw < 2; draw++) compare(config_of(families[f], OURO_REGIME_SUBSAMPLE, (ouro_draw)draw), f);
  }
}

/* All samples, or those that still count, weighted by generation and by whether they are real. */
static void test_weights(void **state) {
  (void)state;
  static char *const families[] = {"logistic", "poisson-regression", "huber"};
  for (size_t f = 0; f < sizeof families / sizeof families[0]; f++) {
    for (int regime = 0; regime < OURO_REGIME_SUBSAMPLE; regime++) {
      for (int draw = 0; draw < 2; draw++) {
        ouro_config config = config_of(families[f], (ouro_regime)regime, (ouro_draw)draw);
        compare(config, 7 + f);
        config.real.weight = 0.3;
        if (draw == 0) compare(config, 7 + f);
      }
    }
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_subsample),
      cmocka_unit_test(test_weights),
  };
  return test_main(__FILE__, tests, sizeof tests / sizeof tests[0]);
}
