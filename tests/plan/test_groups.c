/* The choice of the number of groups: it can be, it fits, and it follows what it should. */

#include "../support/harness.h"

#include <string.h>

#include "ouro/base/random.h"
#include "ouro/plan/groups.h"

/* Linear models of ten parameters; every node trains on `degree` others. */
typedef struct setting {
  ouro_config *config;
  ouro_family *family;
  ouro_plan_machine *machine;
  ouro_plan_counts whole;
  ouro_plan_grounds grounds;
} setting;

static void open_setting(setting *s) {
  *s = (setting){.grounds = {8, 0.3, 1e12}};
  assert_ok(ouro_config_default(MPI_COMM_WORLD, NULL, 0, &s->config));
  assert_ok(ouro_family_create(s->config, &s->family));
  assert_ok(ouro_plan_machine_built_in(&s->machine));
}

static void close_setting(setting *s) {
  ouro_plan_machine_destroy(&s->machine);
  ouro_family_destroy(&s->family);
  ouro_config_destroy(&s->config);
}

static void size(setting *s, double nodes, double degree, int64_t replicates, int n_ranks) {
  const double feeds = nodes * degree, samples = 100 * feeds;
  s->whole = (ouro_plan_counts){.nodes = nodes,
                                .trained = nodes,
                                .feeds = feeds,
                                .samples = samples,
                                .fed = samples,
                                .largest = 100 * degree,
                                .initial = 100 * nodes,
                                .drawn = {feeds, samples},
                                .graph_bytes = 40 * nodes + 8 * feeds};
  s->config->learning.replicates = replicates;
  s->grounds.n_ranks = n_ranks;
}

static ouro_plan_choice choose(const setting *s) {
  ouro_plan_choice choice;
  ouro_plan_choose_groups(s->config, s->family, s->machine, &s->whole, &s->grounds, &choice);
  return choice;
}

static void test_any_choice_can_be(void **state) {
  (void)state;
  setting s;
  open_setting(&s);
  for (int64_t k = 0; k < 2000; k++) {
    double u[5];
    const ouro_stream stream = ouro_random_stream(3, 0, 0, OURO_PURPOSE_TEST, k, 0);
    ouro_random_uniforms(&stream, 0, 5, u);
    size(&s, 1 + (double)(int)(1e4 * u[0] * u[0]), 1 + (int)(20 * u[1]), 1 + (int64_t)(200 * u[2]),
         1 + (int)(48 * u[3]));
    s.grounds.available = 1e6 + 1e9 * u[4];
    const ouro_plan_choice choice = choose(&s);
    const int64_t blocks = (s.config->learning.replicates + 7) / 8;
    assert_true(choice.groups >= 1 && choice.groups <= blocks && s.grounds.n_ranks % choice.groups == 0);
    assert_true(choice.groups == 1 || choice.bytes <= s.grounds.available);
    assert_true(choice.other != choice.groups && (choice.other > 0) == (choice.why != OURO_PLAN_ONLY));
    if (choice.why == OURO_PLAN_FASTEST) assert_true(choice.seconds <= choice.other_seconds / 0.9);
    if (choice.why == OURO_PLAN_MEMORY) assert_true(choice.other_bytes > 0.8 * s.grounds.available);
  }
  close_setting(&s);
}

/* Where sending costs much, every rank has the whole graph, if it has the room. */
static void test_slow_network(void **state) {
  (void)state;
  setting s;
  open_setting(&s);
  size(&s, 1e6, 10, 64, 8);
  s.machine->bandwidth = 1e7;
  assert_true(choose(&s).groups == 8);
  s.grounds.available = choose(&s).bytes; /* no more than the estimate: too little */
  const ouro_plan_choice choice = choose(&s);
  assert_true(choice.groups < 8 && choice.why == OURO_PLAN_MEMORY && choice.other == 8);
  close_setting(&s);
}

/* Where nothing crosses, shares decide: 9 replicates are blocks of 8 and of 1, 3 blocks are not shared by two evenly.
 */
static void test_uneven_blocks(void **state) {
  (void)state;
  setting s;
  open_setting(&s);
  s.grounds.cut = 0;
  for (int64_t replicates = 9; replicates <= 24; replicates += 15) {
    size(&s, 1e4, 10, replicates, 2);
    assert_true(choose(&s).groups == 1);
  }
  size(&s, 1e4, 10, 8, 2);
  assert_true(choose(&s).groups == 1 && choose(&s).why == OURO_PLAN_ONLY);
  close_setting(&s);
}

/* Fewer models than ranks, or one that has most samples, leave ranks idle in one group. */
static void test_idle_ranks(void **state) {
  (void)state;
  setting s;
  open_setting(&s);
  s.grounds.cut = 0;
  size(&s, 3, 100, 64, 8);
  assert_true(choose(&s).groups == 8);
  size(&s, 1e4, 10, 64, 8);
  s.whole.largest = s.whole.samples / 2;
  assert_true(choose(&s).groups == 8);
  close_setting(&s);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_any_choice_can_be),
    cmocka_unit_test(test_slow_network),
    cmocka_unit_test(test_uneven_blocks),
    cmocka_unit_test(test_idle_ranks),
};

TEST_MAIN(tests)
