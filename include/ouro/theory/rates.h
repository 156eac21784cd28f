#ifndef OURO_THEORY_RATES_H
#define OURO_THEORY_RATES_H

/* How fast a collapsing model gets worse: THEORY.md section 6. */

#include "ouro/family/family.h"
#include "ouro/graph/mixing.h"
#include "ouro/theory/verdict.h"

typedef struct ouro_rates_options {
  ouro_mixing mixing; /* real_counts as for the verdict */
  double forget;      /* lambda of section 8, in [0, 1); 0: replace */
} ouro_rates_options;

/* An unstable source. */
typedef struct ouro_source_rate {
  int64_t period; /* gcd of the lengths of its cycles; 1 with forgetting */
  double rate;    /* NaN: not computed */
} ouro_source_rate;

/* Rates are error per generation, averaged over the periods of the sources concerned. */
typedef struct ouro_rates {
  double *rate;       /* [n_owned] 0 for a node that does not collapse, NaN where not computed */
  double *weight;     /* [n_owned] pi_i of nodes of unstable sources, as far as iterated; 0 elsewhere */
  int64_t *period;    /* [n_owned] of the unstable source the node belongs to; 0 at other nodes */
  ouro_gid n_solved;  /* nodes of unstable sources whose distribution was solved, not iterated: they mix slowly */
  ouro_gid n_source;  /* nodes of unstable sources without a rate: the source mixes too slowly, and is too large */
  ouro_gid n_mixed;   /* downstream nodes without a rate for that reason, or too slow themselves */
  ouro_gid n_many;    /* downstream nodes without a rate: they hear too many sources and phases, or such nodes */
  int64_t most_pairs; /* of sources and phases, that a downstream node could hear */
  int64_t source_steps, downstream_steps; /* of the iterations */
  double source_residual;     /* largest difference, relative to the largest weight, of two runs from unlike starts */
  double downstream_residual; /* largest probability that a walk has not ended yet */
  double solution_residual;   /* largest residual of what was solved instead where walks end slowly; 0 if nothing was */
} ouro_rates;

/** What the fits of an experiment add to the error of a generation, d_i of THEORY.md section 6: of a fit to n_i
 * samples, or of the one corpus of M_i samples that all consumers of a publishing model share. Collective on graph's
 * communicator. [out] noise [n_owned] positive, for ouro_rates_create() Returns the same status on all ranks: OURO_OK,
 * OURO_ENOMEM, OURO_EMPI. */
ouro_status ouro_rates_noise(const ouro_config *config, const ouro_family *family, const ouro_graph *graph,
                             double *noise);

/** Compute the rate of every node.
 *  Collective on graph's communicator. Bit-identical on any number of ranks and any ownership.
 *  Source components: period by levels, stationary distribution by iteration from two unlike starts with the right
 *  weight of every phase; the two must agree to 1e-11 of the largest weight, so that a slowly mixing source is
 *  never taken for converged. Those that mix slowly (spectral gap below 0.06 or so) are solved by elimination, exact to
 *  rounding whatever the gap, if they have at most 4096 nodes (fewer where there are many: the sum of the cubes of
 *  their sizes is at most 2^38); larger ones are iterated on, for up to 65,536 steps: a gap of 4e-4 or so.
 *  Downstream: one unknown for each pair of a node and a source phase that it hears, iterated until at most 1e-12 of a
 *  walk is undecided, each step where something has changed (up to 2^20 steps: so long may paths be); where that takes
 *  much work, solved by BiCGSTAB, and taken if the residual proves 1e-6 of accuracy.
 *  Nodes that hear more than 2^25 / (feeds into downstream nodes) pairs, and all that they feed, are not computed.
 *  [in]  verdict of the same graph and the same real_counts
 *  [in]  noise   [n_owned] d_i of a fit: sigma^2/(n_i-p-1), 1/n_i, or 1/M_i of the corpus of published draws;
 *                only those of nodes in unstable sources are read; positive
 *  [out] rates   to be released with ouro_rates_destroy(); NULL on error
 *  Returns the same status on all ranks: OURO_OK, OURO_ENOMEM, OURO_ELIMIT, OURO_EMPI. */
ouro_status ouro_rates_create(const ouro_graph *graph, const ouro_verdict *verdict, const ouro_rates_options *options,
                              const double *noise, ouro_rates **rates);

/** Look up some of the unstable sources.
 *  Collective on graph's communicator.
 *  [in]  sources [n] the same on all ranks
 *  [out] found   [n] the same on all ranks
 *  Returns the same status on all ranks: OURO_OK, OURO_ENOMEM, OURO_EMPI. */
ouro_status ouro_rates_of(const ouro_graph *graph, const ouro_rates *rates, int n, const ouro_unstable *sources,
                          ouro_source_rate *found);

/** Release rates and set them to NULL. NULL is fine.
 *  Not collective. */
void ouro_rates_destroy(ouro_rates **rates);

#endif
