/* Feeds to rows: see rows.h. Sources get their place among the ids of this rank, the feeds of each bucket are put in
 * rows by counting, and each row is sorted by place and merged: a fixed number of passes whatever the degrees.
 * Knows nothing of other ranks. */

#include "graph/rows.h"

#include <stdlib.h>
#include <string.h>

#include "graph/locals.h"
#include "ouro/base/memory.h"

#define SHORT_ROW 40 /* rows up to this length are sorted by insertion */

typedef struct feed {
  ouro_count samples;
  ouro_lid place; /* of the source */
} feed;

/* What is known while rows come about. */
typedef struct rows {
  ouro_graph *graph;
  ouro_buckets *buckets;
  ouro_locals locals;
  ouro_lid below;    /* where own places are consecutive: ids before them; then local is NULL */
  ouro_lid *local;   /* [locals.n] index of each place in graph->gid */
  feed *row, *other; /* [longest] one row, and room to sort it */
  ouro_eid n_kept;   /* feeds in finished rows */
  ouro_count each;   /* as in ouro_feeds */
} rows;

/* ---- ids ---- */

static ouro_status collect_ids(rows *run, ouro_lid n_owned, const ouro_gid *owned) {
  ouro_status status;
  const ouro_buckets *buckets = run->buckets;
  OURO_TRY(ouro_locals_start(&run->locals, run->graph->n_nodes, n_owned, owned, buckets->n));
  OURO_TRY(ouro_locals_add_sources(&run->locals, buckets->n, buckets->word, buckets->kept));
  OURO_TRY(ouro_locals_number(&run->locals));
cleanup:
  return status;
}

/* Own nodes in a table of all places, where they have gaps. */
static ouro_status index_places(rows *run, const ouro_gid *owned) {
  ouro_status status = OURO_OK;
  ouro_graph *graph = run->graph;
  ouro_gid *id = NULL;
  ouro_lid o = 0, g = graph->n_owned;
  OURO_NEW(id, run->locals.n);
  OURO_NEW(run->local, run->locals.n);
  ouro_locals_list(&run->locals, 0, run->locals.n, id);
  for (int64_t k = 0; k < run->locals.n; k++) {
    run->local[k] = o < graph->n_owned && id[k] == owned[o] ? o++ : g++;
    graph->gid[run->local[k]] = id[k];
  }
cleanup:
  free(id);
  return status;
}

/* Own nodes first, then the ghosts, both ascending. */
static ouro_status number_ids(rows *run, ouro_lid n_owned, const ouro_gid *owned) {
  ouro_status status = OURO_OK;
  ouro_graph *graph = run->graph;
  const ouro_locals *locals = &run->locals;
  graph->n_owned = n_owned;
  graph->n_ghost = (ouro_lid)(locals->n - n_owned);
  OURO_NEW(graph->gid, locals->n);
  if (n_owned > 0) run->below = (ouro_lid)ouro_locals_place(locals, owned[0]);
  const ouro_lid beyond = run->below + n_owned;
  if (n_owned > 0 && ouro_locals_place(locals, owned[n_owned - 1]) != beyond - 1) return index_places(run, owned);
  ouro_locals_list(locals, run->below, n_owned, graph->gid);
  ouro_locals_list(locals, 0, run->below, graph->gid + n_owned);
  ouro_locals_list(locals, beyond, locals->n - beyond, graph->gid + beyond);
cleanup:
  return status;
}

/* From places to indices in graph->gid: arithmetic where own nodes are a block, since a table would be read at
 * random. */
static void index_sources(const rows *run, ouro_lid *source, ouro_eid n) {
  const ouro_lid below = run->below, n_owned = run->graph->n_owned, *local = run->local;
  if (run->graph->n_ghost == 0) return;
  for (ouro_eid k = 0; local && k < n; k++) source[k] = local[source[k]];
  for (ouro_eid k = 0; !local && k < n; k++) {
    const ouro_lid own = source[k] - below;
    source[k] += own < 0 ? n_owned : own < n_owned ? -below : 0;
  }
}

/* ---- rows by counting ---- */

/* Count the words of a bucket in the rows of their targets, two places further on. */
static void count_bucket(const ouro_buckets *from, int64_t b, ouro_eid *row) {
  const ouro_gid origin = ouro_buckets_origin(from, b), low = (INT64_C(1) << from->kept) - 1;
  for (int r = 0; r < from->n_ranks; r++) {
    const int64_t *run = from->run + r * (from->n_here + 1) + b;
    for (int64_t k = run[0]; k < run[1]; k++) row[(from->word[k] & low) + origin + 2]++;
  }
}

/* Put the words of a bucket in the rows of their targets, which begin at row[i + 1] and end there afterwards. */
static void empty_bucket(const rows *all, int64_t b, ouro_count *samples) {
  const ouro_buckets from = *all->buckets; /* copies, which no store below can change */
  const ouro_locals locals = all->locals;
  ouro_eid *next = all->graph->row + 1;
  ouro_lid *source = all->graph->source;
  const ouro_gid origin = ouro_buckets_origin(&from, b), low = (INT64_C(1) << from.kept) - 1;
  for (int r = 0; r < from.n_ranks; r++) {
    const int64_t *run = from.run + r * (from.n_here + 1) + b;
    for (int64_t k = run[0], end = run[1]; k < end; k++) {
      const ouro_eid at = next[(from.word[k] & low) + origin]++;
      source[at] = (ouro_lid)ouro_locals_place(&locals, from.word[k] >> from.kept);
      if (samples) samples[at] = from.samples[k];
    }
  }
}

static void empty_buckets(const rows *run, ouro_count *samples) {
  const ouro_buckets *buckets = run->buckets;
  const ouro_gid *from = buckets->from + buckets->first[buckets->rank];
  ouro_eid *row = run->graph->row;
  for (int64_t b = 0; b < buckets->n_here; b++) {
    count_bucket(buckets, b, row);
    for (ouro_gid i = from[b] - from[0]; i < from[b + 1] - from[0]; i++) row[i + 2] += row[i + 1];
    empty_bucket(run, b, samples);
  }
}

/* Sources go to the spare array, counts to theirs; the words' array is free afterwards, for counts that are all the
 * same. */
static ouro_status fill_rows(rows *run) {
  ouro_status status = OURO_OK;
  ouro_graph *graph = run->graph;
  ouro_buckets *buckets = run->buckets;
  OURO_NEW(graph->row, (size_t)graph->n_owned + 2);
  OURO_NEW(graph->real, graph->n_owned);
  graph->source = (void *)buckets->spare;
  buckets->spare = NULL;
  empty_buckets(run, buckets->spare_samples);
  graph->samples = run->each ? buckets->word : buckets->spare_samples;
  if (run->each) buckets->word = NULL;
  buckets->spare_samples = NULL;
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
    index_sources(run, graph->source + start, run->n_kept - start);
    graph->n_merged += n - (run->n_kept - start);
    first += n;
    graph->row[i + 1] = run->n_kept;
  }
cleanup:
  return status;
}

/* ---- all of it ---- */

/* Give back what feeds took more than rows need. */
static ouro_status trim_arrays(rows *run) {
  ouro_status status = OURO_OK;
  OURO_RESIZE(run->graph->source, run->n_kept);
  OURO_RESIZE(run->graph->samples, run->n_kept);
cleanup:
  return status;
}

ouro_status ouro_rows_fill(ouro_graph *graph, ouro_lid n_owned, const ouro_gid *owned, ouro_buckets *buckets) {
  ouro_status status;
  rows run = {.graph = graph, .buckets = buckets, .each = buckets->each};
  OURO_TRY(collect_ids(&run, n_owned, owned));
  OURO_TRY(number_ids(&run, n_owned, owned));
  OURO_TRY(fill_rows(&run));
  OURO_TRY(merge_rows(&run));
  OURO_TRY(trim_arrays(&run));
cleanup:
  ouro_locals_clear(&run.locals);
  free(run.local);
  free(run.row);
  free(run.other);
  return status;
}
