/* Registry of the model families and dispatch to them: see family.h.
 * A family is one row of `registry`; nothing here knows what a family computes. */

#include "ouro/family/family.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "family/private.h"
#include "family/samples.h"
#include "ouro/base/memory.h"

/* Room for those of the program and as many of its users; NULL beyond the last. */
#define MOST_FAMILIES 64

static const ouro_family_methods *registry[MOST_FAMILIES + 1] = {
    &ouro_family_linear,      &ouro_family_normal_mean, &ouro_family_poisson,
    &ouro_family_bernoulli,   &ouro_family_exponential, &ouro_family_gaussian,
    &ouro_family_categorical, &ouro_family_logistic,    &ouro_family_poisson_regression,
    &ouro_family_huber,       &ouro_family_kde,         &ouro_family_mixture};

static int count_families(void) {
  int n = 0;
  while (registry[n]) n++;
  return n;
}

const ouro_family_methods *ouro_family_at(int i) {
  return i < count_families() ? registry[i] : NULL;
}

static bool is_whole(const ouro_family_methods *m) {
  return m->create && m->destroy && m->draw && m->error && m->keys && m->measure && m->error_units &&
         m->parameter_units && ((m->reduce && m->fit) || (m->fit_rows && m->unfitted));
}

/* Are the measures described, and not too many beside the error? */
static bool measures_are_whole(const ouro_measure *m) {
  int n = 1;
  for (; m && m->name; m++, n++) {
    if (n == OURO_MEASURES_MOST || !m->compute || !m->units || !m->description) return false;
  }
  return true;
}

ouro_status ouro_family_register(const ouro_family_methods *methods) {
  ouro_status status = OURO_OK;
  const int n = count_families();
  OURO_CHECK(methods->name && methods->name[0] != '\0', OURO_EUSAGE, "a family needs a name");
  OURO_CHECK(is_whole(methods), OURO_EUSAGE, "family %s: a method or a word that every family has is missing",
             methods->name);
  OURO_CHECK(measures_are_whole(methods->measures), OURO_EUSAGE,
             "family %s: a measure needs a name, units, a description and a function, and there are at most %d",
             methods->name, OURO_MEASURES_MOST - 1);
  for (int i = 0; i < n; i++) {
    OURO_CHECK(strcmp(registry[i]->name, methods->name) != 0, OURO_EUSAGE, "there is a family %s already",
               methods->name);
  }
  OURO_CHECK(n < MOST_FAMILIES, OURO_ELIMIT, "family %s: there are %d families, as many as there can be", methods->name,
             n);
  registry[n] = methods;
cleanup:
  return status;
}

static ouro_status find(const ouro_config *config, const ouro_family_methods **methods) {
  const char *names[MOST_FAMILIES] = {NULL}, *name = config->model.family;
  const int n = count_families();
  char all[32 * MOST_FAMILIES] = "";
  for (int i = 0; i < n; i++) {
    names[i] = registry[i]->name;
    *methods = registry[i];
    if (strcmp(name, names[i]) == 0) return OURO_OK;
  }
  const char *nearest = ouro_config_nearest(name, names, n);
  if (nearest) {
    return ouro_config_refuse(config, "model.family", "unknown family `%s`; did you mean `%s`?", name, nearest);
  }
  for (int i = 0; i < n; i++) {
    snprintf(all + strlen(all), sizeof all - strlen(all), "%s%s", i ? ", " : "", names[i]);
  }
  return ouro_config_refuse(config, "model.family", "must be one of %s, not `%s`", all, name);
}

bool ouro_family_takes(const char *keys, const char *key) {
  const size_t length = strlen(key);
  for (const char *at = keys ? strstr(keys, key) : NULL; at; at = strstr(at + 1, key)) {
    if (at > keys && at[-1] == ' ' && at[length] == ' ') return true;
  }
  return false;
}

/* A key of the section that was given and that the family does not take. */
static ouro_status check_keys(const ouro_config *config, const ouro_family_methods *methods) {
  const char *key;
  for (int i = 0; (key = ouro_config_key("model", i)) != NULL; i++) {
    char path[64];
    snprintf(path, sizeof path, "model.%s", key);
    if (strcmp(key, "family") == 0 || ouro_family_takes(methods->keys, key) || !ouro_config_given(config, path))
      continue;
    return ouro_config_refuse(config, path, "not used by family `%s`; it takes:%s", methods->name,
                              methods->keys ? methods->keys : " none");
  }
  return OURO_OK;
}

static ouro_status hold_out(const ouro_config *config, ouro_family *family) {
  ouro_status status = OURO_OK;
  if (!family->methods->holds_out) return OURO_OK;
  OURO_NEW(family->held_out, OURO_HELD_OUT * (size_t)family->row_width);
  const ouro_slice slice = {.stream =
                                ouro_random_stream(config->learning.seed, 0, 0, OURO_PURPOSE_HELD_OUT, OURO_NATURE, 0),
                            .theta = family->truth,
                            .n = OURO_HELD_OUT,
                            .total = OURO_HELD_OUT};
  family->methods->draw(family, &slice, family->held_out);
cleanup:
  return status;
}

ouro_status ouro_family_create(const ouro_config *config, ouro_family **family) {
  ouro_status status = OURO_OK;
  ouro_family *made = NULL;
  const ouro_family_methods *methods = NULL;
  *family = NULL;
  OURO_TRY(find(config, &methods));
  OURO_TRY(check_keys(config, methods));
  OURO_NEW(made, 1);
  made->methods = methods;
  OURO_TRY(methods->create(config, made));
  const size_t rows = (size_t)OURO_ROW_BLOCK * (size_t)made->row_width;
  OURO_NEW(made->block, made->scratch > rows ? made->scratch : rows);
  OURO_TRY(hold_out(config, made));
  OURO_TRY(ouro_family_enter_tier(config, made));
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
  free((*family)->held_out);
  free(*family);
  *family = NULL;
}

void ouro_family_draw(const ouro_family *family, const ouro_slice *slice, double *rows) {
  family->methods->draw(family, slice, rows);
}

void ouro_family_reduce(const ouro_family *family, const double *rows, ouro_count n, double *statistic) {
  if (family->additive)
    family->methods->reduce(family, rows, n, statistic);
  else
    ouro_samples_keep(family->row_width, rows, n, statistic);
}

void ouro_family_draw_statistics(const ouro_family *family, ouro_lid n, const ouro_slice *slices, double *statistics) {
  family->methods->draw_statistics(family, n, slices, statistics);
}

size_t ouro_family_statistic_size(const ouro_family *family, ouro_count samples) {
  return family->additive ? (size_t)family->statistic_width : ouro_samples_kept_size(family->row_width, samples);
}

void ouro_family_merge(const ouro_family *family, const double *other, double *statistic) {
  if (!family->additive) ouro_samples_keep_kept(family->row_width, other, statistic);
  for (int k = 0; k < family->statistic_width; k++) statistic[k] += other[k];
}

void ouro_family_absorb(const ouro_family *family, ouro_lid n, const ouro_slice *slices, double *const *statistics) {
  for (ouro_lid i = 0; i < n; i++) {
    if (family->methods->absorb) {
      family->methods->absorb(family, &slices[i], statistics[i]);
      continue;
    }
    ouro_slice part = slices[i];
    const ouro_count end = part.first + part.n;
    for (; part.first < end; part.first += OURO_ROW_BLOCK) {
      part.n = end - part.first < OURO_ROW_BLOCK ? end - part.first : OURO_ROW_BLOCK;
      family->methods->draw(family, &part, family->block);
      ouro_family_reduce(family, family->block, part.n, statistics[i]);
    }
  }
}

ouro_family ouro_family_of_samples(const ouro_family *family) {
  ouro_family samples = *family;
  samples.additive = false;
  samples.statistic_width = 0;
  return samples;
}

void ouro_family_drop(const ouro_family *family, ouro_count n, double *sample) {
  ouro_samples_drop(family->row_width, n, sample);
}

void ouro_family_add_chosen(const ouro_family *family, const double *sample, const uint64_t *chosen,
                            double *statistic) {
  ouro_count at = 0;
  for (int b; (b = ouro_samples_gather(family->row_width, sample, chosen, &at, family->block)) > 0;) {
    ouro_family_reduce(family, family->block, b, statistic);
  }
}

bool ouro_family_fit_sample(const ouro_family *family, const double *sample, const double *weights, double *theta) {
  return family->methods->fit_rows(family, (ouro_count)sample[0], sample + 1, weights, theta);
}

ouro_lid ouro_family_fit(const ouro_family *family, ouro_lid n, const ouro_count *sizes, double *statistics,
                         double *theta) {
  if (family->additive) return family->methods->fit(family, n, sizes, statistics, theta);
  for (ouro_lid i = 0; i < n; i++) {
    if (!family->methods->fit_rows(family, sizes[i], statistics + 1, NULL, theta)) return i;
    statistics += ouro_family_statistic_size(family, sizes[i]);
    theta += family->n_parameters;
  }
  return n;
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

double ouro_family_drawn(const ouro_family *family, ouro_count n) {
  if (family->methods->drawn) return family->methods->drawn(family, n);
  const double size = (double)n;
  return family->spread.drawn * (family->spread.fitted == OURO_FITTED_UNBIASED ? size / (size - 1) : 1);
}

bool ouro_family_amplifies(const ouro_family *family) {
  return family->spread.curvature > 0 || family->spread.fitted;
}

bool ouro_family_has_rates(const ouro_family *family) {
  const ouro_spread spread = family->spread;
  return spread.drift == 0 && !family->methods->drawn && (!spread.fitted || spread.drawn == 1);
}

bool ouro_family_has_constant_spread(const ouro_family *family) {
  return family->spread.curvature == 0 && !family->spread.fitted;
}
