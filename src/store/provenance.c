/* Where a file comes from: see provenance.h. What differs between ranks is told by rank 0, so all write the same. */

#include "ouro/store/provenance.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "ouro/base/memory.h"
#include "store/private.h"
#include "version.h"

#define FORMAT_VERSION 1

const char *ouro_provenance_program(void) {
  return "ouro " OURO_VERSION " (" OURO_REVISION ")";
}

/* What rank 0 alone can tell. */
typedef struct surroundings {
  char created[32], host[256], job[64];
} surroundings;

static surroundings look_around(const ouro_store *store) {
  surroundings here = {"", "", ""};
  if (store->rank == 0) {
    const time_t now = time(NULL);
    struct tm utc;
    const char *job = getenv("SLURM_JOB_ID");
    strftime(here.created, sizeof here.created, "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&now, &utc));
    gethostname(here.host, sizeof here.host - 1);
    snprintf(here.job, sizeof here.job, "%s", job ? job : "");
  }
  MPI_Bcast(&here, sizeof here, MPI_CHAR, 0, store->comm);
  return here;
}

/* "HDF5 1.10.8, Open MPI v4.1.4, ..." */
static char *list_libraries(const char *others) {
  char mpi[MPI_MAX_LIBRARY_VERSION_STRING] = "";
  unsigned major, minor, release;
  int length;
  H5get_libversion(&major, &minor, &release);
  MPI_Get_library_version(mpi, &length);
  mpi[strcspn(mpi, ",\n")] = '\0';
  const size_t size = strlen(mpi) + strlen(others ? others : "") + 64;
  char *text = ouro_memory_new(size, 1);
  if (text == NULL) return NULL;
  snprintf(text, size, "HDF5 %u.%u.%u, %s%s%s", major, minor, release, mpi, others ? ", " : "", others ? others : "");
  return text;
}

ouro_status ouro_provenance_write(ouro_store *store, const ouro_provenance *provenance) {
  ouro_status status = OURO_OK;
  const surroundings here = look_around(store);
  char *libraries = list_libraries(provenance->libraries);
  OURO_AGREE(store->comm, libraries ? OURO_OK : OURO_ENOMEM);
  const struct {
    const char *name, *value;
  } texts[] = {{"format", provenance->format},
               {"created", here.created},
               {"program", "ouro " OURO_VERSION},
               {"revision", OURO_REVISION},
               {"compiler", OURO_COMPILER},
               {"flags", OURO_FLAGS},
               {"libraries", libraries},
               {"host", here.host},
               {"job", here.job},
               {"command", provenance->command ? provenance->command : ""}};
  for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
    OURO_TRY(ouro_store_set_text(store, "/", texts[i].name, texts[i].value));
  }
  OURO_TRY(ouro_store_set_int(store, "/", "version", FORMAT_VERSION));
  OURO_TRY(ouro_store_set_int(store, "/", "ranks", store->n_ranks));
  OURO_TRY(ouro_store_set_natural(store, "/", "seed", provenance->seed));
cleanup:
  free(libraries);
  return status;
}
