/* Normal mixtures: samples, errors, fits, and what becomes of components that lose their samples. ranks: 1 */

#include "../support/harness.h"

#include <string.h>

#include "experiment.h"

#define PI 3.14159265358979323846

enum { MOST_K = 5, MOST_D = 3, MOST_N = 2500 };

static ouro_config configured(int k, int d, double separation) {
  ouro_config config = experiment_of(d, 2, OURO_COVARIATES_ISOTROPIC, 0);
  config.model.family = "mixture";
  config.model.components = k;
  config.model.separation = separation;
  return config;
}

static ouro_family *mixture_of(int k, int d, double separation) {
  const ouro_config config = configured(k, d, separation);
  return family_of(&config);
}

/* Parameters by name: a component is its mean, the rows of its factor, its weight. */
static const double *component_of(int d, const double *theta, int a) {
  return theta + a * (d + d * (d + 1) / 2 + 1);
}

static double weight_of(int d, const double *theta, int a) {
  return component_of(d, theta, a + 1)[-1];
}

static double factor_of(int d, const double *theta, int a, int j, int k) {
  return k > j ? 0 : component_of(d, theta, a)[d + j * (j + 1) / 2 + k];
}

/* Density of component a at x, by a plain forward substitution. */
static double density_of(int d, const double *theta, int a, const double *x) {
  double z[MOST_D], square = 0, scale = 1;
  for (int j = 0; j < d; j++) {
    z[j] = x[j] - component_of(d, theta, a)[j];
    for (int k = 0; k < j; k++) z[j] -= factor_of(d, theta, a, j, k) * z[k];
    z[j] /= factor_of(d, theta, a, j, j);
    square += z[j] * z[j];
    scale *= factor_of(d, theta, a, j, j) * sqrt(2 * PI);
  }
  return exp(-square / 2) / scale;
}

static double mixture_density(int k, int d, const double *theta, const double *x) {
  double sum = 0;
  for (int a = 0; a < k; a++) {
    if (weight_of(d, theta, a) > 0) sum += weight_of(d, theta, a) * density_of(d, theta, a, x);
  }
  return sum;
}

typedef struct sample {
  int n, d;
  double x[MOST_N][MOST_D];
} sample;

static sample drawn(const ouro_family *family, const double *theta, int n, int64_t id) {
  sample s = {.n = n, .d = family->row_width};
  const ouro_slice slice = slice_of(id, theta, n);
  double *rows = rows_of(family, &slice);
  for (int r = 0; r < n; r++) {
    for (int c = 0; c < s.d; c++) s.x[r][c] = element_of(rows, n, s.d, r, c);
  }
  free(rows);
  return s;
}

static bool fitted(const ouro_family *family, const sample *s, double *theta) {
  const ouro_count n = s->n;
  double *statistic = statistic_for(family, n);
  for (int k = 0; k < family->n_parameters; k++) theta[k] = -1; /* every parameter is set */
  for (int r = 0; r < s->n; r++) ouro_family_reduce(family, s->x[r], 1, statistic);
  const bool good = ouro_family_fit(family, 1, &n, statistic, theta) == 1;
  free(statistic);
  return good;
}

static double error_of(const ouro_family *family, const double *theta) {
  double error;
  ouro_family_error(family, 1, theta, &error);
  return error;
}

/* Neighbours of nature are so many noises apart, of one weight, and spherical. */
static void nature(void **state) {
  (void)state;
  ouro_family *family = mixture_of(4, 3, 7);
  for (int a = 0; a < 4; a++) {
    double square = 0;
    for (int j = 0; j < 3; j++) {
      const double apart = component_of(3, family->truth, a)[j] - component_of(3, family->truth, a ? a - 1 : 0)[j];
      square += apart * apart;
      for (int k = 0; k < 3; k++) assert_true(factor_of(3, family->truth, a, j, k) == (j == k ? 2 : 0));
    }
    assert_true(weight_of(3, family->truth, a) == 0.25);
    assert_true(a == 0 || fabs(sqrt(square) - 14) < 1e-12);
  }
  ouro_family_destroy(&family);
}

/* A model of two components, of weights .3 and .7, correlated, far apart: counts, means and products of standardised
 * rows within 5 standard errors (8 comparisons, 5e-6). */
static void draws(void **state) {
  (void)state;
  enum { DRAWS = 2500 };
  ouro_family *family = mixture_of(2, 2, 1);
  const double theta[12] = {-50, 0, 1, 0.8, 0.6, 0.3, 50, 9, 2, -1, 3, 0.7}, share[2] = {0.3, 0.7};
  const sample s = drawn(family, theta, DRAWS, 1);
  double count[2] = {0}, sums[2] = {0}, products[3] = {0};
  for (int r = 0; r < DRAWS; r++) {
    const int a = s.x[r][0] > 0;
    const double *part = component_of(2, theta, a);
    const double u = (s.x[r][0] - part[0]) / part[2], v = (s.x[r][1] - part[1] - part[3] * u) / part[4];
    count[a] += 1;
    sums[0] += u;
    sums[1] += v;
    products[0] += u * u - 1;
    products[1] += u * v;
    products[2] += v * v - 1;
  }
  assert_true(fabs(count[0] - DRAWS * share[0]) < 5 * sqrt(DRAWS * share[0] * share[1]));
  for (int i = 0; i < 2; i++) assert_true(fabs(sums[i]) < 5 * sqrt(DRAWS));
  for (int i = 0; i < 3; i++) assert_true(fabs(products[i]) < 5 * sqrt((i == 1 ? 1 : 2) * DRAWS));
  ouro_family_destroy(&family);
}

/* The error against sums over a grid, for models that are fits to few samples, and for one without parameters: 1. */
static void errors_are_integrals(void **state) {
  (void)state;
  for (int d = 1; d <= 2; d++) {
    ouro_family *family = mixture_of(3, d, 2);
    double *theta = numbers(family->n_parameters);
    assert_true(fabs(error_of(family, theta) - 1) < 1e-15);
    for (int64_t id = 0; id < 5; id++) {
      const sample s = drawn(family, family->truth, 60, id);
      double apart = 0, truth = 0, x[MOST_D] = {0};
      const double step = d == 1 ? 0.005 : 0.1, end = 25;
      assert_true(fitted(family, &s, theta));
      for (x[0] = -end; x[0] < end; x[0] += step) {
        for (x[1] = d == 1 ? end - step : -end; x[1] < end; x[1] += step) {
          const double f = mixture_density(3, d, theta, x), g = mixture_density(3, d, family->truth, x);
          apart += (f - g) * (f - g);
          truth += g * g;
        }
      }
      assert_true(fabs(error_of(family, theta) / (apart / truth) - 1) < 1e-4);
    }
    free(theta);
    ouro_family_destroy(&family);
  }
}

/* Any order of components is one model. */
static void labels_do_not_matter(void **state) {
  (void)state;
  ouro_family *family = mixture_of(3, 2, 3);
  const int size = family->n_parameters / 3;
  double *theta = numbers(family->n_parameters), *turned = numbers(family->n_parameters);
  const sample s = drawn(family, family->truth, 200, 3);
  assert_true(fitted(family, &s, theta));
  const double error = error_of(family, theta);
  assert_true(error > 0.001);
  for (int turn = 1; turn < 3; turn++) {
    for (int i = 0; i < 3 * size; i++) turned[(i + turn * size) % (3 * size)] = theta[i];
    assert_true(fabs(error_of(family, turned) - error) < 1e-13);
  }
  free(theta);
  free(turned);
  ouro_family_destroy(&family);
}

static double likelihood_of(int k, const sample *s, const double *theta) {
  double sum = 0;
  for (int r = 0; r < s->n; r++) sum += log(mixture_density(k, s->d, theta, s->x[r]));
  return sum;
}

/* One more step of expectation and maximisation, by plain sums. */
static void plain_step(int k, const sample *s, const double *theta, double weight[MOST_K], double mean[MOST_K][MOST_D],
                       double covariance[MOST_K][MOST_D][MOST_D]) {
  for (int a = 0; a < k; a++) {
    double mass = 0, first[MOST_D] = {0}, second[MOST_D][MOST_D] = {{0}};
    for (int r = 0; r < s->n; r++) {
      const double p =
          weight_of(s->d, theta, a) * density_of(s->d, theta, a, s->x[r]) / mixture_density(k, s->d, theta, s->x[r]);
      mass += p;
      for (int i = 0; i < s->d; i++) {
        first[i] += p * s->x[r][i];
        for (int j = 0; j < s->d; j++) second[i][j] += p * s->x[r][i] * s->x[r][j];
      }
    }
    weight[a] = mass / s->n;
    for (int i = 0; i < s->d; i++) mean[a][i] = first[i] / mass;
    for (int i = 0; i < s->d; i++) {
      for (int j = 0; j < s->d; j++) covariance[a][i][j] = second[i][j] / mass - mean[a][i] * mean[a][j];
    }
  }
}

/* Fits are stationary: a plain step moves no parameter by more than a hundredth of its standard error, and raises the
 * likelihood of a sample by less than 1e-6; and they are likelier than the truth. */
static void fits_are_maxima(void **state) {
  (void)state;
  for (int d = 1; d <= MOST_D; d++) {
    for (int k = 1; k <= MOST_K; k += 2) {
      const int n = 150 * k;
      ouro_family *family = mixture_of(k, d, 6);
      double *theta = numbers(family->n_parameters);
      const sample s = drawn(family, family->truth, n, 10 * k + d);
      double weight[MOST_K], mean[MOST_K][MOST_D], covariance[MOST_K][MOST_D][MOST_D];
      assert_true(fitted(family, &s, theta));
      assert_true(likelihood_of(k, &s, theta) > likelihood_of(k, &s, family->truth));
      plain_step(k, &s, theta, weight, mean, covariance);
      for (int a = 0; a < k; a++) {
        const double *part = component_of(d, theta, a);
        assert_true(a == 0 || part[0] >= component_of(d, theta, a - 1)[0]);
        assert_true(fabs(weight[a] - weight_of(d, theta, a)) < 0.01 / sqrt(n));
        for (int i = 0; i < d; i++) {
          assert_true(fabs(mean[a][i] - part[i]) < 0.02 / sqrt(150));
          for (int j = 0; j <= i; j++) {
            double product = 0;
            for (int l = 0; l <= j; l++) product += factor_of(d, theta, a, i, l) * factor_of(d, theta, a, j, l);
            assert_true(fabs(covariance[a][i][j] - product) < 0.04 / sqrt(150));
          }
        }
      }
      free(theta);
      ouro_family_destroy(&family);
    }
  }
}

/* Ten components far apart are all found: 300 fits to 50 samples of each, in which a single start of k-means++ misses
 * one in 3 of 100. A component that stands for two is much wider than one. */
static void no_cluster_is_missed(void **state) {
  (void)state;
  enum { FITS = 300, K = 10 };
  ouro_family *family = mixture_of(K, 2, 10);
  double *theta = numbers(family->n_parameters);
  for (int i = 0; i < FITS; i++) {
    const sample s = drawn(family, family->truth, 50 * K, 500 + i);
    assert_true(fitted(family, &s, theta));
    for (int a = 0; a < K; a++) assert_true(factor_of(2, theta, a, 0, 0) < 4);
  }
  free(theta);
  ouro_family_destroy(&family);
}

/* A row of weight w is w rows: components far apart, so that both fits find the same maximum. */
static void weights_are_multiplicities(void **state) {
  (void)state;
  enum { ROWS = 200 };
  for (int d = 1; d <= MOST_D; d++) {
    ouro_family *family = mixture_of(3, d, 20);
    double *theta = numbers(family->n_parameters), *weighted = numbers(family->n_parameters), weights[ROWS];
    const sample some = drawn(family, family->truth, ROWS, d);
    double *statistic = statistic_for(family, ROWS);
    sample all = {.d = d};
    for (int r = 0; r < ROWS; r++) {
      weights[r] = 1 + r % 4;
      ouro_family_reduce(family, some.x[r], 1, statistic);
      for (int i = 0; i < 1 + r % 4; i++) memcpy(all.x[all.n++], some.x[r], sizeof some.x[r]);
    }
    assert_true(fitted(family, &all, theta));
    assert_true(ouro_family_fit_sample(family, statistic, weights, weighted));
    for (int i = 0; i < family->n_parameters; i++) assert_true(fabs(theta[i] - weighted[i]) < 1e-9);
    free(statistic);
    free(theta);
    free(weighted);
    ouro_family_destroy(&family);
  }
}

/* Components far apart in one dimension: weights err by (1 - 1/K)/n in all, each component, fitted to n/K samples, by
 * 1/2 (mean) and 3/8 (standard deviation) over that number, so that n E error = 15 K / 8 - 1. 400 fits to 400 samples,
 * within 5 standard errors (6e-7) and 4 percent for what is of second order. */
static void the_error_falls_with_the_sample(void **state) {
  (void)state;
  enum { FITS = 400, SIZE = 400 };
  for (int k = 1; k <= 3; k += 2) {
    ouro_family *family = mixture_of(k, 1, 30);
    double *theta = numbers(family->n_parameters), sum = 0, squares = 0;
    const double expected = (15.0 * k / 8 - 1) / SIZE;
    for (int i = 0; i < FITS; i++) {
      const sample s = drawn(family, family->truth, SIZE, 100 + i);
      assert_true(fitted(family, &s, theta));
      sum += error_of(family, theta) / FITS;
      squares += pow(error_of(family, theta), 2) / FITS;
    }
    assert_true(fabs(sum - expected) < 5 * sqrt((squares - sum * sum) / FITS) + 0.04 * expected);
    free(theta);
    ouro_family_destroy(&family);
  }
}

/* Everything is finite, weights sum to 1, no component is narrower than the least. */
static void expect_sane(const ouro_family *family, int k, const double *theta) {
  const int d = family->row_width;
  double sum = 0;
  for (int i = 0; i < family->n_parameters; i++) assert_true(isfinite(theta[i]));
  for (int a = 0; a < k; a++) {
    const double weight = weight_of(d, theta, a);
    assert_true(weight >= 0);
    sum += weight;
    for (int j = 0; j < d; j++) assert_true(weight == 0 || factor_of(d, theta, a, j, j) >= 2 * 0.999e-3);
    for (int i = 0; i < family->n_parameters / k - 1; i++) assert_true(weight > 0 || component_of(d, theta, a)[i] == 0);
  }
  assert_true(fabs(sum - 1) < 1e-12);
  assert_true(isfinite(error_of(family, theta)) && error_of(family, theta) >= 0);
}

static int alive_of(int d, int k, const double *theta) {
  int alive = 0;
  for (int a = 0; a < k; a++) alive += weight_of(d, theta, a) > 0;
  return alive;
}

/* One point, two points, as many samples as components, a sample far off: no component narrows down on what is not
 * d + 1 samples. */
static void lost_components(void **state) {
  (void)state;
  for (int d = 1; d <= MOST_D; d++) {
    ouro_family *family = mixture_of(3, d, 4);
    double *theta = numbers(family->n_parameters);
    sample s = {.n = 50, .d = d};
    assert_true(fitted(family, &s, theta));
    expect_sane(family, 3, theta);
    assert_int_equal(alive_of(d, 3, theta), 1);
    for (int r = 0; r < 50; r += 2) s.x[r][0] = 70;
    assert_true(fitted(family, &s, theta));
    expect_sane(family, 3, theta);
    assert_int_equal(alive_of(d, 3, theta), 2);
    assert_true(fabs(theta[0]) < 1e-12 && fabs(component_of(d, theta, 1)[0] - 70) < 1e-12);
    assert_true(fabs(weight_of(d, theta, 1) - 0.5) < 1e-12);
    s = drawn(family, family->truth, 3, 8);
    assert_true(fitted(family, &s, theta));
    expect_sane(family, 3, theta);
    assert_int_equal(alive_of(d, 3, theta), 1);
    s = drawn(family, family->truth, 200, 9);
    for (int r = 0; r < d; r++) s.x[r][0] = 1000;
    assert_true(fitted(family, &s, theta));
    expect_sane(family, 3, theta);
    for (int a = 0; a < alive_of(d, 3, theta); a++) assert_true(weight_of(d, theta, a) > 1.0 * d / 200);
    free(theta);
    ouro_family_destroy(&family);
  }
}

/* A model without parameters draws zeros, one that has lost a component draws the others. */
static void draws_of_what_is_left(void **state) {
  (void)state;
  ouro_family *family = mixture_of(3, 1, 4);
  const double none[9] = {0}, left[9] = {10, 0.1, 0.5, 0, 0, 0, 20, 0.1, 0.5};
  const sample zeros = drawn(family, none, 200, 1), both = drawn(family, left, 200, 2);
  int near[2] = {0};
  for (int r = 0; r < 200; r++) {
    assert_true(zeros.x[r][0] == 0);
    for (int a = 0; a < 2; a++) near[a] += fabs(both.x[r][0] - 10 * (a + 1)) < 1;
  }
  assert_true(near[0] + near[1] == 200 && near[0] > 60 && near[1] > 60);
  ouro_family_destroy(&family);
}

static double measured(const ouro_family *family, const char *name, const double *theta) {
  double value = NAN;
  for (const ouro_measure *m = family->methods->measures; m->name; m++) {
    if (strcmp(m->name, name) == 0) m->compute(family, 1, theta, &value);
  }
  return value;
}

/* Likelihood and number of components of fits, of one that has lost a component, and of a model without parameters. */
static void measures(void **state) {
  (void)state;
  for (int d = 1; d <= MOST_D; d++) {
    ouro_family *family = mixture_of(3, d, 4);
    double *theta = numbers(family->n_parameters);
    assert_true(measured(family, "components", theta) == 0 && measured(family, "nll", theta) == INFINITY);
    for (int n = 3; n < 400; n *= 5) {
      const sample s = drawn(family, family->truth, n, n);
      double sum = 0;
      assert_true(fitted(family, &s, theta));
      assert_true(measured(family, "components", theta) == alive_of(d, 3, theta));
      for (int r = 0; r < OURO_HELD_OUT; r++) {
        double x[MOST_D];
        for (int c = 0; c < d; c++) x[c] = element_of(family->held_out, OURO_HELD_OUT, d, r, c);
        sum -= log(mixture_density(3, d, theta, x)) / OURO_HELD_OUT;
      }
      assert_true(n == 3 || fabs(measured(family, "nll", theta) - sum) < 1e-10 * (1 + fabs(sum)));
      assert_true(measured(family, "nll", theta) > measured(family, "nll", family->truth));
    }
    free(theta);
    ouro_family_destroy(&family);
  }
}

/* A fit is a function of its sample: what was fitted before leaves no trace. Another seed may start elsewhere. */
static void fits_depend_on_the_sample_alone(void **state) {
  (void)state;
  ouro_family *family = mixture_of(4, 2, 2);
  double *theta = numbers(family->n_parameters), *again = numbers(family->n_parameters);
  const sample one = drawn(family, family->truth, 333, 1), other = drawn(family, family->truth, 2000, 2);
  assert_true(fitted(family, &one, theta) && fitted(family, &other, again) && fitted(family, &one, again));
  assert_memory_equal(theta, again, (size_t)family->n_parameters * sizeof *theta);
  free(theta);
  free(again);
  ouro_family_destroy(&family);
}

static void what_cannot_be_fitted(void **state) {
  (void)state;
  const double bad[] = {NAN, INFINITY, -1e102};
  ouro_family *family = mixture_of(2, 2, 4);
  double *theta = numbers(family->n_parameters);
  for (int i = 0; i < 3; i++) {
    sample s = drawn(family, family->truth, 70, 1);
    s.x[66][1] = bad[i];
    assert_false(fitted(family, &s, theta));
  }
  free(theta);
  ouro_family_destroy(&family);
}

static void too_many_dimensions(void **state) {
  (void)state;
  ouro_config config = configured(2, 33, 4);
  ouro_family *family;
  config.places = "model.dimension\tx.yaml:7\n";
  assert_int_equal(ouro_family_create(&config, &family), OURO_ECONFIG);
  assert_non_null(strstr(ouro_error_message(), "x.yaml:7: model.dimension: must be within 1 .. 32"));
}

/* ---- the limit of many samples ---- */

static ouro_family *limit_of(int k, int d, double separation) {
  ouro_config config = configured(k, d, separation);
  config.learning.sampling = OURO_SAMPLING_LIMIT;
  return family_of(&config);
}

enum { MOST_P = 30 };

/* Derivatives of the log-density of nature at x along what each unit vector is scattered to. */
static void slopes(const ouro_family *family, int k, const double *scattered, const double *x, double *slope) {
  const int p = family->n_parameters;
  const double h = 1e-5;
  double theta[2][MOST_P];
  for (int c = 0; c < p; c++) {
    for (int i = 0; i < p; i++) {
      theta[0][i] = family->truth[i] - h * scattered[c * p + i];
      theta[1][i] = family->truth[i] + h * scattered[c * p + i];
    }
    const double below = mixture_density(k, family->row_width, theta[0], x);
    slope[c] = log(mixture_density(k, family->row_width, theta[1], x) / below) / (2 * h);
  }
}

/* J^1/2' I J^1/2 = 1: scores along what unit vectors are scattered to have the unit matrix as covariance, but for the
 * number of the last weight, which is not free. Means of 40000 products within 5.5 standard errors, 4e-8 each; some
 * 1000 of them. */
static void expect_information(int k, int d, double separation) {
  enum { SAMPLES = 16 };
  ouro_family *family = limit_of(k, d, separation);
  const int p = family->n_parameters;
  double scattered[MOST_P * MOST_P] = {0}, sum[MOST_P * MOST_P] = {0}, square[MOST_P * MOST_P] = {0}, slope[MOST_P];
  for (int c = 0; c < p; c++) scattered[c * p + c] = 1;
  family->methods->scatter(family, p, scattered);
  for (int c = 0; c < p; c++) { /* weights still sum to 1 */
    double weights = 0;
    for (int a = 0; a < k; a++) weights += weight_of(d, scattered + c * p, a);
    assert_true(fabs(weights) < 1e-12);
    assert_true(c < p - 1 || k == 1 || scattered[c * p + c] == 0);
  }
  for (int i = 0; i < SAMPLES; i++) {
    const sample s = drawn(family, family->truth, MOST_N, 900 + i);
    for (int r = 0; r < MOST_N; r++) {
      slopes(family, k, scattered, s.x[r], slope);
      for (int e = 0; e < p * p; e++) {
        const double product = slope[e / p] * slope[e % p];
        sum[e] += product / (SAMPLES * MOST_N);
        square[e] += product * product / (SAMPLES * MOST_N);
      }
    }
  }
  for (int e = 0; e < p * p; e++) {
    const double exact = e / p == e % p && e / p < p - 1;
    assert_true(fabs(sum[e] - exact) < 5.5 * sqrt((square[e] - sum[e] * sum[e]) / (SAMPLES * MOST_N)) + 1e-7);
  }
  ouro_family_destroy(&family);
}

static void scatter_inverts_the_information(void **state) {
  (void)state;
  expect_information(1, 1, 4);
  expect_information(1, 3, 4);
  expect_information(2, 1, 2.5);
  expect_information(3, 2, 4);
  expect_information(2, 3, 3);
}

/* Variances of the parameters of 300 fits to 2400 samples, over those of 300 scattered vectors: the ratio of two is
 * within 6 standard errors of 1, 2e-9 each, were they not of first order. */
static void fits_scatter_so(void **state) {
  (void)state;
  enum { K = 2, D = 2, FITS = 300, SIZE = 2400, P = 12 };
  ouro_family *family = limit_of(K, D, 5);
  double fit[P] = {0}, scatter[P] = {0}, theta[P], z[P];
  assert_int_equal(family->n_parameters, P);
  for (int i = 0; i < FITS; i++) {
    const sample s = drawn(family, family->truth, SIZE, 2000 + i);
    const ouro_stream stream = slice_of(3000 + i, NULL, 1).stream;
    assert_true(fitted(family, &s, theta));
    ouro_random_normals(&stream, 0, P, z);
    family->methods->scatter(family, 1, z);
    for (int c = 0; c < P; c++) {
      fit[c] += SIZE * pow(theta[c] - family->truth[c], 2);
      scatter[c] += z[c] * z[c];
    }
  }
  for (int c = 0; c < P; c++) assert_true(fabs(log(fit[c] / scatter[c])) < 6 * sqrt(4.0 / FITS));
  ouro_family_destroy(&family);
}

/* Components at one place have no limit; and one that has lost its weight, or more, is none. */
static void the_limit_has_limits(void **state) {
  (void)state;
  ouro_config config = configured(3, 2, 0);
  ouro_family *family;
  config.learning.sampling = OURO_SAMPLING_LIMIT;
  assert_int_equal(ouro_family_create(&config, &family), OURO_ECONFIG);
  assert_non_null(strstr(ouro_error_message(), "model.separation"));
  family = limit_of(2, 1, 3);
  const double theta[6] = {0, -2, 1.1, 7, 2, -0.1}, other[6] = {0, 2, 1.1, 0, 0, 0};
  assert_true(error_of(family, theta) == error_of(family, other));
  for (const ouro_measure *m = family->methods->measures; m->name; m++) {
    double one, two;
    m->compute(family, 1, theta, &one);
    m->compute(family, 1, other, &two);
    assert_true(one == two && isfinite(one));
  }
  ouro_family_destroy(&family);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(nature),
    cmocka_unit_test(draws),
    cmocka_unit_test(errors_are_integrals),
    cmocka_unit_test(labels_do_not_matter),
    cmocka_unit_test(fits_are_maxima),
    cmocka_unit_test(no_cluster_is_missed),
    cmocka_unit_test(weights_are_multiplicities),
    cmocka_unit_test(the_error_falls_with_the_sample),
    cmocka_unit_test(lost_components),
    cmocka_unit_test(draws_of_what_is_left),
    cmocka_unit_test(measures),
    cmocka_unit_test(fits_depend_on_the_sample_alone),
    cmocka_unit_test(what_cannot_be_fitted),
    cmocka_unit_test(too_many_dimensions),
    cmocka_unit_test(scatter_inverts_the_information),
    cmocka_unit_test(fits_scatter_so),
    cmocka_unit_test(the_limit_has_limits),
};

TEST_MAIN(tests)
