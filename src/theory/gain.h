#ifndef OURO_THEORY_GAIN_H
#define OURO_THEORY_GAIN_H

/* What real data at each of many models would take off the error, all from the same pairs of backward walks of the
 * graph as it is (THEORY.md section 10).
 *
 * r more real samples for model k end a walk that leaves k with probability q_k = r / (n_k + r), and change the noise
 * of k's fit from d_k to d'_k. What a pair meets at step s then counts with probability (1 - q_k)^v, v the times that
 * one of the two has left k before, so that the feed removes
 *
 *    sum_s e_s [1 - (1 - q_k)^v(s)] + sum_{s at k} (d_k - d'_k),
 *
 * e_s what is met, with d'_k for d_k. The bracket is the sum of q (1-q)^(times after it) over those v times: one of all
 * times that the pair left any candidate, drawn with equal chances as they pass, stands for all. Unbiased but for eta,
 * which is taken as it is, and for fixed real data, taken as fresh. Sums are integers: no order changes a bit. */

#include "ouro/graph/graph.h"

/* Where a walk stands, and on which rank that is. lid i: owned node i there; ~i: its fixed set of real data. */
typedef struct ouro_place {
  int32_t rank, lid;
} ouro_place;

/* What a pair remembers of the candidates that it has left. */
typedef struct ouro_trace {
  ouro_place pick; /* the one drawn */
  int64_t times;   /* how often any was left */
  double reach;    /* q (1-q)^(times that pick was left since) */
} ouro_trace;

__extension__ typedef __int128 ouro_wide;

typedef struct ouro_gain_news {
  ouro_place at;
  double value;
} ouro_gain_news;

typedef struct ouro_gains {
  MPI_Comm comm; /* borrowed */
  int rank, n_ranks;
  ouro_lid n_owned;
  double *share;         /* [n_owned] q_k of candidates, 0 at the others */
  double *fed;           /* [n_owned] d'_k of candidates; of a root the noise of a fit to r samples */
  double unit;           /* of the integers below; set by ouro_gains_clear() */
  ouro_wide *met, *gain; /* [n_owned] error met at each node; error that a feed of each candidate removes */
  int64_t n_news, most_news;
  ouro_gain_news *news, *packed, *heard; /* gains of candidates owned elsewhere */
  int64_t n_heard;
  int *n_send, *at_send, *n_receive, *at_receive; /* [n_ranks] */
  MPI_Datatype type;
} ouro_gains;

/** Room for the gains of the owned nodes of a graph; no candidates yet.
 *  Collective on graph's communicator.
 *  [in]  in_flight most pairs on a rank at a time
 *  [out] gains     to be released with ouro_gains_destroy(); NULL on error
 *  Returns the same status on all ranks: OURO_OK, OURO_ENOMEM. */
ouro_status ouro_gains_create(const ouro_graph *graph, int64_t in_flight, ouro_gains **gains);

/** Release gains and set them to NULL. NULL is fine.
 *  Not collective. */
void ouro_gains_destroy(ouro_gains **gains);

/** Bytes that gains take on this rank.
 *  Not collective. */
double ouro_gains_bytes(const ouro_graph *graph, int64_t in_flight);

/** Begin anew.
 *  Not collective.
 *  [in] largest the most that a pair can meet in one step, the same on all ranks */
void ouro_gains_clear(ouro_gains *gains, double largest);

/** A walk of a pair leaves an owned node.
 *  Not collective.
 *  [in] word random */
void ouro_gains_leave(const ouro_gains *gains, ouro_trace *trace, ouro_lid at, uint64_t word);

/** A pair meets an error at an owned node.
 *  Not collective. At most 3 times a pair between calls of ouro_gains_trade().
 *  [in] value what it is
 *  [in] fed   what it would be if this very node were fed */
void ouro_gains_meet(ouro_gains *gains, const ouro_trace *trace, ouro_lid at, double value, double fed);

/** Hand gains over to the owners of their nodes.
 *  Collective on gains' communicator.
 *  Returns the same status on all ranks: OURO_OK, OURO_ENOMEM, OURO_EMPI. */
ouro_status ouro_gains_trade(ouro_gains *gains);

#endif
