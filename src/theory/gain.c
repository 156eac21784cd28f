/* Gains of feeds by backward walks: see gain.h. Whatever a pair finds out about a candidate is added up by the
 * candidate's owner, in integers. Must not know how walks go. */

#include "theory/gain.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "ouro/base/memory.h"
#include "ouro/base/random.h"
#include "theory/select.h"

enum { NEWS_A_PAIR = 3 };

static ouro_status gains_new(const ouro_graph *graph, int64_t in_flight, ouro_gains **gains) {
  ouro_status status = OURO_OK;
  ouro_gains *g;
  OURO_NEW(g, 1);
  *gains = g;
  g->type = MPI_DATATYPE_NULL;
  g->comm = graph->comm;
  g->n_owned = graph->n_owned;
  MPI_Comm_rank(g->comm, &g->rank);
  MPI_Comm_size(g->comm, &g->n_ranks);
  g->most_news = g->n_ranks > 1 ? NEWS_A_PAIR * in_flight : 0;
  OURO_NEW(g->share, g->n_owned);
  OURO_NEW(g->fed, g->n_owned);
  OURO_NEW(g->met, g->n_owned);
  OURO_NEW(g->gain, g->n_owned);
  OURO_NEW(g->news, g->most_news);
  OURO_NEW(g->packed, g->most_news);
  OURO_NEW(g->n_send, g->n_ranks);
  OURO_NEW(g->at_send, g->n_ranks);
  OURO_NEW(g->n_receive, g->n_ranks);
  OURO_NEW(g->at_receive, g->n_ranks);
cleanup:
  return status;
}

ouro_status ouro_gains_create(const ouro_graph *graph, int64_t in_flight, ouro_gains **gains) {
  ouro_status status = OURO_OK;
  ouro_gains *made = NULL;
  *gains = NULL;
  OURO_AGREE(graph->comm, gains_new(graph, in_flight, &made));
  MPI_Type_contiguous((int)sizeof(ouro_gain_news), MPI_BYTE, &made->type);
  MPI_Type_commit(&made->type);
  *gains = made;
  made = NULL;
cleanup:
  ouro_gains_destroy(&made);
  return status;
}

void ouro_gains_destroy(ouro_gains **gains) {
  ouro_gains *g = *gains;
  if (g == NULL) return;
  if (g->type != MPI_DATATYPE_NULL) MPI_Type_free(&g->type);
  free(g->share);
  free(g->fed);
  free(g->met);
  free(g->gain);
  free(g->news);
  free(g->packed);
  free(g->heard);
  free(g->n_send);
  free(g->at_send);
  free(g->n_receive);
  free(g->at_receive);
  free(g);
  *gains = NULL;
}

double ouro_gains_bytes(const ouro_graph *graph, int64_t in_flight) {
  return 48.0 * graph->n_owned + 3.0 * NEWS_A_PAIR * sizeof(ouro_gain_news) * (double)in_flight;
}

/* 2^-50 of the largest step: a sum of 2^77 such steps fits. */
void ouro_gains_clear(ouro_gains *gains, double largest) {
  gains->unit = largest > 0 ? ldexp(largest, -50) : 1;
  for (ouro_lid i = 0; i < gains->n_owned; i++) gains->met[i] = gains->gain[i] = 0;
}

static ouro_wide in_units(const ouro_gains *gains, double value) {
  const double most = 0x1p100; /* which only a pair of enormous weight reaches */
  return (ouro_wide)fmax(-most, fmin(rint(value / gains->unit), most));
}

void ouro_gains_leave(const ouro_gains *gains, ouro_trace *trace, ouro_lid at, uint64_t word) {
  const double share = gains->share[at];
  if (share == 0) return;
  trace->times++;
  if (ouro_random_below(word, (uint64_t)trace->times) == 0) {
    trace->pick = (ouro_place){gains->rank, at};
    trace->reach = share;
  } else if (trace->pick.rank == gains->rank && trace->pick.lid == at) {
    trace->reach *= 1 - share;
  }
}

void ouro_gains_meet(ouro_gains *gains, const ouro_trace *trace, ouro_lid at, double value, double fed) {
  const bool here = trace->pick.rank == gains->rank;
  gains->met[at] += in_units(gains, value);
  if (gains->share[at] > 0) gains->gain[at] += in_units(gains, value - fed);
  if (trace->times == 0) return;
  const double gain = (double)trace->times * trace->reach * (here && trace->pick.lid == at ? fed : value);
  if (here) {
    gains->gain[trace->pick.lid] += in_units(gains, gain);
  } else {
    gains->news[gains->n_news++] = (ouro_gain_news){trace->pick, gain};
  }
}

/* News by rank. */
static void pack(ouro_gains *g) {
  memset(g->n_send, 0, (size_t)g->n_ranks * sizeof *g->n_send);
  for (int64_t k = 0; k < g->n_news; k++) g->n_send[g->news[k].at.rank]++;
  for (int r = 0, at = 0; r < g->n_ranks; at += g->n_send[r++]) g->at_send[r] = at;
  for (int64_t k = 0; k < g->n_news; k++) g->packed[g->at_send[g->news[k].at.rank]++] = g->news[k];
  for (int r = 0; r < g->n_ranks; r++) g->at_send[r] -= g->n_send[r];
  g->n_news = 0;
}

static ouro_status make_room(ouro_gains *g, int *arrived) {
  ouro_status status = OURO_OK;
  int64_t n = 0;
  for (int r = 0; r < g->n_ranks; r++) {
    g->at_receive[r] = (int)n;
    n += g->n_receive[r];
    OURO_CHECK(n <= INT32_MAX, OURO_ELIMIT, "%" PRId64 " gains are too many for a message", n);
  }
  if (n > g->n_heard) {
    OURO_RESIZE(g->heard, n);
    g->n_heard = n;
  }
  *arrived = (int)n;
cleanup:
  return status;
}

ouro_status ouro_gains_trade(ouro_gains *gains) {
  ouro_status status = OURO_OK;
  ouro_gains *g = gains;
  int arrived = 0;
  if (g->n_ranks == 1) return OURO_OK;
  pack(g);
  OURO_AGREE(g->comm, ouro_mpi_status(MPI_Alltoall(g->n_send, 1, MPI_INT, g->n_receive, 1, MPI_INT, g->comm)));
  OURO_AGREE(g->comm, make_room(g, &arrived));
  OURO_AGREE(g->comm, ouro_mpi_status(MPI_Alltoallv(g->packed, g->n_send, g->at_send, g->type, g->heard, g->n_receive,
                                                    g->at_receive, g->type, g->comm)));
  for (int k = 0; k < arrived; k++) g->gain[g->heard[k].at.lid] += in_units(g, g->heard[k].value);
cleanup:
  return status;
}
