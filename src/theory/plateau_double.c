/* The plateau by doubling (THEORY.md section 7): X = A X A' + D with A = P on the whole closed system. Roots are
 * rows of the identity, so that A^(2^k) itself tends to the absorption probabilities [0 B; 0 I].
 * Where fits are corrected, D depends on the diagonal of C; X is solved again until D stays. */

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "ouro/base/memory.h"
#include "theory/plateau.h"
#include "theory/select.h"

enum { MOST_STEPS = 62 };

static const double GONE = 1e-16;     /* walks that may still be alive */
static const double ROUNDING = 1e-15; /* changes below it are none */
static const double CLOSE = 1e-13;    /* what further corrections may still add, relative to C_ii */

static ouro_status doubling_allocate(ouro_doubling *d) {
  ouro_status status = OURO_OK;
  OURO_TRY(ouro_matrix_new(d->grid, &d->a));
  OURO_TRY(ouro_matrix_new(d->grid, &d->x));
  OURO_TRY(ouro_matrix_new(d->grid, &d->y));
cleanup:
  return status;
}

ouro_status ouro_doubling_create(MPI_Comm comm, int32_t n, int block, ouro_doubling *doubling) {
  ouro_status status = OURO_OK;
  *doubling = (ouro_doubling){0};
  OURO_TRY(ouro_grid_create(comm, n, block, &doubling->grid));
  OURO_AGREE(comm, doubling_allocate(doubling));
cleanup:
  return status;
}

void ouro_doubling_destroy(ouro_doubling *doubling) {
  ouro_grid_destroy(&doubling->grid);
  free(doubling->a);
  free(doubling->x);
  free(doubling->y);
  *doubling = (ouro_doubling){0};
}

void ouro_doubling_step(ouro_doubling *d) {
  ouro_matrix_multiply(d->grid, false, d->a, d->x, 0, d->y);
  ouro_matrix_multiply(d->grid, true, d->y, d->a, 1, d->x);
  ouro_matrix_multiply(d->grid, false, d->a, d->a, 0, d->y);
  double *square = d->y;
  d->y = d->a;
  d->a = square;
}

/* One search: vectors over all nodes, the same on all ranks. */
typedef struct search {
  MPI_Comm comm;
  const ouro_closed *closed;
  ouro_doubling doubling;
  double *trained, *rooted; /* 1 at trained nodes; C_ii(0) at fixed ones, 0 elsewhere */
  double *biased;           /* b_i(0) at fixed nodes, 0 elsewhere */
  double *own, *corpus, *d; /* noise and correction of every node; V_i / M_i of its corpus; their sum */
  double *c, *previous;     /* C_ii */
  double *mean, *spread;    /* b_i, V_i */
  double *sums, *share;     /* scratch; what the roots contribute to C_ii */
  double step;              /* of a correction, 1 or less */
} search;

static ouro_status search_new(search *s) {
  ouro_status status = OURO_OK;
  const ouro_system *system = s->closed->system;
  OURO_NEW(s->trained, system->n);
  OURO_NEW(s->rooted, system->n);
  OURO_NEW(s->biased, system->n);
  OURO_NEW(s->own, system->n);
  OURO_NEW(s->corpus, system->n);
  OURO_NEW(s->d, system->n);
  OURO_NEW(s->c, system->n);
  OURO_NEW(s->previous, system->n);
  OURO_NEW(s->mean, system->n);
  OURO_NEW(s->spread, system->n);
  OURO_NEW(s->sums, system->n);
  OURO_NEW(s->share, system->n);
  for (int32_t i = 0; i < system->n; i++) {
    s->trained[i] = 1 - s->closed->fixed[i];
    s->rooted[i] = s->closed->fixed[i] * system->start[i];
    s->biased[i] = s->closed->fixed[i] * system->mean[i];
  }
cleanup:
  return status;
}

static void search_clear(search *s) {
  ouro_doubling_destroy(&s->doubling);
  free(s->trained);
  free(s->rooted);
  free(s->biased);
  free(s->own);
  free(s->corpus);
  free(s->d);
  free(s->c);
  free(s->previous);
  free(s->mean);
  free(s->spread);
  free(s->sums);
  free(s->share);
}

/* X of the present D by doubling; *steps is how many it took, or MOST_STEPS if walks stay alive. */
static ouro_status solve(search *s, int64_t *steps) {
  ouro_status status = OURO_OK;
  ouro_doubling *d = &s->doubling;
  OURO_TRY(ouro_matrix_load(s->comm, d->grid, s->closed->system, d->a));
  memset(d->x, 0, (size_t)(d->grid->n_rows * d->grid->n_columns) * sizeof *d->x);
  ouro_matrix_set_diagonal(d->grid, s->d, d->x);
  for (*steps = 0; *steps < MOST_STEPS; ++*steps) {
    OURO_TRY(ouro_matrix_row_sums(d->grid, d->a, NULL, s->trained, s->sums));
    if (ouro_plateau_largest(d->grid->n, s->sums) <= GONE) break;
    ouro_doubling_step(d);
  }
cleanup:
  return status;
}

/* C_ii = X_ii + sum_f B_if^2 C_ff(0), b_i = sum_f B_if b_f(0); what consumers see of C_ii is more by the corpus, which
 * X holds already. */
static ouro_status read_diagonal(search *s) {
  ouro_status status = OURO_OK;
  ouro_doubling *d = &s->doubling;
  OURO_TRY(ouro_matrix_diagonal(d->grid, d->x, s->c));
  OURO_TRY(ouro_matrix_row_sums(d->grid, d->a, d->a, s->rooted, s->share));
  OURO_TRY(ouro_matrix_row_sums(d->grid, d->a, NULL, s->biased, s->mean));
  for (int32_t i = 0; i < d->grid->n; i++) s->c[i] += s->share[i] - s->corpus[i];
cleanup:
  return status;
}

/* own_i = noise_i + eta_i (sum_k P_ik C_kk - Q_ii) + draws_i sum_k P_ik V_k, corpus_i = V_i / M_i. */
static ouro_status correct(search *s, const double *mixed) {
  ouro_status status = OURO_OK;
  const ouro_system *system = s->closed->system;
  ouro_system_spread(system, s->c, s->mean, s->spread);
  OURO_TRY(ouro_system_average(s->comm, system, s->c, s->sums));
  for (int32_t i = 0; i < system->n; i++) s->own[i] = system->noise[i] + system->eta[i] * (s->sums[i] - mixed[i]);
  OURO_TRY(ouro_system_average(s->comm, system, s->spread, s->sums));
  for (int32_t i = 0; i < system->n; i++) {
    s->own[i] += system->draws[i] * s->sums[i];
    s->corpus[i] = system->published[i] * s->spread[i];
    s->d[i] = s->own[i] + s->corpus[i];
  }
cleanup:
  return status;
}

/* Is what further corrections may add, by the ratio of the last two, small enough? The first two say little. */
static bool has_settled(const ouro_closed *closed, int64_t corrections, double before, double moved) {
  const double decay = moved / before;
  if (!closed->corrected) return true;
  if (moved <= ROUNDING) return corrections > 2;
  return corrections > 2 && decay < 1 && moved * decay / (1 - decay) <= CLOSE;
}

/* Where erring models scatter less (curvature < 0) corrections alternate around the fixed point. If r is what they
 * multiply an error by at most, steps of 1 / (1 + r) converge; the first solution, for the base spread, bounds r. */
static double step_of(const search *s) {
  const ouro_spread law = s->closed->system->spread;
  if (law.curvature >= 0 || law.base == 0) return 1;
  return 1 / (1 - law.curvature * ouro_plateau_largest(s->closed->system->n, s->c) / law.base);
}

/* One solution, for the D of the last C. Q_ii = C_ii - own_i. */
static ouro_status refine(search *s, ouro_settling *out) {
  ouro_status status = OURO_OK;
  const int32_t n = s->closed->system->n;
  double *mixed = s->share;
  memcpy(s->previous, s->c, (size_t)n * sizeof *s->c);
  OURO_TRY(solve(s, &out->iterations));
  if (out->iterations == MOST_STEPS) return OURO_OK;
  OURO_TRY(read_diagonal(s));
  if (out->corrections == 0) s->step = step_of(s);
  for (int32_t i = 0; i < n && out->corrections > 0; i++)
    s->c[i] = s->previous[i] + s->step * (s->c[i] - s->previous[i]);
  out->corrections++;
  for (int32_t i = 0; i < n; i++) mixed[i] = s->c[i] - s->own[i];
  OURO_TRY(correct(s, mixed));
cleanup:
  return status;
}

/* Where the curvature is not negative every C_ii only grows from one correction to the next, as D -> D of the next is
 * a positive map: it converges iff there is a fixed point. */
static ouro_status iterate(search *s, int64_t limit, ouro_settling *out) {
  ouro_status status = OURO_OK;
  const int32_t n = s->closed->system->n;
  const double bound = ouro_plateau_runaway(s->closed->system);
  double before, moved = 1;
  OURO_TRY(correct(s, s->share)); /* C = 0 */
  while (!out->settled && out->corrections < limit && ouro_plateau_largest(n, s->c) <= bound) {
    OURO_TRY(refine(s, out));
    if (out->iterations == MOST_STEPS) break;
    before = moved;
    moved = ouro_plateau_change(n, s->previous, s->c);
    out->settled = has_settled(s->closed, out->corrections, before, moved);
  }
cleanup:
  return status;
}

/* x = X + [B; I] C_FF(0) [B; I]' in full. */
static void add_roots(search *s) {
  ouro_doubling *d = &s->doubling;
  memcpy(d->y, d->a, (size_t)(d->grid->n_rows * d->grid->n_columns) * sizeof *d->y);
  ouro_matrix_scale_columns(d->grid, s->rooted, d->y);
  ouro_matrix_multiply(d->grid, true, d->y, d->a, 1, d->x);
}

/* One more generation of the recursion, from the whole matrix; only its diagonal is formed. */
static ouro_status check(search *s, double *residual) {
  ouro_status status = OURO_OK;
  ouro_doubling *d = &s->doubling;
  const ouro_system *system = s->closed->system;
  double *mixed = s->share, *next = s->previous;
  add_roots(s);
  OURO_TRY(ouro_matrix_load(s->comm, d->grid, system, d->a));
  ouro_matrix_multiply(d->grid, false, d->a, d->x, 0, d->y);
  OURO_TRY(ouro_matrix_row_sums(d->grid, d->y, d->a, NULL, mixed));
  OURO_TRY(correct(s, mixed));
  for (int32_t i = 0; i < system->n; i++) next[i] = mixed[i] + s->own[i];
  *residual = ouro_plateau_change(system->n, next, s->c);
cleanup:
  return status;
}

ouro_status ouro_plateau_matrix(MPI_Comm comm, MPI_Comm over, const ouro_closed *closed, int block, int64_t limit,
                                ouro_doubling *doubling, double *diagonal, ouro_settling *settling) {
  ouro_status status = OURO_OK;
  search s = {.comm = comm, .closed = closed};
  *settling = (ouro_settling){0};
  *doubling = (ouro_doubling){0};
  OURO_AGREE(comm, search_new(&s));
  OURO_AGREE(comm, ouro_doubling_create(over, closed->system->n, block, &s.doubling));
  OURO_TRY(iterate(&s, limit, settling));
  if (settling->settled) OURO_TRY(check(&s, &settling->residual));
  ouro_matrix_set_diagonal(s.doubling.grid, s.c, s.doubling.x);
  memcpy(diagonal, s.c, (size_t)closed->system->n * sizeof *diagonal);
  *doubling = s.doubling;
  s.doubling = (ouro_doubling){0};
cleanup:
  search_clear(&s);
  return status;
}

ouro_status ouro_plateau_double(MPI_Comm comm, MPI_Comm over, const ouro_closed *closed, int block, int64_t limit,
                                double *diagonal, ouro_settling *settling) {
  ouro_doubling doubling;
  const ouro_status status = ouro_plateau_matrix(comm, over, closed, block, limit, &doubling, diagonal, settling);
  ouro_doubling_destroy(&doubling);
  return status;
}
