/* `ouro plan`: memory, traffic and time of an experiment on any number of ranks, before it is run. */

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/calibrate.h"
#include "cli/plan.h"
#include "ouro/base/log.h"
#include "ouro/base/memory.h"
#include "ouro/learn/group.h"

enum { KEY_RANKS = 256, KEY_MACHINE, KEY_CUT, KEY_NEIGHBOURS, KEY_CALIBRATE, KEY_TSV, KEY_JSON };

typedef struct plan_options {
  cli_options common;
  const char *machine, *output;
  int ranks;
  double cut, neighbours; /* negative: not given */
  bool calibrate, tsv, json;
} plan_options;

static const struct argp_option option_table[] = {
    {"ranks", KEY_RANKS, "N", 0, "Ranks of the run that is planned (default: those this runs on)", 0},
    {"machine", KEY_MACHINE, "FILE", 0, "Rates of a machine (default: built in)", 0},
    {"cut", KEY_CUT, "SHARE", 0,
     "Do not make the graph: assume that this share of its feeds, 0 to 1, comes from other ranks, and that all ranks "
     "are "
     "alike; for graph.generate",
     0},
    {"neighbours", KEY_NEIGHBOURS, "K", 0, "With --cut: ranks that each exchanges with (default: all others)", 0},
    {"calibrate", KEY_CALIBRATE, 0, 0,
     "Measure this machine instead: all families, or the model of EXPERIMENT.yaml alone; on 2 ranks, messages too", 0},
    {"output", 'o', "FILE", 0, "Where --calibrate writes the machine (default: standard output)", 0},
    {"tsv", KEY_TSV, 0, 0, "A line a rank", 0},
    {"json", KEY_JSON, 0, 0, "The summary as JSON", 0},
    CLI_SET_OPTION,
    CLI_COMMON_OPTIONS,
    {0}};

static error_t set_ranks(plan_options *options, const char *argument, struct argp_state *state) {
  enum { MOST = 1 << 20 };
  char *end;
  errno = 0;
  const long ranks = strtol(argument, &end, 10);
  if (errno == 0 && *argument && *end == '\0' && ranks >= 1 && ranks <= MOST) {
    options->ranks = (int)ranks;
    return 0;
  }
  argp_error(state, "--ranks needs a number from 1 to %d, not `%s`", MOST, argument);
  return EINVAL;
}

static error_t set_number(const char *argument, const char *option, double most, struct argp_state *state,
                          double *value) {
  char *end;
  *value = strtod(argument, &end);
  if (*argument && *end == '\0' && *value >= 0 && *value <= most) return 0;
  argp_error(state, "%s needs a number from 0 to %g, not `%s`", option, most, argument);
  return EINVAL;
}

static error_t at_end(const plan_options *options, struct argp_state *state) {
  if (options->common.help) return 0;
  if (options->calibrate && (options->tsv || options->json))
    argp_error(state, "--calibrate writes a machine, not --tsv or --json");
  else if (options->neighbours >= 0 && options->cut < 0)
    argp_error(state, "--neighbours goes with --cut");
  else if (options->output && !options->calibrate)
    argp_error(state, "--output is for --calibrate");
  else if (options->common.n_positional == 1 || options->calibrate)
    return 0;
  else
    argp_error(state, "name an experiment file");
  return EINVAL;
}

static error_t parse(int key, char *argument, struct argp_state *state) {
  plan_options *options = state->input;
  switch (key) {
  case KEY_RANKS:
    return set_ranks(options, argument, state);
  case KEY_MACHINE:
    options->machine = argument;
    return 0;
  case KEY_CUT:
    return set_number(argument, "--cut", 1, state, &options->cut);
  case KEY_NEIGHBOURS:
    return set_number(argument, "--neighbours", 1 << 20, state, &options->neighbours);
  case KEY_CALIBRATE:
    options->calibrate = true;
    return 0;
  case 'o':
    options->output = argument;
    return 0;
  case KEY_TSV:
    options->tsv = true;
    return 0;
  case KEY_JSON:
    options->json = true;
    return 0;
  case ARGP_KEY_END:
    return at_end(options, state);
  default:
    return cli_parse_common(key, argument, state);
  }
}

static const struct argp argp = {option_table,
                                 parse,
                                 "EXPERIMENT.yaml",
                                 "Say what an experiment will need on N ranks: memory, messages, bytes and time of "
                                 "each of them. Nothing is simulated."
                                 "\vThe graph is made and partitioned as the run will do it, on however many ranks "
                                 "this command runs. What is sent is "
                                 "counted exactly, time follows from the rates of the machine.\n\n"
                                 "Example: ouro plan jobs/llm/as-published.yaml --ranks 4",
                                 NULL,
                                 NULL,
                                 NULL};

/* Collective: memory of a rank, what the machine says of its nodes; else this machine, shared by all, but for a graph
 * that is not for it. */
static double memory_of_rank(MPI_Comm comm, const ouro_plan_machine *machine, const plan_options *options) {
  int here;
  MPI_Comm_size(comm, &here);
  if (machine->memory > 0) return machine->memory / fmin(machine->ranks, options->ranks);
  if (options->cut >= 0) return 0;
  return (double)ouro_memory_available(comm) * here / options->ranks;
}

static ouro_status open_machine(MPI_Comm comm, const char *path, ouro_plan_machine **machine) {
  if (path) return ouro_plan_machine_read(comm, path, machine);
  return ouro_agree(comm, ouro_plan_machine_built_in(machine));
}

static void print(const plan_options *options, const cli_plan *what) {
  if (options->tsv)
    cli_plan_print_tsv(what);
  else if (options->json)
    cli_plan_print_json(what);
  else
    cli_plan_print(what);
}

/* Collective: print a plan of a job, whose graph may not have been made. */
static void show(MPI_Comm comm, const plan_options *options, const cli_job *job, const ouro_plan_machine *machine,
                 const ouro_plan *plan, double memory) {
  double nodes = 0, feeds = 0;
  for (int p = 0; p < plan->n_parts; p++) {
    nodes += plan->part[p].counts.nodes;
    feeds += plan->part[p].counts.feeds;
  }
  const cli_plan what = {.config = job->config,
                         .family = job->family,
                         .machine = machine,
                         .plan = plan,
                         .machine_name = options->machine,
                         .n_nodes = round(nodes),
                         .n_feeds = job->graph ? (double)job->graph->n_feeds : round(feeds),
                         .memory = memory,
                         .assumed = job->graph == NULL,
                         .cut = options->cut,
                         .neighbours = plan->part[0].counts.neighbours};
  if (cli_is_root(comm)) print(options, &what);
}

/* Collective: count the parts of the graph. */
static ouro_status plan_graph(MPI_Comm comm, const plan_options *options, const ouro_plan_machine *machine,
                              cli_job *job) {
  ouro_status status = OURO_OK;
  ouro_plan *plan = NULL;
  OURO_TRY(cli_job_open(comm, options->common.positional[0], &options->common, job));
  OURO_TRY(ouro_learn_check_groups(job->config, options->ranks));
  const ouro_plan_ranks ranks = {options->ranks, memory_of_rank(comm, machine, options)};
  OURO_TRY(ouro_plan_create(job->config, job->family, machine, &ranks, &job->graph, &plan));
  show(comm, options, job, machine, plan, ranks.memory);
cleanup:
  ouro_plan_destroy(&plan);
  return status;
}

/* Collective: by assumptions. */
static ouro_status plan_assumed(MPI_Comm comm, const plan_options *options, const ouro_plan_machine *machine,
                                cli_job *job) {
  ouro_status status = OURO_OK;
  ouro_plan *plan = NULL;
  const cli_options *common = &options->common;
  OURO_TRY(ouro_config_load(comm, common->positional[0], (const char *const *)common->overrides, common->n_overrides,
                            &job->config));
  OURO_AGREE(comm, ouro_family_create(job->config, &job->family));
  OURO_TRY(ouro_learn_check_groups(job->config, options->ranks));
  const ouro_plan_ranks ranks = {options->ranks, memory_of_rank(comm, machine, options)};
  OURO_AGREE(comm, ouro_plan_create_assumed(job->config, job->family, machine, &ranks, options->cut,
                                            fmax(options->neighbours, 0), &plan));
  show(comm, options, job, machine, plan, ranks.memory);
cleanup:
  ouro_plan_destroy(&plan);
  return status;
}

/* ---- calibration ---- */

/* Rates of all families, or of an experiment's own model. */
static ouro_status measure_kernels(MPI_Comm comm, const plan_options *options, ouro_plan_machine *machine) {
  ouro_status status = OURO_OK;
  ouro_config *config = NULL;
  const cli_options *common = &options->common;
  if (common->n_positional == 0) return ouro_agree(comm, cli_calibrate_families(cli_is_root(comm), machine));
  OURO_TRY(ouro_config_load(comm, common->positional[0], (const char *const *)common->overrides, common->n_overrides,
                            &config));
  for (int sampling = OURO_SAMPLING_ROWS; sampling <= (int)OURO_SAMPLING_LIMIT; sampling++) {
    OURO_AGREE(comm, cli_calibrate_model(config, (ouro_sampling)sampling, machine));
  }
cleanup:
  ouro_config_destroy(&config);
  return status;
}

/* On rank 0, under a temporary name. */
static ouro_status write_machine(const ouro_plan_machine *machine, const char *path) {
  ouro_status status = OURO_OK;
  char *text = NULL, temporary[4096];
  FILE *file = NULL;
  OURO_TRY(ouro_plan_machine_text(machine, &text));
  if (path == NULL) {
    fputs(text, stdout);
    goto cleanup;
  }
  snprintf(temporary, sizeof temporary, "%s.part", path);
  OURO_CHECK(file = fopen(temporary, "w"), OURO_EIO, "%s: %s", path, strerror(errno));
  const bool failed = fputs(text, file) < 0 || fflush(file) != 0;
  const bool not_closed = fclose(file) != 0;
  if (!failed && !not_closed && rename(temporary, path) == 0) goto cleanup;
  status = ouro_error(OURO_EIO, "%s: %s", path, strerror(errno));
  remove(temporary);
cleanup:
  free(text);
  return status;
}

/* Collective. */
static ouro_status calibrate(MPI_Comm comm, const plan_options *options, ouro_plan_machine *machine) {
  ouro_status status = OURO_OK;
  OURO_TRY(cli_calibrate_hardware(comm, options->output ? options->output : "ouro-machine", machine));
  OURO_TRY(measure_kernels(comm, options, machine));
  OURO_AGREE(comm, cli_is_root(comm) ? write_machine(machine, options->output) : OURO_OK);
cleanup:
  return status;
}

ouro_status cli_plan_command(MPI_Comm comm, int argc, char **argv) {
  ouro_status status = OURO_OK;
  plan_options options = {.common.max_positional = 1, .cut = -1, .neighbours = -1};
  cli_job job = {0};
  ouro_plan_machine *machine = NULL;
  MPI_Comm_size(comm, &options.ranks);
  OURO_TRY(cli_parse(comm, &argp, argc, argv, &options.common));
  if (options.common.help) goto cleanup;
  OURO_TRY(open_machine(comm, options.machine, &machine));
  if (options.calibrate)
    status = calibrate(comm, &options, machine);
  else if (options.cut >= 0)
    status = plan_assumed(comm, &options, machine, &job);
  else
    status = plan_graph(comm, &options, machine, &job);
cleanup:
  ouro_plan_machine_destroy(&machine);
  cli_job_close(&job);
  cli_options_clear(&options.common);
  return status;
}
