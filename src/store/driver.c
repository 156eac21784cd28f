/* The file driver with which rank 0 alone keeps a new file's metadata in HDF5; values of tables go past it.
 * Invariant: HDF5 never sees a write fail, since it can neither go on after that nor close the file: the failure is
 * kept in the store, whose caller asks for it (ouro_store_settle()). */

#include "store/private.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ouro/base/memory.h"

typedef struct drive {
  H5FD_t base; /* HDF5's part, first */
  ouro_store *store;
} drive;

static ouro_store *store_of(const H5FD_t *file) {
  return ((const drive *)file)->store;
}

static H5FD_t *drive_open(const char *name, unsigned flags, hid_t access, haddr_t largest) {
  (void)name, (void)flags, (void)largest;
  drive *made = ouro_memory_new(1, sizeof *made);
  if (made == NULL) return NULL;
  memcpy(&made->store, H5Pget_driver_info(access), sizeof made->store);
  return &made->base;
}

static herr_t drive_close(H5FD_t *file) {
  free(file);
  return 0;
}

static herr_t drive_query(const H5FD_t *file, unsigned long *features) {
  (void)file;
  *features = H5FD_FEAT_AGGREGATE_METADATA | H5FD_FEAT_ACCUMULATE_METADATA;
  return 0;
}

static haddr_t drive_end(const H5FD_t *file, H5FD_mem_t type) {
  (void)type;
  return store_of(file)->end;
}

static herr_t drive_set_end(H5FD_t *file, H5FD_mem_t type, haddr_t end) {
  (void)type;
  store_of(file)->end = end;
  return 0;
}

static haddr_t drive_size(const H5FD_t *file, H5FD_mem_t type) {
  struct stat info;
  (void)type;
  return fstat(store_of(file)->fd, &info) == 0 ? (haddr_t)info.st_size : HADDR_UNDEF;
}

/* What lies behind the end of what is written reads as zeros. */
static herr_t drive_read(H5FD_t *file, H5FD_mem_t type, hid_t transfer, haddr_t at, size_t size, void *values) {
  (void)type, (void)transfer;
  memset(values, 0, size);
  return ouro_store_transfer(store_of(file)->fd, false, values, size, (off_t)at) ? -1 : 0;
}

static herr_t drive_write(H5FD_t *file, H5FD_mem_t type, hid_t transfer, haddr_t at, size_t size, const void *values) {
  ouro_store *store = store_of(file);
  (void)type, (void)transfer;
  if (values == store->placeholder) {
    store->noted = at;
  } else if (!store->abandoned && store->failed == 0) {
    store->failed =
        ouro_store_injected() ? EIO : ouro_store_transfer(store->fd, true, (char *)(uintptr_t)values, size, (off_t)at);
  }
  return 0;
}

static herr_t drive_truncate(H5FD_t *file, hid_t transfer, hbool_t closing) {
  ouro_store *store = store_of(file);
  (void)transfer, (void)closing;
  if (!store->abandoned && ftruncate(store->fd, (off_t)store->end) != 0) store->failed = errno;
  return 0;
}

static const H5FD_class_t driver = {
#ifdef H5FD_CLASS_VERSION
    .version = H5FD_CLASS_VERSION,
    .value = (H5FD_class_value_t)600,
#endif
    .name = "ouro",
    .maxaddr = (haddr_t)INT64_MAX,
    .fc_degree = H5F_CLOSE_STRONG,
    .fapl_size = sizeof(ouro_store *),
    .open = drive_open,
    .close = drive_close,
    .query = drive_query,
    .get_eoa = drive_end,
    .set_eoa = drive_set_end,
    .get_eof = drive_size,
    .read = drive_read,
    .write = drive_write,
    .truncate = drive_truncate,
    .fl_map = H5FD_FLMAP_DICHOTOMY,
};

hid_t ouro_driver_access(ouro_store *store) {
  static hid_t registered = H5I_INVALID_HID;
  if (registered < 0 || H5Iis_valid(registered) <= 0) registered = H5FDregister(&driver);
  const hid_t access = registered < 0 ? H5I_INVALID_HID : ouro_h5_access(MPI_COMM_NULL);
  if (access < 0 || H5Pset_driver(access, registered, &store) >= 0) return access;
  H5Pclose(access);
  return H5I_INVALID_HID;
}

/* HDF5 gives the chunk a place when told to write it; the placeholder stands for values that others write there. */
herr_t ouro_driver_place(ouro_store *store, hid_t dataset, const hsize_t *at, ouro_extent *chunk) {
  store->noted = HADDR_UNDEF;
  const herr_t bad =
      H5Dwrite_chunk(dataset, H5P_DEFAULT, (uint32_t)chunk->skipped, at, (size_t)chunk->bytes, store->placeholder);
  chunk->address = (int64_t)store->noted;
  return bad < 0 || store->noted == HADDR_UNDEF ? -1 : 0;
}
