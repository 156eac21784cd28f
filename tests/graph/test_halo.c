/* Values on ghosts, against what every rank can work out for itself. ranks: 1 2 3 4 7 */

#include <stdlib.h>
#include <string.h>

#include "ouro/base/memory.h"
#include "ouro/graph/halo.h"
#include "random_feeds.h"

enum { MOST = 60 };

/* A value of any length that depends on the node. */
static void value_of(ouro_gid gid, size_t bytes, char *value) {
  for (size_t b = 0; b < bytes; b++) value[b] = (char)(gid * 31 + (int64_t)b * 7);
}

static ouro_graph *random_graph(uint64_t seed) {
  uint64_t chance = seed;
  int64_t dense[MOST * MOST];
  ouro_feeds none = {0};
  ouro_graph *graph = NULL;
  const ouro_gid n = 1 + test_below(&chance, MOST);
  test_scatter(seed, n, test_below(&chance, 5 * n), &none, dense);
  ouro_feeds_clear(&none);
  assert_ok(test_graph_of(dense, n, seed + 5, &graph));
  return graph;
}

static void ghosts_get_their_owners_values(void **state) {
  (void)state;
  const size_t lengths[] = {1, 3, 8, 40};
  for (uint64_t seed = 1; seed <= 30; seed++) {
    ouro_graph *graph = random_graph(seed);
    const size_t n = (size_t)graph->n_owned + (size_t)graph->n_ghost;
    for (int l = 0; l < 4; l++) {
      char *values = calloc(n + 1, lengths[l]), right[40];
      int same = 1;
      for (ouro_lid i = 0; i < graph->n_owned; i++) {
        value_of(graph->gid[i], lengths[l], values + (size_t)i * lengths[l]);
      }
      assert_ok(ouro_halo_update(graph->halo, values, lengths[l]));
      for (size_t i = 0; i < n; i++) {
        value_of(graph->gid[i], lengths[l], right);
        same = same && memcmp(values + i * lengths[l], right, lengths[l]) == 0;
      }
      assert_everywhere(same);
      free(values);
    }
    ouro_graph_destroy(&graph);
  }
}

/* One courier, other values and other places each time, not an allocation after the first. */
static void couriers_go_time_and_again(void **state) {
  (void)state;
  ouro_graph *graph = random_graph(4);
  ouro_halo_courier *courier = NULL;
  const size_t n = (size_t)graph->n_owned + (size_t)graph->n_ghost;
  assert_ok(ouro_halo_courier_create(graph->halo, sizeof(int64_t), &courier));
  for (int64_t turn = 1; turn < 5; turn++) {
    int64_t *values = calloc(n + 1, sizeof *values);
    int same = 1;
    for (ouro_lid i = 0; i < graph->n_owned; i++) values[i] = turn * graph->gid[i];
    ouro_memory_fail_at(1);
    ouro_halo_courier_update(courier, values);
    ouro_memory_fail_at(0);
    for (size_t i = 0; i < n; i++) same = same && values[i] == turn * graph->gid[i];
    assert_everywhere(same);
    free(values);
  }
  ouro_halo_courier_destroy(&courier);
  assert_null(courier);
  ouro_halo_courier_destroy(&courier);
  ouro_graph_destroy(&graph);
}

/* Each rank says rank-dependent numbers about its nodes; the largest of all must arrive. */
static void owners_get_the_largest_value(void **state) {
  (void)state;
  for (uint64_t seed = 1; seed <= 30; seed++) {
    ouro_graph *graph = random_graph(seed);
    int64_t largest[MOST], mine[MOST], values[2 * MOST];
    for (int i = 0; i < MOST; i++) largest[i] = INT64_MIN;
    uint64_t chance = seed * 100 + (uint64_t)test_rank();
    for (ouro_lid i = 0; i < graph->n_owned + graph->n_ghost; i++) {
      values[i] = test_below(&chance, 1000) - 500;
      largest[graph->gid[i]] = values[i];
    }
    memcpy(mine, largest, sizeof mine);
    MPI_Allreduce(MPI_IN_PLACE, largest, MOST, MPI_INT64_T, MPI_MAX, MPI_COMM_WORLD);
    assert_ok(ouro_halo_reduce_max(graph->halo, values));
    int right = 1;
    for (ouro_lid i = 0; i < graph->n_owned + graph->n_ghost; i++) {
      const ouro_gid id = graph->gid[i];
      right = right && values[i] == (i < graph->n_owned ? largest[id] : mine[id]);
    }
    assert_everywhere(right);
    ouro_graph_destroy(&graph);
  }
}

/* A ring in blocks: every rank has one ghost, of the rank before it, and no other neighbour. */
static void messages_go_to_neighbours_only(void **state) {
  (void)state;
  const int n_ranks = test_ranks(), rank = test_rank();
  const ouro_gid n = 5 * n_ranks;
  ouro_feeds feeds = {0};
  ouro_graph *graph = NULL;
  for (ouro_gid i = 5 * rank; i < 5 * rank + 5; i++) ouro_feeds_add(&feeds, i, (i + 1) % n, 1);
  assert_ok(ouro_graph_build(MPI_COMM_WORLD, n, &feeds, &graph));
  const ouro_halo *halo = graph->halo;
  if (n_ranks == 1) {
    assert_true(halo->n_send == 0 && halo->n_receive == 0 && halo->n_ghost == 0);
  } else {
    assert_everywhere(halo->n_send == 1 && halo->n_receive == 1 && halo->n_ghost == 1);
    assert_everywhere(halo->receive_rank[0] == (rank + n_ranks - 1) % n_ranks && halo->receive[0] == 5);
    assert_everywhere(halo->send_rank[0] == (rank + 1) % n_ranks && halo->send[0] == 4);
  }
  ouro_graph_destroy(&graph);
}

static void empty_halos_work(void **state) {
  (void)state;
  ouro_halo *halo = NULL;
  int64_t value = 0;
  const ouro_gid none = 0;
  assert_ok(ouro_halo_create(MPI_COMM_WORLD, 0, 0, 0, &none, &halo));
  assert_ok(ouro_halo_update(halo, &value, 8));
  assert_ok(ouro_halo_reduce_max(halo, &value));
  ouro_halo_destroy(&halo);
  assert_null(halo);
  ouro_halo_destroy(&halo);
}

static void wrong_ids_are_refused(void **state) {
  (void)state;
  ouro_halo *halo = NULL;
  const ouro_gid descending[] = {1, 0}, beyond[] = {0, 2};
  const ouro_lid n = test_rank() == 0 ? 2 : 0;
  assert_everywhere(ouro_halo_create(MPI_COMM_WORLD, 2, n, 0, descending, &halo) == OURO_EINTERNAL && halo == NULL);
  assert_everywhere(ouro_halo_create(MPI_COMM_WORLD, 2, n, 0, beyond, &halo) == OURO_EINTERNAL && halo == NULL);
}

static void memory_short_on_one_rank_is_known_to_all(void **state) {
  (void)state;
  ouro_graph *graph = random_graph(3);
  int64_t values[2 * MOST] = {0};
  for (int64_t at = 1; at <= 3; at++) {
    if (test_rank() == test_ranks() - 1) ouro_memory_fail_at(at);
    const ouro_status status = ouro_halo_update(graph->halo, values, 8);
    ouro_memory_fail_at(0);
    assert_everywhere(status == OURO_ENOMEM);
  }
  ouro_graph_destroy(&graph);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(ghosts_get_their_owners_values),
    cmocka_unit_test(couriers_go_time_and_again),
    cmocka_unit_test(owners_get_the_largest_value),
    cmocka_unit_test(messages_go_to_neighbours_only),
    cmocka_unit_test(empty_halos_work),
    cmocka_unit_test(wrong_ids_are_refused),
    cmocka_unit_test(memory_short_on_one_rank_is_known_to_all),
};

TEST_MAIN(tests)
