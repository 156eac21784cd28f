#ifndef OURO_TESTS_THEORY_MOVING_H
#define OURO_TESTS_THEORY_MOVING_H

/* The recursion of a small graph, from its set-up to its matrix. */

#include "model.h"
#include "theory/recursion.h"

/* A recursion of a small graph. */
typedef struct moving {
  ouro_graph *graph;
  ouro_survey survey;
  ouro_system *system;
  ouro_recursion *recursion;
} moving;

static inline void stop(moving *m) {
  ouro_recursion_destroy(&m->recursion);
  ouro_system_destroy(&m->system);
  ouro_survey_clear(&m->survey);
  ouro_graph_destroy(&m->graph);
}

static inline void prepare_family(const small *s, setting how, const ouro_family *family, int scattered, moving *m) {
  const ouro_config config = model_config(how);
  *m = (moving){0};
  m->graph = small_build(MPI_COMM_WORLD, s, scattered);
  assert_everywhere(m->graph != NULL);
  assert_ok(ouro_survey_make(&config, family, m->graph, &m->survey));
  assert_null(m->survey.obstacle);
  assert_ok(ouro_system_create(&config, family, m->graph, &m->survey, &m->system));
  assert_everywhere(m->system->n == m->survey.n && m->system->n_held == m->survey.held);
  assert_everywhere(m->system->first[m->system->n_held] == m->survey.held_weights);
}

static inline void prepare(const small *s, setting how, int scattered, moving *m) {
  const ouro_family family = model_family(how);
  prepare_family(s, how, &family, scattered, m);
}

static inline void set_moving(const ouro_engine_methods *engine, int block, moving *m) {
  assert_ok(ouro_recursion_create(MPI_COMM_WORLD, m->system, engine, block, &m->recursion));
}

static inline void advance(moving *m, int generations) {
  for (int t = 0; t < generations; t++) assert_ok(ouro_recursion_step(m->recursion));
}

static inline double entry(const moving *m, int i, int j) {
  double value = NAN;
  assert_ok(ouro_recursion_entry(m->recursion, i, j, &value));
  return value;
}

static inline int near(double value, double expected, double relative) {
  return fabs(value - expected) <= relative * fabs(expected) + 1e-300;
}

#endif
