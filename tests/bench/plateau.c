/* Speed of the doubling of a dense plateau, three products a step, beside that of pdgemm alone on the same grid.
 * Prints lines "name value unit"; every value is the best of a few rounds.
 *   scripts/mpi.sh RANKS build/release/tests/bench/plateau [N]      N: order of the matrices, default 1024 */

#include <stdio.h>
#include <stdlib.h>

#include "ouro/base/timer.h"
#include "theory/plateau.h"

enum { ROUNDS = 3 };

/* Any matrix will do: every row sums to 1/2, so that nothing overflows. */
static void fill(const ouro_grid *grid, double *matrix) {
  for (int64_t k = 0; k < grid->n_rows * grid->n_columns; k++) matrix[k] = 0.5 / grid->n;
}

/* Seconds on the slowest rank. */
static double slowest(double seconds) {
  MPI_Allreduce(MPI_IN_PLACE, &seconds, 1, MPI_DOUBLE, MPI_MAX, MPI_COMM_WORLD);
  return seconds;
}

static double time_products(const ouro_doubling *d) {
  MPI_Barrier(MPI_COMM_WORLD);
  const double start = ouro_timer_now();
  for (int k = 0; k < 3; k++) ouro_matrix_multiply(d->grid, false, d->a, d->x, 0, d->y);
  return slowest(ouro_timer_now() - start);
}

static double time_step(ouro_doubling *d) {
  MPI_Barrier(MPI_COMM_WORLD);
  const double start = ouro_timer_now();
  ouro_doubling_step(d);
  return slowest(ouro_timer_now() - start);
}

static void measure(int n, ouro_doubling *d, int root) {
  const double work = 6.0 * n * n * n * 1e-9;
  double products = 1e300, step = 1e300;
  for (int round = 0; round < ROUNDS; round++) {
    fill(d->grid, d->a);
    fill(d->grid, d->x);
    const double plain = time_products(d), ours = time_step(d);
    products = plain < products ? plain : products;
    step = ours < step ? ours : step;
  }
  if (!root) return;
  printf("plateau.order %d -\n", n);
  printf("plateau.pdgemm %.3f Gflop/s\n", work / products);
  printf("plateau.step %.3f Gflop/s\n", work / step);
  printf("plateau.share %.3f -\n", products / step);
}

int main(int argc, char **argv) {
  int rank, failed;
  MPI_Init(&argc, &argv);
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  const int n = argc > 1 ? atoi(argv[1]) : 1024;
  ouro_doubling d = {0};
  failed = n < 1 || ouro_doubling_create(MPI_COMM_WORLD, n, 0, &d) != OURO_OK;
  if (!failed) measure(n, &d, rank == 0);
  ouro_doubling_destroy(&d);
  MPI_Finalize();
  return failed;
}
