#ifndef OURO_BASE_MEMORY_H
#define OURO_BASE_MEMORY_H

/* Checked allocation. Blocks come from malloc and are released with free(). Zero elements give a valid
 * pointer, so that empty ranks need no special case. */

#include "ouro/base/status.h"

/** Allocate n elements of the given size, zeroed.
 *  Not collective.
 *  Returns NULL, with a recorded OURO_ENOMEM message, if n * size overflows or memory is short. */
void *ouro_memory_new(size_t n, size_t size);

/** Resize a block to n elements of the given size; new elements are not zeroed.
 *  Not collective.
 *  [in] block from ouro_memory_new() or NULL; on failure it stays valid
 *  Returns NULL, with a recorded OURO_ENOMEM message, if n * size overflows or memory is short. */
void *ouro_memory_resize(void *block, size_t n, size_t size);

/** n * size, checked.
 *  Not collective.
 *  [out] product untouched on error
 *  Returns OURO_OK or OURO_ELIMIT. */
ouro_status ouro_memory_product(size_t n, size_t size, size_t *product);

/** Largest resident memory of this process so far, in bytes.
 *  Not collective. */
int64_t ouro_memory_high_water(void);

/** Memory this rank may still use, in bytes: what the machine has available (and its cgroup allows),
 *  divided evenly among the ranks that share the machine.
 *  Collective on comm. */
int64_t ouro_memory_available(MPI_Comm comm);

/** Fault injection: let the n-th allocation from now fail (1 is the next), 0 to switch off.
 *  Not collective. */
void ouro_memory_fail_at(int64_t n);

/* pointer = n zeroed elements of its type, or go to cleanup. */
#define OURO_NEW(pointer, n)                                                                                           \
  do {                                                                                                                 \
    (pointer) = ouro_memory_new((size_t)(n), sizeof *(pointer));                                                       \
    if ((pointer) == NULL) {                                                                                           \
      status = OURO_ENOMEM;                                                                                            \
      goto cleanup;                                                                                                    \
    }                                                                                                                  \
  } while (0)

/* Resize pointer to n elements of its type, or go to cleanup with the old block intact. */
#define OURO_RESIZE(pointer, n)                                                                                        \
  do {                                                                                                                 \
    void *ouro_resized = ouro_memory_resize((pointer), (size_t)(n), sizeof *(pointer));                                \
    if (ouro_resized == NULL) {                                                                                        \
      status = OURO_ENOMEM;                                                                                            \
      goto cleanup;                                                                                                    \
    }                                                                                                                  \
    (pointer) = ouro_resized;                                                                                          \
  } while (0)

#endif
