#ifndef OURO_GRAPH_MIXING_H
#define OURO_GRAPH_MIXING_H

/* What a model's training is made of: the mixing weights P_ik of THEORY.md section 1. */

#include "ouro/graph/graph.h"

typedef struct ouro_mixing {
  bool real_counts;   /* false: real data is used at generation 0 only (kind initial) and counts as none */
  double real_weight; /* of real data beside synthetic data, in [0, 1); 0: as their share of the samples */
} ouro_mixing;

/** How configured models mix.
 *  Not collective. */
static inline ouro_mixing ouro_mixing_of(const ouro_config *config) {
  return (ouro_mixing){config->real.kind != OURO_REAL_INITIAL, config->real.weight};
}

/** The number S_i of an owned node with P_ik = m_ik / S_i: its training-set size, or, where real data have a weight w
 *  of their own, the synthetic samples over 1 - w; 0 for a node that is never retrained.
 *  Not collective. */
double ouro_mixing_size(const ouro_graph *graph, ouro_mixing mixing, ouro_lid owned);

#endif
