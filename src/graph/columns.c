/* Separators, header lines and fields: see columns.h. Rank 0 looks at the head of the file for all.
 * Knows nothing of graphs. */

#include "graph/columns.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "ouro/config/config.h"

static bool is_blank(char c) {
  return c == ' ' || c == '\t';
}

static const char *skip_blanks(const char *at) {
  while (is_blank(*at)) at++;
  return at;
}

/* Not blank, not a comment. line ends with '\n'. */
static bool has_content(const char *line) {
  const char *at = skip_blanks(line);
  if (at[0] == '\r' && at[1] == '\n') return false;
  return *at != '\n' && *at != '#' && *at != '%';
}

bool ouro_columns_skips(const ouro_columns *columns, const ouro_text *text, const char *line) {
  return !has_content(line) || ouro_text_offset(text, line) == columns->header;
}

const char *ouro_field_show(const ouro_field *field, char out[64]) {
  const size_t n = field->length < 40 ? field->length : 40;
  for (size_t i = 0; i < n; i++) {
    const unsigned char c = (unsigned char)field->text[i];
    out[i] = c < 0x20 || c == 0x7f ? '?' : (char)c;
  }
  snprintf(out + n, 64 - n, "%s", n < field->length ? "..." : "");
  return out;
}

ouro_number ouro_field_number(const ouro_field *field, int64_t *value) {
  const char *at = field->text, *end = at + field->length;
  const bool minus = at < end && *at == '-';
  int64_t sum = 0;
  bool fits = true;
  if (minus) at++;
  if (at == end) return OURO_NUMBER_NONE;
  for (; at < end; at++) {
    const int digit = *at - '0';
    if (digit < 0 || digit > 9) return OURO_NUMBER_NONE;
    fits = fits && !__builtin_mul_overflow(sum, 10, &sum) && !__builtin_add_overflow(sum, minus ? -digit : digit, &sum);
  }
  if (fits) *value = sum;
  return fits ? OURO_NUMBER_INT : OURO_NUMBER_TOO_LONG;
}

/* End of a line's content, without the line end and blanks in front of it; in a file separated by tabs those
 * count. */
static char *content_end(const ouro_columns *columns, char *line) {
  char *end = rawmemchr(line, '\n');
  if (end > line && end[-1] == '\r') end--;
  while (end > line && (end[-1] == ' ' || (end[-1] == '\t' && columns->separator != '\t'))) end--;
  return end;
}

/* Only text: no control bytes but tabs. */
static ouro_status check_bytes(ouro_text *text, const char *line) {
  for (const char *at = line; *at != '\n'; at++) {
    const unsigned char c = (unsigned char)*at;
    if (c < 0x20 && c != '\t' && !(c == '\r' && at[1] == '\n')) {
      return ouro_text_error(text, "byte 0x%02x: not a text file", c);
    }
  }
  return OURO_OK;
}

/* A field in quotes; "" inside stands for ". Unquoted in place. Returns the byte behind it, or NULL. */
static char *take_quoted(char *at, const char *end, ouro_field *field) {
  char *out = ++at;
  field->text = out;
  for (; at < end; at++) {
    if (*at == '"' && at + 1 < end && at[1] == '"')
      at++;
    else if (*at == '"')
      break;
    *out++ = *at;
  }
  field->length = (size_t)(out - field->text);
  return at < end ? at + 1 : NULL;
}

/* The field at `at`, without blanks around it. Returns the byte behind it (a separator or end), NULL if a quote
 * stays open or something follows a closed one. */
static char *take_field(char separator, char *at, char *end, ouro_field *field) {
  while (at < end && is_blank(*at) && *at != separator) at++;
  if (separator == ',' && at < end && *at == '"') {
    at = take_quoted(at, end, field);
    while (at && at < end && is_blank(*at)) at++;
    return at && (at == end || *at == separator) ? at : NULL;
  }
  field->text = at;
  if (separator == ' ') {
    while (at < end && !is_blank(*at)) at++;
    field->length = (size_t)(at - field->text);
    while (at < end && is_blank(*at)) at++;
    return at;
  }
  while (at < end && *at != separator) at++;
  const char *last = at;
  while (last > field->text && is_blank(last[-1])) last--;
  field->length = (size_t)(last - field->text);
  return at;
}

/* Go through the fields of a line, handing each to `keep`. Returns how many there are, or -1 (bad quotes). */
static int each_field(char separator, char *line, char *end, void *to,
                      void (*keep)(void *to, int column, const ouro_field *field)) {
  int column = 0;
  for (char *at = line;; at++) {
    ouro_field field;
    at = take_field(separator, at, end, &field);
    if (at == NULL) return -1;
    keep(to, column++, &field);
    if (at == end) return column;
    if (separator == ' ') at--; /* the blanks are behind us already */
  }
}

typedef struct split_target {
  const ouro_columns *columns;
  ouro_field *field;
} split_target;

static void keep_role(void *to, int column, const ouro_field *field) {
  const split_target *target = to;
  for (int k = 0; k < target->columns->n_roles; k++) {
    if (target->columns->at[k] == column) target->field[k] = *field;
  }
}

static ouro_status wrong_number_of_fields(const ouro_columns *columns, ouro_text *text, int n) {
  if (columns->n == 0 && n > columns->n_required && columns->n_roles == 3) {
    return ouro_text_error(text,
                           "%d columns and no header line that names them: write --columns 'source target samples' "
                           "(graph.columns; - skips a column)",
                           n);
  }
  const int wanted = columns->n ? columns->n : columns->n_required;
  return ouro_text_error(text, "%d field%s where %d %s expected", n, n == 1 ? "" : "s", wanted,
                         wanted == 1 ? "is" : "are");
}

/* Feeds: exactly n fields. Nodes: the fields behind the last required one may be missing. */
static bool right_number_of_fields(const ouro_columns *columns, int n) {
  if (!columns->strict_tabs) return n == (columns->n ? columns->n : columns->n_required);
  return n <= (columns->n ? columns->n : columns->n_bare);
}

ouro_status ouro_columns_split(const ouro_columns *columns, ouro_text *text, char *line, ouro_field *field) {
  ouro_status status;
  OURO_TRY(check_bytes(text, line));
  for (int k = 0; k < columns->n_roles; k++) field[k] = (ouro_field){0};
  split_target target = {columns, field};
  char *from = (char *)skip_blanks(line), *end = content_end(columns, line);
  if (columns->separator == '\t') from = line;
  const int n = each_field(columns->separator, from, end, &target, keep_role);
  if (n < 0) return ouro_text_error(text, "quotes that are not closed or not around a whole field");
  if (!right_number_of_fields(columns, n)) return wrong_number_of_fields(columns, text, n);
  for (int k = 0; k < columns->n_roles; k++) {
    if (field[k].text == NULL && k >= columns->n_required) continue;
    if (field[k].text == NULL) return wrong_number_of_fields(columns, text, n);
    if (field[k].length == 0) return ouro_text_error(text, "the %s is empty", columns->role[k]);
  }
  if (n == 1 && columns->separator == '\t' && columns->header < 0 && memchr(field[0].text, ' ', field[0].length)) {
    return ouro_text_error(text, "a blank where the first line of the file has a tab");
  }
cleanup:
  return status;
}

/* What the first line with content says: how many of its fields are names of roles, and which. */
typedef struct header_line {
  ouro_columns *columns;
  int known, at[OURO_COLUMNS_ROLES];
  bool twice;
  char mistyped[32]; /* nodes: a name that is nearly that of a role, .. */
  const char *meant; /* .. namely this one; NULL: there is none */
} header_line;

/* Names that are no role's are ignored, but not those that are nearly one. */
static void suspect(header_line *header, const ouro_field *field) {
  const ouro_columns *columns = header->columns;
  char name[32];
  if (!columns->strict_tabs || field->length >= sizeof name) return;
  snprintf(name, sizeof name, "%.*s", (int)field->length, field->text);
  const char *meant = ouro_config_nearest(name, columns->role + columns->n_bare, columns->n_roles - columns->n_bare);
  if (meant == NULL) return;
  header->meant = meant;
  memcpy(header->mistyped, name, sizeof name);
}

static void match_role(void *to, int column, const ouro_field *field) {
  header_line *header = to;
  for (int k = 0; k < header->columns->n_roles; k++) {
    const char *role = header->columns->role[k];
    if (field->length != strlen(role) || strncasecmp(field->text, role, field->length) != 0) continue;
    header->twice = header->twice || header->at[k] >= 0;
    header->at[k] = column;
    header->known++;
    return;
  }
  suspect(header, field);
}

/* A line names columns if it names every role that is needed and, for nodes, nothing else or another role as well, if
 * mistyped: a model may be called "node". */
static bool names_columns(const header_line *header, int n) {
  const ouro_columns *columns = header->columns;
  for (int k = 0; k < columns->n_required; k++) {
    if (header->at[k] < 0) return false;
  }
  return !columns->strict_tabs || header->known == n || header->known > 1 || header->meant;
}

static char separator_of(const ouro_columns *columns, const char *line, const char *end, bool header) {
  const size_t n = (size_t)(end - line);
  if (memchr(line, '\t', n) && (header || columns->strict_tabs)) return '\t';
  return memchr(line, ',', n) ? ',' : ' ';
}

/* Settle the columns by the first line with content. */
static ouro_status study_line(ouro_columns *columns, ouro_text *text, char *line, bool given) {
  columns->separator = separator_of(columns, line, content_end(columns, line), true);
  const char separator = columns->separator;
  char *end = content_end(columns, line);
  header_line header = {.columns = columns, .at = {-1, -1, -1, -1, -1}};
  const size_t length = (size_t)(end - line);
  char *copy = malloc(length + 1); /* quotes are taken off in place */
  if (copy == NULL) return ouro_error(OURO_ENOMEM, "out of memory: a line of %zu bytes", length);
  memcpy(copy, line, length);
  copy[length] = '\n';
  char *from = separator == '\t' ? copy : (char *)skip_blanks(copy);
  const int n = each_field(separator, from, copy + length, &header, match_role);
  free(copy);
  const bool is_header = n > 0 && names_columns(&header, n);
  if (!is_header) {
    columns->separator = separator_of(columns, line, rawmemchr(line, '\n'), false);
    return OURO_OK;
  }
  columns->header = ouro_text_offset(text, line);
  if (given) return OURO_OK;
  if (header.twice) return ouro_text_error(text, "two columns of one name");
  if (header.meant) {
    return ouro_text_error(text, "unknown column `%s`; did you mean `%s`?", header.mistyped, header.meant);
  }
  columns->n = n;
  memcpy(columns->at, header.at, sizeof columns->at);
  return OURO_OK;
}

/* Rank 0: find the first line with content. */
static ouro_status study_head(const char *path, bool given, ouro_columns *columns) {
  ouro_status status;
  ouro_text text = {.file = -1};
  char *line, *to;
  OURO_TRY(ouro_text_open_alone(path, &text));
  for (;;) {
    OURO_TRY(ouro_text_next(&text, &line, &to));
    if (line == to) break;
    while (line < to) {
      text.line++;
      if (has_content(line)) {
        OURO_TRY(study_line(columns, &text, line, given));
        goto cleanup;
      }
      line = (char *)memchr(line, '\n', (size_t)(to - line)) + 1;
    }
  }
cleanup:
  if (status != OURO_OK) status = ouro_text_agree(&text, status);
  ouro_text_close(&text);
  return status;
}

/* graph.columns: words for roles, "-" for a column to skip. */
static ouro_status parse_given(const char *given, const char *key, ouro_columns *columns) {
  for (const char *at = given + strspn(given, " ,\t"); *at; at += strspn(at, " ,\t")) {
    const size_t length = strcspn(at, " ,\t");
    int role = -1;
    for (int k = 0; k < columns->n_roles; k++) {
      if (strlen(columns->role[k]) == length && strncmp(at, columns->role[k], length) == 0) role = k;
    }
    if (role < 0 && !(length == 1 && *at == '-')) {
      return ouro_error(OURO_ECONFIG, "%s: '%.*s' is no column: write source, target, samples, or - to skip one", key,
                        (int)(length < 40 ? length : 40), at);
    }
    if (role >= 0 && columns->at[role] >= 0) {
      return ouro_error(OURO_ECONFIG, "%s: %s stands there twice", key, columns->role[role]);
    }
    if (role >= 0) columns->at[role] = columns->n;
    columns->n++;
    at += length;
  }
  for (int k = 0; k < columns->n_required; k++) {
    if (columns->at[k] < 0) return ouro_error(OURO_ECONFIG, "%s: no column for the %s", key, columns->role[k]);
  }
  return OURO_OK;
}

ouro_status ouro_columns_find(MPI_Comm comm, const char *path, const char *given, const char *key,
                              ouro_columns *columns) {
  ouro_status status = OURO_OK;
  int rank;
  MPI_Comm_rank(comm, &rank);
  columns->n = 0;
  columns->separator = ' ';
  columns->header = -1;
  const int n_bare = columns->strict_tabs ? columns->n_bare : columns->n_roles;
  for (int k = 0; k < OURO_COLUMNS_ROLES; k++) columns->at[k] = given || k >= n_bare ? -1 : k;
  if (given) OURO_TRY(parse_given(given, key, columns));
  OURO_AGREE(comm, rank == 0 ? study_head(path, given != NULL, columns) : OURO_OK);
  MPI_Bcast(&columns->n, 1, MPI_INT, 0, comm);
  MPI_Bcast(columns->at, OURO_COLUMNS_ROLES, MPI_INT, 0, comm);
  MPI_Bcast(&columns->separator, 1, MPI_CHAR, 0, comm);
  MPI_Bcast(&columns->header, 1, MPI_INT64_T, 0, comm);
cleanup:
  return status;
}
