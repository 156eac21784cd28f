#ifndef OURO_PLAN_MACHINE_H
#define OURO_PLAN_MACHINE_H

/* How fast a machine is: text of lines "key = value", # begins a comment.
 *
 *   memory = 256e9            bytes a node of the cluster has, shared by its ranks; 0: not known
 *   ranks = 64                ranks on such a node
 *   cache = 4e6               bytes of cache that a rank has for itself
 *   gather = 8                ns to fetch a cache line from anywhere in memory, when the next ones are known
 *   stream = 1e10             bytes a second that a rank reads from memory in order
 *   latency = 2e-6            seconds of a message
 *   bandwidth = 1e10          bytes a second of messages from a rank
 *   write = 1e9               bytes a second of results to the file, of all ranks together
 *   process = 4e7             bytes of a rank before it has done anything
 *   linear.rows.10 = 11.9 40 900 9 3 12
 *
 * The last kind of line is family.sampling.size, the size being model.dimension, or model.categories of a family that
 * has those, or 1; then nanoseconds: of a sample drawn and reduced, of a feed beside its samples, of a fit beside them,
 * of a sample drawn alone and reduced alone, of the error of a model. */

#include "ouro/base/status.h"
#include "ouro/family/family.h"

typedef enum ouro_plan_rate {
  OURO_PLAN_SAMPLE, /* drawn, reduced, and what the fit takes more for it */
  OURO_PLAN_FEED,   /* in tier statistics: a statistic drawn */
  OURO_PLAN_FIT,    /* of a model */
  OURO_PLAN_DRAW,   /* of a sample to be sent */
  OURO_PLAN_REDUCE, /* of one that arrives */
  OURO_PLAN_ERROR,  /* of a model */
  OURO_PLAN_RATE_COUNT
} ouro_plan_rate;

/* One line of kernel rates. */
typedef struct ouro_plan_kernel {
  char family[48], sampling[16];
  int size;
  double ns[OURO_PLAN_RATE_COUNT];
} ouro_plan_kernel;

typedef struct ouro_plan_machine {
  double memory, ranks, cache, gather, stream, latency, bandwidth, write, process;
  int n_kernels;
  ouro_plan_kernel *kernels; /* in the order of the text */
} ouro_plan_machine;

/** The machine that is built in: one core of an x86-64 server with AVX-512, its ranks on one node.
 *  Not collective.
 *  [out] machine to be released with ouro_plan_machine_destroy(); NULL on error
 *  Returns OURO_OK, OURO_ENOMEM. */
ouro_status ouro_plan_machine_built_in(ouro_plan_machine **machine);

/** A machine from text; what it does not name is as built in, kernel by kernel.
 *  Not collective.
 *  [in]  name    of the text, for messages
 *  [out] machine as above
 *  Returns OURO_OK, OURO_ENOMEM, OURO_EINPUT ("name:line: ..."). */
ouro_status ouro_plan_machine_parse(const char *text, const char *name, ouro_plan_machine **machine);

/** A machine from a file.
 *  Collective on comm: rank 0 reads, all parse.
 *  Returns the same status on all ranks: as above, OURO_EIO. */
ouro_status ouro_plan_machine_read(MPI_Comm comm, const char *path, ouro_plan_machine **machine);

/** The text of a machine, which parses to the same one.
 *  Not collective.
 *  [out] text to be released with free(); NULL on error
 *  Returns OURO_OK, OURO_ENOMEM. */
ouro_status ouro_plan_machine_text(const ouro_plan_machine *machine, char **text);

/** Set the rates of a kernel, a new one or one that is there.
 *  Not collective.
 *  Returns OURO_OK, OURO_ENOMEM. */
ouro_status ouro_plan_machine_set(ouro_plan_machine *machine, const ouro_plan_kernel *kernel);

/** Release a machine and set it to NULL. NULL is fine.
 *  Not collective. */
void ouro_plan_machine_destroy(ouro_plan_machine **machine);

/** Size of an experiment's models: see above.
 *  Not collective. */
int ouro_plan_size(const ouro_config *config, const ouro_family *family);

/** Name of the tier of sampling: "rows", "statistics", "limit".
 *  Not collective. */
const char *ouro_plan_sampling(const ouro_config *config);

/* Where rates come from. */
typedef enum ouro_plan_basis {
  OURO_PLAN_MEASURED,     /* the machine has them for this size */
  OURO_PLAN_INTERPOLATED, /* between two sizes, or beyond the last one along their power law */
  OURO_PLAN_BORROWED      /* the machine does not know the family or its tier: those of linear */
} ouro_plan_basis;

/** Rates of a kernel at a size.
 *  Not collective.
 *  [out] ns [OURO_PLAN_RATE_COUNT]
 *  Returns where they come from. */
ouro_plan_basis ouro_plan_machine_rates(const ouro_plan_machine *machine, const char *family, const char *sampling,
                                        int size, double *ns);

#endif
