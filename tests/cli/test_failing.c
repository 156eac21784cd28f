/* `ouro run` with measures and first passages while memory or disk give out, anywhere: every rank ends with the same
 * error, nothing is left behind, and what was there stays. ranks: 1 2 3 */

#include "../support/harness.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "ouro/base/memory.h"
#include "ouro/cli/command.h"
#include "ouro/store/store.h"

/* One run; its exit status. */
static int run(const char *experiment, const char *output, int groups, const char *sampling) {
  char program[] = "ouro", command[] = "run", option[] = "--set", path[512], set[600], shared[64], tier[64];
  char *words[] = {program, command, path, option, set, option, shared, option, tier};
  snprintf(path, sizeof path, "%s", experiment);
  snprintf(set, sizeof set, "output.file=%s", output);
  snprintf(shared, sizeof shared, "parallel.groups=%d", groups);
  snprintf(tier, sizeof tier, "learning.sampling=%s", sampling);
  return ouro_command(MPI_COMM_WORLD, 9, words);
}

static bool exists(const char *path) {
  MPI_Barrier(MPI_COMM_WORLD);
  return access(path, F_OK) == 0;
}

/* Let the n-th of something fail on the last rank, for n that are `stride` apart, others on other numbers of ranks. */
static void fail_everywhere(void (*fail_at)(int64_t n), int64_t stride, int groups, const char *sampling) {
  static const char text[] = "graph: {generate: {kind: ring, nodes: 5}, samples: 20}\n"
                             "model: {family: gaussian, dimension: 2}\n"
                             "learning: {generations: 2, initial: 20, replicates: 19}\n"
                             "theory: {plateau: false, rates: false}\n"
                             "output: {measures: all, threshold: 0.2}\n";
  char experiment[512], output[512], part[600];
  int rank, n_ranks, status = -1;
  int64_t n;
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  MPI_Comm_size(MPI_COMM_WORLD, &n_ranks);
  test_file("run.yaml", text, strlen(text), experiment, sizeof experiment);
  test_path("run.h5", output, sizeof output);
  snprintf(part, sizeof part, "%s.part", output);
  for (n = n_ranks; status != 0 && n < 20000; n += stride) {
    assert_everywhere(!exists(output));
    if (rank == n_ranks - 1) fail_at(n);
    status = run(experiment, output, groups, sampling);
    fail_at(0);
    int least = status, most = status;
    MPI_Allreduce(MPI_IN_PLACE, &least, 1, MPI_INT, MPI_MIN, MPI_COMM_WORLD);
    MPI_Allreduce(MPI_IN_PLACE, &most, 1, MPI_INT, MPI_MAX, MPI_COMM_WORLD);
    assert_everywhere(least == most);
    assert_everywhere(!exists(part));
  }
  assert_everywhere(status == 0 && n > 4 * stride);
  assert_everywhere(exists(output));
  MPI_Barrier(MPI_COMM_WORLD);
  if (rank == 0) remove(output);
}

static void memory_gives_out(void **state) {
  (void)state;
  fail_everywhere(ouro_memory_fail_at, 11, 1, "rows");
}

static void memory_of_a_tier_gives_out(void **state) {
  (void)state;
  fail_everywhere(ouro_memory_fail_at, 23, 1, "statistics");
  fail_everywhere(ouro_memory_fail_at, 23, 1, "limit");
}

/* Each rank a group of its own: what fails in one of them ends all. */
static void memory_of_a_group_gives_out(void **state) {
  (void)state;
  int n_ranks;
  MPI_Comm_size(MPI_COMM_WORLD, &n_ranks);
  fail_everywhere(ouro_memory_fail_at, 7, n_ranks, "rows");
}

static void disk_gives_out(void **state) {
  (void)state;
  fail_everywhere(ouro_store_fail_at, 29, 1, "rows");
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(memory_gives_out),
    cmocka_unit_test(memory_of_a_tier_gives_out),
    cmocka_unit_test(memory_of_a_group_gives_out),
    cmocka_unit_test(disk_gives_out),
};

TEST_MAIN(tests)
