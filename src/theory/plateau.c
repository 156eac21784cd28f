/* Which way to the plateau is cheaper, and whether it fits: THEORY.md section 7. The system alone decides, so that
 * no number of ranks changes the result. Must not know how the fixed point is found. */

#include "ouro/theory/plateau.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "ouro/base/memory.h"
#include "theory/cost.h"
#include "theory/plateau.h"
#include "theory/select.h"

static const double LEFT = 1e-15;       /* of the start, once the recursion has settled */
static const double OVERHEAD = 2e-5;    /* seconds a generation or a product takes at least */
static const double DOUBLE_FROM = 0.25; /* below so many seconds the recursion runs, whose bits no rank count changes */

/* A correction of the diagonal slows the recursion down, and makes the doubling start anew. */
static const double SLOWER = 3, CORRECTIONS = 10;

static const double WALK = 1e4, WALK_WORK = 1e9; /* generations that a walk is followed; its weights times them */

/* What the search for a plateau takes, and how far it may go. */
typedef struct plan {
  bool doubling;
  int64_t limit;  /* generations, or corrections */
  double horizon; /* generations until the start is forgotten */
  MPI_Comm over;  /* that share the matrices of a doubling */
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

static double steps_of(double horizon) {
  return horizon > 1 ? ceil(log2(horizon)) + 1 : 1;
}

static int64_t limit_of(double work_of_one, double at_least, bool always) {
  const double patient = OURO_PATIENCE / work_of_one, far = always ? HUGE_VAL : patient;
  return (int64_t)fmin(1e7, fmax(at_least, fmin(far, 100 * at_least + 1e5)));
}

static void choose(MPI_Comm comm, const ouro_closed *closed, bool always, plan *p) {
  const int64_t n = closed->system->n;
  int ranks, grid;
  p->over = ouro_plateau_over(comm, n, p->horizon);
  MPI_Comm_size(comm, &ranks);
  MPI_Comm_size(p->over, &grid);
  const double generation = ouro_sparse_seconds((double)n, (double)closed->n_weights) + OVERHEAD;
  const double doubling = 3 * steps_of(p->horizon) * (ouro_product_seconds((double)n) + OVERHEAD);
  const double run = p->horizon * generation * (closed->corrected ? SLOWER : 1);
  const double twice = doubling * (closed->corrected ? CORRECTIONS : 1);
  p->doubling = run > DOUBLE_FROM && twice < run && !closed->system->spread.fitted && closed->system->forget == 0;
  p->work = p->doubling ? twice : run;
  p->seconds = p->work / (p->doubling ? grid : ranks);
  p->limit = p->doubling ? limit_of(doubling, 1, always) : limit_of(generation, p->horizon + 1000, always);
  p->bytes = p->doubling ? ouro_dense_bytes(n, grid) : ouro_sparse_bytes(n, closed->n_weights, ranks);
  p->indexable = !p->doubling || ouro_engine_dense_elements(n, grid, 0) <= INT32_MAX;
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
  const double most = fmin(WALK, fmax(2, WALK_WORK / (double)(closed->n_weights + closed->system->n + 1)));
  OURO_TRY(ouro_closed_horizon(graph->comm, closed, LEFT, (int64_t)most, &p->horizon));
  p->horizon /= 1 - closed->system->forget; /* only so much of a model is new in a generation */
  p->nodes = closed->system->n;
  choose(graph->comm, closed, config->theory.exact == OURO_EXACT_ALWAYS, p);
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
             p->doubling ? settling->corrections : settling->iterations, p->doubling ? "corrections" : "generations",
             n);
  } else if (p->doubling) {
    snprintf(plateau->reason, sizeof plateau->reason,
             "doubling%s: %d nodes, %" PRId64 " steps, %" PRId64 " corrections, residual %.2g",
             p->over == MPI_COMM_SELF ? " on every rank" : "", n, settling->iterations, settling->corrections,
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
  if (p->doubling) {
    OURO_TRY(ouro_plateau_double(graph->comm, p->over, closed, 0, p->limit, diagonal, &settling));
  } else {
    OURO_TRY(ouro_plateau_run(graph->comm, closed, p->horizon, p->limit, diagonal, &settling));
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

/* Why not even to begin, or NULL. */
static const char *obstacle(const ouro_config *config, const ouro_verdict *verdict) {
  if (config->theory.exact == OURO_EXACT_NONE) return "theory.exact is none";
  if (ouro_config_forget(config) == 1) return "errors of models that keep all samples approach their end too slowly";
  if (verdict->count[OURO_CLASS_ANCHORED] + verdict->count[OURO_CLASS_FROZEN] == 0) return "every model collapses";
  return NULL;
}

static ouro_status search(const ouro_config *config, const ouro_family *family, const ouro_graph *graph,
                          const ouro_verdict *verdict, ouro_plateau *plateau) {
  ouro_status status = OURO_OK;
  ouro_survey survey = {0};
  const char *why = obstacle(config, verdict);
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
