#ifndef OURO_SRC_LEARN_MOMENTS_H
#define OURO_SRC_LEARN_MOMENTS_H

/* Mean and standard deviation over replicates, which are formed in blocks of 8 that are merged in ascending order, so
 * that groups of ranks holding whole blocks share the work without changing a bit. */

#include "ouro/learn/group.h"

/** Mean and standard deviation (n - 1; 0 for one value) of n values.
 *  Not collective.
 *  [in] values [n], n > 0 */
void ouro_learn_moments(int64_t n, const double *values, double *mean, double *sd);

/** The same piece by piece: add n replicates to the mean and the sum of squared deviations of those before, then take
 *  the standard deviation of all.
 *  Not collective.
 *  [in]    before        how many came before, a multiple of 8; 0: mean and squares are set to 0 first
 *  [inout] mean, squares infinite and NaN from the first value on that is not finite */
void ouro_learn_moments_add(int64_t before, int64_t n, const double *values, double *mean, double *squares);
double ouro_learn_moments_sd(int64_t n, double squares);

/* What the items of a group are. */
typedef enum learn_items {
  LEARN_NODES, /* items are the nodes that it trains, and moments those of the nodes that this rank reports */
  LEARN_COMMON /* n items of which all ranks of a group know the same, and moments are wanted on all */
} learn_items;

/* Moments over the replicates of all groups. */
typedef struct learn_moments {
  const ouro_learn_group *group;
  learn_items items;
  size_t n;        /* results on this rank */
  size_t n_blocks; /* of the largest group */
  double *block;   /* [items][n_blocks][2] mean and squared deviations of this group's; NULL where there is one group */
  double *all;     /* [n_groups][n][n_blocks][2] those of all groups */
} learn_moments;

/** Set up moments.
 *  Not collective.
 *  [in]  n       items, where they are common
 *  [out] moments to be released with ouro_learn_moments_close(), also on error
 *  Returns OURO_OK or OURO_ENOMEM. */
ouro_status ouro_learn_moments_open(const ouro_learn_group *group, learn_items items, size_t n, learn_moments *moments);

/** Take n replicates of an item.
 *  Not collective.
 *  [in]    item          a node of the group's graph, or a common item
 *  [in]    before        replicates of this group that came before, a multiple of 8
 *  [inout] mean, squares [results] used where there is one group: those so far */
void ouro_learn_moments_take(learn_moments *moments, size_t item, int64_t before, int64_t n, const double *values,
                             double *mean, double *squares);

/** Moments of all, once each group has taken its replicates.
 *  Collective on the communicator of the graph as given where there are several groups; moments may be used again.
 *  [out] mean, sd [results] */
void ouro_learn_moments_merge(learn_moments *moments, double *mean, double *sd);

/** Release what moments hold. Zeroed ones are fine.
 *  Not collective. */
void ouro_learn_moments_close(learn_moments *moments);

#endif
