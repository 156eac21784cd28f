/* Measures of normal distributions with a covariance of their own. S = L L' is that of a model, S* = L* L*' the true
 * one. Invariant: a singular covariance is a model, at an infinite divergence from the truth. */

#include <math.h>
#include <string.h>

#include "family/measures.h"

#define LOG_TWO_PI 1.8378770664093454836
#define MOST_SWEEPS 60

static ptrdiff_t triangle(int j) {
  return (ptrdiff_t)j * (j + 1) / 2;
}

/* ln det L L', -inf if it is singular */
static double log_determinant(int d, const double *factor) {
  double sum = 0;
  for (int j = 0; j < d; j++) sum += log(factor[triangle(j) + j]);
  return 2 * sum;
}

/* |L^-1 x|^2, x replaced by L^-1 x from element `from` on, before which it is 0 */
static double solved_norm(int d, int from, const double *factor, double *x) {
  double norm = 0;
  for (int j = from; j < d; j++) {
    for (int k = from; k < j; k++) x[j] = fma(-factor[triangle(j) + k], x[k], x[j]);
    x[j] /= factor[triangle(j) + j];
    norm = fma(x[j], x[j], norm);
  }
  return norm;
}

/* tr(S^-1 S*) + (m - m*)' S^-1 (m - m*); x [d] is scratch */
static double mahalanobis(int d, const double *theta, const double *truth, double *x) {
  const double *factor = theta + d, *true_factor = truth + d;
  double sum = 0;
  for (int k = 0; k < d; k++) {
    for (int j = k; j < d; j++) x[j] = true_factor[triangle(j) + k];
    sum += solved_norm(d, k, factor, x);
  }
  for (int j = 0; j < d; j++) x[j] = theta[j] - truth[j];
  return sum + solved_norm(d, 0, factor, x);
}

/* -E ln density = (d ln 2 pi + ln det S + tr(S^-1 S*) + (m - m*)' S^-1 (m - m*)) / 2 */
static void likelihood(const ouro_family *family, ouro_lid n, const double *theta, double *values) {
  const int d = family->row_width;
  for (ouro_lid i = 0; i < n; i++, theta += family->n_parameters) {
    const double volume = log_determinant(d, theta + d);
    values[i] = INFINITY;
    if (volume == -INFINITY) continue;
    values[i] = 0.5 * (d * LOG_TWO_PI + volume + mahalanobis(d, theta, family->truth, family->block));
  }
}

static void divergence(const ouro_family *family, ouro_lid n, const double *theta, double *values) {
  const int d = family->row_width;
  const double of_truth = log_determinant(d, family->truth + d);
  for (ouro_lid i = 0; i < n; i++, theta += family->n_parameters) {
    const double volume = log_determinant(d, theta + d);
    values[i] = INFINITY;
    if (volume == -INFINITY) continue;
    const double twice = volume - of_truth + (mahalanobis(d, theta, family->truth, family->block) - d);
    values[i] = twice > 0 ? 0.5 * twice : 0; /* but for rounding */
  }
}

static void volumes(const ouro_family *family, ouro_lid n, const double *theta, double *values) {
  const int d = family->row_width;
  for (ouro_lid i = 0; i < n; i++) values[i] = log_determinant(d, theta + (ptrdiff_t)i * family->n_parameters + d);
}

/* tr L L' */
static double trace(int d, const double *factor) {
  double sum = 0;
  for (ptrdiff_t k = 0; k < triangle(d); k++) sum = fma(factor[k], factor[k], sum);
  return sum;
}

static void variances(const ouro_family *family, ouro_lid n, const double *theta, double *values) {
  const int d = family->row_width;
  for (ouro_lid i = 0; i < n; i++) values[i] = trace(d, theta + (ptrdiff_t)i * family->n_parameters + d);
}

static double dot(int d, const double *x, const double *y) {
  double sum = 0;
  for (int j = 0; j < d; j++) sum = fma(x[j], y[j], sum);
  return sum;
}

/* Turn columns x and y in their plane until they are orthogonal (M. R. Hestenes 1958). Were they, but for rounding? */
static bool orthogonal(int d, double *x, double *y) {
  const double xx = dot(d, x, x), yy = dot(d, y, y), xy = dot(d, x, y);
  if (fabs(xy) <= 0x1p-52 * sqrt(xx * yy)) return true;
  const double tau = (yy - xx) / (2 * xy), t = copysign(1, tau) / (fabs(tau) + sqrt(1 + tau * tau));
  const double c = 1 / sqrt(1 + t * t), s = c * t;
  for (int j = 0; j < d; j++) {
    const double before = x[j];
    x[j] = c * before - s * y[j];
    y[j] = s * before + c * y[j];
  }
  return false;
}

/* Sum of the singular values of a d x d matrix, which is destroyed: one-sided Jacobi rotations leave them as norms. */
static double nuclear_norm(int d, double *columns) {
  bool done = false;
  double sum = 0;
  for (int sweep = 0; sweep < MOST_SWEEPS && !done; sweep++) {
    done = true;
    for (int k = 0; k < d; k++) {
      for (int l = k + 1; l < d; l++) done &= orthogonal(d, columns + (ptrdiff_t)k * d, columns + (ptrdiff_t)l * d);
    }
  }
  for (int k = 0; k < d; k++) sum += sqrt(dot(d, columns + (ptrdiff_t)k * d, columns + (ptrdiff_t)k * d));
  return sum;
}

/* Columns of L*' L. */
static void product(int d, const double *factor, const double *true_factor, double *columns) {
  for (int l = 0; l < d; l++) {
    for (int k = 0; k < d; k++) {
      double sum = 0;
      for (int j = k > l ? k : l; j < d; j++) sum = fma(true_factor[triangle(j) + k], factor[triangle(j) + l], sum);
      columns[(ptrdiff_t)l * d + k] = sum;
    }
  }
}

/* W2^2 = |m - m*|^2 + tr S + tr S* - 2 tr (S*^1/2 S S*^1/2)^1/2, the last trace the nuclear norm of L*' L
 * (D. C. Dowson and B. V. Landau 1982). */
static void distance(const ouro_family *family, ouro_lid n, const double *theta, double *values) {
  const int d = family->row_width;
  const double *truth = family->truth, true_trace = trace(d, truth + d);
  ouro_family_error(family, n, theta, values);
  for (ouro_lid i = 0; i < n; i++, theta += family->n_parameters) {
    product(d, theta + d, truth + d, family->block);
    const double spread = trace(d, theta + d) + true_trace - 2 * nuclear_norm(d, family->block);
    values[i] = sqrt(values[i] + (spread > 0 ? spread : 0));
  }
}

const ouro_measure ouro_measures_gaussian[] = {
    {"kl", "1", "Kullback-Leibler divergence of the truth to the model, in nats; inf where its covariance is singular",
     divergence},
    {"w2", "sample", "2-Wasserstein distance to the truth", distance},
    {"logdet", "1", "logarithm of the determinant of the model's covariance; -inf where it is singular", volumes},
    {"variance", "sample^2", "trace of the model's covariance", variances},
    {"nll", "1",
     "negative log-likelihood of a held-out sample, expected under the truth, in nats; inf where the covariance is "
     "singular",
     likelihood},
    {NULL, NULL, NULL, NULL}};
