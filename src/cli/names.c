/* Names of nodes that other ranks own. A halo whose ghosts are the wanted nodes carries them here, so nothing
 * is gathered on one rank. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "ouro/base/memory.h"

struct cli_names {
  ouro_gid *gid; /* [n] ascending */
  char *text;    /* [n][CLI_NAME_SIZE] */
  ouro_lid n;
};

static int ascending(const void *a, const void *b) {
  const ouro_gid x = *(const ouro_gid *)a, y = *(const ouro_gid *)b;
  return (x > y) - (x < y);
}

/* The wanted nodes that are not owned here, ascending, each once; returns their number. */
static ouro_lid foreign(const ouro_graph *graph, ouro_lid n, const ouro_gid *wanted, ouro_gid *out) {
  ouro_lid kept = 0, unique = 0;
  for (ouro_lid k = 0; k < n; k++) {
    if (wanted[k] >= 0 && ouro_graph_owned(graph, wanted[k]) < 0) out[kept++] = wanted[k];
  }
  qsort(out, (size_t)kept, sizeof *out, ascending);
  for (ouro_lid k = 0; k < kept; k++) {
    if (unique == 0 || out[unique - 1] != out[k]) out[unique++] = out[k];
  }
  return unique;
}

ouro_status cli_names_fetch(const ouro_graph *graph, ouro_lid n, const ouro_gid *wanted, cli_names **names) {
  ouro_status status = OURO_OK;
  ouro_halo *halo = NULL;
  cli_names *made = ouro_memory_new(1, sizeof *made);
  *names = NULL;
  ouro_gid *gid = ouro_memory_new((size_t)graph->n_owned + (size_t)n, sizeof *gid);
  OURO_AGREE(graph->comm, made && gid ? OURO_OK : OURO_ENOMEM);
  memcpy(gid, graph->gid, (size_t)graph->n_owned * sizeof *gid);
  const ouro_lid n_foreign = foreign(graph, n, wanted, gid + graph->n_owned);
  made->n = graph->n_owned + n_foreign;
  made->text = ouro_memory_new((size_t)made->n, CLI_NAME_SIZE);
  OURO_AGREE(graph->comm, made->text ? OURO_OK : OURO_ENOMEM);
  for (ouro_lid i = 0; i < graph->n_owned; i++) {
    ouro_graph_name(graph, i, made->text + (size_t)i * CLI_NAME_SIZE, CLI_NAME_SIZE);
  }
  OURO_TRY(ouro_halo_create(graph->comm, graph->n_nodes, graph->n_owned, n_foreign, gid, &halo));
  OURO_TRY(ouro_halo_update(halo, made->text, CLI_NAME_SIZE));
  made->gid = gid;
  gid = NULL;
  *names = made;
  made = NULL;
cleanup:
  ouro_halo_destroy(&halo);
  free(gid);
  cli_names_destroy(&made);
  return status;
}

const char *cli_names_get(const cli_names *names, const ouro_graph *graph, ouro_gid node) {
  if (node < 0) return "-";
  const ouro_gid *found = bsearch(&node, names->gid, (size_t)graph->n_owned, sizeof node, ascending);
  if (!found) {
    const size_t n_foreign = (size_t)(names->n - graph->n_owned);
    found = bsearch(&node, names->gid + graph->n_owned, n_foreign, sizeof node, ascending);
  }
  return found ? names->text + (size_t)(found - names->gid) * CLI_NAME_SIZE : "?";
}

void cli_names_destroy(cli_names **names) {
  if (*names == NULL) return;
  free((*names)->gid);
  free((*names)->text);
  free(*names);
  *names = NULL;
}
