#ifndef OURO_SRC_EXCHANGE_PRIVATE_H
#define OURO_SRC_EXCHANGE_PRIVATE_H

/* Channels, their item sequence and their ring of messages. */

#include "ouro/exchange/exchange.h"

/* Where a side stands in the sequence of a channel. Neither items nor rounds are stored: the sequence is
 * walked over groups (targets, or one for all corpora), replicates, feeds of the group and slices. */
typedef struct exchange_cursor {
  ouro_eid group, feed;
  ouro_count first;
  int32_t replicate;
} exchange_cursor;

typedef struct exchange_channel {
  int rank; /* of the other side */
  bool sends;
  ouro_eid n_groups, n_feeds;
  ouro_gid *target;  /* [n_groups] ascending, or OURO_NATURE alone */
  ouro_eid *start;   /* [n_groups + 1] feeds of a group */
  ouro_lid *source;  /* [n_feeds] index into the plan's gid, ascending within a group */
  ouro_count *total; /* [n_feeds] rows */
  int64_t bytes;     /* of one generation */
  int64_t least;     /* bytes of its largest block */
  int64_t share;     /* bytes of buffer, agreed with the other side */
  ouro_count slice;  /* largest number of rows of an item; INT64_MAX where items are whole */
  size_t message;    /* largest bytes of a message */
  int depth;         /* slots of the ring */
  int64_t n_messages;
  unsigned char *ring;  /* [depth][message] */
  MPI_Request *request; /* [depth] */
  /* state of a flight */
  exchange_cursor next;      /* item to fill or take */
  int64_t started, finished; /* messages */
  size_t offset;             /* receiver: bytes taken from message `finished` */
  bool arrived;              /* receiver: message `finished` is there */
  int length;                /* receiver: its bytes */
} exchange_channel;

struct ouro_exchange_flight {
  ouro_exchange_plan *plan;
  ouro_exchange_fill fill;
  void *context;
  exchange_channel *last;                       /* channel of the latest take */
  ouro_exchange_item item[OURO_EXCHANGE_ITEMS]; /* being filled */
  double filling;                               /* seconds spent in fill since the plan was made */
  ouro_status status;                           /* first failure */
  char reason[160];
};

struct ouro_exchange_plan {
  MPI_Comm comm; /* borrowed */
  ouro_exchange_options options;
  ouro_lid n_owned;
  ouro_gid *gid; /* [n_owned + n_ghost] */
  int n_receive, n_send, n_neighbours;
  exchange_channel *channel; /* [n_receive + n_send] receiving ones first */
  int32_t *channel_of;       /* [n_ghost] receiving channel of a ghost */
  double waited;
  ouro_exchange_flight flight;
};

/** Bytes of a feed, or of an item, of n rows.
 *  Not collective. */
static inline size_t exchange_bytes(const ouro_exchange_plan *plan, ouro_count n) {
  return plan->options.whole ? plan->options.row_bytes : (size_t)n * plan->options.row_bytes;
}

/** The item at a channel's cursor.
 *  Not collective.
 *  Returns false at the end of the sequence. */
static inline bool exchange_peek(const ouro_exchange_plan *plan, const exchange_channel *channel,
                                 const exchange_cursor *at, ouro_exchange_item *item) {
  if (at->group == channel->n_groups) return false;
  const ouro_count left = channel->total[at->feed] - at->first;
  item->local = channel->source[at->feed];
  item->source = plan->gid[item->local];
  item->target = channel->target[at->group];
  item->replicate = at->replicate;
  item->first = at->first;
  item->n = left < channel->slice ? left : channel->slice;
  item->total = channel->total[at->feed];
  return true;
}

/** Move a cursor past the item it stands at.
 *  Not collective. */
static inline void exchange_advance(const ouro_exchange_plan *plan, const exchange_channel *channel,
                                    exchange_cursor *at) {
  if (channel->slice < channel->total[at->feed] - at->first) {
    at->first += channel->slice;
    return;
  }
  at->first = 0;
  if (++at->feed < channel->start[at->group + 1]) return;
  at->feed = channel->start[at->group];
  if (++at->replicate < plan->options.replicates) return;
  at->replicate = 0;
  at->feed = channel->start[++at->group];
}

/** Everything of a plan that needs no other rank: what each channel that receives carries.
 *  Not collective.
 *  [out] out to be released with ouro_exchange_plan_destroy(), also on error
 *  Returns OURO_OK, OURO_ENOMEM, OURO_ELIMIT. */
ouro_status ouro_exchange_plan_local(const ouro_graph *graph, const ouro_exchange_options *options,
                                     ouro_exchange_plan **out);

/** Bytes of one generation and of the largest block of each channel.
 *  Not collective.
 *  Returns OURO_OK, OURO_ELIMIT. */
ouro_status ouro_exchange_measure(ouro_exchange_plan *plan);

/** Least buffer of a channel: two blocks, so that one can travel while the other is worked on, or all there is.
 *  Not collective. */
int64_t ouro_exchange_needed(const exchange_channel *channel);

/** Share the buffer out: every channel gets what it needs; of the rest, small wishes are granted first and large ones
 *  share evenly.
 *  Not collective.
 *  Returns OURO_OK, OURO_ENOMEM. */
ouro_status ouro_exchange_share_out(ouro_exchange_plan *plan);

/** Slice, message, ring and number of messages of a channel; a function of what both sides know.
 *  Not collective. */
void ouro_exchange_shape(const ouro_exchange_plan *plan, exchange_channel *channel);

/** Split the buffer among the channels, agree with the other sides and lay out the rings.
 *  Collective on the plan's communicator.
 *  Returns the same status on all ranks: OURO_OK, OURO_ENOMEM, OURO_ELIMIT. */
ouro_status ouro_exchange_rounds_create(ouro_exchange_plan *plan);

#endif
