/* The spectral radius of P on the trained nodes by sparse products, and all eigenvalues by LAPACK on rank 0 where they
 * are few: P is not normal, and what a dense spectrum takes fits one rank. Must not know model families or the
 * verdict. */

#include "ouro/theory/spectrum.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "ouro/base/memory.h"
#include "theory/cost.h"
#include "theory/radius.h"
#include "theory/select.h"
#include "theory/system.h"

extern void dgeev_(const char *jobvl, const char *jobvr, const int *n, double *a, const int *lda, double *wr,
                   double *wi, double *vl, const int *ldvl, double *vr, const int *ldvr, double *work, const int *lwork,
                   int *info);

/* Operations of the Hessenberg reduction and the QR iteration, n^3 times. */
static const double WORK = 25;

/* P on the trained nodes, renumbered in the order of their ids. */
typedef struct restricted {
  int32_t *place; /* [n_nodes] number, or -1 at roots; the same on all ranks */
  ouro_system system;
  double *matrix; /* rank 0: [n][n] column-major */
} restricted;

static void restricted_clear(restricted *r) {
  free(r->place);
  free(r->system.held);
  free(r->system.first);
  free(r->system.column);
  free(r->system.weight);
  free(r->matrix);
}

static ouro_status place_new(const ouro_graph *graph, ouro_mixing mixing, restricted *r) {
  ouro_status status = OURO_OK;
  OURO_NEW(r->place, graph->n_nodes);
  for (ouro_lid i = 0; i < graph->n_owned; i++) r->place[graph->gid[i]] = ouro_mixing_size(graph, mixing, i) > 0;
cleanup:
  return status;
}

static ouro_status number(const ouro_graph *graph, ouro_mixing mixing, restricted *r) {
  ouro_status status = OURO_OK;
  const int n = (int)graph->n_nodes;
  OURO_AGREE(graph->comm, place_new(graph, mixing, r));
  OURO_AGREE(graph->comm, ouro_mpi_status(MPI_Allreduce(MPI_IN_PLACE, r->place, n, MPI_INT32_T, MPI_MAX, graph->comm)));
  for (int i = 0; i < n; i++) r->place[i] = r->place[i] ? r->system.n++ : -1;
cleanup:
  return status;
}

static ouro_status take_rows(const ouro_graph *graph, ouro_mixing mixing, restricted *r) {
  ouro_status status = OURO_OK;
  ouro_system *s = &r->system;
  OURO_NEW(s->held, graph->n_owned);
  OURO_NEW(s->first, graph->n_owned + 1);
  OURO_NEW(s->column, graph->row[graph->n_owned]);
  OURO_NEW(s->weight, graph->row[graph->n_owned]);
  for (ouro_lid i = 0; i < graph->n_owned; i++) {
    const int32_t row = r->place[graph->gid[i]];
    if (row < 0) continue;
    int64_t end = s->first[s->n_held];
    for (ouro_eid k = graph->row[i]; k < graph->row[i + 1]; k++) {
      const int32_t column = r->place[graph->gid[graph->source[k]]];
      if (column < 0) continue;
      s->column[end] = column;
      s->weight[end++] = (double)ouro_graph_samples(graph, k) / ouro_mixing_size(graph, mixing, i);
    }
    s->held[s->n_held++] = row;
    s->first[s->n_held] = end;
  }
cleanup:
  return status;
}

static void keep(void *context, int n, const int32_t *row, const int32_t *column, const double *weight) {
  restricted *r = context;
  for (int k = 0; r->matrix != NULL && k < n; k++) {
    r->matrix[(int64_t)column[k] * r->system.n + row[k]] = weight[k];
  }
}

static ouro_status matrix_new(bool root, restricted *r) {
  ouro_status status = OURO_OK;
  if (root) OURO_NEW(r->matrix, (int64_t)r->system.n * r->system.n);
cleanup:
  return status;
}

static ouro_status values_new(ouro_spectrum *out) {
  ouro_status status = OURO_OK;
  OURO_NEW(out->real, out->n);
  OURO_NEW(out->imaginary, out->n);
cleanup:
  return status;
}

/* Eigenvalues of the matrix, in LAPACK's order; the matrix is destroyed. */
static ouro_status solve(restricted *r, ouro_spectrum *out) {
  ouro_status status = OURO_OK;
  const int n = out->n, one = 1, ask = -1;
  double best, none, *work = NULL;
  int info;
  dgeev_("N", "N", &n, r->matrix, &n, out->real, out->imaginary, &none, &one, &none, &one, &best, &ask, &info);
  const int room = (int)best;
  OURO_NEW(work, room);
  dgeev_("N", "N", &n, r->matrix, &n, out->real, out->imaginary, &none, &one, &none, &one, work, &room, &info);
  OURO_CHECK(info == 0, OURO_ENUMERIC, "the eigenvalues of P did not converge (dgeev: %d)", info);
cleanup:
  free(work);
  return status;
}

typedef struct eigenvalue {
  double size, real, imaginary;
} eigenvalue;

static int compare(const void *left, const void *right) {
  const eigenvalue *a = left, *b = right;
  if (a->size != b->size) return a->size > b->size ? -1 : 1;
  if (a->real != b->real) return a->real > b->real ? -1 : 1;
  return (a->imaginary < b->imaginary) - (a->imaginary > b->imaginary);
}

static ouro_status sort(ouro_spectrum *out) {
  ouro_status status = OURO_OK;
  eigenvalue *list = NULL;
  OURO_NEW(list, out->n);
  for (int32_t i = 0; i < out->n; i++) {
    list[i] = (eigenvalue){hypot(out->real[i], out->imaginary[i]), out->real[i], out->imaginary[i]};
  }
  if (out->n > 1) qsort(list, (size_t)out->n, sizeof *list, compare);
  for (int32_t i = 0; i < out->n; i++) {
    out->real[i] = list[i].real;
    out->imaginary[i] = list[i].imaginary;
  }
  out->radius = out->n > 0 ? list[0].size : 0;
cleanup:
  free(list);
  return status;
}

static ouro_status find(const ouro_graph *graph, restricted *r, ouro_spectrum *out) {
  ouro_status status = OURO_OK;
  int rank;
  MPI_Comm_rank(graph->comm, &rank);
  OURO_AGREE(graph->comm, values_new(out));
  OURO_AGREE(graph->comm, matrix_new(rank == 0, r));
  OURO_TRY(ouro_system_stream(graph->comm, &r->system, keep, r));
  OURO_AGREE(graph->comm, rank == 0 && out->n > 0 ? solve(r, out) : OURO_OK);
  OURO_AGREE(graph->comm, ouro_mpi_status(MPI_Bcast(out->real, out->n, MPI_DOUBLE, 0, graph->comm)));
  OURO_AGREE(graph->comm, ouro_mpi_status(MPI_Bcast(out->imaginary, out->n, MPI_DOUBLE, 0, graph->comm)));
  OURO_AGREE(graph->comm, sort(out));
  out->found = true;
  snprintf(out->reason, sizeof out->reason, "all %d by LAPACK on one rank", out->n);
cleanup:
  return status;
}

/* The same answer on all ranks. */
static ouro_status weigh(const ouro_graph *graph, double n, bool *fits, ouro_spectrum *out) {
  double available = (double)ouro_memory_available(graph->comm);
  const int code = MPI_Allreduce(MPI_IN_PLACE, &available, 1, MPI_DOUBLE, MPI_MIN, graph->comm);
  const double bytes = 8 * n * n + 200 * n, seconds = WORK * n * n * n / OURO_DENSE_RATE;
  *fits = bytes <= available && seconds <= OURO_PATIENCE;
  snprintf(out->reason, sizeof out->reason,
           "the radius alone: all eigenvalues of %.0f nodes need %.3g MB of %.3g MB available and about %.2g s", n,
           bytes / 1e6, available / 1e6, seconds);
  return ouro_agree(graph->comm, ouro_mpi_status(code));
}

static ouro_status search(const ouro_graph *graph, ouro_mixing mixing, ouro_spectrum *out) {
  ouro_status status = OURO_OK;
  restricted r = {0};
  bool fits;
  OURO_TRY(weigh(graph, (double)graph->n_nodes, &fits, out));
  if (!fits) return OURO_OK;
  OURO_TRY(number(graph, mixing, &r));
  OURO_AGREE(graph->comm, take_rows(graph, mixing, &r));
  out->n = r.system.n;
  OURO_TRY(find(graph, &r, out));
cleanup:
  restricted_clear(&r);
  return status;
}

static ouro_status enclose(const ouro_graph *graph, ouro_mixing mixing, ouro_spectrum *out) {
  ouro_radius radius;
  const ouro_status status = ouro_radius_enclose(graph, mixing, OURO_RADIUS_DIRECT, &radius);
  if (status != OURO_OK) return status;
  out->lower = radius.lower;
  out->upper = radius.upper;
  out->converged = radius.converged;
  out->radius = (radius.lower + radius.upper) / 2;
  return OURO_OK;
}

static ouro_status spectrum_new(ouro_spectrum **spectrum) {
  ouro_status status = OURO_OK;
  OURO_NEW(*spectrum, 1);
cleanup:
  return status;
}

ouro_status ouro_spectrum_create(const ouro_graph *graph, ouro_mixing mixing, ouro_timers *timers,
                                 ouro_spectrum **spectrum) {
  ouro_status status = OURO_OK;
  ouro_spectrum *made = NULL;
  *spectrum = NULL;
  ouro_timers_enter(timers, OURO_PHASE_THEORY);
  OURO_AGREE(graph->comm, spectrum_new(&made));
  OURO_TRY(enclose(graph, mixing, made));
  OURO_TRY(search(graph, mixing, made));
  *spectrum = made;
  made = NULL;
cleanup:
  ouro_spectrum_destroy(&made);
  ouro_timers_leave(timers);
  return status;
}

void ouro_spectrum_destroy(ouro_spectrum **spectrum) {
  if (*spectrum == NULL) return;
  free((*spectrum)->real);
  free((*spectrum)->imaginary);
  free(*spectrum);
  *spectrum = NULL;
}
