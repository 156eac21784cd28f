/* The graph object: validity, names, figures of a node. ranks: 1 2 3 4 7 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "random_feeds.h"

/* Two cliques of 4 with self-loops that feed one another, nodes dealt out in turn: on two ranks or more every rank
 * that owns something has ghosts. */
static ouro_graph *dealt_graph(void) {
  enum { N = 14 };
  ouro_gid owned[N];
  ouro_lid n_owned = 0;
  ouro_feeds feeds = {0};
  ouro_graph *graph = NULL;
  for (ouro_gid i = test_rank(); i < N; i += test_ranks()) owned[n_owned++] = i;
  for (ouro_lid i = 0; i < n_owned; i++) {
    for (ouro_gid j = 0; j < N; j++) ouro_feeds_add(&feeds, j, owned[i], 1 + j);
  }
  assert_ok(ouro_graph_assemble(MPI_COMM_WORLD, N, n_owned, owned, &feeds, &graph));
  return graph;
}

/* ---- validity: each of these breaks one invariant on one rank ---- */

typedef void damage(ouro_graph *graph);

static void swap_owned(ouro_graph *g) {
  const ouro_gid id = g->gid[0];
  g->gid[0] = g->gid[1];
  g->gid[1] = id;
}
static void steal_node(ouro_graph *g) {
  g->gid[0] = g->gid[g->n_owned];
}
static void id_beyond_range(ouro_graph *g) {
  g->gid[g->n_owned - 1] = g->n_nodes;
}
static void own_ghost(ouro_graph *g) {
  g->gid[g->n_owned] = g->gid[0];
}
static void swap_ghosts(ouro_graph *g) {
  const ouro_gid id = g->gid[g->n_owned];
  g->gid[g->n_owned] = g->gid[g->n_owned + 1];
  g->gid[g->n_owned + 1] = id;
}
static void late_first_row(ouro_graph *g) {
  g->row[0] = 1;
}
static void crossed_rows(ouro_graph *g) {
  g->row[1] = g->row[2] + 1;
}
static void lost_feed(ouro_graph *g) {
  g->row[g->n_owned]--;
}
static void source_beyond_range(ouro_graph *g) {
  g->source[0] = g->n_owned + g->n_ghost;
}
static void source_twice(ouro_graph *g) {
  g->source[1] = g->source[0];
}
static void swap_sources(ouro_graph *g) {
  const ouro_lid source = g->source[0];
  g->source[0] = g->source[1];
  g->source[1] = source;
}
static void no_samples(ouro_graph *g) {
  g->times[2] = 0;
}
static void samples_overflow(ouro_graph *g) {
  g->each = INT64_MAX / 14; /* of 1, 2, .. 14 times that each is a count, but not their sum */
}
static void other_unit(ouro_graph *g) {
  g->each++;
}
static void counts_held_otherwise(ouro_graph *g) {
  free(g->times);
  g->times = NULL;
}
static void negative_real(ouro_graph *g) {
  g->real[0] = -1;
}
static void other_feeds(ouro_graph *g) {
  g->n_feeds++;
}
static void other_merged(ouro_graph *g) {
  g->n_merged--;
}
static void other_nodes(ouro_graph *g) {
  g->n_nodes++;
}
static void named_without_names(ouro_graph *g) {
  g->named = true;
}
static void halo_of_wrong_node(ouro_graph *g) {
  g->halo->send[0] = (g->halo->send[0] + 1) % g->n_owned;
}
static void halo_for_wrong_ghost(ouro_graph *g) {
  g->halo->receive[0] = g->halo->receive[1];
}
static void halo_with_fewer_neighbours(ouro_graph *g) {
  g->halo->n_send--;
}

static void every_damage_is_seen(void **state) {
  (void)state;
  const struct {
    damage *strike;
    bool takes_ranks; /* damages what one rank has not */
  } all[] = {
      {swap_owned, false},
      {steal_node, true},
      {id_beyond_range, false},
      {own_ghost, true},
      {swap_ghosts, true},
      {late_first_row, false},
      {crossed_rows, false},
      {lost_feed, false},
      {source_beyond_range, false},
      {source_twice, false},
      {swap_sources, false},
      {no_samples, false},
      {samples_overflow, false},
      {negative_real, false},
      {other_feeds, false},
      {other_merged, false},
      {other_nodes, false},
      {named_without_names, false},
      {halo_of_wrong_node, true},
      {halo_for_wrong_ghost, true},
      {halo_with_fewer_neighbours, true},
      {other_unit, true},
      {counts_held_otherwise, true},
  };
  for (size_t k = 0; k < sizeof all / sizeof *all; k++) {
    if (all[k].takes_ranks && test_ranks() == 1) continue;
    ouro_graph *graph = dealt_graph();
    assert_everywhere(ouro_graph_is_valid(graph));
    if (test_rank() == test_ranks() - 1) all[k].strike(graph);
    const bool valid = ouro_graph_is_valid(graph);
    if (valid) print_message("damage %zu goes unseen\n", k);
    assert_everywhere(!valid);
    ouro_graph_destroy(&graph);
  }
}

static void unused_ghost_is_seen(void **state) {
  (void)state;
  ouro_feeds feeds = {0};
  ouro_graph *graph = NULL;
  if (test_ranks() == 1) return;
  if (test_rank() == 0) ouro_feeds_add(&feeds, 0, test_ranks() - 1, 1);
  assert_ok(ouro_graph_build(MPI_COMM_WORLD, test_ranks(), &feeds, &graph));
  if (graph->n_ghost == 1) graph->source[0] = 0; /* from the ghost to the node itself */
  assert_everywhere(!ouro_graph_is_valid(graph));
  ouro_graph_destroy(&graph);
}

/* ---- names and figures ---- */

static void nodes_without_labels_are_named_by_id(void **state) {
  (void)state;
  ouro_graph *graph = dealt_graph();
  char text[32], expected[32];
  for (ouro_gid node = 0; node < graph->n_nodes; node++) {
    snprintf(expected, sizeof expected, "%d", (int)node);
    assert_everywhere(strcmp(ouro_graph_name_of(graph, node, text, sizeof text), expected) == 0);
  }
  assert_everywhere(strcmp(ouro_graph_name_of(graph, 99, text, sizeof text), "99") == 0);
  ouro_graph_destroy(&graph);
}

static void integer_labels_are_printed(void **state) {
  (void)state;
  ouro_feeds feeds = {0};
  ouro_graph *graph = NULL;
  char text[32];
  assert_ok(ouro_graph_build(MPI_COMM_WORLD, 3, &feeds, &graph));
  int right = graph->label != NULL && !graph->named;
  for (ouro_lid i = 0; i < graph->n_owned; i++) {
    right = right && graph->label[i] == graph->gid[i];
    graph->label[i] = 1000 * graph->gid[i] - 1;
  }
  assert_everywhere(right);
  assert_everywhere(strcmp(ouro_graph_name_of(graph, 0, text, sizeof text), "-1") == 0);
  assert_everywhere(strcmp(ouro_graph_name_of(graph, 2, text, sizeof text), "1999") == 0);
  ouro_graph_destroy(&graph);
}

/* Names may fill their width without a final zero, and be cut to the buffer. */
static void names_are_printed(void **state) {
  (void)state;
  const char names[3][6] = {"a", "llama3", "gpt"};
  ouro_feeds feeds = {0};
  ouro_graph *graph = NULL;
  char text[32];
  assert_ok(ouro_graph_build(MPI_COMM_WORLD, 3, &feeds, &graph));
  free(graph->label);
  graph->label = NULL;
  graph->named = true;
  graph->label_width = 6;
  graph->label_text = calloc((size_t)graph->n_owned + 1, 6);
  for (ouro_lid i = 0; i < graph->n_owned; i++) memcpy(graph->label_text + 6 * i, names[graph->gid[i]], 6);
  assert_everywhere(ouro_graph_is_valid(graph));
  assert_everywhere(strcmp(ouro_graph_name_of(graph, 0, text, sizeof text), "a") == 0);
  assert_everywhere(strcmp(ouro_graph_name_of(graph, 1, text, sizeof text), "llama3") == 0);
  assert_everywhere(strcmp(ouro_graph_name_of(graph, 2, text, 3), "gp") == 0);
  ouro_graph_destroy(&graph);
}

static void figures_of_a_node(void **state) {
  (void)state;
  ouro_feeds feeds = {0};
  ouro_graph *graph = NULL;
  if (test_rank() == 0) {
    ouro_feeds_add(&feeds, 0, 1, 5);
    ouro_feeds_add(&feeds, 1, 1, 6);
    ouro_feeds_add(&feeds, 2, 1, 7);
  }
  assert_ok(ouro_graph_build(MPI_COMM_WORLD, 3, &feeds, &graph));
  int right = 1;
  for (ouro_lid i = 0; i < graph->n_owned; i++) {
    if (graph->gid[i] == 2) graph->real[i] = 100;
    const ouro_count n[] = {0, 18, 100};
    right = right && ouro_graph_training_size(graph, i) == n[graph->gid[i]];
    right = right && ouro_graph_is_root(graph, i) == (graph->gid[i] == 0);
  }
  assert_everywhere(right);
  ouro_graph_destroy(&graph);
  ouro_graph_destroy(&graph);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(every_damage_is_seen),
    cmocka_unit_test(unused_ghost_is_seen),
    cmocka_unit_test(nodes_without_labels_are_named_by_id),
    cmocka_unit_test(integer_labels_are_printed),
    cmocka_unit_test(names_are_printed),
    cmocka_unit_test(figures_of_a_node),
};

TEST_MAIN(tests)
