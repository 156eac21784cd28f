/* Statistics of feeds, corpora and real data, each drawn whole from its law, many in one call.
 * Invariant: statistics are added in the order of the calls, whether drawn here or arrived.
 * Knows no graph. */

#include <stdlib.h>
#include <string.h>

#include "learn/private.h"
#include "ouro/base/memory.h"

#define PENDING_BYTES 131072 /* of statistics that are drawn: they stay in cache */
#define PENDING_MOST 256     /* */

ouro_status ouro_learn_whole_create(learn_run *run) {
  ouro_status status = OURO_OK;
  learn_whole *whole = &run->statistics;
  const size_t width = (size_t)run->family->statistic_width, fitting = PENDING_BYTES / sizeof(double) / width;
  whole->most = fitting < 1 ? 1 : fitting < PENDING_MOST ? (ouro_lid)fitting : PENDING_MOST;
  OURO_NEW(whole->slices, whole->most);
  OURO_NEW(whole->drawn, (size_t)whole->most * width);
  OURO_NEW(whole->arrived, (size_t)whole->most * width);
  OURO_NEW(whole->from, whole->most);
  OURO_NEW(whole->into, whole->most);
  OURO_NEW(whole->sent, OURO_EXCHANGE_ITEMS);
cleanup:
  return status;
}

void ouro_learn_whole_clear(learn_whole *whole) {
  free(whole->slices);
  free(whole->drawn);
  free(whole->arrived);
  free(whole->from);
  free(whole->into);
  free(whole->sent);
}

/* What is pending leaves room for one more. */
static void add(learn_run *run, const double *from, double *into) {
  learn_whole *whole = &run->statistics;
  whole->from[whole->n] = from;
  whole->into[whole->n++] = into;
  if (whole->n == whole->most) ouro_learn_whole_absorb(run);
}

void ouro_learn_whole_draw(learn_run *run, const ouro_slice *slice, double *statistic) {
  learn_whole *whole = &run->statistics;
  const ptrdiff_t at = whole->n_drawn++;
  whole->slices[at] = *slice;
  add(run, whole->drawn + at * run->family->statistic_width, statistic);
}

void ouro_learn_whole_arrive(learn_run *run, const double *drawn, double *statistic) {
  learn_whole *whole = &run->statistics;
  const size_t width = (size_t)run->family->statistic_width;
  double *copy = whole->arrived + (size_t)whole->n_arrived++ * width;
  add(run, memcpy(copy, drawn, width * sizeof *copy), statistic);
}

void ouro_learn_whole_absorb(learn_run *run) {
  learn_whole *whole = &run->statistics;
  if (whole->n == 0) return;
  if (whole->n_drawn > 0) ouro_family_draw_statistics(run->family, whole->n_drawn, whole->slices, whole->drawn);
  for (ouro_lid k = 0; k < whole->n; k++) ouro_family_merge(run->family, whole->from[k], whole->into[k]);
  whole->n = whole->n_drawn = whole->n_arrived = 0;
  ouro_learn_batch_worked(run, run->chunk);
}
