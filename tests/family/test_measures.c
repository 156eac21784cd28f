/* What families measure beside their error: likelihoods against samples and densities written out here, divergences
 * against formulas of their own, what is infinite, and which measures an experiment gets. ranks: 1 Statistical tests
 * use fixed seeds; each says the chance that correct code would have failed it. */

#include "../support/harness.h"

#include <stdio.h>
#include <string.h>

#include "experiment.h"
#include "family/measures.h"

#define PI 3.14159265358979323846

/* A measure of one model. */
static double measured(const ouro_family *family, const char *name, const double *theta) {
  double value = NAN;
  for (const ouro_measure *m = family->methods->measures; m->name; m++) {
    if (strcmp(m->name, name) == 0) {
      m->compute(family, 1, theta, &value);
      return value;
    }
  }
  fail_msg("%s has no %s", family->methods->name, name);
  return NAN;
}

static bool has(const ouro_family *family, const char *name) {
  for (const ouro_measure *m = family->methods->measures; m->name; m++) {
    if (strcmp(m->name, name) == 0) return true;
  }
  return false;
}

static double normal_log_density(double x, double mean, double sigma) {
  const double z = (x - mean) / sigma;
  return -0.5 * z * z - log(sigma * sqrt(2 * PI));
}

static double predictor(const ouro_family *family, const double *row, const double *theta) {
  double u = 0;
  for (int k = 0; k < family->n_parameters; k++) u += row[k] * theta[k];
  return u;
}

/* ln N(x; m, L L') by solving L z = x - m. */
static double gaussian_log_density(int d, const double *x, const double *theta) {
  double z[8], sum = 0;
  for (int j = 0; j < d; j++) {
    const double *row = theta + d + j * (j + 1) / 2;
    z[j] = x[j] - theta[j];
    for (int k = 0; k < j; k++) z[j] -= row[k] * z[k];
    z[j] /= row[j];
    sum += normal_log_density(z[j], 0, 1) - log(row[j]);
  }
  return sum;
}

/* The log density of one row, of the response given the covariates in a regression. */
static double log_density(const ouro_family *family, const double *row, const double *theta) {
  const char *name = family->methods->name;
  const double y = row[family->row_width - 1], sigma = 1.5;
  double sum = 0;
  if (strcmp(name, "linear") == 0 || strcmp(name, "huber") == 0)
    return normal_log_density(y, predictor(family, row, theta), sigma);
  if (strcmp(name, "logistic") == 0) return -log(1 + exp((y > 0 ? -1 : 1) * predictor(family, row, theta)));
  if (strcmp(name, "poisson-regression") == 0) {
    const double u = predictor(family, row, theta);
    return y * u - exp(u) - lgamma(y + 1);
  }
  if (strcmp(name, "gaussian") == 0) return gaussian_log_density(family->row_width, row, theta);
  if (strcmp(name, "poisson") == 0) return y * log(theta[0]) - theta[0] - lgamma(y + 1);
  if (strcmp(name, "bernoulli") == 0) return log(y > 0 ? theta[0] : 1 - theta[0]);
  if (strcmp(name, "exponential") == 0) return -log(theta[0]) - y / theta[0];
  if (strcmp(name, "categorical") == 0) return log(theta[(int)y]);
  for (int k = 0; k < family->row_width; k++) sum += normal_log_density(row[k], theta[k], sigma);
  return sum;
}

static const char *const names[] = {"linear",   "normal-mean", "poisson",  "bernoulli",          "exponential",
                                    "gaussian", "categorical", "logistic", "poisson-regression", "huber"};
enum { N_NAMES = sizeof names / sizeof names[0] };

/* A model beside the truth. */
static double *model_beside(const ouro_family *family) {
  double *theta = numbers(family->n_parameters), sum = 0;
  for (int k = 0; k < family->n_parameters; k++) theta[k] = family->truth[k] * (k % 2 ? 0.8 : 1.25) + 0.05 * (k % 3);
  if (strcmp(family->methods->name, "categorical") != 0) return theta;
  for (int k = 0; k < family->n_parameters; k++) sum += theta[k];
  for (int k = 0; k < family->n_parameters; k++) theta[k] /= sum;
  return theta;
}

/* Mean and its standard error of a function of rows of the truth. */
static void average(const ouro_family *family, const double *theta,
                    double (*of)(const ouro_family *family, const double *row, const double *theta), double *mean,
                    double *error) {
  const ouro_count n = 1 << 16;
  const ouro_slice slice = slice_of(77, family->truth, n);
  double *rows = rows_of(family, &slice), row[16], sum = 0, squares = 0;
  for (ouro_count r = 0; r < n; r++) {
    for (int c = 0; c < family->row_width; c++) row[c] = element_of(rows, n, family->row_width, r, c);
    const double value = of(family, row, theta);
    sum += value;
    squares += value * value;
  }
  free(rows);
  *mean = sum / (double)n;
  *error = sqrt((squares / (double)n - *mean * *mean) / (double)n);
}

/* 20 means within 5 standard errors: 1e-5. These are 1/3 % or less of the likelihood's spread. */
static void likelihoods_are_means_over_samples(void **state) {
  (void)state;
  for (int i = 0; i < N_NAMES; i++) {
    const ouro_config config = experiment_named(names[i]);
    ouro_family *family = family_of(&config);
    double *beside = model_beside(family);
    for (int truth = 0; truth < 2; truth++) {
      const double *theta = truth ? family->truth : beside;
      double mean, error;
      average(family, theta, log_density, &mean, &error);
      assert_true(fabs(measured(family, "nll", theta) + mean) < 5 * error + 1e-12);
    }
    free(beside);
    ouro_family_destroy(&family);
  }
}

/* What a model costs above the truth is its divergence from it; nothing for the truth itself. */
static void divergences_are_differences_of_likelihoods(void **state) {
  (void)state;
  for (int i = 0; i < N_NAMES; i++) {
    const ouro_config config = experiment_named(names[i]);
    ouro_family *family = family_of(&config);
    double *beside = model_beside(family);
    const double cost = measured(family, "nll", beside) - measured(family, "nll", family->truth);
    const bool log_risk = strcmp(names[i], "logistic") == 0 || strcmp(names[i], "poisson-regression") == 0;
    assert_true(cost > 1e-3);
    if (has(family, "kl") || log_risk) {
      const char *name = has(family, "kl") ? "kl" : "excess_risk";
      assert_true(fabs(measured(family, name, beside) - cost) < 1e-11);
      assert_true(measured(family, name, family->truth) < 1e-14);
    }
    if (has(family, "parameter_error")) assert_true(measured(family, "parameter_error", family->truth) == 0);
    free(beside);
    ouro_family_destroy(&family);
  }
}

static double squared_loss(const ouro_family *family, const double *row, const double *theta) {
  const double r = row[family->row_width - 1] - predictor(family, row, theta);
  const double s = row[family->row_width - 1] - predictor(family, row, family->truth);
  return r * r - s * s;
}

static double huber_loss(const ouro_family *family, const double *row, const double *theta) {
  const double c = 1.345 * 1.5;
  double loss[2];
  for (int k = 0; k < 2; k++) {
    const double r = fabs(row[family->row_width - 1] - predictor(family, row, k ? family->truth : theta));
    loss[k] = r <= c ? r * r / 2 : c * r - c * c / 2;
  }
  return loss[0] - loss[1];
}

/* 4 means within 5 standard errors: 3e-6. */
static void excess_risks_are_means_over_samples(void **state) {
  (void)state;
  for (int i = 0; i < 4; i++) {
    const bool huber = i % 2;
    ouro_config config = experiment_named(huber ? "huber" : "linear");
    ouro_family *family = family_of(&config);
    double *theta = model_beside(family), mean, error, distance = 0;
    if (i > 1) theta[0] += 3; /* far beyond the threshold */
    average(family, theta, huber ? huber_loss : squared_loss, &mean, &error);
    assert_true(fabs(measured(family, "excess_risk", theta) - mean) < 5 * error);
    for (int k = 0; k < 3; k++) distance += (theta[k] - family->truth[k]) * (theta[k] - family->truth[k]) / 3;
    assert_true(fabs(measured(family, "parameter_error", theta) - distance) < 1e-14);
    free(theta);
    ouro_family_destroy(&family);
  }
}

/* E ln(1 + e^(s z)) by Simpson's rule, over the range that logistic models reach as their classes separate. */
static void likelihoods_of_nearly_separated_classes(void **state) {
  (void)state;
  ouro_config config = experiment_named("logistic");
  config.model.dimension = 1;
  ouro_family *family = family_of(&config);
  family->truth[0] = 0; /* labels are coins */
  for (double s = 0.25; s < 300; s *= 1.37) {
    const int n = 400000;
    long double sum = 0;
    for (int k = 0; k <= n; k++) {
      const long double z = 18.0L * k / n - 9, weight = k == 0 || k == n ? 1 : k % 2 ? 4 : 2;
      sum += weight * expl(-z * z / 2) * (fmaxl(s * z, 0) + log1pl(expl(-fabsl(s * z))));
    }
    const double expected = (double)(sum * 18 / n / 3 / sqrtl(2 * (long double)PI));
    assert_true(fabs(measured(family, "nll", &s) / expected - 1) < 3e-11);
  }
  ouro_family_destroy(&family);
}

/* E ln Y! by its sum in long double; at 1 it is the entropy 1.3048422422562516 less 1 (the entropy of Poisson(1)). */
static void logarithms_of_factorials(void **state) {
  (void)state;
  assert_true(ouro_measures_log_factorial(0) == 0);
  assert_true(fabs(ouro_measures_log_factorial(1) - 0.3048422422562516) < 1e-15);
  for (double mean = 0.0010005; mean < 4000; mean *= 10 / 6.0) {
    long double sum = 0;
    for (int k = 2; k < 2 * mean + 60; k++) {
      sum += expl(k * logl(mean) - (long double)mean - lgammal(k + 1.0L)) * lgammal(k + 1.0L);
    }
    assert_true(fabs(ouro_measures_log_factorial(mean) / (double)sum - 1) < 2e-14);
  }
  assert_true(fabs(ouro_measures_carrier(0) - 0.3048422422562516) < 1e-12); /* responses of mean e^0 */
}

static ouro_family *gaussian(int d) {
  ouro_config config = experiment_named("gaussian");
  config.model.dimension = d;
  return family_of(&config);
}

/* In two dimensions S^-1, determinants and tr (S*^1/2 S S*^1/2)^1/2 = sqrt(tr S S* + 2 sqrt(det S S*)) stand in closed
 * form. */
static void gaussians_of_two_dimensions(void **state) {
  (void)state;
  ouro_family *family = gaussian(2);
  const double *t = family->truth, a[5] = {t[0] + 0.3, t[1] - 1.1, 0.7, -0.4, 2.2};
  const double S[3] = {a[2] * a[2], a[2] * a[3], a[3] * a[3] + a[4] * a[4]};
  const double T[3] = {t[2] * t[2], t[2] * t[3], t[3] * t[3] + t[4] * t[4]};
  const double det = S[0] * S[2] - S[1] * S[1], true_det = T[0] * T[2] - T[1] * T[1], x = 0.3, y = -1.1;
  const double product = (S[2] * (T[0] + x * x) - 2 * S[1] * (T[1] + x * y) + S[0] * (T[2] + y * y)) / det;
  const double traces = S[0] * T[0] + 2 * S[1] * T[1] + S[2] * T[2];
  const double w2 = x * x + y * y + S[0] + S[2] + T[0] + T[2] - 2 * sqrt(traces + 2 * sqrt(det * true_det));
  assert_true(fabs(measured(family, "kl", a) - 0.5 * (product - 2 + log(det / true_det))) < 1e-13);
  assert_true(fabs(measured(family, "w2", a) - sqrt(w2)) < 1e-13);
  assert_true(fabs(measured(family, "logdet", a) - log(det)) < 1e-14);
  assert_true(fabs(measured(family, "variance", a) - (S[0] + S[2])) < 1e-14);
  assert_true(measured(family, "w2", t) < 1e-7);
  ouro_family_destroy(&family);
}

/* With uncorrelated components W2^2 is a sum over them; beyond 64 dimensions, too. The truth is replaced. */
static void distances_of_uncorrelated_components(void **state) {
  (void)state;
  static const int dimensions[] = {1, 3, 90};
  for (int i = 0; i < 3; i++) {
    const int d = dimensions[i];
    ouro_family *family = gaussian(d);
    double *theta = numbers(family->n_parameters), expected = 0;
    memset(family->truth + d, 0, (size_t)(family->n_parameters - d) * sizeof(double));
    for (int j = 0; j < d; j++) {
      const double shift = 0.1 * j, scale = j % 5, true_scale = 1 + 0.01 * j;
      theta[j] = family->truth[j] + shift;
      theta[d + j * (j + 3) / 2] = scale;
      family->truth[d + j * (j + 3) / 2] = true_scale;
      expected += shift * shift + (scale - true_scale) * (scale - true_scale);
    }
    assert_true(fabs(measured(family, "w2", theta) / sqrt(expected) - 1) < 1e-13);
    free(theta);
    ouro_family_destroy(&family);
  }
}

/* Of a Gaussian that is a line, a mean absorbed at 0, an outcome that has died out. */
static void what_is_lost_is_infinite(void **state) {
  (void)state;
  ouro_family *family = gaussian(2);
  const double line[5] = {0, 0, 1, 1, 0}, zero = 0, one = 1;
  assert_true(measured(family, "kl", line) == INFINITY && measured(family, "nll", line) == INFINITY);
  assert_true(measured(family, "logdet", line) == -INFINITY);
  assert_true(isfinite(measured(family, "w2", line)) && measured(family, "variance", line) == 2);
  ouro_family_destroy(&family);
  static const char *const means[] = {"poisson", "bernoulli", "exponential"};
  for (int i = 0; i < 3; i++) {
    const ouro_config config = experiment_named(means[i]);
    family = family_of(&config);
    assert_true(measured(family, "kl", &zero) == INFINITY && measured(family, "nll", &zero) == INFINITY);
    if (i == 0) assert_true(measured(family, "alive", &zero) == 0 && measured(family, "alive", &one) == 1);
    if (i == 1) assert_true(measured(family, "kl", &one) == INFINITY && measured(family, "support", &one) == 1);
    if (i == 1) assert_true(fabs(measured(family, "reverse_kl", &one) + log(0.3)) < 1e-15);
    if (i == 1) assert_true(measured(family, "diversity", &one) == 0 && measured(family, "entropy", &zero) == 0);
    if (i == 2)
      assert_true(measured(family, "log_mean", &zero) == -INFINITY && measured(family, "log_mean", &one) == 0);
    ouro_family_destroy(&family);
  }
}

/* Two of seven outcomes of a uniform distribution are left, evenly: by hand. */
static void outcomes_that_are_left(void **state) {
  (void)state;
  const ouro_config config = experiment_named("categorical");
  ouro_family *family = family_of(&config);
  const double two[7] = {0, 0.5, 0, 0, 0.5, 0, 0};
  assert_true(fabs(measured(family, "tv", two) - 5.0 / 7) < 1e-15);
  assert_true(measured(family, "diversity", two) == 0.5 && measured(family, "support", two) == 2);
  assert_true(fabs(measured(family, "entropy", two) - log(2)) < 1e-15);
  assert_true(measured(family, "kl", two) == INFINITY && measured(family, "nll", two) == INFINITY);
  assert_true(fabs(measured(family, "reverse_kl", two) - log(3.5)) < 1e-15);
  assert_true(measured(family, "reverse_kl", family->truth) == 0);
  assert_true(fabs(measured(family, "nll", family->truth) - log(7)) < 1e-15);
  assert_true(fabs(measured(family, "entropy", family->truth) - log(7)) < 1e-15);
  assert_true(measured(family, "support", family->truth) == 7 && measured(family, "tv", family->truth) == 0);
  ouro_family_destroy(&family);
}

/* Many models at once are as many alone. */
static void models_do_not_touch_each_other(void **state) {
  (void)state;
  for (int i = 0; i < N_NAMES; i++) {
    const ouro_config config = experiment_named(names[i]);
    ouro_family *family = family_of(&config);
    const size_t p = (size_t)family->n_parameters;
    double *beside = model_beside(family), *three = numbers(3 * (ouro_count)p), values[3];
    memcpy(three, beside, p * sizeof(double));
    memcpy(three + p, family->truth, p * sizeof(double));
    memcpy(three + 2 * p, beside, p * sizeof(double));
    for (const ouro_measure *m = family->methods->measures; m->name; m++) {
      m->compute(family, 3, three, values);
      const double alone[2] = {measured(family, m->name, beside), measured(family, m->name, family->truth)};
      assert_memory_equal(&values[0], &alone[0], sizeof(double));
      assert_memory_equal(&values[1], &alone[1], sizeof(double));
      assert_memory_equal(&values[2], &alone[0], sizeof(double));
    }
    free(three);
    free(beside);
    ouro_family_destroy(&family);
  }
}

/* Names are names of tables, and are not those that the run file has already. */
static void measures_are_described(void **state) {
  (void)state;
  const ouro_family_methods *methods;
  for (int i = 0; (methods = ouro_family_at(i)) != NULL; i++) {
    int n = 1;
    for (const ouro_measure *m = methods->measures; m && m->name; m++, n++) {
      assert_true(strlen(m->name) < 32 && strspn(m->name, "abcdefghijklmnopqrstuvwxyz_0123456789") == strlen(m->name));
      assert_true(strcmp(m->name, "error") && strcmp(m->name, "theory") && strcmp(m->name, "z"));
      assert_true(m->units[0] && m->description[0] && strlen(m->description) < 250 && m->compute);
      for (const ouro_measure *other = methods->measures; other != m; other++)
        assert_true(strcmp(other->name, m->name));
    }
    assert_true(n > 1 && n <= OURO_MEASURES_MOST);
  }
}

/* A family that comes with too many, or with one that says too little, is none. */
static void measures_of_other_families(void **state) {
  (void)state;
  ouro_measure many[OURO_MEASURES_MOST + 1] = {{NULL}};
  ouro_family_methods methods = *ouro_family_at(0);
  methods.name = "other";
  methods.measures = many;
  for (int k = 0; k < OURO_MEASURES_MOST; k++) many[k] = ouro_measures_linear[0];
  assert_int_equal(ouro_family_register(&methods), OURO_EUSAGE);
  many[1].name = NULL;
  many[0].units = NULL;
  assert_int_equal(ouro_family_register(&methods), OURO_EUSAGE);
  assert_true(strstr(ouro_error_message(), "family other: a measure needs") != NULL);
}

/* What output.measures makes of a Gaussian, as names. */
static const char *chosen(const char *text) {
  static char list[200];
  ouro_measure measures[OURO_MEASURES_MOST];
  ouro_config config = experiment_named("gaussian");
  ouro_family *family = family_of(&config);
  int n = -1;
  config.output.measures = (char *)text;
  config.places = "output.measures\tx.yaml:7\n";
  const ouro_status status = ouro_family_measures(&config, family, measures, &n);
  list[0] = '\0';
  for (int k = 0; k < n; k++) snprintf(list + strlen(list), sizeof list - strlen(list), " %s", measures[k].name);
  ouro_family_destroy(&family);
  return status == OURO_OK ? list : ouro_error_message();
}

static void experiments_choose_measures(void **state) {
  (void)state;
  assert_string_equal(chosen(NULL), "");
  assert_string_equal(chosen("none"), "");
  assert_string_equal(chosen("all"), " error kl w2 logdet variance nll");
  assert_string_equal(chosen("error"), " error");
  assert_string_equal(chosen("nll, kl kl"), " error kl nll");
  assert_string_equal(chosen(" logdet\t"), " error logdet");
  assert_string_equal(chosen("kl logdat"),
                      "x.yaml:7: output.measures: unknown measure `logdat`; did you mean `logdet`? "
                      "family `gaussian` has error, kl, w2, logdet, variance, nll");
  assert_true(strstr(chosen("kl all"), "unknown measure `all`") != NULL);
  assert_true(strstr(chosen("diversity"), "unknown measure `diversity`; family `gaussian` has") != NULL);
}

/* The density of a kernel estimate summed term by term, on held-out samples that only the seed chooses. */
static void kernel_estimates(void **state) {
  (void)state;
  ouro_config config = experiment_named("kde");
  config.model.dimension = 2;
  config.model.bandwidth = "0.4";
  config.model.points = 5;
  ouro_family *family = family_of(&config);
  const double theta[15] = {0.5, 1, 0.4, 0.3, 3, 0, 1, 1, 0, 0.5, 2};
  long double sum = 0, squares[2] = {0};
  for (int r = 0; r < OURO_HELD_OUT; r++) {
    long double density = 0;
    for (int k = 0; k < 3; k++) {
      long double of_point = 1;
      for (int c = 0; c < 2; c++) {
        const double x = element_of(family->held_out, OURO_HELD_OUT, 2, r, c), w = theta[2 + c];
        const long double z = (x - theta[5 + 2 * k + c]) / w;
        of_point *= expl(-z * z / 2) / (w * sqrtl(2 * (long double)PI));
      }
      density += of_point / 3;
    }
    sum -= logl(density) / OURO_HELD_OUT;
    for (int c = 0; c < 2; c++) {
      const double z = (element_of(family->held_out, OURO_HELD_OUT, 2, r, c) - family->truth[c]) / config.model.noise;
      squares[c] += z * z;
    }
  }
  /* chi-squared with 512 degrees of freedom, within 5 standard deviations of 32: 1e-6 each */
  for (int c = 0; c < 2; c++) assert_true(fabsl(squares[c] - OURO_HELD_OUT) < 160);
  assert_true(fabs(measured(family, "nll", theta) / (double)sum - 1) < 2e-14);
  assert_true(fabs(measured(family, "variance", theta) - (0.5 + 2) / 6) < 1e-15);
  const double point[15] = {0.5, 1, 0, 0.3, 1, 0.5, 1};
  assert_true(measured(family, "nll", point) == INFINITY && measured(family, "variance", point) == 0);
  ouro_family *again = family_of(&config);
  assert_memory_equal(family->held_out, again->held_out, 2 * OURO_HELD_OUT * sizeof(double));
  ouro_family_destroy(&again);
  config.learning.seed++;
  again = family_of(&config);
  assert_true(family->held_out[0] != again->held_out[0]);
  ouro_family_destroy(&again);
  ouro_family_destroy(&family);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(kernel_estimates),
    cmocka_unit_test(likelihoods_are_means_over_samples),
    cmocka_unit_test(divergences_are_differences_of_likelihoods),
    cmocka_unit_test(excess_risks_are_means_over_samples),
    cmocka_unit_test(likelihoods_of_nearly_separated_classes),
    cmocka_unit_test(logarithms_of_factorials),
    cmocka_unit_test(gaussians_of_two_dimensions),
    cmocka_unit_test(distances_of_uncorrelated_components),
    cmocka_unit_test(what_is_lost_is_infinite),
    cmocka_unit_test(outcomes_that_are_left),
    cmocka_unit_test(models_do_not_touch_each_other),
    cmocka_unit_test(measures_are_described),
    cmocka_unit_test(measures_of_other_families),
    cmocka_unit_test(experiments_choose_measures),
};

TEST_MAIN(tests)
