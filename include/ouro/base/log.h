#ifndef OURO_BASE_LOG_H
#define OURO_BASE_LOG_H

/* Messages to stderr. A `root` line is printed once, by rank 0; an `all` line by every rank that calls,
 * with its rank in front. Results go to stdout and are not messages. */

#include "ouro/base/types.h"

typedef enum ouro_log_level {
  OURO_LOG_ERROR,   /* the run ends; never seen in a clean run */
  OURO_LOG_WARNING, /* the result stands, but the reader must know something about it */
  OURO_LOG_NOTICE,  /* what is being done, a line a phase (default) */
  OURO_LOG_DETAIL   /* figures of interest to developers */
} ouro_log_level;

/** Set the rank and the level below which nothing is printed.
 *  Not collective. Before this call everything up to NOTICE is printed, as if by rank 0. */
void ouro_log_open(int rank, ouro_log_level level);

/** The level in force.
 *  Not collective. */
ouro_log_level ouro_log_level_now(void);

/** Print a line once, from rank 0.
 *  Not collective: any rank may call, rank 0 prints.
 *  [in] format printf format without a final newline */
void ouro_log_root(ouro_log_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));

/** Print a line from the calling rank.
 *  Not collective.
 *  [in] format printf format without a final newline */
void ouro_log_all(ouro_log_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
