/* What unstable sources ruin: against paths by enumeration, sketches against their definition and their stated error,
 * sizes that break narrow counters. ranks: 1 2 3 4 7, limit: 120 */

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "ouro/base/memory.h"
#include "ouro/base/message.h"
#include "ouro/base/random.h"
#include "ouro/theory/damage.h"
#include "small.h"
#include "theory/sketch.h"

/* Sparse and dense graphs, with self-loops, few nodes with real data. */
static small random_small(uint64_t seed) {
  uint64_t state = seed;
  small s = {.n = 1 + below(&state, MOST)};
  const int per_node = 1 + below(&state, 4), realness = 4 + below(&state, 12);
  for (int k = below(&state, s.n * per_node + 1); k > 0; k--) {
    s.feeds[below(&state, s.n)][below(&state, s.n)] = 1 + below(&state, 9);
  }
  for (int i = 0; i < s.n; i++) s.real[i] = below(&state, realness) == 0 ? 1 + below(&state, 9) : 0;
  return s;
}

/* path[j][i]: a path of feeds, one at least, leads from j to i through nodes that are not closed. */
static void close_paths(const small *s, const int8_t *closed, int path[MOST][MOST]) {
  for (int j = 0; j < s->n; j++) {
    for (int i = 0; i < s->n; i++) path[j][i] = s->feeds[j][i] > 0 && !(closed && (closed[j] || closed[i]));
  }
  for (int k = 0; k < s->n; k++) {
    for (int j = 0; j < s->n; j++) {
      for (int i = 0; i < s->n; i++) path[j][i] |= path[j][k] && path[k][i];
    }
  }
}

/* ---- exact counts ---- */

/* Whether a node belongs to an unstable source, by the definition: all its ancestors are its descendants. */
static int is_unstable(const small *s, int path[MOST][MOST], int i) {
  int good = path[i][i];
  for (int j = 0; j < s->n; j++) good = good && !(path[j][i] && (!path[i][j] || s->real[j] > 0));
  return good;
}

static int damage_agrees(const ouro_graph *graph, const ouro_damage *d, const small *s, int *n_ruined) {
  int path[MOST][MOST], same = d->error == 0;
  close_paths(s, NULL, path);
  for (ouro_lid i = 0; i < graph->n_owned; i++) {
    const int g = (int)graph->gid[i], bad = is_unstable(s, path, g);
    int size = 0, ruined = 0;
    for (int j = 0; j < s->n; j++) {
      size += bad && path[g][j] && path[j][g];
      ruined += bad && path[g][j];
    }
    same = same && d->size[i] == size && d->ruined[i] == ruined && !d->estimated[i];
    *n_ruined += ruined > size;
  }
  return same;
}

/* From the worst on, equal ones by size and id. */
static int is_ordered(const ouro_damage *d) {
  int good = 1;
  for (int k = 1; k < d->n_listed; k++) {
    const ouro_gid before[] = {-d->listed_ruined[k - 1], -d->listed[k - 1].size, d->listed[k - 1].first};
    const ouro_gid after[] = {-d->listed_ruined[k], -d->listed[k].size, d->listed[k].first};
    int c = 0;
    while (c < 2 && before[c] == after[c]) c++;
    good = good && before[c] < after[c];
  }
  return good;
}

static void test_paths(void **unused) {
  (void)unused;
  int reaching = 0;
  for (uint64_t seed = 1; seed <= 500; seed++) {
    const small s = random_small(seed);
    ouro_verdict *v = NULL;
    ouro_damage *d = NULL;
    ouro_graph *graph = small_build(MPI_COMM_WORLD, &s, seed % 2 == 1);
    assert_everywhere(graph != NULL);
    assert_ok(ouro_verdict_create(graph, true, &v));
    assert_ok(ouro_damage_create(graph, v, &d));
    assert_everywhere(damage_agrees(graph, d, &s, &reaching) && is_ordered(d));
    assert_int_equal(d->n_listed, v->n_unstable);
    ouro_damage_destroy(&d);
    assert_null(d);
    ouro_verdict_destroy(&v);
    ouro_graph_destroy(&graph);
  }
  MPI_Allreduce(MPI_IN_PLACE, &reaching, 1, MPI_INT, MPI_SUM, MPI_COMM_WORLD);
  assert_true(reaching > 100); /* the random graphs do have sources that feed others */
}

/* ---- graphs of any size ---- */

typedef struct feed {
  ouro_gid source, target;
} feed;

typedef struct damaged {
  ouro_graph *graph;
  ouro_verdict *verdict;
  ouro_damage *damage;
} damaged;

/* Feeds f(0) .. f(n_feeds-1), given by ranks that have nothing to do with their owners. */
static ouro_graph *graph_of(MPI_Comm comm, ouro_gid n, ouro_gid n_feeds, feed (*f)(ouro_gid k)) {
  ouro_feeds feeds = {0};
  ouro_graph *graph = NULL;
  ouro_status local = OURO_OK;
  for (ouro_gid k = rank_in(comm); k < n_feeds && local == OURO_OK; k += ranks_in(comm)) {
    const feed one = f(k);
    local = ouro_feeds_add(&feeds, one.source, one.target, 3);
  }
  assert_ok(ouro_agree(comm, local));
  assert_ok(ouro_graph_build(comm, n, &feeds, &graph));
  return graph;
}

static damaged damage_of(MPI_Comm comm, ouro_gid n, ouro_gid n_feeds, feed (*f)(ouro_gid k)) {
  damaged made = {.graph = graph_of(comm, n, n_feeds, f)};
  assert_ok(ouro_verdict_create(made.graph, true, &made.verdict));
  assert_ok(ouro_damage_create(made.graph, made.verdict, &made.damage));
  return made;
}

static void damaged_clear(damaged *d) {
  ouro_damage_destroy(&d->damage);
  ouro_verdict_destroy(&d->verdict);
  ouro_graph_destroy(&d->graph);
}

enum { LOOPS = 200 };

/* Models 0 .. 199 feed themselves; number k also feeds link k of a chain and ruins the rest of it: more sources than a
 * sweep takes. */
static feed chain_feed(ouro_gid k) {
  if (k < LOOPS) return (feed){k, k};
  if (k < 2 * LOOPS) return (feed){k - LOOPS, k};
  return (feed){k - LOOPS, k - LOOPS + 1};
}

static void test_chain(void **unused) {
  (void)unused;
  damaged d = damage_of(MPI_COMM_WORLD, 2 * LOOPS, 3 * LOOPS - 1, chain_feed);
  assert_int_equal(d.damage->n_listed, LOOPS);
  for (int k = 0; k < LOOPS; k++) {
    assert_int_equal(d.damage->listed[k].first, k);
    assert_int_equal(d.damage->listed_ruined[k], 1 + LOOPS - k);
  }
  damaged_clear(&d);
}

enum { PAIRS = 1500, TAIL = 3000 };

/* Pairs that ruin nobody else, and last a loop that ruins a path of models: the smallest source, and the worst. */
static feed pair_feed(ouro_gid k) {
  if (k < 2 * PAIRS) return (feed){k, k ^ 1};
  return (feed){k == 2 * PAIRS ? k : k - 1, k};
}

static void test_worst_is_not_largest(void **unused) {
  (void)unused;
  int same = 1;
  damaged d = damage_of(MPI_COMM_WORLD, 2 * PAIRS + 1 + TAIL, 2 * PAIRS + 1 + TAIL, pair_feed);
  assert_int_equal(d.verdict->n_unstable, PAIRS + 1);
  assert_int_equal(d.verdict->listed[OURO_VERDICT_LISTED - 1].size, 2);
  assert_int_equal(d.damage->listed[0].first, 2 * PAIRS);
  assert_int_equal(d.damage->listed[0].size, 1);
  assert_int_equal(d.damage->listed_ruined[0], 1 + TAIL); /* exact, though first found by an estimate */
  assert_true(d.damage->error == 0.05);
  for (ouro_lid i = 0; i < d.graph->n_owned; i++) {
    const ouro_gid g = d.graph->gid[i], size = g < 2 * PAIRS ? 2 : g == 2 * PAIRS;
    same = same && d.damage->size[i] == size && !d.damage->estimated[i];
    same = same && d.damage->ruined[i] == (g == 2 * PAIRS ? 1 + TAIL : size);
  }
  for (int k = 1; k < d.damage->n_listed; k++) {
    same = same && d.damage->listed[k].first == 2 * (k - 1) && d.damage->listed_ruined[k] == 2;
  }
  assert_everywhere(same);
  damaged_clear(&d);
}

enum { MILLION = 1000000 };

static feed million_feed(ouro_gid k) {
  return (feed){k, k};
}

/* A million models on their own output: each ruins itself, and all is known at once. */
static void test_million_loops(void **unused) {
  (void)unused;
  int same = 1;
  damaged d = damage_of(MPI_COMM_WORLD, MILLION, MILLION, million_feed);
  assert_int_equal(d.verdict->n_unstable, MILLION);
  assert_int_equal(d.damage->n_listed, OURO_VERDICT_LISTED);
  assert_true(d.damage->error == 0);
  for (ouro_lid i = 0; i < d.graph->n_owned; i++) {
    same = same && d.damage->ruined[i] == 1 && d.damage->size[i] == 1 && !d.damage->estimated[i];
  }
  for (int k = 0; k < d.damage->n_listed; k++) same = same && d.damage->listed[k].first == k;
  assert_everywhere(same);
  damaged_clear(&d);
}

/* ---- sketches ---- */

/* What sketch.h says, from the words of the random stream. */
static ouro_gid sketch_twin(const small *s, const int8_t *role, int k, uint64_t seed, int asking, int8_t *exact) {
  int path[MOST][MOST], met = 0, place = 0, kth = 0, n_counted = 0;
  int8_t closed[MOST];
  uint64_t word[MOST];
  for (int i = 0; i < s->n; i++) {
    const ouro_stream stream = ouro_random_stream(seed, 0, 0, OURO_PURPOSE_SKETCH, i, 0);
    ouro_random_words(&stream, 0, 1, &word[i]);
    closed[i] = role[i] == OURO_SKETCH_OUTSIDE;
    n_counted += role[i] == OURO_SKETCH_COUNTED;
  }
  close_paths(s, closed, path);
  for (int taken[MOST] = {0}; place < n_counted;) {
    int next = -1;
    for (int i = 0; i < s->n; i++) {
      if (role[i] == OURO_SKETCH_COUNTED && !taken[i] && (next < 0 || word[i] < word[next])) next = i;
    }
    taken[next] = 1;
    place++;
    met += path[asking][next];
    if (kth == 0 && met == k) kth = place;
  }
  *exact = met < k;
  return *exact ? met : (ouro_gid)floor((double)(k - 1) / (kth - 1) * n_counted + 0.5);
}

static int sketch_agrees(MPI_Comm comm, const small *s, const int8_t *role_of, int k, uint64_t seed, int *estimated) {
  int8_t role[MOST], exact[MOST], expected_exact = 1;
  ouro_gid reached[MOST];
  ouro_graph *graph = small_build(comm, s, seed % 2 == 0);
  assert_everywhere(graph != NULL);
  for (ouro_lid i = 0; i < graph->n_owned; i++) role[i] = role_of[graph->gid[i]];
  int same = ouro_sketch_reach(graph, role, k, seed, reached, exact) == OURO_OK;
  for (ouro_lid i = 0; i < graph->n_owned; i++) {
    const int g = (int)graph->gid[i], asking = role[i] == OURO_SKETCH_ASKING;
    const ouro_gid expected = asking ? sketch_twin(s, role_of, k, seed, g, &expected_exact) : 0;
    same = same && reached[i] == expected && exact[i] == (asking ? expected_exact : 1);
    *estimated += !exact[i];
  }
  ouro_graph_destroy(&graph);
  return same;
}

/* Any roles, so that those who ask lie on the ways of each other. */
static void test_definition(void **unused) {
  (void)unused;
  int estimated = 0;
  for (uint64_t seed = 1; seed <= 400; seed++) {
    const small s = random_small(seed);
    uint64_t state = seed + 10000;
    int8_t role[MOST];
    const int k = 3 + below(&state, 3);
    for (int i = 0; i < s.n; i++) role[i] = (int8_t)(below(&state, 8) == 0 ? 0 : 1 + below(&state, 2));
    ouro_message_set_largest(seed % 5 == 0 ? 7 : 0); /* letters in pieces */
    assert_everywhere(sketch_agrees(MPI_COMM_WORLD, &s, role, k, seed, &estimated));
  }
  ouro_message_set_largest(0);
  MPI_Allreduce(MPI_IN_PLACE, &estimated, 1, MPI_INT, MPI_SUM, MPI_COMM_WORLD);
  assert_true(estimated > 100);
}

enum { PATH = 2000, STEP = 100 };

/* A path of PATH models, and below it those who ask: number a feeds model a STEP of the path. */
static feed path_feed(ouro_gid k) {
  if (k < PATH / STEP) return (feed){PATH + k, k * STEP};
  return (feed){k - PATH / STEP, k - PATH / STEP + 1};
}

/* Relative errors over independent orders. Their mean is 0 and their standard deviation at most 1/sqrt(k-2): of 200 and
 * 20 asking nodes, the mean exceeds 5 standard errors with a probability below 20 * 6e-7, and the mean square 1.4 times
 * its largest value with one of about 1e-4 (kurtosis of a gamma law with k = 18: 3.3). */
static void test_stated_error(void **unused) {
  (void)unused;
  enum { K = 18, ORDERS = 200, ASKING = PATH / STEP };
  double sum[ASKING] = {0}, square[ASKING] = {0};
  ouro_graph *graph = graph_of(MPI_COMM_WORLD, PATH + ASKING, PATH - 1 + ASKING, path_feed);
  int8_t *role = calloc((size_t)graph->n_owned + 1, 1), *exact = calloc((size_t)graph->n_owned + 1, 1);
  ouro_gid *reached = calloc((size_t)graph->n_owned + 1, sizeof *reached);
  for (ouro_lid i = 0; i < graph->n_owned; i++) {
    role[i] = graph->gid[i] < PATH ? OURO_SKETCH_COUNTED : OURO_SKETCH_ASKING;
  }
  for (uint64_t seed = 1; seed <= ORDERS; seed++) {
    assert_ok(ouro_sketch_reach(graph, role, K, seed, reached, exact));
    for (ouro_lid i = 0; i < graph->n_owned; i++) {
      if (role[i] != OURO_SKETCH_ASKING) continue;
      const ouro_gid a = graph->gid[i] - PATH, truth = PATH - a * STEP;
      const double error = (double)(reached[i] - truth) / (double)truth;
      sum[a] += error / ORDERS;
      square[a] += error * error / ORDERS;
    }
  }
  MPI_Allreduce(MPI_IN_PLACE, sum, ASKING, MPI_DOUBLE, MPI_SUM, MPI_COMM_WORLD);
  MPI_Allreduce(MPI_IN_PLACE, square, ASKING, MPI_DOUBLE, MPI_SUM, MPI_COMM_WORLD);
  double total = 0;
  for (int a = 0; a < ASKING; a++) {
    assert_true(fabs(sum[a]) <= 5 / sqrt(K - 2) / sqrt(ORDERS) + 1e-3); /* estimates are whole numbers */
    assert_true(square[a] <= 1.4 / (K - 2));
    total += square[a] / ASKING;
  }
  assert_true(total > 0.3 / (K - 2)); /* the stated error is no gross exaggeration */
  free(role);
  free(exact);
  free(reached);
  ouro_graph_destroy(&graph);
}

enum { CROWD = 1500, DEEP = 6000 };

/* A crowd of loops, each of which feeds two models of a random graph of DEEP, whose models feed two others each: paths
 * within it close into cycles that reach most of it. */
static feed crowd_feed(ouro_gid k) {
  uint64_t state = (uint64_t)k + 1;
  if (k < CROWD) return (feed){k, k};
  if (k < 3 * CROWD) return (feed){(k - CROWD) / 2, CROWD + below(&state, DEEP)};
  return (feed){CROWD + (k - 3 * CROWD) / 2, CROWD + below(&state, DEEP)};
}

/* How many nodes one of them reaches: passes over all feeds until nothing changes. */
static ouro_gid crowd_reach(ouro_gid start) {
  ouro_gid reached = 1, before = 0;
  int8_t *marked = calloc(CROWD + DEEP, 1);
  for (marked[start] = 1; before < reached;) {
    before = reached;
    for (ouro_gid k = 0; k < 3 * CROWD + 2 * DEEP; k++) {
      const feed one = crowd_feed(k);
      if (!marked[one.source] || marked[one.target]) continue;
      marked[one.target] = 1;
      reached++;
    }
  }
  free(marked);
  return reached;
}

/* Exact, or within 5 standard errors of the truth: all sources share one order, which fails so with 6e-7 each. */
static int is_near(const ouro_damage *d, ouro_gid loop) {
  const double truth = (double)crowd_reach(loop), off = fabs((double)d->ruined[loop] - truth);
  return off <= (d->estimated[loop] ? 5 * d->error * truth : 0);
}

/* The same on any number of ranks, and what is listed is exact. */
static void test_crowd(void **unused) {
  (void)unused;
  enum { N = CROWD + DEEP, FEEDS = 3 * CROWD + 2 * DEEP };
  damaged all = damage_of(MPI_COMM_WORLD, N, FEEDS, crowd_feed), one = damage_of(MPI_COMM_SELF, N, FEEDS, crowd_feed);
  int same = 1, n_estimated = 0;
  assert_true(all.verdict->n_unstable >= CROWD && all.damage->error > 0);
  for (ouro_lid i = 0; i < all.graph->n_owned; i++) {
    const ouro_gid g = all.graph->gid[i];
    same =
        same && all.damage->ruined[i] == one.damage->ruined[g] && all.damage->estimated[i] == one.damage->estimated[g];
  }
  for (int k = 0; k < all.damage->n_listed; k++) {
    same = same && all.damage->listed[k].first == one.damage->listed[k].first;
    same = same && all.damage->listed_ruined[k] == one.damage->listed_ruined[k];
  }
  assert_everywhere(same && is_ordered(all.damage));
  for (ouro_lid i = 0; i < one.graph->n_owned; i++) n_estimated += one.damage->estimated[i];
  for (ouro_gid g = 0; g < CROWD; g += 50) same = same && is_near(one.damage, g);
  assert_true(n_estimated > 0 && n_estimated <= all.verdict->n_unstable - OURO_VERDICT_LISTED);
  for (int k = 0; k < all.damage->n_listed; k += 100) {
    same = same && all.damage->listed_ruined[k] == crowd_reach(all.damage->listed[k].first);
  }
  assert_everywhere(same);
  damaged_clear(&all);
  damaged_clear(&one);
}

/* ---- failures ---- */

/* Any one allocation of the last rank fails: all ranks say so, and none hangs. */
static void test_short_of_memory(void **unused) {
  (void)unused;
  small s = {.n = MOST};
  ouro_verdict *v = NULL;
  int8_t role[2 * MOST], exact[2 * MOST];
  ouro_gid reached[2 * MOST];
  int n = 1;
  for (int i = 0; i < MOST; i++) s.feeds[i < 3 ? i : i - 3][i] = 2;
  ouro_graph *graph = small_build(MPI_COMM_WORLD, &s, 1);
  assert_everywhere(graph != NULL);
  for (ouro_lid i = 0; i < graph->n_owned; i++) role[i] = graph->gid[i] < 3 ? OURO_SKETCH_ASKING : OURO_SKETCH_COUNTED;
  assert_ok(ouro_verdict_create(graph, true, &v));
  for (;; n++) {
    ouro_damage *d = NULL;
    if (rank_in(MPI_COMM_WORLD) == ranks_in(MPI_COMM_WORLD) - 1) ouro_memory_fail_at(n);
    ouro_status status = ouro_damage_create(graph, v, &d);
    assert_everywhere(status == OURO_OK || (status == OURO_ENOMEM && d == NULL));
    if (status == OURO_OK) status = ouro_sketch_reach(graph, role, 3, 1, reached, exact);
    ouro_memory_fail_at(0);
    assert_everywhere(status == OURO_OK || status == OURO_ENOMEM);
    ouro_damage_destroy(&d);
    if (status == OURO_OK) break;
  }
  assert_true(n > 30);
  ouro_verdict_destroy(&v);
  ouro_graph_destroy(&graph);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_paths),        cmocka_unit_test(test_chain),
      cmocka_unit_test(test_definition),   cmocka_unit_test(test_worst_is_not_largest),
      cmocka_unit_test(test_stated_error), cmocka_unit_test(test_million_loops),
      cmocka_unit_test(test_crowd),        cmocka_unit_test(test_short_of_memory),
  };
  return test_main(__FILE__, tests, sizeof tests / sizeof tests[0]);
}
