/* `ouro generate`: make a graph and write it. */

#include <errno.h>
#include <stdio.h>

#include "cli/cli.h"

/* Options that set a key of the configuration; KEY_FIRST + i sets the i-th. */
enum { KEY_FIRST = 256 };
static const char *const settings[] = {"graph.generate.kind",  "graph.generate.nodes",     "graph.generate.degree",
                                       "graph.generate.feeds", "graph.generate.scale",     "graph.generate.arity",
                                       "graph.generate.p",     "graph.generate.blocks",    "graph.generate.p_in",
                                       "graph.generate.p_out", "graph.generate.layers",    "graph.generate.seed",
                                       "graph.samples",        "graph.generate.self_loops"};
enum { N_SETTINGS = sizeof settings / sizeof *settings, KEY_SELF = KEY_FIRST + N_SETTINGS - 1 };

typedef struct generate_options {
  cli_options common;
  const char *output;
} generate_options;

static const struct argp_option option_table[] = {
    {"kind", KEY_FIRST, "KIND", 0,
     "complete, ring, path, star, tree, k-in-regular, gnm, gnp, rmat, barabasi-albert, small-world, blocks or layered",
     0},
    {"nodes", KEY_FIRST + 1, "N", 0, "Models (all kinds but rmat)", 0},
    {"degree", KEY_FIRST + 2, "K", 0,
     "Feeds a model (k-in-regular, barabasi-albert, small-world, layered), or on average (rmat)", 0},
    {"feeds", KEY_FIRST + 3, "M", 0, "Feeds in all (gnm)", 0},
    {"scale", KEY_FIRST + 4, "S", 0, "2^S models (rmat)", 0},
    {"arity", KEY_FIRST + 5, "K", 0, "Models that a model feeds (tree)", 0},
    {"p", KEY_FIRST + 6, "P", 0, "Probability of a feed (gnp), or that a feed of the ring is rewired (small-world)", 0},
    {"blocks", KEY_FIRST + 7, "B", 0, "Blocks; model i is in block i mod B (blocks)", 0},
    {"p-in", KEY_FIRST + 8, "P", 0, "Probability of a feed inside a block (blocks)", 0},
    {"p-out", KEY_FIRST + 9, "P", 0, "Probability of a feed between blocks (blocks)", 0},
    {"layers", KEY_FIRST + 10, "L", 0, "Layers, each trains on the one before (layered)", 0},
    {"seed", KEY_FIRST + 11, "SEED", 0, "Seed (default 1)", 0},
    {"samples", KEY_FIRST + 12, "M", 0, "Samples a generation of every feed (default 100)", 0},
    {"self-loops", KEY_SELF, 0, 0, "Also feed every model to itself (complete)", 0},
    {"output", 'o', "FILE", 0, "File to write: .tsv, .txt, .el, .mtx, .graph or .h5", 0},
    CLI_COMMON_OPTIONS,
    {0}};

static error_t at_end(const generate_options *options, struct argp_state *state) {
  if (options->common.help || options->output) return 0;
  argp_error(state, "name the file to write: -o FILE");
  return EINVAL;
}

static error_t parse(int key, char *argument, struct argp_state *state) {
  generate_options *options = state->input;
  if (key >= KEY_FIRST && key < KEY_FIRST + N_SETTINGS) {
    return cli_parse_override(&options->common, settings[key - KEY_FIRST], key == KEY_SELF ? "true" : argument);
  }
  switch (key) {
  case 'o':
    options->output = argument;
    return 0;
  case ARGP_KEY_END:
    return at_end(options, state);
  default:
    return cli_parse_common(key, argument, state);
  }
}

static const struct argp argp = {option_table,
                                 parse,
                                 NULL,
                                 "Make a graph, the same one on any number of ranks."
                                 "\vExample: ouro generate --kind rmat --scale 10 --degree 8 --seed 3 -o rmat.tsv",
                                 NULL,
                                 NULL,
                                 NULL};

ouro_status cli_generate(MPI_Comm comm, int argc, char **argv) {
  ouro_status status = OURO_OK;
  generate_options options = {.common.max_positional = 0};
  cli_job job = {0};
  OURO_TRY(cli_parse(comm, &argp, argc, argv, &options.common));
  if (options.common.help) goto cleanup;
  OURO_TRY(cli_job_open_graph(comm, NULL, &options.common, &job));
  OURO_TRY(ouro_graph_write(job.graph, options.output));
  if (cli_is_root(comm)) {
    printf("%s: %" OURO_GID_FMT " models, %" OURO_EID_FMT " feeds\n", options.output, job.graph->n_nodes,
           job.graph->n_feeds);
  }
cleanup:
  cli_job_close(&job);
  cli_options_clear(&options.common);
  return status;
}
