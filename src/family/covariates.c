/* Covariates x = L z: isotropic, AR(1), power-law spectrum. See covariates.h.
 * Element by element with explicit fused multiply-add: the same bits on every vector width. */

#include "family/covariates.h"

#include <math.h>
#include <stdlib.h>

#include "ouro/base/memory.h"

ouro_status ouro_covariates_create(const ouro_config_model *model, ouro_covariate_law *law) {
  ouro_status status = OURO_OK;
  *law = (ouro_covariate_law){.kind = model->covariates, .p = model->dimension};
  OURO_CHECK(model->dimension >= 1, OURO_ECONFIG, "model.dimension: %d is not at least 1", model->dimension);
  if (law->kind == OURO_COVARIATES_AR1) {
    law->rho = model->correlation;
    OURO_CHECK(fabs(law->rho) < 1, OURO_ECONFIG, "model.correlation: %g is not within (-1, 1)", law->rho);
    law->fresh = sqrt((1 - law->rho) * (1 + law->rho));
  }
  if (law->kind == OURO_COVARIATES_POWER) {
    OURO_CHECK(model->exponent >= 0 && isfinite(model->exponent), OURO_ECONFIG,
               "model.exponent: %g is not a number of at least 0", model->exponent);
    OURO_NEW(law->scale, law->p);
    for (int k = 0; k < law->p; k++) law->scale[k] = pow(k + 1, -model->exponent / 2);
  }
cleanup:
  return status;
}

void ouro_covariates_clear(ouro_covariate_law *law) {
  free(law->scale);
  law->scale = NULL;
}

/* x_k = rho x_(k-1) + fresh z_k, x_1 = z_1: unit variance and correlation rho^|j-k|. */
static void colour_ar1(const ouro_covariate_law *law, int b, double *x) {
  for (int k = 1; k < law->p; k++) {
    const double *restrict before = x + (ptrdiff_t)(k - 1) * b;
    double *restrict column = x + (ptrdiff_t)k * b;
    for (int r = 0; r < b; r++) column[r] = fma(law->rho, before[r], law->fresh * column[r]);
  }
}

static void colour_power(const ouro_covariate_law *law, int b, double *x) {
  for (int k = 1; k < law->p; k++) {
    double *column = x + (ptrdiff_t)k * b;
    for (int r = 0; r < b; r++) column[r] *= law->scale[k];
  }
}

void ouro_covariates_colour(const ouro_covariate_law *law, int b, double *x) {
  if (law->kind == OURO_COVARIATES_AR1) colour_ar1(law, b, x);
  if (law->kind == OURO_COVARIATES_POWER) colour_power(law, b, x);
}

/* L' a = z for AR(1): fresh g_k = z_k, but g_1 = z_1, and a_k = g_k - rho g_(k+1). */
static void scatter_ar1(const ouro_covariate_law *law, double *z) {
  for (int k = 1; k < law->p; k++) z[k] /= law->fresh;
  for (int k = 0; k + 1 < law->p; k++) z[k] = fma(-law->rho, z[k + 1], z[k]);
}

void ouro_covariates_scatter(const ouro_covariate_law *law, ptrdiff_t n, double *z) {
  for (ptrdiff_t i = 0; i < n; i++, z += law->p) {
    if (law->kind == OURO_COVARIATES_AR1) scatter_ar1(law, z);
    for (int k = 0; law->scale && k < law->p; k++) z[k] /= law->scale[k];
  }
}

void ouro_covariates_project(const ouro_covariate_law *law, double *a) {
  for (int k = law->p - 1; k > 0 && law->kind == OURO_COVARIATES_AR1; k--) {
    a[k - 1] = fma(law->rho, a[k], a[k - 1]);
    a[k] *= law->fresh;
  }
  for (int k = 0; law->scale && k < law->p; k++) a[k] *= law->scale[k];
}

/* L' a for AR(1): g_k = a_k + rho g_(k+1), (L' a)_k = fresh g_k, but g_1 for k = 1. */
static double product_ar1(const ouro_covariate_law *law, const double *a, const double *b) {
  double sum = 0, g = 0, h = 0;
  for (int k = law->p - 1; k > 0; k--) {
    g = fma(law->rho, g, a[k]);
    h = fma(law->rho, h, b[k]);
    sum = fma(law->fresh * g, law->fresh * h, sum);
  }
  return fma(fma(law->rho, g, a[0]), fma(law->rho, h, b[0]), sum);
}

double ouro_covariates_product(const ouro_covariate_law *law, const double *a, const double *b) {
  if (law->kind == OURO_COVARIATES_AR1) return product_ar1(law, a, b);
  double sum = 0;
  for (int k = 0; k < law->p; k++) {
    const double scale = law->scale ? law->scale[k] : 1;
    sum = fma(scale * a[k], scale * b[k], sum);
  }
  return sum;
}

double ouro_covariates_norm(const ouro_covariate_law *law, const double *delta) {
  return ouro_covariates_product(law, delta, delta);
}
