/* Who owns which global rows, as runs of consecutive rows; every rank knows its own runs only.
 * Invariant: over all ranks the runs hold each row once, which the ranks of a directory of equal blocks have checked.
 */

#include "store/private.h"

#include <stdlib.h>
#include <string.h>

#include "ouro/base/alltoall.h"
#include "ouro/base/memory.h"

typedef struct owned_row {
  int64_t row, local;
} owned_row;

static int by_row(const void *a, const void *b) {
  const int64_t x = ((const owned_row *)a)->row, y = ((const owned_row *)b)->row;
  return (x > y) - (x < y);
}

static int by_first(const void *a, const void *b) {
  const int64_t x = ((const ouro_run *)a)->first, y = ((const ouro_run *)b)->first;
  return (x > y) - (x < y);
}

int64_t ouro_run_position(const ouro_run *runs, int64_t n, int64_t row) {
  int64_t low = 0, high = n; /* the first run that ends behind row */
  while (low < high) {
    const int64_t middle = low + (high - low) / 2;
    if (runs[middle].first + runs[middle].length > row)
      high = middle;
    else
      low = middle + 1;
  }
  if (low == n) return n ? runs[n - 1].at + runs[n - 1].length : 0;
  return runs[low].at + (row > runs[low].first ? row - runs[low].first : 0);
}

static bool is_ascending(int64_t n, const ouro_gid *gid) {
  for (int64_t i = 1; i < n; i++) {
    if (gid[i] <= gid[i - 1]) return false;
  }
  return true;
}

/* order = local indices by ascending row, by_row = those rows. */
static ouro_status sort_rows(ouro_layout *layout, const ouro_gid *gid, int64_t *rows) {
  ouro_status status = OURO_OK;
  owned_row *pairs = NULL;
  OURO_NEW(layout->order, layout->n_local);
  OURO_NEW(pairs, layout->n_local);
  for (int64_t i = 0; i < layout->n_local; i++) pairs[i] = (owned_row){gid[i], i};
  qsort(pairs, (size_t)layout->n_local, sizeof *pairs, by_row);
  for (int64_t i = 0; i < layout->n_local; i++) {
    rows[i] = pairs[i].row;
    layout->order[i] = pairs[i].local;
  }
cleanup:
  free(pairs);
  return status;
}

/* The runs of ascending rows. A row that stands twice begins a run of its own; the directory finds it. */
static ouro_status find_runs(ouro_layout *layout, const int64_t *rows) {
  ouro_status status = OURO_OK;
  int64_t n = 0;
  for (int64_t i = 0; i < layout->n_local; i++) n += i == 0 || rows[i] != rows[i - 1] + 1;
  OURO_NEW(layout->runs, n);
  for (int64_t i = 0; i < layout->n_local; i++) {
    if (i == 0 || rows[i] != rows[i - 1] + 1) layout->runs[layout->n_runs++] = (ouro_run){rows[i], 0, i};
    layout->runs[layout->n_runs - 1].length++;
  }
cleanup:
  return status;
}

static ouro_status learn_rows(ouro_layout *layout, const ouro_gid *gid) {
  ouro_status status = OURO_OK;
  int64_t *sorted = NULL;
  for (int64_t i = 0; i < layout->n_local; i++) {
    OURO_CHECK(gid[i] >= 0 && gid[i] < layout->n_global, OURO_EINTERNAL,
               "layout: row %" OURO_GID_FMT " is not one of %" OURO_GID_FMT, gid[i], layout->n_global);
  }
  if (is_ascending(layout->n_local, gid)) {
    OURO_TRY(find_runs(layout, gid));
  } else {
    OURO_NEW(sorted, layout->n_local);
    OURO_TRY(sort_rows(layout, gid, sorted));
    OURO_TRY(find_runs(layout, sorted));
  }
cleanup:
  free(sorted);
  return status;
}

int ouro_layout_writer(const ouro_blocks *blocks, int block, int n_ranks) {
  return (int)((int64_t)block * n_ranks / blocks->n_blocks);
}

/* The pieces of the runs of this rank, cut at the bounds of blocks; counts [n_ranks] of pieces for each rank. */
static ouro_status cut_runs(const ouro_layout *layout, const ouro_blocks *blocks, ouro_run **pieces, int64_t *counts) {
  ouro_status status = OURO_OK;
  int64_t n = 0;
  int block = 0;
  OURO_NEW(*pieces, layout->n_runs + blocks->n_blocks);
  for (int64_t i = 0; i < layout->n_runs; i++) {
    ouro_run rest = layout->runs[i];
    while (rest.length > 0) {
      while (rest.first >= blocks->bound[block + 1]) block++;
      ouro_run piece = rest;
      if (piece.length > blocks->bound[block + 1] - piece.first) piece.length = blocks->bound[block + 1] - piece.first;
      (*pieces)[n++] = piece;
      counts[ouro_layout_writer(blocks, block, layout->n_ranks)]++;
      rest = (ouro_run){rest.first + piece.length, rest.length - piece.length, rest.at + piece.length};
    }
  }
cleanup:
  return status;
}

/* Positions count from 0 for each sending rank. */
static void count_positions(int n_ranks, ouro_arrivals *arrivals) {
  for (int r = 0; r < n_ranks; r++) {
    int64_t at = 0;
    for (int64_t i = arrivals->start[r]; i < arrivals->start[r + 1]; i++) {
      arrivals->runs[i].at = at;
      at += arrivals->runs[i].length;
    }
  }
}

ouro_status ouro_layout_announce(const ouro_layout *layout, const ouro_blocks *blocks, ouro_arrivals *arrivals) {
  const int n = layout->n_ranks;
  ouro_status status = OURO_OK, local = OURO_OK;
  ouro_run *pieces = NULL;
  arrivals->runs = NULL;
  arrivals->start = ouro_memory_new((size_t)n + 1, sizeof *arrivals->start);
  int64_t *counts = ouro_memory_new((size_t)n * 2, sizeof *counts); /* out, and in */
  if (counts == NULL || arrivals->start == NULL) local = OURO_ENOMEM;
  if (local == OURO_OK) local = cut_runs(layout, blocks, &pieces, counts);
  OURO_AGREE(layout->comm, local);
  const int64_t total = ouro_alltoall_counts(layout->comm, counts, counts + n);
  arrivals->runs = ouro_memory_new((size_t)total, sizeof *arrivals->runs);
  OURO_AGREE(layout->comm, arrivals->runs ? OURO_OK : OURO_ENOMEM);
  ouro_alltoall(layout->comm, sizeof *pieces, counts, pieces, counts + n, arrivals->runs);
  for (int r = 0; r < n; r++) arrivals->start[r + 1] = arrivals->start[r] + counts[n + r];
  count_positions(n, arrivals);
cleanup:
  free(pieces);
  free(counts);
  if (status != OURO_OK) {
    free(arrivals->runs);
    free(arrivals->start);
    *arrivals = (ouro_arrivals){NULL, NULL};
  }
  return status;
}

/* Whether runs in any order hold each row from .. to-1 exactly once. Sorts them. */
static ouro_status check_cover(ouro_run *runs, int64_t n, int64_t from, int64_t to) {
  qsort(runs, (size_t)n, sizeof *runs, by_first);
  int64_t next = from;
  for (int64_t i = 0; i < n; next += runs[i++].length) {
    if (runs[i].first < next) {
      return ouro_error(OURO_EINTERNAL, "layout: row %" PRId64 " has two owners", runs[i].first);
    }
    if (runs[i].first > next) break;
  }
  return next == to ? OURO_OK : ouro_error(OURO_EINTERNAL, "layout: row %" PRId64 " has no owner", next);
}

/* The directory: rank r looks after block r of equal blocks and checks that each of its rows has one owner. */
static ouro_status check_owners(const ouro_layout *layout) {
  const int64_t n = layout->n_ranks, each = layout->n_global / n, extra = layout->n_global % n;
  ouro_status status = OURO_OK;
  ouro_blocks blocks = {layout->n_ranks, NULL};
  ouro_arrivals arrivals = {NULL, NULL};
  blocks.bound = ouro_memory_new((size_t)n + 1, sizeof *blocks.bound);
  OURO_AGREE(layout->comm, blocks.bound ? OURO_OK : OURO_ENOMEM);
  for (int64_t r = 0; r <= n; r++) blocks.bound[r] = r * each + (r < extra ? r : extra);
  OURO_TRY(ouro_layout_announce(layout, &blocks, &arrivals));
  OURO_AGREE(layout->comm,
             check_cover(arrivals.runs, arrivals.start[n], blocks.bound[layout->rank], blocks.bound[layout->rank + 1]));
cleanup:
  free(blocks.bound);
  free(arrivals.start);
  free(arrivals.runs);
  return status;
}

static ouro_layout *new_layout(MPI_Comm comm, int64_t n_global, int64_t n_local) {
  ouro_layout *layout = ouro_memory_new(1, sizeof *layout);
  if (layout == NULL) return NULL;
  *layout = (ouro_layout){.comm = comm, .n_global = n_global, .n_local = n_local};
  MPI_Comm_rank(comm, &layout->rank);
  MPI_Comm_size(comm, &layout->n_ranks);
  return layout;
}

ouro_status ouro_layout_create(MPI_Comm comm, int64_t n_global, int64_t n_local, const ouro_gid *gid,
                               ouro_layout **layout) {
  ouro_status status = OURO_OK;
  ouro_layout *fresh = new_layout(comm, n_global, n_local);
  *layout = NULL;
  OURO_AGREE(comm, fresh ? learn_rows(fresh, gid) : OURO_ENOMEM);
  OURO_TRY(check_owners(fresh));
  *layout = fresh;
  fresh = NULL;
cleanup:
  ouro_layout_destroy(&fresh);
  return status;
}

ouro_status ouro_layout_range(MPI_Comm comm, int64_t n_global, int64_t first, int64_t n_local, ouro_layout **layout) {
  ouro_status status = OURO_OK;
  ouro_layout *fresh = new_layout(comm, n_global, n_local);
  *layout = NULL;
  if (fresh == NULL) return OURO_ENOMEM;
  OURO_NEW(fresh->runs, 1);
  fresh->n_runs = n_local > 0;
  fresh->runs[0] = (ouro_run){first, n_local, 0};
  *layout = fresh;
  fresh = NULL;
cleanup:
  ouro_layout_destroy(&fresh);
  return status;
}

void ouro_layout_destroy(ouro_layout **layout) {
  if (layout == NULL || *layout == NULL) return;
  free((*layout)->order);
  free((*layout)->runs);
  free(*layout);
  *layout = NULL;
}
