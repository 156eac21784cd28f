/* A saved configuration loads again to an equal one, for random configurations; damaged files never crash, and
 * memory running out at any point is reported. ranks: 1 2 */

#include "../support/harness.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ouro/base/memory.h"
#include "ouro/config/config.h"

static uint64_t state_of_random = 88172645463325252u;

/* xorshift64; the same on all ranks. */
static uint64_t draw(uint64_t bound) {
  state_of_random ^= state_of_random << 13;
  state_of_random ^= state_of_random >> 7;
  state_of_random ^= state_of_random << 17;
  return state_of_random % bound;
}

static double uniform(void) {
  return (double)draw(1u << 30) / (1 << 30);
}

static int put(char *text, int at, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  at += vsnprintf(text + at, (size_t)(4000 - at), format, arguments);
  va_end(arguments);
  return at;
}

static const char *name(void) {
  static const char *const names[] = {"feeds.tsv",
                                      "\"with space.tsv\"",
                                      "'it''s: #1.tsv'",
                                      "\"tab\\there\"",
                                      "\"quote\\\"back\\\\slash\"",
                                      "\"caf\xC3\xA9\"",
                                      "\"line\\nbreak\"",
                                      "\"\\N\\L\\P\"",
                                      "\"null\"",
                                      "\"~\"",
                                      "100%",
                                      "\"- dash\"",
                                      "\"  blanks  \"",
                                      "\"\\x7F\\e\"",
                                      "./a..b--c",
                                      "a%%j-%%a.h5"};
  return names[draw(sizeof names / sizeof names[0])];
}

static int put_graph(char *text, int at) {
  static const char *const roots[] = {"frozen", "real", "self", "error"};
  at = put(text, at, "graph:\n  samples: %d\n  flip: %s\n  roots: %s\n", 1 + (int)draw(1000), draw(2) ? "true" : "no",
           roots[draw(4)]);
  const int nodes = 1 + (int)draw(99), other = 1 + (int)draw(20);
  const int seed = (int)draw(1000);
  switch (draw(13)) {
  case 0:
    return put(text, at, "  file: %s\n  nodes: %d\n  columns: source target -\n", name(), nodes);
  case 1:
    return put(text, at, "  file: %s\n", name());
  case 2:
    return put(text, at, "  generate: {kind: complete, nodes: %d, self_loops: %s}\n", nodes, draw(2) ? "on" : "off");
  case 3:
    return put(text, at, "  generate: {kind: star, nodes: %d}\n", nodes);
  case 4:
    return put(text, at, "  generate: {kind: k-in-regular, nodes: %d, degree: %d, seed: %d}\n", nodes, other, seed);
  case 5:
    return put(text, at, "  generate: {kind: gnm, nodes: %d, feeds: %d}\n", nodes, other);
  case 6:
    return put(text, at, "  generate: {kind: tree, nodes: %d, arity: %d}\n", nodes, other);
  case 7:
    return put(text, at, "  generate: {kind: gnp, nodes: %d, p: %.17g}\n", nodes, uniform());
  case 8:
    return put(text, at, "  generate: {kind: barabasi-albert, nodes: %d, degree: %d}\n", nodes, other);
  case 9:
    return put(text, at, "  generate: {kind: small-world, nodes: %d, degree: %d, p: %.17g, seed: %d}\n", nodes, other,
               uniform(), seed);
  case 10:
    return put(text, at, "  generate: {kind: blocks, nodes: %d, blocks: %d, p_in: %.17g, p_out: %.17g}\n", nodes, other,
               uniform(), uniform());
  case 11:
    return put(text, at, "  generate: {kind: layered, nodes: %d, layers: %d, degree: 0}\n", nodes, other);
  default:
    return put(text, at, "  generate: {kind: rmat, scale: %d, degree: %d, seed: %d}\n", other, other, seed);
  }
}

static void random_experiment(char *text) {
  int at = put_graph(text, 0);
  if (draw(2))
    at = put(text, at, "real: {fraction: %.17g, samples: %d, kind: fixed}\n", uniform(), 1 + (int)draw(50));
  else
    at = put(text, at, "real: {nodes: %s}\n", draw(2) ? "all" : name());
  at = put(text, at, "model: {dimension: %d, noise: %.17g, ridge: %.17g, threshold: %.17g, ", 1 + (int)draw(30),
           uniform() + 1e-9, draw(2) ? 0.0 : 1e-20 * uniform(), uniform() + 1e-9);
  if (draw(2))
    at = put(text, at, "covariates: ar1, correlation: %.17g}\n", 2 * uniform() - 1 + 1e-12);
  else if (draw(2))
    at = put(text, at, "covariates: power, exponent: %.17g}\n", 20 * uniform());
  else if (draw(2))
    at = put(text, at, "probabilities: zipf, exponent: %.17g, smoothing: %.17g, top_k: %d}\n", 20 * uniform(),
             uniform(), (int)draw(100));
  else
    at = put(
        text, at,
        "bandwidth: %s, points: %d, components: %d, separation: %.17g, probabilities: %s, variance: %s, mean: %.17g, "
        "temperature: %.17g, top_p: %.17g}\n",
        draw(2) ? "silverman" : "0.25", 1 + (int)draw(50), 1 + (int)draw(9), uniform(), draw(2) ? name() : "uniform",
        draw(2) ? "ml" : "unbiased", uniform(), 3 * uniform(), uniform());
  at = put(text, at, "learning: {generations: %d, growth: %.17g, draw: %s, seed: %llu", (int)draw(100), uniform(),
           draw(2) ? "private" : "published", (unsigned long long)(draw(UINT64_MAX)));
  if (draw(2))
    at = put(text, at, ", regime: forget, forget: %.17g", uniform());
  else if (draw(2))
    at = put(text, at, ", regime: subsample, memory: %d", 1 + (int)draw(1u << 30));
  at = put(text, at, "}\n");
  at = put(text, at, "partition: {method: %s, imbalance: %.17g, seed: %d%s}\n", draw(2) ? "block" : "ptscotch",
           1.001 + uniform(), (int)draw(1u << 31), draw(2) ? ", file: parts.tsv" : "");
  at = put(text, at, "exchange: {carry: parameters, buffer: %d}\n", 1 + (int)draw(1u << 30));
  at = put(text, at, "parallel: {groups: %d}\n", 1 + (int)draw(100));
  if (draw(2)) put(text, at, "output: {file: %s, parameters: true, deflate: 7, exists: error}\n", name());
}

static bool same_text(const char *a, const char *b) {
  return a == b || (a && b && strcmp(a, b) == 0);
}

static bool same_generate(const ouro_config_generate *a, const ouro_config_generate *b) {
  if (a == NULL || b == NULL) return a == b;
  return a->kind == b->kind && a->nodes == b->nodes && a->degree == b->degree && a->feeds == b->feeds &&
         a->scale == b->scale && a->arity == b->arity && a->blocks == b->blocks && a->layers == b->layers &&
         a->p == b->p && a->p_in == b->p_in && a->p_out == b->p_out && a->self_loops == b->self_loops &&
         a->seed == b->seed;
}

/* No NaN here, so == is equality of numbers. */
static bool same_theory(const ouro_config_theory *a, const ouro_config_theory *b) {
  return a->exact == b->exact && a->plateau == b->plateau && a->rates == b->rates && a->spectrum == b->spectrum &&
         same_text(a->dual, b->dual) && a->modes == b->modes && a->dual_error == b->dual_error &&
         a->dual_walks == b->dual_walks;
}

static bool same(const ouro_config *a, const ouro_config *b) {
  return same_text(a->graph.file, b->graph.file) && same_generate(a->graph.generate, b->graph.generate) &&
         same_text(a->graph.columns, b->graph.columns) && a->graph.flip == b->graph.flip &&
         a->graph.samples == b->graph.samples && a->graph.nodes == b->graph.nodes && a->graph.roots == b->graph.roots &&
         same_text(a->real.nodes, b->real.nodes) && a->real.fraction == b->real.fraction &&
         a->real.samples == b->real.samples && a->real.kind == b->real.kind &&
         same_text(a->model.family, b->model.family) && a->model.dimension == b->model.dimension &&
         a->model.noise == b->model.noise && a->model.covariates == b->model.covariates &&
         a->model.correlation == b->model.correlation && a->model.exponent == b->model.exponent &&
         a->model.ridge == b->model.ridge && a->model.mean == b->model.mean && a->model.variance == b->model.variance &&
         a->model.categories == b->model.categories && same_text(a->model.probabilities, b->model.probabilities) &&
         same_text(a->model.bandwidth, b->model.bandwidth) && a->model.points == b->model.points &&
         a->model.components == b->model.components && a->model.separation == b->model.separation &&
         a->model.smoothing == b->model.smoothing && a->model.threshold == b->model.threshold &&
         a->model.temperature == b->model.temperature && a->model.top_k == b->model.top_k &&
         a->model.top_p == b->model.top_p && same_theory(&a->theory, &b->theory) &&
         a->learning.generations == b->learning.generations && a->learning.initial == b->learning.initial &&
         a->learning.regime == b->learning.regime && a->learning.forget == b->learning.forget &&
         a->learning.growth == b->learning.growth && a->learning.memory == b->learning.memory &&
         a->learning.draw == b->learning.draw && a->learning.replicates == b->learning.replicates &&
         a->learning.seed == b->learning.seed && a->partition.method == b->partition.method &&
         same_text(a->partition.file, b->partition.file) && a->partition.objective == b->partition.objective &&
         a->partition.imbalance == b->partition.imbalance && a->partition.seed == b->partition.seed &&
         a->exchange.carry == b->exchange.carry && a->exchange.buffer == b->exchange.buffer &&
         same_text(a->parallel.groups, b->parallel.groups) && same_text(a->output.file, b->output.file) &&
         a->output.every == b->output.every && a->output.deflate == b->output.deflate &&
         a->output.exists == b->output.exists && a->output.parameters == b->output.parameters;
}

static void saving_and_loading_gives_the_same(void **state) {
  (void)state;
  char path[600], beside[600], text[4000];
  test_file("feeds.tsv", "", 0, beside, sizeof beside);
  for (int i = 0; i < 200; i++) {
    ouro_config *first = NULL, *again = NULL;
    char *saved = NULL, *twice = NULL;
    random_experiment(text);
    test_file("random.yaml", text, strlen(text), path, sizeof path);
    assert_ok(ouro_config_load(MPI_COMM_WORLD, path, NULL, 0, &first));
    assert_ok(ouro_config_save(first, NULL, &saved));
    test_file("again.yaml", saved, strlen(saved), path, sizeof path);
    assert_ok(ouro_config_load(MPI_COMM_WORLD, path, NULL, 0, &again));
    if (!same(first, again)) fprintf(stderr, "%s\n----\n%s\n", text, saved);
    assert_everywhere(same(first, again));
    assert_ok(ouro_config_save(again, NULL, &twice));
    assert_everywhere(strcmp(saved, twice) == 0);
    free(saved);
    free(twice);
    ouro_config_destroy(&first);
    ouro_config_destroy(&again);
  }
}

static const char valid[] = "# experiment\ngraph:\n  generate: {kind: k-in-regular, nodes: 100, degree: 3, seed: 4}\n"
                            "  samples: 50\nreal:\n  fraction: 0.25\n  kind: fixed\nmodel: {family: linear, "
                            "dimension: 5, noise: 0.5, covariates: ar1, correlation: -0.25}\nlearning:\n  generations: "
                            "20\n  draw: \"published\"\n  replicates: 8\nexchange: {buffer: 2 MiB}\noutput: {file: "
                            "'out-%j.h5', every: 2}\n";

static size_t mutate(char *text) {
  static const char odd[] = "\t\n:{}[]#&*!|>'\"%@`,-?~0x\xff\xc3 ";
  size_t length = sizeof valid - 1;
  memcpy(text, valid, length);
  for (uint64_t edits = 1 + draw(4); edits > 0; edits--) {
    const size_t at = draw(length), span = draw(8) < length - at ? draw(8) : 0;
    switch (draw(4)) {
    case 0:
      text[at] = (char)draw(256);
      break;
    case 1:
      text[at] = odd[draw(sizeof odd - 1)];
      break;
    case 2:
      if (at + span >= length) break;
      memmove(text + at, text + at + span, length - at - span);
      length -= span;
      break;
    default:
      memmove(text + at + span, text + at, length - at);
      length += span;
    }
  }
  return length;
}

static void damaged_files_end_in_a_message_at_worst(void **state) {
  (void)state;
  char path[600], text[2000];
  int accepted = 0, refused = 0;
  for (int i = 0; i < 2000; i++) {
    ouro_config *config = NULL;
    const size_t length = mutate(text);
    test_file("damaged.yaml", text, length, path, sizeof path);
    const ouro_status status = ouro_config_load(MPI_COMM_WORLD, path, NULL, 0, &config);
    assert_everywhere((status == OURO_OK) == (config != NULL));
    assert_everywhere(status == OURO_OK || status == OURO_ECONFIG);
    if (status != OURO_OK) assert_everywhere(strstr(ouro_error_message(), "damaged.yaml:") != NULL);
    accepted += status == OURO_OK;
    refused += status != OURO_OK;
    ouro_config_destroy(&config);
  }
  assert_true(accepted > 50 && refused > 500); /* the mutations reach both */
}

static void overrides_of_noise_end_in_a_message_at_worst(void **state) {
  (void)state;
  for (int i = 0; i < 2000; i++) {
    char noise[40] = "output.file=";
    size_t at = draw(3) ? strlen(noise) : 0;
    for (const size_t end = at + draw(20); at < end; at++) noise[at] = (char)(1 + draw(255));
    noise[at] = '\0';
    ouro_config *config = NULL;
    const char *const overrides[] = {noise};
    const ouro_status status = ouro_config_default(MPI_COMM_WORLD, overrides, 1, &config);
    assert_everywhere(status == OURO_OK || status == OURO_ECONFIG);
    ouro_config_destroy(&config);
  }
}

static void memory_that_runs_out_is_reported(void **state) {
  (void)state;
  char path[600];
  const char *const overrides[] = {"graph.samples=3", "learning.seed=9"};
  test_file("valid.yaml", valid, sizeof valid - 1, path, sizeof path);
  int failures = 0;
  for (int n = 1; n < 400; n++) {
    ouro_config *config = NULL;
    char *text = NULL;
    ouro_memory_fail_at(n);
    ouro_status status = ouro_config_load(MPI_COMM_WORLD, path, overrides, 2, &config);
    if (status == OURO_OK) status = ouro_agree(MPI_COMM_WORLD, ouro_config_save(config, NULL, &text));
    ouro_memory_fail_at(0);
    assert_everywhere(status == OURO_OK || status == OURO_ENOMEM);
    failures += status != OURO_OK;
    free(text);
    ouro_config_destroy(&config);
  }
  assert_true(failures > 100);
}

/* Only the keys of the model that a family takes, and of these not what depends on a word that is not there. */
static void only_what_the_family_takes_is_saved(void **state) {
  (void)state;
  ouro_config *config = NULL, *again = NULL;
  char path[600], *saved = NULL;
  const char *const overrides[] = {"graph.file=feeds.tsv", "model.family=categorical", "model.probabilities=zipf"};
  assert_ok(ouro_config_default(MPI_COMM_WORLD, overrides, 3, &config));
  assert_ok(ouro_config_save(config, " categories probabilities exponent smoothing correlation ", &saved));
  assert_everywhere(strstr(saved,
                           "model:\n  family: categorical\n  probabilities: zipf\n  exponent: 1\n  categories: 10\n"
                           "  smoothing: 0\nlearning:") != NULL);
  test_file("again.yaml", saved, strlen(saved), path, sizeof path);
  assert_ok(ouro_config_load(MPI_COMM_WORLD, path, NULL, 0, &again));
  assert_everywhere(ouro_config_given(again, "model.exponent") && !ouro_config_given(again, "model.noise"));
  free(saved);
  ouro_config_destroy(&config);
  ouro_config_destroy(&again);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(only_what_the_family_takes_is_saved),
    cmocka_unit_test(saving_and_loading_gives_the_same),
    cmocka_unit_test(damaged_files_end_in_a_message_at_worst),
    cmocka_unit_test(overrides_of_noise_end_in_a_message_at_worst),
    cmocka_unit_test(memory_that_runs_out_is_reported),
};

TEST_MAIN(tests)
