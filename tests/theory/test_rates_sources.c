/* Rates of sources that are many, long, or mix slowly. ranks: 1 2 3 4 7, limit: 120 */

#include "rated.h"

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
/* Random models that hold to themselves, 10^8 samples against at most a thousand of others, and what they feed: solved,
 * with the same bits for other owners and for one rank alone. */
static void test_slow_same_bits(void **unused) {
  (void)unused;
  for (uint64_t seed = 1; seed <= 40; seed++) {
    uint64_t state = seed;
    small s = {.n = MOST};
    double alone[MOST], blocks[MOST], scattered[MOST];
    const int n_source = 2 + below(&state, MOST - 2);
    for (int i = 0; i < n_source; i++) {
      for (int j = 0; j < n_source; j++) s.feeds[j][i] = below(&state, 3) == 0 ? 1 + below(&state, 1000) : 0;
      s.feeds[(i + 1) % n_source][i] = 1 + below(&state, 1000);
      s.feeds[i][i] = 100000000 + below(&state, 1000);
    }
    for (int i = n_source; i < MOST; i++) s.feeds[below(&state, i)][i] = s.feeds[below(&state, i)][i] = 3;
    rate_small(MPI_COMM_SELF, &s, 0, &plain, alone);
    rate_small(MPI_COMM_WORLD, &s, 0, &plain, blocks);
    rate_small(MPI_COMM_WORLD, &s, 1, &plain, scattered);
    assert_everywhere(memcmp(alone, blocks, sizeof alone) == 0 && memcmp(alone, scattered, sizeof alone) == 0);
    for (int i = 0; i < MOST; i++) assert_true(alone[i] > 0); /* none is NaN */
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_many_loops),
                                     cmocka_unit_test(test_long_ring),
                                     cmocka_unit_test(test_slow_source),
                                     cmocka_unit_test(test_slow_and_large),
                                     cmocka_unit_test(test_faintly_linked_groups),
                                     cmocka_unit_test(test_many_slow_sources),
                                     cmocka_unit_test(test_slow_same_bits)};
  return test_main(__FILE__, tests, sizeof tests / sizeof tests[0]);
}
