#ifndef OURO_BASE_DEVIANCE_H
#define OURO_BASE_DEVIANCE_H

/* Parts of Poisson and binomial probabilities, free of cancellation (C. Loader, Fast and accurate computation of
 * binomial probabilities, 2000), with the same bits everywhere. */

/** k ln(k / mean) + mean - k, k >= 0, mean > 0.
 *  Not collective. */
double ouro_deviance(double k, double mean);

/** ln k! - ln(sqrt(2 pi k) (k / e)^k), k = 1, 2, ..
 *  Not collective. */
double ouro_deviance_stirling(double k);

#endif
