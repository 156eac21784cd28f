/* Scores of simulation against theory. The sum of squares is exact and ties go to the earliest generation and
 * smallest id, so the result is the same for every number of ranks. */

#include "ouro/theory/agree.h"

#include <math.h>

#include "theory/select.h"

void ouro_agreement_zero(ouro_agreement *agreement) {
  *agreement = (ouro_agreement){.where = OURO_NATURE};
  ouro_sum_zero(&agreement->squares);
}

/* Is a score of this size, node and generation ahead of the largest so far? */
static bool ahead(const ouro_agreement *a, double size, ouro_gid where, int64_t when) {
  if (size != a->largest) return size > a->largest;
  if (a->where == OURO_NATURE) return true;
  return when != a->when ? when < a->when : where < a->where;
}

/* Errors of all replicates that differ by less, relatively, are one and the same: they say nothing of their scatter. */
static const double ROUNDING = 1e-12;

static void add_score(ouro_agreement *a, double z, ouro_gid where, int64_t when) {
  const double size = fabs(z);
  ouro_sum_add(&a->squares, z * z);
  a->n++;
  a->beyond_3 += size > 3;
  if (!ahead(a, size, where, when)) return;
  a->largest = size;
  a->where = where;
  a->when = when;
}

void ouro_agreement_add(ouro_agreement *agreement, ouro_lid n_owned, const ouro_gid *gid, int64_t generation,
                        int64_t replicates, const double *error, const double *error_sd, const double *theory,
                        double *z) {
  for (ouro_lid i = 0; i < n_owned; i++) {
    const bool scored = error_sd[i] > ROUNDING * fabs(error[i]) && !isnan(theory[i]);
    const double score = scored ? (error[i] - theory[i]) / (error_sd[i] / sqrt((double)replicates)) : (double)NAN;
    if (scored) add_score(agreement, score, gid[i], generation);
    if (z != NULL) z[i] = score;
  }
}

/* The smallest value among the ranks that take part. */
static ouro_status least_of(MPI_Comm comm, bool taking_part, int64_t *value) {
  int64_t mine = taking_part ? *value : INT64_MAX;
  return ouro_agree(comm, ouro_mpi_status(MPI_Allreduce(&mine, value, 1, MPI_INT64_T, MPI_MIN, comm)));
}

ouro_status ouro_agreement_reduce(ouro_agreement *agreement, MPI_Comm comm) {
  ouro_status status = OURO_OK;
  ouro_agreement *a = agreement;
  const double largest = a->largest;
  const int64_t when = a->when;
  int64_t counts[2] = {a->n, a->beyond_3};
  bool ahead_here = a->where != OURO_NATURE;
  OURO_TRY(ouro_sum_reduce(&a->squares, 1, comm));
  OURO_AGREE(comm, ouro_mpi_status(MPI_Allreduce(MPI_IN_PLACE, counts, 2, MPI_INT64_T, MPI_SUM, comm)));
  a->n = counts[0];
  a->beyond_3 = counts[1];
  if (a->n == 0) return OURO_OK;
  OURO_AGREE(comm, ouro_mpi_status(MPI_Allreduce(MPI_IN_PLACE, &a->largest, 1, MPI_DOUBLE, MPI_MAX, comm)));
  ahead_here = ahead_here && largest == a->largest;
  OURO_TRY(least_of(comm, ahead_here, &a->when));
  ahead_here = ahead_here && when == a->when;
  OURO_TRY(least_of(comm, ahead_here, &a->where));
cleanup:
  return status;
}

double ouro_agreement_rms(const ouro_agreement *agreement) {
  return agreement->n > 0 ? sqrt(ouro_sum_value(&agreement->squares) / (double)agreement->n) : (double)NAN;
}

double ouro_agreement_expected(const ouro_agreement *agreement) {
  return erfc(3 / sqrt(2.0)) * (double)agreement->n;
}
