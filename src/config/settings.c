/* The list of settings: find, add, override, and write out as YAML for libcyaml. A path occurs once. Sections are
 * settings too, for the sake of their line. */

#include "config/private.h"

#include <stdlib.h>
#include <string.h>

#include "ouro/base/memory.h"

ouro_setting *ouro_settings_find(const ouro_settings *settings, const char *path) {
  for (int i = 0; i < settings->n; i++) {
    if (strcmp(settings->all[i].path, path) == 0) return &settings->all[i];
  }
  return NULL;
}

const char *ouro_settings_text(const ouro_settings *settings, const char *path) {
  const ouro_setting *found = ouro_settings_find(settings, path);
  return found ? found->text : NULL;
}

bool ouro_settings_given(const ouro_settings *settings, const char *path) {
  const ouro_setting *found = ouro_settings_find(settings, path);
  return found && (found->line > 0 || found->override);
}

static char *copy_of(const char *text) {
  const size_t size = strlen(text) + 1;
  char *copy = ouro_memory_new(size, 1);
  return copy ? memcpy(copy, text, size) : NULL;
}

ouro_status ouro_settings_replace(ouro_setting *setting, const char *text) {
  char *copy = copy_of(text);
  if (copy == NULL) return OURO_ENOMEM;
  free(setting->text);
  setting->text = copy;
  return OURO_OK;
}

/* Path and text are copied. */
static ouro_status append(ouro_settings *settings, const ouro_setting *setting) {
  ouro_status status = OURO_OK;
  ouro_setting fresh = *setting;
  fresh.path = fresh.text = NULL;
  if (settings->n == settings->capacity) {
    const int capacity = 2 * settings->capacity + 16;
    OURO_RESIZE(settings->all, capacity);
    settings->capacity = capacity;
  }
  OURO_CHECK((fresh.path = copy_of(setting->path)) != NULL, OURO_ENOMEM, "out of memory for the configuration");
  if (setting->text) {
    OURO_CHECK((fresh.text = copy_of(setting->text)) != NULL, OURO_ENOMEM, "out of memory for the configuration");
  }
  settings->all[settings->n++] = fresh;
  return OURO_OK;
cleanup:
  free(fresh.path);
  return status;
}

ouro_status ouro_settings_put(ouro_settings *settings, const ouro_setting *setting) {
  ouro_setting *old = ouro_settings_find(settings, setting->path);
  if (old == NULL) return append(settings, setting);
  if (setting->text && ouro_settings_replace(old, setting->text) != OURO_OK) return OURO_ENOMEM;
  old->line = setting->line;
  old->override = setting->override;
  return OURO_OK;
}

void ouro_settings_clear(ouro_settings *settings) {
  for (int i = 0; i < settings->n; i++) {
    free(settings->all[i].path);
    free(settings->all[i].text);
  }
  free(settings->all);
  *settings = (ouro_settings){.file = settings->file};
}

/* Text without surrounding blanks. */
static void trim(char *text) {
  const size_t lead = strspn(text, " \t");
  memmove(text, text + lead, strlen(text + lead) + 1);
  size_t length = strlen(text);
  while (length > 0 && strchr(" \t\r\n", text[length - 1])) text[--length] = '\0';
}

/* Does libyaml take the text as a scalar? It wants UTF-8. Returns OURO_OK, OURO_ECONFIG or OURO_ENOMEM. */
static ouro_status probe_text(const char *text) {
  ouro_settings probe = {0}, back = {0};
  const ouro_setting one = {.path = (char *)"graph.file", .text = (char *)text};
  ouro_status status;
  char *yaml = NULL;
  OURO_TRY(ouro_settings_put(&probe, &one));
  OURO_TRY(ouro_settings_compose(&probe, &yaml));
  OURO_TRY(ouro_settings_parse(&back, yaml, strlen(yaml)));
cleanup:
  ouro_settings_clear(&probe);
  ouro_settings_clear(&back);
  free(yaml);
  return status;
}

static ouro_status apply(ouro_settings *settings, char *path, char *text, const char *override) {
  const ouro_setting setting = {.path = path, .text = text, .override = override};
  const cyaml_schema_field_t *field = ouro_config_field(path);
  if (field == NULL) return ouro_settings_unknown(settings, &setting);
  if (ouro_config_is_section(field)) {
    return ouro_settings_refuse(settings, &setting, "`%s` is a section; set its keys one by one, as in `%s.%s=...`",
                                path, path, field->value.mapping.fields[0].key);
  }
  if (text[0] == '\0') return ouro_settings_refuse(settings, &setting, "%s: has no value", path);
  const ouro_status status = probe_text(text);
  if (status == OURO_ECONFIG) return ouro_settings_refuse(settings, &setting, "%s: must be text in UTF-8", path);
  return status == OURO_OK ? ouro_settings_put(settings, &setting) : status;
}

ouro_status ouro_settings_override(ouro_settings *settings, const char *override) {
  const ouro_setting whole = {.override = override};
  char *path = copy_of(override);
  if (path == NULL) return OURO_ENOMEM;
  char *equals = strchr(path, '=');
  ouro_status status;
  if (equals == NULL) {
    status = ouro_settings_refuse(settings, &whole, "must be `section.key=value`, e.g. `learning.generations=50`");
  } else {
    *equals = '\0';
    trim(path);
    trim(equals + 1);
    status = apply(settings, path, equals + 1, override);
  }
  free(path);
  return status;
}

static bool any_below(const ouro_settings *settings, const char *section) {
  const size_t length = strlen(section);
  for (int i = 0; i < settings->n; i++) {
    const ouro_setting *s = &settings->all[i];
    if (s->text && strncmp(s->path, section, length) == 0 && s->path[length] == '.') return true;
  }
  return false;
}

/* Keys in the order of the schema. */
static void compose(const ouro_settings *settings, const cyaml_schema_field_t *fields, const char *section, FILE *out) {
  for (; fields->key; fields++) {
    char path[OURO_CONFIG_KEY];
    snprintf(path, sizeof path, "%s%s%s", section, section[0] ? "." : "", fields->key);
    int indent = 0;
    for (const char *dot = strchr(path, '.'); dot; dot = strchr(dot + 1, '.')) indent += 2;
    const char *text = ouro_settings_text(settings, path);
    if (ouro_config_is_section(fields) && any_below(settings, path)) {
      fprintf(out, "%*s%s:\n", indent, "", fields->key);
      compose(settings, fields->value.mapping.fields, path, out);
    } else if (text) {
      fprintf(out, "%*s%s: ", indent, "", fields->key);
      ouro_config_write_text(out, text);
      fputc('\n', out);
    }
  }
}

ouro_status ouro_settings_compose(const ouro_settings *settings, char **text) {
  size_t length = 0;
  char *written = NULL;
  *text = NULL;
  FILE *out = open_memstream(&written, &length);
  if (out) {
    compose(settings, ouro_config_schema.mapping.fields, "", out);
    const bool failed = ferror(out) != 0;
    if (fclose(out) == 0 && !failed) *text = written;
  }
  if (*text) return OURO_OK;
  free(written);
  return ouro_error(OURO_ENOMEM, "out of memory for the text of the configuration");
}
