/* Stationary distribution by elimination of the states from the last to the first: see stationary.h. What is left is
 * the chain watched while in the states left; all terms are positive, so nothing cancels. Sums run in fixed order. */

#include "theory/stationary.h"

#include <math.h>

enum { PANEL = 16, STRIP = 256 };

/* Eliminate state k among the states below it: its row becomes the law of where it is left for, and its diagonal the
 * probability of leaving it. */
static bool leave(size_t n, double *p, size_t k) {
  double *row = p + k * n, sum = 0;
  for (size_t j = 0; j < k; j++) sum += row[j];
  for (size_t j = 0; j < k; j++) row[j] /= sum;
  row[k] = sum;
  return isnormal(sum);
}

/* row i += p_ik times row k, columns from .. below */
static void pass_on(size_t n, double *p, size_t i, size_t k, size_t from, size_t below) {
  const double share = p[i * n + k];
  for (size_t j = from; j < below; j++) p[i * n + j] += share * p[k * n + j];
}

/* States first .. last-1 from the last on: their rows, and the columns of these states in the rows above them. */
static bool eliminate_panel(size_t n, double *p, size_t first, size_t last) {
  for (size_t k = last; k-- > first;) {
    if (k > 0 && !leave(n, p, k)) return false;
    for (size_t i = first; i < k; i++) pass_on(n, p, i, k, 0, k);
    for (size_t i = 0; i < first; i++) pass_on(n, p, i, k, first, k);
  }
  return true;
}

/* The rest of the rows above, all states of the panel at once, in strips of columns that stay in cache. */
static void update_rest(size_t n, double *p, size_t first, size_t last) {
  for (size_t from = 0; from < first; from += STRIP) {
    const size_t below = from + STRIP < first ? from + STRIP : first;
    for (size_t i = 0; i < first; i++) {
      for (size_t k = last; k-- > first;) pass_on(n, p, i, k, from, below);
    }
  }
}

/* pi_k p_leave(k) = sum of pi_i p_ik over the states before it. Scaled down before it overflows. */
static bool substitute(size_t n, const double *p, double *pi) {
  const double large = 0x1p500;
  double total = 0;
  for (size_t k = 0; k < n; k++) {
    double sum = k == 0;
    for (size_t i = 0; i < k; i++) sum += pi[i] * p[i * n + k];
    pi[k] = k == 0 ? 1 : sum / p[k * n + k];
    for (size_t i = 0; pi[k] > large && i <= k; i++) pi[i] /= pi[k];
    if (!isfinite(pi[k])) return false;
  }
  for (size_t k = 0; k < n; k++) total += pi[k];
  for (size_t k = 0; k < n; k++) pi[k] /= total;
  return true;
}

bool ouro_stationary_solve(size_t n, double *p, double *pi) {
  for (size_t last = n; last > 0; last = last > PANEL ? last - PANEL : 0) {
    const size_t first = last > PANEL ? last - PANEL : 0;
    if (!eliminate_panel(n, p, first, last)) return false;
    update_rest(n, p, first, last);
  }
  return substitute(n, p, pi);
}
