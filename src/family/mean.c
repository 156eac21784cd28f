/* Means: of a normal distribution of known variance in d dimensions, and of Poisson, Bernoulli and exponential
 * variables, each fitted by the mean of its samples: THEORY.md section 5. The statistic is the sum of the samples,
 * which is normal, Poisson, binomial or gamma: section 11. Invariant: a row depends on the stream, theta and its number
 * only. A mean of 0 is a model like any other. */

#include <math.h>
#include <stdlib.h>

#include "family/measures.h"
#include "family/poisson.h"
#include "family/private.h"
#include "family/samples.h"
#include "ouro/base/memory.h"
#include "ouro/base/sampler.h"

#define TOGETHER 256 /* statistics drawn at once */

static void destroy(ouro_family *family) {
  free(family->constants);
  family->constants = NULL;
}

/* A mean of d dimensions, whose samples have the given spread. */
static ouro_status create(ouro_family *family, int d, ouro_spread spread) {
  ouro_status status = OURO_OK;
  family->n_parameters = family->row_width = family->statistic_width = d;
  family->additive = true;
  family->least_samples = 1;
  family->law = OURO_LAW_MEANS;
  family->spread = spread;
  OURO_NEW(family->truth, d);
cleanup:
  return status;
}

static void reduce(const ouro_family *family, const double *rows, ouro_count n, double *statistic) {
  ouro_samples_add(family->row_width, rows, n, statistic);
}

static ouro_lid fit(const ouro_family *family, ouro_lid n, const ouro_count *sizes, double *statistics, double *theta) {
  const int d = family->n_parameters;
  for (ouro_lid i = 0; i < n; i++) {
    for (int k = 0; k < d; k++) *theta++ = *statistics++ / (double)sizes[i];
  }
  return n;
}

static void error(const ouro_family *family, ouro_lid n, const double *theta, double *errors) {
  const int d = family->n_parameters;
  for (ouro_lid i = 0; i < n; i++) {
    double sum = 0;
    for (int k = 0; k < d; k++, theta++) sum += (*theta - family->truth[k]) * (*theta - family->truth[k]);
    errors[i] = sum / d;
  }
}

/* To first order samples of all models scatter as real ones do. */
static void scatter(const ouro_family *family, ouro_lid n, double *z) {
  const double sd = sqrt(family->spread.base);
  for (ptrdiff_t k = 0; k < (ptrdiff_t)n * family->n_parameters; k++) z[k] *= sd;
}

/* The streams of n slices and how many samples each has, n <= TOGETHER. */
static void gather(ouro_lid n, const ouro_slice *slices, ouro_stream *streams, double *totals) {
  for (ouro_lid i = 0; i < n; i++) {
    streams[i] = slices[i].stream;
    totals[i] = (double)slices[i].total;
  }
}

static ouro_lid together(ouro_lid n) {
  return n < TOGETHER ? n : TOGETHER;
}

/* V(mu) = s^2; s is the family's constant. */
static ouro_status create_normal(const ouro_config *config, ouro_family *family) {
  ouro_status status = OURO_OK;
  const double s = config->model.noise;
  const int d = config->model.dimension;
  double *constant = NULL;
  OURO_CHECK(d >= 1, OURO_ECONFIG, "model.dimension: %d is not at least 1", d);
  OURO_CHECK(s >= 0 && isfinite(s), OURO_ECONFIG, "model.noise: %g is not a number of at least 0", s);
  OURO_TRY(create(family, d, (ouro_spread){.base = s * s}));
  OURO_NEW(constant, 1);
  family->constants = constant;
  *constant = s;
  ouro_samples_truth(config->learning.seed, d, family->truth);
cleanup:
  return status;
}

static void draw_normal(const ouro_family *family, const ouro_slice *slice, double *rows) {
  const double s = slice->noise ? *slice->noise : *(const double *)family->constants;
  const int d = family->row_width;
  ouro_samples_fill(ouro_random_normals, slice, d, rows);
  for (ouro_count left = slice->n; left > 0; left -= OURO_ROW_BLOCK) {
    const int b = ouro_samples_block(left);
    for (int c = 0; c < d; c++, rows += b) {
      for (int r = 0; r < b; r++) rows[r] = fma(s, rows[r], slice->theta[c]);
    }
  }
}

/* m mu + s sqrt(m) z */
static void draw_normal_statistics(const ouro_family *family, ouro_lid n, const ouro_slice *slices,
                                   double *statistics) {
  const int d = family->row_width;
  for (ouro_lid i = 0; i < n; i++, statistics += d) {
    const ouro_slice *slice = &slices[i];
    const double s = slice->noise ? *slice->noise : *(const double *)family->constants;
    const double total = (double)slice->total, sd = s * sqrt(total);
    ouro_random_normals(&slice->stream, 0, (size_t)d, statistics);
    for (int c = 0; c < d; c++) statistics[c] = fma(sd, statistics[c], total * slice->theta[c]);
  }
}

/* One parameter, the mean mu*, within (0, end). */
static ouro_status create_scalar(const ouro_config *config, double end, ouro_family *family, ouro_spread spread) {
  ouro_status status = OURO_OK;
  const double mean = config->model.mean;
  if (!(mean > 0 && mean < end)) {
    return ouro_config_refuse(config, "model.mean", "must be strictly between 0 and %g for family `%s`, not `%g`", end,
                              family->methods->name, mean);
  }
  OURO_TRY(create(family, 1, spread));
  family->truth[0] = mean;
cleanup:
  return status;
}

/* V(mu) = mu. */
static ouro_status create_poisson(const ouro_config *config, ouro_family *family) {
  return create_scalar(config, OURO_POISSON_MOST, family, (ouro_spread){.base = config->model.mean, .slope = 1});
}

static void draw_poisson(const ouro_family *family, const ouro_slice *slice, double *rows) {
  (void)family;
  ouro_poisson_draw(slice->theta[0], slice, rows);
}

/* Poisson of mean m mu. */
static void draw_poisson_statistics(const ouro_family *family, ouro_lid n, const ouro_slice *slices,
                                    double *statistics) {
  ouro_stream streams[TOGETHER];
  (void)family;
  for (ouro_lid some; n > 0; n -= some, slices += some, statistics += some) {
    some = together(n);
    gather(some, slices, streams, statistics);
    for (ouro_lid i = 0; i < some; i++) statistics[i] *= slices[i].theta[0];
    ouro_sampler_poisson((size_t)some, streams, statistics);
  }
}

/* V(mu) = mu (1 - mu). */
static ouro_status create_bernoulli(const ouro_config *config, ouro_family *family) {
  const double mean = config->model.mean;
  return create_scalar(config, 1, family,
                       (ouro_spread){.base = mean * (1 - mean), .slope = 1 - 2 * mean, .curvature = -1});
}

/* Uniform numbers are within (0, 1), so that means of 0 and 1 stay what they are. */
static void draw_bernoulli(const ouro_family *family, const ouro_slice *slice, double *rows) {
  (void)family;
  ouro_samples_fill(ouro_random_uniforms, slice, 1, rows);
  for (ouro_count r = 0; r < slice->n; r++) rows[r] = rows[r] < slice->theta[0] ? 1 : 0;
}

/* Binomial. */
static void draw_bernoulli_statistics(const ouro_family *family, ouro_lid n, const ouro_slice *slices,
                                      double *statistics) {
  ouro_stream streams[TOGETHER];
  double p[TOGETHER];
  (void)family;
  for (ouro_lid some; n > 0; n -= some, slices += some, statistics += some) {
    some = together(n);
    gather(some, slices, streams, statistics);
    for (ouro_lid i = 0; i < some; i++) p[i] = slices[i].theta[0];
    ouro_sampler_binomial((size_t)some, streams, p, statistics);
  }
}

/* V(mu) = mu^2. */
static ouro_status create_exponential(const ouro_config *config, ouro_family *family) {
  const double mean = config->model.mean;
  return create_scalar(config, 1e100, family, (ouro_spread){.base = mean * mean, .slope = 2 * mean, .curvature = 1});
}

static void draw_exponential(const ouro_family *family, const ouro_slice *slice, double *rows) {
  (void)family;
  ouro_samples_fill(ouro_random_exponentials, slice, 1, rows);
  for (ouro_count r = 0; r < slice->n; r++) rows[r] *= slice->theta[0];
}

/* mu times gamma of shape m. */
static void draw_exponential_statistics(const ouro_family *family, ouro_lid n, const ouro_slice *slices,
                                        double *statistics) {
  ouro_stream streams[TOGETHER];
  (void)family;
  for (ouro_lid some; n > 0; n -= some, slices += some, statistics += some) {
    some = together(n);
    gather(some, slices, streams, statistics);
    ouro_sampler_gamma((size_t)some, streams, 1, statistics);
    for (ouro_lid i = 0; i < some; i++) statistics[i] *= slices[i].theta[0];
  }
}

const ouro_family_methods ouro_family_normal_mean = {.name = "normal-mean",
                                                     .create = create_normal,
                                                     .takes_noise = true,
                                                     .destroy = destroy,
                                                     .draw = draw_normal,
                                                     .reduce = reduce,
                                                     .fit = fit,
                                                     .error = error,
                                                     .draw_statistics = draw_normal_statistics,
                                                     .scatter = scatter,
                                                     .keys = " dimension noise ",
                                                     .measure = "|mean - true mean|^2 / d",
                                                     .error_units = "sample^2",
                                                     .measures = ouro_measures_normal_mean,
                                                     .parameter_units = "sample"};

#define SCALAR(name_, create_, draw_, statistics_, measures_, units_, parameter_units_)                                \
  {                                                                                                                    \
    .name = name_, .create = create_, .destroy = destroy, .draw = draw_, .reduce = reduce, .fit = fit, .error = error, \
    .draw_statistics = statistics_, .scatter = scatter, .keys = " mean ", .measures = measures_,                       \
    .measure = "(mean - true mean)^2", .error_units = units_, .parameter_units = parameter_units_                      \
  }

const ouro_family_methods ouro_family_poisson = SCALAR("poisson", create_poisson, draw_poisson, draw_poisson_statistics,
                                                       ouro_measures_poisson, "sample^2", "sample");
const ouro_family_methods ouro_family_bernoulli =
    SCALAR("bernoulli", create_bernoulli, draw_bernoulli, draw_bernoulli_statistics, ouro_measures_bernoulli, "1", "1");
const ouro_family_methods ouro_family_exponential =
    SCALAR("exponential", create_exponential, draw_exponential, draw_exponential_statistics, ouro_measures_exponential,
           "sample^2", "sample");
