#ifndef OURO_STORE_PROVENANCE_H
#define OURO_STORE_PROVENANCE_H

/* Where a file comes from: attributes of its root that say which program made it, when, where and how. */

#include "ouro/store/store.h"

typedef struct ouro_provenance {
  const char *format;    /* what kind of file it is, e.g. "ouro-run" */
  const char *libraries; /* versions of libraries other than HDF5 and MPI, e.g. "METIS 5.1.0"; may be NULL */
  uint64_t seed;
  const char *command; /* the command line; may be NULL */
} ouro_provenance;

/** Write the attributes format, version, created (UTC, ISO 8601), program, revision, compiler, flags, libraries,
 *  ranks, host (of rank 0), job (SLURM_JOB_ID, or empty), seed and command of "/".
 *  Collective on the store's communicator; every rank passes the same.
 *  Returns the same status on all ranks: OURO_OK, OURO_EIO, OURO_ENOMEM. */
ouro_status ouro_provenance_write(ouro_store *store, const ouro_provenance *provenance);

/** The program and its revision, e.g. "ouro 0.1.0 (1a2b3c4d5e6f)".
 *  Not collective.
 *  Returns a constant. */
const char *ouro_provenance_program(void);

#endif
