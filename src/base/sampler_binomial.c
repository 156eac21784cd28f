/* Binomial variables: small means by inversion of one uniform number, large ones by transformed rejection (BTRS,
 * W. Hoermann, Journal of Statistical Computation and Simulation 46, 1993); multinomial ones by binomials, each given
 * those before: see sampler.h. */

#include <math.h>

#include "base/deviance.h"
#include "base/exp.h"
#include "base/sampler.h"

#define SMALL 10 /* means below are inverted */
#define MOST 110 /* Pr(X > 110) < 1e-60 for a mean of 10 */
#define ROOM 256
#define PI 3.14159265358979323846

/* ln(1 - p), p <= 1/2 */
static double log_less(double p) {
  if (p > 0.05) return ouro_log(1 - p);
  double sum = 0;
  for (int k = 12; k >= 1; k--) sum = fma(sum, p, 1.0 / k);
  return -p * sum;
}

static double invert(double n, double p, double u) {
  double term = n * log_less(p);
  ouro_exp(1, &term);
  const double odds = p / (1 - p);
  double F = term;
  int k = 0;
  while (F <= u && k < n && k < MOST) {
    term *= odds * (n - k) / (k + 1);
    F += term;
    k++;
  }
  return k;
}

static double log_density(double k, double n, double p) {
  if (k == 0) return n * log_less(p);
  if (k == n) return n * ouro_log(p);
  const double left = n - k;
  return ouro_deviance_stirling(n) - ouro_deviance_stirling(k) - ouro_deviance_stirling(left) -
         ouro_deviance(k, n * p) - ouro_deviance(left, n * (1 - p)) - 0.5 * ouro_log(2 * PI * k * (left / n));
}

/* Constants of BTRS for n trials. */
typedef struct hat {
  double n, p, spread, a, b, surely;
} hat;

static hat hat_of(double n, double p) {
  hat h = {.n = n, .p = p, .spread = sqrt(n * p * (1 - p))};
  h.b = 1.15 + 2.53 * h.spread;
  h.a = -0.0873 + 0.0248 * h.b + 0.01 * p;
  h.surely = 0.92 - 4.2 / h.b;
  return h;
}

/* f(k) / f(mode), not far from each other, as a product of f(i) / f(i-1) = (n + 1 - i) p / (i q). */
static double density_ratio(const hat *h, double k, double mode) {
  const double odds = h->p / (1 - h->p), from = k < mode ? k : mode;
  double above = 1, below = 1;
  for (int i = 1; i <= fabs(k - mode); i++) {
    above *= odds * (h->n + 1 - (from + i));
    below *= from + i;
  }
  return k < mode ? below / above : above / below;
}

/* Is x <= f(k) / f(mode)? Away from the mode, ln f(k) / f(mode) is within rho of that of a normal law (V.
 * Kachitvichyanukul and B. W. Schmeiser, Communications of the ACM 31, 1988). */
static bool is_below(const hat *h, double x, double k) {
  const double mode = floor((h->n + 1) * h->p), away = fabs(k - mode), variance = h->spread * h->spread;
  if (away <= 15) return x <= density_ratio(h, k, mode);
  x = ouro_log(x);
  if (away < 0.5 * variance - 1) {
    const double rho = away / variance * ((away * (away / 3 + 0.625) + 1.0 / 6) / variance + 0.5);
    const double normal = -0.5 * away * away / variance;
    if (fabs(x - normal) > rho) return x < normal;
  }
  return x <= log_density(k, h->n, h->p) - log_density(mode, h->n, h->p);
}

static bool accepts(const hat *h, double u, double v, double *k) {
  u -= 0.5;
  const double us = 0.5 - fabs(u);
  *k = floor((2 * h->a / us + h->b) * u + h->n * h->p + 0.5);
  if (us >= 0.07 && v <= h->surely) return true;
  if (!(*k >= 0 && *k <= h->n)) return false;
  const double alpha = (2.83 + 5.1 / h->b) * h->spread;
  return is_below(h, v * alpha / (h->a / (us * us) + h->b), *k);
}

/* Of n trials with chance p <= 1/2. */
static double draw_half(const ouro_stream *stream, uint64_t variable, double n, double p, double u, double v) {
  if (!(n * p >= SMALL)) return p > 0 && n > 0 ? invert(n, p, u) : 0;
  const hat h = hat_of(n, p);
  double k;
  for (uint64_t number = 1; !accepts(&h, u, v, &k) && number < OURO_SAMPLER_TRIALS; number++) {
    const ouro_sampler_trial trial = ouro_sampler_try(stream, variable, number);
    u = trial.u;
    v = trial.v;
  }
  return k;
}

static double draw(const ouro_stream *stream, uint64_t variable, double n, double p, double u, double v) {
  return p > 0.5 ? n - draw_half(stream, variable, n, 1 - p, u, v) : draw_half(stream, variable, n, p, u, v);
}

void ouro_sampler_binomial(size_t n, const ouro_stream *streams, const double *p, double *x) {
  enum { MORE = ROOM + OURO_SAMPLER_BEYOND };
  double z[MORE], u[MORE], v[MORE];
  for (size_t at = 0; at < n; at += ROOM) {
    const size_t some = n - at < ROOM ? n - at : ROOM;
    ouro_sampler_first(some, streams + at, 0, 1, z, u, v);
    for (size_t i = at; i < at + some; i++) x[i] = draw(&streams[i], 0, x[i], p[i], u[i - at], v[i - at]);
  }
}

/* x_j is binomial among those that are left, with chance p_j / (p_j + p_(j+1) + ..): exactly 1 at the last outcome that
 * can be, exactly 0 at one that cannot. */
void ouro_sampler_multinomial(const ouro_stream *stream, double n, size_t k, const double *p, double *x) {
  enum { MORE = ROOM + OURO_SAMPLER_BEYOND };
  double z[MORE], u[MORE], v[MORE], sum = 0;
  for (size_t j = k; j-- > 0;) x[j] = sum += p[j];
  for (size_t at = 0; at < k; at += ROOM) {
    const size_t some = k - at < ROOM ? k - at : ROOM;
    if (n > 0) ouro_sampler_first(1, stream, at, some, z, u, v);
    for (size_t j = at; j < at + some; j++) {
      x[j] = n > 0 ? draw(stream, j, n, p[j] / x[j], u[j - at], v[j - at]) : 0;
      n -= x[j];
    }
  }
}
