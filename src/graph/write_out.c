/* A text file written by all ranks: see write.h. It appears under its name when it is whole, or not at all. */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "graph/write.h"
#include "ouro/base/memory.h"

#define SLICE ((size_t)1 << 26)

ouro_status ouro_out_bytes(ouro_out *out, const char *bytes, size_t n) {
  ouro_status status = OURO_OK;
  if (n > out->room - out->n) {
    OURO_RESIZE(out->text, 2 * out->room + n + 4096);
    out->room = 2 * out->room + n + 4096;
  }
  memcpy(out->text + out->n, bytes, n);
  out->n += n;
cleanup:
  return status;
}

ouro_status ouro_out_integer(ouro_out *out, int64_t value, char behind) {
  char digits[24], *at = digits + sizeof digits;
  uint64_t left = value < 0 ? -(uint64_t)value : (uint64_t)value;
  *--at = behind;
  do *--at = (char)('0' + left % 10);
  while (left /= 10);
  if (value < 0) *--at = '-';
  return ouro_out_bytes(out, at, (size_t)(digits + sizeof digits - at));
}

static ouro_status io_error(const char *path, int error) {
  return ouro_error(OURO_EIO, "%s: %s", path, strerror(error));
}

/* Rank 0: only a regular file may be replaced. */
static ouro_status create_part(const char *path, const char *part) {
  struct stat info;
  if (stat(path, &info) == 0 && S_ISDIR(info.st_mode)) return io_error(path, EISDIR);
  if (stat(path, &info) == 0 && !S_ISREG(info.st_mode)) return ouro_error(OURO_EIO, "%s: not a regular file", path);
  const int file = open(part, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
  if (file < 0) return io_error(path, errno);
  close(file);
  return OURO_OK;
}

static ouro_status write_part(const char *path, const char *part, const ouro_out *out, int64_t offset) {
  const int file = open(part, O_WRONLY | O_CLOEXEC);
  if (file < 0) return io_error(path, errno);
  int error = 0;
  for (size_t done = 0; done < out->n && error == 0;) {
    const size_t n = out->n - done < SLICE ? out->n - done : SLICE;
    const ssize_t put = pwrite(file, out->text + done, n, (off_t)(offset + (int64_t)done));
    if (put < 0 && errno != EINTR) error = errno;
    if (put > 0) done += (size_t)put;
  }
  if (fsync(file) != 0 && error == 0) error = errno;
  if (close(file) != 0 && error == 0) error = errno;
  return error ? io_error(path, error) : OURO_OK;
}

/* Rank 0: give the file its name, for good. */
static ouro_status rename_part(const char *path, const char *part) {
  if (rename(part, path) != 0) return io_error(path, errno);
  char folder[4096];
  snprintf(folder, sizeof folder, "%s", path);
  char *slash = strrchr(folder, '/');
  if (slash) slash[slash == folder] = '\0';
  const int directory = open(slash ? folder : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (directory >= 0) {
    fsync(directory);
    close(directory);
  }
  return OURO_OK;
}

ouro_status ouro_out_commit(MPI_Comm comm, const char *path, ouro_out *out) {
  ouro_status status;
  int64_t n = (int64_t)out->n, offset = 0;
  int rank;
  bool created = false;
  const size_t size = strlen(path) + sizeof ".part";
  char *part = ouro_memory_new(size, 1);
  MPI_Comm_rank(comm, &rank);
  OURO_AGREE(comm, part ? OURO_OK : OURO_ENOMEM);
  snprintf(part, size, "%s.part", path);
  OURO_AGREE(comm, rank == 0 ? create_part(path, part) : OURO_OK);
  created = true;
  MPI_Exscan(&n, &offset, 1, MPI_INT64_T, MPI_SUM, comm);
  OURO_AGREE(comm, write_part(path, part, out, rank == 0 ? 0 : offset));
  OURO_AGREE(comm, rank == 0 ? rename_part(path, part) : OURO_OK);
  created = false;
cleanup:
  if (created && rank == 0) unlink(part);
  free(part);
  free(out->text);
  *out = (ouro_out){0};
  return status;
}
