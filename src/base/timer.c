/* Wall-clock time by phase, nested phases excluded from the outer one: see timer.h. */

#include "ouro/base/timer.h"

#include <string.h>
#include <time.h>

static const char *const names[OURO_PHASE_COUNT] = {"other",   "read",   "generate", "partition", "migrate",
                                                    "verdict", "theory", "plan",     "train",     "exchange",
                                                    "measure", "write",  "finish"};

const char *ouro_phase_name(ouro_phase phase) {
  return names[phase];
}

double ouro_timer_now(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

void ouro_timers_start(ouro_timers *timers) {
  memset(timers, 0, sizeof *timers);
  timers->stack[0] = OURO_PHASE_OTHER;
  timers->since = ouro_timer_now();
}

/* Credit the running stretch to the innermost phase and begin a new one. */
static void settle(ouro_timers *timers) {
  const double now = ouro_timer_now();
  timers->seconds[timers->stack[timers->depth]] += now - timers->since;
  timers->since = now;
}

void ouro_timers_enter(ouro_timers *timers, ouro_phase phase) {
  if (timers == NULL || timers->depth + 1 == OURO_TIMER_DEPTH) return;
  settle(timers);
  timers->stack[++timers->depth] = phase;
}

void ouro_timers_leave(ouro_timers *timers) {
  if (timers == NULL || timers->depth == 0) return;
  settle(timers);
  timers->depth--;
}

ouro_status ouro_timers_reduce(ouro_timers *timers, MPI_Comm comm, ouro_phase_figures *figures) {
  struct {
    double seconds;
    int rank;
  } local[OURO_PHASE_COUNT], largest[OURO_PHASE_COUNT];
  double least[OURO_PHASE_COUNT], total[OURO_PHASE_COUNT];
  int rank, n_ranks;
  MPI_Comm_rank(comm, &rank);
  MPI_Comm_size(comm, &n_ranks);
  settle(timers);
  for (int k = 0; k < OURO_PHASE_COUNT; k++) {
    local[k].seconds = timers->seconds[k];
    local[k].rank = rank;
  }
  MPI_Allreduce(local, largest, OURO_PHASE_COUNT, MPI_DOUBLE_INT, MPI_MAXLOC, comm);
  MPI_Allreduce(timers->seconds, least, OURO_PHASE_COUNT, MPI_DOUBLE, MPI_MIN, comm);
  MPI_Allreduce(timers->seconds, total, OURO_PHASE_COUNT, MPI_DOUBLE, MPI_SUM, comm);
  for (int k = 0; k < OURO_PHASE_COUNT; k++) {
    figures[k] = (ouro_phase_figures){least[k], total[k] / n_ranks, largest[k].seconds, largest[k].rank};
  }
  return OURO_OK;
}
