/* Growth rates against powers of P, long exact recursions, known answers and sizes that break narrow limits.
 * ranks: 1 2 3 4 7, limit: 180 */

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ouro/base/memory.h"
#include "ouro/theory/rates.h"
#include "small.h"
#include "twin.h"

static const ouro_rates_options plain = {.real_counts = true};

/* Verdict and rates of a graph with d_i = 1/n_i. */
static ouro_status rate_graph(const ouro_graph *graph, const ouro_rates_options *options, ouro_verdict **verdict,
                              ouro_rates **rates) {
  ouro_status status = OURO_OK;
  double *noise = NULL;
  *verdict = NULL;
  *rates = NULL;
  noise = calloc((size_t)graph->n_owned + 1, sizeof *noise);
  for (ouro_lid i = 0; i < graph->n_owned; i++) noise[i] = 1 / (double)ouro_graph_training_size(graph, i);
  status = ouro_verdict_create(graph, options->real_counts, verdict);
  if (status == OURO_OK) status = ouro_rates_create(graph, *verdict, options, noise, rates);
  free(noise);
  return status;
}

/* Rates of all nodes, known to all ranks. */
static void rate_small(MPI_Comm comm, const small *s, int scattered, const ouro_rates_options *options, double *rate) {
  ouro_verdict *verdict = NULL;
  ouro_rates *rates = NULL;
  double mine[MOST] = {0};
  ouro_graph *graph = small_build(comm, s, scattered);
  assert_everywhere(graph != NULL);
  assert_ok(rate_graph(graph, options, &verdict, &rates));
  for (ouro_lid i = 0; i < graph->n_owned; i++) mine[graph->gid[i]] = rates->rate[i];
  MPI_Allreduce(mine, rate, MOST, MPI_DOUBLE, MPI_SUM, comm);
  ouro_rates_destroy(&rates);
  ouro_verdict_destroy(&verdict);
  ouro_graph_destroy(&graph);
}

static int close_to(double x, double y, double relative) {
  return fabs(x - y) <= relative * fabs(y);
}

/* ---- known answers ---- */

/* THEORY.md section 13, answer 2. */
static void test_known(void **unused) {
  (void)unused;
  const double expected[] = {0.075, 0.075, 0.046875, 0.0045416666666666667};
  small s = {.n = 4, .real = {0, 0, 0, 2}};
  double rate[MOST];
  s.feeds[0][1] = 20;
  s.feeds[1][0] = 10;
  s.feeds[0][2] = 3;
  s.feeds[1][2] = s.feeds[2][3] = s.feeds[3][3] = 1;
  for (int scattered = 0; scattered <= 1; scattered++) {
    rate_small(MPI_COMM_WORLD, &s, scattered, &plain, rate);
    for (int i = 0; i < 4; i++) assert_true(close_to(rate[i], expected[i], 1e-10));
  }
}

/* R14: models that all train on all drift K times slower than one, those in a ring as fast as one. */
static void test_complete_and_ring(void **unused) {
  (void)unused;
  enum { K = 12, N = 24 };
  small complete = {.n = K}, ring = {.n = K};
  double rate[MOST];
  for (int i = 0; i < K; i++) {
    for (int j = 0; j < K; j++) complete.feeds[j][i] = N / K;
    ring.feeds[i][(i + 1) % K] = N;
  }
  rate_small(MPI_COMM_WORLD, &complete, 0, &plain, rate);
  for (int i = 0; i < K; i++) assert_true(close_to(rate[i], 1.0 / (K * N), 1e-10));
  rate_small(MPI_COMM_WORLD, &ring, 1, &plain, rate);
  for (int i = 0; i < K; i++) assert_true(close_to(rate[i], 1.0 / N, 1e-14));
  ring.feeds[5][5] = 1; /* aperiodic now: slower than any one of its models would be alone */
  rate_small(MPI_COMM_WORLD, &ring, 1, &plain, rate);
  for (int i = 0; i < K; i++) assert_true(rate[i] < 0.2 / N && rate[i] > 0);
}

/* Two models alone, 0 of 10 and 1 of 20 samples; 2 hears both, 3 also nature. By hand: rate_2 = .1 (3/4)^2 + .05/16,
 * rate_3 = rate_2 / 4. Forgetting a half: a quarter of that. */
static void test_two_sources(void **unused) {
  (void)unused;
  const ouro_rates_options forgetful = {.real_counts = true, .forget = 0.5};
  small s = {.n = 4, .real = {0, 0, 0, 8}};
  double rate[MOST];
  s.feeds[0][0] = 10;
  s.feeds[1][1] = 20;
  s.feeds[0][2] = 3;
  s.feeds[1][2] = 1;
  s.feeds[2][3] = 8;
  rate_small(MPI_COMM_WORLD, &s, 1, &plain, rate);
  assert_true(close_to(rate[2], 0.1 * 9 / 16 + 0.05 / 16, 1e-14));
  assert_true(close_to(rate[3], rate[2] / 4, 1e-14));
  rate_small(MPI_COMM_WORLD, &s, 1, &forgetful, rate);
  assert_true(close_to(rate[0], 0.025, 1e-14));
  assert_true(close_to(rate[3], (0.1 * 9 / 16 + 0.05 / 16) / 16, 1e-14));
}

/* A ring of three feeds two nodes: one hears neighbours in the ring at once, the other one of them a step later, so
 * that both come in phase. d = 1/6, h = 3, pi = 1/3: rate(S) = 1/6. */
static void test_phases(void **unused) {
  (void)unused;
  small s = {.n = 6};
  double rate[MOST];
  for (int i = 0; i < 3; i++) s.feeds[i][(i + 1) % 3] = 6;
  s.feeds[0][3] = 1; /* phases 1 and 2: shares 1/2 and 1/2 */
  s.feeds[1][3] = 1;
  s.feeds[0][4] = 1; /* node 4 hears 0 at once, node 5 hears 0 through 4 and 1 directly: both in phase 2 */
  s.feeds[4][5] = 1;
  s.feeds[1][5] = 1;
  rate_small(MPI_COMM_WORLD, &s, 0, &plain, rate);
  assert_true(close_to(rate[0], 1.0 / 6, 1e-14));
  assert_true(close_to(rate[3], 1.0 / 12, 1e-14));
  assert_true(close_to(rate[4], 1.0 / 6, 1e-14));
  assert_true(close_to(rate[5], 1.0 / 6, 1e-14));
  const ouro_rates_options forgetful = {.real_counts = true, .forget = 0.25};
  rate_small(MPI_COMM_WORLD, &s, 0, &forgetful, rate);
  assert_true(close_to(rate[3], 1.0 / 18 * 0.5625, 1e-14));
}

/* ---- powers of P ---- */

/* P with roots kept. */
static void weights_of(const small *s, double p[MOST][MOST]) {
  memset(p, 0, sizeof(double[MOST][MOST]));
  for (int i = 0; i < s->n; i++) {
    double n = s->real[i];
    for (int j = 0; j < s->n; j++) n += s->feeds[j][i];
    for (int j = 0; j < s->n; j++) p[i][j] = n > 0 ? s->feeds[j][i] / n : i == j;
  }
}

static void multiply(int n, double x[MOST][MOST], double y[MOST][MOST], double product[MOST][MOST]) {
  double made[MOST][MOST] = {{0}};
  for (int i = 0; i < n; i++) {
    for (int k = 0; k < n; k++) {
      for (int j = 0; x[i][k] != 0 && j < n; j++) made[i][j] += x[i][k] * y[k][j];
    }
  }
  memcpy(product, made, sizeof made);
}

/* Growth of the diagonal of C' = P C P' + diag(1/n) at generation t is that of P^t diag(1/n) P^t'. Averaged over 2520
 * generations, a multiple of every period up to 10, long after the start. */
static void slopes_of(const small *s, double *slope) {
  enum { LATE = 20, PERIODS = 2520 };
  double p[MOST][MOST], power[MOST][MOST];
  weights_of(s, p);
  memcpy(power, p, sizeof p);
  memset(slope, 0, MOST * sizeof *slope);
  for (int k = 0; k < LATE; k++) multiply(s->n, power, power, power);
  for (int t = 0; t < PERIODS; t++) {
    for (int i = 0; i < s->n; i++) {
      for (int k = 0; k < s->n; k++) {
        double n = s->real[k];
        for (int j = 0; j < s->n; j++) n += s->feeds[j][k];
        if (n > 0) slope[i] += power[i][k] * power[i][k] / n / PERIODS;
      }
    }
    multiply(s->n, power, p, power);
  }
}

/* Often with a ring, so that periods occur. */
static small random_small(uint64_t seed, int most) {
  uint64_t state = seed;
  small s = {.n = 1 + below(&state, most)};
  const int realness = 2 + below(&state, 12), scale = seed % 5 == 0 ? 1000 : 9;
  const int ring = below(&state, s.n + 1);
  for (int i = 0; i < ring; i++) s.feeds[i][(i + 1) % ring] = 1 + below(&state, scale);
  for (int k = below(&state, 2 * s.n + 1); k > 0; k--) {
    const int j = below(&state, s.n), i = below(&state, s.n);
    if (i >= ring || k % 4 == 0) s.feeds[j][i] = 1 + below(&state, scale);
  }
  for (int i = 0; i < s.n; i++) s.real[i] = below(&state, realness) == 0 ? 1 + below(&state, scale) : 0;
  return s;
}

static void test_powers(void **unused) {
  (void)unused;
  int growing = 0, bounded = 0;
  const uint64_t cases = ranks_in(MPI_COMM_WORLD) > 4 ? 100 : 300;
  for (uint64_t seed = 1; seed <= cases; seed++) {
    const small s = random_small(seed, 10);
    double rate[MOST], slope[MOST];
    int same = 1;
    slopes_of(&s, slope);
    rate_small(MPI_COMM_WORLD, &s, seed % 2 == 1, &plain, rate);
    for (int i = 0; i < s.n; i++) {
      same = same && (slope[i] < 1e-15 ? rate[i] == 0 : close_to(rate[i], slope[i], 1e-7));
      growing += rate[i] > 0;
      bounded += rate[i] == 0;
    }
    assert_everywhere(same);
  }
  assert_true(growing > (int)cases && bounded > (int)cases); /* the random graphs do exercise both */
}

/* The exact recursion of linear regression with a million times the samples: slope over 60 generations to 1 %. */
static void test_recursion(void **unused) {
  (void)unused;
  enum { SCALE = 1000000, AFTER = 600, PERIODS = 60 };
  for (uint64_t seed = 1; seed <= 20; seed++) {
    small s = random_small(seed, 5);
    double rate[MOST], before[MOST];
    twin t;
    int same = 1;
    rate_small(MPI_COMM_WORLD, &s, 0, &plain, rate);
    for (int i = 0; i < s.n; i++) {
      s.real[i] *= SCALE;
      for (int j = 0; j < s.n; j++) s.feeds[j][i] *= SCALE;
    }
    twin_start(&t, &s, (setting){OURO_DRAW_PRIVATE, OURO_REAL_FRESH, 1000000, 3, 1.0});
    for (int k = 0; k < AFTER; k++) twin_step(&t);
    for (int i = 0; i < s.n; i++) before[i] = t.c[i][i];
    for (int k = 0; k < PERIODS; k++) twin_step(&t);
    for (int i = 0; i < s.n; i++) {
      const double slope = (t.c[i][i] - before[i]) / PERIODS * SCALE;
      same = same && (rate[i] == 0 ? fabs(slope) < 1e-4 : close_to(slope, rate[i], 0.01));
    }
    assert_everywhere(same);
  }
}

/* The same bits for other owners and for one rank alone. */
static void test_same_bits(void **unused) {
  (void)unused;
  for (uint64_t seed = 1000; seed < 1060; seed++) {
    const small s = random_small(seed, MOST);
    double alone[MOST], blocks[MOST], scattered[MOST];
    rate_small(MPI_COMM_SELF, &s, 0, &plain, alone);
    rate_small(MPI_COMM_WORLD, &s, 0, &plain, blocks);
    rate_small(MPI_COMM_WORLD, &s, 1, &plain, scattered);
    assert_everywhere(memcmp(alone, blocks, sizeof alone) == 0 && memcmp(alone, scattered, sizeof alone) == 0);
  }
}

/* ---- hard input ---- */

/* A graph of feeds that f(k) gives for k = 0 .. n_feeds-1, with its rates. */
typedef struct feed {
  ouro_gid source, target;
  ouro_count samples;
} feed;

typedef struct rated {
  ouro_graph *graph;
  ouro_verdict *verdict;
  ouro_rates *rates;
} rated;

static rated rate_feeds(ouro_gid n, ouro_gid n_feeds, feed (*f)(ouro_gid k)) {
  rated made = {0};
  ouro_feeds feeds = {0};
  ouro_status local = OURO_OK;
  for (ouro_gid k = rank_in(MPI_COMM_WORLD); k < n_feeds && local == OURO_OK; k += ranks_in(MPI_COMM_WORLD)) {
    const feed one = f(k);
    local = ouro_feeds_add(&feeds, one.source, one.target, one.samples);
  }
  assert_ok(ouro_agree(MPI_COMM_WORLD, local));
  assert_ok(ouro_graph_build(MPI_COMM_WORLD, n, &feeds, &made.graph));
  assert_ok(rate_graph(made.graph, &plain, &made.verdict, &made.rates));
  return made;
}

static void rated_clear(rated *r) {
  ouro_rates_destroy(&r->rates);
  ouro_verdict_destroy(&r->verdict);
  ouro_graph_destroy(&r->graph);
}

/* What is known of a listed source. */
static ouro_source_rate rate_of(const rated *r, int listed) {
  ouro_source_rate found = {0};
  assert_ok(ouro_rates_of(r->graph, r->rates, 1, &r->verdict->listed[listed], &found));
  return found;
}

/* Are all rates here as expected? */
static int all_rates(const rated *r, double (*expected)(ouro_gid i), double relative) {
  int same = 1;
  for (ouro_lid i = 0; i < r->graph->n_owned; i++) {
    same = same && close_to(r->rates->rate[i], expected(r->graph->gid[i]), relative);
  }
  return same;
}

static void test_one_node(void **unused) {
  (void)unused;
  for (int loop = 0; loop <= 1; loop++) {
    small s = {.n = 1};
    double rate[MOST];
    s.feeds[0][0] = 4 * loop;
    rate_small(MPI_COMM_WORLD, &s, 0, &plain, rate);
    assert_true(rate[0] == (loop ? 0.25 : 0));
    s.real[0] = 1; /* real data at every generation cure it, initial ones do not */
    rate_small(MPI_COMM_WORLD, &s, 0, &plain, rate);
    assert_true(rate[0] == 0);
    rate_small(MPI_COMM_WORLD, &s, 0, &(ouro_rates_options){0}, rate);
    assert_true(rate[0] == (loop ? 0.2 : 0)); /* rate_graph() counts real samples in d */
  }
}

enum { LOOPS = 300000 };

/* Models 0 .. LOOPS-1 train on themselves; two of them feed each of the LOOPS/2 others. */
static feed loop_feed(ouro_gid k) {
  return k < LOOPS ? (feed){k, k, 5} : (feed){k - LOOPS, LOOPS + (k - LOOPS) / 2, 7};
}

static double loop_rate(ouro_gid i) {
  return i < LOOPS ? 0.2 : 0.1;
}

static void test_many_loops(void **unused) {
  (void)unused;
  rated r = rate_feeds(LOOPS + LOOPS / 2, 2 * LOOPS, loop_feed);
  assert_int_equal(r.verdict->n_unstable, LOOPS);
  assert_everywhere(all_rates(&r, loop_rate, 1e-14));
  assert_int_equal(r.rates->n_source + r.rates->n_mixed + r.rates->n_many, 0);
  for (int k = 0; k < r.verdict->n_listed; k += 100) {
    const ouro_source_rate one = rate_of(&r, k);
    assert_true(one.period == 1 && one.rate == 0.2);
  }
  rated_clear(&r);
}

enum { RING = 100000, TAIL = 100 };

/* A ring with a tail of models, each of which trains on the one before. */
static feed ring_feed(ouro_gid k) {
  return (feed){k, k + 1 == RING ? 0 : k + 1, 8};
}

static feed tail_feed(ouro_gid k) {
  return k < RING ? ring_feed(k) : (feed){k == RING ? 0 : k - 1, k, 8};
}

static double ring_rate(ouro_gid i) {
  (void)i;
  return 1.0 / 8;
}

static void test_long_ring(void **unused) {
  (void)unused;
  rated r = rate_feeds(RING + TAIL, RING + TAIL, tail_feed);
  assert_int_equal(rate_of(&r, 0).period, RING);
  assert_everywhere(all_rates(&r, ring_rate, 1e-9));
  rated_clear(&r);
}

/* Two groups of models that hardly hear each other: 10^10 samples of their own against one. */
static feed slow_feed(ouro_gid k) {
  static const feed feeds[] = {{0, 0, 10000000000}, {1, 0, 1}, {1, 1, 10000000000}, {0, 1, 3}, {1, 2, 1},
                               {3, 3, 5},           {3, 4, 1}};
  return feeds[k];
}

/* By hand: pi_0 / (10^10 + 1) = 3 pi_1 / (10^10 + 3). A spectral gap of 4e-10 is none of the solution's business. */
static double slow_rate(ouro_gid i) {
  const double n[] = {10000000001, 10000000003}, weight[] = {3 * n[0], n[1]}, total = weight[0] + weight[1];
  if (i >= 3) return 0.2;
  return weight[0] / total * (weight[0] / total) / n[0] + weight[1] / total * (weight[1] / total) / n[1];
}

static void test_slow_source(void **unused) {
  (void)unused;
  rated r = rate_feeds(5, 7, slow_feed);
  assert_everywhere(all_rates(&r, slow_rate, 1e-14));
  assert_int_equal(r.rates->n_solved, 2);
  assert_int_equal(r.rates->n_source + r.rates->n_mixed, 0);
  assert_true(r.rates->source_steps <= 400 && r.rates->source_residual <= 1e-11);
  rated_clear(&r);
}

enum { CHAIN = 4200 };

/* Each trains on itself and on its neighbours in a row: too many to be solved, and they mix in 10^7 steps. Beside them
 * a loop, and one model that hears a node of the row. */
static feed row_feed(ouro_gid k) {
  if (k < CHAIN) return (feed){k, k, 2};
  if (k < 2 * CHAIN - 1) return (feed){k - CHAIN, k - CHAIN + 1, 1};
  if (k < 3 * CHAIN - 2) return (feed){k - 2 * CHAIN + 2, k - 2 * CHAIN + 1, 1};
  return k == 3 * CHAIN - 2 ? (feed){CHAIN, CHAIN, 5} : (feed){7, CHAIN + 1, 1};
}

/* No rate rather than a wrong one; that of the source beside it stands. */
static void test_slow_and_large(void **unused) {
  (void)unused;
  if (ranks_in(MPI_COMM_WORLD) > 2) skip(); /* 65536 steps, each with messages */
  rated r = rate_feeds(CHAIN + 2, 3 * CHAIN, row_feed);
  int same = 1;
  assert_int_equal(r.rates->n_source, CHAIN);
  assert_int_equal(r.rates->n_mixed, 1);
  assert_int_equal(r.rates->n_solved, 0);
  assert_true(r.rates->source_residual > 0.1);
  assert_true(isnan(rate_of(&r, 0).rate) && rate_of(&r, 1).rate == 0.2);
  for (ouro_lid i = 0; i < r.graph->n_owned; i++) {
    same = same && (r.graph->gid[i] == CHAIN ? r.rates->rate[i] == 0.2 : isnan(r.rates->rate[i]));
  }
  assert_everywhere(same);
  rated_clear(&r);
}

/* Two groups of models that hear each other faintly: `within` samples of each model of their own group, one of each of
 * the other, of sizes A and B. With PHASES > 1 all models go round in as many phases. Lumped, they are two states. */
enum { LEFT = 5, RIGHT = 8, PHASES = 3 };

static ouro_count within;

static feed group_feed(ouro_gid k) {
  enum { BOTH = LEFT + RIGHT };
  const ouro_gid phase = k / (BOTH * BOTH), j = k / BOTH % BOTH, i = k % BOTH;
  const bool same = (j < LEFT) == (i < LEFT);
  return (feed){phase * BOTH + j, (phase + 1) % PHASES * BOTH + i, same ? within : i < LEFT ? 2 : 1};
}

static double group_rate(ouro_gid i) {
  (void)i;
  const double n[] = {(double)within * LEFT + 2.0 * RIGHT, (double)within * RIGHT + LEFT};
  const double out[] = {2.0 * RIGHT / n[0], LEFT / n[1]},
               pi[] = {out[1] / (out[0] + out[1]), out[0] / (out[0] + out[1])};
  return pi[0] * pi[0] / LEFT / n[0] + pi[1] * pi[1] / RIGHT / n[1]; /* PHASES times 1 / PHASES^2 in each of PHASES */
}

/* Spectral gaps from 1e-6 to 1e-12, and period 3. */
static void test_faintly_linked_groups(void **unused) {
  (void)unused;
  enum { BOTH = LEFT + RIGHT };
  for (within = 1000000; within <= 1000000000000; within *= 1000) {
    rated r = rate_feeds(PHASES * BOTH, PHASES * BOTH * BOTH, group_feed);
    assert_everywhere(all_rates(&r, group_rate, 1e-13));
    assert_int_equal(rate_of(&r, 0).period, PHASES);
    assert_int_equal(r.rates->n_solved, PHASES * BOTH);
    rated_clear(&r);
  }
}

enum { FLOCK = 500 };

/* Many small slow sources, of 2, 3, .. 6 models: a row each, with steps of very unequal weight, 10^9 samples of its own
 * at every model. Detailed balance gives pi: n_i up the row. */
static ouro_count rung(ouro_gid k) {
  static const ouro_count weight[] = {1, 20000, 7, 300000000, 50};
  return weight[k % 5];
}

static feed flock_feed(ouro_gid k) {
  const ouro_gid part = k % 3, row = k / 3 / 6, place = k / 3 % 6, node = 6 * row + place;
  const bool last = place == 5 || place > row % 5; /* row % 5 + 2 models; the others are loops */
  if (part == 0 || last) return (feed){node, node, part == 0 ? 1000000000 : 1};
  return part == 1 ? (feed){node, node + 1, rung(row + place)} : (feed){node + 1, node, rung(row + place)};
}

/* n_i of node i, and its rate: feeds are symmetric, so pi_i is n_i over their sum. */
static double flock_size(ouro_gid row, ouro_gid place) {
  const ouro_gid last = row % 5 + 1;
  double n = 1e9;
  if (place > 0 && place <= last) n += (double)rung(row + place - 1);
  if (place < last) n += (double)rung(row + place);
  return place >= last ? n + 2 : n;
}

static double flock_rate(ouro_gid i) {
  const ouro_gid row = i / 6, last = row % 5 + 1;
  double total = 0, rate = 0;
  if (i % 6 > last) return 1 / flock_size(row, i % 6);
  for (ouro_gid place = 0; place <= last; place++) total += flock_size(row, place);
  for (ouro_gid place = 0; place <= last; place++) rate += flock_size(row, place) / total / total;
  return rate;
}

static void test_many_slow_sources(void **unused) {
  (void)unused;
  rated r = rate_feeds(6 * FLOCK, 18 * FLOCK, flock_feed);
  assert_everywhere(all_rates(&r, flock_rate, 1e-13));
  assert_true(r.rates->n_solved > FLOCK && r.rates->n_source == 0);
  rated_clear(&r);
}

/* One sample of model 0 in 10^10, the rest from a root: rate (1/5) 10^-20 to full accuracy, and half of the error of
 * that from there on. */
static feed faint_feed(ouro_gid k) {
  static const feed feeds[] = {{0, 0, 5}, {0, 2, 1}, {1, 2, 9999999999}, {2, 3, 1}, {1, 3, 1}};
  return feeds[k];
}

static double faint_rate(ouro_gid i) {
  static const double rates[] = {0.2, 0, 0.2e-20, 0.05e-20};
  return rates[i];
}

static void test_faint_feeds(void **unused) {
  (void)unused;
  rated r = rate_feeds(4, 5, faint_feed);
  assert_everywhere(all_rates(&r, faint_rate, 1e-12));
  rated_clear(&r);
}

enum { GROUP = 60, OWN = 10000 };

/* Models that train on 10,000 samples of each other; one of them also on one of loop 60 and on three of loop 61:
 * every walk ends there, after about 10^7 steps. */
static feed leak_feed(ouro_gid k) {
  static const feed last[] = {{GROUP, GROUP, 2}, {GROUP + 1, GROUP + 1, 2}, {GROUP, 0, 1}, {GROUP + 1, 0, 3}};
  return k < GROUP * GROUP ? (feed){k / GROUP, k % GROUP, OWN} : last[k - GROUP * GROUP];
}

static double leak_rate(ouro_gid i) {
  return i < GROUP ? 0.5 * (1 + 9) / 16 : 0.5;
}

static void test_slow_walks(void **unused) {
  (void)unused;
  rated r = rate_feeds(GROUP + 2, GROUP * GROUP + 4, leak_feed);
  assert_everywhere(all_rates(&r, leak_rate, 1e-5));
  assert_true(r.rates->downstream_steps <= 400 && r.rates->solution_residual > 0);
  rated_clear(&r);
}

/* Random graphs that leak slowly: the same bits for any ownership. */
static void test_slow_walks_same_bits(void **unused) {
  (void)unused;
  for (uint64_t seed = 1; seed <= 10; seed++) {
    uint64_t state = seed;
    small s = {.n = MOST};
    double alone[MOST], scattered[MOST];
    s.feeds[0][0] = s.feeds[1][1] = 3;
    for (int i = 2; i < MOST; i++) {
      for (int j = 2; j < MOST; j++) s.feeds[j][i] = below(&state, 3) == 0 ? 100000 + below(&state, 100000) : 0;
      s.feeds[i == 2 ? MOST - 1 : i - 1][i] = 100000;
    }
    s.feeds[0][5] = s.feeds[1][9] = 1;
    rate_small(MPI_COMM_SELF, &s, 0, &plain, alone);
    rate_small(MPI_COMM_WORLD, &s, 1, &plain, scattered);
    assert_everywhere(memcmp(alone, scattered, sizeof alone) == 0);
    for (int i = 2; i < MOST; i++) assert_true(alone[i] > 1.0 / 6 - 1e-6 && alone[i] < 1.0 / 3);
  }
}

enum { CROWD = 300, HEARERS = 500 };

/* A crowd of loops feeds one model, that many others; the last one hears a single loop. */
static feed crowd_feed(ouro_gid k) {
  if (k < CROWD) return (feed){k, k, 2};
  if (k < 2 * CROWD) return (feed){k - CROWD, CROWD, 1};
  if (k < 2 * CROWD + HEARERS) return (feed){CROWD, CROWD + 1 + (k - 2 * CROWD), 1};
  return (feed){0, CROWD + HEARERS + 1, 4};
}

static double crowd_rate(ouro_gid i) {
  return i < CROWD || i == CROWD + HEARERS + 1 ? 0.5 : 0.5 / CROWD;
}

static void test_crowd(void **unused) {
  (void)unused;
  rated r = rate_feeds(CROWD + HEARERS + 2, 2 * CROWD + HEARERS + 1, crowd_feed);
  assert_everywhere(all_rates(&r, crowd_rate, 1e-12));
  rated_clear(&r);
}

enum { MANY = 8000 };

/* MANY loops feed one node, that one another; 2^25 / (feeds into the two and one more) is less than MANY. */
static feed many_feed(ouro_gid k) {
  if (k < MANY) return (feed){k, k, 2};
  if (k < 2 * MANY) return (feed){k - MANY, MANY, 1};
  return k == 2 * MANY ? (feed){MANY, MANY + 1, 1} : (feed){0, MANY + 2, 4};
}

static void test_too_many(void **unused) {
  (void)unused;
  rated r = rate_feeds(MANY + 3, 2 * MANY + 2, many_feed);
  int same = 1;
  assert_true(r.rates->most_pairs < MANY && r.rates->most_pairs > 1000);
  assert_int_equal(r.rates->n_many, 2);
  for (ouro_lid i = 0; i < r.graph->n_owned; i++) {
    const ouro_gid g = r.graph->gid[i];
    same = same && (g == MANY || g == MANY + 1 ? isnan(r.rates->rate[i]) : r.rates->rate[i] == 0.5);
  }
  assert_everywhere(same);
  rated_clear(&r);
}

/* Any one allocation of the last rank fails: all ranks say so, and none hangs. */
static void test_short_of_memory(void **unused) {
  (void)unused;
  small s = {.n = MOST};
  ouro_verdict *verdict = NULL;
  double noise[MOST];
  int n = 1;
  for (int i = 0; i < 3; i++) s.feeds[i][(i + 1) % 3] = 6; /* a ring that feeds all others, in pairs */
  for (int i = 3; i < MOST; i++) s.feeds[i - 3][i] = s.feeds[i - 2][i] = 1;
  ouro_graph *graph = small_build(MPI_COMM_WORLD, &s, 1);
  assert_everywhere(graph != NULL);
  assert_ok(ouro_verdict_create(graph, true, &verdict));
  for (int i = 0; i < MOST; i++) noise[i] = 1;
  for (;; n++) {
    ouro_rates *rates = NULL;
    if (rank_in(MPI_COMM_WORLD) == ranks_in(MPI_COMM_WORLD) - 1) ouro_memory_fail_at(n);
    const ouro_status status = ouro_rates_create(graph, verdict, &plain, noise, &rates);
    ouro_memory_fail_at(0);
    assert_everywhere(status == OURO_OK || (status == OURO_ENOMEM && rates == NULL));
    ouro_rates_destroy(&rates);
    if (status == OURO_OK) break;
  }
  assert_true(n > 30);
  ouro_verdict_destroy(&verdict);
  ouro_graph_destroy(&graph);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_known),
      cmocka_unit_test(test_complete_and_ring),
      cmocka_unit_test(test_two_sources),
      cmocka_unit_test(test_phases),
      cmocka_unit_test(test_powers),
      cmocka_unit_test(test_recursion),
      cmocka_unit_test(test_same_bits),
      cmocka_unit_test(test_one_node),
      cmocka_unit_test(test_many_loops),
      cmocka_unit_test(test_long_ring),
      cmocka_unit_test(test_slow_source),
      cmocka_unit_test(test_slow_and_large),
      cmocka_unit_test(test_faintly_linked_groups),
      cmocka_unit_test(test_many_slow_sources),
      cmocka_unit_test(test_faint_feeds),
      cmocka_unit_test(test_crowd),
      cmocka_unit_test(test_slow_walks),
      cmocka_unit_test(test_slow_walks_same_bits),
      cmocka_unit_test(test_too_many),
      cmocka_unit_test(test_short_of_memory),
  };
  return test_main(__FILE__, tests, sizeof tests / sizeof tests[0]);
}
