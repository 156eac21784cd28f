#ifndef OURO_PLAN_PLAN_H
#define OURO_PLAN_PLAN_H

/* What an experiment would take on so many ranks: memory, bytes, messages and time of each of them, before it is run.
 *
 * A graph in N parts is counted exactly, on however many ranks: nodes, feeds, samples, and what crosses from part to
 * part, by the same code that sends it. Counts times the rates of a machine (machine.h) are seconds. Where a graph is
 * too large to be made, its counts are assumed: every part the same, a given share of its feeds from other parts. */

#include "ouro/exchange/exchange.h"
#include "ouro/family/family.h"
#include "ouro/partition/partition.h"
#include "ouro/plan/machine.h"

/* Sets of samples that are worked on, and how many samples those are. */
typedef struct ouro_plan_work {
  double sets, samples;
} ouro_plan_work;

/* One part in one generation after the first, the mean over generations where they differ; one replicate. */
typedef struct ouro_plan_counts {
  double nodes, trained, feeds, ghosts;
  double cut_feeds;     /* feeds from other parts */
  double graph_bytes;   /* of its arrays */
  double samples, fed;  /* of all training sets, and without real ones */
  double largest;       /* samples of the largest training set */
  double kept;          /* the most samples that all its models keep, together */
  double initial;       /* samples of generation 0 */
  ouro_plan_work drawn; /* feeds, corpora and real data drawn and reduced here */
  ouro_plan_work sent;  /* drawn for other parts */
  ouro_plan_work taken; /* arrived from other parts and reduced */
  double merged;        /* published draws: feeds whose corpus is added to a training set */
  double slots;         /* published draws: corpora that are held */
  /* All replicates. */
  double neighbours; /* parts that it sends to or receives from */
  double bytes_sent, bytes_received;
  double messages_sent, messages_received;
  double rounds; /* messages of its busiest channel */
  double buffer; /* bytes in flight */
} ouro_plan_counts;

typedef enum ouro_plan_memory {
  OURO_PLAN_GRAPH,    /* nodes, feeds, ghosts and the way to them */
  OURO_PLAN_MODELS,   /* parameters of this generation and the next, their errors */
  OURO_PLAN_EXCHANGE, /* messages in flight, lists of what crosses, published corpora */
  OURO_PLAN_KEPT,     /* samples of earlier generations, or their statistics */
  OURO_PLAN_STORE,    /* results on their way to the file */
  OURO_PLAN_PROCESS,  /* program, libraries, MPI */
  OURO_PLAN_MEMORY_COUNT
} ouro_plan_memory;

typedef enum ouro_plan_phase {
  OURO_PLAN_TRAIN,
  OURO_PLAN_TRANSFER, /* messages: latency and bandwidth; that a rank waits for a slower one is not in it */
  OURO_PLAN_MEASURE,
  OURO_PLAN_WRITE,
  OURO_PLAN_PHASE_COUNT
} ouro_plan_phase;

/* What a rank needs. */
typedef struct ouro_plan_cost {
  double bytes[OURO_PLAN_MEMORY_COUNT];  /* allocated */
  double seconds[OURO_PLAN_PHASE_COUNT]; /* of a generation after the first, all replicates */
  double first;                          /* seconds of generation 0 */
  double whole_bytes, whole_seconds;     /* their sums; seconds without generation 0 */
} ouro_plan_cost;

/** Count a graph as one part.
 *  Collective on graph's communicator. Cheap: no generation is moved to, counts are those of generation 1.
 *  [out] whole the same on all ranks
 *  Returns the same status on all ranks: OURO_OK, OURO_EMPI. */
ouro_status ouro_plan_count_whole(const ouro_config *config, const ouro_family *family, const ouro_graph *graph,
                                  ouro_plan_counts *whole);

/** Count a graph that is to be generated, without making it: every model with the mean number of feeds, duplicates not
 *  summed.
 *  Not collective.
 *  [out] whole as above
 *  Returns OURO_OK; OURO_ECONFIG for a graph from a file, or real data or counts that no formula has; as
 *  ouro_graph_generate_nodes(). */
ouro_status ouro_plan_count_generated(const ouro_config *config, const ouro_family *family, ouro_plan_counts *whole);

/** Counts of a typical part of a graph, assumed.
 *  Not collective.
 *  [in]  whole      as of ouro_plan_count_whole()
 *  [in]  cut        share of feeds that come from other parts, 0 .. 1; 1 - 1/n_parts for parts made without looking
 *  [in]  neighbours parts that a part exchanges with; 0: all others
 *  [out] part */
void ouro_plan_assume(const ouro_config *config, const ouro_family *family, const ouro_plan_counts *whole, int n_parts,
                      double cut, double neighbours, ouro_plan_counts *part);

/** What the counts of a part cost.
 *  Not collective.
 *  [in]  n_writers ranks that write the results together
 *  [out] cost */
void ouro_plan_price(const ouro_config *config, const ouro_family *family, const ouro_plan_machine *machine,
                     const ouro_plan_counts *part, int n_writers, ouro_plan_cost *cost);

/** What each rank needs when n_ranks ranks form groups that each hold the whole graph in n_ranks / groups equal parts
 *  and a share of the replicates, whole blocks of 8: the choice of parallel.groups.
 *  Not collective; the same for the same arguments.
 *  [in]  whole as of ouro_plan_count_whole()
 *  [in]  cut   share of feeds between parts; negative: as for parts made without looking
 *  [out] cost  of the group with most replicates */
void ouro_plan_groups(const ouro_config *config, const ouro_family *family, const ouro_plan_machine *machine,
                      const ouro_plan_counts *whole, int n_ranks, int groups, double cut, ouro_plan_cost *cost);

/* One part of a plan. */
typedef struct ouro_plan_part {
  ouro_plan_counts counts;
  ouro_plan_cost cost;
  int64_t bytes_run; /* sent in all generations by the rank of the group with most replicates .. */
  int64_t bytes_all; /* .. and by the ranks of this number of all groups: their largest and sum are those of /timing */
} ouro_plan_part;

typedef struct ouro_plan {
  int n_ranks, n_groups; /* groups that hold the whole graph and some of the replicates each */
  int64_t replicates;    /* of the group with most */
  int n_parts;           /* ranks of a group */
  ouro_plan_part *part;  /* [n_parts] the same on all ranks */
  ouro_partition_figures figures;
  int64_t least_buffer; /* bytes that exchange.buffer must hold */
} ouro_plan;

/* The ranks that are planned for. */
typedef struct ouro_plan_ranks {
  int n;         /* a multiple of the groups that parallel.groups asks for; `auto` is chosen as a run does */
  double memory; /* bytes that each may use; 0: not known */
} ouro_plan_ranks;

/** Partition a graph, count its parts and price them.
 *  Collective on graph's communicator, on any number of ranks; the same on all of them.
 *  [inout] graph moved, so that each part is on one rank
 *  [out]   plan  to be released with ouro_plan_destroy(); NULL on error
 *  Returns the same status on all ranks: OURO_OK, OURO_ENOMEM, OURO_EMPI, OURO_EINTERNAL; as ouro_partition_choose().
 */
ouro_status ouro_plan_create(const ouro_config *config, const ouro_family *family, const ouro_plan_machine *machine,
                             const ouro_plan_ranks *ranks, ouro_graph **graph, ouro_plan **plan);

/** The same for a graph that is not made: all parts are alike, see ouro_plan_assume().
 *  Not collective.
 *  Returns OURO_OK, OURO_ENOMEM, and as ouro_plan_count_generated(). */
ouro_status ouro_plan_create_assumed(const ouro_config *config, const ouro_family *family,
                                     const ouro_plan_machine *machine, const ouro_plan_ranks *ranks, double cut,
                                     double neighbours, ouro_plan **plan);

/** Release a plan and set it to NULL. NULL is fine.
 *  Not collective. */
void ouro_plan_destroy(ouro_plan **plan);

#endif
