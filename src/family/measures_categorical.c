/* Measures of distributions over outcomes: categorical, and Bernoulli as one over two.
 * Invariant: 0 ln 0 = 0, and an outcome that can happen and that a model excludes costs infinity. */

#include <math.h>

#include "family/measures.h"

/* Of probabilities p, whose true ones are `truth`. */
typedef double (*value)(int k, const double *p, const double *truth);

static double variation(int k, const double *p, const double *truth) {
  double sum = 0;
  for (int i = 0; i < k; i++) sum += fabs(p[i] - truth[i]);
  return sum / 2;
}

/* 1 - |p|^2 as sum p (1 - p), which is 0 where one outcome is left */
static double diversity(int k, const double *p, const double *truth) {
  double sum = 0;
  (void)truth;
  for (int i = 0; i < k; i++) sum += p[i] * (1 - p[i]);
  return sum;
}

static double support(int k, const double *p, const double *truth) {
  double n = 0;
  (void)truth;
  for (int i = 0; i < k; i++) n += p[i] > 0;
  return n;
}

static double entropy(int k, const double *p, const double *truth) {
  double sum = 0;
  (void)truth;
  for (int i = 0; i < k; i++) sum -= p[i] > 0 ? p[i] * log(p[i]) : 0;
  return sum;
}

static double divergence(int k, const double *p, const double *truth) {
  double sum = 0;
  for (int i = 0; i < k; i++) sum += truth[i] > 0 ? truth[i] * log(truth[i] / p[i]) : 0;
  return sum > 0 ? sum : 0; /* a divergence but for rounding */
}

/* Finite where outcomes have died out, and infinite where smoothing lets a model produce what cannot happen. */
static double reverse(int k, const double *p, const double *truth) {
  double sum = 0;
  for (int i = 0; i < k; i++) sum += p[i] > 0 ? p[i] * log(p[i] / truth[i]) : 0;
  return sum > 0 ? sum : 0; /* a divergence but for rounding */
}

static double likelihood(int k, const double *p, const double *truth) {
  double sum = 0;
  for (int i = 0; i < k; i++) sum -= truth[i] > 0 ? truth[i] * log(p[i]) : 0;
  return sum;
}

static void each(value of, const ouro_family *family, ouro_lid n, const double *theta, double *values) {
  const int k = family->n_parameters;
  for (ouro_lid i = 0; i < n; i++) values[i] = of(k, theta + (ptrdiff_t)i * k, family->truth);
}

static void each_of_two(value of, const ouro_family *family, ouro_lid n, const double *theta, double *values) {
  const double truth[2] = {family->truth[0], 1 - family->truth[0]};
  for (ouro_lid i = 0; i < n; i++) values[i] = of(2, (const double[2]){theta[i], 1 - theta[i]}, truth);
}

/* The methods of both families. */
#define BOTH(of)                                                                                                       \
  static void of##_of_many(const ouro_family *family, ouro_lid n, const double *theta, double *values) {               \
    each(of, family, n, theta, values);                                                                                \
  }                                                                                                                    \
  static void of##_of_two(const ouro_family *family, ouro_lid n, const double *theta, double *values) {                \
    each_of_two(of, family, n, theta, values);                                                                         \
  }

BOTH(variation)
BOTH(diversity)
BOTH(support)
BOTH(entropy)
BOTH(divergence)
BOTH(reverse)
BOTH(likelihood)

#define LIST(suffix)                                                                                                   \
  {                                                                                                                    \
    {"tv", "1", "total variation distance to the truth, sum |p - true p| / 2", variation##suffix},                     \
        {"diversity", "1", "probability that two samples of the model differ, 1 - |p|^2", diversity##suffix},          \
        {"support", "outcomes", "outcomes that the model can still produce", support##suffix},                         \
        {"entropy", "1", "entropy of the model, -sum p ln p, in nats", entropy##suffix},                               \
        {"kl", "1",                                                                                                    \
         "Kullback-Leibler divergence of the truth to the model, in nats; inf where an outcome has died out",          \
         divergence##suffix},                                                                                          \
        {"reverse_kl", "1",                                                                                            \
         "Kullback-Leibler divergence of the model to the truth, in nats; inf where it can produce what cannot "       \
         "happen",                                                                                                     \
         reverse##suffix},                                                                                             \
        {"nll", "1",                                                                                                   \
         "negative log-likelihood of a held-out sample, expected under the truth, in nats; inf where an outcome has "  \
         "died out",                                                                                                   \
         likelihood##suffix},                                                                                          \
        {NULL, NULL, NULL, NULL},                                                                                      \
  }

const ouro_measure ouro_measures_categorical[] = LIST(_of_many);
const ouro_measure ouro_measures_bernoulli[] = LIST(_of_two);
