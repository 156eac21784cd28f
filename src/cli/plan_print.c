/* A plan as a person, a table or a program reads it. Every figure stands in one list, from which all three are printed.
 * Must not compute anything but sums. */

#include <math.h>
#include <stdio.h>

#include "cli/plan.h"

/* How a figure is shown. */
typedef enum kind { COUNT, BYTES, SECONDS } kind;

typedef struct figure {
  const char *name, *text; /* as a column, and for a person */
  kind unit;
  bool memory; /* of a rank, not of a generation */
} figure;

enum {
  BYTES_SENT = 10,
  BYTES_RUN = 12,
  N_COUNTS = 13,
  N_FIGURES = N_COUNTS + OURO_PLAN_MEMORY_COUNT + 1 + OURO_PLAN_PHASE_COUNT + 2
};

static const figure figures[N_FIGURES] = {{"nodes", "models", COUNT, false},
                                          {"feeds", "feeds", COUNT, false},
                                          {"ghosts", "ghosts: models owned by others", COUNT, false},
                                          {"cut_feeds", "feeds from other ranks", COUNT, false},
                                          {"samples", "samples trained on, a replicate", COUNT, false},
                                          {"sent_samples", "samples sent, a replicate", COUNT, false},
                                          {"neighbours", "neighbours", COUNT, false},
                                          {"messages_sent", "messages sent", COUNT, false},
                                          {"messages_received", "messages received", COUNT, false},
                                          {"rounds", "rounds: messages of the busiest channel", COUNT, false},
                                          {"bytes_sent", "bytes sent", BYTES, false},
                                          {"bytes_received", "bytes received", BYTES, false},
                                          {"bytes_run", "bytes sent in all generations", BYTES, false},
                                          {"memory_graph", "graph", BYTES, true},
                                          {"memory_models", "models", BYTES, true},
                                          {"memory_exchange", "exchange", BYTES, true},
                                          {"memory_kept", "samples kept", BYTES, true},
                                          {"memory_store", "results on their way to the file", BYTES, true},
                                          {"memory_process", "program and libraries", BYTES, true},
                                          {"memory", "in all", BYTES, true},
                                          {"train", "train", SECONDS, false},
                                          {"exchange", "exchange", SECONDS, false},
                                          {"measure", "measure", SECONDS, false},
                                          {"write", "write", SECONDS, false},
                                          {"generation", "a generation", SECONDS, false},
                                          {"first", "generation 0", SECONDS, false}};

static double value_of(const ouro_plan_part *part, int which) {
  const ouro_plan_counts *c = &part->counts;
  const double counts[N_COUNTS] = {c->nodes,
                                   c->feeds,
                                   c->ghosts,
                                   c->cut_feeds,
                                   c->samples,
                                   c->sent.samples,
                                   c->neighbours,
                                   c->messages_sent,
                                   c->messages_received,
                                   c->rounds,
                                   c->bytes_sent,
                                   c->bytes_received,
                                   (double)part->bytes_run};
  if (which < N_COUNTS) return counts[which];
  which -= N_COUNTS;
  if (which < OURO_PLAN_MEMORY_COUNT) return part->cost.bytes[which];
  which -= OURO_PLAN_MEMORY_COUNT;
  if (which == 0) return part->cost.whole_bytes;
  which--;
  if (which < OURO_PLAN_PHASE_COUNT) return part->cost.seconds[which];
  return which == OURO_PLAN_PHASE_COUNT ? part->cost.whole_seconds : part->cost.first;
}

typedef struct spread {
  double min, mean, max;
} spread;

static spread spread_of(const ouro_plan *plan, int which) {
  spread s = {INFINITY, 0, -INFINITY};
  for (int p = 0; p < plan->n_parts; p++) {
    const double value = value_of(&plan->part[p], which);
    s.min = fmin(s.min, value);
    s.max = fmax(s.max, value);
    s.mean += value / plan->n_parts;
  }
  return s;
}

static const char *shown(kind unit, double value, char *text, size_t size) {
  static const char *const prefixes[] = {"B", "KiB", "MiB", "GiB", "TiB"};
  int k = 0;
  if (unit == COUNT) snprintf(text, size, value < 1e15 && value == floor(value) ? "%.0f" : "%.6g", value);
  if (unit == SECONDS) snprintf(text, size, "%.4g s", value);
  for (; unit == BYTES && value >= 1024 && k < 4; k++) value /= 1024;
  if (unit == BYTES) snprintf(text, size, k ? "%.2f %s" : "%.0f %s", value, prefixes[k]);
  return text;
}

static void print_row(const ouro_plan *plan, int which) {
  char min[32], mean[32], max[32];
  const figure *f = &figures[which];
  const spread s = spread_of(plan, which);
  printf("  %-40s %14s %14s %14s\n", f->text, shown(f->unit, s.min, min, sizeof min),
         shown(f->unit, s.mean, mean, sizeof mean), shown(f->unit, s.max, max, sizeof max));
}

static void print_rows(const ouro_plan *plan, const char *title, int first, int end) {
  printf("\n%-42s %14s %14s %14s\n", title, "least", "mean", "most");
  for (int k = first; k < end; k++) print_row(plan, k);
}

/* The slowest rank makes all others wait; every group runs at the same time. */
static double seconds_of_run(const cli_plan *what) {
  const double generation = spread_of(what->plan, N_FIGURES - 2).max, first = spread_of(what->plan, N_FIGURES - 1).max;
  return first + (double)what->config->learning.generations * generation;
}

/* Bytes that cross are those of a replicate as many times; of all else every group has as much. */
static double total_of(const cli_plan *what, int which) {
  const ouro_plan *plan = what->plan;
  const double replicates = (double)what->config->learning.replicates / (double)plan->replicates;
  const double times = figures[which].unit == BYTES && !figures[which].memory ? replicates : plan->n_groups;
  double sum = 0;
  for (int p = 0; p < plan->n_parts; p++) {
    sum += which == BYTES_RUN ? (double)plan->part[p].bytes_all : times * value_of(&plan->part[p], which);
  }
  return sum;
}

bool cli_plan_fits(const cli_plan *what) {
  return what->memory <= 0 || spread_of(what->plan, N_COUNTS + OURO_PLAN_MEMORY_COUNT).max <= what->memory;
}

static const char *carried(const ouro_config *config) {
  return config->exchange.carry == OURO_CARRY_PARAMETERS ? "parameters" : "data";
}

static void print_head(const cli_plan *what) {
  const ouro_config *config = what->config;
  printf("%.0f models, %.0f feeds on %d rank%s; family %s, %d parameter%s, sampling %s, carry %s, "
         "%" PRId64 " replicate%s\n",
         what->n_nodes, what->n_feeds, what->plan->n_ranks, what->plan->n_ranks == 1 ? "" : "s",
         what->family->methods->name, what->family->n_parameters, what->family->n_parameters == 1 ? "" : "s",
         ouro_plan_sampling(config), carried(config), config->learning.replicates,
         config->learning.replicates == 1 ? "" : "s");
  if (what->plan->n_groups == 1) return;
  printf("%d groups of %d rank%s hold the whole graph each, and up to %" PRId64 " replicates\n", what->plan->n_groups,
         what->plan->n_parts, what->plan->n_parts == 1 ? "" : "s", what->plan->replicates);
}

static void print_totals(const cli_plan *what) {
  char memory[32], bytes[32], run[32];
  printf("\nall ranks together: %s of memory, %s sent a generation; %" PRId64 " generations take %s\n",
         shown(BYTES, total_of(what, N_COUNTS + OURO_PLAN_MEMORY_COUNT), memory, sizeof memory),
         shown(BYTES, total_of(what, BYTES_SENT), bytes, sizeof bytes), what->config->learning.generations,
         shown(SECONDS, seconds_of_run(what), run, sizeof run));
}

static const char *basis_text(const cli_plan *what) {
  double ns[OURO_PLAN_RATE_COUNT];
  switch (ouro_plan_machine_rates(what->machine, what->family->methods->name, ouro_plan_sampling(what->config),
                                  ouro_plan_size(what->config, what->family), ns)) {
  case OURO_PLAN_MEASURED:
    return "measured for models of this size";
  case OURO_PLAN_INTERPOLATED:
    return "from models of other sizes";
  default:
    return "those of family linear, since the machine does not know this one in this tier";
  }
}

static void print_assumptions(const cli_plan *what) {
  printf("\nassumed\n  rates of %s: %s\n", what->machine_name ? what->machine_name : "the machine that is built in",
         basis_text(what));
  if (what->machine_name)
    printf("  (what it does not say is as built in)\n");
  else
    printf("  (ouro plan --calibrate -o FILE measures this one, --machine FILE takes it)\n");
  if (what->assumed) {
    printf("  %.4g of all feeds come from other ranks, every rank exchanges with %.0f others, all ranks are alike\n",
           what->cut, what->neighbours);
    printf("  feeds from other ranks hit their models at random; duplicate feeds are not summed\n");
  }
  printf("  messages take %.3g s and %.3g bytes a second, and are not hidden behind work; ranks wait for the slowest\n",
         what->machine->latency, what->machine->bandwidth);
  printf("  results are written at %.3g bytes a second, all ranks together; not counted: reading, partition, theory\n",
         what->machine->write);
}

static void print_warnings(const cli_plan *what) {
  char text[2][32];
  if (!cli_plan_fits(what)) {
    printf("\nwarning: a rank needs up to %s but has %s: it will not fit\n",
           shown(BYTES, spread_of(what->plan, N_COUNTS + OURO_PLAN_MEMORY_COUNT).max, text[0], sizeof text[0]),
           shown(BYTES, what->memory, text[1], sizeof text[1]));
  }
  if (what->plan->least_buffer > what->config->exchange.buffer) {
    printf("\nwarning: exchange.buffer must be at least %s, not %s\n",
           shown(BYTES, (double)what->plan->least_buffer, text[0], sizeof text[0]),
           shown(BYTES, (double)what->config->exchange.buffer, text[1], sizeof text[1]));
  }
}

void cli_plan_print(const cli_plan *what) {
  print_head(what);
  print_rows(what->plan, "a rank", 0, 4);
  print_rows(what->plan, "a rank in a generation", 4, N_COUNTS);
  print_rows(what->plan, "memory of a rank", N_COUNTS, N_COUNTS + OURO_PLAN_MEMORY_COUNT + 1);
  print_rows(what->plan, "time of a rank in a generation", N_COUNTS + OURO_PLAN_MEMORY_COUNT + 1, N_FIGURES);
  print_totals(what);
  print_assumptions(what);
  print_warnings(what);
}

/* Of parts that are all alike one is printed. */
static int distinct_parts(const cli_plan *what) {
  return what->assumed ? 1 : what->plan->n_parts;
}

void cli_plan_print_tsv(const cli_plan *what) {
  printf("rank");
  for (int k = 0; k < N_FIGURES; k++) printf("\t%s", figures[k].name);
  putchar('\n');
  for (int p = 0; p < distinct_parts(what); p++) {
    printf("%d", p);
    for (int k = 0; k < N_FIGURES; k++) printf("\t%.16g", value_of(&what->plan->part[p], k));
    putchar('\n');
  }
}

void cli_plan_print_json(const cli_plan *what) {
  printf("{\"nodes\": %.17g, \"feeds\": %.17g, \"ranks\": %d, \"groups\": %d, \"assumed\": %s,\n", what->n_nodes,
         what->n_feeds, what->plan->n_ranks, what->plan->n_groups, what->assumed ? "true" : "false");
  printf(" \"seconds\": %.17g, \"fits\": %s, \"memory_of_rank\": %.17g, \"least_buffer\": %" PRId64 ",\n",
         seconds_of_run(what), cli_plan_fits(what) ? "true" : "false", what->memory, what->plan->least_buffer);
  printf(" \"rank\": {");
  for (int k = 0; k < N_FIGURES; k++) {
    const spread s = spread_of(what->plan, k);
    printf("%s\n  \"%s\": {\"min\": %.17g, \"mean\": %.17g, \"max\": %.17g, \"total\": %.17g}", k ? "," : "",
           figures[k].name, s.min, s.mean, s.max, total_of(what, k));
  }
  printf("}}\n");
}
