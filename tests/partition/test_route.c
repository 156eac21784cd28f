/* Routes: what is sent arrives, in order, and answers come back to where they belong. ranks: 1 2 3 4 7 */

#include "graphs.h"
#include "partition/private.h"

/* Every rank sends `n` records to ranks chosen at random, in messages of `piece` bytes. */
static void there_and_back(int64_t n, size_t piece, uint64_t seed) {
  const int rank = test_rank(), n_ranks = test_ranks();
  int32_t *destination = calloc((size_t)n + 1, sizeof *destination);
  int64_t *record = calloc((size_t)n + 1, sizeof *record), *returned = calloc((size_t)n + 1, sizeof *returned);
  for (int64_t k = 0; k < n; k++) {
    destination[k] = (int32_t)draw(seed, rank * 1000000 + k, n_ranks);
    record[k] = rank * INT64_C(1000000) + k;
  }
  ouro_partition_route *route = NULL;
  assert_ok(ouro_partition_route_create(MPI_COMM_WORLD, n, destination, &route));
  route->piece = piece;
  int64_t *received = calloc((size_t)route->n_received + 1, sizeof *received);
  assert_ok(ouro_partition_route_forward(route, sizeof *record, record, received));
  int right = 1;
  for (int64_t k = 0; k < route->n_received; k++) {
    const int64_t from = received[k] / 1000000, place = received[k] % 1000000;
    right = right && draw(seed, from * 1000000 + place, n_ranks) == rank;
    right = right && (k == 0 || received[k - 1] < received[k]); /* by sender, then in its order */
    received[k] = -received[k];
  }
  assert_everywhere(right);
  int64_t total = route->n_received;
  MPI_Allreduce(MPI_IN_PLACE, &total, 1, MPI_INT64_T, MPI_SUM, MPI_COMM_WORLD);
  int64_t sent = n;
  MPI_Allreduce(MPI_IN_PLACE, &sent, 1, MPI_INT64_T, MPI_SUM, MPI_COMM_WORLD);
  assert_everywhere(total == sent);
  assert_ok(ouro_partition_route_back(route, sizeof *received, received, returned));
  for (int64_t k = 0; k < n; k++) right = right && returned[k] == -record[k];
  assert_everywhere(right);
  ouro_partition_route_destroy(&route);
  assert_null(route);
  free(destination);
  free(record);
  free(returned);
  free(received);
}

static void test_empty(void **state) {
  (void)state;
  there_and_back(0, 1 << 20, 1);
}

static void test_some_ranks_empty(void **state) {
  (void)state;
  there_and_back(test_rank() % 2 ? 0 : 100, 1 << 20, 2);
}

static void test_many(void **state) {
  (void)state;
  there_and_back(1000 + test_rank(), 1 << 20, 3);
}

/* Messages so small that each rank needs many: 3 records, one record, less than one record. */
static void test_pieces(void **state) {
  (void)state;
  there_and_back(200, 24, 4);
  there_and_back(200, 8, 5);
  there_and_back(50, 3, 6);
}

static void test_no_such_rank(void **state) {
  (void)state;
  const int32_t destination = test_rank() == 0 ? test_ranks() : 0;
  ouro_partition_route *route = NULL;
  assert_everywhere(ouro_partition_route_create(MPI_COMM_WORLD, 1, &destination, &route) == OURO_EINTERNAL);
  assert_null(route);
}

static void test_totals(void **state) {
  (void)state;
  /* every rank adds 5 times the largest count and some small ones: far beyond 64 bits in all */
  ouro_partition_total total[2] = {{0, 0}, {0, 0}};
  for (int k = 0; k < 5; k++) ouro_partition_total_add(&total[0], INT64_MAX);
  for (int k = 0; k < 5; k++) ouro_partition_total_add(&total[1], (INT64_C(1) << 32) - 1);
  ouro_partition_total_reduce(total, 2, MPI_COMM_WORLD);
  const double n = 5.0 * test_ranks();
  assert_everywhere(ouro_partition_total_value(&total[0]) == n * 0x1p63); /* n too small to see the -n */
  assert_everywhere(ouro_partition_total_value(&total[1]) == n * 4294967295.0);
  assert_everywhere(total[1].low >= 0 && total[1].low < (INT64_C(1) << 32));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_empty),  cmocka_unit_test(test_some_ranks_empty), cmocka_unit_test(test_many),
      cmocka_unit_test(test_pieces), cmocka_unit_test(test_no_such_rank),     cmocka_unit_test(test_totals),
  };
  return test_main(__FILE__, tests, sizeof tests / sizeof tests[0]);
}
