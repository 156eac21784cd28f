/* Machines: their text, and the rates of a kernel at any size. Invariant: kernels of one family and tier have sizes of
 * their own. Knows names of families, not families. */

#include "ouro/plan/machine.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ouro/base/memory.h"
#include "plan/private.h"

enum { N_KEYS = 9 };

static const char *const keys[N_KEYS] = {"memory",  "ranks",     "cache", "gather", "stream",
                                         "latency", "bandwidth", "write", "process"};

static double *value_of(ouro_plan_machine *machine, int key) {
  double *const values[N_KEYS] = {&machine->memory,    &machine->ranks,  &machine->cache,
                                  &machine->gather,    &machine->stream, &machine->latency,
                                  &machine->bandwidth, &machine->write,  &machine->process};
  return values[key];
}

/* Keys that divide. */
static bool must_be_positive(const char *key) {
  return strcmp(key, "memory") != 0 && strcmp(key, "latency") != 0 && strcmp(key, "process") != 0 &&
         strcmp(key, "gather") != 0;
}

static bool same_kernel(const ouro_plan_kernel *a, const ouro_plan_kernel *b) {
  return strcmp(a->family, b->family) == 0 && strcmp(a->sampling, b->sampling) == 0 && a->size == b->size;
}

ouro_status ouro_plan_machine_set(ouro_plan_machine *machine, const ouro_plan_kernel *kernel) {
  ouro_status status = OURO_OK;
  for (int k = 0; k < machine->n_kernels; k++) {
    if (!same_kernel(&machine->kernels[k], kernel)) continue;
    machine->kernels[k] = *kernel;
    return OURO_OK;
  }
  OURO_RESIZE(machine->kernels, machine->n_kernels + 1);
  machine->kernels[machine->n_kernels++] = *kernel;
cleanup:
  return status;
}

/* Numbers behind "=", as many as are wanted and nothing else. Returns whether they are there. */
static bool numbers(const char *text, int n, double *values) {
  char *end;
  for (int i = 0; i < n; i++, text = end) {
    values[i] = strtod(text, &end);
    if (end == text || !isfinite(values[i]) || values[i] < 0) return false;
  }
  return text[strspn(text, " \t\r")] == '\0';
}

/* family.sampling.size; names of families hold no dot. */
static bool kernel_name(const char *key, ouro_plan_kernel *kernel) {
  int length = 0;
  *kernel = (ouro_plan_kernel){0};
  return sscanf(key, "%47[^.].%15[^.].%d%n", kernel->family, kernel->sampling, &kernel->size, &length) == 3 &&
         key[length] == '\0' && kernel->size > 0;
}

static ouro_status set_key(const char *key, const char *values, const char *name, int line,
                           ouro_plan_machine *machine) {
  ouro_status status = OURO_OK;
  ouro_plan_kernel kernel;
  double value;
  for (int k = 0; k < N_KEYS; k++) {
    if (strcmp(key, keys[k]) != 0) continue;
    OURO_CHECK(numbers(values, 1, &value) && (value > 0 || !must_be_positive(key)), OURO_EINPUT,
               "%s:%d: %s: needs a number that is not negative%s", name, line, key,
               must_be_positive(key) ? ", nor 0" : "");
    *value_of(machine, k) = value;
    return OURO_OK;
  }
  if (!kernel_name(key, &kernel)) {
    const char *near = ouro_config_nearest(key, keys, N_KEYS);
    return ouro_error(OURO_EINPUT, "%s:%d: `%s` is no key of a machine, nor family.sampling.size%s%s%s", name, line,
                      key, near ? "; did you mean `" : "", near ? near : "", near ? "`?" : "");
  }
  OURO_CHECK(numbers(values, OURO_PLAN_RATE_COUNT, kernel.ns), OURO_EINPUT,
             "%s:%d: %s: needs %d numbers that are not negative", name, line, key, OURO_PLAN_RATE_COUNT);
  OURO_TRY(ouro_plan_machine_set(machine, &kernel));
cleanup:
  return status;
}

/* One line, without its end; changed on the way. */
static ouro_status take_line(char *line, const char *name, int number, ouro_plan_machine *machine) {
  char key[128], *equals;
  line[strcspn(line, "#")] = '\0';
  line += strspn(line, " \t\r");
  if (*line == '\0') return OURO_OK;
  equals = strchr(line, '=');
  if (equals == NULL || sscanf(line, "%127[^ \t=]", key) != 1) {
    return ouro_error(OURO_EINPUT, "%s:%d: a line is `key = value`", name, number);
  }
  return set_key(key, equals + 1, name, number, machine);
}

static ouro_status take_text(const char *text, const char *name, ouro_plan_machine *machine) {
  ouro_status status = OURO_OK;
  char *copy = NULL, *line, *next;
  int number = 0;
  OURO_NEW(copy, strlen(text) + 1);
  strcpy(copy, text);
  for (line = copy; *line; line = next) {
    next = line + strcspn(line, "\n");
    if (*next == '\n') *next++ = '\0';
    OURO_TRY(take_line(line, name, ++number, machine));
  }
cleanup:
  free(copy);
  return status;
}

ouro_status ouro_plan_machine_parse(const char *text, const char *name, ouro_plan_machine **machine) {
  ouro_status status = OURO_OK;
  ouro_plan_machine *made = NULL;
  *machine = NULL;
  OURO_NEW(made, 1);
  for (int i = 0; ouro_plan_built_in_line(i); i++) OURO_TRY(take_text(ouro_plan_built_in_line(i), "built in", made));
  OURO_TRY(take_text(text, name, made));
  *machine = made;
  made = NULL;
cleanup:
  ouro_plan_machine_destroy(&made);
  return status;
}

ouro_status ouro_plan_machine_built_in(ouro_plan_machine **machine) {
  return ouro_plan_machine_parse("", "", machine);
}

/* Not collective.
 * [out] text to be released with free() */
static ouro_status read_text(const char *path, char **text, int64_t *length) {
  enum { MOST = 1 << 24 };
  ouro_status status = OURO_OK;
  FILE *file = fopen(path, "r");
  OURO_CHECK(file, OURO_EIO, "%s: %s", path, strerror(errno));
  OURO_NEW(*text, MOST + 1);
  *length = (int64_t)fread(*text, 1, MOST + 1, file);
  OURO_CHECK(!ferror(file), OURO_EIO, "%s: %s", path, strerror(errno));
  OURO_CHECK(*length <= MOST, OURO_EINPUT, "%s: too long for a machine", path);
  (*text)[*length] = '\0';
  OURO_CHECK((int64_t)strlen(*text) == *length, OURO_EINPUT, "%s: holds a NUL", path);
cleanup:
  if (file) fclose(file);
  return status;
}

ouro_status ouro_plan_machine_read(MPI_Comm comm, const char *path, ouro_plan_machine **machine) {
  ouro_status status = OURO_OK;
  char *text = NULL;
  int64_t length = 0;
  int rank;
  *machine = NULL;
  MPI_Comm_rank(comm, &rank);
  OURO_AGREE(comm, rank == 0 ? read_text(path, &text, &length) : OURO_OK);
  MPI_Bcast(&length, 1, MPI_INT64_T, 0, comm);
  if (rank > 0) text = ouro_memory_new((size_t)length + 1, 1);
  OURO_AGREE(comm, text ? OURO_OK : OURO_ENOMEM);
  MPI_Bcast(text, (int)length, MPI_CHAR, 0, comm);
  OURO_AGREE(comm, ouro_plan_machine_parse(text, path, machine));
cleanup:
  if (status != OURO_OK) ouro_plan_machine_destroy(machine);
  free(text);
  return status;
}

ouro_status ouro_plan_machine_text(const ouro_plan_machine *machine, char **text) {
  ouro_plan_machine copy = *machine;
  size_t length = 0;
  *text = NULL;
  FILE *out = open_memstream(text, &length);
  if (out == NULL) return ouro_error(OURO_ENOMEM, "out of memory for the text of a machine");
  for (int k = 0; k < N_KEYS; k++) fprintf(out, "%s = %.4g\n", keys[k], *value_of(&copy, k));
  for (int k = 0; k < machine->n_kernels; k++) {
    const ouro_plan_kernel *kernel = &machine->kernels[k];
    fprintf(out, "%s.%s.%d =", kernel->family, kernel->sampling, kernel->size);
    for (int r = 0; r < OURO_PLAN_RATE_COUNT; r++) fprintf(out, " %.4g", kernel->ns[r]);
    fputc('\n', out);
  }
  if (fclose(out) == 0) return OURO_OK;
  free(*text);
  *text = NULL;
  return ouro_error(OURO_ENOMEM, "out of memory for the text of a machine");
}

void ouro_plan_machine_destroy(ouro_plan_machine **machine) {
  if (*machine == NULL) return;
  free((*machine)->kernels);
  free(*machine);
  *machine = NULL;
}

/* Does a list of keys, each between blanks, hold this one, given with its blanks? */
static bool takes(const ouro_family *family, const char *key) {
  return family->methods->keys && strstr(family->methods->keys, key);
}

int ouro_plan_size(const ouro_config *config, const ouro_family *family) {
  if (takes(family, " categories ")) return family->n_parameters;
  return takes(family, " dimension ") ? config->model.dimension : 1;
}

const char *ouro_plan_sampling(const ouro_config *config) {
  static const char *const names[] = {"rows", "statistics", "limit"};
  return names[config->learning.sampling];
}

/* The kernel of a family and tier that is next to a size, above it or not above it; NULL if there is none. */
static const ouro_plan_kernel *next_to(const ouro_plan_machine *machine, const char *family, const char *sampling,
                                       int size, bool above) {
  const ouro_plan_kernel *best = NULL;
  for (int k = 0; k < machine->n_kernels; k++) {
    const ouro_plan_kernel *one = &machine->kernels[k];
    if (strcmp(one->family, family) != 0 || strcmp(one->sampling, sampling) != 0 || (one->size > size) != above)
      continue;
    if (best == NULL || (one->size > best->size) != above) best = one;
  }
  return best;
}

/* The two kernels between which a size is, or the two last ones on one side of it, the nearer one first. */
static void find_neighbours(const ouro_plan_machine *machine, const char *family, const char *sampling, int size,
                            const ouro_plan_kernel *two[2]) {
  two[0] = next_to(machine, family, sampling, size, false);
  two[1] = next_to(machine, family, sampling, size, true);
  if (two[0] == NULL) {
    two[0] = two[1];
    two[1] = two[0] ? next_to(machine, family, sampling, two[0]->size, true) : NULL;
  } else if (two[1] == NULL) {
    two[1] = next_to(machine, family, sampling, two[0]->size - 1, false);
  }
}

/* Power law through two points; rates of 0 stay 0. */
static double along(const ouro_plan_kernel *const two[2], int rate, int size) {
  const double a = two[0]->ns[rate], b = two[1]->ns[rate];
  if (a <= 0 || b <= 0) return a;
  const double slope = log(b / a) / log((double)two[1]->size / two[0]->size);
  return a * pow((double)size / two[0]->size, slope);
}

ouro_plan_basis ouro_plan_machine_rates(const ouro_plan_machine *machine, const char *family, const char *sampling,
                                        int size, double *ns) {
  const ouro_plan_kernel *two[2];
  find_neighbours(machine, family, sampling, size, two);
  if (two[0] == NULL) {
    memset(ns, 0, OURO_PLAN_RATE_COUNT * sizeof *ns);
    if (strcmp(family, "linear") != 0) ouro_plan_machine_rates(machine, "linear", sampling, size, ns);
    return OURO_PLAN_BORROWED;
  }
  if (two[0]->size == size || two[1] == NULL) {
    memcpy(ns, two[0]->ns, OURO_PLAN_RATE_COUNT * sizeof *ns);
    return two[0]->size == size ? OURO_PLAN_MEASURED : OURO_PLAN_INTERPOLATED;
  }
  for (int r = 0; r < OURO_PLAN_RATE_COUNT; r++) ns[r] = along(two, r, size);
  return OURO_PLAN_INTERPOLATED;
}
