/* `ouro generate`: make a graph and write it. */

#include <errno.h>
#include <stdio.h>

#include "cli/cli.h"

enum { KEY_KIND = 256, KEY_NODES, KEY_DEGREE, KEY_FEEDS, KEY_SCALE, KEY_SELF, KEY_SEED, KEY_SAMPLES };

typedef struct generate_options {
  cli_options common;
  const char *output;
} generate_options;

static const struct argp_option option_table[] = {
    {"kind", KEY_KIND, "KIND", 0, "complete, ring, path, star, k-in-regular, gnm or rmat", 0},
    {"nodes", KEY_NODES, "N", 0, "Models (all kinds but rmat)", 0},
    {"degree", KEY_DEGREE, "K", 0, "Feeds a model (k-in-regular), or on average (rmat)", 0},
    {"feeds", KEY_FEEDS, "M", 0, "Feeds in all (gnm)", 0},
    {"scale", KEY_SCALE, "S", 0, "2^S models (rmat)", 0},
    {"self-loops", KEY_SELF, 0, 0, "Also feed every model to itself (complete)", 0},
    {"seed", KEY_SEED, "SEED", 0, "Seed (default 1)", 0},
    {"samples", KEY_SAMPLES, "M", 0, "Samples a generation of every feed (default 100)", 0},
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
  switch (key) {
  case KEY_KIND:
    return cli_parse_override(&options->common, "graph.generate.kind", argument);
  case KEY_NODES:
    return cli_parse_override(&options->common, "graph.generate.nodes", argument);
  case KEY_DEGREE:
    return cli_parse_override(&options->common, "graph.generate.degree", argument);
  case KEY_FEEDS:
    return cli_parse_override(&options->common, "graph.generate.feeds", argument);
  case KEY_SCALE:
    return cli_parse_override(&options->common, "graph.generate.scale", argument);
  case KEY_SELF:
    return cli_parse_override(&options->common, "graph.generate.self_loops", "true");
  case KEY_SEED:
    return cli_parse_override(&options->common, "graph.generate.seed", argument);
  case KEY_SAMPLES:
    return cli_parse_override(&options->common, "graph.samples", argument);
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
