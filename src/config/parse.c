/* The experiment file's YAML as settings with their lines, by libyaml's events. Knows which keys exist and which
 * are sections; what values are fit is for check.c. */

#include "config/private.h"

#include <string.h>
#include <yaml.h>

typedef struct ouro_reader {
  ouro_settings *settings;
  const char *text; /* [length] the file */
  size_t length;
  yaml_parser_t parser;
  yaml_event_t event; /* the current one */
} ouro_reader;

/* Line of a byte of the text: libyaml gives no line for what is no text at all. */
static size_t line_of_byte(const ouro_reader *reader, size_t offset) {
  size_t line = 1;
  for (size_t i = 0; i < offset && i < reader->length; i++) line += reader->text[i] == '\n';
  return line;
}

/* What libyaml has against the text. */
static ouro_status syntax_error(ouro_reader *reader) {
  const yaml_parser_t *parser = &reader->parser;
  if (parser->error == YAML_MEMORY_ERROR) return ouro_error(OURO_ENOMEM, "out of memory reading the configuration");
  const bool in_bytes = parser->error == YAML_READER_ERROR;
  const size_t line = in_bytes ? line_of_byte(reader, parser->problem_offset) : parser->problem_mark.line + 1;
  const ouro_setting here = {.line = (int)line};
  return ouro_settings_refuse(reader->settings, &here, "not YAML: %s",
                              parser->problem ? parser->problem : "the text makes no sense");
}

static ouro_status next(ouro_reader *reader) {
  yaml_event_delete(&reader->event);
  if (yaml_parser_parse(&reader->parser, &reader->event)) return OURO_OK;
  reader->event.type = YAML_NO_EVENT;
  return syntax_error(reader);
}

static int line_of(const ouro_reader *reader) {
  return (int)reader->event.start_mark.line + 1;
}

static ouro_status refuse(const ouro_reader *reader, const char *path, const char *what) {
  const ouro_setting here = {.line = line_of(reader)};
  return ouro_settings_refuse(reader->settings, &here, "%s%s%s", path, path[0] ? ": " : "", what);
}

/* The key of the current event, as a full path. */
static ouro_status read_key(ouro_reader *reader, const char *section, char path[OURO_CONFIG_KEY]) {
  const ouro_setting here = {.path = path, .line = line_of(reader)};
  if (reader->event.type != YAML_SCALAR_EVENT) return refuse(reader, section, "a key must be a word");
  const char *name = (const char *)reader->event.data.scalar.value;
  snprintf(path, OURO_CONFIG_KEY, "%s%s%s", section, section[0] ? "." : "", name);
  if (strchr(name, '.') || strlen(name) != reader->event.data.scalar.length || ouro_config_field(path) == NULL) {
    return ouro_settings_unknown(reader->settings, &here);
  }
  const ouro_setting *before = ouro_settings_find(reader->settings, path);
  if (before == NULL) return OURO_OK;
  return ouro_settings_refuse(reader->settings, &here, "%s: given twice, first on line %d", path, before->line);
}

/* No value at all: `key:`, `key: ~` or `key: null`. */
static bool is_null(const yaml_event_t *event) {
  const char *text = (const char *)event->data.scalar.value;
  return event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE &&
         (text[0] == '\0' || strcmp(text, "~") == 0 || strcmp(text, "null") == 0);
}

static ouro_status read_scalar(ouro_reader *reader, const char *path, int line) {
  const yaml_event_t *event = &reader->event;
  const ouro_setting setting = {.path = (char *)path, .text = (char *)event->data.scalar.value, .line = line};
  if (event->type == YAML_SEQUENCE_START_EVENT) return refuse(reader, path, "takes one value, not a list");
  if (event->type == YAML_MAPPING_START_EVENT) return refuse(reader, path, "takes a value, not a section");
  if (event->type != YAML_SCALAR_EVENT) return refuse(reader, path, "takes a value; aliases are not supported");
  if (is_null(event) || event->data.scalar.length == 0) return refuse(reader, path, "has no value");
  if (strlen(setting.text) != event->data.scalar.length) return refuse(reader, path, "holds a zero byte");
  return ouro_settings_put(reader->settings, &setting);
}

static ouro_status read_section(ouro_reader *reader, const char *section);

static ouro_status read_value(ouro_reader *reader, const char *path, int line) {
  if (!ouro_config_is_section(ouro_config_field(path))) return read_scalar(reader, path, line);
  const ouro_setting setting = {.path = (char *)path, .line = line};
  ouro_status status = ouro_settings_put(reader->settings, &setting);
  if (status != OURO_OK) return status;
  if (reader->event.type == YAML_MAPPING_START_EVENT) return read_section(reader, path);
  if (reader->event.type == YAML_SCALAR_EVENT && is_null(&reader->event)) return OURO_OK;
  return refuse(reader, path, "is a section; write its keys indented below it");
}

/* From the start of a mapping to its end. The schema bounds the depth. */
static ouro_status read_section(ouro_reader *reader, const char *section) {
  ouro_status status;
  char path[OURO_CONFIG_KEY];
  OURO_TRY(next(reader));
  while (reader->event.type != YAML_MAPPING_END_EVENT) {
    const int line = line_of(reader);
    OURO_TRY(read_key(reader, section, path));
    OURO_TRY(next(reader));
    OURO_TRY(read_value(reader, path, line));
    OURO_TRY(next(reader));
  }
cleanup:
  return status;
}

static ouro_status read_document(ouro_reader *reader) {
  ouro_status status;
  OURO_TRY(next(reader)); /* start of the stream */
  OURO_TRY(next(reader));
  if (reader->event.type == YAML_STREAM_END_EVENT) {
    return refuse(reader, "", "empty; an experiment names at least `graph:` with its `file:` or `generate:`");
  }
  OURO_TRY(next(reader));
  if (reader->event.type != YAML_MAPPING_START_EVENT) {
    return refuse(reader, "",
                  "an experiment is made of sections such as `graph:`, each with its keys indented below it");
  }
  OURO_TRY(read_section(reader, ""));
  OURO_TRY(next(reader)); /* end of the document */
  OURO_TRY(next(reader));
  if (reader->event.type != YAML_STREAM_END_EVENT) return refuse(reader, "", "a second YAML document begins here");
cleanup:
  return status;
}

ouro_status ouro_settings_parse(ouro_settings *settings, const char *text, size_t length) {
  ouro_reader reader = {.settings = settings, .text = text, .length = length};
  if (!yaml_parser_initialize(&reader.parser))
    return ouro_error(OURO_ENOMEM, "out of memory reading the configuration");
  yaml_parser_set_input_string(&reader.parser, (const unsigned char *)text, length);
  const ouro_status status = read_document(&reader);
  yaml_event_delete(&reader.event);
  yaml_parser_delete(&reader.parser);
  return status;
}
