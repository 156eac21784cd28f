/* Feeds sorted by ranges of targets and sent to them. Feed number k is a function of k, which its count carries.
 * ranks: 1 2 3 4 7 */

#include <stdlib.h>

#include "graph/buckets.h"
#include "ouro/base/memory.h"
#include "random_feeds.h"

typedef struct size {
  ouro_gid n_nodes, n_targets;
} size;

/* Words keep all of the target in the first, its low bits in the last three. */
static const size sizes[] = {{1, 1},
                             {5, 3},
                             {64, 64},
                             {1000, 1000},
                             {100003, 100003},
                             {INT64_C(1) << 31, INT64_C(1) << 31},
                             {INT64_C(1) << 40, INT64_C(1) << 30},
                             {INT64_C(3) << 38, (INT64_C(1) << 33) - 1},
                             {INT64_C(1) << 54, INT64_C(1) << 16}};

static ouro_gid source_of(const size *s, int64_t k) {
  return (ouro_gid)((uint64_t)k * UINT64_C(0x9E3779B97F4A7C15) >> 1) % s->n_nodes;
}

static ouro_gid target_of(const size *s, int64_t k) {
  return (ouro_gid)((uint64_t)(k + 1) * UINT64_C(0xBF58476D1CE4E5B9) >> 1) % s->n_targets;
}

/* Feeds rank, rank + step, ... below n. */
static void make_feeds(const size *s, int64_t n, int rank, int step, ouro_feeds *feeds) {
  for (int64_t k = rank; k < n; k += step) {
    assert_int_equal(ouro_feeds_add(feeds, source_of(s, k), target_of(s, k), k + 1), OURO_OK);
  }
}

/* Whether word k in bucket b of all buckets is its feed, which is noted as seen. */
static bool is_feed(const size *s, const ouro_buckets *buckets, int64_t b, int64_t k, int8_t *seen) {
  const int64_t number = buckets->samples[k] - 1;
  const ouro_gid *from = buckets->from + b;
  const ouro_gid target =
      (from[0] >> buckets->kept << buckets->kept) + (buckets->word[k] & ((INT64_C(1) << buckets->kept) - 1));
  return buckets->word[k] >> buckets->kept == source_of(s, number) && target == target_of(s, number) &&
         from[0] <= target && target < from[1] && !seen[number]++;
}

static void sorted_feeds_are_those_given(void **state) {
  (void)state;
  enum { N = 3000 };
  for (size_t c = 0; c < sizeof sizes / sizeof *sizes; c++) {
    for (int n_ranks = 1; n_ranks <= 9; n_ranks++) {
      ouro_feeds feeds = {0};
      ouro_buckets buckets;
      int8_t seen[N] = {0};
      make_feeds(&sizes[c], N, 0, 1, &feeds);
      assert_int_equal(ouro_buckets_open(sizes[c].n_nodes, sizes[c].n_targets, n_ranks, 0, &buckets), OURO_OK);
      assert_int_equal(ouro_buckets_sort(&buckets, &feeds), OURO_OK);
      assert_true(feeds.source == NULL && feeds.n == 0 && buckets.n == N && buckets.run[buckets.n_all] == N);
      for (int64_t b = 0; b < buckets.n_all; b++) {
        for (int64_t k = buckets.run[b]; k < buckets.run[b + 1]; k++) {
          assert_true(is_feed(&sizes[c], &buckets, b, k, seen));
        }
      }
      ouro_buckets_close(&buckets);
    }
  }
}

/* Every bucket lies in one block, and all buckets of a block cover it. */
static void buckets_keep_to_blocks(void **state) {
  (void)state;
  for (ouro_gid n = 0; n <= 6000; n += n < 40 ? 1 : 997) {
    for (int n_ranks = 1; n_ranks <= 40; n_ranks++) {
      ouro_buckets buckets;
      assert_int_equal(ouro_buckets_open(n, n, n_ranks, 0, &buckets), OURO_OK);
      assert_true(buckets.first[0] == 0 && buckets.first[n_ranks] == buckets.n_all && buckets.from[buckets.n_all] == n);
      for (int r = 0; r < n_ranks; r++) {
        const ouro_gid begin = ouro_graph_block_first(n, n_ranks, r), end = ouro_graph_block_first(n, n_ranks, r + 1);
        if (begin < end) assert_int_equal(buckets.from[buckets.first[r]], begin);
        for (int64_t b = buckets.first[r]; b < buckets.first[r + 1]; b++) {
          assert_true(begin <= buckets.from[b] && buckets.from[b] < buckets.from[b + 1] && buckets.from[b + 1] <= end);
        }
      }
      ouro_buckets_close(&buckets);
    }
  }
}

/* What arrives on a rank are the feeds into its block, each once; some ranks have none to send. */
static void sent_feeds_arrive(void **state) {
  (void)state;
  enum { N = 5000 };
  for (size_t c = 0; c < sizeof sizes / sizeof *sizes; c++) {
    const int senders = 1 + (int)c % test_ranks();
    ouro_feeds feeds = {0};
    ouro_buckets buckets;
    int8_t seen[N] = {0};
    bool right = true;
    if (test_rank() < senders) make_feeds(&sizes[c], N, test_rank(), senders, &feeds);
    assert_ok(ouro_buckets_open(sizes[c].n_nodes, sizes[c].n_targets, test_ranks(), test_rank(), &buckets));
    assert_ok(ouro_buckets_sort(&buckets, &feeds));
    assert_ok(ouro_buckets_send(MPI_COMM_WORLD, &buckets));
    const int64_t first = buckets.first[test_rank()];
    for (int r = 0; r < test_ranks(); r++) {
      const int64_t *run = buckets.run + r * (buckets.n_here + 1);
      for (int64_t b = 0; b < buckets.n_here; b++) {
        for (int64_t k = run[b]; k < run[b + 1]; k++) right = is_feed(&sizes[c], &buckets, first + b, k, seen) && right;
      }
    }
    for (int64_t k = 0; k < N; k++) {
      const int home = ouro_graph_block_rank(sizes[c].n_targets, test_ranks(), target_of(&sizes[c], k));
      right = right && seen[k] == (home == test_rank());
    }
    assert_everywhere(right);
    ouro_buckets_close(&buckets);
  }
}

static void feeds_out_of_range_are_refused(void **state) {
  (void)state;
  const ouro_gid bad[][3] = {{-1, 0, 1}, {10, 0, 1}, {0, -1, 1}, {0, 10, 1}, {0, 0, 0}, {0, 0, -1}};
  for (size_t k = 0; k < sizeof bad / sizeof *bad; k++) {
    ouro_feeds feeds = {0};
    ouro_buckets buckets;
    ouro_feeds_add(&feeds, 9, 9, 1);
    ouro_feeds_add(&feeds, bad[k][0], bad[k][1], bad[k][2]);
    assert_int_equal(ouro_buckets_open(10, 10, 2, 1, &buckets), OURO_OK);
    assert_int_equal(ouro_buckets_sort(&buckets, &feeds), OURO_EINTERNAL);
    ouro_buckets_close(&buckets);
    ouro_feeds_clear(&feeds);
  }
}

/* Whichever allocation fails, on one rank: all ranks get the same answer, and nothing is lost. */
static void no_memory_is_reported_everywhere(void **state) {
  (void)state;
  const size *s = &sizes[6];
  for (int n = 1; n <= 12; n++) {
    ouro_feeds feeds = {0};
    ouro_buckets buckets;
    make_feeds(s, 100, test_rank(), test_ranks(), &feeds);
    assert_ok(ouro_buckets_open(s->n_nodes, s->n_targets, test_ranks(), test_rank(), &buckets));
    assert_ok(ouro_buckets_sort(&buckets, &feeds));
    if (test_rank() == test_ranks() - 1) ouro_memory_fail_at(n);
    const ouro_status status = ouro_buckets_send(MPI_COMM_WORLD, &buckets);
    ouro_memory_fail_at(0);
    assert_everywhere(status == OURO_OK || status == OURO_ENOMEM);
    assert_everywhere(test_ranks() == 1 || n > 5 || status == OURO_ENOMEM);
    ouro_buckets_close(&buckets);
  }
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(sorted_feeds_are_those_given),
    cmocka_unit_test(buckets_keep_to_blocks),
    cmocka_unit_test(sent_feeds_arrive),
    cmocka_unit_test(feeds_out_of_range_are_refused),
    cmocka_unit_test(no_memory_is_reported_everywhere),
};

TEST_MAIN(tests)
