#ifndef OURO_GRAPH_BUCKETS_H
#define OURO_GRAPH_BUCKETS_H

/* Feeds on their way to the rows of their targets, sorted by ranges of targets: the buckets. Targets 0 .. n-1 are
 * split over the ranks in blocks (ouro_graph_block_first()), and a block into buckets so short that their rows stay
 * in the cache while they are filled. A feed is one word: its source, and of its target the bits that the bucket
 * leaves open. A bucket's words stand in one run for each rank that sent some.
 *
 * The two arrays of ids that feeds come in are all the memory there is: words are sorted from one into the other and
 * sent back, and whoever empties the buckets takes both. */

#include "ouro/graph/build.h"

/* Targets of one cell of 2^shift share a bucket, or, where a block begins within the cell, two. */
typedef struct ouro_cell {
  int64_t bucket; /* of the first target */
  ouro_gid split; /* targets from here on are in the next bucket */
} ouro_cell;

typedef struct ouro_buckets {
  ouro_gid n_nodes, n_targets;
  int n_ranks, rank;
  int shift;         /* of a cell */
  int kept;          /* a word is source << kept | the low `kept` bits of the target */
  ouro_cell *cell;   /* [(n_targets >> shift) + 1] */
  int64_t n_all;     /* buckets of all ranks */
  ouro_gid *from;    /* [n_all + 1] first target of each */
  int64_t *first;    /* [n_ranks + 1] first bucket of each rank */
  int64_t n_here;    /* buckets of this rank, which are the ones from first[rank] on */
  int64_t *run;      /* sent: [n_ranks][n_here + 1] words run[r][b] .. run[r][b+1]-1 are those of rank r in bucket b */
  ouro_eid n;        /* words here */
  ouro_eid capacity; /* of word, spare and where they exist samples and spare_samples */
  int64_t *word;     /* [n] */
  int64_t *spare;    /* as long, free to use */
  ouro_count *samples; /* [n] beside the words, or NULL */
  ouro_count *spare_samples;
  ouro_count each; /* positive: the samples of every feed, which have no array then */
} ouro_buckets;

/** Lay out the buckets.
 *  Not collective.
 *  [in]  n_nodes sources are below this
 *  [out] buckets to be released with ouro_buckets_close(), also on error
 *  Returns OURO_OK or OURO_ENOMEM. */
ouro_status ouro_buckets_open(ouro_gid n_nodes, ouro_gid n_targets, int n_ranks, int rank, ouro_buckets *buckets);

/** Sort the feeds of this rank.
 *  Not collective.
 *  [inout] feeds checked, and emptied: its arrays become those of the buckets
 *  Returns OURO_OK, OURO_ENOMEM, OURO_EINTERNAL (an id or a count out of range). */
ouro_status ouro_buckets_sort(ouro_buckets *buckets, ouro_feeds *feeds);

/** Check that ids and count of a feed are in range.
 *  Not collective.
 *  Returns OURO_OK or OURO_EINTERNAL. */
ouro_status ouro_buckets_check_feed(const ouro_feeds *feeds, ouro_eid k, ouro_gid n_nodes);

/** Send every word to the rank of its bucket.
 *  Collective on comm; all ranks have counts, or none.
 *  Returns the same status on all ranks: OURO_OK, OURO_ENOMEM. */
ouro_status ouro_buckets_send(MPI_Comm comm, ouro_buckets *buckets);

/** What to add to the kept bits of a word in bucket b of this rank to have the index of its target in this rank's
 *  block.
 *  Not collective. */
static inline ouro_gid ouro_buckets_origin(const ouro_buckets *buckets, int64_t b) {
  const ouro_gid *from = buckets->from + buckets->first[buckets->rank];
  return (from[b] >> buckets->kept << buckets->kept) - from[0];
}

/** Release the arrays.
 *  Not collective. */
void ouro_buckets_close(ouro_buckets *buckets);

#endif
