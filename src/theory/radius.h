#ifndef OURO_THEORY_RADIUS_H
#define OURO_THEORY_RADIUS_H

/* The spectral radius of P on the trained nodes between two numbers that are proven, on graphs of any size. */

#include "ouro/graph/mixing.h"

#define OURO_RADIUS_DIRECT 1000 /* factors of so many nodes take less than a tenth of a second */

typedef struct ouro_radius {
  double lower, upper; /* the radius lies between them, rounding included */
  bool converged;      /* they are at most 1e-9 apart, relative to the upper one */
  int64_t products;    /* P times a vector, that it took */
} ouro_radius;

/** Enclose the spectral radius.
 *  Collective on graph's communicator. Bit-identical on any number of ranks and any ownership.
 *  For nonnegative P and positive x, max (Px)_i / x_i is at least the radius (Collatz and Wielandt); for x that is
 *  positive on a set and 0 outside, min (Px)_i / x_i over the set is at most the radius. Both hold for reducible and
 *  periodic P, whatever x is; x comes from Noda's inverse iteration, x <- (mu I - P)^-1 x with mu just above the
 *  upper bound, solved by LU factors on one rank up to `direct` nodes and by BiCGSTAB beyond.
 *  [in]  mixing what P is: see mixing.h
 *  [in]  direct      nodes whose walks may meet a cycle, at most; OURO_RADIUS_DIRECT unless there is a reason
 *  Returns the same status on all ranks: OURO_OK, OURO_ENOMEM, OURO_EMPI. */
ouro_status ouro_radius_enclose(const ouro_graph *graph, ouro_mixing mixing, int64_t direct, ouro_radius *radius);

#endif
