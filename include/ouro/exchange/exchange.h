#ifndef OURO_EXCHANGE_EXCHANGE_H
#define OURO_EXCHANGE_EXCHANGE_H

/* Who sends what to whom along cut feeds, in bounded memory. Knows items and bytes, not models.
 *
 * A channel joins a sending and a receiving rank and carries a fixed sequence of items, known to both sides
 * since set-up. The receiver takes items strictly in that order, so a training set of any size streams
 * through. A round is what fits the buffers: the receiver's table says how many items of each channel belong
 * to it. Before a rank waits for round k it has posted its receives and sent its own part of round k, so the
 * ranks cannot wait for one another in a circle. */

#include "ouro/graph/graph.h"

/* One unit of transfer: a slice of the samples of one feed (private) or one corpus (published), for one
 * replicate. */
typedef struct ouro_exchange_item {
  ouro_gid source; /* the model drawn from */
  ouro_gid target; /* the model that trains on it; OURO_NATURE for a published corpus */
  ouro_lid owned;  /* source as an owned index: meaningful to the sender only */
  int32_t replicate;
  ouro_count first, n; /* rows first .. first+n-1 of total */
  ouro_count total;
} ouro_exchange_item;

typedef struct ouro_exchange_options {
  ouro_draw draw;
  int64_t replicates;
  size_t row_bytes; /* bytes of one sample */
  ouro_count slice; /* largest number of rows of an item; a multiple of the family's row block */
  int64_t buffer;   /* bytes a rank may hold in flight, both directions together */
} ouro_exchange_options;

typedef struct ouro_exchange_plan ouro_exchange_plan;
typedef struct ouro_exchange_flight ouro_exchange_flight;

/* Fill one item: write item->n rows to out. Called between begin and end, in the sequence of the channel. */
typedef void (*ouro_exchange_fill)(void *context, const ouro_exchange_item *item, void *out);

/** Set up channels and rounds for a graph.
 *  Collective on graph's communicator.
 *  Order of items: private, by (target, replicate, source, first); published, by (replicate, source, first);
 *  targets and sources by ascending global id.
 *  [out] plan to be released with ouro_exchange_plan_destroy(); keeps no reference to the graph but its halo's
 *             communicator; NULL on error
 *  Returns the same status on all ranks: OURO_OK, OURO_ENOMEM, OURO_ELIMIT (a slice does not fit the buffer; the
 *  message says what exchange.buffer must be). */
ouro_status ouro_exchange_plan_create(const ouro_graph *graph, const ouro_exchange_options *options,
                                      ouro_exchange_plan **plan);

/** Release a plan and set it to NULL. NULL is fine. No flight may be under way.
 *  Collective on the plan's communicator. */
void ouro_exchange_plan_destroy(ouro_exchange_plan **plan);

/** Bytes that this rank sends in one generation, and the number of its neighbours and rounds.
 *  Not collective. */
int64_t ouro_exchange_plan_bytes(const ouro_exchange_plan *plan);
int ouro_exchange_plan_neighbours(const ouro_exchange_plan *plan);
int64_t ouro_exchange_plan_rounds(const ouro_exchange_plan *plan);

/** Post the receives of the first round, fill and send this rank's part of it.
 *  Collective on the plan's communicator.
 *  [in]  fill, context used until ouro_exchange_end()
 *  [out] flight the exchange in progress; NULL on error
 *  Returns the same status on all ranks: OURO_OK, OURO_ENOMEM, OURO_EMPI. */
ouro_status ouro_exchange_begin(ouro_exchange_plan *plan, ouro_exchange_fill fill, void *context,
                                ouro_exchange_flight **flight);

/** Let messages progress. Cheap; call it now and then while computing.
 *  Not collective. */
void ouro_exchange_progress(ouro_exchange_flight *flight);

/** The next item from the rank that owns ghost node `ghost`, waiting for it if need be.
 *  Not collective, but every rank must take all its items and then call ouro_exchange_end().
 *  [out] item what the rows are; valid until the next take on any channel. May be NULL.
 *  Returns the rows, valid until the next take on any channel; NULL if the sequence is exhausted (a defect). */
const void *ouro_exchange_take(ouro_exchange_flight *flight, ouro_lid ghost, ouro_exchange_item *item);

/** Send what is left to send, wait for everything, and end the flight.
 *  Collective on the plan's communicator.
 *  [inout] flight NULL afterwards
 *  Returns the same status on all ranks: OURO_OK, OURO_EMPI, OURO_EINTERNAL (items left untaken). */
ouro_status ouro_exchange_end(ouro_exchange_flight **flight);

/** Seconds this rank has waited in take and end since the plan was made.
 *  Not collective. */
double ouro_exchange_plan_waited(const ouro_exchange_plan *plan);

#endif
