#ifndef OURO_BASE_ISA_H
#define OURO_BASE_ISA_H

/* Which instruction set the vectorised kernels run on. All of them give the same bits; tests force each. */

#include "ouro/base/types.h"

typedef enum ouro_isa { OURO_ISA_SCALAR, OURO_ISA_AVX2, OURO_ISA_AVX512, OURO_ISA_COUNT } ouro_isa;

/** The instruction set in force: at first the widest that the processor has.
 *  Not collective. */
ouro_isa ouro_isa_now(void);

/** Run on a given instruction set from now on, if the processor has it.
 *  Not collective.
 *  Returns whether it has. */
bool ouro_isa_force(ouro_isa isa);

#endif
