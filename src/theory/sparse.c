/* Sparse engine: P replicated by rows, C in column blocks, a distributed transpose between the two products.
 * Every element is a sum in the fixed order of a row of P, so no number of ranks changes a bit. */

#include <stdlib.h>
#include <string.h>

#include "ouro/base/memory.h"
#include "ouro/graph/build.h"
#include "theory/engine.h"
#include "theory/select.h"

enum {
  STRIP = 32,
  TILE = 32,
  MESSAGE = 1 << 20
}; /* columns at a time; edge of a transposed tile; doubles by default */

/* This engine's own view of the opaque type. */
struct ouro_engine {
  MPI_Comm comm;
  int rank, ranks;
  int32_t message;         /* doubles at most, but for a single row */
  int32_t n, begin, width; /* columns begin .. begin+width-1 of C are here */
  int64_t *row;            /* [n + 1] */
  int64_t *cursor;         /* [n] while P is gathered */
  int32_t *column;
  double *weight;
  double *c, *y;    /* [n][width] */
  double *incoming; /* one message */
};

typedef struct ouro_engine sparse;

static int32_t first_of(const sparse *s, int rank) {
  return (int32_t)ouro_graph_block_first(s->n, s->ranks, rank);
}

static int32_t width_of(const sparse *s, int rank) {
  return first_of(s, rank + 1) - first_of(s, rank);
}

/* Rows of a block of the given width that go in one message. */
static int32_t rows_a_message(const sparse *s, int32_t width) {
  return width >= s->message ? 1 : width > 0 ? s->message / width : 0;
}

static void sparse_destroy(ouro_engine **engine) {
  sparse *s = *engine;
  if (s == NULL) return;
  free(s->row);
  free(s->cursor);
  free(s->column);
  free(s->weight);
  free(s->c);
  free(s->y);
  free(s->incoming);
  free(s);
  *engine = NULL;
}

static ouro_status allocate(sparse *s) {
  ouro_status status = OURO_OK;
  size_t elements;
  const int32_t widest = width_of(s, 0) > width_of(s, s->ranks - 1) ? width_of(s, 0) : width_of(s, s->ranks - 1);
  const size_t most = (size_t)(widest > s->message ? widest : s->message);
  OURO_TRY(ouro_memory_product((size_t)s->n, (size_t)s->width, &elements));
  OURO_NEW(s->row, s->n + 1);
  OURO_NEW(s->cursor, s->n);
  OURO_NEW(s->c, elements);
  OURO_NEW(s->y, elements);
  OURO_NEW(s->incoming, (size_t)widest * (size_t)widest < most ? (size_t)widest * (size_t)widest : most);
cleanup:
  return status;
}

static ouro_status allocate_weights(sparse *s) {
  ouro_status status = OURO_OK;
  free(s->column);
  free(s->weight);
  s->column = NULL;
  s->weight = NULL;
  for (int32_t i = 0; i < s->n; i++) {
    s->row[i + 1] += s->row[i];
    s->cursor[i] = s->row[i];
  }
  OURO_NEW(s->column, s->row[s->n]);
  OURO_NEW(s->weight, s->row[s->n]);
cleanup:
  return status;
}

static void keep(void *context, int n, const int32_t *row, const int32_t *column, const double *weight) {
  sparse *s = context;
  for (int k = 0; k < n; k++) {
    const int64_t at = s->cursor[row[k]]++;
    s->column[at] = column[k];
    s->weight[at] = weight[k];
  }
}

static ouro_status sparse_new(MPI_Comm comm, const ouro_system *system, int block, sparse **made) {
  ouro_status status = OURO_OK;
  sparse *s;
  OURO_NEW(s, 1);
  *made = s;
  s->comm = comm;
  s->n = system->n;
  s->message = block > 0 ? block : MESSAGE;
  MPI_Comm_rank(comm, &s->rank);
  MPI_Comm_size(comm, &s->ranks);
  s->begin = first_of(s, s->rank);
  s->width = width_of(s, s->rank);
  OURO_TRY(allocate(s));
cleanup:
  return status;
}

static ouro_status sparse_reweigh(ouro_engine *engine, const ouro_system *system) {
  ouro_status status = OURO_OK;
  sparse *s = engine;
  memset(s->row, 0, ((size_t)s->n + 1) * sizeof *s->row);
  for (int32_t r = 0; r < system->n_held; r++) s->row[system->held[r] + 1] = system->first[r + 1] - system->first[r];
  OURO_AGREE(s->comm, ouro_mpi_status(MPI_Allreduce(MPI_IN_PLACE, s->row, s->n + 1, MPI_INT64_T, MPI_SUM, s->comm)));
  OURO_AGREE(s->comm, allocate_weights(s));
  OURO_TRY(ouro_system_stream(s->comm, system, keep, s));
cleanup:
  return status;
}

static ouro_status sparse_create(MPI_Comm comm, const ouro_system *system, int block, ouro_engine **engine) {
  ouro_status status = OURO_OK;
  sparse *s = NULL;
  *engine = NULL;
  OURO_AGREE(comm, sparse_new(comm, system, block, &s));
  OURO_TRY(sparse_reweigh(s, system));
  *engine = s;
  s = NULL;
cleanup:
  sparse_destroy(&s);
  return status;
}

/* Four columns; lane by lane the same operations as the scalar loop, whatever the processor's vectors. */
typedef double lanes __attribute__((vector_size(32), aligned(8), may_alias));
enum { LANES = STRIP / 4 };

/* Columns at .. at+STRIP-1 of out = P in. The sums stay in registers. */
static void multiply_strip(const sparse *s, const double *in, double *out, int32_t at) {
  const size_t stride = (size_t)s->width;
  for (int32_t i = 0; i < s->n; i++) {
    lanes sum[LANES] = {{0}};
    for (int64_t k = s->row[i]; k < s->row[i + 1]; k++) {
      const lanes *x = (const lanes *)(in + (size_t)s->column[k] * stride + (size_t)at);
      const double p = s->weight[k];
#pragma GCC unroll 8
      for (int v = 0; v < LANES; v++) sum[v] += p * x[v];
    }
    memcpy(out + (size_t)i * stride + (size_t)at, sum, sizeof sum);
  }
}

/* The last columns, fewer than a strip. */
static void multiply_rest(const sparse *s, const double *in, double *out, int32_t at) {
  const size_t stride = (size_t)s->width;
  const int32_t n = s->width - at;
  for (int32_t i = 0; i < s->n; i++) {
    double sum[STRIP] = {0};
    for (int64_t k = s->row[i]; k < s->row[i + 1]; k++) {
      const double *x = in + (size_t)s->column[k] * stride + (size_t)at;
      const double p = s->weight[k];
      for (int32_t j = 0; j < n; j++) sum[j] += p * x[j];
    }
    memcpy(out + (size_t)i * stride + (size_t)at, sum, (size_t)n * sizeof *sum);
  }
}

/* out = P in, strip by strip of columns, so that what the rows of P touch stays in cache. */
static void multiply(const sparse *s, const double *in, double *out) {
  int32_t at = 0;
  for (; at + STRIP <= s->width; at += STRIP) multiply_strip(s, in, out, at);
  if (at < s->width) multiply_rest(s, in, out, at);
}

/* out = (I - Gamma) in + Gamma out */
static void blend(const sparse *s, const double *gamma, const double *in, double *out) {
  for (int32_t i = 0; gamma && i < s->n; i++) {
    const double *old = in + (size_t)i * (size_t)s->width, g = gamma[i];
    double *new = out + (size_t)i *(size_t)s->width;
    for (int32_t j = 0; j < s->width; j++) new[j] = (1 - g) * old[j] + g *new[j];
  }
}

/* out[j][i] = in[i][j] for i < rows, j < columns; out has the given stride. */
static void transpose(const double *in, int32_t rows, int32_t columns, double *out, size_t stride) {
  for (int32_t i0 = 0; i0 < rows; i0 += TILE) {
    for (int32_t j0 = 0; j0 < columns; j0 += TILE) {
      const int32_t i1 = i0 + TILE < rows ? i0 + TILE : rows, j1 = j0 + TILE < columns ? j0 + TILE : columns;
      for (int32_t j = j0; j < j1; j++) {
        for (int32_t i = i0; i < i1; i++)
          out[(size_t)j * stride + (size_t)i] = in[(size_t)i * (size_t)columns + (size_t)j];
      }
    }
  }
}

/* Rows first .. first+n-1 of a block, in message number m of blocks of this many columns. */
static int32_t message_rows(const sparse *s, int32_t rows, int32_t columns, int m, int32_t *first) {
  const int32_t most = rows_a_message(s, columns);
  if (columns == 0 || (int64_t)m * most >= rows) return 0;
  *first = m * most;
  return rows - *first < most ? rows - *first : most;
}

/* One step of the transpose: my block goes to rank `to`, that of rank `from` comes and is turned. Messages are
 * numbered alike on both sides; every wait follows the posting of its own number's send and receive. */
static ouro_status swap_blocks(sparse *s, int to, int from) {
  const int32_t out_rows = width_of(s, to), in_columns = width_of(s, from);
  for (int m = 0;; m++) {
    MPI_Request request[2] = {MPI_REQUEST_NULL, MPI_REQUEST_NULL};
    int32_t out_first = 0, in_first = 0;
    const int32_t n_out = message_rows(s, out_rows, s->width, m, &out_first);
    const int32_t n_in = message_rows(s, s->width, in_columns, m, &in_first);
    if (n_out == 0 && n_in == 0) return OURO_OK;
    if (n_in > 0) MPI_Irecv(s->incoming, n_in * in_columns, MPI_DOUBLE, from, OURO_TAG_MATRIX, s->comm, &request[0]);
    if (n_out > 0) {
      const double *block = s->y + (size_t)(first_of(s, to) + out_first) * (size_t)s->width;
      MPI_Isend(block, n_out * s->width, MPI_DOUBLE, to, OURO_TAG_MATRIX, s->comm, &request[1]);
    }
    const int code = MPI_Waitall(2, request, MPI_STATUSES_IGNORE);
    if (code != MPI_SUCCESS) return ouro_mpi_status(code);
    transpose(s->incoming, n_in, in_columns, s->c + (size_t)first_of(s, from) * (size_t)s->width + in_first,
              (size_t)s->width);
  }
}

/* c = y' over all ranks. */
static ouro_status transpose_all(sparse *s) {
  const size_t corner = (size_t)s->begin * (size_t)s->width;
  transpose(s->y + corner, s->width, s->width, s->c + corner, (size_t)s->width);
  for (int k = 1; k < s->ranks; k++) {
    const ouro_status status = swap_blocks(s, (s->rank + k) % s->ranks, (s->rank + s->ranks - k) % s->ranks);
    if (status != OURO_OK) return status;
  }
  return OURO_OK;
}

/* L C L' = L (L C)' as C is symmetric. */
static ouro_status sparse_congruence(ouro_engine *engine, const double *before, const double *gamma, double *after) {
  ouro_status status = OURO_OK;
  sparse *s = engine;
  for (int32_t j = 0; j < s->width; j++)
    s->c[(size_t)(s->begin + j) * (size_t)s->width + (size_t)j] = before[s->begin + j];
  multiply(s, s->c, s->y);
  blend(s, gamma, s->c, s->y);
  OURO_AGREE(s->comm, transpose_all(s));
  multiply(s, s->c, s->y);
  blend(s, gamma, s->c, s->y);
  double *swapped = s->c;
  s->c = s->y;
  s->y = swapped;
  memset(after, 0, (size_t)s->n * sizeof *after);
  for (int32_t j = 0; j < s->width; j++)
    after[s->begin + j] = s->c[(size_t)(s->begin + j) * (size_t)s->width + (size_t)j];
  OURO_AGREE(s->comm, ouro_mpi_status(MPI_Allreduce(MPI_IN_PLACE, after, s->n, MPI_DOUBLE, MPI_SUM, s->comm)));
cleanup:
  return status;
}

static ouro_status sparse_entry(const ouro_engine *engine, int32_t i, int32_t j, double *value) {
  const sparse *s = engine;
  const bool here = j >= s->begin && j < s->begin + s->width;
  const double mine = here ? s->c[(size_t)i * (size_t)s->width + (size_t)(j - s->begin)] : 0;
  return ouro_agree(s->comm, ouro_mpi_status(MPI_Allreduce(&mine, value, 1, MPI_DOUBLE, MPI_SUM, s->comm)));
}

static ouro_status sparse_column(const ouro_engine *engine, int32_t j, double *values) {
  const sparse *s = engine;
  memset(values, 0, (size_t)s->n * sizeof *values);
  if (j >= s->begin && j < s->begin + s->width) {
    for (int32_t i = 0; i < s->n; i++) values[i] = s->c[(size_t)i * (size_t)s->width + (size_t)(j - s->begin)];
  }
  return ouro_agree(s->comm, ouro_mpi_status(MPI_Allreduce(MPI_IN_PLACE, values, s->n, MPI_DOUBLE, MPI_SUM, s->comm)));
}

static void sparse_scale(ouro_engine *engine, double factor) {
  const size_t elements = (size_t)engine->n * (size_t)engine->width;
  for (size_t k = 0; k < elements; k++) engine->c[k] *= factor;
}

const ouro_engine_methods ouro_engine_sparse = {"sparse",          sparse_create, sparse_destroy, sparse_reweigh,
                                                sparse_congruence, sparse_entry,  sparse_column,  sparse_scale};
