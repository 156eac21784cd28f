/* Exact sums of 64-bit counts over nodes and ranks. Invariant: after a reduction 0 <= low < 2^32, so equal sums
 * have equal representations whatever the order and the number of ranks. */

#include "partition/private.h"

#define LOW_BITS 32
#define LOW_MASK (((int64_t)1 << LOW_BITS) - 1)

static void settle(ouro_partition_total *total) {
  total->high += total->low >> LOW_BITS;
  total->low &= LOW_MASK;
}

void ouro_partition_total_add(ouro_partition_total *total, ouro_count count) {
  total->high += count >> LOW_BITS;
  total->low += count & LOW_MASK;
}

void ouro_partition_total_reduce(ouro_partition_total *totals, int n, MPI_Comm comm) {
  for (int k = 0; k < n; k++) settle(&totals[k]);
  const int at_once = 1 << 20; /* two words each: counts stay far below INT_MAX */
  for (int k = 0; k < n; k += at_once) {
    const int here = n - k < at_once ? n - k : at_once;
    MPI_Allreduce(MPI_IN_PLACE, totals + k, 2 * here, MPI_INT64_T, MPI_SUM, comm);
  }
  for (int k = 0; k < n; k++) settle(&totals[k]);
}

double ouro_partition_total_value(const ouro_partition_total *total) {
  return (double)total->high * (double)((int64_t)1 << LOW_BITS) + (double)total->low;
}
