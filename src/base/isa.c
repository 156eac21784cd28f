/* Choice of the instruction set at run time: see isa.h.
 * AVX-512 means F, DQ and VL; AVX2 includes FMA. */

#include "base/isa.h"

static int chosen = -1; /* not asked yet */

static bool processor_has(ouro_isa isa) {
#if defined(__x86_64__)
  const bool avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
  if (isa == OURO_ISA_AVX2) return avx2;
  if (isa == OURO_ISA_AVX512) {
    return avx2 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
           __builtin_cpu_supports("avx512vl");
  }
#endif
  return isa == OURO_ISA_SCALAR;
}

ouro_isa ouro_isa_now(void) {
  if (chosen < 0) {
    chosen = OURO_ISA_AVX512;
    while (!processor_has((ouro_isa)chosen)) chosen--;
  }
  return (ouro_isa)chosen;
}

bool ouro_isa_force(ouro_isa isa) {
  if (!processor_has(isa)) return false;
  chosen = (int)isa;
  return true;
}
