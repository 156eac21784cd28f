/* Experiment files and overrides, good and bad: what they mean and what is said about them. ranks: 1 2 3 */

#include "../support/harness.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ouro/config/config.h"

#define GRAPH "graph: {file: feeds.tsv}\n"
#define RING "graph: {generate: {kind: ring, nodes: 5}}\n"

static ouro_status load(const char *text, const char *override, ouro_config **config) {
  char path[600];
  test_file("x.yaml", text, strlen(text), path, sizeof path);
  const ouro_status status = ouro_config_load(MPI_COMM_WORLD, path, &override, override != NULL, config);
  MPI_Barrier(MPI_COMM_WORLD);
  return status;
}

static void says(const char *text, const char *override, const char *const parts[], int n) {
  ouro_config *config = NULL;
  const ouro_status status = load(text, override, &config);
  if (status != OURO_ECONFIG) fprintf(stderr, "accepted: %s %s\n", text, override ? override : "");
  assert_everywhere(status == OURO_ECONFIG && config == NULL);
  for (int i = 0; i < n && parts[i]; i++) {
    const char *message = ouro_error_message();
    if (!strstr(message, parts[i])) fprintf(stderr, "no `%s` in: %s\n", parts[i], message);
    assert_everywhere(strstr(message, parts[i]) != NULL);
  }
}

static void deflate_has_levels_0_to_9(void **state) {
  (void)state;
  says(GRAPH "output: {deflate: 10}\n", NULL, (const char *const[]){"output.deflate", "`10`", "0", "9"}, 4);
  says(GRAPH "output: {deflate: -1}\n", NULL, (const char *const[]){"output.deflate", "`-1`"}, 2);
}

static void bad_files_are_answered_with_line_key_and_suggestion(void **state) {
  (void)state;
  static const struct {
    const char *text, *parts[4];
  } rows[] = {
      {"", {"x.yaml:1:", "empty"}},
      {"# nothing but words\n\n", {"x.yaml:", "empty"}},
      {"graph\n", {"x.yaml:1:", "sections"}},
      {"- graph\n", {"x.yaml:1:", "sections"}},
      {"learning: {seed: 2}\n", {"x.yaml:1:", "graph", "`file` or `generate`"}},
      {"\ngraph:\n  samples: 3\n", {"x.yaml:2:", "`file` or `generate`"}},
      {"graph:\n", {"x.yaml:1:", "`file` or `generate`"}},
      {"graph:\n  file: a\n  sample: 3\n", {"x.yaml:3:", "`graph.sample`", "`graph.samples`"}},
      {"grph:\n  file: a\n", {"x.yaml:1:", "`grph`", "`graph`"}},
      {GRAPH "generations: 5\n", {"x.yaml:2:", "`generations`", "`learning.generations`"}},
      {GRAPH "learning:\n  noise: 5\n", {"x.yaml:3:", "`learning.noise`", "`model.noise`"}},
      {GRAPH "checkpoint: {every: 10 min}\n", {"x.yaml:2:", "unknown key `checkpoint`"}},
      {GRAPH "zzzzzzz: {}\n", {"unknown key `zzzzzzz`", "graph, real, model"}},
      {GRAPH "learning: {draw: publshed}\n", {"x.yaml:2:", "learning.draw", "`publshed`", "`published`"}},
      {GRAPH "learning: {draw: xyz}\n", {"learning.draw", "private, published", "`xyz`"}},
      {GRAPH "learning: {draw: 0}\n", {"learning.draw", "`0`"}},
      {GRAPH "learning: {draw: Private}\n", {"learning.draw", "`Private`", "`private`"}},
      {GRAPH "learning: {regime: acumulate}\n", {"learning.regime", "`acumulate`", "`accumulate`"}},
      {GRAPH "learning: {forget: 0.9}\n", {"x.yaml:2:", "learning.forget", "`forget`", "`replace`"}},
      {GRAPH "learning: {regime: accumulate, forget: 1}\n", {"learning.forget", "`accumulate`"}},
      {GRAPH "learning: {regime: forget, forget: 1.01}\n", {"learning.forget", "`1.01`"}},
      {GRAPH "learning: {growth: -0.5}\n", {"x.yaml:2:", "learning.growth", "`-0.5`", "between 0 and 10"}},
      {GRAPH "graph: {samples: 2}\n", {"x.yaml:2:", "graph", "twice", "line 1"}},
      {"graph:\n  file: a\n  file: b\n", {"x.yaml:3:", "graph.file", "twice", "line 2"}},
      {"graph: {file: a, samples: 0}\n", {"x.yaml:1:", "graph.samples", "`0`"}},
      {"graph: {file: a, samples: -3}\n", {"graph.samples", "`-3`"}},
      {"graph: {file: a, samples: 1.5}\n", {"graph.samples", "whole", "`1.5`"}},
      {"graph: {file: a, samples: 1e3}\n", {"graph.samples", "whole", "`1e3`"}},
      {"graph: {file: a, samples: many}\n", {"graph.samples", "whole", "`many`"}},
      {"graph: {file: a, samples: 0x10}\n", {"graph.samples", "whole", "`0x10`"}},
      {"graph: {file: a, samples: .nan}\n", {"graph.samples", "whole", "`.nan`"}},
      {"graph: {file: a, samples: 9223372036854775808}\n", {"graph.samples", "`9223372036854775808`"}},
      {"graph: {file: a, samples: 99999999999999999999999}\n", {"graph.samples", "whole number from 1"}},
      {"graph: {file: a, samples: }\n", {"graph.samples", "no value"}},
      {"graph: {file: a, samples: null}\n", {"graph.samples", "no value"}},
      {"graph: {file: a, samples: [3]}\n", {"graph.samples", "list"}},
      {"graph: {file: a, samples: {b: 3}}\n", {"graph.samples", "section"}},
      {"graph: {file: &f a, columns: *f}\n", {"graph.columns", "aliases"}},
      {"graph: {file: \"\"}\n", {"graph.file", "no value"}},
      {"graph: {file: \"a\\0b\"}\n", {"graph.file", "zero byte"}},
      {"graph: {file: a, flip: maybe}\n", {"graph.flip", "true or false", "`maybe`"}},
      {"graph: {file: a, flip: 1}\n", {"graph.flip", "true or false", "`1`"}},
      {"graph: 3\n", {"x.yaml:1:", "graph", "section"}},
      {"graph: [file]\n", {"x.yaml:1:", "graph", "section"}},
      {"{graph.file: a}\n", {"x.yaml:1:", "graph.file"}},
      {"? [a]\n: b\n", {"x.yaml:1:", "key must be a word"}},
      {GRAPH "real: {fraction: 1.1}\n", {"real.fraction", "between 0 and 1"}},
      {GRAPH "real: {fraction: 0.5, nodes: all}\n", {"x.yaml:2:", "real.nodes", "real.fraction"}},
      {GRAPH "real: {weight: 1.5}\n", {"real.weight", "between", "`1.5`"}},
      {GRAPH "partition: {imbalance: 1}\n", {"partition.imbalance", "1.001"}},
      {GRAPH "partition: {seed: 2147483648}\n", {"partition.seed", "2147483647"}},
      {GRAPH "exchange: {buffer: 64 Mb}\n", {"exchange.buffer", "64 MiB", "`64 Mb`"}},
      {GRAPH "exchange: {buffer: 0}\n", {"exchange.buffer", "`0`"}},
      {GRAPH "exchange: {buffer: -1 B}\n", {"exchange.buffer", "`-1 B`"}},
      {GRAPH "exchange: {buffer: 9999999 TiB}\n", {"exchange.buffer", "9999999"}},
      {GRAPH "exchange: {buffer: MiB}\n", {"exchange.buffer", "`MiB`"}},
      {GRAPH "parallel: {groups: 0}\n", {"parallel.groups", "auto or a whole number from 1", "`0`"}},
      {GRAPH "parallel: {groups: many}\n", {"parallel.groups", "auto", "`many`"}},
      {GRAPH "parallel: {groups: 2147483648}\n", {"parallel.groups", "2147483647"}},
      {GRAPH "learning: {seed: -1}\n", {"learning.seed", "`-1`"}},
      {GRAPH "learning: {seed: 18446744073709551616}\n", {"learning.seed", "18446744073709551615"}},
      {GRAPH "learning: {replicates: 0}\n", {"learning.replicates", "`0`"}},
      {GRAPH "output: {every: 0}\n", {"output.every", "`0`"}},
      {"graph:\n  file: a\n  generate:\n    kind: ring\n    nodes: 3\n", {"x.yaml:3:", "graph.generate", "line 2"}},
      {"graph:\n  generate: {kind: ring, nodes: 3}\n  file: a\n", {"x.yaml:3:", "graph.file", "line 2"}},
      {"graph: {generate: {nodes: 3}}\n", {"x.yaml:1:", "graph.generate", "`kind`"}},
      {"graph: {generate: }\n", {"x.yaml:1:", "graph.generate", "`kind`"}},
      {"graph: {generate: {kind: ring}}\n", {"graph.generate", "`ring`", "`nodes`"}},
      {"graph: {generate: {kind: rmat, scale: 4}}\n", {"`rmat`", "`degree`"}},
      {"graph: {generate: {kind: gnm, nodes: 4}}\n", {"`gnm`", "`feeds`"}},
      {"graph: {generate: {kind: k-in-regular, nodes: 4}}\n", {"`k-in-regular`", "`degree`"}},
      {"graph: {generate: {kind: k_in_regular, nodes: 4}}\n", {"`k_in_regular`", "`k-in-regular`"}},
      {"graph: {generate: {kind: gnp, nodes: 4}}\n", {"`gnp`", "`p`"}},
      {"graph: {generate: {kind: tree, nodes: 4, degree: 2}}\n", {"graph.generate.degree", "`tree`"}},
      {"graph: {generate: {kind: small-world, nodes: 4, degree: 2}}\n", {"`small-world`", "`p`"}},
      {"graph: {generate: {kind: blocks, nodes: 4, blocks: 2, p: 1}}\n", {"graph.generate.p:", "`blocks`"}},
      {"graph: {generate: {kind: blocks, nodes: 4, blocks: 2, p_in: 1}}\n", {"`blocks`", "`p_out`"}},
      {"graph: {generate: {kind: layered, nodes: 4, degree: 1}}\n", {"`layered`", "`layers`"}},
      {"graph: {generate: {kind: barabasi, nodes: 4, degree: 1}}\n", {"`barabasi`", "barabasi-albert"}},
      {"graph: {generate: {kind: gnp, nodes: 4, p: 1.5}}\n", {"graph.generate.p:", "between 0 and 1", "`1.5`"}},
      {"graph: {generate: {kind: blocks, nodes: 4, blocks: 0, p_in: 1, p_out: 0}}\n", {"graph.generate.blocks", "`0`"}},
      {"graph: {generate: {kind: rmat, scale: 4, degree: 2, nodes: 5}}\n", {"graph.generate.nodes", "`rmat`"}},
      {"graph: {generate: {kind: ring, nodes: 5, seed: 1}}\n", {"graph.generate.seed", "`ring`"}},
      {"graph: {generate: {kind: ring, nodes: 0}}\n", {"graph.generate.nodes", "`0`"}},
      {"graph: {generate: {kind: ring, nods: 5}}\n", {"`graph.generate.nods`", "`graph.generate.nodes`"}},
      {"graph: {generate: {kind: ring, nodes: 5}, nodes: 6}\n", {"graph.nodes", "graph.generate.nodes"}},
      {"graph: {generate: {kind: ring, nodes: 5}, columns: source target}\n", {"graph.columns", "graph.file"}},
      {"graph: {file: a\nreal: {nodes: all}\n", {"x.yaml:2", "not YAML"}},
      {"graph:\n\tfile: a\n", {"x.yaml:2", "not YAML"}},
      {"\x01\x02\x03\xff\xfe", {"x.yaml:1", "not YAML"}},
      {GRAPH "\xff\xff\n", {"x.yaml:2", "not YAML"}},
      {GRAPH "---\n" GRAPH, {"x.yaml:2", "second"}},
  };
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) says(rows[i].text, NULL, rows[i].parts, 4);
}

static void bad_models_are_answered_likewise(void **state) {
  (void)state;
  static const struct {
    const char *text, *parts[4];
  } rows[] = {
      {GRAPH "model: {noise: nan}\n", {"model.noise", "number", "`nan`"}},
      {GRAPH "model: {noise: .inf}\n", {"model.noise", "number", "`.inf`"}},
      {GRAPH "model: {noise: inf}\n", {"model.noise", "number", "`inf`"}},
      {GRAPH "model: {noise: 1e999}\n", {"model.noise", "between", "`1e999`"}},
      {GRAPH "model: {noise: 0}\n", {"model.noise", "between", "`0`"}},
      {GRAPH "model: {noise: -1}\n", {"model.noise", "`-1`"}},
      {GRAPH "model: {noise: 1.0.0}\n", {"model.noise", "`1.0.0`"}},
      {GRAPH "model: {dimension: 0}\n", {"model.dimension", "`0`"}},
      {GRAPH "model:\n  covariates: ar1\n  correlation: 1\n", {"x.yaml:4:", "model.correlation", "strictly"}},
      {GRAPH "model: {correlation: 0.2}\n", {"model.correlation", "`ar1`", "`isotropic`"}},
      {GRAPH "model: {exponent: 2, covariates: ar1}\n", {"model.exponent", "`power`"}},
      {GRAPH "model: {ridge: -0.1}\n", {"model.ridge", "`-0.1`"}},
      {GRAPH "model: {mean: -1}\n", {"model.mean", "`-1`"}},
      {GRAPH "model: {mean: none}\n", {"model.mean", "number", "`none`"}},
      {GRAPH "model: {variance: unbiast}\n", {"model.variance", "`unbiast`", "`unbiased`"}},
      {GRAPH "model: {categories: 1}\n", {"model.categories", "`1`"}},
      {GRAPH "model: {categories: 100001}\n", {"model.categories", "100000"}},
      {GRAPH "model: {smoothing: -1}\n", {"model.smoothing", "`-1`"}},
      {GRAPH "model: {temperature: -0.5}\n", {"model.temperature", "between 0", "`-0.5`"}},
      {GRAPH "model: {temperature: nan}\n", {"model.temperature", "number", "`nan`"}},
      {GRAPH "model: {top_k: -1}\n", {"model.top_k", "whole number", "`-1`"}},
      {GRAPH "model: {top_k: 2.5}\n", {"model.top_k", "whole number", "`2.5`"}},
      {GRAPH "model: {top_p: 1.01}\n", {"model.top_p", "between 0 and 1", "`1.01`"}},
      {GRAPH "model: {probabilities: uniform, exponent: 2}\n", {"model.exponent", "`power`", "`isotropic`"}},
      {GRAPH "model:\n  categories: 5\n  probabilities: p.txt\n",
       {"x.yaml:3:", "model.categories", "`zipf`", "p.txt`"}},
  };
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) says(rows[i].text, NULL, rows[i].parts, 4);
}

static void bad_overrides_are_answered_alike(void **state) {
  (void)state;
  static const struct {
    const char *override, *parts[4];
  } rows[] = {
      {"graph.sample=3", {"--set graph.sample=3:", "unknown key `graph.sample`", "did you mean `graph.samples`?"}},
      {"grph.samples=3", {"unknown key `grph.samples`", "`graph.samples`"}},
      {"grph.sample=3", {"unknown key `grph.sample`", "`graph.samples`"}},
      {"graph.generate.kin=ring", {"`graph.generate.kin`", "`graph.generate.kind`"}},
      {"seed=3", {"unknown key `seed`", "seed`?"}},
      {"graph=3", {"--set graph=3:", "section"}},
      {"graph.samples", {"--set graph.samples:", "section.key=value"}},
      {"graph.samples=", {"graph.samples", "no value"}},
      {"=3", {"--set =3:", "unknown key"}},
      {"", {"--set"}},
      {"graph.samples=-1", {"--set graph.samples=-1:", "graph.samples", "`-1`"}},
      {"graph.samples=x", {"graph.samples", "`x`"}},
      {"learning.draw=publc", {"--set learning.draw=publc:", "publc"}},
      {"graph.file=a\xff", {"graph.file", "UTF-8"}},
      {"graph.file=a", {"--set graph.file=a:", "graph.file", "graph.generate", "line 1"}},
      {"graph.samples.x=3", {"`graph.samples.x`"}},
      {"graph..samples=3", {"unknown key"}},
      {"graph.generate.degree=3", {"--set graph.generate.degree=3:", "`ring`"}},
  };
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) says(RING, rows[i].override, rows[i].parts, 4);
}

static void defaults_are_those_of_the_header(void **state) {
  (void)state;
  ouro_config *c = NULL;
  assert_ok(load(GRAPH, NULL, &c));
  assert_null(c->graph.generate);
  assert_null(c->graph.columns);
  assert_true(!c->graph.flip && c->graph.samples == 100 && c->graph.nodes == 0 && c->graph.roots == OURO_ROOTS_FROZEN);
  assert_string_equal(c->real.nodes, "none");
  assert_true(c->real.fraction == 0 && c->real.samples == 100 && c->real.kind == OURO_REAL_FRESH);
  assert_string_equal(c->model.family, "linear");
  assert_true(c->model.dimension == 10 && c->model.noise == 1 && c->model.covariates == OURO_COVARIATES_ISOTROPIC);
  assert_true(c->model.correlation == 0.5 && c->model.exponent == 1 && c->model.ridge == 0);
  assert_true(c->model.mean == 0.5 && c->model.variance == OURO_VARIANCE_ML && c->model.categories == 10);
  assert_string_equal(c->model.probabilities, "uniform");
  assert_true(c->model.smoothing == 0 && c->model.threshold == 1.345 && c->model.points == 1000 &&
              c->model.components == 3 && c->model.separation == 4);
  assert_string_equal(c->model.bandwidth, "scott");
  assert_true(c->model.temperature == 1 && c->model.top_k == 0 && c->model.top_p == 1);
  assert_true(c->learning.generations == 100 && c->learning.initial == 100 && c->learning.replicates == 1);
  assert_true(c->learning.seed == 1 && c->learning.draw == OURO_DRAW_PRIVATE);
  assert_true(c->learning.regime == OURO_REGIME_REPLACE && c->learning.sampling == OURO_SAMPLING_ROWS);
  assert_true(c->learning.memory == 1 << 30);
  assert_true(c->theory.plateau && c->theory.rates && !c->theory.spectrum && c->theory.modes == 0 &&
              strcmp(c->theory.dual, "none") == 0);
  assert_true(c->theory.dual_error == 0.02 && c->theory.dual_walks == 1 << 20);
  assert_true(c->theory.exact == OURO_EXACT_AUTO && c->partition.method == OURO_METHOD_METIS);
  assert_true(c->partition.objective == OURO_OBJECTIVE_AUTO && c->partition.imbalance == 1.03);
  assert_true(c->partition.seed == 1 && c->exchange.carry == OURO_CARRY_DATA && c->exchange.buffer == 64 << 20);
  assert_string_equal(c->parallel.groups, "auto");
  assert_true(ouro_config_groups(c) == 1);
  c->parallel.n_groups = 3;
  assert_true(ouro_config_groups(c) == 3);
  assert_string_equal(c->output.file, "x.h5");
  assert_true(c->output.every == 1 && c->output.exists == OURO_EXISTS_REPLACE && !c->output.parameters);
  assert_true(c->output.deflate == 0);
  ouro_config_destroy(&c);
  assert_null(c);
  ouro_config_destroy(&c);
}

static void values_arrive(void **state) {
  (void)state;
  ouro_config *c = NULL;
  assert_ok(load("graph:\n  generate:\n    kind: k-in-regular # comment\n    nodes: 1000\n    degree: 3\n"
                 "  samples: 010\n  roots: self\n  flip: yes\n"
                 "real: {fraction: 0.25, kind: initial}\n"
                 "model: {family: 'linear', covariates: power, exponent: 1.5, noise: 2.5e-1, ridge: .5}\n"
                 "learning: {seed: 18446744073709551615, draw: published, generations: 0}\n"
                 "exchange: {buffer: 1.5 KiB, carry: parameters}\n"
                 "theory:\nparallel: {groups: 012}\n"
                 "output: {parameters: off, exists: error, file: \"a b.h5\"}\n",
                 NULL, &c));
  assert_true(c->graph.generate->kind == OURO_GRAPH_K_IN && c->graph.generate->nodes == 1000);
  assert_true(c->graph.generate->degree == 3 && c->graph.generate->seed == 1 && !c->graph.file);
  assert_true(c->graph.samples == 10 && c->graph.roots == OURO_ROOTS_SELF && c->graph.flip);
  assert_true(c->real.fraction == 0.25 && c->real.samples == 10 && c->real.kind == OURO_REAL_INITIAL);
  assert_true(c->model.covariates == OURO_COVARIATES_POWER && c->model.exponent == 1.5 && c->model.noise == 0.25);
  assert_true(c->model.ridge == 0.5 && c->learning.seed == UINT64_MAX && c->learning.draw == OURO_DRAW_PUBLISHED);
  assert_true(c->learning.generations == 0 && c->exchange.buffer == 1536 && c->exchange.carry == OURO_CARRY_PARAMETERS);
  assert_true(!c->output.parameters && c->output.exists == OURO_EXISTS_ERROR && ouro_config_groups(c) == 12);
  assert_string_equal(c->output.file, "a b.h5");
  ouro_config_destroy(&c);
}

/* In the limit of many samples parameters alone are carried, said or not. */
static void the_limit_carries_parameters(void **state) {
  (void)state;
  static const char *const parts[] = {"x.yaml:3:", "exchange.carry", "`limit`", "only `parameters`"};
  static const char *const texts[] = {GRAPH "learning: {sampling: limit}\n",
                                      GRAPH "learning: {sampling: limit}\nexchange: {carry: parameters}\n",
                                      GRAPH "learning: {sampling: statistics}\n"};
  for (int k = 0; k < 3; k++) {
    ouro_config *c = NULL;
    assert_ok(load(texts[k], NULL, &c));
    assert_true(c->learning.sampling == (k < 2 ? OURO_SAMPLING_LIMIT : OURO_SAMPLING_STATISTICS));
    assert_true(c->exchange.carry == (k < 2 ? OURO_CARRY_PARAMETERS : OURO_CARRY_DATA));
    ouro_config_destroy(&c);
  }
  says(GRAPH "learning: {sampling: limit}\nexchange: {carry: data}\n", NULL, parts, 4);
}

static void strange_names_arrive_byte_by_byte(void **state) {
  (void)state;
  ouro_config *c = NULL;
  assert_ok(
      load("graph: {file: \"\\N\\L\\P\\t\\x7F\\\\\\\"\\uFEFF caf\xC3\xA9\"}\n", "output.file= a: #\t\"b\\n' ", &c));
  assert_non_null(strstr(c->graph.file, "\xC2\x85\xE2\x80\xA8\xE2\x80\xA9\t\x7F\\\"\xEF\xBB\xBF caf\xC3\xA9"));
  assert_string_equal(c->output.file, "a: #\t\"b\\n'");
  ouro_config_destroy(&c);
}

static void overrides_win_in_order(void **state) {
  (void)state;
  ouro_config *c = NULL;
  const char *const overrides[] = {"learning.replicates=2",  " learning.replicates = 7 ", "graph.samples=33",
                                   "graph.generate.nodes=9", "output.file=t.h5",          "exchange.buffer=1 MB"};
  char path[600];
  test_file("o.yaml", RING, strlen(RING), path, sizeof path);
  assert_ok(ouro_config_load(MPI_COMM_WORLD, path, overrides, 6, &c));
  assert_true(c->learning.replicates == 7 && c->graph.samples == 33 && c->real.samples == 33);
  assert_true(c->graph.generate->nodes == 9 && c->exchange.buffer == 1000000);
  assert_string_equal(c->output.file, "t.h5");
  ouro_config_destroy(&c);
}

static void commands_need_no_experiment(void **state) {
  (void)state;
  ouro_config *c = NULL;
  const char *const file[] = {"graph.file=feeds.tsv"}, *const kind[] = {"graph.generate.kind=star"};
  assert_ok(ouro_config_default(MPI_COMM_WORLD, NULL, 0, &c));
  assert_true(!c->graph.file && !c->graph.generate && c->graph.samples == 100);
  assert_string_equal(c->output.file, "run.h5");
  ouro_config_destroy(&c);
  assert_ok(ouro_config_default(MPI_COMM_WORLD, file, 1, &c));
  assert_string_equal(c->graph.file, "feeds.tsv");
  ouro_config_destroy(&c);
  assert_everywhere(ouro_config_default(MPI_COMM_WORLD, kind, 1, &c) == OURO_ECONFIG && c == NULL);
  assert_everywhere(strstr(ouro_error_message(), "`star` needs `nodes`") != NULL);
}

static void missing_and_strange_files_are_named(void **state) {
  (void)state;
  ouro_config *c = NULL;
  char path[600];
  test_path("absent.yaml", path, sizeof path);
  assert_everywhere(ouro_config_load(MPI_COMM_WORLD, path, NULL, 0, &c) == OURO_EIO && c == NULL);
  assert_everywhere(strstr(ouro_error_message(), "absent.yaml") && strstr(ouro_error_message(), "No such file"));
  assert_everywhere(ouro_config_load(MPI_COMM_WORLD, "/tmp", NULL, 0, &c) == OURO_EIO && c == NULL);
  const size_t size = 2 << 20;
  char *zeros = calloc(size, 1);
  test_file("big.yaml", zeros, size, path, sizeof path);
  free(zeros);
  assert_everywhere(ouro_config_load(MPI_COMM_WORLD, path, NULL, 0, &c) == OURO_ECONFIG && c == NULL);
  assert_everywhere(strstr(ouro_error_message(), "1 MiB") != NULL);
}

static void input_is_found_beside_the_experiment_or_here(void **state) {
  (void)state;
  ouro_config *c = NULL;
  char beside[600], scratch[600];
  test_file("beside.tsv", "", 0, beside, sizeof beside);
  assert_ok(load("graph: {file: beside.tsv}\nreal: {nodes: Makefile}\n", NULL, &c)); /* tests run at the root */
  assert_string_equal(c->graph.file, beside);
  assert_string_equal(c->real.nodes, "Makefile");
  ouro_config_destroy(&c);
  test_file("LICENSE", "", 0, beside, sizeof beside); /* here and there: beside wins */
  assert_ok(load("graph: {file: LICENSE}\n", NULL, &c));
  assert_string_equal(c->graph.file, beside);
  ouro_config_destroy(&c);
  assert_ok(load("graph: {file: nowhere.tsv}\nreal: {nodes: all}\n", NULL, &c));
  assert_string_equal(c->graph.file, test_path("nowhere.tsv", scratch, sizeof scratch));
  assert_string_equal(c->real.nodes, "all");
  ouro_config_destroy(&c);
  assert_ok(load("graph: {file: /abs/nowhere.tsv}\n", NULL, &c));
  assert_string_equal(c->graph.file, "/abs/nowhere.tsv");
  ouro_config_destroy(&c);
}

static void output_takes_job_and_array_index(void **state) {
  (void)state;
  ouro_config *c = NULL;
  setenv("SLURM_JOB_ID", "123", 1);
  setenv("SLURM_ARRAY_TASK_ID", "7", 1);
  assert_ok(load(GRAPH "output: {file: run-%j-%a-%%-%x.h5}\n", NULL, &c));
  assert_string_equal(c->output.file, "run-123-7-%-%x.h5");
  ouro_config_destroy(&c);
  unsetenv("SLURM_JOB_ID");
  unsetenv("SLURM_ARRAY_TASK_ID");
  assert_ok(load(GRAPH "output: {file: run-%j-%a.h5}\n", NULL, &c));
  assert_string_equal(c->output.file, "run--.h5");
  ouro_config_destroy(&c);
}

/* Keys that were given are told from defaults, with their place. */
static void what_was_given_is_remembered(void **state) {
  (void)state;
  ouro_config *c = NULL;
  assert_ok(load(GRAPH "model:\n  family: poisson\n  mean: 2\n", "learning.seed=7", &c));
  assert_everywhere(ouro_config_given(c, "model.family") && ouro_config_given(c, "model.mean"));
  assert_everywhere(ouro_config_given(c, "graph.file") && ouro_config_given(c, "learning.seed"));
  assert_everywhere(!ouro_config_given(c, "model.noise") && !ouro_config_given(c, "graph") &&
                    !ouro_config_given(c, "model.mea") && !ouro_config_given(c, "mean"));
  assert_everywhere(ouro_config_refuse(c, "model.mean", "not %d", 3) == OURO_ECONFIG);
  assert_everywhere(strstr(ouro_error_message(), "/x.yaml:4: model.mean: not 3") != NULL);
  assert_everywhere(ouro_config_refuse(c, "learning.seed", "odd") == OURO_ECONFIG);
  assert_everywhere(strcmp(ouro_error_message(), "--set learning.seed=7: learning.seed: odd") == 0);
  assert_everywhere(ouro_config_refuse(c, "model.noise", "loud") == OURO_ECONFIG);
  assert_everywhere(strcmp(ouro_error_message(), "model.noise: loud") == 0);
  ouro_config_destroy(&c);
}

static void keys_of_a_section_can_be_listed(void **state) {
  (void)state;
  int n = 0;
  for (; ouro_config_key("model", n); n++) assert_true(strlen(ouro_config_key("model", n)) > 3);
  assert_true(n > 10 && strcmp(ouro_config_key("model", 0), "family") == 0 && !ouro_config_key("model", n + 1));
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(what_was_given_is_remembered),
    cmocka_unit_test(keys_of_a_section_can_be_listed),
    cmocka_unit_test(bad_files_are_answered_with_line_key_and_suggestion),
    cmocka_unit_test(deflate_has_levels_0_to_9),
    cmocka_unit_test(bad_models_are_answered_likewise),
    cmocka_unit_test(bad_overrides_are_answered_alike),
    cmocka_unit_test(defaults_are_those_of_the_header),
    cmocka_unit_test(values_arrive),
    cmocka_unit_test(the_limit_carries_parameters),
    cmocka_unit_test(strange_names_arrive_byte_by_byte),
    cmocka_unit_test(overrides_win_in_order),
    cmocka_unit_test(commands_need_no_experiment),
    cmocka_unit_test(missing_and_strange_files_are_named),
    cmocka_unit_test(input_is_found_beside_the_experiment_or_here),
    cmocka_unit_test(output_takes_job_and_array_index),
};

TEST_MAIN(tests)
