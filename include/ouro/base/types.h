#ifndef OURO_BASE_TYPES_H
#define OURO_BASE_TYPES_H

/* Integer kinds, with their MPI types and print formats. Their HDF5 types live in store. */

#include <inttypes.h>
#include <mpi.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef int64_t ouro_gid;   /* global node id, 0 .. n_nodes-1 */
typedef int32_t ouro_lid;   /* index of an owned or ghost node on one rank */
typedef int64_t ouro_eid;   /* index or number of feeds */
typedef int64_t ouro_count; /* number of samples */

#define OURO_GID_MPI MPI_INT64_T
#define OURO_LID_MPI MPI_INT32_T
#define OURO_EID_MPI MPI_INT64_T
#define OURO_COUNT_MPI MPI_INT64_T

#define OURO_GID_FMT PRId64
#define OURO_LID_FMT PRId32
#define OURO_EID_FMT PRId64
#define OURO_COUNT_FMT PRId64

/* Nature, the source of real data, where a source id is wanted. */
#define OURO_NATURE ((ouro_gid)-1)

/* One enum for every message tag of the program, so that no two exchanges can meet. */
enum ouro_tag {
  OURO_TAG_HALO_UPDATE = 100,
  OURO_TAG_HALO_REDUCE,
  OURO_TAG_EXCHANGE_TABLE,
  OURO_TAG_EXCHANGE_ROWS,
  OURO_TAG_READ_BOUNDARY,
  OURO_TAG_MATRIX,
  OURO_TAG_STORE,
  OURO_TAG_GRAPH_ROUTE,
  OURO_TAG_GRAPH_SWEEP,
  OURO_TAG_PRINT,
  OURO_TAG_RATES,
  OURO_TAG_SKETCH,
  OURO_TAG_MOMENTS,
  OURO_TAG_GROUPS
};

/* Exit statuses of the command. */
enum ouro_exit { OURO_EXIT_DONE = 0, OURO_EXIT_ERROR = 1, OURO_EXIT_USAGE = 2, OURO_EXIT_STOPPED = 75 };

#endif
