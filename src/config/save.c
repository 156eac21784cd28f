/* A configuration as text: every member that is in force becomes a setting again, found through the schema.
 * Numbers are written so that reading them gives the same bits. */

#include "config/private.h"

#include <stdlib.h>
#include <string.h>

#include "ouro/base/memory.h"

static const char *word_of(const cyaml_schema_value_t *value, const char *at) {
  int number; /* C's enums here are as large as int */
  memcpy(&number, at, sizeof number);
  for (uint32_t i = 0; i < value->enumeration.count; i++) {
    if (value->enumeration.strings[i].val == number) return value->enumeration.strings[i].str;
  }
  return "?";
}

static int64_t integer_at(const char *at, size_t size) {
  int64_t wide;
  int narrow;
  if (size == sizeof narrow) {
    memcpy(&narrow, at, sizeof narrow);
    return narrow;
  }
  memcpy(&wide, at, sizeof wide);
  return wide;
}

/* Fewest digits that read back as the same number. */
static void write_real(char *out, size_t size, const char *at) {
  double x;
  memcpy(&x, at, sizeof x);
  for (int digits = 1; digits <= 17; digits++) {
    snprintf(out, size, "%.*g", digits, x);
    if (strtod(out, NULL) == x) return;
  }
}

/* Bytes in the largest unit that divides them. */
static void write_size(char *out, size_t size, int64_t bytes) {
  static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB"};
  int unit = 0;
  while (bytes > 0 && bytes % 1024 == 0 && unit < 4) {
    bytes /= 1024;
    unit++;
  }
  snprintf(out, size, "%" PRId64 " %s", bytes, units[unit]);
}

static void write_number(char *out, size_t size, const char *path, const cyaml_schema_value_t *value, const char *at) {
  if (ouro_config_rule(path)->form == OURO_FORM_SIZE)
    write_size(out, size, integer_at(at, value->data_size));
  else if (value->type == CYAML_FLOAT)
    write_real(out, size, at);
  else if (value->type == CYAML_UINT)
    snprintf(out, size, "%" PRIu64, (uint64_t)integer_at(at, value->data_size));
  else if (value->type == CYAML_BOOL)
    snprintf(out, size, "%s", *(const bool *)at ? "true" : "false");
  else
    snprintf(out, size, "%" PRId64, integer_at(at, value->data_size));
}

/* Percent signs of the output's name are doubled, because loading expands them. */
static ouro_status put_text(ouro_settings *settings, const char *path, const char *text) {
  ouro_status status = OURO_OK;
  char *copy = NULL;
  if (text == NULL) return OURO_OK;
  const bool expanded = strcmp(path, "output.file") == 0;
  OURO_NEW(copy, 2 * strlen(text) + 1);
  for (char *out = copy; *text; text++) {
    if (expanded && *text == '%') *out++ = '%';
    *out++ = *text;
  }
  const ouro_setting setting = {.path = (char *)path, .text = copy};
  OURO_TRY(ouro_settings_put(settings, &setting));
cleanup:
  free(copy);
  return status;
}

static ouro_status put_value(ouro_settings *settings, const char *path, const cyaml_schema_value_t *value,
                             const char *at) {
  char number[40];
  const char *text;
  if (value->type == CYAML_STRING) {
    memcpy(&text, at, sizeof text);
    return put_text(settings, path, text);
  }
  if (value->type == CYAML_ENUM) return put_text(settings, path, word_of(value, at));
  write_number(number, sizeof number, path, value, at);
  return put_text(settings, path, number);
}

/* Members that are in force: loading refuses the others. */
static bool is_used(const ouro_settings *settings, const char *model_keys, const char *path, const char *key) {
  char between[OURO_CONFIG_KEY];
  const char *word;
  bool needed;
  if (strncmp(path, "graph.generate.", 15) == 0 && strcmp(key, "kind") != 0) {
    return ouro_config_kind_uses(ouro_settings_text(settings, "graph.generate.kind"), key, &needed);
  }
  if (strcmp(path, "learning.forget") == 0) {
    return strcmp(ouro_settings_text(settings, "learning.regime"), "forget") == 0;
  }
  if (strncmp(path, "model.", 6) != 0 || strcmp(key, "family") == 0) return true;
  snprintf(between, sizeof between, " %s ", key);
  return (model_keys == NULL || strstr(model_keys, between)) && ouro_config_owner(settings, key, &word) == NULL;
}

static ouro_status put_section(ouro_settings *settings, const cyaml_schema_field_t *fields, const char *section,
                               const char *model_keys, const char *base) {
  ouro_status status = OURO_OK;
  for (; fields->key; fields++) {
    char path[OURO_CONFIG_KEY];
    const char *at = base + fields->data_offset;
    snprintf(path, sizeof path, "%s%s%s", section, section[0] ? "." : "", fields->key);
    if (!ouro_config_is_section(fields)) {
      if (is_used(settings, model_keys, path, fields->key)) OURO_TRY(put_value(settings, path, &fields->value, at));
      continue;
    }
    if (fields->value.flags & CYAML_FLAG_POINTER) memcpy(&at, at, sizeof at);
    if (at) OURO_TRY(put_section(settings, fields->value.mapping.fields, path, model_keys, at));
  }
cleanup:
  return status;
}

ouro_status ouro_config_save(const ouro_config *config, const char *model_keys, char **text) {
  ouro_settings settings = {0};
  ouro_status status;
  *text = NULL;
  OURO_TRY(put_section(&settings, ouro_config_schema.mapping.fields, "", model_keys, (const char *)config));
  OURO_TRY(ouro_settings_compose(&settings, text));
cleanup:
  ouro_settings_clear(&settings);
  return status;
}
