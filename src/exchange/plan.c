/* Who needs what: the lists of feeds that cross each channel, made by the receiver and told to the sender.
 * Invariant: both sides of a channel hold the same list in the same order. Knows nothing of messages. */

#include "exchange/private.h"

#include <stdlib.h>
#include <string.h>

#include "ouro/base/memory.h"
#include "ouro/base/message.h"

/* What the receiver tells first. */
typedef struct channel_head {
  int64_t n_groups, n_feeds;
} channel_head;

static ouro_status channel_reserve(exchange_channel *channel) {
  ouro_status status = OURO_OK;
  OURO_NEW(channel->target, channel->n_groups);
  OURO_NEW(channel->start, channel->n_groups + 1);
  OURO_NEW(channel->source, channel->n_feeds);
  OURO_NEW(channel->total, channel->n_feeds);
cleanup:
  return status;
}

static void channel_clear(exchange_channel *channel) {
  free(channel->target);
  free(channel->start);
  free(channel->source);
  free(channel->total);
  free(channel->ring);
  free(channel->request);
}

/* Count groups and feeds of the receiving channels; a group is a target, or all corpora together. */
static void count_private(ouro_exchange_plan *plan, const ouro_graph *graph, ouro_lid *latest) {
  for (int c = 0; c < plan->n_receive; c++) latest[c] = -1;
  for (ouro_lid i = 0; i < graph->n_owned; i++) {
    for (ouro_eid e = graph->row[i]; e < graph->row[i + 1]; e++) {
      if (graph->source[e] < graph->n_owned) continue;
      const int32_t c = plan->channel_of[graph->source[e] - graph->n_owned];
      plan->channel[c].n_feeds++;
      plan->channel[c].n_groups += latest[c] != i;
      latest[c] = i;
    }
  }
}

static void list_private(ouro_exchange_plan *plan, const ouro_graph *graph, ouro_lid *latest, const ouro_lid *place) {
  for (int c = 0; c < plan->n_receive; c++) {
    latest[c] = -1;
    plan->channel[c].n_groups = plan->channel[c].n_feeds = 0;
  }
  for (ouro_lid i = 0; i < graph->n_owned; i++) {
    for (ouro_eid e = graph->row[i]; e < graph->row[i + 1]; e++) {
      if (graph->source[e] < graph->n_owned) continue;
      const ouro_lid ghost = graph->source[e] - graph->n_owned;
      exchange_channel *channel = &plan->channel[plan->channel_of[ghost]];
      if (latest[plan->channel_of[ghost]] != i) channel->target[channel->n_groups++] = graph->gid[i];
      latest[plan->channel_of[ghost]] = i;
      channel->source[channel->n_feeds] = place[ghost];
      channel->total[channel->n_feeds++] = ouro_graph_samples(graph, e);
      channel->start[channel->n_groups] = channel->n_feeds;
    }
  }
}

/* Ghosts that nobody here trains on, as may be in a generation, publish nothing. */
static void note_published(const ouro_graph *graph, ouro_count *corpus) {
  for (ouro_eid e = 0; e < graph->row[graph->n_owned]; e++) {
    if (graph->source[e] >= graph->n_owned) corpus[graph->source[e] - graph->n_owned] = ouro_graph_samples(graph, e);
  }
}

static void count_published(ouro_exchange_plan *plan, const ouro_graph *graph, const ouro_count *corpus) {
  for (ouro_lid k = 0; k < graph->n_ghost; k++) {
    if (corpus[k] == 0) continue;
    plan->channel[plan->channel_of[k]].n_groups = 1;
    plan->channel[plan->channel_of[k]].n_feeds++;
  }
}

static void list_published(ouro_exchange_plan *plan, const ouro_halo *halo, const ouro_count *corpus) {
  for (int c = 0; c < plan->n_receive; c++) {
    exchange_channel *channel = &plan->channel[c];
    if (channel->n_groups == 0) continue;
    channel->target[0] = OURO_NATURE;
    channel->start[1] = channel->n_feeds;
    ouro_eid at = 0;
    for (ouro_lid k = halo->receive_row[c]; k < halo->receive_row[c + 1]; k++) {
      const ouro_count total = corpus[halo->receive[k] - halo->n_owned];
      if (total == 0) continue;
      channel->source[at] = k - halo->receive_row[c];
      channel->total[at++] = total;
    }
  }
}

/* The lists of what this rank receives. Sources stand as places within the halo's segment of their owner, which
 * both sides know. */
static ouro_status list_receives(ouro_exchange_plan *plan, const ouro_graph *graph) {
  ouro_status status = OURO_OK;
  const ouro_halo *halo = graph->halo;
  ouro_lid *latest = NULL, *place = NULL;
  ouro_count *corpus = NULL;
  OURO_NEW(latest, plan->n_receive);
  OURO_NEW(place, graph->n_ghost);
  OURO_NEW(corpus, graph->n_ghost);
  for (int c = 0; c < plan->n_receive; c++) {
    for (ouro_lid k = halo->receive_row[c]; k < halo->receive_row[c + 1]; k++) {
      plan->channel_of[halo->receive[k] - graph->n_owned] = c;
      place[halo->receive[k] - graph->n_owned] = k - halo->receive_row[c];
    }
  }
  note_published(graph, corpus);
  if (plan->options.draw == OURO_DRAW_PRIVATE)
    count_private(plan, graph, latest);
  else
    count_published(plan, graph, corpus);
  for (int c = 0; c < plan->n_receive; c++) OURO_TRY(channel_reserve(&plan->channel[c]));
  if (plan->options.draw == OURO_DRAW_PRIVATE)
    list_private(plan, graph, latest, place);
  else
    list_published(plan, halo, corpus);
cleanup:
  free(latest);
  free(place);
  free(corpus);
  return status;
}

/* Tell every sender how long its lists are. */
static void tell_heads(ouro_exchange_plan *plan, channel_head *heads, MPI_Request *requests) {
  int n = 0;
  for (int c = 0; c < plan->n_receive + plan->n_send; c++) {
    exchange_channel *channel = &plan->channel[c];
    heads[c] = (channel_head){channel->n_groups, channel->n_feeds};
    if (channel->sends) {
      MPI_Irecv(&heads[c], 2, MPI_INT64_T, channel->rank, OURO_TAG_EXCHANGE_TABLE, plan->comm, &requests[n++]);
    } else {
      MPI_Isend(&heads[c], 2, MPI_INT64_T, channel->rank, OURO_TAG_EXCHANGE_TABLE, plan->comm, &requests[n++]);
    }
  }
  MPI_Waitall(n, requests, MPI_STATUSES_IGNORE);
  for (int c = 0; c < plan->n_receive + plan->n_send; c++) {
    plan->channel[c].n_groups = heads[c].n_groups;
    plan->channel[c].n_feeds = heads[c].n_feeds;
  }
}

/* What a channel has to tell. */
typedef struct channel_list {
  void *items;
  size_t bytes;
} channel_list;

enum { LISTS = 4 };

static void lists_of(const exchange_channel *channel, channel_list *list) {
  const size_t n_groups = (size_t)channel->n_groups, n_feeds = (size_t)channel->n_feeds;
  list[0] = (channel_list){channel->target, n_groups * sizeof *channel->target};
  list[1] = (channel_list){channel->start, (n_groups + 1) * sizeof *channel->start};
  list[2] = (channel_list){channel->source, n_feeds * sizeof *channel->source};
  list[3] = (channel_list){channel->total, n_feeds * sizeof *channel->total};
}

static int pieces_of(const ouro_exchange_plan *plan) {
  int n = 0;
  for (int c = 0; c < plan->n_receive + plan->n_send; c++) {
    channel_list list[LISTS];
    lists_of(&plan->channel[c], list);
    for (int k = 0; k < LISTS; k++) n += ouro_message_pieces(list[k].bytes);
  }
  return n;
}

/* Tell every sender the lists themselves. requests [pieces_of(plan)]. */
static void tell_lists(const ouro_exchange_plan *plan, MPI_Request *requests) {
  MPI_Request *next = requests;
  for (int c = 0; c < plan->n_receive + plan->n_send; c++) {
    const exchange_channel *channel = &plan->channel[c];
    channel_list list[LISTS];
    lists_of(channel, list);
    for (int k = 0; k < LISTS; k++) {
      if (channel->sends)
        ouro_message_receive(plan->comm, list[k].items, list[k].bytes, channel->rank, OURO_TAG_EXCHANGE_TABLE, next);
      else
        ouro_message_send(plan->comm, list[k].items, list[k].bytes, list[k].bytes, channel->rank,
                          OURO_TAG_EXCHANGE_TABLE, next);
      next += ouro_message_pieces(list[k].bytes);
    }
  }
  MPI_Waitall((int)(next - requests), requests, MPI_STATUSES_IGNORE);
}

/* Replace places within a halo segment by indices into gid. */
static ouro_status resolve_sources(ouro_exchange_plan *plan, const ouro_halo *halo) {
  for (int c = 0; c < plan->n_receive + plan->n_send; c++) {
    exchange_channel *channel = &plan->channel[c];
    const int s = channel->sends ? c - plan->n_receive : c;
    const ouro_lid *segment = channel->sends ? &halo->send[halo->send_row[s]] : &halo->receive[halo->receive_row[s]];
    const ouro_lid length =
        channel->sends ? halo->send_row[s + 1] - halo->send_row[s] : halo->receive_row[s + 1] - halo->receive_row[s];
    for (ouro_eid k = 0; k < channel->n_feeds; k++) {
      if (channel->source[k] < 0 || channel->source[k] >= length || channel->total[k] <= 0) {
        return ouro_error(OURO_EINTERNAL, "exchange: the list of rank %d does not match the halo", channel->rank);
      }
      channel->source[k] = segment[channel->source[k]];
    }
  }
  return OURO_OK;
}

int ouro_exchange_neighbours(const ouro_halo *halo) {
  int n = 0, s = 0;
  for (int r = 0; r < halo->n_receive; r++) {
    for (; s < halo->n_send && halo->send_rank[s] < halo->receive_rank[r]; s++) n++;
    if (s < halo->n_send && halo->send_rank[s] == halo->receive_rank[r]) s++;
    n++;
  }
  return n + halo->n_send - s;
}

ouro_status ouro_exchange_plan_local(const ouro_graph *graph, const ouro_exchange_options *options,
                                     ouro_exchange_plan **out) {
  ouro_status status = OURO_OK;
  const ouro_halo *halo = graph->halo;
  ouro_exchange_plan *plan;
  OURO_NEW(plan, 1);
  *out = plan;
  plan->comm = graph->comm;
  plan->options = *options;
  plan->n_owned = graph->n_owned;
  plan->n_receive = halo->n_receive;
  plan->n_send = halo->n_send;
  plan->n_neighbours = ouro_exchange_neighbours(halo);
  plan->flight.plan = plan;
  OURO_CHECK(options->replicates <= INT32_MAX, OURO_ELIMIT, "learning.replicates: %" PRId64 " are too many",
             options->replicates);
  const size_t n_local = (size_t)graph->n_owned + (size_t)graph->n_ghost;
  OURO_NEW(plan->gid, n_local);
  memcpy(plan->gid, graph->gid, n_local * sizeof *plan->gid);
  OURO_NEW(plan->channel_of, graph->n_ghost);
  OURO_NEW(plan->channel, plan->n_receive + plan->n_send);
  for (int c = 0; c < plan->n_receive + plan->n_send; c++) {
    plan->channel[c].sends = c >= plan->n_receive;
    plan->channel[c].rank = c < plan->n_receive ? halo->receive_rank[c] : halo->send_rank[c - plan->n_receive];
  }
  OURO_TRY(list_receives(plan, graph));
cleanup:
  return status;
}

/* Room for the lists of those that ask, and for the requests that carry them. */
static ouro_status reserve_sends(ouro_exchange_plan *plan, MPI_Request **requests) {
  ouro_status status = OURO_OK;
  for (int c = plan->n_receive; c < plan->n_receive + plan->n_send; c++) OURO_TRY(channel_reserve(&plan->channel[c]));
  OURO_RESIZE(*requests, pieces_of(plan));
cleanup:
  return status;
}

static ouro_status new_scratch(const ouro_halo *halo, channel_head **heads, MPI_Request **requests) {
  ouro_status status = OURO_OK;
  OURO_NEW(*heads, halo->n_receive + halo->n_send);
  OURO_NEW(*requests, halo->n_receive + halo->n_send);
cleanup:
  return status;
}

ouro_status ouro_exchange_plan_create(const ouro_graph *graph, const ouro_exchange_options *options,
                                      ouro_exchange_plan **plan) {
  ouro_status status = OURO_OK;
  ouro_exchange_plan *fresh = NULL;
  channel_head *heads = NULL;
  MPI_Request *requests = NULL;
  *plan = NULL;
  OURO_AGREE(graph->comm, ouro_exchange_plan_local(graph, options, &fresh));
  OURO_AGREE(graph->comm, new_scratch(graph->halo, &heads, &requests));
  tell_heads(fresh, heads, requests);
  OURO_AGREE(graph->comm, reserve_sends(fresh, &requests));
  tell_lists(fresh, requests);
  OURO_AGREE(graph->comm, resolve_sources(fresh, graph->halo));
  OURO_TRY(ouro_exchange_rounds_create(fresh));
  *plan = fresh;
  fresh = NULL;
cleanup:
  free(heads);
  free(requests);
  ouro_exchange_plan_destroy(&fresh);
  return status;
}

void ouro_exchange_plan_destroy(ouro_exchange_plan **plan) {
  if (*plan == NULL) return;
  for (int c = 0; (*plan)->channel && c < (*plan)->n_receive + (*plan)->n_send; c++) {
    channel_clear(&(*plan)->channel[c]);
  }
  free((*plan)->channel);
  free((*plan)->channel_of);
  free((*plan)->gid);
  free(*plan);
  *plan = NULL;
}

int64_t ouro_exchange_plan_bytes(const ouro_exchange_plan *plan) {
  int64_t bytes = 0;
  for (int c = plan->n_receive; c < plan->n_receive + plan->n_send; c++) bytes += plan->channel[c].bytes;
  return bytes;
}

int64_t ouro_exchange_plan_buffer(const ouro_exchange_plan *plan) {
  int64_t bytes = 0;
  for (int c = 0; c < plan->n_receive + plan->n_send; c++) {
    bytes += (int64_t)plan->channel[c].message * plan->channel[c].depth;
  }
  return bytes;
}

int ouro_exchange_plan_neighbours(const ouro_exchange_plan *plan) {
  return plan->n_neighbours;
}

int64_t ouro_exchange_plan_rounds(const ouro_exchange_plan *plan) {
  int64_t rounds = 0;
  for (int c = 0; c < plan->n_receive + plan->n_send; c++) {
    if (plan->channel[c].n_messages > rounds) rounds = plan->channel[c].n_messages;
  }
  return rounds;
}

double ouro_exchange_plan_waited(const ouro_exchange_plan *plan) {
  return plan->waited;
}
