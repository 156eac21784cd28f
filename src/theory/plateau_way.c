/* Whether there is a plateau, and which way to it is cheaper: THEORY.md section 7. Must not know how the fixed point is
 * found, nor what its matrix is for. */

#include <math.h>

#include "ouro/base/memory.h"
#include "theory/cost.h"
#include "theory/plateau.h"

static const double LEFT = 1e-15;       /* of the start, once the recursion has settled */
static const double OVERHEAD = 2e-5;    /* seconds a generation or a product takes at least */
static const double DOUBLE_FROM = 0.25; /* below so many seconds the recursion runs */

/* A correction of the diagonal slows the recursion down, and makes the doubling start anew. */
static const double SLOWER = 3, CORRECTIONS = 10;

static const double WALK = 1e4, WALK_WORK = 1e9; /* generations that a walk is followed; its weights times them */
static const double FAR = 1e4;                   /* horizon whose rounding grids show */

const char *ouro_plateau_obstacle(const ouro_config *config, const ouro_verdict *verdict) {
  if (config->theory.exact == OURO_EXACT_NONE) return "theory.exact is none";
  if (ouro_config_forget(config) == 1) return "errors of models that keep all samples approach their end too slowly";
  if (verdict->count[OURO_CLASS_ANCHORED] + verdict->count[OURO_CLASS_FROZEN] == 0) return "every model collapses";
  return NULL;
}

static double steps_of(double horizon) {
  return horizon > 1 ? ceil(log2(horizon)) + 1 : 1;
}

static int64_t limit_of(double seconds_of_one, double at_least, bool always) {
  const double patient = OURO_PATIENCE / seconds_of_one, far = always ? HUGE_VAL : patient;
  return (int64_t)fmin(1e7, fmax(at_least, fmin(far, 100 * at_least + 1e5)));
}

ouro_status ouro_way_choose(MPI_Comm comm, const ouro_closed *closed, bool always, ouro_way *way) {
  ouro_status status = OURO_OK;
  const ouro_system *system = closed->system;
  const double n = system->n, weights = (double)closed->n_weights;
  OURO_TRY(ouro_closed_horizon(comm, closed, LEFT, (int64_t)fmin(WALK, fmax(2, WALK_WORK / (weights + n + 1))),
                               &way->horizon));
  way->horizon /= 1 - system->forget; /* only so much of a model is new in a generation */
  const double generation = ouro_sparse_seconds(n, weights) + OVERHEAD;
  const double solution = 3 * steps_of(way->horizon) * (ouro_product_seconds(n) + OVERHEAD);
  const double run = way->horizon * generation * (closed->corrected ? SLOWER : 1);
  const double doubling = solution * (closed->corrected ? CORRECTIONS : 1);
  const bool linear = !system->spread.fitted && system->spread.drift == 0 && system->forget == 0;
  way->doubling = linear && run > DOUBLE_FROM && doubling < run;
  way->seconds = way->doubling ? doubling : run;
  way->limit = way->doubling ? limit_of(solution, 1, always) : limit_of(generation, way->horizon + 1000, always);
  way->over = system->n <= 1024 || way->horizon > FAR ? MPI_COMM_SELF : comm;
cleanup:
  return status;
}
