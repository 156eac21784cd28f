/* The tiers of sampling (learning.sampling, THEORY.md section 11): which families have them, and the law of the limit
 * of many samples. Invariant: in that tier theory is exact, as for means of constant spread. Must not know how any tier
 * is simulated. */

#include <stdio.h>
#include <string.h>

#include "family/private.h"

static bool has(const ouro_family_methods *methods, ouro_sampling sampling) {
  return sampling == OURO_SAMPLING_STATISTICS ? methods->draw_statistics != NULL : methods->scatter != NULL;
}

/* Name the families that have the tier. */
static ouro_status refuse(const ouro_config *config, const char *name, const char *why) {
  const ouro_sampling sampling = config->learning.sampling;
  char all[400] = "none";
  size_t length = 0;
  const ouro_family_methods *other;
  for (int i = 0; (other = ouro_family_at(i)) != NULL; i++) {
    if (!has(other, sampling) || length >= sizeof all) continue;
    length += (size_t)snprintf(all + length, sizeof all - length, "%s%s", length ? ", " : "", other->name);
  }
  return ouro_config_refuse(config, "learning.sampling", "family `%s` %s; families that have this: %s", name, why, all);
}

static ouro_status refuse_key(const ouro_config *config, const char *key, const char *why) {
  return ouro_config_refuse(config, key, "learning.sampling `%s` %s",
                            config->learning.sampling == OURO_SAMPLING_LIMIT ? "limit" : "statistics", why);
}

static ouro_status enter_statistics(const ouro_config *config, const ouro_family *family) {
  const ouro_family_methods *m = family->methods;
  if (m->draw_statistics == NULL || !family->additive) {
    return refuse(config, m->name, "is fitted to samples, or their statistic has no law that can be drawn from");
  }
  if (family->rows_only) {
    return refuse_key(config, family->rows_only, "draws statistics from their law, which is not known for this value");
  }
  return OURO_OK;
}

/* What makes a fit miss the mean of what it is fitted to, however many samples there are or by a count that the limit
 * does not know. */
static ouro_status check_unbiased(const ouro_config *config, const char *keys) {
  const ouro_config_model *m = &config->model;
  static const char away[] = "is of models that draw what they are, without bias";
  const struct {
    const char *path;
    bool biased;
  } list[] = {{"model.temperature", m->temperature != 1},
              {"model.top_k", m->top_k != 0},
              {"model.top_p", m->top_p != 1},
              {"model.ridge", m->ridge != 0},
              {"model.smoothing", m->smoothing != 0}};
  for (size_t k = 0; k < sizeof list / sizeof list[0]; k++) {
    if (list[k].biased && ouro_family_takes(keys, strchr(list[k].path, '.') + 1)) {
      return refuse_key(config, list[k].path, away);
    }
  }
  return OURO_OK;
}

/* Means of constant spread. A noise of a model's own changes the spread alone where the law was that of means or of
 * least squares; the weights of a robust fit, too. */
static void become_limit(ouro_family *family) {
  family->limit = *family->methods;
  family->limit.noise = family->limit.eta = family->limit.drawn = NULL;
  family->limit.takes_noise &= family->law != OURO_LAW_FIRST_ORDER;
  family->methods = &family->limit;
  if (family->law != OURO_LAW_NONE) family->law = OURO_LAW_MEANS;
  family->spread = (ouro_spread){.base = family->spread.base};
  family->least_samples = 1;
  family->most_samples = family->eta_samples = 0;
}

static ouro_status enter_limit(const ouro_config *config, ouro_family *family) {
  ouro_status status = OURO_OK;
  if (family->methods->scatter == NULL) {
    return refuse(config, family->methods->name,
                  "has no limit of many samples: nothing is known of how its fits scatter");
  }
  OURO_TRY(check_unbiased(config, family->methods->keys));
  become_limit(family);
cleanup:
  return status;
}

ouro_status ouro_family_enter_tier(const ouro_config *config, ouro_family *family) {
  switch (config->learning.sampling) {
  case OURO_SAMPLING_STATISTICS:
    return enter_statistics(config, family);
  case OURO_SAMPLING_LIMIT:
    return enter_limit(config, family);
  case OURO_SAMPLING_ROWS:
    break;
  }
  return OURO_OK;
}
