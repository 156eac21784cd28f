/* Speed of the inner loops on one core: normal numbers, statistics and fits, ours and the obvious way or the BLAS.
 * Prints lines "name value unit"; every value is the least of interleaved rounds, since a shared machine can only
 * be slower than it is.
 * Run it with one BLAS thread (scripts/mpi.sh 1 does). */

#include <Random123/threefry.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/isa.h"
#include "ouro/base/timer.h"
#include "ouro/family/family.h"

#define ROUNDS 51
#define LONG_FILL 704  /* a row block of 64 rows for p = 10 */
#define SHORT_FILL 100 /* a feed of 20 rows for p = 4 */

void dsyrk_(const char *uplo, const char *trans, const int *n, const int *k, const double *alpha, const double *a,
            const int *lda, const double *beta, double *c, const int *ldc);
void dposv_(const char *uplo, const int *n, const int *nrhs, double *a, const int *lda, double *b, const int *ldb,
            int *info);

#define MODELS 64 /* fitted, and statistics drawn, in one call */

/* One feed of m samples of dimension p, and room for its rows and statistics. */
typedef struct shape {
  const char *label;
  int p, m;
  ouro_family *family;
  ouro_slice slice;
  double *rows, *statistic, *square;
  double absorb[ROUNDS], reduce[ROUNDS], dsyrk[ROUNDS]; /* ns a sample */
  double draw[ROUNDS], fit[ROUNDS], dposv[ROUNDS];      /* ns a statistic; ns a model */
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

/* One row block after the other, as samples come. */
static double time_dsyrk(shape *s, int repeats) {
  const int width = s->p + 1;
  const double one = 1;
  const double start = ouro_timer_now();
  for (int i = 0; i < repeats; i++) {
    for (int first = 0; first < s->m; first += OURO_ROW_BLOCK) {
      const int b = s->m - first < OURO_ROW_BLOCK ? s->m - first : OURO_ROW_BLOCK;
      dsyrk_("L", "T", &width, &b, &one, s->rows + (ptrdiff_t)first * width, &b, &one, s->square, &width);
    }
  }
  sink = s->square[0];
  return (ouro_timer_now() - start) * 1e9 / repeats / s->m;
}

/* Statistics of feeds without their samples. */
static double time_draw(shape *s, int repeats) {
  ouro_slice slices[MODELS];
  double *out = calloc(MODELS * (size_t)s->family->statistic_width, sizeof *out), seconds = 0;
  if (!out) abort();
  for (int i = 0; i < repeats; i++) {
    for (int k = 0; k < MODELS; k++) {
      slices[k] = s->slice;
      slices[k].stream = ouro_random_stream(1, 2, 3, OURO_PURPOSE_TEST, i, k);
    }
    const double start = ouro_timer_now();
    ouro_family_draw_statistics(s->family, MODELS, slices, out);
    seconds += ouro_timer_now() - start;
  }
  sink = out[0];
  free(out);
  return seconds * 1e9 / repeats / MODELS;
}

/* One fit by LAPACK, its matrix copied from the packed statistic. */
static double time_dposv(shape *s, int repeats) {
  const int p = s->p, one = 1;
  double *a = calloc((size_t)(p * p + p), sizeof *a),
         *fresh = calloc((size_t)s->family->statistic_width, sizeof *fresh);
  if (!a || !fresh) abort();
  ouro_family_reduce(s->family, s->rows, s->m, fresh);
  const double start = ouro_timer_now();
  for (int i = 0; i < repeats * MODELS; i++) {
    int info;
    for (int j = 0, at = 0; j < p; j++) {
      for (int k = 0; k <= j; k++) a[k * p + j] = fresh[at++];
    }
    memcpy(a + p * p, fresh + p * (p + 1) / 2, (size_t)p * sizeof *a);
    dposv_("L", &p, &one, a, &p, a + p * p, &p, &info);
    if (info != 0) abort();
  }
  sink = a[p * p];
  const double seconds = ouro_timer_now() - start;
  free(a);
  free(fresh);
  return seconds * 1e9 / repeats / MODELS;
}

/* Many models at a time, from the statistic of one feed. */
static double time_fit(shape *s, int repeats) {
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

static void print(const char *name, const char *label, const double times[ROUNDS], const char *unit) {
  double least = times[0];
  for (int round = 1; round < ROUNDS; round++) least = fmin(least, times[round]);
  printf("%s%s %.3f %s\n", name, label, least, unit);
}

/* Shapes of feeds that are asked for often, and the dimensions between which one way to fit gives way to another. */
static shape shapes[] = {{.label = ".p4.m20", .p = 4, .m = 20},       {.label = ".p10.m100", .p = 10, .m = 100},
                         {.label = ".p10.m1000", .p = 10, .m = 1000}, {.label = ".p60.m200", .p = 60, .m = 200},
                         {.label = ".p2.m64", .p = 2, .m = 64},       {.label = ".p4.m64", .p = 4, .m = 64},
                         {.label = ".p8.m64", .p = 8, .m = 64},       {.label = ".p16.m64", .p = 16, .m = 64},
                         {.label = ".p24.m64", .p = 24, .m = 64},     {.label = ".p32.m64", .p = 32, .m = 64},
                         {.label = ".p48.m64", .p = 48, .m = 64},     {.label = ".p64.m128", .p = 64, .m = 128}};
#define N_SHAPES (sizeof shapes / sizeof shapes[0])

static void measure(double plain[ROUNDS], double fill[ROUNDS], double short_fill[ROUNDS]) {
  for (int round = 0; round < ROUNDS; round++) {
    plain[round] = time_plain(20);
    fill[round] = time_normals(200, LONG_FILL);
    short_fill[round] = time_normals(1000, SHORT_FILL);
    for (size_t i = 0; i < N_SHAPES; i++) {
      const int width = shapes[i].p + 2, repeats = 1000000 / (shapes[i].m * width * width) + 1;
      shapes[i].absorb[round] = time_absorb(&shapes[i], repeats);
      shapes[i].reduce[round] = time_reduce(&shapes[i], repeats);
      shapes[i].dsyrk[round] = time_dsyrk(&shapes[i], repeats);
      const int models = 100 / shapes[i].p / shapes[i].p + 1;
      shapes[i].draw[round] = time_draw(&shapes[i], models);
      shapes[i].fit[round] = time_fit(&shapes[i], models);
      shapes[i].dposv[round] = time_dposv(&shapes[i], models);
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
    print("draw", shapes[i].label, shapes[i].draw, "ns/statistic");
    print("fit", shapes[i].label, shapes[i].fit, "ns/model");
    print("dposv", shapes[i].label, shapes[i].dposv, "ns/model");
    close_shape(&shapes[i]);
  }
  return 0;
}
