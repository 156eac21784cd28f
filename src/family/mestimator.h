#ifndef OURO_FAMILY_MESTIMATOR_H
#define OURO_FAMILY_MESTIMATOR_H

/* What logistic, Poisson and Huber regression share: x ~ N(0, Sigma), a response whose law depends on u = x' theta
 * alone, and a fit that minimises a sum over samples of a convex loss(y, u).
 *
 * Error is delta' J^-1 delta / p with J the asymptotic covariance, times n, of a fit to n real samples (the sandwich of
 * THEORY.md section 4 at theta*): the expected error of a fit is 1/n to first order, and C_ii is the C of that section.
 * By the symmetry of the covariates J^-1 = across Sigma + (along - across) Sigma theta* theta*' Sigma / s^2, with
 * s^2 = theta*' Sigma theta*. */

#include "family/covariates.h"
#include "ouro/family/family.h"

typedef struct ouro_mestimator ouro_mestimator;

/* Responses of b <= OURO_ROW_BLOCK rows of a feed, those of the slice `part`.
 * [inout] y [b] the linear predictors u; becomes the responses */
typedef void (*ouro_mestimator_respond)(const ouro_mestimator *model, const ouro_slice *part, int b, double *y);

/* Loss and its derivatives in u at b rows.
 * [out] loss [b]
 * [out] root [b] square root of the weight: of the second derivative, or of what stands for it (> 0)
 * [out] pull [b] the negative derivative, divided by root */
typedef void (*ouro_mestimator_terms)(const ouro_mestimator *model, int b, const double *y, const double *u,
                                      double *loss, double *root, double *pull);

/* A family sets the first group after ouro_mestimator_create(). */
struct ouro_mestimator {
  ouro_mestimator_respond respond;
  ouro_mestimator_terms terms;
  double unit;          /* of u: by how much it may change without the weight changing much */
  double least;         /* there is no minimum where the sum of losses is below this */
  double sigma;         /* of the noise, where there is one */
  double across, along; /* of J^-1 */
  double carrier;       /* E ln Y! under the truth, where responses are counts */

  ouro_covariate_law law;
  double squared;                              /* s^2 */
  double *toward;                              /* [p] unit vector L' theta* / s, Sigma = L L'; zeros if s is 0 */
  double *rows;                                /* [OURO_ROW_BLOCK][p + 1] weighted rows */
  double *statistic;                           /* [p (p + 1) / 2 + p] X'WX and X'r */
  double *step, *trial, *work;                 /* [p], [p], of the solution */
  double u[OURO_ROW_BLOCK], v[OURO_ROW_BLOCK]; /* linear predictors, and how they move */
  double loss[OURO_ROW_BLOCK], root[OURO_ROW_BLOCK], pull[OURO_ROW_BLOCK];
};

/** Make the common part of a family: sizes, covariates, truth, a spread of 1.
 *  Not collective.
 *  [out] family its constants are an ouro_mestimator
 *  Returns OURO_OK, OURO_ECONFIG, OURO_ENOMEM. */
ouro_status ouro_mestimator_create(const ouro_config *config, ouro_family *family);

/* Methods of the families. */
void ouro_mestimator_destroy(ouro_family *family);
void ouro_mestimator_draw(const ouro_family *family, const ouro_slice *slice, double *rows);
void ouro_mestimator_error(const ouro_family *family, ouro_lid n, const double *theta, double *errors);
void ouro_mestimator_scatter(const ouro_family *family, ouro_lid n, double *z);

/** Minimise the weighted sum of losses by damped Newton steps from theta = 0.
 *  Not collective.
 *  [in]  rows    a kept sample of n rows, without its count (samples.h)
 *  [in]  weights [n] of the losses, > 0; NULL: all 1
 *  [out] theta   [p]
 *  Returns whether there is a minimum, and it was found. */
bool ouro_mestimator_fit(const ouro_family *family, ouro_count n, const double *rows, const double *weights,
                         double *theta);

#endif
