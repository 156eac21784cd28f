/* The number of groups that share the replicates: see groups.h. Invariant: it changes how long a run takes and what a
 * rank holds, and no result. Knows no graph. */

#include "ouro/plan/groups.h"

#include <math.h>

#include "plan/private.h"

#define GAIN 0.98     /* share of the time of fewer groups that more of them may take */
#define COPY_NS 100.0 /* to give a feed to a group and put it into its graph */
#define SAFE 0.8      /* share of the memory that is counted on: the estimate is one */

/* What a number of groups costs. */
typedef struct cost {
  double seconds; /* of a generation, and its share of what is done once */
  double bytes;
  bool fits;
} cost;

/* How much longer the busiest rank of a group takes than the mean one: whole models go to ranks, and parts are as even
 * as was asked for. */
static double imbalance(const ouro_config *config, const ouro_plan_counts *whole, int n_parts) {
  const double share = whole->nodes / n_parts, largest = whole->samples > 0 ? whole->largest / whole->samples : 0;
  if (n_parts == 1 || whole->nodes == 0) return 1;
  return fmax(config->partition.imbalance, fmax(ceil(share) / share, largest * n_parts));
}

/* Moments of blocks of replicates, which go from all groups to the ranks that report them. */
static double merging_bytes(const ouro_config *config, const ouro_plan_counts *whole, int n_parts, int groups) {
  const int64_t blocks = (ouro_replicate_blocks(config->learning.replicates) + groups - 1) / groups;
  return groups == 1 ? 0 : 16.0 * (double)blocks * whole->nodes / n_parts;
}

/* Published samples that a fit needs as such must stand in the buffer, kept ones in their memory: a run that one group
 * would do is not refused for having several. */
static bool is_allowed(const ouro_config *config, const ouro_family *family, const ouro_plan_counts *whole, int n_parts,
                       const ouro_plan_cost *of_rank) {
  const bool held = config->learning.draw == OURO_DRAW_PUBLISHED && !family->additive;
  if (held && 8.0 * family->row_width * whole->samples / n_parts > (double)config->exchange.buffer) return false;
  return of_rank->bytes[OURO_PLAN_KEPT] <= SAFE * (double)config->learning.memory;
}

static cost cost_of(const ouro_config *config, const ouro_family *family, const ouro_plan_machine *machine,
                    const ouro_plan_counts *whole, const ouro_plan_grounds *grounds, int groups) {
  const int n_ranks = grounds->n_ranks, n_parts = n_ranks / groups;
  const double between = n_ranks > 1 ? 1 - 1.0 / n_ranks : 1; /* of feeds, were parts made without looking */
  const double cut = grounds->cut * (1 - 1.0 / n_parts) / between;
  const double merged = merging_bytes(config, whole, n_parts, groups);
  ouro_plan_cost of_rank;
  ouro_plan_groups(config, family, machine, whole, n_ranks, groups, cut, &of_rank);
  const double work = of_rank.seconds[OURO_PLAN_TRAIN] + of_rank.seconds[OURO_PLAN_MEASURE];
  const double once = groups > 1 ? 1e-9 * COPY_NS * whole->feeds / n_parts : 0;
  cost made = {.seconds = of_rank.whole_seconds + work * (imbalance(config, whole, n_parts) - 1),
               .bytes = of_rank.whole_bytes};
  if (groups > 1) {
    made.seconds += groups * machine->latency + merged / machine->bandwidth;
    made.seconds += once / (double)(config->learning.generations + 1);
    made.bytes += 2 * merged + whole->graph_bytes / n_ranks + 24 * whole->feeds / n_parts;
  }
  made.fits =
      groups == 1 || (made.bytes <= SAFE * grounds->available && is_allowed(config, family, whole, n_parts, &of_rank));
  return made;
}

/* The fastest number of groups, the fewest of those as fast: of those that fit, or of all but one. Returns 0 if there
 * is none. */
static int fastest(const ouro_config *config, const ouro_family *family, const ouro_plan_machine *machine,
                   const ouro_plan_counts *whole, const ouro_plan_grounds *grounds, int but, cost *least) {
  const int64_t most = ouro_replicate_blocks(config->learning.replicates);
  int best = 0;
  for (int groups = 1; groups <= grounds->n_ranks && groups <= most; groups++) {
    if (grounds->n_ranks % groups != 0 || groups == but) continue;
    const cost now = cost_of(config, family, machine, whole, grounds, groups);
    if (!now.fits && but == 0) continue;
    if (best > 0 && now.seconds >= GAIN * least->seconds) continue;
    best = groups;
    *least = now;
  }
  return best;
}

void ouro_plan_choose_groups(const ouro_config *config, const ouro_family *family, const ouro_plan_machine *machine,
                             const ouro_plan_counts *whole, const ouro_plan_grounds *grounds,
                             ouro_plan_choice *choice) {
  cost best, other = {0};
  choice->groups = fastest(config, family, machine, whole, grounds, 0, &best);
  choice->other = fastest(config, family, machine, whole, grounds, choice->groups, &other);
  choice->seconds = best.seconds;
  choice->bytes = best.bytes;
  choice->other_seconds = other.seconds;
  choice->other_bytes = other.bytes;
  choice->why = choice->other == 0 ? OURO_PLAN_ONLY : OURO_PLAN_FASTEST;
  if (choice->other > 0 && !other.fits && other.seconds < GAIN * best.seconds) choice->why = OURO_PLAN_MEMORY;
}
