/* Linear regression with normal noise, y = x' theta + sigma e, fitted by Huber's loss: squares of residuals up to the
 * threshold c, straight lines beyond. J is sigma^2 Sigma^-1 times a function of k = c / sigma, THEORY.md section 4.
 * Losses and their derivatives are in units of c^2. */

#include <math.h>

#include "family/measures.h"
#include "family/mestimator.h"
#include "family/private.h"

#define LEAST_THRESHOLD 0.01 /* in units of sigma; below, the loss is that of the median */

/* Share of c / |r|, the weight of iterated least squares, that stands for the second derivative 0 of a residual beyond
 * c: enough to keep the equations regular, and little enough to be nearly Newton's method. */
#define BEYOND 0.25

static void respond(const ouro_mestimator *model, const ouro_slice *part, int b, double *y) {
  const ouro_stream noise = ouro_random_substream(&part->stream, 1);
  const double sigma = part->noise ? *part->noise : model->sigma;
  double e[OURO_ROW_BLOCK];
  ouro_random_normals(&noise, (uint64_t)part->first, (size_t)b, e);
  for (int r = 0; r < b; r++) y[r] = fma(sigma, e[r], y[r]);
}

static void terms(const ouro_mestimator *model, int b, const double *y, const double *u, double *loss, double *root,
                  double *pull) {
  const double c = model->unit;
  for (int r = 0; r < b; r++) {
    const double residual = (y[r] - u[r]) / c, size = fabs(residual);
    const bool within = size <= 1;
    loss[r] = within ? 0.5 * residual * residual : size - 0.5;
    root[r] = within ? 1 / c : sqrt(BEYOND / size) / c;
    pull[r] = within ? residual : copysign(1 / sqrt(BEYOND / size), residual);
  }
}

/* J = variance sigma^2 Sigma^-1 */
static double variance(double k) {
  const double within = erf(k * sqrt(0.5)), beyond = 0.5 * erfc(k * sqrt(0.5));
  const double density = exp(-0.5 * k * k) / sqrt(2 * 3.14159265358979323846);
  return (within - 2 * k * density + 2 * k * k * beyond) / (within * within);
}

static ouro_status create(const ouro_config *config, ouro_family *family) {
  const double sigma = config->model.noise, c = config->model.threshold;
  if (!(c >= LEAST_THRESHOLD * sigma)) {
    return ouro_config_refuse(config, "model.threshold", "must be at least %g times model.noise, not `%g`",
                              LEAST_THRESHOLD, c);
  }
  const ouro_status status = ouro_mestimator_create(config, family);
  if (status != OURO_OK) return status;
  ouro_mestimator *model = family->constants;
  model->respond = respond;
  model->terms = terms;
  model->unit = c;
  model->sigma = sigma;
  model->across = model->along = 1 / (sigma * sigma * variance(c / sigma));
  family->least_samples = family->n_parameters + 2; /* fewer leave the expected error infinite, as in least squares */
  return OURO_OK;
}

const ouro_family_methods ouro_family_huber = {.name = "huber",
                                               .create = create,
                                               .takes_noise = true,
                                               .destroy = ouro_mestimator_destroy,
                                               .draw = ouro_mestimator_draw,
                                               .fit_rows = ouro_mestimator_fit,
                                               .error = ouro_mestimator_error,
                                               .scatter = ouro_mestimator_scatter,
                                               .keys = " dimension noise threshold covariates correlation exponent ",
                                               .measure = "delta' J^-1 delta / p",
                                               .error_units = "1",
                                               .parameter_units = "response / covariate",
                                               .measures = ouro_measures_huber,
                                               .unfitted = "covariates were collinear"};
