/* Words from every rank to every rank, pairwise and in pieces: see alltoall.h.
 * In step s a rank sends to rank+s and receives from rank-s; piece k of one is piece k of the other. */

#include "graph/alltoall.h"

#include <string.h>

#define LARGEST_PIECE ((int64_t)1 << 28) /* words: 2 GiB, far enough below INT_MAX */

static int64_t smaller(int64_t a, int64_t b) {
  return a < b ? a : b;
}

int64_t ouro_alltoall_counts(MPI_Comm comm, const int64_t *n_send, int64_t *n_receive) {
  int n_ranks;
  int64_t total = 0;
  MPI_Comm_size(comm, &n_ranks);
  MPI_Alltoall(n_send, 1, MPI_INT64_T, n_receive, 1, MPI_INT64_T, comm);
  for (int rank = 0; rank < n_ranks; rank++) total += n_receive[rank];
  return total;
}

/* One step: n_out words to one rank, n_in words from another. */
static void trade(MPI_Comm comm, int to, int64_t n_out, const int64_t *out, int from, int64_t n_in, int64_t *in,
                  int64_t largest) {
  for (int64_t done = 0; done < n_out || done < n_in; done += largest) {
    const int n_to = done < n_out ? (int)smaller(n_out - done, largest) : 0;
    const int n_from = done < n_in ? (int)smaller(n_in - done, largest) : 0;
    MPI_Sendrecv(n_to ? out + done : NULL, n_to, MPI_INT64_T, n_to ? to : MPI_PROC_NULL, OURO_TAG_GRAPH_WORDS,
                 n_from ? in + done : NULL, n_from, MPI_INT64_T, n_from ? from : MPI_PROC_NULL, OURO_TAG_GRAPH_WORDS,
                 comm, MPI_STATUS_IGNORE);
  }
}

/* Words before those of a rank. */
static int64_t offset_of(const int64_t *n, int rank) {
  int64_t sum = 0;
  for (int r = 0; r < rank; r++) sum += n[r];
  return sum;
}

void ouro_alltoall_pieces(MPI_Comm comm, const int64_t *n_send, const int64_t *send, const int64_t *n_receive,
                          int64_t *receive, int64_t largest) {
  int rank, n_ranks;
  MPI_Comm_rank(comm, &rank);
  MPI_Comm_size(comm, &n_ranks);
  int64_t out = offset_of(n_send, rank), in = offset_of(n_receive, rank);
  if (n_send[rank] > 0) memcpy(receive + in, send + out, (size_t)n_send[rank] * sizeof *send);
  for (int step = 1; step < n_ranks; step++) {
    const int to = (rank + step) % n_ranks, from = (rank - step + n_ranks) % n_ranks;
    /* Both offsets follow the ring: past the last rank they start again at 0, before the first at the end. */
    out = to == 0 ? 0 : out + n_send[to - 1];
    in = from == n_ranks - 1 ? offset_of(n_receive, from) : in - n_receive[from];
    trade(comm, to, n_send[to], send + out, from, n_receive[from], receive + in, largest);
  }
}

void ouro_alltoall_words(MPI_Comm comm, const int64_t *n_send, const int64_t *send, const int64_t *n_receive,
                         int64_t *receive) {
  ouro_alltoall_pieces(comm, n_send, send, n_receive, receive, LARGEST_PIECE);
}
