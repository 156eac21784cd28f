/* Feed updates a second a core in the tiers of sampling: whole generations of linear regression, drawn, fitted and
 * measured, on k-in-regular graphs whose sources are random. Prints lines "what value unit"; every value is that of the
 * fastest generation, since a shared machine can only be slower than it is.
 * scripts/mpi.sh 1 build/release/tests/bench/tiers */

#include <stdio.h>
#include <string.h>

#include "ouro/base/timer.h"
#include "ouro/learn/learn.h"

enum { GENERATIONS = 12, SETTINGS = 12, DEGREE = 10 };

typedef struct bench {
  const char *what, *nodes, *sampling, *dimension, *samples, *replicates;
} bench;

static const bench benches[] = {{"rows-p10-m100", "2000", "rows", "10", "100", "1"},
                                {"rows-p10-m1000", "300", "rows", "10", "1000", "1"},
                                {"statistics-p10-m100", "20000", "statistics", "10", "100", "1"},
                                {"statistics-p10-m1000", "20000", "statistics", "10", "1000", "1"},
                                {"statistics-p10-m100000", "20000", "statistics", "10", "100000", "1"},
                                {"limit-p1", "1000000", "limit", "1", "100", "1"},
                                {"limit-p4", "1000000", "limit", "4", "100", "1"},
                                {"limit-p4-100000-nodes", "100000", "limit", "4", "100", "1"},
                                {"limit-p4-1000-replicates", "1000", "limit", "4", "100", "1000"},
                                {"limit-p10", "300000", "limit", "10", "100", "1"}};

/* Seconds of the fastest generation so far, and when the last one ended. */
typedef struct clock {
  double least, last;
} clock;

static ouro_status observe(void *context, const ouro_learn_view *view) {
  clock *c = context;
  const double now = ouro_timer_now();
  if (view->generation > 1 && now - c->last < c->least) c->least = now - c->last;
  c->last = now;
  return OURO_OK;
}

static ouro_status configure(const bench *b, ouro_config **config) {
  static const char *const keys[] = {"graph.generate.nodes", "learning.sampling", "model.dimension", "graph.samples",
                                     "learning.replicates"};
  const char *const values[] = {b->nodes, b->sampling, b->dimension, b->samples, b->replicates};
  char text[SETTINGS][64];
  const char *overrides[SETTINGS];
  int n = 0;
  snprintf(text[n++], sizeof text[0], "graph.generate.kind=k-in-regular");
  snprintf(text[n++], sizeof text[0], "graph.generate.degree=%d", DEGREE);
  snprintf(text[n++], sizeof text[0], "learning.generations=%d", GENERATIONS);
  for (int k = 0; k < (int)(sizeof keys / sizeof keys[0]); k++) {
    snprintf(text[n++], sizeof text[0], "%s=%s", keys[k], values[k]);
  }
  for (int k = 0; k < n; k++) overrides[k] = text[k];
  return ouro_config_default(MPI_COMM_WORLD, overrides, n, config);
}

static ouro_status measure(const bench *b) {
  ouro_status status = OURO_OK;
  ouro_config *config = NULL;
  ouro_family *family = NULL;
  ouro_graph *graph = NULL;
  clock c = {.least = 1e300};
  int n_ranks;
  MPI_Comm_size(MPI_COMM_WORLD, &n_ranks);
  OURO_TRY(configure(b, &config));
  OURO_TRY(ouro_family_create(config, &family));
  OURO_TRY(ouro_graph_open(MPI_COMM_WORLD, config, &graph));
  OURO_TRY(ouro_learn_run(config, family, graph, observe, &c, NULL, NULL, NULL, NULL));
  const double updates = (double)graph->n_feeds * (double)config->learning.replicates;
  printf("%s %.4g feeds/s\n", b->what, updates / c.least / n_ranks);
cleanup:
  ouro_graph_destroy(&graph);
  ouro_family_destroy(&family);
  ouro_config_destroy(&config);
  return status;
}

int main(int argc, char **argv) {
  MPI_Init(&argc, &argv);
  for (size_t k = 0; k < sizeof benches / sizeof benches[0]; k++) {
    if (argc > 1 && strncmp(benches[k].what, argv[1], strlen(argv[1])) != 0) continue;
    if (measure(&benches[k]) != OURO_OK) printf("%s: %s\n", benches[k].what, ouro_error_message());
  }
  MPI_Finalize();
  return 0;
}
