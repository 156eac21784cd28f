/* Attributes of groups and tables: text (fixed length, UTF-8), int64 and double. */

#include "store/private.h"

#include <stdlib.h>
#include <string.h>

#include "ouro/base/memory.h"

/* Write a scalar attribute, replacing one of the same name. */
static ouro_status write_scalar(ouro_store *store, hid_t object, const char *name, hid_t file_type, hid_t memory_type,
                                const void *value) {
  ouro_status status = OURO_OK;
  const hid_t space = H5Screate(H5S_SCALAR);
  hid_t attribute = H5I_INVALID_HID;
  if (H5Aexists(object, name) > 0) H5Adelete(object, name);
  attribute = H5Acreate2(object, name, file_type, space, H5P_DEFAULT, H5P_DEFAULT);
  if (attribute < 0 || H5Awrite(attribute, memory_type, value) < 0) {
    status = ouro_h5_error(OURO_EIO, store, "write attribute", name);
  }
  ouro_h5_close(attribute);
  ouro_h5_close(space);
  return status;
}

ouro_status ouro_attribute_text(ouro_store *store, hid_t object, const char *name, const char *value) {
  const size_t length = strlen(value);
  const hid_t type = H5Tcopy(H5T_C_S1);
  H5Tset_size(type, length ? length : 1);
  H5Tset_strpad(type, H5T_STR_NULLPAD);
  H5Tset_cset(type, H5T_CSET_UTF8);
  const ouro_status status = write_scalar(store, object, name, type, type, value);
  ouro_h5_close(type);
  return status;
}

/* The object at a path; a group that is not there yet is made. */
static hid_t open_or_make(const ouro_store *store, const char *path) {
  const hid_t object = H5Oopen(store->file, path, H5P_DEFAULT);
  if (object >= 0) return object;
  const hid_t links = H5Pcreate(H5P_LINK_CREATE);
  H5Pset_create_intermediate_group(links, 1);
  const hid_t group = H5Gcreate2(store->file, path, links, H5P_DEFAULT, H5P_DEFAULT);
  ouro_h5_close(links);
  return group;
}

static ouro_status put_number(ouro_store *store, const char *path, const char *name, hid_t file_type, hid_t memory_type,
                              const void *value) {
  const hid_t object = open_or_make(store, path);
  const ouro_status status = object < 0 ? ouro_h5_error(OURO_EIO, store, "open", path)
                                        : write_scalar(store, object, name, file_type, memory_type, value);
  ouro_h5_close(object);
  return status;
}

static ouro_status put_text(ouro_store *store, const char *path, const char *name, const char *value) {
  const hid_t object = open_or_make(store, path);
  const ouro_status status =
      object < 0 ? ouro_h5_error(OURO_EIO, store, "open", path) : ouro_attribute_text(store, object, name, value);
  ouro_h5_close(object);
  return status;
}

static ouro_status set_number(ouro_store *store, const char *path, const char *name, hid_t file_type, hid_t memory_type,
                              const void *value) {
  const ouro_status status = ouro_store_ready(store, 0, 0);
  if (status != OURO_OK) return status;
  return ouro_store_settle(store,
                           store->rank == 0 ? put_number(store, path, name, file_type, memory_type, value) : OURO_OK);
}

ouro_status ouro_store_set_int(ouro_store *store, const char *path, const char *name, int64_t value) {
  return set_number(store, path, name, H5T_STD_I64LE, H5T_NATIVE_INT64, &value);
}

ouro_status ouro_store_set_natural(ouro_store *store, const char *path, const char *name, uint64_t value) {
  return set_number(store, path, name, H5T_STD_U64LE, H5T_NATIVE_UINT64, &value);
}

ouro_status ouro_store_set_real(ouro_store *store, const char *path, const char *name, double value) {
  return set_number(store, path, name, H5T_IEEE_F64LE, H5T_NATIVE_DOUBLE, &value);
}

ouro_status ouro_store_set_text(ouro_store *store, const char *path, const char *name, const char *value) {
  const ouro_status status = ouro_store_ready(store, 0, strlen(value) * 2);
  if (status != OURO_OK) return status;
  return ouro_store_settle(store, store->rank == 0 ? put_text(store, path, name, value) : OURO_OK);
}

/* Read a scalar attribute whose type is of the wanted class. */
static ouro_status open_scalar(ouro_store *store, const char *path, const char *name, H5T_class_t wanted,
                               hid_t *attribute, hid_t *type) {
  ouro_status status = OURO_OK;
  hid_t space = H5I_INVALID_HID;
  *attribute = *type = H5I_INVALID_HID;
  if (H5Aexists_by_name(store->file, path, name, H5P_DEFAULT) > 0) {
    *attribute = H5Aopen_by_name(store->file, path, name, H5P_DEFAULT, H5P_DEFAULT);
  }
  OURO_CHECK(*attribute >= 0, OURO_EINPUT, "%s: %s has no attribute %s", store->path, path, name);
  *type = H5Aget_type(*attribute);
  space = H5Aget_space(*attribute);
  OURO_CHECK(H5Tget_class(*type) == wanted && H5Sget_simple_extent_npoints(space) == 1, OURO_EINPUT,
             "%s: attribute %s of %s is of another kind than expected", store->path, name, path);
cleanup:
  ouro_h5_close(space);
  return status;
}

static ouro_status get_number(ouro_store *store, const char *path, const char *name, H5T_class_t wanted,
                              hid_t memory_type, void *value) {
  hid_t attribute, type;
  ouro_status status = open_scalar(store, path, name, wanted, &attribute, &type);
  if (status == OURO_OK && H5Aread(attribute, memory_type, value) < 0) {
    status = ouro_h5_error(OURO_EINPUT, store, "read attribute", name);
  }
  ouro_h5_close(type);
  ouro_h5_close(attribute);
  return ouro_agree(store->comm, status);
}

ouro_status ouro_store_get_int(ouro_store *store, const char *path, const char *name, int64_t *value) {
  return get_number(store, path, name, H5T_INTEGER, H5T_NATIVE_INT64, value);
}

ouro_status ouro_store_get_real(ouro_store *store, const char *path, const char *name, double *value) {
  return get_number(store, path, name, H5T_FLOAT, H5T_NATIVE_DOUBLE, value);
}

/* Strings of variable length are HDF5's to release: copy them. */
static ouro_status read_text(ouro_store *store, const char *name, hid_t attribute, hid_t type, char **value) {
  ouro_status status = OURO_OK;
  char *text = NULL, *loose = NULL;
  const bool variable = H5Tis_variable_str(type) > 0;
  if (variable) {
    if (H5Aread(attribute, type, &loose) < 0) OURO_TRY(ouro_h5_error(OURO_EINPUT, store, "read attribute", name));
    OURO_NEW(text, (loose ? strlen(loose) : 0) + 1);
    if (loose) memcpy(text, loose, strlen(loose));
  } else {
    OURO_NEW(text, H5Tget_size(type) + 1);
    if (H5Aread(attribute, type, text) < 0) OURO_TRY(ouro_h5_error(OURO_EINPUT, store, "read attribute", name));
  }
  *value = text;
  text = NULL;
cleanup:
  if (loose) H5free_memory(loose);
  free(text);
  return status;
}

ouro_status ouro_store_get_text(ouro_store *store, const char *path, const char *name, char **value) {
  hid_t attribute, type;
  *value = NULL;
  ouro_status status = open_scalar(store, path, name, H5T_STRING, &attribute, &type);
  if (status == OURO_OK) status = read_text(store, name, attribute, type, value);
  ouro_h5_close(type);
  ouro_h5_close(attribute);
  status = ouro_agree(store->comm, status);
  if (status != OURO_OK) {
    free(*value);
    *value = NULL;
  }
  return status;
}
