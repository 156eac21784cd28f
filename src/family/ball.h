#ifndef OURO_FAMILY_BALL_H
#define OURO_FAMILY_BALL_H

/* Standard normal vectors of d dimensions, conditioned to lie within the ball that holds a given part of them.
 *
 * With G the distribution function of the length of a normal vector, a vector of length r is shrunk to length
 * f(r) = G^-1(mass G(r)): exactly the conditional law, direction and length being independent, by one vector each; and
 * as the mass goes to 1, each goes to where it was. f stands in a table, interpolated to better than 1e-8. */

#include "ouro/base/status.h"

typedef struct ouro_ball {
  int d;
  double mass, radius; /* G(radius) = mass */
  double first, step;  /* lengths at which f is tabulated: first + i step */
  double *length;      /* [OURO_BALL_TABLE] f there; NULL where all vectors stay or become 0 */
} ouro_ball;

#define OURO_BALL_TABLE 2048

/** The ball of d dimensions that holds a part of all normal vectors, 0 .. 1.
 *  Not collective.
 *  [out] ball to be released with ouro_ball_clear()
 *  Returns OURO_OK or OURO_ENOMEM. */
ouro_status ouro_ball_create(int d, double mass, ouro_ball *ball);

/** Release what a ball holds. A zeroed one is fine.
 *  Not collective. */
void ouro_ball_clear(ouro_ball *ball);

/** Move normal vectors into the ball.
 *  Not collective.
 *  [inout] z [d][b], b <= OURO_ROW_BLOCK */
void ouro_ball_shrink(const ouro_ball *ball, int b, double *z);

/** Variance of each component of a vector within the ball: G_(d+2)(radius) / mass, G_(d+2) that of d + 2 dimensions.
 *  Not collective. */
double ouro_ball_variance(const ouro_ball *ball);

#endif
