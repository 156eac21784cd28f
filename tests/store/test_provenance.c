/* What a file says of its own making. ranks: 1 3 */

#include "../support/harness.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "ouro/store/provenance.h"

static char *text_of(ouro_store *store, const char *name) {
  char *text = NULL;
  return ouro_store_get_text(store, "/", name, &text) == OURO_OK ? text : NULL;
}

static int says(ouro_store *store, const char *name, const char *part) {
  char *text = text_of(store, name);
  const int good = text != NULL && (part ? strstr(text, part) != NULL : text[0] != '\0');
  free(text);
  return good;
}

static ouro_status write_file(const char *path) {
  ouro_status status = OURO_OK;
  ouro_store *store = NULL;
  const ouro_provenance provenance = {"ouro-run", "METIS 5.1.0", UINT64_C(18446744073709551557),
                                      "ouro run \u00e9.yaml"};
  OURO_TRY(ouro_store_create(MPI_COMM_WORLD, path, true, &store));
  OURO_TRY(ouro_provenance_write(store, &provenance));
  OURO_TRY(ouro_store_commit(&store));
cleanup:
  ouro_store_discard(&store);
  return status;
}

static void test_attributes(void **state) {
  (void)state;
  char path[600];
  int n_ranks;
  int64_t ranks = 0, version = 0, complete = 0;
  ouro_store *store = NULL;
  MPI_Comm_size(MPI_COMM_WORLD, &n_ranks);
  setenv("SLURM_JOB_ID", "4711", 1);
  assert_ok(write_file(test_path("made.h5", path, sizeof path)));
  assert_ok(ouro_store_open(MPI_COMM_WORLD, path, "ouro-run", &store));
  static const char *const any[] = {"revision", "compiler", "flags", "host"};
  for (int i = 0; i < 4; i++) assert_everywhere(says(store, any[i], NULL));
  assert_everywhere(says(store, "program", "ouro ") && says(store, "job", "4711"));
  assert_everywhere(says(store, "libraries", "HDF5 1.") && says(store, "libraries", "METIS 5.1.0"));
  assert_everywhere(says(store, "command", "ouro run \u00e9.yaml"));
  assert_ok(ouro_store_get_int(store, "/", "ranks", &ranks));
  assert_ok(ouro_store_get_int(store, "/", "version", &version));
  assert_ok(ouro_store_get_int(store, "/", "complete", &complete));
  assert_everywhere(ranks == n_ranks && version == 1 && complete == 1);
  ouro_store_discard(&store);
}

/* The time is that of now, in UTC. */
static void test_created(void **state) {
  (void)state;
  char path[600];
  struct tm utc = {0};
  ouro_store *store = NULL;
  assert_ok(ouro_store_open(MPI_COMM_WORLD, test_path("made.h5", path, sizeof path), NULL, &store));
  char *created = text_of(store, "created");
  assert_everywhere(created != NULL && strlen(created) == 20);
  const char *rest = strptime(created, "%Y-%m-%dT%H:%M:%SZ", &utc);
  assert_everywhere(rest != NULL && *rest == '\0' && llabs((long long)(timegm(&utc) - time(NULL))) < 100);
  free(created);
  ouro_store_discard(&store);
}

static const struct CMUnitTest tests[] = {cmocka_unit_test(test_attributes), cmocka_unit_test(test_created)};

TEST_MAIN(tests)
