#ifndef OURO_CLI_PLAN_H
#define OURO_CLI_PLAN_H

/* What `ouro plan` prints, and how it measures a machine. */

#include "cli/cli.h"
#include "ouro/plan/plan.h"

typedef struct cli_plan {
  const ouro_config *config;
  const ouro_family *family;
  const ouro_plan_machine *machine;
  const ouro_plan *plan;
  const char *machine_name; /* a file; NULL: built in */
  double n_nodes, n_feeds;  /* of the graph */
  double memory;            /* bytes that a rank may use; 0: not known */
  bool assumed;             /* the parts are not counted: all alike, by .. */
  double cut;               /* .. the share of feeds between them .. */
  double neighbours;        /* .. and how many each exchanges with */
} cli_plan;

/** Print a plan: for a person, a line a part, or as JSON.
 *  Not collective; rank 0 calls. */
void cli_plan_print(const cli_plan *what);
void cli_plan_print_tsv(const cli_plan *what);
void cli_plan_print_json(const cli_plan *what);

/** Does every part fit the memory that a rank has, as far as that is known?
 *  Not collective. */
bool cli_plan_fits(const cli_plan *what);

#endif
