/* Keys that need or exclude each other, and the defaults, also those that follow other keys. */

#include "config/private.h"

#include <stdlib.h>
#include <string.h>

static bool differs(const ouro_settings *settings, const char *path, const char *from) {
  const char *text = ouro_settings_text(settings, path);
  return text && strcmp(text, from) != 0;
}

/* Where a setting stands, for a message about another one. */
static const char *place(const ouro_settings *settings, const char *path, char out[48]) {
  const ouro_setting *s = ouro_settings_find(settings, path);
  if (s && s->line > 0)
    snprintf(out, 48, " (line %d)", s->line);
  else
    snprintf(out, 48, "%s", s && s->override ? " (--set)" : "");
  return out;
}

/* The two exclude each other; the message stands at the second. */
static ouro_status exclude(const ouro_settings *settings, const char *first, const char *second) {
  const ouro_setting *a = ouro_settings_find(settings, first), *b = ouro_settings_find(settings, second);
  char where[48];
  const bool swapped = b->override ? false : a->override != NULL || a->line > b->line;
  if (swapped) return exclude(settings, second, first);
  return ouro_settings_refuse(settings, b, "%s: given together with %s%s; keep one of them", second, first,
                              place(settings, first, where));
}

/* What only a graph from a file may have. */
static ouro_status relate_file(const ouro_settings *settings) {
  if (differs(settings, "graph.nodes", "0")) {
    return ouro_settings_refuse(settings, ouro_settings_find(settings, "graph.nodes"),
                                "graph.nodes: belongs to graph.file; a generated graph has graph.generate.nodes");
  }
  if (ouro_settings_text(settings, "graph.columns")) {
    return ouro_settings_refuse(settings, ouro_settings_find(settings, "graph.columns"),
                                "graph.columns: belongs to graph.file; a generated graph has none");
  }
  return OURO_OK;
}

static bool any_generate(const ouro_settings *settings) {
  for (int i = 0; i < settings->n; i++) {
    if (strncmp(settings->all[i].path, "graph.generate", 14) == 0) return true;
  }
  return false;
}

/* First setting of graph.generate, to have a place for a message. */
static const ouro_setting *generate_place(const ouro_settings *settings) {
  for (int i = 0; i < settings->n; i++) {
    if (strncmp(settings->all[i].path, "graph.generate", 14) == 0) return &settings->all[i];
  }
  return ouro_settings_find(settings, "graph");
}

static ouro_status kind_missing(const ouro_settings *settings) {
  const cyaml_schema_value_t *kind = &ouro_config_field("graph.generate.kind")->value;
  char all[400] = "";
  for (uint32_t i = 0; i < kind->enumeration.count; i++) {
    const size_t used = strlen(all);
    snprintf(all + used, sizeof all - used, "%s%s", used ? ", " : "", kind->enumeration.strings[i].str);
  }
  return ouro_settings_refuse(settings, generate_place(settings), "graph.generate: needs `kind`, one of %s", all);
}

static ouro_status relate_generate(const ouro_settings *settings) {
  const ouro_setting *kind = ouro_settings_find(settings, "graph.generate.kind");
  if (kind == NULL) return kind_missing(settings);
  const cyaml_schema_field_t *field = ouro_config_field("graph.generate")->value.mapping.fields;
  for (; field->key; field++) {
    char path[OURO_CONFIG_KEY];
    bool needed;
    snprintf(path, sizeof path, "graph.generate.%s", field->key);
    const ouro_setting *s = ouro_settings_find(settings, path);
    const bool used = ouro_config_kind_uses(kind->text, field->key, &needed);
    if (s && !used) return ouro_settings_refuse(settings, s, "%s: not used by kind `%s`", path, kind->text);
    if (!s && needed) {
      return ouro_settings_refuse(settings, kind, "graph.generate: kind `%s` needs `%s`", kind->text, field->key);
    }
  }
  return relate_file(settings);
}

static ouro_status relate_graph(const ouro_settings *settings, bool graph_needed) {
  const bool file = ouro_settings_text(settings, "graph.file") != NULL, generate = any_generate(settings);
  if (file && generate) {
    const ouro_setting *section = ouro_settings_find(settings, "graph.generate");
    return exclude(settings, "graph.file", section ? "graph.generate" : generate_place(settings)->path);
  }
  if (generate) return relate_generate(settings);
  if (file || !graph_needed) return OURO_OK;
  const ouro_setting top = {.line = 1}, *section = ouro_settings_find(settings, "graph");
  return ouro_settings_refuse(settings, section ? section : &top, "graph: needs `file` or `generate`");
}

static ouro_status relate_model(const ouro_settings *settings) {
  const cyaml_schema_field_t *field = ouro_config_field("model")->value.mapping.fields;
  for (; field->key; field++) {
    char path[OURO_CONFIG_KEY], owner_path[OURO_CONFIG_KEY], shown[80];
    const char *word, *owner = ouro_config_owner(settings, field->key, &word);
    snprintf(path, sizeof path, "model.%s", field->key);
    const ouro_setting *s = ouro_settings_find(settings, path);
    if (s == NULL || owner == NULL) continue;
    snprintf(owner_path, sizeof owner_path, "model.%s", owner);
    const char *text = ouro_settings_text(settings, owner_path);
    return ouro_settings_refuse(
        settings, s, "%s: used by %s `%s`, not by `%s`", path, owner, word,
        ouro_config_shown(text ? text : ouro_config_rule(owner_path)->fallback, shown, sizeof shown));
  }
  return OURO_OK;
}

static ouro_status relate_regime(const ouro_settings *settings) {
  const ouro_setting *forget = ouro_settings_find(settings, "learning.forget");
  const char *regime = ouro_settings_text(settings, "learning.regime");
  if (forget == NULL || (regime && strcmp(regime, "forget") == 0)) return OURO_OK;
  return ouro_settings_refuse(settings, forget, "learning.forget: used by regime `forget` alone, and it is `%s`",
                              regime ? regime : "replace");
}

static bool is_limit(const ouro_settings *settings) {
  const char *sampling = ouro_settings_text(settings, "learning.sampling");
  return sampling && strcmp(sampling, "limit") == 0;
}

/* What crosses a cut in the limit of many samples is models. */
static ouro_status relate_carry(const ouro_settings *settings) {
  const char *carry = ouro_settings_text(settings, "exchange.carry");
  if (carry == NULL || strcmp(carry, "data") != 0 || !is_limit(settings)) return OURO_OK;
  return ouro_settings_refuse(settings, ouro_settings_find(settings, "exchange.carry"),
                              "exchange.carry: learning.sampling `limit` has no data to carry, only `parameters`");
}

ouro_status ouro_settings_relate(const ouro_settings *settings, bool graph_needed) {
  ouro_status status;
  OURO_TRY(relate_graph(settings, graph_needed));
  const char *fraction = ouro_settings_text(settings, "real.fraction");
  if (fraction && strtod(fraction, NULL) > 0 && differs(settings, "real.nodes", "none")) {
    OURO_TRY(exclude(settings, "real.nodes", "real.fraction"));
  }
  OURO_TRY(relate_model(settings));
  OURO_TRY(relate_regime(settings));
  OURO_TRY(relate_carry(settings));
cleanup:
  return status;
}

static ouro_status put_default(ouro_settings *settings, const char *path, const char *text) {
  const ouro_setting setting = {.path = (char *)path, .text = (char *)text};
  return ouro_settings_text(settings, path) ? OURO_OK : ouro_settings_put(settings, &setting);
}

ouro_status ouro_settings_defaults(ouro_settings *settings) {
  ouro_status status = OURO_OK;
  int n;
  const ouro_rule *rules = ouro_config_rules(&n);
  if (is_limit(settings)) OURO_TRY(put_default(settings, "exchange.carry", "parameters"));
  for (int i = 0; i < n; i++) {
    if (rules[i].fallback) OURO_TRY(put_default(settings, rules[i].path, rules[i].fallback));
  }
  char samples[32];
  snprintf(samples, sizeof samples, "%s", ouro_settings_text(settings, "graph.samples"));
  OURO_TRY(put_default(settings, "real.samples", samples));
  if (any_generate(settings)) OURO_TRY(put_default(settings, "graph.generate.seed", "1"));
cleanup:
  return status;
}
