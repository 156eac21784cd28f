#ifndef OURO_THEORY_ADVISE_PRIVATE_H
#define OURO_THEORY_ADVISE_PRIVATE_H

/* The two ways to advice: trial by the recursion, and backward walks. */

#include "ouro/theory/advise.h"

typedef struct ouro_advisor {
  const ouro_config *config;
  const ouro_family *family;
  ouro_graph *graph;
  const ouro_verdict *verdict;
  ouro_count *real;     /* [n_owned] r_i as they were */
  int8_t *candidate;    /* [n_owned] */
  int64_t n_candidates; /* over all ranks */
  int64_t n_in_sources; /* of them in unstable sources */
  int64_t budget;       /* at most n_candidates */
  ouro_advice *advice;  /* to be filled in */
} ouro_advisor;

/** Give a node that many more real samples a generation, whoever owns it.
 *  Not collective, but to be called alike on all ranks. */
void ouro_advisor_feed(const ouro_advisor *advisor, ouro_gid node, ouro_count samples);

/** Real data as they were.
 *  Not collective. */
void ouro_advisor_starve(const ouro_advisor *advisor);

/** Room for the lists of the advice.
 *  Not collective.
 *  Returns OURO_OK or OURO_ENOMEM. */
ouro_status ouro_advisor_room_for_cure(const ouro_advisor *advisor, int64_t n);
ouro_status ouro_advisor_room_for_best(const ouro_advisor *advisor);

/** Every choice by recursion with each feed in question in place.
 *  Collective on the graph's communicator.
 *  Returns the same status on all ranks: OURO_OK, OURO_ENOMEM, OURO_ELIMIT, OURO_EMPI. */
ouro_status ouro_advise_by_recursion(const ouro_advisor *advisor);

/** Choices by stationary distributions and by what backward walks say of every candidate at once (gain.h); totals by
 *  walks with the feeds in place.
 *  Collective on the graph's communicator.
 *  Returns the same status on all ranks: OURO_OK, OURO_ENOMEM, OURO_ELIMIT, OURO_EMPI. */
ouro_status ouro_advise_by_walks(const ouro_advisor *advisor);

#endif
