/* Bottom-k sketches by bit-parallel sweeps against feeds: see sketch.h. Counted nodes come in batches of 256, in a
 * random order; a node that has met k of them is closed, and so is, by then, all that leads to it: each node is
 * passed at most k + 256 times. Frontiers only: a batch costs what it reaches. Must not know verdicts. */

#include "theory/sketch.h"

#include <stdlib.h>
#include <string.h>

#include "ouro/base/memory.h"
#include "ouro/base/message.h"
#include "ouro/base/random.h"
#include "theory/select.h"

enum { WORDS = 4, BATCH = 64 * WORDS, CHUNK = OURO_SELECT_MOST };
enum { TOUCHED = 1, QUEUED = 2, CHANGED = 4 };

/* The members of a batch, one bit each. */
typedef struct members {
  uint64_t word[WORDS];
} members;

typedef struct letter {
  int64_t slot; /* place of the node in the list that ghost side and owner share */
  members met;
} letter;

typedef struct sketch {
  const ouro_graph *graph;
  const int8_t *role;
  int k;
  ouro_lid n_local;
  int8_t *closed;                 /* [n_local] outside, or k counted nodes met */
  int32_t *count;                 /* [n_owned] met in earlier batches */
  ouro_gid *place;                /* [n_owned] place of the k-th, from 1; 0: not met yet */
  members *met;                   /* [n_local] of this batch */
  int8_t *flag;                   /* [n_local] */
  ouro_lid *touched, n_touched;   /* [n_local] nodes that have met any of this batch */
  ouro_lid *queue, head, n_queue; /* [n_owned] ring: first in, first out */
  ouro_lid *changed, n_changed;   /* [n_ghost] ghosts whose owners must be told */
  ouro_pair *order;               /* [n_order] counted nodes here: random rank and global id, ascending */
  int64_t n_order, next;          /* next: the first that has not been in a batch */
  ouro_gid n_done, n_counted;     /* on all ranks */
  int *peer_of;                   /* [n_ghost] neighbour that owns a ghost, and its place in that neighbour's list */
  ouro_lid *slot_of;
  letter *out, *in; /* letters by neighbour, as the halo lists them */
  int *n_out;       /* [n_receive] */
  MPI_Request *request;
} sketch;

static void sketch_clear(sketch *s) {
  free(s->closed);
  free(s->count);
  free(s->place);
  free(s->met);
  free(s->flag);
  free(s->touched);
  free(s->queue);
  free(s->changed);
  free(s->order);
  free(s->peer_of);
  free(s->slot_of);
  free(s->out);
  free(s->in);
  free(s->n_out);
  free(s->request);
}

/* ---- set-up ---- */

static int64_t random_rank(uint64_t seed, ouro_gid node) {
  uint64_t word;
  const ouro_stream stream = ouro_random_stream(seed, 0, 0, OURO_PURPOSE_SKETCH, node, 0);
  ouro_random_words(&stream, 0, 1, &word);
  return (int64_t)(word >> 2); /* below the mark of an empty pair */
}

static ouro_status list_order(sketch *s, uint64_t seed) {
  ouro_status status = OURO_OK;
  const ouro_graph *graph = s->graph;
  for (ouro_lid i = 0; i < graph->n_owned; i++) s->n_order += s->role[i] == OURO_SKETCH_COUNTED;
  OURO_NEW(s->order, s->n_order);
  s->n_order = 0;
  for (ouro_lid i = 0; i < graph->n_owned; i++) {
    if (s->role[i] != OURO_SKETCH_COUNTED) continue;
    s->order[s->n_order++] = (ouro_pair){random_rank(seed, graph->gid[i]), graph->gid[i]};
  }
  if (s->n_order > 1) qsort(s->order, (size_t)s->n_order, sizeof *s->order, ouro_pair_compare);
cleanup:
  return status;
}

/* Ghosts write to their owners: the halo backward. */
static ouro_status list_slots(sketch *s) {
  ouro_status status = OURO_OK;
  const ouro_halo *halo = s->graph->halo;
  OURO_NEW(s->peer_of, halo->n_ghost);
  OURO_NEW(s->slot_of, halo->n_ghost);
  OURO_NEW(s->out, halo->n_ghost);
  OURO_NEW(s->in, halo->send_row[halo->n_send]);
  OURO_NEW(s->n_out, halo->n_receive);
  OURO_NEW(s->request, ouro_message_pieces_of(halo->n_send, halo->send_row, sizeof(letter)) +
                           ouro_message_pieces_of(halo->n_receive, halo->receive_row, sizeof(letter)));
  for (int p = 0; p < halo->n_receive; p++) {
    for (ouro_lid k = halo->receive_row[p]; k < halo->receive_row[p + 1]; k++) {
      const ouro_lid ghost = halo->receive[k] - halo->n_owned;
      s->peer_of[ghost] = p;
      s->slot_of[ghost] = k - halo->receive_row[p];
    }
  }
cleanup:
  return status;
}

static ouro_status sketch_new(sketch *s, uint64_t seed) {
  ouro_status status = OURO_OK;
  const ouro_graph *graph = s->graph;
  s->n_local = graph->n_owned + graph->n_ghost;
  OURO_NEW(s->closed, s->n_local);
  OURO_NEW(s->count, graph->n_owned);
  OURO_NEW(s->place, graph->n_owned);
  OURO_NEW(s->met, s->n_local);
  OURO_NEW(s->flag, s->n_local);
  OURO_NEW(s->touched, s->n_local);
  OURO_NEW(s->queue, graph->n_owned);
  OURO_NEW(s->changed, graph->n_ghost);
  OURO_TRY(list_slots(s));
  OURO_TRY(list_order(s, seed));
  for (ouro_lid i = 0; i < graph->n_owned; i++) s->closed[i] = s->role[i] == OURO_SKETCH_OUTSIDE;
cleanup:
  return status;
}

/* ---- one batch on one rank ---- */

static void enqueue(sketch *s, ouro_lid i) {
  if (s->flag[i] & QUEUED) return;
  s->flag[i] |= QUEUED;
  const int64_t end = (int64_t)s->head + s->n_queue++;
  s->queue[end < s->graph->n_owned ? end : end - s->graph->n_owned] = i;
}

/* Let a node meet more of the batch. What is new to it goes on from there: from a ghost, to its owner. */
static void meet(sketch *s, ouro_lid i, const members *more) {
  uint64_t fresh = 0;
  for (int w = 0; w < WORDS; w++) {
    fresh |= more->word[w] & ~s->met[i].word[w];
    s->met[i].word[w] |= more->word[w];
  }
  if (fresh == 0) return;
  if (!(s->flag[i] & TOUCHED)) s->touched[s->n_touched++] = i;
  s->flag[i] |= TOUCHED;
  if (i < s->graph->n_owned) {
    enqueue(s, i);
  } else if (!(s->flag[i] & CHANGED)) {
    s->flag[i] |= CHANGED;
    s->changed[s->n_changed++] = i;
  }
}

static void run_dry(sketch *s) {
  const ouro_graph *graph = s->graph;
  while (s->n_queue > 0) {
    const ouro_lid i = s->queue[s->head];
    const members met = s->met[i];
    s->head = s->head + 1 == graph->n_owned ? 0 : s->head + 1;
    s->n_queue--;
    s->flag[i] &= ~QUEUED;
    for (ouro_eid e = graph->row[i]; e < graph->row[i + 1]; e++) {
      if (!s->closed[graph->source[e]]) meet(s, graph->source[e], &met);
    }
  }
}

/* The place of the n-th member met, n from 1. */
static int place_of(const members *met, int n) {
  int w = 0;
  for (; __builtin_popcountll(met->word[w]) < n; w++) n -= __builtin_popcountll(met->word[w]);
  uint64_t left = met->word[w];
  for (; n > 1; n--) left &= left - 1;
  return 64 * w + __builtin_ctzll(left);
}

/* Add the batch to what each node has met, and forget it. */
static void settle(sketch *s) {
  for (ouro_lid t = 0; t < s->n_touched; t++) {
    const ouro_lid i = s->touched[t];
    if (i < s->graph->n_owned) {
      int more = 0;
      for (int w = 0; w < WORDS; w++) more += __builtin_popcountll(s->met[i].word[w]);
      s->closed[i] = s->count[i] + more >= s->k;
      if (s->closed[i]) s->place[i] = s->n_done + place_of(&s->met[i], s->k - s->count[i]) + 1;
      s->count[i] += more;
    }
    s->met[i] = (members){0};
    s->flag[i] = 0;
  }
  s->n_touched = 0;
}

/* ---- between ranks ---- */

static void write_letters(sketch *s) {
  const ouro_halo *halo = s->graph->halo;
  memset(s->n_out, 0, (size_t)halo->n_receive * sizeof *s->n_out);
  for (ouro_lid c = 0; c < s->n_changed; c++) {
    const ouro_lid i = s->changed[c], ghost = i - halo->n_owned;
    const int peer = s->peer_of[ghost];
    s->flag[i] &= ~CHANGED;
    s->out[halo->receive_row[peer] + s->n_out[peer]++] = (letter){s->slot_of[ghost], s->met[i]};
  }
  s->n_changed = 0;
}

static void read_letters(sketch *s, int peer, ouro_lid n) {
  const ouro_halo *halo = s->graph->halo;
  for (ouro_lid k = 0; k < n; k++) {
    const letter *one = &s->in[halo->send_row[peer] + k];
    const ouro_lid i = halo->send[halo->send_row[peer] + one->slot];
    if (!s->closed[i]) meet(s, i, &one->met);
  }
}

static void swap_letters(sketch *s) {
  const ouro_halo *halo = s->graph->halo;
  MPI_Request *next = s->request, *coming = s->request;
  write_letters(s);
  for (int p = 0; p < halo->n_send; p++) {
    const size_t room = ouro_message_room(halo->send_row, p, sizeof(letter));
    ouro_message_receive(halo->comm, s->in + halo->send_row[p], room, halo->send_rank[p], OURO_TAG_SKETCH, next);
    next += ouro_message_pieces(room);
  }
  MPI_Request *const going = next;
  for (int p = 0; p < halo->n_receive; p++) {
    const size_t room = ouro_message_room(halo->receive_row, p, sizeof(letter));
    ouro_message_send(halo->comm, s->out + halo->receive_row[p], (size_t)s->n_out[p] * sizeof(letter), room,
                      halo->receive_rank[p], OURO_TAG_SKETCH, next);
    next += ouro_message_pieces(room);
  }
  for (int p = 0; p < halo->n_send; p++) {
    const size_t room = ouro_message_room(halo->send_row, p, sizeof(letter));
    read_letters(s, p, (ouro_lid)(ouro_message_wait(room, coming) / sizeof(letter)));
    coming += ouro_message_pieces(room);
  }
  MPI_Waitall((int)(next - going), going, MPI_STATUSES_IGNORE);
}

static ouro_status any_letters(const sketch *s, int *any) {
  *any = s->n_changed > 0;
  return ouro_mpi_status(MPI_Allreduce(MPI_IN_PLACE, any, 1, MPI_INT, MPI_LOR, s->graph->comm));
}

/* Those of n members that are owned here meet themselves. */
static void start_batch(sketch *s, int n, const ouro_pair *member) {
  for (int b = 0; b < n && s->next < s->n_order; b++) {
    if (ouro_pair_compare(&member[b], &s->order[s->next]) != 0) continue;
    const ouro_lid i = ouro_graph_owned(s->graph, member[b].value);
    members own = {0};
    own.word[b / 64] = (uint64_t)1 << b % 64;
    if (!s->closed[i]) meet(s, i, &own);
    s->next++;
  }
}

static ouro_status run_batch(sketch *s, int n, const ouro_pair *member) {
  ouro_status status = OURO_OK;
  int any;
  start_batch(s, n, member);
  for (;;) {
    run_dry(s);
    OURO_AGREE(s->graph->comm, any_letters(s, &any));
    if (!any) break;
    swap_letters(s);
  }
  settle(s);
  s->n_done += n;
cleanup:
  return status;
}

/* ---- all batches ---- */

/* The next counted nodes of all ranks. */
static ouro_status next_chunk(const sketch *s, ouro_pair *chunk, int *n) {
  int64_t mine = s->n_order - s->next;
  if (mine > CHUNK) mine = CHUNK;
  if (mine > 0) memcpy(chunk, s->order + s->next, (size_t)mine * sizeof *chunk);
  return ouro_select_least(s->graph->comm, (int)mine, CHUNK, chunk, n);
}

/* Whether a node that asks is still open. */
static ouro_status any_asking(const sketch *s, int *any) {
  *any = 0;
  for (ouro_lid i = 0; i < s->graph->n_owned && !*any; i++) *any = s->role[i] == OURO_SKETCH_ASKING && !s->closed[i];
  return ouro_mpi_status(MPI_Allreduce(MPI_IN_PLACE, any, 1, MPI_INT, MPI_LOR, s->graph->comm));
}

/* Ghosts learn who is closed after 1, 2, 4, 8 .. chunks: until then letters to closed nodes are written in vain. */
static ouro_status run_chunks(sketch *s) {
  ouro_status status = OURO_OK;
  ouro_pair chunk[CHUNK];
  int n = 1, any = 1;
  for (int64_t c = 0; n > 0 && any; c++) {
    if ((c & (c - 1)) == 0) OURO_TRY(ouro_halo_update(s->graph->halo, s->closed, sizeof *s->closed));
    if ((c & (c - 1)) == 0) OURO_AGREE(s->graph->comm, any_asking(s, &any));
    OURO_AGREE(s->graph->comm, next_chunk(s, chunk, &n));
    for (int first = 0; first < n && any; first += BATCH) {
      OURO_TRY(run_batch(s, n - first < BATCH ? n - first : BATCH, chunk + first));
    }
  }
cleanup:
  return status;
}

static void estimate(const sketch *s, ouro_gid *reached, int8_t *exact) {
  for (ouro_lid i = 0; i < s->graph->n_owned; i++) {
    const bool asking = s->role[i] == OURO_SKETCH_ASKING;
    exact[i] = !asking || s->place[i] == 0;
    reached[i] = asking ? s->count[i] : 0;
    if (exact[i]) continue;
    const double share = (double)(s->k - 1) / (double)(s->place[i] - 1);
    reached[i] = (ouro_gid)(share * (double)s->n_counted + 0.5);
  }
}

ouro_status ouro_sketch_reach(const ouro_graph *graph, const int8_t *role, int k, uint64_t seed, ouro_gid *reached,
                              int8_t *exact) {
  ouro_status status = OURO_OK;
  sketch s = {.graph = graph, .role = role, .k = k};
  OURO_AGREE(graph->comm, sketch_new(&s, seed));
  OURO_AGREE(graph->comm,
             ouro_mpi_status(MPI_Allreduce(&s.n_order, &s.n_counted, 1, OURO_GID_MPI, MPI_SUM, graph->comm)));
  OURO_TRY(run_chunks(&s));
  estimate(&s, reached, exact);
cleanup:
  sketch_clear(&s);
  return status;
}
