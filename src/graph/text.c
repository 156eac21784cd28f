/* A text file by byte ranges: see text.h. Knows bytes and lines, not what they mean. */

#include "graph/text.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ouro/base/memory.h"

/* Bytes read at once: small enough for the second-level cache, large enough for a file system. */
#define SLICE ((size_t)1 << 20)

static ouro_status io_error(const ouro_text *text, int error) {
  return ouro_error(OURO_EIO, "%s: %s", text->path, strerror(error));
}

/* Read exactly n bytes; the file was that long when it was opened. */
static ouro_status read_at(const ouro_text *text, int64_t offset, size_t n, char *out) {
  for (size_t done = 0; done < n;) {
    const ssize_t got = pread(text->file, out + done, n - done, (off_t)(offset + (int64_t)done));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return io_error(text, errno);
    if (got == 0) return ouro_error(OURO_EIO, "%s: the file became shorter while it was read", text->path);
    done += (size_t)got;
  }
  return OURO_OK;
}

static ouro_status open_file(ouro_text *text) {
  struct stat info;
  text->file = open(text->path, O_RDONLY | O_CLOEXEC);
  if (text->file < 0) return io_error(text, errno);
  if (fstat(text->file, &info) != 0) return io_error(text, errno);
  if (S_ISDIR(info.st_mode)) return io_error(text, EISDIR);
  if (!S_ISREG(info.st_mode)) return ouro_error(OURO_EIO, "%s: not a regular file", text->path);
  text->size = (int64_t)info.st_size;
  return OURO_OK;
}

static ouro_status open_buffer(ouro_text *text) {
  ouro_status status = OURO_OK;
  text->capacity = SLICE;
  OURO_NEW(text->buffer, text->capacity + OURO_TEXT_PADDING);
cleanup:
  return status;
}

/* UTF-8 byte order mark, which some programs put in front. */
static ouro_status skip_mark(ouro_text *text) {
  char mark[3] = {0};
  ouro_status status = text->size < 3 ? OURO_OK : read_at(text, 0, 3, mark);
  text->start = memcmp(mark, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;
  return status;
}

/* The first line of this rank begins behind the first '\n' at or after begin - 1. */
static ouro_status find_first_line(ouro_text *text) {
  ouro_status status = OURO_OK;
  if (text->begin == text->start) return OURO_OK;
  int64_t at = text->begin - 1;
  text->begin = text->end;
  while (at < text->end - 1) {
    const int64_t left = text->end - 1 - at;
    const size_t n = left < (int64_t)SLICE ? (size_t)left : SLICE;
    OURO_TRY(read_at(text, at, n, text->buffer));
    const char *newline = memchr(text->buffer, '\n', n);
    if (newline) {
      text->begin = at + (newline - text->buffer) + 1;
      break;
    }
    at += (int64_t)n;
  }
cleanup:
  return status;
}

static ouro_status open_range(ouro_text *text, int rank, int n_ranks) {
  ouro_status status = OURO_OK;
  OURO_TRY(open_buffer(text));
  const int64_t length = text->size - text->start, share = length / n_ranks, rest = length % n_ranks;
  text->begin = text->start + share * rank + (rank < rest ? rank : rest);
  text->end = text->begin + share + (rank < rest);
  OURO_TRY(find_first_line(text));
  ouro_text_rewind(text);
cleanup:
  return status;
}

ouro_status ouro_text_open_alone(const char *path, ouro_text *text) {
  ouro_status status;
  *text = (ouro_text){.comm = MPI_COMM_SELF, .path = path, .file = -1};
  OURO_TRY(open_file(text));
  OURO_TRY(skip_mark(text));
  OURO_TRY(open_range(text, 0, 1));
cleanup:
  return status;
}

ouro_status ouro_text_open(MPI_Comm comm, const char *path, ouro_text *text) {
  ouro_status status;
  int rank, n_ranks;
  MPI_Comm_rank(comm, &rank);
  MPI_Comm_size(comm, &n_ranks);
  *text = (ouro_text){.comm = comm, .path = path, .file = -1};
  OURO_AGREE(comm, open_file(text));
  OURO_AGREE(comm, rank == 0 ? skip_mark(text) : OURO_OK);
  int64_t seen[2] = {text->size, text->start}; /* as rank 0 sees it, should the file be growing */
  MPI_Bcast(seen, 2, MPI_INT64_T, 0, comm);
  text->size = seen[0];
  text->start = seen[1];
  OURO_AGREE(comm, open_range(text, rank, n_ranks));
cleanup:
  return status;
}

void ouro_text_rewind(ouro_text *text) {
  text->offset = text->begin;
  text->used = text->handed = 0;
  text->line = 0;
  text->bad_line = false;
}

/* Drop what was handed out and read on until the buffer is full or the file ends. */
static ouro_status refill(ouro_text *text) {
  memmove(text->buffer, text->buffer + text->handed, text->used - text->handed);
  text->offset += (int64_t)text->handed;
  text->used -= text->handed;
  text->handed = 0;
  const int64_t at = text->offset + (int64_t)text->used, left = text->size - at;
  const size_t room = text->capacity - text->used, n = left < (int64_t)room ? (size_t)left : room;
  ouro_status status = read_at(text, at, n, text->buffer + text->used);
  if (status == OURO_OK) text->used += n;
  return status;
}

/* Bytes of the whole lines in the buffer that begin before the end of this rank's range. */
static size_t whole_lines(const ouro_text *text) {
  const int64_t last = text->end - 1 - text->offset; /* a '\n' from here on ends this rank's last line */
  if (last < (int64_t)text->used) {
    const char *newline = memchr(text->buffer + last, '\n', text->used - (size_t)last);
    if (newline) return (size_t)(newline - text->buffer) + 1;
  }
  const char *newline = text->used ? memrchr(text->buffer, '\n', text->used) : NULL;
  return newline ? (size_t)(newline - text->buffer) + 1 : 0;
}

ouro_status ouro_text_next(ouro_text *text, char **from, char **to) {
  ouro_status status = OURO_OK;
  *from = *to = text->buffer;
  if (text->offset + (int64_t)text->handed >= text->end) return OURO_OK;
  OURO_TRY(refill(text));
  while ((text->handed = whole_lines(text)) == 0 && text->offset + (int64_t)text->used < text->size) {
    OURO_RESIZE(text->buffer, 2 * text->capacity + OURO_TEXT_PADDING);
    text->capacity *= 2;
    OURO_TRY(refill(text));
  }
  size_t n = text->handed;
  if (n == 0) { /* the last line of the file lacks its '\n' */
    n = text->handed = text->used;
    text->buffer[n++] = '\n';
  }
  *from = text->buffer;
  *to = text->buffer + n;
cleanup:
  return status;
}

int64_t ouro_text_offset(const ouro_text *text, const char *byte) {
  return text->offset + (byte - text->buffer);
}

ouro_status ouro_text_error(ouro_text *text, const char *format, ...) {
  char message[900];
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(message, sizeof message, format, arguments);
  va_end(arguments);
  text->bad_line = true;
  return ouro_error(OURO_EINPUT, "%s", message);
}

int64_t ouro_text_lines_before(const ouro_text *text) {
  int64_t before = 0;
  int rank;
  MPI_Exscan(&text->line, &before, 1, MPI_INT64_T, MPI_SUM, text->comm);
  MPI_Comm_rank(text->comm, &rank);
  return rank == 0 ? 0 : before;
}

ouro_status ouro_text_agree(ouro_text *text, ouro_status local) {
  const int64_t before = ouro_text_lines_before(text);
  if (local != OURO_OK && text->bad_line) {
    char message[900];
    snprintf(message, sizeof message, "%s", ouro_error_message());
    ouro_error(local, "%s:%" PRId64 ": %s", text->path, before + text->line, message);
  }
  return ouro_agree(text->comm, local);
}

void ouro_text_close(ouro_text *text) {
  if (text->file >= 0 && text->path) close(text->file);
  free(text->buffer);
  *text = (ouro_text){.file = -1};
}
