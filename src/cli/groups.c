/* How many groups of ranks share the replicates, and why: see groups.h. Must not change any result. */

#include "cli/groups.h"

#include <stdio.h>
#include <string.h>

#include "ouro/base/log.h"
#include "ouro/base/memory.h"
#include "ouro/plan/groups.h"

/* "2 groups of 3 ranks". */
static const char *shape(int groups, int n_ranks, char text[64]) {
  const int size = n_ranks / groups;
  snprintf(text, 64, "%d group%s of %d rank%s", groups, groups == 1 ? "" : "s", size, size == 1 ? "" : "s");
  return text;
}

static void log_choice(const ouro_plan_choice *choice, int n_ranks, int64_t replicates) {
  const double mib = 0x1p-20;
  char chosen[64], other[64];
  shape(choice->groups, n_ranks, chosen);
  if (choice->why == OURO_PLAN_ONLY) {
    ouro_log_root(OURO_LOG_NOTICE,
                  "groups: %s: %" PRId64 " replicate%s, whole blocks of 8 to a group, cannot be shared among more",
                  chosen, replicates, replicates == 1 ? "" : "s");
    return;
  }
  ouro_log_root(OURO_LOG_NOTICE,
                "groups: %s: by estimate %.3g s a generation and %.0f MiB a rank; %s %.3g s and %.0f MiB%s", chosen,
                choice->seconds, choice->bytes * mib, shape(choice->other, n_ranks, other), choice->other_seconds,
                choice->other_bytes * mib, choice->why == OURO_PLAN_MEMORY ? ", which there is not" : "");
}

/* Collective: what the cost model says. */
static ouro_status estimate(MPI_Comm comm, const ouro_plan_grounds *grounds, const cli_job *job,
                            ouro_plan_choice *choice) {
  ouro_status status;
  ouro_plan_machine *machine = NULL;
  ouro_plan_counts whole;
  OURO_AGREE(comm, ouro_plan_machine_built_in(&machine));
  OURO_TRY(ouro_plan_count_whole(job->config, job->family, job->graph, &whole));
  ouro_plan_choose_groups(job->config, job->family, machine, &whole, grounds, choice);
cleanup:
  ouro_plan_machine_destroy(&machine);
  return status;
}

ouro_status cli_groups_choose(MPI_Comm comm, int n_ranks, const ouro_partition_figures *figures, cli_job *job) {
  ouro_status status = OURO_OK;
  const ouro_graph *graph = job->graph;
  ouro_plan_choice choice;
  ouro_plan_grounds grounds = {.n_ranks = n_ranks, .available = (double)ouro_memory_available(comm)};
  if (strcmp(job->config->parallel.groups, "auto") != 0) {
    char given[64];
    ouro_log_root(OURO_LOG_NOTICE, "groups: %s: parallel.groups",
                  shape((int)ouro_config_groups(job->config), n_ranks, given));
    return OURO_OK;
  }
  MPI_Allreduce(MPI_IN_PLACE, &grounds.available, 1, MPI_DOUBLE, MPI_MIN, comm); /* all choose alike */
  grounds.cut = graph->n_feeds > 0 ? (double)figures->cut_feeds / (double)graph->n_feeds : 0;
  OURO_TRY(estimate(comm, &grounds, job, &choice));
  log_choice(&choice, n_ranks, job->config->learning.replicates);
  job->config->parallel.n_groups = choice.groups;
cleanup:
  return status;
}

void cli_groups_place(const cli_job *job, int n_ranks, int32_t *owner) {
  const int32_t groups = (int32_t)ouro_config_groups(job->config), size = n_ranks / groups;
  for (ouro_lid i = 0; i < job->graph->n_owned; i++) owner[i] = owner[i] % groups * size + owner[i] / groups;
}
