/* The closed subsystem of the nodes that do not collapse, and how long its walks last. A predecessor of a node
 * that does not collapse does not collapse either, so rows are kept or dropped whole. */

#include "theory/closed.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "ouro/base/memory.h"
#include "theory/select.h"

/* place[i] = 1 where node i of the whole system is kept: models by their class, virtual nodes by their consumers. */
static ouro_status mark(const ouro_graph *graph, const ouro_verdict *verdict, const ouro_system *whole,
                        int32_t *place) {
  for (ouro_lid i = 0; i < graph->n_owned; i++) {
    place[graph->gid[i]] = verdict == NULL || verdict->class_of[i] != OURO_CLASS_COLLAPSING;
  }
  for (int32_t h = 0; h < whole->n_held; h++) {
    if (whole->held[h] >= graph->n_nodes || !place[whole->held[h]]) continue;
    for (int64_t k = whole->first[h]; k < whole->first[h + 1]; k++) place[whole->column[k]] = 1;
  }
  return ouro_agree(graph->comm,
                    ouro_mpi_status(MPI_Allreduce(MPI_IN_PLACE, place, whole->n, MPI_INT32_T, MPI_MAX, graph->comm)));
}

static int32_t number(int32_t n, int32_t *place) {
  int32_t next = 0;
  for (int32_t i = 0; i < n; i++) place[i] = place[i] ? next++ : -1;
  return next;
}

static ouro_status subsystem_new(const ouro_system *whole, int32_t n, const int32_t *place, ouro_closed *c) {
  ouro_status status = OURO_OK;
  int32_t rows = 0, models = 0;
  int64_t weights = 0;
  for (int32_t i = 0; i < whole->n_models; i++) models += place[i] >= 0;
  for (int32_t h = 0; h < whole->n_held; h++) {
    if (place[whole->held[h]] < 0) continue;
    rows++;
    weights += whole->first[h + 1] - whole->first[h];
  }
  OURO_NEW(c->fixed, n);
  c->n_weights = weights;
  OURO_TRY(ouro_system_new(n, models, rows, weights, &c->system));
  c->system->spread = whole->spread;
  c->system->forget = whole->forget;
cleanup:
  return status;
}

static void copy_rows(const ouro_system *whole, const int32_t *place, ouro_closed *c) {
  ouro_system *s = c->system;
  for (int32_t h = 0; h < whole->n_held; h++) {
    const int32_t row = place[whole->held[h]];
    if (row < 0) continue;
    int64_t end = s->first[s->n_held];
    for (int64_t k = whole->first[h]; k < whole->first[h + 1]; k++) {
      s->column[end] = place[whole->column[k]];
      s->weight[end++] = whole->weight[k];
    }
    const int64_t begin = s->first[s->n_held];
    const bool itself = end == begin + 1 && s->column[begin] == row && s->weight[begin] == 1;
    c->fixed[row] = itself && whole->size[whole->held[h]] == 0;
    s->held[s->n_held++] = row;
    s->first[s->n_held] = end;
  }
}

/* Does the diagonal of the next generation depend on more of this one than Q? */
static bool is_corrected(const ouro_system *s) {
  bool corrected = s->spread.curvature != 0 || s->spread.drift != 0 || s->spread.fitted || s->forget > 0;
  for (int32_t i = 0; i < s->n; i++) corrected |= s->eta[i] != 0 || (s->spread.slope != 0 && s->mean[i] != 0);
  return corrected;
}

static void copy_nodes(const ouro_system *whole, const int32_t *place, ouro_closed *c) {
  ouro_system *s = c->system;
  for (size_t k = 0; k < OURO_NODE_VECTORS; k++) {
    const double *from = whole->node + k * (size_t)whole->n;
    double *to = s->node + k * (size_t)s->n;
    for (int32_t i = 0; i < whole->n; i++) {
      if (place[i] >= 0) to[place[i]] = from[i];
    }
  }
  c->corrected = is_corrected(s);
}

static ouro_status closed_new(int32_t n, ouro_closed **closed) {
  ouro_status status = OURO_OK;
  OURO_NEW(*closed, 1);
  OURO_NEW((*closed)->place, n);
cleanup:
  return status;
}

ouro_status ouro_closed_create(const ouro_graph *graph, const ouro_verdict *verdict, const ouro_system *whole,
                               ouro_closed **closed) {
  ouro_status status = OURO_OK;
  ouro_closed *c = NULL;
  *closed = NULL;
  OURO_AGREE(graph->comm, closed_new(whole->n, &c));
  OURO_TRY(mark(graph, verdict, whole, c->place));
  const int32_t n = number(whole->n, c->place);
  OURO_AGREE(graph->comm, subsystem_new(whole, n, c->place, c));
  copy_rows(whole, c->place, c);
  copy_nodes(whole, c->place, c);
  OURO_AGREE(graph->comm, ouro_mpi_status(MPI_Allreduce(MPI_IN_PLACE, c->fixed, n, MPI_DOUBLE, MPI_MAX, graph->comm)));
  OURO_AGREE(graph->comm,
             ouro_mpi_status(MPI_Allreduce(MPI_IN_PLACE, &c->n_weights, 1, MPI_INT64_T, MPI_SUM, graph->comm)));
  *closed = c;
  c = NULL;
cleanup:
  ouro_closed_destroy(&c);
  return status;
}

void ouro_closed_destroy(ouro_closed **closed) {
  ouro_closed *c = *closed;
  if (c == NULL) return;
  ouro_system_destroy(&c->system);
  free(c->place);
  free(c->fixed);
  free(c);
  *closed = NULL;
}

ouro_status ouro_system_average(MPI_Comm comm, const ouro_system *system, const double *values, double *averaged) {
  memset(averaged, 0, (size_t)system->n * sizeof *averaged);
  for (int32_t h = 0; h < system->n_held; h++) {
    double sum = 0;
    for (int64_t k = system->first[h]; k < system->first[h + 1]; k++) {
      sum += system->weight[k] * values[system->column[k]];
    }
    averaged[system->held[h]] = sum;
  }
  return ouro_agree(comm, ouro_mpi_status(MPI_Allreduce(MPI_IN_PLACE, averaged, system->n, MPI_DOUBLE, MPI_SUM, comm)));
}

/* Probability that a walk is still among the trained nodes, at most over where it began. */
static double largest(const ouro_closed *closed, double *alive) {
  double most = 0;
  for (int32_t i = 0; i < closed->system->n; i++) {
    if (closed->fixed[i] != 0) alive[i] = 0;
    if (alive[i] > most) most = alive[i];
  }
  return most;
}

/* Where the decay seen between half way and the end leads. */
static double extrapolate(double t, double half, double end, double least) {
  const double rate = log(half / end) / (t / 2);
  return rate > 0 ? t + log(end / least) / rate : HUGE_VAL;
}

static ouro_status walk(MPI_Comm comm, const ouro_closed *closed, double least, int64_t most, double *alive[2],
                        double *horizon) {
  ouro_status status = OURO_OK;
  const ouro_system *s = closed->system;
  int64_t t = 0;
  for (int32_t i = 0; i < s->n; i++) alive[0][i] = 1;
  double now = largest(closed, alive[0]), half = now;
  for (; t < most && now > least; t++) {
    OURO_TRY(ouro_system_average(comm, s, alive[t % 2], alive[(t + 1) % 2]));
    now = largest(closed, alive[(t + 1) % 2]);
    if (t + 1 == most / 2) half = now;
  }
  *horizon = now > least ? extrapolate((double)t, half, now, least) : (double)t;
cleanup:
  return status;
}

static ouro_status walk_new(int32_t n, double *alive[2]) {
  ouro_status status = OURO_OK;
  OURO_NEW(alive[0], n);
  OURO_NEW(alive[1], n);
cleanup:
  return status;
}

ouro_status ouro_closed_horizon(MPI_Comm comm, const ouro_closed *closed, double least, int64_t most, double *horizon) {
  ouro_status status = OURO_OK;
  double *alive[2] = {NULL, NULL};
  OURO_AGREE(comm, walk_new(closed->system->n, alive));
  OURO_TRY(walk(comm, closed, least, most, alive, horizon));
cleanup:
  free(alive[0]);
  free(alive[1]);
  return status;
}
