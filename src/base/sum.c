/* Exact, order-free sums: see sum.h.
 * Invariant: the sum of limb[i] 2^(32 i - 1074) is the exact sum of all finite numbers added, and every
 * |limb| stays below 2^63 because the carries are settled before 2^30 additions of less than 2^32 each. */

#include "ouro/base/sum.h"

#include <math.h>
#include <string.h>

#define LIMB_BITS 32
#define LIMB_MASK ((int64_t)0xFFFFFFFF)
#define MOST_PENDING ((int64_t)1 << 30)
#define WORDS ((int)(sizeof(ouro_sum) / sizeof(int64_t)))

enum { SPECIAL_NAN, SPECIAL_PLUS, SPECIAL_MINUS };

void ouro_sum_zero(ouro_sum *sum) {
  memset(sum, 0, sizeof *sum);
}

/* Carry upwards until every limb but the last lies in [0, 2^32); the last one keeps the sign. */
static void settle(ouro_sum *sum) {
  int64_t carry = 0;
  for (int i = 0; i < OURO_SUM_LIMBS - 1; i++) {
    const int64_t value = sum->limb[i] + carry;
    sum->limb[i] = value & LIMB_MASK;
    carry = (value - sum->limb[i]) / ((int64_t)1 << LIMB_BITS);
  }
  sum->limb[OURO_SUM_LIMBS - 1] += carry;
  sum->pending = 1;
}

static void add_special(ouro_sum *sum, double x) {
  sum->special[isnan(x) ? SPECIAL_NAN : x > 0 ? SPECIAL_PLUS : SPECIAL_MINUS]++;
}

void ouro_sum_add(ouro_sum *sum, double x) {
  uint64_t bits;
  memcpy(&bits, &x, sizeof bits);
  const int exponent = (int)(bits >> 52 & 0x7FF);
  uint64_t mantissa = bits & (((uint64_t)1 << 52) - 1);
  if (exponent == 0x7FF) {
    add_special(sum, x);
    return;
  }
  if (exponent != 0) mantissa |= (uint64_t)1 << 52;
  if (sum->pending >= MOST_PENDING) settle(sum);
  sum->pending++;
  const int place = exponent > 1 ? exponent - 1 : 0; /* of the lowest mantissa bit, above 2^-1074 */
  const int shift = place % LIMB_BITS;
  int64_t *limb = sum->limb + place / LIMB_BITS;
  const int64_t sign = bits >> 63 ? -1 : 1;
  const uint64_t low = (mantissa & 0xFFFFFFFF) << shift;
  const uint64_t high = ((mantissa >> LIMB_BITS) << shift) + (low >> LIMB_BITS);
  limb[0] += sign * (int64_t)(low & 0xFFFFFFFF);
  limb[1] += sign * (int64_t)(high & 0xFFFFFFFF);
  limb[2] += sign * (int64_t)(high >> LIMB_BITS);
}

void ouro_sum_merge(ouro_sum *sum, const ouro_sum *other) {
  ouro_sum settled = *other;
  settle(&settled);
  if (sum->pending >= MOST_PENDING) settle(sum);
  for (int i = 0; i < OURO_SUM_LIMBS; i++) sum->limb[i] += settled.limb[i];
  for (int i = 0; i < 3; i++) sum->special[i] += settled.special[i];
  sum->pending += settled.pending;
}

/* Make the magnitude positive; returns whether it was negative. The limbs are settled before and after. */
static bool make_positive(ouro_sum *sum) {
  if (sum->limb[OURO_SUM_LIMBS - 1] >= 0) return false;
  for (int i = 0; i < OURO_SUM_LIMBS; i++) sum->limb[i] = -sum->limb[i];
  settle(sum);
  return true;
}

static int bit_at(const ouro_sum *sum, int place) {
  return (int)(sum->limb[place / LIMB_BITS] >> place % LIMB_BITS & 1);
}

static bool any_below(const ouro_sum *sum, int place) {
  for (int i = 0; i < place / LIMB_BITS; i++) {
    if (sum->limb[i] != 0) return true;
  }
  return (sum->limb[place / LIMB_BITS] & (((int64_t)1 << place % LIMB_BITS) - 1)) != 0;
}

/* Round a positive settled sum, whose highest bit is at `top`, to 53 bits, to nearest even. */
static double round_once(const ouro_sum *sum, int top) {
  const int lowest = top > 52 ? top - 52 : 0;
  uint64_t mantissa = 0;
  for (int place = top; place >= lowest; place--) mantissa = mantissa << 1 | (uint64_t)bit_at(sum, place);
  if (lowest > 0 && bit_at(sum, lowest - 1)) mantissa += any_below(sum, lowest - 1) || (mantissa & 1);
  return ldexp((double)mantissa, lowest - 1074);
}

double ouro_sum_value(const ouro_sum *sum) {
  const bool plus = sum->special[SPECIAL_PLUS] != 0, minus = sum->special[SPECIAL_MINUS] != 0;
  if (sum->special[SPECIAL_NAN] != 0 || (plus && minus)) return NAN;
  if (plus || minus) return plus ? INFINITY : -INFINITY;
  ouro_sum copy = *sum;
  settle(&copy);
  const bool negative = make_positive(&copy);
  int top = OURO_SUM_LIMBS * LIMB_BITS - 1;
  if (copy.limb[OURO_SUM_LIMBS - 1] > LIMB_MASK) return negative ? -INFINITY : INFINITY;
  while (top >= 0 && !bit_at(&copy, top)) top--;
  if (top < 0) return 0.0;
  const double magnitude = round_once(&copy, top);
  return negative ? -magnitude : magnitude;
}

ouro_status ouro_sum_reduce(ouro_sum *sums, int n, MPI_Comm comm) {
  ouro_status status = OURO_OK;
  const int most = INT32_MAX / WORDS;
  for (int i = 0; i < n; i++) settle(&sums[i]); /* leaves room for 2^30 ranks */
  for (int first = 0; first < n; first += most) {
    const int count = (n - first < most ? n - first : most) * WORDS;
    OURO_CHECK(MPI_Allreduce(MPI_IN_PLACE, sums + first, count, MPI_INT64_T, MPI_SUM, comm) == MPI_SUCCESS, OURO_EMPI,
               "MPI_Allreduce of %d exact sums failed", n);
  }
cleanup:
  return status;
}
