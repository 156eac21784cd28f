#ifndef OURO_THEORY_PLATEAU_PRIVATE_H
#define OURO_THEORY_PLATEAU_PRIVATE_H

/* Two ways to the fixed point of a closed system: run its recursion until it has settled, or double. */

#include <math.h>

#include "theory/closed.h"
#include "theory/matrix.h"
#include "theory/recursion.h"

/** Why not even to begin.
 *  Not collective.
 *  Returns NULL where nothing speaks against it. */
const char *ouro_plateau_obstacle(const ouro_config *config, const ouro_verdict *verdict);

/* The cheaper of the two for a system, and how far to go. */
typedef struct ouro_way {
  bool doubling;
  double horizon; /* generations until the start is forgotten */
  int64_t limit;  /* generations, or corrections */
  double seconds; /* of one core */
  MPI_Comm over;  /* that share the matrices of a doubling: all ranks, or every rank alone */
} ouro_way;

/** Choose the way to the fixed point. The system alone decides, so that no number of ranks changes the result.
 *  The recursion, whose bits no number of ranks changes, where it is short; and where samples are kept or the variance
 * is carried along, for which doubling has no linear form (THEORY.md section 7). Every rank doubles alone where that is
 * cheap, and where walks are so long that the order of summation could tell: rounding grows with them, about 3e-17 a
 * generation of the horizon. Collective on comm. [in] always no limit of time Returns the same status on all ranks:
 * OURO_OK, OURO_ENOMEM, OURO_EMPI. */
ouro_status ouro_way_choose(MPI_Comm comm, const ouro_closed *closed, bool always, ouro_way *way);

/* How a search for the fixed point ended. */
typedef struct ouro_settling {
  bool settled;
  int64_t iterations;  /* generations, or doublings of one correction */
  int64_t corrections; /* doubling: solutions for one diagonal each */
  double residual;     /* largest relative change of a C_ii by one more generation */
} ouro_settling;

/** Largest relative difference of two diagonals.
 *  Not collective. */
static inline double ouro_plateau_change(int32_t n, const double *before, const double *after) {
  double most = 0;
  for (int32_t i = 0; i < n; i++) most = fmax(most, fabs(after[i] - before[i]) / (after[i] > 0 ? after[i] : 1));
  return most;
}

/** Largest of n values that are not negative.
 *  Not collective. */
static inline double ouro_plateau_largest(int32_t n, const double *values) {
  double most = 0;
  for (int32_t i = 0; i < n; i++) most = fmax(most, values[i]);
  return most;
}

/** A C_ii above it is on its way to infinity: plateaus lie at most 1 / (1 - spectral radius) < 1e16 above the noise.
 *  Not collective. */
static inline double ouro_plateau_runaway(const ouro_system *system) {
  return 1e20 * (ouro_plateau_largest(system->n, system->start) + ouro_plateau_largest(system->n, system->noise) +
                 ouro_plateau_largest(system->n, system->base));
}

/** Run the recursion, at least `horizon` generations and at most `limit`, until what is still to come is
 *  estimated below 1e-11 of every C_ii.
 *  Collective on comm; the same bits on any number of ranks.
 *  [out] diagonal [n] the last C_ii
 *  Returns the same status on all ranks: OURO_OK, OURO_ENOMEM, OURO_ELIMIT, OURO_EMPI. */
ouro_status ouro_plateau_run(MPI_Comm comm, const ouro_closed *closed, double horizon, int64_t limit, double *diagonal,
                             ouro_settling *settling);

/** The same, and all of C.
 *  Collective on comm; the same bits on any number of ranks.
 *  [out] recursion as it has settled, to be released with ouro_recursion_destroy(); NULL on error
 *  Returns the same status on all ranks: OURO_OK, OURO_ENOMEM, OURO_ELIMIT, OURO_EMPI. */
ouro_status ouro_plateau_settle(MPI_Comm comm, const ouro_closed *closed, double horizon, int64_t limit,
                                ouro_recursion **recursion, ouro_settling *settling);

/* X = sum over k < 2^steps of A^k D A'^k, and A^(2^steps). */
typedef struct ouro_doubling {
  ouro_grid *grid;
  double *a, *x, *y; /* local parts; y is scratch */
} ouro_doubling;

/** Room for a doubling of n x n matrices.
 *  Collective on comm.
 *  [in]  block as in matrix.h
 *  [out] doubling to be released with ouro_doubling_destroy(), also on error
 *  Returns the same status on all ranks: OURO_OK, OURO_ENOMEM, OURO_ELIMIT. */
ouro_status ouro_doubling_create(MPI_Comm comm, int32_t n, int block, ouro_doubling *doubling);

/** Release the matrices.
 *  Collective on its communicator. */
void ouro_doubling_destroy(ouro_doubling *doubling);

/** X <- X + A X A', A <- A A: three products.
 *  Collective on its communicator. */
void ouro_doubling_step(ouro_doubling *doubling);

/** Find the fixed point by doubling, with at most `limit` corrections of the diagonal.
 *  Collective on comm.
 *  [in]  over  the ranks that share the matrices, `over` of the way
 *  [in]  block as in matrix.h
 *  [out] diagonal [n] C_ii
 *  Returns the same status on all ranks: OURO_OK, OURO_ENOMEM, OURO_ELIMIT, OURO_EMPI. */
ouro_status ouro_plateau_double(MPI_Comm comm, MPI_Comm over, const ouro_closed *closed, int block, int64_t limit,
                                double *diagonal, ouro_settling *settling);

/** The same, and all of C.
 *  Collective on comm.
 *  [out] doubling x is C where it has settled, its diagonal as in `diagonal`; to be released with
 *                 ouro_doubling_destroy(), also on error
 *  Returns the same status on all ranks: OURO_OK, OURO_ENOMEM, OURO_ELIMIT, OURO_EMPI. */
ouro_status ouro_plateau_matrix(MPI_Comm comm, MPI_Comm over, const ouro_closed *closed, int block, int64_t limit,
                                ouro_doubling *doubling, double *diagonal, ouro_settling *settling);

#endif
