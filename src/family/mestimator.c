/* M-estimators: rows, errors, and fits by Newton's method: see mestimator.h.
 * Invariant: no operation depends on the vector width or on the slicing; a fit is a function of its sample alone.
 * Must not know what the response is. */

#include "family/mestimator.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "family/linear_kernel.h"
#include "family/samples.h"
#include "ouro/base/memory.h"

#define MOST_STEPS 100
#define MOST_HALVINGS 60
#define NEARLY 1e-9 /* units by which a last step may still move a linear predictor */

/* Keeps p (p + 1) / 2 + p within an int. */
#define MOST_PARAMETERS 32768

void ouro_mestimator_destroy(ouro_family *family) {
  ouro_mestimator *model = family->constants;
  if (model == NULL) return;
  ouro_covariates_clear(&model->law);
  free(model->toward);
  free(model->rows);
  free(model->statistic);
  free(model->step);
  free(model->trial);
  free(model->work);
  free(model);
  family->constants = NULL;
}

ouro_status ouro_mestimator_create(const ouro_config *config, ouro_family *family) {
  ouro_status status = OURO_OK;
  ouro_mestimator *model = NULL;
  const int p = config->model.dimension;
  OURO_NEW(model, 1);
  family->constants = model;
  OURO_TRY(ouro_covariates_create(&config->model, &model->law));
  OURO_CHECK(p <= MOST_PARAMETERS, OURO_ECONFIG, "model.dimension: %d is more than %d", p, MOST_PARAMETERS);
  family->n_parameters = p;
  family->row_width = p + 1;
  family->least_samples = p + 1;
  family->law = OURO_LAW_FIRST_ORDER;
  family->spread.base = 1;
  OURO_NEW(model->rows, (size_t)OURO_ROW_BLOCK * (size_t)family->row_width);
  OURO_NEW(model->statistic, (size_t)p * (size_t)(p + 3) / 2);
  OURO_NEW(model->step, p);
  OURO_NEW(model->trial, p);
  OURO_NEW(model->work, ouro_linear_work(p));
  OURO_NEW(family->truth, p);
  ouro_samples_truth(config->learning.seed, p, family->truth);
  model->least = -INFINITY;
  model->squared = ouro_covariates_norm(&model->law, family->truth);
  OURO_NEW(model->toward, p);
  memcpy(model->toward, family->truth, (size_t)p * sizeof *model->toward);
  ouro_covariates_project(&model->law, model->toward);
  for (int k = 0; k < p && model->squared > 0; k++) model->toward[k] /= sqrt(model->squared);
cleanup:
  return status;
}

/* Covariates are numbers of the stream itself, responses those of substreams. */
void ouro_mestimator_draw(const ouro_family *family, const ouro_slice *slice, double *rows) {
  const ouro_mestimator *model = family->constants;
  const int p = family->n_parameters;
  ouro_slice part = *slice;
  for (ouro_count left = slice->n; left > 0; left -= OURO_ROW_BLOCK, part.first += OURO_ROW_BLOCK) {
    const int b = ouro_samples_block(left);
    double *y = rows + (ptrdiff_t)p * b;
    part.n = b;
    ouro_samples_fill(ouro_random_normals, &part, p, rows);
    ouro_covariates_colour(&model->law, b, rows);
    memset(y, 0, (size_t)b * sizeof *y);
    ouro_linear_kernels_now()->respond(p, b, slice->theta, 0, rows);
    model->respond(model, &part, b, y);
    rows += (ptrdiff_t)b * family->row_width;
  }
}

void ouro_mestimator_error(const ouro_family *family, ouro_lid n, const double *theta, double *errors) {
  const ouro_mestimator *model = family->constants;
  const int p = family->n_parameters;
  double *delta = model->trial;
  for (ouro_lid i = 0; i < n; i++) {
    for (int k = 0; k < p; k++) delta[k] = theta[(ptrdiff_t)i * p + k] - family->truth[k];
    const double along = ouro_covariates_product(&model->law, delta, family->truth);
    const double norm = ouro_covariates_norm(&model->law, delta);
    errors[i] = model->across * norm;
    if (model->squared > 0) errors[i] += (model->along - model->across) * along * along / model->squared;
    errors[i] /= p;
  }
}

/* With v the unit vector L' theta* / s, J^-1 = L (across I + (along - across) v v') L'. */
void ouro_mestimator_scatter(const ouro_family *family, ouro_lid n, double *z) {
  const ouro_mestimator *model = family->constants;
  const int p = family->n_parameters;
  const double across = 1 / sqrt(model->across), more = 1 / sqrt(model->along) - across;
  for (double *one = z; one < z + (ptrdiff_t)n * p; one += p) {
    double along = 0;
    for (int k = 0; k < p; k++) along = fma(model->toward[k], one[k], along);
    for (int k = 0; k < p; k++) one[k] = fma(more * along, model->toward[k], across * one[k]);
  }
  ouro_covariates_scatter(&model->law, n, z);
}

/* out = X theta for the rows of a kept block. */
static void predict(int p, const double *rows, const double *theta, double *out) {
  memset(out, 0, OURO_ROW_BLOCK * sizeof *out);
  for (int c = 0; c < p; c++) {
    const double *x = rows + (ptrdiff_t)c * OURO_ROW_BLOCK;
    for (int r = 0; r < OURO_ROW_BLOCK; r++) out[r] = fma(x[r], theta[c], out[r]);
  }
}

/* What a fit is fitted to. */
typedef struct sample {
  ouro_count n;
  const double *rows, *weights; /* weights NULL: all 1 */
} sample;

/* The rest of a sample, one block on. */
static sample beyond(int p, sample s) {
  s.n -= OURO_ROW_BLOCK;
  s.rows += (ptrdiff_t)OURO_ROW_BLOCK * (p + 1);
  if (s.weights) s.weights += OURO_ROW_BLOCK;
  return s;
}

/* The terms of the first b rows, of a block of a sample, at theta; rows that fill it up weigh nothing. */
static void block_terms(ouro_mestimator *model, int b, sample s, const double *theta) {
  const int p = model->law.p;
  predict(p, s.rows, theta, model->u);
  model->terms(model, b, s.rows + (ptrdiff_t)p * OURO_ROW_BLOCK, model->u, model->loss, model->root, model->pull);
  for (int r = 0; s.weights && r < b; r++) {
    const double root = sqrt(s.weights[r]);
    model->loss[r] *= s.weights[r];
    model->root[r] *= root;
    model->pull[r] *= root;
  }
  for (int r = b; r < OURO_ROW_BLOCK; r++) model->root[r] = model->pull[r] = 0;
}

static double loss_of(const ouro_mestimator *model, int b) {
  double sum = 0;
  for (int r = 0; r < b; r++) sum += model->loss[r];
  return sum;
}

/* X'WX and X'r, r the negative derivatives of the losses: the normal equations of sqrt(W) X and r / sqrt(W).
 * Returns the sum of losses. */
static double equations(ouro_mestimator *model, sample s, const double *theta) {
  const int p = model->law.p;
  double loss = 0;
  memset(model->statistic, 0, (size_t)p * (size_t)(p + 3) / 2 * sizeof(double));
  for (; s.n > 0; s = beyond(p, s)) {
    const int b = ouro_samples_block(s.n);
    block_terms(model, b, s, theta);
    loss += loss_of(model, b);
    for (int c = 0; c < p; c++) {
      const ptrdiff_t at = (ptrdiff_t)c * OURO_ROW_BLOCK;
      for (int r = 0; r < OURO_ROW_BLOCK; r++) model->rows[at + r] = model->root[r] * s.rows[at + r];
    }
    memcpy(model->rows + (ptrdiff_t)p * OURO_ROW_BLOCK, model->pull, sizeof model->pull);
    ouro_linear_kernels_now()->gram(p, OURO_ROW_BLOCK, model->rows, model->statistic);
  }
  return loss;
}

/* What a trial of a step shows. */
typedef struct trial {
  double loss;     /* sum over rows, at the trial */
  double largest;  /* |u| of a row there */
  double movement; /* |x' step| of a row, of the whole step */
} trial;

static trial try_step(ouro_mestimator *model, sample s) {
  const int p = model->law.p;
  trial t = {0};
  for (; s.n > 0; s = beyond(p, s)) {
    const int b = ouro_samples_block(s.n);
    block_terms(model, b, s, model->trial);
    predict(p, s.rows, model->step, model->v);
    t.loss += loss_of(model, b);
    for (int r = 0; r < b; r++) {
      t.largest = fmax(t.largest, fabs(model->u[r]));
      t.movement = fmax(t.movement, fabs(model->v[r]));
    }
  }
  return t;
}

/* Halve the step until the loss falls by a share of what its slope promises (Armijo 1966), but for rounding.
 * Returns the length of the step, 0 if none does. */
static double search(ouro_mestimator *model, sample s, const double *theta, double loss, double slope, trial *t) {
  const double rounding = 1e-11 * ((double)s.n + fabs(loss));
  double length = 1;
  for (int k = 0; k < MOST_HALVINGS; k++, length /= 2) {
    for (int c = 0; c < model->law.p; c++) model->trial[c] = fma(length, model->step[c], theta[c]);
    *t = try_step(model, s);
    if (t->loss <= loss - 1e-4 * length * slope + rounding) return length;
  }
  return 0;
}

/* A full step that hardly moved any linear predictor has arrived. It proves that the minimum exists: towards infinity,
 * in a direction d in which no loss rises, the losses of logistic and Poisson regression have |loss'| <= loss'' in
 * every row with x'd != 0, so that X'WX step = X'r gives sum r |x'd| = sum w (x'step)(x'd) <= max |x'step| sum r |x'd|,
 * and every Newton step would move a predictor by 1 or more. */
static bool arrived(const ouro_mestimator *model, double length, const trial *t) {
  return length == 1 && t->movement <= model->unit / 2 && t->movement <= NEARLY * (model->unit + t->largest);
}

/* Of weighted losses: a row by which there is a minimum loses that much times its weight, or more. */
static double least_loss(const ouro_mestimator *model, sample s) {
  double smallest = 1;
  for (ouro_count r = 0; s.weights && r < s.n; r++) smallest = fmin(smallest, s.weights[r]);
  return smallest * model->least;
}

bool ouro_mestimator_fit(const ouro_family *family, ouro_count n, const double *rows, const double *weights,
                         double *theta) {
  ouro_mestimator *model = family->constants;
  const int p = model->law.p;
  const sample s = {n, rows, weights};
  const double least = least_loss(model, s);
  memset(theta, 0, (size_t)p * sizeof *theta);
  for (int k = 0; k < MOST_STEPS; k++) {
    const double loss = equations(model, s, theta);
    if (!isfinite(loss) || loss < least) return false;
    if (!ouro_linear_solve_alone(p, model->statistic, model->step, model->work)) return false;
    double slope = 0;
    for (int c = 0; c < p; c++) slope = fma(model->step[c], model->statistic[(ptrdiff_t)p * (p + 1) / 2 + c], slope);
    trial t;
    const double length = search(model, s, theta, loss, slope, &t);
    if (length == 0) return false;
    memcpy(theta, model->trial, (size_t)p * sizeof *theta);
    if (arrived(model, length, &t)) return true;
  }
  return false;
}
