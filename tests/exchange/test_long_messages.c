/* No message is longer than it may be, wherever graphs, halos, routes, lists and tables travel, and nothing is lost by
 * cutting them: calls of MPI are counted on their way, under a limit that all that is sent here exceeds, and the same
 * is done without the limit. ranks: 1 2 3 */

#include <stdlib.h>
#include <string.h>

#include "../support/harness.h"
#include "ouro/base/message.h"
#include "ouro/exchange/exchange.h"
#include "ouro/graph/reach.h"
#include "ouro/graph/reverse.h"
#include "ouro/store/store.h"
#include "partition/private.h"

enum { N_NODES = 60000, N_FEEDS = 600000 };

/* Above the messages of the exchange, which have a length of their own. */
#define LIMIT ((size_t)OURO_EXCHANGE_MESSAGE + 1000)
#define SLICE ((size_t)8 << 20) /* of a table, for each writer */

/* ---- the shim ---- */

static size_t longest;  /* bytes of one message */
static int64_t n_whole; /* messages as long as the limit */

static void note(int64_t count, MPI_Datatype type) {
  int bytes;
  MPI_Type_size(type, &bytes);
  const size_t length = (size_t)count * (size_t)bytes;
  if (length > longest) longest = length;
  n_whole += length == LIMIT;
}

static void note_all(MPI_Comm comm, const int *count, MPI_Datatype type) {
  int n_ranks;
  MPI_Comm_size(comm, &n_ranks);
  for (int r = 0; r < n_ranks; r++) note(count[r], type);
}

int MPI_Send(const void *buffer, int count, MPI_Datatype type, int to, int tag, MPI_Comm comm) {
  note(count, type);
  return PMPI_Send(buffer, count, type, to, tag, comm);
}

int MPI_Isend(const void *buffer, int count, MPI_Datatype type, int to, int tag, MPI_Comm comm, MPI_Request *request) {
  note(count, type);
  return PMPI_Isend(buffer, count, type, to, tag, comm, request);
}

int MPI_Sendrecv(const void *out, int n_out, MPI_Datatype out_type, int to, int out_tag, void *in, int n_in,
                 MPI_Datatype in_type, int from, int in_tag, MPI_Comm comm, MPI_Status *status) {
  note(n_out, out_type);
  return PMPI_Sendrecv(out, n_out, out_type, to, out_tag, in, n_in, in_type, from, in_tag, comm, status);
}

int MPI_Bcast(void *buffer, int count, MPI_Datatype type, int root, MPI_Comm comm) {
  note(count, type);
  return PMPI_Bcast(buffer, count, type, root, comm);
}

int MPI_Allreduce(const void *in, void *out, int count, MPI_Datatype type, MPI_Op op, MPI_Comm comm) {
  note(count, type);
  return PMPI_Allreduce(in, out, count, type, op, comm);
}

int MPI_Gatherv(const void *in, int n, MPI_Datatype in_type, void *out, const int *count, const int *at,
                MPI_Datatype type, int root, MPI_Comm comm) {
  note(n, in_type);
  return PMPI_Gatherv(in, n, in_type, out, count, at, type, root, comm);
}

int MPI_Allgatherv(const void *in, int n, MPI_Datatype in_type, void *out, const int *count, const int *at,
                   MPI_Datatype type, MPI_Comm comm) {
  note(n, in_type);
  return PMPI_Allgatherv(in, n, in_type, out, count, at, type, comm);
}

static size_t longest_of_slice; /* the store's, which goes through tables in slices */

int MPI_Alltoallv(const void *out, const int *n_out, const int *out_at, MPI_Datatype out_type, void *in,
                  const int *n_in, const int *in_at, MPI_Datatype in_type, MPI_Comm comm) {
  const size_t before = longest;
  const int64_t whole = n_whole;
  note_all(comm, n_out, out_type);
  if (longest > longest_of_slice) longest_of_slice = longest;
  longest = before;
  n_whole = whole;
  return PMPI_Alltoallv(out, n_out, out_at, out_type, in, n_in, in_at, in_type, comm);
}

/* ---- what travels ---- */

static uint64_t mix(uint64_t x) {
  x = (x ^ x >> 30) * UINT64_C(0xBF58476D1CE4E5B9);
  x = (x ^ x >> 27) * UINT64_C(0x94D049BB133111EB);
  return x ^ x >> 31;
}

/* Feeds, whoever owns them and in whatever order. */
static uint64_t digest_of(const ouro_graph *graph) {
  uint64_t sum = 0;
  for (ouro_lid i = 0; i < graph->n_owned; i++) {
    for (ouro_eid k = graph->row[i]; k < graph->row[i + 1]; k++) {
      const uint64_t source = (uint64_t)graph->gid[graph->source[k]], target = (uint64_t)graph->gid[i];
      sum += mix(target + mix(source + mix((uint64_t)ouro_graph_samples(graph, k))));
    }
  }
  MPI_Allreduce(MPI_IN_PLACE, &sum, 1, MPI_UINT64_T, MPI_SUM, MPI_COMM_WORLD);
  return sum;
}

static ouro_graph *made(void) {
  ouro_config_generate generate = {.kind = OURO_GRAPH_GNM, .nodes = N_NODES, .feeds = N_FEEDS, .seed = 3};
  ouro_config config = {0};
  config.graph.generate = &generate;
  config.graph.samples = 100;
  ouro_graph *graph = NULL;
  assert_ok(ouro_graph_open(MPI_COMM_WORLD, &config, &graph));
  return graph;
}

static void tell_ghosts(ouro_graph *graph) {
  enum { WORDS = 3 };
  int64_t *value = calloc((size_t)(graph->n_owned + graph->n_ghost) * WORDS + 1, sizeof *value);
  for (ouro_lid i = 0; i < graph->n_owned * WORDS; i++) value[i] = 10 * graph->gid[i / WORDS] + i % WORDS;
  assert_ok(ouro_halo_update(graph->halo, value, WORDS * sizeof *value));
  int right = 1;
  for (ouro_lid i = 0; i < (graph->n_owned + graph->n_ghost) * WORDS; i++) {
    right = right && value[i] == 10 * graph->gid[i / WORDS] + i % WORDS;
  }
  assert_everywhere(right);
  free(value);
}

/* From everywhere: all have something to tell. */
static void sweep(ouro_graph *graph) {
  uint64_t *bits = calloc((size_t)graph->n_owned + 1, sizeof *bits);
  int8_t *marked = calloc((size_t)graph->n_owned + 1, sizeof *marked);
  memset(marked, 1, (size_t)graph->n_owned);
  for (ouro_lid i = 0; i < graph->n_owned; i++) bits[i] = (uint64_t)1 << graph->gid[i] % 64;
  assert_ok(ouro_graph_reach_forward(graph, NULL, marked));
  assert_ok(ouro_graph_reach_bits(graph, NULL, bits));
  free(bits);
  free(marked);
}

static void turn_round(ouro_graph *graph) {
  ouro_gid *component = calloc((size_t)(graph->n_owned + graph->n_ghost) + 1, sizeof *component);
  ouro_graph *reversed = NULL, *again = NULL;
  assert_ok(ouro_graph_reverse(graph, component, &reversed));
  free(component);
  component = calloc((size_t)(reversed->n_owned + reversed->n_ghost) + 1, sizeof *component);
  assert_ok(ouro_graph_reverse(reversed, component, &again));
  assert_everywhere(digest_of(again) == digest_of(graph) && digest_of(reversed) != digest_of(graph));
  free(component);
  ouro_graph_destroy(&reversed);
  ouro_graph_destroy(&again);
}

static void gather(ouro_graph *graph) {
  ouro_partition_symmetric all;
  assert_ok(ouro_partition_symmetrise(graph, OURO_OBJECTIVE_CUT, INT32_MAX, &all));
  int64_t n = 0, rank_of_all = all.row != NULL;
  for (int64_t i = 0; all.row && i < all.n_nodes; i++) {
    for (int64_t k = all.row[i]; k < all.row[i + 1]; k++) n += all.neighbour[k] != i;
  }
  assert_everywhere(n == rank_of_all * all.n_entries && (!rank_of_all || n > N_FEEDS));
  ouro_partition_symmetric_clear(&all);
}

static void plan(ouro_graph *graph) {
  const ouro_exchange_options options = {
      .draw = OURO_DRAW_PRIVATE, .replicates = 1, .row_bytes = 8, .block = 1, .buffer = 1 << 20};
  ouro_exchange_plan *plan = NULL;
  assert_ok(ouro_exchange_plan_create(graph, &options, &plan));
  ouro_exchange_plan_destroy(&plan);
}

static void write_and_read(ouro_graph *graph, const char *name) {
  char path[300];
  ouro_graph *back = NULL;
  ouro_config config = {0};
  config.graph.file = test_path(name, path, sizeof path);
  assert_ok(ouro_graph_write(graph, path));
  assert_ok(ouro_graph_open(MPI_COMM_WORLD, &config, &back));
  assert_everywhere(digest_of(back) == digest_of(graph) && ouro_graph_is_valid(back));
  ouro_graph_destroy(&back);
}

/* Ids far apart, so that the map of those that occur is long. */
static void write_text(ouro_graph *graph) {
  for (ouro_lid i = 0; i < graph->n_owned; i++) graph->label[i] = 100 * graph->gid[i];
  write_and_read(graph, "graph.tsv");
}

static void scatter(ouro_graph **graph) {
  int32_t *owner = calloc((size_t)(*graph)->n_owned + 1, sizeof *owner);
  int n_ranks;
  MPI_Comm_size(MPI_COMM_WORLD, &n_ranks);
  for (ouro_lid i = 0; i < (*graph)->n_owned; i++) {
    owner[i] = (int32_t)(mix((uint64_t)(*graph)->gid[i]) % (uint64_t)n_ranks);
  }
  assert_ok(ouro_partition_migrate(graph, owner));
  free(owner);
}

/* ---- the tests ---- */

static ouro_graph *graph;
static uint64_t digest;

static void make(void) {
  graph = made();
  digest = digest_of(graph);
}

static void do_tell(void) {
  tell_ghosts(graph);
}
static void do_sweep(void) {
  sweep(graph);
}
static void do_turn(void) {
  turn_round(graph);
}
static void do_gather(void) {
  gather(graph);
}
static void do_scatter(void) {
  scatter(&graph);
  assert_everywhere(digest_of(graph) == digest);
}
static void do_plan(void) {
  plan(graph);
}
static void do_text(void) {
  write_text(graph);
}
static void do_write(void) {
  write_and_read(graph, "graph.h5");
}

static void nothing_is_longer_than_it_may_be(void **state) {
  (void)state;
  static const struct {
    void (*act)(void);
    const char *name;
  } step[] = {{make, "make"},          {do_tell, "halo"},    {do_sweep, "sweep"},
              {do_text, "text"},       {do_turn, "reverse"}, {do_gather, "METIS"},
              {do_scatter, "migrate"}, {do_plan, "plan"},    {do_write, "write and read"}};
  int n_ranks;
  MPI_Comm_size(MPI_COMM_WORLD, &n_ranks);
  make();
  const uint64_t without = digest;
  ouro_graph_destroy(&graph);
  ouro_message_set_largest(LIMIT);
  for (size_t k = 0; k < sizeof step / sizeof *step; k++) {
    longest = longest_of_slice = 0;
    n_whole = 0;
    step[k].act();
    int64_t whole = n_whole;
    MPI_Allreduce(MPI_IN_PLACE, &whole, 1, MPI_INT64_T, MPI_SUM, MPI_COMM_WORLD);
    if (longest > LIMIT || (n_ranks > 1 && whole == 0)) print_message("%s: %zu bytes\n", step[k].name, longest);
    assert_everywhere(longest <= LIMIT && longest_of_slice <= SLICE);
    assert_everywhere(n_ranks == 1 || whole > 0); /* something was longer, and was cut */
  }
  ouro_message_set_largest(0);
  assert_everywhere(digest == without);
  ouro_graph_destroy(&graph);
}

static const struct CMUnitTest tests[] = {cmocka_unit_test(nothing_is_longer_than_it_may_be)};

TEST_MAIN(tests)
