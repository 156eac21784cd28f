/* Advice against trial of every subset of models with plain sums, and against what theory says of cures.
 * ranks: 1 2 3 4 7 */

#include <stdlib.h>

#include "model.h"
#include "ouro/base/memory.h"
#include "ouro/theory/advise.h"

enum { T = 5, FEW = 8, REAL = 8 };

static ouro_config advise_config(setting how) {
  ouro_config config = model_config(how);
  config.real.samples = REAL;
  config.learning.generations = T;
  return config;
}

/* Few models, most of them fed by a neighbour alone, and little real data: unstable sources are frequent. */
static small random_ill(uint64_t seed, setting how) {
  uint64_t state = seed;
  small s = {.n = 1 + below(&state, FEW)};
  int corpus[MOST];
  for (int j = 0; j < s.n; j++) corpus[j] = how.p + 2 + below(&state, 9);
  for (int k = s.n + below(&state, s.n); k > 0; k--) {
    const int j = below(&state, s.n), i = below(&state, 3) == 0 ? below(&state, s.n) : j ^ 1;
    if (i >= s.n) continue;
    s.feeds[j][i] = how.draw == OURO_DRAW_PUBLISHED ? corpus[j] : how.p + 2 + below(&state, 9);
  }
  for (int i = 0; i < s.n; i++) s.real[i] = below(&state, 6) == 0 ? how.p + 2 + below(&state, 9) : 0;
  return s;
}

static setting random_ill_setting(uint64_t seed) {
  setting how = random_setting(seed);
  if (how.kind == OURO_REAL_INITIAL) how.kind = OURO_REAL_FRESH;
  return how;
}

/* ---- twins ---- */

static double total_error(const small *s, setting how, unsigned fed) {
  small with = *s;
  twin t;
  double sum = 0;
  for (int i = 0; i < s->n; i++) with.real[i] += fed >> i & 1 ? REAL : 0;
  twin_start(&t, &with, how);
  for (int g = 0; g < T; g++) twin_step(&t);
  for (int i = 0; i < s->n; i++) sum += t.c[i][i];
  return sum;
}

/* path[i][j]: feeds lead from i to j. */
static void find_paths(const small *s, int path[MOST][MOST]) {
  for (int i = 0; i < s->n; i++) {
    for (int j = 0; j < s->n; j++) path[i][j] = s->feeds[i][j] > 0;
  }
  for (int k = 0; k < s->n; k++) {
    for (int i = 0; i < s->n; i++) {
      for (int j = 0; j < s->n; j++) path[i][j] |= path[i][k] && path[k][j];
    }
  }
}

/* The unstable source of each node, by its smallest, or -1: nodes of cycles that have no ancestor with real data, nor
 * one that they do not feed in turn. */
static void sources_of(const small *s, unsigned fed, ouro_gid *component) {
  int path[MOST][MOST];
  find_paths(s, path);
  for (int i = 0; i < s->n; i++) {
    int unstable = path[i][i], first = i;
    for (int j = s->n - 1; j >= 0; j--) {
      if (path[j][i] && (!path[i][j] || s->real[j] > 0 || fed >> j & 1)) unstable = 0;
      if (path[j][i] && j < first) first = j;
    }
    component[i] = unstable ? first : -1;
  }
}

static int is_ill(const small *s, unsigned fed) {
  ouro_gid component[MOST];
  sources_of(s, fed, component);
  for (int i = 0; i < s->n; i++) {
    if (component[i] >= 0) return 1;
  }
  return 0;
}

static int size_of(unsigned set) {
  return __builtin_popcount(set);
}

/* Least total error over the smallest sets that cure. */
static double best_cure(const small *s, setting how, int *size) {
  double best = INFINITY;
  *size = s->n + 1;
  for (unsigned set = 0; set < 1u << s->n; set++) {
    if (size_of(set) > *size || is_ill(s, set)) continue;
    const double total = total_error(s, how, set);
    if (size_of(set) < *size || total < best) best = total;
    *size = size_of(set);
  }
  return best;
}

static int near(double a, double b) {
  return fabs(a - b) <= 1e-10 * fabs(b);
}

/* ---- */

static ouro_status advise_graph(const ouro_config *config, setting how, ouro_graph *graph, int64_t budget,
                                const int8_t *candidate, ouro_advice **advice) {
  const ouro_family family = model_family(how);
  const ouro_advise_request request = {budget, candidate};
  ouro_verdict *verdict = NULL;
  *advice = NULL;
  ouro_status status = ouro_verdict_create(graph, true, &verdict);
  if (status == OURO_OK) status = ouro_advise(config, &family, graph, verdict, &request, advice);
  ouro_verdict_destroy(&verdict);
  return status;
}

static ouro_advice *advise_with(MPI_Comm comm, const ouro_config *config, const small *s, setting how, int64_t budget,
                                int scattered) {
  ouro_graph *graph = small_build(comm, s, scattered);
  ouro_advice *advice = NULL;
  const ouro_status status = graph ? advise_graph(config, how, graph, budget, NULL, &advice) : OURO_ENOMEM;
  int same = status == OURO_OK;
  for (ouro_lid i = 0; same && i < graph->n_owned; i++) same = graph->real[i] == s->real[graph->gid[i]];
  ouro_graph_destroy(&graph);
  if (!same) ouro_advice_destroy(&advice);
  return advice;
}

static ouro_advice *advise_on(MPI_Comm comm, const small *s, setting how, int64_t budget, int scattered) {
  const ouro_config config = advise_config(how);
  return advise_with(comm, &config, s, how, budget, scattered);
}

/* The same by backward walks: all that may be walked. */
static ouro_advice *walk_on(MPI_Comm comm, const small *s, setting how, int64_t budget, int scattered, uint64_t seed) {
  ouro_config config = advise_config(how);
  config.theory.exact = OURO_EXACT_NONE;
  config.theory.dual_walks = 1 << 13;
  config.learning.seed = seed;
  return advise_with(comm, &config, s, how, budget, scattered);
}

/* Hundreds of graphs on one rank; on more, whose bits are the same, some of them. */
static uint64_t n_graphs(uint64_t most) {
  return ranks_in(MPI_COMM_WORLD) == 1 ? most : most / 10;
}

static void check_cure(const small *s, setting how, const ouro_advice *advice) {
  int size;
  unsigned set = 0;
  const double best = best_cure(s, how, &size);
  assert_everywhere(advice->n_cure == size && advice->n_incurable == 0);
  for (int k = 0; k < advice->n_cure; k++) {
    set |= 1u << advice->cure[k].node;
    assert_everywhere(advice->cure[k].component >= 0);
    assert_everywhere(near(advice->cure[k].total, total_error(s, how, set)));
  }
  assert_everywhere(size_of(set) == size && !is_ill(s, set));
  if (size > 0) assert_everywhere(near(advice->cure[size - 1].total, best));
}

/* Each feed is as good as the best of those left. */
static void check_best(const small *s, setting how, int64_t budget, const ouro_advice *advice) {
  unsigned set = 0;
  int n_open = 0;
  for (int i = 0; i < s->n; i++) n_open += s->real[i] == 0;
  assert_everywhere(advice->n_candidates == n_open && advice->n_best == (budget < n_open ? budget : n_open));
  for (int k = 0; k < advice->n_best; k++) {
    double least = INFINITY;
    for (int i = 0; i < s->n; i++) {
      if (s->real[i] == 0 && !(set >> i & 1)) least = fmin(least, total_error(s, how, set | 1u << i));
    }
    const ouro_gid node = advice->best[k].node;
    assert_everywhere(s->real[node] == 0 && !(set >> node & 1));
    set |= 1u << node;
    assert_everywhere(near(total_error(s, how, set), least) && near(advice->best[k].total, least));
  }
}

static void test_every_subset(void **unused) {
  (void)unused;
  int n_two = 0, n_none = 0;
  for (uint64_t seed = 1; seed <= n_graphs(400); seed++) {
    const setting how = random_ill_setting(seed);
    const small s = random_ill(seed, how);
    const int64_t budget = (int64_t)(seed % 4);
    ouro_advice *advice = advise_on(MPI_COMM_WORLD, &s, how, budget, seed % 2 == 0);
    assert_everywhere(advice != NULL);
    assert_everywhere(near(advice->total, total_error(&s, how, 0)));
    assert_everywhere(advice->exact == (how.p == 0 || (how.draw == OURO_DRAW_PRIVATE && how.kind == OURO_REAL_FRESH)));
    check_cure(&s, how, advice);
    check_best(&s, how, budget, advice);
    n_two += advice->n_cure >= 2;
    n_none += advice->n_cure == 0;
    ouro_advice_destroy(&advice);
  }
  assert_true(n_two > 2 && n_none > 5 && n_none < (int)n_graphs(300));
}

/* ---- by backward walks ---- */

typedef struct scores {
  int n, n_all;
  double squares, largest; /* of the first total of each graph; of all */
} scores;

static void score(double total, double error, double expected, int is_first, scores *z) {
  if (error < 1e-7 * expected) {
    z->largest = fabs(total - expected) < 1e-6 * expected ? z->largest : INFINITY; /* chance has no say */
    return;
  }
  z->largest = fmax(z->largest, fabs(total - expected) / error);
  z->squares += is_first ? pow((total - expected) / error, 2) : 0;
  z->n += is_first;
  z->n_all++;
}

/* pi of each source by many steps of a walk that rests half of the time. */
static void stationary(const small *s, const ouro_gid *component, double *pi) {
  double next[MOST] = {0}, size[MOST] = {0};
  for (int i = 0; i < s->n; i++) {
    for (int j = 0; j < s->n; j++) size[i] += s->feeds[j][i];
    pi[i] = component[i] == i;
  }
  for (int t = 0; t < 5000; t++) {
    for (int j = 0; j < s->n; j++) next[j] = pi[j] / 2;
    for (int i = 0; i < s->n; i++) {
      for (int j = 0; j < s->n && pi[i] > 0; j++) next[j] += pi[i] / 2 * s->feeds[j][i] / size[i];
    }
    memcpy(pi, next, sizeof next);
  }
}

/* The model of each source with the most visits for its samples, of equals the smallest id; totals as they would be. */
static void check_walked_cure(const small *s, setting how, const ouro_advice *advice, scores *z) {
  ouro_gid component[MOST] = {0};
  double pi[MOST] = {0};
  unsigned set = 0;
  sources_of(s, 0, component);
  stationary(s, component, pi);
  for (int k = 0; k < advice->n_cure; k++) {
    const ouro_gid node = advice->cure[k].node;
    const twin t = {.s = s, .how = how};
    assert_everywhere(component[node] >= 0 && component[node] == advice->cure[k].component);
    const double most = pi[node] / twin_size(&t, (int)node);
    for (int i = 0; i < s->n; i++) {
      if (component[i] == component[node]) assert_everywhere(pi[i] / twin_size(&t, i) <= most * (1 + 1e-9));
    }
    set |= 1u << node;
    score(advice->cure[k].total, advice->cure[k].standard_error, total_error(s, how, set), 0, z);
  }
  assert_everywhere(!is_ill(s, set));
}

/* Totals as they would be, and nobody left who were much better: those of a source by its own best model. */
static void check_walked_best(const small *s, setting how, const ouro_advice *advice, scores *z) {
  ouro_gid component[MOST];
  unsigned set = 0;
  sources_of(s, 0, component);
  for (int k = 0; k < advice->n_best; k++) {
    const ouro_advice_feed *feed = &advice->best[k];
    const double total = total_error(s, how, set | 1u << feed->node), before = total_error(s, how, set);
    for (int i = 0; i < s->n; i++) {
      if (s->real[i] > 0 || set >> i & 1 || component[i] >= 0) continue;
      const double gain = before - total_error(s, how, set | 1u << i);
      assert_everywhere(gain <= (before - total) + 0.2 * fabs(gain) + 0.02 * before);
    }
    set |= 1u << feed->node;
    score(feed->total, feed->standard_error, total, 0, z);
  }
}

/* Totals before are independent (a seed for each graph): their sum of squares is that of chi-square, 4.5 standard
 * deviations off with probability 2e-5. All totals, fewer than 3,000, stay below 6.2 but for a chance of 2e-6. */
static void test_walks(void **unused) {
  (void)unused;
  int n_cured = 0, n_fixed = 0;
  scores z = {0};
  for (uint64_t seed = 1; seed <= n_graphs(200); seed++) {
    setting how = random_ill_setting(seed);
    how.p = how.kind == OURO_REAL_FIXED ? 0 : (int)(seed % 2); /* all of one order, and eta <= 1 everywhere */
    const small s = random_ill(seed, how);
    ouro_advice *advice = walk_on(MPI_COMM_WORLD, &s, how, (int64_t)(seed % 3), seed % 2 == 0, seed);
    int size;
    best_cure(&s, how, &size);
    assert_everywhere(advice != NULL && advice->method == OURO_ADVICE_WALKS);
    assert_everywhere(advice->n_cure == size && advice->n_incurable == 0);
    score(advice->total, advice->standard_error, total_error(&s, how, 0), 1, &z);
    check_walked_cure(&s, how, advice, &z);
    check_walked_best(&s, how, advice, &z);
    n_cured += advice->n_cure > 0;
    n_fixed += how.kind == OURO_REAL_FIXED;
    ouro_advice_destroy(&advice);
  }
  const double beyond = (z.squares - z.n) / sqrt(2.0 * z.n);
  if (rank_in(MPI_COMM_WORLD) == 0 && !(fabs(beyond) < 4.5 && z.largest < 6.2)) {
    print_message("%d scores, chi-square off by %g sd; %d in all, largest %g\n", z.n, beyond, z.n_all, z.largest);
  }
  assert_everywhere(fabs(beyond) < 4.5 && z.largest < 6.2 && z.n_all < 3000);
  assert_true(n_cured > 5 && n_fixed > 3);
}

static void test_same_bits_of_walks(void **unused) {
  (void)unused;
  for (uint64_t seed = 300; seed < 306; seed++) {
    setting how = random_ill_setting(seed);
    how.p = 1;
    const small s = random_ill(seed, how);
    ouro_advice *alone = walk_on(MPI_COMM_SELF, &s, how, 2, 0, 7), *world = walk_on(MPI_COMM_WORLD, &s, how, 2, 1, 7);
    assert_everywhere(alone != NULL && world != NULL);
    assert_everywhere(alone->total == world->total && alone->n_cure == world->n_cure && alone->n_best == world->n_best);
    assert_everywhere(alone->standard_error == world->standard_error && alone->n_evaluated == world->n_evaluated);
    assert_everywhere(memcmp(alone->cure, world->cure, (size_t)alone->n_cure * sizeof *alone->cure) == 0);
    assert_everywhere(memcmp(alone->best, world->best, (size_t)alone->n_best * sizeof *alone->best) == 0);
    ouro_advice_destroy(&alone);
    ouro_advice_destroy(&world);
  }
}

/* ---- */

static void test_same_bits(void **unused) {
  (void)unused;
  for (uint64_t seed = 200; seed < 206; seed++) {
    const setting how = random_ill_setting(seed);
    const small s = random_ill(seed, how);
    ouro_advice *alone = advise_on(MPI_COMM_SELF, &s, how, 2, 0), *world = advise_on(MPI_COMM_WORLD, &s, how, 2, 1);
    assert_everywhere(alone != NULL && world != NULL);
    assert_everywhere(alone->total == world->total && alone->n_cure == world->n_cure && alone->n_best == world->n_best);
    assert_everywhere(memcmp(alone->cure, world->cure, (size_t)alone->n_cure * sizeof *alone->cure) == 0);
    assert_everywhere(memcmp(alone->best, world->best, (size_t)alone->n_best * sizeof *alone->best) == 0);
    ouro_advice_destroy(&alone);
    ouro_advice_destroy(&world);
  }
}

/* R15: one feed from an unstable source into a healthy strongly connected graph ruins all of it; one real feed into
 * that source cures it. */
static small ring_and_loop(void) {
  small s = {.n = 6, .feeds = {[5][5] = 20, [5][2] = 20}, .real = {20}};
  for (int i = 0; i < 5; i++) s.feeds[i][(i + 1) % 5] = 20;
  return s;
}

static void test_one_edge(void **unused) {
  (void)unused;
  const setting how = {.initial = 50, .p = 3, .sigma = 1};
  const small s = ring_and_loop();
  ouro_graph *graph = small_build(MPI_COMM_WORLD, &s, 1);
  ouro_verdict *verdict = NULL;
  ouro_advice *advice = advise_on(MPI_COMM_WORLD, &s, how, 0, 1);
  assert_everywhere(graph != NULL && advice != NULL);
  assert_ok(ouro_verdict_create(graph, true, &verdict));
  assert_everywhere(verdict->count[OURO_CLASS_COLLAPSING] == 6);
  ouro_verdict_destroy(&verdict);
  assert_everywhere(advice->n_cure == 1 && advice->cure[0].node == 5 && advice->n_best == 0);
  for (ouro_lid i = 0; i < graph->n_owned; i++) graph->real[i] += graph->gid[i] == advice->cure[0].node ? REAL : 0;
  assert_ok(ouro_verdict_create(graph, true, &verdict));
  assert_everywhere(verdict->count[OURO_CLASS_COLLAPSING] == 0);
  ouro_verdict_destroy(&verdict);
  ouro_advice_destroy(&advice);
  ouro_graph_destroy(&graph);
}

/* Only candidates are fed, also such as have real data; a source without one stays. */
static void test_candidates(void **unused) {
  (void)unused;
  const setting how = {.initial = 50, .p = 3, .sigma = 1};
  const ouro_config config = advise_config(how);
  const small s = ring_and_loop();
  ouro_graph *graph = small_build(MPI_COMM_WORLD, &s, 0);
  int8_t candidate[2 * MOST] = {0};
  ouro_advice *advice;
  for (ouro_lid i = 0; i < graph->n_owned && i < MOST; i++) candidate[i] = graph->gid[i] == 0 || graph->gid[i] == 4;
  assert_ok(advise_graph(&config, how, graph, 9, candidate, &advice));
  assert_everywhere(advice->n_cure == 0 && advice->n_incurable == 1);
  assert_everywhere(advice->n_candidates == 2 && advice->n_best == 2);
  assert_everywhere(near(advice->best[1].total, total_error(&s, how, 1u << 0 | 1u << 4)));
  ouro_advice_destroy(&advice);
  memset(candidate, 0, sizeof candidate);
  assert_ok(advise_graph(&config, how, graph, 9, candidate, &advice));
  assert_everywhere(advice->n_best == 0 && advice->n_incurable == 1);
  ouro_advice_destroy(&advice);
  ouro_graph_destroy(&graph);
}

static void refuse(ouro_config config, setting how, ouro_status expected, const char *says) {
  const small s = ring_and_loop();
  ouro_graph *graph = small_build(MPI_COMM_WORLD, &s, 0);
  ouro_advice *advice;
  const ouro_status status = advise_graph(&config, how, graph, 1, NULL, &advice);
  assert_everywhere(status == expected && advice == NULL && strstr(ouro_error_message(), says) != NULL);
  ouro_graph_destroy(&graph);
}

static void test_refusals(void **unused) {
  (void)unused;
  setting how = {.initial = 50, .p = 3, .sigma = 1};
  ouro_config config = advise_config(how);
  config.learning.generations = INT64_C(1) << 40;
  refuse(config, how, OURO_ELIMIT, "too large for advice by recursion (7 recursions of 6 models");
  config = advise_config(how);
  config.real.kind = OURO_REAL_INITIAL;
  refuse(config, how, OURO_ECONFIG, "real.kind=initial");
  how.p = 20;
  refuse(advise_config(how), how, OURO_ELIMIT, "infinite");
}

/* Growth until overflow: infinite, and cured by the one feed that ends it. */
static void test_overflow(void **unused) {
  (void)unused;
  const setting how = {.initial = 50, .p = 10, .sigma = 1};
  ouro_config config = advise_config(how);
  small s = {.n = 5};
  for (int k = 0; k < 25; k++) s.feeds[k / 5][k % 5] = 3; /* 15 < 2 p + 1 samples: grows geometrically */
  ouro_graph *graph = small_build(MPI_COMM_WORLD, &s, 0);
  ouro_advice *advice;
  int8_t candidate[2 * MOST] = {0};
  config.learning.generations = 2000;
  config.real.samples = 1000;
  for (ouro_lid i = 0; i < graph->n_owned && i < MOST; i++) candidate[i] = graph->gid[i] == 0;
  assert_ok(advise_graph(&config, how, graph, 0, candidate, &advice));
  assert_everywhere(isinf(advice->total) && advice->n_cure == 1 && advice->cure[0].node == 0);
  ouro_advice_destroy(&advice);
  ouro_graph_destroy(&graph);
}

/* Each allocation fails once, on the last rank. */
static void run_short_of_memory(ouro_exact exact) {
  const setting how = {.initial = 50, .sigma = 1};
  const small s = {.n = 2, .feeds = {[0][1] = 20, [1][0] = 20}};
  ouro_config config = advise_config(how);
  const ouro_family family = model_family(how);
  const ouro_advise_request request = {1, NULL};
  ouro_graph *graph = small_build(MPI_COMM_WORLD, &s, 0);
  ouro_verdict *verdict = NULL;
  ouro_status status = OURO_ENOMEM;
  int n = 0;
  config.learning.generations = 1;
  config.theory.exact = exact;
  config.theory.dual_walks = 8;
  assert_ok(ouro_verdict_create(graph, true, &verdict));
  while (status == OURO_ENOMEM && n < 1000) {
    ouro_advice *advice = NULL;
    n++;
    if (rank_in(MPI_COMM_WORLD) == ranks_in(MPI_COMM_WORLD) - 1) ouro_memory_fail_at(n);
    status = ouro_advise(&config, &family, graph, verdict, &request, &advice);
    ouro_memory_fail_at(0);
    assert_everywhere((status == OURO_OK) == (advice != NULL));
    for (ouro_lid i = 0; i < graph->n_owned; i++) assert_true(graph->real[i] == 0);
    ouro_advice_destroy(&advice);
  }
  assert_everywhere(status == OURO_OK && n > 20);
  ouro_verdict_destroy(&verdict);
  ouro_graph_destroy(&graph);
}

static void test_short_of_memory(void **unused) {
  (void)unused;
  run_short_of_memory(OURO_EXACT_AUTO);
  run_short_of_memory(OURO_EXACT_NONE);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_every_subset),       cmocka_unit_test(test_same_bits),
      cmocka_unit_test(test_one_edge),           cmocka_unit_test(test_candidates),
      cmocka_unit_test(test_refusals),           cmocka_unit_test(test_overflow),
      cmocka_unit_test(test_short_of_memory),    cmocka_unit_test(test_walks),
      cmocka_unit_test(test_same_bits_of_walks),
  };
  return test_main(__FILE__, tests, sizeof tests / sizeof tests[0]);
}
