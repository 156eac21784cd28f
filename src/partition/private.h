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

/* One end of a feed, on its way to the block of `node`. Samples are negative where node is the target; merged, they are
 * those both ways. */
typedef struct ouro_partition_end {
  ouro_gid node, other;
  ouro_count samples;
} ouro_partition_end;

/* A block of consecutive ids of the symmetrised graph; n nodes from first, as ouro_graph_block_first() has it. */
typedef struct ouro_partition_block {
  ouro_gid first;
  int64_t n, n_entries;
  int64_t *row;             /* [n + 1] */
  ouro_partition_end *ends; /* [n_entries] by node, then by the other, never the node itself */
  ouro_count *cost;         /* [n] training-set size */
  ouro_count *corpus;       /* [n] largest feed that the node gives */
  int32_t *degree, *narrow; /* what is sent to rank 0, where the graph is joined there */
} ouro_partition_block;

/** Symmetrise a graph, every rank the block of its ids: j -> i and i -> j become one pair of neighbours whose samples
 *  are summed, feeds of a node to itself are dropped.
 *  Collective on graph's communicator.
 *  [out] block to be released with ouro_partition_block_clear(), also on error
 *  Returns the same status on all ranks: OURO_OK, OURO_ENOMEM, OURO_ELIMIT. */
ouro_status ouro_partition_block_form(const ouro_graph *graph, ouro_partition_block *block);

/** Release the arrays.
 *  Not collective. */
void ouro_partition_block_clear(ouro_partition_block *block);

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

/** Symmetrise a graph and gather it on rank 0.
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

/** Partition a graph by PT-Scotch, on all ranks together. It makes the cut small, counted in samples both ways; for a
 *  given number of ranks the result is a function of the graph, options and number of parts.
 *  Collective on comm.
 *  [in]  n_parts   2 or more, and fewer than nodes
 *  [out] part      [block->n] only to be used if there is no complaint
 *  [out] complaint what is wrong with the partition, or NULL if it is complete and in range; the same on all ranks
 *  Returns the same status on all ranks: OURO_OK, OURO_ENOMEM. */
ouro_status ouro_partition_ptscotch(MPI_Comm comm, const ouro_partition_block *block,
                                    const ouro_config_partition *options, int n_parts, int32_t *part,
                                    const char **complaint);

/** Whether this build has PT-Scotch.
 *  Not collective. */
bool ouro_partition_has_ptscotch(void);

/** Let PT-Scotch forget a node of the next partitions. For tests.
 *  Not collective. */
void ouro_partition_ptscotch_damage(bool damage);

/** Name and version of PT-Scotch, or NULL where this build has none.
 *  Not collective. */
const char *ouro_partition_ptscotch_library(void);

/** Give every owned node what the rank with the block of its id has for it.
 *  Collective on graph's communicator.
 *  [in]  bytes of a value, the same on all ranks
 *  [in]  mine  [block of this rank]
 *  [out] owned [n_owned]
 *  Returns the same status on all ranks: OURO_OK, OURO_ENOMEM, OURO_ELIMIT. */
ouro_status ouro_partition_ask(const ouro_graph *graph, size_t bytes, const void *mine, void *owned);

/** Read a partition that was made before, and check that it is one of this graph into so many parts.
 *  Collective on graph's communicator.
 *  [out] owner [n_owned]
 *  Returns the same status on all ranks: OURO_OK, OURO_EIO, OURO_EINPUT (message "file:line: ..."), OURO_ENOMEM. */
ouro_status ouro_partition_read(const ouro_graph *graph, const char *path, int n_parts, int32_t *owner);

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
