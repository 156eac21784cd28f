#ifndef OURO_STORE_FILTER_H
#define OURO_STORE_FILTER_H

/* The filters of HDF5 that chunks go through, done here so that a thread can do them: shuffle, deflate, Fletcher32. */

#include <stddef.h>
#include <stdint.h>

/* Bits of the chunk's filter mask, by the place of a filter in the pipeline. */
#define OURO_FILTER_NO_DEFLATE ((uint32_t)1 << 1)

/* What the filters of a table are. */
typedef struct ouro_filter {
  int deflate;    /* level 0 (none) .. 9; with it values are shuffled before, by their bytes of equal weight */
  size_t element; /* bytes of a value; 1: shuffling changes nothing */
} ouro_filter;

/* Bytes that a chunk grows by at most. */
#define OURO_FILTER_GROWTH ((size_t)4)

/** HDF5's Fletcher checksum: of big-endian 16-bit words, modulo 65535, zero only where all words are.
 *  Not collective. */
uint32_t ouro_filter_fletcher32(const void *data, size_t bytes);

/** Filter a chunk in place.
 *  Not collective.
 *  [inout] chunk   [bytes + OURO_FILTER_GROWTH]
 *  [in]    scratch [bytes], unused without deflate
 *  [out]   mask    filters that were skipped: deflate, where it does not make the chunk smaller
 *  Returns the number of bytes the chunk has now, or 0 if memory is short. */
size_t ouro_filter_apply(const ouro_filter *filter, char *chunk, size_t bytes, char *scratch, uint32_t *mask);

#endif
