/* Suggestions for mistyped words. ranks: 1 */

#include "../support/harness.h"

#include <string.h>

#include "ouro/config/config.h"

static const char *const words[] = {"samples",    "columns",    "nodes",   "generations", "isotropic",
                                    "replicates", "parameters", "private", "published",   "ar1"};

static const char *nearest(const char *word) {
  const char *found = ouro_config_nearest(word, words, (int)(sizeof words / sizeof words[0]));
  return found ? found : "";
}

static void finds_mistyped_words(void **state) {
  (void)state;
  const char *const pairs[][2] = {{"sample", "samples"},
                                  {"smaples", "samples"},
                                  {"sampels", "samples"},
                                  {"Nodes", "nodes"},
                                  {"node", "nodes"},
                                  {"generation", "generations"},
                                  {"gens", ""},
                                  {"gener", "generations"},
                                  {"isotopic", "isotropic"},
                                  {"replicats", "replicates"},
                                  {"paramters", "parameters"},
                                  {"AR1", "ar1"},
                                  {"privat", "private"},
                                  {"publshed", "published"},
                                  {"samples", "samples"}};
  for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) assert_string_equal(nearest(pairs[i][0]), pairs[i][1]);
}

static void finds_nothing_when_nothing_is_near(void **state) {
  (void)state;
  char endless[1000];
  memset(endless, 's', sizeof endless - 1);
  endless[sizeof endless - 1] = '\0';
  assert_string_equal(nearest(""), "");
  assert_string_equal(nearest("x"), "");
  assert_string_equal(nearest("temperature"), "");
  assert_string_equal(nearest(endless), "");
  assert_null(ouro_config_nearest("samples", NULL, 0));
}

static void takes_the_first_of_equals(void **state) {
  (void)state;
  const char *const twins[] = {"abcx", "abcy"};
  assert_string_equal(ouro_config_nearest("abcz", twins, 2), "abcx");
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(finds_mistyped_words),
    cmocka_unit_test(finds_nothing_when_nothing_is_near),
    cmocka_unit_test(takes_the_first_of_equals),
};

TEST_MAIN(tests)
