/* The symmetrised graph on rank 0, against a brute-force twin. ranks: 1 2 3 4 7 */

#include "graphs.h"
#include "partition/private.h"

/* A matrix of samples both ways, self-loops dropped. */
static int64_t *twin_matrix(const known *list) {
  int64_t *w = calloc((size_t)(list->n_nodes * list->n_nodes) + 1, sizeof *w);
  for (int64_t k = 0; k < list->n_feeds; k++) {
    const int64_t a = list->source[k], b = list->target[k];
    if (a == b) continue;
    w[a * list->n_nodes + b] += list->samples[k];
    w[b * list->n_nodes + a] += list->samples[k];
  }
  return w;
}

static int64_t twin_cost(const known *list, int64_t node) {
  int64_t n = 0;
  for (int64_t k = 0; k < list->n_feeds; k++) n += list->target[k] == node ? list->samples[k] : 0;
  return n > 0 ? n : 1;
}

static int64_t twin_corpus(const known *list, int64_t node) {
  int64_t most = 0;
  for (int64_t k = 0; k < list->n_feeds; k++) {
    const int counts = list->source[k] == node && list->target[k] != node;
    if (counts && list->samples[k] > most) most = list->samples[k];
  }
  return most;
}

static int rows_match(const ouro_partition_symmetric *s, const known *list) {
  int64_t *w = twin_matrix(list), at = 0;
  int right = s->row[0] == 0;
  for (int64_t a = 0; a < list->n_nodes; a++) {
    for (int64_t b = 0; b < list->n_nodes; b++) {
      if (w[a * list->n_nodes + b] == 0) continue;
      right = right && at < s->n_entries && s->neighbour[at] == b;
      right = right && (s->weight == NULL || s->weight[at] == w[a * list->n_nodes + b]);
      at++;
    }
    right = right && s->row[a + 1] == at;
  }
  free(w);
  return right && at == s->n_entries;
}

static void compare(const known *list, ouro_objective objective) {
  ouro_graph *graph = known_graph(list);
  ouro_partition_symmetric s;
  assert_ok(ouro_partition_symmetrise(graph, objective, INT32_MAX, &s));
  int right = s.n_nodes == list->n_nodes;
  if (test_rank() == 0) {
    right = right && rows_match(&s, list);
    right = right && (s.weight == NULL) == (objective == OURO_OBJECTIVE_VOLUME);
    for (int64_t i = 0; i < list->n_nodes; i++) {
      right = right && s.cost[i] == twin_cost(list, i);
      right = right && (s.corpus == NULL || s.corpus[i] == twin_corpus(list, i));
    }
  } else {
    right = right && s.row == NULL && s.neighbour == NULL;
  }
  assert_everywhere(right);
  ouro_partition_symmetric_clear(&s);
  ouro_graph_destroy(&graph);
}

static void test_against_twin(void **state) {
  (void)state;
  static known list;
  for (uint64_t seed = 0; seed < 20; seed++) {
    const int64_t n = 1 + draw(seed, 1 << 20, 40);
    known_random(&list, n, draw(seed, 1 << 21, 4 * n), seed);
    compare(&list, OURO_OBJECTIVE_CUT);
    compare(&list, OURO_OBJECTIVE_VOLUME);
  }
}

/* A hub of many neighbours: rows too long for insertion. */
static void test_hub(void **state) {
  (void)state;
  static known list;
  list = (known){.n_nodes = 150};
  for (int64_t i = 149; i > 0; i--) known_add(&list, i % 2 ? 0 : i, i % 2 ? i : 0, 1 + i);
  known_add(&list, 0, 0, 7);
  compare(&list, OURO_OBJECTIVE_CUT);
}

static void test_without_feeds(void **state) {
  (void)state;
  static known list;
  list = (known){.n_nodes = 5};
  compare(&list, OURO_OBJECTIVE_CUT);
  known_add(&list, 2, 2, 9); /* a self-loop alone */
  compare(&list, OURO_OBJECTIVE_VOLUME);
  list = (known){.n_nodes = 1};
  compare(&list, OURO_OBJECTIVE_CUT);
}

/* METIS adds weights up in 32 bits: huge counts are scaled so that no sum overflows, and their ratio stays. */
static void scaled(ouro_objective objective) {
  static known list;
  list = (known){.n_nodes = 4};
  const int64_t huge = INT64_C(1) << 61;
  known_add(&list, 0, 1, huge);
  known_add(&list, 1, 2, huge / 2);
  known_add(&list, 2, 3, 1);
  known_add(&list, 3, 0, huge / 4);
  known_add(&list, 1, 0, huge);
  ouro_graph *graph = known_graph(&list);
  ouro_partition_symmetric s;
  assert_ok(ouro_partition_symmetrise(graph, objective, INT32_MAX, &s));
  int right = 1;
  if (test_rank() == 0) {
    int64_t cost = 0, weight = 0;
    for (int64_t i = 0; i < 4; i++) {
      cost += s.cost[i];
      right = right && s.cost[i] >= 1;
      for (int32_t k = s.row[i]; k < s.row[i + 1]; k++) {
        weight += s.weight ? s.weight[k] : 1 + s.corpus[i] + s.corpus[s.neighbour[k]];
      }
    }
    right = right && cost <= INT32_MAX && weight <= INT32_MAX && cost > INT32_MAX / 4 && weight > INT32_MAX / 4;
    /* node 0 has 5/4 of `huge`, node 2 has 1/2; corpora of 0 and 3 are as 4 to 1 */
    right = right && llabs(5 * (int64_t)s.cost[2] - 2 * (int64_t)s.cost[0]) < 20;
    right = right && (!s.corpus || llabs((int64_t)s.corpus[0] - 4 * (int64_t)s.corpus[3]) < 20);
    /* entries of node 0: 1 (2 huge), 3 (huge / 4) */
    right = right && (!s.weight || llabs((int64_t)s.weight[0] - 8 * (int64_t)s.weight[1]) < 20);
  }
  assert_everywhere(right);
  ouro_partition_symmetric_clear(&s);
  ouro_graph_destroy(&graph);
}

static void test_scaled(void **state) {
  (void)state;
  scaled(OURO_OBJECTIVE_CUT);
  scaled(OURO_OBJECTIVE_VOLUME);
}

static ouro_status at_limit(const ouro_graph *graph, ouro_objective objective, int64_t limit) {
  ouro_partition_symmetric s;
  const ouro_status status = ouro_partition_symmetrise(graph, objective, limit, &s);
  ouro_partition_symmetric_clear(&s);
  return status;
}

/* The limits are those of the merged graph: a ring of 10 with two chords has 24 entries, whatever goes both ways. */
static void test_limits(void **state) {
  (void)state;
  static known list;
  list = (known){.n_nodes = 10};
  for (int64_t i = 0; i < 10; i++) known_add(&list, i, (i + 1) % 10, 5);
  for (int64_t i = 0; i < 10; i++) known_add(&list, (i + 1) % 10, i, 5);
  known_add(&list, 0, 5, 1);
  known_add(&list, 7, 2, 1);
  ouro_graph *graph = known_graph(&list);
  assert_ok(at_limit(graph, OURO_OBJECTIVE_CUT, 24));
  assert_everywhere(at_limit(graph, OURO_OBJECTIVE_CUT, 23) == OURO_ELIMIT);
  assert_everywhere(strstr(ouro_error_message(), "10 nodes with 24 neighbour entries") != NULL);
  assert_everywhere(strstr(ouro_error_message(), "partition.method=block") != NULL);
  assert_ok(at_limit(graph, OURO_OBJECTIVE_VOLUME, 72)); /* METIS sums up 1 + corpus + corpus, 3 at least */
  assert_everywhere(at_limit(graph, OURO_OBJECTIVE_VOLUME, 71) == OURO_ELIMIT);
  ouro_graph_destroy(&graph);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_without_feeds), cmocka_unit_test(test_against_twin), cmocka_unit_test(test_hub),
      cmocka_unit_test(test_scaled),        cmocka_unit_test(test_limits),
  };
  return test_main(__FILE__, tests, sizeof tests / sizeof tests[0]);
}
