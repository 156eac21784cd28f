#ifndef OURO_FAMILY_MEASURES_H
#define OURO_FAMILY_MEASURES_H

/* What the families measure beside their error, by closed forms: divergences and likelihoods are expectations under the
 * truth, in nats. A list ends with a measure without a name. Where a model gives no probability to what can happen,
 * divergence and likelihood are infinite: that is their value, and their means over replicates are, too. */

#include "ouro/family/family.h"

extern const ouro_measure ouro_measures_linear[];
extern const ouro_measure ouro_measures_logistic[];
extern const ouro_measure ouro_measures_poisson_regression[];
extern const ouro_measure ouro_measures_huber[];
extern const ouro_measure ouro_measures_normal_mean[];
extern const ouro_measure ouro_measures_poisson[];
extern const ouro_measure ouro_measures_bernoulli[];
extern const ouro_measure ouro_measures_exponential[];
extern const ouro_measure ouro_measures_gaussian[];
extern const ouro_measure ouro_measures_categorical[];

/** E ln Y! of a Poisson variable Y.
 *  Not collective.
 *  [in] mean at least 0 */
double ouro_measures_log_factorial(double mean);

/** E ln Y! of a Poisson variable Y with mean e^(s z), z ~ N(0, 1).
 *  Not collective. */
double ouro_measures_carrier(double s);

#endif
