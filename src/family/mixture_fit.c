/* Maximum likelihood of a normal mixture by expectation and maximisation (Dempster, Laird and Rubin 1977) from the
 * centres of k-means++ (Arthur and Vassilvitskii 2007). A component that has no d + 1 samples left is lost: it would
 * narrow down on what it has. Invariant: a fit, its start included, is a function of the rows and the seed; no vector
 * width changes a bit. Must not know what the truth is. */

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/exp.h"
#include "base/normal.h"
#include "family/linear_kernel.h"
#include "family/mixture.h"
#include "family/samples.h"
#include "ouro/base/memory.h"

#define MOST_STEPS 200
#define NEARLY 1e-6     /* what a last step may still add to the log-likelihood of a sample */
#define STARTS 4        /* of which the best is taken */
#define TOO_LARGE 1e100 /* of a sample, in units */

/* Weights of a row block whose rows all count alike. */
static const double ones[OURO_ROW_BLOCK] = {1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
                                            1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
                                            1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1};

ouro_status ouro_mixture_fit_create(ouro_mixture *m) {
  ouro_status status = OURO_OK;
  const size_t k = (size_t)m->k, d = (size_t)m->d;
  const size_t moments = (size_t)ouro_mixture_triangle(m->d) + d;
  m->n_candidates = 2;
  for (int left = m->k; left >= 3; left /= 3) m->n_candidates++;
  OURO_NEW(m->fitted, k * (size_t)m->size);
  OURO_NEW(m->constant, k);
  OURO_NEW(m->mass, k);
  OURO_NEW(m->moments, k * moments);
  OURO_NEW(m->rows, d * OURO_ROW_BLOCK);
  OURO_NEW(m->centred, (d + 1) * OURO_ROW_BLOCK);
  OURO_NEW(m->density, k * OURO_ROW_BLOCK);
  OURO_NEW(m->nearest, OURO_MIXTURE_ROWS);
  OURO_NEW(m->chances, k * (size_t)m->n_candidates);
  OURO_NEW(m->centres, 2 * k);
cleanup:
  return status;
}

void ouro_mixture_fit_clear(ouro_mixture *m) {
  free(m->fitted);
  free(m->constant);
  free(m->mass);
  free(m->moments);
  free(m->rows);
  free(m->centred);
  free(m->density);
  free(m->nearest);
  free(m->chances);
  free(m->centres);
}

void ouro_mixture_factor(int d, double least, double *s) {
  for (int j = 0; j < d; j++) {
    double *row = s + ouro_mixture_triangle(j);
    for (int k = 0; k <= j; k++) {
      const double *above = s + ouro_mixture_triangle(k);
      double sum = row[k];
      for (int l = 0; l < k; l++) sum = fma(-row[l], above[l], sum);
      row[k] = k == j ? sqrt(fmax(sum, least)) : sum / above[k];
    }
  }
}

/* The parts of component a of the fit. */
static double *mean_of(const ouro_mixture *m, int a) {
  return m->fitted + (ptrdiff_t)a * m->size;
}

static double *factor_of(const ouro_mixture *m, int a) {
  return mean_of(m, a) + m->d;
}

static double *weight_of(const ouro_mixture *m, int a) {
  return mean_of(m, a) + m->size - 1;
}

/* ---- the start ---- */

static uint64_t stir(uint64_t sum, double number) {
  uint64_t bits;
  memcpy(&bits, &number, sizeof bits);
  sum = (sum ^ bits) * 0x9E3779B97F4A7C15u;
  return sum ^ sum >> 29;
}

/* A number that any bit of the sample changes; false if it has numbers that are too large. */
static bool digest(const ouro_mixture *m, ouro_count n, const double *rows, const double *weights, uint64_t *out) {
  const ouro_count blocks = (n + OURO_ROW_BLOCK - 1) / OURO_ROW_BLOCK;
  uint64_t sum = (uint64_t)n;
  bool good = true;
  for (ouro_count i = 0; i < blocks * OURO_ROW_BLOCK * m->d; i++) {
    sum = stir(sum, rows[i]);
    good &= fabs(rows[i]) <= TOO_LARGE * m->unit;
  }
  for (ouro_count i = 0; weights && i < n; i++) sum = stir(sum, weights[i]);
  *out = sum;
  return good;
}

/* The rows among which centres are looked for: every stride-th one. */
typedef struct chosen {
  const double *rows, *weights;
  ouro_count stride;
  int n;
  double weight; /* of all of them */
} chosen;

static double element(const ouro_mixture *m, const chosen *s, int i, int c) {
  const ouro_count row = i * s->stride, within = row % OURO_ROW_BLOCK;
  return s->rows[(row - within) * m->d + (ptrdiff_t)c * OURO_ROW_BLOCK + within] / m->unit;
}

static double weight_of_row(const chosen *s, int i) {
  return s->weights ? s->weights[i * s->stride] : 1;
}

static double distance(const ouro_mixture *m, const chosen *s, int i, int j) {
  double sum = 0;
  for (int c = 0; c < m->d; c++) {
    const double apart = element(m, s, i, c) - element(m, s, j, c);
    sum = fma(apart, apart, sum);
  }
  return sum;
}

/* What is left of the sum of squared distances with row `at` as another centre. */
static double potential_with(const ouro_mixture *m, const chosen *s, int at) {
  double sum = 0;
  for (int i = 0; i < s->n; i++) {
    const double apart = distance(m, s, i, at);
    sum += weight_of_row(s, i) * (apart < m->nearest[i] ? apart : m->nearest[i]);
  }
  return sum;
}

/* The row at which the running sum of squared distances passes a share of the whole. */
static int row_at(const ouro_mixture *m, const chosen *s, double share) {
  double sum = 0;
  int at = 0;
  for (int i = 0; i < s->n && sum <= share; i++) {
    if (m->nearest[i] > 0) at = i;
    sum += weight_of_row(s, i) * m->nearest[i];
  }
  return at;
}

static double add_centre(ouro_mixture *m, const chosen *s, int at) {
  double potential = 0;
  for (int i = 0; i < s->n; i++) {
    const double apart = distance(m, s, i, at);
    if (apart < m->nearest[i]) m->nearest[i] = apart;
    potential += weight_of_row(s, i) * m->nearest[i];
  }
  return potential;
}

/* Centres with chances that grow with the square of their distance from the others, the best of a few candidates each
 * time; fewer where all rows are centres. Returns the sum of squared distances that is left. */
static double choose_centres(ouro_mixture *m, const chosen *s, const double *chances, int *n, int *centres) {
  for (int i = 0; i < s->n; i++) m->nearest[i] = 1;
  centres[0] = row_at(m, s, chances[0] * s->weight);
  for (int i = 0; i < s->n; i++) m->nearest[i] = DBL_MAX;
  double potential = add_centre(m, s, centres[0]);
  for (*n = 1; *n < m->k && potential > 0; ++*n) {
    double best = HUGE_VAL;
    for (int c = 0; c < m->n_candidates; c++) {
      const int candidate = row_at(m, s, chances[*n * m->n_candidates + c] * potential);
      const double left = potential_with(m, s, candidate);
      if (left >= best) continue;
      best = left;
      centres[*n] = candidate;
    }
    potential = add_centre(m, s, centres[*n]);
  }
  return potential;
}

/* The best of several choices. One that has no centre in some cluster is seldom the best. */
static double best_centres(ouro_mixture *m, const chosen *s, const ouro_stream *stream) {
  const size_t numbers = (size_t)m->k * (size_t)m->n_candidates;
  int *best = m->centres, *trial = m->centres + m->k, n;
  double least = HUGE_VAL;
  for (uint64_t t = 0; t < STARTS; t++) {
    const ouro_stream chances = ouro_random_substream(stream, t);
    ouro_random_uniforms(&chances, 0, numbers, m->chances);
    const double potential = choose_centres(m, s, m->chances, &n, trial);
    if (potential >= least) continue;
    least = potential;
    m->alive = n;
    memcpy(best, trial, (size_t)n * sizeof *best);
  }
  return least;
}

/* Components of one weight and one spherical covariance about the centres. */
static bool start(ouro_mixture *m, ouro_count n, const double *rows, const double *weights) {
  uint64_t number;
  if (!digest(m, n, rows, weights, &number)) return false;
  const ouro_stream stream = ouro_random_stream(m->seed, number, 0, OURO_PURPOSE_START, 0, 0);
  const ouro_count stride = (n + OURO_MIXTURE_ROWS - 1) / OURO_MIXTURE_ROWS;
  chosen s = {rows, weights, stride, (int)((n + stride - 1) / stride), 0};
  for (int i = 0; i < s.n; i++) s.weight += weight_of_row(&s, i);
  const double variance = best_centres(m, &s, &stream) / (s.weight * m->d);
  for (int a = 0; a < m->alive; a++) {
    double *factor = factor_of(m, a);
    for (int c = 0; c < m->d; c++) mean_of(m, a)[c] = element(m, &s, m->centres[a], c);
    memset(factor, 0, (size_t)ouro_mixture_triangle(m->d) * sizeof *factor);
    for (int j = 0; j < m->d; j++) factor[ouro_mixture_triangle(j) + j] = sqrt(fmax(variance, OURO_MIXTURE_LEAST));
    *weight_of(m, a) = 1.0 / m->alive;
  }
  return true;
}

/* ---- expectation ---- */

static void set_constants(ouro_mixture *m) {
  for (int a = 0; a < m->alive; a++) {
    m->constant[a] = ouro_log(*weight_of(m, a));
    for (int j = 0; j < m->d; j++) m->constant[a] -= ouro_log(fabs(factor_of(m, a)[ouro_mixture_triangle(j) + j]));
  }
}

static void load(ouro_mixture *m, const double *rows) {
  for (int i = 0; i < m->d * OURO_ROW_BLOCK; i++) m->rows[i] = rows[i] / m->unit;
}

/* centred = rows - mean. */
static void centre(ouro_mixture *m, int a) {
  for (int c = 0; c < m->d; c++) {
    const double mean = mean_of(m, a)[c];
    const ptrdiff_t at = (ptrdiff_t)c * OURO_ROW_BLOCK;
    for (int r = 0; r < OURO_ROW_BLOCK; r++) m->centred[at + r] = m->rows[at + r] - mean;
  }
}

/* ln of weight times density, but for a constant: z = L^-1 (x - mean), z'z. */
static void measure(ouro_mixture *m, int a) {
  double *restrict density = m->density + (ptrdiff_t)a * OURO_ROW_BLOCK;
  centre(m, a);
  for (int r = 0; r < OURO_ROW_BLOCK; r++) density[r] = m->constant[a];
  for (int j = 0; j < m->d; j++) {
    const double *row = factor_of(m, a) + ouro_mixture_triangle(j);
    double *restrict z = m->centred + (ptrdiff_t)j * OURO_ROW_BLOCK;
    for (int k = 0; k < j; k++) {
      const double *restrict before = m->centred + (ptrdiff_t)k * OURO_ROW_BLOCK;
      for (int r = 0; r < OURO_ROW_BLOCK; r++) z[r] = fma(-row[k], before[r], z[r]);
    }
    for (int r = 0; r < OURO_ROW_BLOCK; r++) {
      z[r] /= row[j];
      density[r] = fma(-0.5 * z[r], z[r], density[r]);
    }
  }
}

/* Densities become the probabilities that a row is of a component, times its weight. Returns the log-likelihood of the
 * first b rows; the others belong to none. */
static double share_out(ouro_mixture *m, int b, const double *weight) {
  double most[OURO_ROW_BLOCK], sum[OURO_ROW_BLOCK] = {0}, share[OURO_ROW_BLOCK] = {0}, likelihood = 0;
  double *const end = m->density + (ptrdiff_t)m->alive * OURO_ROW_BLOCK;
  memcpy(most, m->density, sizeof most);
  for (double *density = m->density; density < end; density += OURO_ROW_BLOCK) {
    for (int r = 0; r < OURO_ROW_BLOCK; r++) most[r] = density[r] > most[r] ? density[r] : most[r];
  }
  for (double *density = m->density; density < end; density += OURO_ROW_BLOCK) {
    for (int r = 0; r < OURO_ROW_BLOCK; r++) density[r] -= most[r];
    ouro_exp(OURO_ROW_BLOCK, density);
    for (int r = 0; r < OURO_ROW_BLOCK; r++) sum[r] += density[r];
  }
  for (int r = 0; r < b; r++) share[r] = weight[r] / sum[r];
  for (double *density = m->density; density < end; density += OURO_ROW_BLOCK) {
    for (int r = 0; r < OURO_ROW_BLOCK; r++) density[r] *= share[r];
  }
  ouro_normal_scalar.minus_two_log(OURO_ROW_BLOCK, sum, sum);
  for (int r = 0; r < b; r++) likelihood += weight[r] * (most[r] - 0.5 * sum[r]);
  return likelihood;
}

/* Add what component a has of the block: the normal equations of its rows times the roots of their probabilities. */
static void gather(ouro_mixture *m, int a) {
  const double *probability = m->density + (ptrdiff_t)a * OURO_ROW_BLOCK;
  const ptrdiff_t width = ouro_mixture_triangle(m->d) + m->d;
  double root[OURO_ROW_BLOCK];
  centre(m, a);
  for (int r = 0; r < OURO_ROW_BLOCK; r++) {
    root[r] = sqrt(probability[r]);
    m->mass[a] += probability[r];
  }
  for (int i = 0; i < m->d * OURO_ROW_BLOCK; i++) m->centred[i] *= root[i % OURO_ROW_BLOCK];
  memcpy(m->centred + (ptrdiff_t)m->d * OURO_ROW_BLOCK, root, sizeof root);
  ouro_linear_kernels_now()->gram(m->d, OURO_ROW_BLOCK, m->centred, m->moments + a * width);
}

/* Returns the log-likelihood of the present model. */
static double expect(ouro_mixture *m, ouro_count n, const double *rows, const double *weights) {
  const size_t width = (size_t)(ouro_mixture_triangle(m->d) + m->d);
  double likelihood = 0;
  set_constants(m);
  memset(m->mass, 0, (size_t)m->k * sizeof *m->mass);
  memset(m->moments, 0, (size_t)m->k * width * sizeof *m->moments);
  for (; n > 0; n -= OURO_ROW_BLOCK, rows += (ptrdiff_t)OURO_ROW_BLOCK * m->d) {
    load(m, rows);
    for (int a = 0; a < m->alive; a++) measure(m, a);
    likelihood += share_out(m, ouro_samples_block(n), weights ? weights : ones);
    if (weights) weights += OURO_ROW_BLOCK;
    for (int a = 0; a < m->alive; a++) gather(m, a);
  }
  return likelihood;
}

/* ---- maximisation ---- */

/* The last component takes the place of one that is lost, the others its weight. */
static void lose(ouro_mixture *m, int a) {
  const double left = 1 - *weight_of(m, a);
  m->alive--;
  if (a < m->alive) memcpy(mean_of(m, a), mean_of(m, m->alive), (size_t)m->size * sizeof(double));
  for (int b = 0; b < m->alive; b++) *weight_of(m, b) /= left;
}

static void renew(ouro_mixture *m, int a, double weight) {
  const int d = m->d;
  double *mean = mean_of(m, a), *factor = factor_of(m, a);
  double *moments = m->moments + a * (ouro_mixture_triangle(d) + d), *moved = moments + ouro_mixture_triangle(d);
  for (ptrdiff_t i = 0; i < ouro_mixture_triangle(d) + d; i++) moments[i] /= m->mass[a];
  for (int j = 0; j < d; j++) {
    mean[j] += moved[j];
    for (int k = 0; k <= j; k++) {
      const ptrdiff_t at = ouro_mixture_triangle(j) + k;
      factor[at] = fma(-moved[j], moved[k], moments[at]);
    }
  }
  ouro_mixture_factor(d, OURO_MIXTURE_LEAST, factor);
  *weight_of(m, a) = weight;
}

/* Returns whether all components are still there. */
static bool maximise(ouro_mixture *m) {
  double total = 0;
  int least = 0;
  for (int a = 0; a < m->alive; a++) {
    total += m->mass[a];
    if (m->mass[a] < m->mass[least]) least = a;
  }
  if (m->alive > 1 && m->mass[least] < m->d + 1) {
    lose(m, least);
    return false;
  }
  for (int a = 0; a < m->alive; a++) renew(m, a, m->mass[a] / total);
  return true;
}

/* ---- the fit ---- */

static void sort(ouro_mixture *m) {
  for (int a = 1; a < m->alive; a++) {
    for (int b = a; b > 0 && mean_of(m, b)[0] < mean_of(m, b - 1)[0]; b--) {
      for (int i = 0; i < m->size; i++) {
        const double number = mean_of(m, b)[i];
        mean_of(m, b)[i] = mean_of(m, b - 1)[i];
        mean_of(m, b - 1)[i] = number;
      }
    }
  }
}

static void store(const ouro_mixture *m, double *theta) {
  memset(theta, 0, (size_t)m->k * (size_t)m->size * sizeof *theta);
  for (int a = 0; a < m->alive; a++, theta += m->size) {
    for (int i = 0; i < m->size - 1; i++) theta[i] = mean_of(m, a)[i] * m->unit;
    theta[m->size - 1] = *weight_of(m, a);
  }
}

bool ouro_mixture_fit(const ouro_family *family, ouro_count n, const double *rows, const double *weights,
                      double *theta) {
  ouro_mixture *m = family->constants;
  if (!start(m, n, rows, weights)) return false;
  double before = -HUGE_VAL, size = 0;
  for (ouro_count i = 0; i < n; i++) size += weights ? weights[i] : 1;
  for (int step = 0; step < MOST_STEPS; step++) {
    const double likelihood = expect(m, n, rows, weights);
    const bool whole = maximise(m);
    if (whole && fabs(likelihood - before) <= NEARLY * size) break;
    before = likelihood;
  }
  sort(m);
  store(m, theta);
  return true;
}

/* The components that a model has become those of a fit. */
static void recall(ouro_mixture *m, const double *theta) {
  m->alive = 0;
  for (int a = 0; a < m->k; a++, theta += m->size) {
    if (!(theta[m->size - 1] > 0)) continue;
    for (int i = 0; i < m->size - 1; i++) mean_of(m, m->alive)[i] = theta[i] / m->unit;
    *weight_of(m, m->alive++) = theta[m->size - 1];
  }
}

double ouro_mixture_likelihood(const ouro_family *family, const double *theta, ouro_count n, const double *rows) {
  ouro_mixture *m = family->constants;
  double sum = -(double)n * m->d * (0.5 * ouro_log(2 * 3.14159265358979323846) + ouro_log(m->unit));
  recall(m, theta);
  if (m->alive == 0) return -INFINITY;
  set_constants(m);
  for (; n > 0; n -= OURO_ROW_BLOCK, rows += (ptrdiff_t)OURO_ROW_BLOCK * m->d) {
    load(m, rows);
    for (int a = 0; a < m->alive; a++) measure(m, a);
    sum += share_out(m, ouro_samples_block(n), ones);
  }
  return sum;
}
