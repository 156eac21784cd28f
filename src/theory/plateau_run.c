/* The plateau by running the recursion until it has settled: what the start leaves is bounded by the walks that
 * are still alive, what the corrections of the diagonal leave is extrapolated from the last changes. */

#include <float.h>
#include <math.h>
#include <string.h>

#include "theory/plateau.h"
#include "theory/recursion.h"

enum { WINDOW = 32 }; /* generations over which changes are compared, so that no short period hides a trend */

static const double CLOSE = 1e-11;    /* what may still be to come, relative to C_ii */
static const double ROUNDING = 1e-14; /* changes below it say nothing about the rate */

/* Changes of the last two windows. */
typedef struct trend {
  double now, before; /* largest change of a generation in this window and in the one before */
  double decay;       /* factor a generation, measured where changes are above rounding */
} trend;

static void next_window(trend *t) {
  if (t->before > ROUNDING) t->decay = pow(fmax(t->now, DBL_EPSILON) / t->before, 1.0 / WINDOW);
  t->before = t->now;
  t->now = 0;
}

/* All further changes together. */
static double to_come(const trend *t) {
  if (t->before == 0) return 0;
  return t->decay < 1 ? t->before / (1 - t->decay) : HUGE_VAL;
}

static bool has_settled(const ouro_closed *closed, double horizon, int64_t generations, trend *t) {
  if ((double)generations < horizon + 1 || (closed->corrected && generations % WINDOW != 0)) return false;
  return !closed->corrected || to_come(t) <= CLOSE;
}

static ouro_status settle(ouro_recursion *r, const ouro_closed *closed, double horizon, int64_t limit,
                          ouro_settling *out) {
  const ouro_system *s = closed->system;
  const double bound = ouro_plateau_runaway(s);
  trend t = {.decay = 1};
  while (!(out->settled = has_settled(closed, horizon, out->iterations, &t))) {
    if (out->iterations == limit || ouro_plateau_largest(s->n, r->diagonal) > bound) break;
    const ouro_status status = ouro_recursion_step(r);
    if (status != OURO_OK) return status;
    out->residual = ouro_plateau_change(s->n, r->before, r->diagonal);
    t.now = fmax(t.now, out->residual);
    if (++out->iterations % WINDOW == 0) next_window(&t);
  }
  return OURO_OK;
}

ouro_status ouro_plateau_settle(MPI_Comm comm, const ouro_closed *closed, double horizon, int64_t limit,
                                ouro_recursion **recursion, ouro_settling *settling) {
  ouro_status status = OURO_OK;
  ouro_recursion *made = NULL;
  *recursion = NULL;
  *settling = (ouro_settling){0};
  OURO_TRY(ouro_recursion_create(comm, closed->system, &ouro_engine_sparse, 0, &made));
  OURO_TRY(settle(made, closed, horizon, limit, settling));
  *recursion = made;
  made = NULL;
cleanup:
  ouro_recursion_destroy(&made);
  return status;
}

ouro_status ouro_plateau_run(MPI_Comm comm, const ouro_closed *closed, double horizon, int64_t limit, double *diagonal,
                             ouro_settling *settling) {
  ouro_recursion *recursion;
  const ouro_status status = ouro_plateau_settle(comm, closed, horizon, limit, &recursion, settling);
  if (status == OURO_OK) memcpy(diagonal, recursion->diagonal, (size_t)closed->system->n * sizeof *diagonal);
  ouro_recursion_destroy(&recursion);
  return status;
}
