#ifndef OURO_GRAPH_LOOKUP_H
#define OURO_GRAPH_LOOKUP_H

/* Global ids numbered in the order they are added: a hash table of indices into the array of ids. A leading
 * run of consecutive ids (the block of a rank) is found by arithmetic and takes no table. */

#include "ouro/base/status.h"

typedef struct ouro_lookup {
  ouro_lid n, n_consecutive; /* ids held; of these the first are gid[0], gid[0]+1, ... */
  ouro_gid *gid;             /* [n] */
  size_t room;               /* elements gid can take */
  ouro_lid *slot;            /* [n_slots] index of an id, or -1 */
  size_t n_slots, n_used;    /* a power of two, at least twice the number used */
} ouro_lookup;

/** Start with n distinct ids.
 *  Not collective.
 *  [in]  gid    [n] copied
 *  [out] lookup to be released with ouro_lookup_clear(), also on error
 *  Returns OURO_OK or OURO_ENOMEM. */
ouro_status ouro_lookup_start(ouro_lookup *lookup, ouro_lid n, const ouro_gid *gid);

/** Index of an id, or -1.
 *  Not collective. */
ouro_lid ouro_lookup_find(const ouro_lookup *lookup, ouro_gid gid);

/** Add an id that is not there yet, as index n.
 *  Not collective.
 *  Returns OURO_OK, OURO_ENOMEM, OURO_ELIMIT (more ids than an index can number). */
ouro_status ouro_lookup_add(ouro_lookup *lookup, ouro_gid gid);

/** Release the table and the array of ids.
 *  Not collective. */
void ouro_lookup_clear(ouro_lookup *lookup);

#endif
