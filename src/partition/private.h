#ifndef OURO_SRC_PARTITION_PRIVATE_H
#define OURO_SRC_PARTITION_PRIVATE_H

/* What the files of this module share. */

#include "ouro/graph/build.h"
#include "ouro/graph/route.h"
#include "ouro/partition/partition.h"

/* An exact sum of sample counts of any size: high * 2^32 + low. */
typedef struct ouro_partition_total {
  int64_t high, low;
} ouro_partition_total;

/** Add a count.
 *  Not collective. At most 2^31 times before the next reduction. */
void ouro_partition_total_add(ouro_partition_total *total, ouro_count count);

/** Replace each of n totals by its sum over the ranks.
 *  Collective on comm.
 *  [inout] totals [n], the same on every rank afterwards */
void ouro_partition_total_reduce(ouro_partition_total *totals, int n, MPI_Comm comm);

/** The sum as a double.
 *  Not collective. */
double ouro_partition_total_value(const ouro_partition_total *total);

/* The symmetrised graph as METIS takes it, in global id order, whatever the ownership it came from. */
typedef struct ouro_partition_symmetric {
  int64_t n_nodes, n_entries; /* each pair of neighbours is two entries */
  int64_t n_linked;           /* nodes with neighbours, once the others stand behind them */
  int32_t *row;               /* [n_nodes + 1] */
  int32_t *neighbour;         /* [n_entries] ascending within a node, never the node itself */
  int32_t *weight;            /* [n_entries] cut objective: samples both ways, scaled to 32-bit sums; else NULL */
  int32_t *cost;              /* [n_nodes] training-set size, scaled, 1 or more */
  int32_t *corpus;            /* [n_nodes] volume objective: samples published, scaled; else NULL */
} ouro_partition_symmetric;

/** Symmetrise a graph and gather it on rank 0: j -> i and i -> j become one pair of neighbours whose samples are
 *  summed, feeds of a node to itself are dropped.
 *  Collective on graph's communicator.
 *  [in]  limit     largest index and weight sum METIS can hold
 *  [out] symmetric counts on every rank, arrays on rank 0 only; release with ouro_partition_symmetric_clear()
 *  Returns the same status on all ranks: OURO_OK, OURO_ENOMEM, OURO_ELIMIT. */
ouro_status ouro_partition_symmetrise(const ouro_graph *graph, ouro_objective objective, int64_t limit,
                                      ouro_partition_symmetric *symmetric);

/** Release the arrays.
 *  Not collective. */
void ouro_partition_symmetric_clear(ouro_partition_symmetric *symmetric);

/** Renumber the nodes so that those without neighbours stand behind the others; the order stays otherwise.
 *  Not collective.
 *  [out] number [n_nodes] the new number of each node; to be released with free(), whatever is returned
 *  Returns OURO_OK or OURO_ENOMEM. */
ouro_status ouro_partition_isolated_behind(ouro_partition_symmetric *symmetric, int32_t **number);

/** Give each node without neighbours to the part of least cost so far.
 *  Not collective.
 *  [inout] part [n_nodes] known for the first n_linked
 *  Returns OURO_OK or OURO_ENOMEM. */
ouro_status ouro_partition_isolated_place(const ouro_partition_symmetric *symmetric, int n_parts, int32_t *part);

/** Partition the nodes that have neighbours; there are more of them than parts.
 *  Not collective.
 *  [in]  n_parts 2 or more
 *  [out] part    [n_linked] only to be used if no complaint is returned
 *  Returns what is wrong with the partition, or NULL if it is complete and in range. */
const char *ouro_partition_metis(const ouro_partition_symmetric *symmetric, const ouro_config_partition *options,
                                 ouro_objective objective, int n_parts, int32_t *part);

/** Judge what METIS returned.
 *  Not collective.
 *  [in] objective_value the cut or volume that METIS states
 *  Returns what is wrong, or NULL. */
const char *ouro_partition_metis_complaint(int64_t n_nodes, const int32_t *part, int n_parts, int64_t objective_value);

/** Largest index METIS can hold; 0 restores the real one. For tests.
 *  Not collective. */
void ouro_partition_limit_at(int64_t limit);

/** Let METIS forget a node of the next partitions. For tests.
 *  Not collective. */
void ouro_partition_metis_damage(bool damage);

/** Part of a node in the partition into blocks of consecutive ids, and in a random one.
 *  Not collective. */
int32_t ouro_partition_block_part(ouro_gid n_nodes, int n_parts, ouro_gid node);
int32_t ouro_partition_random_part(int n_parts, ouro_gid node);

/** Cost of a partition, and of the block and the random one.
 *  Collective on graph's communicator.
 *  [in]  owner   [n_owned] part of each owned node
 *  [out] figures all but method and objective, the same on all ranks
 *  Returns the same status on all ranks: OURO_OK, OURO_ENOMEM, OURO_EMPI. */
ouro_status ouro_partition_measure(const ouro_graph *graph, ouro_objective objective, int n_parts, double row_bytes,
                                   const int32_t *owner, ouro_partition_figures *figures);

#endif
