/* The linear system of an experiment: weights, noise and correction of every node, virtual ones included.
 * Numbering and order of weights follow global ids, never ownership. Must not know how a matrix is stored. */

#include "theory/system.h"

#include <stdlib.h>
#include <string.h>

#include "ouro/base/memory.h"
#include "theory/select.h"

/* What goes into a system. Numbers of nodes follow from the whole graph, what they do from that of the generation. */
typedef struct inputs {
  const ouro_config *config;
  const ouro_family *family;
  const ouro_graph *whole, *graph;  /* the same where counts stay the same */
  const ouro_survey *base, *survey; /* of the two */
  int32_t *fixed_of;                /* [n_nodes] number of a node's fixed real data, or 0; the same on all ranks, .. */
  int32_t *corpus_of;               /* [n_nodes] .. and of its corpus, or of the chance of its subsample */
} inputs;

static ouro_status add_up(MPI_Comm comm, int32_t n, int32_t *values) {
  return ouro_agree(comm, ouro_mpi_status(MPI_Allreduce(MPI_IN_PLACE, values, n, MPI_INT32_T, MPI_SUM, comm)));
}

/* Number the virtual nodes after the real ones, in the order of the nodes that bring them. */
static ouro_status number_virtual(inputs *in) {
  ouro_status status = OURO_OK;
  const ouro_graph *whole = in->whole;
  const int32_t n = (int32_t)whole->n_nodes;
  for (ouro_lid i = 0; i < whole->n_owned; i++) {
    in->fixed_of[whole->gid[i]] = ouro_survey_is_fixed(in->config, whole, i);
    in->corpus_of[whole->gid[i]] = in->base->aside[i];
  }
  OURO_TRY(add_up(whole->comm, n, in->fixed_of));
  OURO_TRY(add_up(whole->comm, n, in->corpus_of));
  int32_t next = n;
  for (int32_t i = 0; i < n; i++) {
    if (in->fixed_of[i]) in->fixed_of[i] = next++;
    if (in->corpus_of[i]) in->corpus_of[i] = next++;
  }
cleanup:
  return status;
}

ouro_status ouro_system_new(int32_t n, int32_t n_models, int64_t n_held, int64_t n_weights, ouro_system **system) {
  ouro_status status = OURO_OK;
  ouro_system *s;
  *system = NULL;
  OURO_NEW(s, 1);
  *system = s;
  s->n = n;
  s->n_models = n_models;
  OURO_NEW(s->held, n_held);
  OURO_NEW(s->first, n_held + 1);
  OURO_NEW(s->column, n_weights);
  OURO_NEW(s->weight, n_weights);
  OURO_NEW(s->node, (size_t)OURO_NODE_VECTORS * (size_t)n);
  double **const vector[OURO_NODE_VECTORS] = {&s->eta,  &s->noise,    &s->draws, &s->published,  &s->start,
                                              &s->mean, &s->variance, &s->size,  &s->start_size, &s->real_share,
                                              &s->base, &s->owner,    &s->drawn};
  for (int k = 0; k < OURO_NODE_VECTORS; k++) *vector[k] = s->node + (size_t)k * (size_t)n;
cleanup:
  return status;
}

void ouro_system_destroy(ouro_system **system) {
  ouro_system *s = *system;
  if (s == NULL) return;
  free(s->held);
  free(s->first);
  free(s->column);
  free(s->weight);
  free(s->node);
  free(s);
  *system = NULL;
}

void ouro_system_spread(const ouro_system *system, const double *error, const double *mean, double *spread) {
  const ouro_spread law = system->spread;
  if (law.fitted) return;
  for (int32_t k = 0; k < system->n; k++) {
    spread[k] = k < system->n_models ? system->base[k] + law.drift + law.slope * mean[k] + law.curvature * error[k] : 0;
  }
}

static ouro_status inputs_allocate(inputs *in, ouro_system **system) {
  ouro_status status = OURO_OK;
  OURO_CHECK(in->base->n < INT32_MAX / 2, OURO_ELIMIT, "%" PRId64 " models are too many for the recursion",
             in->base->n);
  OURO_NEW(in->fixed_of, in->graph->n_nodes);
  OURO_NEW(in->corpus_of, in->graph->n_nodes);
  OURO_TRY(ouro_system_new((int32_t)in->base->n, (int32_t)in->graph->n_nodes, in->base->held, in->base->held_weights,
                           system));
cleanup:
  return status;
}

static void add_weight(ouro_system *s, int64_t column, double weight) {
  int64_t *end = &s->first[s->n_held + 1];
  s->column[*end] = (int32_t)column;
  s->weight[(*end)++] = weight;
}

/* A row is open until end_row(); first[n_held + 1] is where its next weight goes. */
static void begin_row(ouro_system *s, int64_t row) {
  s->held[s->n_held] = (int32_t)row;
  s->first[s->n_held + 1] = s->first[s->n_held];
}

static void end_row(ouro_system *s) {
  s->n_held++;
}

/* Weights of a trained node: models by ascending id, its fixed real data, what is apart of models by ascending id. */
static void trained_row(const inputs *in, ouro_lid i, ouro_system *s) {
  const ouro_graph *graph = in->graph;
  const double size = ouro_mixing_size(graph, ouro_mixing_of(in->config), i);
  for (ouro_eid k = graph->row[i]; k < graph->row[i + 1]; k++) {
    add_weight(s, graph->gid[graph->source[k]], (double)ouro_graph_samples(graph, k) / size);
  }
  if (ouro_survey_is_fixed(in->config, graph, i)) {
    add_weight(s, in->fixed_of[graph->gid[i]], ouro_survey_real_share(in->config, graph, i));
  }
  for (ouro_eid k = graph->row[i]; k < graph->row[i + 1]; k++) {
    const ouro_lid j = graph->source[k];
    if (in->base->aside[j]) add_weight(s, in->corpus_of[graph->gid[j]], (double)ouro_graph_samples(graph, k) / size);
  }
}

static void add_rows(const inputs *in, ouro_lid i, ouro_system *s) {
  const ouro_gid g = in->graph->gid[i];
  begin_row(s, g);
  if (in->survey->root[i]) {
    add_weight(s, g, 1);
  } else {
    trained_row(in, i, s);
  }
  end_row(s);
  if (in->fixed_of[g] > 0) { /* never redrawn; a corpus always is */
    begin_row(s, in->fixed_of[g]);
    add_weight(s, in->fixed_of[g], 1);
    end_row(s);
  }
  if (in->corpus_of[g] > 0) { /* the chance of a subsample stays with a model that does */
    begin_row(s, in->corpus_of[g]);
    if (ouro_survey_is_subsample(in->config) && in->survey->root[i]) add_weight(s, in->corpus_of[g], 1);
    end_row(s);
  }
}

/* Does the noise of a fit follow from n_i alone (section 3)? Else it is sum_k P_ik^2 V_k / m_ik over the samples that
 * this fit alone sees: published ones have the noise of their corpus, a fixed set that of its virtual node. */
static bool is_regression(const inputs *in) {
  return in->base->exact && in->family->law == OURO_LAW_REGRESSION;
}

static double real_noise(const inputs *in, ouro_lid i) {
  const double share = ouro_survey_real_share(in->config, in->graph, i),
               real = (double)ouro_survey_real(in->config, in->graph, i);
  return share > 0 && !ouro_survey_is_fixed(in->config, in->graph, i) ? in->family->spread.base * share * share / real
                                                                      : 0;
}

/* 1 / S_i, S_i = m_ik / P_ik for all k, so that sum_k P_ik^2 V_k / m_ik = sum_k P_ik V_k / S_i. */
static double draws_of(const inputs *in, ouro_lid i) {
  if (is_regression(in) || ouro_survey_is_published(in->config)) return 0;
  return 1 / ouro_mixing_size(in->graph, ouro_mixing_of(in->config), i);
}

static ouro_terms terms_of(const inputs *in, ouro_lid i) {
  const ouro_config *config = in->config;
  const ouro_graph *graph = in->graph;
  ouro_terms terms = {.size = ouro_survey_size(config, graph, i), .real = ouro_survey_real(config, graph, i)};
  terms.start = ouro_family_noise(in->family, ouro_schedule_initial(config, graph, i));
  if (in->survey->root[i]) return terms;
  const double scatter = ouro_survey_scatter(config, in->family, graph, i);
  if (is_regression(in)) {
    terms.noise = ouro_family_noise(in->family, terms.size) * scatter;
    terms.eta = ouro_family_eta(in->family, terms.size);
  } else {
    const double synthetic = scatter - ouro_survey_real_share(config, graph, i);
    terms.noise = real_noise(in, i) + draws_of(in, i) * synthetic * in->family->spread.base;
  }
  return terms;
}

ouro_terms ouro_system_terms(const ouro_config *config, const ouro_family *family, const ouro_graph *graph,
                             const ouro_survey *survey, ouro_lid i) {
  const inputs in = {config, family, graph, graph, survey, survey, NULL, NULL};
  return terms_of(&in, i);
}

static void set_trained(const inputs *in, ouro_lid i, ouro_system *s) {
  const ouro_gid g = in->graph->gid[i];
  const ouro_terms terms = terms_of(in, i);
  const int64_t corpus = in->survey->corpus[i];
  s->size[g] = (double)terms.size;
  s->real_share[g] = ouro_survey_real_share(in->config, in->graph, i);
  s->eta[g] = terms.eta;
  s->noise[g] = is_regression(in) ? terms.noise : real_noise(in, i);
  s->draws[g] = draws_of(in, i);
  s->published[g] = corpus > 0 && !in->base->aside[i] ? 1 / (double)corpus : 0;
  if (in->family->spread.fitted) s->drawn[g] = ouro_family_drawn(in->family, terms.size);
}

/* The corpus of a root scatters alike in all generations, any other by what its model has become. Of a subsample the
 * recursion knows the chance. */
static void set_corpus(const inputs *in, ouro_lid i, ouro_system *s) {
  const ouro_spread spread = in->family->spread;
  const ouro_gid g = in->graph->gid[i];
  const int64_t corpus = in->survey->corpus[i];
  const int32_t at = in->corpus_of[g];
  s->owner[at] = in->whole == in->graph && corpus > 0 ? 0 : (double)g + 1;
  if (corpus == 0) return;
  if (in->whole == in->graph) {
    const double constant = s->base[g] + spread.drift + spread.curvature * s->start[g];
    s->start[at] = s->noise[at] = (spread.fitted ? s->variance[g] : constant) / (double)corpus;
  } else {
    s->published[at] = 1 / (double)corpus;
  }
}

/* V of a model fitted to n0 real samples, where it is fitted. */
static double first_variance(const ouro_family *family, ouro_count n0) {
  const double likeliest = family->spread.base * (1 - 1 / (double)n0);
  return family->spread.fitted ? ouro_family_drawn(family, n0) * likeliest : 0;
}

static void set_node(const inputs *in, ouro_lid i, ouro_system *s) {
  const ouro_gid g = in->graph->gid[i];
  const ouro_count n0 = ouro_schedule_initial(in->config, in->graph, i);
  s->start[g] = ouro_family_noise(in->family, n0);
  s->variance[g] = first_variance(in->family, n0);
  s->base[g] = ouro_survey_base(in->family, in->graph, i);
  s->start_size[g] = (double)n0;
  if (!in->survey->root[i]) set_trained(in, i, s);
  if (in->fixed_of[g] > 0) s->start[in->fixed_of[g]] = in->family->spread.base / (double)in->whole->real[i];
  if (in->corpus_of[g] > 0) set_corpus(in, i, s);
}

/* Each rank has set its nodes and left 0 elsewhere. */
static ouro_status share_nodes(MPI_Comm comm, ouro_system *s) {
  ouro_status status = OURO_OK;
  for (int k = 0; k < OURO_NODE_VECTORS; k++) {
    double *vector = s->node + (size_t)k * (size_t)s->n;
    OURO_AGREE(comm, ouro_mpi_status(MPI_Allreduce(MPI_IN_PLACE, vector, s->n, MPI_DOUBLE, MPI_SUM, comm)));
  }
cleanup:
  return status;
}

static ouro_status create(inputs *in, ouro_system **system) {
  ouro_status status = OURO_OK;
  ouro_system *made = NULL;
  *system = NULL;
  OURO_AGREE(in->graph->comm, inputs_allocate(in, &made));
  OURO_TRY(number_virtual(in));
  for (ouro_lid i = 0; i < in->graph->n_owned; i++) {
    add_rows(in, i, made);
    set_node(in, i, made);
  }
  made->spread = in->family->spread;
  made->forget = ouro_config_forget(in->config);
  made->subsample = ouro_survey_is_subsample(in->config);
  OURO_TRY(share_nodes(in->graph->comm, made));
  *system = made;
  made = NULL;
cleanup:
  free(in->fixed_of);
  free(in->corpus_of);
  ouro_system_destroy(&made);
  return status;
}

ouro_status ouro_system_create(const ouro_config *config, const ouro_family *family, const ouro_graph *graph,
                               const ouro_survey *survey, ouro_system **system) {
  inputs in = {config, family, graph, graph, survey, survey, NULL, NULL};
  return create(&in, system);
}

ouro_status ouro_system_create_now(const ouro_family *family, const ouro_schedule *schedule, const ouro_survey *survey,
                                   ouro_system **system) {
  ouro_status status = OURO_OK;
  const ouro_config *config = schedule->config;
  ouro_survey now = {0};
  *system = NULL;
  if (!schedule->varies) return ouro_system_create(config, family, schedule->whole, survey, system);
  OURO_TRY(ouro_survey_make(config, family, &schedule->now, &now));
  inputs in = {config, family, schedule->whole, &schedule->now, survey, &now, NULL, NULL};
  OURO_TRY(create(&in, system));
cleanup:
  ouro_survey_clear(&now);
  return status;
}
