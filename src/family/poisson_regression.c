/* Poisson regression, y ~ Poisson(e^u), u = x' theta, fitted by maximum likelihood: THEORY.md section 4.
 * A model whose e^u is above OURO_POISSON_MOST in some row draws that row with this mean. Where some direction has
 * x'd = 0 for all rows with y > 0 and x'd <= 0 for all others, as when all responses are 0, there is no fit. */

#include <math.h>

#include "base/exp.h"
#include "family/measures.h"
#include "family/mestimator.h"
#include "family/poisson.h"
#include "family/private.h"

static void respond(const ouro_mestimator *model, const ouro_slice *part, int b, double *y) {
  (void)model;
  ouro_exp((size_t)b, y);
  for (int r = 0; r < b; r++) y[r] = fmin(y[r], OURO_POISSON_MOST);
  ouro_poisson_draw_each(&part->stream, part->first, b, y);
}

/* Loss e^u - y u, weight e^u. */
static void terms(const ouro_mestimator *model, int b, const double *y, const double *u, double *loss, double *root,
                  double *pull) {
  (void)model;
  for (int r = 0; r < b; r++) root[r] = 0.5 * u[r];
  ouro_exp((size_t)b, root);
  for (int r = 0; r < b; r++) {
    const double mean = root[r] * root[r];
    loss[r] = mean - y[r] * u[r];
    pull[r] = (y[r] - mean) / root[r];
  }
}

/* H = e^(s^2/2) (Sigma + Sigma theta theta' Sigma) */
static ouro_status create(const ouro_config *config, ouro_family *family) {
  const ouro_status status = ouro_mestimator_create(config, family);
  if (status != OURO_OK) return status;
  ouro_mestimator *model = family->constants;
  model->respond = respond;
  model->terms = terms;
  model->unit = 1;
  model->across = exp(0.5 * model->squared);
  model->along = model->across * (1 + model->squared);
  model->carrier = ouro_measures_carrier(sqrt(model->squared));
  return OURO_OK;
}

const ouro_family_methods ouro_family_poisson_regression = {.name = "poisson-regression",
                                                            .create = create,
                                                            .destroy = ouro_mestimator_destroy,
                                                            .draw = ouro_mestimator_draw,
                                                            .fit_rows = ouro_mestimator_fit,
                                                            .error = ouro_mestimator_error,
                                                            .scatter = ouro_mestimator_scatter,
                                                            .keys = " dimension covariates correlation exponent ",
                                                            .measure = "delta' J^-1 delta / p",
                                                            .error_units = "1",
                                                            .parameter_units = "log-mean / covariate",
                                                            .measures = ouro_measures_poisson_regression,
                                                            .unfitted = "responses were all 0, or nearly"};
