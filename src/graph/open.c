/* The graph of a configuration: read or generated, then real data and roots. Owned nodes are blocks of consecutive
 * ids, whatever the file's byte ranges were. Does not know how a format is read. */

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "graph/read.h"
#include "graph/samples.h"
#include "ouro/base/log.h"
#include "ouro/base/memory.h"
#include "ouro/base/random.h"
#include "ouro/graph/generate.h"
#include "ouro/graph/route.h"

#define NAME_SIZE (OURO_NAME_MAX + 1)

/* ---- feeds ---- */

static ouro_status generate(ouro_reading *reading) {
  ouro_status status;
  const ouro_config_graph *config = &reading->config->graph;
  int rank, n_ranks;
  MPI_Comm_rank(reading->comm, &rank);
  MPI_Comm_size(reading->comm, &n_ranks);
  OURO_TRY(ouro_graph_generate_nodes(config->generate, &reading->n_nodes));
  OURO_TRY(ouro_graph_generate_fits(reading->comm, config->generate));
  reading->feeds.each = config->samples;
  OURO_AGREE(reading->comm, ouro_graph_generate(config->generate, config->samples, rank, n_ranks, &reading->feeds));
  if (reading->node_file) OURO_TRY(ouro_read_nodes(reading));
cleanup:
  return status;
}

static bool ends_with(const char *path, const char *ending) {
  const size_t n = strlen(path), m = strlen(ending);
  return n > m && strcasecmp(path + n - m, ending) == 0;
}

static ouro_status read_file(ouro_reading *reading) {
  if (ends_with(reading->file, ".mtx")) return ouro_read_mtx(reading);
  if (ends_with(reading->file, ".graph")) return ouro_read_metis(reading);
  if (ends_with(reading->file, ".h5")) return ouro_read_h5(reading);
  return ouro_read_edges(reading);
}

/* Feeds and the lines of the node file, by dense ids. */
static ouro_status read_feeds(ouro_reading *reading) {
  ouro_status status;
  if (reading->file == NULL) {
    OURO_TRY(generate(reading));
  } else {
    OURO_TRY(read_file(reading));
  }
  if (reading->key == NULL) OURO_TRY(ouro_read_number(reading));
  if (reading->config->graph.flip) {
    ouro_gid *source = reading->feeds.source;
    reading->feeds.source = reading->feeds.target;
    reading->feeds.target = source;
  }
  if (reading->config->learning.draw == OURO_DRAW_PUBLISHED) OURO_TRY(ouro_read_check_published(reading));
cleanup:
  return status;
}

/* ---- labels ---- */

static ouro_status set_names(const ouro_reading *reading, ouro_graph *graph) {
  ouro_status status = OURO_OK;
  const int64_t width = reading->width, bytes = 8 * width;
  char *text = NULL;
  size_t longest = 1;
  OURO_NEW(text, graph->n_owned * bytes + 1);
  for (ouro_lid i = 0; i < graph->n_owned; i++) {
    ouro_key_name(reading->key + i * width, width, text + i * bytes);
    const size_t length = strnlen(text + i * bytes, (size_t)bytes);
    if (length > longest) longest = length;
  }
  graph->label_text = text;
  graph->label_width = (int)longest;
cleanup:
  return status;
}

/* Names as wide as the longest of all ranks. */
static void narrow_names(ouro_graph *graph, int64_t bytes) {
  MPI_Allreduce(MPI_IN_PLACE, &graph->label_width, 1, MPI_INT, MPI_MAX, graph->comm);
  const size_t width = (size_t)graph->label_width;
  for (ouro_lid i = 0; i < graph->n_owned; i++) {
    memmove(graph->label_text + (size_t)i * width, graph->label_text + i * bytes, width);
  }
}

static ouro_status set_integers(const ouro_reading *reading, ouro_graph *graph) {
  ouro_status status = OURO_OK;
  if (graph->label == NULL) OURO_NEW(graph->label, graph->n_owned);
  for (ouro_lid i = 0; i < graph->n_owned; i++) {
    graph->label[i] = reading->key ? ouro_key_integer(reading->key[i]) : graph->gid[i] + reading->first_label;
  }
cleanup:
  return status;
}

static ouro_status set_labels(const ouro_reading *reading, ouro_graph *graph) {
  ouro_status status;
  OURO_AGREE(graph->comm, reading->named ? set_names(reading, graph) : set_integers(reading, graph));
  if (reading->named) {
    graph->named = true;
    free(graph->label);
    graph->label = NULL;
    narrow_names(graph, 8 * reading->width);
  }
cleanup:
  return status;
}

/* ---- real data ---- */

/* A line of the node file on its way. */
typedef struct listing {
  int64_t node, line, every;
  ouro_count real, initial;
  double noise;
} listing;

enum { WORDS = sizeof(listing) / sizeof(int64_t) };

/* Line number i of those on this rank; what it does not say is as ouro_traits has it. */
static listing listing_of(const ouro_listed *listed, int64_t i) {
  const ouro_traits *trait = &listed->trait;
  return (listing){.node = listed->node[i],
                   .line = listed->line[i],
                   .real = listed->real[i],
                   .initial = trait->initial ? trait->initial[i] : 0,
                   .noise = trait->noise ? trait->noise[i] : NAN,
                   .every = trait->every ? trait->every[i] : 1};
}

/* The node files' lines on the ranks that own the nodes, earlier lines first. */
static ouro_status send_listed(const ouro_reading *reading, const ouro_graph *graph, listing **received, int64_t *n) {
  ouro_status status;
  const ouro_listed *listed = &reading->listed;
  ouro_route route = {0};
  int n_ranks;
  MPI_Comm_size(graph->comm, &n_ranks);
  int *rank = ouro_memory_new((size_t)listed->n, sizeof *rank);
  listing *record = ouro_memory_new((size_t)listed->n, sizeof *record);
  int64_t *arrived = NULL;
  OURO_AGREE(graph->comm, rank && record ? OURO_OK : OURO_ENOMEM);
  for (int64_t i = 0; i < listed->n; i++) {
    rank[i] = ouro_graph_block_rank(graph->n_nodes, n_ranks, listed->node[i]);
    record[i] = listing_of(listed, i);
  }
  OURO_TRY(ouro_route_open(graph->comm, listed->n, rank, &route));
  OURO_TRY(ouro_route_send(&route, WORDS, (const int64_t *)record, &arrived));
  *received = (listing *)arrived;
  *n = route.n_received;
cleanup:
  ouro_route_close(&route);
  free(rank);
  free(record);
  return status;
}

/* Fails on the one rank whose line is the smallest. */
static ouro_status agree_on_first(MPI_Comm comm, int64_t line, ouro_status local) {
  int64_t first = local == OURO_OK ? INT64_MAX : line;
  MPI_Allreduce(MPI_IN_PLACE, &first, 1, MPI_INT64_T, MPI_MIN, comm);
  return ouro_agree(comm, local != OURO_OK && line == first ? local : OURO_OK);
}

/* Set real data and traits from the lines; *bad is the first line that names a node again. */
static ouro_status take_listed(const char *file, ouro_graph *graph, const listing *record, int64_t n, int64_t *bad) {
  ouro_status status = OURO_OK;
  int64_t *line = NULL;
  char name[NAME_SIZE];
  OURO_NEW(line, graph->n_owned);
  for (int64_t k = 0; k < n; k++) {
    const listing *at = record + k;
    const ouro_lid i = (ouro_lid)(at->node - graph->gid[0]);
    *bad = at->line;
    OURO_CHECK(line[i] == 0, OURO_EINPUT, "%s:%" PRId64 ": node %s is listed in line %" PRId64 " already", file,
               at->line, ouro_graph_name(graph, i, name, sizeof name), line[i]);
    line[i] = at->line;
    graph->real[i] = at->real;
    if (graph->initial) graph->initial[i] = at->initial;
    if (graph->noise) graph->noise[i] = at->noise;
    if (graph->every) graph->every[i] = at->every;
  }
cleanup:
  free(line);
  return status;
}

/* Traits of models that the node file does not list. */
static ouro_status new_traits(const ouro_reading *reading, ouro_graph *graph) {
  ouro_status status = OURO_OK;
  const ouro_traits *trait = &reading->listed.trait;
  if (trait->initial) OURO_NEW(graph->initial, graph->n_owned);
  if (trait->noise) OURO_NEW(graph->noise, graph->n_owned);
  if (trait->every) OURO_NEW(graph->every, graph->n_owned);
  for (ouro_lid i = 0; graph->noise && i < graph->n_owned; i++) graph->noise[i] = NAN;
  for (ouro_lid i = 0; graph->every && i < graph->n_owned; i++) graph->every[i] = 1;
cleanup:
  return status;
}

static ouro_status set_listed(const ouro_reading *reading, ouro_graph *graph) {
  ouro_status status;
  listing *record = NULL;
  int64_t n = 0, bad = 0;
  OURO_AGREE(graph->comm, new_traits(reading, graph));
  OURO_TRY(send_listed(reading, graph, &record, &n));
  status = take_listed(reading->node_file, graph, record, n, &bad);
  OURO_TRY(agree_on_first(graph->comm, bad, status));
cleanup:
  free(record);
  return status;
}

/* A node is picked by its id and the seed alone. */
static bool is_picked(const ouro_config *config, ouro_gid node) {
  double uniform;
  const ouro_stream stream = ouro_random_stream(config->learning.seed, 0, 0, OURO_PURPOSE_PICK, OURO_NATURE, node);
  ouro_random_uniforms(&stream, 0, 1, &uniform);
  return uniform < config->real.fraction;
}

/* Feeds alone can be counted: ouro_graph_build() has seen to that. */
static ouro_status check_training_sizes(const ouro_graph *graph) {
  char name[NAME_SIZE];
  for (ouro_lid i = 0; i < graph->n_owned; i++) {
    ouro_count n = graph->real[i];
    if (n == 0) continue;
    for (ouro_eid k = graph->row[i]; k < graph->row[i + 1]; k++) {
      if (!__builtin_add_overflow(n, ouro_graph_samples(graph, k), &n)) continue;
      return ouro_error(OURO_ELIMIT, "node %s: its training set has more samples than can be counted",
                        ouro_graph_name(graph, i, name, sizeof name));
    }
  }
  return OURO_OK;
}

/* Those that the graph file brings. */
static void take_traits(ouro_reading *reading, ouro_graph *graph) {
  graph->initial = reading->trait.initial;
  graph->noise = reading->trait.noise;
  graph->every = reading->trait.every;
  reading->trait = (ouro_traits){0};
}

/* Collective: where all are retrained always, nobody has to ask. */
static void drop_every(ouro_graph *graph) {
  int64_t most = 1;
  for (ouro_lid i = 0; graph->every && i < graph->n_owned; i++) most = graph->every[i] > most ? graph->every[i] : most;
  MPI_Allreduce(MPI_IN_PLACE, &most, 1, MPI_INT64_T, MPI_MAX, graph->comm);
  if (most > 1) return;
  free(graph->every);
  graph->every = NULL;
}

static ouro_status set_real(ouro_reading *reading, ouro_graph *graph) {
  ouro_status status = OURO_OK;
  const ouro_config *config = reading->config;
  if (reading->node_file)
    OURO_TRY(set_listed(reading, graph));
  else
    take_traits(reading, graph);
  if (reading->node_file == NULL && reading->real && graph->n_owned)
    memcpy(graph->real, reading->real, sizeof *graph->real * (size_t)graph->n_owned);
  OURO_TRY(ouro_graph_share_noise(graph));
  drop_every(graph);
  const bool all = config->real.nodes && strcmp(config->real.nodes, "all") == 0;
  for (ouro_lid i = 0; i < graph->n_owned; i++) {
    if (all) graph->real[i] = config->real.samples;
    if (config->real.fraction > 0 && graph->real[i] == 0 && is_picked(config, graph->gid[i])) {
      graph->real[i] = config->real.samples;
    }
  }
cleanup:
  return status;
}

/* ---- roots ---- */

static ouro_lid count_roots(const ouro_graph *graph, ouro_lid *first) {
  ouro_lid n = 0;
  for (ouro_lid i = 0; i < graph->n_owned; i++) {
    if (ouro_graph_is_root(graph, i) && n++ == 0) *first = i;
  }
  return n;
}

static ouro_status refuse_roots(const ouro_graph *graph) {
  char name[NAME_SIZE];
  ouro_lid first = 0;
  int64_t n = count_roots(graph, &first);
  const int64_t here = n;
  MPI_Allreduce(MPI_IN_PLACE, &n, 1, MPI_INT64_T, MPI_SUM, graph->comm);
  if (here == 0) return ouro_agree(graph->comm, OURO_OK);
  return ouro_agree(graph->comm,
                    ouro_error(OURO_EINPUT,
                               "graph.roots: error: %" PRId64 " node%s neither a feed nor real data, the first is %s",
                               n, n == 1 ? " has" : "s have", ouro_graph_name(graph, first, name, sizeof name)));
}

/* Let every root train on itself: a feed from an owned node, so ghosts and halo stay as they are. */
static ouro_status add_self_loops(ouro_graph *graph, ouro_count samples, ouro_lid n_roots) {
  ouro_status status = OURO_OK;
  ouro_lid *source = NULL;
  ouro_count *count = NULL;
  ouro_eid *row = NULL;
  const ouro_eid n = graph->row[graph->n_owned] + n_roots;
  OURO_NEW(source, n);
  OURO_NEW(count, n);
  OURO_NEW(row, graph->n_owned + 1);
  for (ouro_lid i = 0; i < graph->n_owned; i++) {
    const ouro_eid from = graph->row[i], degree = graph->row[i + 1] - from;
    const bool root = ouro_graph_is_root(graph, i);
    for (ouro_eid k = 0; k < degree; k++) {
      source[row[i] + k] = graph->source[from + k];
      count[row[i] + k] = ouro_graph_samples(graph, from + k);
    }
    if (root) {
      source[row[i]] = i;
      count[row[i]] = samples;
    }
    row[i + 1] = row[i] + degree + root;
  }
  free(graph->source);
  free(graph->samples);
  free(graph->times);
  free(graph->row);
  graph->source = source;
  graph->samples = count;
  graph->times = NULL;
  graph->row = row;
  source = NULL;
  count = NULL;
  row = NULL;
cleanup:
  free(source);
  free(count);
  free(row);
  return status;
}

static ouro_status treat_roots(const ouro_config *config, ouro_graph *graph) {
  ouro_status status = OURO_OK;
  ouro_lid first = 0;
  const ouro_lid n_roots = count_roots(graph, &first);
  int64_t all = n_roots;
  switch (config->graph.roots) {
  case OURO_ROOTS_FROZEN:
    break;
  case OURO_ROOTS_REAL:
    for (ouro_lid i = 0; i < graph->n_owned; i++) {
      if (ouro_graph_is_root(graph, i)) graph->real[i] = config->real.samples;
    }
    break;
  case OURO_ROOTS_SELF:
    OURO_AGREE(graph->comm, add_self_loops(graph, config->graph.samples, n_roots));
    OURO_TRY(ouro_samples_pack(graph));
    MPI_Allreduce(MPI_IN_PLACE, &all, 1, MPI_INT64_T, MPI_SUM, graph->comm);
    graph->n_feeds += all;
    break;
  case OURO_ROOTS_ERROR:
    OURO_TRY(refuse_roots(graph));
    break;
  }
cleanup:
  return status;
}

/* ---- all of it ---- */

#define BYTES_A_NODE 64      /* labels, rows, real data and what numbering needs */
#define SURELY_FITS 10000000 /* nodes a rank that need no check */

/* A file may announce any number of nodes: refuse what this machine cannot hold before it is allocated. */
static ouro_status check_memory(const ouro_reading *reading) {
  int n_ranks;
  MPI_Comm_size(reading->comm, &n_ranks);
  const ouro_gid here = reading->n_nodes / n_ranks;
  if (here < SURELY_FITS) return OURO_OK;
  const int64_t available = ouro_memory_available(reading->comm);
  if (here < available / BYTES_A_NODE) return ouro_agree(reading->comm, OURO_OK);
  return ouro_agree(reading->comm,
                    ouro_error(OURO_ELIMIT,
                               "%s: %" OURO_GID_FMT " nodes need more than the %" PRId64 " MiB of memory a rank has",
                               reading->file ? reading->file : "graph", reading->n_nodes, available >> 20));
}

static bool is_file(const char *nodes) {
  return nodes && strcmp(nodes, "all") != 0 && strcmp(nodes, "none") != 0;
}

static void report(const ouro_reading *reading, const ouro_graph *graph) {
  if (graph->n_merged == 0) return;
  ouro_log_root(reading->file ? OURO_LOG_WARNING : OURO_LOG_NOTICE,
                "%s: %" OURO_EID_FMT " duplicate feed%s, samples added up", reading->file ? reading->file : "graph",
                graph->n_merged, graph->n_merged == 1 ? "" : "s");
}

ouro_status ouro_graph_open(MPI_Comm comm, const ouro_config *config, ouro_graph **graph) {
  ouro_status status;
  ouro_graph *fresh = NULL;
  ouro_reading reading = {.comm = comm, .config = config, .file = config->graph.file};
  *graph = NULL;
  if (is_file(config->real.nodes)) reading.node_file = config->real.nodes;
  if (reading.file == NULL && config->graph.generate == NULL) {
    return ouro_error(OURO_ECONFIG, "graph: neither a file nor a generator");
  }
  OURO_TRY(read_feeds(&reading));
  OURO_TRY(check_memory(&reading));
  OURO_TRY(ouro_graph_build(comm, reading.n_nodes, &reading.feeds, &fresh));
  OURO_TRY(set_labels(&reading, fresh));
  report(&reading, fresh);
  OURO_TRY(set_real(&reading, fresh));
  OURO_TRY(treat_roots(config, fresh));
  OURO_AGREE(comm, check_training_sizes(fresh));
  *graph = fresh;
  fresh = NULL;
cleanup:
  ouro_reading_clear(&reading);
  ouro_graph_destroy(&fresh);
  return status;
}
