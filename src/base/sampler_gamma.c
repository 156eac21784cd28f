/* Gamma variables by the cube of a normal one (G. Marsaglia and W. W. Tsang, ACM TOMS 26, 2000): see sampler.h.
 * With d = a - 1/3, t = z / (3 sqrt d): d (1 + t)^3 is accepted where -ln u >= g(t), and surely where 1 - u >= 3/4 d
 * t^4 / (1 + min(t, 0)), for that is at least g. First trials are made for many variables at once, without a logarithm;
 * what they leave open, 3 in 100 / a, is settled one by one. Shapes below 1: that of a + 1, times u^(1/a). */

#include <math.h>

#include "base/exp.h"
#include "base/sampler.h"

#define ROOM 512

/* g(t) / d = (1+t)^3 - 1 - 9 t^2 / 2 - 3 ln(1+t) = 3 t^4 (1/4 - t/5 + t^2/6 - ..) */
static double excess(double t) {
  if (fabs(t) > 0.1) return t * fma(t, t - 1.5, 3) - 3 * ouro_log(1 + t);
  double sum = 0;
  for (int k = 16; k >= 4; k--) sum = fma(-t, sum, 1.0 / k);
  return 3 * t * t * t * t * sum;
}

static double cubed(double d, double t) {
  return d * (1 + t) * (1 + t) * (1 + t);
}

static bool accepts(double d, double t, double u) {
  return 1 + t > 0 && -ouro_log(u) >= d * excess(t);
}

/* One variable, whose first trial is known. */
static double settle(const ouro_stream *stream, uint64_t variable, double shape, double z, double u, double v) {
  const double d = (shape < 1 ? shape + 1 : shape) - 1.0 / 3, scale = 1 / (3 * sqrt(d));
  for (uint64_t number = 1; !accepts(d, scale * z, u) && number < OURO_SAMPLER_TRIALS; number++) {
    const ouro_sampler_trial trial = ouro_sampler_try(stream, variable, number);
    z = trial.z;
    u = trial.u;
  }
  double power = shape < 1 ? ouro_log(v) / shape : 0;
  ouro_exp(1, &power);
  return shape > 0 ? power * cubed(d, scale * z) : 0;
}

/* Variables of given shapes by first trials that are accepted surely: where `sure` becomes 0 or more. */
static void try_first(size_t n, const double *shape, const double *z, const double *u, double *made, double *sure) {
  for (size_t i = 0; i < n; i++) {
    const double d = shape[i] - 1.0 / 3, t = z[i] / (3 * sqrt(d)), square = t * t;
    made[i] = cubed(d, t);
    sure[i] = (1 - u[i]) * (1 + (t < 0 ? t : 0)) - 0.75 * d * square * square;
  }
}

/* Variables first .. first+width-1 of each of n streams, n * width <= ROOM. */
static void draw(size_t n, const ouro_stream *streams, size_t first, size_t width, double *x) {
  enum { MORE = ROOM + OURO_SAMPLER_BEYOND };
  double z[MORE], u[MORE], v[MORE], made[ROOM], sure[ROOM];
  ouro_sampler_first(n, streams, first, width, z, u, v);
  try_first(n * width, x, z, u, made, sure);
  for (size_t i = 0; i < n * width; i++) {
    const bool settled = sure[i] >= 0 && x[i] >= 1;
    x[i] = settled ? made[i] : settle(&streams[i / width], first + i % width, x[i], z[i], u[i], v[i]);
  }
}

void ouro_sampler_gamma(size_t n, const ouro_stream *streams, size_t k, double *x) {
  const size_t together = k > 0 && k < ROOM ? ROOM / k : 1;
  for (size_t i = 0; i < n; i += together, x += together * k) {
    for (size_t j = 0; j < k; j += ROOM) {
      draw(n - i < together ? n - i : together, streams + i, j, k - j < ROOM ? k - j : ROOM, x + j);
    }
  }
}

void ouro_sampler_chi_square(size_t n, const ouro_stream *streams, size_t k, double *x) {
  for (size_t i = 0; i < n * k; i++) x[i] *= 0.5;
  ouro_sampler_gamma(n, streams, k, x);
  for (size_t i = 0; i < n * k; i++) x[i] *= 2;
}
