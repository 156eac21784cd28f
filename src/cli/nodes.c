/* A file of node names, a node a line, turned into global ids. Rank 0 reads it; every rank looks its own nodes
 * up among the names. */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "ouro/base/memory.h"

#define MOST_NAMES 1000000

typedef struct name_line {
  const char *name;
  int64_t line; /* of the file, from 1 */
  int index;    /* among the names, in the order of the file */
} name_line;

typedef struct name_list {
  char *text; /* the file, cut into names */
  name_line *names;
  int n;
} name_list;

static ouro_status read_text(const char *path, char **text, int64_t *length) {
  ouro_status status = OURO_OK;
  FILE *file = fopen(path, "rb");
  OURO_CHECK(file, OURO_EIO, "%s: %s", path, strerror(errno));
  size_t capacity = 1 << 16, n = 0;
  OURO_NEW(*text, capacity);
  for (size_t got; (got = fread(*text + n, 1, capacity - n - 1, file)) > 0;) {
    n += got;
    OURO_CHECK(n < (size_t)MOST_NAMES * CLI_NAME_SIZE, OURO_ELIMIT, "%s: too long for a list of nodes", path);
    if (n + 1 == capacity) OURO_RESIZE(*text, capacity *= 2);
  }
  OURO_CHECK(!ferror(file), OURO_EIO, "%s: %s", path, strerror(errno));
  (*text)[n] = '\0';
  OURO_CHECK(strlen(*text) == n, OURO_EINPUT, "%s: holds a zero byte", path);
  *length = (int64_t)n;
cleanup:
  if (file) fclose(file);
  return status;
}

/* Rank 0 reads, all get the text. */
static ouro_status share_text(MPI_Comm comm, const char *path, char **text) {
  ouro_status status = OURO_OK;
  int64_t length = 0;
  const bool root = cli_is_root(comm);
  OURO_AGREE(comm, root ? read_text(path, text, &length) : OURO_OK);
  MPI_Bcast(&length, 1, MPI_INT64_T, 0, comm);
  if (!root) *text = ouro_memory_new((size_t)length + 1, 1);
  OURO_AGREE(comm, *text ? OURO_OK : OURO_ENOMEM);
  MPI_Bcast(*text, (int)length, MPI_CHAR, 0, comm);
cleanup:
  return status;
}

/* Leave the field before the first tab, without blanks at its end. */
static void trim(char *line) {
  size_t n = strcspn(line, "\t\r");
  while (n > 0 && line[n - 1] == ' ') n--;
  line[n] = '\0';
}

/* The first field of every line that is no comment and does not name the column. */
static ouro_status cut(const char *path, name_list *list) {
  ouro_status status = OURO_OK;
  int capacity = 0;
  int64_t line = 0;
  for (char *at = list->text, *next; at && *at; at = next) {
    next = strchr(at, '\n');
    if (next) *next++ = '\0';
    line++;
    trim(at);
    if (*at == '\0' || *at == '#' || *at == '%' || (line == 1 && strcmp(at, "node") == 0)) continue;
    OURO_CHECK(list->n < MOST_NAMES, OURO_ELIMIT, "%s: more than %d nodes", path, MOST_NAMES);
    if (list->n == capacity) OURO_RESIZE(list->names, capacity = capacity ? 2 * capacity : 64);
    list->names[list->n] = (name_line){at, line, list->n};
    list->n++;
  }
  OURO_CHECK(list->n > 0, OURO_EINPUT, "%s: names no model", path);
cleanup:
  return status;
}

static int by_name(const void *a, const void *b) {
  const name_line *x = a, *y = b;
  const int order = strcmp(x->name, y->name);
  return order ? order : (x->line > y->line) - (x->line < y->line);
}

/* Sort by name; a name given twice is an error. */
static ouro_status sort(const char *path, name_list *list) {
  qsort(list->names, (size_t)list->n, sizeof *list->names, by_name);
  for (int k = 1; k < list->n; k++) {
    const name_line *a = &list->names[k - 1], *b = &list->names[k];
    if (strcmp(a->name, b->name) != 0) continue;
    return ouro_error(OURO_EINPUT, "%s:%" PRId64 ": model `%s` stands in line %" PRId64 ", too", path, b->line, b->name,
                      a->line);
  }
  return OURO_OK;
}

static int match(const void *name, const void *entry) {
  return strcmp(name, ((const name_line *)entry)->name);
}

static void find_owned(const ouro_graph *graph, const name_list *list, ouro_gid *nodes) {
  char name[CLI_NAME_SIZE];
  for (int k = 0; k < list->n; k++) nodes[k] = -1;
  for (ouro_lid i = 0; i < graph->n_owned; i++) {
    ouro_graph_name(graph, i, name, sizeof name);
    const name_line *found = bsearch(name, list->names, (size_t)list->n, sizeof *found, match);
    if (found) nodes[found->index] = graph->gid[i];
  }
}

static ouro_status check_found(const char *path, const name_list *list, const ouro_gid *nodes) {
  const name_line *missing = NULL;
  for (int k = 0; k < list->n; k++) {
    const name_line *entry = &list->names[k];
    if (nodes[entry->index] < 0 && (missing == NULL || entry->line < missing->line)) missing = entry;
  }
  if (missing == NULL) return OURO_OK;
  return ouro_error(OURO_EINPUT, "%s:%" PRId64 ": the graph has no model `%s`", path, missing->line, missing->name);
}

ouro_status cli_nodes_read(const ouro_graph *graph, const char *path, ouro_gid **nodes, int *n) {
  ouro_status status = OURO_OK;
  name_list list = {0};
  *nodes = NULL;
  OURO_TRY(share_text(graph->comm, path, &list.text));
  OURO_AGREE(graph->comm, cut(path, &list));
  OURO_AGREE(graph->comm, sort(path, &list));
  *nodes = ouro_memory_new((size_t)list.n, sizeof **nodes);
  OURO_AGREE(graph->comm, *nodes ? OURO_OK : OURO_ENOMEM);
  find_owned(graph, &list, *nodes);
  MPI_Allreduce(MPI_IN_PLACE, *nodes, list.n, OURO_GID_MPI, MPI_MAX, graph->comm);
  OURO_AGREE(graph->comm, check_found(path, &list, *nodes));
  *n = list.n;
cleanup:
  if (status != OURO_OK) {
    free(*nodes);
    *nodes = NULL;
  }
  free(list.names);
  free(list.text);
  return status;
}
