#ifndef OURO_THEORY_PREDICT_H
#define OURO_THEORY_PREDICT_H

/* What theory says about the trajectories: the exact recursion (THEORY.md section 3) or, for published draws
 * and fixed real data, the first-order one (sections 8, 9). */

#include "ouro/base/timer.h"
#include "ouro/family/family.h"
#include "ouro/graph/graph.h"

typedef enum ouro_predict_kind { OURO_PREDICT_NONE, OURO_PREDICT_EXACT, OURO_PREDICT_FIRST_ORDER } ouro_predict_kind;

typedef struct ouro_prediction {
  ouro_predict_kind kind;
  char reason[320]; /* kind none: why; else the engine and its figures, for the log */
  int64_t n_rows;   /* learning.generations + 1 */
  double *error;    /* [n_rows][n_owned] C_ii(t), NULL when kind is none */
} ouro_prediction;

/** Run the recursion that belongs to a configuration.
 *  Collective on graph's communicator. theory.exact none, no known formula, or (with auto) too large: kind is
 *  none and reason says why, also where the error is predicted to overflow. always: too large (memory, the
 *  32-bit indices of ScaLAPACK; no limit of time) and overflow are errors with the figures.
 *  Two engines: P times dense columns where P is sparse or the graph small, bit-identical on any number of
 *  ranks and any ownership; pdgemm otherwise, which agrees to about 1e-12 only (the order of summation depends on
 *  the grid). Number of nodes and feeds alone decide which; reason names it.
 *  [out] prediction to be released with ouro_prediction_destroy(); NULL on error
 *  Returns the same status on all ranks: OURO_OK, OURO_ENOMEM, OURO_ELIMIT, OURO_ENUMERIC, OURO_EMPI. */
ouro_status ouro_predict(const ouro_config *config, const ouro_family *family, const ouro_graph *graph,
                         ouro_timers *timers, ouro_prediction **prediction);

/** Release a prediction and set it to NULL. NULL is fine.
 *  Not collective. */
void ouro_prediction_destroy(ouro_prediction **prediction);

#endif
