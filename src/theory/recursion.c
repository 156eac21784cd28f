/* The recursion of a system (system.h): the engine forms L C L', the diagonal is corrected here. The diagonal is kept
 * beside the matrix, identical on all ranks. Must not know how an engine stores C. */

#include "theory/recursion.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "ouro/base/memory.h"
#include "theory/select.h"

enum { PLANES = 4 }; /* errors, means, fitted variances, second moments of samples kept */

static void point_at_now(ouro_recursion *r) {
  r->diagonal = r->now;
  r->mean = r->diagonal + r->system->n;
  r->variance = r->mean + r->system->n;
  r->moment = r->variance + r->system->n;
}

static void start(ouro_recursion *r) {
  const ouro_system *s = r->system;
  const size_t bytes = (size_t)s->n * sizeof *r->now;
  point_at_now(r);
  memcpy(r->diagonal, s->start, bytes);
  memcpy(r->mean, s->mean, bytes);
  memcpy(r->variance, s->variance, bytes);
  for (int32_t i = 0; i < s->n; i++) r->moment[i] = s->spread.base;
  memcpy(r->effective, s->start_size, bytes);
}

static ouro_status recursion_new(MPI_Comm comm, const ouro_system *system, const ouro_engine_methods *methods,
                                 ouro_recursion **made) {
  ouro_status status = OURO_OK;
  ouro_recursion *r;
  OURO_NEW(r, 1);
  *made = r;
  r->comm = comm;
  r->system = system;
  r->methods = methods;
  OURO_NEW(r->now, PLANES * (size_t)system->n);
  OURO_NEW(r->next, PLANES * (size_t)system->n);
  OURO_NEW(r->spread, system->n);
  OURO_NEW(r->seen, system->n);
  OURO_NEW(r->mixed, system->n);
  OURO_NEW(r->effective, system->n);
  if (system->forget > 0) OURO_NEW(r->gamma, system->n);
  start(r);
cleanup:
  return status;
}

ouro_status ouro_recursion_create(MPI_Comm comm, const ouro_system *system, const ouro_engine_methods *methods,
                                  int block, ouro_recursion **recursion) {
  ouro_status status = OURO_OK;
  ouro_recursion *made = NULL;
  *recursion = NULL;
  OURO_AGREE(comm, recursion_new(comm, system, methods, &made));
  OURO_TRY(methods->create(comm, system, block, &made->engine));
  *recursion = made;
  made = NULL;
cleanup:
  ouro_recursion_destroy(&made);
  return status;
}

void ouro_recursion_destroy(ouro_recursion **recursion) {
  ouro_recursion *r = *recursion;
  if (r == NULL) return;
  r->methods->destroy(&r->engine);
  free(r->now);
  free(r->next);
  free(r->spread);
  free(r->seen);
  free(r->mixed);
  free(r->effective);
  free(r->gamma);
  free(r);
  *recursion = NULL;
}

ouro_status ouro_recursion_follow(ouro_recursion *recursion, const ouro_system *system) {
  recursion->system = system;
  return recursion->methods->reweigh(recursion->engine, system);
}

/* Averages over what node i is trained on: sum_k P_ik C_kk, sum_k P_ik b_k, sum_k P_ik V_k. */
typedef struct averages {
  double error, mean, spread;
} averages;

static averages average(const ouro_recursion *r, int32_t held) {
  const ouro_system *s = r->system;
  averages sum = {0, 0, 0};
  for (int64_t k = s->first[held]; k < s->first[held + 1]; k++) {
    const int32_t from = s->column[k];
    if (from < s->n_models) sum.error += s->weight[k] * r->diagonal[from];
    sum.mean += s->weight[k] * r->mean[from];
    sum.spread += s->weight[k] * r->spread[from];
  }
  return sum;
}

/* Expected second moment about the truth of what node i is trained on: sum_k P_ik (V_k + C_kk) + P_i0 base. */
static double second_moment(const ouro_system *s, int32_t i, averages sum) {
  return sum.spread + sum.error + s->real_share[i] * s->spread.base;
}

/* V'_i = drawn_i [ moment - C'_ii ]; a root keeps its own. */
static double fitted_variance(const ouro_recursion *r, int32_t i, double moment, double error) {
  const ouro_system *s = r->system;
  if (s->size[i] < 1 || !isfinite(s->drawn[i])) return r->spread[i];
  return s->drawn[i] * (moment - error);
}

/* From the samples kept to a subsample of them, whose chance h is the row of. One that is not retrained keeps it. */
static void subsample(ouro_recursion *r, int32_t h) {
  const ouro_system *s = r->system;
  double *variance = r->next + 2 * (size_t)s->n, *moment = variance + s->n, *chance = &r->next[s->held[h]];
  const int32_t i = (int32_t)s->owner[s->held[h]] - 1;
  const double n = s->size[i], kept = r->effective[i];
  if (n > 0)
    *chance = (1 / n - 1 / kept) * kept / (kept - 1) * (moment[i] - r->next[i]);
  else
    moment[i] = r->moment[i];
  r->next[i] += *chance;
  if (n > 0 && s->spread.fitted) variance[i] = fitted_variance(r, i, moment[i], r->next[i]);
}

/* The next generation of the rows held here, 0 elsewhere. */
static void correct(ouro_recursion *r) {
  const ouro_system *s = r->system;
  double *mean = r->next + s->n, *variance = mean + s->n, *moment = variance + s->n;
  memset(r->next, 0, PLANES * (size_t)s->n * sizeof *r->next);
  for (int32_t h = 0; h < s->n_held; h++) {
    const int32_t i = s->held[h];
    const averages sum = average(r, h);
    const double g = r->gamma ? r->gamma[i] : 1;
    r->next[i] =
        (1 - s->eta[i]) * r->mixed[i] + s->eta[i] * sum.error + g * g * (s->draws[i] * sum.spread + s->noise[i]);
    mean[i] = (1 - g) * r->mean[i] + g * sum.mean;
    if (s->size[i] > 0) mean[i] += g * (1 - s->real_share[i]) * s->spread.drift; /* roots are never drawn anew */
    if (s->spread.fitted) variance[i] = fitted_variance(r, i, second_moment(s, i, sum), r->next[i]);
    moment[i] = (1 - g) * r->moment[i] + g * second_moment(s, i, sum);
  }
  for (int32_t h = 0; s->subsample && h < s->n_held; h++) {
    if (s->owner[s->held[h]] > 0) subsample(r, h);
  }
}

static ouro_status check_finite(const ouro_system *s, const double *diagonal) {
  for (int32_t i = 0; i < s->n; i++) {
    if (!isfinite(diagonal[i])) return ouro_error(OURO_ENUMERIC, "the predicted error of node %d overflows", i);
  }
  return OURO_OK;
}

/* Nodes that are not retrained keep gamma = 1: their row of P is that of the identity, or empty. */
static void weigh_new_samples(ouro_recursion *r) {
  const ouro_system *s = r->system;
  for (int32_t i = 0; r->gamma && i < s->n; i++) {
    if (s->size[i] > 0) r->effective[i] = s->forget * r->effective[i] + s->size[i];
    r->gamma[i] = s->size[i] > 0 ? s->size[i] / r->effective[i] : 1;
  }
}

/* The part of C_kk that is the chance of a subsample stands beside model k. */
static void set_aside(ouro_recursion *r) {
  const ouro_system *s = r->system;
  for (int32_t k = s->n_models; s->subsample && k < s->n; k++) {
    if (s->owner[k] > 0) r->seen[(int32_t)s->owner[k] - 1] -= r->diagonal[k];
  }
}

/* V_k of this generation, and what consumers see of C_kk. */
static void look(ouro_recursion *r) {
  const ouro_system *s = r->system;
  if (s->spread.fitted) memcpy(r->spread, r->variance, (size_t)s->n * sizeof *r->spread);
  ouro_system_spread(s, r->diagonal, r->mean, r->spread);
  for (int32_t k = 0; k < s->n; k++) {
    const int32_t owner = s->owner[k] > 0 ? (int32_t)s->owner[k] - 1 : k;
    r->seen[k] = r->diagonal[k] + s->published[k] * r->spread[owner];
  }
  set_aside(r);
}

static ouro_status share(ouro_recursion *r) {
  for (int plane = 0; plane < PLANES; plane++) {
    double *values = r->next + (size_t)plane * (size_t)r->system->n;
    const int code = MPI_Allreduce(MPI_IN_PLACE, values, r->system->n, MPI_DOUBLE, MPI_SUM, r->comm);
    if (code != MPI_SUCCESS) return ouro_mpi_status(code);
  }
  return OURO_OK;
}

ouro_status ouro_recursion_step(ouro_recursion *recursion) {
  ouro_status status = OURO_OK;
  ouro_recursion *r = recursion;
  look(r);
  weigh_new_samples(r);
  OURO_TRY(r->methods->congruence(r->engine, r->seen, r->gamma, r->mixed));
  correct(r);
  OURO_AGREE(r->comm, share(r));
  double *made = r->next;
  r->next = r->now;
  r->now = made;
  r->before = r->next;
  point_at_now(r);
  OURO_TRY(check_finite(r->system, r->diagonal)); /* the same numbers on all ranks */
cleanup:
  return status;
}

void ouro_recursion_scale(ouro_recursion *recursion, double factor) {
  ouro_recursion *r = recursion;
  r->methods->scale(r->engine, factor);
  for (size_t k = 0; k < PLANES * (size_t)r->system->n; k++) r->now[k] *= factor;
}

ouro_status ouro_recursion_entry(const ouro_recursion *recursion, int32_t i, int32_t j, double *value) {
  if (i != j) return recursion->methods->entry(recursion->engine, i, j, value);
  *value = recursion->diagonal[i];
  return OURO_OK;
}

ouro_status ouro_recursion_column(const ouro_recursion *recursion, int32_t j, double *values) {
  const ouro_status status = recursion->methods->column(recursion->engine, j, values);
  values[j] = recursion->diagonal[j];
  return status;
}
