#ifndef OURO_THEORY_SYSTEM_H
#define OURO_THEORY_SYSTEM_H

/* The recursion of an experiment as one linear system, whatever its family, draws, real data and regime:
 *
 *    V_k   = base_k + drift + slope b_k + curvature C_kk   expected variance of a sample of model k (THEORY.md sections
 *                                                                                                 3 to 5, 8)
 *    Q     = L C L' + Gamma P diag(V_k published_k) P' Gamma,   L = I - Gamma + Gamma P
 *    C'_ij = Q_ij                                                                                       (i != j)
 *    C'_ii = (1 - eta_i) Q_ii + eta_i sum_k P_ik C_kk + gamma_i^2 (draws_i sum_k P_ik V_k + noise_i)
 *    b'    = L b + drift Gamma (1 - P_i0)
 *
 * with gamma = 1 where only new samples count, and gamma_i = n_i / Neff_i, Neff_i' = forget Neff_i + n_i otherwise
 * (section 8; then nothing is published). Of a fitted variance (Gaussian, unbiased) V_k itself is carried:
 *    V'_i  = drawn_i [ sum_k P_ik (V_k + C_kk) + P_i0 base - C'_ii ],
 * drawn_i being what samples scatter more than the variance by maximum likelihood that is in brackets.
 *
 * Private draws of fresh real data fit it as they are. The others do by virtual nodes behind the models, whose
 * V_k is 0, so that no engine knows of them:
 *  - a fixed set of real data (section 8) is a root of second moment base/r_i that feeds node i with weight r_i/n_i;
 *  - published draws (section 9) add V_j/M_j to what consumers of j see of C_jj. A root's row of P must not see
 *    its own corpus, so the corpus of a root is a node without feeds, noise V_j/M_j, that feeds the consumers
 *    beside the root;
 *  - a random subsample of n_i of the N_i = Neff_i samples kept (section 8) has the error of their mean, whose C is the
 *    one above, and one of its own that its consumers share: a node without feeds, noise v_i, that feeds the consumers
 *    beside the model, and C_ii counts both. With B_i the second moment of the samples kept about the truth,
 *       v_i  = (1/n_i - 1/N_i) N_i / (N_i - 1) (B_i - C_ii),
 *       B'_i = (1 - gamma_i) B_i + gamma_i (sum_k P_ik (V_k + C_kk + v_k) + P_i0 base).
 *
 * Where counts change with the generation, a system is that of one generation: of the models that are retrained in it
 * the rows are as above, the others are roots. Nodes are the same in all generations, so that one takes over where the
 * other ends; a model that is not retrained always has its corpus apart, as roots have theirs, with V_j/M_j of the
 * generation in place of a noise (`owner`). */

#include "theory/survey.h"

typedef struct ouro_system {
  int32_t n, n_models; /* nodes; those that are models come first */
  int32_t n_held;      /* rows of P held by this rank; every row is held by one rank */
  int32_t *held;       /* [n_held] which rows */
  int64_t *first;      /* [n_held + 1] */
  int32_t *column;     /* [first[n_held]] in an order that no ownership changes */
  double *weight;      /* [first[n_held]] P_ik */
  ouro_spread spread;  /* of a sample of a model */
  double forget;       /* lambda, in [0, 1]; 0: only new samples count */
  bool subsample;      /* virtual nodes with an owner are the chance of its subsample */
  double *node;        /* [OURO_NODE_VECTORS][n] the vectors below, one after the other; the same on all ranks */
  double *eta, *noise, *draws, *published; /* [n] see above; draws_i is P_ik/m_ik, published_i 1/M_i, or 0 */
  double *owner; /* [n] 1 + the model whose corpus, seen as V_j published_i, or subsample this node is; 0: none */
  double *drawn; /* [n] see above, where V_k is fitted */
  double *base;  /* [n] V_k of a model without error, drift aside; of virtual nodes 0 */
  double *start, *mean, *variance;        /* [n] diagonal of C(0), b(0), V(0) where it is fitted */
  double *size, *start_size, *real_share; /* [n] n_i, 0 at roots; Neff_i(0); P_i0. Of virtual nodes 0. */
} ouro_system;

enum { OURO_NODE_VECTORS = 13 };

/** Room for a system.
 *  Not collective.
 *  [out] system to be released with ouro_system_destroy(), also on error
 *  Returns OURO_OK, OURO_ENOMEM. */
ouro_status ouro_system_new(int32_t n, int32_t n_models, int64_t n_held, int64_t n_weights, ouro_system **system);

/** V_k of every node.
 *  Not collective.
 *  [in]  error, mean [n] C_kk and b_k
 *  [out] spread [n] 0 at virtual nodes; left as it is where the family's spread is fitted */
void ouro_system_spread(const ouro_system *system, const double *error, const double *mean, double *spread);

/* Entries of P as they pass by: row[k], column[k], weight[k]. Those of one row come in the order of the row. */
typedef void (*ouro_system_visit)(void *context, int n, const int32_t *row, const int32_t *column,
                                  const double *weight);

/* What the recursion says of one node, its feeds aside. */
typedef struct ouro_terms {
  ouro_count size, real;    /* n_i and r_i of a generation after the first; size 0 at a root */
  double noise, eta, start; /* noise, of all samples that this fit alone sees, and eta are 0 at a root */
} ouro_terms;

/** The terms of an owned node.
 *  Not collective. */
ouro_terms ouro_system_terms(const ouro_config *config, const ouro_family *family, const ouro_graph *graph,
                             const ouro_survey *survey, ouro_lid i);

/** Set up the system that was surveyed; its obstacle must be NULL.
 *  Collective on graph's communicator.
 *  [out] system to be released with ouro_system_destroy(); NULL on error
 *  Returns the same status on all ranks: OURO_OK, OURO_ENOMEM, OURO_ELIMIT, OURO_EMPI. */
ouro_status ouro_system_create(const ouro_config *config, const ouro_family *family, const ouro_graph *graph,
                               const ouro_survey *survey, ouro_system **system);

/** Set up the system of a schedule's present generation; likewise.
 *  [in] survey of schedule's whole graph; its obstacle may be that counts change */
ouro_status ouro_system_create_now(const ouro_family *family, const ouro_schedule *schedule, const ouro_survey *survey,
                                   ouro_system **system);

/** Release a system and set it to NULL. NULL is fine.
 *  Not collective. */
void ouro_system_destroy(ouro_system **system);

/** Show every rank every entry of P, in slices of bounded size.
 *  Collective on comm.
 *  Returns the same status on all ranks: OURO_OK, OURO_ENOMEM, OURO_EMPI. */
ouro_status ouro_system_stream(MPI_Comm comm, const ouro_system *system, ouro_system_visit visit, void *context);

#endif
