/* Checked allocation with fault injection, and how much memory there is: see memory.h. */

#include "ouro/base/memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

static int64_t fail_countdown; /* 0: injection is off */

void ouro_memory_fail_at(int64_t n) {
  fail_countdown = n;
}

static bool injected_failure(void) {
  return fail_countdown > 0 && --fail_countdown == 0;
}

ouro_status ouro_memory_product(size_t n, size_t size, size_t *product) {
  if (__builtin_mul_overflow(n, size, product) || *product > PTRDIFF_MAX) {
    return ouro_error(OURO_ELIMIT, "%zu elements of %zu bytes are more than memory can address", n, size);
  }
  return OURO_OK;
}

static void *refuse(size_t n, size_t size) {
  ouro_error(OURO_ENOMEM, "out of memory: %zu elements of %zu bytes", n, size);
  return NULL;
}

void *ouro_memory_new(size_t n, size_t size) {
  size_t bytes;
  if (ouro_memory_product(n, size, &bytes) != OURO_OK || injected_failure()) return refuse(n, size);
  void *block = calloc(bytes ? bytes : 1, 1);
  return block ? block : refuse(n, size);
}

void *ouro_memory_resize(void *block, size_t n, size_t size) {
  size_t bytes;
  if (ouro_memory_product(n, size, &bytes) != OURO_OK || injected_failure()) return refuse(n, size);
  void *resized = realloc(block, bytes ? bytes : 1);
  return resized ? resized : refuse(n, size);
}

/* What getrusage() says holds the memory of whoever started the program, too: it outlives exec(). */
int64_t ouro_memory_high_water(void) {
  FILE *file = fopen("/proc/self/status", "r");
  char line[256];
  int64_t kib = -1;
  struct rusage usage;
  while (file && fgets(line, sizeof line, file) && sscanf(line, "VmHWM: %" SCNd64, &kib) != 1) continue;
  if (file) fclose(file);
  if (kib >= 0) return kib * 1024;
  getrusage(RUSAGE_SELF, &usage);
  return (int64_t)usage.ru_maxrss * 1024; /* Linux reports KiB */
}

/* First integer of a file, or -1 if there is none ("max" in a cgroup file). */
static int64_t number_in(const char *path) {
  FILE *file = fopen(path, "r");
  int64_t value = -1;
  if (file == NULL) return -1;
  if (fscanf(file, "%" SCNd64, &value) != 1) value = -1;
  fclose(file);
  return value;
}

static int64_t machine_available(void) {
  FILE *file = fopen("/proc/meminfo", "r");
  char line[256];
  int64_t kib = -1;
  if (file == NULL) return INT64_MAX;
  while (fgets(line, sizeof line, file) && sscanf(line, "MemAvailable: %" SCNd64, &kib) != 1) continue;
  fclose(file);
  return kib < 0 ? INT64_MAX : kib * 1024;
}

int64_t ouro_memory_available(MPI_Comm comm) {
  int64_t bytes = machine_available();
  const int64_t limit = number_in("/sys/fs/cgroup/memory.max"), used = number_in("/sys/fs/cgroup/memory.current");
  if (limit >= 0 && used >= 0 && limit - used < bytes) bytes = limit - used;
  MPI_Comm node;
  int sharing;
  MPI_Comm_split_type(comm, MPI_COMM_TYPE_SHARED, 0, MPI_INFO_NULL, &node);
  MPI_Comm_size(node, &sharing);
  MPI_Comm_free(&node);
  return bytes / sharing;
}
