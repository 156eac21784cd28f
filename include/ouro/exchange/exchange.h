#ifndef OURO_EXCHANGE_EXCHANGE_H
#define OURO_EXCHANGE_EXCHANGE_H

/* Who sends what to whom along cut feeds, in bounded memory. Knows items and bytes, not models.
 *
 * A channel joins a sending and a receiving rank and carries a fixed sequence of items, known to both sides
 * since set-up. The receiver takes items strictly in that order, so a training set of any size streams
 * through. A round of a channel is one message: as many items as fit its agreed size, cut the same way on both
 * sides without a word. Both sides keep a ring of rounds; a receive is posted as soon as its slot is free, a
 * send is filled and started as soon as its slot is free, and whoever waits for one channel goes on serving
 * all the others, so the ranks cannot wait for one another in a circle. */

#include "ouro/graph/graph.h"

/* Bytes of a message, if there is as much to send and one block of samples is not larger: a size that stays in a core's
 * cache from the draw to the fit. More in flight only costs memory traffic (64 MiB of it made a generation on two ranks
 * twice as long). */
#define OURO_EXCHANGE_MESSAGE ((int64_t)128 << 10)

/* One unit of transfer: a slice of the samples of one feed (private) or one corpus (published), for one
 * replicate; where options.whole, what stands for all of them. */
typedef struct ouro_exchange_item {
  ouro_gid source; /* the model drawn from */
  ouro_gid target; /* the model that trains on it; OURO_NATURE for a published corpus */
  ouro_lid local;  /* source as an index into the graph's gid: owned for the sender, ghost for the receiver */
  int32_t replicate;
  ouro_count first, n; /* rows first .. first+n-1 of total; first a multiple of options.block */
  ouro_count total;
} ouro_exchange_item;

typedef struct ouro_exchange_options {
  ouro_draw draw;
  int64_t replicates;
  size_t row_bytes; /* bytes of one sample, or of an item where `whole`; a multiple of sizeof(double) */
  ouro_count block; /* rows that stay together: items begin at multiples of it */
  int64_t buffer;   /* bytes a rank may hold in flight, both directions together */
  bool whole;       /* an item is a whole feed or corpus (first = 0, n = total) in row_bytes bytes: its statistic */
} ouro_exchange_options;

typedef struct ouro_exchange_plan ouro_exchange_plan;
typedef struct ouro_exchange_flight ouro_exchange_flight;

/* Most items that are filled together. */
#define OURO_EXCHANGE_ITEMS 128

/* Fill n items, 1 .. OURO_EXCHANGE_ITEMS of one channel: write them to out (aligned for double), one behind the other.
 * Called between begin and end, from within begin, progress, take and end, in the sequence of each channel; channels
 * may run ahead of one another. */
typedef void (*ouro_exchange_fill)(void *context, int n, const ouro_exchange_item *items, void *out);

/** Set up channels and rounds for a graph, in which ghosts may feed nothing.
 *  Collective on graph's communicator.
 *  Order of items: private, by (target, replicate, source, first); published, by (replicate, source, first);
 *  targets and sources by ascending global id. For published draws all feeds of a source carry one count.
 *  [out] plan to be released with ouro_exchange_plan_destroy(); keeps no reference to the graph but its
 *             communicator; NULL on error
 *  Returns the same status on all ranks: OURO_OK, OURO_ENOMEM, OURO_ELIMIT (two blocks a neighbour and direction do
 *  not fit the buffer; the message says what exchange.buffer must be), OURO_EINTERNAL. */
ouro_status ouro_exchange_plan_create(const ouro_graph *graph, const ouro_exchange_options *options,
                                      ouro_exchange_plan **plan);

/** Release a plan and set it to NULL. NULL is fine. No flight may be under way.
 *  Not collective. */
void ouro_exchange_plan_destroy(ouro_exchange_plan **plan);

/** Bytes that this rank sends in one generation.
 *  Not collective. */
int64_t ouro_exchange_plan_bytes(const ouro_exchange_plan *plan);

/** Bytes that this rank holds in flight: never above options.buffer.
 *  Not collective. */
int64_t ouro_exchange_plan_buffer(const ouro_exchange_plan *plan);

/** Number of ranks that this one sends to or receives from.
 *  Not collective. */
int ouro_exchange_plan_neighbours(const ouro_exchange_plan *plan);

/** The same for a halo, whose neighbours are those of every plan of its graph.
 *  Not collective. */
int ouro_exchange_neighbours(const ouro_halo *halo);

/** Number of rounds of the busiest channel of this rank in one generation.
 *  Not collective. */
int64_t ouro_exchange_plan_rounds(const ouro_exchange_plan *plan);

/** Post the first receives, fill and start the first sends: as many rounds as the buffer holds.
 *  Collective on the plan's communicator; does not wait for other ranks and does not allocate.
 *  [in]  fill, context used until ouro_exchange_end()
 *  [out] flight the exchange in progress, one at a time for a plan
 *  Returns OURO_OK; a failing message is reported by ouro_exchange_end(). */
ouro_status ouro_exchange_begin(ouro_exchange_plan *plan, ouro_exchange_fill fill, void *context,
                                ouro_exchange_flight **flight);

/** Let messages progress and refill sends that are done. Cheap; call it now and then while computing.
 *  Not collective. */
void ouro_exchange_progress(ouro_exchange_flight *flight);

/** The next item from the rank that owns ghost node `ghost`, waiting for it if need be.
 *  Not collective, but every rank must take all its items and then call ouro_exchange_end().
 *  [in]  ghost index into the graph's gid, n_owned .. n_owned+n_ghost-1
 *  [out] item  what the rows are. May be NULL.
 *  Returns the rows, valid until the next take on any channel; NULL if the sequence is exhausted (a defect). */
const void *ouro_exchange_take(ouro_exchange_flight *flight, ouro_lid ghost, ouro_exchange_item *item);

/** Send what is left to send, wait for everything, and end the flight. Items left untaken are dropped.
 *  Collective on the plan's communicator.
 *  [inout] flight NULL afterwards
 *  Returns the same status on all ranks: OURO_OK, OURO_EMPI, OURO_EINTERNAL (items left untaken). */
ouro_status ouro_exchange_end(ouro_exchange_flight **flight);

/** Seconds this rank has waited in take and end since the plan was made, time spent filling not counted.
 *  Not collective. */
double ouro_exchange_plan_waited(const ouro_exchange_plan *plan);

/* What one of many parts of a graph moves in one generation. */
typedef struct ouro_exchange_traffic {
  int neighbours; /* parts that it sends to or receives from */
  int64_t bytes_sent, bytes_received;
  int64_t messages_sent, messages_received;
  int64_t rounds;                   /* messages of its busiest channel */
  int64_t sets_sent, sets_received; /* feeds or corpora of one replicate .. */
  int64_t rows_sent, rows_received; /* .. and their samples */
  int64_t buffer;                   /* bytes in flight */
  int64_t least; /* bytes that options.buffer must hold; too small a buffer is not refused: no messages then */
} ouro_exchange_traffic;

/* One part of a graph: what the rank that will own it would have. */
typedef struct ouro_exchange_part {
  int number;              /* 0 .. n_parts-1 */
  const ouro_graph *graph; /* its halo knows what it receives, ranks being parts; n_send is 0 */
} ouro_exchange_part;

/** Count what parts of a graph would exchange if each were owned by a rank of its own, as plans made there would.
 *  Collective on comm.
 *  [in]  parts   [n_held] each part is held by one rank
 *  [out] traffic [n_parts] the same on all ranks
 *  Returns the same status on all ranks: OURO_OK, OURO_ENOMEM, OURO_ELIMIT. */
ouro_status ouro_exchange_count(MPI_Comm comm, int n_parts, int n_held, const ouro_exchange_part *parts,
                                const ouro_exchange_options *options, ouro_exchange_traffic *traffic);

/** The same for values of so many bytes that a halo update carries to all ghosts.
 *  Collective on comm. Arguments and errors as above. */
ouro_status ouro_exchange_count_halo(MPI_Comm comm, int n_parts, int n_held, const ouro_exchange_part *parts,
                                     int64_t bytes, ouro_exchange_traffic *traffic);

#endif
