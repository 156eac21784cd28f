/* Feeds to rows: see rows.h. Sources get their place among the ids of this rank, feeds are put in rows by counting
 * (in two steps, each within a cache), and each row is sorted by place and merged: a fixed number of passes whatever
 * the degrees.
 * Knows nothing of other ranks. */

#include "graph/rows.h"

#include <stdlib.h>
#include <string.h>

#include "graph/locals.h"
#include "ouro/base/memory.h"

#define SHORT_ROW 40 /* rows up to this length are sorted by insertion */
#define BUCKETS 512  /* at most: each is written to at its own place, so their lines should fit in the first cache */

typedef struct feed {
  ouro_count samples;
  ouro_lid place; /* of the source */
} feed;

/* What is known while rows come about. */
typedef struct rows {
  ouro_graph *graph;
  ouro_feeds *feeds;
  ouro_locals locals;
  int64_t below;     /* where own places are consecutive: ids before them; then local is NULL */
  ouro_lid *local;   /* [locals.n] index of each place in graph->gid */
  feed *row, *other; /* [longest] one row, and room to sort it */
  ouro_eid n_kept;   /* feeds in finished rows */
  ouro_count each;   /* as in ouro_feeds */
  int shift;         /* a bucket: the targets with the same bits from this one on */
} rows;

/* ---- ids ---- */

ouro_status ouro_rows_check_feed(const ouro_feeds *feeds, ouro_eid k, ouro_gid n_nodes) {
  if (ouro_rows_is_good(feeds, k, n_nodes)) return OURO_OK;
  const ouro_gid source = feeds->source[k], target = feeds->target[k];
  if (source < 0 || source >= n_nodes || target < 0 || target >= n_nodes) {
    return ouro_error(OURO_EINTERNAL,
                      "feed %" OURO_GID_FMT " -> %" OURO_GID_FMT " in a graph of %" OURO_GID_FMT " nodes", source,
                      target, n_nodes);
  }
  return ouro_error(OURO_EINTERNAL, "feed %" OURO_GID_FMT " -> %" OURO_GID_FMT " of %" OURO_COUNT_FMT " samples",
                    source, target, ouro_feeds_samples(feeds, k));
}

static ouro_status collect_ids(rows *run, ouro_lid n_owned, const ouro_gid *owned) {
  ouro_status status;
  const ouro_feeds *feeds = run->feeds;
  const ouro_gid n_nodes = run->graph->n_nodes;
  OURO_TRY(ouro_locals_start(&run->locals, n_nodes, n_owned, owned, feeds->n));
  const bool own_all = run->locals.n_block == n_nodes;
  for (ouro_eid k = 0; k < feeds->n && !own_all; k++) {
    if (!ouro_rows_is_good(feeds, k, n_nodes)) OURO_TRY(ouro_rows_check_feed(feeds, k, n_nodes));
    OURO_TRY(ouro_locals_add(&run->locals, feeds->source[k]));
  }
  OURO_TRY(ouro_locals_number(&run->locals));
cleanup:
  return status;
}

/* Index in graph->gid of a place: arithmetic where own nodes are a block, since a table would be read at random. */
static inline ouro_lid index_of(const rows *run, int64_t place) {
  if (run->local) return run->local[place];
  const ouro_lid n_owned = run->graph->n_owned;
  const int64_t own = place - run->below;
  if (own < 0) return n_owned + (ouro_lid)place;
  return (ouro_lid)(own < n_owned ? own : place);
}

static ouro_status index_places(rows *run, const ouro_gid *id, const ouro_gid *owned) {
  ouro_status status = OURO_OK;
  const ouro_lid n_owned = run->graph->n_owned;
  ouro_lid o = 0, g = n_owned;
  if (n_owned > 0) run->below = ouro_locals_place(&run->locals, owned[0]);
  if (n_owned == 0 || ouro_locals_place(&run->locals, owned[n_owned - 1]) - run->below == n_owned - 1) return OURO_OK;
  OURO_NEW(run->local, run->locals.n);
  for (int64_t k = 0; k < run->locals.n; k++) run->local[k] = o < n_owned && id[k] == owned[o] ? o++ : g++;
cleanup:
  return status;
}

/* Own nodes first, then the ghosts, both ascending. */
static ouro_status number_ids(rows *run, ouro_lid n_owned, const ouro_gid *owned) {
  ouro_status status = OURO_OK;
  ouro_graph *graph = run->graph;
  ouro_gid *id = NULL;
  graph->n_owned = n_owned;
  graph->n_ghost = (ouro_lid)run->locals.n - n_owned;
  OURO_NEW(graph->gid, run->locals.n);
  OURO_NEW(id, run->locals.n);
  ouro_locals_list(&run->locals, id);
  OURO_TRY(index_places(run, id, owned));
  for (int64_t k = 0; k < run->locals.n; k++) graph->gid[index_of(run, k)] = id[k];
cleanup:
  free(id);
  return status;
}

/* ---- rows by counting ---- */

static ouro_lid target_of(int64_t pair) {
  return (ouro_lid)(pair & INT32_MAX);
}

/* Ids become the place of the source and the index of the target, which share a word. */
static ouro_status pair_ids(const rows *run) {
  ouro_status status = OURO_OK;
  ouro_feeds *feeds = run->feeds;
  const ouro_graph *graph = run->graph;
  for (ouro_eid k = 0; k < feeds->n; k++) {
    if (!ouro_rows_is_good(feeds, k, graph->n_nodes)) OURO_TRY(ouro_rows_check_feed(feeds, k, graph->n_nodes));
    int64_t target = ouro_locals_place(&run->locals, feeds->target[k]);
    if (target >= 0) target = index_of(run, target);
    OURO_CHECK(target >= 0 && target < graph->n_owned, OURO_EINTERNAL,
               "a feed into node %" OURO_GID_FMT " is on a rank that does not own it", feeds->target[k]);
    feeds->source[k] = ouro_locals_place(&run->locals, feeds->source[k]) << 32 | target;
  }
cleanup:
  return status;
}

/* Feeds by ranges of targets so short that their rows stay in the cache: the pairs go to where the targets were. */
static ouro_status fill_buckets(rows *run) {
  ouro_status status = OURO_OK;
  ouro_feeds *feeds = run->feeds;
  ouro_count *samples = NULL;
  ouro_eid first[BUCKETS + 1] = {0};
  while (run->graph->n_owned >> run->shift >= BUCKETS) run->shift++;
  if (feeds->samples) OURO_NEW(samples, feeds->n);
  for (ouro_eid k = 0; k < feeds->n; k++) first[(target_of(feeds->source[k]) >> run->shift) + 1]++;
  for (int b = 0; b < BUCKETS; b++) first[b + 1] += first[b];
  for (ouro_eid k = 0; k < feeds->n; k++) {
    const ouro_eid at = first[target_of(feeds->source[k]) >> run->shift]++;
    feeds->target[at] = feeds->source[k];
    if (samples) samples[at] = feeds->samples[k];
  }
  free(feeds->source);
  feeds->source = NULL;
  if (samples) free(feeds->samples);
  if (samples) feeds->samples = samples;
cleanup:
  return status;
}

/* Put the n feeds of a bucket, which are pairs from `first` on, in the rows of nodes begin .. end-1. next[begin] is
 * where the first of these starts; next[i] ends up as the end of row i. */
static void fill_bucket(const ouro_graph *graph, const ouro_feeds *feeds, ouro_eid first, ouro_eid n, ouro_lid begin,
                        ouro_lid end) {
  ouro_eid *next = graph->row + 1;
  for (ouro_eid k = first; k < first + n; k++) next[target_of(feeds->target[k]) + 1]++;
  for (ouro_lid i = begin; i < end; i++) next[i + 1] += next[i];
  for (ouro_eid k = first; k < first + n; k++) {
    const ouro_eid at = next[target_of(feeds->target[k])]++;
    graph->source[at] = (ouro_lid)(feeds->target[k] >> 32);
    if (feeds->samples) graph->samples[at] = feeds->samples[k];
  }
}

static void empty_buckets(const rows *run) {
  const ouro_graph *graph = run->graph;
  const ouro_feeds *feeds = run->feeds;
  ouro_eid first = 0;
  for (int64_t begin = 0; begin < graph->n_owned; begin += INT64_C(1) << run->shift) {
    const int64_t beyond = begin + (INT64_C(1) << run->shift), end = beyond < graph->n_owned ? beyond : graph->n_owned;
    ouro_eid n = 0;
    while (first + n < feeds->n && target_of(feeds->target[first + n]) < end) n++;
    fill_bucket(graph, feeds, first, n, (ouro_lid)begin, (ouro_lid)end);
    first += n;
  }
}

static ouro_status fill_rows(rows *run) {
  ouro_status status = OURO_OK;
  ouro_graph *graph = run->graph;
  ouro_feeds *feeds = run->feeds;
  const ouro_eid n = feeds->n;
  OURO_TRY(pair_ids(run));
  OURO_TRY(fill_buckets(run));
  OURO_NEW(graph->row, (size_t)graph->n_owned + 2);
  OURO_NEW(graph->real, graph->n_owned);
  OURO_NEW(graph->source, n);
  if (feeds->samples) OURO_NEW(graph->samples, n);
  empty_buckets(run);
  ouro_feeds_clear(feeds);
  if (graph->samples == NULL) OURO_NEW(graph->samples, n);
cleanup:
  return status;
}

/* ---- one row ---- */

static void insert(feed *row, ouro_eid n) {
  for (ouro_eid i = 1; i < n; i++) {
    const feed moving = row[i];
    ouro_eid at = i;
    for (; at > 0 && row[at - 1].place > moving.place; at--) row[at] = row[at - 1];
    row[at] = moving;
  }
}

/* Sort by one byte of the place, keeping the order of equals. Returns whether that moved anything to `out`. */
static bool sort_byte(const feed *row, ouro_eid n, int shift, feed *out) {
  ouro_eid first[257] = {0};
  for (ouro_eid k = 0; k < n; k++) first[(row[k].place >> shift & 0xff) + 1]++;
  if (first[(row[0].place >> shift & 0xff) + 1] == n) return false;
  for (int b = 0; b < 256; b++) first[b + 1] += first[b];
  for (ouro_eid k = 0; k < n; k++) out[first[row[k].place >> shift & 0xff]++] = row[k];
  return true;
}

/* Sort run->row by place, byte by byte from the lowest. */
static void sort_row(rows *run, ouro_eid n) {
  if (n <= SHORT_ROW) {
    insert(run->row, n);
    return;
  }
  for (int shift = 0; shift < 32 && run->locals.n >> shift > 0; shift += 8) {
    if (!sort_byte(run->row, n, shift, run->other)) continue;
    feed *sorted = run->other;
    run->other = run->row;
    run->row = sorted;
  }
}

/* The training set of a row, or -1 if it has more samples than can be counted. */
static ouro_count samples_of(const rows *run, ouro_eid first, ouro_eid n) {
  ouro_count all = 0;
  if (run->each) return __builtin_mul_overflow(n, run->each, &all) ? -1 : all;
  for (ouro_eid k = first; k < first + n; k++) {
    if (__builtin_add_overflow(all, run->graph->samples[k], &all)) return -1;
  }
  return all;
}

static bool ascends(const ouro_lid *place, ouro_eid n) {
  for (ouro_eid k = 1; k < n; k++) {
    if (place[k - 1] >= place[k]) return false;
  }
  return true;
}

/* A row that is in order already moves up to those kept before. */
static void keep_row(rows *run, ouro_eid first, ouro_eid n) {
  const ouro_graph *graph = run->graph;
  const ouro_eid kept = run->n_kept;
  if (kept != first) memmove(graph->source + kept, graph->source + first, (size_t)n * sizeof *graph->source);
  if (run->each) {
    for (ouro_eid k = 0; k < n; k++) graph->samples[kept + k] = run->each;
  } else if (kept != first) {
    memmove(graph->samples + kept, graph->samples + first, (size_t)n * sizeof *graph->samples);
  }
  run->n_kept += n;
}

/* Any other row is sorted apart, and feeds of one source are added up. */
static void merge_row(rows *run, ouro_eid first, ouro_eid n) {
  const ouro_graph *graph = run->graph;
  const ouro_eid start = run->n_kept;
  for (ouro_eid k = 0; k < n; k++) {
    run->row[k] = (feed){run->each ? run->each : graph->samples[first + k], graph->source[first + k]};
  }
  sort_row(run, n);
  for (ouro_eid k = 0; k < n; k++) {
    const feed next = run->row[k];
    if (run->n_kept > start && graph->source[run->n_kept - 1] == next.place) {
      graph->samples[run->n_kept - 1] += next.samples;
    } else {
      graph->source[run->n_kept] = next.place;
      graph->samples[run->n_kept++] = next.samples;
    }
  }
}

static ouro_status new_scratch(rows *run) {
  ouro_status status = OURO_OK;
  const ouro_graph *graph = run->graph;
  ouro_eid longest = 0;
  for (ouro_lid i = 0; i < graph->n_owned; i++) {
    if (graph->row[i + 1] - graph->row[i] > longest) longest = graph->row[i + 1] - graph->row[i];
  }
  OURO_NEW(run->row, longest);
  OURO_NEW(run->other, longest);
cleanup:
  return status;
}

/* Sort and merge every row in place; rows close up. */
static ouro_status merge_rows(rows *run) {
  ouro_status status = OURO_OK;
  ouro_graph *graph = run->graph;
  ouro_eid first = 0;
  OURO_TRY(new_scratch(run));
  for (ouro_lid i = 0; i < graph->n_owned; i++) {
    const ouro_eid n = graph->row[i + 1] - first, start = run->n_kept;
    OURO_CHECK(samples_of(run, first, n) >= 0, OURO_ELIMIT,
               "the feeds into node %" OURO_GID_FMT " have more than %" PRId64 " samples", graph->gid[i], INT64_MAX);
    if (ascends(graph->source + first, n))
      keep_row(run, first, n);
    else
      merge_row(run, first, n);
    for (ouro_eid k = start; graph->n_ghost > 0 && k < run->n_kept; k++) {
      graph->source[k] = index_of(run, graph->source[k]);
    }
    graph->n_merged += n - (run->n_kept - start);
    first += n;
    graph->row[i + 1] = run->n_kept;
  }
cleanup:
  return status;
}

/* ---- all of it ---- */

ouro_status ouro_rows_fill(ouro_graph *graph, ouro_lid n_owned, const ouro_gid *owned, ouro_feeds *feeds) {
  ouro_status status;
  rows run = {.graph = graph, .feeds = feeds, .each = feeds->each};
  OURO_TRY(collect_ids(&run, n_owned, owned));
  OURO_TRY(number_ids(&run, n_owned, owned));
  OURO_TRY(fill_rows(&run));
  OURO_TRY(merge_rows(&run));
cleanup:
  ouro_locals_clear(&run.locals);
  free(run.local);
  free(run.row);
  free(run.other);
  ouro_feeds_clear(feeds);
  return status;
}
