/* Normal vectors within a ball: see ball.h.
 * Invariant: a vector depends on itself alone, and none comes to lie outside. */

#include "family/ball.h"

#include <math.h>
#include <stdlib.h>

#include "family/samples.h"
#include "ouro/base/memory.h"

/* Lengths of normal vectors are within 9 of sqrt(d), but for 1e-17 of them. */
#define BEYOND 9

/* ln(sum_n x^n / ((a+1) .. (a+n))): P(a, x) = x^a e^-x / Gamma(a+1) times the sum. */
static double log_series(double a, double x) {
  double term = 1, sum = 1;
  for (double n = a + 1; term > sum * 0x1p-54; n++) {
    term *= x / n;
    sum += term;
  }
  return log(sum);
}

/* Q(a, x) / (x^a e^-x / Gamma(a)), a continued fraction by the method of Lentz, x > a + 1. */
static double fraction(double a, double x) {
  double b = x + 1 - a, c = 1e300, d = 1 / b, value = d, change = 0;
  for (int n = 1; n < 100000 && fabs(change - 1) > 0x1p-52; n++) {
    const double numerator = n * (a - n);
    b += 2;
    d = 1 / fma(numerator, d, b);
    c = b + numerator / c;
    change = c * d;
    value *= change;
  }
  return value;
}

/* ln P(a, x), P the incomplete gamma function: ln G(r) is ln P(d/2, r^2/2). */
static double log_part(double a, double x) {
  const double front = a * log(x) - x;
  if (x < a + 1) return front - lgamma(a + 1) + log_series(a, x);
  return log1p(-exp(front - lgamma(a)) * fraction(a, x));
}

/* The length r with ln G(r) = target, from a guess, by Newton's method in ln r, of which ln G is a concave function:
 * after the first step it rises to the solution. r G'(r) = 2 x^a e^-x / Gamma(a), x = r^2/2. */
static double inverse(int d, double target, double guess) {
  const double a = 0.5 * d;
  double r = guess;
  for (int k = 0; k < 200; k++) {
    const double x = 0.5 * r * r, have = log_part(a, x);
    const double slope = 2 * exp(a * log(x) - x - lgamma(a) - have), move = (target - have) / slope;
    r *= exp(move > -50 ? move : -50);
    if (fabs(move) < 1e-14) break;
  }
  return r;
}

static void tabulate(ouro_ball *ball) {
  double r = 0;
  for (int i = 0; i < OURO_BALL_TABLE; i++) {
    const double from = ball->first + i * ball->step;
    const double guess = r > 0 ? r : from * pow(ball->mass, 1.0 / ball->d);
    if (from > 0) r = inverse(ball->d, log(ball->mass) + log_part(0.5 * ball->d, 0.5 * from * from), guess);
    ball->length[i] = r < ball->radius ? r : ball->radius;
  }
}

ouro_status ouro_ball_create(int d, double mass, ouro_ball *ball) {
  ouro_status status = OURO_OK;
  const double middle = sqrt(d);
  *ball = (ouro_ball){.d = d, .mass = mass, .radius = mass > 0 ? INFINITY : 0};
  if (mass <= 0 || mass >= 1) return OURO_OK;
  ball->first = middle > BEYOND ? middle - BEYOND : 0;
  ball->step = (middle + BEYOND - ball->first) / (OURO_BALL_TABLE - 1);
  ball->radius = inverse(d, log(mass), middle * pow(mass, 1.0 / d));
  OURO_NEW(ball->length, OURO_BALL_TABLE);
  tabulate(ball);
cleanup:
  return status;
}

void ouro_ball_clear(ouro_ball *ball) {
  free(ball->length);
  *ball = (ouro_ball){0};
}

/* f(r) by the cubic through four lengths of the table. */
static double shrunk(const ouro_ball *ball, double r) {
  const double at = (r - ball->first) / ball->step, last = OURO_BALL_TABLE - 1;
  if (at <= 0) return ball->length[0] * r / ball->first;
  if (at >= last) return ball->length[OURO_BALL_TABLE - 1];
  const double middle = fmin(fmax(floor(at), 1), last - 2), u = at - middle;
  const double *f = ball->length + (ptrdiff_t)middle;
  return (u * (u - 1) * ((u + 1) * f[2] - (u - 2) * f[-1]) / 3 + (u + 1) * (u - 2) * ((u - 1) * f[0] - u * f[1])) / 2;
}

void ouro_ball_shrink(const ouro_ball *ball, int b, double *z) {
  double square[OURO_ROW_BLOCK] = {0};
  if (ball->mass >= 1) return;
  for (int c = 0; c < ball->d; c++) {
    for (int r = 0; r < b; r++) square[r] = fma(z[(ptrdiff_t)c * b + r], z[(ptrdiff_t)c * b + r], square[r]);
  }
  for (int r = 0; r < b; r++) {
    const double length = sqrt(square[r]);
    square[r] = length > 0 && ball->length ? fmin(shrunk(ball, length), ball->radius) / length : 0;
  }
  for (int c = 0; c < ball->d; c++) {
    for (int r = 0; r < b; r++) z[(ptrdiff_t)c * b + r] *= square[r];
  }
}

double ouro_ball_variance(const ouro_ball *ball) {
  if (ball->mass >= 1) return 1;
  if (ball->mass <= 0) return 0;
  return exp(log_part(0.5 * ball->d + 1, 0.5 * ball->radius * ball->radius)) / ball->mass;
}
