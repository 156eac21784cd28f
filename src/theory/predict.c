/* Which recursion a configuration has, which engine runs it, and whether it fits: THEORY.md sections 3, 8, 9.
 * The engine is chosen by the size of the system alone, so that no number of ranks changes the result. */

#include "ouro/theory/predict.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ouro/base/memory.h"
#include "theory/cost.h"
#include "theory/recursion.h"
#include "theory/select.h"

/* What running the recursion takes. */
typedef struct cost {
  ouro_cost one;    /* its bytes are those of the engine alone */
  double bytes;     /* a rank, at most */
  double available; /* a rank, at least */
  double work;      /* seconds of one core */
  double seconds;   /* on these ranks */
} cost;

/* What every engine needs: the rows held here, vectors over all nodes, the trajectories. */
static double common_bytes(const ouro_survey *survey, const ouro_graph *graph, int64_t n_rows) {
  return 12 * (double)(survey->held + survey->held_weights) + 8 * 8 * (double)survey->n +
         8 * (double)n_rows * (double)graph->n_owned;
}

static ouro_status estimate(const ouro_survey *survey, const ouro_graph *graph, int64_t n_rows, cost *c) {
  ouro_status status = OURO_OK;
  int ranks;
  MPI_Comm_size(graph->comm, &ranks);
  c->one = ouro_cost_of(survey, ranks);
  c->work = c->one.generation * (double)(n_rows - 1);
  c->seconds = c->work / ranks;
  c->bytes = c->one.bytes + common_bytes(survey, graph, n_rows);
  c->available = (double)ouro_memory_available(graph->comm);
  double worst[2] = {c->bytes, -c->available};
  OURO_AGREE(graph->comm, ouro_mpi_status(MPI_Allreduce(MPI_IN_PLACE, worst, 2, MPI_DOUBLE, MPI_MAX, graph->comm)));
  c->bytes = worst[0];
  c->available = -worst[1];
cleanup:
  return status;
}

static ouro_status prediction_new(int64_t n_rows, ouro_prediction **prediction) {
  ouro_status status = OURO_OK;
  OURO_NEW(*prediction, 1);
  (*prediction)->kind = OURO_PREDICT_NONE;
  (*prediction)->n_rows = n_rows;
cleanup:
  return status;
}

void ouro_prediction_destroy(ouro_prediction **prediction) {
  if (*prediction == NULL) return;
  free((*prediction)->error);
  free(*prediction);
  *prediction = NULL;
}

/* Is it worth running? If not, the reason says why; with theory.exact=always, lack of memory is an error. */
static ouro_status weigh(const ouro_config *config, const ouro_survey *survey, const cost *c, bool *worth,
                         ouro_prediction *prediction) {
  const bool always = config->theory.exact == OURO_EXACT_ALWAYS;
  const bool fits = c->bytes <= c->available && c->one.indexable;
  char *reason = prediction->reason;
  const size_t size = sizeof prediction->reason;
  *worth = fits && (always || c->work <= OURO_PATIENCE);
  snprintf(reason, size,
           "%s recursion, %s engine: %" PRId64 " nodes, %" PRId64 " weights, %.3g MB a rank, about %.2g s",
           survey->exact ? "exact" : "first-order", c->one.engine->name, survey->n, survey->n_weights, c->bytes / 1e6,
           c->seconds);
  if (*worth) return OURO_OK;
  snprintf(reason, size,
           "too large: the recursion of %" PRId64
           " nodes needs %.3g MB a rank of %.3g MB available and about %.2g s%s; "
           "--set theory.dual=100 predicts 100 models by walks instead",
           survey->n, c->bytes / 1e6, c->available / 1e6, c->seconds,
           c->one.indexable ? "" : "; a rank's part exceeds the 32-bit indices of ScaLAPACK, more ranks may help");
  return always ? ouro_error(OURO_ELIMIT, "theory.exact=always: %s", reason) : OURO_OK;
}

static ouro_status rows_new(const ouro_graph *graph, ouro_prediction *prediction) {
  ouro_status status = OURO_OK;
  size_t elements;
  OURO_TRY(ouro_memory_product((size_t)prediction->n_rows, (size_t)graph->n_owned, &elements));
  OURO_NEW(prediction->error, elements);
cleanup:
  return status;
}

static void store_row(const ouro_graph *graph, const double *diagonal, double *row) {
  for (ouro_lid i = 0; i < graph->n_owned; i++) row[i] = diagonal[graph->gid[i]];
}

/* What moves: a recursion, its system, and the generation whose counts that has. */
typedef struct motion {
  ouro_schedule *schedule;
  ouro_system *system;
  ouro_recursion *recursion;
} motion;

static void motion_clear(motion *m) {
  ouro_recursion_destroy(&m->recursion);
  ouro_system_destroy(&m->system);
  ouro_schedule_destroy(&m->schedule);
}

/* To the counts of generation t. */
static ouro_status follow(const ouro_family *family, const ouro_survey *survey, int64_t t, motion *m) {
  ouro_status status = OURO_OK;
  ouro_system *next = NULL;
  bool changed;
  ouro_schedule_move(m->schedule, t, &changed);
  if (!changed) return OURO_OK;
  OURO_TRY(ouro_system_create_now(family, m->schedule, survey, &next));
  status = ouro_recursion_follow(m->recursion, next);
  ouro_system_destroy(&m->system);
  m->system = next;
cleanup:
  return status;
}

static ouro_status run(const ouro_family *family, const ouro_graph *graph, const ouro_survey *survey, motion *m,
                       ouro_prediction *prediction) {
  ouro_status status = OURO_OK;
  const ouro_recursion *recursion = m->recursion;
  OURO_AGREE(graph->comm, rows_new(graph, prediction));
  store_row(graph, recursion->diagonal, prediction->error);
  for (int64_t t = 1; t < prediction->n_rows; t++) {
    OURO_TRY(follow(family, survey, t, m));
    OURO_TRY(ouro_recursion_step(m->recursion));
    store_row(graph, recursion->diagonal, prediction->error + t * graph->n_owned);
  }
cleanup:
  return status;
}

/* Overflow of a growing error ends the prediction, not the experiment, unless it was asked for. */
static ouro_status forgive_overflow(const ouro_config *config, ouro_status status, ouro_prediction *prediction) {
  if (status != OURO_ENUMERIC || config->theory.exact == OURO_EXACT_ALWAYS) return status;
  free(prediction->error);
  prediction->error = NULL;
  prediction->kind = OURO_PREDICT_NONE;
  snprintf(prediction->reason, sizeof prediction->reason, "%.200s", ouro_error_message());
  return OURO_OK;
}

static ouro_status predict_surveyed(const ouro_config *config, const ouro_family *family, const ouro_graph *graph,
                                    const ouro_survey *survey, ouro_prediction *prediction) {
  ouro_status status = OURO_OK;
  motion m = {0};
  cost c;
  bool worth;
  OURO_TRY(estimate(survey, graph, prediction->n_rows, &c));
  OURO_TRY(weigh(config, survey, &c, &worth, prediction));
  if (!worth) return OURO_OK;
  OURO_TRY(ouro_schedule_create(config, graph, &m.schedule));
  OURO_TRY(ouro_system_create_now(family, m.schedule, survey, &m.system));
  OURO_TRY(ouro_recursion_create(graph->comm, m.system, c.one.engine, 0, &m.recursion));
  OURO_TRY(run(family, graph, survey, &m, prediction));
  prediction->kind = survey->exact ? OURO_PREDICT_EXACT : OURO_PREDICT_FIRST_ORDER;
cleanup:
  motion_clear(&m);
  return forgive_overflow(config, status, prediction);
}

ouro_status ouro_predict(const ouro_config *config, const ouro_family *family, const ouro_graph *graph,
                         ouro_timers *timers, ouro_prediction **prediction) {
  ouro_status status = OURO_OK;
  ouro_prediction *made = NULL;
  ouro_survey survey = {0};
  *prediction = NULL;
  ouro_timers_enter(timers, OURO_PHASE_THEORY);
  OURO_AGREE(graph->comm, prediction_new(config->learning.generations + 1, &made));
  if (config->theory.exact == OURO_EXACT_NONE) {
    snprintf(made->reason, sizeof made->reason, "theory.exact is none");
  } else {
    OURO_TRY(ouro_survey_make(config, family, graph, &survey));
    if (survey.untraced) {
      snprintf(made->reason, sizeof made->reason, "%s", survey.untraced);
    } else {
      OURO_TRY(predict_surveyed(config, family, graph, &survey, made));
    }
  }
  *prediction = made;
  made = NULL;
cleanup:
  ouro_survey_clear(&survey);
  ouro_prediction_destroy(&made);
  ouro_timers_leave(timers);
  return status;
}
