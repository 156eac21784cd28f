/* Measures of means: of a normal distribution of known variance, Poisson and exponential variables.
 * Must not know how they are fitted. */

#include <math.h>

#include "family/measures.h"

#define LOG_TWO_PI 1.8378770664093454836

/* Means from here on take the asymptotic series of the entropy; the first term left out is below 1e-10 of 6000. */
#define LARGE_MEAN 1000

/* The normal mean: spread.base is its variance, |mean - true mean|^2 / d its error. */
static void normal_divergence(const ouro_family *family, ouro_lid n, const double *theta, double *values) {
  ouro_family_error(family, n, theta, values);
  for (ouro_lid i = 0; i < n; i++) values[i] *= family->n_parameters / (2 * family->spread.base);
}

static void normal_likelihood(const ouro_family *family, ouro_lid n, const double *theta, double *values) {
  const double entropy = 0.5 * family->n_parameters * (LOG_TWO_PI + 1 + log(family->spread.base));
  normal_divergence(family, n, theta, values);
  for (ouro_lid i = 0; i < n; i++) values[i] += entropy;
}

/* E ln Y! for Y = k with weights w(k) ~ mean^k / k!, from the mode outwards. */
static double log_factorial_sum(double mean) {
  const double mode = floor(mean), least = 0x1p-70;
  double above = lgamma(mode + 1), below = above, sum = above, mass = 1, w = 1;
  for (double k = mode + 1; (w *= mean / k) > least; k++) {
    above += log(k);
    mass += w;
    sum += w * above;
  }
  w = 1;
  for (double k = mode; k > 0 && (w *= k / mean) > least; k--) {
    below -= log(k);
    mass += w;
    sum += w * below;
  }
  return sum / mass;
}

double ouro_measures_log_factorial(double mean) {
  if (mean == 0) return 0;
  if (mean < LARGE_MEAN) return log_factorial_sum(mean);
  const double x = 1 / mean, entropy = 0.5 * (LOG_TWO_PI + 1 + log(mean)) - x * (1.0 / 12 + x / 24);
  return entropy - mean + mean * log(mean);
}

/* A divergence but for rounding. */
static double positive(double x) {
  return x > 0 ? x : 0;
}

/* E [model's mean - Y ln(model's mean) + ln Y!], and what it is above that of the truth. */
static void poisson_divergence(const ouro_family *family, ouro_lid n, const double *theta, double *values) {
  const double truth = family->truth[0];
  for (ouro_lid i = 0; i < n; i++) values[i] = positive(theta[i] - truth + truth * log(truth / theta[i]));
}

static void poisson_likelihood(const ouro_family *family, ouro_lid n, const double *theta, double *values) {
  const double truth = family->truth[0], carrier = ouro_measures_log_factorial(truth);
  for (ouro_lid i = 0; i < n; i++) values[i] = theta[i] - truth * log(theta[i]) + carrier;
}

static void poisson_alive(const ouro_family *family, ouro_lid n, const double *theta, double *values) {
  (void)family;
  for (ouro_lid i = 0; i < n; i++) values[i] = theta[i] > 0;
}

static void exponential_divergence(const ouro_family *family, ouro_lid n, const double *theta, double *values) {
  for (ouro_lid i = 0; i < n; i++) {
    const double ratio = family->truth[0] / theta[i];
    values[i] = theta[i] > 0 ? positive(ratio - 1 - log(ratio)) : INFINITY;
  }
}

static void exponential_likelihood(const ouro_family *family, ouro_lid n, const double *theta, double *values) {
  for (ouro_lid i = 0; i < n; i++) {
    values[i] = theta[i] > 0 ? log(theta[i]) + family->truth[0] / theta[i] : INFINITY;
  }
}

static void exponential_log_mean(const ouro_family *family, ouro_lid n, const double *theta, double *values) {
  (void)family;
  for (ouro_lid i = 0; i < n; i++) values[i] = log(theta[i]);
}

static const char divergence_text[] =
    "Kullback-Leibler divergence of the truth to the model, in nats; inf where the model's mean is 0";
static const char likelihood_text[] = "negative log-likelihood of a held-out sample, expected under the truth, in "
                                      "nats; inf where the model's mean is 0";

const ouro_measure ouro_measures_normal_mean[] = {
    {"kl", "1", "Kullback-Leibler divergence of the truth to the model, in nats", normal_divergence},
    {"nll", "1", "negative log-likelihood of a held-out sample, expected under the truth, in nats", normal_likelihood},
    {NULL, NULL, NULL, NULL}};

const ouro_measure ouro_measures_poisson[] = {
    {"kl", "1", divergence_text, poisson_divergence},
    {"nll", "1", likelihood_text, poisson_likelihood},
    {"alive", "1", "1 where the model's mean is above 0, 0 where it is absorbed there", poisson_alive},
    {NULL, NULL, NULL, NULL}};

const ouro_measure ouro_measures_exponential[] = {
    {"kl", "1", divergence_text, exponential_divergence},
    {"nll", "1", likelihood_text, exponential_likelihood},
    {"log_mean", "1", "logarithm of the model's mean; -inf where it is 0", exponential_log_mean},
    {NULL, NULL, NULL, NULL}};
