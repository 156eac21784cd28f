#ifndef OURO_PLAN_GROUPS_H
#define OURO_PLAN_GROUPS_H

/* How many groups of ranks share the replicates (parallel.groups: auto). Groups send each other nothing but moments, so
 * that they are faster than parts of a graph that is cut; but each holds the whole graph, and whole blocks of 8
 * replicates, which some numbers of groups do not share evenly. */

#include "ouro/plan/plan.h"

/* What decides, on which all ranks agree. */
typedef struct ouro_plan_grounds {
  int n_ranks;
  double cut;       /* share of feeds between the parts of the graph, were it cut into n_ranks; 0 .. 1 */
  double available; /* bytes that a rank may use */
} ouro_plan_grounds;

typedef enum ouro_plan_reason {
  OURO_PLAN_ONLY,    /* one number of groups can be: one rank, or one block of replicates */
  OURO_PLAN_FASTEST, /* of those that fit */
  OURO_PLAN_MEMORY   /* another number would be faster but does not fit */
} ouro_plan_reason;

typedef struct ouro_plan_choice {
  int groups;
  ouro_plan_reason why;
  double seconds, bytes; /* of a generation, and of a rank, with so many groups */
  int other;             /* the fastest of the other numbers; 0: there is none */
  double other_seconds, other_bytes;
} ouro_plan_choice;

/** Choose the number of groups: of the divisors of n_ranks that replicates allow, the one whose run takes the least
 *  time and fits; the fewer where that gains less than a fiftieth.
 *  Not collective; the same for the same arguments.
 *  [in]  whole  as of ouro_plan_count_whole()
 *  [out] choice */
void ouro_plan_choose_groups(const ouro_config *config, const ouro_family *family, const ouro_plan_machine *machine,
                             const ouro_plan_counts *whole, const ouro_plan_grounds *grounds, ouro_plan_choice *choice);

#endif
