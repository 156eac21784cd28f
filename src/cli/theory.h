#ifndef OURO_CLI_THEORY_H
#define OURO_CLI_THEORY_H

/* Everything that theory says about a job: trajectories, growth rates, plateau, single models by walks. */

#include "cli/cli.h"
#include "cli/tables.h"
#include "ouro/theory/bounded.h"
#include "ouro/theory/dual.h"
#include "ouro/theory/modes.h"
#include "ouro/theory/plateau.h"
#include "ouro/theory/predict.h"
#include "ouro/theory/rates.h"
#include "ouro/theory/spectrum.h"

/* What was asked for and could be had; the rest is NULL. */
typedef struct cli_theory {
  ouro_prediction *prediction; /* never NULL; its kind may be none */
  ouro_bounded *bounded;
  ouro_rates *rates;
  ouro_plateau *plateau;
  ouro_spectrum *spectrum;
  ouro_modes *modes;
  ouro_dual *dual;
  ouro_gid *dual_nodes; /* [dual->n_nodes] */
  int64_t *generations; /* [dual->n_generations] */
} cli_theory;

/** Compute what the section theory of the configuration asks for; log how, and why not where it cannot be had.
 *  Collective on the graph's communicator.
 *  [out] theory to be released with cli_theory_clear(), also on error
 *  Returns the same status on all ranks. */
ouro_status cli_theory_compute(cli_job *job, const ouro_verdict *verdict, cli_theory *theory);

/** Log how well the iterations for the rates have converged, and what has no rate and why.
 *  Not collective: rank 0 prints. */
void cli_rates_log(const ouro_rates *rates);

/** Write /node/rate, /node/plateau, /node/factor, /spectrum, /modes and /dual, as far as they are there.
 *  Collective on the graph's communicator.
 *  Returns the same status on all ranks. */
ouro_status cli_theory_put(const cli_sink *sink, const cli_theory *theory);

/** What a prediction is, as printed: exact, exact in the limit of many samples, or of first order.
 *  Not collective. */
const char *cli_theory_kind(const ouro_config *config, const ouro_prediction *prediction);

/** Print what the verdict rests on: topology, or the exact recursion (THEORY.md section 2, scope).
 *  Not collective: for rank 0. */
void cli_theory_print_basis(const cli_theory *theory);

/** Release everything.
 *  Not collective. */
void cli_theory_clear(cli_theory *theory);

#endif
