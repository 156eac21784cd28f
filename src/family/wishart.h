#ifndef OURO_FAMILY_WISHART_H
#define OURO_FAMILY_WISHART_H

/* Sums of products of m rows z ~ N(0, I) in p dimensions, m >= p, without the rows: THEORY.md section 11. Z'Z has the
 * law of A A' with A lower triangular, all elements independent: A_jk ~ N(0, 1) below the diagonal, and A_jj^2
 * chi-square with m - j degrees of freedom, j from 0 (Bartlett 1933). The p columns of A do for the m rows.
 *
 * Small ones are made 8 feeds at a time, side by side; of large ones the columns come as row blocks. Which of the two
 * depends on p alone. */

#include "ouro/family/family.h"

/* Largest p whose triangles are made side by side: beyond, row blocks are as fast. */
#define OURO_WISHART_SMALL 40

/* Feeds that are drawn together. */
#define OURO_WISHART_BATCH 8

/* How a family makes statistics of what is drawn here. */
typedef struct ouro_wishart_methods {
  /* Statistics [n][statistic_width] of n <= BATCH slices, side by side. */
  void (*together)(const ouro_family *family, int n, const ouro_slice *slices, double *statistics);
  /* Add to the statistic of one slice, where p is large. */
  void (*alone)(const ouro_family *family, const ouro_slice *slice, double *statistic);
} ouro_wishart_methods;

typedef struct ouro_wishart {
  int p;
  ouro_count lost; /* by a mean: there are total - lost degrees of freedom */
  double *chi;     /* [BATCH][p]; of a large one [p] */
  double *normals; /* [BATCH][p (p + 1) / 2]; of a large one NULL, as the rest is */
  double *a;       /* [p (p + 1) / 2 + p][BATCH] packed triangles, then p more numbers of each */
  double *factor;  /* [p (p + 1) / 2][BATCH] for the family */
  double *vector;  /* [p][BATCH] for the family */
} ouro_wishart;

/** Room for draws in p dimensions.
 *  Not collective.
 *  [in] lost degrees of freedom that a feed has less than rows
 *  Returns OURO_OK or OURO_ENOMEM; what it has so far is released with ouro_wishart_clear() either way. */
ouro_status ouro_wishart_create(int p, ouro_count lost, ouro_wishart *wishart);

/** Release what it holds. A zeroed one is fine.
 *  Not collective. */
void ouro_wishart_clear(ouro_wishart *wishart);

/** Draw statistics as ouro_family_draw_statistics() does. Of too few rows for a Wishart, the rows are drawn.
 *  Not collective. */
void ouro_wishart_draw(const ouro_wishart *wishart, const ouro_wishart_methods *methods, const ouro_family *family,
                       ouro_lid n, const ouro_slice *slices, double *statistics);

/** The triangles of n <= BATCH feeds and p standard normal numbers of each, into wishart->a. Places of feeds that are
 *  missing hold the first.
 *  Not collective. */
void ouro_wishart_triangles(const ouro_wishart *wishart, int n, const ouro_slice *slices);

/** Numbers [width] of n <= BATCH feeds that lie side by side, back into one array a feed.
 *  Not collective.
 *  [in]  a   [width][BATCH]
 *  [out] out [n][width] */
void ouro_wishart_apart(ptrdiff_t width, int n, const double *a, double *out);

/** The other way round; places of feeds that are missing hold the first.
 *  Not collective.
 *  [in] from [n] pointers to [width] */
void ouro_wishart_together(ptrdiff_t width, int n, const double *const *from, double *a);

/** Begin a large one.
 *  Not collective. */
void ouro_wishart_begin(const ouro_wishart *wishart, const ouro_slice *slice);

/** Columns first .. first+b-1 of its A as a row block; what follows the p numbers of a row is standard normal.
 *  Not collective.
 *  [in]  first a multiple of OURO_ROW_BLOCK
 *  [in]  b     up to OURO_ROW_BLOCK, as many as there are
 *  [in]  width at least p
 *  [out] rows  [width][b] */
void ouro_wishart_rows(const ouro_wishart *wishart, const ouro_slice *slice, int first, int b, int width, double *rows);

/** Standard normal numbers of a large one beside its columns.
 *  Not collective.
 *  [out] out [n] */
void ouro_wishart_normals(const ouro_slice *slice, int n, double *out);

#endif
