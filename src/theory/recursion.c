/* The recursion of a system (THEORY.md sections 3, 8, 9): the engine forms P C P', the diagonal is corrected here.
 * The diagonal is kept beside the matrix, identical on all ranks. Must not know how an engine stores C. */

#include "theory/recursion.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "ouro/base/memory.h"
#include "theory/select.h"

static ouro_status recursion_new(MPI_Comm comm, const ouro_system *system, const ouro_engine_methods *methods,
                                 ouro_recursion **made) {
  ouro_status status = OURO_OK;
  ouro_recursion *r;
  OURO_NEW(r, 1);
  *made = r;
  r->comm = comm;
  r->system = system;
  r->methods = methods;
  OURO_NEW(r->diagonal, system->n);
  OURO_NEW(r->seen, system->n);
  OURO_NEW(r->mixed, system->n);
  memcpy(r->diagonal, system->start, (size_t)system->n * sizeof *r->diagonal);
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
  free(r->diagonal);
  free(r->seen);
  free(r->mixed);
  free(r);
  *recursion = NULL;
}

/* (1 - eta_i) Q_ii + eta_i sum_k P_ik C_kk + noise_i for the rows held here, 0 elsewhere. */
static void correct(const ouro_recursion *r, double *next) {
  const ouro_system *s = r->system;
  memset(next, 0, (size_t)s->n * sizeof *next);
  for (int32_t h = 0; h < s->n_held; h++) {
    const int32_t i = s->held[h];
    double own = 0;
    for (int64_t k = s->first[h]; k < s->first[h + 1]; k++) own += s->weight[k] * r->diagonal[s->column[k]];
    next[i] = (1 - s->eta[i]) * r->mixed[i] + s->eta[i] * own + s->noise[i];
  }
}

static ouro_status check_finite(const ouro_system *s, const double *diagonal) {
  for (int32_t i = 0; i < s->n; i++) {
    if (!isfinite(diagonal[i])) return ouro_error(OURO_ENUMERIC, "the predicted error of node %d overflows", i);
  }
  return OURO_OK;
}

ouro_status ouro_recursion_step(ouro_recursion *recursion) {
  ouro_status status = OURO_OK;
  ouro_recursion *r = recursion;
  const ouro_system *s = r->system;
  double *next = r->seen;
  for (int32_t i = 0; i < s->n; i++) r->seen[i] = r->diagonal[i] + s->corpus[i];
  OURO_TRY(r->methods->congruence(r->engine, r->seen, r->mixed));
  correct(r, next);
  OURO_AGREE(r->comm, ouro_mpi_status(MPI_Allreduce(MPI_IN_PLACE, next, s->n, MPI_DOUBLE, MPI_SUM, r->comm)));
  r->seen = r->diagonal;
  r->diagonal = next;
  OURO_TRY(check_finite(s, next)); /* the same numbers on all ranks */
cleanup:
  return status;
}

ouro_status ouro_recursion_entry(const ouro_recursion *recursion, int32_t i, int32_t j, double *value) {
  if (i != j) return recursion->methods->entry(recursion->engine, i, j, value);
  *value = recursion->diagonal[i];
  return OURO_OK;
}
