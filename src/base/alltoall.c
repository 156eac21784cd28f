/* Items from every rank to every rank, pairwise and in pieces: see alltoall.h.
 * In step s a rank sends to rank+s and receives from rank-s; piece k of one is piece k of the other. */

#include "ouro/base/alltoall.h"

#include <string.h>

#include "ouro/base/message.h"

int64_t ouro_alltoall_counts(MPI_Comm comm, const int64_t *n_send, int64_t *n_receive) {
  int n_ranks;
  int64_t total = 0;
  MPI_Comm_size(comm, &n_ranks);
  MPI_Alltoall(n_send, 1, MPI_INT64_T, n_receive, 1, MPI_INT64_T, comm);
  for (int rank = 0; rank < n_ranks; rank++) total += n_receive[rank];
  return total;
}

/* One side of a step: what goes to or comes from one rank. */
typedef struct side {
  int rank;
  size_t bytes;
  char *items;
} side;

static side piece_of(const side *all, size_t done) {
  const size_t largest = ouro_message_largest();
  if (done >= all->bytes) return (side){.rank = MPI_PROC_NULL};
  return (side){all->rank, all->bytes - done < largest ? all->bytes - done : largest, all->items + done};
}

static void trade(MPI_Comm comm, const side *out, const side *in) {
  for (size_t done = 0; done < out->bytes || done < in->bytes; done += ouro_message_largest()) {
    const side to = piece_of(out, done), from = piece_of(in, done);
    MPI_Sendrecv(to.items, (int)to.bytes, MPI_BYTE, to.rank, OURO_TAG_GRAPH_ROUTE, from.items, (int)from.bytes,
                 MPI_BYTE, from.rank, OURO_TAG_GRAPH_ROUTE, comm, MPI_STATUS_IGNORE);
  }
}

/* Items before those of a rank. */
static int64_t offset_of(const int64_t *n, int rank) {
  int64_t sum = 0;
  for (int r = 0; r < rank; r++) sum += n[r];
  return sum;
}

static side side_of(int rank, int64_t n, const void *items, int64_t first, size_t bytes) {
  return (side){rank, (size_t)n * bytes, (char *)(uintptr_t)items + (size_t)first * bytes};
}

void ouro_alltoall(MPI_Comm comm, size_t bytes, const int64_t *n_send, const void *send, const int64_t *n_receive,
                   void *receive) {
  int rank, n_ranks;
  MPI_Comm_rank(comm, &rank);
  MPI_Comm_size(comm, &n_ranks);
  int64_t out = offset_of(n_send, rank), in = offset_of(n_receive, rank);
  const side here = side_of(rank, n_send[rank], send, out, bytes), there = side_of(rank, 0, receive, in, bytes);
  if (here.bytes > 0) memcpy(there.items, here.items, here.bytes);
  for (int step = 1; step < n_ranks; step++) {
    const int to = (rank + step) % n_ranks, from = (rank - step + n_ranks) % n_ranks;
    /* Both offsets follow the ring: past the last rank they start again at 0, before the first at the end. */
    out = to == 0 ? 0 : out + n_send[to - 1];
    in = from == n_ranks - 1 ? offset_of(n_receive, from) : in - n_receive[from];
    const side forth = side_of(to, n_send[to], send, out, bytes);
    const side back = side_of(from, n_receive[from], receive, in, bytes);
    trade(comm, &forth, &back);
  }
}
