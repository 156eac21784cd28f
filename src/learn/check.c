/* What cannot be learned is refused before anything is drawn, with the node and the count it needs.
 * Invariant: the message is the same on any number of ranks (that of the smallest global id). */

#include "learn/private.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "ouro/base/memory.h"

#define NAME_SIZE 256

/* Nodes with too few samples: how many, and the first of them. */
typedef struct shortage {
  int64_t n;
  ouro_gid node;
  ouro_count size;
} shortage;

static void shortage_add(shortage *found, ouro_gid node, ouro_count size) {
  if (found->n++ > 0) return; /* nodes come in ascending order */
  found->node = node;
  found->size = size;
}

/* Collective: the shortage of all ranks. */
static void shortage_reduce(shortage *found, MPI_Comm comm) {
  ouro_gid first = found->n ? found->node : INT64_MAX;
  MPI_Allreduce(MPI_IN_PLACE, &first, 1, OURO_GID_MPI, MPI_MIN, comm);
  ouro_count size = found->n && found->node == first ? found->size : INT64_MAX;
  MPI_Allreduce(MPI_IN_PLACE, &size, 1, OURO_COUNT_MPI, MPI_MIN, comm);
  MPI_Allreduce(MPI_IN_PLACE, &found->n, 1, MPI_INT64_T, MPI_SUM, comm);
  found->node = first;
  found->size = size;
}

static ouro_status refuse_short(const ouro_family *family, const ouro_graph *graph, shortage *found, const char *what) {
  char name[NAME_SIZE], others[64] = "";
  shortage_reduce(found, graph->comm);
  if (found->n == 0) return OURO_OK;
  ouro_graph_name_of(graph, found->node, name, sizeof name);
  if (found->n > 1) {
    snprintf(others, sizeof others, " (and %" PRId64 " more node%s)", found->n - 1, found->n > 2 ? "s" : "");
  }
  return ouro_error(OURO_EINPUT,
                    "node %s: %" OURO_COUNT_FMT " %s samples, but family %s with %d parameter%s needs at least "
                    "%" OURO_COUNT_FMT "%s",
                    name, found->size, what, family->methods->name, family->n_parameters,
                    family->n_parameters == 1 ? "" : "s", family->least_samples, others);
}

/* Generation 0 of nodes that take the common size, then of those that bring their own real data. */
static ouro_status check_initial(const ouro_config *config, const ouro_family *family, const ouro_graph *graph) {
  shortage own = {0};
  int common = 0;
  for (ouro_lid i = 0; i < graph->n_owned; i++) {
    const ouro_count size = ouro_schedule_initial(config, graph, i);
    const bool given = graph->initial && graph->initial[i] > 0;
    if (!given && (config->real.kind != OURO_REAL_INITIAL || graph->real[i] == 0))
      common = 1;
    else if (size < family->least_samples)
      shortage_add(&own, graph->gid[i], size);
  }
  MPI_Allreduce(MPI_IN_PLACE, &common, 1, MPI_INT, MPI_MAX, graph->comm);
  if (common && config->learning.initial < family->least_samples) {
    return ouro_error(OURO_ECONFIG,
                      "learning.initial: %" OURO_COUNT_FMT " samples, but family %s with %d parameter%s needs at least "
                      "%" OURO_COUNT_FMT,
                      config->learning.initial, family->methods->name, family->n_parameters,
                      family->n_parameters == 1 ? "" : "s", family->least_samples);
  }
  return refuse_short(family, graph, &own, "initial real");
}

static ouro_status check_sizes(const ouro_config *config, const ouro_family *family, const ouro_graph *graph) {
  shortage found = {0}, over = {0};
  for (ouro_lid i = 0; i < graph->n_owned; i++) {
    const ouro_count first = ouro_schedule_size(config, graph, i, ouro_schedule_every(graph, i)); /* the smallest */
    if (ouro_learn_largest_size(config, graph, i) > INT64_MAX / 2)
      shortage_add(&over, graph->gid[i], 0);
    else if (first > 0 && first < family->least_samples)
      shortage_add(&found, graph->gid[i], first);
  }
  shortage_reduce(&over, graph->comm);
  if (over.n > 0) {
    char name[NAME_SIZE];
    ouro_graph_name_of(graph, over.node, name, sizeof name);
    return ouro_error(OURO_EINPUT, "node %s: more training samples than can be counted", name);
  }
  return refuse_short(family, graph, &found, "training");
}

/* Collective: the size of the largest training set, and the first node that has it. */
static ouro_count largest_size(const ouro_config *config, const ouro_family *family, const ouro_graph *graph,
                               ouro_gid *node) {
  ouro_count largest = 0;
  *node = INT64_MAX;
  for (ouro_lid i = graph->n_owned - 1; i >= 0; i--) {
    const ouro_count size = ouro_learn_most_fitted(config, family, graph, i);
    if (size < largest) continue;
    largest = size;
    *node = graph->gid[i];
  }
  ouro_count most = largest;
  MPI_Allreduce(MPI_IN_PLACE, &most, 1, OURO_COUNT_MPI, MPI_MAX, graph->comm);
  if (largest < most) *node = INT64_MAX;
  MPI_Allreduce(MPI_IN_PLACE, node, 1, OURO_GID_MPI, MPI_MIN, graph->comm);
  return most;
}

/* A model that is its samples holds only so many. */
static ouro_status check_points(const ouro_config *config, const ouro_family *family, const ouro_graph *graph) {
  char name[NAME_SIZE];
  ouro_gid node;
  if (family->most_samples == 0) return OURO_OK;
  const ouro_count most = largest_size(config, family, graph, &node);
  if (most <= family->most_samples) return OURO_OK;
  ouro_graph_name_of(graph, node, name, sizeof name);
  return ouro_error(OURO_ELIMIT,
                    "node %s: a training set of %" OURO_COUNT_FMT " samples, but a model of family %s keeps at most "
                    "%" OURO_COUNT_FMT ": model.points",
                    name, most, family->methods->name, family->most_samples);
}

/* Where the fit needs all samples at once, the buffer must hold the largest training set. */
static ouro_status check_buffer(const ouro_config *config, const ouro_family *family, const ouro_graph *graph) {
  char name[NAME_SIZE];
  ouro_gid node;
  if (family->additive || ouro_learn_keeps_whole(config, family)) return OURO_OK;
  const ouro_count most = largest_size(config, family, graph, &node);
  const size_t numbers = ouro_family_statistic_size(family, most);
  if (numbers <= (size_t)config->exchange.buffer / sizeof(double)) return OURO_OK;
  ouro_graph_name_of(graph, node, name, sizeof name);
  return ouro_error(OURO_ELIMIT,
                    "node %s: exchange.buffer: %" PRId64 " bytes cannot hold its %" OURO_COUNT_FMT
                    " training samples, all of which family %s needs at once: at least %zu KiB",
                    name, config->exchange.buffer, most, family->methods->name, numbers / 128 + 1);
}

/* What is kept to the last generation must fit from the first on. */
static ouro_status check_kept(const ouro_config *config, const ouro_family *family, const ouro_learn_group *group) {
  const double memory = (double)config->learning.memory;
  double bytes = (double)group->largest * ouro_learn_keep_bytes(config, family, group->graph);
  MPI_Allreduce(MPI_IN_PLACE, &bytes, 1, MPI_DOUBLE, MPI_MAX, group->whole->comm);
  if (bytes <= memory) return OURO_OK;
  return ouro_error(
      OURO_ELIMIT,
      "learning.memory: %" PRId64 " bytes cannot hold the samples that the models of a rank keep: at least "
      "%.0f KiB, or more ranks, or fewer of the %" PRId64 " generations or %" PRId64 " replicates",
      config->learning.memory, ceil(bytes / 1024), config->learning.generations, config->learning.replicates);
}

static ouro_status check_sampling(const ouro_config *config) {
  if (config->learning.sampling == OURO_SAMPLING_ROWS || config->learning.regime != OURO_REGIME_SUBSAMPLE) {
    return OURO_OK;
  }
  return ouro_config_refuse(config, "learning.sampling",
                            "learning.regime subsample draws from samples that are kept, which only `rows` has");
}

static ouro_status check_weights(const ouro_config *config) {
  if (config->real.weight == 0 || config->learning.regime != OURO_REGIME_SUBSAMPLE) return OURO_OK;
  return ouro_error(OURO_ECONFIG,
                    "real.weight: learning.regime subsample draws all samples alike, whatever they weigh");
}

/* Largest and smallest count of each source over all its feeds; fewest holds the negative of the smallest. */
static void gather_counts(const ouro_graph *graph, int64_t *most, int64_t *fewest) {
  for (ouro_lid j = 0; j < graph->n_owned + graph->n_ghost; j++) most[j] = fewest[j] = INT64_MIN;
  for (ouro_eid e = 0; e < graph->row[graph->n_owned]; e++) {
    const ouro_lid j = graph->source[e];
    if (ouro_graph_samples(graph, e) > most[j]) most[j] = ouro_graph_samples(graph, e);
    if (-ouro_graph_samples(graph, e) > fewest[j]) fewest[j] = -ouro_graph_samples(graph, e);
  }
}

/* Collective: the smallest target that a source feeds with a given count. */
static ouro_gid target_with(const ouro_graph *graph, ouro_gid source, ouro_count samples) {
  ouro_gid target = INT64_MAX;
  for (ouro_lid i = graph->n_owned - 1; i >= 0; i--) {
    for (ouro_eid e = graph->row[i]; e < graph->row[i + 1]; e++) {
      if (graph->gid[graph->source[e]] == source && ouro_graph_samples(graph, e) == samples) target = graph->gid[i];
    }
  }
  MPI_Allreduce(MPI_IN_PLACE, &target, 1, OURO_GID_MPI, MPI_MIN, graph->comm);
  return target;
}

/* Collective: name the first source whose feeds differ. */
static ouro_status refuse_unequal(const ouro_graph *graph, const int64_t *most, const int64_t *fewest) {
  char source[NAME_SIZE], more[NAME_SIZE], less[NAME_SIZE];
  ouro_lid found = -1;
  for (ouro_lid j = graph->n_owned - 1; j >= 0; j--) {
    if (most[j] != INT64_MIN && most[j] != -fewest[j]) found = j;
  }
  ouro_gid first = found < 0 ? INT64_MAX : graph->gid[found];
  MPI_Allreduce(MPI_IN_PLACE, &first, 1, OURO_GID_MPI, MPI_MIN, graph->comm);
  if (first == INT64_MAX) return OURO_OK;
  int64_t counts[2] = {INT64_MIN, INT64_MIN};
  if (found >= 0 && graph->gid[found] == first) {
    counts[0] = most[found];
    counts[1] = -fewest[found];
  }
  MPI_Allreduce(MPI_IN_PLACE, counts, 2, MPI_INT64_T, MPI_MAX, graph->comm);
  const ouro_gid to_more = target_with(graph, first, counts[0]), to_less = target_with(graph, first, counts[1]);
  ouro_graph_name_of(graph, first, source, sizeof source);
  ouro_graph_name_of(graph, to_more, more, sizeof more);
  ouro_graph_name_of(graph, to_less, less, sizeof less);
  return ouro_error(OURO_EINPUT,
                    "published draws: node %s feeds %s with %" PRId64 " samples but %s with %" PRId64
                    "; all feeds of a source need one count",
                    source, more, counts[0], less, counts[1]);
}

static ouro_status new_counts(const ouro_graph *graph, int64_t **most, int64_t **fewest) {
  ouro_status status = OURO_OK;
  OURO_NEW(*most, (size_t)graph->n_owned + (size_t)graph->n_ghost);
  OURO_NEW(*fewest, (size_t)graph->n_owned + (size_t)graph->n_ghost);
cleanup:
  return status;
}

static ouro_status check_published(const ouro_graph *graph) {
  ouro_status status = OURO_OK;
  int64_t *most = NULL, *fewest = NULL;
  OURO_CHECK(graph->n_merged == 0, OURO_EINPUT,
             "published draws: %" OURO_EID_FMT " feeds stand more than once; a source publishes one corpus",
             graph->n_merged);
  OURO_AGREE(graph->comm, new_counts(graph, &most, &fewest));
  gather_counts(graph, most, fewest);
  OURO_TRY(ouro_halo_reduce_max(graph->halo, most));
  OURO_TRY(ouro_halo_reduce_max(graph->halo, fewest));
  OURO_TRY(refuse_unequal(graph, most, fewest));
cleanup:
  free(most);
  free(fewest);
  return status;
}

ouro_status ouro_learn_check(const ouro_config *config, const ouro_family *family, const ouro_graph *graph) {
  ouro_status status = OURO_OK;
  OURO_TRY(check_sampling(config));
  OURO_TRY(check_weights(config));
  OURO_CHECK(graph->noise == NULL || family->methods->takes_noise, OURO_ECONFIG,
             "the node file's column noise: models of family %s have none of their own%s", family->methods->name,
             config->learning.sampling == OURO_SAMPLING_LIMIT ? " in the limit of many samples" : "");
  if (config->learning.draw == OURO_DRAW_PUBLISHED) OURO_TRY(check_published(graph));
  OURO_TRY(check_initial(config, family, graph));
  OURO_TRY(check_sizes(config, family, graph));
  OURO_TRY(check_points(config, family, graph));
cleanup:
  return status;
}

ouro_status ouro_learn_check_memory(const ouro_config *config, const ouro_family *family,
                                    const ouro_learn_group *group) {
  ouro_status status = OURO_OK;
  if (config->learning.sampling == OURO_SAMPLING_LIMIT) return OURO_OK; /* nothing but models is held or kept */
  OURO_TRY(check_kept(config, family, group));
  OURO_TRY(check_buffer(config, family, group->whole));
cleanup:
  return status;
}
