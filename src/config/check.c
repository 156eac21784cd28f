/* Each value by itself: form, range, words. What passes is rewritten in the plain form libcyaml reads (it takes
 * 010 for 8, anything but a few words for true, and checks no ranges). Values that need each other: relate.c. */

#include "config/private.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define SHOWN 80

static bool only_digits(const char *text) {
  return text[0] && strspn(text, "0123456789") == strlen(text);
}

static bool is_decimal(const char *text) {
  text += *text == '+' || *text == '-';
  const size_t whole = strspn(text, "0123456789");
  const char *rest = text + whole;
  size_t fraction = 0;
  if (*rest == '.') {
    fraction = strspn(rest + 1, "0123456789");
    rest += 1 + fraction;
  }
  if (whole + fraction == 0) return false;
  if (*rest == 'e' || *rest == 'E') {
    rest += 1 + (rest[1] == '+' || rest[1] == '-');
    return only_digits(rest);
  }
  return *rest == '\0';
}

static ouro_status refuse_range(const ouro_settings *settings, const ouro_setting *s, const ouro_rule *rule) {
  char shown[SHOWN];
  ouro_config_shown(s->text, shown, sizeof shown);
  if (rule->form == OURO_FORM_REAL) {
    return ouro_settings_refuse(settings, s, "%s: must be %s %g and %g, not `%s`", s->path,
                                rule->open ? "strictly between" : "between", rule->least, rule->most, shown);
  }
  return ouro_settings_refuse(settings, s, "%s: must be a whole number from %" PRId64 " to %" PRIu64 ", not `%s`",
                              s->path, rule->low, rule->high, shown);
}

static ouro_status check_whole(const ouro_settings *settings, ouro_setting *s, const ouro_rule *rule) {
  char plain[32], shown[SHOWN];
  const char *digits = s->text + (s->text[0] == '+' || s->text[0] == '-');
  if (!only_digits(digits)) {
    return ouro_settings_refuse(settings, s, "%s: must be a whole number, not `%s`", s->path,
                                ouro_config_shown(s->text, shown, sizeof shown));
  }
  errno = 0;
  const uint64_t size = strtoull(digits, NULL, 10);
  const bool negative = s->text[0] == '-' && size > 0;
  if (errno == ERANGE || negative || size > rule->high || (rule->low > 0 && size < (uint64_t)rule->low)) {
    return refuse_range(settings, s, rule);
  }
  snprintf(plain, sizeof plain, "%" PRIu64, size);
  return ouro_settings_replace(s, plain);
}

static ouro_status check_real(const ouro_settings *settings, const ouro_setting *s, const ouro_rule *rule) {
  char shown[SHOWN];
  if (!is_decimal(s->text)) {
    return ouro_settings_refuse(settings, s, "%s: must be a number, not `%s`", s->path,
                                ouro_config_shown(s->text, shown, sizeof shown));
  }
  const double x = strtod(s->text, NULL);
  const bool inside = rule->open ? x > rule->least && x < rule->most : x >= rule->least && x <= rule->most;
  return inside ? OURO_OK : refuse_range(settings, s, rule);
}

static const struct {
  const char *name;
  double bytes;
} units[] = {{"B", 1},    {"KiB", 0x1p10}, {"MiB", 0x1p20}, {"GiB", 0x1p30}, {"TiB", 0x1p40},
             {"kB", 1e3}, {"MB", 1e6},     {"GB", 1e9},     {"TB", 1e12}};

/* Bytes of a unit, or -1. */
static double unit_of(const char *name) {
  if (name[0] == '\0') return 1;
  for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
    if (strcmp(units[i].name, name) == 0) return units[i].bytes;
  }
  return -1;
}

static ouro_status check_auto(const ouro_settings *settings, ouro_setting *s, const ouro_rule *rule) {
  char shown[SHOWN];
  if (strcmp(s->text, "auto") == 0) return OURO_OK;
  const ouro_status status = check_whole(settings, s, rule);
  if (status != OURO_ECONFIG) return status;
  return ouro_settings_refuse(settings, s,
                              "%s: must be auto or a whole number from %" PRId64 " to %" PRIu64 ", not `%s`", s->path,
                              rule->low, rule->high, ouro_config_shown(s->text, shown, sizeof shown));
}

/* "64 MiB" and the like; fractions of a byte are dropped. */
static ouro_status check_size(const ouro_settings *settings, ouro_setting *s, const ouro_rule *rule) {
  char number[64], plain[32], shown[SHOWN];
  const size_t length = strspn(s->text, "+-0123456789.");
  const char *unit = s->text + length + strspn(s->text + length, " ");
  snprintf(number, sizeof number, "%.*s", (int)(length < 63 ? length : 63), s->text);
  const double factor = unit_of(unit);
  ouro_config_shown(s->text, shown, sizeof shown);
  if (!is_decimal(number) || factor < 0 || length > 63) {
    return ouro_settings_refuse(settings, s,
                                "%s: must be a size such as `64 MiB`, in B, KiB, MiB, GiB, TiB, kB, MB, "
                                "GB or TB, not `%s`",
                                s->path, shown);
  }
  const double bytes = floor(strtod(number, NULL) * factor);
  if (!(bytes >= (double)rule->low && bytes <= (double)rule->high)) {
    return ouro_settings_refuse(settings, s, "%s: must be a size from 1 B to 1024 TiB, not `%s`", s->path, shown);
  }
  snprintf(plain, sizeof plain, "%.0f", bytes);
  return ouro_settings_replace(s, plain);
}

static ouro_status check_flag(const ouro_settings *settings, ouro_setting *s) {
  static const char *const yes[] = {"true", "yes", "on"}, *const no[] = {"false", "no", "off"};
  char shown[SHOWN], small[8] = "";
  for (size_t i = 0; i + 1 < sizeof small && s->text[i]; i++) small[i] = (char)tolower((unsigned char)s->text[i]);
  for (int i = 0; strlen(s->text) < sizeof small && i < 3; i++) {
    if (strcmp(small, yes[i]) == 0) return ouro_settings_replace(s, "true");
    if (strcmp(small, no[i]) == 0) return ouro_settings_replace(s, "false");
  }
  return ouro_settings_refuse(settings, s, "%s: must be true or false, not `%s`", s->path,
                              ouro_config_shown(s->text, shown, sizeof shown));
}

static ouro_status check_word(const ouro_settings *settings, const ouro_setting *s) {
  const cyaml_schema_value_t *value = &ouro_config_field(s->path)->value;
  const char *words[16];
  char shown[SHOWN], all[200] = "";
  const int n = (int)value->enumeration.count;
  for (int i = 0; i < n && i < 16; i++) {
    words[i] = value->enumeration.strings[i].str;
    if (strcmp(words[i], s->text) == 0) return OURO_OK;
    const size_t used = strlen(all);
    snprintf(all + used, sizeof all - used, "%s%s", used ? ", " : "", words[i]);
  }
  const char *near = ouro_config_nearest(s->text, words, n);
  ouro_config_shown(s->text, shown, sizeof shown);
  if (near) return ouro_settings_refuse(settings, s, "%s: unknown word `%s`; did you mean `%s`?", s->path, shown, near);
  return ouro_settings_refuse(settings, s, "%s: must be one of %s, not `%s`", s->path, all, shown);
}

static ouro_status check_one(const ouro_settings *settings, ouro_setting *s) {
  const ouro_rule *rule = ouro_config_rule(s->path);
  switch (rule->form) {
  case OURO_FORM_WHOLE:
    return check_whole(settings, s, rule);
  case OURO_FORM_AUTO:
    return check_auto(settings, s, rule);
  case OURO_FORM_SIZE:
    return check_size(settings, s, rule);
  case OURO_FORM_REAL:
    return check_real(settings, s, rule);
  case OURO_FORM_FLAG:
    return check_flag(settings, s);
  case OURO_FORM_WORD:
    return check_word(settings, s);
  case OURO_FORM_TEXT:
    break;
  }
  return OURO_OK;
}

ouro_status ouro_settings_check(ouro_settings *settings) {
  for (int i = 0; i < settings->n; i++) {
    if (settings->all[i].text == NULL) continue;
    const ouro_status status = check_one(settings, &settings->all[i]);
    if (status != OURO_OK) return status;
  }
  return OURO_OK;
}
