/* Complete chunks on their way to the file: the writer filters them, rank 0 gives them their places, the writer writes
 * them there. Without deflate their lengths are known, so they get their places first and the writer does both at once.
 * Invariant: what the writer does is local and never waits for another rank; places are given by all ranks together. */

#include "store/table.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "ouro/base/memory.h"

#define CACHED_CHUNKS 2
#define WRITEBACK_BYTES ((off_t)1 << 20) /* less is not worth the call */

static int64_t chunks_in(const ouro_table *table, int block, int64_t slice) {
  int64_t low, high;
  ouro_table_slice(table, block, slice, &low, &high);
  return (high - low + table->tiling.chunk_rows - 1) / table->tiling.chunk_rows;
}

static ouro_batch *batch_of(ouro_job *job) {
  return (ouro_batch *)job; /* its first member */
}

static int64_t smaller(int64_t a, int64_t b) {
  return a < b ? a : b;
}

static void filter_chunks(ouro_batch *batch, int64_t from, int64_t to) {
  const ouro_table *table = batch->table;
  for (int64_t k = from; k < to && batch->error == 0; k++) {
    uint32_t skipped;
    if (batch->chunks[k].bytes == 0) continue;
    char *image = batch->images + (size_t)k * table->image_stride;
    const size_t bytes =
        ouro_filter_apply(&table->filter, image, table->image_stride - OURO_FILTER_GROWTH, table->scratch, &skipped);
    batch->chunks[k].bytes = (int64_t)bytes;
    batch->chunks[k].skipped = skipped;
    if (bytes == 0) batch->error = ENOMEM;
  }
}

/* Chunks that lie one behind the other in memory and in the file go at once. */
static void write_chunks(ouro_batch *batch, int64_t from, int64_t to) {
  const size_t stride = batch->table->image_stride;
  for (int64_t k = from, next; k < to && batch->error == 0; k = next) {
    const int64_t at = batch->chunks[k].address;
    int64_t size = batch->chunks[k].bytes;
    for (next = k + 1; next < to; next++) {
      if (size != (next - k) * (int64_t)stride || batch->chunks[next].address != at + size) break;
      size += batch->chunks[next].bytes;
    }
    if (size == 0) continue;
    batch->error = ouro_store_injected() ? EIO
                                         : ouro_store_transfer(batch->table->store->data, true,
                                                               batch->images + (size_t)k * stride, (size_t)size, at);
  }
}

/* Let the disk begin now, so that there is little left to do at the end; only a hint. */
static void start_writeback(const ouro_batch *batch) {
  int64_t first = 0, last = batch->n - 1;
  while (first < last && batch->chunks[first].bytes == 0) first++;
  while (first < last && batch->chunks[last].bytes == 0) last--;
  if (last < 0 || batch->error) return;
  const off_t at = batch->chunks[first].address, end = batch->chunks[last].address + batch->chunks[last].bytes;
  if (end - at >= WRITEBACK_BYTES)
    (void)sync_file_range(batch->table->store->data, at, end - at, SYNC_FILE_RANGE_WRITE);
}

static void filter_job(ouro_job *job) {
  ouro_batch *batch = batch_of(job);
  filter_chunks(batch, 0, batch->n);
}

static void write_job(ouro_job *job) {
  ouro_batch *batch = batch_of(job);
  write_chunks(batch, 0, batch->n);
  start_writeback(batch);
}

/* A few at a time, while they are in the cache. */
static void filter_and_write_job(ouro_job *job) {
  ouro_batch *batch = batch_of(job);
  for (int64_t k = 0; k < batch->n; k += CACHED_CHUNKS) {
    const int64_t end = smaller(k + CACHED_CHUNKS, batch->n);
    filter_chunks(batch, k, end);
    write_chunks(batch, k, end);
  }
  start_writeback(batch);
}

static void submit(ouro_batch *batch, void (*work)(ouro_job *job)) {
  batch->job.work = work;
  ouro_writer_submit(&batch->table->store->writer, &batch->job);
}

static void await(ouro_batch *batch) {
  ouro_store *store = batch->table->store;
  ouro_writer_wait(&store->writer, &batch->job);
  if (batch->error && store->failed == 0) store->failed = batch->error;
  batch->error = 0;
}

/* Rank 0: how many chunks each rank has in a slice, in integers of an extent, and where they begin. */
static int64_t count_chunks(const ouro_table *table, int64_t slice, int *counts, int *at) {
  int64_t sum = 0;
  for (int r = 0; r < table->layout->n_ranks; r++) counts[r] = at[r] = 0;
  for (int b = 0; b < table->blocks.n_blocks; b++) {
    const int64_t n = chunks_in(table, b, slice);
    const int writer = ouro_layout_writer(&table->blocks, b, table->layout->n_ranks);
    counts[writer] = (int)(n * OURO_EXTENT_INTS);
    at[writer] = (int)(sum * OURO_EXTENT_INTS);
    sum += n;
  }
  return sum;
}

ouro_status ouro_chunks_plan(ouro_table *table) {
  ouro_status status = OURO_OK;
  const ouro_tiling *tiling = &table->tiling;
  const size_t image = (size_t)(tiling->chunk_planes * tiling->chunk_rows) * tiling->row_bytes;
  const int64_t most = table->block < 0 ? 0 : (table->slice_rows + tiling->chunk_rows - 1) / tiling->chunk_rows;
  const int n_ranks = table->layout->n_ranks;
  table->image_stride = image + OURO_FILTER_GROWTH;
  for (int k = 0; k < 2; k++) {
    ouro_batch *batch = &table->batch[k];
    batch->table = table;
    OURO_NEW(batch->images, (size_t)most * table->image_stride);
    OURO_NEW(batch->chunks, most);
  }
  if (table->filter.deflate > 0 && most > 0) OURO_NEW(table->scratch, image);
  OURO_NEW(table->chunk_counts, 2 * n_ranks);
  if (table->store->rank > 0) return OURO_OK;
  OURO_NEW(table->chunks, count_chunks(table, 0, table->chunk_counts, table->chunk_counts + n_ranks));
  OURO_TRY(ouro_store_placeholder(table->store, table->image_stride));
cleanup:
  return status;
}

/* Rows behind the last one, and planes behind the last one, are zeros. */
static void pad(const ouro_table *table, ouro_batch *batch, int64_t rows) {
  const ouro_tiling *tiling = &table->tiling;
  const size_t plane = (size_t)tiling->chunk_rows * tiling->row_bytes;
  const size_t missing = (size_t)(batch->n * tiling->chunk_rows - rows) * tiling->row_bytes;
  for (int64_t k = 0; k < batch->n; k++) {
    char *image = batch->images + (size_t)k * table->image_stride;
    memset(image + (size_t)batch->planes * plane, 0, (size_t)(tiling->chunk_planes - batch->planes) * plane);
    for (int64_t p = 0; k == batch->n - 1 && p < batch->planes; p++) {
      memset(image + (size_t)(p + 1) * plane - missing, 0, missing);
    }
  }
}

/* Lengths of the chunks before filters: 0 of those that are all zeros, which is what errors of one replicate scatter.
 */
static void measure(const ouro_table *table, ouro_batch *batch) {
  const size_t bytes = table->image_stride - OURO_FILTER_GROWTH;
  for (int64_t k = 0; k < batch->n; k++) {
    const char *image = batch->images + (size_t)k * table->image_stride;
    const bool zeros = bytes > 0 && image[0] == 0 && memcmp(image, image + 1, bytes - 1) == 0;
    batch->chunks[k] = (ouro_extent){zeros ? 0 : (int64_t)table->image_stride, 0, 0};
  }
}

/* Corner of the chunk that begins at a plane and a row, in the coordinates of the data set. */
static void corner(const ouro_table *table, int64_t plane, int64_t row, hsize_t *at) {
  for (int i = 0; i < table->n_axes; i++) at[i] = 0;
  at[table->node_axis] = (hsize_t)row;
  if (table->node_axis == 0) return;
  at[table->node_axis - 1] = (hsize_t)(plane % table->tiling.lap);
  if (table->node_axis == 2) at[0] = (hsize_t)(plane / table->tiling.lap);
}

/* Rank 0: every chunk of a slice, of all ranks, gets its place; one of zeros needs none, since HDF5 reads zeros where
 * there is no chunk. */
static ouro_status place_chunks(ouro_table *table, const ouro_batch *batch) {
  ouro_extent *chunk = table->chunks;
  for (int b = 0; b < table->blocks.n_blocks; b++) {
    int64_t low, high;
    hsize_t at[3];
    ouro_table_slice(table, b, batch->slice, &low, &high);
    for (; low < high; low += table->tiling.chunk_rows, chunk++) {
      corner(table, batch->plane, low, at);
      if (chunk->bytes > 0 && ouro_driver_place(table->store, table->dataset, at, chunk) < 0) {
        return ouro_h5_error(OURO_EIO, table->store, "write", table->path);
      }
    }
  }
  return OURO_OK;
}

static hsize_t total_bytes(const ouro_table *table, int64_t n) {
  hsize_t sum = 0;
  for (int64_t k = 0; k < n; k++) sum += (hsize_t)table->chunks[k].bytes;
  return sum;
}

/* Collective: when the lengths of its chunks are known, give them their places, and let them be written. */
static ouro_status place(ouro_batch *batch) {
  ouro_table *table = batch->table;
  ouro_store *store = table->store;
  ouro_status status = OURO_OK;
  int *counts = table->chunk_counts, *at = counts + table->layout->n_ranks;
  const int own = (int)batch->n * OURO_EXTENT_INTS;
  int64_t n = 0;
  await(batch);
  if (store->rank == 0) n = count_chunks(table, batch->slice, counts, at);
  MPI_Gatherv(batch->chunks, own, MPI_INT64_T, table->chunks, counts, at, MPI_INT64_T, 0, store->comm);
  if (store->rank == 0) store->promised -= table->promise ? (hsize_t)n * table->image_stride : 0;
  OURO_TRY(ouro_store_ready(store, total_bytes(table, n), (hsize_t)n * OURO_CHUNK_METADATA));
  OURO_TRY(ouro_store_settle(store, store->rank == 0 ? place_chunks(table, batch) : OURO_OK));
  MPI_Scatterv(table->chunks, counts, at, MPI_INT64_T, batch->chunks, own, MPI_INT64_T, 0, store->comm);
  submit(batch, table->promise ? filter_and_write_job : write_job);
  batch->stage = OURO_STAGE_WRITING;
cleanup:
  return status;
}

ouro_status ouro_chunks_advance(ouro_table *table) {
  ouro_batch *other = &table->batch[1 - table->filling];
  return other->stage == OURO_STAGE_FILTERING ? place(other) : OURO_OK;
}

char *ouro_chunks_images(ouro_table *table) {
  ouro_batch *batch = &table->batch[table->filling];
  if (batch->stage == OURO_STAGE_WRITING) await(batch);
  batch->stage = OURO_STAGE_FILLING;
  return batch->images;
}

ouro_status ouro_chunks_complete(ouro_table *table, int64_t plane, int64_t n_planes, int64_t slice) {
  ouro_batch *batch = &table->batch[table->filling];
  ouro_status status = OURO_OK;
  int64_t low = 0, high = 0;
  OURO_TRY(ouro_chunks_advance(table));
  if (table->block >= 0) ouro_table_slice(table, table->block, slice, &low, &high);
  batch->plane = plane;
  batch->planes = n_planes;
  batch->slice = slice;
  batch->n = table->block < 0 ? 0 : chunks_in(table, table->block, slice);
  pad(table, batch, high - low);
  measure(table, batch);
  if (table->promise) {
    OURO_TRY(place(batch));
  } else {
    submit(batch, filter_job);
    batch->stage = OURO_STAGE_FILTERING;
  }
  table->filling = 1 - table->filling;
cleanup:
  return status;
}

ouro_status ouro_chunks_finish(ouro_table *table) {
  ouro_status status = ouro_chunks_advance(table);
  for (int k = 0; k < 2; k++) {
    if (table->batch[k].stage == OURO_STAGE_WRITING) await(&table->batch[k]);
    table->batch[k].stage = OURO_STAGE_FILLING;
  }
  return status == OURO_OK ? ouro_store_settle(table->store, OURO_OK) : status;
}

void ouro_chunks_clear(ouro_table *table) {
  for (int k = 0; k < 2; k++) {
    if (table->batch[k].table) ouro_writer_wait(&table->store->writer, &table->batch[k].job);
    free(table->batch[k].images);
    free(table->batch[k].chunks);
  }
  free(table->scratch);
  free(table->chunk_counts);
  free(table->chunks);
}
