#ifndef OURO_GRAPH_GENERATE_CHECK_H
#define OURO_GRAPH_GENERATE_CHECK_H

#include "ouro/graph/generate.h"

/** Check the arguments of a generator, kind included.
 *  Not collective.
 *  Returns OURO_OK, or OURO_ECONFIG / OURO_ELIMIT with a message that names the key. */
ouro_status ouro_generate_check(const ouro_config_generate *generate);

#endif
