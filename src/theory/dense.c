/* Dense engine: P and C on a block-cyclic grid, L C L' = L (L C)' by two pdgemm.
 * Must not know how the grid is laid out. */

#include <stdlib.h>

#include "ouro/base/memory.h"
#include "theory/engine.h"
#include "theory/matrix.h"

/* This engine's own view of the opaque type. */
struct ouro_engine {
  ouro_grid *grid;
  double *p, *c, *y;
  double *l; /* I - Gamma + Gamma P; NULL until old samples count */
};

typedef struct ouro_engine dense;

double ouro_engine_dense_elements(int64_t n, int ranks, int block) {
  return ouro_grid_elements(n, ranks, block);
}

static void dense_destroy(ouro_engine **engine) {
  dense *d = *engine;
  if (d == NULL) return;
  ouro_grid_destroy(&d->grid);
  free(d->p);
  free(d->c);
  free(d->y);
  free(d->l);
  free(d);
  *engine = NULL;
}

static ouro_status dense_new(dense **made) {
  ouro_status status = OURO_OK;
  OURO_NEW(*made, 1);
cleanup:
  return status;
}

static ouro_status dense_allocate(dense *d) {
  ouro_status status = OURO_OK;
  OURO_TRY(ouro_matrix_new(d->grid, &d->p));
  OURO_TRY(ouro_matrix_new(d->grid, &d->c));
  OURO_TRY(ouro_matrix_new(d->grid, &d->y));
cleanup:
  return status;
}

static ouro_status dense_create(MPI_Comm comm, const ouro_system *system, int block, ouro_engine **engine) {
  ouro_status status = OURO_OK;
  dense *d = NULL;
  *engine = NULL;
  OURO_AGREE(comm, dense_new(&d));
  OURO_TRY(ouro_grid_create(comm, system->n, block, &d->grid));
  OURO_AGREE(comm, dense_allocate(d));
  OURO_TRY(ouro_matrix_load(comm, d->grid, system, d->p));
  *engine = d;
  d = NULL;
cleanup:
  dense_destroy(&d);
  return status;
}

static ouro_status dense_reweigh(ouro_engine *engine, const ouro_system *system) {
  return ouro_matrix_load(engine->grid->comm, engine->grid, system, engine->p);
}

/* *left = L */
static ouro_status blend(dense *d, const double *gamma, const double **left) {
  ouro_status status = OURO_OK;
  *left = d->p;
  if (gamma == NULL) return OURO_OK;
  if (d->l == NULL) OURO_AGREE(d->grid->comm, ouro_matrix_new(d->grid, &d->l));
  ouro_matrix_blend(d->grid, gamma, d->p, d->l);
  *left = d->l;
cleanup:
  return status;
}

static ouro_status dense_congruence(ouro_engine *engine, const double *before, const double *gamma, double *after) {
  ouro_status status = OURO_OK;
  dense *d = engine;
  const double *left;
  OURO_TRY(blend(d, gamma, &left));
  ouro_matrix_set_diagonal(d->grid, before, d->c);
  ouro_matrix_multiply(d->grid, false, left, d->c, 0, d->y);
  ouro_matrix_multiply(d->grid, true, left, d->y, 0, d->c);
  OURO_TRY(ouro_matrix_diagonal(d->grid, d->c, after));
cleanup:
  return status;
}

static ouro_status dense_entry(const ouro_engine *engine, int32_t i, int32_t j, double *value) {
  const dense *d = engine;
  return ouro_matrix_entry(d->grid, d->c, i, j, value);
}

static ouro_status dense_column(const ouro_engine *engine, int32_t j, double *values) {
  const dense *d = engine;
  return ouro_matrix_column(d->grid, d->c, j, values);
}

static void dense_scale(ouro_engine *engine, double factor) {
  const size_t elements = (size_t)(engine->grid->n_rows * engine->grid->n_columns);
  for (size_t k = 0; k < elements; k++) engine->c[k] *= factor;
}

const ouro_engine_methods ouro_engine_dense = {"dense",          dense_create, dense_destroy, dense_reweigh,
                                               dense_congruence, dense_entry,  dense_column,  dense_scale};
