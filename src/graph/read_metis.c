/* METIS graphs: after a line "n m [fmt [ncon]]" a line for each node lists its neighbours, 1 .. n. Every edge stands
 * on the lines of both its ends, so both directions are feeds: directed, without symmetrising anything.
 * Lines are counted before they are parsed, so that each rank knows the nodes of its lines. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "graph/columns.h"
#include "graph/read.h"
#include "graph/scan.h"

typedef struct metis_head {
  int64_t n, m;
  int64_t offset, line; /* of the head line */
  int64_t n_skip;       /* numbers in front of the neighbours: vertex size and weights */
  bool weighted;        /* each neighbour is followed by the weight of the edge */
} metis_head;

/* fmt: up to three digits 0 or 1: vertex sizes, vertex weights, edge weights. */
static ouro_status parse_format(ouro_text *text, int n_words, int64_t fmt, int64_t ncon, metis_head *head) {
  const bool digits = fmt / 100 <= 1 && fmt / 10 % 10 <= 1 && fmt % 10 <= 1 && fmt >= 0;
  if (!digits || ncon < 1 || ncon > 1000) {
    return ouro_text_error(text, "fmt is three digits 0 or 1 (vertex sizes, vertex weights, edge weights), ncon a "
                                 "small positive number");
  }
  head->weighted = fmt % 10 == 1;
  head->n_skip = fmt / 100 + (fmt / 10 % 10 == 1 ? (n_words > 3 ? ncon : 1) : 0);
  return OURO_OK;
}

/* The next number of a line. Returns the byte behind it, NULL if there is something else; *at_end at the end. */
static const char *next_number(const char *at, int64_t *value, bool *at_end) {
  while (*at == ' ' || *at == '\t') at++;
  *at_end = at[0] == '\n' || (at[0] == '\r' && at[1] == '\n');
  if (*at_end) return at;
  const char *behind = ouro_scan_digits(at, value);
  return behind && strchr(" \t\r\n", *behind) && *behind ? behind : NULL;
}

static ouro_status no_number(ouro_text *text, const char *at) {
  char shown[64];
  while (*at == ' ' || *at == '\t') at++;
  size_t length = 0; /* up to the next blank or control byte, at least one byte */
  while ((unsigned char)at[length] > ' ') length++;
  const ouro_field field = {at, length ? length : 1};
  return ouro_text_error(text, "'%s' is no whole number of 18 digits or less", ouro_field_show(&field, shown));
}

static ouro_status parse_head_line(ouro_text *text, const char *line, metis_head *head) {
  int64_t word[5] = {0, 0, 0, 1, 0};
  int n = 0;
  for (bool at_end = false; n < 5; n++) {
    const char *next = next_number(line, &word[n], &at_end);
    if (next == NULL) return no_number(text, line);
    if (at_end) break;
    line = next;
  }
  if (n < 2 || n > 4) return ouro_text_error(text, "a METIS graph begins with a line 'nodes edges [fmt [ncon]]'");
  if (word[0] < 1) return ouro_text_error(text, "a graph of no nodes");
  head->n = word[0];
  head->m = word[1];
  head->line = text->line;
  return parse_format(text, n, word[2], word[3], head);
}

/* The first line that is neither blank nor a comment. */
static ouro_status parse_head(const char *path, metis_head *head) {
  ouro_status status;
  ouro_text text = {.file = -1};
  char *line, *to;
  OURO_TRY(ouro_text_open_alone(path, &text));
  for (;;) {
    OURO_TRY(ouro_text_next(&text, &line, &to));
    if (line == to) {
      text.line += text.line == 0;
      status = ouro_text_error(&text, "a METIS graph begins with a line 'nodes edges [fmt [ncon]]'");
      goto cleanup;
    }
    for (; line < to; line = (char *)rawmemchr(line, '\n') + 1) {
      const char first = line[strspn(line, " \t\r")];
      text.line++;
      if (first == '%' || first == '\n') continue;
      head->offset = ouro_text_offset(&text, line);
      OURO_TRY(parse_head_line(&text, line, head));
      goto cleanup;
    }
  }
cleanup:
  if (status != OURO_OK) status = ouro_text_agree(&text, status);
  ouro_text_close(&text);
  return status;
}

typedef struct metis_parser {
  ouro_reading *reading;
  ouro_text *text;
  const metis_head *head;
  int64_t node;         /* of the next line */
  uint64_t fingerprint; /* sum over feeds of +-hash(ends, weight), the sign by direction: 0 if symmetric */
} metis_parser;

static uint64_t mix(uint64_t x) {
  x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
  x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
  return x ^ (x >> 31);
}

static ouro_status take_neighbour(metis_parser *parser, int64_t neighbour, int64_t weight) {
  const int64_t node = parser->node, low = node < neighbour ? node : neighbour, high = node + neighbour - low;
  if (neighbour < 1 || neighbour > parser->head->n) {
    return ouro_text_error(parser->text, "'%" PRId64 "' is no node: ids are 1 to %" PRId64, neighbour, parser->head->n);
  }
  if (neighbour == node) return ouro_text_error(parser->text, "node %" PRId64 " is its own neighbour", node);
  if (weight < 1) return ouro_text_error(parser->text, "weight: '%" PRId64 "' is not a positive whole number", weight);
  const uint64_t hash = mix((uint64_t)low + mix((uint64_t)high + mix((uint64_t)weight)));
  parser->fingerprint += node == low ? hash : -hash;
  return ouro_feeds_add(&parser->reading->feeds, neighbour - 1, node - 1, weight);
}

static ouro_status parse_node(metis_parser *parser, const char *line) {
  ouro_status status;
  const metis_head *head = parser->head;
  int64_t value = 0, neighbour = 0;
  for (int64_t k = 0;; k++) {
    bool at_end;
    const char *next = next_number(line, &value, &at_end);
    if (next == NULL) return no_number(parser->text, line);
    const int64_t past = k - head->n_skip; /* numbers of neighbours before this one */
    if (at_end && (parser->node > head->n ? k > 0 : past < 0)) {
      return ouro_text_error(parser->text, "%s", k ? "a line too short for its vertex weights" : "no vertex weights");
    }
    if (at_end && head->weighted && past % 2 == 1) return ouro_text_error(parser->text, "a neighbour without a weight");
    if (at_end) return OURO_OK;
    if (parser->node > head->n) return ouro_text_error(parser->text, "more lines than the %" PRId64 " nodes", head->n);
    line = next;
    if (past < 0) continue;
    if (!head->weighted)
      OURO_TRY(take_neighbour(parser, value, parser->reading->config->graph.samples));
    else if (past % 2 == 1)
      OURO_TRY(take_neighbour(parser, neighbour, value));
    neighbour = value;
  }
cleanup:
  return status;
}

/* Go through the lines of nodes: count them, or parse them as well. */
static ouro_status each_line(metis_parser *parser, bool parse, int64_t *n_lines) {
  ouro_status status;
  char *line, *to;
  ouro_text_rewind(parser->text);
  *n_lines = 0;
  for (;;) {
    OURO_TRY(ouro_text_next(parser->text, &line, &to));
    if (line == to) return OURO_OK;
    for (; line < to; line = (char *)rawmemchr(line, '\n') + 1) {
      parser->text->line++;
      if (ouro_text_offset(parser->text, line) <= parser->head->offset || *line == '%') continue;
      (*n_lines)++;
      if (!parse) continue;
      parser->node++;
      OURO_TRY(parse_node(parser, line));
    }
  }
cleanup:
  return status;
}

/* Parse all lines, then what the file says of itself: number of lines, of edges, symmetry. */
static ouro_status parse_file(metis_parser *parser) {
  ouro_status status;
  const ouro_reading *reading = parser->reading;
  const metis_head *head = parser->head;
  int64_t n_lines, before = 0;
  int rank;
  MPI_Comm_rank(reading->comm, &rank);
  OURO_TRY(ouro_text_agree(parser->text, each_line(parser, false, &n_lines)));
  MPI_Exscan(&n_lines, &before, 1, MPI_INT64_T, MPI_SUM, reading->comm);
  parser->node = rank == 0 ? 0 : before;
  OURO_TRY(ouro_text_agree(parser->text, each_line(parser, true, &n_lines)));
  uint64_t total[3] = {(uint64_t)n_lines, (uint64_t)reading->feeds.n, parser->fingerprint};
  MPI_Allreduce(MPI_IN_PLACE, total, 3, MPI_UINT64_T, MPI_SUM, reading->comm);
  OURO_CHECK(total[0] >= (uint64_t)head->n, OURO_EINPUT,
             "%s:%" PRId64 ": %" PRId64 " nodes announced, %" PRIu64 " lines found", reading->file, head->line, head->n,
             total[0]);
  OURO_CHECK(total[1] == 2 * (uint64_t)head->m, OURO_EINPUT,
             "%s:%" PRId64 ": %" PRId64 " edges announced, so %" PRId64 " neighbours, but %" PRIu64 " found",
             reading->file, head->line, head->m, 2 * head->m, total[1]);
  OURO_CHECK(total[2] == 0, OURO_EINPUT,
             "%s: not symmetric: an edge must stand on the lines of both its nodes, with one weight", reading->file);
cleanup:
  return status;
}

ouro_status ouro_read_metis(ouro_reading *reading) {
  ouro_status status;
  metis_head head = {0};
  ouro_text text = {.file = -1};
  int rank;
  MPI_Comm_rank(reading->comm, &rank);
  OURO_TRY(ouro_read_refuse_keys(reading, ".graph"));
  OURO_TRY(ouro_text_open(reading->comm, reading->file, &text));
  OURO_AGREE(reading->comm, rank == 0 ? parse_head(reading->file, &head) : OURO_OK);
  MPI_Bcast(&head, sizeof head, MPI_BYTE, 0, reading->comm);
  metis_parser parser = {.reading = reading, .text = &text, .head = &head};
  OURO_TRY(parse_file(&parser));
  reading->n_nodes = head.n;
  reading->first_label = 1;
  if (reading->node_file) OURO_TRY(ouro_read_nodes(reading));
cleanup:
  ouro_text_close(&text);
  return status;
}
