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

#endif
