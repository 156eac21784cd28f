/* A file from its temporary name to its final one, and files opened for reading: see store.h.
 * Invariant: rank 0 alone has a new file open in HDF5, for its metadata; all ranks write chunks to the places it gives.
 * Between ouro_store_ready() and ouro_store_settle() rank 0 changes metadata; both tell all ranks what failed on one.
 */

#include "store/private.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "ouro/base/memory.h"

#define METADATA_BYTES ((hsize_t)1 << 14) /* of one change, beside what its caller counts */
#define SLACK_BYTES ((hsize_t)1 << 18)    /* for closing a file, whatever happened */
#define LOCK_PLACE ((off_t)1 << 62)       /* far behind any data, so that locks of MPI-IO do not meet ours */

static _Atomic int64_t fail_countdown; /* 0: injection is off */

void ouro_store_fail_at(int64_t n) {
  atomic_store(&fail_countdown, n);
}

bool ouro_store_injected(void) {
  return atomic_load(&fail_countdown) > 0 && atomic_fetch_sub(&fail_countdown, 1) == 1;
}

static ouro_status injected(const ouro_store *store) {
  if (!ouro_store_injected()) return OURO_OK;
  return ouro_error(OURO_EIO, "%s: write failed by injection", store->path);
}

static ouro_status file_error(const char *path, int number) {
  return ouro_error(OURO_EIO, "%s: %s", path, strerror(number));
}

int ouro_store_transfer(int fd, bool writing, char *values, size_t size, off_t at) {
  while (size > 0) {
    const ssize_t n = writing ? pwrite(fd, values, size, at) : pread(fd, values, size, at);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return errno;
    if (n == 0) return writing ? ENOSPC : 0;
    values += n;
    at += n;
    size -= (size_t)n;
  }
  return 0;
}

/* Reserve bytes of the file without changing its size, or at least see that there is room for them: not every file
 * system can reserve. */
static int find_room(const ouro_store *store, off_t from, off_t more) {
  struct statvfs room;
  if (fallocate(store->fd, FALLOC_FL_KEEP_SIZE, from, more) == 0) return 0;
  if (errno == ENOSPC || errno == EDQUOT || errno == EFBIG || errno == EIO) return errno;
  return fstatvfs(store->fd, &room) == 0 && (off_t)room.f_bavail < more / (off_t)room.f_frsize ? ENOSPC : 0;
}

/* Room for all that has a place, what open tables will need, and what is going to be added. The limit of ulimit -f
 * would end the process by a signal. */
static ouro_status reserve(ouro_store *store, hsize_t bytes, hsize_t metadata) {
  struct rlimit limit;
  const off_t needed = (off_t)(store->end + store->promised + bytes + metadata + METADATA_BYTES + SLACK_BYTES);
  if (getrlimit(RLIMIT_FSIZE, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY && (rlim_t)needed > limit.rlim_cur) {
    return file_error(store->path, EFBIG);
  }
  if (needed <= store->reserved) return OURO_OK;
  const int number = find_room(store, store->reserved, needed - store->reserved);
  if (number != 0) return file_error(store->path, number);
  store->reserved = needed;
  return OURO_OK;
}

ouro_status ouro_store_ready(ouro_store *store, hsize_t bytes, hsize_t metadata) {
  if (!store->writing) return ouro_error(OURO_EINTERNAL, "%s: is open for reading", store->path);
  if (store->broken) return ouro_error(OURO_EIO, "%s: an earlier write failed", store->path);
  ouro_status status = store->failed ? file_error(store->path, store->failed) : injected(store);
  if (status == OURO_OK && store->rank == 0) status = reserve(store, bytes, metadata);
  return ouro_agree(store->comm, status);
}

ouro_status ouro_store_settle(ouro_store *store, ouro_status local) {
  if (local == OURO_OK && store->failed) local = file_error(store->path, store->failed);
  const ouro_status status = ouro_agree(store->comm, local);
  if (status != OURO_OK) store->broken = true;
  return status;
}

ouro_status ouro_store_placeholder(ouro_store *store, size_t size) {
  if (size <= store->placeholder_size) return OURO_OK;
  char *larger = ouro_memory_new(size, 1); /* untouched pages take no memory */
  if (larger == NULL) return OURO_ENOMEM;
  free(store->placeholder);
  store->placeholder = larger;
  store->placeholder_size = size;
  return OURO_OK;
}

void ouro_store_deflate(ouro_store *store, int level) {
  store->deflate = level;
}

/* Only what this run has locked is its own to remove. */
static void remove_part(const ouro_store *store) {
  if (store->fd >= 0) unlink(store->part);
}

/* An ordinary file, or nothing, may stand at the final name. */
static ouro_status check_target(const ouro_store *store) {
  struct stat info;
  if (stat(store->path, &info) != 0) return errno == ENOENT ? OURO_OK : file_error(store->path, errno);
  if (S_ISDIR(info.st_mode)) return file_error(store->path, EISDIR);
  if (!S_ISREG(info.st_mode)) return ouro_error(OURO_EIO, "%s: is not an ordinary file", store->path);
  if (!store->replace) return ouro_error(OURO_EIO, "%s: exists already, and is not to be replaced", store->path);
  return OURO_OK;
}

/* Take the temporary file; a lock tells a leftover of a dead run from the file of a living one. The kernel drops the
 * lock with the process. Between opening and locking, that other run may have renamed its file: then try again. */
static ouro_status take_part(ouro_store *store) {
  for (int attempt = 0; attempt < 10; attempt++) {
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = LOCK_PLACE, .l_len = 1};
    struct stat opened, named;
    store->fd = open(store->part, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    if (store->fd < 0) return file_error(store->part, errno);
    if (fcntl(store->fd, F_OFD_SETLK, &lock) != 0 && (errno == EAGAIN || errno == EACCES)) {
      close(store->fd);
      store->fd = -1;
      return ouro_error(OURO_EIO, "%s: another run is writing it now", store->path);
    }
    if (fstat(store->fd, &opened) == 0 && stat(store->part, &named) == 0 && opened.st_ino == named.st_ino &&
        opened.st_dev == named.st_dev) {
      return ftruncate(store->fd, 0) == 0 ? OURO_OK : file_error(store->part, errno);
    }
    close(store->fd);
    store->fd = -1;
  }
  return ouro_error(OURO_EIO, "%s: other runs keep writing it", store->path);
}

static void free_store(ouro_store *store) {
  if (store == NULL) return;
  ouro_writer_stop(&store->writer);
  if (store->data >= 0 && store->data != store->fd) close(store->data);
  if (store->fd >= 0) close(store->fd);
  free(store->placeholder);
  free(store->path);
  free(store->part);
  free(store);
}

ouro_store *ouro_store_new(MPI_Comm comm, const char *path) {
  ouro_store *store = ouro_memory_new(1, sizeof *store);
  if (store == NULL) return NULL;
  *store = (ouro_store){.comm = comm, .file = H5I_INVALID_HID, .fd = -1, .data = -1};
  MPI_Comm_rank(comm, &store->rank);
  MPI_Comm_size(comm, &store->n_ranks);
  const size_t size = strlen(path) + sizeof ".part";
  store->path = ouro_memory_new(size, 1);
  store->part = ouro_memory_new(size, 1);
  if (store->path == NULL || store->part == NULL) {
    free_store(store);
    return NULL;
  }
  snprintf(store->path, size, "%s", path);
  snprintf(store->part, size, "%s.part", path);
  return store;
}

static ouro_status prepare_file(ouro_store *store) {
  ouro_status status = injected(store);
  if (status != OURO_OK || store->rank != 0) return status;
  OURO_TRY(check_target(store));
  OURO_TRY(take_part(store));
  OURO_TRY(reserve(store, 0, 0));
cleanup:
  return status;
}

/* Rank 0 opens it in HDF5, the others for their chunks. */
static ouro_status create_file(ouro_store *store) {
  if (store->rank > 0) {
    store->data = open(store->part, O_WRONLY | O_CLOEXEC);
    return store->data < 0 ? file_error(store->part, errno) : OURO_OK;
  }
  store->data = store->fd;
  const hid_t access = ouro_driver_access(store);
  if (access >= 0) store->file = H5Fcreate(store->part, H5F_ACC_TRUNC, H5P_DEFAULT, access);
  ouro_h5_close(access);
  return store->file < 0 ? ouro_h5_error(OURO_EIO, store, "create", "it") : OURO_OK;
}

ouro_status ouro_store_create(MPI_Comm comm, const char *path, bool replace, ouro_store **store) {
  ouro_status status = OURO_OK;
  ouro_store *fresh = ouro_store_new(comm, path);
  *store = NULL;
  ouro_h5_quiet();
  OURO_AGREE(comm, fresh ? OURO_OK : OURO_ENOMEM);
  fresh->replace = replace;
  fresh->writing = true;
  OURO_AGREE(comm, prepare_file(fresh));
  OURO_TRY(ouro_store_settle(fresh, create_file(fresh)));
  ouro_writer_start(&fresh->writer);
  *store = fresh;
  fresh = NULL;
cleanup:
  if (fresh && fresh->writing) ouro_store_discard(&fresh);
  free_store(fresh); /* one that is not agreed to exist */
  return status;
}

void ouro_store_discard(ouro_store **store) {
  if (store == NULL || *store == NULL) return;
  (*store)->abandoned = true;
  if ((*store)->file >= 0) H5Fclose((*store)->file);
  remove_part(*store);
  MPI_Barrier((*store)->comm);
  free_store(*store);
  *store = NULL;
}

static ouro_status flush_file(ouro_store *store) {
  return H5Fflush(store->file, H5F_SCOPE_GLOBAL) < 0 ? ouro_h5_error(OURO_EIO, store, "flush", "it") : OURO_OK;
}

static ouro_status close_file(ouro_store *store) {
  const herr_t closed = H5Fclose(store->file);
  store->file = H5I_INVALID_HID;
  return closed < 0 ? ouro_h5_error(OURO_EIO, store, "close", "it") : OURO_OK;
}

/* The flag comes after everything it vouches for is in the file, and the chunks of every rank are on the disk. */
static ouro_status finish_file(ouro_store *store) {
  ouro_status status = OURO_OK;
  OURO_CHECK(store->n_unfinished == 0, OURO_EINTERNAL, "%s: %d tables lack some of their slabs", store->path,
             store->n_unfinished);
  OURO_TRY(ouro_store_ready(store, 0, 0));
  OURO_TRY(ouro_store_settle(store, fsync(store->data) != 0 ? file_error(store->path, errno) : OURO_OK));
  OURO_TRY(ouro_store_settle(store, store->rank == 0 ? flush_file(store) : OURO_OK));
  OURO_TRY(ouro_store_set_int(store, "/", "complete", 1));
  OURO_TRY(ouro_store_ready(store, 0, 0));
  OURO_TRY(ouro_store_settle(store, store->rank == 0 ? close_file(store) : OURO_OK));
cleanup:
  return status;
}

static ouro_status sync_directory(const char *path) {
  char *copy = strdup(path);
  if (copy == NULL) return ouro_error(OURO_ENOMEM, "out of memory");
  const int fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  free(copy);
  if (fd < 0) return OURO_OK; /* a directory we may write but not read cannot be synced */
  const int bad = fsync(fd) != 0 && errno != EINVAL, number = errno;
  close(fd);
  return bad ? file_error(path, number) : OURO_OK;
}

static ouro_status rename_file(const ouro_store *store) {
  if (store->replace) {
    return rename(store->part, store->path) == 0 ? OURO_OK : file_error(store->path, errno);
  }
  if (renameat2(AT_FDCWD, store->part, AT_FDCWD, store->path, RENAME_NOREPLACE) == 0) return OURO_OK;
  if (errno != EINVAL && errno != ENOSYS) return file_error(store->path, errno);
  ouro_status status = check_target(store); /* file systems without the flag: nearly as good */
  if (status == OURO_OK && rename(store->part, store->path) != 0) status = file_error(store->path, errno);
  return status;
}

/* Give back the reserved space behind the end, make the file durable, then its name. */
static ouro_status publish(const ouro_store *store) {
  struct stat info;
  ouro_status status = OURO_OK;
  if (fstat(store->fd, &info) != 0 || ftruncate(store->fd, info.st_size) != 0 || fsync(store->fd) != 0) {
    return file_error(store->path, errno);
  }
  OURO_TRY(check_target(store));
  OURO_TRY(rename_file(store));
  OURO_TRY(sync_directory(store->path));
cleanup:
  return status;
}

ouro_status ouro_store_commit(ouro_store **store) {
  ouro_status status = OURO_OK;
  OURO_TRY(finish_file(*store));
  OURO_AGREE((*store)->comm, injected(*store)); /* the last moment at which another rank can keep rank 0 from it */
  OURO_AGREE((*store)->comm, (*store)->rank == 0 ? publish(*store) : OURO_OK);
  free_store(*store);
  *store = NULL;
cleanup:
  ouro_store_discard(store);
  return status;
}
