#ifndef OURO_THEORY_AGREE_H
#define OURO_THEORY_AGREE_H

/* How well a simulation agrees with theory: z = (mean over replicates - theory) / (sd / sqrt(replicates)). */

#include "ouro/base/sum.h"
#include "ouro/graph/graph.h"

typedef struct ouro_agreement {
  ouro_sum squares; /* of z, of this rank until reduced */
  int64_t n;        /* z-scores: nodes with sd > 1e-12 |mean| and a theory that is a number, generations 0 and later */
  int64_t beyond_3; /* |z| > 3 */
  double largest;   /* |z| */
  ouro_gid where;   /* node of the largest */
  int64_t when;     /* generation of the largest */
} ouro_agreement;

/** An agreement of no scores yet.
 *  Not collective. */
void ouro_agreement_zero(ouro_agreement *agreement);

/** Score one generation.
 *  Not collective.
 *  [in]  gid, error, error_sd, theory [n_owned]; theory NaN: not scored. (A root repeats its score of
 *        generation 0 for ever; the caller may leave it out in this way.)
 *  [out] z [n_owned] NaN where not scored; may be NULL */
void ouro_agreement_add(ouro_agreement *agreement, ouro_lid n_owned, const ouro_gid *gid, int64_t generation,
                        int64_t replicates, const double *error, const double *error_sd, const double *theory,
                        double *z);

/** Combine the ranks.
 *  Collective on comm. To be called once, after the last score; of equal largest scores the earliest
 *  generation, then the smallest id is named.
 *  Returns the same status on all ranks: OURO_OK, OURO_EMPI. */
ouro_status ouro_agreement_reduce(ouro_agreement *agreement, MPI_Comm comm);

/** Root mean square of z; NaN if there is none.
 *  Not collective. */
double ouro_agreement_rms(const ouro_agreement *agreement);

/** Number of |z| > 3 expected if z were standard normal: 0.0026998 n.
 *  Not collective. */
double ouro_agreement_expected(const ouro_agreement *agreement);

#endif
