#ifndef OURO_FAMILY_NUCLEUS_H
#define OURO_FAMILY_NUCLEUS_H

/* How samples are drawn from a fitted categorical distribution p, in this order: with a temperature T, from
 * p_i^(1/T) / sum; of those from the top_k most probable outcomes; of those from the fewest whose probabilities, most
 * probable first, sum to top_p or more, to within rounding. The most probable outcome always stays. Outcomes of equal
 * probability come in the order of their index, which decides where a cut falls among them, and which of several modes
 * is drawn at temperature 0. (For T > 0, however small, modes that tie are equally likely.) */

#include "ouro/config/config.h"

typedef struct ouro_nucleus {
  double temperature; /* 0: the mode */
  int top_k;          /* 0: all */
  double top_p;       /* 1: all */
} ouro_nucleus;

/** How a configuration says that models are drawn from.
 *  Not collective.
 *  Returns OURO_OK, or OURO_ECONFIG where a number is out of range. */
ouro_status ouro_nucleus_create(const ouro_config_model *model, ouro_nucleus *how);

/** Does this change any distribution over k outcomes?
 *  Not collective. */
bool ouro_nucleus_shapes(const ouro_nucleus *how, int k);

/** The distribution to be drawn from, in time proportional to k. Outcomes of probability 0 keep it.
 *  Not collective.
 *  [in]  p     [k] not all 0
 *  [out] q     [k]
 *  [out] order [k] of use to nobody else */
void ouro_nucleus_shape(const ouro_nucleus *how, int k, const double *p, double *q, int32_t *order);

#endif
