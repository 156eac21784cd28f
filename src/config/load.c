/* From experiment file to configuration: rank 0 reads, checks and completes the settings and composes them as one
 * YAML text; every rank has libcyaml load that same text. */

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "config/private.h"
#include "ouro/base/memory.h"

#define LARGEST_FILE (1 << 20) /* no experiment file comes near; results given by mistake do */

typedef struct ouro_capture {
  char text[512];
} ouro_capture;

/* libcyaml's log goes into our message. */
static void capture(cyaml_log_t level, void *context, const char *format, va_list arguments) {
  ouro_capture *log = context;
  const size_t used = strlen(log->text);
  (void)level;
  vsnprintf(log->text + used, sizeof log->text - used, format, arguments);
}

static void *allocate(void *context, void *block, size_t size) {
  (void)context;
  if (size > 0) return ouro_memory_resize(block, size, 1);
  free(block);
  return NULL;
}

static const cyaml_config_t manner = {.log_fn = capture, .mem_fn = allocate, .log_level = CYAML_LOG_ERROR};

static ouro_status load_text(const char *text, ouro_config **config) {
  ouro_capture log = {""};
  cyaml_config_t with_log = manner;
  cyaml_data_t *data = NULL;
  with_log.log_ctx = &log;
  const cyaml_err_t error =
      cyaml_load_data((const uint8_t *)text, strlen(text), &with_log, &ouro_config_schema, &data, NULL);
  if (error == CYAML_ERR_OOM) return ouro_error(OURO_ENOMEM, "out of memory for the configuration");
  for (char *c = log.text; *c; c++) *c = *c == '\n' ? ' ' : *c;
  if (error != CYAML_OK) return ouro_error(OURO_ECONFIG, "configuration: %s (%s)", cyaml_strerror(error), log.text);
  *config = data;
  return OURO_OK;
}

void ouro_config_destroy(ouro_config **config) {
  if (config == NULL || *config == NULL) return;
  free((*config)->places);
  cyaml_free(&manner, &ouro_config_schema, *config, 0);
  *config = NULL;
}

/* The whole file, to be released with free(). */
static ouro_status read_file(const char *path, char **text, size_t *length) {
  ouro_status status = OURO_OK;
  FILE *file = fopen(path, "rb");
  OURO_CHECK(file, OURO_EIO, "%s: cannot open the experiment file: %s", path, strerror(errno));
  OURO_NEW(*text, LARGEST_FILE + 1);
  errno = 0;
  *length = fread(*text, 1, LARGEST_FILE + 1, file);
  OURO_CHECK(!ferror(file), OURO_EIO, "%s: cannot read the experiment file: %s", path, strerror(errno));
  OURO_CHECK(*length <= LARGEST_FILE, OURO_ECONFIG, "%s: larger than 1 MiB, so no experiment file", path);
cleanup:
  if (file) fclose(file);
  return status;
}

/* All that needs the file system or the environment; the result is complete. */
static ouro_status prepare(const char *path, const char *const *overrides, int n, char **composed, char **places) {
  ouro_settings settings = {.file = path};
  char *text = NULL;
  size_t length = 0;
  ouro_status status = OURO_OK;
  if (path) {
    OURO_TRY(read_file(path, &text, &length));
    OURO_TRY(ouro_settings_parse(&settings, text, length));
  }
  for (int i = 0; i < n; i++) OURO_TRY(ouro_settings_override(&settings, overrides[i]));
  OURO_TRY(ouro_settings_check(&settings));
  OURO_TRY(ouro_settings_relate(&settings, path != NULL));
  OURO_TRY(ouro_settings_places(&settings, places));
  OURO_TRY(ouro_settings_defaults(&settings));
  OURO_TRY(ouro_settings_resolve(&settings));
  OURO_TRY(ouro_settings_compose(&settings, composed));
cleanup:
  free(text);
  ouro_settings_clear(&settings);
  return status;
}

static ouro_status share(MPI_Comm comm, char **text) {
  ouro_status status = OURO_OK;
  int rank;
  int64_t size = *text ? (int64_t)strlen(*text) + 1 : 0; /* far below INT_MAX: file and arguments are bounded */
  MPI_Comm_rank(comm, &rank);
  MPI_Bcast(&size, 1, MPI_INT64_T, 0, comm);
  if (rank != 0) *text = ouro_memory_new((size_t)size, 1);
  OURO_AGREE(comm, *text ? OURO_OK : OURO_ENOMEM);
  MPI_Bcast(*text, (int)size, MPI_CHAR, 0, comm);
cleanup:
  return status;
}

static ouro_status load(MPI_Comm comm, const char *path, const char *const *overrides, int n, ouro_config **config) {
  ouro_status status;
  char *text = NULL, *places = NULL;
  int rank;
  *config = NULL;
  MPI_Comm_rank(comm, &rank);
  OURO_AGREE(comm, rank == 0 ? prepare(path, overrides, n, &text, &places) : OURO_OK);
  OURO_TRY(share(comm, &text));
  OURO_TRY(share(comm, &places));
  OURO_AGREE(comm, load_text(text, config));
  (*config)->places = places;
  places = NULL;
cleanup:
  free(text);
  free(places);
  if (status != OURO_OK) ouro_config_destroy(config);
  return status;
}

ouro_status ouro_config_load(MPI_Comm comm, const char *path, const char *const *overrides, int n_overrides,
                             ouro_config **config) {
  return load(comm, path, overrides, n_overrides, config);
}

ouro_status ouro_config_default(MPI_Comm comm, const char *const *overrides, int n_overrides, ouro_config **config) {
  return load(comm, NULL, overrides, n_overrides, config);
}
