/* Dimension scales: one data set /axis/<name> for each axis name, shared by the tables that name it. */

#include "store/private.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ouro/base/memory.h"

#define PATH_SIZE 256

static ouro_status axis_path(const char *name, char *path) {
  const int length = snprintf(path, PATH_SIZE, "/axis/%s", name ? name : "");
  if (name && name[0] && !strchr(name, '/') && length < PATH_SIZE) return OURO_OK;
  return ouro_error(OURO_EINTERNAL, "axis '%s': no usable name", name ? name : "");
}

/* Collective. */
static bool exists(const ouro_store *store, const char *path) {
  int found = store->rank == 0 && H5Lexists(store->file, "/axis", H5P_DEFAULT) > 0 &&
              H5Lexists(store->file, path, H5P_DEFAULT) > 0;
  MPI_Bcast(&found, 1, MPI_INT, 0, store->comm);
  return found != 0;
}

static ouro_status check_length(const ouro_store *store, const char *path, int64_t length) {
  hsize_t found = 0;
  const hid_t scale = H5Dopen2(store->file, path, H5P_DEFAULT), space = scale < 0 ? scale : H5Dget_space(scale);
  if (space >= 0) H5Sget_simple_extent_dims(space, &found, NULL);
  ouro_h5_close(space);
  ouro_h5_close(scale);
  if (space >= 0 && found == (hsize_t)length) return OURO_OK;
  return ouro_error(OURO_EINTERNAL, "%s: %s has length %llu, not %" PRId64, store->path, path,
                    (unsigned long long)found, length);
}

static ouro_status set_scale(ouro_store *store, const char *path, const char *name) {
  ouro_status status = OURO_OK;
  const hid_t scale = H5Dopen2(store->file, path, H5P_DEFAULT);
  if (scale < 0 || H5DSset_scale(scale, name) < 0) status = ouro_h5_error(OURO_EIO, store, "make a scale of", path);
  ouro_h5_close(scale);
  return status;
}

static ouro_status mark_scale(ouro_store *store, const char *path, const char *name) {
  const ouro_status status = ouro_store_ready(store, 0, 0);
  if (status != OURO_OK) return status;
  return ouro_store_settle(store, store->rank == 0 ? set_scale(store, path, name) : OURO_OK);
}

static ouro_status write_scale(ouro_store *store, const ouro_table_spec *spec, const ouro_layout *layout,
                               const void *values) {
  ouro_table *table = NULL;
  ouro_status status = ouro_table_make(store, spec, layout, false, &table);
  if (status == OURO_OK && spec->axis[0].length > 0) status = ouro_table_write(table, 0, values);
  const ouro_status closed = ouro_table_close(&table);
  if (status == OURO_OK) status = closed;
  return status == OURO_OK ? mark_scale(store, spec->path, spec->axis[0].name) : status;
}

static ouro_status count_up(const ouro_store *store, int64_t length, ouro_layout **layout, int64_t **values) {
  const int64_t each = length / store->n_ranks, extra = length % store->n_ranks, r = store->rank;
  const int64_t first = r * each + (r < extra ? r : extra), n = each + (r < extra);
  ouro_status status = OURO_OK;
  OURO_TRY(ouro_layout_range(store->comm, length, first, n, layout));
  OURO_NEW(*values, n);
  for (int64_t i = 0; i < n; i++) (*values)[i] = first + i;
cleanup:
  return status;
}

ouro_status ouro_axis_need(ouro_store *store, const ouro_axis *axis) {
  ouro_status status = OURO_OK;
  ouro_layout *layout = NULL;
  int64_t *values = NULL;
  char path[PATH_SIZE], description[PATH_SIZE];
  OURO_AGREE(store->comm, axis_path(axis->name, path));
  if (exists(store, path)) {
    OURO_AGREE(store->comm, store->rank == 0 ? check_length(store, path, axis->length) : OURO_OK);
    goto cleanup;
  }
  snprintf(description, sizeof description, "index along the axis %.*s", PATH_SIZE / 2, axis->name);
  const ouro_table_spec spec = {path, OURO_KIND_INT64, 0, 1, {*axis}, 0, "1", description};
  OURO_AGREE(store->comm, count_up(store, axis->length, &layout, &values));
  OURO_TRY(write_scale(store, &spec, layout, values));
cleanup:
  free(values);
  ouro_layout_destroy(&layout);
  return status;
}

ouro_status ouro_store_axis(ouro_store *store, const ouro_table_spec *spec, const void *values) {
  ouro_status status = OURO_OK;
  char path[PATH_SIZE];
  ouro_table_spec own = *spec;
  OURO_AGREE(store->comm, axis_path(spec->axis[0].name, path));
  own.path = path;
  own.node_axis = -1;
  OURO_TRY(write_scale(store, &own, NULL, values));
cleanup:
  return status;
}

ouro_status ouro_axis_attach(ouro_store *store, hid_t dataset, const ouro_table_spec *spec) {
  ouro_status status = OURO_OK;
  for (int i = 0; i < spec->n_axes && status == OURO_OK; i++) {
    char path[PATH_SIZE];
    axis_path(spec->axis[i].name, path);
    const hid_t scale = H5Dopen2(store->file, path, H5P_DEFAULT);
    if (scale < 0 || H5DSattach_scale(dataset, scale, (unsigned)i) < 0 ||
        H5DSset_label(dataset, (unsigned)i, spec->axis[i].name) < 0) {
      status = ouro_h5_error(OURO_EIO, store, "attach its axes to", spec->path);
    }
    ouro_h5_close(scale);
  }
  return status;
}
