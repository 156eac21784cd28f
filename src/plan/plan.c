/* A plan: a graph is partitioned, its parts are counted generation by generation, and priced. Invariant: what a part
 * sends is counted by the exchange; all figures are the same on every rank, and on any number of them. */

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "ouro/base/memory.h"
#include "ouro/graph/route.h"
#include "ouro/graph/schedule.h"
#include "ouro/plan/groups.h"
#include "plan/private.h"

/* Parts first .. first + n-1 are held by this rank. */
typedef struct held {
  int first, n;
  ouro_exchange_part *whole;      /* [n] as they are owned */
  ouro_exchange_part *now;        /* [n] in the generation that is counted */
  ouro_schedule **schedule;       /* [n] */
  ouro_exchange_traffic *traffic; /* [n_parts] */
} held;

static int rank_of(int part, int n_parts, int n_ranks) {
  return (int)((int64_t)part * n_ranks / n_parts);
}

/* ---- each part to one rank ---- */

typedef struct assignment {
  ouro_gid gid;
  int64_t part;
} assignment;

static int by_gid(const void *a, const void *b) {
  const ouro_gid x = ((const assignment *)a)->gid, y = ((const assignment *)b)->gid;
  return (x > y) - (x < y);
}

/* Collective: the parts of the nodes that migration will bring here, in the order that they will have. */
static ouro_status move_parts(const ouro_graph *graph, const int32_t *part, const int *rank, int64_t *n,
                              assignment **moved) {
  ouro_status status = OURO_OK;
  ouro_route route = {0};
  assignment *own = ouro_memory_new((size_t)graph->n_owned, sizeof *own);
  OURO_AGREE(graph->comm, own ? OURO_OK : OURO_ENOMEM);
  for (ouro_lid i = 0; i < graph->n_owned; i++) own[i] = (assignment){graph->gid[i], part[i]};
  OURO_TRY(ouro_route_open(graph->comm, graph->n_owned, rank, &route));
  *moved = ouro_memory_new((size_t)route.n_received, sizeof **moved);
  OURO_AGREE(graph->comm, *moved ? OURO_OK : OURO_ENOMEM);
  OURO_TRY(ouro_route_send_field(&route, sizeof *own, own, *moved));
  *n = route.n_received;
  if (*n > 0) qsort(*moved, (size_t)*n, sizeof **moved, by_gid);
cleanup:
  ouro_route_close(&route);
  free(own);
  return status;
}

/* Collective: move the graph so that each part is on one rank.
 * [in]  part  [n_owned]
 * [out] parts [n_owned + n_ghost] of the moved graph, to be released with free() */
static ouro_status gather_parts(ouro_graph **graph, int n_parts, const int32_t *part, int32_t **parts) {
  ouro_status status = OURO_OK;
  MPI_Comm comm = (*graph)->comm;
  assignment *moved = NULL;
  int64_t n = 0;
  int n_ranks;
  MPI_Comm_size(comm, &n_ranks);
  int *rank = ouro_memory_new((size_t)(*graph)->n_owned, sizeof *rank);
  OURO_AGREE(comm, rank ? OURO_OK : OURO_ENOMEM);
  for (ouro_lid i = 0; i < (*graph)->n_owned; i++) rank[i] = rank_of(part[i], n_parts, n_ranks);
  OURO_TRY(move_parts(*graph, part, rank, &n, &moved));
  OURO_TRY(ouro_partition_migrate(graph, rank));
  *parts = ouro_memory_new((size_t)(*graph)->n_owned + (size_t)(*graph)->n_ghost, sizeof **parts);
  OURO_AGREE(comm, *parts ? OURO_OK : OURO_ENOMEM);
  for (int64_t i = 0; i < n; i++) (*parts)[i] = (int32_t)moved[i].part;
  OURO_TRY(ouro_halo_update((*graph)->halo, *parts, sizeof **parts));
cleanup:
  free(rank);
  free(moved);
  return status;
}

/* ---- counts ---- */

/* Feeds of an owned node in this generation, by whether their source is here. */
static void count_feeds(const ouro_graph *graph, ouro_lid i, ouro_plan_work *here, ouro_plan_work *away) {
  for (ouro_eid e = graph->row[i]; e < graph->row[i + 1]; e++) {
    ouro_plan_work *work = graph->source[e] < graph->n_owned ? here : away;
    work->sets++;
    work->samples += (double)ouro_graph_samples(graph, e);
  }
}

/* Corpora that are consumed here, of owned and other sources. */
static ouro_status count_corpora(const ouro_graph *graph, ouro_plan_work *here, ouro_plan_work *away) {
  ouro_status status = OURO_OK;
  ouro_count *corpus = NULL;
  const ouro_lid n = graph->n_owned + graph->n_ghost;
  OURO_NEW(corpus, n);
  for (ouro_eid e = 0; e < graph->row[graph->n_owned]; e++) corpus[graph->source[e]] = ouro_graph_samples(graph, e);
  for (ouro_lid j = 0; j < n; j++) {
    ouro_plan_work *work = j < graph->n_owned ? here : away;
    work->sets += corpus[j] > 0;
    work->samples += (double)corpus[j];
  }
cleanup:
  free(corpus);
  return status;
}

static void add_work(ouro_plan_work *sum, const ouro_plan_work *more) {
  sum->sets += more->sets;
  sum->samples += more->samples;
}

/* Add one generation of a part. */
static ouro_status add_generation(const ouro_config *config, const ouro_graph *graph, ouro_plan_counts *part) {
  ouro_status status = OURO_OK;
  ouro_plan_work here = {0}, away = {0};
  for (ouro_lid i = 0; i < graph->n_owned; i++) {
    const double before = here.samples + away.samples;
    const double real = config->real.kind == OURO_REAL_INITIAL ? 0 : (double)graph->real[i];
    count_feeds(graph, i, &here, &away);
    const double size = here.samples + away.samples - before + real;
    if (size > part->largest) part->largest = size;
    part->trained += size > 0;
    part->samples += size;
    part->drawn.sets += real > 0;
    part->drawn.samples += real;
  }
  part->fed += here.samples + away.samples;
  part->feeds += here.sets + away.sets;
  part->cut_feeds += away.sets;
  if (config->learning.draw == OURO_DRAW_PUBLISHED) {
    part->merged += here.sets + away.sets;
    here = away = (ouro_plan_work){0};
    OURO_TRY(count_corpora(graph, &here, &away));
    part->slots += here.sets + away.sets;
  }
  add_work(&part->drawn, &here);
  if (ouro_plan_carries_parameters(config)) add_work(&part->drawn, &away);
cleanup:
  return status;
}

static void add_traffic(const ouro_exchange_traffic *traffic, ouro_plan_counts *part) {
  part->neighbours = traffic->neighbours;
  part->bytes_sent += (double)traffic->bytes_sent;
  part->bytes_received += (double)traffic->bytes_received;
  part->messages_sent += (double)traffic->messages_sent;
  part->messages_received += (double)traffic->messages_received;
  part->rounds += (double)traffic->rounds;
  if ((double)traffic->buffer > part->buffer) part->buffer = (double)traffic->buffer;
}

static void add_crossing(const ouro_exchange_traffic *traffic, ouro_plan_counts *part) {
  const ouro_plan_work sent = {(double)traffic->sets_sent, (double)traffic->rows_sent};
  const ouro_plan_work taken = {(double)traffic->sets_received, (double)traffic->rows_received};
  add_work(&part->sent, &sent);
  add_work(&part->taken, &taken);
}

/* What learning asks of the exchange, in each tier. */
static ouro_exchange_options options_of(const ouro_config *config, const ouro_family *family) {
  const bool whole = config->learning.sampling == OURO_SAMPLING_STATISTICS;
  const int width = whole ? family->statistic_width : family->row_width;
  return (ouro_exchange_options){.draw = config->learning.draw,
                                 .replicates = config->learning.replicates,
                                 .row_bytes = (size_t)width * sizeof(double),
                                 .block = whole ? 1 : OURO_ROW_BLOCK,
                                 .buffer = config->exchange.buffer,
                                 .whole = whole};
}

/* Collective: count the generation that the schedules are at, which stands for `times` of them. */
static ouro_status count_generation(const ouro_config *config, const ouro_family *family, MPI_Comm comm, int64_t times,
                                    held *here, ouro_plan *plan) {
  ouro_status status = OURO_OK;
  const bool carried = ouro_plan_carries_parameters(config);
  const ouro_exchange_options options = options_of(config, family);
  const int64_t model = config->learning.replicates * family->n_parameters * (int64_t)sizeof(double);
  for (int h = 0; h < here->n; h++) {
    here->now[h] = (ouro_exchange_part){here->whole[h].number, &here->schedule[h]->now};
  }
  if (carried)
    OURO_TRY(ouro_exchange_count_halo(comm, plan->n_parts, here->n, here->whole, model, here->traffic));
  else
    OURO_TRY(ouro_exchange_count(comm, plan->n_parts, here->n, here->now, &options, here->traffic));
  for (int h = 0; h < here->n && status == OURO_OK; h++) {
    status = add_generation(config, here->now[h].graph, &plan->part[here->first + h].counts);
  }
  OURO_AGREE(comm, status);
  for (int p = 0; p < plan->n_parts; p++) {
    ouro_plan_part *part = &plan->part[p];
    add_traffic(&here->traffic[p], &part->counts);
    if (!carried) add_crossing(&here->traffic[p], &part->counts);
    part->bytes_run += times * here->traffic[p].bytes_sent;
    if (here->traffic[p].least > plan->least_buffer) plan->least_buffer = here->traffic[p].least;
  }
cleanup:
  return status;
}

/* Sums over generations become means. */
static void average(double generations, ouro_plan_counts *part) {
  double *const sums[] = {&part->trained,       &part->feeds,         &part->cut_feeds,
                          &part->samples,       &part->fed,           &part->drawn.sets,
                          &part->drawn.samples, &part->sent.sets,     &part->sent.samples,
                          &part->taken.sets,    &part->taken.samples, &part->merged,
                          &part->slots,         &part->bytes_sent,    &part->bytes_received,
                          &part->messages_sent, &part->rounds,        &part->messages_received};
  for (size_t k = 0; k < sizeof sums / sizeof sums[0]; k++) *sums[k] /= generations;
}

/* What does not change from generation to generation. */
static void count_part(const ouro_config *config, const ouro_graph *graph, ouro_plan_counts *part) {
  part->nodes = graph->n_owned;
  part->ghosts = graph->n_ghost;
  part->graph_bytes = ouro_plan_graph_bytes(graph);
  for (ouro_lid i = 0; i < graph->n_owned; i++) {
    part->initial += (double)ouro_schedule_initial(config, graph, i);
    part->kept += ouro_schedule_kept(config, graph, i);
  }
}

/* Collective: all generations; where counts stay what they are, one stands for all. */
static ouro_status count_all(const ouro_config *config, const ouro_family *family, const ouro_graph *graph, held *here,
                             ouro_plan *plan) {
  ouro_status status = OURO_OK;
  const bool varies = ouro_schedule_varies(config, graph);
  const int64_t all = config->learning.generations, last = varies && all > 1 ? all : 1;
  for (int h = 0; h < here->n; h++) count_part(config, here->whole[h].graph, &plan->part[here->first + h].counts);
  for (int64_t g = 1; g <= last; g++) {
    bool changed;
    for (int h = 0; h < here->n; h++) ouro_schedule_move(here->schedule[h], g, &changed);
    OURO_TRY(count_generation(config, family, graph->comm, varies && all > 0 ? 1 : all, here, plan));
  }
  for (int p = 0; p < plan->n_parts; p++) average((double)last, &plan->part[p].counts);
cleanup:
  return status;
}

/* ---- the plan ---- */

static void held_clear(held *here) {
  for (int h = 0; h < here->n; h++) {
    if (here->schedule) ouro_schedule_destroy(&here->schedule[h]);
    if (here->whole) ouro_graph_destroy((ouro_graph **)&here->whole[h].graph);
  }
  free(here->whole);
  free(here->now);
  free(here->schedule);
  free(here->traffic);
}

/* Not collective: graphs of the parts of this rank, and their schedules. */
static ouro_status hold(const ouro_config *config, const ouro_graph *graph, const int32_t *part, int n_parts,
                        held *here) {
  ouro_status status = OURO_OK;
  int rank, n_ranks;
  MPI_Comm_rank(graph->comm, &rank);
  MPI_Comm_size(graph->comm, &n_ranks);
  while (here->first < n_parts && rank_of(here->first, n_parts, n_ranks) < rank) here->first++;
  int end = here->first;
  while (end < n_parts && rank_of(end, n_parts, n_ranks) == rank) end++;
  OURO_NEW(here->whole, end - here->first);
  OURO_NEW(here->now, end - here->first);
  OURO_NEW(here->schedule, end - here->first);
  OURO_NEW(here->traffic, n_parts);
  here->n = end - here->first;
  OURO_TRY(ouro_plan_cut(graph, part, here->first, here->n, here->whole));
  for (int h = 0; h < here->n; h++) {
    OURO_TRY(ouro_schedule_create(config, here->whole[h].graph, &here->schedule[h]));
  }
cleanup:
  return status;
}

/* Collective: what each part's rank has counted, on all ranks; traffic is there already. */
static ouro_status share_counts(MPI_Comm comm, ouro_plan *plan) {
  enum { NUMBERS = sizeof(ouro_plan_counts) / sizeof(double) };
  int n_ranks;
  MPI_Comm_size(comm, &n_ranks);
  for (int p = 0; p < plan->n_parts; p++) {
    const int root = rank_of(p, plan->n_parts, n_ranks);
    if (MPI_Bcast(&plan->part[p].counts, NUMBERS, MPI_DOUBLE, root, comm) != MPI_SUCCESS) {
      return ouro_error(OURO_EMPI, "plan: cannot share the counts of part %d", p);
    }
  }
  return OURO_OK;
}

/* As many as a run would form, by the machine that is built in as there. */
static ouro_status choose_groups(const ouro_config *config, const ouro_family *family, const ouro_plan_counts *whole,
                                 const ouro_plan_ranks *ranks, double cut, int *groups) {
  ouro_status status = OURO_OK;
  ouro_plan_machine *machine = NULL;
  ouro_plan_choice choice;
  const ouro_plan_grounds grounds = {ranks->n, cut, ranks->memory > 0 ? ranks->memory : INFINITY};
  *groups = (int)ouro_config_groups(config);
  if (strcmp(config->parallel.groups, "auto") != 0 || ranks->n == 1) return OURO_OK;
  OURO_TRY(ouro_plan_machine_built_in(&machine));
  ouro_plan_choose_groups(config, family, machine, whole, &grounds, &choice);
  *groups = choice.groups;
cleanup:
  ouro_plan_machine_destroy(&machine);
  return status;
}

static ouro_status new_plan(const ouro_config *config, int n_ranks, int groups, ouro_plan **plan) {
  ouro_status status = OURO_OK;
  OURO_NEW(*plan, 1);
  (*plan)->n_ranks = n_ranks;
  (*plan)->n_groups = groups;
  (*plan)->n_parts = n_ranks / groups;
  (*plan)->replicates = ouro_plan_replicates(config->learning.replicates, groups);
  OURO_NEW((*plan)->part, (*plan)->n_parts);
cleanup:
  return status;
}

/* The configuration of the group with most replicates. */
static ouro_config of_group(const ouro_config *config, const ouro_plan *plan) {
  ouro_config group = *config;
  group.learning.replicates = plan->replicates;
  return group;
}

/* Bytes are as many times those of a replicate. In groups every rank holds its share of the graph as given, too. */
static void price_all(const ouro_config *config, const ouro_family *family, const ouro_plan_machine *machine,
                      double graph_bytes, ouro_plan *plan) {
  const ouro_config group = of_group(config, plan);
  for (int p = 0; p < plan->n_parts; p++) {
    ouro_plan_part *part = &plan->part[p];
    if (plan->n_groups > 1) part->counts.graph_bytes += graph_bytes / plan->n_ranks;
    ouro_plan_price(&group, family, machine, &part->counts, plan->n_parts, &part->cost);
    part->bytes_all = part->bytes_run / plan->replicates * config->learning.replicates;
  }
}

/* Collective.
 * [out] part [n_owned] to be released with free() */
static ouro_status choose(const ouro_config *config, const ouro_family *family, const ouro_graph *graph, int n_parts,
                          int32_t **part, ouro_partition_figures *figures) {
  ouro_status status = OURO_OK;
  *part = ouro_memory_new((size_t)graph->n_owned, sizeof **part);
  OURO_AGREE(graph->comm, *part ? OURO_OK : OURO_ENOMEM);
  OURO_TRY(ouro_partition_choose(graph, &config->partition, ouro_partition_crossing(config), n_parts,
                                 (double)family->row_width * sizeof(double), *part, figures));
cleanup:
  return status;
}

/* Collective: cut the graph into parts and count them. part [n_owned] of as many parts as there are ranks, of which
 * those in a row belong to one rank of a group. */
static ouro_status count_parts(const ouro_config *config, const ouro_family *family, int32_t *part, ouro_graph **graph,
                               ouro_plan *plan) {
  ouro_status status = OURO_OK;
  held here = {0};
  int32_t *parts = NULL;
  MPI_Comm comm = (*graph)->comm;
  const ouro_config group = of_group(config, plan);
  for (ouro_lid i = 0; i < (*graph)->n_owned; i++) part[i] /= plan->n_groups;
  OURO_TRY(gather_parts(graph, plan->n_parts, part, &parts));
  OURO_AGREE(comm, hold(&group, *graph, parts, plan->n_parts, &here));
  OURO_TRY(count_all(&group, family, *graph, &here, plan));
  OURO_TRY(share_counts(comm, plan));
cleanup:
  held_clear(&here);
  free(parts);
  return status;
}

ouro_status ouro_plan_create(const ouro_config *config, const ouro_family *family, const ouro_plan_machine *machine,
                             const ouro_plan_ranks *ranks, ouro_graph **graph, ouro_plan **plan) {
  ouro_status status = OURO_OK;
  ouro_plan *made = NULL;
  ouro_plan_counts whole;
  ouro_partition_figures figures;
  int32_t *part = NULL;
  MPI_Comm comm = (*graph)->comm;
  int groups;
  *plan = NULL;
  OURO_TRY(ouro_plan_count_whole(config, family, *graph, &whole));
  OURO_TRY(choose(config, family, *graph, ranks->n, &part, &figures));
  const double cut = whole.feeds > 0 ? (double)figures.cut_feeds / whole.feeds : 0;
  OURO_AGREE(comm, choose_groups(config, family, &whole, ranks, cut, &groups));
  OURO_AGREE(comm, new_plan(config, ranks->n, groups, &made));
  made->figures = figures;
  OURO_TRY(count_parts(config, family, part, graph, made));
  price_all(config, family, machine, whole.graph_bytes, made);
  *plan = made;
  made = NULL;
cleanup:
  ouro_plan_destroy(&made);
  free(part);
  return status;
}

/* Two blocks a channel, or all there is. */
static int64_t least_buffer(const ouro_config *config, const ouro_family *family, const ouro_plan_counts *part) {
  const ouro_exchange_options options = options_of(config, family);
  if (ouro_plan_carries_parameters(config) || part->neighbours == 0) return 0;
  const double channel = part->bytes_sent / part->neighbours;
  const double blocks = 2 * (double)options.block * (double)options.row_bytes;
  return (int64_t)(2 * part->neighbours * (channel < blocks ? channel : blocks));
}

ouro_status ouro_plan_create_assumed(const ouro_config *config, const ouro_family *family,
                                     const ouro_plan_machine *machine, const ouro_plan_ranks *ranks, double cut,
                                     double neighbours, ouro_plan **plan) {
  ouro_status status = OURO_OK;
  ouro_plan *made = NULL;
  ouro_plan_counts whole;
  ouro_plan_part part = {0};
  int groups;
  *plan = NULL;
  OURO_TRY(ouro_plan_count_generated(config, family, &whole));
  OURO_TRY(choose_groups(config, family, &whole, ranks, cut, &groups));
  OURO_TRY(new_plan(config, ranks->n, groups, &made));
  const ouro_config group = of_group(config, made);
  ouro_plan_assume(&group, family, &whole, made->n_parts, cut, neighbours, &part.counts);
  made->least_buffer = least_buffer(&group, family, &part.counts);
  part.bytes_run = (int64_t)(part.counts.bytes_sent * (double)config->learning.generations);
  for (int p = 0; p < made->n_parts; p++) made->part[p] = part;
  price_all(config, family, machine, whole.graph_bytes, made);
  *plan = made;
  made = NULL;
cleanup:
  ouro_plan_destroy(&made);
  return status;
}

void ouro_plan_destroy(ouro_plan **plan) {
  if (*plan == NULL) return;
  free((*plan)->part);
  free(*plan);
  *plan = NULL;
}
