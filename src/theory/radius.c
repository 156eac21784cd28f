/* Bounds of the spectral radius of P: see radius.h. Every number proven here is a ratio of sums of nonnegative terms
 * in ascending global id, widened by what rounding can do; the solver only has to suggest good vectors.
 * Must not know the verdict. */

#include "theory/radius.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "ouro/base/memory.h"
#include "theory/direct.h"
#include "theory/krylov.h"
#include "theory/select.h"

enum { MOST_SOLUTIONS = 48, STUCK = 3 };

static const double CLOSE = 1e-9;  /* bounds so near each other, relative, have converged */
static const double BESIDE = 0.01; /* mu lies above the upper bound by this share of the distance of the bounds */
static const double ENOUGH = 0.05; /* residual of a solution for a right side of 1 or more */
static const double FLOOR = 1e-30; /* least element of a right side, whose largest is 1 */

/* Distances below the upper bound, relative, that the lower one may have. */
static const double ladder[] = {0.5, 0.1, 1e-2, 1e-3, 1e-4, 1e-6, 1e-8, 5e-10, 1e-11, 1e-13};

typedef struct enclosing {
  const ouro_graph *graph;
  ouro_lid n;
  ouro_lid *member;    /* [n] ascending: owned nodes on the backward walks of which there is a cycle */
  double *size;        /* [n] n_i */
  double *value;       /* [n_owned + n_ghost] of a product; 0 but at members and their ghosts */
  double *x, *z;       /* [n] vector; what it is improved by */
  double *b, *y;       /* [n] right side, product */
  int8_t *in;          /* [n] in the set that is pruned */
  double shift;        /* mu */
  int64_t left;        /* products that may still be spent */
  ouro_direct *direct; /* NULL: BiCGSTAB */
  ouro_radius *found;
} enclosing;

static void enclosing_clear(enclosing *e) {
  ouro_direct_destroy(&e->direct);
  free(e->member);
  free(e->size);
  free(e->value);
  free(e->x);
  free(e->z);
  free(e->b);
  free(e->y);
  free(e->in);
}

/* Products of a fixed amount of work. */
static double affordable(const ouro_graph *graph) {
  const double work = (double)((int64_t)1 << 33), each = (double)graph->n_feeds + 10 * (double)graph->n_nodes + 1;
  return fmax(256, work / each);
}

/* ---- the nodes that matter ---- */

static bool hears(const ouro_graph *graph, const int8_t *alive, ouro_lid i) {
  for (ouro_eid k = graph->row[i]; k < graph->row[i + 1]; k++) {
    if (alive[graph->source[k]]) return true;
  }
  return false;
}

/* One round in which all nodes decide by the same state; those that go are 2 until its end. */
static ouro_status peel_once(const ouro_graph *graph, int8_t *alive, ouro_gid *gone) {
  ouro_status status = OURO_OK;
  OURO_TRY(ouro_halo_update(graph->halo, alive, sizeof *alive));
  *gone = 0;
  for (ouro_lid i = 0; i < graph->n_owned; i++) {
    if (alive[i] && !hears(graph, alive, i)) alive[i] = 2;
  }
  for (ouro_lid i = 0; i < graph->n_owned; i++) {
    if (alive[i] != 2) continue;
    alive[i] = 0;
    ++*gone;
  }
  OURO_AGREE(graph->comm, ouro_mpi_status(MPI_Allreduce(MPI_IN_PLACE, gone, 1, OURO_GID_MPI, MPI_SUM, graph->comm)));
cleanup:
  return status;
}

/* Nodes whose walks all end without meeting a cycle add only the eigenvalue 0: P is block triangular. Those that
 * are left over where there are too many rounds do no harm. */
static ouro_status peel(const ouro_graph *graph, int8_t *alive) {
  const double most = affordable(graph);
  ouro_gid gone = 1;
  for (int64_t round = 0; (double)round < most && gone > 0; round++) {
    const ouro_status status = peel_once(graph, alive, &gone);
    if (status != OURO_OK) return status;
  }
  return OURO_OK;
}

static ouro_status alive_new(const ouro_graph *graph, ouro_mixing mixing, int8_t **alive) {
  ouro_status status = OURO_OK;
  OURO_NEW(*alive, graph->n_owned + graph->n_ghost);
  for (ouro_lid i = 0; i < graph->n_owned; i++) (*alive)[i] = ouro_mixing_size(graph, mixing, i) > 0;
cleanup:
  return status;
}

static ouro_status enclosing_new(const int8_t *alive, ouro_mixing mixing, enclosing *e) {
  ouro_status status = OURO_OK;
  const ouro_graph *graph = e->graph;
  for (ouro_lid i = 0; i < graph->n_owned; i++) e->n += alive[i];
  OURO_NEW(e->member, e->n);
  OURO_NEW(e->size, e->n);
  OURO_NEW(e->value, graph->n_owned + graph->n_ghost);
  OURO_NEW(e->x, e->n);
  OURO_NEW(e->z, e->n);
  OURO_NEW(e->b, e->n);
  OURO_NEW(e->y, e->n);
  OURO_NEW(e->in, e->n);
  ouro_lid m = 0;
  for (ouro_lid i = 0; i < graph->n_owned; i++) {
    if (!alive[i]) continue;
    e->size[m] = ouro_mixing_size(graph, mixing, i);
    e->member[m++] = i;
  }
cleanup:
  return status;
}

static ouro_status enclosing_open(ouro_mixing mixing, enclosing *e) {
  ouro_status status = OURO_OK;
  int8_t *alive = NULL;
  OURO_AGREE(e->graph->comm, alive_new(e->graph, mixing, &alive));
  OURO_TRY(peel(e->graph, alive));
  OURO_AGREE(e->graph->comm, enclosing_new(alive, mixing, e));
cleanup:
  free(alive);
  return status;
}

/* ---- products and bounds ---- */

/* out = P in, over members */
static ouro_status multiply(enclosing *e, const double *in, double *out) {
  const ouro_graph *graph = e->graph;
  for (ouro_lid m = 0; m < e->n; m++) e->value[e->member[m]] = in[m];
  const ouro_status status = ouro_halo_update(graph->halo, e->value, sizeof *e->value);
  if (status != OURO_OK) return status;
  for (ouro_lid m = 0; m < e->n; m++) {
    const ouro_lid i = e->member[m];
    double sum = 0;
    for (ouro_eid k = graph->row[i]; k < graph->row[i + 1]; k++) {
      sum += (double)ouro_graph_samples(graph, k) * e->value[graph->source[k]];
    }
    out[m] = sum / e->size[m];
  }
  e->left--;
  e->found->products++;
  return OURO_OK;
}

/* Relative error of a ratio (Px)_m / x_m: one rounding a product and a sum, and some more. */
static double rounding(const enclosing *e, ouro_lid m) {
  const ouro_lid i = e->member[m];
  return DBL_EPSILON * (double)(e->graph->row[i + 1] - e->graph->row[i] + 6);
}

static ouro_status largest_of(const enclosing *e, double *value) {
  return ouro_agree(e->graph->comm,
                    ouro_mpi_status(MPI_Allreduce(MPI_IN_PLACE, value, 1, MPI_DOUBLE, MPI_MAX, e->graph->comm)));
}

/* x is positive. */
static ouro_status bound_above(enclosing *e) {
  ouro_status status = OURO_OK;
  double most = 0;
  OURO_TRY(multiply(e, e->x, e->y));
  for (ouro_lid m = 0; m < e->n; m++) most = fmax(most, e->y[m] / e->x[m] * (1 + rounding(e, m)));
  OURO_TRY(largest_of(e, &most));
  e->found->upper = fmin(e->found->upper, most);
cleanup:
  return status;
}

/* Take the nodes out of the set whose ratio on it is below `least`, until none is. b is scratch. On return `least` is
 * the smallest ratio on the set; 0: it is empty, or too many passes. */
static ouro_status prune(enclosing *e, int64_t *passes, double *least) {
  ouro_status status = OURO_OK;
  const double wanted = *least;
  double state[2] = {1, 0}; /* some have gone; minus the smallest ratio */
  *least = 0;
  while (state[0] > 0 && (*passes)-- > 0) {
    for (ouro_lid m = 0; m < e->n; m++) e->b[m] = e->in[m] ? e->x[m] : 0;
    OURO_TRY(multiply(e, e->b, e->y));
    state[0] = 0;
    state[1] = -HUGE_VAL;
    for (ouro_lid m = 0; m < e->n; m++) {
      const double ratio = e->y[m] / e->x[m] * (1 - rounding(e, m));
      if (!e->in[m]) continue;
      if (!(ratio >= wanted)) e->in[m] = 0;
      if (!(ratio >= wanted)) state[0] = 1;
      state[1] = fmax(state[1], -ratio);
    }
    OURO_AGREE(e->graph->comm,
               ouro_mpi_status(MPI_Allreduce(MPI_IN_PLACE, state, 2, MPI_DOUBLE, MPI_MAX, e->graph->comm)));
  }
  if (state[0] == 0 && state[1] > -HUGE_VAL) *least = -state[1];
cleanup:
  return status;
}

/* Ever smaller sets on which the ratios are ever larger. */
static ouro_status bound_below(enclosing *e) {
  ouro_status status = OURO_OK;
  int64_t passes = e->left / 4;
  for (ouro_lid m = 0; m < e->n; m++) e->in[m] = 1;
  for (size_t k = 0; k < sizeof ladder / sizeof *ladder; k++) {
    double least = e->found->upper * (1 - ladder[k]);
    OURO_TRY(prune(e, &passes, &least));
    if (least == 0) break;
    e->found->lower = fmax(e->found->lower, least);
  }
cleanup:
  return status;
}

/* ---- iteration ---- */

/* P in the scale of x, by mu: elements of all sizes are then solved for with the same relative accuracy. */
static ouro_status apply(void *context, const double *in, double *out) {
  enclosing *e = context;
  for (ouro_lid m = 0; m < e->n; m++) e->y[m] = e->x[m] * in[m];
  const ouro_status status = multiply(e, e->y, out);
  for (ouro_lid m = 0; m < e->n; m++) out[m] /= e->x[m] * e->shift;
  return status;
}

/* z = (I - D^-1 P D / mu)^-1 b or near it, D = diag(x) */
static ouro_status solve(enclosing *e) {
  const ouro_linear linear = {e->graph->comm, e->n, apply, e};
  double residual;
  if (e->direct) return ouro_direct_solve(e->direct, e->x, e->shift, e->b, e->z);
  if (e->n > 0) memcpy(e->z, e->b, (size_t)e->n * sizeof *e->z);
  return ouro_krylov_solve(&linear, e->b, ENOUGH, e->left / 4 + 1, e->z, &residual);
}

/* x <- (mu I - P)^-1 max(x, FLOOR) or near it, positive, its largest element 1. No element of the solution is smaller
 * than that of the right side over mu. */
static ouro_status improve(enclosing *e) {
  ouro_status status = OURO_OK;
  double most = 0;
  e->shift = e->found->upper + BESIDE * (e->found->upper - e->found->lower);
  for (ouro_lid m = 0; m < e->n; m++) e->b[m] = fmax(1, FLOOR / e->x[m]) / e->shift;
  OURO_TRY(solve(e));
  for (ouro_lid m = 0; m < e->n; m++) {
    e->x[m] *= isfinite(e->z[m]) ? fmax(e->z[m], e->b[m]) : e->b[m];
    most = fmax(most, e->x[m]);
  }
  OURO_TRY(largest_of(e, &most));
  for (ouro_lid m = 0; m < e->n; m++) e->x[m] /= most;
cleanup:
  return status;
}

static bool has_converged(const ouro_radius *r) {
  return r->upper - r->lower <= CLOSE * r->upper;
}

static ouro_status iterate(enclosing *e) {
  ouro_status status = OURO_OK;
  ouro_radius *r = e->found;
  int stuck = 0;
  for (ouro_lid m = 0; m < e->n; m++) e->x[m] = 1;
  OURO_TRY(bound_above(e));
  OURO_TRY(bound_below(e));
  for (int k = 0; k < MOST_SOLUTIONS && !has_converged(r) && stuck < STUCK && e->left > 0; k++) {
    const double width = r->upper - r->lower;
    OURO_TRY(improve(e));
    OURO_TRY(bound_above(e));
    OURO_TRY(bound_below(e));
    stuck = r->upper - r->lower > 0.9 * width ? stuck + 1 : 0;
  }
cleanup:
  return status;
}

static ouro_status count(const enclosing *e, int64_t *n) {
  *n = e->n;
  return ouro_agree(e->graph->comm,
                    ouro_mpi_status(MPI_Allreduce(MPI_IN_PLACE, n, 1, MPI_INT64_T, MPI_SUM, e->graph->comm)));
}

ouro_status ouro_radius_enclose(const ouro_graph *graph, ouro_mixing mixing, int64_t direct, ouro_radius *radius) {
  ouro_status status = OURO_OK;
  enclosing e = {.graph = graph, .found = radius, .left = (int64_t)fmin(20000, affordable(graph))};
  int64_t n;
  *radius = (ouro_radius){.upper = 1}; /* rows of P sum to at most 1 */
  OURO_TRY(enclosing_open(mixing, &e));
  OURO_TRY(count(&e, &n));
  if (n == 0) radius->upper = 0;
  if (n > 0 && n <= direct) OURO_TRY(ouro_direct_create(graph, e.n, e.member, e.size, &e.direct));
  if (n > 0) OURO_TRY(iterate(&e));
  radius->converged = has_converged(radius);
cleanup:
  enclosing_clear(&e);
  return status;
}
