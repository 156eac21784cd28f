/* Kernel density estimate with a Gaussian kernel in d dimensions: a model is the samples it was fitted to, and draws
 * one of them at random and moves it by the kernel. Theory: THEORY.md section 12, R18. Parameters: the mean of the kept
 * samples, bandwidths, their number, the samples, then zeros. Nature, N(mu*, sigma^2), is a single kept sample mu* with
 * bandwidth sigma. Where samples can weigh (forgetting, real.weight), running sums of their weights follow at the end.
 * Invariant: a model without spread is a model; no number depends on how samples came. */

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "family/private.h"
#include "family/samples.h"
#include "ouro/base/memory.h"

/* How wide a kernel is. */
typedef enum rule { FIXED, SCOTT, SILVERMAN } rule;

typedef struct kde {
  int d;
  rule rule;
  double width;    /* of a fixed kernel */
  ouro_count most; /* samples that there is room for */
  bool weighted;   /* do they have weights? */
} kde;

/* Where the parts of a model stand. */
static const double *bandwidths_of(const kde *model, const double *theta) {
  return theta + model->d;
}

static ouro_count count_of(const kde *model, const double *theta) {
  return (ouro_count)theta[2 * model->d];
}

static const double *points_of(const kde *model, const double *theta) {
  return theta + 2 * model->d + 1;
}

/* [n] running sums of weights */
static const double *sums_of(const kde *model, const double *theta) {
  return points_of(model, theta) + model->most * model->d;
}

static void destroy(ouro_family *family) {
  free(family->constants);
  family->constants = NULL;
}

static ouro_status read_bandwidth(const ouro_config *config, kde *model) {
  static const char *const words[] = {"scott", "silverman"};
  const char *text = config->model.bandwidth;
  char *end;
  model->rule = strcmp(text, words[0]) == 0 ? SCOTT : strcmp(text, words[1]) == 0 ? SILVERMAN : FIXED;
  if (model->rule != FIXED) return OURO_OK;
  model->width = strtod(text, &end);
  if (end > text && *end == '\0' && model->width >= 0 && model->width <= 1e100) return OURO_OK;
  const char *nearest = ouro_config_nearest(text, words, 2);
  return ouro_config_refuse(config, "model.bandwidth", "must be scott, silverman or a number from 0 on, not `%s`%s%s%s",
                            text, nearest ? "; did you mean `" : "", nearest ? nearest : "", nearest ? "`?" : "");
}

/* A kernel of fixed width adds its variance to that of the samples each time they are drawn from; one by a rule of
 * thumb multiplies it. */
static void set_theory(const kde *model, double sigma, ouro_family *family) {
  family->law = OURO_LAW_MEANS;
  family->spread.base = sigma * sigma;
  if (model->rule != FIXED) {
    family->spread.fitted = OURO_FITTED_ML;
    return;
  }
  family->spread.slope = 1;
  family->spread.curvature = -1;
  family->spread.drift = model->width * model->width;
}

static ouro_status set_truth(const ouro_config *config, const kde *model, ouro_family *family) {
  ouro_status status = OURO_OK;
  const int d = model->d;
  OURO_NEW(family->truth, family->n_parameters);
  ouro_samples_truth(config->learning.seed, d, family->truth);
  for (int k = 0; k < d; k++) family->truth[d + k] = config->model.noise;
  family->truth[2 * d] = 1;
  memcpy(family->truth + 2 * d + 1, family->truth, (size_t)d * sizeof(double));
  if (model->weighted) family->truth[2 * d + 1 + model->most * d] = 1;
cleanup:
  return status;
}

static ouro_status create(const ouro_config *config, ouro_family *family) {
  ouro_status status = OURO_OK;
  kde *model = NULL;
  const int d = config->model.dimension;
  int size;
  OURO_NEW(model, 1);
  family->constants = model;
  model->d = d;
  model->most = config->model.points;
  model->weighted = config->learning.regime == OURO_REGIME_FORGET || config->real.weight > 0;
  OURO_TRY(read_bandwidth(config, model));
  OURO_CHECK(config->model.points >= 1 && !__builtin_mul_overflow(config->model.points, d + model->weighted, &size) &&
                 !__builtin_add_overflow(size, 2 * d + 1, &size),
             OURO_ECONFIG, "model.points: %" OURO_COUNT_FMT " samples of %d dimensions are too many",
             config->model.points, d);
  family->n_parameters = size;
  family->row_width = d;
  family->least_samples = model->rule == FIXED ? 1 : 2;
  family->most_samples = config->model.points;
  set_theory(model, config->model.noise, family);
  OURO_TRY(set_truth(config, model, family));
cleanup:
  return status;
}

/* The first of n running sums that is beyond a number, or the last one; 0 if there are none. */
static ouro_count first_beyond(ouro_count n, const double *sums, double number) {
  ouro_count low = 0, high = n - 1;
  while (low < high) {
    const ouro_count middle = (low + high) / 2;
    if (number < sums[middle])
      high = middle;
    else
      low = middle + 1;
  }
  return low;
}

/* Where the points stand from which b rows come. */
static void pick(const kde *model, const double *theta, const ouro_stream *stream, ouro_count first, int b,
                 ptrdiff_t *at) {
  const ouro_count n = count_of(model, theta);
  const double *sums = sums_of(model, theta);
  uint64_t word[OURO_ROW_BLOCK];
  double u[OURO_ROW_BLOCK];
  if (model->weighted) {
    ouro_random_uniforms(stream, (uint64_t)first, (size_t)b, u);
    for (int r = 0; r < b; r++) at[r] = first_beyond(n, sums, n > 0 ? u[r] * sums[n - 1] : 0) * model->d;
  } else {
    ouro_random_words(stream, (uint64_t)first, (size_t)b, word);
    for (int r = 0; r < b; r++) at[r] = (ptrdiff_t)ouro_random_below(word[r], (uint64_t)n) * model->d;
  }
}

/* Samples are numbers of the stream itself, which point they come from those of a substream. */
static void draw(const ouro_family *family, const ouro_slice *slice, double *rows) {
  const kde *model = family->constants;
  const int d = model->d;
  const double *width = bandwidths_of(model, slice->theta), *points = points_of(model, slice->theta);
  const ouro_stream picks = ouro_random_substream(&slice->stream, 1);
  ptrdiff_t at_point[OURO_ROW_BLOCK];
  ouro_samples_fill(ouro_random_normals, slice, d, rows);
  for (ouro_count at = 0; at < slice->n; at += OURO_ROW_BLOCK) {
    const int b = ouro_samples_block(slice->n - at);
    pick(model, slice->theta, &picks, slice->first + at, b, at_point);
    for (int c = 0; c < d; c++, rows += b) {
      for (int r = 0; r < b; r++) rows[r] = fma(width[c], rows[r], points[at_point[r] + c]);
    }
  }
}

/* Bandwidths as multiples of the standard deviations: D. W. Scott, Multivariate Density Estimation, 1992;
 * B. W. Silverman, Density Estimation, 1986. */
static double factor(const kde *model, double n) {
  const double d = model->d;
  return pow(model->rule == SCOTT ? n : n * (d + 2) / 4, -1 / (d + 4));
}

/* v + h^2, h^2 = factor^2 n / (n - 1) v. */
static double drawn(const ouro_family *family, ouro_count n) {
  const double size = (double)n, h = factor(family->constants, size);
  return 1 + h * h * size / (size - 1);
}

/* Sums of weights and of their squares. */
typedef struct weights {
  const double *each; /* NULL: all 1 */
  double sum, squares;
} weights;

static double weight_of(const weights *w, ouro_count i) {
  return w->each ? w->each[i] : 1;
}

static weights weigh(ouro_count n, const double *each) {
  weights w = {.each = each};
  for (ouro_count i = 0; i < n; i++) {
    w.sum += weight_of(&w, i);
    w.squares += weight_of(&w, i) * weight_of(&w, i);
  }
  return w;
}

/* Standard deviations are unbiased, and samples count as sum^2 / squares (Kish 1965); n - 1 and n where all weigh 1. */
static double width_of(const kde *model, ouro_count n, const weights *w, const double *column, double mean) {
  double sum = 0;
  if (model->rule == FIXED) return model->width;
  for (ouro_count i = 0; i < n; i++, column += model->d) sum += weight_of(w, i) * (*column - mean) * (*column - mean);
  return factor(model, w->sum * w->sum / w->squares) * sqrt(sum / (w->sum - w->squares / w->sum));
}

/* From row blocks to one sample after the other. */
static void keep(int d, ouro_count n, const double *rows, double *points) {
  for (ouro_count at = 0; at < n; at += OURO_ROW_BLOCK) {
    const int b = ouro_samples_block(n - at);
    for (int c = 0; c < d; c++, rows += OURO_ROW_BLOCK) {
      for (int r = 0; r < b; r++) points[(at + r) * d + c] = rows[r];
    }
  }
}

/* Running sums of the weights. */
static void accumulate(const kde *model, ouro_count n, const weights *w, double *theta) {
  double *sums = theta + (sums_of(model, theta) - theta), sum = 0;
  for (ouro_count i = 0; model->weighted && i < n; i++) sums[i] = sum += weight_of(w, i);
}

static bool fit_rows(const ouro_family *family, ouro_count n, const double *rows, const double *each, double *theta) {
  const kde *model = family->constants;
  const int d = model->d;
  const weights w = weigh(n, each);
  double *points = theta + 2 * d + 1;
  if (n > family->most_samples) return false;
  memset(theta, 0, (size_t)family->n_parameters * sizeof *theta);
  keep(d, n, rows, points);
  accumulate(model, n, &w, theta);
  theta[2 * d] = (double)n;
  for (int c = 0; c < d; c++) {
    for (ouro_count i = 0; i < n; i++) theta[c] += weight_of(&w, i) * points[i * d + c];
    theta[c] /= w.sum;
    theta[d + c] = width_of(model, n, &w, points + c, theta[c]);
    if (!isfinite(theta[c]) || !isfinite(theta[d + c])) return false;
  }
  return true;
}

static void error(const ouro_family *family, ouro_lid n, const double *theta, double *errors) {
  const int d = family->row_width;
  for (ouro_lid i = 0; i < n; i++, theta += family->n_parameters) {
    errors[i] = 0;
    for (int k = 0; k < d; k++) errors[i] += (theta[k] - family->truth[k]) * (theta[k] - family->truth[k]) / d;
  }
}

/* The probability that a kept sample is drawn. */
static double share_of(const kde *model, const double *theta, ouro_count k) {
  const ouro_count n = count_of(model, theta);
  const double *sums = sums_of(model, theta);
  return model->weighted ? (sums[k] - (k > 0 ? sums[k - 1] : 0)) / sums[n - 1] : 1 / (double)n;
}

/* Mean over kept samples of their squared distance to their mean, / d. */
static void variances(const ouro_family *family, ouro_lid n, const double *theta, double *values) {
  const kde *model = family->constants;
  const int d = model->d;
  for (ouro_lid i = 0; i < n; i++, theta += family->n_parameters) {
    const ouro_count size = count_of(model, theta);
    const double *x = points_of(model, theta);
    values[i] = 0;
    for (ouro_count k = 0; k < size; k++, x += d) {
      double square = 0;
      for (int c = 0; c < d; c++) square += (x[c] - theta[c]) * (x[c] - theta[c]);
      values[i] += share_of(model, theta, k) * square / d;
    }
  }
}

/* ln of the mean over kept samples of e^(-|(x - sample) / width|^2 / 2), taken out of which the largest term is. */
static double log_kernels(const kde *model, const double *theta, const double *x, int stride) {
  const int d = model->d;
  const double *width = bandwidths_of(model, theta);
  double largest = -INFINITY, sum = 0;
  for (ouro_count k = 0, size = count_of(model, theta); k < size; k++) {
    const double *point = points_of(model, theta) + k * d;
    double exponent = 0;
    for (int c = 0; c < d; c++) {
      const double z = (x[(ptrdiff_t)c * stride] - point[c]) / width[c];
      exponent -= 0.5 * z * z;
    }
    if (exponent == -INFINITY) continue;
    if (exponent > largest) {
      sum = sum * exp(largest - exponent) + share_of(model, theta, k);
      largest = exponent;
    } else {
      sum += share_of(model, theta, k) * exp(exponent - largest);
    }
  }
  return largest + log(sum);
}

static double likelihood(const ouro_family *family, const double *theta) {
  const kde *model = family->constants;
  const double *rows = family->held_out;
  double sum = 0, volume = 0.5 * model->d * log(2 * 3.14159265358979323846);
  for (int c = 0; c < model->d; c++) volume += log(bandwidths_of(model, theta)[c]);
  if (volume == -INFINITY) return INFINITY;
  for (int block = 0; block < OURO_HELD_OUT; block += OURO_ROW_BLOCK, rows += OURO_ROW_BLOCK * model->d) {
    for (int r = 0; r < OURO_ROW_BLOCK; r++) sum += log_kernels(model, theta, rows + r, OURO_ROW_BLOCK);
  }
  return volume - sum / OURO_HELD_OUT;
}

static void likelihoods(const ouro_family *family, ouro_lid n, const double *theta, double *values) {
  for (ouro_lid i = 0; i < n; i++) values[i] = likelihood(family, theta + (ptrdiff_t)i * family->n_parameters);
}

static const ouro_measure measures[] = {
    {"variance", "sample^2", "mean squared distance of the kept samples to their mean, / d", variances},
    {"nll", "1",
     "mean negative log-likelihood of 512 held-out samples of the truth, the same for all models, in nats; inf where a "
     "bandwidth is 0",
     likelihoods},
    {NULL, NULL, NULL, NULL}};

const ouro_family_methods ouro_family_kde = {.name = "kde",
                                             .create = create,
                                             .destroy = destroy,
                                             .draw = draw,
                                             .fit_rows = fit_rows,
                                             .error = error,
                                             .drawn = drawn,
                                             .keys = " dimension noise bandwidth points ",
                                             .measure = "|mean of kept samples - true mean|^2 / d",
                                             .error_units = "sample^2",
                                             .parameter_units = "sample",
                                             .measures = measures,
                                             .holds_out = true,
                                             .unfitted = "samples were too large for numbers"};
