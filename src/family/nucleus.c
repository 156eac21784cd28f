/* Temperature, top-k and top-p of a categorical distribution: see nucleus.h.
 * Invariant: one operation after the other, each IEEE; what is kept depends on the probabilities alone. */

#include "family/nucleus.h"

#include "base/exp.h"
#include "base/normal.h"

ouro_status ouro_nucleus_create(const ouro_config_model *model, ouro_nucleus *how) {
  ouro_status status = OURO_OK;
  OURO_CHECK(model->temperature >= 0 && model->temperature <= 1e100, OURO_ECONFIG,
             "model.temperature: %g is not within 0 .. 1e100", model->temperature);
  OURO_CHECK(model->top_k >= 0, OURO_ECONFIG, "model.top_k: %d is not at least 0", model->top_k);
  OURO_CHECK(model->top_p >= 0 && model->top_p <= 1, OURO_ECONFIG, "model.top_p: %g is not within 0 .. 1",
             model->top_p);
  *how = (ouro_nucleus){model->temperature, model->top_k, model->top_p};
cleanup:
  return status;
}

bool ouro_nucleus_shapes(const ouro_nucleus *how, int k) {
  return how->temperature != 1 || (how->top_k > 0 && how->top_k < k) || how->top_p < 1;
}

static bool before(const double *p, int32_t a, int32_t b) {
  return p[a] > p[b] || (p[a] == p[b] && a < b);
}

static int32_t mode_of(int k, const double *p) {
  int32_t mode = 0;
  for (int32_t i = 1; i < k; i++) mode = p[i] > p[mode] ? i : mode;
  return mode;
}

/* Weights p_i^(1/T), that of the mode 1; those below 2^-1009, where ouro_exp() ends, are 0. */
static void warm(double temperature, int k, const double *p, double *q) {
  const double most = p[mode_of(k, p)];
  double least;
  ouro_normal_scalar.minus_two_log(1, &most, &least);
  ouro_normal_scalar.minus_two_log((size_t)k, p, q);
  for (int i = 0; i < k; i++) q[i] = p[i] < most ? 0.5 * (least - q[i]) / temperature : 0;
  ouro_exp((size_t)k, q);
  for (int i = 0; i < k; i++) q[i] = p[i] > 0 && q[i] > 0x1p-1009 ? q[i] : 0;
}

static void swap(int32_t *a, int32_t *b) {
  const int32_t kept = *a;
  *a = *b;
  *b = kept;
}

/* Move what comes before the pivot, order[low], to the front of order[low..high-1], and the pivot behind it.
 * [out] mass the weight before the pivot; without weights, each has weight 1
 * Returns where the pivot is. */
static int32_t part(const double *p, const double *weight, int32_t low, int32_t high, int32_t *order, double *mass) {
  const int32_t pivot = order[low];
  int32_t end = low;
  *mass = 0;
  for (int32_t i = low + 1; i < high; i++) {
    if (!before(p, order[i], pivot)) continue;
    *mass += weight ? weight[order[i]] : 1;
    swap(&order[++end], &order[i]);
  }
  swap(&order[low], &order[end]);
  return end;
}

/* The fewest of n outcomes, most probable first, whose weights reach a target, by partition around random pivots (Hoare
 * 1961): they are moved to the front of the order. Returns how many they are, at least one. */
static int32_t cut(const double *p, const double *weight, double target, int32_t n, int32_t *order) {
  int32_t low = 0, high = n;
  uint64_t state = 1;
  double above = 0, mass;
  while (low < high) {
    state = state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    swap(&order[low], &order[low + (int32_t)ouro_random_below(state, (uint64_t)(high - low))]);
    const int32_t pivot = part(p, weight, low, high, order, &mass);
    if (above + mass >= target) {
      high = pivot;
      continue;
    }
    above += mass + (weight ? weight[order[pivot]] : 1);
    low = pivot + 1;
    if (above >= target) break;
  }
  return low > 0 ? low : 1;
}

/* The outcomes that can be drawn are moved to the front; returns how many they are. */
static int32_t keep(const ouro_nucleus *how, int k, const double *p, const double *q, int32_t n, int32_t *order) {
  double sum = 0;
  if (how->top_k > 0 && how->top_k < n) n = cut(p, NULL, how->top_k, n, order);
  if (how->top_p >= 1) return n;
  for (int32_t i = 0; i < n; i++) sum += q[order[i]];
  return cut(p, q, how->top_p * sum * (1 - k * 0x1p-51), n, order);
}

void ouro_nucleus_shape(const ouro_nucleus *how, int k, const double *p, double *q, int32_t *order) {
  int32_t alive = 0;
  double sum = 0;
  if (how->temperature == 0) {
    for (int i = 0; i < k; i++) q[i] = 0;
    q[mode_of(k, p)] = 1;
    return;
  }
  for (int i = 0; i < k; i++) q[i] = p[i];
  if (how->temperature != 1) warm(how->temperature, k, p, q);
  for (int i = 0; i < k; i++) {
    if (p[i] > 0) order[alive++] = i;
  }
  for (int32_t i = keep(how, k, p, q, alive, order); i < alive; i++) q[order[i]] = 0;
  for (int i = 0; i < k; i++) sum += q[i];
  for (int i = 0; i < k; i++) q[i] /= sum;
}
