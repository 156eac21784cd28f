/* The distributed graph as an object: its end, its validity, its names. See graph.h.
 * Does not know how a graph comes about. */

#include "ouro/graph/mixing.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "graph/check.h"
#include "ouro/base/memory.h"

void ouro_graph_destroy(ouro_graph **graph) {
  if (*graph == NULL) return;
  ouro_halo_destroy(&(*graph)->halo);
  free((*graph)->gid);
  free((*graph)->row);
  free((*graph)->source);
  free((*graph)->samples);
  free((*graph)->times);
  free((*graph)->real);
  free((*graph)->initial);
  free((*graph)->noise);
  free((*graph)->every);
  free((*graph)->label_text);
  free((*graph)->label);
  free(*graph);
  *graph = NULL;
}

static ouro_status make_room_for_ghosts(ouro_graph *graph) {
  ouro_status status = OURO_OK;
  OURO_RESIZE(graph->noise, (size_t)graph->n_owned + (size_t)graph->n_ghost);
cleanup:
  return status;
}

ouro_status ouro_graph_share_noise(ouro_graph *graph) {
  ouro_status status = OURO_OK;
  if (graph->noise == NULL) return OURO_OK;
  OURO_AGREE(graph->comm, make_room_for_ghosts(graph));
  OURO_TRY(ouro_halo_update(graph->halo, graph->noise, sizeof *graph->noise));
cleanup:
  return status;
}

/* ---- validity ---- */

static ouro_status check_ids(const ouro_graph *graph) {
  ouro_status status = OURO_OK;
  OURO_CHECK(graph->n_nodes >= 0 && graph->n_owned >= 0 && graph->n_ghost >= 0 &&
                 graph->n_owned <= INT32_MAX - graph->n_ghost,
             OURO_EINTERNAL, "numbers of nodes out of range");
  for (ouro_lid i = 0; i < graph->n_owned + graph->n_ghost; i++) {
    const bool first = i == 0 || i == graph->n_owned;
    OURO_CHECK(graph->gid[i] >= 0 && graph->gid[i] < graph->n_nodes, OURO_EINTERNAL,
               "node id %" OURO_GID_FMT " is out of range", graph->gid[i]);
    OURO_CHECK(first || graph->gid[i - 1] < graph->gid[i], OURO_EINTERNAL, "node id %" OURO_GID_FMT " does not ascend",
               graph->gid[i]);
  }
cleanup:
  return status;
}

static ouro_status check_rows(const ouro_graph *graph) {
  ouro_status status = OURO_OK;
  OURO_CHECK(graph->row[0] == 0, OURO_EINTERNAL, "the first row starts at %" OURO_EID_FMT, graph->row[0]);
  for (ouro_lid i = 0; i < graph->n_owned; i++) {
    OURO_CHECK(graph->row[i] <= graph->row[i + 1], OURO_EINTERNAL, "the row of node %" OURO_GID_FMT " ends early",
               graph->gid[i]);
    OURO_CHECK(graph->real[i] >= 0, OURO_EINTERNAL, "node %" OURO_GID_FMT " has %" OURO_COUNT_FMT " real samples",
               graph->gid[i], graph->real[i]);
  }
cleanup:
  return status;
}

/* What single models have of their own. */
static ouro_status check_traits(const ouro_graph *graph) {
  ouro_status status = OURO_OK;
  for (ouro_lid i = 0; i < graph->n_owned; i++) {
    OURO_CHECK(graph->initial == NULL || graph->initial[i] >= 0, OURO_EINTERNAL,
               "node %" OURO_GID_FMT " has %" OURO_COUNT_FMT " initial samples", graph->gid[i], graph->initial[i]);
    OURO_CHECK(graph->noise == NULL || !(graph->noise[i] < 0), OURO_EINTERNAL, "node %" OURO_GID_FMT " has noise %g",
               graph->gid[i], graph->noise[i]);
    OURO_CHECK(graph->every == NULL || graph->every[i] >= 1, OURO_EINTERNAL,
               "node %" OURO_GID_FMT " is retrained every %" PRId64 " generations", graph->gid[i], graph->every[i]);
  }
cleanup:
  return status;
}

/* The feeds of one node. Marks the ghosts they come from. */
static ouro_status check_feeds(const ouro_graph *graph, ouro_lid node, int8_t *used) {
  ouro_status status = OURO_OK;
  const ouro_gid id = graph->gid[node];
  ouro_gid before = -1;
  ouro_count all = graph->real[node];
  for (ouro_eid k = graph->row[node]; k < graph->row[node + 1]; k++) {
    const ouro_lid source = graph->source[k];
    OURO_CHECK(source >= 0 && source < graph->n_owned + graph->n_ghost, OURO_EINTERNAL,
               "node %" OURO_GID_FMT " has a source out of range", id);
    OURO_CHECK(graph->gid[source] > before, OURO_EINTERNAL, "the sources of node %" OURO_GID_FMT " do not ascend", id);
    OURO_CHECK(ouro_graph_samples(graph, k) > 0, OURO_EINTERNAL, "node %" OURO_GID_FMT " has a feed of no samples", id);
    OURO_CHECK(!__builtin_add_overflow(all, ouro_graph_samples(graph, k), &all), OURO_EINTERNAL,
               "node %" OURO_GID_FMT " has more samples than can be counted", id);
    before = graph->gid[source];
    if (source >= graph->n_owned) used[source - graph->n_owned] = 1;
  }
cleanup:
  return status;
}

static ouro_status check_all_feeds(const ouro_graph *graph) {
  ouro_status status = OURO_OK;
  int8_t *used = NULL;
  OURO_NEW(used, graph->n_ghost);
  for (ouro_lid i = 0; i < graph->n_owned; i++) OURO_TRY(check_feeds(graph, i, used));
  for (ouro_lid g = 0; g < graph->n_ghost; g++) {
    OURO_CHECK(used[g], OURO_EINTERNAL, "ghost %" OURO_GID_FMT " feeds nothing here", graph->gid[graph->n_owned + g]);
  }
cleanup:
  free(used);
  return status;
}

static ouro_status check_labels(const ouro_graph *graph) {
  ouro_status status = OURO_OK;
  OURO_CHECK(graph->named == (graph->label_text != NULL), OURO_EINTERNAL,
             "names without being named, or named without");
  OURO_CHECK(!graph->named || graph->label == NULL, OURO_EINTERNAL, "a named graph with integer labels");
  OURO_CHECK(!graph->named || graph->label_width > 0, OURO_EINTERNAL, "names of %d bytes", graph->label_width);
cleanup:
  return status;
}

static ouro_status check_here(const ouro_graph *graph) {
  ouro_status status = OURO_OK;
  OURO_TRY(check_ids(graph));
  OURO_TRY(check_rows(graph));
  OURO_TRY(check_traits(graph));
  OURO_TRY(check_all_feeds(graph));
  OURO_TRY(check_labels(graph));
  OURO_CHECK(graph->halo, OURO_EINTERNAL, "no halo");
cleanup:
  return status;
}

/* What every rank must say alike, and the total that must come out. */
static ouro_status check_global(const ouro_graph *graph) {
  ouro_status status = OURO_OK;
  enum { N_ALIKE = 8 };
  const int64_t held = (graph->samples != NULL) + 2 * (graph->times != NULL);
  const int64_t traits = (graph->initial != NULL) + 2 * (graph->noise != NULL) + 4 * (graph->every != NULL);
  const int64_t alike[N_ALIKE] = {graph->n_nodes,     graph->n_feeds, graph->n_merged, graph->named,
                                  graph->label_width, traits,         graph->each,     held};
  int64_t extreme[2 * N_ALIKE], n_feeds = graph->row[graph->n_owned];
  for (int k = 0; k < N_ALIKE; k++) {
    extreme[k] = alike[k];
    extreme[N_ALIKE + k] = -alike[k];
  }
  MPI_Allreduce(MPI_IN_PLACE, extreme, 2 * N_ALIKE, MPI_INT64_T, MPI_MAX, graph->comm);
  MPI_Allreduce(MPI_IN_PLACE, &n_feeds, 1, MPI_INT64_T, MPI_SUM, graph->comm);
  for (int k = 0; k < N_ALIKE; k++) {
    OURO_CHECK(extreme[k] == -extreme[N_ALIKE + k], OURO_EINTERNAL, "ranks differ in a figure of the whole graph");
  }
  OURO_CHECK(n_feeds == graph->n_feeds, OURO_EINTERNAL, "%" OURO_EID_FMT " feeds instead of %" OURO_EID_FMT, n_feeds,
             graph->n_feeds);
  OURO_CHECK(graph->n_merged >= 0, OURO_EINTERNAL, "%" OURO_EID_FMT " feeds merged", graph->n_merged);
cleanup:
  return status;
}

static bool same_words(const int32_t *a, const int32_t *b, size_t n) {
  return n == 0 || memcmp(a, b, n * sizeof *a) == 0;
}

static ouro_status compare_halo(const ouro_halo *halo, const ouro_halo *right) {
  const bool same = halo->n_owned == right->n_owned && halo->n_ghost == right->n_ghost &&
                    halo->n_receive == right->n_receive && halo->n_send == right->n_send &&
                    same_words(halo->receive_rank, right->receive_rank, (size_t)right->n_receive) &&
                    same_words(halo->receive_row, right->receive_row, (size_t)right->n_receive + 1) &&
                    same_words(halo->receive, right->receive, (size_t)right->n_ghost) &&
                    same_words(halo->send_rank, right->send_rank, (size_t)right->n_send) &&
                    same_words(halo->send_row, right->send_row, (size_t)right->n_send + 1) &&
                    same_words(halo->send, right->send, (size_t)right->send_row[right->n_send]);
  return same ? OURO_OK : ouro_error(OURO_EINTERNAL, "the halo does not match the graph");
}

ouro_status ouro_graph_check(const ouro_graph *graph) {
  ouro_status status = OURO_OK;
  ouro_halo *right = NULL;
  OURO_AGREE(graph->comm, check_here(graph));
  OURO_TRY(check_global(graph));
  /* A halo made afresh: its directory also finds nodes with two owners or none. */
  OURO_TRY(ouro_halo_create(graph->comm, graph->n_nodes, graph->n_owned, graph->n_ghost, graph->gid, &right));
  OURO_AGREE(graph->comm, compare_halo(graph->halo, right));
cleanup:
  ouro_halo_destroy(&right);
  return status;
}

bool ouro_graph_is_valid(const ouro_graph *graph) {
  return ouro_graph_check(graph) == OURO_OK;
}

/* ---- names and figures of a node ---- */

const char *ouro_graph_name(const ouro_graph *graph, ouro_lid owned, char *text, size_t size) {
  if (graph->named) {
    snprintf(text, size, "%.*s", graph->label_width, graph->label_text + (size_t)owned * (size_t)graph->label_width);
  } else {
    snprintf(text, size, "%" PRId64, graph->label ? graph->label[owned] : graph->gid[owned]);
  }
  return text;
}

static int compare_gid(const void *left, const void *right) {
  const ouro_gid a = *(const ouro_gid *)left, b = *(const ouro_gid *)right;
  return (a > b) - (a < b);
}

ouro_lid ouro_graph_owned(const ouro_graph *graph, ouro_gid node) {
  const ouro_gid *found = bsearch(&node, graph->gid, (size_t)graph->n_owned, sizeof node, compare_gid);
  return found ? (ouro_lid)(found - graph->gid) : -1;
}

const char *ouro_graph_name_of(const ouro_graph *graph, ouro_gid node, char *text, size_t size) {
  int rank, owner = -1;
  const ouro_lid found = ouro_graph_owned(graph, node);
  snprintf(text, size, "%" OURO_GID_FMT, node);
  MPI_Comm_rank(graph->comm, &rank);
  if (found >= 0) owner = rank;
  MPI_Allreduce(MPI_IN_PLACE, &owner, 1, MPI_INT, MPI_MAX, graph->comm);
  if (owner < 0) return text;
  if (found >= 0) ouro_graph_name(graph, found, text, size);
  MPI_Bcast(text, (int)size, MPI_CHAR, owner, graph->comm);
  return text;
}

ouro_count ouro_graph_training_size(const ouro_graph *graph, ouro_lid owned) {
  ouro_count n = graph->real[owned];
  for (ouro_eid k = graph->row[owned]; k < graph->row[owned + 1]; k++) n += ouro_graph_samples(graph, k);
  return n;
}

double ouro_mixing_size(const ouro_graph *graph, ouro_mixing mixing, ouro_lid owned) {
  const ouro_count n = ouro_graph_training_size(graph, owned), real = graph->real[owned];
  const bool weighted = mixing.real_counts && mixing.real_weight > 0 && real > 0 && n > real;
  if (weighted) return (double)(n - real) / (1 - mixing.real_weight);
  return (double)(mixing.real_counts ? n : n - real);
}

bool ouro_graph_is_root(const ouro_graph *graph, ouro_lid owned) {
  return graph->row[owned] == graph->row[owned + 1] && graph->real[owned] == 0;
}
