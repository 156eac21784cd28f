#ifndef OURO_TESTS_GRAPH_OPENING_H
#define OURO_TESTS_GRAPH_OPENING_H

/* Opening small graphs and seeing what became of them. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../support/harness.h"
#include "ouro/graph/graph.h"

/* Defaults with round numbers of their own: feeds of 100, real data of 50 samples. */
static inline ouro_config opening_config(const char *file) {
  ouro_config config = {0};
  config.graph.file = (char *)(uintptr_t)file;
  config.graph.samples = 100;
  config.real.samples = 50;
  config.learning.seed = 1;
  return config;
}

/* The concatenation of one text a rank, on every rank; to be released with free(). */
static inline char *opening_gather(char *mine) {
  int n_ranks, length = (int)strlen(mine), total = 0;
  MPI_Comm_size(MPI_COMM_WORLD, &n_ranks);
  int *count = calloc((size_t)n_ranks + 1, sizeof *count), *first = calloc((size_t)n_ranks + 1, sizeof *first);
  MPI_Allgather(&length, 1, MPI_INT, count, 1, MPI_INT, MPI_COMM_WORLD);
  for (int r = 0; r < n_ranks; r++) {
    first[r] = total;
    total += count[r];
  }
  char *all = calloc((size_t)total + 1, 1);
  MPI_Allgatherv(mine, length, MPI_CHAR, all, count, first, MPI_CHAR, MPI_COMM_WORLD);
  free(count);
  free(first);
  free(mine);
  return all;
}

/* A graph as text, nodes in order: "name(real)=source*samples+source*samples name(real)= ...", the same on every
 * rank; to be released with free(). For graphs in blocks. */
static inline char *opening_text(const ouro_graph *graph) {
  char name[300], *mine = NULL;
  size_t size = 0;
  const char **label = calloc((size_t)graph->n_nodes + 1, sizeof *label);
  FILE *out = open_memstream(&mine, &size);
  for (ouro_lid i = 0; i < graph->n_owned; i++) fprintf(out, "%s\n", ouro_graph_name(graph, i, name, sizeof name));
  fclose(out);
  char *names = opening_gather(mine), *at = names;
  for (ouro_gid i = 0; i < graph->n_nodes; i++) {
    label[i] = at;
    at = strchr(at, '\n');
    *at++ = '\0';
  }
  out = open_memstream(&mine, &size);
  for (ouro_lid i = 0; i < graph->n_owned; i++) {
    fprintf(out, "%s%s(%" PRId64, graph->gid[i] ? " " : "", label[graph->gid[i]], graph->real[i]);
    if (graph->initial && graph->initial[i] > 0) fprintf(out, " initial %" PRId64, graph->initial[i]);
    if (graph->noise && graph->noise[i] >= 0) fprintf(out, " noise %g", graph->noise[i]);
    if (graph->every && graph->every[i] != 1) fprintf(out, " every %" PRId64, graph->every[i]);
    fprintf(out, ")=");
    for (ouro_eid k = graph->row[i]; k < graph->row[i + 1]; k++) {
      fprintf(out, "%s%s*%" PRId64, k > graph->row[i] ? "+" : "", label[graph->gid[graph->source[k]]],
              ouro_graph_samples(graph, k));
    }
  }
  fclose(out);
  free(label);
  free(names);
  return opening_gather(mine);
}

/* Whether a configuration gives this graph (as opening_text() writes it). Collective; says what differs. */
static inline int opens_as(const ouro_config *config, const char *expected) {
  ouro_graph *graph = NULL;
  const ouro_status status = ouro_graph_open(MPI_COMM_WORLD, config, &graph);
  if (!test_everywhere(status == OURO_OK, expected, __FILE__, __LINE__)) return 0;
  char *text = opening_text(graph);
  const int same = strcmp(text, expected) == 0 && ouro_graph_is_valid(graph);
  if (!same) fprintf(stderr, "got      %s\nexpected %s\n", text, expected);
  free(text);
  ouro_graph_destroy(&graph);
  return same;
}

/* Whether a configuration is refused with this status and a message that holds `part`, alike on all ranks. */
static inline int fails_as(const ouro_config *config, ouro_status expected, const char *part) {
  ouro_graph *graph = NULL;
  const ouro_status status = ouro_graph_open(MPI_COMM_WORLD, config, &graph);
  char message[1024] = "", mine[1024];
  snprintf(mine, sizeof mine, "%s", status == OURO_OK ? "(success)" : ouro_error_message());
  memcpy(message, mine, sizeof message);
  MPI_Bcast(message, sizeof message, MPI_CHAR, 0, MPI_COMM_WORLD);
  const int right = status == expected && graph == NULL && strstr(mine, part) && strcmp(mine, message) == 0;
  if (!right) fprintf(stderr, "status %d instead of %d: %s\nexpected: %s\n", (int)status, (int)expected, mine, part);
  ouro_graph_destroy(&graph);
  return right;
}

#endif
