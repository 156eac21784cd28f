/* Groups of ranks that share the replicates: see group.h. Invariant: a group owns whole blocks of replicates, and ranks
 * of the same number in their groups the same nodes. Knows no models. */

#include "ouro/learn/group.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "learn/private.h"
#include "ouro/base/memory.h"
#include "ouro/base/message.h"
#include "ouro/partition/partition.h"

int64_t ouro_learn_group_first(int64_t replicates, int n_groups, int number) {
  const int64_t blocks = ouro_replicate_blocks(replicates), share = blocks / n_groups, more = blocks % n_groups;
  const int64_t first = OURO_REPLICATE_BLOCK * (number * share + (number < more ? number : more));
  return first < replicates ? first : replicates;
}

/* The nearest divisors of n on both sides of a number that is none; a prime has but 1 and itself. */
static void nearest_divisors(int n, int64_t near, int *below, int *above) {
  *below = 1;
  *above = n;
  for (int k = 2; k < n; k++) {
    if (n % k != 0) continue;
    if (k < near)
      *below = k;
    else if (*above == n)
      *above = k;
  }
}

ouro_status ouro_learn_check_groups(const ouro_config *config, int n_ranks) {
  const int64_t groups = ouro_config_groups(config), blocks = ouro_replicate_blocks(config->learning.replicates);
  int below, above;
  if (groups > blocks) {
    return ouro_config_refuse(config, "parallel.groups",
                              "%" PRId64 " groups, but a group has whole blocks of %d replicates, and "
                              "learning.replicates %" PRId64 " %s %" PRId64 ": at most %" PRId64 " group%s",
                              groups, OURO_REPLICATE_BLOCK, config->learning.replicates, blocks == 1 ? "is" : "are",
                              blocks, blocks, blocks == 1 ? "" : "s");
  }
  if (n_ranks % groups == 0) return OURO_OK;
  nearest_divisors(n_ranks, groups, &below, &above);
  return ouro_config_refuse(config, "parallel.groups",
                            "%" PRId64 " groups of as many ranks each cannot be made of %d rank%s: %d or %d groups can",
                            groups, n_ranks, n_ranks == 1 ? "" : "s", below, above);
}

static void split(ouro_learn_group *group) {
  int rank, n_ranks;
  MPI_Comm_rank(group->whole->comm, &rank);
  MPI_Comm_size(group->whole->comm, &n_ranks);
  const int size = n_ranks / group->n_groups;
  group->number = rank / size;
  MPI_Comm_split(group->whole->comm, group->number, rank, &group->within);
  MPI_Comm_split(group->whole->comm, rank % size, rank, &group->across);
}

static ouro_status new_lists(ouro_learn_group *group) {
  ouro_status status = OURO_OK;
  OURO_NEW(group->place, group->graph->n_owned);
  OURO_NEW(group->reported, group->n_groups);
  OURO_NEW(group->begin, group->n_groups);
cleanup:
  return status;
}

/* Collective: the values of all groups, those of group 0 first. */
static void collect(const ouro_learn_group *group, size_t bytes, const void *known, char *list) {
  for (int g = 0; g < group->n_groups; g++) {
    char *at = list + (size_t)group->begin[g] * bytes;
    const size_t size = (size_t)group->reported[g] * bytes;
    if (g == group->number && size > 0) memcpy(at, known, size);
    ouro_message_share(group->across, at, size, g);
  }
}

/* Where each node stands in such a list. */
static ouro_status find_places(ouro_learn_group *group) {
  ouro_status status = OURO_OK;
  const ouro_graph *graph = group->graph;
  ouro_gid *list = ouro_memory_new((size_t)graph->n_owned, sizeof *list);
  OURO_AGREE(group->whole->comm, list ? OURO_OK : OURO_ENOMEM);
  MPI_Allgather(&group->whole->n_owned, 1, MPI_INT, group->reported, 1, MPI_INT, group->across);
  for (int g = 1; g < group->n_groups; g++) group->begin[g] = group->begin[g - 1] + group->reported[g - 1];
  collect(group, sizeof *list, group->whole->gid, (char *)list);
  for (ouro_lid k = 0; k < graph->n_owned; k++) group->place[ouro_graph_owned(graph, list[k])] = k;
cleanup:
  free(list);
  return status;
}

static ouro_learn_group *new_group(const ouro_graph *whole, int n_groups, int64_t replicates) {
  ouro_learn_group *group = ouro_memory_new(1, sizeof *group);
  if (group == NULL) return NULL;
  *group = (ouro_learn_group){.whole = whole,
                              .n_groups = n_groups,
                              .all = replicates,
                              .largest = ouro_learn_group_first(replicates, n_groups, 1),
                              .within = MPI_COMM_NULL,
                              .across = MPI_COMM_NULL};
  return group;
}

ouro_status ouro_learn_group_create(const ouro_graph *whole, int n_groups, int64_t replicates,
                                    ouro_learn_group **group) {
  ouro_status status;
  ouro_learn_group *made = *group = new_group(whole, n_groups, replicates);
  OURO_AGREE(whole->comm, made ? OURO_OK : OURO_ENOMEM);
  if (n_groups == 1) {
    made->graph = (ouro_graph *)(uintptr_t)whole;
  } else {
    split(made);
    OURO_TRY(ouro_partition_gather(whole, made->within, made->across, &made->graph));
    OURO_AGREE(whole->comm, new_lists(made));
    OURO_TRY(find_places(made));
  }
  made->first = ouro_learn_group_first(replicates, n_groups, made->number);
  made->replicates = ouro_learn_group_first(replicates, n_groups, made->number + 1) - made->first;
cleanup:
  if (status != OURO_OK) ouro_learn_group_destroy(group);
  return status;
}

ouro_status ouro_learn_group_form(const ouro_config *config, const ouro_graph *whole, ouro_learn_group **group) {
  ouro_status status;
  int n_ranks;
  *group = NULL;
  MPI_Comm_size(whole->comm, &n_ranks);
  OURO_TRY(ouro_learn_check_groups(config, n_ranks));
  OURO_TRY(ouro_learn_group_create(whole, (int)ouro_config_groups(config), config->learning.replicates, group));
cleanup:
  return status;
}

void ouro_learn_group_destroy(ouro_learn_group **group) {
  ouro_learn_group *made = *group;
  if (made == NULL) return;
  if (made->n_groups > 1) ouro_graph_destroy(&made->graph);
  if (made->within != MPI_COMM_NULL) MPI_Comm_free(&made->within);
  if (made->across != MPI_COMM_NULL) MPI_Comm_free(&made->across);
  free(made->place);
  free(made->reported);
  free(made->begin);
  free(made);
  *group = NULL;
}

ouro_status ouro_learn_group_tell(const ouro_learn_group *group, size_t bytes, const void *known, void *told) {
  ouro_status status = OURO_OK;
  const size_t n = (size_t)group->graph->n_owned;
  char *list = NULL;
  if (group->n_groups == 1) {
    if (n > 0) memcpy(told, known, n * bytes);
    return OURO_OK;
  }
  list = ouro_memory_new(n, bytes);
  OURO_AGREE(group->whole->comm, list ? OURO_OK : OURO_ENOMEM);
  collect(group, bytes, known, list);
  for (size_t i = 0; i < n; i++) memcpy((char *)told + i * bytes, list + (size_t)group->place[i] * bytes, bytes);
cleanup:
  free(list);
  return status;
}
