/* cmocka under MPI: see harness.h. */

#include "harness.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char scratch[256];

#ifdef __SANITIZE_ADDRESS__
/* Open MPI unloads its components before the leak check, which then cannot tell whose the blocks were. */
int dlclose(void *handle);
int dlclose(void *handle) {
  (void)handle;
  return 0;
}
#endif

static int rank_of_world(void) {
  int rank;
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  return rank;
}

static void remove_scratch(void) {
  if (scratch[0] == '\0') return;
  DIR *dir = opendir(scratch);
  for (struct dirent *entry = dir ? readdir(dir) : NULL; entry; entry = readdir(dir)) {
    char path[600];
    snprintf(path, sizeof path, "%s/%s", scratch, entry->d_name);
    if (entry->d_name[0] != '.') unlink(path);
  }
  if (dir) closedir(dir);
  rmdir(scratch);
}

int test_main(const char *name, const struct CMUnitTest *tests, size_t n) {
  int level;
  MPI_Init_thread(NULL, NULL, getenv("OURO_TEST_SINGLE") ? MPI_THREAD_SINGLE : MPI_THREAD_FUNNELED, &level);
  const int root = rank_of_world() == 0;
  if (!root && freopen("/dev/null", "w", stdout) == NULL) return 1;
  int failed = _cmocka_run_group_tests(name, tests, n, NULL, NULL);
  MPI_Allreduce(MPI_IN_PLACE, &failed, 1, MPI_INT, MPI_MAX, MPI_COMM_WORLD);
  MPI_Barrier(MPI_COMM_WORLD);
  if (root) remove_scratch();
  MPI_Finalize();
  return failed != 0;
}

int test_everywhere(int condition, const char *text, const char *file, int line) {
  int all = condition != 0;
  if (!all) {
    fprintf(stderr, "[rank %d] %s:%d: %s fails; last message: %s\n", rank_of_world(), file, line, text,
            ouro_error_message());
  }
  MPI_Allreduce(MPI_IN_PLACE, &all, 1, MPI_INT, MPI_MIN, MPI_COMM_WORLD);
  return all;
}

const char *test_data(void) {
  static const char place[] = "../shared/data";
  const char *given = getenv("OURO_TEST_DATA");
  struct stat info;
  if (given) return stat(given, &info) == 0 ? given : NULL;
  return stat(place, &info) == 0 ? place : NULL;
}

static void make_scratch(void) {
  if (rank_of_world() == 0) {
    const char *base = getenv("TMPDIR");
    snprintf(scratch, sizeof scratch, "%s/ouro-test-XXXXXX", base ? base : "/tmp");
    if (mkdtemp(scratch) == NULL) scratch[0] = '\0';
  }
  MPI_Bcast(scratch, sizeof scratch, MPI_CHAR, 0, MPI_COMM_WORLD);
}

char *test_path(const char *name, char *path, size_t size) {
  if (scratch[0] == '\0') make_scratch();
  snprintf(path, size, "%s/%s", scratch, name);
  return path;
}

char *test_file(const char *name, const char *text, size_t length, char *path, size_t size) {
  test_path(name, path, size);
  if (rank_of_world() == 0) {
    FILE *file = fopen(path, "wb");
    if (file) {
      fwrite(text, 1, length, file);
      fclose(file);
    }
  }
  MPI_Barrier(MPI_COMM_WORLD);
  return path;
}
