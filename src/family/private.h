#ifndef OURO_FAMILY_PRIVATE_H
#define OURO_FAMILY_PRIVATE_H

/* The families, one line each; family.c holds their registry. */

#include "ouro/family/family.h"

extern const ouro_family_methods ouro_family_linear;

#endif
