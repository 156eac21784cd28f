/* Measures of regressions: linear, logistic, Poisson, Huber's. Risks are expected losses of a new sample of the truth,
 * less those of the truth itself; with normal covariates they depend on u = x' theta through its variance v and its
 * covariance with x' theta* alone. */

#include <math.h>

#include "family/measures.h"
#include "family/mestimator.h"

#define LOG_TWO_PI 1.8378770664093454836

/* |theta - theta*|^2 / p */
static void parameter_error(const ouro_family *family, ouro_lid n, const double *theta, double *values) {
  const int p = family->n_parameters;
  for (ouro_lid i = 0; i < n; i++) {
    values[i] = 0;
    for (int k = 0; k < p; k++, theta++) values[i] += (*theta - family->truth[k]) * (*theta - family->truth[k]);
    values[i] /= p;
  }
}

/* delta' Sigma delta; the error is that over p. */
static void linear_risk(const ouro_family *family, ouro_lid n, const double *theta, double *values) {
  ouro_family_error(family, n, theta, values);
  for (ouro_lid i = 0; i < n; i++) values[i] *= family->n_parameters;
}

/* Of a normal response whose noise has a known variance, from delta' Sigma delta. */
static void normal_likelihood(double variance, ouro_lid n, double *values) {
  for (ouro_lid i = 0; i < n; i++) values[i] = 0.5 * (LOG_TWO_PI + log(variance) + 1 + values[i] / variance);
}

static void linear_likelihood(const ouro_family *family, ouro_lid n, const double *theta, double *values) {
  linear_risk(family, n, theta, values);
  normal_likelihood(family->spread.base, n, values);
}

/* delta' Sigma delta */
static double excess_of(const ouro_family *family, const double *theta) {
  const ouro_mestimator *model = family->constants;
  for (int k = 0; k < family->n_parameters; k++) model->trial[k] = theta[k] - family->truth[k];
  return ouro_covariates_norm(&model->law, model->trial);
}

/* E ln(1 + e^(s z)), z ~ N(0, 1), by the trapezoidal rule, whose error is e^(-4 pi^2) where the integrand is analytic
 * within pi / s of the real line (Trefethen and Weideman 2014); for large s, where ln(1 + e^-u) is narrow beside the
 * density, that of max(s z, 0) and a series in 1/s^2 whose coefficients are integrals of t^2k ln(1 + e^-t). */
static double log_partition(double s) {
  const double end = 9, step = s > 1 ? 0.5 / s : 0.5, density = exp(-0.5 * LOG_TWO_PI), x = 1 / (s * s);
  if (s > 32) {
    const double eta[] = {0.82246703342411321824, 0.94703282949724591758, 0.98555109129743510410,
                          0.99623300185264789923};
    return density * (s + 2 / s * (eta[0] - x * (eta[1] - x * (3 * eta[2] - x * 15 * eta[3]))));
  }
  double sum = 0;
  for (double k = -ceil(end / step); k * step <= end; k++) {
    const double z = k * step, u = s * fabs(z);
    sum += exp(-0.5 * z * z) * (0.5 * u + log1p(exp(-u))); /* the odd part of the loss has expectation 0 */
  }
  return density * step * sum;
}

/* ln(1 + e^u) - y u: E y u = a theta*' Sigma theta by Stein's identity, a = E w(s z) that of J. */
static void logistic_likelihood(const ouro_family *family, ouro_lid n, const double *theta, double *values) {
  const ouro_mestimator *model = family->constants;
  for (ouro_lid i = 0; i < n; i++, theta += family->n_parameters) {
    const double along = ouro_covariates_product(&model->law, theta, family->truth);
    values[i] = log_partition(sqrt(ouro_covariates_norm(&model->law, theta))) - model->across * along;
  }
}

/* e^u - y u: E y u = e^(s^2/2) theta*' Sigma theta. */
static double poisson_loss(const ouro_mestimator *model, double norm, double along) {
  return exp(0.5 * norm) - model->across * along;
}

static void poisson_losses(const ouro_family *family, ouro_lid n, const double *theta, double offset, double *values) {
  const ouro_mestimator *model = family->constants;
  for (ouro_lid i = 0; i < n; i++, theta += family->n_parameters) {
    const double along = ouro_covariates_product(&model->law, theta, family->truth);
    values[i] = poisson_loss(model, ouro_covariates_norm(&model->law, theta), along) + offset;
  }
}

double ouro_measures_carrier(double s) {
  const double end = 14 + 2 * s, step = s > 1 ? 1 / (16 * s) : 1.0 / 16;
  double sum = 0;
  for (double k = -ceil(end / step); k * step <= end; k++) {
    sum += exp(-0.5 * k * step * k * step) * ouro_measures_log_factorial(exp(s * k * step));
  }
  return exp(-0.5 * LOG_TWO_PI) * step * sum;
}

static void poisson_likelihood(const ouro_family *family, ouro_lid n, const double *theta, double *values) {
  const ouro_mestimator *model = family->constants;
  poisson_losses(family, n, theta, model->carrier, values);
}

static double above(double risk, double least) {
  return risk > least ? risk - least : 0; /* but for rounding */
}

static void poisson_risk(const ouro_family *family, ouro_lid n, const double *theta, double *values) {
  const ouro_mestimator *model = family->constants;
  poisson_losses(family, n, theta, 0, values);
  for (ouro_lid i = 0; i < n; i++) values[i] = above(values[i], poisson_loss(model, model->squared, model->squared));
}

static void logistic_risk(const ouro_family *family, ouro_lid n, const double *theta, double *values) {
  double least;
  logistic_likelihood(family, 1, family->truth, &least);
  logistic_likelihood(family, n, theta, values);
  for (ouro_lid i = 0; i < n; i++) values[i] = above(values[i], least);
}

/* E of Huber's loss of a normal residual: r^2 / 2 up to c, c |r| - c^2 / 2 beyond. */
static double huber_loss(double variance, double c) {
  const double k = c / sqrt(variance), density = exp(-0.5 * (k * k + LOG_TWO_PI));
  return 0.5 * variance * (erf(k * sqrt(0.5)) - 2 * k * density) + c * (2 * sqrt(variance) * density) -
         0.5 * c * c * erfc(k * sqrt(0.5));
}

static void huber_risk(const ouro_family *family, ouro_lid n, const double *theta, double *values) {
  const ouro_mestimator *model = family->constants;
  const double variance = model->sigma * model->sigma, c = model->unit;
  for (ouro_lid i = 0; i < n; i++, theta += family->n_parameters) {
    values[i] = above(huber_loss(variance + excess_of(family, theta), c), huber_loss(variance, c));
  }
}

static void huber_likelihood(const ouro_family *family, ouro_lid n, const double *theta, double *values) {
  const ouro_mestimator *model = family->constants;
  for (ouro_lid i = 0; i < n; i++, theta += family->n_parameters) values[i] = excess_of(family, theta);
  normal_likelihood(model->sigma * model->sigma, n, values);
}

#define PARAMETERS(units)                                                                                              \
  {                                                                                                                    \
    "parameter_error", units, "squared distance of the parameters from the true ones, over their number",              \
        parameter_error                                                                                                \
  }
#define END                                                                                                            \
  { NULL, NULL, NULL, NULL }

static const char likelihood_text[] = "negative log-likelihood of a held-out sample, expected under the truth, in nats";
static const char log_risk_text[] =
    "expected log-loss of a new sample less that of the true model, in nats: the divergence of the truth to the model";

const ouro_measure ouro_measures_linear[] = {
    PARAMETERS("(response / covariate)^2"),
    {"excess_risk", "response^2", "expected squared loss of a new sample less that of the true model", linear_risk},
    {"nll", "1", likelihood_text, linear_likelihood},
    END};

const ouro_measure ouro_measures_logistic[] = {PARAMETERS("(log-odds / covariate)^2"),
                                               {"excess_risk", "1", log_risk_text, logistic_risk},
                                               {"nll", "1", likelihood_text, logistic_likelihood},
                                               END};

const ouro_measure ouro_measures_poisson_regression[] = {
    PARAMETERS("(log-mean / covariate)^2"),
    {"excess_risk", "1",
     "expected log-loss of a new sample less that of the true model, in nats: the divergence of the truth to the "
     "model; "
     "inf where it is beyond 1e308",
     poisson_risk},
    {"nll", "1",
     "negative log-likelihood of a held-out sample, expected under the truth, in nats; inf where it is beyond 1e308",
     poisson_likelihood},
    END};

const ouro_measure ouro_measures_huber[] = {
    PARAMETERS("(response / covariate)^2"),
    {"excess_risk", "response^2", "expected loss of Huber of a new sample less that of the true model", huber_risk},
    {"nll", "1", "negative log-likelihood of a held-out sample, expected under the truth, in nats, with normal noise",
     huber_likelihood},
    END};
