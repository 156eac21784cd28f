/* A scalar written as YAML: plain where that is safe, else double-quoted with everything escaped that libyaml
 * would refuse, fold or take for a line break. */

#include "config/private.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

static bool is_plain(const char *text) {
  static const char *const nulls[] = {"null", "~", ""};
  for (size_t i = 0; i < sizeof nulls / sizeof nulls[0]; i++) {
    if (strcasecmp(text, nulls[i]) == 0) return false;
  }
  if (!isalnum((unsigned char)text[0]) && !strchr("/.", text[0]) &&
      !(text[0] == '-' && isdigit((unsigned char)text[1])))
    return false;
  const size_t length = strlen(text);
  return strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/._+- ") == length &&
         text[length - 1] != ' ' && strstr(text, "---") == NULL && strstr(text, "...") == NULL;
}

/* Unicode's own line ends (U+0085, U+2028, U+2029) and the byte order mark: their escape and length, or NULL. */
static const char *escape_of(const char *text, size_t *length) {
  static const struct {
    const char *bytes, *escape;
  } rows[] = {{"\xC2\x85", "\\N"}, {"\xE2\x80\xA8", "\\L"}, {"\xE2\x80\xA9", "\\P"}, {"\xEF\xBB\xBF", "\\uFEFF"}};
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    *length = strlen(rows[i].bytes);
    if (strncmp(text, rows[i].bytes, *length) == 0) return rows[i].escape;
  }
  return NULL;
}

void ouro_config_write_text(FILE *out, const char *text) {
  if (is_plain(text)) {
    fputs(text, out);
    return;
  }
  fputc('"', out);
  while (*text) {
    size_t length;
    const char *escape = escape_of(text, &length);
    const unsigned char c = (unsigned char)*text;
    if (escape) {
      fputs(escape, out);
      text += length;
      continue;
    }
    if (c == '"' || c == '\\')
      fprintf(out, "\\%c", c);
    else if (c < 0x20 || c == 0x7F)
      fprintf(out, "\\x%02X", c);
    else
      fputc(c, out);
    text++;
  }
  fputc('"', out);
}
