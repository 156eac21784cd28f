/* Poisson variables: small means by inversion of one uniform number, large ones by transformed rejection (PTRS,
 * W. Hoermann, Insurance: Mathematics and Economics 12, 1993): see sampler.h. */

#include <math.h>

#include "base/deviance.h"
#include "base/exp.h"
#include "base/sampler.h"

#define MOST 128 /* Pr(X > 128) < 1e-40 for a mean of 30 */
#define ROOM 256

double ouro_sampler_poisson_invert(double mean, double u) {
  double term = -mean;
  ouro_exp(1, &term);
  double F = term;
  int k = 0;
  while (F <= u && k < MOST) {
    term *= mean / ++k;
    F += term;
  }
  return k;
}

ouro_sampler_poisson_hat ouro_sampler_poisson_hat_of(double mean) {
  ouro_sampler_poisson_hat h = {.mean = mean, .b = 0.931 + 2.53 * sqrt(mean)};
  h.a = -0.059 + 0.02483 * h.b;
  h.surely = 0.9277 - 3.6224 / (h.b - 2);
  return h;
}

/* ln(factor / Pr(X = k)) */
static double log_over_density(double factor, double k, double mean) {
  if (k == 0) return ouro_log(factor) + mean;
  return ouro_log(factor * sqrt(2 * 3.14159265358979323846 * k)) + ouro_deviance_stirling(k) + ouro_deviance(k, mean);
}

bool ouro_sampler_poisson_accepts(const ouro_sampler_poisson_hat *h, double u, double v, double *k) {
  u -= 0.5;
  const double us = 0.5 - fabs(u);
  *k = floor((2 * h->a / us + h->b) * u + h->mean + 0.43);
  if (us >= 0.07 && v <= h->surely) return true;
  if (*k < 0) return false;
  const double inverse_alpha = 1.1239 + 1.1328 / (h->b - 3.4);
  return -ouro_log(v) >= log_over_density(inverse_alpha / (h->a / (us * us) + h->b), *k, h->mean);
}

static double draw(const ouro_stream *stream, double mean, double u, double v) {
  if (!(mean >= OURO_SAMPLER_POISSON_SMALL)) return mean > 0 ? ouro_sampler_poisson_invert(mean, u) : 0;
  const ouro_sampler_poisson_hat h = ouro_sampler_poisson_hat_of(mean);
  double k;
  for (uint64_t number = 1; !ouro_sampler_poisson_accepts(&h, u, v, &k) && number < OURO_SAMPLER_TRIALS; number++) {
    const ouro_sampler_trial trial = ouro_sampler_try(stream, 0, number);
    u = trial.u;
    v = trial.v;
  }
  return k;
}

void ouro_sampler_poisson(size_t n, const ouro_stream *streams, double *x) {
  enum { MORE = ROOM + OURO_SAMPLER_BEYOND };
  double z[MORE], u[MORE], v[MORE];
  for (size_t at = 0; at < n; at += ROOM) {
    const size_t some = n - at < ROOM ? n - at : ROOM;
    ouro_sampler_first(some, streams + at, 0, 1, z, u, v);
    for (size_t i = 0; i < some; i++) x[at + i] = draw(&streams[at + i], x[at + i], u[i], v[i]);
  }
}
