/* The keys of the experiment file: libcyaml's schema (names, types, words) and beside it a row a key with its
 * range and default. A new key is a field and a row here and a member in config.h. */

#include "config/private.h"

#include <limits.h>
#include <string.h>

#define COUNT(words) (sizeof(words) / sizeof((words)[0]))
#define OPTIONAL CYAML_FLAG_OPTIONAL
#define INT(type, key) CYAML_FIELD_INT(#key, OPTIONAL, type, key)
#define UINT(type, key) CYAML_FIELD_UINT(#key, OPTIONAL, type, key)
#define FLOAT(type, key) CYAML_FIELD_FLOAT(#key, OPTIONAL, type, key)
#define BOOL(type, key) CYAML_FIELD_BOOL(#key, OPTIONAL, type, key)
#define TEXT(type, key) CYAML_FIELD_STRING_PTR(#key, OPTIONAL | CYAML_FLAG_POINTER, type, key, 1, CYAML_UNLIMITED)
#define WORD(type, key, words) CYAML_FIELD_ENUM(#key, OPTIONAL | CYAML_FLAG_STRICT, type, key, words, COUNT(words))
#define SECTION(type, key, fields) CYAML_FIELD_MAPPING(#key, OPTIONAL, type, key, fields)

static const cyaml_strval_t roots_words[] = {
    {"frozen", OURO_ROOTS_FROZEN}, {"real", OURO_ROOTS_REAL}, {"self", OURO_ROOTS_SELF}, {"error", OURO_ROOTS_ERROR}};
static const cyaml_strval_t kind_words[] = {{"complete", OURO_GRAPH_COMPLETE},
                                            {"ring", OURO_GRAPH_RING},
                                            {"path", OURO_GRAPH_PATH},
                                            {"star", OURO_GRAPH_STAR},
                                            {"k-in-regular", OURO_GRAPH_K_IN},
                                            {"gnm", OURO_GRAPH_GNM},
                                            {"rmat", OURO_GRAPH_RMAT},
                                            {"tree", OURO_GRAPH_TREE},
                                            {"gnp", OURO_GRAPH_GNP},
                                            {"barabasi-albert", OURO_GRAPH_ATTACH},
                                            {"small-world", OURO_GRAPH_SMALL_WORLD},
                                            {"blocks", OURO_GRAPH_BLOCKS},
                                            {"layered", OURO_GRAPH_LAYERED}};
static const cyaml_strval_t real_words[] = {
    {"fresh", OURO_REAL_FRESH}, {"fixed", OURO_REAL_FIXED}, {"initial", OURO_REAL_INITIAL}};
static const cyaml_strval_t covariates_words[] = {
    {"isotropic", OURO_COVARIATES_ISOTROPIC}, {"ar1", OURO_COVARIATES_AR1}, {"power", OURO_COVARIATES_POWER}};
static const cyaml_strval_t variance_words[] = {{"ml", OURO_VARIANCE_ML}, {"unbiased", OURO_VARIANCE_UNBIASED}};
static const cyaml_strval_t regime_words[] = {{"replace", OURO_REGIME_REPLACE},
                                              {"accumulate", OURO_REGIME_ACCUMULATE},
                                              {"subsample", OURO_REGIME_SUBSAMPLE},
                                              {"forget", OURO_REGIME_FORGET}};
static const cyaml_strval_t draw_words[] = {{"private", OURO_DRAW_PRIVATE}, {"published", OURO_DRAW_PUBLISHED}};
static const cyaml_strval_t sampling_words[] = {
    {"rows", OURO_SAMPLING_ROWS}, {"statistics", OURO_SAMPLING_STATISTICS}, {"limit", OURO_SAMPLING_LIMIT}};
static const cyaml_strval_t exact_words[] = {
    {"auto", OURO_EXACT_AUTO}, {"always", OURO_EXACT_ALWAYS}, {"none", OURO_EXACT_NONE}};
static const cyaml_strval_t method_words[] = {{"metis", OURO_METHOD_METIS},
                                              {"block", OURO_METHOD_BLOCK},
                                              {"ptscotch", OURO_METHOD_PTSCOTCH},
                                              {"hash", OURO_METHOD_HASH}};
static const cyaml_strval_t objective_words[] = {
    {"auto", OURO_OBJECTIVE_AUTO}, {"cut", OURO_OBJECTIVE_CUT}, {"volume", OURO_OBJECTIVE_VOLUME}};
static const cyaml_strval_t carry_words[] = {{"data", OURO_CARRY_DATA}, {"parameters", OURO_CARRY_PARAMETERS}};
static const cyaml_strval_t exists_words[] = {{"replace", OURO_EXISTS_REPLACE}, {"error", OURO_EXISTS_ERROR}};

static const cyaml_schema_field_t generate_fields[] = {WORD(ouro_config_generate, kind, kind_words),
                                                       INT(ouro_config_generate, nodes),
                                                       INT(ouro_config_generate, degree),
                                                       INT(ouro_config_generate, feeds),
                                                       INT(ouro_config_generate, scale),
                                                       INT(ouro_config_generate, arity),
                                                       INT(ouro_config_generate, blocks),
                                                       INT(ouro_config_generate, layers),
                                                       FLOAT(ouro_config_generate, p),
                                                       FLOAT(ouro_config_generate, p_in),
                                                       FLOAT(ouro_config_generate, p_out),
                                                       BOOL(ouro_config_generate, self_loops),
                                                       UINT(ouro_config_generate, seed),
                                                       CYAML_FIELD_END};
static const cyaml_schema_field_t graph_fields[] = {
    TEXT(ouro_config_graph, file),
    CYAML_FIELD_MAPPING_PTR("generate", OPTIONAL | CYAML_FLAG_POINTER, ouro_config_graph, generate, generate_fields),
    TEXT(ouro_config_graph, columns),
    BOOL(ouro_config_graph, flip),
    INT(ouro_config_graph, samples),
    INT(ouro_config_graph, nodes),
    WORD(ouro_config_graph, roots, roots_words),
    CYAML_FIELD_END};
static const cyaml_schema_field_t real_fields[] = {
    TEXT(ouro_config_real, nodes),   FLOAT(ouro_config_real, fraction),
    INT(ouro_config_real, samples),  WORD(ouro_config_real, kind, real_words),
    FLOAT(ouro_config_real, weight), CYAML_FIELD_END};
/* A key that belongs to words of another one comes after it. */
static const cyaml_schema_field_t model_fields[] = {TEXT(ouro_config_model, family),
                                                    INT(ouro_config_model, dimension),
                                                    FLOAT(ouro_config_model, noise),
                                                    WORD(ouro_config_model, covariates, covariates_words),
                                                    TEXT(ouro_config_model, probabilities),
                                                    FLOAT(ouro_config_model, correlation),
                                                    FLOAT(ouro_config_model, exponent),
                                                    FLOAT(ouro_config_model, ridge),
                                                    FLOAT(ouro_config_model, mean),
                                                    WORD(ouro_config_model, variance, variance_words),
                                                    INT(ouro_config_model, categories),
                                                    FLOAT(ouro_config_model, smoothing),
                                                    FLOAT(ouro_config_model, threshold),
                                                    TEXT(ouro_config_model, bandwidth),
                                                    INT(ouro_config_model, points),
                                                    INT(ouro_config_model, components),
                                                    FLOAT(ouro_config_model, separation),
                                                    FLOAT(ouro_config_model, temperature),
                                                    INT(ouro_config_model, top_k),
                                                    FLOAT(ouro_config_model, top_p),
                                                    CYAML_FIELD_END};
static const cyaml_schema_field_t learning_fields[] = {INT(ouro_config_learning, generations),
                                                       INT(ouro_config_learning, initial),
                                                       WORD(ouro_config_learning, regime, regime_words),
                                                       FLOAT(ouro_config_learning, forget),
                                                       FLOAT(ouro_config_learning, growth),
                                                       WORD(ouro_config_learning, draw, draw_words),
                                                       WORD(ouro_config_learning, sampling, sampling_words),
                                                       INT(ouro_config_learning, memory),
                                                       INT(ouro_config_learning, replicates),
                                                       UINT(ouro_config_learning, seed),
                                                       CYAML_FIELD_END};
static const cyaml_schema_field_t theory_fields[] = {
    WORD(ouro_config_theory, exact, exact_words), BOOL(ouro_config_theory, plateau),   BOOL(ouro_config_theory, rates),
    BOOL(ouro_config_theory, spectrum),           INT(ouro_config_theory, modes),      TEXT(ouro_config_theory, dual),
    FLOAT(ouro_config_theory, dual_error),        INT(ouro_config_theory, dual_walks), CYAML_FIELD_END};
static const cyaml_schema_field_t partition_fields[] = {WORD(ouro_config_partition, method, method_words),
                                                        WORD(ouro_config_partition, objective, objective_words),
                                                        FLOAT(ouro_config_partition, imbalance),
                                                        INT(ouro_config_partition, seed),
                                                        TEXT(ouro_config_partition, file),
                                                        CYAML_FIELD_END};
static const cyaml_schema_field_t exchange_fields[] = {WORD(ouro_config_exchange, carry, carry_words),
                                                       INT(ouro_config_exchange, buffer), CYAML_FIELD_END};
static const cyaml_schema_field_t parallel_fields[] = {TEXT(ouro_config_parallel, groups), CYAML_FIELD_END};
static const cyaml_schema_field_t output_fields[] = {
    TEXT(ouro_config_output, file),       INT(ouro_config_output, every),
    INT(ouro_config_output, deflate),     WORD(ouro_config_output, exists, exists_words),
    BOOL(ouro_config_output, parameters), TEXT(ouro_config_output, measures),
    FLOAT(ouro_config_output, threshold), CYAML_FIELD_END};
static const cyaml_schema_field_t sections[] = {
    SECTION(ouro_config, graph, graph_fields),       SECTION(ouro_config, real, real_fields),
    SECTION(ouro_config, model, model_fields),       SECTION(ouro_config, learning, learning_fields),
    SECTION(ouro_config, theory, theory_fields),     SECTION(ouro_config, partition, partition_fields),
    SECTION(ouro_config, exchange, exchange_fields), SECTION(ouro_config, parallel, parallel_fields),
    SECTION(ouro_config, output, output_fields),     CYAML_FIELD_END};

const cyaml_schema_value_t ouro_config_schema = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_POINTER, ouro_config, sections),
};

/* Ends of ranges that the memory of no machine reaches; below 2^53, so that sizes are exact as doubles. */
#define MANY 1000000000000000
#define LOOPS 1000000000

#define IS_WHOLE(path, fallback, low, high)                                                                            \
  { path, OURO_FORM_WHOLE, fallback, low, high, 0, 0, false }
#define IS_AUTO(path, low, high)                                                                                       \
  { path, OURO_FORM_AUTO, "auto", low, high, 0, 0, false }
#define IS_SIZE(path, fallback, low, high)                                                                             \
  { path, OURO_FORM_SIZE, fallback, low, high, 0, 0, false }
#define IS_REAL(path, fallback, least, most)                                                                           \
  { path, OURO_FORM_REAL, fallback, 0, 0, least, most, false }
#define IS_INSIDE(path, fallback, least, most)                                                                         \
  { path, OURO_FORM_REAL, fallback, 0, 0, least, most, true }
#define IS_FLAG(path, fallback)                                                                                        \
  { path, OURO_FORM_FLAG, fallback, 0, 0, 0, 0, false }
#define IS_WORD(path, fallback)                                                                                        \
  { path, OURO_FORM_WORD, fallback, 0, 0, 0, 0, false }
#define IS_TEXT(path, fallback)                                                                                        \
  { path, OURO_FORM_TEXT, fallback, 0, 0, 0, 0, false }

/* Defaults that depend on other keys (real.samples, exchange.carry, output.file, those of graph.generate) are set in
 * relate.c. */
static const ouro_rule rules[] = {
    IS_TEXT("graph.file", NULL),
    IS_WORD("graph.generate.kind", NULL),
    IS_WHOLE("graph.generate.nodes", NULL, 1, MANY),
    IS_WHOLE("graph.generate.degree", NULL, 0, MANY),
    IS_WHOLE("graph.generate.feeds", NULL, 0, MANY),
    IS_WHOLE("graph.generate.scale", NULL, 0, 48),
    IS_WHOLE("graph.generate.arity", NULL, 1, MANY),
    IS_WHOLE("graph.generate.blocks", NULL, 1, MANY),
    IS_WHOLE("graph.generate.layers", NULL, 1, INT_MAX),
    IS_REAL("graph.generate.p", NULL, 0, 1),
    IS_REAL("graph.generate.p_in", NULL, 0, 1),
    IS_REAL("graph.generate.p_out", NULL, 0, 1),
    IS_FLAG("graph.generate.self_loops", NULL),
    IS_WHOLE("graph.generate.seed", NULL, 0, UINT64_MAX),
    IS_TEXT("graph.columns", NULL),
    IS_FLAG("graph.flip", "false"),
    IS_WHOLE("graph.samples", "100", 1, MANY),
    IS_WHOLE("graph.nodes", "0", 0, MANY),
    IS_WORD("graph.roots", "frozen"),
    IS_TEXT("real.nodes", "none"),
    IS_REAL("real.fraction", "0", 0, 1),
    IS_WHOLE("real.samples", NULL, 1, MANY),
    IS_WORD("real.kind", "fresh"),
    IS_REAL("real.weight", "0", 0, 0.999999),
    IS_TEXT("model.family", "linear"),
    IS_WHOLE("model.dimension", "10", 1, 10000),
    IS_REAL("model.noise", "1", 1e-100, 1e100),
    IS_WORD("model.covariates", "isotropic"),
    IS_INSIDE("model.correlation", "0.5", -1, 1),
    IS_REAL("model.exponent", "1", 0, 20),
    IS_REAL("model.ridge", "0", 0, 1e100),
    IS_REAL("model.mean", "0.5", 0, 1e100),
    IS_WORD("model.variance", "ml"),
    IS_WHOLE("model.categories", "10", 2, 100000),
    IS_TEXT("model.probabilities", "uniform"),
    IS_REAL("model.smoothing", "0", 0, 1e100),
    IS_REAL("model.threshold", "1.345", 1e-100, 1e100),
    IS_TEXT("model.bandwidth", "scott"),
    IS_WHOLE("model.points", "1000", 1, INT_MAX),
    IS_WHOLE("model.components", "3", 1, 1000),
    IS_REAL("model.separation", "4", 0, 1e6),
    IS_REAL("model.temperature", "1", 0, 1e100),
    IS_WHOLE("model.top_k", "0", 0, 100000),
    IS_REAL("model.top_p", "1", 0, 1),
    IS_WHOLE("learning.generations", "100", 0, LOOPS),
    IS_WHOLE("learning.initial", "100", 1, MANY),
    IS_WORD("learning.regime", "replace"),
    IS_REAL("learning.forget", "0.5", 0, 1),
    IS_REAL("learning.growth", "0", 0, 10),
    IS_WORD("learning.draw", "private"),
    IS_WORD("learning.sampling", "rows"),
    IS_SIZE("learning.memory", "1073741824", 1, (uint64_t)1 << 50),
    IS_WHOLE("learning.replicates", "1", 1, LOOPS),
    IS_WHOLE("learning.seed", "1", 0, UINT64_MAX),
    IS_WORD("theory.exact", "auto"),
    IS_FLAG("theory.plateau", "true"),
    IS_FLAG("theory.rates", "true"),
    IS_FLAG("theory.spectrum", "false"),
    IS_WHOLE("theory.modes", "0", 0, INT_MAX),
    IS_TEXT("theory.dual", "none"),
    IS_REAL("theory.dual_error", "0.02", 0, 1),
    IS_WHOLE("theory.dual_walks", "1048576", 2, MANY),
    IS_WORD("partition.method", "metis"),
    IS_WORD("partition.objective", "auto"),
    IS_REAL("partition.imbalance", "1.03", 1.001, 1000),
    IS_WHOLE("partition.seed", "1", 0, INT_MAX),
    IS_TEXT("partition.file", NULL),
    IS_WORD("exchange.carry", "data"),
    IS_SIZE("exchange.buffer", "67108864", 1, (uint64_t)1 << 50),
    IS_AUTO("parallel.groups", 1, INT_MAX),
    IS_TEXT("output.file", NULL),
    IS_WHOLE("output.every", "1", 1, LOOPS),
    IS_WHOLE("output.deflate", "0", 0, 9),
    IS_WORD("output.exists", "replace"),
    IS_FLAG("output.parameters", "false"),
    IS_TEXT("output.measures", "none"),
    IS_REAL("output.threshold", "0", 0, 1e100),
};

_Static_assert(COUNT(rules) <= OURO_CONFIG_KEYS, "as many keys as lists of their names hold");

const ouro_rule *ouro_config_rules(int *n) {
  *n = (int)COUNT(rules);
  return rules;
}

const ouro_rule *ouro_config_rule(const char *path) {
  for (size_t i = 0; i < COUNT(rules); i++) {
    if (strcmp(rules[i].path, path) == 0) return &rules[i];
  }
  return NULL;
}

bool ouro_config_is_section(const cyaml_schema_field_t *field) {
  return field->value.type == CYAML_MAPPING;
}

static const cyaml_schema_field_t *field_of(const cyaml_schema_field_t *fields, const char *name, size_t length) {
  for (; fields->key; fields++) {
    if (strlen(fields->key) == length && memcmp(fields->key, name, length) == 0) return fields;
  }
  return NULL;
}

const cyaml_schema_field_t *ouro_config_field(const char *path) {
  const cyaml_schema_field_t *fields = sections;
  for (;;) {
    const size_t length = strcspn(path, ".");
    const cyaml_schema_field_t *field = field_of(fields, path, length);
    if (field == NULL || path[length] == '\0') return field;
    if (!ouro_config_is_section(field)) return NULL;
    fields = field->value.mapping.fields;
    path += length + 1;
  }
}

/* Which keys a generator takes: needed ones first, after the bar those it may have. */
static const struct {
  const char *kind, *needed, *possible;
} uses[] = {{"complete", " nodes ", " self_loops "},
            {"ring", " nodes ", ""},
            {"path", " nodes ", ""},
            {"star", " nodes ", ""},
            {"k-in-regular", " nodes degree ", " seed "},
            {"gnm", " nodes feeds ", " seed "},
            {"rmat", " scale degree ", " seed "},
            {"tree", " nodes arity ", ""},
            {"gnp", " nodes p ", " seed "},
            {"barabasi-albert", " nodes degree ", " seed "},
            {"small-world", " nodes degree p ", " seed "},
            {"blocks", " nodes blocks p_in p_out ", " seed "},
            {"layered", " nodes layers degree ", " seed "}};

static bool holds(const char *list, const char *key) {
  char between[OURO_CONFIG_KEY];
  snprintf(between, sizeof between, " %s ", key);
  return strstr(list, between) != NULL;
}

bool ouro_config_kind_uses(const char *kind, const char *key, bool *needed) {
  for (size_t i = 0; i < COUNT(uses); i++) {
    if (strcmp(uses[i].kind, kind) != 0) continue;
    *needed = holds(uses[i].needed, key);
    return *needed || strcmp(key, "kind") == 0 || holds(uses[i].possible, key);
  }
  *needed = false;
  return false;
}

/* Keys of a model that belong to certain words of another key. A word that is none of a text's is a file. */
static const struct {
  const char *key, *owner, *word;
} belongs[] = {{"correlation", "covariates", "ar1"},
               {"exponent", "covariates", "power"},
               {"exponent", "probabilities", "zipf"},
               {"categories", "probabilities", "zipf"},
               {"categories", "probabilities", "uniform"}};

const char *ouro_config_owner(const ouro_settings *settings, const char *key, const char **word) {
  const char *owner = NULL;
  for (size_t i = 0; i < COUNT(belongs); i++) {
    char path[OURO_CONFIG_KEY];
    if (strcmp(belongs[i].key, key) != 0) continue;
    snprintf(path, sizeof path, "model.%s", belongs[i].owner);
    const char *text = ouro_settings_text(settings, path);
    if (text == NULL) text = ouro_config_rule(path)->fallback;
    if (strcmp(text, belongs[i].word) == 0) return NULL;
    if (owner == NULL) *word = belongs[i].word, owner = belongs[i].owner;
  }
  return owner;
}
