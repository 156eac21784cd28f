/* Feeds sorted by ranges of targets, and sent to the ranks of these: see buckets.h. Does not know rows. */

#include "graph/buckets.h"

#include <stdlib.h>
#include <string.h>

#include "ouro/base/alltoall.h"
#include "ouro/base/memory.h"

#define BUCKETS 256      /* to 511 in all: each is written to at its own place, so their lines should fit in a cache */
#define BUCKETS_A_RANK 8 /* at least, however many ranks there are */

/* ---- layout ---- */

/* Bits that hold 0 .. n-1. */
static int bits_of(ouro_gid n) {
  return n > 1 ? 64 - __builtin_clzll((uint64_t)n - 1) : 0;
}

/* Cells are shorter than blocks, so that no two blocks begin within one. A word keeps as much of the target as there
 * is room for: all of it, or else what its cell leaves open. */
static void choose_bits(ouro_buckets *buckets) {
  const ouro_gid by_rank = (ouro_gid)BUCKETS_A_RANK * buckets->n_ranks, least = by_rank > BUCKETS ? by_rank : BUCKETS;
  const int source = bits_of(buckets->n_nodes), target = bits_of(buckets->n_targets);
  buckets->shift = 0;
  while (buckets->n_targets >> (buckets->shift + 1) >= least && source + buckets->shift < 63) buckets->shift++;
  buckets->kept = source + target <= 63 ? target : buckets->shift;
}

static void add_bucket(ouro_buckets *buckets, ouro_gid from) {
  buckets->first[ouro_graph_block_rank(buckets->n_targets, buckets->n_ranks, from) + 1]++;
  buckets->from[buckets->n_all++] = from;
}

static void list_cells(ouro_buckets *buckets) {
  const ouro_gid n = buckets->n_targets, length = INT64_C(1) << buckets->shift;
  for (ouro_gid low = 0; low < n; low += length) {
    const ouro_gid last = n - low > length ? low + length - 1 : n - 1;
    const int rank = ouro_graph_block_rank(n, buckets->n_ranks, last);
    const ouro_gid block = ouro_graph_block_first(n, buckets->n_ranks, rank);
    buckets->cell[low >> buckets->shift] = (ouro_cell){buckets->n_all, block > low ? block : INT64_MAX};
    add_bucket(buckets, low);
    if (block > low) add_bucket(buckets, block);
  }
  buckets->from[buckets->n_all] = n;
  for (int rank = 0; rank < buckets->n_ranks; rank++) buckets->first[rank + 1] += buckets->first[rank];
  buckets->n_here = buckets->first[buckets->rank + 1] - buckets->first[buckets->rank];
}

ouro_status ouro_buckets_open(ouro_gid n_nodes, ouro_gid n_targets, int n_ranks, int rank, ouro_buckets *buckets) {
  ouro_status status = OURO_OK;
  *buckets = (ouro_buckets){.n_nodes = n_nodes, .n_targets = n_targets, .n_ranks = n_ranks, .rank = rank};
  choose_bits(buckets);
  const ouro_gid n_cells = (n_targets >> buckets->shift) + 1;
  OURO_NEW(buckets->cell, n_cells);
  OURO_NEW(buckets->from, n_cells + n_ranks + 1);
  OURO_NEW(buckets->first, n_ranks + 1);
  list_cells(buckets);
cleanup:
  return status;
}

/* ---- sorting ---- */

ouro_status ouro_buckets_check_feed(const ouro_feeds *feeds, ouro_eid k, ouro_gid n_nodes) {
  const ouro_gid source = feeds->source[k], target = feeds->target[k];
  if (source < 0 || source >= n_nodes || target < 0 || target >= n_nodes) {
    return ouro_error(OURO_EINTERNAL,
                      "feed %" OURO_GID_FMT " -> %" OURO_GID_FMT " in a graph of %" OURO_GID_FMT " nodes", source,
                      target, n_nodes);
  }
  if (ouro_feeds_samples(feeds, k) > 0) return OURO_OK;
  return ouro_error(OURO_EINTERNAL, "feed %" OURO_GID_FMT " -> %" OURO_GID_FMT " of %" OURO_COUNT_FMT " samples",
                    source, target, ouro_feeds_samples(feeds, k));
}

static inline int64_t bucket_of(const ouro_cell *cell, int shift, ouro_gid target) {
  const ouro_cell at = cell[target >> shift];
  return at.bucket + (target >= at.split);
}

/* Feeds become words where their sources were; run[b + 1] counts those of bucket b. */
static ouro_status make_words(const ouro_buckets *buckets, const ouro_feeds *feeds, int64_t *run) {
  const ouro_buckets into = *buckets; /* copies, which no store below can change */
  const ouro_feeds from = *feeds;
  const uint64_t n_nodes = (uint64_t)into.n_nodes, n_targets = (uint64_t)into.n_targets;
  const ouro_gid low = (INT64_C(1) << into.kept) - 1;
  for (ouro_eid k = 0; k < from.n; k++) {
    const ouro_gid source = from.source[k], target = from.target[k];
    if ((uint64_t)source >= n_nodes || (uint64_t)target >= n_targets || ouro_feeds_samples(&from, k) <= 0) {
      return ouro_buckets_check_feed(feeds, k, into.n_nodes);
    }
    run[bucket_of(into.cell, into.shift, target) + 1]++;
    from.source[k] = source << into.kept | (target & low);
  }
  return OURO_OK;
}

/* Words to the buckets' places, and counts with them. Where a word keeps all of the target, it can go to where the
 * targets were. */
static void sort_words(const ouro_buckets *buckets, const ouro_feeds *feeds, int64_t *next) {
  const ouro_buckets into = *buckets;
  const ouro_feeds from = *feeds;
  const bool whole = into.word == from.target;
  const ouro_gid low = (INT64_C(1) << into.kept) - 1;
  for (ouro_eid k = 0; k < from.n; k++) {
    const ouro_gid target = whole ? from.source[k] & low : from.target[k];
    const int64_t at = next[bucket_of(into.cell, into.shift, target)]++;
    into.word[at] = from.source[k];
    if (into.samples) into.samples[at] = from.samples[k];
  }
}

/* The arrays of the feeds become those of the buckets. */
static void take_arrays(ouro_buckets *buckets, ouro_feeds *feeds) {
  buckets->n = feeds->n;
  buckets->capacity = feeds->capacity;
  buckets->each = feeds->each;
  buckets->spare = feeds->source;
  buckets->spare_samples = feeds->samples;
  if (buckets->word != feeds->target) free(feeds->target);
  *feeds = (ouro_feeds){0};
}

ouro_status ouro_buckets_sort(ouro_buckets *buckets, ouro_feeds *feeds) {
  ouro_status status = OURO_OK;
  int64_t *next = NULL;
  OURO_NEW(buckets->run, buckets->n_all + 1);
  OURO_NEW(next, buckets->n_all);
  OURO_TRY(make_words(buckets, feeds, buckets->run));
  for (int64_t b = 0; b < buckets->n_all; b++) {
    next[b] = buckets->run[b];
    buckets->run[b + 1] += buckets->run[b];
  }
  if (feeds->each == 0) OURO_NEW(buckets->samples, feeds->capacity);
  if (bits_of(buckets->n_targets) <= buckets->kept)
    buckets->word = feeds->target;
  else
    OURO_NEW(buckets->word, feeds->capacity);
  sort_words(buckets, feeds, next);
  take_arrays(buckets, feeds);
cleanup:
  free(next);
  return status;
}

/* ---- sending ---- */

typedef struct transfer {
  int64_t *n_out, *n_in;         /* [n_ranks] numbers to and from each rank: of buckets, then of words */
  int64_t *count_out, *count_in; /* [n_all] and [n_ranks][n_here] words in each bucket */
  int64_t *run;                  /* of the words that come */
} transfer;

static ouro_status transfer_open(const ouro_buckets *buckets, transfer *way) {
  ouro_status status = OURO_OK;
  const int64_t n_ranks = buckets->n_ranks;
  OURO_NEW(way->n_out, n_ranks);
  OURO_NEW(way->n_in, n_ranks);
  OURO_NEW(way->count_out, buckets->n_all);
  OURO_NEW(way->count_in, n_ranks * buckets->n_here);
  OURO_NEW(way->run, n_ranks * (buckets->n_here + 1));
  for (int rank = 0; rank < n_ranks; rank++) {
    way->n_out[rank] = buckets->first[rank + 1] - buckets->first[rank];
    way->n_in[rank] = buckets->n_here;
  }
  for (int64_t b = 0; b < buckets->n_all; b++) way->count_out[b] = buckets->run[b + 1] - buckets->run[b];
cleanup:
  return status;
}

static void transfer_close(transfer *way) {
  free(way->n_out);
  free(way->n_in);
  free(way->count_out);
  free(way->count_in);
  free(way->run);
}

/* From words in each bucket to words for each rank and runs. Returns how many come. */
static int64_t count_words(const ouro_buckets *buckets, transfer *way) {
  int64_t n = 0;
  for (int rank = 0; rank < buckets->n_ranks; rank++) {
    const int64_t *count = way->count_in + rank * buckets->n_here, begin = n;
    int64_t *run = way->run + rank * (buckets->n_here + 1);
    for (int64_t b = 0; b < buckets->n_here; b++) {
      run[b] = n;
      n += count[b];
    }
    run[buckets->n_here] = n;
    way->n_in[rank] = n - begin;
    way->n_out[rank] = buckets->run[buckets->first[rank + 1]] - buckets->run[buckets->first[rank]];
  }
  return n;
}

static ouro_status make_room(ouro_buckets *buckets, ouro_eid n) {
  ouro_status status = OURO_OK;
  if (n <= buckets->capacity) return OURO_OK;
  OURO_RESIZE(buckets->word, n);
  OURO_RESIZE(buckets->spare, n);
  if (buckets->each == 0) OURO_RESIZE(buckets->samples, n);
  if (buckets->each == 0) OURO_RESIZE(buckets->spare_samples, n);
  buckets->capacity = n;
cleanup:
  return status;
}

/* Send one array into the other, which takes its place. */
static void send_array(MPI_Comm comm, const transfer *way, int64_t **array, int64_t **spare) {
  int64_t *received = *spare;
  ouro_alltoall_words(comm, way->n_out, *array, way->n_in, received);
  *spare = *array;
  *array = received;
}

ouro_status ouro_buckets_send(MPI_Comm comm, ouro_buckets *buckets) {
  ouro_status status = OURO_OK;
  transfer way = {0};
  if (buckets->n_ranks == 1) return OURO_OK;
  OURO_AGREE(comm, transfer_open(buckets, &way));
  ouro_alltoall_words(comm, way.n_out, way.count_out, way.n_in, way.count_in);
  const int64_t n = count_words(buckets, &way);
  OURO_AGREE(comm, make_room(buckets, n));
  send_array(comm, &way, &buckets->word, &buckets->spare);
  if (buckets->each == 0) send_array(comm, &way, &buckets->samples, &buckets->spare_samples);
  buckets->n = n;
  free(buckets->run);
  buckets->run = way.run;
  way.run = NULL;
cleanup:
  transfer_close(&way);
  return status;
}

void ouro_buckets_close(ouro_buckets *buckets) {
  free(buckets->cell);
  free(buckets->from);
  free(buckets->first);
  free(buckets->run);
  free(buckets->word);
  free(buckets->spare);
  free(buckets->samples);
  free(buckets->spare_samples);
  *buckets = (ouro_buckets){0};
}
