/* One value per ghost, from owners to ghosts and back: see halo.h.
 * Owners are looked up in a directory spread over the ranks by blocks of ids; after that, messages go to neighbour
 * ranks only. Does not know what the values mean. */

#include "ouro/graph/halo.h"

#include <stdlib.h>
#include <string.h>

#include "ouro/base/alltoall.h"
#include "ouro/base/memory.h"
#include "ouro/base/message.h"
#include "ouro/graph/build.h"

/* ---- the directory ---- */

typedef struct directory {
  MPI_Comm comm;
  int n_ranks;
  ouro_gid n_nodes, first, n; /* this rank answers for the ids first .. first+n-1 */
  int32_t *owner;             /* [n] */
  int64_t *n_mine, *n_theirs; /* [n_ranks] ids sent to and received from each rank */
  int64_t *id;                /* [sum n_theirs] */
} directory;

static void directory_clear(directory *where) {
  free(where->owner);
  free(where->n_mine);
  free(where->n_theirs);
  free(where->id);
}

static ouro_status directory_start(directory *where) {
  ouro_status status = OURO_OK;
  OURO_NEW(where->owner, where->n);
  OURO_NEW(where->n_mine, where->n_ranks);
  OURO_NEW(where->n_theirs, where->n_ranks);
cleanup:
  return status;
}

static ouro_status new_ids(int64_t n, int64_t **id) {
  ouro_status status = OURO_OK;
  OURO_NEW(*id, n);
cleanup:
  return status;
}

/* How many of n ids each rank answers for: as they ascend, so do the ranks. */
static ouro_status count_homes(directory *where, ouro_lid n, const ouro_gid *gid) {
  ouro_status status = OURO_OK;
  int rank = -1;
  ouro_gid beyond = 0; /* first id that a higher rank answers for */
  memset(where->n_mine, 0, (size_t)where->n_ranks * sizeof *where->n_mine);
  for (ouro_lid i = 0; i < n; i++) {
    OURO_CHECK(gid[i] >= 0 && gid[i] < where->n_nodes && (i == 0 || gid[i - 1] < gid[i]), OURO_EINTERNAL,
               "node ids out of order or range at %" OURO_GID_FMT, gid[i]);
    if (gid[i] >= beyond) {
      rank = ouro_graph_block_rank(where->n_nodes, where->n_ranks, gid[i]);
      beyond = ouro_graph_block_first(where->n_nodes, where->n_ranks, rank + 1);
    }
    where->n_mine[rank]++;
  }
cleanup:
  return status;
}

/* Send each of n ascending ids to the rank that answers for it. */
static ouro_status directory_send(directory *where, ouro_lid n, const ouro_gid *gid) {
  ouro_status status = OURO_OK;
  OURO_AGREE(where->comm, count_homes(where, n, gid));
  const int64_t n_theirs = ouro_alltoall_counts(where->comm, where->n_mine, where->n_theirs);
  free(where->id);
  where->id = NULL;
  OURO_AGREE(where->comm, new_ids(n_theirs, &where->id));
  ouro_alltoall_words(where->comm, where->n_mine, gid, where->n_theirs, where->id);
cleanup:
  return status;
}

/* Enter who owns what; every id must have one owner. */
static ouro_status enter_owners(directory *where) {
  ouro_status status = OURO_OK;
  int64_t k = 0;
  for (ouro_gid i = 0; i < where->n; i++) where->owner[i] = -1;
  for (int rank = 0; rank < where->n_ranks; rank++) {
    for (int64_t last = k + where->n_theirs[rank]; k < last; k++) {
      int32_t *owner = &where->owner[where->id[k] - where->first];
      OURO_CHECK(*owner < 0, OURO_EINTERNAL, "node %" OURO_GID_FMT " is owned by two ranks", where->id[k]);
      *owner = rank;
    }
  }
  for (ouro_gid i = 0; i < where->n; i++) {
    OURO_CHECK(where->owner[i] >= 0, OURO_EINTERNAL, "node %" OURO_GID_FMT " is owned by no rank", where->first + i);
  }
cleanup:
  return status;
}

/* Owners of n ascending ids. */
static ouro_status directory_ask(directory *where, ouro_lid n, const ouro_gid *gid, int64_t *owner) {
  ouro_status status = OURO_OK;
  int64_t k = 0;
  OURO_TRY(directory_send(where, n, gid));
  for (int rank = 0; rank < where->n_ranks; rank++) {
    for (int64_t last = k + where->n_theirs[rank]; k < last; k++) {
      where->id[k] = where->owner[where->id[k] - where->first];
    }
  }
  ouro_alltoall_words(where->comm, where->n_theirs, where->id, where->n_mine, owner);
cleanup:
  return status;
}

/* Owners of the ghosts. */
static ouro_status find_owners(const ouro_halo *halo, ouro_gid n_nodes, const ouro_gid *gid, int64_t *owner) {
  ouro_status status = OURO_OK;
  directory where = {.comm = halo->comm, .n_nodes = n_nodes};
  int rank;
  MPI_Comm_rank(halo->comm, &rank);
  MPI_Comm_size(halo->comm, &where.n_ranks);
  where.first = ouro_graph_block_first(n_nodes, where.n_ranks, rank);
  where.n = ouro_graph_block_first(n_nodes, where.n_ranks, rank + 1) - where.first;
  OURO_AGREE(halo->comm, directory_start(&where));
  OURO_TRY(directory_send(&where, halo->n_owned, gid));
  OURO_AGREE(halo->comm, enter_owners(&where));
  OURO_TRY(directory_ask(&where, halo->n_ghost, gid + halo->n_owned, owner));
cleanup:
  directory_clear(&where);
  return status;
}

/* ---- the lists ---- */

/* Shrink counts of all ranks to the list of ranks that have any, with the first item of each. */
static ouro_status list_neighbours(const int64_t *n_of, int n_ranks, int *n, int **rank_of, ouro_lid **row) {
  ouro_status status = OURO_OK;
  int64_t total = 0;
  *n = 0;
  for (int rank = 0; rank < n_ranks; rank++) *n += n_of[rank] > 0;
  OURO_NEW(*rank_of, *n);
  OURO_NEW(*row, (size_t)*n + 1);
  for (int rank = 0, at = 0; rank < n_ranks; rank++) {
    if (n_of[rank] == 0) continue;
    total += n_of[rank];
    OURO_CHECK(total <= INT32_MAX, OURO_ELIMIT, "the nodes of one rank have more than %" PRId32 " ghosts on others",
               INT32_MAX);
    (*rank_of)[at++] = rank;
    (*row)[at] = (ouro_lid)total;
  }
cleanup:
  return status;
}

/* Ghosts by owner, ascending within one, and the ids to ask of each. */
static ouro_status list_ghosts(ouro_halo *halo, int n_ranks, const ouro_gid *gid, const int64_t *owner, int64_t *n_from,
                               ouro_gid *wanted) {
  ouro_status status = OURO_OK;
  ouro_lid *next = NULL;
  OURO_NEW(next, n_ranks);
  OURO_NEW(halo->receive, halo->n_ghost);
  for (ouro_lid g = 0; g < halo->n_ghost; g++) n_from[owner[g]]++;
  for (int rank = 1; rank < n_ranks; rank++) next[rank] = next[rank - 1] + (ouro_lid)n_from[rank - 1];
  for (ouro_lid g = 0; g < halo->n_ghost; g++) {
    const ouro_lid at = next[owner[g]]++;
    halo->receive[at] = halo->n_owned + g;
    wanted[at] = gid[halo->n_owned + g];
  }
  OURO_TRY(list_neighbours(n_from, n_ranks, &halo->n_receive, &halo->receive_rank, &halo->receive_row));
cleanup:
  free(next);
  return status;
}

/* Index of an owned id, not below `from`, or n_owned: by arithmetic from there if ids have no gaps, else by steps that
 * double and then halve. */
static ouro_lid find_owned(const ouro_gid *gid, ouro_lid n_owned, ouro_lid from, ouro_gid wanted) {
  int64_t low = from, high = n_owned, step = wanted - gid[from];
  if (step >= 0 && low + step < high && gid[low + step] == wanted) return (ouro_lid)(low + step);
  for (step = 1; low + step < high && gid[low + step] <= wanted; step *= 2) low += step;
  if (low + step < high) high = low + step;
  while (high - low > 1) {
    const int64_t middle = low + (high - low) / 2;
    if (gid[middle] <= wanted)
      low = middle;
    else
      high = middle;
  }
  return gid[low] == wanted ? (ouro_lid)low : n_owned;
}

/* Ids that others asked for, ascending by rank, become owned indices. */
static ouro_status list_asked(ouro_halo *halo, const ouro_gid *gid, const ouro_gid *asked) {
  ouro_status status = OURO_OK;
  OURO_NEW(halo->send, halo->send_row[halo->n_send]);
  for (int peer = 0; peer < halo->n_send; peer++) {
    ouro_lid from = 0;
    for (ouro_lid k = halo->send_row[peer]; k < halo->send_row[peer + 1]; k++) {
      from = from < halo->n_owned ? find_owned(gid, halo->n_owned, from, asked[k]) : halo->n_owned;
      OURO_CHECK(from < halo->n_owned, OURO_EINTERNAL,
                 "node %" OURO_GID_FMT " was asked of a rank that does not own it", asked[k]);
      halo->send[k] = from;
    }
  }
cleanup:
  return status;
}

typedef struct setup {
  int n_ranks;
  int64_t *owner;         /* [n_ghost] */
  int64_t *n_from, *n_to; /* [n_ranks] ghosts here of each rank's nodes, and ghosts there of nodes here */
  ouro_gid *wanted, *asked;
} setup;

static ouro_status new_halo(MPI_Comm comm, ouro_lid n_owned, ouro_lid n_ghost, ouro_halo **halo, setup *work) {
  ouro_status status = OURO_OK;
  OURO_NEW(*halo, 1);
  **halo = (ouro_halo){.comm = comm, .n_owned = n_owned, .n_ghost = n_ghost};
  OURO_NEW(work->owner, n_ghost);
  OURO_NEW(work->wanted, n_ghost);
  OURO_NEW(work->n_from, work->n_ranks);
  OURO_NEW(work->n_to, work->n_ranks);
cleanup:
  return status;
}

/* Everything about whom to send to but the indices. */
static ouro_status list_senders(ouro_halo *halo, setup *work) {
  ouro_status status = OURO_OK;
  OURO_TRY(list_neighbours(work->n_to, work->n_ranks, &halo->n_send, &halo->send_rank, &halo->send_row));
  OURO_NEW(work->asked, halo->send_row[halo->n_send]);
cleanup:
  return status;
}

ouro_status ouro_halo_create(MPI_Comm comm, ouro_gid n_nodes, ouro_lid n_owned, ouro_lid n_ghost, const ouro_gid *gid,
                             ouro_halo **halo) {
  ouro_status status = OURO_OK;
  ouro_halo *made = NULL;
  setup work = {0};
  *halo = NULL;
  MPI_Comm_size(comm, &work.n_ranks);
  OURO_AGREE(comm, new_halo(comm, n_owned, n_ghost, &made, &work));
  OURO_TRY(find_owners(made, n_nodes, gid, work.owner));
  OURO_AGREE(comm, list_ghosts(made, work.n_ranks, gid, work.owner, work.n_from, work.wanted));
  ouro_alltoall_counts(comm, work.n_from, work.n_to);
  OURO_AGREE(comm, list_senders(made, &work));
  ouro_alltoall_words(comm, work.n_from, work.wanted, work.n_to, work.asked);
  OURO_AGREE(comm, list_asked(made, gid, work.asked));
  *halo = made;
  made = NULL;
cleanup:
  free(work.owner);
  free(work.wanted);
  free(work.asked);
  free(work.n_from);
  free(work.n_to);
  ouro_halo_destroy(&made);
  return status;
}

void ouro_halo_destroy(ouro_halo **halo) {
  if (*halo == NULL) return;
  free((*halo)->receive_rank);
  free((*halo)->receive_row);
  free((*halo)->receive);
  free((*halo)->send_rank);
  free((*halo)->send_row);
  free((*halo)->send);
  free(*halo);
  *halo = NULL;
}

/* ---- values ---- */

/* One side of an exchange: the neighbours, and their values one after another. */
typedef struct side {
  int n;
  const int *rank;
  const ouro_lid *row, *index;
  char *buffer;
} side;

struct ouro_halo_courier {
  MPI_Comm comm;
  int tag;
  size_t bytes; /* a value */
  side out, in;
  MPI_Request *request;
};

static side owners_of(const ouro_halo *halo) {
  return (side){halo->n_send, halo->send_rank, halo->send_row, halo->send, NULL};
}

static side ghosts_of(const ouro_halo *halo) {
  return (side){halo->n_receive, halo->receive_rank, halo->receive_row, halo->receive, NULL};
}

static ouro_status new_courier(ouro_halo_courier from, ouro_halo_courier **courier) {
  ouro_status status = OURO_OK;
  const side *out = &from.out, *in = &from.in;
  ouro_halo_courier *made;
  size_t n_out, n_in;
  OURO_TRY(ouro_memory_product((size_t)out->row[out->n], from.bytes, &n_out));
  OURO_TRY(ouro_memory_product((size_t)in->row[in->n], from.bytes, &n_in));
  OURO_NEW(made, 1);
  *made = from;
  *courier = made;
  OURO_NEW(made->out.buffer, n_out);
  OURO_NEW(made->in.buffer, n_in);
  OURO_NEW(made->request,
           ouro_message_pieces_of(out->n, out->row, from.bytes) + ouro_message_pieces_of(in->n, in->row, from.bytes));
cleanup:
  return status;
}

static ouro_status courier_create(ouro_halo_courier from, ouro_halo_courier **courier) {
  ouro_status status = OURO_OK;
  *courier = NULL;
  OURO_AGREE(from.comm, new_courier(from, courier));
cleanup:
  if (status != OURO_OK) ouro_halo_courier_destroy(courier);
  return status;
}

void ouro_halo_courier_destroy(ouro_halo_courier **courier) {
  if (*courier == NULL) return;
  free((*courier)->out.buffer);
  free((*courier)->in.buffer);
  free((*courier)->request);
  free(*courier);
  *courier = NULL;
}

static void swap_buffers(const ouro_halo_courier *c) {
  MPI_Request *next = c->request;
  for (int k = 0; k < c->in.n; k++) {
    const size_t n = ouro_message_room(c->in.row, k, c->bytes);
    ouro_message_receive(c->comm, c->in.buffer + (size_t)c->in.row[k] * c->bytes, n, c->in.rank[k], c->tag, next);
    next += ouro_message_pieces(n);
  }
  for (int k = 0; k < c->out.n; k++) {
    const size_t n = ouro_message_room(c->out.row, k, c->bytes);
    ouro_message_send(c->comm, c->out.buffer + (size_t)c->out.row[k] * c->bytes, n, n, c->out.rank[k], c->tag, next);
    next += ouro_message_pieces(n);
  }
  MPI_Waitall((int)(next - c->request), c->request, MPI_STATUSES_IGNORE);
}

/* Pack the values of one side and deliver them to the other's buffer. */
static void deliver(ouro_halo_courier *c, const void *values) {
  for (ouro_lid k = 0; k < c->out.row[c->out.n]; k++) {
    memcpy(c->out.buffer + (size_t)k * c->bytes, (const char *)values + (size_t)c->out.index[k] * c->bytes, c->bytes);
  }
  swap_buffers(c);
}

ouro_status ouro_halo_courier_create(const ouro_halo *halo, size_t bytes, ouro_halo_courier **courier) {
  return courier_create((ouro_halo_courier){.comm = halo->comm,
                                            .tag = OURO_TAG_HALO_UPDATE,
                                            .bytes = bytes,
                                            .out = owners_of(halo),
                                            .in = ghosts_of(halo)},
                        courier);
}

void ouro_halo_courier_update(ouro_halo_courier *courier, void *values) {
  const side *ghosts = &courier->in;
  const size_t bytes = courier->bytes;
  deliver(courier, values);
  for (ouro_lid k = 0; k < ghosts->row[ghosts->n]; k++) {
    memcpy((char *)values + (size_t)ghosts->index[k] * bytes, ghosts->buffer + (size_t)k * bytes, bytes);
  }
}

ouro_status ouro_halo_update(const ouro_halo *halo, void *values, size_t bytes) {
  ouro_status status = OURO_OK;
  ouro_halo_courier *courier = NULL;
  OURO_TRY(ouro_halo_courier_create(halo, bytes, &courier));
  ouro_halo_courier_update(courier, values);
cleanup:
  ouro_halo_courier_destroy(&courier);
  return status;
}

ouro_status ouro_halo_reduce_max(const ouro_halo *halo, int64_t *values) {
  ouro_status status = OURO_OK;
  ouro_halo_courier *courier = NULL;
  OURO_TRY(courier_create((ouro_halo_courier){.comm = halo->comm,
                                              .tag = OURO_TAG_HALO_REDUCE,
                                              .bytes = sizeof *values,
                                              .out = ghosts_of(halo),
                                              .in = owners_of(halo)},
                          &courier));
  deliver(courier, values);
  for (ouro_lid k = 0; k < halo->send_row[halo->n_send]; k++) {
    int64_t theirs;
    memcpy(&theirs, courier->in.buffer + (size_t)k * sizeof theirs, sizeof theirs);
    if (theirs > values[halo->send[k]]) values[halo->send[k]] = theirs;
  }
cleanup:
  ouro_halo_courier_destroy(&courier);
  return status;
}
