/* Pairs of a node and a source phase, breadth first over all ranks: see rates_pairs.h.
 * Each rank runs its queue dry, then tells neighbours about new pairs of nodes they have as ghosts, in the order in
 * which it found them; both sides keep these lists, which afterwards are the halo of the pairs. */

#include "theory/rates_pairs.h"

#include <stdlib.h>
#include <string.h>

#include "ouro/base/memory.h"
#include "ouro/base/message.h"
#include "ouro/graph/reach.h"
#include "theory/select.h"

enum { WORDS = 5 }; /* slot in the halo's list, component, phase, period, bits of the rate */

/* Pairs sent to or received from a neighbour, in order. */
typedef struct list {
  int32_t n, capacity, told; /* told: of those, in earlier rounds */
  int32_t *pair;
} list;

typedef struct search {
  ouro_pairs *pairs;
  const ouro_halo *halo; /* of the graph */
  int32_t next;          /* pair to go on from */
  list *sent, *received; /* [n_send], [n_receive] */
  ouro_lid *peer_row;    /* [n_owned + 1] owned node i is ghost of neighbours peer[peer_row[i]] .. */
  int *peer;
  ouro_lid *place;     /* beside peer: where i stands in the list of that neighbour */
  int *n_out, *n_in;   /* letters of a round */
  int64_t **out, **in; /* [n_send], [n_receive] */
  MPI_Request *request;
} search;

/* ---- hash table ---- */

static uint64_t hash(ouro_lid node, int64_t component, int64_t phase) {
  uint64_t x = (uint64_t)node * UINT64_C(0x9E3779B97F4A7C15) + (uint64_t)component;
  x = (x ^ x >> 30) * UINT64_C(0xBF58476D1CE4E5B9) + (uint64_t)phase;
  x = (x ^ x >> 27) * UINT64_C(0x94D049BB133111EB);
  return x ^ x >> 31;
}

/* The slot that holds the pair, or the free one where it belongs. */
static int32_t find_slot(const ouro_pairs *p, ouro_lid node, int64_t component, int64_t phase) {
  const uint64_t mask = (uint64_t)p->n_slots - 1;
  uint64_t at = hash(node, component, phase) & mask;
  for (; p->slot[at] >= 0; at = (at + 1) & mask) {
    const ouro_heard *one = &p->pair[p->slot[at]];
    if (one->node == node && one->component == component && one->phase == phase) break;
  }
  return (int32_t)at;
}

int32_t ouro_pairs_lookup(const ouro_pairs *pairs, ouro_lid node, int64_t component, int64_t phase) {
  return pairs->slot[find_slot(pairs, node, component, phase)];
}

/* Half of the slots stay free. */
static ouro_status make_room(ouro_pairs *p) {
  ouro_status status = OURO_OK;
  int32_t *slot = NULL;
  if (p->n < p->capacity) return OURO_OK;
  OURO_CHECK(p->capacity <= INT32_MAX / 4, OURO_ELIMIT, "more than %" PRId32 " pairs of models and sources on a rank",
             p->capacity);
  const int32_t capacity = p->capacity > 0 ? 2 * p->capacity : 64;
  OURO_NEW(slot, 2 * capacity);
  OURO_RESIZE(p->pair, capacity);
  free(p->slot);
  p->slot = slot;
  p->capacity = capacity;
  p->n_slots = 2 * capacity;
  for (int32_t s = 0; s < p->n_slots; s++) slot[s] = -1;
  for (int32_t k = 0; k < p->n; k++) {
    slot[find_slot(p, p->pair[k].node, p->pair[k].component, p->pair[k].phase)] = k;
  }
cleanup:
  if (p->slot != slot) free(slot);
  return status;
}

/* Enter a pair unless it is known. */
static ouro_status enter(ouro_pairs *p, ouro_heard one) {
  ouro_status status = OURO_OK;
  OURO_TRY(make_room(p));
  const int32_t at = find_slot(p, one.node, one.component, one.phase);
  if (p->slot[at] >= 0) return OURO_OK;
  if (one.node < p->graph->n_owned && p->mark[one.node].component < 0) {
    if (p->count[one.node] >= p->most) {
      p->lost[one.node] = 1;
      return OURO_OK;
    }
    p->count[one.node]++;
  }
  p->slot[at] = p->n;
  p->pair[p->n++] = one;
cleanup:
  return status;
}

/* ---- set-up ---- */

/* The owned targets outside sources of every node: the transpose of the feeds into them. */
static ouro_status list_targets(ouro_pairs *p) {
  ouro_status status = OURO_OK;
  const ouro_graph *graph = p->graph;
  const ouro_lid n_local = graph->n_owned + graph->n_ghost;
  OURO_NEW(p->row, (size_t)n_local + 2);
  OURO_NEW(p->target, graph->row[graph->n_owned]);
  ouro_eid *next = p->row + 1; /* ends up as the first target of each node, shifted by one */
  for (int pass = 0; pass < 2; pass++) {
    for (ouro_lid i = 0; i < graph->n_owned; i++) {
      if (p->mark[i].component >= 0) continue;
      for (ouro_eid k = graph->row[i]; k < graph->row[i + 1]; k++) {
        if (pass == 0)
          next[graph->source[k] + 1]++;
        else
          p->target[next[graph->source[k]]++] = i;
      }
    }
    for (ouro_lid u = 0; pass == 0 && u < n_local; u++) next[u + 1] += next[u];
  }
cleanup:
  return status;
}

/* Which neighbours have an owned node as ghost, and under what number. */
static ouro_status list_peers(search *s) {
  ouro_status status = OURO_OK;
  const ouro_halo *halo = s->halo;
  const ouro_lid n = halo->send_row[halo->n_send];
  OURO_NEW(s->peer_row, (size_t)halo->n_owned + 2);
  OURO_NEW(s->peer, n);
  OURO_NEW(s->place, n);
  ouro_lid *next = s->peer_row + 1;
  for (ouro_lid k = 0; k < n; k++) next[halo->send[k] + 1]++;
  for (ouro_lid i = 0; i < halo->n_owned; i++) next[i + 1] += next[i];
  for (int peer = 0; peer < halo->n_send; peer++) {
    for (ouro_lid k = halo->send_row[peer]; k < halo->send_row[peer + 1]; k++) {
      const ouro_lid at = next[halo->send[k]]++;
      s->peer[at] = peer;
      s->place[at] = k - halo->send_row[peer];
    }
  }
cleanup:
  return status;
}

/* What the search starts from: source nodes, owned or ghosts, that feed somebody here. */
static ouro_status enter_sources(ouro_pairs *p) {
  ouro_status status = OURO_OK;
  for (ouro_lid u = 0; u < p->graph->n_owned + p->graph->n_ghost; u++) {
    const ouro_mark *m = &p->mark[u];
    if (m->component < 0 || p->row[u] == p->row[u + 1]) continue;
    OURO_TRY(enter(p, (ouro_heard){m->component, m->phase, m->period, m->rate, u}));
  }
cleanup:
  return status;
}

static ouro_status search_open(search *s) {
  ouro_status status = OURO_OK;
  ouro_pairs *p = s->pairs;
  OURO_NEW(p->count, p->graph->n_owned);
  OURO_NEW(p->lost, p->graph->n_owned);
  OURO_NEW(s->sent, s->halo->n_send);
  OURO_NEW(s->received, s->halo->n_receive);
  OURO_NEW(s->out, s->halo->n_send);
  OURO_NEW(s->in, s->halo->n_receive);
  OURO_NEW(s->n_out, s->halo->n_send);
  OURO_NEW(s->n_in, s->halo->n_receive);
  OURO_NEW(s->request, s->halo->n_send + s->halo->n_receive);
  OURO_TRY(list_targets(p));
  OURO_TRY(list_peers(s));
  OURO_TRY(make_room(p));
  OURO_TRY(enter_sources(p));
cleanup:
  return status;
}

static void search_clear(search *s) {
  for (int k = 0; s->sent && k < s->halo->n_send; k++) free(s->sent[k].pair);
  for (int k = 0; s->received && k < s->halo->n_receive; k++) free(s->received[k].pair);
  for (int k = 0; s->out && k < s->halo->n_send; k++) free(s->out[k]);
  for (int k = 0; s->in && k < s->halo->n_receive; k++) free(s->in[k]);
  free(s->sent);
  free(s->received);
  free(s->out);
  free(s->in);
  free(s->n_out);
  free(s->n_in);
  free(s->request);
  free(s->peer_row);
  free(s->peer);
  free(s->place);
}

/* ---- search ---- */

static ouro_status append(list *l, int32_t pair) {
  ouro_status status = OURO_OK;
  if (l->n == l->capacity) {
    const int32_t capacity = l->capacity > 0 ? 2 * l->capacity : 16;
    OURO_RESIZE(l->pair, capacity);
    l->capacity = capacity;
  }
  l->pair[l->n++] = pair;
cleanup:
  return status;
}

/* Hand a pair on to those its node feeds here, and note it for the ranks that have the node as ghost. */
static ouro_status hand_on(search *s, int32_t k) {
  ouro_status status = OURO_OK;
  ouro_pairs *p = s->pairs;
  const ouro_heard one = p->pair[k];
  ouro_heard next = one;
  next.phase = one.phase + 1 == one.period ? 0 : one.phase + 1;
  for (ouro_eid e = p->row[one.node]; e < p->row[one.node + 1]; e++) {
    next.node = p->target[e];
    OURO_TRY(enter(p, next));
  }
  if (one.node >= p->graph->n_owned || p->mark[one.node].component >= 0) return OURO_OK;
  for (ouro_lid at = s->peer_row[one.node]; at < s->peer_row[one.node + 1]; at++) {
    OURO_TRY(append(&s->sent[s->peer[at]], k));
  }
cleanup:
  return status;
}

/* What a neighbour must know of pair k: its number of the node is that of the halo's list. */
static void write_letter(const search *s, int peer, int32_t k, int64_t *letter) {
  const ouro_heard *one = &s->pairs->pair[k];
  ouro_lid at = s->peer_row[one->node];
  while (s->peer[at] != peer) at++;
  letter[0] = s->place[at];
  letter[1] = one->component;
  letter[2] = one->phase;
  letter[3] = one->period;
  memcpy(&letter[4], &one->rate, sizeof one->rate);
}

static ouro_status write_letters(search *s) {
  ouro_status status = OURO_OK;
  for (int peer = 0; peer < s->halo->n_send; peer++) {
    list *l = &s->sent[peer];
    s->n_out[peer] = l->n - l->told;
    OURO_RESIZE(s->out[peer], (size_t)WORDS * (size_t)(s->n_out[peer] + 1));
    for (int32_t k = l->told; k < l->n; k++) {
      write_letter(s, peer, l->pair[k], s->out[peer] + (size_t)WORDS * (size_t)(k - l->told));
    }
    l->told = l->n;
  }
cleanup:
  return status;
}

/* The queue, and what there is to tell. */
static ouro_status run_dry(search *s) {
  ouro_status status = OURO_OK;
  while (s->next < s->pairs->n) OURO_TRY(hand_on(s, s->next++));
  OURO_TRY(write_letters(s));
cleanup:
  return status;
}

/* Bytes of n letters. */
static size_t room_of(int n) {
  return (size_t)WORDS * (size_t)n * sizeof(int64_t);
}

static ouro_status make_place(search *s) {
  ouro_status status = OURO_OK;
  const ouro_halo *halo = s->halo;
  int64_t pieces = halo->n_receive + halo->n_send; /* the numbers of letters before them */
  for (int peer = 0; peer < halo->n_receive; peer++) {
    OURO_RESIZE(s->in[peer], (size_t)WORDS * (size_t)(s->n_in[peer] + 1));
    pieces += ouro_message_pieces(room_of(s->n_in[peer]));
  }
  for (int peer = 0; peer < halo->n_send; peer++) pieces += ouro_message_pieces(room_of(s->n_out[peer]));
  OURO_RESIZE(s->request, pieces);
cleanup:
  return status;
}

/* How many letters go between neighbours, then the letters. */
static ouro_status swap_letters(search *s) {
  ouro_status status = OURO_OK;
  const ouro_halo *halo = s->halo;
  MPI_Comm comm = halo->comm;
  MPI_Request *outgoing = s->request + halo->n_receive;
  for (int k = 0; k < halo->n_receive; k++)
    MPI_Irecv(&s->n_in[k], 1, MPI_INT, halo->receive_rank[k], OURO_TAG_RATES, comm, &s->request[k]);
  for (int k = 0; k < halo->n_send; k++)
    MPI_Isend(&s->n_out[k], 1, MPI_INT, halo->send_rank[k], OURO_TAG_RATES, comm, &outgoing[k]);
  MPI_Waitall(halo->n_receive + halo->n_send, s->request, MPI_STATUSES_IGNORE);
  OURO_AGREE(comm, make_place(s));
  MPI_Request *next = s->request;
  for (int k = 0; k < halo->n_receive; k++) {
    ouro_message_receive(comm, s->in[k], room_of(s->n_in[k]), halo->receive_rank[k], OURO_TAG_RATES, next);
    next += ouro_message_pieces(room_of(s->n_in[k]));
  }
  for (int k = 0; k < halo->n_send; k++) {
    ouro_message_send(comm, s->out[k], room_of(s->n_out[k]), room_of(s->n_out[k]), halo->send_rank[k], OURO_TAG_RATES,
                      next);
    next += ouro_message_pieces(room_of(s->n_out[k]));
  }
  MPI_Waitall((int)(next - s->request), s->request, MPI_STATUSES_IGNORE);
cleanup:
  return status;
}

/* Pairs of ghosts join the queue; each comes once, from the owner. */
static ouro_status read_letters(search *s) {
  ouro_status status = OURO_OK;
  const ouro_halo *halo = s->halo;
  for (int peer = 0; peer < halo->n_receive; peer++) {
    for (int k = 0; k < s->n_in[peer]; k++) {
      const int64_t *letter = s->in[peer] + (size_t)WORDS * (size_t)k;
      ouro_heard one = {letter[1], letter[2], letter[3], 0, halo->receive[halo->receive_row[peer] + letter[0]]};
      memcpy(&one.rate, &letter[4], sizeof one.rate);
      OURO_TRY(append(&s->received[peer], s->pairs->n));
      OURO_TRY(enter(s->pairs, one));
    }
  }
cleanup:
  return status;
}

static ouro_status search_all(search *s) {
  ouro_status status = OURO_OK;
  MPI_Comm comm = s->pairs->graph->comm;
  for (;;) {
    int any = 0;
    OURO_AGREE(comm, run_dry(s));
    for (int k = 0; k < s->halo->n_send; k++) any |= s->n_out[k] > 0;
    OURO_AGREE(comm, ouro_mpi_status(MPI_Allreduce(MPI_IN_PLACE, &any, 1, MPI_INT, MPI_LOR, comm)));
    if (!any) break;
    OURO_TRY(swap_letters(s));
    OURO_AGREE(comm, read_letters(s));
  }
cleanup:
  return status;
}

/* ---- halo ---- */

/* One side: the neighbours and the pairs of each. */
static ouro_status join_lists(int n, const int *rank, const list *lists, int **ranks, ouro_lid **row,
                              ouro_lid **index) {
  ouro_status status = OURO_OK;
  OURO_NEW(*ranks, n);
  OURO_NEW(*row, n + 1);
  for (int k = 0; k < n; k++) {
    (*ranks)[k] = rank[k];
    (*row)[k + 1] = (*row)[k] + lists[k].n;
  }
  OURO_NEW(*index, (*row)[n]);
  for (int k = 0; k < n; k++) {
    if (lists[k].n > 0) memcpy(*index + (*row)[k], lists[k].pair, (size_t)lists[k].n * sizeof **index);
  }
cleanup:
  return status;
}

static ouro_status make_halo(const search *s, ouro_halo **halo) {
  ouro_status status = OURO_OK;
  ouro_halo *h;
  OURO_NEW(h, 1);
  *halo = h;
  h->comm = s->halo->comm;
  h->n_send = s->halo->n_send;
  h->n_receive = s->halo->n_receive;
  OURO_TRY(join_lists(h->n_send, s->halo->send_rank, s->sent, &h->send_rank, &h->send_row, &h->send));
  OURO_TRY(
      join_lists(h->n_receive, s->halo->receive_rank, s->received, &h->receive_rank, &h->receive_row, &h->receive));
  h->n_ghost = h->receive_row[h->n_receive];
  h->n_owned = s->pairs->n - h->n_ghost;
cleanup:
  return status;
}

/* Which pairs a node at the limit has kept depends on the order of the search; that it is at the limit or fed by such
 * a node does not. */
ouro_status ouro_pairs_find(const ouro_graph *graph, const ouro_mark *mark, int64_t most, ouro_pairs *pairs) {
  ouro_status status = OURO_OK;
  *pairs = (ouro_pairs){.graph = graph, .mark = mark, .most = most};
  search s = {.pairs = pairs, .halo = graph->halo};
  OURO_AGREE(graph->comm, search_open(&s));
  OURO_TRY(search_all(&s));
  OURO_AGREE(graph->comm, make_halo(&s, &pairs->halo));
  OURO_TRY(ouro_graph_reach_forward(graph, NULL, pairs->lost));
cleanup:
  search_clear(&s);
  return status;
}

void ouro_pairs_clear(ouro_pairs *pairs) {
  free(pairs->row);
  free(pairs->target);
  free(pairs->pair);
  free(pairs->slot);
  free(pairs->count);
  free(pairs->lost);
  ouro_halo_destroy(&pairs->halo);
  *pairs = (ouro_pairs){0};
}
