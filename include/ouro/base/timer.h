#ifndef OURO_BASE_TIMER_H
#define OURO_BASE_TIMER_H

/* Wall-clock time by phase. Phases nest: while an inner phase runs, the outer one is paused, so the
 * phases of a run add up to its duration. */

#include "ouro/base/status.h"

typedef enum ouro_phase {
  OURO_PHASE_OTHER, /* whatever no other phase claims */
  OURO_PHASE_READ,
  OURO_PHASE_GENERATE,
  OURO_PHASE_PARTITION,
  OURO_PHASE_MIGRATE,
  OURO_PHASE_VERDICT,
  OURO_PHASE_THEORY,
  OURO_PHASE_PLAN,     /* setting up the exchange */
  OURO_PHASE_TRAIN,    /* drawing, reducing and fitting */
  OURO_PHASE_EXCHANGE, /* waiting for samples of other ranks */
  OURO_PHASE_MEASURE,
  OURO_PHASE_WRITE,  /* handing over results while the run goes on */
  OURO_PHASE_FINISH, /* what is left to be written at the end, until it is on the disk */
  OURO_PHASE_COUNT
} ouro_phase;

#define OURO_TIMER_DEPTH 16

typedef struct ouro_timers {
  double seconds[OURO_PHASE_COUNT];
  ouro_phase stack[OURO_TIMER_DEPTH];
  int depth;
  double since; /* start of the running stretch of the innermost phase */
} ouro_timers;

/* One phase over all ranks. */
typedef struct ouro_phase_figures {
  double min, mean, max; /* seconds */
  int where;             /* the rank of the maximum */
} ouro_phase_figures;

/** Short name of a phase, as printed and stored.
 *  Not collective. */
const char *ouro_phase_name(ouro_phase phase);

/** Start the clock, in OURO_PHASE_OTHER.
 *  Not collective. */
void ouro_timers_start(ouro_timers *timers);

/** Enter a phase, pausing the one outside it. timers may be NULL: nothing is measured then.
 *  Not collective. */
void ouro_timers_enter(ouro_timers *timers, ouro_phase phase);

/** Leave the innermost phase and return to the one outside it. timers may be NULL.
 *  Not collective. */
void ouro_timers_leave(ouro_timers *timers);

/** Figures of every phase over the ranks.
 *  Collective on comm.
 *  [out] figures [OURO_PHASE_COUNT], the same on every rank
 *  Returns the same status on all ranks: OURO_OK, OURO_EMPI. */
ouro_status ouro_timers_reduce(ouro_timers *timers, MPI_Comm comm, ouro_phase_figures *figures);

/** Seconds of a monotonic clock.
 *  Not collective. */
double ouro_timer_now(void);

#endif
