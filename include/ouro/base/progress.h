#ifndef OURO_BASE_PROGRESS_H
#define OURO_BASE_PROGRESS_H

/* How far a long loop is: a bar on a terminal, otherwise about ten plain lines. Goes to stderr. */

#include "ouro/base/types.h"

typedef struct ouro_progress {
  const char *title;
  int64_t total, shown;
  double start, drawn;
  bool silent, terminal;
} ouro_progress;

/** Begin a loop of `total` steps.
 *  Not collective; prints on the rank with root = true only, and only at log level NOTICE or above.
 *  [in] title kept by reference until ouro_progress_end() */
void ouro_progress_begin(ouro_progress *progress, const char *title, int64_t total, bool root);

/** Report that `done` steps are done. Cheap enough for every step.
 *  Not collective. */
void ouro_progress_update(ouro_progress *progress, int64_t done);

/** End the loop and the line.
 *  Not collective. */
void ouro_progress_end(ouro_progress *progress);

#endif
