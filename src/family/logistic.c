/* Logistic regression, Pr(y = 1 | x) = 1 / (1 + e^-u), u = x' theta, fitted by maximum likelihood: THEORY.md section 4.
 * Where some direction separates the classes there is no fit. Without an intercept that takes p + 1 samples or more to
 * avoid (Cover 1965: p in general position can be separated whatever their labels). */

#include <math.h>

#include "base/exp.h"
#include "base/normal.h"
#include "family/measures.h"
#include "family/mestimator.h"
#include "family/private.h"
#include "family/samples.h"

/* y = 1 if a logistic variable ln U - ln(1 - U) is below u; 1 - U is exact. */
static void respond(const ouro_mestimator *model, const ouro_slice *part, int b, double *y) {
  const ouro_stream labels = ouro_random_substream(&part->stream, 1);
  double uniform[OURO_ROW_BLOCK], other[OURO_ROW_BLOCK];
  (void)model;
  ouro_random_uniforms(&labels, (uint64_t)part->first, (size_t)b, uniform);
  for (int r = 0; r < b; r++) other[r] = 1 - uniform[r];
  ouro_normal_scalar.minus_two_log((size_t)b, uniform, uniform);
  ouro_normal_scalar.minus_two_log((size_t)b, other, other);
  for (int r = 0; r < b; r++) y[r] = 0.5 * (other[r] - uniform[r]) < y[r] ? 1 : 0;
}

/* With s = u where y = 1, else -u, and h = e^(-|s|/2): loss ln(1 + e^-s), weight (h / (1 + h^2))^2, and the negative
 * derivative in s is 1 / (1 + e^s). */
static void terms(const ouro_mestimator *model, int b, const double *y, const double *u, double *loss, double *root,
                  double *pull) {
  double h[OURO_ROW_BLOCK];
  (void)model;
  for (int r = 0; r < b; r++) h[r] = -0.5 * fabs(u[r]);
  ouro_exp((size_t)b, h);
  for (int r = 0; r < b; r++) loss[r] = 1 + h[r] * h[r];
  ouro_normal_scalar.minus_two_log((size_t)b, loss, loss);
  for (int r = 0; r < b; r++) {
    const double sign = y[r] > 0 ? 1 : -1, s = sign * u[r];
    loss[r] = (s < 0 ? -s : 0) - 0.5 * loss[r];
    root[r] = h[r] / (1 + h[r] * h[r]);
    pull[r] = sign * (s > 0 ? h[r] : 1 / h[r]);
  }
}

/* e^u / (1 + e^u)^2 */
static double weight(double u) {
  double h = -0.5 * fabs(u);
  ouro_exp(1, &h);
  return h * h / ((1 + h * h) * (1 + h * h));
}

/* a = E w(sz), b = E z^2 w(sz), z ~ N(0, 1), by the trapezoidal rule, whose error falls as e^(-2 pi d / step) where the
 * integrand is analytic within d of the real line (Trefethen and Weideman 2014): d is pi / s, or beyond that of z. */
static void integrate(double s, double *a, double *b) {
  const double end = 14, least = 1.0 / 16, step = s > 1 ? least / s : least;
  double mass = 0;
  *a = *b = 0;
  for (double k = -ceil(end / step); k * step <= end; k++) {
    double density = -0.5 * (k * step) * (k * step);
    ouro_exp(1, &density);
    mass += density;
    *a += density * weight(s * k * step);
    *b += density * weight(s * k * step) * (k * step) * (k * step);
  }
  *a /= mass;
  *b /= mass;
}

static ouro_status create(const ouro_config *config, ouro_family *family) {
  const ouro_status status = ouro_mestimator_create(config, family);
  if (status != OURO_OK) return status;
  ouro_mestimator *model = family->constants;
  model->respond = respond;
  model->terms = terms;
  model->unit = 1;
  model->least = 0.69314718055994; /* below ln 2 every row is on its side: theta separates the classes */
  integrate(sqrt(model->squared), &model->across, &model->along);
  return OURO_OK;
}

const ouro_family_methods ouro_family_logistic = {.name = "logistic",
                                                  .create = create,
                                                  .destroy = ouro_mestimator_destroy,
                                                  .draw = ouro_mestimator_draw,
                                                  .fit_rows = ouro_mestimator_fit,
                                                  .error = ouro_mestimator_error,
                                                  .scatter = ouro_mestimator_scatter,
                                                  .keys = " dimension covariates correlation exponent ",
                                                  .measure = "delta' J^-1 delta / p",
                                                  .error_units = "1",
                                                  .parameter_units = "log-odds / covariate",
                                                  .measures = ouro_measures_logistic,
                                                  .unfitted = "classes were separated"};
