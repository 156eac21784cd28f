#ifndef OURO_GRAPH_GENERATE_H
#define OURO_GRAPH_GENERATE_H

/* Generators, communication-free and identical for every number of parts. Feeds of a node are distinct and none is its
 * own, unless something else is said.
 *
 *  complete         every j -> i, without self-loops unless self_loops is set
 *  ring             i -> i+1 mod n; one node feeds itself
 *  path             i -> i+1
 *  star             node 0 feeds all others
 *  tree             node i trains on (i-1) / arity: node 0 is the root, levels are full but for the last
 *  k-in-regular     each node trains on `degree` others, uniformly chosen
 *  gnm              `feeds` feeds, uniformly chosen
 *  gnp              each of the n(n-1) feeds with probability p
 *  rmat             degree * 2^scale independent feeds; a = 0.57, b = c = 0.19, d = 0.05; ids permuted; self-loops and
 *                   duplicates as they fall
 *  barabasi-albert  nodes come in the order of their ids, each trains on `degree` older ones, or on all where there are
 *                   fewer, chosen with probability proportional to their degree in the process of Batagelj and Brandes
 *                   (2005), in which a node may choose the same one again; what it has already it draws anew
 *  small-world      a ring on which each node trains on its `degree` nearest (-1, +1, -2, ...); each feed is rewired
 * with probability p, and those rewired become a uniform choice of the nodes that the node does not keep blocks node i
 * is in block i mod blocks; each feed between nodes of one block with probability p_in, of two with p_out layered
 * `layers` layers of consecutive ids, the first ones a node larger where they cannot be equal; each node but those of
 * the first trains on `degree` of the layer before, uniformly chosen */

#include "ouro/graph/build.h"

/** Number of nodes a generator makes; checks its arguments.
 *  Not collective.
 *  [out] n_nodes untouched on error
 *  Returns OURO_OK, or OURO_ECONFIG / OURO_ELIMIT with a message that names the key. */
ouro_status ouro_graph_generate_nodes(const ouro_config_generate *generate, ouro_gid *n_nodes);

/** Number of feeds it makes, duplicates included; where chance decides, their mean or about so.
 *  Not collective. Arguments are those of a graph whose nodes can be had. */
double ouro_graph_generate_feeds(const ouro_config_generate *generate);

/** Refuse a graph that does not fit in memory, before it is made.
 *  Collective on comm.
 *  Returns the same status on all ranks: OURO_OK; OURO_ELIMIT with a message that says what is needed and what there
 *  is; as ouro_graph_generate_nodes() for wrong arguments. */
ouro_status ouro_graph_generate_fits(MPI_Comm comm, const ouro_config_generate *generate);

/** One of n_parts parts of the feeds of a generated graph. The parts are disjoint, about equal, and together the
 *  same feeds whatever n_parts is; which feeds are in which part says nothing about their ids.
 *  Not collective, no communication.
 *  [in]  samples  of every feed
 *  [in]  part     0 .. n_parts-1, usually the rank
 *  [out] feeds    appended to; may hold duplicates (rmat), which the builder sums
 *  Returns OURO_OK, OURO_ENOMEM, OURO_ECONFIG, OURO_ELIMIT. */
ouro_status ouro_graph_generate(const ouro_config_generate *generate, ouro_count samples, int part, int n_parts,
                                ouro_feeds *feeds);

#endif
