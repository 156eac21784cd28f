/* k outcomes with probabilities p, a token distribution: fitted by counts, smoothed on request: THEORY.md section 5.
 * A row is the number of an outcome, the statistic counts them. Outcomes are found by inversion of one uniform number
 * with a guide table (H.-C. Chen and Y. Asau, AIIE Transactions 6, 1974): m draws take time proportional to m + k.
 * Invariant: an outcome of probability 0 is never drawn. */

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "family/measures.h"
#include "family/nucleus.h"
#include "family/private.h"
#include "family/probabilities.h"
#include "family/samples.h"
#include "ouro/base/memory.h"
#include "ouro/base/sampler.h"

/* Samples an outcome, below which they are drawn one by one: that is faster. */
#define ROWS_BELOW 16

typedef struct categorical {
  double smoothing; /* added to each count */
  double *F;        /* [k] Pr(outcome <= i) of the model drawn from */
  int32_t *guide;   /* [k] where the search for u begins: guide[floor(u k)] */
  ouro_nucleus how; /* models are drawn from, nature is not .. */
  double *shaped;   /* .. [k] the distribution drawn from; NULL: the model itself */
  int32_t *order;   /* [k] scratch */
  double *roots;    /* [k] of the true probabilities */
} categorical;

static void destroy(ouro_family *family) {
  categorical *model = family->constants;
  if (model == NULL) return;
  free(model->F);
  free(model->guide);
  free(model->shaped);
  free(model->order);
  free(model->roots);
  free(model);
  family->constants = NULL;
}

/* How models are drawn from. */
static ouro_status create_shape(const ouro_config_model *config, int k, categorical *model) {
  ouro_status status = OURO_OK;
  OURO_TRY(ouro_nucleus_create(config, &model->how));
  if (!ouro_nucleus_shapes(&model->how, k)) return OURO_OK;
  OURO_NEW(model->shaped, k);
  OURO_NEW(model->order, k);
cleanup:
  return status;
}

static ouro_status create(const ouro_config *config, ouro_family *family) {
  ouro_status status = OURO_OK;
  categorical *model = NULL;
  int k;
  OURO_NEW(model, 1);
  family->constants = model;
  OURO_TRY(ouro_probabilities_create(config, &k, &family->truth));
  OURO_NEW(model->F, k);
  OURO_NEW(model->guide, k);
  OURO_NEW(model->roots, k);
  model->smoothing = config->model.smoothing;
  OURO_CHECK(model->smoothing >= 0 && isfinite(model->smoothing), OURO_ECONFIG,
             "model.smoothing: %g is not a number of at least 0", model->smoothing);
  family->n_parameters = family->statistic_width = k;
  family->row_width = 1;
  family->additive = true;
  family->least_samples = 1;
  OURO_TRY(create_shape(&config->model, k, model));
  family->law = model->smoothing == 0 && !model->shaped ? OURO_LAW_MEANS : OURO_LAW_NONE;
  /* q - 2 p*.E delta - C_kk, q = 1 - |p*|^2 */
  family->spread = (ouro_spread){.base = 1, .slope = -2, .curvature = -1};
  for (int i = 0; i < k; i++) family->spread.base -= family->truth[i] * family->truth[i];
  for (int i = 0; i < k; i++) model->roots[i] = sqrt(family->truth[i]);
cleanup:
  return status;
}

/* The distribution that a slice is drawn from. */
static const double *distribution(const ouro_family *family, const ouro_slice *slice) {
  const categorical *model = family->constants;
  if (model->shaped == NULL || ouro_slice_is_real(family, slice)) return slice->theta;
  ouro_nucleus_shape(&model->how, family->n_parameters, slice->theta, model->shaped, model->order);
  return model->shaped;
}

/* F and guide for a slice. From the last outcome that can be on, F is beyond every u, whatever the sum was rounded to.
 */
static void prepare(const ouro_family *family, const ouro_slice *slice) {
  const categorical *model = family->constants;
  const int k = family->n_parameters;
  const double *p = distribution(family, slice);
  double sum = 0;
  int last = 0;
  for (int i = 0; i < k; i++) {
    sum += p[i];
    model->F[i] = sum;
    if (p[i] > 0) last = i;
  }
  for (int i = last; i < k; i++) model->F[i] = 2;
  for (int i = 0, bucket = 0; bucket < k; bucket++) {
    while (model->F[i] * k < bucket) i++;
    model->guide[bucket] = i;
  }
}

/* The first i with u < F(i). */
static int32_t outcome(const categorical *model, int k, double u) {
  int32_t i = model->guide[(int)(u * k)];
  while (u >= model->F[i]) i++;
  return i;
}

static void draw(const ouro_family *family, const ouro_slice *slice, double *rows) {
  const categorical *model = family->constants;
  const int k = family->n_parameters;
  prepare(family, slice);
  ouro_samples_fill(ouro_random_uniforms, slice, 1, rows);
  for (ouro_count r = 0; r < slice->n; r++) rows[r] = outcome(model, k, rows[r]);
}

static void reduce(const ouro_family *family, const double *rows, ouro_count n, double *statistic) {
  (void)family;
  for (ouro_count r = 0; r < n; r++) statistic[(ptrdiff_t)rows[r]] += 1;
}

static void absorb(const ouro_family *family, const ouro_slice *slice, double *statistic) {
  const categorical *model = family->constants;
  const int k = family->n_parameters;
  const ouro_count end = slice->first + slice->n;
  double u[16 * OURO_ROW_BLOCK];
  const ouro_count most = sizeof u / sizeof u[0];
  ouro_slice part = *slice;
  prepare(family, slice);
  for (; part.first < end; part.first += most) {
    part.n = end - part.first < most ? end - part.first : most;
    ouro_samples_fill(ouro_random_uniforms, &part, 1, u);
    for (ouro_count r = 0; r < part.n; r++) statistic[outcome(model, k, u[r])] += 1;
  }
}

/* A multinomial variable, or counts of samples where these are few for the number of outcomes. */
static void draw_statistics(const ouro_family *family, ouro_lid n, const ouro_slice *slices, double *statistics) {
  const int k = family->n_parameters;
  for (ouro_lid i = 0; i < n; i++, statistics += k) {
    if (slices[i].total < ROWS_BELOW * (ouro_count)k) {
      memset(statistics, 0, (size_t)k * sizeof *statistics);
      absorb(family, &slices[i], statistics);
      continue;
    }
    const double *p = distribution(family, &slices[i]);
    ouro_sampler_multinomial(&slices[i].stream, (double)slices[i].total, (size_t)k, p, statistics);
  }
}

/* p_i (1 - p_i) on the diagonal, -p_i p_j beside it: with r the roots of p, of r z - p (r'z). */
static void scatter(const ouro_family *family, ouro_lid n, double *z) {
  const categorical *model = family->constants;
  const int k = family->n_parameters;
  for (ouro_lid i = 0; i < n; i++, z += k) {
    double sum = 0;
    for (int j = 0; j < k; j++) sum += z[j] *= model->roots[j];
    for (int j = 0; j < k; j++) z[j] = fma(-sum, family->truth[j], z[j]);
  }
}

/* (count + a) / (n + a k) */
static ouro_lid fit(const ouro_family *family, ouro_lid n, const ouro_count *sizes, double *statistics, double *theta) {
  const categorical *model = family->constants;
  const int k = family->n_parameters;
  for (ouro_lid i = 0; i < n; i++) {
    const double total = (double)sizes[i] + model->smoothing * k;
    for (int j = 0; j < k; j++) *theta++ = (*statistics++ + model->smoothing) / total;
  }
  return n;
}

static void error(const ouro_family *family, ouro_lid n, const double *theta, double *errors) {
  const int k = family->n_parameters;
  for (ouro_lid i = 0; i < n; i++) {
    errors[i] = 0;
    for (int j = 0; j < k; j++, theta++) errors[i] += (*theta - family->truth[j]) * (*theta - family->truth[j]);
  }
}

const ouro_family_methods ouro_family_categorical = {
    .name = "categorical",
    .create = create,
    .destroy = destroy,
    .draw = draw,
    .reduce = reduce,
    .fit = fit,
    .error = error,
    .absorb = absorb,
    .draw_statistics = draw_statistics,
    .scatter = scatter,
    .keys = " categories probabilities exponent smoothing temperature top_k top_p ",
    .measure = "|p - true p|^2",
    .error_units = "1",
    .measures = ouro_measures_categorical,
    .parameter_units = "1"};
