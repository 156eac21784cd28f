/* METIS, serial, on one rank; the only file that includes its header. METIS prints to stdout and stderr on odd input,
 * so both lead nowhere meanwhile. While it runs it holds the handlers of SIGABRT and SIGTERM, by which it leaves its
 * own failures: a SIGTERM from outside then ends METIS, not the program. Its return code proves nothing: what it
 * returns is judged, and the caller goes on without it if there is a complaint. */

#include "partition/private.h"

#include <fcntl.h>
#include <math.h>
#include <metis.h>
#include <stdio.h>
#include <unistd.h>

_Static_assert(sizeof(idx_t) == sizeof(int32_t), "METIS with 32-bit indices");

static bool damage_next;

void ouro_partition_metis_damage(bool damage) {
  damage_next = damage;
}

/* Point a stream to /dev/null; returns a duplicate of where it led, or -1 if that could not be done. */
static int silence(FILE *stream) {
  fflush(stream);
  const int saved = dup(fileno(stream)), nowhere = open("/dev/null", O_WRONLY);
  if (saved >= 0 && nowhere >= 0) dup2(nowhere, fileno(stream));
  if (nowhere >= 0) close(nowhere);
  return saved;
}

static void restore(FILE *stream, int saved) {
  fflush(stream);
  if (saved < 0) return;
  dup2(saved, fileno(stream));
  close(saved);
}

/* METIS' tolerance in thousandths. A part of the whole weight is as unbalanced as can be. */
static idx_t tolerance(double imbalance, int n_parts) {
  const double wanted = rint(1000 * (imbalance - 1)), most = 1000.0 * (n_parts - 1);
  const double within = wanted > most ? most : wanted;
  return within < 1 ? 1 : within > 1e9 ? 1000000000 : (idx_t)within;
}

const char *ouro_partition_metis_complaint(int64_t n_nodes, const int32_t *part, int n_parts, int64_t objective_value) {
  if (objective_value < 0) return "a negative cut";
  for (int64_t i = 0; i < n_nodes; i++) {
    if (part[i] < 0 || part[i] >= n_parts) return "an incomplete partition";
  }
  return NULL;
}

static const char *meaning(int code) {
  switch (code) {
  case METIS_OK:
    return NULL;
  case METIS_ERROR_INPUT:
    return "an error in its input";
  case METIS_ERROR_MEMORY:
    return "a lack of memory";
  default:
    return "an error";
  }
}

const char *ouro_partition_metis(const ouro_partition_symmetric *symmetric, const ouro_config_partition *options,
                                 ouro_objective objective, int n_parts, int32_t *part) {
  idx_t n_nodes = (idx_t)symmetric->n_linked, n_constraints = 1, n = n_parts, value = -1, chosen[METIS_NOPTIONS];
  METIS_SetDefaultOptions(chosen);
  chosen[METIS_OPTION_OBJTYPE] = objective == OURO_OBJECTIVE_VOLUME ? METIS_OBJTYPE_VOL : METIS_OBJTYPE_CUT;
  chosen[METIS_OPTION_SEED] = options->seed;
  chosen[METIS_OPTION_UFACTOR] = tolerance(options->imbalance, n_parts);
  chosen[METIS_OPTION_NUMBERING] = 0;
  for (idx_t i = 0; i < n_nodes; i++) part[i] = -1; /* so that what METIS leaves out is seen */
  const int out = silence(stdout), err = silence(stderr);
  const int code = METIS_PartGraphKway(&n_nodes, &n_constraints, symmetric->row, symmetric->neighbour, symmetric->cost,
                                       symmetric->corpus, symmetric->weight, &n, NULL, NULL, chosen, &value, part);
  restore(stdout, out);
  restore(stderr, err);
  if (damage_next && n_nodes > 0) part[n_nodes - 1] = -1;
  const char *complaint = meaning(code);
  return complaint ? complaint : ouro_partition_metis_complaint(n_nodes, part, n_parts, value);
}

#define TEXT_OF(number) #number
#define VERSION_TEXT(major, minor, patch) "METIS " TEXT_OF(major) "." TEXT_OF(minor) "." TEXT_OF(patch)

const char *ouro_partition_library(void) {
  static char both[64];
  const char *scotch = ouro_partition_ptscotch_library();
  snprintf(both, sizeof both, "%s%s%s", VERSION_TEXT(METIS_VER_MAJOR, METIS_VER_MINOR, METIS_VER_SUBMINOR),
           scotch ? ", " : "", scotch ? scotch : "");
  return both;
}
