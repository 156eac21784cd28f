#ifndef OURO_STORE_PRIVATE_H
#define OURO_STORE_PRIVATE_H

/* Shared by the files of store alone: the open file, HDF5 helpers, layouts. */

#include <hdf5.h>
#include <hdf5_hl.h>

#include "ouro/store/store.h"
#include "store/filter.h"
#include "store/writer.h"

struct ouro_store {
  MPI_Comm comm; /* borrowed */
  int rank, n_ranks;
  hid_t file; /* of a new file: on rank 0 alone */
  bool writing;
  bool replace;
  bool broken;      /* a change failed: the file cannot be completed */
  char *path;       /* final name */
  char *part;       /* temporary name */
  int fd;           /* rank 0: the temporary file, for its lock, its disk space and metadata; else -1 */
  int data;         /* the temporary file, for the chunks that this rank writes; -1 when reading */
  int failed;       /* errno of a write of this rank that failed; the next agreement tells it to all */
  int deflate;      /* of tables made from now on */
  int n_unfinished; /* tables closed before all their slabs were written */
  ouro_writer writer;

  /* Rank 0, the file as the driver of HDF5 sees it. */
  haddr_t end;       /* behind everything that has a place */
  haddr_t noted;     /* where the placeholder was to be written last */
  hsize_t promised;  /* bytes that open tables will need */
  off_t reserved;    /* bytes of disk space that are certain */
  char *placeholder; /* stands for the values of a chunk, which are never looked at */
  size_t placeholder_size;
  bool abandoned; /* nothing is written any more */
};

/* Consecutive global rows, and where the first of them stands in a list of rows in ascending order. */
typedef struct ouro_run {
  int64_t first, length, at;
} ouro_run;

struct ouro_layout {
  MPI_Comm comm; /* borrowed */
  int rank, n_ranks;
  int64_t n_global, n_local;
  int64_t *order; /* [n_local] local index of the rows in ascending order; NULL if they are ascending */
  ouro_run *runs; /* [n_runs] the rows of this rank, ascending */
  int64_t n_runs;
};

/* Blocks of consecutive rows: block b, rows bound[b] .. bound[b+1]-1, belongs to rank b * n_ranks / n_blocks. */
typedef struct ouro_blocks {
  int n_blocks;
  int64_t *bound; /* [n_blocks + 1] */
} ouro_blocks;

/* The rows that each rank sends to the block of this rank. */
typedef struct ouro_arrivals {
  int64_t *start; /* [n_ranks + 1] runs of rank r are runs[start[r]] .. runs[start[r+1]-1] */
  ouro_run *runs; /* ascending for each rank; `at` counts from 0 for each rank */
} ouro_arrivals;

/* A chunk after its filters: its bytes, the filters it skipped, its place in the file. */
typedef struct ouro_extent {
  int64_t bytes, skipped, address;
} ouro_extent;

#define OURO_EXTENT_INTS 3
#define OURO_CHUNK_METADATA 32 /* at most, in the index of a table */

/* Chunks and how the writers go through them; pure arithmetic on the shape of a table. A table is seen as
 * [planes][rows][row_bytes], rows being distributed; `lap` planes end a stretch that no chunk may straddle. */
typedef struct ouro_tiling {
  int64_t planes, lap, rows;
  size_t row_bytes;
  int64_t chunk_planes, chunk_rows;
} ouro_tiling;

/** Stop HDF5 from printing its errors.
 *  Not collective. */
void ouro_h5_quiet(void);

/** Record a failure of HDF5 with its own innermost reason: "<file>: cannot <what> <path>: <reason>".
 *  Not collective.
 *  Returns code. */
ouro_status ouro_h5_error(ouro_status code, const ouro_store *store, const char *what, const char *path);

/** HDF5 type of a kind, in memory or in a file.
 *  Not collective.
 *  Returns an identifier to be released with H5Tclose(), negative on error. */
hid_t ouro_h5_type(ouro_kind kind, int text_width, bool in_file);

/** Bytes of one value of a kind.
 *  Not collective. */
size_t ouro_h5_size(ouro_kind kind, int text_width);

/** Access properties of all files: MPI-IO (or POSIX if comm is MPI_COMM_NULL), format 1.10, no locks.
 *  Collective on comm.
 *  Returns an identifier to be released with H5Pclose(), negative on error. */
hid_t ouro_h5_access(MPI_Comm comm);

/** Release an identifier of any type; a negative one is fine.
 *  Not collective. */
void ouro_h5_close(hid_t id);

/** A store that is not open yet.
 *  Not collective.
 *  Returns NULL if memory is short. */
ouro_store *ouro_store_new(MPI_Comm comm, const char *path);

/** Whether a failure is to be injected into this change of a file.
 *  Not collective; any thread. */
bool ouro_store_injected(void);

/** Write or read all of a block; what is behind the end of the file is not read.
 *  Not collective; any thread.
 *  Returns 0 or an errno. */
int ouro_store_transfer(int fd, bool writing, char *values, size_t size, off_t at);

/** Make the placeholder at least that long.
 *  Not collective; rank 0.
 *  Returns OURO_OK or OURO_ENOMEM. */
ouro_status ouro_store_placeholder(ouro_store *store, size_t size);

/** Access properties of the new file on rank 0: its own driver, which writes metadata alone.
 *  Not collective; rank 0.
 *  Returns an identifier to be released with H5Pclose(), negative on error. */
hid_t ouro_driver_access(ouro_store *store);

/** Have HDF5 give a chunk its place in the file.
 *  Not collective; rank 0.
 *  [in]    at    its corner in the data set
 *  [inout] chunk bytes and skipped are set, address will be; at most as long as the placeholder
 *  Returns a negative value on error. */
herr_t ouro_driver_place(ouro_store *store, hid_t dataset, const hsize_t *at, ouro_extent *chunk);

/** Before the file is changed: inject a failure if one is due, tell all ranks of writes that failed on one, and reserve
 *  disk space, so that a full disk shows here, on all ranks.
 *  Collective on the store's communicator.
 *  [in] bytes    rank 0: an upper bound of the data that the change adds to the file
 *  [in] metadata rank 0: the same of its metadata, beside a few KiB for any change
 *  Returns the same status on all ranks: OURO_OK, OURO_EIO. */
ouro_status ouro_store_ready(ouro_store *store, hsize_t bytes, hsize_t metadata);

/** After rank 0 changed the file: agree on the outcome. After a failure the file can only be discarded.
 *  Collective on the store's communicator.
 *  Returns the same status on all ranks: local of the lowest rank that failed, or OURO_OK. */
ouro_status ouro_store_settle(ouro_store *store, ouro_status local);

/** Make the scale of an axis if it is not there: a data set /axis/<name> of 0 .. length-1.
 *  Collective on the store's communicator.
 *  Returns the same status on all ranks: OURO_OK, OURO_EIO, OURO_ENOMEM, OURO_EINTERNAL. */
ouro_status ouro_axis_need(ouro_store *store, const ouro_axis *axis);

/** Attach the scales of its axes to a data set.
 *  Not collective; rank 0.
 *  Returns OURO_OK or OURO_EIO. */
ouro_status ouro_axis_attach(ouro_store *store, hid_t dataset, const ouro_table_spec *spec);

/** Write an attribute of an open object.
 *  Not collective; rank 0.
 *  Returns OURO_OK or OURO_EIO. */
ouro_status ouro_attribute_text(ouro_store *store, hid_t object, const char *name, const char *value);

/** The rank that writes a block.
 *  Not collective. */
int ouro_layout_writer(const ouro_blocks *blocks, int block, int n_ranks);

/** Write an attribute that may need all 64 bits.
 *  Collective on the store's communicator. As ouro_store_set_int(). */
ouro_status ouro_store_set_natural(ouro_store *store, const char *path, const char *name, uint64_t value);

/** Create a table, with or without the scales of its axes.
 *  Collective on the store's communicator. Otherwise as ouro_table_create(). */
ouro_status ouro_table_make(ouro_store *store, const ouro_table_spec *spec, const ouro_layout *layout, bool scales,
                            ouro_table **table);

/** The layout where this rank holds rows first .. first+n_local-1; the caller sees to it that each row has one owner.
 *  Not collective.
 *  [out] layout NULL on error
 *  Returns OURO_OK or OURO_ENOMEM. */
ouro_status ouro_layout_range(MPI_Comm comm, int64_t n_global, int64_t first, int64_t n_local, ouro_layout **layout);

/** Cut the rows of a layout at the bounds of blocks and send to each block's rank which rows it will get from whom.
 *  Collective on the layout's communicator.
 *  [out] arrivals both arrays to be released with free(); NULL on error
 *  Returns the same status on all ranks: OURO_OK, OURO_ENOMEM, OURO_ELIMIT. */
ouro_status ouro_layout_announce(const ouro_layout *layout, const ouro_blocks *blocks, ouro_arrivals *arrivals);

/** Position of the first row >= row in ascending runs.
 *  Not collective.
 *  [in] runs [n], their positions counting on without a gap */
int64_t ouro_run_position(const ouro_run *runs, int64_t n, int64_t row);

/** Chunk shape of a table, from its shape alone.
 *  Not collective.
 *  [inout] tiling chunk_planes and chunk_rows are set
 *  Returns OURO_OK or OURO_ELIMIT. */
ouro_status ouro_tiling_choose(ouro_tiling *tiling, const char *path);

/** Chunk-aligned blocks of rows for the writers.
 *  Not collective.
 *  [out] blocks bound to be released with free()
 *  Returns OURO_OK or OURO_ENOMEM. */
ouro_status ouro_tiling_blocks(const ouro_tiling *tiling, int n_ranks, ouro_blocks *blocks);

#endif
