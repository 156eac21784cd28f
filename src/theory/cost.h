#ifndef OURO_THEORY_COST_H
#define OURO_THEORY_COST_H

/* What a generation of the recursion costs on either engine. Seconds are of one core, so that a choice made by
 * them is the same on any number of ranks. */

#include "theory/engine.h"

/* What one core reaches, floating-point operations a second (measured on AVX2 machines of 2020 to 2024), and
 * bytes a second that the transpose moves; good enough to choose an engine and to refuse what takes hours. */
#define OURO_SPARSE_RATE 6e9
#define OURO_DENSE_RATE 3e10
#define OURO_TRANSPOSE_RATE 1e9

/* Work that theory.exact=auto may take, seconds of one core: the same limit for every number of ranks, so that
 * a run file does not gain or lose its theory with them. */
#define OURO_PATIENCE 120.0

/** Seconds of a generation with the sparse engine.
 *  Not collective. */
static inline double ouro_sparse_seconds(double n, double n_weights) {
  return 4 * n * n_weights / OURO_SPARSE_RATE + 16 * n * n / OURO_TRANSPOSE_RATE;
}

/** Seconds of one dense product; a generation takes two.
 *  Not collective. */
static inline double ouro_product_seconds(double n) {
  return 2 * n * n * n / OURO_DENSE_RATE;
}

/** Bytes a rank of the sparse engine.
 *  Not collective. */
static inline double ouro_sparse_bytes(int64_t n, int64_t n_weights, int ranks) {
  const double width = (double)((n + ranks - 1) / ranks);
  return 16 * (double)n * width + 12 * (double)n_weights + 16 * (double)n + 8e6;
}

/** Bytes a rank of three dense matrices and what pdgemm copies.
 *  Not collective. */
static inline double ouro_dense_bytes(int64_t n, int ranks) {
  return 32 * ouro_engine_dense_elements(n, ranks, 0) + 8e6;
}

/* What running a recursion takes. */
typedef struct ouro_cost {
  const ouro_engine_methods *engine;
  double generation; /* seconds of one core */
  double bytes;      /* a rank, of the engine */
  bool indexable;    /* the local part of a matrix fits the 32-bit indices of ScaLAPACK */
} ouro_cost;

/** The engine of a system: the cheaper one, but the sparse one for up to 0.1 s a generation, since dense results depend
 *  on rounding from one number of ranks to another. Number of nodes and weights alone decide.
 *  Not collective. */
static inline ouro_cost ouro_cost_of(const ouro_survey *survey, int ranks) {
  const double n = (double)survey->n, dense = 2 * ouro_product_seconds(n);
  const double sparse = ouro_sparse_seconds(n, (double)survey->n_weights);
  if (sparse > 0.1 && dense < sparse) {
    return (ouro_cost){&ouro_engine_dense, dense, ouro_dense_bytes(survey->n, ranks),
                       ouro_engine_dense_elements(survey->n, ranks, 0) <= INT32_MAX};
  }
  return (ouro_cost){&ouro_engine_sparse, sparse, ouro_sparse_bytes(survey->n, survey->n_weights, ranks), true};
}

#endif
