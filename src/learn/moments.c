/* Moments over replicates: see moments.h. Invariant: blocks of 8 replicates are merged in ascending order, whichever
 * group has them (contract C1). */

#include "learn/moments.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "ouro/base/memory.h"
#include "ouro/base/message.h"

/* Mean and sum of squared deviations of one block. */
static void block_moments(int64_t n, const double *values, double *mean, double *squares) {
  double sum = 0.0;
  for (int64_t k = 0; k < n; k++) sum += values[k];
  *mean = sum / (double)n;
  *squares = 0.0;
  for (int64_t k = 0; k < n; k++) *squares += (values[k] - *mean) * (values[k] - *mean);
}

/* Merging of moments: Chan, Golub, LeVeque 1979. Infinities stay, and have no squares. */
static void merge_block(int64_t before, int64_t n, double block_mean, double block_squares, double *mean,
                        double *squares) {
  const double delta = block_mean - *mean, share = (double)n / (double)(before + n);
  if (isfinite(delta)) {
    *mean += delta * share;
    *squares += block_squares + delta * delta * share * (double)before;
  } else {
    *mean += block_mean;
    *squares = NAN;
  }
}

static int64_t block_size(int64_t n, int64_t first) {
  return n - first < OURO_REPLICATE_BLOCK ? n - first : OURO_REPLICATE_BLOCK;
}

void ouro_learn_moments_add(int64_t before, int64_t n, const double *values, double *mean, double *squares) {
  double block_mean, block_squares;
  if (before == 0) *mean = *squares = 0;
  for (int64_t first = 0; first < n; first += OURO_REPLICATE_BLOCK) {
    const int64_t size = block_size(n, first);
    block_moments(size, values + first, &block_mean, &block_squares);
    merge_block(before + first, size, block_mean, block_squares, mean, squares);
  }
}

double ouro_learn_moments_sd(int64_t n, double squares) {
  return n > 1 ? sqrt(squares / (double)(n - 1)) : 0 * squares;
}

void ouro_learn_moments(int64_t n, const double *values, double *mean, double *sd) {
  double squares;
  ouro_learn_moments_add(0, n, values, mean, &squares);
  *sd = ouro_learn_moments_sd(n, squares);
}

ouro_status ouro_learn_moments_open(const ouro_learn_group *group, learn_items items, size_t n,
                                    learn_moments *moments) {
  ouro_status status = OURO_OK;
  const bool nodes = items == LEARN_NODES;
  size_t size;
  *moments = (learn_moments){.group = group, .items = items, .n = nodes ? (size_t)group->whole->n_owned : n};
  moments->n_blocks = (size_t)ouro_replicate_blocks(group->largest);
  if (group->n_groups == 1) return OURO_OK;
  OURO_TRY(ouro_memory_product(nodes ? (size_t)group->graph->n_owned : n, 2 * moments->n_blocks, &size));
  OURO_NEW(moments->block, size);
  OURO_TRY(ouro_memory_product(moments->n * (size_t)group->n_groups, 2 * moments->n_blocks, &size));
  OURO_NEW(moments->all, size);
cleanup:
  return status;
}

void ouro_learn_moments_take(learn_moments *moments, size_t item, int64_t before, int64_t n, const double *values,
                             double *mean, double *squares) {
  if (moments->block == NULL) {
    ouro_learn_moments_add(before, n, values, &mean[item], &squares[item]);
    return;
  }
  const size_t place = moments->items == LEARN_NODES ? (size_t)moments->group->place[item] : item;
  double *at = moments->block + 2 * (place * moments->n_blocks + (size_t)(before / OURO_REPLICATE_BLOCK));
  for (int64_t first = 0; first < n; first += OURO_REPLICATE_BLOCK, at += 2) {
    block_moments(block_size(n, first), values + first, &at[0], &at[1]);
  }
}

/* Collective: blocks of nodes to the group whose rank reports them; common ones to all. */
static void exchange(learn_moments *moments) {
  const ouro_learn_group *group = moments->group;
  const bool nodes = moments->items == LEARN_NODES;
  const size_t bytes = 2 * moments->n_blocks * sizeof(double);
  for (int step = 0; step < group->n_groups; step++) {
    const int to = (group->number + step) % group->n_groups;
    const int from = (group->number + group->n_groups - step) % group->n_groups;
    const size_t first = nodes ? (size_t)group->begin[to] : 0, n = nodes ? (size_t)group->reported[to] : moments->n;
    ouro_message_swap(group->across, (char *)moments->block + first * bytes, n * bytes, to,
                      (char *)moments->all + (size_t)from * moments->n * bytes, moments->n * bytes, from,
                      OURO_TAG_MOMENTS);
  }
}

/* Merge the blocks of one item, those of group 0 first. */
static void merge_item(const learn_moments *moments, size_t item, double *mean, double *squares) {
  const ouro_learn_group *group = moments->group;
  *mean = *squares = 0;
  for (int g = 0; g < group->n_groups; g++) {
    const int64_t end = ouro_learn_group_first(group->all, group->n_groups, g + 1);
    const double *at = moments->all + 2 * ((size_t)g * moments->n + item) * moments->n_blocks;
    for (int64_t k = ouro_learn_group_first(group->all, group->n_groups, g); k < end;
         k += OURO_REPLICATE_BLOCK, at += 2) {
      merge_block(k, block_size(end, k), at[0], at[1], mean, squares);
    }
  }
}

void ouro_learn_moments_merge(learn_moments *moments, double *mean, double *sd) {
  if (moments->block) exchange(moments);
  for (size_t i = 0; i < moments->n; i++) {
    if (moments->block) merge_item(moments, i, &mean[i], &sd[i]);
    sd[i] = ouro_learn_moments_sd(moments->group->all, sd[i]);
  }
}

void ouro_learn_moments_close(learn_moments *moments) {
  free(moments->block);
  free(moments->all);
  *moments = (learn_moments){0};
}
