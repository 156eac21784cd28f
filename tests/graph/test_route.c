/* Routes: what is sent arrives, in order, and answers come back to where they belong. ranks: 1 2 3 4 7 */

#include <stdlib.h>
#include <string.h>

#include "ouro/base/alltoall.h"
#include "ouro/base/memory.h"
#include "ouro/base/message.h"
#include "ouro/graph/route.h"
#include "random_feeds.h"

static void items_travel_in_pieces(void **state) {
  (void)state;
  const int n_ranks = test_ranks(), rank = test_rank();
  int64_t n_send[16], n_receive[16], send[600], receive[600], n = 0;
  for (int to = 0; to < n_ranks; to++) {
    n_send[to] = (rank * 5 + to * 3) % 11;
    for (int64_t k = 0; k < n_send[to]; k++) send[n++] = 10000 * rank + 100 * to + k;
  }
  const int64_t n_in = ouro_alltoall_counts(MPI_COMM_WORLD, n_send, n_receive);
  for (size_t largest = 1; largest <= 100; largest += 9) {
    for (int64_t k = 0; k < n_in; k++) receive[k] = -1;
    ouro_message_set_largest(largest);
    ouro_alltoall(MPI_COMM_WORLD, sizeof *send, n_send, send, n_receive, receive);
    ouro_message_set_largest(0);
    int64_t at = 0;
    int right = 1;
    for (int from = 0; from < n_ranks; from++) {
      right = right && n_receive[from] == (from * 5 + rank * 3) % 11;
      for (int64_t k = 0; k < n_receive[from]; k++) right = right && receive[at++] == 10000 * from + 100 * rank + k;
    }
    assert_everywhere(right && at == n_in);
  }
}

enum { WIDEST = 40 };

/* Byte b of the field of record k of a rank. */
static char byte_of(int rank, int64_t k, size_t b) {
  uint64_t state = (uint64_t)rank * 1000003 + (uint64_t)k * 101 + b;
  return (char)test_random(&state);
}

static int destination_of(uint64_t seed, int rank, int64_t k, int n_ranks) {
  uint64_t state = seed + (uint64_t)rank * 1000003 + (uint64_t)k;
  return (int)test_below(&state, n_ranks);
}

static int64_t number_of(uint64_t seed, int rank) {
  return seed % 3 == 0 ? 0 : seed % 3 == 1 ? 100 * (rank % 2) : 300 + rank;
}

/* Go through what should have arrived: by sender, then in the sender's order; flip every byte. */
static bool is_right(uint64_t seed, size_t bytes, int64_t n, char *received) {
  int64_t at = 0;
  bool right = true;
  for (int from = 0; from < test_ranks(); from++) {
    for (int64_t k = 0; k < number_of(seed, from); k++) {
      if (destination_of(seed, from, k, test_ranks()) != test_rank()) continue;
      for (size_t b = 0; b < bytes && at < n; b++) {
        char *byte = received + (size_t)at * bytes + b;
        right = right && *byte == byte_of(from, k, b);
        *byte = (char)~*byte;
      }
      at++;
    }
  }
  return right && at == n;
}

/* Fields of any number of bytes, from no rank, from some, from all. */
static void fields_go_there_and_back(void **state) {
  (void)state;
  const size_t sizes[] = {1, 3, 4, 8, WIDEST};
  for (uint64_t seed = 0; seed < 15; seed++) {
    const size_t bytes = sizes[seed / 3];
    const int64_t n = number_of(seed, test_rank());
    int rank[400];
    char field[400 * WIDEST], answered[400 * WIDEST];
    ouro_route route;
    for (int64_t k = 0; k < n; k++) {
      rank[k] = destination_of(seed, test_rank(), k, test_ranks());
      for (size_t b = 0; b < bytes; b++) field[(size_t)k * bytes + b] = byte_of(test_rank(), k, b);
    }
    assert_ok(ouro_route_open(MPI_COMM_WORLD, n, rank, &route));
    memset(rank, 0xff, sizeof rank); /* need not be kept */
    char *received = malloc((size_t)route.n_received * bytes + 1);
    assert_ok(ouro_route_send_field(&route, bytes, field, received));
    assert_everywhere(is_right(seed, bytes, route.n_received, received));
    assert_ok(ouro_route_answer_field(&route, bytes, received, answered));
    bool right = true;
    for (size_t b = 0; b < (size_t)n * bytes; b++) right = right && answered[b] == (char)~field[b];
    assert_everywhere(right);
    ouro_route_close(&route);
    free(received);
  }
}

static void records_arrive_as_words(void **state) {
  (void)state;
  enum { N = 50, WIDTH = 3 };
  int rank[N];
  int64_t record[N][WIDTH], answered[N], *received = NULL, *answer;
  ouro_route route;
  for (int k = 0; k < N; k++) {
    rank[k] = (k * k + test_rank()) % test_ranks();
    for (int w = 0; w < WIDTH; w++) record[k][w] = 1000 * test_rank() + 10 * k + w;
  }
  assert_ok(ouro_route_open(MPI_COMM_WORLD, N, rank, &route));
  assert_ok(ouro_route_send(&route, WIDTH, record[0], &received));
  answer = calloc((size_t)route.n_received + 1, sizeof *answer);
  for (int64_t k = 0; k < route.n_received; k++) answer[k] = received[WIDTH * k] + received[WIDTH * k + 2];
  assert_ok(ouro_route_answer(&route, answer, answered));
  bool right = true;
  for (int k = 0; k < N; k++) right = right && answered[k] == record[k][0] + record[k][2];
  assert_everywhere(right);
  ouro_route_close(&route);
  free(received);
  free(answer);
}

static void no_such_rank_is_refused(void **state) {
  (void)state;
  const int bad[] = {test_ranks(), -1};
  for (int k = 0; k < 2; k++) {
    const int rank = test_rank() == 0 ? bad[k] : 0;
    ouro_route route;
    assert_everywhere(ouro_route_open(MPI_COMM_WORLD, 1, &rank, &route) == OURO_EINTERNAL);
    ouro_route_close(&route);
  }
}

/* Whichever allocation fails, on one rank: the answer is the same on all. */
static void no_memory_is_reported_everywhere(void **state) {
  (void)state;
  for (int n = 1; n <= 8; n++) {
    const int rank[2] = {0, test_ranks() - 1};
    const int64_t record[2] = {1, 2};
    int64_t *received = NULL;
    ouro_route route;
    if (test_rank() == test_ranks() - 1) ouro_memory_fail_at(n);
    ouro_status status = ouro_route_open(MPI_COMM_WORLD, 2, rank, &route);
    if (status == OURO_OK) status = ouro_route_send(&route, 1, record, &received);
    ouro_memory_fail_at(0);
    assert_everywhere(status == (n <= 6 ? OURO_ENOMEM : OURO_OK) && (received != NULL) == (status == OURO_OK));
    ouro_route_close(&route);
    free(received);
  }
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(items_travel_in_pieces),           cmocka_unit_test(fields_go_there_and_back),
    cmocka_unit_test(records_arrive_as_words),          cmocka_unit_test(no_such_rank_is_refused),
    cmocka_unit_test(no_memory_is_reported_everywhere),
};

TEST_MAIN(tests)
