/* Messages to stderr, once or from every rank: see log.h. */

#include "ouro/base/log.h"

#include <stdarg.h>
#include <stdio.h>

static int log_rank;
static ouro_log_level log_level = OURO_LOG_NOTICE;

void ouro_log_open(int rank, ouro_log_level level) {
  log_rank = rank;
  log_level = level;
}

ouro_log_level ouro_log_level_now(void) {
  return log_level;
}

static const char *prefix(ouro_log_level level) {
  switch (level) {
  case OURO_LOG_ERROR:
    return "ouro: error: ";
  case OURO_LOG_WARNING:
    return "ouro: warning: ";
  default:
    return "ouro: ";
  }
}

void ouro_log_root(ouro_log_level level, const char *format, ...) {
  if (log_rank != 0 || level > log_level) return;
  va_list arguments;
  va_start(arguments, format);
  fputs(prefix(level), stderr);
  vfprintf(stderr, format, arguments);
  fputc('\n', stderr);
  va_end(arguments);
}

void ouro_log_all(ouro_log_level level, const char *format, ...) {
  if (level > log_level) return;
  char line[1024];
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(line, sizeof line, format, arguments);
  va_end(arguments);
  fprintf(stderr, "[%d] %s%s\n", log_rank, prefix(level), line);
}
