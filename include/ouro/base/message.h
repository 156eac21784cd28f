#ifndef OURO_BASE_MESSAGE_H
#define OURO_BASE_MESSAGE_H

/* Messages of any length. MPI counts with an int, and not every transport carries more than 2 GiB at once: what is
 * longer goes in pieces of a gibibyte, one after another, of which both sides know the number because both know how
 * many bytes there is room for. */

#include "ouro/base/status.h"

/** Bytes of the longest piece.
 *  Not collective. */
size_t ouro_message_largest(void);

/** For tests: cut longer messages into pieces of so many bytes; 0 for as usual.
 *  Not collective, but to be the same on all ranks. */
void ouro_message_set_largest(size_t bytes);

/** Requests that a message takes with room for so many bytes: at least 1.
 *  Not collective. */
int ouro_message_pieces(size_t room);

/** Room of the message to or from neighbour k, for its row[k+1] - row[k] items of so many bytes.
 *  Not collective. */
static inline size_t ouro_message_room(const ouro_lid *row, int k, size_t bytes) {
  return (size_t)(row[k + 1] - row[k]) * bytes;
}

/** Requests of the messages of n such neighbours.
 *  Not collective. */
int64_t ouro_message_pieces_of(int n, const ouro_lid *row, size_t bytes);

/** Start to receive a message of up to `room` bytes.
 *  Not collective: meets ouro_message_send() with the same room.
 *  [out] buffer  [room], not to be touched until ouro_message_wait()
 *  [out] request [ouro_message_pieces(room)] */
void ouro_message_receive(MPI_Comm comm, void *buffer, size_t room, int rank, int tag, MPI_Request *request);

/** Start to send a message of `bytes` bytes, at most `room`.
 *  Not collective: meets ouro_message_receive() with the same room.
 *  [in]  buffer  [bytes], not to be touched until ouro_message_wait()
 *  [out] request [ouro_message_pieces(room)] */
void ouro_message_send(MPI_Comm comm, const void *buffer, size_t bytes, size_t room, int rank, int tag,
                       MPI_Request *request);

/** Send a message to a rank and get another from a rank, each as long as its ends both know.
 *  Collective on the ranks that send and get in a circle, as MPI_Sendrecv is.
 *  [in]  to, from MPI_PROC_NULL: nothing is sent, nothing gotten */
void ouro_message_swap(MPI_Comm comm, const void *out, size_t out_bytes, int to, void *in, size_t in_bytes, int from,
                       int tag);

/** Give a buffer of one rank to all.
 *  Collective on comm; every rank knows the length. */
void ouro_message_share(MPI_Comm comm, void *buffer, size_t bytes, int from);

/** Wait for a message with room for so many bytes.
 *  Not collective.
 *  Returns the bytes that came in; of one sent nothing of use. */
size_t ouro_message_wait(size_t room, MPI_Request *request);

/** MPI_Allreduce in place, of any number of values.
 *  Collective on comm.
 *  [inout] values [n], the same n on all ranks
 *  [in]    bytes  of a value */
void ouro_message_combine(MPI_Comm comm, void *values, int64_t n, size_t bytes, MPI_Datatype type, MPI_Op op);

#endif
