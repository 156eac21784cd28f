#ifndef OURO_FAMILY_PRIVATE_H
#define OURO_FAMILY_PRIVATE_H

/* The families, one line each; family.c holds their registry. */

#include "ouro/family/family.h"

extern const ouro_family_methods ouro_family_linear;
extern const ouro_family_methods ouro_family_normal_mean;
extern const ouro_family_methods ouro_family_poisson;
extern const ouro_family_methods ouro_family_bernoulli;
extern const ouro_family_methods ouro_family_exponential;
extern const ouro_family_methods ouro_family_gaussian;
extern const ouro_family_methods ouro_family_categorical;
extern const ouro_family_methods ouro_family_logistic;
extern const ouro_family_methods ouro_family_poisson_regression;
extern const ouro_family_methods ouro_family_huber;
extern const ouro_family_methods ouro_family_kde;
extern const ouro_family_methods ouro_family_mixture;

/** Does a list of keys, each between blanks, hold a key?
 *  Not collective. */
bool ouro_family_takes(const char *keys, const char *key);

/** Refuse a learning.sampling that a family does not have, and give it the law of the one it is in: tier.c.
 *  Not collective.
 *  [inout] family made but for this
 *  Returns OURO_OK or OURO_ECONFIG. */
ouro_status ouro_family_enter_tier(const ouro_config *config, ouro_family *family);

#endif
