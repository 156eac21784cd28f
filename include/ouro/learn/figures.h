#ifndef OURO_LEARN_FIGURES_H
#define OURO_LEARN_FIGURES_H

/* Figures of models beside the moments of their errors: the measures of their family, and when their errors first reach
 * a threshold; of each node, and of classes of nodes.
 *
 * Moments over replicates are formed in blocks of 8, sums over nodes are exact: the same bits on any number of ranks
 * and any ownership of nodes. Replicates are independent and nodes are not, so that the standard error of the mean over
 * the nodes of a class comes from the means over these nodes in each replicate. A value that is infinite makes a mean
 * infinite (NaN if there are both infinities) and leaves no standard deviation, NaN. */

#include "ouro/learn/learn.h"

#define OURO_LEARN_CLASSES 4 /* at most */

/* Classes of nodes. */
typedef struct ouro_learn_classes {
  int n;
  const int8_t *class_of; /* [group->graph->n_owned] 0 .. n-1, of the nodes whose models this rank trains */
  const ouro_gid *count;  /* [n] nodes of each, on all ranks */
} ouro_learn_classes;

/* Figures of one measure. */
typedef struct ouro_learn_figures {
  double *mean, *sd;   /* [group->whole->n_owned] over all replicates; sd with n-1, 0 for one replicate */
  double *class_mean;  /* [classes] over nodes and replicates; NaN for a class without nodes */
  double *class_error; /* [classes] its standard error over replicates; NaN also for one replicate */
} ouro_learn_figures;

/** Figures of a measure of models.
 *  Collective on the communicator of the graph as given.
 *  [in]  theta   [group->graph->n_owned][group->replicates][n_parameters]
 *  [out] figures their arrays are the caller's; those of classes are the same on all ranks
 *  Returns the same status on all ranks: OURO_OK, OURO_EMPI; with several groups OURO_ENOMEM. */
ouro_status ouro_learn_figures_measure(const ouro_family *family, const ouro_learn_group *group,
                                       const ouro_learn_classes *classes, const ouro_measure *measure,
                                       const double *theta, const ouro_learn_figures *figures);

/* When the error of each model first reached a threshold. */
typedef struct ouro_learn_passages {
  double threshold;
  const ouro_learn_group *group;
  int32_t last;   /* generation that was noted last; -1: none */
  int32_t *first; /* [group->graph->n_owned][group->replicates] generation in which the error reached the threshold; -1:
                     not yet */
} ouro_learn_passages;

/** Begin to watch errors.
 *  Not collective.
 *  [in]  group    must outlive the passages
 *  [out] passages to be released with ouro_learn_passages_clear(), also on error
 *  Returns OURO_OK, OURO_ENOMEM. */
ouro_status ouro_learn_passages_begin(const ouro_learn_group *group, double threshold, ouro_learn_passages *passages);

/** Look at the models of a generation, one generation after the other.
 *  Not collective.
 *  [in] theta [group->graph->n_owned][group->replicates][n_parameters] */
void ouro_learn_passages_note(ouro_learn_passages *passages, const ouro_family *family, const double *theta);

/** Figures of the first passages.
 *  Collective on the communicator of the graph as given.
 *  [in]  share   true: of the share of models that reached the threshold (1 or 0 a model); false: of the generation in
 *                which they did, where those that did not count with the generation after the last
 *  [out] figures their arrays are the caller's
 *  Returns the same status on all ranks: OURO_OK, OURO_EMPI; with several groups OURO_ENOMEM. */
ouro_status ouro_learn_figures_passages(const ouro_learn_passages *passages, const ouro_learn_classes *classes,
                                        bool share, const ouro_learn_figures *figures);

/** Release what passages hold. Zeroed ones are fine.
 *  Not collective. */
void ouro_learn_passages_clear(ouro_learn_passages *passages);

#endif
