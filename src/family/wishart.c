/* Wishart matrices by Bartlett's decomposition: see wishart.h.
 * Of a feed's stream the numbers themselves are the normal ones, substream 1 has the chi-square ones.
 * Invariant: what is made of a feed depends on no other feed, and has the same bits on every vector width. */

#include "family/wishart.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "ouro/base/memory.h"
#include "ouro/base/sampler.h"

#define BATCH OURO_WISHART_BATCH
/* Substreams. */
#define CHI_SQUARE 1
#define BESIDE 2

static ptrdiff_t triangle(int p) {
  return (ptrdiff_t)p * (p + 1) / 2;
}

ouro_status ouro_wishart_create(int p, ouro_count lost, ouro_wishart *wishart) {
  ouro_status status = OURO_OK;
  const size_t size = (size_t)triangle(p), dimensions = (size_t)p;
  *wishart = (ouro_wishart){.p = p, .lost = lost};
  if (p > OURO_WISHART_SMALL) {
    OURO_NEW(wishart->chi, dimensions);
    return OURO_OK;
  }
  OURO_NEW(wishart->chi, BATCH * dimensions);
  OURO_NEW(wishart->normals, BATCH * size);
  OURO_NEW(wishart->a, BATCH * (size + dimensions));
  OURO_NEW(wishart->factor, BATCH * size);
  OURO_NEW(wishart->vector, BATCH * dimensions);
cleanup:
  return status;
}

void ouro_wishart_clear(ouro_wishart *wishart) {
  free(wishart->chi);
  free(wishart->normals);
  free(wishart->a);
  free(wishart->factor);
  free(wishart->vector);
  *wishart = (ouro_wishart){0};
}

/* The diagonals of n <= BATCH feeds. */
static void draw_chi(const ouro_wishart *wishart, int n, const ouro_slice *slices) {
  const int p = wishart->p;
  double *chi = wishart->chi;
  ouro_stream streams[BATCH];
  for (int i = 0; i < n; i++) {
    streams[i] = ouro_random_substream(&slices[i].stream, CHI_SQUARE);
    for (int j = 0; j < p; j++) chi[i * p + j] = (double)(slices[i].total - wishart->lost - j);
  }
  ouro_sampler_chi_square((size_t)n, streams, (size_t)p, chi);
  for (int k = 0; k < n * p; k++) chi[k] = sqrt(chi[k]);
}

/* The triangle of feed i, its normal numbers row after row below the diagonal; then the p that are left. */
static void place(int p, const double *normals, const double *chi, double *a) {
  for (int j = 0; j < p; j++, a += BATCH) {
    for (int k = 0; k < j; k++, a += BATCH) *a = *normals++;
    *a = chi[j];
  }
  for (int j = 0; j < p; j++, a += BATCH) *a = *normals++;
}

void ouro_wishart_triangles(const ouro_wishart *wishart, int n, const ouro_slice *slices) {
  const int p = wishart->p;
  const ptrdiff_t size = triangle(p);
  for (int i = 0; i < n; i++) {
    ouro_random_normals(&slices[i].stream, 0, (size_t)size, wishart->normals + i * size);
  }
  draw_chi(wishart, n, slices);
  for (int i = 0; i < BATCH; i++) {
    const int from = i < n ? i : 0;
    place(p, wishart->normals + from * size, wishart->chi + from * p, wishart->a + i);
  }
}

void ouro_wishart_apart(ptrdiff_t width, int n, const double *a, double *out) {
  for (ptrdiff_t at = 0; at < width; at++) {
    for (int i = 0; i < n; i++) out[i * width + at] = a[at * BATCH + i];
  }
}

void ouro_wishart_together(ptrdiff_t width, int n, const double *const *from, double *a) {
  for (ptrdiff_t at = 0; at < width; at++) {
    for (int i = 0; i < BATCH; i++) a[at * BATCH + i] = from[i < n ? i : 0][at];
  }
}

void ouro_wishart_begin(const ouro_wishart *wishart, const ouro_slice *slice) {
  draw_chi(wishart, 1, slice);
}

void ouro_wishart_normals(const ouro_slice *slice, int n, double *out) {
  const ouro_stream stream = ouro_random_substream(&slice->stream, BESIDE);
  ouro_random_normals(&stream, 0, (size_t)n, out);
}

void ouro_wishart_rows(const ouro_wishart *wishart, const ouro_slice *slice, int first, int b, int width,
                       double *rows) {
  ouro_random_normals(&slice->stream, (uint64_t)first * (uint64_t)width, (size_t)b * (size_t)width, rows);
  for (int k = 0; k < first * b; k++) rows[k] = 0; /* column c of A begins in row c */
  for (int r = 0; r < b; r++) {
    for (int j = first; j < first + r; j++) rows[(ptrdiff_t)j * b + r] = 0;
    rows[(ptrdiff_t)(first + r) * b + r] = wishart->chi[first + r];
  }
}

static bool has_law(const ouro_wishart *wishart, const ouro_slice *slice) {
  return slice->total - wishart->lost >= wishart->p;
}

/* Slices from the first on, up to BATCH, that are drawn side by side; 0: the first is not. */
static int company_of(const ouro_wishart *wishart, ouro_lid n, const ouro_slice *slices) {
  int company = 0;
  if (wishart->p > OURO_WISHART_SMALL) return 0;
  while (company < BATCH && company < n && has_law(wishart, &slices[company])) company++;
  return company;
}

static void draw_alone(const ouro_wishart *wishart, const ouro_wishart_methods *methods, const ouro_family *family,
                       const ouro_slice *slice, double *statistic) {
  memset(statistic, 0, (size_t)family->statistic_width * sizeof *statistic);
  if (has_law(wishart, slice))
    methods->alone(family, slice, statistic);
  else
    ouro_family_absorb(family, 1, slice, &statistic);
}

void ouro_wishart_draw(const ouro_wishart *wishart, const ouro_wishart_methods *methods, const ouro_family *family,
                       ouro_lid n, const ouro_slice *slices, double *statistics) {
  for (ouro_lid i = 0, drawn = 0; i < n; i += drawn, statistics += (ptrdiff_t)drawn * family->statistic_width) {
    drawn = company_of(wishart, n - i, slices + i);
    if (drawn > 0) {
      methods->together(family, drawn, slices + i, statistics);
      continue;
    }
    draw_alone(wishart, methods, family, slices + i, statistics);
    drawn = 1;
  }
}
