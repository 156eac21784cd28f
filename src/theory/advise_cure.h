#ifndef OURO_THEORY_ADVISE_CURE_H
#define OURO_THEORY_ADVISE_CURE_H

/* One model of each unstable source, whatever their number, and what each source adds to the total error. */

#include "ouro/graph/meet.h"
#include "theory/advise.h"
#include "theory/gain.h"

enum { OURO_CURE_BEFORE, OURO_CURE_AFTER, OURO_CURE_TIMES };

typedef struct ouro_cure {
  ouro_meet *meet;                /* members by source */
  ouro_lid n;                     /* members owned here */
  ouro_lid *member;               /* [n] ascending */
  double *score;                  /* [n] pi_i / n_i */
  int8_t *chosen;                 /* [n] one of each source that has a candidate */
  double *share[OURO_CURE_TIMES]; /* [n] of the total error, met in the source of the member */
  int64_t *word, *other;          /* [n] to be combined */
  ouro_gid n_unsettled;           /* members of sources whose pi has not converged */
} ouro_cure;

/** Find the members of unstable sources and their stationary distribution.
 *  Collective on the graph's communicator.
 *  [out] cure to be released with ouro_cure_clear(), also on error
 *  Returns the same status on all ranks: OURO_OK, OURO_ENOMEM, OURO_ELIMIT, OURO_EMPI. */
ouro_status ouro_cure_open(const ouro_advisor *advisor, ouro_cure *cure);

/** Release the arrays.
 *  Not collective. */
void ouro_cure_clear(ouro_cure *cure);

/** Bytes on this rank.
 *  Not collective. */
double ouro_cure_bytes(const ouro_verdict *verdict, ouro_lid n_owned);

/** Mark of each source the open member with the largest score, the smallest id of equals.
 *  Collective on graph's communicator.
 *  [in]    open   [n_owned]
 *  [inout] stands [n_owned] set for members of sources, untouched elsewhere
 *  Returns the same status on all ranks: OURO_OK, OURO_ENOMEM, OURO_ELIMIT. */
ouro_status ouro_cure_mark(ouro_cure *cure, const ouro_graph *graph, const int8_t *open, int8_t *stands);

/** Choose the marked members, and give them real data.
 *  Collective on the graph's communicator.
 *  [out] n how many, over all ranks
 *  Returns the same status on all ranks: OURO_OK, OURO_EMPI. */
ouro_status ouro_cure_choose(ouro_cure *cure, const ouro_advisor *advisor, const int8_t *stands, int64_t *n);

/** Find the share of each source in the total error.
 *  Collective on graph's communicator.
 *  [in] scale error for a unit of error met by the pairs of `gains`
 *  [in] when  OURO_CURE_BEFORE or OURO_CURE_AFTER the feeds
 *  Returns the same status on all ranks: OURO_OK, OURO_ENOMEM, OURO_ELIMIT, OURO_EMPI. */
ouro_status ouro_cure_weigh(ouro_cure *cure, const ouro_graph *graph, const ouro_gains *gains, double scale, int when);

/** List the chosen members in the advice, which has room for them, the largest sources first, with the total error
 * after each feed. Collective on the graph's communicator. [in] n              chosen members over all ranks [in] total
 * after all feeds [in] standard_error of total [in] of_others      at least that of the totals after fewer feeds
 *  Returns the same status on all ranks: OURO_OK, OURO_ENOMEM, OURO_ELIMIT, OURO_EMPI. */
ouro_status ouro_cure_list(ouro_cure *cure, const ouro_advisor *advisor, int64_t n, double total, double standard_error,
                           double of_others);

#endif
