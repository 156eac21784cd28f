/* Growth rates against powers of P, long exact recursions and known answers.
 * ranks: 1 2 3 4 7, limit: 180 */

#include "ouro/base/memory.h"
#include "ouro/base/message.h"
#include "rated.h"
#include "twin.h"

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
 * rate_3 = rate_2 / 4. Forgetting a half: a quarter of that. Real data of
 * weight 0.9: rate_3 = 0.1^2 rate_2. */
static void test_two_sources(void **unused) {
  (void)unused;
  const ouro_rates_options forgetful = {.mixing = {.real_counts = true}, .forget = 0.5};
  const ouro_rates_options weighted = {.mixing = {true, 0.9}};
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
  rate_small(MPI_COMM_WORLD, &s, 1, &weighted, rate);
  assert_true(close_to(rate[3], 0.01 * (0.1 * 9 / 16 + 0.05 / 16), 1e-14));
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
  const ouro_rates_options forgetful = {.mixing = {.real_counts = true}, .forget = 0.25};
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
    ouro_message_set_largest(seed % 5 == 0 ? 7 : 0); /* letters in pieces */
    rate_small(MPI_COMM_WORLD, &s, seed % 2 == 1, &plain, rate);
    ouro_message_set_largest(0);
    for (int i = 0; i < s.n; i++) {
      same = same && (slope[i] < 1e-15 ? rate[i] == 0 : close_to(rate[i], slope[i], 1e-7));
      growing += rate[i] > 0;
      bounded += rate[i] == 0;
    }
    assert_everywhere(same);
  }
  assert_true(growing > (int)cases && bounded > (int)cases); /* the random graphs do exercise both */
}

/* The exact recursion of section 3 with its weights worked out beforehand. */
typedef struct exact {
  int n;
  double p[MOST][MOST], eta[MOST], noise[MOST], c[MOST][MOST];
} exact;

static exact exact_start(const twin *t) {
  exact e = {.n = t->s->n};
  for (int i = 0; i < e.n; i++) {
    const double size = twin_size(t, i);
    for (int j = 0; j < e.n; j++) e.p[i][j] = twin_weight(t, i, j);
    e.eta[i] = size > 0 ? twin_eta(&t->how, size) : 0;
    e.noise[i] = size > 0 ? twin_noise(&t->how, size) : 0;
    e.c[i][i] = t->c[i][i];
  }
  return e;
}

static void exact_step(exact *e) {
  double half[MOST][MOST] = {{0}}, own[MOST] = {0};
  for (int i = 0; i < e->n; i++) {
    for (int k = 0; k < e->n; k++) {
      own[i] += e->p[i][k] * e->c[k][k];
      for (int j = 0; e->p[i][k] > 0 && j < e->n; j++) half[i][j] += e->p[i][k] * e->c[k][j];
    }
  }
  for (int i = 0; i < e->n; i++) {
    for (int j = 0; j < e->n; j++) {
      double sum = 0;
      for (int k = 0; k < e->n; k++) sum += half[i][k] * e->p[j][k];
      e->c[i][j] = i == j ? (1 - e->eta[i]) * sum + e->eta[i] * own[i] + e->noise[i] : sum;
    }
  }
}

/* Slope of every node's error in a regression with `scale` times the samples, long after the start, over 60
 * generations: a multiple of all periods that five models can have. */
static void regress(const small *s, int scale, int after, double *slope) {
  enum { PERIODS = 60 };
  double before[MOST];
  small many = *s;
  twin t;
  for (int i = 0; i < s->n; i++) {
    many.real[i] *= scale;
    for (int j = 0; j < s->n; j++) many.feeds[j][i] *= scale;
  }
  twin_start(&t, &many, (setting){OURO_DRAW_PRIVATE, OURO_REAL_FRESH, scale, 3, 1.0, 0});
  exact e = exact_start(&t);
  for (int k = 0; k < after; k++) exact_step(&e);
  for (int i = 0; i < s->n; i++) before[i] = e.c[i][i];
  for (int k = 0; k < PERIODS; k++) exact_step(&e);
  for (int i = 0; i < s->n; i++) slope[i] = (e.c[i][i] - before[i]) / PERIODS * scale;
}

/* The exact recursion of linear regression with a million times the samples, to 1 %. Weights of 1 to 1000 mix slowly.
 */
static void test_recursion(void **unused) {
  (void)unused;
  enum { SCALE = 1000000, CASES = 400 };
  int growing = 0;
  for (uint64_t seed = 1; seed <= CASES; seed++) {
    const small s = random_small(seed, 5);
    const int root = (int)(seed % (uint64_t)ranks_in(MPI_COMM_WORLD));
    double rate[MOST], slope[MOST] = {0};
    int same = 1;
    rate_small(MPI_COMM_WORLD, &s, seed % 2 == 0, &plain, rate);
    if (rank_in(MPI_COMM_WORLD) == root) {
      regress(&s, SCALE, seed % 5 == 0 ? 40000 : 2000, slope);
      for (int i = 0; i < s.n; i++) {
        same = same && (rate[i] == 0 ? fabs(slope[i]) < 1e-5 : close_to(slope[i], rate[i], 0.01));
        growing += rate[i] > 0;
      }
    }
    assert_everywhere(same);
  }
  MPI_Allreduce(MPI_IN_PLACE, &growing, 1, MPI_INT, MPI_SUM, MPI_COMM_WORLD);
  assert_true(growing > CASES / 2);
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
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_known),          cmocka_unit_test(test_complete_and_ring),
                                     cmocka_unit_test(test_two_sources),    cmocka_unit_test(test_phases),
                                     cmocka_unit_test(test_powers),         cmocka_unit_test(test_recursion),
                                     cmocka_unit_test(test_same_bits),      cmocka_unit_test(test_one_node),
                                     cmocka_unit_test(test_short_of_memory)};
  return test_main(__FILE__, tests, sizeof tests / sizeof tests[0]);
}
