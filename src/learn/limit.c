/* The limit of many samples: a fit is the weighted mean of the models it is fitted to and a normal vector whose
 * covariance is that of such fits, THEORY.md section 11. Invariant: numbers begin at the same place of a stream for a
 * node, whoever owns it and whatever is drawn with it; sources are added up in ascending order.
 * Must not know what a parameter is. */

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "learn/private.h"
#include "ouro/base/memory.h"

#define TILE_MOST 256      /* models */
#define TILE_LEAST 8       /* */
#define TILE_NUMBERS 4096  /* of normal vectors: they stay in cache */
#define LEARN_NORMALS 4096 /* drawn in one call */
#define AHEAD 32           /* feeds whose source is asked for before it is needed */
#define ASKED 4            /* cache lines of it */

static size_t length_of(const learn_run *run) {
  return (size_t)run->replicates * (size_t)run->family->n_parameters;
}

ouro_status ouro_learn_limit_create(learn_run *run) {
  ouro_status status = OURO_OK;
  learn_limit *limit = &run->limit;
  const size_t length = length_of(run), fitting = TILE_NUMBERS / length, p = (size_t)run->family->n_parameters;
  limit->tile = fitting < TILE_LEAST ? TILE_LEAST : fitting > TILE_MOST ? TILE_MOST : (ouro_lid)fitting;
  limit->n_normals = LEARN_NORMALS + (p / OURO_RANDOM_BLOCK + 2) * OURO_RANDOM_BLOCK;
  OURO_NEW(limit->node, limit->tile);
  OURO_NEW(limit->sd, limit->tile);
  OURO_NEW(limit->fixed_sd, limit->tile);
  OURO_NEW(limit->z, (size_t)limit->tile * length);
  OURO_NEW(limit->normal, limit->n_normals);
  if (run->config->learning.draw == OURO_DRAW_PUBLISHED) {
    size_t n;
    OURO_TRY(ouro_memory_product((size_t)run->n_local, length, &n));
    OURO_NEW(limit->published, n);
  }
cleanup:
  return status;
}

void ouro_learn_limit_clear(learn_limit *limit) {
  free(limit->node);
  free(limit->sd);
  free(limit->fixed_sd);
  free(limit->z);
  free(limit->normal);
  free(limit->published);
}

static uint64_t round_down(uint64_t x) {
  return x / OURO_RANDOM_BLOCK * OURO_RANDOM_BLOCK;
}

/* From number `first` on, those of nodes[0] and of as many that follow it as lie close behind it and fit the room.
 * Returns the number behind the last drawn. */
static uint64_t draw_from(const learn_run *run, const ouro_stream *stream, ouro_lid n, const ouro_lid *nodes,
                          uint64_t first) {
  const uint64_t p = (uint64_t)run->family->n_parameters;
  uint64_t end = first;
  for (ouro_lid k = 0; k < n; k++) {
    const uint64_t begin = (uint64_t)run->graph->gid[nodes[k]] * p,
                   past = round_down(begin + p - 1) + OURO_RANDOM_BLOCK;
    if (k > 0 && (begin < first || begin > end || past - first > run->limit.n_normals)) break;
    if (past > end) end = past;
  }
  ouro_random_normals(stream, first, end - first, run->limit.normal);
  return end;
}

/* Add to the vectors of a tile sd times normal ones: those of node i are numbers i p .. i p + p-1 of a stream that all
 * nodes share, so that one call draws for many. */
static void add_normals(learn_run *run, ouro_lid n, const ouro_lid *nodes, ouro_purpose purpose, int64_t generation,
                        const double *sd) {
  const size_t p = (size_t)run->family->n_parameters, length = length_of(run);
  for (int64_t r = 0; r < run->replicates; r++) {
    const ouro_stream stream = ouro_learn_stream(run, r, generation, purpose, OURO_NATURE, 0);
    uint64_t first = 0, end = 0;
    for (ouro_lid k = 0; k < n; k++) {
      const uint64_t begin = (uint64_t)run->graph->gid[nodes[k]] * p;
      if (begin < first || begin + p > end) {
        first = round_down(begin);
        end = draw_from(run, &stream, n - k, nodes + k, first);
      }
      const double *normal = run->limit.normal + (begin - first);
      double *z = run->limit.z + (size_t)k * length + (size_t)r * p;
      for (size_t c = 0; c < p; c++) z[c] = fma(sd[k], normal[c], z[c]);
    }
  }
}

static void clear_vectors(learn_run *run, ouro_lid n) {
  memset(run->limit.z, 0, (size_t)n * length_of(run) * sizeof(double));
}

static void scatter(learn_run *run, ouro_lid n) {
  run->family->methods->scatter(run->family, n * (ouro_lid)run->replicates, run->limit.z);
}

/* What the samples of a model scatter, over what real ones do. */
static double noise_share(const learn_run *run, ouro_lid node) {
  const double *noise = ouro_learn_noise(run, node);
  return noise ? *noise * *noise / run->family->spread.base : 1;
}

void ouro_learn_limit_initial(learn_run *run) {
  learn_limit *limit = &run->limit;
  const size_t p = (size_t)run->family->n_parameters, length = length_of(run);
  for (ouro_lid first = 0; first < run->n_owned; first += limit->tile) {
    const ouro_lid n = run->n_owned - first < limit->tile ? run->n_owned - first : limit->tile;
    for (ouro_lid k = 0; k < n; k++) {
      limit->node[k] = first + k;
      limit->sd[k] = 1 / sqrt((double)ouro_schedule_initial(run->config, run->graph, first + k));
    }
    clear_vectors(run, n);
    add_normals(run, n, limit->node, OURO_PURPOSE_INITIAL, 0, limit->sd);
    scatter(run, n);
    double *made = run->next + (size_t)first * length;
    for (size_t c = 0; c < (size_t)n * length; c++) made[c] = run->family->truth[c % p] + limit->z[c];
  }
}

/* Means of the corpora of a tile of sources: what their consumers train on. */
static void publish_tile(learn_run *run, ouro_lid n) {
  const learn_limit *limit = &run->limit;
  const size_t length = length_of(run);
  clear_vectors(run, n);
  add_normals(run, n, limit->node, OURO_PURPOSE_CORPUS, run->generation, limit->sd);
  scatter(run, n);
  for (ouro_lid k = 0; k < n; k++) {
    const size_t at = (size_t)limit->node[k] * length;
    for (size_t c = 0; c < length; c++)
      limit->published[at + c] = run->theta[at + c] + limit->z[(size_t)k * length + c];
  }
}

static void publish(learn_run *run) {
  learn_limit *limit = &run->limit;
  ouro_lid n = 0;
  for (ouro_lid j = 0; j < run->n_local; j++) {
    if (run->corpus[j] == 0) continue;
    limit->node[n] = j;
    limit->sd[n++] = sqrt(noise_share(run, j) / (double)run->corpus[j]);
    if (n < limit->tile) continue;
    publish_tile(run, n);
    n = 0;
  }
  publish_tile(run, n);
}

/* Ask for what a feed some way ahead will need. */
static inline void ask(const ouro_graph *graph, ouro_eid feed, size_t length, const double *source) {
  if (feed >= graph->row[graph->n_owned]) return;
  const double *later = source + (size_t)graph->source[feed] * length;
  for (size_t c = 0; c < length && c < 8 * ASKED; c += 8) __builtin_prefetch(later + c);
  if (length < 8 * ASKED) __builtin_prefetch(later + length - 1);
}

/* Numbers at .. at + width-1 of sum_j m_ij source_j; a constant width keeps the sums in registers. */
static inline __attribute__((always_inline)) void add_some(const ouro_graph *graph, ouro_lid i, size_t length,
                                                           const double *source, size_t at, size_t width, double *sum) {
  double some[8] = {0};
  for (ouro_eid e = graph->row[i]; e < graph->row[i + 1]; e++) {
    const double *from = source + (size_t)graph->source[e] * length + at, m = (double)ouro_graph_samples(graph, e);
    if (at == 0) ask(graph, e + AHEAD, length, source);
    for (size_t c = 0; c < width; c++) some[c] = fma(m, from[c], some[c]);
  }
  for (size_t c = 0; c < width; c++) sum[at + c] = some[c];
}

/* sum_j m_ij source_j over `length` numbers a node: as many at a time as registers hold, twice as fast as in memory. */
static void add_sources(const ouro_graph *graph, ouro_lid i, size_t length, const double *source, double *sum) {
  size_t at = 0;
  for (; length - at >= 8; at += 8) add_some(graph, i, length, source, at, 8, sum);
  for (; length - at >= 4; at += 4) add_some(graph, i, length, source, at, 4, sum);
  for (; length - at >= 1; at += 1) add_some(graph, i, length, source, at, 1, sum);
}

static double total_of(const ouro_graph *graph, ouro_lid i) {
  ouro_count total = 0;
  for (ouro_eid e = graph->row[i]; e < graph->row[i + 1]; e++) total += ouro_graph_samples(graph, e);
  return (double)total;
}

/* Sum of m_ij times what samples of j scatter, over what real ones do. */
static double scatter_of(const learn_run *run, ouro_lid i, double total) {
  const ouro_graph *graph = run->graph;
  double sum = 0;
  if (graph->noise == NULL) return total;
  for (ouro_eid e = graph->row[i]; e < graph->row[i + 1]; e++) {
    sum += (double)ouro_graph_samples(graph, e) * noise_share(run, graph->source[e]);
  }
  return sum;
}

/* Model k of a tile: its mean, and by what chance it misses it. With P_ij = m_ij / S, the variance of the chance is
 * sum_j P_ij^2 V_j / m_ij over the samples that this fit alone sees. */
static void average(learn_run *run, ouro_lid k, const double *source) {
  learn_limit *limit = &run->limit;
  const size_t p = (size_t)run->family->n_parameters, length = length_of(run);
  const ouro_lid i = limit->node[k];
  const ouro_count real = ouro_learn_real_size(run->config, run->graph, i);
  double *made = run->next + (size_t)i * length;
  const double total = total_of(run->graph, i);
  const double w = real > 0 && total > 0 ? run->config->real.weight : 0;
  const double size = w > 0 ? total / (1 - w) : total + (double)real, share = w > 0 ? w : (double)real / size;
  const bool fixed = run->config->real.kind == OURO_REAL_FIXED;
  const double of_real = real > 0 ? share * share / (double)real : 0;
  const double of_feeds = limit->published ? 0 : scatter_of(run, i, total) / (size * size);
  add_sources(run->graph, i, length, source, made);
  for (size_t c = 0; c < length; c++) made[c] = fma(share, run->family->truth[c % p], made[c] / size);
  limit->sd[k] = sqrt(of_feeds + (fixed ? 0 : of_real));
  limit->fixed_sd[k] = fixed ? sqrt(of_real) : 0;
}

/* What is kept counts Neff_i - n_i of Neff_i. */
static void remember(learn_run *run, ouro_lid i) {
  const size_t length = length_of(run);
  const double gamma = (double)run->size[i] / run->effective[i];
  const double *theta = run->theta + (size_t)i * length;
  double *made = run->next + (size_t)i * length;
  for (size_t c = 0; c < length; c++) made[c] = fma(gamma, made[c] - theta[c], theta[c]);
}

static void train_tile(learn_run *run, ouro_lid n, const double *source) {
  learn_limit *limit = &run->limit;
  const size_t length = length_of(run);
  for (ouro_lid k = 0; k < n; k++) average(run, k, source);
  clear_vectors(run, n);
  add_normals(run, n, limit->node, limit->published ? OURO_PURPOSE_REAL : OURO_PURPOSE_FEED, run->generation,
              limit->sd);
  if (run->config->real.kind == OURO_REAL_FIXED) {
    add_normals(run, n, limit->node, OURO_PURPOSE_FIXED, 0, limit->fixed_sd);
  }
  scatter(run, n);
  for (ouro_lid k = 0; k < n; k++) {
    double *made = run->next + (size_t)limit->node[k] * length;
    for (size_t c = 0; c < length; c++) made[c] += limit->z[(size_t)k * length + c];
    if (run->effective) remember(run, limit->node[k]);
  }
}

void ouro_learn_limit_generation(learn_run *run) {
  learn_limit *limit = &run->limit;
  if (limit->published) publish(run);
  for (ouro_lid first = 0; first < run->n_trained; first += limit->tile) {
    const ouro_lid n = run->n_trained - first < limit->tile ? run->n_trained - first : limit->tile;
    memcpy(limit->node, run->trained + first, (size_t)n * sizeof *limit->node);
    train_tile(run, n, limit->published ? limit->published : run->theta);
  }
}
