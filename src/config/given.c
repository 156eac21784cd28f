/* Which keys were given, and where: what remains of the settings once the configuration is loaded. */

#include "config/private.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

ouro_status ouro_settings_places(const ouro_settings *settings, char **places) {
  size_t length = 0;
  char *written = NULL, place[512];
  *places = NULL;
  FILE *out = open_memstream(&written, &length);
  for (int i = 0; out && i < settings->n; i++) {
    if (settings->all[i].text == NULL) continue;
    ouro_settings_place(settings, &settings->all[i], place, sizeof place);
    fprintf(out, "%s\t%s\n", settings->all[i].path, place);
  }
  if (out) {
    const bool failed = ferror(out) != 0;
    if (fclose(out) == 0 && !failed) *places = written;
  }
  if (*places) return OURO_OK;
  free(written);
  return ouro_error(OURO_ENOMEM, "out of memory for the configuration");
}

/* The place of a key, up to the end of its line, or NULL. */
static const char *place_of(const ouro_config *config, const char *path) {
  const size_t length = strlen(path);
  for (const char *line = config->places; line && *line; line += strcspn(line, "\n") + 1) {
    if (strncmp(line, path, length) == 0 && line[length] == '\t') return line + length + 1;
  }
  return NULL;
}

bool ouro_config_given(const ouro_config *config, const char *path) {
  return place_of(config, path) != NULL;
}

ouro_status ouro_config_refuse(const ouro_config *config, const char *path, const char *format, ...) {
  char text[512];
  const char *place = place_of(config, path);
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(text, sizeof text, format, arguments);
  va_end(arguments);
  if (place == NULL) return ouro_error(OURO_ECONFIG, "%s: %s", path, text);
  return ouro_error(OURO_ECONFIG, "%.*s: %s: %s", (int)strcspn(place, "\n"), place, path, text);
}

int64_t ouro_config_groups(const ouro_config *config) {
  const ouro_config_parallel *how = &config->parallel;
  if (how->groups && strcmp(how->groups, "auto") != 0) return strtoll(how->groups, NULL, 10);
  return how->n_groups > 0 ? how->n_groups : 1;
}

const char *ouro_config_key(const char *section, int i) {
  const cyaml_schema_field_t *fields = ouro_config_field(section)->value.mapping.fields;
  while (i > 0 && fields->key) {
    fields++;
    i--;
  }
  return fields->key;
}
