#ifndef OURO_CONFIG_PRIVATE_H
#define OURO_CONFIG_PRIVATE_H

/* Settings are what was written: key paths with their text and where each came from. They are checked as text,
 * so that every message can name its place, and handed to libcyaml only when nothing is wrong with them. */

#include <cyaml/cyaml.h>
#include <stdio.h>

#include "ouro/config/config.h"

#define OURO_CONFIG_KEY 96 /* bytes of the longest key path in a message or a search */

/* One key path, e.g. "graph.generate.kind". */
typedef struct ouro_setting {
  char *path;
  char *text;           /* scalar as written; NULL: a section */
  int line;             /* in the experiment file; 0: not from the file */
  const char *override; /* "graph.samples=3", borrowed; NULL: not an override; neither: a default */
} ouro_setting;

typedef struct ouro_settings {
  const char *file; /* name of the experiment file for messages, borrowed; NULL: there is none */
  int n, capacity;
  ouro_setting *all; /* [n] */
} ouro_settings;

/* Range, default and form of one key; its type and words are in the libcyaml schema. */
typedef enum ouro_form {
  OURO_FORM_WHOLE,
  OURO_FORM_AUTO, /* whole, or the word auto */
  OURO_FORM_SIZE,
  OURO_FORM_REAL,
  OURO_FORM_FLAG,
  OURO_FORM_WORD,
  OURO_FORM_TEXT
} ouro_form;

typedef struct ouro_rule {
  const char *path;
  ouro_form form;
  const char *fallback; /* NULL: none */
  int64_t low;          /* whole, auto, size */
  uint64_t high;        /* whole, auto, size */
  double least, most;   /* real */
  bool open;            /* real: the ends themselves are excluded */
} ouro_rule;

#define OURO_CONFIG_KEYS 128 /* at most, of all sections together */

/* schema.c */
extern const cyaml_schema_value_t ouro_config_schema;
const cyaml_schema_field_t *ouro_config_field(const char *path); /* NULL: unknown */
const ouro_rule *ouro_config_rules(int *n);
const ouro_rule *ouro_config_rule(const char *path); /* NULL: a section, or unknown */
bool ouro_config_is_section(const cyaml_schema_field_t *field);
bool ouro_config_kind_uses(const char *kind, const char *key, bool *needed); /* does a generator use its key? */
/* The key beside a key of `model` whose words do without it, and a word that would not; NULL if it is in use. */
const char *ouro_config_owner(const ouro_settings *settings, const char *key, const char **word);

/* settings.c */
ouro_setting *ouro_settings_find(const ouro_settings *settings, const char *path);
const char *ouro_settings_text(const ouro_settings *settings, const char *path);
bool ouro_settings_given(const ouro_settings *settings, const char *path);
ouro_status ouro_settings_put(ouro_settings *settings, const ouro_setting *setting);
ouro_status ouro_settings_replace(ouro_setting *setting, const char *text);
void ouro_settings_clear(ouro_settings *settings);
ouro_status ouro_settings_override(ouro_settings *settings, const char *override);
ouro_status ouro_settings_compose(const ouro_settings *settings, char **text);

/* message.c */
ouro_status ouro_settings_refuse(const ouro_settings *settings, const ouro_setting *setting, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void ouro_settings_place(const ouro_settings *settings, const ouro_setting *setting, char *out, size_t size);
ouro_status ouro_settings_unknown(const ouro_settings *settings, const ouro_setting *setting);
const char *ouro_config_shown(const char *text, char *out, size_t size); /* fit for a line of a message */

/* parse.c: experiment file to settings; unknown and repeated keys are errors here. */
ouro_status ouro_settings_parse(ouro_settings *settings, const char *text, size_t length);

/* check.c: each value alone; numbers are brought to the form libcyaml reads. */
ouro_status ouro_settings_check(ouro_settings *settings);

/* relate.c: keys that need or exclude each other; defaults. */
ouro_status ouro_settings_relate(const ouro_settings *settings, bool graph_needed);
ouro_status ouro_settings_defaults(ouro_settings *settings);

/* given.c: a line for each key that was given, "path<TAB>place". */
ouro_status ouro_settings_places(const ouro_settings *settings, char **places);

/* paths.c: where input files are; %j and %a. */
ouro_status ouro_settings_resolve(ouro_settings *settings);

/* text.c: a scalar, quoted where YAML needs it. */
void ouro_config_write_text(FILE *out, const char *text);

#endif
