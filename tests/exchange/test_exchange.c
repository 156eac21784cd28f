/* Every item arrives once, in order and with its rows, whatever the buffer, the owners and the draws.
 * ranks: 1 2 3 4 7
 * limit: 60 */

#include "../support/harness.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "ouro/exchange/exchange.h"
#include "random_graph.h"

#define WIDTH 3 /* doubles a row */
#define BLOCK 64

/* Items that are whole: of each feed its first row alone, in the place of all. */
static bool whole;

typedef struct scene {
  ouro_graph *graph;
  ouro_exchange_plan *plan;
  ouro_exchange_flight *flight;
  int64_t filled; /* rows */
  int64_t wrong;  /* rows or items that are not what they should be */
  int pause;      /* sleep after every n-th item, 0: never */
} scene;

/* What a column of a row must hold. */
static double content(const ouro_exchange_item *item, ouro_count row, int column) {
  const uint64_t who = (uint64_t)item->source * 1000003u + (uint64_t)(item->target + 1);
  return (double)(random_hash(9, who, (uint64_t)item->replicate, (uint64_t)(row * WIDTH + column)) >> 11);
}

static void nap(const scene *s, int64_t n) {
  if (s->pause && n % s->pause == 0) usleep(200);
}

static ouro_count rows_of(ouro_count n) {
  return whole && n > 0 ? 1 : n;
}

static void fill(void *context, int n, const ouro_exchange_item *items, void *out) {
  scene *s = context;
  double *rows = out;
  s->wrong += n < 1 || n > OURO_EXCHANGE_ITEMS;
  for (const ouro_exchange_item *item = items; item < items + n; item++) {
    s->wrong += item->local < 0 || item->local >= s->graph->n_owned || s->graph->gid[item->local] != item->source;
    s->wrong += whole && (item->first != 0 || item->n != item->total);
    for (ouro_count r = 0; r < rows_of(item->n); r++) {
      for (int c = 0; c < WIDTH; c++) *rows++ = content(item, item->first + r, c);
    }
    s->filled += rows_of(item->n);
    nap(s, s->filled);
  }
}

/* Take all rows of one feed or corpus and compare. */
static void take(scene *s, ouro_lid ghost, ouro_gid target, int32_t replicate, ouro_count total) {
  for (ouro_count got = 0; got < total;) {
    ouro_exchange_item item;
    const double *rows = ouro_exchange_take(s->flight, ghost, &item);
    if (rows == NULL || item.n <= 0) {
      s->wrong++;
      return;
    }
    s->wrong += item.source != s->graph->gid[ghost] || item.target != target || item.replicate != replicate;
    s->wrong += item.local != ghost || item.first != got || item.total != total || item.first % BLOCK != 0;
    for (ouro_count r = 0; r < rows_of(item.n); r++) {
      for (int c = 0; c < WIDTH; c++) s->wrong += rows[r * WIDTH + c] != content(&item, item.first + r, c);
    }
    got += item.n;
    s->wrong += got > total;
    nap(s, got);
  }
}

static void take_private(scene *s, int32_t replicates) {
  const ouro_graph *g = s->graph;
  for (ouro_lid i = 0; i < g->n_owned; i++) {
    for (int32_t k = 0; k < replicates; k++) {
      for (ouro_eid e = g->row[i]; e < g->row[i + 1]; e++) {
        if (g->source[e] >= g->n_owned) take(s, g->source[e], g->gid[i], k, ouro_graph_samples(g, e));
      }
    }
    ouro_exchange_progress(s->flight);
  }
}

static ouro_count corpus_of(const ouro_graph *g, ouro_lid ghost) {
  for (ouro_eid e = 0; e < g->row[g->n_owned]; e++) {
    if (g->source[e] == ghost) return ouro_graph_samples(g, e);
  }
  return 0;
}

static void take_published(scene *s, int32_t replicates) {
  const ouro_graph *g = s->graph;
  for (int32_t k = 0; k < replicates; k++) {
    for (ouro_lid ghost = g->n_owned; ghost < g->n_owned + g->n_ghost; ghost++) {
      take(s, ghost, OURO_NATURE, k, corpus_of(g, ghost));
    }
  }
}

static ouro_exchange_options options_of(const random_graph *spec, int64_t replicates, int64_t buffer) {
  const ouro_draw draw = spec->published ? OURO_DRAW_PUBLISHED : OURO_DRAW_PRIVATE;
  return (ouro_exchange_options){draw, replicates, WIDTH * sizeof(double), whole ? 1 : BLOCK, buffer, whole};
}

static int64_t rows_to_receive(const ouro_graph *g, const random_graph *spec, int64_t replicates) {
  int64_t rows = 0;
  if (spec->published) {
    for (ouro_lid ghost = g->n_owned; ghost < g->n_owned + g->n_ghost; ghost++) rows += rows_of(corpus_of(g, ghost));
  } else {
    for (ouro_eid e = 0; e < g->row[g->n_owned]; e++)
      rows += g->source[e] >= g->n_owned ? rows_of(ouro_graph_samples(g, e)) : 0;
  }
  return rows * replicates;
}

/* Two generations over one plan. */
static void fly(const random_graph *spec, int32_t replicates, int64_t buffer, int pause) {
  scene s = {.pause = pause};
  const ouro_exchange_options options = options_of(spec, replicates, buffer);
  assert_ok(random_graph_make(MPI_COMM_WORLD, spec, &s.graph));
  assert_ok(ouro_exchange_plan_create(s.graph, &options, &s.plan));
  assert_everywhere(ouro_exchange_plan_buffer(s.plan) <= buffer);
  for (int generation = 0; generation < 2; generation++) {
    s.filled = 0;
    assert_ok(ouro_exchange_begin(s.plan, fill, &s, &s.flight));
    if (spec->published)
      take_published(&s, replicates);
    else
      take_private(&s, replicates);
    assert_ok(ouro_exchange_end(&s.flight));
    assert_everywhere(s.flight == NULL);
    int64_t rows[2] = {s.filled, rows_to_receive(s.graph, spec, replicates)};
    assert_everywhere(s.filled * WIDTH * (int64_t)sizeof(double) == ouro_exchange_plan_bytes(s.plan));
    MPI_Allreduce(MPI_IN_PLACE, rows, 2, MPI_INT64_T, MPI_SUM, MPI_COMM_WORLD);
    assert_everywhere(rows[0] == rows[1]);
    assert_everywhere(s.wrong == 0);
  }
  ouro_exchange_plan_destroy(&s.plan);
  assert_everywhere(s.plan == NULL);
  ouro_graph_destroy(&s.graph);
}

/* What the refusal of one byte says is needed, in bytes; 0 if nothing crosses a cut. */
static int64_t stated_need(const random_graph *spec, int64_t replicates) {
  ouro_graph *graph = NULL;
  ouro_exchange_plan *plan = NULL;
  const ouro_exchange_options options = options_of(spec, replicates, 1);
  long long kib = 0;
  assert_ok(random_graph_make(MPI_COMM_WORLD, spec, &graph));
  int crosses = graph->n_ghost > 0;
  MPI_Allreduce(MPI_IN_PLACE, &crosses, 1, MPI_INT, MPI_MAX, MPI_COMM_WORLD);
  const ouro_status status = ouro_exchange_plan_create(graph, &options, &plan);
  assert_everywhere(status == (crosses ? OURO_ELIMIT : OURO_OK));
  assert_everywhere((plan == NULL) == crosses);
  const char *at = crosses ? strstr(ouro_error_message(), "at least ") : NULL;
  assert_everywhere(!crosses || strstr(ouro_error_message(), "exchange.buffer") != NULL);
  assert_everywhere(!crosses || (at && sscanf(at, "at least %lld KiB", &kib) == 1 && kib > 0));
  ouro_exchange_plan_destroy(&plan);
  ouro_graph_destroy(&graph);
  return kib * 1024;
}

/* The smallest buffer (many rounds), a middling one, and one that holds all. */
static void fly_in_all_buffers(const random_graph *spec, int32_t replicates) {
  const int64_t least = stated_need(spec, replicates);
  fly(spec, replicates, least, 0);
  fly(spec, replicates, least + 40000, 0);
  fly(spec, replicates, (int64_t)64 << 20, 0);
}

static void test_private(void **state) {
  (void)state;
  for (uint64_t seed = 0; seed < 4; seed++) {
    random_graph spec = {23, 5, 20, 0, 1, 400, false, seed % 2 == 1, seed};
    fly_in_all_buffers(&spec, 1);
    fly_in_all_buffers(&spec, 3);
  }
}

static void test_published(void **state) {
  (void)state;
  for (uint64_t seed = 0; seed < 4; seed++) {
    random_graph spec = {23, 5, 20, 0, 1, 400, true, seed % 2 == 1, seed};
    fly_in_all_buffers(&spec, 1);
    fly_in_all_buffers(&spec, 3);
  }
}

static void test_little_or_nothing(void **state) {
  (void)state;
  const random_graph alone = {1, 1, 0, 0, 100, 0, false, false, 1}, unfed = {9, 0, 100, 0, 1, 1, false, true, 1};
  const random_graph pair = {2, 2, 0, 0, 64, 0, false, false, 1}, both = {2, 2, 0, 0, 65, 0, true, false, 1};
  fly_in_all_buffers(&alone, 2);
  fly_in_all_buffers(&unfed, 2);
  fly_in_all_buffers(&pair, 2);
  fly_in_all_buffers(&both, 2);
}

/* One feed far larger than the buffer, and sizes around the block. */
static void test_large_feeds(void **state) {
  (void)state;
  const random_graph spec = {4, 3, 0, 0, 20000, 3, false, false, 7};
  fly_in_all_buffers(&spec, 1);
  for (ouro_count m = 63; m <= 65; m++) {
    const random_graph near = {7, 6, 0, 0, m, 0, false, true, 7};
    fly_in_all_buffers(&near, 1);
  }
}

/* Ranks with many channels and ranks with few: their shares of the buffer differ, and the smaller one counts. */
static void test_uneven_shares(void **state) {
  (void)state;
  for (uint64_t seed = 0; seed < 6; seed++) {
    const random_graph spec = {9, 1, 40, 0, 500, 3000, seed % 2 == 1, seed % 3 == 1, seed};
    const int64_t least = stated_need(&spec, 2);
    fly(&spec, 2, least, 0);
    fly(&spec, 2, least + 5000, 0);
    fly(&spec, 2, least + 90000, 0);
  }
}

/* Ranks that are slow at different places must not stop one another for good. */
static void test_slow_ranks(void **state) {
  (void)state;
  int rank;
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  for (uint64_t seed = 0; seed < 6; seed++) {
    const random_graph spec = {31, 8, 30, 0, 1, 300, seed % 2 == 1, true, seed};
    fly(&spec, 2, stated_need(&spec, 2), (rank + (int)seed) % 3 == 0 ? 17 : 0);
  }
}

/* Items that stand for feeds of any size: the same sequences, in rounds of fewer bytes. */
static void test_whole(void **state) {
  whole = true;
  test_private(state);
  test_published(state);
  test_little_or_nothing(state);
  test_large_feeds(state);
  test_uneven_shares(state);
  test_slow_ranks(state);
  whole = false;
}

/* A rank that takes only part of its items: all ranks hear of it and nobody hangs. */
static void test_untaken(void **state) {
  (void)state;
  const random_graph spec = {23, 5, 0, 0, 1, 400, false, true, 3};
  scene s = {0};
  const int64_t least = stated_need(&spec, 1);
  const ouro_exchange_options options = options_of(&spec, 1, least);
  if (least == 0) return;
  assert_ok(random_graph_make(MPI_COMM_WORLD, &spec, &s.graph));
  assert_ok(ouro_exchange_plan_create(s.graph, &options, &s.plan));
  assert_ok(ouro_exchange_begin(s.plan, fill, &s, &s.flight));
  if (s.graph->n_ghost > 0) ouro_exchange_take(s.flight, s.graph->n_owned, NULL);
  assert_everywhere(ouro_exchange_end(&s.flight) == OURO_EINTERNAL);
  assert_ok(ouro_exchange_begin(s.plan, fill, &s, &s.flight));
  take_private(&s, 1);
  assert_ok(ouro_exchange_end(&s.flight));
  assert_everywhere(s.wrong == 0);
  ouro_exchange_plan_destroy(&s.plan);
  ouro_graph_destroy(&s.graph);
}

/* Taking past the end gives NULL. */
static void test_exhausted(void **state) {
  (void)state;
  const random_graph spec = {12, 4, 0, 0, 1, 100, false, false, 5};
  scene s = {0};
  const ouro_exchange_options options = options_of(&spec, 1, (int64_t)1 << 20);
  assert_ok(random_graph_make(MPI_COMM_WORLD, &spec, &s.graph));
  assert_ok(ouro_exchange_plan_create(s.graph, &options, &s.plan));
  assert_ok(ouro_exchange_begin(s.plan, fill, &s, &s.flight));
  take_private(&s, 1);
  bool past = true;
  for (ouro_lid k = 0; k < s.graph->n_ghost; k++) {
    past = past && ouro_exchange_take(s.flight, s.graph->n_owned + k, NULL) == NULL;
  }
  assert_everywhere(past);
  assert_ok(ouro_exchange_end(&s.flight));
  ouro_exchange_plan_destroy(&s.plan);
  ouro_graph_destroy(&s.graph);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_private),
      cmocka_unit_test(test_published),
      cmocka_unit_test(test_little_or_nothing),
      cmocka_unit_test(test_large_feeds),
      cmocka_unit_test(test_uneven_shares),
      cmocka_unit_test(test_slow_ranks),
      cmocka_unit_test(test_whole),
      cmocka_unit_test(test_untaken),
      cmocka_unit_test(test_exhausted),
  };
  return test_main(__FILE__, tests, sizeof tests / sizeof tests[0]);
}
