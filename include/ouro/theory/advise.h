#ifndef OURO_THEORY_ADVISE_H
#define OURO_THEORY_ADVISE_H

/* Which models should get real data: the minimum cure (THEORY.md section 2) and the best few feeds. Judged by the
 * total error: the sum of C_ii over all models at the last generation, by the recursion of sections 3, 5, 8 and 9 or
 * its dual. */

#include "ouro/family/family.h"
#include "ouro/theory/verdict.h"

typedef struct ouro_advise_request {
  int64_t budget;          /* real feeds to choose, >= 0 */
  const int8_t *candidate; /* [n_owned] nonzero = may get real data; NULL: all models without real data */
} ouro_advise_request;

/* A real feed of real.samples a generation. */
typedef struct ouro_advice_feed {
  ouro_gid node;
  ouro_gid component;    /* smallest global id of the unstable source the node belongs to, or -1 */
  double total;          /* total error with this feed and those before it in the list */
  double standard_error; /* of total: 0 by recursion, at most this by walks */
} ouro_advice_feed;

typedef enum ouro_advice_method { OURO_ADVICE_RECURSION, OURO_ADVICE_WALKS } ouro_advice_method;

typedef struct ouro_advice {
  ouro_advice_method method;
  char reason[256];       /* the method and its figures */
  bool exact;             /* sections 3, 5; else first order in 1/n */
  double total;           /* as things are; INFINITY if it overflows */
  double standard_error;  /* of total */
  int64_t n_cure;         /* unstable sources that have a candidate */
  ouro_advice_feed *cure; /* [n_cure] one model of each, the largest sources first */
  int64_t n_incurable;    /* unstable sources without a candidate */
  int64_t n_best;         /* at most budget and the number of candidates */
  ouro_advice_feed *best; /* [n_best] each the best after those before it: not the best n_best together */
  int64_t n_candidates;
  int64_t n_evaluated; /* recursions run, or pairs of walks */
} ouro_advice;

/* Most work, seconds of one core: the same limit on any number of ranks. */
#define OURO_ADVISE_PATIENCE 600.0

/** Find the feeds. Source components have no ancestor in common, so their errors are uncorrelated and add up in every
 *  model downstream: the best model of one does not depend on the choice in another, and the cure is the best of its
 *  size. The best few are greedy. Two ways, bit-identical on any number of ranks (sparse engine, exact sums):
 *  - where trial of every candidate by the recursion takes at most OURO_ADVISE_PATIENCE and there are at most 1,024
 *    unstable sources (theory.exact=always: whatever it takes; none: never): each choice is the best, of equals the
 *    smallest id;
 *  - beyond, for graphs of any size, by backward walks (section 10). In a source the model comes into question that has
 *    the largest pi_i / n_i, pi its stationary distribution (section 6): the chance that a walk long in the source ends
 *    in r real samples of i is pi_i r / n_i a step, for small r. Of those and all models outside sources walks tell
 *    what each feed would take off the total (gain.h), for a shortlist once more with walks of its own. Totals are by
 *    walks with the feeds in place, from models drawn at random, until their relative standard error is
 *    theory.dual_error or theory.dual_walks are walked.
 *  Collective on graph's communicator.
 *  [inout] graph   its real data are changed meanwhile, and as they were on return
 *  [in]    verdict of this graph
 *  [out]   advice  the same on all ranks, to be released with ouro_advice_destroy(); NULL on error
 *  Returns the same status on all ranks: OURO_OK, OURO_ECONFIG (real.kind=initial), OURO_ELIMIT (too large for both
 *  ways: the message has the figures; no formula), OURO_ENOMEM, OURO_EMPI. */
ouro_status ouro_advise(const ouro_config *config, const ouro_family *family, ouro_graph *graph,
                        const ouro_verdict *verdict, const ouro_advise_request *request, ouro_advice **advice);

/** Release advice and set it to NULL. NULL is fine.
 *  Not collective. */
void ouro_advice_destroy(ouro_advice **advice);

#endif
