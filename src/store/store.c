/* A file from its temporary name to its final one, and files opened for reading: see store.h.
 * Invariant: between ouro_store_ready() and ouro_store_settle() all ranks change the file in the same way, so a failure
 * shows on all of them. HDF5 cannot recover if it shows on some only, which is why disk space is reserved before. */

#include "store/private.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "ouro/base/log.h"
#include "ouro/base/memory.h"

#define METADATA_BYTES ((hsize_t)1 << 14) /* of one change, beside what its caller counts */
#define SLACK_BYTES ((hsize_t)1 << 18)    /* for closing a file, whatever happened */
#define PATIENCE_SECONDS 20
#define LOCK_PLACE ((off_t)1 << 62) /* far behind any data, so that locks of MPI-IO do not meet ours */

static int64_t fail_countdown; /* 0: injection is off */

void ouro_store_fail_at(int64_t n) {
  fail_countdown = n;
}

static ouro_status injected(const ouro_store *store) {
  if (fail_countdown <= 0 || --fail_countdown > 0) return OURO_OK;
  return ouro_error(OURO_EIO, "%s: write failed by injection", store->path);
}

static ouro_status file_error(const char *path, int number) {
  return ouro_error(OURO_EIO, "%s: %s", path, strerror(number));
}

/* Reserve the next `more` bytes of the file without changing its size, or at least see that there is room for them:
 * not every file system can reserve. */
static int find_room(const ouro_store *store, off_t from, off_t more) {
  struct statvfs room;
  if (fallocate(store->fd, FALLOC_FL_KEEP_SIZE, from, more) == 0) return 0;
  if (errno == ENOSPC || errno == EDQUOT || errno == EFBIG || errno == EIO) return errno;
  return fstatvfs(store->fd, &room) == 0 && (off_t)room.f_bavail < more / (off_t)room.f_frsize ? ENOSPC : 0;
}

/* Room for what HDF5 is going to add. It does not tell its own end of the file; that is at most the end of what is
 * written plus the metadata that still wait in memory. The limit of ulimit -f would end the process by a signal. */
static ouro_status reserve(ouro_store *store, hsize_t bytes, hsize_t metadata) {
  struct stat info;
  struct rlimit limit;
  if (fstat(store->fd, &info) != 0) return file_error(store->path, errno);
  store->unwritten += metadata + METADATA_BYTES;
  const off_t more = (off_t)(store->unwritten + bytes + SLACK_BYTES);
  if (getrlimit(RLIMIT_FSIZE, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY &&
      (rlim_t)(info.st_size + more) > limit.rlim_cur) {
    return file_error(store->path, EFBIG);
  }
  const int number = find_room(store, info.st_size, more);
  return number == 0 ? OURO_OK : file_error(store->path, number);
}

ouro_status ouro_store_ready(ouro_store *store, hsize_t bytes, hsize_t metadata) {
  if (!store->writing) return ouro_error(OURO_EINTERNAL, "%s: is open for reading", store->path);
  if (store->broken) return ouro_error(OURO_EIO, "%s: an earlier write failed", store->path);
  ouro_status status = injected(store);
  if (status == OURO_OK && store->rank == 0) status = reserve(store, bytes, metadata);
  return ouro_agree(store->comm, status);
}

/* Only what this run has locked is its own to remove. */
static void remove_part(const ouro_store *store) {
  if (store->fd >= 0) unlink(store->part);
}

/* HDF5 1.10 has no way to leave a file after a failed write: closing it, or ending MPI, hangs where the caches of the
 * ranks differ and crashes on one rank. Ending the run is what remains. */
static void give_up(const ouro_store *store) {
  unlink(store->part);
  ouro_log_all(OURO_LOG_ERROR, "%s", ouro_error_message());
  MPI_Abort(store->comm, OURO_EXIT_ERROR);
}

/* A rank with an error waits for the others, but not for ever: they may be waiting for it inside HDF5. */
static bool all_came(MPI_Request *request, bool failed) {
  int done = 0;
  const double start = MPI_Wtime();
  if (!failed) return MPI_Wait(request, MPI_STATUS_IGNORE) == MPI_SUCCESS;
  while (!done && MPI_Wtime() - start < PATIENCE_SECONDS) {
    MPI_Test(request, &done, MPI_STATUS_IGNORE);
    if (!done) usleep(1000);
  }
  return done;
}

ouro_status ouro_store_settle(ouro_store *store, ouro_status local) {
  int good = local == OURO_OK, all = 0;
  MPI_Request request;
  MPI_Iallreduce(&good, &all, 1, MPI_INT, MPI_MIN, store->comm, &request);
  if (!all_came(&request, local != OURO_OK)) give_up(store);
  if (all) return OURO_OK;
  store->broken = true;
  return ouro_agree(store->comm, local);
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
  if (store->fd >= 0) close(store->fd);
  free(store->path);
  free(store->part);
  free(store);
}

ouro_store *ouro_store_new(MPI_Comm comm, const char *path) {
  ouro_store *store = ouro_memory_new(1, sizeof *store);
  if (store == NULL) return NULL;
  *store = (ouro_store){.comm = comm, .file = H5I_INVALID_HID, .fd = -1};
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
  const int number = find_room(store, 0, (off_t)SLACK_BYTES);
  if (number != 0) status = file_error(store->path, number);
cleanup:
  return status;
}

static ouro_status create_file(ouro_store *store) {
  const hid_t access = ouro_h5_access(store->comm);
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
  *store = fresh;
  fresh = NULL;
cleanup:
  if (fresh && fresh->writing) ouro_store_discard(&fresh);
  free_store(fresh); /* one that is not agreed to exist */
  return status;
}

void ouro_store_discard(ouro_store **store) {
  if (store == NULL || *store == NULL) return;
  if ((*store)->broken) {
    MPI_Barrier((*store)->comm);
    if ((*store)->rank == 0) give_up(*store);
    MPI_Barrier((*store)->comm);
  }
  if ((*store)->file >= 0) H5Fclose((*store)->file);
  remove_part(*store);
  MPI_Barrier((*store)->comm);
  free_store(*store);
  *store = NULL;
}

/* The flag comes after everything it vouches for is in the file. */
static ouro_status finish_file(ouro_store *store) {
  ouro_status status = OURO_OK;
  OURO_CHECK(store->n_unfinished == 0, OURO_EINTERNAL, "%s: %d tables lack some of their slabs", store->path,
             store->n_unfinished);
  OURO_TRY(ouro_store_ready(store, 0, 0));
  OURO_TRY(ouro_store_settle(
      store, H5Fflush(store->file, H5F_SCOPE_GLOBAL) < 0 ? ouro_h5_error(OURO_EIO, store, "flush", "it") : OURO_OK));
  store->unwritten = 0;
  OURO_TRY(ouro_store_set_int(store, "/", "complete", 1));
  OURO_TRY(ouro_store_ready(store, 0, 0));
  const herr_t closed = H5Fclose(store->file);
  store->file = H5I_INVALID_HID;
  OURO_TRY(ouro_store_settle(store, closed < 0 ? ouro_h5_error(OURO_EIO, store, "close", "it") : OURO_OK));
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
