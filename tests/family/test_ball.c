/* Normal vectors within a ball. ranks: 1
 * Statistical tests use fixed seeds; each says the chance that correct code would have failed it. */

#include "../support/harness.h"

#include <math.h>
#include <string.h>

#include "chi_square.h"
#include "experiment.h"
#include "family/ball.h"
#include "ouro/base/memory.h"

/* G(r) in closed form: of d = 1 and 3 by the error function, of even d by a sum of Poisson probabilities. */
static long double part_within(int d, long double r) {
  const long double x = r * r / 2;
  if (d % 2) return erfl(r * sqrtl(0.5L)) - (d == 3 ? sqrtl(4 * x / 3.14159265358979323846L) * expl(-x) : 0);
  long double term = expl(-x), sum = term;
  for (int k = 1; k < d / 2; k++) sum += term *= x / k;
  return 1 - sum;
}

/* What becomes of a vector of length r along the first axis. */
static double shrunk(const ouro_ball *ball, double r) {
  double z[1024] = {r};
  ouro_ball_shrink(ball, 1, z);
  for (int c = 1; c < ball->d; c++) assert_true(z[c] == 0);
  return z[0];
}

static const int dimensions[] = {1, 2, 3, 4, 10, 100, 200, 1000};
enum { N_DIMENSIONS = sizeof dimensions / sizeof dimensions[0] };

/* G(f(r)) = mass G(r), for lengths that occur; f rises. */
static void lengths_are_those_of_the_conditional_law(void **state) {
  (void)state;
  static const double masses[] = {0.001, 0.1, 0.5, 0.9, 0.999};
  for (int i = 0; i < N_DIMENSIONS; i++) {
    for (int m = 0; m < 5; m++) {
      const int d = dimensions[i];
      const double middle = sqrt(d);
      double before = -1;
      ouro_ball ball;
      assert_int_equal(ouro_ball_create(d, masses[m], &ball), OURO_OK);
      assert_true(fabsl(part_within(d, ball.radius) / masses[m] - 1) < 1e-9);
      for (double r = fmax(middle - 8, 0.013); r < middle + 12; r += 0.037) {
        const double f = shrunk(&ball, r);
        assert_true(f > before - 1e-8 && f <= fmin(r, ball.radius) + 1e-12);
        assert_true(fabsl(part_within(d, f) - masses[m] * part_within(d, r)) < 2e-8 * masses[m]);
        before = f;
      }
      assert_true(shrunk(&ball, 0) == 0 && fabs(shrunk(&ball, 1e6) / ball.radius - 1) < 1e-9);
      ouro_ball_clear(&ball);
    }
  }
}

/* Tables of the normal and chi-square distributions. */
static void radii_are_tabulated_ones(void **state) {
  (void)state;
  static const struct {
    int d;
    double mass, square;
  } rows[] = {{1, 0.95, 3.841458820694124}, {2, 0.95, 5.991464547107979},  {3, 0.99, 11.344866730144373},
              {5, 0.5, 4.351460191095526},  {10, 0.9, 15.987179172105261}, {10, 0.01, 2.558212160187202},
              {100, 0.95, 124.342113404004}};
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    ouro_ball ball;
    assert_int_equal(ouro_ball_create(rows[i].d, rows[i].mass, &ball), OURO_OK);
    assert_true(fabs(ball.radius * ball.radius / rows[i].square - 1) < 1e-11);
    ouro_ball_clear(&ball);
  }
}

/* As the mass goes to 1, vectors go to where they were, and stay there at 1; at 0 they are 0. */
static void the_whole_and_nothing_are_limits(void **state) {
  (void)state;
  for (int i = 0; i < N_DIMENSIONS; i++) {
    const double middle = sqrt(dimensions[i]);
    double far = 1;
    ouro_ball ball;
    for (double left = 1e-2; left > 1e-15; left /= 100) {
      assert_int_equal(ouro_ball_create(dimensions[i], 1 - left, &ball), OURO_OK);
      const double off = fabs(shrunk(&ball, middle) / middle - 1);
      assert_true(off < 5 * left + 1e-8 && off <= far + 1e-8);
      far = off;
      ouro_ball_clear(&ball);
    }
    for (int mass = 0; mass < 2; mass++) {
      assert_int_equal(ouro_ball_create(dimensions[i], mass, &ball), OURO_OK);
      assert_true(shrunk(&ball, 1.25) == 1.25 * mass && shrunk(&ball, 1e9) == 1e9 * mass);
      assert_true(ouro_ball_variance(&ball) == mass);
      ouro_ball_clear(&ball);
    }
  }
}

/* 2^16 vectors: lengths in 20 bins of one probability each, and every product of two components against its
 * expectation within 5 standard errors: 2e-6 a case. */
static void expect_law(int d, double mass) {
  enum { N = 1 << 16, BINS = 20 };
  double z[3 * OURO_ROW_BLOCK], probability[BINS], count[BINS] = {0}, product[3][3] = {{0}}, square[3][3] = {{0}};
  ouro_ball ball;
  assert_int_equal(ouro_ball_create(d, mass, &ball), OURO_OK);
  for (int block = 0; block < N / OURO_ROW_BLOCK; block++) {
    const ouro_stream stream = ouro_random_stream(5, 0, 0, OURO_PURPOSE_TEST, d, block);
    ouro_random_normals(&stream, 0, (size_t)(d * OURO_ROW_BLOCK), z);
    ouro_ball_shrink(&ball, OURO_ROW_BLOCK, z);
    for (int r = 0; r < OURO_ROW_BLOCK; r++) {
      double length = 0;
      for (int j = 0; j < d; j++) {
        length += z[j * OURO_ROW_BLOCK + r] * z[j * OURO_ROW_BLOCK + r];
        for (int k = 0; k <= j; k++) {
          const double x = z[j * OURO_ROW_BLOCK + r] * z[k * OURO_ROW_BLOCK + r];
          product[j][k] += x / N;
          square[j][k] += x * x / N;
        }
      }
      assert_true(sqrt(length) <= ball.radius * (1 + 1e-15));
      count[(int)fmin(BINS - 1, BINS * (double)part_within(d, sqrtl(length)) / mass)]++;
    }
  }
  for (int i = 0; i < BINS; i++) probability[i] = 1.0 / BINS;
  assert_true(fabs(chi_square_deviate(BINS, probability, count, N)) < 5);
  for (int j = 0; j < d; j++) {
    for (int k = 0; k <= j; k++) {
      const double expected = j == k ? ouro_ball_variance(&ball) : 0;
      assert_true(fabs(product[j][k] - expected) < 5 * sqrt(square[j][k] / N));
    }
  }
  ouro_ball_clear(&ball);
}

static void vectors_have_the_conditional_law(void **state) {
  (void)state;
  for (int d = 1; d <= 3; d++) {
    expect_law(d, 0.9);
    expect_law(d, 0.3);
  }
}

/* One dimension: 1 - 2 R phi(R) / mass. */
static void variances_are_known_ones(void **state) {
  (void)state;
  for (double mass = 0.05; mass < 1; mass += 0.05) {
    ouro_ball ball;
    assert_int_equal(ouro_ball_create(1, mass, &ball), OURO_OK);
    const double R = ball.radius, density = exp(-0.5 * R * R) / sqrt(2 * 3.14159265358979323846);
    assert_true(fabs(ouro_ball_variance(&ball) - (1 - 2 * R * density / mass)) < 1e-13);
    ouro_ball_clear(&ball);
  }
}

static void memory_that_fails_is_reported(void **state) {
  (void)state;
  ouro_ball ball;
  ouro_memory_fail_at(1);
  assert_int_equal(ouro_ball_create(2, 0.5, &ball), OURO_ENOMEM);
  ouro_memory_fail_at(0);
  ouro_ball_clear(&ball);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(lengths_are_those_of_the_conditional_law),
    cmocka_unit_test(radii_are_tabulated_ones),
    cmocka_unit_test(the_whole_and_nothing_are_limits),
    cmocka_unit_test(vectors_have_the_conditional_law),
    cmocka_unit_test(variances_are_known_ones),
    cmocka_unit_test(memory_that_fails_is_reported),
};

TEST_MAIN(tests)
