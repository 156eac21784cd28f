/* Matrix Market coordinate files: entry (i, j) is the feed i -> j, its value the number of samples. The lines of
 * entries are those of an edge list with declared ids 1 .. n. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "graph/read_edges.h"
#include "ouro/base/log.h"
#include "ouro/base/memory.h"

typedef struct mtx_head {
  int64_t n, columns, entries;
  int64_t offset, line; /* of the size line */
  bool pattern, real, symmetric;
} mtx_head;

/* "%%MatrixMarket matrix coordinate pattern|integer|real general|symmetric", upper or lower case. */
static ouro_status parse_banner(ouro_text *text, const char *line, mtx_head *head) {
  char word[5][20] = {"", "", "", "", ""}, rest[2] = "";
  const int n = sscanf(line, "%19s %19s %19s %19s %19s%1[^\n\r\t ]", word[0], word[1], word[2], word[3], word[4], rest);
  const bool field = !strcasecmp(word[3], "pattern") || !strcasecmp(word[3], "integer") || !strcasecmp(word[3], "real");
  const bool form = !strcasecmp(word[4], "general") || !strcasecmp(word[4], "symmetric");
  if (n != 5 || strcasecmp(word[0], "%%MatrixMarket") != 0 || strcasecmp(word[1], "matrix") != 0 ||
      strcasecmp(word[2], "coordinate") != 0 || !field || !form) {
    return ouro_text_error(text, "a Matrix Market file of a graph begins with '%%%%MatrixMarket matrix coordinate "
                                 "pattern|integer|real general|symmetric'");
  }
  head->pattern = !strcasecmp(word[3], "pattern");
  head->real = !strcasecmp(word[3], "real");
  head->symmetric = !strcasecmp(word[4], "symmetric");
  return OURO_OK;
}

static ouro_status parse_size(ouro_text *text, char *line, mtx_head *head) {
  ouro_status status;
  static const ouro_columns columns = {.role = {"number of rows", "number of columns", "number of entries"},
                                       .n_roles = 3,
                                       .n_required = 3,
                                       .n = 3,
                                       .at = {0, 1, 2},
                                       .separator = ' ',
                                       .header = -1};
  ouro_field field[3];
  int64_t *const value[3] = {&head->n, &head->columns, &head->entries};
  char shown[64];
  OURO_TRY(ouro_columns_split(&columns, text, line, field));
  for (int k = 0; k < 3; k++) {
    if (ouro_field_number(&field[k], value[k]) == OURO_NUMBER_INT && *value[k] >= (k < 2)) continue;
    return ouro_text_error(text, "%s: '%s' is not a %s whole number", columns.role[k],
                           ouro_field_show(&field[k], shown), k < 2 ? "positive" : "non-negative");
  }
  if (head->n != head->columns) {
    return ouro_text_error(text, "a graph needs a square matrix, not %" PRId64 " rows and %" PRId64 " columns", head->n,
                           head->columns);
  }
  head->offset = ouro_text_offset(text, line);
  head->line = text->line;
cleanup:
  return status;
}

/* One line of the head; *done when it was the size line. */
static ouro_status parse_head_line(ouro_text *text, char *line, mtx_head *head, bool *done) {
  if (text->line == 1) return parse_banner(text, line, head);
  const char first = line[strspn(line, " \t\r")];
  if (first == '%' || first == '\n') return OURO_OK;
  *done = true;
  return parse_size(text, line, head);
}

static ouro_status parse_head(const char *path, mtx_head *head) {
  ouro_status status;
  ouro_text text = {.file = -1};
  char *line, *to;
  bool done = false;
  OURO_TRY(ouro_text_open_alone(path, &text));
  do {
    OURO_TRY(ouro_text_next(&text, &line, &to));
    if (line == to) {
      text.line += text.line == 0;
      status = ouro_text_error(&text, "the file ends before the line with the sizes");
      goto cleanup;
    }
    while (line < to && !done) {
      char *next = (char *)rawmemchr(line, '\n') + 1;
      text.line++;
      OURO_TRY(parse_head_line(&text, line, head, &done));
      line = next;
    }
  } while (!done);
cleanup:
  if (status != OURO_OK) status = ouro_text_agree(&text, status);
  ouro_text_close(&text);
  return status;
}

static ouro_status check_entries(const ouro_reading *reading, const mtx_head *head) {
  int64_t n = reading->feeds.n;
  MPI_Allreduce(MPI_IN_PLACE, &n, 1, MPI_INT64_T, MPI_SUM, reading->comm);
  if (n == head->entries) return OURO_OK;
  return ouro_error(OURO_EINPUT, "%s:%" PRId64 ": %" PRId64 " entries announced, %" PRId64 " found", reading->file,
                    head->line, head->entries, n);
}

/* A symmetric file holds one triangle: every entry off the diagonal stands for two feeds. */
static ouro_status mirror(ouro_reading *reading) {
  ouro_status status = OURO_OK;
  ouro_feeds *feeds = &reading->feeds;
  const ouro_eid n = feeds->n;
  OURO_TRY(ouro_feeds_reserve(feeds, 2 * n));
  if (reading->feed_line) OURO_RESIZE(reading->feed_line, 2 * n);
  for (ouro_eid k = 0; k < n; k++) {
    if (feeds->source[k] == feeds->target[k]) continue;
    if (reading->feed_line) reading->feed_line[feeds->n] = reading->feed_line[k];
    OURO_TRY(ouro_feeds_add(feeds, feeds->target[k], feeds->source[k], ouro_feeds_samples(feeds, k)));
  }
cleanup:
  return status;
}

ouro_status ouro_read_mtx(ouro_reading *reading) {
  ouro_status status;
  mtx_head head = {0};
  ouro_text text = {.file = -1};
  bool named_ids;
  int rank;
  MPI_Comm_rank(reading->comm, &rank);
  OURO_TRY(ouro_read_refuse_keys(reading, ".mtx"));
  OURO_TRY(ouro_text_open(reading->comm, reading->file, &text));
  OURO_AGREE(reading->comm, rank == 0 ? parse_head(reading->file, &head) : OURO_OK);
  MPI_Bcast(&head, sizeof head, MPI_BYTE, 0, reading->comm);
  const ouro_edge_format format = {.columns = {.role = {"row", "column", "samples"},
                                               .n_roles = head.pattern ? 2 : 3,
                                               .n_required = head.pattern ? 2 : 3,
                                               .n = head.pattern ? 2 : 3,
                                               .at = {0, 1, head.pattern ? -1 : 2},
                                               .separator = ' ',
                                               .header = -1},
                                   .after = head.offset,
                                   .reals = head.real};
  reading->n_nodes = head.n;
  reading->first_label = 1;
  OURO_TRY(ouro_read_edges_parse(reading, &text, &format, &named_ids));
  OURO_TRY(check_entries(reading, &head));
  for (ouro_eid k = 0; k < reading->feeds.n; k++) {
    reading->feeds.source[k]--;
    reading->feeds.target[k]--;
  }
  if (head.symmetric) {
    OURO_AGREE(reading->comm, mirror(reading));
    ouro_log_root(OURO_LOG_NOTICE, "%s: symmetric, so each entry off the diagonal is a feed in both directions",
                  reading->file);
  }
  if (reading->node_file) OURO_TRY(ouro_read_nodes(reading));
cleanup:
  ouro_text_close(&text);
  return status;
}
