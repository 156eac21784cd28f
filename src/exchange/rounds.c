/* How a channel's items are cut into messages: the buffer is shared out among the channels of a rank, both sides
 * of a channel take the smaller share, and from it follow slice, message and ring.
 * Invariant: the rings of a rank together never exceed the buffer. */

#include "exchange/private.h"

#include <limits.h>
#include <stdlib.h>

#include "ouro/base/memory.h"

#define MESSAGE_BYTES OURO_EXCHANGE_MESSAGE
#define RING_DEPTH 2 /* messages a channel */

ouro_status ouro_exchange_measure(ouro_exchange_plan *plan) {
  const int64_t row = (int64_t)plan->options.row_bytes;
  const bool whole = plan->options.whole;
  for (int c = 0; c < plan->n_receive + plan->n_send; c++) {
    exchange_channel *channel = &plan->channel[c];
    int64_t rows = 0, largest = 0;
    bool over = false;
    for (ouro_eid k = 0; k < channel->n_feeds; k++) {
      const ouro_count n = whole ? 1 : channel->total[k];
      if (n > largest) largest = n;
      over |= __builtin_add_overflow(rows, n, &rows);
    }
    over |= __builtin_mul_overflow(rows, plan->options.replicates, &rows);
    over |= __builtin_mul_overflow(rows, row, &channel->bytes) || channel->bytes > INT64_MAX / 4;
    channel->least = (largest < plan->options.block ? largest : plan->options.block) * row;
    if (over) return ouro_error(OURO_ELIMIT, "the samples of one generation are more bytes than can be counted");
    if (channel->least > INT_MAX / 2) return ouro_error(OURO_ELIMIT, "one block of samples is over 1 GiB");
  }
  return OURO_OK;
}

int64_t ouro_exchange_needed(const exchange_channel *channel) {
  return channel->bytes < 2 * channel->least ? channel->bytes : 2 * channel->least;
}

/* What a channel can use. */
static int64_t wanted(const exchange_channel *channel) {
  const int64_t message = MESSAGE_BYTES > channel->least ? MESSAGE_BYTES : channel->least;
  return channel->bytes < RING_DEPTH * message ? channel->bytes + message : RING_DEPTH * message;
}

static ouro_status check_buffer(const ouro_exchange_plan *plan) {
  int64_t least = 0;
  for (int c = 0; c < plan->n_receive + plan->n_send; c++) least += ouro_exchange_needed(&plan->channel[c]);
  MPI_Allreduce(MPI_IN_PLACE, &least, 1, MPI_INT64_T, MPI_MAX, plan->comm);
  if (least <= plan->options.buffer) return OURO_OK;
  return ouro_error(OURO_ELIMIT,
                    "exchange.buffer: %" PRId64 " bytes cannot hold two blocks of samples to and from every neighbour; "
                    "at least %" PRId64 " KiB are needed, or exchange.carry=parameters",
                    plan->options.buffer, (least + 1023) / 1024);
}

static int by_wish(const void *a, const void *b) {
  const int64_t x = wanted(*(exchange_channel *const *)a), y = wanted(*(exchange_channel *const *)b);
  return (x > y) - (x < y);
}

ouro_status ouro_exchange_share_out(ouro_exchange_plan *plan) {
  ouro_status status = OURO_OK;
  const int n = plan->n_receive + plan->n_send;
  exchange_channel **order = NULL;
  int64_t left = plan->options.buffer;
  OURO_NEW(order, n);
  for (int c = 0; c < n; c++) {
    order[c] = &plan->channel[c];
    order[c]->share = ouro_exchange_needed(order[c]);
    left -= order[c]->share;
  }
  qsort(order, (size_t)n, sizeof(exchange_channel *), by_wish);
  for (int c = 0; c < n; c++) {
    const int64_t even = left / (n - c), wish = wanted(order[c]) - order[c]->share;
    const int64_t more = wish < even ? wish : even;
    order[c]->share += more;
    left -= more;
  }
cleanup:
  free(order);
  return status;
}

/* The smaller share of both sides. A pair of ranks may have a channel each way: sending in the order (receiving
 * channels, sending channels) and receiving in the opposite one pairs them. shares, requests [2 * channels]. */
static void agree_shares(ouro_exchange_plan *plan, int64_t *shares, MPI_Request *requests) {
  const int n = plan->n_receive + plan->n_send;
  for (int k = 0; k < n; k++) {
    const int c = (k + plan->n_receive) % (n ? n : 1);
    MPI_Irecv(&shares[c], 1, MPI_INT64_T, plan->channel[c].rank, OURO_TAG_EXCHANGE_TABLE, plan->comm, &requests[k]);
  }
  for (int c = 0; c < n; c++) {
    shares[n + c] = plan->channel[c].share;
    MPI_Isend(&shares[n + c], 1, MPI_INT64_T, plan->channel[c].rank, OURO_TAG_EXCHANGE_TABLE, plan->comm,
              &requests[n + c]);
  }
  MPI_Waitall(2 * n, requests, MPI_STATUSES_IGNORE);
  for (int c = 0; c < n; c++) {
    if (shares[c] < plan->channel[c].share) plan->channel[c].share = shares[c];
  }
}

/* Messages of a generation: walk the sequence as filling and taking will. */
static int64_t count_messages(const ouro_exchange_plan *plan, const exchange_channel *channel) {
  exchange_cursor at = {0};
  ouro_exchange_item item;
  int64_t n = 0;
  size_t room = 0;
  for (; exchange_peek(plan, channel, &at, &item); exchange_advance(plan, channel, &at)) {
    const size_t bytes = exchange_bytes(plan, item.n);
    if (bytes > room) {
      room = channel->message;
      n++;
    }
    room -= bytes;
  }
  return n;
}

void ouro_exchange_shape(const ouro_exchange_plan *plan, exchange_channel *channel) {
  const int64_t row = (int64_t)plan->options.row_bytes, block = plan->options.block;
  int64_t largest = MESSAGE_BYTES > 2 * channel->least ? MESSAGE_BYTES : 2 * channel->least;
  if (channel->bytes <= channel->share && channel->bytes <= largest) {
    channel->message = (size_t)channel->bytes;
  } else {
    largest = MESSAGE_BYTES > channel->least ? MESSAGE_BYTES : channel->least;
    if (channel->share / 2 < largest) largest = channel->share / 2;
    channel->message = (size_t)(largest / row * row);
  }
  const int64_t blocks = (int64_t)channel->message / 8 / row / block;
  channel->slice = plan->options.whole ? INT64_MAX : (blocks > 1 ? blocks : 1) * block;
  channel->n_messages = count_messages(plan, channel);
  int64_t depth = channel->message ? channel->share / (int64_t)channel->message : 0;
  if (depth > channel->n_messages) depth = channel->n_messages;
  channel->depth = (int)(depth < RING_DEPTH ? depth : RING_DEPTH);
}

static ouro_status lay_out(const ouro_exchange_plan *plan, exchange_channel *channel) {
  ouro_status status = OURO_OK;
  ouro_exchange_shape(plan, channel);
  OURO_NEW(channel->ring, channel->message * (size_t)channel->depth);
  OURO_NEW(channel->request, channel->depth);
  for (int k = 0; k < channel->depth; k++) channel->request[k] = MPI_REQUEST_NULL;
cleanup:
  return status;
}

static ouro_status lay_out_all(ouro_exchange_plan *plan) {
  ouro_status status = OURO_OK;
  for (int c = 0; c < plan->n_receive + plan->n_send; c++) OURO_TRY(lay_out(plan, &plan->channel[c]));
cleanup:
  return status;
}

static ouro_status new_scratch(const ouro_exchange_plan *plan, int64_t **shares, MPI_Request **requests) {
  ouro_status status = OURO_OK;
  const size_t n = (size_t)plan->n_receive + (size_t)plan->n_send;
  OURO_NEW(*shares, 2 * n);
  OURO_NEW(*requests, 2 * n);
cleanup:
  return status;
}

ouro_status ouro_exchange_rounds_create(ouro_exchange_plan *plan) {
  ouro_status status = OURO_OK;
  int64_t *shares = NULL;
  MPI_Request *requests = NULL;
  OURO_AGREE(plan->comm, ouro_exchange_measure(plan));
  OURO_TRY(check_buffer(plan));
  OURO_AGREE(plan->comm, ouro_exchange_share_out(plan));
  OURO_AGREE(plan->comm, new_scratch(plan, &shares, &requests));
  agree_shares(plan, shares, requests);
  OURO_AGREE(plan->comm, lay_out_all(plan));
cleanup:
  free(shares);
  free(requests);
  return status;
}
