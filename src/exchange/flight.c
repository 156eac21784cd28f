/* One exchange under way. Invariants: a receive is posted for every free slot that a message will come to; whoever
 * waits serves all sends; both sides cut the sequence into messages by the same rule. Nothing is allocated here. */

#include "exchange/private.h"

#include <stdio.h>

#include "ouro/base/timer.h"

/* Keep the first failure for ouro_exchange_end(). */
static void fail(ouro_exchange_flight *flight, ouro_status code, const char *what, int rank) {
  if (flight->status != OURO_OK) return;
  flight->status = code;
  snprintf(flight->reason, sizeof flight->reason, "exchange: %s rank %d", what, rank);
}

static void post_receive(ouro_exchange_flight *flight, exchange_channel *channel) {
  const int slot = (int)(channel->started++ % channel->depth);
  const int code = MPI_Irecv(channel->ring + (size_t)slot * channel->message, (int)channel->message, MPI_BYTE,
                             channel->rank, OURO_TAG_EXCHANGE_ROWS, flight->plan->comm, &channel->request[slot]);
  if (code != MPI_SUCCESS) fail(flight, OURO_EMPI, "cannot receive from", channel->rank);
}

/* The next items of a channel that fit into `room` bytes, as many as are filled together; their bytes. */
static size_t list_items(ouro_exchange_flight *flight, exchange_channel *channel, size_t room, int *n) {
  const ouro_exchange_plan *plan = flight->plan;
  size_t used = 0;
  for (*n = 0; *n < OURO_EXCHANGE_ITEMS && exchange_peek(plan, channel, &channel->next, &flight->item[*n]); ++*n) {
    const size_t bytes = exchange_bytes(plan, flight->item[*n].n);
    if (used + bytes > room) break;
    used += bytes;
    exchange_advance(plan, channel, &channel->next);
  }
  return used;
}

/* Fill the next message of a sending channel and start it. */
static void send_message(ouro_exchange_flight *flight, exchange_channel *channel) {
  const ouro_exchange_plan *plan = flight->plan;
  const double since = ouro_timer_now();
  const int slot = (int)(channel->started++ % channel->depth);
  unsigned char *out = channel->ring + (size_t)slot * channel->message;
  size_t used = 0;
  for (int n = 1; n > 0;) {
    const size_t bytes = list_items(flight, channel, channel->message - used, &n);
    if (n > 0) flight->fill(flight->context, n, flight->item, out + used);
    used += bytes;
  }
  const int code =
      MPI_Isend(out, (int)used, MPI_BYTE, channel->rank, OURO_TAG_EXCHANGE_ROWS, plan->comm, &channel->request[slot]);
  if (code != MPI_SUCCESS) fail(flight, OURO_EMPI, "cannot send to", channel->rank);
  flight->filling += ouro_timer_now() - since;
}

/* Whether the oldest message under way of a channel is done; it counts as finished for a sender. */
static bool oldest_done(ouro_exchange_flight *flight, exchange_channel *channel, MPI_Status *envelope) {
  int done;
  if (MPI_Test(&channel->request[channel->finished % channel->depth], &done, envelope) != MPI_SUCCESS) {
    fail(flight, OURO_EMPI, "lost a message with", channel->rank);
    return true;
  }
  return done != 0;
}

/* One message at most on every sending channel with room, so that no neighbour has to wait for another's.
 * Returns whether one was sent. */
static bool serve(ouro_exchange_flight *flight) {
  ouro_exchange_plan *plan = flight->plan;
  bool sent = false;
  for (int c = plan->n_receive; c < plan->n_receive + plan->n_send; c++) {
    exchange_channel *channel = &plan->channel[c];
    while (channel->finished < channel->started && oldest_done(flight, channel, MPI_STATUS_IGNORE)) channel->finished++;
    if (channel->started == channel->n_messages || channel->started - channel->finished == channel->depth) continue;
    send_message(flight, channel);
    sent = true;
  }
  return sent;
}

/* Wait for the message that a receiving channel is to be read from. */
static void await(ouro_exchange_flight *flight, exchange_channel *channel) {
  MPI_Status envelope;
  if (!oldest_done(flight, channel, &envelope)) {
    const double since = ouro_timer_now(), filling = flight->filling;
    do {
      serve(flight);
    } while (!oldest_done(flight, channel, &envelope));
    flight->plan->waited += ouro_timer_now() - since - (flight->filling - filling);
  }
  MPI_Get_count(&envelope, MPI_BYTE, &channel->length);
  channel->arrived = true;
  channel->offset = 0;
}

static void release(ouro_exchange_flight *flight, exchange_channel *channel) {
  channel->arrived = false;
  channel->finished++;
  if (channel->started < channel->n_messages) post_receive(flight, channel);
}

/* Once a message has been read to its end, give its slot back to the ring. */
static void release_if_read(ouro_exchange_flight *flight, exchange_channel *channel) {
  ouro_exchange_item next;
  if (!channel->arrived) return;
  if (exchange_peek(flight->plan, channel, &channel->next, &next) &&
      channel->offset + exchange_bytes(flight->plan, next.n) <= channel->message) {
    return;
  }
  if ((size_t)channel->length != channel->offset) {
    fail(flight, OURO_EINTERNAL, "message of another length than expected from", channel->rank);
  }
  release(flight, channel);
}

ouro_status ouro_exchange_begin(ouro_exchange_plan *plan, ouro_exchange_fill fill, void *context,
                                ouro_exchange_flight **out) {
  ouro_exchange_flight *flight = &plan->flight;
  flight->fill = fill;
  flight->context = context;
  flight->last = NULL;
  flight->status = OURO_OK;
  for (int c = 0; c < plan->n_receive + plan->n_send; c++) {
    exchange_channel *channel = &plan->channel[c];
    channel->next = (exchange_cursor){0};
    channel->started = channel->finished = 0;
    channel->offset = 0;
    channel->arrived = false;
    for (int k = 0; k < channel->depth && !channel->sends; k++) post_receive(flight, channel);
  }
  while (serve(flight)) continue;
  *out = flight;
  return OURO_OK;
}

void ouro_exchange_progress(ouro_exchange_flight *flight) {
  while (serve(flight)) continue;
}

const void *ouro_exchange_take(ouro_exchange_flight *flight, ouro_lid ghost, ouro_exchange_item *item) {
  ouro_exchange_plan *plan = flight->plan;
  exchange_channel *channel = &plan->channel[plan->channel_of[ghost - plan->n_owned]];
  ouro_exchange_item next;
  if (flight->last) release_if_read(flight, flight->last);
  flight->last = channel;
  if (!exchange_peek(plan, channel, &channel->next, &next)) return NULL;
  if (!channel->arrived) await(flight, channel);
  const unsigned char *rows = channel->ring + (size_t)(channel->finished % channel->depth) * channel->message;
  rows += channel->offset;
  channel->offset += exchange_bytes(plan, next.n);
  exchange_advance(plan, channel, &channel->next);
  if (item) *item = next;
  return rows;
}

/* Receive what nobody has taken, so that its sender can end. */
static void drop_untaken(ouro_exchange_flight *flight, exchange_channel *channel) {
  if (channel->next.group < channel->n_groups) fail(flight, OURO_EINTERNAL, "items left untaken from", channel->rank);
  while (channel->finished < channel->n_messages) {
    if (!channel->arrived) await(flight, channel);
    release(flight, channel);
  }
}

/* Go on serving until the last send is done. */
static void finish_sends(ouro_exchange_flight *flight) {
  const ouro_exchange_plan *plan = flight->plan;
  for (int c = plan->n_receive; c < plan->n_receive + plan->n_send; c++) {
    while (plan->channel[c].finished < plan->channel[c].n_messages) serve(flight);
  }
}

ouro_status ouro_exchange_end(ouro_exchange_flight **out) {
  ouro_exchange_flight *flight = *out;
  ouro_exchange_plan *plan = flight->plan;
  if (flight->last) release_if_read(flight, flight->last);
  for (int c = 0; c < plan->n_receive; c++) drop_untaken(flight, &plan->channel[c]);
  const double since = ouro_timer_now(), filling = flight->filling;
  finish_sends(flight);
  const ouro_status local = flight->status == OURO_OK ? OURO_OK : ouro_error(flight->status, "%s", flight->reason);
  const ouro_status status = ouro_agree(plan->comm, local);
  plan->waited += ouro_timer_now() - since - (flight->filling - filling);
  *out = NULL;
  return status;
}
