/* What is handed out after the last generation: parameters and stalls of the nodes that a rank reports, over the
 * replicates of all groups. Invariant: with one group nothing is sent. */

#include <stdlib.h>
#include <string.h>

#include "learn/private.h"
#include "ouro/base/memory.h"
#include "ouro/base/message.h"

/* Models of one replicate of this group, in the order in which nodes go to those that report them. */
static void pack(const learn_run *run, int64_t replicate, double *out) {
  const size_t p = (size_t)run->family->n_parameters, replicates = (size_t)run->replicates;
  const ouro_lid *place = run->group->place;
  for (ouro_lid i = 0; i < run->n_owned; i++) {
    const double *model = run->theta + ((size_t)i * replicates + (size_t)replicate) * p;
    memcpy(out + (size_t)(place ? place[i] : i) * p, model, p * sizeof *out);
  }
}

/* Collective: one replicate of each group that still has one; those of all groups into `parameters`. */
static void exchange(const learn_run *run, int64_t replicate, const double *packed, double *parameters) {
  const ouro_learn_group *group = run->group;
  const size_t p = (size_t)run->family->n_parameters, slab = (size_t)group->whole->n_owned * p;
  for (int step = 0; step < group->n_groups; step++) {
    const int to = (group->number + step) % group->n_groups;
    const int from = (group->number + group->n_groups - step) % group->n_groups;
    const int64_t theirs = ouro_learn_group_first(group->all, group->n_groups, from) + replicate;
    const bool sends = replicate < group->replicates;
    const bool gets = theirs < ouro_learn_group_first(group->all, group->n_groups, from + 1);
    ouro_message_swap(group->across, packed + (size_t)group->begin[to] * p,
                      (size_t)group->reported[to] * p * sizeof *packed, sends ? to : MPI_PROC_NULL,
                      parameters + (gets ? (size_t)theirs : 0) * slab, slab * sizeof *parameters,
                      gets ? from : MPI_PROC_NULL, OURO_TAG_GROUPS);
  }
}

static void exchange_all(const learn_run *run, double *packed, double *parameters) {
  for (int64_t k = 0; k < run->group->largest; k++) {
    if (k < run->replicates) pack(run, k, packed);
    exchange(run, k, packed, parameters);
  }
}

static ouro_status new_parameters(const learn_run *run, double **parameters, double **packed) {
  ouro_status status = OURO_OK;
  const ouro_learn_group *group = run->group;
  const size_t p = (size_t)run->family->n_parameters;
  size_t n;
  OURO_TRY(ouro_memory_product((size_t)group->whole->n_owned * (size_t)group->all, p, &n));
  OURO_NEW(*parameters, n);
  if (group->n_groups > 1) OURO_NEW(*packed, (size_t)run->n_owned * p);
cleanup:
  return status;
}

ouro_status ouro_learn_report_parameters(const learn_run *run, double **parameters) {
  ouro_status status;
  const size_t slab = (size_t)run->n_owned * (size_t)run->family->n_parameters;
  double *made = NULL, *packed = NULL;
  *parameters = NULL;
  OURO_AGREE(run->group->whole->comm, new_parameters(run, &made, &packed));
  if (run->group->n_groups > 1)
    exchange_all(run, packed, made);
  else
    for (int64_t k = 0; k < run->replicates; k++) pack(run, k, made + (size_t)k * slab);
  *parameters = made;
  made = NULL;
cleanup:
  free(packed);
  free(made);
  return status;
}

static ouro_status new_stalls(const ouro_learn_group *group, int64_t **list, ouro_learn_stalls *all) {
  ouro_status status = OURO_OK;
  OURO_NEW(*list, group->graph->n_owned);
  OURO_NEW(all->first, group->whole->n_owned);
  OURO_NEW(all->fits, group->whole->n_owned);
cleanup:
  return status;
}

/* Collective: from values by node of the group to those of the nodes reported, over all groups. */
static void reduce(const ouro_learn_group *group, MPI_Op op, const int64_t *values, int64_t *list, int64_t *reported) {
  const ouro_lid n = group->graph->n_owned;
  for (ouro_lid i = 0; i < n; i++) list[group->place[i]] = values[i];
  MPI_Allreduce(MPI_IN_PLACE, list, n, MPI_INT64_T, op, group->across);
  const size_t size = (size_t)group->whole->n_owned * sizeof *reported;
  if (size > 0) memcpy(reported, list + group->begin[group->number], size);
}

ouro_status ouro_learn_report_stalls(learn_run *run) {
  ouro_status status = OURO_OK;
  const ouro_learn_group *group = run->group;
  ouro_learn_stalls all = {0};
  int64_t *list = NULL;
  if (group->n_groups == 1) return OURO_OK;
  OURO_AGREE(group->whole->comm, new_stalls(group, &list, &all));
  for (ouro_lid i = 0; i < run->n_owned; i++) {
    if (run->stalls.first[i] < 0) run->stalls.first[i] = INT64_MAX;
  }
  reduce(group, MPI_MIN, run->stalls.first, list, all.first);
  reduce(group, MPI_SUM, run->stalls.fits, list, all.fits);
  for (ouro_lid i = 0; i < group->whole->n_owned; i++) {
    if (all.first[i] == INT64_MAX) all.first[i] = -1;
  }
  ouro_learn_stalls_clear(&run->stalls);
  run->stalls = all;
  all = (ouro_learn_stalls){0};
cleanup:
  free(list);
  ouro_learn_stalls_clear(&all);
  return status;
}
