#ifndef OURO_THEORY_RECURSION_H
#define OURO_THEORY_RECURSION_H

/* A system in motion, generation by generation, on either engine. */

#include "theory/engine.h"

typedef struct ouro_recursion {
  MPI_Comm comm;             /* borrowed */
  const ouro_system *system; /* borrowed */
  const ouro_engine_methods *methods;
  ouro_engine *engine;
  double *diagonal;   /* [n] C_ii(t), the same on all ranks, and so are the others */
  double *before;     /* [n] C_ii(t-1) */
  double *mean;       /* [n] b_i(t) */
  double *variance;   /* [n] V_i(t), where it is fitted */
  double *moment;     /* [n] B_i(t), of subsamples */
  double *now, *next; /* [4][n] the vectors above lie in them */
  double *spread;     /* [n] V_i(t) */
  double *seen;       /* [n] C_ii + V_i / M_i */
  double *mixed;      /* [n] Q_ii */
  double *effective;  /* [n] Neff_i(t) */
  double *gamma;      /* [n] n_i / Neff_i(t+1); NULL where only new samples count */
} ouro_recursion;

/** Start a recursion at generation 0.
 *  Collective on comm.
 *  [in]  system    must outlive the recursion
 *  [in]  block     as in engine.h; 0: the engine's own
 *  [out] recursion to be released with ouro_recursion_destroy(); NULL on error
 *  Returns the same status on all ranks: OURO_OK, OURO_ENOMEM, OURO_ELIMIT, OURO_EMPI. */
ouro_status ouro_recursion_create(MPI_Comm comm, const ouro_system *system, const ouro_engine_methods *methods,
                                  int block, ouro_recursion **recursion);

/** Release a recursion and set it to NULL. NULL is fine.
 *  Not collective, but for the grid of the dense engine: collective on its communicator. */
void ouro_recursion_destroy(ouro_recursion **recursion);

/** Let another system take over: the same nodes in another generation.
 *  Collective on recursion's communicator.
 *  [in] system must outlive the recursion, or the next call; the one before may go
 *  Returns the same status on all ranks: OURO_OK, OURO_ENOMEM, OURO_EMPI; on error the recursion can only be
 *  destroyed. */
ouro_status ouro_recursion_follow(ouro_recursion *recursion, const ouro_system *system);

/** Advance by one generation.
 *  Collective on recursion's communicator.
 *  Returns the same status on all ranks: OURO_OK, OURO_ENUMERIC (overflow), OURO_EMPI. */
ouro_status ouro_recursion_step(ouro_recursion *recursion);

/** Multiply all errors and fitted variances by a factor, for a recursion without noise.
 *  Not collective, but to be called on all ranks. */
void ouro_recursion_scale(ouro_recursion *recursion, double factor);

/** C_ij of the present generation.
 *  Collective on recursion's communicator.
 *  [out] value the same on all ranks
 *  Returns the same status on all ranks: OURO_OK, OURO_EMPI. */
ouro_status ouro_recursion_entry(const ouro_recursion *recursion, int32_t i, int32_t j, double *value);

/** C_ij of the present generation, for all i.
 *  Collective on recursion's communicator.
 *  [out] values [n] the same on all ranks
 *  Returns the same status on all ranks: OURO_OK, OURO_EMPI. */
ouro_status ouro_recursion_column(const ouro_recursion *recursion, int32_t j, double *values);

#endif
