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

/** Draw b <= OURO_ROW_BLOCK rows, each with a mean of its own, from substreams 1, 2, .. of the stream.
 *  Not collective.
 *  [in]    first number of the first row within its feed, a multiple of OURO_ROW_BLOCK
 *  [inout] y     [b] means, positive and at most OURO_POISSON_MOST; become the rows */
void ouro_poisson_draw_each(const ouro_stream *stream, ouro_count first, int b, double *y);

#endif
