/* What a sample costs each family on one core, from the random number to the fit, and the kernels in which the time
 * goes: a training set of 8 feeds of 100 samples, the defaults of the configuration. Then how the cost of categorical
 * draws grows with samples and outcomes. Prints lines "what value unit"; every value is the median of interleaved
 * rounds. scripts/mpi.sh 1 build/release/tests/bench/families */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/exp.h"
#include "base/normal.h"
#include "family/linear_kernel.h"
#include "ouro/base/timer.h"
#include "ouro/family/family.h"

enum { ROUNDS = 15, FEED = 100, FEEDS = 8, SET = FEED * FEEDS, REPEATS = 40, P = 10 };

/* What the steps of a family do; one that is not listed has random numbers and steps without names. */
typedef struct kernels {
  const char *family;
  const char *source; /* of its random numbers, row_width a sample */
  void (*fill)(const ouro_stream *stream, uint64_t first, size_t n, double *out);
  const char *draw, *reduce, *fit; /* what is made of them, what is added up, how models are fitted */
} kernels;

static const kernels known[] = {
    {"linear", "normals", ouro_random_normals, "x'theta", "X'X", "Cholesky"},
    {"normal-mean", "normals", ouro_random_normals, "shift", "sum", "divide"},
    {"poisson", "uniforms", ouro_random_uniforms, "inversion", "sum", "divide"},
    {"bernoulli", "uniforms", ouro_random_uniforms, "compare", "sum", "divide"},
    {"exponential", "exponentials", ouro_random_exponentials, "scale", "sum", "divide"},
    {"gaussian", "normals", ouro_random_normals, "L z", "X'X", "Cholesky"},
    {"categorical", "uniforms", ouro_random_uniforms, "search", "count", "divide"},
    {"logistic", "normals", ouro_random_normals, "logarithms", "copy", "Newton (exp, log, X'WX)"},
    {"poisson-regression", "normals", ouro_random_normals, "exp, inversion", "copy", "Newton (exp, X'WX)"},
    {"huber", "normals", ouro_random_normals, "x'theta, noise", "copy", "IRLS (X'WX)"},
    {"mixture", "normals", ouro_random_normals, "choice, L z", "copy", "EM (exp, X'WX)"},
    {"kde", "normals", ouro_random_normals, "choice", "copy", "moments"},
    {NULL, "normals", ouro_random_normals, "draw", "reduce", "fit"}};

typedef enum part { NUMBERS, DRAW, REDUCE, ABSORB, FIT, PARTS } part;

/* A family at work, and what its parts took in each round, ns a sample. */
typedef struct shape {
  ouro_family *family;
  double *model; /* a copy of the truth: drawn from as a model is */
  double *rows, *set, *statistic, *copy, *theta;
  int64_t drawn; /* feeds, each of samples of its own: no branch is learned by heart */
  size_t width;  /* numbers of the statistic of a training set */
  double times[PARTS][ROUNDS];
} shape;

static volatile double sink; /* keeps results alive */

static ouro_family *family_of(const char *name, const char *const *more, int n) {
  const char *overrides[4];
  char family[64];
  ouro_config *config = NULL;
  ouro_family *made = NULL;
  snprintf(family, sizeof family, "model.family=%s", name);
  overrides[0] = family;
  for (int i = 0; i < n; i++) overrides[i + 1] = more[i];
  if (ouro_config_default(MPI_COMM_SELF, overrides, n + 1, &config) != OURO_OK) abort();
  if (ouro_family_create(config, &made) != OURO_OK) abort();
  ouro_config_destroy(&config);
  return made;
}

static double *numbers(size_t n) {
  double *made = calloc(n + 1, sizeof *made);
  if (made == NULL) abort();
  return made;
}

static ouro_slice feed_of(shape *s, ouro_count n) {
  const ouro_stream stream = ouro_random_stream(1, 2, 3, OURO_PURPOSE_TEST, 0, s->drawn++);
  return (ouro_slice){.stream = stream, .theta = s->model, .n = n, .total = n};
}

static void open_shape(shape *s, const char *name) {
  s->family = family_of(name, NULL, 0);
  const size_t p = (size_t)s->family->n_parameters;
  s->width = ouro_family_statistic_size(s->family, SET);
  s->model = numbers(p);
  s->theta = numbers(p);
  memcpy(s->model, s->family->truth, p * sizeof *s->model);
  s->rows = numbers((size_t)SET * (size_t)s->family->row_width);
  s->statistic = numbers(s->width);
  s->copy = numbers(s->width);
  s->set = numbers((size_t)FEED * (size_t)s->family->row_width);
}

static void close_shape(shape *s) {
  ouro_family_destroy(&s->family);
  double *const all[] = {s->model, s->theta, s->rows, s->statistic, s->copy, s->set};
  for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) free(all[i]);
}

/* One training set, a feed after the other. */
static void work(shape *s, const kernels *k, part which) {
  const size_t row = (size_t)s->family->row_width;
  ouro_count size = SET;
  if (which == FIT) {
    memcpy(s->copy, s->statistic, s->width * sizeof *s->copy);
    if (ouro_family_fit(s->family, 1, &size, s->copy, s->theta) != 1) abort();
    return;
  }
  if (which == REDUCE || which == ABSORB) memset(s->copy, 0, s->width * sizeof *s->copy);
  for (int id = 0; id < FEEDS; id++) {
    const ouro_slice feed = feed_of(s, FEED);
    if (which == NUMBERS) k->fill(&feed.stream, 0, FEED * row, s->set);
    if (which == DRAW) ouro_family_draw(s->family, &feed, s->set);
    if (which == REDUCE) ouro_family_reduce(s->family, s->rows, FEED, s->copy);
    if (which == ABSORB) ouro_family_absorb(s->family, 1, &feed, &s->copy);
  }
}

static void measure(shape *s, const kernels *k) {
  const ouro_slice set = feed_of(s, SET);
  ouro_family_draw(s->family, &set, s->rows);
  ouro_family_reduce(s->family, s->rows, SET, s->statistic);
  for (int round = 0; round < ROUNDS; round++) {
    for (int which = 0; which < PARTS; which++) {
      const int repeats = which == FIT && s->family->methods->fit_rows ? REPEATS / 20 : REPEATS;
      const double start = ouro_timer_now();
      for (int i = 0; i < repeats; i++) work(s, k, (part)which);
      s->times[which][round] = (ouro_timer_now() - start) * 1e9 / SET / repeats;
    }
  }
  sink = s->theta[0];
}

static int compare(const void *a, const void *b) {
  const double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

static double median(double *times, int n) {
  qsort(times, (size_t)n, sizeof *times, compare);
  return times[n / 2];
}

static const kernels *kernels_of(const char *name) {
  const kernels *k = known;
  while (k->family && strcmp(k->family, name) != 0) k++;
  return k;
}

/* "family: kernel" with what it takes; of the draw, what is left when the random numbers are there. */
static void report(shape *s, const kernels *k) {
  const char *name = s->family->methods->name;
  double ns[PARTS];
  for (int which = 0; which < PARTS; which++) ns[which] = median(s->times[which], ROUNDS);
  const double drawn = ns[DRAW] > ns[NUMBERS] ? ns[DRAW] - ns[NUMBERS] : 0;
  printf("%s: in all\t%.2f\tns/sample\n", name, ns[ABSORB] + ns[FIT]);
  printf("%s: %s\t%.2f\tns/sample\n", name, k->source, ns[NUMBERS]);
  printf("%s: %s\t%.2f\tns/sample\n", name, k->draw, drawn);
  printf("%s: %s\t%.2f\tns/sample\n", name, k->reduce, ns[REDUCE]);
  printf("%s: %s\t%.2f\tns/sample\n", name, k->fit, ns[FIT]);
}

/* ns to draw and count m samples of k outcomes of Zipf's law, never the same ones. */
static double time_categorical(ouro_family *family, const double *model, double *count, ouro_count m) {
  double times[ROUNDS];
  for (int round = 0; round < ROUNDS; round++) {
    const double start = ouro_timer_now();
    for (int i = 0; i < 8; i++) {
      const ouro_stream stream = ouro_random_stream(1, 2, 3, OURO_PURPOSE_TEST, round, i);
      const ouro_slice feed = {.stream = stream, .theta = model, .n = m, .total = m};
      ouro_family_absorb(family, 1, &feed, &count);
    }
    times[round] = (ouro_timer_now() - start) * 1e9 / 8;
  }
  return median(times, ROUNDS);
}

/* Both as they grow together, and each alone: were the time proportional to m + k, all rows would say the same. */
static void report_categorical(const char *how) {
  static const int rows[][2] = {{2500, 2500},   {5000, 5000},    {10000, 10000}, {20000, 20000},
                                {40000, 40000}, {100000, 10000}, {10000, 100000}};
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    const int m = rows[i][0], k = rows[i][1];
    char categories[64];
    snprintf(categories, sizeof categories, "model.categories=%d", k);
    const char *const more[] = {categories, "model.probabilities=zipf", how};
    ouro_family *family = family_of("categorical", more, 3);
    double *model = numbers((size_t)k), *count = numbers((size_t)k);
    memcpy(model, family->truth, (size_t)k * sizeof *model);
    printf("categorical, %s, m = %d, k = %d\t%.3f\tns/(m + k)\n", how + strlen("model."), m, k,
           time_categorical(family, model, count, m) / (m + k));
    free(model);
    free(count);
    ouro_family_destroy(&family);
  }
}

/* What the iterations of Newton and EM are made of, a pass over a training set: exp, log, the sums of weighted
 * products. */
static void pass(int what, double *x) {
  static double statistic[(P + 1) * (P + 2) / 2];
  if (what == 0) ouro_exp(SET, x);
  if (what == 1) ouro_normal_scalar.minus_two_log(SET, x, x);
  for (int r = 0; what == 2 && r < SET; r += OURO_ROW_BLOCK) {
    ouro_linear_kernels_now()->gram(P, OURO_ROW_BLOCK, x + r, statistic);
  }
  sink = statistic[0];
}

static void report_passes(void) {
  static const char *const names[] = {"exp\t%.2f\tns/number\n", "log\t%.2f\tns/number\n",
                                      "X'WX, p = 10\t%.2f\tns/sample\n"};
  static double x[SET + (P + 1) * OURO_ROW_BLOCK];
  double times[3][ROUNDS];
  for (int round = 0; round < ROUNDS; round++) {
    for (int what = 0; what < 3; what++) {
      double seconds = 0;
      for (int i = 0; i < REPEATS; i++) {
        for (size_t r = 0; r < sizeof x / sizeof x[0]; r++) x[r] = what == 0 ? -0.01 * (double)r : 1 + 0.01 * (double)r;
        const double start = ouro_timer_now();
        pass(what, x);
        seconds += ouro_timer_now() - start;
      }
      times[what][round] = seconds * 1e9 / SET / REPEATS;
    }
  }
  for (int what = 0; what < 3; what++) printf(names[what], median(times[what], ROUNDS));
}

int main(void) {
  const ouro_family_methods *methods;
  MPI_Init(NULL, NULL);
  for (int i = 0; (methods = ouro_family_at(i)) != NULL; i++) {
    const kernels *k = kernels_of(methods->name);
    shape s = {0};
    open_shape(&s, methods->name);
    measure(&s, k);
    report(&s, k);
    close_shape(&s);
  }
  report_passes();
  report_categorical("model.top_p=1");
  report_categorical("model.top_p=0.9");
  report_categorical("model.temperature=0.7");
  MPI_Finalize();
  return 0;
}
