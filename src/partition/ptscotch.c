/* PT-Scotch, on all ranks; the only file that includes its header. It must be the 64-bit build, both where it is
 * compiled and where it is loaded. Its complaints lead nowhere: what it returns is judged, and the caller goes on
 * without it if there is a complaint. Without the library (OURO_PTSCOTCH undefined) it says so when asked. */

#include "partition/private.h"

static bool damage_next;

void ouro_partition_ptscotch_damage(bool damage) {
  damage_next = damage;
}

#ifdef OURO_PTSCOTCH

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include <ptscotch.h>

#include "ouro/base/memory.h"

/* Sums of weights stay near this. PT-Scotch 7.0.3 leaves parts empty where they reach 2^32, although its numbers have
 * 64 bits; of more pairs than that it is asked all the same, and its answer judged. */
#define WEIGHTS 0x1p29

_Static_assert(sizeof(SCOTCH_Num) == sizeof(int64_t), "PT-Scotch with 64-bit numbers");

/* In place of those of libptscotcherr, which print. */
void SCOTCH_errorProg(const char *const name) {
  (void)name;
}

void SCOTCH_errorPrint(const char *const format, ...) {
  (void)format;
}

void SCOTCH_errorPrintW(const char *const format, ...) {
  (void)format;
}

bool ouro_partition_has_ptscotch(void) {
  return true;
}

const char *ouro_partition_ptscotch_library(void) {
  static char name[32];
  int version, release, patch;
  SCOTCH_version(&version, &release, &patch);
  snprintf(name, sizeof name, "PT-Scotch %d.%d.%d", version, release, patch);
  return name;
}

/* The block as PT-Scotch takes it; rows need no copy. */
typedef struct arrays {
  SCOTCH_Num *neighbour, *weight; /* [n_entries] */
  SCOTCH_Num *cost, *part;        /* [n] */
  ouro_partition_total *of_part;  /* [n_parts + 1] cost of each, and of all */
} arrays;

static void arrays_clear(arrays *of) {
  free(of->neighbour);
  free(of->weight);
  free(of->cost);
  free(of->part);
  free(of->of_part);
}

static ouro_status arrays_new(const ouro_partition_block *block, int n_parts, arrays *of) {
  ouro_status status = OURO_OK;
  OURO_NEW(of->neighbour, block->n_entries + 1); /* PT-Scotch takes NULL for none */
  OURO_NEW(of->weight, block->n_entries + 1);
  OURO_NEW(of->cost, block->n + 1);
  OURO_NEW(of->part, block->n + 1);
  OURO_NEW(of->of_part, n_parts + 1);
cleanup:
  return status;
}

/* Bits to shift weights by, so that their sum is small enough; each is then 1 or more. */
static int shift_of(const ouro_partition_total *total) {
  const double sum = ouro_partition_total_value(total);
  return sum > WEIGHTS ? (int)ceil(log2(sum / WEIGHTS)) : 0;
}

static SCOTCH_Num scaled(ouro_count count, int shift) {
  const SCOTCH_Num weight = count >> shift;
  return weight > 0 ? weight : 1;
}

static void fill(MPI_Comm comm, const ouro_partition_block *block, arrays *of) {
  ouro_partition_total totals[2] = {{0, 0}, {0, 0}};
  for (int64_t i = 0; i < block->n; i++) ouro_partition_total_add(&totals[0], block->cost[i]);
  for (int64_t k = 0; k < block->n_entries; k++) ouro_partition_total_add(&totals[1], block->ends[k].samples);
  ouro_partition_total_reduce(totals, 2, comm);
  const int cost = shift_of(&totals[0]), weight = shift_of(&totals[1]);
  for (int64_t i = 0; i < block->n; i++) {
    of->cost[i] = scaled(block->cost[i], cost);
    of->part[i] = -1; /* so that what PT-Scotch leaves out is seen */
  }
  for (int64_t k = 0; k < block->n_entries; k++) {
    of->neighbour[k] = block->ends[k].other;
    of->weight[k] = scaled(block->ends[k].samples, weight);
  }
}

/* Collective: did a step fail on any rank? */
static bool failed(MPI_Comm comm, int code) {
  int any = code != 0;
  MPI_Allreduce(MPI_IN_PLACE, &any, 1, MPI_INT, MPI_MAX, comm);
  return any != 0;
}

static int build(SCOTCH_Dgraph *graph, const ouro_partition_block *block, const arrays *of) {
  return SCOTCH_dgraphBuild(graph, 0, block->n, block->n, block->row, block->row + 1, of->cost, NULL, block->n_entries,
                            block->n_entries, of->neighbour, NULL, of->weight);
}

/* Of PT-Scotch's own random numbers and threads: begun anew by the seed, one thread a rank, nothing that depends on
 * time. The same graph on as many ranks then gives the same partition. */
static int settle(SCOTCH_Context *context, int seed) {
  int code = SCOTCH_contextOptionSetNum(context, SCOTCH_OPTIONNUMDETERMINISTIC, 1);
  if (code == 0) code = SCOTCH_contextOptionSetNum(context, SCOTCH_OPTIONNUMRANDOMFIXEDSEED, 1);
  if (code == 0) code = SCOTCH_contextRandomClone(context);
  if (code == 0) code = SCOTCH_contextThreadSpawn(context, 1, NULL);
  SCOTCH_contextRandomSeed(context, seed);
  SCOTCH_contextRandomReset(context);
  return code;
}

static int partition(SCOTCH_Dgraph *graph, const ouro_config_partition *options, int n_parts, SCOTCH_Num *part) {
  SCOTCH_Strat strategy;
  SCOTCH_stratInit(&strategy);
  const double imbalance = options->imbalance - 1 < n_parts - 1 ? options->imbalance - 1 : n_parts - 1;
  int code = SCOTCH_stratDgraphMapBuild(&strategy, SCOTCH_STRATQUALITY, n_parts, n_parts, imbalance);
  if (code == 0) code = SCOTCH_dgraphPart(graph, n_parts, &strategy, part);
  SCOTCH_stratExit(&strategy);
  return code;
}

/* Collective: is a part heavier than any rounding explains? A node is not divided, so the heaviest one is on top. */
static bool out_of_balance(MPI_Comm comm, const ouro_partition_block *block, const arrays *of, double imbalance,
                           int n_parts) {
  ouro_partition_total *weight = of->of_part;
  int64_t heaviest = 0;
  double largest = 0;
  for (int64_t i = 0; i < block->n; i++) {
    ouro_partition_total_add(&weight[of->part[i]], of->cost[i]);
    ouro_partition_total_add(&weight[n_parts], of->cost[i]);
    heaviest = of->cost[i] > heaviest ? of->cost[i] : heaviest;
  }
  ouro_partition_total_reduce(weight, n_parts + 1, comm);
  MPI_Allreduce(MPI_IN_PLACE, &heaviest, 1, MPI_INT64_T, MPI_MAX, comm);
  for (int p = 0; p < n_parts; p++) largest = fmax(largest, ouro_partition_total_value(&weight[p]));
  return largest > 1.5 * imbalance * ouro_partition_total_value(&weight[n_parts]) / n_parts + (double)heaviest;
}

static const char *judge(MPI_Comm comm, const ouro_partition_block *block, const arrays *of,
                         const ouro_config_partition *options, int n_parts) {
  int wrong = 0;
  for (int64_t i = 0; i < block->n; i++) wrong = wrong || of->part[i] < 0 || of->part[i] >= n_parts;
  if (failed(comm, wrong)) return "an incomplete partition";
  return out_of_balance(comm, block, of, options->imbalance, n_parts) ? "parts out of balance" : NULL;
}

/* The graph is built, and partitioned as the context has it. */
static const char *run_within(MPI_Comm comm, SCOTCH_Context *context, SCOTCH_Dgraph *graph,
                              const ouro_partition_block *block, const ouro_config_partition *options, int n_parts,
                              arrays *of) {
  SCOTCH_Dgraph bound;
  const char *complaint = NULL;
  if (failed(comm, settle(context, options->seed))) return "an error at its start";
  if (failed(comm, build(graph, block, of))) return "an error in its input";
  if (failed(comm, SCOTCH_dgraphInit(&bound, comm))) return "an error at its start";
  if (failed(comm, SCOTCH_contextBindDgraph(context, graph, &bound)) ||
      failed(comm, partition(&bound, options, n_parts, of->part))) {
    complaint = "an error";
  }
  SCOTCH_dgraphExit(&bound);
  return complaint;
}

static const char *run(MPI_Comm comm, const ouro_partition_block *block, const ouro_config_partition *options,
                       int n_parts, arrays *of) {
  SCOTCH_Dgraph graph;
  SCOTCH_Context context;
  if (failed(comm, SCOTCH_numSizeof() != (int)sizeof(SCOTCH_Num))) return "numbers of other than 64 bits";
  if (failed(comm, SCOTCH_dgraphInit(&graph, comm))) return "an error at its start";
  SCOTCH_contextInit(&context);
  const char *complaint = run_within(comm, &context, &graph, block, options, n_parts, of);
  SCOTCH_dgraphExit(&graph);
  SCOTCH_contextExit(&context);
  if (damage_next && block->n > 0) of->part[block->n - 1] = -1;
  return complaint ? complaint : judge(comm, block, of, options, n_parts);
}

ouro_status ouro_partition_ptscotch(MPI_Comm comm, const ouro_partition_block *block,
                                    const ouro_config_partition *options, int n_parts, int32_t *part,
                                    const char **complaint) {
  ouro_status status = OURO_OK;
  arrays of = {0};
  MPI_Comm own = MPI_COMM_NULL;
  OURO_AGREE(comm, arrays_new(block, n_parts, &of));
  fill(comm, block, &of);
  OURO_CHECK(MPI_Comm_dup(comm, &own) == MPI_SUCCESS, OURO_EMPI, "no communicator for PT-Scotch");
  *complaint = run(own, block, options, n_parts, &of);
  for (int64_t i = 0; *complaint == NULL && i < block->n; i++) part[i] = (int32_t)of.part[i];
cleanup:
  if (own != MPI_COMM_NULL) MPI_Comm_free(&own);
  arrays_clear(&of);
  return status;
}

#else

bool ouro_partition_has_ptscotch(void) {
  return false;
}

const char *ouro_partition_ptscotch_library(void) {
  return NULL;
}

ouro_status ouro_partition_ptscotch(MPI_Comm comm, const ouro_partition_block *block,
                                    const ouro_config_partition *options, int n_parts, int32_t *part,
                                    const char **complaint) {
  (void)comm;
  (void)block;
  (void)options;
  (void)n_parts;
  (void)part;
  *complaint = "nothing: this build has none";
  return OURO_OK;
}

#endif
