/* Chunk shapes and the writers' share of them. Both follow from the shape of a table (and, for the share, the number
 * of ranks) alone, so data sets are chunked alike whatever number of ranks wrote them. */

#include "store/private.h"

#include "ouro/base/memory.h"

#define CHUNK_BYTES ((int64_t)1 << 18)
#define GATHER_BYTES ((int64_t)64 << 20) /* all ranks together, for planes that wait until a chunk is complete */
#define GATHER_PLANES 8
#define ROW_BYTES_MAX ((size_t)1 << 30) /* HDF5 holds chunks below 4 GiB */

static int64_t at_least(int64_t a, int64_t b) {
  return a > b ? a : b;
}

static int64_t at_most(int64_t a, int64_t b) {
  return a < b ? a : b;
}

ouro_status ouro_tiling_choose(ouro_tiling *tiling, const char *path) {
  if (tiling->row_bytes > ROW_BYTES_MAX) {
    return ouro_error(OURO_ELIMIT, "%s: a row of %zu bytes is more than a chunk can hold", path, tiling->row_bytes);
  }
  const int64_t row = at_least((int64_t)tiling->row_bytes, 1);
  const int64_t plane = tiling->rows > INT64_MAX / row ? INT64_MAX : at_least(tiling->rows * row, 1);
  /* Planes smaller than a chunk are put together; so are some larger ones, for trajectories are read by node. */
  const int64_t wanted = at_least(CHUNK_BYTES / plane, at_most(GATHER_PLANES, GATHER_BYTES / plane));
  tiling->chunk_planes = at_least(1, at_most(tiling->lap, wanted));
  tiling->chunk_rows = at_least(1, at_most(tiling->rows, CHUNK_BYTES / (tiling->chunk_planes * row)));
  return OURO_OK;
}

ouro_status ouro_tiling_blocks(const ouro_tiling *tiling, int n_ranks, ouro_blocks *blocks) {
  const int64_t n_chunks = (tiling->rows + tiling->chunk_rows - 1) / tiling->chunk_rows;
  ouro_status status = OURO_OK;
  blocks->n_blocks = (int)at_least(1, at_most(n_chunks, n_ranks));
  OURO_NEW(blocks->bound, blocks->n_blocks + 1);
  const int64_t each = n_chunks / blocks->n_blocks, extra = n_chunks % blocks->n_blocks;
  for (int b = 0; b <= blocks->n_blocks; b++) {
    const int64_t chunk = each * b + at_most(b, extra);
    blocks->bound[b] = chunk == n_chunks ? tiling->rows : chunk * tiling->chunk_rows;
  }
cleanup:
  return status;
}
