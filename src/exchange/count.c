/* What parts of a graph would exchange, counted where several of them are held by one rank: the channels of each are
 * listed, measured and shaped by the code that sets up plans. Invariant: a link is a channel seen from neither side. */

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "exchange/private.h"
#include "ouro/base/memory.h"

/* A channel between two parts; all numbers, so that links travel as such. */
typedef struct crossing {
  int64_t from, to, bytes, least, sets, rows, share, messages, ring;
} crossing;

enum { LINK_NUMBERS = sizeof(crossing) / sizeof(int64_t) };

typedef struct links {
  int n, first, n_own; /* of all ranks; those that this rank made are first .. first + n_own-1 */
  crossing *list;
} links;

static int by_receiver(const void *a, const void *b) {
  const crossing *x = a, *y = b;
  if (x->to != y->to) return x->to < y->to ? -1 : 1;
  return (x->from > y->from) - (x->from < y->from);
}

static int by_sender(const void *a, const void *b) {
  const crossing *x = *(crossing *const *)a, *y = *(crossing *const *)b;
  if (x->from != y->from) return x->from < y->from ? -1 : 1;
  return (x->to > y->to) - (x->to < y->to);
}

/* Collective: the links of all ranks, those of each rank together.
 * [in] own [n_own] released by the caller */
static ouro_status gather(MPI_Comm comm, int n_own, const crossing *own, links *all) {
  ouro_status status = OURO_OK;
  int rank, n_ranks, *count = NULL;
  MPI_Comm_rank(comm, &rank);
  MPI_Comm_size(comm, &n_ranks);
  count = ouro_memory_new(2 * (size_t)n_ranks + 1, sizeof *count);
  OURO_AGREE(comm, count ? OURO_OK : OURO_ENOMEM);
  int *place = count + n_ranks, mine = (int)((int64_t)n_own * LINK_NUMBERS);
  const int64_t total = (int64_t)n_own * LINK_NUMBERS;
  int64_t total_of_all;
  MPI_Allreduce(&total, &total_of_all, 1, MPI_INT64_T, MPI_SUM, comm);
  OURO_CHECK(total_of_all <= INT_MAX, OURO_ELIMIT, "%" PRId64 " channels between parts: too many to be counted",
             total_of_all / LINK_NUMBERS);
  MPI_Allgather(&mine, 1, MPI_INT, count, 1, MPI_INT, comm);
  for (int r = 0; r < n_ranks; r++) place[r + 1] = place[r] + count[r];
  *all = (links){.n = place[n_ranks] / LINK_NUMBERS, .first = place[rank] / LINK_NUMBERS, .n_own = n_own};
  all->list = ouro_memory_new((size_t)all->n, sizeof *all->list);
  OURO_AGREE(comm, all->list ? OURO_OK : OURO_ENOMEM);
  MPI_Allgatherv(own, mine, MPI_INT64_T, all->list, count, place, MPI_INT64_T, comm);
cleanup:
  free(count);
  return status;
}

static crossing link_of(const ouro_exchange_plan *plan, int part, int c) {
  const exchange_channel *channel = &plan->channel[c];
  crossing made = {
      .from = channel->rank, .to = part, .bytes = channel->bytes, .least = channel->least, .sets = channel->n_feeds};
  for (ouro_eid k = 0; k < channel->n_feeds; k++) made.rows += channel->total[k];
  return made;
}

/* What each held part receives. plans [n_held]
 * [out] own [*n] to be released with free() */
static ouro_status list_links(int n_held, const ouro_exchange_part *parts, const ouro_exchange_options *options,
                              ouro_exchange_plan **plans, crossing **own, int *n) {
  ouro_status status = OURO_OK;
  for (int h = 0; h < n_held; h++) {
    OURO_TRY(ouro_exchange_plan_local(parts[h].graph, options, &plans[h]));
    OURO_TRY(ouro_exchange_measure(plans[h]));
    OURO_RESIZE(*own, *n + plans[h]->n_receive);
    for (int c = 0; c < plans[h]->n_receive; c++) (*own)[(*n)++] = link_of(plans[h], parts[h].number, c);
  }
cleanup:
  return status;
}

/* One part's share for each of its channels, receiving ones first, by the rank of the other side as in a plan. */
static ouro_status share_of_part(const ouro_exchange_options *options, int n_receive, crossing *const *receive,
                                 int n_send, crossing *const *send, int64_t *least) {
  ouro_status status = OURO_OK;
  ouro_exchange_plan part = {.options = *options, .n_receive = n_receive, .n_send = n_send};
  OURO_NEW(part.channel, n_receive + n_send);
  for (int c = 0; c < n_receive + n_send; c++) {
    const crossing *one = c < n_receive ? receive[c] : send[c - n_receive];
    part.channel[c].bytes = one->bytes;
    part.channel[c].least = one->least;
    *least += ouro_exchange_needed(&part.channel[c]);
  }
  OURO_TRY(ouro_exchange_share_out(&part));
  for (int c = 0; c < n_receive + n_send; c++) {
    crossing *one = c < n_receive ? receive[c] : send[c - n_receive];
    if (part.channel[c].share < one->share) one->share = part.channel[c].share;
  }
cleanup:
  free(part.channel);
  return status;
}

/* Links in two orders. */
typedef struct orders {
  crossing **to, **from; /* [n] by receiver, by sender */
} orders;

static int by_receiver_of(const void *a, const void *b) {
  return by_receiver(*(crossing *const *)a, *(crossing *const *)b);
}

static ouro_status order(const links *all, orders *in) {
  ouro_status status = OURO_OK;
  OURO_NEW(in->to, all->n);
  OURO_NEW(in->from, all->n);
  for (int k = 0; k < all->n; k++) in->to[k] = in->from[k] = &all->list[k];
  qsort(in->to, (size_t)all->n, sizeof(crossing *), by_receiver_of);
  qsort(in->from, (size_t)all->n, sizeof(crossing *), by_sender);
cleanup:
  return status;
}

/* The smaller share of both sides, of every link. */
static ouro_status share_all(const ouro_exchange_options *options, int n_parts, const links *all, const orders *in,
                             ouro_exchange_traffic *traffic) {
  ouro_status status = OURO_OK;
  int received = 0, sent = 0;
  for (int k = 0; k < all->n; k++) all->list[k].share = INT64_MAX;
  for (int p = 0; p < n_parts; p++) {
    const int r = received, s = sent;
    while (received < all->n && in->to[received]->to == p) received++;
    while (sent < all->n && in->from[sent]->from == p) sent++;
    OURO_TRY(share_of_part(options, received - r, in->to + r, sent - s, in->from + s, &traffic[p].least));
  }
cleanup:
  return status;
}

/* Messages of what this rank's parts receive. */
static void shape(int n_held, ouro_exchange_plan *const *plans, bool fits, const links *all) {
  crossing *one = all->list + all->first;
  for (int h = 0; h < n_held && fits; h++) {
    for (int c = 0; c < plans[h]->n_receive; c++, one++) {
      exchange_channel *channel = &plans[h]->channel[c];
      channel->share = one->share;
      ouro_exchange_shape(plans[h], channel);
      one->messages = channel->n_messages;
      one->ring = (int64_t)channel->message * channel->depth;
    }
  }
}

/* Collective: what only the rank of the receiver knows of a link. */
static ouro_status tell_messages(MPI_Comm comm, links *all) {
  ouro_status status = OURO_OK;
  links again = {0};
  OURO_TRY(gather(comm, all->n_own, all->list + all->first, &again));
  memcpy(all->list, again.list, (size_t)all->n * sizeof *all->list);
cleanup:
  free(again.list);
  return status;
}

static void add_link(const crossing *one, ouro_exchange_traffic *traffic) {
  ouro_exchange_traffic *from = &traffic[one->from], *to = &traffic[one->to];
  from->bytes_sent += one->bytes;
  from->messages_sent += one->messages;
  from->sets_sent += one->sets;
  from->rows_sent += one->rows;
  to->bytes_received += one->bytes;
  to->messages_received += one->messages;
  to->sets_received += one->sets;
  to->rows_received += one->rows;
  from->buffer += one->ring;
  to->buffer += one->ring;
  if (one->messages > from->rounds) from->rounds = one->messages;
  if (one->messages > to->rounds) to->rounds = one->messages;
}

/* Is there a link the other way? The list is sorted by receiver. */
static bool returned(const links *all, const crossing *one) {
  const crossing other = {.from = one->to, .to = one->from};
  return bsearch(&other, all->list, (size_t)all->n, sizeof *all->list, by_receiver) != NULL;
}

static void add_all(links *all, ouro_exchange_traffic *traffic) {
  if (all->n > 0) qsort(all->list, (size_t)all->n, sizeof *all->list, by_receiver);
  for (int k = 0; k < all->n; k++) {
    const crossing *one = &all->list[k];
    add_link(one, traffic);
    traffic[one->to].neighbours++;
    if (!returned(all, one)) traffic[one->from].neighbours++;
  }
}

static bool buffer_holds(const ouro_exchange_options *options, int n_parts, const ouro_exchange_traffic *traffic) {
  for (int p = 0; p < n_parts; p++) {
    if (traffic[p].least > options->buffer) return false;
  }
  return true;
}

static void release(int n_held, ouro_exchange_plan **plans) {
  for (int h = 0; plans && h < n_held; h++) ouro_exchange_plan_destroy(&plans[h]);
  free(plans);
}

/* Collective: cut what crosses the links into messages. */
static ouro_status cut(MPI_Comm comm, const ouro_exchange_options *options, int n_parts, int n_held,
                       ouro_exchange_plan *const *plans, links *all, ouro_exchange_traffic *traffic) {
  ouro_status status = OURO_OK;
  orders in = {0};
  OURO_AGREE(comm, order(all, &in));
  OURO_AGREE(comm, share_all(options, n_parts, all, &in, traffic));
  shape(n_held, plans, buffer_holds(options, n_parts, traffic), all);
  OURO_TRY(tell_messages(comm, all));
cleanup:
  free(in.to);
  free(in.from);
  return status;
}

ouro_status ouro_exchange_count(MPI_Comm comm, int n_parts, int n_held, const ouro_exchange_part *parts,
                                const ouro_exchange_options *options, ouro_exchange_traffic *traffic) {
  ouro_status status = OURO_OK;
  crossing *own = NULL;
  links all = {0};
  int n = 0;
  memset(traffic, 0, (size_t)n_parts * sizeof *traffic);
  ouro_exchange_plan **plans = ouro_memory_new((size_t)n_held, sizeof(ouro_exchange_plan *));
  OURO_AGREE(comm, plans ? list_links(n_held, parts, options, plans, &own, &n) : OURO_ENOMEM);
  OURO_TRY(gather(comm, n, own, &all));
  OURO_TRY(cut(comm, options, n_parts, n_held, plans, &all, traffic));
  add_all(&all, traffic);
cleanup:
  release(n_held, plans);
  free(own);
  free(all.list);
  return status;
}

static ouro_status list_halo(int n_held, const ouro_exchange_part *parts, int64_t bytes, crossing **own, int *n) {
  ouro_status status = OURO_OK;
  for (int h = 0; h < n_held; h++) {
    const ouro_halo *halo = parts[h].graph->halo;
    OURO_RESIZE(*own, *n + halo->n_receive);
    for (int c = 0; c < halo->n_receive; c++) {
      const int64_t values = halo->receive_row[c + 1] - halo->receive_row[c];
      (*own)[(*n)++] = (crossing){.from = halo->receive_rank[c],
                                  .to = parts[h].number,
                                  .bytes = values * bytes,
                                  .sets = values,
                                  .messages = 1,
                                  .ring = values * bytes};
    }
  }
cleanup:
  return status;
}

ouro_status ouro_exchange_count_halo(MPI_Comm comm, int n_parts, int n_held, const ouro_exchange_part *parts,
                                     int64_t bytes, ouro_exchange_traffic *traffic) {
  ouro_status status = OURO_OK;
  crossing *own = NULL;
  links all = {0};
  int n = 0;
  memset(traffic, 0, (size_t)n_parts * sizeof *traffic);
  OURO_AGREE(comm, list_halo(n_held, parts, bytes, &own, &n));
  OURO_TRY(gather(comm, n, own, &all));
  add_all(&all, traffic);
cleanup:
  free(own);
  free(all.list);
  return status;
}
