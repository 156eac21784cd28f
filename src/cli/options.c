/* Arguments of the subcommands by argp. Every rank parses; rank 0 alone prints help and complaints. */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "ouro/base/memory.h"

bool cli_is_root(MPI_Comm comm) {
  int rank;
  MPI_Comm_rank(comm, &rank);
  return rank == 0;
}

static ouro_status keep_override(cli_options *options, char *text) {
  ouro_status status = OURO_OK;
  OURO_RESIZE(options->overrides, options->n_overrides + 1);
  options->overrides[options->n_overrides++] = text;
cleanup:
  if (status != OURO_OK) free(text);
  return status;
}

ouro_status cli_override(cli_options *options, const char *key, const char *value) {
  const size_t size = strlen(key) + strlen(value) + 2;
  char *text = ouro_memory_new(size, 1);
  if (text == NULL) return OURO_ENOMEM;
  snprintf(text, size, "%s=%s", key, value);
  return keep_override(options, text);
}

error_t cli_parse_override(cli_options *options, const char *key, const char *value) {
  return cli_override(options, key, value) == OURO_OK ? 0 : ENOMEM;
}

static error_t set_override(cli_options *options, const char *argument, struct argp_state *state) {
  if (strchr(argument, '=') == NULL) {
    argp_error(state, "--set needs KEY=VALUE, not `%s`", argument);
    return EINVAL;
  }
  char *text = ouro_memory_new(strlen(argument) + 1, 1);
  if (text == NULL) return ENOMEM;
  strcpy(text, argument);
  return keep_override(options, text) == OURO_OK ? 0 : ENOMEM;
}

static error_t add_positional(cli_options *options, char *argument, struct argp_state *state) {
  if (options->n_positional == options->max_positional) {
    argp_error(state, "too many arguments: `%s`", argument);
    return EINVAL;
  }
  options->positional[options->n_positional++] = argument;
  return 0;
}

error_t cli_parse_common(int key, char *argument, struct argp_state *state) {
  cli_options *options = state->input;
  switch (key) {
  case 'h':
    options->help = true;
    return 0;
  case 's':
    return set_override(options, argument, state);
  case ARGP_KEY_ARG:
    return add_positional(options, argument, state);
  default:
    return ARGP_ERR_UNKNOWN;
  }
}

error_t cli_parse_experiment(int key, char *argument, struct argp_state *state) {
  const cli_options *options = state->input;
  if (key != ARGP_KEY_END) return cli_parse_common(key, argument, state);
  if (options->help || options->n_positional == 1) return 0;
  argp_error(state, "name an experiment file");
  return EINVAL;
}

ouro_status cli_parse(MPI_Comm comm, const struct argp *argp, int argc, char **argv, cli_options *options) {
  static char name[64]; /* stays behind as argv[0] */
  snprintf(name, sizeof name, "ouro %s", argv[0]);
  argv[0] = name;
  const bool root = cli_is_root(comm);
  const error_t error = argp_parse(argp, argc, argv, root ? ARGP_NO_EXIT | ARGP_NO_HELP : ARGP_SILENT, NULL, options);
  if (error == 0 && options->help && root)
    argp_help(argp, stdout, ARGP_HELP_STD_HELP & ~(unsigned)ARGP_HELP_EXIT_OK, name);
  if (error == ENOMEM) return ouro_agree(comm, ouro_error(OURO_ENOMEM, "out of memory for the command line"));
  return ouro_agree(comm, error == 0 ? OURO_OK : ouro_error(OURO_EUSAGE, "%s", ""));
}

void cli_options_clear(cli_options *options) {
  for (int k = 0; k < options->n_overrides; k++) free(options->overrides[k]);
  free(options->overrides);
  options->overrides = NULL;
  options->n_overrides = 0;
}
