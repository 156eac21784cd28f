#ifndef OURO_FAMILY_PROBABILITIES_H
#define OURO_FAMILY_PROBABILITIES_H

/* The true probabilities of a categorical distribution: uniform, Zipf's law, or from a file. */

#include "ouro/config/config.h"

/* Most outcomes; an outcome has a line of a file, its probability or any multiple of it. */
#define OURO_PROBABILITIES_MOST 100000

/** The probabilities that a configuration describes. A file has one number a line, empty lines and what follows '#'
 *  aside; they are divided by their sum.
 *  Not collective.
 *  [out] k how many there are
 *  [out] p [k] to be released with free(); NULL on error
 *  Returns OURO_OK, OURO_ECONFIG, OURO_EIO, OURO_EINPUT (message "file:line: ..."), OURO_ENOMEM. */
ouro_status ouro_probabilities_create(const ouro_config *config, int *k, double **p);

#endif
