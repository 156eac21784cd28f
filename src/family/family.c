/* Registry of the model families and dispatch to them: see family.h.
 * A family is one row of `registry`; nothing here knows what a family computes. */

#include "ouro/family/family.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "family/private.h"
#include "ouro/base/memory.h"

static const ouro_family_methods *const registry[] = {&ouro_family_linear};

#define N_FAMILIES ((int)(sizeof registry / sizeof registry[0]))

static ouro_status find(const char *name, const ouro_family_methods **methods) {
  const char *names[N_FAMILIES];
  for (int i = 0; i < N_FAMILIES; i++) {
    names[i] = registry[i]->name;
    *methods = registry[i];
    if (strcmp(name, names[i]) == 0) return OURO_OK;
  }
  const char *nearest = ouro_config_nearest(name, names, N_FAMILIES);
  if (nearest) {
    return ouro_error(OURO_ECONFIG, "model.family: unknown family '%s'; did you mean '%s'?", name, nearest);
  }
  return ouro_error(OURO_ECONFIG, "model.family: unknown family '%s'; the first known one is '%s'", name, names[0]);
}

ouro_status ouro_family_create(const ouro_config *config, ouro_family **family) {
  ouro_status status = OURO_OK;
  ouro_family *made = NULL;
  const ouro_family_methods *methods = NULL;
  *family = NULL;
  OURO_TRY(find(config->model.family, &methods));
  OURO_NEW(made, 1);
  made->methods = methods;
  OURO_TRY(methods->create(config, made));
  OURO_NEW(made->block, (size_t)OURO_ROW_BLOCK * (size_t)made->row_width);
  *family = made;
  made = NULL;
cleanup:
  ouro_family_destroy(&made);
  return status;
}

void ouro_family_destroy(ouro_family **family) {
  if (*family == NULL) return;
  (*family)->methods->destroy(*family);
  free((*family)->truth);
  free((*family)->block);
  free(*family);
  *family = NULL;
}

void ouro_family_draw(const ouro_family *family, const ouro_slice *slice, double *rows) {
  family->methods->draw(family, slice, rows);
}

void ouro_family_reduce(const ouro_family *family, const double *rows, ouro_count n, double *statistic) {
  family->methods->reduce(family, rows, n, statistic);
}

void ouro_family_absorb(const ouro_family *family, ouro_lid n, const ouro_slice *slices, double *const *statistics) {
  for (ouro_lid i = 0; i < n; i++) {
    ouro_slice part = slices[i];
    const ouro_count end = part.first + part.n;
    for (; part.first < end; part.first += OURO_ROW_BLOCK) {
      part.n = end - part.first < OURO_ROW_BLOCK ? end - part.first : OURO_ROW_BLOCK;
      family->methods->draw(family, &part, family->block);
      family->methods->reduce(family, family->block, part.n, statistics[i]);
    }
  }
}

ouro_lid ouro_family_fit(const ouro_family *family, ouro_lid n, const ouro_count *sizes, double *statistics,
                         double *theta) {
  return family->methods->fit(family, n, sizes, statistics, theta);
}

void ouro_family_error(const ouro_family *family, ouro_lid n, const double *theta, double *error) {
  family->methods->error(family, n, theta, error);
}

double ouro_family_noise(const ouro_family *family, ouro_count n) {
  if (family->methods->noise) return family->methods->noise(family, n);
  return n > 0 ? family->spread.base / (double)n : INFINITY;
}

double ouro_family_eta(const ouro_family *family, ouro_count n) {
  return family->methods->eta ? family->methods->eta(family, n) : 0;
}

bool ouro_family_amplifies(const ouro_family *family) {
  return family->spread.curvature > 0 || family->spread.fitted;
}

bool ouro_family_has_constant_spread(const ouro_family *family) {
  return family->spread.curvature == 0 && !family->spread.fitted;
}
