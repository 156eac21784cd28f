/* A partition made before, read from its file: a headline, "node<TAB>part", then the nodes in order of their ids. Every
 * rank parses the lines that begin in its share of the bytes. Invariant: what is accepted is a partition of this very
 * graph. Writing is the command's. */

#include "partition/private.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ouro/base/memory.h"

enum { LINES_BEFORE = 2, NAME_SIZE = 256, HEADLINE_SIZE = 256 };

/* The finaliser of SplitMix64. */
static uint64_t mix(uint64_t word) {
  word = (word ^ (word >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
  word = (word ^ (word >> 27)) * UINT64_C(0x94d049bb133111eb);
  return word ^ (word >> 31);
}

/* Who feeds whom as one number: a sum over feeds, so that neither order nor owners matter. Counts do not belong to it:
 * a partition is as good for other ones. */
static uint64_t digest(const ouro_graph *graph) {
  uint64_t sum = 0;
  for (ouro_lid i = 0; i < graph->n_owned; i++) {
    for (ouro_eid k = graph->row[i]; k < graph->row[i + 1]; k++) {
      const uint64_t source = (uint64_t)graph->gid[graph->source[k]], target = (uint64_t)graph->gid[i];
      sum += mix(mix(source + 1) + target);
    }
  }
  MPI_Allreduce(MPI_IN_PLACE, &sum, 1, MPI_UINT64_T, MPI_SUM, graph->comm);
  return sum;
}

#define HEADLINE "# ouro partition: nodes %" PRId64 ", parts %" PRId64 ", feeds %" PRIx64

const char *ouro_partition_headline(const ouro_graph *graph, const ouro_partition_figures *figures, char *text,
                                    size_t size) {
  snprintf(text, size, HEADLINE ", by %s", graph->n_nodes, (int64_t)figures->n_parts, digest(graph), figures->method);
  return text;
}

/* What the headline says, and where the lines of nodes are. */
typedef struct heading {
  int64_t n_nodes, n_parts, first, end; /* first, end: bytes of the file */
  uint64_t digest;
} heading;

/* On rank 0. */
static ouro_status read_heading(const char *path, heading *of) {
  ouro_status status = OURO_OK;
  char line[HEADLINE_SIZE];
  FILE *file = fopen(path, "rb");
  OURO_CHECK(file, OURO_EIO, "%s: %s", path, strerror(errno));
  const bool known = fgets(line, sizeof line, file) &&
                     sscanf(line, "# ouro partition: nodes %" SCNd64 ", parts %" SCNd64 ", feeds %" SCNx64,
                            &of->n_nodes, &of->n_parts, &of->digest) == 3;
  OURO_CHECK(known, OURO_EINPUT, "%s:1: not a partition that `ouro partition -o` wrote", path);
  OURO_CHECK(fgets(line, sizeof line, file) && strncmp(line, "node\tpart", 9) == 0, OURO_EINPUT,
             "%s:2: needs the line `node<TAB>part`", path);
  of->first = ftello(file);
  OURO_CHECK(of->first >= 0 && fseeko(file, 0, SEEK_END) == 0, OURO_EIO, "%s: %s", path, strerror(errno));
  of->end = ftello(file);
cleanup:
  if (file) fclose(file);
  return status;
}

static ouro_status check_heading(const ouro_graph *graph, const char *path, const heading *of, int n_parts) {
  const uint64_t feeds = digest(graph);
  if (of->n_nodes != graph->n_nodes) {
    return ouro_error(OURO_EINPUT, "%s:1: a partition of %" PRId64 " models; this graph has %" OURO_GID_FMT, path,
                      of->n_nodes, graph->n_nodes);
  }
  if (of->digest != feeds) {
    return ouro_error(OURO_EINPUT, "%s:1: a partition of another graph, of as many models: who feeds whom differs",
                      path);
  }
  if (of->n_parts != n_parts) {
    return ouro_error(OURO_EINPUT,
                      "%s:1: a partition into %" PRId64 " parts, where %d are wanted (one a rank that "
                      "shares the graph)",
                      path, of->n_parts, n_parts);
  }
  return OURO_OK;
}

/* A line: its number among the nodes, so the node's id; its part; a digest of the name. */
enum { INDEX, PART, NAME, WIDTH };

typedef struct lines {
  int64_t n, capacity, wrong; /* wrong: the first line that cannot be read, counted here, or -1 */
  int64_t *record;            /* [n][WIDTH] */
} lines;

static int64_t name_digest(const char *name, size_t length) {
  uint64_t word = length;
  for (size_t k = 0; k < length; k++) word = mix(word + (unsigned char)name[k] + 1);
  return (int64_t)word;
}

static ouro_status add_line(const char *text, int64_t n_parts, lines *to) {
  ouro_status status = OURO_OK;
  const char *tab = strrchr(text, '\t');
  char *end = NULL;
  if (to->n == to->capacity) {
    const int64_t capacity = 2 * to->capacity + 1024;
    OURO_RESIZE(to->record, capacity * WIDTH);
    to->capacity = capacity;
  }
  errno = 0;
  const long part = tab ? strtol(tab + 1, &end, 10) : -1;
  const bool right =
      tab && end != tab + 1 && strspn(end, "\r\n") == strlen(end) && errno == 0 && part >= 0 && part < n_parts;
  if (!right && to->wrong < 0) to->wrong = to->n;
  int64_t *record = to->record + WIDTH * to->n++;
  record[PART] = part;
  record[NAME] = tab ? name_digest(text, (size_t)(tab - text)) : 0;
cleanup:
  return status;
}

/* The lines that begin at bytes from .. to-1. */
static ouro_status parse_range(FILE *file, const char *path, int64_t from, int64_t to, const heading *of, lines *here) {
  ouro_status status = OURO_OK;
  char *text = NULL;
  size_t capacity = 0;
  int64_t at = from;
  if (from >= to) return OURO_OK;
  if (from > of->first) at--; /* the line that holds this byte, if only its end, is not ours */
  OURO_CHECK(fseeko(file, at, SEEK_SET) == 0, OURO_EIO, "%s: %s", path, strerror(errno));
  bool ours = from == of->first;
  for (ssize_t length; at < to && (length = getline(&text, &capacity, file)) >= 0; ours = true) {
    at += length;
    if (ours) OURO_TRY(add_line(text, of->n_parts, here));
  }
  OURO_CHECK(!ferror(file), OURO_EIO, "%s: %s", path, strerror(errno));
cleanup:
  free(text);
  return status;
}

static ouro_status parse_share(MPI_Comm comm, const char *path, const heading *of, lines *here) {
  int rank, n_ranks;
  MPI_Comm_rank(comm, &rank);
  MPI_Comm_size(comm, &n_ranks);
  const int64_t bytes = of->end - of->first;
  FILE *file = fopen(path, "rb");
  if (file == NULL) return ouro_error(OURO_EIO, "%s: %s", path, strerror(errno));
  const ouro_status status = parse_range(file, path, of->first + ouro_graph_block_first(bytes, n_ranks, rank),
                                         of->first + ouro_graph_block_first(bytes, n_ranks, rank + 1), of, here);
  fclose(file);
  return status;
}

/* Number the lines over all ranks, and judge them. */
static ouro_status number_lines(MPI_Comm comm, const char *path, const heading *of, lines *here) {
  int64_t before = 0, all = here->n;
  int rank;
  MPI_Comm_rank(comm, &rank);
  MPI_Exscan(&here->n, &before, 1, MPI_INT64_T, MPI_SUM, comm);
  if (rank == 0) before = 0;
  MPI_Allreduce(MPI_IN_PLACE, &all, 1, MPI_INT64_T, MPI_SUM, comm);
  for (int64_t k = 0; k < here->n; k++) here->record[WIDTH * k + INDEX] = before + k;
  ouro_status status = OURO_OK;
  if (here->wrong >= 0) {
    status = ouro_error(OURO_EINPUT, "%s:%" PRId64 ": needs a model and its part, 0 to %" PRId64, path,
                        before + here->wrong + 1 + LINES_BEFORE, of->n_parts - 1);
  }
  status = ouro_agree(comm, status);
  if (status != OURO_OK || all == of->n_nodes) return status;
  return ouro_error(OURO_EINPUT, "%s: has lines for %" PRId64 " models of %" PRId64, path, all, of->n_nodes);
}

/* What a node's line says. */
typedef struct entry {
  int64_t part, name;
} entry;

/* Lines to the ranks of their blocks, and from there to the owners. */
static ouro_status deliver(const ouro_graph *graph, const lines *here, entry *owned) {
  ouro_status status = OURO_OK;
  int rank, n_ranks;
  int64_t *received = NULL;
  entry *mine = NULL;
  ouro_route route = {0};
  MPI_Comm_rank(graph->comm, &rank);
  MPI_Comm_size(graph->comm, &n_ranks);
  const ouro_gid first = ouro_graph_block_first(graph->n_nodes, n_ranks, rank);
  int *to = ouro_memory_new((size_t)here->n, sizeof *to);
  OURO_AGREE(graph->comm, to ? OURO_OK : OURO_ENOMEM);
  for (int64_t k = 0; k < here->n; k++) {
    to[k] = ouro_graph_block_rank(graph->n_nodes, n_ranks, here->record[WIDTH * k + INDEX]);
  }
  OURO_TRY(ouro_route_open(graph->comm, here->n, to, &route));
  OURO_TRY(ouro_route_send(&route, WIDTH, here->record, &received));
  mine = ouro_memory_new((size_t)route.n_received, sizeof *mine);
  OURO_AGREE(graph->comm, mine ? OURO_OK : OURO_ENOMEM);
  for (int64_t k = 0; k < route.n_received; k++) {
    const int64_t *record = received + WIDTH * k;
    mine[record[INDEX] - first] = (entry){record[PART], record[NAME]};
  }
  OURO_TRY(ouro_partition_ask(graph, sizeof *mine, mine, owned));
cleanup:
  ouro_route_close(&route);
  free(received);
  free(mine);
  free(to);
  return status;
}

static ouro_status check_names(const ouro_graph *graph, const char *path, const entry *owned) {
  char name[NAME_SIZE];
  for (ouro_lid i = 0; i < graph->n_owned; i++) {
    ouro_graph_name(graph, i, name, sizeof name);
    if (name_digest(name, strlen(name)) == owned[i].name) continue;
    return ouro_error(OURO_EINPUT, "%s:%" PRId64 ": another model than `%s`, which this graph has there", path,
                      graph->gid[i] + 1 + LINES_BEFORE, name);
  }
  return OURO_OK;
}

ouro_status ouro_partition_read(const ouro_graph *graph, const char *path, int n_parts, int32_t *owner) {
  ouro_status status = OURO_OK;
  int rank;
  heading of = {0};
  lines here = {.wrong = -1};
  entry *owned = NULL;
  MPI_Comm_rank(graph->comm, &rank);
  OURO_AGREE(graph->comm, rank == 0 ? read_heading(path, &of) : OURO_OK);
  MPI_Bcast(&of, sizeof of, MPI_BYTE, 0, graph->comm);
  OURO_TRY(check_heading(graph, path, &of, n_parts));
  OURO_AGREE(graph->comm, parse_share(graph->comm, path, &of, &here));
  OURO_TRY(number_lines(graph->comm, path, &of, &here));
  owned = ouro_memory_new((size_t)graph->n_owned, sizeof *owned);
  OURO_AGREE(graph->comm, owned ? OURO_OK : OURO_ENOMEM);
  OURO_TRY(deliver(graph, &here, owned));
  OURO_AGREE(graph->comm, check_names(graph, path, owned));
  for (ouro_lid i = 0; i < graph->n_owned; i++) owner[i] = (int32_t)owned[i].part;
cleanup:
  free(here.record);
  free(owned);
  return status;
}
