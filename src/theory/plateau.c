/* The plateau of an experiment, if it fits: THEORY.md section 7. Must not know how the fixed point is found. */

#include "ouro/theory/plateau.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "ouro/base/memory.h"
#include "theory/cost.h"
#include "theory/plateau.h"
#include "theory/select.h"

/* What the search for a plateau takes, and how far it may go. */
typedef struct plan {
  ouro_way way;
  int64_t nodes;
  double bytes, available; /* a rank */
  double work, seconds;    /* of one core; on these ranks; 0 until known */
  bool indexable;
} plan;

static ouro_status plateau_new(ouro_plateau **plateau) {
  ouro_status status = OURO_OK;
  OURO_NEW(*plateau, 1);
cleanup:
  return status;
}

void ouro_plateau_destroy(ouro_plateau **plateau) {
  if (*plateau == NULL) return;
  free((*plateau)->error);
  free(*plateau);
  *plateau = NULL;
}

/* The least that either way takes, known before anything is allocated. Figures are the same on all ranks. */
static ouro_status foresee(const ouro_graph *graph, const ouro_verdict *verdict, const ouro_survey *survey, plan *p) {
  int ranks;
  MPI_Comm_size(graph->comm, &ranks);
  p->nodes = verdict->count[OURO_CLASS_ANCHORED] + verdict->count[OURO_CLASS_FROZEN];
  p->bytes = ouro_sparse_bytes(p->nodes, 0, ranks) + 128 * (double)survey->n;
  p->indexable = true;
  p->available = (double)ouro_memory_available(graph->comm);
  return ouro_agree(graph->comm,
                    ouro_mpi_status(MPI_Allreduce(MPI_IN_PLACE, &p->available, 1, MPI_DOUBLE, MPI_MIN, graph->comm)));
}

static ouro_status estimate(const ouro_config *config, const ouro_graph *graph, const ouro_closed *closed, plan *p) {
  ouro_status status = OURO_OK;
  const int64_t n = closed->system->n;
  int ranks, grid;
  OURO_TRY(ouro_way_choose(graph->comm, closed, config->theory.exact == OURO_EXACT_ALWAYS, &p->way));
  MPI_Comm_size(graph->comm, &ranks);
  MPI_Comm_size(p->way.over, &grid);
  const int sharing = p->way.doubling ? grid : ranks;
  p->nodes = n;
  p->work = p->way.seconds;
  p->seconds = p->work / sharing;
  p->bytes = p->way.doubling ? ouro_dense_bytes(n, grid) : ouro_sparse_bytes(n, closed->n_weights, ranks);
  p->indexable = !p->way.doubling || ouro_engine_dense_elements(n, grid, 0) <= INT32_MAX;
cleanup:
  return status;
}

static ouro_status weigh(const ouro_config *config, const plan *p, bool *worth, ouro_plateau *plateau) {
  const bool always = config->theory.exact == OURO_EXACT_ALWAYS;
  const bool fits = p->bytes <= p->available && p->indexable;
  char seconds[32] = "";
  *worth = fits && (always || p->work <= OURO_PATIENCE);
  if (*worth) return OURO_OK;
  if (p->seconds > 0) snprintf(seconds, sizeof seconds, " and about %.2g s", p->seconds);
  snprintf(plateau->reason, sizeof plateau->reason,
           "too large: the plateau of %" PRId64 " nodes needs %.3g MB a rank of %.3g MB available%s%s; walks over many "
           "generations (theory.dual) approach it model by model",
           p->nodes, p->bytes / 1e6, p->available / 1e6, seconds,
           p->indexable ? "" : "; a rank's part exceeds the 32-bit indices of ScaLAPACK, more ranks may help");
  return always ? ouro_error(OURO_ELIMIT, "theory.exact=always: %s", plateau->reason) : OURO_OK;
}

static ouro_status keep(const ouro_graph *graph, const ouro_closed *closed, const double *diagonal,
                        ouro_plateau *plateau) {
  ouro_status status = OURO_OK;
  OURO_NEW(plateau->error, graph->n_owned);
  for (ouro_lid i = 0; i < graph->n_owned; i++) {
    const int32_t at = closed->place[graph->gid[i]];
    plateau->error[i] = at < 0 ? NAN : diagonal[at];
  }
cleanup:
  return status;
}

static void report(const ouro_closed *closed, const plan *p, const ouro_settling *settling, ouro_plateau *plateau) {
  const int32_t n = closed->system->n;
  plateau->found = settling->settled;
  plateau->iterations = settling->iterations;
  plateau->residual = settling->residual;
  if (!settling->settled) {
    snprintf(plateau->reason, sizeof plateau->reason,
             "no convergence: after %" PRId64 " %s the errors of %d nodes have not settled; where training sets are "
             "small or erring models scatter more there may be no plateau",
             p->way.doubling ? settling->corrections : settling->iterations,
             p->way.doubling ? "corrections" : "generations", n);
  } else if (p->way.doubling) {
    snprintf(plateau->reason, sizeof plateau->reason,
             "doubling%s: %d nodes, %" PRId64 " steps, %" PRId64 " corrections, residual %.2g",
             p->way.over == MPI_COMM_SELF ? " on every rank" : "", n, settling->iterations, settling->corrections,
             settling->residual);
  } else {
    snprintf(plateau->reason, sizeof plateau->reason, "recursion: %d nodes, %" PRId64 " generations, residual %.2g", n,
             settling->iterations, settling->residual);
  }
}

static ouro_status diagonal_new(int32_t n, double **diagonal) {
  ouro_status status = OURO_OK;
  OURO_NEW(*diagonal, n);
cleanup:
  return status;
}

static ouro_status find(const ouro_graph *graph, const ouro_closed *closed, const plan *p, ouro_plateau *plateau) {
  ouro_status status = OURO_OK;
  double *diagonal = NULL;
  ouro_settling settling;
  OURO_AGREE(graph->comm, diagonal_new(closed->system->n, &diagonal));
  if (p->way.doubling) {
    OURO_TRY(ouro_plateau_double(graph->comm, p->way.over, closed, 0, p->way.limit, diagonal, &settling));
  } else {
    OURO_TRY(ouro_plateau_run(graph->comm, closed, p->way.horizon, p->way.limit, diagonal, &settling));
  }
  if (settling.settled) OURO_AGREE(graph->comm, keep(graph, closed, diagonal, plateau));
  report(closed, p, &settling, plateau);
cleanup:
  free(diagonal);
  return status;
}

static ouro_status search_surveyed(const ouro_config *config, const ouro_family *family, const ouro_graph *graph,
                                   const ouro_verdict *verdict, const ouro_survey *survey, ouro_plateau *plateau) {
  ouro_status status = OURO_OK;
  ouro_system *whole = NULL;
  ouro_closed *closed = NULL;
  plan p = {0};
  bool worth;
  OURO_TRY(foresee(graph, verdict, survey, &p));
  OURO_TRY(weigh(config, &p, &worth, plateau));
  if (!worth) return OURO_OK;
  OURO_TRY(ouro_system_create(config, family, graph, survey, &whole));
  OURO_TRY(ouro_closed_create(graph, verdict, whole, &closed));
  ouro_system_destroy(&whole);
  OURO_TRY(estimate(config, graph, closed, &p));
  OURO_TRY(weigh(config, &p, &worth, plateau));
  if (worth) OURO_TRY(find(graph, closed, &p, plateau));
cleanup:
  ouro_closed_destroy(&closed);
  ouro_system_destroy(&whole);
  return status;
}

static ouro_status search(const ouro_config *config, const ouro_family *family, const ouro_graph *graph,
                          const ouro_verdict *verdict, ouro_plateau *plateau) {
  ouro_status status = OURO_OK;
  ouro_survey survey = {0};
  const char *why = ouro_plateau_obstacle(config, verdict);
  if (why == NULL) {
    OURO_TRY(ouro_survey_make(config, family, graph, &survey));
    why = survey.obstacle;
  }
  if (why) {
    snprintf(plateau->reason, sizeof plateau->reason, "%s", why);
  } else {
    OURO_TRY(search_surveyed(config, family, graph, verdict, &survey, plateau));
  }
cleanup:
  ouro_survey_clear(&survey);
  return status;
}

ouro_status ouro_plateau_create(const ouro_config *config, const ouro_family *family, const ouro_graph *graph,
                                const ouro_verdict *verdict, ouro_timers *timers, ouro_plateau **plateau) {
  ouro_status status = OURO_OK;
  ouro_plateau *made = NULL;
  const double start = ouro_timer_now();
  *plateau = NULL;
  ouro_timers_enter(timers, OURO_PHASE_THEORY);
  OURO_AGREE(graph->comm, plateau_new(&made));
  OURO_TRY(search(config, family, graph, verdict, made));
  made->seconds = ouro_timer_now() - start;
  *plateau = made;
  made = NULL;
cleanup:
  ouro_plateau_destroy(&made);
  ouro_timers_leave(timers);
  return status;
}
