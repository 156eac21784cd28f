#ifndef OURO_GRAPH_LOCALS_H
#define OURO_GRAPH_LOCALS_H

/* The ids that a rank deals with, its own nodes and the sources of their feeds, each with its place in ascending
 * order of id. They are found in a bitmap of all nodes, or in a hash table where that would be large; a block of
 * consecutive own ids that is all there is, or would fill the table, by arithmetic. */

#include "graph/bitmap.h"
#include "graph/lookup.h"

typedef struct ouro_locals {
  ouro_gid first, n_block; /* own nodes found by arithmetic; the others are members of the set */
  ouro_gid n_below;        /* members of the set below the block, once numbered */
  int64_t n;               /* ids in all, once numbered */
  bool hashed;
  ouro_bitmap map;
  ouro_lookup table;
  ouro_lid *number;  /* [table.n] number of each id of the table in ascending order */
  ouro_gid *ordered; /* [table.n] ids of the table, ascending */
} ouro_locals;

/** Start with the nodes of this rank.
 *  Not collective.
 *  [in]  owned   [n_owned] ascending ids
 *  [in]  n_feeds about how many sources will be added
 *  [out] locals  to be released with ouro_locals_clear(), also on error
 *  Returns OURO_OK, OURO_ENOMEM, OURO_EINTERNAL (ids out of order or range). */
ouro_status ouro_locals_start(ouro_locals *locals, ouro_gid n_nodes, ouro_lid n_owned, const ouro_gid *owned,
                              ouro_eid n_feeds);

/** Add an id to the hash table; for ouro_locals_add().
 *  Not collective.
 *  Returns OURO_OK, OURO_ENOMEM, OURO_ELIMIT. */
ouro_status ouro_locals_add_hashed(ouro_locals *locals, ouro_gid id);

/** Add an id below n_nodes that may be there already.
 *  Not collective.
 *  Returns OURO_OK, OURO_ENOMEM, OURO_ELIMIT (more ids than an index can number). */
static inline ouro_status ouro_locals_add(ouro_locals *locals, ouro_gid id) {
  if (id >= locals->first && id - locals->first < locals->n_block) return OURO_OK;
  if (locals->hashed) return ouro_locals_add_hashed(locals, id);
  ouro_bitmap_add(&locals->map, id);
  return OURO_OK;
}

/** Add the sources of n words source << kept, as ouro_locals_add() does.
 *  Not collective.
 *  Returns OURO_OK, OURO_ENOMEM, OURO_ELIMIT. */
ouro_status ouro_locals_add_sources(ouro_locals *locals, int64_t n, const int64_t *word, int kept);

/** Number the ids; to be called after the last one was added.
 *  Not collective.
 *  Returns OURO_OK, OURO_ENOMEM, OURO_ELIMIT. */
ouro_status ouro_locals_number(ouro_locals *locals);

/** Place of an id below n_nodes in ascending order, or -1.
 *  Not collective. */
static inline int64_t ouro_locals_place(const ouro_locals *locals, ouro_gid id) {
  int64_t number;
  if (id >= locals->first && id - locals->first < locals->n_block) return locals->n_below + (id - locals->first);
  if (locals->hashed) {
    const ouro_lid found = ouro_lookup_find(&locals->table, id);
    if (found < 0) return -1;
    number = locals->number[found];
  } else {
    if (!ouro_bitmap_has(&locals->map, id)) return -1;
    number = ouro_bitmap_number(&locals->map, id);
  }
  return number < locals->n_below ? number : number + locals->n_block;
}

/** The n ids from a place on, in ascending order.
 *  Not collective.
 *  [out] id [n] */
void ouro_locals_list(const ouro_locals *locals, int64_t place, int64_t n, ouro_gid *id);

/** Release the arrays.
 *  Not collective. */
void ouro_locals_clear(ouro_locals *locals);

#endif
