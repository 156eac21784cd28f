#ifndef OURO_GRAPH_MEET_H
#define OURO_GRAPH_MEET_H

/* Groups whose members lie on several ranks, and values that all members of a group share. For set-up and for
 * occasional checks: its messages go to ranks chosen by key, not to neighbours. */

#include "ouro/base/status.h"

typedef struct ouro_meet ouro_meet;

typedef enum ouro_meet_way { OURO_MEET_MAX, OURO_MEET_MIN, OURO_MEET_SUM, OURO_MEET_GCD } ouro_meet_way;

/** Find the groups: members with equal keys form one.
 *  Collective on comm.
 *  [in]  key  [n][2] of the members on this rank
 *  [out] meet to be released with ouro_meet_destroy(); NULL on error
 *  Returns the same status on all ranks: OURO_OK, OURO_ENOMEM. */
ouro_status ouro_meet_create(MPI_Comm comm, int64_t n, const int64_t *key, ouro_meet **meet);

/** Release a meet and set it to NULL. NULL is fine.
 *  Not collective. */
void ouro_meet_destroy(ouro_meet **meet);

/** Combine the values of each group's members; integers, so that no order matters. Non-negative doubles have the
 *  order of their bits.
 *  Collective on meet's communicator.
 *  [inout] values [n] one a member; on return that of its group. GCD takes non-negative values; 0 divides nothing
 *  Returns the same status on all ranks: OURO_OK, OURO_ENOMEM, OURO_ELIMIT. */
ouro_status ouro_meet_combine(const ouro_meet *meet, ouro_meet_way way, int64_t *values);

#endif
