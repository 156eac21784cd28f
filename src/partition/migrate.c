/* Moving nodes, with their feeds, real data and labels, to the ranks that own them. Content is kept: only who owns
 * what changes. Must not know how the owners were chosen. */

#include "ouro/partition/partition.h"

#include <stdlib.h>
#include <string.h>

#include "ouro/base/memory.h"
#include "partition/private.h"

/* What arrives on a rank, in ascending order of gid once sorted. */
typedef struct arrivals {
  bool labelled; /* integer labels travel, the same on all ranks */
  ouro_lid n;
  ouro_gid *gid;       /* [n] */
  ouro_count *real;    /* [n] */
  ouro_count *initial; /* [n] or NULL, and so .. */
  double *noise;       /* .. for these */
  int64_t *every;
  int64_t *label;   /* [n] or NULL */
  char *text;       /* [n][label_width] or NULL */
  ouro_feeds feeds; /* into these nodes */
} arrivals;

static void arrivals_clear(arrivals *to) {
  free(to->gid);
  free(to->real);
  free(to->initial);
  free(to->noise);
  free(to->every);
  free(to->label);
  free(to->text);
  ouro_feeds_clear(&to->feeds);
}

typedef struct place {
  ouro_gid gid;
  int64_t at;
} place;

static int by_gid(const void *a, const void *b) {
  const ouro_gid x = ((const place *)a)->gid, y = ((const place *)b)->gid;
  return (x > y) - (x < y);
}

/* Reorder n values by the sorted places; the old block is released. */
static ouro_status reorder(const place *places, int64_t n, size_t bytes, void **values) {
  if (*values == NULL || bytes == 0) return OURO_OK;
  char *ordered = ouro_memory_new((size_t)n, bytes);
  if (ordered == NULL) return OURO_ENOMEM;
  for (int64_t k = 0; k < n; k++) {
    memcpy(ordered + (size_t)k * bytes, (char *)*values + (size_t)places[k].at * bytes, bytes);
  }
  free(*values);
  *values = ordered;
  return OURO_OK;
}

#define REORDER(values, bytes)                                                                                         \
  do {                                                                                                                 \
    void *ouro_block = (values);                                                                                       \
    status = reorder(places, to->n, (bytes), &ouro_block);                                                             \
    (values) = ouro_block;                                                                                             \
    if (status != OURO_OK) goto cleanup;                                                                               \
  } while (0)

static ouro_status sort_nodes(arrivals *to, size_t width) {
  ouro_status status = OURO_OK;
  place *places = NULL;
  OURO_NEW(places, to->n);
  for (ouro_lid k = 0; k < to->n; k++) places[k] = (place){to->gid[k], k};
  qsort(places, (size_t)to->n, sizeof *places, by_gid);
  REORDER(to->gid, sizeof *to->gid);
  REORDER(to->real, sizeof *to->real);
  REORDER(to->initial, sizeof *to->initial);
  REORDER(to->noise, sizeof *to->noise);
  REORDER(to->every, sizeof *to->every);
  REORDER(to->label, sizeof *to->label);
  REORDER(to->text, width);
cleanup:
  free(places);
  return status;
}

static ouro_status allocate_nodes(const ouro_graph *graph, int64_t n, arrivals *to) {
  ouro_status status = OURO_OK;
  OURO_CHECK(n <= INT32_MAX, OURO_ELIMIT, "%" PRId64 " nodes on one rank; 32-bit local indices hold %d", n, INT32_MAX);
  to->n = (ouro_lid)n;
  OURO_NEW(to->gid, n);
  OURO_NEW(to->real, n);
  if (graph->initial) OURO_NEW(to->initial, n);
  if (graph->noise) OURO_NEW(to->noise, n);
  if (graph->every) OURO_NEW(to->every, n);
  if (to->labelled) OURO_NEW(to->label, n);
  if (graph->named) {
    size_t bytes;
    OURO_TRY(ouro_memory_product((size_t)n, (size_t)graph->label_width, &bytes));
    OURO_NEW(to->text, bytes);
  }
cleanup:
  return status;
}

static ouro_status move_nodes(const ouro_graph *graph, const int32_t *owner, arrivals *to) {
  ouro_status status = OURO_OK;
  ouro_route route = {0};
  const size_t width = (size_t)graph->label_width;
  int labelled = graph->label != NULL; /* a rank without nodes may have no array */
  MPI_Allreduce(MPI_IN_PLACE, &labelled, 1, MPI_INT, MPI_MAX, graph->comm);
  to->labelled = labelled != 0;
  OURO_TRY(ouro_route_open(graph->comm, graph->n_owned, owner, &route));
  OURO_AGREE(graph->comm, allocate_nodes(graph, route.n_received, to));
  OURO_TRY(ouro_route_send_field(&route, sizeof *to->gid, graph->gid, to->gid));
  OURO_TRY(ouro_route_send_field(&route, sizeof *to->real, graph->real, to->real));
  if (graph->initial) OURO_TRY(ouro_route_send_field(&route, sizeof *to->initial, graph->initial, to->initial));
  if (graph->noise) OURO_TRY(ouro_route_send_field(&route, sizeof *to->noise, graph->noise, to->noise));
  if (graph->every) OURO_TRY(ouro_route_send_field(&route, sizeof *to->every, graph->every, to->every));
  if (to->labelled) OURO_TRY(ouro_route_send_field(&route, sizeof *to->label, graph->label, to->label));
  if (graph->named && width) OURO_TRY(ouro_route_send_field(&route, width, graph->label_text, to->text));
  OURO_AGREE(graph->comm, sort_nodes(to, width));
cleanup:
  ouro_route_close(&route);
  return status;
}

/* The rank and the two ends of every feed, by global id. */
typedef struct departures {
  int32_t *rank;
  ouro_gid *id;
} departures;

static ouro_status allocate_departures(int64_t n, departures *from) {
  ouro_status status = OURO_OK;
  OURO_NEW(from->rank, n);
  OURO_NEW(from->id, n);
cleanup:
  return status;
}

/* Room for n feeds into owned nodes, counted as the graph counts them. */
static ouro_status allocate_feeds(const ouro_graph *graph, int64_t n, ouro_feeds *feeds, uint16_t **times) {
  ouro_status status = OURO_OK;
  OURO_NEW(feeds->source, n);
  OURO_NEW(feeds->target, n);
  if (graph->samples || graph->times)
    OURO_NEW(feeds->samples, n);
  else
    feeds->each = graph->each;
  if (graph->times) OURO_NEW(*times, n);
  feeds->n = feeds->capacity = n;
cleanup:
  return status;
}

static ouro_status move_samples(const ouro_graph *graph, const ouro_route *route, uint16_t *times, ouro_feeds *feeds) {
  ouro_status status = OURO_OK;
  if (graph->samples) return ouro_route_send_field(route, sizeof *feeds->samples, graph->samples, feeds->samples);
  if (graph->times == NULL) return OURO_OK;
  OURO_TRY(ouro_route_send_field(route, sizeof *times, graph->times, times));
  for (ouro_eid k = 0; k < feeds->n; k++) feeds->samples[k] = graph->each * times[k];
cleanup:
  return status;
}

static ouro_status move_feeds(const ouro_graph *graph, const int32_t *owner, ouro_feeds *feeds) {
  ouro_status status = OURO_OK;
  departures from = {0};
  ouro_route route = {0};
  uint16_t *times = NULL;
  const ouro_eid n = graph->row[graph->n_owned];
  OURO_AGREE(graph->comm, allocate_departures(n, &from));
  for (ouro_lid i = 0; i < graph->n_owned; i++) {
    for (ouro_eid k = graph->row[i]; k < graph->row[i + 1]; k++) {
      from.rank[k] = owner[i];
      from.id[k] = graph->gid[i];
    }
  }
  OURO_TRY(ouro_route_open(graph->comm, n, from.rank, &route));
  free(from.rank);
  from.rank = NULL;
  OURO_AGREE(graph->comm, allocate_feeds(graph, route.n_received, feeds, &times));
  OURO_TRY(ouro_route_send_field(&route, sizeof *from.id, from.id, feeds->target));
  for (ouro_eid k = 0; k < n; k++) from.id[k] = graph->gid[graph->source[k]];
  OURO_TRY(ouro_route_send_field(&route, sizeof *from.id, from.id, feeds->source));
  OURO_TRY(move_samples(graph, &route, times, feeds));
cleanup:
  ouro_route_close(&route);
  free(times);
  free(from.rank);
  free(from.id);
  return status;
}

static bool everyone_stays(const ouro_graph *graph, const int32_t *owner) {
  int rank, stays = 1;
  MPI_Comm_rank(graph->comm, &rank);
  for (ouro_lid i = 0; i < graph->n_owned && stays; i++) stays = owner[i] == rank;
  MPI_Allreduce(MPI_IN_PLACE, &stays, 1, MPI_INT, MPI_MIN, graph->comm);
  return stays != 0;
}

/* Give the moved graph what ouro_graph_assemble() does not know; arrays change hands. */
static void furnish(const ouro_graph *graph, arrivals *from, ouro_graph *moved) {
  free(moved->real);
  free(moved->label);
  free(moved->label_text);
  moved->real = from->real;
  moved->initial = from->initial;
  moved->noise = from->noise;
  moved->every = from->every;
  moved->label = from->label;
  moved->label_text = from->text;
  from->real = NULL;
  from->initial = NULL;
  from->noise = NULL;
  from->every = NULL;
  from->label = NULL;
  from->text = NULL;
  moved->named = graph->named;
  moved->label_width = graph->label_width;
  moved->n_merged = graph->n_merged;
}

ouro_status ouro_partition_migrate(ouro_graph **graph, const int32_t *owner) {
  ouro_status status = OURO_OK;
  arrivals to = {0};
  ouro_graph *moved = NULL;
  if (everyone_stays(*graph, owner)) return OURO_OK;
  OURO_TRY(move_nodes(*graph, owner, &to));
  OURO_TRY(move_feeds(*graph, owner, &to.feeds));
  OURO_TRY(ouro_graph_assemble((*graph)->comm, (*graph)->n_nodes, to.n, to.gid, &to.feeds, &moved));
  furnish(*graph, &to, moved);
  OURO_TRY(ouro_graph_share_noise(moved));
  ouro_graph_destroy(graph);
  *graph = moved;
  moved = NULL;
cleanup:
  ouro_graph_destroy(&moved);
  arrivals_clear(&to);
  return status;
}
