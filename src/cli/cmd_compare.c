/* `ouro compare`: two run files table by table, or the simulation of one file with its theory. Every rank reads
 * its share of the rows. */

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "ouro/base/memory.h"
#include "ouro/store/store.h"
#include "ouro/theory/agree.h"

enum { KEY_TOLERANCE = 256, SLICE_BYTES = 1 << 24 };

typedef struct compare_options {
  cli_options common;
  double tolerance;
} compare_options;

static const struct argp_option option_table[] = {
    {"tolerance", KEY_TOLERANCE, "X", 0, "Largest relative difference that counts as equal (default 0: same bits)", 0},
    CLI_COMMON_OPTIONS,
    {0}};

static error_t set_tolerance(compare_options *options, const char *argument, struct argp_state *state) {
  char *end;
  options->tolerance = strtod(argument, &end);
  if (*argument && *end == '\0' && options->tolerance >= 0 && isfinite(options->tolerance)) return 0;
  argp_error(state, "--tolerance needs a number of at least 0, not `%s`", argument);
  return EINVAL;
}

static error_t parse(int key, char *argument, struct argp_state *state) {
  compare_options *options = state->input;
  if (key == KEY_TOLERANCE) return set_tolerance(options, argument, state);
  if (key != ARGP_KEY_END) return cli_parse_common(key, argument, state);
  if (options->common.help || options->common.n_positional > 0) return 0;
  argp_error(state, "name one or two run files");
  return EINVAL;
}

static const struct argp argp = {
    option_table,
    parse,
    "RUN.h5 [OTHER.h5]",
    "Two run files: compare every table that does not depend on the number of ranks; exit status 1 if they differ. "
    "One run file: compare its simulation with its theory."
    "\vExample: ouro compare run.h5",
    NULL,
    NULL,
    NULL};

/* How much two tables differ. */
typedef struct difference {
  int64_t unequal; /* values whose bits differ */
  double largest;  /* absolute */
  double relative; /* |a - b| / max(|a|, |b|) */
} difference;

static void add_doubles(difference *d, const double *a, const double *b, int64_t n) {
  for (int64_t k = 0; k < n; k++) {
    if (memcmp(&a[k], &b[k], sizeof a[k]) == 0) continue;
    const double gap = fabs(a[k] - b[k]), scale = fmax(fabs(a[k]), fabs(b[k]));
    d->unequal++;
    d->largest = gap <= d->largest ? d->largest : isnan(gap) ? INFINITY : gap;
    d->relative = scale == 0 || gap / scale <= d->relative ? d->relative : isnan(gap) ? INFINITY : gap / scale;
  }
}

static void add_words(difference *d, const char *a, const char *b, int64_t n, size_t width) {
  for (int64_t k = 0; k < n; k++) {
    if (memcmp(a + (size_t)k * width, b + (size_t)k * width, width) == 0) continue;
    d->unequal++;
    d->largest = d->relative = INFINITY;
  }
}

static bool same_shape(const ouro_table_shape *a, const ouro_table_shape *b) {
  if (a->n_axes != b->n_axes || a->text_width != b->text_width) return false;
  if ((a->kind == OURO_KIND_DOUBLE) != (b->kind == OURO_KIND_DOUBLE)) return false;
  if ((a->kind == OURO_KIND_TEXT) != (b->kind == OURO_KIND_TEXT)) return false;
  return memcmp(a->length, b->length, (size_t)a->n_axes * sizeof a->length[0]) == 0;
}

/* Values in one row of axis 0. */
static int64_t row_values(const ouro_table_shape *shape) {
  int64_t n = 1;
  for (int a = 1; a < shape->n_axes; a++) n *= shape->length[a];
  return n;
}

/* Compare rows first .. first+n-1 that both files give; each rank has its own range. */
static ouro_status compare_rows(ouro_store *const *stores, const char *path, const ouro_table_shape *shape,
                                int64_t first, int64_t n, char *const *buffers, difference *d) {
  const int64_t values = n * row_values(shape);
  const ouro_kind kind =
      shape->kind == OURO_KIND_DOUBLE || shape->kind == OURO_KIND_TEXT ? shape->kind : OURO_KIND_INT64;
  ouro_status status = OURO_OK;
  for (int k = 0; k < 2; k++) OURO_TRY(ouro_store_read(stores[k], path, kind, first, n, buffers[k]));
  if (kind == OURO_KIND_DOUBLE)
    add_doubles(d, (const double *)buffers[0], (const double *)buffers[1], values);
  else
    add_words(d, buffers[0], buffers[1], values, kind == OURO_KIND_TEXT ? (size_t)shape->text_width : sizeof(int64_t));
cleanup:
  return status;
}

static ouro_status compare_values(MPI_Comm comm, ouro_store *const *stores, const char *path,
                                  const ouro_table_shape *shape, difference *d) {
  ouro_status status = OURO_OK;
  char *buffers[2] = {NULL, NULL};
  int rank, n_ranks;
  MPI_Comm_rank(comm, &rank);
  MPI_Comm_size(comm, &n_ranks);
  const int64_t width = shape->kind == OURO_KIND_TEXT ? shape->text_width : 8, row_bytes = row_values(shape) * width;
  const int64_t slice = row_bytes < SLICE_BYTES && row_bytes > 0 ? SLICE_BYTES / row_bytes : 1;
  for (int k = 0; k < 2; k++) buffers[k] = ouro_memory_new((size_t)slice, (size_t)row_bytes);
  OURO_AGREE(comm, buffers[0] && buffers[1] ? OURO_OK : OURO_ENOMEM);
  for (int64_t begin = 0; begin < shape->length[0]; begin += slice * n_ranks) {
    int64_t first = begin + rank * slice;
    if (first > shape->length[0]) first = shape->length[0];
    const int64_t left = shape->length[0] - first;
    OURO_TRY(compare_rows(stores, path, shape, first, left < slice ? left : slice, buffers, d));
  }
  MPI_Allreduce(MPI_IN_PLACE, &d->unequal, 1, MPI_INT64_T, MPI_SUM, comm);
  MPI_Allreduce(MPI_IN_PLACE, &d->largest, 2, MPI_DOUBLE, MPI_MAX, comm);
cleanup:
  free(buffers[0]);
  free(buffers[1]);
  return status;
}

/* Which rank trained a model and how long that took are no results. */
static bool is_result(const char *path) {
  return strcmp(path, "/node/owner") != 0 && strncmp(path, "/timing/", 8) != 0;
}

/* Compare one table; *differs counts the tables that do. */
static ouro_status compare_table(MPI_Comm comm, ouro_store *const *stores, const char *path, double tolerance,
                                 int *differs) {
  ouro_status status = OURO_OK;
  ouro_table_shape shape[2];
  difference d = {0};
  const bool root = cli_is_root(comm);
  OURO_TRY(ouro_store_shape(stores[0], path, &shape[0]));
  OURO_TRY(ouro_store_shape(stores[1], path, &shape[1]));
  if (!same_shape(&shape[0], &shape[1])) {
    ++*differs;
    if (root) printf("%-24s differs in shape\n", path);
    goto cleanup;
  }
  OURO_TRY(compare_values(comm, stores, path, &shape[0], &d));
  if (d.relative > tolerance || (d.unequal > 0 && tolerance == 0)) ++*differs;
  if (!root) goto cleanup;
  if (d.unequal == 0)
    printf("%-24s identical\n", path);
  else
    printf("%-24s %" PRId64 " values differ, by %.3g at most (relative %.3g)\n", path, d.unequal, d.largest,
           d.relative);
cleanup:
  return status;
}

static int by_text(const void *key, const void *entry) {
  return strcmp(*(char *const *)key, *(char *const *)entry);
}

/* Tables that only one file has; the other paths are compared. Lists are sorted. */
static ouro_status compare_lists(MPI_Comm comm, ouro_store *const *stores, char **const *paths, const int *n,
                                 double tolerance, int *differs) {
  ouro_status status = OURO_OK;
  for (int side = 0; side < 2; side++) {
    for (int k = 0; k < n[side]; k++) {
      char *path = paths[side][k];
      if (!is_result(path)) continue;
      const bool both = bsearch(&path, paths[1 - side], (size_t)n[1 - side], sizeof path, by_text) != NULL;
      if (both && side == 0) OURO_TRY(compare_table(comm, stores, path, tolerance, differs));
      if (both) continue;
      ++*differs;
      if (cli_is_root(comm)) printf("%-24s only in the %s file\n", path, side == 0 ? "first" : "second");
    }
  }
cleanup:
  return status;
}

static ouro_status compare_files(MPI_Comm comm, char *const *files, double tolerance) {
  ouro_status status = OURO_OK;
  ouro_store *stores[2] = {NULL, NULL};
  char **paths[2] = {NULL, NULL};
  int n[2] = {0, 0}, differs = 0;
  for (int k = 0; k < 2; k++) {
    OURO_TRY(ouro_store_open(comm, files[k], "ouro-run", &stores[k]));
    OURO_TRY(ouro_store_list(stores[k], &paths[k], &n[k]));
  }
  OURO_TRY(compare_lists(comm, stores, paths, n, tolerance, &differs));
  OURO_CHECK(differs == 0, OURO_EINPUT, "%s and %s differ in %d table%s", files[0], files[1], differs,
             differs == 1 ? "" : "s");
cleanup:
  for (int k = 0; k < 2; k++) {
    free(paths[k]);
    ouro_store_discard(&stores[k]);
  }
  return status;
}

/* A stored trajectory, slab by slab. */
typedef struct trajectory {
  ouro_store *store;
  int64_t n_generations, n_nodes, replicates;
  double *generation;                    /* [n_generations] */
  double *error, *error_sd, *theory, *z; /* [n_nodes] of one generation */
  ouro_gid *gid;                         /* [n_nodes] 0, 1, ... */
} trajectory;

static ouro_status open_trajectory(MPI_Comm comm, const char *file, trajectory *t) {
  ouro_status status = OURO_OK;
  ouro_table_shape shape;
  OURO_TRY(ouro_store_open(comm, file, "ouro-run", &t->store));
  OURO_TRY(ouro_store_get_int(t->store, "/", "replicates", &t->replicates));
  if (ouro_store_shape(t->store, "/trajectory/theory", &shape) != OURO_OK) {
    OURO_TRY(ouro_error(OURO_EINPUT, "%s: holds no theory (see theory.exact), so there is nothing to compare", file));
  }
  if (ouro_store_shape(t->store, "/trajectory/error", &shape) != OURO_OK) {
    OURO_TRY(ouro_error(OURO_EINPUT, "%s: holds no simulation (`ouro run` makes one)", file));
  }
  t->n_generations = shape.length[0];
  t->n_nodes = shape.length[1];
cleanup:
  return status;
}

static ouro_status allocate_trajectory(trajectory *t) {
  ouro_status status = OURO_OK;
  OURO_NEW(t->generation, t->n_generations);
  OURO_NEW(t->error, t->n_nodes);
  OURO_NEW(t->error_sd, t->n_nodes);
  OURO_NEW(t->theory, t->n_nodes);
  OURO_NEW(t->z, t->n_nodes);
  OURO_NEW(t->gid, t->n_nodes);
  for (int64_t i = 0; i < t->n_nodes; i++) t->gid[i] = i;
cleanup:
  return status;
}

static void close_trajectory(trajectory *t) {
  free(t->generation);
  free(t->error);
  free(t->error_sd);
  free(t->theory);
  free(t->z);
  free(t->gid);
  ouro_store_discard(&t->store);
}

/* Score generation k on the rank whose turn it is; the others read nothing. */
static ouro_status score(trajectory *t, int64_t k, bool mine, ouro_agreement *agreement) {
  ouro_status status = OURO_OK;
  OURO_TRY(ouro_store_read(t->store, "/trajectory/error", OURO_KIND_DOUBLE, k, mine, t->error));
  OURO_TRY(ouro_store_read(t->store, "/trajectory/error_sd", OURO_KIND_DOUBLE, k, mine, t->error_sd));
  OURO_TRY(ouro_store_read(t->store, "/trajectory/theory", OURO_KIND_DOUBLE, k, mine, t->theory));
  OURO_TRY(ouro_store_read(t->store, "/trajectory/z", OURO_KIND_DOUBLE, k, mine, t->z));
  if (mine) {
    for (int64_t i = 0; i < t->n_nodes; i++) t->theory[i] = isnan(t->z[i]) ? NAN : t->theory[i]; /* what run scored */
    ouro_agreement_add(agreement, (ouro_lid)t->n_nodes, t->gid, (int64_t)t->generation[k], t->replicates, t->error,
                       t->error_sd, t->theory, NULL);
  }
cleanup:
  return status;
}

static void print_agreement(const ouro_agreement *agreement, const char *kind) {
  printf("theory: %s\n", kind);
  printf("z-scores: %" PRId64 ", rms %.4f\n", agreement->n, ouro_agreement_rms(agreement));
  printf("beyond 3: %" PRId64 ", %.1f expected\n", agreement->beyond_3, ouro_agreement_expected(agreement));
  printf("largest: %.3f at node index %" OURO_GID_FMT ", generation %" PRId64 "\n", agreement->largest,
         agreement->where, agreement->when);
}

static ouro_status compare_with_theory(MPI_Comm comm, const char *file) {
  ouro_status status = OURO_OK;
  trajectory t = {0};
  ouro_agreement agreement;
  char *kind = NULL;
  int rank, n_ranks;
  MPI_Comm_rank(comm, &rank);
  MPI_Comm_size(comm, &n_ranks);
  ouro_agreement_zero(&agreement);
  OURO_TRY(open_trajectory(comm, file, &t));
  OURO_TRY(ouro_store_get_text(t.store, "/trajectory", "theory_kind", &kind));
  OURO_AGREE(comm, allocate_trajectory(&t));
  OURO_TRY(ouro_store_read(t.store, "/axis/generation", OURO_KIND_DOUBLE, 0, t.n_generations, t.generation));
  for (int64_t k = 0; k < t.n_generations; k += n_ranks) {
    const bool mine = k + rank < t.n_generations;
    OURO_TRY(score(&t, mine ? k + rank : 0, mine, &agreement));
  }
  OURO_TRY(ouro_agreement_reduce(&agreement, comm));
  OURO_CHECK(agreement.n > 0, OURO_EINPUT, "%s: one replicate gives no standard error, so no z-scores", file);
  if (cli_is_root(comm)) print_agreement(&agreement, kind);
cleanup:
  free(kind);
  close_trajectory(&t);
  return status;
}

ouro_status cli_compare(MPI_Comm comm, int argc, char **argv) {
  ouro_status status = OURO_OK;
  compare_options options = {.common.max_positional = 2};
  OURO_TRY(cli_parse(comm, &argp, argc, argv, &options.common));
  if (options.common.help) goto cleanup;
  if (options.common.n_positional == 2)
    OURO_TRY(compare_files(comm, options.common.positional, options.tolerance));
  else
    OURO_TRY(compare_with_theory(comm, options.common.positional[0]));
cleanup:
  cli_options_clear(&options.common);
  return status;
}
