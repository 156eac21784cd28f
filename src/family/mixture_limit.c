/* How fits of a mixture to many samples scatter: by the inverse Fisher information of nature. Invariant: what is
 * scattered leaves the sum of weights as it is. */

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/exp.h"
#include "family/mixture.h"
#include "ouro/base/memory.h"

/* The components of nature lie on a line. About one of them, in units and with the line as first axis, y = (tau, u), u
 * standard normal and independent of the place on the line: the scores of a mean, r_a y, of a covariance,
 * r_a (y_i y_j - 1{i = j}) for H_ij and half of it for H_ii, and of a weight, r_a / w_a - r_k / w_k, fall into groups
 * that are uncorrelated: what is along the line; what is across it by one coordinate of u, alike for all; the rest.
 * They take integrals over the line alone. */

#define STEP (1.0 / 32) /* of the trapezoidal rule; integrands are analytic within pi / separation of the line */
#define END 14
#define BEYOND 9       /* components that are so much further away have none of a sample, to 2e-18 */
#define SINGULAR 1e-10 /* a pivot below is 0 but for rounding */

/* Scores that are not 0 at a point of the line, by ascending number. */
typedef struct scores {
  int n, *index;
  double *score, *share; /* share [k]: r of all components */
} scores;

static void add_score(scores *s, int index, double score) {
  s->index[s->n] = index;
  s->score[s->n++] = score;
}

static double place_of(const ouro_mixture *m, int a) {
  return m->separation * (a - 0.5 * (m->k - 1));
}

/* r_b = w_b phi_b / f at t, which is tau away from the nearest component or a bit more. */
static void share_point(const ouro_mixture *m, double t, double tau, double *share) {
  double sum = 0;
  for (int b = 0; b < m->k; b++) {
    const double away = t - place_of(m, b);
    share[b] = 0;
    if (fabs(away) > fabs(tau) + BEYOND) continue;
    share[b] = 0.5 * (tau * tau - away * away);
    ouro_exp(1, &share[b]);
    sum += share[b];
  }
  for (int b = 0; b < m->k; b++) share[b] /= sum;
}

/* information += density s s' */
static void add_square(const scores *s, double density, double *information) {
  for (int i = 0; i < s->n; i++) {
    double *row = information + ouro_mixture_triangle(s->index[i]);
    for (int j = 0; j <= i; j++) row[s->index[j]] += density * s->score[i] * s->score[j];
  }
}

/* Means along the line, variances along it, weights but the last. */
static void add_along(ouro_mixture *m, scores *s, double t, double density) {
  const int k = m->k;
  s->n = 0;
  for (int b = 0; b < k; b++) {
    if (s->share[b] > 0) add_score(s, b, s->share[b] * (t - place_of(m, b)));
  }
  for (int b = 0; b < k; b++) {
    const double away = t - place_of(m, b);
    if (s->share[b] > 0) add_score(s, k + b, 0.5 * s->share[b] * (away * away - 1));
  }
  for (int b = 0; b + 1 < k; b++) {
    if (s->share[b] > 0 || s->share[k - 1] > 0) add_score(s, 2 * k + b, k * (s->share[b] - s->share[k - 1]));
  }
  add_square(s, density, m->along);
}

/* Means along a coordinate of u, covariances of it and the line; what u contributes has mean square 1. */
static void add_across(ouro_mixture *m, scores *s, double t, double density) {
  s->n = 0;
  for (int b = 0; b < m->k; b++) {
    if (s->share[b] > 0) add_score(s, b, s->share[b]);
  }
  for (int b = 0; b < m->k; b++) {
    if (s->share[b] > 0) add_score(s, m->k + b, s->share[b] * (t - place_of(m, b)));
  }
  add_square(s, density, m->across);
}

static void integrate(ouro_mixture *m, scores *s) {
  for (int a = 0; a < m->k; a++) {
    for (double tau = -END; tau <= END; tau += STEP) {
      double density = -0.5 * tau * tau;
      ouro_exp(1, &density);
      density *= STEP / (m->k * sqrt(2 * 3.14159265358979323846));
      const double t = place_of(m, a) + tau;
      share_point(m, t, tau, s->share);
      add_along(m, s, t, density);
      add_across(m, s, t, density);
    }
  }
}

/* Packed, in place. Returns whether it is regular. */
static bool factor(int n, double *information) {
  ouro_mixture_factor(n, SINGULAR, information);
  for (int j = 0; j < n; j++) {
    const double root = information[ouro_mixture_triangle(j) + j];
    if (root * root <= 1.01 * SINGULAR) return false;
  }
  return true;
}

/* The unit vector of the reflection that swaps the first axis and the line, which is the diagonal. */
static void set_mirror(ouro_mixture *m) {
  const double each = 1 / sqrt(m->d), length = sqrt(2 * (1 - each));
  for (int j = 0; j < m->d; j++) m->mirror[j] = m->d > 1 ? ((j == 0) - each) / length : 0;
}

ouro_status ouro_mixture_limit_create(const ouro_config *config, ouro_mixture *m) {
  ouro_status status = OURO_OK;
  scores s = {0};
  m->separation = config->model.separation;
  OURO_NEW(s.index, 3 * m->k);
  OURO_NEW(s.score, 3 * m->k);
  OURO_NEW(s.share, m->k);
  OURO_NEW(m->along, ouro_mixture_triangle(3 * m->k - 1));
  OURO_NEW(m->across, ouro_mixture_triangle(2 * m->k));
  OURO_NEW(m->vector, 3 * m->k);
  OURO_NEW(m->mirror, 2 * m->d);
  integrate(m, &s);
  if (!factor(3 * m->k - 1, m->along) || !factor(2 * m->k, m->across)) {
    OURO_TRY(
        ouro_config_refuse(config, "model.separation",
                           "`%g` leaves components too alike for the limit of many samples: the Fisher information "
                           "of %d of them is singular",
                           m->separation, m->k));
  }
  set_mirror(m);
cleanup:
  free(s.index);
  free(s.score);
  free(s.share);
  return status;
}

void ouro_mixture_limit_clear(ouro_mixture *m) {
  free(m->along);
  free(m->across);
  free(m->vector);
  free(m->mirror);
}

/* ---- scattering ---- */

/* C' x = z, C the leading part of a packed factor, for n numbers: those at the given places of components 0, 1, .. in
 * turn. Their covariance becomes the inverse of C C'. */
static void solve(const ouro_mixture *m, int n, const double *C, const ptrdiff_t *places, double *z) {
  double *x = m->vector;
  for (int i = 0; i < n; i++) x[i] = z[i % m->k * m->size + places[i / m->k]];
  for (int i = n - 1; i >= 0; i--) {
    const double *row = C + ouro_mixture_triangle(i);
    x[i] /= row[i];
    for (int j = 0; j < i; j++) x[j] = fma(-row[j], x[i], x[j]);
  }
  for (int i = 0; i < n; i++) z[i % m->k * m->size + places[i / m->k]] = x[i];
}

/* Where coordinate i of a mean is, and H_ij, j <= i. */
static ptrdiff_t place_in_factor(const ouro_mixture *m, int i, int j) {
  return m->d + ouro_mixture_triangle(i) + j;
}

/* Means, H and weights of all components, the line being the first axis. */
static void scatter_aligned(const ouro_mixture *m, double *z) {
  const int k = m->k;
  double left = 0;
  solve(m, 3 * k - 1, m->along, (ptrdiff_t[]){0, place_in_factor(m, 0, 0), m->size - 1}, z);
  for (int a = 0; a + 1 < k; a++) left -= z[(ptrdiff_t)(a + 1) * m->size - 1];
  z[(ptrdiff_t)k * m->size - 1] = left;
  for (int i = 1; i < m->d; i++) {
    solve(m, 2 * k, m->across, (ptrdiff_t[]){i, place_in_factor(m, i, 0)}, z);
    for (int j = 1; j <= i; j++) solve(m, k, m->across, (ptrdiff_t[]){place_in_factor(m, i, j)}, z);
    for (int a = 0; a < k; a++) z[(ptrdiff_t)a * m->size + place_in_factor(m, i, i)] *= M_SQRT2;
  }
}

/* mean and H of a component, seen in the mirror: x - 2 v (v'x), and H - 2 v w' - 2 w v' + 4 v v' (v'w), w = H v. */
static void reflect(const ouro_mixture *m, double *mean) {
  const int d = m->d;
  const double *v = m->mirror;
  double *w = m->mirror + d, *H = mean + d, of_mean = 0, of_w = 0;
  for (int i = 0; i < d; i++) {
    w[i] = 0;
    for (int j = 0; j < d; j++) w[i] += v[j] * H[i >= j ? ouro_mixture_triangle(i) + j : ouro_mixture_triangle(j) + i];
    of_mean += v[i] * mean[i];
    of_w += v[i] * w[i];
  }
  for (int i = 0; i < d; i++) {
    mean[i] -= 2 * of_mean * v[i];
    for (int j = 0; j <= i; j++) {
      H[ouro_mixture_triangle(i) + j] += 4 * of_w * v[i] * v[j] - 2 * (v[i] * w[j] + w[i] * v[j]);
    }
  }
}

/* A factor of I + H is I + T to first order, T the part of H below the diagonal and half of that on it. */
void ouro_mixture_scatter(const ouro_family *family, ouro_lid n, double *z) {
  const ouro_mixture *m = family->constants;
  for (ouro_lid i = 0; i < n; i++) {
    scatter_aligned(m, z);
    for (int a = 0; a < m->k; a++, z += m->size) {
      reflect(m, z);
      for (int j = 0; j < m->d; j++) z[place_in_factor(m, j, j)] *= 0.5;
      for (int j = 0; j < m->size - 1; j++) z[j] *= m->unit;
    }
  }
}
