/* Opening a file for reading, and refusing what is no complete file of the expected format. */

#include "store/private.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static ouro_status check_readable(const char *path) {
  struct stat info;
  const int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0) return ouro_error(OURO_EIO, "%s: %s", path, strerror(errno));
  const int bad = fstat(fd, &info) != 0;
  close(fd);
  if (bad) return ouro_error(OURO_EIO, "%s: %s", path, strerror(errno));
  if (S_ISDIR(info.st_mode)) return ouro_error(OURO_EIO, "%s: %s", path, strerror(EISDIR));
  if (!S_ISREG(info.st_mode)) return ouro_error(OURO_EIO, "%s: is not an ordinary file", path);
  return info.st_size == 0 ? ouro_error(OURO_EINPUT, "%s: is empty, not an HDF5 file", path) : OURO_OK;
}

static bool is_complete(hid_t file) {
  int64_t flag = 0;
  if (H5Aexists(file, "complete") <= 0) return false;
  const hid_t attribute = H5Aopen(file, "complete", H5P_DEFAULT);
  const bool read = attribute >= 0 && H5Aread(attribute, H5T_NATIVE_INT64, &flag) >= 0;
  ouro_h5_close(attribute);
  return read && flag == 1;
}

/* One rank opens the file by itself first, so that what cannot be opened never reaches a collective call. */
static ouro_status examine(ouro_store *store) {
  ouro_status status = OURO_OK;
  hid_t file = H5I_INVALID_HID;
  const hid_t access = ouro_h5_access(MPI_COMM_NULL);
  OURO_TRY(check_readable(store->path));
  OURO_CHECK(H5Fis_hdf5(store->path) > 0, OURO_EINPUT, "%s: is not an HDF5 file", store->path);
  file = H5Fopen(store->path, H5F_ACC_RDONLY, access);
  if (file < 0) {
    status = ouro_h5_error(OURO_EINPUT, store, "open", "it: truncated, damaged or never completed");
    goto cleanup;
  }
  OURO_CHECK(is_complete(file), OURO_EINPUT, "%s: is not complete: what wrote it did not finish", store->path);
cleanup:
  if (file >= 0) H5Fclose(file);
  ouro_h5_close(access);
  return status;
}

static ouro_status open_file(ouro_store *store) {
  const hid_t access = ouro_h5_access(store->comm);
  if (access >= 0) store->file = H5Fopen(store->path, H5F_ACC_RDONLY, access);
  ouro_h5_close(access);
  return store->file < 0 ? ouro_h5_error(OURO_EIO, store, "open", "it") : OURO_OK;
}

static ouro_status check_format(ouro_store *store, const char *format) {
  ouro_status status = OURO_OK;
  char *found = NULL;
  if (ouro_store_get_text(store, "/", "format", &found) != OURO_OK) {
    return ouro_error(OURO_EINPUT, "%s: does not say its format, expected %s", store->path, format);
  }
  OURO_CHECK(strcmp(found, format) == 0, OURO_EINPUT, "%s: is of format %s, expected %s", store->path, found, format);
cleanup:
  free(found);
  return status;
}

ouro_status ouro_store_open(MPI_Comm comm, const char *path, const char *format, ouro_store **store) {
  ouro_status status = OURO_OK;
  ouro_store *fresh = ouro_store_new(comm, path);
  *store = NULL;
  ouro_h5_quiet();
  OURO_AGREE(comm, fresh ? OURO_OK : OURO_ENOMEM);
  OURO_AGREE(comm, fresh->rank == 0 ? examine(fresh) : OURO_OK);
  OURO_AGREE(comm, open_file(fresh));
  if (format) OURO_TRY(check_format(fresh, format));
  *store = fresh;
  fresh = NULL;
cleanup:
  if (fresh) ouro_store_discard(&fresh);
  return status;
}
