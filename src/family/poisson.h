#ifndef OURO_FAMILY_POISSON_H
#define OURO_FAMILY_POISSON_H

/* Poisson variables of any mean. */

#include "ouro/family/family.h"

/* Largest true mean of an experiment; models may wander above it. */
#define OURO_POISSON_MOST 1e9

/** Draw the rows of a slice, one number each. A mean of 0 gives 0.
 *  Not collective.
 *  [in]  mean at least 0
 *  [out] rows [slice->n] */
void ouro_poisson_draw(double mean, const ouro_slice *slice, double *rows);

#endif
