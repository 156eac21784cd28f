/* Speed of the inner loops on one core: normal numbers and statistics, ours and the obvious way.
 * Prints lines "name value unit"; every value is the median over interleaved rounds.
 * Run it with one BLAS thread (scripts/mpi.sh 1 does). */

#include <Random123/threefry.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/isa.h"
#include "ouro/base/timer.h"
#include "ouro/family/family.h"

#define ROUNDS 101
#define LONG_FILL 704  /* a row block of 64 rows for p = 10 */
#define SHORT_FILL 100 /* a feed of 20 rows for p = 4 */

void dsyrk_(const char *uplo, const char *trans, const int *n, const int *k, const double *alpha, const double *a,
            const int *lda, const double *beta, double *c, const int *ldc);

/* One feed of m samples of dimension p, and room for its rows and statistics. */
typedef struct shape {
  const char *label;
  int p, m;
  ouro_family *family;
  ouro_slice slice;
  double *rows, *statistic, *square;
  double absorb[ROUNDS], reduce[ROUNDS], dsyrk[ROUNDS], fit[ROUNDS]; /* ns a sample; fit: ns a model */
} shape;

static volatile double sink; /* keeps results alive */

static double buffer[LONG_FILL];

/* Random123 and libm: what one writes first. */
static void plain_normals(uint64_t id, int n, double *out) {
  const threefry4x64_key_t key = {{1, 2, 3, 4}};
  for (int i = 0; i < n; i += 4) {
    const threefry4x64_ctr_t counter = {{(uint64_t)i, id, 0, 0}};
    const threefry4x64_ctr_t words = threefry4x64(counter, key);
    for (int k = 0; k < 4; k += 2) {
      const double u = ((double)(words.v[k] >> 11) + 0.5) * 0x1p-53, v = (double)(words.v[k + 1] >> 11) * 0x1p-53;
      const double radius = sqrt(-2 * log(u));
      out[i + k] = radius * cos(2 * M_PI * v);
      out[i + k + 1] = radius * sin(2 * M_PI * v);
    }
  }
}

static double time_plain(int repeats) {
  const double start = ouro_timer_now();
  for (int i = 0; i < repeats; i++) {
    plain_normals((uint64_t)i, LONG_FILL, buffer);
    sink = buffer[i % LONG_FILL];
  }
  return (ouro_timer_now() - start) * 1e9 / repeats / LONG_FILL;
}

static double time_normals(int repeats, int n) {
  const double start = ouro_timer_now();
  for (int i = 0; i < repeats; i++) {
    const ouro_stream stream = ouro_random_stream(1, 2, 3, OURO_PURPOSE_TEST, 0, i);
    ouro_random_normals(&stream, 0, (size_t)n, buffer);
    sink = buffer[i % n];
  }
  return (ouro_timer_now() - start) * 1e9 / repeats / n;
}

static double time_absorb(shape *s, int repeats) {
  const double start = ouro_timer_now();
  for (int i = 0; i < repeats; i++) {
    s->slice.stream = ouro_random_stream(1, 2, 3, OURO_PURPOSE_TEST, 0, i);
    ouro_family_absorb(s->family, 1, &s->slice, &s->statistic);
  }
  sink = s->statistic[0];
  return (ouro_timer_now() - start) * 1e9 / repeats / s->m;
}

static double time_reduce(shape *s, int repeats) {
  const double start = ouro_timer_now();
  for (int i = 0; i < repeats; i++) ouro_family_reduce(s->family, s->rows, s->m, s->statistic);
  sink = s->statistic[0];
  return (ouro_timer_now() - start) * 1e9 / repeats / s->m;
}

static double time_dsyrk(shape *s, int repeats) {
  const int width = s->p + 1;
  const double one = 1;
  const double start = ouro_timer_now();
  for (int i = 0; i < repeats; i++) dsyrk_("L", "T", &width, &s->m, &one, s->rows, &s->m, &one, s->square, &width);
  sink = s->square[0];
  return (ouro_timer_now() - start) * 1e9 / repeats / s->m;
}

/* 64 models at a time, from the statistic of two feeds. */
static double time_fit(shape *s, int repeats) {
  enum { MODELS = 64 };
  const size_t width = (size_t)s->family->statistic_width;
  double *fresh = calloc(MODELS * width, sizeof *fresh), *used = calloc(MODELS * width, sizeof *used);
  double *theta = calloc((size_t)(MODELS * s->p), sizeof *theta), seconds = 0;
  ouro_count sizes[MODELS];
  if (!fresh || !used || !theta) abort();
  for (int i = 0; i < MODELS; i++) {
    sizes[i] = s->m;
    ouro_family_reduce(s->family, s->rows, s->m, fresh + (size_t)i * width);
  }
  for (int i = 0; i < repeats; i++) {
    memcpy(used, fresh, MODELS * width * sizeof *used);
    const double start = ouro_timer_now();
    if (ouro_family_fit(s->family, MODELS, sizes, used, theta) != MODELS) abort();
    seconds += ouro_timer_now() - start;
  }
  sink = theta[0];
  free(fresh);
  free(used);
  free(theta);
  return seconds * 1e9 / repeats / MODELS;
}

static void open_shape(shape *s) {
  static char linear[] = "linear";
  const ouro_config config = {.model = {.family = linear, .dimension = s->p, .noise = 1}, .learning = {.seed = 1}};
  if (ouro_family_create(&config, &s->family) != OURO_OK) abort();
  s->slice = (ouro_slice){.theta = s->family->truth, .n = s->m, .total = s->m};
  s->slice.stream = ouro_random_stream(1, 2, 3, OURO_PURPOSE_TEST, 1, 0);
  s->rows = calloc((size_t)s->m * (size_t)(s->p + 1), sizeof *s->rows);
  s->statistic = calloc((size_t)s->family->statistic_width, sizeof *s->statistic);
  s->square = calloc((size_t)((s->p + 1) * (s->p + 1)), sizeof *s->square);
  if (!s->rows || !s->statistic || !s->square) abort();
  ouro_family_draw(s->family, &s->slice, s->rows);
}

static void close_shape(shape *s) {
  ouro_family_destroy(&s->family);
  free(s->rows);
  free(s->statistic);
  free(s->square);
}

static int compare(const void *a, const void *b) {
  const double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

static void print(const char *name, const char *label, double times[ROUNDS], const char *unit) {
  qsort(times, ROUNDS, sizeof *times, compare);
  printf("%s%s %.3f %s\n", name, label, times[ROUNDS / 2], unit);
}

static shape shapes[] = {{.label = ".p4.m20", .p = 4, .m = 20},
                         {.label = ".p10.m100", .p = 10, .m = 100},
                         {.label = ".p60.m200", .p = 60, .m = 200}};
#define N_SHAPES (sizeof shapes / sizeof shapes[0])

static void measure(double plain[ROUNDS], double fill[ROUNDS], double short_fill[ROUNDS]) {
  for (int round = 0; round < ROUNDS; round++) {
    plain[round] = time_plain(20);
    fill[round] = time_normals(200, LONG_FILL);
    short_fill[round] = time_normals(1000, SHORT_FILL);
    for (size_t i = 0; i < N_SHAPES; i++) {
      const int repeats = 20000 / shapes[i].m;
      shapes[i].absorb[round] = time_absorb(&shapes[i], repeats);
      shapes[i].reduce[round] = time_reduce(&shapes[i], repeats);
      shapes[i].dsyrk[round] = time_dsyrk(&shapes[i], repeats);
      shapes[i].fit[round] = time_fit(&shapes[i], 3);
    }
  }
}

int main(void) {
  static double plain[ROUNDS], fill[ROUNDS], short_fill[ROUNDS];
  for (size_t i = 0; i < N_SHAPES; i++) open_shape(&shapes[i]);
  measure(plain, fill, short_fill);
  printf("isa %s -\n", ouro_random_isa());
  print("normal.plain", "", plain, "ns/normal");
  print("normal", ".n704", fill, "ns/normal");
  print("normal", ".n100", short_fill, "ns/normal");
  for (size_t i = 0; i < N_SHAPES; i++) {
    print("absorb", shapes[i].label, shapes[i].absorb, "ns/sample");
    print("reduce", shapes[i].label, shapes[i].reduce, "ns/sample");
    print("dsyrk", shapes[i].label, shapes[i].dsyrk, "ns/sample");
    print("fit", shapes[i].label, shapes[i].fit, "ns/model");
    close_shape(&shapes[i]);
  }
  return 0;
}
