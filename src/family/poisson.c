/* Poisson variables: small means by inversion of one uniform number, large ones by transformed rejection (PTRS,
 * W. Hoermann, Insurance: Mathematics and Economics 12, 1993), trial k of a row in substream k of the feed.
 * Own logarithm and exponential: libm's may differ between processors in the last bit (contract C1). */

#include "family/poisson.h"

#include <math.h>

#include "base/exp.h"
#include "base/normal.h"
#include "family/samples.h"

#define SMALL 30  /* means below are inverted */
#define TABLE 128 /* Pr(X > 128) < 1e-40 for a mean of 30 */
#define TRIALS 1000

/* F(k) = Pr(X <= k) for k = 0, 1, .. until it is 1 to the last bit, from partial sums of mean^k / k!.
 * Returns how many there are. */
static int distribution(double mean, double F[TABLE]) {
  double term = 1, sum = 1;
  int n = 1;
  for (F[0] = 1; n < TABLE && (n < mean || term > sum * 0x1p-56); n++) {
    term *= mean / n;
    sum += term;
    F[n] = sum;
  }
  for (int k = 0; k < n; k++) F[k] /= sum;
  return n;
}

/* X = #{k: F(k) <= u} */
static void invert(double mean, const ouro_slice *slice, double *rows) {
  double F[TABLE], u[OURO_ROW_BLOCK];
  const int n = distribution(mean, F);
  ouro_slice part = *slice;
  for (ouro_count left = slice->n; left > 0; left -= OURO_ROW_BLOCK, part.first += OURO_ROW_BLOCK) {
    const int b = ouro_samples_block(left);
    part.n = b;
    ouro_samples_fill(ouro_random_uniforms, &part, 1, u);
    for (int r = 0; r < b; r++) rows[r] = 0;
    for (int k = 0; k < n; k++) {
      for (int r = 0; r < b; r++) rows[r] += F[k] <= u[r] ? 1 : 0;
    }
    rows += b;
  }
}

static double logarithm(double x) {
  double y;
  ouro_normal_scalar.minus_two_log(1, &x, &y);
  return -0.5 * y;
}

/* k ln(k / mean) + mean - k without cancellation (C. Loader, Fast and accurate computation of binomial
 * probabilities, 2000). */
static double deviance(double k, double mean) {
  const double v = (k - mean) / (k + mean), square = v * v;
  if (fabs(v) > 0.1) return k * logarithm(k / mean) + mean - k;
  double sum = 0;
  for (int j = 8; j >= 1; j--) sum = fma(sum, square, 1.0 / (2 * j + 1));
  return fma(2 * k * v * square, sum, (k - mean) * v);
}

/* ln(factor / Pr(X = k)): of k!, or of sqrt(2 pi k) e^(Stirling's series) (k/e)^k. */
static double log_over_density(double factor, double k, double mean) {
  if (k < 16) {
    for (double j = 2; j <= k; j++) factor *= j;
    return logarithm(factor) - k * logarithm(mean) + mean;
  }
  const double square = 1 / (k * k);
  const double stirling = (1.0 / 12 + square * (-1.0 / 360 + square * (1.0 / 1260 - square / 1680))) / k;
  return logarithm(factor * sqrt(2 * 3.14159265358979323846 * k)) + stirling + deviance(k, mean);
}

/* Constants of PTRS for a mean. */
typedef struct hat {
  double mean, a, b, inverse_alpha, surely; /* surely: -ln v_r */
} hat;

static hat hat_of(double mean) {
  hat h = {.mean = mean, .b = 0.931 + 2.53 * sqrt(mean)};
  h.a = -0.059 + 0.02483 * h.b;
  h.inverse_alpha = 1.1239 + 1.1328 / (h.b - 3.4);
  h.surely = -logarithm(0.9277 - 3.6224 / (h.b - 2));
  return h;
}

/* One trial, u uniform and e = -ln v exponential: is *k accepted? */
static bool accepts(const hat *h, double u, double e, double *k) {
  u -= 0.5;
  const double us = 0.5 - fabs(u);
  *k = floor((2 * h->a / us + h->b) * u + h->mean + 0.43);
  if (us >= 0.07 && e >= h->surely) return true;
  if (*k < 0) return false;
  return e >= log_over_density(h->inverse_alpha / (h->a / (us * us) + h->b), *k, h->mean);
}

/* Trials go on for all rows of a block that are not done until each has accepted one; 8 in 10 accept the first.
 * Row r has hat h[r * each]; trial k draws from substream `trial` + k. */
static void reject(const hat *h, int each, const ouro_stream *stream, uint64_t trial, ouro_count first, int b,
                   bool *done, double *rows) {
  double u[OURO_ROW_BLOCK], e[OURO_ROW_BLOCK];
  int left = 0;
  for (int r = 0; r < b; r++) left += !done[r];
  for (int k = 0; left > 0 && k < TRIALS; k++) { /* ends in any case, also for a mean that is not finite */
    const ouro_stream of_trial = ouro_random_substream(stream, trial + (uint64_t)k);
    ouro_random_uniforms(&of_trial, 2 * (uint64_t)first, (size_t)b, u);
    ouro_random_exponentials(&of_trial, 2 * (uint64_t)first + OURO_ROW_BLOCK, (size_t)b, e);
    for (int r = 0; r < b; r++) {
      if (done[r]) continue;
      done[r] = accepts(&h[r * each], u[r], e[r], &rows[r]);
      left -= done[r];
    }
  }
}

void ouro_poisson_draw(double mean, const ouro_slice *slice, double *rows) {
  if (mean < SMALL) {
    invert(mean, slice, rows);
    return;
  }
  const hat h = hat_of(mean);
  for (ouro_count at = 0; at < slice->n; at += OURO_ROW_BLOCK) {
    bool done[OURO_ROW_BLOCK] = {false};
    reject(&h, 0, &slice->stream, 0, slice->first + at, ouro_samples_block(slice->n - at), done, rows + at);
  }
}

/* #{k: F(k) <= u}, F summed up as far as needed. */
static double invert_one(double mean, double u) {
  double term = -mean;
  ouro_exp(1, &term);
  double F = term;
  int k = 0;
  while (F <= u && k < TABLE) {
    term *= mean / ++k;
    F += term;
  }
  return k;
}

void ouro_poisson_draw_each(const ouro_stream *stream, ouro_count first, int b, double *y) {
  const ouro_stream inverted = ouro_random_substream(stream, 1);
  double u[OURO_ROW_BLOCK];
  hat h[OURO_ROW_BLOCK];
  bool done[OURO_ROW_BLOCK];
  ouro_random_uniforms(&inverted, (uint64_t)first, (size_t)b, u);
  for (int r = 0; r < b; r++) {
    done[r] = y[r] < SMALL;
    if (done[r])
      y[r] = invert_one(y[r], u[r]);
    else
      h[r] = hat_of(y[r]);
  }
  reject(h, 1, stream, 2, first, b, done, y);
}
