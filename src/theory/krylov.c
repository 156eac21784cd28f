/* BiCGSTAB with exact scalar products: see krylov.h. Must not know what the unknowns are. */

#include "theory/krylov.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "ouro/base/memory.h"
#include "ouro/base/sum.h"
#include "theory/select.h"

enum { R, SHADOW, P, V, T, BEST, N_VECTORS };

typedef struct krylov {
  const ouro_linear *linear;
  double *vector[N_VECTORS]; /* [n] each */
  double rho;
} krylov;

static ouro_status krylov_new(krylov *k) {
  ouro_status status = OURO_OK;
  for (int v = 0; v < N_VECTORS; v++) OURO_NEW(k->vector[v], k->linear->n);
cleanup:
  return status;
}

/* out = (I - A) in */
static ouro_status apply(const krylov *k, const double *in, double *out) {
  const ouro_status status = k->linear->apply(k->linear->context, in, out);
  for (int64_t i = 0; status == OURO_OK && i < k->linear->n; i++) out[i] = in[i] - out[i];
  return status;
}

/* (x, y) and (x, x) */
static ouro_status products(const krylov *k, const double *x, const double *y, double *xy, double *xx) {
  ouro_sum sum[2];
  ouro_sum_zero(&sum[0]);
  ouro_sum_zero(&sum[1]);
  for (int64_t i = 0; i < k->linear->n; i++) {
    ouro_sum_add(&sum[0], x[i] * y[i]);
    ouro_sum_add(&sum[1], x[i] * x[i]);
  }
  const ouro_status status = ouro_sum_reduce(sum, 2, k->linear->comm);
  *xy = ouro_sum_value(&sum[0]);
  *xx = ouro_sum_value(&sum[1]);
  return status;
}

/* Largest |x|; infinite if any is not a number. */
static ouro_status largest_of(const krylov *k, const double *x, double *largest) {
  double most = 0;
  for (int64_t i = 0; i < k->linear->n; i++) most = isfinite(x[i]) ? fmax(most, fabs(x[i])) : INFINITY;
  return ouro_agree(k->linear->comm,
                    ouro_mpi_status(MPI_Allreduce(&most, largest, 1, MPI_DOUBLE, MPI_MAX, k->linear->comm)));
}

/* r = b - (I - A) x, and its largest element */
static ouro_status true_residual(const krylov *k, const double *b, const double *x, double *residual) {
  ouro_status status = OURO_OK;
  double *r = k->vector[R];
  OURO_TRY(apply(k, x, r));
  for (int64_t i = 0; i < k->linear->n; i++) r[i] = b[i] - r[i];
  OURO_TRY(largest_of(k, r, residual));
cleanup:
  return status;
}

/* One step of the textbook; r serves as s. goes_on: no division has broken down. */
static ouro_status step(krylov *k, double *x, bool *goes_on) {
  ouro_status status = OURO_OK;
  double *r = k->vector[R], *shadow = k->vector[SHADOW], *p = k->vector[P], *v = k->vector[V], *t = k->vector[T];
  const int64_t n = k->linear->n;
  double shadow_v, ts, tt, next, unused;
  *goes_on = false;
  OURO_TRY(apply(k, p, v));
  OURO_TRY(products(k, shadow, v, &shadow_v, &unused));
  const double alpha = k->rho / shadow_v;
  if (!isfinite(alpha)) return OURO_OK;
  for (int64_t i = 0; i < n; i++) r[i] -= alpha * v[i];
  OURO_TRY(apply(k, r, t));
  OURO_TRY(products(k, t, r, &ts, &tt));
  const double omega = tt > 0 ? ts / tt : 0;
  for (int64_t i = 0; i < n; i++) {
    x[i] += alpha * p[i] + omega * r[i];
    r[i] -= omega * t[i];
  }
  OURO_TRY(products(k, shadow, r, &next, &unused));
  const double beta = next / k->rho * (alpha / omega);
  if (!isfinite(beta) || next == 0) return OURO_OK;
  for (int64_t i = 0; i < n; i++) p[i] = r[i] + beta * (p[i] - omega * v[i]);
  k->rho = next;
  *goes_on = true;
cleanup:
  return status;
}

/* From x to where r promises the tolerance or the method breaks down. */
static ouro_status run(krylov *k, double tolerance, int64_t *left, double *x) {
  ouro_status status = OURO_OK;
  const size_t bytes = (size_t)k->linear->n * sizeof(double);
  double promised = INFINITY, unused;
  bool goes_on = true;
  if (bytes > 0) memcpy(k->vector[SHADOW], k->vector[R], bytes);
  if (bytes > 0) memcpy(k->vector[P], k->vector[R], bytes);
  OURO_TRY(products(k, k->vector[R], k->vector[R], &k->rho, &unused));
  while (goes_on && promised > tolerance && (*left)-- > 0) {
    OURO_TRY(step(k, x, &goes_on));
    OURO_TRY(largest_of(k, k->vector[R], &promised));
  }
cleanup:
  return status;
}

/* Started anew from the best x, with its true residual, while that gets smaller. */
static ouro_status solve(krylov *k, const double *b, double tolerance, int64_t most, double *x, double *residual) {
  ouro_status status = OURO_OK;
  const size_t bytes = (size_t)k->linear->n * sizeof(double);
  double found;
  OURO_TRY(true_residual(k, b, x, residual));
  while (*residual > tolerance && most > 0) {
    if (bytes > 0) memcpy(k->vector[BEST], x, bytes);
    OURO_TRY(run(k, tolerance, &most, x));
    OURO_TRY(true_residual(k, b, x, &found));
    const bool better = found < *residual;
    if (!better && bytes > 0) memcpy(x, k->vector[BEST], bytes);
    if (!better) break;
    const bool enough = found > *residual / 2;
    *residual = found;
    if (enough) break;
  }
cleanup:
  return status;
}

ouro_status ouro_krylov_solve(const ouro_linear *linear, const double *b, double tolerance, int64_t most, double *x,
                              double *residual) {
  ouro_status status = OURO_OK;
  krylov k = {.linear = linear};
  OURO_AGREE(linear->comm, krylov_new(&k));
  OURO_TRY(solve(&k, b, tolerance, most, x, residual));
cleanup:
  for (int v = 0; v < N_VECTORS; v++) free(k.vector[v]);
  return status;
}
