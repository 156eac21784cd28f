/* The plateau of a dense graph with roots: seconds, and how far it is from the closed form.
 * Four roots feed T = N - 4 models 15/16 of what they train on, each model the others and itself 1/(16 T) each. Walks
 * end in a root with odds of 1/4 each, so that with noise d and roots of error c
 *   C_ii = d + d a^2 / (T (1 - a^2)) + c / 4,   a = 1/16.
 * Prints lines "name value unit".
 *   scripts/mpi.sh RANKS build/release/tests/bench/plateau_rooted [N]      N: a multiple of 4, default 1024 */

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "ouro/graph/build.h"
#include "ouro/theory/plateau.h"

enum { ROOTS = 4, INITIAL = 50 };

static ouro_status add_feeds(int n, ouro_feeds *feeds) {
  const int models = n - ROOTS;
  int rank, ranks;
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  MPI_Comm_size(MPI_COMM_WORLD, &ranks);
  for (int i = ROOTS + rank; i < n; i += ranks) {
    for (int j = 0; j < n; j++) {
      const ouro_status status = ouro_feeds_add(feeds, j, i, j < ROOTS ? 15 * (models / ROOTS) : 1);
      if (status != OURO_OK) return status;
    }
  }
  return OURO_OK;
}

static ouro_graph *build(int n) {
  ouro_feeds feeds = {0};
  ouro_graph *graph = NULL;
  if (ouro_agree(MPI_COMM_WORLD, add_feeds(n, &feeds)) == OURO_OK) ouro_graph_build(MPI_COMM_WORLD, n, &feeds, &graph);
  ouro_feeds_clear(&feeds);
  return graph;
}

/* Largest relative distance from the closed form; roots must stay as they are. */
static double distance(int n, const ouro_graph *graph, const double *error) {
  const double models = n - ROOTS, d = 1 / (16 * models), a = 1.0 / 16, root = 1.0 / INITIAL;
  const double expected = d + d * a * a / (models * (1 - a * a)) + root / ROOTS;
  double most = 0;
  for (ouro_lid i = 0; i < graph->n_owned; i++) {
    const double here = graph->gid[i] < ROOTS ? root : expected;
    most = fmax(most, fabs(error[i] - here) / here);
  }
  MPI_Allreduce(MPI_IN_PLACE, &most, 1, MPI_DOUBLE, MPI_MAX, MPI_COMM_WORLD);
  return most;
}

static int measure(int n, const ouro_graph *graph, int root) {
  static char name[] = "normal-mean";
  ouro_config config = {.model = {.family = name, .dimension = 1, .noise = 1}};
  ouro_family *family = NULL;
  ouro_verdict *verdict = NULL;
  ouro_plateau *plateau = NULL;
  config.learning.initial = INITIAL;
  config.theory.exact = OURO_EXACT_ALWAYS;
  int failed = ouro_family_create(&config, &family) != OURO_OK;
  failed = failed || ouro_verdict_create(graph, true, &verdict) != OURO_OK;
  failed = failed || ouro_plateau_create(&config, family, graph, verdict, NULL, &plateau) != OURO_OK;
  failed = failed || !plateau->found;
  if (!failed) {
    const double most = distance(n, graph, plateau->error);
    if (root) printf("rooted.order %d -\nrooted.seconds %.3f s\n", n, plateau->seconds);
    if (root) printf("rooted.method %s\nrooted.distance %.2g -\n", plateau->reason, most);
    failed = !(most < 1e-12);
  }
  ouro_plateau_destroy(&plateau);
  ouro_verdict_destroy(&verdict);
  ouro_family_destroy(&family);
  return failed;
}

int main(int argc, char **argv) {
  int rank, failed = 1;
  MPI_Init(&argc, &argv);
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  const int n = argc > 1 ? atoi(argv[1]) : 1024;
  ouro_graph *graph = n > ROOTS && n % ROOTS == 0 ? build(n) : NULL;
  if (graph) failed = measure(n, graph, rank == 0);
  ouro_graph_destroy(&graph);
  MPI_Finalize();
  return failed;
}
