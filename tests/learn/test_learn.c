/* A run is the same, bit for bit, on any number of ranks, with any owners, buffers and carries; and it is what a
 * plain loop over generations, replicates, nodes and feeds gives.
 * ranks: 1 2 3 4 7
 * limit: 60 */

#include "../support/harness.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "../exchange/random_graph.h"
#include "ouro/learn/learn.h"

#define P 3
#define GENERATIONS 3

static int with_traits; /* models have noise and initial samples of their own */
static int with_every;  /* and are retrained every 1, 2 or 4 generations */
static double growth;   /* of sample counts */

static int64_t every_of(ouro_gid node) {
  return with_every ? 1 << node % 3 : 1;
}

static ouro_count grown(ouro_count samples, int64_t t) {
  return (ouro_count)floor((double)samples * exp(growth * log((double)t + 1)) + 0.5);
}

/* A random graph, with traits if so. Collective on comm. */
static ouro_status make_graph(MPI_Comm comm, const random_graph *spec, ouro_graph **graph) {
  const ouro_status status = random_graph_make(comm, spec, graph);
  ouro_graph *g = *graph;
  const size_t n = status == OURO_OK ? (size_t)g->n_owned + 1 : 0;
  if (with_every && n > 0) g->every = calloc(n, sizeof *g->every);
  for (ouro_lid i = 0; with_every && n > 0 && i < g->n_owned; i++) g->every[i] = every_of(g->gid[i]);
  if (n == 0 || !with_traits) return status;
  g->initial = calloc(n, sizeof *g->initial);
  g->noise = calloc(n, sizeof *g->noise);
  for (ouro_lid i = 0; i < g->n_owned; i++) {
    g->initial[i] = g->gid[i] % 3 == 0 ? 20 + g->gid[i] : 0;
    g->noise[i] = g->gid[i] % 4 > 0 ? 0.5 * (double)(g->gid[i] % 4) : (double)NAN;
  }
  return ouro_graph_share_noise(g);
}

/* What a run gave: [generation][node] and [replicate][node][P], for the nodes of one rank. */
typedef struct outcome {
  const ouro_graph *graph;
  double *error, *error_sd; /* [GENERATIONS + 1][n_owned] */
  double *parameters;       /* [replicate][n_owned][P] */
  ouro_learn_traffic traffic;
  int64_t calls;
} outcome;

/* Families of every kind of fit. */
static char *const families[] = {"linear", "logistic", "poisson-regression", "huber"};
enum { N_FAMILIES = sizeof families / sizeof families[0] };
static char *family_name = "linear"; /* that of a configuration */

static ouro_config config_of(ouro_draw draw, ouro_real_kind kind, int64_t replicates) {
  ouro_config config = {0};
  config.real.kind = kind;
  config.model.family = family_name;
  config.model.dimension = P;
  config.model.noise = 1.0;
  config.model.threshold = 1.345;
  config.learning.generations = GENERATIONS;
  config.learning.initial = 17;
  config.learning.draw = draw;
  config.learning.growth = growth;
  config.learning.replicates = replicates;
  config.learning.seed = 42;
  config.exchange.buffer = (int64_t)64 << 20;
  return config;
}

static ouro_status observe(void *context, const ouro_learn_view *view) {
  outcome *out = context;
  const size_t n = (size_t)out->graph->n_owned;
  if (view->generation != out->calls++) return ouro_error(OURO_EINTERNAL, "generations out of order");
  memcpy(out->error + (size_t)view->generation * n, view->error, n * sizeof *view->error);
  memcpy(out->error_sd + (size_t)view->generation * n, view->error_sd, n * sizeof *view->error_sd);
  return OURO_OK;
}

static void outcome_clear(outcome *out) {
  free(out->error);
  free(out->error_sd);
  free(out->parameters);
  *out = (outcome){0};
}

/* Collective on the graph's communicator. */
static ouro_status learn(const ouro_config *config, const ouro_graph *graph, outcome *out) {
  ouro_family *family = NULL;
  ouro_timers timers;
  const size_t n = (size_t)graph->n_owned * (GENERATIONS + 1) + 1;
  *out = (outcome){.graph = graph, .error = calloc(n, sizeof(double)), .error_sd = calloc(n, sizeof(double))};
  ouro_timers_start(&timers);
  ouro_status status = ouro_family_create(config, &family);
  if (status == OURO_OK) {
    status = ouro_learn_run(config, family, graph, observe, out, &timers, &out->parameters, &out->traffic, NULL);
  }
  ouro_family_destroy(&family);
  return status;
}

static int same(double a, double b) {
  return memcmp(&a, &b, sizeof a) == 0;
}

/* Numbers of a distributed run that differ from those of a run of the whole graph on one rank. */
static int64_t differences(const outcome *part, const outcome *whole, int64_t replicates) {
  const ouro_lid n = part->graph->n_owned;
  const ouro_gid all = whole->graph->n_nodes;
  int64_t wrong = part->calls != GENERATIONS + 1;
  for (ouro_lid i = 0; i < n; i++) {
    const ouro_gid gid = part->graph->gid[i];
    for (int64_t t = 0; t <= GENERATIONS; t++) {
      wrong += !same(part->error[t * n + i], whole->error[t * all + gid]);
      wrong += !same(part->error_sd[t * n + i], whole->error_sd[t * all + gid]);
    }
    for (int64_t k = 0; k < replicates; k++) {
      for (int c = 0; c < P; c++) {
        wrong += !same(part->parameters[(k * n + i) * P + c], whole->parameters[(k * all + gid) * P + c]);
      }
    }
  }
  return wrong;
}

static void compare(const ouro_config *config, const ouro_graph *graph, const outcome *whole) {
  outcome part;
  assert_ok(learn(config, graph, &part));
  assert_everywhere(differences(&part, whole, config->learning.replicates) == 0);
  outcome_clear(&part);
}

/* With the smallest buffer that the refusals of smaller ones ask for. */
static void compare_least(ouro_config config, const ouro_graph *graph, const outcome *whole) {
  for (config.exchange.buffer = 1;;) {
    outcome part;
    long long kib = 0;
    const ouro_status status = learn(&config, graph, &part);
    if (status != OURO_ELIMIT) {
      assert_ok(status);
      assert_everywhere(differences(&part, whole, config.learning.replicates) == 0);
      outcome_clear(&part);
      return;
    }
    outcome_clear(&part);
    const char *at = strstr(ouro_error_message(), "at least ");
    assert_everywhere(at && sscanf(at, "at least %lld KiB", &kib) == 1 && kib * 1024 > config.exchange.buffer);
    config.exchange.buffer = kib * 1024;
  }
}

/* Blocks and scattered owners; samples through the smallest and a large buffer; parameters. */
static void compare_all(ouro_config config, random_graph spec) {
  ouro_graph *alone = NULL, *graph = NULL;
  outcome whole;
  spec.published = config.learning.draw == OURO_DRAW_PUBLISHED;
  assert_ok(make_graph(MPI_COMM_SELF, &spec, &alone));
  assert_ok(learn(&config, alone, &whole));
  for (int scattered = 0; scattered < 2; scattered++) {
    spec.scattered = scattered != 0;
    assert_ok(make_graph(MPI_COMM_WORLD, &spec, &graph));
    config.exchange.carry = OURO_CARRY_DATA;
    compare(&config, graph, &whole);
    compare_least(config, graph, &whole);
    config.exchange.carry = OURO_CARRY_PARAMETERS;
    compare_least(config, graph, &whole);
    ouro_graph_destroy(&graph);
  }
  outcome_clear(&whole);
  ouro_graph_destroy(&alone);
}

static void compare_kinds(ouro_draw draw, const random_graph *spec, int64_t replicates) {
  compare_all(config_of(draw, OURO_REAL_FRESH, replicates), *spec);
  compare_all(config_of(draw, OURO_REAL_FIXED, replicates), *spec);
  compare_all(config_of(draw, OURO_REAL_INITIAL, replicates), *spec);
}

static void test_same_bits_private(void **state) {
  (void)state;
  for (uint64_t seed = 0; seed < 3; seed++) {
    const random_graph spec = {19, 4, 20, 40, 10, 150, false, false, seed};
    compare_kinds(OURO_DRAW_PRIVATE, &spec, 1);
    compare_kinds(OURO_DRAW_PRIVATE, &spec, 11);
  }
}

static void test_same_bits_published(void **state) {
  (void)state;
  for (uint64_t seed = 0; seed < 3; seed++) {
    const random_graph spec = {19, 4, 20, 40, 10, 150, false, false, seed};
    compare_kinds(OURO_DRAW_PUBLISHED, &spec, 1);
    compare_kinds(OURO_DRAW_PUBLISHED, &spec, 11);
  }
}

/* One node alone, one node on its own output, no feeds at all, everything fed by everything, one large feed. */
static void test_same_bits_edges(void **state) {
  (void)state;
  const random_graph unfed_one = {1, 1, 100, 0, 50, 0, false, false, 1}, own = {1, 1, 0, 0, 50, 0, false, false, 1};
  const random_graph roots = {11, 4, 100, 0, 50, 0, false, false, 1}, real = {11, 4, 100, 60, 50, 0, false, false, 1};
  const random_graph complete = {6, 6, 0, 0, 64, 0, false, false, 1}, large = {2, 2, 0, 0, 30000, 9, false, false, 1};
  const random_graph *const all[] = {&unfed_one, &own, &roots, &real, &complete, &large};
  for (size_t k = 0; k < sizeof all / sizeof all[0]; k++) {
    compare_all(config_of(OURO_DRAW_PRIVATE, OURO_REAL_FRESH, 2), *all[k]);
    compare_all(config_of(OURO_DRAW_PUBLISHED, OURO_REAL_FRESH, 2), *all[k]);
  }
}

/* Feeds and corpora so large that messages are served while a rank draws its own. */
static void test_same_bits_large(void **state) {
  (void)state;
  const random_graph spec = {8, 3, 0, 50, 9000, 900, false, false, 6};
  compare_all(config_of(OURO_DRAW_PRIVATE, OURO_REAL_FRESH, 2), spec);
  compare_all(config_of(OURO_DRAW_PUBLISHED, OURO_REAL_FRESH, 2), spec);
}

/* Nodes 0 to 2 train on one another's large corpora, node 3 feeds all others with little. */
static ouro_graph *lopsided(MPI_Comm comm) {
  ouro_graph *graph = NULL;
  ouro_feeds feeds = {0};
  ouro_status status = OURO_OK;
  int rank;
  MPI_Comm_rank(comm, &rank);
  for (ouro_gid i = 0; i < 8 && rank == 0 && status == OURO_OK; i++) {
    for (ouro_gid j = 0; j < 3 && i < 3 && status == OURO_OK; j++) status = ouro_feeds_add(&feeds, j, i, 9000);
    if (status == OURO_OK) status = ouro_feeds_add(&feeds, 3, i, 64);
  }
  if (status == OURO_OK) status = ouro_graph_build(comm, 8, &feeds, &graph);
  ouro_feeds_clear(&feeds);
  assert_ok(status);
  return graph;
}

/* Other ranks ask for corpora of replicates that their owner has not come to. */
static void test_run_ahead(void **state) {
  (void)state;
  ouro_config config = config_of(OURO_DRAW_PUBLISHED, OURO_REAL_FRESH, 9);
  ouro_graph *alone = lopsided(MPI_COMM_SELF), *graph = lopsided(MPI_COMM_WORLD);
  outcome whole;
  assert_ok(learn(&config, alone, &whole));
  compare_least(config, graph, &whole);
  outcome_clear(&whole);
  ouro_graph_destroy(&graph);
  ouro_graph_destroy(&alone);
}

/* The twin: one model at a time, samples drawn into memory. */
typedef struct twin {
  const ouro_config *config;
  const ouro_family *family;
  const ouro_graph *graph;
  double *old, *made; /* [replicate][node][P] */
} twin;

/* Samples of model j, or of nature (-1). */
static void twin_add(const twin *w, ouro_stream stream, const double *theta, ouro_lid j, ouro_count n,
                     double *statistic) {
  double *rows = calloc((size_t)n * (size_t)w->family->row_width + 1, sizeof *rows);
  const bool own = with_traits && j >= 0 && j % 4 > 0;
  const double noise = 0.5 * (double)(j % 4);
  const ouro_slice slice = {stream, theta, 0, n, n, own ? &noise : NULL};
  if (n > 0) ouro_family_draw(w->family, &slice, rows);
  ouro_family_reduce(w->family, rows, n, statistic);
  free(rows);
}

/* Real samples of a generation after the first: a fixed set does not grow. */
static ouro_count twin_real(const twin *w, int64_t t, ouro_lid i) {
  if (w->config->real.kind == OURO_REAL_INITIAL) return 0;
  return w->config->real.kind == OURO_REAL_FIXED ? w->graph->real[i] : grown(w->graph->real[i], t);
}

/* Samples of a training set. */
static ouro_count twin_size(const twin *w, int64_t t, ouro_lid i) {
  const ouro_graph *g = w->graph;
  const bool initial = w->config->real.kind == OURO_REAL_INITIAL;
  if (t == 0 && with_traits && i % 3 == 0) return 20 + i;
  if (t == 0) return initial && g->real[i] > 0 ? g->real[i] : 17;
  if (t % every_of(i) != 0) return 0;
  ouro_count n = twin_real(w, t, i);
  for (ouro_eid e = g->row[i]; e < g->row[i + 1]; e++) n += grown(ouro_graph_samples(g, e), t);
  return n;
}

static void twin_corpus(const twin *w, int64_t t, int64_t k, ouro_lid j, ouro_count n, double *statistic) {
  double *corpus = calloc(ouro_family_statistic_size(w->family, n), sizeof *corpus);
  const double *theta = w->old + (k * w->graph->n_nodes + j) * P;
  twin_add(w, ouro_random_stream(42, (uint64_t)k, (uint64_t)t, OURO_PURPOSE_CORPUS, j, 0), theta, j, n, corpus);
  ouro_family_merge(w->family, corpus, statistic);
  free(corpus);
}

static void twin_model(const twin *w, int64_t t, int64_t k, ouro_lid i) {
  const ouro_graph *g = w->graph;
  const bool initial = w->config->real.kind == OURO_REAL_INITIAL, fixed = w->config->real.kind == OURO_REAL_FIXED;
  const ouro_count n = twin_size(w, t, i);
  double *statistic = calloc(ouro_family_statistic_size(w->family, n), sizeof *statistic);
  double *made = w->made + (k * g->n_nodes + i) * P;
  const uint64_t replicate = (uint64_t)k, generation = (uint64_t)t;
  if (t == 0) {
    twin_add(w, ouro_random_stream(42, replicate, 0, OURO_PURPOSE_INITIAL, OURO_NATURE, i), w->family->truth, -1, n,
             statistic);
  }
  for (ouro_eid e = g->row[i]; t > 0 && n > 0 && e < g->row[i + 1]; e++) {
    const ouro_lid j = g->source[e];
    const ouro_count samples = grown(ouro_graph_samples(g, e), t);
    if (w->config->learning.draw == OURO_DRAW_PUBLISHED)
      twin_corpus(w, t, k, j, samples, statistic);
    else
      twin_add(w, ouro_random_stream(42, replicate, generation, OURO_PURPOSE_FEED, j, i),
               w->old + (k * g->n_nodes + j) * P, j, samples, statistic);
  }
  if (t > 0 && n > 0 && !initial && g->real[i] > 0) {
    twin_add(w,
             ouro_random_stream(42, replicate, fixed ? 0 : generation, fixed ? OURO_PURPOSE_FIXED : OURO_PURPOSE_REAL,
                                OURO_NATURE, i),
             w->family->truth, -1, twin_real(w, t, i), statistic);
  }
  if (n == 0 || ouro_family_fit(w->family, 1, &n, statistic, made) < 1) {
    memcpy(made, w->old + (k * g->n_nodes + i) * P, P * sizeof *made);
  }
  free(statistic);
}

/* Mean over replicates, to rounding. */
static int64_t twin_wrong_errors(const twin *w, int64_t t, const outcome *out) {
  const ouro_gid n = w->graph->n_nodes;
  const int64_t replicates = w->config->learning.replicates;
  int64_t wrong = 0;
  for (ouro_gid i = 0; i < n; i++) {
    double sum = 0.0, squares = 0.0, error;
    for (int64_t k = 0; k < replicates; k++) {
      ouro_family_error(w->family, 1, w->made + (k * n + i) * P, &error);
      sum += error;
      squares += error * error;
    }
    const double mean = sum / (double)replicates, got = out->error_sd[t * n + i];
    const double variance = replicates > 1 ? (squares - sum * mean) / (double)(replicates - 1) : 0.0;
    const double off = out->error[t * n + i] - mean;
    wrong += off > 1e-14 * mean || off < -1e-14 * mean || got * got - variance > 1e-12 * squares ||
             variance - got * got > 1e-12 * squares;
  }
  return wrong;
}

static int64_t twin_wrong(const ouro_config *config, const ouro_graph *graph, const outcome *out) {
  ouro_family *family = NULL;
  const int64_t n = config->learning.replicates * graph->n_nodes * P;
  int64_t wrong = 0;
  if (ouro_family_create(config, &family) != OURO_OK) return -1;
  twin w = {config, family, graph, calloc((size_t)n, sizeof(double)), calloc((size_t)n, sizeof(double))};
  for (int64_t t = 0; t <= GENERATIONS; t++) {
    for (int64_t k = 0; k < config->learning.replicates; k++) {
      for (ouro_lid i = 0; i < graph->n_owned; i++) twin_model(&w, t, k, i);
    }
    memcpy(w.old, w.made, (size_t)n * sizeof(double));
    wrong += twin_wrong_errors(&w, t, out);
  }
  for (int64_t k = 0; k < n; k++) wrong += !same(w.made[k], out->parameters[k]);
  free(w.old);
  free(w.made);
  ouro_family_destroy(&family);
  return wrong;
}

static void compare_twin(ouro_draw draw, ouro_real_kind kind) {
  const ouro_config config = config_of(draw, kind, 10);
  const random_graph spec = {13, 4, 20, 40, 10, 150, draw == OURO_DRAW_PUBLISHED, false, 5};
  ouro_graph *graph = NULL;
  outcome out;
  assert_ok(make_graph(MPI_COMM_SELF, &spec, &graph));
  assert_ok(learn(&config, graph, &out));
  assert_everywhere(twin_wrong(&config, graph, &out) == 0);
  outcome_clear(&out);
  ouro_graph_destroy(&graph);
}

static void test_twin(void **state) {
  (void)state;
  for (int family = 0; family < N_FAMILIES; family++) {
    family_name = families[family];
    for (int draw = 0; draw < 2; draw++) {
      for (int kind = 0; kind < 3; kind++) compare_twin((ouro_draw)draw, (ouro_real_kind)kind);
    }
  }
  family_name = families[0];
}

/* Noise of their own, for the families that have it. */
static void test_traits(void **state) {
  (void)state;
  const random_graph spec = {13, 4, 20, 40, 30, 90, false, false, 4};
  with_traits = 1;
  for (int family = 0; family < N_FAMILIES; family += N_FAMILIES - 1) {
    family_name = families[family];
    for (int draw = 0; draw < 2; draw++) {
      compare_twin((ouro_draw)draw, OURO_REAL_FRESH);
      compare_all(config_of((ouro_draw)draw, OURO_REAL_FRESH, 3), spec);
    }
  }
  family_name = families[0];
  with_traits = 0;
}

/* Models that are retrained now and then, by ever more samples. */
static void test_schedules(void **state) {
  (void)state;
  const random_graph spec = {13, 4, 20, 40, 10, 90, false, false, 4};
  for (int which = 1; which < 4; which++) {
    with_every = which & 1;
    growth = which & 2 ? 0.7 : 0;
    for (int family = 0; family < N_FAMILIES; family += N_FAMILIES - 1) {
      family_name = families[family];
      for (int draw = 0; draw < 2; draw++) {
        for (int kind = 0; kind < 3; kind++) compare_twin((ouro_draw)draw, (ouro_real_kind)kind);
        compare_all(config_of((ouro_draw)draw, OURO_REAL_FRESH, 3), spec);
      }
    }
  }
  compare_kinds(OURO_DRAW_PUBLISHED, &spec, 2);
  for (int regime = OURO_REGIME_ACCUMULATE; regime <= OURO_REGIME_SUBSAMPLE; regime++) {
    for (int family = 0; family < N_FAMILIES; family += N_FAMILIES - 1) {
      family_name = families[family];
      ouro_config config = config_of(OURO_DRAW_PRIVATE, OURO_REAL_FRESH, 2);
      config.learning.regime = (ouro_regime)regime;
      config.learning.forget = 0.5;
      config.learning.memory = (int64_t)1 << 30;
      compare_all(config, spec);
    }
  }
  family_name = families[0];
  with_every = 0;
  growth = 0;
}

/* Families that are fitted to the samples themselves; so few that some models stall. */
static void test_same_bits_samples(void **state) {
  (void)state;
  const random_graph spec = {13, 4, 20, 40, 10, 90, false, false, 4};
  for (int family = 1; family < N_FAMILIES; family++) {
    family_name = families[family];
    compare_kinds(OURO_DRAW_PRIVATE, &spec, 3);
    compare_kinds(OURO_DRAW_PUBLISHED, &spec, 3);
  }
  family_name = families[0];
}

/* What leaves a rank is counted: samples of cut feeds, or models. */
static void test_traffic(void **state) {
  (void)state;
  const random_graph spec = {19, 4, 0, 0, 10, 150, false, true, 2};
  ouro_config config = config_of(OURO_DRAW_PRIVATE, OURO_REAL_FRESH, 2);
  ouro_graph *graph = NULL;
  int64_t cut = 0, bytes[2];
  assert_ok(make_graph(MPI_COMM_WORLD, &spec, &graph));
  for (ouro_eid e = 0; e < graph->row[graph->n_owned]; e++) {
    if (graph->source[e] >= graph->n_owned) cut += ouro_graph_samples(graph, e);
  }
  for (int carry = 0; carry < 2; carry++) {
    outcome out;
    config.exchange.carry = (ouro_carry)carry;
    assert_ok(learn(&config, graph, &out));
    const int64_t unit = carry == OURO_CARRY_DATA ? (P + 1) * cut : P * (int64_t)graph->n_ghost;
    bytes[0] = out.traffic.bytes_sent;
    bytes[1] = unit * 2 * GENERATIONS * (int64_t)sizeof(double);
    MPI_Allreduce(MPI_IN_PLACE, bytes, 2, MPI_INT64_T, MPI_SUM, MPI_COMM_WORLD);
    assert_everywhere(bytes[0] == bytes[1]);
    assert_everywhere((out.traffic.neighbours > 0) == (graph->halo->n_send + graph->halo->n_receive > 0));
    outcome_clear(&out);
  }
  ouro_graph_destroy(&graph);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_twin),
      cmocka_unit_test(test_traits),
      cmocka_unit_test(test_schedules),
      cmocka_unit_test(test_same_bits_private),
      cmocka_unit_test(test_same_bits_published),
      cmocka_unit_test(test_same_bits_edges),
      cmocka_unit_test(test_same_bits_large),
      cmocka_unit_test(test_same_bits_samples),
      cmocka_unit_test(test_run_ahead),
      cmocka_unit_test(test_traffic),
  };
  return test_main(__FILE__, tests, sizeof tests / sizeof tests[0]);
}
