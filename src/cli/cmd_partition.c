/* `ouro partition`: assign the models of a graph to ranks, and say what that costs. */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "ouro/base/memory.h"
#include "ouro/partition/partition.h"

enum {
  KEY_FILE = 512,
  KEY_PARTS = 256,
  KEY_METHOD,
  KEY_OBJECTIVE,
  KEY_IMBALANCE,
  KEY_SEED,
  KEY_DRAW,
  KEY_SAMPLES,
  KEY_COLUMNS
};

typedef struct partition_options {
  cli_options common;
  const char *output;
  int parts;
} partition_options;

static const struct argp_option option_table[] = {
    {"parts", KEY_PARTS, "K", 0, "Number of parts (default: the ranks it runs on)", 0},
    {"method", KEY_METHOD, "METHOD", 0, "metis (default), ptscotch, block or hash", 0},
    {"objective", KEY_OBJECTIVE, "WHAT", 0, "auto (default), cut or volume", 0},
    {"imbalance", KEY_IMBALANCE, "RATIO", 0, "Largest over mean training cost, at most (default 1.03)", 0},
    {"seed", KEY_SEED, "SEED", 0, "Seed of METIS or PT-Scotch (default 1)", 0},
    {"file", KEY_FILE, "FILE", 0, "A partition that -o wrote, instead of a method: what it costs", 0},
    {"draw", KEY_DRAW, "DRAW", 0, "private (default) or published samples: what crosses a cut", 0},
    {"samples", KEY_SAMPLES, "M", 0, "Samples of a feed without a count (default 100)", 0},
    {"columns", KEY_COLUMNS, "NAMES", 0, "Columns of the file, e.g. 'source target samples'; - skips one", 0},
    {"output", 'o', "FILE", 0, "Write a line a model: node, part; to be used by partition.file of an experiment", 0},
    CLI_COMMON_OPTIONS,
    {0}};

static error_t set_parts(partition_options *options, const char *argument, struct argp_state *state) {
  char *end;
  errno = 0;
  const long parts = strtol(argument, &end, 10);
  if (errno == 0 && *argument && *end == '\0' && parts >= 1 && parts <= INT32_MAX) {
    options->parts = (int)parts;
    return 0;
  }
  argp_error(state, "--parts needs a number from 1 to %d, not `%s`", INT32_MAX, argument);
  return EINVAL;
}

static error_t parse(int key, char *argument, struct argp_state *state) {
  partition_options *options = state->input;
  cli_options *common = &options->common;
  switch (key) {
  case KEY_PARTS:
    return set_parts(options, argument, state);
  case KEY_METHOD:
    return cli_parse_override(common, "partition.method", argument);
  case KEY_OBJECTIVE:
    return cli_parse_override(common, "partition.objective", argument);
  case KEY_IMBALANCE:
    return cli_parse_override(common, "partition.imbalance", argument);
  case KEY_SEED:
    return cli_parse_override(common, "partition.seed", argument);
  case KEY_FILE:
    return cli_parse_override(common, "partition.file", argument);
  case KEY_DRAW:
    return cli_parse_override(common, "learning.draw", argument);
  case KEY_SAMPLES:
    return cli_parse_override(common, "graph.samples", argument);
  case KEY_COLUMNS:
    return cli_parse_override(common, "graph.columns", argument);
  case 'o':
    options->output = argument;
    return 0;
  case ARGP_KEY_END:
    if (common->help || common->n_positional == 1) return 0;
    argp_error(state, "name a graph file");
    return EINVAL;
  default:
    return cli_parse_common(key, argument, state);
  }
}

static const struct argp argp = {option_table,
                                 parse,
                                 "GRAPH",
                                 "Assign the models of a graph to parts so that few samples cross between them."
                                 "\vExample: ouro partition feeds.tsv --parts 4 -o parts.tsv",
                                 NULL,
                                 NULL,
                                 NULL};

static void print_figures(const ouro_partition_figures *figures) {
  char gain[256];
  printf("method          %s (objective %s)\n", figures->method, figures->objective);
  printf("parts           %d (%d empty)\n", figures->n_parts, figures->empty_parts);
  printf("feeds cut       %" OURO_EID_FMT "\n", figures->cut_feeds);
  printf("cut             %.6g bytes a generation (private draws)\n", figures->cut_bytes);
  printf("volume          %.6g bytes a generation (published draws)\n", figures->volume_bytes);
  printf("imbalance       %.4f\n", figures->imbalance);
  printf("neighbours      at most %d\n", figures->max_neighbours);
  printf("gain            %s\n", ouro_partition_gain(figures, gain, sizeof gain));
}

/* Write a file on rank 0 from pieces in rank order, under a temporary name. */
static ouro_status write_parts(const ouro_graph *graph, const ouro_partition_figures *figures, const int32_t *owner,
                               const char *path) {
  ouro_status status = OURO_OK;
  char *text = NULL, temporary[4096], name[CLI_NAME_SIZE], headline[CLI_NAME_SIZE];
  size_t length = 0;
  FILE *file = NULL, *stream = open_memstream(&text, &length);
  const bool root = cli_is_root(graph->comm);
  OURO_AGREE(graph->comm, stream ? OURO_OK : ouro_error(OURO_ENOMEM, "out of memory for the table"));
  ouro_partition_headline(graph, figures, headline, sizeof headline);
  if (root) fprintf(stream, "%s\nnode\tpart\n", headline);
  for (ouro_lid i = 0; i < graph->n_owned; i++) {
    fprintf(stream, "%s\t%d\n", ouro_graph_name(graph, i, name, sizeof name), owner[i]);
  }
  fclose(stream);
  snprintf(temporary, sizeof temporary, "%s.part", path);
  if (root) file = fopen(temporary, "w");
  OURO_AGREE(graph->comm, file || !root ? OURO_OK : ouro_error(OURO_EIO, "%s: %s", path, strerror(errno)));
  OURO_TRY(cli_print_in_order(graph->comm, text, length, file));
  if (root) {
    const bool failed = fflush(file) != 0 || ferror(file) != 0;
    const bool not_closed = fclose(file) != 0;
    file = NULL;
    if (failed || not_closed || rename(temporary, path) != 0) {
      status = ouro_error(OURO_EIO, "%s: %s", path, strerror(errno));
      remove(temporary);
    }
  }
  status = ouro_agree(graph->comm, status);
cleanup:
  if (file) fclose(file);
  free(text);
  return status;
}

ouro_status cli_partition(MPI_Comm comm, int argc, char **argv) {
  ouro_status status = OURO_OK;
  partition_options options = {.common.max_positional = 1};
  cli_job job = {0};
  int32_t *owner = NULL;
  ouro_partition_figures figures;
  MPI_Comm_size(comm, &options.parts);
  OURO_TRY(cli_parse(comm, &argp, argc, argv, &options.common));
  if (options.common.help) goto cleanup;
  OURO_TRY(cli_job_open_graph(comm, options.common.positional[0], &options.common, &job));
  OURO_AGREE(comm, ouro_family_create(job.config, &job.family));
  owner = ouro_memory_new((size_t)job.graph->n_owned, sizeof *owner);
  OURO_AGREE(comm, owner ? OURO_OK : OURO_ENOMEM);
  OURO_TRY(ouro_partition_choose(job.graph, &job.config->partition, job.config->learning.draw, options.parts,
                                 (double)job.family->row_width * sizeof(double), owner, &figures));
  if (cli_is_root(comm)) print_figures(&figures);
  if (options.output) OURO_TRY(write_parts(job.graph, &figures, owner, options.output));
cleanup:
  free(owner);
  cli_job_close(&job);
  cli_options_clear(&options.common);
  return status;
}
