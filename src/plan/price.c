/* What counts cost: bytes by what is allocated, seconds by the rates of a machine. Invariant: all is a sum of counts
 * times constants of the configuration, so that costs of parts can be compared. Knows no graph. */

#include <math.h>
#include <string.h>

#include "plan/private.h"

#define MERGE_NS 0.4     /* a number of a statistic added to another */
#define MESSAGE_BYTES 4  /* times that a byte of a message is moved in memory: written, sent, received, read */
#define PLANES 8         /* generations that a table gathers before it writes them, .. */
#define GATHER 67108864. /* .. or so many bytes, of all ranks together; .. */
#define SLICE 33554432.  /* .. of a larger generation so many of each rank */
#define CACHE_LINE 64.0

/* What the configuration says of a model. */
typedef struct shape {
  double replicates, parameters, row, statistic; /* numbers */
  bool carried, published, rows;                 /* rows: samples are drawn one by one */
} shape;

static shape shape_of(const ouro_config *config, const ouro_family *family) {
  return (shape){.replicates = (double)config->learning.replicates,
                 .parameters = family->n_parameters,
                 .row = family->row_width,
                 .statistic = family->statistic_width,
                 .carried = ouro_plan_carries_parameters(config),
                 .published = config->learning.draw == OURO_DRAW_PUBLISHED,
                 .rows = config->learning.sampling == OURO_SAMPLING_ROWS};
}

static bool keeps_rows(const ouro_config *config, const ouro_family *family) {
  return config->learning.regime == OURO_REGIME_SUBSAMPLE || (ouro_config_forget(config) > 0 && !family->additive);
}

/* Tables that are written every stored generation: error and its deviation, theory and the score, measures twice. */
static double tables_of(const ouro_config *config) {
  double measures = 0;
  if (strcmp(config->output.measures, "none") != 0) measures = 2;
  return 2 + (config->theory.exact == OURO_EXACT_NONE ? 0 : 2) + 2 * measures;
}

static double model_bytes(const shape *s, const ouro_plan_counts *part) {
  const double states = 2 * (part->nodes + (s->carried ? part->ghosts : 0)) * s->replicates * s->parameters;
  return 8 * states + part->nodes * (2 * 8 + 8 + 4 + 2 * 8); /* errors, training-set size, list, stalls */
}

/* A feed that crosses stands in a list on both sides, with its source and its count. */
static double exchange_bytes(const shape *s, const ouro_family *family, const ouro_plan_counts *part) {
  double bytes = s->carried ? part->bytes_sent + part->bytes_received : part->buffer;
  if (!s->carried) bytes += 12 * (part->taken.sets + part->sent.sets) + 16 * fmin(part->nodes, part->cut_feeds);
  if (!s->published) return bytes;
  const double statistic = family->additive ? s->statistic * part->slots : s->row * part->samples;
  return bytes + 8 * statistic + 3 * 8 * (part->nodes + part->ghosts);
}

static double kept_bytes(const ouro_config *config, const ouro_family *family, const shape *s,
                         const ouro_plan_counts *part) {
  if (ouro_config_forget(config) == 0 && config->learning.regime != OURO_REGIME_SUBSAMPLE) return 0;
  if (keeps_rows(config, family)) return 8 * s->replicates * (s->row * part->kept + part->nodes);
  return 8 * part->nodes * (s->replicates * s->statistic + 1);
}

/* Each table gathers one lot while it writes the one before. */
static double store_bytes(const ouro_config *config, const ouro_plan_counts *part, int n_writers) {
  const double generation = 8 * part->nodes, fitting = floor(GATHER / fmax(generation * n_writers, 1));
  const double lot = fitting < 1 ? fmin(generation, SLICE) : generation * fmin(fitting, PLANES);
  return tables_of(config) * 2 * lot;
}

static void price_memory(const ouro_config *config, const ouro_family *family, const ouro_plan_machine *machine,
                         const ouro_plan_counts *part, int n_writers, ouro_plan_cost *cost) {
  const shape s = shape_of(config, family);
  cost->bytes[OURO_PLAN_GRAPH] = part->graph_bytes;
  cost->bytes[OURO_PLAN_MODELS] = model_bytes(&s, part);
  cost->bytes[OURO_PLAN_EXCHANGE] = exchange_bytes(&s, family, part);
  cost->bytes[OURO_PLAN_KEPT] = kept_bytes(config, family, &s, part);
  cost->bytes[OURO_PLAN_STORE] = store_bytes(config, part, n_writers);
  cost->bytes[OURO_PLAN_PROCESS] = machine->process;
  cost->whole_bytes = 0;
  for (int k = 0; k < OURO_PLAN_MEMORY_COUNT; k++) cost->whole_bytes += cost->bytes[k];
}

/* Share of what a model is fetched from memory for, since the models of a rank are more than its cache holds. */
static double misses(const ouro_plan_machine *machine, const ouro_plan_cost *cost) {
  const double bytes = cost->bytes[OURO_PLAN_MODELS] / 2;
  return bytes > machine->cache ? 1 - machine->cache / bytes : 0;
}

/* Fetching what is drawn from, and the graph itself in order, where they do not stay in cache; ns of a set. */
static double fetch_ns(const ouro_plan_machine *machine, const shape *s, const ouro_plan_counts *part,
                       const ouro_plan_cost *cost) {
  const double lines = ceil(8 * s->parameters / CACHE_LINE), feeds = part->feeds > 0 ? part->feeds : 1;
  const double ordered = part->graph_bytes / feeds / s->replicates / machine->stream * 1e9;
  return misses(machine, cost) * (lines * machine->gather + ordered);
}

/* Samples that fits see beyond those that are new: all that are kept, on average over the generations. */
static double old_samples(const ouro_config *config, const ouro_family *family, const ouro_plan_counts *part) {
  if (!keeps_rows(config, family) || config->learning.regime == OURO_REGIME_SUBSAMPLE) return 0;
  return fmax(0, part->kept / 2 - part->samples / 2);
}

static double train_ns(const ouro_config *config, const ouro_family *family, const ouro_plan_machine *machine,
                       const double *ns, const ouro_plan_counts *part, const ouro_plan_cost *cost) {
  const shape s = shape_of(config, family);
  const double fitted = fmax(0, ns[OURO_PLAN_SAMPLE] - ns[OURO_PLAN_DRAW] - ns[OURO_PLAN_REDUCE]);
  double sum = part->drawn.samples * ns[OURO_PLAN_SAMPLE];
  sum += (part->drawn.sets + part->sent.sets) * (ns[OURO_PLAN_FEED] + fetch_ns(machine, &s, part, cost));
  sum += part->sent.samples * ns[OURO_PLAN_DRAW] + part->taken.samples * ns[OURO_PLAN_REDUCE];
  sum += fitted * (part->taken.samples + old_samples(config, family, part));
  if (!s.rows) sum += part->taken.sets * s.statistic * MERGE_NS;
  sum += part->merged * s.statistic * MERGE_NS;
  return s.replicates * (sum + part->trained * ns[OURO_PLAN_FIT]);
}

static double transfer_seconds(const ouro_plan_machine *machine, const ouro_plan_counts *part) {
  const double bytes = fmax(part->bytes_sent, part->bytes_received);
  const double messages = fmax(part->messages_sent, part->messages_received);
  return messages * machine->latency + bytes / machine->bandwidth;
}

/* Results of the stored generations, over all generations. */
static double write_seconds(const ouro_config *config, const ouro_plan_machine *machine, const ouro_plan_counts *part,
                            int n_writers) {
  return 8 * tables_of(config) * part->nodes * n_writers / machine->write / (double)config->output.every;
}

static void price_time(const ouro_config *config, const ouro_family *family, const ouro_plan_machine *machine,
                       const ouro_plan_counts *part, int n_writers, ouro_plan_cost *cost) {
  double ns[OURO_PLAN_RATE_COUNT];
  const shape s = shape_of(config, family);
  ouro_plan_machine_rates(machine, family->methods->name, ouro_plan_sampling(config), ouro_plan_size(config, family),
                          ns);
  cost->seconds[OURO_PLAN_TRAIN] = 1e-9 * train_ns(config, family, machine, ns, part, cost);
  cost->seconds[OURO_PLAN_TRANSFER] = transfer_seconds(machine, part);
  cost->seconds[OURO_PLAN_MEASURE] = 1e-9 * s.replicates * part->nodes * ns[OURO_PLAN_ERROR];
  cost->seconds[OURO_PLAN_WRITE] = write_seconds(config, machine, part, n_writers);
  cost->whole_seconds = 0;
  for (int k = 0; k < OURO_PLAN_PHASE_COUNT; k++) cost->whole_seconds += cost->seconds[k];
  const double start = part->initial * ns[OURO_PLAN_SAMPLE] + part->nodes * (ns[OURO_PLAN_FEED] + ns[OURO_PLAN_FIT]);
  cost->first = 1e-9 * s.replicates * start + cost->seconds[OURO_PLAN_MEASURE] + cost->seconds[OURO_PLAN_WRITE];
}

void ouro_plan_price(const ouro_config *config, const ouro_family *family, const ouro_plan_machine *machine,
                     const ouro_plan_counts *part, int n_writers, ouro_plan_cost *cost) {
  price_memory(config, family, machine, part, n_writers, cost);
  price_time(config, family, machine, part, n_writers, cost);
}
