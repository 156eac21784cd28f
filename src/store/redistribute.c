/* The way of rows from their owners to the writers, and of whole chunks to the file, in slices of bounded size.
 * Invariant: every rank takes part in every slice, with no rows if need be: HDF5 writes filtered chunks collectively.
 */

#include "store/table.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "ouro/base/memory.h"

#define SLICE_BYTES ((int64_t)8 << 20) /* a writer; HDF5's filters double it */

static int64_t smaller(int64_t a, int64_t b) {
  return a < b ? a : b;
}

/* Rows low .. high-1 of slice `slice` of a block; none if the block has fewer slices. */
static void slice_of(const ouro_table *table, int block, int64_t slice, int64_t *low, int64_t *high) {
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

/* Where the rows of this rank go in a slice. Returns their number. */
static int64_t count_out(const ouro_table *table, int64_t slice, int *counts, int *at) {
  const ouro_layout *layout = table->layout;
  int64_t sum = 0;
  for (int r = 0; r < layout->n_ranks; r++) counts[r] = at[r] = 0;
  for (int b = 0; b < table->blocks.n_blocks; b++) {
    int64_t low, high;
    slice_of(table, b, slice, &low, &high);
    const int64_t n =
        ouro_run_position(layout->runs, layout->n_runs, high) - ouro_run_position(layout->runs, layout->n_runs, low);
    const int writer = ouro_layout_writer(&table->blocks, b, layout->n_ranks);
    counts[writer] = (int)n;
    at[writer] = (int)sum;
    sum += n;
  }
  return sum;
}

/* Where the rows of this rank's block come from in a slice. */
static void count_in(const ouro_table *table, int64_t slice, int *counts, int *at) {
  int64_t low = 0, high = 0, sum = 0;
  if (table->block >= 0) slice_of(table, table->block, slice, &low, &high);
  for (int r = 0; r < table->layout->n_ranks; r++) {
    const ouro_run *runs = table->arrivals.runs + table->arrivals.start[r];
    const int64_t n_runs = table->arrivals.start[r + 1] - table->arrivals.start[r];
    const int64_t n = ouro_run_position(runs, n_runs, high) - ouro_run_position(runs, n_runs, low);
    counts[r] = (int)n;
    at[r] = (int)sum;
    sum += n;
  }
}

static ouro_status make_buffers(ouro_table *table) {
  ouro_status status = OURO_OK;
  const size_t row = table->tiling.row_bytes, n_ranks = (size_t)table->layout->n_ranks;
  const size_t rows = table->block < 0 ? 0 : (size_t)table->slice_rows;
  int64_t most = 0;
  OURO_CHECK(smaller(table->layout->n_local, table->slice_rows * table->blocks.n_blocks) <= INT_MAX, OURO_ELIMIT,
             "%s: %" PRId64 " rows on one rank are more than MPI counts", table->path, table->layout->n_local);
  OURO_NEW(table->counts, 4 * n_ranks);
  for (int64_t s = 0; s < table->n_slices; s++) {
    const int64_t n = count_out(table, s, table->counts, table->counts + n_ranks);
    if (n > most) most = n;
  }
  OURO_NEW(table->outgoing, (size_t)most * row);
  OURO_NEW(table->incoming, rows * row);
  OURO_NEW(table->gathered, rows * row * (size_t)table->tiling.chunk_planes);
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
    slice_of(table, b, slice, &low, &high);
    const int64_t begin = ouro_run_position(layout->runs, layout->n_runs, low);
    const int64_t end = ouro_run_position(layout->runs, layout->n_runs, high);
    if (layout->order == NULL && end > begin) {
      memcpy(to, values + (size_t)begin * row, (size_t)(end - begin) * row);
      to += (size_t)(end - begin) * row;
      continue;
    }
    for (int64_t i = begin; i < end; i++, to += row) memcpy(to, values + (size_t)layout->order[i] * row, row);
  }
}

/* Rows low .. high-1 of the block of this rank to their places; each sender's rows came in ascending order. */
static void unpack(const ouro_table *table, int64_t low, int64_t high, char *to) {
  const size_t row = table->tiling.row_bytes;
  const char *from = table->incoming;
  for (int r = 0; r < table->layout->n_ranks; r++) {
    const ouro_run *runs = table->arrivals.runs + table->arrivals.start[r];
    const int64_t n_runs = table->arrivals.start[r + 1] - table->arrivals.start[r];
    int64_t left = 0, right = n_runs; /* the first run that ends behind low */
    while (left < right) {
      const int64_t middle = left + (right - left) / 2;
      if (runs[middle].first + runs[middle].length > low)
        right = middle;
      else
        left = middle + 1;
    }
    for (; left < n_runs && runs[left].first < high; left++) {
      const int64_t first = runs[left].first > low ? runs[left].first : low;
      const size_t n = (size_t)(smaller(runs[left].first + runs[left].length, high) - first);
      memcpy(to + (size_t)(first - low) * row, from, n * row);
      from += n * row;
    }
  }
}

static void move_slice(ouro_table *table, int64_t slice, const char *values) {
  const int n = table->layout->n_ranks;
  int *out = table->counts, *out_at = out + n, *in = out + 2 * n, *in_at = out + 3 * n;
  count_out(table, slice, out, out_at);
  count_in(table, slice, in, in_at);
  pack(table, slice, values);
  MPI_Alltoallv(table->outgoing, out, out_at, table->row, table->incoming, in, in_at, table->row, table->store->comm);
  if (table->block < 0) return;
  int64_t low, high;
  slice_of(table, table->block, slice, &low, &high);
  const size_t bytes = (size_t)(high - low) * table->tiling.row_bytes;
  unpack(table, low, high, table->gathered + (size_t)table->n_gathered * bytes);
}

/* Planes first .. first+n-1, rows low .. high-1 in the coordinates of the data set. */
static void select_rows(const ouro_table *table, int64_t first, int64_t n, int64_t low, int64_t high, hsize_t *start,
                        hsize_t *count) {
  for (int i = 0; i < table->n_axes; i++) {
    start[i] = 0;
    count[i] = i < table->node_axis ? 1 : table->length[i];
  }
  start[table->node_axis] = (hsize_t)low;
  count[table->node_axis] = (hsize_t)(high - low);
  if (table->node_axis == 0) return;
  start[table->node_axis - 1] = (hsize_t)(first % table->tiling.lap);
  count[table->node_axis - 1] = (hsize_t)n;
  if (table->node_axis == 2) start[0] = (hsize_t)(first / table->tiling.lap);
}

/* Independent MPI-IO below HDF5's collective write: the rows are where they should be already, and an error stays on
 * the rank that has it. */
static ouro_status write_chunks(ouro_table *table, int64_t first, int64_t slice) {
  ouro_status status = OURO_OK;
  int64_t low = 0, high = 0;
  hsize_t start[3], count[3];
  if (table->block >= 0) slice_of(table, table->block, slice, &low, &high);
  select_rows(table, first, table->n_gathered, low, high, start, count);
  const hid_t transfer = H5Pcreate(H5P_DATASET_XFER), file_space = H5Dget_space(table->dataset);
  const hid_t memory_space = H5Screate_simple(table->n_axes, count, NULL);
  herr_t bad = H5Pset_dxpl_mpio(transfer, H5FD_MPIO_COLLECTIVE) < 0;
  bad |= H5Pset_dxpl_mpio_collective_opt(transfer, H5FD_MPIO_INDIVIDUAL_IO) < 0;
  if (high > low) {
    bad |= H5Sselect_hyperslab(file_space, H5S_SELECT_SET, start, NULL, count, NULL) < 0;
  } else {
    bad |= H5Sselect_none(file_space) < 0 || H5Sselect_none(memory_space) < 0;
  }
  bad |= H5Dwrite(table->dataset, table->type, memory_space, file_space, transfer, table->gathered) < 0;
  if (bad) status = ouro_h5_error(OURO_EIO, table->store, "write", table->path);
  ouro_h5_close(memory_space);
  ouro_h5_close(file_space);
  ouro_h5_close(transfer);
  return status;
}

ouro_status ouro_table_write_plane(ouro_table *table, int64_t plane, const char *values) {
  const ouro_tiling *tiling = &table->tiling;
  ouro_status status = OURO_OK;
  const bool complete = table->n_gathered + 1 == tiling->chunk_planes || (plane + 1) % tiling->lap == 0;
  for (int64_t s = 0; s < table->n_slices; s++) {
    move_slice(table, s, values);
    if (!complete) continue; /* chunks of several planes come in one slice */
    table->n_gathered++;
    status = ouro_store_ready(table->store, 0, 0);
    if (status == OURO_OK) {
      status = ouro_store_settle(table->store, write_chunks(table, plane + 1 - table->n_gathered, s));
    }
    table->n_gathered--;
    OURO_TRY(status);
  }
  table->n_gathered = complete ? 0 : table->n_gathered + 1;
cleanup:
  return status;
}

void ouro_table_free(ouro_table *table) {
  if (table == NULL) return;
  if (table->row != MPI_DATATYPE_NULL) MPI_Type_free(&table->row);
  ouro_h5_close(table->dataset);
  ouro_h5_close(table->type);
  ouro_layout_destroy(&table->own_layout);
  free(table->blocks.bound);
  free(table->arrivals.start);
  free(table->arrivals.runs);
  free(table->counts);
  free(table->outgoing);
  free(table->incoming);
  free(table->gathered);
  free(table->path);
  free(table);
}
