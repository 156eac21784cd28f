/* A family of one's own, whole, and through `ouro run` unchanged: geometric counts 0, 1, 2, ... with mean mu, whose
 * variance is mu + mu^2, so that THEORY.md section 5 predicts them exactly. ranks: 1 2 3 4 */

#include "../support/harness.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "ouro/base/memory.h"
#include "ouro/cli/command.h"
#include "ouro/family/family.h"
#include "ouro/store/store.h"

static ouro_status create(const ouro_config *config, ouro_family *family) {
  const double mu = config->model.mean;
  if ((family->truth = ouro_memory_new(1, sizeof(double))) == NULL) return OURO_ENOMEM;
  family->truth[0] = mu;
  family->n_parameters = family->row_width = family->statistic_width = 1;
  family->additive = true;
  family->least_samples = 1;
  family->law = OURO_LAW_MEANS;
  family->spread = (ouro_spread){.base = mu + mu * mu, .slope = 1 + 2 * mu, .curvature = 1};
  return OURO_OK;
}

static void destroy(ouro_family *family) {
  (void)family;
}

static void draw(const ouro_family *family, const ouro_slice *slice, double *rows) {
  const double mu = slice->theta[0];
  (void)family;
  ouro_random_exponentials(&slice->stream, (uint64_t)slice->first, (size_t)slice->n, rows);
  for (ouro_count r = 0; r < slice->n; r++) rows[r] = mu > 0 ? floor(rows[r] / log1p(1 / mu)) : 0;
}

static void reduce(const ouro_family *family, const double *rows, ouro_count n, double *statistic) {
  (void)family;
  for (ouro_count r = 0; r < n; r++) statistic[0] += rows[r];
}

static ouro_lid fit(const ouro_family *family, ouro_lid n, const ouro_count *sizes, double *sums, double *theta) {
  for (ouro_lid i = 0; i < n; i++) theta[i] = sums[i * family->statistic_width] / (double)sizes[i];
  return n;
}

static void error(const ouro_family *family, ouro_lid n, const double *theta, double *error) {
  for (ouro_lid i = 0; i < n; i++) error[i] = (theta[i] - family->truth[0]) * (theta[i] - family->truth[0]);
}

static const ouro_family_methods geometric = {"geometric",
                                              create,
                                              destroy,
                                              draw,
                                              reduce,
                                              .fit = fit,
                                              .error = error,
                                              .keys = " mean ",
                                              .measure = "(mean - true mean)^2",
                                              .error_units = "1",
                                              .parameter_units = "1"};

/* One model of 50 samples on its own output: C' = C + (V + C) / 50, from V / 50. By chance the mean of the last
 * generation is further than 4 standard errors from that for 1 of 10,000 seeds; this one is fixed. */
static void a_family_of_a_test_runs_unchanged(void **state) {
  static const char text[] = "graph: {generate: {kind: ring, nodes: 1}, samples: 50}\nmodel: {family: geometric, "
                             "mean: 2}\nlearning: {generations: 10, initial: 50, replicates: 3000}\n";
  char experiment[512], set[600] = "output.file=", run[] = "run", option[] = "--set";
  char *words[] = {run, run, test_file("toy.yaml", text, strlen(text), experiment, sizeof experiment), option, set};
  double simulated = 0, sd = 0, theory = 0, expected = 0;
  ouro_store *store = *state;
  test_path("toy.h5", set + strlen(set), sizeof set - strlen(set));
  assert_everywhere(ouro_command(MPI_COMM_WORLD, 5, words) == 0);
  assert_ok(ouro_store_open(MPI_COMM_WORLD, strchr(set, '=') + 1, "ouro-run", &store));
  assert_ok(ouro_store_read(store, "/trajectory/error", OURO_KIND_DOUBLE, 10, 1, &simulated));
  assert_ok(ouro_store_read(store, "/trajectory/error_sd", OURO_KIND_DOUBLE, 10, 1, &sd));
  assert_ok(ouro_store_read(store, "/trajectory/theory", OURO_KIND_DOUBLE, 10, 1, &theory));
  ouro_store_discard(&store);
  for (int g = 0; g <= 10; g++) expected += (6 + expected) / 50;
  assert_everywhere(fabs(theory / expected - 1) < 1e-12);
  assert_everywhere(fabs(simulated - expected) < 4 * sd / sqrt(3000));
}

static void names_are_taken_once_and_families_are_whole(void **state) {
  ouro_family_methods partial = geometric;
  (void)state;
  assert_int_equal(ouro_family_register(&geometric), OURO_EUSAGE);
  partial.name = "geometric without draws", partial.draw = NULL;
  assert_int_equal(ouro_family_register(&partial), OURO_EUSAGE);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(a_family_of_a_test_runs_unchanged),
                                     cmocka_unit_test(names_are_taken_once_and_families_are_whole)};
  if (ouro_family_register(&geometric) != OURO_OK) return 1;
  return test_main(__FILE__, tests, sizeof tests / sizeof tests[0]);
}
