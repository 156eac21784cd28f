/* Rates of nodes that hear faintly, slowly or many. ranks: 1 2 3 4 7, limit: 120 */

#include "rated.h"

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
enum { TAIL = 100000 };

/* A pair of phases 0 and 1; a model that hears one of them, and every other model of a row only the one before it. */
static feed tail_feed(ouro_gid k) {
  if (k < 2) return (feed){k, 1 - k, 4};
  return (feed){k == 2 ? 0 : k - 1, k, 4};
}

static double quarter_rate(ouro_gid i) {
  (void)i;
  return 0.25;
}

/* Many steps, little work: a step is about the one model that hears something new. */
static void test_long_tail(void **unused) {
  (void)unused;
  if (ranks_in(MPI_COMM_WORLD) > 1) skip(); /* a message a step; on two ranks the next test does */
  rated r = rate_feeds(TAIL, TAIL, tail_feed);
  assert_everywhere(all_rates(&r, quarter_rate, 0));
  assert_true(r.rates->downstream_steps >= TAIL - 2 && r.rates->solution_residual == 0);
  rated_clear(&r);
}

enum { BEHIND = 70000 };

/* Loop 0; a ring of three models that takes one sample in four from it; and a row of models behind the ring, each of
 * which trains on the one before. All hear loop 0 alone in the end. */
static feed behind_feed(ouro_gid k) {
  static const feed first[] = {{0, 0, 5}, {0, 1, 1}, {3, 1, 3}, {1, 2, 1}, {2, 3, 1}};
  return k < 5 ? first[k] : (feed){k - 2, k - 1, 2};
}

static double fifth_rate(ouro_gid i) {
  (void)i;
  return 0.2;
}

/* What the ring hears in the end comes by as a short wave. */
static void test_tail_behind_ring(void **unused) {
  (void)unused;
  if (ranks_in(MPI_COMM_WORLD) > 2) skip();
  rated r = rate_feeds(4 + BEHIND, 5 + BEHIND, behind_feed);
  assert_everywhere(all_rates(&r, fifth_rate, 1e-9));
  rated_clear(&r);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_faint_feeds),
                                     cmocka_unit_test(test_slow_walks),
                                     cmocka_unit_test(test_slow_walks_same_bits),
                                     cmocka_unit_test(test_crowd),
                                     cmocka_unit_test(test_too_many),
                                     cmocka_unit_test(test_long_tail),
                                     cmocka_unit_test(test_tail_behind_ring)};
  return test_main(__FILE__, tests, sizeof tests / sizeof tests[0]);
}
