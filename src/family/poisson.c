/* Poisson variables in row blocks: small means by inversion of one uniform number, large ones by rejection (base),
 * trial k of a row in substream k of the feed. */

#include "family/poisson.h"

#include "base/sampler.h"
#include "family/samples.h"

#define TABLE 128 /* Pr(X > 128) < 1e-40 for a mean of 30 */

/* F(k) = Pr(X <= k) for k = 0, 1, .. until it is 1 to the last bit, from partial sums of mean^k / k!.
 * Returns how many there are. */
static int distribution(double mean, double F[TABLE]) {
  double term = 1, sum = 1;
  int n = 1;
  for (F[0] = 1; n < TABLE && (n < mean || term > sum * 0x1p-56); n++) {
    term *= mean / n;
    sum += term;
    F[n] = sum;
  }
  for (int k = 0; k < n; k++) F[k] /= sum;
  return n;
}

/* X = #{k: F(k) <= u} */
static void invert(double mean, const ouro_slice *slice, double *rows) {
  double F[TABLE], u[OURO_ROW_BLOCK];
  const int n = distribution(mean, F);
  ouro_slice part = *slice;
  for (ouro_count left = slice->n; left > 0; left -= OURO_ROW_BLOCK, part.first += OURO_ROW_BLOCK) {
    const int b = ouro_samples_block(left);
    part.n = b;
    ouro_samples_fill(ouro_random_uniforms, &part, 1, u);
    for (int r = 0; r < b; r++) rows[r] = 0;
    for (int k = 0; k < n; k++) {
      for (int r = 0; r < b; r++) rows[r] += F[k] <= u[r] ? 1 : 0;
    }
    rows += b;
  }
}

/* Trials go on for all rows of a block that are not done until each has accepted one; 8 in 10 accept the first.
 * Row r has hat h[r * each]; trial k draws from substream `trial` + k. */
static void reject(const ouro_sampler_poisson_hat *h, int each, const ouro_stream *stream, uint64_t trial,
                   ouro_count first, int b, bool *done, double *rows) {
  double u[OURO_ROW_BLOCK], v[OURO_ROW_BLOCK];
  int left = 0;
  for (int r = 0; r < b; r++) left += !done[r];
  for (int k = 0; left > 0 && k < OURO_SAMPLER_TRIALS; k++) { /* ends in any case, also for a mean that is not finite */
    const ouro_stream of_trial = ouro_random_substream(stream, trial + (uint64_t)k);
    ouro_random_uniforms(&of_trial, 2 * (uint64_t)first, (size_t)b, u);
    ouro_random_uniforms(&of_trial, 2 * (uint64_t)first + OURO_ROW_BLOCK, (size_t)b, v);
    for (int r = 0; r < b; r++) {
      if (done[r]) continue;
      done[r] = ouro_sampler_poisson_accepts(&h[r * each], u[r], v[r], &rows[r]);
      left -= done[r];
    }
  }
}

void ouro_poisson_draw(double mean, const ouro_slice *slice, double *rows) {
  if (mean < OURO_SAMPLER_POISSON_SMALL) {
    invert(mean, slice, rows);
    return;
  }
  const ouro_sampler_poisson_hat h = ouro_sampler_poisson_hat_of(mean);
  for (ouro_count at = 0; at < slice->n; at += OURO_ROW_BLOCK) {
    bool done[OURO_ROW_BLOCK] = {false};
    reject(&h, 0, &slice->stream, 0, slice->first + at, ouro_samples_block(slice->n - at), done, rows + at);
  }
}

void ouro_poisson_draw_each(const ouro_stream *stream, ouro_count first, int b, double *y) {
  const ouro_stream inverted = ouro_random_substream(stream, 1);
  double u[OURO_ROW_BLOCK];
  ouro_sampler_poisson_hat h[OURO_ROW_BLOCK];
  bool done[OURO_ROW_BLOCK];
  ouro_random_uniforms(&inverted, (uint64_t)first, (size_t)b, u);
  for (int r = 0; r < b; r++) {
    done[r] = y[r] < OURO_SAMPLER_POISSON_SMALL;
    if (done[r])
      y[r] = ouro_sampler_poisson_invert(y[r], u[r]);
    else
      h[r] = ouro_sampler_poisson_hat_of(y[r]);
  }
  reject(h, 1, stream, 2, first, b, done, y);
}
