/* Edge lists: a fast path for lines of nothing but integers, and one for all else. See read.h.
 * Ids are integers in the whole file or names in the whole file, and so are those of the node file: a first pass
 * takes them for integers; if any rank meets another id, all begin again with names. */

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "graph/read_edges.h"
#include "graph/scan.h"
#include "ouro/base/log.h"
#include "ouro/base/memory.h"

enum { SOURCE, TARGET, SAMPLES, ROLES };

typedef struct edge_parser {
  ouro_reading *reading;
  ouro_text *text;
  const ouro_columns *columns;
  int n_fast;        /* columns of a line, if the fast path can take that many; else 0 */
  int64_t low, high; /* ids allowed */
  const ouro_edge_format *format;
  int64_t n_named, named_line; /* lines whose ids are not both integers; the last of them on this rank */
  bool keep_line;              /* remember the line of each feed */
  bool named_ids;              /* met an id that is no integer */
} edge_parser;

static ouro_status make_room(edge_parser *parser, size_t bytes) {
  ouro_status status = OURO_OK;
  ouro_feeds *feeds = &parser->reading->feeds;
  const ouro_eid most = feeds->n + (ouro_eid)(bytes / 4) + 1; /* a feed takes four bytes or more: "0 1\n" */
  if (most > feeds->capacity) OURO_TRY(ouro_feeds_reserve(feeds, most + feeds->capacity));
  if (parser->keep_line) OURO_RESIZE(parser->reading->feed_line, feeds->capacity);
cleanup:
  return status;
}

static void push(const edge_parser *parser, const int64_t *value) {
  ouro_feeds *feeds = &parser->reading->feeds;
  feeds->source[feeds->n] = value[SOURCE];
  feeds->target[feeds->n] = value[TARGET];
  if (feeds->samples) feeds->samples[feeds->n] = value[SAMPLES];
  if (parser->keep_line) parser->reading->feed_line[feeds->n] = parser->text->line;
  feeds->n++;
}

static inline const char *skip_blanks(const char *at, char separator) {
  while (*at == ' ' || (*at == '\t' && separator != '\t')) at++;
  return at;
}

/* Blanks, a separator, blanks. Returns NULL if there is none. */
static inline const char *skip_separator(const char *at, char separator) {
  if (separator == ' ') return *at == ' ' || *at == '\t' ? skip_blanks(at + 1, separator) : NULL;
  at = skip_blanks(at, separator);
  return *at == separator ? skip_blanks(at + 1, separator) : NULL;
}

/* A line of nothing but n_fast short integers without sign. Returns the next line, or NULL if this one is anything
 * else; then the other path says what. */
static inline const char *fast_line(const edge_parser *parser, const char *at, int64_t *value) {
  const ouro_columns *columns = parser->columns;
  int64_t column[ROLES];
  at = ouro_scan_digits(skip_blanks(at, columns->separator), &column[0]);
  for (int k = 1; k < parser->n_fast; k++) {
    if (at == NULL || (at = skip_separator(at, columns->separator)) == NULL) return NULL;
    at = ouro_scan_digits(at, &column[k]);
  }
  if (at == NULL) return NULL;
  at = skip_blanks(at, columns->separator);
  if (*at == '\r') at++;
  value[SOURCE] = column[columns->at[SOURCE]];
  value[TARGET] = column[columns->at[TARGET]];
  if (parser->n_fast > 2 && columns->at[SAMPLES] >= 0) value[SAMPLES] = column[columns->at[SAMPLES]];
  const int64_t low = value[SOURCE] < value[TARGET] ? value[SOURCE] : value[TARGET];
  const int64_t high = value[SOURCE] < value[TARGET] ? value[TARGET] : value[SOURCE];
  return *at == '\n' && low >= parser->low && high <= parser->high && value[SAMPLES] > 0 ? at + 1 : NULL;
}

/* A count written as a real number, as Matrix Market files have them: whole, and small enough to be exact. */
static ouro_number whole_real(const ouro_field *field, int64_t *value) {
  char copy[64], *end;
  snprintf(copy, sizeof copy, "%.*s", (int)(field->length < 63 ? field->length : 63), field->text);
  const double x = strtod(copy, &end);
  if (*end != '\0' || field->length > 63 || !(x >= 1) || x > 0x1p53 || x != floor(x)) return OURO_NUMBER_NONE;
  *value = (int64_t)x;
  return OURO_NUMBER_INT;
}

static ouro_status take_samples(edge_parser *parser, const ouro_field *field, int64_t *value) {
  char shown[64];
  int64_t samples = 0;
  ouro_number kind = ouro_field_number(field, &samples);
  if (kind == OURO_NUMBER_NONE && parser->format->reals) kind = whole_real(field, &samples);
  if (kind == OURO_NUMBER_TOO_LONG && field->text[0] != '-') {
    return ouro_text_error(parser->text, "samples: %s does not fit into 64 bits", ouro_field_show(field, shown));
  }
  if (kind != OURO_NUMBER_INT || samples <= 0) {
    return ouro_text_error(parser->text, "samples: '%s' is not a positive whole number", ouro_field_show(field, shown));
  }
  *value = samples;
  return OURO_OK;
}

static void note_names(edge_parser *parser, const ouro_field *field) {
  int64_t value;
  const bool source = ouro_field_number(&field[SOURCE], &value) == OURO_NUMBER_INT;
  if (source && ouro_field_number(&field[TARGET], &value) == OURO_NUMBER_INT) return;
  parser->n_named++;
  parser->named_line = parser->text->line;
}

/* One line of names among integers: likely a header that does not say source and target. */
static void warn_of_header(const edge_parser *parser) {
  int64_t total[2] = {parser->n_named, parser->reading->feeds.n};
  int64_t line = ouro_text_lines_before(parser->text) + parser->named_line;
  if (parser->n_named == 0) line = 0;
  MPI_Allreduce(MPI_IN_PLACE, total, 2, MPI_INT64_T, MPI_SUM, parser->reading->comm);
  MPI_Allreduce(MPI_IN_PLACE, &line, 1, MPI_INT64_T, MPI_MAX, parser->reading->comm);
  if (total[0] != 1 || total[1] < 3) return;
  ouro_log_root(OURO_LOG_WARNING,
                "%s:%" PRId64 ": the only line whose ids are not both integers, so all ids are taken for names; a line "
                "that names columns calls them source and target",
                parser->reading->file, line);
}

static ouro_status slow_line(edge_parser *parser, char *line) {
  ouro_status status;
  ouro_field field[ROLES];
  int64_t value[ROLES] = {0, 0, parser->reading->config->graph.samples};
  if (ouro_columns_skips(parser->columns, parser->text, line)) return OURO_OK;
  if (ouro_text_offset(parser->text, line) <= parser->format->after) return OURO_OK;
  OURO_TRY(ouro_columns_split(parser->columns, parser->text, line, field));
  for (int k = SOURCE; k <= TARGET; k++) {
    OURO_TRY(ouro_read_id(parser->reading, parser->text, &field[k], &value[k], &parser->named_ids));
  }
  if (field[SAMPLES].text) OURO_TRY(take_samples(parser, &field[SAMPLES], &value[SAMPLES]));
  if (!parser->named_ids) push(parser, value);
  note_names(parser, field);
cleanup:
  return status;
}

static ouro_status parse_block(edge_parser *parser, char *at, const char *to) {
  ouro_status status;
  OURO_TRY(make_room(parser, (size_t)(to - at)));
  int64_t value[ROLES] = {0, 0, parser->reading->config->graph.samples};
  while (at < to && !parser->named_ids) {
    parser->text->line++;
    const bool fast = parser->n_fast && ouro_text_offset(parser->text, at) > parser->format->after;
    const char *next = fast ? fast_line(parser, at, value) : NULL;
    if (next) {
      push(parser, value);
      at += next - at;
      continue;
    }
    char *end = rawmemchr(at, '\n');
    OURO_TRY(slow_line(parser, at));
    at = end + 1;
  }
cleanup:
  return status;
}

/* All lines of this rank, or those up to the first id that is no integer when integers are wanted. */
static ouro_status parse_lines(edge_parser *parser) {
  ouro_status status;
  char *from, *to;
  do {
    OURO_TRY(ouro_text_next(parser->text, &from, &to));
    OURO_TRY(parse_block(parser, from, to));
  } while (from < to && !parser->named_ids);
cleanup:
  return status;
}

/* Whether a line can have a count: not where lines are told to have none, nor where nothing is told (a third column is
 * an error then). */
static bool has_counts(const ouro_columns *columns) {
  return columns->n > 0 && columns->at[SAMPLES] >= 0;
}

static edge_parser start_parser(ouro_reading *reading, ouro_text *text, const ouro_edge_format *format) {
  const int n = format->columns.n ? format->columns.n : 2;
  const bool declared = reading->n_nodes > 0;
  ouro_text_rewind(text);
  reading->feeds.n = 0;
  if (!has_counts(&format->columns)) reading->feeds.each = reading->config->graph.samples;
  return (edge_parser){.reading = reading,
                       .text = text,
                       .columns = &format->columns,
                       .format = format,
                       .n_fast = n <= ROLES && !reading->named ? n : 0,
                       .low = declared ? reading->first_label : INT64_MIN,
                       .high = declared ? reading->first_label + reading->n_nodes - 1 : INT64_MAX,
                       .keep_line = reading->config->learning.draw == OURO_DRAW_PUBLISHED};
}

ouro_status ouro_read_edges_parse(ouro_reading *reading, ouro_text *text, const ouro_edge_format *format,
                                  bool *named_ids) {
  ouro_status status;
  edge_parser parser = start_parser(reading, text, format);
  const ouro_status local = parse_lines(&parser);
  *named_ids = parser.named_ids;
  MPI_Allreduce(MPI_IN_PLACE, named_ids, 1, MPI_C_BOOL, MPI_LOR, reading->comm);
  if (*named_ids) return ouro_agree(reading->comm, local == OURO_EINPUT ? OURO_OK : local); /* lines come again */
  OURO_TRY(ouro_text_agree(text, local));
  if (reading->named) warn_of_header(&parser);
  if (parser.keep_line) {
    const int64_t before = ouro_text_lines_before(text);
    for (ouro_eid k = 0; k < reading->feeds.n; k++) reading->feed_line[k] += before;
  }
cleanup:
  return status;
}

/* One pass over both files. */
static ouro_status parse_both(ouro_reading *reading, ouro_text *text, const ouro_edge_format *format,
                              ouro_node_file *nodes, bool *named_ids) {
  ouro_status status = OURO_OK;
  OURO_TRY(ouro_read_edges_parse(reading, text, format, named_ids));
  if (nodes && !*named_ids) OURO_TRY(ouro_node_file_parse(nodes, reading, named_ids));
cleanup:
  return status;
}

/* An edge list without feeds is no graph unless nodes are given elsewhere. */
static ouro_status check_content(const ouro_reading *reading) {
  int64_t n = reading->feeds.n + reading->listed.n + reading->n_nodes;
  MPI_Allreduce(MPI_IN_PLACE, &n, 1, MPI_INT64_T, MPI_MAX, reading->comm);
  return n ? OURO_OK : ouro_error(OURO_EINPUT, "%s: no feeds and no nodes", reading->file);
}

ouro_status ouro_read_edges(ouro_reading *reading) {
  ouro_status status;
  const ouro_config_graph *config = &reading->config->graph;
  ouro_edge_format format = {.columns = {.role = {"source", "target", "samples"}, .n_roles = ROLES, .n_required = 2},
                             .after = -1};
  ouro_text text = {.file = -1};
  ouro_node_file nodes = {0};
  bool named_ids = false;
  reading->n_nodes = config->nodes;
  OURO_TRY(ouro_text_open(reading->comm, reading->file, &text));
  OURO_TRY(ouro_columns_find(reading->comm, reading->file, config->columns, "graph.columns", &format.columns));
  if (reading->node_file) OURO_TRY(ouro_node_file_open(reading->comm, reading->node_file, &nodes));
  ouro_node_file *with = reading->node_file ? &nodes : NULL;
  OURO_TRY(parse_both(reading, &text, &format, with, &named_ids));
  if (named_ids) {
    reading->named = true;
    OURO_TRY(parse_both(reading, &text, &format, with, &named_ids));
  }
  OURO_TRY(check_content(reading));
cleanup:
  ouro_text_close(&text);
  ouro_node_file_close(&nodes);
  return status;
}
