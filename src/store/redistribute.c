/* The way of rows from their owners to the writers of their blocks, in slices of bounded size, and there into chunks.
 * Invariant: every rank takes part in every slice, with no rows if need be. */

#include "store/table.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "ouro/base/memory.h"

#define SLICE_BYTES ((int64_t)32 << 20) /* a writer; twice in chunks, and again on the way */

static int64_t smaller(int64_t a, int64_t b) {
  return a < b ? a : b;
}

void ouro_table_slice(const ouro_table *table, int block, int64_t slice, int64_t *low, int64_t *high) {
  const int64_t end = table->blocks.bound[block + 1];
  *low = smaller(table->blocks.bound[block] + slice * table->slice_rows, end);
  *high = smaller(*low + table->slice_rows, end);
}

/* Planes that wait for others are small enough to keep their blocks whole. */
static void choose_slices(ouro_table *table) {
  const ouro_tiling *tiling = &table->tiling;
  const ouro_blocks *blocks = &table->blocks;
  int64_t largest = 1;
  for (int b = 0; b < blocks->n_blocks; b++) {
    if (blocks->bound[b + 1] - blocks->bound[b] > largest) largest = blocks->bound[b + 1] - blocks->bound[b];
  }
  const int64_t chunk_bytes = tiling->chunk_rows * (int64_t)tiling->row_bytes;
  const int64_t chunks = chunk_bytes < SLICE_BYTES ? SLICE_BYTES / chunk_bytes : 1;
  table->slice_rows = tiling->chunk_planes > 1 ? largest : smaller(largest, chunks * tiling->chunk_rows);
  table->n_slices = (largest + table->slice_rows - 1) / table->slice_rows;
}

/* Most that is copied is a single number. */
static void copy(char *to, const char *from, size_t bytes) {
  if (bytes == sizeof(int64_t))
    memcpy(to, from, sizeof(int64_t));
  else
    memcpy(to, from, bytes);
}

/* Where the rows of this rank go in a slice, but those it writes itself, which are *own of them from *own_at on. Rows
 * that are ascending are sent from where they are, others from a copy. Returns the rows of the copy. */
static int64_t count_out(const ouro_table *table, int64_t slice, int *counts, int *at, int64_t *own_at) {
  const ouro_layout *layout = table->layout;
  int64_t sum = 0;
  for (int r = 0; r < layout->n_ranks; r++) counts[r] = at[r] = 0;
  *own_at = 0;
  for (int b = 0; b < table->blocks.n_blocks; b++) {
    int64_t low, high;
    ouro_table_slice(table, b, slice, &low, &high);
    const int64_t begin = ouro_run_position(layout->runs, layout->n_runs, low);
    const int64_t n = ouro_run_position(layout->runs, layout->n_runs, high) - begin;
    const int64_t place = layout->order ? sum : begin;
    const int writer = ouro_layout_writer(&table->blocks, b, layout->n_ranks);
    if (writer == layout->rank) {
      *own_at = place;
    } else {
      counts[writer] = (int)n;
      at[writer] = (int)place;
    }
    sum += n;
  }
  return layout->order ? sum : 0;
}

/* Where the rows of this rank's block come from in a slice, but its own. Returns their number. */
static int64_t count_in(const ouro_table *table, int64_t slice, int *counts, int *at) {
  int64_t low = 0, high = 0, sum = 0;
  if (table->block >= 0) ouro_table_slice(table, table->block, slice, &low, &high);
  for (int r = 0; r < table->layout->n_ranks; r++) {
    const ouro_run *runs = table->arrivals.runs + table->arrivals.start[r];
    const int64_t n_runs = table->arrivals.start[r + 1] - table->arrivals.start[r];
    const int64_t n = ouro_run_position(runs, n_runs, high) - ouro_run_position(runs, n_runs, low);
    counts[r] = r == table->layout->rank ? 0 : (int)n;
    at[r] = (int)sum;
    sum += counts[r];
  }
  return sum;
}

static ouro_status make_buffers(ouro_table *table) {
  ouro_status status = OURO_OK;
  const size_t row = table->tiling.row_bytes, n_ranks = (size_t)table->layout->n_ranks;
  int64_t most_out = 0, most_in = 0, own_at;
  OURO_CHECK(table->layout->n_local <= INT_MAX, OURO_ELIMIT,
             "%s: %" PRId64 " rows on one rank are more than MPI counts", table->path, table->layout->n_local);
  OURO_NEW(table->counts, 4 * n_ranks);
  for (int64_t s = 0; s < table->n_slices; s++) {
    const int64_t out = count_out(table, s, table->counts, table->counts + n_ranks, &own_at);
    const int64_t in = count_in(table, s, table->counts, table->counts + n_ranks);
    if (out > most_out) most_out = out;
    if (in > most_in) most_in = in;
  }
  OURO_NEW(table->outgoing, (size_t)most_out * row);
  OURO_NEW(table->incoming, (size_t)most_in * row);
  OURO_TRY(ouro_chunks_plan(table));
cleanup:
  return status;
}

ouro_status ouro_table_plan(ouro_table *table) {
  const MPI_Comm comm = table->store->comm;
  ouro_status status = OURO_OK;
  OURO_AGREE(comm, ouro_tiling_blocks(&table->tiling, table->store->n_ranks, &table->blocks));
  choose_slices(table);
  table->block = -1;
  for (int b = 0; b < table->blocks.n_blocks; b++) {
    if (ouro_layout_writer(&table->blocks, b, table->store->n_ranks) == table->store->rank) table->block = b;
  }
  OURO_TRY(ouro_layout_announce(table->layout, &table->blocks, &table->arrivals));
  OURO_AGREE(comm, make_buffers(table));
  MPI_Type_contiguous((int)table->tiling.row_bytes, MPI_BYTE, &table->row);
  MPI_Type_commit(&table->row);
cleanup:
  return status;
}

/* Rows of this rank in ascending order, block by block. */
static void pack(ouro_table *table, int64_t slice, const char *values) {
  const ouro_layout *layout = table->layout;
  const size_t row = table->tiling.row_bytes;
  char *to = table->outgoing;
  for (int b = 0; b < table->blocks.n_blocks; b++) {
    int64_t low, high;
    ouro_table_slice(table, b, slice, &low, &high);
    const int64_t begin = ouro_run_position(layout->runs, layout->n_runs, low);
    const int64_t end = ouro_run_position(layout->runs, layout->n_runs, high);
    for (int64_t i = begin; i < end; i++, to += row) copy(to, values + (size_t)layout->order[i] * row, row);
  }
}

/* Where rows of a slice stand in the images of its chunks; asked for in ascending order. */
typedef struct place {
  char *to;            /* row `begin` of the plane, in its chunk */
  int64_t begin, end;  /* rows of the chunk, from the first of the slice */
  size_t next;         /* bytes from a chunk to the next */
  int64_t rows, bytes; /* of a chunk, of a row */
} place;

static place first_place(const ouro_table *table, char *images) {
  const int64_t rows = table->tiling.chunk_rows;
  const size_t row = table->tiling.row_bytes;
  return (place){images + (size_t)(table->n_gathered * rows) * row, 0, rows, table->image_stride, rows, (int64_t)row};
}

/* n rows from row `at` of the slice on. */
static void put_rows(place *p, int64_t at, int64_t n, const char *from) {
  while (n > 0) {
    for (; at >= p->end; p->end += p->rows) {
      p->begin = p->end;
      p->to += p->next;
    }
    const int64_t m = smaller(n, p->end - at), size = m * p->bytes;
    copy(p->to + (at - p->begin) * p->bytes, from, (size_t)size);
    from += size;
    at += m;
    n -= m;
  }
}

/* The first run that ends behind a row. */
static int64_t first_run(const ouro_run *runs, int64_t n, int64_t row) {
  int64_t left = 0, right = n;
  while (left < right) {
    const int64_t middle = left + (right - left) / 2;
    if (runs[middle].first + runs[middle].length > row)
      right = middle;
    else
      left = middle + 1;
  }
  return left;
}

/* Rows low .. high-1 of the block of this rank to their chunks; each sender's rows came in ascending order. */
static void unpack(const ouro_table *table, int64_t low, int64_t high, const char *own, char *images) {
  const char *arrived = table->incoming;
  for (int r = 0; r < table->layout->n_ranks; r++) {
    const ouro_run *runs = table->arrivals.runs + table->arrivals.start[r];
    const int64_t n_runs = table->arrivals.start[r + 1] - table->arrivals.start[r];
    const char **from = r == table->layout->rank ? &own : &arrived;
    place p = first_place(table, images);
    for (int64_t k = first_run(runs, n_runs, low); k < n_runs && runs[k].first < high; k++) {
      const int64_t first = runs[k].first > low ? runs[k].first : low;
      const int64_t n = smaller(runs[k].first + runs[k].length, high) - first;
      put_rows(&p, first - low, n, *from);
      *from += n * p.bytes;
    }
  }
}

static void move_slice(ouro_table *table, int64_t slice, const char *values) {
  const ouro_layout *layout = table->layout;
  const int n = layout->n_ranks;
  int *out = table->counts, *out_at = out + n, *in = out + 2 * n, *in_at = out + 3 * n;
  int64_t own_at, low, high;
  count_out(table, slice, out, out_at, &own_at);
  count_in(table, slice, in, in_at);
  if (layout->order) pack(table, slice, values);
  const char *from = layout->order ? table->outgoing : values;
  MPI_Alltoallv(from, out, out_at, table->row, table->incoming, in, in_at, table->row, table->store->comm);
  if (table->block < 0) return;
  ouro_table_slice(table, table->block, slice, &low, &high);
  const char *own = own_at > 0 ? from + (size_t)own_at * table->tiling.row_bytes : from;
  unpack(table, low, high, own, ouro_chunks_images(table));
}

ouro_status ouro_table_write_plane(ouro_table *table, int64_t plane, const char *values) {
  const ouro_tiling *tiling = &table->tiling;
  ouro_status status = OURO_OK;
  const bool complete = table->n_gathered + 1 == tiling->chunk_planes || (plane + 1) % tiling->lap == 0;
  /* Half of the time until the next batch is for filters, half for writing. */
  if (table->n_gathered > 0 && table->n_gathered == tiling->chunk_planes / 2) OURO_TRY(ouro_chunks_advance(table));
  for (int64_t s = 0; s < table->n_slices; s++) {
    move_slice(table, s, values);
    if (!complete) continue; /* chunks of several planes come in one slice */
    OURO_TRY(ouro_chunks_complete(table, plane - table->n_gathered, table->n_gathered + 1, s));
  }
  table->n_gathered = complete ? 0 : table->n_gathered + 1;
cleanup:
  return status;
}

void ouro_table_free(ouro_table *table) {
  if (table == NULL) return;
  ouro_chunks_clear(table); /* first: the writer may be at it */
  if (table->row != MPI_DATATYPE_NULL) MPI_Type_free(&table->row);
  ouro_h5_close(table->dataset);
  ouro_layout_destroy(&table->own_layout);
  free(table->blocks.bound);
  free(table->arrivals.start);
  free(table->arrivals.runs);
  free(table->counts);
  free(table->outgoing);
  free(table->incoming);
  free(table->path);
  free(table);
}
