/* Exact sums of sample counts over ranks. ranks: 1 2 3 4 7 */

#include "graphs.h"
#include "partition/private.h"

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
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_totals)};
  return test_main(__FILE__, tests, sizeof tests / sizeof tests[0]);
}
