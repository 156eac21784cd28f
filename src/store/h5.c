/* What every use of HDF5 here shares: silence, reasons of failures, types, access properties. */

#include "store/private.h"

#include <stdio.h>

void ouro_h5_quiet(void) {
  H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
}

/* The walk upward begins with the innermost record; a positive return ends it. */
static herr_t first_record(unsigned n, const H5E_error2_t *record, void *text) {
  if (n == 0 && record->desc) snprintf(text, 256, ": %s", record->desc);
  return 1;
}

ouro_status ouro_h5_error(ouro_status code, const ouro_store *store, const char *what, const char *path) {
  char reason[256] = "";
  H5Ewalk2(H5E_DEFAULT, H5E_WALK_UPWARD, first_record, reason);
  return ouro_error(code, "%s: cannot %s %s%s", store->path, what, path, reason);
}

static hid_t text_type(int width) {
  const hid_t type = H5Tcopy(H5T_C_S1);
  H5Tset_size(type, (size_t)width);
  H5Tset_strpad(type, H5T_STR_NULLPAD);
  H5Tset_cset(type, H5T_CSET_UTF8);
  return type;
}

hid_t ouro_h5_type(ouro_kind kind, int text_width, bool in_file) {
  switch (kind) {
  case OURO_KIND_INT64:
    return H5Tcopy(in_file ? H5T_STD_I64LE : H5T_NATIVE_INT64);
  case OURO_KIND_INT32:
    return H5Tcopy(in_file ? H5T_STD_I32LE : H5T_NATIVE_INT32);
  case OURO_KIND_INT8:
    return H5Tcopy(in_file ? H5T_STD_I8LE : H5T_NATIVE_INT8);
  case OURO_KIND_DOUBLE:
    return H5Tcopy(in_file ? H5T_IEEE_F64LE : H5T_NATIVE_DOUBLE);
  case OURO_KIND_TEXT:
    return text_type(text_width);
  }
  return H5I_INVALID_HID;
}

size_t ouro_h5_size(ouro_kind kind, int text_width) {
  switch (kind) {
  case OURO_KIND_INT64:
  case OURO_KIND_DOUBLE:
    return 8;
  case OURO_KIND_INT32:
    return 4;
  case OURO_KIND_INT8:
    return 1;
  case OURO_KIND_TEXT:
    return (size_t)text_width;
  }
  return 0;
}

/* With older format bounds HDF5 leaves metadata without checksums. Locks are refused by some cluster file systems
 * and protect nothing here: the temporary file has a lock of its own. */
hid_t ouro_h5_access(MPI_Comm comm) {
  const hid_t access = H5Pcreate(H5P_FILE_ACCESS);
  if (access < 0) return access;
  herr_t bad = H5Pset_libver_bounds(access, H5F_LIBVER_V110, H5F_LIBVER_V110) < 0;
  bad |= H5Pset_file_locking(access, 0, 1) < 0;
  bad |= H5Pset_fclose_degree(access, H5F_CLOSE_STRONG) < 0;
  if (comm != MPI_COMM_NULL) bad |= H5Pset_fapl_mpio(access, comm, MPI_INFO_NULL) < 0;
  if (!bad) return access;
  H5Pclose(access);
  return H5I_INVALID_HID;
}

void ouro_h5_close(hid_t id) {
  if (id >= 0) H5Idec_ref(id);
}
