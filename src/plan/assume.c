/* Counts that are assumed: of a graph as one part, and of the typical part of many. Invariant: a graph in one part has
 * nothing that crosses. */

#include <math.h>
#include <string.h>

#include "ouro/graph/generate.h"
#include "ouro/graph/schedule.h"
#include "plan/private.h"

bool ouro_plan_carries_parameters(const ouro_config *config) {
  return config->exchange.carry == OURO_CARRY_PARAMETERS || config->learning.sampling == OURO_SAMPLING_LIMIT;
}

static double model_bytes(const ouro_config *config, const ouro_family *family) {
  return 8.0 * (double)config->learning.replicates * family->n_parameters;
}

/* Bytes of one set of samples on its way, by its mean size. */
static double set_bytes(const ouro_config *config, const ouro_family *family, double samples) {
  const double numbers =
      config->learning.sampling == OURO_SAMPLING_ROWS ? samples * family->row_width : (double)family->statistic_width;
  return 8.0 * (double)config->learning.replicates * numbers;
}

double ouro_plan_graph_bytes(const ouro_graph *graph) {
  const double owned = graph->n_owned, ghosts = graph->n_ghost, feeds = (double)graph->row[graph->n_owned];
  double node = 8 + 8 + 8 + (graph->named ? graph->label_width : 8); /* id, row, real data, label */
  if (graph->initial) node += 8;
  if (graph->noise) node += 8;
  if (graph->every) node += 8;
  return owned * node + ghosts * (8 + 4 + (graph->noise ? 8 : 0)) +
         feeds * (4 + (graph->samples ? 8
                       : graph->times ? 2
                                      : 0));
}

static void add_node(const ouro_config *config, const ouro_graph *graph, ouro_lid i, ouro_plan_counts *part) {
  const bool published = config->learning.draw == OURO_DRAW_PUBLISHED;
  const double real = (double)ouro_schedule_real(config, graph, i, ouro_schedule_every(graph, i));
  const double feeds = (double)(graph->row[i + 1] - graph->row[i]);
  double samples = 0;
  for (ouro_eid e = graph->row[i]; e < graph->row[i + 1]; e++) samples += (double)ouro_graph_samples(graph, e);
  part->initial += (double)ouro_schedule_initial(config, graph, i);
  part->trained += feeds + real > 0;
  part->feeds += feeds;
  part->samples += samples + real;
  part->fed += samples;
  part->largest = fmax(part->largest, samples + real);
  part->drawn.sets += (published ? 0 : feeds) + (real > 0);
  part->drawn.samples += (published ? 0 : samples) + real;
  part->merged += published ? feeds : 0;
}

/* Published draws: every source draws its corpus once; as large as the mean feed. */
static void draw_corpora(ouro_plan_counts *whole) {
  const double sources = fmin(whole->nodes, whole->feeds);
  whole->slots = sources;
  whole->drawn.sets += sources;
  if (whole->feeds > 0) whole->drawn.samples += sources * whole->fed / whole->feeds;
}

ouro_status ouro_plan_count_whole(const ouro_config *config, const ouro_family *family, const ouro_graph *graph,
                                  ouro_plan_counts *whole) {
  enum { SUMS = 12 };
  ouro_plan_counts part = {.nodes = graph->n_owned, .graph_bytes = ouro_plan_graph_bytes(graph)};
  (void)family;
  for (ouro_lid i = 0; i < graph->n_owned; i++) {
    add_node(config, graph, i, &part);
    part.kept += ouro_schedule_kept(config, graph, i);
  }
  double *const fields[SUMS] = {&part.nodes,   &part.trained,     &part.feeds,      &part.samples,
                                &part.initial, &part.kept,        &part.drawn.sets, &part.drawn.samples,
                                &part.merged,  &part.graph_bytes, &part.slots,      &part.fed};
  double sums[SUMS];
  for (int k = 0; k < SUMS; k++) sums[k] = *fields[k];
  if (MPI_Allreduce(MPI_IN_PLACE, sums, SUMS, MPI_DOUBLE, MPI_SUM, graph->comm) != MPI_SUCCESS ||
      MPI_Allreduce(MPI_IN_PLACE, &part.largest, 1, MPI_DOUBLE, MPI_MAX, graph->comm) != MPI_SUCCESS) {
    return ouro_error(OURO_EMPI, "plan: cannot add up the counts of the ranks");
  }
  for (int k = 0; k < SUMS; k++) *fields[k] = sums[k];
  if (config->learning.draw == OURO_DRAW_PUBLISHED) draw_corpora(&part);
  *whole = part;
  return OURO_OK;
}

/* Share of the models that have real data. */
static ouro_status share_of_real(const ouro_config *config, double *share) {
  const char *nodes = config->real.nodes;
  *share = config->real.fraction > 0 ? config->real.fraction : 0;
  if (nodes == NULL || strcmp(nodes, "none") == 0) return OURO_OK;
  *share = 1;
  if (strcmp(nodes, "all") == 0) return OURO_OK;
  return ouro_config_refuse(config, "real.nodes", "a plan without the graph takes all, none or real.fraction, no file");
}

static double bytes_of_graph(const ouro_config_generate *generate, double nodes, double feeds) {
  return nodes * (8 + 8 + 8 + 8) + feeds * (generate->kind == OURO_GRAPH_RMAT ? 4 + 2 : 4);
}

static ouro_status check_generated(const ouro_config *config, ouro_gid *n_nodes) {
  if (config->graph.generate == NULL) {
    return ouro_error(OURO_ECONFIG, "graph.file: a plan without the graph needs graph.generate");
  }
  if (config->learning.growth > 0) {
    return ouro_config_refuse(config, "learning.growth", "a plan without the graph needs counts that stay the same");
  }
  return ouro_graph_generate_nodes(config->graph.generate, n_nodes);
}

ouro_status ouro_plan_count_generated(const ouro_config *config, const ouro_family *family, ouro_plan_counts *whole) {
  ouro_status status = OURO_OK;
  ouro_gid n_nodes;
  double share;
  (void)family;
  OURO_TRY(check_generated(config, &n_nodes));
  OURO_TRY(share_of_real(config, &share));
  const bool published = config->learning.draw == OURO_DRAW_PUBLISHED;
  const double nodes = (double)n_nodes, feeds = ouro_graph_generate_feeds(config->graph.generate);
  const double fed = feeds * (double)config->graph.samples;
  const double with_real = config->real.kind == OURO_REAL_INITIAL ? 0 : share * nodes;
  const double real = with_real * (double)config->real.samples;
  const double steps = (double)ouro_schedule_span(config) - 1;
  *whole = (ouro_plan_counts){.nodes = nodes,
                              .trained = nodes,
                              .feeds = feeds,
                              .graph_bytes = bytes_of_graph(config->graph.generate, nodes, feeds),
                              .samples = fed + real,
                              .fed = fed,
                              .largest = (fed + real) / nodes,
                              .kept = nodes * (double)config->learning.initial + steps * (fed + real),
                              .initial = nodes * (double)config->learning.initial,
                              .drawn = {with_real + (published ? 0 : feeds), real + (published ? 0 : fed)},
                              .merged = published ? feeds : 0};
  if (published) draw_corpora(whole);
cleanup:
  return status;
}

/* What crosses: of private draws feeds, of published ones the corpora of ghosts, or their parameters. */
static void cross(const ouro_config *config, const ouro_family *family, double each, ouro_plan_counts *part) {
  const bool carried = ouro_plan_carries_parameters(config), published = config->learning.draw == OURO_DRAW_PUBLISHED;
  const double sets = published ? part->ghosts : part->cut_feeds;
  if (carried && published) {
    part->drawn.sets += sets;
    part->drawn.samples += sets * each;
  }
  if (!carried) {
    part->taken = part->sent = (ouro_plan_work){sets, sets * each};
    if (!published) part->drawn = (ouro_plan_work){part->drawn.sets - sets, part->drawn.samples - sets * each};
  }
  part->bytes_sent = carried ? part->ghosts * model_bytes(config, family) : sets * set_bytes(config, family, each);
  part->bytes_received = part->bytes_sent;
  if (published) part->slots += part->ghosts;
}

static void count_messages(const ouro_config *config, ouro_plan_counts *part) {
  if (part->neighbours == 0) return;
  const double message = fmin(OURO_EXCHANGE_MESSAGE, part->bytes_sent / part->neighbours);
  part->rounds =
      ouro_plan_carries_parameters(config) ? 1 : fmax(1, ceil(part->bytes_sent / part->neighbours / message));
  part->messages_sent = part->messages_received = part->rounds * part->neighbours;
  part->buffer = fmin(2 * part->neighbours * fmin(2, part->rounds) * message, (double)config->exchange.buffer);
}

void ouro_plan_assume(const ouro_config *config, const ouro_family *family, const ouro_plan_counts *whole, int n_parts,
                      double cut, double neighbours, ouro_plan_counts *part) {
  const double n = n_parts;
  *part = *whole;
  double *const shared[] = {&part->nodes,         &part->trained, &part->feeds,      &part->samples,
                            &part->initial,       &part->kept,    &part->merged,     &part->drawn.sets,
                            &part->drawn.samples, &part->slots,   &part->graph_bytes};
  for (size_t k = 0; k < sizeof shared / sizeof shared[0]; k++) *shared[k] /= n;
  if (n_parts == 1) return;
  const double each = whole->feeds > 0 ? whole->fed / whole->feeds : 0;
  part->fed /= n;
  part->neighbours = neighbours > 0 ? fmin(neighbours, n - 1) : n - 1;
  part->cut_feeds = cut * part->feeds;
  const double others = part->neighbours * part->nodes; /* sources that there are, each hit at random */
  part->ghosts = others > 0 ? others * (1 - exp(-part->cut_feeds / others)) : 0;
  part->graph_bytes += part->ghosts * (8 + 4 + 4);
  if (part->ghosts > 0)
    cross(config, family, each, part);
  else
    part->neighbours = 0;
  count_messages(config, part);
}

int64_t ouro_plan_replicates(int64_t replicates, int groups) {
  const int64_t blocks = ouro_replicate_blocks(replicates);
  const int64_t most = (blocks + groups - 1) / groups * OURO_REPLICATE_BLOCK;
  return most < replicates ? most : replicates;
}

void ouro_plan_groups(const ouro_config *config, const ouro_family *family, const ouro_plan_machine *machine,
                      const ouro_plan_counts *whole, int n_ranks, int groups, double cut, ouro_plan_cost *cost) {
  ouro_config of_group = *config;
  ouro_plan_counts part;
  const int n_parts = n_ranks / groups;
  of_group.learning.replicates = ouro_plan_replicates(config->learning.replicates, groups);
  ouro_plan_assume(&of_group, family, whole, n_parts, cut < 0 ? 1 - 1.0 / n_parts : cut, 0, &part);
  ouro_plan_price(&of_group, family, machine, &part, n_parts, cost); /* each result is written once */
}
