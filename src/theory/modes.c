/* Leading eigenvectors of the stationary covariance: see modes.h. Models come before virtual nodes in a system, so
 * theirs is the leading block of C. Must not know how the plateau is found. */

#include "ouro/theory/modes.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ouro/base/memory.h"
#include "theory/cost.h"
#include "theory/plateau.h"
#include "theory/select.h"

static const double EQUAL = 1e-9; /* eigenvalues so near each other, relative to the largest, are one */
static const double TIED = 1e-9;  /* components so near the largest are as large */
static const double WRONG = 1e-8; /* residual of eigenvectors that are none */
static const double EIGEN = 8;    /* products that pdsyevd is worth */

/* A search for modes. */
typedef struct search {
  const ouro_config *config;
  const ouro_graph *graph;
  const ouro_closed *closed;
  ouro_doubling doubling;
  ouro_way way;    /* to C */
  int32_t m;       /* models that do not collapse */
  double *value;   /* [m] ascending */
  double *column;  /* [n of the closed system] */
  double *image;   /* [n of the closed system] */
  double *vectors; /* local part */
} search;

static void search_clear(search *s) {
  ouro_doubling_destroy(&s->doubling);
  free(s->value);
  free(s->column);
  free(s->image);
  free(s->vectors);
}

static ouro_status search_new(search *s) {
  ouro_status status = OURO_OK;
  OURO_NEW(s->value, s->m);
  OURO_NEW(s->column, s->closed->system->n);
  OURO_NEW(s->image, s->closed->system->n);
cleanup:
  return status;
}

static ouro_status modes_new(ouro_modes **modes) {
  ouro_status status = OURO_OK;
  OURO_NEW(*modes, 1);
cleanup:
  return status;
}

void ouro_modes_destroy(ouro_modes **modes) {
  if (*modes == NULL) return;
  free((*modes)->value);
  free((*modes)->share);
  free((*modes)->multiplicity);
  free((*modes)->vector);
  free(*modes);
  *modes = NULL;
}

static ouro_status modes_allocate(const search *s, int64_t wanted, ouro_modes *modes) {
  ouro_status status = OURO_OK;
  size_t elements;
  modes->n = wanted < s->m ? (int)wanted : s->m;
  OURO_TRY(ouro_memory_product((size_t)modes->n, (size_t)s->graph->n_owned, &elements));
  OURO_NEW(modes->value, modes->n);
  OURO_NEW(modes->share, modes->n);
  OURO_NEW(modes->multiplicity, modes->n);
  OURO_NEW(modes->vector, elements);
cleanup:
  return status;
}

/* ---- what is read off the eigenvalues and eigenvectors ---- */

/* Eigenvalues from the one at `at` on, in steps of `by`, that follow each other closely. */
static int32_t neighbours(const search *s, int32_t at, int32_t by) {
  const double close = EQUAL * s->value[s->m - 1];
  int32_t n = 0;
  for (; at + by >= 0 && at + by < s->m && fabs(s->value[at + by] - s->value[at]) <= close; at += by) n++;
  return n;
}

static void read_values(const search *s, ouro_modes *modes) {
  for (int32_t i = 0; i < s->m; i++) modes->total += s->value[i];
  for (int k = 0; k < modes->n; k++) {
    const int32_t at = s->m - 1 - k;
    modes->value[k] = s->value[at];
    modes->share[k] = modes->total > 0 ? s->value[at] / modes->total : 0;
    modes->multiplicity[k] = 1 + neighbours(s, at, 1) + neighbours(s, at, -1);
  }
}

static double sign_of(int32_t m, const double *vector) {
  double most = 0;
  for (int32_t i = 0; i < m; i++) most = fmax(most, fabs(vector[i]));
  for (int32_t i = 0; i < m; i++) {
    if (fabs(vector[i]) >= (1 - TIED) * most) return vector[i] < 0 ? -1 : 1;
  }
  return 1;
}

static ouro_status read_vector(search *s, const double *c, int k, ouro_modes *modes) {
  ouro_status status = OURO_OK;
  const ouro_graph *graph = s->graph;
  const double largest = s->value[s->m - 1];
  double *vector = modes->vector + (size_t)k * (size_t)graph->n_owned;
  OURO_TRY(ouro_matrix_column(s->doubling.grid, s->vectors, s->m - 1 - k, s->column));
  OURO_TRY(ouro_matrix_row_sums(s->doubling.grid, c, NULL, s->column, s->image));
  const double sign = sign_of(s->m, s->column);
  for (int32_t i = 0; i < s->m; i++) {
    const double off = fabs(s->image[i] - modes->value[k] * s->column[i]);
    modes->residual = fmax(modes->residual, largest > 0 ? off / largest : off);
  }
  for (ouro_lid i = 0; i < graph->n_owned; i++) {
    const int32_t at = s->closed->place[graph->gid[i]];
    vector[i] = at < 0 ? NAN : sign * s->column[at];
  }
cleanup:
  return status;
}

/* ---- the way there ---- */

static ouro_status vectors_new(search *s) {
  ouro_status status = OURO_OK;
  free(s->doubling.a);
  s->doubling.a = NULL;
  OURO_TRY(ouro_matrix_new(s->doubling.grid, &s->vectors));
cleanup:
  return status;
}

/* C is kept in y, since pdsyevd destroys what it is given. */
static ouro_status solve(search *s, int64_t wanted, ouro_modes *modes) {
  ouro_status status = OURO_OK;
  const MPI_Comm comm = s->graph->comm;
  const ouro_grid *grid = s->doubling.grid;
  OURO_AGREE(comm, vectors_new(s));
  OURO_AGREE(comm, modes_allocate(s, wanted, modes));
  const size_t bytes = (size_t)(grid->n_rows * grid->n_columns) * sizeof(double);
  if (bytes > 0) memcpy(s->doubling.y, s->doubling.x, bytes);
  OURO_AGREE(comm, ouro_matrix_eigen(grid, s->m, s->doubling.x, s->value, s->vectors));
  read_values(s, modes);
  for (int k = 0; k < modes->n; k++) OURO_TRY(read_vector(s, s->doubling.y, k, modes));
  OURO_CHECK(modes->residual <= WRONG, OURO_ENUMERIC, "the eigenvectors of the covariance are wrong (residual %.2g)",
             modes->residual);
cleanup:
  return status;
}

static void report(const search *s, const ouro_settling *settling, ouro_modes *modes) {
  const int64_t collapsing = s->graph->n_nodes - s->m;
  double shares = 0;
  char without[96] = "";
  for (int k = 0; k < modes->n; k++) shares += modes->share[k];
  if (collapsing > 0) {
    snprintf(without, sizeof without, "; %" PRId64 " models collapse and have no stationary covariance", collapsing);
  }
  snprintf(modes->reason, sizeof modes->reason,
           "%d of %d hold %.1f %% of the stationary variance (by %s%s, residual %.1e; of the modes %.1e)%s", modes->n,
           s->m, 100 * shares, s->way.doubling ? "doubling" : "the recursion",
           s->way.over == MPI_COMM_SELF ? ", on every rank" : "", settling->residual, modes->residual, without);
}

/* x = C as the recursion ends: exact whatever the number of ranks. */
static ouro_status load(search *s, const ouro_recursion *recursion) {
  ouro_status status = OURO_OK;
  OURO_AGREE(s->graph->comm, ouro_doubling_create(s->way.over, s->closed->system->n, 0, &s->doubling));
  for (int32_t j = 0; j < s->closed->system->n; j++) {
    OURO_TRY(ouro_recursion_column(recursion, j, s->column));
    ouro_matrix_set_column(s->doubling.grid, j, s->column, s->doubling.x);
  }
cleanup:
  return status;
}

static ouro_status settle(search *s, ouro_settling *settling) {
  ouro_status status = OURO_OK;
  const MPI_Comm comm = s->graph->comm;
  ouro_recursion *recursion = NULL;
  if (s->way.doubling) {
    OURO_TRY(ouro_plateau_matrix(comm, s->way.over, s->closed, 0, s->way.limit, &s->doubling, s->image, settling));
  } else {
    OURO_TRY(ouro_plateau_settle(comm, s->closed, s->way.horizon, s->way.limit, &recursion, settling));
    if (settling->settled) OURO_TRY(load(s, recursion));
  }
cleanup:
  ouro_recursion_destroy(&recursion);
  return status;
}

static ouro_status find(search *s, int64_t wanted, ouro_modes *modes) {
  ouro_status status = OURO_OK;
  ouro_settling settling;
  OURO_AGREE(s->graph->comm, search_new(s));
  OURO_TRY(settle(s, &settling));
  if (!settling.settled) {
    snprintf(modes->reason, sizeof modes->reason, "the errors of %d nodes have not settled after %" PRId64 " %s",
             s->closed->system->n, s->way.doubling ? settling.corrections : settling.iterations,
             s->way.doubling ? "corrections" : "generations");
    return OURO_OK;
  }
  OURO_TRY(solve(s, wanted, modes));
  modes->found = true;
  report(s, &settling, modes);
cleanup:
  return status;
}

/* ---- whether it can be had ---- */

/* Four matrices a rank and what the products copy. Seconds are of one core; 0: not known yet. */
static ouro_status weigh(const search *s, double nodes, double seconds, bool *worth, ouro_modes *modes) {
  ouro_status status = OURO_OK;
  const bool always = s->config->theory.exact == OURO_EXACT_ALWAYS;
  int ranks;
  MPI_Comm_size(s->way.over, &ranks);
  const double bytes = 5 * 8 * ouro_engine_dense_elements((int64_t)nodes, ranks, 0) + 256 * nodes + 8e6;
  double available = (double)ouro_memory_available(s->graph->comm);
  OURO_AGREE(s->graph->comm,
             ouro_mpi_status(MPI_Allreduce(MPI_IN_PLACE, &available, 1, MPI_DOUBLE, MPI_MIN, s->graph->comm)));
  const bool indexable = 3 * ouro_engine_dense_elements((int64_t)nodes, ranks, 0) <= INT32_MAX;
  *worth = bytes <= available && indexable && (always || seconds <= OURO_PATIENCE);
  if (*worth) return OURO_OK;
  snprintf(modes->reason, sizeof modes->reason,
           "too large: the modes of %.0f nodes need %.3g MB a rank of %.3g MB available and about %.2g s%s", nodes,
           bytes / 1e6, available / 1e6, seconds / ranks,
           indexable ? "" : "; a rank's part exceeds the 32-bit indices of ScaLAPACK, more ranks may help");
  if (always) status = ouro_error(OURO_ELIMIT, "theory.exact=always: %s", modes->reason);
cleanup:
  return status;
}

static ouro_status search_surveyed(search *s, const ouro_family *family, const ouro_verdict *verdict,
                                   const ouro_survey *survey, int64_t wanted, ouro_modes *modes) {
  ouro_status status = OURO_OK;
  ouro_system *whole = NULL;
  ouro_closed *closed = NULL;
  bool worth;
  const double least = (double)(verdict->count[OURO_CLASS_ANCHORED] + verdict->count[OURO_CLASS_FROZEN]);
  OURO_TRY(weigh(s, least, EIGEN * ouro_product_seconds(least), &worth, modes));
  if (!worth) return OURO_OK;
  OURO_TRY(ouro_system_create(s->config, family, s->graph, survey, &whole));
  OURO_TRY(ouro_closed_create(s->graph, verdict, whole, &closed));
  ouro_system_destroy(&whole);
  s->closed = closed;
  s->m = (int32_t)least;
  OURO_TRY(ouro_way_choose(s->graph->comm, closed, s->config->theory.exact == OURO_EXACT_ALWAYS, &s->way));
  OURO_TRY(
      weigh(s, closed->system->n, s->way.seconds + EIGEN * ouro_product_seconds(closed->system->n), &worth, modes));
  if (worth) OURO_TRY(find(s, wanted, modes));
cleanup:
  search_clear(s);
  ouro_closed_destroy(&closed);
  ouro_system_destroy(&whole);
  return status;
}

static ouro_status look(const ouro_config *config, const ouro_family *family, const ouro_graph *graph,
                        const ouro_verdict *verdict, int64_t wanted, ouro_modes *modes) {
  ouro_status status = OURO_OK;
  ouro_survey survey = {0};
  search s = {.config = config, .graph = graph, .way.over = graph->comm};
  const char *why = ouro_plateau_obstacle(config, verdict);
  if (why == NULL) {
    OURO_TRY(ouro_survey_make(config, family, graph, &survey));
    why = survey.obstacle;
  }
  if (why) {
    snprintf(modes->reason, sizeof modes->reason, "%s", why);
  } else {
    OURO_TRY(search_surveyed(&s, family, verdict, &survey, wanted, modes));
  }
cleanup:
  ouro_survey_clear(&survey);
  return status;
}

ouro_status ouro_modes_create(const ouro_config *config, const ouro_family *family, const ouro_graph *graph,
                              const ouro_verdict *verdict, int64_t wanted, ouro_timers *timers, ouro_modes **modes) {
  ouro_status status = OURO_OK;
  ouro_modes *made = NULL;
  *modes = NULL;
  ouro_timers_enter(timers, OURO_PHASE_THEORY);
  OURO_AGREE(graph->comm, modes_new(&made));
  OURO_TRY(look(config, family, graph, verdict, wanted, made));
  *modes = made;
  made = NULL;
cleanup:
  ouro_modes_destroy(&made);
  ouro_timers_leave(timers);
  return status;
}
