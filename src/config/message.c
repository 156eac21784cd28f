/* Messages about settings: where, which key, and what was probably meant. */

#include "config/private.h"

#include <stdarg.h>
#include <string.h>

#define SHOWN 80

const char *ouro_config_shown(const char *text, char *out, size_t size) {
  size_t n = 0;
  for (; text[n] && n + 4 < size; n++) {
    const unsigned char c = (unsigned char)text[n];
    out[n] = c < 0x20 || c == 0x7F ? '?' : text[n];
  }
  if (text[n]) {
    while (n > 0 && ((unsigned char)text[n] & 0xC0) == 0x80) n--; /* not inside a UTF-8 character */
    memcpy(out + n, "...", 3);
    n += 3;
  }
  out[n] = '\0';
  return out;
}

/* "file:line", "--set key=value" or the file. */
void ouro_settings_place(const ouro_settings *settings, const ouro_setting *setting, char *out, size_t size) {
  char shown[SHOWN];
  if (setting && setting->override) {
    snprintf(out, size, "--set %s", ouro_config_shown(setting->override, shown, sizeof shown));
  } else if (setting && setting->line > 0 && settings->file) {
    snprintf(out, size, "%s:%d", settings->file, setting->line);
  } else {
    snprintf(out, size, "%s", settings->file ? settings->file : "configuration");
  }
}

ouro_status ouro_settings_refuse(const ouro_settings *settings, const ouro_setting *setting, const char *format, ...) {
  char place[512], text[512];
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(text, sizeof text, format, arguments);
  va_end(arguments);
  ouro_settings_place(settings, setting, place, sizeof place);
  return ouro_error(OURO_ECONFIG, "%s: %s", place, text);
}

/* The nearest key beside the unknown one, as a full path in found; false if none is near. */
static bool nearest_beside(const char *path, char *found, size_t size) {
  char parent[OURO_CONFIG_KEY] = "";
  const char *names[OURO_CONFIG_KEYS];
  const char *dot = strrchr(path, '.');
  const char *name = dot ? dot + 1 : path;
  const cyaml_schema_field_t *fields = ouro_config_schema.mapping.fields;
  int n = 0;
  if (dot) {
    if ((size_t)(dot - path) >= sizeof parent) return false;
    memcpy(parent, path, (size_t)(dot - path));
    const cyaml_schema_field_t *section = ouro_config_field(parent);
    if (section == NULL || !ouro_config_is_section(section)) return false;
    fields = section->value.mapping.fields;
  }
  for (; fields->key && n < OURO_CONFIG_KEYS; fields++) names[n++] = fields->key;
  const char *best = ouro_config_nearest(name, names, n);
  if (best) snprintf(found, size, "%s%s%s", parent, dot ? "." : "", best);
  return best != NULL;
}

/* The same key, or a similar one, in another section. */
static bool nearest_elsewhere(const char *path, char *found, size_t size) {
  int n;
  const ouro_rule *rules = ouro_config_rules(&n);
  const char *dot = strrchr(path, '.'), *name = dot ? dot + 1 : path;
  const char *words[OURO_CONFIG_KEYS];
  for (int i = 0; i < n; i++) words[i] = strrchr(rules[i].path, '.') + 1;
  const char *best = ouro_config_nearest(name, words, n);
  for (int i = 0; best && i < n; i++) {
    if (words[i] == best) snprintf(found, size, "%s", rules[i].path);
  }
  return best != NULL;
}

/* "grap.samples": the section is the mistake. */
static bool nearest_section(const char *path, char *found, size_t size) {
  char corrected[OURO_CONFIG_KEY], section[OURO_CONFIG_KEY];
  const char *dot = strchr(path, '.');
  if (dot == NULL || (size_t)(dot - path) >= sizeof section) return false;
  snprintf(section, sizeof section, "%.*s", (int)(dot - path), path);
  if (ouro_config_field(section) || !nearest_beside(section, corrected, sizeof corrected)) return false;
  snprintf(section, sizeof section, "%s%s", corrected, dot);
  if (ouro_config_field(section) == NULL) return nearest_beside(section, found, size);
  snprintf(found, size, "%s", section);
  return true;
}

ouro_status ouro_settings_unknown(const ouro_settings *settings, const ouro_setting *setting) {
  char found[OURO_CONFIG_KEY], shown[SHOWN];
  const char *path = setting->path;
  ouro_config_shown(path, shown, sizeof shown);
  if (nearest_beside(path, found, sizeof found) || nearest_section(path, found, sizeof found) ||
      nearest_elsewhere(path, found, sizeof found)) {
    return ouro_settings_refuse(settings, setting, "unknown key `%s`; did you mean `%s`?", shown, found);
  }
  char parent[OURO_CONFIG_KEY] = "", known[400] = "";
  const char *dot = strrchr(path, '.');
  const cyaml_schema_field_t *fields = ouro_config_schema.mapping.fields, *section = NULL;
  if (dot && (size_t)(dot - path) < sizeof parent) {
    memcpy(parent, path, (size_t)(dot - path));
    section = ouro_config_field(parent);
    if (section && ouro_config_is_section(section)) fields = section->value.mapping.fields;
  }
  for (; fields->key; fields++) {
    const size_t used = strlen(known);
    snprintf(known + used, sizeof known - used, "%s%s", used ? ", " : "", fields->key);
  }
  return ouro_settings_refuse(settings, setting, "unknown key `%s`; known here: %s", shown, known);
}
