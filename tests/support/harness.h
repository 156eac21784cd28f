#ifndef OURO_TESTS_HARNESS_H
#define OURO_TESTS_HARNESS_H

/* cmocka under MPI. Every rank runs every test; a check that fails on one rank is agreed on by all before any
 * of them asserts, so a failing test cannot leave the other ranks in a collective. Rank 0 reports.
 * A test file says the rank counts it wants in a comment: "ranks: 1 2 3 4 7". */

#include <mpi.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "ouro/base/status.h"

/** Run a group of tests between MPI_Init and MPI_Finalize.
 *  Collective on MPI_COMM_WORLD.
 *  Returns the exit status of the program: 0 if all tests passed on all ranks. */
int test_main(const char *name, const struct CMUnitTest *tests, size_t n);

/** True on all ranks iff the condition holds on all of them; where it fails says so.
 *  Collective on MPI_COMM_WORLD. */
int test_everywhere(int condition, const char *text, const char *file, int line);

/** The directory of larger real graphs, or NULL where this machine has none.
 *  Not collective. */
const char *test_data(void);

/** A path in a scratch directory of this run, the same on all ranks, removed at the end.
 *  Collective on MPI_COMM_WORLD the first time.
 *  Returns path [size]. */
char *test_path(const char *name, char *path, size_t size);

/** Write a text file in the scratch directory (rank 0 writes, all wait).
 *  Collective on MPI_COMM_WORLD.
 *  Returns path [size]. */
char *test_file(const char *name, const char *text, size_t length, char *path, size_t size);

/* Assert that a condition holds on every rank. Collective. */
#define assert_everywhere(condition) assert_true(test_everywhere((condition) != 0, #condition, __FILE__, __LINE__))

/* Assert that a collective call succeeded everywhere, and show its message if not. Collective. */
#define assert_ok(call) assert_true(test_everywhere((call) == OURO_OK, #call, __FILE__, __LINE__))

#define TEST_MAIN(tests)                                                                                               \
  int main(void) {                                                                                                     \
    return test_main(__FILE__, (tests), sizeof(tests) / sizeof((tests)[0]));                                           \
  }

#endif
