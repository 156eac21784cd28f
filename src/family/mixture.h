#ifndef OURO_FAMILY_MIXTURE_H
#define OURO_FAMILY_MIXTURE_H

/* A mixture of k normal distributions in d dimensions. Parameters: a component after the other, each its mean [d], the
 * packed lower Cholesky factor of its covariance, and its weight. */

#include "ouro/family/family.h"

/* Least variance along any column of a factor, in units of the noise of nature: no component becomes a point. */
#define OURO_MIXTURE_LEAST 1e-6

/* Rows among which the fit looks for its start. */
#define OURO_MIXTURE_ROWS 1024

typedef struct ouro_mixture {
  int d, k, size;   /* size: numbers of a component */
  double unit;      /* the noise of nature; a fit has its lengths in these units */
  uint64_t seed;    /* of the starts of fits */
  double *share;    /* [k] cumulative weights of the model drawn from */
  double *work;     /* [d (d + 1) / 2 + d] */
  int alive;        /* components of the fit that have not lost their samples .. */
  double *fitted;   /* [k][size] .. which come first */
  double *constant; /* [k] ln weight - ln det factor */
  double *mass;     /* [k] samples of a component */
  double *moments;  /* [k][d (d + 1) / 2 + d] of rows about its mean: packed products, sums */
  double *rows;     /* [d][OURO_ROW_BLOCK] a row block in units */
  double *centred;  /* [d + 1][OURO_ROW_BLOCK] */
  double *density;  /* [k][OURO_ROW_BLOCK] */
  double *nearest;  /* [OURO_MIXTURE_ROWS] squared distance to the nearest centre */
  double *chances;  /* [k][n_candidates] uniform numbers */
  int n_candidates; /* for a centre */
  int *centres;     /* [2][k] rows: the best choice, and another */
  /* Of the limit of many samples, NULL where learning.sampling is another: packed factors of the Fisher information. */
  double separation;
  double *along, *across; /* of 3 k - 1 and 2 k parameters */
  double *vector;         /* [3 k] */
  double *mirror;         /* [2][d] a unit vector, and scratch */
} ouro_mixture;

static inline ptrdiff_t ouro_mixture_triangle(int d) {
  return (ptrdiff_t)d * (d + 1) / 2;
}

/** L L' = S in place, packed. A pivot is at least `least`.
 *  Not collective. */
void ouro_mixture_factor(int d, double least, double *s);

/** Room for fits.
 *  Not collective.
 *  Returns OURO_OK or OURO_ENOMEM. */
ouro_status ouro_mixture_fit_create(ouro_mixture *model);
void ouro_mixture_fit_clear(ouro_mixture *model);

/** Fit by expectation and maximisation, as mixture_fit.c says.
 *  Not collective.
 *  [in]  rows  a kept sample of n rows, without its count (samples.h)
 *  [out] theta components by ascending first coordinate, then zeros for those that were lost
 *  Returns false where numbers are too large. */
bool ouro_mixture_fit(const ouro_family *family, ouro_count n, const double *rows, const double *weights,
                      double *theta);

/** What scattering needs: the Fisher information of nature.
 *  Not collective.
 *  Returns OURO_OK, OURO_ECONFIG (it is singular), OURO_ENOMEM. */
ouro_status ouro_mixture_limit_create(const ouro_config *config, ouro_mixture *model);
void ouro_mixture_limit_clear(ouro_mixture *model);

/** The method of the family; of one made for the limit of many samples.
 *  Not collective. */
void ouro_mixture_scatter(const ouro_family *family, ouro_lid n, double *z);

/** Log-likelihood of a model on n rows; -inf if it has no components.
 *  Not collective.
 *  [in] rows a kept sample of n rows, without its count */
double ouro_mixture_likelihood(const ouro_family *family, const double *theta, ouro_count n, const double *rows);

#endif
