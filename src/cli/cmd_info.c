/* `ouro info`: what a run or graph file holds. */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "cli/cli.h"
#include "ouro/store/store.h"

static const struct argp_option option_table[] = {CLI_COMMON_OPTIONS, {0}};

static error_t parse(int key, char *argument, struct argp_state *state) {
  const cli_options *options = state->input;
  if (key != ARGP_KEY_END) return cli_parse_common(key, argument, state);
  if (options->help || options->n_positional == 1) return 0;
  argp_error(state, "name a file");
  return EINVAL;
}

static const struct argp argp = {option_table,
                                 parse,
                                 "FILE.h5",
                                 "Say where a run or graph file comes from and which tables it holds."
                                 "\vExample: ouro info run.h5",
                                 NULL,
                                 NULL,
                                 NULL};

static const char *const text_facts[] = {"format", "created",   "program", "revision", "compiler",
                                         "flags",  "libraries", "host",    "job",      "command"};
static const char *const int_facts[] = {"version", "ranks", "seed"};

/* Attributes that a file does not have are left out. */
static void print_facts(ouro_store *store, bool root) {
  for (size_t k = 0; k < sizeof text_facts / sizeof text_facts[0]; k++) {
    char *text = NULL;
    if (ouro_store_get_text(store, "/", text_facts[k], &text) == OURO_OK && root) {
      printf("%-14s %s\n", text_facts[k], text);
    }
    free(text);
  }
  for (size_t k = 0; k < sizeof int_facts / sizeof int_facts[0]; k++) {
    int64_t value;
    if (ouro_store_get_int(store, "/", int_facts[k], &value) == OURO_OK && root) {
      printf("%-14s %" PRId64 "\n", int_facts[k], value);
    }
  }
}

static const char *kind_name(ouro_kind kind) {
  static const char *const names[] = {"int64", "int32", "int8", "double", "text"};
  return names[kind];
}

static ouro_status print_table(ouro_store *store, const char *path, bool root) {
  ouro_status status = OURO_OK;
  ouro_table_shape shape;
  char *units = NULL, *description = NULL;
  OURO_TRY(ouro_store_shape(store, path, &shape));
  if (ouro_store_get_text(store, path, "units", &units) != OURO_OK) units = NULL;
  if (ouro_store_get_text(store, path, "description", &description) != OURO_OK) description = NULL;
  if (!root) goto cleanup;
  printf("%-24s %-6s [", path, kind_name(shape.kind));
  for (int a = 0; a < shape.n_axes; a++) printf("%s%" PRId64, a ? "][" : "", shape.length[a]);
  printf("]  %s (%s)\n", description ? description : "", units ? units : "1");
cleanup:
  free(units);
  free(description);
  return status;
}

ouro_status cli_info(MPI_Comm comm, int argc, char **argv) {
  ouro_status status = OURO_OK;
  cli_options options = {.max_positional = 1};
  ouro_store *store = NULL;
  char **paths = NULL;
  int n = 0;
  OURO_TRY(cli_parse(comm, &argp, argc, argv, &options));
  if (options.help) goto cleanup;
  OURO_TRY(ouro_store_open(comm, options.positional[0], NULL, &store));
  print_facts(store, cli_is_root(comm));
  OURO_TRY(ouro_store_list(store, &paths, &n));
  if (cli_is_root(comm)) printf("\n");
  for (int k = 0; k < n; k++) OURO_TRY(print_table(store, paths[k], cli_is_root(comm)));
cleanup:
  free(paths);
  ouro_store_discard(&store);
  cli_options_clear(&options);
  return status;
}
