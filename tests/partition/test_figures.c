/* Figures of a partition against brute force, and against any ownership. ranks: 1 2 3 4 7 */

#include "graphs.h"
#include "partition/private.h"

#define ROW_BYTES 88.0

typedef int32_t (*part_of)(int64_t n_nodes, int n_parts, int64_t node);

static int32_t scattered(int64_t n_nodes, int n_parts, int64_t node) {
  (void)n_nodes;
  return (int32_t)((node * 7 + 3) % 11 % n_parts);
}

static int32_t all_in_last(int64_t n_nodes, int n_parts, int64_t node) {
  (void)n_nodes;
  (void)node;
  return n_parts - 1;
}

static int32_t in_random(int64_t n_nodes, int n_parts, int64_t node) {
  (void)n_nodes;
  return ouro_partition_random_part(n_parts, node);
}

static double twin_cut(const known *list, int n_parts, part_of part, int64_t *n_cut) {
  double samples = 0;
  *n_cut = 0;
  for (int64_t k = 0; k < list->n_feeds; k++) {
    if (part(list->n_nodes, n_parts, list->source[k]) == part(list->n_nodes, n_parts, list->target[k])) continue;
    samples += (double)list->samples[k];
    ++*n_cut;
  }
  return samples;
}

/* Each source: its largest feed, times the other parts it feeds. */
static double twin_volume(const known *list, int n_parts, part_of part) {
  double samples = 0;
  for (int64_t s = 0; s < list->n_nodes; s++) {
    int64_t corpus = 0, n = 0;
    for (int32_t p = 0; p < n_parts; p++) {
      int fed = 0;
      for (int64_t k = 0; k < list->n_feeds; k++) {
        if (list->source[k] != s) continue;
        if (list->samples[k] > corpus) corpus = list->samples[k];
        fed = fed || part(list->n_nodes, n_parts, list->target[k]) == p;
      }
      n += fed && p != part(list->n_nodes, n_parts, s);
    }
    samples += (double)(n * corpus);
  }
  return samples;
}

static int twin_neighbours(const known *list, int n_parts, part_of part) {
  int most = 0;
  for (int32_t p = 0; p < n_parts; p++) {
    int n = 0;
    for (int32_t q = 0; q < n_parts; q++) {
      int meet = 0;
      for (int64_t k = 0; k < list->n_feeds && q != p; k++) {
        const int32_t a = part(list->n_nodes, n_parts, list->source[k]);
        const int32_t b = part(list->n_nodes, n_parts, list->target[k]);
        meet = meet || (a == p && b == q) || (a == q && b == p);
      }
      n += meet;
    }
    if (n > most) most = n;
  }
  return most;
}

static void twin_weights(const known *list, int n_parts, part_of part, double *imbalance, int *empty) {
  double largest = 0, total = 0;
  *empty = 0;
  for (int32_t p = 0; p < n_parts; p++) {
    double cost = 0;
    int nodes = 0;
    for (int64_t i = 0; i < list->n_nodes; i++) nodes += part(list->n_nodes, n_parts, i) == p;
    for (int64_t k = 0; k < list->n_feeds; k++) {
      if (part(list->n_nodes, n_parts, list->target[k]) == p) cost += (double)list->samples[k];
    }
    if (cost > largest) largest = cost;
    total += cost;
    *empty += nodes == 0;
  }
  *imbalance = total > 0 ? largest * n_parts / total : 1;
}

static void compare(const known *list, ouro_graph *graph, int n_parts, part_of part, ouro_objective objective) {
  int32_t *owner = calloc((size_t)graph->n_owned + 1, sizeof *owner);
  for (ouro_lid i = 0; i < graph->n_owned; i++) owner[i] = part(list->n_nodes, n_parts, graph->gid[i]);
  ouro_partition_figures got;
  assert_ok(ouro_partition_measure(graph, objective, n_parts, ROW_BYTES, owner, &got));
  free(owner);
  int64_t n_cut, other_cut;
  double imbalance;
  int empty;
  const int volume = objective == OURO_OBJECTIVE_VOLUME;
  twin_weights(list, n_parts, part, &imbalance, &empty);
  assert_everywhere(got.n_parts == n_parts && got.imbalance == imbalance && got.empty_parts == empty);
  assert_everywhere(got.cut_bytes == ROW_BYTES * twin_cut(list, n_parts, part, &n_cut));
  assert_everywhere(got.cut_feeds == n_cut);
  assert_everywhere(got.volume_bytes == ROW_BYTES * twin_volume(list, n_parts, part));
  assert_everywhere(got.max_neighbours == twin_neighbours(list, n_parts, part));
  const double block = volume ? twin_volume(list, n_parts, ouro_partition_block_part)
                              : twin_cut(list, n_parts, ouro_partition_block_part, &other_cut);
  const double random = volume ? twin_volume(list, n_parts, in_random) : twin_cut(list, n_parts, in_random, &other_cut);
  assert_everywhere(got.block_bytes == ROW_BYTES * block && got.random_bytes == ROW_BYTES * random);
}

/* Again with every node on a rank chosen by its id, then all nodes on the last rank. */
static void compare_wherever(const known *list, int n_parts, part_of part, ouro_objective objective) {
  ouro_graph *graph = known_graph(list);
  compare(list, graph, n_parts, part, objective);
  const part_of placement[2] = {scattered, all_in_last};
  for (int k = 0; k < 2; k++) {
    int32_t *owner = calloc((size_t)graph->n_owned + 1, sizeof *owner);
    for (ouro_lid i = 0; i < graph->n_owned; i++) owner[i] = placement[k](0, test_ranks(), graph->gid[i]);
    assert_ok(ouro_partition_migrate(&graph, owner));
    free(owner);
    compare(list, graph, n_parts, part, objective);
  }
  ouro_graph_destroy(&graph);
}

static void test_against_twin(void **state) {
  (void)state;
  static known list;
  for (uint64_t seed = 0; seed < 6; seed++) {
    const int64_t n = 2 + draw(seed, 1 << 20, 30);
    const int n_parts = 1 + (int)draw(seed, 1 << 21, 9);
    known_random(&list, n, 1 + draw(seed, 1 << 22, 4 * n), 100 + seed);
    compare_wherever(&list, n_parts, seed % 2 ? scattered : in_random,
                     seed % 3 ? OURO_OBJECTIVE_VOLUME : OURO_OBJECTIVE_CUT);
  }
}

static void test_nothing_to_cut(void **state) {
  (void)state;
  static known list;
  list = (known){.n_nodes = 3};
  compare_wherever(&list, 2, scattered, OURO_OBJECTIVE_CUT);
  known_add(&list, 1, 1, 4);
  compare_wherever(&list, 5, scattered, OURO_OBJECTIVE_VOLUME);
  list = (known){.n_nodes = 1};
  compare_wherever(&list, 1, scattered, OURO_OBJECTIVE_CUT);
}

/* By hand: 0 feeds 1, 2 and 3 with 10 samples each; parts {0} {1 2} {3}. The cut is 30, but the corpus of 0 crosses
 * twice: 20. Costs 0, 20, 10: the largest is twice the mean. */
static int32_t by_hand(int64_t n_nodes, int n_parts, int64_t node) {
  (void)n_nodes;
  (void)n_parts;
  return (int32_t[]){0, 1, 1, 2}[node];
}

static void test_by_hand(void **state) {
  (void)state;
  static known list;
  list = (known){.n_nodes = 4};
  for (int64_t i = 1; i < 4; i++) known_add(&list, 0, i, 10);
  compare_wherever(&list, 3, by_hand, OURO_OBJECTIVE_CUT);
  ouro_graph *graph = known_graph(&list);
  int32_t *owner = calloc((size_t)graph->n_owned + 1, sizeof *owner);
  for (ouro_lid i = 0; i < graph->n_owned; i++) owner[i] = by_hand(4, 3, graph->gid[i]);
  ouro_partition_figures got;
  assert_ok(ouro_partition_measure(graph, OURO_OBJECTIVE_CUT, 3, 8, owner, &got));
  assert_everywhere(got.cut_feeds == 3 && got.cut_bytes == 240 && got.volume_bytes == 160);
  assert_everywhere(got.imbalance == 2 && got.max_neighbours == 2 && got.empty_parts == 0);
  free(owner);
  ouro_graph_destroy(&graph);
}

/* Parts of a random partition are about equally large: with 10000 ids in 8 parts the chi-square of 7 degrees of freedom
 * exceeds 40 with probability 1.2e-6. */
static void test_random_part(void **state) {
  (void)state;
  int n[8] = {0};
  for (int64_t k = 0; k < 10000; k++) n[ouro_partition_random_part(8, k)]++;
  double chi2 = 0;
  for (int p = 0; p < 8; p++) chi2 += (n[p] - 1250.0) * (n[p] - 1250.0) / 1250.0;
  assert_everywhere(chi2 < 40);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_nothing_to_cut),
      cmocka_unit_test(test_by_hand),
      cmocka_unit_test(test_against_twin),
      cmocka_unit_test(test_random_part),
  };
  return test_main(__FILE__, tests, sizeof tests / sizeof tests[0]);
}
