/* Smallest values spread over a graph: see sweep.h.
 * Every rank runs its frontier dry, smallest value first, so that a node is set about once a round; then ranks that
 * share ghosts tell each other what has changed, and nothing else. Does not know what the values mean. */

#include "graph/sweep.h"

#include <stdlib.h>
#include <string.h>

#include "ouro/base/memory.h"
#include "ouro/base/message.h"

/* A value for the node that stands at `slot` in the list that sender and receiver share. */
typedef struct letter {
  int64_t slot;
  uint64_t value;
} letter;

/* Nodes shared with neighbour ranks, seen from one side of a halo, and the letters to or from them. */
typedef struct side {
  int n;
  const int *rank;
  const ouro_lid *row, *index;
  letter *letters; /* [row[n]] */
} side;

typedef struct entry {
  uint64_t value;
  ouro_lid node;
} entry;

enum { CHANGED = 1, QUEUED = 2 };

typedef struct sweep {
  const ouro_graph *graph;
  ouro_sweep_way way;
  ouro_lid n_local;      /* owned and ghosts */
  const uint64_t *floor; /* [n_local] */
  uint64_t *value;       /* [n_local] */
  const ouro_eid *row;   /* [n_pushing + 1] node u pushes to to[row[u]] .. to[row[u+1]-1] */
  const ouro_lid *to;
  ouro_lid n_pushing;
  ouro_eid *out_row; /* of a forward sweep, which makes its own lists */
  ouro_lid *out_to;
  side out, in;
  int *n_out;                /* [out.n] letters to each neighbour */
  ouro_lid *slot_row;        /* [n_local + 1] node u stands at slots slot_row[u] .. of out.index */
  ouro_lid *slot;            /* [out.row[out.n]] */
  int *slot_peer;            /* [out.row[out.n]] neighbour that each slot belongs to */
  int8_t *flag;              /* [n_local] CHANGED: value to be told; QUEUED: in the frontier */
  ouro_lid *changed, *stack; /* [n_local] */
  entry *frontier;           /* [n_local] */
  ouro_lid n_changed, n_frontier;
  MPI_Request *request; /* of all messages, in and out */
} sweep;

static void sweep_clear(sweep *run) {
  free(run->out_row);
  free(run->out_to);
  free(run->out.letters);
  free(run->in.letters);
  free(run->n_out);
  free(run->slot_row);
  free(run->slot);
  free(run->slot_peer);
  free(run->flag);
  free(run->changed);
  free(run->stack);
  free(run->frontier);
  free(run->request);
}

/* ---- set-up ---- */

/* Whether a node can take no other value any more, so that nothing need be pushed to it. */
static bool is_settled(const sweep *run, ouro_lid i) {
  return run->value[i] <= run->floor[i];
}

/* The local targets of every source that are not settled: the transpose of the feeds into them. */
static ouro_status list_targets(sweep *run) {
  ouro_status status = OURO_OK;
  const ouro_graph *graph = run->graph;
  OURO_NEW(run->out_row, (size_t)run->n_local + 2);
  ouro_eid *next = run->out_row + 1; /* ends up as the first target of each source, shifted by one */
  for (ouro_lid i = 0; i < graph->n_owned; i++) {
    if (is_settled(run, i)) continue;
    for (ouro_eid k = graph->row[i]; k < graph->row[i + 1]; k++) next[graph->source[k] + 1]++;
  }
  for (ouro_lid u = 0; u < run->n_local; u++) next[u + 1] += next[u];
  OURO_NEW(run->out_to, next[run->n_local]);
  for (ouro_lid i = 0; i < graph->n_owned; i++) {
    if (is_settled(run, i)) continue;
    for (ouro_eid k = graph->row[i]; k < graph->row[i + 1]; k++) run->out_to[next[graph->source[k]]++] = i;
  }
cleanup:
  return status;
}

/* Where each node stands in the lists of nodes to tell the neighbours about. */
static ouro_status list_slots(sweep *run) {
  ouro_status status = OURO_OK;
  const side *out = &run->out;
  const ouro_lid n_slots = out->row[out->n];
  OURO_NEW(run->slot_row, (size_t)run->n_local + 2);
  OURO_NEW(run->slot, n_slots);
  OURO_NEW(run->slot_peer, n_slots);
  ouro_lid *next = run->slot_row + 1;
  for (ouro_lid s = 0; s < n_slots; s++) next[out->index[s] + 1]++;
  for (ouro_lid u = 0; u < run->n_local; u++) next[u + 1] += next[u];
  for (int peer = 0; peer < out->n; peer++) {
    for (ouro_lid s = out->row[peer]; s < out->row[peer + 1]; s++) {
      run->slot[next[out->index[s]]++] = s;
      run->slot_peer[s] = peer;
    }
  }
cleanup:
  return status;
}

static void choose_way(sweep *run, ouro_sweep_way way) {
  const ouro_graph *graph = run->graph;
  const ouro_halo *halo = graph->halo;
  const side owners = {halo->n_send, halo->send_rank, halo->send_row, halo->send, NULL};
  const side ghosts = {halo->n_receive, halo->receive_rank, halo->receive_row, halo->receive, NULL};
  run->way = way;
  run->out = way == OURO_SWEEP_BACKWARD ? ghosts : owners;
  run->in = way == OURO_SWEEP_BACKWARD ? owners : ghosts;
  run->row = graph->row;
  run->to = graph->source;
  run->n_pushing = graph->n_owned; /* against feeds, ghosts are told about but pass nothing on */
}

static ouro_status sweep_start(sweep *run, ouro_sweep_way way) {
  ouro_status status = OURO_OK;
  choose_way(run, way);
  if (way != OURO_SWEEP_BACKWARD) {
    OURO_TRY(list_targets(run));
    run->row = run->out_row;
    run->to = run->out_to;
    run->n_pushing = run->n_local;
  }
  OURO_TRY(list_slots(run));
  OURO_NEW(run->out.letters, run->out.row[run->out.n]);
  OURO_NEW(run->in.letters, run->in.row[run->in.n]);
  OURO_NEW(run->n_out, run->out.n);
  OURO_NEW(run->flag, run->n_local);
  OURO_NEW(run->changed, run->n_local);
  OURO_NEW(run->stack, run->n_local);
  OURO_NEW(run->frontier, run->n_local);
  OURO_NEW(run->request, ouro_message_pieces_of(run->in.n, run->in.row, sizeof(letter)) +
                             ouro_message_pieces_of(run->out.n, run->out.row, sizeof(letter)));
cleanup:
  return status;
}

/* ---- one rank ---- */

static void note_change(sweep *run, ouro_lid node) {
  if (run->flag[node] & CHANGED || run->slot_row[node] == run->slot_row[node + 1]) return;
  run->flag[node] |= CHANGED;
  run->changed[run->n_changed++] = node;
}

static void enqueue(sweep *run, ouro_lid node) {
  if (run->flag[node] & QUEUED) return;
  run->flag[node] |= QUEUED;
  run->frontier[run->n_frontier++].node = node;
}

/* Give one value to everything it can reach here that admits it and has a larger one. */
static void spread(sweep *run, ouro_lid start, uint64_t value) {
  ouro_lid height = 0;
  run->stack[height++] = start;
  while (height > 0) {
    const ouro_lid u = run->stack[--height];
    if (u >= run->n_pushing) continue;
    for (ouro_eid k = run->row[u]; k < run->row[u + 1]; k++) {
      const ouro_lid v = run->to[k];
      if (value >= run->value[v] || value < run->floor[v]) continue;
      run->value[v] = value; /* set once for this value, so the stack holds a node at most once */
      note_change(run, v);
      run->stack[height++] = v;
    }
  }
}

/* Number what a node can reach here and has no number yet, one more at every feed. */
static void count_on(sweep *run, ouro_lid start) {
  ouro_lid height = 0;
  run->stack[height++] = start;
  while (height > 0) {
    const ouro_lid u = run->stack[--height];
    for (ouro_eid k = run->row[u]; k < run->row[u + 1]; k++) {
      const ouro_lid v = run->to[k];
      if (run->value[v] != OURO_SWEEP_NONE || run->floor[v] == OURO_SWEEP_NONE) continue;
      run->value[v] = run->value[u] + 1;
      note_change(run, v);
      run->stack[height++] = v;
    }
  }
}

/* Clear bits in what the frontier reaches here. First in, first out: a node waits for what reaches it at the same
 * distance, and passes all of it on at once. The stack serves as a ring, in which a node stands at most once. */
static void clear_common(sweep *run) {
  ouro_lid head = 0, waiting = 0;
  for (; waiting < run->n_frontier; waiting++) run->stack[waiting] = run->frontier[waiting].node;
  for (; waiting > 0; waiting--) {
    const ouro_lid u = run->stack[head];
    head = head + 1 == run->n_local ? 0 : head + 1;
    run->flag[u] &= (int8_t)~QUEUED;
    for (ouro_eid k = run->row[u]; k < run->row[u + 1]; k++) {
      const ouro_lid v = run->to[k];
      const uint64_t common = run->value[u] & run->value[v];
      if (common == run->value[v] || run->floor[v] == OURO_SWEEP_NONE) continue;
      run->value[v] = common;
      note_change(run, v);
      if (run->flag[v] & QUEUED) continue;
      run->flag[v] |= QUEUED;
      const int64_t end = (int64_t)head + waiting - 1; /* u has left, but is counted still */
      run->stack[end % run->n_local] = v;
      waiting++;
    }
  }
  run->n_frontier = 0;
}

static int by_value(const void *left, const void *right) {
  const uint64_t a = ((const entry *)left)->value, b = ((const entry *)right)->value;
  return (a > b) - (a < b);
}

static void sort_frontier(sweep *run) {
  bool sorted = true;
  for (ouro_lid k = 0; k < run->n_frontier; k++) {
    run->frontier[k].value = run->value[run->frontier[k].node];
    sorted = sorted && (k == 0 || run->frontier[k - 1].value <= run->frontier[k].value);
  }
  if (!sorted) qsort(run->frontier, (size_t)run->n_frontier, sizeof *run->frontier, by_value);
}

/* Smallest first: a node that a smaller value has reached meanwhile has nothing left to spread. */
static void run_dry(sweep *run) {
  if (run->way == OURO_SWEEP_COMMON) {
    clear_common(run);
    return;
  }
  sort_frontier(run);
  for (ouro_lid k = 0; k < run->n_frontier; k++) {
    const entry start = run->frontier[k];
    run->flag[start.node] &= (int8_t)~QUEUED;
    if (run->way == OURO_SWEEP_COUNTING)
      count_on(run, start.node);
    else if (run->value[start.node] == start.value)
      spread(run, start.node, start.value);
  }
  run->n_frontier = 0;
}

/* ---- between ranks ---- */

static void write_letters(sweep *run) {
  for (int peer = 0; peer < run->out.n; peer++) run->n_out[peer] = 0;
  for (ouro_lid c = 0; c < run->n_changed; c++) {
    const ouro_lid u = run->changed[c];
    run->flag[u] &= (int8_t)~CHANGED;
    for (ouro_lid k = run->slot_row[u]; k < run->slot_row[u + 1]; k++) {
      const ouro_lid s = run->slot[k], first = run->out.row[run->slot_peer[s]];
      run->out.letters[first + run->n_out[run->slot_peer[s]]++] = (letter){s - first, run->value[u]};
    }
  }
  run->n_changed = 0;
}

/* The letters of one neighbour: lower values join the frontier. They need not be passed on to other ranks: ghosts
 * have one owner, and the owner itself is told last. */
static void read_letters(sweep *run, int peer, ouro_lid n) {
  const ouro_lid first = run->in.row[peer];
  for (ouro_lid k = 0; k < n; k++) {
    const letter *one = &run->in.letters[first + k];
    const ouro_lid node = run->in.index[first + one->slot];
    if (one->value >= run->value[node]) continue;
    run->value[node] = one->value;
    enqueue(run, node);
  }
}

static void swap_letters(sweep *run) {
  MPI_Comm comm = run->graph->comm;
  const side *in = &run->in, *out = &run->out;
  MPI_Request *next = run->request, *coming = run->request;
  write_letters(run);
  for (int k = 0; k < in->n; k++) {
    ouro_message_receive(comm, in->letters + in->row[k], ouro_message_room(in->row, k, sizeof(letter)), in->rank[k],
                         OURO_TAG_GRAPH_SWEEP, next);
    next += ouro_message_pieces(ouro_message_room(in->row, k, sizeof(letter)));
  }
  MPI_Request *const going = next;
  for (int k = 0; k < out->n; k++) {
    ouro_message_send(comm, out->letters + out->row[k], (size_t)run->n_out[k] * sizeof(letter),
                      ouro_message_room(out->row, k, sizeof(letter)), out->rank[k], OURO_TAG_GRAPH_SWEEP, next);
    next += ouro_message_pieces(ouro_message_room(out->row, k, sizeof(letter)));
  }
  for (int k = 0; k < in->n; k++) {
    read_letters(run, k,
                 (ouro_lid)(ouro_message_wait(ouro_message_room(in->row, k, sizeof(letter)), coming) / sizeof(letter)));
    coming += ouro_message_pieces(ouro_message_room(in->row, k, sizeof(letter)));
  }
  MPI_Waitall((int)(next - going), going, MPI_STATUSES_IGNORE);
}

static bool anything_changed(const sweep *run) {
  int any = run->n_changed > 0;
  MPI_Allreduce(MPI_IN_PLACE, &any, 1, MPI_INT, MPI_LOR, run->graph->comm);
  return any;
}

static int64_t spread_all(sweep *run) {
  int64_t rounds = 0;
  for (ouro_lid i = 0; i < run->graph->n_owned; i++) {
    if (run->value[i] == OURO_SWEEP_NONE) continue;
    enqueue(run, i);
    note_change(run, i);
  }
  for (run_dry(run); anything_changed(run); run_dry(run)) {
    swap_letters(run);
    rounds++;
  }
  return rounds;
}

ouro_status ouro_sweep(const ouro_graph *graph, ouro_sweep_way way, const uint64_t *floor, uint64_t *value,
                       int64_t *rounds) {
  ouro_status status = OURO_OK;
  sweep run = {.graph = graph, .n_local = graph->n_owned + graph->n_ghost, .floor = floor, .value = value};
  OURO_AGREE(graph->comm, sweep_start(&run, way));
  for (ouro_lid g = graph->n_owned; g < run.n_local; g++) value[g] = OURO_SWEEP_NONE;
  const int64_t n_rounds = spread_all(&run);
  if (rounds) *rounds = n_rounds;
cleanup:
  sweep_clear(&run);
  return status;
}
