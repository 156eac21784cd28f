/* Mean and covariance of a normal distribution in d dimensions, by maximum likelihood or unbiased: THEORY.md section 5.
 * Parameters: the mean, then the packed lower Cholesky factor of the covariance. Statistic: packed sums of products
 * of x - mu*, then its sums, so that little cancels. A singular covariance is a model like any other: where the samples
 * leave no variance beyond rounding, a column of the factor is 0. */

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "family/ball.h"
#include "family/covariates.h"
#include "family/linear_kernel.h"
#include "family/measures.h"
#include "family/nucleus.h"
#include "family/private.h"
#include "family/samples.h"
#include "family/wishart.h"
#include "ouro/base/memory.h"

/* Keeps d (d + 1) / 2 + d within an int. */
#define MOST_DIMENSIONS 32768

typedef struct gaussian {
  bool unbiased;
  double widening; /* square root of the temperature at which models are drawn from; nature is not */
  ouro_ball ball;  /* where the standard normal vectors of such a draw lie */
  double *centred; /* [d + 1][OURO_ROW_BLOCK] a row block less mu*, then ones */
  double *none;    /* [d] zeros */
  double *shift;   /* [d] */
  ouro_wishart wishart;
} gaussian;

static ptrdiff_t triangle(int d) {
  return (ptrdiff_t)d * (d + 1) / 2;
}

static void destroy(ouro_family *family) {
  gaussian *model = family->constants;
  if (model == NULL) return;
  free(model->centred);
  free(model->none);
  free(model->shift);
  ouro_wishart_clear(&model->wishart);
  ouro_ball_clear(&model->ball);
  free(model);
  family->constants = NULL;
}

/* noise L, L L' = Sigma, packed; column k is L applied to the k-th unit vector. */
static ouro_status true_factor(const ouro_config *config, double *factor) {
  ouro_status status = OURO_OK;
  ouro_covariate_law law;
  double *column = NULL;
  const int d = config->model.dimension;
  OURO_TRY(ouro_covariates_create(&config->model, &law));
  OURO_NEW(column, d);
  for (int k = 0; k < d; k++) {
    for (int j = 0; j < d; j++) column[j] = j == k;
    ouro_covariates_colour(&law, 1, column);
    for (int j = k; j < d; j++) factor[triangle(j) + k] = config->model.noise * column[j];
  }
cleanup:
  free(column);
  ouro_covariates_clear(&law);
  return status;
}

/* How models are drawn from: as from their density to the power of 1/T, within the ellipsoid of mass top_p. */
static ouro_status create_shape(const ouro_config_model *config, int d, gaussian *model) {
  ouro_status status = OURO_OK;
  ouro_nucleus how;
  OURO_TRY(ouro_nucleus_create(config, &how));
  model->widening = sqrt(how.temperature);
  OURO_TRY(ouro_ball_create(d, how.top_p, &model->ball));
cleanup:
  return status;
}

static ouro_status create(const ouro_config *config, ouro_family *family) {
  ouro_status status = OURO_OK;
  gaussian *model = NULL;
  const int d = config->model.dimension;
  const double noise = config->model.noise;
  OURO_CHECK(d >= 1 && d <= MOST_DIMENSIONS, OURO_ECONFIG, "model.dimension: %d is not within 1 .. %d", d,
             MOST_DIMENSIONS);
  OURO_CHECK(noise >= 0 && isfinite(noise), OURO_ECONFIG, "model.noise: %g is not a number of at least 0", noise);
  OURO_NEW(model, 1);
  family->constants = model;
  model->unbiased = config->model.variance == OURO_VARIANCE_UNBIASED;
  family->row_width = d;
  family->n_parameters = family->statistic_width = d + (int)triangle(d);
  family->additive = true;
  family->scratch = (size_t)d * (size_t)d;
  family->least_samples = model->unbiased ? 2 : 1;
  OURO_TRY(create_shape(&config->model, d, model));
  family->law = OURO_LAW_MEANS;
  OURO_NEW(model->centred, (size_t)OURO_ROW_BLOCK * (size_t)(d + 1));
  OURO_NEW(model->none, d);
  OURO_NEW(model->shift, d);
  OURO_TRY(ouro_wishart_create(d, 1, &model->wishart));
  OURO_NEW(family->truth, family->n_parameters);
  ouro_samples_truth(config->learning.seed, d, family->truth);
  OURO_TRY(true_factor(config, family->truth + d));
  /* Maximum likelihood: C_kk + v_k = s^2 from the start on, s^2 the trace; unbiased: v_k goes its own way. */
  for (int k = d; k < family->n_parameters; k++) family->spread.base += family->truth[k] * family->truth[k];
  const bool shaped = model->widening != 1 || model->ball.mass != 1;
  family->spread.fitted = model->unbiased ? OURO_FITTED_UNBIASED : shaped ? OURO_FITTED_ML : OURO_FITTED_NONE;
  family->spread.curvature = family->spread.fitted ? 0 : -1;
  family->spread.drawn = config->model.temperature * ouro_ball_variance(&model->ball);
  if (model->ball.mass != 1) family->rows_only = "model.top_p";
cleanup:
  return status;
}

/* x = mean + L z in place, last column first. */
static void colour(int d, int b, const double *mean, const double *factor, double *x) {
  for (int j = d - 1; j >= 0; j--) {
    const double *row = factor + triangle(j);
    double *restrict column = x + (ptrdiff_t)j * b;
    for (int r = 0; r < b; r++) column[r] = fma(row[j], column[r], mean[j]);
    for (int k = 0; k < j; k++) {
      const double *restrict z = x + (ptrdiff_t)k * b;
      for (int r = 0; r < b; r++) column[r] = fma(row[k], z[r], column[r]);
    }
  }
}

static void shape(const gaussian *model, int b, double *z) {
  ouro_ball_shrink(&model->ball, b, z);
  for (ptrdiff_t k = 0; k < (ptrdiff_t)model->ball.d * b && model->widening != 1; k++) z[k] *= model->widening;
}

static void draw(const ouro_family *family, const ouro_slice *slice, double *rows) {
  const bool real = ouro_slice_is_real(family, slice);
  const int d = family->row_width;
  ouro_samples_fill(ouro_random_normals, slice, d, rows);
  for (ouro_count left = slice->n; left > 0; left -= OURO_ROW_BLOCK) {
    const int b = ouro_samples_block(left);
    if (!real) shape(family->constants, b, rows);
    colour(d, b, slice->theta, slice->theta + d, rows);
    rows += (ptrdiff_t)d * b;
  }
}

static void reduce(const ouro_family *family, const double *rows, ouro_count n, double *statistic) {
  const gaussian *model = family->constants;
  const int d = family->row_width;
  for (; n > 0; n -= OURO_ROW_BLOCK) {
    const int b = ouro_samples_block(n);
    double *x = model->centred;
    for (int c = 0; c < d; c++, rows += b, x += b) {
      for (int r = 0; r < b; r++) x[r] = rows[r] - family->truth[c];
    }
    for (int r = 0; r < b; r++) x[r] = 1;
    ouro_linear_kernels_now()->gram(d, b, model->centred, statistic);
  }
}

/* The samples of a slice do as well by d columns of L A without a sum, A A' a Wishart of m - 1 degrees of freedom, and
 * one, m^1/2 (mean - mu*), whose sum is m^1/2 times itself: sums of products about mu* and sums are theirs. */
static double root_of(const ouro_slice *slice) {
  return sqrt((double)slice->total);
}

static double widening_of(const ouro_family *family, const ouro_slice *slice) {
  const gaussian *model = family->constants;
  return ouro_slice_is_real(family, slice) ? 1 : model->widening;
}

/* m^1/2 (theta - mu*) */
static void shift_of(const ouro_family *family, const ouro_slice *slice, double *shift) {
  for (int j = 0; j < family->row_width; j++) shift[j] = root_of(slice) * (slice->theta[j] - family->truth[j]);
}

/* Add b columns m^1/2 (theta - mu*) or 0, and L z on top, whose part of a sum is `one`. */
static void add_columns(const ouro_family *family, const ouro_slice *slice, int b, const double *shift, double one,
                        double *statistic) {
  const gaussian *model = family->constants;
  const int d = family->row_width;
  double *x = model->centred;
  for (ptrdiff_t k = 0; k < (ptrdiff_t)d * b; k++) x[k] *= widening_of(family, slice);
  colour(d, b, shift, slice->theta + d, x);
  for (int r = 0; r < b; r++) x[(ptrdiff_t)d * b + r] = one;
  ouro_linear_kernels_now()->gram(d, b, x, statistic);
}

static void draw_alone(const ouro_family *family, const ouro_slice *slice, double *statistic) {
  const gaussian *model = family->constants;
  const int d = family->row_width;
  ouro_wishart_begin(&model->wishart, slice);
  for (int first = 0; first < d; first += OURO_ROW_BLOCK) {
    const int b = ouro_samples_block(d - first);
    ouro_wishart_rows(&model->wishart, slice, first, b, d, model->centred);
    add_columns(family, slice, b, model->none, 0, statistic);
  }
  ouro_wishart_normals(slice, d, model->centred);
  shift_of(family, slice, model->shift);
  add_columns(family, slice, 1, model->shift, root_of(slice), statistic);
}

/* The same, 8 side by side. u: the column with a sum. */
static void add_mean(int d, const double *restrict u, const double *root, double *restrict statistic) {
  enum { N = OURO_WISHART_BATCH };
  for (int j = 0; j < d; j++) {
    for (int k = 0; k <= j; k++, statistic += N) {
      for (int i = 0; i < N; i++) statistic[i] = fma(u[j * N + i], u[k * N + i], statistic[i]);
    }
  }
  for (int k = 0; k < d * N; k++) statistic[k] = root[k % N] * u[k];
}

/* u += L z */
static void add_product(int d, const double *factor, const double *restrict z, double *restrict u) {
  enum { N = OURO_WISHART_BATCH };
  for (int j = 0; j < d; j++) {
    for (int k = 0; k <= j; k++, factor += N) {
      for (int i = 0; i < N; i++) u[j * N + i] = fma(factor[i], z[k * N + i], u[j * N + i]);
    }
  }
}

/* Factors, shifts and square roots of sample sizes of n slices, side by side. */
static void lay_out(const ouro_family *family, int n, const ouro_slice *slices, double *root) {
  enum { N = OURO_WISHART_BATCH };
  const gaussian *model = family->constants;
  const int d = family->row_width;
  const double *factors[N];
  for (int i = 0; i < N; i++) {
    const ouro_slice *slice = &slices[i < n ? i : 0];
    factors[i] = slice->theta + d;
    root[i] = root_of(slice);
    shift_of(family, slice, model->shift);
    for (int j = 0; j < d; j++) model->wishart.vector[j * N + i] = model->shift[j];
  }
  ouro_wishart_together(triangle(d), n, factors, model->wishart.factor);
  for (int i = 0; i < n && model->widening != 1; i++) {
    const double widening = widening_of(family, &slices[i]);
    for (ptrdiff_t k = 0; k < triangle(d); k++) model->wishart.factor[k * N + i] *= widening;
  }
}

static void draw_together(const ouro_family *family, int n, const ouro_slice *slices, double *statistics) {
  const gaussian *model = family->constants;
  const ouro_wishart *w = &model->wishart;
  const int d = family->row_width;
  double root[OURO_WISHART_BATCH];
  ouro_wishart_triangles(w, n, slices);
  lay_out(family, n, slices, root);
  add_product(d, w->factor, w->a + triangle(d) * OURO_WISHART_BATCH, w->vector);
  ouro_linear_kernels_now()->multiply(d, w->factor, w->a);
  ouro_linear_kernels_now()->square(d, w->a);
  add_mean(d, w->vector, root, w->a);
  ouro_wishart_apart(family->statistic_width, n, w->a, statistics);
}

static const ouro_wishart_methods of_wishart = {.together = draw_together, .alone = draw_alone};

/* Within a ball samples are not normal: they are drawn. */
static void draw_statistics(const ouro_family *family, ouro_lid n, const ouro_slice *slices, double *statistics) {
  const gaussian *model = family->constants;
  if (model->ball.mass == 1) {
    ouro_wishart_draw(&model->wishart, &of_wishart, family, n, slices, statistics);
    return;
  }
  for (ouro_lid i = 0; i < n; i++, statistics += family->statistic_width) {
    memset(statistics, 0, (size_t)family->statistic_width * sizeof *statistics);
    ouro_family_absorb(family, 1, &slices[i], &statistics);
  }
}

/* L L' = S in place. Column j becomes 0 where its pivot is not above `rounding` times the second moment about mu*. */
static void factor(int d, double rounding, const double *moments, double *s) {
  for (int j = 0; j < d; j++) {
    double *row = s + triangle(j);
    for (int k = 0; k <= j; k++) {
      const double *above = s + triangle(k);
      double sum = row[k];
      for (int l = 0; l < k; l++) sum = fma(-row[l], above[l], sum);
      if (k == j)
        row[k] = sum > rounding * moments[triangle(j) + j] ? sqrt(sum) : 0;
      else
        row[k] = above[k] > 0 ? sum / above[k] : 0;
    }
  }
}

/* Mean, covariance and its factor from the sums of n samples. */
static void fit_one(const ouro_family *family, ouro_count n, double *statistic, double *theta) {
  const gaussian *model = family->constants;
  const int d = family->row_width;
  const double *mean = statistic + triangle(d); /* less mu* */
  const double size = (double)n, scale = model->unbiased ? size / (size - 1) : 1;
  for (int k = 0; k < family->n_parameters; k++) statistic[k] /= size;
  double *s = theta + d;
  for (int j = 0; j < d; j++) {
    theta[j] = family->truth[j] + mean[j];
    for (int k = 0; k <= j; k++) s[triangle(j) + k] = scale * fma(-mean[j], mean[k], statistic[triangle(j) + k]);
  }
  /* n / 64 additions to each sum, each of them rounded */
  factor(d, (16 + d + size / OURO_ROW_BLOCK) * 0x1p-52, statistic, s);
}

static ouro_lid fit(const ouro_family *family, ouro_lid n, const ouro_count *sizes, double *statistics, double *theta) {
  for (ouro_lid i = 0; i < n; i++) {
    if (sizes[i] < family->least_samples) return i;
    const ptrdiff_t at = (ptrdiff_t)i * family->n_parameters;
    fit_one(family, sizes[i], statistics + at, theta + at);
  }
  return n;
}

static void error(const ouro_family *family, ouro_lid n, const double *theta, double *errors) {
  const int d = family->row_width;
  for (ouro_lid i = 0; i < n; i++, theta += family->n_parameters) {
    errors[i] = 0;
    for (int k = 0; k < d; k++) errors[i] += (theta[k] - family->truth[k]) * (theta[k] - family->truth[k]);
  }
}

/* Column by column of the factor, L t for t below and on the diagonal, in place: a row needs what is above it. */
static void multiply_factor(int d, const double *factor, double *t) {
  for (int j = d - 1; j >= 0; j--) {
    for (int k = 0; k <= j; k++) {
      double sum = 0;
      for (int l = k; l <= j; l++) sum = fma(factor[triangle(j) + l], t[triangle(l) + k], sum);
      t[triangle(j) + k] = sum;
    }
  }
}

/* The covariance of a fit to m samples is L (1 + m^-1/2 G) L' with G symmetric of variance 2 on the diagonal and 1
 * beside it; so its factor is L (1 + m^-1/2 T), T the part of G below the diagonal and half of that on it. */
static void scatter(const ouro_family *family, ouro_lid n, double *z) {
  const int d = family->row_width;
  const double *factor = family->truth + d;
  for (ouro_lid i = 0; i < n; i++, z += family->n_parameters) {
    for (int j = d - 1; j >= 0; j--) {
      double sum = 0;
      for (int k = 0; k <= j; k++) sum = fma(factor[triangle(j) + k], z[k], sum);
      z[j] = sum;
    }
    for (int j = 0; j < d; j++) z[d + triangle(j) + j] *= M_SQRT1_2;
    multiply_factor(d, factor, z + d);
  }
}

const ouro_family_methods ouro_family_gaussian = {
    .name = "gaussian",
    .create = create,
    .destroy = destroy,
    .draw = draw,
    .reduce = reduce,
    .fit = fit,
    .error = error,
    .draw_statistics = draw_statistics,
    .scatter = scatter,
    .keys = " dimension noise covariates correlation exponent variance temperature top_p ",
    .measure = "|mean - true mean|^2",
    .error_units = "sample^2",
    .measures = ouro_measures_gaussian,
    .parameter_units = "sample"};
