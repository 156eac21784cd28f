#ifndef OURO_FAMILY_COVARIATES_H
#define OURO_FAMILY_COVARIATES_H

/* The law of the covariates, x ~ N(0, Sigma), by a factor of Sigma: x = L z. */

#include <stddef.h>

#include "ouro/config/config.h"

typedef struct ouro_covariate_law {
  ouro_covariates kind;
  int p;
  double rho, fresh; /* AR(1): x_k = rho x_(k-1) + fresh z_k, fresh^2 = 1 - rho^2 */
  double *scale;     /* power law: [p] square roots of the eigenvalues; else NULL */
} ouro_covariate_law;

/** The law that a configuration describes.
 *  Not collective.
 *  [out] law its scale is released with ouro_covariates_clear()
 *  Returns OURO_OK, OURO_ECONFIG (out of range), OURO_ENOMEM. */
ouro_status ouro_covariates_create(const ouro_config_model *model, ouro_covariate_law *law);

/** Release what a law holds. A zeroed law is fine.
 *  Not collective. */
void ouro_covariates_clear(ouro_covariate_law *law);

/** Turn standard normals into covariates, in place.
 *  Not collective.
 *  [inout] x [p][b] columns of b numbers each */
void ouro_covariates_colour(const ouro_covariate_law *law, int b, double *x);

/** Turn standard normal vectors into ones of covariance Sigma^-1, L'^-1 z, in place.
 *  Not collective.
 *  [inout] z [n][p] */
void ouro_covariates_scatter(const ouro_covariate_law *law, ptrdiff_t n, double *z);

/** Turn a into L' a, of which covariates are projections: x'a = z' L' a.
 *  Not collective.
 *  [inout] a [p] */
void ouro_covariates_project(const ouro_covariate_law *law, double *a);

/** a' Sigma b = (L' a)'(L' b).
 *  Not collective.
 *  [in] a, b [p] */
double ouro_covariates_product(const ouro_covariate_law *law, const double *a, const double *b);

/** delta' Sigma delta = |L' delta|^2.
 *  Not collective.
 *  [in] delta [p] */
double ouro_covariates_norm(const ouro_covariate_law *law, const double *delta);

#endif
