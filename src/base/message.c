/* Messages in pieces: see message.h. Pieces of one message meet in order, for MPI keeps the order of messages that
 * share ranks and tag. Does not know what they hold. */

#include "ouro/base/message.h"

#define USUAL ((size_t)1 << 30)

static size_t largest = USUAL;

size_t ouro_message_largest(void) {
  return largest;
}

void ouro_message_set_largest(size_t bytes) {
  largest = bytes && bytes < USUAL ? bytes : USUAL;
}

int ouro_message_pieces(size_t room) {
  return room ? (int)((room - 1) / largest + 1) : 1;
}

int64_t ouro_message_pieces_of(int n, const ouro_lid *row, size_t bytes) {
  int64_t sum = 0;
  for (int k = 0; k < n; k++) sum += ouro_message_pieces(ouro_message_room(row, k, bytes));
  return sum;
}

/* Bytes of piece k. */
static int length_of(size_t bytes, int k) {
  const size_t before = (size_t)k * largest;
  if (bytes <= before) return 0;
  return (int)(bytes - before < largest ? bytes - before : largest);
}

void ouro_message_receive(MPI_Comm comm, void *buffer, size_t room, int rank, int tag, MPI_Request *request) {
  for (int k = 0; k < ouro_message_pieces(room); k++) {
    MPI_Irecv((char *)buffer + (size_t)k * largest, length_of(room, k), MPI_BYTE, rank, tag, comm, &request[k]);
  }
}

void ouro_message_send(MPI_Comm comm, const void *buffer, size_t bytes, size_t room, int rank, int tag,
                       MPI_Request *request) {
  for (int k = 0; k < ouro_message_pieces(room); k++) {
    const size_t before = (size_t)k * largest < bytes ? (size_t)k * largest : bytes;
    MPI_Isend((const char *)buffer + before, length_of(bytes, k), MPI_BYTE, rank, tag, comm, &request[k]);
  }
}

size_t ouro_message_wait(size_t room, MPI_Request *request) {
  size_t bytes = 0;
  for (int k = 0; k < ouro_message_pieces(room); k++) {
    MPI_Status arrived;
    int n = 0;
    MPI_Wait(&request[k], &arrived);
    MPI_Get_count(&arrived, MPI_BYTE, &n);
    if (n != MPI_UNDEFINED) bytes += (size_t)n;
  }
  return bytes;
}

void ouro_message_swap(MPI_Comm comm, const void *out, size_t out_bytes, int to, void *in, size_t in_bytes, int from,
                       int tag) {
  const int sent = ouro_message_pieces(out_bytes), got = ouro_message_pieces(in_bytes);
  for (int k = 0; k < sent || k < got; k++) {
    const size_t at = (size_t)k * largest;
    MPI_Sendrecv((const char *)out + (k < sent ? at : 0), k < sent ? length_of(out_bytes, k) : 0, MPI_BYTE,
                 k < sent ? to : MPI_PROC_NULL, tag, (char *)in + (k < got ? at : 0),
                 k < got ? length_of(in_bytes, k) : 0, MPI_BYTE, k < got ? from : MPI_PROC_NULL, tag, comm,
                 MPI_STATUS_IGNORE);
  }
}

void ouro_message_share(MPI_Comm comm, void *buffer, size_t bytes, int from) {
  for (int k = 0; k < ouro_message_pieces(bytes); k++) {
    MPI_Bcast((char *)buffer + (size_t)k * largest, length_of(bytes, k), MPI_BYTE, from, comm);
  }
}

void ouro_message_combine(MPI_Comm comm, void *values, int64_t n, size_t bytes, MPI_Datatype type, MPI_Op op) {
  const int64_t most = largest > bytes ? (int64_t)(largest / bytes) : 1;
  for (int64_t done = 0; done < n; done += most) {
    const int here = (int)(n - done < most ? n - done : most);
    MPI_Allreduce(MPI_IN_PLACE, (char *)values + (size_t)done * bytes, here, type, op, comm);
  }
}
