/* Theory of a job: calls what the configuration asks for, with the noise and the nodes each part needs. */

#include "cli/theory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ouro/base/log.h"
#include "ouro/base/memory.h"
#include "ouro/graph/schedule.h"

void cli_rates_log(const ouro_rates *rates) {
  ouro_log_root(OURO_LOG_NOTICE,
                "rates: sources in %" PRId64 " steps (residual %.1e), models downstream in %" PRId64
                " (undecided share of a walk %.1e)",
                rates->source_steps, rates->source_residual, rates->downstream_steps, rates->downstream_residual);
  if (rates->solution_residual > 0) {
    ouro_log_root(OURO_LOG_NOTICE, "rates: walks end slowly, so the shares of the sources were solved (residual %.1e)",
                  rates->solution_residual);
  }
  if (rates->n_solved > 0) {
    ouro_log_root(OURO_LOG_NOTICE,
                  "rates: iteration has not converged for %" OURO_GID_FMT
                  " models of slowly mixing sources, which are small enough to be solved by elimination instead",
                  rates->n_solved);
  }
  if (rates->n_source > 0) {
    ouro_log_root(OURO_LOG_WARNING,
                  "no rate for %" OURO_GID_FMT " models of unstable sources: their sources mix so slowly that the "
                  "iteration has not converged in %" PRId64 " steps",
                  rates->n_source, rates->source_steps);
  }
  if (rates->n_mixed > 0) {
    ouro_log_root(OURO_LOG_WARNING,
                  "no rate for %" OURO_GID_FMT " models downstream: a source that feeds them has none, or walks back "
                  "from them end too slowly",
                  rates->n_mixed);
  }
  if (rates->n_many > 0) {
    ouro_log_root(OURO_LOG_WARNING,
                  "no rate for %" OURO_GID_FMT " models downstream: more than %" PRId64
                  " phases of unstable sources feed them, or a model that feeds them",
                  rates->n_many, rates->most_pairs);
  }
}

static ouro_status compute_rates(cli_job *job, const ouro_verdict *verdict, cli_theory *theory) {
  const ouro_graph *graph = job->graph;
  const ouro_rates_options options = {ouro_mixing_of(job->config), ouro_config_forget(job->config)};
  ouro_status status = OURO_OK;
  double *noise = ouro_memory_new((size_t)graph->n_owned, sizeof *noise);
  OURO_AGREE(graph->comm, noise ? OURO_OK : OURO_ENOMEM);
  OURO_TRY(ouro_rates_noise(job->config, job->family, graph, noise));
  if (!ouro_family_has_constant_spread(job->family)) {
    ouro_log_root(OURO_LOG_NOTICE, "rates: of errors well below %.3g; larger ones change the scatter of samples",
                  job->family->spread.base);
  }
  OURO_TRY(ouro_rates_create(graph, verdict, &options, noise, &theory->rates));
  cli_rates_log(theory->rates);
cleanup:
  free(noise);
  return status;
}

static ouro_status list_generations(const ouro_config *config, cli_theory *theory, int *n) {
  const int64_t stored = cli_stored_count(config);
  ouro_status status = OURO_OK;
  OURO_CHECK(stored < INT32_MAX, OURO_ELIMIT, "output.every: too many stored generations for walks");
  *n = (int)stored;
  OURO_NEW(theory->generations, stored);
  for (int64_t k = 0; k < stored; k++) theory->generations[k] = cli_stored_generation(config, k);
cleanup:
  return status;
}

/* How many nodes theory.dual asks for by number, or -1 if it names a file. */
static int64_t counted(const char *text) {
  return text[strspn(text, "0123456789")] == '\0' ? strtoll(text, NULL, 10) : -1;
}

/* That many nodes, evenly spaced over the ids; or those of a file. */
static ouro_status list_nodes(const cli_job *job, cli_theory *theory, int *n) {
  const ouro_graph *graph = job->graph;
  ouro_status status = OURO_OK;
  int64_t wanted = counted(job->config->theory.dual);
  if (wanted < 0) return cli_nodes_read(graph, job->config->theory.dual, &theory->dual_nodes, n);
  if (wanted > graph->n_nodes) wanted = graph->n_nodes;
  OURO_CHECK(wanted <= INT32_MAX, OURO_ECONFIG, "theory.dual: %" PRId64 " models are too many for walks", wanted);
  OURO_AGREE(graph->comm, (theory->dual_nodes = ouro_memory_new((size_t)wanted, sizeof *theory->dual_nodes))
                              ? OURO_OK
                              : OURO_ENOMEM);
  for (int64_t k = 0; k < wanted; k++)
    theory->dual_nodes[k] = (ouro_gid)((double)k * (double)graph->n_nodes / (double)wanted);
  *n = (int)wanted;
cleanup:
  return status;
}

static ouro_status compute_dual(cli_job *job, cli_theory *theory) {
  const ouro_config *config = job->config;
  ouro_status status = OURO_OK;
  ouro_dual_request request = {.walks = config->theory.dual_walks, .error = config->theory.dual_error};
  OURO_TRY(list_nodes(job, theory, &request.n_nodes));
  OURO_AGREE(job->graph->comm, list_generations(config, theory, &request.n_generations));
  request.nodes = theory->dual_nodes;
  request.generations = theory->generations;
  OURO_TRY(ouro_dual_estimate(config, job->family, job->graph, &request, &theory->dual));
  ouro_log_root(OURO_LOG_NOTICE, "walks: %d models at %d generations, %s", request.n_nodes, request.n_generations,
                theory->dual->exact ? "exact but for their standard error" : "first order in 1/n");
cleanup:
  return status;
}

/* Which of the two the verdict rests on: topology, or the linear part of the exact recursion. */
static ouro_status compute_bounded(cli_job *job, const ouro_verdict *verdict, cli_theory *theory) {
  const ouro_status status = ouro_bounded_create(job->config, job->family, job->graph, verdict, NULL, &theory->bounded);
  if (status != OURO_OK || !theory->bounded->needed) return status;
  const ouro_bounded *bounded = theory->bounded;
  ouro_log_root(OURO_LOG_NOTICE, "boundedness rests on the exact recursion: %s", bounded->reason);
  if (bounded->n_grows > 0) {
    ouro_log_root(OURO_LOG_WARNING,
                  "the expected error of %" OURO_GID_FMT " models grows geometrically, whatever topology says: %s",
                  bounded->n_grows,
                  ouro_family_amplifies(job->family) ? "too few samples for how much models scatter that err"
                                                     : "too few samples for their dimension");
  }
  return OURO_OK;
}

/* What the enclosed spectral radius says of unstable sources, beside what the verdict says. */
static const char *judge_spectrum(const ouro_spectrum *spectrum, const ouro_verdict *verdict) {
  const bool unstable = verdict->n_unstable > 0;
  if (spectrum->upper < 1)
    return unstable ? "contradicts the verdict: a defect of this program" : "proves the verdict: no unstable source";
  if (spectrum->converged)
    return unstable ? "agrees with the verdict: an unstable source"
                    : "does not tell from 1: no unstable source by the verdict";
  return "decides nothing";
}

static ouro_status compute_spectrum(cli_job *job, const ouro_verdict *verdict, cli_theory *theory) {
  const ouro_mixing mixing = ouro_mixing_of(job->config);
  const ouro_status status = ouro_spectrum_create(job->graph, mixing, NULL, &theory->spectrum);
  if (status != OURO_OK) return status;
  const ouro_spectrum *found = theory->spectrum;
  ouro_log_root(OURO_LOG_NOTICE, "eigenvalues of P on the trained models: %s", found->reason);
  ouro_log_root(OURO_LOG_NOTICE, "spectral radius %.12g, between %.12g and %.12g%s; it %s", found->radius, found->lower,
                found->upper, found->converged ? "" : " (not converged)", judge_spectrum(found, verdict));
  return OURO_OK;
}

ouro_status cli_theory_compute(cli_job *job, const ouro_verdict *verdict, cli_theory *theory) {
  const ouro_config_theory *asked = &job->config->theory;
  ouro_status status = OURO_OK;
  memset(theory, 0, sizeof *theory);
  OURO_TRY(ouro_predict(job->config, job->family, job->graph, &job->timers, &theory->prediction));
  ouro_log_root(OURO_LOG_NOTICE, "theory: %s", theory->prediction->reason);
  ouro_timers_enter(&job->timers, OURO_PHASE_THEORY);
  status = compute_bounded(job, verdict, theory);
  if (asked->rates && ouro_schedule_varies(job->config, job->graph)) {
    ouro_log_root(OURO_LOG_NOTICE, "rates: none, sample counts change with the generation");
  } else if (status == OURO_OK && asked->rates && verdict->count[OURO_CLASS_COLLAPSING] > 0 &&
             job->family->law != OURO_LAW_NONE) {
    if (ouro_family_has_rates(job->family))
      status = compute_rates(job, verdict, theory);
    else
      ouro_log_root(OURO_LOG_NOTICE, "rates: none, what models of family %s draw does not scatter as they do",
                    job->family->methods->name);
  }
  if (status == OURO_OK && asked->plateau) {
    status = ouro_plateau_create(job->config, job->family, job->graph, verdict, NULL, &theory->plateau);
    if (status == OURO_OK) ouro_log_root(OURO_LOG_NOTICE, "plateau: %s", theory->plateau->reason);
  }
  if (status == OURO_OK && asked->spectrum) status = compute_spectrum(job, verdict, theory);
  if (status == OURO_OK && asked->modes > 0) {
    status = ouro_modes_create(job->config, job->family, job->graph, verdict, asked->modes, NULL, &theory->modes);
    if (status == OURO_OK) ouro_log_root(OURO_LOG_NOTICE, "modes: %s", theory->modes->reason);
  }
  if (status == OURO_OK && strcmp(asked->dual, "none") != 0) status = compute_dual(job, theory);
  ouro_timers_leave(&job->timers);
cleanup:
  return status;
}

/* Node indices as an axis, then the two tables over it. */
static ouro_status put_dual(const cli_sink *sink, const cli_theory *theory) {
  const ouro_dual *dual = theory->dual;
  ouro_status status = OURO_OK;
  ouro_table_spec spec = {.kind = OURO_KIND_INT64,
                          .n_axes = 1,
                          .axis = {{"walked_node", dual->n_nodes}},
                          .node_axis = -1,
                          .units = "1",
                          .description = "node indices of the models predicted by walks"};
  OURO_TRY(ouro_store_axis(sink->store, &spec, theory->dual_nodes));
  spec.path = "/dual/walks";
  spec.description = "pairs of backward walks from a model";
  OURO_TRY(ouro_store_put(sink->store, &spec, NULL, dual->walks));
  spec.n_axes = 2;
  spec.axis[1] = (ouro_axis){"generation", dual->n_generations};
  spec.kind = OURO_KIND_DOUBLE;
  spec.units = sink->error_units;
  spec.path = "/dual/error";
  spec.description = "C_ii predicted by coalescing backward walks";
  OURO_TRY(ouro_store_put(sink->store, &spec, NULL, dual->value));
  spec.path = "/dual/standard_error";
  spec.description = "standard error of /dual/error over the walks";
  OURO_TRY(ouro_store_put(sink->store, &spec, NULL, dual->standard_error));
cleanup:
  return status;
}

static ouro_status put_radius(const cli_sink *sink, const ouro_spectrum *spectrum) {
  const double radius[3] = {spectrum->lower, spectrum->radius, spectrum->upper};
  const ouro_table_spec spec = {.path = "/spectrum/radius",
                                .kind = OURO_KIND_DOUBLE,
                                .n_axes = 1,
                                .axis = {{"bound", 3}},
                                .node_axis = -1,
                                .units = "1",
                                .description = "spectral radius of P on the trained models: proven lower bound, value, "
                                               "proven upper bound; below 1 there is no unstable source"};
  return ouro_store_put(sink->store, &spec, NULL, radius);
}

static ouro_status put_spectrum(const cli_sink *sink, const ouro_spectrum *spectrum) {
  ouro_status status = OURO_OK;
  ouro_table_spec spec = {.path = "/spectrum/real",
                          .kind = OURO_KIND_DOUBLE,
                          .n_axes = 1,
                          .axis = {{"eigenvalue", spectrum->n}},
                          .node_axis = -1,
                          .units = "1",
                          .description = "eigenvalues of P on the trained models by falling absolute value, real part"};
  OURO_TRY(put_radius(sink, spectrum));
  if (!spectrum->found) goto cleanup;
  OURO_TRY(ouro_store_put(sink->store, &spec, NULL, spectrum->real));
  spec.path = "/spectrum/imaginary";
  spec.description = "imaginary part of /spectrum/real";
  OURO_TRY(ouro_store_put(sink->store, &spec, NULL, spectrum->imaginary));
cleanup:
  return status;
}

static ouro_status put_modes(const cli_sink *sink, const ouro_modes *modes) {
  ouro_status status = OURO_OK;
  ouro_table_spec spec = {.path = "/modes/value",
                          .kind = OURO_KIND_DOUBLE,
                          .n_axes = 1,
                          .axis = {{"mode", modes->n}},
                          .node_axis = -1,
                          .units = sink->error_units,
                          .description = "largest eigenvalues of the stationary covariance of the models' errors"};
  OURO_TRY(ouro_store_put(sink->store, &spec, NULL, modes->value));
  spec.path = "/modes/share";
  spec.units = "1";
  spec.description = "share of a mode in the total variance";
  OURO_TRY(ouro_store_put(sink->store, &spec, NULL, modes->share));
  spec.path = "/modes/multiplicity";
  spec.kind = OURO_KIND_INT32;
  spec.description = "eigenvalues equal to this one; which basis of their space the vectors are is arbitrary above 1";
  OURO_TRY(ouro_store_put(sink->store, &spec, NULL, modes->multiplicity));
  spec.path = "/modes/vector";
  spec.kind = OURO_KIND_DOUBLE;
  spec.n_axes = 2;
  spec.axis[1] = (ouro_axis){"node", sink->graph->n_nodes};
  spec.node_axis = 1;
  spec.description = "how far a mode moves each model, length 1; NaN at models that collapse";
  OURO_TRY(ouro_store_put(sink->store, &spec, sink->layout, modes->vector));
cleanup:
  return status;
}

ouro_status cli_theory_put(const cli_sink *sink, const cli_theory *theory) {
  ouro_status status = OURO_OK;
  char rate_units[64];
  snprintf(rate_units, sizeof rate_units, "%s / generation", sink->error_units);
  if (theory->rates) {
    OURO_TRY(cli_node_put(sink, "/node/rate", OURO_KIND_DOUBLE,
                          "growth of a model's error a generation, large n; 0 where it stays bounded, NaN where it is "
                          "not computed",
                          rate_units, theory->rates->rate));
  }
  if (theory->plateau && theory->plateau->found) {
    OURO_TRY(cli_node_put(sink, "/node/plateau", OURO_KIND_DOUBLE,
                          "where a model's error ends; NaN where it grows without bound", sink->error_units,
                          theory->plateau->error));
  }
  if (theory->bounded && theory->bounded->factor) {
    OURO_TRY(
        cli_node_put(sink, "/node/factor", OURO_KIND_DOUBLE,
                     "factor a generation by which a model's expected error grows or its start is forgotten, where "
                     "topology alone does not decide; NaN at roots",
                     "1", theory->bounded->factor));
  }
  if (theory->spectrum) OURO_TRY(put_spectrum(sink, theory->spectrum));
  if (theory->modes && theory->modes->found) OURO_TRY(put_modes(sink, theory->modes));
  if (theory->dual) OURO_TRY(put_dual(sink, theory));
cleanup:
  return status;
}

const char *cli_theory_kind(const ouro_config *config, const ouro_prediction *prediction) {
  if (prediction->kind != OURO_PREDICT_EXACT) return "first order in 1/n";
  return config->learning.sampling == OURO_SAMPLING_LIMIT ? "exact in the limit of many samples" : "exact";
}

void cli_theory_print_basis(const cli_theory *theory) {
  const ouro_bounded *bounded = theory->bounded;
  if (!bounded->needed) {
    printf("the verdict rests on topology\n");
  } else if (!bounded->decided) {
    printf("topology does not decide for these models, and the exact recursion has not: %s\n", bounded->reason);
  } else if (bounded->radius > 1) {
    printf("topology does not decide for these models: by the exact recursion the errors of %" OURO_GID_FMT
           " model%s grow, of healthy ones by up to the factor %.10g a generation\n",
           bounded->n_grows, bounded->n_grows == 1 ? "" : "s", bounded->radius);
  } else {
    printf("the verdict rests on the exact recursion: what is bounded by topology is bounded\n");
  }
}

void cli_theory_clear(cli_theory *theory) {
  ouro_prediction_destroy(&theory->prediction);
  ouro_bounded_destroy(&theory->bounded);
  ouro_rates_destroy(&theory->rates);
  ouro_spectrum_destroy(&theory->spectrum);
  ouro_modes_destroy(&theory->modes);
  ouro_plateau_destroy(&theory->plateau);
  ouro_dual_destroy(&theory->dual);
  free(theory->dual_nodes);
  free(theory->generations);
  memset(theory, 0, sizeof *theory);
}
