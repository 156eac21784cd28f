/* Linear regression, y = x' theta + sigma e, fitted by least squares or ridge: THEORY.md section 3.
 * The statistic is the packed lower triangle of [X y]'[X y] without y'y: X'X, then X'y.
 * Invariant: a row depends on the stream, theta and the size of the whole feed only. */

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "family/covariates.h"
#include "family/linear_kernel.h"
#include "family/measures.h"
#include "family/private.h"
#include "family/samples.h"
#include "family/wishart.h"
#include "ouro/base/memory.h"

/* Keeps p (p + 1) / 2 + p within an int. */
#define MOST_PARAMETERS 32768

typedef struct linear {
  ouro_covariate_law law;
  double sigma, ridge;
  double *block; /* [row_width][OURO_ROW_BLOCK] a whole row block, where a slice ends inside it */
  double *work;  /* [ouro_linear_work(p)] of the fit */
  ouro_wishart wishart;
  double *factor; /* [p (p + 1) / 2][OURO_WISHART_BATCH] of Sigma, the same for all; NULL: 1, or p is large */
} linear;

static void destroy(ouro_family *family) {
  linear *model = family->constants;
  if (model == NULL) return;
  ouro_covariates_clear(&model->law);
  free(model->block);
  free(model->work);
  free(model->factor);
  ouro_wishart_clear(&model->wishart);
  free(model);
  family->constants = NULL;
}

/* Room for statistics without samples. Column k of the factor is what becomes of the k-th unit vector. */
static ouro_status create_statistics(int p, linear *model) {
  ouro_status status = OURO_OK;
  double column[OURO_WISHART_SMALL];
  OURO_TRY(ouro_wishart_create(p, 0, &model->wishart));
  if (model->law.kind == OURO_COVARIATES_ISOTROPIC || p > OURO_WISHART_SMALL) return OURO_OK;
  OURO_NEW(model->factor, (size_t)p * ((size_t)p + 1) / 2 * OURO_WISHART_BATCH);
  for (int k = 0; k < p; k++) {
    for (int j = 0; j < p; j++) column[j] = j == k;
    ouro_covariates_colour(&model->law, 1, column);
    for (int at = k * OURO_WISHART_BATCH, j = 0; j < p; at += ++j * OURO_WISHART_BATCH) {
      for (int i = 0; i < OURO_WISHART_BATCH && j >= k; i++) model->factor[at + i] = column[j];
    }
  }
cleanup:
  return status;
}

static ouro_status create(const ouro_config *config, ouro_family *family) {
  ouro_status status = OURO_OK;
  linear *model = NULL;
  const int p = config->model.dimension;
  OURO_NEW(model, 1);
  family->constants = model;
  OURO_TRY(ouro_covariates_create(&config->model, &model->law));
  OURO_CHECK(p <= MOST_PARAMETERS, OURO_ECONFIG, "model.dimension: %d is more than %d", p, MOST_PARAMETERS);
  model->sigma = config->model.noise;
  model->ridge = config->model.ridge;
  OURO_CHECK(model->sigma >= 0 && isfinite(model->sigma), OURO_ECONFIG, "model.noise: %g is not a number of at least 0",
             model->sigma);
  OURO_CHECK(model->ridge >= 0 && isfinite(model->ridge), OURO_ECONFIG, "model.ridge: %g is not a number of at least 0",
             model->ridge);
  family->n_parameters = p;
  family->row_width = p + 1;
  family->statistic_width = p * (p + 1) / 2 + p;
  family->additive = true;
  family->least_samples = model->ridge > 0 ? 1 : p + 2;
  family->eta_samples = 2 * p + 1;
  family->law = model->ridge == 0 ? OURO_LAW_REGRESSION : OURO_LAW_NONE;
  family->spread.base = model->sigma * model->sigma;
  OURO_NEW(model->block, (size_t)OURO_ROW_BLOCK * (size_t)family->row_width);
  OURO_NEW(model->work, ouro_linear_work(p));
  OURO_TRY(create_statistics(p, model));
  OURO_NEW(family->truth, p);
  ouro_samples_truth(config->learning.seed, p, family->truth);
cleanup:
  return status;
}

static double noise_of(const linear *model, const ouro_slice *slice) {
  return slice->noise ? *slice->noise : model->sigma;
}

/* The b rows of one row block of the feed, [row_width][b], from row `first` on. */
static void draw_block(const ouro_family *family, const ouro_slice *slice, ouro_count first, int b, double *rows) {
  const linear *model = family->constants;
  const int width = family->row_width;
  ouro_random_normals(&slice->stream, (uint64_t)first * (uint64_t)width, (size_t)b * (size_t)width, rows);
  ouro_covariates_colour(&model->law, b, rows);
  ouro_linear_kernels_now()->respond(family->n_parameters, b, slice->theta, noise_of(model, slice), rows);
}

/* The first n of the b rows of a row block. */
static void draw_part(const ouro_family *family, const ouro_slice *slice, ouro_count first, int b, int n,
                      double *rows) {
  const linear *model = family->constants;
  draw_block(family, slice, first, b, model->block);
  for (int k = 0; k < family->row_width; k++) {
    memcpy(rows + (ptrdiff_t)k * n, model->block + (ptrdiff_t)k * b, (size_t)n * sizeof *rows);
  }
}

static void draw(const ouro_family *family, const ouro_slice *slice, double *rows) {
  const ouro_count end = slice->first + slice->n;
  for (ouro_count first = slice->first; first < end; first += OURO_ROW_BLOCK) {
    const int b = ouro_samples_block(slice->total - first), n = ouro_samples_block(end - first);
    if (n < b)
      draw_part(family, slice, first, b, n, rows);
    else
      draw_block(family, slice, first, b, rows);
    rows += (ptrdiff_t)n * family->row_width;
  }
}

static void reduce(const ouro_family *family, const double *rows, ouro_count n, double *statistic) {
  for (; n > 0; n -= OURO_ROW_BLOCK) {
    const int b = ouro_samples_block(n);
    ouro_linear_kernels_now()->gram(family->n_parameters, b, rows, statistic);
    rows += (ptrdiff_t)b * family->row_width;
  }
}

/* The p rows that do for more: draw them, and reduce them. */
static void draw_alone(const ouro_family *family, const ouro_slice *slice, double *statistic) {
  linear *model = family->constants;
  const int p = family->n_parameters;
  ouro_wishart_begin(&model->wishart, slice);
  for (int first = 0; first < p; first += OURO_ROW_BLOCK) {
    const int b = ouro_samples_block(p - first);
    ouro_wishart_rows(&model->wishart, slice, first, b, family->row_width, model->block);
    ouro_covariates_colour(&model->law, b, model->block);
    ouro_linear_kernels_now()->respond(p, b, slice->theta, noise_of(model, slice), model->block);
    ouro_linear_kernels_now()->gram(p, b, model->block, statistic);
  }
}

/* Responses y = B' theta + sigma z to the columns of B, in place of z. */
static void respond_apart(int p, const double *theta, const double *sigma, const double *restrict b,
                          double *restrict y) {
  enum { N = OURO_WISHART_BATCH };
  for (int k = 0; k < p * N; k++) y[k] *= sigma[k % N];
  for (int j = 0; j < p; j++, theta += N) {
    for (int k = 0; k <= j; k++, b += N) {
      for (int i = 0; i < N; i++) y[k * N + i] = fma(b[i], theta[i], y[k * N + i]);
    }
  }
}

/* X'X = B B' and X'y = B (B' theta + sigma z), B = L A: THEORY.md section 11. */
static void draw_together(const ouro_family *family, int n, const ouro_slice *slices, double *statistics) {
  linear *model = family->constants;
  const int p = family->n_parameters;
  const double *theta[OURO_WISHART_BATCH];
  double sigma[OURO_WISHART_BATCH], *a = model->wishart.a;
  for (int i = 0; i < OURO_WISHART_BATCH; i++) {
    theta[i] = slices[i < n ? i : 0].theta;
    sigma[i] = noise_of(model, &slices[i < n ? i : 0]);
  }
  ouro_wishart_triangles(&model->wishart, n, slices);
  ouro_wishart_together(p, n, theta, model->wishart.vector);
  if (model->factor) ouro_linear_kernels_now()->multiply(p, model->factor, a);
  respond_apart(p, model->wishart.vector, sigma, a, a + (ptrdiff_t)p * (p + 1) / 2 * OURO_WISHART_BATCH);
  ouro_linear_kernels_now()->square(p, a);
  ouro_wishart_apart(family->statistic_width, n, a, statistics);
}

static const ouro_wishart_methods of_wishart = {.together = draw_together, .alone = draw_alone};

static void draw_statistics(const ouro_family *family, ouro_lid n, const ouro_slice *slices, double *statistics) {
  const linear *model = family->constants;
  ouro_wishart_draw(&model->wishart, &of_wishart, family, n, slices, statistics);
}

/* X'X + ridge n I in place of X'X. */
static void add_penalty(int p, double penalty, double *statistic) {
  for (int j = 0; j < p; j++) statistic[(ptrdiff_t)j * (j + 1) / 2 + j] += penalty;
}

static ouro_lid fit_ridge(const ouro_family *family, ouro_lid n, const ouro_count *sizes, double *statistics,
                          double *theta) {
  const linear *model = family->constants;
  const int p = family->n_parameters;
  for (ouro_lid i = 0; i < n; i++, statistics += family->statistic_width, theta += p) {
    add_penalty(p, model->ridge * (double)sizes[i], statistics);
    if (!ouro_linear_solve_alone(p, statistics, theta, model->work)) return i;
  }
  return n;
}

static ouro_lid fit(const ouro_family *family, ouro_lid n, const ouro_count *sizes, double *statistics, double *theta) {
  const linear *model = family->constants;
  const int p = family->n_parameters;
  ouro_lid enough = 0; /* models before the first that has fewer samples than parameters */
  if (model->ridge > 0) return fit_ridge(family, n, sizes, statistics, theta);
  while (enough < n && sizes[enough] >= p) enough++;
  return ouro_linear_solve(p, enough, statistics, theta, model->work);
}

static void error(const ouro_family *family, ouro_lid n, const double *theta, double *errors) {
  const linear *model = family->constants;
  const int p = family->n_parameters;
  double *delta = model->block;
  for (ouro_lid i = 0; i < n; i++) {
    for (int k = 0; k < p; k++) delta[k] = theta[(ptrdiff_t)i * p + k] - family->truth[k];
    errors[i] = ouro_covariates_norm(&model->law, delta) / p;
  }
}

/* sigma^2 / (n - p - 1), infinite for n <= p + 1 */
static double noise(const ouro_family *family, ouro_count n) {
  const double left = (double)n - family->n_parameters - 1;
  return left > 0 ? family->spread.base / left : INFINITY;
}

/* [(p+1) n^2 - (p+5) n + 2(p+1)] / [(n-p-1)(n-1)(n+2)], infinite for n <= p + 1 */
static double eta(const ouro_family *family, ouro_count n) {
  const double p = family->n_parameters, m = (double)n;
  if (m <= p + 1) return INFINITY;
  return ((p + 1) * m * m - (p + 5) * m + 2 * (p + 1)) / ((m - p - 1) * (m - 1) * (m + 2));
}

/* J = sigma^2 Sigma^-1 */
static void scatter(const ouro_family *family, ouro_lid n, double *z) {
  const linear *model = family->constants;
  ouro_covariates_scatter(&model->law, n, z);
  for (ptrdiff_t k = 0; k < (ptrdiff_t)n * family->n_parameters; k++) z[k] *= model->sigma;
}

const ouro_family_methods ouro_family_linear = {.name = "linear",
                                                .create = create,
                                                .takes_noise = true,
                                                .destroy = destroy,
                                                .draw = draw,
                                                .reduce = reduce,
                                                .fit = fit,
                                                .error = error,
                                                .noise = noise,
                                                .eta = eta,
                                                .draw_statistics = draw_statistics,
                                                .scatter = scatter,
                                                .keys = " dimension noise covariates correlation exponent ridge ",
                                                .measure = "excess risk / p",
                                                .error_units = "response^2",
                                                .measures = ouro_measures_linear,
                                                .parameter_units = "response / covariate",
                                                .unfitted = "designs were singular"};
