/* Mixture of normal distributions, fitted by EM (mixture_fit.c). Nature: k spherical components of one weight whose
 * means lie on a line, `separation` noises apart. Error: integrated (f - f*)^2 over integrated f*^2 of the densities,
 * which no order of components changes. Invariant: a component of weight 0 is never drawn; one without samples has
 * weight 0, and so has a model without parameters, whose samples are all 0. */

#include "family/mixture.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/exp.h"
#include "family/private.h"
#include "family/samples.h"
#include "ouro/base/memory.h"

/* Errors of narrow components stay below 1e97, and their squares finite. */
#define MOST_DIMENSIONS 32

static void destroy(ouro_family *family) {
  ouro_mixture *m = family->constants;
  if (m == NULL) return;
  ouro_mixture_fit_clear(m);
  ouro_mixture_limit_clear(m);
  free(m->share);
  free(m->work);
  free(m);
  family->constants = NULL;
}

static ouro_status set_truth(const ouro_config *config, const ouro_mixture *m, ouro_family *family) {
  ouro_status status = OURO_OK;
  const double apart = config->model.separation * m->unit / sqrt(m->d);
  double *centre = NULL;
  OURO_NEW(family->truth, family->n_parameters);
  OURO_NEW(centre, m->d);
  ouro_samples_truth(config->learning.seed, m->d, centre);
  for (int a = 0; a < m->k; a++) {
    double *mean = family->truth + (ptrdiff_t)a * m->size;
    for (int j = 0; j < m->d; j++) {
      mean[j] = centre[j] + apart * (a - 0.5 * (m->k - 1));
      mean[m->d + ouro_mixture_triangle(j) + j] = m->unit;
    }
    mean[m->size - 1] = 1.0 / m->k;
  }
cleanup:
  free(centre);
  return status;
}

static ouro_status create(const ouro_config *config, ouro_family *family) {
  ouro_status status = OURO_OK;
  ouro_mixture *m = NULL;
  const int d = config->model.dimension;
  if (d < 1 || d > MOST_DIMENSIONS) {
    return ouro_config_refuse(config, "model.dimension", "must be within 1 .. %d for family `mixture`, not `%d`",
                              MOST_DIMENSIONS, d);
  }
  OURO_CHECK(config->model.components >= 1, OURO_ECONFIG, "model.components: %d is not at least 1",
             config->model.components);
  OURO_NEW(m, 1);
  family->constants = m;
  m->d = d;
  m->k = config->model.components;
  m->size = d + (int)ouro_mixture_triangle(d) + 1;
  m->unit = config->model.noise;
  m->seed = config->learning.seed;
  family->n_parameters = m->k * m->size;
  family->row_width = d;
  family->least_samples = m->k;
  family->law = OURO_LAW_NONE;
  OURO_NEW(m->share, m->k);
  OURO_NEW(m->work, ouro_mixture_triangle(d) + d);
  OURO_TRY(ouro_mixture_fit_create(m));
  if (config->learning.sampling == OURO_SAMPLING_LIMIT) OURO_TRY(ouro_mixture_limit_create(config, m));
  OURO_TRY(set_truth(config, m, family));
cleanup:
  return status;
}

/* ---- samples ---- */

/* From the last component that can be on, the share is beyond every uniform number, whatever the sum was rounded to. */
static void share_out(const ouro_mixture *m, const double *theta) {
  double sum = 0;
  int last = 0;
  for (int a = 0; a < m->k; a++) {
    const double weight = theta[(ptrdiff_t)(a + 1) * m->size - 1];
    m->share[a] = sum += weight;
    if (weight > 0) last = a;
  }
  for (int a = last; a < m->k; a++) m->share[a] = 2;
}

static const double *component_of(const ouro_mixture *m, const double *theta, double u) {
  int a = 0;
  while (u >= m->share[a]) a++;
  return theta + (ptrdiff_t)a * m->size;
}

/* x = mean + L z in place, last column first, each row by its own component. */
static void colour(int d, int b, const double *const *component, double *x) {
  for (int j = d - 1; j >= 0; j--) {
    double *column = x + (ptrdiff_t)j * b;
    for (int r = 0; r < b; r++) {
      const double *mean = component[r], *row = mean + d + ouro_mixture_triangle(j);
      double sum = fma(row[j], column[r], mean[j]);
      for (int k = 0; k < j; k++) sum = fma(row[k], x[(ptrdiff_t)k * b + r], sum);
      column[r] = sum;
    }
  }
}

/* Samples are numbers of the stream itself, their components those of a substream. */
static void draw(const ouro_family *family, const ouro_slice *slice, double *rows) {
  const ouro_mixture *m = family->constants;
  const ouro_stream picks = ouro_random_substream(&slice->stream, 1);
  const double *component[OURO_ROW_BLOCK];
  double u[OURO_ROW_BLOCK];
  share_out(m, slice->theta);
  ouro_samples_fill(ouro_random_normals, slice, m->d, rows);
  for (ouro_count at = 0; at < slice->n; at += OURO_ROW_BLOCK) {
    const int b = ouro_samples_block(slice->n - at);
    ouro_random_uniforms(&picks, (uint64_t)(slice->first + at), (size_t)b, u);
    for (int r = 0; r < b; r++) component[r] = component_of(m, slice->theta, u[r]);
    colour(m->d, b, component, rows);
    rows += (ptrdiff_t)m->d * b;
  }
}

/* ---- errors ---- */

/* Integral of the product of two components, in units of that of two of nature's at one place:
 * N(mean - mean'; 0, S + S') / N(0; 0, 2 I). */
static double overlap(const ouro_mixture *m, const double *one, const double *other) {
  const int d = m->d;
  double *s = m->work, *z = s + ouro_mixture_triangle(d), exponent = 0;
  for (int j = 0; j < d; j++) {
    const double *a = one + d + ouro_mixture_triangle(j), *b = other + d + ouro_mixture_triangle(j);
    for (int k = 0; k <= j; k++) {
      const double *c = one + d + ouro_mixture_triangle(k), *e = other + d + ouro_mixture_triangle(k);
      double sum = 0;
      for (int l = 0; l <= k; l++) sum += (a[l] / m->unit) * (c[l] / m->unit) + (b[l] / m->unit) * (e[l] / m->unit);
      s[ouro_mixture_triangle(j) + k] = sum;
    }
  }
  ouro_mixture_factor(d, OURO_MIXTURE_LEAST, s);
  for (int j = 0; j < d; j++) {
    const double *row = s + ouro_mixture_triangle(j);
    z[j] = (one[j] - other[j]) / m->unit;
    for (int k = 0; k < j; k++) z[j] = fma(-row[k], z[k], z[j]);
    z[j] /= row[j];
    exponent -= 0.5 * z[j] * z[j] + ouro_log(row[j] * sqrt(0.5));
  }
  ouro_exp(1, &exponent);
  return exponent;
}

/* Integral of the product of two densities, in the same units. */
static double product(const ouro_mixture *m, const double *f, const double *g) {
  double sum = 0;
  for (int a = 0; a < m->k; a++, f += m->size) {
    for (int b = 0; b < m->k && f[m->size - 1] > 0; b++) {
      const double *other = g + (ptrdiff_t)b * m->size;
      const double weight = f[m->size - 1] * other[m->size - 1];
      if (weight > 0) sum += weight * overlap(m, f, other);
    }
  }
  return sum;
}

static void error(const ouro_family *family, ouro_lid n, const double *theta, double *errors) {
  const ouro_mixture *m = family->constants;
  const double truth = product(m, family->truth, family->truth);
  for (ouro_lid i = 0; i < n; i++, theta += family->n_parameters) {
    const double square = product(m, theta, theta) - 2 * product(m, theta, family->truth) + truth;
    errors[i] = fmax(square / truth, 0);
  }
}

/* ---- measures ---- */

static void count_components(const ouro_family *family, ouro_lid n, const double *theta, double *values) {
  const ouro_mixture *m = family->constants;
  for (ouro_lid i = 0; i < n; i++, theta += family->n_parameters) {
    values[i] = 0;
    for (int a = 1; a <= m->k; a++) values[i] += theta[(ptrdiff_t)a * m->size - 1] > 0;
  }
}

static void likelihoods(const ouro_family *family, ouro_lid n, const double *theta, double *values) {
  for (ouro_lid i = 0; i < n; i++, theta += family->n_parameters) {
    values[i] = -ouro_mixture_likelihood(family, theta, OURO_HELD_OUT, family->held_out) / OURO_HELD_OUT;
  }
}

static const ouro_measure measures[] = {
    {"components", "1", "components that have not lost their samples", count_components},
    {"nll", "1",
     "mean negative log-likelihood of 512 held-out samples of the truth, the same for all models, in nats; inf where a "
     "model has no components",
     likelihoods},
    {NULL, NULL, NULL, NULL}};

const ouro_family_methods ouro_family_mixture = {.name = "mixture",
                                                 .create = create,
                                                 .destroy = destroy,
                                                 .draw = draw,
                                                 .fit_rows = ouro_mixture_fit,
                                                 .error = error,
                                                 .scatter = ouro_mixture_scatter,
                                                 .keys = " dimension noise components separation ",
                                                 .measure = "integrated (f - f*)^2 / integrated f*^2",
                                                 .error_units = "1",
                                                 .parameter_units = "sample",
                                                 .measures = measures,
                                                 .holds_out = true,
                                                 .unfitted = "samples were too large for numbers"};
