/* Node files, and ids as fields of any file: see read_nodes.h. */

#include "graph/read_nodes.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "ouro/base/memory.h"

#define MOST_COUNT INT64_C(1000000000000000) /* as of learning.initial */
#define MOST_NOISE 1e100                     /* as of model.noise */

/* Well-formed UTF-8, without overlong forms and surrogates (RFC 3629). */
static bool is_utf8(const char *text, size_t length) {
  const unsigned char *at = (const unsigned char *)text, *end = at + length;
  while (at < end) {
    const unsigned char c = *at++;
    if (c < 0x80) continue;
    const int more = c >= 0xc2 && c < 0xe0 ? 1 : (c & 0xf0) == 0xe0 ? 2 : c >= 0xf0 && c < 0xf5 ? 3 : 0;
    if (more == 0 || end - at < more) return false;
    if ((c == 0xe0 && at[0] < 0xa0) || (c == 0xed && at[0] > 0x9f)) return false;
    if ((c == 0xf0 && at[0] < 0x90) || (c == 0xf4 && at[0] > 0x8f)) return false;
    for (int k = 0; k < more; k++) {
      if ((*at++ & 0xc0) != 0x80) return false;
    }
  }
  return true;
}

static ouro_status take_name(ouro_reading *reading, ouro_text *text, const ouro_field *field, int64_t *number) {
  if (field->length > OURO_NAME_MAX) {
    return ouro_text_error(text, "a name of %zu bytes, more than %d", field->length, OURO_NAME_MAX);
  }
  if (memchr(field->text, '\t', field->length)) return ouro_text_error(text, "a name with a tab in it");
  if (!is_utf8(field->text, field->length)) return ouro_text_error(text, "a name that is not UTF-8 text");
  return ouro_names_add(&reading->names, field->text, field->length, number);
}

ouro_status ouro_read_id(ouro_reading *reading, ouro_text *text, const ouro_field *field, int64_t *id,
                         bool *named_ids) {
  char shown[64];
  const ouro_number kind = ouro_field_number(field, id);
  const int64_t first = reading->first_label, last = first + reading->n_nodes - 1;
  if (kind == OURO_NUMBER_TOO_LONG) {
    return ouro_text_error(text, "id %s does not fit into 64 bits", ouro_field_show(field, shown));
  }
  if (reading->named) return take_name(reading, text, field, id);
  const bool declared = reading->n_nodes > 0;
  if (declared && (kind != OURO_NUMBER_INT || *id < first || *id > last)) {
    return ouro_text_error(text, "'%s' is no node: ids are %" PRId64 " to %" PRId64, ouro_field_show(field, shown),
                           first, last);
  }
  if (kind != OURO_NUMBER_INT) *named_ids = true;
  return OURO_OK;
}

enum { NODE, REAL, INITIAL, NOISE, EVERY, N_ROLES };

/* What a line says. */
typedef struct node_line {
  int64_t node, every;
  ouro_count real, initial;
  double noise;
} node_line;

static ouro_status reserve(const ouro_columns *columns, ouro_listed *listed) {
  ouro_status status = OURO_OK;
  const int64_t capacity = 2 * listed->capacity + 256;
  if (listed->n < listed->capacity) return OURO_OK;
  OURO_RESIZE(listed->node, capacity);
  OURO_RESIZE(listed->real, capacity);
  OURO_RESIZE(listed->line, capacity);
  if (columns->at[INITIAL] >= 0) OURO_RESIZE(listed->trait.initial, capacity);
  if (columns->at[NOISE] >= 0) OURO_RESIZE(listed->trait.noise, capacity);
  if (columns->at[EVERY] >= 0) OURO_RESIZE(listed->trait.every, capacity);
  listed->capacity = capacity;
cleanup:
  return status;
}

static ouro_status list_node(const ouro_columns *columns, ouro_reading *reading, int64_t number,
                             const node_line *line) {
  ouro_listed *listed = &reading->listed;
  const ouro_status status = reserve(columns, listed);
  if (status != OURO_OK) return status;
  listed->node[listed->n] = line->node;
  listed->real[listed->n] = line->real;
  listed->line[listed->n] = number;
  if (listed->trait.initial) listed->trait.initial[listed->n] = line->initial;
  if (listed->trait.noise) listed->trait.noise[listed->n] = line->noise;
  if (listed->trait.every) listed->trait.every[listed->n] = line->every;
  listed->n++;
  return OURO_OK;
}

/* Does a line say nothing of a column: is its field missing, or "-"? */
static bool is_silent(const ouro_field *field) {
  return field->text == NULL || (field->length == 1 && *field->text == '-');
}

/* A whole number from 1. */
static ouro_status take_count(ouro_text *text, const char *role, const ouro_field *field, int64_t *value) {
  char shown[64];
  int64_t count = 0;
  if (is_silent(field)) return OURO_OK;
  if (ouro_field_number(field, &count) != OURO_NUMBER_INT || count < 1 || count > MOST_COUNT) {
    return ouro_text_error(text, "%s: '%s' is not a whole number from 1 to %" PRId64 " (- leaves it as it is)", role,
                           ouro_field_show(field, shown), MOST_COUNT);
  }
  *value = count;
  return OURO_OK;
}

/* A number of at least 0. */
static ouro_status take_noise(ouro_text *text, const ouro_field *field, double *value) {
  char shown[64], copy[64] = "", *end;
  if (is_silent(field)) return OURO_OK;
  if (field->length < sizeof copy) memcpy(copy, field->text, field->length);
  const double number = strtod(copy, &end);
  if (copy[strspn(copy, "+-.0123456789eE")] || end == copy || *end || !(number >= 0 && number <= MOST_NOISE)) {
    return ouro_text_error(text, "noise: '%s' is not a number from 0 to %g (- leaves it as it is)",
                           ouro_field_show(field, shown), MOST_NOISE);
  }
  *value = number;
  return OURO_OK;
}

/* Does the file say nothing of real data, though it has other columns? */
static bool leaves_out_real(const ouro_columns *columns) {
  return columns->at[REAL] < 0 && (columns->at[INITIAL] >= 0 || columns->at[NOISE] >= 0 || columns->at[EVERY] >= 0);
}

/* A sample count, or 1 for real.samples, as for a line of a name alone. "-": none, as for models without a line. */
static ouro_status take_real(const ouro_reading *reading, ouro_text *text, const ouro_field *field, ouro_count *real) {
  char shown[64];
  int64_t value = 1;
  if (field->text && is_silent(field)) return OURO_OK;
  const ouro_number kind = field->text ? ouro_field_number(field, &value) : OURO_NUMBER_INT;
  if (kind == OURO_NUMBER_TOO_LONG && field->text[0] != '-') {
    return ouro_text_error(text, "real: %s does not fit into 64 bits", ouro_field_show(field, shown));
  }
  if (kind != OURO_NUMBER_INT || value < 0) {
    return ouro_text_error(text, "real: '%s' is not a whole number of samples (1 stands for real.samples)",
                           ouro_field_show(field, shown));
  }
  *real = value == 1 ? reading->config->real.samples : value;
  return OURO_OK;
}

static ouro_status parse_line(const ouro_columns *columns, ouro_text *text, char *line, ouro_reading *reading,
                              bool *named_ids) {
  ouro_status status;
  ouro_field field[OURO_COLUMNS_ROLES];
  node_line one = {.noise = NAN, .every = 1};
  if (ouro_columns_skips(columns, text, line)) return OURO_OK;
  OURO_TRY(ouro_columns_split(columns, text, line, field));
  OURO_TRY(ouro_read_id(reading, text, &field[NODE], &one.node, named_ids));
  if (!leaves_out_real(columns)) OURO_TRY(take_real(reading, text, &field[REAL], &one.real));
  OURO_TRY(take_count(text, "initial", &field[INITIAL], &one.initial));
  OURO_TRY(take_noise(text, &field[NOISE], &one.noise));
  OURO_TRY(take_count(text, "every", &field[EVERY], &one.every));
  if (!*named_ids) OURO_TRY(list_node(columns, reading, text->line, &one));
cleanup:
  return status;
}

static ouro_status parse_lines(ouro_node_file *file, ouro_reading *reading, bool *named_ids) {
  ouro_status status;
  char *at, *to;
  OURO_TRY(reserve(&file->columns, &reading->listed)); /* columns are there on all ranks */
  do {
    OURO_TRY(ouro_text_next(&file->text, &at, &to));
    const bool end = at == to;
    while (at < to && !*named_ids) {
      char *next = (char *)rawmemchr(at, '\n') + 1;
      file->text.line++;
      OURO_TRY(parse_line(&file->columns, &file->text, at, reading, named_ids));
      at = next;
    }
    if (end) break;
  } while (!*named_ids);
cleanup:
  return status;
}

ouro_status ouro_node_file_parse(ouro_node_file *file, ouro_reading *reading, bool *named_ids) {
  ouro_text_rewind(&file->text);
  reading->listed.n = 0;
  *named_ids = false;
  ouro_status status = parse_lines(file, reading, named_ids);
  MPI_Allreduce(MPI_IN_PLACE, named_ids, 1, MPI_C_BOOL, MPI_LOR, reading->comm);
  if (*named_ids) return ouro_agree(reading->comm, status == OURO_EINPUT ? OURO_OK : status); /* lines come again */
  OURO_TRY(ouro_text_agree(&file->text, status));
  const int64_t before = ouro_text_lines_before(&file->text);
  for (int64_t i = 0; i < reading->listed.n; i++) reading->listed.line[i] += before;
cleanup:
  return status;
}

ouro_status ouro_node_file_open(MPI_Comm comm, const char *path, ouro_node_file *file) {
  ouro_status status;
  *file = (ouro_node_file){.columns = {.role = {"node", "real", "initial", "noise", "every"},
                                       .n_roles = N_ROLES,
                                       .n_required = 1,
                                       .n_bare = 2,
                                       .strict_tabs = true}};
  OURO_TRY(ouro_text_open(comm, path, &file->text));
  OURO_TRY(ouro_columns_find(comm, path, NULL, "", &file->columns));
cleanup:
  return status;
}

void ouro_node_file_close(ouro_node_file *file) {
  ouro_text_close(&file->text);
}

ouro_status ouro_read_nodes(ouro_reading *reading) {
  ouro_status status;
  ouro_node_file file = {0};
  bool named_ids;
  OURO_TRY(ouro_node_file_open(reading->comm, reading->node_file, &file));
  OURO_TRY(ouro_node_file_parse(&file, reading, &named_ids));
  OURO_CHECK(!named_ids, OURO_EINPUT, "%s: names, but the nodes of the graph are integers", reading->node_file);
cleanup:
  ouro_node_file_close(&file);
  return status;
}
