#ifndef OURO_THEORY_ENGINE_H
#define OURO_THEORY_ENGINE_H

/* Two ways to hold the symmetric matrix C over all ranks and to form L C L', L = I - Gamma + Gamma P. */

#include "theory/system.h"

typedef struct ouro_engine ouro_engine; /* the two share nothing but this interface */

typedef struct ouro_engine_methods {
  const char *name;
  ouro_status (*create)(MPI_Comm comm, const ouro_system *system, int block, ouro_engine **engine);
  void (*destroy)(ouro_engine **engine);
  ouro_status (*reweigh)(ouro_engine *engine, const ouro_system *system);
  ouro_status (*congruence)(ouro_engine *engine, const double *before, const double *gamma, double *after);
  ouro_status (*entry)(const ouro_engine *engine, int32_t i, int32_t j, double *value);
  ouro_status (*column)(const ouro_engine *engine, int32_t j, double *values);
  void (*scale)(ouro_engine *engine, double factor);
} ouro_engine_methods;

/* create:      Collective on comm. C = 0. block: edge of the blocks of the block-cyclic layout (dense), doubles of
 *              a message (sparse); 0: the engine's own.
 * reweigh:     Collective. Take P from another system of as many nodes; C stays.
 * congruence:  Collective. Set the diagonal of C to before [n], let C <- L C L', and give its diagonal after [n];
 *              all are the same on all ranks. gamma [n] is the diagonal of Gamma; NULL: L = P.
 * entry:       Collective. C_ij as congruence left it.
 * column:      Collective. C_ij for all i, [n], the same on all ranks.
 * scale:       Not collective, but to be called on all ranks. C <- factor C. */

/* P times dense columns. C lies in column blocks; every element is a sum over k in the order of the rows of P,
 * so the bits are the same on any number of ranks. Memory a rank: 16 n^2 / ranks + 12 weights bytes. */
extern const ouro_engine_methods ouro_engine_sparse;

/* pdgemm on a block-cyclic grid. The order of summation depends on the grid and on the BLAS: results on
 * different numbers of ranks agree to rounding only. Memory a rank: 24 n^2 / ranks bytes
 * and up to 8 n^2 / ranks of pdgemm's own. */
extern const ouro_engine_methods ouro_engine_dense;

/** Elements of the local part of an n x n block-cyclic matrix, at most over the ranks. ScaLAPACK counts them
 *  with 32 bits.
 *  Not collective. */
double ouro_engine_dense_elements(int64_t n, int ranks, int block);

#endif
