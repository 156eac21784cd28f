/* What a command works on: configuration, family, graph, and their distribution over ranks. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/groups.h"
#include "ouro/base/log.h"
#include "ouro/base/memory.h"
#include "ouro/learn/learn.h"
#include "ouro/partition/partition.h"

static ouro_status open_graph(MPI_Comm comm, cli_job *job) {
  ouro_status status = OURO_OK;
  ouro_timers_enter(&job->timers, job->config->graph.generate ? OURO_PHASE_GENERATE : OURO_PHASE_READ);
  OURO_TRY(ouro_graph_open(comm, job->config, &job->graph));
  ouro_log_root(OURO_LOG_NOTICE, "graph: %" OURO_GID_FMT " nodes, %" OURO_EID_FMT " feeds", job->graph->n_nodes,
                job->graph->n_feeds);
cleanup:
  ouro_timers_leave(&job->timers);
  return status;
}

ouro_status cli_job_open(MPI_Comm comm, const char *path, const cli_options *options, cli_job *job) {
  ouro_status status = OURO_OK;
  ouro_measure measures[OURO_MEASURES_MOST];
  int n_measures;
  memset(job, 0, sizeof *job);
  ouro_timers_start(&job->timers);
  OURO_TRY(ouro_config_load(comm, path, (const char *const *)options->overrides, options->n_overrides, &job->config));
  OURO_AGREE(comm, ouro_family_create(job->config, &job->family));
  OURO_AGREE(comm, ouro_family_measures(job->config, job->family, measures, &n_measures));
  OURO_TRY(open_graph(comm, job));
  OURO_TRY(ouro_learn_check(job->config, job->family, job->graph));
cleanup:
  return status;
}

ouro_status cli_job_open_graph(MPI_Comm comm, const char *path, cli_options *options, cli_job *job) {
  ouro_status status = OURO_OK;
  memset(job, 0, sizeof *job);
  ouro_timers_start(&job->timers);
  OURO_AGREE(comm, path ? cli_override(options, "graph.file", path) : OURO_OK);
  OURO_TRY(ouro_config_default(comm, (const char *const *)options->overrides, options->n_overrides, &job->config));
  OURO_TRY(open_graph(comm, job));
cleanup:
  return status;
}

static void log_figures(const ouro_partition_figures *figures) {
  char gain[256];
  ouro_log_root(OURO_LOG_NOTICE,
                "partition: %s over %d ranks, %" OURO_EID_FMT " feeds cut, imbalance %.3f, at most %d neighbours; %s",
                figures->method, figures->n_parts, figures->cut_feeds, figures->imbalance, figures->max_neighbours,
                ouro_partition_gain(figures, gain, sizeof gain));
}

/* Choose owners, and move the graph there. */
static ouro_status distribute(MPI_Comm comm, int n_ranks, cli_job *job) {
  ouro_status status = OURO_OK;
  ouro_partition_figures figures;
  int32_t *owner = NULL;
  ouro_timers_enter(&job->timers, OURO_PHASE_PARTITION);
  owner = ouro_memory_new((size_t)job->graph->n_owned, sizeof *owner);
  OURO_AGREE(comm, owner ? OURO_OK : OURO_ENOMEM);
  OURO_TRY(ouro_partition_choose(job->graph, &job->config->partition, ouro_partition_crossing(job->config), n_ranks,
                                 (double)job->family->row_width * sizeof(double), owner, &figures));
  log_figures(&figures);
  OURO_TRY(cli_groups_choose(comm, n_ranks, &figures, job));
  cli_groups_place(job, n_ranks, owner);
  ouro_timers_enter(&job->timers, OURO_PHASE_MIGRATE);
  status = ouro_partition_migrate(&job->graph, owner);
  ouro_timers_leave(&job->timers);
cleanup:
  ouro_timers_leave(&job->timers);
  free(owner);
  return status;
}

ouro_status cli_job_distribute(MPI_Comm comm, cli_job *job) {
  ouro_status status;
  int n_ranks;
  MPI_Comm_size(comm, &n_ranks);
  OURO_TRY(ouro_learn_check_groups(job->config, n_ranks));
  if (n_ranks > 1) OURO_TRY(distribute(comm, n_ranks, job));
  ouro_timers_enter(&job->timers, OURO_PHASE_MIGRATE);
  status = ouro_learn_group_form(job->config, job->graph, &job->group);
  ouro_timers_leave(&job->timers);
cleanup:
  return status;
}

/* Is the noise of all fits together bounded, whatever feeds whom: are all samples kept, or do they become many fast? */
static bool never_collapses(const ouro_config *config) {
  return ouro_config_forget(config) == 1 || config->learning.growth > 1;
}

/* Training sets that grow: the errors of unstable sources grow as sum_t 1/n_t (THEORY.md section 8). */
static void log_growth(double growth) {
  if (growth > 1) {
    ouro_log_root(OURO_LOG_NOTICE,
                  "verdict: training sets grow as t^%g, so that the sum of 1/n_t is finite and none collapses", growth);
  } else if (growth > 0) {
    ouro_log_root(OURO_LOG_NOTICE,
                  "verdict: training sets grow as t^%g, so slowly that the sum of 1/n_t is infinite: what collapses "
                  "grows as %s",
                  growth, growth == 1 ? "log t" : "a power of t below 1");
  }
}

static void log_limit(void) {
  ouro_log_root(
      OURO_LOG_NOTICE,
      "sampling: limit: fits are as those to many samples; what small training sets add to an error, a share of "
      "about parameters / samples a generation, is left out");
}

/* Where topology alone does not decide (THEORY.md section 2, scope): name the family, or the nodes. What decides there
 * vanishes as training sets grow. */
static ouro_status warn_of_scope(const cli_job *job, bool real_counts) {
  enum { NAMED = 10 };
  ouro_status status = OURO_OK;
  ouro_scope scope;
  char list[NAMED * (CLI_NAME_SIZE + 32)] = "";
  size_t length = 0;
  const bool grows = job->config->learning.growth > 0;
  if (ouro_family_amplifies(job->family) && !grows) {
    ouro_log_root(
        OURO_LOG_WARNING,
        "topology alone does not decide: models of family %s that err scatter more, so the exact error can grow "
        "where the verdict says it is bounded",
        job->family->methods->name);
  }
  if (job->family->law == OURO_LAW_MEANS && job->family->spread.curvature < 0 && job->family->spread.drift == 0) {
    ouro_log_root(
        OURO_LOG_NOTICE,
        "errors of family %s stay below %.3g, the spread of a sample: they grow towards it, not without bound",
        job->family->methods->name, job->family->spread.base);
  }
  if ((job->family->spread.drift > 0 || job->family->methods->drawn) && never_collapses(job->config)) {
    ouro_log_root(OURO_LOG_WARNING,
                  "topology alone does not decide: what models of family %s draw scatters more than what they keep, so "
                  "that errors can grow without bound although none collapses for want of samples",
                  job->family->methods->name);
  }
  if (grows) return OURO_OK;
  OURO_TRY(ouro_verdict_scope(job->graph, real_counts, job->family->eta_samples, &scope));
  for (int k = 0; k < scope.n_listed; k++) {
    char name[CLI_NAME_SIZE];
    ouro_graph_name_of(job->graph, scope.listed[k], name, sizeof name);
    length += (size_t)snprintf(list + length, sizeof list - length, "%s%s (%" OURO_COUNT_FMT ")", k ? ", " : "", name,
                               scope.size[k]);
  }
  if (scope.n_small > 0) {
    ouro_log_root(OURO_LOG_WARNING,
                  "topology alone does not decide: %" OURO_GID_FMT " trained model%s have fewer than %" OURO_COUNT_FMT
                  " samples, so the exact error can grow where the verdict says it is bounded: %s%s",
                  scope.n_small, scope.n_small == 1 ? "" : "s", job->family->eta_samples, list,
                  scope.n_small > scope.n_listed ? ", ..." : "");
  }
cleanup:
  return status;
}

ouro_status cli_job_decide(cli_job *job, ouro_verdict **verdict) {
  ouro_status status = OURO_OK;
  const bool real_counts = job->config->real.kind != OURO_REAL_INITIAL;
  ouro_timers_enter(&job->timers, OURO_PHASE_VERDICT);
  if (never_collapses(job->config)) {
    OURO_TRY(ouro_verdict_create_accumulating(job->graph, real_counts, verdict));
  } else {
    OURO_TRY(ouro_verdict_create(job->graph, real_counts, verdict));
  }
  if (ouro_config_forget(job->config) == 1)
    ouro_log_root(OURO_LOG_NOTICE, "verdict: models keep all samples they ever saw, so that none collapses");
  else
    log_growth(job->config->learning.growth);
  ouro_log_root(OURO_LOG_NOTICE,
                "verdict: %" OURO_GID_FMT " collapsing, %" OURO_GID_FMT " anchored, %" OURO_GID_FMT
                " frozen; %" OURO_GID_FMT " unstable sources",
                (*verdict)->count[OURO_CLASS_COLLAPSING], (*verdict)->count[OURO_CLASS_ANCHORED],
                (*verdict)->count[OURO_CLASS_FROZEN], (*verdict)->n_unstable);
  if (job->config->learning.sampling == OURO_SAMPLING_LIMIT) log_limit();
  OURO_TRY(warn_of_scope(job, real_counts));
cleanup:
  ouro_timers_leave(&job->timers);
  return status;
}

ouro_status cli_timing_print(MPI_Comm comm, ouro_timers *timers) {
  ouro_status status = OURO_OK;
  ouro_phase_figures figures[OURO_PHASE_COUNT];
  int64_t memory = ouro_memory_high_water();
  OURO_TRY(ouro_timers_reduce(timers, comm, figures));
  MPI_Allreduce(MPI_IN_PLACE, &memory, 1, MPI_INT64_T, MPI_MAX, comm);
  ouro_log_root(OURO_LOG_NOTICE, "%-10s %10s %10s %10s  %s", "seconds", "min", "mean", "max", "rank of max");
  for (int k = 0; k < OURO_PHASE_COUNT; k++) {
    if (figures[k].max < 0.0005) continue;
    ouro_log_root(OURO_LOG_NOTICE, "%-10s %10.3f %10.3f %10.3f  %d", ouro_phase_name((ouro_phase)k), figures[k].min,
                  figures[k].mean, figures[k].max, figures[k].where);
  }
  ouro_log_root(OURO_LOG_NOTICE, "memory: at most %.1f MiB a rank", (double)memory / 1048576.0);
cleanup:
  return status;
}

void cli_job_close(cli_job *job) {
  ouro_learn_group_destroy(&job->group);
  ouro_graph_destroy(&job->graph);
  ouro_family_destroy(&job->family);
  ouro_config_destroy(&job->config);
}

enum { PRINT_SLICE = 1 << 24 }; /* bytes a message */

static int slice_length(int64_t length, int64_t done) {
  return (int)(length - done < PRINT_SLICE ? length - done : PRINT_SLICE);
}

static void print_pieces(MPI_Comm comm, int n_ranks, const int64_t *lengths, char *buffer, FILE *stream) {
  for (int source = 1; source < n_ranks; source++) {
    for (int64_t done = 0; done < lengths[source]; done += PRINT_SLICE) {
      const int n = slice_length(lengths[source], done);
      MPI_Recv(buffer, n, MPI_CHAR, source, OURO_TAG_PRINT, comm, MPI_STATUS_IGNORE);
      fwrite(buffer, 1, (size_t)n, stream);
    }
  }
}

ouro_status cli_print_in_order(MPI_Comm comm, const char *text, size_t length, FILE *stream) {
  ouro_status status = OURO_OK;
  char *buffer = NULL;
  int64_t *lengths = NULL, mine = (int64_t)length;
  int rank, n_ranks;
  MPI_Comm_rank(comm, &rank);
  MPI_Comm_size(comm, &n_ranks);
  lengths = ouro_memory_new(rank == 0 ? (size_t)n_ranks : 0, sizeof *lengths);
  buffer = ouro_memory_new(rank == 0 && n_ranks > 1 ? PRINT_SLICE : 0, 1);
  OURO_AGREE(comm, lengths && buffer ? OURO_OK : OURO_ENOMEM);
  MPI_Gather(&mine, 1, MPI_INT64_T, lengths, 1, MPI_INT64_T, 0, comm);
  if (rank == 0) {
    fwrite(text, 1, length, stream);
    print_pieces(comm, n_ranks, lengths, buffer, stream);
  } else {
    for (int64_t done = 0; done < mine; done += PRINT_SLICE) {
      MPI_Send(text + done, slice_length(mine, done), MPI_CHAR, 0, OURO_TAG_PRINT, comm);
    }
  }
cleanup:
  free(buffer);
  free(lengths);
  return status;
}
