#ifndef OURO_GRAPH_TEXT_H
#define OURO_GRAPH_TEXT_H

/* A text file read by all ranks together: each parses the lines that begin in its byte range.
 *
 * Invariant: every line belongs to exactly one rank, whole and in order, whatever its length; lines are handed out
 * with their '\n' (one is supplied where the last line has none), and a byte order mark is skipped. A parser counts
 * the lines it has seen in text->line; ouro_text_agree() turns the count of the lowest failing rank into the line
 * number of the earliest bad line. */

#include "ouro/base/status.h"

/* Bytes behind the last one handed out that may be read (never used), so that numbers can be scanned by words. */
#define OURO_TEXT_PADDING 16

typedef struct ouro_text {
  MPI_Comm comm; /* borrowed */
  const char *path;
  int file;
  int64_t size, start; /* bytes of the file; where its text starts */
  int64_t begin, end;  /* lines that begin in [begin, end) are this rank's */
  int64_t offset;      /* in the file, of buffer[0] */
  size_t used, handed; /* bytes in the buffer; those of them handed out by the last ouro_text_next() */
  size_t capacity;
  char *buffer;
  int64_t line;  /* lines of this rank seen by the parser */
  bool bad_line; /* the recorded message is about line number `line` of this rank */
} ouro_text;

/** Open a file and find the lines of this rank.
 *  Collective on comm.
 *  [in]  path kept by reference
 *  [out] text to be released with ouro_text_close(), also on error
 *  Returns the same status on all ranks: OURO_OK, OURO_EIO, OURO_ENOMEM. */
ouro_status ouro_text_open(MPI_Comm comm, const char *path, ouro_text *text);

/** Open a file for one rank alone, which gets all lines.
 *  Not collective.
 *  Returns OURO_OK, OURO_EIO, OURO_ENOMEM. */
ouro_status ouro_text_open_alone(const char *path, ouro_text *text);

/** Begin again with the first line of this rank.
 *  Not collective. */
void ouro_text_rewind(ouro_text *text);

/** The next whole lines of this rank.
 *  Not collective.
 *  [out] from, to the bytes, which the caller may change; from == to at the end. Valid until the next call.
 *  Returns OURO_OK, OURO_EIO, OURO_ENOMEM. */
ouro_status ouro_text_next(ouro_text *text, char **from, char **to);

/** Offset in the file of a byte handed out by the last ouro_text_next().
 *  Not collective. */
int64_t ouro_text_offset(const ouro_text *text, const char *byte);

/** Record that line number text->line of this rank (1 is its first) is wrong.
 *  Not collective.
 *  Returns OURO_EINPUT. */
ouro_status ouro_text_error(ouro_text *text, const char *format, ...) __attribute__((format(printf, 2, 3)));

/** Agree on the outcome of parsing; the message of the earliest bad line gets "file:line: " in front.
 *  Collective on text's communicator. Ranks below the failing one must have parsed all their lines.
 *  Returns the same status on all ranks. */
ouro_status ouro_text_agree(ouro_text *text, ouro_status local);

/** Lines on lower ranks, once every rank has parsed all of its own.
 *  Collective on text's communicator. */
int64_t ouro_text_lines_before(const ouro_text *text);

/** Close the file and release the buffer.
 *  Not collective. */
void ouro_text_close(ouro_text *text);

#endif
