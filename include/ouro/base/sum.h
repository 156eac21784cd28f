#ifndef OURO_BASE_SUM_H
#define OURO_BASE_SUM_H

/* Exact, order-free sums of doubles: a fixed-point accumulator wide enough for every finite double, so the
 * result is the correctly rounded true sum, the same for any order, grouping and number of ranks. */

#include "ouro/base/status.h"

#define OURO_SUM_LIMBS 70

typedef struct ouro_sum {
  int64_t limb[OURO_SUM_LIMBS]; /* 32 value bits each; the upper half takes carries until they are settled */
  int64_t pending;              /* additions since the carries were settled */
  int64_t special[3];           /* how many NaN, +inf, -inf were added */
} ouro_sum;

/** The empty sum.
 *  Not collective. */
void ouro_sum_zero(ouro_sum *sum);

/** Add one number.
 *  Not collective. */
void ouro_sum_add(ouro_sum *sum, double x);

/** Add the numbers of another sum.
 *  Not collective. */
void ouro_sum_merge(ouro_sum *sum, const ouro_sum *other);

/** The sum, rounded once to nearest even. NaN and infinities as IEEE addition would give.
 *  Not collective. */
double ouro_sum_value(const ouro_sum *sum);

/** Replace each of n sums by its total over the ranks.
 *  Collective on comm.
 *  [inout] sums [n], the same on every rank afterwards
 *  Returns the same status on all ranks: OURO_OK, OURO_EMPI. */
ouro_status ouro_sum_reduce(ouro_sum *sums, int n, MPI_Comm comm);

#endif
