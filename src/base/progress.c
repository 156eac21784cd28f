/* Progress of a long loop, as a bar or as lines: see progress.h. */

#include "ouro/base/progress.h"

#include <stdio.h>
#include <unistd.h>

#include "ouro/base/log.h"
#include "ouro/base/timer.h"

#define BAR_WIDTH 40
#define REDRAW_SECONDS 0.1
#define LINES 10

void ouro_progress_begin(ouro_progress *progress, const char *title, int64_t total, bool root) {
  const double now = ouro_timer_now();
  *progress = (ouro_progress){.title = title, .total = total, .start = now, .drawn = now};
  progress->silent = !root || ouro_log_level_now() < OURO_LOG_NOTICE;
  progress->terminal = isatty(STDERR_FILENO) == 1;
}

static void draw_bar(const ouro_progress *progress, int64_t done, double elapsed) {
  const int filled = progress->total > 0 ? (int)(BAR_WIDTH * done / progress->total) : BAR_WIDTH;
  fprintf(stderr, "\r%-12s [", progress->title);
  for (int k = 0; k < BAR_WIDTH; k++) fputc(k < filled ? '#' : '.', stderr);
  fprintf(stderr, "] %" PRId64 "/%" PRId64 "  %.1f s", done, progress->total, elapsed);
  fflush(stderr);
}

void ouro_progress_update(ouro_progress *progress, int64_t done) {
  if (progress->silent) return;
  const double now = ouro_timer_now(), elapsed = now - progress->start;
  if (progress->terminal) {
    if (done < progress->total && now - progress->drawn < REDRAW_SECONDS) return;
    draw_bar(progress, done, elapsed);
    progress->drawn = now;
    return;
  }
  const int64_t step = progress->total / LINES > 0 ? progress->total / LINES : 1;
  if (done / step == progress->shown / step && done < progress->total) return;
  if (done == progress->shown) return;
  progress->shown = done;
  fprintf(stderr, "ouro: %s %" PRId64 "/%" PRId64 "  %.1f s\n", progress->title, done, progress->total, elapsed);
}

void ouro_progress_end(ouro_progress *progress) {
  if (!progress->silent && progress->terminal) fputc('\n', stderr);
  progress->silent = true;
}
