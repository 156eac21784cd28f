#ifndef OURO_GRAPH_NAMES_H
#define OURO_GRAPH_NAMES_H

/* From the ids that an input writes to the dense ids 0 .. n_nodes-1.
 *
 * A key is `width` words: a name, zero-padded and big-endian, or an integer with its sign bit flipped; so that
 * keys compare as unsigned words, first word first, as names compare bytewise and integers by value. */

#include "ouro/base/status.h"

/* Longest name in bytes. */
#define OURO_NAME_MAX 255

/* Names of one rank, each once, numbered as they come. */
typedef struct ouro_names {
  int64_t n, capacity;
  int64_t *offset; /* [n + 1] of each name in bytes */
  char *bytes;
  int64_t n_bytes;
  int64_t *slot; /* [n_slots] number of a name, or -1 */
  int64_t n_slots;
} ouro_names;

/** Number of a name, which is added if it is new.
 *  Not collective.
 *  [out] number untouched on error
 *  Returns OURO_OK or OURO_ENOMEM. */
ouro_status ouro_names_add(ouro_names *names, const char *name, size_t length, int64_t *number);

/** Release the names.
 *  Not collective. */
void ouro_names_clear(ouro_names *names);

/* Keys of one rank. */
typedef struct ouro_keys {
  int64_t n;
  int64_t width;     /* words a key, the same on all ranks */
  uint64_t *word;    /* [n][width] */
  int64_t *position; /* [n] place of the key in a given order, or -1: behind those, by value */
} ouro_keys;

/** Keys of all names, without positions.
 *  Collective on comm: they agree on the width.
 *  [out] keys to be released with ouro_keys_clear(), also on error
 *  Returns the same status on all ranks: OURO_OK, OURO_ENOMEM. */
ouro_status ouro_keys_of_names(MPI_Comm comm, const ouro_names *names, ouro_keys *keys);

/** Release the keys.
 *  Not collective. */
void ouro_keys_clear(ouro_keys *keys);

/** The integer that a key of one word is, and back.
 *  Not collective. */
static inline int64_t ouro_key_integer(uint64_t key) {
  return (int64_t)(key ^ (UINT64_C(1) << 63));
}
static inline uint64_t ouro_key_of_integer(int64_t label) {
  return (uint64_t)label ^ (UINT64_C(1) << 63);
}

/** Number the distinct keys of all ranks: by position where they have one, the others behind them by value.
 *  Collective on comm. Of a key with several positions the smallest counts; the others stay unused ids.
 *  [in]  keys    any key on any ranks
 *  [out] id      [keys->n] dense id of each key
 *  [out] n_nodes ids used
 *  Returns the same status on all ranks: OURO_OK, OURO_ENOMEM, OURO_ELIMIT. */
ouro_status ouro_keys_number(MPI_Comm comm, const ouro_keys *keys, ouro_gid *id, ouro_gid *n_nodes);

/** Bring the keys of nodes to the ranks in whose block they are.
 *  Collective on comm.
 *  [in]  id    [keys->n] from ouro_keys_number()
 *  [out] block [nodes of this rank's block][width] to be released with free(); NULL on error
 *  Returns the same status on all ranks: OURO_OK, OURO_ENOMEM, OURO_ELIMIT. */
ouro_status ouro_keys_to_blocks(MPI_Comm comm, const ouro_keys *keys, const ouro_gid *id, ouro_gid n_nodes,
                                uint64_t **block);

/** Bytes of a key that is a name.
 *  Not collective.
 *  [out] name [8 * width] zero-padded */
void ouro_key_name(const uint64_t *key, int64_t width, char *name);

#endif
